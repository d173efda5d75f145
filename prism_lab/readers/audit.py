"""Who opened what: one line of JSON an event, appended to a file that nobody else can read. Never a token."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from prism_kernels.errors import InvalidInput

__all__ = ["Audit", "audit_path"]

AUDIT = "PRISM_READER_LOG"
"""Environment variable that names another file."""


def audit_path() -> Path:
    """Return the file: the one ``PRISM_READER_LOG`` names, or the usual place for a user's data."""
    named = os.environ.get(AUDIT)
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("prism")) / "readers.jsonl"


class Audit:
    """The log of readers.

    Parameters
    ----------
    path
        The file; None for the user's.

    Raises
    ------
    InvalidInput
        When it cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or audit_path()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            msg = f"the log of readers {self.path} cannot be written ({error.strerror}); name another file in {AUDIT}"
            raise InvalidInput(msg, field=AUDIT, where=str(self.path)) from error

    def write(self, event: str, *, reader: str, what: str) -> None:
        """Append one line.

        Parameters
        ----------
        event
            ``signed in``, ``opened``, ``waits``, ``refused`` or ``cut off``.
        reader
            Who; empty for a stranger.
        what
            The page or route, without query.
        """
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": when, "event": event, "reader": reader, "what": what}, ensure_ascii=False)
        os.write(self._file, f"{line}\n".encode("utf-8", "backslashreplace"))  # one write: lines never mix
