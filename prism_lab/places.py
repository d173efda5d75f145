"""Where things lie: templates of the package, dashboards of the user or of the package, settings of Voila."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from prism_kernels.errors import InvalidInput

__all__ = ["DASHBOARDS", "dashboards_folder", "jupyter_paths", "share_folder", "voila_settings"]

DASHBOARDS = "PRISM_DASHBOARDS"


def share_folder() -> Path:
    """Return the folder of templates and settings that comes with the package."""
    return Path(__file__).parent / "share"


def shipped_dashboards() -> Path:
    """Return the dashboards that come with PRISM: inside the wheel, or beside the package in a checkout."""
    inside = share_folder() / "dashboards"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "dashboards"


def dashboards_folder(root: Path) -> Path:
    """Choose the folder of dashboards: the one named by ``PRISM_DASHBOARDS``, else ``root/dashboards``, else PRISM's.

    Parameters
    ----------
    root
        The folder the analyst works in.

    Raises
    ------
    InvalidInput
        When ``PRISM_DASHBOARDS`` names something that is not a folder.
    """
    named = os.environ.get(DASHBOARDS)
    if named:
        if not Path(named).is_dir():
            msg = f"{DASHBOARDS} names {named}, which is not a folder; name one that holds notebooks, or unset it"
            raise InvalidInput(msg, field=DASHBOARDS)
        return Path(named).resolve()
    own = root / "dashboards"
    return (own if own.is_dir() else shipped_dashboards()).resolve()


def voila_settings(folder: Path) -> dict[str, Any]:
    """Read Voila's settings: the ``voila.json`` beside the dashboards, else the one that comes with PRISM.

    Parameters
    ----------
    folder
        Folder of dashboards.

    Raises
    ------
    InvalidInput
        When the file is not a JSON object.
    """
    own = folder / "voila.json"
    path = own if own.is_file() else shipped_dashboards() / "voila.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path} is not valid JSON ({error}); correct it there"
        raise InvalidInput(msg, field="voila.json", where=str(path)) from error
    if not isinstance(settings, dict):
        msg = f"{path} must hold one JSON object, and holds a {type(settings).__name__}"
        raise InvalidInput(msg, field="voila.json", where=str(path))
    return settings


def jupyter_paths() -> dict[str, str]:
    """Name the variables that let Jupyter find PRISM's templates and settings, without touching the user's files."""
    share = share_folder()
    return {
        "JUPYTER_PATH": _first(str(share / "jupyter"), "JUPYTER_PATH"),
        "JUPYTER_CONFIG_PATH": _first(str(share / "config"), "JUPYTER_CONFIG_PATH"),
    }


def _first(path: str, variable: str) -> str:
    others = [p for p in os.environ.get(variable, "").split(os.pathsep) if p and p != path]
    return os.pathsep.join([path, *others])
