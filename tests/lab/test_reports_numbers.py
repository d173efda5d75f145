"""Key numbers: where each stands in a result, what is refused, and that shipped templates say so of all of theirs."""

import json

import nbformat
import numpy as np
import pytest

import prism_kernels
from prism_kernels.errors import InvalidInput
from prism_kernels.timeseries import cross_validate, trend
from prism_lab.reports import at, count, recording
from prism_lab.reports.checking import check_report
from prism_lab.reports.numbers import Of, derived, key_numbers, merged
from prism_lab.reports.recording import MIMETYPE
from prism_lab.reports.runner import run_report
from prism_lab.reports.seal import CONTENT, content_digest
from prism_lab.store import Store

pytestmark = [
    # pyzmq opens its sockets without a loop of its own on Python 3.11 and says so at exit
    pytest.mark.filterwarnings("ignore:.*Proactor event loop.*:RuntimeWarning"),
]


@pytest.fixture(scope="module")
def checked():
    flow = prism_kernels.sample("nile")
    return cross_validate({"a": flow.to_numpy(), "b": 2 * flow.to_numpy() + 7}, h=3, n_windows=2, model="theta")


def test_a_number_is_read_from_its_place_by_label_or_position(checked):
    names = list(checked.axes["score"])
    row = names.index("rmse")
    assert at("scores", "rmse", 1).value(checked, "rmse[b]") == checked.scores[row, 1]
    assert at("scores", "rmse", "b").value(checked, "rmse[b]") == checked.scores[row, 1]
    assert checked.dimensions()["mean"] == ("window", "series", "horizon")
    assert at("mean", -1, 0, -1).value(checked, "end[a]") == checked.mean[-1, 0, -1]
    assert str(at("scores", "rmse", -1)) == "scores[rmse, -1]"
    found = trend(prism_kernels.sample("nile"))
    assert at("cost", 0).value(found, "cost[volume]") == found.cost[0]
    assert count("trend").value(found, "trend") == 100
    assert str(count("trend")) == "count of trend"


def test_single_numbers_have_no_place():
    sheet = prism_kernels.run("information.entropy", prism_kernels.sample("nile")).result
    assert at("value").value(sheet, "entropy") == float(sheet.value)


@pytest.mark.parametrize(
    "of",
    [
        at("nothing", 0),
        at("scores"),
        at("scores", "rmse"),
        at("scores", "rmse", 2),
        at("scores", "rmse", -3),
        at("scores", "hit rate", 0),
        at("scores", "rmse", 0, 0),
        at("status", 0),
        Of(field="scores", place=("rmse", 0), take="count"),
    ],
)
def test_a_place_that_is_none_is_refused_and_gives_no_number(checked, of):
    with pytest.raises(InvalidInput, match=r"is no number of CrossValidation, which has .*; name a field and a place"):
        of.value(checked, "x")
    assert derived(checked, {"x": of}) == {}


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("rmse[a]", at("scores", "bias", "a")),
        ("rmse[a]", at("scores", "rmse", "b")),
        ("scores", at("mean", 0, 0, 0)),
        ("end[b]", at("mean", -1, 0, -1)),
    ],
)
def test_a_number_is_not_called_by_what_the_result_has_elsewhere(checked, name, of):
    with pytest.raises(InvalidInput) as refused:
        of.value(checked, name)
    assert str(refused.value).startswith(f"{name} is not {of}, where CrossValidation has ")
    assert derived(checked, {name: of}) == {}


def test_numbers_by_their_own_names_are_computed_again_and_others_are_not(checked):
    own = key_numbers(checked)
    assert own
    assert derived(checked, {**dict.fromkeys(own), "mine": None}) == own


def test_numbers_of_two_runs_with_one_name_are_told_apart():
    assert merged([("a.b", {"x": 1.0}), ("c.d", {"x": None, "y": 2.0})]) == {"x": 1.0, "c.d: x": None, "y": 2.0}


def shown_by(monkeypatch, *given):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    recording.record(*given)
    return shown[0]


