"""The page that lists a folder of reports, and the difference of two of them."""

import dataclasses
import json
from html.parser import HTMLParser

import pytest

from prism_kernels.errors import InvalidInput
from prism_lab.reports.index import write_index
from prism_lab.reports.runs import compare, find_run, read_record
from prism_lab.store import Entry, Store


def _verdict(value, *, holds):
    return {"condition": "mase < 1", "name": "mase[a]", "value": value, "holds": holds, "error": ""}


def _write(folder, name="forecast", **changed):
    plain = {"report": name, "started": "2024-01-01T00:00:00+00:00", "duration_s": 1.25, "status": "completed"}
    entry = Entry(**{**plain, **changed})
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("html", "ipynb"):
        (folder / f"{name}.{suffix}").write_text("")
    (folder / f"{name}.json").write_text(json.dumps(dataclasses.asdict(entry)))
    return entry


class _Table(HTMLParser):
    """Rows of cells as text, links, and everything that a page could load or run."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.links, self.loads, self.scopes, self.captions = [], [], [], [], 0
        self._cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._cell = True
            self.scopes += [found.get("scope")] if tag == "th" else []
        self.captions += tag == "caption"
        self.links += [found["href"]] if tag == "a" else []
        self.loads += [tag] if tag in ("script", "link", "img", "iframe", "form") or "src" in found else []

    def handle_endtag(self, tag):
        self._cell = self._cell and tag not in ("td", "th")

    def handle_data(self, data):
        if self._cell:
            self.rows[-1][-1] += data


@pytest.fixture
def reports(tmp_path):
    folder = tmp_path / "all"
    _write(folder / "h-6 <b>", id=3, parameters={"h": 6, "y": "nile"}, key_numbers={"mase[a]": 0.5, "end[a]": None})
    verdicts = (_verdict(1.5, holds=False),)
    numbers = {"mase[b]": 1.5, "rmse[b]": 2.0, "rmse[c]": 3.0}
    _write(folder / "h-12", parameters={"h": 12, "y": "nile"}, key_numbers=numbers, expectations=verdicts)
    _write(folder / "h-24", parameters={"h": 24, "y": "nile"}, status="failed", error="<script>no & never</script>")
    (folder / "h-24" / "forecast.html").unlink()
    (folder / "settings.json").write_text("{}")
    (folder / "broken.json").write_text("{")
    return folder


def test_the_page_lists_what_differs_with_status_and_key_numbers(reports):
    table = _Table(write_index(reports).read_text())
    head, *rows = table.rows
    numbers = ["mase", "rmse[b]", "rmse[c]", "end"]
    assert head == ["Report", "Status", "h", *numbers, "Started (UTC)", "Seconds", "Files"]
    cells = [dict(zip(head, row, strict=True)) for row in rows]
    by_h = {cell["h"]: cell for cell in cells}
    assert by_h["6"]["Report"] == "forecast #3"
    assert (by_h["6"]["mase"], by_h["6"]["end"], by_h["6"]["rmse[b]"]) == ("0.5", "–", "–")
    assert (by_h["12"]["mase"], by_h["12"]["rmse[b]"], by_h["12"]["rmse[c]"]) == ("1.5", "2", "3")
    assert by_h["6"]["Status"] == "completed"
    assert by_h["12"]["Status"] == "completed, not as expectedmase[a] = 1.5, expected mase < 1"
    assert by_h["24"]["Status"] == "failed<script>no & never</script>"
    assert by_h["24"]["Seconds"] == "1.2"


def test_the_page_stands_alone_and_tells_a_screen_reader_what_is_what(reports):
    text = write_index(reports).read_text()
    table = _Table(text)
    assert table.loads == []
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert "url(" not in text
    assert table.captions == 1
    assert table.scopes == ["col"] * len(table.rows[0]) + ["row"] * 3
    assert "h-6%20%3Cb%3E/forecast.html" in table.links
    assert "h-24/forecast.html" not in table.links
    assert len(table.links) == 4 + 4 + 2
    assert "3 reports: 1 completed, 1 not as expected, 1 failed." in text


def test_numbers_beyond_the_columns_are_kept_in_the_row(tmp_path):
    _write(tmp_path / "one", key_numbers={f"k{k}": float(k) for k in range(11)})
    table = _Table(write_index(tmp_path).read_text())
    assert table.rows[0].count("Other key numbers") == 1
    assert "3 morek8: 8k9: 9k10: 10" in table.rows[1]


def test_a_page_of_somebody_else_and_a_folder_without_reports_are_refused(reports, tmp_path):
    write_index(reports)
    write_index(reports)
    (reports / "index.html").write_text("my own page")
    with pytest.raises(InvalidInput, match=r"index.html was not written by prism report; move it, or choose another"):
        write_index(reports)
    assert (reports / "index.html").read_text() == "my own page"
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match=r"the folder .*empty holds no reports; name one that prism report run"):
        write_index(tmp_path / "empty")
    with pytest.raises(InvalidInput, match=r"the folder .*gone is not there"):
        write_index(tmp_path / "gone")


def test_two_runs_are_compared_by_parameters_data_and_key_numbers(tmp_path):
    numbers = {"mase": 2.0, "zero": 0.0, "gone": 1.0}
    a = _write(tmp_path / "a", parameters={"h": 6}, key_numbers=numbers, inputs={"y": {"sha256": "1"}})
    later = {"mase": 1.5, "zero": 1.0, "new": 3.0}
    b = _write(tmp_path / "b", parameters={"h": 12}, key_numbers=later, inputs={"y": {"sha256": "2"}})
    found = compare(a, b)
    assert found["parameters"] == {"h": [6, 12]}
    assert found["inputs"] == {"y": ["1", "2"]}
    assert found["key_numbers"] == {
        "mase": {"a": 2.0, "b": 1.5, "change": -0.5, "relative": -0.25},
        "zero": {"a": 0.0, "b": 1.0, "change": 1.0, "relative": None},
        "new": {"a": None, "b": 3.0, "change": None, "relative": None},
        "gone": {"a": 1.0, "b": None, "change": None, "relative": None},
    }


def test_a_run_is_found_by_number_name_file_and_folder(tmp_path):
    store = Store(tmp_path / "s.sqlite")
    kept = store.add(Entry(report="forecast", started="2024", duration_s=1.0, status="completed"))
    assert find_run("1", store) == find_run("forecast", store) == kept
    written = _write(tmp_path / "one", key_numbers={"mase": 1.0})
    for which in ("one", "one/forecast.json", "one/forecast.html", "one/forecast.ipynb"):
        assert find_run(str(tmp_path / which), store).key_numbers == written.key_numbers
    assert read_record(tmp_path / "one" / "forecast.json")[0]["status"] == "completed"
    _write(tmp_path / "one", "other")
    for which, sentence in {
        "2": "no report '2' has run; known are 'forecast'",
        "forecst": "no report 'forecst' has run; did you mean 'forecast'?",
        str(tmp_path): "holds no report; name the .json file of one",
        str(tmp_path / "one"): r"holds 2 reports \(forecast.json, other.json\); name the .json file of one",
        str(tmp_path / "gone.json"): "gone.json cannot be read: No such file",
    }.items():
        with pytest.raises(InvalidInput, match=sentence):
            find_run(which, store)
    (tmp_path / "x.json").write_text('{"report": 1}')
    with pytest.raises(InvalidInput, match=r"x.json is not the record of a report; name a file that prism report run"):
        find_run(str(tmp_path / "x.json"), store)
