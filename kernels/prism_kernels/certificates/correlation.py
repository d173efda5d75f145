"""Correlations measured again pair by pair, lag by lag, with their p-values and intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal, spread
from prism_kernels.certificates.information import adjusted, conditional_of, mutual_of, prepared

__all__ = ["certificate"]

_MOST = 60_000_000  # numbers that are looked at
_PAIRS = 200  # spread over all there are
_FISHER = {"pearson": (1.0, 3), "cross": (1.0, 3), "spearman": (1.06, 3), "kendall": (0.437, 4)}


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Measure every pair at every lag again, and judge it again.

    Parameters
    ----------
    evidence
        A ``Correlation``.
    """
    matrix, method = evidence["matrix"].astype(float), str(evidence["method"])
    x, lags = evidence.values("x"), int(evidence.settings["max_lag"])
    directed = method == "transfer_entropy"
    if not directed:
        yield equal("the measure of a pair is one both ways", matrix, matrix.T, unit=1.0)
    work = min(x.shape[0] ** 2, _PAIRS) * x.shape[1] * (2 * lags + 1)
    if work * (1 if method in ("pearson", "cross", "spearman") else x.shape[1]) <= _MOST:
        yield from _measured(evidence, matrix, x, method)
    if method in _FISHER:
        yield from _judged(evidence, matrix, x, method)
    if evidence.has("p_value"):
        p = evidence["p_value"]
        yield equal(
            "p-values adjusted for the number of pairs", evidence["p_adjusted"], _adjusted(p, directed=directed)
        )


def _measured(evidence: Evidence, matrix: Floats, x: Floats, method: str) -> Iterator[Check]:
    most, measure = int(evidence.settings["max_lag"]), _measure(evidence, method)
    found, strongest = matrix.copy(), True
    np.fill_diagonal(found, math.nan if method in ("mutual_information", "transfer_entropy") else 1.0)
    away = ~np.eye(len(x), dtype=bool)
    pairs = np.argwhere(away if method == "transfer_entropy" else np.triu(away))
    for i, j in pairs[spread(len(pairs), _PAIRS)]:
        lags = range(1, max(most, 1) + 1) if method == "transfer_entropy" else range(-most, most + 1)
        measured = {lag: measure(x[i], x[j], lag) for lag in lags}
        found[i, j] = measured.get(int(evidence["lag"][i, j]), math.nan)
        size = {lag: abs(v) if method in _FISHER else v for lag, v in measured.items() if not math.isnan(v)}
        strongest &= max(size.values()) <= size.get(int(evidence["lag"][i, j]), -math.inf) + 1e-9
    yield equal("the measure of each pair at its lag", evidence["matrix"], found, unit=1.0)
    yield Check("no other lag is stronger", 0.0 if strongest else math.inf, 0.0)


def _measure(evidence: Evidence, method: str) -> Callable[[Floats, Floats, int], float]:
    k, seed = int(evidence.settings["k"]), int(evidence.settings["seed"])

    def of(one: Floats, other: Floats, lag: int) -> float:
        if method == "transfer_entropy":
            return _transfer(one, other, lag, k, seed)
        early = one[: len(one) - lag] if lag >= 0 else one[-lag:]
        late = other[lag:] if lag >= 0 else other[: len(other) + lag]
        if method == "cross":
            return float((early - one.mean()) @ (late - other.mean()) / (len(one) * one.std() * other.std()))
        if method == "mutual_information":
            first, second = (early, late) if lag >= 0 else (late, early)
            points = prepared(first[None], seed, 0), prepared(second[None], seed, 1)
            return float(mutual_of(*points, k, 0).mean())
        pair = {"pearson": _product, "spearman": _ranked, "kendall": _kendall, "distance": _distance}[method]
        return pair(early, late)

    return of


def _product(one: Floats, other: Floats) -> float:
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt(a @ a) * np.sqrt(b @ b))
    return float(a @ b) / size if size > 0 else math.nan


