"""Publishing with real kernels: what works becomes a version, and what does not is named."""

from pathlib import Path

import pytest

from prism_kernels import InvalidInput, lane_cache, run, sample
from prism_lab import landlock, published, rehearsal
from prism_lab.publishing import activate_version, publish, shown, unpublish
from prism_lab.readers.settings import Rules

HEAD = "# Sales\n\nWhat we sold."
INIT = "import panel as pn\nimport prism_widgets as pw\n\npw.init();"
SHOWN = "pn.pane.Markdown('hello').servable()"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PRISM_PUBLISHED", str(tmp_path / "published"))
    return tmp_path / "published"


@pytest.fixture
def attempt(tmp_path, notebook_writer, folder):
    """Try to publish a notebook of some cells; the sentence of the refusal comes back, and nothing was stored."""

    def refused(*sources, timeout=60.0):
        (tmp_path / "nb").mkdir(exist_ok=True)
        path = notebook_writer(tmp_path / "nb" / "sales.ipynb", HEAD, *sources)
        with pytest.raises(InvalidInput) as error:
            publish(path, timeout=timeout)
        assert "\n" not in str(error.value)
        assert error.value.field == "notebook"
        assert not folder.exists()
        return str(error.value)

    return refused


def test_a_run_becomes_a_dashboard_that_is_published_taken_down_and_brought_back(tmp_path, folder):
    found = run("timeseries.trend", sample("nile").to_numpy())
    with pytest.raises(InvalidInput, match=r"^y is an object of this session, which a dashboard cannot find by name; "):
        found.as_dashboard()
    found = run("timeseries.trend", sample("nile"), method="changepoint", min_size=5)
    path = tmp_path / "my-trend.ipynb"
    path.write_text(found.as_dashboard())
    first, tried = publish(path)
    assert (first.name, first.number) == ("my-trend", 1)
    assert first.notebook.read_text() == path.read_text()
    assert tried.components == 1
    assert tried.changes == ("min_size of timeseries.trend",)
    assert tried.left == ()
    about = first.manifest
    assert about["title"] == "Trend: nile"
    assert about["packages"]["panel"] == tried.packages["panel"]
    assert {"prism-lab", "numpy", "bokeh"} <= set(about["packages"])
    assert about["files"]["my-trend.ipynb"] == about["digest"]
    assert about["tried"]["changes"] == ["min_size of timeseries.trend"]
    assert about["published"].endswith("+00:00")
    assert about["who"]
    assert published.active(folder, "my-trend").number == 1
    unpublish("my-trend")
    (line,) = shown()
    assert (line.name, line.active, list(line.versions)) == ("my-trend", None, [1])
    assert activate_version("my-trend", 1).number == 1


def test_a_page_without_controls_is_published_with_a_note_of_what_it_leaves_behind(tmp_path, notebook_writer, folder):
    leaves = "from pathlib import Path\nPath('made.txt').write_text('x')"
    path = notebook_writer(tmp_path / "still.ipynb", HEAD, INIT, leaves, SHOWN)
    _, tried = publish(path)
    assert (tried.components, tried.changes, tried.left) == (1, (), ("made.txt",))
    assert not (tmp_path / "made.txt").exists()


def test_a_widget_of_somebody_elses_page_is_turned(tmp_path, notebook_writer):
    page = "s = pn.widgets.IntSlider(name='Count', end=3)\npn.Column(s, pn.bind(lambda n: f'{n}', s)).servable()"
    _, tried = publish(notebook_writer(tmp_path / "count.ipynb", HEAD, INIT, page))
    assert tried.changes == ("Count",)


def test_a_cell_that_fails_is_named_with_the_first_line_of_its_error(attempt):
    said = attempt("x = 1", "raise ValueError('first line\\nsecond line')")
    assert said == "cell 3 of sales.ipynb fails: ValueError: first line"


def test_a_notebook_that_hangs_is_stopped(attempt):
    said = attempt("import time\ntime.sleep(600)", timeout=1)
    way = "make it quicker, or give it more time with --timeout"
    assert said == f"cell 2 of sales.ipynb was not done when the 1 s for sales.ipynb were over; {way}"


def test_a_kernel_that_does_not_answer_is_given_up(attempt, monkeypatch):
    monkeypatch.setattr(rehearsal, "_START_SECONDS", 0.1)
    assert attempt("x = 1") == "the kernel of sales.ipynb did not answer within 0.1 s; try again"


