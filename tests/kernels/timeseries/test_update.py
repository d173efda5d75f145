"""update: the same parameters on more data, against a refit by hand and against the model itself."""

import numpy as np
import pandas as pd
import pytest

from prism_kernels import InvalidInput
from prism_kernels.timeseries import forecast, update


def wave(count=100, seed=0):
    return 20 + np.sin(np.arange(count)) + np.random.default_rng(seed).normal(0, 1, count)


def monthly(count=60):
    return pd.Series(wave(count), index=pd.date_range("2020-01-01", periods=count, freq="MS"), name="sales")


@pytest.mark.parametrize("interval", ["conformal", "analytic"])
def test_an_updated_naive_forecast_is_the_new_season_with_the_old_error(interval):
    y = wave()
    first = forecast(y[:90], h=5, model="seasonal_naive", season_length=4, interval=interval)
    second = update(first, y[90:])
    np.testing.assert_array_equal(second.mean[0], y[[96, 97, 98, 99, 96]])
    np.testing.assert_allclose(second.hi - second.mean[:, None], first.hi - first.mean[:, None], rtol=1e-9)
    np.testing.assert_allclose(second.lo - second.mean[:, None], first.lo - first.mean[:, None], rtol=1e-9)
    np.testing.assert_array_equal(second.sigma2, first.sigma2)
    np.testing.assert_array_equal(second.residuals[0, 4:], y[4:] - y[:-4])
    assert list(second.axes["horizon"]) == [100, 101, 102, 103, 104]
    assert second.status == ("ok",)


@pytest.mark.parametrize("model", ["ets", "theta", "arima"])
def test_parameters_stay_and_steps_add_up(model):
    y = wave(120)
    first = forecast(y[:100], h=4, model=model, season_length=1)
    once = update(first, y[100:])
    twice = update(update(first, y[100:107]), y[107:])
    np.testing.assert_array_equal(once.params, first.params)
    np.testing.assert_array_equal(once.sigma2, first.sigma2)
    for field in ("mean", "lo", "hi", "fitted", "loglik"):
        np.testing.assert_array_equal(getattr(once, field), getattr(twice, field))
    # one-step predictions of the old part do not know the new one
    np.testing.assert_allclose(once.fitted[0, :100], first.fitted[0], rtol=1e-9)


def test_an_ar1_is_updated_by_its_own_equation():
    y = wave()
    first = forecast(y[:90], h=3, model="arima", order=(1, 0, 0), include_mean=False)
    phi = first.params[0, 0]
    np.testing.assert_allclose(update(first, y[90:]).mean[0], y[-1] * phi ** np.arange(1, 4), rtol=1e-9)


def test_dates_follow_on():
    y = monthly()
    first = forecast(y[:48], h=2, model="seasonal_naive")
    second = update(first, y[48:])
    assert [str(d)[:10] for d in second.axes["horizon"]] == ["2025-01-01", "2025-02-01"]
    assert len(second.axes["time"]) == 60
    np.testing.assert_array_equal(update(first, y[48:].to_numpy()).mean, second.mean)


def test_the_update_lives_where_the_series_lives(on):
    y = wave()
    first = forecast(on(y[:90]), h=3, model="seasonal_naive")
    second = update(first, on(y[90:]))
    assert on.owns(second.mean)
    np.testing.assert_array_equal(second.to_numpy().mean[0], np.full(3, y[-1]))


def test_extreme_magnitudes_keep_their_scale():
    y = wave()
    plain = update(forecast(y[:90], h=3, model="seasonal_naive"), y[90:])
    large = update(forecast(np.ldexp(y[:90], 980), h=3, model="seasonal_naive"), np.ldexp(y[90:], 980))
    np.testing.assert_array_equal(np.ldexp(large.mean, -980), plain.mean)


def test_regressors_go_on():
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, 120)
    y = 4 + 2 * x + rng.normal(0, 0.1, 120)
    given = {"model": "arima", "order": (0, 0, 0), "include_mean": True}
    first = forecast(y[:100], h=5, exog=x[:100], exog_future=x[100:105], **given)
    second = update(first, y[100:110], exog=x[100:110], exog_future=x[110:115])
    names = dict(zip(first.param_names, first.params[0], strict=True))
    beta = next(v for n, v in names.items() if n not in ("const", "intercept", "mean"))
    np.testing.assert_allclose(np.diff(second.mean[0]), beta * np.diff(x[110:115]), rtol=1e-6)
    assert np.abs(second.residuals).max() < 0.6  # the noise alone: each period has its own regressor


def test_constants_stay_constant_and_bad_series_stay_bad():
    batch = {"flat": np.full(50, 3.0), "good": wave(50), "short": wave(3)}
    first = forecast(batch, h=2, model="seasonal_naive", season_length=4, on_error="status")
    second = update(first, np.stack([np.full(4, 3.0), wave(4), wave(4)]))
    assert second.status == ("constant", "ok", "too_short")
    np.testing.assert_array_equal(second.mean[0], [3, 3])
    assert np.isnan(second.mean[2]).all()


REFUSED = {
    "another number": (np.ones((2, 3)), "new_y has 2 series and the forecast 1; give the same series"),
    "a gap": (monthly()[50:], "new_y has 2024-03-01 where 2024-01-01 follows; give every period after the forecast's"),
    "a hole": (
        np.r_[1.0, np.nan, 2.0],
        "new_y has 1 missing value (first: index 1); fill them, or forecast with missing='kalman'",
    ),
    "infinite": (np.r_[1.0, np.inf], "new_y has 1 infinite value (first: index 1); replace or remove it"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_follow_is_refused(case):
    new, sentence = REFUSED[case]
    first = forecast(monthly()[:48], h=2, model="seasonal_naive")
    with pytest.raises(InvalidInput) as caught:
        update(first, new)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("given", "kind"), [(3, "int"), (None, "NoneType"), ([1.0, 2.0], "list")])
def test_what_is_no_forecast_is_refused(given, kind):
    with pytest.raises(InvalidInput) as refused:
        update(given, [1.0])
    assert str(refused.value) == (
        f"forecast must be what forecast(…) or update(…) returned, and {kind} was given; make one first"
    )
    assert refused.value.field == "forecast"


def test_series_in_another_order_are_refused():
    y = pd.DataFrame({"a": wave(60), "b": wave(60, 1)})
    first = forecast(y[:50], h=2, model="seasonal_naive")
    with pytest.raises(InvalidInput, match="another order than the forecast, a, b; bring them into it"):
        update(first, y[50:][["b", "a"]])


def test_dates_for_a_series_without_are_refused():
    with pytest.raises(InvalidInput, match="new_y has dates and the forecast's series has none"):
        update(forecast(wave(), h=2, model="seasonal_naive"), monthly()[:3])


def test_a_constant_that_moves_is_refused():
    with pytest.raises(InvalidInput, match="was constant and is no longer; forecast it anew"):
        update(forecast(np.ones(20), h=2), [1.0, 2.0])


def test_regressors_are_asked_for_exactly_where_there_were_some():
    x, y = wave(60, 3), wave(60)
    plain = forecast(y[:50], h=2, model="arima")
    with pytest.raises(InvalidInput, match="the forecast has no regressors, so its update takes none"):
        update(plain, y[50:], exog=x[50:], exog_future=x[:2])
    rich = forecast(y[:50], h=2, model="arima", exog=x[:50], exog_future=x[50:52])
    with pytest.raises(InvalidInput, match="give exog over the new periods and exog_future over those after them"):
        update(rich, y[50:])
