"""How far two results of the same operation lie apart, field by field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Gap", "compare", "gap"]

Numbers: TypeAlias = np.ndarray[Any, Any]

_SMALL = 1e-3  # of the largest number of a row: what is smaller is measured against this
_ROUNDINGS = 4  # of the array's own type, which no tolerance can be below


@dataclass(frozen=True)
class Gap:
    """How far one field lies from what it was.

    Attributes
    ----------
    name
        The field.
    difference
        Largest relative difference; infinite where numbers are missing, or what must be equal is not.
    tolerance
        Largest that still agrees.
    """

    name: str
    difference: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.difference <= self.tolerance


def compare(before: Mapping[str, Any], after: Mapping[str, Any], tolerance: float) -> list[Gap]:
    """Measure each field that either of two results has.

    Parameters
    ----------
    before, after
        Fields by name, as a saved run holds them.
    tolerance
        Largest relative difference of floating numbers; texts, whole numbers and truths must be equal.
    """
    absent = object()
    pairs = {n: (before.get(n, absent), after.get(n, absent)) for n in dict.fromkeys([*before, *after])}
    return [Gap(name, gap(*pair), _allowed(pair[0], tolerance)) for name, pair in pairs.items()]


def _allowed(value: Any, tolerance: float) -> float:
    """Return the tolerance of a field: none for what must be equal, never less than the roundings of its own type."""
    if isinstance(value, np.ndarray):
        return max(tolerance, _ROUNDINGS * float(np.finfo(value.dtype).eps)) if value.dtype.kind == "f" else 0.0
    return 0.0 if isinstance(value, str | bool | int) else tolerance


def gap(before: Any, after: Any) -> float:
    """Return the largest relative difference of two values; NaN equals NaN.

    Parameters
    ----------
    before, after
        Numbers, texts, arrays, dates, and tuples, mappings and dataclasses of them.

    Notes
    -----
    A number is measured against the larger of the two. In an array of two dimensions or more, whose rows are of one
    unit each, what is below a thousandth of the largest number of its row is measured against that thousandth: the
    residuals of a good fit are rounding in part.
    """
    if isinstance(before, str | int | float) and type(before) is type(after) and before == after:
        return 0.0
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        return _arrays(before, after)
    if isinstance(before, float) and isinstance(after, float):
        return _arrays(np.asarray(before), np.asarray(after))
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return _many(before.values(), after.values()) if list(before) == list(after) else math.inf
    if isinstance(before, tuple | list) and isinstance(after, tuple | list):
        return _many(before, after)
    if hasattr(before, "equals") and hasattr(after, "equals"):  # pandas' indices of dates
        return 0.0 if before.equals(after) else math.inf
    if type(before) is type(after) and hasattr(before, "__dict__") and not hasattr(before, "isoformat"):
        return gap(vars(before), vars(after))
    return 0.0 if type(before) is type(after) and before == after else math.inf


def _many(before: Any, after: Any) -> float:
    if len(before) != len(after):
        return math.inf
    return max((gap(b, a) for b, a in zip(before, after, strict=True)), default=0.0)


def _arrays(before: Numbers, after: Numbers) -> float:
    if before.shape != after.shape or before.dtype.kind != after.dtype.kind:
        return math.inf
    if before.dtype.kind != "f":
        return 0.0 if np.array_equal(before, after) else math.inf
    before, after = before.astype(float), after.astype(float)
    finite = np.isfinite(before) & np.isfinite(after)
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    if not (same | finite).all():
        return math.inf
    if same.all():
        return 0.0
    one, other = np.where(finite, before, 0.0), np.where(finite, after, 0.0)
    size = np.maximum(np.abs(one), np.abs(other))
    if size.ndim > 1:
        size = np.maximum(size, _SMALL * size.max(axis=-1, keepdims=True))
    with np.errstate(over="ignore"):  # ±1e308 are further apart than any number
        apart = np.abs(one / np.where(size > 0, size, 1.0) - other / np.where(size > 0, size, 1.0))
    return float(apart.max())
