"""Surrogate data and what follows from them: p-values, and their correction for many tests.

References
----------
Theiler, Eubank, Longtin, Galdrikian, Farmer (1992). Testing for nonlinearity in time series: the method of surrogate
data.
Davison, Hinkley (1997). Bootstrap methods and their application. (The p-value counts the data among its surrogates.)
Benjamini, Hochberg (1995). Controlling the false discovery rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np

from prism_kernels.information.neighbours import Floats, Integers

__all__ = ["Surrogate", "benjamini_hochberg", "orders", "p_value"]

Surrogate: TypeAlias = Literal["circular", "permute", "block"]


def orders(size: int, count: int, kind: Surrogate, seed: tuple[int, ...], *, nearest: int = 1) -> Iterator[Integers]:
    """Yield orders of the samples that part one variable from the others.

    Parameters
    ----------
    size
        Number of samples.
    count
        Number of orders.
    kind
        ``circular`` turns time by a random offset and keeps all of the variable's own memory; ``block`` shuffles blocks
        of about √size samples and keeps the memory inside them; ``permute`` shuffles samples and keeps none.
    seed
        Seed; each order depends on it and on its own number alone.
    nearest
        Smallest offset of ``circular``, in samples.
    """
    low = max(1, min(max(nearest, size // 20), size // 2))
    for number in range(count):
        rng = np.random.default_rng([*seed, number])
        if kind == "permute":
            yield rng.permutation(size)
        elif kind == "circular":
            yield (np.arange(size) + rng.integers(low, size - low + 1)) % size
        else:
            yield _shuffled_blocks(size, rng)


def _shuffled_blocks(size: int, rng: np.random.Generator) -> Integers:
    turned = (np.arange(size) + rng.integers(size)) % size
    blocks = np.array_split(turned, max(2, round(math.sqrt(size))))
    return np.concatenate([blocks[k] for k in rng.permutation(len(blocks))])


def p_value(value: float, surrogates: Floats) -> float:
    """Return the share of surrogates that reach a value, the data counted among them.

    Parameters
    ----------
    value
        What the data gave.
    surrogates
        What the surrogates gave.
    """
    return float((1 + np.count_nonzero(surrogates >= value)) / (1 + len(surrogates)))


def benjamini_hochberg(p_values: np.ndarray[Any, Any]) -> Floats:
    """Return p-values adjusted for the false discovery rate, in the shape given; NaN is no test and stays NaN.

    Parameters
    ----------
    p_values
        One for each test.
    """
    p = np.asarray(p_values, dtype=np.float64)
    tests = np.flatnonzero(~np.isnan(p))
    order = tests[np.argsort(p.flat[tests])]
    steps = p.flat[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted = np.full(p.shape, np.nan)
    adjusted.flat[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1)
    return adjusted
