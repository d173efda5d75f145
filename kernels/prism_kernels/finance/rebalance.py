"""Bring a portfolio back to its target, as far as that is worth its cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from jaxtyping import Float

from prism_kernels.arrays import Array, is_array, like, namespace_of
from prism_kernels.finance.holding import Holding, holding_of
from prism_kernels.finance.no_trade_region import into_band, region, scaled, worthless
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.qp_split import Bends, solve_split
from prism_kernels.inputs import AnyCovariance, AnyPortfolio, AnyPrices, AnyWeights
from prism_kernels.operation import operation
from prism_kernels.result import Result

__all__ = ["Policy", "Rebalance", "rebalance"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Policy: TypeAlias = Literal["full", "threshold", "no_trade_region", "cost_aware"]

_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Rebalance(Result):
    """What to trade, and what that costs and brings.

    Attributes
    ----------
    trades
        Change of each weight: above 0 is bought, below 0 sold.
    weights_before, target_weights, weights_after
        Share of the portfolio in each asset: as it is, as it should be, and after the trades, before their cost.
    no_trade
        Between which weights an asset stays as it is: the band around its target; for ``cost_aware`` where no trade
        is worth its cost when only this asset has left its target and the others share the rest in proportion.
    orders
        Shares to buy, or to sell below 0, not rounded; None where weights were given instead of shares.
    turnover
        Half the sum of the absolute changes of the weights.
    cost
        Of the trades, as a share of the portfolio.
    utility_gain
        What the trades bring over ``horizon`` periods by leading nearer to the target, less their cost, as a share of
        the portfolio; None where no covariance is known.
    value
        Of the portfolio, in the currency of the prices; None where weights were given.
    duality_gap, residual
        Proof of ``cost_aware``: the most that other trades could bring besides, and the largest violation of the
        conditions of the best; None for the other policies.
    """

    trades: Float[Array, " asset"]
    weights_before: Float[Array, " asset"]
    target_weights: Float[Array, " asset"]
    weights_after: Float[Array, " asset"]
    no_trade: Float[Array, "asset bound"]
    orders: Float[Array, " asset"] | None = None
    turnover: float
    cost: float
    utility_gain: float | None = None
    value: float | None = None
    duality_gap: float | None = None
    residual: float | None = None

    @property
    def assets(self) -> tuple[str, ...]:
        """Name of each asset."""
        return tuple(self.axes["asset"])

    @property
    def weights(self) -> Any:
        """The weights after the trades, so that the result can be given where weights are asked for."""
        return self.weights_after

    def to_frame(self) -> Any:
        """Return a pandas frame with a row for each asset."""
        import pandas as pd

        plain = self.to_numpy()
        names = ("weights_before", "target_weights", "weights_after", "trades", "orders")
        columns = {n: getattr(plain, n) for n in names if getattr(plain, n) is not None}
        ends = {"no_trade_from": plain.no_trade[:, 0], "no_trade_to": plain.no_trade[:, 1]}
        return pd.DataFrame({"asset": list(self.assets), **columns, **ends})


@operation(
    "finance.rebalance",
    example={"portfolio": "factor_etfs_held", "target": "factor_etfs_equal", "prices": "factor_etfs"},
)
def rebalance(
    portfolio: AnyPortfolio,
    target: AnyWeights,
    *,
    prices: AnyPrices | None = None,
    covariance: AnyCovariance | None = None,
    policy: Policy = "full",
    threshold: Annotated[float, Ge(0), Le(1)] = 0.05,
    transaction_costs: Annotated[float, Ge(0), Lt(1)] = 0.0,
    max_turnover: Annotated[float, Ge(0)] | None = None,
    risk_aversion: Annotated[float, Gt(0)] = 1.0,
    horizon: Annotated[int, Ge(1)] = 252,
) -> Rebalance:
    """Bring a portfolio back to its target, as far as that is worth its cost.

    Parameters
    ----------
    portfolio
        What is held of each asset: weights that add up to 1, or shares, which need prices.
    target
        Weight that each asset should have; they add up to 1.
    prices
        Time × asset; the latest value the shares, and their returns give the covariance where none is given.
    covariance
        Asset × asset, of the returns of one period.
    policy
        ``full`` trades to the target; ``threshold`` does so once an asset is farther from it than the threshold;
        ``no_trade_region`` trades to the edge of the band of that width only; ``cost_aware`` does what brings most
        after costs.
    threshold
        Distance of a weight from its target from which on ``threshold`` and ``no_trade_region`` trade; a share of the
        portfolio.
    transaction_costs
        Cost of buying or selling, as a share of the value traded.
    max_turnover
        Largest half sum of the absolute changes of the weights; trades are cut short where they would pass it.
    risk_aversion
        Utility lost for each half unit of variance around the target.
    horizon
        Periods for which the weights are kept; variance adds up over them.

    Raises
    ------
    InvalidInput
        For weights that do not add up to 1, names without a price, shares without prices, and ``cost_aware`` where
        neither covariance nor two returns are known.

    Notes
    -----
    Utility is -½·a·h·(w - t)'Σ(w - t), with risk aversion a, horizon h and target t. ``cost_aware`` maximises it less
    the costs c·Σ|Δw|, exactly, with no short position that is neither held nor a target. The cost is paid on top of
    the trades, so weights add up to 1 before it. ``no_trade_region`` settles what the edges leave over with the
    assets farthest on the other side. Runs on CPU.

    References
    ----------
    C. Donohue and K. Yip (2003), "Optimal portfolio rebalancing with transaction costs". S. Boyd et al. (2017),
    "Multi-period trading via convex optimization".
    """
    given = {"portfolio": portfolio, "target": target, "prices": prices, "covariance": covariance}
    arrays = {name: one for name, one in given.items() if is_array(one)}
    if arrays:
        namespace_of(**arrays)
    state = holding_of(portfolio, target, prices, covariance, needs_risk=policy == "cost_aware")
    aversion = risk_aversion * horizon
    lower = np.minimum(np.minimum(state.weights, state.target), 0.0)
    proof: dict[str, float] = {}
    if policy == "cost_aware" and state.covariance is not None:
        wanted, proof = _worth(state, state.covariance * aversion, lower, transaction_costs, max_turnover)
        band = region(state.covariance, state.target, lower, cost=transaction_costs, aversion=aversion)
    else:
        free = _followed(policy, state, threshold)
        wanted = scaled(state.weights, free, max_turnover)
        if wanted is not free:
            turned = float(np.abs(free - state.weights).sum()) / 2
            said = f"max_turnover cut the trades short: all of them would turn over {turned:.4g}"
            state = replace(state, warnings=(*state.warnings, said))
        width = 0.0 if policy == "full" else threshold
        band = np.stack([state.target - width, state.target + width], axis=1)
    return _result(state, wanted, band, transaction_costs, aversion, proof)


def _followed(policy: Policy, state: Holding, threshold: float) -> Floats:
    far = float(np.abs(state.weights - state.target).max()) > threshold + _ROUNDING
    if policy == "no_trade_region":
        return into_band(state.weights, state.target, threshold) if far else state.weights
    return state.target if policy == "full" or far else state.weights


def _worth(
    state: Holding, risk: Floats, lower: Floats, cost: float, max_turnover: float | None
) -> tuple[Floats, dict[str, float]]:
    """Return the weights of most utility after costs, and the proof."""
    bends = Bends(previous=state.weights, buying=cost, selling=cost, max_turnover=max_turnover)
    if cost == 0 and bends.holds(state.target):
        return state.target, {"duality_gap": 0.0, "residual": 0.0}
    if worthless(risk, state.weights, state.target, lower, cost):
        return state.weights, {"duality_gap": 0.0, "residual": 0.0}
    one = np.ones(1)
    limits = Polytope(
        lower=lower,
        upper=np.maximum(np.maximum(state.weights, state.target), 1.0),
        rows=np.ones((1, len(lower))),
        least=one,
        most=one,
        names=("budget",),
    )
    found = solve_split(risk, -(risk @ state.target), limits, bends)
    still = np.abs(found.weights - state.weights) <= _ROUNDING
    wanted = np.where(still, state.weights, found.weights)
    return wanted, {"duality_gap": found.gap, "residual": found.residual}


def _result(
    state: Holding, wanted: Floats, band: Floats, cost: float, aversion: float, proof: dict[str, float]
) -> Rebalance:
    trades = wanted - state.weights
    paid = cost * float(np.abs(trades).sum())
    gain = None
    if state.covariance is not None:
        before, after = state.weights - state.target, wanted - state.target
        saved = before @ state.covariance @ before - after @ state.covariance @ after
        gain = 0.5 * aversion * float(saved) - paid
    there = state.reference
    orders = None if state.value is None else like(trades * state.value / state.price, there)
    return Rebalance(
        trades=like(trades, there),
        weights_before=like(state.weights, there),
        target_weights=like(state.target, there),
        weights_after=like(wanted, there),
        no_trade=like(band, there),
        orders=orders,
        turnover=float(np.abs(trades).sum()) / 2,
        cost=paid,
        utility_gain=gain,
        value=state.value,
        axes={"asset": state.assets, "bound": ("from", "to")},
        warnings=state.warnings,
        **proof,
    )
