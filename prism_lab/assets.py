"""The JavaScript and styles of Bokeh, Panel and panel-material-ui, served from here: no page asks another host."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.utils import url_path_join
from tornado.web import StaticFileHandler

__all__ = ["library_handlers", "library_roots", "library_version"]

_YEAR = 365 * 24 * 3600


class Library(StaticFileHandler):  # type: ignore[misc]
    """Serve a library's published files; they are public, so a page may load them before its viewer is known."""

    def initialize(self, path: str, versioned: bool = False) -> None:
        """Serve ``path``; ``versioned`` says that the address holds a version, so that browsers may keep the file."""
        super().initialize(path=path)
        self._versioned = versioned

    def get_cache_time(self, path: str, modified: Any, mime_type: str) -> int:
        """Return the seconds a browser may keep the file without asking."""
        return _YEAR if self._versioned else int(super().get_cache_time(path, modified, mime_type))

    @allow_unauthenticated  # type: ignore[untyped-decorator]
    async def get(self, path: str, include_body: bool = True) -> None:
        """Answer with the file."""
        await super().get(path, include_body)

    @allow_unauthenticated  # type: ignore[untyped-decorator]
    async def head(self, path: str) -> None:
        """Answer with the file's headers."""
        await super().get(path, include_body=False)


def library_handlers(base_url: str) -> list[tuple[Any, ...]]:
    """List the routes of the libraries.

    Parameters
    ----------
    base_url
        Prefix of every address of this server.
    """
    bokeh = {"path": str(_folder("bokeh") / "server" / "static" / "js")}
    panel = {"path": str(_folder("panel") / "dist")}
    material = {"path": str(_folder("panel_material_ui") / "dist"), "versioned": True}
    return [
        (url_path_join(base_url, r"/prism/lib/bokeh/(.*)"), Library, bokeh),
        (url_path_join(base_url, r"/prism/lib/panel/(.*)"), Library, panel),
        (url_path_join(base_url, r"/prism/cdn/[^/]+/dist/(.*)"), Library, {**panel, "versioned": True}),
        (url_path_join(base_url, r"/prism/pmui/v[^/]+/(.*)"), Library, material),
    ]


def library_roots(base_url: str) -> dict[str, str]:
    """Name the variables by which a dashboard's kernel learns where its libraries are served.

    Parameters
    ----------
    base_url
        Prefix of every address of this server.
    """
    return {
        "PANEL_CDN_ROOT": url_path_join(base_url, "prism/cdn/"),
        "PANEL_MATERIAL_UI_CDN_ROOT": url_path_join(base_url, "prism/pmui/v"),
    }


def library_version() -> str:
    """Return a word that changes when one of the libraries does; addresses carry it, so that browsers may keep them."""
    return "-".join(importlib.metadata.version(name) for name in ("bokeh", "panel", "panel-material-ui"))


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)  # finds without importing: Panel takes a second
    if spec is None or spec.origin is None:
        msg = f"{package} is not installed; get it with: pip install 'prism-lab[lab]'"
        raise ImportError(msg)
    return Path(spec.origin).parent
