"""Many runs of one piece of work: here one after another, or on a Dask cluster when a client is active."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from prism_kernels import lanes, progress
from prism_kernels.errors import Cancelled

__all__ = ["map_runs"]

T = TypeVar("T")
R = TypeVar("R")

_POLL_SECONDS = 0.1
_RETRIES = 3


def map_runs(function: Callable[[T], R], items: Iterable[T], *, label: str = "runs") -> list[R]:
    """Apply a function to every item and return the results in the order of the items.

    Items run one after another here, with parallel lanes inside each; with an active ``dask.distributed`` client they
    run on its workers, with one lane thread each. BLAS and torch get one thread in both places, so results are equal
    bits on the same CPU type and versions. A worker that dies has its items run again elsewhere.

    Parameters
    ----------
    function
        What to do with one item; must pickle for Dask.
    items
        What to do it with.
    label
        What the work is called on screen.

    Raises
    ------
    Cancelled
        When the listener was cancelled; items not yet started are dropped.
    """
    work = list(items)
    client = _client()
    if client is None:
        with one_thread():
            return [function(item) for item in progress.track(work, label)]
    return _on_dask(client, function, work, label)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS (and torch, where it is loaded) at one thread, so that sums are added in one order."""
    import sys

    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else None
    with threadpool_limits(limits=1):
        if torch is not None:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch is not None and before is not None:
                torch.set_num_threads(before)


def _client() -> Any:
    import sys

    if "distributed" not in sys.modules:  # no client can be active in a process that never loaded it
        return None
    from distributed import get_client

    with suppress(ValueError):
        return get_client()
    return None


def _on_dask(client: Any, function: Callable[[T], R], items: Sequence[T], label: str) -> list[R]:
    from cloudpickle import dumps
    from distributed import Event, as_completed

    ear = progress.listener()
    stop = Event(client=client)
    # As bytes, opened inside the task: work that a worker cannot import fails there, instead of ending the worker.
    jobs = [dumps((function, item)) for item in items]
    futures = [client.submit(_item, job, stop.name, pure=False, retries=_RETRIES) for job in jobs]
    order = {future.key: k for k, future in enumerate(futures)}
    results: list[Any] = [None] * len(futures)
    done = 0
    progress.report(0, len(futures), label)
    try:
        waiting = as_completed(futures)
        while done < len(futures):
            if ear is not None and ear.cancelled:
                stop.set()
                client.cancel(futures)
                msg = "cancelled"
                raise Cancelled(msg)
            batch = waiting.next_batch(block=False)
            for future in batch:
                results[order[future.key]] = future.result()
                done += 1
                progress.report(done, len(futures), label)
            if not batch:
                time.sleep(_POLL_SECONDS / 5)
    finally:
        client.cancel([f for f in futures if not f.done()])
    return results


def _item(job: bytes, stop: str) -> Any:
    """Run one item on a worker, with the client's cancel switch wired to a local flag."""
    from cloudpickle import loads

    function, item = loads(job)
    ear = progress.Listener()
    watcher = _Watcher(stop, ear)
    context = contextvars.copy_context()

    def body() -> Any:
        lanes.thread_limit.set(1)
        with progress.listen(ear), one_thread():
            return function(item)

    try:
        return context.run(body)
    finally:
        watcher.end()


class _Watcher:
    """Polls a Dask event at 10 Hz into a local flag: ``Event.is_set`` itself costs 20 ms, far too much for a loop."""

    def __init__(self, stop: str, ear: progress.Listener) -> None:
        from distributed import Event, get_client

        self._event, self._ear, self._over = Event(stop, client=get_client()), ear, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            with suppress(OSError, TimeoutError):
                if self._event.is_set():
                    self._ear.cancel()
                    return

    def end(self) -> None:
        self._over.set()
