"""Trends: pairs counted one by one, segments measured from their values, cuts that no small change makes cheaper."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal, spread

__all__ = ["certificate"]

_SERIES = 20  # of a batch whose cuts are moved, spread over it
_MOST = 4_000_000  # pairs that are looked at one by one


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Check a trend against its definition.

    Parameters
    ----------
    evidence
        A ``Trend``.
    """
    y = [row[~np.isnan(row)] for row in evidence.values("y")]
    level = [
        row[~np.isnan(own)].astype(float) for row, own in zip(evidence["trend"], evidence.values("y"), strict=True)
    ]
    if evidence.has("changepoints"):
        yield from _segments(evidence, y, level)
    elif evidence.has("tau"):
        yield from _monotone(evidence, y, level)
    else:
        yield from _smooth(evidence, y, level)


def _smooth(evidence: Evidence, y: list[Floats], trend: list[Floats]) -> Iterator[Check]:
    """Check the equation of the least sum of squares: trend + λ times its fourth differences is the series."""
    left, sizes = [], []
    for row, tau, smoothing in zip(y, trend, evidence["penalty"], strict=True):
        bent = np.convolve(np.convolve(tau, [1, -2, 1], "valid"), [1, -2, 1])
        left.append(np.abs(tau + smoothing * bent - row).max())
        sizes.append((16 * smoothing + 1) * np.abs(row).max())
    tolerance = 1e-5 if evidence["trend"].dtype == np.float32 else 1e-9
    worst = max(a / b for a, b in zip(left, sizes, strict=True))
    yield Check("the trend solves the equation of the least squares", float(worst), tolerance)


def _monotone(evidence: Evidence, y: list[Floats], line: list[Floats]) -> Iterator[Check]:
    if sum(len(row) ** 2 for row in y) > 2 * _MOST:
        return
    found = [_paired(row, evidence.settings["alpha"]) for row in y]
    for name in ("tau", "p_value"):
        yield equal(f"{name} of all pairs", evidence[name], [one[name] for one in found])
    unit = np.array([np.ptp(row) / len(row) for row in y])
    yield equal("median slope of all pairs", evidence["slope"], [one["slope"] for one in found], unit=unit)
    ends = np.array([one["ci"] for one in found])
    yield equal("interval of the slope", evidence["slope_ci"], ends, unit=unit[:, None])
    apart = [row - np.median(own) for row, own in zip(line, y, strict=True)]
    sizes = [np.abs(own).max() for own in y]
    off = [
        np.abs(a - s * (np.arange(len(a)) - (len(a) - 1) / 2)).max() / size if size else 0.0
        for a, s, size in zip(apart, evidence["slope"], sizes, strict=True)
    ]
    single = evidence["trend"].dtype == np.float32
    yield Check("the line passes through the medians", float(max(off)), 1e-4 if single else 1e-9)


def _paired(y: Floats, alpha: float) -> dict[str, object]:
    """Return Kendall's tau-b with time, its p-value, and the median slope with its interval, from every pair."""
    from scipy.special import erfc, ndtri

    n = len(y)
    i, j = np.triu_indices(n, 1)
    rise = y[j] - y[i]
    score, pairs = int(np.sign(rise).sum()), len(rise)
    tied = np.unique(y, return_counts=True)[1].astype(float)
    variance = (n * (n - 1) * (2 * n + 5) - float((tied * (tied - 1) * (2 * tied + 5)).sum())) / 18
    untied = pairs - float((tied * (tied - 1) / 2).sum())
    slopes = np.sort(rise / (j - i))
    z = max(abs(score) - 1, 0) / math.sqrt(variance) if variance > 0 else 0.0
    reach = -ndtri(alpha / 2) * math.sqrt(max(variance, 0.0))
    low, high = max(round((pairs - reach) / 2), 1), min(round((pairs + reach) / 2) + 1, pairs)
    return {
        "tau": score / math.sqrt(pairs * untied) if untied > 0 else 0.0,
        "p_value": float(erfc(z / math.sqrt(2))),
        "slope": float(np.median(slopes)),
        "ci": (slopes[low - 1], slopes[high - 1]),
    }


