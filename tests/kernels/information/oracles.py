"""Brute force that shares nothing with the package: every distance, every count, in plain numpy."""

import numpy as np
from scipy.special import digamma


def chebyshev(points):
    return np.abs(points[:, None, :] - points[None, :, :]).max(axis=2)


def outside(size, theiler):
    apart = np.abs(np.arange(size)[:, None] - np.arange(size)[None, :])
    return apart > theiler


def kth_distance(points, k, theiler=0):
    distances = np.where(outside(len(points), theiler), chebyshev(points), np.inf)
    return np.sort(distances, axis=1)[:, k - 1]


def count(points, radius, theiler=0):
    return ((chebyshev(points) < radius[:, None]) & outside(len(points), theiler)).sum(axis=1)


def standardised(values):
    values = np.atleast_2d(np.asarray(values, dtype=float))
    return ((values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True)).T


def mutual(x, y, k, theiler=0):
    radius = kth_distance(np.hstack([x, y]), k, theiler)
    candidates = outside(len(x), theiler).sum(axis=1) + 1
    inside = sum(digamma(count(v, radius, theiler) + 1) for v in (x, y))
    return digamma(k) + digamma(candidates) - inside


def conditional(x, y, z, k, theiler=0):
    radius = kth_distance(np.hstack([x, y, z]), k, theiler)
    xz, yz, only_z = (digamma(count(np.hstack(v), radius, theiler) + 1) for v in ([x, z], [y, z], [z]))
    return digamma(k) - xz - yz + only_z


def autoregression(rng, size, memory, series=1):
    values = rng.standard_normal((series, size))
    for t in range(1, size):
        values[:, t] += memory * values[:, t - 1]
    return values
