"""Imports stay light: heavy libraries load when they are first used."""

import subprocess
import sys

import pytest

HEAVY = ("numba", "scipy", "pandas", "torch", "statsmodels", "matplotlib", "panel", "bokeh", "distributed", "sklearn")


def loaded_by(statement):
    code = f"import sys\n{statement}\nprint(*sorted(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    "statement",
    [
        "import prism_kernels",
        "import prism_kernels.timeseries, prism_kernels.information",
        "from prism_kernels import operations; operations()",
        "import prism_kernels as p; p.Series.of([1.0, 2.0]).digest",
    ],
)
def test_nothing_heavy_is_loaded_by(statement):
    assert loaded_by(statement) == []


def test_the_check_sees_a_heavy_import():
    assert loaded_by("import prism_kernels, pandas") == ["pandas"]
