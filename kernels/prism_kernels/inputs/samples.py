"""The named series that come with statsmodels, read from its wheel without network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prism_kernels.inputs.input import Sample
from prism_kernels.inputs.series import Series

__all__: list[str] = []


def _statsmodels(folder: str, file: str = "") -> Any:
    """Read a table of statsmodels' wheel; the library itself, with scipy.stats, is a second and 40 MB."""
    import importlib.util

    import pandas as pd

    spec = importlib.util.find_spec("statsmodels")
    if spec is None or spec.origin is None:
        msg = "statsmodels, which brings the samples, is not installed; get it with: pip install statsmodels"
        raise ImportError(msg)
    return pd.read_csv(Path(spec.origin).parent / "datasets" / folder / f"{file or folder}.csv")


def _yearly(frame: Any, column: str, year: str) -> Any:
    import pandas as pd

    index = pd.PeriodIndex(frame[year].astype(int).astype(str), freq="Y").to_timestamp()
    return pd.Series(frame[column].to_numpy(float), index=index, name=column.lower())


def _co2() -> Any:
    import pandas as pd

    frame = _statsmodels("co2")
    index = pd.to_datetime(frame["date"].to_numpy(), format="%Y%m%d")
    return pd.Series(frame["co2"].to_numpy(float), index=index, name="co2").asfreq("W-SAT")


def _elnino() -> Any:
    import pandas as pd

    frame = _statsmodels("elnino").set_index("YEAR")
    index = pd.date_range(f"{int(frame.index[0])}-01", periods=frame.size, freq="MS")
    return pd.Series(frame.to_numpy(float).ravel(), index=index, name="sea_surface_temperature")


def _macrodata() -> Any:
    import pandas as pd

    frame = _statsmodels("macrodata")
    frame.index = pd.date_range("1959-01-01", periods=len(frame), freq="QS")
    return frame.drop(columns=["year", "quarter"]).astype(float)


def _macro(column: str, name: str) -> Any:
    return _macrodata()[column].rename(name)


def _interest_inflation() -> Any:
    import pandas as pd

    frame = _statsmodels("interest_inflation", "E6")
    start = f"{int(frame['year'].iloc[0])}-{3 * int(frame['quarter'].iloc[0]) - 2:02d}-01"
    frame.index = pd.date_range(start, periods=len(frame), freq="QS")
    return frame[["Dp", "R"]].rename(columns={"Dp": "inflation", "R": "interest"}).astype(float)


for _sample in (
    Sample("co2", "CO₂ at Mauna Loa, weekly, ppm, 59 weeks missing", "Keeling and Whorf, 2004", _co2),
    Sample(
        "sunspots",
        "Sunspot numbers, yearly 1700–2008",
        "NOAA National Geophysical Data Center",
        lambda: _yearly(_statsmodels("sunspots"), "SUNACTIVITY", "YEAR"),
    ),
    Sample(
        "nile",
        "Flow of the Nile at Aswan, yearly, 10⁸ m³",
        "Cobb, 1978",
        lambda: _yearly(_statsmodels("nile"), "volume", "year"),
    ),
    Sample("elnino", "Sea surface temperature off Peru, monthly, °C", "NOAA Climate Prediction Center", _elnino),
    Sample("macrodata", "US macroeconomy, quarterly, 12 series", "Federal Reserve Bank of St. Louis", _macrodata),
    Sample(
        "us_unemployment",
        "US unemployment, quarterly 1959–2009, %",
        "Federal Reserve Bank of St. Louis",
        lambda: _macro("unemp", "unemployment"),
    ),
    Sample(
        "us_inflation",
        "US inflation, quarterly 1959–2009, % a year",
        "Federal Reserve Bank of St. Louis",
        lambda: _macro("infl", "inflation"),
    ),
    Sample(
        "us_tbill",
        "US three-month Treasury bill rate, quarterly 1959–2009, %",
        "Federal Reserve Bank of St. Louis",
        lambda: _macro("tbilrate", "tbill"),
    ),
    Sample("interest_inflation", "German inflation and interest, quarterly", "Lütkepohl, 1993", _interest_inflation),
):
    Series._samples[_sample.name] = _sample
