"""An explorer runs every operation and any function, and hands the run on to every other surface."""

import asyncio
import io
import json
import time
from html.parser import HTMLParser
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import pytest
from annotated_types import Ge, Le

from prism_kernels import AnySeries, InvalidInput, Series, find, operations, track
from prism_widgets import Explorer, job


@pytest.fixture(autouse=True)
def _fresh():
    job.forget()


def smooth(
    y: AnySeries, *, share: Annotated[float, Ge(0), Le(1)] = 0.5, kind: Literal["mean", "median"] = "mean"
) -> dict:
    """Draw a series towards its middle.

    Parameters
    ----------
    y
        A series.
    share
        How far.
    kind
        Which middle.
    """
    y = Series.of(y)
    middle = getattr(np, kind)(y.values)
    return {"smooth": (1 - share) * y.values[0] + share * middle, "middle": float(middle)}


@pytest.mark.parametrize("name", operations())
def test_every_operation_has_an_explorer_that_runs_its_example(name):
    explorer = Explorer(name)
    run = explorer.run()
    assert run.provenance.operation == name
    assert explorer.result is run.result
    assert explorer._status.text.startswith("Done in")
    assert explorer._outcome.run is run
    assert run.provenance.inputs
    for form in ("curl", "report", "command"):
        assert name.split(".")[1].replace("_", "-") in explorer._outcome.text(form).replace("_", "-")


@pytest.mark.parametrize("name", operations())
def test_the_python_text_of_every_example_gives_the_same_result(name):
    explorer = Explorer(name)
    run = explorer.run()
    space = {}
    exec(explorer._outcome.text("Python"), space)
    again, first = space["result"].to_dict(), run.result.to_dict()
    for field in first:
        if field not in ("axes", "warnings"):
            same = json.dumps(again[field], default=str) == json.dumps(first[field], default=str)
            assert same or np.allclose(again[field], first[field], equal_nan=True, rtol=find(name).tolerance), field


def test_a_function_of_ones_own_needs_nothing_more():
    explorer = Explorer(smooth, np.array([1.0, 2.0, 9.0]), share=1.0)
    assert explorer.run().result["smooth"].tolist() == [4.0, 4.0, 4.0]
    explorer.form.set(kind="median")
    assert explorer.run().result["middle"] == 2.0
    assert "share=1.0, kind='median'" in explorer._outcome.text("Python")


def test_what_is_given_stands_in_the_controls():
    explorer = Explorer("timeseries.forecast", "sunspots", h=3, model="seasonal_naive", interval="analytic")
    assert explorer.form.values()["h"] == 3
    assert explorer.run().result.mean.shape == (1, 3)


@pytest.mark.parametrize(
    ("operation", "decider", "values"),
    [
        ("timeseries.forecast", "model", ["arima", "theta", "seasonal_naive", "auto_arima", "ets"]),
        ("timeseries.forecast", "interval", ["analytic", "bootstrap", "conformal"]),
        ("timeseries.cross_validate", "model", ["arima", "theta", "seasonal_naive", "ets"]),
        ("timeseries.trend", "method", ["mann_kendall", "theil_sen", "hp", "changepoint"]),
        ("timeseries.correlation", "method", ["pearson", "kendall", "distance", "mutual_information", "spearman"]),
    ],
)
def test_what_nobody_touched_is_not_refused_when_a_choice_is_switched(operation, decider, values):
    explorer = Explorer(operation)
    for value in values:
        explorer.form.set(**{decider: value})
        assert explorer.run().provenance.settings[decider] == value


async def test_what_was_touched_for_one_model_is_refused_beside_its_control_for_another_until_it_is_put_back():
    explorer = Explorer("timeseries.forecast", "nile", h=3, model="arima", interval="analytic")
    explorer.form.controls["order"].value = (2, 1, 1)
    before = (await explorer.start()).run.result
    explorer.form.controls["model"].value = "theta"
    assert await explorer.start() is None
    sentence = "order has no meaning for model 'theta'; leave it at (1, 1, 1), or use model='arima'"
    assert sentence in explorer.form.controls["order"]._note._pane.object.replace("&#x27;", "'")
    assert explorer.result is before
    explorer.form.controls["order"].value = (1, 1, 1)
    assert (await explorer.start()).run.given["model"] == "theta"


def test_an_unknown_argument_is_refused_with_the_nearest():
    with pytest.raises(InvalidInput, match="did you mean 'share'"):
        Explorer(smooth, [1.0], shore=0.5)
    with pytest.raises(InvalidInput, match=r"did you mean 'timeseries\.forecast'"):
        Explorer("timeseries.forcast")


async def test_starting_shows_a_refused_setting_beside_its_control():
    explorer = Explorer(smooth, "nile")
    explorer.form.controls["share"]._entry.value = "2"
    assert await explorer.start() is None
    assert "share must be a number from 0 to 1, and 2 was given" in explorer.form.controls["share"]._entry.helper_text
    assert "refused" in explorer._status.text
    explorer.form.controls["share"]._entry.value = "0.2"
    assert (await explorer.start()).run.given == {"share": 0.2}
    assert explorer._status.text.startswith("Done")


