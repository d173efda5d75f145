"""What a setting may be: one closed table, read from its annotation, that every surface turns into its own control.

An annotation outside the table raises; there is no silent text box.
"""

from __future__ import annotations

import dataclasses
import datetime
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from annotated_types import BaseMetadata, Ge, GroupedMetadata, Gt, Le, Lt, MaxLen, MinLen

__all__ = [
    "Choice",
    "Date",
    "Either",
    "Fixed",
    "Flag",
    "Group",
    "Many",
    "Nothing",
    "Number",
    "Rule",
    "Text",
    "rule_of",
]

_COUNTS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


@dataclass(frozen=True)
class Number:
    """A number, whole or real, between bounds that may be open or absent."""

    whole: bool
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def words(self, *, plural: bool = False) -> str:
        """Say the rule as the rest of the sentence "… must be"."""
        noun = (
            ("whole numbers" if self.whole else "numbers") if plural else "a whole number" if self.whole else "a number"
        )
        low = None if self.low is None else f"{'above' if self.low_open else 'at least'} {self.low:g}"
        high = None if self.high is None else f"{'below' if self.high_open else 'at most'} {self.high:g}"
        if low and high and not self.low_open and not self.high_open:
            return f"{noun} from {self.low:g} to {self.high:g}"
        return " ".join([noun, *filter(None, [" and ".join(filter(None, [low, high]))])])


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[Any, ...]

    def words(self, *, plural: bool = False) -> str:
        """Say the rule as the rest of the sentence "… must be"."""
        known = ", ".join(repr(v) for v in self.values)
        if len(self.values) == 1:
            return known
        return f"any of {known}" if plural else f"one of {known}"


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    def words(self, *, plural: bool = False) -> str:
        """Say the rule as the rest of the sentence "… must be"."""
        return "true or false"


@dataclass(frozen=True)
class Text:
    """A line of text."""

    def words(self, *, plural: bool = False) -> str:
        """Say the rule as the rest of the sentence "… must be"."""
        return "texts" if plural else "a text"


@dataclass(frozen=True)
class Date:
    """A calendar day."""

    def words(self, *, plural: bool = False) -> str:
        """Say the rule as the rest of the sentence "… must be"."""
        return "dates" if plural else "a date such as 2024-12-31"


@dataclass(frozen=True)
class Nothing:
    """No value: the setting is off, or found from the data."""

    def words(self, *, plural: bool = False) -> str:
        """Say the rule as the rest of the sentence "… must be"."""
        return "nothing (null)"


@dataclass(frozen=True)
class Fixed:
    """A tuple of a fixed length."""

    items: tuple[Rule, ...]

    def words(self, *, plural: bool = False) -> str:
        """Say the rule as the rest of the sentence "… must be"."""
        if len(set(self.items)) == 1:
            count = len(self.items)
            return f"{_COUNTS.get(count, count)} {self.items[0].words(plural=True)}"
        return "(" + ", ".join(item.words() for item in self.items) + ")"


@dataclass(frozen=True)
class Many:
    """A list of any length between bounds; a list of groups is a table."""

    item: Rule
    least: int = 0
    most: int | None = None

    def words(self, *, plural: bool = False) -> str:
        """Say the rule as the rest of the sentence "… must be"."""
        size = "" if self.least == 0 else f"{self.least} or more "
        size = size if self.most is None else f"{self.least} to {self.most} "
        return f"a list of {size}{self.item.words(plural=True)}"


@dataclass(frozen=True)
class Group:
    """A few settings that belong together: a frozen dataclass."""

    kind: type
    rules: Mapping[str, Rule]
    defaults: Mapping[str, Any]

    def __hash__(self) -> int:
        return hash(self.kind)

    def words(self, *, plural: bool = False) -> str:
        """Say the rule as the rest of the sentence "… must be"."""
        return f"a group of {', '.join(self.rules)}"


@dataclass(frozen=True)
class Either:
    """One of several rules; the first that holds."""

    options: tuple[Rule, ...]

    def words(self, *, plural: bool = False) -> str:
        """Say the rule as the rest of the sentence "… must be"."""
        return " or ".join(o.words(plural=plural) for o in self.options)


Rule: TypeAlias = Number | Choice | Flag | Text | Date | Nothing | Fixed | Many | Group | Either


def rule_of(annotation: Any, name: str = "setting") -> Rule:
    """Read the rule of a setting from its annotation.

    Parameters
    ----------
    annotation
        The resolved annotation, with its ``Annotated`` metadata.
    name
        What the setting is called, for the message.

    Raises
    ------
    TypeError
        When the annotation is outside the table.
    """
    if get_origin(annotation) is Annotated:
        inside, *metadata = get_args(annotation)
        return _bounded(rule_of(inside, name), metadata, name)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return Choice(arguments)
    if origin in (Union, types.UnionType):
        return Either(tuple(rule_of(a, name) for a in arguments))
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        return Fixed(tuple(rule_of(a, name) for a in arguments))
    if origin in (tuple, list):
        return Many(rule_of(arguments[0], name))
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return _group(annotation)
    msg = (
        f"{name} is annotated {annotation!r}, and no control can be made of that; see prism_kernels.rules for what can"
    )
    raise TypeError(msg)


_PLAIN: dict[Any, Rule] = {
    bool: Flag(),
    int: Number(whole=True),
    float: Number(whole=False),
    str: Text(),
    datetime.date: Date(),
    None: Nothing(),
    type(None): Nothing(),
}


def _group(kind: type) -> Group:
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = dataclasses.fields(kind)
    defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    return Group(kind, {f.name: rule_of(hints[f.name], f.name) for f in fields}, defaults)


def _bounded(rule: Rule, metadata: list[Any], name: str) -> Rule:
    flat: list[Any] = []
    for one in metadata:
        flat += list(one) if isinstance(one, GroupedMetadata) else [one]
    for bound in flat:
        if isinstance(rule, Number) and isinstance(bound, Ge | Gt):
            low = bound.ge if isinstance(bound, Ge) else bound.gt
            rule = dataclasses.replace(rule, low=low, low_open=isinstance(bound, Gt))
        elif isinstance(rule, Number) and isinstance(bound, Le | Lt):
            high = bound.le if isinstance(bound, Le) else bound.lt
            rule = dataclasses.replace(rule, high=high, high_open=isinstance(bound, Lt))
        elif isinstance(rule, Many) and isinstance(bound, MinLen):
            rule = dataclasses.replace(rule, least=bound.min_length)
        elif isinstance(rule, Many) and isinstance(bound, MaxLen):
            rule = dataclasses.replace(rule, most=bound.max_length)
        elif isinstance(bound, BaseMetadata):
            msg = f"{name} is bounded by {bound!r}, and no control can be made of that; see prism_kernels.rules"
            raise TypeError(msg)
    return rule
