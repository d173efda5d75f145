"""``prism publish``, ``unpublish`` and ``published``: what readers get, and in which version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["register"]

Folder = Annotated[Path | None, typer.Option(help="Published folder; PRISM_PUBLISHED, or the user's own, without it.")]


def publish(
    notebook: Annotated[str, typer.Argument(help="A notebook; with --activate, the name of a published dashboard.")],
    *,
    title: Annotated[str, typer.Option(help="Title; that of its .yaml or first heading without it.")] = "",
    name: Annotated[str, typer.Option(help="Name in links; that of the file without it.")] = "",
    timeout: Annotated[float, typer.Option(help="Seconds that trying it out may take.")] = 120.0,
    data_root: Annotated[
        Path | None, typer.Option(help="Below it, and nowhere else, its page reads files; as prism dashboards is told.")
    ] = None,
    allow_url: Annotated[
        list[str] | None, typer.Option(help="Addresses its page reads; as prism dashboards is told.")
    ] = None,
    activate: Annotated[int | None, typer.Option(metavar="VERSION", help="Give readers this version instead.")] = None,
    folder: Folder = None,
) -> None:
    """Publish a notebook for readers, or go back: prism publish sales.ipynb; prism publish --activate 2 sales.

    It is tried out first, in a kernel with an empty folder, home and caches of its own, as readers' pages run, and one
    setting of each component is changed. It is refused when it fails, starts a program, or writes anywhere but below
    its temporary folder, working folder and caches. Where Linux has Landlock (6.2 or newer) the system prevents such
    writes whatever code makes them; one that native code tries, and whose error the notebook hides, is prevented and
    not told. Elsewhere Python's own writes are prevented, and the notebook's folder, those beside it and the dot
    folders of your home are compared before and after: what native code writes in other places is not seen. Nobody
    checks what it sends over the network, or what its own code reads by other means than PRISM's.
    """
    from prism_cli import terminal
    from prism_lab import publishing
    from prism_lab.readers.settings import Rules

    if activate is not None:
        version = publishing.activate_version(notebook, activate, folder=folder)
        print(f"readers of {version.name} get version {version.number} from now on")
        return
    path = Path(notebook)
    rules = Rules.of(None, data_root=data_root, allow_urls=tuple(allow_url or ()))
    about: dict[str, Any] = {"title": title, "name": name, "timeout": timeout, "folder": folder, "rules": rules}
    version, tried = terminal.work(lambda: publishing.publish(path, **about), "publish")
    turned = f"; changed {', '.join(tried.changes)}" if tried.changes else "; nothing on it can be changed"
    print(f"{version.name} version {version.number} is published: {version.manifest['title']}")
    print(f"  tried out in {tried.seconds:.1f} s{turned}")
    for left in tried.left:
        print(f"  note: it leaves {left} in its folder, which all readers share; write to a temporary file instead")
    if data_root or allow_url:
        needed = [f"--data-root {rules.data_root}"] * bool(data_root) + [
            f"--allow-url {url}" for url in allow_url or ()
        ]
        print(f"  readers' pages may read the same with: prism dashboards {' '.join(needed)}")
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
