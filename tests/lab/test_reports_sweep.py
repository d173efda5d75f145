"""Sweeps: checked whole before they start, never twice the same work, one failure alone, and equal bits on Dask."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from prism_kernels.errors import InvalidInput
from prism_kernels.progress import Listener, listen
from prism_lab.reports.cluster import connected
from prism_lab.reports.expectation import read
from prism_lab.reports.seal import seal
from prism_lab.reports.sweep import run_sweep
from prism_lab.reports.sweep_file import parameter_sets, read_sweep
from prism_lab.store import Store

pytestmark = [
    # pyzmq opens its sockets without a loop of its own on Python 3.11 and says so at exit
    pytest.mark.filterwarnings("ignore:.*Proactor event loop.*:RuntimeWarning"),
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRISM_STORE", str(tmp_path / "s.sqlite"))
    return tmp_path


@pytest.fixture
def template(place):
    """Write a template that leaves a mark for each run of it, and then runs some cells."""

    def write(*sources):
        marks = "open(f'mark-{n}', 'a').write('x')"
        cells = [new_code_cell("n: int = 1", metadata={"tags": ["parameters"]}), new_markdown_cell("# Mine")]
        nbformat.write(new_notebook(cells=[*cells, *map(new_code_cell, (marks, *sources))]), place / "mine.ipynb")
        return "mine.ipynb"

    return write


HAND_ON = (
    "from IPython.display import display\n"
    "about = {'operation': 'mine', 'inputs': {}}\n"
    "handed = {'key_numbers': {'n': float(n)}, 'provenance': about}\n"
    "display({'application/vnd.prism.run+json': handed, 'text/plain': 'mine'}, raw=True)"
)


def _marks(place):
    return {path.name: path.read_text() for path in place.glob("mark-*")}


def test_lists_are_combined_and_the_last_name_changes_fastest(tmp_path):
    (tmp_path / "s.yaml").write_text("y: [a, b]\nh: [6, 1e1]\nmodel: theta\nlevel: [[0.8, 0.9]]\nfrom: 2024-01-01\n")
    rest = {"model": "theta", "level": [0.8, 0.9], "from": "2024-01-01"}
    expected = [{"y": y, "h": h, **rest} for y in "ab" for h in (6, 10.0)]
    assert read_sweep(tmp_path / "s.yaml") == expected
    (tmp_path / "s.json").write_text(json.dumps([{"h": 1}, {"y": "a"}]))
    assert read_sweep(tmp_path / "s.json") == [{"h": 1}, {"y": "a"}]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("h: [1]\nh: [2]", "--sweep: s.yaml cannot be read: h is there twice; write parameters as lists"),
        ("h: [1", "--sweep: s.yaml cannot be read: while parsing"),
        ("h: []", "--sweep: h of s.yaml has no values; give it at least one"),
        ("just words", "--sweep: s.yaml holds neither lists of values nor a list of sets; write parameters as lists"),
        ("[1, 2]", "--sweep: s.yaml holds neither lists"),
        ("{}", "--sweep: s.yaml is empty; write parameters as lists"),
        ("- {1: 2}", "--sweep: item 1 of s.yaml has the name 1; put it into quotes"),
    ],
)
def test_a_file_that_is_no_sweep_is_refused(tmp_path, text, sentence):
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(InvalidInput) as refused:
        read_sweep(tmp_path / "s.yaml")
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_far_too_many_reports_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"--sweep: .*s.yaml cannot be read: No such file"):
        read_sweep(tmp_path / "s.yaml")
    with pytest.raises(InvalidInput, match="asks for 1000000000000 reports; 10000 at a time are the most"):
        parameter_sets({n: list(range(1000)) for n in "abcd"})


@pytest.mark.parametrize(
    ("sets", "common", "sentence"),
    [
        ([{"h": 6}, {"h": 0}], {}, "sweep item 2: h must be a whole number from 1 to 10000, and 0 was given"),
        ([{"h": 6}, {"h": "6"}], {}, "sweep item 2: h must be a whole number"),
        ([{"hh": 6}], {}, "sweep item 1: report forecast has no parameter 'hh'; did you mean 'h'?"),
        ([{"y": "nile"}, {"y": "niel"}], {}, "sweep item 2: y names no sample"),
        ([{"model": "teta"}], {}, "sweep item 1: model must be one of"),
        ([{"h": 6}], {"h": 12}, "sweep item 1 gives h, which -p, --data or --set gave already; give it once"),
        ([{"h": 6}, {"h": 12}], {}, "sweep item 2 is the same report as"),
    ],
)
def test_every_item_is_checked_before_anything_starts(place, sets, common, sentence):
    if "same report" in sentence:
        sets = [*sets[1:], {}]  # 12 is the default of h
    with pytest.raises(InvalidInput) as refused:
        run_sweep("forecast", sets, out=place / "out", common=common)
    assert str(refused.value).startswith(sentence)
    assert not (place / "out").exists()
    assert Store().runs() == []


def test_one_failing_item_does_not_stop_the_others_and_is_made_again(template, place):
    name = template("import os; assert n != 2 or os.path.exists('mended'), 'two is bad'", HAND_ON)
    sets = [{"n": k} for k in (1, 2, 3)]
    made = run_sweep(name, sets, out=place / "out", expect=[read("n < 3")])
    assert [made.entries[k].verdict for k in (1, 2, 3)] == ["completed", "failed", "unexpected"]
    assert made.entries[2].error == "AssertionError: two is bad"
    assert (made.again, made.stopped) == (frozenset(), False)
    folders = sorted(path.name for path in (place / "out").iterdir() if path.is_dir())
    assert folders == sorted(item.name for item in made.items)
    assert all(name.startswith(f"n-{k}-") for k, name in enumerate(folders, start=1))
    (place / "mended").touch()
    again = run_sweep(name, sets, out=place / "out", expect=[read("n < 4")])
    assert again.again == {1, 3}
    assert [again.entries[k].verdict for k in (1, 2, 3)] == ["completed"] * 3
    assert _marks(place) == {"mark-1": "x", "mark-2": "xx", "mark-3": "x"}
    for k in (1, 3):  # judged anew by what is expected now, in the record and in the history
        record = json.loads((place / "out" / again.items[k - 1].name / "mine.json").read_text())
        assert [(v["condition"], v["holds"]) for v in record["expectations"]] == [("n < 4", True)]
        assert list(Store().get(record["id"]).expectations) == record["expectations"]
    assert len(Store().runs()) == 4


def test_a_report_is_made_again_when_its_cells_or_data_changed(place):
    sets = [{"y_pred": "nile"}, {"y_pred": "flow.csv"}]
    flow = Path("flow.csv")
    flow.write_text("date,volume\n" + "".join(f"{1871 + k}-01-01,{k}\n" for k in range(100)))
    run = {"out": place / "out", "common": {"y_true": "nile"}}
    first = run_sweep("timeseries.metrics", sets, **run)
    assert [e.status for e in first.entries.values()] == ["completed"] * 2
    assert run_sweep("timeseries.metrics", sets, **run).again == {1, 2}
    flow.write_text(flow.read_text().replace(",99\n", ",98\n"))
    changed = run_sweep("timeseries.metrics", sets, **run)
    assert changed.again == {1}
    names = [m.items[1].name for m in (first, changed)]
    assert names[0] != names[1]
    assert all((place / "out" / name / "timeseries.metrics.html").exists() for name in names)


def test_a_record_without_its_page_is_not_done(template, place):
    name = str(Path(template()).rename("m[in]e.ipynb"))
    first = run_sweep(name, [{"n": 1}], out=place / "out")
    assert run_sweep(name, [{"n": 1}], out=place / "out").again == {1}
    (place / "out" / first.items[0].name / "m[in]e.html").unlink()
    assert run_sweep(name, [{"n": 1}], out=place / "out").again == frozenset()
    nbformat.write(new_notebook(cells=[*nbformat.read(name, 4).cells, new_code_cell("1")]), name)
    assert run_sweep(name, [{"n": 1}], out=place / "out").again == frozenset()
    assert _marks(place) == {"mark-1": "xxx"}


def _number(record):
    record["key_numbers"]["n"] = 99.0


def _parameter(record):
    record["parameters"]["n"] = 99


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("change", [_number, _parameter])
def test_a_record_that_was_edited_is_made_again(template, place, change, sealed):
    name = template(HAND_ON)
    sets = [{"n": 1}, {"n": 2}]
    first = run_sweep(name, sets, out=place / "out", expect=[read("n < 50")])
    path = place / "out" / first.items[0].name / "mine.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(seal(record) if sealed else record))
    again = run_sweep(name, sets, out=place / "out", expect=[read("n < 50")])
    assert again.again == {2}
    assert again.entries[1].key_numbers == {"n": 1.0}
    assert json.loads(path.read_text())["key_numbers"] == {"n": 1.0}
    assert _marks(place) == {"mark-1": "xx", "mark-2": "x"}
    assert run_sweep(name, sets, out=place / "out").again == {1, 2}


@pytest.mark.parametrize("suffix", ["ipynb", "html"])
def test_a_report_whose_page_or_notebook_was_edited_is_made_again(template, place, suffix):
    name = template(HAND_ON)
    first = run_sweep(name, [{"n": 1}], out=place / "out")
    path = place / "out" / first.items[0].name / f"mine.{suffix}"
    path.write_text(path.read_text().replace("Mine", "Thine"))
    assert run_sweep(name, [{"n": 1}], out=place / "out").again == frozenset()
    assert "Thine" not in path.read_text()


def test_with_another_history_a_sweep_goes_on_and_an_edited_record_is_made_again(template, place, monkeypatch):
    name = template(HAND_ON)
    sets = [{"n": 1}, {"n": 2}]
    first = run_sweep(name, sets, out=place / "out")
    monkeypatch.setenv("PRISM_STORE", str(place / "other.sqlite"))
    assert run_sweep(name, sets, out=place / "out").again == {1, 2}
    path = place / "out" / first.items[0].name / "mine.json"
    path.write_text(path.read_text().replace('"n": 1.0', '"n": 99.0'))
    assert run_sweep(name, sets, out=place / "out").again == {2}


def test_its_caller_can_stop_it_in_the_middle_of_a_cell(template, place):
    name = template("import time; time.sleep(100 if n > 1 else 0)")
    ear = Listener(lambda done, total, label: ear.cancel() if (label, done) == ("reports", 1) else None)
    start = time.monotonic()
    with listen(ear):
        made = run_sweep(name, [{"n": k} for k in (1, 2, 3)], out=place / "out", processes=2)
    assert time.monotonic() - start < 60
    assert made.stopped
    assert set(made.entries) == {1}
    assert [entry.status for entry in Store().runs()] == ["completed"]


def test_two_sweeps_at_once_into_one_folder_are_refused(template, place):
    import fcntl

    name = template()
    (place / "out").mkdir()
    with (place / "out" / ".sweep.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InvalidInput, match="--out: another sweep is writing to .*; wait for it, or choose another"):
            run_sweep(name, [{"n": 1}], out=place / "out")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_sweep_killed_at_half_goes_on_and_repeats_nothing(template, place, number):
    name = template("import os, time; time.sleep(100 if n > 2 and not os.path.exists('on') else 0)", HAND_ON)
    (place / "s.yaml").write_text("n: [1, 2, 3, 4]")
    command = [sys.executable, "-m", "prism_cli", "report", "run", name, "--sweep", "s.yaml", "--processes", "2"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        end = time.monotonic() + 90
        while len(_marks(place)) < 4 and time.monotonic() < end:
            time.sleep(0.1)
        done = {path.parent.name: path.stat().st_mtime_ns for path in place.glob("reports/mine-s/*/mine.json")}
        child.send_signal(number)
        said, errors = child.communicate(timeout=30)
    finally:
        child.kill()
        child.wait()
    assert len(done) == 2
    assert "Traceback" not in errors
    assert child.returncode == (-number if number == signal.SIGKILL else 128 + number)
    if number != signal.SIGKILL:
        assert "4 reports: 2 completed, 2 left; the same command goes on from here" in said
    _wait_for_kernels_to_end(place)
    (place / "on").touch()
    again = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0, again.stderr
    assert "4 reports: 4 completed, 2 of them before" in again.stdout
    assert _marks(place) == {"mark-1": "x", "mark-2": "x", "mark-3": "xx", "mark-4": "xx"}
    for folder, written in done.items():
        assert (place / "reports/mine-s" / folder / "mine.json").stat().st_mtime_ns == written
    records = [json.loads(path.read_text()) for path in place.glob("reports/mine-s/*/mine.json")]
    assert sorted(r["key_numbers"]["n"] for r in records) == [1.0, 2.0, 3.0, 4.0]
    assert sorted(entry.parameters["n"] for entry in Store().runs()) == [1, 2, 3, 4]


def _wait_for_kernels_to_end(place):
    """Kernels whose parent was killed notice it by themselves."""
    end = time.monotonic() + 20
    while left := [p for p in Path("/proc").glob("[0-9]*") if _works_in(p, place)]:
        assert time.monotonic() < end, left
        time.sleep(0.2)


def _works_in(process, folder):
    try:
        return (process / "cwd").readlink() == folder and process.name != str(os.getpid())
    except OSError:
        return False


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_two_dask_workers_give_the_bits_of_this_machine(place):
    from distributed import LocalCluster, get_client

    sets = parameter_sets({"model": ["theta", "ets"]})
    common = {"y": "nile", "h": 6, "season_length": 4, "n_windows": 2}
    here = run_sweep("forecast", sets, out=place / "here", common=common)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        connected(cluster.scheduler_address) as workers,
    ):
        assert (workers, get_client().scheduler.address) == (2, cluster.scheduler_address)
        there = run_sweep("forecast", sets, out=place / "there", common=common)
    for k in (1, 2):
        assert here.entries[k].status == there.entries[k].status == "completed", there.entries[k].error
        assert len(here.entries[k].key_numbers) == 4
        assert here.entries[k].key_numbers == there.entries[k].key_numbers
        assert here.entries[k].digest == there.entries[k].digest


def test_a_scheduler_that_does_not_answer_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr("prism_lab.reports.cluster._WAIT_SECONDS", 1)
    sentence = "--dask: tcp://127.0.0.1:9 cannot be used: no scheduler answers there; start one with: dask scheduler"
    with pytest.raises(InvalidInput) as refused, connected("tcp://127.0.0.1:9"):
        pass
    assert str(refused.value) == sentence
    with pytest.raises(InvalidInput, match="--dask: nonsense://x cannot be used: "), connected("nonsense://x"):
        pass
