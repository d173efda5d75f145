"""Bars as SVG text: a few numbers of each of a few things, beside one another."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prism_lab.reports.charts import COLOURS
from prism_lab.reports.picture import Picture
from prism_lab.reports.ticks import number_ticks

__all__ = ["bar_chart"]

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 760.0, 120.0, 16.0, 34.0, 46.0
_BAR, _GAP = 9.0, 7.0
_MOST = 40


def bar_chart(numbers: Mapping[str, Any], labels: Sequence[str], *, title: str, x_label: str = "") -> Picture:
    """Draw lying bars, one for each number of each thing; of many things those with the largest numbers.

    Parameters
    ----------
    numbers
        Numbers of all things, by what they are.
    labels
        What the things are called.
    title
        What the chart shows; the first words of the alternative text.
    x_label
        What the numbers are, with their unit.
    """
    table = np.array([np.asarray(values, dtype=float) for values in numbers.values()])
    size = np.nan_to_num(np.abs(table)).max(axis=0)
    chosen = np.sort(np.argsort(-size, kind="stable")[:_MOST])
    shown, names = table[:, chosen], [str(labels[k]) for k in chosen]
    finite = shown[np.isfinite(shown)]
    low, high = min(0.0, finite.min(initial=0.0)), max(0.0, finite.max(initial=0.0))
    high = high if high > low else low + 1.0
    row = _BAR * len(numbers) + _GAP
    bottom = _TOP + row * len(names)
    scale = (_WIDTH - _LEFT - _RIGHT) / (high - low)

    def across(value: float) -> float:
        return float(_LEFT + (value - low) * scale)

    parts = []
    for value, text in number_ticks(low, high):
        x = across(value)
        parts.append(f'<path d="M{x:.1f} {_TOP}V{bottom:.1f}" stroke="{"#666" if value == 0 else "#e3e3e3"}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 17:.1f}" text-anchor="middle">{text}</text>')
    for i, name in enumerate(names):
        y = _TOP + i * row + _GAP / 2
        middle = y + _BAR * len(numbers) / 2 + 4
        parts.append(f'<text x="{_LEFT - 6}" y="{middle:.1f}" text-anchor="end">{html.escape(name[:16])}</text>')
        for k, value in enumerate(shown[:, i]):
            if np.isfinite(value):
                left, wide = across(min(value, 0.0)), abs(value) * scale
                box = f'x="{left:.1f}" y="{y + k * _BAR:.1f}" width="{wide:.1f}" height="{_BAR - 1:g}"'
                parts.append(f'<rect {box} fill="{COLOURS[k % len(COLOURS)]}"/>')
    parts.append(f'<text x="{across((low + high) / 2):.1f}" y="{bottom + 38:.1f}" text-anchor="middle">')
    parts.append(f"{html.escape(x_label)}</text>")
    parts += _legend(list(numbers))
    caption = title if len(names) == len(labels) else f"{title}: the largest {len(names)} of {len(labels)}"
    return Picture(
        svg=_svg(title, parts, bottom + _BOTTOM), alt=_words(caption, numbers, shown, names), caption=caption
    )


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], _LEFT
    for k, name in enumerate(names):
        parts.append(f'<rect x="{x:.1f}" y="15" width="16" height="10" fill="{COLOURS[k % len(COLOURS)]}"/>')
        parts.append(f'<text x="{x + 20:.1f}" y="24">{html.escape(name)}</text>')
        x += 34 + 6.6 * len(name)
    return parts


def _svg(title: str, parts: Sequence[str], height: float) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:g}" width="{_WIDTH:g}" '
        f'height="{height:g}" font-family="system-ui, sans-serif" font-size="12" fill="#333">'
    )
    return (
        f'{head}<title>{html.escape(title)}</title><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>'
    )


def _words(caption: str, numbers: Mapping[str, Any], shown: np.ndarray[Any, Any], names: Sequence[str]) -> str:
    said = [f"{caption}. Bar chart."]
    for name, values in zip(numbers, shown, strict=True):
        if np.isfinite(values).any():
            most = int(np.nanargmax(values))
            said.append(f"{name}: the largest is {names[most]} with {values[most]:.4g}.")
    return " ".join(said)
