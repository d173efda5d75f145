"""``prism report``: parameters to a report, history to the screen."""

import json

import pytest

import prism_kernels
from prism_lab.store import Entry, Store


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("forecas",), "no report or operation is called 'forecas'; did you mean 'forecast'?"),
        (("forecast", "-p", "hh=3"), "report forecast has no parameter 'hh'; did you mean 'h'?"),
        (("forecast", "-p", "h=0"), "h must be a whole number from 1 to 10000, and 0 was given"),
        (("forecast", "-p", "n_windows=0"), "n_windows must be a whole number from 1 to 10000, and 0 was given"),
        (("forecast", "--set", "model=teta"), "did you mean 'theta'?"),
        (("forecast", "--data", "y=niel"), "y names no sample, dataset or file: 'niel'; did you mean 'nile'?"),
        (("forecast", "--data", "x=nile"), "report forecast takes no data called 'x'"),
        (("forecast", "-p", "y=nile", "--data", "y=nile"), "names y, which -p or --data gave already"),
        (("timeseries.decompose",), "timeseries.decompose needs y: "),
        (
            ("timeseries.decompose", "-p", "periods=3"),
            "timeseries.decompose has no setting 'periods'; did you mean 'period'?",
        ),
    ],
)
def test_bad_parameters_are_refused_before_a_kernel_starts(prism, tmp_path, arguments, sentence):
    done = prism("report", "run", *arguments, "--out", "made")
    assert done.code == 2
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "made").exists()
    assert Store().runs() == []


def test_a_report_is_made_listed_and_shown(prism, tmp_path):
    prism_kernels.sample("nile").rename_axis("date").to_csv("flow.csv")
    data = ("--data", "y_true=flow.csv", "-p", "y_pred=nile")
    done = prism("report", "run", "timeseries.metrics", *data, "--out", "made")
    assert done.code == 0, done.err
    names = [f"timeseries.metrics.{suffix}" for suffix in ("ipynb", "html", "json")]
    assert done.out.split() == [str(tmp_path / "made" / name) for name in names]
    assert sorted(p.name for p in (tmp_path / "made").iterdir()) == sorted(names)
    assert "cells: 100%" in done.err
    listed = "\n".join(" ".join(line.split()) for line in prism("report", "list").out.splitlines())
    assert "forecast Forecast (y, h, season_length, level" in listed
    assert "timeseries.metrics completed" in listed
    shown = json.loads(prism("report", "show", "timeseries.metrics", "--json").out)
    assert shown["key_numbers"]["mae[volume]"] == 0.0
    assert shown["before"] is None


def test_show_puts_numbers_beside_those_of_the_run_before(prism):
    for k in (2.0, 3.0):
        Store().add(
            Entry(
                report="forecast",
                started=f"2024-01-0{k:.0f}",
                duration_s=1.0,
                status="completed",
                parameters={"h": int(6 * k)},
                key_numbers={"mase": k, "gone": None},
            )
        )
    said = prism("report", "show", "forecast").out
    assert "h = 18" in said
    assert "compared with #1 of 2024-01-02 (h was 12 and is 18)" in said
    row = next(line for line in said.splitlines() if "mase" in line)
    assert row.split() == ["mase", "3", "before", "2", "+1", "+50.00%"]
    assert "nothing to compare with" in prism("report", "show", "1").out
    missing = prism("report", "show", "forecst")
    assert (missing.code, missing.err) == (2, "prism: no report 'forecst' has run; did you mean 'forecast'?\n")


def test_help_of_a_report_tells_its_parameters_with_the_rules_of_the_operation(prism):
    said = prism("report", "run", "forecast", "--help").out
    assert "h  (default 12): a whole number from 1 to 10000. periods ahead" in said
    assert (
        "Usage: prism report run timeseries.decompose" in prism("report", "run", "timeseries.decompose", "--help").out
    )


def test_a_condition_that_is_not_met_decides_the_exit_code_and_is_listed(prism, tmp_path):
    data = ("timeseries.metrics", "--data", "y_true=nile", "-p", "y_pred=nile", "--out", "made")
    done = prism("report", "run", *data, "--expect", "mae > 1", "--expect", "mae <= 0")
    assert done.code == 1
    assert "prism: report timeseries.metrics is not as expected (mae > 1): mae[volume] is 0\n" in done.err
    record = json.loads((tmp_path / "made" / "timeseries.metrics.json").read_text())
    assert [(v["condition"], v["holds"]) for v in record["expectations"]] == [("mae > 1", False), ("mae <= 0", True)]
    assert "timeseries.metrics  unexpected" in prism("report", "list").out
    shown = prism("report", "show", "1").out
    assert "timeseries.metrics #1: unexpected" in shown
    assert "expected mae > 1: not met by mae[volume]" in shown
    assert "expected mae <= 0: met by mae[volume]" in shown


