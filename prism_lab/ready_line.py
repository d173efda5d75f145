"""Says where a server answers, once it does."""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable
from urllib.parse import urlencode

__all__ = ["address_of", "announce"]

_PATIENCE = 120.0


def address_of(ip: str, port: int, path: str, token: str) -> str:
    """Write the address a browser on this machine opens.

    Parameters
    ----------
    ip, port
        Where the server listens.
    path
        Path behind the port.
    token
        What it must know; empty for nothing.
    """
    host = "127.0.0.1" if ip in ("", "0.0.0.0", "::") else f"[{ip}]" if ":" in ip else ip
    query = "?" + urlencode({"token": token}) if token else ""
    return f"http://{host}:{port}{path}{query}"


def announce(address: str, browser: bool, say: Callable[[str], object] = sys.stdout.write, *, asked: str = "") -> None:
    """Print the address once the server answers there.

    Parameters
    ----------
    address
        Where it will answer.
    browser
        Whether to open the address in a browser.
    say
        What prints.
    asked
        Another address to ask in its place, where the first one is not for everybody.
    """
    until = time.monotonic() + _PATIENCE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        try:
            with opener.open(asked or address, timeout=5):
                break
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    else:
        sys.stderr.write(f"PRISM did not answer at {address} within {_PATIENCE:.0f} s\n")
        return
    say(f"PRISM is ready: {address}\nStop it with Ctrl-C.\n")
    sys.stdout.flush()
    if browser:
        webbrowser.open(address)
