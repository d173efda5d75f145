"""Puts versions into the published folder, switches between them, and takes a dashboard away from readers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prism_kernels.errors import InvalidInput, nearest
from prism_lab.published import ACTIVE, MANIFEST, PUBLISHED, VERSIONS, Version, active, check_name, names, versions

__all__ = ["activate", "add", "withdraw"]


def add(folder: Path, name: str, files: Mapping[str, bytes], about: Mapping[str, Any]) -> Version:
    """Store a new version and make it the one readers get.

    Parameters
    ----------
    folder
        The published folder; made where it is missing.
    name
        The dashboard.
    files
        Content by path inside the version's folder.
    about
        What its manifest says beside digests and its number.

    Raises
    ------
    InvalidInput
        When the folder cannot be written.
    """
    home = folder / check_name(name) / VERSIONS
    try:
        home.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=".new-", dir=home))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        number = _place(half, home, files, about)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    _point(folder, name, number)
    return next(one for one in versions(folder, name) if one.number == number)


def _place(half: Path, home: Path, files: Mapping[str, bytes], about: Mapping[str, Any]) -> int:
    """Write a version beside the others and give it the next number, also when two people publish at once."""
    for path, content in files.items():
        (half / path).parent.mkdir(parents=True, exist_ok=True)
        (half / path).write_bytes(content)
        (half / path).chmod(0o444)
    half.chmod(0o755)
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    while True:
        number = 1 + max((int(p.name) for p in home.iterdir() if p.name.isdecimal()), default=0)
        manifest = {"version": number, **about, "files": digests}
        written = half / MANIFEST
        written.unlink(missing_ok=True)
        written.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.chmod(0o444)
        try:
            half.rename(home / str(number))
        except OSError:
            if (home / str(number)).exists():  # somebody else was quicker
                continue
            raise
        return number


def activate(folder: Path, name: str, number: int) -> Version:
    """Make a version the one readers get from now on.

    Parameters
    ----------
    folder
        The published folder.
    name
        The dashboard.
    number
        Its version.

    Raises
    ------
    InvalidInput
        For a name or version that is not there, or files that were changed since they were published.
    """
    known = {one.number: one for one in _known(folder, name)}
    if number not in known:
        there = ", ".join(map(str, known))
        msg = f"{name} has no version {number}; there are {there}"
        raise InvalidInput(msg, field="activate")
    changed = known[number].changed()
    if changed:
        msg = f"version {number} of {name} was changed after it was published ({', '.join(changed)}); publish it anew"
        raise InvalidInput(msg, field="activate", where=changed[0])
    _point(folder, name, number)
    return known[number]


def withdraw(folder: Path, name: str) -> Version:
    """Take a dashboard away from readers and return the version they had; its versions stay.

    Parameters
    ----------
    folder
        The published folder.
    name
        The dashboard.

    Raises
    ------
    InvalidInput
        For a name that is not published.
    """
    _known(folder, name)
    before = active(folder, name)
    if before is None:
        msg = f"{name} is not published now; prism publish --activate VERSION {name} brings a version back"
        raise InvalidInput(msg, field="name")
    try:
        (folder / name / ACTIVE).unlink()
    except OSError as error:
        raise _unwritable(folder, error) from error
    return before


def _known(folder: Path, name: str) -> list[Version]:
    found = versions(folder, name)
    if not found:
        there = names(folder)
        hint = nearest(name, there) if there else "nothing is published yet"
        msg = f"no dashboard {name!r} is in {folder}; {hint}"
        raise InvalidInput(msg, field="name")
    return found


def _point(folder: Path, name: str, number: int) -> None:
    home = folder / name
    try:
        handle, half = tempfile.mkstemp(prefix=".active-", dir=home)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{number}\n")
        Path(half).chmod(0o644)
        Path(half).replace(home / ACTIVE)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> InvalidInput:
    msg = f"{folder} cannot be written ({error.strerror}); name another folder with --folder or {PUBLISHED}"
    return InvalidInput(msg, field="folder")
