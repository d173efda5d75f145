import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.tsa.seasonal import MSTL, STL, seasonal_decompose

from prism_kernels import sample
from prism_kernels.errors import InvalidInput
from prism_kernels.timeseries import decompose

SEA = sample("elnino")


def parts_together(found, model):
    seasons = found.seasonal.sum(axis=1) if model == "additive" else found.seasonal.prod(axis=1)
    return found.trend + seasons + found.residual if model == "additive" else found.trend * seasons * found.residual


@pytest.mark.parametrize("model", ["additive", "multiplicative"])
@pytest.mark.parametrize("method", ["stl", "mstl", "classical"])
def test_parts_make_up_the_series(method, model):
    found = decompose(SEA, method=method, model=model)
    whole = parts_together(found, model)[0]
    there = ~np.isnan(whole)
    assert there.sum() == (SEA.size - 12 if method == "classical" else SEA.size)
    assert whole[there] == pytest.approx(SEA.to_numpy()[there], rel=1e-13)
    assert found.period == (12,)
    assert found.model == model


@pytest.mark.parametrize("robust", [False, True])
def test_stl_is_that_of_statsmodels(robust):
    found, peer = decompose(SEA, robust=robust), STL(SEA, period=12, robust=robust).fit()
    assert found.trend[0] == pytest.approx(peer.trend.to_numpy(), rel=1e-12)
    assert found.seasonal[0, 0] == pytest.approx(peer.seasonal.to_numpy(), abs=1e-12)
    assert found.residual[0] == pytest.approx(peer.resid.to_numpy(), abs=1e-12)


def test_several_seasons_are_those_of_statsmodels_in_the_order_asked_for():
    y = SEA.to_numpy()
    peer = MSTL(y, periods=(12, 60)).fit()
    found = decompose(SEA, period=(60, 12), method="mstl")
    assert found.seasonal[0, 1] == pytest.approx(peer.seasonal[:, 0], abs=1e-12)
    assert found.seasonal[0, 0] == pytest.approx(peer.seasonal[:, 1], abs=1e-12)
    assert found.trend[0] == pytest.approx(peer.trend, rel=1e-12)
    assert found.residual[0] == pytest.approx(peer.resid, abs=1e-12)
    assert list(found.axes["period"]) == [60, 12]


@pytest.mark.parametrize("model", ["additive", "multiplicative"])
@pytest.mark.parametrize("period", [7, 12])
def test_the_classical_method_is_that_of_statsmodels(model, period):
    y = SEA.to_numpy()[:200]
    found = decompose(y, period=period, method="classical", model=model)
    peer = seasonal_decompose(y, period=period, model=model)
    np.testing.assert_allclose(found.trend[0], peer.trend, rtol=1e-12)
    np.testing.assert_allclose(found.seasonal[0, 0], peer.seasonal, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.residual[0], peer.resid, rtol=1e-9, atol=1e-12)


def test_strengths_follow_their_definition():
    found = decompose(SEA)
    t, s, r = found.trend[0], found.seasonal[0, 0], found.residual[0]
    assert found.trend_strength[0] == pytest.approx(1 - np.var(r) / np.var(t + r), rel=1e-12)
    assert found.seasonal_strength[0, 0] == pytest.approx(1 - np.var(r) / np.var(s + r), rel=1e-12)
    times = decompose(SEA, model="multiplicative")
    t, s, r = np.log(times.trend[0]), np.log(times.seasonal[0, 0]), np.log(times.residual[0])
    assert times.trend_strength[0] == pytest.approx(1 - np.var(r) / np.var(t + r), rel=1e-12)
    assert times.seasonal_strength[0, 0] == pytest.approx(1 - np.var(r) / np.var(s + r), rel=1e-12)


def test_noise_is_weak_and_a_clean_season_strong():
    noise = np.random.default_rng(0).normal(size=240)
    assert decompose(noise, period=12, method="classical").trend_strength[0] < 0.2
    wave = np.sin(np.arange(240) * np.pi / 6)
    assert decompose(wave + 0.01 * noise, period=12).seasonal_strength[0, 0] > 0.99


