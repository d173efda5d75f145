"""``prism verify``: make saved runs again and say whether the numbers hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from prism_kernels.saved import Saved
    from prism_kernels.verify import Verification

__all__ = ["verify"]

_CODES = {"agrees": 0, "differs": 1, "cannot be repeated": 2}
_WORST_FIRST = ("differs", "cannot be repeated", "agrees")


def verify(
    file: Annotated[Path, typer.Argument(help="A saved run (.prism), or the notebook of a report (.ipynb).")],
    *,
    on: Annotated[
        Literal["local", "dask", "cuda"], typer.Option(help="Where to run again; dask: DASK_SCHEDULER_ADDRESS or here.")
    ] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
) -> None:
    """Run a saved run again and compare: exit code 0 agrees, 1 differs, 2 cannot be repeated."""
    from prism_cli import terminal
    from prism_kernels.verify import verify as verify_one

    runs = _runs(file)
    made = terminal.work(lambda: [verify_one(run, on=on) for run in runs], "verify")
    if as_json:
        print(_as_json(made, file))
    else:
        for one in made:
            _show(one)
    worst = next(verdict for verdict in _WORST_FIRST if any(one.verdict == verdict for one in made))
    raise typer.Exit(_CODES[worst])


def _runs(file: Path) -> list[Saved]:
    from prism_kernels.saved import load

    if file.suffix.lower() == ".ipynb" and file.is_file():
        from prism_lab.reports.recording import saved_runs

        return saved_runs(file)
    return [load(file)]


def _as_json(made: list[Verification], file: Path) -> str:
    import json

    return json.dumps({"file": str(file), "runs": [json.loads(one.to_json()) for one in made]}, indent=2)


def _show(one: Verification) -> None:
    print(f"{one.operation}: {one.verdict}: {one.reason}")
    rows = list(one.to_frame().itertuples(index=False))
    width = max((len(row.name) for row in rows), default=0)
    if rows:
        print(f"  {'':<11}  {'':<{width}}  difference  tolerance  verdict")
    for row in rows:
        numbers = ("–", "–") if row.tolerance != row.tolerance else (f"{row.difference:.3g}", f"{row.tolerance:.3g}")
        print(f"  {row.kind:<11}  {row.name:<{width}}  {numbers[0]:>10}  {numbers[1]:>9}  {row.verdict}")
    for note in one.warnings:
        print(f"  note: {note}")
    if one.again_s is not None:
        print(f"  took {one.original_s:.3g} s then and {one.again_s:.3g} s now, {one.elapsed_s:.3g} s with all checks")
