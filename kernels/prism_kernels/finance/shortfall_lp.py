"""The linear programme of the least expected shortfall, by an interior-point method on a few unknowns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prism_kernels import progress
from prism_kernels.arrays import Array, device_of, is_numpy, namespace_of, to_numpy
from prism_kernels.finance.walls import Walls

__all__ = ["Iterate", "solve"]

_TO_THE_WALL = 0.995
_REGULARISATION = 1e-13
_LEAST_ROOM = 0.1
_ENOUGH = 1e-6  # what the linear conditions may lack: the dual bound is taken from feasible multipliers anyway


@dataclass(frozen=True, kw_only=True)
class Iterate:
    """A point on the way, and where it stands.

    Attributes
    ----------
    unknowns
        The weights, and last the threshold.
    prices
        Multipliers of the equalities.
    slacks
        Of the scenarios, of the sides, and the excess losses: all positive.
    duals
        The multipliers that belong to them: all positive.
    lacks
        What the sides, the balance of forces and the equalities miss.
    gap
        Mean product of slack and dual, times their number.
    residual
        Largest violation of the linear conditions.
    steps
        Newton systems solved so far.
    """

    unknowns: Array
    prices: Array
    slacks: Array
    duals: Array
    lacks: tuple[Array, Array, Array]
    gap: float
    residual: float
    steps: int


class _Programme:
    """min threshold + cost · Σ excess, with excess ≥ 0, excess + gains @ unknowns ≥ 0 and the walls."""

    def __init__(self, scenarios: Array, cost: float, walls: Walls) -> None:
        self.xp = xp = namespace_of(scenarios=scenarios)
        self.cost, self.walls = cost, walls
        self.place = {"dtype": scenarios.dtype, "device": device_of(scenarios)}
        self.periods, self.assets = scenarios.shape
        self.gains = xp.concat([scenarios, xp.ones((self.periods, 1), **self.place)], axis=1)
        none = xp.zeros((walls.sides.shape[0], 1), **self.place)
        self.sides = xp.concat([walls.sides, none], axis=1)
        none = xp.zeros((walls.equal.shape[0], 1), **self.place)
        self.equal = xp.concat([walls.equal, none], axis=1)
        self.gradient = xp.concat([xp.zeros(self.assets, **self.place), xp.ones(1, **self.place)])
        self.corner = -_REGULARISATION * xp.eye(walls.equal.shape[0], **self.place)
        self.diagonal = xp.eye(self.assets + 1, **self.place)

    def threshold(self, weights: Array) -> Array:
        """Return the loss that the tail of given weights begins with."""
        losses = self.xp.sort(-(self.gains[:, : self.assets] @ weights))
        return losses[max(0, self.periods - 1 - int(1.0 / self.cost))]

    def start(self, weights: Array, threshold: Array, width: float) -> Iterate:
        """Return a point on the central path of the scenarios' conditions: every product of slack and dual is one."""
        xp, walls = self.xp, self.walls
        product = width * self.cost
        unknowns = xp.concat([weights, xp.reshape(threshold, (1,))])
        above = -(self.gains @ unknowns)
        excess = _central(xp, above, width)
        room = walls.sides @ weights - walls.ends
        least = _LEAST_ROOM * width
        room = xp.where(room > least, room, xp.full_like(room, least))
        slacks = xp.concat([excess - above, room, excess])
        prices = xp.zeros(walls.equal.shape[0], **self.place)
        return self.stand(unknowns, prices, slacks, product / slacks, 0)

    def join(self, at: Iterate, width: float) -> Iterate:
        """Return a point of fewer scenarios, the first ones, with the rest of them put on the central path."""
        xp, old = self.xp, at.slacks.shape[0] - self.sides.shape[0]
        old //= 2
        above = -(self.gains[old:, :] @ at.unknowns)
        excess = _central(xp, above, width)
        product = width * self.cost
        slacks = xp.concat([at.slacks[:old], excess - above, at.slacks[old:], excess])
        duals = xp.concat([at.duals[:old], product / (excess - above), at.duals[old:], product / excess])
        return self.stand(at.unknowns, at.prices, slacks, duals, at.steps)

    def stand(self, unknowns: Array, prices: Array, slacks: Array, duals: Array, steps: int) -> Iterate:
        """Measure a point."""
        xp = self.xp
        lacks = self._lacks(unknowns, prices, slacks, duals)
        told = xp.stack([xp.sum(slacks * duals), xp.max(xp.abs(xp.concat(lacks)))])
        gap, residual = to_numpy(told).tolist()
        return Iterate(
            unknowns=unknowns,
            prices=prices,
            slacks=slacks,
            duals=duals,
            lacks=lacks,
            gap=gap,
            residual=residual,
            steps=steps,
        )

    def _lacks(self, unknowns: Array, prices: Array, slacks: Array, duals: Array) -> tuple[Array, Array, Array]:
        """Return what the sides, the gradient and the equalities lack."""
        t, m = self.periods, self.sides.shape[0]
        apart = self.sides @ unknowns - self.walls.ends - slacks[t : t + m]
        force = self.gradient - duals[:t] @ self.gains - duals[t : t + m] @ self.sides - prices @ self.equal
        return apart, force, self.walls.level - self.equal @ unknowns

    def step(self, at: Iterate) -> Iterate:
        """Take one step of Mehrotra: predict without centring, then correct."""
        xp = self.xp
        slacks, duals = at.slacks, at.duals
        newton = self._newton(at)
        aim = -slacks * duals
        *_, ds, dd = newton(aim)
        ahead = xp.sum((slacks + _longest(xp, slacks, ds) * ds) * (duals + _longest(xp, duals, dd) * dd))
        product = xp.sum(slacks * duals)
        mean = product / slacks.shape[0]
        centre = mean * (ahead / product) ** 3
        du, dp, ds, dd = newton(aim + centre - ds * dd)
        primal = _TO_THE_WALL * _longest(xp, slacks, ds)
        dual = _TO_THE_WALL * _longest(xp, duals, dd)
        return self.stand(
            at.unknowns + primal * du,
            at.prices + dual * dp,
            slacks + primal * ds,
            duals + dual * dd,
            at.steps + 1,
        )

    def _newton(self, at: Iterate) -> Callable[[Array], tuple[Array, Array, Array, Array]]:
        """Return what solves the Newton system at a point for any aim of the products slack · dual."""
        xp, t, m = self.xp, self.periods, self.sides.shape[0]
        slacks, duals = at.slacks, at.duals
        apart, force, short = at.lacks
        inverse_excess_dual = 1.0 / duals[t + m :]
        weight = 1.0 / (slacks[:t] / duals[:t] + slacks[t + m :] * inverse_excess_dual)
        push = duals[t : t + m] / slacks[t : t + m]
        solve = self._factored(weight, push)

        def newton(aim: Array) -> tuple[Array, Array, Array, Array]:
            pull = weight * (aim[:t] / duals[:t] - aim[t + m :] * inverse_excess_dual)
            lean = aim[t : t + m] / slacks[t : t + m] - push * apart
            right = pull @ self.gains + lean @ self.sides - force
            both = solve(xp.concat([right, short]))
            du, dp = both[: self.assets + 1], -both[self.assets + 1 :]
            gain = self.gains @ du
            dy = pull - weight * gain
            along = self.sides @ du
            excess = (aim[t + m :] + slacks[t + m :] * dy) * inverse_excess_dual
            ds = xp.concat([gain + excess, along + apart, excess])
            dd = xp.concat([dy, lean - push * along, -dy])
            return du, dp, ds, dd

        return newton

    def _factored(self, weight: Array, push: Array) -> Callable[[Array], Array]:
        """Factor the Schur complement, (assets + 1) square, bordered by the equalities."""
        xp, count = self.xp, self.walls.bounds
        scaled = self.gains * xp.sqrt(weight)[:, None]
        square = scaled.T @ scaled
        square = square + self.diagonal * (push[:count] @ xp.abs(self.sides[:count, :]))[:, None]
        if count < self.sides.shape[0]:
            limits = self.sides[count:, :]
            square = square + limits.T @ (limits * push[count:, None])
        square = square + _REGULARISATION * self.diagonal * square
        top = xp.concat([square, self.equal.T], axis=1)
        whole = xp.concat([top, xp.concat([self.equal, self.corner], axis=1)])
        return _factored(xp, whole)


