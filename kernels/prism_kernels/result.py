"""Results: frozen values with named axes, and the ways out of them."""

from __future__ import annotations

import dataclasses
import functools
import html
import json
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, get_args

import numpy as np

from prism_kernels import docstring
from prism_kernels.arrays import is_array, to_numpy

__all__ = ["Result"]

_HTML_ROWS = 10


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Result:
    """What an operation returns. Subclasses are frozen dataclasses whose array fields name their dimensions.

    A field annotated ``Float[Array, "series horizon"]`` has the dimensions series and horizon; ``axes`` holds the
    labels of each, so that they come back in :meth:`to_frame`.

    Attributes
    ----------
    axes
        Labels of each dimension, by its name.
    warnings
        What the caller should know about how the result came to be.
    """

    axes: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @classmethod
    @functools.cache
    def dimensions(cls) -> dict[str, tuple[str, ...]]:
        """Return the dimension names of each array field."""
        hints = typing.get_type_hints(cls, include_extras=True)
        shapes = {name: _shape(hint) for name, hint in hints.items()}
        return {name: tuple(s.split()) for name, s in shapes.items() if s is not None}

    @classmethod
    @functools.cache
    def describe_fields(cls) -> dict[str, dict[str, Any]]:
        """Return what each field holds: its dimensions and what the docstring says of it."""
        said = {**docstring.entries(Result, "Attributes"), **docstring.entries(cls, "Attributes")}
        names = [f.name for f in dataclasses.fields(cls) if not f.name.startswith("_")]
        return {n: {"dimensions": list(cls.dimensions().get(n, ())), "description": said.get(n, "")} for n in names}

    def fields(self) -> dict[str, Any]:
        """Return the public fields that hold a value, by name, without the axes and warnings."""
        names = [f.name for f in dataclasses.fields(self) if f.name not in ("axes", "warnings") and f.name[0] != "_"]
        return {n: v for n in names if (v := getattr(self, n)) is not None}

    def labels(self, dimension: str, size: int) -> Any:
        """Return the labels of a dimension, or its numbers where it has none."""
        found = self.axes.get(dimension)
        return np.arange(size) if found is None or len(found) != size else found

    def to_numpy(self) -> Self:
        """Return the same result with every array in numpy."""
        moved: dict[str, Any] = {n: to_numpy(v) for n, v in self.fields().items() if is_array(v)}
        return dataclasses.replace(self, **moved)

    def to_dict(self) -> dict[str, Any]:
        """Return fields, axes and warnings as plain Python: lists, numbers, texts; NaN stays NaN."""
        plain = {n: _plain(v) for n, v in self.fields().items()}
        return {**plain, "axes": {d: _plain(v) for d, v in self.axes.items()}, "warnings": list(self.warnings)}

    def to_json(self, *, indent: int | None = None) -> str:
        """Write :meth:`to_dict` as JSON; NaN and infinity, which JSON cannot hold, become null.

        Parameters
        ----------
        indent
            Spaces a level; None for one line.
        """
        return json.dumps(_nulled(self.to_dict()), indent=indent, ensure_ascii=False, allow_nan=False)

    def main_field(self) -> str | None:
        """Return the array field with most dimensions, the first of them; None without one."""
        sizes = {n: len(d) for n, d in self.dimensions().items() if getattr(self, n) is not None}
        return max(sizes, key=lambda n: sizes[n], default=None) if sizes else None

    def to_frame(self) -> Any:
        """Return a pandas frame: a row for each place of the main field, a column for each field that fits there.

        A result without array fields becomes one row.
        """
        import pandas as pd

        main = self.main_field()
        if main is None or not self.dimensions()[main]:
            bare = {n: _bare(v) for n, v in self.fields().items()}
            return pd.DataFrame([{n: v[()] if isinstance(v, np.ndarray) else v for n, v in bare.items() if _is_one(v)}])
        dims = self.dimensions()[main]
        shape = getattr(self, main).shape
        grid = np.indices(shape).reshape(len(shape), -1)
        columns = {d: np.asarray(self.labels(d, n))[g] for d, n, g in zip(dims, shape, grid, strict=True)}
        for name, own in self.dimensions().items():
            value = getattr(self, name)
            if value is not None and set(own) <= set(dims):
                columns[name] = to_numpy(value)[tuple(grid[dims.index(d)] for d in own)]
        return pd.DataFrame(columns)

    def key_numbers(self) -> dict[str, float]:
        """Return the single numbers of the result, by name: what a report's history compares."""
        found = {n: v for n, v in self.fields().items() if not isinstance(v, bool | str) and np.ndim(_bare(v)) == 0}
        return {
            n: float(_bare(v)) for n, v in found.items() if isinstance(_bare(v), int | float | np.number | np.ndarray)
        }

    def plot(self) -> Any:
        """Draw the result with the view that is registered for its type (extra ``lab``)."""
        from importlib.metadata import entry_points

        from prism_kernels.errors import MissingLibrary

        for entry in entry_points(group="prism.views"):
            try:
                return entry.load().view(self)
            except ImportError as error:
                msg = "plot() needs the lab; get it with: pip install 'prism-lab[lab]'"
                raise MissingLibrary(msg) from error
        msg = "plot() needs the lab; get it with: pip install 'prism-lab[lab]'"
        raise MissingLibrary(msg)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={_brief(v)}' for n, v in self.fields().items())})"

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        rows = frame.head(_HTML_ROWS).to_html(index=False, border=0)
        rest = len(frame) - _HTML_ROWS
        more = f"<p>… and {rest} more rows; <code>to_frame()</code> has them all.</p>" if rest > 0 else ""
        notes = "".join(f"<li>{html.escape(w)}</li>" for w in self.warnings)
        return f"<p><b>{type(self).__name__}</b></p>{rows}{more}{f'<ul>{notes}</ul>' if notes else ''}"


def _shape(hint: Any) -> str | None:
    if hasattr(hint, "dim_str"):
        return str(hint.dim_str)
    return next((s for s in map(_shape, get_args(hint)) if s is not None), None)


def _is_one(value: Any) -> bool:
    return np.isscalar(value) or (isinstance(value, np.ndarray) and value.ndim == 0)


def _bare(value: Any) -> Any:
    return to_numpy(value) if is_array(value) else value


def _brief(value: Any) -> str:
    if is_array(value):
        return f"{value.dtype}{list(value.shape)}" if value.ndim else f"{float(value):.6g}"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if is_array(value):
        return to_numpy(value).tolist()
    if hasattr(value, "strftime") and hasattr(value, "__len__"):  # a pandas index of dates
        return [t.isoformat() for t in value]
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "tolist") and not isinstance(value, str):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _nulled(value: Any) -> Any:
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {k: _nulled(v) for k, v in value.items()}
    return [_nulled(v) for v in value] if isinstance(value, list) else value
