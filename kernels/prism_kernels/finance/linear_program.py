"""Linear programs over a polytope: the largest return, and whether limits can be met at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput, NotConverged
from prism_kernels.finance.kkt import Program, certified
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.solution import Solution

__all__ = ["attainable", "interval", "minimise"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_INFEASIBLE, _UNBOUNDED = 2, 3


def minimise(linear: Floats, polytope: Polytope, *, tolerance: float = 1e-9) -> Solution:
    """Find the portfolio that minimises ``q'x``, with the proof that there is none better.

    Parameters
    ----------
    linear
        q, one number an asset.
    polytope
        The portfolios allowed.
    tolerance
        Largest violation of the optimality conditions; what stays above it is ``inaccurate``.

    Raises
    ------
    InvalidInput
        When no portfolio fulfils the limits, and when they do not bound the objective.
    """
    unit = float(np.abs(linear).max(initial=0.0)) or 1.0
    found, signs = _solved(linear / unit, polytope, range(len(polytope.rows)))
    if found.status == _INFEASIBLE:
        msg = f"no portfolio fulfils all limits together ({', '.join(polytope.names) or 'bounds'}); loosen one of them"
        raise InvalidInput(msg, field="weight_bounds")
    if found.status == _UNBOUNDED:
        msg = "weight_bounds leave the return without limit; bound the weights"
        raise InvalidInput(msg, field="weight_bounds")
    if found.x is None:
        msg = f"the linear program could not be solved ({found.message}); scale the data, or loosen the limits"
        raise NotConverged(msg)
    weights = np.clip(found.x, polytope.lower, polytope.upper)
    prices = -unit * signs @ np.concatenate([found.eqlin.marginals, found.ineqlin.marginals])
    program = Program(np.zeros((polytope.count, polytope.count)), linear, polytope)
    gap, residual = certified(program, weights, prices)
    return Solution(
        weights=weights,
        objective=float(linear @ weights),
        gap=gap,
        residual=residual,
        iterations=int(found.nit),
        solver="highs",
        status="optimal" if residual <= tolerance else "inaccurate",
    )


def attainable(polytope: Polytope, rows: Sequence[int] | None = None) -> bool:
    """Tell whether some portfolio fulfils the bounds and some of the linear limits.

    Parameters
    ----------
    polytope
        The limits.
    rows
        Which of the linear limits; all by default.
    """
    chosen = range(len(polytope.rows)) if rows is None else rows
    return bool(_solved(np.zeros(polytope.count), polytope, chosen)[0].status != _INFEASIBLE)


def interval(row: Floats, polytope: Polytope) -> tuple[float, float]:
    """Return the least and the largest value that a linear function takes.

    Parameters
    ----------
    row
        The coefficient of each asset.
    polytope
        The portfolios allowed.
    """
    ends = []
    for sign in (1.0, -1.0):
        found = _solved(sign * row, polytope, range(len(polytope.rows)))[0]
        ends.append(sign * found.fun if found.fun is not None else -sign * np.inf)
    return float(ends[0]), float(ends[1])


def _solved(linear: Floats, polytope: Polytope, rows: Sequence[int]) -> tuple[Any, Floats]:
    """Return what HiGHS found, and the matrix that turns its marginals into multipliers of the linear limits."""
    from scipy.optimize import linprog

    every = np.array(rows, dtype=int)
    table, least, most = polytope.rows[every], polytope.least[every], polytope.most[every]
    equal = least == most
    upper, lower = ~equal & np.isfinite(most), ~equal & np.isfinite(least)
    found = linprog(
        linear,
        A_eq=table[equal],
        b_eq=most[equal],
        A_ub=np.vstack([table[upper], -table[lower]]),
        b_ub=np.concatenate([most[upper], -least[lower]]),
        bounds=np.column_stack([polytope.lower, polytope.upper]),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    signs = np.zeros((len(polytope.rows), len(every) + int((upper & lower).sum())))
    places = np.concatenate([every[equal], every[upper], every[lower]])
    signs[places, np.arange(len(places))] = np.concatenate([np.ones(equal.sum() + upper.sum()), -np.ones(lower.sum())])
    return found, signs[:, : len(places)]
