"""``Orders``: the problem of turning target values into whole lots, and two ways to solve it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.finance import integer_program

__all__ = ["Found", "Orders", "greedy", "program"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-12  # share of the wealth below which cash is rounding


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What has to be bought and sold, in money.

    Attributes
    ----------
    lot
        Price of a lot of each asset.
    target
        What should be in each asset.
    held
        What is in it now.
    saleable
        Most lots that can be sold of each.
    cash
        What is there to spend before anything is sold.
    fee_rate, fee_per_trade
        Share of the traded value, and what each asset traded costs besides.
    whole
        Whether lots are indivisible.
    """

    lot: Floats
    target: Floats
    held: Floats
    saleable: Floats
    cash: float
    fee_rate: float = 0.0
    fee_per_trade: float = 0.0
    whole: bool = True

    @property
    def wealth(self) -> float:
        """Cash and the value of what is held."""
        return math.fsum([self.cash, *self.held.tolist()])

    @property
    def needed(self) -> Floats:
        """Lots of each asset beyond which buying only leads away from the target."""
        apart = np.maximum(self.target - self.held, 0.0) / self.lot
        return np.ceil(apart - 1e-9) if self.whole else apart

    def fees(self, lots: Floats) -> float:
        """Return what some orders cost; sales are lots below zero."""
        traded = self.fee_rate * self.lot * np.abs(lots)
        return math.fsum([*traded.tolist(), self.fee_per_trade * int(np.count_nonzero(lots))])

    def left(self, lots: Floats) -> float:
        """Return the cash that is left after some orders; below zero where they cannot be paid."""
        spent = math.fsum((self.lot * lots).tolist())
        rest = self.cash - spent - self.fees(lots)
        return 0.0 if abs(rest) <= _ROUNDING * self.wealth else rest

    def cost(self, lots: Floats) -> float:
        """Return what is minimised: the money that is not where it should be, and the fees."""
        return math.fsum([*np.abs(self.held + self.lot * lots - self.target).tolist(), self.fees(lots)])


@dataclass(frozen=True)
class Found:
    """Orders that were found.

    Attributes
    ----------
    lots
        Of each asset; sales are below zero.
    bound
        No orders cost less than this.
    finished
        Whether the search ended by itself.
    """

    lots: Floats
    bound: float
    finished: bool


def greedy(orders: Orders) -> Floats:
    """Return orders that are good: sales first, then purchases, then one lot after another while that helps.

    Parameters
    ----------
    orders
        The problem.
    """
    lots = np.zeros(len(orders.lot))
    over = np.flatnonzero(orders.held > orders.target)
    for k in over[np.argsort(orders.target[over] - orders.held[over], kind="stable")].tolist():
        wanted = min((orders.held[k] - orders.target[k]) / orders.lot[k], orders.saleable[k])
        _best_of(orders, lots, k, [-wanted] if not orders.whole else [-math.floor(wanted), -math.ceil(wanted)])
    under = np.flatnonzero(orders.needed > 0)
    for k in under[np.argsort(orders.held[under] - orders.target[under], kind="stable")].tolist():
        room = _affordable(orders, lots, k)
        wanted = min((orders.target[k] - orders.held[k]) / orders.lot[k], room)
        _best_of(orders, lots, k, [math.floor(wanted + 1e-9)] if orders.whole else [wanted])
    while orders.whole and _one_more(orders, lots):
        pass
    return lots


def _affordable(orders: Orders, lots: Floats, asset: int) -> float:
    room = orders.left(lots) - (orders.fee_per_trade if lots[asset] == 0 else 0.0)
    return max(room / float(orders.lot[asset] * (1 + orders.fee_rate)), 0.0)


def _best_of(orders: Orders, lots: Floats, asset: int, choices: list[float]) -> None:
    """Take the cheapest of some orders of one asset that can be paid, or leave it."""
    trials = []
    for choice in choices:
        trial = lots.copy()
        trial[asset] = choice
        if -choice <= orders.saleable[asset] and orders.left(trial) >= 0:
            trials.append((orders.cost(trial), choice))
    if trials and min(trials)[0] < orders.cost(lots):
        lots[asset] = min(trials)[1]


