"""Whose turn it is: so many viewers at once, so many pages started at once, everybody else in line, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Line", "Turn", "Turns"]

_FORGOTTEN_SECONDS = 15.0
"""A page in line asks again every few seconds; one that does not has left."""


@dataclass(frozen=True)
class Line:
    """Where somebody stands.

    Attributes
    ----------
    place
        1 for whoever is next.
    length
        How many stand in line.
    """

    place: int
    length: int


@dataclass(eq=False)
class Turn:
    """The right to one page, from its request until its kernel ends.

    Attributes
    ----------
    kernel
        The kernel that was started for it; empty before.
    """

    kernel: str = ""


@dataclass(kw_only=True)
class Turns:
    """Let viewers in, or tell them their place.

    Parameters
    ----------
    viewers
        How many pages may be open at once.
    starting
        How many may be in the making at once; more would make all of them late.
    lives
        Tells whether a kernel still runs.
    clock
        Seconds that only go forward.
    """

    viewers: int
    starting: int
    lives: Callable[[str], bool]
    clock: Callable[[], float] = time.monotonic
    _making: set[Turn] = field(default_factory=set, init=False)
    _open: set[str] = field(default_factory=set, init=False)
    _line: dict[str, float] = field(default_factory=dict, init=False)

    def ask(self, who: str) -> Turn | Line:
        """Return a turn, or the place in line of whoever asks.

        Parameters
        ----------
        who
            One page of one browser; the same word keeps the place.
        """
        now = self.clock()
        self._open = {kernel for kernel in self._open if self.lives(kernel)}
        self._line = {w: seen for w, seen in self._line.items() if now - seen <= _FORGOTTEN_SECONDS}
        ahead = list(self._line).index(who) if who in self._line else len(self._line)
        if ahead < min(self.viewers - self.count, self.starting - len(self._making)):
            self._line.pop(who, None)
            turn = Turn()
            self._making.add(turn)
            return turn
        self._line[who] = now
        return Line(ahead + 1, len(self._line))

    def started(self, turn: Turn, kernel: str) -> None:
        """Note which kernel a turn led to."""
        turn.kernel = kernel
        self._open.add(kernel)

    def made(self, turn: Turn) -> None:
        """Note that a page is made, or failed; without a kernel its turn is over."""
        self._making.discard(turn)

    @property
    def count(self) -> int:
        """Pages that are open or in the making."""
        return len(self._open | {turn.kernel for turn in self._making if turn.kernel}) + sum(
            not turn.kernel for turn in self._making
        )