def _rank(values: Floats) -> Floats:
    """Return how many values are smaller, equal ones counting half."""
    line = np.sort(values)
    return np.asarray((np.searchsorted(line, values, "left") + np.searchsorted(line, values, "right")) / 2)


def _ranked(one: Floats, other: Floats) -> float:
    return _product(_rank(one), _rank(other))


def _kendall(one: Floats, other: Floats) -> float:
    a, b = np.sign(one[:, None] - one[None, :]), np.sign(other[:, None] - other[None, :])
    size = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / size if size > 0 else math.nan


def _distance(one: Floats, other: Floats) -> float:
    def centred(values: Floats) -> Floats:
        apart = np.abs(values[:, None] - values[None, :])
        return np.asarray(apart - apart.mean(axis=0) - apart.mean(axis=1, keepdims=True) + apart.mean())

    a, b = centred(one), centred(other)
    return math.sqrt(max(float((a * b).sum() / math.sqrt(float((a * a).sum()) * float((b * b).sum()))), 0.0))


def _transfer(source: Floats, target: Floats, delay: int, k: int, seed: int) -> float:
    one, other = prepared(source[None], seed, 0), prepared(target[None], seed, 1)
    return float(conditional_of(one[:-delay], other[delay:], other[delay - 1 : -1], k, 0).mean())


def _judged(evidence: Evidence, matrix: Floats, x: Floats, method: str) -> Iterator[Check]:
    from scipy.special import erfc, ndtri, stdtr

    overlap = x.shape[1] - np.abs(evidence["lag"])
    effective = _effective(np.array([_rank(row) for row in x]) if method in ("spearman", "kendall") else x, overlap)
    yield equal("effective number of periods", evidence["n_effective"], effective, tolerance=1e-8)
    away = ~np.eye(len(x), dtype=bool)
    r, n = matrix[away], effective[away]
    if not evidence.settings["n_surrogates"] and evidence.has("p_value"):
        if method == "kendall":
            size = np.maximum(n, 2)
            p = erfc(np.abs(r) * np.sqrt(9 * size * (size - 1) / (4 * (2 * size + 5))))
        else:
            freedom = np.maximum(n - 2, 1)
            with np.errstate(divide="ignore"):  # of ±1
                p = 2 * stdtr(freedom, -np.abs(r) * np.sqrt(freedom / (1 - r * r)))
        p = np.where(n > 2, np.minimum(1.0, p * (2 * int(evidence.settings["max_lag"]) + 1)), 1.0)
        yield equal("p-values of the theory", evidence["p_value"][away], p, unit=1e-6, tolerance=1e-7)
    factor, less = _FISHER[method]
    with np.errstate(divide="ignore", invalid="ignore"):
        half = -ndtri(evidence["alpha"] / 2) * np.sqrt(factor / (n - less))
        ends = np.stack([np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)], axis=-1)
    ends = np.where((n > less)[:, None], ends, [-1.0, 1.0])
    yield equal("intervals by Fisher's z", evidence["ci"][away], ends, unit=1.0, tolerance=1e-8)


def _effective(values: Floats, overlap: Floats) -> Floats:
    """Return Bartlett's number of independent periods (1935), by sums over lags to a fifth of the length."""
    size = values.shape[1]
    centred = values / np.abs(values).max(axis=1, keepdims=True)
    centred = centred - centred.mean(axis=1, keepdims=True)
    memory = np.array([[row[j:] @ row[: size - j] for j in range(size // 5 + 1)] for row in centred])
    memory = memory / memory[:, :1]
    total = np.ones(overlap.shape)
    for lag in range(1, memory.shape[1]):
        total += 2 * (1 - lag / overlap) * memory[:, lag][:, None] * memory[:, lag][None, :]
    return np.asarray(overlap / np.maximum(total, 1.0))


def _adjusted(p_value: Floats, *, directed: bool) -> Floats:
    if directed:
        return adjusted(p_value)
    above = np.triu(p_value, 1)
    above[np.tril_indices(len(p_value))] = np.nan
    found = adjusted(above)
    return np.where(np.isnan(found), found.T, found)
