"""Backtests: paths kept again bar by bar, the best looked up, luck counted again, choices held to their objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any

import numpy as np

from prism_kernels.certificates import bars
from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal, spread

__all__ = ["certificate"]

_MOST_BARS = 100_000  # that are walked one by one
_SEVERAL = ("weights", "walk_forward")
_OBJECTIVES = ("min_variance", "risk_parity", "inverse_volatility", "equal_weight", "hrp", "min_cvar")
_TAIL = 0.05  # of the periods
_STILL = 1e-10  # by which returns differ that are the same; an asset that has no others takes no part in a choice
_EULER = 0.5772156649015329


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Check a backtest against its definition.

    Parameters
    ----------
    evidence
        A ``Backtest``.
    """
    given, metrics = evidence.settings, tuple(evidence.axes["metric"])
    table = np.asarray(evidence["table"], dtype=float)
    yield from _best(evidence, table, metrics)
    close, fill = _prices(evidence)
    share = given["out_of_sample"]
    split = len(close) - round(share * len(close)) if share else len(close)
    spans = {"table": (0, split), **({"out_of_sample": (split - 1, len(close))} if share else {})}
    places = [(p, a) for p in range(table.shape[0]) for a in range(table.shape[1])]
    chosen = spread(len(places), max(1, _MOST_BARS // len(close)))
    several = given["strategy"] in _SEVERAL
    for name, span in spans.items():
        if several and np.isnan(close).any():
            continue  # what an asset that is not listed leaves to the others is looked at by its choices alone
        if name == "out_of_sample" and given["strategy"] == "walk_forward":
            continue  # its choices are not in the result
        found = {places[k]: _walked(evidence, close, fill, *places[k], span) for k in chosen}
        yield from _compared(evidence, name, found, metrics, span)
    if evidence.has("targets"):
        yield from _choices(evidence, close)


def _prices(evidence: Evidence) -> tuple[Floats, Floats]:
    """Return closes and prices of orders, without the assets and periods that were left out."""
    close = evidence.values("prices")
    late = evidence.settings["fill"] == "next_open"
    fill = _ordered(evidence, "open_prices") if late else close
    return _kept(evidence, close), _kept(evidence, fill)


def _ordered(evidence: Evidence, name: str) -> Floats:
    """Return a table beside the prices in the order of their assets."""
    own, others = (tuple(getattr(evidence.data[n], "assets", ())) for n in ("prices", name))
    values = evidence.values(name)
    return values[:, [others.index(a) for a in own]] if set(own) == set(others) else values


def _kept(evidence: Evidence, values: Floats) -> Floats:
    assets, close = tuple(getattr(evidence.data["prices"], "assets", ())), evidence.values("prices")
    if evidence.settings["missing"] == "intersect":
        values = values[~np.isnan(close).any(axis=1)]
    return values[:, [assets.index(a) for a in evidence.axes["holding"]]]


def _walked(
    evidence: Evidence, close: Floats, fill: Floats, point: int, asset: int, span: tuple[int, int]
) -> bars.Account:
    given = evidence.settings
    terms = bars.Terms(
        fee=given["fees"],
        slippage=given["slippage"],
        late=given["fill"] == "next_open",
        capital=given["initial_cash"],
    )
    if given["strategy"] in _SEVERAL:
        return _portfolio(evidence, close, fill, point, terms, span)
    own = close[:, asset]
    there = np.flatnonzero(~np.isnan(own))
    begin, end = max(span[0], int(there[0])), min(span[1], int(there[-1]) + 1)
    wanted = _decider(evidence, own, asset, [float(v) for v in evidence["points"][point]], int(there[0]))
    return bars.traded(own, fill[:, asset], wanted, terms, begin, end)


def _decider(
    evidence: Evidence, close: Floats, asset: int, point: list[float], listed: int
) -> Callable[[int, bool, float], bool]:
    strategy = evidence.settings["strategy"]
    if strategy == "moving_average":
        fast, slow = (int(n) for n in point)
        rolling = [np.convolve(close[listed:], np.ones(n) / n, "valid") if n <= len(close) - listed else close[:0]
                   for n in (fast, slow)]  # fmt: skip

        def crossed(t: int, *_: Any) -> bool:
            at = t - listed
            if at + 1 < slow:
                return False
            return bool(rolling[0][at + 1 - fast] - rolling[1][at + 1 - slow] > 1e-12 * close[t])

        return crossed
    if strategy == "momentum":
        back, gain = int(point[0]), point[1]
        return lambda t, *_: bool(t - back >= listed and close[t] - close[t - back] * (1 + gain) > 1e-12 * close[t])
    if strategy == "signals":
        return _signals(evidence, close, asset, *point)
    return lambda *_: True


def _signals(
    evidence: Evidence, close: Floats, asset: int, loss: float, gain: float
) -> Callable[[int, bool, float], bool]:
    entries = _kept(evidence, _ordered(evidence, "entries"))[:, asset] == 1
    exits = (
        _kept(evidence, _ordered(evidence, "exits"))[:, asset] == 1 if "exits" in evidence.data else ~entries & False
    )

    def wanted(t: int, held: bool, paid: float) -> bool:
        if not held:
            return bool(entries[t] and not exits[t])
        lost = loss > 0 and close[t] <= paid * (1 - loss)
        return not (exits[t] or lost or (gain > 0 and close[t] >= paid * (1 + gain)))

    return wanted


def _portfolio(
    evidence: Evidence, close: Floats, fill: Floats, point: int, terms: bars.Terms, span: tuple[int, int]
) -> bars.Account:
    given, rebalance = evidence.settings, evidence.settings["rebalance"]
    if given["strategy"] == "walk_forward":
        at = [int(t) for t in evidence["chosen"][point] if t >= 0]
        targets = {t: np.asarray(w, dtype=float) for t, w in zip(at, evidence["targets"][point], strict=False)}
        span = (int(max(p[0] for p in evidence["points"])), span[1])
    else:
        weights, names = evidence.data["weights"], list(evidence.axes["holding"])
        own = np.asarray(evidence.values("weights"), dtype=float)
        if getattr(weights, "named", False):
            by_name = dict(zip(getattr(weights, "assets", ()), own, strict=True))
            own = np.array([by_name.get(n, 0.0) for n in names])
        targets = {span[0]: own}
    starts = _starts(rebalance, evidence.axes["time"])

    def asked(t: int, away: float) -> bool:
        return away > rebalance if isinstance(rebalance, float) else bool(starts[t])

    return bars.carried(close, fill, targets, asked, terms, *span, drift=given["weight_drift"])


def _starts(rebalance: Any, dates: Any) -> Floats:
    """Return 1 at each bar that begins a span of the calendar."""
    import pandas as pd

    found = np.zeros(len(dates))
    if rebalance == "daily":
        found[:] = 1
    elif isinstance(rebalance, str):
        days = pd.DatetimeIndex(dates)
        week = (days.normalize() - pd.to_timedelta(days.dayofweek, unit="D")).to_numpy()
        of = {"weekly": week, "monthly": days.year * 12 + days.month, "quarterly": days.year * 4 + days.quarter}
        spans = np.asarray(of.get(rebalance, days.year))
        found[1:] = spans[1:] != spans[:-1]
    return found


def _compared(
    evidence: Evidence,
    name: str,
    found: dict[tuple[int, int], bars.Account],
    metrics: tuple[str, ...],
    span: tuple[int, int],
) -> Iterator[Check]:
    given = evidence.settings
    own = {k: bars.measured(a, given["initial_cash"], given["periods_per_year"]) for k, a in found.items()}
    rows = [[evidence[name][p, a, m] for m in range(len(metrics))] for p, a in own]
    there = [[of[m] for m in metrics] for of in own.values()]
    said = "measures of paths kept bar by bar" + (" out of sample" if name != "table" else "")
    yield equal(said, np.array(rows, dtype=evidence[name].dtype), there, unit=1.0)
    if name != "table":
        return
    for one in ("trades", "turnover", "costs"):
        yield equal(one, np.array([evidence[one][k] for k in own]), [of[one] for of in own.values()], unit=1.0)
    if evidence.has("equity"):
        values = [evidence["equity"][p, a] for p, a in found]
        kept = [v[~np.isnan(v)] for v in values]
        apart = [
            np.asarray(a.values) if len(a.values) == len(v) else v * np.inf
            for a, v in zip(found.values(), kept, strict=True)
        ]
        yield equal("values at every close", np.concatenate(kept), np.concatenate(apart))
    if "sharpe_ratio" in metrics:
        yield equal("deflated Sharpe ratio", *_luck(evidence, own, metrics), unit=1e-3)


def _luck(
    evidence: Evidence, own: dict[tuple[int, int], dict[str, float]], metrics: tuple[str, ...]
) -> tuple[Any, Any]:
    sharpes = np.asarray(evidence["table"][:, :, metrics.index("sharpe_ratio")], dtype=float)
    sharpes = sharpes / math.sqrt(evidence.settings["periods_per_year"])
    normal, said, found = NormalDist(), [], []
    for (p, a), of in own.items():
        trials = sharpes[:, a][~np.isnan(sharpes[:, a])]
        bar, count = 0.0, len(trials)
        if count > 1:
            late = normal.inv_cdf(1 - 1 / count), normal.inv_cdf(1 - 1 / (count * math.e))
            bar = float(trials.std(ddof=1)) * ((1 - _EULER) * late[0] + _EULER * late[1])
        one = float(sharpes[p, a])
        error = 1 - of["skewness"] * one + (of["kurtosis"] - 1) / 4 * one**2
        known = not math.isnan(one) and error > 0
        found.append(normal.cdf((one - bar) * math.sqrt(of["periods"] - 1) / math.sqrt(error)) if known else math.nan)
        said.append(evidence["deflated_sharpe"][p, a])
    return np.array(said), found


def _best(evidence: Evidence, table: Floats, metrics: tuple[str, ...]) -> Iterator[Check]:
    by = evidence.settings["rank_by"]
    if by in metrics:
        column = np.where(np.isnan(table[:, :, metrics.index(by)]), -np.inf, table[:, :, metrics.index(by)])
        best = np.asarray(evidence["best"])
        top = column[np.where(best >= 0, best, 0), np.arange(len(best))]
        right = np.where(best >= 0, top >= column.max(axis=0), np.isinf(column).all(axis=0))
        yield Check("no point is better than the best", 0.0 if right.all() else math.inf, 0.0)


def _choices(evidence: Evidence, close: Floats) -> Iterator[Check]:
    """Hold each choice to its objective, on the returns that were behind it."""
    worst_sum = worst = 0.0
    returns = close[1:] / close[:-1] - 1
    for point, at, chosen in zip(evidence["points"], evidence["chosen"], evidence["targets"], strict=True):
        for t, weights in zip(at, np.asarray(chosen, dtype=float), strict=True):
            behind = returns[t - int(point[0]) : t]
            if t < 0:
                continue
            moving = np.abs(np.diff(behind, axis=0)).max(axis=0) > _STILL * np.maximum(1, np.abs(behind).max(axis=0))
            sums = abs(float(weights.sum()) - float(moving.any()))
            worst_sum = max(worst_sum, sums, float(np.abs(weights[~moving]).max(initial=0.0)))
            if moving.any():
                worst = max(worst, _off(_OBJECTIVES[int(point[2])], weights[moving], behind[:, moving]))
    yield Check("choices add up to 1", worst_sum, 1e-9)
    yield Check("choices fulfil their objective", worst, 1e-7)


def _off(objective: str, weights: Floats, returns: Floats) -> float:
    """Return by how much weights miss their objective."""
    away = returns - returns.mean(axis=0)
    risk = away.T @ away / (len(returns) - 1)
    slope = risk @ weights
    variance = float(weights @ slope)
    if objective == "min_variance":
        least = float((slope - variance).min()) / variance
        return max(-least, float(np.abs(weights * (slope - variance)).max()) / variance, -float(weights.min()))
    if objective == "risk_parity":
        return float(np.abs(weights * slope / variance - 1 / len(weights)).max())
    if objective == "hrp":  # a procedure, not an optimum: its choices are held to their sum alone
        return 0.0
    if objective == "min_cvar":
        return _tail_slack(weights, returns)
    calm = 1 / np.sqrt(np.diag(risk)) if objective == "inverse_volatility" else np.ones(len(weights))
    return float(np.abs(weights - calm / calm.sum()).max())


def _tail_slack(weights: Floats, returns: Floats) -> float:
    """Return by how much, relative to the tail, moving a little between two assets would lower the mean of the tail.

    The mean of the worst share of all periods is convex in the weights, so that no small step down means no way down
    along any pair of assets.
    """
    size = _TAIL * len(returns)

    def tail(own: Floats) -> float:
        losses = np.sort(-(returns @ own))[::-1]
        whole = int(size)
        rest = losses[whole] * (size - whole) if whole < len(losses) else 0.0
        return float((losses[:whole].sum() + rest) / size)

    here, step, lowest = tail(weights), 1e-4, math.inf
    for giver in np.flatnonzero(weights > step):
        for taker in range(len(weights)):
            moved = weights.copy()
            moved[giver] -= step
            moved[taker] += step
            lowest = min(lowest, tail(moved))
    return max(here - lowest, 0.0) / abs(here)
