"""Compile every lane kernel once, in several processes, so that nobody waits for a compiler later."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass

from prism_kernels import progress
from prism_kernels.errors import Cancelled, PrismError

__all__ = ["Warmth", "warm_up"]

_LABEL = "compiling kernels"
_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Warmth:
    """What a warm-up did.

    Attributes
    ----------
    compiled
        Names of the kernels that the compiler was needed for.
    cached
        Names of those that were there already.
    seconds
        How long it took.
    folder
        Where the machine code lies.
    """

    compiled: tuple[str, ...]
    cached: tuple[str, ...]
    seconds: float
    folder: str


def warm_up(*, processes: int | None = None) -> Warmth:
    """Compile the lane kernels of all installed operations into this user's cache.

    Parameters
    ----------
    processes
        How many compilers run at a time; None for one a core that this process may use.

    Raises
    ------
    PrismError
        When a kernel does not compile; the message names it.
    Cancelled
        When the listener was cancelled; what was compiled until then stays.
    """
    from prism_kernels import lanes

    start = time.perf_counter()
    progress.report(0, 0, _LABEL)
    kernels = {(k.function.__module__, k.function.__qualname__): k.cached() for k in lanes.all_kernels()}
    cold = [name for name, cached in kernels.items() if not cached]
    crew = min(len(cold), processes or len(os.sched_getaffinity(0)))
    hits = _compile_all(cold, crew) if cold else {}
    return Warmth(
        compiled=tuple(sorted(name for name, cached in hits.items() if not cached)),
        cached=tuple(sorted(".".join(name) for name in kernels if hits.get(".".join(name)) is not False)),
        seconds=time.perf_counter() - start,
        folder=str(lanes.cache_folder()),
    )


def _compile_all(kernels: list[tuple[str, str]], crew: int) -> dict[str, bool]:
    hits: dict[str, bool] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(crew, mp_context=context, initializer=_deaf_to_ctrl_c) as pool:
        names = {pool.submit(_compile, *kernel): ".".join(kernel) for kernel in kernels}
        waiting = set(names)
        try:
            while waiting:
                ready, waiting = wait(waiting, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
                hits.update({names[future]: _outcome(future.result, names[future]) for future in ready})
                progress.report(len(hits), len(kernels), _LABEL)
        except Cancelled:
            crew_members = list((pool._processes or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for member in crew_members:
                member.terminate()
            raise
    return hits


def _deaf_to_ctrl_c() -> None:
    """Leave Ctrl-C to the process that started this one: it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _outcome(result: Callable[[], bool], name: str) -> bool:
    try:
        return result()
    except Exception as error:
        msg = f"kernel {name} does not compile: {error}"
        raise PrismError(msg) from error


def _compile(module: str, name: str) -> bool:
    """Compile one kernel in this process and say whether it was in the cache."""
    kernel = getattr(importlib.import_module(module), name)
    return bool(kernel.compiled().stats.cache_hits)
