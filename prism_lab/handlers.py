"""The routes that PRISM adds: gallery, thumbnails, a session's state, and its own styles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import AuthenticatedFileHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.web import RedirectHandler, StaticFileHandler, authenticated

from prism_lab import gallery
from prism_lab.assets import library_handlers
from prism_lab.places import share_folder

__all__ = ["PUBLISHED", "GallerySettings", "prism_handlers"]

PUBLISHED = "prism/published/"
"""Address that opens a published dashboard in the lab, its name goes behind."""


@dataclass(frozen=True, kw_only=True)
class GallerySettings:
    """What the gallery shows and where its links lead.

    Attributes
    ----------
    folder
        Folder of dashboards.
    render
        Address behind the server's prefix that runs a notebook of that folder.
    lab
        Whether JupyterLab is on this server.
    published
        Published folder; None where only the folder's own are shown.
    """

    folder: Path
    render: str
    lab: bool
    published: Path | None = None

    def cards(self) -> list[gallery.Card]:
        """List the folder's dashboards, and behind them what is published."""
        shown = gallery.cards(self.folder)
        return shown if self.published is None else [*shown, *gallery.published_cards(self.published, PUBLISHED)]


class Gallery(JupyterHandler):  # type: ignore[misc]
    """The page of all dashboards."""

    def initialize(self, settings: GallerySettings) -> None:
        """Show what ``settings`` say."""
        self._gallery = settings

    @authenticated  # type: ignore[untyped-decorator]
    def get(self) -> None:
        """Answer with the page, read anew: an edited card shows on reload."""
        shown = self._gallery
        lab = url_path_join(self.base_url, "lab") if shown.lab else ""
        self.set_header("Cache-Control", "no-store")
        links = {"base": self.base_url, "render": shown.render, "lab": lab}
        self.finish(gallery.render(shown.folder, links, shown.cards()))


class Session(JupyterHandler):  # type: ignore[misc]
    """Tell a dashboard's page whether its kernel lives, and give it the ``_xsrf`` cookie that Voila forgets.

    Notes
    -----
    No page of Voila reads ``xsrf_token``, so the cookie is never set and Voila's own shutdown request is refused:
    https://github.com/voila-dashboards/voila/issues/1458
    """

    @authenticated  # type: ignore[untyped-decorator]
    def get(self) -> None:
        """Answer ``{"alive": …}`` for the kernel named by ``?kernel=``."""
        _ = self.xsrf_token  # reading it sets the cookie
        self.set_header("Cache-Control", "no-store")
        self.finish({"alive": self.get_query_argument("kernel", "") in self.kernel_manager})


class Style(StaticFileHandler):  # type: ignore[misc]
    """The styles and scripts of PRISM's own pages; public, since the error page needs them too."""

    @allow_unauthenticated  # type: ignore[untyped-decorator]
    async def get(self, path: str, include_body: bool = True) -> None:
        """Answer with the file."""
        await super().get(path, include_body)

    @allow_unauthenticated  # type: ignore[untyped-decorator]
    async def head(self, path: str) -> None:
        """Answer with the file's headers."""
        await super().get(path, include_body=False)


def prism_handlers(base_url: str, settings: GallerySettings) -> list[tuple[Any, ...]]:
    """List PRISM's routes.

    Parameters
    ----------
    base_url
        Prefix of every address of this server.
    settings
        What the gallery shows.
    """

    def at(path: str) -> str:
        return str(url_path_join(base_url, path))

    pictures = "|".join(gallery.IMAGES)
    # without a published folder, nothing lies below this address
    versions = str(settings.published or settings.folder / "published")
    return [
        (at(r"/prism"), RedirectHandler, {"url": at("/prism/")}),
        (at(r"/prism/"), Gallery, {"settings": settings}),
        (at(r"/prism/session"), Session),
        (at(rf"/prism/thumbs/published/(.+\.(?:{pictures}))"), AuthenticatedFileHandler, {"path": versions}),
        (at(rf"/prism/thumbs/(.+\.(?:{pictures}))"), AuthenticatedFileHandler, {"path": str(settings.folder)}),
        (at(r"/prism/static/(.*)"), Style, {"path": str(share_folder() / "static")}),
        *library_handlers(base_url),
    ]
