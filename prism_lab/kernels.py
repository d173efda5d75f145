"""The kernels of the lab and of stand-alone Voila: local libraries for viewers, prompt messages, and a reaper."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.utils import ensure_async
from tornado.ioloop import PeriodicCallback
from traitlets import Bool, Float, default

from prism_lab.assets import library_roots
from prism_lab.forks import ForkServer
from prism_lab.reaper import BORN_FOR_VIEWERS, Reaper, done_ids, is_viewers

__all__ = ["GRACE", "PromptConnection", "ViewerKernels"]

GRACE = "PRISM_VIEWER_GRACE"
_LOOK_SECONDS = 0.2


class PromptConnection(ZMQChannelsWebsocketConnection):  # type: ignore[misc]
    """Sends each message of a kernel at once.

    By TCP's default (Nagle's algorithm) a small message waits until the browser has acknowledged the one before, which
    takes it up to 40 ms; a kernel says "busy", its answer and "idle", one after another.
    """

    def connect(self) -> Any:
        """Connect a page to its kernel."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


class ViewerKernels(AsyncMappingKernelManager):  # type: ignore[misc]
    """Start kernels; those of dashboards load their libraries from this server and end when nobody looks."""

    viewer_grace = Float(
        60.0, config=True, help="Seconds a dashboard's kernel lives after its last viewer went (PRISM_VIEWER_GRACE)."
    )
    first_grace = Float(60.0, config=True, help="Seconds an idle dashboard's kernel waits for its first viewer.")
    longest_turn = Float(30.0, config=True, help="Seconds a kernel for the pool waits at most before it is started.")
    watch_interval = Float(2.0, config=True, help="Seconds between two looks at the kernels.")

    load_early = Bool(
        True, config=True, help="Whether what dashboards need is loaded at the start, not with the first dashboard."
    )

    @default("viewer_grace")  # type: ignore[untyped-decorator]
    def _viewer_grace(self) -> float:
        return float(os.environ.get(GRACE, 60.0))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._starting = 0
        self.reaper = Reaper(kernels=self, grace=self.viewer_grace, first=self.first_grace)
        self._watch = PeriodicCallback(self.reaper.tick, self.watch_interval * 1000)
        self._watch.start()
        self.forks = ForkServer({**os.environ, **library_roots(self.parent.base_url), BORN_FOR_VIEWERS: "False"})
        if self.load_early:
            self.forks.start()

    async def start_kernel(self, *args: Any, **kwargs: Any) -> str:
        """Start a kernel; for a dashboard, Panel's style sheets and modules come from this server."""
        given = kwargs.get("env") or {}
        if given.get(BORN_FOR_VIEWERS) == "True":
            await self._turn()
        roots = library_roots(self.parent.base_url)
        root = roots["PANEL_MATERIAL_UI_CDN_ROOT"]  # by the library's name too, for who imports it before ours
        own = {"PANEL_MATERIAL_UI_CDN_ROOT": root, "PRISM_MATERIAL_ROOT": root}
        kwargs["env"] = {**os.environ, **given, **(roots if is_viewers(given) else own)}
        self._starting += 1
        try:
            kernel_id: str = await super().start_kernel(*args, **kwargs)
        finally:
            self._starting -= 1
        return kernel_id

    async def shutdown_all(self, now: bool = False) -> None:
        """End all kernels, and the process that is forked."""
        await super().shutdown_all(now=now)
        self.forks.close()

    async def _turn(self) -> None:
        """Let a kernel for the pool wait while pages are drawn or another is started, unless its viewer is there."""
        task = asyncio.current_task()
        for _ in range(round(self.longest_turn / _LOOK_SECONDS)):
            pools: Mapping[str, list[Any]] = getattr(self, "_pools", {})
            ours = any(task in pool for pool in pools.values())
            if not ours or not (self._starting or self.reaper.page_to_come()):
                return
            await asyncio.sleep(_LOOK_SECONDS)

    def notify_connect(self, kernel_id: str) -> None:
        """Tell the reaper of a page that connects, however short its visit."""
        super().notify_connect(kernel_id)
        self.reaper.looked_at(kernel_id)

    def environment(self, kernel_id: str) -> Mapping[str, str]:
        """Return the variables a kernel was started with."""
        launched = self.get_kernel(kernel_id)._launch_args or {}
        return launched.get("env") or {}

    def viewers(self, kernel_id: str) -> int:
        """Count the pages connected to a kernel."""
        return int(self._kernel_connections.get(kernel_id, 0))

    def is_busy(self, kernel_id: str) -> bool:
        """Say whether a kernel executes something."""
        return getattr(self.get_kernel(kernel_id), "execution_state", "idle") == "busy"

    def pooled(self) -> tuple[frozenset[str], bool]:
        """Name the preheated kernels that wait for a viewer, and say whether more are being heated."""
        pools: Mapping[str, list[Any]] = getattr(self, "_pools", {})
        return done_ids(task for pool in pools.values() for task in pool)

    async def end(self, kernel_id: str) -> None:
        """End a kernel at once."""
        self.log.info("Ending kernel %s: nobody looks at its dashboard.", kernel_id)
        if kernel_id in self:
            await ensure_async(self.shutdown_kernel(kernel_id, now=True))
