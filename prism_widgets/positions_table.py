"""A small table of weights or holdings: a line an asset, with its name and its number.

What is typed is handed on as it is, and the input type says what is wrong with it. Many assets become lines of text,
``AAPL=0.6`` each, which a spreadsheet's two columns can be pasted into.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from prism_kernels.inputs.positions import Positions

__all__ = ["PositionsTable"]

_WIDE = "stretch_width"
_MOST = 40  # lines that are drawn as entries
_SCROLLED = {"max-height": "420px", "overflow-y": "auto"}
_SPARE = 2  # lines of an empty table
_HELD = {"size": "small", "sizing_mode": _WIDE, "margin": (8, 4, 4, 4)}


class PositionsTable(pn.viewable.Viewer):
    """A line an asset, to be typed into.

    Parameters
    ----------
    kind
        What the numbers are.
    field
        What the argument is called.
    """

    text = param.String(default="", doc="What the table holds, as ``AAPL=0.6, MSFT=0.4``, right or wrong.")

    def __init__(self, kind: type[Positions], field: str) -> None:
        super().__init__()
        self._noun, self._field, self._busy = kind.noun, field, False
        self.shares_capital = kind.noun.startswith("weight")
        self._lines: list[tuple[Any, Any]] = []
        self._area = pmui.TextAreaInput(label=f"{field}: a line an asset, NAME={kind.noun}", rows=12, **_HELD)
        self._area.param.watch(self._take, "value")
        self._body = pn.Column(margin=(0, 6), sizing_mode=_WIDE, styles=_SCROLLED)
        self._total = pn.pane.HTML("", margin=(0, 12), sizing_mode=_WIDE)
        add = pmui.Button(label="Add asset", variant="outlined", size="small", on_click=self._added)
        equal = pmui.Button(label="Equal weights", variant="outlined", size="small", on_click=self._evened)
        buttons = pn.Row(add, *([equal] if self.shares_capital else []), margin=(0, 6))
        self._layout = pn.Column(self._body, self._total, buttons, margin=0, sizing_mode=_WIDE)
        self.fill({})

    def fill(self, numbers: Mapping[str, Any]) -> None:
        """Put assets and their numbers into the table.

        Parameters
        ----------
        numbers
            Number of each asset.
        """
        self._put([(name, _written(number)) for name, number in numbers.items()])

    def write(self, text: str) -> None:
        """Put a text such as ``AAPL=0.6, MSFT=0.4`` into the table, right or wrong.

        Parameters
        ----------
        text
            Names and numbers.
        """
        parts = [part.rpartition("=") for part in text.replace(";", ",").split(",") if part.strip()]
        self._put([(name.strip(), number.strip()) for name, _, number in parts])

    def _put(self, pairs: list[tuple[str, str]]) -> None:
        self._busy = True
        try:
            if len(pairs) > _MOST:
                self._lines, self._body.objects = [], [self._area]
                self._area.value = "\n".join(f"{name}={number}" for name, number in pairs)
            else:
                held = pairs or [("", "")] * _SPARE
                self._lines = [self._line(k, *one) for k, one in enumerate(held, start=1)]
                self._lay()
        finally:
            self._busy = False
        self._take()

    def _line(self, place: int, name: str = "", number: str = "") -> tuple[Any, Any]:
        """Make the two entries of a line; their labels are read aloud, so each has one of its own."""
        entries = (
            pmui.TextInput(label=f"Asset {place}", value=name, **_HELD),
            pmui.TextInput(label=f"{self._noun.capitalize()} {place}", value=number, **_HELD),
        )
        for entry in entries:
            entry.param.watch(self._take, "value")
        return entries

    def _lay(self) -> None:
        self._body.objects = [pn.Row(*line, margin=0, sizing_mode=_WIDE) for line in self._lines]

    def _held(self) -> list[tuple[str, str]]:
        """Return what the lines hold; a line with nothing in it is none."""
        if self._area in self._body.objects:
            lines = [str(line).replace("\t", "=").rpartition("=") for line in (self._area.value or "").splitlines()]
            pairs = [(name.strip(), number.strip()) for name, _, number in lines]
        else:
            pairs = [((n.value or "").strip(), (v.value or "").strip()) for n, v in self._lines]
        return [pair for pair in pairs if any(pair)]

    def _take(self, *_: Any) -> None:
        if self._busy:
            return
        held = self._held()
        self.text = ", ".join(f"{name}={number}" for name, number in held)
        self._total.object = self._said([_number(v) for _, v in held])

    def _said(self, numbers: list[float]) -> str:
        total = math.fsum(numbers)
        text = f"Together {total:.6g}" if self.shares_capital and math.isfinite(total) else ""
        return f'<div role="status" style="font-size:12px">{html.escape(text)}</div>'

    def _added(self, *_: Any) -> None:
        if self._area in self._body.objects:
            self._area.value = f"{(self._area.value or '').rstrip()}\n"
        else:
            self._lines = [*self._lines, self._line(len(self._lines) + 1)]
            self._lay()

    def _evened(self, *_: Any) -> None:
        names = [name for name, _ in self._held() if name]
        self.fill({name: 1.0 / len(names) for name in names})

    def __panel__(self) -> Any:
        return self._layout


def _written(number: Any) -> str:
    value = float(number)
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
