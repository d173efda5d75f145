"""Input types: what data an operation reads, from Python objects, files, JSON and named samples."""

from typing import Annotated

from prism_kernels.inputs.input import Input, Sample, sample
from prism_kernels.inputs.observations import Observations
from prism_kernels.inputs.series import Series

AnySeries = Annotated[object, Series]
"""Whatever :class:`Series` can read."""

AnyObservations = Annotated[object, Observations]
"""Whatever :class:`Observations` can read."""

__all__ = ["AnyObservations", "AnySeries", "Input", "Observations", "Sample", "Series", "sample"]
