"""Certificates: they hold for what the operations return, of every kind, and catch a wrong number in any of them."""

import dataclasses
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from prism_kernels import operations, run, sample
from prism_kernels.certificates import Check, Evidence, arma, certificates, certify
from prism_kernels.certificates.evidence import equal

rng = np.random.default_rng(7)
months = pd.date_range("2000-01-01", periods=144, freq="MS")
growing = pd.Series(
    np.exp(np.sin(np.arange(144) * np.pi / 6) + np.arange(144) / 100 + rng.normal(0, 0.1, 144)), months, name="sales"
)
nile, elnino, sunspots = sample("nile"), sample("elnino").iloc[-240:], sample("sunspots")
economy = sample("macrodata").iloc[:, [0, 8, 9]]
ragged = {"long": nile.to_numpy(), "short": 3 * nile.to_numpy()[40:] + 5}
gaps = elnino.where(np.arange(240) != 100)
weather, weather_ahead = rng.normal(size=(2, 100)), rng.normal(size=(2, 6))

FORECASTS = {
    "arima": ((nile,), {"model": "arima", "order": (2, 1, 1)}),
    "arima with drift": ((nile,), {"model": "arima", "order": (1, 1, 1), "include_mean": True}),
    "seasonal arima": ((elnino,), {"model": "arima", "order": (1, 0, 1), "seasonal_order": (1, 1, 1)}),
    "arima with regressors": (
        (nile,),
        {"model": "arima", "order": (1, 0, 1), "exog": weather, "exog_future": weather_ahead},
    ),
    "arima of a ragged batch": ((ragged,), {"model": "arima", "order": (0, 2, 2)}),
    "auto_arima of a batch": ((economy,), {"model": "auto_arima", "interval": "analytic"}),
    "ets with trends": ((economy,), {"model": "ets", "season_length": 1}),
    "ets with a season that multiplies": ((growing,), {"model": "ets"}),
    "ets with two seasons": ((elnino.to_numpy(),), {"model": "ets", "season_length": (12, 36)}),
    "theta": ((ragged,), {"model": "theta"}),
    "theta with a season that multiplies": ((growing,), {"model": "theta"}),
    "theta with a season that adds": ((elnino - 22,), {"model": "theta", "interval": "bootstrap"}),
    "seasonal_naive": ((elnino,), {"model": "seasonal_naive"}),
    "single precision": ((elnino.to_numpy(np.float32),), {"model": "ets", "season_length": 12}),
}
OTHERS = [
    *(("timeseries.trend", (d,), {"method": m}) for m in ("mann_kendall", "theil_sen", "hp") for d in (nile, ragged)),
    *(
        ("timeseries.trend", ({n: v.astype(int) for n, v in ragged.items()},), {"cost": c, "n_changepoints": n})
        for c in ("l2", "normal", "poisson")
        for n in (None, 2)
    ),
    *(
        ("timeseries.anomaly", (sunspots,), {"method": m, "direction": d, "max_anomalies": n, **more})
        for m, more in (("forecast", {}), ("mad", {}), ("stl", {"season_length": 11}))
        for d, n in (("both", None), ("up", 3), ("down", None))
    ),
    ("timeseries.anomaly", (ragged,), {"method": "matrix_profile", "window": 7}),
    ("timeseries.anomaly", (nile,), {"method": "mad", "window": 15}),
    *(
        ("timeseries.correlation", (economy,), {"method": m, "max_lag": lag, "n_surrogates": n})
        for m in ("pearson", "spearman", "kendall", "cross", "distance", "mutual_information", "transfer_entropy")
        for lag, n in ((0, 0), (2, 3))
    ),
    ("timeseries.cross_validate", (economy,), {"h": 3, "n_windows": 3, "step_size": 2, "model": "theta"}),
    ("timeseries.cross_validate", (nile,), {"h": 3, "model": "arima", "level": (0.5, 0.9), "interval": "analytic"}),
    ("timeseries.decompose", (growing,), {"model": "multiplicative"}),
    ("timeseries.decompose", (ragged,), {"method": "classical", "period": 6}),
    ("timeseries.decompose", (elnino,), {"method": "mstl", "period": (12, 36)}),
    ("timeseries.diagnose", (ragged,), {"n_params": 2, "max_lag": 5}),
    ("timeseries.metrics", (economy, economy.shift(1)), {"lo": economy - 1, "hi": economy + 1, "level": 0.9}),
    *(("timeseries.resample", (sample("co2"),), {"every": "QS", "how": h}) for h in ("sum", "max", "median")),
    ("information.entropy", (economy,), {"local": True, "theiler": 2}),
    ("information.mutual_information", (economy.iloc[:, :2], economy.iloc[:, 2]), {"local": True, "n_surrogates": 3}),
    (
        "information.transfer_entropy",
        (economy.iloc[:, 0], economy.iloc[:, 1]),
        {"condition": economy.iloc[:, 2], "source_history": 2, "delay": 3, "theiler": 1},
    ),
    ("information.transfer_entropy_matrix", (economy,), {"target_history": 2, "n_surrogates": 3}),
    ("information.active_information_storage", (economy,), {"history": 3, "local": True, "n_surrogates": 3}),
]


