"""The JavaScript and styles of Bokeh, Panel, panel-material-ui and our own, served from here and from no other host."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_path
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.utils import url_path_join
from tornado.web import StaticFileHandler

__all__ = ["components_path", "library_handlers", "library_roots", "library_version"]

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


class WidgetManager(Library):
    """Serve Voila's pages the code of the widget manager, which gives a widget up without a last look.

    It looks ten times a second, for two seconds. What comes during the last wait, which is long on a busy machine, is
    there, and the page says "model not found" nevertheless.
    """

    @classmethod
    def get_content(cls, abspath: str, start: int | None = None, end: int | None = None) -> Iterator[bytes]:
        """Give the file's bytes, mended."""
        text = Path(abspath).read_text(encoding="utf-8")
        yield _GIVES_UP.sub(r"\1if(this._models[\2])return this._models[\2];\3", text).encode()[start:end]

    def set_extra_headers(self, path: str) -> None:
        """Let browsers ask each time: the address does not tell how the file was mended."""
        self.set_header("Cache-Control", "no-cache")

    def get_content_size(self) -> int:
        """Count the bytes."""
        return sum(map(len, self.get_content(str(self.absolute_path))))


_GIVES_UP = re.compile(r"(async get_model\((\w+)\)\{.{0,260}?)(throw Error\(\"widget model not found\"\))")
_MANAGER = "@jupyter-widgets/jupyterlab-manager/static"


def library_handlers(base_url: str) -> list[tuple[Any, ...]]:
    """List the routes of the libraries.

    Parameters
    ----------
    base_url
        Prefix of every address of this server.
    """
    bokeh = {"path": str(_folder("bokeh") / "server" / "static" / "js")}
    panel = {"path": str(_folder("panel") / "dist")}
    own = {"path": str(_folder("prism_widgets") / "dist")}
    manager = next((p for root in jupyter_path("labextensions") if (p := Path(root) / _MANAGER).is_dir()), None)
    widgets = [
        (url_path_join(base_url, rf"/voila/labextensions/{_MANAGER}/(.*\.js)"), WidgetManager, {"path": manager})
    ]
    material = {"path": str(_folder("panel_material_ui") / "dist"), "versioned": True}
    return [
        (url_path_join(base_url, r"/prism/lib/bokeh/(.*)"), Library, bokeh),
        (url_path_join(base_url, r"/prism/lib/panel/(.*)"), Library, panel),
        (url_path_join(base_url, r"/prism/lib/prism_widgets/(.*)"), Library, own),
        (url_path_join(base_url, r"/prism/cdn/[^/]+/dist/(.*)"), Library, {**panel, "versioned": True}),
        *(widgets if manager else []),
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
    own = zlib.crc32((_folder("prism_widgets") / "dist" / "prism_widgets.js").read_bytes())
    theirs = (importlib.metadata.version(name) for name in ("bokeh", "panel", "panel-material-ui"))
    return "-".join([*theirs, f"{own:08x}"])


def components_path() -> str:
    """Return where, below the server's base, a dashboard's page loads panel-material-ui's code from."""
    return f"prism/pmui/v{importlib.metadata.version('panel-material-ui')}/panel-material-ui.bundle.js"


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)  # finds without importing: Panel takes a second
    if spec is None or spec.origin is None:
        msg = f"{package} is not installed; get it with: pip install 'prism-lab[lab]'"
        raise ImportError(msg)
    return Path(spec.origin).parent
