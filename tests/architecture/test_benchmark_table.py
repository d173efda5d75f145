"""The table of benchmarks says what was asked, and whether it held."""

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location(
    "prism_benchmark_table", Path(__file__).parents[2] / "benchmarks" / "__main__.py"
)
table = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(table)


@pytest.mark.parametrize(
    ("asked", "measured", "detail", "said"),
    [
        ([0.92, 0.98], 0.9438, {}, "| 0.92–0.98 | 0.9438 | yes |"),
        ([0.92, 0.98], 0.98, {}, "| 0.92–0.98 | 0.98 | yes |"),
        ([0.92, 0.98], 0.9801, {}, "| 0.92–0.98 | 0.9801 | no |"),
        ([0.92, 0.98], 0.9199, {}, "| 0.92–0.98 | 0.9199 | no |"),
        (0.9, 0.95, {}, "| ≥ 0.9 | 0.95 | yes |"),
        (0.9, 0.85, {}, "| ≥ 0.9 | 0.85 | no |"),
        (2.0, 2.2, {"at_most": True}, "| ≤ 2 | 2.2 | no |"),
        (2.0, 1.8, {"at_most": True}, "| ≤ 2 | 1.8 | yes |"),
    ],
)
def test_a_row_shows_what_was_asked_and_whether_it_held(asked, measured, detail, said):
    row = {"name": "what", "against": "", "asked": asked, "measured": measured, "unit": "", "detail": detail}
    assert table._line(row) == f"| what | – {said}"
