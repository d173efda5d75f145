"""cross_validate: the windows against forecasts made by hand, the scores against metrics by hand."""

import inspect

import numpy as np
import pandas as pd
import pytest

from prism_kernels import InvalidInput, Listener, find, run, sample
from prism_kernels.errors import Cancelled
from prism_kernels.progress import listen
from prism_kernels.timeseries import cross_validate, forecast, update


def wave(count=100, seed=0):
    return 20 + np.sin(np.arange(count)) + np.random.default_rng(seed).normal(0, 1, count)


BATCH = np.stack([wave(), wave(seed=1)])
GIVEN = {"model": "seasonal_naive", "season_length": 4}


def test_each_window_is_the_forecast_from_its_cutoff():
    found = cross_validate(BATCH, h=5, n_windows=3, step_size=2, **GIVEN)
    assert found.cutoff == (90, 92, 94)
    for k, last in enumerate(found.cutoff):
        alone = forecast(BATCH[:, : last + 1], h=5, **GIVEN)
        np.testing.assert_array_equal(found.mean[k], alone.mean)
        np.testing.assert_array_equal(found.lo[k], alone.lo)
        np.testing.assert_array_equal(found.hi[k], alone.hi)
        np.testing.assert_array_equal(found.y_true[k], BATCH[:, last + 1 : last + 6])


def test_windows_stand_end_to_end_by_default_and_the_last_one_ends_with_the_data():
    assert cross_validate(BATCH, h=5, n_windows=3, **GIVEN).cutoff == (84, 89, 94)


