"""Pickers hand on samples, uploads and variables, and say of a bad file what Python says of it."""

import contextvars
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bokeh.document import Document
from panel.io.state import set_curdoc

from prism_kernels import InvalidInput, Series, find, sample
from prism_kernels.data import save
from prism_widgets import runtime
from prism_widgets.inputs import InputPicker
from prism_widgets.upload import Upload


def picker(first=None, operation="timeseries.decompose", name="y"):
    return InputPicker(find(operation).data[name], about="A series.", first=first)


def test_every_sample_can_be_picked():
    for name in Series.samples():
        one = picker(name)
        read = one.value.read()
        assert np.array_equal(read.values, Series.of(sample(name)).values, equal_nan=True)
        assert read.source == f"sample('{name}')"


def test_data_of_any_kind_can_be_given():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert picker(frame).value.read().names == ("a", "b")
    assert picker(np.arange(3.0)).value.read().values.tolist() == [[0.0, 1.0, 2.0]]


def test_data_is_read_once():
    given = picker("nile").value
    assert given.read() is given.read()


def test_nothing_is_picked_first_for_optional_data():
    one = picker(operation="timeseries.metrics", name="y_train")
    assert one.value is None
    assert not one.missing


def test_a_file_that_was_not_uploaded_yet_is_missing():
    one = picker("nile")
    one._way.value = ("file", "")
    assert one.value is None
    assert one.missing


def _send(upload, name, data, size=1000):
    """Send a file as the browser does."""
    chunks = [data[k : k + size] for k in range(0, len(data), size)]
    upload._handle_msg({"status": "initializing"})
    for k, chunk in enumerate(chunks, start=1):
        message = {"status": "upload_event", "name": name, "chunk": k, "total_chunks": len(chunks)}
        upload._handle_msg({**message, "mime_type": "text/csv", "data": chunk})
    upload._handle_msg({"status": "finished"})


@pytest.fixture
def uploading(monkeypatch):
    one = picker("nile")
    monkeypatch.setattr(Upload, "_send_msg", lambda self, message: None)
    one._way.value = ("file", "")
    return one


@pytest.mark.parametrize("ending", ["csv", "parquet", "npy"])
def test_an_uploaded_file_arrives_whole(uploading, tmp_path, ending):
    frame = pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=500, freq="D"), "flow": np.arange(500.0)})
    path = tmp_path / f"flow.{ending}"
    {"csv": lambda: frame.to_csv(path, index=False), "parquet": lambda: frame.to_parquet(path),
     "npy": lambda: np.save(path, frame["flow"].to_numpy())}[ending]()  # fmt: skip
    _send(uploading._upload, path.name, path.read_bytes())
    read = uploading.value.read()
    assert read.values.tolist() == [frame["flow"].tolist()]
    assert read.source == f"Path('flow.{ending}')"  # not the temporary folder of a server


def test_while_a_file_arrives_the_page_says_how_much_of_it_is_here(uploading):
    said, shares = [], []
    live = uploading._slot.objects[1]
    live.param.watch(lambda event: said.append(event.new), "text")
    live.param.watch(lambda event: shares.append(event.new), "share")
    assert (live.text, live.running) == ("", False)
    _send(uploading._upload, "flow.csv", b"a\n" + b"1\n" * 1999)
    begin = [f"Receiving flow.csv: {n} % (0.00{n // 25} MB) …" for n in (25, 50, 75)]
    assert said == [*begin, "Receiving flow.csv: 100 % (0.004 MB) …", "Received flow.csv, 0.004 MB."]
    assert shares == [0.25, 0.5, 0.75, 1.0, None]
    assert (live.running, live.busy) == (False, False)
    assert uploading.value.read().values.shape == (1, 1999)


def test_of_a_file_that_is_refused_or_begun_anew_no_old_progress_stays(uploading, monkeypatch):
    live = uploading._slot.objects[1]
    chunk = {"status": "upload_event", "mime_type": "text/csv", "total_chunks": 4, "data": b"a\n1\n"}
    uploading._upload._handle_msg({**chunk, "name": "old.csv", "chunk": 1})
    assert live.running
    monkeypatch.setenv("PRISM_MAX_UPLOAD", "3000")
    _send(uploading._upload, "large.csv", b"a\n" + b"1\n" * 2000)
    assert (live.text, live.running, live.share) == ("", False, None)


def test_an_upload_replaces_the_one_before_and_leaves_no_file(uploading):
    _send(uploading._upload, "one.csv", b"a\n1\n2\n")
    first = uploading._upload.path
    _send(uploading._upload, "two.csv", b"a\n3\n4\n")
    assert uploading.value.read().values.tolist() == [[3.0, 4.0]]
    assert not first.exists()


