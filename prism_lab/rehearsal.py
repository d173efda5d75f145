"""Tries a notebook out before readers get it: in a kernel of its own, an empty folder, and a limited time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prism_kernels import progress
from prism_kernels.errors import InvalidInput
from prism_lab.draft import Draft, missing_package
from prism_lab.quarantine import Quarantine
from prism_lab.readers.settings import Rules

__all__ = ["Rehearsal", "rehearse"]

_MIMETYPE = "application/vnd.prism.rehearsal+json"
_WIDGET = "application/vnd.jupyter.widget-view+json"
_LOOK_SECONDS = 0.2
_START_SECONDS = 120.0  # what a busy machine takes to start a kernel is not the notebook's
_LABEL = "cells"
_WAY = "a page may write below tempfile.gettempdir() only"
_OURS = ("InvalidInput", "NotConverged", "MissingLibrary", "MixedArrays", "PrismError")

_BEFORE = """
import prism_lab.guard as _prism_guard
_prism_refused = _prism_guard.watch({allowed!r})
import prism_widgets.rehearsal as _prism_rehearsal
_prism_rehearsal.attend()
"""
_AFTER = """
import sys as _prism_sys
from importlib import metadata as _prism_metadata
from IPython.display import display as _prism_display
_prism_report = await _prism_rehearsal.rehearse()
_prism_owners = _prism_metadata.packages_distributions()
_prism_loaded = {{"prism-lab", *(o for m in list(_prism_sys.modules) for o in _prism_owners.get(m, ()))}}
_prism_report["packages"] = {{o: _prism_metadata.version(o) for o in sorted(_prism_loaded)}}
_prism_report["writes"], _prism_report["programs"] = _prism_refused.writes, _prism_refused.programs
_prism_display({{{mimetype!r}: _prism_report}}, raw=True)
"""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What came of trying a notebook out.

    Attributes
    ----------
    components
        How many components it shows.
    changes
        The settings that were changed, in words.
    left
        Files it left in its working folder.
    packages
        Version by distribution of everything that was loaded.
    fenced
        Whether the system kept all that ran from writing elsewhere; else it was compared before and after.
    seconds
        How long all of it took.
    """

    components: int
    changes: tuple[str, ...]
    left: tuple[str, ...]
    packages: Mapping[str, str]
    fenced: bool
    seconds: float


