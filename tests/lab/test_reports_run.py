"""Reports are made by real kernels: page, notebook, record and history, whatever happens on the way."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import prism_kernels
from prism_kernels.errors import Cancelled, InvalidInput
from prism_kernels.progress import Listener, listen
from prism_kernels.timeseries import decompose
from prism_lab.reports.expectation import bare_name, read
from prism_lab.reports.runner import run_report
from prism_lab.reports.template import find_template
from prism_lab.store import Store

pytestmark = [
    # pyzmq opens its sockets without a loop of its own on Python 3.11 and says so at exit
    pytest.mark.filterwarnings("ignore:.*Proactor event loop.*:RuntimeWarning"),
]


class _Page(HTMLParser):
    """Collects everything of a page that could load something, and the pictures."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.pictures, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.loads += [found[k] for k in ("src", "srcset", "data", "action", "poster") if k in found]
        if tag == "link":
            self.loads.append(found.get("href"))
        if tag == "img":
            self.pictures.append(found)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The same report made twice into one folder, the second time with another season."""
    folder = tmp_path_factory.mktemp("made")
    store = Store(folder / "s.sqlite")
    first = run_report("timeseries.decompose", {"y": "elnino", "period": 12}, out=folder, store=store)
    second = run_report("timeseries.decompose", {"y": "elnino", "period": 6}, out=folder, store=store)
    return first, second, store


def test_key_numbers_are_those_of_the_operation(made):
    first, _, _ = made
    expected = decompose(prism_kernels.sample("elnino"), period=12)
    assert first.entry.status == "completed"
    assert first.record["key_numbers"]["trend_strength[sea_surface_temperature]"] == pytest.approx(
        float(expected.trend_strength[0]), rel=1e-12
    )


def test_the_record_holds_all_that_is_needed_to_do_it_again(made):
    first, second, _ = made
    record = json.loads(second.files["record"].read_text())
    assert record == json.loads(json.dumps(second.record))
    digest = prism_kernels.Series.of(prism_kernels.sample("elnino")).digest
    assert record["inputs"]["y"] == {"sha256": digest, "source": "sample('elnino')", "shape": [1, 732]}
    assert record["provenance"][0]["inputs"]["y"]["sha256"] == digest
    assert record["provenance"][0]["settings"]["period"] == 6
    assert record["parameters"] == {"y": "elnino", "period": 6, "method": "stl", "model": "additive", "robust": False}
    assert len(record["cells"]) == record["cells_total"] == 7
    assert 0 < sum(cell["seconds"] for cell in record["cells"]) <= record["duration_s"]
    assert first.record["differences"] == {}


def test_key_numbers_are_compared_with_the_run_before(made):
    first, second, _ = made
    name = "trend_strength[sea_surface_temperature]"
    now, before = (m.record["key_numbers"][name] for m in (second, first))
    found = second.record["differences"][name]
    assert found == {"now": now, "before": before, "change": now - before, "relative": (now - before) / before}
    assert second.record["compared_with"]["id"] == first.entry.id
    assert second.record["compared_with"]["parameters_changed"] == {"period": [12, 6]}


def test_the_history_holds_both_runs(made):
    first, second, store = made
    assert store.runs("timeseries.decompose") == [second.entry, first.entry]


def test_the_page_loads_nothing_and_every_picture_has_words(made):
    text = made[1].files["page"].read_text()
    page = _Page(text)
    assert all(load.startswith("data:") for load in page.loads)
    assert "script" not in page.tags
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import", text)
    assert len(page.pictures) == 3
    assert all(len(picture["alt"]) > 20 for picture in page.pictures)
    assert len(text) < 200_000


def test_the_notebook_holds_parameters_and_outputs(made):
    notebook = nbformat.read(made[1].files["notebook"], as_version=4)
    nbformat.validate(notebook)
    injected = [c for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", [])]
    assert 'settings = {"period": 6}' in injected[0].source
    assert notebook.metadata.prism.status == "completed"
    assert notebook.metadata.prism.key_numbers == made[1].record["key_numbers"]


@pytest.fixture
def template(tmp_path, monkeypatch):
    """Write a template of a few cells into the folder of an analyst, and make that the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRISM_STORE", str(tmp_path / "s.sqlite"))

    def write(*sources):
        cells = [new_code_cell("n: int = 1", metadata={"tags": ["parameters"]}), new_markdown_cell("# Mine")]
        path = tmp_path / "mine.ipynb"
        nbformat.write(new_notebook(cells=[*cells, *map(new_code_cell, sources)]), path)
        return str(path)

    return write


