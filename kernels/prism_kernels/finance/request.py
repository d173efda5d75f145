"""From the settings of an optimisation to the problem that is solved, per period; what contradicts is refused here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput
from prism_kernels.finance.cardinality import Positions
from prism_kernels.finance.limits import polytope_of
from prism_kernels.finance.moments import Moments
from prism_kernels.finance.objectives import Ask, Objective, with_target
from prism_kernels.finance.problem import Ceiling, Problem
from prism_kernels.finance.qp_split import Bends
from prism_kernels.finance.settings import Costs, GroupBounds, Groups, Limits, View
from prism_kernels.inputs import Weights

__all__ = ["Held", "Request", "ask_of", "market_view", "without_targets"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Request:
    """The settings of ``finance.optimize`` that say which portfolio is asked for, under the same names."""

    objective: Objective = "min_variance"
    weight_bounds: tuple[float, float] = (0.0, 1.0)
    budget: float = 1.0
    groups: tuple[Groups, ...] = ()
    group_bounds: tuple[GroupBounds, ...] = ()
    limits: Limits = field(default_factory=Limits)
    risk_free_rate: float = 0.0
    target_return: float | None = None
    target_volatility: float | None = None
    risk_aversion: float = 1.0
    level: float = 0.95
    views: tuple[View, ...] = ()
    tau: float = 0.05
    transaction_costs: float | Costs = 0.0
    max_turnover: float | None = None
    periods_per_year: float = 252.0
    tolerance: float = 1e-9

    @property
    def costs(self) -> Costs:
        """What buying and selling costs."""
        given = self.transaction_costs
        return given if isinstance(given, Costs) else Costs(buying=given, selling=given)


@dataclass(frozen=True, kw_only=True)
class Held:
    """Portfolios that an optimisation starts from or is measured by, in the order of the assets; None where not given.

    Attributes
    ----------
    previous, benchmark, market
        Weights.
    risk_budget
        Share of the risk that each asset is to carry.
    """

    previous: Floats | None = None
    benchmark: Floats | None = None
    market: Floats | None = None
    risk_budget: Floats | None = None

    @classmethod
    def of(cls, request: Request, assets: Sequence[str], given: dict[str, Any]) -> Held:
        """Read portfolios and refuse those that do not fit the assets or the budget.

        Parameters
        ----------
        request
            Which portfolio is asked for.
        assets
            Names of the assets.
        given
            The portfolios by the name of their argument.
        """
        found = {n: None if v is None else Weights.of(v, field=n) for n, v in given.items()}
        previous = found["previous_weights"]
        held = None if previous is None else previous.aligned(assets, "previous_weights")
        if previous is not None and held is not None and np.abs(held).max() > 0:
            held = previous.aligned(assets, "previous_weights", budget=request.budget)
        wanted = (("benchmark_weights", request.budget), ("market_weights", 1.0), ("risk_budget", None))
        rest = {
            name: None if one is None else one.aligned(assets, name, budget=budget)
            for name, budget in wanted
            for one in [found[name]]
        }
        _check_held(request, held, rest["benchmark_weights"], rest["market_weights"])
        return cls(
            previous=held,
            benchmark=rest["benchmark_weights"],
            market=rest["market_weights"],
            risk_budget=rest["risk_budget"],
        )


def _check_held(request: Request, previous: Any, benchmark: Any, market: Any) -> None:
    costs = request.costs
    needs = (
        ("max_turnover", request.max_turnover is not None, "previous_weights", previous),
        ("transaction_costs", costs.buying > 0 or costs.selling > 0, "previous_weights", previous),
        ("limits.tracking_error", request.limits.tracking_error is not None, "benchmark_weights", benchmark),
        ("objective 'black_litterman'", request.objective == "black_litterman", "market_weights", market),
    )
    for name, asked, needed, there in needs:
        if asked and there is None:
            way = "give them, 0 for each asset where nothing is held" if needed == "previous_weights" else "give them"
            msg = f"{name} needs {needed}, one for each asset; {way}"
            raise InvalidInput(msg, field=needed)
    if request.views and request.objective != "black_litterman":
        msg = f"views are for 'black_litterman', and objective is {request.objective!r}; choose that, or leave them out"
        raise InvalidInput(msg, field="views")


def ask_of(request: Request, moments: Moments, held: Held, returns: Any = None) -> Ask:
    """Return the problem that settings ask for.

    Parameters
    ----------
    request
        Which portfolio is asked for.
    moments
        Of the assets' returns, per period.
    held
        Portfolios that it starts from or is measured by.
    returns
        Period × asset, for ``min_cvar``.
    """
    yearly = request.periods_per_year
    mean, covariance = market_view(request, moments, held)
    polytope = polytope_of(
        moments.assets,
        weight_bounds=request.weight_bounds,
        groups=request.groups,
        group_bounds=request.group_bounds,
        budget=request.budget,
    )
    problem = Problem(
        mean=mean,
        covariance=covariance,
        polytope=polytope,
        bends=_bends(request, held),
        ceilings=_ceilings(request, held, len(mean)),
        tolerance=request.tolerance,
    )
    if request.target_return is not None:
        problem = with_target(problem, request.target_return / yearly, yearly)
    return Ask(
        objective=request.objective,
        problem=problem,
        positions=Positions(most=request.limits.max_positions, least=request.limits.min_position),
        risk_free=request.risk_free_rate / yearly,
        risk_aversion=request.risk_aversion,
        returns=returns,
        level=request.level,
        risk_budget=held.risk_budget,
        assets=moments.assets,
        yearly=yearly,
    )


def _bends(request: Request, held: Held) -> Bends:
    gross, costs = request.limits.gross_exposure, request.costs
    if gross is not None and gross < abs(request.budget):
        msg = f"limits.gross_exposure {gross:g} is below the budget {request.budget:g}; raise it to that or more"
        raise InvalidInput(msg, field="limits", where="gross_exposure")
    return Bends(
        previous=held.previous,
        buying=costs.buying / request.periods_per_year,
        selling=costs.selling / request.periods_per_year,
        max_turnover=request.max_turnover,
        gross_exposure=gross,
    )


def _ceilings(request: Request, held: Held, count: int) -> tuple[Ceiling, ...]:
    yearly, error = math.sqrt(request.periods_per_year), request.limits.tracking_error
    found: list[tuple[str, float, Floats]] = []
    if error is not None and held.benchmark is not None:
        found.append(("limits.tracking_error", error, held.benchmark))
    if request.target_volatility is not None:
        found.append(("target_volatility", request.target_volatility, np.zeros(count)))
    return tuple(
        Ceiling(centre=centre, variance=(most / yearly) ** 2, name=name, yearly=yearly) for name, most, centre in found
    )


def market_view(request: Request, moments: Moments, held: Held) -> tuple[Floats, Floats]:
    """Return the mean and covariance to optimise with: those estimated, or the market's corrected by views.

    The market's implied returns are above the risk-free rate; the rate is added, so that all means are whole returns.

    Parameters
    ----------
    request
        Which portfolio is asked for.
    moments
        Of the assets' returns, per period.
    held
        Portfolios that it starts from or is measured by.
    """
    if request.objective != "black_litterman" or held.market is None:
        return moments.mean, moments.covariance
    from prism_kernels.finance.black_litterman import implied_returns, picks_of, posterior

    excess = implied_returns(moments.covariance, held.market, risk_aversion=request.risk_aversion)
    prior = excess + request.risk_free_rate / request.periods_per_year  # views speak of whole returns
    views = picks_of(request.views, moments.assets, periods_per_year=request.periods_per_year)
    return posterior(moments.covariance, prior, *views, tau=request.tau)


def without_targets(ask: Ask) -> Ask:
    """Return the same problem with bounds, groups and the budget alone, which a frontier is drawn for.

    Parameters
    ----------
    ask
        Which portfolio.
    """
    limits = ask.problem.polytope
    keep = [k for k, name in enumerate(limits.names) if name != "target_return"]
    fewer = replace(
        limits,
        rows=limits.rows[keep],
        least=limits.least[keep],
        most=limits.most[keep],
        names=tuple(limits.names[k] for k in keep),
    )
    return replace(ask, problem=replace(ask.problem, polytope=fewer))
