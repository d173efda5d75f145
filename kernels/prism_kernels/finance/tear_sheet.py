"""``TearSheet``: all that one page says of a portfolio, and how its parts come from returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from prism_kernels.arrays import Array
from prism_kernels.finance.drawdowns import Drawdown
from prism_kernels.result import Result

__all__ = ["TearSheet", "by_month", "contributions"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TearSheet(Result):
    """What one page says of a portfolio.

    Attributes
    ----------
    metrics
        Each measure of :class:`prism_kernels.finance.performance.Performance`, of the portfolio and of its benchmark.
    monthly_returns
        Return of the portfolio in each month, compounded; NaN in a month without a period, None without dates.
    yearly_returns
        Return of the portfolio and of its benchmark in each year, compounded; None without dates.
    growth
        What one unit of money has become at the end of each period.
    drawdowns
        The deepest falls of the portfolio from a highest value, at most ten.
    beta
        Covariance with the benchmark over the benchmark's variance.
    alpha
        Mean return above the rate without risk that beta does not explain, compounded over a year.
    tracking_error
        Standard deviation of the returns less the benchmark's, a year.
    information_ratio
        Mean of the returns less the benchmark's, a year, over the tracking error.
    weights
        Weight of each asset, where there are several.
    return_contributions
        What each asset adds to the mean return, a year.
    risk_contributions
        What each asset adds to the volatility, as a share of it.
    title
        What the page is called.
    """

    metrics: Float[Array, "metric series"]
    monthly_returns: Float[Array, "year month"] | None = None
    yearly_returns: Float[Array, "year series"] | None = None
    growth: Float[Array, "time series"]
    drawdowns: tuple[Drawdown, ...]
    beta: Float[Array, ""] | None = None
    alpha: Float[Array, ""] | None = None
    tracking_error: Float[Array, ""] | None = None
    information_ratio: Float[Array, ""] | None = None
    weights: Float[Array, " asset"] | None = None
    return_contributions: Float[Array, " asset"] | None = None
    risk_contributions: Float[Array, " asset"] | None = None
    title: str = ""

    def key_numbers(self) -> dict[str, float]:
        """Return the measures of the portfolio by name, and those beside its benchmark."""
        table = self.to_numpy().metrics
        return {**dict(zip(self.axes["metric"], table[:, 0].tolist(), strict=True)), **super().key_numbers()}


def by_month(returns: Floats, dates: Any) -> tuple[Floats, Floats, tuple[int, ...]]:
    """Compound returns over the months and years of their dates.

    Parameters
    ----------
    returns
        Time × series.
    dates
        A ``pandas.DatetimeIndex``.

    Returns
    -------
    tuple
        Year × month of the first series, year × series, and the years.
    """
    years = np.arange(dates[0].year, dates[-1].year + 1)
    months = _compounded(returns[:, 0], (dates.year.to_numpy() - years[0]) * 12 + dates.month.to_numpy() - 1)
    monthly = np.full(len(years) * 12, np.nan)
    monthly[list(months)] = list(months.values())
    yearly = np.full((len(years), returns.shape[1]), np.nan)
    for k in range(returns.shape[1]):
        found = _compounded(returns[:, k], dates.year.to_numpy() - years[0])
        yearly[list(found), k] = list(found.values())
    return monthly.reshape(-1, 12), yearly, tuple(years.tolist())


def _compounded(returns: Floats, groups: np.ndarray[Any, Any]) -> dict[int, float]:
    """Return the compounded return of each stretch of equal, rising group numbers."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    found = np.multiply.reduceat(1 + returns, starts) - 1
    return dict(zip(groups[starts].tolist(), found.tolist(), strict=True))


def contributions(returns: Floats, weights: Floats, periods_per_year: float) -> tuple[Floats, Floats]:
    """Return what each asset adds to the mean return a year, and to the volatility as a share of it.

    Parameters
    ----------
    returns
        Time × asset.
    weights
        Weight of each asset.
    periods_per_year
        Periods in a year.
    """
    means = returns.mean(axis=0)
    own = returns @ weights
    apart = own - own.mean()
    power = float(apart @ apart)
    if np.ptp(own) == 0 or power == 0:
        return weights * means * periods_per_year, np.full(len(weights), np.nan)
    shares: Floats = weights * ((returns - means).T @ apart) / power
    return weights * means * periods_per_year, shares
