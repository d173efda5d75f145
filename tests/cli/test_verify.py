"""``prism verify``: a table, a verdict and an exit code, for saved runs and for the notebooks of reports."""

import base64
import json
import os

import nbformat
import pytest

import prism_kernels
from prism_kernels.saved import load, pack, unpack
from prism_lab.reports.recording import MIMETYPE, SAVED, saved_runs
from prism_lab.reports.runner import run_report
from prism_lab.store import Store

pytestmark = [
    # pyzmq opens its sockets without a loop of its own on Python 3.11 and says so at exit
    pytest.mark.filterwarnings("ignore:.*Proactor event loop.*:RuntimeWarning"),
]


@pytest.fixture
def saved(prism, tmp_path):
    """A run over a file, saved by the command line."""
    prism_kernels.sample("nile").rename_axis("date").to_csv("nile.csv")
    out = tmp_path / "run.prism"
    done = prism("run", "timeseries.trend", "--data", "nile.csv", "--set", "n_changepoints=2", "--out", out)
    assert (done.code, done.out) == (0, "")
    return out


def test_run_saves_what_verify_checks(prism, saved):
    held = load(saved)
    assert held.given == {"n_changepoints": 2}
    assert held.provenance["inputs"]["y"]["source"] == "Path('nile.csv')"
    done = prism("verify", saved)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "timeseries.trend: agrees: all 7 fields agree, and its certificate holds"
    rows = {tuple(line.split()[:2]): line.split()[-1] for line in lines[2:-1]}
    assert rows["field", "changepoints"] == "agrees"
    assert rows["certificate", "cost"] == "agrees"
    assert set(rows.values()) == {"agrees"}
    assert lines[-1].strip().startswith("took ")


def test_json_holds_every_difference(prism, saved):
    done = prism("verify", saved, "--json")
    assert done.code == 0
    held = json.loads(done.out)
    (one,) = held["runs"]
    assert held["file"] == str(saved)
    assert (one["verdict"], one["on"], one["operation"]) == ("agrees", "local", "timeseries.trend")
    assert one["difference"] == [0.0] * len(one["axes"]["field"])
    assert {"name", "difference", "tolerance"} == set(one["certificate"][0])


def forged(data, old, new):
    """Change a number of a saved run and give it a new digest, as somebody would who means to deceive."""
    import io
    import zipfile

    from prism_kernels.saved import _archive

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {n: archive.read(n) for n in archive.namelist() if n != "sha256"}
    assert old in members["run.json"]
    members["run.json"] = members["run.json"].replace(old, new)
    return _archive(members)


def test_a_forged_number_is_found_by_running_again_with_code_1(prism, saved):
    mean = load(saved).fields["segments"][0].mean
    saved.write_bytes(forged(saved.read_bytes(), str(mean).encode(), str(mean + 1).encode()))
    done = prism("verify", saved)
    assert done.code == 1
    assert done.out.startswith("timeseries.trend: differs: the certificate does not hold: mean of each segment (by ")
    assert "segments" in done.out


def test_a_changed_byte_is_refused_with_code_2(prism, saved):
    data = bytearray(saved.read_bytes())
    data[len(data) // 2] ^= 1
    saved.write_bytes(data)
    done = prism("verify", saved)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "prism: path: run.prism was changed after it was saved, or did not arrive whole; get it again from where it "
        "came\n"
    )


def test_changed_and_vanished_data_are_told_with_code_2(prism, saved, tmp_path):
    text = (tmp_path / "nile.csv").read_text()
    (tmp_path / "nile.csv").write_text(text.replace("1120.0", "1121.0"))
    changed = prism("verify", saved)
    assert changed.code == 2
    assert changed.out.startswith("timeseries.trend: cannot be repeated: y has changed: Path('nile.csv') held sha256 ")
    (tmp_path / "nile.csv").unlink()
    gone = prism("verify", saved)
    assert (gone.code, gone.out) == (
        2,
        "timeseries.trend: cannot be repeated: y cannot be read again: nile.csv is not there; "
        "give the path of a CSV, Parquet or NPY file\n",
    )


def test_another_version_with_other_numbers_cannot_be_repeated(prism, saved):
    version = load(saved).provenance["version"].encode()
    data = forged(saved.read_bytes(), b'"version": "' + version, b'"version": "0.0.1')
    saved.write_bytes(data)
    same = prism("verify", saved)
    assert same.code == 0
    assert f"note: it was made with prism_kernels 0.0.1, and this is prism_kernels {version.decode()}" in same.out
    # Three changes instead of two, whose own numbers fit together, are no fault of the certificate.
    made = pack(prism_kernels.run("timeseries.trend", prism_kernels.sample("nile"), n_changepoints=3))
    other = forged(made, b'"version": "' + version, b'"version": "0.0.1')
    saved.write_bytes(forged(other, b'"n_changepoints": 3', b'"n_changepoints": 2'))
    done = prism("verify", saved)
    assert done.code == 2
    assert done.out.startswith("timeseries.trend: cannot be repeated: it was made with prism_kernels 0.0.1")


def test_a_run_saved_with_its_data_needs_no_other_file(prism, tmp_path):
    prism_kernels.sample("nile").rename_axis("date").to_csv("nile.csv")
    given = ("run", "timeseries.trend", "--data", "nile.csv", "--with-data")
    assert prism(*given, "--out", "run.prism").code == 0
    (tmp_path / "nile.csv").unlink()
    assert prism("verify", "run.prism").code == 0
    done = prism(*given, "--out", "run.json")
    assert done.err == "prism: --with-data: run.json holds a result alone; give --out a name that ends in .prism\n"
    done = prism(*given)
    assert done.err == "prism: --with-data needs a file to put them into; give --out FILE.prism\n"


