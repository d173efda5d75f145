"""Ports to listen on that nobody else takes before."""

from __future__ import annotations

import itertools
import random
import socket

__all__ = ["unused_port"]

# below the range from which systems hand out ports by themselves, so that no outgoing connection takes one meanwhile
_RANGE = range(20_000, 32_000)
_turns = itertools.count(random.randrange(len(_RANGE)))  # one after another: no two of this process's get the same


def unused_port() -> int:
    """Return a port of the loopback device that nobody listens on now, another one at each call."""
    for turn in _turns:
        port = _RANGE[turn % len(_RANGE)]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError  # turns never end
