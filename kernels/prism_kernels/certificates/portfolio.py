"""A portfolio against its definitions, its limits, and every other portfolio that these allow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal, spread
from prism_kernels.certificates.portfolio_data import Given, given
from prism_kernels.certificates.shared_risk import by_hierarchy, farthest, unshared

__all__ = ["certificate"]

_KEPT = 1e-9  # by which a limit may be missed
_BEST = 1e-8  # of the variance or return, by which another portfolio may be better
_POINTS = 8  # of a frontier that are looked at
_ROUNDS = 20


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Check what a portfolio is said to do, that it keeps its limits, and that none within them is better.

    Parameters
    ----------
    evidence
        An ``OptimalPortfolio``.

    Notes
    -----
    An objective that is convex lies above its tangent. So the best portfolio for the tangent, which is a linear
    program, bounds by how much any portfolio can be better; limits on a deviation are replaced by their tangents too.
    """
    asked = given(evidence)
    yield from _measures(evidence, asked)
    yield Check("every limit is kept", _missed(asked), _KEPT)
    objective = asked.settings["objective"]
    if objective == "risk_parity":
        share = asked.held.get("risk_budget")
        yield Check(
            "risk is shared by budget",
            unshared(asked.weights, asked.covariance, share, asked.settings["weight_bounds"]),
            _KEPT,
        )
    elif objective == "hrp":
        yield equal(
            "weights by the hierarchy", asked.weights, asked.settings["budget"] * by_hierarchy(asked.covariance)
        )
    elif objective == "min_cvar":
        yield Check("no portfolio has a smaller shortfall", _shortfall_left(asked), _BEST)
    else:
        yield Check("no portfolio within the limits is better", _left(asked), _BEST)
    if evidence.has("frontier"):
        yield from _frontier(asked, evidence["frontier"])


def _measures(evidence: Evidence, asked: Given) -> Iterator[Check]:
    w, year = asked.weights, asked.year
    variance = math.fsum(float(v) for v in (np.outer(w, w) * asked.covariance).ravel())
    deviation, gain = math.sqrt(max(variance, 0.0) * year), math.fsum(w * asked.mean) * year
    each = np.sqrt(np.diag(asked.covariance) * year)
    still = deviation <= 2e-7 * float(each.max())
    unit = float(each.max())
    yield equal("expected return", evidence["expected_return"], gain, unit=1e-6 * unit)
    yield equal("volatility", evidence["volatility"], deviation, unit=unit)
    losses = np.sort(-np.array([math.fsum(row) for row in asked.matrix * w]))[::-1]
    mass = round(len(losses) * (1 - asked.settings["level"]), 9)
    last = math.ceil(mass) - 1
    beyond = _beyond(losses, mass)
    yield equal("value at risk", evidence["value_at_risk"], losses[last], unit=unit / 100)
    yield equal("expected shortfall", evidence["expected_shortfall"], beyond, unit=unit / 100)
    yield equal("value of the objective", evidence["objective_value"], _value(asked, variance, gain, beyond), unit=1e-3)
    if not still:
        net = (gain - asked.settings["risk_free_rate"]) / deviation
        yield equal("Sharpe ratio", evidence["sharpe_ratio"], net, unit=1e-3)
        yield equal("diversification ratio", evidence["diversification_ratio"], float(np.abs(w) @ each) / deviation)
        parts = w * (asked.covariance @ w) * year / deviation
        yield equal("contributions to risk", evidence["risk_contributions"], parts, unit=deviation)
    if "previous_weights" in asked.held:
        moved = w - asked.held["previous_weights"]
        buying, selling = asked.costs
        paid = buying * moved[moved > 0].sum() - selling * moved[moved < 0].sum()
        yield equal("turnover", evidence["turnover"], np.abs(moved).sum() / 2, unit=1.0)
        yield equal("cost of trading", evidence["trading_cost"], paid, unit=1.0)


def _value(asked: Given, variance: float, gain: float, beyond: float) -> float:
    settings, year = asked.settings, asked.year
    net = gain - _paid(asked, asked.weights) * year
    match settings["objective"]:
        case "min_variance" | "hrp":
            return variance * year
        case "max_sharpe":
            return (net - float(settings["risk_free_rate"])) / math.sqrt(variance * year)
        case "max_return":
            return net
        case "min_cvar":
            return beyond
        case "risk_parity":
            return farthest(asked.weights, asked.covariance, asked.held.get("risk_budget"))
    return net - float(settings["risk_aversion"]) / 2 * variance * year


