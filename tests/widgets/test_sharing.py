"""Share links: what leaves arrives, data never leaves, and what no longer fits is said, not dropped."""

import json
from urllib.parse import parse_qs

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import InvalidInput, data, find, sample
from prism_widgets import Explorer, ForecastExplorer
from prism_widgets.sharing import KEY, read

FORECAST = find("timeseries.forecast")


def carried(explorer):
    (text,) = parse_qs(explorer.link())[KEY]
    return text


def link(**changes):
    held = {"operation": "timeseries.forecast", "version": "0.0.1", "data": {"y": "co2"}, "settings": {"h": 9}}
    return json.dumps({**held, **changes})


def test_what_an_explorer_asks_for_arrives_at_another():
    one, other = ForecastExplorer("sunspots", model="ets", h=18), ForecastExplorer("elnino")
    one.form.set(level=(0.5, 0.9), season_length=11)
    other.follow(carried(one))
    assert other.form.values() == one.form.values()
    assert other.pickers["y"].value.value == "sunspots"
    assert carried(other) == carried(one)


def test_a_setting_put_back_to_its_default_arrives_too():
    one, other = ForecastExplorer("elnino"), ForecastExplorer("elnino")
    one.form.set(model="auto_arima")
    other.follow(carried(one))
    assert other.form.values()["model"] == "auto_arima"


@given(h=st.integers(1, 10_000), level=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=3, unique=True))
def test_every_value_of_a_setting_survives_the_address(h, level):
    level = tuple(sorted(level))
    wish = read(link(settings={"h": h, "level": level}), FORECAST)
    assert wish.complaints == ()
    assert dict(wish.settings) == {"h": h, "level": level}


def test_numbers_never_travel():
    explorer = Explorer("timeseries.forecast", np.arange(60.0), h=3)
    with pytest.raises(InvalidInput, match="y has no name, and a link carries names, never data; keep it as a dataset"):
        explorer.link()


def test_the_path_of_a_file_never_travels(tmp_path):
    place = tmp_path / "secret.csv"
    place.write_text("y\n" + "\n".join(map(str, range(40))))
    with pytest.raises(InvalidInput, match="y has no name, and a link carries names, never data"):
        Explorer("timeseries.forecast", str(place), h=3, model="ets").link()


def test_a_setting_out_of_bounds_is_refused_and_the_rest_taken_over():
    explorer = ForecastExplorer("elnino")
    explorer.follow(link(settings={"h": 0, "model": "ets"}))
    assert explorer.form.values()["h"] == 24
    assert explorer.form.values()["model"] == "ets"
    assert explorer.pickers["y"].value.value == "co2"
    assert explorer._notice.visible
    assert "h must be a whole number from 1 to 10000, and 0 was given" in explorer._notice.object
    assert "made with version 0.0.1" in explorer._notice.object


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This link cannot be read: it was cut or changed"),
        ("[1]", "This link cannot be read: it was cut or changed"),
        (link(data=[]), "This link cannot be read: it was cut or changed"),
        ("x" * 30_000, "This link cannot be read: it was cut or changed"),
        (link(data={"y": "elnimo"}), "y is to be 'elnimo', which is no sample or dataset here; did you mean 'elnino'"),
        (link(data={"y": "/etc/passwd"}), "y is to be '/etc/passwd', which is no sample or dataset here"),
        (link(data={"y": [1, 2, 3]}), r"y is to be \[1, 2, 3\], which is no sample or dataset here"),
        (link(data={"x": "co2"}), "timeseries.forecast takes no data called x"),
        (link(settings={"modle": "ets"}), "has no setting 'modle'; did you mean 'model'"),
        (link(settings={"h": "12"}), "h must be a whole number from 1 to 10000, and '12' was given"),
    ],
)
def test_what_a_link_asks_in_vain_is_said(text, sentence):
    import re

    wish = read(text, FORECAST)
    assert any(re.search(sentence, complaint) for complaint in wish.complaints), wish.complaints


def test_a_link_about_another_operation_changes_nothing():
    explorer = Explorer("timeseries.decompose", "co2")
    before = explorer.form.values()
    explorer.follow(link())
    assert explorer.form.values() == before
    assert not explorer._notice.visible


def test_a_link_to_a_dataset_that_is_not_shared_is_refused_and_names_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("PRISM_DATA", str(tmp_path))
    data.save(sample("nile"), "payroll")
    data.save(sample("nile"), "river", share=True)
    monkeypatch.setenv("PRISM_READERS", "1")
    explorer = ForecastExplorer("elnino")
    offered = [name for _, name in explorer.pickers["y"]._way.options.values()]
    assert "river" in offered
    assert "payroll" not in offered
    explorer.follow(link(data={"y": "payroll"}))
    said = "which is no sample, and no dataset that is shared with readers; "
    assert said in explorer._notice.object
    assert explorer.pickers["y"].value.value == "elnino"
    explorer.follow(link(data={"y": "payrol"}))
    assert "did you mean" not in explorer._notice.object
    explorer.follow(link(data={"y": "river"}))
    assert explorer.pickers["y"].value.value == "river"
