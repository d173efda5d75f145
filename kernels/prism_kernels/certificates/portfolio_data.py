"""What a portfolio was made of, computed again: expectations by their definitions, and limits as rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from prism_kernels.certificates.evidence import Evidence, Floats

__all__ = ["Given", "given"]

_DECAY = 0.94


@dataclass(frozen=True, kw_only=True)
class Given:
    """Data and settings of an optimisation.

    Attributes
    ----------
    names
        Of the assets.
    matrix
        Period × asset.
    mean, covariance
        Per period, as the objective sees them.
    weights
        The portfolio that was found.
    held
        Previous, benchmark and market weights and budgets of risk, by the name of the argument.
    settings
        Of the run.
    year
        Periods in a year.
    """

    names: tuple[str, ...]
    matrix: Floats
    mean: Floats
    covariance: Floats
    weights: Floats
    held: Mapping[str, Floats]
    settings: Mapping[str, Any]
    year: float

    @property
    def costs(self) -> tuple[float, float]:
        """Costs of buying and of selling."""
        one = self.settings["transaction_costs"]
        return (one["buying"], one["selling"]) if isinstance(one, Mapping) else (float(one), float(one))

    def rows(self) -> tuple[Floats, Floats, Floats]:
        """Return the linear limits: rows, least and most."""
        members = {g["name"]: g["assets"] for g in self.settings["groups"]}
        rows, least, most = [np.ones(len(self.names))], [self.settings["budget"]], [self.settings["budget"]]
        for bounds in self.settings["group_bounds"]:
            rows.append(np.array([float(n in members[bounds["name"]]) for n in self.names]))
            least.append(bounds["least"])
            most.append(bounds["most"])
        if self.settings["target_return"] is not None:
            rows.append(self.mean * self.year)
            least.append(self.settings["target_return"])
            most.append(math.inf)
        return np.array(rows), np.array(least, dtype=float), np.array(most, dtype=float)

    def ceilings(self) -> list[tuple[Floats, float]]:
        """Return the limits on a deviation: the portfolio it is measured from, and the largest per period."""
        found = []
        if self.settings["target_volatility"] is not None:
            found.append((np.zeros(len(self.names)), self.settings["target_volatility"] / math.sqrt(self.year)))
        if self.settings["limits"]["tracking_error"] is not None:
            most = self.settings["limits"]["tracking_error"] / math.sqrt(self.year)
            found.append((self.held["benchmark_weights"], most))
        return found


def given(evidence: Evidence) -> Given:
    """Read what a portfolio was made of.

    Parameters
    ----------
    evidence
        An ``OptimalPortfolio``.
    """
    settings = evidence.settings
    assets: Any = evidence.data["returns"].complete(settings["missing"])[0]  # type: ignore[attr-defined]
    names, matrix = tuple(assets.assets), np.asarray(assets.matrix, dtype=float)
    held = {
        name: _aligned(evidence.data[name], names)
        for name in ("previous_weights", "benchmark_weights", "market_weights", "risk_budget")
        if name in evidence.data
    }
    mean = np.array([math.fsum(column) / len(matrix) for column in matrix.T])
    if "expected_returns" in evidence.data:
        mean = _aligned(evidence.data["expected_returns"], names)
    covariance = _covariance(evidence, matrix, names)
    if settings["objective"] == "black_litterman":
        mean, covariance = _blended(settings, names, covariance, held["market_weights"])
    return Given(
        names=names,
        matrix=matrix,
        mean=mean,
        covariance=covariance,
        weights=np.asarray(evidence["weights"], dtype=float),
        held=held,
        settings=settings,
        year=float(settings["periods_per_year"]),
    )


def _aligned(positions: Any, names: tuple[str, ...]) -> Floats:
    values = [float(v) for v in np.asarray(positions.values, dtype=float)]
    if not positions.named:
        return np.array(values)
    found = dict(zip(positions.assets, values, strict=True))
    return np.array([found.get(n, 0.0) for n in names])


def _covariance(evidence: Evidence, matrix: Floats, names: tuple[str, ...]) -> Floats:
    if "covariance" in evidence.data:
        own: Any = evidence.data["covariance"]
        table = np.asarray(own.values, dtype=float)
        order = [own.assets.index(n) for n in names] if own.assets else list(range(len(names)))
        table = (table[np.ix_(order, order)] + table[np.ix_(order, order)].T) / 2
        values, vectors = np.linalg.eigh(table)
        below = values[0] < -1e-10 * max(float(np.abs(table).max()), float(values[-1]))
        return np.asarray(vectors @ np.diag(np.maximum(values, 0)) @ vectors.T) if below else table
    estimator, periods = evidence.settings["covariance_estimator"], len(matrix)
    if estimator == "ewma":
        share = np.array([_DECAY ** (periods - 1 - t) for t in range(periods)])
        share = share / share.sum()
        apart = matrix - sum(s * row for s, row in zip(share, matrix, strict=True))
        return np.asarray((apart.T * share) @ apart / (1 - (share**2).sum()))
    sample = np.asarray(np.cov(matrix.T, ddof=1)).reshape(len(names), len(names))
    if estimator == "sample":
        return sample
    apart, spread = matrix - matrix.mean(axis=0), sample * (periods - 1) / periods
    level = float(np.trace(spread)) / len(names)
    target = level * np.eye(len(names))
    noise = math.fsum(float(((np.outer(row, row) - spread) ** 2).sum()) for row in apart) / periods**2
    distance = float(np.sum((spread - target) ** 2))
    shrunk = min(1.0, noise / distance) if distance > 0 else 1.0
    return np.asarray(shrunk * target + (1 - shrunk) * spread)


def _blended(
    settings: Mapping[str, Any], names: tuple[str, ...], covariance: Floats, market: Floats
) -> tuple[Floats, Floats]:
    """Blend views one after the other, as a filter does, which shares nothing with solving for all at once."""
    mean = settings["risk_aversion"] * covariance @ market + settings["risk_free_rate"] / settings["periods_per_year"]
    unsure, prior = settings["tau"] * covariance, settings["tau"] * covariance
    for view in settings["views"]:
        pick = np.array([float(n in view["assets"]) / len(view["assets"]) for n in names])
        if view["over"]:
            pick = pick - np.array([float(n in view["over"]) / len(view["over"]) for n in names])
        doubt = float(pick @ prior @ pick) * (1 - view["confidence"]) / view["confidence"]
        along = unsure @ pick
        gain = along / (float(pick @ along) + doubt)
        mean = mean + gain * (view["expected_return"] / settings["periods_per_year"] - float(pick @ mean))
        unsure = unsure - np.outer(gain, along)
    return mean, covariance + unsure
