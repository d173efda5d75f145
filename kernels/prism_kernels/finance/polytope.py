"""``Polytope``: the portfolios that limits allow, as every solver of the domain takes them."""

from __future__ import annotations

import functools
import math
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
        ends = np.empty((2, count + 1))
        ends[0], ends[1], ends[:, count] = lower, upper, budget
        made = cls(
            lower=ends[0, :count],
            upper=ends[1, :count],
            rows=np.ones((1, count)),
            least=ends[0, count:],
            most=ends[1, count:],
            names=("budget",),
        )
        made.__dict__["ends"] = ends[0], ends[1]  # known here, and half of what a small problem costs to find again
        made.__dict__["sizes"] = np.ones(count + 1)
        made.__dict__["long_only"] = float(budget) if lower == 0 < budget <= upper and budget < math.inf else None
        return made

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
        sizes = np.ones(self.count + len(self.rows))
        np.maximum.reduce(np.abs(self.rows), axis=1, initial=0.0, out=sizes[self.count :])
        return sizes

    @functools.cached_property
    def long_only(self) -> float | None:
        """The budget, above 0, where nothing but it and zero limits the weights; None elsewhere."""
        if len(self.rows) != 1 or self.least[0] != self.most[0]:
            return None
        budget, row = float(self.most[0]), self.rows[0]
        floor = self.lower[self.lower.argmin()] == self.lower[self.lower.argmax()] == 0.0
        sums = row[row.argmin()] == row[row.argmax()] == 1.0
        open_above = bool(self.upper[self.upper.argmin()] >= budget)
        return budget if 0.0 < budget < math.inf and floor and sums and open_above else None

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
