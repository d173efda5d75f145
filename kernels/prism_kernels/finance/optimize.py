"""``finance.optimize``: the best portfolio for an objective, within limits, with the proof that it is the best."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from prism_kernels.arrays import is_array, is_numpy, namespace_of
from prism_kernels.errors import InvalidInput
from prism_kernels.finance.conflicts import contradiction
from prism_kernels.finance.limits import conflict
from prism_kernels.finance.moments import Estimator, Moments, estimate, refuse_constant
from prism_kernels.finance.objectives import Ask, Objective, best
from prism_kernels.finance.optimal_portfolio import OptimalPortfolio, portfolio_of
from prism_kernels.finance.request import Held, Request, ask_of
from prism_kernels.finance.settings import Costs, GroupBounds, Groups, Limits, View
from prism_kernels.finance.solution import Solution
from prism_kernels.finance.tail import require_tail
from prism_kernels.inputs import (
    AnyCovariance,
    AnyExpectedReturns,
    AnyReturns,
    AnyWeights,
    Covariance,
    ExpectedReturns,
    Returns,
)
from prism_kernels.operation import operation

__all__ = ["optimize"]

Missing: TypeAlias = Literal["refuse", "drop_assets", "intersect"]

_NO_LIMITS = Limits()
_NEEDS_FULL_RANK = ("min_variance", "max_sharpe", "mean_variance", "black_litterman")
_IMPOSSIBLE = ("all limits together", "leave no portfolio")  # what solvers say where nothing fulfils the limits
_HELD = ("previous_weights", "benchmark_weights", "market_weights", "risk_budget")


@operation("finance.optimize", example={"returns": "sp500_stocks", "objective": "min_variance"}, tolerance=1e-6)
def optimize(
    returns: AnyReturns,
    *,
    objective: Objective = "max_sharpe",
    weight_bounds: tuple[float, float] = (0.0, 1.0),
    budget: float = 1.0,
    groups: tuple[Groups, ...] = (),
    group_bounds: tuple[GroupBounds, ...] = (),
    limits: Limits = _NO_LIMITS,
    risk_free_rate: Annotated[float, Gt(-1), Lt(10)] = 0.0,
    target_return: float | None = None,
    target_volatility: Annotated[float, Gt(0)] | None = None,
    risk_aversion: Annotated[float, Gt(0)] = 1.0,
    level: Annotated[float, Ge(0.5), Le(0.999)] = 0.95,
    views: tuple[View, ...] = (),
    tau: Annotated[float, Gt(0), Le(1)] = 0.05,
    covariance_estimator: Estimator = "sample",
    transaction_costs: Annotated[float, Ge(0), Lt(1)] | Costs = 0.0,
    max_turnover: Annotated[float, Ge(0)] | None = None,
    frontier_points: Annotated[int, Ge(0), Le(1000)] = 0,
    missing: Missing = "refuse",
    repair: bool = False,
    cash: str | None = None,
    periods_per_year: Annotated[float, Gt(0)] = 252.0,
    tolerance: Annotated[float, Gt(0), Le(1e-3)] = 1e-9,
    expected_returns: AnyExpectedReturns | None = None,
    covariance: AnyCovariance | None = None,
    previous_weights: AnyWeights | None = None,
    benchmark_weights: AnyWeights | None = None,
    market_weights: AnyWeights | None = None,
    risk_budget: AnyWeights | None = None,
) -> OptimalPortfolio:
    """Find the best portfolio for an objective within limits, with the proof that there is no better one.

    Parameters
    ----------
    returns
        Simple returns or prices, time × asset.
    objective
        ``max_sharpe``, the largest expected return above the risk-free rate for each unit of volatility;
        ``min_variance``; ``mean_variance``, the largest return less ½ risk aversion × variance; ``max_return``;
        ``risk_parity``, each asset carries its budget of the risk; ``min_cvar``, the least expected shortfall; ``hrp``,
        hierarchical risk parity; ``black_litterman``, ``mean_variance`` of the market's expectations and the views,
        both of whole returns: the market's excess returns δ·Σ·w and the risk-free rate.
    weight_bounds
        Least and largest weight of each asset; below 0 for short positions.
    budget
        Sum of the weights.
    groups
        Assets that are limited together, such as sectors.
    group_bounds
        Least and largest weight of a group; a group of one asset gives that asset bounds of its own.
    limits
        Largest sum of absolute weights, largest tracking error a year, largest number and least size of positions.
    risk_free_rate
        Return a year of what has no risk.
    target_return
        Expected return a year that the portfolio has at least.
    target_volatility
        Volatility a year that the portfolio has at most.
    risk_aversion
        Return a year that a unit of half the variance a year costs.
    level
        Share of periods that are not in the tail of value at risk and expected shortfall.
    views
        What is expected of some assets, or of some over others; for ``black_litterman``.
    tau
        How uncertain the market's expectations are, as a share of the covariance; for ``black_litterman``.
    covariance_estimator
        How the covariance is estimated from the returns.
    transaction_costs
        Share of the value traded from ``previous_weights`` that is lost; one number, or one for buying and one for
        selling. It lessens the return a year, so that ``min_variance``, ``min_cvar``, ``risk_parity`` and ``hrp`` do
        not feel it.
    max_turnover
        Largest ½ Σ|Δw| from ``previous_weights``.
    frontier_points
        Number of points of the efficient frontier that come with the result; 0 for none. It knows bounds, groups and
        the budget alone.
    missing
        What is done about missing values: ``refuse``, ``drop_assets`` or ``intersect`` (periods that all assets have;
        of prices the dates, from each of which to the next the returns are taken).
    repair
        Whether a given covariance with negative eigenvalues is replaced by the nearest one without.
    cash
        Name of the asset whose price may be constant.
    periods_per_year
        Periods in a year.
    tolerance
        Largest violation of the optimality conditions with which the status is ``optimal``.
    expected_returns
        Expected return of each asset in one period, by name or in order; the mean of the returns unless given.
    covariance
        Asset × asset, per period; estimated from the returns unless given.
    previous_weights
        Weights held before.
    benchmark_weights
        Weights that ``limits.tracking_error`` is measured from.
    market_weights
        Weights of the assets in the market, for ``black_litterman``.
    risk_budget
        Share of the risk that each asset is to carry, for ``risk_parity``; equal ones unless given. Assets at a bound
        of their weight stay there, and the others share by their budgets.

    Raises
    ------
    InvalidInput
        For missing values, limits that contradict each other, with the arithmetic, targets out of reach, with the
        interval, a covariance that is not positive semidefinite, and data that a setting needs and that is not there.

    Notes
    -----
    Simple returns; moments per period, annualised by ``periods_per_year``; turnover is ½ Σ|Δw|. Value at risk and
    expected shortfall are historical, over the given periods. Quadratic programs are solved on the CPU in double
    precision and polished to rounding; the residual and the duality gap in the result are of the portfolio as returned.
    Turnover, costs and gross exposure split each weight where they bend; a limit on a variance is met by the root of
    its multiplier; a number of positions by branch and bound.

    References
    ----------
    Markowitz (1952). Portfolio selection.
    Sharpe (1966). Mutual fund performance.
    Rockafellar, Uryasev (2000). Optimization of conditional value-at-risk.
    Black, Litterman (1992). Global portfolio optimization.
    López de Prado (2016). Building diversified portfolios that outperform out of sample.
    Spinu (2013). An algorithm for computing risk parity weights.
    """
    request = Request(
        objective=objective,
        weight_bounds=weight_bounds,
        budget=budget,
        groups=groups,
        group_bounds=group_bounds,
        limits=limits,
        risk_free_rate=risk_free_rate,
        target_return=target_return,
        target_volatility=target_volatility,
        risk_aversion=risk_aversion,
        level=level,
        views=views,
        tau=tau,
        transaction_costs=transaction_costs,
        max_turnover=max_turnover,
        periods_per_year=periods_per_year,
        tolerance=tolerance,
    )
    given = dict(zip(_HELD, (previous_weights, benchmark_weights, market_weights, risk_budget), strict=True))
    _check_libraries({"returns": returns, "expected_returns": expected_returns, "covariance": covariance, **given})
    read, notes = Returns.of(returns).complete(missing, "returns")
    refuse_constant(read, cash)
    require_tail(read.periods, level, "returns")
    moments = _moments(read, objective, covariance_estimator, expected_returns, covariance, repair)
    held = Held.of(request, read.assets, given)
    ask = ask_of(request, moments, held, read.matrix if is_numpy(read.values) else read.values)
    return portfolio_of(ask, _best(ask), read, frontier_points, (*notes, *moments.warnings))


def _check_libraries(given: dict[str, Any]) -> None:
    """Refuse arrays of two libraries or devices; what has names or came from a file goes with any."""
    arrays = {name: one for name, one in given.items() if is_array(one)}
    if arrays:
        namespace_of(**arrays)


def _moments(
    returns: Returns, objective: Objective, estimator: Estimator, expected: Any, covariance: Any, repair: bool
) -> Moments:
    matters = covariance is None and objective in _NEEDS_FULL_RANK
    mean = None if expected is None else ExpectedReturns.of(expected, field="expected_returns").given()
    spread = None if covariance is None else Covariance.of(covariance, field="covariance").given()
    with np.errstate(all="ignore"):
        found = estimate(
            returns,
            covariance_estimator=estimator,
            expected_returns=mean,
            covariance=spread,
            repair=repair,
            singular="refuse" if matters else "warn",
        )
    if not np.isfinite(found.covariance).all() or not np.isfinite(found.mean).all():
        msg = "returns are too large for their variances to be numbers; give shares, such as 0.01 for one percent"
        raise InvalidInput(msg, field="returns")
    return found


def _best(ask: Ask) -> Solution:
    """Solve, and where nothing fulfils the limits say which of them contradict each other."""
    try:
        return best(ask)
    except InvalidInput as refused:
        if not any(words in str(refused) for words in _IMPOSSIBLE):
            raise
        problem = ask.problem
        told = contradiction(problem.polytope, problem.bends, ask.positions, problem.mean, yearly=ask.yearly)
        clash = conflict(problem.polytope) if told is None else None
        if told is None and not clash:
            raise
        if clash:
            msg = f"these limits contradict each other within weight_bounds: {', '.join(clash)}; loosen one of them"
            field = "group_bounds" if any(name.startswith("group ") for name in clash) else clash[-1]
            told = InvalidInput(msg, field=field)
        raise told from None  # type: ignore[misc]
