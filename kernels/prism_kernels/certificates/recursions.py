"""What each forecasting model says of one series, by its own equations in plain Python, from the reported parameters.

References
----------
Hyndman, Koehler, Ord, Snyder (2008), "Forecasting with Exponential Smoothing", table 2.2.
Fiorucci, Pellegrini, Louzada, Petropoulos (2016), "Models for optimising the theta method and their relationship to
state space models".
Box, Jenkins, Reinsel and Ljung (2015), "Time Series Analysis: Forecasting and Control".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from prism_kernels.certificates.arma import autocovariances, expand, predicted
from prism_kernels.certificates.evidence import Floats

__all__ = ["Lane", "Told", "arima", "naive", "smoothing", "theta"]

_BURN = 3  # values before the theta model's first prediction


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One series with what was reported of it.

    Attributes
    ----------
    y
        The past; NaN before ``first``.
    first
        First period that is no padding.
    h
        Number of periods ahead.
    params
        Parameters by name; NaN for one that its model has not.
    order
        (p, d, q, P, D, Q, s).
    season
        Lengths of the seasons; (1,) without one.
    sigma2, fitted
        As reported.
    exog, exog_future
        Regressors, regressor × time; None without.
    """

    y: Floats
    first: int
    h: int
    params: dict[str, float]
    order: tuple[int, ...]
    season: tuple[int, ...]
    sigma2: float
    fitted: Floats
    exog: Floats | None = None
    exog_future: Floats | None = None

    def numbers(self, prefix: str) -> Floats:
        """Return the parameters whose names begin so, in order, those that are there."""
        return np.array([v for n, v in self.params.items() if n.startswith(prefix) and not math.isnan(v)])


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a model says: predictions of the past and the future, variance and likelihood of its errors."""

    fitted: Floats
    mean: Floats
    sigma2: float
    loglik: float


def _gaussian(squares: float, variance: float, count: int) -> float:
    return -0.5 * (count * math.log(2 * math.pi * variance) + squares / variance) if variance > 0 else math.inf


def _closest(lane: Lane, found: list[Told]) -> Told:
    """Return the form whose predictions are nearest to those reported: the result does not tell its form."""
    return min(found, key=lambda told: float(np.nansum(np.abs(told.fitted - lane.fitted))))


def naive(lane: Lane) -> Told:
    """Repeat the last season."""
    m, y = max(lane.season), lane.y
    fitted = np.full_like(y, np.nan)
    fitted[m:] = y[:-m]
    errors = (y - fitted)[~np.isnan(y - fitted)]
    squares, count = math.fsum(errors**2), len(errors)
    mean = np.array([y[len(y) - m + j % m] for j in range(lane.h)])
    return Told(fitted=fitted, mean=mean, sigma2=squares / count, loglik=_gaussian(squares, squares / count, count))


def smoothing(lane: Lane) -> Told:
    """Smooth exponentially, with a season that is added or multiplied."""
    return _closest(lane, [_smoothed(lane, multiply=multiply) for multiply in (False, True)])


def _smoothed(lane: Lane, *, multiply: bool) -> Told:
    p = {n: 0.0 if math.isnan(v) else v for n, v in lane.params.items()}
    phi = p["phi"] or 1.0
    seasonal = [p[n] for n in p if n.startswith("seasonal_")] if lane.numbers("seasonal_").size else [float(multiply)]
    level, slope, m = p["level"], p["slope"], len(seasonal)
    gamma = p["gamma"]
    total, predictions = len(lane.y) - lane.first + lane.h, []
    fixed = _patterns(lane, total)
    for t in range(total):
        base, s = level + phi * slope, seasonal[t % m]
        predictions.append(base * s if multiply else base + s)
        at = lane.first + t
        error = lane.y[at] - fixed[t] - predictions[-1] if at < len(lane.y) else 0.0
        push = error / s if multiply and s else error
        level, slope = base + p["alpha"] * push, phi * slope + p["beta"] * push
        seasonal[t % m] = s + gamma * (error / base if multiply and base else error)
    values = np.array(predictions) + fixed
    fitted = np.r_[np.full(lane.first, np.nan), values[: total - lane.h]]
    errors = (lane.y - fitted)[lane.first :]
    squares = math.fsum(errors**2)
    variance = squares / len(errors)
    return Told(
        fitted=fitted, mean=values[-lane.h :], sigma2=variance, loglik=_gaussian(squares, variance, len(errors))
    )


def _patterns(lane: Lane, count: int) -> Floats:
    total = np.zeros(count)
    for m in sorted(lane.season)[1:]:
        pattern = lane.numbers(f"pattern_{m}_")
        total += pattern[np.arange(count) % m]
    return total


def theta(lane: Lane) -> Told | None:
    """Pull a smoothed level along a regression line, after the season is taken out where there is one."""
    m, y = lane.season[0], lane.y[lane.first :]
    forms = [_pulled(lane, np.zeros(len(y) + lane.h), multiply=False)]
    if m > 1 and len(y) >= 2 * m:
        for multiply in (True, False):
            if not multiply or y.min() > 0:
                index = _classical(y, m, multiply=multiply)
                forms.append(_pulled(lane, np.resize(index, len(y) + lane.h), multiply=multiply))
    return _closest(lane, forms)


def _classical(y: Floats, m: int, *, multiply: bool) -> Floats:
    """Return the indices of the classical decomposition by centred moving averages."""
    weights = np.full(m + 1 - m % 2, 1.0 / m)
    if m % 2 == 0:
        weights[[0, -1]] /= 2
    middle = np.full(len(y), np.nan)
    averages = np.convolve(y, weights, "valid")
    middle[m // 2 : m // 2 + len(averages)] = averages
    rest = y / middle if multiply else y - middle
    index = np.array([np.nanmean(rest[k::m]) for k in range(m)])
    return np.asarray(index / index.mean() if multiply else index - index.mean())


def _pulled(lane: Lane, index: Floats, *, multiply: bool) -> Told:
    y, (alpha, angle, level) = lane.y[lane.first :], (lane.params[n] for n in ("alpha", "theta", "level"))
    n, weight = len(y), 1 - 1 / angle
    z = (y / index[:n] if multiply else y - index[:n]).tolist()
    middle = math.fsum(z) / n
    total, moment = 0.0, 0.0  # of what the values so far have beyond the middle, and of that times their numbers
    guesses = [math.nan] * _BURN
    for t in range(1, n + lane.h + 1):
        if t > _BURN:
            slope, intercept = _line(t - 1, total, moment)
            decay = (1 - alpha) ** (t - 1)
            guess = level + weight * (decay * (intercept + middle) + (1 - (1 - alpha) ** t) / alpha * slope)
            guesses.append(guess)
            if t > n:
                z.append(guess)
            level = alpha * z[t - 1] + (1 - alpha) * level
        total += z[t - 1] - middle
        moment += t * (z[t - 1] - middle)
    values = np.array(guesses) * index if multiply else np.array(guesses) + index
    errors = (np.array(z) - np.array(guesses))[_BURN:n]
    squares, count = math.fsum(errors**2), len(errors)
    stretch = math.fsum(np.log(index[_BURN:n])) if multiply else 0.0
    return Told(
        fitted=np.r_[np.full(lane.first, np.nan), values[:n]],
        mean=values[n:],
        sigma2=squares / (count - 3),
        loglik=_gaussian(squares, squares / count, count) - stretch,
    )


def _line(count: int, total: float, moment: float) -> tuple[float, float]:
    """Return slope and intercept (before the first value) of the least-squares line through values at 1 … count."""
    slope = (moment - (count + 1) / 2 * total) * 12 / (count * (count * count - 1))
    return slope, total / count - slope * (count + 1) / 2


def arima(lane: Lane) -> Told | None:
    """Difference, take out the mean and the regressors, and predict from the autocovariances; None with gaps."""
    y = lane.y[lane.first :]
    if np.isnan(y).any():
        return None
    p, d, q, sp, sd, sq, s = lane.order
    seasonal_ar, seasonal_ma = lane.numbers("ar.S."), lane.numbers("ma.S.")
    ar = expand(lane.numbers("ar.L"), seasonal_ar, s, -1.0)
    ma = expand(lane.numbers("ma.L"), seasonal_ma, s, 1.0)
    if (len(ar), len(ma)) != (1 + p + s * sp, 1 + q + s * sq):
        return None
    past, ahead = _effects(lane)
    difference = _power(1, d, _power(s, sd, np.ones(1)))
    lost = len(difference) - 1
    w = np.convolve(y - past, difference, "valid") - _number(lane, "mean")
    gamma = autocovariances(ar, ma, len(w) + lane.h)
    guess, variance, future = predicted(w, gamma, lane.h)
    squares = math.fsum((w - guess) ** 2 / variance)
    loglik = -0.5 * (len(w) * math.log(2 * math.pi * lane.sigma2) + math.fsum(np.log(variance)) + squares / lane.sigma2)
    fitted = np.full(len(lane.y), np.nan)
    fitted[lane.first + lost :] = y[lost:] - (w - guess)
    mean = _integrated(y - past, future + _number(lane, "mean"), difference) + ahead
    return Told(fitted=fitted, mean=mean, sigma2=squares / len(w), loglik=loglik)


def _number(lane: Lane, name: str) -> float:
    value = lane.params.get(name, 0.0)
    return 0.0 if math.isnan(value) else value


def _effects(lane: Lane) -> tuple[Floats, Floats]:
    """Return what the regressors add to the past and to the future."""
    beta = np.array([v for n, v in lane.params.items() if n[0] == "x" and n[1:].isdigit()])
    if lane.exog is None or lane.exog_future is None or not beta.size:
        return np.zeros(len(lane.y) - lane.first), np.zeros(lane.h)
    return beta @ lane.exog[:, lane.first :], beta @ lane.exog_future


def _power(season: int, times: int, polynomial: Floats) -> Floats:
    """Multiply a polynomial by (1 - Bˢ) so many times."""
    factor = np.zeros(season + 1)
    factor[0], factor[season] = 1.0, -1.0
    for _ in range(times):
        polynomial = np.convolve(polynomial, factor)
    return polynomial


def _integrated(past: Floats, future: Floats, difference: Floats) -> Floats:
    values = list(past)
    for w in future:
        values.append(w - sum(c * values[-k] for k, c in enumerate(difference) if k))
    return np.array(values[len(past) :])
