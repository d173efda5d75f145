"""The archive that a saved run lies in: nothing compressed, equal members always equal bytes, and their digest."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping

from prism_kernels.errors import InvalidInput

__all__ = ["RUN", "SUFFIX", "archive", "digest", "members_of"]

SUFFIX = ".prism"
"""How the names of saved runs end."""
RUN = "run.json"
"""The member that says what the others are."""

_DIGEST = "sha256"
_START = (1980, 1, 1, 0, 0, 0)  # the earliest date of a ZIP archive, so that equal runs give equal bytes


def archive(members: Mapping[str, bytes]) -> bytes:
    """Put members and their digest into an archive.

    Parameters
    ----------
    members
        Bytes by name, in order.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for name, data in (*members.items(), (_DIGEST, digest(members).encode())):
            entry = zipfile.ZipInfo(name, _START)
            entry.create_system = 3  # the same bytes on every system
            target.writestr(entry, data)
    return buffer.getvalue()


def digest(members: Mapping[str, bytes]) -> str:
    """Return the sha256 of members with their names.

    Parameters
    ----------
    members
        Bytes by name, in order.
    """
    total = hashlib.sha256()
    for name, data in members.items():
        total.update(f"{name}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def members_of(data: bytes, name: str) -> tuple[dict[str, bytes], str]:
    """Take an archive apart and return its members with their digest.

    Parameters
    ----------
    data
        The archive.
    name
        What it is called, for messages.

    Raises
    ------
    InvalidInput
        For what is no archive of a run; for one that holds more than its own bytes, which is told before anything is
        unfolded; and for one that does not give the same bytes when put together again, which somebody changed.
    """
    changed = f"path: {name} was changed after it was saved, or did not arrive whole; get it again from where it came"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source:
            entries = source.infolist()
            if not {RUN, _DIGEST} & {entry.filename for entry in entries}:
                raise _no_run(name)
            _check_sizes(entries, data, name)
            members = {entry.filename: source.read(entry) for entry in entries}
    except InvalidInput:
        raise
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        if data[:2] == b"PK":
            raise InvalidInput(changed, field="path", where=name) from None
        raise _no_run(name) from None
    stated = members.pop(_DIGEST, b"")
    if archive(members) != data:
        raise InvalidInput(changed, field="path", where=name)
    return members, stated.decode()


def _check_sizes(entries: list[zipfile.ZipInfo], data: bytes, name: str) -> None:
    """Refuse an archive that would unfold to more than it is: members are stored as they are, one after the other."""
    plain = all(e.compress_type == zipfile.ZIP_STORED and e.file_size == e.compress_size for e in entries)
    if not plain or sum(entry.file_size for entry in entries) > len(data):
        size = f"it holds more than its own {len(data) / 1000:.0f} kB, and no saved run is compressed"
        msg = f"path: {name} was changed after it was saved: {size}; get it again from where it came"
        raise InvalidInput(msg, field="path", where=name)


def _no_run(name: str) -> InvalidInput:
    msg = f"path: {name} is no saved run; write one with run.save(…) or prism run … --out FILE{SUFFIX}"
    return InvalidInput(msg, field="path", where=name)
