"""Work in a terminal: a bar on stderr while it runs, and Ctrl-C that stops it."""

from __future__ import annotations

import contextvars
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Generic, TypeVar

from prism_kernels.errors import Cancelled
from prism_kernels.progress import Listener, listen

__all__ = ["Bar", "bar_options", "work"]

T = TypeVar("T")

_GRACE_SECONDS = 2.0
_POLL_SECONDS = 0.1
_TERMINATED = 143
_STOPPED = 130


def bar_options() -> dict[str, Any]:
    """Return how bars look: steady in a terminal, few lines in a log."""
    return {"file": sys.stderr, "mininterval": 0.1 if sys.stderr.isatty() else 2.0, "dynamic_ncols": True}


class Bar:
    """A progress bar that shows the outermost piece of work, and the one inside it as text beside it.

    Parameters
    ----------
    title
        What the work is called.
    leave
        Whether it stays on the screen when the work is done.
    """

    def __init__(self, title: str, *, leave: bool = False) -> None:
        self._title, self._leave = title, leave
        self._lock = threading.Lock()
        self._outer: str | None = None
        self._bar: Any = None

    def __call__(self, done: float, total: float, label: str) -> None:
        """Take note that ``done`` of ``total`` steps of ``label`` are behind us."""
        with self._lock:
            if self._bar is None:
                self._bar = self._opened(total)
            if self._outer is None:
                self._outer = label
                self._bar.set_description_str(f"{self._title}: {label}", refresh=False)
            if label == self._outer:
                self._bar.total = total or None
                self._bar.update(done - self._bar.n)
                if total and done >= total:
                    self._outer = None
            elif total:
                self._bar.set_postfix_str(f"{label} {done:g}/{total:g}", refresh=False)

    def _opened(self, total: float) -> Any:
        from tqdm import tqdm

        return tqdm(total=total or None, delay=0.0 if self._leave else 0.3, leave=self._leave, **bar_options())

    def close(self) -> None:
        """Take the bar off the screen."""
        with self._lock:
            if self._bar is not None:
                self._bar.close()


class _Worker(threading.Thread, Generic[T]):
    """A thread that runs one piece of work in the context it was made in, and keeps what came of it."""

    def __init__(self, task: Callable[[], T]) -> None:
        super().__init__(daemon=True, name="prism-work")
        self._task = task
        self._context = contextvars.copy_context()
        self.outcome: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.outcome = self._context.run(self._task)
        except BaseException as error:
            self.error = error


def work(task: Callable[[], T], title: str) -> T:
    """Run a piece of work with a bar on stderr; Ctrl-C stops it at its next checkpoint.

    Parameters
    ----------
    task
        What to do.
    title
        What it is called on screen.

    Raises
    ------
    Cancelled
        When it was stopped. Work that is inside one library call two seconds later ends with the process.
    """
    bar = Bar(title)
    ear = Listener(bar)
    with listen(ear):
        worker = _Worker(task)
    try:
        with _sigterm_cancels(ear):
            worker.start()
            _wait(worker, ear)
    finally:
        bar.close()
    if worker.error is not None:
        raise worker.error
    return worker.outcome  # type: ignore[return-value]  # a finished worker without error holds a T


def _wait(worker: _Worker[T], ear: Listener) -> None:
    try:
        while worker.is_alive() and not ear.cancelled:
            worker.join(_POLL_SECONDS)
    except KeyboardInterrupt:
        ear.cancel()
    if not ear.cancelled:
        return
    worker.join(_GRACE_SECONDS)
    if worker.is_alive():
        print("prism: stopped in the middle of a library call; nothing was written", file=sys.stderr, flush=True)
        os._exit(_STOPPED)
    if worker.error is None:  # it was done before it could be stopped
        msg = "cancelled"
        worker.error = Cancelled(msg)


@contextmanager
def _sigterm_cancels(ear: Listener) -> Iterator[None]:
    """Let SIGTERM stop the work as Ctrl-C does, with its own exit code."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal told
        told = True
        ear.cancel()

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if told:
            print("prism: terminated; nothing was written", file=sys.stderr, flush=True)
            sys.stdout.flush()
            os._exit(_TERMINATED)
