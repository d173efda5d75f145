"""Whose turn it is: so many viewers at once, so many pages started at once, everybody else in line, in order.

Nobody takes all places: a reader has so many pages open or in line, and further ones wait outside the line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Enough", "Line", "Turn", "Turns"]

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


@dataclass(frozen=True)
class Enough:
    """That a reader must close a page before the next one opens.

    Attributes
    ----------
    pages
        How many are open or in line.
    """

    pages: int


@dataclass(eq=False)
class Turn:
    """The right to one page, from its request until its kernel ends.

    Attributes
    ----------
    reader
        Number of the token it was given to.
    kernel
        The kernel that was started for it; empty before.
    """

    reader: int
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
    each
        How many one reader may have open or in line.
    lives
        Tells whether a kernel still runs.
    clock
        Seconds that only go forward.
    """

    viewers: int
    starting: int
    each: int
    lives: Callable[[str], bool]
    clock: Callable[[], float] = time.monotonic
    _making: set[Turn] = field(default_factory=set, init=False)
    _open: dict[str, int] = field(default_factory=dict, init=False)
    _line: dict[str, tuple[float, int]] = field(default_factory=dict, init=False)

    def ask(self, who: str, reader: int) -> Turn | Line | Enough:
        """Return a turn, or the place in line of whoever asks, or that the reader has enough.

        Parameters
        ----------
        who
            One page of one browser; the same word keeps the place.
        reader
            Number of the reader's token.
        """
        now = self.clock()
        self._open = {kernel: whose for kernel, whose in self._open.items() if self.lives(kernel)}
        self._line = {w: seen for w, seen in self._line.items() if now - seen[0] <= _FORGOTTEN_SECONDS}
        theirs = self._of(reader) + sum(whose == reader for w, (_, whose) in self._line.items() if w != who)
        if theirs >= self.each:
            self._line.pop(who, None)
            return Enough(theirs)
        ahead = list(self._line).index(who) if who in self._line else len(self._line)
        if ahead < min(self.viewers - self.count, self.starting - len(self._making)):
            self._line.pop(who, None)
            turn = Turn(reader)
            self._making.add(turn)
            return turn
        self._line[who] = now, reader
        return Line(ahead + 1, len(self._line))

    def started(self, turn: Turn, kernel: str) -> None:
        """Note which kernel a turn led to."""
        turn.kernel = kernel
        self._open[kernel] = turn.reader

    def made(self, turn: Turn) -> None:
        """Note that a page is made, or failed; without a kernel its turn is over."""
        self._making.discard(turn)

    @property
    def count(self) -> int:
        """Pages that are open or in the making."""
        return len(self._pages())

    def _of(self, reader: int) -> int:
        return sum(whose == reader for whose in self._pages().values())

    def _pages(self) -> dict[str | Turn, int]:
        """Return whose each page is that is open or in the making; one in the making may have its kernel already."""
        pages: dict[str | Turn, int] = {turn.kernel or turn: turn.reader for turn in self._making}
        pages.update(self._open.items())
        return pages
