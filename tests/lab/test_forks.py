"""Kernels that are forked: like those that are started, but there at once; and what happens where that fails."""

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from jupyter_client.multikernelmanager import AsyncMultiKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from traitlets.config import Config

from prism_lab import forks
from prism_lab.fork_server import NAME
from prism_lab.forks import Forked, ForkServer
from prism_lab.reaper import BORN_FOR_VIEWERS

pytestmark = pytest.mark.skipif(not forks.POSSIBLE, reason="this system does not fork, or not tell of forks that end")

ENVIRONMENT = {**os.environ, BORN_FOR_VIEWERS: "False", "PANEL_CDN_ROOT": "/prism/cdn/"}


class Kernels(AsyncMultiKernelManager):
    """A kernel manager with a process to fork, of which tests ask what a kernel says."""

    def __init__(self, folder):
        settings = {"default_provisioner_name": "prism-fork"}
        super().__init__(connection_dir=str(folder), config=Config({"KernelProvisionerFactory": settings}))
        self.forks = ForkServer(ENVIRONMENT)

    async def begin(self, folder, **environment):
        name = await self.start_kernel(cwd=str(folder), env={**ENVIRONMENT, **environment})
        client = self.get_kernel(name).client()
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        return name, client

    def pid(self, name):
        return self.get_kernel(name).provisioner.pid


@pytest.fixture(autouse=True)
def fresh_factory():
    KernelProvisionerFactory.clear_instance()
    yield
    KernelProvisionerFactory.clear_instance()


@pytest.fixture
async def kernels(tmp_path_factory):
    manager = Kernels(tmp_path_factory.mktemp("connections"))
    manager.forks.start()
    yield manager
    await manager.shutdown_all(now=True)
    manager.forks.close()


async def said(client, code):
    """Return what a kernel prints."""
    texts = []
    await client.execute_interactive(
        code, timeout=60, output_hook=lambda m: texts.append(m["content"].get("text", m["content"].get("ename", "")))
    )
    return "".join(texts)


def forked(pid):
    return psutil.Process(pid).name() == NAME


def ended(*pids, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE for p in pids):
            return True
        time.sleep(0.05)
    return False


async def test_a_forked_kernel_is_itself_and_has_what_dashboards_need(kernels, tmp_path):
    name, client = await kernels.begin(tmp_path, QUERY_STRING="a=1")
    assert forked(kernels.pid(name))
    about = kernels.get_kernel(name).get_connection_info()
    ports = {about[f"{channel}_port"] for channel in ("shell", "iopub", "stdin", "hb", "control")}
    assert len(ports & set(range(20_000, 32_000))) == 5  # which no system hands out by itself
    told = await said(
        client,
        "import json, os, sys\n"
        "print(json.dumps([os.getpid(), os.getcwd(), os.environ['QUERY_STRING'], os.environ['PANEL_CDN_ROOT'], "
        "'prism_widgets.forecast_explorer' in sys.modules, __name__]))",
    )
    assert json.loads(told) == [kernels.pid(name), str(tmp_path), "a=1", "/prism/cdn/", True, "__main__"]
    assert "ZeroDivisionError" in await said(client, "1 / 0")
    ran = await said(client, "import subprocess, sys; print(subprocess.run(['sh', '-c', 'exit 3']).returncode)")
    assert ran.strip() == "3"  # a kernel waits for its own children
    server = psutil.Process(kernels.forks._process.pid)
    orders = str(Path(f"/proc/{server.pid}/fd/{server.cmdline()[-1]}").readlink())
    held = await said(
        client,
        "from pathlib import Path\nfds = Path('/proc/self/fd').iterdir()\n"
        "print([str(f.readlink()) for f in fds if f.is_symlink()])",
    )
    assert "socket:" in held
    assert orders not in held  # what it is told is not for kernels
    client.stop_channels()


