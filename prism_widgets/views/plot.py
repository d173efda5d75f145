"""Bokeh figures as all views want them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["axis_values", "darken", "figure", "fill", "is_time"]


_INK, _LINE, _GROUND = "#e6e6e6", "#6f6f6f", "#121212"


def darken(made: Any) -> None:
    """Colour a figure for a dark page of ``panel serve``; elsewhere the browser themes figures by itself.

    Parameters
    ----------
    made
        The figure, with all that belongs to it.
    """
    text = {"axis_label_text_color": _INK, "major_label_text_color": _INK}
    lines = {f"{part}_line_color": _LINE for part in ("axis", "major_tick", "minor_tick")}
    looks: dict[str, dict[str, str]] = {
        "Plot": {"background_fill_color": _GROUND, "border_fill_color": _GROUND, "outline_line_color": _LINE},
        "Axis": {**text, **lines},
        "Grid": {"grid_line_color": "#333333"},
        "Legend": {"label_text_color": _INK, "background_fill_color": _GROUND, "border_line_color": _LINE},
        "Title": {"text_color": _INK},
        "BaseColorBar": {"background_fill_color": _GROUND, "title_text_color": _INK, "major_label_text_color": _INK},
    }
    for model in made.references():
        for kind in type(model).__mro__:
            model.update(**looks.get(kind.__name__, {}))


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


def fill(source: Any, **columns: Any) -> None:
    """Put columns into a data source; the same numbers again are not sent to the page.

    Parameters
    ----------
    source
        A ``ColumnDataSource``.
    **columns
        Values by the name of their column.
    """
    old = source.data
    if old.keys() == columns.keys() and all(_same(old[n], v) for n, v in columns.items()):
        return
    source.data = columns


def _same(one: Any, other: Any) -> bool:
    first, second = np.asarray(one), np.asarray(other)
    numbers = first.dtype.kind in "fc" and second.dtype.kind in "fc"
    return bool(first.dtype == second.dtype and np.array_equal(first, second, equal_nan=numbers))


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
