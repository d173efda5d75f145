"""The history of reports, and what changed since the run before."""

import dataclasses
import math
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from prism_kernels.errors import PrismError
from prism_lab.store import Entry, Store, differences, store_path


def _entry(**changed):
    plain = Entry(report="forecast", started="2024-01-01T00:00:00+00:00", duration_s=1.5, status="completed")
    return dataclasses.replace(plain, **changed)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "deep" / "s.sqlite")


def test_what_was_added_comes_back_newest_first(store):
    full = _entry(
        error="no",
        parameters={"h": 12, "level": [0.8]},
        key_numbers={"mase": 0.5},
        inputs={"y": {"sha256": "ab"}},
        folder="/somewhere",
    )
    first, second = store.add(full), store.add(_entry(report="other"))
    assert (first.id, second.id) == (1, 2)
    assert store.get(1) == dataclasses.replace(full, id=1)
    assert store.get(3) is None
    assert [e.id for e in store.runs()] == [2, 1]
    assert [e.id for e in store.runs("forecast")] == [1]
    assert [e.id for e in store.runs(limit=1)] == [2]


def test_numbers_that_are_not_finite_are_kept_as_none(store):
    store.add(_entry(key_numbers={"a": math.nan, "b": math.inf, "c": 1.0}))
    assert store.get(1).key_numbers == {"a": None, "b": None, "c": 1.0}


def test_a_run_is_compared_with_the_newest_completed_one_of_the_same_parameters(store):
    store.add(_entry(parameters={"h": 12}))
    store.add(_entry(parameters={"h": 24}))
    store.add(_entry(parameters={"h": 12}, status="failed"))
    store.add(_entry(parameters={"h": 12}, report="other"))
    assert store.before(_entry(parameters={"h": 12})).id == 1
    assert store.before(_entry(parameters={"h": 6})).id == 2
    assert store.before(store.get(1)) is None


def test_differences_are_changes_and_shares_and_none_where_a_number_is_missing():
    found = differences({"a": 3.0, "b": 1.0, "c": 2.0, "n": None}, {"a": 2.0, "b": 0.0, "d": 5.0, "n": 1.0})
    assert {n: dataclasses.astuple(d) for n, d in found.items()} == {
        "a": (3.0, 2.0, 1.0, 0.5),
        "b": (1.0, 0.0, 1.0, None),
        "c": (2.0, None, None, None),
        "n": (None, 1.0, None, None),
        "d": (None, 5.0, None, None),
    }
    assert differences({"a": -1.0}, {"a": -2.0})["a"].relative == 0.5


def test_the_store_lies_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("PRISM_STORE", str(tmp_path))
    assert store_path() == tmp_path / "prism.sqlite"
    monkeypatch.setenv("PRISM_STORE", str(tmp_path / "x.db"))
    assert store_path() == tmp_path / "x.db"
    monkeypatch.delenv("PRISM_STORE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert store_path() == tmp_path / "prism" / "prism.sqlite"


def test_many_may_write_at_once(store):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: store.add(_entry(parameters={"k": k})), range(20)))
    assert {e.parameters["k"] for e in store.runs(limit=100)} == set(range(20))


def test_a_store_that_cannot_be_used_says_so(tmp_path):
    (tmp_path / "s.sqlite").write_text("this is no database, and long enough to be told from one" * 20)
    with pytest.raises(PrismError, match="cannot be used .*; set PRISM_STORE"):
        Store(tmp_path / "s.sqlite").runs()


def test_a_store_of_the_first_version_is_brought_up_with_all_it_holds(tmp_path):
    link = sqlite3.connect(tmp_path / "s.sqlite")
    texts = ("report", "started", "status", "error", "parameters", "key_numbers", "inputs", "folder")
    columns = ", ".join(f"{name} TEXT NOT NULL" for name in texts)
    link.execute(
        f"CREATE TABLE report_runs (id INTEGER PRIMARY KEY AUTOINCREMENT, duration_s REAL NOT NULL, {columns})"
    )
    row = (1.5, "forecast", "2024-01-01T00:00:00+00:00", "completed", "", '{"h": 12}', '{"mase": 0.5}', "{}", "/x")
    link.execute(f"INSERT INTO report_runs (duration_s, {', '.join(texts)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    link.execute("PRAGMA user_version = 1")
    link.commit()
    link.close()
    together = threading.Barrier(8)

    def opened(_):
        together.wait(30)
        return Store(tmp_path / "s.sqlite").runs()

    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(opened, range(8)))
    assert runs == [[_entry(id=1, parameters={"h": 12}, key_numbers={"mase": 0.5}, folder="/x")]] * 8


def test_what_became_of_new_expectations_is_kept_with_the_run_they_belong_to(store):
    kept = store.add(_entry(digest="ab", key_numbers={"mase": 2.0}))
    verdict = {"condition": "mase < 1", "name": "mase", "value": 2.0, "holds": False, "error": ""}
    judged = dataclasses.replace(kept, expectations=(verdict,))
    store.judge(dataclasses.replace(judged, digest="cd"))
    assert store.get(kept.id) == kept
    store.judge(judged)
    assert store.get(kept.id) == judged
    assert (kept.verdict, judged.verdict) == ("completed", "unexpected")
    assert dataclasses.replace(judged, status="failed").verdict == "failed"


def test_a_store_of_a_newer_version_is_left_alone(tmp_path):
    link = sqlite3.connect(tmp_path / "s.sqlite")
    link.execute("PRAGMA user_version = 99")
    link.close()
    before = Path(tmp_path / "s.sqlite").read_bytes()
    with pytest.raises(PrismError, match="written by a newer PRISM"):
        Store(tmp_path / "s.sqlite").add(_entry())
    assert Path(tmp_path / "s.sqlite").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["s.sqlite"]
