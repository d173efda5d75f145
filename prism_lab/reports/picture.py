"""A picture with the words for those who cannot see it."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass

__all__ = ["Picture"]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawing that is part of the page it stands in: no script, no request.

    Attributes
    ----------
    svg
        The drawing.
    alt
        What it shows, in words.
    caption
        What stands below it; empty for nothing.
    """

    svg: str
    alt: str
    caption: str = ""

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg.encode()).decode()
        below = f"<figcaption>{html.escape(self.caption)}</figcaption>" if self.caption else ""
        alt = html.escape(self.alt, quote=True)
        return f'<figure><img alt="{alt}" src="data:image/svg+xml;base64,{data}">{below}</figure>'

    def __repr__(self) -> str:
        return f"Picture({self.alt})"