def test_a_file_larger_than_the_page_takes_is_refused_beside_the_picker_and_leaves_nothing(uploading, monkeypatch):
    monkeypatch.setenv("PRISM_MAX_UPLOAD", "3000")
    _send(uploading._upload, "small.csv", b"a\n1\n2\n")
    small = uploading._upload.path
    _send(uploading._upload, "large.csv", b"a\n" + b"1\n" * 2000)
    sentence = "large.csv is larger than 0.003 MB, the most this page takes; upload a part of it"
    assert uploading._upload.refusal == sentence
    assert sentence in uploading._note._pane.object
    assert uploading._upload.path == small
    assert [p for p in uploading._upload._folder.rglob("*") if p.is_file()] == [small]
    _send(uploading._upload, "fits.csv", b"a\n1\n")
    assert uploading._upload.refusal == ""
    assert sentence not in uploading._note._pane.object
    assert uploading.value.read().values.tolist() == [[1.0]]


def test_an_upload_on_a_published_page_can_be_read_although_it_lies_outside_the_data_root(uploading, monkeypatch):
    monkeypatch.setenv("PRISM_READERS", "1")
    _send(uploading._upload, "one.csv", b"a\n1\n2\n")
    assert uploading.value.read().values.tolist() == [[1.0, 2.0]]


def test_on_a_server_of_many_an_upload_can_be_read_by_its_own_session_alone(uploading, monkeypatch):
    monkeypatch.setenv("PRISM_READERS", "1")
    ada, eve = (Document() for _ in range(2))
    for document in (ada, eve):
        document._session_context = lambda: types.SimpleNamespace(session=None)
    with set_curdoc(ada):
        _send(uploading._upload, "one.csv", b"a\n1\n2\n")
        thread = contextvars.copy_context()  # as a job's
        path = uploading._upload.path
        assert Series.of(path).values.tolist() == [[1.0, 2.0]]
    assert thread.run(Series.of, path).values.tolist() == [[1.0, 2.0]]
    outside = "lies outside the folder this page may read"
    with set_curdoc(eve), pytest.raises(InvalidInput, match=outside):
        Series.of(path)
    with pytest.raises(InvalidInput, match=outside):
        Series.of(path)


def test_a_name_with_folders_stays_inside_the_upload_folder(uploading):
    _send(uploading._upload, "../../evil.csv", b"a\n1\n")
    assert uploading._upload.path.name == "evil.csv"
    assert uploading._upload.path.is_relative_to(uploading._upload._folder)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("broken.csv", b"a,b\n1,2\n3\n"),
        ("words.csv", b"a\nx\ny\n"),
        ("empty.csv", b""),
        ("zones.csv", b"ds,y\n2024-01-01T00:00:00Z,1\n2024-01-02T00:00:00+02:00,2\n"),
        ("gap.csv", b"ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-05,3\n2024-01-06,4\n"),
        ("no.npy", b"not numpy"),
        ("latin.csv", "wert\nä\n".encode("latin-1")),
    ],
)
def test_of_a_bad_file_the_widget_says_what_python_says(uploading, tmp_path, name, data):
    _send(uploading._upload, name, data)
    path = tmp_path / uploading._upload.path.name
    path.write_bytes(data)
    with pytest.raises(InvalidInput) as expected:
        Series.of(path, field="y")
    with pytest.raises(InvalidInput) as found:
        uploading.value.read()
    assert str(found.value) == str(expected.value)
    uploading.refuse(str(found.value))
    assert "alert" in uploading._note._pane.object


def test_variables_are_offered_only_in_a_notebook(monkeypatch):
    assert "A variable of this notebook …" not in picker("nile")._way.options
    monkeypatch.setattr(runtime, "where", lambda: "lab")
    monkeypatch.setattr("prism_widgets.inputs._variables", lambda: {"flow": np.arange(4.0)})
    one = picker("nile")
    one._way.value = ("variable", "")
    assert one._variable.options == {"flow": "flow"}
    assert one.value.read().source == "flow"
    assert one.value.read().values.tolist() == [[0.0, 1.0, 2.0, 3.0]]


def test_a_path_can_be_picked_from_python(tmp_path):
    path = Path(tmp_path / "y.csv")
    path.write_text("a\n1\n2\n")
    one = picker("nile")
    one.pick(path)
    assert one.value.read().values.tolist() == [[1.0, 2.0]]
    one.pick("sunspots")
    assert one.value.read().names == ("sunactivity",)


def test_a_dataset_can_be_picked_like_a_sample(tmp_path, monkeypatch):
    monkeypatch.setenv("PRISM_DATA", str(tmp_path))
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=pd.date_range("2020-01-01", periods=3, freq="MS"))
    save(frame, "sales", title="Sales, monthly")
    save(frame * 2, "plain")
    one = picker("sales")
    assert {"sales: Sales, monthly", "plain: dataset of 3 rows"} <= set(one._way.options)
    read = one.value.read()
    assert (read.values.tolist(), read.source) == ([[1.0, 2.0, 3.0]], "load('sales')")
    save(frame * 3, "late")
    one.pick("late")
    assert one.value.read().values.tolist() == [[3.0, 6.0, 9.0]]
    next(iter((tmp_path / "frames").glob("*.parquet"))).unlink()
    with pytest.raises(InvalidInput, match="y: dataset .* cannot be used: .* is not there; put it back, or save it ag"):
        [picker(name).value.read() for name in ("sales", "plain", "late")]
