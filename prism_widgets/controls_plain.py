"""Controls of one widget: a number, a choice, a flag, a text, a date, a list."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any

import panel as pn
import panel_material_ui as pmui

from prism_kernels.rules import Choice, Many, Number, Rule
from prism_widgets.control import Control, Note

__all__ = [
    "ChoiceControl",
    "DateControl",
    "FlagControl",
    "ListControl",
    "NumberControl",
    "PicksControl",
    "SliderControl",
    "TextControl",
    "span_of",
]

_WIDE = "stretch_width"
_STEPS = 100
_ENDLESS = 1e300  # no slider goes there; nor to NaN
_FAR = 20  # an upper bound so many times the first value away is no end for a slider


class _Entry(Control):
    """A line that can be typed into."""

    def _build(self) -> Any:
        self._entry = pmui.TextInput(
            label=self.label, helper_text=self.about, size="small", sizing_mode=_WIDE, margin=(8, 10)
        )
        self._entry.param.watch(self._take, "value")
        return self._entry

    def _show(self, value: Any) -> None:
        self._entry.value = self._written(value)

    def _read(self) -> Any:
        return self._parsed(self._entry.value)

    def _written(self, value: Any) -> str:
        return str(value)

    def _parsed(self, text: str) -> Any:
        return text

    def _refuse(self, sentence: str, where: str) -> None:
        self._entry.param.update(error_state=bool(sentence), helper_text=sentence or self.about)


class TextControl(_Entry):
    """A line of text."""


class NumberControl(_Entry):
    """A number that is typed."""

    rule: Number

    def _written(self, value: Any) -> str:
        return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)

    def _parsed(self, text: str) -> Any:
        return _number(text, whole=self.rule.whole)


class SliderControl(NumberControl):
    """A number between bounds: a slider, and an entry for the exact value."""

    def _build(self) -> Any:
        entry = super()._build()
        entry.helper_text = ""
        self._note = Note(self.about)
        low, high, step = span_of(self.rule, self.value) or (0, 1, 1)
        kind = pmui.IntSlider if self.rule.whole else pmui.FloatSlider
        cast = int if self.rule.whole else float
        self._slider = kind(
            label=self.label, start=cast(low), end=cast(high), step=cast(step), show_value=False, size="small",
            sizing_mode=_WIDE, margin=(0, 12, 4, 12), sx={"& .MuiFormLabel-root": {"display": "none"}},
        )  # fmt: skip
        self._slider._debounce = 1  # ms; a run under way gathers further changes by itself
        self._slider.param.watch(self._slid, "value")
        return pn.Column(entry, self._slider, self._note, margin=0, sizing_mode=_WIDE)

    def _show(self, value: Any) -> None:
        super()._show(value)
        self._follow(value)

    def _read(self) -> Any:
        value = super()._read()
        self._follow(value)
        return value

    def _refuse(self, sentence: str, where: str) -> None:
        self._entry.param.update(error_state=bool(sentence), helper_text=sentence)

    def _follow(self, value: Any) -> None:
        """Move the slider to a typed value; a value beyond a soft end stretches it."""
        if not isinstance(value, int | float) or not abs(value) < _ENDLESS or (self.rule.whole and value != int(value)):
            return
        if value > self._slider.end and (self.rule.high is None or value <= self.rule.high):
            self._slider.end = value
        self._slider.value = min(max(value, self._slider.start), self._slider.end)

    def _slid(self, *_: Any) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            value = self._slider.value if self.rule.whole else float(f"{self._slider.value:.12g}")
            text = self._written(value)
            self._entry.param.update(value=text, value_input=text)  # one message to the page instead of two
            self.value = value
        finally:
            self._busy = False


class ChoiceControl(Control):
    """One of a few values, chosen from a list."""

    rule: Choice

    def _build(self) -> Any:
        options = {str(v): v for v in self.rule.values}
        self._note = Note(self.about)
        self._select = pmui.Select(
            label=self.label, options=options, size="small", sizing_mode=_WIDE, margin=(8, 10, 0, 10)
        )
        self._select.param.watch(self._take, "value")
        return pn.Column(self._select, self._note, margin=0, sizing_mode=_WIDE)

    def _show(self, value: Any) -> None:
        if value in self.rule.values:
            self._select.value = value

    def _read(self) -> Any:
        return self._select.value

    def _refuse(self, sentence: str, where: str) -> None:
        self._note.say(sentence)


class FlagControl(Control):
    """Yes or no."""

    def _build(self) -> Any:
        self._note = Note(self.about)
        self._box = pmui.Checkbox(label=self.label, size="small", margin=(4, 6, 0, 6))
        self._box.param.watch(self._take, "value")
        return pn.Column(self._box, self._note, margin=0, sizing_mode=_WIDE)

    def _show(self, value: Any) -> None:
        self._box.value = bool(value)

    def _read(self) -> Any:
        return self._box.value

    def _refuse(self, sentence: str, where: str) -> None:
        self._note.say(sentence)


class DateControl(_Entry):
    """A calendar day, typed as 2024-12-31."""

    def _parsed(self, text: str) -> Any:
        try:
            return datetime.date.fromisoformat(text.strip())
        except ValueError:
            return text


class ListControl(_Entry):
    """A list, typed with commas between its items."""

    rule: Many

    def _written(self, value: Any) -> str:
        return ", ".join(v if isinstance(v, str) else json.dumps(v) for v in value) if value is not None else ""

    def _parsed(self, text: str) -> Any:
        if not text.strip():
            return ()
        try:
            return tuple(_tupled(v) for v in json.loads(f"[{text}]"))
        except (ValueError, RecursionError):
            whole = isinstance(self.rule.item, Number) and self.rule.item.whole
            numbers = isinstance(self.rule.item, Number)
            return tuple(_number(t, whole=whole) if numbers else t.strip() for t in text.split(","))


class PicksControl(Control):
    """Several of a few values."""

    rule: Many

    def _build(self) -> Any:
        self._note = Note(self.about)
        item = self.rule.item
        values = item.values if isinstance(item, Choice) else ()
        self._boxes = pmui.CheckBoxGroup(
            label=self.label, options={str(v): v for v in values}, inline=True, size="small"
        )
        self._boxes.param.watch(self._take, "value")
        return pn.Column(self._boxes, self._note, margin=0, sizing_mode=_WIDE)

    def _show(self, value: Any) -> None:
        self._boxes.value = list(value)

    def _read(self) -> Any:
        return tuple(self._boxes.value)

    def _refuse(self, sentence: str, where: str) -> None:
        self._note.say(sentence)


def span_of(rule: Rule, value: Any) -> tuple[float, float, float] | None:
    """Return start, end and step of a number's slider, or None where a slider makes no sense.

    A number bounded on both sides has them from its bounds; one without an upper bound, or with a far one, gets a
    soft end at four times its first value, which typing goes beyond.

    Parameters
    ----------
    rule
        What the setting may be.
    value
        What it holds first.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(rule, Number) or rule.low is None or not number:
        return None
    above = value - rule.low
    soft = rule.high is None or (above > 0 and rule.high - rule.low > _FAR * above)
    if soft and above <= 0:
        return None
    high = rule.low + 4 * above if soft or rule.high is None else rule.high
    step = 1 if rule.whole else _nice((high - rule.low) / _STEPS)
    first = rule.low + step if rule.low_open else rule.low
    last = high - step if rule.high_open and not soft else high
    if soft:
        last = first + step * math.ceil((last - first) / step - 1e-9)
    return (first, last, step) if last > first else None


def _nice(step: float) -> float:
    """Round down to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return float(f"{next(m for m in (5, 2, 1) if m * power <= step * (1 + 1e-9)) * power:.12g}")


def _number(text: str, *, whole: bool) -> Any:
    """Read a number; what is none stays a text, for the operation to refuse in its own words."""
    text = text.strip()
    try:
        return int(text)
    except ValueError:
        try:
            value = float(text)
        except ValueError:
            return text
    return int(value) if whole and value.is_integer() else value


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
