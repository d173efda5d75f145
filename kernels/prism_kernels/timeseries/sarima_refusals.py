"""Data that the likelihood of a seasonal ARIMA cannot be computed of, and what to do about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_kernels.errors import InvalidInput
from prism_kernels.timeseries.model import Floats

__all__ = ["refuse_collinear", "refuse_extremes"]


def refuse_extremes(scale: Floats, series: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    """Refuse series whose variance is beyond the range of float64."""
    with np.errstate(over="ignore", under="ignore"):
        squares = scale**2
    bad = np.flatnonzero(~np.isfinite(squares) | (squares < np.finfo(np.float64).tiny))
    if len(bad):
        k, power = int(series[bad[0]]), int(np.floor(np.log10(scale[bad[0]])))
        msg = (
            f"series {k} of y varies by some 1e{power:+d}, so its variance is beyond float64; divide y by 1e{power:+d}"
        )
        raise InvalidInput(msg, field="y", where=f"series {k}")


def refuse_collinear(inside: Floats, unit: Floats) -> None:
    """Refuse regressors that differencing turns into constants, or that add up to one another."""
    flat = np.flatnonzero(~(unit > 1e-10 * np.maximum(1e-300, np.abs(inside).max(axis=1, initial=0.0))))
    if len(flat):
        msg = (
            f"exog: regressor {int(flat[0])} is constant after differencing, so its effect cannot be told; leave it out"
        )
        raise InvalidInput(msg, field="exog", where=f"regressor {int(flat[0])}")
    scaled = inside / unit[:, None]
    if np.linalg.matrix_rank(scaled - scaled.mean(axis=1, keepdims=True)) < len(inside):
        msg = (
            f"exog: the {len(inside)} regressors add up to one another, so their effects cannot be told; leave one out"
        )
        raise InvalidInput(msg, field="exog")
