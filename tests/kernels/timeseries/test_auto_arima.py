import itertools
import warnings

import numpy as np
import pytest

from prism_kernels.timeseries.auto_arima import AutoArima, differences, kpss_statistic, seasonal_strength
from prism_kernels.timeseries.model import Problem
from prism_kernels.timeseries.sarima import Arima


def problem_of(y, **more):
    y = np.atleast_2d(np.asarray(y, dtype=float))
    blank = Problem(y=y, first=np.zeros(len(y), dtype=np.int64), h=6)
    return Problem(y=np.ascontiguousarray(y), first=blank.with_data(y).first, h=6, **more)


@pytest.fixture(scope="module")
def nile():
    from statsmodels.datasets import nile

    return nile.load_pandas().data["volume"].to_numpy(dtype=float)


def seasonal_walk(length=120, seed=2):
    rng = np.random.default_rng(seed)
    season = np.tile(10 * np.sin(np.arange(12) * np.pi / 6), length // 12)
    return season + rng.standard_normal(length).cumsum()


def test_the_unit_root_statistic_is_that_of_statsmodels(nile):
    from statsmodels.tsa.stattools import kpss

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its p-value is interpolated, and it says so
        expected = kpss(nile, regression="c", nlags=4)[0]
    assert kpss_statistic(nile) == pytest.approx(expected, rel=1e-12)
    assert kpss_statistic(np.full(30, 2.0)) == 0.0


def test_the_strength_of_a_season_is_near_one_for_a_pure_one_and_near_zero_for_noise():
    pure = np.tile(np.arange(12.0), 10)
    assert seasonal_strength(pure, 12) > 0.999
    assert seasonal_strength(np.random.default_rng(0).standard_normal(240), 12) < 0.5
    assert seasonal_strength(np.zeros(48), 12) == 0.0


def test_differences_follow_level_walk_and_season():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(120)
    assert differences(noise, 1) == (0, 0)
    assert differences(noise.cumsum(), 1) == (1, 0)
    assert differences(noise.cumsum().cumsum(), 1) == (2, 0)
    assert differences(seasonal_walk(), 12)[1] == 1


def test_the_winner_has_the_least_aicc_of_all_orders_statsmodels_can_fit(nile):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    fit = AutoArima().fit(problem_of(nile))
    d = fit.order[0, 1]
    n, k = fit.n_effective[0], fit.n_params[0]
    ours = -2 * fit.loglik[0] + 2 * k * n / (n - k - 1)
    for p, q, trend in itertools.product(range(3), range(3), "n"):
        model = SARIMAX(nile / 100, order=(p, d, q), trend=trend, simple_differencing=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of its own starts
            found = model.fit(disp=0, maxiter=50)
        k = p + q + (trend == "c") + 1
        loglik = found.llf - n * np.log(100)
        roots = np.concatenate([found.arroots, found.maroots, [9.0]])
        if np.abs(roots).min() > 1.01:
            assert ours <= -2 * loglik + 2 * k * n / (n - k - 1) + 0.01


def test_the_final_fit_is_the_exact_one_of_its_order(nile):
    fit = AutoArima().fit(problem_of(nile))
    p, d, q, *_ = (int(v) for v in fit.order[0])
    exact = Arima().fit(problem_of(nile, order=(p, d, q), include_mean="mean" in fit.param_names))
    assert np.array_equal(exact.params, fit.params)
    assert exact.loglik[0] == fit.loglik[0]
    assert np.array_equal(AutoArima().forecast(fit, 5)[0], Arima().forecast(exact, 5)[0])
    later = AutoArima().apply(fit, fit.problem.with_data(nile[None, :80]))
    assert np.array_equal(later.params, fit.params)


def test_each_series_gets_the_order_it_gets_alone(nile):
    batch = np.stack([nile, np.random.default_rng(1).standard_normal(100), np.arange(100.0) ** 1.5 + nile / 50])
    batch[1, :9] = np.nan
    together = AutoArima().fit(problem_of(batch))
    for k, y in enumerate(batch):
        alone = AutoArima().fit(problem_of(y[9:] if k == 1 else y))
        assert np.array_equal(alone.order[0], together.order[k])
        assert alone.loglik[0] == together.loglik[k]


def test_a_season_is_found_and_used():
    fit = AutoArima().fit(problem_of(seasonal_walk(), season_length=(12,)))
    assert fit.order[0, 4] == 1
    assert fit.order[0, 6] == 12
    assert fit.converged.all()
    mean, _ = AutoArima().forecast(fit, 12)
    assert np.corrcoef(mean[0], np.sin(np.arange(12) * np.pi / 6))[0, 1] > 0.9


def test_a_season_that_never_changes_keeps_its_seasonal_average_on_the_unit_circle():
    from prism_kernels import sample

    y = sample("elnino").to_numpy()
    found = AutoArima().fit(problem_of(y, season_length=(12,)))
    usual = Arima().fit(problem_of(y, season_length=(12,), order=(1, 0, 0), seasonal_order=(0, 1, 1)))
    scores = [2 * k - 2 * f.loglik[0] for f, k in ((found, found.n_params[0]), (usual, usual.n_params[0]))]
    assert found.converged[0]
    assert scores[0] < scores[1]
    early = AutoArima().fit(problem_of(y[:-24], season_length=(12,)))
    error = np.abs(AutoArima().forecast(early, 24)[0][0] - y[-24:]).mean()
    assert error < np.abs(np.tile(y[-36:-24], 2) - y[-24:]).mean()


def test_gaps_and_regressors_are_kept_in_the_final_fit(nile):
    y = nile.copy()
    y[[10, 40, 41]] = np.nan
    exog = np.random.default_rng(3).standard_normal((100, 1))
    fit = AutoArima().fit(problem_of(y + 300 * exog[:, 0], exog=exog))
    assert fit.param_names[-1] == "x1"
    assert fit.params[0, -1] == pytest.approx(300, abs=60)
    assert fit.n_effective[0] == 97 - fit.order[0, 1]
    mean, error = AutoArima().forecast(fit, 3, np.ones((3, 1)))
    assert np.isfinite(mean).all()
    assert (error > 0).all()


def test_a_constant_asked_for_or_refused_is_obeyed(nile):
    assert "mean" in AutoArima().fit(problem_of(nile, include_mean=True)).param_names
    assert "mean" not in AutoArima().fit(problem_of(nile, include_mean=False)).param_names


def test_short_series_still_get_a_model():
    needed = AutoArima().needed(problem_of(np.arange(9.0)))
    y = np.random.default_rng(5).standard_normal((4, needed))
    fit = AutoArima().fit(problem_of(y, season_length=(4,)))
    assert np.isfinite(fit.loglik).all()
    assert np.isfinite(AutoArima().forecast(fit, 4)[0]).all()


def test_the_tests_for_differences_stop_when_told():
    from prism_kernels import Listener
    from prism_kernels.errors import Cancelled
    from prism_kernels.progress import listen

    ear = Listener()
    ear.cancel()
    with listen(ear), pytest.raises(Cancelled):
        AutoArima().fit(problem_of(np.full((2, 60), np.nan)))
