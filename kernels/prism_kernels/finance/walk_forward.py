"""Weights that are chosen again and again on the periods just behind: a walk forward through time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels import engine, lanes
from prism_kernels.errors import InvalidInput
from prism_kernels.finance import cvar, hrp, qp, risk_parity
from prism_kernels.finance.paths import Market
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.portfolios import Targets
from prism_kernels.finance.strategies import Grid

__all__ = ["choose"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_TAIL = 0.95
_CHUNK = 128  # choices made in one piece of work


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """A stretch of returns and the places in it where weights are chosen on the ``window`` returns before."""

    returns: Floats
    places: tuple[int, ...]
    window: int
    objective: str


def choose(market: Market, grid: Grid, span: tuple[int, int]) -> tuple[Targets, int]:
    """Choose the weights of every point of a grid, and return them with the first bar that all points have.

    Parameters
    ----------
    market
        Prices.
    grid
        Windows, steps and objectives.
    span
        First bar, and the one after the last; returns before the first bar are looked at too.

    Raises
    ------
    InvalidInput
        For a window longer than the returns there are before the last bar.
    """
    longest = max(p[0] for p in grid.points)
    start = max(span[0], longest)
    if start >= span[1] - 1:
        msg = f"parameters ask for a window of {longest} returns, and prices have {span[1] - 1}; choose a shorter one"
        raise InvalidInput(msg, field="parameters")
    brief = min((p[0] for p in grid.points if p[2] == "min_cvar"), default=longest)
    if "min_cvar" in {p[2] for p in grid.points} and brief * (1 - _TAIL) < 1 - 1e-9:
        few = f"a window of {brief} returns, whose worst twentieth is none"
        msg = f"parameters ask for min_cvar on {few}; choose 20 or more"
        raise InvalidInput(msg, field="parameters")
    returns = _returns(market)
    bars = [tuple(range(start, span[1] - 1, every)) for _, every, _ in grid.points]
    work = [
        part for at, (window, _, objective) in zip(bars, grid.points, strict=True)
        for part in _parts(returns, at, window, objective)
    ]  # fmt: skip
    found = iter(engine.map_runs(_choices, work, label="choosing weights"))
    most = max(map(len, bars))
    weights = np.zeros((len(bars), most, returns.shape[1]))
    for row, at in zip(weights, bars, strict=True):
        chosen = [next(found) for _ in range(0, len(at), _CHUNK)]
        row[: len(at)] = np.concatenate(chosen)
    at_bars = np.array([(*at, *[span[1]] * (most - len(at))) for at in bars], dtype=np.int64)
    count = np.array(list(map(len, bars)), dtype=np.int64)
    return Targets(weights=weights, at=at_bars, count=count), start


def _returns(market: Market) -> Floats:
    """Return time - 1 × asset; NaN where an asset was not listed."""
    return np.asarray(market.close[1:] / market.close[:-1] - 1)


def _parts(returns: Floats, at: tuple[int, ...], window: int, objective: str) -> list[_Work]:
    parts = []
    for k in range(0, len(at), _CHUNK):
        few = at[k : k + _CHUNK]
        first = few[0] - window  # the return to bar t stands in row t - 1
        places = tuple(t - first for t in few)
        parts.append(_Work(returns=returns[first : few[-1]], places=places, window=window, objective=objective))
    return parts


def _choices(work: _Work) -> Floats:
    """Choose the weights at each place of a piece of work."""
    found = np.zeros((len(work.places), work.returns.shape[1]))
    rest = range(len(work.places))
    if work.objective == "min_variance":
        found, rest = _least_variances(work)
    for k in rest:
        behind = work.returns[work.places[k] - work.window : work.places[k]]
        listed = ~np.isnan(behind).any(axis=0)
        if listed.any():
            found[k, listed] = _CHOOSERS[work.objective](np.ascontiguousarray(behind[:, listed]))
    return found


def _least_variances(work: _Work) -> tuple[Floats, Any]:
    """Return weights of least variance, and the places of those that the lanes leave to a general solver."""
    from prism_kernels.finance import least_variance_lanes as lane

    count, assets = len(work.places), work.returns.shape[1]
    found, done = np.zeros((count, assets)), np.zeros(count, dtype=np.int64)
    scratch = np.zeros((count, lane.COLUMNS, assets)), np.zeros((count, 2, assets, assets))
    given = work.window, np.array(work.places, dtype=np.int64), np.ascontiguousarray(work.returns)
    lanes.launch(lane.least_variance, count, *given, *scratch, found, done, label="choosing weights")
    found[done == 0] = 0.0
    return found, np.flatnonzero(done == 0)


def _covariance(returns: Floats) -> Floats:
    away = returns - returns.mean(axis=0)
    return np.asarray(away.T @ away / (len(returns) - 1))


def _min_variance(returns: Floats) -> Floats:
    count = returns.shape[1]
    return qp.solve(_covariance(returns), np.zeros(count), Polytope.simplex(count)).weights


def _risk_parity(returns: Floats) -> Floats:
    return risk_parity.solve(_covariance(returns)).weights


def _inverse_volatility(returns: Floats) -> Floats:
    spread = returns.std(axis=0, ddof=1)
    if not (spread > 0).all():
        msg = "prices have an asset that does not move in a window; leave it out, or choose another objective"
        raise InvalidInput(msg, field="prices")
    return np.asarray(1 / spread / (1 / spread).sum())


def _equal_weight(returns: Floats) -> Floats:
    return np.full(returns.shape[1], 1 / returns.shape[1])


def _hierarchy(returns: Floats) -> Floats:
    return hrp.weights(_covariance(returns)).weights


def _least_tail(returns: Floats) -> Floats:
    return cvar.minimise(returns, _TAIL, Polytope.simplex(returns.shape[1])).weights


_CHOOSERS: dict[str, Callable[[Floats], Floats]] = {
    "min_variance": _min_variance,
    "risk_parity": _risk_parity,
    "inverse_volatility": _inverse_volatility,
    "equal_weight": _equal_weight,
    "hrp": _hierarchy,
    "min_cvar": _least_tail,
}
