"""Risk parity: the portfolio whose assets carry risk in proportion to their budgets, by damped Newton steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput
from prism_kernels.finance.solution import Solution

__all__ = ["budget_of", "contributions", "solve"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_CLOSE = 0.95 * (3 - math.sqrt(5)) / 2  # Newton's decrement below which full steps converge quadratically
_NEAR, _LAST = 1e-5, 1e-9  # steps so short leave an error of their square, of their product with the one before
_STARTS = 8  # cheap steps ahead of Newton's, where assets mostly move together
_STEPS = 200


def solve(
    covariance: Floats,
    budget: Floats | None = None,
    *,
    total: float = 1.0,
    lower: Floats | None = None,
    upper: Floats | None = None,
    tolerance: float = 1e-10,
    assets: Sequence[str] = (),
) -> Solution:
    """Return the long-only portfolio in which each asset carries its budget of the risk.

    Parameters
    ----------
    covariance
        Asset × asset, symmetric and positive semidefinite.
    budget
        Share of the risk of each asset, above 0, adding up to 1; None for equal ones.
    total
        Sum of the weights, above 0.
    lower, upper
        Bounds of each weight; None for none. Where they hold, assets at a bound stay there, and the others carry risk
        in proportion to their budgets.
    tolerance
        Largest difference between a contribution to risk and its budget with which the status is ``optimal``.
    assets
        Names, for messages.

    Raises
    ------
    InvalidInput
        For budgets that are not above 0 or do not add up to 1, for bounds within which risk cannot be shared so, and
        where a portfolio without short positions carries
        no risk: no weights share what is not there.

    Notes
    -----
    The minimum of ½·x'Σx − Σ bᵢ·log xᵢ, scaled to the sum: there xᵢ·(Σx)ᵢ = bᵢ. Solved in the units of correlation by
    Newton's method, damped by 1/(1 + δ) with δ the longest relative step. The gap is the exact duality gap
    Σ bᵢ·(rᵢ − 1 − log rᵢ) with rᵢ the contribution over its budget. Runs on CPU.

    References
    ----------
    F. Spinu (2013), "An algorithm for computing risk parity weights".
    S. Maillard, T. Roncalli and J. Teïletche (2010), "The properties of equally weighted risk contribution
    portfolios".
    """
    names = tuple(assets) or tuple(f"asset {k}" for k in range(len(covariance)))
    shares = budget_of(budget, len(covariance), names)
    deviation = np.sqrt(np.diag(covariance))
    if not (deviation > 0).all():
        raise _riskless([names[k] for k in np.flatnonzero(~(deviation > 0)).tolist()])
    correlation = covariance / np.outer(deviation, deviation)
    scaled, steps = _newton(correlation, shares, names)
    ratio = scaled * (correlation @ scaled) / shares
    gap = float(shares @ (ratio - 1 - np.log1p(ratio - 1))) if (ratio > 0).all() else math.inf
    raw = scaled / deviation
    weights = total * raw / raw.sum()
    if (lower is not None and (weights < lower).any()) or (upper is not None and (weights > upper).any()):
        from prism_kernels.finance.bounded_risk_parity import bounded

        least = np.zeros(len(weights)) if lower is None else lower
        most = np.full(len(weights), np.inf) if upper is None else upper
        return bounded(covariance, shares, least, most, weights, tolerance=tolerance, assets=names)
    residual = float(np.abs(contributions(weights, covariance) - shares).max())
    return Solution(
        weights=weights,
        objective=float(0.5 * raw @ covariance @ raw - shares @ np.log(raw)),
        gap=max(gap, 0.0),
        residual=residual,
        iterations=steps,
        solver="damped Newton",
        status="optimal" if residual <= tolerance else "inaccurate",
    )


def contributions(weights: Floats, covariance: Floats) -> Floats:
    """Return the share of a portfolio's variance that each asset carries; they add up to 1.

    Parameters
    ----------
    weights
        One weight an asset.
    covariance
        Asset × asset.
    """
    each = weights * (covariance @ weights)
    return np.asarray(each / each.sum())


def budget_of(budget: Floats | None, count: int, assets: Sequence[str]) -> Floats:
    """Check budgets of risk and return them, equal ones where none were given.

    Parameters
    ----------
    budget
        Share of the risk of each asset.
    count
        Number of assets.
    assets
        Their names, for messages.

    Raises
    ------
    InvalidInput
        For another number of budgets than assets, a budget that is not above 0, and a sum other than 1.
    """
    if budget is None:
        return np.full(count, 1.0 / count)
    shares = np.asarray(budget, dtype=np.float64)
    if shares.shape != (count,):
        msg = f"risk_budget has {shares.size} shares for {count} assets; give one for each"
        raise InvalidInput(msg, field="risk_budget")
    for k in np.flatnonzero(~(shares > 0)).tolist():
        msg = f"risk_budget of {assets[k]} is {shares[k]:g} and must be above 0; leave the asset out instead"
        raise InvalidInput(msg, field="risk_budget", where=assets[k])
    if abs(shares.sum() - 1) > 1e-9:
        msg = f"risk_budget adds up to {shares.sum():.6g} and must add up to 1; divide by the sum"
        raise InvalidInput(msg, field="risk_budget")
    return shares


def _newton(correlation: Floats, shares: Floats, names: Sequence[str]) -> tuple[Floats, int]:
    """Return y with yᵢ·(Cy)ᵢ = bᵢ, and how many steps it took; each step is relative, s = Δ/y."""
    from scipy.linalg.lapack import dposv, dpotrs

    y = _start(correlation, shares)
    narrow = math.sqrt(shares.min())
    diagonal = np.diag_indices(len(y))
    for step in range(1, _STEPS + 1):
        hessian = correlation * y[:, None] * y
        excess = hessian.sum(axis=1) - shares
        hessian[diagonal] += shares
        factor, relative, failed = dposv(hessian, excess)
        if failed or not np.isfinite(relative).all():
            break
        longest = float(np.abs(relative).max())
        decrement = math.sqrt(max(float(excess @ relative), 0.0)) / narrow
        y = y * (1 - relative / (1.0 if decrement <= _CLOSE else 1 + longest))
        if longest <= _NEAR:  # near enough for the same factor to serve once more
            relative, _ = dpotrs(factor, y * (correlation @ y) - shares)
            y = y * (1 - relative)
            if float(np.abs(relative).max()) <= _LAST:
                return y, step + 1
    held = np.flatnonzero(y > 1e-3 * y.max()).tolist()
    raise _riskless([names[k] for k in held])


def _start(correlation: Floats, shares: Floats) -> Floats:
    """Go some way to y: each asset takes the root that is right for the others, and the mean of it and its own."""
    y = np.sqrt(shares)
    risk = float(y @ correlation @ y)
    y = y / math.sqrt(risk) if risk > 1e-6 else y
    for _ in range(_STARTS):
        half = (correlation @ y - y) / 2
        y = np.sqrt(y * (np.sqrt(half * half + shares) - half))
    return np.asarray(y)


def _riskless(names: Sequence[str]) -> InvalidInput:
    some = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    if len(names) == 1:
        msg = f"covariance gives {some} no risk, and risk that is not there cannot be shared; leave it out"
    else:
        msg = f"covariance lets {some} together carry no risk, so no weights share it by budget; leave one of them out"
    return InvalidInput(msg, field="covariance", where=names[0])
