"""Split series into trend, season and remainder, and say how strong each is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import Ge
from jaxtyping import Float

from prism_kernels import progress
from prism_kernels.arrays import Array, like, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import AnySeries, Series
from prism_kernels.operation import operation
from prism_kernels.result import Result
from prism_kernels.timeseries.stl import stl
from prism_kernels.timeseries.strengths import strengths_of
from prism_kernels.timeseries.units import unit_of

__all__ = ["Decomposition", "decompose", "periods_of", "seasonal_trend"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_ROOM = 2.0**10  # by which a part may exceed the largest value of its series
_WINDOW = 7  # seasons that a line through one phase spans, as in statsmodels


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Decomposition(Result):
    """Trend, seasons and remainder of each series; their sum (or product) is the series.

    Attributes
    ----------
    seasonal
        Seasonal part for each period: around 0 when additive, around 1 when multiplicative.
    trend
        Slow part, in the unit of the series.
    residual
        What is left: around 0 when additive, around 1 when multiplicative.
    trend_strength
        1 - Var(residual) / Var(trend + residual), never below 0: 0 for no trend, 1 for nothing but trend.
    seasonal_strength
        1 - Var(residual) / Var(seasonal + residual), never below 0, for each period.
    period
        Length of each season, in periods of the series.
    model
        ``additive`` or ``multiplicative``.
    """

    seasonal: Float[Array, "series period time"]
    trend: Float[Array, "series time"]
    residual: Float[Array, "series time"]
    trend_strength: Float[Array, " series"]
    seasonal_strength: Float[Array, "series period"]
    period: tuple[int, ...]
    model: str

    def adjusted(self) -> Array:
        """Return the series without their seasons, series × time."""
        return self.trend + self.residual if self.model == "additive" else self.trend * self.residual


@operation("timeseries.decompose", example={"y": "elnino", "period": 12})
def decompose(
    y: AnySeries,
    *,
    period: Annotated[int, Ge(2)] | tuple[Annotated[int, Ge(2)], ...] | None = None,
    method: Literal["stl", "mstl", "classical"] = "stl",
    model: Literal["additive", "multiplicative"] = "additive",
    robust: bool = False,
) -> Decomposition:
    """Split series into trend, season and remainder.

    Parameters
    ----------
    y
        Series × time, complete, over two seasons or more.
    period
        Length of the season in periods, such as 12 for months; several for ``mstl``; from the dates when absent.
    method
        ``stl`` smooths by local regression, ``mstl`` does so for several seasons, ``classical`` takes moving averages
        and one seasonal pattern for all years.
    model
        Whether the parts are added or multiplied.
    robust
        Let outliers weigh less (``stl`` and ``mstl``).

    Raises
    ------
    InvalidInput
        For missing values, series shorter than two seasons, an unknown season, values that are not positive with
        ``multiplicative``, several periods with a method for one, ``robust`` with ``classical``, and parts beyond the
        largest number there is.

    Notes
    -----
    ``stl`` and ``mstl`` run on CPU, by statsmodels; ``multiplicative`` applies them to logarithms. ``classical`` runs
    where the array lives: the trend is the centred moving average over one season (2 × m for even m), the season the
    mean of what remains in each phase, centred; half a season at each end has neither trend nor residual (NaN).
    Strengths are measured where all parts exist, on logarithms when multiplicative; a constant series has neither
    trend nor season. Leading NaN is padding and stays NaN.

    References
    ----------
    R. B. Cleveland, W. S. Cleveland, J. E. McRae and I. Terpenning (1990), "STL: a seasonal-trend decomposition
    procedure based on loess".
    K. Bandara, R. J. Hyndman and C. Bergmeir (2021), "MSTL: a seasonal-trend decomposition algorithm for time series
    with multiple seasonal patterns".
    X. Wang, K. Smith and R. J. Hyndman (2006), "Characteristic-based clustering for time series data".
    """
    series = Series.of(y)
    series.require_complete("y", "fill them, or use resample(…, every=…, how='mean') with longer periods")
    periods = periods_of(series, period, "period")
    _check(series, periods, method, model, robust=robust)
    multiplicative = model == "multiplicative"
    unit = unit_of(series.lanes)[:, None]  # a power of two: parts of what is divided by it are those of the series
    y, back = series.values / like(unit, series.values), like(unit, series.values)
    if method == "classical":
        trend, seasonal, residual = _classical(y, periods[0], multiplicative=multiplicative)
    else:
        scaled = series.lanes / unit
        parts = seasonal_trend(np.log(scaled) if multiplicative else scaled, series.first, periods, robust=robust)
        trend, seasonal, residual = (like(np.exp(p) if multiplicative else p, series.values) for p in parts)
    strengths = strengths_of(y, trend, seasonal, residual, logs=multiplicative)
    with np.errstate(over="ignore"):
        trend = trend * back
        if not multiplicative:
            seasonal, residual = seasonal * back[:, :, None], residual * back
    _check_finite(series, trend, seasonal, residual)
    return Decomposition(
        seasonal=seasonal,
        trend=trend,
        residual=residual,
        trend_strength=strengths[0],
        seasonal_strength=strengths[1],
        period=periods,
        model=model,
        axes={"series": series.names, "period": periods, "time": series.axis()},
    )


def periods_of(series: Series, given: int | tuple[int, ...] | None, field: str) -> tuple[int, ...]:
    """Return the seasons as given, or the usual one for the spacing of the dates.

    Parameters
    ----------
    series
        The data.
    given
        What the user said: one length, several, or None.
    field
        What the setting is called, for messages.

    Raises
    ------
    InvalidInput
        When nothing was given and the dates tell no season, or the same length was given twice.
    """
    if given is None:
        if series.season > 1:
            return (series.season,)
        reason = (
            "y has no dates" if series.index is None else f"the spacing of the dates ({series.frequency}) tells none"
        )
        msg = f"{field} is needed, since {reason}; give the number of periods in a season, such as {field}=12"
        raise InvalidInput(msg, field=field)
    periods = (given,) if isinstance(given, int) else tuple(given)
    if not periods or len(set(periods)) < len(periods):
        msg = f"{field} must be one or several different lengths, and {list(periods)} was given"
        raise InvalidInput(msg, field=field)
    return periods


def _check(series: Series, periods: tuple[int, ...], method: str, model: str, *, robust: bool) -> None:
    if len(periods) > 1 and method != "mstl":
        msg = f"method {method!r} takes one period, and {len(periods)} were given; use method='mstl'"
        raise InvalidInput(msg, field="period")
    if robust and method == "classical":
        msg = "robust has no meaning for method 'classical'; use method='stl'"
        raise InvalidInput(msg, field="robust")
    needed, lengths = 2 * max(periods) + (method == "mstl"), series.length - series.first
    if lengths.min() < needed:
        name, length = series.names[int(lengths.argmin())], int(lengths.min())
        have = f"{length} in {name}" if series.count > 1 else f"{length}"
        need = f"period {max(periods)} needs {needed} values or more (two seasons)"
        msg = f"{need}, and y has {have}; give a longer series or a shorter period"
        raise InvalidInput(msg, field="y", where=name)
    if model == "multiplicative" and (series.lanes <= 0).any():
        s, t = (int(k) for k in np.argwhere(series.lanes <= 0)[0])
        place, value = series.place(s, t), series.lanes[s, t]
        msg = f"model 'multiplicative' needs values above 0, and y has {value:g} at {place}; use model='additive'"
        raise InvalidInput(msg, field="y", where=place)


def _check_finite(series: Series, *parts: Array) -> None:
    """Refuse series so near to the largest number that a part of them lies beyond it."""
    xp = namespace_of(y=series.values)
    if unit_of(series.lanes).max() < float(xp.finfo(series.values.dtype).max) / _ROOM:
        return
    for part in parts:
        for name, row in zip(series.names, to_numpy(xp.isinf(part)), strict=True):
            if row.any():
                what = f"{name} of y" if series.count > 1 else "y"
                msg = f"{what} has a part beyond the largest {part.dtype}; divide it by a power of ten"
                raise InvalidInput(msg, field="y", where=name)


def seasonal_trend(
    y: Floats, first: np.ndarray[Any, np.dtype[np.int64]], periods: tuple[int, ...], *, robust: bool
) -> tuple[Floats, Floats, Floats]:
    """Decompose each series by STL, or by MSTL where there are several seasons, on CPU.

    The own STL knows no outliers; it spares most viewers statsmodels, whose import takes a second and 40 MB.

    Parameters
    ----------
    y
        Series × time; what lies before ``first`` is padding.
    first
        First period of each series.
    periods
        Lengths of the seasons.
    robust
        Let outliers weigh less.

    Returns
    -------
    trend (series × time), seasonal (series × period × time) and residual (series × time); NaN in the padding
    """
    if len(periods) == 1 and not robust:
        trend, season, residual = stl(y, periods[0], first, window=_WINDOW)
        return trend, season[:, None, :], residual
    trend = np.full(y.shape, np.nan)
    residual = np.full(y.shape, np.nan)
    seasonal = np.full((y.shape[0], len(periods), y.shape[1]), np.nan)
    for k in progress.track(range(y.shape[0]), "decomposing"):
        start = int(first[k])
        values = np.array(y[k, start:])
        trend[k, start:], seasonal[k, :, start:] = _loess(values, periods, robust=robust)
        residual[k] = y[k] - trend[k] - seasonal[k].sum(axis=0)
    return trend, seasonal, residual


def _loess(values: Floats, periods: tuple[int, ...], *, robust: bool) -> tuple[Floats, Floats]:
    from statsmodels.tsa.seasonal import MSTL, STL

    if len(periods) == 1:
        fit = STL(values, period=periods[0], robust=robust).fit()
        return fit.trend, fit.seasonal[None, :]
    order = np.argsort(periods)  # MSTL returns the seasons from short to long
    fit = MSTL(values, periods=sorted(periods), stl_kwargs={"robust": robust}).fit()
    return fit.trend, fit.seasonal.T[np.argsort(order)]


def _classical(y: Float[Array, "series time"], period: int, *, multiplicative: bool) -> tuple[Array, Array, Array]:
    xp = namespace_of(y=y)
    trend = _moving_average(y, period)
    rest = y / trend if multiplicative else y - trend
    phase = xp.stack([_nan_mean(rest[:, k::period]) for k in range(period)], axis=1)
    middle = xp.mean(phase, axis=1, keepdims=True)
    phase = phase / middle if multiplicative else phase - middle
    repeats = -(-y.shape[1] // period)
    seasonal = xp.concat([phase] * repeats, axis=1)[:, : y.shape[1]]
    seasonal = xp.where(xp.isnan(y), y, seasonal)
    residual = rest / seasonal if multiplicative else rest - seasonal
    return trend, seasonal[:, None, :], residual


def _moving_average(y: Float[Array, "series time"], period: int) -> Float[Array, "series time"]:
    """Return the centred moving average over one season, NaN for half a season at each end."""
    xp = namespace_of(y=y)
    half, odd = period // 2, period % 2
    width = y.shape[1] - 2 * half
    total = xp.zeros_like(y[:, :width])
    for k in range(2 * half + 1):
        weight = 1.0 if odd or 0 < k < 2 * half else 0.5
        total = total + weight * y[:, k : k + width]
    edge = xp.full_like(y[:, :half], xp.nan)
    return xp.concat([edge, total / period, edge], axis=1)


def _nan_mean(values: Float[Array, "series time"]) -> Float[Array, " series"]:
    xp = namespace_of(values=values)
    there = ~xp.isnan(values)
    total = xp.sum(xp.where(there, values, xp.zeros_like(values)), axis=1)
    return total / xp.astype(xp.count_nonzero(there, axis=1), values.dtype)
