"""verify: the verdict on a saved run, whatever happened to its numbers, its data, its version or its machine."""

import dataclasses
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from prism_kernels import InvalidInput, operations, repetition, run, sample
from prism_kernels.certificates import certificates
from prism_kernels.comparison import compare, gap
from prism_kernels.saved import load, pack, unpack
from prism_kernels.timeseries.trend import Segment
from prism_kernels.verify import verify


@pytest.fixture(scope="module")
def trend():
    return unpack(pack(run("timeseries.trend", sample("nile"))))


def with_field(saved, **fields):
    return dataclasses.replace(saved, fields={**saved.fields, **fields})


def elsewhere(saved, **provenance):
    return dataclasses.replace(saved, provenance={**saved.provenance, **provenance})


@pytest.mark.parametrize("name", sorted(operations()))
def test_every_operation_s_example_agrees_with_itself(name, tmp_path):
    row = operations()[name]
    data = {n: row.data[n].kind.resolve(v) for n, v in row.example.items() if n in row.data}
    made = run(name, **data, **{n: v for n, v in row.example.items() if n not in row.data})
    found = verify(made.save(tmp_path / "run"))
    assert (found.verdict, found.operation, found.on) == ("agrees", name, "local"), found.reason
    assert set(found.verdicts) == {"agrees"}
    assert found.difference.max() == 0  # the same bits on the same machine
    assert {*made.result.fields(), "labels", "warnings"} == set(found.axes["field"])
    assert found.certificate, "every operation has a certificate"
    assert all(check.agrees for check in found.certificate)
    assert name in certificates()
    assert found.elapsed_s >= found.again_s > 0
    assert found.original_s == made.provenance.elapsed_s


def test_the_table_has_a_row_for_each_field_and_each_check(trend):
    found = verify(trend)
    frame = found.to_frame()
    assert list(frame.columns) == ["kind", "name", "difference", "tolerance", "verdict"]
    assert list(frame.query("kind == 'field'").name) == [*trend.fields, "labels", "warnings"]
    assert list(frame.query("kind == 'certificate'").name) == [check.name for check in found.certificate]
    assert found.tolerance[0] == operations()["timeseries.trend"].tolerance
    assert "agrees" in found._repr_html_()


def test_a_changed_number_differs_and_its_field_is_named(trend):
    cost = trend.fields["cost"] * (1 + 1e-6)
    found = verify(with_field(trend, cost=cost))
    assert found.verdict == "differs"
    rows = found.to_frame().set_index("name")
    assert rows.verdict["cost"] == "differs"
    assert rows.difference["cost"] == pytest.approx(1e-6, rel=1e-3)
    assert (rows.verdict.drop(["cost", "cost of the segments"]) == "agrees").all()
    assert "cost" in found.reason


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("changepoints", lambda v: ((29,),)),
        ("changepoints", lambda v: ((2900,),)),
        ("changepoints", lambda v: ("made up",)),
        ("segments", lambda v: ("made", "up")),
        ("segments", lambda v: (dataclasses.replace(v[0], mean=v[0].mean + 1), *v[1:])),
        ("segments", lambda v: (dataclasses.replace(v[0], first="1872-01-01"), *v[1:])),
        ("trend", lambda v: v[:, :-1]),
        ("trend", lambda v: np.where(np.arange(v.shape[1]) == 3, np.nan, v)),
        ("penalty", lambda v: v.astype(np.int64)),
    ],
)
def test_whatever_is_changed_is_found(trend, field, change):
    found = verify(with_field(trend, **{field: change(trend.fields[field])}))
    assert found.verdict == "differs"
    assert found.to_frame().set_index("name").verdict[field] == "differs"


def test_a_missing_field_and_one_too_many_differ(trend):
    fewer = {n: v for n, v in trend.fields.items() if n != "cost"}
    assert verify(dataclasses.replace(trend, fields=fewer)).verdict == "differs"
    assert verify(with_field(trend, more=1.0)).verdict == "differs"


