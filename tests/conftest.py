"""What all tests share: the array libraries a kernel must run on, and a steady Hypothesis."""

import importlib.util
import os
import signal
import tempfile
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from prism_kernels import Result

hypothesis.settings.register_profile(
    "prism", derandomize=True, deadline=None, max_examples=40, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("prism")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in the background of a shell; children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.setdefault("XDG_CACHE_HOME", str(Path.home() / ".cache"))
os.environ["PRISM_DATA"] = str(Path(tempfile.gettempdir()) / f"no-prism-data-{os.getpid()}")  # nobody's own datasets


def _shapes_hold(result):
    """Check every result that a test makes: fields have the dimensions they name, of one size each, and labels fit."""
    sizes = {}
    for name, dims in result.dimensions().items():
        value = getattr(result, name)
        if value is None:
            continue
        assert value.ndim == len(dims), f"{type(result).__name__}.{name} is {value.shape}, not {dims}"
        for dim, size in zip(dims, value.shape, strict=True):
            assert sizes.setdefault(dim, size) == size, (
                f"{type(result).__name__}.{name}: {dim} is {size} and {sizes[dim]}"
            )
    for dim, labels in result.axes.items():
        assert len(labels) == sizes.get(dim, len(labels)), f"{type(result).__name__}: {len(labels)} labels of {dim}"


Result.__post_init__ = _shapes_hold

_PLACES = ("numpy", "strict", "strict-device1", "torch", "torch-cuda", "cupy")


class Place:
    """A library and device: puts numpy arrays there, and says whether an array lives there."""

    def __init__(self, name):
        self.name = name

    def __call__(self, values, dtype=None):
        values = np.asarray(values, dtype=dtype)
        if self.name == "numpy":
            return values
        if self.name.startswith("strict"):
            import array_api_strict as xp

            device = xp.Device("device1") if self.name.endswith("1") else None
            return xp.asarray(values, device=device)
        if self.name.startswith("torch"):
            import torch

            return torch.as_tensor(values.copy(), device="cuda" if self.name.endswith("cuda") else "cpu")
        import cupy

        return cupy.asarray(values)

    def owns(self, array):
        from prism_kernels.arrays import device_of, namespace_of

        mine = self(np.zeros(1))
        same = namespace_of(a=array) is namespace_of(a=mine)
        return same and device_of(array) == device_of(mine)


def _absent(name):
    if name == "torch-cuda":
        if importlib.util.find_spec("torch") is None:
            return "torch is not installed"
        import torch

        return None if torch.cuda.is_available() else "no CUDA device for torch"
    module = {"strict": "array_api_strict", "strict-device1": "array_api_strict"}.get(name, name)
    return None if importlib.util.find_spec(module) else f"{module} is not installed"


@pytest.fixture(params=_PLACES)
def on(request):
    """Put data into one array library and device after another; what is not there skips."""
    reason = _absent(request.param)
    if reason:
        pytest.skip(reason)
    return Place(request.param)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data that lies beside the checkout; tests that need it skip where it is absent."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside this checkout")
    return folder
