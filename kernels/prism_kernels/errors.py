"""The error tree: what can go wrong, and under which name.

::

    PrismError
    ├── InvalidInput   (also ValueError)    what was given breaks a rule; `field` and `where` say which and where
    ├── MixedArrays    (also TypeError)     arrays of two libraries or devices met
    ├── MissingLibrary (also ImportError)   an optional library is not installed; the message names the extra
    ├── NotConverged   (also ArithmeticError)  a solver stopped without an answer worth returning
    └── Cancelled                           somebody pressed stop
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType

__all__ = [
    "Cancelled",
    "InvalidInput",
    "MissingLibrary",
    "MixedArrays",
    "NotConverged",
    "PrismError",
    "nearest",
    "require",
]


class PrismError(Exception):
    """Root of every error PRISM raises on purpose."""


class InvalidInput(PrismError, ValueError):
    """What was given breaks a rule.

    Parameters
    ----------
    message
        One sentence: the argument, the place, the rule and the way out.
    field
        Name of the argument or setting at fault.
    where
        The offending place inside it: a series, an index, a date; empty when it is the whole.
    """

    def __init__(self, message: str, *, field: str = "", where: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.where = where

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (str(self), self.field, self.where)


def _rebuild(message: str, field: str, where: str) -> InvalidInput:
    return InvalidInput(message, field=field, where=where)


class MixedArrays(PrismError, TypeError):
    """Arrays of two libraries or two devices met; nothing is moved silently."""


class MissingLibrary(PrismError, ImportError):
    """An optional library is not installed; the message names the extra that brings it."""


class NotConverged(PrismError, ArithmeticError):
    """A solver stopped without an answer worth returning."""


class Cancelled(PrismError):
    """Somebody asked for this work to stop."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Write the end of a sentence that points from a misspelt name to the nearest known one.

    Parameters
    ----------
    name
        What was given.
    known
        The names there are.
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known are " + ", ".join(repr(k) for k in known)


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional library, or say which extra brings it.

    Parameters
    ----------
    module
        Name to import.
    extra
        The extra of ``prism-lab`` that installs it.
    purpose
        What it is needed for, as the subject of the sentence: ``"model 'gru'"``.

    Raises
    ------
    MissingLibrary
        When the library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        msg = f"{purpose} needs {module}, which is not installed; get it with: pip install 'prism-lab[{extra}]'"
        raise MissingLibrary(msg, name=module) from error
