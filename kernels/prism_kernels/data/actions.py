"""What can be done with datasets: save, add, load, show, list and remove them."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prism_kernels.data import addresses, queries, reading
from prism_kernels.data.addresses import Gone
from prism_kernels.data.catalogue import Catalogue, Dataset, Kind, taken, unknown
from prism_kernels.data.frames import write_frame
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import fences
from prism_kernels.inputs.input import sample_names
from prism_kernels.inputs.origin import mark

__all__ = ["add", "datasets", "load", "remove", "save", "share", "show", "unshare"]

_NAME = re.compile(r"[^\W\d_][\w-]{0,63}")  # no dot and no slash: a name never looks like a path
_ROWS, _COLUMNS, _WIDTH = 5, 8, 40  # of the preview
_DATABASES = ("sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql", "duckdb")


def save(frame: Any, name: str, *, title: str = "", replace: bool = False, share: bool | None = None) -> Dataset:
    """Keep a frame of the notebook as a dataset.

    Parameters
    ----------
    frame
        A pandas or polars frame or series, wide or long (``unique_id, ds, y``). It is kept as Parquet, with its index.
    name
        What it is called on every surface: a letter, then letters, digits, ``_`` and ``-``.
    title
        What it is, in a few words.
    replace
        Whether it may take the place of a dataset with the same name.
    share
        Whether readers' pages may load it; as the one it replaces, or not, when not given.

    Raises
    ------
    InvalidInput
        For a name that is taken or cannot be one, and a frame that Parquet cannot hold.
    """
    catalogue = Catalogue()
    _check_name(name, catalogue, replace=replace)
    catalogue.make()
    half = catalogue.frames / f".{secrets.token_hex(8)}"
    try:
        write_frame(frame, half, name)
        fetched = reading.fetch("frame", str(half))
        place = catalogue.frames / f"{fetched.digest}.parquet"
        entry = _entry(name, "frame", str(place), fetched, fetched.frame(name), title=title)
        return catalogue.put(entry, replaces=replace, share=share, frame=half)
    finally:
        half.unlink(missing_ok=True)


def add(
    name: str,
    source: str | Path,
    *,
    query: str = "",
    title: str = "",
    replace: bool = False,
    share: bool | None = None,
) -> Dataset:
    """Catalogue data where it lies; nothing is copied.

    Parameters
    ----------
    name
        What it is called on every surface: a letter, then letters, digits, ``_`` and ``-``.
    source
        A CSV, Parquet or NPY file; a folder of CSV or Parquet files with the same columns, which are stacked in the
        order of their names (a file of ``ds`` and ``y`` alone is one series, called after the file); an fsspec address
        such as ``s3://bucket/file.parquet``; with a query the URL of a database. ``$NAME`` in an address is the value
        of an environment variable, which is not kept.
    query
        SQL that reads from the database. Order its rows: others are taken for changed data.
    title
        What it is, in a few words.
    replace
        Whether it may take the place of a dataset with the same name.
    share
        Whether readers' pages may load it; as the one it replaces, or not, when not given.

    Raises
    ------
    InvalidInput
        For a name that is taken or cannot be one, and a source that cannot be read.
    """
    catalogue = Catalogue()
    _check_name(name, catalogue, replace=replace)
    kind, place = _placed(name, source, query)
    try:
        fetched = reading.fetch(kind, place, query)
    except Gone as gone:
        msg = f"{name}: {gone}; {_ADVICE[kind]}"
        raise InvalidInput(msg, field="query" if kind == "sql" else "source", where=place) from gone
    entry = _entry(name, kind, place, fetched, fetched.frame(name), query=query, title=title)
    return catalogue.put(entry, replaces=replace, share=share)


def load(name: str, *, field: str = "") -> Any:
    """Return a dataset as a pandas frame.

    Parameters
    ----------
    name
        Name of the dataset.
    field
        What the argument it is for is called, for messages.

    Raises
    ------
    InvalidInput
        When no dataset is called so, when its source vanished or is no longer what was catalogued, and on a page of
        readers when it was not shared.
    """
    catalogue = Catalogue()
    entry = _known(catalogue, name, field)
    try:
        fetched = reading.fetch(entry.kind, entry.source, entry.query)
    except Gone as gone:
        now = catalogue.get(name)
        if entry.kind == "frame" and now is not None and now != entry:  # it was replaced just now
            return load(name, field=field)
        raise _refusal(entry, str(gone), f"put it back, or {_again(entry)}", field) from gone
    if fetched.digest != entry.digest:
        what = (
            f"{entry.source} changed since it was catalogued (sha256 {fetched.digest[:12]}…, was {entry.digest[:12]}…)"
        )
        raise _refusal(entry, what, f"if the new data is meant, {_again(entry)}", field)
    return mark(fetched.frame(name), f"load({name!r})")


def show(name: str) -> Dataset:
    """Return what the catalogue knows of a dataset, without reading it.

    Parameters
    ----------
    name
        Name of the dataset.
    """
    return _known(Catalogue(), name)


def datasets() -> Mapping[str, Dataset]:
    """Return what is catalogued, by name; on a page of readers what was shared."""
    found = Catalogue().all()
    return {name: entry for name, entry in found.items() if entry.shared} if fences.fenced() else found


def share(name: str) -> Dataset:
    """Let readers' pages offer and load a dataset, and return it.

    Parameters
    ----------
    name
        Name of the dataset.
    """
    catalogue = Catalogue()
    return catalogue.mark(_known(catalogue, name).name, shared=True)


def unshare(name: str) -> Dataset:
    """Take a dataset from readers' pages, and return it; what they have read stays on screen.

    Parameters
    ----------
    name
        Name of the dataset.
    """
    catalogue = Catalogue()
    return catalogue.mark(_known(catalogue, name).name, shared=False)


def remove(name: str) -> Dataset:
    """Take a dataset out of the catalogue, and return what it was.

    Files, folders, addresses and databases stay as they are; a frame that was saved is deleted.

    Parameters
    ----------
    name
        Name of the dataset.
    """
    catalogue = Catalogue()
    return catalogue.delete(_known(catalogue, name).name)


def _known(catalogue: Catalogue, name: str, field: str = "") -> Dataset:
    entry = catalogue.get(name)
    if fences.fenced() and (entry is None or not entry.shared):  # in the same words, which tell a stranger nothing
        start, way = f"{field}: " if field else "", "whoever owns it shares it with: prism data share NAME"
        msg = f"{start}no dataset called {name!r} is shared with readers; {way}"
        raise InvalidInput(msg, field=field or "name")
    if entry is None:
        raise unknown(name, catalogue.all())
    return entry


def _check_name(name: str, catalogue: Catalogue, *, replace: bool) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        msg = f"name must be a letter and up to 63 letters, digits, _ or - after it, and {name!r} was given"
        raise InvalidInput(msg, field="name")
    if name in sample_names():
        msg = f"{name!r} is the name of a sample, which is found first; choose another name"
        raise InvalidInput(msg, field="name")
    before = catalogue.get(name)
    if before is not None and not replace:
        raise taken(before)


def _placed(name: str, source: Any, query: str) -> tuple[Kind, str]:
    """Tell what kind a source is, and where it lies whatever the working folder will be."""
    if not isinstance(source, str | Path):
        msg = (
            f"{name}: source must be a path or an address, and {type(source).__name__} was given; save() keeps a frame"
        )
        raise InvalidInput(msg, field="source")
    text = str(source)
    if query:
        queries.check_query(query, name)
        if "://" not in text:
            msg = f"{name}: a query goes to a database, and {text!r} is no URL of one; give one such as sqlite:///sales.db"
            raise InvalidInput(msg, field="source")
        addresses.check_secrets(text, name)
        return "sql", queries.settled(text)
    if "://" in text:
        addresses.check_secrets(text, name)
        if text.partition(":")[0].partition("+")[0] in _DATABASES:
            msg = f"{name}: {text} is a database; say what to read from it with a query (--query 'SELECT …')"
            raise InvalidInput(msg, field="query")
        return "url", text
    if not text.strip():
        msg = f"{name}: no source was given; {_ADVICE['file']}"
        raise InvalidInput(msg, field="source")
    path = Path(text).expanduser().absolute()
    return ("folder" if path.is_dir() else "file"), str(path)


_ADVICE: dict[Kind, str] = {
    "file": "give a CSV, Parquet or NPY file, a folder of them, or an address",
    "folder": "put CSV or Parquet files with the same columns into it, or give one file",
    "url": "look whether the address is right and its server runs, then try again",
    "sql": "correct the query or the URL of the database, then try again",
}


def _entry(name: str, kind: Kind, place: str, fetched: reading.Fetched, frame: Any, **about: Any) -> Dataset:
    if 0 in frame.shape:
        msg = f"{name}: the data has {frame.shape[0]} rows and {frame.shape[1]} columns; at least one of each is needed"
        raise InvalidInput(msg, field="source", where=place)
    head = _flat(frame.head(_ROWS))
    return Dataset(
        name=name,
        kind=kind,
        source=place,
        digest=fetched.digest,
        rows=len(frame),
        columns={str(c): str(t) for c, t in head.dtypes.items()},
        preview=tuple(map(_texts, (head.columns[:_COLUMNS], *head.iloc[:, :_COLUMNS].itertuples(index=False)))),
        changed=fetched.changed,
        added=datetime.now(UTC).isoformat(timespec="seconds"),
        **about,
    )


def _flat(head: Any) -> Any:
    """Make columns of an index that holds labels."""
    import pandas as pd

    return head if isinstance(head.index, pd.RangeIndex) else head.reset_index(allow_duplicates=True)


def _texts(cells: Iterable[Any]) -> tuple[str, ...]:
    """Write cells so that a line stays a line: without what moves the cursor of a terminal."""
    return tuple("".join(c if c.isprintable() else " " for c in str(cell)[:_WIDTH]) for cell in cells)


def _again(entry: Dataset) -> str:
    if entry.kind == "frame":
        return f"save it again: prism_kernels.data.save(frame, {entry.name!r}, replace=True)"
    query = ["--query", entry.query] if entry.query else []
    return f"run: {shlex.join(['prism', 'data', 'add', entry.name, entry.source, *query, '--replace'])}"


def _refusal(entry: Dataset, what: str, way_out: str, field: str) -> InvalidInput:
    start = f"{field}: " if field else ""
    msg = f"{start}dataset {entry.name!r} cannot be used: {what}; {way_out}"
    return InvalidInput(msg, field=field or "name", where=entry.source)
