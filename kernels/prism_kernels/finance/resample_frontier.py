"""``finance.resample_frontier``: how sure the efficient weights are, from histories that might have been."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from jaxtyping import Float

from prism_kernels.arrays import Array, like
from prism_kernels.finance.critical_line import critical_line
from prism_kernels.finance.limits import polytope_of
from prism_kernels.finance.moments import Estimator, estimate, refuse_constant
from prism_kernels.finance.resampled_frontier import Resampling, resampled_weights
from prism_kernels.finance.settings import GroupBounds, Groups
from prism_kernels.inputs import AnyReturns, Returns
from prism_kernels.operation import operation
from prism_kernels.result import Result

__all__ = ["ResampledFrontier", "resample_frontier"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ResampledFrontier(Result):
    """Efficient weights on average over histories that might have been, beside those of the history there was.

    Attributes
    ----------
    weights
        Mean over draws of the weights of the same rank on each draw's frontier.
    low, high
        Quantiles over draws, between which the middle share ``level`` of them lies.
    returns, volatilities
        Expected return and volatility a year of the mean weights, under the moments of the history there was.
    efficient_weights
        Weights of the same rank on the frontier of the history there was.
    efficient_returns, efficient_volatilities
        Their expected return and volatility a year.
    draws
        Number of histories drawn.
    """

    weights: Float[Array, "point asset"]
    low: Float[Array, "point asset"]
    high: Float[Array, "point asset"]
    returns: Float[Array, " point"]
    volatilities: Float[Array, " point"]
    efficient_weights: Float[Array, "point asset"]
    efficient_returns: Float[Array, " point"]
    efficient_volatilities: Float[Array, " point"]
    draws: int


@operation("finance.resample_frontier", example={"returns": "sp500_stocks", "draws": 20, "points": 10}, tolerance=1e-6)
def resample_frontier(
    returns: AnyReturns,
    *,
    draws: Annotated[int, Ge(2), Le(10_000)] = 200,
    points: Annotated[int, Ge(2), Le(200)] = 30,
    weight_bounds: tuple[float, float] = (0.0, 1.0),
    budget: float = 1.0,
    groups: tuple[Groups, ...] = (),
    group_bounds: tuple[GroupBounds, ...] = (),
    history: Annotated[int, Ge(2)] | None = None,
    level: Annotated[float, Gt(0), Lt(1)] = 0.9,
    covariance_estimator: Estimator = "sample",
    missing: Literal["refuse", "drop_assets", "intersect"] = "refuse",
    cash: str | None = None,
    periods_per_year: Annotated[float, Gt(0)] = 252.0,
    seed: Annotated[int, Ge(0)] = 0,
) -> ResampledFrontier:
    """Draw the history again and again, and see how far the efficient weights move.

    Parameters
    ----------
    returns
        Simple returns or prices, time × asset.
    draws
        Number of histories.
    points
        Points on each frontier, at equal steps of return.
    weight_bounds
        Least and largest weight of each asset; below 0 for short positions.
    budget
        Sum of the weights.
    groups
        Assets that are limited together, such as sectors.
    group_bounds
        Least and largest weight of a group.
    history
        Periods in each history; those of the returns unless given. More than there are assets.
    level
        Share of draws that lie between ``low`` and ``high``.
    covariance_estimator
        How the covariance is estimated from the returns.
    missing
        What is done about missing values: ``refuse``, ``drop_assets`` or ``intersect`` (periods that all assets have;
        of prices the dates, from each of which to the next the returns are taken).
    cash
        Name of the asset whose price may be constant.
    periods_per_year
        Periods in a year.
    seed
        Start of the random numbers.

    Raises
    ------
    InvalidInput
        For missing values, limits that contradict each other, and a history no longer than the number of assets.

    Notes
    -----
    Histories are normal with the mean and covariance of the returns; portfolios of the same rank, counted from the
    least variance to the greatest return, are averaged. Each draw's frontier is exact, by the critical line algorithm,
    on the CPU in double precision.

    References
    ----------
    Michaud (1998). Efficient asset management.
    """
    read, notes = Returns.of(returns).complete(missing, "returns")
    refuse_constant(read, cash)
    moments = estimate(read, covariance_estimator=covariance_estimator)
    polytope = polytope_of(
        read.assets, weight_bounds=weight_bounds, groups=groups, group_bounds=group_bounds, budget=budget
    )
    how = Resampling(periods=history or read.periods, draws=draws, points=points, seed=seed)
    every = resampled_weights(moments.mean, moments.covariance, polytope, how)
    plain = critical_line(moments.mean, moments.covariance, polytope).sample(points)
    weights = every.mean(axis=0)
    low, high = np.quantile(every, ((1 - level) / 2, (1 + level) / 2), axis=0)
    variances = np.einsum("ij,ij->i", weights @ moments.covariance, weights)
    year = math.sqrt(periods_per_year)
    held = {
        "weights": weights,
        "low": low,
        "high": high,
        "returns": weights @ moments.mean * periods_per_year,
        "volatilities": np.sqrt(variances) * year,
        "efficient_weights": plain.weights,
        "efficient_returns": plain.returns * periods_per_year,
        "efficient_volatilities": plain.volatilities * year,
    }
    return ResampledFrontier(
        **{name: like(values, read.values) for name, values in held.items()},
        draws=draws,
        axes={"asset": read.assets, "point": np.arange(1, points + 1)},
        warnings=(*notes, *moments.warnings),
    )
