"""How far predictions lie from what happened: errors, scaled errors, and the worth of intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Lt
from jaxtyping import Float

from prism_kernels.arrays import Array, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import AnySeries, Series
from prism_kernels.operation import operation
from prism_kernels.refusal import counted
from prism_kernels.result import Result
from prism_kernels.timeseries.scoring_rules import interval_scores, mean_there
from prism_kernels.timeseries.units import ordinary_unit

__all__ = ["Metrics", "metrics"]

_SIZED = ("mae", "rmse", "bias", "winkler", "pinball", "crps")  # in the unit of the series
_BEYOND = "y_pred is farther from y_true than the largest number there is ({names}); divide both by a power of ten"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Metrics(Result):
    """Errors of predictions, one number a series. Shares, not percent.

    Attributes
    ----------
    mae
        Mean absolute error, in the unit of the series.
    rmse
        Root of the mean squared error, in the unit of the series.
    bias
        Mean of prediction minus truth, in the unit of the series: positive where predictions are too high.
    mape
        Mean absolute error as a share of the truth; NaN where the truth is zero in some period.
    smape
        Mean of 2·|error| over |truth| + |prediction|, from 0 to 2; a period where both are zero counts as 0.
    wape
        Sum of absolute errors over the sum of absolute truths; NaN where all truths are zero.
    mase
        Mean absolute error over that of the seasonal naive forecast inside ``y_train``; NaN where that one is zero.
    rmsse
        Root of the mean squared error over that of the seasonal naive forecast inside ``y_train``; NaN likewise.
    coverage
        Share of truths inside [``lo``, ``hi``].
    winkler
        Mean interval score: width plus 2 / (1 - level) times how far the truth lies outside.
    pinball
        Mean quantile loss over the three quantiles ``lo``, ``y_pred`` (as the median) and ``hi``.
    crps
        Mean continuous ranked probability score of the normal distribution around ``y_pred`` whose central interval
        is as wide as [``lo``, ``hi``]; the absolute error where that width is zero.
    """

    mae: Float[Array, " series"]
    rmse: Float[Array, " series"]
    bias: Float[Array, " series"]
    mape: Float[Array, " series"]
    smape: Float[Array, " series"]
    wape: Float[Array, " series"]
    mase: Float[Array, " series"] | None = None
    rmsse: Float[Array, " series"] | None = None
    coverage: Float[Array, " series"] | None = None
    winkler: Float[Array, " series"] | None = None
    pinball: Float[Array, " series"] | None = None
    crps: Float[Array, " series"] | None = None


@operation("timeseries.metrics", example={"y_true": "nile", "y_pred": "nile", "y_train": "nile"})
def metrics(
    y_true: AnySeries,
    y_pred: AnySeries,
    *,
    y_train: AnySeries | None = None,
    season_length: Annotated[int, Ge(1)] = 1,
    lo: AnySeries | None = None,
    hi: AnySeries | None = None,
    level: Annotated[float, Gt(0), Lt(1)] | None = None,
) -> Metrics:
    """Measure how far predictions lie from what happened.

    Parameters
    ----------
    y_true
        What happened, series × time.
    y_pred
        What was predicted for the same periods, series × time.
    y_train
        What the model knew, series × time, of any length above ``season_length``; needed for ``mase`` and ``rmsse``.
    season_length
        Periods in a season of the naive forecast that scales ``mase`` and ``rmsse``; without ``y_train`` it has no use.
    lo
        Lower ends of the intervals, series × time.
    hi
        Upper ends of the intervals, series × time.
    level
        Share of truths that the intervals should hold, such as 0.95.

    Raises
    ------
    InvalidInput
        For shapes, dates or series that do not match, for two of ``lo``, ``hi`` and ``level`` without the third, for
        a lower end above its upper one, for a training part that is too short, and for errors beyond the largest
        number there is.

    Notes
    -----
    A period where truth, prediction or (for the interval scores) an end is NaN is left out of its series, and a
    warning counts them; a series without any period left has NaN. A measure whose divisor is zero is NaN, with a
    warning, never infinite. With α = 1 - level, the interval score is
    (hi - lo) + 2/α·(lo - y)₊ + 2/α·(y - hi)₊, the quantile loss at q is (y - x)·(q - 1[y < x]), and the normal's
    score is σ·(z·erf(z/√2) + 2·φ(z) - 1/√π) with z = (y - mean)/σ.

    References
    ----------
    R. J. Hyndman and A. B. Koehler (2006), "Another look at measures of forecast accuracy".
    T. Gneiting and A. E. Raftery (2007), "Strictly proper scoring rules, prediction, and estimation".
    """
    truth, predicted = Series.of(y_true, field="y_true"), Series.of(y_pred, field="y_pred")
    _match(truth, predicted, "y_pred")
    notes = _Notes(truth.names)
    namespace_of(y_true=truth.values, y_pred=predicted.values)
    ends = _ends(truth, lo, hi, level)
    unit = ordinary_unit(truth.values, predicted.values, *ends)
    y, guess, *limits = (values / unit[:, None] for values in (truth.values, predicted.values, *ends))
    found = _errors(y, guess, notes)
    if y_train is not None:
        train = Series.of(y_train, field="y_train")
        _match_train(truth, train, season_length)
        found |= _scaled(found["mae"], found["rmse"], unit, train.values, season_length, notes)
    if limits and level is not None:
        found |= interval_scores(y, guess, limits[0], limits[1], level)
    found |= _in_units(found, unit, notes)
    return Metrics(**found, axes={"series": truth.names}, warnings=notes.sentences())


class _Notes:
    """Collects what is wrong with which series, so that the device is asked once, at the end."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._counts: list[tuple[Array, str]] = []

    def add(self, counts: Array, sentence: str) -> None:
        self._counts.append((counts, sentence))

    def sentences(self) -> tuple[str, ...]:
        """Return the warnings; what was collected as an overflow is refused."""
        xp = namespace_of(counts=self._counts[0][0])
        table = to_numpy(xp.stack([xp.astype(counts, xp.int64) for counts, _ in self._counts]))
        found = []
        for row, (_, sentence) in zip(table, self._counts, strict=True):
            if row.any():
                bad = [name for name, count in zip(self._names, row, strict=True) if count]
                more = ", …" if len(bad) > 3 else ""
                told = sentence.format(count=counted(int(row.sum()), "period"), names=", ".join(bad[:3]) + more)
                if sentence == _BEYOND:
                    raise InvalidInput(told, field="y_pred", where=bad[0])
                found.append(told)
        return tuple(found)


