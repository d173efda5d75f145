"""Black and Litterman: what the market expects, corrected by views, in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.finance.settings import View

__all__ = ["implied_returns", "picks_of", "posterior"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


def implied_returns(covariance: Floats, market_weights: Floats, *, risk_aversion: float = 1.0) -> Floats:
    """Return the returns above the risk-free rate for which holding the market is the best one can do, Π = δ·Σ·w.

    Parameters
    ----------
    covariance
        Asset × asset, per period.
    market_weights
        Weight of each asset in the market.
    risk_aversion
        δ, the market's return for each unit of variance.
    """
    return np.asarray(risk_aversion * (covariance @ market_weights))


def posterior(
    covariance: Floats,
    prior: Floats,
    picks: Floats,
    values: Floats,
    confidences: Floats,
    *,
    tau: float = 0.05,
) -> tuple[Floats, Floats]:
    """Return the mean and covariance of returns after views.

    Parameters
    ----------
    covariance
        Σ, asset × asset, per period.
    prior
        Π, the expected return of each asset before the views, per period; above the risk-free rate or with it, as the
        views are.
    picks
        P, view × asset: the portfolio that each view speaks of.
    values
        Q, the return of each such portfolio, per period.
    confidences
        From above 0 to 1; a view is certain at 1.
    tau
        How uncertain the prior is, as a share of the covariance.

    Returns
    -------
    tuple
        Mean of each asset, and the covariance of returns: Σ and what is still uncertain of the mean.

    Raises
    ------
    InvalidInput
        For certain views that contradict or repeat each other.

    Notes
    -----
    With Ω = diag((1 − c)/c · p·τΣ·p'), the variance of each view by its confidence c: mean Π + τΣP'(PτΣP' + Ω)⁻¹(Q −
    PΠ), covariance Σ + τΣ − τΣP'(PτΣP' + Ω)⁻¹PτΣ. Without views the mean is the prior. Runs on CPU.

    References
    ----------
    F. Black and R. Litterman (1992), "Global portfolio optimization". G. He and R. Litterman (1999), "The intuition
    behind Black-Litterman model portfolios". T. Idzorek (2005), "A step-by-step guide to the Black-Litterman model".
    """
    uncertain = tau * covariance
    if not len(picks):
        return prior.copy(), covariance + uncertain
    along = picks @ uncertain
    inside = along @ picks.T
    variance = np.diag(inside) * (1 - confidences) / confidences
    system = inside + np.diag(variance)
    scale = np.sqrt(np.diag(system))
    if not (scale > 0).all() or np.linalg.cond(system / np.outer(scale, scale)) > 1e13:
        msg = "views that are certain contradict or repeat each other; leave one out, or give confidences below 1"
        raise InvalidInput(msg, field="views")
    gain = np.linalg.solve(system, along).T
    mean = prior + gain @ (values - picks @ prior)
    left = uncertain - gain @ along
    return mean, covariance + (left + left.T) / 2


def picks_of(
    views: Sequence[View], assets: Sequence[str], *, periods_per_year: float = 1.0
) -> tuple[Floats, Floats, Floats]:
    """Return views as matrices: portfolios (view × asset), their returns per period, confidences.

    Parameters
    ----------
    views
        What is believed, with returns a year.
    assets
        Names of the assets.
    periods_per_year
        Periods in a year.

    Raises
    ------
    InvalidInput
        For a view without assets, of an unknown asset, or with an asset on both sides.
    """
    picks = np.zeros((len(views), len(assets)))
    for row, view, number in zip(picks, views, range(1, len(views) + 1), strict=True):
        if not view.assets:
            msg = f"view {number} names no asset; give assets=('{assets[0]}',) or leave the view out"
            raise InvalidInput(msg, field="views", where=f"view {number}")
        both = sorted(set(view.assets) & set(view.over))
        if both:
            msg = f"view {number} has {both[0]} on both sides; name it in assets or in over"
            raise InvalidInput(msg, field="views", where=f"view {number}")
        for names, sign in ((view.assets, 1.0), (view.over, -1.0)):
            for name in names:
                row[_place(name, assets, number)] += sign / len(names)
    returns = np.array([v.expected_return / periods_per_year for v in views])
    return picks, returns, np.array([v.confidence for v in views])


def _place(name: str, assets: Sequence[str], number: int) -> int:
    if name not in assets:
        msg = f"view {number} names {name!r}, which is no asset; {nearest(name, assets)}"
        raise InvalidInput(msg, field="views", where=f"view {number}")
    return list(assets).index(name)
