"""``Solution``: what a solver of the domain found, with the proof that comes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

__all__ = ["Solution"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Solution:
    """What a solver found.

    Attributes
    ----------
    weights
        One weight an asset.
    objective
        Value of what was minimised.
    gap
        Primal less dual objective: by so much at most is a better portfolio possible.
    residual
        Largest violation of the optimality conditions (Karush, Kuhn and Tucker), scaled by the size of their terms.
    iterations
        Steps of the solver.
    solver
        Its name: ``active set``, ``daqp``, ``critical line``, ``interior point`` …
    status
        ``optimal``, or why it stopped.
    """

    weights: Floats
    objective: float
    gap: float
    residual: float
    iterations: int
    solver: str
    status: Literal["optimal", "iteration limit", "inaccurate"] = "optimal"
