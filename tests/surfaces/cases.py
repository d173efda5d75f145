"""What people give by mistake: data, operation, settings, and the one sentence that every surface says of it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

MONTHS = [f"{2010 + k // 12}-{k % 12 + 1:02d}-01" for k in range(60)]
VALUES = [f"{10 + 3 * np.sin(k / 3) + 0.01 * k:.3f}" for k in range(60)]
GONE = object()  # a setting that is left out

# What each operation is given where a case says nothing else: small and quick.
BASE: dict[str, dict[str, Any]] = {
    "timeseries.forecast": {"h": 3, "model": "seasonal_naive"},
    "timeseries.decompose": {"period": 12},
    "timeseries.correlation": {},
    "timeseries.trend": {"method": "mann_kendall"},
    "timeseries.anomaly": {"method": "mad"},
    "timeseries.cross_validate": {"h": 3, "model": "seasonal_naive", "interval": "analytic"},
    "information.entropy": {},
    "finance.risk": {},
    "finance.optimize": {"objective": "min_variance"},
    "finance.backtest": {},
    "finance.allocate": {"capital": 10_000.0},
    "finance.rebalance": {},
    "finance.report": {},
}
SAMPLES = {
    "timeseries.correlation": "macrodata",
    "timeseries.decompose": "elnino",
    **{f"finance.{verb}": "factor_etfs" for verb in ("risk", "optimize", "backtest", "report")},
    "finance.allocate": "factor_etfs_equal",
    "finance.rebalance": "factor_etfs_held",
}
OTHERS = {  # data besides the first
    "finance.risk": {"weights": "factor_etfs_equal"},
    "finance.allocate": {"prices": "factor_etfs"},
    "finance.rebalance": {"target": "factor_etfs_equal", "prices": "factor_etfs"},
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One mistake.

    Attributes
    ----------
    sentence
        What is said, word for word.
    operation
        What is run.
    file
        Name and content of the file given as the first data; None for good data, a content of None for no file.
    target
        The data the file is given for; the first where it is empty.
    others
        Further data, by name, as a sample or as a text such as ``A=0.5, B=0.5``, where they differ from the base.
    settings
        What differs from the base.
    known
        When the refusal is known: from the settings, on reading the data, or only when computing.
    reported
        Whether a report is made of it too, where that takes a kernel.
    absent
        Surfaces where the mistake cannot be made.
    """

    sentence: str
    operation: str = "timeseries.forecast"
    file: tuple[str, bytes | None] | None = None
    target: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    known: Literal["settings", "reading", "computing"] = "computing"
    reported: bool = False
    absent: tuple[str, ...] = ()

    @property
    def given(self) -> dict[str, Any]:
        """All settings of the call."""
        return {n: v for n, v in {**BASE[self.operation], **self.settings}.items() if v is not GONE}

    @property
    def sample(self) -> str:
        """Good data."""
        return SAMPLES.get(self.operation, "nile")


def csv(changes: Mapping[int, str] | None = None, *, rows: int = 60, head: str = "date,y") -> bytes:
    """Write good monthly data as CSV, with some of its lines (counted from 0, header aside) replaced."""
    lines = [f"{m},{v}" for m, v in zip(MONTHS[:rows], VALUES[:rows], strict=True)]
    for place, line in (changes or {}).items():
        lines[place] = line
    return "\n".join([head, *(line for line in lines if line != "-"), ""]).encode()


