"""Tables of series: pandas and polars frames, wide or long, and the files they come from."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prism_kernels.errors import InvalidInput, require
from prism_kernels.inputs import fences
from prism_kernels.inputs.calendar import stamp
from prism_kernels.inputs.dates import dated

__all__ = ["is_table", "long_to_wide", "looks_numeric", "parse", "read", "read_csv", "read_npy", "to_pandas", "wide"]

_LONG = ("unique_id", "ds", "y")
_SEPARATORS = ",;\t|"


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
        For a file that is not there, is empty, has a broken row or one column that none of the separators splits.
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


def read_csv(data: bytes, field: str, name: str) -> Any:
    """Read the bytes of a CSV file into a pandas frame; see :func:`read`.

    A first column without a name labels the rows, as pandas writes them; others without name and values are none.

    Parameters
    ----------
    data
        The bytes of the file, UTF-8.
    field, name
        What the argument and the file are called, for messages.
    """
    import pandas as pd

    if not data.strip():
        msg = f"{field}: {name} is empty ({len(data)} bytes); at least a header and one row are needed"
        raise InvalidInput(msg, field=field, where=name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{field}: {name} is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8"
        raise InvalidInput(msg, field=field, where=name) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        msg = f"{field}: {name} is no text (line {line} holds a zero byte); save it as CSV in UTF-8"
        raise InvalidInput(msg, field=field, where=name)
    head = text.lstrip().splitlines()[0]
    separator = max(_SEPARATORS, key=head.count)
    _check_rows(text, separator, field, name)
    decimal = "," if separator == ";" and _comma_decimals(text) else "."
    labelled = 0 if not head.partition(separator)[0].strip(' "') and separator in head else None
    try:
        frame = pd.read_csv(io.StringIO(text), sep=separator, decimal=decimal, index_col=labelled)
        return frame.loc[:, [not (str(c).startswith("Unnamed: ") and frame[c].isna().all()) for c in frame.columns]]
    except pd.errors.ParserError as error:
        msg = f"{field}: {name} cannot be read as CSV: {str(error).removeprefix('Error tokenizing data. C error: ')}"
        raise InvalidInput(msg, field=field, where=name) from None


def _comma_decimals(text: str) -> bool:
    row = text.splitlines()[1:2]
    return bool(row) and "," in row[0] and "." not in row[0].partition(";")[2]


def _check_rows(text: str, separator: str, field: str, name: str) -> None:
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    width = 0
    try:
        for row in rows:
            if not row:
                continue
            width = width or len(row)
            if len(row) != width:
                where = f"line {rows.line_num}"
                msg = f"{field}: {where} of {name} has {len(row)} fields where the header has {width}; mend that line"
                raise InvalidInput(msg, field=field, where=where)
    except csv.Error as error:
        msg = f"{field}: line {rows.line_num} of {name} cannot be read: {error}"
        raise InvalidInput(msg, field=field, where=f"line {rows.line_num}") from None


def wide(given: Any, field: str) -> tuple[Any, Sequence[str], Any]:
    """Return a frame's numbers (series × time), names and dates.

    Parameters
    ----------
    given
        A pandas or polars frame or series, wide or long.
    field
        What the argument is called, for messages.
    """
    import pandas as pd

    given = to_pandas(given)
    if isinstance(given, pd.Series):
        given = given.to_frame(given.name if given.name is not None else field)
    if set(_LONG) <= set(given.columns):
        given = long_to_wide(given, field)
    _check_labels(given, field)
    frame, index = dated(given, field)
    numbers = frame.select_dtypes(["number", "bool"], exclude=["timedelta"])
    for column in frame.columns.difference(numbers.columns, sort=False):
        if looks_numeric(frame[column]):
            raise _bad_cell(frame, column, field)
    if numbers.shape[1] == 0:
        raise _no_numbers(frame, field)
    for column, kind in numbers.dtypes.items():
        if kind.kind == "c":
            msg = f"{field} holds complex numbers in column {column!r}; only real numbers can be analysed"
            raise InvalidInput(msg, field=field, where=str(column))
    values = np.ascontiguousarray(numbers.to_numpy(dtype=float, na_value=np.nan).T)
    return values, [str(c) for c in numbers.columns], index


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
        count = f"{int(twice.sum())} repeated date{'' if twice.sum() == 1 else 's'}"
        first = f"{row['unique_id']} at {stamp(row['ds'])}"
        msg = f"{field} has {count} (first: {first}); use resample(…, every=…, how='mean') first"
        raise InvalidInput(msg, field=field, where=str(row["unique_id"]))
    return given.pivot(index="ds", columns="unique_id", values="y")


def looks_numeric(column: Any) -> bool:
    """Tell whether most cells of a frame's column can be read as numbers.

    Parameters
    ----------
    column
        A pandas series of texts or objects.
    """
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    return bool(len(column) and numbers.notna().mean() > 0.5)


def _bad_cell(frame: Any, column: str, field: str) -> InvalidInput:
    import pandas as pd

    numbers = pd.to_numeric(frame[column], errors="coerce")
    bad = (numbers.isna() & frame[column].notna()).to_numpy()
    if not bad.any():
        kind = type(frame[column].dropna().iloc[0]).__name__
        msg = f"{field} holds {kind} objects in column {column!r}; turn them into numbers with astype(float)"
        return InvalidInput(msg, field=field, where=str(column))
    place = int(bad.argmax())
    cell, where = str(frame[column].iloc[place]), f"row {place + 1} of column {column!r}"
    msg = f"{field} has {cell!r} in {where} where a number belongs; mend it, or leave it empty"
    return InvalidInput(msg, field=field, where=f"row {place + 1}")


def _no_numbers(frame: Any, field: str) -> InvalidInput:
    if len(frame) == 0:
        msg = f"{field} has a header and no rows; at least one value is needed"
        return InvalidInput(msg, field=field)
    if frame.shape[1] == 0:
        msg = f"{field} has dates and no other column; at least one column must hold numbers"
        return InvalidInput(msg, field=field)
    columns = ", ".join(repr(str(c)) for c in frame.columns[:5])
    if frame.shape[1] == 1 and not str(frame.columns[0]).isidentifier():
        way = "separate columns with commas, semicolons, tabs or bars"
    else:
        way = "at least one column must hold numbers"
    plural = "s" if frame.shape[1] != 1 else ""
    msg = f"{field} has no numeric column (column{plural}: {columns}); {way}"
    return InvalidInput(msg, field=field)
