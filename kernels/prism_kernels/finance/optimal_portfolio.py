"""``OptimalPortfolio``: the best portfolio, what it is expected to do, and the proof that it is the best."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from prism_kernels.arrays import Array, is_array, like, to_numpy
from prism_kernels.finance.objectives import Ask
from prism_kernels.finance.request import without_targets
from prism_kernels.finance.solution import Solution
from prism_kernels.finance.tail import tail_weights
from prism_kernels.inputs import Returns
from prism_kernels.result import Result

__all__ = ["EfficientFrontier", "OptimalPortfolio", "portfolio_of"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_STILL = 1e-7  # of the largest volatility, below which a portfolio has none but rounding
_LEAST_RESIDUAL, _LEAST_GAP = 1e-12, 1e-15
_COSTLESS = ("min_variance", "min_cvar", "risk_parity", "hrp")  # objectives that do not weigh what trading costs


@dataclass(frozen=True, kw_only=True)
class EfficientFrontier:
    """The efficient frontier of the same assets within bounds, groups and the budget.

    Attributes
    ----------
    returns, volatilities
        Expected return and volatility a year of each point, from the least volatility up.
    weights
        Point × asset.
    corners
        Corner × asset: the portfolios between which the efficient weights lie on straight lines.
    corner_returns, corner_volatilities
        Expected return and volatility a year of each corner.
    corner_contributions
        Corner × asset: the volatility a year that each asset carries; they add up to the corner's.
    ignores
        Limits and costs of the optimisation that the frontier does not know, since they are not linear in the weights:
        with them the best portfolio may lie below it.
    """

    returns: Array
    volatilities: Array
    weights: Array
    corners: Array
    corner_returns: Array
    corner_volatilities: Array
    corner_contributions: Array
    ignores: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class OptimalPortfolio(Result):
    """The best portfolio for an objective within limits.

    Attributes
    ----------
    assets
        Name of each asset.
    weights
        Share of the capital in each asset.
    expected_return
        Expected return a year, before the costs of trading.
    volatility
        Standard deviation of the return a year.
    sharpe_ratio
        Expected return above the risk-free rate, for each unit of volatility; NaN without volatility.
    value_at_risk
        Loss in one period that a share ``level`` of the given periods does not exceed; positive for a loss.
    expected_shortfall
        Mean loss in the worst share 1 − ``level`` of the given periods.
    risk_contributions
        Volatility a year that each asset carries; they add up to the volatility.
    diversification_ratio
        Weighted mean of the assets' volatilities over that of the portfolio; NaN without volatility.
    turnover
        ½ Σ|Δw| from the previous weights; None where there were none.
    trading_cost
        What trading from the previous weights costs, as a share of the capital; None where there were none.
    objective
        What the portfolio is best at.
    objective_value
        Its value, a year: the Sharpe ratio, the variance, the return less ½ risk aversion × variance and costs, the
        return less costs; the expected shortfall of one period for ``min_cvar``; the largest difference of a
        contribution to its budget for ``risk_parity``; the variance for ``hrp``, which optimises nothing.
    duality_gap
        By so much at most is a better value possible; to first order for ``max_sharpe``; what is below 1e-15 counts as
        that.
    residual
        Largest violation of the optimality conditions, relative to their terms; what is below 1e-12 counts as that.
    status
        ``optimal``; ``inaccurate`` where the residual is above the tolerance; ``iteration limit`` where a search over
        positions ended with a gap.
    solver
        What found it.
    iterations
        Its steps.
    frontier
        The efficient frontier, where ``frontier_points`` asks for it: exact, within bounds, groups and the budget
        alone. A warning says which other limits it does not know.
    """

    assets: tuple[str, ...]
    weights: Float[Array, " asset"]
    expected_return: float
    volatility: float
    sharpe_ratio: float
    value_at_risk: float
    expected_shortfall: float
    risk_contributions: Float[Array, " asset"]
    diversification_ratio: float
    turnover: float | None = None
    trading_cost: float | None = None
    objective: str
    objective_value: float
    duality_gap: float
    residual: float
    status: str
    solver: str
    iterations: int
    frontier: EfficientFrontier | None = None

    def main_field(self) -> str:
        """Return the field that a frame has its rows from."""
        return "weights"

    def to_numpy(self) -> Any:
        """Return the same result with every array in numpy, those of the frontier included."""
        moved = super().to_numpy()
        if self.frontier is None:
            return moved
        held = {n: v for n, v in vars(self.frontier).items() if is_array(v)}
        numbers: dict[str, Any] = {n: np.asarray(to_numpy(v)) for n, v in held.items()}
        return dataclasses.replace(moved, frontier=dataclasses.replace(self.frontier, **numbers))


def portfolio_of(
    ask: Ask, found: Solution, returns: Returns, frontier_points: int, warnings: tuple[str, ...]
) -> OptimalPortfolio:
    """Measure a portfolio that was found, a year.

    Parameters
    ----------
    ask
        Which portfolio was asked for.
    found
        What the solver found, per period.
    returns
        Of the assets.
    frontier_points
        Number of points of the efficient frontier; 0 for none.
    warnings
        What is known of the data.
    """
    weights, yearly, problem = found.weights, ask.yearly, ask.problem
    risk = _risk(weights, problem.covariance, yearly)
    expected = float(problem.mean @ weights) * yearly
    losses, beyond = _tail(returns.matrix, weights, ask.level)
    value, gap = _yearly(ask, found)
    notes = _doubts(ask, found, risk.still)
    frontier, more = _frontier(ask, returns, frontier_points) if frontier_points else (None, ())
    return OptimalPortfolio(
        assets=returns.assets,
        weights=like(weights, returns.values),
        expected_return=expected,
        volatility=risk.volatility,
        sharpe_ratio=(expected - ask.risk_free * yearly) / risk.volatility if not risk.still else math.nan,
        value_at_risk=losses,
        expected_shortfall=beyond,
        risk_contributions=like(risk.contributions, returns.values),
        diversification_ratio=risk.diversification,
        turnover=None if problem.bends.previous is None else problem.bends.turnover(weights),
        trading_cost=None if problem.bends.previous is None else problem.bends.cost(weights) * yearly,
        objective=ask.objective,
        objective_value=value,
        duality_gap=max(gap, _LEAST_GAP),
        residual=max(found.residual, _LEAST_RESIDUAL),
        status=found.status,
        solver=found.solver,
        iterations=found.iterations,
        frontier=frontier,
        axes={"asset": returns.assets},
        warnings=(*warnings, *notes, *more),
    )


@dataclass(frozen=True)
class _Risk:
    volatility: float
    contributions: Floats
    diversification: float
    still: bool


def _risk(weights: Floats, covariance: Floats, yearly: float) -> _Risk:
    along = covariance @ weights
    deviations = np.sqrt(np.diagonal(covariance))
    deviation = math.sqrt(max(float(weights @ along), 0.0))
    still = deviation <= _STILL * float(deviations.max(initial=0.0))
    year = math.sqrt(yearly)
    shares = np.zeros(len(weights)) if still else weights * along / deviation
    spread = math.nan if still else float(np.abs(weights) @ deviations) / deviation
    return _Risk(deviation * year, shares * year, spread, still)


def _tail(matrix: Floats, weights: Floats, level: float) -> tuple[float, float]:
    losses = np.sort(-(matrix @ weights))[::-1]
    at, beyond = tail_weights(len(losses), level, "step")
    return float(at @ losses[: len(at)]), float(beyond @ losses[: len(beyond)])


def _yearly(ask: Ask, found: Solution) -> tuple[float, float]:
    """Return the objective and its gap as users say them: a year, and with the sign of what is best when large."""
    if ask.objective == "min_cvar":
        return found.objective, found.gap
    if ask.objective == "risk_parity":
        return max(found.objective, _LEAST_RESIDUAL), found.gap
    if ask.objective in ("min_variance", "hrp"):
        return found.objective * ask.yearly, found.gap * ask.yearly
    unit = math.sqrt(ask.yearly) if ask.objective == "max_sharpe" else ask.yearly
    return -found.objective * unit, found.gap * unit


def _doubts(ask: Ask, found: Solution, still: bool) -> tuple[str, ...]:
    notes = []
    if _costs(ask) and ask.objective in _COSTLESS:
        notes.append(f"objective {ask.objective!r} does not weigh transaction_costs; trading_cost says what they are")
    if still:
        notes.append("the portfolio has no volatility, so its Sharpe and diversification ratios are not defined")
    if found.status == "iteration limit":
        notes.append("the search over positions ended before its proof was complete; duality_gap says what may be left")
    if found.status == "inaccurate":
        notes.append(f"the optimality conditions are violated by {found.residual:.1e}, above the tolerance")
    return tuple(notes)


def _frontier(ask: Ask, returns: Returns, points: int) -> tuple[EfficientFrontier, tuple[str, ...]]:
    from prism_kernels.finance.critical_line import critical_line

    problem = without_targets(ask).problem
    corners = critical_line(problem.mean, problem.covariance, problem.polytope)
    drawn = corners.sample(max(points, 2))
    held = {
        "returns": drawn.returns * ask.yearly,
        "volatilities": drawn.volatilities * math.sqrt(ask.yearly),
        "weights": drawn.weights,
        "corners": corners.weights,
        "corner_returns": corners.returns * ask.yearly,
        "corner_volatilities": corners.volatilities * math.sqrt(ask.yearly),
        "corner_contributions": corners.contributions() * math.sqrt(ask.yearly),
    }
    alike = (
        "the covariance does not tell all portfolios apart, so of those alike in return and volatility the frontier "
        "holds the most even"
    )
    ignored = _ignored(ask)
    names = " and ".join(ignored) if len(ignored) < 3 else f"{', '.join(ignored[:-1])} and {ignored[-1]}"
    below = f"the frontier does not know {names}, with which the best portfolio may lie below it"
    numbers = {name: like(values, returns.values) for name, values in held.items()}
    notes = (*(() if corners.exact else (alike,)), *((below,) if ignored else ()))
    return EfficientFrontier(**numbers, ignores=ignored), notes


def _ignored(ask: Ask) -> tuple[str, ...]:
    """Return the names of limits and costs that a frontier by the critical line does not know."""
    bends, short = ask.problem.bends, bool((ask.problem.polytope.lower < 0).any())
    given = {
        "limits.gross_exposure": bends.gross_exposure is not None and short,
        "max_turnover": bends.max_turnover is not None,
        "transaction_costs": _costs(ask) and ask.objective not in _COSTLESS,
        "limits.max_positions": ask.positions.most is not None,
        "limits.min_position": ask.positions.least is not None,
    }
    return (*(name for name, there in given.items() if there), *(c.name for c in ask.problem.ceilings))


def _costs(ask: Ask) -> bool:
    return bool(ask.problem.bends.buying or ask.problem.bends.selling)
