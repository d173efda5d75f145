"""``prism data``: put data under a name that every surface takes, and share it with readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from prism_kernels.data import Dataset

__all__ = ["app"]

app = typer.Typer(help="Put data under a name: add, list, show, share and remove datasets.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
AsJson = Annotated[bool, typer.Option("--json", help="All of it, as JSON.")]

_SEEN = 60  # characters of a source in a list
_FAILED = 1


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What it is to be called: a letter, then letters, digits, _ or -.")],
    source: Annotated[str, typer.Argument(help="A file, a folder of files, an address, or the URL of a database.")],
    *,
    query: Annotated[str, typer.Option(metavar="SQL", help="What to read from a database; order its rows.")] = "",
    title: Annotated[str, typer.Option(metavar="TEXT", help="What it is, in a few words.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of a dataset of this name.")] = False,
    share: Annotated[
        bool | None,
        typer.Option(
            "--share/--no-share", help="Let readers' pages load it; as the one it replaces, or not, without it."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Catalogue data where it lies: prism data add sales sales.csv --title 'Sales, monthly'."""
    from prism_cli import terminal
    from prism_kernels import data

    about: dict[str, Any] = {"query": query, "title": title, "replace": replace, "share": share}
    entry = terminal.work(lambda: data.add(name, source, **about), "data")
    if as_json:
        _print(entry.to_dict())
    else:
        print(f"{name}: {_size(entry)}, sha256 {entry.digest[:12]}…; use it as --data y={name}")


@app.command("list")
def list_datasets(*, as_json: AsJson = False) -> None:
    """List the datasets."""
    from prism_kernels import data

    found = list(data.datasets().values())
    if as_json:
        _print([entry.to_dict() for entry in found])
        return
    if not found:
        print("no datasets yet; add one: prism data add NAME SOURCE")
        return
    says = {True: "yes", False: "no"}
    table = [
        (e.name, e.kind, _size(e), says[e.shared], (e.changed or e.added)[:19], _short(e.source), e.title)
        for e in found
    ]
    _table([("name", "kind", "size", "shared", "changed (UTC)", "source", "title"), *table])


@app.command()
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show a dataset: where it lies, its columns and first rows, and whether it is still what was catalogued.

    The exit code is 1 when it is not.
    """
    from prism_cli import terminal
    from prism_kernels import data

    entry = data.show(name)
    trouble = terminal.work(lambda: _trouble(name), "data")
    if as_json:
        _print({**entry.to_dict(), "usable": not trouble, "trouble": trouble})
    else:
        _explain(entry, trouble)
    raise typer.Exit(_FAILED if trouble else 0)


@app.command()
def remove(name: Name) -> None:
    """Take a dataset out of the catalogue; only a frame that was saved from a notebook is deleted."""
    from prism_kernels import data

    entry = data.remove(name)
    left = "and deleted" if entry.kind == "frame" else f"{entry.source} stays as it is"
    print(f"{name} is removed, {left}")


@app.command()
def share(name: Name) -> None:
    """Let readers' pages offer and load a dataset; one that is not shared is there for yourself alone."""
    from prism_kernels import data

    print(f"{data.share(name).name} is shared: readers' pages offer and load it")


@app.command()
def unshare(name: Name) -> None:
    """Take a dataset from readers' pages; what they have read stays on screen."""
    from prism_kernels import data

    print(f"{data.unshare(name).name} is no longer shared: readers' pages can no longer load it")


def _trouble(name: str) -> str:
    """Return why a dataset cannot be used; empty when it can."""
    from prism_kernels import data
    from prism_kernels.errors import InvalidInput, MissingLibrary

    try:
        data.load(name)
    except (InvalidInput, MissingLibrary) as error:
        return str(error)
    return ""


def _explain(entry: Dataset, trouble: str) -> None:
    print(f"{entry.name}{': ' if entry.title else ''}{entry.title}")
    facts = {
        "kind": entry.kind,
        "source": entry.source,
        "query": entry.query,
        "size": _size(entry),
        "sha256": entry.digest,
        "changed": entry.changed,
        "added": entry.added,
        "shared": "with readers" if entry.shared else "",
        "state": trouble or "as catalogued",
    }
    for label, value in facts.items():
        if value:
            print(f"  {label:<8} {value}")
    print("\nColumns")
    for column, kind in entry.columns.items():
        print(f"  {column if column.isprintable() else repr(column)}  ({kind})")
    print("\nFirst rows")
    _table(entry.preview, "  ")


def _size(entry: Dataset) -> str:
    rows, columns = entry.rows, len(entry.columns)
    return f"{rows} row{'s' * (rows != 1)} × {columns} column{'s' * (columns != 1)}"


def _short(source: str) -> str:
    return source if len(source) <= _SEEN else f"…{source[1 - _SEEN :]}"


def _table(rows: Any, indent: str = "") -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(indent + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _print(plain: Any) -> None:
    import json

    print(json.dumps(plain, indent=2, ensure_ascii=False))
