"""``prism run`` and ``prism operations``: what is printed and written equals what the kernels return."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import prism_kernels
from prism_cli.values import value_of
from prism_kernels.timeseries import decompose, metrics


def test_json_holds_the_result_and_where_it_came_from(prism, tmp_path):
    out = tmp_path / "r.json"
    data = ("--data", "y_true=nile", "--data", "y_pred=sunspots.csv", "--data", "y_train=nile")
    prism_kernels.sample("nile").rename_axis("date").add(1.5).to_csv("sunspots.csv")
    done = prism("run", "timeseries.metrics", *data, "--set", "season_length=2", "--out", out)
    assert (done.code, done.out) == (0, "")
    held = json.loads(out.read_text())
    nile = prism_kernels.sample("nile")
    expected = metrics(nile, nile + 1.5, y_train=nile, season_length=2)
    assert held["result"]["mae"] == [pytest.approx(1.5)]
    assert held["result"] == json.loads(expected.to_json())
    assert held["provenance"]["settings"] == {"season_length": 2, "level": None}
    assert set(held["provenance"]["inputs"]) == {"y_true", "y_pred", "y_train"}
    assert held["timings"]["timeseries.metrics"] > 0


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npy"])
def test_every_format_holds_the_numbers_of_the_result(prism, tmp_path, suffix):
    out = tmp_path / f"r.{suffix}"
    done = prism("run", "timeseries.decompose", "--data", "elnino", "--set", "period=12", "--out", out)
    assert done.code == 0, done.err
    expected = decompose(prism_kernels.sample("elnino"), period=12)
    if suffix == "npy":
        held = np.load(out)
        np.testing.assert_array_equal(held, np.asarray(getattr(expected, expected.main_field())))
        return
    held = pd.read_csv(out) if suffix == "csv" else pd.read_parquet(out)
    frame = expected.to_frame()
    assert list(held.columns) == list(frame.columns)
    np.testing.assert_allclose(held["trend"], frame["trend"], rtol=1e-12)


def test_without_out_a_table_is_printed_and_nothing_written(prism, tmp_path):
    done = prism("run", "timeseries.metrics", "--data", "y_true=nile", "--data", "y_pred=nile")
    assert done.code == 0
    assert done.out.split()[:3] == ["series", "mae", "rmse"]
    assert "timeseries.metrics 0." in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("timeseries.metric",), "no operation is called 'timeseries.metric'; did you mean 'timeseries.metrics'?"),
        (
            ("timeseries.metrics", "--set", "season_length=0"),
            "season_length must be a whole number at least 1, and 0 was",
        ),
        (("timeseries.metrics", "--set", "seson=3"), "has no setting 'seson'; did you mean 'season_length'?"),
        (("timeseries.metrics", "--set", "season_length"), "--set takes name=value, and 'season_length' was given"),
        (
            ("timeseries.metrics", "--set", "level=NaN"),
            "level must be a number above 0 and below 1 or nothing (null), and nan",
        ),
        (("timeseries.metrics", "--set", "level=" + "[" * 5000), "level must be a number above 0 and below 1"),
        (("timeseries.metrics", "--data", "y_true="), "y_true names no sample, dataset or file: ''; known are 'co2'"),
        (("timeseries.metrics", "--set", "level=0.8", "--set", "level=0.9"), "--set names level twice; give it once"),
        (("timeseries.metrics", "--set", "y_train=nile"), "give it as --data y_train=SAMPLE|DATASET|FILE"),
        (("timeseries.metrics", "--data", "y_tru=nile"), "takes no data called 'y_tru'; did you mean 'y_true'?"),
        (
            ("timeseries.metrics", "--data", "y_true=nil"),
            "y_true names no sample, dataset or file: 'nil'; did you mean 'nile'?",
        ),
        (("timeseries.metrics", "--data", "y_true=nile"), "timeseries.metrics needs y_pred"),
        (("timeseries.metrics", "--out", "r.jsn"), "names no format; did you mean '.json'?"),
        (("timeseries.metrics", "--out", "nowhere/r.json"), "there is no folder"),
        (("timeseries.metrics", "--out", "/proc/r.json"), "the folder /proc cannot be written to; choose another"),
    ],
)
def test_what_is_refused_is_told_in_one_sentence_with_exit_code_2(prism, tmp_path, arguments, sentence):
    done = prism("run", *arguments)
    assert done.code == 2
    assert sentence in done.err
    assert done.err.strip().splitlines()[-1].startswith("prism: ")
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback_wherever_it_stands(prism):
    done = prism("run", "timeseries.metric", "--debug")
    assert done.code == 2
    assert "Traceback" in done.err


def test_help_of_an_operation_names_all_data_and_settings_with_their_rules(prism):
    row = prism_kernels.find("timeseries.forecast")
    done = prism("run", "timeseries.forecast", "--help")
    assert done.code == 0
    for name, rule in row.rules.items():
        assert f"\n  {name}  (" in done.out
        assert rule.words().split(" or ")[0][:60] in " ".join(done.out.split())
    for name in (*row.data, *row.result.dimensions()):
        assert f"\n  {name}" in done.out


def test_the_example_in_the_help_can_be_run(prism):
    from prism_cli.operation_help import example_command

    words = example_command(prism_kernels.find("timeseries.decompose")).split()
    assert words[:3] == ["prism", "run", "timeseries.decompose"]
    assert prism(*words[1:]).code == 0


def test_operations_lists_the_registry(prism):
    known = prism_kernels.operations()
    assert {line.split()[0] for line in prism("operations").out.splitlines()} == set(known)
    described = json.loads(prism("operations", "--json").out)
    assert [one["name"] for one in described] == list(known)
    assert described == json.loads(json.dumps([row.describe() for row in known.values()]))


def test_values_are_json_or_the_text_they_are():
    texts = ("12", "0.5", "[0.8, 0.95]", "null", "true", "ets", '"12"', "-Infinity", "a=b", "")
    values = (12, 0.5, [0.8, 0.95], None, True, "ets", "12", -np.inf, "a=b", "")
    assert tuple(map(value_of, texts)) == values


def test_a_name_that_is_no_command_is_told_the_nearest(prism):
    done = prism("operatons")
    assert done.code == 2
    assert "Did you mean 'operations'" in done.err


def test_help_is_quick_since_it_loads_no_kernels():
    code = (
        "import sys; import prism_cli\ntry: prism_cli.main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'numba', 'scipy', 'prism_kernels', 'nbformat'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


_SLOW = ("timeseries.cross_validate", "--data", "y=elnino", "--set", "h=12", "--set", "n_windows=50")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_work_and_nothing_is_written(tmp_path, number, code):
    command = [sys.executable, "-m", "prism_cli", "run", *_SLOW, "--set", "model=auto_arima", "--out", "r.json"]
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True)
    try:
        os.set_blocking(child.stderr.fileno(), False)
        said, end = b"", time.monotonic() + 60
        while b"windows" not in said and time.monotonic() < end:
            said += child.stderr.read() or b""
            time.sleep(0.05)
        assert b"windows" in said, said
        child.send_signal(number)
        assert child.wait(20) == code
        said += child.stderr.read() or b""
    finally:
        child.kill()
        child.wait()
        child.stderr.close()
    assert b"nothing was written" in said
    assert b"Traceback" not in said
    assert list(tmp_path.iterdir()) == []
