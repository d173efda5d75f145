"""``prism verify``: make saved runs again and say whether the numbers hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from prism_kernels.verify import Verification
    from prism_lab.reports.checking import Checked

__all__ = ["verify"]

_CODES = {"agrees": 0, "differs": 1, "cannot be repeated": 2, "not checked": 2}
_WORST_FIRST = ("differs", "cannot be repeated", "not checked", "agrees")


def verify(
    file: Annotated[Path, typer.Argument(help="A saved run (.prism), or the notebook of a report (.ipynb).")],
    *,
    on: Annotated[
        Literal["local", "dask", "cuda"], typer.Option(help="Where to run again; dask: DASK_SCHEDULER_ADDRESS or here.")
    ] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
) -> None:
    """Run a saved run again and compare: exit code 0 agrees, 1 differs, 2 cannot be repeated.

    Of a report every run is made again, every key number is computed again from its run, and what was edited after the
    run is told: by digests, which tell accidents and edits by hand, and not who means to deceive and writes new ones.
    """
    from prism_cli import terminal
    from prism_kernels.saved import load
    from prism_kernels.verify import verify as verify_one

    report = _report(file)
    runs = [load(file)] if report is None else [run.saved for run in report.runs]
    made = terminal.work(lambda: [verify_one(run, on=on) for run in runs], "verify")
    if as_json:
        print(_as_json(made, report, file))
    else:
        for one in made:
            _show(one)
        if report is not None:
            _show_report(report, file)
    verdicts = {*(one.verdict for one in made), *([] if report is None else [report.verdict])}
    raise typer.Exit(_CODES[next(verdict for verdict in _WORST_FIRST if verdict in verdicts)])


def _report(file: Path) -> Checked | None:
    if file.suffix.lower() != ".ipynb" or not file.is_file():
        return None
    from prism_lab.reports.checking import check_report

    return check_report(file)


def _as_json(made: list[Verification], report: Checked | None, file: Path) -> str:
    import json

    told: dict[str, Any] = {"file": str(file), "runs": [json.loads(one.to_json()) for one in made]}
    return json.dumps(told if report is None else {**told, "report": report.to_dict()}, indent=2)


def _show(one: Verification) -> None:
    print(_plain(f"{one.operation}: {one.verdict}: {one.reason}"))
    _table([(r.kind, r.name, r.difference, r.tolerance, r.verdict) for r in one.to_frame().itertuples(index=False)])
    for note in one.warnings:
        print(_plain(f"  note: {note}"))
    if one.again_s is not None:
        print(f"  took {one.original_s:.3g} s then and {one.again_s:.3g} s now, {one.elapsed_s:.3g} s with all checks")


def _show_report(report: Checked, file: Path) -> None:
    print(_plain(f"{file.name}: {report.verdict}: {report.reason}"))
    _table([(r.kind, r.name, r.difference, r.tolerance, r.verdict) for r in report.rows])


def _table(rows: list[tuple[str, str, float | None, float | None, str]]) -> None:
    width = max((len(_plain(name)) for _, name, *_ in rows), default=0)
    if rows:
        print(f"  {'':<11}  {'':<{width}}  difference  tolerance  verdict")
    for kind, name, difference, tolerance, verdict in rows:
        numbers = [_number(value) for value in (difference, tolerance)]
        print(f"  {kind:<11}  {_plain(name):<{width}}  {numbers[0]:>10}  {numbers[1]:>9}  {verdict}")


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3g}"


def _plain(text: str) -> str:
    """Return a text as one line that moves no cursor, whoever wrote it."""
    return "".join(c if c.isprintable() else "?" for c in text)
