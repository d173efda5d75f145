"""Templates of reports are read, and parameters checked, without any kernel."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from prism_kernels.errors import InvalidInput
from prism_lab.reports.request import check
from prism_lab.reports.template import find_template, templates


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a template into the working folder of an analyst."""
    monkeypatch.chdir(tmp_path)

    def write(source, *, name="mine", tags=("parameters",), **metadata):
        folder = tmp_path / "notebooks" / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        cells = [new_markdown_cell("# My page"), new_code_cell(source, metadata={"tags": list(tags)})]
        nbformat.write(new_notebook(cells=cells, metadata=metadata), folder / f"{name}.ipynb")
        return find_template(name)

    return write


_CELL = """from typing import Literal
h: int = 12  # periods ahead
kind: Literal["a", "b"] = "a"  # which
x: float | None = None
"""


def test_types_defaults_and_help_come_from_the_parameters_cell(written):
    template = written(_CELL)
    assert template.title == "My page"
    assert template.describe() == {
        "h": {"default": 12, "rule": "a whole number", "help": "periods ahead"},
        "kind": {"default": "a", "rule": "one of 'a', 'b'", "help": "which"},
        "x": {"default": None, "rule": "a number or nothing (null)", "help": ""},
    }
    assert "mine" in templates()


def test_defaults_fill_what_is_not_given_and_only_what_is_given_is_injected(written):
    request = check(written(_CELL), {"h": 3})
    assert request.parameters == {"h": 3, "kind": "a", "x": None}
    assert request.injected == {"h": 3}
    assert request.inputs == {}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"hh": 3}, "report mine has no parameter 'hh'; did you mean 'h'?"),
        ({"h": 3.5}, "h must be a whole number, and 3.5 was given"),
        ({"h": "3"}, "h must be a whole number, and '3' was given"),
        ({"h": True}, "h must be a whole number, and True was given"),
        ({"kind": "c"}, "kind must be one of 'a', 'b', and 'c' was given"),
    ],
)
def test_parameters_of_the_wrong_type_are_refused(written, given, sentence):
    with pytest.raises(InvalidInput) as refused:
        check(written(_CELL), given)
    assert str(refused.value) == sentence
    assert refused.value.field == next(iter(given))


def test_rules_of_the_named_operation_hold_for_parameters_of_the_same_name(written):
    metadata = {"prism": {"operation": "timeseries.forecast"}}
    template = written('y: str = "nile"\nh: int = 12\nmodel: str = "ets"', **metadata)
    assert check(template, {"y": "sunspots"}).inputs["y"].source == "sample('sunspots')"
    with pytest.raises(InvalidInput, match="h must be a whole number from 1 to 10000, and 0 was given"):
        check(template, {"h": 0})
    with pytest.raises(InvalidInput, match="did you mean 'theta'"):
        check(template, {"model": "teta"})
    with pytest.raises(InvalidInput, match="y names no sample, dataset or file: 'sunspot'; did you mean 'sunspots'"):
        check(template, {"y": "sunspot"})


def test_a_parameter_may_say_itself_that_it_names_data(written):
    template = written('y: AnySeries = "nile"  # flow')
    assert list(template.data) == ["y"]
    assert check(template, {}).inputs_to_dict()["y"]["shape"] == [1, 100]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("h = 12", "parameter h of report mine has no type; write it as h: int = …"),
        ("h: itn = 12", "parameter h of report mine has the type itn, which cannot be read"),
        ("h: int = len('abc')", "write it as a plain value"),
        ("h: int = (", "the parameters cell of report mine cannot be read"),
    ],
)
def test_a_parameters_cell_that_cannot_be_read_is_refused(written, source, sentence):
    with pytest.raises(InvalidInput) as refused:
        written(source)
    assert sentence in str(refused.value)


def test_reading_a_template_runs_nothing_of_it(written, tmp_path):
    with pytest.raises(InvalidInput, match="which cannot be read"):
        written("h: __import__('pathlib').Path('ran').touch() = 12")
    assert not (tmp_path / "ran").exists()


def test_a_notebook_without_parameters_is_refused(written):
    with pytest.raises(InvalidInput, match=r"mine.ipynb has no cell tagged 'parameters'"):
        written("h: int = 1", tags=())


def test_an_operation_needs_its_data_and_has_no_default_for_it():
    with pytest.raises(InvalidInput, match="timeseries.decompose needs y: Series .* samples are co2"):
        check(find_template("timeseries.decompose"), {"period": 12})
    request = check(find_template("timeseries.decompose"), {"y": "elnino", "period": 12})
    assert request.injected == {
        "operation": "timeseries.decompose",
        "data": {"y": "elnino"},
        "settings": {"period": 12},
    }
    assert request.parameters["method"] == "stl"


def test_an_unknown_report_is_told_the_nearest():
    with pytest.raises(InvalidInput, match=r"no report or operation is called 'forecas'; did you mean 'forecast'\?"):
        find_template("forecas")
    with pytest.raises(InvalidInput, match="there is no notebook nowhere.ipynb"):
        find_template("nowhere.ipynb")
