"""Read a numpydoc docstring: its first sentence and what it says of each parameter, attribute or setting."""

from __future__ import annotations

import inspect
import re
from typing import Any

__all__ = ["entries", "summary"]


def summary(owner: Any) -> str:
    """Return the first paragraph of a docstring as one line."""
    text = inspect.getdoc(owner) or ""
    return " ".join(text.split("\n\n", 1)[0].split())


def entries(owner: Any, section: str = "Parameters") -> dict[str, str]:
    """Return what a section says of each name, as one line per name.

    Parameters
    ----------
    owner
        A function or class with a numpydoc docstring.
    section
        ``Parameters`` or ``Attributes``.
    """
    lines = (inspect.getdoc(owner) or "").splitlines()
    found: dict[str, str] = {}
    names: list[str] = []
    for line in _section(lines, section):
        if line and not line[0].isspace():
            names = [n.strip().lstrip("*") for n in line.split(" : ")[0].split(",")]
            found.update(dict.fromkeys(names, ""))
        elif line.strip():
            for name in names:
                found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _section(lines: list[str], title: str) -> list[str]:
    for k in range(len(lines) - 1):
        if lines[k].strip() == title and re.fullmatch(r"-{3,}", lines[k + 1].strip()):
            rest = lines[k + 2 :]
            ends = [j - 1 for j in range(1, len(rest)) if re.fullmatch(r"-{3,}", rest[j].strip())]
            return rest[: ends[0]] if ends else rest
    return []
