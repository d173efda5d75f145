"""A saved run comes back whole, is the same bytes each time, and notices what was changed."""

import datetime
import io
import json
import re
import zipfile

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import prism_kernels
from prism_kernels import InvalidInput, operations, run, sample
from prism_kernels.saved import load, pack, save, unpack
from prism_kernels.saved_values import Reader, Writer
from prism_kernels.timeseries import update
from prism_kernels.timeseries.trend import Segment


@pytest.fixture(scope="module")
def made():
    return run("timeseries.trend", sample("nile"))


def example_of(name):
    row = operations()[name]
    data = {n: row.data[n].kind.resolve(v) for n, v in row.example.items() if n in row.data}
    return run(name, **data, **{n: v for n, v in row.example.items() if n not in row.data})


@pytest.mark.parametrize("name", sorted(operations()))
def test_every_operation_s_result_comes_back_as_it_was(name, tmp_path):
    first = example_of(name)
    saved = load(first.save(tmp_path / "run"))
    assert saved.operation == name
    assert type(saved.result) is type(first.result)
    assert saved.result.to_json() == first.result.to_json()
    assert saved.warnings == first.result.warnings
    for field, value in first.result.to_numpy().fields().items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(saved.fields[field], value)
            assert saved.fields[field].dtype == value.dtype
    pd.testing.assert_frame_equal(saved.result.to_frame(), first.result.to_frame())


def test_provenance_timings_and_given_settings_come_back(tmp_path):
    first = run("timeseries.metrics", sample("nile"), sample("nile") + 1.5, season_length=2)
    saved = load(first.save(tmp_path / "m.prism"))
    assert saved.provenance == json.loads(json.dumps(first.provenance.to_dict()))
    assert saved.provenance["inputs"]["y_true"]["source"] == "sample('nile')"
    assert saved.provenance["inputs"]["y_pred"]["shape"] == [1, 100]
    assert saved.timings == dict(first.timings)
    assert saved.given == {"season_length": 2}
    assert saved.inputs == {}
    assert saved.folder == tmp_path
    assert repr(saved).startswith(f"Saved(timeseries.metrics, {first.provenance.started.isoformat()}, mae, rmse")


def test_data_are_in_the_file_only_when_asked_for(made, tmp_path):
    bare, whole = load(made.save(tmp_path / "a")), load(made.save(tmp_path / "b", inputs=True))
    assert "y" not in bare.inputs
    again, given_ = whole.embedded("y"), made.provenance.inputs["y"]
    assert again.digest == given_.digest
    assert again.names == given_.names
    assert again.index.equals(given_.index)
    assert (again.frequency, again.source) == (given_.frequency, given_.source)


def test_a_tensor_is_saved_as_numbers_of_its_type():
    torch = pytest.importorskip("torch")
    first = run("timeseries.metrics", torch.ones(1, 20, dtype=torch.float32), torch.zeros(1, 20, dtype=torch.float32))
    saved = unpack(pack(first, inputs=True))
    assert saved.fields["mae"].dtype == np.float32
    assert saved.embedded("y_true").digest == first.provenance.inputs["y_true"].digest


def test_a_run_gives_the_same_bytes_every_time(made):
    assert pack(made) == pack(made)
    assert unpack(pack(made)).digest == unpack(pack(made)).digest
    assert unpack(pack(made)).digest != unpack(pack(made, inputs=True)).digest


def test_nothing_in_the_file_is_a_pickle(made):
    with zipfile.ZipFile(io.BytesIO(pack(made, inputs=True))) as archive:
        names = archive.namelist()
        assert names[0] == "run.json"
        assert names[-1] == "sha256"
        for name in names[1:-1]:
            np.load(io.BytesIO(archive.read(name)), allow_pickle=False)


def test_any_changed_byte_is_noticed(made):
    data = pack(made)
    for place in np.random.default_rng(0).integers(len(data), size=300):
        changed = bytearray(data)
        changed[place] ^= 1 + int(place) % 255
        with pytest.raises(InvalidInput, match=r"was changed after it was saved|is no saved run"):
            unpack(bytes(changed), name="t.prism")


@pytest.mark.parametrize("cut", [0, 1, 10, 500, -1])
def test_a_file_that_did_not_arrive_whole_is_refused(made, cut):
    with pytest.raises(InvalidInput, match=r"was changed after it was saved|is no saved run"):
        unpack(pack(made)[:cut])