@pytest.mark.parametrize("method", ["stl", "classical"])
def test_a_constant_series_has_neither_trend_nor_season(method):
    found = decompose(np.full(40, 0.1), period=4, method=method)
    assert found.trend_strength[0] == 0
    assert found.seasonal_strength[0, 0] == 0


@pytest.mark.parametrize("method", ["stl", "classical"])
def test_parts_stay_in_the_callers_library_and_place(on, method):
    y = np.stack([SEA.to_numpy()[:120], SEA.to_numpy()[120:240]])
    here, there = decompose(y, period=12, method=method), decompose(on(y), period=12, method=method)
    for name in ("trend", "seasonal", "residual", "trend_strength", "seasonal_strength"):
        assert on.owns(getattr(there, name)), name
        np.testing.assert_allclose(
            getattr(there.to_numpy(), name), getattr(here, name), rtol=1e-9, atol=1e-9, err_msg=name
        )


@pytest.mark.parametrize("method", ["stl", "mstl", "classical"])
def test_a_series_in_a_ragged_batch_is_split_as_if_alone(method):
    short, long = SEA.to_numpy()[-100:], SEA.to_numpy()[-150:]
    batch = decompose([short, long], period=12, method=method)
    alone = decompose(short, period=12, method=method)
    for name in ("trend", "seasonal", "residual"):
        part = getattr(batch, name)[0]
        np.testing.assert_allclose(part[..., 50:], getattr(alone, name)[0], rtol=1e-12, atol=1e-12, err_msg=name)
        assert np.isnan(part[..., :50]).all()
    assert batch.trend_strength[0] == pytest.approx(alone.trend_strength[0], rel=1e-12)


@settings(max_examples=20)
@given(arrays(float, 40, elements=st.floats(-1e3, 1e3)), st.integers(2, 9), st.sampled_from(["stl", "classical"]))
def test_any_series_is_the_sum_of_its_parts(y, period, method):
    found = decompose(y, period=period, method=method)
    whole = parts_together(found, "additive")[0]
    there = ~np.isnan(whole)
    np.testing.assert_allclose(whole[there], y[there], rtol=1e-12, atol=1e-12 * max(1, np.abs(y).max()))
    assert 0 <= found.seasonal_strength[0, 0] <= 1
    assert 0 <= found.trend_strength[0] <= 1
    if method == "classical":
        assert found.seasonal[0, 0, :period].sum() == pytest.approx(0, abs=1e-9 * max(1, np.abs(y).max()))


def test_dates_tell_the_period_and_label_the_rows():
    table = decompose(SEA).to_frame()
    assert list(table["time"]) == list(SEA.index)
    assert {"series", "period", "time", "seasonal", "trend", "residual"} <= set(table.columns)


@pytest.mark.parametrize(
    ("y", "settings", "message"),
    [
        (SEA.to_numpy(), {}, "period is needed, since y has no dates; give the number of periods in a season"),
        (sample("nile"), {}, r"the spacing of the dates \(YS-JAN\) tells none"),
        (
            SEA.to_numpy()[:23],
            {"period": 12},
            r"period 12 needs 24 values or more \(two seasons\), and y has 23; give a longer series",
        ),
        (SEA, {"period": (12, 60)}, "method 'stl' takes one period, and 2 were given; use method='mstl'"),
        (SEA, {"period": (12, 12), "method": "mstl"}, r"different lengths, and \[12, 12\] was given"),
        (SEA, {"method": "classical", "robust": True}, "robust has no meaning for method 'classical'"),
        (SEA - 30, {"model": "multiplicative"}, "needs values above 0, and y has -6.89 at 1950-01-01"),
        (sample("co2"), {"period": 52}, "y has 59 missing values"),
        (SEA, {"period": 1}, "period must be"),
    ],
)
def test_what_cannot_be_split_is_refused(y, settings, message):
    with pytest.raises(InvalidInput, match=message):
        decompose(y, **settings)


def test_the_short_series_of_a_batch_is_named():
    frame = pd.DataFrame({"a": np.arange(30.0), "b": [np.nan] * 20 + list(np.arange(10.0))})
    with pytest.raises(InvalidInput, match="and y has 10 in b") as caught:
        decompose(frame, period=12)
    assert caught.value.where == "b"