def test_a_kernel_that_dies_is_told(attempt):
    said = attempt("import os\nos._exit(3)")
    assert said == "the kernel of sales.ipynb died in cell 2 of sales.ipynb; the machine may have run out of memory"


WAY = "a page may write below tempfile.gettempdir() only"


def test_a_write_outside_the_folder_is_prevented_and_refused(attempt, tmp_path):
    victim = tmp_path / "victim.txt"
    said = attempt(f"open({str(victim)!r}, 'w')")
    assert said == f"cell 2 of sales.ipynb writes outside its folder ({victim}); {WAY}"
    assert not victim.exists()


def test_a_write_outside_that_the_notebook_hides_is_refused_all_the_same(attempt, tmp_path):
    victim = tmp_path / "victim"
    said = attempt(INIT, f"import os\ntry:\n    os.mkdir({str(victim)!r})\nexcept OSError:\n    pass", SHOWN)
    assert said == f"sales.ipynb writes outside its folder ({victim}); {WAY}"
    assert not victim.exists()


def test_a_program_that_a_notebook_starts_is_refused_also_when_it_hides_that(attempt, tmp_path):
    victim = tmp_path / "nb" / "victim.txt"
    way = "and what it writes would be seen by nobody: do it in Python"
    said = attempt(INIT, f"import subprocess\nsubprocess.run(['touch', {str(victim)!r}])", SHOWN)
    assert said == f"cell 3 of sales.ipynb starts a program (touch {victim}), {way}"
    said = attempt(INIT, f"import os\ntry:\n    os.system('touch {victim}')\nexcept OSError:\n    pass", SHOWN)
    assert said == f"sales.ipynb starts a program (touch {victim}), {way}"
    assert not victim.exists()


WRITES = "import polars\npolars.DataFrame({{'a': [1]}}).write_parquet({place})"


@pytest.mark.skipif(not landlock.available(), reason="this system has no Landlock of version 3")
def test_what_native_code_writes_outside_is_prevented_by_the_system_and_refused(attempt, tmp_path):
    victim = tmp_path / "victim.parquet"
    said = attempt(INIT, WRITES.format(place=repr(str(victim))), SHOWN)
    assert said.startswith("cell 3 of sales.ipynb fails: ")
    assert str(victim) in said
    assert said.endswith(f"; {WAY}")
    assert not victim.exists()


