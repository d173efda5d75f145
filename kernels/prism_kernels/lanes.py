"""Lane kernels: plain loops over independent lanes, compiled once and run on CPU threads or as CUDA threads.

A kernel is written once as ``kernel(first, last, *inputs, *outputs)``: it walks lanes ``first <= i < last``, reads what
it is given and fills outputs and scratch that the caller allocated, row ``i`` for lane ``i``. It lives in a module
named ``*_lanes.py`` together with its ``@inner`` helpers (numba does not notice a change in another file), and such a
module is imported by the function that needs it, since importing it imports numba.
"""

from __future__ import annotations

import contextvars
import functools
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from prism_kernels import progress

__all__ = ["Lane", "inner", "lane", "launch", "thread_limit", "threads"]

_CHUNK_SECONDS = 0.05
_OF_THE_HOST = frozenset({np.ndarray, int, float})

thread_limit: contextvars.ContextVar[int | None] = contextvars.ContextVar("prism_lane_threads", default=None)
"""Most threads a launch may use here; None leaves it to the machine. Inside a Dask worker it is 1."""


def threads() -> int:
    """Return how many threads a launch uses: ``PRISM_THREADS``, or what the machine lets this process have."""
    limit = thread_limit.get()
    if limit is not None:
        return limit
    asked = os.environ.get("PRISM_THREADS")
    return max(1, int(asked)) if asked else len(os.sched_getaffinity(0))


def _simulated() -> bool:
    return os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"


def inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a helper callable from lane kernels of the same file, on CPU and on CUDA."""
    if _simulated():
        return function
    import numba

    compiled: Callable[..., Any] = numba.njit(nogil=True, error_model="numpy")(function)
    return compiled


class Lane:
    """A lane kernel: its plain Python, its one signature, and its compiled form once it was needed.

    Parameters
    ----------
    function
        The loop over lanes.
    inputs, outputs
        Types separated by spaces: ``f8``, ``i8`` for numbers, ``f8[:,:]`` and the like for C-contiguous arrays.
    stop
        Whether the last argument is the array whose first element tells the kernel to leave.
    """

    def __init__(self, function: Callable[..., None], inputs: str, outputs: str, *, stop: bool) -> None:
        self.__doc__, self.__module__, self.__name__ = function.__doc__, function.__module__, function.__name__
        self.function = function
        self.inputs = tuple(inputs.split())
        self.outputs = tuple(outputs.split())
        self.stop = stop
        self._lock = threading.Lock()
        self._compiled: Callable[..., None] | None = None
        self._grid: Any = None

    @property
    def name(self) -> str:
        """Module and function, as ``prism warmup`` lists it."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def signature(self) -> tuple[Any, ...]:
        """Return numba's types of all the arguments, inputs declared read-only."""
        from numba import types

        one = {"f8": types.float64, "i8": types.int64, "b1": types.boolean, "u1": types.uint8}

        def parse(text: str, *, readonly: bool) -> Any:
            scalar, bracket, dims = text.partition("[")
            if not bracket:
                return one[scalar]
            return types.Array(one[scalar], dims.count(":"), "C", readonly=readonly)

        ends = (types.Array(types.int64, 1, "C", readonly=True),) if self.stop else ()
        read = tuple(parse(t, readonly=True) for t in self.inputs)
        return (types.int64, types.int64, *read, *(parse(t, readonly=False) for t in self.outputs), *ends)

    def cached(self) -> bool:
        """Tell whether the machine code for this CPU is in the cache already."""
        from prism_kernels import lane_cache

        return lane_cache.holds(self.function, self.signature())

    def compiled(self) -> Callable[..., None]:
        """Return the machine code for this CPU, from the cache or from the compiler."""
        if self._compiled is not None:
            return self._compiled
        if _simulated():
            return self.function
        with self._lock:
            if self._compiled is None:
                import numba

                from prism_kernels import lane_cache

                dispatcher = numba.njit(nogil=True, error_model="numpy")(self.function)
                dispatcher._cache = lane_cache.cache_for(self.function)
                dispatcher.compile(self.signature())
                dispatcher.disable_compile()
                self._compiled = dispatcher
        return self._compiled

    def grid(self) -> Any:
        """Return the CUDA kernel in which thread ``i`` runs lane ``i``."""
        if self._grid is None:
            from numba import cuda

            names = ", ".join(f"a{k}" for k in range(len(self.inputs) + len(self.outputs) + self.stop))
            source = (
                f"def grid(count, {names}):\n    i = cuda.grid(1)\n    if i < count:\n        body(i, i + 1, {names})\n"
            )
            body = self.function if _simulated() else cuda.jit(device=True)(self.function)
            space: dict[str, Any] = {"cuda": cuda, "body": body}
            exec(source, space)
            self._grid = cuda.jit(space["grid"])
        return self._grid


