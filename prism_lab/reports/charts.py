"""Charts as SVG text: lines with bands, and maps of a matrix.

Drawn here, since a report needs a picture that stands in the page without scripts, and the plotting libraries of the
lab draw in the browser.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prism_lab.reports.picture import Picture
from prism_lab.reports.ticks import Ticks, number_ticks, positions, time_ticks

__all__ = ["COLOURS", "Band", "Line", "heat_map", "line_chart"]

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f")
"""Okabe and Ito (2008), "Color universal design": told apart by colour-blind readers."""

_WIDTH, _HEIGHT = 760.0, 340.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 68.0, 16.0, 34.0, 46.0
_POINTS = 2000
_CELLS = 60


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line: a name, labels of the horizontal axis (dates, numbers or names) and a value for each; NaN is a gap."""

    name: str
    x: Any
    y: Any
    dashed: bool = False


@dataclass(frozen=True, kw_only=True)
class Band:
    """The space between two lines, such as an interval."""

    name: str
    x: Any
    lo: Any
    hi: Any


class _Frame:
    """The inside of a chart: where a value lies on the page."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.x0, self.x1 = x if x[1] > x[0] else (x[0] - 0.5, x[0] + 0.5)
        self.y0, self.y1 = y if y[1] > y[0] else (y[0] - 0.5, y[0] + 0.5)

    def across(self, x: Any) -> Any:
        return _LEFT + (x - self.x0) / (self.x1 - self.x0) * (_WIDTH - _LEFT - _RIGHT)

    def down(self, y: Any) -> Any:
        return _HEIGHT - _BOTTOM - (y - self.y0) / (self.y1 - self.y0) * (_HEIGHT - _TOP - _BOTTOM)


def line_chart(
    lines: Sequence[Line], bands: Sequence[Band] = (), *, title: str, x_label: str = "", y_label: str = ""
) -> Picture:
    """Draw lines over one another, with bands below them.

    Parameters
    ----------
    lines
        At least one; all with dates, or none.
    bands
        Spaces to shade.
    title
        What the chart shows; the first words of the alternative text.
    x_label, y_label
        What the axes are, with their units.
    """
    marks = [positions(x) for x in [*(one.x for one in lines), *(band.x for band in bands)]]
    is_time = marks[0][1]
    across = [m[0] for m in marks]
    heights = [np.asarray(one.y, dtype=float) for one in lines]
    ends = [(np.asarray(b.lo, dtype=float), np.asarray(b.hi, dtype=float)) for b in bands]
    frame = _Frame(_span(across), _padded(_span([*heights, *(v for pair in ends for v in pair)])))
    ticks = (time_ticks if is_time else number_ticks)(frame.x0, frame.x1)
    parts = [*_axes(frame, ticks, x_label, y_label)]
    for k, (low, high) in enumerate(ends):
        parts.append(_band(frame, across[len(lines) + k], low, high, k))
    for k, (one, y) in enumerate(zip(lines, heights, strict=True)):
        parts.append(_path(frame, across[k], y, COLOURS[k % len(COLOURS)], dashed=one.dashed))
    parts += _legend([one.name for one in lines], [band.name for band in bands])
    return Picture(svg=_svg(title, parts), alt=_line_words(title, lines, bands, x_label, y_label), caption=title)


def _span(arrays: Sequence[np.ndarray[Any, Any]]) -> tuple[float, float]:
    finite = [a[np.isfinite(a)] for a in arrays]
    whole = np.concatenate(finite) if finite else np.zeros(0)
    return (float(whole.min()), float(whole.max())) if whole.size else (0.0, 1.0)


def _padded(span: tuple[float, float]) -> tuple[float, float]:
    room = 0.04 * (span[1] - span[0]) or 0.5
    return span[0] - room, span[1] + room


def _axes(frame: _Frame, ticks: Ticks, x_label: str, y_label: str) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for value, text in number_ticks(frame.y0, frame.y1):
        y = frame.down(value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for value, text in ticks:
        x = frame.across(value)
        parts.append(f'<path d="M{x:.1f} {bottom}v4" stroke="#666"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{html.escape(text)}</text>')
    middle = (_LEFT + right) / 2
    parts.append(f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#666"/>')
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{html.escape(x_label)}</text>')
    turned = f'transform="rotate(-90 14 {(_TOP + bottom) / 2})"'
    parts.append(f'<text x="14" y="{(_TOP + bottom) / 2}" text-anchor="middle" {turned}>{html.escape(y_label)}</text>')
    return parts


def _path(frame: _Frame, x: Any, y: Any, colour: str, *, dashed: bool) -> str:
    x, y = _thinned(x, y)
    pen, words = "M", []
    for a, b in zip(frame.across(x), frame.down(y), strict=True):
        if np.isfinite(b):
            words.append(f"{pen}{a:.1f} {b:.1f}")
        pen = "L" if np.isfinite(b) else "M"
    stroke = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<path d="{"".join(words)}" fill="none" stroke="{colour}" stroke-width="1.6" stroke-linejoin="round"{stroke}/>'
    )


def _thinned(x: Any, y: Any) -> tuple[Any, Any]:
    """Keep the lowest and highest value of each stretch of a long line, so that no peak is lost."""
    if len(y) <= _POINTS:
        return x, y
    keep: set[int] = set()
    for part in np.array_split(np.arange(len(y)), _POINTS // 2):
        values = y[part]
        if np.isfinite(values).any():
            keep |= {int(part[np.nanargmin(values)]), int(part[np.nanargmax(values)])}
        gap = np.flatnonzero(~np.isfinite(values))
        keep |= {int(part[gap[0]])} if gap.size else set()
    chosen = sorted(keep)
    return x[chosen], y[chosen]


def _band(frame: _Frame, x: Any, low: Any, high: Any, k: int) -> str:
    there = np.isfinite(low) & np.isfinite(high)
    across = frame.across(x[there])
    over = [f"{a:.1f} {b:.1f}" for a, b in zip(across, frame.down(high[there]), strict=True)]
    under = [f"{a:.1f} {b:.1f}" for a, b in zip(across, frame.down(low[there]), strict=True)]
    if not over:
        return ""
    return (
        f'<path d="M{"L".join([*over, *under[::-1]])}Z" fill="{COLOURS[1]}" fill-opacity="{0.16 + 0.1 * (k % 3):.2f}"/>'
    )


def _legend(lines: Sequence[str], bands: Sequence[str]) -> list[str]:
    parts, x = [], _LEFT
    for k, name in enumerate([*lines, *bands]):
        colour = COLOURS[k % len(COLOURS)] if k < len(lines) else COLOURS[1]
        light = "" if k < len(lines) else f' fill-opacity="{0.16 + 0.1 * ((k - len(lines)) % 3):.2f}"'
        height = 3 if k < len(lines) else 10
        parts.append(f'<rect x="{x:.1f}" y="{20 - height / 2}" width="16" height="{height}" fill="{colour}"{light}/>')
        parts.append(f'<text x="{x + 20:.1f}" y="24">{html.escape(name)}</text>')
        x += 34 + 6.6 * len(name)
    return parts


def _svg(title: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" '
        f'width="{_WIDTH:g}" height="{_HEIGHT:g}" font-family="system-ui, sans-serif" font-size="12" fill="#333">'
    )
    return (
        f'{head}<title>{html.escape(title)}</title><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>'
    )


def _line_words(title: str, lines: Sequence[Line], bands: Sequence[Band], x_label: str, y_label: str) -> str:
    axes = " over ".join(filter(None, [y_label, x_label]))
    said = [f"{title}. Line chart{f' of {axes}' if axes else ''}."]
    for one in lines:
        y = np.asarray(one.y, dtype=float)
        y = y[np.isfinite(y)]
        if y.size:
            said.append(f"{one.name}: from {y.min():.4g} to {y.max():.4g}, the last is {y[-1]:.4g}.")
    said += [f"{band.name}: at the end from {_last(band.lo):.4g} to {_last(band.hi):.4g}." for band in bands]
    return " ".join(said)


def _last(values: Any) -> float:
    return float(np.asarray(values, dtype=float)[-1])


def heat_map(matrix: Any, *, rows: Sequence[str], columns: Sequence[str], title: str) -> Picture:
    """Draw a matrix as coloured cells: blue below zero, orange above.

    Parameters
    ----------
    matrix
        row × column, at most 60 of each.
    rows, columns
        What each is called.
    title
        What the map shows; the first words of the alternative text.
    """
    values = np.asarray(matrix, dtype=float)[:_CELLS, :_CELLS]
    finite = values[np.isfinite(values)]
    most = float(np.abs(finite).max()) if finite.size and np.abs(finite).max() > 0 else 1.0
    left, top = 120.0, 100.0
    width, height = (_WIDTH - left - _RIGHT) / values.shape[1], (_HEIGHT - top - 10) / values.shape[0]
    parts = [f'<text x="{left}" y="20" font-weight="600">{html.escape(title)}</text>']
    for (i, j), value in np.ndenumerate(values):
        x, y = left + j * width, top + i * height
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{_shade(value / most)}"/>'
        )
        if width > 34 and height > 14 and np.isfinite(value):
            text = f'x="{x + width / 2:.1f}" y="{y + height / 2 + 4:.1f}" text-anchor="middle"'
            parts.append(f"<text {text}>{value:.2g}</text>")
    for i, name in enumerate(list(rows)[: values.shape[0]]):
        parts.append(
            f'<text x="{left - 6}" y="{top + (i + 0.5) * height + 4:.1f}" text-anchor="end">'
            f"{html.escape(name[:16])}</text>"
        )
    for j, name in enumerate(list(columns)[: values.shape[1]]):
        place = f"{left + (j + 0.5) * width:.1f} {top - 6}"
        parts.append(f'<text transform="translate({place}) rotate(-40)">{html.escape(name[:12])}</text>')
    return Picture(svg=_svg(title, parts), alt=_map_words(title, values, rows, columns), caption=title)


def _shade(share: float) -> str:
    if not np.isfinite(share):
        return "#d9d9d9"
    red, green, blue = (213, 94, 0) if share > 0 else (0, 114, 178)
    weight = 0.85 * min(1.0, abs(share))
    return "#" + "".join(f"{round(255 - weight * (255 - part)):02x}" for part in (red, green, blue))


def _map_words(title: str, values: Any, rows: Sequence[str], columns: Sequence[str]) -> str:
    said = f"{title}. Map of {values.shape[0]} rows and {values.shape[1]} columns."
    off = np.where(np.eye(*values.shape) > 0, np.nan, values) if list(rows) == list(columns) else values
    if not np.isfinite(off).any():
        return said
    i, j = np.unravel_index(int(np.nanargmax(np.abs(off))), off.shape)
    return f"{said} The strongest is {rows[int(i)]} with {columns[int(j)]}: {off[i, j]:.3g}."
