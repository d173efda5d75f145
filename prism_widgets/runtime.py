"""Where the components run, and the one place that sets Panel up for it.

Four places are told apart: a Voila page, a notebook in JupyterLab (or VS Code), a session of ``panel serve``, and
plain Python. In none of them does a page ask another host for anything.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from prism_widgets import bridge, collecting

__all__ = ["Place", "ensure", "has_loop", "init", "on_screen", "prepare", "spawn", "when_shown", "where"]

Place = Literal["voila", "lab", "server", "plain"]

_ROOTS = ("PANEL_CDN_ROOT", "PANEL_MATERIAL_UI_CDN_ROOT")
_MATERIAL = "PRISM_MATERIAL_ROOT"  # where the lab serves panel-material-ui; without it the text is in every page
_DRAW_SECONDS = 0.1
_patched = False


def _voila() -> bool:
    return (
        "VOILA_PREHEAT" in os.environ
    )  # set in cold and preheated Voila kernels, where SERVER_SOFTWARE may be missing


def prepare() -> None:
    """Drop local library roots that only a Voila page can use; must happen before Panel is imported."""
    if not _voila():
        for name in _ROOTS:
            os.environ.pop(name, None)
        if _MATERIAL in os.environ:
            os.environ[_ROOTS[1]] = os.environ[_MATERIAL]


def where() -> Place:
    """Return the place this code runs in."""
    if _voila():
        return "voila"
    panel = sys.modules.get("panel")
    if panel is not None and panel.state.curdoc is not None and panel.state.curdoc.session_context:
        return "server"
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return "lab" if shell is not None and hasattr(shell, "kernel") else "plain"


def init(**options: Any) -> Place:
    """Set Panel up for the place this code runs in, and return that place.

    Parameters
    ----------
    **options
        Further options of ``panel.extension``, such as ``theme="dark"``.
    """
    prepare()
    with collecting.paused():
        import panel as pn
        from panel_material_ui import MaterialDesign

        import prism_widgets.page_script  # noqa: F401  its model brings the script
    collecting.keep("libraries")

    place = where()
    options = {"design": MaterialDesign, **options}
    if place in ("voila", "lab"):
        bridge.improve()
        _load_at_once()
    if place == "voila" and _ROOTS[0] in os.environ:
        _leave_loading_to_the_page()
        pn.extension(comms="ipywidgets", inline=False, **options)
    elif place in ("voila", "lab"):
        pn.extension(comms="ipywidgets", inline=True, **options)  # with the default comms every slider is dead
        pn.config.inline = _MATERIAL not in os.environ
    else:
        pn.extension(comms="default", inline=True, **options)
    if place == "lab" or (place == "voila" and _ROOTS[0] not in os.environ):
        _inline_styles()
    return place


def _leave_loading_to_the_page() -> None:
    """Keep the libraries out of the outputs: Voila's page template has loaded them from this host."""
    import panel.io.notebook as notebook

    def loaded(*_: Any, **__: Any) -> None:
        return

    notebook.load_notebook = loaded


def _load_at_once() -> None:
    """Load BokehJS while its output is shown: a view drawn before Panel's timer of 100 ms fires finds none, and fails.

    Seen with ``init()`` and a component in one cell, and in a busy browser that gets two cells' outputs together.
    """
    import panel.io.notebook as notebook

    original = notebook._autoload_js
    if hasattr(original, "prism"):
        return

    def loader(**given: Any) -> str:
        text: str = original(**given)
        return text.replace("setTimeout(load_or_wait, 100)\n}(window));", "load_or_wait()\n}(window));")

    loader.prism = True  # type: ignore[attr-defined]
    notebook._autoload_js = loader


def _inline_styles() -> None:
    """Write the text of Panel's own style sheets into the models, on first render and on updates alike.

    Panel does this for the first render in a notebook only; a changed pane or design sends links to a CDN.
    """
    global _patched
    if _patched:
        return
    _patched = True
    from bokeh.models import ImportedStyleSheet
    from panel import state
    from panel.io.notebook import replace_inline_css
    from panel.io.resources import CDN_DIST, LOCAL_DIST
    from panel.reactive import Syncable

    def inlined(sheet: Any) -> Any:
        if not isinstance(sheet, ImportedStyleSheet):
            return sheet
        if sheet.url.startswith(LOCAL_DIST):
            sheet = ImportedStyleSheet(url=sheet.url.replace(LOCAL_DIST, CDN_DIST))
        return replace_inline_css(sheet)

    original = Syncable._process_param_change

    def process(self: Any, params: dict[str, Any]) -> dict[str, Any]:
        properties: dict[str, Any] = original(self, params)
        served = state.curdoc is not None and state.curdoc.session_context
        if properties.get("stylesheets") and not served:
            properties["stylesheets"] = [inlined(s) for s in properties["stylesheets"]]
        return properties

    Syncable._process_param_change = process


def ensure() -> None:
    """Call :func:`init` where nobody has yet."""
    import panel as pn

    if not pn.extension._loaded:
        init()


def on_screen(change: Callable[[], None]) -> None:
    """Change what is on screen, when it may be changed.

    A served page belongs to its document's lock, which an asynchronous callback does not hold; there the change waits
    for the next tick, in order. Everywhere else it happens now.

    Parameters
    ----------
    change
        What changes widgets, panes and Bokeh models.
    """
    import panel as pn

    document = pn.state.curdoc
    if document is not None and document.session_context:
        document.add_next_tick_callback(functools.partial(_at_once, document, change))
    else:
        with bridge.together():
            change()


def _at_once(document: Any, change: Callable[[], None]) -> None:
    """Send all that a change touches as one message, so that the page is laid out once."""
    from panel.io.document import hold

    with hold(document):
        change()


def has_loop() -> bool:
    """Tell whether an event loop runs here, which can compute later what need not be computed now."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def spawn(work: Callable[[], Coroutine[Any, Any, Any]]) -> bool:
    """Start asynchronous work on the event loop of the page or notebook, and say whether there is one.

    Parameters
    ----------
    work
        An asynchronous function without arguments.
    """
    import panel as pn

    if not has_loop():
        return False
    pn.state.execute(work)
    return True


def when_shown(work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Start asynchronous work once the page is on screen, and a moment later, so that the main picture is drawn first.

    Parameters
    ----------
    work
        An asynchronous function without arguments.
    """
    import panel as pn

    async def later() -> None:
        await asyncio.sleep(_DRAW_SECONDS)  # the browser needs the cores
        await work()

    place = where()
    if place == "server" and not pn.state.loaded:
        pn.state.onload(later)
    elif place == "voila":
        bridge.when_looked_at(functools.partial(spawn, later))
    else:
        spawn(later)
