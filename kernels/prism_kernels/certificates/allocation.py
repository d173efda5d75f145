"""Allocations: money counted again, and no order that is better by a lot more, a lot less or a lot elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal

__all__ = ["certificate", "placed"]

_MOST = 150  # assets up to which a lot of each is moved to each other one


def placed(evidence: Evidence, name: str, assets: tuple[str, ...]) -> Floats:
    """Return the numbers of a portfolio in the order of some assets; 0 for those it does not name.

    Parameters
    ----------
    evidence
        A result with its data.
    name
        The parameter.
    assets
        Names, in order.
    """
    given = evidence.data.get(name)
    if given is None:
        return np.zeros(len(assets))
    numbers = np.asarray(evidence.values(name), dtype=float)
    if not getattr(given, "named", True):
        return numbers
    known = dict(zip(getattr(given, "assets", ()), numbers.tolist(), strict=True))
    return np.array([known.get(a, 0.0) for a in assets])


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Check an allocation against its definition.

    Parameters
    ----------
    evidence
        An ``Allocation``.
    """
    assets = tuple(evidence.axes["asset"])
    given = evidence.settings
    price = np.where(np.isnan(evidence.values("prices")[-1]), 1.0, evidence.values("prices")[-1])
    held, target = placed(evidence, "holdings", assets), placed(evidence, "weights", assets)
    target = target / max(float(target.sum()), 1.0)
    wealth = given["capital"] + float(held @ price)
    shares = np.asarray(evidence["shares"], dtype=float)
    trades = shares - held
    fees = given["fee_rate"] * float(np.abs(trades) @ price) + given["fee_per_trade"] * int((trades != 0).sum())
    left = wealth - float(shares @ price) - fees
    apart = float(np.abs(shares * price - target * wealth).sum()) + fees
    yield equal("trades lead from what is held to the shares", evidence["trades"], trades, unit=1.0)
    yield equal("latest prices", evidence["prices"], price)
    yield equal("target weights", evidence["target_weights"], target, unit=1e-3)
    yield equal("achieved weights", evidence["achieved_weights"], shares * price / wealth, unit=1e-3)
    yield equal("fees", evidence["fees"], fees, unit=1e-9 * wealth)
    yield equal("cash left over", evidence["leftover_cash"], left, unit=wealth)
    yield Check("no more is spent than there is", max(-left, 0.0) / wealth, 1e-12)
    yield Check("no share is sold that is not held", max(-float(shares.min()), 0.0), 1e-9)
    yield equal("money that is not where it should be", evidence["objective"], apart, unit=1e-6 * wealth)
    missed = float(np.sqrt(np.mean((shares * price / wealth - target) ** 2)))
    yield equal("tracking error", evidence["tracking_error"], missed, unit=1e-6)
    if not given["fractional"]:
        lots = trades / given["lot_size"]
        yield Check("orders are whole lots", float(np.abs(lots - np.round(lots)).max()), 1e-9)
        if evidence["status"] == "optimal" and len(assets) <= _MOST:
            better = _best_near(shares, held, price, target, wealth, given)
            yield Check("no order is better moved by a lot", max(apart - better, 0.0) / max(apart, 1e-6 * wealth), 1e-6)


def _best_near(
    shares: Floats, held: Floats, price: Floats, target: Floats, wealth: float, given: Mapping[str, Any]
) -> float:
    """Return the least of the objective over all lists that differ by a lot of one asset, or of two."""
    lot, best = given["lot_size"], math.inf
    count = len(shares)
    steps = np.concatenate([np.zeros((1, count)), np.eye(count), -np.eye(count)]) * lot
    for step in steps:
        tried = shares + step + steps
        traded = tried - held
        fees = given["fee_rate"] * np.abs(traded) @ price + given["fee_per_trade"] * (traded != 0).sum(axis=1)
        left = wealth - tried @ price - fees
        cost = np.abs(tried * price - target * wealth).sum(axis=1) + fees
        allowed = (left >= 0) & (tried >= 0).all(axis=1)
        best = min(best, float(cost[allowed].min(initial=math.inf)))
    return best
