"""Where data comes from: a named sample, a catalogued dataset, an uploaded file, or a variable of the notebook.

A picker hands on what was picked and reads nothing itself; the job reads it off the event loop, and what the input
type says of a bad file stands beside the picker. A published page offers samples, datasets and uploads only, so that
nobody reads the server's files.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import panel as pn
import panel_material_ui as pmui
import param

from prism_kernels import Input, PrismError
from prism_kernels.arrays import is_array, to_numpy
from prism_kernels.data import datasets
from prism_kernels.inputs import tables
from prism_kernels.inputs.assets import Assets
from prism_kernels.inputs.positions import Positions
from prism_kernels.operation import Data
from prism_widgets import runtime
from prism_widgets.control import Note
from prism_widgets.positions_table import PositionsTable
from prism_widgets.upload import Upload, arrival_of

__all__ = ["Given", "InputPicker", "is_written"]

_SAMPLE, _FILE, _VARIABLE, _GIVEN, _NONE, _TABLE = "sample", "file", "variable", "given", "none", "table"
_WIDE = "stretch_width"


class Given:
    """Data that was picked: read once, when first needed, and off the event loop.

    Parameters
    ----------
    data
        The parameter.
    value
        What is read.
    source
        Python that gets the same data again, where the value itself does not tell.
    """

    def __init__(self, data: Data, value: Any, source: str | None = None) -> None:
        self.data, self.value, self.source = data, value, source
        self._read: Input | None = None

    def read(self) -> Input:
        """Return the data as the operation takes it."""
        if self._read is None:
            named = isinstance(self.value, str) and not is_written(self.data.kind, self.value)
            found: Any = (self.data.resolve if named else self.data.of)(self.value)
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
        What is picked first: the name of a sample or dataset, or any data the input type reads.

    Attributes
    ----------
    beside
        The pickers of the other parameters, whose assets an empty table lists.
    """

    value = param.ClassSelector(default=None, class_=Given, allow_None=True, doc="What was picked; None for nothing.")

    def __init__(self, data: Data, *, about: str = "", first: Any = None) -> None:
        super().__init__()
        self.data, self._first = data, first
        self.beside: Mapping[str, InputPicker] = {}
        self._table = PositionsTable(data.kind, data.name) if issubclass(data.kind, Positions) else None
        self._named = isinstance(first, str) and (first in data.kind.samples() or first in datasets())
        label = data.name if data.required else f"{data.name} (optional)"
        self._note = Note(about)
        self._way = _select(label, self._ways())
        self._slot = pn.Column(margin=0, sizing_mode=_WIDE)
        self._layout = pn.Column(self._way, self._slot, self._note, margin=0, sizing_mode=_WIDE)
        self._way.value = self._start()
        self._way.param.watch(self._picked, "value")
        if self._table is not None:
            self._table.param.watch(self._picked, "text")
        self._picked()

    @functools.cached_property
    def _upload(self) -> Upload:
        """What takes a file; made when somebody wants to give one."""
        made = Upload(label=f"{self.data.name}: CSV, Parquet or NPY file", sizing_mode=_WIDE, margin=(4, 10))
        made.param.watch(self._picked, "path")
        made.param.watch(lambda event: self.refuse(event.new), "refusal")
        return made

    @functools.cached_property
    def _arrival(self) -> Any:
        return arrival_of(self._upload)

    @functools.cached_property
    def _variable(self) -> Any:
        """The list of the notebook's variables; made when somebody looks for one."""
        made = _select(f"{self.data.name}: variable", {})
        made.param.watch(self._picked, "value")
        return made

    @functools.cached_property
    def _again(self) -> Any:
        return pmui.Button(label="List variables again", variant="text", size="small", on_click=self._listed)

    def _ways(self) -> dict[str, tuple[str, str]]:
        """List where the data may come from, by what the list says."""
        ways: dict[str, tuple[str, str]] = {}
        if self._first is not None and not self._named and not is_written(self.data.kind, self._first):
            ways["As given"] = (_GIVEN, "")
        if not self.data.required:
            ways["None"] = (_NONE, "")
        ways.update({f"{n}: {s.title}": (_SAMPLE, n) for n, s in self.data.kind.samples().items()})
        catalogued = datasets().items()
        ways.update({f"{n}: {d.title or f'dataset of {d.rows} rows'}": (_SAMPLE, n) for n, d in catalogued})
        if self._table is not None:
            ways["A table …"] = (_TABLE, "")
        ways["A file …"] = (_FILE, "")
        if runtime.where() == "lab":
            ways["A variable of this notebook …"] = (_VARIABLE, "")
        return ways

    def _start(self) -> tuple[str, str]:
        if self._named:
            return _SAMPLE, self._first
        if self._table is not None and is_written(self.data.kind, self._first):
            self._table.write(self._first)
            return _TABLE, ""
        ways: list[tuple[str, str]] = list(self._way.options.values())
        return ways[0]

    def _picked(self, *_: Any) -> None:
        way = self._way.value[0]
        if way == _VARIABLE and not self._variable.options:
            self._listed()
        parts = self._parts(way)
        if self._slot.objects != parts:
            self._slot.objects = parts
            if way == _TABLE:
                self._filled(self.value)
        self._note.say("")
        self.value = self._found(*self._way.value)

    def _parts(self, way: str) -> list[Any]:
        """Return what stands below the list for a way the data may come."""
        if way == _FILE:
            return [self._upload, self._arrival]
        if way == _VARIABLE:
            return [self._variable, self._again]
        return [self._table] if way == _TABLE else []

    def _found(self, way: str, name: str) -> Given | None:
        if way == _SAMPLE:
            return Given(self.data, name)
        if way == _GIVEN:
            return Given(self.data, self._first)
        if way == _TABLE and self._table is not None:
            return Given(self.data, self._table.text) if self._table.text else None
        if way == _FILE and self._upload.path is not None:
            return Given(self.data, self._upload.path, source=f"Path({self._upload.path.name!r})")
        chosen = _variables().get(self._variable.value) if way == _VARIABLE else None
        return None if chosen is None else Given(self.data, chosen, source=self._variable.value)

    def _filled(self, before: Given | None) -> None:
        """Put into an empty table what was picked before it, or the assets of the other data; read off the loop."""
        table = self._table
        if table is None or table.text:
            return
        others = [picker.value for picker in self.beside.values()]

        async def later() -> None:
            numbers = await asyncio.to_thread(_numbers, table, before, others)
            runtime.on_screen(lambda: table.fill(numbers))

        if not runtime.spawn(later):
            table.fill(_numbers(table, before, others))

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
        """Pick a sample or dataset by its name, or a file as an upload does.

        Parameters
        ----------
        given
            Name of a sample or dataset, ``AAPL=0.6, MSFT=0.4`` for a table, or where a file lies.
        """
        if isinstance(given, Path):
            self._way.value = (_FILE, "")
            self._upload.path = given
        elif self._table is not None and is_written(self.data.kind, given):
            self._table.write(given)
            self._way.value = (_TABLE, "")
        else:
            self._way.options = self._ways()  # a dataset may have been added since
            self._way.value = (_SAMPLE, given)

    def __panel__(self) -> Any:
        return self._layout


