"""The work of a report that may be done anywhere: a notebook goes in, and what a kernel made of it comes out."""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from prism_lab.reports.execution import Outcome, execute
from prism_lab.reports.page import page
from prism_lab.reports.request import Request

__all__ = ["Done", "Job", "attempt", "carry_out", "job_of"]

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment of a kernel whose numbers are the same bits everywhere: sums are added in one order."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that a kernel needs, wherever it is.

    Attributes
    ----------
    title
        Title of the page.
    notebook
        The notebook with its parameters, as JSON.
    folder
        Working folder of the kernel; another one where that is not there.
    version
        Version of PRISM that asks for it.
    environment
        Variables of the kernel beside those of its parent.
    """

    title: str
    notebook: str
    folder: str
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of a job.

    Attributes
    ----------
    notebook, page
        The notebook that ran, as JSON, and its page; an empty page where none could be made.
    outcome
        How it ended.
    started, duration_s
        UTC start in ISO 8601, and seconds.
    """

    notebook: str
    page: str
    outcome: Outcome
    started: str
    duration_s: float


def job_of(request: Request, environment: Mapping[str, str] | None = None) -> Job:
    """Write a request down as a job.

    Parameters
    ----------
    request
        What was asked for, checked.
    environment
        Variables of the kernel beside those of its parent.
    """
    import nbformat

    return Job(
        title=request.template.title,
        notebook=nbformat.writes(_prepared(request)),
        folder=str(Path.cwd()),
        version=importlib.metadata.version("prism-lab"),
        environment=environment or {},
    )


def _prepared(request: Request) -> Any:
    """Return the template's notebook with the parameters written into it."""
    import nbformat
    from papermill.parameterize import parameterize_notebook

    notebook = nbformat.read(request.template.path, as_version=4)
    notebook.metadata.setdefault("papermill", {})
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    if not request.injected:
        return notebook
    plain = json.loads(to_json(dict(request.injected)))
    return parameterize_notebook(notebook, plain, kernel_name="python3", language="python")


def carry_out(job: Job) -> Done:
    """Run the notebook of a job in a kernel here, and make its page.

    Parameters
    ----------
    job
        The work.
    """
    import nbformat

    started, clock = datetime.now(UTC), time.perf_counter()
    notebook = nbformat.reads(job.notebook, as_version=4)
    with tempfile.TemporaryDirectory(prefix="prism-report-") as spare:
        folder = Path(job.folder) if Path(job.folder).is_dir() else Path(spare)
        outcome = execute(notebook, folder=folder, environment=job.environment)
    seconds = time.perf_counter() - clock
    title = job.title
    if outcome.status != "completed":
        title = f"{title} ({outcome.status})"
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(_banner(outcome), metadata={"tags": ["prism-status"]}))
    return Done(
        notebook=nbformat.writes(notebook),
        page=page(notebook, title=title, status=outcome.status),
        outcome=outcome,
        started=started.isoformat(timespec="seconds"),
        duration_s=seconds,
    )


def attempt(job: Job) -> Done:
    """Run one job of many: what goes wrong around the kernel is the outcome of this one, and no other's.

    Parameters
    ----------
    job
        The work.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    try:
        here = importlib.metadata.version("prism-lab")
        if here == job.version:
            return carry_out(job)
        sentence = f"this worker has prism-lab {here}, and {job.version} asked for the report; install the same"
    except Exception as error:
        sentence = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return Done(
        notebook=job.notebook,
        page="",
        outcome=Outcome(status="failed", error=sentence),
        started=started.isoformat(timespec="seconds"),
        duration_s=time.perf_counter() - clock,
    )


def _banner(outcome: Outcome) -> str:
    words = {"failed": "This report failed", "interrupted": "This report was interrupted"}[outcome.status]
    error = outcome.error.replace("<", "&lt;")
    place = f"cell {len(outcome.cells)} of {outcome.total}"
    return f"> **{words}** in {place}: {error}. What follows is what was there by then."