@pytest.mark.parametrize("place", ["nb/victim.parquet", "beside/victim.parquet", "home/.ipython/startup/victim.py"])
def test_what_native_code_writes_is_seen_afterwards_where_the_system_has_no_fence(
    attempt, tmp_path, monkeypatch, place
):
    monkeypatch.setattr(landlock, "available", lambda: False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    victim = tmp_path / place
    for folder in (tmp_path / "home", victim.parent):
        folder.mkdir(parents=True, exist_ok=True)
    said = attempt(INIT, WRITES.format(place=repr(str(victim))), SHOWN)
    again = "if another program of yours wrote that meanwhile, publish again"
    assert said == f"sales.ipynb writes outside its folder ({victim}); {WAY}; {again}"


def test_the_home_of_a_notebook_is_not_the_users_and_nothing_may_be_written_there(attempt, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    startup = "from pathlib import Path\nPath.home().joinpath('.ipython/profile_default/startup').mkdir(parents=True)"
    said = attempt(INIT, startup, SHOWN)
    assert said == f"cell 3 of sales.ipynb writes outside its folder (~/.ipython/profile_default/startup); {WAY}"
    startup = "Path(get_ipython().profile_dir.startup_dir, 'x.py').touch()"
    assert "startup/x.py" in attempt(INIT, f"from pathlib import Path\n{startup}", SHOWN)
    native = WRITES.format(place="os.path.expanduser('~/victim.parquet')")
    said = attempt(INIT, f"import os\n{native}", SHOWN)
    assert said.startswith(f"sales.ipynb writes outside its folder (~/victim.parquet); {WAY}")
    assert [p for p in (tmp_path / "home").rglob("*") if p.is_file()] == []


CACHES = """
import os
from pathlib import Path
from platformdirs import user_cache_dir
from prism_kernels import lane_cache
Path(user_cache_dir(), "settings").write_text("x")
Path("known.txt").write_text(" ".join(sorted(p.name for p in lane_cache.folder().iterdir())))
(lane_cache.folder() / "made.nbi").write_bytes(b"pickle")
Path(os.environ["MPLCONFIGDIR"]).mkdir(exist_ok=True)
"""


def test_caches_are_copies_with_the_compiled_kernels_in_them(tmp_path, notebook_writer, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PRISM_LANE_CACHE", raising=False)
    kept = lane_cache.folder()
    kept.mkdir(parents=True)
    (kept / "kernel.nbi").write_bytes(b"compiled")
    refuses = "assert Path('known.txt').read_text() == 'kernel.nbi'"
    _, tried = publish(notebook_writer(tmp_path / "caches.ipynb", HEAD, INIT, CACHES, refuses, SHOWN))
    assert tried.left == ("known.txt",)
    assert tried.fenced is landlock.available()
    assert [p.name for p in (tmp_path / "cache").rglob("*") if p.is_file()] == ["kernel.nbi"]


def test_a_package_that_is_first_asked_for_while_it_runs_is_named(attempt):
    said = attempt("import importlib\nimportlib.import_module('nowhere_at_all.inside')")
    needs = "cell 2 of sales.ipynb needs the package 'nowhere_at_all', which is not installed"
    assert said == f"{needs}; install it where dashboards run, or do without it"


def test_a_notebook_that_shows_nothing_is_refused(attempt):
    way = "end a cell with one, such as prism_widgets.Explorer('timeseries.forecast').servable()"
    assert attempt(INIT, SHOWN + ";") == f"sales.ipynb shows no component; {way}"


OWN = """
from typing import Annotated
from annotated_types import Ge, Le
from prism_kernels import Result, Series
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Counted(Result):
    n: int

def count(y: Annotated[object, Series], *, n: Annotated[int, Ge(1), Le(9)] = 1) -> Counted:
    if n > 1:
        raise RuntimeError(f'n is {n}')
    return Counted(n=n)

pw.Explorer(count, 'nile').servable()
"""


def test_what_only_fails_when_a_reader_changes_something_is_found(attempt):
    said = attempt(INIT, OWN)
    assert "sales.ipynb was tried out: the explorer of " in said
    assert "count fails after n was changed: RuntimeError: n is 2" in said
    broken = "s = pn.widgets.IntSlider(name='Count', end=3)\npn.Column(s, pn.bind(lambda n: 1 / (1 - n), s)).servable()"
    said = attempt(INIT, broken)
    assert said == "sales.ipynb was tried out: it fails after 'Count' was changed: ZeroDivisionError: division by zero"


def test_a_page_that_reads_a_file_of_the_server_is_refused_as_readers_would_be(attempt, tmp_path):
    sample("nile").to_csv(tmp_path / "nile.csv")
    page = f"from pathlib import Path\npw.Explorer('timeseries.trend', Path({str(tmp_path / 'nile.csv')!r})).servable()"
    said = attempt(INIT, page)
    outside = "y lies outside the folder this page may read; pick a sample or a dataset, or upload the file"
    assert said == f"sales.ipynb was tried out: the explorer of timeseries.trend shows no result: {outside}"


def test_a_page_that_reads_below_the_data_root_is_published_when_it_is_named(tmp_path, notebook_writer):
    sample("nile").to_csv(tmp_path / "nile.csv")
    lies = f"from pathlib import Path\npw.Explorer('timeseries.trend', Path({str(tmp_path / 'nile.csv')!r})).servable()"
    asks = "from prism_kernels.inputs import fences\nfences.check_url('https://data.example.org/x.csv', 'y')"
    rules = Rules.of(None, data_root=tmp_path, allow_urls=("https://data.example.org/*",))
    version, tried = publish(notebook_writer(tmp_path / "nile.ipynb", HEAD, INIT, asks, lies), rules=rules)
    assert tried.components == 1
    assert version.manifest["reads"] == {"data_root": str(tmp_path), "allow_urls": ["https://data.example.org/*"]}


@pytest.mark.parametrize("timeout", [0, -1, 3601, float("nan")])
def test_a_time_limit_that_is_none_is_refused(tmp_path, timeout):
    with pytest.raises(
        InvalidInput, match=r"^--timeout must be more than 0 and at most 3600 seconds, and .* was given"
    ):
        publish(Path("x.ipynb"), timeout=timeout)