def sealed(path, *outputs):
    cells = [nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data)]) for data in outputs]
    notebook = nbformat.v4.new_notebook(cells=cells)
    told = merged([(d[MIMETYPE]["provenance"]["operation"], d[MIMETYPE]["key_numbers"]) for d in outputs])
    notebook.metadata["prism"] = {"key_numbers": told}
    notebook.metadata["prism"][CONTENT] = content_digest(notebook)
    nbformat.write(notebook, path)
    return path


def test_an_analyst_s_own_number_is_told_as_one_that_nobody_can_check(monkeypatch, tmp_path):
    made = prism_kernels.run("timeseries.trend", prism_kernels.sample("nile"))
    data = shown_by(
        monkeypatch, made, {"first mean": at("trend", 0, 0), "my own": 3.0, "cost[volume]": made.result.cost[0]}
    )
    found = check_report(sealed(tmp_path / "x.ipynb", data))
    rows = {row.name: row.verdict for row in found.rows if row.kind == "key number"}
    assert rows == {"cost[volume]": "agrees", "first mean = trend[0, 0]": "agrees", "my own": "not checked"}
    assert (found.verdict, found.reason) == (
        "not checked",
        "run 1 of x.ipynb shows my own, which does not follow from its result; name its place with at(…)",
    )


def test_a_number_that_is_not_finite_is_kept_as_none_and_checked(monkeypatch, tmp_path):
    truth = np.arange(30.0)  # whose first value is zero, so that no error is a share of it
    data = shown_by(monkeypatch, prism_kernels.run("timeseries.metrics", truth, truth + 1))
    handed = data[MIMETYPE]["key_numbers"]
    gone = [name for name, value in handed.items() if value is None]
    assert gone
    assert check_report(sealed(tmp_path / "x.ipynb", data)).verdict == "agrees"
    handed[gone[0]] = 0.5
    found = check_report(sealed(tmp_path / "x.ipynb", data))
    wrong = [row for row in found.to_dict()["rows"] if row["verdict"] == "differs"]
    assert [(row["name"], row["difference"]) for row in wrong] == [(gone[0], None)]


def test_a_place_that_the_result_has_not_is_refused_when_it_is_recorded():
    made = prism_kernels.run("timeseries.trend", prism_kernels.sample("nile"))
    with pytest.raises(InvalidInput, match=r"cost\[7\] is no number of Trend, which has cost of shape \[1\]"):
        recording.record(made, {"x": at("cost", 7)})


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("timeseries.decompose", {"y": "nile", "period": 5}),
        ("forecast", {"y": "macrodata", "h": 2, "season_length": 4, "n_windows": 2, "level": [0.5]}),
        ("rebalance", {}),
        ("tear_sheet", {"returns": "factor_etfs", "weights": None, "benchmark": None}),
    ],
)
def test_every_number_of_a_shipped_template_follows_from_its_run_and_no_other_passes(tmp_path, name, given):
    made = run_report(name, given, out=tmp_path / "out", store=Store(tmp_path / "s.sqlite"))
    assert made.entry.status == "completed", made.entry.error
    found = check_report(made.files["notebook"])
    assert (found.verdict, [row.said for row in found.rows if row.said]) == ("agrees", [])
    numbers = [row for row in found.rows if row.kind == "key number"]
    assert len(numbers) == len(made.entry.key_numbers) > 0
    notebook = json.loads(made.files["notebook"].read_text())
    outputs = [o["data"] for c in notebook["cells"] for o in c.get("outputs", ()) if MIMETYPE in o.get("data", {})]
    for data in outputs:
        for number, value in data[MIMETYPE]["key_numbers"].items():
            changed = json.loads(json.dumps(outputs))
            held = changed[outputs.index(data)][MIMETYPE]["key_numbers"]
            held[number] = 1.0 if value is None else value * (1 + 1e-9) + 1e-300
            held["zzz"] = 0.0
            wrong = [
                row for row in check_report(sealed(tmp_path / "x.ipynb", *changed)).rows if row.verdict == "differs"
            ]
            assert [row.name.partition(" = ")[0] for row in wrong] == [number]
