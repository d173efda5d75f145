"""What every view does: draw once, change in place, and say in words what is drawn."""

from __future__ import annotations

import html
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from prism_kernels.arrays import to_numpy
from prism_widgets import runtime
from prism_widgets.views.plot import darken

__all__ = ["BLUE", "GREEN", "GREY", "MAX_POINTS", "ORANGE", "PURPLE", "RED", "View", "finite", "thin", "words"]

MAX_POINTS = 4000
"""Most points that one line is drawn with."""

# Readable on white and on dark grey alike.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#3b82f6", "#e8890c", "#2fa36b", "#e5484d", "#9d6ff0", "#8a8f98"

_FADED, _CLEAR = {"opacity": "0.45", "filter": "grayscale(1)"}, {"opacity": "1", "filter": "none"}


class View(pn.viewable.Viewer):
    """Shows one result after another in the same picture.

    Subclasses implement ``_build``, which returns the figure with empty data sources, ``_draw``, which fills them,
    and ``_describe``. Where a result has several series, one at a time is drawn and a list chooses it.
    """

    height = 340

    def __init__(self) -> None:
        super().__init__()
        self.result: Any = None
        self.inputs: Mapping[str, Any] = {}
        self._figure: Any = None
        self._pane: Any = None
        self._frame = pn.Column(margin=0, sizing_mode="stretch_width")
        self._words = pn.pane.HTML("", margin=(4, 12), sizing_mode="stretch_width")
        self._series = pmui.Select(label="Series shown", options={"": 0}, size="small", visible=False, width=260)
        self._series.param.watch(lambda _: runtime.on_screen(self._again), "value")
        self._layout = pn.Column(self._series, margin=0, sizing_mode="stretch_width")

    @property
    def figure(self) -> Any:
        """The Bokeh figure, once a result was shown."""
        return self._figure

    def build(self, result: Any) -> None:
        """Make the picture for results of this kind; called once.

        Parameters
        ----------
        result
            The first of them.
        """
        self._figure = self._dressed(self._build(result))
        self._pane = pn.pane.Bokeh(self._figure, sizing_mode="stretch_width", margin=(4, 8))
        self._frame.objects = [self._pane]
        self._layout.objects = [self._series, self._frame, self._words]

    def _dressed(self, made: Any) -> Any:
        """Return a figure in the colours of the page it is for."""
        if runtime.where() == "server" and pn.config.theme == "dark":
            darken(made)
        return made

    def grey(self, stale: bool) -> None:
        """Fade the picture while it is not what was asked for any more.

        Parameters
        ----------
        stale
            Whether it is.
        """
        self._frame.styles = _FADED if stale else _CLEAR

    def update(self, result: Any, inputs: Mapping[str, Any] | None = None) -> None:
        """Show a result in the picture there is.

        Parameters
        ----------
        result
            What an operation returned.
        inputs
            The data it was computed from, by parameter, where that is known.
        """
        self.result = result.to_numpy() if hasattr(result, "to_numpy") else result
        self.inputs = inputs or {}
        if self._figure is None or not self._holds(self.result):
            self.build(self.result)
        names = [str(n) for n in self._names()]
        options = {f"{n} ({k + 1})" if names.count(n) > 1 else n: k for k, n in enumerate(names)} or {"": 0}
        if self._series.options != options:
            self._series.param.update(options=options, value=0, visible=len(names) > 1)
        self._again()

    def _again(self) -> None:
        if self.result is None or self._figure is None:
            return
        self._draw(self.result, self.place)
        text = self.summary(self.result, self.place)
        self._words.object = f'<p style="margin:0;font-size:14px">{html.escape(text)}</p>'

    @property
    def place(self) -> int:
        """Which series is shown."""
        return int(self._series.value or 0)

    def _names(self) -> Sequence[Any]:
        """Return the labels of the series to choose from."""
        found = getattr(self.result, "axes", {}).get("series")
        return () if found is None else found

    def _holds(self, result: Any) -> bool:
        """Tell whether the picture there is can show a result."""
        return True

    def _build(self, result: Any) -> Any:
        raise NotImplementedError

    def _draw(self, result: Any, place: int) -> None:
        raise NotImplementedError

    def summary(self, result: Any, place: int) -> str:
        """Say what is drawn, for those who do not see it.

        Parameters
        ----------
        result
            What is shown.
        place
            Which series of it.
        """
        return self._describe(result, place)

    def _describe(self, result: Any, place: int) -> str:
        raise NotImplementedError

    def details(self) -> str:
        """Return, as HTML, what belongs to the picture and is no part of it, such as tables; mostly nothing."""
        return ""

    def __panel__(self) -> Any:
        return self._layout


def thin(x: Any, *columns: Any, most: int = MAX_POINTS) -> list[np.ndarray[Any, Any]]:
    """Return x and columns with at most so many points, keeping the lowest and highest of each stretch.

    Parameters
    ----------
    x
        Where the points stand.
    *columns
        Numbers of the same length; the first decides which points stay.
    most
        How many points at most.
    """
    arrays = [np.asarray(x), *(to_numpy(c) for c in columns)]
    count = len(arrays[0])
    if count <= most:
        return arrays
    leading = np.asarray(arrays[1], dtype=float)
    edges = np.linspace(0, count, most // 2 + 1).astype(int)
    keep = set()
    for first, last in itertools.pairwise(edges):
        part = leading[first:last]
        there = np.flatnonzero(~np.isnan(part))
        keep |= {first + there[part[there].argmin()], first + there[part[there].argmax()]} if there.size else {first}
    rows = np.array(sorted(keep))
    return [a[rows] for a in arrays]


def finite(values: Any) -> np.ndarray[Any, Any]:
    """Return the finite ones of some values, flat."""
    flat = np.asarray(to_numpy(values), dtype=float).ravel()
    return np.asarray(flat[np.isfinite(flat)])


def words(value: Any) -> str:
    """Write a label or a number as a person would."""
    if isinstance(value, np.datetime64) or hasattr(value, "strftime"):
        return str(value)[:19].replace("T", " ").removesuffix(" 00:00:00")
    if isinstance(value, float | np.floating):
        return f"{float(value):.4g}"
    return str(value)
