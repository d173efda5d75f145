"""The tail of a sample: which of the largest losses make value at risk and expected shortfall, with what weight."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput

__all__ = ["Quantile", "require_tail", "tail_weights"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Quantile: TypeAlias = Literal["interpolated", "step"]

_DIGITS = 9  # of a count of periods, so that 0.05 · 1000 is 50


def require_tail(periods: int, level: float, field: str) -> None:
    """Refuse a level whose tail has less than one period.

    Parameters
    ----------
    periods
        Number of periods there are.
    level
        Share of the periods that are not in the tail.
    field
        What the data are called.

    Raises
    ------
    InvalidInput
        When there are too few periods; the message says how many are needed.
    """
    needed = math.ceil(round(1 / (1 - level), _DIGITS))
    if periods < needed:
        msg = f"level {level:g} needs {needed} periods or more, and {field} has {periods}; lower it or give more"
        raise InvalidInput(msg, field="level")


def tail_weights(periods: int, level: float, quantile: Quantile) -> tuple[Floats, Floats]:
    """Return the weights of the largest losses, largest first, in value at risk and in expected shortfall.

    Parameters
    ----------
    periods
        Number of losses there are.
    level
        Share of the losses that are not in the tail.
    quantile
        ``interpolated``: value at risk lies between two losses (the quantile of type 7, numpy's), and expected
        shortfall is the mean of the losses from it on. ``step``: value at risk is the smallest loss that the share
        ``level`` of losses does not exceed, and expected shortfall the mean of exactly the share 1 - ``level``, part
        of a loss where need be, which is what an optimiser of it minimises.

    References
    ----------
    R. J. Hyndman and Y. Fan (1996), "Sample quantiles in statistical packages". R. T. Rockafellar and S. Uryasev
    (2002), "Conditional value-at-risk for general loss distributions".
    """
    if quantile == "step":
        mass = max(round(periods * (1 - level), _DIGITS), 10.0**-_DIGITS)
        last = math.ceil(mass) - 1
        at, beyond = np.zeros(last + 1), np.full(last + 1, 1 / mass)
        at[last], beyond[last] = 1.0, (mass - last) / mass
        return at, beyond
    place = (periods - 1) * (1 - level)
    last = min(math.floor(round(place, _DIGITS)), periods - 1)
    share = max(place - last, 0.0) if last + 1 < periods else 0.0
    at, beyond = np.zeros(last + 1 + (share > 0)), np.zeros(last + 1 + (share > 0))
    at[last] = 1 - share
    at[last + 1 :] = share
    beyond[: last + 1] = 1 / (last + 1)
    return at, beyond
