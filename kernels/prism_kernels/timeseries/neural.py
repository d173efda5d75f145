"""Global forecasting networks: one small GRU or LSTM learns from all series of a batch together."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from prism_kernels.errors import InvalidInput, require
from prism_kernels.refusal import counted
from prism_kernels.timeseries.model import Fit, Floats, Problem, Traits

__all__ = ["Gru", "Lstm"]

_HALF_95 = 1.959963984540054


class _Neural:
    """What both networks share; the cell is their name."""

    name: str
    traits = Traits()

    def needed(self, problem: Problem) -> int:
        """Return how many values a series must have: what the network looks at, and the horizon it learns."""
        from prism_kernels.timeseries.neural_windows import memory

        return memory(problem.season_length[0]) + problem.h

    def fit(self, problem: Problem) -> Fit:
        """Train one network on all windows of all series."""
        require("torch", extra="torch", purpose=f"model {self.name!r}")
        from prism_kernels.engine import one_thread
        from prism_kernels.timeseries.neural_network import Network, train
        from prism_kernels.timeseries.neural_windows import Norm, Windows, places

        network = Network(self.name, problem.hidden_size, problem.num_layers, problem.h)
        norm = Norm.of(problem)
        with one_thread():
            weights = train(network, Windows(problem, norm, problem.h), *places(problem, 1), problem.seed)
        count = len(problem.y)
        blank = np.full(count, np.nan)
        draft = Fit(
            problem=problem,
            params=np.empty((count, 0)),
            param_names=(),
            fitted=np.full_like(problem.y, np.nan),
            sigma2=blank,
            loglik=blank,
            n_params=np.ones(count, dtype=np.int64),
            n_effective=np.zeros(count, dtype=np.int64),
            order=np.zeros((count, 7), dtype=np.int64),
            converged=np.ones(count, dtype=np.bool_),
            private={"network": network, "weights": weights, "norm": norm},
        )
        fit = self.apply(draft, problem)
        return dataclasses.replace(fit, sigma2=np.nanmean((problem.y - fit.fitted) ** 2, axis=1))

    def apply(self, fit: Fit, problem: Problem) -> Fit:
        """Look at other data of the same series with the same weights."""
        fitted = _known(fit, problem)
        series, origin = _open(fitted, problem)
        if len(series):
            fitted[series, origin] = self._quantiles(fit, problem, series, origin, ahead=1)[:, 0, 1]
        effective = (~np.isnan(fitted)).sum(axis=1).astype(np.int64)
        return dataclasses.replace(fit, problem=problem, fitted=fitted, n_effective=effective)

    def forecast(self, fit: Fit, h: int, exog: Floats | None = None) -> tuple[Floats, Floats]:
        """Return the median and the standard error that the 95 % range of the quantiles stands for, series × h."""
        del exog
        trained = fit.private["network"].h
        if h > trained:
            ahead = counted(trained, "period")
            msg = f"model {self.name!r} was trained for {ahead} ahead, and h is {h}; forecast anew with h={h}"
            raise InvalidInput(msg, field="h")
        count, length = fit.problem.y.shape
        series, origin = np.arange(count), np.full(count, length)
        found = self._quantiles(fit, fit.problem, series, origin, ahead=h)
        return np.ascontiguousarray(found[:, :, 1]), (found[:, :, 2] - found[:, :, 0]) / (2 * _HALF_95)

    def _quantiles(self, fit: Fit, problem: Problem, series: Any, origin: Any, *, ahead: int) -> Floats:
        """Return the 2.5 % quantile, the median and the 97.5 % quantile, window × horizon × 3."""
        require("torch", extra="torch", purpose=f"model {self.name!r}")
        from prism_kernels.engine import one_thread
        from prism_kernels.timeseries.neural_network import MEDIAN, quantiles
        from prism_kernels.timeseries.neural_windows import Windows

        own = fit.private
        windows = Windows(problem, own["norm"], own["network"].h)
        with one_thread():
            found = quantiles(own["network"], own["weights"], windows, series, origin, ahead=ahead)
        return found[:, :, [0, MEDIAN, -1]]


def _known(fit: Fit, problem: Problem) -> Floats:
    """Return the one-step predictions that the fit already has for the same past; NaN where there is none.

    A prediction depends only on values before it, so it stands as long as those are the same.
    """
    fitted = np.full_like(problem.y, np.nan)
    old, new = fit.problem.y, problem.y
    shared = min(old.shape[1], new.shape[1])
    same = (old[:, :shared] == new[:, :shared]) | (np.isnan(old[:, :shared]) & np.isnan(new[:, :shared]))
    before = np.concatenate([np.ones((len(new), 1), dtype=bool), np.logical_and.accumulate(same, axis=1)], axis=1)
    fitted[:, :shared] = np.where(before[:, :shared], fit.fitted[:, :shared], np.nan)
    return fitted


def _open(fitted: Floats, problem: Problem) -> tuple[Any, Any]:
    """Return series and origin of the one-step predictions still to be made."""
    from prism_kernels.timeseries.neural_windows import places

    series, origin = places(problem, 1)
    wanted = np.isnan(fitted[series, origin])
    return series[wanted], origin[wanted]


class Gru(_Neural):
    r"""One gated recurrent network for all series of the batch.

    Notes
    -----
    The network reads the last 24 values of a series (logarithms, where all are positive), centred on their mean over
    the last seasons and divided by their mean absolute seasonal change, with and without a seasonal profile: the mean
    deviations from the centred moving average, of which each season weighs 0.8 of the next. For each period ahead its
    answer is a mix of the last season and the profile, plus a linear and a recurrent term; the recurrent one also gives
    the distances between seven quantiles. All of it is trained on the pinball loss

    .. math:: \sum_q \max\{q (y - \hat y_q), (q - 1)(y - \hat y_q)\}

    of every window of every series. The forecast is the median; its standard error is the distance between the 2.5 %
    and 97.5 % quantiles over 3.92. There are no parameters of a single series and no likelihood. It runs on the CPU in
    float32, with one thread, so that a seed gives the same bits on the same CPU type.

    References
    ----------
    Cho et al. (2014), "Learning phrase representations using RNN encoder–decoder for statistical machine translation".
    Wen, Torkkola, Narayanaswamy, Madeka (2017), "A multi-horizon quantile recurrent forecaster". Smyl (2020), "A hybrid
    method of exponential smoothing and recurrent neural networks for time series forecasting". Lai, Chang, Yang, Liu
    (2018), "Modeling long- and short-term temporal patterns with deep neural networks".
    """

    name = "gru"


class Lstm(_Neural):
    """One network of long short-term memory for all series of the batch; otherwise as :class:`Gru`.

    References
    ----------
    Hochreiter, Schmidhuber (1997), "Long short-term memory".
    """

    name = "lstm"
