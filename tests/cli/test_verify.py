"""``prism verify``: a table, a verdict and an exit code, for saved runs and for the notebooks of reports."""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import prism_kernels
from prism_kernels.saved import load, pack, unpack
from prism_lab.reports.numbers import merged
from prism_lab.reports.recording import MIMETYPE, SAVED, saved_runs
from prism_lab.reports.runner import run_report
from prism_lab.reports.seal import CONTENT, content_digest
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


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_on_a_dask_cluster_the_numbers_are_the_same(prism, saved, monkeypatch):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        done = prism("verify", saved, "--on", "dask", "--json")
        assert done.code == 0, done.err
        (one,) = json.loads(done.out)["runs"]
        assert (one["verdict"], one["on"]) == ("agrees", "dask")
        assert one["difference"] == [0.0] * len(one["axes"]["field"])
        mean = load(saved).fields["segments"][0].mean
        saved.write_bytes(forged(saved.read_bytes(), str(mean).encode(), str(mean + 1).encode()))
        assert prism("verify", saved, "--on", "dask").code == 1
    monkeypatch.setattr("prism_kernels.repetition._PATIENCE_SECONDS", 1)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    gone = prism("verify", saved, "--on", "dask")
    assert gone.code == 2
    assert gone.out.startswith("timeseries.trend: cannot be repeated: no Dask scheduler answers at tcp://127.0.0.1:9: ")
    assert "Traceback" not in gone.err


def test_on_cuda_without_a_device_the_reason_is_told_with_code_2(prism, saved):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    done = prism("verify", saved, "--on", "cuda")
    assert done.code == 2
    assert done.out.startswith("timeseries.trend: cannot be repeated: there is no CUDA device here: torch sees none")
    assert done.out.count("\n") == 1


