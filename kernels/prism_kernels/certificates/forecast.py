"""Forecasts: what was fitted and what is left make the past, and the model's own recursion gives its numbers again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from prism_kernels.certificates import recursions
from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal, spread
from prism_kernels.certificates.recursions import Lane, Told

__all__ = ["certificate"]

_SERIES = 10  # of a batch that are looked into, spread over it
_MOST = 4000  # periods of a series that are looked into
_TOLERANCE = 1e-6


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Check a forecast against the past, and its numbers against its parameters.

    Parameters
    ----------
    evidence
        A ``Forecast``.
    """
    y, fitted = evidence.values("y"), evidence["fitted"]
    size = np.nanmax(np.abs(y), axis=1, keepdims=True)
    there = ~np.isnan(fitted)
    whole = np.where(there, fitted + evidence["residuals"], 0.0)
    yield equal("fitted and residuals add up to the past", whole, np.where(there, y, 0.0), unit=size)
    yield from _nested(evidence)
    yield from _criteria(evidence)
    rows = [k for k, s in enumerate(evidence["status"]) if s in ("ok", "not_converged")]
    if rows and y.shape[1] <= _MOST and not any("power of two" in w for w in evidence.warnings):
        yield from _recomputed(evidence, [rows[k] for k in spread(len(rows), _SERIES)])


def _nested(evidence: Evidence) -> Iterator[Check]:
    lo, hi, order = evidence["lo"], evidence["hi"], np.argsort(evidence.axes["level"])
    inside = [(hi[:, order] < lo[:, order]).any()]
    for one, wider in itertools.pairwise(order):
        inside += [(lo[:, wider] > lo[:, one]).any(), (hi[:, wider] < hi[:, one]).any()]
    yield Check("wider intervals hold the narrower ones", math.inf if any(inside) else 0.0, 0.0)


def _criteria(evidence: Evidence) -> Iterator[Check]:
    """Read the number of parameters from AIC, and find BIC and AICc from it."""
    loglik, aic = evidence["loglik"].astype(float), evidence["aic"].astype(float)
    known = np.isfinite(loglik)
    if not known.any():
        return
    count = (~np.isnan(evidence["residuals"][known])).sum(axis=1)
    k = aic[known] / 2 + loglik[known]
    whole = np.rint(k)
    unit = 1.0 + np.abs(loglik[known])
    yield equal("AIC charges whole parameters", k.astype(evidence["aic"].dtype), whole, unit=unit)
    bic = whole * np.log(count) - 2 * loglik[known]
    yield equal("BIC is of the same likelihood", evidence["bic"][known], bic, unit=unit)
    left = count - whole - 1
    aicc = np.where(left > 0, aic[known] + 2 * whole * (whole + 1) / np.maximum(left, 1), np.inf)
    yield equal("AICc is of the same likelihood", evidence["aicc"][known], aicc, unit=unit)


def _recomputed(evidence: Evidence, rows: list[int]) -> Iterator[Check]:
    model = {"auto_arima": "arima"}.get(str(evidence["model"]), str(evidence["model"]))
    compute = {
        "arima": recursions.arima,
        "ets": recursions.smoothing,
        "theta": recursions.theta,
        "seasonal_naive": recursions.naive,
    }.get(model)
    if compute is None:  # the networks say nothing that could be computed from their parameters
        return
    found = {k: compute(_lane(evidence, k)) for k in rows}
    used = [k for k, told in found.items() if told is not None]
    if not used:
        return
    told: list[Told] = [t for t in found.values() if t is not None]
    size = np.nanmax(np.abs(evidence.values("y")[used]), axis=1)
    spread = np.sqrt(evidence["sigma2"][used].astype(float))[:, None]
    unit = np.maximum(spread, _TOLERANCE * size[:, None])
    for name in ("fitted", "mean"):
        numbers = np.array([getattr(t, name) for t in told])
        what = "one-step predictions" if name == "fitted" else "forecasts"
        yield equal(f"{what} from the parameters", evidence[name][used], numbers, unit=unit, tolerance=_TOLERANCE)
    for name, tolerance in (("sigma2", 1e-5), ("loglik", _TOLERANCE)):
        numbers = np.array([getattr(t, name) for t in told])
        yield equal(f"{name} from the parameters", evidence[name][used], numbers, unit=0.0, tolerance=tolerance)


def _lane(evidence: Evidence, k: int) -> Lane:
    y, axes = evidence.values("y")[k], evidence.axes
    regressors: dict[str, Any] = {
        n: evidence.values(n) if n in evidence.data else None for n in ("exog", "exog_future")
    }
    params: Floats = evidence["params"][k].astype(float)
    return Lane(
        y=y,
        first=int((~np.isnan(y)).argmax()),
        h=int(evidence.settings["h"]),
        params=dict(zip(axes["parameter"], params.tolist(), strict=True)),
        order=tuple(int(v) for v in evidence["order"][k]),
        season=evidence.season("y"),
        sigma2=float(evidence["sigma2"][k]),
        fitted=evidence["fitted"][k].astype(float),
        **regressors,
    )
