"""What a report hands on besides its page: key numbers and provenance, as an output of the notebook."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from prism_kernels.arrays import is_array, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.result import Result
from prism_kernels.run import Run
from prism_kernels.saved import Saved, pack, unpack

__all__ = ["MIMETYPE", "SAVED", "key_numbers", "record", "saved_runs"]

MIMETYPE = "application/vnd.prism.run+json"
SAVED = "application/vnd.prism.run"
"""Type of the output that holds the run itself, as ``run.save`` writes it, in base64."""

_MOST = 20
_LARGEST = 8_000_000  # bytes of a run that a notebook still carries


def record(run: Run, numbers: Mapping[str, float] | None = None) -> None:
    """Show how a run came to be, and hand its key numbers to the history of the report.

    Parameters
    ----------
    run
        What ``prism_kernels.run`` returned.
    numbers
        Key numbers by name; nothing takes those of :func:`key_numbers`.
    """
    from IPython.display import display

    found = key_numbers(run.result) if numbers is None else {n: float(v) for n, v in numbers.items()}
    provenance = run.provenance.to_dict()
    handed = {"key_numbers": _handed(found), "provenance": provenance}
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
    """Return the runs that a report's notebook carries, in order.

    Parameters
    ----------
    path
        The notebook.

    Raises
    ------
    InvalidInput
        For what is no notebook, carries no run, or carries one that was changed.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
    except (ValueError, KeyError, TypeError, AttributeError):
        msg = f"path: {path.name} is no notebook; give the .ipynb that prism report run wrote, or a saved run"
        raise InvalidInput(msg, field="path", where=path.name) from None
    found = [output["data"] for output in outputs if MIMETYPE in output.get("data", {})]
    if not found:
        msg = f"path: {path.name} carries no run; make it again with prism report run, whose templates call record(…)"
        raise InvalidInput(msg, field="path", where=path.name)
    return [_opened(data, f"run {k + 1} of {path.name}", path) for k, data in enumerate(found)]


def _opened(data: Mapping[str, Any], name: str, path: Path) -> Saved:
    if SAVED not in data:
        msg = f"path: {name} is not in the notebook, since it is very large or from an older version; use run.save(…)"
        raise InvalidInput(msg, field="path", where=name)
    text = data[SAVED]
    try:
        held = base64.b64decode("".join(text if isinstance(text, list) else [text]), validate=False)
    except (ValueError, TypeError):
        held = b"PK"  # of an archive that cannot be read
    saved = unpack(held, name=name, folder=path.absolute().parent)
    _same_provenance(saved, data[MIMETYPE], name)
    _same_numbers(saved, data[MIMETYPE], name)
    return saved


def _same_provenance(saved: Saved, handed: Mapping[str, Any], name: str) -> None:
    """Refuse a notebook whose table of provenance is not that of the run it carries."""
    if json.loads(json.dumps(saved.provenance)) != handed.get("provenance"):
        msg = f"path: {name} shows another provenance than that of the run it carries; the notebook was changed"
        raise InvalidInput(msg, field="path", where=name)


def _same_numbers(saved: Saved, handed: Mapping[str, Any], name: str) -> None:
    """Refuse a notebook whose key numbers are not those of the result; numbers of the analyst's own are not known."""
    told = handed.get("key_numbers", {})
    try:
        own = _handed(key_numbers(saved.result))
    except InvalidInput:  # the operation is not installed here, which verify says
        return
    wrong = next((n for n in own if told[n] != own[n]), None) if set(told) == set(own) else None
    if wrong is not None:
        msg = f"path: {name} shows {wrong} as {told[wrong]}, and its result has {own[wrong]}; the notebook was changed"
        raise InvalidInput(msg, field="path", where=name)


def _handed(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {n: v if np.isfinite(v) else None for n, v in numbers.items()}


def key_numbers(result: Result) -> dict[str, float]:
    """Return the single numbers of a result, and one for each series where there are few.

    Arrays of more dimensions, and those of many series, give their mean; those along names (parameters) give none.

    Parameters
    ----------
    result
        Any result.
    """
    found = dict(result.key_numbers())
    for name, dimensions in result.dimensions().items():
        value = getattr(result, name)
        if value is None or not dimensions:
            continue
        values = to_numpy(value)
        if values.dtype.kind not in "fiu" or not values.size:
            continue
        values = values.astype(float)
        if values.ndim == 1 and len(values) <= _MOST:
            labels = result.labels(dimensions[0], len(values))
            found.update({f"{name}[{labels[k]}]": float(v) for k, v in enumerate(values)})
        elif (
            np.isfinite(values).any()
            and np.asarray(result.labels(dimensions[-1], values.shape[-1])).dtype.kind not in "OUS"
        ):
            found[f"mean of {name}"] = float(values[np.isfinite(values)].mean())
    return found


def _is_named(labels: Any) -> bool:
    return np.asarray(labels).dtype.kind in "OUS"


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
