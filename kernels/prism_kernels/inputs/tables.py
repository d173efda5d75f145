"""Tables of series: pandas and polars frames, wide or long, and the files they come from."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prism_kernels.errors import InvalidInput, require
from prism_kernels.inputs import columns, fences
from prism_kernels.inputs.calendar import stamp
from prism_kernels.inputs.csv_text import read_csv
from prism_kernels.inputs.dates import dated
from prism_kernels.refusal import counted, short

__all__ = ["Wide", "is_table", "long_to_wide", "parse", "read", "read_npy", "to_pandas", "wide"]

_LONG = ("unique_id", "ds", "y")


@dataclass(frozen=True, eq=False)
class Wide:
    """What a frame holds.

    Attributes
    ----------
    values
        Its numbers, series × time.
    names
        Label of each series.
    index
        Its dates; None without any.
    notes
        What was left out of it, in sentences.
    """

    values: np.ndarray[Any, np.dtype[np.float64]]
    names: tuple[str, ...]
    index: Any
    notes: tuple[str, ...]


def is_table(given: Any) -> bool:
    """Tell whether a value is a pandas or polars frame or series, without importing either."""
    root = type(given).__module__.partition(".")[0]
    return (
        root in ("pandas", "polars") and hasattr(given, "to_numpy") and type(given).__name__ in ("DataFrame", "Series")
    )


def read_npy(path: Path, field: str) -> np.ndarray[Any, Any]:
    """Read an NPY file; pickles are refused."""
    path = _check_file(path, field)
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (ValueError, EOFError, OSError):
        msg = f"{field}: {path.name} is not a readable NPY file; write one array of numbers with numpy.save"
        raise InvalidInput(msg, field=field, where=str(path)) from None


def read(path: Path, field: str) -> Any:
    """Read a CSV or Parquet file into a pandas frame.

    Parameters
    ----------
    path
        The file. The separator of a CSV is found among comma, semicolon, tab and bar.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For a file that is not there, is empty, has no header, a broken row or one column that none of the separators
        splits.
    """
    path = _check_file(path, field)
    return parse(path.read_bytes(), field, path.name)


def parse(data: bytes, field: str, name: str) -> Any:
    """Read the bytes of a CSV or Parquet file, told by the suffix of its name, into a pandas frame; see :func:`read`.

    Parameters
    ----------
    data
        The bytes of the file.
    field, name
        What the argument and the file are called, for messages.
    """
    if Path(name).suffix.lower() not in (".parquet", ".pq"):
        return read_csv(data, field, name)
    import pandas as pd

    require("pyarrow", extra="lab", purpose="reading Parquet")
    try:
        return pd.read_parquet(io.BytesIO(data))
    except (ValueError, OSError):
        msg = f"{field}: {name} is not a readable Parquet file; write it again, or save it as CSV"
        raise InvalidInput(msg, field=field, where=name) from None


def _check_file(path: Path, field: str) -> Path:
    path = fences.check_path(path, field)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        msg = f"{field}: {path} {what}; give the path of a CSV, Parquet or NPY file"
        raise InvalidInput(msg, field=field, where=str(path))
    if path.stat().st_size == 0:
        msg = f"{field}: {path.name} is empty (0 bytes); at least a header and one row are needed"
        raise InvalidInput(msg, field=field, where=str(path))
    return path


def wide(given: Any, field: str) -> Wide:
    """Return a frame's numbers, names and dates; columns of plain text are left out, and a note says so.

    Parameters
    ----------
    given
        A pandas or polars frame or series, wide or long.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For columns that mix numbers with words or decorate them, and for a frame without numbers.
    """
    import pandas as pd

    given = to_pandas(given)
    if isinstance(given, pd.Series):
        given = given.to_frame(given.name if given.name is not None else field)
    if set(_LONG) <= set(given.columns):
        given = long_to_wide(given, field)
    _check_labels(given, field)
    frame, index = dated(given, field)
    if index is not None:
        columns.check_stacked(frame, index, field)
    numbers = frame.select_dtypes(["number", "bool"], exclude=["timedelta"])
    notes = columns.text_columns(frame, frame.columns.difference(numbers.columns, sort=False), field)
    if numbers.shape[1] == 0:
        raise columns.no_numbers(frame, field)
    for column, kind in numbers.dtypes.items():
        if kind.kind == "c":
            msg = f"{field} holds complex numbers in column {column!r}; only real numbers can be analysed"
            raise InvalidInput(msg, field=field, where=str(column))
    values = np.ascontiguousarray(numbers.to_numpy(dtype=float, na_value=np.nan).T)
    if index is None or frame is not given:
        notes += _labels_left(given, field)
    return Wide(values, tuple(str(c) for c in numbers.columns), index, notes)


def _labels_left(frame: Any, field: str) -> tuple[str, ...]:
    """Say that the labels of the rows, which are no dates, were left out; numbers are not worth a word."""
    if frame.index.dtype.kind in "iuf" or not len(frame):
        return ()
    first = short(str(frame.index[0]))
    return (f"labels of the rows of {field} were left out: they are no dates but texts such as {first!r}",)


def _check_labels(frame: Any, field: str) -> None:
    if getattr(frame.index, "nlevels", 1) > 1:
        msg = f"{field} has an index of {frame.index.nlevels} levels; unstack it, so that a column is a series"
        raise InvalidInput(msg, field=field)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        msg = f"{field} has two columns called {twice!r}; give each a name of its own"
        raise InvalidInput(msg, field=field, where=str(twice))


def to_pandas(given: Any) -> Any:
    """Return a polars frame or series as a pandas one; a pandas one as it is."""
    import pandas as pd

    if not type(given).__module__.startswith("polars"):
        return given
    if type(given).__name__ == "Series":
        return pd.Series(given.to_numpy(), name=given.name or None)
    return pd.DataFrame({c: given[c].to_numpy() for c in given.columns})


def long_to_wide(given: Any, field: str) -> Any:
    """Turn a long frame (``unique_id, ds, y``) into a wide one, aligned on its dates."""
    twice = given.duplicated(["unique_id", "ds"])
    if twice.any():
        row = given[twice].iloc[0]
        count = counted(int(twice.sum()), "repeated date")
        first = f"{row['unique_id']} at {stamp(row['ds'])}"
        msg = f"{field} has {count} (first: {first}); use resample(…, every=…, how='mean') first"
        raise InvalidInput(msg, field=field, where=str(row["unique_id"]))
    return given.pivot(index="ds", columns="unique_id", values="y")
