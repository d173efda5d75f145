"""What a forecasting network sees: windows of the past on a common scale, and the way back to the series' own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput
from prism_kernels.timeseries.model import Floats, Problem

__all__ = ["STEPS", "Integers", "Norm", "Past", "Windows", "memory", "places"]

STEPS = 24
_LEVEL_STEPS = 12  # at least; whole seasons
_KEPT = 0.8  # weight of a season in the profile, compared with the season after it
_LEAST_SHARE = 0.1  # of a window's width, compared with its series'
_TINY = 1e-9

Integers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Booleans: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]


def memory(season: int) -> int:
    """Return how many periods before an origin are looked at: 24 steps, and two seasons where those are longer."""
    return max(STEPS, 2 * season)


def places(problem: Problem, ahead: int) -> tuple[Integers, Integers]:
    """Return series and origin of every window that has at least some periods after it.

    Parameters
    ----------
    problem
        The series.
    ahead
        Periods after the origin that must exist.
    """
    origins = np.arange(problem.y.shape[1] + 1 - ahead)
    full = origins[None, :] >= (problem.first + memory(problem.season_length[0]))[:, None]
    series, origin = np.nonzero(full)
    return series.astype(np.int64), origin.astype(np.int64)


@dataclass(frozen=True)
class Norm:
    """How each series is put on the network's scale, found once when it is fitted.

    Attributes
    ----------
    positive
        Whether its logarithm is taken.
    width
        Its mean absolute seasonal change, in the (logarithmic) unit of the series.
    """

    positive: Booleans
    width: Floats

    @classmethod
    def of(cls, problem: Problem) -> Norm:
        """Find out how to scale the series of a problem."""
        positive = np.nanmin(problem.y, axis=1) > 0
        z = _logarithm(problem.y, positive)
        m = problem.season_length[0]
        width = np.nanmean(np.abs(z[:, m:] - z[:, :-m]), axis=1)
        return cls(positive, np.maximum(width, _TINY * np.maximum(np.nanmax(np.abs(z), axis=1), _TINY)))


def _logarithm(y: Floats, positive: Booleans) -> Floats:
    bad = positive & (np.nanmin(y, axis=1) <= 0)
    if bad.any():
        k = int(bad.argmax())
        msg = (
            f"y has {np.nanmin(y[k]):g} in series {k}, which held only positive values when it was fitted; "
            "fit it anew with forecast(…)"
        )
        raise InvalidInput(msg, field="y", where=f"series {k}")
    return np.asarray(np.log(y, where=positive[:, None], out=y.copy()))


@dataclass(frozen=True)
class Past:
    """What the network reads of some windows, in the windows' own scale.

    Attributes
    ----------
    seen, adjusted
        The last steps, window × step, as they are and without their season.
    last, usual
        The last season repeated and the seasonal profile repeated, window × horizon.
    centre, width
        The scale, window × 1, in the (logarithmic) unit of the series.
    """

    seen: Floats
    adjusted: Floats
    last: Floats
    usual: Floats
    centre: Floats
    width: Floats


class Windows:
    """The series of a problem, positive ones as logarithms, ready to be cut into windows.

    Parameters
    ----------
    problem
        The series.
    norm
        How each is scaled.
    h
        Periods ahead of an origin.
    """

    def __init__(self, problem: Problem, norm: Norm, h: int) -> None:
        self.norm, self.season, self.h = norm, problem.season_length[0], h
        self.length = problem.y.shape[1]
        z = _logarithm(problem.y, norm.positive)
        self.z = np.concatenate([z, np.full((len(z), h), np.nan)], axis=1)
        self.profile = _profile(z, self.season)

    def past(self, series: Integers, origin: Integers) -> Past:
        """Return what is seen from each origin: centred on the mean of the last seasons, in mean seasonal changes."""
        m, reach = self.season, memory(self.season)
        seen = self.z[series[:, None], origin[:, None] + np.arange(-reach, 0)]
        level = m * -(-_LEVEL_STEPS // m)
        centre = seen[:, -level:].mean(axis=1, keepdims=True)
        width = np.abs(seen[:, m:] - seen[:, :-m]).mean(axis=1, keepdims=True)
        width = np.maximum(width, _LEAST_SHARE * self.norm.width[series, None])
        seen = (seen - centre) / width
        before, usual = self._season(series, origin, width)
        last = seen[:, reach - m :][:, np.arange(self.h) % m]
        return Past(seen[:, -STEPS:], seen[:, -STEPS:] - before, last, usual, centre, width)

    def _season(self, series: Integers, origin: Integers, width: Floats) -> tuple[Floats, Floats]:
        """Return the profile known at each origin, of the steps before it and of the horizon after it."""
        m = self.season
        begin = origin[:, None] - m // 2 - m  # the last season whose moving average is known
        known = self.profile[series[:, None], begin + np.arange(m)]
        known = (known - known.mean(axis=1, keepdims=True)) / width
        row = np.arange(len(series))[:, None]
        when = origin[:, None] - begin + np.arange(-STEPS, self.h)
        both = known[row, when % m]
        return both[:, :STEPS], both[:, STEPS:]

    def future(self, series: Integers, origin: Integers, past: Past) -> Floats:
        """Return what came after each origin on its scale, window × horizon; NaN after the end of a series."""
        seen = self.z[series[:, None], origin[:, None] + np.arange(self.h)]
        return np.asarray((seen - past.centre) / past.width)

    def restore(self, series: Integers, values: Floats, past: Past) -> Floats:
        """Return values on the windows' scale, window × horizon × quantile, in the units of the series."""
        own = values * past.width[:, :, None] + past.centre[:, :, None]
        return np.asarray(np.exp(own, where=self.norm.positive[series][:, None, None], out=own))


def _profile(z: Floats, m: int) -> Floats:
    """Return the discounted mean deviation from the centred yearly mean of each period and those whole seasons before.

    What it holds for a period is known half a season later.
    """
    half = m // 2
    length = z.shape[1] - 2 * half
    average = np.zeros((len(z), length))
    for k in range(2 * half + 1):
        share = 0.5 if m % 2 == 0 and k in (0, 2 * half) else 1.0
        average += share / m * z[:, k : k + length]
    total = np.zeros_like(z)
    total[:, half : half + length] = z[:, half : half + length] - average
    weight = (~np.isnan(total)).astype(float)
    weight[:, :half] = weight[:, half + length :] = 0.0
    total = np.nan_to_num(total, copy=False)
    for start in range(m, z.shape[1], m):
        size = min(m, z.shape[1] - start)
        for sums in (total, weight):
            sums[:, start : start + size] += _KEPT * sums[:, start - m : start - m + size]
    return np.asarray(total / np.maximum(weight, _TINY))
