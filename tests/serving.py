"""Notebooks that tests write, and pages served by ``panel serve`` for those that look at them in a browser."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest


def write_notebook(path, *sources):
    """Write a notebook: the first source is text, the others are code."""
    kinds = ["markdown", *["code"] * (len(sources) - 1)]
    cells = [
        {"cell_type": kind, "id": f"c{i}", "metadata": {}, "source": source}
        | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        for i, (kind, source) in enumerate(zip(kinds, sources, strict=True))
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook))
    return path


@contextmanager
def served(script):
    """Serve a script or notebook as a page while the block lasts; give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", str(script), "--port", str(port), "--address", "127.0.0.1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/{script.stem}"
    try:
        _answering(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def _answering(url, server):
    for _ in range(600):
        if server.poll() is not None:
            pytest.fail(f"panel serve ended with {server.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                answer.read()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("panel serve did not answer")
