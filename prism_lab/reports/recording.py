"""What a report hands on besides its page: key numbers and provenance, as an output of the notebook."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prism_kernels.arrays import is_array, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.run import Run
from prism_kernels.saved import Saved, pack, unpack
from prism_lab.reports.numbers import Of, finite, key_numbers

__all__ = ["MIMETYPE", "SAVED", "Recorded", "key_numbers", "notebook_of", "record", "recorded", "saved_runs"]

MIMETYPE = "application/vnd.prism.run+json"
SAVED = "application/vnd.prism.run"
"""Type of the output that holds the run itself, as ``run.save`` writes it, in base64."""

_LARGEST = 8_000_000  # bytes of a run that a notebook still carries


class _Place(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    field: str
    place: list[int | str]
    take: Literal["value", "count"]


class _Handed(BaseModel):
    """What an output of a report hands on."""

    model_config = ConfigDict(strict=True, extra="forbid")
    key_numbers: dict[str, float | None]
    of: Annotated[dict[str, _Place], Field(default_factory=dict)]
    provenance: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A run that a notebook carries, with the key numbers it shows of it.

    Attributes
    ----------
    name
        What the run is called in messages.
    saved
        The run.
    key_numbers
        As shown; None where the number was not finite.
    of
        Where numbers stand in the result, of those that say so.
    """

    name: str
    saved: Saved
    key_numbers: Mapping[str, float | None]
    of: Mapping[str, Of]


def record(run: Run, numbers: Mapping[str, float | Of] | None = None) -> None:
    """Show how a run came to be, and hand its key numbers to the history of the report.

    ``prism verify`` computes key numbers again that say where they stand in the result, as ``at("mean", 0, -1)`` or
    ``count("trades")`` of :mod:`prism_lab.reports` do, and those that :func:`key_numbers` gives under the same name.
    A report with any other number does not verify: nobody could tell whether that number was changed.

    Parameters
    ----------
    run
        What ``prism_kernels.run`` returned.
    numbers
        Key numbers by name, or where they stand in the result; nothing takes those of :func:`key_numbers`.

    Raises
    ------
    InvalidInput
        For a place that the result has not.
    """
    from IPython.display import display

    given = key_numbers(run.result) if numbers is None else numbers
    of = {n: v for n, v in given.items() if isinstance(v, Of)}
    found = {n: v.value(run.result, n) if isinstance(v, Of) else float(v) for n, v in given.items()}
    provenance = run.provenance.to_dict()
    places = {n: {"field": v.field, "place": list(v.place), "take": v.take} for n, v in of.items()}
    handed = {"key_numbers": {n: finite(v) for n, v in found.items()}, "of": places, "provenance": provenance}
    text = f"{provenance['operation']} {provenance['version']}"
    shown = {MIMETYPE: handed, "text/html": _table(provenance, run), "text/plain": text}
    display({**shown, **_carried(run)}, raw=True)


def _carried(run: Run) -> dict[str, str]:
    """Return the run itself for ``prism verify``, with data that have no source; nothing for a very large one."""
    sizes = [to_numpy(v).nbytes for v in run.result.fields().values() if is_array(v)]
    inputs = run.provenance.inputs.values()
    unnamed = any(not value.source for value in inputs)
    sizes += [to_numpy(value.values).nbytes for value in inputs if unnamed]
    return {SAVED: base64.b64encode(pack(run, inputs=unnamed)).decode()} if sum(sizes) <= _LARGEST else {}


def saved_runs(path: Path) -> list[Saved]:
    """Return the runs that a report's notebook carries, in order; see :func:`recorded`.

    Parameters
    ----------
    path
        The notebook.
    """
    return [one.saved for one in recorded(path)]


def recorded(path: Path) -> list[Recorded]:
    """Return the runs that a report's notebook carries, in order, with the key numbers it shows.

    Parameters
    ----------
    path
        The notebook.

    Raises
    ------
    InvalidInput
        For what is no notebook, carries no run, or carries one that was changed.
    """
    cells = notebook_of(path)["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    found = [output["data"] for output in outputs if MIMETYPE in output.get("data", {})]
    if not found:
        msg = f"path: {path.name} carries no run; make it again with prism report run, whose templates call record(…)"
        raise InvalidInput(msg, field="path", where=path.name)
    return [_opened(data, f"run {k + 1} of {path.name}", path) for k, data in enumerate(found)]


def notebook_of(path: Path) -> dict[str, Any]:
    """Read a notebook as JSON holds it, its cells and outputs what they must be.

    Parameters
    ----------
    path
        The notebook.

    Raises
    ------
    InvalidInput
        For what is none.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        parts = [*cells, *outputs, *(o["data"] for o in outputs if "data" in o), notebook.get("metadata", {})]
        sound = isinstance(cells, list) and all(isinstance(part, dict) for part in parts)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        sound = False
    if not sound:
        msg = f"path: {path.name} is no notebook; give the .ipynb that prism report run wrote, or a saved run"
        raise InvalidInput(msg, field="path", where=path.name)
    found: dict[str, Any] = notebook
    return found


def _opened(data: Mapping[str, Any], name: str, path: Path) -> Recorded:
    try:
        handed = _Handed.model_validate(data[MIMETYPE])
    except (ValidationError, RecursionError):
        msg = f"path: {name} hands on what record(…) never does; the notebook was changed"
        raise InvalidInput(msg, field="path", where=name) from None
    if SAVED not in data:
        msg = f"path: {name} is not in the notebook, since it is very large or from an older version; use run.save(…)"
        raise InvalidInput(msg, field="path", where=name)
    text = data[SAVED]
    try:
        held = base64.b64decode("".join(text if isinstance(text, list) else [text]), validate=False)
    except (ValueError, TypeError):
        held = b"PK"  # of an archive that cannot be read
    saved = unpack(held, name=name, folder=path.absolute().parent)
    if saved.provenance != handed.provenance:
        msg = f"path: {name} shows another provenance than that of the run it carries; the notebook was changed"
        raise InvalidInput(msg, field="path", where=name)
    of = {n: Of(field=p.field, place=tuple(p.place), take=p.take) for n, p in handed.of.items()}
    return Recorded(name=name, saved=saved, key_numbers=handed.key_numbers, of=of)


def _table(provenance: Mapping[str, Any], run: Run) -> str:
    rows = {
        "operation": f"{provenance['operation']} ({provenance['package']} {provenance['version']})",
        "settings": ", ".join(f"{k} = {v}" for k, v in provenance["settings"].items()),
        **{
            f"data {n}": f"{i['source'] or 'of the notebook'}, {i['shape']}, sha256 {i['sha256'][:16]}…"
            for n, i in provenance["inputs"].items()
        },
        "device": f"{provenance['device']}, {provenance['cpu']}, {provenance['threads']} threads, {provenance['blas']}",
        "libraries": ", ".join(
            f"{n} {v}" for n, v in {"python": provenance["python"], **provenance["libraries"]}.items()
        ),
        "started": f"{provenance['started']}, took {provenance['elapsed_s']:.3g} s",
        "again": run.as_command(),
    }
    body = "".join(
        f"<tr><th scope='row'>{html.escape(n)}</th><td>{html.escape(str(v))}</td></tr>" for n, v in rows.items()
    )
    return f"<table class='provenance'><caption>How this came to be</caption>{body}</table>"