def test_scores_are_those_of_all_windows_together():
    found = cross_validate(BATCH, h=5, n_windows=3, **GIVEN)
    scores = dict(zip(found.axes["score"], found.scores, strict=True))
    errors = (found.mean - found.y_true).transpose(1, 0, 2).reshape(2, -1)
    truth = found.y_true.transpose(1, 0, 2).reshape(2, -1)
    naive = np.abs(BATCH[:, 4:85] - BATCH[:, :81]).mean(axis=1)  # before the first cutoff
    np.testing.assert_allclose(scores["mae"], np.abs(errors).mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(scores["rmse"], np.sqrt((errors**2).mean(axis=1)), rtol=1e-12)
    np.testing.assert_allclose(scores["bias"], errors.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(scores["mape"], np.abs(errors / truth).mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(scores["wape"], np.abs(errors).sum(axis=1) / np.abs(truth).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(scores["mase"], np.abs(errors).mean(axis=1) / naive, rtol=1e-12)
    for k, name in enumerate(("80", "95")):
        lo, hi = (v[:, :, k].transpose(1, 0, 2).reshape(2, -1) for v in (found.lo, found.hi))
        inside = (truth >= lo) & (truth <= hi)
        np.testing.assert_allclose(scores[f"coverage-{name}"], inside.mean(axis=1), rtol=1e-12)
        outside = np.maximum(lo - truth, 0) + np.maximum(truth - hi, 0)
        score = (hi - lo + 2 / (1 - (0.8, 0.95)[k]) * outside).mean(axis=1)
        np.testing.assert_allclose(scores[f"winkler-{name}"], score, rtol=1e-12)


def test_without_refit_the_first_window_is_updated():
    found = cross_validate(BATCH, h=5, n_windows=3, model="ets", season_length=1, refit=False)
    first = forecast(BATCH[:, :85], h=5, model="ets", season_length=1)
    np.testing.assert_array_equal(found.mean[0], first.mean)
    np.testing.assert_array_equal(found.mean[2], update(first, BATCH[:, 85:95]).mean)
    np.testing.assert_array_equal(found.hi[2], update(first, BATCH[:, 85:95]).hi)


@pytest.mark.parametrize("refit", [True, False])
def test_each_window_takes_the_regressors_of_its_own_future(refit):
    x = wave(120, 5)
    y = 3 + 2 * x + np.random.default_rng(6).normal(0, 0.1, 120)
    given = {"model": "arima", "order": (0, 0, 0), "include_mean": True}
    found = cross_validate(y, h=5, n_windows=2, exog=x, refit=refit, **given)
    assert np.abs(found.mean - found.y_true).max() < 0.5  # five of the noise's 0.1; the regressor moves y by two


def test_the_frame_names_series_cutoff_and_dates():
    index = pd.date_range("2020-01-01", periods=100, freq="MS")
    found = cross_validate(pd.DataFrame({"a": BATCH[0], "b": BATCH[1]}, index=index), h=2, n_windows=2, **GIVEN)
    frame = found.to_frame()
    assert list(frame.columns) == ["unique_id", "ds", "cutoff", "y", "mean", "lo-80", "hi-80", "lo-95", "hi-95"]
    assert len(frame) == 8
    assert found.cutoff == (index[95], index[97])
    row = frame[(frame["unique_id"] == "b") & (frame["ds"] == index[98])].iloc[0]
    assert row["cutoff"] == index[97]
    assert row["y"] == BATCH[1, 98]
    assert row["mean"] == found.mean[1, 1, 0]
    assert row["hi-95"] == found.hi[1, 1, 1, 0]


def test_the_result_lives_where_the_series_lives(on):
    found = cross_validate(on(BATCH), h=3, n_windows=2, **GIVEN)
    plain = cross_validate(BATCH, h=3, n_windows=2, **GIVEN)
    for name in ("y_true", "mean", "lo", "hi", "scores"):
        assert on.owns(getattr(found, name))
    np.testing.assert_allclose(found.to_numpy().scores, plain.scores, rtol=1e-12)


def test_it_takes_every_setting_of_forecast_with_its_rule_and_documentation():
    ours, theirs = find("timeseries.cross_validate"), find("timeseries.forecast")
    assert set(theirs.rules) <= set(ours.rules)
    assert all(ours.rules[name] == theirs.rules[name] for name in theirs.rules)
    assert all(ours.documentation[name] for name in [*ours.data, *ours.rules])
    assert "exog_future" not in inspect.signature(cross_validate).parameters
    assert all(told["description"] for told in ours.result.describe_fields().values())


def test_the_example_of_the_registry_runs():
    row = find("timeseries.cross_validate")
    settings = {k: v for k, v in row.example.items() if k != "y"}
    assert run(row, sample(row.example["y"]), **settings).result.mean.shape == (3, 1, 12)


def test_bad_series_get_nan_where_asked():
    found = cross_validate({"a": wave(), "b": wave(12)}, h=3, n_windows=2, on_error="status", **GIVEN)
    assert np.isfinite(found.mean[:, 0]).all()
    assert np.isnan(found.mean[:, 1]).all()


REFUSED = {
    "too few periods": (
        {"h": 30, "n_windows": 4},
        "y has 100 periods, and 4 windows of h=30, 30 apart, need 121 or more beside what the model needs; "
        "use n_windows=2 or fewer, or a smaller step_size",
    ),
    "too short to fit": (
        {"h": 30, "n_windows": 3, "season_length": 12},
        "3 windows of h=30, 30 apart, leave 10 of 100 periods before the first, where series 0 has 10 values, and "
        "model 'seasonal_naive' needs 14 or more with season_length 12 (1 for no season) (likewise 1 more); use "
        "n_windows=2 or fewer, or a smaller step_size",
    ),
    "short regressors": (
        {"h": 3, "exog": wave(99), "model": "arima"},
        "exog has 99 periods and must have 100, as many as y; a row is a period",
    ),
    "unknown setting": ({"h": 3, "windows": 3}, "timeseries.cross_validate has no setting 'windows'"),
    "no windows": ({"h": 3, "n_windows": 0}, "n_windows must be a whole number from 1 to 10000, and 0 was given"),
}


WINDOWS = {
    "too few values for the model": (
        {"n_windows": 25, "interval": "analytic"},
        "25 windows of h=3, 3 apart, leave 5 of 80 periods before the first, where y has 5 values, and model 'theta' "
        "needs 7 or more; use n_windows=24 or fewer, or a smaller step_size",
    ),
    "too few scores for the intervals": (
        {"n_windows": 25},
        "25 windows of h=3, 3 apart, leave 5 of 80 periods before the first, where y has 5 values, and model 'theta' "
        "needs 7 or more; use n_windows=21 or fewer, or a smaller step_size",
    ),
    "scores alone": (
        {"n_windows": 22},
        "22 windows of h=3, 3 apart, leave 14 of 80 periods before the first, where y leaves 18 calibration scores and "
        "level 0.95 needs 19 or more; use n_windows=21 or fewer, or a smaller step_size",
    ),
    "close to each other": (
        {"n_windows": 75, "step_size": 1, "interval": "analytic"},
        "75 windows of h=3, 1 apart, leave 3 of 80 periods before the first, where y has 3 values, and model 'theta' "
        "needs 7 or more; use n_windows=71 or fewer",
    ),
    "not even one": (
        {"h": 75, "interval": "analytic"},
        "1 window of h=75 leaves 5 of 80 periods before the first, where y has 5 values, and model 'theta' needs 7 or "
        "more; use a shorter h, or a longer series",
    ),
}


@pytest.mark.parametrize("case", WINDOWS)
@pytest.mark.parametrize("refit", [True, False])
def test_windows_that_do_not_fit_are_refused_with_the_number_that_does(case, refit):
    settings, sentence = WINDOWS[case]
    with pytest.raises(InvalidInput) as caught:
        cross_validate(wave(80), **{"h": 3, "model": "theta", "refit": refit, **settings})
    assert str(caught.value) == sentence
    assert caught.value.field == "n_windows"


@pytest.mark.parametrize("settings", [{"n_windows": 24, "interval": "analytic"}, {"n_windows": 21}])
def test_as_many_windows_as_are_named_do_fit(settings):
    assert np.isfinite(cross_validate(wave(80), h=3, model="theta", **settings).mean).all()


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_cross_validated_is_refused(case):
    settings, sentence = REFUSED[case]
    with pytest.raises(InvalidInput) as caught:
        cross_validate(BATCH, **{**GIVEN, **settings})
    assert sentence in str(caught.value)


def test_progress_counts_windows_and_cancelling_stops():
    seen = []
    with listen(Listener(lambda done, total, label: seen.append((done, total, label)))):
        cross_validate(BATCH, h=3, n_windows=3, **GIVEN)
    assert (3, 3, "windows") in seen
    ear = Listener(lambda done, total, label: ear.cancel() if label == "windows" and done == 1 else None)
    with listen(ear), pytest.raises(Cancelled):
        cross_validate(BATCH, h=3, n_windows=3, **GIVEN)


def test_the_numbers_of_the_last_periods_known_are_written_as_json():
    import json

    found = cross_validate(wave(60), h=3, model="seasonal_naive", interval="analytic")
    assert json.loads(found.to_json())["cutoff"] == [56]
