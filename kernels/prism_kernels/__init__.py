"""The compute of PRISM: typed operations over the array the caller brings.

``import prism_kernels`` loads numpy and pydantic, nothing heavier; each domain loads when it is first used.
"""

from prism_kernels import data
from prism_kernels.arrays import namespace_of, to_numpy
from prism_kernels.engine import map_runs
from prism_kernels.errors import Cancelled, InvalidInput, MissingLibrary, MixedArrays, NotConverged, PrismError
from prism_kernels.inputs import AnySeries, Input, Sample, Series, sample
from prism_kernels.operation import Operation, find, operation, operations
from prism_kernels.progress import Listener, track
from prism_kernels.result import Result
from prism_kernels.run import Provenance, Run, run

__version__ = "0.1.0"

__all__ = [
    "AnySeries",
    "Cancelled",
    "Input",
    "InvalidInput",
    "Listener",
    "MissingLibrary",
    "MixedArrays",
    "NotConverged",
    "Operation",
    "PrismError",
    "Provenance",
    "Result",
    "Run",
    "Sample",
    "Series",
    "data",
    "find",
    "map_runs",
    "namespace_of",
    "operation",
    "operations",
    "run",
    "sample",
    "to_numpy",
    "track",
]
