"""How unusual deviations are, and from where on too unusual: robust scores with a threshold that means a share.

The deviations of ordinary periods are taken as Student's t around their median. Its scale and degrees of freedom are
read from quantiles that anomalies hardly move: the middle and the outer tenth of the deviations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

__all__ = ["Direction", "Judgement", "judge", "toward"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Direction: TypeAlias = Literal["both", "up", "down"]

_QUARTER, _TENTH = 0.75, 0.95  # of one side, so that two sides leave out a half and a tenth
_NORMAL_QUARTER = 0.6744897501960817
_HEAVIEST = 3.0  # degrees of freedom; fewer have no variance
_LIGHTEST = 1e4  # from here on t is normal
_DOUBT = 0.6  # half the standard error of the logarithm of the two quantiles' ratio, times √n, of normal values
_MEAN_TO_SIGMA = math.sqrt(math.pi / 2)
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is ordinary in one series.

    Attributes
    ----------
    centre
        Median deviation.
    scale
        Standard deviation of a normal distribution with the same middle half; 1 where nothing deviates.
    threshold
        Number of scales that ordinary deviations pass with probability ``alpha``.
    """

    centre: float
    scale: float
    threshold: float


def judge(deviation: Floats, alpha: float, direction: Direction) -> Judgement:
    """Read from the deviations of one series what is ordinary.

    Parameters
    ----------
    deviation
        Of each period of a series whose largest value is around 1, so that 10⁻¹² is rounding; NaN where there is none.
    alpha
        Share of ordinary periods that may pass the threshold.
    direction
        Which side counts.
    """
    known = deviation[~np.isnan(deviation)]
    centre = float(np.median(known))
    side = toward(known - centre, direction)
    side = np.where(np.abs(side) <= _ROUNDING, 0.0, side)
    two = direction == "both"
    inner, outer = np.quantile(side, [2 * _QUARTER - 1, 2 * _TENTH - 1] if two else [_QUARTER, _TENTH])
    freedom = _freedom(float(inner), float(outer), known.size)
    scale = inner / _NORMAL_QUARTER if inner > 0 else _MEAN_TO_SIGMA * float(np.abs(side).mean())
    share = alpha / 2 if two else alpha
    threshold = _quantile(freedom, 1 - share) / _quantile(freedom, _QUARTER) * _NORMAL_QUARTER
    return Judgement(centre=centre, scale=float(scale) if scale > 0 else 1.0, threshold=threshold)


def toward(deviation: Floats, direction: Direction) -> Floats:
    """Return deviations so that larger is more unusual.

    Parameters
    ----------
    deviation
        From the centre, signed.
    direction
        Which side counts.
    """
    return np.abs(deviation) if direction == "both" else deviation if direction == "up" else -deviation


def _quantile(freedom: float, share: float) -> float:
    from scipy.special import ndtri, stdtrit

    return float(ndtri(share) if freedom >= _LIGHTEST else stdtrit(freedom, share))


def _freedom(inner: float, outer: float, count: int) -> float:
    """Return the degrees of freedom whose quantiles have the ratio found, less half its standard error."""
    if inner <= 0:
        return _HEAVIEST
    ratio = outer / inner / (1 + _DOUBT / math.sqrt(count))

    def heavier(freedom: float) -> bool:
        return _quantile(freedom, _TENTH) / _quantile(freedom, _QUARTER) > ratio

    if heavier(_LIGHTEST):
        return _LIGHTEST
    low, high = math.log(_HEAVIEST), math.log(_LIGHTEST)
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if heavier(math.exp(middle)) else (low, middle)
    return math.exp(low)
