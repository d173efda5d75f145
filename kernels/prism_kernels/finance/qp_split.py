"""Quadratic programs with turnover, trading costs and gross exposure, which bend at the weights held and at zero."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput, NotConverged
from prism_kernels.finance.kkt import Program, certified
from prism_kernels.finance.limits import with_row
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.qp import priced, solve
from prism_kernels.finance.solution import Solution

__all__ = ["Bends", "solve_split"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-12
_HOPS = 40  # from cell to cell before giving up


@dataclass(frozen=True, kw_only=True)
class Bends:
    """What is not linear in the weights, but linear between bends.

    Attributes
    ----------
    previous
        Weights held before; None where trading neither costs nor is limited.
    buying, selling
        Cost of each unit bought and sold, in the unit of the objective.
    max_turnover
        Largest ½ Σ|Δw|; None without.
    gross_exposure
        Largest Σ|w|; None without.
    """

    previous: Floats | None = None
    buying: float = 0.0
    selling: float = 0.0
    max_turnover: float | None = None
    gross_exposure: float | None = None

    def turnover(self, weights: Floats) -> float:
        """Return ½ Σ|Δw| of trading to some weights; 0 where nothing is known to be held.

        Parameters
        ----------
        weights
            One weight an asset.
        """
        return 0.0 if self.previous is None else float(np.abs(weights - self.previous).sum()) / 2

    def holds(self, weights: Floats) -> bool:
        """Tell whether weights keep turnover and gross exposure.

        Parameters
        ----------
        weights
            One weight an asset.
        """
        turned = self.max_turnover is None or self.turnover(weights) <= self.max_turnover
        return turned and (self.gross_exposure is None or float(np.abs(weights).sum()) <= self.gross_exposure)

    def cost(self, weights: Floats) -> float:
        """Return what trading to some weights costs.

        Parameters
        ----------
        weights
            One weight an asset.
        """
        if self.previous is None:
            return 0.0
        moved = weights - self.previous
        return float(self.buying * np.maximum(moved, 0).sum() + self.selling * np.maximum(-moved, 0).sum())


def solve_split(
    quadratic: Floats, linear: Floats, polytope: Polytope, bends: Bends, *, tolerance: float = 1e-9
) -> Solution:
    """Find the portfolio that minimises ``½x'Px + q'x`` plus the costs of trading, within turnover and gross exposure.

    Parameters
    ----------
    quadratic
        P, asset × asset, symmetric and positive semidefinite.
    linear
        q, one number an asset.
    polytope
        The portfolios allowed.
    bends
        Costs of trading, largest turnover and gross exposure.
    tolerance
        Largest violation of the optimality conditions.

    Notes
    -----
    Each weight is a start plus pieces up and down between the places where |w| and |w − previous| bend, each within
    its own length. As both are convex, filling the pieces out of order only costs more, so the program is exact.

    Pieces of one asset are parallel, and equal where nothing makes their bend felt, so that the limits that hold need
    not leave one answer. Then each weight is kept between two bends, where the program is an ordinary one in the
    weights, and moves on where a bend between holds it back that should not. Its multipliers prove the pieces.
    """
    if bends.max_turnover == 0 and bends.previous is not None and polytope.violation(bends.previous) <= _ROUNDING:
        return _untouched(quadratic, linear, bends.previous)
    if bends.buying == 0 and bends.selling == 0:
        plain = solve(quadratic, linear, polytope, tolerance=tolerance)
        if bends.holds(plain.weights):
            return plain
    pieces = _pieces(polytope, bends)
    whole = Program(np.ascontiguousarray(quadratic), np.ascontiguousarray(linear), polytope)
    program = pieces.of(whole, bends)
    found = solve(program.quadratic, program.linear, program.polytope, tolerance=tolerance)
    weights = np.clip(pieces.origin + pieces.turns @ found.weights, polytope.lower, polytope.upper)
    if not found.residual <= _ROUNDING and quadratic.any():
        cells = _Cells(whole, bends)
        found, weights = _by_cells(program, pieces, cells, (found, weights), tolerance)
    value = float(weights @ (0.5 * (quadratic @ weights) + linear)) + bends.cost(weights)
    return replace(found, weights=weights, objective=value)


def _untouched(quadratic: Floats, linear: Floats, weights: Floats) -> Solution:
    value = float(weights @ (0.5 * (quadratic @ weights) + linear))
    return Solution(weights=weights.copy(), objective=value, gap=0.0, residual=0.0, iterations=0, solver="no trade")


@dataclass(frozen=True, kw_only=True)
class _Pieces:
    """Ways up and down from an origin: which weight each turns and how (asset × piece), how far, where from."""

    origin: Floats
    turns: Floats
    lengths: Floats
    starts: Floats
    assets: Any
    middles: Floats

    def of(self, whole: Program, bends: Bends) -> Program:
        """Return the program in the pieces."""
        linear = (whole.quadratic @ self.origin + whole.linear) @ self.turns + self.costs(bends)
        curved = np.ascontiguousarray(self.turns.T @ whole.quadratic @ self.turns)
        return Program(curved, linear, self.limits(whole.polytope, bends))

    def filled(self, weights: Floats) -> Floats:
        """Return how far each piece goes to reach some weights, in order."""
        gone = (weights[self.assets] - self.starts) * self.turns.sum(axis=0)
        return np.asarray(np.clip(gone, 0.0, self.lengths))

    def slopes(self, centre: Floats) -> Floats:
        """Return how |w − centre| changes along each piece."""
        return np.asarray(np.sign(self.middles - centre[self.assets]) * self.turns.sum(axis=0))

    def costs(self, bends: Bends) -> Floats:
        """Return what each unit along each piece costs."""
        if bends.previous is None:
            return np.zeros(len(self.lengths))
        bought = self.middles > bends.previous[self.assets]
        return np.asarray(np.where(bought, bends.buying, -bends.selling) * self.turns.sum(axis=0))

    def limits(self, polytope: Polytope, bends: Bends) -> Polytope:
        """Return the limits on how far each piece goes."""
        base = polytope.rows @ self.origin
        made = Polytope(
            lower=np.zeros(len(self.lengths)),
            upper=self.lengths,
            rows=polytope.rows @ self.turns,
            least=polytope.least - base,
            most=polytope.most - base,
            names=polytope.names,
        )
        if bends.max_turnover is not None and bends.previous is not None:
            spent = float(np.abs(self.origin - bends.previous).sum())
            most = 2 * bends.max_turnover - spent
            made = with_row(made, self.slopes(bends.previous), most=most, name="max_turnover")
        if bends.gross_exposure is not None:
            most = bends.gross_exposure - float(np.abs(self.origin).sum())
            made = with_row(made, self.slopes(np.zeros(polytope.count)), most=most, name="gross_exposure")
        return made


def _pieces(polytope: Polytope, bends: Bends) -> _Pieces:
    start = np.zeros(polytope.count) if bends.previous is None else bends.previous
    origin = np.clip(start, polytope.lower, polytope.upper)
    corners = [start, np.zeros(polytope.count)] if bends.gross_exposure is not None else [start]
    assets, ways, lengths, starts, middles = [], [], [], [], []
    for asset, here in enumerate(origin):
        bent = {float(c[asset]) for c in corners}
        for way, end in ((1.0, polytope.upper[asset]), (-1.0, polytope.lower[asset])):
            between = [b for b in bent if 0 < way * (b - here) < way * (end - here)]
            stops = [float(here), *sorted(between, reverse=way < 0), float(end)]
            for one, other in itertools.pairwise(stops):
                if one == other:
                    continue
                assets.append(asset)
                ways.append(way)
                lengths.append(abs(other - one))
                starts.append(one)
                middles.append((one + other) / 2 if np.isfinite(other) else one + way)
    turns = np.zeros((polytope.count, len(assets)))
    turns[assets, np.arange(len(assets))] = ways
    return _Pieces(
        origin=origin,
        turns=turns,
        lengths=np.array(lengths),
        starts=np.array(starts),
        assets=np.array(assets, dtype=int),
        middles=np.array(middles),
    )


class _Cells:
    """Where each weight may be between two neighbouring bends, and the program that is left there."""

    def __init__(self, program: Program, bends: Bends) -> None:
        limits, zeros = program.polytope, np.zeros(program.polytope.count)
        self.program, self.bends = program, bends
        self.previous = zeros if bends.previous is None else bends.previous
        corners = [self.previous] if bends.gross_exposure is None else [self.previous, zeros]
        inner = [np.clip(corner, limits.lower, limits.upper) for corner in corners]
        self.ends = np.sort(np.stack([limits.lower, *inner, limits.upper]), axis=0)
        low = np.where(np.isfinite(self.ends[:-1]), self.ends[:-1], self.ends[1:] - 1)
        high = np.where(np.isfinite(self.ends[1:]), self.ends[1:], self.ends[:-1] + 1)
        self.middles = (low + high) / 2

    def around(self, weights: Floats) -> Any:
        """Return the cell of each weight."""
        return (self.ends[1:-1] <= weights).sum(axis=0)

    def within(self, cells: Any) -> Program:
        """Return the program in the weights, each within its cell."""
        asset, middles = np.arange(len(cells)), self._of(self.middles, cells)
        limits = replace(self.program.polytope, lower=self.ends[cells, asset], upper=self.ends[cells + 1, asset])
        for row, most, name in self._bent(middles):
            limits = with_row(limits, row, most=most, name=name)
        return Program(self.program.quadratic, self.program.linear + self._dear(middles), limits)

    def following(self, cells: Any, weights: Floats, prices: Floats) -> Any:
        """Return the cells to look in next: across a bend where the force is stronger than the bend."""
        given = self.program.polytope.rows
        force = -(self.program.quadratic @ weights + self.program.linear + prices[: len(given)] @ given)
        slopes = np.stack([self._slope(middles, prices[len(given) :]) for middles in self.middles])
        touching = (self.ends[:-1] <= weights) & (weights <= self.ends[1:]) & (self.ends[:-1] < self.ends[1:])
        down = np.where(touching.any(axis=0), touching.argmax(axis=0), cells)
        up = np.where(touching.any(axis=0), len(touching) - 1 - touching[::-1].argmax(axis=0), cells)
        lower = np.where(force < self._of(slopes, down), down, cells)
        return np.where(force > self._of(slopes, up), up, lower)

    @staticmethod
    def _of(table: Floats, cells: Any) -> Floats:
        return np.asarray(table[cells, np.arange(len(cells))])

    def _dear(self, middles: Floats) -> Floats:
        if self.bends.previous is None:
            return np.zeros(len(middles))
        return np.where(middles > self.previous, self.bends.buying, -self.bends.selling)

    def _bent(self, middles: Floats) -> list[tuple[Floats, float, str]]:
        rows = []
        if self.bends.max_turnover is not None and self.bends.previous is not None:
            row = np.sign(middles - self.previous)
            rows.append((row, 2 * self.bends.max_turnover + float(row @ self.previous), "max_turnover"))
        if self.bends.gross_exposure is not None:
            rows.append((np.sign(middles), self.bends.gross_exposure, "gross_exposure"))
        return rows

    def _slope(self, middles: Floats, prices: Floats) -> Floats:
        bent = [price * row for price, (row, _, _) in zip(prices, self._bent(middles), strict=True)]
        return np.asarray(self._dear(middles) + sum(bent))


def _by_cells(
    program: Program, pieces: _Pieces, cells: _Cells, rough: tuple[Solution, Floats], tolerance: float
) -> tuple[Solution, Floats]:
    """Polish a rough answer in the weights themselves; each hop is to a better portfolio, the last is proven."""
    best, weights = rough
    now = cells.around(weights)
    steps = best.iterations
    for _ in range(_HOPS):
        try:
            place, prices, more = priced(cells.within(now))
        except (InvalidInput, NotConverged):  # the rough answer is just outside
            break
        steps, place = steps + more, np.clip(place, cells.ends[0], cells.ends[-1])
        gap, residual = certified(program, pieces.filled(place), prices)
        if residual < best.residual:
            best, weights = replace(best, gap=gap, residual=residual), place
        following = cells.following(now, place, prices)
        if best.residual <= _ROUNDING or np.array_equal(following, now):
            break
        now = following
    return replace(best, iterations=steps, status="optimal" if best.residual <= tolerance else "inaccurate"), weights