def test_changed_labels_and_warnings_differ(trend):
    labels = verify(dataclasses.replace(trend, axes={**trend.axes, "series": ("another",)}))
    assert labels.to_frame().set_index("name").verdict["labels"] == "differs"
    warned = verify(dataclasses.replace(trend, warnings=("all is well",)))
    assert warned.to_frame().set_index("name").verdict["warnings"] == "differs"
    assert (labels.verdict, warned.verdict) == ("differs", "differs")


def test_a_number_made_up_beyond_the_certificate_is_found_by_running_again():
    saved = unpack(pack(run("timeseries.forecast", sample("nile"), h=3, model="theta")))
    found = verify(with_field(saved, hi=saved.fields["hi"] + 1.0, lo=saved.fields["lo"] - 1.0))
    assert found.verdict == "differs"
    assert all(check.agrees for check in found.certificate)
    assert found.reason.startswith("lo (by ") or found.reason.startswith("hi (by ")


def test_data_of_the_session_cannot_be_found_again_unless_they_were_saved(tmp_path):
    made = run("timeseries.trend", sample("nile") * 2)
    found = verify(made.save(tmp_path / "bare"))
    assert found.verdict == "cannot be repeated"
    assert found.reason == (
        "y came from a session and was not saved with the run; save it with run.save(path, inputs=True)"
    )
    assert found.to_frame().empty
    assert verify(made.save(tmp_path / "whole", inputs=True)).verdict == "agrees"


@pytest.fixture
def with_file(tmp_path, monkeypatch):
    """A run over a file of the working folder, saved beside it."""
    monkeypatch.chdir(tmp_path)
    sample("nile").rename_axis("date").to_csv("nile.csv")
    from pathlib import Path

    return run("timeseries.trend", Path("nile.csv")).save(tmp_path / "run.prism")


def test_a_changed_file_is_told_by_its_digest(with_file, tmp_path):
    assert verify(with_file).verdict == "agrees"
    text = (tmp_path / "nile.csv").read_text()
    (tmp_path / "nile.csv").write_text(text.replace("1120.0", "1121.0"))
    found = verify(with_file)
    was = load(with_file).provenance["inputs"]["y"]["sha256"][:12]
    assert found.verdict == "cannot be repeated"
    expected = (
        rf"y has changed: Path\('nile\.csv'\) held sha256 {was}… when the run was made, and holds [0-9a-f]{{12}}… now"
    )
    assert re.fullmatch(expected, found.reason)


def test_a_vanished_file_cannot_be_repeated(with_file, tmp_path):
    (tmp_path / "nile.csv").unlink()
    found = verify(with_file)
    assert (found.verdict, found.reason) == (
        "cannot be repeated",
        "y cannot be read again: nile.csv is not there; give the path of a CSV, Parquet or NPY file",
    )


