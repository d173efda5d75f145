"""Many runs of one piece of work: here one after another, or on a Dask cluster when a client is active."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from prism_kernels import lanes, progress
from prism_kernels.errors import Cancelled

__all__ = ["elsewhere", "map_runs"]

T = TypeVar("T")
R = TypeVar("R")

_POLL_SECONDS = 0.1
_RETRIES = 3


def map_runs(
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    label: str = "runs",
    each: Callable[[int, R], None] | None = None,
    threads: int = 1,
) -> list[R]:
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
    each
        Called here with the number and the result of each item as soon as it is done, in no order on Dask; what it
        kept is there even when the rest is never finished.
    threads
        Items at a time when they run here: more than one only for items that wait for processes of their own, since
        the lanes of one item fill the cores already.

    Raises
    ------
    Cancelled
        When the listener was cancelled; items not yet started are dropped.
    """
    work = list(items)
    keep = each if each is not None else _forget
    client = _client()
    if client is not None:
        return _on_dask(client, function, work, label, keep)
    if threads > 1:
        return _in_threads(function, work, label, keep, threads)
    results: list[R] = []
    with one_thread():
        for number, item in enumerate(progress.track(work, label)):
            results.append(function(item))
            keep(number, results[-1])
    return results


def _forget(number: int, result: object) -> None:
    """Keep nothing of an item before all of them are done."""


def _in_threads(
    function: Callable[[T], R], items: Sequence[T], label: str, keep: Callable[[int, R], None], threads: int
) -> list[R]:
    from threadpoolctl import threadpool_limits

    # OpenMP counts its threads for each thread that asks, so every thread of the pool is told
    pool = ThreadPoolExecutor(threads, "prism-run", initializer=threadpool_limits, initargs=(1,))
    with one_thread(), pool:
        order = {
            pool.submit(contextvars.copy_context().run, _unless_cancelled, function, item): k
            for k, item in enumerate(items)
        }
        try:
            for future in progress.track(as_completed(order), label, len(order)):
                keep(order[future], future.result())
        finally:
            for future in order:
                future.cancel()
    return [future.result() for future in order]


def _unless_cancelled(function: Callable[[T], R], item: T) -> R:
    """Run an item, unless the work it belongs to was cancelled before its turn came."""
    progress.checkpoint()
    return function(item)


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


def elsewhere() -> bool:
    """Tell whether items run on a Dask cluster, so that one piece of work is worth cutting into several."""
    return _client() is not None


def _client() -> Any:
    import sys

    if "distributed" not in sys.modules:  # no client can be active in a process that never loaded it
        return None
    from distributed import get_client

    with suppress(ValueError):
        return get_client()
    return None


def _on_dask(
    client: Any, function: Callable[[T], R], items: Sequence[T], label: str, keep: Callable[[int, R], None]
) -> list[R]:
    import distributed
    from cloudpickle import dumps

    ear = progress.listener()
    stop = distributed.Event(client=client)
    # As bytes, opened inside the task: work that a worker cannot import fails there, instead of ending the worker.
    jobs = [dumps((function, item)) for item in items]
    futures = [client.submit(_item, job, stop.name, pure=False, retries=_RETRIES) for job in jobs]
    order = {future.key: k for k, future in enumerate(futures)}
    results: list[Any] = [None] * len(futures)
    done = 0
    progress.report(0, len(futures), label)
    try:
        waiting = distributed.as_completed(futures)
        while done < len(futures):
            if ear is not None and ear.cancelled:
                stop.set()
                client.cancel(futures)
                msg = "cancelled"
                raise Cancelled(msg)
            batch = waiting.next_batch(block=False)
            for future in batch:
                number = order[future.key]
                results[number] = future.result()
                keep(number, results[number])
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
