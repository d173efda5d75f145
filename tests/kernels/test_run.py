"""run: the same answer as the call, with enough beside it to repeat it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from prism_kernels import InvalidInput, Listener, Series, find, run, sample
from prism_kernels.progress import listen
from prism_kernels.timeseries import metrics


@pytest.fixture
def done():
    return run("timeseries.metrics", sample("nile"), sample("nile") + 1.0, season_length=2)


def test_the_result_is_that_of_the_call(done):
    direct = metrics(sample("nile"), sample("nile") + 1.0, season_length=2)
    np.testing.assert_array_equal(done.result.mae, direct.mae)


def test_the_provenance_holds_every_setting_and_where_it_ran(done):
    told = done.provenance.to_dict()
    assert told["operation"] == "timeseries.metrics"
    assert told["settings"]["season_length"] == 2
    assert set(told["settings"]) == set(find("timeseries.metrics").rules)
    assert told["inputs"]["y_true"]["sha256"] == Series.of(sample("nile")).digest
    assert told["inputs"]["y_true"]["source"] == "sample('nile')"
    assert told["device"] == "cpu"
    assert told["threads"] >= 1
    assert told["libraries"]["numpy"] == np.__version__
    assert told["version"].count(".") == 2
    assert told["elapsed_s"] > 0
    json.dumps(told)


def test_timings_name_the_operation(done):
    assert done.timings["timeseries.metrics"] == pytest.approx(done.provenance.elapsed_s)


def test_the_python_of_a_run_imports_the_groups_that_its_settings_name():
    groups, bounds = [{"name": "size", "assets": ["SIZE"]}], [{"name": "size", "least": 0.3, "most": 0.4}]
    given = {"objective": "min_variance", "groups": groups, "group_bounds": bounds}
    done = run("finance.optimize", sample("factor_etfs"), **given)
    assert done.as_python().startswith("from prism_kernels.finance import GroupBounds, Groups, optimize\n")
    space = {}
    exec(done.as_python(), space)
    np.testing.assert_array_equal(space["result"].weights, done.result.weights)


def test_a_run_leaves_as_python_that_gives_the_same(tmp_path):
    done = run("timeseries.metrics", sample("nile"), sample("nile"), season_length=3)
    space = {}
    exec(done.as_python(), space)
    np.testing.assert_array_equal(space["result"].mae, done.result.mae)


def test_a_run_leaves_as_commands_and_a_request():
    done = run("timeseries.metrics", sample("nile"), Series.of([1.0] * 100), season_length=3)
    tail = "timeseries.metrics --data y_true=nile --data y_pred=Y_PRED.csv --set season_length=3"
    assert done.as_report() == f"prism report run {tail}"
    assert done.as_command() == f"prism run {tail}"
    assert '/api/v1/timeseries/metrics"' in done.as_curl()
    assert '"season_length": 3' in done.as_curl()


def test_a_file_is_named_by_its_path(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("y\n1\n2\n3\n")
    done = run("timeseries.metrics", path, path)
    assert f"--data y_true={path}" in done.as_report()
    assert "from pathlib import Path" in done.as_python()


def test_missing_data_and_unknown_names_are_refused_before_anything_runs():
    with pytest.raises(InvalidInput, match="timeseries.metrics needs y_pred: "):
        run("timeseries.metrics", sample("nile"))
    with pytest.raises(InvalidInput, match="no operation is called 'timeseries.metrix'"):
        run("timeseries.metrix")
    with pytest.raises(InvalidInput, match="takes .* data arguments"):
        run("timeseries.metrics", *[sample("nile")] * 9)
    with pytest.raises(InvalidInput, match="has no setting 'seasn_length'; did you mean 'season_length'"):
        run("timeseries.metrics", sample("nile"), sample("nile"), seasn_length=2)


def test_a_cancelled_listener_stops_a_run_before_it_starts():
    ear = Listener()
    ear.cancel()
    with listen(ear), pytest.raises(Exception, match="cancelled"):
        run("timeseries.metrics", sample("nile"), sample("nile"))


def test_a_function_of_a_script_runs_as_any_other(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        "from prism_kernels import AnySeries, Result, Series, operation, run\n"
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True, kw_only=True, eq=False, repr=False)\n"
        "class Mean(Result):\n    value: float\n"
        "@operation('mine.mean')\n"
        "def mean(y: AnySeries) -> Mean:\n    'Average.'\n    return Mean(value=float(Series.of(y).values.mean()))\n"
        "done = run(mean, [1.0, 2.0, 3.0])\nprint(done.result.value, done.provenance.operation)\n"
        "print(done.as_python())\n"
    )
    shown = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, cwd=Path(tmp_path))
    assert shown.stdout.splitlines()[0] == "2.0 mine.mean"
    assert "result = mean(y)" in shown.stdout
