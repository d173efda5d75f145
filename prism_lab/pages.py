"""Notebooks as pages of Panel's own server, with a sentence where one fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bokeh.application.handlers.handler import Handler
from panel.io.application import Application, build_single_handler_application
from panel.io.state import set_curdoc

from prism_lab.ready import KeepReady

__all__ = ["APOLOGY", "page"]

APOLOGY = (
    "This dashboard could not finish. Reload the page to try again; if it happens again, tell the person who published "
    "it (the server's log names the cause)."
)


class Apology(Handler):  # type: ignore[misc]
    """Comes after the notebook and says on the page that it failed.

    Notes
    -----
    By itself Panel shows the first viewer of a failed notebook an empty page and, since it remembers the failure, all
    later ones the traceback, even when the cause is gone. Here each viewer's run counts alone.
    """

    def __init__(self, notebook: Handler | None) -> None:
        super().__init__()
        self._notebook = notebook

    def modify_document(self, doc: Any) -> None:
        """Add the sentence when the notebook failed, and forget the failure."""
        runner = getattr(self._notebook, "_runner", None)
        if runner is not None and not runner.error:
            return
        import panel_material_ui as pmui

        if runner is not None:
            runner._failed, runner._error, runner._error_detail = False, None, None
        with set_curdoc(doc):
            alert = pmui.Alert(object=APOLOGY, severity="error", sizing_mode="stretch_width", margin=20)
            alert.server_doc(doc)


def page(notebook: Path, preheat: int = 0) -> Application:
    """Make a notebook a page.

    Parameters
    ----------
    notebook
        A notebook; one that cannot even be parsed becomes a page that says so.
    preheat
        How many sessions of it are kept ready for the next viewers.
    """
    try:
        application = build_single_handler_application(str(notebook))
    except (RuntimeError, ValueError, SyntaxError):
        application = Application()
        application.add(Apology(None))
        return application
    application.add(Apology(application.handlers[0]))
    application.add(KeepReady(preheat))
    return application
