"""When Python looks for garbage: not while libraries load, and not among what they leave behind.

Bokeh, Panel and numba make some 400,000 objects that live as long as the process. Each full look through them takes
0.2 s, in the middle of a moved slider.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["keep", "paused"]


@contextmanager
def paused() -> Iterator[None]:
    """Make no search for garbage inside."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@functools.cache
def keep(what: str) -> None:
    """Leave all there is out of every search to come; what nothing refers to any more is freed as before.

    Once a process for each name: what is kept again and again, such as pages that came meanwhile, would never be found.

    Parameters
    ----------
    what
        What has come just now.
    """
    gc.freeze()
