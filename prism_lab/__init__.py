"""The Jupyter side of PRISM: one port for JupyterLab, dashboards and their gallery; reports; a look at the machine."""

from __future__ import annotations

__all__ = ["_jupyter_server_extension_points", "_load_jupyter_server_extension"]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter Server which module of this package extends it."""
    return [{"module": "prism_lab.extension"}]


def _load_jupyter_server_extension(app: object) -> None:
    """Load the extension when it is enabled by the name of the package."""
    from prism_lab.extension import _load_jupyter_server_extension as load

    load(app)
