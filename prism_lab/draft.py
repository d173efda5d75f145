"""What a notebook must have before it is tried out: title, abstract, sound metadata; no outputs, no secrets.

Nothing runs here; :mod:`prism_lab.rehearsal` runs it.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prism_kernels.errors import InvalidInput
from prism_lab.gallery import Metadata, read_metadata

__all__ = ["Draft", "missing_package", "read_draft"]

_SECRETS = {
    "an AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}",
    "a GitLab token": r"\bglpat-[\w-]{20,}",
    "a Slack token": r"\bxox[abeoprs]-[\w-]{10,}",
    "a Google key": r"\bAIza[\w-]{35}\b",
    "an API key": r"\bsk-[A-Za-z0-9_-]{20,}",
    "a signed token": r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a password in an address": r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"{}]+:[^\s/@'\"{}]+@",
    "a password or token": r"(?i)\b\w*(?:password|passwd|secret|token|api_?key)\w*['\"]?\]?\s*[=:]\s*"
    r"['\"][^'\"\s{}<>]{8,}['\"]",
}


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A notebook that may be tried out.

    Attributes
    ----------
    path
        Where it lies.
    content
        Its bytes, as they will be published.
    notebook
        The parsed notebook.
    metadata
        Title, abstract and what else its ``.yaml`` says.
    """

    path: Path
    content: bytes
    notebook: Any
    metadata: Metadata

    def files(self, name: str) -> dict[str, bytes]:
        """Return what a version holds: notebook, metadata and thumbnail, by path.

        Parameters
        ----------
        name
            What the dashboard is called.
        """
        import yaml

        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self.metadata).items()}
        described = yaml.safe_dump(plain, allow_unicode=True, sort_keys=False)
        files = {f"{name}.ipynb": self.content, f"{name}.yaml": described.encode()}
        if self.metadata.thumbnail:
            files[self.metadata.thumbnail] = (self.path.parent / self.metadata.thumbnail).read_bytes()
        return files


def read_draft(path: Path, title: str = "") -> Draft:
    """Read a notebook and refuse what readers must not get.

    Parameters
    ----------
    path
        The notebook; ``<name>.yaml`` beside it describes it.
    title
        Its title, where that of the metadata or its first heading is not meant.

    Raises
    ------
    InvalidInput
        With the file or cell, what is wrong there, and the way out.
    """
    content, notebook = _read(path)
    metadata = _described(path, notebook, title)
    for number, cell in enumerate(notebook.cells, 1):
        _check_text(path.name, number, str(cell.source))
        if cell.cell_type == "code":
            _check_output(path.name, number, cell)
            _check_code(path, number, str(cell.source))
    if notebook.metadata.get("widgets"):
        msg = f"{path.name} holds the state of widgets of an earlier run; clear its outputs, and save it without them"
        raise _refusal(msg, path.name)
    return Draft(path=path, content=content, notebook=notebook, metadata=metadata)


def _refusal(msg: str, where: str) -> InvalidInput:
    return InvalidInput(msg, field="notebook", where=where)


def _read(path: Path) -> tuple[bytes, Any]:
    import nbformat

    if path.suffix != ".ipynb":
        msg = f"{path.name} is not a notebook; name a file that ends in .ipynb"
        raise _refusal(msg, path.name)
    try:
        content = path.read_bytes()
        notebook = nbformat.reads(content.decode(), as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise _refusal(msg, path.name) from error
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        msg = f"{path.name} is not a readable notebook ({why}); open it in JupyterLab and save it again"
        raise _refusal(msg, path.name) from error
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        msg = f"{path.name} is written in {language}; only notebooks in Python can be published"
        raise _refusal(msg, path.name)
    return content, notebook


def _described(path: Path, notebook: Any, title: str) -> Metadata:
    """Put together what is known of a notebook, and name all that is missing in one sentence."""
    words = _opening(notebook)
    described = path.with_suffix(".yaml")
    known: Mapping[str, str] = {k: v for k, v in words.items() if v}
    if title.strip():
        known = {**known, "title": title.strip()}
    missing = []
    if "title" not in known and not described.is_file():
        missing.append(f"no title (begin its first cell with '# Title', or write {described.name}, or give --title)")
        known = {**known, "title": path.stem}
    metadata = read_metadata(described, known) if described.is_file() else Metadata.of(known)
    if title.strip():
        metadata = dataclasses.replace(metadata, title=title.strip())
    if not metadata.abstract.strip():
        missing.append(f"no abstract (write a paragraph below its title, or abstract: in {described.name})")
    if metadata.thumbnail and not (path.parent / metadata.thumbnail).is_file():
        missing.append(f"no {metadata.thumbnail}, which {described.name} names as its thumbnail")
    if missing:
        msg = f"{path.name} cannot be published yet: it has {' and '.join(missing)}"
        raise _refusal(msg, path.name)
    return metadata


def _opening(notebook: Any) -> dict[str, str]:
    """Return the first heading of a notebook, and the first paragraph below it."""
    text = next((str(c.source) for c in notebook.cells if c.cell_type == "markdown"), "")
    found = re.search(r"^#+ +(?P<title>.+?)\s*$(?P<rest>.*)", text, flags=re.MULTILINE | re.DOTALL)
    if found is None:
        return {"title": "", "abstract": ""}
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n|^#.*$", found["rest"], flags=re.MULTILINE))
    return {"title": found["title"], "abstract": next((part for part in parts if part), "")}


def _check_text(name: str, number: int, source: str) -> None:
    for line, text in enumerate(source.splitlines(), 1):
        kind = next((kind for kind, pattern in _SECRETS.items() if re.search(pattern, text)), None)
        if kind is not None:
            way = "readers' pages and their copies would carry it: take it out, and read it from the environment"
            msg = f"cell {number} of {name} holds what looks like {kind} in line {line}; {way}"
            raise _refusal(msg, f"cell {number}")


def _check_output(name: str, number: int, cell: Any) -> None:
    if cell.get("outputs"):
        way = "the data in it would be published too: clear all outputs (or run nbstripout) and save it"
        msg = f"cell {number} of {name} holds output of an earlier run; {way}"
        raise _refusal(msg, f"cell {number}")


def _check_code(path: Path, number: int, source: str) -> None:
    """Refuse what cannot be parsed, and packages that are not there, also where they are first needed by a click."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        place = f" in line {line}" if line else ""
        msg = f"cell {number} of {path.name} is not Python: {getattr(error, 'msg', error)}{place}"
        raise _refusal(msg, f"cell {number}") from None
    for module in _imported(tree):
        if not _there(module):
            raise missing_package(path, number, module)


def _imported(tree: ast.AST) -> Iterator[str]:
    """Name the packages that code imports, but for those it can do without (in ``try``)."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        elif not isinstance(node, ast.Try):
            yield from _imported(node)


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def missing_package(path: Path, number: int, module: str) -> InvalidInput:
    """Return the refusal of a notebook that needs a package which is not there.

    Parameters
    ----------
    path
        The notebook.
    number
        Number of the cell, from 1.
    module
        What it imports.
    """
    way = "install it where dashboards run, or do without it"
    if any((path.parent / name).exists() for name in (f"{module}.py", module)):
        way = "it lies beside the notebook and would not come along: install it as a package, or put it into a cell"
    msg = f"cell {number} of {path.name} needs the package {module!r}, which is not installed; {way}"
    return _refusal(msg, f"cell {number}")
