"""Orders as a table: what to buy and sell of each asset."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["orders_table", "percent", "shares_text"]

_STYLE = "border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums;min-width:min(100%,30rem)"
_CELL = "padding:3px 12px;border-bottom:1px solid #8886"


def orders_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is text and whose others are numbers, as HTML that a keyboard can scroll.

    Parameters
    ----------
    caption
        What the table shows.
    head
        Names of the columns.
    rows
        Texts of the cells.
    """
    align = ["left", *["right"] * (len(head) - 1)]
    top = "".join(
        f'<th scope="col" style="{_CELL};text-align:{a}">{html.escape(h)}</th>'
        for a, h in zip(align, head, strict=True)
    )
    body = "".join(_row(row, align) for row in rows)
    said = html.escape(caption)
    return (
        f'<div style="max-height:22rem;overflow:auto" tabindex="0" role="region" aria-label="{said}">'
        f'<table style="{_STYLE}"><caption style="text-align:left;font-weight:600;padding:4px 12px">{said}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[str], align: Sequence[str]) -> str:
    cells = [
        f'<{tag} style="{_CELL};text-align:{a};font-weight:400"{scope}>{html.escape(text)}</{tag}>'
        for (tag, scope), a, text in zip(
            [("th", ' scope="row"'), *[("td", "")] * (len(row) - 1)], align, row, strict=True
        )
    ]
    return f"<tr>{''.join(cells)}</tr>"


def percent(share: Any, *, signed: bool = False) -> str:
    """Write a share as percent.

    Parameters
    ----------
    share
        0.5 for a half.
    signed
        Whether a plus is written.
    """
    number = 100 * float(share)
    number = 0.0 if abs(number) < 5e-3 else number
    return f"{number:{'+' if signed and number else ''}.2f} %"


def shares_text(number: Any, *, signed: bool = False) -> str:
    """Write a number of shares, with decimals only where it has some.

    Parameters
    ----------
    number
        Of shares.
    signed
        Whether a plus is written.
    """
    value = float(number)
    value = float(np.round(value)) if abs(value - np.round(value)) < 1e-9 else value
    sign = "+" if signed and value else ""
    return f"{value:{sign},.0f}" if value == np.round(value) else f"{value:{sign},.3f}"
