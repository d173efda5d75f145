"""What is expected of each period of a series: by its own past, by its trend and season, or by its middle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels import progress
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.timeseries.decompose import seasonal_trend
from prism_kernels.timeseries.units import unit_of

__all__ = ["Expectation", "medians", "one_step", "require_length", "smooth"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_MAD_TO_SIGMA = 1.4826022185056018
_MEAN_TO_SIGMA = 1.2533141373155001
_ROUNDING = 1e-12  # of values around 1


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What is expected, divided by each series' unit.

    Attributes
    ----------
    y
        The values, series × time.
    expected
        What was expected of them.
    spread
        Ordinary deviation at each place, where the method has one; ones where not.
    unit
        What each series was divided by.
    """

    y: Floats
    expected: Floats
    spread: Floats
    unit: Floats


def require_length(series: Series, needed: int, reason: str, way_out: str) -> None:
    """Refuse series with too few values.

    Parameters
    ----------
    series
        The data.
    needed
        Least number of values of each.
    reason
        What needs them, as the subject of the sentence.
    way_out
        What the user can do, as its end.
    """
    lengths = series.length - series.first
    if lengths.min() < needed:
        k = int(lengths.argmin())
        inside = f" in {series.names[k]}" if series.count > 1 else ""
        msg = f"{reason} needs {needed} values or more, and y has {lengths[k]}{inside}; {way_out}"
        raise InvalidInput(msg, field="y", where=series.names[k])


def one_step(series: Series, season: int) -> Expectation:
    """Expect what exponential smoothing forecasts from the values before; of a constant, that it stays.

    Parameters
    ----------
    series
        Complete but for leading padding.
    season
        Periods in a season, 1 for none.
    """
    from prism_kernels.timeseries.ets import Ets
    from prism_kernels.timeseries.model import Problem

    unit, model = unit_of(series.lanes), Ets()
    y = series.lanes / unit[:, None]
    varied = np.flatnonzero(np.nanmax(y, axis=1, initial=-np.inf) > np.nanmin(y, axis=1, initial=np.inf))
    problem = Problem(y=np.ascontiguousarray(y[varied]), first=series.first[varied], h=1, season_length=(season,))
    reason = f"method 'forecast' with season_length {season}"
    require_length(series, model.needed(problem), reason, "use a shorter season_length or method='mad'")
    expected = y.copy()
    if varied.size:
        expected[varied] = model.fit(problem).fitted
    return Expectation(y=y, expected=expected, spread=np.ones_like(y), unit=unit)


def smooth(series: Series, periods: tuple[int, ...]) -> Expectation:
    """Expect the trend and the season that local regression finds.

    Parameters
    ----------
    series
        Complete but for leading padding.
    periods
        Lengths of the seasons.
    """
    unit = unit_of(series.lanes)
    y = series.lanes / unit[:, None]
    reason = f"method 'stl' with season_length {max(periods)}"
    way_out = "use a shorter season_length or method='mad'"
    require_length(series, 2 * max(periods) + (len(periods) > 1), reason, way_out)
    trend, seasonal, _ = seasonal_trend(y, series.first, periods, robust=False)
    return Expectation(y=y, expected=trend + seasonal.sum(axis=1), spread=np.ones_like(y), unit=unit)


def medians(series: Series, window: int | None) -> Expectation:
    """Expect the median of the whole series, or of the window around each period.

    Parameters
    ----------
    series
        Complete but for leading padding.
    window
        Periods in the window, as many as fit at the ends too; None for the whole series.
    """
    unit = unit_of(series.lanes)
    y = series.lanes / unit[:, None]
    least = 3 if window is None else window
    require_length(series, least, "method 'mad'" if window is None else f"window {window}", "give more of it")
    middle, spread = np.full(y.shape, np.nan), np.ones(y.shape)
    for k in progress.track(range(len(y)), "medians"):
        start = int(series.first[k])
        if window is None:
            middle[k, start:] = np.median(y[k, start:])
        else:
            middle[k, start:], spread[k, start:] = _rolling(y[k, start:], window)
    return Expectation(y=y, expected=middle, spread=spread, unit=unit)


def _rolling(y: Floats, window: int) -> tuple[Floats, Floats]:
    """Return the median around each value and the robust standard deviation there; 1 where nothing varies."""
    windows = np.lib.stride_tricks.sliding_window_view(y, window)
    here = np.clip(np.arange(y.size) - window // 2, 0, len(windows) - 1)
    median = np.median(windows, axis=1)
    away = np.abs(windows - median[:, None])
    robust, plain = _MAD_TO_SIGMA * np.median(away, axis=1), _MEAN_TO_SIGMA * away.mean(axis=1)
    spread = np.where(robust > _ROUNDING, robust, np.where(plain > _ROUNDING, plain, 1.0))
    return median[here], spread[here]
