"""Find a run of a report by its number, its report or its files, and compare two of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from prism_kernels.errors import InvalidInput, nearest
from prism_lab.store import Entry, Store, differences, parameter_changes

__all__ = ["compare", "find_run", "read_record"]

_RECORD = ".json"


def find_run(which: str, store: Store | None = None) -> Entry:
    """Return a run.

    Parameters
    ----------
    which
        Its number, the name of a report for its last run, one of the files of a run, or the folder that holds one.
    store
        Where the history is kept; None for the user's.

    Raises
    ------
    InvalidInput
        When there is none.
    """
    path = Path(which)
    if not which.isdigit() and (path.suffix in (_RECORD, ".html", ".ipynb") or path.is_dir()):
        return _of_path(path)
    history = store or Store()
    found = history.get(int(which)) if which.isdigit() else next(iter(history.runs(which, limit=1)), None)
    if found is None:
        known = sorted({entry.report for entry in history.runs(limit=1000)})
        hint = nearest(which, known) if known else "none has run yet"
        msg = f"no report {which!r} has run; {hint}"
        raise InvalidInput(msg, field="which")
    return found


def _of_path(path: Path) -> Entry:
    if path.is_dir():
        records = [one for one in sorted(path.glob(f"*{_RECORD}")) if _is_record(one)]
        if len(records) != 1:
            names = f"{len(records)} reports ({', '.join(one.name for one in records)})" if records else "no report"
            msg = f"{path} holds {names}; name the {_RECORD} file of one"
            raise InvalidInput(msg, field="which")
        path = records[0]
    return read_record(path.with_suffix(_RECORD))[1]


def _is_record(path: Path) -> bool:
    try:
        read_record(path)
    except InvalidInput:
        return False
    return True


def read_record(path: Path) -> tuple[dict[str, Any], Entry]:
    """Read the JSON file of a report, as it is and as the history would hold it.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InvalidInput
        When it cannot be read, or is the record of no report.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or "it is not JSON"
        msg = f"{path} cannot be read: {why}; name a file that prism report run wrote"
        raise InvalidInput(msg, field="which") from None
    shapes: dict[str, Any] = {"report": str, "started": str, "status": str, "duration_s": float | int}
    shapes |= {"parameters": dict, "key_numbers": dict}
    if not isinstance(record, dict) or not all(isinstance(record.get(n), kind) for n, kind in shapes.items()):
        msg = f"{path} is not the record of a report; name a file that prism report run wrote"
        raise InvalidInput(msg, field="which")
    known = {one.name for one in fields(Entry)}
    entry = Entry(**{n: v for n, v in record.items() if n in known})
    return record, entry


def compare(a: Entry, b: Entry) -> dict[str, Any]:
    """Return what differs between two runs.

    Parameters
    ----------
    a, b
        The runs; changes are from the first to the second.

    Returns
    -------
    found
        The runs as ``a`` and ``b``; ``parameters`` and ``inputs`` (digests) that differ, as pairs; ``key_numbers``, for
        each name ``a``, ``b``, ``change`` and ``relative``, the change as a share of ``a``.
    """
    digests = [{n: _digest(i) for n, i in one.inputs.items()} for one in (a, b)]
    names = sorted({*digests[0], *digests[1]})
    pairs = {n: [digests[0].get(n), digests[1].get(n)] for n in names}
    numbers = {
        n: {"a": d.before, "b": d.now, "change": d.change, "relative": d.relative}
        for n, d in differences(b.key_numbers, a.key_numbers).items()
    }
    about = ("id", "report", "status", "started", "folder")
    return {
        "a": {n: getattr(a, n) for n in about},
        "b": {n: getattr(b, n) for n in about},
        "parameters": parameter_changes(b, a),
        "inputs": {n: pair for n, pair in pairs.items() if pair[0] != pair[1]},
        "key_numbers": numbers,
    }


def _digest(given: Any) -> str | None:
    return given.get("sha256") if isinstance(given, Mapping) else None
