"""The search for the least expected shortfall: on the worst scenarios and the likeliest assets, verified on all."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.arrays import Array, device_of, is_numpy, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput, NotConverged
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.shortfall_lp import Iterate, solve
from prism_kernels.finance.shortfall_vertex import Part, Proof, polish, prove
from prism_kernels.finance.solution import Solution
from prism_kernels.finance.walls import Walls

__all__ = ["LeastShortfall", "Search", "shortfall"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_SCREENED = 3.0  # scenarios that are looked at first, in tails
_KEPT = 2.0  # assets that are looked at first, in those that the portfolio of least variance holds
_SPARE = 12
_WIDTH = 0.1  # distance from the walls to begin at, in spreads of the scenarios
_EARLY = 1e-5  # gap from which the vertex is tried: most often it is the optimum already
_ROUNDS = 30
_GLANCE = 0.03  # gap at which the scenarios that were left out are looked at for the first time
_STEPS = 80
_NO_END = 1e-3


@dataclass(frozen=True, kw_only=True)
class LeastShortfall(Solution):
    """The portfolio with the least expected shortfall.

    Attributes
    ----------
    value_at_risk
        The loss that a share ``level`` of the scenarios does not exceed.
    scenarios
        How many scenarios the last round looked at; the others were verified to lie outside the tail.
    assets
        How many assets the last round looked at; the others were verified to be worth no weight.
    """

    value_at_risk: float
    scenarios: int
    assets: int


def shortfall(losses: Array, level: float) -> tuple[float, float]:
    """Return the expected shortfall and the value at risk of losses that are equally likely.

    Parameters
    ----------
    losses
        One loss a scenario.
    level
        Share of the scenarios that lie before the tail.
    """
    xp = namespace_of(losses=losses)
    count = losses.shape[0]
    tail = round((1.0 - level) * count, 9)
    whole, first = math.floor(tail), max(0, math.ceil(round(level * count, 9)) - 1)
    start = max(0, min(count - whole - 1, first))
    ordered = _from(losses, start)
    last = ordered.shape[0] - whole
    part = (tail - whole) * ordered[last - 1] if last > 0 else 0.0
    both = xp.stack([(xp.sum(ordered[last:]) + part) / tail, ordered[first - start]])
    mean, edge = to_numpy(both)
    return float(mean), float(edge)


def _from(losses: Array, start: int) -> Array:
    """Return the losses in order, from a rank on."""
    if is_numpy(losses):
        return np.sort(np.partition(losses, start)[start:])
    return namespace_of(losses=losses).sort(losses)[start:]


class Search:
    """Rounds over more and more scenarios and assets, until the bound for all meets the shortfall in all.

    Parameters
    ----------
    scenarios
        Scenario × asset: returns, in units of their own spread.
    level
        Share of the scenarios before the tail.
    polytope
        What the weights may be.
    tolerance
        Gap to stop at.
    """

    def __init__(self, scenarios: Array, level: float, polytope: Polytope, tolerance: float) -> None:
        self.xp = namespace_of(scenarios=scenarios)
        self.device = device_of(scenarios)
        self.scenarios, self.level, self.polytope = scenarios, level, polytope
        self.tail = round((1.0 - level) * scenarios.shape[0], 9)
        self.tolerance = tolerance
        self.bounded = bool(np.isfinite(polytope.lower).all() and np.isfinite(polytope.upper).all())
        self.steps = 0

    def put(self, values: Any) -> Array:
        """Move a numpy array to where the scenarios are."""
        return self.xp.asarray(values, device=self.device)

    def run(self) -> LeastShortfall:
        """Return the best portfolio found, which is the optimum unless its status says otherwise."""
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # of steps without end, refused below
            found = self._rounds()
        if not found.gap < _NO_END and not self.bounded:
            msg = (
                "the expected shortfall falls without end, since some weights have no bound; give finite weight_bounds"
            )
            raise NotConverged(msg)
        return found

    def _rounds(self) -> LeastShortfall:
        xp, periods = self.xp, self.scenarios.shape[0]
        weights, kept = self._least_variance()
        losses = -(self.scenarios @ self.put(weights))
        count = min(periods, math.ceil(_SCREENED * self.tail) + int(kept.sum())) if self.bounded else periods
        within = losses >= _from(losses, periods - count)[0]
        for turn in range(_ROUNDS):
            part = self._part(within, kept)
            at: Array | Iterate = self.put(weights[kept])
            if turn == 0:
                part, at, within = self._glanced(part, at, within)
            proof = self._solved(part, at)
            found, losses = self._measured(part, proof)
            missed = (losses > proof.threshold) & ~within
            wanted = (proof.reduced_costs < 0.0) & ~kept
            if found.status == "optimal" or not (wanted.any() or bool(xp.any(missed))):
                break
            within, kept, weights = within | missed, kept | wanted, proof.weights
        return found

    def _part(self, within: Array, kept: Any) -> Part:
        """Return some scenarios of some assets."""
        xp, whole = self.xp, self.polytope
        gains = xp.take(self.scenarios, xp.nonzero(within)[0], axis=0)
        assets = np.flatnonzero(kept)
        if len(assets) == whole.count:
            inner, polytope = gains, whole
        else:
            inner = xp.take(gains, self.put(assets), axis=1)
            lower, upper, rows = whole.lower[assets], whole.upper[assets], whole.rows[:, assets]
            polytope = dataclasses.replace(whole, lower=lower, upper=upper, rows=rows)
        walls = Walls.of(polytope, self.put)
        cost = 1.0 / self.tail
        return Part(gains=gains, inner=inner, assets=assets, cost=cost, whole=whole, polytope=polytope, walls=walls)

    def _glanced(self, part: Part, weights: Array, within: Array) -> tuple[Part, Iterate, Array]:
        """Solve roughly, and take in at once the scenarios that turn out to lie in the tail."""
        xp = self.xp
        at = solve(part.inner, part.cost, part.walls, weights, width=_WIDTH, tolerance=_GLANCE, most=_STEPS)
        whole = np.zeros(self.polytope.count)
        whole[part.assets] = to_numpy(at.unknowns)[:-1]
        missed = (-(self.scenarios @ self.put(whole)) > at.unknowns[-1]) & ~within
        gains = xp.concat([part.gains, xp.take(self.scenarios, xp.nonzero(missed)[0], axis=0)])
        inner = gains if part.inner is part.gains else xp.take(gains, self.put(part.assets), axis=1)
        return dataclasses.replace(part, gains=gains, inner=inner), at, within | missed

    def _solved(self, part: Part, at: Array | Iterate) -> Proof:
        """Solve for a part: to its vertex, or as near as the interior-point method comes."""
        before = self.steps
        for tolerance in (max(_EARLY, self.tolerance), self.tolerance, 1e-3 * self.tolerance):
            at = solve(part.inner, part.cost, part.walls, at, width=_WIDTH, tolerance=tolerance, most=_STEPS)
            self.steps = before + at.steps
            if not math.isfinite(at.gap + at.residual):
                return prove(part, at)
            proof = polish(part, at)
            if self._reached(part, proof) <= self.tolerance:
                return proof
        rough = prove(part, at)
        return rough if self._reached(part, rough) < self._reached(part, proof) else proof

    def _reached(self, part: Part, proof: Proof) -> float:
        """Return the gap or the residual of an answer for its part alone, whichever is larger."""
        losses = -(part.gains @ self.put(proof.weights)) - proof.threshold
        above = self.xp.sum(self.xp.where(losses > 0, losses, self.xp.zeros_like(losses)))
        gap = proof.threshold + part.cost * float(above) - proof.inner_bound
        return max(gap, proof.residual, self.polytope.violation(proof.weights))

    def _measured(self, part: Part, proof: Proof) -> tuple[LeastShortfall, Array]:
        """Measure an answer on all scenarios, against the bound for all assets."""
        losses = -(self.scenarios @ self.put(proof.weights))
        mean, edge = shortfall(losses, self.level)
        gap, residual = mean - proof.bound, max(self.polytope.violation(proof.weights), proof.residual)
        found = LeastShortfall(
            weights=proof.weights,
            objective=mean,
            gap=gap,
            residual=residual,
            iterations=self.steps,
            solver="interior point",
            status="optimal" if max(gap, residual) <= self.tolerance else "inaccurate",
            value_at_risk=edge,
            scenarios=int(part.gains.shape[0]),
            assets=len(part.assets),
        )
        return found, losses

    def _least_variance(self) -> tuple[Floats, Any]:
        """Return the weights of least variance within the limits, to choose scenarios by, and the likeliest assets."""
        import daqp

        xp, limits = self.xp, self.polytope
        mean = to_numpy(xp.mean(self.scenarios, axis=0))
        square = to_numpy(self.scenarios.T @ self.scenarios) / self.scenarios.shape[0] - mean[:, None] * mean
        square += 1e-9 * np.eye(limits.count)
        upper = np.minimum(np.concatenate([limits.upper, limits.most]), 1e30)
        lower = np.maximum(np.concatenate([limits.lower, limits.least]), -1e30)
        sense = np.where(upper == lower, 5, 0).astype(np.int32)
        rows = np.ascontiguousarray(limits.rows)
        weights, _, flag, told = daqp.solve(square, np.zeros(limits.count), rows, upper, lower, sense)
        if flag == -1:
            msg = (
                f"no portfolio fulfils all limits together ({', '.join(limits.names) or 'bounds'}); loosen one of them"
            )
            raise InvalidInput(msg, field="weight_bounds")
        weights = np.asarray(weights, dtype=np.float64)
        cost = np.where((weights <= 1e-9) & (limits.lower == 0.0), np.abs(np.asarray(told["lam"])[: limits.count]), 0.0)
        count = min(limits.count, int(_KEPT * np.count_nonzero(cost == 0.0)) + _SPARE)
        return weights, cost <= np.partition(cost, count - 1)[count - 1]
