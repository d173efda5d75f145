"""Dates of equally spaced periods: find their spacing, continue them, say what is wrong with them."""

from __future__ import annotations

from typing import Any

from prism_kernels.errors import InvalidInput

__all__ = ["following", "frequency_of", "season_of", "stamp"]

_SEASONS = {"M": 12, "Q": 4, "W": 52, "D": 7, "B": 5, "h": 24, "min": 60, "s": 60, "Y": 1}
_MINUTES_A_DAY, _QUARTER_HOUR = 1440, 15  # half-hours repeat by the day, single minutes rather by the hour
_FEW = 3


def stamp(when: Any) -> str:
    """Write a date the short way: without a midnight."""
    text = str(when)
    return text.removesuffix(" 00:00:00")


def frequency_of(index: Any, field: str) -> str | None:
    """Return pandas' alias of the spacing of dates; None for fewer than two.

    Parameters
    ----------
    index
        A ``pandas.DatetimeIndex``.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For dates that are missing, unsorted, repeated or unequally spaced, with the first offending ones.
    """
    import pandas as pd

    if len(index) < 2:
        return None
    _check_order(index, field)
    if index.freqstr:
        return str(index.freqstr)
    if len(index) < _FEW:
        alias = pd.tseries.frequencies.to_offset(index[1] - index[0])
        return str(alias.freqstr)
    alias = pd.infer_freq(index) or _monthly(index)
    if alias is None:
        raise _irregular(index, field)
    return str(alias)


def _monthly(index: Any) -> str | None:
    """Return the spacing of dates that fall on one day of every so many months, which pandas has no alias for."""
    steps = {int(s) for s in (12 * index.year + index.month)[1:] - (12 * index.year + index.month)[:-1]}
    if len(steps) > 1 or 0 in steps or len(set(index.day)) > 1 or len(set(index.time)) > 1:
        return None
    step = steps.pop()
    return "MS" if step == 1 else f"{step}MS"


def _check_order(index: Any, field: str) -> None:
    if index.hasnans:
        place = int(index.isna().argmax())
        msg = f"{field} has no date in row {place + 1}; give each row its date, or remove it"
        raise InvalidInput(msg, field=field, where=f"row {place + 1}")
    if index.has_duplicates:
        twice = index[index.duplicated()]
        places = ", ".join(stamp(t) for t in twice.unique()[:_FEW])
        count = f"{len(twice)} repeated date{'s' * (len(twice) > 1)}"
        msg = f"{field} has {count} (first: {places}); use resample(…, every=…, how='mean') first"
        raise InvalidInput(msg, field=field, where=stamp(twice[0]))
    if not index.is_monotonic_increasing:
        late = int((index[1:] < index[:-1]).argmax())
        msg = (
            f"{field} has unsorted dates: {stamp(index[late + 1])} comes after {stamp(index[late])}; "
            "sort it by date, or use resample(…, every=…)"
        )
        raise InvalidInput(msg, field=field, where=stamp(index[late + 1]))


def _irregular(index: Any, field: str) -> InvalidInput:
    import pandas as pd

    gaps = pd.Series(index[1:] - index[:-1])
    usual = gaps.mode().iloc[0]
    months = pd.Series(index.year * 12 + index.month).diff().dropna()
    if usual.days >= 28 and months.mode().size:
        off = int((months != months.mode().iloc[0]).to_numpy().argmax())
        text = f"{int(months.mode().iloc[0])} months" if months.mode().iloc[0] > 1 else "a month"
    else:
        off = int((gaps != usual).to_numpy().argmax())
        text = _span(usual)
    here, there = stamp(index[off]), stamp(index[off + 1])
    msg = (
        f"{field} has irregular dates: {there} follows {here} by {_span(gaps.iloc[off])} where most are {text} apart; "
        "use resample(…, every=…) first"
    )
    return InvalidInput(msg, field=field, where=there)


def _span(delta: Any) -> str:
    if delta.days and not delta.seconds:
        return f"{delta.days} day{'s' if delta.days != 1 else ''}"
    return str(delta)


def following(index: Any, frequency: str | None, h: int) -> Any:
    """Return the ``h`` dates after the last one; past the last date there is, ``h`` is refused."""
    import pandas as pd

    try:
        return _following(index, frequency, h)
    except (pd.errors.OutOfBoundsDatetime, OverflowError):
        last = pd.Timestamp.max.date()
        msg = f"h={h} periods after {stamp(index[-1])} reach past {last}, the last date there is; use a shorter h"
        raise InvalidInput(msg, field="h") from None


def _following(index: Any, frequency: str | None, h: int) -> Any:
    import pandas as pd

    offset = pd.tseries.frequencies.to_offset(frequency or "D")
    if offset.is_on_offset(index[-1]):
        return pd.date_range(index[-1], periods=h + 1, freq=offset)[1:]
    if isinstance(offset, pd.offsets.MonthBegin):  # months that start on another day
        return pd.DatetimeIndex([index[-1] + pd.DateOffset(months=offset.n * (k + 1)) for k in range(h)])
    return _stepped(index, h)


def _stepped(index: Any, h: int) -> Any:
    import pandas as pd

    step = index[-1] - index[-2]
    return pd.DatetimeIndex([index[-1] + step * (k + 1) for k in range(h)])


def season_of(frequency: str | None) -> int:
    """Return the usual number of periods in a season for a spacing; 1 where none is usual."""
    import re

    match = re.fullmatch(r"(\d*)([A-Za-z]+)(-[A-Z]+)?", frequency or "")
    if match is None:
        return 1
    every, unit = int(match[1] or 1), match[2]
    unit = {"MS": "M", "ME": "M", "QS": "Q", "QE": "Q", "YS": "Y", "YE": "Y", "BMS": "M", "BME": "M"}.get(unit, unit)
    whole = _MINUTES_A_DAY if unit == "min" and every >= _QUARTER_HOUR else _SEASONS.get(unit, 1)
    return whole // every if whole % every == 0 else 1
