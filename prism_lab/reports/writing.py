"""Keep a report that was made: notebook, page and record in a folder, one row in the history."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from prism_kernels.errors import InvalidInput
from prism_lab.reports.attachment import attached
from prism_lab.reports.expectation import Expectation, judge
from prism_lab.reports.job import Done
from prism_lab.reports.numbers import merged
from prism_lab.reports.recording import MIMETYPE
from prism_lab.reports.request import Request
from prism_lab.reports.seal import CONTENT, content_digest, seal, text_digest
from prism_lab.store import Entry, Store, differences, parameter_changes

__all__ = ["SUFFIXES", "Report", "keep", "record_text", "replace_text", "writable"]

SUFFIXES = {"notebook": "ipynb", "page": "html", "record": "json"}
"""What is written of a report, by kind; the record last, so that it stands for all of them."""

_BAD = ("failed", "interrupted")


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report that was made.

    Attributes
    ----------
    entry
        What the store keeps of it.
    signal
        Number of the signal that stopped it; 0 for none.
    files
        What was written, by kind: ``notebook``, ``page``, ``record``; what the report handed out besides, by name.
    record
        What the JSON file holds.
    """

    entry: Entry
    signal: int
    files: Mapping[str, Path]
    record: Mapping[str, Any]


def writable(folder: Path) -> Path:
    """Return a folder as an absolute path, made where it was not there.

    Parameters
    ----------
    folder
        Where something is to be written.

    Raises
    ------
    InvalidInput
        When it cannot be made or written to.
    """
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"--out: {folder} cannot be made: {error.strerror}"
        raise InvalidInput(msg, field="out") from None
    if not os.access(folder, os.W_OK):
        msg = f"--out: {folder} cannot be written to"
        raise InvalidInput(msg, field="out")
    return folder


def keep(request: Request, done: Done, *, folder: Path, store: Store, expect: Sequence[Expectation] = ()) -> Report:
    """Write a report that was made, and remember it.

    One that failed or was interrupted never takes the place of an earlier one that is good: it is written beside it,
    as ``<name>.failed.html`` and so on.

    Parameters
    ----------
    request
        What was asked for.
    done
        What came of it.
    folder
        Where to write.
    store
        Where the history is kept.
    expect
        What was expected of its key numbers.
    """
    import nbformat

    notebook = nbformat.reads(done.notebook, as_version=4)
    numbers, provenance = _handed_on(notebook)
    name, outcome = request.template.name, done.outcome
    completed = outcome.status == "completed"
    entry = store.add(
        Entry(
            report=name,
            started=done.started,
            duration_s=done.duration_s,
            status=outcome.status,
            error=outcome.error,
            parameters=json.loads(to_json(dict(request.parameters))),
            key_numbers=numbers,
            inputs=request.inputs_to_dict(),
            folder=str(folder),
            digest=request.digest,
            expectations=judge(expect, numbers, name) if completed else (),
        )
    )
    files = _targets(folder, name, outcome.status)
    if not done.page:
        del files["page"]
    handed_out = attached(notebook) if completed else {}
    files |= {given: folder / given for given in handed_out}
    record, texts = _sealed(_record(entry, done, provenance, files, store), notebook, {"page": done.page, **handed_out})
    for kind in (*handed_out, *(k for k in SUFFIXES if k in files)):
        replace_text(files[kind], texts[kind])
    return Report(entry=entry, signal=outcome.signal, files=files, record=record)


def _sealed(
    record: Mapping[str, Any], notebook: Any, texts: Mapping[str, str]
) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Write into notebook and record what tells later whether they, the page and the files were edited."""
    import nbformat

    kept = ("id", "report", "status", "error", "started", "duration_s", "parameters", "inputs", "key_numbers")
    notebook.metadata["prism"] = {k: record[k] for k in kept}
    content = content_digest(notebook)
    notebook.metadata["prism"][CONTENT] = content
    digests = {kind: text_digest(texts[kind]) for kind in record["files"] if kind in texts}
    record = seal({**record, "digests": {"notebook": content, **digests}})
    return record, {**texts, "notebook": nbformat.writes(notebook) + "\n", "record": record_text(record)}


def _targets(folder: Path, name: str, status: str) -> dict[str, Path]:
    plain = {kind: folder / f"{name}.{suffix}" for kind, suffix in SUFFIXES.items()}
    if status not in _BAD or not any(path.exists() for path in plain.values()) or _status(plain["record"]) in _BAD:
        return plain
    return {kind: folder / f"{name}.{status}.{suffix}" for kind, suffix in SUFFIXES.items()}


def _status(record: Path) -> str:
    """Return how the report of a record ended; empty where nobody can tell, which is reason enough to spare it."""
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(found.get("status", "")) if isinstance(found, dict) else ""


def _handed_on(notebook: Any) -> tuple[dict[str, float | None], list[dict[str, Any]]]:
    """Collect what the cells recorded; key numbers of several runs carry the operation's name where they clash."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    handed = [output["data"][MIMETYPE] for output in outputs if MIMETYPE in output.get("data", {})]
    provenance = [one["provenance"] for one in handed]
    return merged([(p["operation"], one["key_numbers"]) for p, one in zip(provenance, handed, strict=True)]), provenance


def _record(
    entry: Entry, done: Done, provenance: list[dict[str, Any]], files: Mapping[str, Path], store: Store
) -> dict[str, Any]:
    before = store.before(entry)
    changed: dict[str, Any] = {}
    compared: dict[str, Any] | None = None
    if before is not None and entry.status == "completed":
        changed = {n: asdict(d) for n, d in differences(entry.key_numbers, before.key_numbers).items()}
        compared = {"id": before.id, "started": before.started}
        compared["parameters_changed"] = parameter_changes(entry, before)
    return {
        **asdict(entry),
        "expectations": list(entry.expectations),
        "differences": changed,
        "compared_with": compared,
        "cells": [asdict(cell) for cell in done.outcome.cells],
        "cells_total": done.outcome.total,
        "provenance": provenance,
        "files": {kind: path.name for kind, path in files.items()},
        "prism": importlib.metadata.version("prism-lab"),
    }


def record_text(record: Mapping[str, Any]) -> str:
    """Write a record as the text of its file.

    Parameters
    ----------
    record
        What it holds.
    """
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def replace_text(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all.

    Parameters
    ----------
    path
        The file.
    text
        What it holds.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