def lane(inputs: str, outputs: str, *, stop: bool = False) -> Callable[[Callable[..., None]], Lane]:
    """Declare a lane kernel; see :class:`Lane` for the parameters."""

    def wrap(function: Callable[..., None]) -> Lane:
        return Lane(getattr(function, "__wrapped__", function), inputs, outputs, stop=stop)

    return wrap


def launch(kernel: Lane, count: int, *arguments: Any, label: str | None = "") -> None:
    """Run all lanes of a kernel where its arrays live.

    Parameters
    ----------
    kernel
        What to run.
    count
        Number of lanes.
    *arguments
        Inputs, then outputs, as the kernel declares them: C-contiguous, of the declared dtype, all on one device.
    label
        What the work is called on screen; None for one short lane, which is then not reported.

    Raises
    ------
    Cancelled
        When the listener was cancelled; outputs are then half filled and must be thrown away.
    """
    if count == 0:
        return
    if any(type(a) not in _OF_THE_HOST and _on_a_device(a) for a in arguments):
        _launch_cuda(kernel, count, arguments)
        return
    if count == 1 and label is None and not kernel.stop:  # it would cost less than a crew
        progress.checkpoint()
        kernel.compiled()(0, 1, *arguments)
        return
    ear = progress.listener()
    stop = ear.stop if ear is not None else np.zeros(1, dtype=np.int64)
    code = kernel.compiled()
    given = (*arguments, stop) if kernel.stop else arguments
    _Crew(code, count, given, stop, label or kernel.__name__).work(min(threads(), count))
    progress.checkpoint()


class _Crew:
    """Threads that take ranges of about 50 ms off one counter until all lanes are done."""

    def __init__(
        self, code: Callable[..., None], count: int, given: tuple[Any, ...], stop: np.ndarray[Any, Any], label: str
    ) -> None:
        self.code, self.count, self.given, self.stop, self.label = code, count, given, stop, label
        self.lock = threading.Lock()
        self.taken = 0
        self.done = 0
        self.size = 1

    def work(self, crew: int) -> None:
        if crew == 1:
            self.member(talk=True)
            return
        others = [_pool().submit(contextvars.copy_context().run, self.member) for _ in range(crew - 1)]
        try:
            self.member(talk=True)
        finally:
            for other in others:
                other.result()

    def member(self, *, talk: bool = False) -> None:
        while not self.stop[0]:
            with self.lock:
                first, last = self.taken, min(self.count, self.taken + self.size)
                self.taken = last
            if first == last:
                return
            start = time.perf_counter()
            self.code(first, last, *self.given)
            spent = time.perf_counter() - start
            with self.lock:
                self.done += last - first
                per_lane = spent / (last - first)
                fair = max(1, (self.count - self.taken) // (2 * threads()))
                self.size = max(1, min(2 * self.size, int(_CHUNK_SECONDS / max(per_lane, 1e-9)), fair))
                done = self.done
            if talk:
                progress.report(done, self.count, self.label)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=max(1, len(os.sched_getaffinity(0))), thread_name_prefix="prism-lane")


def _on_a_device(value: Any) -> bool:
    return _is_numba_s(value) or hasattr(value, "__cuda_array_interface__")


def _is_numba_s(value: Any) -> bool:
    """Tell numba's own CUDA arrays, those of its simulator included, from those of other libraries."""
    return bool(getattr(value, "__cuda_ndarray__", False))


def _launch_cuda(kernel: Lane, count: int, arguments: tuple[Any, ...]) -> None:
    from numba import cuda

    progress.checkpoint()
    foreign = [not _is_numba_s(a) and hasattr(a, "__cuda_array_interface__") for a in arguments]
    given = [cuda.as_cuda_array(a) if f else a for a, f in zip(arguments, foreign, strict=True)]
    if kernel.stop:
        given.append(cuda.to_device(np.zeros(1, dtype=np.int64)))
    block = 64
    kernel.grid()[(count + block - 1) // block, block](count, *given)


def all_kernels() -> list[Lane]:
    """Return every lane kernel of the installed operations' packages, by importing their ``*_lanes`` modules."""
    import importlib
    import pkgutil
    from importlib.metadata import entry_points

    found: list[Lane] = []
    for entry in entry_points(group="prism.operations"):
        package = importlib.import_module(entry.module)
        for info in pkgutil.iter_modules(getattr(package, "__path__", []), f"{package.__name__}."):
            if info.name.endswith("_lanes"):
                module = importlib.import_module(info.name)
                found += [v for v in vars(module).values() if isinstance(v, Lane) and v.__module__ == info.name]
    return found


def cache_folder() -> Path:
    """Return the folder of this user's compiled kernels."""
    from prism_kernels import lane_cache

    return lane_cache.folder()
