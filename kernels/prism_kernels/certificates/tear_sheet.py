"""A tear sheet: growth multiplied out, measures from their definitions, months and years compounded one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal
from prism_kernels.certificates.risk import beside, falls, listed, portfolio

__all__ = ["certificate"]


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Check a tear sheet against its definitions.

    Parameters
    ----------
    evidence
        A ``TearSheet``.
    """
    returns, weights, own, other, index = portfolio(evidence)
    series = [own] if other is None else [own, other]
    growth = np.column_stack([np.cumprod(1 + one) for one in series])
    yield equal("growth of one unit", evidence["growth"], growth)
    names = list(evidence.axes["metric"])
    found = [_measures(one, evidence) for one in series]
    for k, name in enumerate(names):
        reported = np.asarray(evidence["metrics"], float)[k]
        yield equal(name.replace("_", " "), reported, [one[name] for one in found], unit=1e-6)
    yield listed(evidence, falls(own))
    if other is not None:
        yield from beside(evidence, own, other)
    if evidence.has("monthly_returns") and index is not None:
        yield from _calendar(evidence, series, index)
    if evidence.has("weights"):
        yield equal("weights are those that were given", evidence["weights"], weights)
        yield equal("contributions to the return", evidence["return_contributions"],
                    weights * returns.mean(axis=0) * evidence.settings["periods_per_year"], unit=1e-6)  # fmt: skip
        if np.ptp(own) > 0:
            covariance = np.cov(returns.T, ddof=0).reshape(len(weights), -1)
            shares = weights * (covariance @ weights) / (weights @ covariance @ weights)
            yield equal("contributions to the volatility", evidence["risk_contributions"], shares, unit=1e-3)


def _measures(own: Floats, evidence: Evidence) -> dict[str, float]:
    year, level = evidence.settings["periods_per_year"], evidence.settings["level"]
    rate, count = evidence.settings["risk_free_rate"] / year, len(own)
    mean, depths = math.fsum(own) / count, falls(own)
    flat = bool(np.ptp(own) == 0)
    apart = own - mean
    deviation = 0.0 if flat else math.sqrt(math.fsum(apart**2) / (count - 1) * year)
    below = math.sqrt(math.fsum(np.minimum(own - rate, 0) ** 2) / count * year)
    gained, lost = (math.fsum(np.maximum(sign * (own - rate), 0)) for sign in (1, -1))
    total = math.prod((1 + own).tolist())
    yearly = total ** (year / count) - 1
    largest = np.sort(own)[: math.floor(round((count - 1) * (1 - level), 9)) + 1]
    high, low = np.quantile(own, [0.95, 0.05])
    second = math.fsum(apart**2) / count
    return {
        "total_return": total - 1,
        "cagr": yearly,
        "volatility": deviation,
        "downside_deviation": below,
        "sharpe_ratio": _over((mean - rate) * year, deviation),
        "sortino_ratio": _over((mean - rate) * year, below),
        "calmar_ratio": _over(yearly, -depths.min()),
        "omega_ratio": _over(gained, lost),
        "max_drawdown": depths.min(),
        "ulcer_index": math.sqrt(math.fsum(depths**2) / count),
        "value_at_risk": -float(np.quantile(own, 1 - level)),
        "expected_shortfall": -math.fsum(largest) / len(largest),
        "tail_ratio": _over(abs(high), abs(low)),
        "skewness": 0.0 if flat else math.fsum(apart**3) / count / second**1.5,
        "kurtosis": 0.0 if flat else math.fsum(apart**4) / count / second**2 - 3,
    }


def _over(one: float, other: float) -> float:
    return one / other if other > 0 else math.nan


def _calendar(evidence: Evidence, series: list[Floats], index: object) -> Iterator[Check]:
    """Compound each month and year, period after period."""
    years = list(evidence.axes["year"])
    monthly = np.full((len(years), 12), np.nan)
    yearly = np.full((len(years), len(series)), np.nan)
    for when, row in zip(index, zip(*series, strict=True), strict=True):  # type: ignore[call-overload]
        y, m = years.index(when.year), when.month - 1
        monthly[y, m] = (1 + (0.0 if np.isnan(monthly[y, m]) else monthly[y, m])) * (1 + row[0]) - 1
        for k, one in enumerate(row):
            yearly[y, k] = (1 + (0.0 if np.isnan(yearly[y, k]) else yearly[y, k])) * (1 + one) - 1
    yield equal("return of each month", evidence["monthly_returns"], monthly, unit=1e-6, tolerance=1e-8)
    yield equal("return of each year", evidence["yearly_returns"], yearly, unit=1e-6, tolerance=1e-8)
