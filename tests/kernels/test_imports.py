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


# scipy.linalg comes with numba, which takes BLAS from it; the rest costs up to a second and no forecast needs it
NEVER = (
    "scipy.signal",
    "scipy.stats",
    "scipy.optimize",
    "scipy.interpolate",
    "statsmodels",
    "pandas",
    "polars",
    "torch",
)

FIRST = """
from prism_kernels.timeseries import forecast
y = [10.0 + t % 4 + (t * t % 7) / 5 for t in range(40)]
forecast(y, h=2, model={model!r}, **{more})
"""


@pytest.mark.parametrize("model", ["auto_arima", "arima", "ets", "theta", "seasonal_naive"])
def test_a_forecast_of_numbers_loads_no_library_it_does_not_need(model):
    code = FIRST.format(model=model, more={"order": (1, 0, 0)} if model == "arima" else {"season_length": 4})
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*(m for m in {NEVER!r} if m in sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


# What the forecast dashboard computes for every viewer, kernel by kernel.
VIEWER = """
from prism_kernels import run, sample
y = sample("elnino")
run("timeseries.forecast", y, h=12, model="theta")
for name in ("diagnose", "decompose", "anomaly", "trend"):
    run(f"timeseries.{name}", y)
run("timeseries.cross_validate", y, h=12, n_windows=3, model="theta")
"""


def test_a_viewers_kernel_carries_no_library_that_its_dashboard_does_not_need():
    never = [name for name in NEVER if name != "pandas"]
    code = f"import sys\n{VIEWER}\nprint(*(m for m in {never!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
