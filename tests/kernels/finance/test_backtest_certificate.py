"""The certificate of backtests: it holds for every strategy, and a wrong number in any field is caught."""

import dataclasses

import numpy as np
import pytest

from prism_kernels import run, sample
from prism_kernels.certificates import Evidence, certify

CLOSE = sample("sp500_stocks").iloc[-600:, :3]
RNG = np.random.default_rng(0)
ENTRIES, EXITS = ((CLOSE * 0 + RNG.random(CLOSE.shape) < share) for share in (0.1, 0.05))
OPENS = CLOSE.shift().bfill()
GAPS = CLOSE.mask((np.arange(600)[:, None] < 90) & (np.arange(3) == 1))
SIGNALS = {"strategy": "signals", "entries": ENTRIES, "exits": EXITS, "parameters": {"stop_loss": [0.0, 0.05]}}
OBJECTIVES = ["min_variance", "risk_parity", "inverse_volatility", "equal_weight", "hrp", "min_cvar"]
WALK = {"strategy": "walk_forward", "parameters": {"window": [60, 120], "every": [21], "objective": OBJECTIVES}}
HOLD = {"strategy": "weights", "weights": {"AAPL": 0.5, "AMD": 0.3}}
LATE = {"fill": "next_open", "open_prices": OPENS, "slippage": 0.001}

CASES = {
    "buying and holding": {},
    "averages, held out, kept": {"strategy": "moving_average", "out_of_sample": 0.3, "keep": "equity"},
    "averages, at the next open": {"strategy": "moving_average", **LATE},
    "momentum, few measures": {"strategy": "momentum", "metrics": ["cagr", "sharpe_ratio"]},
    "signals": SIGNALS,
    "signals, at the next open": {**SIGNALS, **LATE},
    **{
        f"weights, {r}": {**HOLD, "rebalance": r, "out_of_sample": 0.2}
        for r in (None, "daily", "weekly", "monthly", "quarterly", "yearly", 0.02)
    },
    "weights that do not drift": {**HOLD, "weight_drift": False, **LATE},
    "walking forward": {**WALK, "keep": "equity"},
}


def evidence_of(prices, given):
    made = run("finance.backtest", prices, **{"fees": 0.001, **given})
    result = made.result.to_numpy()
    return Evidence(
        fields=result.fields(), axes=result.axes, data=made.provenance.inputs, settings=made.provenance.settings
    )


def failed(evidence):
    return [(c.name, c.difference) for c in certify("finance.backtest", evidence) if not c.agrees]


@pytest.mark.parametrize("case", CASES)
def test_every_strategy_is_certified(case):
    assert failed(evidence_of(CLOSE, CASES[case])) == []


@pytest.mark.parametrize("missing", ["drop_assets", "intersect", "point_in_time"])
@pytest.mark.parametrize("case", ["averages, held out, kept", "walking forward"])
def test_missing_prices_are_left_out_as_asked(case, missing):
    assert failed(evidence_of(GAPS, {**CASES[case], "missing": missing})) == []


@pytest.mark.parametrize(
    ("case", "fields"),
    [
        (
            "averages, held out, kept",
            ["table", "out_of_sample", "equity", "trades", "turnover", "costs", "deflated_sharpe", "best"],
        ),
        ("walking forward", ["table", "targets", "equity", "costs"]),
    ],
)
def test_a_wrong_number_is_caught(case, fields):
    evidence = evidence_of(CLOSE, CASES[case])
    for field in fields:
        wrong = np.array(evidence[field], dtype=float)
        place = np.unravel_index(int(np.isfinite(wrong).argmax()), wrong.shape)
        wrong[place] += 1 if field == "best" else 0.01 * max(1.0, abs(wrong[place]))
        wrong = wrong.astype(evidence[field].dtype)
        assert failed(dataclasses.replace(evidence, fields={**evidence.fields, field: wrong})), field
