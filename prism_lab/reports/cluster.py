"""The Dask cluster that reports run on, where one is configured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from prism_kernels.errors import InvalidInput, require

__all__ = ["connected"]

_WAIT_SECONDS = 10


@contextlib.contextmanager
def connected(address: str | None = None) -> Iterator[int]:
    """Make a Dask cluster the one that work inside the ``with`` runs on, and yield its number of workers.

    Parameters
    ----------
    address
        Address of the scheduler; None for the one that Dask is configured with (``DASK_SCHEDULER_ADDRESS``), and for
        no cluster where it is not.

    Raises
    ------
    InvalidInput
        When no scheduler answers there, or it has no workers.
    """
    chosen = address or _configured()
    if chosen is None:
        yield 0
        return
    distributed = require("distributed", extra="lab", purpose="--dask")
    try:
        # a client that is the default is that even when it cannot connect, and later work would wait for it
        client = distributed.Client(chosen, timeout=_WAIT_SECONDS, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        why = "no scheduler answers there" if isinstance(error, OSError) else " ".join(str(error).split())
        msg = f"--dask: {chosen} cannot be used: {why}; start one with: dask scheduler"
        raise InvalidInput(msg, field="dask") from None
    with client, client.as_current():
        workers = len(client.ncores())
        if not workers:
            msg = f"--dask: the scheduler at {chosen} has no workers; start one with: dask worker {chosen}"
            raise InvalidInput(msg, field="dask")
        yield workers


def _configured() -> str | None:
    try:
        import dask.config
    except ImportError:
        return None
    found = dask.config.get("scheduler-address", None)
    return str(found) if found else None