def test_a_file_is_found_beside_the_run_from_another_folder(with_file, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert verify(with_file).verdict == "agrees"


def test_a_file_of_another_machine_is_found_beside_the_run(tmp_path):
    (tmp_path / "there").mkdir()
    sample("nile").rename_axis("date").to_csv(tmp_path / "there" / "nile.csv")
    path = run("timeseries.trend", tmp_path / "there" / "nile.csv").save(tmp_path / "run.prism")
    assert "Path('/" in load(path).provenance["inputs"]["y"]["source"]
    (tmp_path / "there" / "nile.csv").rename(tmp_path / "nile.csv")
    assert verify(path).verdict == "agrees"
    (tmp_path / "nile.csv").write_text((tmp_path / "nile.csv").read_text().replace("1120.0", "1121.0"))
    assert verify(path).verdict == "cannot be repeated"


def test_a_dataset_that_changed_or_went_cannot_be_repeated(tmp_path, monkeypatch):
    from prism_kernels import data

    monkeypatch.setenv("PRISM_DATA", str(tmp_path / "data"))
    path = tmp_path / "nile.csv"
    sample("nile").rename_axis("date").to_csv(path)
    data.add("river", str(path))
    saved = unpack(pack(run("timeseries.trend", data.load("river"))))
    assert saved.provenance["inputs"]["y"]["source"] == "load('river')"
    assert verify(saved).verdict == "agrees"
    path.write_text(path.read_text().replace("1120.0", "1121.0"))
    changed = verify(saved)
    assert changed.verdict == "cannot be repeated"
    assert "changed since it was catalogued" in changed.reason
    data.remove("river")
    gone = verify(saved)
    assert gone.verdict == "cannot be repeated"
    assert gone.reason.startswith("y cannot be read again: ")


@pytest.mark.parametrize(
    "source", ["__import__('os').system('touch pwned')", "sample(", "eval('1')", "sample()", "x.y('a')"]
)
def test_a_source_is_read_and_never_run(trend, source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reference = {"y": {**trend.provenance["inputs"]["y"], "source": source}}
    found = verify(elsewhere(trend, inputs=reference))
    assert (found.verdict, found.reason) == (
        "cannot be repeated",
        f"y cannot be read again: {source} names nothing that can be read",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "source", ["-" * 100_000 + "1", "(" * 5000, "sample(" + "[" * 150 + "]" * 150 + ")", "sample(**1)"]
)
def test_a_source_that_no_parser_takes_is_told_in_a_short_sentence(trend, source):
    found = verify(elsewhere(trend, inputs={"y": {**trend.provenance["inputs"]["y"], "source": source}}))
    assert found.verdict == "cannot be repeated"
    assert found.reason.endswith(" names nothing that can be read")
    assert len(found.reason) < 200


@pytest.mark.parametrize("more", [{"y": 1}, {"operation": "x"}, {"cost": [[1]]}, {"alpha": {"a": {}}}])
def test_settings_that_no_run_has_had_cannot_be_repeated(trend, more):
    found = verify(elsewhere(trend, settings={**trend.provenance["settings"], **more}))
    assert found.verdict == "cannot be repeated"


def test_data_whose_labels_were_made_up_never_agree():
    made = unpack(pack(run("timeseries.trend", sample("nile")), inputs=True))
    for forged in ({"index": 5}, {"index": list(range(100))}, {"names": (5,)}, {"index": ("a",) * 100}):
        found = verify(dataclasses.replace(made, inputs={"y": {**made.inputs["y"], **forged}}))
        assert found.verdict == "cannot be repeated", forged


def test_an_address_is_not_fetched_where_nobody_allowed_it(trend):
    source = "Series.resolve('https://example.org/nile.csv')"
    found = verify(elsewhere(trend, inputs={"y": {**trend.provenance["inputs"]["y"], "source": source}}))
    assert found.verdict == "cannot be repeated"
    assert found.reason.startswith(
        "y cannot be read again: y is the address https://example.org/nile.csv; catalogue it"
    )


def test_saved_data_that_are_not_those_of_the_run_are_told(trend):
    made = unpack(pack(run("timeseries.trend", sample("nile")), inputs=True))
    values = made.inputs["y"]["values"] + 1.0
    found = verify(dataclasses.replace(made, inputs={"y": {**made.inputs["y"], "values": values}}))
    assert found.verdict == "cannot be repeated"
    assert found.reason.startswith("y has changed: the saved run held sha256 ")


def test_an_unknown_operation_cannot_be_repeated(trend):
    found = verify(dataclasses.replace(trend, operation="timeseries.trand"))
    assert (found.verdict, found.reason) == (
        "cannot be repeated",
        "no operation is called 'timeseries.trand'; did you mean 'timeseries.trend'?",
    )


def test_settings_that_are_refused_now_cannot_be_repeated(trend):
    settings = {**trend.provenance["settings"], "min_size": 0}
    found = verify(elsewhere(trend, settings=settings))
    assert found.verdict == "cannot be repeated"
    assert found.reason == (
        "timeseries.trend refuses here what it took then: min_size must be a whole number at least 1, and 0 was given"
    )


def other_trend(saved):
    """Return a run whose numbers hold by themselves and are not those that come out here: a larger penalty."""
    other = unpack(pack(run("timeseries.trend", sample("nile"), n_changepoints=0)))
    penalty = saved.fields["penalty"]
    return dataclasses.replace(saved, fields={**other.fields, "penalty": penalty * 1e6}, axes=other.axes)


def test_another_version_that_agrees_agrees_with_a_note(trend):
    found = verify(elsewhere(trend, version="0.0.1"))
    assert found.verdict == "agrees"
    assert found.warnings == (
        f"it was made with prism_kernels 0.0.1, and this is prism_kernels {trend.provenance['version']}",
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"version": "0.0.1"}, "it was made with prism_kernels 0.0.1, and this is "),
        ({"cpu": "Z80"}, "it was made with Z80, and this is "),
    ],
)
def test_another_version_or_cpu_that_differs_cannot_be_repeated_while_its_certificate_holds(trend, changed, said):
    found = verify(elsewhere(other_trend(trend), **changed))
    assert found.verdict == "cannot be repeated"
    assert found.reason.startswith(said)
    assert "came out otherwise, and its certificate holds" in found.reason


