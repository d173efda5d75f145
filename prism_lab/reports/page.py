"""The page of a report: one HTML file that asks for nothing, runs nothing, and prints well."""

from __future__ import annotations

import html
from pathlib import Path
from string import Template
from typing import Any

__all__ = ["page"]


def page(notebook: Any, *, title: str, status: str) -> str:
    """Write a notebook that has run as one self-contained HTML page, outputs and text without the code.

    A policy inside the page forbids every script and every request, whatever an output holds.

    Parameters
    ----------
    notebook
        What to write.
    title
        Title of the page.
    status
        How the report ended.
    """
    from nbconvert.exporters.html import HTMLExporter

    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        embed_images=True,
    )
    body, _ = exporter.from_notebook_node(notebook)
    frame = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    return frame.substitute(title=html.escape(title), status=html.escape(status), body=body)
