"""``prism publish``, ``unpublish`` and ``published``: what readers get, and in which version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

Folder = Annotated[Path | None, typer.Option(help="Published folder; PRISM_PUBLISHED, or the user's own, without it.")]


def publish(
    notebook: Annotated[str, typer.Argument(help="A notebook; with --activate, the name of a published dashboard.")],
    *,
    title: Annotated[str, typer.Option(help="Title; that of its .yaml or first heading without it.")] = "",
    name: Annotated[str, typer.Option(help="Name in links; that of the file without it.")] = "",
    timeout: Annotated[float, typer.Option(help="Seconds that trying it out may take.")] = 120.0,
    activate: Annotated[int | None, typer.Option(metavar="VERSION", help="Give readers this version instead.")] = None,
    folder: Folder = None,
) -> None:
    """Publish a notebook for readers, or go back: prism publish sales.ipynb; prism publish --activate 2 sales."""
    from prism_cli import terminal
    from prism_lab import publishing

    if activate is not None:
        version = publishing.activate_version(notebook, activate, folder=folder)
        print(f"readers of {version.name} get version {version.number} from now on")
        return
    path = Path(notebook)
    version, tried = terminal.work(
        lambda: publishing.publish(path, title=title, name=name, timeout=timeout, folder=folder), "publish"
    )
    turned = f"; changed {', '.join(tried.changes)}" if tried.changes else "; nothing on it can be changed"
    print(f"{version.name} version {version.number} is published: {version.manifest['title']}")
    print(f"  tried out in {tried.seconds:.1f} s{turned}")
    for left in tried.left:
        print(f"  note: it leaves {left} in its folder, which all readers share; write to a temporary file instead")
    print(f"  {version.notebook}")


def unpublish(
    name: Annotated[str, typer.Argument(help="Name of a published dashboard.")], *, folder: Folder = None
) -> None:
    """Take a dashboard away from readers; its versions stay."""
    from prism_lab import publishing

    version = publishing.unpublish(name, folder=folder)
    again = f"prism publish --activate {version.number} {name}"
    print(f"{name} is no longer published; {again} brings it back")


def published(
    *, as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False, folder: Folder = None
) -> None:
    """List what is published, with the version readers get."""
    from prism_lab import publishing

    found = publishing.shown(folder=folder)
    if as_json:
        import json
        from dataclasses import asdict

        print(json.dumps([asdict(one) for one in found], indent=2))
        return
    for one in found:
        print(f"{one.name}  {f'version {one.active}' if one.active else 'not published now'}")
        for number, about in one.versions.items():
            mark = "*" if number == one.active else " "
            said = (about.get(part, "?") for part in ("published", "who", "title"))
            print(f"  {mark} {number:>3}  {'  '.join(said)}")
    if not found:
        print("nothing is published yet; prism publish NOTEBOOK does it")


def register(app: typer.Typer) -> None:
    """Add the three commands to an app.

    Parameters
    ----------
    app
        The app of ``prism``.
    """
    for command in (publish, unpublish, published):
        app.command()(command)
