"""Starts the readers' server."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from typing import Literal

from prism_lab import places
from prism_lab.footing import free_port, writable_runtime
from prism_lab.readers.settings import Rules
from prism_lab.readers.tokens import Tokens
from prism_lab.ready_line import address_of, announce

__all__ = ["readers"]


def readers(
    rules: Rules,
    *,
    by: Literal["voila", "panel"] = "voila",
    port: int = 8866,
    ip: str = "127.0.0.1",
    preheat: bool = True,
    debug: bool = False,
) -> int:
    """Serve dashboards to people with a token, and nothing else to anybody, until Ctrl-C or SIGTERM.

    Parameters
    ----------
    rules
        What readers may do, and how many of them.
    by
        Which server runs the pages: Voila starts a process for each viewer, Panel serves all from one.
    port
        TCP port, 1 to 65535.
    ip
        Address to listen on.
    preheat
        Whether pages are kept ready, as many as each dashboard's metadata says.
    debug
        Whether the server logs what it does.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    InvalidInput
        When the port is taken, or the tokens or the log cannot be written.
    """
    free_port(ip, port)
    writable_runtime()
    os.environ.update(places.jupyter_paths())
    os.chdir(rules.folder)  # Voila reads voila.json of the current folder last
    if not Tokens().valid():
        sys.stderr.write("Nobody has a token yet; make one with: prism dashboards token create --name WHO\n")
    if not debug:
        import voila  # noqa: F401 - it switches developers' notes on when it is imported

        warnings.filterwarnings("ignore", category=DeprecationWarning)
    asked = {"asked": address_of(ip, port, "/prism/static/prism.svg", "")}
    threading.Thread(target=announce, args=(address_of(ip, port, "/", ""), False), kwargs=asked, daemon=True).start()
    if by == "panel":
        from prism_lab.readers import by_panel

        by_panel.serve(rules, port=port, ip=ip, preheat=preheat, debug=debug)
    else:
        from prism_lab.readers import by_voila

        by_voila.server(rules, port=port, ip=ip, preheat=preheat, debug=debug).start()
    return 0
