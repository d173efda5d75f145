"""placeholder"""
from dataclasses import dataclass
from typing import Annotated
from annotated_types import Ge
from jaxtyping import Float
from prism_kernels.arrays import Array, namespace_of
from prism_kernels.inputs import AnySeries, Series
from prism_kernels.operation import operation
from prism_kernels.result import Result

@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Metrics(Result):
    """Errors.

    Attributes
    ----------
    mae
        Mean absolute error.
    """
    mae: Float[Array, " series"]

@operation("timeseries.metrics", example={"y_true": "nile", "y_pred": "nile"})
def metrics(y_true: AnySeries, y_pred: AnySeries, *, season_length: Annotated[int, Ge(1)] = 1) -> Metrics:
    """Measure forecast errors."""
    a, b = Series.of(y_true, field="y_true"), Series.of(y_pred, field="y_pred")
    xp = namespace_of(y_true=a.values, y_pred=b.values)
    return Metrics(mae=xp.mean(xp.abs(a.values-b.values), axis=1), axes={"series": a.names})
