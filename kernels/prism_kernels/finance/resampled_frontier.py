"""Resampled frontiers: how far the efficient weights move when the history is drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.engine import map_runs
from prism_kernels.errors import InvalidInput
from prism_kernels.finance.critical_line import critical_lines
from prism_kernels.finance.polytope import Polytope

__all__ = ["Resampling", "resampled_weights"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_DRAWS_AN_ITEM = 25


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """How histories are drawn again.

    Attributes
    ----------
    periods
        Length of each history.
    draws
        Number of histories.
    points
        Points on each frontier, at equal steps of return.
    seed
        Start of the random numbers.
    """

    periods: int
    draws: int
    points: int
    seed: int


def resampled_weights(mean: Floats, covariance: Floats, polytope: Polytope, how: Resampling) -> Floats:
    """Return the efficient weights of histories that might have been, draw × point × asset.

    Parameters
    ----------
    mean, covariance
        Per asset and asset × asset, per period.
    polytope
        What the limits allow.
    how
        How histories are drawn.

    Notes
    -----
    Of normal histories only the sample mean and covariance matter, which are independent: normal, and Wishart by
    Bartlett's decomposition. Each frontier is exact. Draws run in parallel lanes, and on a Dask cluster when a client
    is active, from the same random numbers wherever they run.

    References
    ----------
    Michaud (1998). Efficient asset management.
    Bartlett (1933). On the theory of statistical regression.
    """
    if how.periods <= len(mean):
        msg = f"history {how.periods} must exceed the number of assets, {len(mean)}; draw longer histories"
        raise InvalidInput(msg, field="history")
    sizes = [min(_DRAWS_AN_ITEM, how.draws - k) for k in range(0, how.draws, _DRAWS_AN_ITEM)]
    seeds = np.random.SeedSequence(how.seed).spawn(len(sizes))
    items = [_Item(s, k, how, mean, covariance, polytope) for s, k in zip(seeds, sizes, strict=True)]
    weights: Floats = np.concatenate(map_runs(_frontiers, items, label="resampled frontiers"))
    return weights


@dataclass(frozen=True)
class _Item:
    """Some draws: the spawned seed, how many, and all that their frontiers need."""

    seed: np.random.SeedSequence
    draws: int
    how: Resampling
    mean: Floats
    covariance: Floats
    polytope: Polytope


def _frontiers(item: _Item) -> Floats:
    means, covariances = _drawn(item)
    corners = critical_lines(means, covariances, item.polytope)
    return np.stack([c.sample(item.how.points).weights for c in corners])


def _drawn(item: _Item) -> tuple[Floats, Floats]:
    """Return sample means and sample covariances of histories."""
    generator, count = np.random.default_rng(item.seed), len(item.mean)
    values, vectors = np.linalg.eigh(item.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T  # symmetric, so that it is unique
    freedom = item.how.periods - 1
    means = item.mean + generator.normal(size=(item.draws, count)) @ root / np.sqrt(item.how.periods)
    factors = np.tril(generator.normal(size=(item.draws, count, count)), -1)
    diagonal = np.sqrt(generator.chisquare(freedom - np.arange(count), size=(item.draws, count)))
    factors[:, np.arange(count), np.arange(count)] = diagonal
    halves = root @ factors
    covariances = halves @ halves.transpose(0, 2, 1) / freedom
    return means, (covariances + covariances.transpose(0, 2, 1)) / 2
