"""What both readers' servers say in the same words: sorry, not here, wait, and which picture."""

from __future__ import annotations

import mimetypes
from http import HTTPStatus
from typing import TYPE_CHECKING

from tornado.log import access_log
from tornado.web import HTTPError, RequestHandler

from prism_lab.readers.door import page
from prism_lab.readers.turns import Enough, Line

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


def waiting(handler: RequestHandler, answer: Line | Enough, reader: str) -> None:
    """Answer with the place in line, or that the reader has enough pages open, on a page that asks again.

    Parameters
    ----------
    handler
        Handler of the request.
    answer
        The place, or how many the reader has.
    reader
        Who waits.
    """
    door = handler.settings["prism_house"].door
    door.audit.write("waits", reader=reader, what=handler.request.path)
    if isinstance(answer, Enough):
        title, again = "One moment: close another page first", "opens by itself when one of them is closed"
        pages = "1 page" if answer.pages == 1 else f"{answer.pages} pages"
        why = f"You have {pages} open or in line, as many as one reader may have here."
    else:
        title, again = "One moment: the house is full", "opens by itself when it is your turn"
        others = f" of {answer.length}" if answer.length > 1 else ""
        full = "as many people as this server can serve look at dashboards"
        why = f"You are number {answer.place}{others} in line: {full}."
    sentences = [why, f"This page asks again every {_RETRY_SECONDS} seconds and {again}."]
    handler.set_status(HTTPStatus.SERVICE_UNAVAILABLE)
    handler.set_header("Retry-After", str(_RETRY_SECONDS))
    handler.finish(page(door.base, title, sentences, retry=_RETRY_SECONDS, front=True))


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
