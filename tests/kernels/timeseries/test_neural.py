"""The forecasting networks: their inputs and quantiles by hand, their training by what it learns, their refusals."""

import dataclasses
import os
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from prism_kernels import InvalidInput, Listener
from prism_kernels.errors import Cancelled
from prism_kernels.progress import listen
from prism_kernels.timeseries import forecast
from prism_kernels.timeseries.model import Problem
from prism_kernels.timeseries.neural import Gru, Lstm
from prism_kernels.timeseries.neural_windows import Norm, Windows, memory, places

torch = pytest.importorskip("torch", reason="torch is not installed")

MODELS = {"gru": Gru(), "lstm": Lstm()}


def problem(y, m=4, h=3, **settings):
    y = np.ascontiguousarray(np.atleast_2d(np.asarray(y, dtype=float)))
    return Problem(y=y, first=np.zeros(len(y), int), h=h, season_length=(m,), **settings).with_data(y)


def seasons(series=6, count=60, m=4, seed=0):
    random = np.random.default_rng(seed)
    t = np.arange(count)
    level = 50 + 0.5 * t + np.cumsum(random.normal(0, 0.5, (series, count)), axis=1)
    return level * (1 + 0.2 * np.sin(2 * np.pi * t / m)) + random.normal(0, 0.5, (series, count))


@pytest.fixture(scope="module", params=["gru", "lstm"])
def fitted(request):
    model = MODELS[request.param]
    return model, model.fit(problem(seasons(), hidden_size=8, seed=3))


def by_hand(cell, weights, given):
    """Return quantiles, horizon × quantile, of one window by the cells' defining equations."""
    w = {k: v.astype(float) for k, v in weights.items()}
    seen, adjusted, last, usual = given
    change = np.diff(adjusted, prepend=adjusted[0])
    hidden = w["cell.weight_hh_l0"].shape[1]
    state, memory_cell = np.zeros(hidden), np.zeros(hidden)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    for x in np.stack([adjusted, change, seen - adjusted], axis=1):
        a = (w["cell.weight_ih_l0"] @ x + w["cell.bias_ih_l0"]).reshape(-1, hidden)
        b = (w["cell.weight_hh_l0"] @ state + w["cell.bias_hh_l0"]).reshape(-1, hidden)
        if cell == "gru":
            reset, update = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
            state = (1 - update) * np.tanh(a[2] + reset * b[2]) + update * state
        else:
            into, forget, new, out = (
                sigmoid(a[0] + b[0]),
                sigmoid(a[1] + b[1]),
                np.tanh(a[2] + b[2]),
                sigmoid(a[3] + b[3]),
            )
            memory_cell = forget * memory_cell + into * new
            state = out * np.tanh(memory_cell)
    raw = (w["head.weight"] @ state + w["head.bias"]).reshape(len(last), 7)
    skip = last + w["gate.weight"][:, 0] * (usual - last)
    middle = skip + w["line.weight"] @ np.concatenate([seen, adjusted]) + raw[:, 3]
    gaps = np.log1p(np.exp(raw))
    steps = [-gaps[:, :3].sum(axis=1), None, None, np.zeros(len(last)), None, None, gaps[:, 4:].sum(axis=1)]
    return np.stack([middle + s for s in steps if s is not None], axis=1)


def test_a_forecast_is_the_networks_equations_written_out(fitted):
    model, fit = fitted
    windows = Windows(fit.problem, fit.private["norm"], 3)
    past = windows.past(np.array([2]), np.array([60]))
    given = (np.clip(past.seen[0], -8, 8), np.clip(past.adjusted[0], -8, 8), past.last[0], past.usual[0])
    expected = np.exp(by_hand(model.name, fit.private["weights"], given) * past.width[0] + past.centre[0])
    mean, error = model.forecast(fit, 3)
    np.testing.assert_allclose(mean[2], expected[:, 1], rtol=1e-5)
    np.testing.assert_allclose(error[2], (expected[:, 2] - expected[:, 0]) / 3.919927969, rtol=1e-4)


