"""Anomalies: marks follow from scores, scores from deviations, matrix profiles from every pair of windows."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal, spread

__all__ = ["certificate"]

_MOST = 20_000_000  # numbers that are looked at: a second or less
_WINDOWS = 100  # of a series whose nearest is looked for
_MAD_TO_SIGMA = 1.4826022185056018


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Mark the periods again from their scores, and compute scores or distances again from the data.

    Parameters
    ----------
    evidence
        ``Anomalies``.
    """
    marked = evidence["is_anomaly"]
    same = [tuple(np.flatnonzero(row).tolist()) for row in marked] == [tuple(i) for i in evidence["index"]]
    yield Check("the index is where the marks are", 0.0 if same else math.inf, 0.0)
    if evidence.has("profile"):
        yield from _stretches(evidence)
        return
    score, most = np.nan_to_num(evidence["score"], nan=-np.inf), evidence.settings["max_anomalies"]
    above = score > evidence["threshold"][:, None]
    if most is not None:
        for row, marks in zip(score, above, strict=True):
            marks[sorted(range(len(row)), key=lambda t: (-row[t], t))[most:]] = False
    yield equal("the marks are where scores pass the threshold", marked, above, tolerance=0.0)
    yield from _ordinary(evidence)


def _ordinary(evidence: Evidence) -> Iterator[Check]:
    """Compare scores and limits with the deviations; a rolling spread is not part of the result."""
    if evidence.settings["window"] is not None:
        return
    y, expected, direction = evidence.values("y"), evidence["expected"], evidence.settings["direction"]
    deviation = y - expected
    centre = np.nanmedian(deviation, axis=1, keepdims=True)
    side = deviation - centre if direction == "up" else centre - deviation if direction == "down" else None
    away = np.abs(deviation - centre) if side is None else side
    middle = np.nanquantile(away, 0.5 if side is None else 0.75, axis=1, keepdims=True)
    size = np.nanmax(np.abs(y), axis=1, keepdims=True)
    regular = (middle > 1e-9 * size)[:, 0]  # nothing but rounding deviates in the others
    scale = middle * _MAD_TO_SIGMA
    unit = size[regular] / scale[regular]
    found = away[regular] / scale[regular]
    yield equal("scores of the deviations", evidence["score"][regular], found, unit=1e-3 * unit, tolerance=1e-8)
    reach = evidence["threshold"][:, None] * scale
    ends = {"lo": expected + centre - reach, "hi": expected + centre + reach}
    for name, unwatched in (("lo", "up"), ("hi", "down")):
        end = np.full_like(ends[name], -np.inf if name == "lo" else np.inf) if direction == unwatched else ends[name]
        yield equal(f"{name} of the ordinary range", evidence[name][regular], end[regular], unit=size[regular])


def _stretches(evidence: Evidence) -> Iterator[Check]:
    y = evidence.values("y")
    profile, window = evidence["profile"], y.shape[1] - evidence["profile"].shape[1] + 1
    yield equal("a score is the largest distance over it", evidence["score"], _highest(profile, window))
    found = profile.copy()
    for k in spread(len(y), max(1, _MOST // (_WINDOWS * profile.shape[1] * window))):
        start = int((~np.isnan(y[k])).argmax())
        for i, distance in _distances(y[k, start:], window):
            found[k, start + i] = distance
    yield equal("distance of windows to the nearest", profile, found, unit=1.0, tolerance=1e-6)


def _highest(profile: Floats, window: int) -> Floats:
    shape = (len(profile), profile.shape[1] + window - 1)
    score = np.full(shape, np.nan)
    for k in range(window):
        part = score[:, k : k + profile.shape[1]]
        np.fmax(part, profile, out=part)
    return score


def _distances(y: Floats, window: int) -> Iterator[tuple[int, float]]:
    """Yield how far some windows are from the nearest other one, both standardised, by looking at every other one."""
    cut = np.lib.stride_tricks.sliding_window_view(y, window)
    flat = np.ptp(cut, axis=1) == 0
    deviation = np.where(flat, 1.0, cut.std(axis=1))
    shapes = np.where(flat[:, None], 0.0, (cut - cut.mean(axis=1, keepdims=True)) / deviation[:, None])
    apart, place = math.ceil(window / 4), np.arange(len(cut))
    for i in spread(len(cut), _WINDOWS):
        squares = ((shapes - shapes[i]) ** 2).sum(axis=1)
        squares[flat != flat[i]] = window
        squares[np.abs(place - i) <= apart] = np.inf
        yield i, math.sqrt(squares.min())
