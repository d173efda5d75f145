"""Where a notebook that is tried out lives: a home, caches and temporary files of its own, and no way to the real ones.

What it writes into its home is what it would write into the user's, and is found there afterwards. Other places are
kept from it by the system (:mod:`prism_lab.landlock`), or compared before and after where the system cannot.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import site
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path

from prism_kernels.data import data_folder
from prism_lab import landlock

__all__ = ["Quarantine"]

_RESTLESS = (
    *(".cache", ".mozilla", "chromium", "google-chrome", "Code", "Trash", "runtime", "workspaces", "logs"),
    *("*hist*", "*.log", "*.lock", "*.tmp", "*.sqlite*", "*.db-*"),
)  # what other programs of the user write all the time

Seen = dict[str, tuple[int, int]]


class Quarantine:
    """A scratch folder as the whole world of one kernel.

    Parameters
    ----------
    scratch
        An empty folder.
    notebook
        The notebook that is tried out.

    Attributes
    ----------
    work
        The kernel's working folder.
    fenced
        Whether the system keeps the kernel from writing elsewhere.
    """

    def __init__(self, scratch: Path, notebook: Path) -> None:
        self._scratch, self._notebook = scratch, notebook
        self.fenced = landlock.available()
        self.work, self._home, self._cache, self._temporary, self._ipython = (
            scratch / name for name in ("work", "home", "cache", "tmp", "ipython")
        )
        for folder in (self.work, self._home, self._cache, self._temporary, self._ipython):
            folder.mkdir()
        lanes = _lanes()
        self._lanes = scratch / "lanes"
        with contextlib.suppress(shutil.Error, FileNotFoundError):  # one that is being replaced is compiled anew
            shutil.copytree(lanes, self._lanes / lanes.name)
            (self._lanes / lanes.name).chmod(0o700)
        self._before = {} if self.fenced else self._look()

    def environment(self) -> dict[str, str]:
        """Return the variables that differ for the kernel."""
        own = {"HOME": self._home, "USERPROFILE": self._home, "IPYTHONDIR": self._ipython}
        for name, place in {"CONFIG": ".config", "DATA": ".local/share", "STATE": ".local/state"}.items():
            own[f"XDG_{name}_HOME"] = self._home / place
        for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
            own[name] = self._cache
        for name, place in {
            "MPLCONFIGDIR": "matplotlib",
            "NUMBA_CACHE_DIR": "numba",
            "CUDA_CACHE_PATH": "cuda",
        }.items():
            own[name] = self._cache / place
        for name in ("CONFIG", "DATA", "RUNTIME"):
            own[f"JUPYTER_{name}_DIR"] = self._ipython / "jupyter"
        own |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self._temporary)
        own["PRISM_LANE_CACHE"] = self._lanes
        own["PRISM_DATA"] = data_folder()  # to read; so are packages that were installed for this user
        own["PYTHONUSERBASE"] = Path(site.getuserbase())
        return {**{name: str(place) for name, place in own.items()}, "PYTHONDONTWRITEBYTECODE": "1"}

    def allowed(self) -> list[str]:
        """List where the notebook may write as far as Python sees it."""
        bookmarks = (
            self._ipython / "profile_default" / "db"
        )  # %store and %cd keep them; code that runs later lies beside
        places = (self.work, self._temporary, self._cache, self._lanes, bookmarks, self._ipython / "jupyter")
        return [*map(str, places), "/dev", "/proc/self"]

    def command(self, given: list[str]) -> list[str]:
        """Return the command that runs another one in here."""
        return landlock.fenced(given, [self._scratch])

    def told(self, place: str) -> str:
        """Write a path as the notebook's author knows it."""
        home = os.path.realpath(self._home)
        return f"~{place.removeprefix(home)}" if place.startswith(home + os.sep) else place

    def left(self) -> tuple[str, ...]:
        """Name the files that were left in the working folder."""
        return tuple(sorted(str(p.relative_to(self.work)) for p in self.work.rglob("*") if p.is_file()))

    def changed(self) -> list[str]:
        """Name what was written elsewhere: into the home, or where no fence stood."""
        home = sorted(p.relative_to(self._home).as_posix() for p in self._home.rglob("*") if not p.is_dir())
        after = {} if self.fenced else self._look()
        return [f"~/{path}" for path in home] + sorted(p for p, seen in after.items() if self._before.get(p) != seen)

    def _look(self) -> Seen:
        """Note what lies beside the notebook, in the folders beside its own, and in the dot folders of the home."""
        folder = self._notebook.parent
        found = {**_seen(folder, 2, 2000, _shown), **_seen(_lanes(), 1, 2000, _shown)}
        temporary = Path(tempfile.gettempdir()).resolve()
        if folder.parent.resolve() not in (temporary, Path(folder.anchor)):  # where everybody writes
            found |= _seen(folder.parent, 2, 2000, _shown)
        return found | _seen(Path.home(), 4, 20_000, _lasting)


def _lanes() -> Path:
    """Return this user's compiled kernels, which are code to whoever reads them."""
    from prism_kernels import lane_cache

    return lane_cache.folder()


def _shown(name: str, depth: int) -> bool:
    return not name.startswith(".") and name != "__pycache__"


def _lasting(name: str, depth: int) -> bool:
    return (depth > 1 or name.startswith(".")) and not any(fnmatch.fnmatch(name, pattern) for pattern in _RESTLESS)


def _seen(folder: Path, depth: int, most: int, counts: Callable[[str, int], bool]) -> Seen:
    """Return size and time of change of files, those higher up first."""
    found: dict[str, tuple[int, int]] = {}
    ahead: deque[tuple[str, int]] = deque([(str(folder), 1)])
    while ahead and len(found) < most:
        place, level = ahead.popleft()
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if not counts(entry.name, level):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    ahead.extend([(entry.path, level + 1)] if level < depth else [])
                else:
                    about = entry.stat(follow_symlinks=False)
                    found[entry.path] = (about.st_size, about.st_mtime_ns)
    return found
