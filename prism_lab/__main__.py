"""Start one of the servers: ``python -m prism_lab [lab|voila|panel]``."""

from __future__ import annotations

import argparse
import sys

from prism_kernels.errors import PrismError


def main(arguments: list[str] | None = None) -> int:
    """Run the server that the arguments name.

    Parameters
    ----------
    arguments
        Command line without the program's name; the process's own when not given.
    """
    parser = argparse.ArgumentParser(prog="python -m prism_lab", description=__doc__)
    parser.add_argument("server", nargs="?", default="lab", choices=("lab", "voila", "panel"))
    parser.add_argument("--port", type=int)
    parser.add_argument("--ip", default="127.0.0.1")
    parser.add_argument("--folder", help="folder to work in (lab) or of dashboards (voila, panel)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser (lab)")
    parser.add_argument("--cold", action="store_true", help="keep no kernels ready (voila)")
    parser.add_argument("--token", help="what readers must know; '' for an open server (voila)")
    parser.add_argument("--debug", action="store_true", help="log what the server does; show tracebacks")
    given = parser.parse_args(arguments)
    try:
        return _start(given)
    except PrismError as error:
        if given.debug:
            raise
        sys.stderr.write(f"{error}\n")
        return 2


def _start(given: argparse.Namespace) -> int:
    from prism_lab import launch

    place = {"ip": given.ip, "debug": given.debug} | ({"port": given.port} if given.port else {})
    if given.server == "lab":
        return launch.lab(**place, browser=not given.no_browser, notebook_dir=given.folder)
    if given.server == "voila":
        return launch.voila(**place, dashboards=given.folder, preheat=not given.cold, token=given.token)
    return launch.panel_serve(**place, dashboards=given.folder)


if __name__ == "__main__":
    sys.exit(main())
