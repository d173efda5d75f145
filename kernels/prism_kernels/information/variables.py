"""Read the variables of an estimator: check them, put them on one scale, part equal values, cut them into histories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from prism_kernels.arrays import namespace_of
from prism_kernels.errors import InvalidInput
from prism_kernels.information.neighbours import Floats
from prism_kernels.inputs import Series, calendar

__all__ = ["Variable", "history", "read_together", "read_variable", "require_samples"]

_JITTER = 1e-10
"""Size of the noise that parts equal values, in standard deviations: Kraskov, Stögbauer and Grassberger (2004)."""


@dataclass(frozen=True, eq=False)
class Variable:
    """A variable as the estimators take it.

    Attributes
    ----------
    name
        Name of the argument.
    points
        time × coordinate, each coordinate with mean 0 and standard deviation 1.
    scale
        Standard deviation of each coordinate before.
    ties
        Largest share, over the coordinates, of values that occur more than once.
    jitter
        Size of the noise that parted them, in standard deviations; 0 where no value occurs twice.
    series
        What it was read from.
    """

    name: str
    points: Floats
    scale: Floats
    ties: float
    jitter: float
    series: Series

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the caller should know: how many values are tied."""
        if not self.ties:
            return ()
        return (
            f"{self.ties:.1%} of the values of {self.name} occur more than once; the estimate is for continuous ones, "
            f"and seeded noise of {self.jitter:g} standard deviations parts them",
        )


def read_variable(given: Any, field: str, *, seed: int, stream: int = 0) -> Variable:
    """Read one variable whose rows are its coordinates.

    Parameters
    ----------
    given
        Whatever :class:`~prism_kernels.inputs.Series` can read.
    field
        Name of the argument, for messages.
    seed, stream
        Seed of the noise that parts equal values, and which of several variables this is.

    Raises
    ------
    InvalidInput
        For missing values and constant rows.
    """
    series = Series.of(given, field=field)
    series.require_complete(field, "fill them, or cut the series to a stretch without them")
    series.require_begun(field)
    values = series.lanes
    for row in np.flatnonzero(np.ptp(values, axis=1) == 0):
        name = series.names[row]
        what = f"{name} of {field}" if series.count > 1 else field
        msg = f"{what} is constant, so it carries no information; leave it out"
        raise InvalidInput(msg, field=field, where=name)
    points, scale = _standardised(values)
    tied = np.array([_tied(row) for row in values])
    ties = float(tied.max())
    jitter = _JITTER if ties else 0.0
    if ties:
        noise = np.random.default_rng([seed, stream]).standard_normal(values.shape).T
        points[:, tied > 0] += jitter * noise[:, tied > 0]
    return Variable(field, points, scale, ties, jitter, series)


def read_together(seed: int, **given: Any) -> dict[str, Variable]:
    """Read several variables that share one time axis.

    Parameters
    ----------
    seed
        Seed of the noise that parts equal values.
    **given
        Whatever :class:`~prism_kernels.inputs.Series` can read, by the name of the argument; None is passed over.

    Raises
    ------
    InvalidInput
        For lengths or dates that differ, missing values and constant rows.
    MixedArrays
        When arrays of two libraries or devices meet.
    """
    series = {name: Series.of(value, field=name) for name, value in given.items() if value is not None}
    namespace_of(**{name: s.values for name, s in series.items()})
    (first, lead), *others = series.items()
    for name, other in others:
        if other.length != lead.length:
            msg = f"{first} has {lead.length} periods and {name} has {other.length}; cut both to the periods they share"
            raise InvalidInput(msg, field=name)
        if lead.index is not None and other.index is not None and not lead.index.equals(other.index):
            place = int(np.argmax(np.asarray(lead.index != other.index)))
            here, there = (calendar.stamp(s.index[place]) for s in (lead, other))
            msg = f"period {place + 1} is {here} in {first} and {there} in {name}; align their dates"
            raise InvalidInput(msg, field=name)
    return {name: read_variable(s, name, seed=seed, stream=k) for k, (name, s) in enumerate(series.items())}


def require_samples(samples: int, k: int, theiler: int, field: str, lead: int = 0) -> None:
    """Refuse data that leave some sample without k neighbours.

    Parameters
    ----------
    samples
        Number of samples there are.
    k, theiler
        Neighbours asked for, and how close in time none may be.
    field
        Name of the argument.
    lead
        Periods that went into the first sample's history.
    """
    needed = k + 2 * theiler + 1
    if samples >= needed:
        return
    reasons = (
        f"k={k}" + (f" and theiler={theiler}" if theiler else "") + (f" after a history of {lead}" if lead else "")
    )
    msg = (
        f"{reasons} needs {needed + lead} periods or more, and {field} has {samples + lead}; lower k or bring more data"
    )
    raise InvalidInput(msg, field=field)


def history(points: Floats, first: int, delay: int, length: int) -> Floats:
    """Return what each period from ``first`` on has behind it, sample × (step · coordinate), the latest step first.

    Parameters
    ----------
    points
        time × coordinate.
    first
        First period that becomes a sample; at least ``delay + length - 1``.
    delay
        Periods back to the latest step; 0 is the present.
    length
        Number of steps.
    """
    size = len(points)
    return np.hstack([points[first - back : size - back] for back in range(delay, delay + length)])


def _standardised(values: Floats) -> tuple[Floats, Floats]:
    peak = np.abs(values).max(axis=1, keepdims=True)  # squares of 1e±300 leave the range of floats
    small = values / peak
    centred = small - small.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.mean(centred**2, axis=1, keepdims=True))
    return np.ascontiguousarray((centred / spread).T), (spread * peak)[:, 0]


def _tied(values: Floats) -> float:
    line = np.sort(values)
    equal = line[1:] == line[:-1]
    alone = ~np.concatenate([equal, [False]]) & ~np.concatenate([[False], equal])
    return float(1 - alone.mean())
