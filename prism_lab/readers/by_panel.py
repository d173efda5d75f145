"""The readers' server by Panel: one process for all viewers, behind the same door, with as few routes."""

from __future__ import annotations

import os
import re
import signal
import time
import weakref
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import panel
import panel_material_ui  # noqa: F401 - its files are only served when it was imported before the server starts
from bokeh.server.urls import per_app_patterns, toplevel_patterns
from bokeh.util.token import get_session_id
from panel.io.server import DocHandler, get_server
from tornado.ioloop import PeriodicCallback
from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from prism_lab import gallery, places
from prism_lab.pages import page
from prism_lab.readers import asleep
from prism_lab.readers.answers import LARGEST_BODY, VIEWER_HEADER, Elsewhere, apologise, picture, quiet_log, waiting
from prism_lab.readers.audit import Audit
from prism_lab.readers.door import Door, Viewer
from prism_lab.readers.house import House
from prism_lab.readers.settings import Rules
from prism_lab.readers.shelf import Shelf
from prism_lab.readers.tokens import Tokens
from prism_lab.readers.turns import Turn, Turns
from prism_lab.ready import answer_with_ready_pages, warm

__all__ = ["serve"]

_SWEEP_MS = 1000
_STARTS_AT_ONCE = 8
_FILES = r"/static/.*|/components/(panel|panel_material_ui|prism_widgets)[./].*|/favicon\.ico"
_OWN = r"/|/prism/|/prism/static/.*|/prism/thumbs/.*"
_SESSION_WORDS = ("bokeh-session-id", "bokeh-token")
_SOCKETS: weakref.WeakSet[Any] = weakref.WeakSet()


class _Reading(RequestHandler):  # type: ignore[misc]
    """Answers readers only; errors are sentences."""

    viewer: Viewer | None = None

    @property
    def house(self) -> House:
        """What all routes share."""
        found: House = self.settings["prism_house"]
        return found

    async def prepare(self) -> None:
        """Let a reader in, and answer everybody else here."""
        self.viewer = self.house.door.enter(self)
        if self.viewer is not None:
            self.request.headers[VIEWER_HEADER] = self.viewer.name
            waiting_for = super().prepare()
            if waiting_for is not None:
                await waiting_for

    def get_current_user(self) -> str | None:
        """Return the reader's name."""
        return None if self.viewer is None else self.viewer.name

    def write_error(self, status_code: int, **about: Any) -> None:
        """Answer with a page instead of a stack of calls."""
        apologise(self, status_code)


class _Front(_Reading):
    async def get(self) -> None:
        links = {"base": "/", "render": "", "lab": "", "viewer": self.get_current_user()}
        await self.finish(gallery.render(self.house.shelf.folder, links, shown=self.house.shelf.cards()))


class _Picture(_Reading):
    async def get(self, path: str) -> None:
        await self.finish(picture(self, path))


def _guarded_page(kind: type[Any]) -> type[Any]:
    """Return a handler of pages for readers in turn; nobody names a session, each gets one of their own."""

    class Page(_Reading, kind):  # type: ignore[misc]
        async def get(self, *args: Any, **kwargs: Any) -> None:
            if any(word in self.request.arguments or word in self.request.headers for word in _SESSION_WORDS):
                raise HTTPError(HTTPStatus.FORBIDDEN)
            viewer = self.house.door.viewer(self)
            if viewer is None:
                raise HTTPError(HTTPStatus.FORBIDDEN)
            answer = self.house.turns.ask(f"{viewer.browser} {self.request.path}", viewer.reader)
            if not isinstance(answer, Turn):
                waiting(self, answer, viewer.name)
                return
            self._turn = answer
            try:
                await super().get(*args, **kwargs)
            finally:
                self.house.turns.made(answer)

        async def get_session(self) -> Any:
            session = await super().get_session()
            if self.viewer is not None:
                self.house.give(self.viewer, session.id, self._turn)
                self.house.door.audit.write("opened", reader=self.viewer.name, what=self.request.path)
            return session

    return Page


def _guarded_socket(kind: type[Any]) -> type[Any]:
    """Return a handler of connections to the session that was made for the same browser."""

    class Socket(kind):  # type: ignore[misc]
        viewer: Viewer | None = None

        @property
        def idle(self) -> float:
            """Seconds since something was said, either way."""
            return time.monotonic() - self._used

        async def prepare(self) -> None:
            house: House = self.settings["prism_house"]
            self.viewer = house.door.viewer(self)
            words = self.request.headers.get("Sec-Websocket-Protocol", "").split(",")
            if self.viewer is None or len(words) != 2 or not house.owns(self.viewer, _session_of(words[1].strip())):
                raise HTTPError(HTTPStatus.NOT_FOUND)
            self._used = time.monotonic()
            _SOCKETS.add(self)

        async def on_message(self, fragment: str | bytes) -> None:
            self._used = time.monotonic()
            await super().on_message(fragment)

        async def send_message(self, message: Any) -> None:
            self._used = time.monotonic()  # as Jupyter counts: a page that works or streams is not idle
            await super().send_message(message)

        def on_close(self) -> None:
            _SOCKETS.discard(self)
            super().on_close()

        def check_origin(self, origin: str) -> bool:
            """Let pages of this very address connect, by whatever name it is reached, and those named to Bokeh."""
            here = urlsplit(origin).netloc.lower() == self.request.headers.get("Host", "").lower()
            return here or bool(super().check_origin(origin))

        def get_current_user(self) -> str | None:
            return None if self.viewer is None else self.viewer.name

        def write_error(self, status_code: int, **about: Any) -> None:
            apologise(self, status_code)

    return Socket


