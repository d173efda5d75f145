"""What stands after ``--data``, ``--set`` and ``-p`` on a command line, as values."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any

from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.inputs import Input
from prism_kernels.operation import Operation

__all__ = ["pairs", "read_data", "settings", "texts", "value_of"]


def value_of(text: str) -> Any:
    """Read a value as JSON, or as the text it is.

    Parameters
    ----------
    text
        ``12``, ``[0.8, 0.95]``, ``true``, ``null``, ``"12"`` for a text of digits, or any other text.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def pairs(given: Iterable[str], option: str, texts: Container[str] = ()) -> dict[str, Any]:
    """Read ``name=value`` texts.

    Parameters
    ----------
    given
        The texts.
    option
        The option they came from, for messages.
    texts
        Names whose values stay the texts they are, since they name data.

    Raises
    ------
    InvalidInput
        For a text without ``=`` and for a name given twice.
    """
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            msg = f"{option} takes name=value, and {text!r} was given"
            raise InvalidInput(msg, field=option)
        if name in found:
            msg = f"{option} names {name} twice; give it once"
            raise InvalidInput(msg, field=name)
        found[name] = value if name in texts else value_of(value)
    return found


def settings(row: Operation, given: Iterable[str]) -> dict[str, Any]:
    """Read and check the settings of an operation from ``name=value`` texts.

    Parameters
    ----------
    row
        The operation.
    given
        The texts.

    Raises
    ------
    InvalidInput
        For the first one at fault; data given as a setting is told so.
    """
    found = pairs(given, "--set")
    for name in found:
        if name in row.data:
            msg = f"{name} is data of {row.name}: give it as --data {name}=SAMPLE|DATASET|FILE"
            raise InvalidInput(msg, field=name)
    return row.validate(found)


def texts(given: Iterable[str], data: Mapping[str, object], owner: str) -> dict[str, str]:
    """Read ``name=SAMPLE|DATASET|FILE`` texts; a text without a name belongs to the first data there is.

    Parameters
    ----------
    given
        The texts.
    data
        The data that can be given, by name.
    owner
        Who takes the data, for messages.

    Raises
    ------
    InvalidInput
        For a name that is no data and for one given twice.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            name, value = next(iter(data), ""), text
        if name not in data:
            msg = f"{owner} takes no data called {name!r}; {nearest(name, data) if data else 'it takes none'}"
            raise InvalidInput(msg, field=name)
        if name in found:
            msg = f"--data names {name} twice; give it once"
            raise InvalidInput(msg, field=name)
        found[name] = value
    return found


def read_data(row: Operation, given: Iterable[str]) -> dict[str, Input]:
    """Read the data of an operation that ``name=SAMPLE|DATASET|FILE`` texts name; see :func:`texts`."""
    return {n: row.data[n].resolve(text) for n, text in texts(given, row.data, row.name).items()}
