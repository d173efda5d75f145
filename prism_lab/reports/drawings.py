"""Draw any result: a line chart for each field along time, a map for each square of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from prism_kernels.arrays import to_numpy
from prism_kernels.result import Result
from prism_lab.reports.charts import COLOURS, Line, heat_map, line_chart
from prism_lab.reports.picture import Picture

__all__ = ["draw"]

_FEWEST = 3
_BATCH = "series"


def draw(result: Result, *, most: int = 6) -> list[Picture]:
    """Draw the fields of a result that have something to show.

    Parameters
    ----------
    result
        Any result.
    most
        How many pictures at most.
    """
    pictures: list[Picture] = []
    for name, dimensions in result.dimensions().items():
        value = getattr(result, name)
        if value is None or len(pictures) == most:
            continue
        values = to_numpy(value)
        if values.dtype.kind not in "fiu" or not np.isfinite(values.astype(float)).any():
            continue
        picture = _picture(result, name, values.astype(float), dimensions)
        pictures += [picture] if picture is not None else []
    return pictures


def _picture(result: Result, name: str, values: np.ndarray[Any, Any], dimensions: Sequence[str]) -> Picture | None:
    labels = [result.labels(d, n) for d, n in zip(dimensions, values.shape, strict=True)]
    if values.ndim == 2 and _is_square(values, dimensions):
        rows, columns = ([str(x) for x in one] for one in labels)
        return heat_map(values, rows=rows, columns=columns, title=name)
    if not dimensions or dimensions[-1] == _BATCH or values.shape[-1] < _FEWEST or _is_named(labels[-1]):
        return None
    lines = []
    for place in list(np.ndindex(*values.shape[:-1]))[: len(COLOURS)]:
        words = [str(one[k]) for one, k in zip(labels, place, strict=False)]
        lines.append(Line(name=" ".join(words) or name, x=labels[-1], y=values[place]))
    return line_chart(lines, title=name, x_label=dimensions[-1], y_label=name)


def _is_square(values: np.ndarray[Any, Any], dimensions: Sequence[str]) -> bool:
    rows, columns = values.shape
    return rows == columns and rows >= 2 and not {"time", "horizon", "lag"} & set(dimensions)


def _is_named(labels: Any) -> bool:
    return np.asarray(labels).dtype.kind in "OUS"