def test_a_colleague_verifies_a_saved_run_from_an_empty_clone(saved, tmp_path):
    """What the repository holds is enough: no file of this checkout that git does not know is read."""
    root = Path(__file__).parents[2]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        pytest.skip("this is no checkout of git")
    clone, files = (
        tmp_path / "clone",
        [git, "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    )
    subprocess.run([git, "clone", "--quiet", "--no-hardlinks", str(root), str(clone)], check=True, capture_output=True)
    known = subprocess.run(files, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, known):  # as it will be once what is worked on is committed
        target = clone / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (root / name).is_file():
            shutil.copyfile(root / name, target)
        else:
            target.unlink(missing_ok=True)
    for part in ("run.prism", "nile.csv"):
        shutil.move(tmp_path / part, clone / part)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(clone / "kernels"), str(clone)])}
    options = {"cwd": clone, "env": environment, "capture_output": True, "text": True, "check": False}
    where = "import prism_cli, prism_kernels, prism_kernels.verify as v; print(prism_cli.__file__, v.__file__)"
    used = subprocess.run([sys.executable, "-c", where], **options).stdout.split()
    assert used == [str(clone / "prism_cli/__init__.py"), str(clone / "kernels/prism_kernels/verify.py")]
    command = [sys.executable, "-m", "prism_cli", "verify", "run.prism"]
    done = subprocess.run(command, **options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("timeseries.trend: agrees: all 7 fields agree, and its certificate holds\n")
    (clone / "nile.csv").unlink()
    done = subprocess.run(command, **options)
    assert done.returncode == 2
    assert "y cannot be read again: nile.csv is not there" in done.stdout


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
    runs = [["timeseries.forecast", " agrees"], ["timeseries.cross_validate", " agrees"]]
    assert heads == [*runs, ["forecast.ipynb", " agrees"]]
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


def write_sealed(notebook, path):
    """Write a notebook with a digest that is right, as prism report run does, or who means to deceive."""
    outputs = [o.data[MIMETYPE] for c in notebook.cells for o in c.get("outputs", ()) if MIMETYPE in o.get("data", {})]
    told = merged([(one["provenance"]["operation"], one["key_numbers"]) for one in outputs])
    notebook.metadata["prism"] = {**notebook.metadata.get("prism", {}), "key_numbers": told}
    notebook.metadata["prism"][CONTENT] = content_digest(notebook)
    nbformat.write(notebook, path)


def first(outputs):
    """Return what the first run of the report of forecasts hands on, and the name of its number."""
    handed = outputs[0][MIMETYPE]
    return handed, next(iter(handed["key_numbers"]))


def made_up(outputs):
    handed, name = first(outputs)
    handed["key_numbers"][name] = 0.001


def made_up_among_others(outputs):
    made_up(outputs)
    first(outputs)[0]["key_numbers"]["zzz"] = 0


def made_up_without_its_place(outputs):
    made_up(outputs)
    first(outputs)[0]["of"].clear()


def made_up_without_any_place(outputs):
    made_up(outputs)
    del first(outputs)[0]["of"]


def made_up_of_another_place(outputs):
    made_up(outputs)
    handed, name = first(outputs)
    handed["of"][name]["place"] = [0, 0]


def made_up_of_a_place_that_is_none(outputs):
    made_up(outputs)
    handed, name = first(outputs)
    handed["of"][name]["field"] = "nothing"


def added(outputs):
    first(outputs)[0]["key_numbers"]["zzz"] = 0


def hidden(outputs):
    first(outputs)[0]["key_numbers"][first(outputs)[1]] = None


FORGERIES = {
    made_up: 1,
    made_up_among_others: 1,
    made_up_without_its_place: 2,
    made_up_without_any_place: 2,
    made_up_of_another_place: 1,
    made_up_of_a_place_that_is_none: 2,
    added: 2,
    hidden: 1,
}


@pytest.mark.parametrize("change", FORGERIES)
def test_no_key_number_that_was_made_up_agrees_though_every_digest_is_written_anew(prism, report, tmp_path, change):
    path = changed_report(report, tmp_path, change)
    done = prism("verify", path)
    assert done.code == 1
    assert "changed.ipynb: differs: " in done.out
    write_sealed(nbformat.read(path, as_version=4), path)
    done = prism("verify", path)
    assert done.code == FORGERIES[change], done.out
    name = "zzz" if change is added else "end[volume]"
    said = f"run 1 of changed.ipynb shows {name}"
    assert f"changed.ipynb: {'differs' if done.code == 1 else 'not checked'}: {said}" in done.out
    row = next(line.split() for line in done.out.splitlines() if line.startswith(f"  key number   {name}"))
    assert " ".join(row).endswith("differs" if done.code == 1 else "not checked")


def test_the_table_tells_where_each_key_number_stands_in_its_result(prism, report):
    done = prism("verify", report.files["notebook"])
    rows = [line.split() for line in done.out.splitlines() if line.startswith("  key number")]
    assert [" ".join(row[2:-3]) for row in rows] == [
        "end[volume] = mean[0, -1]",
        *(f"{name}[volume] = scores[{name}, 0]" for name in ("bias", "mase", "rmse")),
    ]
    assert {row[-1] for row in rows} == {"agrees"}
    told = json.loads(prism("verify", report.files["notebook"], "--json").out)["report"]
    assert told["verdict"] == "agrees"
    assert told["reason"] == "4 key numbers follow from its runs, and nothing was edited after the run"
    assert {row["kind"] for row in told["rows"]} == {"key number", "notebook", "record", "file"}


@pytest.mark.parametrize("part", ["table", "text", "picture", "words", "code", "record"])
def test_what_was_edited_after_the_run_differs(prism, report, tmp_path, part):
    notebook = nbformat.read(report.files["notebook"], as_version=4)
    shown = [o for c in notebook.cells for o in c.get("outputs", ()) if "data" in o]

    def edit(kind, old, new):
        output = next(o for o in shown if kind in o.data and old in o.data[kind])
        output.data[kind] = output.data[kind].replace(old, new, 1)

    shown_as = {
        "table": ("text/html", "<td>", "<td>9"),
        "text": ("text/markdown", "1 series", "9 series"),
        "picture": ("text/html", 'alt="', 'alt="9 '),
    }
    if part in shown_as:
        edit(*shown_as[part])
    elif part == "record":
        notebook.metadata["prism"]["parameters"]["y"] = "sunspots"
    else:
        kind = {"words": "markdown", "code": "code"}[part]
        next(c for c in notebook.cells if c.cell_type == kind).source += " "
    nbformat.write(notebook, tmp_path / "changed.ipynb")
    done = prism("verify", "changed.ipynb")
    assert done.code == 1
    assert "changed.ipynb: differs: changed.ipynb was edited after the run\n" in done.out


def test_opening_and_saving_a_report_in_a_lab_edits_nothing(prism, report, tmp_path):
    def as_a_browser(value):
        if isinstance(value, dict):
            return {k: as_a_browser(v) for k, v in value.items()}
        if isinstance(value, list):
            return [as_a_browser(v) for v in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    notebook = as_a_browser(nbformat.read(report.files["notebook"], as_version=4))
    for cell in notebook["cells"]:
        cell["metadata"] |= {"scrolled": True}
    (tmp_path / "saved.ipynb").write_text(json.dumps(notebook))  # lines in one piece, where nbformat splits them
    assert prism("verify", "saved.ipynb").code == 0


@pytest.mark.parametrize(("part", "name"), [("record", "forecast.json"), ("page", "forecast.html")])
def test_a_record_or_page_that_was_edited_differs_and_one_that_is_not_there_is_not_missed(
    prism, report, tmp_path, part, name
):
    files = {kind: shutil.copy(path, tmp_path) for kind, path in report.files.items()}
    assert prism("verify", files["notebook"]).code == 0
    text = Path(files[part]).read_text()
    old = '"rmse[volume]": ' if part == "record" else "Forecast"
    assert old in text
    Path(files[part]).write_text(text.replace(old, old[:-1] + ("1" if part == "record" else "s")))
    done = prism("verify", files["notebook"])
    assert done.code == 1
    assert f"forecast.ipynb: differs: {name} " in done.out
    assert "edited after the run" in done.out
    Path(files[part]).unlink()
    assert prism("verify", files["notebook"]).code == 0


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"files": {"page": "../x"}, "digests": {}}', "[" * 100_000, '{"files": 1, "digests": {}}']
)
def test_a_record_beside_it_that_is_none_differs_in_a_sentence(prism, report, tmp_path, text):
    path = shutil.copy(report.files["notebook"], tmp_path)
    (tmp_path / "forecast.json").write_text(text)
    done = prism("verify", path)
    assert done.code == 1
    assert "forecast.json is not the record of forecast.ipynb, or was edited after the run" in done.out


