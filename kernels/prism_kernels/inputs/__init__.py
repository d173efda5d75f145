"""Input types: what data an operation reads, from Python objects, files, JSON and named samples."""

from typing import Annotated

from prism_kernels.inputs.expectations import Covariance, ExpectedReturns
from prism_kernels.inputs.holdings import Holdings
from prism_kernels.inputs.input import Input, Sample, sample
from prism_kernels.inputs.observations import Observations
from prism_kernels.inputs.portfolio import Portfolio
from prism_kernels.inputs.prices import Prices
from prism_kernels.inputs.returns import Returns
from prism_kernels.inputs.series import Series
from prism_kernels.inputs.signals import Signals
from prism_kernels.inputs.weights import Weights

AnySeries = Annotated[object, Series]
"""Whatever :class:`Series` can read."""

AnyObservations = Annotated[object, Observations]
"""Whatever :class:`Observations` can read."""

AnyPrices = Annotated[object, Prices]
"""Whatever :class:`Prices` can read."""

AnyReturns = Annotated[object, Returns]
"""Whatever :class:`Returns` can read."""

AnySignals = Annotated[object, Signals]
"""Whatever :class:`Signals` can read."""

AnyWeights = Annotated[object, Weights]
"""Whatever :class:`Weights` can read."""

AnyHoldings = Annotated[object, Holdings]
"""Whatever :class:`Holdings` can read."""

AnyPortfolio = Annotated[object, Portfolio]
"""Whatever :class:`Portfolio` can read: weights or shares."""

AnyExpectedReturns = Annotated[object, ExpectedReturns]
"""Whatever :class:`ExpectedReturns` can read."""

AnyCovariance = Annotated[object, Covariance]
"""Whatever :class:`Covariance` can read."""

__all__ = [
    "AnyCovariance",
    "AnyExpectedReturns",
    "AnyHoldings",
    "AnyObservations",
    "AnyPortfolio",
    "AnyPrices",
    "AnyReturns",
    "AnySeries",
    "AnySignals",
    "AnyWeights",
    "Covariance",
    "ExpectedReturns",
    "Holdings",
    "Input",
    "Observations",
    "Portfolio",
    "Prices",
    "Returns",
    "Sample",
    "Series",
    "Signals",
    "Weights",
    "sample",
]
