"""The equity of a backtest as returns: what the best point of each asset earned, close by close."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_kernels.arrays import Array, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput

__all__ = ["earned", "is_backtest"]


def is_backtest(given: object) -> bool:
    """Tell whether an object is the result of ``finance.backtest``."""
    return all(hasattr(given, name) for name in ("equity", "best", "points", "table"))


def earned(backtest: Any, field: str) -> tuple[Array, tuple[str, ...], Any, tuple[str, ...]]:
    """Return returns (time × asset) of the best point of each asset, names, dates, and which points they are.

    The first return counts from the money at the start, so that what was paid for the first orders is in it, where the
    table holds the total return; otherwise from the first close.

    Parameters
    ----------
    backtest
        What ``finance.backtest`` returned, with its equity.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For a backtest that did not keep its equity, and for an asset none of whose points has a rank.
    """
    if backtest.equity is None:
        msg = f"{field} is a backtest that did not keep its equity; run it again with keep='equity'"
        raise InvalidInput(msg, field=field)
    best = [int(k) for k in to_numpy(backtest.best)]
    names = tuple(str(n) for n in backtest.labels("asset", len(best)))
    for name, point in zip(names, best, strict=True):
        if point < 0:
            msg = f"{field} is a backtest in which no point of {name} has a rank; leave that asset out of it"
            raise InvalidInput(msg, field=field, where=name)
    xp = namespace_of(equity=backtest.equity)
    value = xp.stack([backtest.equity[point, k, :] for k, point in enumerate(best)], axis=1)
    there = np.flatnonzero(~np.isnan(to_numpy(value)).all(axis=1))
    first, stop = int(there[0]), int(there[-1]) + 1
    value = value[first:stop, :]
    before = xp.concat([_start(backtest, best, value)[None, :], value[1:-1, :]], axis=0)
    time = backtest.axes.get("time")
    dates = time[first + 1 : stop] if hasattr(time, "tz") else None
    points = backtest.labels("parameter", backtest.equity.shape[0])
    notes = tuple(
        f"{name} is traded at {points[k]}" for name, k in zip(names, best, strict=True) if backtest.equity.shape[0] > 1
    )
    return value[1:, :] / before - 1, names, dates, notes


def _start(backtest: Any, best: list[int], value: Array) -> Array:
    """Return the money at the start, from the last value and the total return."""
    xp = namespace_of(equity=value)
    measures = list(backtest.axes.get("metric", ()))
    if "total_return" not in measures:
        return value[0, :]
    column = measures.index("total_return")
    total = xp.stack([backtest.table[point, k, column] for k, point in enumerate(best)])
    return value[-1, :] / (1 + total)
