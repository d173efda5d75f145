"""The forecast's own explorer: everything beside a forecast arrives, refusals say so, a newer forecast wins."""

import asyncio

import numpy as np
import pytest

from prism_kernels import Series, sample
from prism_kernels.timeseries import CrossValidation, Diagnosis, anomaly, cross_validate, decompose, diagnose
from prism_widgets.forecast_explorer import ForecastExplorer
from prism_widgets.forecast_view import LinkedForecastView

FAST = {"h": 6, "model": "seasonal_naive", "interval": "analytic"}


async def settled(explorer):
    while explorer._jobs["checked"].state in ("idle", "running"):
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.1)


def shown(y, **settings):
    """Run an explorer and everything beside the forecast, as a page would."""

    async def all_of_it():
        explorer = ForecastExplorer(y, **{**FAST, **settings})
        await explorer.start()
        await settled(explorer)
        return explorer

    return asyncio.run(all_of_it())


@pytest.fixture(scope="module")
def explorer():
    return shown("elnino")


def test_the_forecast_is_drawn_above_the_parts_of_its_series(explorer):
    view = explorer._outcome.view
    assert isinstance(view, LinkedForecastView)
    parts = decompose(sample("elnino"))
    np.testing.assert_allclose(view._parts["trend"].data["y"], parts.trend[0])
    np.testing.assert_allclose(view._parts["season"].data["y"], parts.seasonal[0].sum(axis=0))
    np.testing.assert_allclose(view._parts["remainder"].data["y"], parts.residual[0])
    np.testing.assert_array_equal(view._parts["residual"].data["y"], explorer.result.residuals[0])
    assert [row.yaxis.axis_label for row in view.figure.children[1:]] == ["trend", "season", "remainder", "residual"]


def test_all_pictures_share_one_time_axis(explorer):
    view = explorer._outcome.view
    assert {id(row.x_range) for row in view._rows.values()} == {id(view._range)}


def test_anomalies_are_marked_where_the_series_is(explorer):
    marks = explorer._outcome.view._marks.data
    found = anomaly(sample("elnino"))
    np.testing.assert_array_equal(marks["y"], sample("elnino").to_numpy()[list(found.index[0])])


def test_residuals_and_past_scores_stand_below(explorer):
    diagnosis, checked = explorer._views[Diagnosis], explorer._checked.objects
    residuals = Series.of(explorer.result.residuals)
    np.testing.assert_allclose(diagnosis.result.acf, diagnose(residuals).acf)
    expected = cross_validate(sample("elnino"), h=6, n_windows=3, model="seasonal_naive", interval="analytic")
    assert f"{expected.scores[0, 0]:.4g}" in checked[1].object
    assert "mase" in checked[1].object


def test_what_was_found_is_said_in_words(explorer):
    words = explorer._words.object
    for start in ("Parts. ", "Anomalies. ", "Change points. "):
        assert start in words


def test_what_is_refused_beside_the_forecast_says_why_and_the_forecast_stays():
    explorer = shown("nile")
    assert explorer.result.mean.shape == (1, 6)
    assert "Parts: " in explorer._words.object
    assert [row.yaxis.axis_label for row in explorer._outcome.view.figure.children[1:]] == ["residual"]
    assert explorer._diagnosis.objects


def test_a_newer_forecast_ends_what_stands_beside_the_older():
    async def twice():
        explorer = ForecastExplorer("elnino", **FAST)
        await explorer.start()
        while explorer._jobs["diagnosis"].state == "idle":
            await asyncio.sleep(0.01)
        explorer.form.set(h=9)
        await explorer.start()
        async with asyncio.timeout(60):  # of the older round all may have been known, and be there already
            while CrossValidation not in explorer._views or explorer._views[CrossValidation].result.mean.shape[-1] != 9:
                await asyncio.sleep(0.05)
        return explorer

    explorer = asyncio.run(twice())
    assert explorer.result.mean.shape == (1, 9)
    assert explorer._views[CrossValidation].result.mean.shape[-1] == 9


def test_a_wrong_setting_is_refused_before_anything_is_drawn():
    with pytest.raises(ValueError, match="h must be a whole number from 1 to 10000, and 0 was given"):
        ForecastExplorer("elnino", h=0)
    with pytest.raises(ValueError, match="has no setting 'modle'; did you mean 'model'"):
        ForecastExplorer("elnino", modle="ets")


def test_what_was_found_beside_a_longer_series_does_not_stay_on_a_shorter_one():
    async def one_after_the_other():
        explorer = ForecastExplorer("elnino", **FAST)
        await explorer.start()
        await settled(explorer)
        explorer.pickers["y"].pick("sunspots")
        await explorer.start()
        return explorer

    explorer = asyncio.run(one_after_the_other())
    assert "Forecast of sunactivity" in explorer._outcome.view._words.object
