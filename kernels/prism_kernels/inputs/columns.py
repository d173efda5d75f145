"""Columns of a table that are no numbers: which must be mended, and which are plain text that can be left out."""

from __future__ import annotations

import re
from typing import Any

from prism_kernels.errors import InvalidInput
from prism_kernels.refusal import short

__all__ = ["check_stacked", "holds_numbers", "looks_numeric", "no_numbers", "text_columns"]

_NAMED = 3  # columns told by name
_STACKED = 0.75  # different dates, as a share of the rows, from which on few series stand below each other
_CODES = "USD|EUR|GBP|JPY|CHF|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|BRL|MXN|ZAR|KRW|SGD|HKD"
_SIGNS = "$€£¥₹₽₩₺₪₫฿₴₦"
_MONEY = rf"(?:[{_SIGNS}]|(?:{_CODES})\b)"
_DIGITS = r"(?:\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d*)?|[.,]\d+)"
_DECORATED = re.compile(rf"\(?[-+−]?\s*{_MONEY}?\s*[-+−]?\s*{_DIGITS}\s*(?:%|‰|{_MONEY})?\s*-?\)?", re.IGNORECASE)


def looks_numeric(column: Any) -> bool:
    """Tell whether most cells of a frame's column can be read as numbers.

    Parameters
    ----------
    column
        A pandas series of texts or objects.
    """
    return bool(len(column) and _numbers(column).notna().mean() > 0.5)


def holds_numbers(column: Any) -> bool:
    """Tell whether some cells of a frame's column are numbers, be it with a currency, per cent or thousands marked.

    Parameters
    ----------
    column
        A pandas series of texts or objects.
    """
    return bool(_numbers(column).notna().any() or _decorated(column).any())


def text_columns(frame: Any, columns: Any, field: str) -> tuple[str, ...]:
    """Return what to say of columns of plain text, which are left out; refuse those that hold numbers too.

    Parameters
    ----------
    frame
        A pandas frame.
    columns
        Names of its columns that are of no numeric type.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For a column with a cell that is a number, with the first cell that is none, or is none but for its decoration.
    """
    left = []
    for column in columns:
        if frame[column].dtype.kind != "M" and holds_numbers(frame[column]):
            raise _bad_cell(frame[column], str(column), field)
        left.append(column)
    if not left:
        return ()
    names = ", ".join(repr(short(str(c))) for c in left[:_NAMED]) + (", …" if len(left) > _NAMED else "")
    known = frame[left[0]].dropna()
    such = f" such as {short(str(known.iloc[0]))!r}" if len(known) else ""
    if len(left) == 1:
        return (f"column {names} of {field} was left out: it holds no numbers but texts{such}",)
    return (f"{len(left)} columns of {field} were left out ({names}): they hold no numbers but texts{such}",)


def _numbers(column: Any) -> Any:
    import pandas as pd

    return pd.to_numeric(column, errors="coerce")


def _decorated(column: Any) -> Any:
    """Tell which cells are numbers but for a currency, a per cent sign, thousands or decimals marked by commas."""
    texts = column.astype(object)
    return texts.map(lambda cell: isinstance(cell, str) and bool(_DECORATED.fullmatch(cell.strip())))


def _bad_cell(column: Any, name: str, field: str) -> InvalidInput:
    numbers = _numbers(column)
    bad = (numbers.isna() & column.notna()).to_numpy()
    if not bad.any():
        kind = type(column.dropna().iloc[0]).__name__
        msg = f"{field} holds {kind} objects in column {name!r}; turn them into numbers with astype(float)"
        return InvalidInput(msg, field=field, where=name)
    decorated = _decorated(column).to_numpy()
    place = int((bad & decorated if (bad & decorated).any() else bad).argmax())
    cell, where = str(column.iloc[place]), f"row {place + 1}"
    if decorated[place] and _bare(cell) != cell:
        way = f"write plain numbers, such as {_bare(cell)}, or leave the column out"
    else:
        way = "mend it, or leave it empty" if looks_numeric(column) else "leave such cells empty, or the column out"
    msg = f"{field} has {short(cell)!r} in {where} of column {name!r} where a number belongs; {way}"
    return InvalidInput(msg, field=field, where=where)


def _bare(cell: str) -> str:
    """Write a decorated number as a plain one; of a comma and a point, the last one is taken for the decimals'."""
    below = "-" if re.search(r"[-−(]", cell) else ""
    digits = "".join(re.findall(r"[\d.,]", cell))
    point = max(digits.rfind("."), digits.rfind(","))
    mark = digits[point] if point >= 0 else ""
    thousands = mark == "," and re.fullmatch(r"\d{1,3}(,\d{3})+", digits)
    if not mark or thousands or digits.count(mark) > 1:
        return below + re.sub(r"[.,]", "", digits)
    return f"{below}{re.sub(r'[.,]', '', digits[:point])}.{digits[point + 1 :]}".rstrip(".")


def no_numbers(frame: Any, field: str) -> InvalidInput:
    """Say why a frame without numeric columns cannot be read.

    Parameters
    ----------
    frame
        A pandas frame, without its dates.
    field
        What the argument is called, for messages.
    """
    if len(frame) == 0:
        msg = f"{field} has a header and no rows; at least one value is needed"
        return InvalidInput(msg, field=field)
    if frame.shape[1] == 0:
        msg = f"{field} has dates and no other column; at least one column must hold numbers"
        return InvalidInput(msg, field=field)
    columns = ", ".join(repr(short(str(c))) for c in frame.columns[:5])
    if frame.shape[1] == 1 and not str(frame.columns[0]).isidentifier():
        way = "separate columns with commas, semicolons, tabs or bars"
    else:
        way = "at least one column must hold numbers"
    plural = "s" if frame.shape[1] != 1 else ""
    first = frame.iloc[:, 0]
    row = int(first.notna().to_numpy().argmax())
    cell = short(str(first.iloc[row]))
    where = f"row {row + 1} of {short(str(frame.columns[0]))!r}"
    msg = f"{field} has no numeric column (column{plural}: {columns}): {where} holds {cell!r}; {way}"
    return InvalidInput(msg, field=field, where=f"row {row + 1}")


def check_stacked(frame: Any, index: Any, field: str) -> None:
    """Refuse a frame whose dates repeat since its series stand below each other, under a name that is not known.

    Parameters
    ----------
    frame
        A pandas frame without its dates.
    index
        Its dates.
    field
        What the argument is called, for messages.
    """
    if not index.has_duplicates or index.nunique() > _STACKED * len(index):
        return
    for column in frame.columns:
        names = frame[column]
        whole = names.nunique() * index.nunique() == len(index)  # numbers are names only where each has each date
        if names.nunique() < 2 or not (names.dtype.kind not in "iufbc" or (whole and names.dtype.kind in "iu")):
            continue
        if names.value_counts().min() > 1 and not names.to_frame("name").assign(when=index).duplicated().any():
            twice = index[index.duplicated()][0]
            one, other = (short(str(n)) for n in names[index == twice].iloc[:2])
            day = str(twice).removesuffix(" 00:00:00")
            msg = (
                f"{field} has the dates of each {str(column)!r} below each other ({day} stands for {one!r} and for "
                f"{other!r}); call the columns unique_id, ds and y, or pivot it, so that a column is a series"
            )
            raise InvalidInput(msg, field=field, where=str(column))
