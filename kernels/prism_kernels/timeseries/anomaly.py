"""Which periods of a series are unlike what the series itself leads one to expect."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import Ge, Gt, Lt
from jaxtyping import Bool, Float

from prism_kernels import progress
from prism_kernels.arrays import Array, like, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import AnySeries, Series
from prism_kernels.operation import operation
from prism_kernels.result import Result
from prism_kernels.timeseries.decompose import periods_of
from prism_kernels.timeseries.expectations import Expectation, medians, one_step, require_length, smooth
from prism_kernels.timeseries.matrix_profile import discords, matrix_profile, needed_length
from prism_kernels.timeseries.scores import Direction, judge, toward
from prism_kernels.timeseries.units import unit_of

__all__ = ["Anomalies", "anomaly"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Anomalies(Result):
    """Unusual periods of each series.

    Attributes
    ----------
    score
        How unusual each period is: its deviation in robust standard deviations, larger in the watched ``direction``;
        with ``matrix_profile``, the largest distance among the windows over the period. NaN where there is none.
    is_anomaly
        Whether the score is above the threshold and among the ``max_anomalies`` highest; with ``matrix_profile``,
        whether the period lies in a discord.
    index
        For each series, the periods that are anomalies, in order of time.
    threshold
        Score above which a period is an anomaly.
    expected
        What the method expected, in the unit of the series; None with ``matrix_profile``.
    lo, hi
        Ends of the ordinary range, in the unit of the series; infinite on a side that is not watched.
    profile
        Distance of each window to the window most like it, in shape alone (``matrix_profile`` only).
    discords
        For each series, where the windows begin that are farthest from all others, the farthest first, none
        overlapping another (``matrix_profile`` only).
    """

    score: Float[Array, "series time"]
    is_anomaly: Bool[Array, "series time"]
    index: tuple[tuple[int, ...], ...]
    threshold: Float[Array, " series"]
    expected: Float[Array, "series time"] | None = None
    lo: Float[Array, "series time"] | None = None
    hi: Float[Array, "series time"] | None = None
    profile: Float[Array, "series window"] | None = None
    discords: tuple[tuple[int, ...], ...] | None = None


@operation("timeseries.anomaly", example={"y": "elnino"}, tolerance=1e-6)
def anomaly(
    y: AnySeries,
    *,
    method: Literal["forecast", "stl", "matrix_profile", "mad"] = "forecast",
    window: Annotated[int, Ge(3)] | None = None,
    season_length: Annotated[int, Ge(1)] | tuple[Annotated[int, Ge(2)], ...] | None = None,
    alpha: Annotated[float, Gt(0), Lt(0.5)] = 0.01,
    max_anomalies: Annotated[int, Ge(1)] | None = None,
    direction: Literal["both", "up", "down"] = "both",
) -> Anomalies:
    """Find the periods of series that are unlike what the series itself leads one to expect.

    Parameters
    ----------
    y
        Series × time, complete.
    method
        ``forecast`` compares each period with its one-step forecast, ``stl`` with trend and season, ``mad`` with the
        median; ``matrix_profile`` looks for stretches whose shape occurs nowhere else.
    window
        Periods in a stretch of ``matrix_profile`` (one season when absent), or of the rolling median of ``mad`` (the
        whole series when absent).
    season_length
        Periods in a season, 1 for none; several for ``stl``; the usual one for the spacing of the dates when absent.
        ``matrix_profile`` takes it only where ``window`` is absent.
    alpha
        Share of ordinary periods (windows with ``matrix_profile``) that may be called anomalies.
    max_anomalies
        How many periods (discords with ``matrix_profile``) at most, for each series.
    direction
        Whether values too high, too low or ``both`` count.

    Raises
    ------
    InvalidInput
        For missing values, series too short, and settings without a meaning for the method.

    Notes
    -----
    ``forecast`` is exponential smoothing in the best of its forms by AICc, ``stl`` statsmodels' STL or, for several
    seasons, MSTL; both, and ``mad``, run on CPU. ``matrix_profile`` runs where the array lives.

    A score is the distance from the median deviation over 1.4826 times the median absolute deviation. The threshold
    is the quantile that ordinary deviations pass with probability ``alpha`` when they follow Student's t, whose
    degrees of freedom (3 to normal) follow from the ratio of the deviations' outer tenth to their middle half, less
    half its standard error: heavy tails raise the threshold, a few anomalies hardly move it. With ``matrix_profile``
    the same is done to the distances above their median. Deviations of a constant series are 0. Leading NaN is
    padding.

    References
    ----------
    F. R. Hampel (1974), "The influence curve and its role in robust estimation".
    R. J. Hyndman, A. B. Koehler, R. D. Snyder and S. Grose (2002), "A state space framework for automatic forecasting
    using exponential smoothing methods".
    E. Keogh, J. Lin and A. Fu (2005), "HOT SAX: efficiently finding the most unusual time series subsequence".
    C.-C. M. Yeh, Y. Zhu, L. Ulanova and others (2016), "Matrix profile I: all pairs similarity joins for time series".
    """
    series = Series.of(y)
    series.require_complete("y", "fill them, or use resample(…, every=…, how='mean') with longer periods")
    _check_settings(method, window, season_length, direction)
    rule = _Rule(alpha, max_anomalies, direction)
    if method == "matrix_profile":
        found = _stretches(series, _window(series, window, season_length), rule)
    elif method == "mad":
        found = _deviations(series, medians(series, window), rule)
    elif method == "stl":
        found = _deviations(series, smooth(series, periods_of(series, season_length, "season_length")), rule)
    else:
        found = _deviations(series, one_step(series, _one_season(series, season_length)), rule)
    return dataclasses.replace(found, axes={"series": series.names, "time": series.axis(), **found.axes})


def _check_settings(method: str, window: int | None, season: int | tuple[int, ...] | None, direction: str) -> None:
    if window is not None and method in ("forecast", "stl"):
        msg = f"window has no meaning for method {method!r}; leave it out, or use 'matrix_profile' or 'mad'"
        raise InvalidInput(msg, field="window")
    if season is not None and method == "mad":
        msg = "season_length has no meaning for method 'mad'; leave it out, or use 'forecast' or 'stl'"
        raise InvalidInput(msg, field="season_length")
    if isinstance(season, tuple) and len(season) != 1 and method != "stl":
        msg = f"method {method!r} takes one season_length, and {len(season)} were given; use method='stl'"
        raise InvalidInput(msg, field="season_length")
    if season == 1 and method == "stl":
        msg = "method 'stl' needs a season, and season_length is 1; use method='forecast' or 'mad'"
        raise InvalidInput(msg, field="season_length")
    if direction != "both" and method == "matrix_profile":
        msg = f"direction {direction!r} has no meaning for method 'matrix_profile', which compares shapes"
        raise InvalidInput(msg, field="direction")


def _one_season(series: Series, season: int | tuple[int, ...] | None) -> int:
    if season is None:
        return series.season
    return season if isinstance(season, int) else season[0]


def _window(series: Series, window: int | None, season: int | tuple[int, ...] | None) -> int:
    if window is None:
        window = _one_season(series, season)
        if window < 3:
            msg = "window is needed, since y tells no season of 3 periods or more; give the periods in a stretch"
            raise InvalidInput(msg, field="window")
    require_length(series, needed_length(window), f"window {window}", "use a shorter window")
    return window


@dataclass(frozen=True)
class _Rule:
    alpha: float
    most: int | None
    direction: Direction


def _deviations(series: Series, found: Expectation, rule: _Rule) -> Anomalies:
    deviation = (found.y - found.expected) / found.spread
    score, centre, reach = np.full(deviation.shape, np.nan), np.empty(len(deviation)), np.empty(len(deviation))
    threshold = np.empty(len(deviation))
    for k, row in enumerate(deviation):
        ordinary = judge(row, rule.alpha, rule.direction)
        score[k] = toward((row - ordinary.centre) / ordinary.scale, rule.direction)
        centre[k], reach[k], threshold[k] = ordinary.centre, ordinary.threshold * ordinary.scale, ordinary.threshold
    flagged = _highest(np.where(np.isnan(score), -np.inf, score), threshold, rule.most)
    unit = found.unit[:, None]
    low, high = (found.expected + found.spread * (centre + sign * reach)[:, None] for sign in (-1, 1))
    low = np.full(low.shape, -np.inf) if rule.direction == "up" else low * unit
    high = np.full(high.shape, np.inf) if rule.direction == "down" else high * unit
    return Anomalies(
        score=like(score, series.values),
        is_anomaly=like(flagged, series.values),
        index=tuple(tuple(np.flatnonzero(row).tolist()) for row in flagged),
        threshold=like(threshold, series.values),
        expected=like(found.expected * unit, series.values),
        lo=like(low, series.values),
        hi=like(high, series.values),
    )


def _highest(score: Floats, threshold: Floats, most: int | None) -> np.ndarray[Any, np.dtype[np.bool_]]:
    flagged: np.ndarray[Any, np.dtype[np.bool_]] = score > threshold[:, None]
    if most is not None:
        for row, marks in zip(score, flagged, strict=True):
            marks[np.argsort(-row, kind="stable")[most:]] = False
    return flagged


def _stretches(series: Series, window: int, rule: _Rule) -> Anomalies:
    from numpy.lib.stride_tricks import sliding_window_view

    count = series.length - window + 1
    profile, score = np.full((series.count, count), np.nan), np.full(series.lanes.shape, np.nan)
    flagged, threshold, found = np.zeros(score.shape, dtype=bool), np.empty(series.count), []
    unit = unit_of(series.lanes)
    for k in progress.track(range(series.count), "matrix profiles"):
        start = int(series.first[k])
        distance, _ = matrix_profile(series.values[k, start:] / float(unit[k]), window)
        profile[k, start:] = here = to_numpy(distance).astype(np.float64)
        ordinary = judge(here, rule.alpha, "up")
        threshold[k] = ordinary.centre + ordinary.threshold * ordinary.scale
        found.append(tuple(start + d for d in discords(here, window, above=threshold[k], most=rule.most)))
        for d in found[-1]:
            flagged[k, d : d + window] = True
        padded = np.pad(here, window - 1, constant_values=-np.inf)
        score[k, start:] = sliding_window_view(padded, window).max(axis=1)
    return Anomalies(
        score=like(score, series.values),
        is_anomaly=like(flagged, series.values),
        index=tuple(tuple(np.flatnonzero(row).tolist()) for row in flagged),
        threshold=like(threshold, series.values),
        profile=like(profile, series.values),
        discords=tuple(found),
        axes={"window": series.axis()[:count]},
    )
