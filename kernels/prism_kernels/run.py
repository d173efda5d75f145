"""``run``: what every surface calls. The same computation, with its provenance and timings."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from prism_kernels import lanes, progress, telemetry
from prism_kernels.arrays import device_of
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Input
from prism_kernels.operation import Operation, find

__all__ = ["Provenance", "Run", "package_of", "run"]

_LIBRARIES = ("numpy", "scipy", "numba", "pandas", "statsmodels", "torch", "cupy")


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Enough to repeat a run.

    Attributes
    ----------
    operation, package, version
        What ran, and the package and version it came from.
    settings
        Every setting, defaults included, as JSON holds them.
    inputs
        The data, by parameter; ``.digest`` is computed when asked for.
    device, cpu, threads, blas
        Where it ran.
    python, libraries
        Versions of Python and of the libraries that were loaded.
    seed
        The seed setting, where the operation has one.
    started, elapsed_s
        UTC start and duration in seconds.
    """

    operation: str
    package: str
    version: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, Input]
    device: str
    cpu: str
    threads: int
    blas: str
    python: str
    libraries: Mapping[str, str]
    seed: int | None
    started: datetime
    elapsed_s: float

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain Python, with a digest and source for each input."""
        plain = {f: getattr(self, f) for f in self.__dataclass_fields__ if f not in ("inputs", "started")}
        inputs = {
            n: {"sha256": i.digest, "source": i.source, "shape": list(i.values.shape)} for n, i in self.inputs.items()
        }
        return {**plain, "started": self.started.isoformat(), "inputs": inputs}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A result together with how it came to be.

    Attributes
    ----------
    result
        What the operation returned.
    provenance
        Enough to repeat it.
    timings
        Seconds by span name.
    given
        The settings that were given; the others are defaults.
    row
        The operation that ran, which need not be registered.
    """

    result: Any
    provenance: Provenance
    timings: Mapping[str, float]
    given: Mapping[str, Any]
    row: Operation = field(repr=False)

    def save(self, path: str | Path, *, inputs: bool = False) -> Path:
        """Write this run into one file that :func:`prism_kernels.verify.verify` can check, and return its path.

        Parameters
        ----------
        path
            The file; ``.prism`` is put behind a name without a suffix.
        inputs
            Whether the data go into the file too, beside where they came from and their digests.
        """
        from prism_kernels.saved import save

        return save(self, path, inputs=inputs)

    def as_python(self) -> str:
        """Write this run as a call in Python."""
        from prism_kernels.python_text import call_of

        return call_of(self)

    def as_report(self) -> str:
        """Write this run as the command that makes a report of it."""
        parts = ["prism", "report", "run", self.provenance.operation]
        return " ".join(map(shlex.quote, [*parts, *self._options()]))

    def as_command(self) -> str:
        """Write this run as a ``prism run`` command."""
        return " ".join(map(shlex.quote, ["prism", "run", self.provenance.operation, *self._options()]))

    def as_curl(self) -> str:
        """Write this run as a request to the gateway, with the settings and the names of the data to send."""
        domain, _, verb = self.provenance.operation.partition(".")
        route = f"{domain}/{verb}".replace("_", "-")
        body = {**{n: _bare(i.source) or f"<{n}>" for n, i in self.provenance.inputs.items()}, **_jsonable(self.given)}
        text = shlex.quote(json.dumps(body))
        return (
            f'curl -X POST "$PRISM_URL/api/v1/{route}" -H "Authorization: Bearer $PRISM_KEY" '
            f'-H "Content-Type: application/json" -d {text}'
        )

    def as_dashboard(self) -> str:
        """Write this run as a notebook for ``prism publish``: a page that begins with its data and settings."""
        from prism_kernels.dashboard import notebook_of

        return notebook_of(self, _jsonable(self.given))

    def _options(self) -> list[str]:
        options: list[str] = []
        for name, value in self.provenance.inputs.items():
            options += ["--data", f"{name}={_bare(value.source) or name.upper() + '.csv'}"]
        for name, value in _jsonable(self.given).items():
            options += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
        return options


def _bare(source: str) -> str:
    """Return the name or path inside ``sample('…')``, ``load('…')`` or ``Path('…')``."""
    return source.split("'")[1] if "'" in source else source


def _jsonable(settings: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(to_json(dict(settings)))
    return plain


def run(operation: str | Callable[..., Any] | Operation, *data: Any, **arguments: Any) -> Run:
    """Run an operation and keep how it came to be.

    Parameters
    ----------
    operation
        Its name, its function, or any function annotated as an operation's is.
    *data
        Data, in the order of the operation's parameters.
    **arguments
        Data by name, and settings.

    Raises
    ------
    InvalidInput
        For an unknown operation, missing data, or whatever the operation refuses.
    """
    row = find(operation)
    given = _named(row, data, arguments)
    settings = {k: v for k, v in arguments.items() if k not in row.data}
    resolved = row.resolve(settings)
    progress.checkpoint()
    inputs = {n: row.data[n].of(v) for n, v in given.items() if v is not None}
    started = datetime.now(UTC)
    with telemetry.span(row.name) as clock:
        result = row.body(**inputs, **{k: resolved[k] for k in row.rules})
    progress.checkpoint()
    provenance = Provenance(
        operation=row.name,
        **package_of(row),
        settings=_jsonable(resolved),
        inputs=inputs,
        device=_device(inputs),
        cpu=_cpu(),
        threads=lanes.threads(),
        blas=_blas(),
        python=platform.python_version(),
        libraries=_versions(),
        seed=resolved.get("seed"),
        started=started,
        elapsed_s=clock.seconds,
    )
    timings = {row.name: clock.seconds, **clock.parts}
    return Run(result=result, provenance=provenance, timings=timings, given={k: resolved[k] for k in settings}, row=row)


def _named(row: Operation, data: tuple[Any, ...], arguments: Mapping[str, Any]) -> dict[str, Any]:
    names = list(row.data)
    if len(data) > len(names):
        count = f"{len(names)} data argument{'' if len(names) == 1 else 's'}"
        msg = f"{row.name} takes {count} ({', '.join(names)}), and {len(data)} were given"
        raise InvalidInput(msg, field="data")
    given = dict(zip(names, data, strict=False))
    given.update({n: arguments[n] for n in names if n in arguments})
    row.require({**arguments, **given})
    return given


def _device(inputs: Mapping[str, Input]) -> str:
    for value in inputs.values():
        return str(device_of(value.values))
    return "cpu"


@functools.cache
def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@functools.cache
def _blas() -> str:
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"


def _versions() -> dict[str, str]:
    return {n: str(getattr(sys.modules[n], "__version__", "?")) for n in _LIBRARIES if n in sys.modules}


def package_of(row: Operation) -> dict[str, str]:
    """Name the package an operation comes from, and its version.

    Parameters
    ----------
    row
        The operation.
    """
    root = row.body.__module__.partition(".")[0]
    return {"package": root, "version": _version_of(root)}


@functools.cache
def _version_of(root: str) -> str:
    owners = importlib.metadata.packages_distributions().get(root)
    if owners:
        return importlib.metadata.version(owners[0])
    return str(getattr(sys.modules.get(root), "__version__", os.environ.get("PRISM_VERSION", "unversioned")))
