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
from typing import Any

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

_SAMPLE, _FILE, _VARIABLE, _GIVEN, _NONE = "Sample", "File", "Notebook variable", "As given", "None"
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
            found = (
                self.kind.resolve(self.value, field=self.field)
                if isinstance(self.value, str)
                else self.kind.of(self.value, field=self.field)
            )
            if self.source is not None and dataclasses.is_dataclass(found):
                found = dataclasses.replace(found, source=self.source)  # type: ignore[assignment]
            self._read = found
        return self._read


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
        samples = {s.title: n for n, s in data.kind.samples().items()}
        named = isinstance(first, str) and first in samples.values()
        self._note = Note(about)
        label = data.name if data.required else f"{data.name} (optional)"
        self._way = pmui.Select(
            label=f"{label}: from", options=self._ways(bool(samples), first is not None and not named),
            size="small", sizing_mode=_WIDE, margin=(8, 10, 4, 10),
        )  # fmt: skip
        self._sample = pmui.Select(
            label=f"{data.name}: sample", options=samples, size="small", sizing_mode=_WIDE, margin=(4, 10)
        )
        if named:
            self._sample.value = first
        self._upload = Upload(label=f"{data.name}: CSV, Parquet or NPY file", sizing_mode=_WIDE, margin=(4, 10))
        self._variable = pmui.Select(
            label=f"{data.name}: variable", options=[], size="small", sizing_mode=_WIDE, margin=(4, 10)
        )
        self._again = pmui.Button(label="List variables again", variant="text", size="small", on_click=self._listed)
        self._slot = pmui.Column(margin=0, sizing_mode=_WIDE)
        self._layout = pmui.Column(self._way, self._slot, self._note, margin=0, sizing_mode=_WIDE)
        for widget, name in (
            (self._way, "value"),
            (self._sample, "value"),
            (self._variable, "value"),
            (self._upload, "path"),
        ):
            widget.param.watch(self._picked, name)
        self._way.value = self._start(named)
        self._picked()

    def _ways(self, samples: bool, given: bool) -> list[str]:
        ways = [_GIVEN] if given else []
        ways += [_SAMPLE] if samples else []
        ways += [_FILE]
        ways += [_VARIABLE] if runtime.where() == "lab" else []
        return ways if self.data.required else [*ways, _NONE]

    def _start(self, named: bool) -> str:
        if self._first is not None and not named:
            return _GIVEN
        return self._way.options[0] if self.data.required or named else _NONE

    def _picked(self, *_: Any) -> None:
        way = self._way.value
        parts = {_SAMPLE: [self._sample], _FILE: [self._upload], _VARIABLE: [self._variable, self._again]}
        if way == _VARIABLE and not self._variable.options:
            self._listed()
        if self._slot.objects != parts.get(way, []):
            self._slot.objects = parts.get(way, [])
        self._note.say("")
        self.value = self._found(way)

    def _found(self, way: str) -> Given | None:
        kind, name = self.data.kind, self.data.name
        if way == _SAMPLE and self._sample.value:
            return Given(kind, name, self._sample.value)
        if way == _GIVEN:
            return Given(kind, name, self._first)
        if way == _FILE and self._upload.path is not None:
            return Given(kind, name, self._upload.path, source=f"Path({self._upload.path.name!r})")
        if way == _VARIABLE and self._variable.value:
            chosen = _variables().get(self._variable.value)
            return None if chosen is None else Given(kind, name, chosen, source=self._variable.value)
        return None

    def _listed(self, *_: Any) -> None:
        self._variable.options = sorted(_variables())

    def refuse(self, sentence: str) -> None:
        """Show a sentence beside the picker; an empty one takes it away.

        Parameters
        ----------
        sentence
            What the input type said of the data.
        """
        self._note.say(sentence)

    def upload(self, path: Path) -> None:
        """Pick a file, as an upload does.

        Parameters
        ----------
        path
            Where it lies.
        """
        self._way.value = _FILE
        self._upload.path = path

    def __panel__(self) -> Any:
        return self._layout


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


def read(picked: Mapping[str, Given | None]) -> dict[str, Input]:
    """Read what was picked, by parameter.

    Parameters
    ----------
    picked
        What the pickers hold.

    Raises
    ------
    InvalidInput
        For the first data that cannot be read.
    """
    return {name: given.read() for name, given in picked.items() if given is not None}
