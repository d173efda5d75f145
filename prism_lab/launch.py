"""Starts the servers: the analyst's lab, the readers' Voila, and Panel's own server."""

from __future__ import annotations

import os
import secrets
import threading
import warnings
from pathlib import Path
from typing import Any

from prism_kernels.errors import InvalidInput
from prism_lab import places
from prism_lab.footing import existing, free_port, writable, writable_runtime
from prism_lab.ready_line import address_of, announce

__all__ = ["jupyter_config", "lab", "panel_serve", "voila"]

_EXTENSIONS = ("prism_lab.extension", "voila.server_extension", "jupyter_server_proxy")
_ANYWHERE = {
    "ServerApp.kernel_manager_class": "prism_lab.kernels.ViewerKernels",
    "ServerApp.kernel_websocket_connection_class": "prism_lab.kernels.PromptConnection",
    "LabApp.default_url": "/prism/",
    "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    "LabApp.news_url": "",
}


def lab(
    *,
    port: int = 8888,
    ip: str = "127.0.0.1",
    browser: bool = True,
    notebook_dir: str | Path | None = None,
    base_url: str = "/",
    debug: bool = False,
) -> int:
    """Run JupyterLab, the dashboards and their gallery on one port behind one token, until Ctrl-C or SIGTERM.

    Prints the address once the server answers there.

    Parameters
    ----------
    port
        TCP port, 1 to 65535.
    ip
        Address to listen on; ``0.0.0.0`` for every network of this machine.
    browser
        Whether to open the address in a browser.
    notebook_dir
        The folder to work in; the current one when not given. Its ``dashboards`` folder fills the gallery.
    base_url
        Prefix of every address, behind a proxy.
    debug
        Whether the server logs what it does.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    InvalidInput
        When the port is taken, or a folder is missing or cannot be written.

    Notes
    -----
    The token is the environment's ``JUPYTER_TOKEN``, else a new random one. Nothing of the user's Jupyter
    configuration is changed; what it says about anything else than addresses holds here too.
    """
    root = writable(Path(notebook_dir or Path.cwd()).expanduser(), "notebook_dir", "--notebook-dir")
    free_port(ip, port)
    writable_runtime()
    _quiet(debug)
    from jupyterlab.labapp import LabApp

    config = jupyter_config(root)
    config.IdentityProvider.token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
    arguments = _lab_arguments(port=port, ip=ip, root=root, base_url=base_url, debug=debug)
    server = LabApp.initialize_server(argv=arguments, config=config)
    address = address_of(ip, port, f"{server.base_url}prism/", server.identity_provider.token)
    threading.Thread(target=announce, args=(address, browser), daemon=True).start()
    server.start()
    return 0


def jupyter_config(root: Path) -> Any:
    """Return what makes any Jupyter server PRISM's, for a configuration file: gallery, dashboards, launcher card.

    Parameters
    ----------
    root
        The folder the analyst works in.

    Raises
    ------
    InvalidInput
        When the settings of the dashboards cannot be read.
    """
    os.environ.update(places.jupyter_paths())
    from traitlets.config import Config

    from prism_lab import voila as voila_side

    config = Config(voila_side.beside_lab(places.dashboards_folder(root)))
    config.ServerProxy.servers = {"prism-gallery": _launcher_card()}
    config.ServerApp.jpserver_extensions = dict.fromkeys(_EXTENSIONS, True)
    for name, value in _ANYWHERE.items():
        section, _, key = name.partition(".")
        config[section][key] = value
    return config


def _lab_arguments(*, port: int, ip: str, root: Path, base_url: str, debug: bool) -> list[str]:
    """Write as command line arguments what must win over the user's configuration files."""
    settings = {
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.ip": ip,
        "ServerApp.base_url": base_url,
        "ServerApp.root_dir": str(root),
        "ServerApp.open_browser": False,
        "ServerApp.answer_yes": True,  # one Ctrl-C is enough
        "ServerApp.allow_root": True,
        "ServerApp.log_level": 20 if debug else 40,
        "LabApp.log_level": 20 if debug else 40,
        **_ANYWHERE,
    }
    switched = [f"--ServerApp.jpserver_extensions={name}=True" for name in _EXTENSIONS]
    return [*switched, *(f"--{name}={value}" for name, value in settings.items())]


