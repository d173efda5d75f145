"""Make many reports of one kind: all checked first, then side by side or on a Dask cluster, and nothing twice."""

from __future__ import annotations

import contextlib
import glob
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prism_kernels import lanes, progress
from prism_kernels.engine import map_runs
from prism_kernels.errors import Cancelled, InvalidInput
from prism_lab.reports.expectation import Expectation, check_names, judge
from prism_lab.reports.index import write_index
from prism_lab.reports.job import ONE_THREAD, Done, attempt, job_of
from prism_lab.reports.request import Read, Request, check
from prism_lab.reports.runs import read_record
from prism_lab.reports.seal import seal, untouched
from prism_lab.reports.template import Template, find_template
from prism_lab.reports.writing import SUFFIXES, keep, record_text, replace_text, writable
from prism_lab.store import Entry, Store

__all__ = ["Item", "Sweep", "check_sweep", "run_sweep"]

_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Item:
    """One report of a sweep.

    Attributes
    ----------
    number
        Its place in the sweep, from 1.
    given
        The parameters that the sweep gives it.
    request
        What was asked for, checked.
    """

    number: int
    given: Mapping[str, Any]
    request: Request

    @property
    def name(self) -> str:
        """What its folder is called: its parameters, and enough of its digest to be like no other."""
        words = "_".join(f"{n}-{v}" for n, v in self.given.items())
        return f"{re.sub(r'[^A-Za-z0-9.-]+', '_', words)[:_SHOWN].strip('_.')}-{self.request.digest[:12]}"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What came of a sweep.

    Attributes
    ----------
    folder, index
        Where the reports are, and the page that lists them.
    items
        The reports that were asked for.
    entries
        What the history keeps, by number of the item; those that were never finished are missing.
    again
        Numbers of the items that were there already, from an earlier call.
    stopped
        Whether its caller stopped it.
    """

    folder: Path
    index: Path | None
    items: Sequence[Item]
    entries: Mapping[int, Entry]
    again: frozenset[int]
    stopped: bool


def check_sweep(
    template: Template, sets: Sequence[Mapping[str, Any]], common: Mapping[str, Any] | None = None
) -> list[Item]:
    """Check every set of parameters of a sweep before anything starts.

    Parameters
    ----------
    template
        What the reports are made of.
    sets
        Parameters of each report.
    common
        Parameters that all of them share.

    Raises
    ------
    InvalidInput
        For the first item and parameter at fault, and for an item that is asked for twice.
    """
    shared: Mapping[str, Any] = common or {}
    items: list[Item] = []
    numbers: dict[str, int] = {}
    read: Read = {}
    for number, given in enumerate(sets, start=1):
        place = f"sweep item {number}"
        if both := next((name for name in given if name in shared), None):
            msg = f"{place} gives {both}, which -p, --data or --set gave already; give it once"
            raise InvalidInput(msg, field=both, where=place)
        try:
            request = check(template, {**shared, **given}, read=read)
        except InvalidInput as error:
            msg = f"{place}: {error}"
            raise InvalidInput(msg, field=error.field, where=place) from None
        first = numbers.setdefault(request.digest, number)
        if first != number:
            msg = f"{place} is the same report as item {first}; leave one of them out"
            raise InvalidInput(msg, field="sweep", where=place)
        items.append(Item(number=number, given=given, request=request))
    return items


def run_sweep(
    name: str,
    sets: Sequence[Mapping[str, Any]],
    *,
    out: Path,
    common: Mapping[str, Any] | None = None,
    expect: Sequence[Expectation] = (),
    processes: int | None = None,
    store: Store | None = None,
) -> Sweep:
    """Make every report of a sweep, each in a folder of its own, and an index of them.

    They run on the active Dask client, or here with one kernel a core. Called again with the same folder it makes only
    those that are not completed there: a report is the same while its cells, parameters, data and versions are. One
    whose record, page or notebook was edited, or whose record is not what the history holds, is made again. One that
    fails does not stop the others.

    Parameters
    ----------
    name
        Name of a template or operation, or path of a notebook.
    sets
        Parameters of each report.
    out
        Folder to write to.
    common
        Parameters that all of them share.
    expect
        What is expected of the key numbers of each.
    processes
        Kernels at a time, here; None for one a core.
    store
        Where the history is kept; None for the user's.

    Raises
    ------
    InvalidInput
        For the first item and parameter at fault, before a kernel starts.
    """
    template = find_template(name)
    check_names(expect, template.key_numbers, template.name)
    items = check_sweep(template, sets, common)
    history = store or Store()
    history.runs(limit=1)  # a store that cannot be used is told now, not after the work
    with _alone_in(writable(out)) as folder:
        entries = {item.number: entry for item in items if (entry := _made(folder, item, expect, history))}
        again = frozenset(entries)
        todo = [item for item in items if item.number not in again]
        stopped = _work(todo, folder, expect, history, entries, processes)
        index = write_index(folder) if entries else None
    return Sweep(folder=folder, index=index, items=items, entries=entries, again=again, stopped=stopped)


def _work(
    todo: Sequence[Item],
    folder: Path,
    expect: Sequence[Expectation],
    store: Store,
    entries: dict[int, Entry],
    processes: int | None,
) -> bool:
    """Make what is left to do, and say whether somebody stopped it."""
    if not todo:
        return False
    ear = progress.listener()

    def arrived(place: int, done: Done) -> None:
        if ear is not None and ear.cancelled and done.outcome.status == "interrupted":
            return  # stopped with the sweep: it is made again when that goes on
        item = todo[place]
        here = writable(folder / item.name)
        entries[item.number] = keep(item.request, done, folder=here, store=store, expect=expect).entry

    at_a_time = max(1, min(processes or lanes.threads(), len(todo)))
    crowded = {"PRISM_THREADS": "1"} if at_a_time > 1 else {}
    jobs = [job_of(item.request, ONE_THREAD | crowded) for item in todo]
    try:
        map_runs(attempt, jobs, label="reports", each=arrived, threads=at_a_time)
    except Cancelled:
        return True
    return False


def _made(folder: Path, item: Item, expect: Sequence[Expectation], store: Store) -> Entry | None:
    """Return the completed run of an item that is in the folder already, judged by what is expected now."""
    name, digest = item.request.template.name, item.request.digest
    for path in sorted(folder.glob(f"*-{digest[:12]}/{glob.escape(name)}.json")):
        files = [path.with_name(f"{name}.{suffix}") for suffix in SUFFIXES.values()]
        try:
            record, entry = read_record(path)
        except InvalidInput:
            continue
        if (entry.digest, entry.status) != (digest, "completed") or not all(file.is_file() for file in files):
            continue
        if not untouched(record, path) or not _remembered(entry, store):
            continue
        judged = replace(entry, expectations=judge(expect, entry.key_numbers, name))
        if list(judged.expectations) != list(entry.expectations):
            replace_text(path, record_text(seal({**record, "expectations": list(judged.expectations)})))
            store.judge(judged)
        return judged
    return None


def _remembered(entry: Entry, store: Store) -> bool:
    """Tell whether the history holds a run as its record does; one that it does not hold is taken at its word."""
    held = store.get(entry.id)
    if held is None or held.digest != entry.digest:
        return True
    names = ("report", "started", "duration_s", "status", "parameters", "key_numbers", "inputs")
    return all(getattr(held, name) == getattr(entry, name) for name in names)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[Path]:
    """Hold a folder, so that two sweeps at once do not make the same reports; the lock ends with the process."""
    import fcntl

    with (folder / ".sweep.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            msg = f"--out: another sweep is writing to {folder}; wait for it, or choose another folder"
            raise InvalidInput(msg, field="out") from None
        yield folder
