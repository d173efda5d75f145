"""Views of risk and of tear sheets draw what the result holds, and their page holds their tables."""

import numpy as np
import pytest

from prism_kernels import run, sample
from prism_kernels.finance import Scenario
from prism_widgets.downloads import html_page
from prism_widgets.views import view_for
from prism_widgets.views.finance_tear_sheet import depths


def shown(operation, *data, **arguments):
    made = run(operation, *data, **arguments)
    view = view_for(made.result)
    view.update(made.result, made.provenance.inputs)
    return view, made


@pytest.fixture(scope="module")
def stocks():
    return sample("sp500_stocks").iloc[:400, :4]


def test_shares_of_the_value_at_risk_add_up_beside_the_weights(stocks):
    view, made = shown("finance.risk", stocks, {"AAPL": 0.4, "BAC": 0.6}, level=(0.9, 0.95))
    data = view._shares.data
    assert list(data["asset"]) == list(stocks.columns)
    assert data["weight"].tolist() == [0.4, 0.0, 0.6, 0.0]
    assert sum(data["share"]) == pytest.approx(1)
    assert view._stressed.visible is False
    view._series.value = 1
    assert view._shares.data["component"].tolist() == made.result.component_var[1].tolist()
    assert "at 0.95" in view.summary(view.result, 1)


def test_scenarios_are_drawn_when_there_are_some(stocks):
    rows = (Scenario("mild", change=-0.1), Scenario("severe", change=-0.4))
    view, _ = shown("finance.risk", stocks, scenarios=rows)
    assert view._stressed.visible is True
    assert view._stress.data["scenario"] == ["mild", "severe"]
    assert view._stress.data["loss"] == pytest.approx([0.1, 0.4])
    assert "the worst scenario, severe, costs 40 %" in view.summary(view.result, 0)


def test_a_tear_sheet_draws_growth_drawdown_and_months(stocks):
    view, made = shown("finance.report", stocks, benchmark=stocks[["BBY"]])
    assert np.array_equal(view._lines[0].data["y"], made.result.growth[:, 0])
    assert np.array_equal(view._depth.data["y"], depths(made.result.growth[:, 0]))
    assert min(view._depth.data["y"]) == pytest.approx(made.result.key_numbers()["max_drawdown"], rel=1e-12)
    cells = {(m, y): v for m, y, v in zip(*(view._months.data[n] for n in ("month", "year", "value")), strict=True)}
    assert cells["Mar", "1990"] == made.result.monthly_returns[0, 2]
    assert f"beta to BBY {float(made.result.beta):.4g}" in view.summary(view.result, 0)


def test_without_dates_there_is_no_map_of_months(stocks):
    view, _ = shown("finance.report", stocks.pct_change().iloc[1:].to_numpy())
    assert not hasattr(view, "_months")
    assert "<caption" in view.details()
    assert ">Years<" not in view.details()


def test_the_page_of_a_tear_sheet_holds_its_tables_and_escapes_names(stocks):
    view, made = shown("finance.report", stocks.rename(columns={"BBY": "<b>BBY"}), title="<i>mine")
    for page in (view.html(), html_page(made).decode()):
        assert "Measures" in page
        assert "Exposures" in page
        assert "<b>BBY" not in page.partition("</head>")[2].partition("<script")[0]
        assert "<i>mine" not in page.partition("</head>")[2].partition("<script")[0]
    assert f"{100 * made.result.key_numbers()['cagr']:,.2f} %" in view.details()
