"""A page of Panel's own server written out before anybody asks: its text, and the models that its script pulls."""

from __future__ import annotations

import html
from typing import Any

from bokeh.core.serialization import Serialized
from bokeh.document.events import DocumentPatchedEvent
from panel.io.resources import Resources
from panel.io.server import server_html_page_for_session
from panel.io.state import set_curdoc

__all__ = ["Written", "preloading"]

_TOKEN = "prism-token-of-whoever-asks"


class Written:
    """What a browser is sent of a session, as the session stands; once the document changes, Panel writes it again.

    Parameters
    ----------
    session
        A session nobody has seen.
    server
        Bokeh's Tornado application, which says where the libraries are served.
    """

    def __init__(self, session: Any, server: Any) -> None:
        document = session.document
        with set_curdoc(document):
            page: str = server_html_page_for_session(
                session,
                resources=Resources.from_bokeh(server.resources()),
                title=document.title,
                token=_TOKEN,
                template=document.template,
                template_variables=document.template_variables,
            )
        self._page = preloading(page, document)
        self._write = document.to_json
        self._models: Serialized[Any] | None = self._write()
        document.to_json = self._to_json
        document.on_change(self._changed)

    @property
    def current(self) -> bool:
        """Whether the document is still what was written, and nobody has pulled it."""
        return self._models is not None

    def page(self, token: str) -> str:
        """Return the text of the page.

        Parameters
        ----------
        token
            Of the session's viewer.
        """
        return self._page.replace(_TOKEN, token, 1)

    def _to_json(self, **how: Any) -> Any:
        models, self._models = self._models, None
        return self._write(**how) if models is None or how else models

    def _changed(self, event: Any) -> None:
        if isinstance(event, DocumentPatchedEvent):
            self._models = None


def preloading(page: str, document: Any) -> str:
    """Let the browser start on the components' code before it knows the page's content.

    Parameters
    ----------
    page
        The text of a page.
    document
        What it shows.
    """
    code = {model.esm for model in document.models if getattr(model, "bundle", None) == "url"}
    link = '<link rel="modulepreload" fetchpriority="low" href="{}">'  # behind the scripts, which run first
    early = "".join(link.format(html.escape(address)) for address in sorted(code))
    return page.replace("</head>", f"{early}</head>", 1)