def _missed(asked: Given) -> float:
    """Return by how much the worst limit is missed."""
    w, settings = asked.weights, asked.settings
    rows, least, most = asked.rows()
    low, high = settings["weight_bounds"]
    along, limits = rows @ w, settings["limits"]
    missed = [low - w.min(), w.max() - high, (least - along).max(), (along - most).max()]
    for centre, most_deviation in asked.ceilings():
        apart = w - centre
        missed.append(math.sqrt(max(float(apart @ asked.covariance @ apart), 0.0)) / most_deviation - 1)
    if limits["gross_exposure"] is not None:
        missed.append(np.abs(w).sum() - limits["gross_exposure"])
    if settings["max_turnover"] is not None:
        missed.append(np.abs(w - asked.held["previous_weights"]).sum() / 2 - settings["max_turnover"])
    held = np.abs(w) > 1e-12
    if limits["max_positions"] is not None:
        missed.append(float(held.sum() - limits["max_positions"]))
    if limits["min_position"] is not None and held.any():
        missed.append(limits["min_position"] - np.abs(w[held]).min())
    return max(0.0, *map(float, missed))


def _slopes(asked: Given) -> tuple[Floats, float, float]:
    """Return the slope of what is minimised, the weight of costs in it, and its unit."""
    w, settings = asked.weights, asked.settings
    curved, variance = asked.covariance @ w, float(w @ asked.covariance @ w)
    size = max(variance, float(np.abs(asked.mean).max()))
    match settings["objective"]:
        case "min_variance":
            return curved, 0.0, max(variance, 1e-14 * float(np.trace(asked.covariance)))
        case "max_return":
            return -asked.mean, 1.0, size
        case "max_sharpe":
            net = float(asked.mean @ w) - _paid(asked, w) - settings["risk_free_rate"] / asked.year
            return curved - variance / net * asked.mean, variance / net, variance
    return settings["risk_aversion"] * curved - asked.mean, 1.0, max(size, settings["risk_aversion"] * variance)


def _paid(asked: Given, weights: Floats) -> float:
    if "previous_weights" not in asked.held:
        return 0.0
    moved = weights - asked.held["previous_weights"]
    buying, selling = asked.costs
    return float(buying * moved[moved > 0].sum() - selling * moved[moved < 0].sum()) / asked.year


def _left(asked: Given) -> float:
    """Return by how much a portfolio within the limits may be better, in units of the objective."""
    slope, dear, unit = _slopes(asked)
    here = float(slope @ asked.weights) + dear * _paid(asked, asked.weights)
    return max(here - _lowest(asked, slope, dear), 0.0) / unit


def _lowest(asked: Given, slope: Floats, dear: float, extra: Floats | None = None) -> float:
    """Return the least value of a linear objective with costs: over v, what is bought, what is sold, and |v|."""
    from scipy.optimize import linprog

    count, settings = len(asked.names), asked.settings
    one, none = np.eye(count), np.zeros((count, count))
    previous = asked.held.get("previous_weights", np.zeros(count))
    rows, least, most = asked.rows()
    wide = np.zeros((len(rows), 3 * count))
    at_most = [np.hstack([rows, wide]), -np.hstack([rows, wide])]
    ends = [most, -least]
    at_most += [np.hstack([one, -one, none, none]), np.hstack([-one, none, -one, none])]
    ends += [previous, -previous]
    at_most += [np.hstack([one, none, none, -one]), np.hstack([-one, none, none, -one])]
    ends += [np.zeros(count), np.zeros(count)]
    zeros, ones = np.zeros(count), np.ones(count)
    for row, end in _tangents(asked, extra):
        at_most.append(np.concatenate([row, zeros, zeros, zeros])[None])
        ends.append(np.array([end]))
    if settings["max_turnover"] is not None:
        at_most.append(np.concatenate([zeros, ones, ones, zeros])[None])
        ends.append(np.array([2 * settings["max_turnover"]]))
    if settings["limits"]["gross_exposure"] is not None:
        at_most.append(np.concatenate([zeros, zeros, zeros, ones])[None])
        ends.append(np.array([settings["limits"]["gross_exposure"]]))
    table, right = np.vstack(at_most), np.concatenate(ends)
    there = np.isfinite(right)
    buying, selling = (dear * c / asked.year for c in asked.costs)
    goal = np.concatenate([slope, buying * ones, selling * ones, zeros])
    unit = float(np.abs(goal).max()) or 1.0
    bounds = [*_bounds(asked), *[(0, None)] * (3 * count)]
    tight = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    found = linprog(goal / unit, table[there], right[there], bounds=bounds, method="highs", options=tight)
    return float(found.fun) * unit if found.fun is not None else -math.inf


