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
from prism_kernels.inputs import Prices
from prism_kernels.inputs.calendar import stamp

__all__ = ["Choices", "choose"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

_TAIL = 0.95
_CHUNK = 128  # choices made in one piece of work
_ROUNDING = 1e-10  # by which returns may differ and be the same
_NAMED = 3  # assets that have a warning of their own


@dataclass(frozen=True, kw_only=True, eq=False)
class Choices:
    """The weights that were chosen.

    Attributes
    ----------
    targets
        Of every point of the grid.
    start
        The first bar that all points have.
    notes
        Which assets were left out of which choices, and what should be known of the windows.
    """

    targets: Targets
    start: int
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """A stretch of returns and the places in it where weights are chosen on the ``window`` returns before.

    Of the ``assets`` those ``inside`` (place × asset) take part: listed, and moving, in the window.
    """

    returns: Floats
    places: tuple[int, ...]
    inside: Flags
    window: int
    objective: str
    assets: tuple[str, ...]


def choose(prices: Prices, market: Market, grid: Grid, span: tuple[int, int]) -> Choices:
    """Choose the weights of every point of a grid.

    Parameters
    ----------
    prices
        Names and dates, for messages.
    market
        Prices.
    grid
        Windows, steps and objectives.
    span
        First bar, and the one after the last; returns before the first bar are looked at too.

    Raises
    ------
    InvalidInput
        For a window longer than the returns there are before the last bar, and for one too short for its objective.

    Notes
    -----
    An asset that is not listed all through a window, or whose return is the same all through it, takes no part in that
    choice: to every objective but equal weights it would seem to be without risk. Where none takes part, cash is held.
    """
    longest = max(p[0] for p in grid.points)
    start = max(span[0], longest)
    if start >= span[1] - 1:
        msg = f"parameters ask for a window of {longest} returns, and prices have {span[1] - 1}; choose a shorter one"
        raise InvalidInput(msg, field="parameters")
    returns = _returns(market)
    runs = _runs(returns)
    bars = [tuple(range(start, span[1] - 1, every)) for _, every, _ in grid.points]
    listed = [_listed(returns, at, window) for at, (window, _, _) in zip(bars, grid.points, strict=True)]
    still = [runs[np.array(at) - 1] >= window for at, (window, _, _) in zip(bars, grid.points, strict=True)]
    inside = [there & ~flat for there, flat in zip(listed, still, strict=True)]
    doubts = [_check_window(point, part) for point, part in zip(grid.points, inside, strict=True)]
    work = [
        part for at, takes, (window, _, objective) in zip(bars, inside, grid.points, strict=True)
        for part in _parts(returns, at, takes, window, objective, prices.assets)
    ]  # fmt: skip
    found = iter(engine.map_runs(_choices, work, label="choosing weights"))
    most = max(map(len, bars))
    weights = np.zeros((len(bars), most, returns.shape[1]))
    for row, at in zip(weights, bars, strict=True):
        chosen = [next(found) for _ in range(0, len(at), _CHUNK)]
        row[: len(at)] = np.concatenate(chosen)
    at_bars = np.array([(*at, *[span[1]] * (most - len(at))) for at in bars], dtype=np.int64)
    count = np.array(list(map(len, bars)), dtype=np.int64)
    left_out = [there & flat for there, flat in zip(listed, still, strict=True)]
    notes = (*dict.fromkeys(filter(None, doubts)), *_told(prices, bars, left_out, inside))
    return Choices(targets=Targets(weights=weights, at=at_bars, count=count), start=start, notes=notes)


def _check_window(point: tuple[Any, ...], inside: Flags) -> str:
    """Refuse a window too short for its objective, and say of others that their covariance is singular."""
    window, _, objective = point
    if objective == "min_cvar" and window * (1 - _TAIL) < 1 - 1e-9:
        few = f"a window of {window} returns, whose worst twentieth is none"
        msg = f"parameters ask for min_cvar on {few}; choose 20 or more"
        raise InvalidInput(msg, field="parameters")
    assets = int(inside.sum(axis=1).max(initial=0))
    if window > assets or objective not in ("min_variance", "risk_parity", "hrp"):
        return ""
    short = f"{objective} on a window of {window} returns of {assets} assets, whose covariance is singular"
    if objective == "min_variance":
        msg = f"parameters ask for {short}; choose {assets + 1} or more, or another objective, such as hrp"
        raise InvalidInput(msg, field="parameters")
    return f"parameters ask for {short}: choose {assets + 1} or more"


def _returns(market: Market) -> Floats:
    """Return time - 1 × asset; NaN where an asset was not listed."""
    return np.asarray(market.close[1:] / market.close[:-1] - 1)


def _runs(returns: Floats) -> Any:
    """Return how many returns up to each one are the same, time - 1 × asset."""
    alike = np.abs(np.diff(returns, axis=0)) <= _ROUNDING * np.maximum(1.0, np.abs(returns[1:]))
    places = np.arange(len(returns))[:, None]
    began = np.where(np.concatenate([np.zeros_like(alike[:1]), alike]), 0, places)
    return places - np.maximum.accumulate(began, axis=0) + 1


def _listed(returns: Floats, at: tuple[int, ...], window: int) -> Flags:
    """Return whether each asset has all returns of the window before each bar."""
    gone = np.zeros((len(returns) + 1, returns.shape[1]), dtype=np.int64)
    np.cumsum(np.isnan(returns), axis=0, out=gone[1:])
    ends = np.array(at)
    return np.asarray(gone[ends] == gone[ends - window])


def _parts(
    returns: Floats, at: tuple[int, ...], inside: Flags, window: int, objective: str, assets: tuple[str, ...]
) -> list[_Work]:
    parts = []
    for k in range(0, len(at), _CHUNK):
        few = at[k : k + _CHUNK]
        first = few[0] - window  # the return to bar t stands in row t - 1
        parts.append(
            _Work(
                returns=returns[first : few[-1]],
                places=tuple(t - first for t in few),
                inside=inside[k : k + _CHUNK],
                window=window,
                objective=objective,
                assets=assets,
            )
        )
    return parts


def _told(prices: Prices, bars: list[tuple[int, ...]], left_out: list[Flags], inside: list[Flags]) -> tuple[str, ...]:
    """Say which assets were left out of which choices, and where nothing could be chosen."""
    said: list[str] = []
    still = [sorted({t for at, flat in zip(bars, left_out, strict=True) for t in np.array(at)[flat[:, a]].tolist()})
             for a in range(prices.count)]  # fmt: skip
    names = [(name, when) for name, when in zip(prices.assets, still, strict=True) if when]
    for name, when in names[:_NAMED]:
        said.append(f"{name} stood still all through the window of {_span(prices, when)}, and was left out there")
    if len(names) > _NAMED:
        said.append(f"{len(names) - _NAMED} more assets stood still all through a window, and were left out there")
    empty = sorted({t for at, part in zip(bars, inside, strict=True) for t in np.array(at)[~part.any(axis=1)].tolist()})
    if empty:
        said.append(f"no asset moved all through the window of {_span(prices, empty)}, and cash was held")
    return tuple(said)


def _span(prices: Prices, bars: list[int]) -> str:
    """Say how many choices, and when the first and the last of them were made."""
    ends = [stamp(prices.index[t]) if prices.index is not None else f"period {t}" for t in (bars[0], bars[-1])]
    return f"the choice at {ends[0]}" if len(bars) == 1 else f"{len(bars)} choices from {ends[0]} to {ends[1]}"


def _choices(work: _Work) -> Floats:
    """Choose the weights at each place of a piece of work."""
    found = np.zeros(work.inside.shape)
    rest = np.flatnonzero(work.inside.any(axis=1))
    if work.objective == "min_variance":
        found, rest = _least_variances(work)
    for k in rest:
        behind = work.returns[work.places[k] - work.window : work.places[k]][:, work.inside[k]]
        names = tuple(n for n, there in zip(work.assets, work.inside[k], strict=True) if there)
        found[k, work.inside[k]] = _CHOOSERS[work.objective](np.ascontiguousarray(behind), names)
    return found


def _least_variances(work: _Work) -> tuple[Floats, Any]:
    """Return weights of least variance, and the places of those that the lanes leave to a general solver."""
    from prism_kernels.finance import long_only_lanes, window_lanes

    count, assets = work.inside.shape
    covariance, linear = np.empty((count, assets, assets)), np.empty((count, assets))
    scratch, factor = np.empty((count, long_only_lanes.ROWS, assets)), np.empty((count, assets, assets))
    read = work.window, np.array(work.places, dtype=np.int64), np.ascontiguousarray(work.returns)
    lanes.launch(window_lanes.window_covariances, count, *read, scratch, covariance, linear, label="reading windows")
    linear[~work.inside] = np.inf
    found, price, rounds = np.empty((count, assets)), np.empty(count), np.empty(count, dtype=np.int64)
    given = covariance, linear, np.ones(count)
    kernel = long_only_lanes.long_only
    lanes.launch(kernel, count, *given, scratch, factor, found, price, rounds, label="choosing weights")
    found[rounds < 0] = 0.0
    return found, np.flatnonzero((rounds < 0) & work.inside.any(axis=1))


def _covariance(returns: Floats) -> Floats:
    away = returns - returns.mean(axis=0)
    return np.asarray(away.T @ away / (len(returns) - 1))


def _min_variance(returns: Floats, names: tuple[str, ...]) -> Floats:
    count = returns.shape[1]
    return qp.solve(_covariance(returns), np.zeros(count), Polytope.simplex(count)).weights


def _risk_parity(returns: Floats, names: tuple[str, ...]) -> Floats:
    return risk_parity.solve(_covariance(returns), assets=names).weights


def _inverse_volatility(returns: Floats, names: tuple[str, ...]) -> Floats:
    spread = returns.std(axis=0, ddof=1)
    return np.asarray(1 / spread / (1 / spread).sum())


def _equal_weight(returns: Floats, names: tuple[str, ...]) -> Floats:
    return np.full(returns.shape[1], 1 / returns.shape[1])


def _hierarchy(returns: Floats, names: tuple[str, ...]) -> Floats:
    return hrp.weights(_covariance(returns), assets=names).weights


def _least_tail(returns: Floats, names: tuple[str, ...]) -> Floats:
    return cvar.minimise(returns, _TAIL, Polytope.simplex(returns.shape[1])).weights


_CHOOSERS: dict[str, Callable[[Floats, tuple[str, ...]], Floats]] = {
    "min_variance": _min_variance,
    "risk_parity": _risk_parity,
    "inverse_volatility": _inverse_volatility,
    "equal_weight": _equal_weight,
    "hrp": _hierarchy,
    "min_cvar": _least_tail,
}
