"""A page that lists the reports of a folder: one HTML file that asks for nothing and runs nothing."""

from __future__ import annotations

import functools
import html
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from prism_kernels.errors import InvalidInput
from prism_lab.reports.runs import read_record
from prism_lab.reports.writing import SUFFIXES, replace_text
from prism_lab.store import Entry

__all__ = ["write_index"]

_MARK = '<meta name="generator" content="prism report index">'
_COLUMNS = 8


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One report of the folder: where its record is, and what that holds."""

    path: Path
    entry: Entry

    @functools.cached_property
    def numbers(self) -> dict[str, float | None]:
        """Key numbers; one of a single series without the name of that, so that reports share columns."""
        plain = {name: name.partition("[")[0] for name in self.entry.key_numbers}
        times = Counter(plain.values())
        return {plain[n] if times[plain[n]] == 1 else n: v for n, v in self.entry.key_numbers.items()}


def write_index(folder: Path) -> Path:
    """Write ``index.html`` for the reports in a folder and the folders below it, and return its path.

    Parameters
    ----------
    folder
        Where reports are.

    Raises
    ------
    InvalidInput
        When there are none, and for an ``index.html`` that something else wrote.
    """
    target = folder / "index.html"
    if target.exists() and _MARK not in target.read_text(encoding="utf-8", errors="replace"):
        msg = f"{target} was not written by prism report; move it, or choose another folder"
        raise InvalidInput(msg, field="folder")
    rows = _rows(folder)
    if not rows:
        why = "holds no reports" if folder.is_dir() else "is not there"
        msg = f"the folder {folder} {why}; name one that prism report run wrote to"
        raise InvalidInput(msg, field="folder")
    replace_text(target, _page(rows, folder.absolute()))
    return target


def _rows(folder: Path) -> list[_Row]:
    found = []
    for path in sorted(folder.rglob("*.json")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        try:
            found.append(_Row(path=path, entry=read_record(path)[1]))
        except InvalidInput:  # some other file
            continue
    return sorted(found, key=lambda row: (row.entry.report, str(row.path)))


def _page(rows: Sequence[_Row], folder: Path) -> str:
    varied = _varied([row.entry for row in rows])
    counted = Counter(name for row in rows for name in row.numbers)
    shown = [name for name, _ in counted.most_common(_COLUMNS)]
    more = len(counted) > len(shown)
    heads = [("Report", ""), ("Status", ""), *((n, "") for n in varied), *((n, "number") for n in shown)]
    heads += [("Other key numbers", "")] if more else []
    heads += [("Started (UTC)", ""), ("Seconds", "number"), ("Files", "")]
    frame = Template(Path(__file__).with_name("index.html").read_text(encoding="utf-8"))
    return frame.substitute(
        title=html.escape(f"Reports of {folder.name}"),
        summary=html.escape(_summary([row.entry for row in rows])),
        caption="Parameters that differ, and key numbers; a dash stands for what a report does not have.",
        head="".join(f'<th scope="col"{_css(css)}>{html.escape(name)}</th>' for name, css in heads),
        rows="\n".join(_row(row, folder, varied, shown, more=more) for row in rows),
    )


def _varied(entries: Sequence[Entry]) -> list[str]:
    """Return the parameters that are not the same everywhere."""
    names = list(dict.fromkeys(n for entry in entries for n in entry.parameters))
    return [n for n in names if len({json.dumps(e.parameters.get(n), sort_keys=True) for e in entries}) > 1]


def _summary(entries: Sequence[Entry]) -> str:
    counted = Counter(entry.verdict for entry in entries)
    words = {
        "completed": "completed",
        "unexpected": "not as expected",
        "failed": "failed",
        "interrupted": "interrupted",
    }
    parts = [f"{counted[status]} {said}" for status, said in words.items() if counted[status]]
    reports = "1 report" if len(entries) == 1 else f"{len(entries)} reports"
    return f"{reports}: {', '.join(parts)}."


def _row(row: _Row, folder: Path, varied: Sequence[str], shown: Sequence[str], *, more: bool) -> str:
    entry = row.entry
    cells = [f'<th scope="row">{_link(row.path.with_suffix(".html"), folder, _title(row))}</th>', _status(entry)]
    cells += [_cell(_text(entry.parameters[n]) if n in entry.parameters else "–") for n in varied]
    cells += [_cell(_number(row.numbers.get(n)), "number") for n in shown]
    if more:
        rest = {n: v for n, v in row.numbers.items() if n not in shown}
        listed = "".join(f"<li>{html.escape(n)}: {_number(v)}</li>" for n, v in rest.items())
        cells.append(
            f"<td><details><summary>{len(rest)} more</summary><ul>{listed}</ul></details></td>" if rest else _cell("–")
        )
    links = [_link(row.path.with_suffix(f".{suffix}"), folder, kind) for kind, suffix in SUFFIXES.items()]
    cells += [_cell(entry.started), _cell(f"{entry.duration_s:.1f}", "number"), f"<td>{' '.join(links)}</td>"]
    return f"<tr>{''.join(cells)}</tr>"


def _title(row: _Row) -> str:
    return f"{row.entry.report} #{row.entry.id}" if row.entry.id else row.entry.report


def _status(entry: Entry) -> str:
    """Say how a report ended, in words and not by colour alone, with the conditions that were not met."""
    words = "completed, not as expected" if entry.verdict == "unexpected" else entry.status
    unmet = [one for one in entry.expectations if not one.get("holds")]
    said = [entry.error] if entry.error else []
    said += [
        one.get("error") or f"{one.get('name')} = {_number(one.get('value'))}, expected {one.get('condition')}"
        for one in unmet
    ]
    lines = "".join(f'<span class="said">{html.escape(str(one))}</span>' for one in said)
    return f'<td class="{"good" if entry.verdict == "completed" else "bad"}">{html.escape(words)}{lines}</td>'


def _link(path: Path, folder: Path, text: str) -> str:
    if not path.is_file():
        return html.escape(text)
    return f'<a href="{html.escape(quote(path.absolute().relative_to(folder).as_posix()))}">{html.escape(text)}</a>'


def _cell(text: str, css: str = "") -> str:
    return f"<td{_css(css)}>{html.escape(text)}</td>"


def _css(name: str) -> str:
    return f' class="{name}"' if name else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else "–"
