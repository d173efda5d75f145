"""What happened before: the history of reports in one SQLite file of this user."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prism_kernels.errors import PrismError

__all__ = ["Difference", "Entry", "Store", "differences", "parameter_changes", "store_path"]

STORE = "PRISM_STORE"
"""Environment variable that names another file, or a folder for it."""

_VERSION = 2
_WAIT_SECONDS = 10.0
_STEPS = (
    (
        """
        CREATE TABLE IF NOT EXISTS report_runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT, report TEXT NOT NULL,
            started TEXT NOT NULL, duration_s REAL NOT NULL, status TEXT NOT NULL, error TEXT NOT NULL,
            parameters TEXT NOT NULL, key_numbers TEXT NOT NULL, inputs TEXT NOT NULL, folder TEXT NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS report_runs_by_name ON report_runs (report, id)",
    ),
    (
        "ALTER TABLE report_runs ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE report_runs ADD COLUMN expectations TEXT NOT NULL DEFAULT '[]'",
    ),
)
"""What brings a store from each version to the next."""

_JSON = ("parameters", "key_numbers", "inputs", "expectations")


def store_path() -> Path:
    """Return the file of the store: the one ``PRISM_STORE`` names, or the usual place for a user's data."""
    named = os.environ.get(STORE)
    if named:
        path = Path(named).expanduser()
        return path if path.suffix else path / "prism.sqlite"
    import platformdirs

    return Path(platformdirs.user_data_dir("prism")) / "prism.sqlite"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run of a report.

    Attributes
    ----------
    id
        Number of the run; 0 before it is in the store.
    report
        Name of the report or operation.
    started, duration_s
        UTC start in ISO 8601, and seconds.
    status
        ``completed``, ``failed`` or ``interrupted``.
    error
        The sentence it stopped with; empty when it completed.
    parameters
        Every parameter, defaults included.
    key_numbers
        Single numbers by name; None where the number was not finite.
    inputs
        Digest, source and shape of the data, by parameter.
    folder
        Where its files were written.
    digest
        What the report was made of, in one number: cells, parameters, data and versions.
    expectations
        What was expected of the key numbers, and what became of it: ``condition``, ``name``, ``value``, ``holds``,
        ``error``.
    """

    id: int = 0
    report: str
    started: str
    duration_s: float
    status: str
    error: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key_numbers: Mapping[str, float | None] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    digest: str = ""
    expectations: Sequence[Mapping[str, Any]] = ()

    @property
    def verdict(self) -> str:
        """The status, or ``unexpected`` for a completed run whose key numbers are not what was expected."""
        met = all(one.get("holds") for one in self.expectations)
        return self.status if met or self.status != "completed" else "unexpected"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a key number changed since the run before.

    Attributes
    ----------
    now, before
        The numbers; None where there was none.
    change
        ``now - before``; None where one of them is missing.
    relative
        The change as a share of ``before``; None where that is zero or missing.
    """

    now: float | None
    before: float | None
    change: float | None
    relative: float | None


def differences(now: Mapping[str, float | None], before: Mapping[str, float | None]) -> dict[str, Difference]:
    """Compare the key numbers of two runs.

    Parameters
    ----------
    now, before
        Key numbers by name.
    """
    found: dict[str, Difference] = {}
    for name in [*now, *(n for n in before if n not in now)]:
        new, old = now.get(name), before.get(name)
        change = None if new is None or old is None else new - old
        relative = None if change is None or not old else change / abs(old)
        found[name] = Difference(now=new, before=old, change=change, relative=relative)
    return found


def parameter_changes(now: Entry, before: Entry) -> dict[str, list[Any]]:
    """Return before and now of each parameter that differs between two runs.

    Parameters
    ----------
    now, before
        The runs.
    """
    names = sorted({*now.parameters, *before.parameters})
    pairs = {n: [before.parameters.get(n), now.parameters.get(n)] for n in names}
    return {n: pair for n, pair in pairs.items() if pair[0] != pair[1]}


