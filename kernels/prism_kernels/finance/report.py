"""The tear sheet: how a portfolio did, month by month, fall by fall, and beside its benchmark."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from prism_kernels.arrays import Array, like, namespace_of, to_numpy
from prism_kernels.finance.benchmark import paired, relative
from prism_kernels.finance.drawdowns import drawdowns_of, growth, underwater
from prism_kernels.finance.performance import METRICS, metrics
from prism_kernels.finance.shares import shares_of
from prism_kernels.finance.tear_sheet import TearSheet, by_month, contributions
from prism_kernels.inputs import AnyReturns, AnyWeights, Returns, Weights
from prism_kernels.operation import operation

__all__ = ["report"]

_DEEPEST = 10  # drawdowns that are listed
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@operation(
    "finance.report", example={"returns": "factor_etfs", "weights": "factor_etfs_equal", "title": "Five factors"}
)
def report(
    returns: AnyReturns,
    weights: AnyWeights | None = None,
    *,
    benchmark: AnyReturns | None = None,
    risk_free_rate: float = 0.0,
    periods_per_year: Annotated[float, Gt(0)] = 252,
    level: Annotated[float, Ge(0.5), Le(0.999)] = 0.95,
    title: str = "",
    missing: Literal["refuse", "drop_assets", "intersect"] = "refuse",
) -> TearSheet:
    """Say on one page how a portfolio did.

    Parameters
    ----------
    returns
        Time × asset, simple; prices are turned into returns; or a backtest that kept its equity.
    weights
        Weight of each asset, held constant by rebalancing every period; equal weights when absent.
    benchmark
        Returns or prices of an index or fund, on the same dates.
    risk_free_rate
        Return of a year without risk, for the ratios and alpha; a period has its share of it.
    periods_per_year
        Periods in a year.
    level
        Share of periods that are not in the tail.
    title
        What the page is called.
    missing
        What is done about missing values: nothing, or leave out assets, or leave out periods; with ``intersect``,
        dates that only the benchmark or only the assets have are left out too. Of prices dates are left out, and the
        returns are taken from each to the next.

    Raises
    ------
    InvalidInput
        For missing values, weights of unknown assets or that do not add up to 1, a level whose tail has less than one
        period, and a benchmark of other dates.

    Notes
    -----
    All but growth and the comparison with the benchmark runs on the CPU. The compound annual growth rate is the total
    return to the power of periods a year over periods, less 1. Ratios that are not defined are NaN, with a warning.

    References
    ----------
    W. F. Sharpe (1994), "The Sharpe ratio". F. A. Sortino and R. van der Meer (1991), "Downside risk". C. Keating and
    W. F. Shadwick (2002), "A universal performance measure". T. W. Young (1991), "Calmar ratio: a smoother tool".
    """
    assets, notes = Returns.of(returns).complete(missing, "returns")
    other = None
    if benchmark is not None:
        other, more = Returns.of(benchmark, field="benchmark").complete(missing, "benchmark")
        assets, other, left_out = paired(assets, other, missing)
        notes = (*notes, *more, *left_out)
    shares, said = shares_of(assets, None if weights is None else Weights.of(weights), 1.0)
    both, names = _beside(assets, shares, other)
    found = metrics(
        Returns(both, names, assets.index),
        risk_free_rate=risk_free_rate,
        periods_per_year=periods_per_year,
        level=level,
    )
    xp = namespace_of(returns=both)
    numbers = np.asarray(to_numpy(both), dtype=np.float64)
    parts: dict[str, Any] = {}
    if other is not None:
        beside = relative(both[:, 0], both[:, 1], periods_per_year, risk_free_rate / periods_per_year)
        parts |= {field.name: getattr(beside, field.name) for field in fields(beside)}
        said = (*said, *beside.warnings())
    years, months = _months(assets, numbers, both)
    depths = np.asarray(to_numpy(underwater(both[:, 0])), dtype=np.float64)
    return TearSheet(
        metrics=xp.stack([getattr(found, name) for name in METRICS]),
        growth=growth(both),
        drawdowns=drawdowns_of(depths, assets.axis())[:_DEEPEST],
        **parts,
        **months,
        **_exposures(assets, shares, periods_per_year),
        title=title,
        axes={
            "metric": METRICS,
            "series": names,
            "time": assets.axis(),
            "asset": assets.assets,
            "year": years,
            "month": _MONTHS,
        },
        warnings=(*notes, *said, *found.warnings),
    )


def _beside(assets: Returns, shares: Array, other: Returns | None) -> tuple[Array, tuple[str, ...]]:
    """Return the portfolio's returns, the benchmark's beside them, and what both are called."""
    xp = namespace_of(returns=assets.values)
    own = assets.values @ shares
    name = assets.assets[0] if assets.count == 1 else "portfolio"
    if other is None:
        return own[:, None], (name,)
    its = other.assets[0]
    return xp.stack([own, other.values[:, 0]], axis=1), (name, its if its != name else f"{its} (benchmark)")


def _months(assets: Returns, numbers: Any, reference: Array) -> tuple[tuple[int, ...], dict[str, Array]]:
    if assets.index is None:
        return (), {}
    monthly, yearly, years = by_month(numbers, assets.index)
    return years, {"monthly_returns": like(monthly, reference), "yearly_returns": like(yearly, reference)}


def _exposures(assets: Returns, shares: Array, periods_per_year: float) -> dict[str, Array]:
    if assets.count == 1:
        return {}
    weights = np.asarray(to_numpy(shares), dtype=np.float64)
    to_return, to_risk = contributions(assets.matrix, weights, periods_per_year)
    return {
        "weights": shares,
        "return_contributions": like(to_return, shares),
        "risk_contributions": like(to_risk, shares),
    }
