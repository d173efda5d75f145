"""Information estimated again by looking at every pair of samples, without trees."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from prism_kernels.certificates.evidence import Check, Evidence, Floats, equal

__all__ = ["conditional", "conditional_of", "entropy", "mutual", "mutual_of", "prepared", "storage", "transfer"]

_MOST = 2000  # samples whose pairs are looked at one by one
_JITTER = 1e-10  # of the noise that parts equal values, in standard deviations


def prepared(values: Floats, seed: int, stream: int = 0) -> Floats:
    """Return a variable as time × coordinate, each with standard deviation 1, equal values parted by seeded noise.

    Parameters
    ----------
    values
        coordinate × time.
    seed, stream
        Of the noise: the setting, and which of the variables this is.
    """
    small = values / np.abs(values).max(axis=1)[:, None]
    middle: Floats = small.mean(axis=1)
    spread: Floats = small.std(axis=1)
    points = np.ascontiguousarray(((small - middle[:, None]) / spread[:, None]).T)
    tied = [len(np.unique(row)) < len(row) for row in values]
    noise = np.transpose(np.random.default_rng([seed, stream]).standard_normal(values.shape))
    points[:, tied] += _JITTER * noise[:, tied]
    return points


def _apart(points: Floats, theiler: int) -> Floats:
    """Return the distance of every two samples in the maximum norm; infinite for those too close in time."""
    apart = np.zeros((len(points), len(points)))
    for column in points.T:
        np.maximum(apart, np.abs(column[:, None] - column[None, :]), out=apart)
    time = np.arange(len(points))
    apart[np.abs(time[:, None] - time[None, :]) <= theiler] = np.inf
    return apart


def _psi(counts: Floats) -> Floats:
    from scipy.special import psi

    return np.asarray(psi(counts))


def _within(apart: Floats, radius: Floats) -> Floats:
    return _psi(1.0 + (apart < radius[:, None]).sum(axis=1))


def mutual_of(x: Floats, y: Floats, k: int, theiler: int) -> Floats:
    """Return Kraskov, Stögbauer and Grassberger's local mutual information (2004, algorithm 1) of two variables."""
    one, other = _apart(x, theiler), _apart(y, theiler)
    both = np.maximum(one, other)
    radius = np.partition(both, k - 1, axis=1)[:, k - 1]
    candidates = 1.0 + np.isfinite(both).sum(axis=1)
    return np.asarray(_psi(np.array([float(k)])) + _psi(candidates) - _within(one, radius) - _within(other, radius))


def conditional_of(x: Floats, y: Floats, z: Floats, k: int, theiler: int) -> Floats:
    """Return Frenzel and Pompe's local conditional mutual information (2007)."""
    one, other, given = (_apart(v, theiler) for v in (x, y, z))
    with_x, with_y = np.maximum(given, one), np.maximum(given, other)
    radius = np.partition(np.maximum(with_x, other), k - 1, axis=1)[:, k - 1]
    counts = [_within(v, radius) for v in (with_x, with_y, given)]
    return np.asarray(_psi(np.array([float(k)])) - counts[0] - counts[1] + counts[2])


def _checked(evidence: Evidence, local: Floats) -> Iterator[Check]:
    yield equal("estimate from all pairs of samples", evidence["value"], local.mean(), unit=1.0)
    if evidence.has("local"):
        yield equal("local values from all pairs", evidence["local"], local, unit=1.0)
    yield from _tested(evidence)


def _tested(evidence: Evidence) -> Iterator[Check]:
    if evidence.has("surrogates", "p_value"):
        drawn, value = evidence["surrogates"], np.asarray(evidence["value"])
        p = (1.0 + (drawn >= value[..., None]).sum(axis=-1)) / (1 + drawn.shape[-1])
        yield equal("p-value from the surrogates", evidence["p_value"], p)


def _points(evidence: Evidence, *names: str) -> list[Floats]:
    seed = int(evidence.settings["seed"])
    return [prepared(evidence.values(n), seed, k) for k, n in enumerate(names)]


def _settings(evidence: Evidence) -> tuple[int, int]:
    return int(evidence.settings["k"]), int(evidence.settings["theiler"])


def _small(evidence: Evidence) -> bool:
    return all(evidence.values(name).shape[1] <= _MOST for name in evidence.data)


