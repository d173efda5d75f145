"""Runs an operation off the event loop: progress ten times a second, cancel at once, the newest run wins.

A cancelled or superseded run frees the screen immediately and its result is thrown away; our own kernels stop at
their next checkpoint, one call into a library ends when it ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import param
from pydantic_core import to_json

from prism_kernels import Cancelled, InvalidInput, Listener, Operation, PrismError, Run, run
from prism_kernels.arrays import device_of
from prism_kernels.inputs import Input
from prism_kernels.progress import listen
from prism_widgets import collecting, runtime

__all__ = ["Job", "Outcome", "Request", "compute", "forget", "known"]

_TICK_SECONDS = 0.1
_KEPT = 32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to run: an operation, data by parameter and settings by name."""

    operation: Operation
    data: Mapping[str, Any]
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A run, and whether it came from the cache."""

    run: Run
    cached: bool


_cache: OrderedDict[tuple[Any, ...], Run] = OrderedDict()
_lock = threading.Lock()


def forget() -> None:
    """Empty the cache of runs."""
    with _lock:
        _cache.clear()


def known(request: Request) -> bool:
    """Tell whether this very run was kept, without computing anything.

    Parameters
    ----------
    request
        What would run.
    """
    try:
        _, key = _read_all(request)
    except (PrismError, OSError):
        return False
    with _lock:
        return key in _cache


def compute(request: Request) -> Outcome:
    """Run here and now, or return the kept run of the same operation, settings, data and device.

    Parameters
    ----------
    request
        What to run.
    """
    inputs, key = _read_all(request)
    with _lock:
        found = _cache.get(key)
        if found is not None:
            _cache.move_to_end(key)
            return Outcome(run=found, cached=True)
    fresh = run(request.operation, **inputs, **request.settings)
    if runtime.where() in ("server", "voila"):  # in a notebook the garbage to come may be the analyst's own
        collecting.keep("numba and the first kernel")
    with _lock:
        _cache[key] = fresh
        while len(_cache) > _KEPT:
            _cache.popitem(last=False)
    return Outcome(run=fresh, cached=False)


def _read_all(request: Request) -> tuple[dict[str, Input], tuple[Any, ...]]:
    """Read the data of a request; return it with what tells this run from others."""
    row = request.operation
    inputs = {n: _read(row, n, v) for n, v in request.data.items() if v is not None}
    return inputs, _key(row, inputs, row.resolve(request.settings))


def _read(row: Operation, name: str, value: Any) -> Input:
    """Read data where it was only picked so far."""
    found: Input = value.read() if hasattr(value, "read") else row.data[name].of(value)
    return found


def _key(row: Operation, inputs: Mapping[str, Input], settings: Mapping[str, Any]) -> tuple[Any, ...]:
    """Tell runs apart; the body is part of it, so that a function declared again in a cell is another operation."""
    data = tuple((n, v.digest, v.source, str(device_of(v.values))) for n, v in sorted(inputs.items()))
    text = json.dumps(json.loads(to_json(dict(settings))), sort_keys=True)
    return row.name, row.body, data, text


class Job(param.Parameterized):
    """One place on screen where runs happen, one at a time."""

    state = param.Selector(
        default="idle",
        objects=["idle", "running", "done", "refused", "failed", "cancelled"],
        doc="What became of the newest run.",
    )
    share = param.Number(
        default=None, allow_None=True, doc="How much of the run is behind us, 0 to 1; None if unknown."
    )
    slow = param.Boolean(default=False, doc="Whether the run has taken long enough to say that it runs.")
    label = param.String(default="", doc="What the run is doing.")
    outcome = param.Parameter(doc="The last outcome there was; it stays while a new run is under way.")
    error = param.Parameter(doc="What the newest run was refused with, or failed with.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._ear: Listener | None = None
        self._wake: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._heard: tuple[float, float, str] | None = None

    def cancel(self) -> None:
        """Stop the run under way: the screen is free at once and the result is thrown away."""
        if self._ear is None:
            return
        self._ear.cancel()
        if self._loop is not None and self._wake is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    def run_now(self, request: Request) -> Outcome:
        """Run in this thread, and raise what the operation raises.

        Parameters
        ----------
        request
            What to run.
        """
        self.cancel()
        self._ear = None
        self.param.update(state="running", slow=False, share=None, label="", error=None)
        try:
            outcome = compute(request)
        except Exception as error:
            self._failed(error)
            raise
        self._done(outcome)
        return outcome

    async def start(self, request: Request) -> Outcome | None:
        """Run in a thread and return the outcome, or None when it was cancelled, superseded, refused or failed.

        Parameters
        ----------
        request
            What to run.
        """
        self.cancel()
        ear, wake = Listener(self._listen), asyncio.Event()
        self._ear, self._wake, self._loop, self._heard = ear, wake, asyncio.get_running_loop(), None
        self.param.update(state="running", slow=False, share=None, label="", error=None)
        work = asyncio.ensure_future(asyncio.to_thread(_heard_compute, request, ear))
        work.add_done_callback(_looked_at)
        bell = asyncio.ensure_future(wake.wait())
        try:
            while not work.done():
                await asyncio.wait({work, bell}, timeout=_TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if ear.cancelled or work.done():
                    break
                self._tick(ear)
        finally:
            bell.cancel()
        return self._ended(work, ear)

    def _ended(self, work: asyncio.Future[Outcome], ear: Listener) -> Outcome | None:
        if self._ear is not ear:  # a newer run has taken the place
            return None
        self._ear = None
        if ear.cancelled:
            self.param.update(state="cancelled", share=None, label="")
            return None
        error = work.exception()
        if error is not None:
            self._failed(error)
            return None
        self._done(work.result())
        return work.result()

    def _done(self, outcome: Outcome) -> None:
        self.param.update(outcome=outcome, error=None, share=None, label="", state="done")

    def _failed(self, error: BaseException) -> None:
        state = (
            "cancelled" if isinstance(error, Cancelled) else "refused" if isinstance(error, PrismError) else "failed"
        )
        if state == "failed":
            _log.error("a run failed", exc_info=error)
        self.param.update(error=error, share=None, label="", state=state)

    def _listen(self, done: float, total: float, label: str) -> None:
        self._heard = (done, total, label)  # from any thread; the event loop looks at it ten times a second

    def _tick(self, ear: Listener) -> None:
        if self._ear is not ear:
            return
        self.slow = True
        if self._heard is not None:
            done, total, label = self._heard
            self.param.update(share=min(1.0, done / total) if total else None, label=label)


def _heard_compute(request: Request, ear: Listener) -> Outcome:
    with listen(ear):
        return compute(request)


def _looked_at(work: asyncio.Future[Outcome]) -> None:
    """Look at the end of a run nobody waits for any more, so that asyncio does not complain of it."""
    if not work.cancelled():
        work.exception()


def sentence(error: BaseException) -> str:
    """Return what a person should read of an error: our own words, or the type and the words of somebody else's."""
    if isinstance(error, PrismError | InvalidInput):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
