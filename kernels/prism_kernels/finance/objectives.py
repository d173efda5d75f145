"""What a portfolio can be best at, each objective as the portfolio that is best at it, with its proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput
from prism_kernels.finance import sharpe
from prism_kernels.finance.cardinality import Positions, fewest
from prism_kernels.finance.limits import with_row
from prism_kernels.finance.problem import Problem, efficient
from prism_kernels.finance.solution import Solution

__all__ = ["Ask", "Objective", "best", "with_target"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Objective: TypeAlias = Literal[
    "max_sharpe",
    "min_variance",
    "mean_variance",
    "max_return",
    "risk_parity",
    "min_cvar",
    "hrp",
    "black_litterman",
]

_KEPT = 1e-9
_HOLDS_ALL = ("risk_parity", "hrp")  # objectives of which there is one portfolio, with every asset in it


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Which portfolio is asked for, per period.

    Attributes
    ----------
    objective
        What it should be best at.
    problem
        Moments, limits and costs.
    positions
        How many positions there may be, and how small.
    risk_free
        Rate.
    risk_aversion
        What a unit of half the variance costs, for ``mean_variance``.
    returns
        Period × asset, for ``min_cvar``.
    level
        Share of periods that are not in the tail, for ``min_cvar``.
    risk_budget
        Share of the risk that each asset is to carry, for ``risk_parity``.
    assets
        Names, for messages.
    yearly
        Periods in a year, for messages.
    """

    objective: Objective
    problem: Problem
    positions: Positions = field(default_factory=Positions)
    risk_free: float = 0.0
    risk_aversion: float = 1.0
    returns: Any = None
    level: float = 0.95
    risk_budget: Floats | None = None
    assets: tuple[str, ...] = ()
    yearly: float = 1.0


def best(ask: Ask) -> Solution:
    """Find the portfolio that is asked for; its objective is what was minimised, per period.

    Parameters
    ----------
    ask
        Which portfolio.

    Raises
    ------
    InvalidInput
        When no portfolio fulfils the limits, or none is best.
    """
    solver = _SOLVERS[ask.objective]
    if ask.objective in _HOLDS_ALL:
        found = solver(ask)
        _refuse_positions(ask, found.weights)
        return found
    if ask.positions.most is None and ask.positions.least is None:
        return solver(ask)
    return fewest(ask.problem, ask.positions, lambda problem: solver(replace(ask, problem=problem)))


def _min_variance(ask: Ask) -> Solution:
    quiet = replace(ask.problem.bends, buying=0.0, selling=0.0)
    found = efficient(replace(ask.problem, bends=quiet), risk=2.0, reward=0.0)
    return replace(found, objective=ask.problem.variance(found.weights))


def _mean_variance(ask: Ask) -> Solution:
    return efficient(ask.problem, risk=ask.risk_aversion, reward=1.0)


def _max_return(ask: Ask) -> Solution:
    return efficient(ask.problem, risk=0.0, reward=1.0)


def _max_sharpe(ask: Ask) -> Solution:
    return sharpe.solve(ask.problem, ask.risk_free, yearly=ask.yearly)


def _min_cvar(ask: Ask) -> Solution:
    from prism_kernels.finance import cvar

    _plain_limits(ask)
    found = cvar.minimise(ask.returns, ask.level, ask.problem.polytope, tolerance=ask.problem.tolerance)
    return Solution(**{name: getattr(found, name) for name in Solution.__dataclass_fields__})


def _plain_limits(ask: Ask) -> None:
    """Refuse limits that are not linear, which these objectives cannot keep."""
    bends = ask.problem.bends
    given = {
        "max_turnover": bends.max_turnover is not None,
        "limits.gross_exposure": bends.gross_exposure is not None,
        **{ceiling.name: True for ceiling in ask.problem.ceilings},
    }
    for name, there in given.items():
        if there:
            msg = f"objective {ask.objective!r} cannot keep {name}; leave it out, or choose another objective"
            raise InvalidInput(msg, field=name.partition(".")[0], where=name.partition(".")[2])


