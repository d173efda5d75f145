"""``cross_validate``: forecasts from earlier origins, and how far they were from what happened."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Float

from prism_kernels import docstring, telemetry
from prism_kernels.arrays import Array, namespace_of, to_numpy
from prism_kernels.engine import map_runs
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import AnySeries, Series
from prism_kernels.inputs.calendar import stamp
from prism_kernels.operation import operation
from prism_kernels.refusal import counted
from prism_kernels.result import Result
from prism_kernels.timeseries.forecast import forecast
from prism_kernels.timeseries.forecast_result import Forecast, percent
from prism_kernels.timeseries.metrics import metrics
from prism_kernels.timeseries.models import model_named, season_lengths
from prism_kernels.timeseries.update import update
from prism_kernels.timeseries.windows import cuts_of, part

__all__ = ["CrossValidation", "cross_validate"]

_POINT = ("mae", "rmse", "bias", "mape", "smape", "wape", "mase", "rmsse")
_INTERVAL = ("coverage", "winkler")
_CALIBRATED = "calibration_windows"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CrossValidation(Result):
    """Forecasts from several origins beside what happened.

    Attributes
    ----------
    cutoff
        Label of the last period that each window knew: its date, or its number.
    y_true
        What happened.
    mean
        What was forecast.
    lo, hi
        Ends of the interval of each level.
    scores
        Measures of each series over all windows, named by ``axes["score"]`` as in
        :func:`prism_kernels.timeseries.metrics`: point errors, then coverage and interval score of each level
        (``coverage-95``). Scaled errors are relative to the seasonal naive forecast before the first cutoff.
    """

    cutoff: tuple[Any, ...]
    y_true: Float[Array, "window series horizon"]
    mean: Float[Array, "window series horizon"]
    lo: Float[Array, "window series level horizon"]
    hi: Float[Array, "window series level horizon"]
    scores: Float[Array, "score series"]

    def to_frame(self) -> Any:
        """Return a pandas frame, a row for each series, window and period: ``unique_id, ds, cutoff, y, mean, …``."""
        import pandas as pd

        windows, count, h = self.mean.shape
        order = (1, 0, 2)
        names = np.repeat(np.asarray(self.axes["series"], dtype=object), windows * h)
        frame = pd.DataFrame(
            {
                "unique_id": names,
                "ds": [t for ahead in self.axes["ds"] for t in ahead] * count,
                "cutoff": [c for c in self.cutoff for _ in range(h)] * count,
                "y": to_numpy(self.y_true).transpose(order).ravel(),
                "mean": to_numpy(self.mean).transpose(order).ravel(),
            }
        )
        for k, level in enumerate(self.axes["level"]):
            frame[f"lo-{percent(level)}"] = to_numpy(self.lo)[:, :, k].transpose(order).ravel()
            frame[f"hi-{percent(level)}"] = to_numpy(self.hi)[:, :, k].transpose(order).ravel()
        return frame


def _with_settings_of(
    other: Callable[..., Any], *, but: tuple[str, ...]
) -> Callable[[Callable[..., CrossValidation]], Callable[..., CrossValidation]]:
    """Give a function that passes ``**settings`` on the parameters of the one it passes them to."""

    def wrap(function: Callable[..., CrossValidation]) -> Callable[..., CrossValidation]:
        source = inspect.unwrap(other)
        own = inspect.signature(function)
        kept = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        known = {p.name for p in kept} | set(but)
        more = [p for p in inspect.signature(source).parameters.values() if p.name not in known]
        function.__signature__ = own.replace(parameters=[*kept, *more])  # type: ignore[attr-defined]
        given = inspect.get_annotations(source, eval_str=True)
        function.__annotations__.update({p.name: given[p.name] for p in more})
        said = docstring.entries(source)
        lines = "".join(f"\n    {p.name}\n        {said[p.name]}" for p in more)
        function.__doc__ = (function.__doc__ or "").replace("\n    settings\n        …", lines)
        return function

    return wrap


@operation(
    "timeseries.cross_validate", example={"y": "elnino", "h": 12, "n_windows": 3, "model": "ets"}, tolerance=1e-6
)
@_with_settings_of(forecast, but=("exog_future",))
def cross_validate(
    y: AnySeries,
    *,
    h: Annotated[int, Ge(1), Le(10_000)],
    n_windows: Annotated[int, Ge(1), Le(10_000)] = 1,
    step_size: Annotated[int, Ge(1), Le(10_000)] | None = None,
    refit: bool = True,
    exog: AnySeries | None = None,
    **settings: Any,
) -> CrossValidation:
    """Forecast from several origins of the past, and measure how far that was from what happened.

    Parameters
    ----------
    y
        Series × time, or a frame with a column a series; leading NaN is padding of ragged batches.
    h
        Number of periods ahead.
    n_windows
        Number of origins; the last one is ``h`` periods before the end.
    step_size
        Periods from one origin to the next; nothing takes ``h``.
    refit
        Whether parameters are estimated at each origin, or once at the first.
    exog
        Regressors over the periods of ``y``; each window takes those of its own periods ahead.
    settings
        …

    Raises
    ------
    InvalidInput
        For too few periods for the windows, and for whatever :func:`prism_kernels.timeseries.forecast` refuses.

    Notes
    -----
    Windows run one after another here, or on the workers of an active Dask client, with equal results.
    """
    series = Series.of(y, field="y")
    regressors = None if exog is None else _regressors(series, exog)
    cuts = cuts_of(series, regressors, (n_windows, h, step_size or h), settings)
    settings = {**settings, "h": h}
    if refit:
        items = [_Window(part(series, 0, c), *_around(regressors, 0, c, h), settings) for c in cuts]
        found = map_runs(_forecast_window, items, label="windows")
    else:
        with telemetry.span("first window"):
            first = _forecast_window(_Window(part(series, 0, cuts[0]), *_around(regressors, 0, cuts[0], h), settings))
        steps = [_Step(first, part(series, cuts[0], c), *_around(regressors, cuts[0], c, h)) for c in cuts[1:]]
        found = [first, *map_runs(_update_window, steps, label="windows")]
    return _collected(series, cuts, h, found, settings)


@dataclass(frozen=True)
class _Window:
    y: Series
    exog: Series | None
    exog_future: Series | None
    settings: dict[str, Any]


@dataclass(frozen=True)
class _Step:
    first: Forecast
    new_y: Series
    exog: Series | None
    exog_future: Series | None


def _forecast_window(window: _Window) -> Forecast:
    return forecast(window.y, exog=window.exog, exog_future=window.exog_future, **window.settings)


def _update_window(step: _Step) -> Forecast:
    return update(step.first, step.new_y, exog=step.exog, exog_future=step.exog_future)


def _regressors(series: Series, exog: Any) -> Series:
    table = Series.of(exog, field="exog")
    if table.length != series.length:
        msg = (
            f"exog has {counted(table.length, 'period')} and must have {series.length}, as many as y; a row is a period"
        )
        raise InvalidInput(msg, field="exog")
    return table


def _around(exog: Series | None, begin: int, cut: int, h: int) -> tuple[Series | None, Series | None]:
    if exog is None:
        return None, None
    return part(exog, begin, cut), part(exog, cut, cut + h)


def _collected(
    series: Series, cuts: list[int], h: int, found: list[Forecast], settings: dict[str, Any]
) -> CrossValidation:
    xp = namespace_of(y=series.values)
    truth = xp.stack([series.values[:, c : c + h] for c in cuts])
    mean, lo, hi = (xp.stack([getattr(f, name) for f in found]) for name in ("mean", "lo", "hi"))
    levels = found[0].axes["level"]
    names, scores, notes = _scores(series, cuts[0], truth, mean, lo, hi, levels, _season(series, settings))
    labels = series.axis()
    first, *later = found  # what calibrates the first window has the least room
    said = dict.fromkeys((*first.warnings, *(w for f in later for w in f.warnings if not w.startswith(_CALIBRATED))))
    return CrossValidation(
        cutoff=tuple(labels[c - 1] for c in cuts),
        y_true=truth,
        mean=mean,
        lo=lo,
        hi=hi,
        scores=scores,
        axes={
            "window": tuple(stamp(labels[c - 1]) for c in cuts),
            "series": series.names,
            "horizon": np.arange(1, h + 1),
            "level": levels,
            "score": names,
            "ds": [labels[c : c + h] for c in cuts],
        },
        warnings=(*said, *notes),
    )


def _season(series: Series, settings: dict[str, Any]) -> int:
    model = model_named(settings.get("model", "auto_arima"))
    return max(season_lengths(series, settings.get("season_length"), model))


def _scores(
    series: Series, cut: int, truth: Array, mean: Array, lo: Array, hi: Array, levels: tuple[float, ...], season: int
) -> tuple[tuple[str, ...], Array, tuple[str, ...]]:
    """Measure all windows of a series together: point errors, then coverage and interval score of each level."""
    xp = namespace_of(y=series.values)

    def flat(values: Array) -> Array:
        return xp.reshape(xp.permute_dims(values, (1, 0, 2)), (series.count, -1))

    train = series.values[:, :cut] if cut > season else None
    given = {"y_train": train, "season_length": season} if train is not None else {}
    measured = [
        metrics(flat(truth), flat(mean), lo=flat(lo[:, :, k, :]), hi=flat(hi[:, :, k, :]), level=level, **given)
        for k, level in enumerate(levels)
    ]
    point = {n: v for n in _POINT if (v := getattr(measured[0], n)) is not None}
    ends = {f"{n}-{percent(v)}": getattr(m, n) for v, m in zip(levels, measured, strict=True) for n in _INTERVAL}
    table = {**point, **ends}
    return tuple(table), xp.stack(list(table.values())), measured[0].warnings
