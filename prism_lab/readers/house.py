"""What all routes of the readers' Voila share: the door, the shelf, the line, and whose each kernel is."""

from __future__ import annotations

from typing import Any

from prism_lab.readers.door import Door, Viewer
from prism_lab.readers.shelf import Page, Shelf
from prism_lab.readers.turns import Turn, Turns

__all__ = ["House"]


class House:
    """The readers' server behind its routes.

    Parameters
    ----------
    door
        Knows readers.
    shelf
        Knows pages.
    turns
        Knows whose turn it is.
    """

    def __init__(self, door: Door, shelf: Shelf, turns: Turns) -> None:
        self.door, self.shelf, self.turns = door, shelf, turns
        self.manager: Any = None
        self._owners: dict[str, Viewer] = {}

    def lives(self, kernel: str) -> bool:
        """Tell whether a kernel still runs."""
        return self.manager is not None and kernel in self.manager

    def give(self, viewer: Viewer, kernel: str, turn: Turn) -> None:
        """Note whose a kernel is."""
        self._owners[kernel] = viewer
        self.turns.started(turn, kernel)

    def owns(self, viewer: Viewer, kernel: str) -> bool:
        """Tell whether a kernel was started for this browser of this reader."""
        return self._owners.get(kernel) == viewer

    def forget(self, kernel: str) -> None:
        """Let nobody own a kernel any more."""
        self._owners.pop(kernel, None)

    def keep_ready(self, page: Page) -> None:
        """Let the pool hold as many sessions of a page as it asks for, where there are pools."""
        pools = getattr(self.manager, "kernel_pools_config", None)
        if pools is None or pools.get(page.path, {}).get("pool_size") == page.preheat:
            return
        self.manager.kernel_pools_config = {**pools, page.path: {"pool_size": page.preheat}}
        if page.preheat:
            self.manager.fill_if_needed(delay=0, notebook_name=page.path)

    def cut_off(self) -> dict[str, Viewer]:
        """Name the kernels whose reader's token no longer counts, and forget those that ended."""
        self._owners = {kernel: viewer for kernel, viewer in self._owners.items() if self.lives(kernel)}
        return {k: viewer for k, viewer in self._owners.items() if self.door.valid(viewer.reader) is None}

    def left_ready(self) -> list[str]:
        """Name pooled kernels of pages that are no longer shown: of older versions, and of what was taken down."""
        pools: dict[str, list[Any]] = getattr(self.manager, "_pools", {})
        shown = {page.path for page in self.shelf.pages().values()}
        finished = [task for path, pool in pools.items() if path not in shown for task in pool if task.done()]
        return [task.result()["kernel_id"] for task in finished if not task.cancelled() and task.exception() is None]