class Store:
    """The history of reports.

    Parameters
    ----------
    path
        The SQLite file; None for the user's.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or store_path()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            link = sqlite3.connect(self.path, timeout=_WAIT_SECONDS)
        except (OSError, sqlite3.Error) as error:
            raise self._refusal(error) from error
        try:
            with link:
                self._upgrade(link)
                link.row_factory = sqlite3.Row
                yield link
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        finally:
            link.close()

    def _upgrade(self, link: sqlite3.Connection) -> None:
        if _version(link) < _VERSION:
            link.execute("BEGIN IMMEDIATE")  # one of many that open it at once
            for version in range(_version(link), _VERSION):
                for step in _STEPS[version]:
                    link.execute(step)
                link.execute(f"PRAGMA user_version = {version + 1}")
            link.commit()
        elif _version(link) > _VERSION:
            msg = f"{self.path} was written by a newer PRISM; upgrade, or set {STORE} to another file"
            raise PrismError(msg)

    def _refusal(self, error: Exception) -> PrismError:
        return PrismError(f"the store {self.path} cannot be used ({error}); set {STORE} to a file that can be written")

    def add(self, entry: Entry) -> Entry:
        """Keep a run and return it with its number."""
        row = asdict(entry)
        del row["id"]
        row["key_numbers"] = {
            n: v if v is not None and math.isfinite(v) else None for n, v in row["key_numbers"].items()
        }
        for name in _JSON:
            row[name] = json.dumps(row[name], sort_keys=True)
        names = ", ".join(row)
        marks = ", ".join(f":{name}" for name in row)
        with self._open() as link:
            number = link.execute(f"INSERT INTO report_runs ({names}) VALUES ({marks})", row).lastrowid
        return Entry(**{**asdict(entry), "id": number or 0})

    def judge(self, entry: Entry) -> None:
        """Keep what became of new expectations of a run that is in the store.

        Parameters
        ----------
        entry
            The run; where the store holds another one under its number, nothing is changed.
        """
        expectations = json.dumps(list(entry.expectations), sort_keys=True)
        with self._open() as link:
            query = "UPDATE report_runs SET expectations = ? WHERE id = ? AND digest = ? AND started = ?"
            link.execute(query, (expectations, entry.id, entry.digest, entry.started))

    def get(self, number: int) -> Entry | None:
        """Return the run of a number; None when there is none."""
        found = self._select("WHERE id = ?", (number,), 1)
        return found[0] if found else None

    def runs(self, report: str | None = None, *, limit: int = 20) -> list[Entry]:
        """Return the newest runs, newest first.

        Parameters
        ----------
        report
            Only those of this report.
        limit
            How many at most.
        """
        return self._select("" if report is None else "WHERE report = ?", () if report is None else (report,), limit)

    def before(self, entry: Entry) -> Entry | None:
        """Return the completed run that a run is compared with.

        The newest one of the same report with the same parameters, or else the newest one of the same report.

        Parameters
        ----------
        entry
            A run; one that is in the store is compared with those before it.
        """
        earlier = "WHERE report = ? AND status = 'completed' AND id < ?"
        newest = entry.id or 2**62
        parameters = json.dumps(dict(entry.parameters), sort_keys=True)
        same = self._select(f"{earlier} AND parameters = ?", (entry.report, newest, parameters), 1)
        found = same or self._select(earlier, (entry.report, newest), 1)
        return found[0] if found else None

    def _select(self, where: str, values: tuple[Any, ...], limit: int) -> list[Entry]:
        with self._open() as link:
            query = f"SELECT * FROM report_runs {where} ORDER BY id DESC LIMIT ?"
            return [_entry(row) for row in link.execute(query, (*values, limit))]


def _version(link: sqlite3.Connection) -> int:
    return int(link.execute("PRAGMA user_version").fetchone()[0])


def _entry(row: sqlite3.Row) -> Entry:
    plain = dict(row)
    for name in _JSON:
        plain[name] = json.loads(plain[name])
    return Entry(**{**plain, "expectations": tuple(plain["expectations"])})
