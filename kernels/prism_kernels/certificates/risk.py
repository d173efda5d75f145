"""Risk of a portfolio: quantiles of its losses, tails integrated, contributions by moving weights, falls one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal

__all__ = ["beside", "certificate", "falls", "listed", "portfolio"]

_STEP = 1e-5  # by which a weight is moved
_GRID = 400_001  # points of a tail that is integrated
_FAR = 40.0  # standard deviations from which nothing is left of it


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Check the risk of a portfolio against its definitions.

    Parameters
    ----------
    evidence
        A ``PortfolioRisk``.
    """
    returns, weights, own, other, index = portfolio(evidence)
    yield equal("weights are those that were given", evidence["weights"], weights)
    levels = evidence.axes["level"]
    total = np.asarray(evidence["component_var"], float).sum(axis=1)
    yield equal("components add up to the value at risk", total, evidence["value_at_risk"], unit=np.ptp(own))
    yield from _tails(evidence, returns, weights, levels)
    yield from _deviations(evidence, own)
    depths = falls(own)
    cdar = [_beyond(-depths, level, evidence.settings["quantile"]) for level in levels]
    yield equal("mean of the deepest drawdowns", evidence["cdar"], cdar)
    yield equal("deepest drawdown", evidence["max_drawdown"], depths.min())
    yield equal("ulcer index", evidence["ulcer_index"], math.sqrt(math.fsum(depths**2) / len(depths)))
    yield listed(evidence, depths)
    if other is not None:
        yield from beside(evidence, own, other)
    if evidence.has("stress"):
        yield from _suffered(evidence, returns, weights, index)


def portfolio(evidence: Evidence) -> tuple[Floats, Floats, Floats, Floats | None, Any]:
    """Return the assets' returns, their weights, the portfolio's returns, the benchmark's, and the dates.

    Parameters
    ----------
    evidence
        A result that was made of returns, weights and a benchmark.
    """
    missing = evidence.settings["missing"]
    assets = evidence.data["returns"].complete(missing)[0]  # type: ignore[attr-defined]
    given, index_fund = evidence.data.get("weights"), evidence.data.get("benchmark")
    weights = np.full(assets.count, evidence.settings.get("budget", 1.0) / assets.count)
    if given is not None:
        names = list(given.assets) if given.named else list(assets.assets)  # type: ignore[attr-defined]
        weights = np.zeros(assets.count)
        for name, value in zip(names, given.values, strict=True):
            weights[assets.assets.index(name)] = float(value)
    returns, index, other = assets.matrix, assets.index, None
    if index_fund is not None:
        its = index_fund.complete(missing)[0]  # type: ignore[attr-defined]
        other = its.matrix[:, 0]
        if index is not None and its.index is not None:
            returns, other, index = _together(assets, its)
    own = np.array([math.fsum(row) for row in returns * weights])
    return returns, weights, own, other, index


def _together(assets: Any, its: Any) -> tuple[Floats, Floats, Any]:
    """Return both on the dates that both have: of prices, from one such date to the next."""
    prices = assets.as_prices(), its.as_prices()
    if prices[0] is None or prices[1] is None:
        inside = assets.index.isin(its.index)
        return assets.matrix[inside], its.matrix[its.index.isin(assets.index), 0], assets.index[inside]
    mine, other = (dict(zip(one.index, one.matrix, strict=True)) for one in prices)
    both = [day for day in mine if day in other]
    steps = list(itertools.pairwise(both))
    grown = [np.array([of[day] / of[before] - 1 for before, day in steps]) for of in (mine, other)]
    return grown[0], grown[1][:, 0], prices[0].index[[day in other for day in mine]][1:]


def falls(returns: Floats) -> Floats:
    """Return how far each period is below the highest value before, one period after another.

    Parameters
    ----------
    returns
        Of one portfolio.
    """
    value = peak = 1.0
    depths = []
    for one in returns:
        value *= 1 + one
        peak = max(peak, value)
        depths.append(value / peak - 1)
    return np.array(depths)


