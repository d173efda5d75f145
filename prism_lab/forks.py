"""How PRISM's servers launch kernels: dashboards' by forking, all on ports that nobody else is given.

What is forked is a process that has loaded the libraries (:mod:`prism_lab.fork_server`), where the system can fork.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner

from prism_lab.ports import unused_port
from prism_lab.reaper import is_viewers

__all__ = ["POSSIBLE", "ForkServer", "Forked", "ForkingProvisioner"]

POSSIBLE = sys.platform == "linux" and hasattr(os, "pidfd_open")
"""Whether this system forks, and says of a process that is not one's own when it ends."""

_PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")
_LAUNCHER = ["-m", "ipykernel_launcher"]
_FLAGS = ["-Xfrozen_modules=off"]  # for debuggers
# what tells a kernel about its visit, and no library while it is loaded
_OF_A_VISIT = re.compile(r"(VOILA|HTTP|SERVER|KERNEL|JPY|REMOTE|REQUEST)_\w+|PATH_INFO|QUERY_STRING|SCRIPT_NAME")
_PATIENCE = 60.0


class ForkServer:
    """The process that is forked, started when it is first needed or :meth:`start` is called.

    Parameters
    ----------
    environment
        Variables that libraries see while they are loaded.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    @property
    def started(self) -> bool:
        """Whether the libraries are loaded or being loaded."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start to load the libraries, unless they are or it cannot be done here; return at once."""
        if self.started or not POSSIBLE:
            return
        self.close()
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *_FLAGS, "-m", "prism_lab.fork_server", str(theirs.fileno())],
                cwd=sys.prefix,  # where no folder of the user's can stand for a library
                env=self._environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Tell whether a kernel is a dashboard's, and libraries would load in its environment as they did in this one.

        Parameters
        ----------
        environment
            Variables of a kernel.
        """
        differ = dict(environment.items() ^ self._environment.items())
        return is_viewers(environment) and all(_OF_A_VISIT.fullmatch(name) for name in differ)

    async def fork(self, arguments: Sequence[str], environment: Mapping[str, str], folder: str) -> Forked | None:
        """Return a new kernel; None where it could not be forked.

        Parameters
        ----------
        arguments
            Of the kernel.
        environment
            All its variables.
        folder
            Where it works.
        """
        order = {"arguments": list(arguments), "environment": dict(environment), "folder": folder}
        forking = asyncio.create_task(self._fork(order))
        try:  # shielded: its answer would be taken for the next one's
            return await asyncio.wait_for(asyncio.shield(forking), _PATIENCE)
        except TimeoutError:
            forking.add_done_callback(_end)
            return None
        except asyncio.CancelledError:
            forking.add_done_callback(_end)
            raise

    async def _fork(self, order: dict[str, Any]) -> Forked | None:
        async with self._turn:
            self.start()
            try:
                if self._streams is None:
                    self._streams = await asyncio.open_connection(sock=self._channel)
                reader, writer = self._streams
                writer.write(json.dumps(order).encode() + b"\n")
                await writer.drain()
                answer = json.loads(await reader.readline())
            except (OSError, ValueError):  # it has ended
                self.close()
                return None
        try:
            return Forked(answer["pid"]) if "pid" in answer else None
        except ProcessLookupError:
            return None

    def close(self) -> None:
        """End the process; kernels that were forked end with it."""
        if self._streams is not None:
            self._streams[1].close()
        elif self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._channel = self._process = self._streams = None


class Forked:
    """A kernel that another process forked, with the part of :class:`subprocess.Popen` that Jupyter needs.

    Parameters
    ----------
    pid
        Its process id.

    Raises
    ------
    ProcessLookupError
        When it has ended.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def __del__(self) -> None:
        os.close(self._descriptor)

    def poll(self) -> int | None:
        """Return None while it lives, and 0 from then on, whatever it ended with."""
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended, or for some seconds."""
        ended = select.poll()
        ended.register(self._descriptor, select.POLLIN)
        return 0 if ended.poll(None if timeout is None else 1000 * timeout) else None

    def send_signal(self, number: int) -> None:
        """Send a signal; one that ended gets none."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._descriptor, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def _end(forking: asyncio.Task[Forked | None]) -> None:
    """End a kernel that nobody waits for."""
    kernel = None if forking.cancelled() or forking.exception() else forking.result()
    if kernel is not None:
        kernel.kill()


class ForkingProvisioner(LocalProvisioner):  # type: ignore[misc]
    """Forks the kernels that the kernel manager's ``forks`` serves; starts others as Jupyter does.

    All get ports that no outgoing connection is given meanwhile: Jupyter takes theirs from those that the system hands
    out, and on a busy server some kernels found one taken, and died.
    """

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Return how to launch a kernel; its ports are chosen here."""
        manager = self.parent
        if manager is not None and manager.transport == "tcp" and not self.ports_cached:
            manager.cache_ports = False
            for name in _PORTS:
                setattr(manager, name, getattr(manager, name) or unused_port())
        launch: dict[str, Any] = await super().pre_launch(**kwargs)
        return launch

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Return how to connect to a new kernel."""
        forks: ForkServer | None = getattr(getattr(self.parent, "parent", None), "forks", None)
        environment, folder = kwargs.get("env") or {}, str(kwargs.get("cwd") or Path.cwd())
        arguments = _arguments(cmd)
        process = None
        if forks is not None and arguments is not None and forks.serves(environment):
            if forks.started:
                process = await forks.fork(arguments, environment, folder)
            else:
                forks.start()  # for the next one
        if process is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid, self.cwd = process, process.pid, process.pid, folder
        return self.connection_info


def _arguments(command: Sequence[str]) -> list[str] | None:
    """Return what IPython's kernel is given by a command; None where that runs something else."""
    program, *rest = command
    while rest and rest[0] in _FLAGS:
        del rest[0]
    ours = Path(program) == Path(sys.executable) and rest[:2] == _LAUNCHER
    return rest[2:] if ours else None
