"""Components for notebooks and dashboards: settings become controls, results become views.

Nothing heavy loads with the package; :class:`Explorer` brings Panel with it when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

from prism_widgets import collecting, runtime

__all__ = ["BacktestExplorer", "Explorer", "ForecastExplorer", "FrontierExplorer", "RebalanceExplorer", "init", "view"]

runtime.prepare()

_HOMES = {
    "BacktestExplorer": "prism_widgets.backtest_explorer",
    "Explorer": "prism_widgets.explorer",
    "ForecastExplorer": "prism_widgets.forecast_explorer",
    "FrontierExplorer": "prism_widgets.frontier_explorer",
    "RebalanceExplorer": "prism_widgets.rebalance_explorer",
    "init": "prism_widgets.runtime",
    "view": "prism_widgets.views",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    with collecting.paused():
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
