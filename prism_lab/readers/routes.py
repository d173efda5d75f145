"""All routes of the readers' Voila: pages, their own kernels, pictures and library files. What is not here is not."""

from __future__ import annotations

import functools
import weakref
from http import HTTPStatus
from typing import Any, ClassVar

from jupyter_core.utils import ensure_async
from jupyter_server.auth.identity import User
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import HTTPError
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.voila_identity_provider import VoilaIdentityProvider

from prism_lab import gallery
from prism_lab.readers.answers import VIEWER_HEADER, apologise, picture, waiting
from prism_lab.readers.door import Viewer
from prism_lab.readers.house import House
from prism_lab.readers.turns import Turn

__all__ = ["Channels", "Farewell", "Front", "Kernel", "Notebook", "Picture", "ReaderIdentity", "Session", "library"]


class ReaderIdentity(VoilaIdentityProvider):  # type: ignore[misc]
    """Names readers by their cookie alone: no header, no address and no login page opens anything."""

    @property
    def auth_enabled(self) -> bool:
        """Return that nobody is let in unasked."""
        return True

    async def get_user(self, handler: Any) -> User | None:
        """Return the reader whose cookie came along."""
        house: House = handler.settings["prism_house"]
        viewer = house.door.viewer(handler)
        handler.viewer = viewer
        return None if viewer is None else User(username=viewer.browser, name=viewer.name, display_name=viewer.name)

    def get_handlers(self) -> list[tuple[Any, ...]]:
        """Return no route: there is no login and no logout."""
        return []


class _Reading(JupyterHandler):  # type: ignore[misc]
    """Answers readers only; errors are sentences."""

    viewer: Viewer

    @property
    def house(self) -> House:
        """What all routes share."""
        found: House = self.settings["prism_house"]
        return found

    async def prepare(self) -> None:
        """Let a reader in, and answer everybody else here."""
        if self.house.door.enter(self) is not None:
            await super().prepare()

    def own(self, kernel: str) -> str:
        """Return the kernel if it was started for this browser; for any other there is none."""
        if not self.house.owns(self.viewer, kernel):
            raise HTTPError(HTTPStatus.NOT_FOUND)
        return kernel

    def write_error(self, status_code: int, **about: Any) -> None:
        """Answer with a page instead of a stack of calls."""
        apologise(self, status_code)


class Front(_Reading):
    """The gallery."""

    async def get(self) -> None:
        """Answer with the cards of everything that can be opened."""
        links = {"base": self.base_url, "render": "voila/render/", "lab": "", "viewer": self.viewer.name}
        self.set_header("Cache-Control", "no-store")
        await self.finish(gallery.render(self.house.shelf.folder, links, shown=self.house.shelf.cards()))


class Picture(_Reading):
    """A card's thumbnail."""

    async def get(self, path: str) -> None:
        """Answer with the file, when a card names it."""
        await self.finish(picture(self, path))


class Session(_Reading):
    """Tells a page whether its kernel lives and who views it, and gives it the ``_xsrf`` cookie that Voila forgets."""

    async def get(self) -> None:
        """Answer ``{"alive": …, "viewer": …}`` for the kernel named by ``?kernel=``."""
        _ = self.xsrf_token  # reading it sets the cookie
        kernel = self.get_query_argument("kernel", "")
        alive = self.house.owns(self.viewer, kernel) and kernel in self.kernel_manager
        self.set_header("Cache-Control", "no-store")
        await self.finish({"alive": alive, "viewer": self.viewer.name})


class Notebook(_Reading, TornadoVoilaHandler):  # type: ignore[misc]
    """Runs a notebook for one viewer, or tells the place in line."""

    _turn: Turn

    @property
    def kernel_manager(self) -> Any:
        """The kernel manager, which notes for whom it starts a kernel."""
        return _Noted(self.settings["kernel_manager"], self.house, self.viewer, self._turn)

    async def get(self, name: str) -> None:
        """Answer with the page, or with a page that asks again."""
        found = self.house.shelf.pages().get(name)
        if found is None:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        answer = self.house.turns.ask(f"{self.viewer.browser} {name}", self.viewer.reader)
        if not isinstance(answer, Turn):
            waiting(self, answer, self.viewer.name)
            return
        self._turn = answer
        self.house.door.audit.write("opened", reader=self.viewer.name, what=found.path)
        self.request.headers[VIEWER_HEADER] = self.viewer.name
        try:
            self.house.keep_ready(found)
            await super().get(found.path)
        finally:
            self.house.turns.made(answer)


class _Noted:
    """A kernel manager that notes whose the kernels are that it starts or takes from the pool."""

    def __init__(self, manager: Any, house: House, viewer: Viewer, turn: Turn) -> None:
        self._manager, self._house, self._viewer, self._turn = manager, house, viewer, turn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)

    async def start_kernel(self, *args: Any, **kwargs: Any) -> str:
        kernel: str = await ensure_async(self._manager.start_kernel(*args, **kwargs))
        self._house.give(self._viewer, kernel, self._turn)
        return kernel

    async def get_rendered_notebook(self, *args: Any, **kwargs: Any) -> tuple[Any, Any, str]:
        task, cache, kernel = await self._manager.get_rendered_notebook(*args, **kwargs)
        self._house.give(self._viewer, kernel, self._turn)
        return task, cache, kernel


class Kernel(_Reading):
    """What a page asks about its own kernel before it connects."""

    async def get(self, kernel_id: str) -> None:
        """Answer with name and state."""
        import json

        from jupyter_client.jsonutil import json_default

        if self.own(kernel_id) not in self.kernel_manager:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        model = await ensure_async(self.kernel_manager.kernel_model(kernel_id))
        self.set_header("Content-Type", "application/json")
        await self.finish(json.dumps(model, default=json_default))


class Farewell(_Reading):
    """Ends a page's own kernel when the page is left."""

    async def post(self, kernel_id: str) -> None:
        """End it; the ``_xsrf`` cookie must come along."""
        if self.own(kernel_id) in self.kernel_manager:
            await ensure_async(self.kernel_manager.shutdown_kernel(kernel_id, now=True))
        self.set_status(HTTPStatus.NO_CONTENT)
        await self.finish()


class Channels(VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """The messages between a page and its own kernel; code to execute is not among those let through."""

    open_ones: ClassVar[weakref.WeakSet[Channels]] = weakref.WeakSet()
    viewer: Viewer | None

    async def get(self, kernel_id: str) -> None:
        """Connect a page to the kernel that was started for its browser, and to no other."""
        house: House = self.settings["prism_house"]
        if self.viewer is None or not house.owns(self.viewer, kernel_id) or kernel_id not in self.kernel_manager:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        self.open_ones.add(self)
        await super().get(kernel_id)

    def write_error(self, status_code: int, **about: Any) -> None:
        """Answer with a page instead of a stack of calls."""
        apologise(self, status_code)


def library(kind: type[Any]) -> type[Any]:
    """Return a handler of library files whose errors are pages like all others; no address makes it stumble.

    Parameters
    ----------
    kind
        A handler of files.
    """

    class Library(kind):  # type: ignore[misc]
        @functools.wraps(kind.get)  # with Jupyter's mark of who may ask
        async def get(self, *given: Any, **named: Any) -> None:
            try:
                await ensure_async(super().get(*given, **named))
            except (ValueError, AssertionError, OSError):  # Voila's trusts addresses to be as they should be
                raise HTTPError(HTTPStatus.NOT_FOUND) from None

        def write_error(self, status_code: int, **about: Any) -> None:
            apologise(self, status_code)

    return Library
