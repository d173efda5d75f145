"""The certificate of a portfolio: it holds for what is best, and catches what is not."""

import dataclasses

import numpy as np
import pytest

from prism_kernels import run
from prism_kernels.certificates import Evidence, certify
from prism_kernels.finance import Costs, GroupBounds, Groups, Limits, View
from tests.kernels.finance.test_optimize import NAMES, gaining

EVEN = dict.fromkeys(NAMES, 0.125)
GROUPS = {"groups": [Groups("x", ("A", "B"))], "group_bounds": [GroupBounds("x", 0.1, 0.2)]}
CASES = {
    "min_variance": {"objective": "min_variance", "frontier_points": 12},
    "mean_variance": {"objective": "mean_variance", **GROUPS, "covariance_estimator": "ledoit_wolf"},
    "max_sharpe": {"covariance_estimator": "ewma", "risk_free_rate": 0.01},
    "max_return": {"objective": "max_return", "weight_bounds": (0.0, 0.3)},
    "risk_parity": {"objective": "risk_parity"},
    "hrp": {"objective": "hrp"},
    "min_cvar": {"objective": "min_cvar", "level": 0.93},
    "black_litterman": {
        "objective": "black_litterman",
        "market_weights": EVEN,
        "views": [View(("A", "B"), 0.1, ("C",), 0.7), View(("D",), 0.2, confidence=1.0)],
    },
    "turnover": {"max_turnover": 0.1, "previous_weights": EVEN, "transaction_costs": Costs(0.01, 0.002)},
    "tracking": {"objective": "max_return", "limits": Limits(tracking_error=0.03), "benchmark_weights": EVEN},
    "volatility": {"objective": "max_return", "target_volatility": 0.1},
    "target": {"objective": "min_variance", "target_return": 0.12},
    "exposure": {"limits": Limits(gross_exposure=1.3), "weight_bounds": (-1.0, 1.0), "objective": "min_variance"},
    "positions": {"limits": Limits(max_positions=3, min_position=0.2), "objective": "min_variance"},
    "given": {"objective": "min_variance", "covariance": np.diag(np.arange(1.0, 9.0)), "expected_returns": EVEN},
}


def evidence_of(kept, **changed):
    result = dataclasses.replace(kept.result, **changed)
    return Evidence(
        fields=result.fields(),
        axes=result.axes,
        warnings=result.warnings,
        data=kept.provenance.inputs,
        settings=kept.provenance.settings,
    )


@pytest.mark.parametrize("case", CASES)
def test_it_holds_for_the_best_portfolio_and_not_for_another(case):
    kept = run("finance.optimize", gaining(8, 5), **CASES[case])
    checks = certify("finance.optimize", evidence_of(kept))
    assert [c for c in checks if not c.agrees] == []
    moved = kept.result.weights.copy()
    held = np.argsort(moved)
    moved[held[-1]] -= 1e-3
    moved[held[-2]] += 1e-3
    failed = [c.name for c in certify("finance.optimize", evidence_of(kept, weights=moved)) if not c.agrees]
    wanted = {
        "risk_parity": "risk is shared by budget",
        "hrp": "weights by the hierarchy",
        "min_cvar": "no portfolio has a smaller shortfall",
    }.get(case, "no portfolio within the limits is better")
    assert wanted in failed or "every limit is kept" in failed


FIELDS = {
    "expected_return": "expected return",
    "volatility": "volatility",
    "objective_value": "value of the objective",
    "sharpe_ratio": "Sharpe ratio",
    "value_at_risk": "value at risk",
    "expected_shortfall": "expected shortfall",
    "diversification_ratio": "diversification ratio",
    "turnover": "turnover",
    "trading_cost": "cost of trading",
}


@pytest.mark.parametrize("field", FIELDS)
def test_it_catches_each_number_that_is_not_so(field):
    kept = run("finance.optimize", gaining(8, 5), **CASES["turnover"])
    wrong = getattr(kept.result, field) * (1 + 1e-6) + 1e-8
    failed = [c.name for c in certify("finance.optimize", evidence_of(kept, **{field: wrong})) if not c.agrees]
    assert failed == [FIELDS[field]]