@pytest.mark.parametrize("changed", [{}, {"cpu": "Z80"}, {"version": "0.0.1"}, {"device": "cuda:0"}])
def test_a_warning_that_was_taken_out_or_made_up_never_agrees_wherever_the_run_was_made(changed):
    rounded = sample("macrodata").iloc[:, [0, 8]].round(1)
    saved = unpack(pack(run("timeseries.correlation", rounded, method="mutual_information"), inputs=True))
    assert saved.warnings
    assert verify(elsewhere(saved, **changed)).verdict == "agrees"
    for warnings, said in (
        ((), f"this run alone warns: {saved.warnings[0]}"),
        ((*saved.warnings, "x"), "the saved run alone warns: x"),
    ):
        found = verify(dataclasses.replace(elsewhere(saved, **changed), warnings=warnings))
        assert found.verdict == ("cannot be repeated" if changed else "differs")
        assert "warnings (by inf, tolerance 0) came out otherwise" in found.reason
        assert found.to_frame().set_index("name").verdict["warnings"] == "differs"
        assert said in found.warnings


@pytest.mark.parametrize("changed", [{}, {"cpu": "Z80"}])
def test_a_status_that_was_made_up_never_agrees_wherever_the_run_was_made(changed):
    saved = unpack(pack(run("timeseries.forecast", sample("nile"), h=2, model="theta")))
    assert saved.fields["status"] == ("ok",)
    for field, value in (("status", ("not_converged",)), ("converged", ~saved.fields["converged"])):
        found = verify(elsewhere(with_field(saved, **{field: value}), **changed))
        assert found.verdict == ("cannot be repeated" if changed else "differs")
        assert field in found.reason


def test_another_cpu_is_no_excuse_for_a_wrong_certificate(trend):
    found = verify(elsewhere(with_field(trend, cost=trend.fields["cost"] * 2), cpu="Z80"))
    assert found.verdict == "differs"
    assert found.reason.startswith("the certificate does not hold: cost of the segments (by 0.5")


def test_the_same_numbers_on_the_same_machine_have_no_excuse(trend):
    assert verify(other_trend(trend)).verdict == "differs"


def test_without_a_cuda_device_the_reason_says_so(trend):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    found = verify(trend, on="cuda")
    assert found.verdict == "cannot be repeated"
    assert found.reason.startswith("there is no CUDA device here: torch sees none")


