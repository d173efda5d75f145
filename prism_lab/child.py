"""One of PRISM's servers as a child process: for tests, benchmarks and pictures of dashboards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from prism_lab.ports import unused_port

__all__ = ["Child", "running"]

_READY = re.compile(r"PRISM is ready: (\S+)")
_PATIENCE = 120.0


@dataclass(frozen=True, kw_only=True)
class Child:
    """A running server.

    Attributes
    ----------
    process
        The child process.
    address
        Where it answers, without path.
    token
        What a visitor must know; empty for an open server.
    lines
        What it has said so far, on both streams.
    """

    process: subprocess.Popen[str]
    address: str
    token: str
    lines: list[str] = field(repr=False)

    def url(self, path: str = "", **query: str) -> str:
        """Write an address on this server, with its token.

        Parameters
        ----------
        path
            Path behind the first slash.
        **query
            Further parameters.
        """
        query |= {"token": self.token} if self.token else {}
        return f"{self.address}/{path}" + (f"?{urlencode(query)}" if query else "")

    def kernels(self) -> set[int]:
        """Return the process ids of the kernels it runs."""
        import psutil

        found = set()
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                names = [child.name(), *child.cmdline()]  # the former of those that were forked
                if any("ipykernel" in name for name in names) and child.status() != psutil.STATUS_ZOMBIE:
                    found.add(child.pid)
            except psutil.NoSuchProcess:
                continue
        return found


@contextmanager
def running(
    server: Literal["lab", "voila", "panel", "readers"],
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Child]:
    """Run a server while the block lasts; enter the block once it answers.

    Parameters
    ----------
    server
        Which one.
    folder
        Folder to work in (``lab``) or of dashboards; ``readers`` want a token that somebody made for them.
    *arguments
        Further command line arguments of ``python -m prism_lab``.
    environment
        Variables that differ from this process's.

    Raises
    ------
    RuntimeError
        When it ends or stays silent for two minutes; holds what it said.
    """
    command = [sys.executable, "-m", "prism_lab", server, f"--folder={folder}", "--no-browser", *arguments]
    if not any(argument.startswith("--port") for argument in arguments):
        command.append(f"--port={unused_port()}")
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    lines: list[str] = []
    listener = threading.Thread(target=_listen, args=(process, lines), daemon=True)
    listener.start()
    try:
        ready = urlsplit(_ready(process, lines))
        token = parse_qs(ready.query).get("token", [""])[0]
        yield Child(process=process, address=f"{ready.scheme}://{ready.netloc}", token=token, lines=lines)
    finally:
        _stop(process)
        listener.join(timeout=5)
        if process.stdout is not None and not listener.is_alive():  # closing waits for whoever reads
            process.stdout.close()


def _listen(process: subprocess.Popen[str], lines: list[str]) -> None:
    for line in process.stdout or ():
        lines.append(line)


def _ready(process: subprocess.Popen[str], lines: list[str]) -> str:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        ended = process.poll() is not None
        found = _READY.search("".join(lines))
        if found:
            return found.group(1)
        if ended:
            break
        time.sleep(0.05)
    msg = f"the server did not start:\n{''.join(lines)}"
    raise RuntimeError(msg)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        import psutil

        left = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        for one in left:  # its kernels
            with suppress(psutil.NoSuchProcess):
                one.kill()
