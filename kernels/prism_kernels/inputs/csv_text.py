"""CSV files as people write them: their separator, header and decimals are found, and nothing of them is lost."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs.dates import looks_like_a_date
from prism_kernels.refusal import counted, short

__all__ = ["read_csv"]

_SEPARATORS = ";\t|,"  # a comma last: it stands inside names and numbers too
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


def read_csv(data: bytes, field: str, name: str) -> Any:
    """Read the bytes of a CSV file into a pandas frame.

    The separator is found among comma, semicolon, tab and bar; blanks beside it are none of the data. Where it is no
    comma, decimal commas are read, if no cell has a decimal point. A first column without a name labels the rows, as
    pandas writes them; others without name and values are none.

    Parameters
    ----------
    data
        The bytes of the file, UTF-8.
    field, name
        What the argument and the file are called, for messages.

    Raises
    ------
    InvalidInput
        For what is no text in UTF-8, a broken row, and a first line that is no header.
    """
    import pandas as pd

    text = _text(data, field, name)
    head = text.lstrip(" \n").partition("\n")[0]
    separator = max(_SEPARATORS, key=head.count)
    text = _without_blanks(text, separator)
    header = _checked_header(text, separator, field, name)
    decimal = "," if separator != "," and _comma_decimals(text, separator) else "."
    labelled = 0 if not header[0] and len(header) > 1 else None
    try:
        frame = pd.read_csv(io.StringIO(text), sep=separator, decimal=decimal, index_col=labelled)
    except pd.errors.ParserError as error:
        msg = f"{field}: {name} cannot be read as CSV: {str(error).removeprefix('Error tokenizing data. C error: ')}"
        raise InvalidInput(msg, field=field, where=name) from None
    return frame.loc[:, [not (str(c).startswith("Unnamed: ") and frame[c].isna().all()) for c in frame.columns]]


def _text(data: bytes, field: str, name: str) -> str:
    if not data.strip():
        msg = f"{field}: {name} is empty ({counted(len(data), 'byte')}); at least a header and one row are needed"
        raise InvalidInput(msg, field=field, where=name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{field}: {name} is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8"
        raise InvalidInput(msg, field=field, where=name) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        msg = f"{field}: {name} is no text (line {line} holds a zero byte); save it as CSV in UTF-8"
        raise InvalidInput(msg, field=field, where=name)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _checked_header(text: str, separator: str, field: str, name: str) -> list[str]:
    """Return the cells of the first line, once all lines have as many of them."""
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    header: list[str] = []
    try:
        for row in rows:
            if not row:
                continue
            if not header:
                header = row
                _check_header(header, f"line {rows.line_num}", separator, field, name)
            if len(row) != len(header):
                where = f"line {rows.line_num}"
                fields = counted(len(row), "field")
                msg = f"{field}: {where} of {name} has {fields} where the header has {len(header)}; mend that line"
                raise InvalidInput(msg, field=field, where=where)
    except csv.Error as error:
        msg = f"{field}: line {rows.line_num} of {name} cannot be read: {error}"
        raise InvalidInput(msg, field=field, where=f"line {rows.line_num}") from None
    return header


def _check_header(header: Sequence[str], where: str, separator: str, field: str, name: str) -> None:
    """Refuse a first line that holds data: pandas would take them for names, and lose an observation."""
    numbers = [bool(_NUMBER.fullmatch(cell)) for cell in header]
    days = [not number and looks_like_a_date(cell) for number, cell in zip(numbers, header, strict=True)]
    values = [number or day for number, day, cell in zip(numbers, days, header, strict=True) if cell]
    if days[0] or (any(numbers) and any(days)) or (header[0] and all(values)):
        first = " and ".join(repr(short(cell)) for cell in header[:2])
        names = separator.join(["date", "y"][not days[0] :][: len(header)])
        msg = f"{field}: {name} has no header, as {where} holds {first}; add a line of names above it, such as {names}"
        raise InvalidInput(msg, field=field, where=where)
    twice = next((cell for k, cell in enumerate(header) if cell and cell in header[:k]), None)
    if twice is not None:
        msg = f"{field} has two columns called {short(twice)!r}; give each a name of its own"
        raise InvalidInput(msg, field=field, where=short(twice))


def _comma_decimals(text: str, separator: str) -> bool:
    """Tell whether decimals are written with commas: some cells are, and none has a point."""
    begin, end = rf'(?:^|{re.escape(separator)})[" ]*[+-]?\d*', rf'\d+[" ]*(?=$|{re.escape(separator)})'
    return bool(re.search(f"{begin},{end}", text, re.M)) and not re.search(rf"{begin}\.{end}", text, re.M)


def _without_blanks(text: str, separator: str) -> str:
    """Return a table without blanks beside its separators, which belong to neither names nor values."""
    beside = rf"^ | $|(?<={re.escape(separator)}) | (?={re.escape(separator)})"
    if not re.search(beside, text, re.M) or text.count('"') % 2:  # an open quotation mark is pandas' to refuse
        return text
    rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    written = io.StringIO()
    bare = ([cell.strip() for cell in row] for row in rows)
    try:
        csv.writer(written, delimiter=separator, lineterminator="\n").writerows(r if r != [""] else [] for r in bare)
    except csv.Error:  # told with its line when the lines are checked
        return text
    return written.getvalue()
