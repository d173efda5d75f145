"""``Walls``: a polytope as an interior-point method takes it, in the library and on the device of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.arrays import Array
from prism_kernels.finance.polytope import Polytope

__all__ = ["Walls"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Walls:
    """A polytope as equalities ``equal @ x = level`` and inequalities ``sides @ x ≥ ends``, in the scenarios' library.

    Attributes
    ----------
    equal, level
        The limits whose two ends are the same, and below them the weights that are fixed.
    sides, ends
        The finite bounds, lower then upper, and below them the other limits.
    bounds
        How many of the sides are bounds of one weight.
    """

    equal: Array
    level: Array
    sides: Array
    ends: Array
    bounds: int

    @classmethod
    def of(cls, polytope: Polytope, put: Callable[[Floats], Array]) -> Walls:
        """Read a polytope.

        Parameters
        ----------
        polytope
            What the weights may be.
        put
            Moves a numpy array to where the scenarios are.
        """
        one = np.eye(polytope.count)
        equal = polytope.least == polytope.most
        least, most = np.isfinite(polytope.least) & ~equal, np.isfinite(polytope.most) & ~equal
        fixed = polytope.lower == polytope.upper
        lower, upper = np.isfinite(polytope.lower) & ~fixed, np.isfinite(polytope.upper) & ~fixed
        sides = [one[lower], -one[upper], polytope.rows[least], -polytope.rows[most]]
        ends = [polytope.lower[lower], -polytope.upper[upper], polytope.least[least], -polytope.most[most]]
        return cls(
            equal=put(np.concatenate([polytope.rows[equal], one[fixed]])),
            level=put(np.concatenate([polytope.least[equal], polytope.lower[fixed]])),
            sides=put(np.concatenate(sides)),
            ends=put(np.concatenate(ends)),
            bounds=int(lower.sum() + upper.sum()),
        )
