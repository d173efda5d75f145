"""Scores of forecasts, computed again from the forecasts, one series at a time, by their definitions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal

__all__ = ["cross_validation", "metrics"]


def metrics(evidence: Evidence) -> Iterator[Check]:
    """Compute each measure again from truths and predictions.

    Parameters
    ----------
    evidence
        A ``Metrics``.
    """
    parts = {n: evidence.values(n) for n in evidence.data}
    level, season = evidence.settings["level"], evidence.settings["season_length"]
    found = [_measured({n: v[k] for n, v in parts.items()}, level, season) for k in range(len(parts["y_true"]))]
    for name, values in evidence.fields.items():
        unit = evidence["mae"] if name == "bias" else 0.0
        yield equal(f"{name} of the predictions", values, [one[name] for one in found], unit=unit)


def _measured(given: dict[str, Floats], level: float | None, season: int) -> dict[str, float]:
    truth, guess = given["y_true"], given["y_pred"]
    there = ~(np.isnan(truth) | np.isnan(guess))
    y, e = truth[there], guess[there] - truth[there]
    size = np.abs(e)
    both = np.abs(y) + np.abs(guess[there])
    with np.errstate(divide="ignore", invalid="ignore"):
        smape = np.where(both == 0, 0.0, 2 * size / both)
        mape = math.nan if (y == 0).any() else _mean(size / np.abs(y))
    found = {"mae": _mean(size), "rmse": _root(e), "bias": _mean(e), "mape": mape, "smape": _mean(smape)}
    found["wape"] = _share(float(size.sum()), float(np.abs(y).sum()))
    if "y_train" in given:
        step = given["y_train"][season:] - given["y_train"][:-season]
        step = step[~np.isnan(step)]
        found |= {"mase": _share(found["mae"], _mean(np.abs(step))), "rmsse": _share(found["rmse"], _root(step))}
    if level is not None and "lo" in given:
        found |= _interval(truth, guess, given["lo"], given["hi"], level)
    return found


def _interval(truth: Floats, guess: Floats, low: Floats, high: Floats, level: float) -> dict[str, float]:
    from scipy.special import ndtr, ndtri

    there = ~np.isnan(truth + guess + low + high)
    y, x, lo, hi = (v[there] for v in (truth, guess, low, high))
    outside = np.where(y < lo, lo - y, np.where(y > hi, y - hi, 0.0))

    def quantile_loss(at: Floats, share: float) -> Floats:
        return np.where(y >= at, share * (y - at), (1 - share) * (at - y))

    sigma = (hi - lo) / (2 * ndtri(0.5 + level / 2))
    wide = sigma > 1e-20 * np.abs(y - x)
    s = np.where(wide, sigma, 1.0)
    z = np.where(wide, (y - x) / s, 0.0)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    crps = np.where(wide, s * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / math.sqrt(math.pi)), np.abs(y - x))
    loss = quantile_loss(lo, (1 - level) / 2) + quantile_loss(x, 0.5) + quantile_loss(hi, (1 + level) / 2)
    return {
        "coverage": _mean((outside == 0).astype(float)),
        "winkler": _mean(hi - lo + 2 / (1 - level) * outside),
        "pinball": _mean(loss / 3),
        "crps": _mean(crps),
    }


def _mean(values: Any) -> float:
    return math.fsum(values) / len(values) if len(values) else math.nan


def _root(values: Floats) -> float:
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    return largest * math.sqrt(_mean((values / largest) ** 2)) if len(values) else math.nan


def _share(above: float, below: float) -> float:
    return above / below if below else math.nan


def cross_validation(evidence: Evidence) -> Iterator[Check]:
    """Compare the truths with the data, and compute the scores again from the forecasts.

    Parameters
    ----------
    evidence
        A ``CrossValidation``.
    """
    y, h = evidence.values("y"), int(evidence.settings["h"])
    windows, step = int(evidence.settings["n_windows"]), evidence.settings["step_size"] or h
    cuts = [y.shape[1] - h - k * step for k in reversed(range(windows))]
    truth = np.stack([y[:, c : c + h] for c in cuts])
    yield equal("the truths are the data", evidence["y_true"], truth, tolerance=0.0)
    names = list(evidence.axes["score"])
    found = np.full((len(names), len(y)), np.nan)
    for k in range(len(y)):
        own = {n: evidence[n][:, k].astype(float) for n in ("mean", "lo", "hi")} | {"y": truth[:, k]}
        scores = _scored(own, y[k, : cuts[0]], max(evidence.season("y")), evidence.axes["level"])
        found[:, k] = [scores[n] for n in names]
    unit = np.zeros((len(names), 1)) + np.array([[n == "bias"] for n in names]) * evidence["scores"][names.index("mae")]
    yield equal("scores of the forecasts", evidence["scores"], found, unit=unit)


def _scored(own: dict[str, Floats], train: Floats, season: int, levels: Any) -> dict[str, float]:
    given = {"y_true": own["y"].ravel(), "y_pred": own["mean"].ravel()}
    if len(train) > season:
        given["y_train"] = train
    found: dict[str, float] = {}
    for k, level in enumerate(levels):
        ends = {"lo": own["lo"][:, k].ravel(), "hi": own["hi"][:, k].ravel()}
        measured = _measured({**given, **ends}, level, season)
        found |= {n: v for n, v in measured.items() if n not in ("coverage", "winkler", "pinball", "crps")}
        found |= {f"{n}-{100 * level:.10g}": measured[n] for n in ("coverage", "winkler")}
    return found