def test_a_number_that_only_the_run_can_refuse_ends_with_the_known_names(prism, tmp_path):
    data = ("timeseries.metrics", "--data", "y_true=nile", "-p", "y_pred=nile", "--out", "made")
    done = prism("report", "run", *data, "--expect", "mae[flow] < 1")
    assert done.code == 2
    assert "report timeseries.metrics has no key number 'mae[flow]'; " in done.err
    assert "known are bias[volume], mae[volume], " in done.err
    assert (tmp_path / "made" / "timeseries.metrics.html").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--expect", "mase = 1"), "--expect takes NAME SIGN NUMBER, as in 'mase < 1.2', and 'mase = 1' was given"),
        (("--expect", "mas < 1"), "report forecast has no key number 'mas'; did you mean 'mase'? known are bias, end"),
        (("--sweep", "none.yaml"), "--sweep: none.yaml cannot be read: No such file or directory"),
        (("--sweep", "s.yaml", "-p", "h=3"), "sweep item 1 gives h, which -p, --data or --set gave already"),
        (("--sweep", "s.yaml"), "sweep item 2: h must be a whole number from 1 to 10000, and 0 was given"),
        (("--sweep", "good.yaml", "--expect", "mas < 1"), "report forecast has no key number 'mas'"),
        (("--sweep", "good.yaml", "--dask", "x://y"), "--dask: x://y cannot be used: "),
        (("--dask", "tcp://127.0.0.1:9"), "--dask is for many reports; give it with --sweep FILE"),
        (("--processes", "2"), "--processes is for many reports; give it with --sweep FILE"),
    ],
)
def test_bad_sweeps_and_conditions_are_refused_before_a_kernel_starts(prism, tmp_path, arguments, sentence):
    (tmp_path / "s.yaml").write_text("h: [3, 0]")
    (tmp_path / "good.yaml").write_text("h: [3, 4]")
    done = prism("report", "run", "forecast", *arguments, "--out", "made")
    assert done.code == 2
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "made").exists()
    assert Store().runs() == []


def test_a_sweep_is_made_indexed_and_compared(prism, tmp_path):
    (tmp_path / "s.yaml").write_text("y_pred: [nile, flow.csv]")
    (prism_kernels.sample("nile") + 1.0).rename_axis("date").to_csv("flow.csv")
    sweep = ("timeseries.metrics", "--data", "y_true=nile", "--sweep", "s.yaml")
    done = prism("report", "run", *sweep, "--expect", "mae < 1", "--processes", "1")
    assert done.code == 1
    assert "prism: item 2 (y_pred = flow.csv): not as expected (mae < 1): mae[volume] is 1\n" in done.err
    folder = tmp_path / "reports" / "timeseries.metrics-s"
    assert done.out == f"2 reports: 1 completed, 1 failed or not as expected\n{folder / 'index.html'}\n"
    again = prism("report", "run", *sweep, "--expect", "mae < 2")
    assert (again.code, again.out.splitlines()[0]) == (0, "2 reports: 2 completed, 2 of them before")
    said = prism("report", "diff", "1", "2").out
    assert "y_pred was nile and is flow.csv" in said
    assert "the data of y_pred are not the same" in said
    row = next(line for line in said.splitlines() if line.startswith("  mae[volume]"))
    assert row.split() == ["mae[volume]", "1", "before", "0", "+1"]
    found = json.loads(prism("report", "diff", "1", str(folder / next(folder.glob("*flow*")).name), "--json").out)
    assert found["key_numbers"]["mae[volume]"] == {"a": 0.0, "b": 1.0, "change": 1.0, "relative": None}
    (folder / "index.html").unlink()
    assert prism("report", "index", folder).out == f"{folder / 'index.html'}\n"
    assert "2 reports: 2 completed" in (folder / "index.html").read_text()
    missing = prism("report", "diff", "1", "timeseries.metric")
    assert missing.err == "prism: no report 'timeseries.metric' has run; did you mean 'timeseries.metrics'?\n"
