"""The report of a tear sheet: its numbers, its page, what it refuses, and that it can be verified."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from prism_cli import main
from prism_kernels import run, sample
from prism_kernels.errors import InvalidInput
from prism_kernels.verify import verify
from prism_lab.reports.expectation import bare_name
from prism_lab.reports.recording import saved_runs
from prism_lab.reports.request import check
from prism_lab.reports.runner import run_report
from prism_lab.reports.template import find_template
from prism_lab.store import Store

pytestmark = [
    # pyzmq opens its sockets without a loop of its own on Python 3.11 and says so at exit
    pytest.mark.filterwarnings("ignore:.*Proactor event loop.*:RuntimeWarning"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Prices of five funds and of an index beside them, as files."""
    folder = tmp_path_factory.mktemp("files")
    funds = sample("factor_etfs").iloc[:600]
    funds.to_csv(folder / "funds.csv")
    funds[["SIZE"]].rename(columns={"SIZE": "index"}).to_csv(folder / "index.csv")
    gap = funds.copy()
    gap.iloc[7, 1] = np.nan
    gap.to_csv(folder / "gap.csv")
    return folder


@pytest.fixture(scope="module")
def made(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    sent = {
        "returns": str(files / "funds.csv"),
        "weights": "MTUM=0.5, USMV=0.3, VLUE=0.2",
        "benchmark": str(files / "index.csv"),
        "risk_free_rate": 0.01,
        "title": "Three <funds>",
    }
    return run_report("tear_sheet", sent, out=folder, store=Store(folder / "s.sqlite"))


def test_the_report_hands_on_the_numbers_it_promises(made):
    assert made.entry.status == "completed"
    assert {bare_name(name) for name in made.entry.key_numbers} == set(find_template("tear_sheet").key_numbers)


def test_its_numbers_are_those_of_the_operation_to_the_last_digit(made, files):
    frame = pd.read_csv(files / "funds.csv", index_col=0, parse_dates=True)
    index = pd.read_csv(files / "index.csv", index_col=0, parse_dates=True)
    weights = {"MTUM": 0.5, "USMV": 0.3, "VLUE": 0.2}
    expected = run("finance.report", frame, weights, benchmark=index, risk_free_rate=0.01).result.key_numbers()
    assert made.record["key_numbers"] == expected


def test_the_page_loads_nothing_and_holds_every_part(made):
    page = made.files["page"].read_text()
    assert not re.search(r"<script|@import|url\(|<link", page)
    assert all(source.startswith("data:") for source in re.findall(r'\bsrc="([^"]*)', page))
    for part in ("Measures", "Growth and drawdowns", "Months", "Benchmark", "Exposures"):
        assert f">{part}" in page
    assert "<funds>" not in page
    assert f"{100 * made.record['key_numbers']['max_drawdown']:.2f} %" in page
    assert len(page) < 400_000


def test_every_run_in_the_report_is_verified(made):
    kept = saved_runs(made.files["notebook"])
    assert [one.operation for one in kept] == ["finance.report", "finance.risk"]
    found = [verify(one) for one in kept]
    assert [one.verdict for one in found] == ["agrees", "agrees"]
    assert all(check.agrees for one in found for check in one.certificate)


def test_one_fund_without_a_benchmark_or_dates_has_its_sheet_too(tmp_path):
    np.save(tmp_path / "fund.npy", 0.01 * np.random.default_rng(0).normal(size=200))
    sent = {"returns": str(tmp_path / "fund.npy"), "weights": None, "benchmark": None}
    found = run_report("tear_sheet", sent, out=tmp_path, store=Store(tmp_path / "s.sqlite"))
    assert found.entry.status == "completed"
    page = found.files["page"].read_text()
    assert "No benchmark was given." in page
    assert "The data has no dates, so there are no months." in page


@pytest.mark.parametrize("word", [None, "null", "None", "none"])
def test_none_can_be_said_in_words_for_data_that_is_optional(word):
    template = find_template("tear_sheet")
    sent = check(template, {"returns": "factor_etfs", "weights": word, "benchmark": word})
    plain = check(template, {"returns": "factor_etfs", "weights": None, "benchmark": None})
    assert (sent.parameters["weights"], sent.parameters["benchmark"]) == (None, None)
    assert (sent.injected, sent.digest) == (plain.injected, plain.digest)
    assert set(sent.inputs) == {"returns"}


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (None, "report tear_sheet needs returns: prices or returns: a sample, or a CSV, Parquet or NPY file; name a "),
        ("null", "returns names no sample, dataset or file: 'null'"),
    ],
)
def test_data_that_is_needed_cannot_be_none(word, sentence):
    with pytest.raises(InvalidInput) as refused:
        check(find_template("tear_sheet"), {"returns": word})
    assert str(refused.value).startswith(sentence)
    assert refused.value.field == "returns"