def listed(evidence: Evidence, depths: Floats) -> Check:
    """Check the drawdowns that are listed: depth and lengths of each, found by walking over the periods.

    Parameters
    ----------
    evidence
        A result with drawdowns, the deepest first.
    depths
        What :func:`falls` found.
    """
    found: list[tuple[float, int, int]] = []
    start, lowest = -1, 0
    for t, depth in enumerate([*depths, 0.0]):
        if depth < 0 and start < 0:
            start = lowest = t
        if depth < 0 and depth < depths[lowest]:
            lowest = t
        if start >= 0 and (depth == 0 or t == len(depths)):
            end = t - 1 if t == len(depths) else t
            found.append((float(depths[lowest]), lowest - start + 1, end - start + 1))
            start = -1
    found.sort(key=lambda one: one[0])
    told = [(one.depth, one.fall, one.length) for one in evidence["drawdowns"]]
    return equal("every drawdown has its depth and lengths", told, found[: len(told)], tolerance=1e-7)


def _suffered(evidence: Evidence, returns: Floats, weights: Floats, index: Any) -> Iterator[Check]:
    """Suffer each scenario again, row by row."""
    names, rows = list(evidence.axes["asset"]), evidence.settings["scenarios"]
    for told in evidence["stress"]:
        changes = np.zeros(len(weights))
        own = [row for row in rows if row["name"] == told.scenario]
        for row in sorted(own, key=lambda row: bool(row["asset"])):
            change = np.full(len(weights), row["change"], dtype=float)
            if row["change"] is None:
                days = [str(when)[:10] for when in index]
                inside = [(row["first"] or "") <= day <= (row["last"] or "9999") for day in days]
                change = np.prod(1 + returns[inside], axis=0) - 1
            for k, name in enumerate(names):
                if row["asset"] in ("", name):
                    changes[k] = change[k]
        lost = -weights * changes
        yield equal(f"losses of scenario {told.scenario}", told.by_asset, lost, unit=1e-9)
        yield equal(f"loss of scenario {told.scenario}", told.loss, math.fsum(lost), unit=1e-9)


def _beyond(losses: Floats, level: float, quantile: str) -> float:
    """Return the mean of the largest losses."""
    count = len(losses)
    if quantile == "interpolated":
        return float(np.mean(np.sort(losses)[::-1][: math.floor(round((count - 1) * (1 - level), 9)) + 1]))
    whole = round(count * level, 9) / count
    at = float(np.quantile(losses, whole, method="inverted_cdf"))
    return at + math.fsum(np.maximum(losses - at, 0)) / count / (1 - level)


def _tails(evidence: Evidence, returns: Floats, weights: Floats, levels: Any) -> Iterator[Check]:
    horizon, kind = int(evidence.settings["horizon"]), evidence.settings["quantile"]
    own = returns @ weights
    unit = np.ptp(own)
    if evidence.settings["method"] == "historical":
        values = np.array([np.prod(1 + returns[t : t + horizon], axis=0) - 1 for t in range(len(own) - horizon + 1)])
        losses = -(values @ weights)
        how: Any = "linear" if kind == "interpolated" else "inverted_cdf"
        shares = [round(len(losses) * level, 9) / len(losses) for level in levels]
        at = [np.quantile(losses, share, method=how) for share in shares]
        beyond = [_beyond(losses, level, kind) for level in levels]
        parts = [_parts(values, weights, level, kind) for level in levels]
        if np.unique(losses).size == losses.size:  # otherwise periods of the same loss could stand for each other
            yield equal("components in the periods of the value at risk", evidence["component_var"], parts, unit=unit)
    else:
        bent = evidence.settings["method"] == "cornish_fisher"
        at = [_normal(own, level, horizon, bent=bent) for level in levels]
        beyond = [_integrated(own, level, horizon, bent=bent) for level in levels]
        sides = [[_slope(returns, weights, k, level, horizon, bent) for k in range(len(weights))] for level in levels]
        yield equal("components by moving each weight", evidence["component_var"], sides, unit=unit, tolerance=1e-6)
    yield equal("value at risk", evidence["value_at_risk"], at, unit=unit)
    yield equal("expected shortfall", evidence["expected_shortfall"], beyond, unit=unit, tolerance=1e-7)


def _parts(values: Floats, weights: Floats, level: float, kind: str) -> Floats:
    """Return what each asset lost in the period of the value at risk, or in the two that it lies between."""
    worst = np.argsort(values @ weights)
    count = len(worst)
    if kind == "step":
        return np.asarray(-values[worst[math.ceil(round(count * (1 - level), 9)) - 1]] * weights)
    place = (count - 1) * (1 - level)
    low = math.floor(round(place, 9))
    high, share = min(low + 1, count - 1), max(place - low, 0.0)
    return np.asarray(-((1 - share) * values[worst[low]] + share * values[worst[high]]) * weights)


