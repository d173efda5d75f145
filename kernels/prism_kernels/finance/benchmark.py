"""A benchmark beside a portfolio: the same dates, and what one has to do with the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from prism_kernels.arrays import Array, namespace_of
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Prices, Returns
from prism_kernels.inputs.assets import Missing
from prism_kernels.inputs.calendar import stamp

__all__ = ["Relative", "paired", "relative"]

Table = TypeVar("Table", Prices, Returns)


@dataclass(frozen=True)
class Relative:
    """A portfolio beside its benchmark.

    Attributes
    ----------
    beta
        Covariance with the benchmark over the benchmark's variance.
    alpha
        Mean return that beta does not explain, compounded over a year.
    tracking_error
        Deviation of the difference of returns, a year.
    information_ratio
        Mean difference of returns a year over the tracking error.
    """

    beta: Float[Array, ""]
    alpha: Float[Array, ""]
    tracking_error: Float[Array, ""]
    information_ratio: Float[Array, ""]

    def warnings(self) -> tuple[str, ...]:
        """Say which measures have no value, and why."""
        beta, ratio = float(self.beta), float(self.information_ratio)
        said = ["the benchmark does not vary, so beta and alpha are not defined"] if math.isnan(beta) else []
        if math.isnan(ratio):
            said.append("returns differ from the benchmark by a constant, so the information ratio is not defined")
        return tuple(said)


def paired(returns: Returns, benchmark: Returns, missing: Missing) -> tuple[Returns, Returns, tuple[str, ...]]:
    """Return a portfolio's assets and its benchmark on the same dates, and what was left out.

    Parameters
    ----------
    returns
        Of the assets, complete.
    benchmark
        Of one index or fund, complete.
    missing
        With ``intersect``, dates that only one of the two has are left out.

    Raises
    ------
    InvalidInput
        For a benchmark of more than one column, of another length, and of other dates.
    """
    namespace_of(returns=returns.values, benchmark=benchmark.values)
    if benchmark.count != 1:
        msg = f"benchmark has {benchmark.count} columns ({', '.join(benchmark.assets[:3])} …); choose one of them"
        raise InvalidInput(msg, field="benchmark")
    if returns.index is None or benchmark.index is None:
        if returns.periods != benchmark.periods:
            msg = (
                f"benchmark has {benchmark.periods} periods and returns {returns.periods}; give both for the same "
                "periods, or give both with dates"
            )
            raise InvalidInput(msg, field="benchmark")
        return returns, benchmark, ()
    prices = returns.as_prices(), benchmark.as_prices()
    if prices[0] is None or prices[1] is None:
        return _common(returns, benchmark, missing)
    mine, its, notes = _common(prices[0], prices[1], missing)
    return (mine.returns(), its.returns(), notes) if notes else (returns, benchmark, ())


def _common(returns: Table, benchmark: Table, missing: Missing) -> tuple[Table, Table, tuple[str, ...]]:
    """Return both on the dates that both have; of prices, so that a return goes from one such date to the next."""
    if returns.index.equals(benchmark.index):
        return returns, benchmark, ()
    if (returns.index.tz is None) != (benchmark.index.tz is None):
        msg = "benchmark has dates with a time zone and returns without, or the other way round; give both alike"
        raise InvalidInput(msg, field="benchmark")
    both = returns.index.intersection(benchmark.index)
    apart = returns.index.symmetric_difference(benchmark.index)
    enough = len(both) > isinstance(returns, Prices)
    if missing != "intersect" or not enough:
        first = apart[0]
        owner = "returns" if first in returns.index else "benchmark"
        way = "give both for the same dates" + (", or choose missing='intersect'" if enough else "")
        msg = f"benchmark has other dates than returns (first: {stamp(first)}, only in {owner}); {way}"
        raise InvalidInput(msg, field="benchmark", where=stamp(first))
    mine, its = (np.flatnonzero(one.index.isin(both)).tolist() for one in (returns, benchmark))
    note = f"left out {len(apart)} date{'s' * (len(apart) != 1)} that only returns or the benchmark has"
    return returns.take(periods=mine), benchmark.take(periods=its), (note,)


def relative(
    returns: Float[Array, " time"], benchmark: Float[Array, " time"], periods_per_year: float, risk_free: float = 0.0
) -> Relative:
    """Measure a portfolio beside its benchmark.

    Parameters
    ----------
    returns
        Of the portfolio.
    benchmark
        Of the benchmark, for the same periods.
    periods_per_year
        Periods in a year.
    risk_free
        Return of a period without risk, from which alpha counts.
    """
    xp = namespace_of(returns=returns, benchmark=benchmark)
    nan = xp.full_like(returns[0], xp.nan)
    its = benchmark - xp.mean(benchmark)
    flat = xp.max(benchmark) == xp.min(benchmark)
    scale = xp.where(flat, xp.ones_like(nan), xp.max(xp.abs(its)))
    unit = its / scale  # no square of it over- or underflows
    slope = xp.mean(unit * (returns - xp.mean(returns))) / xp.where(flat, xp.ones_like(nan), xp.mean(unit**2)) / scale
    beta = xp.where(flat, nan, slope)
    left = xp.mean(returns - risk_free - beta * (benchmark - risk_free))
    active = returns - benchmark
    same = xp.max(active) == xp.min(active)
    reach = xp.where(same, xp.ones_like(nan), xp.max(xp.abs(active)))
    error = xp.std(active / reach, correction=1) * reach if returns.shape[0] > 1 else nan
    error = xp.where(same, xp.zeros_like(nan), error)
    ratio = xp.where(same, nan, xp.mean(active) / xp.where(same, xp.ones_like(nan), error))
    root = math.sqrt(periods_per_year)
    return Relative(
        beta=xp.asarray(beta),  # numpy's scalars are no arrays
        alpha=xp.asarray((1 + left) ** periods_per_year - 1),
        tracking_error=xp.asarray(error * root),
        information_ratio=xp.asarray(ratio * root),
    )