def test_on_cuda_the_series_are_the_accelerator_s(trend, monkeypatch):
    torch = pytest.importorskip("torch")
    place = "cuda" if torch.cuda.is_available() else "cpu"
    monkeypatch.setattr(repetition, "_placed", lambda values: torch.as_tensor(np.array(values), device=place))
    saved = unpack(pack(run("timeseries.metrics", sample("nile"), sample("nile") + 1.0), inputs=True))
    assert verify(saved, on="cuda").verdict == "agrees"
    resampled = unpack(pack(run("timeseries.resample", sample("co2"), every="MS")))
    found = verify(resampled, on="cuda")
    assert found.reason == "y is read by the CPU alone (Observations); use --on local"


def test_an_unknown_place_is_refused(trend):
    with pytest.raises(InvalidInput, match="on must be one of 'local', 'dask', 'cuda', and 'moon' was given"):
        verify(trend, on="moon")


def test_the_numbers_are_the_same_on_dask(tmp_path):
    distributed = pytest.importorskip("distributed")
    made = run("timeseries.cross_validate", sample("nile"), h=2, n_windows=3, model="theta")  # which fans out itself
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
        ) as cluster,
        distributed.Client(cluster),
    ):
        found = verify(made.save(tmp_path / "cv"), on="dask")
    assert (found.verdict, found.on) == ("agrees", "dask")
    assert found.difference.max() == 0


# --- differences ---------------------------------------------------------------------------------------------------


@given(arrays.arrays(float, st.integers(0, 5)), st.floats(-0.5, 0.5))
def test_a_value_is_as_far_from_itself_as_it_was_scaled(values, share):
    assert gap(values, values) == 0
    if np.isfinite(values).all() and (values != 0).any():
        scaled = values * (1 - share) if share >= 0 else values / (1 + share)
        if np.isfinite(scaled).all() and np.abs(values).max() > 1e-300:
            assert gap(values, scaled) <= abs(share) * (1 + 1e-9) + 1e-15
            assert gap(values, scaled) == gap(scaled, values)


def test_rounding_of_residuals_is_measured_against_their_row_and_units_of_single_numbers_are_their_own():
    row = np.array([[1.0, 1e-15], [1e9, 1e-6]])
    assert gap(row, row + np.array([[0, 1e-15], [0, 1e-6]])) == pytest.approx(1e-12, rel=1e-6)
    assert gap(np.array([1e9, 1e-9]), np.array([1e9, 2e-9])) == 0.5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, 1.0])),
        (np.array([np.inf]), np.array([-np.inf])),
        (np.zeros(2), np.zeros(3)),
        (np.zeros(2), np.zeros(2, dtype=int)),
        (np.array([1, 2]), np.array([1, 3])),
        (np.array([True]), np.array([False])),
        (np.array([1]), np.array(["2020-01-01"], dtype="datetime64[ns]")),
        (np.array([1]), np.array(["1"])),
        (np.array([1]), np.array([True])),
        ("a", "b"),
        (1, 2),
        (1, True),
        (1.0, None),
        (("a",), ("a", "b")),
        ({"a": 1}, {"b": 1}),
        (Segment("a", 0, 1, "", "", 0.0, 0.0), Segment("b", 0, 1, "", "", 0.0, 0.0)),
    ],
)
def test_what_must_be_equal_is_infinitely_far_apart(one, other):
    assert gap(one, other) == math.inf
    assert gap(one, one) == gap(other, other) == 0


def test_the_tolerance_of_single_precision_is_its_rounding():
    fields = {"a": np.ones(2, dtype=np.float32), "b": np.ones(2), "c": "text", "d": np.ones(2, dtype=int)}
    found = {g.name: g.tolerance for g in compare(fields, fields, 1e-9)}
    assert found == {"a": 4 * np.finfo(np.float32).eps, "b": 1e-9, "c": 0.0, "d": 0.0}
