"""Dates of a table: the index or the column that holds them, and their texts read in one way throughout."""

from __future__ import annotations

import re
from typing import Any

from prism_kernels.errors import InvalidInput
from prism_kernels.refusal import short

__all__ = ["dated", "dates", "looks_like_a_date"]

_NAMES = ("ds", "date", "datetime", "timestamp")  # of columns that hold nothing but dates
_PERIODS = (*_NAMES, "dates", "time", "datum", "day", "week", "month", "quarter", "year", "period")  # if texts at all
_PARTS = {"month": "2024-01", "quarter": "2024Q1", "week": "2024-W01", "day": "2024-01-31"}  # of dates, beside a year
_WEEK = r"(\d{4})-?W(\d\d)(?:-?([1-7]))?"
_SEEN = 50  # values that tell whether a column holds dates
_DAYS = (19000101, 21991231)  # days written as one number
_ZONE = r"(Z|[+-]\d\d:?\d\d)$"
_YEARS = (1000, 2999)
_NUMERIC = r"^\s*(\d{1,2})([./-])(\d{1,2})[./-](\d{4})(?!\d)"


def dated(frame: Any, field: str) -> tuple[Any, Any]:
    """Split a frame into its columns and its dates: a date index, or the first column that holds dates.

    Parameters
    ----------
    frame
        A pandas frame.
    field
        What the argument is called, for messages.
    """
    import pandas as pd

    if isinstance(frame.index, pd.PeriodIndex):
        return frame, frame.index.to_timestamp()
    if isinstance(frame.index, pd.DatetimeIndex):
        return frame, frame.index
    if _textual(frame.index.dtype) and _holds_dates(frame.index.name, frame.index):
        return frame, dates(frame.index, field)
    for column in frame.columns:
        values = frame[column]
        if values.dtype.kind == "M" or isinstance(values.dtype, pd.DatetimeTZDtype):
            return frame.drop(columns=column), pd.DatetimeIndex(values)
        if _textual(values.dtype) and _holds_dates(column, values):
            return frame.drop(columns=column), dates(values, field)
        if _lower(column) in _NAMES and values.dtype.kind in "iuf" and len(values):
            return frame.drop(columns=column), _numbered(values, column, field)
    for column in frame.columns:
        values = frame[column]
        if _lower(column) == "year" and values.dtype.kind in "iuf" and values.dropna().between(*_YEARS).all():
            _check_parts(frame, values, field)
            days = 10_000 * values + 101  # the first of January, as one number
            return frame.drop(columns=column), pd.DatetimeIndex(pd.to_datetime(days, format="%Y%m%d", errors="coerce"))
    _check_undated(frame, field)
    return frame, None


def _check_parts(frame: Any, years: Any, field: str) -> None:
    """Refuse years that repeat beside a column of months or the like, which together are the dates."""
    parts = [c for c in frame.columns if _lower(c) in _PARTS]
    if parts and years.duplicated().any():
        names = " and ".join(repr(str(c)) for c in (years.name, *parts))
        form = _PARTS[min(map(_lower, parts), key=lambda p: (p != "day", list(_PARTS).index(p)))]
        msg = f"{field} has its dates in several columns ({names}); join them into one, with dates such as {form}"
        raise InvalidInput(msg, field=field, where=str(parts[0]))


def _check_undated(frame: Any, field: str) -> None:
    """Refuse texts that cannot be read as dates in a column that is called so."""
    for column in frame.columns:
        there = frame[column].notna().to_numpy()
        if _lower(column) in _PERIODS and _textual(frame[column].dtype) and there.any():
            row = int(there.argmax())
            cell, where = short(str(frame[column].iloc[row])), f"row {row + 1}"
            place = f"{where} of column {str(column)!r}"
            msg = (
                f"{field} has {cell!r} in {place} where a date belongs; write it as 2024-12-31, or leave the column out"
            )
            raise InvalidInput(msg, field=field, where=where)


def looks_like_a_date(text: str) -> bool:
    """Tell whether a text is a date by its form, such as 2024-12-31, 31.12.2024, 2024-12, 2024Q4 or 2024-W52.

    Parameters
    ----------
    text
        A cell of a table.
    """
    return re.match(rf"\d{{4}}([-/.]\d\d?){{1,2}}(?!\d)|\d{{4}}-?Q[1-4]$|{_WEEK}$|{_NUMERIC}", text) is not None


def _numbered(values: Any, column: Any, field: str) -> Any:
    """Read days that are written as one number, such as 20241231."""
    if not values.between(*_DAYS).all():
        msg = (
            f"{field} has {values.iloc[0]} in row 1 of column {column!r} where a date belongs; write it as 2024-12-31, "
            "or leave the column out"
        )
        raise InvalidInput(msg, field=field, where="row 1")
    return dates(values.astype(int).astype(str), field)