def _bounds(asked: Given) -> list[tuple[float, float]]:
    """Return bounds of each weight; where the number or size of positions is limited, for these positions alone."""
    low, high = asked.settings["weight_bounds"]
    limits = asked.settings["limits"]
    if limits["max_positions"] is None and limits["min_position"] is None:
        return [(low, high)] * len(asked.names)
    least, found = limits["min_position"] or 0.0, []
    for w in asked.weights:
        if abs(w) <= 1e-12:
            found.append((0.0, 0.0))
        else:
            found.append((max(low, least), high) if w > 0 else (low, min(high, -least)))
    return found


def _tangents(asked: Given, extra: Floats | None) -> Iterator[tuple[Floats, float]]:
    """Give limits on a deviation as the half-space that touches them here; and a return that must be reached."""
    w = asked.weights
    for centre, most in asked.ceilings():
        slope = asked.covariance @ (w - centre)
        size = math.sqrt(max(float((w - centre) @ slope), 1e-300))
        if size >= most * (1 - 1e-7):
            yield slope / size, float(slope @ w) / size
    if extra is not None:
        yield -extra, -float(extra @ w)


def _shortfall_left(asked: Given) -> float:
    """Return by how much the shortfall could be smaller: the linear program of the worst periods bounds it."""
    from scipy.optimize import linprog

    matrix, count = asked.matrix, len(asked.names)
    mass = round(len(matrix) * (1 - asked.settings["level"]), 9)
    rows, least, most = asked.rows()
    losses = -(matrix @ asked.weights)
    inside = losses >= np.sort(losses)[::-1][min(len(losses), 2 * math.ceil(mass) + count) - 1]
    for _ in range(_ROUNDS):
        part = matrix[inside]
        size = len(part)
        table = np.hstack([-part, -np.ones((size, 1)), -np.eye(size)])
        wide = np.zeros((len(rows), size + 1))
        table = np.vstack([table, np.hstack([rows, wide]), -np.hstack([rows, wide])])
        right = np.concatenate([np.zeros(size), most, -least])
        there = np.isfinite(right)
        goal = np.concatenate([np.zeros(count), [1.0], np.full(size, 1 / mass)])
        bounds = [*_bounds(asked), (None, None), *[(0, None)] * size]
        found = linprog(goal, table[there], right[there], bounds=bounds, method="highs")
        if found.x is None:
            return math.inf
        more = (-(matrix @ found.x[:count]) > found.x[count] + 1e-12) & ~inside
        if not more.any():
            break
        inside |= more
    return max(_beyond(losses, mass) - float(found.fun), 0.0) / max(abs(float(found.fun)), 1e-300)


def _beyond(losses: Floats, mass: float) -> float:
    """Return the mean of the largest losses, the last of them in part."""
    ordered, last = np.sort(losses)[::-1], math.ceil(mass) - 1
    return float(ordered[:last].sum() + (mass - last) * ordered[last]) / mass


def _frontier(asked: Given, frontier: Any) -> Iterator[Check]:
    import dataclasses

    weights = np.asarray(frontier.weights, dtype=float)
    free = {**asked.settings, "target_return": None, "target_volatility": None, "max_turnover": None}
    free["limits"] = dict.fromkeys(asked.settings["limits"])
    deviations = np.sqrt(np.einsum("ij,jk,ik->i", weights, asked.covariance, weights) * asked.year)
    yield equal("returns of the frontier", frontier.returns, weights @ asked.mean * asked.year, unit=1e-3)
    yield equal("volatilities of the frontier", frontier.volatilities, deviations)
    corners = np.asarray(frontier.corners, dtype=float)
    yield equal("returns of the corners", frontier.corner_returns, corners @ asked.mean * asked.year, unit=1e-3)
    worst, missed = 0.0, 0.0
    for place in spread(len(weights), _POINTS):
        there = dataclasses.replace(asked, weights=weights[place], settings=free)
        slope = there.covariance @ there.weights
        lowest = _lowest(there, slope, 0.0, extra=there.mean)
        worst = max(worst, (float(slope @ there.weights) - lowest) / max(float(slope @ there.weights), 1e-300))
        missed = max(missed, _missed(there))
    yield Check("no portfolio of the same return has less variance", worst, _BEST)
    yield Check("the frontier keeps the limits", missed, _KEPT)
