"""Folded parts: nothing is made before it is opened, and then once."""

import panel as pn
import pytest

from prism_kernels import InvalidInput
from prism_widgets import Explorer
from prism_widgets.folds import Folds


@pytest.fixture
def made():
    return []


@pytest.fixture
def folds(made):
    def part(name):
        return lambda: made.append(name) or [pn.pane.HTML(name)]

    return Folds({"One": part("one"), "Two": part("two")}, opened=lambda name: made.append(f"opened {name}"))


def test_nothing_is_made_before_it_is_opened(folds, made):
    assert made == []
    assert not folds.is_open("One")
    assert all(not place.objects for place in folds._places.values())


def test_a_part_is_made_once_and_said_each_time_it_is_opened(folds, made):
    folds.open("Two")
    folds._layout.active = []
    folds.open("Two")
    folds.open("Two")
    assert made == ["two", "opened Two", "opened Two"]
    assert [pane.object for pane in folds._places["Two"].objects] == ["two"]


def test_no_parts_take_no_room():
    assert not Folds({}).visible
    assert Folds({"One": list}).visible


def test_a_refusal_opens_the_fold_that_hides_its_setting():
    explorer = Explorer("timeseries.forecast", "nile", h=8, model="ets")
    assert not explorer.form.folds.is_open("More settings")
    explorer.form.controls["level"].value = (1.5,)
    assert explorer.request() is None
    assert explorer.form.folds.is_open("More settings")


async def test_refused_data_opens_the_fold_that_hides_it():
    explorer = Explorer("timeseries.forecast", "nile", h=8, model="arima")
    assert not explorer._folds.is_open("More data")
    explorer.pickers["exog"].pick("co2")
    assert await explorer.start() is None
    assert isinstance(explorer.job.error, InvalidInput)
    assert explorer.job.error.field == "exog"
    assert explorer._folds.is_open("More data")
