"""The system's own fence around a notebook that is tried out: native code and started programs stay inside as well."""

import subprocess
import sys

import pytest

from prism_lab import landlock

pytestmark = pytest.mark.skipif(not landlock.available(), reason="this system has no Landlock of version 3")

BEGIN = """
import ctypes, os, subprocess, sys, threading
from pathlib import Path
inside, outside = Path(sys.argv[1], "inside"), Path(sys.argv[1], "outside")
"""


@pytest.fixture
def fenced(tmp_path):
    """Run code behind the fence; what it printed comes back."""
    for name in ("inside", "outside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old.txt").write_text("old")

    def run(code):
        command = [sys.executable, "-c", BEGIN + code, str(tmp_path)]
        given = landlock.fenced(command, [tmp_path / "inside", tmp_path / "not there"])
        done = subprocess.run(given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.mark.parametrize(
    "act",
    [
        "open(there, 'w')",
        "open(outside / 'old.txt', 'a').write('new')",
        "os.truncate(outside / 'old.txt', 0)",
        "os.mkfifo(there)",
        "there.mkdir()",
        "there.symlink_to(inside)",
        "os.rename(inside / 'old.txt', there)",
        "os.remove(outside / 'old.txt')",
        "ctypes.CDLL(None).creat(str(there).encode(), 0o666)",
        "subprocess.run(['touch', there], stderr=subprocess.DEVNULL)",
        "os.system(f'(sleep 0; echo new > {there}) 2> /dev/null')",
        "__import__('polars').DataFrame({'a': [1]}).write_parquet(there)",
        "__import__('pyarrow.csv').csv.write_csv(__import__('pyarrow').table({'a': [1]}), str(there))",
    ],
)
def test_nothing_outside_is_changed_by_whoever_tries(fenced, tmp_path, act):
    fenced(f"there = outside / 'new.txt'\ntry:\n    {act}\nexcept OSError:\n    pass\n")
    assert [p.name for p in (tmp_path / "outside").iterdir()] == ["old.txt"]
    assert (tmp_path / "outside" / "old.txt").read_text() == "old"


def test_threads_are_fenced_too(fenced, tmp_path):
    fenced("one = threading.Thread(target=lambda: (outside / 'new.txt').touch())\none.start()\none.join()\n")
    assert not (tmp_path / "outside" / "new.txt").exists()


def test_inside_everything_may_be_written_and_outside_all_be_read(fenced, tmp_path):
    code = """
(inside / "new.txt").write_text((outside / "old.txt").read_text())
(inside / "deep").mkdir()
(inside / "new.txt").rename(inside / "deep" / "moved.txt")
subprocess.run(["truncate", "-s", "1", inside / "deep" / "moved.txt"], check=True)
open("/dev/null", "w").close()
__import__("multiprocessing").Lock()
print((inside / "deep" / "moved.txt").read_text(), len(Path("/etc/hostname").parent.name))
"""
    assert fenced(code) == "o 3"


def test_where_the_system_has_no_fence_the_command_stays_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setattr(landlock, "available", lambda: False)
    assert landlock.fenced(["python", "-c", "1"], [tmp_path]) == ["python", "-c", "1"]