def _slope(returns: Floats, weights: Floats, k: int, level: float, horizon: int, bent: bool) -> float:
    """Return a weight times the change of value at risk with it."""
    step = _STEP * np.eye(len(weights))[k]
    ends = [_normal(returns @ (weights + sign * step), level, horizon, bent=bent) for sign in (1, -1)]
    return float(weights[k] * (ends[0] - ends[1]) / (2 * _STEP))


def _shape(own: Floats, horizon: int, *, bent: bool) -> tuple[float, float, float, float]:
    """Return mean, deviation, skewness and kurtosis over the horizon."""
    mean, deviation = horizon * own.mean(), math.sqrt(horizon) * own.std(ddof=1)
    if not bent or np.ptp(own) == 0:
        return float(mean), float(deviation) if np.ptp(own) else 0.0, 0.0, 0.0
    unit = (own - own.mean()) / own.std()
    skewness, kurtosis = float((unit**3).mean()), float((unit**4).mean()) - 3
    return float(mean), float(deviation), skewness / math.sqrt(horizon), kurtosis / horizon


def _bend(z: Any, s: float, k: float) -> Any:
    return z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36


def _normal(own: Floats, level: float, horizon: int, *, bent: bool) -> float:
    """Return value at risk by the normal quantile, bent by skewness and kurtosis."""
    from scipy.special import ndtri

    mean, deviation, s, k = _shape(own, horizon, bent=bent)
    return float(-mean - deviation * _bend(float(ndtri(1 - level)), s, k))


def _integrated(own: Floats, level: float, horizon: int, *, bent: bool) -> float:
    """Return the mean of the quantile over the tail, point by point."""
    from scipy.special import ndtri

    mean, deviation, s, k = _shape(own, horizon, bent=bent)
    grid = np.linspace(-_FAR, float(ndtri(1 - level)), _GRID)
    inside = np.trapezoid(_bend(grid, s, k) * np.exp(-(grid**2) / 2), grid) / math.sqrt(2 * math.pi) / (1 - level)
    return float(-mean - deviation * inside)


def _deviations(evidence: Evidence, own: Floats) -> Iterator[Check]:
    year, mean = evidence.settings["periods_per_year"], math.fsum(own) / len(own)
    apart = own - mean
    power = math.fsum(apart**2)
    lost = math.fsum(np.minimum(own, 0) ** 2)
    flat = np.ptp(own) == 0
    yield equal("volatility", evidence["volatility"], 0.0 if flat else math.sqrt(power / (len(own) - 1) * year))
    yield equal("downside deviation", evidence["downside_deviation"], math.sqrt(lost / len(own) * year))
    second = power / len(own)
    skewness = 0.0 if flat else math.fsum(apart**3) / len(own) / second**1.5
    kurtosis = 0.0 if flat else math.fsum(apart**4) / len(own) / second**2 - 3
    yield equal("skewness", evidence["skewness"], skewness, unit=1e-3)
    yield equal("kurtosis", evidence["kurtosis"], kurtosis, unit=1e-3)


def beside(evidence: Evidence, own: Floats, other: Floats) -> Iterator[Check]:
    """Check what a portfolio has to do with its benchmark.

    Parameters
    ----------
    evidence
        A result with beta, alpha, tracking error and information ratio.
    own, other
        Returns of the portfolio and of the benchmark.
    """
    year = evidence.settings["periods_per_year"]
    rate = evidence.settings.get("risk_free_rate", 0.0) / year
    active = own - other
    if np.ptp(other) > 0:
        level = np.column_stack([np.ones(len(own)), other - rate])
        start, beta = np.linalg.lstsq(level, own - rate)[0]
        yield equal("slope of the line through both", evidence["beta"], beta, unit=1e-3, tolerance=1e-8)
        yield equal(
            "what the line leaves, a year", evidence["alpha"], (1 + start) ** year - 1, unit=1e-3, tolerance=1e-7
        )
    if np.ptp(active) > 0:
        error = float(active.std(ddof=1)) * math.sqrt(year)
        yield equal("tracking error", evidence["tracking_error"], error)
        ratio = float(active.mean()) * year / error
        yield equal("information ratio", evidence["information_ratio"], ratio, unit=1e-3)
