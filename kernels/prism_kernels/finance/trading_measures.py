"""Measures of backtests, from what their lanes added up: the same definitions for one path and for thousands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

__all__ = ["MEASURES", "Measure", "Moments", "Tally", "measures", "moments_of"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-15  # of the mean square: a variance below is none

Measure: TypeAlias = Literal[
    "total_return",
    "cagr",
    "volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "max_drawdown",
    "calmar_ratio",
    "win_rate",
    "exposure",
    "trades",
    "turnover",
    "costs",
]
"""What can be measured; in the order in which it is shown."""

MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Moments of periodic returns.

    Attributes
    ----------
    mean, deviation
        Mean and standard deviation (divisor n - 1); zero where all returns are the same.
    downside
        Root of the mean square of losses.
    skewness, kurtosis
        Ratios of central moments with divisor n; NaN without a deviation.
    """

    mean: Floats
    deviation: Floats
    downside: Floats
    skewness: Floats
    kurtosis: Floats


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What lanes counted; every array parameter × asset.

    Attributes
    ----------
    growth
        Last value over the cash at the beginning.
    drawdown
        Return from a highest value to the lowest that follows, at most 0.
    periods
        Number of returns.
    trades, closed, wins
        Round trips begun, ended, and ended with a gain; of portfolios, orders, and spells between them.
    held
        Returns in which something was held.
    costs
        Fees and slippage, in money.
    turnover
        Sum of ½ Σ|Δw|, cash included.
    """

    growth: Floats
    drawdown: Floats
    periods: Floats
    trades: Floats
    closed: Floats
    wins: Floats
    held: Floats
    costs: Floats
    turnover: Floats


def moments_of(sums: Floats, centre: Floats, downside: Floats, periods: Floats) -> Moments:
    """Return the moments of returns from sums of their powers.

    Parameters
    ----------
    sums
        4 × anything: sums of the first four powers of returns less a centre.
    centre
        That centre.
    downside
        Sums of the squares of losses.
    periods
        Number of returns.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        m1, m2, m3, m4 = (s / periods for s in sums)
        second, least = m2 - m1**2, _ROUNDING * (m2 + centre**2)
        second, losses = (np.where(s <= least, 0.0, s) for s in (second, downside / periods))
        third = m3 - 3 * m1 * m2 + 2 * m1**3
        fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
        deviation = np.sqrt(second * periods / (periods - 1))
        return Moments(
            mean=m1 + centre,
            deviation=np.where(periods > 1, deviation, np.nan),
            downside=np.sqrt(losses),
            skewness=np.where(second > 0, third / second**1.5, np.nan),
            kurtosis=np.where(second > 0, fourth / second**2, np.nan),
        )


def measures(tally: Tally, moments: Moments, periods_per_year: float) -> dict[str, Floats]:
    """Return every measure, parameter × asset.

    Parameters
    ----------
    tally
        What lanes counted.
    moments
        Of their returns.
    periods_per_year
        What annualises.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        years = tally.periods / periods_per_year
        cagr = np.where(tally.growth > 0, np.abs(tally.growth) ** (1 / years) - 1, -1.0)
        cagr = np.where(years > 0, cagr, np.nan)
        root = np.sqrt(periods_per_year)
        return {
            "total_return": tally.growth - 1,
            "cagr": cagr,
            "volatility": moments.deviation * root,
            "sharpe_ratio": np.where(moments.deviation > 0, moments.mean / moments.deviation * root, np.nan),
            "sortino_ratio": np.where(moments.downside > 0, moments.mean / moments.downside * root, np.nan),
            "max_drawdown": tally.drawdown,
            "calmar_ratio": np.where(tally.drawdown < 0, cagr / -tally.drawdown, np.nan),
            "win_rate": np.where(tally.closed > 0, tally.wins / tally.closed, np.nan),
            "exposure": tally.held / tally.periods,
            "trades": tally.trades,
            "turnover": tally.turnover / years,
            "costs": tally.costs,
        }
