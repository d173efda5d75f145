"""Files that a report hands out, and bars: what is written lies in the folder, and what is drawn has its length."""

import xml.etree.ElementTree as ET

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from prism_kernels.errors import InvalidInput
from prism_lab.reports import attach, bar_chart
from prism_lab.reports.attachment import ATTACHED, attached
from prism_lab.reports.runner import run_report
from prism_lab.store import Store

_SVG = "{http://www.w3.org/2000/svg}"


def _notebook(*handed):
    outputs = [new_output("display_data", data={ATTACHED: one}) for one in handed]
    return new_notebook(cells=[new_code_cell("", outputs=outputs)])


def test_of_two_files_of_one_name_the_later_counts():
    handed = [{"name": "a.csv", "text": "1"}, {"name": "b.txt", "text": "2"}, {"name": "a.csv", "text": "3"}]
    assert attached(_notebook(*handed)) == {"a.csv": "3", "b.txt": "2"}


@pytest.mark.parametrize("name", ["../a.csv", "/tmp/a.csv", "a/b.csv", ".a.csv", "a.html", "mine.ipynb", "a.csv\n", ""])
def test_a_file_elsewhere_or_of_another_kind_is_refused(name):
    with pytest.raises(InvalidInput, match=r"is none of a file beside the page; write one such as 'orders.csv'"):
        attach(name, "x")
    with pytest.raises(InvalidInput, match=r"is none of a file beside the page"):
        attached(_notebook({"name": name, "text": "x"}))


# pyzmq opens its sockets without a loop of its own on Python 3.11 and says so at exit
@pytest.mark.filterwarnings("ignore:.*Proactor event loop.*:RuntimeWarning")
def test_a_report_that_fails_after_it_handed_out_a_file_leaves_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "from prism_lab.reports import attach\nattach('orders.csv', 'asset,shares\\n')"
    cells = [new_markdown_cell("# Mine"), new_code_cell("ok: bool = True", metadata={"tags": ["parameters"]})]
    cells += [new_code_cell(source), new_code_cell("assert ok, 'no'")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "mine.ipynb")
    store = Store(tmp_path / "s.sqlite")
    good = run_report("mine.ipynb", out=tmp_path / "good", store=store)
    assert good.files["orders.csv"].read_text() == "asset,shares\n"
    bad = run_report("mine.ipynb", {"ok": False}, out=tmp_path / "bad", store=store)
    assert bad.entry.status == "failed"
    assert not (tmp_path / "bad" / "orders.csv").exists()
    assert "orders.csv" not in bad.files


def _bars(picture):
    boxes = [r for r in ET.fromstring(picture.svg).iter(f"{_SVG}rect") if r.get("height") == "8"]
    return np.array([[float(b.get(k)) for k in ("x", "y", "width")] for b in boxes]), [b.get("fill") for b in boxes]


def test_bars_are_as_long_as_their_numbers_from_one_start():
    picture = bar_chart(
        {"now": [0.1, -0.2, np.nan], "after": [0.3, 0.0, 0.4]}, ["a", "b", "c"], title="t", x_label="share"
    )
    boxes, fills = _bars(picture)
    values = np.array([0.1, 0.3, -0.2, 0.0, 0.4])  # of a, b, c; a gap has no bar
    scale = boxes[0, 2] / 0.1
    np.testing.assert_allclose(boxes[:, 2], np.abs(values) * scale, atol=0.1)
    zero = boxes[0, 0]
    np.testing.assert_allclose(boxes[:, 0], zero + np.minimum(values, 0) * scale, atol=0.2)
    assert fills[0] != fills[1]
    assert fills[0] == fills[2]
    assert (np.diff(boxes[:, 1]) > 0).all()
    assert picture.alt.startswith("t. Bar chart. now: the largest is a with 0.1. after: the largest is c with 0.4.")


def test_of_many_things_the_largest_are_drawn_in_their_order():
    values = np.arange(60.0)
    picture = bar_chart({"n": values}, [f"k{k}" for k in range(60)], title="t")
    boxes, _ = _bars(picture)
    assert len(boxes) == 40
    assert (np.diff(boxes[:, 2]) > 0).all()
    assert picture.caption == "t: the largest 40 of 60"
    assert "k19<" not in picture.svg
    assert "k20<" in picture.svg


def test_names_cannot_break_out_of_the_picture():
    picture = bar_chart({"<b>": [1.0]}, ["<script>"], title="<i>")
    assert "<script>" not in picture.svg
    ET.fromstring(picture.svg)
