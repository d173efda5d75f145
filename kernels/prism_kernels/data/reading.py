"""Sources: fetch what lies there with its digest, and turn it into a frame."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from prism_kernels import progress
from prism_kernels.data import addresses, queries
from prism_kernels.data.addresses import Gone
from prism_kernels.data.catalogue import Kind
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import tables

__all__ = ["Fetched", "fetch"]

_PARTS = (".csv", ".tsv", ".txt", ".parquet", ".pq")


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What lies at a source now.

    Attributes
    ----------
    digest
        Its sha256.
    changed
        When it was last changed, UTC in ISO 8601; empty where the source does not tell.
    frame
        Turns it into a pandas frame; called with the dataset's name, for messages.
    """

    digest: str
    changed: str
    frame: Callable[[str], Any]


def fetch(kind: Kind, source: str, query: str = "") -> Fetched:
    """Fetch what lies at a source; see :class:`prism_kernels.data.Dataset` for the kinds.

    Parameters
    ----------
    kind, source, query
        Where it lies.

    Raises
    ------
    Gone
        When nothing is there, or it cannot be read.
    """
    progress.checkpoint()
    return _FETCHERS[kind](source, query)


def _file(source: str, query: str) -> Fetched:
    path = Path(source)
    data, changed = _content(path)
    return Fetched(digest=_sha256(data), changed=changed, frame=lambda name: _parse(data, path.name, name))


def _frame(source: str, query: str) -> Fetched:
    data, changed = _content(Path(source))
    return Fetched(
        digest=_sha256(data), changed=changed, frame=lambda name: tables.parse(data, name, f"{name}.parquet")
    )


def _folder(source: str, query: str) -> Fetched:
    folder = Path(source)
    if not folder.is_dir():
        raise Gone(_absent(folder))
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in _PARTS and p.name[0] not in "._" and p.is_file())
    if not paths:
        msg = f"the folder {folder} holds no CSV or Parquet file"
        raise Gone(msg)
    contents = {path.name: _content(path) for path in progress.track(paths, "files")}
    parts = {name: data for name, (data, _) in contents.items()}
    lines = "".join(f"{_sha256(data)}  {name}\n" for name, data in parts.items())
    return Fetched(
        digest=_sha256(lines.encode()),
        changed=max(changed for _, changed in contents.values()),
        frame=lambda name: _stacked(parts, name),
    )


def _url(source: str, query: str) -> Fetched:
    data, when = addresses.fetch(source)
    changed = when.astimezone(UTC).isoformat(timespec="seconds") if isinstance(when, datetime) else ""
    file = Path(urlsplit(source.partition("::")[0]).path or source).name
    return Fetched(digest=_sha256(data), changed=changed, frame=lambda name: _parse(data, file, name))


def _sql(source: str, query: str) -> Fetched:
    names, rows = queries.ask(source, query)
    digest = queries.digest_of(names, rows)
    return Fetched(digest=digest, changed="", frame=lambda name: queries.frame_of(names, rows, name))


_FETCHERS: dict[Kind, Callable[[str, str], Fetched]] = {
    "file": _file,
    "frame": _frame,
    "folder": _folder,
    "url": _url,
    "sql": _sql,
}


def _content(path: Path) -> tuple[bytes, str]:
    """Return the bytes of a file, and when it was last changed."""
    if not path.is_file():
        raise Gone(_absent(path))
    try:
        with path.open("rb") as file:
            when = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
            return file.read(), when.isoformat(timespec="seconds")
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror})"
        raise Gone(msg) from error


def _absent(path: Path) -> str:
    return f"{path} is {'not a file' if path.is_dir() else 'not a folder' if path.exists() else 'not there'}"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _parse(data: bytes, file: str, name: str) -> Any:
    if not data:
        msg = f"{name}: {file} is empty (0 bytes); at least a header and one row are needed"
        raise InvalidInput(msg, field="source", where=file)
    return _array(data, file, name) if file.lower().endswith(".npy") else tables.parse(data, name, file)


def _array(data: bytes, file: str, name: str) -> Any:
    """Turn an array, of one series or series × time, into a frame of time rows."""
    import pandas as pd

    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        msg = f"{name}: {file} is not a readable NPY file; write one array of numbers with numpy.save"
        raise InvalidInput(msg, field="source", where=file) from None
    if values.ndim not in (1, 2):
        msg = f"{name}: {file} has {values.ndim} dimensions; give one series (time) or several (series × time)"
        raise InvalidInput(msg, field="source", where=file)
    values = np.atleast_2d(values)
    names = [name] if len(values) == 1 else [f"series {k}" for k in range(len(values))]
    return pd.DataFrame(values.T, columns=names)


def _stacked(parts: Mapping[str, bytes], name: str) -> Any:
    """Stack the files of a folder, which must have the same columns, in the order of their names."""
    import pandas as pd

    frames = {file: _labelled(_parse(data, file, name), file) for file, data in parts.items()}
    (first, model), *others = frames.items()
    for file, frame in others:
        if list(frame.columns) != list(model.columns):
            theirs, ours = (", ".join(map(repr, f.columns)) for f in (frame, model))
            msg = f"{name}: {file} has the columns {theirs} where {first} has {ours}; give all files the same columns"
            raise InvalidInput(msg, field="source", where=file)
        for column in frame.columns:
            if _numeric(frame[column]) != _numeric(model[column]):
                which, other = (file, first) if _numeric(model[column]) else (first, file)
                msg = (
                    f"{name}: column {column!r} holds numbers in {other} and something else in {which}; mend that file"
                )
                raise InvalidInput(msg, field="source", where=which)
    plain = all(isinstance(frame.index, pd.RangeIndex) for frame in frames.values())
    return pd.concat(list(frames.values()), ignore_index=plain)


def _labelled(frame: Any, file: str) -> Any:
    """Name the series of a file of dates and values after the file, as long frames do."""
    if {"ds", "y"} <= set(frame.columns) and "unique_id" not in frame.columns:
        frame.insert(0, "unique_id", Path(file).stem)
    return frame


def _numeric(column: Any) -> bool:
    return column.dtype.kind in "iufb" or bool(column.isna().all())
