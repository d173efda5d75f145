"""Tables of assets: arrays, frames, mappings and files read as time × asset, with what is refused about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prism_kernels.arrays import Array, is_array, is_numpy, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import tables
from prism_kernels.inputs.calendar import stamp
from prism_kernels.inputs.columns import holds_numbers
from prism_kernels.inputs.dates import dated
from prism_kernels.inputs.origin import source_of
from prism_kernels.inputs.ways import ways_out

__all__ = ["ASSET_COLUMNS", "check_dates", "read"]

ASSET_COLUMNS = ("asset", "ticker", "symbol", "unique_id", "name", "isin")
"""What a column of names of assets may be called."""

_DATE_COLUMNS = ("date", "ds", "datetime", "timestamp")
_VALUE_COLUMNS = ("price", "adj close", "adj_close", "close", "return", "returns", "value", "y")
_BARS = {"open", "high", "low", "close"}


def read(given: Any, field: str) -> tuple[Array, tuple[str, ...], Any, str]:
    """Return values (time × asset), names of the assets, dates or None, and the source of what was given.

    Parameters
    ----------
    given
        An array, a frame, a mapping of names to lists, or a path.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For what is none of these, for values that are no real numbers or infinite, for dates that are missing,
        repeated or unsorted, and for frames with columns that are no assets.
    """
    if isinstance(given, Path):
        return _from_path(given, field)
    if tables.is_table(given):
        return (*_from_frame(given, field), source_of(given))
    if isinstance(given, Mapping):
        values, names, index = _from_mapping(given, field), tuple(map(str, given)), None
    else:
        plain = is_array(given) and not isinstance(given, np.ma.MaskedArray)
        values = given if plain else _as_numpy(given, field)
        names, index = (), None
    values = _table_of(values, field)
    names = names or _numbered(values.shape[1], field)
    return _checked(values, names, index, field), names, index, ""


def _from_path(path: Path, field: str) -> tuple[Array, tuple[str, ...], Any, str]:
    source = f"Path({str(path)!r})"
    if path.suffix.lower() == ".npy":
        values = _table_of(tables.read_npy(path, field), field)
        names = _numbered(values.shape[1], field)
        return _checked(values, names, None, field), names, None, source
    return (*_from_frame(tables.read(path, field), field), source)


def _from_frame(given: Any, field: str) -> tuple[Array, tuple[str, ...], Any]:
    frame = tables.to_pandas(given)
    if frame.ndim == 1:
        frame = frame.to_frame(frame.name if frame.name is not None else field)
    if frame.columns.nlevels > 1:
        first = frame.columns[0][0]
        msg = f"{field} has column names of {frame.columns.nlevels} levels; choose one table, such as frame[{first!r}]"
        raise InvalidInput(msg, field=field)
    if hasattr(frame.columns, "tz"):
        msg = f"{field} has dates for columns; transpose it, so that a row is a date and a column an asset"
        raise InvalidInput(msg, field=field)
    frame = _wide(frame, field)
    if frame.columns.is_unique:
        frame, index = dated(frame, field)
        if index is not None:
            frame = frame.set_axis(index, axis=0)
        _check_columns(frame, field)
    found = tables.wide(frame, field)
    if found.index is not None:
        check_dates(found.index, field)
    values = _checked(np.ascontiguousarray(found.values.T), found.names, found.index, field)
    return values, found.names, found.index


def _wide(frame: Any, field: str) -> Any:
    """Turn a long frame, a row a date and asset, into a wide one; a wide one is returned as it is."""
    named = {str(c).lower(): c for c in frame.columns}
    asset, date, value = (
        next((named[n] for n in known if n in named), None) for known in (ASSET_COLUMNS, _DATE_COLUMNS, _VALUE_COLUMNS)
    )
    if asset is None or value is None or frame[asset].dtype.kind in "iufb":
        return frame
    if date is None and hasattr(frame.index, "tz"):
        frame, date = frame.rename_axis("date").reset_index(), "date"
    frame = _check_long(frame, asset, date, value, field)
    wide = frame.pivot(index="date", columns=asset, values=value)
    return wide.reindex(columns=frame[asset].unique()).rename_axis(columns=None)


def _check_long(frame: Any, asset: Any, date: Any, value: Any, field: str) -> Any:
    """Return the asset, date and value of each row, the dates read; refuse rows without one of the first two."""
    if date is None:
        msg = f"{field} has the columns {asset} and {value} and none of dates; add a column called date"
        raise InvalidInput(msg, field=field)
    unnamed = frame[asset].isna().to_numpy()
    if unnamed.any():
        row = int(unnamed.argmax()) + 1
        msg = f"{field} has no {asset} in row {row}; name it, or remove the row"
        raise InvalidInput(msg, field=field, where=f"row {row}")
    rest, index = dated(frame[[date, asset, value]].rename(columns={date: "date"}).reset_index(drop=True), field)
    if index is None:
        msg = f"{field} has no dates in column {date!r}; write them as 2024-12-31"
        raise InvalidInput(msg, field=field, where=str(date))
    _check_there(index, field)
    rest = rest.assign(date=index)
    _check_twice(rest, asset, "date", field)
    return rest


def _check_twice(frame: Any, asset: Any, date: Any, field: str) -> None:
    twice = frame.duplicated([asset, date])
    if twice.any():
        row = frame[twice].iloc[0]
        where = f"{row[asset]} at {stamp(row[date])}"
        msg = f"{field} has two rows for {where}; keep one row for each asset and date"
        raise InvalidInput(msg, field=field, where=where)


def _check_columns(frame: Any, field: str) -> None:
    if {str(c).lower() for c in frame.columns} >= _BARS:
        msg = (
            f"{field} has the columns open, high, low and close of one asset; "
            "keep its dates and one of them, such as close"
        )
        raise InvalidInput(msg, field=field)
    texts = [c for c, kind in frame.dtypes.items() if kind.kind not in "iufbc"]
    for column in texts:
        if len(texts) < frame.shape[1] and not holds_numbers(frame[column]):
            msg = f"{field} has no numbers in column {column!r}; leave that column out"
            raise InvalidInput(msg, field=field, where=str(column))


def check_dates(index: Any, field: str) -> None:
    """Refuse dates that are missing, repeated or unsorted; the spacing of market days is free.

    Parameters
    ----------
    index
        A ``pandas.DatetimeIndex``.
    field
        What the argument is called, for messages.
    """
    _check_there(index, field)
    if index.has_duplicates:
        twice = index[index.duplicated()]
        count = f"{len(twice)} repeated date{'s' * (len(twice) > 1)}"
        msg = f"{field} has {count} (first: {stamp(twice[0])}); keep one row for each date"
        raise InvalidInput(msg, field=field, where=stamp(twice[0]))
    if not index.is_monotonic_increasing:
        late = int((index[1:] < index[:-1]).argmax())
        here, there = stamp(index[late + 1]), stamp(index[late])
        msg = f"{field} has unsorted dates: {here} comes after {there}; sort the rows by date"
        raise InvalidInput(msg, field=field, where=here)


def _check_there(index: Any, field: str) -> None:
    if index.hasnans:
        place = int(index.isna().argmax())
        msg = f"{field} has no date in row {place + 1}; give each row its date, or remove it"
        raise InvalidInput(msg, field=field, where=f"row {place + 1}")


def _from_mapping(given: Mapping[Any, Any], field: str) -> np.ndarray[Any, Any]:
    columns = {str(n): _as_numpy(to_numpy(v), field) for n, v in given.items()}
    lengths = {n: len(c) if c.ndim == 1 else -1 for n, c in columns.items()}
    if not columns:
        msg = f"{field} is empty; at least one asset is needed"
        raise InvalidInput(msg, field=field)
    first = next(iter(lengths))
    for name, length in lengths.items():
        if length < 0 or length != lengths[first]:
            msg = f"{field}: {name} must be a list of numbers as long as {first}'s"
            raise InvalidInput(msg, field=field, where=name)
    return np.stack(list(columns.values()), axis=1)


def _as_numpy(given: Any, field: str) -> np.ndarray[Any, Any]:
    if isinstance(given, str):
        msg = f"{field} is a text; pass sample({given!r}) for a named sample or pathlib.Path({given!r}) for a file"
        raise InvalidInput(msg, field=field)
    if isinstance(given, list | tuple) and any(tables.is_table(one) for one in given):
        msg = f"{field} is a list of series; join them first, such as pandas.concat(series, axis=1)"
        raise InvalidInput(msg, field=field)
    if isinstance(given, np.ma.MaskedArray):
        return np.ma.filled(given.astype(float), np.nan)
    try:
        return np.asarray(given)
    except ValueError:
        msg = f"{field} must be numbers in lists of equal length"
        raise InvalidInput(msg, field=field) from None


def _table_of(values: Any, field: str) -> Any:
    if values.ndim == 1:
        return values[:, None]
    if values.ndim != 2:
        other = is_numpy(values) and values.dtype.kind not in "fiubc"
        kind = f"is of type {type(values[()]).__name__}" if other else "is one number"
        have = f"has {values.ndim} dimensions" if values.ndim else kind
        msg = f"{field} {have}; give a frame, a file, or an array of time × asset"
        raise InvalidInput(msg, field=field)
    return values


def _numbered(count: int, field: str) -> tuple[str, ...]:
    return tuple(f"asset {k}" for k in range(count)) if count > 1 else (field,)


def _checked(values: Any, names: Sequence[str], index: Any, field: str) -> Array:
    if 0 in values.shape:
        msg = f"{field} is empty; at least one period and one asset are needed"
        raise InvalidInput(msg, field=field)
    xp = namespace_of(values=values)
    if not (values.dtype.kind in "fiub" if is_numpy(values) else _is_real(xp, values.dtype)):
        msg = f"{field} holds {values.dtype} values; only real numbers can be analysed"
        raise InvalidInput(msg, field=field)
    if not xp.isdtype(values.dtype, "real floating"):
        values = xp.astype(values, xp.float64)
    infinite = xp.isinf(values)
    if bool(xp.any(infinite)):
        spots = np.argwhere(to_numpy(infinite))
        when = stamp(index[int(spots[0, 0])]) if index is not None else f"period {spots[0, 0]}"
        where = f"{names[int(spots[0, 1])]} at {when}"
        what = "an infinite value" if len(spots) == 1 else f"{len(spots)} infinite values"
        msg = f"{field} has {what} (first: {where}); {ways_out('correct it', empty=True)}"
        raise InvalidInput(msg, field=field, where=where)
    return values


def _is_real(xp: Any, dtype: Any) -> bool:
    return bool(xp.isdtype(dtype, ("real floating", "integral", "bool")))
