"""Drawdowns: how far below its highest value a portfolio is, and every fall with its start, trough and recovery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from prism_kernels.arrays import Array, namespace_of
from prism_kernels.inputs.calendar import stamp

__all__ = ["Drawdown", "drawdowns_of", "growth", "underwater"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Drawdown:
    """One fall from a highest value.

    Attributes
    ----------
    start
        Date or number of the period of the highest value; the first period where the data begin with a fall.
    trough
        Of the lowest value.
    recovery
        Of the first period back at the highest value or above; None where there is none yet.
    depth
        Return from the highest value to the lowest, at most 0.
    fall
        Periods from the highest value to the lowest.
    length
        Periods from the highest value to the recovery, or to the end of the data.
    """

    start: str
    trough: str
    recovery: str | None
    depth: float
    fall: int
    length: int


def growth(returns: Float[Array, "time ..."]) -> Float[Array, "time ..."]:
    """Return what one unit of money has become at the end of each period.

    Parameters
    ----------
    returns
        Simple returns.
    """
    xp = namespace_of(returns=returns)
    return _running(xp, lambda later, earlier: later * earlier, 1 + returns)


def underwater(returns: Float[Array, "time ..."]) -> Float[Array, "time ..."]:
    """Return the return from the highest value so far, the beginning counted, to each period: 0 at a high, else below.

    Parameters
    ----------
    returns
        Simple returns.
    """
    xp = namespace_of(returns=returns)
    value = growth(returns)
    peak = _running(xp, xp.maximum, xp.maximum(value, xp.ones_like(value)))
    return value / peak - 1


def _running(xp: Any, combine: Callable[[Array, Array], Array], values: Array) -> Array:
    """Combine each value with all before it, in as many steps as the count has binary digits."""
    step, count = 1, values.shape[0]
    while step < count:
        values = xp.concat([values[:step, ...], combine(values[step:, ...], values[:-step, ...])], axis=0)
        step *= 2
    return values


def drawdowns_of(depths: Floats, labels: Any) -> tuple[Drawdown, ...]:
    """List the falls of one portfolio, the deepest first.

    Parameters
    ----------
    depths
        What :func:`underwater` returned, in numpy.
    labels
        Label of each period.
    """
    below = np.concatenate([[False], depths < 0, [False]])
    firsts = np.flatnonzero(below[1:-1] & ~below[:-2])
    stops = np.flatnonzero(below[1:-1] & ~below[2:]) + 1
    found = [_one(depths, int(a), int(b), labels) for a, b in zip(firsts, stops, strict=True)]
    return tuple(sorted(found, key=lambda fall: fall.depth))


def _one(depths: Floats, first: int, stop: int, labels: Sequence[Any]) -> Drawdown:
    trough = first + int(depths[first:stop].argmin())
    recovered = stop < len(depths)
    return Drawdown(
        start=_text(labels[max(first - 1, 0)]),
        trough=_text(labels[trough]),
        recovery=_text(labels[stop]) if recovered else None,
        depth=float(depths[trough]),
        fall=trough - first + 1,
        length=(stop if recovered else len(depths) - 1) - first + 1,
    )


def _text(label: Any) -> str:
    return stamp(label) if hasattr(label, "strftime") else str(label)