def evidence_of(made):
    result = made.result.to_numpy()
    return Evidence(
        fields=result.fields(),
        axes=result.axes,
        warnings=result.warnings,
        data=made.provenance.inputs,
        settings=made.provenance.settings,
    )


def failed(operation, evidence):
    return [check.name for check in certify(operation, evidence) or () if not check.agrees]


@pytest.mark.parametrize("case", FORECASTS)
def test_forecasts_of_every_model_are_certified_from_their_parameters(case):
    data, given = FORECASTS[case]
    found = evidence_of(run("timeseries.forecast", *data, h=6, **given))
    checks = certify("timeseries.forecast", found)
    assert [(c.name, c.difference) for c in checks if not c.agrees] == []
    assert {"forecasts from the parameters", "loglik from the parameters"} <= {c.name for c in checks}


@pytest.mark.parametrize(("operation", "data", "given"), OTHERS, ids=lambda v: None if not isinstance(v, str) else v)
def test_results_of_every_kind_are_certified(operation, data, given):
    checks = certify(operation, evidence_of(run(operation, *data, **given)))
    assert checks
    assert [(c.name, c.difference) for c in checks if not c.agrees] == []


def nudged(values, size=1e-4):
    """Change the number in the middle a little; whole numbers and truths by one."""
    values = np.array(values)
    place = tuple(n // 2 * (axis > 0 or values.ndim == 1) for axis, n in enumerate(values.shape))
    if values.dtype.kind == "b":
        values[place] = not values[place]
    elif values.dtype.kind == "i":
        values[place] += 1
    else:
        values[place] += size * max(1.0, abs(values[place])) if np.isfinite(values[place]) else 1.0
    return values


# Fields that a certificate looks at, of each operation; the others are compared with the run made again.
CAUGHT = {
    "timeseries.forecast": (
        ["mean", "fitted", "residuals", "params", "sigma2", "loglik", "aic", "aicc", "bic"],
        (nile,),
        {"h": 4, "model": "arima", "order": (1, 0, 1)},
    ),
    "timeseries.cross_validate": (["y_true", "mean", "lo", "hi", "scores"], (nile,), {"h": 3, "model": "theta"}),
    "timeseries.decompose": (
        ["seasonal", "trend", "residual", "trend_strength", "seasonal_strength"],
        (elnino,),
        {"period": 12},
    ),
    "timeseries.diagnose": (
        ["acf", "acf_bound", "ljung_box", "ljung_box_p", "jarque_bera", "jarque_bera_p", "mean", "sd", "count"],
        (nile,),
        {},
    ),
    "timeseries.metrics": (["mae", "rmse", "bias", "mape", "smape", "wape"], (nile, nile + 1), {}),
    "timeseries.resample": (["values", "count"], (sample("co2"),), {"every": "MS"}),
    "timeseries.anomaly": (["score", "is_anomaly", "threshold", "expected", "lo", "hi"], (sunspots,), {}),
    "timeseries.correlation": (
        ["matrix", "lag", "p_value", "p_adjusted", "ci", "n_effective"],
        (economy,),
        {"max_lag": 1},
    ),
    "information.entropy": (["value", "local"], (nile,), {"local": True}),
    "information.mutual_information": (["value", "p_value"], (nile, nile[::-1].to_numpy()), {"n_surrogates": 4}),
    "information.transfer_entropy_matrix": (["value", "p_adjusted"], (economy,), {"n_surrogates": 4}),
    "information.active_information_storage": (["value", "p_value"], (economy,), {"n_surrogates": 4}),
    "timeseries.trend": (["trend", "cost"], (nile,), {}),
}


@pytest.mark.parametrize("operation", CAUGHT)
def test_a_wrong_number_is_caught_in_each_field_a_certificate_looks_at(operation):
    fields, data, given = CAUGHT[operation]
    made = evidence_of(run(operation, *data, **given))
    assert failed(operation, made) == []
    for field in fields:
        wrong = dataclasses.replace(made, fields={**made.fields, field: nudged(made.fields[field])})
        assert failed(operation, wrong), f"a wrong {field} went through"


@pytest.mark.parametrize(
    ("given", "fields"),
    [({"method": "hp"}, ["trend"]), ({"method": "mann_kendall"}, ["tau", "p_value", "slope", "slope_ci", "trend"])],
)
def test_wrong_trends_are_caught(given, fields):
    made = evidence_of(run("timeseries.trend", nile, **given))
    for field in fields:
        wrong = dataclasses.replace(made, fields={**made.fields, field: nudged(made.fields[field], 1e-2)})
        assert failed("timeseries.trend", wrong), f"a wrong {field} went through"


def test_a_cut_in_the_wrong_place_is_caught_though_its_numbers_fit_together():
    right = evidence_of(run("timeseries.trend", nile, n_changepoints=1))
    one, other = nile.to_numpy()[:30], nile.to_numpy()[30:]
    cost = ((one - one.mean()) ** 2).sum() + ((other - other.mean()) ** 2).sum()
    segments = [
        dataclasses.replace(s, mean=v.mean(), sd=v.std()) for s, v in zip(right["segments"], (one, other), strict=True)
    ]
    trend = np.concatenate([np.full(30, one.mean()), np.full(70, other.mean())])[None]
    fields = {**right.fields, "changepoints": ((30,),), "segments": tuple(segments), "trend": trend, "cost": [cost]}
    wrong = dataclasses.replace(right, fields={**fields, "cost": np.array([cost])})
    assert failed("timeseries.trend", wrong) == ["no cut is better moved or left out"]


def test_parameters_that_do_not_fit_the_forecast_are_caught_for_every_model():
    for model in ("arima", "ets", "theta"):
        made = evidence_of(run("timeseries.forecast", nile, h=4, model=model))
        params = made["params"] * 1.01
        wrong = failed("timeseries.forecast", dataclasses.replace(made, fields={**made.fields, "params": params}))
        assert "one-step predictions from the parameters" in wrong, model


def test_crossed_intervals_are_caught():
    made = evidence_of(run("timeseries.forecast", nile, h=4, model="theta"))
    swapped = dataclasses.replace(made, fields={**made.fields, "lo": made["lo"][:, ::-1]})
    assert failed("timeseries.forecast", swapped) == ["wider intervals hold the narrower ones"]


def test_gaps_and_scaled_series_are_certified_in_what_can_be_known():
    for data, given in ((gaps, {"missing": "kalman"}), (nile * 1e200, {})):
        found = certify(
            "timeseries.forecast", evidence_of(run("timeseries.forecast", data, h=3, model="arima", **given))
        )
        assert all(check.agrees for check in found)
        assert "forecasts from the parameters" not in {check.name for check in found}


def test_samples_too_many_for_all_their_pairs_have_no_certificate():
    made = run("information.entropy", np.random.default_rng(0).normal(size=2001))
    assert certify("information.entropy", evidence_of(made)) is None


def test_an_operation_without_one_has_no_certificate():
    assert certify("elsewhere.sum", evidence_of(run("timeseries.diagnose", nile))) is None


def test_another_package_brings_its_certificate_by_an_entry_point(monkeypatch):
    from importlib import metadata

    value = "prism_kernels.certificates.diagnosis:certificate"
    entries = metadata.EntryPoints([metadata.EntryPoint("elsewhere.residuals", value, "prism.certificates")])
    monkeypatch.setattr(metadata, "entry_points", lambda **chosen: entries.select(**chosen))
    assert "elsewhere.residuals" in certificates()
    checks = certify("elsewhere.residuals", evidence_of(run("timeseries.diagnose", nile)))
    assert len(checks) == 9
    assert all(check.agrees for check in checks)


def test_every_registered_operation_has_a_certificate():
    assert set(operations()) <= set(certificates())


def test_autocovariances_are_those_of_the_infinite_moving_average():
    ar, ma = (
        arma.expand(np.array([0.5, -0.2]), np.array([0.4]), 4, -1.0),
        arma.expand(np.array([0.3]), np.empty(0), 4, 1.0),
    )
    np.testing.assert_allclose(ar, np.convolve([1, -0.5, 0.2], [1, 0, 0, 0, -0.4]))
    weights = np.zeros(2000)  # of the innovations, from the recursion; the last ones are below 1e-80
    for j in range(2000):
        weights[j] = (ma[j] if j < len(ma) else 0.0) - sum(
            ar[i] * weights[j - i] for i in range(1, min(j, len(ar) - 1) + 1)
        )
    expected = [weights[: 2000 - k] @ weights[k:] for k in range(12)]
    np.testing.assert_allclose(arma.autocovariances(ar, ma, 12), expected, rtol=1e-12, atol=1e-14)


def test_predictions_are_the_conditional_expectations_of_a_normal_vector():
    w, gamma = (
        np.random.default_rng(1).normal(size=8),
        arma.autocovariances(np.array([1, -0.6]), np.array([1, 0.4]), 11),
    )
    guess, variance, future = arma.predicted(w, gamma, 3)
    covariance = gamma[np.abs(np.subtract.outer(np.arange(11), np.arange(11)))]
    for t in range(1, 8):
        weights = np.linalg.solve(covariance[:t, :t], covariance[:t, t])
        assert guess[t] == pytest.approx(weights @ w[:t], abs=1e-12)
        assert variance[t] == pytest.approx(gamma[0] - weights @ covariance[:t, t], abs=1e-12)
    np.testing.assert_allclose(future, covariance[8:, :8] @ np.linalg.solve(covariance[:8, :8], w), atol=1e-12)


def test_differences_are_measured_against_the_unit_that_is_larger():
    assert equal("x", [1.0, np.nan], [1.1, np.nan]).difference == pytest.approx(0.1 / 1.1)
    assert equal("x", [1.0], [1.1], unit=10.0).difference == pytest.approx(0.01)
    assert equal("x", [1.0], [1.0, 2.0]).difference == np.inf
    assert equal("x", [np.nan], [1.0]).difference == np.inf
    assert not Check("x", np.nan, 1.0).agrees


def test_certificates_share_no_code_with_what_they_check():
    script = """
import sys
from prism_kernels.certificates import _KNOWN, _find
for name in _KNOWN:
    assert _find(name) is not None
kernels = ("prism_kernels.timeseries", "prism_kernels.information", "prism_kernels.finance", "numba")
print(sorted(m for m in sys.modules if m.startswith(kernels)))
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
