"""Results become pictures: one view per result type, and one that shows any result.

A view is built once and then updated in place. ``register`` adds a view for a result type of one's own.
"""

from __future__ import annotations

import importlib
from typing import Any

from prism_widgets.views.view import View

__all__ = ["View", "register", "view", "view_for"]

_REGISTRY: dict[str, str | type[View]] = {
    "Allocation": "prism_widgets.views.finance_allocation:AllocationView",
    "Anomalies": "prism_widgets.views.anomalies:AnomaliesView",
    "Backtest": "prism_widgets.views.finance_backtest:BacktestView",
    "Correlation": "prism_widgets.views.matrix:CorrelationView",
    "CrossValidation": "prism_widgets.views.cross_validation:CrossValidationView",
    "Diagnosis": "prism_widgets.views.diagnosis:DiagnosisView",
    "Decomposition": "prism_widgets.views.decomposition:DecompositionView",
    "Forecast": "prism_widgets.views.forecast:ForecastView",
    "InformationEstimate": "prism_widgets.views.information:InformationView",
    "InformationStorage": "prism_widgets.views.information:InformationView",
    "Metrics": "prism_widgets.views.metrics:MetricsView",
    "OptimalPortfolio": "prism_widgets.views.finance_portfolio:PortfolioView",
    "PortfolioRisk": "prism_widgets.views.finance_risk:RiskView",
    "Rebalance": "prism_widgets.views.finance_rebalance:RebalanceView",
    "ResampledFrontier": "prism_widgets.views.finance_resampled:ResampledFrontierView",
    "TearSheet": "prism_widgets.views.finance_tear_sheet:TearSheetView",
    "TransferEntropyMatrix": "prism_widgets.views.matrix:TransferEntropyMatrixView",
    "Trend": "prism_widgets.views.trend:TrendView",
}


def register(result: type | str, shown_by: str | type[View]) -> None:
    """Say which view shows a result type.

    Parameters
    ----------
    result
        The type, or its name.
    shown_by
        The view's class, or ``"module:Class"`` to import when first needed.
    """
    _REGISTRY[result if isinstance(result, str) else result.__name__] = shown_by


def view_for(result: Any) -> View:
    """Return a new, empty view for a result: of its own type, of the nearest parent type, or the generic one.

    Parameters
    ----------
    result
        What will be shown.
    """
    for kind in type(result).__mro__:
        found = _REGISTRY.get(kind.__name__)
        if found is not None:
            return _loaded(found)()
    from prism_widgets.views.generic import GenericView

    return GenericView()


def _loaded(found: str | type[View]) -> type[View]:
    if not isinstance(found, str):
        return found
    module, _, name = found.partition(":")
    loaded: type[View] = getattr(importlib.import_module(module), name)
    return loaded


def view(result: Any) -> View:
    """Return a view that shows a result; what ``result.plot()`` calls.

    Parameters
    ----------
    result
        What an operation returned.
    """
    from prism_widgets import runtime

    if runtime.where() in ("lab", "voila"):
        runtime.ensure()
    shown = view_for(result)
    shown.update(result)
    return shown