def _session_of(token: str) -> str:
    try:
        return str(get_session_id(token))
    except (ValueError, KeyError, TypeError):
        return ""


class _Sessions:
    """The running sessions, as the house asks for kernels."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def __contains__(self, session: str) -> bool:
        contexts = self._server._tornado._applications.values()
        return any(session in context._sessions for context in contexts)


def serve(rules: Rules, *, port: int, ip: str, preheat: bool, debug: bool) -> None:
    """Run the server until Ctrl-C or SIGTERM.

    Parameters
    ----------
    rules
        What readers may do.
    port, ip
        Where it listens.
    preheat
        Whether sessions are kept ready, as many as each page's metadata says.
    debug
        Whether it logs what it does.

    Notes
    -----
    The pages are those there are when it starts.
    """
    os.environ.update(rules.environment())
    door, shelf = Door(Tokens(), Audit(), base="/", port=port), Shelf(rules.folder, rules.published)
    turns = Turns(viewers=rules.viewers, each=rules.per_reader, starting=_STARTS_AT_ONCE, lives=lambda _: False)
    house = House(door, shelf, turns)
    house.turns.lives = house.lives
    shown = shelf.pages().values()
    applications = {f"{one.name}.ipynb": page(one.notebook, one.preheat if preheat else 0) for one in shown}
    for application in applications.values():
        application.add(asleep.Notice(rules.idle_minutes))
    _close_doors()
    warm(applications.values())
    panel.config.log_level = "INFO" if debug else "ERROR"
    server = get_server(
        applications,
        port=port,
        address=ip,
        websocket_origin=f"127.0.0.1:{port}",
        show=False,
        verbose=False,
        extra_patterns=[
            (r"/prism/?", _Front),
            (r"/prism/thumbs/(.+)", _Picture),
            (r"/prism/static/(.*)", StaticFileHandler, {"path": str(places.share_folder() / "static")}),
        ],
        http_server_kwargs={"max_body_size": LARGEST_BODY},
        exclude_headers=["Cookie"],  # what a page's script can read holds no key
        exclude_cookies=[door.cookie],
    )
    house.manager = _Sessions(server)
    _only(server._tornado, house, [f"/{name}" for name in applications])
    sweeper = PeriodicCallback(lambda: _sweep(house, rules.idle_minutes), _SWEEP_MS)
    sweeper.start()
    signal.signal(signal.SIGTERM, lambda *_: server.io_loop.add_callback_from_signal(server.io_loop.stop))
    try:
        server.start()
        server.io_loop.start()
    finally:
        shelf.close()


def _close_doors() -> None:
    """Leave of each page its document and its connection, both behind the door, and of the rest library files."""
    answer_with_ready_pages()
    kept = [(path, kind) for path, kind in per_app_patterns if path in ("/?", "/ws")]
    per_app_patterns[:] = [
        (path, _guarded_page(kind) if issubclass(kind, DocHandler) else _guarded_socket(kind)) for path, kind in kept
    ]
    toplevel_patterns[:] = [(r"/?", _Front), *toplevel_patterns[1:]]


def _only(application: Any, house: House, pages: list[str]) -> None:
    """Answer all addresses but the known ones as if nothing were there, whatever a library adds."""
    known = re.compile("|".join([_FILES, _OWN, *(f"{re.escape(one)}(/ws)?" for one in pages)]))
    application.settings.update(prism_house=house, cookie_secret=house.door.secret, log_function=quiet_log)
    find = application.find_handler

    def find_handler(request: Any, **about: Any) -> Any:
        if known.fullmatch(request.path):
            return find(request, **about)
        return application.get_handler_delegate(request, Elsewhere)

    application.find_handler = find_handler


def _sweep(house: House, idle_minutes: float) -> None:
    """Cut off readers whose token was revoked, and put pages to sleep that nobody uses."""
    cut = house.cut_off()
    for socket in list(_SOCKETS):
        if socket.viewer is not None and house.door.valid(socket.viewer.reader) is None:
            socket.close(code=4403, reason="This token was revoked.")
    for session, viewer in cut.items():
        house.forget(session)
        house.door.audit.write("cut off", reader=viewer.name, what=session)
    for session, lines in asleep.unused(_SOCKETS, 60 * idle_minutes).items():
        house.forget(session.id)
        _SOCKETS.difference_update(lines)
        asleep.put_to_sleep(session, lines)
