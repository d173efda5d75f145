"""Portfolios of few positions, or of positions of a least size: exact, by branch and bound."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from prism_kernels import progress
from prism_kernels.errors import InvalidInput, NotConverged
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.problem import Problem
from prism_kernels.finance.solution import Solution

__all__ = ["Positions", "fewest"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Choice: TypeAlias = np.ndarray[Any, np.dtype[np.int8]]

_NODES = 4000  # portfolios that are looked at before the search ends with the best of them,
_FEW = 40  # for this many assets; of more it looks at fewer, in the square of their number,
_LEAST_NODES = 100  # but at these in any case
_NOTHING = 1e-12
_OUT, _OPEN, _LONG, _SHORT = 0, 2, 1, -1


@dataclass(frozen=True, kw_only=True)
class Positions:
    """How many positions there may be, and how small.

    Attributes
    ----------
    most
        Largest number of weights other than zero; None without.
    least
        Smallest absolute weight that is not zero; None without.
    """

    most: int | None = None
    least: float | None = None

    def broken(self, weights: Floats) -> bool:
        """Tell whether weights are too many or one of them too small.

        Parameters
        ----------
        weights
            One weight an asset.
        """
        held = np.abs(weights) > _NOTHING
        small = self.least is not None and bool((np.abs(weights[held]) < self.least - _NOTHING).any())
        return small or (self.most is not None and int(held.sum()) > self.most)


def fewest(problem: Problem, positions: Positions, best_of: Callable[[Problem], Solution]) -> Solution:
    """Find the best portfolio of a limited number of positions of a least size.

    Parameters
    ----------
    problem
        Moments, limits and costs.
    positions
        How many positions, and how small.
    best_of
        Solves the problem without them, for other bounds: its objective less its gap bounds what a branch can reach.

    Raises
    ------
    InvalidInput
        When no such portfolio fulfils the limits.

    Notes
    -----
    Each asset is out, held, or open. The branch with the lowest bound is split by the open asset that weighs most (or
    is smallest below the least position); both halves are solved. The search ends with the proof that nothing is
    better, or after 4,000 portfolios (fewer for more than 40 assets) with the best one found, the status
    ``iteration limit`` and the gap that is left.
    """
    _check(problem, positions)
    search = _Search(problem, positions, best_of)
    return search.run()


def _check(problem: Problem, positions: Positions) -> None:
    limits = problem.polytope
    forced = int(((limits.lower > 0) | (limits.upper < 0)).sum())
    if positions.most is not None and forced > positions.most:
        msg = (
            f"limits.max_positions is {positions.most}, and weight_bounds keep {forced} assets from being zero; "
            "let the bounds include 0"
        )
        raise InvalidInput(msg, field="limits", where="max_positions")
    if "budget" not in limits.names:
        return
    budget = float(limits.most[limits.names.index("budget")])
    count = positions.most if positions.most is not None else limits.count
    reach = float(np.sort(np.maximum(limits.upper, 0.0))[::-1][:count].sum())
    if reach < budget - _NOTHING:
        top = float(limits.upper.max())
        msg = f"limits.max_positions is too low: {count} × max {top:g} = {reach:.4g} < budget {budget:g}; raise it"
        raise InvalidInput(msg, field="limits", where="max_positions")
    if positions.least is not None and positions.least > limits.upper.max() and budget > 0:
        msg = (
            f"limits.min_position {positions.least:g} is above the largest weight {limits.upper.max():g} of "
            "weight_bounds; lower it"
        )
        raise InvalidInput(msg, field="limits", where="min_position")
    if positions.least is not None and (limits.lower >= 0).all():
        _check_sizes(limits, budget, positions.least)


def _check_sizes(limits: Polytope, budget: float, least: float) -> None:
    """Refuse a least size that no number of positions has: so many weigh too little, and one more weighs too much."""
    smallest = np.where(limits.lower > 0, np.maximum(limits.lower, least), least)
    forced = smallest[limits.lower > 0]
    if forced.sum() > budget + _NOTHING:
        msg = (
            f"limits.min_position {least:g} is too high: weight_bounds keep {len(forced)} assets from being zero, and "
            f"{_times(forced)} > budget {budget:g}; lower it, or let the bounds include 0"
        )
        raise InvalidInput(msg, field="limits", where="min_position")
    low, high = np.sort(smallest), np.sort(limits.upper)[::-1]
    few = int((np.cumsum(low) <= budget + _NOTHING).sum())
    if few == len(low) or high[:few].sum() >= budget - _NOTHING:
        return
    above = f"{_times(low[: few + 1])} > budget {budget:g}"
    below = f"{_times(high[:few])} < budget {budget:g}, and " if few else ""
    way = f", or raise the largest weight to {budget / few:.4g}" if few else ""
    msg = (
        f"limits.min_position {least:g} fits no number of positions: {below}{above}; "
        f"lower it to {budget / (few + 1):.4g}{way}"
    )
    raise InvalidInput(msg, field="limits", where="min_position")


def _times(weights: Floats) -> str:
    if (weights == weights[0]).all():
        return f"{len(weights)} × {weights[0]:g} = {weights.sum():.4g}"
    return f"{len(weights)} together {weights.sum():.4g}"


class _Search:
    """A queue of branches, lowest bound first."""

    def __init__(self, problem: Problem, positions: Positions, best_of: Callable[[Problem], Solution]) -> None:
        self.problem, self.positions, self.best_of = problem, positions, best_of
        self.queue: list[tuple[float, int, Choice, Solution]] = []
        self.order = itertools.count()
        self.best: Solution | None = None
        self.steps = self.nodes = 0
        share = min(1.0, (_FEW / problem.polytope.count) ** 2)
        self.limit = int(max(min(_LEAST_NODES, _NODES), _NODES * share))

    def run(self) -> Solution:
        """Search until nothing better is possible, or too many portfolios were looked at."""
        self._push(np.full(self.problem.polytope.count, _OPEN, dtype=np.int8))
        while self.queue and self.nodes < self.limit:
            bound, _, choice, found = heapq.heappop(self.queue)
            if self.best is not None and bound >= self.best.objective - self._slack():
                self.queue.clear()
                break
            for way in self._ways(choice, found.weights):
                self._push(way)
            progress.checkpoint()
        if self.best is None:
            given = (("limits.max_positions", self.positions.most), ("limits.min_position", self.positions.least))
            names = " and ".join(name for name, limit in given if limit is not None)
            if self.queue:
                msg = f"no portfolio was found that keeps {names} among the first {self.nodes}; loosen a limit"
                raise NotConverged(msg)
            msg = f"{names} leave no portfolio within the other limits; loosen one of them"
            raise InvalidInput(msg, field="limits")
        lowest = min((bound for bound, *_ in self.queue), default=self.best.objective)
        gap = max(self.best.gap, self.best.objective - lowest)
        status = self.best.status if not self.queue else "iteration limit"
        name = f"branch and bound over {self.best.solver}"
        return replace(self.best, gap=gap, iterations=self.steps, status=status, solver=name)

    def _slack(self) -> float:
        assert_best = self.best
        return 0.0 if assert_best is None else max(assert_best.gap, 1e-12 * abs(assert_best.objective))

    def _push(self, choice: Choice) -> None:
        held = int(np.isin(choice, (_LONG, _SHORT)).sum())
        most = self.positions.most
        if most is not None and held > most:
            return
        if most is not None and held == most:
            choice = np.where(choice == _OPEN, np.int8(_OUT), choice)
        try:
            found = self.best_of(self._problem(choice))
        except InvalidInput:
            self.nodes += 1
            if self.nodes == 1:
                raise
            return
        self.nodes += 1
        self.steps += found.iterations
        if self.best is not None and found.objective - found.gap >= self.best.objective - self._slack():
            return
        if not self.positions.broken(found.weights):
            self.best = found if self.best is None or found.objective < self.best.objective else self.best
            return
        if self.nodes == 1:
            self._round(found.weights)
        heapq.heappush(self.queue, (found.objective - found.gap, next(self.order), choice, found))

    def _round(self, weights: Floats) -> None:
        """Look for a first portfolio: hold the largest weights and leave out the rest."""
        most = self.positions.most or len(weights)
        choice = np.zeros(len(weights), dtype=np.int8)
        for place in np.argsort(-np.abs(weights), kind="stable")[:most]:
            if abs(weights[place]) >= (self.positions.least or _NOTHING):
                choice[place] = _LONG if weights[place] > 0 else _SHORT
        with_held = bool(choice.any())
        if with_held:
            self._push(choice)

    def _problem(self, choice: Choice) -> Problem:
        limits, least = self.problem.polytope, self.positions.least or 0.0
        lower = np.where(choice == _OUT, np.maximum(limits.lower, 0.0), limits.lower)
        upper = np.where(choice == _OUT, np.minimum(limits.upper, 0.0), limits.upper)
        lower = np.where(choice == _LONG, np.maximum(limits.lower, least), lower)
        upper = np.where(choice == _SHORT, np.minimum(limits.upper, -least), upper)
        if (lower > upper).any():
            msg = "a branch without a portfolio"
            raise InvalidInput(msg, field="limits")
        return self.problem.within(lower, upper)

    def _ways(self, choice: Choice, weights: Floats) -> list[Choice]:
        """Split a branch by an open asset: out, held long, and held short where that is allowed."""
        free = np.flatnonzero((choice == _OPEN) & (np.abs(weights) > _NOTHING))
        if not free.size:
            free = np.flatnonzero(choice == _OPEN)
        if not free.size:
            return []
        small = free[np.abs(weights[free]) < (self.positions.least or 0.0)]
        place = small[np.argmax(np.abs(weights[small]))] if small.size else free[np.argmax(np.abs(weights[free]))]
        limits, ways = self.problem.polytope, []
        for state in (_LONG, _SHORT, _OUT):
            if (state == _LONG and limits.upper[place] <= 0) or (state == _SHORT and limits.lower[place] >= 0):
                continue
            way = choice.copy()
            way[place] = state
            ways.append(way)
        return ways
