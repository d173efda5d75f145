"""Certificates: what a result must fulfil, checked by plain code that shares nothing with the operation behind it.

A certificate takes the saved result and the data, never the operation, and computes from the definitions: residuals
from fitted values, a likelihood from the reported parameters, scores from forecasts, neighbours by looking at every
pair. Packages of operations bring theirs by the entry-point group ``prism.certificates``, one entry named as the
operation.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable, Iterable
from typing import cast

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence

__all__ = ["Check", "Evidence", "certificates", "certify"]

_KNOWN = {
    "finance.allocate": "allocation",
    "finance.backtest": "backtest",
    "finance.rebalance": "rebalance",
    "finance.optimize": "portfolio",
    "finance.report": "tear_sheet",
    "finance.resample_frontier": "resampled_frontier",
    "finance.risk": "risk",
    "timeseries.anomaly": "anomaly",
    "timeseries.correlation": "correlation",
    "timeseries.cross_validate": "scores:cross_validation",
    "timeseries.decompose": "decomposition",
    "timeseries.diagnose": "diagnosis",
    "timeseries.forecast": "forecast",
    "timeseries.metrics": "scores:metrics",
    "timeseries.resample": "resampled",
    "timeseries.trend": "trend",
    "information.active_information_storage": "information:storage",
    "information.conditional_mutual_information": "information:conditional",
    "information.entropy": "information:entropy",
    "information.mutual_information": "information:mutual",
    "information.transfer_entropy": "information:transfer",
    "information.transfer_entropy_matrix": "information:transfer_matrix",
}

_Certificate = Callable[[Evidence], Iterable[Check]]


def certificates() -> tuple[str, ...]:
    """Return the names of the operations whose results can be certified, those of other packages included."""
    from importlib.metadata import entry_points

    return tuple(sorted({*_KNOWN, *(entry.name for entry in entry_points(group="prism.certificates"))}))


def certify(operation: str, evidence: Evidence) -> tuple[Check, ...] | None:
    """Check a result; None where its operation has no certificate, or what it would need is out of reach.

    Parameters
    ----------
    operation
        Name of the operation.
    evidence
        Its result, data and settings.
    """
    found = _find(operation)
    if found is None:
        return None
    checks: list[Check] = []
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of series without a number, which have a status instead
        try:
            checks.extend(found(evidence))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # of a result that was made up
            checks.append(Check("the result can be read", math.inf, 0.0))
    return tuple(checks) or None


def _find(operation: str) -> _Certificate | None:
    if operation in _KNOWN:
        module, _, name = _KNOWN[operation].partition(":")
        return cast("_Certificate", getattr(importlib.import_module(f"{__name__}.{module}"), name or "certificate"))
    from importlib.metadata import entry_points

    for entry in entry_points(group="prism.certificates", name=operation):
        return cast("_Certificate", entry.load())
    return None
