"""``prism data``: what is added is listed, shown, used by its name everywhere, and removed."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from prism_kernels import data, sample


@pytest.fixture(autouse=True)
def catalogue(tmp_path_factory, monkeypatch):
    """An empty catalogue outside the folder one works in."""
    monkeypatch.setenv("PRISM_DATA", str(tmp_path_factory.mktemp("catalogue")))


@pytest.fixture
def sales(tmp_path):
    """A file of one monthly series."""
    path = tmp_path / "sales.csv"
    sample("us_inflation").rename("sales").rename_axis("ds").to_csv(path)
    return path


def test_a_file_is_added_listed_shown_and_removed(prism, sales):
    digest = hashlib.sha256(sales.read_bytes()).hexdigest()
    done = prism("data", "add", "sales", "sales.csv", "--title", "Sales, quarterly")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"sales: 203 rows × 2 columns, sha256 {digest[:12]}…; use it as --data y=sales\n"

    head, line = prism("data", "list").out.splitlines()
    assert head.split() == ["name", "kind", "size", "shared", "changed", "(UTC)", "source", "title"]
    assert line.split()[:2] == ["sales", "file"]
    assert "203 rows × 2 columns" in line
    assert line.endswith("sales.csv  Sales, quarterly")

    done = prism("data", "show", "sales")
    assert done.code == 0
    for part in (
        "sales: Sales, quarterly\n",
        f"source   {sales}\n",
        f"sha256   {digest}\n",
        "state    as catalogued\n",
    ):
        assert part in done.out
    assert "Columns\n  ds  (object)\n  sales  (float64)\n" in done.out
    assert done.out.endswith(
        "1959-01-01  0.0\n  1959-04-01  2.34\n  1959-07-01  2.74\n  1959-10-01  0.27\n  1960-01-01  2.31\n"
    )

    assert prism("data", "remove", "sales").out == f"sales is removed, {sales} stays as it is\n"
    assert sales.exists()
    assert prism("data", "list").out == "no datasets yet; add one: prism data add NAME SOURCE\n"


def test_json_holds_what_python_knows(prism, sales):
    added = json.loads(prism("data", "add", "sales", sales, "--json").out)
    assert added == json.loads(json.dumps(data.show("sales").to_dict()))
    assert json.loads(prism("data", "list", "--json").out) == [added]
    assert json.loads(prism("data", "show", "sales", "--json").out) == {**added, "usable": True, "trouble": ""}


def test_a_dataset_is_named_like_a_sample_in_runs_and_reports(prism, sales, tmp_path):
    prism("data", "add", "sales", sales)
    arguments = ("--data", "y_true=sales", "--data", "y_pred=us_inflation")
    done = prism("run", "timeseries.metrics", *arguments, "--out", "r.json")
    assert done.code == 0, done.err
    held = json.loads(Path("r.json").read_text())
    assert held["result"]["mae"] == [0.0]
    assert held["provenance"]["inputs"]["y_true"]["source"] == "load('sales')"
    assert "datasets: sales" in prism("run", "timeseries.metrics", "--help").out
    done = prism("report", "run", "timeseries.metrics", *arguments, "--out", "report")
    assert done.code == 0, done.err
    record = json.loads(Path("report/timeseries.metrics.json").read_text())
    assert record["inputs"]["y_true"]["source"] == "load('sales')"
    assert record["inputs"]["y_true"]["sha256"] == held["provenance"]["inputs"]["y_true"]["sha256"]


def test_changed_data_stop_every_command(prism, sales):
    prism("data", "add", "sales", sales)
    sales.write_text(sales.read_text().replace("2.34", "2.35"))
    said = f"dataset 'sales' cannot be used: {sales} changed since it was catalogued (sha256 "
    way_out = f"if the new data is meant, run: prism data add sales {sales} --replace\n"
    for command in (
        ("run", "timeseries.decompose", "--data", "sales"),
        ("report", "run", "timeseries.decompose", "--data", "y=sales"),
    ):
        done = prism(*command)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"prism: y: {said}")
        assert done.err.endswith(way_out)
    done = prism("data", "show", "sales")
    assert done.code == 1
    assert f"  state    {said}" in done.out
    shown = json.loads(prism("data", "show", "sales", "--json").out)
    assert (shown["usable"], shown["trouble"].startswith(said)) == (False, True)
    assert prism("data", "add", "sales", sales, "--replace").code == 0
    assert prism("data", "show", "sales").code == 0


def test_a_query_is_added_with_its_database(prism, tmp_path):
    with closing(sqlite3.connect(tmp_path / "shop.db")) as base, base:
        base.execute("CREATE TABLE t (ds TEXT, y REAL)")
        base.executemany("INSERT INTO t VALUES (?, ?)", [("2020-01-01", 1.0), ("2020-01-02", 2.0)])
    query = "SELECT * FROM t ORDER BY ds"
    done = prism("data", "add", "shop", "sqlite:///shop.db", "--query", query)
    assert done.out.startswith("shop: 2 rows × 2 columns, sha256 ")
    shown = prism("data", "show", "shop").out
    assert f"query    {query}\n" in shown
    assert "changed" not in shown


def test_a_saved_frame_is_deleted_with_its_name(prism):
    entry = data.save(pd.DataFrame({"a": [1.0]}), "kept")
    assert prism("data", "remove", "kept").out == "kept is removed, and deleted\n"
    assert not Path(entry.source).exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("add", "../sales", "sales.csv"),
            "name must be a letter and up to 63 letters, digits, _ or - after it, and '..",
        ),
        (("add", "nile", "sales.csv"), "'nile' is the name of a sample, which is found first; choose another name"),
        (("add", "nile", "sales.csv", "--replace"), "'nile' is the name of a sample, which is found first"),
        (
            ("add", "sales", "sale.csv"),
            "sale.csv is not there; give a CSV, Parquet or NPY file, a folder of them, or an",
        ),
        (
            ("add", "sales", "empty.csv"),
            "sales: empty.csv is empty (0 bytes); at least a header and one row are needed",
        ),
        (
            ("add", "sales", "empty"),
            "empty holds no CSV or Parquet file; put CSV or Parquet files with the same columns",
        ),
        (("add", "sales", "http://127.0.0.1:1/x.csv"), "sales: http://127.0.0.1:1/x.csv cannot be reached (Client"),
        (
            ("add", "sales", "sqlite:///no.db", "--query", "SELECT 1"),
            "no.db is not there; correct the query or the URL",
        ),
        (("add", "other", "sales.csv"), "a dataset is called 'other' already ("),
        (("show", "othr"), "no dataset is called 'othr'; did you mean 'other'?"),
        (("remove", "othr"), "no dataset is called 'othr'; did you mean 'other'?"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(prism, sales, tmp_path, arguments, sentence):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "empty").mkdir()
    prism("data", "add", "other", sales)
    done = prism("data", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("prism: ")
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert set(data.datasets()) == {"other"}


def test_a_dataset_is_shared_with_readers_and_taken_back(prism, sales):
    assert prism("data", "add", "sales", sales, "--share").code == 0
    assert prism("data", "list").out.splitlines()[1].split()[7:9] == ["yes", data.show("sales").changed[:19]]
    assert "shared   with readers\n" in prism("data", "show", "sales").out
    assert prism("data", "unshare", "sales").out == "sales is no longer shared: readers' pages can no longer load it\n"
    assert "shared   " not in prism("data", "show", "sales").out
    assert prism("data", "list").out.splitlines()[1].split()[7] == "no"
    assert prism("data", "share", "sales").out == "sales is shared: readers' pages offer and load it\n"
    assert json.loads(prism("data", "show", "sales", "--json").out)["shared"] is True
    prism("data", "add", "sales", sales, "--replace")
    assert data.show("sales").shared
    prism("data", "add", "sales", sales, "--replace", "--no-share")
    assert not data.show("sales").shared
    assert prism("data", "share", "sails").err == "prism: no dataset is called 'sails'; did you mean 'sales'?\n"
