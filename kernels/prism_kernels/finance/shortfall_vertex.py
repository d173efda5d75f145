"""From near the least expected shortfall to the vertex itself, and the bound that proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.arrays import Array, device_of, namespace_of, to_numpy
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.shortfall_lp import Iterate
from prism_kernels.finance.walls import Walls

__all__ = ["Part", "Proof", "polish", "prove"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-9  # of the price of a scenario: by so much a multiplier may miss its sign before it is set to it


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some scenarios and some assets; the weights of the other assets are zero.

    Attributes
    ----------
    gains
        Chosen scenario × asset: returns of all assets.
    inner
        Chosen scenario × chosen asset.
    assets
        Which assets are chosen.
    cost
        What an excess loss of one scenario costs.
    whole, polytope
        What the weights of all assets, and those of the chosen ones, may be.
    walls
        The latter as the interior-point method takes it.
    """

    gains: Array
    inner: Array
    assets: np.ndarray[Any, np.dtype[np.int64]]
    cost: float
    whole: Polytope
    polytope: Polytope
    walls: Walls

    def proof(self, unknowns: Floats, force: Floats, prices: Floats, limits: Floats, residual: float) -> Proof:
        """Put weights of the chosen assets beside the bound that multipliers give for all."""
        weights = np.zeros(self.whole.count)
        weights[self.assets] = np.clip(unknowns[:-1], self.polytope.lower, self.polytope.upper)
        value, reduced = _priced(self.whole, force, prices, limits)
        end = np.where(reduced > 0, self.whole.lower, self.whole.upper)
        known = np.isfinite(end)
        each = np.where(known, reduced * np.where(known, end, 0.0), 0.0)
        return Proof(
            weights=weights,
            threshold=float(unknowns[-1]),
            bound=float(value + each.sum()),
            inner_bound=float(value + each[self.assets].sum()),
            reduced_costs=reduced,
            residual=max(residual, float(np.abs(reduced[~known]).max(initial=0.0))),
        )


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Weights, and a bound that no portfolio can beat.

    Attributes
    ----------
    weights
        One weight an asset.
    threshold
        The loss beyond which the tail begins.
    bound
        Dual objective: the expected shortfall of no allowed portfolio is less.
    inner_bound
        The same among portfolios of the chosen assets.
    reduced_costs
        What a little more of each asset would cost.
    residual
        By how much the multipliers miss what makes them a bound.
    """

    weights: Floats
    threshold: float
    bound: float
    inner_bound: float
    reduced_costs: Floats
    residual: float


def prove(part: Part, at: Iterate) -> Proof:
    """Take the bound that a point of the interior-point method gives as it is.

    Parameters
    ----------
    part
        What the programme was solved for.
    at
        The point.
    """
    count, walls = part.inner.shape[0], part.walls
    duals = to_numpy(at.duals)
    force = to_numpy(at.duals[:count] @ part.gains) / duals[:count].sum()
    limits = duals[count + walls.bounds : count + walls.sides.shape[0]]
    prices = to_numpy(at.prices)[: _equalities(part.whole)]
    return part.proof(to_numpy(at.unknowns), -force, prices, limits, 0.0)


def polish(part: Part, at: Iterate) -> Proof:
    """Move a point to the vertex, or the face, that it is nearest to, and take the bound there.

    Parameters
    ----------
    part
        What the programme was solved for.
    at
        A point near the optimum.

    Notes
    -----
    What is binding is read from which of slack and multiplier is larger. The binding conditions are then met by one
    linear solve each for the unknowns and for the multipliers; where they leave a face, or are more than independent,
    by the least change.
    """
    xp = namespace_of(gains=part.gains)
    walls, cost, count = part.walls, part.cost, part.inner.shape[0]
    first, last = count, count + walls.sides.shape[0]
    near = at.slacks[:count] < at.duals[:count] / cost
    paid = at.slacks[last:] < at.duals[last:] / cost
    beyond = xp.astype(near & ~paid, at.slacks.dtype)
    pull = cost * to_numpy(beyond @ part.gains)
    kinks = np.flatnonzero(to_numpy(near & paid))
    edge = to_numpy(xp.take(part.gains, xp.asarray(kinks, device=device_of(part.gains)), axis=0))
    duals, guess = to_numpy(at.duals), to_numpy(at.unknowns)
    face = _Face.of(part, edge, to_numpy(at.slacks[first:last]) < duals[first:last])
    unknowns = face.unknowns(guess)
    size = face.equalities
    prices = face.prices(
        np.append(pull[part.assets], cost * float(xp.sum(beyond))),
        np.concatenate([duals[kinks], to_numpy(at.prices)[:size], duals[first + face.limits]]),
    )
    share, rest = prices[: len(kinks)], prices[len(kinks) :]
    slip = float(np.max(np.abs(share - np.clip(share, 0.0, cost)), initial=0.0)) / cost
    share = np.clip(share, 0.0, cost)
    total = cost * float(xp.sum(beyond)) + share.sum()
    limits = np.zeros(last - first - walls.bounds)
    limits[face.limits - walls.bounds] = np.maximum(0.0, rest[size:])
    residual = max(slip if slip > _ROUNDING else 0.0, abs(total - 1.0))
    return part.proof(unknowns, -(pull + share @ edge) / total, rest[:size], limits, residual)


def _equalities(polytope: Polytope) -> int:
    return int((polytope.least == polytope.most).sum())


@dataclass(frozen=True, kw_only=True)
class _Face:
    """The bounds and limits that bind: which weights are left free, and the rows that tie them."""

    free: np.ndarray[Any, np.dtype[np.bool_]]
    held: Floats
    edge: Floats
    rows: Floats
    level: Floats
    equalities: int
    limits: np.ndarray[Any, np.dtype[np.int64]]

    @classmethod
    def of(cls, part: Part, edge: Floats, binding: Any) -> _Face:
        polytope, walls = part.polytope, part.walls
        fixed = polytope.lower == polytope.upper
        lower, upper = np.isfinite(polytope.lower) & ~fixed, np.isfinite(polytope.upper) & ~fixed
        at_lower, at_upper = fixed.copy(), np.zeros_like(fixed)
        at_lower[lower] = binding[: lower.sum()]
        at_upper[upper] = binding[lower.sum() : walls.bounds]
        limits = walls.bounds + np.flatnonzero(binding[walls.bounds :])
        equal = polytope.least == polytope.most
        return cls(
            free=~(at_lower | at_upper),
            held=np.where(at_lower, polytope.lower, np.where(at_upper, polytope.upper, 0.0)),
            edge=edge[:, part.assets],
            rows=np.concatenate([polytope.rows[equal], to_numpy(walls.sides)[limits]]),
            level=np.concatenate([polytope.least[equal], to_numpy(walls.ends)[limits]]),
            equalities=int(equal.sum()),
            limits=limits,
        )

    def unknowns(self, guess: Floats) -> Floats:
        """Meet the binding conditions by the least change of weights and threshold."""
        use = np.append(self.free, True)
        level = np.concatenate([-(self.edge @ self.held), self.level - self.rows @ self.held])
        found = np.append(self.held, 0.0)
        found[use] = _nearest(self._matrix()[:, use], level, guess[use])
        return found

    def prices(self, pull: Floats, guess: Floats) -> Floats:
        """Balance the forces on the free weights and the threshold by the least change of the multipliers."""
        use = np.append(self.free, True)
        want = np.append(np.zeros(len(self.free)), 1.0) - pull
        return _nearest(self._matrix()[:, use].T, want[use], guess)

    def _matrix(self) -> Floats:
        top = np.concatenate([self.edge, np.ones((len(self.edge), 1))], axis=1)
        return np.concatenate([top, np.concatenate([self.rows, np.zeros((len(self.rows), 1))], axis=1)])


def _nearest(matrix: Floats, right: Floats, guess: Floats) -> Floats:
    """Solve a linear system by the least change of a guess, which is no choice where it is square."""
    from scipy.linalg.lapack import dgesv

    if matrix.shape[0] == matrix.shape[1] and len(matrix):
        lu, _, change, failed = dgesv(matrix, right - matrix @ guess)
        if not failed and np.min(np.abs(np.diag(lu))) > 1e-10:
            return np.asarray(guess + change)
    return np.asarray(guess + np.linalg.lstsq(matrix, right - matrix @ guess, rcond=1e-11)[0])


def _priced(polytope: Polytope, force: Floats, prices: Floats, limits: Floats) -> tuple[float, Floats]:
    """Return what the limits add to the bound of ``force @ weights``, and what is left of the force on each weight."""
    equal = polytope.least == polytope.most
    least, most = np.isfinite(polytope.least) & ~equal, np.isfinite(polytope.most) & ~equal
    below, above = limits[: least.sum()], limits[least.sum() :]
    value = prices @ polytope.least[equal] + below @ polytope.least[least] - above @ polytope.most[most]
    left = force - prices @ polytope.rows[equal] - below @ polytope.rows[least] + above @ polytope.rows[most]
    return float(value), left
