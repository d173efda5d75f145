"""What is asked of a portfolio: moments, limits and costs, and the efficient portfolio for a price of risk."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.qp_split import Bends, solve_split
from prism_kernels.finance.solution import Solution

__all__ = ["Ceiling", "Problem", "efficient"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_WIDEST = 1e12  # how far a multiplier is looked for, from where the objective and the ceiling weigh alike
_CLOSE = 1e-13  # of the ceiling, from which it counts as met


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """A largest variance of the difference to a portfolio.

    Attributes
    ----------
    centre
        The portfolio; zeros for a limit on the variance itself.
    variance
        The largest variance of the difference, per period.
    name
        Setting that it comes from.
    yearly
        What a standard deviation per period is multiplied by to be said in messages.
    """

    centre: Floats
    variance: float
    name: str
    yearly: float = 1.0

    def over(self, weights: Floats, covariance: Floats) -> float:
        """Return by how much weights exceed the ceiling, relative to it.

        Parameters
        ----------
        weights
            One weight an asset.
        covariance
            Asset × asset, per period.
        """
        apart = weights - self.centre
        return float(apart @ covariance @ apart) / self.variance - 1.0


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is asked of a portfolio, per period.

    Attributes
    ----------
    mean, covariance
        Of the returns of one period.
    polytope
        Linear limits.
    bends
        Costs of trading, turnover and gross exposure.
    ceilings
        Limits on variances.
    tolerance
        Largest violation of the optimality conditions.
    """

    mean: Floats
    covariance: Floats
    polytope: Polytope
    bends: Bends = field(default_factory=Bends)
    ceilings: tuple[Ceiling, ...] = ()
    tolerance: float = 1e-9

    def within(self, lower: Floats, upper: Floats) -> Problem:
        """Return the same problem with other bounds of the weights.

        Parameters
        ----------
        lower, upper
            Bounds of each weight.
        """
        return replace(self, polytope=replace(self.polytope, lower=lower, upper=upper))

    def excess(self, weights: Floats, risk_free: float = 0.0) -> float:
        """Return the expected return less the costs of trading and a rate.

        Parameters
        ----------
        weights
            One weight an asset.
        risk_free
            Rate per period.
        """
        return float(self.mean @ weights) - self.bends.cost(weights) - risk_free

    def variance(self, weights: Floats) -> float:
        """Return the variance of a portfolio.

        Parameters
        ----------
        weights
            One weight an asset.
        """
        return float(weights @ self.covariance @ weights)


def efficient(problem: Problem, *, risk: float, reward: float, pull: Floats | None = None) -> Solution:
    """Find the portfolio that minimises ``risk · ½ variance − reward · (return − costs) + pull · weights``.

    Parameters
    ----------
    problem
        Moments, limits and costs.
    risk, reward
        Weights of the two, 0 or more.
    pull
        A further linear term.

    Raises
    ------
    InvalidInput
        When no portfolio fulfils the limits; for a ceiling the least that can be reached is said.

    Notes
    -----
    A ceiling on a variance is a quadratic limit. Its multiplier is the root of a decreasing function of one number,
    found by Brent's method, with a quadratic program at each step; the gap counts what the last multiplier leaves.
    """
    if not problem.ceilings:
        linear = -reward * problem.mean if pull is None else pull - reward * problem.mean
        bends = replace(problem.bends, buying=reward * problem.bends.buying, selling=reward * problem.bends.selling)
        return solve_split(risk * problem.covariance, linear, problem.polytope, bends, tolerance=problem.tolerance)
    *others, ceiling = problem.ceilings
    rest = replace(problem, ceilings=tuple(others))
    free = _unless_unbounded(rest, risk, reward, pull)
    if free is not None and ceiling.over(free.weights, problem.covariance) <= 0:
        return free
    return _at_ceiling(rest, ceiling, risk=risk, reward=reward, pull=pull)


def _unless_unbounded(problem: Problem, risk: float, reward: float, pull: Floats | None) -> Solution | None:
    """Solve without the ceiling; None where only the ceiling bounds the objective."""
    from prism_kernels.errors import NotConverged

    try:
        return efficient(problem, risk=risk, reward=reward, pull=pull)
    except NotConverged:
        return None
    except InvalidInput as refused:
        if "without limit" in str(refused):
            return None
        raise


def _at_ceiling(problem: Problem, ceiling: Ceiling, *, risk: float, reward: float, pull: Floats | None) -> Solution:
    from scipy.optimize import brentq

    toward = -problem.covariance @ ceiling.centre
    nearest = efficient(problem, risk=1.0, reward=0.0, pull=toward)
    least = ceiling.over(nearest.weights, problem.covariance)
    if least > _CLOSE:
        raise _too_low(ceiling, least)
    seen: dict[float, tuple[Solution, float]] = {}

    def over(price: float) -> float:
        if price not in seen:
            more = price * toward if pull is None else pull + price * toward
            found = efficient(problem, risk=risk + price, reward=reward, pull=more)
            seen[price] = found, ceiling.over(found.weights, problem.covariance)
        return seen[price][1]

    unit = _unit(problem, ceiling, risk, reward, pull)
    low, high = unit, unit
    while over(high) > 0 and high < unit * _WIDEST:
        low, high = high, 8 * high
    while over(low) < 0 and low > unit / _WIDEST:
        low, high = low / 8, low
    if over(low) > 0 > over(high):
        brentq(over, low, high, xtol=1e-300, rtol=4 * np.finfo(float).eps)
    inside = [p for p, (_, excess) in seen.items() if excess <= _CLOSE]
    if not inside:
        return replace(nearest, solver=nearest.solver, status=nearest.status)
    best = min(inside)
    return _with_ceiling(problem, ceiling, best, *seen[best], len(seen), (risk, reward, pull))


def _with_ceiling(
    problem: Problem,
    ceiling: Ceiling,
    price: float,
    found: Solution,
    excess: float,
    steps: int,
    asked: tuple[float, float, Floats | None],
) -> Solution:
    """State the proof for the problem with the ceiling: what is left of multiplier times slack belongs to the gap."""
    risk, reward, pull = asked
    weights = found.weights
    value = 0.5 * risk * problem.variance(weights) - reward * problem.excess(weights)
    value += 0.0 if pull is None else float(pull @ weights)
    left = 0.5 * price * ceiling.variance * max(-excess, 0.0)
    residual = max(found.residual, abs(excess))
    return replace(
        found,
        objective=value,
        gap=found.gap + left,
        residual=residual,
        iterations=found.iterations + steps,
        status=found.status if residual <= problem.tolerance else "inaccurate",
    )


def _unit(problem: Problem, ceiling: Ceiling, risk: float, reward: float, pull: Floats | None) -> float:
    """Return a multiplier at which the ceiling weighs about as much as the objective."""
    deviation = float(np.sqrt(np.diagonal(problem.covariance).max(initial=0.0))) or 1.0
    linear = reward * float(np.abs(problem.mean).max(initial=0.0))
    linear += 0.0 if pull is None else float(np.abs(pull).max(initial=0.0))
    return risk or linear / (deviation * math.sqrt(ceiling.variance)) or 1.0


def _too_low(ceiling: Ceiling, least: float) -> InvalidInput:
    given = math.sqrt(ceiling.variance) * ceiling.yearly
    lowest = given * math.sqrt(1 + least)
    msg = f"{ceiling.name} {given:.6g} is below the least that the limits allow, {lowest:.6g}; raise it"
    return InvalidInput(msg, field=ceiling.name)
