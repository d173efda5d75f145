"""Digests of what a report left behind, so that what was edited by hand afterwards is told.

The notebook keeps the digest of its cells and outputs, its record beside it those of the page and of the files that it
handed out, and of itself. A digest is no signature: it tells accidents and edits by hand, and who means to deceive can
write a new one. What a deceiver cannot do is change a number of a run: :mod:`prism_lab.reports.checking` computes those
again. Texts and pictures around them are as trustworthy as whoever handed them over; make the report again where that
matters.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["CONTENT", "content_digest", "file_digest", "seal", "sealed", "stated_files", "text_digest", "untouched"]

CONTENT = "content_sha256"
"""What a notebook's own record calls the digest of the notebook."""

_SEAL = "seal"
_JSON = re.compile(r"application/(.+\+)?json")
_SHOWN = ("cell_type", "source", "attachments", "outputs")


def content_digest(notebook: Mapping[str, Any]) -> str:
    """Return the sha256 of what a notebook shows and of the record in its metadata.

    Opening and saving it in JupyterLab changes nothing: lines may be split or joined, and whole numbers lose their
    point.

    Parameters
    ----------
    notebook
        The notebook, as JSON holds it.
    """
    cells = [{name: _shown(name, cell[name]) for name in _SHOWN if name in cell} for cell in notebook["cells"]]
    about = notebook.get("metadata", {}).get("prism", {})
    return _digest({"cells": cells, "about": {n: v for n, v in about.items() if n != CONTENT}})


def text_digest(text: str) -> str:
    """Return the sha256 of what a file of a text holds.

    Parameters
    ----------
    text
        The text.
    """
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def seal(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the digest of everything else in it.

    Parameters
    ----------
    record
        What the JSON file of a report holds.
    """
    bare = {name: value for name, value in record.items() if name != _SEAL}
    return {**bare, _SEAL: _digest(bare)}


def sealed(record: Mapping[str, Any]) -> bool:
    """Tell whether a record is as it was written.

    Parameters
    ----------
    record
        What the JSON file of a report holds.
    """
    try:
        return bool(record.get(_SEAL) == seal(record)[_SEAL])
    except RecursionError:
        return False


def untouched(record: Mapping[str, Any], path: Path) -> bool:
    """Tell whether a record and the files beside it are as they were written.

    Parameters
    ----------
    record
        What the JSON file of a report holds.
    path
        That file.
    """
    stated = stated_files(record, path) if sealed(record) else {}
    return bool(stated) and all(file_digest(file, kind) == digest for kind, (file, digest) in stated.items())


def stated_files(record: Mapping[str, Any], path: Path) -> dict[str, tuple[Path, str]]:
    """Return the files of a report and the digests that its record states of them, by kind; none where it states none.

    Parameters
    ----------
    record
        What the JSON file of a report holds.
    path
        That file; what is said to lie elsewhere is left out.
    """
    digests, names = record.get("digests"), record.get("files")
    if not isinstance(digests, dict) or not isinstance(names, dict):
        return {}
    here = {k: n for k, n in names.items() if isinstance(n, str) and n == Path(n).name}
    return {kind: (path.with_name(name), str(digests.get(kind))) for kind, name in here.items() if kind != "record"}


def file_digest(path: Path, kind: str) -> str | None:
    """Return the digest of a file of a report: of a notebook its content's; None where it is not there or is none.

    Parameters
    ----------
    path
        The file.
    kind
        What it is of the report, as its record calls it.
    """
    try:
        data = path.read_bytes()
        return content_digest(json.loads(data)) if kind == "notebook" else hashlib.sha256(data).hexdigest()
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _digest(value: Any) -> str:
    plain = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _shown(name: str, value: Any) -> Any:
    """Return a part of a cell as it is shown, whatever way its lines are kept."""
    if name != "outputs":
        return _joined(value)
    kept = [{k: v for k, v in output.items() if k != "execution_count"} for output in value]
    return [{k: _data(v) if k == "data" else _joined(v) for k, v in output.items()} for output in kept]


def _data(held: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: value if _JSON.fullmatch(kind) else _joined(value) for kind, value in held.items()}


def _joined(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return value


def _plain(value: Any) -> Any:
    """Write whole numbers in one way: a browser saves 2.0 as 2."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
