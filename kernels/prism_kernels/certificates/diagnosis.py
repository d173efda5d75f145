"""Diagnoses of residuals: autocorrelations, tests and histogram, from sums over the residuals."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal

__all__ = ["certificate"]


def certificate(evidence: Evidence) -> Iterator[Check]:
    """Compute every number again from the residuals.

    Parameters
    ----------
    evidence
        A ``Diagnosis``.
    """
    rows = [row[~np.isnan(row)] for row in evidence.values("y")]
    lags, lost = evidence["acf"].shape[1], int(evidence.settings["n_params"])
    found = [_measured(row, lags, lost) for row in rows]
    for name in ("acf", "acf_bound", "ljung_box", "ljung_box_p", "jarque_bera", "jarque_bera_p", "mean", "sd"):
        unit = evidence["sd"] if name == "mean" else 1.0 if name == "acf" else 0.0
        yield equal(f"{name} of the residuals", evidence[name], [one[name] for one in found], unit=unit)
    counts = [_counted(row, edge.astype(float)) for row, edge in zip(rows, evidence["edge"], strict=True)]
    yield equal("residuals in each bin", evidence["count"], counts, tolerance=0.0)


def _measured(y: Floats, lags: int, lost: int) -> dict[str, object]:
    from scipy.special import gammaincc

    n, middle = len(y), math.fsum(y) / len(y)
    e = y - middle
    size = np.abs(e).max()
    e = e / size
    power = math.fsum(e * e)
    acf = np.array([e[j:] @ e[:-j] for j in range(1, lags + 1)]) / power
    box = n * (n + 2) * math.fsum(acf**2 / (n - np.arange(1, lags + 1)))
    variance = power / n
    skewness, kurtosis = math.fsum(e**3) / n / variance**1.5, math.fsum(e**4) / n / variance**2
    bera = n / 6 * (skewness**2 + (kurtosis - 3) ** 2 / 4)
    return {
        "acf": acf,
        "acf_bound": 1.959963984540054 / math.sqrt(n),
        "ljung_box": box,
        "ljung_box_p": float(gammaincc(max(1, lags - lost) / 2, box / 2)),
        "jarque_bera": bera,
        "jarque_bera_p": math.exp(-bera / 2),
        "mean": middle,
        "sd": size * math.sqrt(power / (n - 1)),
    }


def _counted(y: Floats, edge: Floats) -> list[int]:
    above = [int((y >= e).sum()) for e in edge[:-1]]
    return [a - b for a, b in zip(above, [*above[1:], int((y > edge[-1]).sum())], strict=True)]
