"""Resampled frontiers against their definitions, their limits, and the frontier that they cannot pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal

__all__ = ["certificate"]

_KEPT = 1e-9
_BETTER = 1e-8


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Check returns and volatilities of the weights, that limits are kept, and that nothing passes the frontier.

    Parameters
    ----------
    evidence
        A ``ResampledFrontier``.

    Notes
    -----
    The draws themselves are not drawn again; ``prism verify`` repeats the run for that.
    """
    matrix = evidence.values("returns")
    year, settings = float(evidence.settings["periods_per_year"]), evidence.settings
    weights, efficient = (np.asarray(evidence[n], dtype=float) for n in ("weights", "efficient_weights"))
    pairs = (("", weights), ("efficient_", efficient))
    whole = bool(np.isfinite(matrix).all()) and matrix.shape[1] == weights.shape[1]
    for prefix, held in pairs:
        low, high = (float(b) for b in settings["weight_bounds"])
        missed = max(float((low - held).max()), float((held - high).max()), 0.0)
        yield Check(f"{prefix}weights are within their bounds", missed, _KEPT)
        yield equal(f"{prefix}weights add up to the budget", held.sum(axis=1), np.full(len(held), settings["budget"]))
        if whole:
            mean = np.array([float(np.sum(column)) / len(column) for column in matrix.T])
            yield equal(f"{prefix}returns", evidence[f"{prefix}returns"], held @ mean * year, unit=1e-3)
            if settings["covariance_estimator"] == "sample":
                yield equal(f"{prefix}volatilities", evidence[f"{prefix}volatilities"], _deviations(matrix, held, year))
    yield Check("low is not above high", float((evidence["low"] - evidence["high"]).max(initial=0.0)), 0.0)
    yield Check("no mean portfolio passes the frontier", _passed(evidence), _BETTER)


def _deviations(matrix: Floats, weights: Floats, year: float) -> Floats:
    """Return volatilities from what portfolios would have earned."""
    earned = matrix @ weights.T
    apart = earned - earned.mean(axis=0)
    spread: Floats = np.sqrt((apart**2).sum(axis=0) / (len(matrix) - 1) * year)
    return spread


def _passed(evidence: Evidence) -> float:
    """Return by how much variance the mean portfolios are better than tangents to the efficient variances allow.

    Variances along the frontier are convex in the return, so the line through two neighbours lies below them outside of
    the two.
    """
    x, y = (np.asarray(evidence[f"efficient_{n}"], dtype=float) for n in ("returns", "volatilities"))
    at, has = (np.asarray(evidence[n], dtype=float) for n in ("returns", "volatilities"))
    gaps = np.diff(x)
    if len(x) < 3 or not (gaps > 0).all():
        return 0.0
    slopes = np.diff(y**2) / gaps
    worst = 0.0
    for r, v in zip(at, has, strict=True):
        outside = (r <= x[:-1]) | (r >= x[1:])
        lines = (y[:-1] ** 2 + slopes * (r - x[:-1]))[outside]
        worst = max(worst, float((lines - v**2).max(initial=0.0)) / float(y.max()) ** 2)
    return worst
