"""The quadratic programme from which the trace of a frontier starts."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput, NotConverged
from prism_kernels.finance.polytope import Polytope

__all__ = ["binding"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_EQUALITY, _INFEASIBLE, _OPTIMAL = 5, -1, 1
_TOLERANCE = 1e-12
_FIXED = 2


def binding(quadratic: Floats, linear: Floats, polytope: Polytope) -> Ints:
    """Return which bounds and limits bind where ``½ x'Px + q'x`` is least: -1 at the lower end, 1 at the upper, else 0.

    Parameters
    ----------
    quadratic
        P, asset × asset, symmetric and positive semidefinite, in units in which its diagonal is about 1.
    linear
        q, one number an asset.
    polytope
        What the limits allow.

    Raises
    ------
    InvalidInput
        When no weights meet all limits.

    Notes
    -----
    DAQP, which returns limits that are independent of each other and takes a singular P by proximal steps. Ends that
    are equal are marked 2.

    References
    ----------
    Arnström, Bemporad, Axehill (2022), A Dual Active-Set Solver for Embedded Quadratic Programming Using Recursive LDLᵀ
    Updates.
    """
    import daqp

    low, high = np.r_[polytope.lower, polytope.least], np.r_[polytope.upper, polytope.most]
    sense = np.where(low == high, _EQUALITY, 0).astype(np.int32)
    rows = np.ascontiguousarray(polytope.rows, dtype=float)
    _, _, flag, info = daqp.solve(
        np.ascontiguousarray(quadratic), np.ascontiguousarray(linear), rows, high, low, sense,
        primal_tol=_TOLERANCE, dual_tol=_TOLERANCE,
    )  # fmt: skip
    if flag == _INFEASIBLE:
        msg = f"no weights are within weight_bounds and meet {', '.join(polytope.names)}; loosen one of them"
        raise InvalidInput(msg, field="weight_bounds")
    if flag != _OPTIMAL:
        msg = f"DAQP ended with {flag} before it found where the frontier starts; scale the data"
        raise NotConverged(msg)
    state: Ints = np.sign(info["lam"]).astype(np.int64)
    state[low == high] = _FIXED
    return state
