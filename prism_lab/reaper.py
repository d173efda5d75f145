"""Ends the kernels of dashboards nobody looks at any more.

A closing page says so itself (a beacon, see the page template). This is for those that cannot: a browser that was
killed, a laptop that went to sleep, a viewer who left while the notebook was still starting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["BORN_FOR_VIEWERS", "Kernels", "Reaper", "is_viewers"]

BORN_FOR_VIEWERS = "VOILA_PREHEAT"
"""The variable Voila sets in every kernel it starts, cold (``False``) or preheated (``True``)."""


class Kernels(Protocol):
    """What the reaper asks of a kernel manager."""

    def list_kernel_ids(self) -> Iterable[str]:
        """List the kernels that run."""

    def environment(self, kernel_id: str) -> Mapping[str, str]:
        """Return the variables a kernel was started with."""

    def viewers(self, kernel_id: str) -> int:
        """Count the pages connected to a kernel."""

    def is_busy(self, kernel_id: str) -> bool:
        """Say whether a kernel executes something."""

    def pooled(self) -> tuple[frozenset[str], bool]:
        """Name the preheated kernels that wait for a viewer, and say whether more are being heated."""

    async def end(self, kernel_id: str) -> None:
        """End a kernel at once."""


def is_viewers(environment: Mapping[str, str]) -> bool:
    """Say whether a kernel belongs to a viewer of a dashboard, rather than to an analyst in JupyterLab.

    Parameters
    ----------
    environment
        The variables the kernel was started with.
    """
    return BORN_FOR_VIEWERS in environment


@dataclass(kw_only=True)
class Reaper:
    """Remember when each viewer's kernel was last looked at, and end those that were left.

    Parameters
    ----------
    kernels
        The kernel manager.
    grace
        Seconds a kernel lives after its last viewer went; long enough for a reload or a lost connection.
    first
        Seconds an idle kernel waits for its first viewer.
    longest
        Seconds a kernel that executes may keep its first viewer waiting.
    settling
        Seconds a page takes to draw itself once it has connected.
    clock
        Seconds that only go forward.

    Notes
    -----
    Kernels of JupyterLab and preheated kernels in the pool are never touched.
    """

    kernels: Kernels
    grace: float
    first: float = 60.0
    longest: float = 900.0
    settling: float = 3.0
    clock: Callable[[], float] = time.monotonic
    _lives: dict[str, _Life] = field(default_factory=dict, init=False)

    def looked_at(self, kernel_id: str) -> None:
        """Take note that a page has connected to a kernel, also one that is gone before the next look.

        Parameters
        ----------
        kernel_id
            The kernel's name.
        """
        now, life = self.clock(), self._lives.get(kernel_id)
        connected = life.connected if life and life.connected is not None else now
        self._lives[kernel_id] = _Life(born=life.born if life else now, last=now, connected=connected)

    def page_to_come(self) -> bool:
        """Say whether a dashboard's kernel outside the pool still waits for its page, or got it in the last moments."""
        pooled, _ = self.kernels.pooled()
        viewers = (k for k in self.kernels.list_kernel_ids() if is_viewers(self.kernels.environment(k)))
        lives = (self._lives.get(kernel_id) for kernel_id in viewers if kernel_id not in pooled)
        known = [life.connected if life else None for life in lives]
        return any(at is None or self.clock() - at < self.settling for at in known)

    async def tick(self) -> list[str]:
        """Look at all kernels once; end and name those nobody looks at."""
        now = self.clock()
        pooled, heating = self.kernels.pooled()
        present = set(self.kernels.list_kernel_ids())
        for gone in self._lives.keys() - present:
            del self._lives[gone]
        ended = []
        for kernel_id in sorted(present - pooled):
            environment = self.kernels.environment(kernel_id)
            if is_viewers(environment) and self._left(kernel_id, environment, heating, now):
                self._lives.pop(kernel_id, None)
                await self.kernels.end(kernel_id)
                ended.append(kernel_id)
        return ended

    def _left(self, kernel_id: str, environment: Mapping[str, str], heating: bool, now: float) -> bool:
        life = self._lives.get(kernel_id)
        if self.kernels.viewers(kernel_id) > 0:
            self.looked_at(kernel_id)
            return False
        if life is None or life.connected is None:
            if heating and environment[BORN_FOR_VIEWERS] == "True":
                return False  # may be the one that is being heated: the pool does not know its name yet
            if life is None:
                life = self._lives[kernel_id] = _Life(born=now, last=now)
            if self.kernels.is_busy(kernel_id):
                life.last = now
            return now - life.last > self.first or now - life.born > self.longest
        return now - life.last > self.grace


@dataclass
class _Life:
    born: float
    last: float
    connected: float | None = None


def done_ids(tasks: Iterable[Any]) -> tuple[frozenset[str], bool]:
    """Split a pool's tasks into the names of heated kernels and whether some are still being heated.

    Parameters
    ----------
    tasks
        Futures whose result holds ``kernel_id``.
    """
    tasks = list(tasks)
    finished = [t for t in tasks if t.done() and not t.cancelled() and t.exception() is None]
    return frozenset(t.result()["kernel_id"] for t in finished), any(not t.done() for t in tasks)
