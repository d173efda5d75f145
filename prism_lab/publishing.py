"""Publish a notebook: check it, try it out, and store it as the version that readers get."""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prism_kernels.errors import InvalidInput
from prism_lab.draft import Draft, read_draft
from prism_lab.published import Version, active, check_name, names, published_folder, versions
from prism_lab.readers.settings import Rules
from prism_lab.rehearsal import Rehearsal, rehearse
from prism_lab.versions import activate, add, withdraw

__all__ = ["Shown", "activate_version", "publish", "shown", "unpublish"]

_LONGEST = 3600.0


def publish(
    notebook: Path,
    *,
    title: str = "",
    name: str = "",
    timeout: float = 120.0,
    folder: Path | None = None,
    rules: Rules | None = None,
) -> tuple[Version, Rehearsal]:
    """Check a notebook, try it out in a kernel of its own, and make it a new version that readers get at once.

    Whoever has an older version open keeps it.

    Parameters
    ----------
    notebook
        A notebook; ``<name>.yaml`` beside it describes it.
    title
        Its title, where that of the metadata or its first heading is not meant.
    name
        What it is called in links; the file's name without its ending when not given.
    timeout
        Seconds that trying it out may take.
    folder
        The published folder, as :func:`prism_lab.published.published_folder` finds it when not given.
    rules
        What pages may read, as the readers' server will be told; as it is without arguments when not given.

    Raises
    ------
    InvalidInput
        With the cell or file that readers must not get, and the way out. Nothing is stored then.
    """
    if not 0 < timeout <= _LONGEST:
        msg = f"--timeout must be more than 0 and at most {_LONGEST:g} seconds, and {timeout:g} was given"
        raise InvalidInput(msg, field="timeout")
    called = check_name(name or notebook.stem)
    draft = read_draft(notebook.expanduser().absolute(), title)
    known = rules or Rules.of(None)
    tried = rehearse(draft, timeout=timeout, rules=known)
    version = add(published_folder(folder), called, draft.files(called), _about(draft, tried, known))
    return version, tried


def _about(draft: Draft, tried: Rehearsal, rules: Rules) -> dict[str, Any]:
    return {
        "title": draft.metadata.title,
        "published": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": _user(),
        "digest": hashlib.sha256(draft.content).hexdigest(),
        "tried": {k: v for k, v in asdict(tried).items() if k != "packages"},
        "reads": {"data_root": str(rules.data_root), "allow_urls": list(rules.allow_urls)},
        "packages": dict(tried.packages),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"


def activate_version(name: str, number: int, *, folder: Path | None = None) -> Version:
    """Give readers another version of a dashboard; whoever has one open keeps it.

    Parameters
    ----------
    name
        The dashboard.
    number
        Its version.
    folder
        The published folder.

    Raises
    ------
    InvalidInput
        For a name or version that is not there, or one that was changed since.
    """
    return activate(published_folder(folder), name, number)


def unpublish(name: str, *, folder: Path | None = None) -> Version:
    """Take a dashboard away from readers; its versions stay, and can be activated again.

    Parameters
    ----------
    name
        The dashboard.
    folder
        The published folder.

    Raises
    ------
    InvalidInput
        For a name that is not published.
    """
    return withdraw(published_folder(folder), name)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One line of the list of what is published.

    Attributes
    ----------
    name
        The dashboard.
    active
        Number of the version readers get; None when they get none.
    versions
        What each version's manifest says, by number.
    """

    name: str
    active: int | None
    versions: Mapping[int, Mapping[str, Any]]


def shown(*, folder: Path | None = None) -> list[Shown]:
    """List everything that was ever published.

    Parameters
    ----------
    folder
        The published folder.
    """
    place = published_folder(folder)
    found = []
    for name in names(place):
        now = active(place, name)
        known = {one.number: one.manifest for one in versions(place, name)}
        found.append(Shown(name=name, active=None if now is None else now.number, versions=known))
    return found
