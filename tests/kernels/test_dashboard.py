"""A run as a notebook for readers."""

import ast
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from prism_kernels import InvalidInput, data, find, run, sample


@pytest.fixture(autouse=True)
def catalogue(tmp_path, monkeypatch):
    monkeypatch.setenv("PRISM_DATA", str(tmp_path / "data"))


def call_of(text):
    """Return name, arguments by name, and text of the call that makes the component."""
    notebook = json.loads(text)
    source = "".join(notebook["cells"][-1]["source"])
    made = ast.parse(source).body[0].value.func.value
    return ast.literal_eval(made.args[0]), {k.arg: ast.literal_eval(k.value) for k in made.keywords}, source


def test_the_notebook_begins_with_the_runs_data_and_settings():
    found = run("timeseries.forecast", sample("nile"), h=np.int64(7), level=(0.5, 0.9), interval="analytic")
    name, given, source = call_of(found.as_dashboard())
    assert name == "timeseries.forecast"
    assert given == {"y": "nile", "h": 7, "level": [0.5, 0.9], "interval": "analytic"}
    assert source.endswith(".servable()")
    notebook = json.loads(found.as_dashboard())
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    assert kinds == ["markdown", "code", "code"]
    assert "".join(notebook["cells"][0]["source"]).splitlines()[0] == "# Forecast: nile"
    assert found.row.summary in "".join(notebook["cells"][0]["source"])
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    assert all(len(line) <= 120 for line in source.splitlines())


def test_it_repeats_the_run():
    found = run("timeseries.trend", sample("nile"), method="changepoint", min_size=5)
    name, given, _ = call_of(found.as_dashboard())
    again = run(name, sample(given.pop("y")), **given)
    assert again.provenance.settings == found.provenance.settings
    assert again.provenance.inputs["y"].digest == found.provenance.inputs["y"].digest


def test_a_dataset_is_named():
    data.save(sample("nile"), "flow")
    found = run("timeseries.forecast", data.load("flow"), h=3)
    assert call_of(found.as_dashboard())[1] == {"y": "flow", "h": 3}


def test_a_notebook_is_what_its_format_says():
    import nbformat

    text = run("timeseries.trend", sample("nile")).as_dashboard()
    nbformat.validate(nbformat.reads(text, as_version=4))


def refused(found, sentence):
    with pytest.raises(InvalidInput) as error:
        found.as_dashboard()
    assert str(error.value) == sentence
    return error.value


def test_what_a_page_could_not_find_by_name_is_refused(tmp_path):
    keep = "keep it with prism_kernels.data.save(frame, 'name') and run it on prism_kernels.data.load('name')"
    found = run("timeseries.trend", np.arange(20.0) ** 1.5)
    said = refused(found, f"y is an object of this session, which a dashboard cannot find by name; {keep}")
    assert said.field == "y"
    path = tmp_path / "nile.csv"
    sample("nile").to_csv(path)
    found = run("timeseries.trend", Path(path))
    refused(found, f"y comes from Path({str(path)!r}), which a dashboard cannot find by name; {keep}")


def test_a_function_of_the_session_is_refused():
    found = run("timeseries.trend", sample("nile"))
    own = dataclasses.replace(find("timeseries.trend"))
    said = refused(
        dataclasses.replace(found, row=own),
        "timeseries.trend is known in this session only, so that a dashboard could not find it by name; "
        "put it into a package that registers it, or write the notebook with the function in a cell",
    )
    assert said.field == "operation"
