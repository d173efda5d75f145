"""The guard of a notebook that is tried out: in a process of its own, since an audit hook cannot be taken away."""

import subprocess
import sys

import pytest

BEGIN = """
import os, shutil, socket, sqlite3, subprocess, sys, tempfile
from pathlib import Path
from prism_lab.guard import OutsideProgram, OutsideWrite, watch
inside, outside = Path(sys.argv[1], "inside"), Path(sys.argv[1], "outside")
refused = watch([str(inside), "/dev/null"])
"""
END = "\nprint(*(os.path.relpath(p, sys.argv[1]) for p in refused.writes), *refused.programs)"


@pytest.fixture
def guarded(tmp_path):
    """Run code under the guard; what it printed comes back: the paths that were refused."""
    for name in ("inside", "outside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old.txt").write_text("old")
    (tmp_path / "inside" / "way_out").symlink_to(tmp_path / "outside")

    def run(code):
        command = [sys.executable, "-c", BEGIN + code + END, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.mark.parametrize(
    "act",
    [
        "open(there, 'w')",
        "open(there, 'r+')",
        "open(there, 'a')",
        "open(str(there).encode(), 'xb')",
        "os.open(there, os.O_WRONLY | os.O_CREAT)",
        "there.write_text('new')",
        "there.mkdir()",
        "there.touch()",
        "there.symlink_to(inside)",
        "os.link(inside / 'old.txt', there)",
        "os.mkfifo(there)",
        "os.mkfifo('new.txt', dir_fd=os.open(outside, os.O_RDONLY))",
        "os.mknod(there)",
        "__import__('posix').mkfifo(there)",
        "socket.socket(socket.AF_UNIX).bind(str(there))",
        "os.rename(inside / 'old.txt', there)",
        "shutil.copy(inside / 'old.txt', there)",
        "sqlite3.connect(there)",
        "sqlite3.connect(f'file:{there}', uri=True)",
        "os.truncate(there, 0)",
        "os.chmod(there, 0o777)",
        "os.chown(there, 0, 0)",
        "os.utime(there)",
        "os.setxattr(there, 'user.a', b'b')",
        "os.remove(there)",
        "os.rmdir(there)",
    ],
)
def test_every_way_to_write_outside_is_prevented_and_noted(guarded, tmp_path, act):
    said = guarded(
        f"there = outside / 'new.txt'\ntry:\n    {act}\nexcept OutsideWrite as error:\n    assert error.args[0]\n"
    )
    assert said == "outside/new.txt"
    assert sorted(p.name for p in (tmp_path / "outside").iterdir()) == ["old.txt"]


def test_what_python_would_run_later_may_not_be_written_outside(guarded, tmp_path):
    code = "there = outside / '__pycache__'\ntry:\n    there.mkdir()\nexcept OutsideWrite:\n    pass\n"
    assert guarded(code) == "outside/__pycache__"
    assert not (tmp_path / "outside" / "__pycache__").exists()


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("subprocess.run(['touch', 'a b'])", "touch 'a b'"),
        ("subprocess.Popen('touch x; true', shell=True)", "touch x; true"),
        ("os.system('touch x')", "touch x"),
        ("os.popen('touch x')", "touch x"),
        ("os.posix_spawn('/bin/touch', ['touch', 'x'], {})", "touch x"),
        ("os.execv('/bin/touch', ['touch', 'x'])", "touch x"),
        ("os.spawnv(os.P_WAIT, '/bin/touch', ['touch', 'x'])", "another process"),
        ("os.fork()", "another process"),
        ("os.forkpty()", "another process"),
        ("__import__('pty').spawn('touch')", "touch"),
        ("__import__('multiprocessing').get_context('fork').Process().start()", "another process"),
        ("__import__('multiprocessing').get_context('spawn').Process().start()", sys.executable),
    ],
)
def test_every_way_to_start_a_program_is_prevented_and_noted(guarded, tmp_path, act, said):
    code = f"os.chdir(inside)\ntry:\n    {act}\nexcept OutsideProgram as error:\n    assert error.args[0]\n"
    assert guarded(code).startswith(said)
    assert sorted(p.name for p in (tmp_path / "inside").iterdir()) == ["old.txt", "way_out"]


def test_libraries_may_ask_the_system_about_itself(guarded):
    code = "import ctypes.util, platform, uuid\ntempfile.tempdir = str(inside)\n"
    assert (
        guarded(f"{code}platform.platform(), platform.processor(), ctypes.util.find_library('c'), uuid.getnode()") == ""
    )


@pytest.mark.parametrize("way", ["inside / '..' / 'outside' / 'a'", "inside / 'way_out' / 'a'"])
def test_no_detour_leads_out(guarded, tmp_path, way):
    assert guarded(f"try:\n    open({way}, 'w')\nexcept OutsideWrite:\n    pass\n") == "outside/a"
    assert not (tmp_path / "outside" / "a").exists()


def test_what_lies_inside_may_be_written_and_everything_may_be_read(guarded):
    code = """
(inside / "new.txt").write_text((outside / "old.txt").read_text())
(inside / "deep" / "er").mkdir(parents=True)
shutil.move(inside / "new.txt", inside / "deep" / "moved.txt")
shutil.rmtree(inside / "deep")
sqlite3.connect(inside / "a.sqlite").close()
sqlite3.connect(":memory:").close()
for address in (outside / "old.txt", f"file:{outside}/old.txt?mode=ro", "file:x?mode=memory"):
    sqlite3.connect(address, uri=str(address).startswith("file:")).close()
outside.mkdir(exist_ok=True)
os.mkfifo(inside / "pipe")
socket.socket(socket.AF_UNIX).bind("\\0of no file")
tempfile.tempdir = str(inside)
with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as file:
    Path(folder, "a").touch()
    os.fdopen(os.dup(file.fileno()), "wb").close()
    here = os.open(folder, os.O_RDONLY)
    os.remove("a", dir_fd=here)
    os.close(here)
"""
    assert guarded(code) == ""


def test_a_library_that_tries_while_it_is_imported_is_prevented_and_not_noted(guarded, tmp_path):
    tries = "try:\n    (Path(__file__).parent.parent / 'outside' / 'a').touch()\nexcept OSError:\n    pass"
    code = f"from pathlib import Path\n{tries}"
    (tmp_path / "inside" / "settles.py").write_text(code)
    assert guarded("sys.path.insert(0, str(inside))\nimport settles\n") == ""
    assert not (tmp_path / "outside" / "a").exists()
