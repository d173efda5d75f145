"""Keeps a notebook that is tried out from writing where it should not; runs inside its kernel, and imports little."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

__all__ = ["OutsideWrite", "watch"]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = {  # by audit event: the places of the paths that it changes, and of their folder descriptors
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, 9),),
    "os.chmod": ((0, 2),),
}


class OutsideWrite(PermissionError):
    """A notebook tried to write outside its own folder."""


def watch(allowed: Iterable[str]) -> list[str]:
    """Refuse from now on, in this process, to write anywhere but below some folders.

    Parameters
    ----------
    allowed
        The folders; what Python compiles (``__pycache__``) may be written everywhere.

    Returns
    -------
    list of str
        The paths that were refused, filled as it happens.

    Notes
    -----
    Sees what Python itself opens, makes, moves and removes. A library that writes in its own C code (so a database that
    is there already) and a program that the notebook starts pass unseen. What libraries try while they are imported (a
    folder for their settings) is prevented and not counted: they do without it where a home cannot be written.
    """
    roots = tuple(os.path.realpath(path) for path in allowed)
    refused: list[str] = []
    sys.addaudithook(_hook(roots, refused))
    return refused


def _hook(roots: tuple[str, ...], refused: list[str]) -> Callable[[str, tuple[Any, ...]], None]:
    def check(path: Any, descriptor: Any = -1) -> None:
        place = _place(path, descriptor)
        if place is None or "__pycache__" in place or any(_below(place, root) for root in roots):
            return
        if not _importing():
            refused.append(place)
        raise OutsideWrite(place)

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = given
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITING):
                check(path)
        elif event == "os.mkdir" and os.path.isdir(given[0]):  # noqa: PTH112 - Path.mkdir(exist_ok=True) asks first
            return
        elif event == "sqlite3.connect":
            check(_made(given[0]))
        elif event in _PATHS:
            for at, descriptor in _PATHS[event]:
                check(given[at], given[descriptor] if descriptor < len(given) else -1)

    return hook


def _place(path: Any, descriptor: Any) -> str | None:
    """Return where a path leads, links followed; None for what is no path, such as an open file."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    name = os.fsdecode(path)
    if isinstance(descriptor, int) and descriptor >= 0:
        name = os.path.join(os.path.realpath(f"/proc/self/fd/{descriptor}"), name)  # noqa: PTH118 - called very often
    return os.path.realpath(name)


def _made(database: Any) -> str | None:
    """Return the file that opening a database makes; None where it is there, or is none."""
    name = os.fsdecode(database)
    if name.startswith("file:"):
        path, _, options = name.removeprefix("file:").partition("?")
        name = "" if "mode=ro" in options or "mode=memory" in options else unquote(path)
    known = name in ("", ":memory:") or os.path.exists(name)  # noqa: PTH110 - as quick as the rest
    return None if known else name


def _below(place: str, root: str) -> bool:
    return place == root or place.startswith(root.rstrip(os.sep) + os.sep)


def _importing() -> bool:
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
