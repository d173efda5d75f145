"""Share links: what an explorer asks for, as the query of an address.

Names of data and settings travel, never data; only what a small table holds, such as weights, goes with them.

A link may be older than what reads it. What still fits is taken over, and each thing that does not is said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_json

from prism_kernels import InvalidInput, Operation
from prism_kernels.data import datasets
from prism_kernels.errors import nearest
from prism_kernels.inputs import fences
from prism_widgets.control import initial_of
from prism_widgets.inputs import Given, is_written

__all__ = ["KEY", "Wish", "read", "write"]

KEY = "run"
"""The word of the query that carries it."""
_MOST = 20_000  # characters; browsers and servers take no longer addresses


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a link asks for, as far as it can be had.

    Attributes
    ----------
    data
        Names of samples or datasets, by parameter.
    settings
        Values by setting.
    complaints
        What cannot be had, a sentence each.
    """

    data: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()


def write(operation: Operation, version: str, data: Mapping[str, Given | None], settings: Mapping[str, Any]) -> str:
    """Write a query.

    Parameters
    ----------
    operation
        What runs.
    version
        Version of its package.
    data
        What was picked, by parameter.
    settings
        What settings hold, where they need saying.

    Raises
    ------
    InvalidInput
        When data has no name.
    """
    names = {}
    for name, given in data.items():
        if given is None:
            continue
        if not isinstance(given.value, str) or not _can_travel(operation, name, given.value):
            msg = (
                f"{name} has no name, and a link carries names, never data; "
                f"keep it as a dataset first: prism data add NAME FILE, or prism_kernels.data.save(frame, name)"
            )
            raise InvalidInput(msg, field=name)
        names[name] = given.value
    held = {"operation": operation.name, "version": version, "data": names, "settings": dict(settings)}
    return urlencode({KEY: to_json(held).decode()})


def read(text: str, operation: Operation) -> Wish | None:
    """Read what a link asks of an operation; None where it is about another one.

    Parameters
    ----------
    text
        What the query carries.
    operation
        Who reads it.
    """
    try:
        held = json.loads(text) if len(text) <= _MOST else None
    except (ValueError, RecursionError):
        held = None
    parts = ("data", "settings")
    if not isinstance(held, dict) or not all(isinstance(held.get(p, {}), dict) for p in parts):
        return Wish(complaints=("This link cannot be read: it was cut or changed. Ask for it again.",))
    if held.get("operation") != operation.name:
        return None
    complaints: list[str] = []
    data = _names(held.get("data", {}), operation, complaints)
    settings = _settings(held.get("settings", {}), operation, complaints)
    if complaints and held.get("version"):
        complaints.append(f"The link was made with version {held['version']}; what else it asks for was taken over.")
    return Wish(data=data, settings=settings, complaints=tuple(complaints))


def _known(operation: Operation, name: str) -> list[Any]:
    """List what a link may call the data of a parameter."""
    return [*operation.data[name].kind.samples(), *datasets()]


def _can_travel(operation: Operation, name: str, value: str) -> bool:
    """Tell whether a link may carry this: a name, or weights and the like that are written out and can be read."""
    kind = operation.data[name].kind
    if not is_written(kind, value):
        return value in _known(operation, name)
    try:
        kind.of(value, field=name)
    except InvalidInput:
        return False
    return True


def _names(held: Mapping[str, Any], operation: Operation, complaints: list[str]) -> dict[str, str]:
    found = {}
    absent = "no sample, and no dataset that is shared with readers" if fences.fenced() else "no sample or dataset here"
    for name, value in held.items():
        if name not in operation.data:
            complaints.append(f"{operation.name} takes no data called {name}; {nearest(name, operation.data)}")
            continue
        known = _known(operation, name)
        if isinstance(value, str) and _can_travel(operation, name, value):
            found[name] = value
        else:
            complaints.append(f"{name} is to be {value!r}, which is {absent}; {nearest(str(value), known)}")
    return found


def _settings(held: Mapping[str, Any], operation: Operation, complaints: list[str]) -> dict[str, Any]:
    kept = {}
    needed = {n: initial_of(rule) for n, rule in operation.rules.items() if n not in operation.defaults}
    for name, value in held.items():
        try:
            kept[name] = operation.validate({**needed, name: value})[name]
        except InvalidInput as error:
            complaints.append(str(error))
    return kept
