"""The settings of a forecast: those that contradict each other are refused, the others pose its problem."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.operation import find
from prism_kernels.refusal import refuse_idle
from prism_kernels.timeseries.model import Floats, Model, Problem
from prism_kernels.timeseries.models import season_lengths
from prism_kernels.timeseries.preparation import Plan

__all__ = ["check_settings", "posed"]

_LIKELIHOOD, _NETWORKS = ("auto_arima", "arima"), ("gru", "lstm")
_USERS = {
    "order": ("model", ("arima",)),
    "seasonal_order": ("model", ("arima",)),
    "include_mean": ("model", _LIKELIHOOD),
    "n_starts": ("model", _LIKELIHOOD),
    "hidden_size": ("model", _NETWORKS),
    "num_layers": ("model", _NETWORKS),
    "calibration_windows": ("interval", ("conformal",)),
}


def check_settings(y: Series, model: Model, given: Mapping[str, Any]) -> None:
    """Refuse settings that contradict the model, the kind of interval, or each other.

    Parameters
    ----------
    y
        The series, whose dates may tell a season.
    model
        The model that was chosen.
    given
        All settings of :func:`prism_kernels.timeseries.forecast`.
    """
    refuse_idle(find("timeseries.forecast").defaults, given, _USERS)
    season, orders, level = given["season_length"], given["seasonal_order"], tuple(given["level"])
    if model.name == "arima" and not any(orders) and season not in (None, 1):
        msg = "season_length has no meaning for model 'arima' without a seasonal_order; give one, or leave it out"
        raise InvalidInput(msg, field="season_length")
    if model.name == "arima" and any(orders) and max(season_lengths(y, season, model)) == 1:
        msg = f"seasonal_order {orders} needs a season_length of 2 or more, and the dates of y suggest none"
        raise InvalidInput(msg, field="season_length")
    if len(set(level)) < len(level):
        msg = f"level {level} names a share twice; name each once"
        raise InvalidInput(msg, field="level")
    if given["interval"] == "analytic" and not model.traits.analytic:
        msg = f"model {model.name!r} has no analytic intervals; use interval='conformal'"
        raise InvalidInput(msg, field="interval")


def posed(y: Series, model: Model, exog: Floats | None, given: Mapping[str, Any]) -> tuple[Problem, Plan]:
    """Return the problem of all series, unscaled, and how a forecast is made around its model.

    Parameters
    ----------
    y
        The series.
    model
        The model that was chosen.
    exog
        Regressors, time × regressor.
    given
        All settings of :func:`prism_kernels.timeseries.forecast`.
    """
    for_problem, for_plan = ({f.name for f in dataclasses.fields(kind)} for kind in (Problem, Plan))
    own = {n: v for n, v in given.items() if n in for_problem} | {
        "y": y.lanes,
        "first": y.first,
        "season_length": season_lengths(y, given["season_length"], model),
        "exog": exog,
    }
    return Problem(**own), Plan(**{n: v for n, v in given.items() if n in for_plan})
