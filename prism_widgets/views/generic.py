"""Shows any result: a line, bars or a heat map of its main field, and its single numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_kernels.arrays import is_array, to_numpy
from prism_widgets.views.plot import axis_values, figure, is_time
from prism_widgets.views.view import BLUE, MAX_POINTS, View, finite, thin, words

__all__ = ["GenericView"]

_FEW = 40


class GenericView(View):
    """Draws the array field with most dimensions.

    One dimension is a line (bars where it has few labels that are words), series × something is a line per series,
    chosen from a list, and any other two dimensions are a heat map. A result that is no ``Result`` is shown by its
    fields, or as the array or number it is.
    """

    def _form(self, result: Any) -> tuple[str, str | None, tuple[str, ...]]:
        """Return the kind of picture, the field it shows and the dimensions of that."""
        field, dims = _main(result)
        if field is None:
            return "none", None, ()
        if len(dims) >= 2:
            return ("lines" if dims[0] == "series" else "heat"), field, dims
        if not dims:
            return "none", None, ()
        labels = _labels(result, dims[0])
        named = labels is not None and np.asarray(labels).dtype.kind in "OUS"
        return ("bars" if named and len(labels) <= _FEW else "line"), field, dims

    def _holds(self, result: Any) -> bool:
        kind, _, dims = self._form(result)
        time = bool(dims) and is_time(_labels(result, dims[-1]))
        return (kind, time) == self._made

    def _names(self) -> Any:
        kind, field, _ = self._form(self.result)
        if kind != "lines" or field is None:
            return ()
        count = np.shape(_value(self.result, field))[0]
        labels = _labels(self.result, "series")
        return labels if labels is not None and len(labels) == count else range(count)

    def _build(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource, LinearColorMapper

        kind, field, dims = self._form(result)
        time = bool(dims) and is_time(_labels(result, dims[-1]))
        self._made = (kind, time)
        if kind == "none":
            self._source = None
            return figure(height=1, visible=False)
        if kind == "heat":
            self._source = ColumnDataSource({"image": [], "x": [], "y": [], "w": [], "h": []})
            self._colours = LinearColorMapper(palette="Viridis256")
            made = figure(x_label=dims[1], y_label=dims[0], height=self.height + 60)
            drawn = made.image("image", "x", "y", "w", "h", source=self._source, color_mapper=self._colours)
            made.add_layout(drawn.construct_color_bar(), "right")
            return made
        self._source = ColumnDataSource({"x": [], "y": []})
        bars = kind == "bars"
        options = {"x_range": [str(v) for v in _labels(result, dims[0])], "x_axis_type": "auto"} if bars else {}
        made = figure(x_label=dims[-1], y_label=field or "", time=time, height=self.height, **options)
        if bars:
            made.vbar("x", 0.8, "y", source=self._source, color=BLUE)
        else:
            made.line("x", "y", source=self._source, line_width=1.8, color=BLUE)
        return made

    def _draw(self, result: Any, place: int) -> None:
        kind, field, dims = self._form(result)
        if self._source is None or field is None:
            return
        value = np.asarray(to_numpy(_value(result, field)), dtype=float)
        if kind == "heat":
            flat = _shrunk(value.reshape(value.shape[0], -1))
            self._source.data = {"image": [flat], "x": [0], "y": [0], "w": [value.shape[1]], "h": [value.shape[0]]}
            return
        if kind == "lines":
            value = value[place]
            while value.ndim > 1:
                value = value[0]
        labels = _labels(result, dims[-1])
        if kind == "bars":
            names = [str(v) for v in labels]
            self._figure.x_range.factors = names
            self._source.data = {"x": names, "y": value}
            return
        x, y = thin(axis_values(labels, len(value)), value)
        self._source.data = {"x": x, "y": y}

    def _describe(self, result: Any, place: int) -> str:
        numbers = ", ".join(f"{n} {words(v)}" for n, v in _numbers(result).items())
        kind, field, dims = self._form(result)
        if field is None:
            return numbers or f"{type(result).__name__} has nothing to draw."
        value = np.asarray(to_numpy(_value(result, field)), dtype=float)
        shown = value[place] if kind == "lines" else value
        there = finite(shown)
        size = " × ".join(f"{n} {d}" for n, d in zip(value.shape, dims, strict=False))
        range_ = f"from {words(float(there.min()))} to {words(float(there.max()))}" if there.size else "no finite value"
        who = f" of {self._names()[place]}" if kind == "lines" and len(self._names()) > 1 else ""
        return f"{field}{who}: {range_} ({size}).{' ' + numbers if numbers else ''}"


def _main(result: Any) -> tuple[str | None, tuple[str, ...]]:
    if hasattr(result, "main_field"):
        field = result.main_field()
        return field, (result.dimensions()[field] if field else ())
    arrays = {n: v for n, v in _fields(result).items() if is_array(v) and v.ndim}
    field = max(arrays, key=lambda n: arrays[n].ndim, default=None)
    return field, tuple(f"dimension {k + 1}" for k in range(arrays[field].ndim)) if field else ()


def _fields(result: Any) -> dict[str, Any]:
    if hasattr(result, "fields") and callable(result.fields):
        return dict(result.fields())
    if isinstance(result, dict):
        return {str(k): v for k, v in result.items()}
    return dict(vars(result)) if hasattr(result, "__dataclass_fields__") else {"value": result}


def _value(result: Any, field: str) -> Any:
    return _fields(result)[field]


def _labels(result: Any, dimension: str) -> Any:
    return getattr(result, "axes", {}).get(dimension)


def _numbers(result: Any) -> dict[str, float]:
    if hasattr(result, "key_numbers"):
        return dict(result.key_numbers())
    there = {n: v for n, v in _fields(result).items() if isinstance(v, int | float | np.number)}
    return {n: float(v) for n, v in there.items() if not isinstance(v, bool)}


def _shrunk(value: Any) -> Any:
    """Take every n-th row and column, so that a heat map has at most the points a line may have."""
    step = int(np.ceil(np.sqrt(max(1.0, value.size / MAX_POINTS))))
    return value[::step, ::step]
