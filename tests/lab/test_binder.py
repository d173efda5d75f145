"""Binder: the same lock, and any Jupyter server with its configuration file opens on the gallery."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import yaml

from prism_lab.ports import unused_port

ROOT = Path(__file__).parents[2]


def test_the_environment_has_no_versions_of_its_own():
    """Binder runs pip at the top of the repository: there ``-e`` counts from, while ``-c`` counts from its own file."""
    file = ROOT / "binder" / "requirements.txt"
    (_, lock), (_, project) = (line.split() for line in file.read_text().splitlines())
    assert (file.parent / lock).resolve() == ROOT / "lock.txt"
    assert (ROOT / project.removesuffix("[lab]")).resolve() == ROOT
    assert project.endswith("[lab]")


def test_a_plain_jupyterlab_with_binders_configuration_opens_on_the_gallery(tmp_path):
    port = unused_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.port={port}", "--allow-root"]
    command += [f"--config={ROOT / 'binder' / 'jupyter_server_config.py'}", "--IdentityProvider.token=letmein"]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "JUPYTER_TOKEN": ""})
    try:
        page = _page(f"http://127.0.0.1:{port}/?token=letmein", seconds=90)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    title = yaml.safe_load((ROOT / "dashboards" / "forecast.yaml").read_text())["title"]
    assert title in page, (tmp_path / "log").read_text()[-2000:]
    assert "voila/render/dashboards/forecast.ipynb" in page


def _page(address, seconds):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with opener.open(address, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.3)
    return ""
