"""What a certificate looks at, and what it says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.arrays import to_numpy
from prism_kernels.inputs import Input, Series

__all__ = ["Check", "Evidence", "Floats", "equal", "spread"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-9
_SINGLE = 1e-4  # for results in single precision


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes
    ----------
    name
        What must hold.
    difference
        Largest relative difference between what was reported and what was found; infinite where it cannot be so.
    tolerance
        Largest that still holds.
    """

    name: str
    difference: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether it holds."""
        return self.difference <= self.tolerance


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A result with what it was made of.

    Attributes
    ----------
    fields, axes, warnings
        Of the result, in numpy.
    data
        The data by parameter.
    settings
        Every setting, as JSON holds them.
    """

    fields: Mapping[str, Any]
    axes: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    data: Mapping[str, Input]
    settings: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def values(self, name: str) -> Floats:
        """Return the numbers of a data parameter, series × time, in double precision."""
        return np.asarray(to_numpy(self.data[name].values), dtype=np.float64)

    def season(self, name: str) -> tuple[int, ...]:
        """Return the lengths of the seasons: those of the setting ``season_length``, or the usual one for the dates."""
        given, series = self.settings["season_length"], self.data[name]
        if given is not None:
            return tuple(int(m) for m in np.ravel(given))
        return (series.season if isinstance(series, Series) else 1,)

    def has(self, *names: str) -> bool:
        """Tell whether the result has these fields."""
        return all(self.fields.get(name) is not None for name in names)


def equal(name: str, reported: Any, found: Any, *, unit: Any = 0.0, tolerance: float = _ROUNDING) -> Check:
    """Compare reported numbers with those found: relative to their size, or to a unit where that is larger.

    Parameters
    ----------
    name
        What must hold.
    reported, found
        Numbers of one shape; NaN equals NaN.
    unit
        Size below which a difference is measured against it; of a shape that fits.
    tolerance
        Largest relative difference that still holds.
    """
    single = getattr(reported, "dtype", None) == np.float32
    one, other = np.asarray(reported, dtype=float), np.asarray(found, dtype=float)
    tolerance = max(tolerance, _SINGLE) if single else tolerance
    if one.shape != other.shape:
        return Check(name, math.inf, tolerance)
    size = np.maximum(np.maximum(np.abs(one), np.abs(other)), unit)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        apart = np.where(same, 0.0, np.abs(one - other) / size)
    apart = np.where(np.isnan(apart), math.inf, apart)
    return Check(name, float(apart.max(initial=0.0)), tolerance)


def spread(count: int, most: int) -> list[int]:
    """Return up to so many places, spread evenly over all there are, the first among them.

    Parameters
    ----------
    count
        Number of places there are.
    most
        How many at most.
    """
    return list(range(0, count, -(-count // most)))
