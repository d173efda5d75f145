"""Small data of assets, of every character, as tests of all operations draw them."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from prism_kernels.inputs import Holdings, Prices, Returns
from prism_kernels.inputs.assets import Assets
from prism_kernels.inputs.positions import Positions

NAMES = ["a", "b", "c"]


def of_assets(row):
    """Tell whether an operation's first data are of assets: a row a period, a column an asset."""
    return issubclass(next(iter(row.data.values())).kind, Assets | Positions)


def plain(row, assets=3, periods=120, only=None):
    """Return usual arrays for each data parameter, or for some."""
    rng = np.random.default_rng(11)
    found = {}
    for name, one in row.data.items():
        columns = 1 if name == "benchmark" else assets
        returns = 0.01 * rng.standard_normal((periods, columns))
        if name == "covariance":
            found[name] = 1e-4 * np.eye(assets)
        elif issubclass(one.kind, Positions):
            found[name] = np.full(assets, 10.0 if one.kind is Holdings else 1 / assets)
        elif issubclass(one.kind, Returns):
            found[name] = returns
        elif issubclass(one.kind, Prices):
            found[name] = 100 * np.cumprod(1 + returns, axis=0)
        else:
            found[name] = (returns > 0.01).astype(float)
    return {n: v for n, v in found.items() if only is None or n in only}


@st.composite
def numbers(draw, kind, assets, periods):
    """Draw the numbers of one data parameter, of one of many characters."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if issubclass(kind, Positions):
        values = {
            "equal": np.full(assets, 1 / assets),
            "any": rng.dirichlet(np.ones(assets)),
            "short": np.append(np.full(assets - 1, 2.0), 1 - 2.0 * (assets - 1)),
            "none": np.zeros(assets),
        }[draw(st.sampled_from(["equal", "equal", "any", "any", "short", "none"]))]
        return np.round(100 * values) if kind is Holdings else values
    noise = rng.standard_normal((periods, assets))
    returns = {
        "usual": 0.01 * noise,
        "heavy": 0.01 * rng.standard_cauchy((periods, assets)).clip(-50, 50),
        "constant": np.full((periods, assets), draw(st.sampled_from([0.0, 0.001, -0.01]))),
        "ties": 0.01 * np.round(noise),
        "alike": 0.01 * noise[:, :1] + np.zeros((1, assets)),
        "lost": np.where(rng.random((periods, assets)) < 0.02, -1.0, 0.01 * noise),
        "tiny": 1e-150 * noise,
        "huge": np.abs(noise) * 1e3,
    }[draw(st.sampled_from(["usual", "usual", "usual", "heavy", "constant", "ties", "alike", "lost", "tiny", "huge"]))]
    if issubclass(kind, Returns):
        values = returns
    elif issubclass(kind, Prices):
        values = 100 * np.cumprod(1 + returns.clip(-0.9, 3), axis=0)
    else:
        return (returns > 0.005).astype(float)
    if draw(st.integers(0, 7)) == 0:
        values[rng.random(values.shape) < 0.1] = np.nan
    return values


def shaped(values, form):
    """Give numbers a form that a caller may bring."""
    if form == "float32":
        return values.astype(np.float32)
    if form == "fortran":
        values = np.asfortranarray(values)
        values.flags.writeable = False
    if form == "frame" and values.ndim == 2:
        return pd.DataFrame(values, pd.bdate_range("2001-01-01", periods=len(values)), NAMES[: values.shape[1]])
    if form == "frame":
        return pd.Series(values, NAMES[: len(values)])
    return values


@st.composite
def data(draw, row):
    """Draw all the data of an operation on assets, of one form."""
    assets, periods = draw(st.integers(1, 3)), draw(st.one_of(st.integers(1, 60), st.integers(30, 60)))
    form = draw(st.sampled_from(["array", "array", "float32", "fortran", "frame"]))
    chosen = [n for n, d in row.data.items() if d.required or draw(st.booleans())]
    columns = {n: 1 if n == "benchmark" else assets for n in chosen}
    return {n: shaped(draw(numbers(row.data[n].kind, columns[n], periods)), form) for n in chosen}
