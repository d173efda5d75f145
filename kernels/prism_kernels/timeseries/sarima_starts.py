"""Where the search for the maximum likelihood of a seasonal ARIMA begins."""

from __future__ import annotations

import numpy as np

from prism_kernels.timeseries.model import Floats

__all__ = ["PATTERNS", "PROBES"]

PATTERNS: Floats = np.array(
    [
        [0.1, 0.1, 0.1, 0.8, 0.1],
        [1.0, 1.8, 0.3, 1.0, -0.5],
        [-0.8, -1.3, -0.3, 0.8, 0.1],
        [0.5, -0.5, 0.5, 0.3, 0.1],
        [-0.5, 0.5, -0.5, 0.5, 0.6],
        [2.5, -0.2, 4.0, 1.0, 0.1],
        [5.0, 3.0, 0.5, 0.8, -0.5],
    ]
)
"""Where to begin: the first AR, MA, seasonal AR and seasonal MA partial autocorrelation before it is bounded, and how
large the later ones are beside the first."""

PROBES: Floats = np.array(
    [
        [2.5, 10.0, np.nan, np.nan, 0.0, 1.0],
        [-2.5, -10.0, np.nan, np.nan, 0.0, 1.0],
        [-0.2, 0.1, np.nan, np.nan, 0.0, 1.0],
        [1.2, 4.0, np.nan, np.nan, 0.0, 1.0],
        [15.0, 3.0, np.nan, np.nan, 0.0, 1.0],
        [-15.0, -3.0, np.nan, np.nan, 0.0, 1.0],
        [15.0, 5.0, np.nan, np.nan, 0.0, 1.0],
        [-15.0, -5.0, np.nan, np.nan, 0.0, 1.0],
        [np.nan, np.nan, 0.3, 1.3, 0.0, 0.0],
    ]
)
"""Where to look for another maximum from a first one, NaN where nothing is changed; in the last column, how much less
log-likelihood is worth following. Most maxima that are missed have AR and MA that all but cancel, some of them with a
root of AR on the unit circle: the rows of ±15 lie near those."""