def _central(xp: Any, above: Array, width: float) -> Array:
    """Return the excess whose multiplier and that of its slack add up to the cost, both products being the same."""
    return width + 0.5 * (above + xp.sqrt(above * above + 4.0 * width * width))


def _factored(xp: Any, matrix: Array) -> Callable[[Array], Array]:
    if is_numpy(matrix):
        from scipy.linalg.lapack import dgetrf, dgetrs

        lu, pivots, _ = dgetrf(matrix)
        return lambda right: dgetrs(lu, pivots, right)[0]
    return lambda right: xp.linalg.solve(matrix, right[:, None])[:, 0]


def _longest(xp: Any, values: Array, change: Array) -> Array:
    """Return the largest step, at most 1, that keeps the values from falling below zero."""
    fastest = xp.max(-change / values)
    one = xp.ones_like(fastest)
    return one / xp.where(fastest > one, fastest, one)


def solve(
    scenarios: Array, cost: float, walls: Walls, begin: Array | Iterate, *, width: float, tolerance: float, most: int
) -> Iterate:
    """Minimise the threshold plus the priced excess losses over the weights within walls.

    Parameters
    ----------
    scenarios
        Scenario × asset: returns, in units of their own spread.
    cost
        What an excess loss of one scenario costs: 1 / ((1 − level) · scenarios in all).
    walls
        What the weights may be.
    begin
        Where to begin: weights, which need not be inside the walls, or where an earlier call stopped, which may have
        known the first scenarios only.
    width
        How far from the walls to begin, in the units of the scenarios.
    tolerance
        Gap at which to stop, in the units of the scenarios.
    most
        Steps at most.

    Notes
    -----
    Each excess loss and the slack of its scenario are eliminated by hand, so that a step solves a system of one row an
    asset, one for the threshold and one an equality; what costs is the product of the scenarios with themselves, one
    matrix product. One number is read back from the device in each step, to know when to stop.

    References
    ----------
    S. Mehrotra (1992), "On the implementation of a primal-dual interior point method".
    R. T. Rockafellar and S. Uryasev (2000), "Optimization of conditional value-at-risk".
    """
    programme = _Programme(scenarios, cost, walls)
    if not isinstance(begin, Iterate):
        at = programme.start(begin, programme.threshold(begin), width)
    elif begin.slacks.shape[0] < 2 * scenarios.shape[0] + walls.sides.shape[0]:
        at = programme.join(begin, begin.gap / begin.slacks.shape[0] / cost)
    else:
        at = begin
    for _ in range(most):
        if at.gap <= tolerance and at.residual <= max(tolerance, _ENOUGH):
            break
        progress.checkpoint()
        at = programme.step(at)
    return at