def repacked(data, change):
    """Write an archive anew with one member changed, as somebody with an archive tool would."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for entry in old.infolist():
            new.writestr(entry, change(entry.filename, old.read(entry)))
    return out.getvalue()


def test_a_number_changed_inside_the_archive_is_noticed(made):
    def change(name, data):
        return data.replace(b'"cost":', b'"cost": ') if name == "run.json" else data

    with pytest.raises(InvalidInput, match="was changed after it was saved"):
        unpack(repacked(pack(made), change), name="t.prism")


def forged(made, change, **options):
    from prism_kernels.saved import _archive

    with zipfile.ZipFile(io.BytesIO(pack(made, **options))) as archive:
        members = {n: archive.read(n) for n in archive.namelist() if n != "sha256"}
    content = json.loads(members["run.json"])
    change(content, members)
    return _archive({**members, "run.json": json.dumps(content).encode()})


@pytest.mark.parametrize("key", ["fields", "axes", "provenance", "operation", "inputs"])
def test_a_forged_file_without_its_content_is_refused(made, key):
    with pytest.raises(InvalidInput, match=r"t\.prism has the form of a saved run and not its content"):
        unpack(forged(made, lambda content, _: content.pop(key)), name="t.prism")


def test_forged_data_are_checked_as_all_others_are(made):
    def other_names(content, _):
        content["inputs"]["y"]["map"]["names"] = ["a", "b"]

    with pytest.raises(InvalidInput, match="y: the data saved with the run do not fit together"):
        unpack(forged(made, other_names, inputs=True)).embedded("y")

    def infinite(content, members):
        name, buffer = content["inputs"]["y"]["map"]["values"]["array"], io.BytesIO()
        np.save(buffer, np.full((1, 100), np.inf))
        members[name] = buffer.getvalue()

    with pytest.raises(InvalidInput, match="y has 100 infinite values"):
        unpack(forged(made, infinite, inputs=True)).embedded("y")


def without(*place):
    def change(content, _):
        for name in place[:-1]:
            content = content[name]
        del content[place[-1]]

    return change


def put(value, *place):
    def change(content, _):
        for name in place[:-1]:
            content = content[name]
        content[place[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "place"),
    [
        *((without("provenance", n), f"provenance.{n}") for n in ("inputs", "settings", "elapsed_s", "cpu", "started")),
        *((without("provenance", "inputs", "y", n), f"provenance.inputs.y.{n}") for n in ("source", "sha256", "shape")),
        (put([], "provenance"), "provenance"),
        (put([1], "provenance", "inputs"), "provenance.inputs"),
        (put("x", "provenance", "elapsed_s"), "provenance.elapsed_s"),
        (put(-1.0, "provenance", "elapsed_s"), "provenance.elapsed_s"),
        (put(7, "provenance", "version"), "provenance.version"),
        (put("today", "provenance", "started"), "provenance.started"),
        (put("timeseries.forecast", "provenance", "operation"), "provenance"),
        (put("abc", "provenance", "inputs", "y", "sha256"), "provenance.inputs.y.sha256"),
        (put([-1, 100], "provenance", "inputs", "y", "shape"), "provenance.inputs.y.shape"),
        (put(None, "operation"), "operation"),
        (put(["a"], "operation"), "operation"),
        (put([1], "warnings"), "warnings"),
        (put({"a": "b"}, "timings"), "timings"),
        (put(1, "more"), "more"),
    ],
)
def test_forged_provenance_is_refused_with_its_place(made, change, place):
    with pytest.raises(InvalidInput) as refused:
        unpack(forged(made, change), name="t.prism")
    said = str(refused.value)
    assert said.startswith("path: t.prism has the form of a saved run and not its content (")
    assert f"({place}" in said
    assert said.endswith("; get it again from where it came")
    assert "\n" not in said


@pytest.mark.parametrize("known", [True, 1.0, "1", None])
def test_a_format_that_is_no_whole_number_is_refused(made, known):
    with pytest.raises(InvalidInput, match="has the form of a saved run and not its content"):
        unpack(forged(made, put(known, "format")), name="t.prism")


@pytest.mark.parametrize("depth", [60, 900, 50_000])
@pytest.mark.parametrize("place", [("fields", "cost"), ("provenance", "settings", "penalty"), ("given", "a")])
def test_values_inside_each_other_without_end_are_refused(made, depth, place):
    from prism_kernels.saved import _archive

    data = forged(made, put("HERE", *place))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {n: archive.read(n) for n in archive.namelist() if n != "sha256"}
    deep = b'{"tuple": [' * depth + b"1" + b"]}" * depth
    members["run.json"] = members["run.json"].replace(b'"HERE"', deep)
    with pytest.raises(InvalidInput, match=r"t\.prism (is no saved run|has the form of a saved run and not)"):
        unpack(_archive(members), name="t.prism")


def npy(head, data=b""):
    head = head.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + data


@pytest.mark.parametrize(
    "array",
    [
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000000,), }"),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", bytes(8)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", bytes(8)),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "-" * 9000 + "1,), }", bytes(8)),
        npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        npy("{'descr': '<U1000000000', 'fortran_order': False, 'shape': (0,), }"),
        npy("{'descr': '<f7', 'fortran_order': False, 'shape': (1,), }", bytes(7)),
        b"",
        b"not an array at all, and longer than a header",
    ],
)
def test_an_array_that_is_not_what_it_says_is_refused_before_anything_is_made_for_it(made, array):
    def change(content, members):
        members[content["fields"]["cost"]["array"]] = array

    with pytest.raises(InvalidInput, match=r"t\.prism has the form of a saved run and not its content"):
        unpack(forged(made, change), name="t.prism")


@pytest.mark.parametrize(
    "values", [np.empty((0, 3)), np.array(1.5), np.arange(6.0).reshape(2, 3).T, np.array(["ä", ""])]
)
@pytest.mark.parametrize("change", [np.asarray, lambda v: v.astype(">f8") if v.dtype.kind == "f" else v])
def test_arrays_of_every_shape_and_order_come_back(values, change):
    again = plain_again(change(values))
    np.testing.assert_array_equal(again, values)
    assert again.dtype == change(values).dtype
    assert again.flags.writeable


def test_an_archive_that_would_unfold_is_refused_unopened(made, tmp_path, monkeypatch):
    path = tmp_path / "bomb.prism"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run.json", "{}")
        archive.writestr("arrays/0.npy", bytes(50_000_000))
        archive.writestr("sha256", "x")
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was unfolded"))
    with pytest.raises(InvalidInput) as refused:
        load(path)
    assert str(refused.value) == (
        "path: bomb.prism was changed after it was saved: it holds more than its own 49 kB, and no saved run is "
        "compressed; get it again from where it came"
    )


def test_an_archive_whose_members_lie_over_each_other_is_refused_unopened(made, monkeypatch):
    data = pack(made)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        for k in range(200):  # each of them says that it lies where the largest does
            entry = zipfile.ZipInfo(f"more/{k}")
            for name in ("file_size", "compress_size", "CRC", "header_offset"):
                setattr(entry, name, getattr(largest, name))
            archive.filelist.append(entry)
            archive.NameToInfo[entry.filename] = entry
        archive._didModify = True
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was unfolded"))
    with pytest.raises(InvalidInput, match=r"was changed after it was saved: it holds more than its own \d+ kB"):
        unpack(out.getvalue(), name="t.prism")


@pytest.mark.parametrize(
    "change",
    [
        put("text", "inputs", "y", "map", "values"),
        put({"map": {}}, "inputs", "y", "map", "values"),
        put(5, "inputs", "y", "map", "index"),
        put(5, "inputs", "y", "map", "names"),
        put([[1.0]], "inputs", "y"),
        put({"map": {"nonsense": 1}}, "inputs", "y"),
    ],
)
def test_data_that_are_none_are_refused_in_a_sentence(made, change):
    with pytest.raises(InvalidInput, match=r"do not fit together|has the form of a saved run and not its content"):
        unpack(forged(made, change, inputs=True), name="t.prism").embedded("y")


def test_a_newer_format_is_told_as_such(made):
    from prism_kernels.saved import _archive

    with zipfile.ZipFile(io.BytesIO(pack(made))) as archive:
        members = {n: archive.read(n) for n in archive.namelist() if n != "sha256"}
    members["run.json"] = members["run.json"].replace(b'"format": 1', b'"format": 2')
    sentence = "path: t.prism is of format 2, and this version reads format 1; install the newer prism-lab"
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        unpack(_archive(members), name="t.prism")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "is not there; give the file of a saved run, such as run.prism"),
        (b"", "x.prism is no saved run; write one with run.save(…) or prism run … --out FILE.prism"),
        (b"unlike", "x.prism is no saved run"),
    ],
)
def test_what_is_no_saved_run_is_refused(tmp_path, content, sentence):
    path = tmp_path / "x.prism"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        load(path)


def test_another_archive_is_no_saved_run(tmp_path):
    path = tmp_path / "x.prism"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "b")
    with pytest.raises(InvalidInput, match="is no saved run"):
        load(path)
    with pytest.raises(InvalidInput, match="is a folder; give the file"):
        load(tmp_path)


def test_a_folder_that_is_not_there_is_refused_and_nothing_is_left(made, tmp_path):
    with pytest.raises(InvalidInput, match=f"there is no folder {tmp_path / 'no'}; make it first"):
        save(made, tmp_path / "no" / "x.prism")
    assert made.save(tmp_path / "x") == tmp_path / "x.prism"
    assert [p.name for p in tmp_path.iterdir()] == ["x.prism"]


def test_a_result_of_an_operation_that_is_not_installed_can_still_be_looked_at(made):
    from prism_kernels.saved import _archive

    with zipfile.ZipFile(io.BytesIO(pack(made))) as archive:
        members = {n: archive.read(n) for n in archive.namelist() if n != "sha256"}
    members["run.json"] = members["run.json"].replace(b"timeseries.trend", b"elsewhere.trend")
    saved = unpack(_archive(members))
    assert saved.fields["segments"][0].mean == made.result.segments[0].mean
    with pytest.raises(InvalidInput, match=r"no operation is called 'elsewhere\.trend'"):
        _ = saved.result


def test_a_forecast_that_was_read_cannot_be_updated():
    first = run("timeseries.forecast", sample("nile"), h=3, model="theta")
    read = unpack(pack(first)).result
    assert read.to_frame().equals(first.result.to_frame())
    with pytest.raises(InvalidInput, match="forecast was read from a saved run, which holds no model; make it again"):
        update(read, [1.0, 2.0])


def test_a_run_of_a_function_of_the_session_is_kept_though_it_cannot_be_made_again_elsewhere():
    from prism_kernels import AnySeries, Series
    from prism_kernels.timeseries import Metrics, metrics
    from prism_kernels.verify import verify

    def doubled(y: AnySeries, *, factor: float = 2.0) -> Metrics:
        """Measure."""
        y = Series.of(y)
        return metrics(y, y.values * factor)

    saved = unpack(pack(run(doubled, sample("nile"))))
    assert saved.fields["mae"][0] == pytest.approx(sample("nile").mean())
    found = verify(saved)
    assert found.verdict == "cannot be repeated"
    assert "no operation is called" in found.reason


def plain_again(value):
    writer = Writer()
    text = json.dumps(writer.plain(value, "x"), allow_nan=False)
    return Reader(writer.arrays, {"Segment": Segment}).value(json.loads(text))


numbers = st.floats() | st.integers(-(2**70), 2**70) | st.text() | st.booleans() | st.none()
values = st.recursive(
    numbers,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
@settings(max_examples=150)
def test_values_come_back_equal(value):
    assert repr(plain_again(value)) == repr(value)  # NaN equals itself as text


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_dates_come_back_with_their_zone(zone):
    index = pd.date_range("2020-03-01", periods=60, freq="D", tz=zone)
    assert plain_again(index).equals(index)
    assert plain_again(pd.Timestamp("2020-03-01", tz=zone)) == pd.Timestamp("2020-03-01", tz=zone)
    assert plain_again(datetime.date(2020, 3, 1)) == pd.Timestamp("2020-03-01")


def test_groups_numbers_of_numpy_and_other_labels_come_back():
    segment = Segment("a", 0, 5, "x", "y", 1.5, float("nan"))
    assert repr(plain_again((segment,))) == repr((segment,))
    assert plain_again(np.float64(1.5)) == 1.5
    assert plain_again(pd.Index(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize("value", [object(), np.array([object()]), {1, 2}])
def test_what_no_file_can_hold_is_refused_with_its_place(value):
    with pytest.raises(InvalidInput, match=r"result\.thing holds .*, which a file cannot hold; results are made of"):
        Writer().plain({"thing": value}, "result")


def test_saving_is_offered_by_the_run_itself(made, tmp_path):
    assert isinstance(made, prism_kernels.Run)
    assert load(made.save(str(tmp_path / "a.prism"), inputs=True)).inputs["y"]["names"] == ("volume",)
