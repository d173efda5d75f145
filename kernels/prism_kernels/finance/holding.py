"""``Holding``: a portfolio, its target and what is known of its assets, read and brought into one order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.arrays import Array
from prism_kernels.errors import InvalidInput
from prism_kernels.finance import moments
from prism_kernels.inputs import Covariance, Portfolio, Prices, Weights

__all__ = ["Holding", "holding_of", "latest_prices"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Holding:
    """A portfolio with its target, all in the order of ``assets``.

    Attributes
    ----------
    assets
        Names.
    weights, target
        Share of each asset as it is, and as it should be.
    price
        Latest price of each asset; 1 where shares do not count.
    value
        Of the portfolio; None where weights were given.
    covariance
        Of the returns of one period; None where it is not known.
    reference
        An array of the caller, in whose library results come back.
    warnings
        What the caller should know about how the data was read.
    """

    assets: tuple[str, ...]
    weights: Floats
    target: Floats
    price: Floats
    value: float | None
    covariance: Floats | None
    reference: Array
    warnings: tuple[str, ...]


def holding_of(portfolio: Any, target: Any, prices: Any, covariance: Any, *, needs_risk: bool) -> Holding:
    """Read a portfolio, its target, prices and covariance.

    Parameters
    ----------
    portfolio, target, prices, covariance
        As in :func:`prism_kernels.finance.rebalance`.
    needs_risk
        Whether a covariance is needed.

    Raises
    ------
    InvalidInput
        For weights that do not add up to 1, names that do not fit, shares without prices or of no value, and a
        covariance that is needed and cannot be known.
    """
    held, wanted = Portfolio.of(portfolio), Weights.of(target, field="target")
    known = None if prices is None else Prices.of(prices)
    names = _names(held, wanted, known)
    goal = wanted.aligned(names, "target", budget=1.0)
    price, value = np.ones(len(names)), None
    if held.unit == "shares":
        shares = held.aligned(names, "portfolio")
        price = _valued(known, shares, goal, held)
        value = math.fsum((shares * price).tolist())
        if value <= 0:
            msg = f"portfolio is worth {value:g}, and weights are shares of what it is worth; hold more than is owed"
            raise InvalidInput(msg, field="portfolio")
        weights = shares * price / value
    else:
        weights = held.aligned(names, "portfolio", budget=1.0)
    used = np.flatnonzero((weights != 0) | (goal != 0))
    assets = tuple(names[k] for k in used.tolist())
    risk, said = _risk(known, covariance, names, used, needs_risk)
    return Holding(
        assets=assets,
        weights=weights[used],
        target=goal[used],
        price=price[used],
        value=value,
        covariance=risk,
        reference=held.values,
        warnings=(*(known.notes if known is not None else ()), *said),
    )


def latest_prices(prices: Prices, needed: np.ndarray[Any, np.dtype[np.bool_]]) -> Floats:
    """Return the latest price of each asset; 1 where none is needed.

    Parameters
    ----------
    prices
        Time × asset.
    needed
        Which assets must have one.

    Raises
    ------
    InvalidInput
        For an asset without one, with the date.
    """
    last = prices.matrix[-1]
    for k in np.flatnonzero(np.isnan(last) & needed).tolist():
        where = prices.place(prices.periods - 1, k)
        msg = f"prices has no price of {where}, the latest period; fill it, or give prices up to an earlier one"
        raise InvalidInput(msg, field="prices", where=where)
    return np.where(np.isnan(last), 1.0, last)


def _names(held: Portfolio, wanted: Weights, prices: Prices | None) -> tuple[str, ...]:
    if prices is not None:
        return prices.assets
    if held.named and wanted.named:
        return tuple(dict.fromkeys([*held.assets, *wanted.assets]))
    return held.assets if held.named else wanted.assets


def _valued(prices: Prices | None, shares: Floats, goal: Floats, held: Portfolio) -> Floats:
    if prices is None:
        total = float(shares.sum())
        msg = (
            f"portfolio adds up to {total:.6g}, so it counts shares, and shares need prices; give prices, or weights "
            "that add up to 1"
        )
        raise InvalidInput(msg, field="portfolio")
    return latest_prices(prices, (shares != 0) | (goal != 0))


def _risk(
    prices: Prices | None, covariance: Any, names: tuple[str, ...], used: Any, needed: bool
) -> tuple[Floats | None, tuple[str, ...]]:
    if covariance is not None:
        given = Covariance.of(covariance)
        everything = given.assets or names
        found, said = moments.check_covariance(given.given(), everything, repair=None)
        places = [_place(names[k], everything) for k in used.tolist()]
        return found[np.ix_(places, places)], tuple(said)
    few = prices is None or prices.periods < 3
    if not few and prices is not None and (needed or not prices.take(assets=used.tolist()).missing.any()):
        kept = prices.take(assets=used.tolist())
        kept.complete("refuse", "prices")
        ways = "give covariance, or prices of more periods"
        estimated = moments.estimate(kept.returns(), field="prices", ways=ways)
        return estimated.covariance, tuple(estimated.warnings)
    if needed:
        have = "no prices" if prices is None else f"{prices.periods} period{'s' * (prices.periods > 1)} of prices"
        msg = f"policy 'cost_aware' weighs costs against risk, and there are {have}; give covariance, or more prices"
        raise InvalidInput(msg, field="covariance")
    return None, ()


def _place(name: str, known: tuple[str, ...]) -> int:
    if name not in known:
        msg = f"covariance has no row for {name}, which is held or a target; add one"
        raise InvalidInput(msg, field="covariance", where=name)
    return known.index(name)
