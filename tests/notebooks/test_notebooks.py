"""Every committed notebook runs: lessons under nbval, templates of reports under papermill, each within its time.

nbval passes a notebook whose outputs are stripped as long as no cell raises, so the cells assert their own claims, and
a check here sees to it that they do.
"""

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml

from prism_lab.reports.recording import MIMETYPE

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "notebooks"
_SKIPS = yaml.safe_load(Path(__file__).with_name("skips.yaml").read_text()) or {}
_CELL_SECONDS = 120
_NOTEBOOK_SECONDS = 300


def _notebooks(*folders):
    found = sorted(path for folder in folders for path in (_FOLDER / folder).glob("**/*.ipynb"))
    return [
        pytest.param(path, id=str(path.relative_to(_FOLDER)))
        for path in found
        if ".ipynb_checkpoints" not in path.parts
    ]


@pytest.fixture(autouse=True)
def _skip(request):
    path = request.node.callspec.params.get("path") if hasattr(request.node, "callspec") else None
    reason = _SKIPS.get(str(path.relative_to(_FOLDER))) if path else None
    if reason:
        pytest.skip(reason)


@pytest.mark.slow
@pytest.mark.parametrize("path", _notebooks("tutorials", "operations"))
def test_a_lesson_runs_within_its_time(path):
    options = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={_CELL_SECONDS}"]
    quiet = ["-q", "--no-header", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={path.parent}"]
    command = [sys.executable, "-m", "pytest", *options, *quiet, str(path)]
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=_NOTEBOOK_SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert time.monotonic() - start < _NOTEBOOK_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("path", _notebooks("reports"))
def test_a_template_runs_under_papermill_with_its_own_parameters(path, tmp_path):
    out = tmp_path / path.name
    papermill.execute_notebook(
        path, out, cwd=tmp_path, progress_bar=False, execution_timeout=_CELL_SECONDS, kernel_name="python3"
    )
    done = nbformat.read(out, as_version=4)
    assert all(cell.execution_count for cell in done.cells if cell.cell_type == "code")
    shown = [output.get("data", {}) for cell in done.cells for output in cell.get("outputs", [])]
    assert any(MIMETYPE in data for data in shown), "a report records at least one run"


@pytest.mark.parametrize("path", _notebooks("tutorials", "operations", "reports"))
def test_a_notebook_asserts_its_claim_and_carries_no_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    trees = [ast.parse("\n".join(line for line in c.source.splitlines() if line[:1] not in "%!")) for c in code]
    assert any(isinstance(node, ast.Assert) for tree in trees for node in ast.walk(tree)), "no cell asserts anything"


def test_every_skip_names_a_notebook_and_a_reason():
    for name, reason in _SKIPS.items():
        assert (_FOLDER / name).is_file(), name
        assert len(str(reason)) > 10


def test_nbval_fails_a_notebook_whose_cell_asserts_something_false(tmp_path):
    cells = [nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell("assert x == 2")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "false.ipynb")
    with pytest.raises(AssertionError, match="1 failed"):
        test_a_lesson_runs_within_its_time(tmp_path / "false.ipynb")


def test_papermill_fails_a_template_with_bad_parameters(tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match="h must be a whole number from 1"):
        papermill.execute_notebook(
            _FOLDER / "reports" / "forecast.ipynb", tmp_path / "out.ipynb", {"h": 0}, cwd=tmp_path, progress_bar=False
        )
