"""A look at the machine: what PRISM finds, what is missing, and how to get it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prism_kernels.errors import PrismError

__all__ = ["Finding", "examine", "healthy"]

_PYTHON = (3, 11)
_LAB = ("jupyterlab", "voila", "panel", "bokeh", "jupyter_bokeh", "ipywidgets", "papermill", "nbconvert", "typer")
_BASE = ("numpy", "scipy", "numba", "pandas", "statsmodels", "pydantic")
_PORTS = {8888: "the lab", 8866: "dashboards"}
_ROOM_BYTES = 200 * 2**20
_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    name
        What was looked at.
    state
        ``ok``, ``missing`` (PRISM works without it) or ``broken`` (it does not).
    detail
        What was found.
    remedy
        What to do about it; empty when it is ok.
    """

    name: str
    state: str
    detail: str
    remedy: str = ""


def healthy(findings: list[Finding]) -> bool:
    """Tell whether nothing that PRISM needs is broken."""
    return all(one.state != "broken" for one in findings)


def examine() -> list[Finding]:
    """Look at versions, libraries, operations, compiled kernels, GPU, folders, ports and browser."""
    found: list[Finding] = []
    for name, look in _LOOKS.items():
        try:
            found += look()
        except PrismError as error:  # says itself what to do
            found.append(Finding(name=name, state="broken", detail=str(error)))
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            found.append(Finding(name=name, state="broken", detail=told, remedy="reinstall prism-lab"))
    return found


def _versions() -> Iterator[Finding]:
    here = platform.python_version()
    fine = sys.version_info >= _PYTHON
    yield Finding(
        name="Python",
        state="ok" if fine else "broken",
        detail=f"{here} at {sys.executable}",
        remedy="" if fine else f"install Python {'.'.join(map(str, _PYTHON))} or newer",
    )
    yield Finding(name="prism-lab", state="ok", detail=importlib.metadata.version("prism-lab"))
    yield Finding(
        name="processor",
        state="ok",
        detail=f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores for this process",
    )


def _libraries() -> Iterator[Finding]:
    yield _packages("base", _BASE, "pip install prism-lab", "broken")
    yield _packages("lab", _LAB, "pip install 'prism-lab[lab]'", "broken")
    yield _packages("torch", ("torch",), "pip install 'prism-lab[torch]' (for the models gru and lstm)", "missing")


def _packages(name: str, packages: tuple[str, ...], remedy: str, otherwise: str) -> Finding:
    there = {p: _version(p) for p in packages}
    absent = [p for p, v in there.items() if v is None]
    if absent:
        return Finding(name=f"extra {name}", state=otherwise, detail=f"no {', '.join(absent)}", remedy=remedy)
    return Finding(name=f"extra {name}", state="ok", detail=", ".join(f"{p} {v}" for p, v in there.items()))


def _version(package: str) -> str | None:
    if importlib.util.find_spec(package) is None:
        return None
    for name in (package, package.replace("_", "-")):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "?"


def _operations() -> Iterator[Finding]:
    for entry in importlib.metadata.entry_points(group="prism.operations"):
        name = f"operations of {entry.name}"
        try:
            importlib.import_module(entry.module)
        except Exception as error:
            told = f"{entry.value} cannot be loaded: {error}"
            yield Finding(
                name=f"operations of {entry.name}", state="broken", detail=told, remedy=f"reinstall {entry.module}"
            )
            continue
        from prism_kernels import operations

        count = sum(name.startswith(f"{entry.name}.") for name in operations())
        yield Finding(name=name, state="ok", detail=f"{count} from {entry.module}")


def _kernels() -> Iterator[Finding]:
    from prism_kernels.lanes import all_kernels, cache_folder

    kernels = all_kernels()
    ready = sum(kernel.cached() for kernel in kernels)
    name, detail = "compiled kernels", f"{ready} of {len(kernels)} in {cache_folder()}"
    if ready < len(kernels):
        yield Finding(name=name, state="missing", detail=f"{detail}; the first call waits", remedy="prism warmup")
    else:
        yield Finding(name=name, state="ok", detail=detail)


def _gpu() -> Iterator[Finding]:
    cards = _nvidia()
    if not cards:
        remedy = "none is needed; for one, install the NVIDIA driver, then pip install 'prism-lab[gpu]'"
        yield Finding(name="GPU", state="missing", detail="no NVIDIA GPU that nvidia-smi knows of", remedy=remedy)
        return
    yield Finding(name="GPU", state="ok", detail="; ".join(cards))
    yield _cuda("torch", "torch", "torch.cuda.is_available()", "a torch wheel with CUDA, see pytorch.org")
    yield _cuda("CuPy", "cupy", "cupy.cuda.is_available()", "pip install 'prism-lab[gpu]'")
    yield _cuda(
        "numba-cuda", "numba_cuda", "__import__('numba.cuda').cuda.is_available()", "pip install 'prism-lab[gpu]'"
    )


def _nvidia() -> list[str]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    fields = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run([tool, *fields], capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in said.stdout.splitlines() if line.strip()]


def _cuda(name: str, package: str, question: str, remedy: str) -> Finding:
    """Ask a library in a process of its own: a broken driver can end the one that asks."""
    if importlib.util.find_spec(package) is None:
        return Finding(name=f"{name} on the GPU", state="missing", detail=f"{package} is not installed", remedy=remedy)
    code = f"import {package}; print(bool({question}))"
    try:
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return Finding(name=f"{name} on the GPU", state="missing", detail="gave no answer in a minute", remedy=remedy)
    if said.stdout.strip() == "True":
        return Finding(name=f"{name} on the GPU", state="ok", detail=f"{package} {_version(package)} sees it")
    why = said.stderr.strip().splitlines()[-1:] or ["it sees no device"]
    return Finding(name=f"{name} on the GPU", state="missing", detail=why[0], remedy=remedy)


def _folders() -> Iterator[Finding]:
    from prism_lab.store import STORE, Store, store_path

    Store().runs(limit=1)
    yield Finding(name="history of reports", state="ok", detail=f"{store_path()} ({STORE} names another)")
    place = Path(tempfile.gettempdir())
    free = shutil.disk_usage(place).free
    enough = free > _ROOM_BYTES and os.access(place, os.W_OK)
    yield Finding(
        name="temporary files",
        state="ok" if enough else "broken",
        detail=f"{place}, {free / 2**30:.1f} GiB free",
        remedy="" if enough else "free some space there, or set TMPDIR to another folder",
    )


def _ports() -> Iterator[Finding]:
    for port, use in _PORTS.items():
        with socket.socket() as probe:
            probe.settimeout(1)
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        name = f"port {port}"
        if taken:
            remedy = f"end what listens there, or choose another: --port {port + 1}"
            yield Finding(name=name, state="missing", detail=f"taken; {use} would use it", remedy=remedy)
        else:
            yield Finding(name=name, state="ok", detail=f"free for {use}")


def _browser() -> Iterator[Finding]:
    names = ("chromium", "chromium-browser", "google-chrome", "firefox", "safari", "xdg-open", "open")
    there = next((n for n in names if shutil.which(n)), None)
    if there:
        yield Finding(name="browser", state="ok", detail=there)
    else:
        remedy = "prism lab --no-browser, and open the address it prints elsewhere"
        yield Finding(name="browser", state="missing", detail="none on this machine", remedy=remedy)


_LOOKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "versions": _versions,
    "libraries": _libraries,
    "operations": _operations,
    "compiled kernels": _kernels,
    "GPU": _gpu,
    "folders": _folders,
    "ports": _ports,
    "browser": _browser,
}
