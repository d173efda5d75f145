"""The named prices, returns and portfolios that come with skfolio and arch, read from their wheels without network."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prism_kernels.errors import MissingLibrary
from prism_kernels.inputs.holdings import Holdings
from prism_kernels.inputs.input import Input, Sample
from prism_kernels.inputs.prices import Prices
from prism_kernels.inputs.returns import Returns
from prism_kernels.inputs.weights import Weights

__all__: list[str] = []

_SKFOLIO = "skfolio (BSD-3-Clause)"
_ARCH = "arch (NCSA)"
_SHARES = 100.0


def _table(library: str, *parts: str) -> Any:
    """Read a packed CSV of an installed library without importing the library."""
    import pandas as pd

    spec = importlib.util.find_spec(library)
    if spec is None or not spec.submodule_search_locations:
        msg = f"this sample needs {library}, which is not installed; get it with: pip install 'prism-lab[examples]'"
        raise MissingLibrary(msg, name=library)
    return pd.read_csv(Path(spec.submodule_search_locations[0], *parts))


def _skfolio(name: str) -> Any:
    import pandas as pd

    frame = _table("skfolio", "datasets", "data", f"{name}.csv.gz")
    return frame.set_index(pd.DatetimeIndex(pd.to_datetime(frame.pop("Date")), name="date"))


def _arch(name: str, column: str, label: str) -> Any:
    import pandas as pd

    frame = _table("arch", "data", name, f"{name}.csv.gz")
    dates = pd.DatetimeIndex(pd.to_datetime(frame["Date"], format="%m/%d/%Y"), name="date")
    return pd.DataFrame({label: frame[column].to_numpy(float)}, index=dates)


def _vix() -> Any:
    import pandas as pd

    frame = _table("arch", "data", "vix", "vix.csv.gz")
    dates = pd.DatetimeIndex(pd.to_datetime(frame["Date"], format="%m/%d/%Y"), name="date")
    levels = pd.to_numeric(frame["vix"], errors="coerce")  # a dot stands for a day without trade
    return pd.DataFrame({"VIX": levels.to_numpy(float)}, index=dates).dropna()


def _french() -> Any:
    import pandas as pd

    frame = _table("arch", "data", "frenchdata", "frenchdata.csv.gz")
    dates = pd.to_datetime(frame.pop("Date").astype(str), format="%Y%m")
    return frame.astype(float).div(100.0).set_index(pd.DatetimeIndex(dates, name="date"))


def _every(frame: Callable[[], Any], number: Callable[[int], float], name: str) -> Any:
    import pandas as pd

    assets = frame().columns
    return pd.Series(number(len(assets)), index=pd.Index(assets, name="asset"), name=name)


_stocks = functools.partial(_skfolio, "sp500_dataset")
_factors = functools.partial(_skfolio, "factors_dataset")

_SAMPLES: tuple[tuple[type[Input], Sample], ...] = (
    (Prices, Sample("sp500_stocks", "20 stocks of the S&P 500, daily 1990–2022, USD", _SKFOLIO, _stocks)),
    (
        Prices,
        Sample("sp500_index", "S&P 500, daily 1990–2022, points", _SKFOLIO, functools.partial(_skfolio, "sp500_index")),
    ),
    (Prices, Sample("factor_etfs", "Five factor ETFs, daily 2014–2022, USD", _SKFOLIO, _factors)),
    *(
        (Prices, Sample(f"{name}{end}", f"{title}, daily 1999–2018, {what}", _ARCH, functools.partial(_arch, *how)))
        for name, title in (("sp500", "S&P 500"), ("nasdaq", "Nasdaq Composite"))
        for end, what, how in (
            ("", "points at the close", (name, "Adj Close", name.upper())),
            ("_open", "points at the open", (name, "Open", name.upper())),
        )
    ),
    (Prices, Sample("vix", "VIX, expected volatility of the S&P 500, daily 2014–2019, %", _ARCH, _vix)),
    (Returns, Sample("french_factors", "Market, size, value and risk-free returns, monthly from 1926", _ARCH, _french)),
    (
        Weights,
        Sample(
            "sp500_stocks_equal",
            "Equal weights of the 20 stocks of sp500_stocks",
            "made here",
            lambda: _every(_stocks, lambda n: 1.0 / n, "weight"),
        ),
    ),
    (
        Weights,
        Sample(
            "factor_etfs_equal",
            "Equal weights of the five ETFs of factor_etfs",
            "made here",
            lambda: _every(_factors, lambda n: 1.0 / n, "weight"),
        ),
    ),
    (
        Holdings,
        Sample(
            "sp500_stocks_held",
            "100 shares of each stock of sp500_stocks",
            "made here",
            lambda: _every(_stocks, lambda _: _SHARES, "shares"),
        ),
    ),
    (
        Holdings,
        Sample(
            "factor_etfs_held",
            "100 shares of each ETF of factor_etfs",
            "made here",
            lambda: _every(_factors, lambda _: _SHARES, "shares"),
        ),
    ),
)
for _kind, _sample in _SAMPLES:
    _kind._samples[_sample.name] = _sample
