"""The door: who comes in, by a token once and by a cookie from then on."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from prism_lab.readers.audit import Audit
from prism_lab.readers.tokens import Reader, Tokens

if TYPE_CHECKING:
    import jinja2
    from tornado.web import RequestHandler

__all__ = ["Door", "Viewer", "page"]

_REMEMBERED_SECONDS = 1.0  # so long a revoked token may still open a door
_COOKIE_DAYS = 30
STRANGER = ("This page needs a link with a token.", "Ask the person who told you about it for a new link.")


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """One browser of one reader.

    Attributes
    ----------
    reader
        Number of the token.
    name
        Who it was made for.
    browser
        Random word of this browser; what was started for it belongs to it alone.
    """

    reader: int
    name: str
    browser: str


class Door:
    """Knows readers by their tokens and cookies.

    Parameters
    ----------
    tokens
        The readers' tokens.
    audit
        Where it is written who came.
    base
        Prefix of every address of this server.
    port
        Port of this server: cookies know no ports, so their name does.
    """

    def __init__(self, tokens: Tokens, audit: Audit, *, base: str, port: int) -> None:
        self.tokens, self.audit, self.base = tokens, audit, base
        self.cookie = f"prism-reader-{port}"
        self.secret = tokens.cookie_secret()
        self._valid: dict[int, Reader] = {}
        self._looked = float("-inf")

    def valid(self, reader: int) -> Reader | None:
        """Return the reader of a number while the token counts."""
        if time.monotonic() - self._looked > _REMEMBERED_SECONDS:
            self._valid, self._looked = self.tokens.valid(), time.monotonic()
        found = self._valid.get(reader)
        return found if found is not None and found.state() == "valid" else None

    def viewer(self, handler: RequestHandler) -> Viewer | None:
        """Return who asks, by the cookie.

        Parameters
        ----------
        handler
            Handler of the request.
        """
        signed = handler.get_signed_cookie(self.cookie)
        try:
            number, browser = json.loads(signed or b"null")
        except (ValueError, TypeError):
            return None
        reader = self.valid(number)
        return None if reader is None else Viewer(reader=reader.id, name=reader.name, browser=browser)

    def enter(self, handler: RequestHandler) -> Viewer | None:
        """Return who asks, or answer the request: a token becomes a cookie, a stranger is told what is needed.

        Parameters
        ----------
        handler
            Handler of the request.

        Notes
        -----
        The cookie is never sent along when another site leads here (``SameSite=Strict``), redirects included. Such a
        visit gets a page that goes on by itself, which makes it a visit from here.
        """
        _guard(handler)
        token = handler.get_query_argument("token", "") if handler.request.method == "GET" else ""
        if token:
            self._exchange(handler, token)
            return None
        viewer = self.viewer(handler)
        if viewer is None:
            if _from_elsewhere(handler):
                self._go_on(handler, _local(handler.request.path, handler.request.query))
            else:
                self._refuse(handler)
        return viewer

    def _exchange(self, handler: RequestHandler, token: str) -> None:
        reader = self.tokens.find(token)
        if reader is None:
            self._refuse(handler)
            return
        self._valid[reader.id] = reader  # it may be newer than what is remembered
        before = self.viewer(handler)
        browser = before.browser if before is not None and before.reader == reader.id else secrets.token_urlsafe(16)
        options: dict[str, Any] = {"httponly": True, "samesite": "Strict", "path": self.base}
        forwarded = handler.request.headers.get("X-Forwarded-Proto", "")
        options["secure"] = "https" in (handler.request.protocol, forwarded.partition(",")[0].strip().lower())
        value = json.dumps([reader.id, browser])
        handler.set_signed_cookie(self.cookie, value, expires_days=_COOKIE_DAYS, **options)
        self.audit.write("signed in", reader=reader.name, what=handler.request.path)
        rest = [(k, v) for k, v in parse_qsl(handler.request.query, keep_blank_values=True) if k != "token"]
        clean = _local(handler.request.path, urlencode(rest))
        if _from_elsewhere(handler):
            self._go_on(handler, clean)
        else:
            handler.redirect(clean, status=HTTPStatus.SEE_OTHER)

    def _go_on(self, handler: RequestHandler, address: str) -> None:
        handler.finish(page(self.base, "One moment", ["The page opens by itself."], onward=address))

    def _refuse(self, handler: RequestHandler) -> None:
        self.audit.write("refused", reader="", what=handler.request.path)
        handler.set_status(HTTPStatus.FORBIDDEN)
        handler.finish(page(self.base, "No entry", STRANGER))


def _local(path: str, query: str) -> str:
    """Write an address on this server: a path of two slashes would lead to another."""
    return "/" + path.replace("\\", "/").lstrip("/") + (f"?{query}" if query else "")


def _guard(handler: RequestHandler) -> None:
    handler.set_header("Cache-Control", "no-store")
    handler.set_header("Referrer-Policy", "same-origin")
    handler.set_header("X-Content-Type-Options", "nosniff")
    handler.set_header("Content-Security-Policy", "frame-ancestors 'self'")


def _from_elsewhere(handler: RequestHandler) -> bool:
    headers = handler.request.headers
    elsewhere = headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    return elsewhere and headers.get("Sec-Fetch-Mode") == "navigate" and handler.request.method == "GET"


@cache
def _template() -> jinja2.Template:
    from jinja2 import Environment, FileSystemLoader

    from prism_lab.places import share_folder

    return Environment(loader=FileSystemLoader(share_folder()), autoescape=True).get_template("reader.html.j2")


def page(
    base: str, title: str, sentences: Sequence[str], *, retry: int = 0, front: bool = False, onward: str = ""
) -> str:
    """Write one of the server's own pages.

    Parameters
    ----------
    base
        Prefix of every address of this server.
    title, sentences
        What it says.
    retry
        After so many seconds the browser asks again; 0 for never.
    front
        Whether it links to the gallery.
    onward
        Address the browser goes on to at once.
    """
    links: dict[str, Any] = {"base": base, "retry": retry, "front": front, "onward": onward}
    return _template().render(title=title, sentences=sentences, **links)
