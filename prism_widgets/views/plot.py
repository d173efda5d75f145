"""Bokeh figures as all views want them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["axis_values", "dark_theme", "figure", "is_time"]


_INK, _LINE, _GROUND = "#e6e6e6", "#6f6f6f", "#121212"


def dark_theme() -> Any:
    """Return the Bokeh theme of a dark page of ``panel serve``; elsewhere the browser themes figures by itself."""
    from bokeh.themes import Theme

    axis = {f"{part}_color": _INK for part in ("axis_label_text", "major_label_text")}
    lines = {f"{part}_line_color": _LINE for part in ("axis", "major_tick", "minor_tick")}
    legend = {"label_text_color": _INK, "background_fill_color": _GROUND, "border_line_color": _LINE}
    plot = {"background_fill_color": _GROUND, "border_fill_color": _GROUND, "outline_line_color": _LINE}
    attrs = {"Plot": plot, "Axis": {**axis, **lines}, "Grid": {"grid_line_color": "#333333"}, "Legend": legend,
             "Title": {"text_color": _INK}, "BaseColorBar": {**{k: v for k, v in axis.items() if "label" in k},
             "background_fill_color": _GROUND, "title_text_color": _INK}}  # fmt: skip
    attrs["BaseColorBar"].pop("axis_label_text_color")
    return Theme(json={"attrs": attrs})


def is_time(labels: Any) -> bool:
    """Tell whether labels are dates."""
    return np.asarray(labels).dtype.kind == "M"


def axis_values(labels: Any, count: int) -> Any:
    """Return where points stand: dates and numbers as they are, other labels by their place.

    Parameters
    ----------
    labels
        Labels of a dimension; None without.
    count
        How many there are.
    """
    if labels is None or len(labels) != count:
        return np.arange(count)
    array = np.asarray(labels)
    return array if array.dtype.kind in "Mif" else np.arange(count)


def figure(*, x_label: str = "", y_label: str = "", time: bool = False, height: int = 340, **options: Any) -> Any:
    """Return an empty figure with pan, zoom, reset and save.

    Parameters
    ----------
    x_label, y_label
        What the axes are called.
    time
        Whether x holds dates.
    height
        In pixels.
    **options
        Further options of ``bokeh.plotting.figure``.
    """
    from bokeh.plotting import figure as bokeh_figure

    made = bokeh_figure(
        height=height,
        sizing_mode="stretch_width",
        x_axis_type=options.pop("x_axis_type", "datetime" if time else "linear"),
        x_axis_label=x_label,
        y_axis_label=y_label,
        tools=options.pop("tools", "pan,box_zoom,wheel_zoom,reset,save"),
        output_backend="canvas",
        **options,
    )
    made.toolbar.logo = None
    made.toolbar.active_scroll = None
    return made
