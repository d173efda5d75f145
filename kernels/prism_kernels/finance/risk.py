"""What a portfolio can lose: value at risk and beyond, drawdowns, the benchmark, and stress."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import Ge, Gt, Le, MinLen
from jaxtyping import Float

from prism_kernels.arrays import Array, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.finance import losses
from prism_kernels.finance.benchmark import paired, relative
from prism_kernels.finance.drawdowns import Drawdown, drawdowns_of, underwater
from prism_kernels.finance.shares import shares_of
from prism_kernels.finance.stress import Scenario, StressLoss, stressed
from prism_kernels.finance.tail import Quantile, require_tail
from prism_kernels.inputs import AnyReturns, AnyWeights, Returns, Weights
from prism_kernels.operation import operation
from prism_kernels.result import Result

__all__ = ["PortfolioRisk", "risk"]

Level: TypeAlias = Annotated[float, Ge(0.5), Le(0.999)]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PortfolioRisk(Result):
    """What a portfolio can lose.

    Attributes
    ----------
    value_at_risk
        Loss over the horizon that is exceeded with probability 1 - level, as a positive share of the portfolio.
    expected_shortfall
        Mean loss from there on.
    component_var
        What each asset adds to the value at risk; each row adds up to it.
    cdar
        Conditional drawdown at risk: mean of the deepest drawdowns of all periods, as a positive share.
    volatility
        Standard deviation of returns (divisor n - 1), a year.
    downside_deviation
        Root of the mean square of the losses, gains counting 0, a year.
    max_drawdown
        Return from a highest value to the lowest that follows, at most 0.
    ulcer_index
        Root of the mean square of the drawdowns of all periods.
    skewness
        Standardised third moment of the returns (divisor n).
    kurtosis
        Standardised fourth moment less 3, which a normal distribution has (divisor n).
    drawdowns
        Every fall from a highest value, the deepest first.
    beta
        Covariance with the benchmark over the benchmark's variance.
    alpha
        Mean return that beta does not explain, compounded over a year.
    tracking_error
        Standard deviation of the returns less the benchmark's, a year.
    information_ratio
        Mean of the returns less the benchmark's, a year, over the tracking error.
    stress
        Loss of each scenario, and what each asset adds to it.
    weights
        Weight of each asset that all of this is of.
    """

    value_at_risk: Float[Array, " level"]
    expected_shortfall: Float[Array, " level"]
    component_var: Float[Array, "level asset"]
    cdar: Float[Array, " level"]
    volatility: Float[Array, ""]
    downside_deviation: Float[Array, ""]
    max_drawdown: Float[Array, ""]
    ulcer_index: Float[Array, ""]
    skewness: Float[Array, ""]
    kurtosis: Float[Array, ""]
    drawdowns: tuple[Drawdown, ...]
    beta: Float[Array, ""] | None = None
    alpha: Float[Array, ""] | None = None
    tracking_error: Float[Array, ""] | None = None
    information_ratio: Float[Array, ""] | None = None
    stress: tuple[StressLoss, ...] | None = None
    weights: Float[Array, " asset"]


@operation("finance.risk", example={"returns": "factor_etfs", "weights": "factor_etfs_equal"})
def risk(
    returns: AnyReturns,
    weights: AnyWeights | None = None,
    *,
    benchmark: AnyReturns | None = None,
    level: Annotated[tuple[Level, ...], MinLen(1)] | Level = (0.95, 0.99),
    method: Literal["historical", "gaussian", "cornish_fisher"] = "historical",
    quantile: Quantile = "interpolated",
    horizon: Annotated[int, Ge(1)] = 1,
    scenarios: tuple[Scenario, ...] | None = None,
    budget: float = 1.0,
    periods_per_year: Annotated[float, Gt(0)] = 252,
    missing: Literal["refuse", "drop_assets", "intersect"] = "refuse",
) -> PortfolioRisk:
    """Measure what a portfolio can lose, and what each asset adds to it.

    Parameters
    ----------
    returns
        Time × asset, simple; prices are turned into returns.
    weights
        Weight of each asset, held constant by rebalancing every period; equal weights when absent.
    benchmark
        Returns or prices of an index or fund, on the same dates.
    level
        Share of periods that are not in the tail: one, or several.
    method
        ``historical`` takes the tail of what happened, ``gaussian`` that of a normal distribution with the same mean
        and deviation, ``cornish_fisher`` corrects the latter for skewness and kurtosis.
    quantile
        Between which losses the historical value at risk lies: ``interpolated`` between two, with the mean of all
        from it on as expected shortfall; ``step`` on one, with the mean of exactly the share 1 - level, which is what
        ``finance.optimize`` minimises and reports.
    horizon
        Periods ahead. Historical losses are those of overlapping stretches of so many periods, each asset compounded;
        the other methods take periods as independent.
    scenarios
        Changes of prices to suffer, as a table: name, asset, change; or name, first and last day to repeat.
    budget
        What the weights must add up to; what is left to 1 is cash that earns nothing.
    periods_per_year
        Periods in a year.
    missing
        What is done about missing values: nothing, or leave out assets, or leave out periods; with ``intersect``,
        dates that only the benchmark or only the assets have are left out too. Of prices dates are left out, and the
        returns are taken from each to the next.

    Raises
    ------
    InvalidInput
        For missing values, weights of unknown assets or with another sum, a level whose tail has less than one period,
        a benchmark of other dates, and scenarios without a meaning.

    Notes
    -----
    VaR and expected shortfall are positive losses; the return of a drawdown is negative. Of n losses, the interpolated
    value at risk is the quantile of type 7 of Hyndman and Fan. Component value at risk is the weight times the
    derivative of value at risk by it (Euler's theorem), for the historical method the losses of the asset in the very
    periods that make it up. Conditional drawdown at risk applies the rule of expected shortfall to the drawdowns of all
    periods, which compound. Dates and drawdowns are listed on the CPU; all else runs where the returns are.

    References
    ----------
    P. Artzner, F. Delbaen, J.-M. Eber and D. Heath (1999), "Coherent measures of risk". D. Tasche (1999), "Risk
    contributions and performance measurement". A. Chekhlov, S. Uryasev and M. Zabarankin (2005), "Drawdown measure in
    portfolio optimization". P. G. Martin and B. B. McCann (1989), "The investor's guide to fidelity funds".
    """
    levels = _levels(level)
    assets, notes = Returns.of(returns).complete(missing, "returns")
    other = None
    if benchmark is not None:
        other, more = Returns.of(benchmark, field="benchmark").complete(missing, "benchmark")
        assets, other, left_out = paired(assets, other, missing)
        notes = (*notes, *more, *left_out)
    shares, said = shares_of(assets, None if weights is None else Weights.of(weights), budget)
    _require_periods(assets.periods, levels, method, horizon)
    own = assets.values @ shares
    tails = _tails(assets.values, shares, levels, method, quantile, horizon)
    found = _whole(own, assets, levels, quantile, periods_per_year)
    beside = None if other is None else relative(own, other.values[:, 0], periods_per_year)
    if beside is not None:
        found |= {field.name: getattr(beside, field.name) for field in fields(beside)}
        said = (*said, *beside.warnings())
    return PortfolioRisk(
        **tails,
        **found,
        stress=None if scenarios is None else stressed(assets, np.asarray(to_numpy(shares), float), scenarios),
        weights=shares,
        axes={"level": levels, "asset": assets.assets},
        warnings=(*notes, *said, *_doubts(found, assets.periods, levels, method, horizon)),
    )


def _levels(level: tuple[float, ...] | float) -> tuple[float, ...]:
    levels = level if isinstance(level, tuple) else (level,)
    if len(set(levels)) < len(levels):
        msg = f"level {levels} names a share twice; name each once"
        raise InvalidInput(msg, field="level")
    return levels


def _require_periods(periods: int, levels: tuple[float, ...], method: str, horizon: int) -> None:
    least = horizon if method == "historical" else 1
    if periods < max(least, 2):
        msg = f"returns has {periods} period{'s' * (periods != 1)}, and {max(least, 2)} or more are needed"
        raise InvalidInput(msg, field="returns")
    if method == "historical":
        what = "returns" if horizon == 1 else f"returns over {horizon} periods"
        require_tail(periods - horizon + 1, max(levels), what)


def _tails(
    values: Float[Array, "time asset"],
    weights: Float[Array, " asset"],
    levels: tuple[float, ...],
    method: str,
    quantile: Quantile,
    horizon: int,
) -> dict[str, Array]:
    xp = namespace_of(returns=values, weights=weights)
    if method == "historical":
        stretches = losses.compounded(values, horizon)
        found = [losses.historical(stretches, weights, level, quantile) for level in levels]
    else:
        measure = losses.gaussian if method == "gaussian" else losses.cornish_fisher
        moments = losses.moments_of(values, weights)
        found = [measure(moments, weights, level, horizon) for level in levels]
    names = [field.name for field in fields(losses.TailLoss)]
    return {name: xp.stack([getattr(one, name) for one in found]) for name in names}


def _whole(
    own: Float[Array, " time"], assets: Returns, levels: tuple[float, ...], quantile: Quantile, periods_per_year: float
) -> dict[str, Any]:
    """Return what depends on no method: deviations, drawdowns and shape."""
    xp = namespace_of(returns=own)
    root = math.sqrt(periods_per_year)
    depths = underwater(own)
    moments = losses.moments_of(own[:, None], xp.ones_like(own[:1]))
    fallen = xp.minimum(own, xp.zeros_like(own))
    found = {
        "volatility": moments.deviation * root,
        "downside_deviation": xp.sqrt(xp.mean(fallen**2)) * root,
        "max_drawdown": xp.min(depths),
        "ulcer_index": xp.sqrt(xp.mean(depths**2)),
        "skewness": moments.skewness,
        "kurtosis": moments.kurtosis,
    }
    return {
        **{name: xp.asarray(value) for name, value in found.items()},  # numpy's scalars are no arrays
        "cdar": xp.stack([losses.tail_mean(-depths, level, quantile) for level in levels]),
        "drawdowns": drawdowns_of(np.asarray(to_numpy(depths), dtype=np.float64), assets.axis()),
    }


def _doubts(
    found: dict[str, Any], periods: int, levels: tuple[float, ...], method: str, horizon: int
) -> tuple[str, ...]:
    """Say where a measure rests on little."""
    said = []
    thin = [level for level in levels if round(periods * (1 - level), 9) < 1]
    if thin:
        deepest = "is the deepest drawdown" if len(thin) == 1 else "are the deepest drawdown"
        said.append(
            f"cdar at level {', '.join(f'{one:g}' for one in thin)} {deepest}: {periods} periods are few for it"
        )
    if method == "cornish_fisher":
        skewness, kurtosis = float(found["skewness"]), float(found["kurtosis"])
        if losses.falls_back(skewness, kurtosis, horizon):
            said.append(
                f"skewness {skewness:.3g} and kurtosis {kurtosis:.3g} are beyond what Cornish and Fisher's quantile "
                "takes: it turns back on its way into the tail, and a higher level can have a lower loss; "
                "prefer 'historical'"
            )
    return tuple(said)
