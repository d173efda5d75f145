"""What makes Voila PRISM's: its settings, the routes of the stand-alone server, pages that ask no other host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, authenticated
from voila.tornado.handler import TornadoVoilaHandler
from voila.voila_identity_provider import VoilaIdentityProvider

from prism_lab import gallery, places
from prism_lab.assets import components_path, library_version
from prism_lab.handlers import Gallery, GallerySettings, prism_handlers
from prism_lab.published import active
from prism_lab.rendering import answer_in_any_case

__all__ = ["PublishedDashboard", "ReaderIdentity", "ShippedDashboard", "beside_lab", "page_config", "stand_alone"]

answer_in_any_case()

_FORKING = {"default_provisioner_name": "prism-fork"}
_UNASKED = {"allow_theme_override": "NOTEBOOK", "allow_template_override": "NO"}  # an address chooses neither


def page_config(given: dict[str, Any], **about: Any) -> dict[str, Any]:
    """Keep Voila's pages at home: no MathJax from elsewhere (the template sets formulas by itself).

    Parameters
    ----------
    given
        The page's settings as Voila made them.
    **about
        What else Voila passes to its hook; not needed.
    """
    # Voila loads its own MathJax plugin unless both are null; with an empty address the plugin fails to start
    own = {"prismVersion": library_version(), "prismComponents": components_path()}
    return {**given, "fullMathjaxUrl": None, "mathjaxConfig": None, **own}


def stand_alone(folder: Path, *, preheat: bool) -> dict[str, Any]:
    """Return the configuration of a Voila that serves only dashboards.

    Parameters
    ----------
    folder
        Folder of dashboards.
    preheat
        Whether kernels are kept ready, as many as each dashboard's metadata says.
    """
    settings = places.voila_settings(folder)
    voila = {
        **settings.get("VoilaConfiguration", {}),
        **_UNASKED,
        "preheat_kernel": preheat,
        "page_config_hook": page_config,
    }
    pool = {**settings.get("VoilaKernelManager", {}), "kernel_pools_config": gallery.pools(folder)}
    server = {**settings.get("Voila", {}), "kernel_websocket_connection_class": "prism_lab.kernels.PromptConnection"}
    return {
        **settings,
        "KernelProvisionerFactory": _FORKING,
        "Voila": server,
        "VoilaConfiguration": voila,
        "VoilaKernelManager": pool,
    }


def beside_lab(folder: Path) -> dict[str, Any]:
    """Return the part of Voila's configuration that counts beside JupyterLab, where nothing is preheated.

    Parameters
    ----------
    folder
        Folder of dashboards.
    """
    settings = places.voila_settings(folder)
    voila = {
        **settings.get("VoilaConfiguration", {}),
        **_UNASKED,
        "preheat_kernel": False,
        "page_config_hook": page_config,
    }
    viewers = {k: v for k, v in settings.get("ViewerKernels", {}).items() if not k.startswith("cull_")}
    return {
        "KernelProvisionerFactory": _FORKING,
        "VoilaConfiguration": voila,
        "VoilaExecutor": settings.get("VoilaExecutor", {}),
        "ViewerKernels": {**viewers, "load_early": False},  # without culling: an analyst's idle kernel stays
    }


class ReaderIdentity(VoilaIdentityProvider):  # type: ignore[misc]
    """The stand-alone server's identity provider: the one part of it that settings can name and that adds routes."""

    def get_handlers(self) -> list[tuple[Any, ...]]:
        """List Voila's login routes and PRISM's, the gallery being the front page."""
        server = self.parent
        shown = GallerySettings(folder=Path(server.root_dir), render="voila/render/", lab=False)
        front = url_path_join(server.server_url, "/")
        return [
            *super().get_handlers(),
            *prism_handlers(server.server_url, shown),
            (front, Gallery, {"settings": shown}),
        ]


class ShippedDashboard(TornadoVoilaHandler):  # type: ignore[misc]
    """Run a dashboard that lies outside the folder the analyst works in, such as those that come with PRISM."""

    @property
    def contents_manager(self) -> Any:
        """The files of the dashboards' folder, instead of the analyst's."""
        return self.settings["prism_contents"]


class PublishedDashboard(TornadoVoilaHandler):  # type: ignore[misc]
    """Run the version of a published dashboard that readers get, beside JupyterLab."""

    @property
    def contents_manager(self) -> Any:
        """The published folder's files; made when something is there, for it may not be when the server starts."""
        return AsyncLargeFileManager(root_dir=str(self.settings["prism_published"]), parent=self.settings["serverapp"])

    @authenticated  # type: ignore[untyped-decorator]
    async def get(self, name: str) -> None:
        """Answer with the page; the address stays when another version becomes the active one."""
        folder: Path = self.settings["prism_published"]
        version = active(folder, name)
        if version is None:
            raise HTTPError(404, f"{name} is not published")
        await super().get(version.notebook.relative_to(folder).as_posix())
