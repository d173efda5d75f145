"""``Assets``: what prices and returns have in common, a table of time × asset with its labels and its gaps."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np

from prism_kernels.arrays import Array, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs.calendar import stamp
from prism_kernels.inputs.input import Input
from prism_kernels.inputs.ways import ways_out

__all__ = ["Assets", "Missing"]

Missing: TypeAlias = Literal["refuse", "drop_assets", "intersect", "point_in_time"]
"""What is done about missing values: nothing, leave out assets, leave out periods, or read them as not listed."""

_NAMED = 3  # assets that a sentence names before it says how many more there are


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Assets(Input):
    """A table of numbers, a row a period and a column an asset.

    Attributes
    ----------
    values
        time × asset, in the caller's library and place, floating.
    assets
        Name of each asset.
    index
        Dates of the periods as a ``pandas.DatetimeIndex``; None where none came with the data.
    source
        Python that gets the same data again.
    notes
        How the data was read, where that is not obvious.
    """

    values: Array
    assets: tuple[str, ...]
    index: Any = None
    source: str = ""
    notes: tuple[str, ...] = ()

    noun: ClassVar[str] = "value"

    def __repr__(self) -> str:
        sizes = (f"{n} {what}{'' if n == 1 else 's'}" for n, what in ((self.periods, "period"), (self.count, "asset")))
        return f"{type(self).__name__}({' × '.join(sizes)})"

    @property
    def count(self) -> int:
        """Number of assets."""
        return int(self.values.shape[1])

    @property
    def periods(self) -> int:
        """Number of periods."""
        return int(self.values.shape[0])

    @functools.cached_property
    def matrix(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The values as a C-contiguous float64 numpy array, for CPU kernels."""
        return np.ascontiguousarray(to_numpy(self.values), dtype=np.float64)

    @functools.cached_property
    def missing(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Time × asset, true where a value is missing."""
        return np.asarray(np.isnan(self.matrix))

    def axis(self) -> Any:
        """Labels of the time axis: dates, or the numbers of the periods."""
        return self.index if self.index is not None else np.arange(self.periods)

    def place(self, period: int, asset: int) -> str:
        """Say where a value stands: the name of the asset and the date or number of the period.

        Parameters
        ----------
        period, asset
            Numbers of its row and column.
        """
        when = stamp(self.index[period]) if self.index is not None else f"period {period}"
        return f"{self.assets[asset]} at {when}"

    def complete(self, missing: Missing = "refuse", field: str = "data") -> tuple[Self, tuple[str, ...]]:
        """Return the data without gaps, and what was done about them, for a result's warnings.

        Parameters
        ----------
        missing
            What is done about missing values: ``refuse``; ``drop_assets`` leaves out the assets that have any;
            ``intersect`` keeps the periods that all assets have; ``point_in_time`` keeps them where they stand before
            the first or after the last value of an asset, which was not listed then, and refuses those between.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            For missing values that are not allowed, naming the asset and date of the first; for a way out that would
            leave nothing.
        """
        if not self.missing.any():
            return self._said()
        if missing == "drop_assets":
            return self._without_assets(field)
        if missing == "intersect":
            return self._without_periods(field)
        if missing == "point_in_time":
            return self._listed(field)
        raise self._gaps(self.missing, field)

    def take(self, *, assets: Sequence[int] | None = None, periods: Sequence[int] | None = None) -> Self:
        """Return some assets or periods, by their numbers, in that order.

        Parameters
        ----------
        assets, periods
            Numbers of the columns and rows to keep; None keeps all.
        """
        xp, values, names, index = namespace_of(values=self.values), self.values, self.assets, self.index
        if assets is not None:
            values = xp.take(values, _indices(xp, assets, values), axis=1)
            names = tuple(names[int(k)] for k in assets)
        if periods is not None:
            values = xp.take(values, _indices(xp, periods, values), axis=0)
            index = None if index is None else index[np.asarray(periods, dtype=np.int64)]
        return dataclasses.replace(self, values=values, assets=names, index=index, source="")

    def _gaps(
        self, spots: np.ndarray[Any, Any], field: str, between: str = "", ways: Sequence[str] = ()
    ) -> InvalidInput:
        t, a = (int(k) for k in np.argwhere(spots)[0])
        count, assets = int(spots.sum()), int(spots.any(axis=0).sum())
        what = f"a missing {self.noun}" if count == 1 else f"{count} missing {self.noun}s"
        many = f" in {assets} assets" if assets > 1 else ""
        where = self.place(t, a)
        way = ways_out("fill it" if count == 1 else "fill them", ways or None)
        msg = f"{field} has {what}{many}{between} (first: {where}); {way}"
        return InvalidInput(msg, field=field, where=where)

    def _without_assets(self, field: str) -> tuple[Self, tuple[str, ...]]:
        bad = self.missing.any(axis=0)
        if bad.all():
            raise self._gaps(self.missing, field, " and no asset without", ["intersect"])
        names = [self.assets[k] for k in np.flatnonzero(bad)]
        note = f"left out {_listing(names)} for missing {self.noun}s in {field}"
        return self.take(assets=np.flatnonzero(~bad).tolist())._said(note)

    def _without_periods(self, field: str) -> tuple[Self, tuple[str, ...]]:
        bad = self.missing.any(axis=1)
        if bad.all():
            raise self._gaps(self.missing, field, " and no period without", ["drop_assets"])
        note = f"left out {int(bad.sum())} of {self.periods} periods for missing {self.noun}s in {field}"
        return self.take(periods=np.flatnonzero(~bad).tolist())._said(note)

    def _listed(self, field: str) -> tuple[Self, tuple[str, ...]]:
        there = ~self.missing
        if not there.any(axis=0).all():
            name = self.assets[int(there.any(axis=0).argmin())]
            msg = f"{field} has no {self.noun} of {name} at all; leave that column out"
            raise InvalidInput(msg, field=field, where=name)
        seen = np.maximum.accumulate(there, axis=0)
        to_come = np.maximum.accumulate(there[::-1], axis=0)[::-1]
        holes = self.missing & seen & to_come
        if holes.any():
            raise self._gaps(holes, field, " between others")
        names = [self.assets[k] for k in np.flatnonzero(self.missing.any(axis=0))]
        note = f"{_listing(names)} {'is' if len(names) == 1 else 'are'} not listed all the time in {field}"
        return self._said(note)

    def _said(self, *more: str) -> tuple[Self, tuple[str, ...]]:
        """Return the data without notes, so that nothing is said twice, and the notes."""
        return dataclasses.replace(self, notes=()) if self.notes else self, (*self.notes, *more)

    def fits(self) -> bool:
        """Tell whether numbers and labels fit together, as they do unless somebody changed a saved run."""
        shape = self.values.shape
        dated = self.index is None or len(self.index) == shape[0]
        return len(shape) == 2 and len(self.assets) == shape[1] and dated and not np.isinf(self.matrix).any()

    def _labels(self) -> tuple[str, ...]:
        ends = () if self.index is None else (str(self.index[0]), str(self.index[-1]))
        return (*self.assets, *ends)


def _indices(xp: Any, numbers: Sequence[int], values: Array) -> Array:
    from prism_kernels.arrays import device_of

    return xp.asarray(list(map(int, numbers)), dtype=xp.int64, device=device_of(values))


def _listing(names: Sequence[str]) -> str:
    """Name a few assets and say how many there are."""
    if len(names) == 1:
        return names[0]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)} assets ({', '.join(names[:_NAMED])}{more})"
