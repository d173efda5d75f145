"""Pages of Panel's own server that are made before anybody asks, so that the first picture is there at once.

A page that is ready belongs to nobody: the request that takes it, with its headers and cookies, becomes its request.
Whoever asks with arguments, or while none is ready, gets a page made then.
"""

from __future__ import annotations

import asyncio
import html
from collections import deque
from collections.abc import Iterable
from typing import Any

from bokeh.application.handlers.handler import Handler
from bokeh.server.contexts import _RequestProxy
from bokeh.server.urls import per_app_patterns
from bokeh.util.token import generate_jwt_token, generate_session_id
from panel.io.document import _cleanup_doc
from panel.io.server import DocHandler, WSHandler
from panel.io.session import generate_session
from tornado.httputil import HTTPHeaders, HTTPServerRequest

__all__ = ["KeepReady", "answer_with_ready_pages", "warm"]

_REST_SECONDS = 2.0  # a page in the making would hold up the viewer who has just taken one


class KeepReady(Handler):  # type: ignore[misc]
    """Keeps some sessions of an application ready.

    Parameters
    ----------
    count
        How many.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self._ready: deque[Any] = deque()
        self._context: Any = None
        self._timer: asyncio.TimerHandle | None = None

    def modify_document(self, doc: Any) -> None:
        """Leave the document as it is."""

    def on_server_loaded(self, server_context: Any) -> None:
        """Make the first sessions once the server runs."""
        self._context = server_context.application_context
        self._later(0.0)

    def take(self, asked: DocHandler) -> Any:
        """Return a session that is ready, now that of a request, or None.

        Parameters
        ----------
        asked
            Handler of the request.
        """
        if self.count:
            self._later(_REST_SECONDS)
        while self._ready:
            session = self._ready.popleft()
            if not session.destroyed:
                return _given(session, asked)
        return None

    def _later(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, lambda: loop.create_task(self._fill()))

    async def _fill(self) -> None:
        if len(self._ready) >= self.count:
            return
        name = generate_session_id(secret_key=None, signed=False)
        request = HTTPServerRequest(method="GET", uri="/", headers=HTTPHeaders(), connection=_Nobody())
        session = await self._context.create_session_if_needed(name, request, None)
        session.block_expiration()
        self._ready.append(session)
        self._later(_REST_SECONDS / 4)


def warm(applications: Iterable[Any]) -> None:
    """Load what pages need and compute what they show first, before a server starts: nobody's visit is held up.

    Parameters
    ----------
    applications
        The pages; those of which none is kept ready are passed over.
    """
    for application in applications:
        if any(isinstance(handler, KeepReady) and handler.count for handler in application.handlers):
            _cleanup_doc(generate_session(application).document, destroy=True)


class _Nobody:
    """The connection of a request that nobody made."""

    no_keep_alive = True
    context = None


def _given(session: Any, asked: DocHandler) -> Any:
    """Give a session to a request: its headers and cookies, a fresh token, and the usual time to connect."""
    server, payload = asked.application, asked._generate_token_payload()
    session.unblock_expiration()
    session.unsubscribe(None)  # the time without a viewer counts from here
    session._token = generate_jwt_token(
        session.id,
        secret_key=server.secret_key,
        signed=server.sign_sessions,
        expiration=server.session_token_expiration,
        extra_payload=payload,
    )
    context = session.document.session_context
    context._token = session._token
    context._request = _RequestProxy(
        asked.request, arguments=payload["arguments"], cookies=payload["cookies"], headers=payload["headers"]
    )
    return session


class _Page(DocHandler):  # type: ignore[misc]
    """Answers with a page that is ready, where there is one."""

    async def get_session(self) -> Any:
        keeper = next((h for h in self.application_context.application.handlers if isinstance(h, KeepReady)), None)
        allowed = self.current_user is not None and not self.request.arguments
        session = keeper.take(self) if keeper is not None and allowed else None
        self._session = session if session is not None else await super().get_session()
        return self._session

    def write(self, chunk: Any) -> None:
        """Let the browser start on the components' code before it knows the page's content."""
        if isinstance(chunk, str) and hasattr(self, "_session"):
            code = {m.esm for m in self._session.document.models if getattr(m, "bundle", None) == "url"}
            early = "".join(f'<link rel="modulepreload" href="{html.escape(address)}">' for address in sorted(code))
            chunk = chunk.replace("</head>", f"{early}</head>", 1)
        super().write(chunk)


class _Line(WSHandler):  # type: ignore[misc]
    """Sends each part of a message at once; by TCP's default the second waits up to 40 ms until the first has come."""

    def open(self) -> None:
        self.set_nodelay(True)
        super().open()


def answer_with_ready_pages() -> None:
    """Let servers that start from now on answer with pages that are ready, and send each message at once."""
    ours = {DocHandler: _Page, WSHandler: _Line}
    per_app_patterns[:] = [(path, ours.get(kind, kind)) for path, kind in per_app_patterns]
