"""What every control does, and what a rule's value is before anybody chose one."""

from __future__ import annotations

import datetime
import html
import re
from typing import Any

import panel as pn
import param

from prism_kernels.rules import Choice, Date, Either, Fixed, Flag, Group, Many, Nothing, Number, Rule, Text

__all__ = ["Control", "Note", "fits", "initial_of", "plain"]


class Control(pn.viewable.Viewer):
    """One setting on screen.

    Subclasses build their widgets in ``_build``, write a value into them in ``_show`` and read it in ``_read``.

    Parameters
    ----------
    rule
        What the setting may be.
    label
        What stands above the control.
    value
        What it holds first.
    about
        Help, from the docstring.
    """

    value = param.Parameter(doc="What the control holds, right or wrong.")

    def __init__(self, rule: Rule, *, label: str, value: Any, about: str = "") -> None:
        super().__init__(value=value)
        self.rule, self.label, self.about = rule, label, plain(about)
        self._busy = False
        self._layout = self._build()
        self._put()
        self.param.watch(self._put, "value")

    def _build(self) -> Any:
        raise NotImplementedError

    def _show(self, value: Any) -> None:
        raise NotImplementedError

    def _read(self) -> Any:
        raise NotImplementedError

    def refuse(self, sentence: str, where: str = "") -> None:
        """Show a sentence beside the control; an empty one takes it away.

        Parameters
        ----------
        sentence
            What the operation said.
        where
            The offending place inside a group.
        """
        self._refuse(sentence, where)

    def _refuse(self, sentence: str, where: str) -> None:
        raise NotImplementedError

    def _put(self, *_: Any) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            self._show(self.value)
        finally:
            self._busy = False

    def _take(self, *_: Any) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            self.value = self._read()
        finally:
            self._busy = False

    def __panel__(self) -> Any:
        return self._layout


class Note(pn.viewable.Viewer):
    """A line below a control: its help, or the sentence it was refused with."""

    def __init__(self, about: str) -> None:
        super().__init__()
        self._about = plain(about)
        self._pane = pn.pane.HTML("", margin=(0, 12, 4, 12), sizing_mode="stretch_width")
        self.say("")

    def say(self, sentence: str) -> None:
        """Show a sentence, or the help where it is empty."""
        text = html.escape(sentence or self._about)
        head = (
            '<div role="alert" style="font-size:12px;font-weight:600">⚠ '
            if sentence
            else '<div style="font-size:12px">'
        )
        self._pane.object = f"{head}{text}</div>"
        self._pane.visible = bool(sentence or self._about)

    def __panel__(self) -> Any:
        return self._pane


def plain(text: str) -> str:
    """Take the markup out of a docstring's line: literals and roles become their text.

    Parameters
    ----------
    text
        The line.
    """
    return re.sub(r":\w+:`~?([^`]*)`", r"\1", text).replace("``", "").replace("`", "")


def initial_of(rule: Rule) -> Any:
    """Return a value that keeps a rule, for a setting without a default.

    Parameters
    ----------
    rule
        What the setting may be.
    """
    match rule:
        case Number():
            return _inside(rule)
        case Choice(values=values):
            return values[0]
        case Flag():
            return False
        case Text():
            return ""
        case Date():
            return datetime.date(2024, 1, 1)
        case Fixed(items=items):
            return tuple(initial_of(i) for i in items)
        case Many(item=item, least=least):
            return tuple(initial_of(item) for _ in range(least))
        case Group(kind=kind, rules=rules, defaults=defaults):
            return kind(**{n: defaults.get(n, initial_of(r)) for n, r in rules.items()})
        case Either(options=options):
            return None if any(isinstance(o, Nothing) for o in options) else initial_of(options[0])
        case Nothing():
            return None


def _inside(rule: Number) -> float | int:
    """Return a number inside the bounds: zero, or as near to it as they allow."""
    low, high = rule.low, rule.high
    if low is not None and high is not None and (rule.low_open or rule.high_open) and not rule.whole:
        value: float = (low + high) / 2
    elif low is not None and (low > 0 or (rule.low_open and low == 0)):
        value = low + (1 if rule.low_open else 0)
    elif high is not None and (high < 0 or (rule.high_open and high == 0)):
        value = high - (1 if rule.high_open else 0)
    else:
        value = 0
    return int(value) if rule.whole else float(value)


def fits(rule: Rule, value: Any) -> bool:
    """Tell whether a value is of a rule's kind; whether it keeps the bounds is for the operation to say.

    Parameters
    ----------
    rule
        What the setting may be.
    value
        What it holds.
    """
    match rule:
        case Nothing():
            return value is None
        case Choice(values=values):
            return any(type(v) is type(value) and v == value for v in values)
        case Flag():
            return isinstance(value, bool)
        case Number():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Text():
            return isinstance(value, str)
        case Date():
            return isinstance(value, datetime.date)
        case Fixed(items=items):
            return isinstance(value, list | tuple) and len(value) == len(items)
        case Many():
            return isinstance(value, list | tuple)
        case Group(kind=kind, rules=rules):
            return isinstance(value, kind) or (isinstance(value, dict) and set(value) <= set(rules))
        case Either(options=options):
            return any(fits(o, value) for o in options)
