"""Decompositions: the parts make the series, and the strengths are those of the parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal

__all__ = ["certificate"]


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Put the parts together again, and measure their strengths.

    Parameters
    ----------
    evidence
        A ``Decomposition``.
    """
    y = evidence.values("y")
    trend, seasonal, residual = (evidence[n].astype(float) for n in ("trend", "seasonal", "residual"))
    product = evidence["model"] == "multiplicative"
    whole = trend * seasonal.prod(axis=1) * residual if product else trend + seasonal.sum(axis=1) + residual
    there = ~np.isnan(residual)
    unit = np.nanmax(np.abs(y), axis=1, keepdims=True)
    name = "the parts multiply to the series" if product else "the parts add up to the series"
    yield equal(name, np.where(there, whole, 0.0).astype(evidence["trend"].dtype), np.where(there, y, 0.0), unit=unit)
    if product:
        trend, seasonal, residual = np.log(trend), np.log(seasonal), np.log(residual)
    flat = np.nanmax(y, axis=1) == np.nanmin(y, axis=1)
    strength = [_strength(t, r) * ~f for t, r, f in zip(trend, residual, flat, strict=True)]
    yield equal("strength of the trend", evidence["trend_strength"], strength, unit=1.0)
    seasons = [[_strength(s, r) * ~f for s in part] for part, r, f in zip(seasonal, residual, flat, strict=True)]
    yield equal("strength of the seasons", evidence["seasonal_strength"], seasons, unit=1.0)


def _strength(part: Floats, residual: Floats) -> float:
    there = ~np.isnan(residual)
    size = np.abs(part[there] + residual[there]).max() or 1.0
    left, whole = np.var(residual[there] / size), np.var((part[there] + residual[there]) / size)
    return max(0.0, 1 - float(left / whole)) if whole > 0 else 0.0
