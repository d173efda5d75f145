"""What every page runs after Bokeh and Panel, before it draws anything: ``dist/prism_widgets.js``.

Bokeh finds a package's script by a model whose views come from that package, with a ``bokeh.ext.json`` beside it; it is
served, inlined or left out together with Bokeh's own.
"""

from __future__ import annotations

from bokeh.model import Model

__all__ = ["PageScript"]


class PageScript(Model):
    """Stands for the script in Bokeh's list of models; never drawn."""

    __view_module__ = "prism_widgets"
