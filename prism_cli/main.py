"""The way in and the way out: arguments to the app, errors to one sentence and an exit code.

Exit codes: 0 done, 1 failed, 2 refused (bad parameters, bad data), 130 stopped with Ctrl-C, 143 stopped by SIGTERM.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence

__all__ = ["main"]

_FAILED, _REFUSED, _STOPPED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one ``prism`` command and leave with its exit code.

    Parameters
    ----------
    arguments
        What stands after ``prism`` on the command line; None reads it from there.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = ["--debug"] * debug + [a for a in given if a != "--debug"]
    try:
        from prism_cli.app import app
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        sys.exit("prism needs typer, which is not installed; get it with: pip install 'prism-lab[lab]'")
    try:
        app(given, prog_name="prism")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_FAILED)
    except KeyboardInterrupt:
        _say("stopped")
        sys.exit(_STOPPED)
    except Exception as error:
        if debug:
            traceback.print_exc()
        sys.exit(_explain(error, debug=debug))


def _explain(error: Exception, *, debug: bool) -> int:
    from prism_kernels.errors import Cancelled, InvalidInput, PrismError

    if isinstance(error, Cancelled):
        _say("stopped; nothing was written")
        return _STOPPED
    if isinstance(error, InvalidInput):
        _say(str(error))
        return _REFUSED
    if isinstance(error, PrismError):
        _say(str(error))
        return _FAILED
    way_out = "" if debug else " (--debug shows where)"
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        _say(f"{place}{error.strerror}{way_out}")
    else:
        _say(f"{type(error).__name__}: {error}{way_out}")
    return _FAILED


def _say(sentence: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(f"prism: {' '.join(sentence.split())}", file=sys.stderr, flush=True)
