"""One portfolio, asked for on every surface: its numbers agree to the last digit."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import prism_kernels
from prism_cli import main
from prism_kernels import sample
from prism_kernels.arrays import is_array
from prism_kernels.finance import Groups, optimize
from prism_kernels.finance.settings import GroupBounds
from prism_kernels.saved import load
from prism_kernels.verify import verify
from prism_lab.reports.recording import saved_runs
from prism_lab.reports.runner import run_report
from prism_lab.store import Store
from prism_widgets import Explorer
from prism_widgets.frontier_explorer import FrontierExplorer

pytestmark = [
    # pyzmq opens its sockets without a loop of its own on Python 3.11 and says so at exit
    pytest.mark.filterwarnings("ignore:.*Proactor event loop.*:RuntimeWarning"),
]

ASKED = {
    "objective": "max_sharpe",
    "weight_bounds": [0.02, 0.5],
    "groups": [{"name": "calm", "assets": ["USMV", "QUAL"]}],
    "group_bounds": [{"name": "calm", "least": 0.3, "most": 0.7}],
    "risk_free_rate": 0.01,
    "level": 0.975,
    "covariance_estimator": "ledoit_wolf",
    "frontier_points": 25,
}
IN_PYTHON = {
    **ASKED,
    "weight_bounds": (0.02, 0.5),
    "groups": (Groups("calm", ("USMV", "QUAL")),),
    "group_bounds": (GroupBounds("calm", 0.3, 0.7),),
}
DATA = {"returns": "factor_etfs", "previous_weights": "factor_etfs_equal"}
OPTIONS = [
    *(x for n, v in DATA.items() for x in ("--data", f"{n}={v}")),
    *(x for n, v in ASKED.items() for x in ("--set", f"{n}={v if isinstance(v, str) else json.dumps(v)}")),
]


@pytest.fixture(scope="module")
def expected():
    """Return what the function returns."""
    return optimize(sample("factor_etfs"), previous_weights=sample("factor_etfs_equal"), **IN_PYTHON)


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRISM_STORE", str(tmp_path / "store"))


def same(found, expected, place="result"):
    """Assert that two values are equal, number by number and bit by bit."""
    if is_array(expected):
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected), err_msg=place, strict=True)
    elif hasattr(expected, "__dataclass_fields__"):
        for name in expected.__dataclass_fields__:
            same(getattr(found, name), getattr(expected, name), f"{place}.{name}")
    else:
        assert found == expected, place


def same_fields(fields, expected):
    assert set(fields) == set(expected.fields())
    for name, value in expected.fields().items():
        same(fields[name], value, name)


def test_a_run_is_the_function(expected):
    made = prism_kernels.run(
        "finance.optimize", sample("factor_etfs"), previous_weights=sample("factor_etfs_equal"), **ASKED
    )
    same_fields(made.result.fields(), expected)


def test_the_command_line_writes_the_same_digits(expected, capsys):
    for name in ("portfolio.json", "portfolio.prism"):
        with pytest.raises(SystemExit) as left:
            main(["run", "finance.optimize", *OPTIONS, "--out", name])
        assert left.value.code in (0, None), capsys.readouterr().err
    same_fields(load("portfolio.prism").fields, expected)
    written = json.loads(Path("portfolio.json").read_text())["result"]
    assert written == json.loads(json.dumps(written))
    for name, value in json.loads(expected.to_json()).items():
        assert written[name] == value, name
    assert verify("portfolio.prism").verdict == "agrees"


def test_a_shell_of_its_own_writes_the_same_digits(expected):
    command = [sys.executable, "-m", "prism_cli", "run", "finance.optimize", *OPTIONS, "--out", "portfolio.prism"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    same_fields(load("portfolio.prism").fields, expected)


@pytest.mark.parametrize("kind", ["explorer", "frontier explorer"])
def test_a_page_shows_the_same_digits(expected, kind):
    async def shown():
        if kind == "explorer":
            page = Explorer("finance.optimize", **DATA, **IN_PYTHON)
        else:
            page = FrontierExplorer(DATA["returns"], **IN_PYTHON)
            page.pickers["previous_weights"].pick(DATA["previous_weights"])
        await page.start()
        assert page.job.state == "done", page.job.error
        return page.result

    same_fields(asyncio.run(shown()).fields(), expected)


def test_a_report_hands_on_the_same_digits(expected, tmp_path):
    made = run_report("finance.optimize", {**DATA, **ASKED}, out=tmp_path, store=Store(tmp_path / "s.sqlite"))
    assert made.entry.status == "completed", made.entry.error
    (kept,) = saved_runs(made.files["notebook"])
    same_fields(kept.fields, expected)
    numbers = made.entry.key_numbers
    for name in ("expected_return", "volatility", "sharpe_ratio", "value_at_risk", "expected_shortfall"):
        assert numbers[name] == getattr(expected, name), name
    assert verify(kept).verdict == "agrees"
