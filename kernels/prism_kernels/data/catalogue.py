"""The catalogue: what each dataset is, in one small SQLite file that several processes may write."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prism_kernels.errors import InvalidInput, PrismError, nearest

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["Catalogue", "Dataset", "Kind", "data_folder"]

DATA = "PRISM_DATA"
"""Environment variable that names another folder."""

Kind = Literal["file", "folder", "url", "sql", "frame"]

_VERSION = 2  # 2: entries tell whether they are shared; those of 1 are not
_WAIT_SECONDS = 10.0
_DAY_SECONDS = 86_400.0
_SCHEMA = "CREATE TABLE IF NOT EXISTS datasets (name TEXT PRIMARY KEY, entry TEXT NOT NULL)"


def data_folder() -> Path:
    """Return the folder of the catalogue: the one ``PRISM_DATA`` names, or the usual place for a user's data."""
    named = os.environ.get(DATA)
    if named:
        return Path(named).expanduser().absolute()
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "prism" / "data"


@dataclass(frozen=True, kw_only=True, repr=False)
class Dataset:
    """What the catalogue knows of one dataset.

    Attributes
    ----------
    name
        What it is called on every surface.
    kind
        Where it lies: ``file``, ``folder``, ``url``, ``sql``, or ``frame`` for one that was saved from a notebook.
    source
        Path or address; a secret in it is the name of an environment variable, ``$NAME``.
    query
        The SQL query; empty for other kinds.
    title
        What it is, in a few words.
    digest
        Sha256 in hexadecimal: of the bytes of a file, an address or a saved frame; of ``sha256sum``'s lines, sorted by
        name, for the files of a folder; of the rows as lines of JSON for a query.
    rows
        Number of rows.
    columns
        Name of the type of each column, by name; an index that holds labels comes first.
    preview
        Names of the first columns and their first rows, as texts.
    changed
        When the source was last changed, UTC in ISO 8601; empty where it does not tell.
    added
        When it was catalogued, UTC in ISO 8601.
    shared
        Whether readers' pages may load it.
    """

    name: str
    kind: Kind
    source: str
    query: str = ""
    title: str = ""
    digest: str
    rows: int
    columns: Mapping[str, str]
    preview: tuple[tuple[str, ...], ...] = ()
    changed: str = ""
    added: str = ""
    shared: bool = False

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {self.kind}, {self.rows} × {len(self.columns)}, sha256 {self.digest[:12]}…)"

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain Python."""
        return asdict(self)


class Catalogue:
    """The datasets of one user.

    Parameters
    ----------
    folder
        Where the catalogue and saved frames lie; None for the user's.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_folder()
        self.path = self.folder / "datasets.sqlite"
        self.frames = self.folder / "frames"

    def make(self) -> None:
        """Make the folders, for this user alone, and tidy up after those who were killed while they wrote."""
        for folder in (self.folder, self.frames):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for half in self.frames.glob(".*"):
            with contextlib.suppress(FileNotFoundError):  # its writer was alive after all
                if time.time() - half.stat().st_mtime > _DAY_SECONDS:
                    half.unlink()

    def all(self) -> dict[str, Dataset]:
        """Return every dataset by name, sorted; none where nothing was catalogued yet."""
        found = self._read("ORDER BY name")
        return {entry.name: entry for entry in found}

    def get(self, name: str) -> Dataset | None:
        """Return the dataset of a name; None when there is none."""
        found = self._read("WHERE name = ?", name)
        return found[0] if found else None

    def put(self, entry: Dataset, *, replaces: bool, share: bool | None = None, frame: Path | None = None) -> Dataset:
        """Keep a dataset, and return it as it is kept.

        Parameters
        ----------
        entry
            The dataset.
        replaces
            Whether it may take the place of one with the same name.
        share
            Whether it is shared; as the one before when not given.
        frame
            File of a saved frame, which moves to the place the entry names.

        Raises
        ------
        InvalidInput
            When the name is taken and ``replaces`` is false; nothing is changed then.
        """
        self.make()
        with self._open() as link:
            before = self._held(link, entry.name)
            if before is not None and not replaces:
                raise taken(before)
            if frame is not None:
                frame.replace(entry.source)
            kept = replace(entry, shared=share if share is not None else before is not None and before.shared)
            self._write(link, kept)
        if before is not None:
            self._sweep(before)
        return kept

    def mark(self, name: str, *, shared: bool) -> Dataset:
        """Note whether a dataset is shared, and return it."""
        with self._open() as link:
            before = self._held(link, name)
            if before is None:
                raise unknown(name, self.all())
            self._write(link, replace(before, shared=shared))
        return replace(before, shared=shared)

    def _write(self, link: Connection, entry: Dataset) -> None:
        row = (entry.name, json.dumps(entry.to_dict(), ensure_ascii=False))
        link.execute("INSERT OR REPLACE INTO datasets VALUES (?, ?)", row)

    def delete(self, name: str) -> Dataset:
        """Take a dataset out, and return what it was; of files only those of saved frames are deleted."""
        with self._open() as link:
            before = self._held(link, name)
            if before is None:
                raise unknown(name, self.all())
            link.execute("DELETE FROM datasets WHERE name = ?", (name,))
        self._sweep(before)
        return before

    def _held(self, link: Connection, name: str) -> Dataset | None:
        found = link.execute("SELECT entry FROM datasets WHERE name = ?", (name,)).fetchone()
        return _entry(found) if found else None

    def _sweep(self, gone: Dataset) -> None:
        """Delete the file of a saved frame that no dataset holds any more; whoever saves one holds the same lock."""
        if gone.kind != "frame":
            return
        with self._open() as link:
            held = {_entry(row).source for row in link.execute("SELECT entry FROM datasets").fetchall()}
            if gone.source not in held:
                Path(gone.source).unlink(missing_ok=True)

    def _read(self, where: str, *values: str) -> list[Dataset]:
        """Select without writing, so that a catalogue of somebody else can be read; none where there is no file."""
        import sqlite3

        if not self.path.exists():
            return []
        try:
            with contextlib.closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", _WAIT_SECONDS, uri=True)) as link:
                if not self._version(link):
                    return []
                return [_entry(row) for row in link.execute(f"SELECT entry FROM datasets {where}", values).fetchall()]
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    @contextlib.contextmanager
    def _open(self) -> Iterator[Connection]:
        """Open the file for one transaction, which no other process writes into."""
        import sqlite3

        try:
            link = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        try:
            link.execute("BEGIN IMMEDIATE")
            self._prepare(link)
            yield link
            link.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        finally:
            link.close()  # without COMMIT nothing was changed

    def _version(self, link: Connection) -> int:
        version = int(link.execute("PRAGMA user_version").fetchone()[0])
        if version > _VERSION:
            msg = f"{self.path} was written by a newer PRISM; upgrade, or set {DATA} to another folder"
            raise PrismError(msg)
        return version

    def _prepare(self, link: Connection) -> None:
        if self._version(link) < _VERSION:
            self.path.chmod(0o600)
            link.execute(_SCHEMA)
            link.execute(f"PRAGMA user_version = {_VERSION}")

    def _refusal(self, error: Exception) -> PrismError:
        return PrismError(
            f"the catalogue {self.path} cannot be used ({error}); set {DATA} to a folder you can write to"
        )


def taken(before: Dataset) -> InvalidInput:
    """Write the refusal of a name that another dataset has."""
    msg = (
        f"a dataset is called {before.name!r} already ({before.source}); "
        "choose another name, or replace it: --replace, or replace=True in Python"
    )
    return InvalidInput(msg, field="name")


def unknown(name: str, known: Mapping[str, Any]) -> InvalidInput:
    """Write the refusal of a name that no dataset has."""
    hint = nearest(name, known) if known else "none is catalogued yet; prism data add NAME SOURCE adds one"
    return InvalidInput(f"no dataset is called {name!r}; {hint}", field="name")


def _entry(row: tuple[str]) -> Dataset:
    held = json.loads(row[0])
    return Dataset(**{**held, "preview": tuple(tuple(line) for line in held["preview"])})