def _textual(kind: Any) -> bool:
    import pandas as pd

    return bool(kind.kind == "O") or isinstance(kind, pd.StringDtype)


def _lower(column: Any) -> str:
    return str(column).strip().lower()


def _holds_dates(name: Any, values: Any) -> bool:
    """Tell whether texts are dates: by the name of their column, or since most of the first ones can be read so."""
    import pandas as pd

    texts = pd.Series(list(values), dtype=object).dropna().iloc[:_SEEN].astype(str).str.strip()
    numbers = pd.to_numeric(texts, errors="coerce").notna()
    likely = texts.str.contains(r"\d") & ~numbers
    if not likely.any():
        return False
    bare = texts.str.replace(_ZONE, "", regex=True).where(texts.str.len() > 10, texts)
    return _lower(name) in _NAMES or bool((_read(bare).notna() & likely).mean() > 0.5)


def dates(values: Any, field: str) -> Any:
    """Parse texts into dates.

    Days before months where dots stand between them; elsewhere whatever all texts agree on.

    Parameters
    ----------
    values
        Texts, such as a CSV's first column.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For a text that is no date, stamps of several time zones, and dates that may start with the day or the month.
    """
    import pandas as pd

    texts = pd.Series(list(values), dtype=object)
    texts = texts.where(texts.isna(), texts.astype(str).str.strip())
    _check_zones(texts.where(texts.notna(), None).astype(str), texts.notna(), field)
    parsed = _read(texts, field)
    bad = parsed.isna() & texts.notna()
    if bad.any():
        place = int(bad.to_numpy().argmax())
        text = short(texts.iloc[place])
        msg = f"{field} has {text!r} in row {place + 1} where a date belongs; write it as 2024-12-31"
        raise InvalidInput(msg, field=field, where=f"row {place + 1}")
    return pd.DatetimeIndex(parsed)


def _check_zones(texts: Any, there: Any, field: str) -> None:
    zones = texts.str.extract(_ZONE, expand=False).where(texts.str.len() > 10).fillna("none")
    zones = zones.replace({"Z": "+00:00", "+0000": "+00:00"})[there]
    if zones.nunique() > 1:
        other = int((zones != zones.iloc[0]).to_numpy().argmax())
        row, first = int(zones.index[other]) + 1, int(zones.index[0]) + 1
        msg = (
            f"{field} mixes time zones: row {row} has {zones.iloc[other]} where row {first} has {zones.iloc[0]}; "
            "write all stamps in one zone (UTC)"
        )
        raise InvalidInput(msg, field=field, where=f"row {row}")


def _read(texts: Any, field: str = "") -> Any:
    """Return texts as dates, NaT where one is none; with a field, texts that can be read in two ways are refused."""
    import pandas as pd

    texts = _mondays(texts)
    known = texts.dropna()
    if known.str.match(r"\d{4}-\d\d").all():
        return pd.to_datetime(texts, errors="coerce", format="ISO8601")
    parts = known.str.extract(_NUMERIC)
    if parts[3].isna().any():
        return pd.to_datetime(texts, errors="coerce", format="mixed")
    day_first, month_first = (
        pd.to_datetime(texts.str.replace(_NUMERIC, order, regex=True), errors="coerce", format="mixed")
        for order in (r"\4-\3-\1", r"\4-\1-\3")
    )
    if (parts[1] == ".").all() or day_first.count() > month_first.count():
        return day_first
    if month_first.count() > day_first.count() or day_first.equals(month_first) or not field:
        return month_first
    even = [one for one in (day_first, month_first) if len(one) > 2 and _even(one)]
    if len(even) == 1:
        return even[0]
    msg = (
        f"{field} has dates such as {known.iloc[0]!r}, which may start with the day or the month; "
        "write them as 2024-12-31"
    )
    raise InvalidInput(msg, field=field)


def _mondays(texts: Any) -> Any:
    """Write weeks of ISO 8601 as their Mondays; a week that there is not stays as it is."""
    import pandas as pd

    parts = texts.str.extract(f"^{_WEEK}$")
    if parts[0].isna().all():
        return texts
    days = parts[0] + "-" + parts[1] + "-" + parts[2].fillna("1")
    known = pd.to_datetime(days, format="%G-%V-%u", errors="coerce")
    there = known.dt.strftime("%G-%V") == parts[0] + "-" + parts[1]  # not every year has a week 53
    return texts.where(~there, known.dt.strftime("%Y-%m-%d"))


def _even(parsed: Any) -> bool:
    import pandas as pd

    return not parsed.hasnans and parsed.is_unique and pd.infer_freq(pd.DatetimeIndex(parsed)) is not None
