"""Rebalancing: the money counted again, each policy by its rule, and no pair of assets worth trading further."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from prism_kernels.certificates.allocation import placed
from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal

__all__ = ["certificate"]

_STILL = 1e-9  # change of a weight that is none


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Check a rebalancing against its definition.

    Parameters
    ----------
    evidence
        A ``Rebalance``.
    """
    assets, given = tuple(evidence.axes["asset"]), evidence.settings
    before, target, price, value = _read(evidence, assets)
    after = np.asarray(evidence["weights_after"], dtype=float)
    moved = after - before
    yield equal("weights before", evidence["weights_before"], before, unit=1.0)
    yield equal("target weights", evidence["target_weights"], target, unit=1.0)
    yield equal("trades lead from the weights before to those after", evidence["trades"], moved, unit=1.0)
    yield Check("purchases and sales balance", abs(float(moved.sum())), 1e-9)
    yield equal("turnover", evidence["turnover"], float(np.abs(moved).sum()) / 2, unit=1e-3)
    cost = given["transaction_costs"] * float(np.abs(moved).sum())
    yield equal("cost", evidence["cost"], cost, unit=1e-6)
    if given["max_turnover"] is not None:
        yield Check("turnover keeps its limit", max(float(np.abs(moved).sum()) / 2 - given["max_turnover"], 0.0), 1e-9)
    if value is not None and evidence.has("orders"):
        yield equal("value of the portfolio", evidence["value"], value)
        yield equal("orders in shares", evidence["orders"], moved * value / price, unit=1e-9 * value / price)
    risk = _covariance(evidence, assets)
    if risk is not None and evidence.has("utility_gain"):
        risk = risk * given["risk_aversion"] * given["horizon"]
        loss = [0.5 * float((w - target) @ risk @ (w - target)) for w in (before, after)]
        yield equal("gain after cost", evidence["utility_gain"], loss[0] - loss[1] - cost, unit=loss[0] + cost)
    yield from _policy(evidence, before, target, after, risk)


def _read(evidence: Evidence, assets: tuple[str, ...]) -> tuple[Floats, Floats, Floats, float | None]:
    everything = _everything(evidence)
    there = [everything.index(a) for a in assets]
    target, held = (placed(evidence, name, everything)[there] for name in ("target", "portfolio"))
    if getattr(evidence.data["portfolio"], "unit", "weights") == "weights":
        return held, target, np.ones(len(assets)), None
    price = evidence.values("prices")[-1][there]
    value = float(held @ price)
    return held * price / value, target, price, value


def _everything(evidence: Evidence) -> tuple[str, ...]:
    """Return the names that numbers without names count by."""
    held, target, prices = (evidence.data.get(name) for name in ("portfolio", "target", "prices"))
    if prices is not None:
        return tuple(getattr(prices, "assets", ()))
    named = [one for one in (held, target) if getattr(one, "named", False)] or [held]
    return tuple(dict.fromkeys(name for one in named for name in getattr(one, "assets", ())))


def _covariance(evidence: Evidence, assets: tuple[str, ...]) -> Floats | None:
    known = evidence.data.get("covariance")
    if known is not None:
        names = tuple(getattr(known, "assets", ()))
        values = evidence.values("covariance")
        names = names or _everything(evidence)
        there = [names.index(a) for a in assets]
        return np.asarray(values[np.ix_(there, there)])
    prices = evidence.data.get("prices")
    if prices is None:
        return None
    names = tuple(getattr(prices, "assets", ()))
    columns = evidence.values("prices")[:, [names.index(a) for a in assets]]
    if len(columns) < 3 or np.isnan(columns).any():
        return None
    returns = np.diff(columns, axis=0) / columns[:-1]
    apart = returns - returns.mean(axis=0)
    return np.asarray(apart.T @ apart / (len(returns) - 1))


def _policy(evidence: Evidence, before: Floats, target: Floats, after: Floats, risk: Floats | None) -> Iterator[Check]:
    given = evidence.settings
    policy, width = given["policy"], given["threshold"]
    if policy == "cost_aware":
        if risk is not None:
            yield Check("no further trade is worth its cost", _worth(given, before, target, after, risk), 1e-7)
        return
    if given["max_turnover"] is not None and any("cut the trades" in said for said in evidence.warnings):
        reached = float(np.abs(after - before).sum()) / 2
        yield equal("trades go as far as the turnover allows", reached, given["max_turnover"], unit=1e-6)
        return
    far = float(np.abs(before - target).max()) > width + 1e-12
    if policy == "full" or (policy == "threshold" and far):
        yield equal("weights reach the target", after, target, unit=1.0)
    elif not far:
        yield equal("nothing is traded within the band", after, before, unit=1.0)
    else:
        yield Check("weights are within the band", max(float(np.abs(after - target).max()) - width, 0.0), 1e-9)
        over, under = before - target - width, target - before - width
        least = max(float(np.maximum(one, 0).sum()) for one in (over, under))
        yield equal("turnover is the least that leads there", evidence["turnover"], least, unit=1e-3)


def _worth(given: Mapping[str, Any], before: Floats, target: Floats, after: Floats, risk: Floats) -> float:
    """Return what the best pair still brings for a unit traded beyond its cost, as a share of the slopes."""
    slope = risk @ (after - target)
    sold, bought = after < before - _STILL, after > before + _STILL
    cost = given["transaction_costs"]
    lower = np.minimum(np.minimum(before, target), 0.0)
    free = after > lower + _STILL
    limit, turned = given["max_turnover"], float(np.abs(after - before).sum()) / 2
    if limit is not None and turned >= limit - _STILL and (sold & free).any() and bought.any():
        cost = max(cost, float(slope[sold & free].max() - slope[bought].min()) / 2)
    selling = np.where(bought, -cost, cost)  # what selling one more unit costs: a purchase less, or a sale more
    buying = np.where(sold, -cost, cost)
    gain = float((slope - selling)[free].max(initial=-np.inf) - (slope + buying).min())
    size = max(float(np.abs(slope).max()), float(cost), 1e-12)
    return max(gain, 0.0) / size
