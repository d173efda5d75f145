"""The Jupyter Server extension: gallery and dashboards on JupyterLab's port, behind its token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.utils import url_path_join

from prism_lab import places
from prism_lab.handlers import PUBLISHED, GallerySettings, prism_handlers
from prism_lab.published import published_folder
from prism_lab.voila import PublishedDashboard, ShippedDashboard

__all__: list[str] = []

_SHIPPED = "prism/render/"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "prism_lab.extension"}]


def _load_jupyter_server_extension(app: Any) -> None:
    """Add PRISM's routes to a Jupyter server.

    Parameters
    ----------
    app
        The running ``ServerApp``.
    """
    root = Path(app.root_dir).resolve()
    folder = places.dashboards_folder(root)
    base_url = app.web_app.settings["base_url"]
    inside = folder.is_relative_to(root)
    render = f"voila/render/{folder.relative_to(root).as_posix()}/" if inside else _SHIPPED
    versions = published_folder()
    shown = GallerySettings(folder=folder, render=render.replace("/./", "/"), lab=True, published=versions)
    handlers = prism_handlers(base_url, shown)
    if not inside:
        app.web_app.settings["prism_contents"] = AsyncLargeFileManager(root_dir=str(folder), parent=app)
        handlers.append((url_path_join(base_url, rf"/{_SHIPPED}(.*)"), ShippedDashboard, _voila_arguments(app)))
    app.web_app.settings["prism_published"] = versions
    handlers.append((url_path_join(base_url, rf"/{PUBLISHED}([\w-]+)"), PublishedDashboard, _voila_arguments(app)))
    app.web_app.add_handlers(".*$", handlers)


def _voila_arguments(app: Any) -> dict[str, Any]:
    from voila.configuration import VoilaConfiguration
    from voila.paths import collect_template_paths

    configuration = VoilaConfiguration(parent=app)
    return {
        "config": app.config,
        "template_paths": collect_template_paths(["voila", "nbconvert"], configuration.template),
        "voila_configuration": configuration,
    }
