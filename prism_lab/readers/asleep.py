"""Puts pages of Panel's server to sleep that nobody uses: with a notice, and the way to wake them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from bokeh.application.handlers.handler import Handler

__all__ = ["Notice", "put_to_sleep", "unused"]

_CODE = 4408
_SHOW = """
const notice = document.createElement("div")
notice.setAttribute("role", "alert")
notice.style.cssText = `position:fixed;inset:0 0 auto 0;z-index:10000;padding:14px 20px;text-align:center;
  font:16px system-ui,sans-serif;background:#fff3cd;color:#332701;border-bottom:1px solid #b58900`
const link = document.createElement("a")
link.href = ""
link.onclick = () => { window.location.reload(); return false }
link.style.color = "#0b4f9e"
link.textContent = "Reload"
document.body.append(notice)
notice.append(said, link, " it to go on; it begins as it was opened.")
"""


class Notice(Handler):  # type: ignore[misc]
    """Comes after a page's notebook and lets the page say when it is no longer connected; Panel's stay silent.

    Parameters
    ----------
    minutes
        After how many without use pages are put to sleep.
    """

    def __init__(self, minutes: float) -> None:
        super().__init__()
        told = f"{minutes:g} minute{'s' * (minutes != 1)}"
        self._said = f"This page sleeps: nobody used it for {told}, or its connection was lost. "

    def modify_document(self, doc: Any) -> None:
        """Teach a page the notice."""
        from bokeh.events import ConnectionLost
        from bokeh.models import CustomJS

        doc.js_on_event(ConnectionLost, CustomJS(code=_SHOW, args={"said": self._said}))


def unused(lines: Iterable[Any], seconds: float) -> dict[Any, list[Any]]:
    """Return the sessions nobody has used for so long, with the connections of their pages.

    Parameters
    ----------
    lines
        Open connections, each with ``idle``, the seconds since something was said.
    seconds
        For how long.
    """
    found: dict[Any, list[Any]] = defaultdict(list)
    for line in lines:
        if line.connection is not None:
            found[line.connection.session].append(line)
    return {session: pages for session, pages in found.items() if min(page.idle for page in pages) > seconds}


def put_to_sleep(session: Any, lines: Iterable[Any]) -> None:
    """Hang up on a session's pages, which then show their notice, and end the session.

    Parameters
    ----------
    session
        The session.
    lines
        The connections of its pages.
    """
    for line in lines:
        line.close(code=_CODE, reason="This page was put to sleep.")
    session.request_expiration()