def npy(values: Any) -> bytes:
    """Write an array as the bytes of an NPY file."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values), allow_pickle=True)
    return buffer.getvalue()


def read(name: str, content: bytes | None, sentence: str) -> Case:
    """Make a case of data that cannot be read."""
    return Case(sentence=sentence, file=(name, content), known="reading")


def setting(sentence: str, operation: str = "timeseries.forecast", absent: tuple[str, ...] = (), **given: Any) -> Case:
    """Make a case of a setting that breaks its rule."""
    return Case(sentence=sentence, operation=operation, settings=given, known="settings", absent=absent)


_AT = {k: f"{MONTHS[k]},{VALUES[k]}" for k in range(60)}
_ZONED = {k: f"{MONTHS[k]}T00:00:00+0{1 + (k >= 30)}:00,{VALUES[k]}" for k in range(60)}
_SLASHES = "date,y\n01/02/2020,1\n01/03/2020,2\n01/04/2020,3\n"
_SHARES = "level must be a list of 1 or more numbers above 0 and below 1, and"
_HORIZON = "h must be a whole number from 1 to 10000, and"

FILES = {
    "a broken row": read(
        "bad.csv",
        csv({5: "2010-06-01,3,4"}),
        "y: line 7 of bad.csv has 3 fields where the header has 2; mend that line",
    ),
    "another delimiter": read(
        "bad.csv",
        csv().replace(b",", b":"),
        f"y has no numeric column (column: 'date:y'): row 1 of 'date:y' holds '2010-01-01:{VALUES[0]}'; "
        "separate columns with commas, semicolons, tabs or bars",
    ),
    "no numeric column": read(
        "bad.csv",
        csv(dict.fromkeys(range(60), "north,cold"), head="place,weather"),
        "y has no numeric column (columns: 'place', 'weather'): row 1 of 'place' holds 'north'; at least one column "
        "must hold numbers",
    ),
    "two time zones": read(
        "bad.csv",
        csv(_ZONED),
        "y mixes time zones: row 31 has +02:00 where row 1 has +01:00; write all stamps in one zone (UTC)",
    ),
    "nothing in it": read("bad.csv", b"", "y: bad.csv is empty (0 bytes); at least a header and one row are needed"),
    "a header alone": read("bad.csv", b"date,y\n", "y has a header and no rows; at least one value is needed"),
    "an open quotation mark": read(
        "bad.csv", b'date,y\n2010-01-01,"3\n', "y: bad.csv cannot be read as CSV: EOF inside string starting at row 1"
    ),
    "a zero byte": read(
        "bad.csv",
        b"date,y\n2010-01-01,\x003\n",
        "y: bad.csv is no text (line 2 holds a zero byte); save it as CSV in UTF-8",
    ),
    "another encoding": read(
        "bad.csv",
        "date,größe\n2010-01-01,3\n".encode("latin1"),
        "y: bad.csv is not UTF-8 text (byte 7); save it as CSV in UTF-8",
    ),
    "a word among numbers": read(
        "bad.csv",
        csv({4: "2010-05-01,many"}),
        "y has 'many' in row 5 of column 'y' where a number belongs; mend it, or leave it empty",
    ),
    "a currency beside numbers": read(
        "bad.csv",
        csv({k: f"{MONTHS[k]},${VALUES[k]},{k}" for k in range(60)}, head="date,sales,units"),
        f"y has '${VALUES[0]}' in row 1 of column 'sales' where a number belongs; write plain numbers, such as "
        f"{VALUES[0]}, or leave the column out",
    ),
    "mostly words": read(
        "bad.csv",
        csv({k: f"{MONTHS[k]},{k if k % 3 == 0 else 'missing'},{k}" for k in range(60)}, head="date,y,n"),
        "y has 'missing' in row 2 of column 'y' where a number belongs; leave such cells empty, or the column out",
    ),
    "no header": read(
        "bad.csv",
        csv(head=_AT[0]),
        f"y: bad.csv has no header, as line 1 holds '2010-01-01' and '{VALUES[0]}'; add a line of names above it, "
        "such as date,y",
    ),
    "two columns of one name": read(
        "bad.csv", b"date,y,y\n2010-01-01,1,2\n", "y has two columns called 'y'; give each a name of its own"
    ),
    "words for dates": read(
        "bad.csv",
        csv(dict.fromkeys(range(60), "soon,3")),
        "y has 'soon' in row 1 of column 'date' where a date belongs; write it as 2024-12-31, or leave the column out",
    ),
    "years and months apart": read(
        "bad.csv",
        csv({k: f"{MONTHS[k][:4]},{k % 12 + 1},{VALUES[k]}" for k in range(60)}, head="year,month,y"),
        "y has its dates in several columns ('year' and 'month'); join them into one, with dates such as 2024-01",
    ),
    "series below each other": read(
        "bad.csv",
        csv({k: f"{'ab'[k % 2]},{MONTHS[k // 2]},{VALUES[k]}" for k in range(60)}, head="shop,date,value"),
        "y has the dates of each 'shop' below each other (2010-01-01 stands for 'a' and for 'b'); call the columns "
        "unique_id, ds and y, or pivot it, so that a column is a series",
    ),
    "a day there is not": read(
        "bad.csv", csv({4: "2010-05-32,3"}), "y has '2010-05-32' in row 5 where a date belongs; write it as 2024-12-31"
    ),
    "a first date that is none": read(
        "bad.csv", csv({0: "1st,3"}), "y has '1st' in row 1 where a date belongs; write it as 2024-12-31"
    ),
    "days or months first": read(
        "bad.csv",
        _SLASHES.encode(),
        "y has dates such as '01/02/2020', which may start with the day or the month; write them as 2024-12-31",
    ),
    "a row without a date": read(
        "bad.csv", csv({4: ",3"}), "y has no date in row 5; give each row its date, or remove it"
    ),
    "a repeated date": read(
        "bad.csv",
        csv({5: _AT[4]}),
        "y has 1 repeated date (first: 2010-05-01); use resample(…, every=…, how='mean') first",
    ),
    "unsorted dates": read(
        "bad.csv",
        csv({5: _AT[6], 6: _AT[5]}),
        "y has unsorted dates: 2010-06-01 comes after 2010-07-01; sort it by date, or use resample(…, every=…)",
    ),
    "irregular dates": read(
        "bad.csv",
        csv({5: "-", 6: "-"}),
        "y has irregular dates: 2010-08-01 follows 2010-05-01 by 92 days where most are a month apart; "
        "use resample(…, every=…) first",
    ),
    "infinite": read(
        "bad.csv", csv({7: "2010-08-01,inf"}), "y has 1 infinite value (first: 2010-08-01); replace or remove it"
    ),
    "a file that is not there": read(
        "no.csv", None, "y: no.csv is not there; give the path of a CSV, Parquet or NPY file"
    ),
    "no Parquet": read(
        "bad.parquet", csv(), "y: bad.parquet is not a readable Parquet file; write it again, or save it as CSV"
    ),
    "no NPY": read(
        "bad.npy", csv(), "y: bad.npy is not a readable NPY file; write one array of numbers with numpy.save"
    ),
    "pickled objects": read(
        "bad.npy",
        npy(np.array([{}, 1], dtype=object)),
        "y: bad.npy is not a readable NPY file; write one array of numbers with numpy.save",
    ),
    "complex": read("bad.npy", npy([1j, 2.0]), "y holds complex numbers; only real numbers can be analysed"),
    "texts": read("bad.npy", npy(["a", "b"]), "y holds <U1 values; only real numbers can be analysed"),
    "three dimensions": read(
        "bad.npy", npy(np.zeros((2, 3, 4))), "y has 3 dimensions; give one series (time) or several (series × time)"
    ),
    "no values": read("bad.npy", npy(np.zeros((0, 5))), "y is empty; at least one value is needed"),
}

SETTINGS = {
    "no horizon": setting(f"{_HORIZON} 0 was given", h=0),
    "a horizon backwards": setting(f"{_HORIZON} -3 was given", h=-3),
    "half a period": setting(f"{_HORIZON} 2.5 was given", h=2.5),
    "a horizon beyond the bound": setting(f"{_HORIZON} 10001 was given", h=10_001),
    "a word for a number": setting(f"{_HORIZON} 'twelve' was given", h="twelve"),
    "no number at all": setting(f"{_HORIZON} nan was given", h=float("nan")),
    "true for a number": setting(f"{_HORIZON} True was given", h=True),
    "a level of one": setting(f"{_SHARES} (0.8, 1.0) was given", level=[0.8, 1.0]),
    "a level in percent": setting(f"{_SHARES} (95,) was given", level=[95]),
    "an infinite level": setting(f"{_SHARES} (inf,) was given", level=[float("inf")]),
    "no level": setting(f"{_SHARES} () was given", level=[]),
    "a misspelt model": setting(
        "model must be one of 'auto_arima', 'arima', 'ets', 'theta', 'seasonal_naive', 'gru', 'lstm', and 'arma' was "
        "given; did you mean 'arima'?",
        model="arma",
    ),
    "two of three orders": setting(
        "order must be (a whole number from 0 to 12, a whole number from 0 to 3, a whole number from 0 to 12), and "
        "(1, 1) was given",
        order=[1, 1],
        absent=("page",),  # three entries stand there
    ),
    "a number for a list": setting(
        f"{_SHARES} 0.9 was given; write [0.9]",
        level=0.9,
        absent=("page",),  # a list stands there
    ),
    "a text for a list": setting(
        "order must be (a whole number from 0 to 12, a whole number from 0 to 3, a whole number from 0 to 12), and "
        "'1,1,1' was given; write [1,1,1]",
        order="1,1,1",
        absent=("page",),  # three entries stand there
    ),
    "an unknown setting": setting(
        "timeseries.forecast has no setting 'modle'; did you mean 'model'?", modle="ets", absent=("page",)
    ),
    "a setting left out": setting(
        "timeseries.forecast needs h, a whole number from 1 to 10000",
        h=GONE,
        absent=("page",),  # it holds one always
    ),
    "a season of one": setting(
        "period must be a whole number at least 2 or a list of whole numbers at least 2 or nothing (null), and 1 was "
        "given",
        "timeseries.decompose",
        period=1,
    ),
    "no neighbours": setting("k must be a whole number at least 1, and 0 was given", "information.entropy", k=0),
}

NUMBERS = {
    "missing values": Case(
        sentence="y has 4 missing values (first: 2010-06-01, 2010-10-01, 2011-09-01, …); fill them, or use "
        "missing='kalman' with model 'auto_arima' or 'arima'",
        file=("bad.csv", csv({k: f"{MONTHS[k]}," for k in (5, 9, 20, 30)})),
        reported=True,
    ),
    "too short": Case(
        sentence="y has 5 values, and model 'seasonal_naive' needs 14 or more with season_length 12 (1 for no season)",
        file=("bad.csv", csv(rows=5)),
    ),
    "too few scores to calibrate": Case(
        sentence="y leaves 15 calibration scores and level 0.95 needs 19 or more; give a longer series, a lower level "
        "or more calibration_windows, or use interval='analytic'",
        file=("bad.npy", npy(np.sin(np.arange(9.0)))),
        reported=True,
    ),
    "a level named twice": Case(
        sentence="level (0.8, 0.8) names a share twice; name each once", settings={"level": [0.8, 0.8]}
    ),
    "bad series in a batch": Case(
        sentence="y: 1 of 2 series cannot be forecast: b has 2 values, and model 'seasonal_naive' needs 3 or more; "
        "remove them, or use on_error='status' to forecast the others",
        file=("bad.csv", b"a,b\n" + b"".join(b"%d,\n" % (k * k % 7) for k in range(30)) + b"1,2\n3,1\n"),
        settings={"interval": "analytic"},
    ),
    "a setting of another model": Case(
        sentence="order has no meaning for model 'seasonal_naive'; leave it at (1, 1, 1), or use model='arima'",
        settings={"order": [2, 1, 1]},
        reported=True,
    ),
    "a setting of another interval": Case(
        sentence="calibration_windows has no meaning for interval 'analytic'; leave it out, or use "
        "interval='conformal'",
        settings={"interval": "analytic", "calibration_windows": 20},
    ),
    "a setting of another trend": Case(
        sentence="cost has no meaning for method 'mann_kendall'; leave it at 'l2', or use method='changepoint'",
        operation="timeseries.trend",
        settings={"cost": "normal"},
    ),
    "neighbours without a use": Case(
        sentence="k has no meaning for method 'pearson'; leave it at 4, or use method 'mutual_information' or "
        "'transfer_entropy'",
        operation="timeseries.correlation",
        settings={"k": 3},
    ),
    "a part beyond the largest number": Case(
        sentence="y has a part beyond the largest float64; divide it by a power of ten",
        operation="timeseries.decompose",
        file=("bad.npy", npy(np.where(np.arange(40) % 2, 1.7e308, -1.7e308))),
        settings={"period": 3, "method": "classical"},
    ),
    "less than two periods": Case(
        sentence="period 12 needs 24 values or more (two seasons), and y has 20; give a longer series or a shorter "
        "period",
        operation="timeseries.decompose",
        file=("bad.csv", csv(rows=20)),
    ),
    "holes in what is decomposed": Case(
        sentence="y has 1 missing value (first: 2010-06-01); fill them, or use resample(…, "
        "every=…, how='mean') with longer periods",
        operation="timeseries.decompose",
        file=("bad.csv", csv({5: "2010-06-01,"})),
    ),
    "a hole in a trend": Case(
        sentence="y has 1 missing value (first: 2010-06-01); fill them, or use resample(…, "
        "every=…, how='mean') with longer periods",
        operation="timeseries.trend",
        file=("bad.csv", csv({5: "2010-06-01,"})),
    ),
    "one series alone": Case(
        sentence="x has one series; a correlation needs two or more, a row each (a frame: a column each)",
        operation="timeseries.correlation",
        file=("bad.csv", csv()),
    ),
    "a hole in entropy": Case(
        sentence="x has 1 missing value (first: 2010-06-01); fill them, or cut the series to a stretch without them",
        operation="information.entropy",
        file=("bad.csv", csv({5: "2010-06-01,"})),
    ),
    "windows that leave too little": Case(
        sentence="25 windows of h=3, 3 apart, leave 5 of 80 periods before the first, where y has 5 values, and model "
        "'ets' needs 10 or more; use n_windows=23 or fewer, or a smaller step_size",
        operation="timeseries.cross_validate",
        file=("bad.npy", npy(np.sin(np.arange(80.0)))),
        settings={"n_windows": 25, "model": "ets"},
    ),
    "more windows than there are": Case(
        sentence="y has 20 periods, and 50 windows of h=3, 3 apart, need 151 or more beside "
        "what the model needs; use n_windows=2 or fewer, or a smaller step_size",
        operation="timeseries.cross_validate",
        file=("bad.csv", csv(rows=20)),
        settings={"n_windows": 50},
    ),
}

NUMBERS["a horizon past all dates"] = Case(
    sentence="h=400 periods after 1970-01-01 reach past 2262-04-11, the last date there is; use a shorter h",
    settings={"h": 400, "interval": "analytic"},
)

CASES = {**FILES, **SETTINGS, **NUMBERS}
