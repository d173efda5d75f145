"""Certificates of risk and of tear sheets hold for every method, and catch a wrong number in any field."""

import dataclasses
import datetime
import json

import numpy as np
import pytest
from pydantic_core import to_json

from prism_kernels import run, sample
from prism_kernels.arrays import is_array
from prism_kernels.certificates import Evidence, certify
from prism_kernels.finance import Scenario

ROWS = (
    Scenario("crash", change=-0.2),
    Scenario("crash", "AAPL", -0.5),
    Scenario("2008", first=datetime.date(2008, 9, 1), last=datetime.date(2009, 3, 9)),
)


def evidence_of(operation, *data, change=None, **arguments):
    made = run(operation, *data, **arguments)
    fields = {n: np.asarray(v) if is_array(v) else v for n, v in made.result.fields().items()}
    fields |= {} if change is None else {change: wrong(fields[change])}
    settings = json.loads(to_json(dict(made.provenance.settings)))
    return Evidence(fields=fields, axes=made.result.axes, data=made.provenance.inputs, settings=settings)


def wrong(value):
    """Return the value with one number changed in the sixth digit; sums stay the same where there are several."""
    if isinstance(value, tuple):
        first = value[0]
        name = "depth" if hasattr(first, "depth") else "loss"
        return (dataclasses.replace(first, **{name: getattr(first, name) * 1.000001}), *value[1:])
    changed = np.array(value, dtype=float)
    flat = changed.reshape(-1)
    there = np.flatnonzero(np.isfinite(flat))
    flat[there[0]] += (by := 1e-5 * max(abs(flat[there[0]]), 1e-4))
    if changed.ndim == 2 and len(there) > 1:
        flat[there[1]] -= by
    return changed


def stocks():
    return sample("sp500_stocks").iloc[4500:], {"benchmark": sample("sp500_index").iloc[4500:]}


@pytest.mark.parametrize("quantile", ["interpolated", "step"])
@pytest.mark.parametrize("horizon", [1, 5])
@pytest.mark.parametrize("method", ["historical", "gaussian", "cornish_fisher"])
def test_the_risk_of_every_method_is_certified(method, horizon, quantile):
    data = sample("factor_etfs"), {"MTUM": 0.7, "USMV": 0.5, "VLUE": -0.2}
    checks = certify(
        "finance.risk", evidence_of("finance.risk", *data, method=method, horizon=horizon, quantile=quantile)
    )
    assert [check for check in checks if not check.agrees] == []
    assert len(checks) >= 13


@pytest.mark.parametrize("field", [
    "value_at_risk", "expected_shortfall", "component_var", "cdar", "volatility", "downside_deviation", "max_drawdown",
    "ulcer_index", "skewness", "kurtosis", "drawdowns", "beta", "alpha", "tracking_error", "information_ratio",
    "stress", "weights",
])  # fmt: skip
def test_a_wrong_number_of_risk_is_caught(field):
    data, more = stocks()
    whole = certify("finance.risk", evidence_of("finance.risk", data, scenarios=ROWS, **more))
    assert [check for check in whole if not check.agrees] == []
    broken = certify("finance.risk", evidence_of("finance.risk", data, scenarios=ROWS, change=field, **more))
    assert any(not check.agrees for check in broken)


@pytest.mark.parametrize("field", [
    "metrics", "monthly_returns", "yearly_returns", "growth", "drawdowns", "beta", "alpha", "tracking_error",
    "information_ratio", "weights", "return_contributions", "risk_contributions",
])  # fmt: skip
def test_a_wrong_number_of_a_tear_sheet_is_caught(field):
    data, more = stocks()
    settings = {"risk_free_rate": 0.02, **more}
    whole = certify("finance.report", evidence_of("finance.report", data, **settings))
    assert [check for check in whole if not check.agrees] == []
    broken = certify("finance.report", evidence_of("finance.report", data, change=field, **settings))
    assert any(not check.agrees for check in broken)
