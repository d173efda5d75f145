"""A run as a notebook for readers: what was found with a slider becomes a page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prism_kernels.errors import InvalidInput

if TYPE_CHECKING:
    from prism_kernels.run import Run

__all__ = ["notebook_of"]

_NAMED = re.compile(
    r"(?:sample|load|(?:ExpectedReturns|Holdings|Portfolio|Weights)\.resolve)\((?P<name>'[^']+'|\"[^\"]+\")\)"
)


def notebook_of(run: Run, settings: Mapping[str, Any]) -> str:
    """Write the notebook of a dashboard that begins with a run's data and settings.

    Parameters
    ----------
    run
        The run.
    settings
        The settings that were given, as JSON holds them.

    Raises
    ------
    InvalidInput
        When a reader's page could not find the operation or the data by name.
    """
    _demand_registered(run)
    names = {n: _name_of(n, value.source) for n, value in run.provenance.inputs.items()}
    verb = run.row.name.partition(".")[2] or run.row.name
    title = f"{verb.replace('_', ' ').capitalize()}: {', '.join(names.values())}"
    words = [repr(run.row.name), *(f"{n}={v!r}" for n, v in {**names, **settings}.items())]
    call = f"pw.Explorer({', '.join(words)}).servable()"
    if len(call) > 100:
        call = "pw.Explorer(\n" + "".join(f"    {word},\n" for word in words) + ").servable()"
    cells = [
        _cell("0", "markdown", f"# {title}\n\n{run.row.summary}"),
        _cell("1", "code", "import prism_widgets as pw\n\npw.init();"),
        _cell("2", "code", call),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _cell(name: str, kind: str, source: str) -> dict[str, Any]:
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": {}, "source": source.splitlines(keepends=True), **code}


def _demand_registered(run: Run) -> None:
    from prism_kernels.operation import operations

    if operations().get(run.row.name) is not run.row:
        way = "put it into a package that registers it, or write the notebook with the function in a cell"
        msg = f"{run.row.name} is known in this session only, so that a dashboard could not find it by name; {way}"
        raise InvalidInput(msg, field="operation")


def _name_of(field: str, source: str) -> str:
    """Return the name of a sample or dataset; a page for readers opens no files."""
    found = _NAMED.fullmatch(source)
    if found is None:
        place = f"comes from {source}" if source else "is an object of this session"
        way = "keep it with prism_kernels.data.save(frame, 'name') and run it on prism_kernels.data.load('name')"
        msg = f"{field} {place}, which a dashboard cannot find by name; {way}"
        raise InvalidInput(msg, field=field)
    return found["name"][1:-1]
