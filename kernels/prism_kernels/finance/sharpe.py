"""The portfolio of the largest expected return above a rate for each unit of volatility, with its proof."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput, NotConverged
from prism_kernels.finance import qp
from prism_kernels.finance.kkt import Active, Program, certified, point_of
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.problem import Problem, efficient
from prism_kernels.finance.solution import Solution

__all__ = ["solve"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Point: TypeAlias = tuple[float, float]
Settled: TypeAlias = tuple[Floats, Floats, float]  # weights, multipliers and reward that belong together

_STEPS = 60
_CLOSE = 4 * np.finfo(float).eps
_ROUNDING = 1e-14
_ROUNDS = 6
_EXACT = 1e-13
_HELD = 1e-12  # of a bound, within which a weight stands at it


def solve(problem: Problem, risk_free: float = 0.0, *, yearly: float = 1.0) -> Solution:
    """Find the portfolio of the largest Sharpe ratio; what is minimised is its negative, per period.

    Parameters
    ----------
    problem
        Moments, limits and costs.
    risk_free
        Rate per period.
    yearly
        Periods in a year, for messages.

    Raises
    ------
    InvalidInput
        Where no portfolio earns more than the rate, or one has no variance.

    Notes
    -----
    Without costs: the homogenised program, min y'Σy with (μ − r)'y = 1 and limits scaled by the sum of y, and then the
    weights w = y / Σy solved once more with the limits that hold. Where a budget and zero are all limits, the same y
    up to its size minimises ½y'Σy − (μ − r)'y over y ≥ 0. With costs, or limits that bend, the efficient
    portfolio whose reward is t = variance / excess return: along the frontier, variance − t · excess falls through zero
    there and is linear between corners, so that a bracketed secant ends at it. Either is proven as the minimum of
    ½ variance − t · excess; the gap of the ratio follows to first order.

    References
    ----------
    Cornuejols, Tütüncü (2007). Optimization methods in finance.
    """
    found = _homogenised(problem, risk_free)
    return found if found is not None else _by_secant(problem, risk_free, yearly)


def _homogenised(problem: Problem, rate: float) -> Solution | None:
    """Solve the homogenised program; None where it does not apply, or its answer does not prove itself."""
    limits, bends = problem.polytope, problem.bends
    bent = bends.buying or bends.selling or bends.max_turnover is not None or bends.gross_exposure is not None
    if problem.ceilings or bent or "budget" not in limits.names:
        return None
    budget = float(limits.most[limits.names.index("budget")])
    if budget <= 0:
        return None
    ahead = problem.mean - rate / budget
    if limits.long_only is not None and limits.count < qp.LARGE:
        joined = _by_joining(problem, rate, ahead, budget)
        if joined is not None:
            return joined
    scaled = _scaled(limits, budget, ahead / (float(np.abs(ahead).max()) or 1.0))
    program = Program(np.ascontiguousarray(problem.covariance), np.zeros(limits.count), scaled)
    try:
        y, steps = _found(program, problem.tolerance)
    except (InvalidInput, NotConverged):
        return None
    total = float(y.sum())
    return _proven(problem, rate, budget / total * y, steps) if total > 0 else None


def _by_joining(problem: Problem, rate: float, ahead: Floats, budget: float) -> Solution | None:
    """Minimise ½y'Σy − (μ − r)'y over y ≥ 0, which is the same up to size; None where the answer is not proven.

    Σy is μ − r for what is held, so that w = ty fulfils the conditions of ½ variance − t · excess as it is, and t times
    the rate of a unit of budget is the multiplier.
    """
    found = qp.joined(problem.covariance, -ahead, 0.0)
    if found is None:
        return None
    y, _, steps = found
    total = float(y.sum())
    reward = budget / total if total > 0 else 0.0
    weights = reward * y
    if problem.variance(weights) <= _flat(problem):
        return None
    settled = weights, np.array([reward * rate / budget]), reward
    return _stated(problem, rate, settled, steps, "active set", min(problem.tolerance, _HELD))


def _flat(problem: Problem) -> float:
    """Return the variance that is rounding."""
    return _ROUNDING * float(problem.covariance.diagonal().max(initial=0.0))


def _found(program: Program, tolerance: float) -> tuple[Floats, int]:
    if program.polytope.count < qp.LARGE:
        y, _, steps = qp.rough(program)
        return y, steps
    found = qp.solve(program.quadratic, program.linear, program.polytope, tolerance=tolerance)
    return found.weights, found.iterations


def _scaled(limits: Polytope, budget: float, ahead: Floats) -> Polytope:
    """Return the limits of y, which is w times a scale: each end times Σy / budget, and the excess return fixed."""
    count = limits.count
    one, eye, free = np.ones(count) / budget, np.eye(count), np.full(count, np.inf)
    rows, least, most = [ahead[None], one[None]], [1.0, 0.0], [1.0, np.inf]
    others = [k for k, name in enumerate(limits.names) if name != "budget"]
    capped = np.flatnonzero((limits.upper < budget) | (limits.lower.min() < 0))
    raised = np.flatnonzero(limits.lower != 0)
    tables = (
        (limits.rows[others], limits.least[others], limits.most[others]),
        (eye[capped], -free[capped], limits.upper[capped]),
        (eye[raised], limits.lower[raised], free[raised]),
    )
    for table, low, high in tables:
        for ends, above in ((low, True), (high, False)):
            there = np.isfinite(ends)
            rows.append(table[there] - ends[there, None] * one)
            least += [0.0 if above else -np.inf] * int(there.sum())
            most += [np.inf if above else 0.0] * int(there.sum())
    lower = np.where(limits.lower == 0, 0.0, -np.inf)
    table = np.ascontiguousarray(np.vstack(rows))
    return Polytope(lower=lower, upper=free, rows=table, least=np.array(least), most=np.array(most), names=())


def _proven(problem: Problem, rate: float, weights: Floats, steps: int) -> Solution | None:
    """Solve for the weights once more, with the limits that hold, and state the proof."""
    limits, along = problem.polytope, problem.polytope.rows @ weights
    near = _HELD * max(1.0, float(np.abs(weights).max()))
    bounds = (weights >= limits.upper - near).astype(np.int8) - (weights <= limits.lower + near).astype(np.int8)
    rows = (along >= limits.most - near).astype(np.int8) - (along <= limits.least + near).astype(np.int8)
    rows[limits.least == limits.most] = 1
    settled = _settled(problem, rate, weights, Active(bounds, rows))
    name = "daqp" if limits.count < qp.LARGE else "primal-dual active set"
    return None if settled is None else _stated(problem, rate, settled, steps, name, problem.tolerance)


def _stated(
    problem: Problem, rate: float, settled: Settled, steps: int, name: str, tolerance: float
) -> Solution | None:
    """State the proof of what was found; None where it does not hold."""
    weights, prices, reward = settled
    program = Program(problem.covariance, -reward * problem.mean, problem.polytope)
    gap, residual = certified(program, weights, prices)
    if not residual <= tolerance:
        return None
    found = Solution(weights=weights, objective=0.0, gap=gap, residual=residual, iterations=steps, solver=name)
    proof = _as_ratio(problem, found, reward, rate, steps)
    return proof if proof.residual <= tolerance else None


def _settled(problem: Problem, rate: float, weights: Floats, active: Active) -> Settled | None:
    """Return weights, multipliers and reward that belong together where these limits hold."""
    found = None
    for _ in range(_ROUNDS):
        variance, excess = problem.variance(weights), problem.excess(weights, rate)
        if excess <= 0 or variance <= _flat(problem):
            return None
        reward = variance / excess
        point = point_of(Program(problem.covariance, -reward * problem.mean, problem.polytope), active)
        if point is None:
            return None
        weights, found = point[0], (*point, reward)
        if abs(problem.variance(weights) - reward * problem.excess(weights, rate)) <= _EXACT * variance:
            break
    return found


def _by_secant(problem: Problem, rate: float, yearly: float) -> Solution:
    found, reward, calm = _start(problem, rate, yearly)
    steps, height = found.iterations, _height(problem, found, reward, rate)
    low, high, before = (0.0, calm), (math.inf, -math.inf), (0.0, calm)
    for _ in range(_STEPS):
        if abs(height) <= _CLOSE * problem.variance(found.weights):
            break
        low, high = ((reward, height), high) if height > 0 else (low, (reward, height))
        following = _next(before, (reward, height), low, high)
        if not low[0] < following < high[0] or following == reward:
            break
        before, reward = (reward, height), following
        found = efficient(problem, risk=1.0, reward=reward)
        steps, height = steps + found.iterations, _height(problem, found, reward, rate)
    return _as_ratio(problem, found, reward, rate, steps)


def _height(problem: Problem, found: Solution, reward: float, rate: float) -> float:
    return problem.variance(found.weights) - reward * problem.excess(found.weights, rate)


def _next(before: Point, now: Point, low: Point, high: Point) -> float:
    """Go on along the line through the last two points, or halve where that leaves what is known to hold the root."""
    slope = (now[1] - before[1]) / (now[0] - before[0])
    guess = now[0] - now[1] / slope if slope < 0 else math.inf
    if low[0] < guess < high[0]:
        return guess
    return (low[0] + high[0]) / 2 if math.isfinite(high[0]) else 4 * now[0]


def _start(problem: Problem, rate: float, yearly: float) -> tuple[Solution, float, float]:
    """Return a first efficient portfolio with some excess return, its reward, and the least variance."""
    calm = efficient(problem, risk=1.0, reward=0.0)
    variance, excess = problem.variance(calm.weights), problem.excess(calm.weights, rate)
    if variance <= _flat(problem):
        msg = "max_sharpe has no answer where the limits allow a portfolio without variance; leave out what is constant"
        raise InvalidInput(msg, field="returns")
    if excess <= 0:
        bold = efficient(problem, risk=0.0, reward=1.0)
        variance, excess = problem.variance(bold.weights), problem.excess(bold.weights, rate)
        if excess <= 0:
            raise InvalidInput(_hopeless(excess * yearly, rate * yearly), field="risk_free_rate")
    reward = variance / excess
    return efficient(problem, risk=1.0, reward=reward), reward, problem.variance(calm.weights)


def _hopeless(gain: float, rate: float) -> str:
    return (
        f"risk_free_rate {rate:.4g} is not below the largest return that the limits allow, "
        f"{gain + rate:.4g} a year, so no Sharpe ratio is above 0; lower it, or choose 'min_variance'"
    )


def _as_ratio(problem: Problem, found: Solution, reward: float, rate: float, steps: int) -> Solution:
    variance, excess = problem.variance(found.weights), problem.excess(found.weights, rate)
    ratio = excess / math.sqrt(variance)
    missed = abs(variance - reward * excess) / variance
    residual = max(found.residual, missed)
    status = found.status if residual <= problem.tolerance else "inaccurate"
    gap = ratio * (found.gap / variance + missed)
    return replace(found, objective=-ratio, gap=gap, residual=residual, iterations=steps, status=status)
