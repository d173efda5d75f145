"""What a backtest is made of: prices, fills and signals over the same periods and assets, or the reason why not."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.arrays import namespace_of
from prism_kernels.errors import InvalidInput
from prism_kernels.finance.paths import Market
from prism_kernels.inputs import Prices
from prism_kernels.inputs.assets import Assets, Missing
from prism_kernels.inputs.calendar import stamp

__all__ = ["Bars", "bars_of", "listing_notes", "refuse_idle", "refuse_still"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_HOLDS_SEVERAL = ("weights", "walk_forward")
_NAMED = 3  # assets that have a warning of their own
_laid_out: weakref.WeakKeyDictionary[Prices, Market] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True, eq=False)
class Bars:
    """Prices laid out for the lanes, with their labels.

    Attributes
    ----------
    prices
        Those that are left after dealing with missing ones.
    market
        Closes and prices of orders, time × asset.
    signals
        Entries and exits, asset × time; None without.
    notes
        What was done about missing prices.
    """

    prices: Prices
    market: Market
    signals: tuple[Any, Any] | None
    notes: tuple[str, ...]

    def when(self, bar: int) -> str:
        """Say when a bar is.

        Parameters
        ----------
        bar
            Its number.
        """
        return stamp(self.prices.index[bar]) if self.prices.index is not None else f"period {bar}"


def bars_of(
    prices: Prices, open_prices: Prices | None, entries: Assets | None, exits: Assets | None, *, missing: Missing
) -> Bars:
    """Lay prices and signals out for the lanes.

    Parameters
    ----------
    prices, open_prices
        At which positions are valued, and orders filled; without the latter at the former.
    entries, exits
        Signals.
    missing
        What is done about missing prices.

    Raises
    ------
    InvalidInput
        For missing prices that are not allowed, other periods or assets beside the prices, and a single period.
    """
    beside = {"open_prices": open_prices, "entries": entries, "exits": exits}
    aligned = {n: _aligned(n, a, prices) for n, a in beside.items() if a is not None}
    close, fill = prices.matrix, aligned.get("open_prices", prices.matrix)
    known, notes = prices.complete(missing, "prices")
    assets = [prices.assets.index(name) for name in known.assets]
    periods = ~prices.missing.any(axis=1) if missing == "intersect" else np.ones(prices.periods, dtype=bool)
    close, fill = (np.ascontiguousarray(a[periods][:, assets]) for a in (close, fill))
    _require_opens(close, fill, known)
    if len(close) < 2:
        msg = f"prices has {len(close)} period, and a return needs two; give more prices"
        raise InvalidInput(msg, field="prices")
    signals = None
    if entries is not None:
        none = np.zeros(prices.matrix.shape)
        both = (aligned["entries"], aligned.get("exits", none))
        rows = [np.ascontiguousarray((np.nan_to_num(a[periods][:, assets]) != 0).T, dtype=np.uint8) for a in both]
        signals = (rows[0], rows[1])
    return Bars(
        prices=known, market=_market(known, close, fill, kept=open_prices is None), signals=signals, notes=notes
    )


def _market(prices: Prices, close: Floats, fill: Floats, *, kept: bool) -> Market:
    """Return prices laid out for the lanes; those that were seen before keep their running sums."""
    if not kept:
        return Market(close, fill)
    if prices not in _laid_out:
        _laid_out[prices] = Market(close, fill)
    return _laid_out[prices]


def _aligned(name: str, other: Assets, prices: Prices) -> Floats:
    """Return a table's numbers in the order of the prices' assets."""
    if other.periods != prices.periods:
        msg = f"{name} has {other.periods} periods, and prices has {prices.periods}; give both the same"
        raise InvalidInput(msg, field=name)
    if other.index is not None and prices.index is not None:
        apart = np.asarray(other.index != prices.index)
        if apart.any():
            k = int(apart.argmax())
            here, there = stamp(other.index[k]), stamp(prices.index[k])
            msg = f"{name} has {here} where prices has {there}; give both the same dates"
            raise InvalidInput(msg, field=name, where=here)
    if set(other.assets) == set(prices.assets):
        return other.matrix[:, [other.assets.index(a) for a in prices.assets]]
    if other.index is not None or other.count != prices.count:
        odd = next((a for a in prices.assets if a not in other.assets), prices.assets[0])
        msg = (
            f"{name} has {other.count} assets, not the {prices.count} of prices ({odd} is missing); give both the same"
        )
        raise InvalidInput(msg, field=name, where=odd)
    return other.matrix


def _require_opens(close: Floats, fill: Floats, prices: Prices) -> None:
    gaps = np.isnan(fill) & ~np.isnan(close)
    if gaps.any():
        t, a = (int(k) for k in np.argwhere(gaps)[0])
        where = prices.place(t, a)
        msg = f"open_prices has no price where prices has one (first: {where}); fill it, or use fill='same_close'"
        raise InvalidInput(msg, field="open_prices", where=where)


def refuse_idle(
    strategy: str, prices: Prices, given: Mapping[str, Any], *, late: bool, settings: Mapping[str, bool]
) -> None:
    """Refuse data and settings that a strategy leaves without a meaning, and the lack of those that it needs.

    Parameters
    ----------
    strategy
        Its name.
    prices
        What is traded.
    given
        Optional data by name; None where absent.
    late
        Whether orders are filled at the next open.
    settings
        Whether each setting that only portfolios have differs from its default.
    """
    beside = {n: d.values for n, d in given.items() if d is not None and getattr(d, "named", False) is False}
    namespace_of(prices=prices.values, **beside)
    if late and given["open_prices"] is None:
        msg = "fill 'next_open' needs open_prices, and none are given; give them, or use fill='same_close'"
        raise InvalidInput(msg, field="fill")
    if not late and given["open_prices"] is not None:
        msg = "open_prices are for fill='next_open', and fill is 'same_close'; leave them out, or change fill"
        raise InvalidInput(msg, field="open_prices")
    for name, owner, needed in (
        ("weights", "weights", True),
        ("entries", "signals", True),
        ("exits", "signals", False),
    ):
        if given[name] is not None and strategy != owner:
            msg = f"{name} are for strategy {owner!r}, and strategy is {strategy!r}; leave them out, or change strategy"
            raise InvalidInput(msg, field=name)
        if needed and strategy == owner and given[name] is None:
            msg = f"strategy {owner!r} needs {name}, and none are given"
            raise InvalidInput(msg, field=name)
    for name, differs in settings.items():
        if differs and strategy not in _HOLDS_SEVERAL:
            msg = f"{name} is for strategies that hold several assets, and {strategy!r} holds one; leave it out"
            raise InvalidInput(msg, field=name)


def listing_notes(bars: Bars, weights: Floats, span: tuple[int, int], due: Any, *, late: bool) -> tuple[str, ...]:
    """Say what becomes of the weights of assets that are not listed all the time.

    Parameters
    ----------
    bars
        Prices.
    weights
        Weight of each asset.
    span
        First bar, and the one after the last.
    due
        1 at the bars at which orders are decided.
    late
        Whether orders are filled at the open after the decision.
    """
    said = []
    for k, (first, stop, last) in enumerate(bars.market.lives.tolist()):
        if weights[k] == 0 or (first <= span[0] and stop >= span[1]):
            continue
        name, share = bars.prices.assets[k], f"its weight of {weights[k]:g} is with the others"
        orders = span[0] + np.flatnonzero(due[span[0] : span[1]]) + late
        bought = next((int(t) for t in orders if first <= t - late and t < min(span[1], last)), None)
        held = first <= span[0] or bought is not None
        if first > span[0] and bought is not None:
            said.append(
                f"{name} is listed from {bars.when(first)} on and bought at {bars.when(bought)}: {share} before"
            )
        elif not held or stop <= span[0]:
            said.append(f"{name} is never bought, since it is not listed when there are orders: {share}")
        if held and span[0] < stop < span[1]:
            said.append(f"{name} is listed up to {bars.when(stop - 1)} and sold then: {share} after")
    more = len(said) - _NAMED
    return (*said[:_NAMED], *([f"{more} more such changes of what is listed, all alike"] if more > 0 else []))


def refuse_still(prices: Prices) -> None:
    """Refuse assets that never move, which a choice of weights would take for riskless.

    Parameters
    ----------
    prices
        Prices.
    """
    lowest, highest = (f(prices.matrix, axis=0) for f in (np.nanmin, np.nanmax))
    for name, low, high in zip(prices.assets, lowest, highest, strict=True):
        if low == high:
            msg = f"prices has a constant price of {name}, which would get all the weight; leave it out"
            raise InvalidInput(msg, field="prices", where=name)
