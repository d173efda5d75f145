"""Keeps a notebook that is tried out from writing where it should not; runs inside its kernel, and imports little."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any
from urllib.parse import unquote

__all__ = ["OutsideProgram", "OutsideWrite", "Refused", "watch"]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = {  # by audit event: the places of the paths that it changes, and of their folder descriptors
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, 9),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "os.setxattr": ((0, 9),),
    "os.removexattr": ((0, 9),),
}
_PROGRAMS = {  # by audit event: the place of what is started; None where it is this process once more
    "subprocess.Popen": 1,
    "os.system": 0,
    "os.posix_spawn": 1,
    "os.exec": 1,
    "pty.spawn": 0,
    "os.fork": None,
    "os.forkpty": None,
}
_ASK_THE_SYSTEM = ("platform", "ctypes.util", "uuid", "joblib.externals.loky.backend.context")  # and nothing else


class OutsideWrite(PermissionError):
    """A notebook tried to write outside its own folder."""


class OutsideProgram(PermissionError):
    """A notebook tried to start a program, which could write anywhere."""


@dataclass(frozen=True)
class Refused:
    """What was refused, filled as it happens.

    Attributes
    ----------
    writes
        The paths.
    programs
        The command lines.
    """

    writes: list[str] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)


def watch(allowed: Iterable[str]) -> Refused:
    """Refuse from now on, in this process, to write anywhere but below some folders, and to start programs.

    Parameters
    ----------
    allowed
        The folders.

    Notes
    -----
    Sees what Python itself opens, makes, moves, removes and starts. A library that writes in its own C code passes
    unseen; :mod:`prism_lab.landlock` stops it where Linux can. What libraries try while they are imported (a folder for
    their settings) is prevented and not counted: they do without it where a home cannot be written. Modules of Python
    that ask the system about itself by a program (``uname``, ``ldconfig``) may do so.
    """
    roots = tuple(os.path.realpath(path) for path in allowed)
    refused = Refused()
    guard = _Guard(roots, refused)
    sys.addaudithook(guard.hear)
    guard.wrap()
    return refused


class _Guard:
    def __init__(self, roots: tuple[str, ...], refused: Refused) -> None:
        self._roots, self._refused = roots, refused

    def hear(self, event: str, given: tuple[Any, ...]) -> None:
        """Look at one of Python's audit events."""
        if event == "open":
            path, mode, flags = given
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITING):
                self.write(path)
        elif event == "os.mkdir" and os.path.isdir(given[0]):  # noqa: PTH112 - Path.mkdir(exist_ok=True) asks first
            return
        elif event == "sqlite3.connect":
            self.write(_made(given[0]))
        elif event == "socket.bind":
            self.write(_bound(given[1]))
        elif event in _PATHS:
            for at, descriptor in _PATHS[event]:
                self.write(given[at], given[descriptor] if descriptor < len(given) else -1)
        elif event in _PROGRAMS:
            place = _PROGRAMS[event]
            self.start(None if place is None else given[place])

    def write(self, path: Any, descriptor: Any = -1) -> None:
        """Refuse a path outside."""
        place = _place(path, descriptor)
        if place is None or any(_below(place, root) for root in self._roots):
            return
        _note(self._refused.writes, place)
        raise OutsideWrite(place)

    def start(self, command: Any) -> None:
        """Refuse a program."""
        if _called_by(lambda frame: frame.f_globals.get("__name__") in _ASK_THE_SYSTEM):
            return
        text = _line(command)
        _note(self._refused.programs, text)
        raise OutsideProgram(text)

    def wrap(self) -> None:
        """Ask before what raises no audit event: pipes, devices, and the start of ``multiprocessing``'s processes."""
        for module in ("os", "posix"):
            for name in ("mkfifo", "mknod"):
                _ask_first(module, name, lambda path, *_, dir_fd=-1, **__: self.write(path, dir_fd))
        _ask_first("_posixsubprocess", "fork_exec", lambda command, *_: self.start(command))


def _note(refused: list[str], what: str) -> None:
    if what not in refused and not _importing():
        refused.append(what)


def _ask_first(module: str, name: str, ask: Callable[..., None]) -> None:
    __import__(module)
    original = getattr(sys.modules[module], name, None)
    if original is None:  # another system
        return

    @functools.wraps(original)
    def asked(*given: Any, **named: Any) -> Any:
        ask(*given, **named)
        return original(*given, **named)

    setattr(sys.modules[module], name, asked)


def _place(path: Any, descriptor: Any) -> str | None:
    """Return where a path leads, links followed; None for what is no path, such as an open file."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    name = os.fsdecode(path)
    if isinstance(descriptor, int) and descriptor >= 0:
        name = os.path.join(os.path.realpath(f"/proc/self/fd/{descriptor}"), name)  # noqa: PTH118 - called very often
    return os.path.realpath(name)


def _made(database: Any) -> str | None:
    """Return the file that opening a database makes; None where it is there, or is none."""
    name = os.fsdecode(database)
    if name.startswith("file:"):
        path, _, options = name.removeprefix("file:").partition("?")
        name = "" if "mode=ro" in options or "mode=memory" in options else unquote(path)
    known = name in ("", ":memory:") or os.path.exists(name)  # noqa: PTH110 - as quick as the rest
    return None if known else name


def _bound(address: Any) -> str | None:
    """Return the file that a socket becomes; None for one of the network or without a file."""
    name = os.fsdecode(address) if isinstance(address, str | bytes) else ""
    return None if not name or name.startswith("\0") else name


def _line(command: Any) -> str:
    """Write a command as one types it."""
    if command is None:
        return "another process"
    if isinstance(command, str | bytes | os.PathLike):
        return os.fsdecode(command)
    words = [os.fsdecode(word) for word in command]
    return words[2] if words[1:2] == ["-c"] and len(words) == 3 else shlex.join(words)  # of a shell what it is told


def _below(place: str, root: str) -> bool:
    return place == root or place.startswith(root.rstrip(os.sep) + os.sep)


def _importing() -> bool:
    return _called_by(lambda frame: frame.f_code.co_filename == "<frozen importlib._bootstrap>")


def _called_by(fits: Callable[[FrameType], bool]) -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if fits(frame):
            return True
        frame = frame.f_back
    return False
