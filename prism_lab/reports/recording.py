"""What a report hands on besides its page: key numbers and provenance, as an output of the notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import numpy as np

from prism_kernels.arrays import to_numpy
from prism_kernels.result import Result
from prism_kernels.run import Run

__all__ = ["MIMETYPE", "key_numbers", "record"]

MIMETYPE = "application/vnd.prism.run+json"
_MOST = 20


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
    handed = {"key_numbers": {n: v if np.isfinite(v) else None for n, v in found.items()}, "provenance": provenance}
    text = f"{provenance['operation']} {provenance['version']}"
    display({MIMETYPE: handed, "text/html": _table(provenance, run), "text/plain": text}, raw=True)


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
