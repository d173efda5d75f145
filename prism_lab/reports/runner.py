"""Make a report: check, run, write page, notebook and record, and remember it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from prism_kernels.errors import InvalidInput
from prism_lab.reports.execution import Outcome, execute
from prism_lab.reports.page import page
from prism_lab.reports.recording import MIMETYPE
from prism_lab.reports.request import Request, check
from prism_lab.reports.template import find_template
from prism_lab.store import Entry, Store, differences, parameter_changes

__all__ = ["Report", "make", "run_report"]


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
        What was written, by kind: ``notebook``, ``page``, ``record``.
    record
        What the JSON file holds.
    """

    entry: Entry
    signal: int
    files: Mapping[str, Path]
    record: Mapping[str, Any]


def run_report(
    name: str, parameters: Mapping[str, Any] | None = None, *, out: Path | None = None, store: Store | None = None
) -> Report:
    """Check the parameters of a report and make it; see :func:`make`.

    Parameters
    ----------
    name
        Name of a template or operation, or path of a notebook.
    parameters
        Parameters by name; data as the name of a sample or file.
    out, store
        As in :func:`make`.

    Raises
    ------
    InvalidInput
        For bad parameters or data, before a kernel starts.
    """
    return make(check(find_template(name), parameters or {}), out=out, store=store)


def make(request: Request, *, out: Path | None = None, store: Store | None = None) -> Report:
    """Run a report and write ``<name>.ipynb``, ``<name>.html`` and ``<name>.json``.

    Parameters
    ----------
    request
        What was asked for, checked.
    out
        Folder to write to; None for ``reports/<name>-<time>`` in the working folder.
    store
        Where the history is kept; None for the user's.

    Raises
    ------
    InvalidInput
        For a folder that cannot be written to.
    """
    inputs = request.inputs_to_dict()
    started = datetime.now(UTC)
    folder = _folder(out, request.template.name, started)
    history = store or Store()
    history.runs(limit=1)  # a store that cannot be used is told now, not after the work
    clock = time.perf_counter()
    notebook = _prepared(request)
    outcome = execute(notebook, folder=Path.cwd())
    numbers, provenance = _handed_on(notebook)
    entry = history.add(
        Entry(
            report=request.template.name,
            started=started.isoformat(timespec="seconds"),
            duration_s=time.perf_counter() - clock,
            status=outcome.status,
            error=outcome.error,
            parameters=json.loads(to_json(dict(request.parameters))),
            key_numbers=numbers,
            inputs=inputs,
            folder=str(folder),
        )
    )
    files = {k: folder / f"{request.template.name}.{s}" for k, s in _SUFFIXES.items()}
    record = _record(entry, outcome, provenance, files, history)
    _write(notebook, request, entry, outcome, files, record)
    return Report(entry=entry, signal=outcome.signal, files=files, record=record)


_SUFFIXES = {"notebook": "ipynb", "page": "html", "record": "json"}


def _folder(out: Path | None, name: str, started: datetime) -> Path:
    folder = (out or Path("reports") / f"{name}-{started:%Y%m%dT%H%M%S}").absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"--out: {folder} cannot be made: {error.strerror}"
        raise InvalidInput(msg, field="out") from None
    if not os.access(folder, os.W_OK):
        msg = f"--out: {folder} cannot be written to"
        raise InvalidInput(msg, field="out")
    return folder


def _prepared(request: Request) -> Any:
    """Return the template's notebook with the parameters written into it."""
    import nbformat
    from papermill.parameterize import parameterize_notebook

    notebook = nbformat.read(request.template.path, as_version=4)
    notebook.metadata.setdefault("papermill", {})
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    if not request.injected:
        return notebook
    plain = json.loads(to_json(dict(request.injected)))
    return parameterize_notebook(notebook, plain, kernel_name="python3", language="python")


def _handed_on(notebook: Any) -> tuple[dict[str, float | None], list[dict[str, Any]]]:
    """Collect what the cells recorded; key numbers of several runs carry the operation's name where they clash."""
    numbers: dict[str, float | None] = {}
    provenance: list[dict[str, Any]] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            handed = output.get("data", {}).get(MIMETYPE)
            if handed is None:
                continue
            operation = handed["provenance"]["operation"]
            for name, value in handed["key_numbers"].items():
                numbers[f"{operation}: {name}" if name in numbers else name] = value
            provenance.append(handed["provenance"])
    return numbers, provenance


def _record(
    entry: Entry, outcome: Outcome, provenance: list[dict[str, Any]], files: Mapping[str, Path], store: Store
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
        "differences": changed,
        "compared_with": compared,
        "cells": [asdict(cell) for cell in outcome.cells],
        "cells_total": outcome.total,
        "provenance": provenance,
        "files": {kind: path.name for kind, path in files.items()},
        "prism": importlib.metadata.version("prism-lab"),
    }


def _write(
    notebook: Any,
    request: Request,
    entry: Entry,
    outcome: Outcome,
    files: Mapping[str, Path],
    record: Mapping[str, Any],
) -> None:
    import nbformat

    kept = ("id", "report", "status", "error", "started", "duration_s", "parameters", "inputs", "key_numbers")
    notebook.metadata["prism"] = {k: record[k] for k in kept}
    if outcome.status != "completed":
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(_banner(outcome), metadata={"tags": ["prism-status"]}))
    _replace(files["notebook"], nbformat.writes(notebook) + "\n")
    _replace(files["record"], json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    title = f"{request.template.title} ({entry.status})" if entry.status != "completed" else request.template.title
    _replace(files["page"], page(notebook, title=title, status=entry.status))


def _banner(outcome: Outcome) -> str:
    words = {"failed": "This report failed", "interrupted": "This report was interrupted"}[outcome.status]
    error = outcome.error.replace("<", "&lt;")
    place = f"cell {len(outcome.cells)} of {outcome.total}"
    return f"> **{words}** in {place}: {error}. What follows is what was there by then."


def _replace(path: Path, text: str) -> None:
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
