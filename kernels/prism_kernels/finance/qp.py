"""Quadratic programs over a polytope, solved to rounding and certified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from prism_kernels import lanes
from prism_kernels.errors import InvalidInput, NotConverged
from prism_kernels.finance import linear_program
from prism_kernels.finance.kkt import Active, Program, certified, point_of
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.solution import Solution

__all__ = ["LARGE", "priced", "rough", "solve"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

LARGE = 128  # assets from which changing many limits at once beats one at a time
_SWEEPS = 40  # such changes before giving up
_HALVINGS = 6
_ROUNDING = 1e-12
_EQUALITY = 5  # as DAQP calls it
_INFEASIBLE = -1


def solve(
    quadratic: Floats,
    linear: Floats,
    polytope: Polytope,
    *,
    tolerance: float = 1e-9,
    start: Floats | None = None,
) -> Solution:
    """Find the portfolio that minimises ``½x'Px + q'x``, with the proof that there is none better.

    Parameters
    ----------
    quadratic
        P, asset × asset, symmetric and positive semidefinite.
    linear
        q, one number an asset.
    polytope
        The portfolios allowed.
    tolerance
        Largest violation of the optimality conditions; what stays above it is ``inaccurate``.
    start
        Weights of a like problem, to start from, where a solver takes them.

    Raises
    ------
    InvalidInput
        When no portfolio fulfils the limits.
    NotConverged
        When the solver found nothing at all.

    Notes
    -----
    Few assets that nothing limits but a budget and zero: an active set that assets join and leave, with DAQP where
    they stand in for each other or the answer is not proven to rounding. Few assets otherwise: DAQP, whose set of
    limits that hold is then solved once more as equalities, to rounding. Many: the primal-dual active set method, which
    changes all limits at once and mostly ends in ten steps, with DAQP where it does not end.

    References
    ----------
    Lawson, Hanson (1974). Solving least squares problems.
    Arnström, Bemporad, Axehill (2022). A dual active-set solver for embedded quadratic programming using recursive LDL'
    updates.
    Hintermüller, Ito, Kunisch (2002). The primal-dual active set strategy as a semismooth Newton method.
    """
    program = Program(np.ascontiguousarray(quadratic), np.ascontiguousarray(linear), polytope)
    if polytope.count < LARGE and polytope.long_only is not None:
        found = _by_joining(program, polytope.long_only, tolerance)
        if found is not None:
            return found
    if not quadratic.any():
        return linear_program.minimise(linear, polytope, tolerance=tolerance)
    if polytope.count >= LARGE:
        found = _by_sweeps(program, start, tolerance)
        if found is None and start is None:
            found = _by_halving(program, tolerance, _HALVINGS)
        if found is not None:
            return found
    return _by_daqp(program, start, tolerance)


def joined(quadratic: Floats, linear: Floats, budget: float) -> tuple[Floats, Floats, int] | None:
    """Return the long-only weights of least ``½x'Px + q'x``, the multiplier of their sum, and the steps it took.

    Parameters
    ----------
    quadratic, linear
        P and q.
    budget
        Sum of the weights, above 0; 0 leaves it free.

    Returns
    -------
    None where assets stand in for each other, or rounding keeps the search from its end.
    """
    variances = quadratic.diagonal()
    if not variances[variances.argmax()] > 0:
        return None
    from prism_kernels.finance import long_only_lanes as lane

    count = len(linear)
    given = (
        np.ascontiguousarray(quadratic, dtype=np.float64)[None],
        np.ascontiguousarray(linear, dtype=np.float64)[None],
        np.array([budget]),
    )
    scratch = np.empty((1, lane.ROWS, count)), np.empty((1, count, count))
    weights, price, steps = np.empty((1, count)), np.empty(1), np.empty(1, dtype=np.int64)
    lanes.launch(lane.long_only, 1, *given, *scratch, weights, price, steps, label=None)
    return (weights[0], price, int(steps[0])) if steps[0] >= 0 else None


def _by_joining(program: Program, budget: float, tolerance: float) -> Solution | None:
    """Let assets join and leave; None where the answer does not prove itself."""
    found = joined(program.quadratic, program.linear, budget)
    if found is None:
        return None
    weights, price, steps = found
    gap, residual = certified(program, weights, price)
    if not residual <= min(tolerance, _ROUNDING):
        return None
    return _answer(program, weights, gap, residual, steps, "active set")


def _by_sweeps(program: Program, start: Floats | None, tolerance: float) -> Solution | None:
    limits = program.polytope
    equal = limits.equal.astype(np.int8)
    active = _held(program, start) if start is not None else Active(np.zeros(limits.count, dtype=np.int8), equal)
    stiff = float(np.trace(program.quadratic)) / limits.count
    for sweep in range(1, _SWEEPS + 1):
        found = point_of(program, active)
        if found is None:
            return None
        weights, prices = found
        held = -(program.quadratic @ weights + program.linear + prices @ limits.rows)
        bounds = _pressed(held, weights, limits.lower, limits.upper, stiff)
        rows = np.where(equal, 1, _pressed(prices, limits.rows @ weights, limits.least, limits.most, stiff))
        following = Active(bounds, rows.astype(np.int8))
        if following == active:
            gap, residual = certified(program, weights, prices)
            return (
                _answer(program, weights, gap, residual, sweep, "primal-dual active set")
                if (residual <= tolerance)
                else None
            )
        active = following
    return None


def _by_halving(program: Program, tolerance: float, times: int) -> Solution | None:
    """Start from the answer for half the linear term, where a strong one makes too many limits hold at once."""
    linear = program.linear / 2 if times else np.zeros(program.polytope.count)
    calmer = replace(program, linear=linear)
    found = _by_sweeps(calmer, None, tolerance)
    if found is None and times:
        found = _by_halving(calmer, tolerance, times - 1)
    return None if found is None else _by_sweeps(program, found.weights, tolerance)


def _pressed(force: Floats, place: Floats, least: Floats, most: Floats, stiff: float) -> Any:
    """Tell which limits hold next: those that press, and those that were passed."""
    with np.errstate(invalid="ignore"):
        over, under = force + stiff * (place - most) > 0, force + stiff * (place - least) < 0
    return over.astype(np.int8) - under.astype(np.int8)


def _held(program: Program, weights: Floats) -> Active:
    limits = program.polytope
    along = limits.rows @ weights
    bounds = (weights >= limits.upper).astype(np.int8) - (weights <= limits.lower).astype(np.int8)
    rows = (along >= limits.most - _ROUNDING).astype(np.int8) - (along <= limits.least + _ROUNDING).astype(np.int8)
    rows[limits.equal] = 1
    return Active(bounds, rows)


def _by_daqp(program: Program, start: Floats | None, tolerance: float) -> Solution:
    return _polished(program, *rough(program, start), tolerance)


def rough(program: Program, start: Floats | None = None) -> tuple[Floats, Floats, int]:
    """Return the weights that DAQP finds, to its own tolerance, the multipliers of bounds and limits, and its steps.

    Parameters
    ----------
    program
        What is minimised.
    start
        Weights of a like problem, to start from.
    """
    import daqp

    limits = program.polytope
    largest = float(program.quadratic.diagonal().max())
    unit = largest if largest > 0 else 1.0
    sense = np.zeros(limits.count + len(limits.rows), dtype=np.int32)
    sense[limits.count :][limits.equal] = _EQUALITY
    ends = limits.ends[1], limits.ends[0]
    given = {} if start is None else {"primal_start": np.ascontiguousarray(start)}
    problem = program.quadratic / unit, program.linear / unit, limits.rows, *ends, sense
    weights, _, flag, info = daqp.solve(*problem, primal_tol=1e-10, **given)
    if flag == _INFEASIBLE and linear_program.attainable(limits):  # by rounding alone
        weights, _, flag, info = daqp.solve(*problem, primal_tol=1e-7)
    if flag == _INFEASIBLE:
        msg = f"no portfolio fulfils all limits together ({', '.join(limits.names) or 'bounds'}); loosen one of them"
        raise InvalidInput(msg, field="weight_bounds")
    if not np.isfinite(weights).all() or (flag < 0 and not limits.violation(weights) < 1e-6):
        msg = f"the quadratic program could not be solved (DAQP: {flag}); scale the data, or loosen the limits"
        raise NotConverged(msg)
    return weights, info["lam"] * unit, int(info["iterations"])


def _polished(program: Program, weights: Floats, forces: Floats, steps: int, tolerance: float) -> Solution:
    weights, _, gap, residual = _settled(program, weights, forces)
    return _answer(program, weights, gap, residual, steps, "daqp", tolerance)


def priced(program: Program) -> tuple[Floats, Floats, int]:
    """Return the weights of the optimum, the multipliers of the linear limits, and the steps of DAQP.

    Parameters
    ----------
    program
        What is minimised.
    """
    weights, forces, steps = rough(program)
    return (*_settled(program, weights, forces)[:2], steps)


def _settled(program: Program, weights: Floats, forces: Floats) -> tuple[Floats, Floats, float, float]:
    """Solve the limits that hold as equalities, which takes the solver's tolerance out of the answer."""
    count = program.polytope.count
    signs = np.sign(forces).astype(np.int8)
    signs[count:][program.polytope.equal] = 1
    found = point_of(program, Active(signs[:count], signs[count:]))
    gap, residual = certified(program, *found) if found is not None else (np.inf, np.inf)
    if found is None or not residual <= _ROUNDING:
        weights, prices = np.clip(weights, program.polytope.lower, program.polytope.upper), forces[count:]
        coarse = certified(program, weights, prices)
        if found is None or not residual <= coarse[1]:
            found, (gap, residual) = (weights, prices), coarse
    return (*found, gap, residual)


def _answer(
    program: Program, weights: Floats, gap: float, residual: float, steps: int, solver: str, tolerance: float = np.inf
) -> Solution:
    return Solution(
        weights=weights,
        objective=program.objective(weights),
        gap=gap,
        residual=residual,
        iterations=steps,
        solver=solver,
        status="optimal" if residual <= tolerance else "inaccurate",
    )
