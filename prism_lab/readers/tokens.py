"""Readers' tokens: who may look, until when. Only digests are kept, in a file that nobody else can read."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prism_kernels.errors import InvalidInput, PrismError, nearest

__all__ = ["Reader", "Tokens", "tokens_path"]

TOKENS = "PRISM_READER_TOKENS"
"""Environment variable that names another file."""

_DAY = 86_400.0
_LONGEST_DAYS = 3650
_LONGEST_NAME = 80
_WAIT_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, created REAL NOT NULL, expires REAL, revoked REAL
);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def tokens_path() -> Path:
    """Return the file of the tokens: the one ``PRISM_READER_TOKENS`` names, or the usual place for a user's data."""
    named = os.environ.get(TOKENS)
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("prism")) / "readers.sqlite"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One token, without the token.

    Attributes
    ----------
    id
        Its number; never given twice.
    name
        Who it was made for.
    created, expires, revoked
        Seconds since 1970; None where it never expires, or was not revoked.
    """

    id: int
    name: str
    created: float
    expires: float | None
    revoked: float | None

    def state(self, now: float | None = None) -> str:
        """Return ``valid``, ``expired`` or ``revoked``.

        Parameters
        ----------
        now
            Seconds since 1970; the present when not given.
        """
        if self.revoked is not None:
            return "revoked"
        now = time.time() if now is None else now
        return "valid" if self.expires is None or now < self.expires else "expired"


class Tokens:
    """The tokens of one user's readers.

    Parameters
    ----------
    path
        The SQLite file; None for the user's.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or tokens_path()

    def create(self, name: str | None = None, *, days: float | None = None) -> tuple[Reader, str]:
        """Make a token and return it with its text, which is kept nowhere.

        Parameters
        ----------
        name
            Who it is for; ``reader-<number>`` when not given.
        days
            For how long, in days; for ever when not given.

        Raises
        ------
        InvalidInput
            For a name that is taken, empty, long or not printable, and for days outside 0 to 3650.
        """
        if days is not None and not 0 < days <= _LONGEST_DAYS:
            msg = f"days must be more than 0 and at most {_LONGEST_DAYS}, and is {days:g}"
            raise InvalidInput(msg, field="days")
        token, now = secrets.token_urlsafe(32), time.time()
        expires = None if days is None else now + days * _DAY
        with self._open() as link:
            link.execute("BEGIN IMMEDIATE")
            last = link.execute("SELECT COALESCE(MAX(id), 0) FROM tokens").fetchone()[0]
            name = _checked(name if name is not None else f"reader-{last + 1}")
            if any(row.name == name and row.state(now) == "valid" for row in _rows(link)):
                msg = f"name {name!r} has a token already; choose another, or revoke it first"
                raise InvalidInput(msg, field="name")
            values = (name, _digest(token), now, expires)
            number = link.execute(
                "INSERT INTO tokens (name, digest, created, expires) VALUES (?, ?, ?, ?)", values
            ).lastrowid
        return Reader(id=number or 0, name=name, created=now, expires=expires, revoked=None), token

    def all(self) -> list[Reader]:
        """Return all tokens that were ever made, oldest first."""
        with self._open() as link:
            return _rows(link)

    def revoke(self, which: str) -> list[Reader]:
        """Make a token worthless, and return what was revoked.

        Parameters
        ----------
        which
            Its name or number.

        Raises
        ------
        InvalidInput
            When no valid token has that name or number.
        """
        valid = [row for row in self.all() if row.state() == "valid"]
        chosen = [row for row in valid if row.name == which] or [row for row in valid if str(row.id) == which]
        if not chosen:
            hint = nearest(which, [row.name for row in valid]) if valid else "there is none at all"
            msg = f"no valid token is called {which!r}; {hint}"
            raise InvalidInput(msg, field="token", where=which)
        with self._open() as link:
            link.executemany("UPDATE tokens SET revoked = ? WHERE id = ?", [(time.time(), row.id) for row in chosen])
        return chosen

    def find(self, token: str) -> Reader | None:
        """Return whose valid token a text is; None for anything else.

        Parameters
        ----------
        token
            What a visitor brings.

        Notes
        -----
        Every digest is compared, each in constant time, so that the time tells nothing.
        """
        given, found = _digest(token), None
        with self._open() as link:
            digests = link.execute("SELECT id, digest FROM tokens").fetchall()
            rows = {row.id: row for row in _rows(link)}
        for number, digest in digests:
            if hmac.compare_digest(given, digest):
                found = rows[number]
        return found if found is not None and found.state() == "valid" else None

    def valid(self) -> dict[int, Reader]:
        """Return the tokens that count now, by number."""
        return {row.id: row for row in self.all() if row.state() == "valid"}

    def cookie_secret(self) -> bytes:
        """Return what signs cookies: the same after a restart, so that readers stay signed in."""
        with self._open() as link:
            link.execute("INSERT OR IGNORE INTO secrets (name, value) VALUES ('cookie', ?)", (secrets.token_hex(32),))
            value = link.execute("SELECT value FROM secrets WHERE name = 'cookie'").fetchone()[0]
        return bytes.fromhex(value)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._private()
            link = sqlite3.connect(self.path, timeout=_WAIT_SECONDS)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            with link:
                link.executescript(_SCHEMA)
                yield link
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        finally:
            link.close()

    def _private(self) -> None:
        """Make the file for this user alone, or refuse one that others can read."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        if os.name == "posix" and self.path.stat().st_mode & 0o077:
            msg = f"{self.path} holds readers' tokens and can be read by other users; run: chmod 600 '{self.path}'"
            raise PrismError(msg)

    def _unusable(self, error: Exception) -> PrismError:
        return PrismError(f"the tokens in {self.path} cannot be used ({error}); name another file in {TOKENS}")


def _rows(link: sqlite3.Connection) -> list[Reader]:
    rows = link.execute("SELECT id, name, created, expires, revoked FROM tokens ORDER BY id")
    return [Reader(id=i, name=n, created=c, expires=e, revoked=r) for i, n, c, e, r in rows]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _checked(name: str) -> str:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        msg = f"name must be 1 to {_LONGEST_NAME} printable characters, such as 'Ada from sales'"
        raise InvalidInput(msg, field="name")
    return name
