"""Settings become controls: one closed table from the rule of a setting to what stands on screen.

Bounds, choices and defaults come from the operation, help from its docstring. A control never repairs what was
typed: it hands it on, the operation refuses it, and its sentence stands beside the control.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import panel as pn
import param
from pydantic_core import to_json

from prism_kernels import InvalidInput, Operation
from prism_kernels.rules import Choice, Date, Either, Fixed, Flag, Group, Many, Number, Rule, Text
from prism_widgets.control import Control, initial_of
from prism_widgets.controls_nested import EitherControl, FixedControl, GroupControl, TableControl
from prism_widgets.controls_plain import (
    ChoiceControl,
    DateControl,
    FlagControl,
    ListControl,
    NumberControl,
    PicksControl,
    SliderControl,
    TextControl,
    span_of,
)
from prism_widgets.folds import Folds

__all__ = ["SettingsForm", "control_for", "title_of"]

_MORE = "More settings"
_FEW = 6  # settings that are all shown at once
_Maker = Callable[..., Control]


def title_of(name: str) -> str:
    """Return the words for a name: ``season_length`` is "Season length", ``h`` stays as it is."""
    words = name.strip("_").replace("_", " ")
    return words if len(words) <= 2 else words[0].upper() + words[1:]


def control_for(rule: Rule, *, label: str, value: Any, about: str = "") -> Control:
    """Return the control of a rule.

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

    Raises
    ------
    TypeError
        For a rule outside the table.
    """
    return _maker(rule, value)(rule, label=label, value=value, about=about)


def _maker(rule: Rule, value: Any) -> _Maker:
    match rule:
        case Number():
            return SliderControl if span_of(rule, value) else NumberControl
        case Many(item=Group()):
            return _nested(TableControl)
        case Many(item=Choice()):
            return PicksControl
        case Group() | Fixed() | Either():
            return _nested({Group: GroupControl, Fixed: FixedControl, Either: EitherControl}[type(rule)])
    found = _PLAIN.get(type(rule))
    if found is None:
        msg = f"no control is known for {rule!r}; see prism_kernels.rules for what there is"
        raise TypeError(msg)
    return found


def _nested(kind: _Maker) -> _Maker:
    def make(rule: Rule, **options: Any) -> Control:
        return kind(rule, make=control_for, title=title_of, **options)

    return make


_PLAIN: dict[type, _Maker] = {
    Choice: ChoiceControl,
    Flag: FlagControl,
    Text: TextControl,
    Date: DateControl,
    Many: ListControl,
}


class _Controls(Mapping[str, Control]):
    """Controls by the name of their setting; each is made when it is first asked for, since most stay folded away."""

    def __init__(self, make: Callable[[str], Control], names: Iterable[str]) -> None:
        self._make, self._names = make, tuple(names)
        self.made: dict[str, Control] = {}

    def __getitem__(self, name: str) -> Control:
        if name not in self.made:
            if name not in self._names:
                raise KeyError(name)
            self.made[name] = self._make(name)
        return self.made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class SettingsForm(pn.viewable.Viewer):
    """The controls of all the settings of an operation.

    Parameters
    ----------
    operation
        Whose settings.
    first
        What settings hold first, where it is not their default: an example's, or a caller's.
    hidden
        Settings that get no control and keep what they hold.

    Attributes
    ----------
    sight, folds
        The controls that are shown at once, and those that are folded away.
    """

    changed = param.Integer(default=0, doc="Counts the changes.")

    def __init__(
        self, operation: Operation, first: Mapping[str, Any] | None = None, hidden: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self.operation = operation
        first = dict(first or {})
        needed = {n: initial_of(rule) for n, rule in operation.rules.items() if n not in operation.defaults}
        operation.validate({**needed, **first})
        self.hidden = {n: first[n] for n in hidden if n in first}
        self._first = {
            name: first[name] if name in first else operation.defaults.get(name, needed.get(name))
            for name in operation.rules
            if name not in hidden
        }
        for name, value in self._first.items():
            _maker(operation.rules[name], value)  # raises for a rule outside the table
        self.controls = _Controls(self._made, self._first)
        self._main = [n for n in self.controls if n in first or n not in operation.defaults]
        self._away: tuple[str, ...] = ()
        self._arrange()

    def _made(self, name: str) -> Control:
        about = self.operation.documentation.get(name, "")
        rule, value = self.operation.rules[name], self._first[name]
        control = control_for(rule, label=title_of(name), value=value, about=about)
        control.param.watch(self._note, "value")
        return control

    def _arrange(self) -> None:
        """Put the first settings into sight and fold the others away."""
        names = list(self.controls)
        main = names if len(names) <= _FEW else self._main or names[:_FEW]
        main = [n for n in main if n not in self._away]
        self._rest = [n for n in names if n not in main]
        self.sight = pn.Column(*(self.controls[n] for n in main), margin=0, sizing_mode="stretch_width")
        self.folds = Folds({_MORE: lambda: [self.controls[n] for n in self._rest]} if self._rest else {})

    def fold(self, *names: str) -> None:
        """Fold settings away that would be shown at once, before the form is on screen.

        Parameters
        ----------
        *names
            Their names.
        """
        self._away = names
        self._arrange()

    def _note(self, *_: Any) -> None:
        self.changed += 1

    def values(self) -> dict[str, Any]:
        """Return what every control holds, right or wrong."""
        return {**self.hidden, **self._first, **{n: c.value for n, c in self.controls.made.items()}}

    def given(self) -> dict[str, Any]:
        """Return the settings that differ from their default."""
        defaults = self.operation.defaults
        return {n: v for n, v in self.values().items() if n not in defaults or not _same(v, defaults[n])}

    def said(self) -> dict[str, Any]:
        """Return the settings that differ from their default, and those that began with a value of their own."""
        names = {*self.given(), *self._main}
        return {n: v for n, v in self.values().items() if n in names}

    def check(self) -> bool:
        """Put the operation's sentence beside the setting it refuses, and say whether there is none."""
        self.clear()
        try:
            self.operation.validate(self.given())
        except InvalidInput as error:
            self.refuse(error)
            return False
        return True

    def refuse(self, error: InvalidInput) -> bool:
        """Show an error beside the control it is about, and say whether there is one.

        Parameters
        ----------
        error
            What the operation raised.
        """
        if error.field not in self.controls:
            return False
        self.controls[error.field].refuse(str(error), error.where)
        if error.field in self._rest:
            self.folds.open(_MORE)
        return True

    def clear(self) -> None:
        """Take all sentences away."""
        for control in self.controls.made.values():
            control.refuse("")

    def set(self, **settings: Any) -> None:
        """Put values into controls.

        Parameters
        ----------
        **settings
            Values by the name of their setting.
        """
        needed = {n: v for n, v in self.values().items() if n not in self.operation.defaults}
        checked = self.operation.validate({**needed, **settings})
        for name in settings:
            self.controls[name].value = checked[name]

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(self.sight, self.folds, margin=0, sizing_mode="stretch_width")


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does, where a list is a tuple; but 1 and True are not the same."""
    return bool(to_json(one, fallback=repr) == to_json(other, fallback=repr))
