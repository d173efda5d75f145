"""What the operation at hand does about missing values, so that a refusal names no way out that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["EVERY", "offered", "offering", "ways_out"]

EVERY = ("drop_assets", "intersect")
"""What operations on tables of assets may do, as their setting ``missing`` calls it."""

_offered: ContextVar[tuple[str, ...]] = ContextVar("ways", default=EVERY)


@contextmanager
def offering(ways: tuple[str, ...]) -> Iterator[None]:
    """Let refusals inside name these ways out.

    Parameters
    ----------
    ways
        Values of the operation's setting ``missing``; none where it has no such setting.
    """
    token = _offered.set(ways)
    try:
        yield
    finally:
        _offered.reset(token)


def offered() -> tuple[str, ...]:
    """Return the ways out that the operation at hand has; every one where there is none at hand."""
    return _offered.get()


def ways_out(first: str, ways: Sequence[str] | None = None, *, empty: bool = False) -> str:
    """Write the end of a sentence: what can be done by hand, and what the operation can do.

    Parameters
    ----------
    first
        What can be done by hand, such as ``correct it``.
    ways
        Those of the operation's ways that would help; all by default.
    empty
        Whether the value has to be left empty for that.
    """
    helping = [way for way in (offered() if ways is None else ways) if way in offered()]
    if not helping:
        return first
    choices = " or ".join(f"missing={way!r}" for way in helping)
    return f"{first}, or {'leave it empty and ' if empty else ''}choose {choices}"