def _match(truth: Series, other: Series, field: str) -> None:
    if truth.values.shape != other.values.shape:
        mine, theirs = (f"{s.count} series × {counted(s.length, 'period')}" for s in (truth, other))
        msg = f"{field} must have the shape of y_true, {mine}, and it has {theirs}"
        raise InvalidInput(msg, field=field)
    _match_names(truth, other, field)
    if truth.index is not None and other.index is not None and not truth.index.equals(other.index):
        k = int((truth.index != other.index).argmax())
        msg = f"{field} must be for the dates of y_true, and has {other.index[k]} where y_true has {truth.index[k]}"
        raise InvalidInput(msg, field=field, where=str(other.index[k]))


def _match_names(truth: Series, other: Series, field: str) -> None:
    if truth.names != other.names and sorted(truth.names) == sorted(other.names):
        name = next(b for a, b in zip(truth.names, other.names, strict=True) if a != b)
        msg = f"{field} has the series of y_true in another order ({name!r} is out of place); bring them into one order"
        raise InvalidInput(msg, field=field, where=name)


def _match_train(truth: Series, train: Series, season_length: int) -> None:
    if train.count != truth.count:
        msg = f"y_train must have the {truth.count} series of y_true, and it has {train.count}"
        raise InvalidInput(msg, field="y_train")
    _match_names(truth, train, "y_train")
    if train.length <= season_length:
        length = counted(train.length, "period")
        msg = f"y_train has {length}, and season_length {season_length} needs {season_length + 1} or more"
        raise InvalidInput(msg, field="y_train")


