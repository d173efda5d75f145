"""Whether a report still says what its runs found: key numbers computed again, and what was edited after the run.

Every key number is computed again from the result that it is a number of, and that result is what ``prism verify``
compares with the run made again. Everything else that a notebook shows is text, which no computation can give again:
its digest tells whether somebody edited it. A digest is no signature; see :mod:`prism_lab.reports.seal`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prism_kernels.comparison import gap
from prism_kernels.errors import InvalidInput
from prism_lab.reports.numbers import derived, finite, merged
from prism_lab.reports.recording import Recorded, notebook_of, recorded
from prism_lab.reports.runs import read_record
from prism_lab.reports.seal import CONTENT, content_digest, file_digest, sealed, stated_files

__all__ = ["AGREES", "DIFFERS", "UNCHECKED", "Checked", "Row", "check_report"]

AGREES, DIFFERS, UNCHECKED = "agrees", "differs", "not checked"

_TOLERANCE = 1e-12  # sums of the same numbers, added up on another type of CPU
_MADE_UP = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that was looked at.

    Attributes
    ----------
    kind
        ``key number``, ``notebook``, ``record`` or ``file``.
    name
        What it is called; of a key number also where it stands in the result.
    difference, tolerance
        How far a number lies from what the result has, and how far it may; None for what is no number.
    verdict
        ``agrees``, ``differs`` or ``not checked``.
    said
        What is wrong with it; empty for what agrees.
    """

    kind: str
    name: str
    difference: float | None = None
    tolerance: float | None = None
    verdict: str
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What became of a report that was looked at.

    Attributes
    ----------
    runs
        The runs it carries, for :func:`prism_kernels.verify.verify`.
    rows
        All that was looked at.
    """

    runs: Sequence[Recorded]
    rows: Sequence[Row]

    @property
    def verdict(self) -> str:
        """The worst of the rows: a report agrees when all of it was checked and agrees."""
        found = {row.verdict for row in self.rows}
        return next(word for word in (DIFFERS, UNCHECKED, AGREES) if word in found)

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        said = [row.said for row in self.rows if row.verdict == self.verdict and row.said]
        if not said:
            count = sum(row.kind == "key number" for row in self.rows)
            return f"{count} key numbers follow from its runs, and nothing was edited after the run"
        return said[0] + (f", and {len(said) - 1} more" if len(said) > 1 else "")

    def to_dict(self) -> dict[str, Any]:
        """Return verdict, reason and rows as plain Python."""
        rows = [{n: v if v != math.inf else None for n, v in asdict(row).items()} for row in self.rows]
        return {"verdict": self.verdict, "reason": self.reason, "rows": rows}


def check_report(path: Path) -> Checked:
    """Compute the key numbers of a report again from its runs, and tell what was edited after it ran.

    Parameters
    ----------
    path
        Its notebook; the record, page and files that lie beside it are looked at too.

    Raises
    ------
    InvalidInput
        For what is no notebook of a report, or carries no run that can be read.
    """
    runs, notebook = recorded(path), notebook_of(path)
    numbers = [row for run in runs for row in _numbers(run)]
    return Checked(runs=runs, rows=[*numbers, *_notebook(notebook, runs, path), *_beside(notebook, path)])


def _numbers(run: Recorded) -> Iterator[Row]:
    try:
        again = derived(run.saved.result, {name: run.of.get(name) for name in run.key_numbers})
    except _MADE_UP:  # of a result that verify finds wrong, or whose operation is not installed here
        again = {}
    for name, shown in run.key_numbers.items():
        where = f"{name} = {run.of[name]}" if name in run.of else name
        if name not in again:
            said = f"{run.name} shows {name}, which does not follow from its result; name its place with at(…)"
            yield Row(kind="key number", name=where, verdict=UNCHECKED, said=said)
            continue
        held = finite(again[name])
        apart = 0.0 if shown == held else math.inf if shown is None or held is None else gap(float(shown), held)
        said = "" if apart <= _TOLERANCE else f"{run.name} shows {name} as {shown}, and its result has {held}"
        verdict = DIFFERS if said else AGREES
        yield Row(kind="key number", name=where, difference=apart, tolerance=_TOLERANCE, verdict=verdict, said=said)


def _notebook(notebook: Mapping[str, Any], runs: Sequence[Recorded], path: Path) -> Iterator[Row]:
    about = _about(notebook)
    if CONTENT not in about:
        said = f"{path.name} has no digest of its cells and outputs; make it again with prism report run"
        yield Row(kind="notebook", name="cells and outputs", verdict=UNCHECKED, said=said)
        return
    edited = _digest_of(notebook) != about[CONTENT]
    yield _row("notebook", "cells and outputs", f"{path.name} was edited after the run" if edited else "")
    other = about.get("key_numbers") != merged([(run.saved.operation, run.key_numbers) for run in runs])
    said = f"the record inside {path.name} has other key numbers than its runs" if other else ""
    yield _row("notebook", "key numbers of its record", said)


def _beside(notebook: Mapping[str, Any], path: Path) -> Iterator[Row]:
    """Look at the record beside a notebook, where there is one, and at the page and files that it tells of."""
    place = path.with_suffix(".json")
    if not place.is_file():
        return
    try:
        record = read_record(place)[0]
    except InvalidInput:
        record = {}
    files = stated_files(record, place) if sealed(record) else {}
    same = files.pop("notebook", (path, ""))[1] == _digest_of(notebook)
    same = same and record.get("key_numbers") == _about(notebook).get("key_numbers")
    said = "" if same else f"{place.name} is not the record of {path.name}, or was edited after the run"
    yield _row("record", place.name, said)
    for kind, (file, digest) in files.items():
        if file.is_file():
            edited = file_digest(file, kind) != digest
            yield _row("file", file.name, f"{file.name} was edited after the run" if edited else "")


def _row(kind: str, name: str, said: str) -> Row:
    return Row(kind=kind, name=name, verdict=DIFFERS if said else AGREES, said=said)


def _about(notebook: Mapping[str, Any]) -> Mapping[str, Any]:
    found = notebook.get("metadata", {}).get("prism")
    return found if isinstance(found, dict) else {}


def _digest_of(notebook: Mapping[str, Any]) -> str | None:
    try:
        return content_digest(notebook)
    except _MADE_UP:
        return None
