"""Where the marks of an axis stand, and what is written there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["Ticks", "number_ticks", "positions", "time_ticks"]

Ticks = list[tuple[float, str]]

_MOST = 7
_SPANS: tuple[tuple[Any, int], ...] = (
    ("h", 1), ("h", 6), ("D", 1), ("D", 7), ("D", 14), ("M", 1), ("M", 3), ("M", 6),
    ("Y", 1), ("Y", 2), ("Y", 5), ("Y", 10), ("Y", 20), ("Y", 50), ("Y", 100),
)  # fmt: skip


def positions(labels: Any) -> tuple[np.ndarray[Any, np.dtype[np.float64]], bool]:
    """Turn the labels of an axis into numbers, and say whether they are times (seconds since 1970).

    Parameters
    ----------
    labels
        Dates, numbers or names; names are numbered.
    """
    values = np.asarray(labels)
    if values.dtype.kind == "M":
        return values.astype("datetime64[ns]").astype(np.int64) / 1e9, True
    if values.dtype.kind in "iuf":
        return values.astype(np.float64), False
    return np.arange(len(values), dtype=np.float64), False


def number_ticks(low: float, high: float) -> Ticks:
    """Return round numbers between two ends, steps of 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    low, high
        Ends of the axis, ``low`` below ``high``.
    """
    rough = (high - low) / (_MOST - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(k * step, f"{round(k * step, 12):.6g}") for k in range(first, last + 1)]


def time_ticks(low: float, high: float) -> Ticks:
    """Return the starts of hours, days, months or years between two times.

    Parameters
    ----------
    low, high
        Ends of the axis, in seconds since 1970.
    """
    start, end = np.datetime64(math.ceil(low), "s"), np.datetime64(math.floor(high), "s")
    for unit, step in _SPANS:
        first, last = (
            int(start.astype(f"datetime64[{unit}]").astype(int)),
            int(end.astype(f"datetime64[{unit}]").astype(int)),
        )
        offset = 1970 if unit == "Y" else 0
        marks = (
            [k for k in range(first, last + 1) if (k + offset) % step == 0] if last - first <= _MOST * step else None
        )
        if marks is None or len(marks) > _MOST:
            continue
        stamps = [np.datetime64(k, unit) for k in marks]
        seconds = [float(s.astype("datetime64[s]").astype(np.int64)) for s in stamps]
        return [(x, str(s).replace("T", " ")) for x, s in zip(seconds, stamps, strict=True) if low <= x <= high]
    return []
