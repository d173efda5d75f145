"""The commands of ``prism``; each one imports what it needs when it is called, so that ``--help`` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prism_cli import dashboards, publish, report, verify
from prism_cli import data as data_commands
from prism_cli.options import Address, Data, Settings

__all__ = ["app"]

app = typer.Typer(
    help="Analyse data in a lab, on the command line and in reports that run by night.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"prism-lab {version('prism-lab')}")
        raise typer.Exit


@app.callback()
def prism(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Analyse data in a lab, on the command line and in reports that run by night."""


@app.command()
def lab(
    context: typer.Context,
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")] = 8888,
    ip: Address = "127.0.0.1",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the address in a browser.")] = True,
    notebook_dir: Annotated[Path | None, typer.Option(help="Folder to work in; the current one without it.")] = None,
    base_url: Annotated[str, typer.Option(help="Prefix of every address, behind a proxy.")] = "/",
) -> None:
    """Open the lab: JupyterLab, the dashboards and their gallery on one port."""
    from prism_lab.launch import lab as run_lab

    debug = bool(context.find_root().params["debug"])
    code = run_lab(port=port, ip=ip, browser=browser, notebook_dir=notebook_dir, base_url=base_url, debug=debug)
    raise typer.Exit(code)


@app.command(add_help_option=False)
def run(
    context: typer.Context,
    operation: Annotated[str | None, typer.Argument(help="Name, such as timeseries.forecast.")] = None,
    *,
    data: Data = None,
    settings: Settings = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write: .json, .csv, .parquet, .npy or .prism. Without it, a table.")
    ] = None,
    with_data: Annotated[bool, typer.Option("--with-data", help="Put the data into a .prism file too.")] = False,
    help: Annotated[bool, typer.Option("--help", help="Show what the operation takes, and leave.")] = False,
) -> None:
    """Run one operation: prism run timeseries.forecast --data y=sunspots --set h=12 --out forecast.json."""
    if operation is None:
        print(context.get_help())
        raise typer.Exit(0 if help else 2)
    from prism_cli import operation_help, output, terminal, values
    from prism_kernels import find
    from prism_kernels import run as run_operation

    row = find(operation)
    if help:
        print(operation_help.help_of(row))
        return
    output.check_target(out, data=with_data)
    chosen = values.settings(row, settings or ())
    done = terminal.work(lambda: run_operation(row, **values.read_data(row, data or ()), **chosen), row.name)
    if out is None:
        output.show(done)
    else:
        output.write(done, out, data=with_data)


@app.command()
def operations(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Everything about each of them, as JSON.")] = False,
) -> None:
    """List what can be run."""
    from prism_kernels import operations as registered

    if as_json:
        from pydantic_core import to_json

        print(to_json([row.describe() for row in registered().values()], indent=2).decode())
        return
    rows = registered()
    width = max(map(len, rows), default=0)
    for name, row in rows.items():
        print(f"{name:<{width}}  {row.summary}")


@app.command()
def warmup(
    *,
    processes: Annotated[int | None, typer.Option(min=1, help="Compilers at a time; one a core by default.")] = None,
) -> None:
    """Compile all kernels into this user's cache, once."""
    from prism_cli import terminal
    from prism_lab.warmup import warm_up

    warmth = terminal.work(lambda: warm_up(processes=processes), "warm-up")
    count = len(warmth.compiled) + len(warmth.cached)
    print(f"{count} kernels are ready in {warmth.folder}: {len(warmth.compiled)} compiled in {warmth.seconds:.1f} s")


@app.command()
def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
) -> None:
    """Look at this machine: what is there, what is missing, and how to get it."""
    from prism_cli import terminal
    from prism_lab.doctor import examine, healthy

    findings = terminal.work(examine, "doctor")
    if as_json:
        import json
        from dataclasses import asdict

        print(json.dumps([asdict(one) for one in findings], indent=2))
    else:
        width = max(len(one.name) for one in findings)
        for one in findings:
            print(f"{one.state:<8} {one.name:<{width}}  {one.detail}")
            if one.remedy:
                print(f"{'':<8} {'':<{width}}  → {one.remedy}")
    raise typer.Exit(0 if healthy(findings) else 1)


app.command()(verify.verify)
publish.register(app)
app.add_typer(dashboards.app, name="dashboards")
app.add_typer(report.app, name="report")
app.add_typer(data_commands.app, name="data")
