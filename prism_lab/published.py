"""The published folder: every version of every dashboard as readers got it, and which one they get now.

::

    <published>/<name>/active                  number of the version readers get; without this file they get none
    <published>/<name>/versions/<n>/           notebook, metadata and thumbnail, never changed again
    <published>/<name>/versions/<n>/manifest.json

A new version is complete before its folder has its name, and ``active`` is replaced in one step: whoever opens the
page meanwhile gets the old version or the new one, and whoever has it open keeps the files it runs from.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prism_kernels.errors import InvalidInput

__all__ = [
    "ACTIVE",
    "MANIFEST",
    "PUBLISHED",
    "VERSIONS",
    "Version",
    "active",
    "check_name",
    "names",
    "published_folder",
    "versions",
]

PUBLISHED = "PRISM_PUBLISHED"
"""Environment variable that names another published folder."""

ACTIVE, VERSIONS, MANIFEST = "active", "versions", "manifest.json"
"""Names of the pointer, of the folder of versions, and of what describes a version."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a published dashboard.

    Attributes
    ----------
    name, number
        Which one: the dashboard's name in links, and 1, 2, 3 …
    folder
        Where its files lie.
    manifest
        Title, who published it and when, digests, package versions, and what was tried before.
    """

    name: str
    number: int
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def notebook(self) -> Path:
        """The notebook that readers run."""
        return self.folder / f"{self.name}.ipynb"

    @property
    def described(self) -> Path:
        """The metadata beside it."""
        return self.folder / f"{self.name}.yaml"

    def changed(self) -> list[str]:
        """Name the files that are no longer what was published."""
        files: Mapping[str, str] = self.manifest.get("files", {})
        return [name for name, digest in files.items() if _digest_of(self.folder / name) != digest]


def published_folder(given: Path | None = None) -> Path:
    """Return the published folder: the one given, the one ``PRISM_PUBLISHED`` names, or the usual place of this user.

    Parameters
    ----------
    given
        A folder; it need not be there yet.
    """
    named = given or os.environ.get(PUBLISHED)
    if named:
        return Path(named).expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_data_dir("prism")) / "published"


def check_name(name: str) -> str:
    """Return a name that may stand in a link.

    Parameters
    ----------
    name
        What the dashboard is to be called.

    Raises
    ------
    InvalidInput
        When it holds anything but letters, digits, ``-`` and ``_``, or is longer than 64 characters.
    """
    if not _NAME.fullmatch(name):
        msg = f"--name {name!r} cannot stand in a link; use up to 64 letters, digits, - and _, such as 'sales-forecast'"
        raise InvalidInput(msg, field="name")
    return name


def names(folder: Path) -> list[str]:
    """List everything that was ever published, active or not.

    Parameters
    ----------
    folder
        The published folder.
    """
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(p.name for p in found if _NAME.fullmatch(p.name) and (p / VERSIONS).is_dir())


def versions(folder: Path, name: str) -> list[Version]:
    """List the versions of a dashboard, oldest first; none for a name that was never published.

    Parameters
    ----------
    folder
        The published folder.
    name
        The dashboard.
    """
    home = folder / name / VERSIONS
    if not _NAME.fullmatch(name) or not home.is_dir():
        return []
    numbers = sorted(int(p.name) for p in home.iterdir() if p.name.isdecimal())
    return [Version(name=name, number=n, folder=home / str(n), manifest=_manifest(home / str(n))) for n in numbers]


def active(folder: Path, name: str) -> Version | None:
    """Return the version readers get; None for a name that is not published.

    Parameters
    ----------
    folder
        The published folder.
    name
        The dashboard.
    """
    if not _NAME.fullmatch(name):
        return None
    try:
        number = (folder / name / ACTIVE).read_text(encoding="ascii").strip()
    except OSError:
        return None
    home = folder / name / VERSIONS / number
    if not number.isdecimal() or not home.is_dir():
        return None
    return Version(name=name, number=int(number), folder=home, manifest=_manifest(home))


def _manifest(home: Path) -> dict[str, Any]:
    try:
        found = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
