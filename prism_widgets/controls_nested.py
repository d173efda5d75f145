"""Controls made of other controls: an alternative, a row, a group, a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from prism_kernels.rules import Choice, Either, Fixed, Group, Many, Nothing, Rule
from prism_widgets.control import Control, Note, fits, initial_of

__all__ = ["EitherControl", "FixedControl", "GroupControl", "TableControl"]

_WIDE = "stretch_width"


class _Nested(Control):
    """A control whose parts are controls.

    Parameters
    ----------
    make
        Makes the control of a part's rule.
    title
        Makes words of a part's name.
    """

    def __init__(
        self, rule: Rule, *, make: Callable[..., Control], title: Callable[[str], str], **options: Any
    ) -> None:
        self._make, self._title = make, title
        super().__init__(rule, **options)

    def _part(self, rule: Rule, *, label: str, value: Any, about: str = "") -> Control:
        part = self._make(rule, label=label, value=value, about=about)
        part.param.watch(self._take, "value")
        return part

    def _refuse(self, sentence: str, where: str) -> None:
        self._note.say(sentence)


class EitherControl(_Nested):
    """One of several kinds of value: a box to switch a value on, or a list of kinds with what the chosen one needs."""

    rule: Either

    def _build(self) -> Any:
        self._note = Note("")
        self._rest = [o for o in self.rule.options if not isinstance(o, Nothing)]
        self._inner: dict[int, Control] = {}
        self._slot = pn.Column(margin=0, sizing_mode=_WIDE)
        self._open_place: int | None = None
        self._optional = len(self._rest) == 1 and len(self.rule.options) > 1
        if self._optional:
            self._switch: Any = pmui.Checkbox(label=f"Set {_lower(self.label)}", size="small", margin=(4, 6, 0, 6))
        else:
            self._switch = pmui.Select(
                label=self.label, options=self._kinds(), size="small", sizing_mode=_WIDE, margin=(8, 10, 0, 10)
            )
        self._help = Note(self.about)
        self._switch.param.watch(self._switched, "value")
        return pn.Column(self._switch, self._slot, self._help, self._note, margin=0, sizing_mode=_WIDE)

    def _kinds(self) -> dict[str, tuple[int, Any]]:
        """List the choices by value, the other options by what they are; each with its place among the options."""
        kinds: dict[str, tuple[int, Any]] = {}
        for place, option in enumerate(self.rule.options):
            if isinstance(option, Choice):
                kinds.update({str(v): (place, v) for v in option.values})
            else:
                kinds["none" if isinstance(option, Nothing) else option.words()] = (place, None)
        return kinds

    def _place(self, value: Any) -> int:
        return next((k for k, o in enumerate(self.rule.options) if fits(o, value)), 0)

    def _show(self, value: Any) -> None:
        place = self._place(value)
        option = self.rule.options[place]
        if self._optional:
            self._switch.value = not isinstance(option, Nothing)
        else:
            self._switch.value = (place, value if isinstance(option, Choice) else None)
        self._open(place, value)

    def _open(self, place: int, value: Any) -> None:
        """Put the control of the chosen option below the switch, holding a value where one is given."""
        option = self.rule.options[place]
        if isinstance(option, Nothing) or (isinstance(option, Choice) and not self._optional):
            if self._open_place is not None:
                self._slot.objects, self._open_place = [], None
            return
        if place not in self._inner:
            first = value if fits(option, value) else initial_of(option)
            label = self.label if self._optional else f"{self.label}: value"
            self._inner[place] = self._part(option, label=label, value=first)
        elif fits(option, value):
            self._inner[place].value = value
        if self._open_place != place:
            self._slot.objects, self._open_place = [self._inner[place]], place

    def _chosen(self) -> int:
        if self._optional:
            kind = self._rest[0] if self._switch.value else next(o for o in self.rule.options if isinstance(o, Nothing))
            return self.rule.options.index(kind)
        return int(self._switch.value[0])

    def _switched(self, *_: Any) -> None:
        if not self._busy:
            self._busy = True
            self._open(self._chosen(), None)
            self._busy = False
        self._take()

    def _read(self) -> Any:
        place = self._chosen()
        option = self.rule.options[place]
        if isinstance(option, Nothing):
            return None
        if isinstance(option, Choice) and not self._optional:
            return self._switch.value[1]
        return self._inner[place].value

    def _refuse(self, sentence: str, where: str) -> None:
        inner = self._inner.get(self._chosen())
        for other in self._inner.values():  # what was said of a kind that is folded away now
            other.refuse("")
        if inner is not None and self._slot.objects:
            inner.refuse(sentence, where)
            sentence = ""
        self._note.say(sentence)


class FixedControl(_Nested):
    """A tuple: its parts in a row."""

    rule: Fixed

    def _build(self) -> Any:
        self._note = Note(self.about)
        self._parts = [
            self._part(rule, label=f"{self.label} {k + 1}", value=value)
            for k, (rule, value) in enumerate(zip(self.rule.items, self.value, strict=True))
        ]
        row = pn.Row(*self._parts, margin=0, sizing_mode=_WIDE)
        return pn.Column(row, self._note, margin=0, sizing_mode=_WIDE)

    def _show(self, value: Any) -> None:
        for part, one in zip(self._parts, value, strict=True):
            part.value = one

    def _read(self) -> Any:
        return tuple(part.value for part in self._parts)


class GroupControl(_Nested):
    """A frozen dataclass: its fields under one heading."""

    rule: Group

    def _build(self) -> Any:
        from prism_kernels import docstring

        said = {**docstring.entries(self.rule.kind), **docstring.entries(self.rule.kind, "Attributes")}
        self._note = Note(self.about)
        value = _fields(self.rule, self.value)
        self._parts = {
            name: self._part(rule, label=self._title(name), value=value[name], about=said.get(name, ""))
            for name, rule in self.rule.rules.items()
        }
        head = pmui.Typography(self.label, variant="subtitle2", margin=(8, 10, 0, 10))
        return pmui.Paper(head, self._note, *self._parts.values(), elevation=0, margin=(8, 4), sizing_mode=_WIDE,
                          sx={"border": "1px solid", "borderColor": "divider"})  # fmt: skip

    def _show(self, value: Any) -> None:
        for name, one in _fields(self.rule, value).items():
            self._parts[name].value = one

    def _read(self) -> Any:
        return {name: part.value for name, part in self._parts.items()}

    def _refuse(self, sentence: str, where: str) -> None:
        for name, part in self._parts.items():
            part.refuse(sentence if name == where else "")
        self._note.say("" if where in self._parts else sentence)


class TableControl(_Nested):
    """A list of dataclasses: a row each, with buttons to add one and to take one away."""

    rule: Many

    def _build(self) -> Any:
        self._note = Note(self.about)
        self._rows: list[Control] = []
        self._body = pn.Column(margin=0, sizing_mode=_WIDE)
        self._add = pmui.Button(label=f"Add to {self.label}", variant="outlined", size="small", on_click=self._added)
        head = pmui.Typography(self.label, variant="subtitle2", margin=(8, 10, 0, 10))
        return pn.Column(head, self._note, self._body, self._add, margin=0, sizing_mode=_WIDE)

    def _show(self, value: Any) -> None:
        self._rows = [self._part(self.rule.item, label=f"{self.label} {k + 1}", value=v) for k, v in enumerate(value)]
        self._lay()

    def _lay(self) -> None:
        self._body.objects = [self._line(k, row) for k, row in enumerate(self._rows)]

    def _line(self, place: int, row: Control) -> Any:
        button = pmui.Button(label=f"Remove {self.label} {place + 1}", variant="text", size="small")
        button.on_click(lambda _: self._removed(row))
        return pn.Column(row, button, margin=0, sizing_mode=_WIDE)

    def _added(self, _: Any) -> None:
        self.value = (*self.value, initial_of(self.rule.item))

    def _removed(self, row: Control) -> None:
        self.value = tuple(v for v, r in zip(self._read(), self._rows, strict=True) if r is not row)

    def _read(self) -> Any:
        return tuple(row.value for row in self._rows)


def _lower(label: str) -> str:
    return label[0].lower() + label[1:] if label[1:].islower() else label


def _fields(rule: Group, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {**rule.defaults, **value}
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
