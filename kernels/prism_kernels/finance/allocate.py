"""Turn weights into shares that can be bought."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from jaxtyping import Float

from prism_kernels.arrays import Array, is_array, like, namespace_of
from prism_kernels.errors import InvalidInput
from prism_kernels.finance.holding import latest_prices
from prism_kernels.finance.orders import Orders, greedy, program
from prism_kernels.finance.shares import refuse_debt
from prism_kernels.inputs import AnyHoldings, AnyPrices, AnyWeights, Holdings, Prices, Weights
from prism_kernels.inputs.calendar import stamp
from prism_kernels.operation import operation
from prism_kernels.result import Result

__all__ = ["Allocation", "allocate"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-9
_PROGRAM = 1e-6  # gap at which the program takes its answer for the best


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Allocation(Result):
    """What to hold of each asset, and the orders that lead there.

    Attributes
    ----------
    shares
        To be held of each asset after the orders.
    trades
        Orders: shares to buy, below zero to sell.
    prices
        Latest price of each asset.
    target_weights
        What was asked for.
    achieved_weights
        Value of the shares of each asset as a share of all the money there is, cash included.
    leftover_cash
        What is left after orders and fees.
    fees
        What the orders cost.
    tracking_error
        Root of the mean squared difference between achieved and target weights.
    objective
        What was minimised, in money: the sum over the assets of what is above or below target, plus the fees.
    optimality_gap
        Share of the objective by which other orders could be better at most: 0 where these are the best, 1 where
        nothing is known of it.
    status
        ``optimal``, ``time limit`` (the best found until then) or ``greedy``.
    """

    shares: Float[Array, " asset"]
    trades: Float[Array, " asset"]
    prices: Float[Array, " asset"]
    target_weights: Float[Array, " asset"]
    achieved_weights: Float[Array, " asset"]
    leftover_cash: float
    fees: float
    tracking_error: float
    objective: float
    optimality_gap: float
    status: str

    @property
    def assets(self) -> tuple[str, ...]:
        """Name of each asset."""
        return tuple(self.axes["asset"])


@operation(
    "finance.allocate",
    example={"weights": "factor_etfs_equal", "prices": "factor_etfs", "capital": 10_000.0},
)
def allocate(
    weights: AnyWeights,
    prices: AnyPrices,
    *,
    holdings: AnyHoldings | None = None,
    capital: Annotated[float, Ge(0)],
    lot_size: Annotated[int, Ge(1)] = 1,
    fractional: bool = False,
    fee_per_trade: Annotated[float, Ge(0)] = 0.0,
    fee_rate: Annotated[float, Ge(0), Lt(1)] = 0.0,
    method: Literal["milp", "greedy"] = "milp",
    time_limit: Annotated[float, Gt(0), Le(600)] = 2.0,
) -> Allocation:
    """Turn weights into the shares to buy and sell that come nearest, without spending more than there is.

    Parameters
    ----------
    weights
        Target weight of each asset, at least 0, adding up to at most 1; the rest stays in cash.
    prices
        Time × asset; the latest counts.
    holdings
        Shares held of each asset before the orders; nothing without.
    capital
        Cash, in the currency of the prices; the value of the holdings comes on top.
    lot_size
        Shares in a lot; orders are whole lots.
    fractional
        Whether parts of shares can be traded.
    fee_per_trade
        What trading an asset costs, however much of it, in the currency of the prices.
    fee_rate
        What trading costs besides, as a share of the value traded.
    method
        ``milp`` finds the best orders by mixed integer programming, ``greedy`` good ones at once.
    time_limit
        Seconds after which ``milp`` returns the best orders found so far, with their gap.

    Raises
    ------
    InvalidInput
        For weights that are negative or add up to more than 1, assets without a latest price, holdings below zero,
        lots with fractional shares, and no money at all.

    Notes
    -----
    Minimises Σ|pᵢxᵢ − wᵢV| + fees over the shares xᵢ, where V is the cash and the value of the holdings, with V less
    Σpᵢxᵢ and the fees at least 0. Runs on CPU; HiGHS ends by itself or at the time limit, not when cancelled. What is
    held beyond whole lots stays. An asset of which one lot costs more than V gets no shares, and a warning.

    References
    ----------
    Q. Huangfu and J. A. J. Hall (2018), "Parallelizing the dual revised simplex method".
    """
    if fractional and lot_size != 1:
        msg = f"lot_size is {lot_size} and fractional is true; lots are whole, so leave one of the two out"
        raise InvalidInput(msg, field="lot_size")
    given = {"weights": weights, "prices": prices, "holdings": holdings}
    arrays = {name: one for name, one in given.items() if is_array(one)}
    if arrays:
        namespace_of(**arrays)
    known, target = Prices.of(prices), Weights.of(weights)
    held = np.zeros(known.count) if holdings is None else _held(Holdings.of(holdings), known.assets)
    wanted = _targets(target, known.assets)
    price = latest_prices(known, (wanted > 0) | (held > 0))
    problem = Orders(
        lot=price * lot_size,
        target=wanted * (capital + math.fsum((price * held).tolist())),
        held=price * held,
        saleable=held if fractional else np.floor(held / lot_size + _ROUNDING),
        cash=float(capital),
        fee_rate=fee_rate,
        fee_per_trade=fee_per_trade,
        whole=not fractional,
    )
    if problem.wealth <= 0:
        msg = "capital is 0 and nothing is held; give capital above 0, or holdings"
        raise InvalidInput(msg, field="capital")
    lots, gap, status = _solved(problem, method, time_limit)
    return _allocation(problem, lots, price, held, lot_size, gap, status, known, wanted)


def _targets(weights: Weights, assets: tuple[str, ...]) -> Floats:
    wanted = weights.aligned(assets, "weights")
    for k in np.flatnonzero(wanted < 0).tolist():
        msg = f"weights of {assets[k]} is {wanted[k]:g}, and only shares that are held can be sold; set it to 0 or more"
        raise InvalidInput(msg, field="weights", where=assets[k])
    return wanted / max(refuse_debt(wanted), 1.0)


def _held(holdings: Holdings, assets: tuple[str, ...]) -> Floats:
    held = holdings.aligned(assets, "holdings")
    for k in np.flatnonzero(held < 0).tolist():
        msg = f"holdings of {assets[k]} is {held[k]:g}, and borrowed shares cannot be allocated; leave the asset out"
        raise InvalidInput(msg, field="holdings", where=assets[k])
    return held


def _solved(problem: Orders, method: str, time_limit: float) -> tuple[Floats, float, str]:
    lots, status = greedy(problem), "greedy"
    if method == "greedy":
        return lots, (1.0 if problem.cost(lots) > 0 else 0.0), status
    found = program(problem, time_limit)
    bound, status = 0.0, "time limit"
    if found is not None:
        bound, status = max(found.bound, 0.0), "optimal" if found.finished else "time limit"
        better = np.isfinite(found.lots).all() and problem.left(found.lots) >= 0
        if better and problem.cost(found.lots) <= problem.cost(lots):
            lots = found.lots
    cost = problem.cost(lots)
    gap = max(cost - bound, 0.0) / cost if cost > 0 else 0.0
    return lots, (0.0 if gap <= (_PROGRAM if status == "optimal" else _ROUNDING) else gap), status


def _allocation(
    problem: Orders,
    lots: Floats,
    price: Floats,
    held: Floats,
    lot_size: int,
    gap: float,
    status: str,
    prices: Prices,
    wanted: Floats,
) -> Allocation:
    trades = lots * lot_size + 0.0
    value = problem.held + problem.lot * lots
    achieved = value / problem.wealth
    reference = prices.values
    return Allocation(
        shares=like(held + trades, reference),
        trades=like(trades, reference),
        prices=like(price, reference),
        target_weights=like(wanted, reference),
        achieved_weights=like(achieved, reference),
        leftover_cash=problem.left(lots),
        fees=problem.fees(lots),
        tracking_error=float(np.sqrt(np.mean((achieved - wanted) ** 2))),
        objective=problem.cost(lots),
        optimality_gap=gap,
        status=status,
        axes={"asset": prices.assets},
        warnings=_warnings(problem, lots, held, wanted, prices, status, gap),
    )


def _warnings(
    problem: Orders, lots: Floats, held: Floats, wanted: Floats, prices: Prices, status: str, gap: float
) -> tuple[str, ...]:
    said = list(prices.notes)
    total = math.fsum(wanted.tolist())
    if total < 1 - 1e-6:
        said.append(f"weights add up to {total:.4g}, so {1 - total:.2%} of the money is meant to stay in cash")
    when = f" at {stamp(prices.index[-1])}" if prices.index is not None else ""
    dear = np.flatnonzero((wanted > 0) & (held + lots == 0) & (problem.lot > problem.wealth) & problem.whole)
    for k in dear.tolist():
        said.append(
            f"{prices.assets[k]} costs {problem.lot[k]:.2f} a lot{when}, more than the {problem.wealth:.2f} there is: "
            "no shares of it"
        )
    if status == "time limit":
        said.append(f"the time limit ended the search; other orders could be better by {gap:.2%} at most")
    return tuple(said)