def test_what_is_no_saved_run_is_refused(prism, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    assert "a.csv is no saved run" in prism("verify", "a.csv").err
    done = prism("verify", "nowhere.prism")
    assert (done.code, done.err) == (
        2,
        "prism: path: nowhere.prism is not there; give the file of a saved run, such as run.prism\n",
    )
    assert prism("verify", "a.csv", "--on", "moon").code == 2


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of the template that records two runs, made once by a real kernel."""
    folder = tmp_path_factory.mktemp("report")
    made = run_report(
        "forecast", {"y": "nile", "h": 2, "n_windows": 2, "level": [0.5]}, out=folder, store=Store(folder / "s.sqlite")
    )
    assert made.entry.status == "completed", made.entry.error
    return made


def test_every_run_of_a_report_is_checked(prism, report, tmp_path):
    done = prism("verify", report.files["notebook"])
    assert done.code == 0, done.out
    heads = [line.split(":")[:2] for line in done.out.splitlines() if not line.startswith(" ")]
    assert heads == [["timeseries.forecast", " agrees"], ["timeseries.cross_validate", " agrees"]]
    runs = saved_runs(report.files["notebook"])
    assert [r.provenance["settings"]["h"] for r in runs] == [2, 2]
    assert "vnd.prism.run" not in report.files["page"].read_text()


def changed_report(report, tmp_path, change):
    notebook = nbformat.read(report.files["notebook"], as_version=4)
    outputs = [o for c in notebook.cells for o in c.get("outputs", ()) if SAVED in o.get("data", {})]
    change([o.data for o in outputs])
    path = tmp_path / "changed.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_forged_run_inside_a_report_differs(prism, report, tmp_path):
    def change(outputs):
        data = base64.b64decode(outputs[1][SAVED])
        outputs[1][SAVED] = base64.b64encode(forged(data, b'"window"', b'"windoo"')).decode()

    done = prism("verify", changed_report(report, tmp_path, change))
    assert done.code == 1
    assert "timeseries.cross_validate: differs: labels" in done.out


def test_a_report_that_was_changed_is_refused(prism, report, tmp_path):
    def damage(outputs):
        outputs[0][SAVED] = outputs[0][SAVED][:-40]

    done = prism("verify", changed_report(report, tmp_path, damage))
    assert done.code == 2
    assert "run 1 of changed.ipynb was changed after it was saved" in done.err

    def another_table(outputs):
        outputs[0][MIMETYPE]["provenance"]["settings"]["h"] = 3

    done = prism("verify", changed_report(report, tmp_path, another_table))
    assert (done.code, done.err) == (
        2,
        "prism: path: run 1 of changed.ipynb shows another provenance than that of the run it carries; the notebook "
        "was changed\n",
    )

    def without(outputs):
        del outputs[1][SAVED]

    done = prism("verify", changed_report(report, tmp_path, without))
    assert done.code == 2
    assert "run 2 of changed.ipynb is not in the notebook, since it is very large or from an older" in done.err


def test_key_numbers_that_are_not_those_of_the_result_are_refused(prism, monkeypatch):
    from prism_lab.reports import recording

    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    recording.record(prism_kernels.run("timeseries.trend", prism_kernels.sample("nile")))
    (data,) = shown
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data)])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), "report.ipynb")
    assert prism("verify", "report.ipynb").code == 0
    cell.outputs[0].data[MIMETYPE]["key_numbers"]["cost[volume]"] = 1.0
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), "report.ipynb")
    done = prism("verify", "report.ipynb")
    assert done.code == 2
    assert "run 1 of report.ipynb shows cost[volume] as 1.0, and its result has 1597457.1" in done.err


def test_a_notebook_without_runs_is_refused(prism, tmp_path):
    nbformat.write(nbformat.v4.new_notebook(), "empty.ipynb")
    assert "empty.ipynb carries no run; make it again with prism report run" in prism("verify", "empty.ipynb").err
    (tmp_path / "broken.ipynb").write_text("{")
    assert (
        "broken.ipynb is no notebook; give the .ipynb that prism report run wrote"
        in prism("verify", "broken.ipynb").err
    )


def test_a_report_carries_data_of_its_own_session_and_no_very_large_run(monkeypatch):
    import numpy as np

    from prism_lab.reports import recording

    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    recording.record(prism_kernels.run("timeseries.trend", prism_kernels.sample("nile") * 2))
    recording.record(prism_kernels.run("timeseries.trend", prism_kernels.sample("nile")))
    with_data, without = (unpack(base64.b64decode(data[SAVED])) for data in shown)
    assert set(with_data.inputs) == {"y"}
    assert without.inputs == {}
    large = np.arange(600_000.0).reshape(300_000, 2)[:, ::-1].copy()
    recording.record(prism_kernels.run("timeseries.metrics", large, large))
    assert SAVED not in shown[-1]
    assert MIMETYPE in shown[-1]


def test_the_file_has_the_permissions_of_any_new_file(saved):
    umask = os.umask(0)
    os.umask(umask)
    assert saved.stat().st_mode & 0o777 == 0o666 & ~umask
