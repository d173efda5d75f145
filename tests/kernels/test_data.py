"""Datasets: what is kept comes back, is known by its digest, and is refused once it is something else."""

import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import prism_kernels
from prism_kernels import InvalidInput, Series, data, sample
from prism_kernels.inputs import Observations, fences

DATES = pd.date_range("2020-01-01", periods=4, freq="MS")
WIDE = pd.DataFrame({"a": [1.0, 2.0, np.nan, 4.0], "b": [10.0, 20.0, 30.0, 40.0]}, index=DATES)
LONG = WIDE.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty catalogue and an empty folder to work in."""
    monkeypatch.setenv("PRISM_DATA", str(tmp_path / "catalogue"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def refused(call, *arguments, **more):
    with pytest.raises(InvalidInput) as caught:
        call(*arguments, **more)
    return str(caught.value)


# ---- frames of a notebook --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        WIDE,
        LONG,
        WIDE.tz_localize("Europe/Berlin"),
        WIDE.set_axis(DATES.to_period("M")),
        WIDE.set_axis([1, 2], axis=1),
        WIDE.reset_index(drop=True).astype("float32"),
    ],
    ids=["wide", "long", "zone", "periods", "numbered", "float32"],
)
def test_a_pandas_frame_comes_back_as_it_was(frame):
    entry = data.save(frame, "kept")
    pd.testing.assert_frame_equal(data.load("kept"), frame, check_freq=False)
    assert entry == data.show("kept") == data.datasets()["kept"]
    assert (entry.kind, entry.rows) == ("frame", len(frame))
    assert entry.digest == sha256(entry.source)


def test_a_pandas_series_comes_back_as_a_column_of_its_name():
    data.save(WIDE["b"], "named")
    data.save(WIDE["b"].rename(None), "nameless")
    assert list(data.load("named").columns) == ["b"]
    assert data.load("nameless")["nameless"].tolist() == WIDE["b"].tolist()


@pytest.mark.parametrize("shape", ["wide", "long", "series"])
def test_a_polars_frame_holds_the_same_series_as_the_pandas_one(shape):
    table = {"wide": WIDE.rename_axis("ds").reset_index(), "long": LONG, "series": WIDE[["b"]].reset_index(drop=True)}
    frame = pl.from_pandas(table[shape])
    data.save(frame["b"] if shape == "series" else frame, "kept")
    read, expected = Series.resolve("kept"), Series.of(table[shape])
    np.testing.assert_array_equal(read.values, expected.values)
    assert (read.names, read.digest) == (expected.names, expected.digest)
    assert shape == "series" or list(read.index) == list(DATES)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 3)), elements=st.floats(allow_infinity=False)),
    labels=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=3, max_size=3, unique=True),
    library=st.sampled_from(["pandas", "polars"]),
)
def test_whatever_is_saved_is_loaded_with_the_same_values_and_labels(values, labels, library):
    table = {labels[k]: values[:, k] for k in range(values.shape[1])}
    entry = data.save({"pandas": pd.DataFrame, "polars": pl.DataFrame}[library](table), "law", replace=True)
    back = data.load("law")
    assert list(back.columns) == list(table) == list(entry.columns)
    for name, column in table.items():
        np.testing.assert_array_equal(back[name], column)
        np.testing.assert_array_equal(np.signbit(back[name]) | np.isnan(column), np.signbit(column) | np.isnan(column))
    assert len(list(Path(entry.source).parent.iterdir())) == 1  # the frames that were replaced are gone


def test_what_is_said_of_a_frame_is_what_it_holds():
    frame = pd.DataFrame({"n": range(7), "x": np.linspace(0, 3, 7), "t": list("abcdefg")}, index=[*"ABCDEFG"])
    entry = data.save(frame, "kept", title="Letters")
    assert entry.title == "Letters"
    assert dict(entry.columns) == {"index": "object", "n": "int64", "x": "float64", "t": "object"}
    assert entry.preview[:2] == (("index", "n", "x", "t"), ("A", "0", "0.0", "a"))
    assert len(entry.preview) == 6
    assert pd.Timestamp(entry.changed) <= pd.Timestamp(entry.added) <= pd.Timestamp.now("UTC")
    assert repr(entry) == f"Dataset('kept', frame, 7 × 4, sha256 {entry.digest[:12]}…)"
    assert json.loads(json.dumps(entry.to_dict()))["columns"] == entry.columns


def test_a_preview_is_short_and_cannot_move_the_cursor():
    odd = pd.DataFrame({f"c{k}": ["\x1b[2J\nnext line", "x" * 99] for k in range(10)})
    head, first, second = data.save(odd, "kept").preview
    assert head == tuple(f"c{k}" for k in range(8))
    assert first == (" [2J next line",) * 8
    assert second == ("x" * 40,) * 8


def test_what_a_killed_writer_left_is_gone_after_a_day():
    frames = Path(data.save(WIDE, "kept").source).parent
    old, new = frames / ".old", frames / ".new"
    for path in (old, new):
        path.touch()
    os.utime(old, (1e9, 1e9))
    data.save(WIDE, "more")
    assert (old.exists(), new.exists()) == (False, True)


def test_datasets_are_there_with_the_package():
    code = "import prism_kernels; prism_kernels.data.datasets()"
    assert subprocess.run([sys.executable, "-c", code], check=True).returncode == 0


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ([1, 2], "kept: frame must be a pandas or polars frame or series, and list was given"),
        (WIDE.iloc[:0], "kept: the frame has 0 rows and 2 columns; at least one of each is needed"),
        (pl.DataFrame(), "kept: the frame has 0 rows and 0 columns; at least one of each is needed"),
        (WIDE.set_axis(["a", "a"], axis=1), "kept: the frame has two columns called 'a'; give each a name of its own"),
        (WIDE.set_axis(["a", 1], axis=1), "kept: the frame has column names of several types (int, str); make all of"),
        (pd.concat({"x": WIDE}, axis=1), "kept: the frame has column names of 2 levels; give each column one name"),
        (pd.DataFrame({"a": [1, "x"]}), "kept: Parquet cannot hold this frame (Conversion failed for column a with"),
        (pd.DataFrame({"a": [1j]}), "kept: Parquet cannot hold this frame (Conversion failed for column a with type c"),
    ],
)
def test_a_frame_that_would_not_come_back_is_refused_and_leaves_nothing(frame, sentence, tmp_path):
    assert sentence in refused(data.save, frame, "kept")
    assert data.datasets() == {}
    assert [p for p in (tmp_path / "catalogue").rglob("*") if p.is_file()] == []


# ---- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a.csv", "", "-a", "1a", "a b", "a" * 65, "a\n", None, 3, "/etc/passwd"]
)
def test_a_name_that_looks_like_something_else_is_refused(name):
    rule = f"name must be a letter and up to 63 letters, digits, _ or - after it, and {name!r} was given"
    assert refused(data.save, WIDE, name) == rule
    assert refused(data.add, name, "x.csv") == rule


@pytest.mark.parametrize("name", ["a", "Umsätze", "売上", "a-b_c9", "a" * 64])
def test_names_are_words_of_any_script(name):
    data.save(WIDE, name)
    assert Series.resolve(name).source == f"load({name!r})"


def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced():
    first = data.save(WIDE, "kept")
    taken = "a dataset is called 'kept' already"
    assert taken in refused(data.save, WIDE * 2, "kept")
    Path("x.csv").write_text("a\n1\n")
    assert taken in refused(data.add, "kept", "x.csv")
    assert data.load("kept").equals(WIDE)
    second = data.save(WIDE * 2, "kept", replace=True)
    assert data.load("kept").equals(WIDE * 2)
    assert (Path(first.source).exists(), Path(second.source).exists()) == (False, True)


def test_the_name_of_a_sample_is_refused_even_for_replacing():
    said = "'nile' is the name of a sample, which is found first; choose another name"
    assert refused(data.save, WIDE, "nile", replace=True) == said


def test_two_names_share_one_frame_until_the_last_is_removed():
    one, two = data.save(WIDE, "one"), data.save(WIDE, "two")
    assert one.source == two.source
    assert data.remove("one") == one
    assert data.load("two").equals(WIDE)
    data.remove("two")
    assert not Path(one.source).exists()


def test_unknown_names_are_told_the_nearest():
    said = "no dataset is called 'sales'; none is catalogued yet; prism data add NAME SOURCE adds one"
    assert refused(data.load, "sales") == said
    data.save(WIDE, "sales")
    for act in (data.load, data.show, data.remove):
        assert refused(act, "sale") == "no dataset is called 'sale'; did you mean 'sales'?"


# ---- files and folders -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "npy"])
def test_a_file_gives_the_numbers_it_gives_by_its_path(suffix, monkeypatch):
    path = Path(f"x.{suffix}")
    if suffix == "npy":
        np.save(path, WIDE.to_numpy().T)
    elif suffix == "parquet":
        WIDE.to_parquet(path)
    else:
        WIDE.rename_axis("ds").to_csv(path, sep="," if suffix == "csv" else "\t")
    entry = data.add("kept", path)
    assert entry.digest == sha256(path)
    assert pd.Timestamp(entry.changed) == pd.Timestamp(path.stat().st_mtime, unit="s", tz="UTC").floor("s")
    monkeypatch.chdir("/")  # a dataset is where it was, wherever one works
    read, expected = Series.resolve("kept"), Series.of(Path(entry.source))
    np.testing.assert_array_equal(read.values, expected.values)
    assert (read.names, read.digest) == (expected.names, expected.digest)


def test_an_array_of_one_series_is_called_after_the_dataset():
    np.save("x.npy", np.arange(3.0))
    data.add("kept", "x.npy")
    assert data.load("kept")["kept"].tolist() == [0, 1, 2]


def test_the_files_of_a_folder_are_stacked_by_name(place):
    folder = place / "parts"
    folder.mkdir()
    for k, part in enumerate((WIDE.iloc[:2], WIDE.iloc[2:])):
        part.rename_axis("ds").reset_index().to_csv(folder / f"{k}.csv", index=False)
    WIDE.iloc[:0].to_csv(folder / ".hidden.csv")
    (folder / "README.md").write_text("not data")
    entry = data.add("kept", folder)
    lines = "".join(f"{sha256(folder / f'{k}.csv')}  {k}.csv\n" for k in range(2))  # as sha256sum *.csv writes them
    assert entry.digest == hashlib.sha256(lines.encode()).hexdigest()
    assert (entry.kind, entry.rows) == ("folder", 4)
    np.testing.assert_array_equal(Series.resolve("kept").values, WIDE.to_numpy().T)
    (folder / "1.csv").rename(folder / "2.csv")
    assert "changed since it was catalogued" in refused(data.load, "kept")


def test_files_of_one_series_each_are_called_after_their_files(place):
    for name, part in WIDE.items():
        pd.DataFrame({"ds": DATES, "y": part.to_numpy()}).to_csv(place / f"{name}.csv", index=False)
    data.add("kept", place)
    read = Series.resolve("kept")
    assert read.names == ("a", "b")
    np.testing.assert_array_equal(read.values, WIDE.to_numpy().T)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {},
            "kept: the folder {here} holds no CSV or Parquet file; put CSV or Parquet files with the same columns into",
        ),
        ({"a.txt": "x\n1\n", "b.csv": "z\n1\n"}, "kept: b.csv has the columns 'z' where a.txt has 'x'; give all files"),
        (
            {"a.csv": "x\n1\n", "b.csv": "x\none\n"},
            "kept: column 'x' holds numbers in a.csv and something else in b.csv",
        ),
        (
            {"a.csv": "x,y\n1,2\n", "b.csv": "x,y\n1\n"},
            "kept: line 2 of b.csv has 1 field where the header has 2; mend",
        ),
        ({"a.csv": "x\n1\n", "b.csv": ""}, "kept: b.csv is empty (0 bytes); at least a header and one row are needed"),
    ],
)
def test_a_folder_that_is_no_table_is_refused(files, sentence, place):
    for name, text in files.items():
        Path(name).write_text(text)
    assert sentence.format(here=place) in refused(data.add, "kept", place)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "kept: x.csv is empty (0 bytes); at least a header and one row are needed"),
        (b"a,b\n", "kept: the data has 0 rows and 2 columns; at least one of each is needed"),
        (b"a,b\n1,2\n3\n", "kept: line 3 of x.csv has 1 field where the header has 2; mend that line"),
        (b"a\n\xff\n", "kept: x.csv is not UTF-8 text (byte 2); save it as CSV in UTF-8"),
        (None, "work/x.csv is not there; give a CSV, Parquet or NPY file, a folder of them, or an address"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_before_it_is_catalogued(content, sentence):
    if content is not None:
        Path("x.csv").write_bytes(content)
    assert sentence in refused(data.add, "kept", "x.csv")
    assert data.datasets() == {}


def test_arrays_that_are_no_series_are_refused():
    np.save("x.npy", np.zeros((2, 2, 2)))
    assert "kept: x.npy has 3 dimensions; give one series (time) or several" in refused(data.add, "kept", "x.npy")
    np.save("x.npy", np.array([{}], dtype=object))
    assert "kept: x.npy is not a readable NPY file" in refused(data.add, "kept", "x.npy")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [(WIDE, "and DataFrame was given; save() keeps a frame"), (" ", "kept: no source was given; give a CSV")],
)
def test_what_is_no_source_is_refused(source, sentence):
    assert sentence in refused(data.add, "kept", source)


# ---- what changed or vanished ----------------------------------------------------------------------------------------


def test_a_changed_file_is_refused_wherever_it_is_named(place):
    Path("x.csv").write_text("a\n1\n2\n")
    before = data.add("kept", "x.csv")
    Path("x.csv").write_text("a\n1\n3\n")
    said = (
        f"dataset 'kept' cannot be used: {place}/x.csv changed since it was catalogued "
        f"(sha256 {sha256('x.csv')[:12]}…, was {before.digest[:12]}…); "
        f"if the new data is meant, run: prism data add kept {place}/x.csv --replace"
    )
    assert refused(data.load, "kept") == said
    assert refused(Series.resolve, "kept", field="y") == f"y: {said}"
    assert data.show("kept") == before
    data.add("kept", "x.csv", replace=True)
    assert data.load("kept")["a"].tolist() == [1, 3]


def test_a_file_that_vanished_is_refused_until_it_is_back(place):
    Path("x.csv").write_text("a\n1\n2\n")
    data.add("kept", "x.csv")
    Path("x.csv").rename("y.csv")
    said = f"y: dataset 'kept' cannot be used: {place}/x.csv is not there; put it back, or run: prism data add kept"
    assert said in refused(Observations.resolve, "kept", field="y")
    Path("y.csv").rename("x.csv")
    assert data.load("kept")["a"].tolist() == [1, 2]


def test_a_saved_frame_that_was_touched_is_refused():
    entry = data.save(WIDE, "kept")
    (WIDE * 2).to_parquet(entry.source)
    said = "if the new data is meant, save it again: prism_kernels.data.save(frame, 'kept', replace=True)"
    assert said in refused(data.load, "kept")


# ---- what is printed of it -------------------------------------------------------------------------------------------


def test_a_run_on_a_dataset_prints_calls_that_find_it_again():
    data.save(WIDE[["b"]], "kept")
    done = prism_kernels.run("timeseries.metrics", data.load("kept"), data.load("kept"), y_train=Series.resolve("kept"))
    text = done.as_python()
    assert "from prism_kernels.data import load\n" in text
    assert "metrics(load('kept'), load('kept'), y_train=load('kept'))" in text
    space = {}
    exec(text, space)
    assert space["result"].mae.tolist() == done.result.mae.tolist()
    assert done.as_command() == "prism run timeseries.metrics --data y_true=kept --data y_pred=kept --data y_train=kept"
    assert '"y_true": "kept"' in done.as_curl()
    assert done.provenance.to_dict()["inputs"]["y_true"]["source"] == "load('kept')"


@pytest.mark.parametrize(
    "change", [lambda f: f * 2, lambda f: f[["a"]], lambda f: f.iloc[1:], lambda f: f.rename(columns={"a": "c"})]
)
def test_what_is_computed_from_a_dataset_or_sample_is_not_taken_for_it(change):
    data.save(WIDE, "kept")
    assert Series.of(data.load("kept").copy()).source == "load('kept')"
    assert Series.of(change(data.load("kept"))).source == ""
    assert Series.of(sample("nile") + 1.5).source == ""


def test_samples_come_before_datasets_and_datasets_before_files():
    data.save(WIDE, "kept")
    Path("kept").write_text("a\n1\n")
    assert Series.resolve("kept").source == "load('kept')"
    assert Series.resolve("./kept").values.tolist() == [[1.0]]
    assert "y names no sample, dataset or file: 'kepd'; did you mean 'kept'?" in refused(
        Series.resolve, "kepd", field="y"
    )


# ---- an independent reading of a query's digest ----------------------------------------------------------------------


def test_the_digest_of_a_query_is_that_of_its_rows_as_lines_of_json():
    with closing(sqlite3.connect("x.db")) as base, base:
        base.execute("CREATE TABLE t (ds TEXT, y REAL, n INTEGER)")
        base.executemany("INSERT INTO t VALUES (?, ?, ?)", [("2020-01-01", 1.5, 1), ("2020-01-02", None, 2)])
    entry = data.add("kept", "sqlite:///x.db", query="SELECT ds, y, n FROM t ORDER BY ds")
    text = io.StringIO('["ds","y","n"]\n["2020-01-01",1.5,1]\n["2020-01-02",null,2]\n').getvalue()
    assert entry.digest == hashlib.sha256(text.encode()).hexdigest()
    read = Series.resolve("kept")
    np.testing.assert_array_equal(read.values, [[1.5, np.nan], [1, 2]])
    assert (read.names, list(read.index.strftime("%F"))) == (("y", "n"), ["2020-01-01", "2020-01-02"])


# ---- what readers' pages may load ------------------------------------------------------------------------------------


def test_readers_pages_know_only_what_was_shared(monkeypatch):
    data.save(WIDE, "kept")
    data.save(WIDE * 2, "open", share=True)
    assert [(n, d.shared) for n, d in data.datasets().items()] == [("kept", False), ("open", True)]
    monkeypatch.setenv("PRISM_READERS", "1")
    assert list(data.datasets()) == ["open"]
    assert data.load("open").equals(WIDE * 2)
    assert Series.resolve("open").names == ("a", "b")
    way = "whoever owns it shares it with: prism data share NAME"
    for name in ("kept", "never"):  # a stranger does not learn which of the two is there
        said = f"no dataset called {name!r} is shared with readers; {way}"
        assert refused(data.load, name) == said
        assert refused(data.show, name) == said
        assert refused(Series.resolve, name, field="y") == f"y: {said}"
    with fences.trusted():
        assert data.load("kept").equals(WIDE)
        assert list(data.datasets()) == ["kept", "open"]


def test_sharing_is_given_and_taken_back_and_stays_when_the_data_is_replaced():
    data.save(WIDE, "kept")
    assert data.share("kept").shared
    assert data.save(WIDE * 2, "kept", replace=True).shared
    assert data.show("kept").shared
    assert not data.save(WIDE * 3, "kept", replace=True, share=False).shared
    assert data.share("kept") == data.show("kept")
    assert not data.unshare("kept").shared
    assert not data.show("kept").shared
    for act in (data.share, data.unshare):
        assert refused(act, "kepd") == "no dataset is called 'kepd'; did you mean 'kept'?"


def test_a_catalogue_of_an_older_version_is_read_and_shares_nothing():
    entry = data.save(WIDE, "kept", share=True)
    path = data.data_folder() / "datasets.sqlite"
    with closing(sqlite3.connect(path)) as link, link:
        old = {name: value for name, value in entry.to_dict().items() if name != "shared"}
        link.execute("UPDATE datasets SET entry = ?", (json.dumps(old),))
        link.execute("PRAGMA user_version = 1")
    assert data.show("kept").shared is False
    assert data.load("kept").equals(WIDE)
    assert data.share("kept").shared
    with closing(sqlite3.connect(path)) as link:
        assert link.execute("PRAGMA user_version").fetchone() == (2,)
    assert data.show("kept").shared
