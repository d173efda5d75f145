"""Why a setting is refused: one sentence that names it, its rule, what was given and the way out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from prism_kernels.arrays import is_array, to_numpy
from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.rules import Choice, Either, Group, Rule

__all__ = ["plain", "refusal"]

_SHOWN = 60


def refusal(
    operation: str, rules: Mapping[str, Rule], required: Collection[str], given: Mapping[str, Any], error: Exception
) -> InvalidInput:
    """Find the first setting at fault and say what is wrong with it.

    Parameters
    ----------
    operation
        Name of the operation, for the message.
    rules
        What each of its settings may be.
    required
        The settings without a default.
    given
        What was given.
    error
        What validation raised about it.
    """
    for name in given:
        if name not in rules:
            hint = nearest(name, rules) if rules else "it has no settings"
            return InvalidInput(f"{operation} has no setting {name!r}; {hint}", field=name)
    for name, rule in rules.items():
        if name in required and name not in given:
            return InvalidInput(f"{operation} needs {name}, {rule.words()}", field=name)
    name, place = _first_fault(given, error)
    rule, value, called = rules[name], given[name], name
    if isinstance(rule, Group) and place and isinstance(value, Mapping):
        if place not in rule.rules:
            return InvalidInput(f"{name} has no {place!r}; {nearest(place, rule.rules)}", field=name, where=place)
        rule, value, called = rule.rules[place], value.get(place), f"{name}.{place}"
    msg = f"{called} must be {rule.words()}, and {_short(value)} was given{_hint(rule, value)}"
    return InvalidInput(msg, field=name, where=place)


def _first_fault(given: Mapping[str, Any], error: Exception) -> tuple[str, str]:
    if isinstance(error, ValidationError):
        where = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
        return str(where[0]), str(where[1]) if len(where) > 1 else ""
    for name, value in given.items():
        try:
            to_json(value, fallback=plain)
        except PydanticSerializationError:
            return name, ""
    raise error


def plain(value: Any) -> Any:
    """Return a numpy number, an array of any library or a table as what JSON can hold; empty cells are left out.

    Parameters
    ----------
    value
        What JSON cannot hold by itself.
    """
    if isinstance(value, np.generic):
        return value.item()
    if is_array(value):
        return to_numpy(value).tolist()
    if hasattr(value, "columns") and hasattr(value, "to_dict"):  # a frame of pandas or polars, a row each
        rows = value.to_dicts() if hasattr(value, "to_dicts") else value.to_dict("records")
        return [{str(n): v for n, v in row.items() if v is not None and v == v} for row in rows]
    msg = f"{type(value).__name__} cannot be written as JSON"
    raise TypeError(msg)


def _short(value: Any) -> str:
    text = repr(_bare(value))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "…"


def _bare(value: Any) -> Any:
    """Return a value as the settings hold it, so that lists, tuples and numpy's numbers are told alike everywhere."""
    if isinstance(value, np.generic) or is_array(value):
        value = plain(value)
    if isinstance(value, Mapping):
        return {name: _bare(one) for name, one in value.items()}
    return tuple(map(_bare, value)) if isinstance(value, list | tuple) else value


def _hint(rule: Rule, value: Any) -> str:
    options = rule.options if isinstance(rule, Either) else (rule,)
    known = [v for o in options if isinstance(o, Choice) for v in o.values if isinstance(v, str)]
    if isinstance(value, str) and known:
        hint = nearest(value, known)
        return f"; {hint}" if hint.startswith("did") else ""
    return ""
