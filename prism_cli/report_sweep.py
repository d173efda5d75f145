"""``prism report run --sweep``: many reports, and what became of them, on the screen."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prism_kernels.progress import Listener
    from prism_lab.reports.expectation import Expectation
    from prism_lab.reports.sweep import Sweep

__all__ = ["sweep"]

_FAILED, _REFUSED, _SIGNALLED = 1, 2, 128


def sweep(
    name: str,
    file: Path,
    common: Mapping[str, Any],
    *,
    out: Path | None,
    expect: Sequence[Expectation],
    processes: int | None,
    dask: str | None,
) -> int:
    """Make the reports of a sweep and return the exit code.

    Parameters
    ----------
    name
        Name of a template or operation, or path of a notebook.
    file
        The file of the sweep.
    common
        Parameters that all of them share.
    out
        Folder to write to; None for ``reports/<name>-<file>``, so that the same call goes on where it stopped.
    expect
        What is expected of the key numbers.
    processes
        Kernels at a time, here.
    dask
        Address of a scheduler.
    """
    from prism_cli.terminal import Bar
    from prism_kernels.progress import Listener, listen
    from prism_lab.reports.cluster import connected
    from prism_lab.reports.sweep import run_sweep
    from prism_lab.reports.sweep_file import read_sweep

    sets = read_sweep(file)
    called = Path(name).stem if name.endswith(".ipynb") else name
    folder = out or Path("reports") / f"{called}-{file.stem}"
    bar = Bar(called, leave=True)
    try:
        with listen(Listener(bar)) as ear, _signals_cancel(ear) as told, connected(dask):
            made = run_sweep(name, sets, out=folder, common=common, expect=expect, processes=processes)
    finally:
        bar.close()
    code = _say(made)
    return _SIGNALLED + told[0] if made.stopped and told else code


@contextmanager
def _signals_cancel(ear: Listener) -> Iterator[list[int]]:
    """Let Ctrl-C and SIGTERM stop the sweep, and keep which of them did."""
    told: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        told.append(number)
        ear.cancel()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(made: Sweep) -> int:
    from prism_lab.reports.expectation import unknown

    code, good = 0, 0
    for item in made.items:
        entry = made.entries.get(item.number)
        if entry is None or entry.verdict == "completed":
            good += entry is not None
            continue
        missing = unknown(entry.expectations)
        code = max(code, _REFUSED if missing else _FAILED)
        about = ", ".join(f"{n} = {v}" for n, v in item.given.items())
        print(
            f"prism: item {item.number} ({about}): {entry.error or missing or unmet(entry.expectations)}",
            file=sys.stderr,
        )
    left = len(made.items) - len(made.entries)
    counts = [f"{good} completed", f"{len(made.again)} of them before"] if made.again else [f"{good} completed"]
    bad = len(made.entries) - good
    counts += [f"{bad} failed or not as expected"] if bad else []
    counts += [f"{left} left; the same command goes on from here"] if left else []
    print(f"{len(made.items)} reports: {', '.join(counts)}")
    print(made.index or made.folder)
    return max(code, _FAILED) if left else code


def unmet(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Say which conditions are not met, and by what.

    Parameters
    ----------
    verdicts
        What became of each condition.
    """
    said = [f"{one['name']} is {_number(one['value'])}" for one in verdicts if not one["holds"]]
    conditions = dict.fromkeys(str(one["condition"]) for one in verdicts if not one["holds"])
    return f"not as expected ({', '.join(conditions)}): {', '.join(said)}"


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.6g}"
