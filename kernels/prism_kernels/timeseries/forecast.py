"""``forecast``: the future of one or many series, with intervals that hold what they say."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen

from prism_kernels import telemetry
from prism_kernels.inputs import AnySeries, Series
from prism_kernels.operation import operation
from prism_kernels.timeseries import intervals
from prism_kernels.timeseries.assembly import assemble
from prism_kernels.timeseries.device import placed
from prism_kernels.timeseries.forecast_result import Forecast
from prism_kernels.timeseries.forecast_settings import check_settings, posed
from prism_kernels.timeseries.model import Floats, Model, Problem
from prism_kernels.timeseries.models import ModelName, model_named
from prism_kernels.timeseries.preparation import Plan, prepare, refuse, regressors

__all__ = ["forecast"]

_Lag = Annotated[int, Ge(0), Le(12)]
_Difference = Annotated[int, Ge(0), Le(3)]
_Share = Annotated[float, Gt(0), Lt(1)]
_Season = Annotated[int, Ge(1), Le(10_000)]
_Period = Annotated[int, Ge(2), Le(10_000)]


@operation("timeseries.forecast", example={"y": "elnino", "h": 12, "model": "ets"}, tolerance=1e-6)
def forecast(
    y: AnySeries,
    *,
    h: Annotated[int, Ge(1), Le(10_000)],
    model: ModelName = "auto_arima",
    order: tuple[_Lag, _Difference, _Lag] = (1, 1, 1),
    seasonal_order: tuple[_Lag, _Difference, _Lag] = (0, 0, 0),
    season_length: _Season | Annotated[tuple[_Period, ...], MinLen(1)] | None = None,
    include_mean: bool | None = None,
    level: Annotated[tuple[_Share, ...], MinLen(1)] = (0.8, 0.95),
    interval: Literal["conformal", "analytic", "bootstrap"] = "conformal",
    calibration_windows: Annotated[int, Ge(1), Le(10_000)] | None = None,
    exog: AnySeries | None = None,
    exog_future: AnySeries | None = None,
    missing: Literal["error", "kalman"] = "error",
    n_starts: Annotated[int, Ge(1), Le(100)] = 1,
    hidden_size: Annotated[int, Ge(1), Le(512)] = 48,
    num_layers: Annotated[int, Ge(1), Le(4)] = 1,
    seed: Annotated[int, Ge(0)] = 0,
    on_error: Literal["raise", "status"] = "raise",
) -> Forecast:
    r"""Forecast one or many equally spaced series, with prediction intervals.

    Parameters
    ----------
    y
        Series × time, or a frame with a column a series; leading NaN is padding of ragged batches.
    h
        Number of periods ahead.
    model
        What forecasts: ``auto_arima`` and ``arima`` (exact likelihood), ``ets`` (exponential smoothing), ``theta``
        (dynamic optimised theta), ``seasonal_naive`` (the last season again), ``gru`` and ``lstm`` (one network for all
        series; extra ``torch``).
    order
        (p, d, q) for ``arima`` only: autoregressive lags, differences, moving-average lags.
    seasonal_order
        (P, D, Q) at the season, for ``arima`` only.
    season_length
        Periods in a season, 1 for none; nothing takes the usual one for the spacing of the dates (12 for months), or 1
        without dates. Several for models that take several. ``arima`` takes it only with a ``seasonal_order``.
    include_mean
        Whether the ARIMA models, they only, have a constant in the differenced series; nothing lets the model decide.
    level
        Shares of the future that the intervals should hold, each between 0 and 1.
    interval
        ``conformal`` calibrates the model's standard errors on its own forecasts from earlier origins; ``analytic``
        takes them as Gaussian; ``bootstrap`` resamples the model's one-step errors along paths.
    calibration_windows
        Number of origins that ``conformal``, and no other interval, rolls over; nothing takes two seasons, two horizons
        or 48, whichever is most, up to 200 and as far as the series is long enough. Where it is too short for the
        number given, as many as there are serve, and ``warnings`` says how many.
    exog
        Regressors over the periods of ``y``, time × regressor as a frame or regressor × time as an array.
    exog_future
        The same regressors over the ``h`` periods ahead.
    missing
        ``error`` refuses missing values; ``kalman`` lets models with a Kalman filter pass over them.
    n_starts
        Number of starting points of the optimiser, for the ARIMA models only.
    hidden_size
        Units a layer, for ``gru`` and ``lstm`` only.
    num_layers
        Layers, for ``gru`` and ``lstm`` only.
    seed
        Of everything that draws random numbers.
    on_error
        ``raise`` refuses a batch with a bad series and lists all of them; ``status`` forecasts the others and leaves
        NaN rows.

    Raises
    ------
    InvalidInput
        For missing values, series that are too short for the model or for calibrated intervals, regressors that do not
        fit, and settings that contradict the model.

    Notes
    -----
    Conformal intervals keep the fitted parameters, forecast from each of the last :math:`W` periods, and pool the
    scores :math:`|y_{o+j} - \hat y_{o+j}| / s_j` over origins :math:`o` and horizons :math:`j`, where :math:`s_j` is
    the model's standard error. An interval reaches as many standard errors to either side as the
    :math:`\lceil (W+1)\,\text{level} \rceil / W` quantile of the scores says: errors from one origin resemble each
    other, so the correction for a finite sample counts origins. A level needs level/(1 − level) scores: 19 for 95 %, 99
    for 99 %.
    A constant series is forecast by its constant with intervals of no width and the status ``constant``.
    Series on an accelerator are fitted, calibrated and forecast there by ``arima``, all at once, where they are
    complete and equally long, without regressors and with ``n_starts=1``. Everything else is converted once and runs on
    the CPU, and ``warnings`` says so and why where ``y`` lives on an accelerator. Both compute in float64; arrays come
    back in the library, on the device and of the dtype of ``y``.

    References
    ----------
    Vovk, Gammerman, Shafer (2005), "Algorithmic Learning in a Random World". Hyndman, Athanasopoulos (2021),
    "Forecasting: Principles and Practice". Stankevičiūtė, Alaa, van der Schaar (2021), "Conformal time-series
    forecasting".
    """
    series, chosen = Series.of(y, field="y"), model_named(model)
    given = {
        "h": h,
        "model": model,
        "order": order,
        "seasonal_order": seasonal_order,
        "season_length": season_length,
        "include_mean": include_mean,
        "level": tuple(level),
        "interval": interval,
        "calibration_windows": calibration_windows,
        "missing": missing,
        "n_starts": n_starts,
        "hidden_size": hidden_size,
        "num_layers": num_layers,
        "seed": seed,
        "on_error": on_error,
    }
    check_settings(series, chosen, given)
    past, ahead = regressors(series, exog, exog_future, h, chosen)
    template, plan = posed(series, chosen, past, given)
    return _forecast(series, chosen, template, plan, ahead)


def _forecast(y: Series, model: Model, template: Problem, plan: Plan, exog: Floats | None) -> Forecast:
    notes: tuple[str, ...] = ()
    with telemetry.span("prepare"):
        prepared = prepare(y, template, model, plan)
        if plan.interval == "conformal":
            faults = intervals.calibration_faults(prepared, model, plan)
            refuse(y, faults, plan.on_error)
            prepared = prepared.without(faults)
            notes = intervals.fewer_windows(y, prepared, model, plan)
    model = placed(model, y.values, prepared.problem)
    if len(prepared.rows) == 0:
        return assemble(y, prepared, plan, model, None, None, exog)
    with telemetry.span("fit"):
        fit = model.fit(prepared.problem)
    factors = None
    if plan.interval == "conformal":
        with telemetry.span("calibrate"):
            factors = intervals.conformal_factors(fit, model, plan)
    found = assemble(y, prepared, plan, model, fit, factors, exog)
    return dataclasses.replace(found, warnings=(*found.warnings, *notes))
