"""Files that a report hands out beside its page: a list of orders, a table for the next program."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from typing import Any

from prism_kernels.errors import InvalidInput

__all__ = ["ATTACHED", "attach", "attached"]

ATTACHED = "application/vnd.prism.file+json"
"""Type of the output that holds a file: its name and its text."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]*\.(csv|txt|md)")


def attach(name: str, text: str) -> None:
    """Hand out a file with the report: a link in the page, and the file in the folder of a report that completed.

    Parameters
    ----------
    name
        Name of the file, without a folder: ``orders.csv``.
    text
        What it holds.

    Raises
    ------
    InvalidInput
        For a name that is none of a CSV, text or Markdown file in the report's own folder.
    """
    from IPython.display import display

    _check(name)
    kind = "text/csv" if name.endswith(".csv") else "text/plain"
    data = base64.b64encode(text.encode()).decode()
    lines = text.count("\n")
    link = f'<a download="{html.escape(name)}" href="data:{kind};charset=utf-8;base64,{data}">{html.escape(name)}</a>'
    shown = {ATTACHED: {"name": name, "text": text}, "text/html": f"<p>Download: {link}</p>"}
    display({**shown, "text/plain": f"{name}, {lines} lines"}, raw=True)


def attached(notebook: Any) -> Mapping[str, str]:
    """Return the files that the cells of a notebook handed out, by name; of two of one name the later.

    Parameters
    ----------
    notebook
        The notebook that ran.

    Raises
    ------
    InvalidInput
        For a name that :func:`attach` would not have taken.
    """
    found: dict[str, str] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            handed = output.get("data", {}).get(ATTACHED)
            if handed is not None:
                _check(handed["name"])
                found[handed["name"]] = handed["text"]
    return found


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        msg = f"name {name!r} is none of a file beside the page; write one such as 'orders.csv' (csv, txt or md)"
        raise InvalidInput(msg, field="name")
