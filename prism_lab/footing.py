"""What must hold before a server starts: a free port, folders that exist and can be written."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from prism_kernels.errors import InvalidInput

__all__ = ["existing", "free_port", "writable", "writable_runtime"]


def free_port(ip: str, port: int) -> None:
    """Refuse a port that is taken, before anything starts."""
    if not 1 <= port <= 65535:
        msg = f"port must be between 1 and 65535, and is {port}"
        raise InvalidInput(msg, field="port")
    with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what closed a moment ago is no obstacle
        try:
            probe.bind((ip, port))
        except OSError as error:
            msg = f"port {port} on {ip} cannot be used ({error.strerror}); choose another with --port {_other(port)}"
            raise InvalidInput(msg, field="port", where=str(port)) from error


def _other(port: int) -> int:
    return port + 1 if port < 65535 else port - 1


def existing(folder: Path, field: str) -> Path:
    """Return the full path of a folder, or refuse one that is not there; ``field`` is what the argument is called."""
    if not folder.is_dir():
        msg = f"{field} {folder} is not a folder; name one that exists"
        raise InvalidInput(msg, field=field, where=str(folder))
    return folder.resolve()


def writable(folder: Path, field: str, way_out: str) -> Path:
    """Return the full path of a folder, or refuse one that cannot be written, naming the option that leads out."""
    folder = existing(folder, field)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        msg = f"{field} {folder} cannot be written ({error.strerror}); choose another with {way_out}"
        raise InvalidInput(msg, field=field, where=str(folder)) from error
    return folder


def writable_runtime() -> None:
    """Refuse early where Jupyter could not keep its connection files."""
    from jupyter_core.paths import jupyter_runtime_dir

    folder = Path(jupyter_runtime_dir())
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        msg = f"Jupyter cannot write to {folder} ({error.strerror}); name another folder in JUPYTER_RUNTIME_DIR"
        raise InvalidInput(msg, field="JUPYTER_RUNTIME_DIR", where=str(folder)) from error
