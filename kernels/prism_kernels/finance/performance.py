"""How portfolios did: the measures of a tear sheet for one series of returns or thousands, in one pass."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from prism_kernels.arrays import Array, device_of, like, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.finance.tail import require_tail
from prism_kernels.inputs import AnyReturns, Returns
from prism_kernels.result import Result

__all__ = ["METRICS", "Performance", "metrics"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_NAMED = 3  # series that a warning names


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Performance(Result):
    """How each series of returns did.

    Attributes
    ----------
    total_return
        Compounded over all periods.
    cagr
        Compound annual growth rate: the same return every year that gives the total.
    volatility
        Standard deviation of returns (divisor n - 1), a year.
    downside_deviation
        Root of the mean square of what returns lack to the rate without risk, a year.
    sharpe_ratio
        Mean return above the rate without risk over the standard deviation, a year; NaN where returns do not vary.
    sortino_ratio
        The same over the downside deviation; NaN without a return below.
    calmar_ratio
        Growth rate over the depth of the deepest drawdown; NaN without a drawdown.
    omega_ratio
        What returns are above the rate without risk in sum, over what they are below; NaN without a return below.
    max_drawdown
        Return from a highest value to the lowest that follows, at most 0.
    ulcer_index
        Root of the mean square of the drawdowns of all periods.
    value_at_risk
        Loss of a period that the share 1 - level of periods exceeds, historical, as a positive share.
    expected_shortfall
        Mean loss of a period from there on.
    tail_ratio
        Size of the 95 % quantile of returns over that of the 5 % quantile.
    skewness
        Standardised third moment (divisor n).
    kurtosis
        Standardised fourth moment less 3 (divisor n).
    """

    total_return: Float[Array, " series"]
    cagr: Float[Array, " series"]
    volatility: Float[Array, " series"]
    downside_deviation: Float[Array, " series"]
    sharpe_ratio: Float[Array, " series"]
    sortino_ratio: Float[Array, " series"]
    calmar_ratio: Float[Array, " series"]
    omega_ratio: Float[Array, " series"]
    max_drawdown: Float[Array, " series"]
    ulcer_index: Float[Array, " series"]
    value_at_risk: Float[Array, " series"]
    expected_shortfall: Float[Array, " series"]
    tail_ratio: Float[Array, " series"]
    skewness: Float[Array, " series"]
    kurtosis: Float[Array, " series"]


METRICS = tuple(one.name for one in fields(Performance) if one.name not in ("axes", "warnings"))
"""Names of the measures, in the order of the kernel's columns."""


def metrics(
    returns: AnyReturns, *, risk_free_rate: float = 0.0, periods_per_year: float = 252, level: float = 0.95
) -> Performance:
    """Measure how each series of returns did.

    Parameters
    ----------
    returns
        Time × series, simple and complete; prices are turned into returns.
    risk_free_rate
        Return of a year without risk; a period has its share of it, rate over periods a year.
    periods_per_year
        Periods in a year.
    level
        Share of periods that are not in the tail.

    Raises
    ------
    InvalidInput
        For missing values, fewer than two periods, and a level whose tail has less than one period.

    Notes
    -----
    A lane kernel walks each series twice and selects its tail without sorting it. Value at risk and the tail ratio take
    quantiles of type 7 of Hyndman and Fan, expected shortfall the mean of the losses from there on.
    """
    given, notes = Returns.of(returns).complete("refuse", "returns")
    if given.periods < 2:
        msg = "returns has 1 period, and 2 or more are needed"
        raise InvalidInput(msg, field="returns")
    require_tail(given.periods, level, "returns")
    table = _measured(given.values, risk_free_rate / periods_per_year, float(periods_per_year), level)
    still = np.flatnonzero(np.isnan(np.asarray(to_numpy(table[:, METRICS.index("sharpe_ratio")]))))
    return Performance(
        **{name: table[:, k] for k, name in enumerate(METRICS)},
        axes={"series": given.assets},
        warnings=(*notes, *_flat([given.assets[k] for k in still])),
    )


def _measured(
    values: Float[Array, "time series"], rate: float, periods_per_year: float, level: float
) -> Float[Array, "series metric"]:
    """Run the lane kernel where the returns are."""
    from prism_kernels.finance.performance_lanes import measure
    from prism_kernels.lanes import launch

    count = values.shape[1]
    if hasattr(values, "__cuda_array_interface__"):
        xp = namespace_of(returns=values)
        flat = xp.reshape(xp.permute_dims(xp.astype(values, xp.float64), (1, 0)), (-1,))
        rows: Any = xp.reshape(flat, (count, values.shape[0]))
        out = xp.zeros((count, len(METRICS)), dtype=xp.float64, device=device_of(values))
        launch(measure, count, rows, rate, periods_per_year, level, out, xp.zeros_like(rows), label="performance")
        return xp.astype(out, values.dtype)
    rows = np.ascontiguousarray(np.asarray(to_numpy(values), dtype=np.float64).T)
    table = np.empty((count, len(METRICS)))
    launch(measure, count, rows, rate, periods_per_year, level, table, np.empty_like(rows), label="performance")
    with np.errstate(over="ignore"):  # what single precision cannot hold is infinite in it, as in double
        return like(table, values)


def _flat(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    who = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return (f"{who}: returns do not vary, so the Sharpe ratio is not defined",)