async def test_two_forked_kernels_share_libraries_and_neither_names_nor_chance(kernels, tmp_path):
    one, its = await kernels.begin(tmp_path)
    other, others = await kernels.begin(tmp_path)
    code = "import random, numpy as np; print(random.random(), np.random.rand(), np.random.default_rng().random())"
    first, second = await said(its, code), await said(others, code)
    assert all(a != b for a, b in zip(first.split(), second.split(), strict=True))
    await said(its, "import prism_kernels; prism_kernels.changed = 1")
    assert (await said(others, "import prism_kernels; print(hasattr(prism_kernels, 'changed'))")).strip() == "False"
    alone = [psutil.Process(kernels.pid(name)).memory_full_info().uss for name in (one, other)]
    assert max(alone) < 70e6  # bytes; one that loads all this by itself holds twice as much
    for client in (its, others):
        client.stop_channels()


async def test_a_forked_kernel_is_interrupted_restarted_and_ended_as_any_other(kernels, tmp_path):
    name, client = await kernels.begin(tmp_path)
    first = kernels.pid(name)
    sleeping = asyncio.create_task(said(client, "print('on', flush=True)\nimport time\ntime.sleep(60)"))
    await asyncio.sleep(1)
    await kernels.interrupt_kernel(name)
    assert "KeyboardInterrupt" in await asyncio.wait_for(sleeping, 20)
    await kernels.restart_kernel(name, now=True)
    await client.wait_for_ready(timeout=60)
    second = kernels.pid(name)
    assert second != first
    assert forked(second)
    assert ended(first)
    assert await kernels.is_alive(name)
    client.stop_channels()
    await kernels.shutdown_kernel(name)
    assert ended(second)


async def test_a_forked_kernel_that_dies_is_replaced(kernels, tmp_path):
    name, client = await kernels.begin(tmp_path)
    client.stop_channels()
    first = kernels.pid(name)
    os.kill(first, signal.SIGKILL)
    until = time.monotonic() + 20
    while kernels.pid(name) == first and time.monotonic() < until:
        await asyncio.sleep(0.1)
    assert kernels.pid(name) != first
    assert forked(kernels.pid(name))
    client = kernels.get_kernel(name).client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    client.stop_channels()


@pytest.mark.parametrize(
    ("variables", "same"),
    [
        ({}, True),
        (
            {"QUERY_STRING": "a=1", "HTTP_X_PRISM_VIEWER": "Ada", BORN_FOR_VIEWERS: "True"},
            True,
        ),
        ({"NUMBA_NUM_THREADS": "1"}, False),
        ({"PANEL_CDN_ROOT": "/elsewhere/"}, False),
        ({"MY_OWN": "1"}, False),
    ],
)
def test_only_what_tells_of_a_visit_may_differ_from_what_libraries_saw(variables, same):
    assert ForkServer(ENVIRONMENT).serves({**ENVIRONMENT, **variables}) is same
    for needed in ("PANEL_CDN_ROOT", BORN_FOR_VIEWERS):  # an analyst's own kernel has not the latter
        assert not ForkServer(ENVIRONMENT).serves({k: v for k, v in ENVIRONMENT.items() if k != needed})


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ([sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "k.json"], ["-f", "k.json"]),
        ([sys.executable, "-m", "ipykernel_launcher", "-f", "k.json"], ["-f", "k.json"]),
        ([sys.executable, "-Xdev", "-m", "ipykernel_launcher", "-f", "k.json"], None),
        ([sys.executable, "fence.py", "/tmp", "--", sys.executable, "-m", "ipykernel_launcher"], None),
        (["/usr/bin/R", "-m", "ipykernel_launcher"], None),
        ([sys.executable, "-m", "xeus", "-f", "k.json"], None),
    ],
)
def test_only_this_pythons_own_kernel_is_forked(command, arguments):
    assert forks._arguments(command) == arguments


async def test_a_kernel_whose_libraries_may_see_another_environment_is_started(kernels, tmp_path):
    name, client = await kernels.begin(tmp_path, MY_OWN="1")
    assert not forked(kernels.pid(name))
    assert (await said(client, "import os; print(os.environ['MY_OWN'])")).strip() == "1"
    path = "import sys; print(sys.path)"
    _, other = await kernels.begin(tmp_path)
    assert await said(client, path) == await said(other, path)
    other.stop_channels()
    client.stop_channels()


