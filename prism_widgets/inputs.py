"""Where data comes from: a named sample, an uploaded file, or a variable of the notebook.

A picker hands on what was picked and reads nothing itself; the job reads it off the event loop, and what the input
type says of a bad file stands beside the picker. A published page offers samples and uploads only, so that nobody
reads the server's files.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import panel as pn
import panel_material_ui as pmui
import param

from prism_kernels import Input
from prism_kernels.arrays import is_array
from prism_kernels.inputs import tables
from prism_kernels.operation import Data
from prism_widgets import runtime
from prism_widgets.control import Note
from prism_widgets.upload import Upload

__all__ = ["Given", "InputPicker"]

_SAMPLE, _FILE, _VARIABLE, _GIVEN, _NONE = "sample", "file", "variable", "given", "none"
_WIDE = "stretch_width"


class Given:
    """Data that was picked: read once, when first needed, and off the event loop.

    Parameters
    ----------
    kind
        The input type that reads it.
    field
        What the argument is called, for messages.
    value
        What is read.
    source
        Python that gets the same data again, where the value itself does not tell.
    """

    def __init__(self, kind: type[Input], field: str, value: Any, source: str | None = None) -> None:
        self.kind, self.field, self.value, self.source = kind, field, value, source
        self._read: Input | None = None

    def read(self) -> Input:
        """Return the data as the operation takes it."""
        if self._read is None:
            named = isinstance(self.value, str)
            found: Any = (self.kind.resolve if named else self.kind.of)(self.value, field=self.field)
            given = self.source is not None and dataclasses.is_dataclass(found)
            self._read = dataclasses.replace(found, source=self.source) if given else found
        return cast("Input", self._read)


class InputPicker(pn.viewable.Viewer):
    """Picks the data of one parameter.

    Parameters
    ----------
    data
        The parameter.
    about
        Help, from the docstring.
    first
        What is picked first: the name of a sample, or any data the input type reads.
    """

    value = param.ClassSelector(default=None, class_=Given, allow_None=True, doc="What was picked; None for nothing.")

    def __init__(self, data: Data, *, about: str = "", first: Any = None) -> None:
        super().__init__()
        self.data, self._first = data, first
        samples = data.kind.samples()
        self._named = isinstance(first, str) and first in samples
        label = data.name if data.required else f"{data.name} (optional)"
        self._note = Note(about)
        self._way = _select(label, self._ways())
        self._upload = Upload(label=f"{data.name}: CSV, Parquet or NPY file", sizing_mode=_WIDE, margin=(4, 10))
        self._variable = _select(f"{data.name}: variable", {})
        self._again = pmui.Button(label="List variables again", variant="text", size="small", on_click=self._listed)
        self._slot = pn.Column(margin=0, sizing_mode=_WIDE)
        self._layout = pn.Column(self._way, self._slot, self._note, margin=0, sizing_mode=_WIDE)
        self._way.value = self._start()
        for widget, name in ((self._way, "value"), (self._variable, "value"), (self._upload, "path")):
            widget.param.watch(self._picked, name)
        self._picked()

    def _ways(self) -> dict[str, tuple[str, str]]:
        """List where the data may come from, by what the list says."""
        ways: dict[str, tuple[str, str]] = {}
        if self._first is not None and not self._named:
            ways["As given"] = (_GIVEN, "")
        if not self.data.required:
            ways["None"] = (_NONE, "")
        ways.update({f"{n}: {s.title}": (_SAMPLE, n) for n, s in self.data.kind.samples().items()})
        ways["A file …"] = (_FILE, "")
        if runtime.where() == "lab":
            ways["A variable of this notebook …"] = (_VARIABLE, "")
        return ways

    def _start(self) -> tuple[str, str]:
        if self._named:
            return _SAMPLE, self._first
        ways: list[tuple[str, str]] = list(self._way.options.values())
        return ways[0]

    def _picked(self, *_: Any) -> None:
        way = self._way.value[0]
        parts = {_FILE: [self._upload], _VARIABLE: [self._variable, self._again]}.get(way, [])
        if way == _VARIABLE and not self._variable.options:
            self._listed()
        if self._slot.objects != parts:
            self._slot.objects = parts
        self._note.say("")
        self.value = self._found(*self._way.value)

    def _found(self, way: str, name: str) -> Given | None:
        kind, field = self.data.kind, self.data.name
        if way == _SAMPLE:
            return Given(kind, field, name)
        if way == _GIVEN:
            return Given(kind, field, self._first)
        if way == _FILE and self._upload.path is not None:
            return Given(kind, field, self._upload.path, source=f"Path({self._upload.path.name!r})")
        chosen = _variables().get(self._variable.value) if way == _VARIABLE else None
        return None if chosen is None else Given(kind, field, chosen, source=self._variable.value)

    def _listed(self, *_: Any) -> None:
        names = sorted(_variables())
        chosen = self._variable.value if self._variable.value in names else next(iter(names), None)
        self._variable.param.update(options={n: n for n in names}, value=chosen)

    @property
    def missing(self) -> bool:
        """Whether data is needed and none was picked."""
        return self.value is None and self.data.required

    def refuse(self, sentence: str) -> None:
        """Show a sentence beside the picker; an empty one takes it away.

        Parameters
        ----------
        sentence
            What the input type said of the data.
        """
        self._note.say(sentence)

    def pick(self, given: str | Path) -> None:
        """Pick a sample by its name, or a file as an upload does.

        Parameters
        ----------
        given
            Name of a sample, or where a file lies.
        """
        if isinstance(given, Path):
            self._way.value = (_FILE, "")
            self._upload.path = given
        else:
            self._way.value = (_SAMPLE, given)

    def __panel__(self) -> Any:
        return self._layout


def _select(label: str, options: dict[str, Any]) -> Any:
    return pmui.Select(label=label, options=options, size="small", sizing_mode=_WIDE, margin=(8, 10, 4, 10))


def _variables() -> dict[str, Any]:
    """Return what the notebook holds that an input type may read: arrays, frames, and mappings of arrays."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    space: Mapping[str, Any] = shell.user_ns if shell is not None else {}
    hidden = getattr(shell, "user_ns_hidden", {})
    return {n: v for n, v in space.items() if not n.startswith("_") and n not in hidden and _readable(v)}


def _readable(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and all(is_array(v) for v in value.values())
    return (is_array(value) and value.ndim > 0) or tables.is_table(value) or isinstance(value, Input)
