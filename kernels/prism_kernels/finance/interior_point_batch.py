"""The steps of Mehrotra's method for a batch of quadratic programmes, over the Array API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from prism_kernels.arrays import Array, device_of

__all__ = ["Batch", "Step"]

Step: TypeAlias = tuple[Array, Array, Array, Array, Array, Array]
"""Weights, prices of the equalities, room down and up to the bounds, and the multipliers of these."""

Tied: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]

_TO_THE_WALL = 0.995
_REGULARISATION = 1e-14
_NOTHING = 1e-17


class Batch:
    """The programmes, with their objectives scaled to terms of size 1."""

    def __init__(
        self, xp: Any, *, quadratic: Array, linear: Array, equal: Array, level: Array, lower: Array, upper: Array
    ) -> None:
        self.xp = xp
        largest = xp.max(xp.abs(quadratic), axis=(1, 2))
        unit = xp.maximum(largest, xp.max(xp.abs(linear), axis=1))
        self.unit = xp.where(unit > 0, unit, xp.ones_like(unit))
        self.quadratic, self.linear = quadratic / self.unit[:, None, None], linear / self.unit[:, None]
        self.equal, self.level, self.lower, self.upper = equal, level, lower, upper
        self.fixed = lower == upper
        self.below, self.above = xp.isfinite(lower) & ~self.fixed, xp.isfinite(upper) & ~self.fixed
        zeros = xp.zeros_like(lower)
        self.floor, self.ceiling = xp.where(self.below, lower, zeros), xp.where(self.above, upper, zeros)
        walls = xp.sum(xp.astype(self.below, xp.float64) + xp.astype(self.above, xp.float64), axis=1)
        self.walled, self.walls = walls > 0, xp.where(walls > 0, walls, xp.ones_like(walls))
        rows = equal.shape[1]
        place = {"dtype": xp.float64, "device": device_of(linear)}
        self.one = xp.eye(linear.shape[1], **place)
        self.corner = xp.broadcast_to(-_REGULARISATION * xp.eye(rows, **place), (linear.shape[0], rows, rows))

    def start(self) -> Step:
        """Return a point inside the bounds, and multipliers whose products with the room are all one."""
        xp = self.xp
        half = 0.5 * (self.floor + self.ceiling)
        inside = xp.where(self.below & self.above, half, xp.where(self.below, self.floor + 1.0, self.ceiling - 1.0))
        free = ~(self.below | self.above)
        weights = xp.where(self.fixed, self.lower, xp.where(free, xp.zeros_like(half), inside))
        one = xp.ones_like(weights)
        down = xp.where(self.below, weights - self.floor, one)
        up = xp.where(self.above, self.ceiling - weights, one)
        none = xp.zeros_like(weights)
        push, press = xp.where(self.below, 1.0 / down, none), xp.where(self.above, 1.0 / up, none)
        return weights, xp.zeros_like(self.level), down, up, push, press

    def product(self, at: Step) -> Array:
        """Return the mean product of room and multiplier, of each programme."""
        _, _, down, up, push, press = at
        return self.xp.sum(down * push + up * press, axis=1) / self.xp.where(
            self.walls > 0, self.walls, 1.0 + self.walls
        )

    def solved(self, at: Step, tolerance: float) -> bool:
        """Tell whether all programmes are so near their ends that the binding bounds can be read off."""
        near = (self.product(at) <= 0.01 * tolerance) & (self.missing(at) <= tolerance)
        return bool(self.xp.all(near))

    def missing(self, at: Step) -> Array:
        """Return what each programme misses of its equalities and of the balance of its forces, at the worst place."""
        xp = self.xp
        force, short = self._lacks(at)
        none = xp.zeros((force.shape[0], 1), dtype=force.dtype, device=device_of(force))
        return xp.max(xp.abs(xp.concat([force, short, none], axis=1)), axis=1)

    def step(self, at: Step) -> Step:
        """Predict without centring, then correct; each programme as far as it can go."""
        xp = self.xp
        _, _, down, up, push, press = at
        newton = self._newton(at)
        ahead = newton(-down * push, -up * press)
        primal, dual = self._lengths(at, ahead)
        product = self.product(at)
        kinds = (primal, dual, primal, primal, dual, dual)
        after = self.product(_moved(at, ahead, kinds))
        centre = product * (after / xp.where(product > 0, product, xp.ones_like(product))) ** 3
        aim = centre[:, None] * xp.ones_like(down)
        change = newton(aim - down * push - ahead[2] * ahead[4], aim - up * press - ahead[3] * ahead[5])
        primal, dual = (_TO_THE_WALL * length for length in self._lengths(at, change))
        kinds = (primal, dual, primal, primal, dual, dual)
        new = _moved(at, change, kinds)
        # where nothing is left to gain, there is much to lose by dividing by less
        ended = (self.walled & (product <= _NOTHING))[:, None]
        kept = [xp.where(ended, old, after) for old, after in zip(at, new, strict=True)]
        return kept[0], kept[1], kept[2], kept[3], kept[4], kept[5]

    def _lacks(self, at: Step) -> tuple[Array, Array]:
        weights, prices, _, _, push, press = at
        force = _times(self.quadratic, weights) + self.linear - _times(self.equal.mT, prices) - push + press
        force = self.xp.where(self.fixed, self.xp.zeros_like(force), force)
        return force, self.level - _times(self.equal, weights)

    def _newton(self, at: Step) -> Callable[[Array, Array], Step]:
        """Return what solves the Newton system at a point for any aims of the products."""
        xp = self.xp
        _, _, down, up, push, press = at
        force, short = self._lacks(at)
        solve = self._tied(~self.fixed, push / down + press / up)
        below, above = xp.astype(self.below, xp.float64), xp.astype(self.above, xp.float64)

        def newton(aim_down: Array, aim_up: Array) -> Step:
            right = below * aim_down / down - above * aim_up / up - force
            dx, dp = solve(right, short)
            dd, du = below * dx, -above * dx
            return dx, dp, dd, du, below * (aim_down - push * dd) / down, above * (aim_up - press * du) / up

        return newton

    def _tied(
        self, free: Array, stiffness: Array, *, twice: bool = False
    ) -> Callable[[Array, Array], tuple[Array, Array]]:
        """Return what solves for changes of the free weights and the prices of the equalities."""
        xp = self.xp
        mask = xp.astype(free, xp.float64)
        square = (self.quadratic + self.one * stiffness[:, :, None]) * mask[:, :, None] * mask[:, None, :]
        square = square + self.one * (1.0 - mask)[:, :, None]
        border = self.equal * mask[:, None, :]
        whole = xp.concat(
            [xp.concat([square, border.mT], axis=2), xp.concat([border, self.corner], axis=2)],
            axis=1,
        )
        assets = self.linear.shape[1]

        def solve(right: Array, short: Array) -> tuple[Array, Array]:
            both = xp.concat([right * mask, short], axis=1)
            found = xp.linalg.solve(whole, both[:, :, None])
            if twice:
                found = found + xp.linalg.solve(whole, both[:, :, None] - whole @ found)
            return found[:, :assets, 0], -found[:, assets:, 0]

        return solve

    def _lengths(self, at: Step, change: Step) -> tuple[Array, Array]:
        xp = self.xp
        room, move = xp.concat([at[2], at[3]], axis=1), xp.concat([change[2], change[3]], axis=1)
        strength, shift = xp.concat([at[4], at[5]], axis=1), xp.concat([change[4], change[5]], axis=1)
        return _longest(xp, room, move), _longest(xp, strength, shift)

    def polished(self, at: Step) -> tuple[Array, Array]:
        """Put the weights that are nearer to a bound than pressed by it onto it, and solve for the rest."""
        xp = self.xp
        weights, prices, down, up, push, press = at
        low, high = self.below & (down < push), self.above & (up < press)
        start = xp.where(low, self.lower, xp.where(high, self.upper, weights))
        none = xp.zeros_like(start)
        quiet = (start, prices, down, up, none, none)
        force, short = self._lacks(quiet)
        dx, dp = self._tied(~(low | high | self.fixed), none + _REGULARISATION, twice=True)(-force, short)
        moved = start + dx
        moved = xp.where(moved < self.lower, self.lower, xp.where(moved > self.upper, self.upper, moved))
        return moved, prices + dp

    def better(self, one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
        """Return, of two answers to each programme, the one that violates its conditions less."""
        xp = self.xp
        scores = [xp.maximum(xp.abs(gap), residual) for _, gap, residual in (self.proof(*one), self.proof(*other))]
        first = (scores[0] <= scores[1])[:, None]
        return xp.where(first, one[0], other[0]), xp.where(first, one[1], other[1])

    def proof(self, weights: Array, prices: Array) -> tuple[Array, Array, Array]:
        """Return objective, gap and residual: the multipliers of the bounds are what is left of the force."""
        xp = self.xp
        pull = _times(self.quadratic, weights)
        left = pull + self.linear - _times(self.equal.mT, prices)
        short = self.level - _times(self.equal, weights)
        end = xp.where(left > 0, self.lower, self.upper)
        known = xp.isfinite(end)
        room = xp.where(known, weights - xp.where(known, end, xp.zeros_like(end)), xp.zeros_like(end))
        gap = xp.sum(left * room, axis=1) - xp.sum(prices * short, axis=1)
        loose = xp.where(known, xp.zeros_like(left), left)
        out = xp.maximum(self.lower - weights, weights - self.upper)
        out = xp.where(out > 0, out, xp.zeros_like(out))
        residual = xp.max(xp.abs(xp.concat([loose, out, short], axis=1)), axis=1)
        objective = xp.sum(weights * (0.5 * pull + self.linear), axis=1)
        return objective, gap, residual


def _moved(at: Step, change: Step, lengths: tuple[Array, ...]) -> Step:
    new = [value + k[:, None] * move for value, move, k in zip(at, change, lengths, strict=True)]
    return new[0], new[1], new[2], new[3], new[4], new[5]


def _times(matrix: Array, vector: Array) -> Array:
    return (matrix @ vector[:, :, None])[:, :, 0]


def _longest(xp: Any, values: Array, change: Array) -> Array:
    """Return the largest step of each row, at most 1, that keeps its values from falling below zero."""
    falling = change < 0
    share = xp.where(falling, -change / xp.where(values > 0, values, xp.ones_like(values)), xp.zeros_like(values))
    fastest = xp.max(share, axis=1)
    one = xp.ones_like(fastest)
    return one / xp.where(fastest > one, fastest, one)