def is_written(kind: type[Input], given: Any) -> bool:
    """Tell whether a text is the data itself, such as ``AAPL=0.6, MSFT=0.4``, and no name of it.

    Parameters
    ----------
    kind
        The input type.
    given
        The text.
    """
    return issubclass(kind, Positions) and isinstance(given, str) and "=" in given


def _pairs(found: Any) -> dict[str, float]:
    return dict(zip(found.assets, to_numpy(found.values).tolist(), strict=True))


def _numbers(table: PositionsTable, before: Given | None, beside: Sequence[Given | None]) -> dict[str, float]:
    """Return what a table begins with: numbers picked before, or the assets of other data, in equal parts."""
    for one in (before, *beside):
        try:
            found: Any = None if one is None else one.read()
        except (PrismError, OSError):  # what is wrong with it stands beside its own picker
            continue
        if isinstance(found, Positions) and one is before and found.named:
            return _pairs(found)
        if isinstance(found, Assets):
            return dict.fromkeys(found.assets, 1.0 / found.count if table.shares_capital else 0.0)
    return {}


def _select(label: str, options: dict[str, Any]) -> Any:
    return pmui.Select(label=label, options=options, size="small", sizing_mode=_WIDE, margin=(8, 10, 4, 10))


def _variables() -> dict[str, Any]:
    """Return what the notebook holds that an input type may read: arrays, frames, and mappings of arrays or numbers."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    space: Mapping[str, Any] = shell.user_ns if shell is not None else {}
    hidden = getattr(shell, "user_ns_hidden", {})
    return {n: v for n, v in space.items() if not n.startswith("_") and n not in hidden and _readable(v)}


def _readable(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and all(is_array(v) or isinstance(v, int | float) for v in value.values())
    return (is_array(value) and value.ndim > 0) or tables.is_table(value) or isinstance(value, Input)
