# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Lane kernel of the covariances of windows of returns: one window a lane."""

from __future__ import annotations

import math

from prism_kernels.lanes import lane


@lane("i8 i8[:] f8[:,:]", "f8[:,:,:] f8[:,:,:] f8[:,:]")
def window_covariances(first, last, window, at, returns, work, covariance, linear):
    """Fill the covariances of the window that ends before row ``at``, times its length; zeros of an asset without all.

    returns: time × asset, NaN where an asset is not listed; work: lane × 2 × asset, scratch; linear: infinite for an
    asset that is not listed throughout, else 0.
    """
    n = returns.shape[1]
    for i in range(first, last):
        for j in range(n):
            total = 0.0
            for u in range(at[i] - window, at[i]):
                total += returns[u, j]
            work[i, 0, j] = total / window
            linear[i, j] = 0.0 if total == total else math.inf
            for k in range(j + 1):
                covariance[i, j, k] = 0.0
        for u in range(at[i] - window, at[i]):
            for j in range(n):
                work[i, 1, j] = returns[u, j] - work[i, 0, j] if linear[i, j] == 0.0 else 0.0
            for j in range(n):
                away = work[i, 1, j]
                for k in range(j + 1):
                    covariance[i, j, k] += away * work[i, 1, k]
        for j in range(n):
            for k in range(j):
                covariance[i, k, j] = covariance[i, j, k]
