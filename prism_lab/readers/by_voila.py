"""The readers' server by Voila: a kernel for each viewer, some kept ready, and none but the routes listed here."""

from __future__ import annotations

import functools
import os
import secrets
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import FileFindHandler
from jupyter_server.utils import url_path_join
from jupyterlab_server.themes_handler import ThemesHandler
from tornado.ioloop import PeriodicCallback
from traitlets.config import Config
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.static_file_handler import MultiStaticFileHandler, TemplateStaticFileHandler
from voila.utils import get_voila_labextensions_path

from prism_lab import places
from prism_lab import voila as voila_side
from prism_lab.assets import library_handlers
from prism_lab.handlers import Style
from prism_lab.readers import routes
from prism_lab.readers.answers import LARGEST_BODY, VIEWER_HEADER, Elsewhere, quiet_log
from prism_lab.readers.audit import Audit
from prism_lab.readers.door import Door
from prism_lab.readers.house import House
from prism_lab.readers.settings import Rules
from prism_lab.readers.shelf import Shelf
from prism_lab.readers.tokens import Tokens
from prism_lab.readers.turns import Turns

__all__ = ["server"]

_KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
_SWEEP_MS = 1000
_STARTS_A_CORE = 2


class ReadersVoila(Voila):  # type: ignore[misc]
    """Voila without tree, contents, files, login and other people's kernels."""

    house: House
    name = "voila"

    def init_settings(self) -> dict[str, Any]:
        """Add what PRISM's routes share, and a log that knows no query: a token may stand there."""
        settings: dict[str, Any] = super().init_settings()
        self.house.manager = self.kernel_manager
        return {
            **settings,
            "prism_house": self.house,
            "cookie_secret": self.house.door.secret,
            "default_handler_class": Elsewhere,
            "log_function": quiet_log,
            "headers": {"Referrer-Policy": "same-origin"},
        }

    def init_handlers(self) -> list[tuple[Any, ...]]:
        """List every route there is."""
        self.app.listen = functools.partial(self.app.listen, max_body_size=LARGEST_BODY)
        for page in self.house.shelf.pages().values():
            self.house.keep_ready(page)
        self._sweeper = PeriodicCallback(self._sweep, _SWEEP_MS)
        self._sweeper.start()

        def at(path: str) -> str:
            return str(url_path_join(self.server_url, path))

        return [
            (at("/"), routes.Front),
            (at("/prism/"), routes.Front),
            (at("/prism/session"), routes.Session),
            (at(r"/prism/thumbs/(.+)"), routes.Picture),
            (at(r"/voila/render/([^/]+)\.ipynb"), routes.Notebook, self._arguments()),
            (at(rf"/api/kernels/{_KERNEL}"), routes.Kernel),
            (at(rf"/api/kernels/{_KERNEL}/channels"), routes.Channels),
            (at(rf"/voila/api/shutdown/{_KERNEL}"), routes.Farewell),
            (at(rf"/{_words()}/voila/query/{_KERNEL}"), RequestInfoSocketHandler),
            *self._libraries(at),
        ]

    def _arguments(self) -> dict[str, Any]:
        configuration = self.voila_configuration
        return {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": configuration,
        }

    def _libraries(self, at: Any) -> list[tuple[Any, ...]]:
        """List styles and scripts, PRISM's and Voila's: installed files, the same for everybody."""
        extensions = get_voila_labextensions_path(self.voila_configuration.extra_labextensions_path)
        themes = {"themes_url": "/voila/api/themes", "labextensions_path": extensions, "no_cache_paths": ["/"]}
        static = {"paths": self.static_paths, "default_filename": "index.html"}
        found = [
            (at(r"/prism/static/(.*)"), Style, {"path": str(places.share_folder() / "static")}),
            *library_handlers(self.server_url),
            (at(r"/voila/templates/(.*)"), TemplateStaticFileHandler),
            (at(r"/voila/static/(.*)"), MultiStaticFileHandler, static),
            (at(r"/voila/api/themes/(.*)"), ThemesHandler, {**themes, "path": self.themes_dir}),
            (at(r"/voila/labextensions/(.*)"), FileFindHandler, {"path": extensions, "no_cache_paths": ["/"]}),
        ]
        return [(path, routes.library(kind), *more) for path, kind, *more in found]

    async def _sweep(self) -> None:
        """Cut off readers whose token was revoked, and end what is kept ready of pages that are gone."""
        for page in self.house.shelf.pages().values():
            self.house.keep_ready(page)
        cut = self.house.cut_off()
        for socket in list(routes.Channels.open_ones):
            if socket.kernel_id in cut:
                socket.close(code=4403, reason="This token was revoked.")
        for kernel, viewer in cut.items():
            self.house.door.audit.write("cut off", reader=viewer.name, what=kernel)
            await self.kernel_manager.end(kernel)
        for kernel in self.house.left_ready():
            await ensure_async(self.kernel_manager.shutdown_kernel(kernel, now=True))

    def stop(self) -> None:
        """End all kernels and take the stage down."""
        self._sweeper.stop()
        super().stop()
        self.house.shelf.close()


def _words() -> str:
    """Return the way by which kernels, and nobody else, ask who views them."""
    return os.environ[_WAY].strip("/")


_WAY = "VOILA_WS_BASE_URL"


def server(rules: Rules, *, port: int, ip: str, preheat: bool, debug: bool) -> Voila:
    """Return a server that is ready to start.

    Parameters
    ----------
    rules
        What readers may do.
    port, ip
        Where it listens.
    preheat
        Whether kernels are kept ready, as many as each page's metadata says.
    debug
        Whether it logs what it does.
    """
    os.environ.update(rules.environment())
    os.environ[_WAY] = f"/{secrets.token_urlsafe(24)}/"
    os.environ["VOILA_APP_IP"] = "127.0.0.1" if ip in ("", "0.0.0.0", "::") else ip
    door = Door(Tokens(), Audit(), base="/", port=port)
    shelf = Shelf(rules.folder, rules.published)
    turns = Turns(
        viewers=rules.viewers, each=rules.per_reader, starting=_STARTS_A_CORE * _cores(), lives=lambda _: True
    )
    house = House(door, shelf, turns)
    house.turns.lives = house.lives
    config = _config(rules, shelf, preheat=preheat)
    config.Voila.update(port=port, ip=ip, port_retries=0, open_browser=False, root_dir=str(shelf.stage))
    config.Voila.log_level = 20 if debug else 40
    readers = ReadersVoila(config=config)
    readers.house = house
    readers.initialize([])
    readers.update_config(config)
    readers.voila_configuration.update_config(config)
    return readers


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _config(rules: Rules, shelf: Shelf, *, preheat: bool) -> Config:
    """Return Voila's settings with what must hold for readers put over them."""
    settings = voila_side.stand_alone(rules.folder, preheat=preheat)
    config = Config(settings)
    config.Voila.identity_provider_class = "prism_lab.readers.routes.ReaderIdentity"
    config.Voila.tornado_settings = {"disable_check_xsrf": False}
    config.VoilaConfiguration.update(
        strip_sources=True,
        show_tracebacks=False,
        progressive_rendering=False,
        allow_template_override="NO",
        multi_kernel_manager_class="prism_lab.kernels.ViewerKernels",
        http_header_envs=[VIEWER_HEADER],
    )
    config.VoilaKernelManager.kernel_pools_config = {"default": {"pool_size": 0}}
    config.ViewerKernels.update(cull_idle_timeout=round(60 * rules.idle_minutes), cull_connected=True)
    config.ViewerKernels.cull_interval = max(1, min(60, round(15 * rules.idle_minutes)))
    return config
