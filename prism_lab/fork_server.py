"""A process that has loaded what dashboards need, and becomes kernels by forking.

A kernel that is forked is there at once, where one that is started loads libraries for two seconds, and it shares their
memory with all others. Started by ``python -m prism_lab.fork_server FD``: orders come over that socket as lines of
JSON, and the new kernel itself answers with its process id. When the other end closes, this process ends, and its
kernels, which watch for that, end too.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

_LIBRARIES = (
    *("IPython.extensions.storemagic", "ipykernel.debugger", "ipykernel.kernelapp"),
    *("bokeh.plotting", "bokeh.transform", "jupyter_bokeh", "linkify_it", "markdown", "mdit_py_plugins.tasklists"),
    *("array_api_compat.numpy", "cloudpickle", "daqp", "pandas", "scipy.linalg", "threadpoolctl"),
)  # what a kernel or a component loads when it is first used
NAME = "ipykernel"
"""What the system's lists of processes call a kernel that was forked."""

_OURS = ("prism_kernels", "prism_widgets")


def main(descriptor: int) -> None:
    """Fork a kernel at each order; return in the fork, where the kernel has ended, and when no more orders come.

    Parameters
    ----------
    descriptor
        Of the socket.
    """
    with contextlib.suppress(ValueError):
        sys.path.remove(str(Path.cwd()))  # as a kernel's launcher does
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries kernels that end
    for line in open(descriptor, "rb", closefd=False):  # noqa: SIM115 - whoever forks closes it
        parent = os.getpid()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # BLAS takes care of its threads
            child = os.fork()
        if child == 0:
            _become_kernel(json.loads(line), descriptor, parent)
            return


def _load() -> None:
    """Load libraries and compiled kernels, which start no threads, and keep the collector off their memory."""
    from prism_kernels import lanes

    for package in map(importlib.import_module, _OURS):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            with contextlib.suppress(ImportError):  # what is for a library that is not installed
                importlib.import_module(module.name)
    for name in _LIBRARIES:
        importlib.import_module(name)
    for kernel in lanes.all_kernels():
        if kernel.cached():
            kernel.compiled()
    gc.collect()
    gc.freeze()


def _become_kernel(order: dict[str, Any], descriptor: int, parent: int) -> None:
    """Be a kernel that was started with this order, until it ends."""
    import numpy as np
    from ipykernel import kernelapp

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order["environment"], JPY_PARENT_PID=str(parent))
    Path("/proc/self/comm").write_text(NAME)
    os.setsid()  # a group of its own, to which signals go
    try:
        os.chdir(order["folder"])
        answer: dict[str, Any] = {"pid": os.getpid()}
    except OSError as error:
        answer = {"error": str(error)}
    os.write(descriptor, json.dumps(answer).encode() + b"\n")
    os.close(descriptor)
    if "error" in answer:
        return
    np.random.seed()  # noqa: NPY002 - the one generator that forks would share
    watching = f"--IPKernelApp.parent_handle={parent}"  # whose default was read when the class was loaded
    sys.argv = ["ipykernel_launcher", *order["arguments"], watching]
    kernelapp.launch_new_instance()


if __name__ == "__main__":
    main(int(sys.argv[1]))
