"""The critical line algorithm: every corner portfolio of the efficient frontier, for any linear limits."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import NotConverged
from prism_kernels.finance.frontier import Corners
from prism_kernels.finance.frontier_trace import Leg, Path, Trace
from prism_kernels.finance.polytope import Polytope

__all__ = ["critical_line", "critical_lines"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_ACCURATE = 1e-9
_SPREAD = 1e-14
_RIDGE = 1e-10
_LEAST = 1e-6
_BATCH_BYTES = 2**28


def critical_line(mean: Floats, covariance: Floats, polytope: Polytope) -> Corners:
    """Return every corner portfolio of an efficient frontier.

    Parameters
    ----------
    mean
        Expected return of each asset, per period.
    covariance
        Covariance of the assets, asset × asset, per period; symmetric and positive semidefinite.
    polytope
        What the limits allow.

    Raises
    ------
    InvalidInput
        When no weights meet all limits.
    NotConverged
        When no solver finds a frontier that meets the optimality conditions to 1e-9.

    Notes
    -----
    Traced from the least variance (DAQP) upwards. Of several elements that reach their ends at one λ the first in
    order moves (Murty's least-index rule). Degenerate data, where that does not go on or the covariance does not tell
    free assets apart, is traced with a ridge of 1e-10 of the mean variance, so that of portfolios alike in return and
    variance the one with the least sum of squares is taken, from λ = 1 upwards and downwards; ``exact`` is then False.
    Runs on the CPU.

    References
    ----------
    Markowitz (1956), The Optimization of a Quadratic Function Subject to Linear Constraints.
    Markowitz, Todd (2000), Mean-Variance Analysis in Portfolio Choice and Capital Markets.
    Bailey, López de Prado (2013), An Open-Source Implementation of the Critical-Line Algorithm for Portfolio
    Optimization.
    Stein, Branke, Schmeck (2008), Efficient Implementation of an Active Set Algorithm for Large-Scale Portfolio
    Selection.
    Murty (1974), Note on a Bard-Type Scheme for Solving the Complementarity Problem.
    """
    return critical_lines(mean[None], covariance[None], polytope)[0]


def critical_lines(means: Floats, covariances: Floats, polytope: Polytope) -> list[Corners]:
    """Return the corner portfolios of many frontiers within the same limits, traced in parallel.

    Parameters
    ----------
    means
        Lane × asset.
    covariances
        Lane × asset × asset, or one for all lanes.
    polytope
        What the limits allow.
    """
    each = np.broadcast_to(covariances, (len(means), *covariances.shape[1:]))
    scaled = [_Scaled.of(m, c, polytope) for m, c in zip(means, each, strict=True)]
    per_lane = 8 * (5 * (polytope.count + len(polytope.rows)) + 50) * polytope.count
    batch = max(1, _BATCH_BYTES // per_lane)
    return [c for k in range(0, len(scaled), batch) for c in _traced(scaled[k : k + batch], polytope)]


@dataclass(frozen=True)
class _Scaled:
    """A frontier's data, and the same in units in which both the variances and the spread of the means are about 1."""

    given: tuple[Floats, Floats]
    mean: Floats
    covariance: Floats
    unit: float

    @classmethod
    def of(cls, mean: Floats, covariance: Floats, polytope: Polytope) -> _Scaled:
        held = _whole(polytope)
        centre = mean.mean() if held is not None else 0.0  # a fixed sum of weights makes a shift of all means idle
        spread = float(np.abs(mean - centre).max(initial=0.0))
        flat = spread <= _SPREAD * float(np.abs(mean).max(initial=0.0))
        variance = float(np.diag(covariance).mean()) or 1.0
        relative = np.zeros_like(mean) if flat else (mean - centre) / spread
        return cls((mean, covariance), relative, covariance / variance, variance / (1.0 if flat else spread))


def _whole(polytope: Polytope) -> int | None:
    """Return which limit fixes the sum of all weights, if one does."""
    rows = polytope.rows
    same = (rows == rows[:, :1]).all(axis=1) & (rows[:, 0] != 0) & (polytope.least == polytope.most)
    found = np.flatnonzero(same)
    return int(found[0]) if len(found) else None


def _traced(problems: list[_Scaled], polytope: Polytope) -> list[Corners]:
    """Trace frontiers from the least variance up, and those of degenerate data once more in another way."""
    trace = Trace([Path(mean=p.mean, covariance=p.covariance) for p in problems], polytope)
    found = [_exact(p, trace, k, polytope) for k, p in enumerate(problems)]
    return [_evened(p, polytope) if c is None else c for p, c in zip(problems, found, strict=True)]


def _exact(problem: _Scaled, trace: Trace, k: int, polytope: Polytope) -> Corners | None:
    """Return what a lane found, or None where it did not end or does not meet the optimality conditions."""
    if not trace.done[k]:
        return None
    leg = trace.leg(k)
    residuals = _residuals(problem, polytope, leg)
    return _corners(problem, leg, residuals, exact=True) if (residuals <= _ACCURATE).all() else None


def _evened(problem: _Scaled, polytope: Polytope) -> Corners:
    """Return the frontier of degenerate data: of portfolios alike in return and variance the most even ones.

    A ridge decides between such portfolios. The trace goes up and down from λ = 1, since near zero many portfolios may
    have the least variance; where the way down loses itself, the frontier starts there.
    """
    definite = problem.covariance + _RIDGE * np.eye(polytope.count)
    upwards = Path(mean=problem.mean, covariance=definite, begin=1.0)
    trace = Trace([upwards, dataclasses.replace(upwards, end=_LEAST)], polytope)
    up, down = trace.leg(0), trace.leg(1)
    if trace.done[0]:
        bad = np.flatnonzero(_residuals(problem, polytope, down) > _ACCURATE)
        below = down.taken(slice(bad.max(initial=-1) + 1, None))
        leg = up.after(below) if len(below.since) else up
        residuals = _residuals(problem, polytope, leg)
        if (residuals <= _ACCURATE).all():
            return _corners(problem, leg, residuals, exact=False)
    msg = (
        "the frontier was not found to 1e-9, since the covariance is singular and leaves too many portfolios alike; "
        "drop assets that repeat others, or take covariance_estimator='ledoit_wolf'"
    )
    raise NotConverged(msg)


def _corners(problem: _Scaled, leg: Leg, residuals: Floats, *, exact: bool) -> Corners:
    mean, covariance = problem.given
    variances = np.einsum("ij,ij->i", leg.weights @ covariance, leg.weights)
    return Corners(
        weights=leg.weights,
        multipliers=leg.since * problem.unit,
        until=leg.until * problem.unit,
        returns=leg.weights @ mean,
        volatilities=np.sqrt(np.maximum(variances, 0.0)),
        mean=mean,
        covariance=covariance,
        ray=leg.ray if leg.ray.any() else None,
        exact=exact,
        residual=float(residuals.max()),
    )


def _residuals(problem: _Scaled, polytope: Polytope, leg: Leg) -> Floats:
    """Return each corner's largest violation of feasibility, stationarity, signs or complementarity, relative to size.

    Weights that a step against the gradient, cut back to the bounds, does not move are stationary.
    """
    weights, prices = leg.weights, leg.prices
    push, price = leg.since[:, None] * problem.mean, prices @ polytope.rows
    terms = (np.abs(weights) @ np.abs(problem.covariance), push, price)
    size = np.maximum.reduce([np.abs(t).max(axis=1, initial=_SPREAD) for t in terms])[:, None]
    gradient = weights @ problem.covariance - push + price
    stepped = np.clip(weights - gradient / size, polytope.lower, polytope.upper)
    along = weights @ polytope.rows.T
    held = np.clip(along + prices / size, polytope.least, polytope.most)
    apart = (np.abs(stepped - weights).max(axis=1, initial=0.0), np.abs(held - along).max(axis=1, initial=0.0))
    worst: Floats = np.maximum(*apart)
    return worst