def mutual(evidence: Evidence) -> Iterator[Check]:
    """Estimate mutual information again from all pairs."""
    if _small(evidence):
        x, y = _points(evidence, "x", "y")
        yield from _checked(evidence, mutual_of(x, y, *_settings(evidence)))


def conditional(evidence: Evidence) -> Iterator[Check]:
    """Estimate conditional mutual information again from all pairs."""
    if _small(evidence):
        x, y, z = _points(evidence, "x", "y", "z")
        yield from _checked(evidence, conditional_of(x, y, z, *_settings(evidence)))


def entropy(evidence: Evidence) -> Iterator[Check]:
    """Estimate Kozachenko and Leonenko's entropy (1987) again from all pairs."""
    if not _small(evidence):
        return
    (points,), (k, theiler) = _points(evidence, "x"), _settings(evidence)
    apart = _apart(points, theiler)
    radius = np.partition(apart, k - 1, axis=1)[:, k - 1]
    unit = np.log(evidence.values("x").std(axis=1)).sum()
    candidates = _psi(1.0 + np.isfinite(apart).sum(axis=1))
    local = candidates - _psi(np.array([float(k)])) + points.shape[1] * np.log(2 * radius) + unit
    yield from _checked(evidence, local)


def _past(points: Floats, lead: int, delay: int, length: int) -> Floats:
    """Return the values before each period from ``lead`` on, the latest first, sample × value."""
    return np.array(
        [np.concatenate([points[t - delay - j] for j in range(length)]) for t in range(lead, len(points))], dtype=float
    )


def _transferred(source: Floats, target: Floats, more: list[Floats], evidence: Evidence) -> Floats:
    of = {n: int(evidence.settings[n]) for n in ("source_history", "target_history", "delay")}
    lead = max(of["target_history"], of["delay"] + of["source_history"] - 1)
    given = [_past(v, lead, 1, of["target_history"]) for v in (target, *more)]
    before = _past(source, lead, of["delay"], of["source_history"])
    return conditional_of(before, target[lead:], np.hstack(given), *_settings(evidence))


def transfer(evidence: Evidence) -> Iterator[Check]:
    """Estimate transfer entropy (Schreiber 2000) again from all pairs."""
    if _small(evidence):
        names = [n for n in ("source", "target", "condition") if n in evidence.data]
        source, target, *more = _points(evidence, *names)
        yield from _checked(evidence, _transferred(source, target, more, evidence))


def transfer_matrix(evidence: Evidence) -> Iterator[Check]:
    """Estimate each transfer entropy again from all pairs, and adjust the p-values again."""
    value = evidence["value"]
    if _small(evidence) and value.size * evidence.values("y").shape[1] ** 2 <= 10 * _MOST**2:
        (points,) = _points(evidence, "y")
        found = np.full(value.shape, np.nan)
        for s, t in np.argwhere(~np.eye(len(value), dtype=bool)):
            found[s, t] = _transferred(points[:, [s]], points[:, [t]], [], evidence).mean()
        yield equal("estimates from all pairs of samples", value, found, unit=1.0)
    if evidence.has("p_value", "p_adjusted"):
        yield equal("p-values adjusted for the number of pairs", evidence["p_adjusted"], adjusted(evidence["p_value"]))


def adjusted(p_values: Floats) -> Floats:
    """Return p-values after Benjamini and Hochberg (1995), one by one; NaN is passed over."""
    found, there = np.full(p_values.shape, np.nan), ~np.isnan(p_values)
    known = np.sort(p_values[there])
    least, held = np.empty(len(known)), 1.0
    for k in reversed(range(len(known))):
        least[k] = held = min(held, known[k] * len(known) / (k + 1))
    found[there] = least[np.searchsorted(known, p_values[there])]
    return found


def storage(evidence: Evidence) -> Iterator[Check]:
    """Estimate the active information storage of each series again from all pairs."""
    history, (k, theiler) = int(evidence.settings["history"]), _settings(evidence)
    if _small(evidence) and len(evidence["value"]) * evidence.values("y").shape[1] ** 2 <= 10 * _MOST**2:
        (points,) = _points(evidence, "y")
        series = [points[:, [j]] for j in range(points.shape[1])]
        local = np.array([mutual_of(_past(p, history, 1, history), p[history:], k, theiler) for p in series])
        yield equal("estimates from all pairs of samples", evidence["value"], local.mean(axis=1), unit=1.0)
        if evidence.has("local"):
            yield equal("local values from all pairs", evidence["local"], local, unit=1.0)
    yield from _tested(evidence)
