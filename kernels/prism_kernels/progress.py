"""Progress and cancellation: long work reports to whoever listens, and stops when told.

The listener is a context variable, so kernels need no extra argument and cost nothing when nobody listens. A thread
pool does not copy contexts: hand each chunk its own ``contextvars.copy_context()``.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Iterable, Iterator, Sized
from typing import Protocol, TypeVar

import numpy as np

from prism_kernels.errors import Cancelled

__all__ = ["Listener", "Reporter", "checkpoint", "listen", "listener", "report", "track"]

T = TypeVar("T")


class Reporter(Protocol):
    """Receive progress; called from any thread, so it must return at once."""

    def __call__(self, done: float, total: float, label: str) -> None:
        """Take note that ``done`` of ``total`` steps of ``label`` are behind us."""


class Listener:
    """One ear for progress and one switch to stop, shared by the threads of a piece of work.

    Parameters
    ----------
    reporter
        Called with ``(done, total, label)``; None to listen only for cancellation.
    """

    def __init__(self, reporter: Reporter | None = None) -> None:
        self.reporter = reporter
        self.stop = np.zeros(1, dtype=np.int64)  # lane kernels poll stop[0]
        self._event = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return bool(self.stop[0])

    def cancel(self) -> None:
        """Ask the work to stop; it does at its next checkpoint."""
        self.stop[0] = 1
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Sleep until cancelled or until the time has passed, and say whether it was cancelled."""
        return self._event.wait(seconds)


_current: contextvars.ContextVar[Listener | None] = contextvars.ContextVar("prism_listener", default=None)


def listener() -> Listener | None:
    """Return the listener of the running work, or None."""
    return _current.get()


@contextlib.contextmanager
def listen(ear: Listener) -> Iterator[Listener]:
    """Make a listener the one that work inside the ``with`` reports to."""
    token = _current.set(ear)
    try:
        yield ear
    finally:
        _current.reset(token)


def checkpoint() -> None:
    """Stop here if somebody asked for it.

    Raises
    ------
    Cancelled
        When the listener of the running work was cancelled.
    """
    ear = _current.get()
    if ear is not None and ear.stop[0]:
        msg = "cancelled"
        raise Cancelled(msg)


def report(done: float, total: float, label: str) -> None:
    """Tell the listener how far the work is, and stop here if somebody asked for it."""
    ear = _current.get()
    if ear is None:
        return
    checkpoint()
    if ear.reporter is not None:
        ear.reporter(done, total, label)


def track(iterable: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield the items of an iterable, reporting each one behind us.

    Parameters
    ----------
    iterable
        What to walk through.
    label
        What the work is called on screen.
    total
        Number of items, where the iterable does not know its length.
    """
    count = total if total is not None else len(iterable) if isinstance(iterable, Sized) else 0
    report(0, count, label)
    for done, item in enumerate(iterable, start=1):
        yield item
        report(done, count, label)
