"""Tries a notebook out before readers get it: in a kernel of its own, an empty folder, and a limited time."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import tempfile
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prism_kernels import progress
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import fences
from prism_lab.draft import Draft, missing_package

__all__ = ["Rehearsal", "rehearse"]

_MIMETYPE = "application/vnd.prism.rehearsal+json"
_WIDGET = "application/vnd.jupyter.widget-view+json"
_LOOK_SECONDS = 0.2
_LABEL = "cells"
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
_prism_report["refused"] = _prism_refused
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
    seconds
        How long all of it took.
    """

    components: int
    changes: tuple[str, ...]
    left: tuple[str, ...]
    packages: Mapping[str, str]
    seconds: float


def rehearse(draft: Draft, *, timeout: float) -> Rehearsal:
    """Run a notebook, change one setting of each component, and run that again.

    Parameters
    ----------
    draft
        The notebook.
    timeout
        Seconds it may take, all in all, once its kernel is there.

    Raises
    ------
    InvalidInput
        When it fails, hangs, writes outside its folder, needs a missing package, or shows nothing; with the cell.
    """
    start = time.monotonic()
    before = _snapshot(draft.path.parent)
    with tempfile.TemporaryDirectory(prefix="prism-") as scratch:
        work, temporary = Path(scratch, "work"), Path(scratch, "tmp")
        work.mkdir()
        temporary.mkdir()
        run = _Run(draft, scratch=Path(scratch), timeout=timeout)
        asyncio.run(run.through())
        report = run.report()
        left = tuple(sorted(str(p.relative_to(work)) for p in work.rglob("*") if p.is_file()))
    changed = sorted(p for p, seen in _snapshot(draft.path.parent).items() if before.get(p) != seen)
    if changed:
        raise _writes(draft, "it", changed[0])
    return Rehearsal(
        components=report["components"],
        changes=tuple(report["changes"]),
        left=left,
        packages=report["packages"],
        seconds=time.monotonic() - start,
    )


class _Run:
    """One run of a notebook, cell by cell."""

    def __init__(self, draft: Draft, *, scratch: Path, timeout: float) -> None:
        import nbformat

        self.draft, self.scratch, self.timeout = draft, scratch, timeout
        self.deadline = math.inf
        self.notebook = nbformat.from_dict(draft.notebook)
        code = nbformat.v4.new_code_cell
        first = code(_BEFORE.format(allowed=_allowed(scratch)))
        last = code(_AFTER.format(mimetype=_MIMETYPE))
        self.notebook.cells = [first, *self.notebook.cells, last]

    async def through(self) -> None:
        """Run all cells; the notebook's own begin at 1, since ours comes before them."""
        from jupyter_client.manager import AsyncKernelManager
        from nbclient import NotebookClient

        manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=str(self.scratch / "k"))
        client = NotebookClient(self.notebook, km=manager, timeout=None)
        environment = {**os.environ, "TMPDIR": str(self.scratch / "tmp"), fences.READERS: "1"}
        total = len(self.notebook.cells)
        try:
            await client.async_start_new_kernel(env=environment, cwd=str(self.scratch / "work"))
            await self._watched(client.async_start_new_kernel_client(), 0)
            for number, cell in enumerate(self.notebook.cells):
                progress.report(number, total, _LABEL)
                if cell.cell_type == "code" and str(cell.source).strip():
                    await self._cell(client, cell, number)
                if number == 0:  # what a busy machine takes to start a kernel is not the notebook's
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

    def _refusal(self, msg: str, number: int) -> InvalidInput:
        return InvalidInput(msg, field="notebook", where=f"cell {number}")

    def _failed(self, number: int, name: str, value: str) -> InvalidInput:
        """Say in one sentence what a cell failed with."""
        if name == "OutsideWrite":
            return _writes(self.draft, f"cell {number}", value)
        if name == "ModuleNotFoundError" and "'" in value and number:
            return missing_package(self.draft.path, number, value.split("'")[1].partition(".")[0])
        said = value.strip().splitlines()[0] if value.strip() else ""
        words = said if name in _OURS else f"{name}: {said}" if said else name
        return self._refusal(f"{self._place(number)} fails: {words}", number)

    def report(self) -> dict[str, Any]:
        """Return what the kernel reported at the end, or refuse what it tells."""
        outputs = [o.get("data", {}) for cell in self.notebook.cells for o in cell.get("outputs", [])]
        report: dict[str, Any] = next(data[_MIMETYPE] for data in outputs if _MIMETYPE in data)
        if report["refused"]:
            raise _writes(self.draft, "it", report["refused"][0])
        if not report["components"] or not any(_WIDGET in data for data in outputs):
            way = "end a cell with one, such as prism_widgets.Explorer('timeseries.forecast').servable()"
            msg = f"{self._name} shows no component; {way}"
            raise InvalidInput(msg, field="notebook")
        if report["problem"]:
            msg = f"{self._name} was tried out: {report['problem']}"
            raise InvalidInput(msg, field="notebook")
        return report


def _writes(draft: Draft, who: str, place: str) -> InvalidInput:
    way = "a page may write below tempfile.gettempdir() only"
    subject = f"{who} of {draft.path.name}" if who != "it" else draft.path.name
    return InvalidInput(f"{subject} writes outside its folder ({place}); {way}", field="notebook", where=who)


def _allowed(scratch: Path) -> list[str]:
    """List where a kernel that is tried out may write: its own folders, caches, and what Jupyter itself keeps."""
    import platformdirs
    from jupyter_core.paths import jupyter_runtime_dir

    named = [os.environ.get(name) for name in ("PRISM_LANE_CACHE", "NUMBA_CACHE_DIR", "IPYTHONDIR")]
    usual = [platformdirs.user_cache_dir(), jupyter_runtime_dir(), str(Path.home() / ".ipython")]
    return [str(scratch), *usual, *(path for path in named if path), "/dev", "/proc"]


def _snapshot(folder: Path, most: int = 2000) -> dict[str, tuple[int, int]]:
    """Return size and time of change of the files in a folder and the one below, hidden ones apart."""
    found: dict[str, tuple[int, int]] = {}
    for pattern in ("*", "*/*"):
        for path in folder.glob(pattern):
            if len(found) == most:
                return found
            parts = path.relative_to(folder).parts
            if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
                seen = path.stat()
                found[str(path)] = (seen.st_size, seen.st_mtime_ns)
    return found
