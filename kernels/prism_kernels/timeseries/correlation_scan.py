"""Measure every pair of series at every lag, and keep the strongest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from prism_kernels import progress
from prism_kernels.arrays import Array, is_numpy, like, namespace_of, to_numpy
from prism_kernels.information import mutual_information, transfer_entropy
from prism_kernels.timeseries import correlation_measures as measures
from prism_kernels.timeseries.model import Floats

__all__ = ["INFORMATION", "SIGNED", "Integers", "Method", "Scan"]

Integers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

Method: TypeAlias = Literal[
    "pearson", "spearman", "kendall", "cross", "distance", "mutual_information", "transfer_entropy"
]

SIGNED = ("pearson", "spearman", "kendall", "cross")
INFORMATION = ("mutual_information", "transfer_entropy")

_MATRICES: Mapping[str, Callable[[Array, Array], Array]] = {
    "pearson": measures.pearson,
    "spearman": measures.spearman,
    "distance": measures.distance,
}


@dataclass(frozen=True, kw_only=True)
class Scan:
    """Measures every pair at every lag: of the data themselves, or of one surrogate of them.

    Attributes
    ----------
    values
        series × time, in the caller's library and place.
    method
        The measure.
    max_lag
        Largest lag.
    k, seed
        For the measures of information, and for surrogates.
    """

    values: Array
    method: Method
    max_lag: int
    k: int
    seed: int

    @property
    def directed(self) -> bool:
        """Whether a pair has two measures, one each way."""
        return self.method == "transfer_entropy"

    @property
    def lags(self) -> list[int]:
        """Lags in order of preference: the shortest first, and of two the one by which the row leads."""
        if self.directed:
            return list(range(1, max(1, self.max_lag) + 1))
        return [0, *(sign * lag for lag in range(1, self.max_lag + 1) for sign in (1, -1))]

    def data(self) -> tuple[Floats, Integers]:
        """Return the strongest measure of each pair and its lag."""
        return self._strongest(self.values, talk=True)

    def surrogate(self, number: int) -> Floats:
        """Return the strength of each pair once every series was turned in time by its own random offset."""
        count, size = self.values.shape
        offsets = np.random.default_rng([self.seed, number]).integers(size, size=count)
        places = (np.arange(size)[None, :] + offsets[:, None]) % size
        return self.strength(self._strongest(self._turned(places), talk=False)[0])

    def _turned(self, places: Integers) -> Array:
        if is_numpy(self.values):
            return np.take_along_axis(self.values, places, axis=1)
        xp = namespace_of(values=self.values)
        return xp.stack([xp.take(self.values[row, :], like(place, self.values)) for row, place in enumerate(places)])

    def strength(self, matrix: Floats) -> Floats:
        """Return what is compared: the size of a correlation, the amount of information."""
        return np.abs(matrix) if self.method in SIGNED else matrix

    def _strongest(self, values: Array, *, talk: bool) -> tuple[Floats, Integers]:
        forward = self.lags if self.directed else list(range(self.max_lag + 1))
        walk = progress.track(forward, "lags") if talk else iter(forward)
        found = {lag: self._at(values, lag) for lag in walk}
        candidates = np.stack([found[lag] if lag >= 0 else found[-lag].T for lag in self.lags])
        strength = np.where(np.isnan(candidates), -np.inf, self.strength(candidates))
        best = strength.argmax(axis=0)
        matrix = np.take_along_axis(candidates, best[None], axis=0)[0]
        lag = np.asarray(self.lags, dtype=np.int64)[best]
        if not self.directed:
            below = np.tril_indices(len(matrix), -1)
            matrix[below], lag[below] = matrix.T[below], -lag.T[below]
        np.fill_diagonal(matrix, np.nan if self.method in INFORMATION else 1.0)
        np.fill_diagonal(lag, 0)
        return matrix, lag

    def _at(self, values: Array, lag: int) -> Floats:
        """Return the measure of every row with every column ``lag`` periods later."""
        size = values.shape[1]
        early, late = (values, values) if self.directed else (values[:, : size - lag], values[:, lag:])
        if self.method in ("kendall", *INFORMATION):
            return self._by_pairs(early, late, lag)
        if self.method == "cross":
            whole = measures.standardised(values)
            product = whole[:, : size - lag] @ namespace_of(values=values).matrix_transpose(whole[:, lag:]) / size
        else:
            product = _MATRICES[self.method](early, late)
        return np.array(to_numpy(product), dtype=np.float64)

    def _by_pairs(self, early: Array, late: Array, lag: int) -> Floats:
        count, both = early.shape[0], self.directed or lag > 0
        matrix = np.full((count, count), np.nan)
        for i, j in itertools.permutations(range(count), 2):
            progress.checkpoint()
            if i < j or both:
                matrix[i, j] = self._pair(early[i, :], late[j, :], lag)
        return matrix

    def _pair(self, one: Array, other: Array, lag: int) -> float:
        xp = namespace_of(one=one, other=other)
        if bool(xp.min(one) == xp.max(one)) or bool(xp.min(other) == xp.max(other)):
            return math.nan
        if self.method == "kendall":
            return measures.kendall(to_numpy(one), to_numpy(other))
        if self.directed:
            return float(transfer_entropy(one, other, delay=lag, k=self.k, seed=self.seed).value)
        return float(mutual_information(one, other, k=self.k, seed=self.seed).value)