def rehearse(draft: Draft, *, timeout: float, rules: Rules) -> Rehearsal:
    """Run a notebook, change one setting of each component, and run that again.

    Parameters
    ----------
    draft
        The notebook.
    timeout
        Seconds it may take, all in all, once its kernel is there.
    rules
        What the pages of readers may read.

    Raises
    ------
    InvalidInput
        When it fails, hangs, writes outside its folder, starts a program, needs a missing package, or shows nothing;
        with the cell.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="prism-") as scratch:
        quarantine = Quarantine(Path(scratch), draft.path)
        run = _Run(draft, quarantine, Path(scratch), timeout)
        asyncio.run(run.through(rules))
        report = run.report()
        left = quarantine.left()
    return Rehearsal(
        components=report["components"],
        changes=tuple(report["changes"]),
        left=left,
        packages=report["packages"],
        fenced=quarantine.fenced,
        seconds=time.monotonic() - start,
    )


class _Run:
    """One run of a notebook, cell by cell."""

    def __init__(self, draft: Draft, quarantine: Quarantine, scratch: Path, timeout: float) -> None:
        import nbformat

        self.draft, self.quarantine, self.scratch, self.timeout = draft, quarantine, scratch, timeout
        self.deadline = time.monotonic() + _START_SECONDS
        self.notebook = nbformat.from_dict(draft.notebook)
        code = nbformat.v4.new_code_cell
        first = code(_BEFORE.format(allowed=quarantine.allowed()))
        last = code(_AFTER.format(mimetype=_MIMETYPE))
        self.notebook.cells = [first, *self.notebook.cells, last]

    async def through(self, rules: Rules) -> None:
        """Run all cells; the notebook's own begin at 1, since ours comes before them."""
        from nbclient import NotebookClient

        manager = _manager(self.quarantine, self.scratch)
        client = NotebookClient(self.notebook, km=manager, timeout=None)
        environment = {**os.environ, **self.quarantine.environment(), **rules.environment()}
        total = len(self.notebook.cells)
        try:
            await client.async_start_new_kernel(env=environment, cwd=str(self.quarantine.work))
            await self._watched(client.async_start_new_kernel_client(), 0)
            for number, cell in enumerate(self.notebook.cells):
                progress.report(number, total, _LABEL)
                if cell.cell_type == "code" and str(cell.source).strip():
                    await self._cell(client, cell, number)
                if number == 0:
                    self.deadline = time.monotonic() + self.timeout
            progress.report(total, total, _LABEL)
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
            if manager.has_kernel:
                await asyncio.shield(manager.shutdown_kernel(now=True))

    async def _cell(self, client: Any, cell: Any, number: int) -> None:
        from nbclient.exceptions import CellExecutionError, DeadKernelError

        try:
            await self._watched(client.async_execute_cell(cell, number), number)
        except CellExecutionError as error:
            raise self._failed(number, str(error.ename), str(error.evalue)) from None
        except DeadKernelError:
            msg = f"the kernel of {self._name} died in {self._place(number)}; the machine may have run out of memory"
            raise self._refusal(msg, number) from None
        shown = next((o for o in cell.outputs if o.output_type == "error"), None)
        if shown is not None:  # raised while a result was drawn, which does not stop a notebook
            raise self._failed(number, str(shown.ename), str(shown.evalue))

    async def _watched(self, work: Coroutine[Any, Any, Any], number: int) -> None:
        """Wait for some work, and leave it when somebody presses stop or the time is over."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_SECONDS)
                progress.checkpoint()
                if time.monotonic() > self.deadline and not task.done():
                    if number == 0:
                        msg = f"the kernel of {self._name} did not answer within {_START_SECONDS:g} s; try again"
                        raise self._refusal(msg, None)
                    over = f"was not done when the {self.timeout:g} s for {self._name} were over"
                    msg = f"{self._place(number)} {over}; make it quicker, or give it more time with --timeout"
                    raise self._refusal(msg, number)
        finally:
            if not task.done():
                task.cancel()
                with contextlib.suppress(BaseException):
                    await task
        task.result()

    @property
    def _name(self) -> str:
        return self.draft.path.name

    def _place(self, number: int) -> str:
        last = number == len(self.notebook.cells) - 1
        return f"changing a setting of {self._name}" if last else f"cell {number} of {self._name}"

    def _refusal(self, msg: str, number: int | None) -> InvalidInput:
        return InvalidInput(msg, field="notebook", where="" if number is None else f"cell {number}")

    def _failed(self, number: int, name: str, value: str) -> InvalidInput:
        """Say in one sentence what a cell failed with."""
        if name == "OutsideWrite":
            return self._writes(value, number)
        if name == "OutsideProgram":
            return self._starts(value, number)
        if name == "ModuleNotFoundError" and "'" in value and number:
            return missing_package(self.draft.path, number, value.split("'")[1].partition(".")[0])
        said = value.strip().splitlines()[0] if value.strip() else ""
        words = said if name in _OURS else f"{name}: {said}" if said else name
        hint = f"; {_WAY}" if "ermission denied" in said else ""  # as native code says it behind the fence
        return self._refusal(f"{self._place(number)} fails: {words}{hint}", number)

    def _writes(self, place: str, number: int | None = None, *, sure: bool = True) -> InvalidInput:
        who = self._name if number is None else self._place(number)
        again = "" if sure else "; if another program of yours wrote that meanwhile, publish again"
        msg = f"{who} writes outside its folder ({self.quarantine.told(place)}); {_WAY}{again}"
        return self._refusal(msg, number)

    def _starts(self, command: str, number: int | None = None) -> InvalidInput:
        who = self._name if number is None else self._place(number)
        line = command.strip().partition("\n")[0]
        msg = f"{who} starts a program ({line}), and what it writes would be seen by nobody: do it in Python"
        return self._refusal(msg, number)

    def report(self) -> dict[str, Any]:
        """Return what the kernel reported at the end, or refuse what it tells."""
        outputs = [o.get("data", {}) for cell in self.notebook.cells for o in cell.get("outputs", [])]
        report: dict[str, Any] = next(data[_MIMETYPE] for data in outputs if _MIMETYPE in data)
        if report["programs"]:
            raise self._starts(report["programs"][0])
        for place in report["writes"]:
            raise self._writes(place)
        for place in self.quarantine.changed():
            raise self._writes(place, sure=place.startswith("~"))
        if not report["components"] or not any(_WIDGET in data for data in outputs):
            way = "end a cell with one, such as prism_widgets.Explorer('timeseries.forecast').servable()"
            msg = f"{self._name} shows no component; {way}"
            raise InvalidInput(msg, field="notebook")
        if report["problem"]:
            msg = f"{self._name} was tried out: {report['problem']}"
            raise InvalidInput(msg, field="notebook")
        return report


def _manager(quarantine: Quarantine, scratch: Path) -> Any:
    """Return what starts the kernel in quarantine."""
    from jupyter_client.manager import AsyncKernelManager

    class Quarantined(AsyncKernelManager):  # type: ignore[misc]
        def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
            return quarantine.command(super().format_kernel_cmd(extra_arguments))

    place = {"connection_file": str(scratch / "kernel.json"), "transport": "ipc", "ip": str(scratch / "k")}
    return Quarantined(kernel_name="python3", **place)
