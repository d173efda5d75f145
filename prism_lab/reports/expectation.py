"""What a report is expected to find: conditions on its key numbers that decide whether it was good."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prism_kernels.errors import InvalidInput, nearest

__all__ = ["Expectation", "bare_name", "check_names", "holds", "judge", "read", "unknown"]

_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_FORM = re.compile(
    r"\s*(?P<name>[^<>=!\[\]\s][^<>=!\[\]]*?(?:\[.*\])?)\s*(?P<sign><=|>=|==|!=|<|>)\s*(?P<limit>[^<>=!\s]+)\s*"
)


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """A condition on a key number.

    Attributes
    ----------
    text
        The condition as it was written.
    name
        Name of the key number. ``mase`` stands for each of ``mase[…]`` where there is no plain ``mase``.
    sign
        ``<``, ``<=``, ``>``, ``>=``, ``==`` or ``!=``.
    limit
        What the number is compared with.
    """

    text: str
    name: str
    sign: str
    limit: float

    def chosen(self, numbers: Iterable[str]) -> list[str]:
        """Return the key numbers that the condition speaks of."""
        known = list(numbers)
        return [self.name] if self.name in known else [n for n in known if n.startswith(f"{self.name}[")]


def read(text: str) -> Expectation:
    """Read a condition such as ``mase < 1.2``.

    Parameters
    ----------
    text
        Name of a key number, a comparison and a finite number.

    Raises
    ------
    InvalidInput
        For anything else; nothing of the text is ever run.
    """
    form = _FORM.fullmatch(text)
    limit = _number(form["limit"]) if form else math.nan
    if form is None or not math.isfinite(limit):
        signs = " ".join(_SIGNS)
        msg = f"--expect takes NAME SIGN NUMBER, as in 'mase < 1.2', and {text!r} was given; signs are {signs}"
        raise InvalidInput(msg, field="expect")
    return Expectation(text=text.strip(), name=form["name"], sign=form["sign"], limit=limit)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def bare_name(name: str) -> str:
    """Return what a key number is a number of: ``mase`` of ``mase[sunspots]``, ``lo`` of ``mean of lo``."""
    return name.partition("[")[0].rpartition(": ")[2].removeprefix("mean of ")


def check_names(expectations: Sequence[Expectation], known: Iterable[str] | None, report: str) -> None:
    """Refuse a condition on a number that the report can never have, before it runs.

    Parameters
    ----------
    expectations
        The conditions.
    known
        Names, without series, of the numbers that a report can have; None where only the run can tell.
    report
        Name of the report, for the message.

    Raises
    ------
    InvalidInput
        For the first name that is not known.
    """
    names = None if known is None else list(known)
    for one in expectations:
        if names is not None and bare_name(one.name) not in names and one.name not in names:
            raise InvalidInput(_unknown(one, names, report), field="expect", where=one.name)


def _unknown(one: Expectation, known: Iterable[str], report: str) -> str:
    names = sorted(known)
    listed = f"known are {', '.join(names)}" if names else "it has none"
    hint = nearest(one.name, names) if names else ""
    hint = f"{hint} " if hint.startswith("did") else ""
    return f"--expect {one.text!r}: report {report} has no key number {one.name!r}; {hint}{listed}"


def judge(
    expectations: Sequence[Expectation], numbers: Mapping[str, float | None], report: str
) -> tuple[dict[str, Any], ...]:
    """Compare key numbers with what was expected of them.

    Parameters
    ----------
    expectations
        The conditions.
    numbers
        Key numbers by name; None for one that was not finite, which meets no condition.
    report
        Name of the report, for messages.

    Returns
    -------
    verdicts
        For each condition and number: ``condition``, ``name``, ``value``, ``holds``, and ``error``, a sentence where
        there is no such number.
    """
    verdicts: list[dict[str, Any]] = []
    for one in expectations:
        chosen = one.chosen(numbers)
        for name in chosen:
            value = numbers[name]
            met = value is not None and _SIGNS[one.sign](value, one.limit)
            verdicts.append({"condition": one.text, "name": name, "value": value, "holds": met, "error": ""})
        if not chosen:
            sentence = _unknown(one, numbers, report)
            verdicts.append({"condition": one.text, "name": one.name, "value": None, "holds": False, "error": sentence})
    return tuple(verdicts)


def holds(verdicts: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether every condition is met."""
    return all(verdict["holds"] for verdict in verdicts)


def unknown(verdicts: Iterable[Mapping[str, Any]]) -> str:
    """Return the sentence of the first condition on a number that is not there; empty for none."""
    return next((str(verdict["error"]) for verdict in verdicts if verdict["error"]), "")
