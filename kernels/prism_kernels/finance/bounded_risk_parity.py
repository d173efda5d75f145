"""Risk parity within bounds: assets at a bound stay there, the others carry risk in proportion to their budgets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput, NotConverged
from prism_kernels.finance.solution import Solution

__all__ = ["bounded"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_STEPS = 30  # of Newton's method for one scale of risk
_SWEEPS = 2000  # over the assets, where that gets stuck
_HALVINGS = 40  # of one step
_ENOUGH = 1e-3  # of the decrease that a step promises
_FLAT = 1e-13  # decrease, as a share of the budgets, that is none


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """In the units of correlation: y = w·σ, whose sum with ``per`` = 1/σ is the sum of the weights."""

    correlation: Floats
    shares: Floats
    lower: Floats
    upper: Floats
    per: Floats

    def cost(self, y: Floats, scale: float) -> float:
        return float(0.5 * y @ self.correlation @ y - scale * (self.shares @ np.log(y)))

    def slope(self, y: Floats, scale: float) -> Floats:
        return np.asarray(self.correlation @ y - scale * self.shares / y)

    def free(self, y: Floats, scale: float) -> Any:
        """Tell which assets are not held at a bound by their slope."""
        slope = self.slope(y, scale)
        return ~((y <= self.lower) & (slope > 0) | (y >= self.upper) & (slope < 0))


def bounded(
    covariance: Floats,
    shares: Floats,
    lower: Floats,
    upper: Floats,
    start: Floats,
    *,
    tolerance: float,
    assets: Sequence[str],
) -> Solution:
    """Return the portfolio within bounds whose assets away from them carry risk in proportion to their budgets.

    Parameters
    ----------
    covariance
        Asset × asset.
    shares
        Budget of each asset, above 0.
    lower, upper
        Bounds of each weight.
    start
        Weights without the bounds; their sum is that of the result.
    tolerance
        Largest violation of the conditions of the best with which the status is ``optimal``.
    assets
        Names, for messages.

    Raises
    ------
    InvalidInput
        For a bound that ends at 0, and for bounds within which no scale of risk gives that sum.
    NotConverged
        When Newton's method stops before the best.

    Notes
    -----
    The minimum of ½·x'Σx − λ·Σ bᵢ·log xᵢ within the bounds, with the λ at which the weights add up: projected Newton
    steps inside a search for λ, and Newton's method for both at the end, with the assets at their bounds held there.

    References
    ----------
    J.-C. Richard and T. Roncalli (2019), "Constrained risk budgeting portfolios: theory, algorithms, applications &
    puzzles".
    """
    for k in np.flatnonzero(~(upper > 0)).tolist():
        msg = f"weight_bounds of {assets[k]} end at {upper[k]:g}, and risk parity holds every asset; leave it out"
        raise InvalidInput(msg, field="weight_bounds", where=assets[k])
    deviation, total = np.sqrt(np.diag(covariance)), float(start.sum())
    correlation = covariance / np.outer(deviation, deviation)
    limits = np.maximum(lower, 0.0) * deviation, upper * deviation
    problem = _Problem(correlation=correlation, shares=shares, lower=limits[0], upper=limits[1], per=1 / deviation)
    y, scale, steps = _scaled(problem, start * deviation, total)
    y, scale = _polished(problem, y, scale, total)
    residual, gap = _proof(problem, y, scale)
    weights = np.clip(y / deviation, np.maximum(lower, 0.0), upper)
    residual = max(residual, abs(float(weights.sum()) - total))
    return Solution(
        weights=weights,
        objective=problem.cost(y, scale) + scale * float(shares @ np.log(deviation)),
        gap=gap,
        residual=residual,
        iterations=steps,
        solver="damped Newton within bounds",
        status="optimal" if residual <= tolerance else "inaccurate",
    )


def _scaled(problem: _Problem, start: Floats, total: float) -> tuple[Floats, float, int]:
    """Search for the scale of risk at which the weights add up."""
    from scipy.optimize import brentq

    y = np.clip(start, np.maximum(problem.lower, 1e-9 * problem.upper), problem.upper)
    first = math.log(float(start @ problem.correlation @ start))
    steps = 0
    known: dict[float, Floats] = {}

    def missing(log_scale: float) -> float:
        nonlocal y, steps
        y, taken = _within(problem, y, math.exp(log_scale))
        steps += taken
        known[log_scale] = y
        return float(y @ problem.per) - total

    low, high = first, first
    while missing(low) > 0 and low > first - 60:
        low -= 2.0
    while missing(high) < 0 and high < first + 60:
        high += 2.0
    if known[low] @ problem.per > total or known[high] @ problem.per < total:
        msg = (
            f"weight_bounds give no portfolio of {total:g} whose free assets share risk by budget, since assets that "
            "hedge each other take more than that; lower the least weight"
        )
        raise InvalidInput(msg, field="weight_bounds")
    found = low if low == high else float(brentq(missing, low, high, xtol=1e-10))
    missing(found)
    return known[found], math.exp(found), steps


def _within(problem: _Problem, y: Floats, scale: float) -> tuple[Floats, int]:
    """Return the best y within bounds for one scale of risk, by projected Newton steps."""
    cost = problem.cost(y, scale)
    for step in range(1, _STEPS + 1):
        free = problem.free(y, scale)
        slope = problem.slope(y, scale)[free]
        if not free.any():
            return y, step
        inside = problem.correlation[np.ix_(free, free)] + np.diag(scale * problem.shares[free] / y[free] ** 2)
        way = np.linalg.solve(inside, -slope)
        promised = float(-slope @ way)
        if promised <= _FLAT * scale:
            return y, step
        y, cost, moved = _shortened(problem, y, free, way, scale, cost, promised)
        if not moved:
            break
    return _asset_by_asset(problem, y, scale), step


def _asset_by_asset(problem: _Problem, y: Floats, scale: float) -> Floats:
    """Return the same where projected steps get stuck: the best of one asset after another, which always gets there."""
    y = y.copy()
    for _ in range(_SWEEPS):
        before = y.copy()
        for k, row in enumerate(problem.correlation):
            half = (float(row @ y) - y[k]) / 2
            root = math.sqrt(half * half + scale * problem.shares[k]) - half
            y[k] = min(max(root, problem.lower[k]), problem.upper[k])
        if float(np.abs(y - before).max()) <= 1e-13 * float(y.max()):
            return y
    msg = "risk parity within weight_bounds did not converge; widen them, or leave out assets that hedge each other"
    raise NotConverged(msg)


def _shortened(
    problem: _Problem, y: Floats, free: Any, way: Floats, scale: float, cost: float, promised: float
) -> tuple[Floats, float, bool]:
    """Go a step as far as it lowers the cost, kept within bounds and above a tenth of where it began."""
    length = 1.0
    for _ in range(_HALVINGS):
        trial = y.copy()
        low = np.maximum(problem.lower[free], 0.1 * y[free])
        trial[free] = np.clip(y[free] + length * way, low, problem.upper[free])
        lowered = problem.cost(trial, scale)
        if lowered <= cost - _ENOUGH * length * promised or lowered < cost:
            return trial, lowered, True
        length /= 2
    return y, cost, False


def _polished(problem: _Problem, y: Floats, scale: float, total: float) -> tuple[Floats, float]:
    """Solve for free assets and scale together, to rounding, with the others at their bounds."""
    free = problem.free(y, scale)
    if not free.any():  # the scale at which all are held and one is about to leave its bound
        free[np.abs(problem.slope(y, scale) * y / problem.shares).argmin()] = True
    y = np.where(free, y, np.where(y >= problem.upper, problem.upper, problem.lower))
    count = int(free.sum())
    for _ in range(8):
        slope = problem.slope(y, scale)[free]
        off = np.append(-slope, total - float(y @ problem.per))
        system = np.zeros((count + 1, count + 1))
        system[:count, :count] = problem.correlation[np.ix_(free, free)]
        system[:count, :count] += np.diag(scale * problem.shares[free] / y[free] ** 2)
        system[:count, count] = -problem.shares[free] / y[free]
        system[count, :count] = problem.per[free]
        move = np.linalg.solve(system, off)
        trial, scaled = y.copy(), scale + float(move[count])
        trial[free] += move[:count]
        if scaled <= 0 or not (trial > 0).all():
            break
        still = float(np.abs(trial - y).max()) <= 1e-15 * float(y.max())
        y, scale = trial, scaled
        if still:
            break
    return y, scale


def _proof(problem: _Problem, y: Floats, scale: float) -> tuple[float, float]:
    """Return the largest violation of the conditions of the best, as a share of the risk, and the gap of the free."""
    ratio = y * (problem.correlation @ y) / (scale * problem.shares)
    off = (ratio - 1) * problem.shares
    low, high = y <= problem.lower, y >= problem.upper
    wrong = np.where(high, np.maximum(off, 0.0), np.where(low, np.maximum(-off, 0.0), np.abs(off)))
    outside = np.maximum(problem.lower - y, y - problem.upper).max()
    free = ~(low | high)
    part = ratio[free] - 1
    gap = float(problem.shares[free] @ (part - np.log1p(part))) * scale if (ratio[free] > 0).all() else math.inf
    return max(float(wrong.max()), float(outside)), max(gap, 0.0)
