"""``prism dashboards``: serve published pages to readers, and say who they are."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from prism_cli.options import Address

__all__ = ["app"]

app = typer.Typer(help="Serve dashboards to readers, and nothing else to anybody.", add_completion=False)
token = typer.Typer(help="Readers' tokens: a link with one opens the dashboards.", no_args_is_help=True)
app.add_typer(token, name="token")


class Server(StrEnum):
    """Which server runs the pages."""

    voila = "voila"
    panel = "panel"


@app.callback(invoke_without_command=True)
def dashboards(
    context: typer.Context,
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")] = 8866,
    ip: Address = "127.0.0.1",
    folder: Annotated[Path | None, typer.Option(help="Folder of dashboards; ./dashboards or PRISM's own.")] = None,
    preheat: Annotated[bool, typer.Option("--preheat/--cold", help="Keep pages ready for readers.")] = True,
    server: Annotated[Server, typer.Option(help="A process a viewer (voila), or one for all (panel).")] = Server.voila,
    data_root: Annotated[
        Path | None, typer.Option(help="Below it, and nowhere else, pages read files; the folder without it.")
    ] = None,
    allow_url: Annotated[
        list[str] | None, typer.Option(help="Addresses pages may read, such as https://data.example.org/*.")
    ] = None,
    max_upload: Annotated[str, typer.Option(help="Largest upload.")] = "200M",
    viewers: Annotated[int | None, typer.Option(help="Pages open at once; the rest waits in line.")] = None,
    per_reader: Annotated[
        int | None,
        typer.Option(help="Pages one reader's token may have open or in line; half of --viewers without it."),
    ] = None,
    idle_minutes: Annotated[float, typer.Option(help="After so long without use a page is put to sleep.")] = 60.0,
) -> None:
    """Serve dashboards to readers, and nothing else to anybody."""
    if context.invoked_subcommand is not None:
        return
    from prism_lab.readers.serve import readers
    from prism_lab.readers.settings import Rules

    rules = Rules.of(
        folder,
        data_root=data_root,
        allow_urls=tuple(allow_url or ()),
        max_upload=max_upload,
        viewers=viewers,
        per_reader=per_reader,
        idle_minutes=idle_minutes,
        by=server.value,
    )
    debug = bool(context.find_root().params["debug"])
    raise typer.Exit(readers(rules, by=server.value, port=port, ip=ip, preheat=preheat, debug=debug))


@token.command()
def create(
    *,
    name: Annotated[str | None, typer.Option(help="Who it is for.")] = None,
    days: Annotated[float | None, typer.Option(help="For how many days; for ever without it.")] = None,
) -> None:
    """Make a token and print it: it is shown this once, and kept nowhere."""
    from prism_lab.readers.tokens import Tokens

    reader, text = Tokens().create(name, days=days)
    print(text)
    typer.echo(f"This is the token of {reader.name}; a link with ?token={text} opens the dashboards.", err=True)


@token.command("list")
def list_tokens() -> None:
    """List the tokens by name; none of them is shown."""
    from prism_lab.readers.tokens import Tokens

    rows = [(str(one.id), one.name, one.state(), _day(one.created), _day(one.expires)) for one in Tokens().all()]
    table = [("id", "name", "state", "made", "expires"), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@token.command()
def revoke(which: Annotated[str, typer.Argument(help="Name or id.", metavar="NAME|ID")]) -> None:
    """Make a token worthless, also on servers that run: whoever uses it is cut off within seconds."""
    from prism_lab.readers.tokens import Tokens

    for reader in Tokens().revoke(which):
        print(f"The token of {reader.name} (id {reader.id}) is revoked.")


def _day(seconds: float | None) -> str:
    return "never" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
