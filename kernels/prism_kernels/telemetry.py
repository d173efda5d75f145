"""Where the time goes: nested spans, summarised per name as percentiles by a log-bucket sketch.

The sketch keeps one counter per 4 % of duration, as in Masson, Rim and Lee (2019), "DDSketch: a fast and
fully-mergeable quantile sketch with relative-error guarantees", so that a percentile is within 2 % and memory does
not grow.
"""

from __future__ import annotations

import contextlib
import contextvars
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Sketch", "Span", "bottlenecks", "prometheus", "reset", "span", "summary"]

_GROWTH = 1.04
_LOG_GROWTH = math.log(_GROWTH)


@dataclass(slots=True)
class Sketch:
    """Durations of one name, in seconds, in logarithmic buckets."""

    buckets: Counter[int] = field(default_factory=Counter)
    count: int = 0
    total: float = 0.0
    own: float = 0.0
    largest: float = 0.0

    def add(self, seconds: float, own: float) -> None:
        """Take in one duration, ``own`` of it outside nested spans."""
        self.buckets[math.ceil(math.log(max(seconds, 1e-9)) / _LOG_GROWTH)] += 1
        self.count += 1
        self.total += seconds
        self.own += own
        self.largest = max(self.largest, seconds)

    def quantile(self, share: float) -> float:
        """Return the duration in seconds below which a share of all durations lies, within 2 %."""
        rank, seen = math.ceil(share * self.count), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                middle = 2 * _GROWTH**bucket / (1 + _GROWTH)
                return min(middle, self.largest)
        return math.nan


@dataclass(slots=True)
class Span:
    """One timed stretch of work."""

    name: str
    start: float
    children: float = 0.0
    seconds: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)


_current: contextvars.ContextVar[Span | None] = contextvars.ContextVar("prism_span", default=None)
_sketches: dict[str, Sketch] = {}
_lock = threading.Lock()


@contextlib.contextmanager
def span(name: str) -> Iterator[Span]:
    """Time what happens inside the ``with``; a span inside a span is named ``outer/inner``.

    Parameters
    ----------
    name
        What this stretch is called in :func:`summary`.
    """
    parent = _current.get()
    here = Span(name if parent is None else f"{parent.name}/{name}", time.perf_counter())
    token = _current.set(here)
    try:
        yield here
    finally:
        _current.reset(token)
        here.seconds = time.perf_counter() - here.start
        if parent is not None:
            parent.children += here.seconds
            for part, seconds in {here.name: here.seconds, **here.parts}.items():
                parent.parts[part] = parent.parts.get(part, 0.0) + seconds
        with _lock:
            _sketches.setdefault(here.name, Sketch()).add(here.seconds, max(0.0, here.seconds - here.children))


def summary() -> list[dict[str, float | str | int]]:
    """Return one row per span name: count, total and own seconds, p50, p95, p99 and the largest."""
    with _lock:
        rows: list[dict[str, float | str | int]] = [
            {
                "span": name,
                "count": s.count,
                "total_s": s.total,
                "own_s": s.own,
                "p50_s": s.quantile(0.50),
                "p95_s": s.quantile(0.95),
                "p99_s": s.quantile(0.99),
                "largest_s": s.largest,
            }
            for name, s in _sketches.items()
        ]
    return sorted(rows, key=lambda row: str(row["span"]))


def bottlenecks(top: int = 5) -> list[dict[str, float | str | int]]:
    """Return the rows of :func:`summary` that spent most time of their own, with their share of all time.

    Parameters
    ----------
    top
        How many rows at most.
    """
    rows = summary()
    everything = sum(float(row["own_s"]) for row in rows) or 1.0
    ranked = sorted(rows, key=lambda row: -float(row["own_s"]))[:top]
    return [{**row, "share": float(row["own_s"]) / everything} for row in ranked]


def prometheus() -> str:
    """Write the summary in the Prometheus text format, one summary metric with a ``span`` label."""
    lines = ["# HELP prism_span_seconds Duration of a span.", "# TYPE prism_span_seconds summary"]
    for row in summary():
        label = str(row["span"]).replace("\\", "\\\\").replace('"', '\\"')
        for quantile, key in (("0.5", "p50_s"), ("0.95", "p95_s"), ("0.99", "p99_s")):
            lines.append(f'prism_span_seconds{{span="{label}",quantile="{quantile}"}} {row[key]:.9g}')
        lines.append(f'prism_span_seconds_sum{{span="{label}"}} {row["total_s"]:.9g}')
        lines.append(f'prism_span_seconds_count{{span="{label}"}} {row["count"]}')
    return "\n".join(lines) + "\n"


def reset() -> None:
    """Forget all durations."""
    with _lock:
        _sketches.clear()
