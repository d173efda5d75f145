"""vectorbt as a peer: imported without its drawing templates, which name chart kinds that plotly has dropped."""

import warnings

import pytest


def vectorbt():
    """Import vectorbt, or skip where it is not installed."""
    layout = pytest.importorskip("plotly.graph_objects").layout
    template = layout.Template
    layout.Template = type("Empty", (template,), {"__init__": lambda self, *_, **__: template.__init__(self)})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own libraries
            return pytest.importorskip("vectorbt")
    finally:
        layout.Template = template