def _refuse_positions(ask: Ask, weights: Floats) -> None:
    """Refuse a number or size of positions that the one portfolio of an objective does not have."""
    positions, held = ask.positions, np.abs(weights)
    if not positions.broken(weights):
        return
    if positions.most is not None and int((held > 0).sum()) > positions.most:
        name, why = "max_positions", f"{positions.most}: it holds all {len(weights)} assets"
    else:
        place = int(held.argmin())
        asset = ask.assets[place] if ask.assets else f"asset {place}"
        name, why = "min_position", f"{positions.least:g}: it gives {asset} {held[place]:.4g}"
    msg = f"objective {ask.objective!r} cannot keep limits.{name} {why}; leave it out, or choose another objective"
    raise InvalidInput(msg, field="limits", where=name)


def _risk_parity(ask: Ask) -> Solution:
    from prism_kernels.finance import risk_parity

    _plain_limits(ask)
    limits, covariance = ask.problem.polytope, ask.problem.covariance
    found = risk_parity.solve(
        covariance,
        ask.risk_budget,
        total=_total(ask),
        lower=limits.lower,
        upper=limits.upper,
        tolerance=ask.problem.tolerance,
        assets=ask.assets,
    )
    _kept(ask, found.weights)
    shares = risk_parity.budget_of(ask.risk_budget, limits.count, ask.assets)
    missed = np.abs(risk_parity.contributions(found.weights, covariance) - shares).max()
    return replace(found, objective=float(missed))


def _hrp(ask: Ask) -> Solution:
    from prism_kernels.finance import hrp

    found = hrp.weights(ask.problem.covariance, assets=ask.assets)
    weights = _total(ask) * found.weights
    _kept(ask, weights)
    return Solution(
        weights=weights,
        objective=ask.problem.variance(weights),
        gap=0.0,
        residual=0.0,
        iterations=max(len(weights) - 1, 0),
        solver=f"hierarchy, {found.linkage} linkage",
    )


def _total(ask: Ask) -> float:
    limits = ask.problem.polytope
    total = float(limits.most[limits.names.index("budget")])
    if total <= 0:
        msg = f"objective {ask.objective!r} shares out a budget above 0, and it is {total:g}; raise it"
        raise InvalidInput(msg, field="budget")
    return total


def _kept(ask: Ask, weights: Floats) -> None:
    """Refuse limits that the one portfolio of an objective without limits does not keep."""
    _plain_limits(ask)
    limits = ask.problem.polytope
    if limits.violation(weights) <= _KEPT:
        return
    outside = np.maximum(limits.lower - weights, weights - limits.upper)
    place = int(outside.argmax())
    if outside[place] > _KEPT:
        low, high = limits.lower[place], limits.upper[place]
        what = f"weight_bounds ({low:g}, {high:g})"
        why = f"it gives {ask.assets[place] if ask.assets else place} {weights[place]:.4g}"
    else:
        along = limits.rows @ weights
        row = int(np.maximum(limits.least - along, along - limits.most).argmax())
        what, why = limits.names[row], f"its portfolio has {along[row]:.4g}"
        if what == "target_return":
            what = f"{what} {limits.least[row] * ask.yearly:.6g}"
            why = f"its portfolio is expected to return {along[row] * ask.yearly:.6g} a year"
    msg = f"objective {ask.objective!r} cannot keep {what}: {why}; loosen that, or choose another objective"
    raise InvalidInput(msg, field="objective")


_SOLVERS: dict[str, Callable[[Ask], Solution]] = {
    "min_variance": _min_variance,
    "mean_variance": _mean_variance,
    "max_return": _max_return,
    "max_sharpe": _max_sharpe,
    "min_cvar": _min_cvar,
    "black_litterman": _mean_variance,
    "risk_parity": _risk_parity,
    "hrp": _hrp,
}


def with_target(problem: Problem, target: float, yearly: float) -> Problem:
    """Return a problem whose portfolios have an expected return at least, refusing one that none has.

    Parameters
    ----------
    problem
        Moments, limits and costs.
    target
        The return per period.
    yearly
        Periods in a year, for the message.
    """
    from prism_kernels.finance.linear_program import interval

    low, high = interval(problem.mean, problem.polytope)
    slack = 1e-12 * max(abs(high), abs(low))
    if not low - slack <= target <= high + slack:
        msg = (
            f"target_return {target * yearly:.6g} is outside what the limits allow, from {low * yearly:.6g} to "
            f"{high * yearly:.6g} a year; choose one within"
        )
        raise InvalidInput(msg, field="target_return")
    return replace(
        problem, polytope=with_row(problem.polytope, problem.mean, least=min(target, high), name="target_return")
    )
