"""``Polytope``: the portfolios that limits allow, as every solver of the domain takes them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Polytope"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Polytope:
    """All weights ``x`` with ``lower ≤ x ≤ upper`` and ``least ≤ rows @ x ≤ most``.

    Attributes
    ----------
    lower, upper
        Bounds of each weight; infinite where there is none.
    rows
        Limit × asset: the coefficients of each linear limit.
    least, most
        Ends of each linear limit; equal for an equality, infinite where one side is free.
    names
        What each linear limit is called in messages: ``budget``, ``group tech`` …
    """

    lower: Floats
    upper: Floats
    rows: Floats
    least: Floats
    most: Floats
    names: tuple[str, ...]

    @classmethod
    def simplex(cls, count: int, *, lower: float = 0.0, upper: float = 1.0, budget: float = 1.0) -> Polytope:
        """Return all weights within the same bounds that add up to a budget.

        Parameters
        ----------
        count
            Number of assets.
        lower, upper
            Bounds of every weight.
        budget
            Sum of the weights.
        """
        total = np.array([budget])
        return cls(
            lower=np.full(count, float(lower)),
            upper=np.full(count, float(upper)),
            rows=np.ones((1, count)),
            least=total,
            most=total.copy(),
            names=("budget",),
        )

    @functools.cached_property
    def ends(self) -> tuple[Floats, Floats]:
        """Lower and upper ends of the weights, and behind them of the linear limits."""
        return np.concatenate([self.lower, self.least]), np.concatenate([self.upper, self.most])

    @functools.cached_property
    def equal(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which linear limits are equalities."""
        return np.asarray(self.least == self.most)

    @functools.cached_property
    def sizes(self) -> Floats:
        """One for each weight, and behind them the largest coefficient of each linear limit."""
        return np.concatenate([np.ones(self.count), np.abs(self.rows).max(axis=1, initial=0.0)])

    @property
    def count(self) -> int:
        """Number of assets."""
        return len(self.lower)

    def violation(self, weights: Floats) -> float:
        """Return by how much weights leave the polytope, at the worst place.

        Parameters
        ----------
        weights
            One weight an asset.
        """
        gaps = [self.lower - weights, weights - self.upper]
        if len(self.rows):
            along = self.rows @ weights
            gaps += [self.least - along, along - self.most]
        return max(0.0, *(float(gap.max()) for gap in gaps))