def _ends(truth: Series, lo: AnySeries | None, hi: AnySeries | None, level: float | None) -> tuple[Array, ...]:
    given = {"lo": lo, "hi": hi, "level": level}
    absent = [name for name, value in given.items() if value is None]
    if len(absent) == len(given):
        return ()
    if absent:
        msg = f"{absent[0]} is missing: intervals are measured from lo, hi and level together; give all three"
        raise InvalidInput(msg, field=absent[0])
    low, high = Series.of(lo, field="lo"), Series.of(hi, field="hi")
    _match(truth, low, "lo")
    _match(truth, high, "hi")
    xp = namespace_of(lo=low.values, hi=high.values)
    crossed = low.values > high.values
    if bool(xp.any(crossed)):
        s, t = (int(k) for k in np.argwhere(to_numpy(crossed))[0])
        place = truth.place(s, t)
        msg = f"lo must not lie above hi, and does at {place}; exchange them there"
        raise InvalidInput(msg, field="lo", where=place)
    return low.values, high.values


def _in_units(found: Mapping[str, Array], unit: Array, notes: _Notes) -> dict[str, Array]:
    """Give measures that have the unit of the series their size again."""
    xp = namespace_of(unit=unit)
    with np.errstate(over="ignore"):
        sized = {name: found[name] * unit for name in _SIZED if name in found}
    beyond = [xp.isinf(value) for value in sized.values()]
    notes.add(xp.any(xp.stack(beyond), axis=0), _BEYOND)
    return sized


def _ratio(above: Array, below: Array) -> Array:
    """Divide; NaN where the divisor is zero."""
    xp = namespace_of(above=above)
    zero = below == 0
    with np.errstate(over="ignore"):  # a share beyond all numbers is infinite, and needs no second word about it
        quotient = above / xp.where(zero, xp.ones_like(below), below)
    return xp.where(zero, xp.full_like(above, xp.nan), quotient)


def _root_mean_square(values: Float[Array, "series time"], there: Array) -> Float[Array, " series"]:
    """Return the root of the mean square of each row; squares are taken of shares of the largest, and stay finite."""
    xp = namespace_of(values=values)
    size = xp.abs(xp.where(there, values, xp.zeros_like(values)))
    largest = xp.max(size, axis=1)
    unit = xp.where(largest > 0, largest, xp.ones_like(largest))
    return unit * xp.sqrt(mean_there((size / unit[:, None]) ** 2, there))


def _errors(
    truth: Float[Array, "series time"], predicted: Float[Array, "series time"], notes: _Notes
) -> dict[str, Any]:
    xp = namespace_of(y_true=truth, y_pred=predicted)
    error = predicted - truth
    size, share = xp.abs(error), xp.abs(truth)
    there = ~xp.isnan(error)
    notes.add(xp.count_nonzero(~there, axis=1), "left out {count} without truth or prediction ({names})")
    zeros = xp.count_nonzero(there & (share == 0), axis=1)
    notes.add(zeros, "mape is NaN for a truth of zero ({count} of {names}); wape and mase can do without")
    both = share + xp.abs(predicted)
    relative = xp.where(both == 0, xp.zeros_like(both), _ratio(2 * size, both))
    wape = _ratio(mean_there(size, there), mean_there(share, there))
    hopeless = xp.where(mean_there(share, there) == 0, zeros, xp.zeros_like(zeros))
    notes.add(hopeless, "wape is NaN where the truth is zero throughout ({count} of {names})")
    return {
        "mae": mean_there(size, there),
        "rmse": _root_mean_square(error, there),
        "bias": mean_there(error, there),
        "mape": xp.where(zeros > 0, xp.full_like(wape, xp.nan), mean_there(_ratio(size, share), there & (share > 0))),
        "smape": mean_there(relative, there),
        "wape": wape,
    }


def _scaled(
    mae: Array, rmse: Array, unit: Array, train: Float[Array, "series time"], season: int, notes: _Notes
) -> dict[str, Any]:
    """Return errors of predictions divided by ``unit``, over those of the seasonal naive forecast."""
    xp = namespace_of(y_true=mae, y_train=train)
    own = ordinary_unit(train)
    train = train / own[:, None]
    step = train[:, season:] - train[:, :-season]
    there = ~xp.isnan(step)
    naive = mean_there(xp.abs(step), there)
    useless = (naive == 0) | xp.isnan(naive)
    notes.add(
        useless,
        "mase and rmsse are NaN where the seasonal naive forecast never errs inside y_train ({names})",
    )
    ratios = {"mase": _ratio(mae, naive), "rmsse": _ratio(rmse, _root_mean_square(step, there))}
    with np.errstate(over="ignore", under="ignore"):
        return {name: ratio * (unit / own) for name, ratio in ratios.items()}
