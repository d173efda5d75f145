"""Starting and stopping: what is refused, what is said, what is left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from prism_kernels.errors import InvalidInput
from prism_lab import launch
from prism_lab.child import running
from prism_lab.ports import unused_port


def run(*arguments, **variables):
    command = [sys.executable, "-m", "prism_lab", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **variables}, check=False
    )


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("server", ["lab", "voila", "panel"])
def test_a_taken_port_is_one_sentence_with_the_way_out_and_status_2(server, taken, workplace):
    folder = workplace if server == "lab" else workplace / "dashboards"
    ended = run(server, f"--port={taken}", f"--folder={folder}", "--no-browser")
    assert ended.returncode == 2
    assert ended.stdout == ""
    sentence = (
        f"port {taken} on 127.0.0.1 cannot be used (Address already in use); choose another with --port {taken + 1}"
    )
    assert ended.stderr == sentence + "\n"


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_cannot_be_is_refused(port, tmp_path):
    with pytest.raises(InvalidInput, match=f"port must be between 1 and 65535, and is {port}"):
        launch.lab(port=port, notebook_dir=tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"notebook_dir .*gone is not a folder; name one that exists"):
        launch.lab(port=unused_port(), notebook_dir=tmp_path / "gone")
    with pytest.raises(InvalidInput, match=r"dashboards .*gone is not a folder"):
        launch.voila(port=unused_port(), dashboards=tmp_path / "gone")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that not even root can write")  # noqa: PTH112
def test_a_folder_that_cannot_be_written_is_one_sentence():
    ended = run("lab", f"--port={unused_port()}", "--folder=/proc", "--no-browser")
    assert ended.returncode == 2
    assert ended.stderr.startswith("notebook_dir /proc cannot be written (")
    assert ended.stderr.endswith("); choose another with --notebook-dir\n")
    assert ended.stderr.count("\n") == 1


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that not even root can write")  # noqa: PTH112
def test_a_runtime_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    ended = run("lab", f"--port={unused_port()}", f"--folder={tmp_path}", JUPYTER_RUNTIME_DIR="/proc/prism")
    assert ended.returncode == 2
    assert ended.stderr.startswith("Jupyter cannot write to /proc/prism (")
    assert ended.stderr.endswith("name another folder in JUPYTER_RUNTIME_DIR\n")


def test_panel_refuses_a_folder_without_notebooks(tmp_path):
    with pytest.raises(InvalidInput, match="holds no notebook to serve; name another folder"):
        launch.panel_serve(port=unused_port(), dashboards=tmp_path)


def _start_kernel(lab):
    """Start a kernel as JupyterLab does, and wait until it listens: until then it has no handler for signals."""
    headers = {"Authorization": f"token {lab.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{lab.address}/api/kernels", data=b"{}", headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60):
        pass
    (pid,) = lab.kernels()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if sum(c.status == psutil.CONN_LISTEN for c in psutil.Process(pid).net_connections()) >= 5:
            return
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_lab_leaves_no_process_and_a_second_start_takes_the_same_port(tmp_path, number):
    port = unused_port()
    with running("lab", tmp_path, f"--port={port}") as lab:
        assert len(lab.token) == 48
        assert lab.address == f"http://127.0.0.1:{port}"
        _start_kernel(lab)
        family = [psutil.Process(lab.process.pid), *psutil.Process(lab.process.pid).children(recursive=True)]
        assert len(lab.kernels()) == 1
        lab.process.send_signal(number)
        lab.process.wait(timeout=20)
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
        assert "Traceback" not in "".join(lab.lines), "".join(lab.lines)
    if number == signal.SIGTERM:
        return
    before = time.monotonic()
    with running("lab", tmp_path, f"--port={port}"):
        assert time.monotonic() - before < 60  # the target, 10 s on an idle machine, is measured by the benchmark


def test_a_stopped_voila_ends_its_pool(workplace):
    with running("voila", workplace / "dashboards", "--token=known") as server:
        assert server.token == "known"
        until = time.monotonic() + 60
        while len(server.kernels()) < 2 and time.monotonic() < until:
            time.sleep(0.2)
        family = [psutil.Process(pid) for pid in server.kernels()]
        assert len(family) == 2  # as good.yaml asks
        server.process.terminate()
        server.process.wait(timeout=20)
        assert psutil.wait_procs(family, timeout=5)[1] == []


def test_a_lab_away_from_any_dashboards_shows_those_of_prism(tmp_path, workplace):
    with running("lab", tmp_path, environment={"PRISM_DASHBOARDS": str(workplace / "dashboards")}) as lab:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(lab.url("prism/"), timeout=30) as answer:
            assert b'href="/prism/render/good.ipynb"' in answer.read()
        with opener.open(lab.url("prism/render/good.ipynb"), timeout=60) as answer:
            assert b"42" in answer.read()


def test_a_server_that_does_not_start_says_what_it_said(workplace, taken):
    with (
        pytest.raises(RuntimeError, match=f"did not start:\nport {taken} on"),
        running("lab", workplace, f"--port={taken}"),
    ):
        pass
