"""``Series``: one or many equally spaced series, on one time axis."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from prism_kernels.arrays import Array, is_array, is_numpy, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import calendar, tables
from prism_kernels.inputs.input import Input, Sample
from prism_kernels.inputs.origin import source_of
from prism_kernels.refusal import counted

__all__ = ["Series"]


@dataclass(frozen=True, eq=False, repr=False)
class Series(Input):
    """One or many equally spaced series.

    Read from an array of any library (time, or series × time), a pandas or polars frame (a row a period, a column a
    series, a column or index of dates), a long frame (``unique_id, ds, y``), a mapping of names to arrays, or a file.
    Series of unequal length are aligned at their end: leading NaN is padding.

    Attributes
    ----------
    values
        series × time, in the caller's library and place, floating.
    names
        Label of each series.
    index
        Dates of the periods as a ``pandas.DatetimeIndex``; None where none came with the data.
    frequency
        pandas' alias of the spacing of the dates, such as ``MS``; None without dates.
    source
        Python that gets the same data again.
    notes
        What was left out of a table, in sentences; results carry them among their warnings.
    """

    values: Array
    names: tuple[str, ...]
    index: Any = None
    frequency: str | None = None
    source: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Any, *, field: str = "y") -> Self:
        """Read and check series; see the class for what can be read.

        Parameters
        ----------
        given
            Whatever this type can read.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            For infinite, complex or non-numeric values, more than two dimensions, no values, and dates that are
            unsorted, repeated or unequally spaced. NaN is let through: each operation says what it does about it.
        """
        if isinstance(given, cls):
            return given
        found = _read(given, field)
        values = _checked(found.values, found.names, found.index, field)
        frequency = calendar.frequency_of(found.index, field) if found.index is not None else None
        return cls(values, tuple(found.names), found.index, frequency, found.source, found.notes)

    @classmethod
    def samples(cls) -> Mapping[str, Sample]:
        """Return the named samples of series."""
        import prism_kernels.inputs.samples  # noqa: F401  registers them

        return cls._samples

    def __repr__(self) -> str:
        count, length = self.values.shape
        return f"Series({count} × {length}{', ' + self.frequency if self.frequency else ''})"

    @property
    def count(self) -> int:
        """Number of series."""
        return int(self.values.shape[0])

    @property
    def length(self) -> int:
        """Number of periods, padding included."""
        return int(self.values.shape[1])

    @functools.cached_property
    def lanes(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The values as a C-contiguous float64 numpy array, for CPU kernels."""
        return np.ascontiguousarray(to_numpy(self.values), dtype=np.float64)

    @functools.cached_property
    def first(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """First period of each series that is not padding; the length where all of it is."""
        there = ~np.isnan(self.lanes)
        return np.where(there.any(axis=1), there.argmax(axis=1), self.length).astype(np.int64)

    @functools.cached_property
    def missing(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Series × time, true where a value is missing after the first one that is there."""
        inside = np.arange(self.length)[None, :] >= self.first[:, None]
        return np.asarray(np.isnan(self.lanes) & inside)

    @property
    def season(self) -> int:
        """Periods in a season, from the spacing of the dates: 12 for months, 4 for quarters; 1 where none is usual."""
        return calendar.season_of(self.frequency)

    def axis(self) -> Any:
        """Labels of the time axis: dates, or the numbers of the periods."""
        return self.index if self.index is not None else np.arange(self.length)

    def future(self, h: int) -> Any:
        """Labels of the ``h`` periods that follow."""
        if self.index is None:
            return np.arange(self.length, self.length + h)
        return calendar.following(self.index, self.frequency, h)

    def place(self, series: int, period: int) -> str:
        """Say where a value stands: the series' name and the date or number of the period."""
        when = calendar.stamp(self.index[period]) if self.index is not None else f"index {period}"
        return f"{self.names[series]} at {when}" if self.count > 1 else when

    def require_complete(self, field: str, way_out: str) -> None:
        """Refuse missing values that are not leading padding.

        Parameters
        ----------
        field
            What the argument is called.
        way_out
            What the user can do, as the end of the sentence.
        """
        if not self.missing.any():
            return
        count = int(self.missing.sum())
        places = [self.place(int(s), int(t)) for s, t in np.argwhere(self.missing)[:3]]
        more = ", …" if count > len(places) else ""
        msg = f"{field} has {counted(count, 'missing value')} (first: {', '.join(places)}{more}); {way_out}"
        raise InvalidInput(msg, field=field, where=places[0])

    def require_begun(self, field: str) -> None:
        """Refuse series of which some begin later than others.

        Parameters
        ----------
        field
            What the argument is called.
        """
        if not self.first.any():
            return
        row = int(self.first.argmax())
        name, gap = self.names[row], int(self.first[row])
        whose = f"{name} of {field}" if self.count > 1 else field
        span = "period" if gap == 1 else counted(gap, "period")
        msg = f"{whose} has no values in its first {span}; cut all series to the periods they share"
        raise InvalidInput(msg, field=field, where=name)

    def fits(self) -> bool:
        """Tell whether numbers and labels fit together, as they do unless somebody changed a saved run."""
        shape = self.values.shape
        return len(shape) == 2 and len(self.names) == shape[0] and (self.index is None or len(self.index) == shape[1])

    def _labels(self) -> tuple[str, ...]:
        ends = () if self.index is None else (str(self.index[0]), str(self.index[-1]))
        return (*self.names, *ends)


def _read(given: Any, field: str) -> Series:
    """Return what was given, its numbers and dates unchecked."""
    if isinstance(given, Path):
        source = f"Path({str(given)!r})"
        if given.suffix.lower() == ".npy":
            return Series(*_from_array(tables.read_npy(given, field), field), source=source)
        return _from_table(tables.read(given, field), field, source)
    if tables.is_table(given):
        return _from_table(given, field, source_of(given))
    if isinstance(given, Mapping) or (isinstance(given, list | tuple) and given and not np.isscalar(given[0])):
        return Series(*_from_many(given, field))
    if isinstance(given, str):
        msg = (
            f"{field} is a text; pass sample({given!r}) for a named sample, prism_kernels.data.load({given!r}) for a "
            f"dataset or pathlib.Path({given!r}) for a file"
        )
        raise InvalidInput(msg, field=field)
    return Series(*_from_array(given, field))


def _from_table(frame: Any, field: str, source: str) -> Series:
    found = tables.wide(frame, field)
    return Series(found.values, found.names, found.index, source=source, notes=found.notes)


def _from_array(given: Any, field: str) -> tuple[Any, tuple[str, ...]]:
    if isinstance(given, np.ma.MaskedArray):
        given = np.ma.filled(given.astype(float), np.nan)
    values = given if is_array(given) else _as_numpy(given, field)
    if values.ndim == 0 and not is_array(given) and values.dtype.kind not in "fiub":
        kind = type(given).__name__
        msg = f"{field} must be an array, a frame, a list of numbers or the path of a file, and {kind} was given"
        raise InvalidInput(msg, field=field)
    if values.ndim not in (1, 2):
        msg = f"{field} has {values.ndim} dimensions; give one series (time) or several (series × time)"
        raise InvalidInput(msg, field=field)
    if values.ndim == 1:
        values = values[None, :]
    return values, tuple(f"series {k}" for k in range(values.shape[0])) if values.shape[0] > 1 else (field,)


def _as_numpy(given: Any, field: str) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(given)
    except ValueError:
        msg = f"{field} must be numbers in lists of equal length"
        raise InvalidInput(msg, field=field) from None


def _from_many(given: Any, field: str) -> tuple[Any, tuple[str, ...]]:
    """Align series of unequal length at their end."""
    names = tuple(map(str, given)) if isinstance(given, Mapping) else tuple(f"series {k}" for k in range(len(given)))
    parts = [_as_numpy(to_numpy(p), field) for p in (given.values() if isinstance(given, Mapping) else given)]
    for name, part in zip(names, parts, strict=True):
        if part.ndim != 1:
            msg = f"{field}: {name} has {part.ndim} dimensions; each series is a list of numbers"
            raise InvalidInput(msg, field=field, where=name)
        _check_dtype(part, f"{field}: {name}", field)
    longest = max((len(p) for p in parts), default=0)
    values = np.full((len(parts), longest), np.nan)
    for row, part in zip(values, parts, strict=True):
        row[longest - len(part) :] = part
    return values, names


def _check_dtype(values: Any, what: str, field: str) -> None:
    xp = namespace_of(values=values)
    if is_numpy(values) and values.dtype.kind not in "fiub":
        kind = "complex numbers" if values.dtype.kind == "c" else f"{values.dtype} values"
        msg = f"{what} holds {kind}; only real numbers can be analysed"
        raise InvalidInput(msg, field=field)
    if not is_numpy(values) and not xp.isdtype(values.dtype, ("real floating", "integral", "bool")):
        msg = f"{what} holds {values.dtype} values; only real numbers can be analysed"
        raise InvalidInput(msg, field=field)


def _checked(values: Any, names: Sequence[str], index: Any, field: str) -> Any:
    if 0 in values.shape:
        msg = f"{field} is empty; at least one value is needed"
        raise InvalidInput(msg, field=field)
    _check_dtype(values, field, field)
    xp = namespace_of(values=values)
    if not xp.isdtype(values.dtype, "real floating"):
        values = xp.astype(values, xp.float64)
    infinite = xp.isinf(values)
    if bool(xp.any(infinite)):
        spots = np.argwhere(to_numpy(infinite))
        s, t = (int(k) for k in spots[0])
        when = calendar.stamp(index[t]) if index is not None else f"index {t}"
        where = f"{names[s]} at {when}" if len(names) > 1 else when
        count = counted(len(spots), "infinite value")
        msg = f"{field} has {count} (first: {where}); replace or remove {'them' if len(spots) > 1 else 'it'}"
        raise InvalidInput(msg, field=field, where=where)
    return values
