"""``prism report``: make reports, list them, show and compare what they found."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prism_cli.options import Data, Settings

if TYPE_CHECKING:
    from prism_lab.reports.expectation import Expectation
    from prism_lab.reports.template import Template
    from prism_lab.store import Entry

__all__ = ["app"]

app = typer.Typer(help="Make reports, list them, show and compare what they found.", no_args_is_help=True)

_FAILED, _REFUSED, _SIGNALLED = 1, 2, 128


@app.command(add_help_option=False)
def run(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A template, an operation, or a notebook.")] = None,
    *,
    parameters: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="A parameter, as JSON or text.")
    ] = None,
    data: Data = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; reports/NAME-TIME without it.")] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION", help="A condition on a key number, as in 'mase < 1.2'; unmet, the code is 1."
        ),
    ] = None,
    sweep: Annotated[
        Path | None, typer.Option(help="YAML or JSON: parameters as lists to combine, or a list of sets.")
    ] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="Kernels at a time of a sweep; one a core.")] = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Scheduler to run a sweep on.")] = None,
    help: Annotated[bool, typer.Option("--help", help="Show the parameters, and leave.")] = False,
) -> None:
    """Make a report, or many: prism report run forecast -p y=sunspots -p h=12 --out DIR."""
    if name is None:
        print(context.get_help())
        raise typer.Exit(0 if help else _REFUSED)
    from prism_lab.reports.expectation import read
    from prism_lab.reports.template import find_template

    template = find_template(name)
    if help:
        _explain(template)
        return
    given = _given(template, parameters or (), data or (), settings or ())
    expected = [read(text) for text in expect or ()]
    if sweep is not None:
        from prism_cli.report_sweep import sweep as run_sweep

        raise typer.Exit(run_sweep(name, sweep, given, out=out, expect=expected, processes=processes, dask=dask))
    for option, value in (("--processes", processes), ("--dask", dask)):
        if value is not None:
            from prism_kernels.errors import InvalidInput

            msg = f"{option} is for many reports; give it with --sweep FILE"
            raise InvalidInput(msg, field=option)
    _make_one(template, given, out, expected)


def _make_one(template: Template, given: Mapping[str, Any], out: Path | None, expected: Sequence[Expectation]) -> None:
    from prism_cli.terminal import Bar
    from prism_kernels.progress import Listener, listen
    from prism_lab.reports.request import check
    from prism_lab.reports.runner import make

    request = check(template, given)
    bar = Bar(template.name, leave=True)
    try:
        with listen(Listener(bar)):
            made = make(request, out=out, expect=expected)
    finally:
        bar.close()
    for path in made.files.values():
        print(path)
    compared = made.record["compared_with"]
    if compared is not None:
        print(_compared(compared["id"], compared["started"], compared["parameters_changed"]))
        _changes(made.record["differences"])
    if made.entry.status != "completed":
        print(f"prism: report {template.name} {made.entry.status}: {made.entry.error}", file=sys.stderr)
        raise typer.Exit(_SIGNALLED + made.signal if made.signal else _FAILED)
    if made.entry.verdict != "completed":
        _refuse_numbers(made.entry)


def _refuse_numbers(entry: Entry) -> None:
    from prism_cli.report_sweep import unmet
    from prism_lab.reports.expectation import unknown

    missing = unknown(entry.expectations)
    print(f"prism: {missing or f'report {entry.report} is {unmet(entry.expectations)}'}", file=sys.stderr)
    raise typer.Exit(_REFUSED if missing else _FAILED)


def _given(template: Template, parameters: Any, data: Any, settings: Any) -> dict[str, Any]:
    """Put what stands after ``-p``, ``--data`` and ``--set`` into one mapping; a name given twice is refused."""
    from prism_cli import values
    from prism_kernels.errors import InvalidInput

    found = values.pairs(parameters, "-p", texts=template.data)
    sources = values.texts(data, template.data, f"report {template.name}")
    for option, more in (("--data", sources), ("--set", values.pairs(settings, "--set", texts=template.data))):
        for name in more:
            if name in found:
                msg = f"{option} names {name}, which -p or --data gave already; give it once"
                raise InvalidInput(msg, field=name)
        found |= more
    return found


def _explain(template: Template) -> None:
    if template.generic and template.operation is not None:
        from prism_cli.operation_help import help_of

        print(help_of(template.operation).replace("Usage: prism run", "Usage: prism report run", 1))
        return
    print(f"Usage: prism report run {template.name} [-p NAME=VALUE]... [--out DIR]\n\n  {template.title}\n\nParameters")
    for name, about in template.describe().items():
        print(f"  {name}  (default {about['default']!r}): {about['rule']}. {about['help']}")


@app.command("list")
def list_reports(
    *,
    runs: Annotated[int, typer.Option(min=0, help="How many past runs to show.")] = 10,
) -> None:
    """List the templates and the last runs."""
    from prism_lab.reports.template import templates
    from prism_lab.store import Store

    known = templates()
    width = max(map(len, known), default=0)
    for name, template in known.items():
        print(f"{name:<{width}}  {template.title} ({', '.join(template.describe())})")
    print("…and every operation: prism operations")
    history = Store().runs(limit=runs) if runs else []
    if history:
        print()
        _table(history)


def _table(history: list[Entry]) -> None:
    width = max(len(entry.report) for entry in history)
    for e in history:
        print(f"{e.id:>5}  {e.started}  {e.report:<{width}}  {e.verdict:<11}  {e.duration_s:6.1f} s  {e.folder}")


@app.command()
def show(
    which: Annotated[str, typer.Argument(help="Number of a run, or name of a report: its last run.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
) -> None:
    """Show a run with its parameters, and its key numbers beside those of the run before."""
    from dataclasses import asdict

    from prism_lab.reports.runs import find_run
    from prism_lab.store import Store, differences, parameter_changes

    store = Store()
    entry = find_run(which, store)
    before = store.before(entry)
    changes = {n: asdict(d) for n, d in differences(entry.key_numbers, before.key_numbers if before else {}).items()}
    if as_json:
        import json

        print(json.dumps({**asdict(entry), "before": before and before.id, "differences": changes}, indent=2))
        return
    print(f"{entry.report} #{entry.id}: {entry.verdict}, {entry.started}, {entry.duration_s:.1f} s")
    for line in filter(None, [entry.error, entry.folder]):
        print(f"  {line}")
    for name, value in entry.parameters.items():
        print(f"  {name} = {value}")
    for one in entry.expectations:
        print(f"  expected {one['condition']}: {'met' if one['holds'] else 'not met'} by {one['name']}")
    if before is None:
        print("  nothing to compare with")
    else:
        print(_compared(before.id, before.started, parameter_changes(entry, before)))
    _changes(changes)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help="Number of a run, a report for its last run, or a file or folder of one.")],
    b: Annotated[str, typer.Argument(help="The other run; changes are from the first to this one.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
) -> None:
    """Compare two runs: prism report diff 12 15."""
    from prism_lab.reports.runs import compare, find_run

    found = compare(find_run(a), find_run(b))
    if as_json:
        import json

        print(json.dumps(found, indent=2))
        return
    for side in ("a", "b"):
        one = found[side]
        print(f"{side}: {one['report']} #{one['id']}, {one['status']}, {one['started']}")
    for name, (before, now) in found["parameters"].items():
        print(f"  {name} was {before} and is {now}")
    for name in found["inputs"]:
        print(f"  the data of {name} are not the same")
    if not found["parameters"] and not found["inputs"]:
        print("  the same parameters and data")
    _changes({n: {"now": d["b"], "before": d["a"], **d} for n, d in found["key_numbers"].items()})


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="Folder of reports; those in folders below it are found too.")],
) -> None:
    """List the reports of a folder in its index.html."""
    from prism_lab.reports.index import write_index

    print(write_index(folder))


def _compared(number: int, started: str, changed: Mapping[str, list[Any]]) -> str:
    other = ", ".join(f"{name} was {before} and is {now}" for name, (before, now) in changed.items())
    return f"  compared with #{number} of {started}{f' ({other})' if other else ''}"


def _changes(changes: Mapping[str, Mapping[str, float | None]]) -> None:
    width = max(map(len, changes), default=0)
    for name, one in changes.items():
        now, before, change, relative = one["now"], one["before"], one["change"], one["relative"]
        step = "" if change is None else f"  {change:+.6g}"
        share = "" if relative is None else f"  {relative:+.2%}"
        print(f"  {name:<{width}}  {_number(now):>12}  before {_number(before):>12}{step}{share}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"
