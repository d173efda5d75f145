"""The weight of each asset beside its returns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from prism_kernels.arrays import Array, like, namespace_of
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Returns, Weights

__all__ = ["refuse_debt", "shares_of"]

_ROUNDING = 1e-6


def shares_of(assets: Returns, weights: Weights | None, budget: float) -> tuple[Array, tuple[str, ...]]:
    """Return the weight of each asset where its returns are, and what should be said about it.

    Parameters
    ----------
    assets
        Returns of the assets.
    weights
        Weights by name, or in the order of the assets; None for equal ones.
    budget
        What they must add up to.

    Raises
    ------
    InvalidInput
        For unknown assets, another count, and another sum.
    MixedArrays
        For arrays without names of another library or place than the returns.
    """
    if weights is None:
        equal = like(np.full(assets.count, budget / assets.count), assets.values)
        said = (f"weights were not given: each of {assets.count} assets has the same",) if assets.count > 1 else ()
        return equal, said
    if not weights.named:
        namespace_of(returns=assets.values, weights=weights.values)
    return like(weights.aligned(assets.assets, budget=budget), assets.values), ()


def refuse_debt(weights: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Return the sum of weights, and refuse more than all there is.

    Parameters
    ----------
    weights
        One weight an asset; what is left to 1 is cash.

    Raises
    ------
    InvalidInput
        For weights that add up to more than 1.
    """
    total = math.fsum(weights.tolist())
    if total > 1 + _ROUNDING:
        msg = f"weights add up to {total:.6g}, which is more than all there is; divide them by their sum"
        raise InvalidInput(msg, field="weights")
    return total
