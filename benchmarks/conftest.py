"""What every benchmark shares: one row of the table is peer and ours in one run, on one thread, equal first.

With ``--benchmark-disable`` (the default of a test run) a row only proves equality, on the little data that ``small``
asks for. With ``--benchmark-enable`` it measures CPU seconds, and appends the row to the JSON file that
``PRISM_BENCH_OUT`` names. Nothing asserts on time.
"""

import json
import os
import resource
import warnings
from pathlib import Path

import pytest

from prism_kernels import lanes
from prism_kernels.engine import one_thread


@pytest.fixture(scope="session")
def small(request):
    """Whether this is a test run: use few and short series, and time nothing."""
    option = request.config.getoption
    return bool(option("benchmark_disable")) and not option("benchmark_enable")


class Row:
    """Runs one row of the table; what it measured is kept unless the run is small."""

    def __init__(self, *, small):
        self.small = small

    def __call__(
        self, name, *, peer, ours, equal, against="", at_least=30.0, unit="x", repeat=3, peer_repeat=1, fresh=False
    ):
        """Assert that two callables agree, then measure how many times less CPU ours takes.

        Parameters
        ----------
        name
            What is computed, with its size.
        peer, ours
            Callables without arguments.
        equal
            ``equal(peer_result, our_result)`` asserts that the two answers agree (or ours is better); a dict it
            returns is kept as the row's detail.
        against
            Name of the peer.
        at_least
            The ratio that is asked for.
        unit
            Unit of ``at_least``.
        repeat, peer_repeat
            Timed runs of ours and of the peer; the best one counts.
        fresh
            Whether the very first call is what is measured, compilation included.
        """
        with one_thread():
            token = lanes.thread_limit.set(1)
            try:
                ours_first, ours_s = _timed(ours)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # what a peer warns about is not ours to fail on
                    peer_first, peer_s = _timed(peer)
                    detail = equal(peer_first, ours_first) or {}
                    if self.small:
                        return None
                    if not fresh:
                        peer_s = min(_timed(peer)[1] for _ in range(peer_repeat))
                if not fresh:
                    ours_s = min(_timed(ours)[1] for _ in range(repeat))
            finally:
                lanes.thread_limit.reset(token)
        detail = {"peer_cpu_s": round(peer_s, 6), "our_cpu_s": round(ours_s, 6), **detail}
        return self.note(name, against=against, asked=at_least, measured=peer_s / ours_s, unit=unit, **detail)

    def note(self, name, *, against, asked, measured, unit="", **detail):
        """Keep a row that was measured otherwise: an accuracy, a coverage, seconds of a fresh process.

        Parameters
        ----------
        name, against, unit
            As when called.
        asked
            The bound that is asked for: the least, with ``at_most`` the largest; a pair is both.
        measured
            What came out.
        **detail
            What else to keep.
        """
        kept = {
            "name": name,
            "against": against,
            "asked": asked,
            "measured": float(measured),
            "unit": unit,
            "detail": detail,
        }
        if self.small:
            return None
        print(f"\n{name} against {against}: asked {asked}{unit}, measured {measured:.4g}{unit} {detail}")
        out = os.environ.get("PRISM_BENCH_OUT")
        if out:
            path = Path(out)
            rows = json.loads(path.read_text()) if path.exists() and path.stat().st_size else []
            path.write_text(json.dumps([*rows, kept], indent=1, default=float))
        return kept


def _cpu_seconds():
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(p.ru_utime + p.ru_stime for p in parts)


def _timed(function):
    start = _cpu_seconds()
    result = function()
    return result, _cpu_seconds() - start


@pytest.fixture
def row(small, monkeypatch, request):
    """One row of the table of benchmarks; see ``Row.__call__`` and ``Row.note``.

    On one thread, as the peers; a module about servers says ``ALL_THREADS``, for a viewer's machine has more than one.
    """
    if not getattr(request.module, "ALL_THREADS", False):
        monkeypatch.setenv("PRISM_THREADS", "1")
    return Row(small=small)


@pytest.fixture
def measured(small, request):
    """Skip in a test run what needs a server of its own, or minutes."""
    if small:
        name = request.module.__name__.split("bench_")[1]
        pytest.skip(f"tests show that this works; `python -m benchmarks {name}` measures how well")


@pytest.fixture
def look(open_visit):
    """Open pages whose clocks run, each a viewer with a browser cache of its own."""
    from benchmarks.surfaces import Look

    return lambda surface: Look(open_visit(surface))
