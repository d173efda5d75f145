"""What a page that strangers see may read: files under a data root, uploads, shared datasets, and addresses on a list.

An analyst's own session has no fences. The server of published pages raises them for the kernels it starts, by the
variables below; the readers of files and addresses ask here before they open anything.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from weakref import WeakKeyDictionary

from prism_kernels.errors import InvalidInput

__all__ = [
    "ALLOW_URLS",
    "DATA_ROOT",
    "MAX_UPLOAD",
    "READERS",
    "admit",
    "check_path",
    "check_url",
    "fenced",
    "max_upload",
    "published",
    "tell_apart",
    "trusted",
    "url_rule",
]

READERS = "PRISM_READERS"
"""Variable that is ``1`` where strangers see the page; without it nothing here refuses anything."""
DATA_ROOT = "PRISM_DATA_ROOT"
"""Folder below which such a page may read files."""
ALLOW_URLS = "PRISM_ALLOW_URLS"
"""Patterns of addresses such a page may read, separated by spaces."""
MAX_UPLOAD = "PRISM_MAX_UPLOAD"
"""Largest upload in bytes."""

_PORTS = {"http": 80, "https": 443}
_PROCESS = type("Process", (), {})()  # stands for all that runs here where nobody tells sessions apart
_ADMITTED: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
_TRUSTED: ContextVar[bool] = ContextVar("prism_trusted", default=False)


def published() -> bool:
    """Tell whether strangers see what runs here."""
    return os.environ.get(READERS) == "1"


def fenced() -> bool:
    """Tell whether what is read now is fenced: strangers see it, and no block of :func:`trusted` is open."""
    return published() and not _TRUSTED.get()


@contextlib.contextmanager
def trusted() -> Iterator[None]:
    """Read without fences while the block lasts: for what an analyst catalogued, never for what a viewer wrote."""
    mark = _TRUSTED.set(True)
    try:
        yield
    finally:
        _TRUSTED.reset(mark)


def _no_session() -> Any:
    return None


_whose: Callable[[], Any] = _no_session


def tell_apart(whose: Callable[[], Any]) -> None:
    """Learn how to tell the sessions apart that one process serves.

    Parameters
    ----------
    whose
        Returns an object that lives as long as the session does for which something is read now; None where there is
        only one.
    """
    global _whose
    _whose = whose


def admit(folder: Path) -> None:
    """Let files below a folder be read in this session: for the place its uploads are written to.

    Parameters
    ----------
    folder
        A folder that only this session fills.
    """
    _ADMITTED.setdefault(_session(), set()).add(os.path.realpath(folder))


def _session() -> Any:
    session = _whose()
    return _PROCESS if session is None else session


def max_upload() -> int | None:
    """Return the largest upload in bytes; None where there is no limit."""
    given = os.environ.get(MAX_UPLOAD, "")
    return int(given) if given.isdigit() else None


def check_path(path: Path, field: str) -> Path:
    """Return the path to open: without its links where fences stand, as it is elsewhere.

    Parameters
    ----------
    path
        Where a file is said to be.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        Where the file, its links followed, lies neither under the data root nor among this session's uploads. The
        sentence is the same whether the file exists or not.
    """
    if not fenced():
        return path
    try:
        real = Path(os.path.realpath(path))
    except (OSError, ValueError):  # a loop of links, or a zero byte
        raise _outside(field) from None
    root = os.environ.get(DATA_ROOT)
    allowed = [*_ADMITTED.get(_session(), ()), *([os.path.realpath(root)] if root else [])]
    if not any(real.is_relative_to(folder) for folder in allowed):
        raise _outside(field)
    return real


def _outside(field: str) -> InvalidInput:
    msg = f"{field} lies outside the folder this page may read; pick a sample or a dataset, or upload the file"
    return InvalidInput(msg, field=field)


@dataclass(frozen=True)
class _Rule:
    scheme: str
    host: str
    port: int
    path: str

    def allows(self, scheme: str, host: str, port: int, path: str) -> bool:
        """Compare part by part, so that no host hides in a path or in a name before an @."""
        named = host == self.host or (self.host.startswith("*.") and host.endswith(self.host[1:]))
        return (scheme, port) == (self.scheme, self.port) and named and fnmatch.fnmatchcase(path, self.path)


def url_rule(pattern: str) -> _Rule:
    """Read a pattern of addresses, such as ``https://data.example.org/daily/*`` or ``https://*.example.org``.

    Parameters
    ----------
    pattern
        Scheme, host and path; ``*.`` may begin the host, ``*`` may stand anywhere in the path, and no path means all.

    Raises
    ------
    InvalidInput
        For anything else.
    """
    try:
        parts = urlsplit(pattern)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    plain = re.fullmatch(r"(\*\.)?[a-z0-9.:-]+", host) is not None and "@" not in parts.netloc
    if parts.scheme not in _PORTS or not plain or parts.query or parts.fragment or " " in pattern:
        msg = f"allow_url {pattern!r} is no pattern of addresses; write one such as https://data.example.org/daily/*"
        raise InvalidInput(msg, field="allow_url", where=pattern)
    path = parts.path if parts.path not in ("", "/") else "/*"
    return _Rule(parts.scheme, host, port or _PORTS[parts.scheme], path)


def check_url(url: str, field: str) -> None:
    """Refuse an address that is on no list.

    Parameters
    ----------
    url
        Address of data.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        Where fences stand and no pattern fits scheme, host, port and path.
    """
    if not fenced():
        return
    rules = [url_rule(pattern) for pattern in os.environ.get(ALLOW_URLS, "").split()]
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise _unlisted(field, "an address that cannot be read") from None
    path = unquote(parts.path) or "/"
    devious = "@" in parts.netloc or "\\" in url or ".." in path.split("/") or not url.isprintable()
    if devious or not any(rule.allows(parts.scheme, host, port, path) for rule in rules):
        raise _unlisted(field, f"an address on {host or 'no host'}")


def _unlisted(field: str, what: str) -> InvalidInput:
    msg = f"{field} is {what}, which this page may not read; pick a sample or a dataset, or upload the file"
    return InvalidInput(msg, field=field)
