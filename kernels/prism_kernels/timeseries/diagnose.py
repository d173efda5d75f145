"""``diagnose``: what a model left over, and whether it is noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Float, Int

from prism_kernels.arrays import Array, like
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import AnySeries, Series
from prism_kernels.operation import operation
from prism_kernels.refusal import counted
from prism_kernels.result import Result
from prism_kernels.timeseries.units import unit_of

__all__ = ["Diagnosis", "diagnose"]

_LEAST = 8
_ROUNDING = 1e-30  # variance over squared mean that is nothing but the rounding of the mean


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Diagnosis(Result):
    """What residuals look like: their memory and their shape.

    Attributes
    ----------
    acf
        Autocorrelation at each lag, from 1.
    acf_bound
        What 95 % of the autocorrelations of white noise stay below, in size.
    ljung_box
        Statistic of Ljung and Box over all the lags.
    ljung_box_p
        Its p-value: small where the residuals remember.
    jarque_bera
        Statistic of Jarque and Bera: skewness and kurtosis together.
    jarque_bera_p
        Its p-value: small where the residuals are not normal.
    mean, sd
        Mean and standard deviation, in the unit of the series.
    count
        Number of residuals in each bin of the histogram.
    edge
        Ends of the bins, in the unit of the series.
    """

    acf: Float[Array, "series lag"]
    acf_bound: Float[Array, " series"]
    ljung_box: Float[Array, " series"]
    ljung_box_p: Float[Array, " series"]
    jarque_bera: Float[Array, " series"]
    jarque_bera_p: Float[Array, " series"]
    mean: Float[Array, " series"]
    sd: Float[Array, " series"]
    count: Int[Array, "series bin"]
    edge: Float[Array, "series edge"]


@operation("timeseries.diagnose", example={"y": "nile"})
def diagnose(
    y: AnySeries,
    *,
    max_lag: Annotated[int, Ge(1), Le(10_000)] | None = None,
    n_params: Annotated[int, Ge(0), Le(1000)] = 0,
    bins: Annotated[int, Ge(2), Le(1000)] = 21,
) -> Diagnosis:
    r"""Tell whether residuals are noise: autocorrelations, their joint test, and their distribution.

    Parameters
    ----------
    y
        Residuals, such as ``forecast(...).residuals``; leading NaN is passed over.
    max_lag
        Largest lag, in periods; nothing takes 40, or a quarter of the periods where that is less.
    n_params
        Number of estimated coefficients, which the joint test loses as degrees of freedom.
    bins
        Number of bins of the histogram.

    Raises
    ------
    InvalidInput
        For missing values inside, fewer than 8 residuals, residuals that are all alike, or a lag they do not reach.

    Notes
    -----
    With the sample autocorrelations :math:`r_k` of n residuals, :math:`Q = n(n+2) \sum_k r_k^2 / (n-k)` is compared
    with a χ² distribution of ``max_lag - n_params`` degrees of freedom, one at least. Runs on CPU.

    References
    ----------
    Ljung, G. M. and Box, G. E. P. (1978), "On a measure of lack of fit in time series models".
    Jarque, C. M. and Bera, A. K. (1980), "Efficient tests for normality, homoscedasticity and serial independence of
    regression residuals".
    """
    series = Series.of(y)
    series.require_complete("y", "fill them")
    shortest, name = series.length - int(series.first.max()), series.names[int(series.first.argmax())]
    inside = f" in {name}" if series.count > 1 else ""
    if shortest < _LEAST:
        msg = f"y has {counted(shortest, 'residual')}{inside}, and {_LEAST} or more are needed; give a longer series"
        raise InvalidInput(msg, field="y", where=name)
    lags = max_lag or max(1, min(40, shortest // 4))
    if lags >= shortest:
        msg = f"max_lag {lags} needs {lags + 1} residuals or more, and y has {shortest}{inside}; lower max_lag"
        raise InvalidInput(msg, field="max_lag")
    rows = [_one(series, k, lags, n_params, bins) for k in range(series.count)]
    columns = {name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]}
    axes = {"series": series.names, "lag": np.arange(1, lags + 1)}
    return Diagnosis(**{n: like(v, series.values) for n, v in columns.items()}, axes=axes)


def _one(series: Series, k: int, lags: int, n_params: int, bins: int) -> dict[str, Any]:
    from scipy.special import chdtrc

    unit = float(unit_of(series.lanes[[k]])[0])
    values = series.lanes[k, series.first[k] :] / unit
    n, mean = len(values), float(values.mean())
    centred = values - mean
    variance = float(centred @ centred) / n
    if not variance > _ROUNDING * mean**2:
        msg = f"{series.names[k]} has residuals that are all {mean * unit:g}; there is nothing to diagnose"
        raise InvalidInput(msg, field="y", where=series.names[k])
    acf = np.array([centred[j:] @ centred[: n - j] for j in range(1, lags + 1)]) / (n * variance)
    box = n * (n + 2) * float(np.sum(acf**2 / (n - np.arange(1, lags + 1))))
    skewness = float((centred**3).mean()) / variance**1.5
    kurtosis = float((centred**4).mean()) / variance**2
    bera = n / 6 * (skewness**2 + (kurtosis - 3) ** 2 / 4)
    count, edge = np.histogram(values, bins)
    return {
        "acf": acf,
        "acf_bound": 1.959963984540054 / np.sqrt(n),
        "ljung_box": box,
        "ljung_box_p": float(chdtrc(max(1, lags - n_params), box)),
        "jarque_bera": bera,
        "jarque_bera_p": float(chdtrc(2, bera)),
        "mean": mean * unit,
        "sd": float(values.std(ddof=1)) * unit,
        "count": count.astype(np.int64),
        "edge": edge * unit,
    }
