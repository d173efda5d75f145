"""Prediction intervals of any model: calibrated on rolling origins, Gaussian, or from paths of its own errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from prism_kernels import progress
from prism_kernels.inputs import Series
from prism_kernels.refusal import counted
from prism_kernels.timeseries.model import Fit, Floats, Model, Problem
from prism_kernels.timeseries.preparation import TOO_SHORT, Fault, Plan, Prepared

__all__ = [
    "analytic",
    "bootstrap",
    "calibration_faults",
    "conformal_factors",
    "fewer_windows",
    "scores_needed",
    "widen",
]

_PATHS = 2000
_USUAL, _MOST = 48, 200  # origins
_NAMED = 5  # series told by name
_TINY = 1e-14  # least standard error, as a share of the largest value of a series


def scores_needed(level: float) -> int:
    """Return how many calibration scores an interval of a level needs: 19 for 95 %, 99 for 99 %."""
    return math.ceil(round(level / (1 - level), 9))


def analytic(mean: Floats, error: Floats, level: Sequence[float]) -> tuple[Floats, Floats]:
    """Return the ends of Gaussian intervals, series × level × horizon.

    Parameters
    ----------
    mean, error
        Forecast and its standard error, series × horizon.
    level
        Share of the future that each interval should hold.
    """
    from scipy.special import ndtri

    factors = np.broadcast_to(ndtri((1 + np.asarray(level)) / 2), (len(mean), len(level)))
    return widen(mean, error, factors)


def widen(mean: Floats, error: Floats, factors: Floats) -> tuple[Floats, Floats]:
    """Return the ends of intervals of some standard errors to either side, series × level × horizon."""
    half = factors[:, :, None] * error[:, None, :]
    return mean[:, None, :] - half, mean[:, None, :] + half


def floor_of(problem: Problem) -> Floats:
    """Return the least standard error that is told from rounding, series × 1."""
    return np.asarray(_TINY * np.nanmax(np.abs(problem.y), axis=1, initial=0.0)[:, None])


def windows_of(problem: Problem, needed: int, plan: Plan) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return how many origins each series is calibrated on: what was asked for, or what its length allows."""
    room = np.maximum(problem.y.shape[1] - problem.first - needed, 0)
    wanted = plan.calibration_windows or _usual_windows(problem, plan.h)
    return np.asarray(np.minimum(room, wanted), dtype=np.int64)


def _usual_windows(problem: Problem, h: int) -> int:
    return min(max(2 * max(problem.season_length), 2 * h, _USUAL), _MOST)


def fewer_windows(y: Series, prepared: Prepared, model: Model, plan: Plan) -> tuple[str, ...]:
    """Say for which series there are fewer origins than were asked for, and how many.

    Parameters
    ----------
    y
        All series, for their names.
    prepared
        What is to be fitted.
    model
        Which needs some values before the first origin.
    plan
        Number of origins asked for.
    """
    asked = plan.calibration_windows
    if asked is None:
        return ()
    windows = windows_of(prepared.problem, model.needed(prepared.problem), plan)
    fewer = np.flatnonzero(windows < asked)
    if not fewer.size:
        return ()
    if y.count == 1:
        used = counted(int(windows[0]), "origin")
        return (f"calibration_windows {asked} is more than y has room for: its intervals are calibrated on {used}",)
    told = ", ".join(f"{counted(int(windows[k]), 'origin')} for {y.names[prepared.rows[k]]}" for k in fewer[:_NAMED])
    more = f" and fewer than {asked} for {len(fewer) - _NAMED} more" if len(fewer) > _NAMED else ""
    reason = f"calibration_windows {asked} is more than some series have room for"
    return (f"{reason}: their intervals are calibrated on {told}{more}",)


def calibration_faults(prepared: Prepared, model: Model, plan: Plan) -> list[Fault]:
    """Return the series that are too short for conformal intervals of every level.

    Parameters
    ----------
    prepared
        What is to be fitted.
    model
        Which needs some values before the first origin.
    plan
        Levels, horizon and number of origins.
    """
    problem, needed, level = prepared.problem, model.needed(prepared.problem), max(plan.level)
    wanted, length = scores_needed(level), problem.y.shape[1]
    there = ~np.isnan(problem.y)
    faults = []
    for k, windows in enumerate(windows_of(problem, needed, plan)):
        have = sum(int(there[k, o : o + plan.h].sum()) for o in range(length - windows, length))
        if have < wanted:
            reason = (
                f"leaves {counted(have, 'calibration score')} and level {level:g} needs {wanted} or more; "
                "give a longer series, a lower level or more calibration_windows, or use interval='analytic'"
            )
            faults.append(Fault(int(prepared.rows[k]), TOO_SHORT, reason))
    return faults


