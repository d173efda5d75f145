"""The named samples against the loaders of the library whose wheel brings them."""

import numpy as np
from statsmodels.datasets import co2, elnino, macrodata, nile, sunspots

from prism_kernels import sample


def test_the_samples_have_the_numbers_that_their_library_loads():
    whole = co2.load_pandas().data["co2"]
    ours = sample("co2")
    assert ours.index.equals(whole.index)
    np.testing.assert_array_equal(ours, whole)
    np.testing.assert_array_equal(sample("nile"), nile.load_pandas().data["volume"])
    np.testing.assert_array_equal(sample("sunspots"), sunspots.load_pandas().data["SUNACTIVITY"])
    np.testing.assert_array_equal(sample("elnino"), elnino.load_pandas().data.iloc[:, 1:].to_numpy().ravel())
    np.testing.assert_array_equal(sample("macrodata"), macrodata.load_pandas().data.iloc[:, 2:])
