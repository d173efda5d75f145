"""What is turned on a page that is being published, and what is said when that goes wrong."""

import dataclasses
import logging
from typing import Annotated

import panel as pn
import panel_material_ui as pmui
import pytest
from annotated_types import Ge, Le
from panel.widgets.base import WidgetBase

from prism_kernels import InvalidInput, Result, Series
from prism_widgets import Explorer, rehearsal

W = pn.widgets


@pytest.fixture
def rehearse(monkeypatch):
    """Rehearse a page of some components and explorers."""

    async def run(*components, explorers=()):
        monkeypatch.setattr(rehearsal, "_shown", list(components))
        monkeypatch.setattr(rehearsal, "made", lambda: list(explorers))
        return await rehearsal.rehearse()

    return run


@pytest.mark.parametrize(
    ("widget", "turned"),
    [
        (W.IntSlider(label="A", value=2, start=0, end=3), 3),
        (W.IntSlider(label="A", value=3, start=0, end=3, step=2), 1),
        (W.FloatSlider(label="A", value=0.5, end=1, step=0.25), 0.75),
        (W.IntInput(label="A", value=7), 8),
        (W.Select(label="A", options=["x", "y"]), "y"),
        (W.Select(label="A", options={"one": 1, "two": 2}, value=2), 1),
        (W.Checkbox(label="A"), True),
        (W.TextInput(label="A", value="3"), "4"),
        (W.TextInput(label="A", value="0.5"), "1.5"),
        (pmui.FloatSlider(label="A", value=1, end=1, step=0.5), 0.5),
        (pmui.Switch(label="A", value=True), False),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, WidgetBase) else str(given),
)
async def test_a_widget_gets_a_value_beside_its_own(rehearse, widget, turned):
    report = await rehearse(pn.Column("words", widget))
    assert widget.value == turned
    assert report == {"components": 1, "changes": ["A"], "problem": ""}


@pytest.mark.parametrize(
    "widget",
    [
        W.Button(label="A"),
        W.Select(label="A", options=["x"]),
        W.Checkbox(label="A", disabled=True),
        W.Checkbox(label="A", visible=False),
        W.TextInput(label="A", value="words"),
        W.FileInput(label="A"),
        W.MultiSelect(label="A", options=["x", "y"]),
        W.IntSlider(label="A", value=0, start=0, end=0, disabled=True),
    ],
    ids=lambda widget: type(widget).__name__,
)
async def test_what_has_no_other_value_is_left_alone(rehearse, widget):
    before = widget.value
    assert (await rehearse(pn.Column(widget)))["changes"] == []
    assert widget.value == before


async def test_what_goes_wrong_in_a_callback_is_told(rehearse):
    def fails(event):
        raise KeyError("month")

    slider = W.IntSlider(label="Month", end=12)
    slider.param.watch(fails, "value")
    assert (await rehearse(slider))["problem"] == "it fails after 'Month' was changed: KeyError: 'month'"


async def test_what_is_only_logged_is_told_too(rehearse):
    slider = W.IntSlider(label="Month", end=12)
    slider.param.watch(lambda _: logging.getLogger("panel.somewhere").error("no data\nat all"), "value")
    assert (await rehearse(slider))["problem"] == "after a change: no data"


async def test_an_explorer_runs_again_with_another_setting(rehearse):
    explorer = Explorer("timeseries.trend", "nile", method="changepoint", min_size=5)
    report = await rehearse(explorer.__panel__(), explorers=[explorer])
    assert report == {"components": 1, "changes": ["min_size of timeseries.trend"], "problem": ""}
    assert explorer.job.outcome.run.provenance.settings["min_size"] == 6


async def test_an_explorer_that_refuses_its_first_settings_is_told(rehearse):
    explorer = Explorer("timeseries.forecast", "nile", h=5)
    explorer.form.controls["h"].value = 0
    said = (await rehearse(explorer.__panel__(), explorers=[explorer]))["problem"]
    assert said.startswith(
        "the explorer of timeseries.forecast shows no result: h must be a whole number from 1 to 10000"
    )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Counted(Result):
    """Counts.

    Attributes
    ----------
    n
        How many.
    """

    n: int


def explorer_of(refuses_n, refuses_flag):
    def count(y: Annotated[object, Series], *, flag: bool = False, n: Annotated[int, Ge(1), Le(9)] = 1) -> Counted:
        """Count."""
        if (refuses_n and n != 1) or (refuses_flag and flag):
            msg = f"n is {n}, and only 1 will do"
            raise InvalidInput(msg, field="n")
        return Counted(n=n)

    return Explorer(count, "nile")


async def test_a_setting_that_refuses_the_next_value_makes_room_for_another(rehearse):
    explorer = explorer_of(refuses_n=True, refuses_flag=False)
    report = await rehearse(explorer.__panel__(), explorers=[explorer])
    assert (report["problem"], report["changes"]) == ("", [f"flag of {explorer.operation.name}"])
    assert explorer.form.controls["n"].value == 1


async def test_numbers_are_turned_first(rehearse):
    explorer = explorer_of(refuses_n=False, refuses_flag=False)
    report = await rehearse(explorer.__panel__(), explorers=[explorer])
    assert report["changes"] == [f"n of {explorer.operation.name}"]


async def test_an_explorer_that_refuses_every_change_is_told(rehearse):
    explorer = explorer_of(refuses_n=True, refuses_flag=True)
    said = (await rehearse(explorer.__panel__(), explorers=[explorer]))["problem"]
    assert said.endswith("refuses every change that was tried (n: n is 2, and only 1 will do)")
