"""Why a setting is refused: one sentence that names it, its rule, what was given and the way out."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from prism_kernels.arrays import is_array, to_numpy
from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.rules import Choice, Either, Fixed, Group, Many, Number, Rule

__all__ = ["counted", "plain", "refusal", "refuse_idle", "short"]

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
    name, path = _first_fault(given, error)
    rule, value, called, place = rules[name], given[name], name, _place(rules[name], path)
    if isinstance(rule, Group) and place and isinstance(value, Mapping):
        if place not in rule.rules:
            return InvalidInput(f"{name} has no {place!r}; {nearest(place, rule.rules)}", field=name, where=place)
        rule, value, called = rule.rules[place], value.get(place), f"{name}.{place}"
    msg = f"{called} must be {rule.words()}, and {_short(value)} was given{_hint(rule, value)}"
    return InvalidInput(msg, field=name, where=place)


def refuse_idle(
    defaults: Mapping[str, Any], given: Mapping[str, Any], users: Mapping[str, tuple[str, tuple[str, ...]]]
) -> None:
    """Refuse a setting that differs from its default and would change nothing, since another leaves it no meaning.

    Parameters
    ----------
    defaults, given
        Defaults of an operation's settings, and what they hold.
    users
        For each setting that not always has a meaning: the setting that decides, and its values that give it one.
    """
    for name, (decider, values) in users.items():
        if given[decider] in values or given[name] == defaults[name]:
            continue
        leave = "leave it out" if defaults[name] is None else f"leave it at {defaults[name]!r}"
        use = f"{decider}={values[0]!r}" if len(values) == 1 else f"{decider} {_or(values)}"
        msg = f"{name} has no meaning for {decider} {given[decider]!r}; {leave}, or use {use}"
        raise InvalidInput(msg, field=name)


def _or(values: Sequence[str]) -> str:
    *most, last = map(repr, values)
    return f"{', '.join(most)} or {last}"


def counted(count: int, noun: str) -> str:
    """Write how many there are of something: ``1 value``, ``2 values``.

    Parameters
    ----------
    count
        How many.
    noun
        What one of them is called.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _first_fault(given: Mapping[str, Any], error: Exception) -> tuple[str, Sequence[str | int]]:
    if isinstance(error, ValidationError):
        where = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
        return str(where[0]), where[1:]
    for name, value in given.items():
        try:
            to_json(value, fallback=plain)
        except PydanticSerializationError:
            return name, ()
    raise error


def _place(rule: Rule, path: Sequence[str | int], *, sure: bool = True) -> str:
    """Return the setting of a group or the number of an entry that a path leads to; names of types are no places."""
    if isinstance(rule, Either):
        tries = ((option, part) for part in (path, path[1:]) for option in rule.options)
        return next(filter(None, (_place(option, part, sure=False) for option, part in tries)), "")
    if isinstance(rule, Group):
        return str(path[0]) if path and (sure or path[0] in rule.rules) else ""
    return str(path[0]) if path and isinstance(rule, Many | Fixed) and isinstance(path[0], int) else ""


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


def short(text: str) -> str:
    """Return a text as it is, or its beginning where it is long.

    Parameters
    ----------
    text
        What was given, as it is to be told.
    """
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "…"


def _short(value: Any) -> str:
    return short(repr(_bare(value)))


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
    numbers = _numbers(_bare(value))
    listed = f"[{','.join(map(str, numbers))}]"
    taken = numbers and len(listed) <= _SHOWN and any(_takes(option, numbers) for option in options)
    return f"; write {listed}" if taken else ""


def _numbers(value: Any) -> list[Any]:
    """Return the numbers that somebody may have meant as a list: one alone, or a text of some with commas."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return []
    try:
        found = json.loads(f"[{str(value).strip().strip('()[]')}]")
    except ValueError:
        return []
    return found if all(isinstance(v, int | float) and not isinstance(v, bool) for v in found) else []


def _takes(rule: Rule, numbers: Sequence[float]) -> bool:
    """Tell whether a rule allows these numbers as a list."""
    if isinstance(rule, Fixed):
        return len(rule.items) == len(numbers) and all(map(_allows, rule.items, numbers))
    return (
        isinstance(rule, Many)
        and rule.least <= len(numbers) <= (rule.most or len(numbers))
        and all(_allows(rule.item, n) for n in numbers)
    )


def _allows(rule: Rule, number: float) -> bool:
    if not isinstance(rule, Number) or (rule.whole and not isinstance(number, int)) or number - number != 0:
        return False
    above = rule.low is None or (number > rule.low if rule.low_open else number >= rule.low)
    return above and (rule.high is None or (number < rule.high if rule.high_open else number <= rule.high))
