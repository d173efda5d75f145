"""Run a notebook cell by cell: progress, durations, and what was there when it had to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prism_kernels import progress
from prism_kernels.errors import Cancelled

__all__ = ["CellTime", "Outcome", "execute"]

_LABEL = "cells"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_UNTAKEN = (signal.SIG_DFL, signal.default_int_handler)
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class CellTime:
    """How long one cell took: its number in the notebook, the heading it stands under, seconds."""

    cell: int
    heading: str
    seconds: float


@dataclass(kw_only=True)
class Outcome:
    """How a run of a notebook ended.

    Attributes
    ----------
    status
        ``completed``, ``failed`` (a cell raised) or ``interrupted`` (stopped, or the kernel died).
    error
        The kernel's own sentence; empty when it completed.
    signal
        Number of the signal that stopped it; 0 for none.
    cells
        Durations of the cells that ran.
    total
        Number of cells with code.
    """

    status: str = "completed"
    error: str = ""
    signal: int = 0
    cells: list[CellTime] = field(default_factory=list)
    total: int = 0


def execute(notebook: Any, *, folder: Path, environment: Mapping[str, str] | None = None) -> Outcome:
    """Run a notebook in a kernel of its own, in place: outputs are written into it as they come.

    SIGINT and SIGTERM stop it and keep what is there, unless somebody else handles them. Progress goes to the listener
    of the running work, which can stop it in the middle of a cell.

    Parameters
    ----------
    notebook
        The notebook, changed in place.
    folder
        Working folder of the kernel.
    environment
        Variables of the kernel beside those of this process.
    """
    free = [n for n in _SIGNALS if signal.getsignal(n) in _UNTAKEN]  # asked here: asyncio.run takes SIGINT itself
    return asyncio.run(_execute(notebook, folder, {**os.environ, **(environment or {})}, free))


async def _execute(
    notebook: Any, folder: Path, environment: Mapping[str, str], signals: Sequence[signal.Signals]
) -> Outcome:
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    outcome = Outcome(total=sum(bool(_code(cell)) for cell in notebook.cells))
    with _signals_stop(outcome, signals):
        try:
            await _run_cells(notebook, folder, environment, outcome)
        except CellExecutionError as error:
            outcome.status = "failed"
            outcome.error = _sentence(error.ename, error.evalue, len(outcome.cells))
        except (DeadKernelError, asyncio.CancelledError, Cancelled) as error:
            outcome.status = "interrupted"
            outcome.error = _reason(error, outcome.signal)
    return outcome


def _reason(error: BaseException, number: int) -> str:
    """Say why a run did not go on; nbclient tells a cancelled cell as a dead kernel, so the signal is asked first."""
    if number:
        return f"stopped by {signal.Signals(number).name}"
    ear = progress.listener()
    if isinstance(error, Cancelled | asyncio.CancelledError) or (ear is not None and ear.cancelled):
        return "stopped by its caller"
    return "the kernel died; the machine may have run out of memory"


async def _run_cells(notebook: Any, folder: Path, environment: Mapping[str, str], outcome: Outcome) -> None:
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    sockets = tempfile.TemporaryDirectory(prefix="prism-")  # of this user alone, where TCP ports are everybody's
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{sockets.name}/k")
    client = NotebookClient(notebook, km=manager, timeout=None, resources={"metadata": {"path": str(folder)}})
    progress.report(0, outcome.total, _LABEL)
    try:
        with _listener_stops():  # not the clean-up
            await client.async_start_new_kernel(env=dict(environment))
            await client.async_start_new_kernel_client()
            await _each_cell(client, notebook, outcome)
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        if manager.has_kernel:
            await asyncio.shield(manager.shutdown_kernel(now=True))
        sockets.cleanup()


async def _each_cell(client: Any, notebook: Any, outcome: Outcome) -> None:
    heading = ""
    for number, cell in enumerate(notebook.cells):
        heading = _heading(cell) or heading
        if not _code(cell):
            continue
        progress.report(len(outcome.cells), outcome.total, _LABEL)
        start = time.perf_counter()
        try:
            await client.async_execute_cell(cell, number)
        finally:
            outcome.cells.append(CellTime(number, heading, time.perf_counter() - start))
    progress.report(outcome.total, outcome.total, _LABEL)


@contextlib.contextmanager
def _signals_stop(outcome: Outcome, signals: Sequence[signal.Signals]) -> Iterator[None]:
    """Let a signal cancel the running task; outside the main thread nobody sends one."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop(number: int) -> None:
        outcome.signal = number
        if task is not None:
            task.cancel()

    installed = []
    with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):
        for number in signals:
            loop.add_signal_handler(number, stop, number)
            installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _listener_stops() -> Iterator[None]:
    """Let the listener of the running work cancel the running task, also in the middle of a cell."""
    ear, task = progress.listener(), asyncio.current_task()

    async def watch() -> None:
        while ear is not None and not ear.cancelled:
            await asyncio.sleep(_POLL_SECONDS)
        if ear is not None and task is not None:
            task.cancel()

    watcher = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        watcher.cancel()


def _code(cell: Any) -> str:
    return str(cell.source).strip() if cell.cell_type == "code" else ""


def _heading(cell: Any) -> str:
    lines = str(cell.source).splitlines() if cell.cell_type == "markdown" else []
    return next((line.lstrip("# ").strip() for line in lines if line.startswith("#")), "")


def _sentence(name: str, value: str, cell: int) -> str:
    """Write what the kernel said; an assertion without words is told by its cell."""
    said = " ".join(value.split())
    if not said:
        return f"{name} in cell {cell}"
    return (
        said
        if name in ("InvalidInput", "NotConverged", "MissingLibrary", "MixedArrays", "PrismError")
        else f"{name}: {said}"
    )
