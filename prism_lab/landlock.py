"""Lets a program write below some folders only, by Linux's Landlock: without privileges, and in whatever code it runs.

What it starts is fenced as it is. Run as a program, this file fences itself and becomes the command that follows::

    python landlock.py FOLDER… -- COMMAND…

See https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["available", "fenced"]

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls, by the same number on every architecture
_ASK_VERSION, _BELOW_A_PATH = 1, 1
_NO_NEW_PRIVILEGES = 38
_LEAST = 3  # the first version that fences cutting files short: Linux 6.2
_WRITE, _TRUNCATE = 1 << 1, 1 << 14
_CHANGES = sum(1 << bit for bit in (1, *range(4, 15)))  # write, remove, make, move and cut short
_DEVICES = {"/dev": _WRITE | _TRUNCATE, "/dev/shm": _CHANGES}  # nothing there outlives the machine


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def available() -> bool:
    """Tell whether this system can fence."""
    return sys.platform == "linux" and _call(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION) >= _LEAST


def fenced(command: Sequence[str], folders: Iterable[Path]) -> list[str]:
    """Return the command that runs another one behind a fence; the other one itself where there is none.

    Parameters
    ----------
    command
        What is to run.
    folders
        Where it may write, beside devices.
    """
    if not available():
        return list(command)
    return [sys.executable, "-P", __file__, *map(str, folders), "--", *command]


def _call(number: int, *given: object) -> int:
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    return int(call(ctypes.c_long(number), *given))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _restrict(rules: dict[str, int]) -> None:
    """Forbid this process, and all it starts, to change any file but by the rights of some places."""
    handled = ctypes.c_uint64(_CHANGES)
    fence = _checked(_call(_CREATE, ctypes.byref(handled), ctypes.c_size_t(8), 0))
    for place, allowed in rules.items():
        if not Path(place).exists():
            continue
        folder = os.open(place, os.O_PATH)
        rule = _Rule(allowed, folder)
        _checked(_call(_ADD, fence, _BELOW_A_PATH, ctypes.byref(rule), 0))
        os.close(folder)
    _checked(ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(_call(_RESTRICT, fence, 0))
    os.close(fence)


def _become(words: list[str]) -> None:
    end = words.index("--")
    _restrict({**_DEVICES, **dict.fromkeys(words[:end], _CHANGES)})
    command = words[end + 1 :]
    os.execvp(command[0], command)


if __name__ == "__main__":
    _become(sys.argv[1:])
