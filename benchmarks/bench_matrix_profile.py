"""The matrix profile in a fresh process, where a compiler makes its user wait, against stumpy."""

import os
import subprocess
import sys

import numpy as np
import pytest

STUMPY = "import numpy, stumpy; y = numpy.load('y.npy'); p = stumpy.stump(y, {m})[:, 0].astype(float)"
OURS = (
    "import numpy; from prism_kernels.timeseries.matrix_profile import matrix_profile; "
    "y = numpy.load('y.npy'); p = matrix_profile(y, {m})[0]"
)


@pytest.fixture
def fresh(tmp_path, small):
    """Run a line in a new interpreter with one thread, and return the profile it computes."""
    size = 400 if small else 5_000
    np.save(tmp_path / "y.npy", np.random.default_rng(0).normal(size=size).cumsum())
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

    def run(code):
        line = code.format(m=50) + "; numpy.save('p.npy', p)"
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", line], cwd=tmp_path, env={**os.environ, **one}, check=True
        )
        return np.load(tmp_path / "p.npy")

    return run


@pytest.mark.slow
def test_the_first_matrix_profile_against_stumpys_first(row, fresh, small):
    def equal(peer, ours):
        np.testing.assert_allclose(ours, peer, atol=1e-8)
        return {"largest_difference": float(np.abs(ours - peer).max())}

    row(
        f"matrix profile, n = {400 if small else 5_000:,}, window 50, fresh process",
        against="stumpy",
        at_least=10,
        peer=lambda: fresh(STUMPY),
        ours=lambda: fresh(OURS),
        equal=equal,
        fresh=True,
    )