def _outputs_of(notebook):
    return next(c["outputs"] for c in notebook["cells"] if MIMETYPE in json.dumps(c))


MALFORMED = {
    "no data": lambda nb: _outputs_of(nb)[0].update(data=None),
    "data are a list": lambda nb: _outputs_of(nb)[0].update(data=[1]),
    "an output is a text": lambda nb: _outputs_of(nb).append("x"),
    "outputs are a number": lambda nb: nb["cells"][-1].update(outputs=3),
    "cells are an object": lambda nb: nb.update(cells={"a": 1}),
    "a cell is nothing": lambda nb: nb["cells"].append(None),
    "metadata are a list": lambda nb: nb.update(metadata=[1]),
    "handed on: a list": lambda nb: _outputs_of(nb)[0]["data"].update({MIMETYPE: [1]}),
    "handed on: nothing": lambda nb: _outputs_of(nb)[0]["data"].update({MIMETYPE: None}),
    "key numbers: nothing": lambda nb: _outputs_of(nb)[0]["data"][MIMETYPE].update(key_numbers=None),
    "key numbers: a list": lambda nb: _outputs_of(nb)[0]["data"][MIMETYPE].update(key_numbers=[1]),
    "key numbers: texts": lambda nb: _outputs_of(nb)[0]["data"][MIMETYPE].update(key_numbers={"a": "1"}),
    "no key numbers": lambda nb: _outputs_of(nb)[0]["data"][MIMETYPE].pop("key_numbers"),
    "places: nothing": lambda nb: _outputs_of(nb)[0]["data"][MIMETYPE].update(of=None),
    "places: no place": lambda nb: _outputs_of(nb)[0]["data"][MIMETYPE].update(of={"a": {"field": "mean"}}),
    "provenance: a list": lambda nb: _outputs_of(nb)[0]["data"][MIMETYPE].update(provenance=[]),
    "run: a number": lambda nb: _outputs_of(nb)[0]["data"].update({SAVED: 7}),
    "run: nothing": lambda nb: _outputs_of(nb)[0]["data"].update({SAVED: None}),
    "run: a list": lambda nb: _outputs_of(nb)[0]["data"].update({SAVED: [1, 2]}),
    "run: words": lambda nb: _outputs_of(nb)[0]["data"].update({SAVED: "no run at all"}),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_notebook_that_no_report_leaves_is_refused_in_one_sentence(prism, report, tmp_path, case):
    notebook = json.loads(report.files["notebook"].read_text())
    MALFORMED[case](notebook)
    (tmp_path / "bad.ipynb").write_text(json.dumps(notebook))
    done = prism("verify", "bad.ipynb")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("prism: path: ")
    assert "bad.ipynb" in done.err
    assert done.err.count("\n") == 1


def test_a_notebook_whose_lists_lie_inside_each_other_without_end_is_refused(prism, tmp_path):
    (tmp_path / "deep.ipynb").write_text('{"cells": ' + "[" * 100_000 + "]" * 100_000 + "}")
    done = prism("verify", "deep.ipynb")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "deep.ipynb is no notebook" in done.err


def test_nothing_that_a_stranger_wrote_moves_the_cursor(prism, tmp_path):
    made = prism_kernels.run("timeseries.trend", prism_kernels.sample("nile"))
    data = forged(pack(made), b'"warnings": []', b'"warnings": ["\\u001b[2Jall agrees\\r\\nx"]')
    (tmp_path / "a.prism").write_bytes(data)
    done = prism("verify", "a.prism")
    assert done.code == 1
    assert "note: the saved run alone warns: ?[2Jall agrees??x" in done.out
    assert "\x1b" not in done.out


def test_key_numbers_that_are_not_those_of_the_result_are_refused(prism, monkeypatch):
    from prism_lab.reports import recording

    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    recording.record(prism_kernels.run("timeseries.trend", prism_kernels.sample("nile")))
    (data,) = shown
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data)])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), "report.ipynb")
    bare = prism("verify", "report.ipynb")
    assert bare.code == 2
    assert "report.ipynb: not checked: report.ipynb has no digest of its cells and outputs; make it again" in bare.out
    write_sealed(nbformat.v4.new_notebook(cells=[cell]), "report.ipynb")
    assert prism("verify", "report.ipynb").code == 0
    cell.outputs[0].data[MIMETYPE]["key_numbers"]["cost[volume]"] = 1.0
    write_sealed(nbformat.v4.new_notebook(cells=[cell]), "report.ipynb")
    done = prism("verify", "report.ipynb")
    assert done.code == 1
    assert "run 1 of report.ipynb shows cost[volume] as 1.0, and its result has 1597457.1" in done.out


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
