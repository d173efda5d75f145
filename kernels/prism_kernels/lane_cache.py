"""Where compiled lane kernels are kept: per user, keyed by CPU (numba does that) and by the digest of their source.

The cache is pickle, so whoever can write it can run code as its reader: a folder that others may write is refused.
``PRISM_LANE_CACHE`` names another folder; one that belongs to root is read and never written, as images need it.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache

from prism_kernels.errors import PrismError

__all__ = ["cache_for", "folder", "holds"]


def folder() -> Path:
    """Return the folder of this user's compiled kernels for the installed numba."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    root = Path(os.environ.get("PRISM_LANE_CACHE") or Path(home) / "prism" / "lanes")
    return root / f"numba-{numba.__version__}"


def _trusted(path: Path) -> bool:
    info = path.stat()
    return info.st_uid in (0, os.getuid()) and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


class _Locator:
    """What numba asks: where a function's cache lies and what its source looked like."""

    def __init__(self, function: Callable[..., Any], source: str) -> None:
        self._function = function
        self._source = source

    @classmethod
    def from_function(cls, function: Callable[..., Any], source: str) -> _Locator:
        locator = cls(function, source)
        locator.ensure_cache_path()
        return locator

    def ensure_cache_path(self) -> None:
        path = folder()
        if not path.exists():
            try:
                path.mkdir(parents=True, exist_ok=True)
                path.chmod(0o700)
            except OSError as error:
                way = "set PRISM_LANE_CACHE to a folder that can be"
                msg = f"compiled kernels cannot be kept, for the folder {path} cannot be made ({error.strerror}); {way}"
                raise PrismError(msg) from error
        if not _trusted(path):
            way = "chmod go-w it, or set PRISM_LANE_CACHE to another folder"
            msg = f"{path} can be written by others, so compiled kernels are not read from it; {way}"
            raise PrismError(msg)

    def get_cache_path(self) -> str:
        return str(folder())

    def get_source_stamp(self) -> str:
        return hashlib.sha256(Path(self._source).read_bytes()).hexdigest()

    def get_disambiguator(self) -> str:
        return hashlib.sha256(self._function.__module__.encode()).hexdigest()[:10]


class _Impl(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Locator,)


class _Cache(FunctionCache):  # type: ignore[misc]
    _impl_class = _Impl

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self.writable = os.access(folder(), os.W_OK)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load without numba's registries: they take 0.2 s, only a compiler needs them, and it asks for them itself."""
        from numba.core.runtime import rtsys

        rtsys.initialize(target_context)  # the symbols that every kernel's wrapper is linked with
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        if self.writable:
            super().save_overload(sig, data)


def holds(function: Callable[..., Any], signature: tuple[Any, ...]) -> bool:
    """Tell whether the cache has a kernel's machine code for this CPU, without loading it.

    Parameters
    ----------
    function
        The kernel.
    signature
        numba's types of its arguments.
    """
    from numba.core.registry import cpu_target

    cache = _Cache(function)
    key = cache._index_key(signature, cpu_target.target_context.codegen())
    return key in cache._cache_file._load_index()


def cache_for(function: Callable[..., Any]) -> FunctionCache | None:
    """Return numba's cache of one kernel; None for one typed into a notebook, which has no file to key it by."""
    if not Path(inspect.getfile(function)).is_file():
        return None
    return _Cache(function)