def _one_more(orders: Orders, lots: Floats) -> bool:
    """Buy the lot that brings most, and tell whether there was one."""
    value = orders.held + orders.lot * lots
    first = orders.fee_per_trade * ((lots == 0).astype(float) - (lots == -1))
    fee = orders.fee_rate * orders.lot * np.where(lots < 0, -1.0, 1.0) + first
    gain = np.abs(value - orders.target) - np.abs(value + orders.lot - orders.target) - fee
    gain[orders.lot + fee > orders.left(lots)] = -math.inf
    best = int(gain.argmax())
    if gain[best] <= _ROUNDING * orders.wealth:
        return False
    lots[best] += 1
    if orders.left(lots) < 0:
        lots[best] -= 1
        return False
    return True


def program(orders: Orders, time_limit: float) -> Found | None:
    """Return the best orders, by mixed integer programming; None where none were found in time.

    Parameters
    ----------
    orders
        The problem.
    time_limit
        Seconds.
    """
    unit = float(orders.lot.max()) / 1e3
    found = integer_program.solved(_written(orders, unit), time_limit=time_limit)
    bound = getattr(found, "mip_dual_bound", None)
    if found.x is None:
        return None if bound is None else Found(np.full(len(orders.lot), np.nan), float(bound) * unit, finished=False)
    bought, sold = np.split(found.x, [len(orders.lot), 2 * len(orders.lot)])[:2]
    lots = bought - sold
    lots = np.round(lots) if orders.whole else np.where(np.abs(lots) < 1e-9, 0.0, lots)
    floor = float(found.fun if bound is None or not math.isfinite(bound) else bound)
    return Found(_payable(orders, lots), floor * unit, finished=found.status == 0)


def _written(orders: Orders, unit: float) -> dict[str, Any]:
    """Write the program's matrices, for purchases, sales, distances and, with a fee, choices to trade at all."""
    from scipy.optimize import Bounds, LinearConstraint
    from scipy.sparse import block_array, diags_array, eye_array

    count, choices = len(orders.lot), orders.fee_per_trade > 0
    lot, apart = orders.lot / unit, (orders.target - orders.held) / unit
    most = np.minimum(orders.needed, _payable_lots(orders))
    saleable, one = orders.saleable, eye_array(count)
    price, none = diags_array(lot), np.zeros(count)
    rows = [[price, -price, one, None][: 3 + choices], [-price, price, one, None][: 3 + choices]]
    least = [apart, -apart]
    spent = [lot * (1 + orders.fee_rate), -lot * (1 - orders.fee_rate), none]
    cost = [orders.fee_rate * lot, orders.fee_rate * lot, np.ones(count)]
    upper = [most, saleable, np.full(count, np.inf)]
    if choices:
        rows.append([-one, -one, None, diags_array(most + saleable)])
        least.append(none)
        fee = np.full(count, orders.fee_per_trade / unit)
        spent, cost, upper = [*spent, fee], [*cost, fee], [*upper, np.ones(count)]
    whole = [np.full(count, float(orders.whole))] * 2 + [none] + [np.ones(count)] * choices
    return {
        "c": np.concatenate(cost),
        "integrality": np.concatenate(whole),
        "bounds": Bounds(0.0, np.concatenate(upper)),
        "constraints": [
            LinearConstraint(block_array(rows, format="csc"), np.concatenate(least), np.inf),
            LinearConstraint(np.concatenate(spent)[None, :], -np.inf, orders.cash / unit),
        ],
    }


def _payable_lots(orders: Orders) -> Floats:
    """Return the most lots of each asset that all the wealth could buy."""
    most = orders.wealth / (orders.lot * (1 + orders.fee_rate))
    return np.floor(most * (1 + _ROUNDING)) if orders.whole else most


def _payable(orders: Orders, lots: Floats) -> Floats:
    """Give back the little that the program's tolerance spent too much."""
    while orders.left(lots) < 0 and (lots > 0).any():
        held = np.flatnonzero(lots > 0)
        step = 1.0 if orders.whole else -orders.left(lots) / float(orders.lot[held].max())
        costs = []
        for k in held.tolist():
            trial = lots.copy()
            trial[k] = max(trial[k] - step, 0.0)
            costs.append((orders.cost(trial), k))
        k = min(costs)[1]
        lots = lots.copy()
        lots[k] = max(lots[k] - step, 0.0)
    return lots
