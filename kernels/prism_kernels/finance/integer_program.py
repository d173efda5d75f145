"""Mixed integer programs by HiGHS, with nothing on the screen that nobody asked for."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["solved", "without_debug_text"]

# HiGHS 1.12, which comes with SciPy, prints this whatever its options say when it repairs a solution, and a new line
# after it: https://github.com/jump-dev/HiGHS.jl/issues/312
_DEBUG = b"HighsMipSolverData::transformNewIntegerFeasibleSolution tmpSolver.run();"
_END = b"\0prism: the program is solved\0"
_SCREEN = 1
_CHUNK = 65536
_PATIENCE = 5.0  # seconds for what was printed to reach the screen


def solved(problem: dict[str, Any], *, time_limit: float) -> Any:
    """Return what HiGHS found, as ``scipy.optimize.milp`` returns it.

    Parameters
    ----------
    problem
        The arguments of ``scipy.optimize.milp``.
    time_limit
        Seconds.
    """
    from scipy.optimize import milp

    with without_debug_text():
        return milp(**problem, options={"time_limit": time_limit, "mip_rel_gap": 0.0})


class _Sieve:
    """A pipe in the place of the screen, and a thread that hands on all of it but one line."""

    def __init__(self) -> None:
        self.screen = os.dup(_SCREEN)
        out, self.into = os.pipe()
        self.done, self.owed, self.fresh = threading.Event(), 0, True
        threading.Thread(target=self._hand_on, args=(out,), name="prism-sieve", daemon=True).start()
        os.dup2(self.into, _SCREEN)

    def remove(self) -> None:
        """Put the screen back, once all that was printed so far has reached it."""
        _flush()
        os.dup2(self.screen, _SCREEN)
        os.write(self.into, _END)
        os.close(self.into)
        self.done.wait(_PATIENCE)

    def _hand_on(self, out: int) -> None:
        """Hand on until nobody writes any more: a child that was started meanwhile holds the pipe as its screen."""
        held = b""
        while chunk := os.read(out, _CHUNK):
            before, end, after = (held + chunk).partition(_END)
            if end:
                self._write(before)
                self.done.set()
            held = after if end else before
            keep = next((k for k in range(len(_DEBUG), 0, -1) if held.endswith((_DEBUG[:k], _END[:k]))), 0)
            keep = 0 if held.endswith(_DEBUG) else keep
            self._write(held[: len(held) - keep])
            held = held[len(held) - keep :]
        self._write(held)
        os.close(out)
        os.close(self.screen)

    def _write(self, data: bytes) -> None:
        data = self._kept(data)
        with suppress(OSError):
            while data:
                data = data[os.write(self.screen, data) :]

    def _kept(self, data: bytes) -> bytes:
        """Return all but the line, whose end may come later than what others wrote after its beginning."""
        kept: list[bytes] = []
        for number, part in enumerate(data.split(_DEBUG)):
            self.owed += number > 0
            self.fresh = self.fresh or number > 0
            for line in part.splitlines(keepends=True) if self.owed else [part]:
                if self.owed and self.fresh and line == b"\n":
                    self.owed -= 1
                elif line:
                    kept.append(line)
                    self.fresh = line.endswith(b"\n")
        return b"".join(kept)


_lock = threading.Lock()
_inside: list[object] = []
_sieve: list[_Sieve] = []


@contextmanager
def without_debug_text() -> Iterator[None]:
    """Keep the line that HiGHS prints by mistake from the screen; what anybody else prints meanwhile arrives there.

    Threads may be inside together: the first puts the sieve in, the last takes it out.
    """
    me = object()
    with _lock:
        if not _inside and not _sieve:
            with suppress(OSError):  # a service may have no screen
                _sieve.append(_Sieve())
        _inside.append(me)
    try:
        yield
    finally:
        with _lock:
            _inside.remove(me)
            if not _inside and _sieve:
                _sieve.pop().remove()


def _flush() -> None:
    """Send what C's printf still holds."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).fflush(None)