async def test_the_first_kernel_is_started_where_nothing_was_loaded_early_and_the_next_is_forked(tmp_path):
    manager = Kernels(tmp_path)
    try:
        first, one = await manager.begin(tmp_path)
        second, other = await manager.begin(tmp_path)
        assert [forked(manager.pid(name)) for name in (first, second)] == [False, True]
        one.stop_channels()
        other.stop_channels()
    finally:
        await manager.shutdown_all(now=True)
        manager.forks.close()


async def test_a_forking_process_that_was_killed_takes_its_kernels_along_and_is_replaced(kernels, tmp_path):
    name, client = await kernels.begin(tmp_path)
    client.stop_channels()
    kernels.forks._process.kill()
    assert ended(kernels.pid(name))
    started = await kernels.forks.fork(["-f", "never.json"], ENVIRONMENT, str(tmp_path / "absent"))
    assert started is None  # there is no such folder, and the process is not lost by it
    name, client = await kernels.begin(tmp_path)
    assert forked(kernels.pid(name))
    client.stop_channels()


async def test_an_order_whose_sender_gave_up_is_not_taken_for_the_next(kernels, tmp_path):
    connection = tmp_path / "kernel.json"
    order = (["-f", str(connection)], ENVIRONMENT, str(tmp_path))
    waiting = asyncio.create_task(kernels.forks.fork(*order))
    await asyncio.sleep(0.05)  # it has been sent: the libraries are still being loaded
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    name, client = await kernels.begin(tmp_path)
    assert (await said(client, "import os; print(os.getpid())")).strip() == str(kernels.pid(name))
    family = psutil.Process(kernels.forks._process.pid).children()
    assert ended(*(p.pid for p in family if p.pid != kernels.pid(name)))
    client.stop_channels()


async def test_a_kernel_is_started_where_none_is_forked_in_time(kernels, tmp_path, monkeypatch):
    monkeypatch.setattr(forks, "_PATIENCE", 0.05)
    assert await kernels.forks.fork(["-f", str(tmp_path / "kernel.json")], ENVIRONMENT, str(tmp_path)) is None
    name, client = await kernels.begin(tmp_path)
    assert not forked(kernels.pid(name))
    client.stop_channels()
    async with kernels.forks._turn:  # by now what was ordered has been forked,
        pass
    await asyncio.sleep(1)
    assert psutil.Process(kernels.forks._process.pid).children() == []  # and ended


def test_a_server_with_many_open_files_learns_of_a_kernels_end_too():
    with subprocess.Popen(["sleep", "60"]) as process:
        kernel = Forked(process.pid)
        low, kernel._descriptor = kernel._descriptor, fcntl.fcntl(kernel._descriptor, fcntl.F_DUPFD, 1100)
        os.close(low)
        assert kernel.poll() is None
        kernel.kill()
        assert kernel.wait(20) == 0
        kernel.kill()  # it is gone


def test_what_was_forked_ends_with_the_server_even_when_that_is_killed(tmp_path):
    code = (
        "import asyncio, os, sys\nfrom prism_lab.forks import ForkServer\n"
        "async def main():\n"
        "    forks = ForkServer(os.environ)\n"
        f"    kernel = await forks.fork(['-f', {str(tmp_path / 'k.json')!r}], os.environ, '.')\n"
        "    print(kernel.pid, forks._process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        pids = [int(word) for word in server.stdout.readline().split()]
        until = time.monotonic() + 20
        while not (tmp_path / "k.json").exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert forked(pids[0])
        server.kill()
    assert ended(*pids)


def test_what_is_loaded_starts_no_thread_and_is_complete():
    code = (
        "import sys, threading\nfrom prism_lab import fork_server\nfork_server._load()\nbefore = set(sys.modules)\n"
        "import prism_widgets as pw\npw.ForecastExplorer('elnino', model='theta')\npw.FrontierExplorer()\n"
        "print(threading.active_count(), len(set(sys.modules) - before))\n"
        "print(*sorted({'torch', 'polars', 'statsmodels', 'distributed', 'matplotlib'} & before))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    counts, heavy = told.split("\n", 1)
    threads, loaded_later = map(int, counts.split())
    assert threads == 1
    assert loaded_later < 10
    assert heavy == "\n"
