"""Quadratic programs with turnover, trading costs and gross exposure, which bend at the weights held and at zero."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.finance.limits import with_row
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.qp import solve
from prism_kernels.finance.solution import Solution

__all__ = ["Bends", "solve_split"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-12


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
    """
    if bends.max_turnover == 0 and bends.previous is not None and polytope.violation(bends.previous) <= _ROUNDING:
        return _untouched(quadratic, linear, bends.previous)
    if bends.buying == 0 and bends.selling == 0:
        plain = solve(quadratic, linear, polytope, tolerance=tolerance)
        if bends.holds(plain.weights):
            return plain
    pieces = _pieces(polytope, bends)
    found = solve(
        pieces.turns.T @ quadratic @ pieces.turns,
        (quadratic @ pieces.origin + linear) @ pieces.turns + pieces.costs(bends),
        pieces.limits(polytope, bends),
        tolerance=tolerance,
    )
    weights = np.clip(pieces.origin + pieces.turns @ found.weights, polytope.lower, polytope.upper)
    value = float(weights @ (0.5 * (quadratic @ weights) + linear)) + bends.cost(weights)
    return replace(found, weights=weights, objective=value)


def _untouched(quadratic: Floats, linear: Floats, weights: Floats) -> Solution:
    value = float(weights @ (0.5 * (quadratic @ weights) + linear))
    return Solution(weights=weights.copy(), objective=value, gap=0.0, residual=0.0, iterations=0, solver="no trade")


@dataclass(frozen=True, kw_only=True)
class _Pieces:
    """Ways up and down from an origin: which weight each turns and how (asset × piece), how far, and its middle."""

    origin: Floats
    turns: Floats
    lengths: Floats
    assets: Any
    middles: Floats

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
    assets, ways, lengths, middles = [], [], [], []
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
                middles.append((one + other) / 2 if np.isfinite(other) else one + way)
    turns = np.zeros((polytope.count, len(assets)))
    turns[assets, np.arange(len(assets))] = ways
    return _Pieces(
        origin=origin,
        turns=turns,
        lengths=np.array(lengths),
        assets=np.array(assets, dtype=int),
        middles=np.array(middles),
    )
