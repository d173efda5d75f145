"""Where series go: changes of level, monotone trends, smooth trends."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import Ge, Gt, Lt
from jaxtyping import Float, Int

from prism_kernels.arrays import Array, like, to_numpy
from prism_kernels.inputs import AnySeries, Series
from prism_kernels.inputs.calendar import stamp
from prism_kernels.operation import operation
from prism_kernels.result import Result
from prism_kernels.timeseries.changepoints import Cut, changepoints
from prism_kernels.timeseries.hodrick_prescott import smooth, usual_smoothing
from prism_kernels.timeseries.mann_kendall import monotone_trend
from prism_kernels.timeseries.trend_refusals import check_settings, require_finite, require_values
from prism_kernels.timeseries.units import unit_of

__all__ = ["Segment", "Trend", "trend"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_LONGEST_RUN = 0.3  # autocorrelation inside segments from which spurious changes are likely
_WIDEST_COUNTS = 2.0  # variance over mean inside segments from which the same holds for counts


@dataclass(frozen=True)
class Segment:
    """A stretch of a series between two changes.

    Attributes
    ----------
    series
        Label of the series.
    start, stop
        First period, and the one after the last.
    first, last
        Labels of the first and last period.
    mean, sd
        Of the values inside; sd with divisor n.
    """

    series: str
    start: int
    stop: int
    first: str
    last: str
    mean: float
    sd: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Trend(Result):
    """Where each series goes.

    Attributes
    ----------
    trend
        The level of each segment, the line of median slope, or the smooth trend; in the unit of the series.
    direction
        1 up, -1 down, 0 no trend at ``alpha``; by p-value (``mann_kendall``) or by the interval of the slope
        (``theil_sen``).
    slope
        Median slope of all pairs of periods, in units a period.
    slope_ci
        Lower and upper end of the 1 - ``alpha`` interval of the slope.
    tau
        Kendall's tau-b of the values with time, from -1 to 1.
    p_value
        Two-sided, of no trend in independent values.
    changepoints
        For each series, the first period of each segment but the first.
    segments
        Every segment of every series.
    cost
        What the segments cost in all, without penalties: sum of squares, or minus twice the log-likelihood.
    penalty
        What one more change had to save, in the unit of ``cost`` (NaN where the number of changes was given); or the
        smoothing λ of ``hp``.
    """

    trend: Float[Array, "series time"]
    direction: Int[Array, " series"] | None = None
    slope: Float[Array, " series"] | None = None
    slope_ci: Float[Array, "series bound"] | None = None
    tau: Float[Array, " series"] | None = None
    p_value: Float[Array, " series"] | None = None
    changepoints: tuple[tuple[int, ...], ...] | None = None
    segments: tuple[Segment, ...] | None = None
    cost: Float[Array, " series"] | None = None
    penalty: Float[Array, " series"] | None = None

    def to_frame(self) -> Any:
        """Return a pandas frame, a row a period; the ends of the slope are ``slope_lower`` and ``slope_upper``."""
        frame = super().to_frame()
        if self.slope_ci is not None:
            place = list(frame.columns).index("slope") + 1
            for k, name in enumerate(("slope_lower", "slope_upper")):
                frame.insert(place + k, name, np.repeat(to_numpy(self.slope_ci)[:, k], self.trend.shape[1]))
        return frame


@operation("timeseries.trend", example={"y": "nile", "method": "changepoint"})
def trend(
    y: AnySeries,
    *,
    method: Literal["changepoint", "mann_kendall", "theil_sen", "hp"] = "changepoint",
    cost: Literal["l2", "normal", "poisson"] = "l2",
    penalty: Literal["bic"] | Annotated[float, Gt(0)] = "bic",
    n_changepoints: Annotated[int, Ge(0)] | None = None,
    min_size: Annotated[int, Ge(1)] = 2,
    alpha: Annotated[float, Gt(0), Lt(1)] = 0.05,
) -> Trend:
    """Find where series change level, or whether and how steeply they rise or fall.

    Parameters
    ----------
    y
        Series × time, complete.
    method
        ``changepoint`` cuts into segments, ``mann_kendall`` tests for a monotone trend, ``theil_sen`` estimates a
        robust slope, ``hp`` smooths by Hodrick and Prescott's filter.
    cost
        What changes: the mean (``l2``), mean and variance (``normal``), or the rate of counts (``poisson``); for
        ``changepoint`` only.
    penalty
        What one more change must save in cost, or ``bic``; with ``hp``, the smoothing λ, where ``bic`` means
        1600·(periods a year / 4)⁴ by the dates and 1600 without. Other methods have none.
    n_changepoints
        Number of changes, for ``changepoint`` only; the penalty decides when absent.
    min_size
        Least number of periods in a segment; for ``changepoint`` only.
    alpha
        Error of the trend test, and 1 minus the confidence of the slope's interval; for ``mann_kendall`` and
        ``theil_sen`` only.

    Raises
    ------
    InvalidInput
        For missing values, series too short for the segments or the test, counts that are none with ``poisson``, and
        settings that the method, or another one of them, leaves without a meaning, and trends beyond the largest
        number there is.

    Notes
    -----
    All of it runs on CPU. Changes of least cost are exact: PELT with a penalty, dynamic programming with a given
    number. ``bic`` charges log(n) a parameter, the place of a change among them: 2·σ²·log(n) for ``l2``, with σ from
    the median absolute difference of neighbours; 3·log(n) for ``normal``; 2·log(n) for ``poisson``. Autocorrelated
    values look like changes of level: a warning says so.

    The test of Mann and Kendall is corrected for ties and continuity, its normal limit serves from about 10 values.
    Autocorrelation makes it find trends too often: a warning gives the p-value under Hamed and Rao's variance where
    that would change the verdict. The interval of the slope is Sen's. The line passes through the medians of time and
    value. Leading NaN is padding.

    References
    ----------
    R. Killick, P. Fearnhead and I. A. Eckley (2012), "Optimal detection of changepoints with a linear computational
    cost".
    I. E. Auger and C. E. Lawrence (1989), "Algorithms for the optimal identification of segment neighborhoods".
    H. B. Mann (1945), "Nonparametric tests against trend". P. K. Sen (1968), "Estimates of the regression coefficient
    based on Kendall's tau". K. H. Hamed and A. R. Rao (1998), "A modified Mann-Kendall trend test for autocorrelated
    data".
    R. J. Hodrick and E. C. Prescott (1997), "Postwar U.S. business cycles". M. O. Ravn and H. Uhlig (2002), "On
    adjusting the Hodrick-Prescott filter for the frequency of observations".
    """
    series = Series.of(y)
    series.require_complete("y", "fill them, or use resample(…, every=…, how='mean') with longer periods")
    given = {"cost": cost, "penalty": penalty, "n_changepoints": n_changepoints, "min_size": min_size, "alpha": alpha}
    check_settings({"method": method, **given})
    if method == "changepoint":
        cuts = changepoints(series, cost=cost, penalty=penalty, n_changepoints=n_changepoints, min_size=min_size)
        return _changes(series, cuts, cost)
    require_values(series, 3)
    if method == "hp":
        smoothing = usual_smoothing(series.frequency) if penalty == "bic" else float(penalty)
        level = like(smooth(series, smoothing), series.values)
        return Trend(trend=level, penalty=like(np.full(series.count, smoothing), series.values), axes=_axes(series))
    return _monotone(series, method, alpha)


def _axes(series: Series) -> dict[str, Any]:
    return {"series": series.names, "time": series.axis(), "bound": ("lower", "upper")}


def _changes(series: Series, cuts: list[Cut], cost: str) -> Trend:
    level = np.full(series.lanes.shape, np.nan)
    spread = np.full(series.lanes.shape, np.nan)
    labels, unit = series.axis(), unit_of(series.lanes)
    segments = []
    for k, cut in enumerate(cuts):
        edges = (int(series.first[k]), *cut.at, series.length)
        for start, stop in itertools.pairwise(edges):
            values = series.lanes[k, start:stop]
            mean, sd = values.mean(), (values / unit[k]).std() * unit[k]
            level[k, start:stop], spread[k, start:stop] = mean, sd
            first, last = (stamp(labels[t]) for t in (start, stop - 1))
            segments.append(Segment(series.names[k], start, stop, first, last, float(mean), float(sd)))
    with np.errstate(over="ignore"):
        costs = like(np.array([cut.cost for cut in cuts]), series.values)
    return Trend(
        trend=like(level, series.values),
        changepoints=tuple(cut.at for cut in cuts),
        segments=tuple(segments),
        cost=costs,
        penalty=like(np.array([cut.penalty for cut in cuts]), series.values),
        axes=_axes(series),
        warnings=_autocorrelated(series, level, spread if cost == "normal" else unit[:, None] + 0 * spread)
        + (_overdispersed(series, level) if cost == "poisson" else ())
        + _lost(series, costs, spread),
    )


def _lost(series: Series, cost: Array, spread: Floats) -> tuple[str, ...]:
    """Say of which series the cost is a number that its type cannot hold."""
    held = to_numpy(cost)
    lost = np.isinf(held) | ((held == 0) & (np.nanmax(spread, axis=1) > 0))
    return tuple(
        f"{name}: the cost is beyond {held.dtype} and reads {'infinite' if value else '0'}; rescale y to have it"
        for name, value, gone in zip(series.names, held, lost, strict=True)
        if gone
    )


def _autocorrelated(series: Series, level: Floats, spread: Floats) -> tuple[str, ...]:
    found = []
    for k, name in enumerate(series.names):
        inside = slice(int(series.first[k]), None)
        rest = (series.lanes[k, inside] - level[k, inside]) / np.where(spread[k, inside] > 0, spread[k, inside], 1.0)
        power = rest @ rest
        if power > 0 and (lag := float(rest[1:] @ rest[:-1] / power)) > max(_LONGEST_RUN, 2 / math.sqrt(rest.size)):
            found.append(f"{name}: neighbours correlate by {lag:.2f} inside segments, so some changes may be spurious")
    return tuple(found)


def _overdispersed(series: Series, level: Floats) -> tuple[str, ...]:
    found = []
    for k, name in enumerate(series.names):
        inside = level[k] > 0
        rate = level[k, inside]
        ratio = float(np.mean((series.lanes[k, inside] - rate) ** 2 / rate)) if rate.size else 0.0
        if ratio > _WIDEST_COUNTS:
            found.append(f"{name}: counts vary {ratio:.1f} times as much as Poisson's, so some changes may be spurious")
    return tuple(found)


def _monotone(series: Series, method: str, alpha: float) -> Trend:
    found = monotone_trend(series, alpha)
    if method == "mann_kendall":
        direction = np.where(found.p_value < alpha, np.sign(found.tau), 0)
    else:
        direction = np.sign(found.slope_ci).sum(axis=1) / 2
        direction = np.where(np.abs(direction) == 1, direction, 0)
    line = found.intercept[:, None] + found.slope[:, None] * np.arange(series.length)
    unit = found.unit
    with np.errstate(over="ignore"):
        line = np.where(np.isnan(series.lanes), np.nan, line * unit[:, None])
        slope, slope_ci = found.slope * unit, found.slope_ci * unit[:, None]
    require_finite(series, np.concatenate([line, slope_ci], axis=1), "line")
    differ = (found.p_value < alpha) & (found.corrected_p >= alpha) & (method == "mann_kendall")
    warnings = [
        f"{name}: values are autocorrelated; by Hamed and Rao's variance p is {found.corrected_p[k]:.3g}, "
        f"not {found.p_value[k]:.3g}, which is no trend at alpha {alpha:g}"
        for k, name in enumerate(series.names)
        if differ[k]
    ]
    return Trend(
        trend=like(line, series.values),
        direction=like(direction.astype(np.int64), series.values),
        slope=like(slope, series.values),
        slope_ci=like(slope_ci, series.values),
        tau=like(found.tau, series.values),
        p_value=like(found.p_value, series.values),
        axes=_axes(series),
        warnings=tuple(warnings),
    )
