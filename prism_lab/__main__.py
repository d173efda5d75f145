"""Start one of the servers: ``python -m prism_lab [lab|voila|panel|readers]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from prism_kernels.errors import PrismError


def main(arguments: list[str] | None = None) -> int:
    """Run the server that the arguments name.

    Parameters
    ----------
    arguments
        Command line without the program's name; the process's own when not given.
    """
    parser = argparse.ArgumentParser(prog="python -m prism_lab", description=__doc__)
    parser.add_argument("server", nargs="?", default="lab", choices=("lab", "voila", "panel", "readers"))
    parser.add_argument("--port", type=int)
    parser.add_argument("--ip", default="127.0.0.1")
    parser.add_argument("--folder", help="folder to work in (lab) or of dashboards (voila, panel)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser (lab)")
    parser.add_argument("--cold", action="store_true", help="keep no kernels ready (voila)")
    parser.add_argument("--token", help="what readers must know; '' for an open server (voila)")
    parser.add_argument("--debug", action="store_true", help="log what the server does; show tracebacks")
    readers = parser.add_argument_group("readers")
    readers.add_argument("--by", default="voila", choices=("voila", "panel"), help="which server runs the pages")
    readers.add_argument("--data-root", type=Path, help="below it pages may read files")
    readers.add_argument("--allow-url", action="append", default=[], help="pattern of addresses pages may read")
    readers.add_argument("--max-upload", default="200M", help="largest upload")
    readers.add_argument("--viewers", type=int, help="how many pages may be open at once")
    readers.add_argument("--per-reader", type=int, help="how many of them one reader may have; half when not given")
    readers.add_argument("--idle-minutes", type=float, default=60.0, help="after so long a page is put to sleep")
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
    if given.server == "readers":
        return _readers(given, place)
    if given.server == "voila":
        return launch.voila(**place, dashboards=given.folder, preheat=not given.cold, token=given.token)
    return launch.panel_serve(**place, dashboards=given.folder)


def _readers(given: argparse.Namespace, place: dict[str, Any]) -> int:
    from prism_lab.readers.serve import readers
    from prism_lab.readers.settings import Rules

    rules = Rules.of(
        Path(given.folder) if given.folder else None,
        data_root=given.data_root,
        allow_urls=tuple(given.allow_url),
        max_upload=given.max_upload,
        viewers=given.viewers,
        per_reader=given.per_reader,
        idle_minutes=given.idle_minutes,
        by=given.by,
    )
    return readers(rules, by=given.by, preheat=not given.cold, **place)


if __name__ == "__main__":
    sys.exit(main())
