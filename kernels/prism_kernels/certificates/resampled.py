"""Resampled series: no observation is lost, and totals and limits are kept."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, equal

__all__ = ["certificate"]


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Count the observations, and compare what the way of resampling keeps.

    Parameters
    ----------
    evidence
        A ``Resampled``.
    """
    given, values, count = evidence.values("y"), evidence["values"], evidence["count"]
    yield equal("every observation is counted", count.sum(axis=1), (~np.isnan(given)).sum(axis=1), tolerance=0.0)
    yield equal("periods without observation are missing", np.isnan(values), count == 0, tolerance=0.0)
    how, size = evidence.settings["how"], np.nansum(np.abs(given), axis=1)
    if how in ("sum", "mean"):
        total = np.nansum(values if how == "sum" else values * count, axis=1)
        yield equal("the total is kept", total, np.nansum(given, axis=1), unit=size)
    elif how in ("min", "max"):
        extreme = np.nanmin if how == "min" else np.nanmax
        yield equal("the extreme is kept", extreme(values, axis=1), extreme(given, axis=1), tolerance=0.0)
    else:
        low, high = np.nanmin(given, axis=1, keepdims=True), np.nanmax(given, axis=1, keepdims=True)
        outside = np.nansum((values < low) | (values > high))
        yield equal("values lie among the observations", float(outside), 0.0, tolerance=0.0)
