"""Which forecasting models there are, and what each of them takes."""

from __future__ import annotations

import dataclasses
import importlib
import typing
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.timeseries.model import Model

__all__ = ["ModelName", "model_named", "models_table", "models_that", "season_lengths"]

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


def season_lengths(y: Series, given: int | Sequence[int] | None, model: Model) -> tuple[int, ...]:
    """Return the season lengths a model works with: those given, or the usual one for the dates.

    Parameters
    ----------
    y
        The series.
    given
        What the user said; None to infer.
    model
        Whose traits tell whether several are possible.
    """
    if given is None:
        return (y.season,)
    if isinstance(given, int):
        return (given,)
    lengths = tuple(given)
    if len(set(lengths)) < len(lengths):
        msg = f"season_length {lengths} names a season twice; name each once"
        raise InvalidInput(msg, field="season_length")
    if len(lengths) > 1 and not model.traits.several_seasons:
        able = models_that("several_seasons")
        way = f"use model {' or '.join(map(repr, able))}, or one season" if able else "give one season"
        msg = f"season_length {lengths} has {len(lengths)} seasons, and model {model.name!r} takes one; {way}"
        raise InvalidInput(msg, field="season_length")
    return lengths
