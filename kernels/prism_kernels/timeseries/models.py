"""Which forecasting models there are, and what each of them takes."""

from __future__ import annotations

import dataclasses
import importlib
import typing
from typing import Any, Literal, TypeAlias

from prism_kernels.timeseries.model import Model

__all__ = ["ModelName", "model_named", "models_table", "models_that"]

ModelName: TypeAlias = Literal["auto_arima", "arima", "ets", "theta", "seasonal_naive", "gru", "lstm"]
"""The names of the forecasting models."""

_PLACES: dict[str, tuple[str, str]] = {
    "auto_arima": ("auto_arima", "AutoArima"),
    "arima": ("sarima", "Arima"),
    "ets": ("ets", "Ets"),
    "theta": ("theta", "Theta"),
    "seasonal_naive": ("seasonal_naive", "SeasonalNaive"),
    "gru": ("neural", "Gru"),
    "lstm": ("neural", "Lstm"),
}


def model_named(name: str) -> Model:
    """Return a forecasting model; its module is imported when first asked for.

    Parameters
    ----------
    name
        One of :data:`ModelName`.
    """
    module, kind = _PLACES[name]
    made: Model = getattr(importlib.import_module(f"prism_kernels.timeseries.{module}"), kind)()
    return made


def models_that(trait: str) -> list[str]:
    """Return the names of the models that have a trait.

    Parameters
    ----------
    trait
        A field of :class:`~prism_kernels.timeseries.model.Traits`.
    """
    return [name for name in typing.get_args(ModelName) if getattr(model_named(name).traits, trait)]


def models_table() -> Any:
    """Return a pandas frame of the models and what each takes, a row a model, a column a trait."""
    import pandas as pd

    names = typing.get_args(ModelName)
    rows = [dataclasses.asdict(model_named(name).traits) for name in names]
    return pd.DataFrame(rows, index=pd.Index(names, name="model"))
