"""One launch of the critical lines' lane kernel: its arrays, and the legs of frontiers that it went along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.finance.frontier_start import binding
from prism_kernels.finance.polytope import Polytope

__all__ = ["Leg", "Path", "Trace"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Bools: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

_ENDLESS = 1e300  # as the kernel writes it
_ROOM = 4


@dataclass(frozen=True, kw_only=True)
class Path:
    """Where a trace starts and how far it goes.

    Attributes
    ----------
    mean, covariance
        In units in which variances and the spread of the means are about 1.
    begin, end
        The λ to start from and to end at; down where the end is less.
    """

    mean: Floats
    covariance: Floats
    begin: float = 0.0
    end: float = _ENDLESS


@dataclass(frozen=True, kw_only=True)
class Leg:
    """Corner portfolios in the order of their λ.

    Attributes
    ----------
    weights, prices
        Corner × asset, and the limits' multipliers, corner × limit.
    since, until
        Between which λ each corner is optimal.
    ray
        How weights go on after the last corner; zero where they do not.
    """

    weights: Floats
    prices: Floats
    since: Floats
    until: Floats
    ray: Floats

    def taken(self, which: Any) -> Leg:
        """Return the leg with some of its corners.

        Parameters
        ----------
        which
            Their places, in order.
        """
        parts = (self.weights[which], self.prices[which], self.since[which], self.until[which])
        return Leg(weights=parts[0], prices=parts[1], since=parts[2], until=parts[3], ray=self.ray)

    def after(self, other: Leg) -> Leg:
        """Return this leg behind another that was traced down from the same λ.

        The portfolio both start from is a corner only where it stays while λ changes.

        Parameters
        ----------
        other
            The leg of lesser λ.
        """
        whole = Leg(
            weights=np.vstack([other.weights, self.weights[1:]]),
            prices=np.vstack([other.prices, self.prices[1:]]),
            since=np.r_[other.since, self.since[1:]],
            until=np.r_[other.until[:-1], self.until],
            ray=self.ray,
        )
        meeting = len(other.since) - 1
        stays = whole.until[meeting] > whole.since[meeting]
        if stays or len(whole.since) == 1:
            return whole
        return whole.taken(np.arange(len(whole.since)) != meeting)


class Trace:
    """The corners along many paths within the same limits.

    Parameters
    ----------
    paths
        Where each lane starts and how far it goes.
    polytope
        What the limits allow.

    Attributes
    ----------
    done
        Whether each lane came to its end.
    """

    def __init__(self, paths: Sequence[Path], polytope: Polytope) -> None:
        from prism_kernels.finance import critical_line_lanes as lanes

        self._paths, self._polytope = paths, polytope
        self._starts = np.stack([binding(p.covariance, -p.begin * p.mean, polytope) for p in paths])
        room = 2 * (polytope.count + len(polytope.rows)) + 20
        self._go(room)
        while (self._status == lanes.FULL).any():
            room *= _ROOM
            self._go(room)
        self.done: Bools = self._status == lanes.DONE

    def _go(self, room: int) -> None:
        from prism_kernels.finance import critical_line_lanes as kernel
        from prism_kernels.lanes import launch

        lanes, n, m = len(self._paths), self._polytope.count, len(self._polytope.rows)
        self._weights, self._prices = np.zeros((lanes, room, n)), np.zeros((lanes, room, m))
        self._since, self._until, self._ray = np.zeros((lanes, room)), np.zeros((lanes, room)), np.zeros((lanes, n))
        self._count, self._status = np.zeros(lanes, dtype=np.int64), np.zeros(lanes, dtype=np.int64)
        whole = [np.zeros((lanes, n + m), dtype=np.int64) for _ in range(3)]
        shapes = ((n + m, n + m), (n + m,), (2, n + m), (6, n + m))
        p = self._polytope
        limits = [np.ascontiguousarray(a, dtype=float) for a in (p.lower, p.upper, p.rows, p.least, p.most)]
        means, covariances = np.stack([q.mean for q in self._paths]), np.stack([q.covariance for q in self._paths])
        begin, end = np.array([q.begin for q in self._paths]), np.array([q.end for q in self._paths])
        way = np.where(end < begin, kernel.DOWN, kernel.UP)
        reach = np.where(end == _ENDLESS, _ENDLESS, np.abs(end - begin))
        found = (self._weights, self._prices, self._since, self._until, self._ray, self._count, self._status)
        scratch = [np.zeros((lanes, *s)) for s in shapes]
        launch(
            kernel.critical_lines, lanes, means, covariances, *limits, self._starts, begin, way, reach, *found, *whole,
            *scratch, label="frontiers",
        )  # fmt: skip

    def leg(self, k: int) -> Leg:
        """Return what a lane found, whether it came to its end or not.

        Parameters
        ----------
        k
            Number of the lane.
        """
        count, path = int(self._count[k]), self._paths[k]
        order = np.arange(count)[:: -1 if path.end < path.begin else 1]
        leg = Leg(
            weights=self._weights[k], prices=self._prices[k], since=self._since[k], until=self._until[k],
            ray=self._ray[k].copy(),
        )  # fmt: skip
        leg = leg.taken(order)
        if self.done[k] and path.end == _ENDLESS:
            leg.until[-1] = np.inf
        return leg