def test_a_failing_cell_gives_the_kernels_own_sentence_and_keeps_what_was_there(template, tmp_path):
    source = "from prism_kernels import run, sample\nrun('timeseries.decompose', sample('co2'), period=52)"
    done = run_report(template("print('before', n)", source, "print('never')"), {"n": 7}, out=tmp_path / "out")
    with pytest.raises(InvalidInput) as refused:
        decompose(prism_kernels.sample("co2"), period=52)
    assert (done.entry.status, done.entry.error) == ("failed", str(refused.value))
    text = done.files["notebook"].read_text()
    assert "before 7" in text
    assert "This report failed** in cell 4 of 5" in text
    page = done.files["page"].read_text()
    assert "This report failed" in page
    assert 'content="failed"' in page
    assert json.loads(done.files["record"].read_text())["status"] == "failed"


def test_a_failed_assertion_without_words_is_told_by_its_cell(template, tmp_path):
    done = run_report(template("assert n == 2"), out=tmp_path / "out")
    assert (done.entry.status, done.entry.error) == ("failed", "AssertionError in cell 2")


def test_a_kernel_that_dies_leaves_the_notebook_so_far(template, tmp_path):
    done = run_report(template("print('before')", "import os; os.kill(os.getpid(), 9)", "1"), out=tmp_path / "out")
    assert done.entry.status == "interrupted"
    assert "the kernel died" in done.entry.error
    notebook = nbformat.read(done.files["notebook"], as_version=4)
    assert "This report was interrupted" in notebook.cells[0].source
    assert notebook.metadata.prism.status == "interrupted"
    assert "before" in done.files["page"].read_text()


@pytest.mark.parametrize(
    ("source", "status"), [("assert n < 2", "failed"), ("import os; n < 2 or os.kill(os.getpid(), 9)", "interrupted")]
)
def test_one_that_goes_wrong_is_written_beside_an_earlier_good_one(template, tmp_path, source, status):
    out = tmp_path / "out"
    good = run_report(template(source), {"n": 1}, out=out)
    before = {path: path.read_bytes() for path in good.files.values()}
    bad = run_report("mine.ipynb", {"n": 2}, out=out)
    assert (good.entry.status, bad.entry.status) == ("completed", status)
    assert {path: path.read_bytes() for path in before} == before
    names = {f"mine.{status}.{suffix}" for suffix in ("ipynb", "html", "json")}
    assert {path.name for path in bad.files.values()} == names
    assert {path.name for path in out.iterdir()} == names | {path.name for path in before}
    assert json.loads(bad.files["record"].read_text())["files"]["page"] == f"mine.{status}.html"
    run_report("mine.ipynb", {"n": 0}, out=out)
    assert json.loads(good.files["record"].read_text())["parameters"] == {"n": 0}


def test_one_that_goes_wrong_takes_the_place_of_one_that_did_too_but_of_no_strangers(template, tmp_path):
    out = tmp_path / "out"
    first, second = (run_report(template("assert n > 9"), {"n": n}, out=out) for n in (1, 2))
    assert first.files == second.files
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.ipynb").write_text("somebody's own")
    assert run_report("mine.ipynb", out=tmp_path / "own").files["notebook"].name == "mine.failed.ipynb"
    assert (tmp_path / "own" / "mine.ipynb").read_text() == "somebody's own"


