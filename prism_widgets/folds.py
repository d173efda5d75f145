"""Folded parts of a page: each is made when it is first opened, so that nobody waits for what nobody looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

__all__ = ["Folds"]

_WIDE = "stretch_width"


class Folds(pn.viewable.Viewer):
    """Headings that open.

    Parameters
    ----------
    parts
        What makes the content below each heading.
    opened
        Called with a heading whenever it is opened.
    """

    def __init__(
        self, parts: Mapping[str, Callable[[], Sequence[Any]]], opened: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self._parts, self._opened = dict(parts), opened
        self._places = {name: pn.Column(sizing_mode=_WIDE, margin=0) for name in parts}
        self._layout = pmui.Accordion(*self._places.items(), title_variant="body1", sizing_mode=_WIDE, margin=(8, 8))
        self._layout.visible = bool(parts)
        self._layout.param.watch(self._turned, "active")

    def is_open(self, name: str) -> bool:
        """Tell whether a part is open.

        Parameters
        ----------
        name
            Its heading.
        """
        return list(self._places).index(name) in self._layout.active

    def open(self, name: str) -> None:
        """Open a part.

        Parameters
        ----------
        name
            Its heading.
        """
        if not self.is_open(name):
            self._layout.active = [*self._layout.active, list(self._places).index(name)]

    def _turned(self, event: Any) -> None:
        names = list(self._places)
        for place in event.new:
            name = names[place]
            if not self._places[name].objects:
                self._places[name].objects = list(self._parts[name]())
            if self._opened is not None and place not in event.old:
                self._opened(name)

    @property
    def visible(self) -> bool:
        """Whether the headings are on screen."""
        return bool(self._layout.visible)

    @visible.setter
    def visible(self, shown: bool) -> None:
        self._layout.visible = shown

    def __panel__(self) -> Any:
        return self._layout
