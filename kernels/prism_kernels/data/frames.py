"""Frames of a notebook, written as Parquet: what can be kept, and what is refused before it is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prism_kernels.errors import InvalidInput, require
from prism_kernels.inputs import tables

__all__ = ["write_frame"]


def write_frame(frame: Any, path: Path, name: str) -> None:
    """Write a pandas or polars frame or series as Parquet.

    Parameters
    ----------
    frame
        What to write; the index of a pandas frame is kept.
    path
        The file.
    name
        What the dataset is called, for messages.

    Raises
    ------
    InvalidInput
        For anything that is no frame, holds nothing, or would not come back as it was.
    """
    if not tables.is_table(frame):
        msg = f"{name}: frame must be a pandas or polars frame or series, and {type(frame).__name__} was given"
        raise InvalidInput(msg, field="frame")
    require("pyarrow", extra="data", purpose="saving a frame as Parquet")
    one = type(frame).__name__ == "Series"
    if type(frame).__module__.startswith("polars"):
        table = frame.to_frame(frame.name or name) if one else frame
        write = table.write_parquet
    else:
        table = (frame.to_frame(frame.name if frame.name is not None else name) if one else frame).copy(deep=False)
        table.attrs = {}
        _check_columns(table, name)
        write = table.to_parquet
    if 0 in table.shape:
        msg = (
            f"{name}: the frame has {table.shape[0]} rows and {table.shape[1]} columns; at least one of each is needed"
        )
        raise InvalidInput(msg, field="frame")
    try:
        write(path)
    except (ValueError, TypeError, NotImplementedError) as error:
        why = str(error.args[-1] if error.args else type(error).__name__).splitlines()[0].rstrip(".")
        msg = f"{name}: Parquet cannot hold this frame ({why}); give each column values of one plain type"
        raise InvalidInput(msg, field="frame") from error


def _check_columns(table: Any, name: str) -> None:
    if table.columns.nlevels > 1:
        msg = f"{name}: the frame has column names of {table.columns.nlevels} levels; give each column one name"
        raise InvalidInput(msg, field="frame")
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        msg = f"{name}: the frame has two columns called {twice!r}; give each a name of its own"
        raise InvalidInput(msg, field="frame", where=str(twice))
    kinds = {type(column).__name__ for column in table.columns}
    if len(kinds) > 1:
        msg = (
            f"{name}: the frame has column names of several types ({', '.join(sorted(kinds))}); make all of them texts"
        )
        raise InvalidInput(msg, field="frame")