def test_a_window_is_scaled_by_its_mean_level_and_seasonal_change():
    y = seasons(2)
    given = problem(y)
    past = Windows(given, Norm.of(given), 3).past(np.array([1]), np.array([50]))
    z = np.log(y[1])
    centre, width = z[38:50].mean(), np.abs(z[30:50] - z[26:46]).mean()
    np.testing.assert_allclose(past.centre[0, 0], centre, rtol=1e-12)
    np.testing.assert_allclose(past.width[0, 0], width, rtol=1e-12)
    np.testing.assert_allclose(past.seen[0], (z[26:50] - centre) / width, rtol=1e-9)
    np.testing.assert_allclose(past.last[0], (z[46:49] - centre) / width, rtol=1e-9)


@pytest.mark.parametrize("m", [4, 5])
def test_the_profile_is_the_discounted_mean_deviation_known_at_the_origin(m):
    y = seasons(2, m=m)
    given = problem(y, m)
    origin, z = 50, np.log(y[1])
    past = Windows(given, Norm.of(given), 3).past(np.array([1]), np.array([origin]))
    taps = np.array([0.5, 1, 1, 1, 0.5]) / 4 if m == 4 else np.full(5, 0.2)
    deviation = {t: z[t] - taps @ z[t - 2 : t + 3] for t in range(2, origin - 2)}
    profile = []
    for phase in range(m):
        times = sorted((t for t in deviation if t % m == phase), reverse=True)
        shares = 0.8 ** np.arange(len(times))
        profile.append(shares @ [deviation[t] for t in times] / shares.sum())
    profile = (np.array(profile) - np.mean(profile)) / past.width[0, 0]
    np.testing.assert_allclose(past.usual[0], profile[(origin + np.arange(3)) % m], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(past.seen[0] - past.adjusted[0], profile[(origin + np.arange(-24, 0)) % m], atol=1e-9)


def test_what_a_window_sees_does_not_depend_on_what_comes_after():
    y = seasons(2)
    whole, cut = problem(y), problem(y[:, :50])
    norm = Norm.of(whole)
    one = Windows(whole, norm, 3).past(np.array([0]), np.array([50]))
    two = Windows(cut, norm, 3).past(np.array([0]), np.array([50]))
    for name in ("seen", "adjusted", "last", "usual", "centre", "width"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_the_same_seed_gives_the_same_bits_and_leaves_torch_as_it_was(fitted):
    model, fit = fitted
    before = torch.random.get_rng_state(), torch.get_num_threads()
    again = model.fit(fit.problem)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]
    for name, weight in fit.private["weights"].items():
        assert np.array_equal(weight, again.private["weights"][name])
    other = model.fit(dataclasses.replace(fit.problem, seed=4))
    assert not np.array_equal(model.forecast(other, 3)[0], model.forecast(fit, 3)[0])


def test_it_learns_a_trend_that_the_last_season_misses(fitted):
    model, fit = fitted
    y = seasons(count=63)
    mean, error = model.forecast(fit, 3)
    ours, naive = np.abs(mean - y[:, 60:]).mean(), np.abs(y[:, 56:59] - y[:, 60:]).mean()
    assert ours < 0.8 * naive
    assert np.all(error > 0)


def test_fitted_values_are_forecasts_from_each_origin_and_sigma2_their_mean_square(fitted):
    model, fit = fitted
    y = fit.problem.y
    assert np.isnan(fit.fitted[:, :24]).all()
    for origin in (24, 37, 59):
        cut = model.apply(fit, fit.problem.with_data(y[:, :origin]))
        np.testing.assert_allclose(model.forecast(cut, 1)[0][:, 0], fit.fitted[:, origin], rtol=1e-5)
    np.testing.assert_allclose(fit.sigma2, ((y - fit.fitted)[:, 24:] ** 2).mean(axis=1), rtol=1e-9)
    assert fit.n_effective.tolist() == [36] * 6
    assert fit.params.shape == (6, 0)
    assert fit.param_names == ()
    assert np.isnan(fit.loglik).all()
    assert fit.converged.all()


def test_more_data_moves_the_forecast_and_keeps_the_weights(fitted):
    model, fit = fitted
    later = model.apply(fit, fit.problem.with_data(seasons(count=63)))
    assert later.private["weights"] is fit.private["weights"]
    assert not np.isnan(later.fitted[:, 24:]).any()
    fresh = dataclasses.replace(fit, fitted=np.full_like(fit.fitted, np.nan))
    np.testing.assert_allclose(later.fitted, model.apply(fresh, later.problem).fitted, rtol=1e-5)
    assert not np.array_equal(model.forecast(later, 3)[0], model.forecast(fit, 3)[0])


def test_a_fit_can_be_pickled_and_forecasts_the_same(fitted):
    model, fit = fitted
    again = pickle.loads(pickle.dumps(fit))
    assert np.array_equal(model.forecast(again, 3)[0], model.forecast(fit, 3)[0])


def test_values_around_zero_are_forecast_without_logarithms():
    y = seasons() - 60
    fit = MODELS["gru"].fit(problem(np.concatenate([y, seasons()]), hidden_size=8))
    assert fit.private["norm"].positive.tolist() == [False] * 6 + [True] * 6
    mean, error = MODELS["gru"].forecast(fit, 3)
    truth = seasons(count=63)[:, 60:]
    assert np.abs(mean[:6] - (truth - 60)).mean() < 6
    assert np.isfinite(error).all()


def test_windows_start_where_a_padded_series_does():
    y = seasons(2)
    y[1, :10] = np.nan
    series, origin = places(problem(y), 1)
    assert origin[series == 0].tolist() == list(range(24, 60))
    assert origin[series == 1].tolist() == list(range(34, 60))
    assert [memory(m) for m in (1, 12, 52)] == [24, 24, 104]


def test_a_cancelled_training_stops_within_200_ms():
    ear = Listener()
    told = []
    work = threading.Thread(target=lambda: told.append(_train_until_cancelled(ear)))
    work.start()
    time.sleep(1.5)
    ear.cancel()
    pressed = time.perf_counter()
    work.join()
    assert told[0] - pressed < (0.2 if os.getloadavg()[0] < len(os.sched_getaffinity(0)) else 2.0)


def _train_until_cancelled(ear):
    with listen(ear), pytest.raises(Cancelled):
        MODELS["gru"].fit(problem(seasons(60, 200)))
    return time.perf_counter()


def test_progress_counts_gradient_steps():
    seen = []
    with listen(Listener(lambda done, total, label: seen.append((done, total, label)))):
        MODELS["gru"].fit(problem(seasons(1, 30), hidden_size=4))
    assert seen[0] == (0, 300, "train gru")
    assert seen[-1] == (300, 300, "train gru")


def test_refusals_name_the_number_needed():
    with pytest.raises(InvalidInput, match="27"):
        forecast(seasons(1, 26), h=3, season_length=4, model="gru", interval="analytic")
    fit = MODELS["gru"].fit(problem(seasons(1, 30), hidden_size=4))
    with pytest.raises(InvalidInput, match="trained for 3 periods ahead, and h is 5"):
        MODELS["gru"].forecast(fit, 5)
    lower = np.concatenate([fit.problem.y, [[-3.0]]], axis=1)
    with pytest.raises(InvalidInput, match="-3 in series 0, which held only positive values"):
        MODELS["gru"].apply(fit, fit.problem.with_data(lower))


@pytest.mark.parametrize("model", ["gru", "lstm"])
def test_the_operation_forecasts_with_calibrated_intervals(model):
    found = forecast(seasons(3, 90), h=3, season_length=4, model=model, hidden_size=8, num_layers=2)
    assert found.status == ("ok",) * 3
    assert np.all(found.lo[:, 1] <= found.lo[:, 0])
    assert np.all(found.lo[:, 0] < found.mean)
    assert np.all(found.hi[:, 1] >= found.hi[:, 0])


def test_naming_the_models_does_not_load_torch():
    code = "import sys, prism_kernels.timeseries.neural; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
