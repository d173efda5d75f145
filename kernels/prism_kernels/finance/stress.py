"""Stress: what a portfolio loses when prices change as somebody imagines, or as they once did."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import numpy as np
from annotated_types import Ge

from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.inputs import Returns
from prism_kernels.inputs.calendar import stamp

__all__ = ["Scenario", "StressLoss", "stressed"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Scenario:
    """A row of a scenario; rows of one name belong together.

    Attributes
    ----------
    name
        What the scenario is called.
    asset
        The asset that changes; empty for every asset that no other row of the scenario names.
    change
        Simple return of its price: -0.2 is a fall by a fifth. Assets without a row stay as they are.
    first, last
        Instead of a change: the days of the data whose returns are repeated, compounded.
    """

    name: str = "shock"
    asset: str = ""
    change: Annotated[float, Ge(-1)] | None = None
    first: datetime.date | None = None
    last: datetime.date | None = None


@dataclass(frozen=True)
class StressLoss:
    """What one scenario costs.

    Attributes
    ----------
    scenario
        Its name.
    loss
        Of the portfolio, as a positive share.
    by_asset
        What each asset adds to it.
    """

    scenario: str
    loss: float
    by_asset: tuple[float, ...]


def stressed(returns: Returns, weights: Floats, scenarios: tuple[Scenario, ...]) -> tuple[StressLoss, ...]:
    """Measure the loss of each scenario, in the order of their first rows.

    Parameters
    ----------
    returns
        Of the assets, for their names and for what is repeated.
    weights
        Weight of each asset.
    scenarios
        Their rows.

    Raises
    ------
    InvalidInput
        For a row without a change or with two kinds of it, an asset that is unknown or named twice, and days that the
        data do not have.
    """
    found = []
    for name in dict.fromkeys(row.name for row in scenarios):
        rows = [row for row in scenarios if row.name == name]
        by_asset = -weights * _changes(returns, name, rows)
        found.append(StressLoss(name, float(by_asset.sum()), tuple(by_asset.tolist())))
    return tuple(found)


def _changes(returns: Returns, name: str, rows: list[Scenario]) -> Floats:
    changes = np.zeros(returns.count)
    named = [row.asset for row in rows]
    for row in sorted(rows, key=lambda row: row.asset != ""):  # every asset first, then those that are named
        if named.count(row.asset) > 1:
            who = repr(row.asset) if row.asset else "every asset"
            msg = f"scenarios: {name!r} has {named.count(row.asset)} rows for {who}; keep one"
            raise InvalidInput(msg, field="scenarios", where=name)
        if row.asset and row.asset not in returns.assets:
            hint = nearest(row.asset, returns.assets)
            msg = f"scenarios: {name!r} names {row.asset!r}, which is not among the assets; {hint}"
            raise InvalidInput(msg, field="scenarios", where=name)
        place: Any = returns.assets.index(row.asset) if row.asset else slice(None)
        changes[place] = _change(returns, row)[place]
    return changes


def _change(returns: Returns, row: Scenario) -> Floats:
    dated = row.first is not None or row.last is not None
    if dated == (row.change is not None):
        kinds = "both a change and days" if dated else "neither a change nor days"
        msg = f"scenarios: {row.name!r} has {kinds}; give change, such as -0.2, or first and last"
        raise InvalidInput(msg, field="scenarios", where=row.name)
    if row.change is not None:
        return np.full(returns.count, row.change)
    if returns.index is None:
        msg = f"scenarios: {row.name!r} repeats days, and returns has no dates; give change, or returns with dates"
        raise InvalidInput(msg, field="scenarios", where=row.name)
    days = returns.index.tz_localize(None).to_numpy().astype("datetime64[D]")
    inside = np.ones(len(days), dtype=bool)
    inside &= days >= np.datetime64(row.first) if row.first is not None else True
    inside &= days <= np.datetime64(row.last) if row.last is not None else True
    if not inside.any():
        ends = f"{row.first or 'the beginning'} to {row.last or 'the end'}"
        have = f"{stamp(returns.index[0])} to {stamp(returns.index[-1])}"
        msg = f"scenarios: {row.name!r} repeats {ends}, and returns has no day of that; it goes from {have}"
        raise InvalidInput(msg, field="scenarios", where=row.name)
    repeated: Floats = np.prod(1 + returns.matrix[inside], axis=0) - 1
    return repeated
