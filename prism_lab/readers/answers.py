"""What both readers' servers say in the same words: sorry, not here, wait, and which picture."""

from __future__ import annotations

import mimetypes
from http import HTTPStatus
from typing import TYPE_CHECKING

from tornado.log import access_log
from tornado.web import HTTPError, RequestHandler

from prism_lab.readers.door import page
from prism_lab.readers.turns import Line

if TYPE_CHECKING:
    from prism_lab.readers.house import House

__all__ = ["LARGEST_BODY", "VIEWER_HEADER", "Elsewhere", "apologise", "picture", "quiet_log", "waiting"]

VIEWER_HEADER = "X-Prism-Viewer"
"""Under this name a page finds who views it: a variable ``HTTP_X_PRISM_VIEWER`` by Voila, a header by Panel."""

LARGEST_BODY = 1_000_000
"""Bytes a request may bring: pages send what people upload through their connection, piece by piece."""

_RETRY_SECONDS = 3


def apologise(handler: RequestHandler, status: int) -> None:
    """Answer with a page that says what cannot be.

    Parameters
    ----------
    handler
        Handler of the request.
    status
        What HTTP calls it.
    """
    base = handler.settings["prism_house"].door.base
    if status == HTTPStatus.NOT_FOUND:
        title, sentence = "Not here", "There is no dashboard at this address. It may have been renamed or taken down."
    elif status in (HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED):
        handler.set_status(HTTPStatus.FORBIDDEN)
        title, sentence = "No entry", "This server does not let you do this."
    else:
        title, sentence = "Something went wrong", "The page could not be shown. The server's log has the details."
    handler.set_header("Content-Type", "text/html; charset=UTF-8")
    handler.finish(page(base, title, [sentence], front=True))


class Elsewhere(RequestHandler):  # type: ignore[misc]
    """Answers for every address that is not a route."""

    def prepare(self) -> None:
        """Say that nothing is here, to whatever method."""
        self.set_status(HTTPStatus.NOT_FOUND)
        apologise(self, HTTPStatus.NOT_FOUND)

    def check_xsrf_cookie(self) -> None:
        """Let every method come as far as the answer."""


def waiting(handler: RequestHandler, line: Line, reader: str) -> None:
    """Answer with the place in line, on a page that asks again.

    Parameters
    ----------
    handler
        Handler of the request.
    line
        The place.
    reader
        Who waits.
    """
    door = handler.settings["prism_house"].door
    door.audit.write("waits", reader=reader, what=handler.request.path)
    others = f" of {line.length}" if line.length > 1 else ""
    sentences = [
        f"You are number {line.place}{others} in line: as many people as this server can serve look at dashboards.",
        f"This page asks again every {_RETRY_SECONDS} seconds and opens by itself when it is your turn.",
    ]
    handler.set_status(HTTPStatus.SERVICE_UNAVAILABLE)
    handler.set_header("Retry-After", str(_RETRY_SECONDS))
    handler.finish(page(door.base, "One moment: the house is full", sentences, retry=_RETRY_SECONDS, front=True))


def picture(handler: RequestHandler, path: str) -> bytes:
    """Return a card's thumbnail, its kind told in the headers; what no card names is not there.

    Parameters
    ----------
    handler
        Handler of the request.
    path
        As in the gallery's page.
    """
    house: House = handler.settings["prism_house"]
    found = house.shelf.picture(path)
    if found is None:
        raise HTTPError(HTTPStatus.NOT_FOUND)
    handler.set_header("Content-Type", mimetypes.guess_type(found.name)[0] or "application/octet-stream")
    handler.set_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
    handler.set_header("Cache-Control", "private, max-age=60")
    return found.read_bytes()


def quiet_log(handler: RequestHandler) -> None:
    """Log a request without its query, where a token may stand.

    Parameters
    ----------
    handler
        Handler of the request.
    """
    status = handler.get_status()
    write = access_log.info if status < HTTPStatus.INTERNAL_SERVER_ERROR else access_log.error
    write("%d %s %s", status, handler.request.method, handler.request.path)
