"""Cut series into what transfer entropy compares: the source's past, the target's present, the target's past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from prism_kernels.information import estimators
from prism_kernels.information.neighbours import Floats, Integers, Search
from prism_kernels.information.variables import history

__all__ = ["Histories"]


@dataclass(frozen=True, kw_only=True)
class Histories:
    """How far transfer entropy looks back, in periods.

    Attributes
    ----------
    source
        Periods of the source's past.
    target
        Periods of the target's past, and of the condition's.
    delay
        Periods from the latest of the source's past to the target's present.
    """

    source: int
    target: int
    delay: int

    @property
    def lead(self) -> int:
        """Periods before the first sample."""
        return max(self.target, self.delay + self.source - 1)

    def measure(
        self, source: Floats, target: Floats, condition: Floats | None, search: Search, k: int, theiler: int
    ) -> Callable[[Integers], Floats]:
        """Return what gives local transfer entropies for an order of the samples of the source's past.

        Parameters
        ----------
        source, target, condition
            time × coordinate.
        search, k, theiler
            As in :func:`prism_kernels.information.estimators.mutual`.
        """
        before = history(source, self.lead, self.delay, self.source)
        now = history(target, self.lead, 0, 1)
        known = [history(v, self.lead, 1, self.target) for v in (target, condition) if v is not None]
        given = np.hstack(known)

        def measure(order: Integers) -> Floats:
            return estimators.conditional(before[order], now, given, search, k, theiler)

        return measure