def test_a_shell_makes_a_sheet_of_files_without_a_benchmark(files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRISM_STORE", str(tmp_path / "store"))
    (tmp_path / "w.csv").write_text("asset,weight\nMTUM,0.5\nUSMV,0.5\n")
    given = (f"returns={files / 'funds.csv'}", "weights=w.csv", "benchmark=null")
    with pytest.raises(SystemExit) as left:
        main(["report", "run", "tear_sheet", *(x for one in given for x in ("-p", one)), "--out", "made"])
    assert left.value.code in (0, None), capsys.readouterr().err
    record = json.loads((tmp_path / "made" / "tear_sheet.json").read_text())
    assert record["parameters"]["benchmark"] is None
    assert "No benchmark was given." in (tmp_path / "made" / "tear_sheet.html").read_text()


def test_an_operation_s_own_report_takes_the_same_word(tmp_path):
    sent = {"returns": "factor_etfs", "weights": "null", "benchmark": "none"}
    found = run_report("finance.report", sent, out=tmp_path, store=Store(tmp_path / "s.sqlite"))
    assert found.entry.status == "completed", found.entry.error


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"weights": "MTUM=0.5, USMV=0.3"}, "weights add up to 0.8, and the budget is 1"),
        ({"weights": "AAPL=1"}, "weights names 'AAPL', which is not among the 5 assets"),
        ({"returns": "gap.csv"}, "returns has 2 missing returns (first: QUAL at 2014-01-13)"),
        ({"benchmark": "sp500_index"}, "benchmark has other dates than returns (first: 1990-01-02, only in benchmark)"),
    ],
)
def test_a_run_that_cannot_be_made_ends_with_the_sentence_of_the_operation(files, tmp_path, given, sentence):
    sent = {"returns": str(files / "funds.csv"), "weights": None, "benchmark": None, **given}
    sent |= {"returns": str(files / given["returns"])} if "returns" in given else {}
    found = run_report("tear_sheet", sent, out=tmp_path, store=Store(tmp_path / "s.sqlite"))
    assert found.entry.status == "failed"
    assert sentence in json.loads(found.files["record"].read_text())["error"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"level": 95.0}, "level must be a number from 0.5 to 0.999, and 95.0 was given"),
        ({"missing": "drop"}, "missing must be one of 'refuse', 'drop_assets', 'intersect', and 'drop' was given"),
        ({"returns": "sp500_stock"}, "returns names no sample, dataset or file: 'sp500_stock'"),
        ({"benchmarks": "sp500"}, "report tear_sheet has no parameter 'benchmarks'; did you mean 'benchmark'?"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_before_anything_runs(tmp_path, given, sentence):
    with pytest.raises(InvalidInput) as refused:
        run_report("tear_sheet", given, out=tmp_path, store=Store(tmp_path / "s.sqlite"))
    assert str(refused.value).startswith(sentence)
    assert list(tmp_path.glob("*.html")) == []
