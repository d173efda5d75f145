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
        (("forecast", "--data", "y=niel"), "y names no sample and no file: 'niel'; did you mean 'nile'?"),
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
    listed = prism("report", "list").out
    assert "forecast  Forecast (y, h, season_length, level" in listed
    assert "timeseries.metrics  completed" in listed
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
    assert row.split() == ["mase", "3", "before", "2", "+50.00%"]
    assert "nothing to compare with" in prism("report", "show", "1").out
    missing = prism("report", "show", "forecst")
    assert (missing.code, missing.err) == (2, "prism: no report 'forecst' has run; did you mean 'forecast'?\n")


def test_help_of_a_report_tells_its_parameters_with_the_rules_of_the_operation(prism):
    said = prism("report", "run", "forecast", "--help").out
    assert "h  (default 12): a whole number from 1 to 10000. periods ahead" in said
    assert (
        "Usage: prism report run timeseries.decompose" in prism("report", "run", "timeseries.decompose", "--help").out
    )