async def test_refused_data_is_said_beside_its_picker_and_on_a_card_and_the_last_result_stays():
    explorer = Explorer(smooth, "nile")
    await explorer.start()
    before = explorer.result
    explorer.pickers["y"]._first = np.array([1.0, np.inf])
    explorer.pickers["y"]._way.options = {"As given": ("given", ""), **explorer.pickers["y"]._way.options}
    explorer.pickers["y"]._way.value = ("given", "")
    assert await explorer.start() is None
    assert "y has 1 infinite value" in explorer.pickers["y"]._note._pane.object
    assert "y has 1 infinite value" in explorer._card.object
    assert explorer._card.visible
    assert explorer.result is before
    assert explorer._outcome.stale
    explorer.pickers["y"].pick("nile")
    await explorer.start()
    assert not explorer._card.visible
    assert not explorer._outcome.stale


async def test_the_first_of_many_quick_changes_runs_at_once_and_then_only_the_last():
    calls = []

    def noted(y: AnySeries, *, n: Annotated[int, Ge(0), Le(100)] = 0) -> float:
        """Note.

        Parameters
        ----------
        y
            A series.
        n
            A number.
        """
        calls.append(n)
        time.sleep(0.1)
        return float(n)

    explorer = Explorer(noted, "nile", live=True)
    for n in (5, 6, 7, 8):
        explorer.form.controls["n"]._slider.value = n
        await asyncio.sleep(0.01)
    for _ in range(100):
        await asyncio.sleep(0.02)
        if explorer.result == 8.0:
            break
    assert calls == [5, 8]
    assert explorer.result == 8.0


async def test_long_work_moves_a_bar_under_the_status():
    def counted(y: AnySeries) -> float:
        """Count.

        Parameters
        ----------
        y
            A series.
        """
        for _ in track(range(40), "counting"):
            time.sleep(0.05)
        return 1.0

    explorer, shares = Explorer(counted, "nile"), []
    status = explorer._status
    assert not status.running
    status.param.watch(lambda event: shares.append(event.new) if status.running else None, "share")
    await explorer.start()
    known = [share for share in shares if share is not None]
    assert len(known) > 3
    assert known == sorted(known)
    assert not status.running


async def test_without_live_a_change_greys_the_result_and_runs_nothing():
    explorer = Explorer(smooth, "nile")
    await explorer.start()
    before = explorer.result
    explorer.form.controls["share"]._slider.value = 0.9
    await asyncio.sleep(0.05)
    assert explorer.result is before
    assert explorer._outcome.stale
    assert explorer._outcome.view._frame.styles["opacity"] != "1"


async def test_a_cached_run_wears_a_badge():
    explorer = Explorer(smooth, "nile")
    await explorer.start()
    assert "cached" not in explorer._outcome._badges.object
    await explorer.start()
    assert [">cpu<" in explorer._outcome._badges.object, ">cached<" in explorer._outcome._badges.object] == [True, True]
    assert explorer._status.text == "Done from the cache."


def test_downloads_hold_the_result():
    explorer = Explorer("timeseries.trend")
    result = explorer.run().result
    frame = result.to_frame()
    read = pd.read_csv(io.BytesIO(explorer._outcome.file("csv")))
    assert list(read.columns) == list(frame.columns)
    assert np.allclose(read["trend"], frame["trend"])
    pd.testing.assert_frame_equal(
        pd.read_parquet(io.BytesIO(explorer._outcome.file("parquet"))), frame, check_dtype=False
    )
    array = np.load(io.BytesIO(explorer._outcome.file("npy")), allow_pickle=False)
    assert np.array_equal(array, getattr(result, result.main_field()))


def test_the_html_page_asks_no_other_host_and_holds_everything():
    explorer = Explorer("timeseries.trend")
    explorer.run()
    page = explorer._outcome.file("html").decode()
    loads = []

    class Links(HTMLParser):
        def handle_starttag(self, tag, attributes):
            loads.extend(v for k, v in attributes if k in ("src", "href") and v)

    Links().feed(page)
    assert loads == []
    assert "1 change at 1899-01-01" in page
    assert "sha256" in page
    assert "trend(sample(" in page


def test_downloading_before_a_run_says_so():
    with pytest.raises(RuntimeError, match="no result yet"):
        Explorer(smooth, "nile")._outcome.file("csv")


def test_a_result_without_an_array_has_no_npy():
    def count(y: AnySeries) -> float:
        """Count.

        Parameters
        ----------
        y
            A series.
        """
        return float(Series.of(y).length)

    explorer = Explorer(count, "nile")
    explorer.run()
    assert b"100.0" in explorer._outcome.file("csv")
    with pytest.raises(InvalidInput, match="holds no array"):
        explorer._outcome.file("npy")


def test_the_footer_says_where_the_numbers_come_from():
    explorer = Explorer("timeseries.trend")
    run = explorer.run()
    footer = explorer._outcome._facts.object
    assert "timeseries.trend" in footer
    assert run.provenance.inputs["y"].digest[:12] in footer


def test_an_explorer_is_an_ipywidget_too():
    import ipywidgets

    box = ipywidgets.VBox([Explorer(smooth, "nile").as_widget()])
    assert isinstance(box.children[0], ipywidgets.DOMWidget)


async def test_a_second_run_leaves_the_picture_where_it_is():
    explorer = Explorer(smooth, "nile")
    await explorer.start()
    placed, figure = explorer._outcome._slot.objects, explorer._outcome.view.figure
    explorer.form.controls["share"]._slider.value = 0.9
    await explorer.start()
    assert explorer._outcome._slot.objects is placed
    assert explorer._outcome.view.figure is figure


async def test_data_that_is_not_there_yet_is_asked_for():
    explorer = Explorer(smooth, "nile")
    explorer.pickers["y"]._way.value = ("file", "")
    assert await explorer.start() is None
    assert explorer.job.state == "idle"
    assert "y is not there yet" in explorer._status.text
