"""The doctor looks at this very machine, and tells what is missing when something is."""

import importlib.metadata
import os
import shutil
import socket
import sys

import pytest

import prism_kernels
from prism_lab import doctor
from prism_lab.doctor import Finding, examine, healthy
from prism_lab.warmup import warm_up


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("PRISM_STORE", str(tmp_path / "s.sqlite"))


def _named(findings):
    return {one.name: one for one in findings}


def test_every_finding_of_this_machine_is_true(store):
    found = _named(examine())
    assert healthy(list(found.values()))
    assert sys.executable in found["Python"].detail
    for package in ("numpy", "pandas", "numba"):
        assert f"{package} {importlib.metadata.version(package)}" in found["extra base"].detail
    count = sum(name.startswith("timeseries.") for name in prism_kernels.operations())
    assert found["operations of timeseries"].detail == f"{count} from prism_kernels.timeseries"
    assert (found["GPU"].state == "ok") == (shutil.which("nvidia-smi") is not None)
    assert all((one.state == "ok") == (one.remedy == "") for one in found.values())


def test_a_taken_port_is_named_with_the_way_out(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(doctor, "_PORTS", {port: "the lab"})
        (found,) = doctor._ports()
    assert (found.name, found.state) == (f"port {port}", "missing")
    assert f"--port {port + 1}" in found.remedy
    (found,) = doctor._ports()
    assert found.state == "ok"


def test_what_is_not_installed_is_named_with_the_way_to_get_it():
    found = doctor._packages("gpu", ("numpy", "no_such_package"), "pip install it", "missing")
    assert found == Finding(name="extra gpu", state="missing", detail="no no_such_package", remedy="pip install it")


def test_a_library_without_a_device_says_why():
    found = doctor._cuda("json", "json", "False", "buy one")
    assert (found.state, found.detail, found.remedy) == ("missing", "it sees no device", "buy one")
    found = doctor._cuda("json", "json", "json.nothing", "buy one")
    assert "AttributeError" in found.detail
    assert doctor._cuda("json", "json", "True", "").state == "ok"


def test_operations_that_cannot_be_loaded_are_broken(monkeypatch):
    entry = importlib.metadata.EntryPoint("bad", "no_such_module", "prism.operations")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry])
    (found,) = doctor._operations()
    assert (found.name, found.state) == ("operations of bad", "broken")
    assert "no_such_module" in found.detail


def test_a_look_that_fails_does_not_hide_the_others(monkeypatch, tmp_path):
    monkeypatch.setenv("PRISM_STORE", str(tmp_path / "s.sqlite"))
    (tmp_path / "s.sqlite").write_text("no database, but long enough to be told from an empty one" * 20)
    found = _named(examine())
    assert found["folders"].state == "broken"
    assert "cannot be used" in found["folders"].detail
    assert "set PRISM_STORE to a file that can be written" in found["folders"].detail
    assert "reinstall" not in found["folders"].remedy
    assert found["Python"].state == "ok"
    assert not healthy(list(found.values()))


def test_a_warm_up_compiles_all_kernels_and_the_next_one_none(monkeypatch, tmp_path):
    from prism_kernels import lanes

    names = {f"{k.function.__module__}.{k.function.__qualname__}" for k in lanes.all_kernels()}
    monkeypatch.setenv("PRISM_LANE_CACHE", str(tmp_path / "empty"))
    (found,) = doctor._kernels()
    assert (found.state, found.remedy) == ("missing", "prism warmup")
    assert found.detail.startswith(f"0 of {len(names)} in {tmp_path}")
    monkeypatch.delenv("PRISM_LANE_CACHE")
    warm_up()
    (found,) = doctor._kernels()
    assert found.detail.startswith(f"{len(names)} of {len(names)} in")
    again = warm_up()
    assert again.compiled == ()
    assert set(again.cached) == names
    assert again.folder == str(lanes.cache_folder())
    assert len([f for f in os.listdir(again.folder) if f.endswith(".nbi")]) >= len(names)  # noqa: PTH208
