"""The optimality conditions of a quadratic program: how far a point is from them, and the point that fulfils them.

Signs: with ``L = ½x'Px + q'x + y'(Ax − b) + z'(x − u)`` a multiplier is positive where the upper end of a limit holds
the portfolio back and negative where the lower end does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.finance.polytope import Polytope

__all__ = ["Active", "Program", "certified", "point_of"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Signs: TypeAlias = np.ndarray[Any, np.dtype[np.int8]]

_BY_CHOLESKY = 64  # free weights from which factoring a half pays for its calls


@dataclass(frozen=True)
class Program:
    """Minimise ``½x'Px + q'x`` over a polytope.

    Attributes
    ----------
    quadratic, linear
        P, symmetric and positive semidefinite, and q.
    polytope
        The portfolios allowed.
    """

    quadratic: Floats
    linear: Floats
    polytope: Polytope

    def objective(self, weights: Floats) -> float:
        """Return what is minimised.

        Parameters
        ----------
        weights
            One weight an asset.
        """
        return float(weights.dot(0.5 * self.quadratic.dot(weights) + self.linear))


@dataclass(frozen=True)
class Active:
    """Which limits hold: −1 at the lower end, 1 at the upper, 0 where a limit is not felt.

    Attributes
    ----------
    bounds, rows
        Of each weight, and of each linear limit.
    """

    bounds: Signs
    rows: Signs

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Active) and np.array_equal(self.bounds, other.bounds)
        return same and np.array_equal(self.rows, other.rows)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self.bounds.tobytes(), self.rows.tobytes()))


def certified(program: Program, weights: Floats, prices: Floats) -> tuple[float, float]:
    """Return the duality gap and the largest violation of the optimality conditions.

    Parameters
    ----------
    program
        What was minimised.
    weights
        A portfolio.
    prices
        Multiplier of each linear limit; those of the bounds follow from them.

    Notes
    -----
    The multipliers of the bounds are chosen such that the dual is feasible, so that the gap is a proof: no portfolio
    is better by more. A condition "multiplier times slack is zero" is violated by the smaller of the two, each scaled.
    """
    limits = program.polytope
    curved, pulled = program.quadratic.dot(weights), prices.dot(limits.rows)
    size = _largest(np.abs(np.concatenate((curved, program.linear, pulled)))) or 1.0
    reach = max(1.0, _largest(np.abs(weights)))
    forces = np.concatenate((-(curved + program.linear + pulled), prices))
    places = np.concatenate((weights, limits.rows.dot(weights)))
    below, above = places - limits.ends[0], limits.ends[1] - places
    slack, strength = np.where(forces > 0, above, below), np.abs(forces)
    distance = np.abs(slack)
    pressed = _largest(np.minimum(strength * (limits.sizes / size), distance / reach))
    outside = _largest(-np.minimum(below, above)) / reach
    residual = math.nan if math.isnan(outside + pressed) else max(0.0, outside, pressed)
    return _product(strength, slack, there=math.isfinite(_largest(distance))), residual


def _largest(values: Floats) -> float:
    """Return what ``max`` does, NaN where there is one, in a fourth of its time for few values."""
    return float(values[values.argmax()])


def _product(strength: Floats, slack: Floats, *, there: bool) -> float:
    """Sum multiplier times slack; a limit that is not there has none but rounding, which the residual sees."""
    if not there:
        bounded = np.isfinite(slack)
        strength, slack = strength[bounded], slack[bounded]
    return float(strength.dot(np.maximum(slack, 0.0)))


def point_of(program: Program, active: Active) -> tuple[Floats, Floats] | None:
    """Return the weights and the multipliers that fulfil the conditions if exactly these limits hold.

    Parameters
    ----------
    program
        What is minimised.
    active
        The limits that hold.

    Returns
    -------
    None where the conditions do not have one solution.
    """
    limits = program.polytope
    free, rows = np.flatnonzero(active.bounds == 0), np.flatnonzero(active.rows)
    weights = np.where(active.bounds < 0, limits.lower, np.where(active.bounds > 0, limits.upper, 0.0))
    ends = np.where(active.rows < 0, limits.least, limits.most)[rows]
    prices = np.zeros(len(limits.rows))
    if free.size < rows.size:
        return None
    if not free.size:
        return weights, prices
    if free.size == limits.count:
        inner, across, force = program.quadratic, limits.rows[rows], -program.linear
    else:
        inner, across = program.quadratic[free[:, None], free], limits.rows[rows[:, None], free]
        force = -(program.linear + program.quadratic @ weights)[free]
        ends = ends - limits.rows[rows] @ weights
    found = (_by_halves if free.size >= _BY_CHOLESKY else _by_whole)(inner, across, force, ends)
    if found is None:
        return None
    weights[free], prices[rows] = found
    return weights, prices


def _by_whole(inner: Floats, across: Floats, force: Floats, ends: Floats) -> tuple[Floats, Floats] | None:
    """Solve the conditions as one symmetric system, with one step of refinement."""
    from scipy.linalg import lapack

    count, more = len(inner), len(across)
    unit = float(inner.diagonal().max()) if count else 1.0
    unit = unit if unit > 0 else 1.0
    system = np.zeros((count + more, count + more))
    system[:count, :count] = inner / unit
    system[count:, :count], system[:count, count:] = across, across.T
    goal = np.concatenate([force / unit, ends])
    factor, places, found, failed = lapack.dgesv(system, goal)
    if failed:
        return None
    found = found + lapack.dgetrs(factor, places, goal - system @ found)[0]
    return found[:count], found[count:] * unit


def _by_halves(inner: Floats, across: Floats, force: Floats, ends: Floats) -> tuple[Floats, Floats] | None:
    """Factor the covariance once and solve a small system for the multipliers, with one step of refinement."""
    from scipy.linalg import lapack

    factor, failed = lapack.dpotrf(inner, lower=1, clean=0)
    if failed:
        return None
    turned = lapack.dpotrs(factor, across.T, lower=1)[0].reshape(len(inner), len(across))
    small = across @ turned

    def solved(force: Floats, ends: Floats) -> tuple[Floats, Floats]:
        plain = lapack.dpotrs(factor, force, lower=1)[0]
        prices = np.linalg.solve(small, across @ plain - ends)
        return plain - turned @ prices, prices

    try:
        weights, prices = solved(force, ends)
        more, dearer = solved(force - inner @ weights - prices @ across, ends - across @ weights)
    except np.linalg.LinAlgError:
        return None
    weights, prices = weights + more, prices + dearer
    return (weights, prices) if np.isfinite(weights).all() and np.isfinite(prices).all() else None
