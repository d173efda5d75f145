"""Pages of Panel's own server that are made before anybody asks, so that the first picture is there at once.

A page that is ready belongs to nobody: the request that takes it, with its headers and cookies, becomes its request.
Whoever asks with arguments, or while none is ready, gets a page made then. Where the libraries are served is known once
somebody has asked; pages made later are written out too, and asking for one computes nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bokeh.application.handlers.handler import Handler
from bokeh.server.contexts import _RequestProxy
from bokeh.server.urls import per_app_patterns
from bokeh.util.token import generate_jwt_token, generate_session_id
from panel.config import config
from panel.io.document import _cleanup_doc
from panel.io.server import DocHandler, WSHandler, _set_request_route_context
from panel.io.session import generate_session
from panel.io.state import set_curdoc
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from prism_lab.written import Written, preloading

__all__ = ["KeepReady", "answer_with_ready_pages", "warm"]

_REST_SECONDS = 2.0  # a page in the making would hold up the viewer who has just taken one
_GET = RequestStartLine("GET", "/", "HTTP/1.0")  # of nobody, so without a host


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
        self._ready: deque[_Ready] = deque()
        self._context: Any = None
        self._server: Any = None
        self._timer: asyncio.TimerHandle | None = None

    def modify_document(self, doc: Any) -> None:
        """Leave the document as it is."""

    def on_server_loaded(self, server_context: Any) -> None:
        """Make the first sessions once the server runs."""
        self._context = server_context.application_context
        self._later(0.0)

    def take(self, asked: DocHandler) -> tuple[Any, Written | None]:
        """Return a session that is ready, now that of a request, and its page; None where there is none.

        Parameters
        ----------
        asked
            Handler of the request.
        """
        if self.count:
            self._later(_REST_SECONDS)
        self._server = asked.application
        while self._ready:
            one = self._ready.popleft()
            if not one.session.destroyed:
                return _given(one.session, asked), one.written
        return None, None

    def _later(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, lambda: loop.create_task(self._fill()))

    async def _fill(self) -> None:
        for one in self._ready:  # made in an earlier turn: what they show first has come to rest
            if one.written is None and self._server is not None:
                one.written = Written(one.session, self._server)
        if len(self._ready) >= self.count:
            return
        name = generate_session_id(secret_key=None, signed=False)
        request = HTTPServerRequest(start_line=_GET, headers=HTTPHeaders(), connection=_Nobody())
        session = await self._context.create_session_if_needed(name, request, None)
        session.block_expiration()
        self._ready.append(_Ready(session))
        self._later(_REST_SECONDS / 4)


@dataclass
class _Ready:
    """A session that nobody has, and its page once that is written out."""

    session: Any
    written: Written | None = None


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

    _session: Any = None

    async def get(self, *route: Any, **parts: Any) -> None:
        """Answer at once with what was written out; where nothing was, as Panel does."""
        keeper = next((h for h in self.application_context.application.handlers if isinstance(h, KeepReady)), None)
        allowed = self.current_user is not None and not self.request.arguments and not config.authorize_callback
        _set_request_route_context(self, *route, **parts)  # of which the session's token speaks
        written = None
        if keeper is not None and allowed:
            self._session, written = keeper.take(self)
        if written is None or not written.current or _asks_who(self._session):
            await super().get(*route, **parts)
            return
        session = await self.get_session()
        self.set_header("Cache-Control", "no-store")  # the token in it is one viewer's
        self.set_header("Content-Type", "text/html")
        super().write(written.page(session.token))

    async def get_session(self) -> Any:
        if self._session is None:
            self._session = await super().get_session()
        return self._session

    def write(self, chunk: Any) -> None:
        if isinstance(chunk, str) and self._session is not None:
            chunk = preloading(chunk, self._session.document)
        super().write(chunk)


def _asks_who(session: Any) -> bool:
    """Tell whether a page decides by itself who may see it."""
    with set_curdoc(session.document):
        return bool(config.authorize_callback)


class _Line(WSHandler):  # type: ignore[misc]
    """Sends each part of a message at once; by TCP's default the second waits up to 40 ms until the first has come."""

    def open(self) -> None:
        self.set_nodelay(True)
        super().open()


def answer_with_ready_pages() -> None:
    """Let servers that start from now on answer with pages that are ready, and send each message at once."""
    ours = {DocHandler: _Page, WSHandler: _Line}
    per_app_patterns[:] = [(path, ours.get(kind, kind)) for path, kind in per_app_patterns]
