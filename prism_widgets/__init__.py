"""Components for notebooks and dashboards: settings become controls, results become views.

Nothing heavy loads with the package; :class:`Explorer` brings Panel with it when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

from prism_widgets import runtime

__all__ = ["Explorer", "ForecastExplorer", "init", "view"]

runtime.prepare()

_HOMES = {
    "Explorer": "prism_widgets.explorer",
    "ForecastExplorer": "prism_widgets.forecast_explorer",
    "init": "prism_widgets.runtime",
    "view": "prism_widgets.views",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