def _launcher_card() -> dict[str, Any]:
    """Describe the card in JupyterLab's launcher; with no command, the proxy starts nothing and only links."""
    icon = str(places.share_folder() / "static" / "prism.svg")
    # of all categories, JupyterLab draws an icon given by address only among the notebooks and consoles
    entry = {
        "enabled": True,
        "title": "PRISM gallery",
        "path_info": "prism/",
        "category": "Notebook",
        "icon_path": icon,
    }
    # the port is never asked: path_info leads past the proxy, to the gallery's own route
    return {"command": [], "port": 9, "new_browser_tab": False, "launcher_entry": entry}


def voila(
    *,
    port: int = 8866,
    ip: str = "127.0.0.1",
    dashboards: str | Path | None = None,
    preheat: bool = True,
    token: str | None = None,
    debug: bool = False,
) -> int:
    """Run a server of nothing but dashboards, for readers, until Ctrl-C or SIGTERM.

    Parameters
    ----------
    port
        TCP port, 1 to 65535.
    ip
        Address to listen on.
    dashboards
        Folder of dashboards; chosen as in :func:`lab` when not given.
    preheat
        Whether kernels are kept ready, as many as each dashboard's metadata says.
    token
        What readers must know; a new random one when not given, ``""`` for an open server.
    debug
        Whether the server logs what it does.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    InvalidInput
        When the port is taken or the folder is missing.
    """
    folder = existing(Path(dashboards), "dashboards") if dashboards else places.dashboards_folder(Path.cwd())
    free_port(ip, port)
    os.environ.update(places.jupyter_paths())
    _quiet(debug)
    from traitlets.config import Config
    from voila.app import Voila

    from prism_lab import voila as voila_side

    os.chdir(folder)  # Voila reads voila.json of the current folder last
    token = secrets.token_hex(24) if token is None else token
    config = Config(voila_side.stand_alone(folder, preheat=preheat))
    config.Voila.update(port=port, ip=ip, port_retries=0, open_browser=False, token=token, root_dir=str(folder))
    config.Voila.log_level = 20 if debug else 40
    server = Voila(config=config)
    server.initialize([])
    server.update_config(config)
    server.voila_configuration.update_config(config)
    address = address_of(ip, port, server.base_url, token)
    threading.Thread(target=announce, args=(address, False), daemon=True).start()
    server.start()
    return 0


def panel_serve(
    *, port: int = 5006, ip: str = "127.0.0.1", dashboards: str | Path | None = None, debug: bool = False
) -> int:
    """Run the same notebooks by Panel's own server: one process for all viewers, until Ctrl-C or SIGTERM.

    Parameters
    ----------
    port
        TCP port, 1 to 65535.
    ip
        Address to listen on.
    dashboards
        Folder of dashboards; chosen as in :func:`lab` when not given.
    debug
        Whether the server logs what it does.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    InvalidInput
        When the port is taken, or the folder is missing or holds no notebook.
    """
    folder = existing(Path(dashboards), "dashboards") if dashboards else places.dashboards_folder(Path.cwd())
    notebooks = sorted(folder.glob("*.ipynb"))
    if not notebooks:
        msg = f"{folder} holds no notebook to serve; name another folder"
        raise InvalidInput(msg, field="dashboards")
    free_port(ip, port)
    import panel
    import panel_material_ui  # noqa: F401 - its files are only served when it was imported before the server starts

    from prism_lab import gallery
    from prism_lab.pages import page
    from prism_lab.ready import answer_with_ready_pages, warm

    answer_with_ready_pages()
    threading.Thread(target=announce, args=(address_of(ip, port, "/", ""), False), daemon=True).start()
    origins = sorted({f"{host}:{port}" for host in (ip, "127.0.0.1", "localhost")})
    ready = gallery.pools(folder)
    pages = {path.stem: page(path, ready.get(path.name, {}).get("pool_size", 0)) for path in notebooks}
    panel.config.log_level = "INFO" if debug else "ERROR"
    warm(pages.values())
    panel.serve(pages, port=port, address=ip, websocket_origin=origins, show=False, verbose=False)
    return 0


def _quiet(debug: bool) -> None:
    """Keep notes from one library's developers to another's out of the terminal."""
    if not debug:
        import voila  # noqa: F401 - it switches such notes on when it is imported

        warnings.filterwarnings("ignore", category=DeprecationWarning)