def _segments(evidence: Evidence, y: list[Floats], level: list[Floats]) -> Iterator[Check]:
    first = [int((~np.isnan(row)).argmax()) for row in evidence.values("y")]
    cuts = [[at - f for at in cut] for cut, f in zip(evidence["changepoints"], first, strict=True)]
    edges = [[0, *cut, len(row)] for cut, row in zip(cuts, y, strict=True)]
    parts = [[row[a:b] for a, b in itertools.pairwise(edge)] for row, edge in zip(y, edges, strict=True)]
    means = [np.concatenate([np.full(len(p), p.mean()) for p in part]) for part in parts]
    sizes = [np.full(len(row), np.abs(row).max()) for row in y]
    whole, found, unit_of_each = np.concatenate(level), np.concatenate(means), np.concatenate(sizes)
    worst = equal("", whole, found, unit=unit_of_each).difference
    single = evidence["trend"].dtype == np.float32
    yield Check("the trend is the mean of each segment", worst, 1e-4 if single else 1e-9)
    flat = [p for part in parts for p in part]
    told, unit = evidence["segments"], [np.abs(row).max() for row, part in zip(y, parts, strict=True) for _ in part]
    if len(told) != len(flat):
        yield Check("a segment for each stretch between changes", math.inf, 0.0)
        return
    yield equal("mean of each segment", [s.mean for s in told], [p.mean() for p in flat], unit=unit)
    yield equal("deviation inside each segment", [s.sd for s in told], [p.std() for p in flat], unit=unit)
    kind, least = evidence.settings["cost"], int(evidence.settings["min_size"])
    costs = [_cost(row, edge, kind) for row, edge in zip(y, edges, strict=True)]
    size = [float(((row - row.mean()) ** 2).sum()) if kind == "l2" else float(len(row)) for row in y]
    yield equal("cost of the segments", evidence["cost"], costs, unit=size, tolerance=1e-7)
    saved = [
        max(-_best_near(y[k], edges[k], kind, least, float(evidence["penalty"][k])), 0.0) / max(abs(costs[k]), size[k])
        for k in spread(len(y), _SERIES)
        if size[k] > 0
    ]
    yield Check("no cut is better moved or left out", float(max(saved, default=0.0)), 1e-7)


def _cost(y: Floats, edges: Sequence[int], kind: str) -> float:
    """Return the sum of squares around the means, or minus twice the log-likelihood."""
    floor = _floor(y) if kind == "normal" else 0.0
    return math.fsum(_one(y[a:b], kind, floor) for a, b in itertools.pairwise(edges))


def _one(part: Floats, kind: str, floor: float) -> float:
    n, spread = len(part), float(((part - part.mean()) ** 2).sum())
    if kind == "l2":
        return spread
    if kind == "poisson":
        total = float(part.sum())
        return 2 * total * (1 - math.log(total / n)) if total > 0 else 0.0
    variance = max(spread / n, floor)
    return n * math.log(2 * math.pi * variance) + spread / variance


def _floor(y: Floats) -> float:
    """Return the variance of rounding to the smallest step between values."""
    steps = np.diff(np.unique(y))
    steps = steps[steps > 1e-12 * y.std()]
    if steps.size:
        return float(steps.min() ** 2 / 12)
    return math.ldexp(1.0, math.frexp(float(np.abs(y).max()) or 1.0)[1] - 1) ** 2


def _best_near(y: Floats, edges: list[int], kind: str, least: int, penalty: float) -> float:
    """Return by how much one cut moved by a period, or left out and its penalty saved, changes the cost at best."""
    floor, found = _floor(y) if kind == "normal" else 0.0, math.inf
    for start, cut, stop in zip(edges, edges[1:], edges[2:], strict=False):

        def parted(*at: int) -> float:
            return math.fsum(_one(y[a:b], kind, floor) for a, b in itertools.pairwise(at))

        now = parted(start, cut, stop)
        moved = [m for m in (cut - 1, cut + 1) if m - start >= least and stop - m >= least]
        found = min([found, *(parted(start, m, stop) - now for m in moved)])
        if not math.isnan(penalty):
            found = min(found, parted(start, stop) - penalty - now)
    return found
