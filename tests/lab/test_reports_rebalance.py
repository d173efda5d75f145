"""The report of a rebalancing: a file of holdings goes in, a file of orders comes out, and both can be checked."""

import base64
import csv
import json
import re

import nbformat
import numpy as np
import pandas as pd
import pytest

from prism_kernels import finance, sample
from prism_kernels.errors import InvalidInput
from prism_kernels.saved import Saved
from prism_lab.reports.recording import saved_runs
from prism_lab.reports.request import check
from prism_lab.reports.runner import run_report
from prism_lab.reports.template import find_template
from prism_lab.store import Store

pytestmark = [
    # pyzmq opens its sockets without a loop of its own on Python 3.11 and says so at exit
    pytest.mark.filterwarnings("ignore:.*Proactor event loop.*:RuntimeWarning"),
]

HELD = {"MTUM": 120, "QUAL": 0, "SIZE": 40, "USMV": 310, "VLUE": 75}
FEE, RATE, CASH, LOT = 1.5, 0.002, 800.0, 5


@pytest.fixture(scope="module")
def prices():
    return sample("factor_etfs").iloc[-600:].round(3)


@pytest.fixture(scope="module")
def made(tmp_path_factory, prices):
    """A report of files that an analyst has, with costs, cash and lots."""
    folder = tmp_path_factory.mktemp("rebalance")
    prices.to_csv(folder / "prices.csv")
    pd.Series(HELD, name="shares").rename_axis("asset").to_csv(folder / "held.csv")
    given = {
        "holdings": str(folder / "held.csv"),
        "prices": str(folder / "prices.csv"),
        "policy": "full",
        "transaction_costs": RATE,
        "fee_per_trade": FEE,
        "capital": CASH,
        "lot_size": LOT,
        "orders_file": "for the broker.csv",
    }
    done = run_report("rebalance", given, out=folder / "out", store=Store(folder / "s.sqlite"))
    assert done.entry.status == "completed", done.entry.error
    return done


@pytest.fixture(scope="module")
def orders(made):
    with made.files["for the broker.csv"].open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_orders_lead_from_the_holdings_to_the_target_without_spending_more_than_there_is(made, orders, prices):
    last = prices.iloc[-1]
    signed = {row["asset"]: int(row["shares"]) * (1 if row["side"] == "buy" else -1) for row in orders}
    value = sum(HELD[a] * last[a] for a in HELD) + CASH
    spent = sum(n * last[a] for a, n in signed.items())
    fees = sum(FEE + RATE * abs(n) * last[a] for a, n in signed.items())
    assert CASH - spent - fees >= 0
    target = finance.optimize(
        prices, objective="min_variance", weight_bounds=(0.0, 0.4), covariance_estimator="ledoit_wolf"
    )
    for asset, weight in zip(target.assets, target.weights, strict=True):
        after = HELD[asset] + signed.get(asset, 0)
        assert after >= 0
        assert abs(after * last[asset] - weight * value) <= 2 * LOT * last[asset]  # within lots, and room for the fees
    numbers = made.entry.key_numbers
    assert numbers["orders"] == len(orders) == len(signed)
    assert numbers["fees"] == pytest.approx(fees, rel=1e-9)
    assert numbers["leftover_cash"] == pytest.approx(CASH - spent - fees, abs=1e-6)
    assert numbers["volatility"] == pytest.approx(target.volatility, rel=1e-9)
    assert numbers["expected_return"] == pytest.approx(target.expected_return, rel=1e-9)
    before = np.array([HELD[a] * last[a] for a in target.assets]) / (value - CASH)
    turned = float(np.abs(before - target.weights).sum()) / 2
    assert numbers["turnover"] == pytest.approx(turned, abs=1e-8)
    assert numbers["cost"] == pytest.approx(2 * RATE * turned, abs=1e-9)
    assert set(numbers) == set(find_template("rebalance").key_numbers)


def test_every_order_says_all_that_a_broker_asks(orders, prices):
    for row in orders:
        assert list(row) == ["asset", "side", "shares", "price", "value"]
        assert row["side"] in ("buy", "sell")
        assert int(row["shares"]) > 0
        assert int(row["shares"]) % LOT == 0
        assert float(row["price"]) == prices[row["asset"]].iloc[-1]
        assert float(row["value"]) == pytest.approx(int(row["shares"]) * float(row["price"]), abs=0.005)
    sides = [row["side"] for row in orders]
    assert sides == sorted(sides, reverse=True), "sales pay for purchases, and come first"


def test_the_page_hands_out_the_same_file_and_loads_nothing(made):
    text = made.files["page"].read_text()
    name, data = re.search(r'<a download="([^"]+)" href="data:text/csv;charset=utf-8;base64,([^"]+)"', text).groups()
    assert name == "for the broker.csv"
    assert base64.b64decode(data) == made.files[name].read_bytes()
    assert json.loads(made.files["record"].read_text())["files"][name] == name
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert re.search(r'alt="Weight of each asset\. Bar chart\. now: the largest is \w+ with 0\.\d+', text)


def test_its_three_runs_can_be_verified(made):
    runs = saved_runs(made.files["notebook"])
    assert [run.operation for run in runs] == ["finance.optimize", "finance.rebalance", "finance.allocate"]
    assert all(isinstance(run, Saved) for run in runs)
    assert runs[2].provenance["inputs"]["holdings"]["shape"] == [5]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"policy": "ful"},
            "policy must be one of 'full', 'threshold', 'no_trade_region', 'cost_aware', and 'ful' was",
        ),
        ({"threshold": 5}, "threshold must be a number from 0 to 1, and 5 was given"),
        ({"holdings": "nobody"}, "holdings names no sample, dataset or file: 'nobody'"),
        (
            {"prices": "factor_etf"},
            "prices names no sample, dataset or file: 'factor_etf'; did you mean 'factor_etfs'?",
        ),
        ({"holding": "x.csv"}, "report rebalance has no parameter 'holding'; did you mean 'holdings'?"),
        (
            {"holdings": "MTUM=10, USMV=-5"},
            "holdings of USMV is -5 and must be at least 0; correct it, or leave USMV out",
        ),
    ],
)
def test_bad_parameters_are_refused_before_a_kernel_starts(given, sentence):
    with pytest.raises(InvalidInput) as refused:
        check(find_template("rebalance"), given)
    assert sentence in str(refused.value)
    assert refused.value.field == next(iter(given))


def test_an_asset_without_a_price_ends_the_report_with_the_operations_sentence_and_no_orders(tmp_path, prices):
    prices.to_csv(tmp_path / "prices.csv")
    (tmp_path / "held.csv").write_text("asset,shares\nMTUM,10\nGOLD,3\n")
    given = {"holdings": str(tmp_path / "held.csv"), "prices": str(tmp_path / "prices.csv")}
    done = run_report("rebalance", given, out=tmp_path / "out", store=Store(tmp_path / "s.sqlite"))
    with pytest.raises(InvalidInput) as refused:
        finance.rebalance({"MTUM": 10, "GOLD": 3}, dict.fromkeys(prices.columns, 0.2), prices=prices)
    assert (done.entry.status, done.entry.error) == ("failed", str(refused.value))
    assert "GOLD" in done.entry.error
    assert sorted(p.suffix for p in (tmp_path / "out").iterdir()) == [".html", ".ipynb", ".json"]


def test_the_template_carries_no_outputs():
    notebook = nbformat.read(find_template("rebalance").path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
