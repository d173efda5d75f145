"""Publishing with real kernels: what works becomes a version, and what does not is named."""

from pathlib import Path

import pytest

from prism_kernels import InvalidInput, run, sample
from prism_lab import published
from prism_lab.publishing import activate_version, publish, shown, unpublish

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


def test_what_another_program_writes_beside_the_notebook_is_seen(attempt, tmp_path):
    victim = tmp_path / "nb" / "victim.txt"
    said = attempt(INIT, f"import subprocess\nsubprocess.run(['touch', {str(victim)!r}])", SHOWN)
    assert said == f"sales.ipynb writes outside its folder ({victim}); {WAY}"


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


@pytest.mark.parametrize("timeout", [0, -1, 3601, float("nan")])
def test_a_time_limit_that_is_none_is_refused(tmp_path, timeout):
    with pytest.raises(
        InvalidInput, match=r"^--timeout must be more than 0 and at most 3600 seconds, and .* was given"
    ):
        publish(Path("x.ipynb"), timeout=timeout)