def test_the_notebook_that_a_report_is_made_of_is_never_written_over(template, tmp_path):
    path = template("1")
    before = Path(path).read_bytes()
    with pytest.raises(InvalidInput, match="--out: .* holds the notebook that the report is made of; choose another"):
        run_report(path, out=tmp_path)
    assert Path(path).read_bytes() == before


def test_its_caller_can_cancel_it_in_the_middle_of_a_cell(template, tmp_path):
    ear = Listener()
    timer = threading.Timer(3.0, ear.cancel)
    timer.start()
    with listen(ear):
        done = run_report(template("import time; time.sleep(100)"), out=tmp_path / "out")
    assert (done.entry.status, done.entry.error) == ("interrupted", "stopped by its caller")
    assert done.entry.duration_s < 60


def test_expectations_are_judged_and_recorded(made, tmp_path):
    store = made[2]
    expect = [read("trend_strength > 2"), read("seasonal_strength >= 0"), read("nothing < 1")]
    with pytest.raises(InvalidInput, match="has no key number 'nothing'; .*known are .*seasonal_strength"):
        run_report("timeseries.decompose", {"y": "elnino"}, out=tmp_path / "out", expect=expect, store=store)
    assert not (tmp_path / "out").exists()
    found = run_report("timeseries.decompose", {"y": "elnino"}, out=tmp_path / "out", expect=expect[:1], store=store)
    name = "trend_strength[sea_surface_temperature]"
    verdict = {"condition": "trend_strength > 2", "name": name, "value": found.entry.key_numbers[name], "holds": False}
    assert found.record["expectations"] == [verdict | {"error": ""}]
    assert store.get(found.entry.id).expectations == (verdict | {"error": ""},)
    assert (found.entry.status, found.entry.verdict) == ("completed", "unexpected")


def test_the_forecast_report_hands_on_the_numbers_it_promises(tmp_path):
    sent = {"y": "nile", "h": 3, "season_length": 1, "n_windows": 1}
    found = run_report("forecast", sent, out=tmp_path, store=Store(tmp_path / "s.sqlite"))
    assert {bare_name(name) for name in found.entry.key_numbers} == set(find_template("forecast").key_numbers)


def test_its_caller_can_cancel_it_between_cells(template, tmp_path):
    ear = Listener(lambda done, total, label: ear.cancel() if done == 2 else None)
    with listen(ear):
        done = run_report(template("print('before')", "print('never')"), out=tmp_path / "out")
    assert (done.entry.status, done.entry.error) == ("interrupted", "stopped by its caller")
    with pytest.raises(Cancelled), listen(ear):
        prism_kernels.progress.checkpoint()


def test_a_folder_that_cannot_be_made_is_refused_before_anything_runs(template, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="--out: .* cannot be made"):
        run_report(template("1"), out=tmp_path / "file" / "deep")
    assert Store().runs() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_the_notebook_so_far_and_marks_it(template, tmp_path, number):
    path = template("print('before', flush=True); open('started', 'w').close()", "import time; time.sleep(100)")
    command = [sys.executable, "-m", "prism_cli", "report", "run", path, "--out", "out"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        end = time.monotonic() + 60
        while not (tmp_path / "started").exists() and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.5)
        child.send_signal(number)
        said = child.communicate(timeout=30)[1].decode()
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 128 + number
    assert f"interrupted: stopped by {signal.Signals(number).name}" in said
    assert "Traceback" not in said
    record = json.loads((tmp_path / "out" / "mine.json").read_text())
    assert (record["status"], len(record["cells"]), record["cells_total"]) == ("interrupted", 3, 3)
    notebook = nbformat.read(tmp_path / "out" / "mine.ipynb", as_version=4)
    assert "This report was interrupted" in notebook.cells[0].source
    assert "before" in json.dumps(notebook)
    assert "before" in (tmp_path / "out" / "mine.html").read_text()
    assert not [p for p in Path("/proc").glob("[0-9]*") if _works_in(p, tmp_path)]


def _works_in(process, folder):
    try:
        return (process / "cwd").readlink() == folder and process.name != str(os.getpid())
    except OSError:
        return False