def conformal_factors(fit: Fit, model: Model, plan: Plan) -> Floats:
    """Return how many standard errors to either side hold each level's share of the past, series × level.

    The parameters stay as they are, origins roll over the last periods, and absolute errors over standard errors are
    pooled over horizons (Vovk, Gammerman, Shafer 2005; Stankevičiūtė, Alaa, van der Schaar 2021). Errors from one
    origin resemble each other, so the correction for a finite number counts origins, not scores: of W origins and n
    scores, the ⌈n·⌈(W + 1)·level⌉ / W⌉-th smallest is taken, the largest where there is no such one.

    Parameters
    ----------
    fit
        The fitted model.
    model
        Which applies its parameters to the data before each origin.
    plan
        Levels, horizon and number of origins.
    """
    problem, needed = fit.problem, model.needed(fit.problem)
    length, windows = problem.y.shape[1], windows_of(problem, needed, plan)
    scores = [np.empty((len(problem.y), 0))]
    for origin in progress.track(range(length - int(windows.max()), length), "calibrate"):
        score = _scores(fit, model, origin, min(plan.h, length - origin))
        score[length - windows > origin] = np.nan
        scores.append(score)
    pooled = np.sort(np.concatenate(scores, axis=1), axis=1)  # NaN goes last
    counts = (~np.isnan(pooled)).sum(axis=1)[:, None]
    shares = np.minimum(np.ceil(np.round((windows[:, None] + 1) * np.asarray(plan.level), 9)) / windows[:, None], 1.0)
    ranks = np.maximum(np.ceil(np.round(counts * shares, 9)), 1).astype(np.int64)
    return np.asarray(np.take_along_axis(pooled, ranks - 1, axis=1))


def _scores(fit: Fit, model: Model, origin: int, h: int) -> Floats:
    problem = fit.problem
    exog = problem.exog
    ahead = None if exog is None else np.ascontiguousarray(exog[origin : origin + h])
    mean, error = model.forecast(model.apply(fit, _before(problem, origin, model.needed(problem))), h, ahead)
    return np.abs(problem.y[:, origin : origin + h] - mean) / np.maximum(error, floor_of(problem))


def _before(problem: Problem, origin: int, needed: int) -> Problem:
    """Cut a problem off at an origin; series that are too short there keep their end, and their scores are dropped."""
    length = problem.y.shape[1]
    short = origin - problem.first < needed
    y = np.where(short[:, None], problem.y[:, length - origin :], problem.y[:, :origin])
    return problem.with_data(y, None if problem.exog is None else np.ascontiguousarray(problem.exog[:origin]))


def bootstrap(fit: Fit, model: Model, mean: Floats, plan: Plan, exog: Floats | None) -> tuple[Floats, Floats]:
    """Return the ends of intervals from paths of resampled one-step errors, series × level × horizon.

    Parameters
    ----------
    fit, model
        The fitted model.
    mean
        Its forecast, series × horizon.
    plan
        Levels and seed; each series is resampled alone, so that a batch equals its series.
    exog
        Future regressors.

    Notes
    -----
    How an error of one future period moves the later ones is read off the model itself, by applying it to its own
    forecast with that period moved by one standard deviation; exact for linear models, first order for others. The
    errors are centred and have the model's variance.
    """
    moves = _responses(fit, model, mean, exog)
    tails = np.asarray([[(1 - s) / 2, (1 + s) / 2] for s in plan.level]).ravel()
    ends = np.empty((len(mean), len(plan.level), 2, mean.shape[1]))
    residuals = fit.problem.y - fit.fitted
    for k in progress.track(range(len(mean)), "bootstrap"):
        own = residuals[k][~np.isnan(residuals[k])]
        drawn = np.random.default_rng(plan.seed).random((_PATHS, mean.shape[1]))
        errors = _like_sigma(own, float(fit.sigma2[k]))[(drawn * len(own)).astype(np.int64)]
        ends[k] = np.quantile(errors @ moves[k], tails, axis=0).reshape(len(plan.level), 2, -1)
    return mean[:, None, :] + ends[:, :, 0], mean[:, None, :] + ends[:, :, 1]


def _like_sigma(residuals: Floats, sigma2: float) -> Floats:
    """Centre residuals, and give them the model's variance."""
    centred = residuals - residuals.mean()
    power = float((centred**2).mean())
    return np.asarray(centred * np.sqrt(sigma2 / power)) if power > 0 else centred


def _responses(fit: Fit, model: Model, mean: Floats, exog: Floats | None) -> Floats:
    """Return how far an error of one in a future period moves each period, series × period of the error × period."""
    count, h = mean.shape
    past = fit.problem
    moves = np.broadcast_to(np.eye(h), (count, h, h)).copy()
    size = np.maximum(np.sqrt(fit.sigma2)[:, None], floor_of(past))
    size = np.where(size > 0, size, 1.0)
    for k in progress.track(range(h - 1), "bootstrap"):
        y = np.concatenate([past.y, mean[:, :k], mean[:, k : k + 1] + size], axis=1)
        known = None if past.exog is None or exog is None else np.concatenate([past.exog, exog[: k + 1]])
        later, _ = model.forecast(
            model.apply(fit, past.with_data(y, known)), h - k - 1, None if exog is None else exog[k + 1 :]
        )
        moves[:, k, k + 1 :] = (later - mean[:, k + 1 :]) / size
    return moves
