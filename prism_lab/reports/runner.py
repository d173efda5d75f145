"""Make a report: check, run, write page, notebook and record, and remember it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prism_kernels.errors import InvalidInput
from prism_lab.reports.expectation import Expectation, check_names
from prism_lab.reports.job import carry_out, job_of
from prism_lab.reports.request import Request, check
from prism_lab.reports.template import find_template
from prism_lab.reports.writing import Report, keep, writable
from prism_lab.store import Store

__all__ = ["Report", "make", "run_report"]


def run_report(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    out: Path | None = None,
    expect: Sequence[Expectation] = (),
    store: Store | None = None,
) -> Report:
    """Check the parameters of a report and make it; see :func:`make`.

    Parameters
    ----------
    name
        Name of a template or operation, or path of a notebook.
    parameters
        Parameters by name; data as the name of a sample or file.
    out, expect, store
        As in :func:`make`.

    Raises
    ------
    InvalidInput
        For bad parameters or data, before a kernel starts.
    """
    return make(check(find_template(name), parameters or {}), out=out, expect=expect, store=store)


def make(
    request: Request,
    *,
    out: Path | None = None,
    expect: Sequence[Expectation] = (),
    store: Store | None = None,
) -> Report:
    """Run a report and write ``<name>.ipynb``, ``<name>.html`` and ``<name>.json``.

    One that fails or is interrupted leaves an earlier good one of the same folder alone, and is written beside it.

    Parameters
    ----------
    request
        What was asked for, checked.
    out
        Folder to write to; None for ``reports/<name>-<time>`` in the working folder.
    expect
        What is expected of its key numbers; the record says what became of it.
    store
        Where the history is kept; None for the user's.

    Raises
    ------
    InvalidInput
        For a folder that cannot be written to, and for an expectation of a number that the report cannot have.
    """
    template = request.template
    check_names(expect, template.key_numbers, template.name)
    folder = writable(out or Path("reports") / f"{template.name}-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    if (folder / f"{template.name}.ipynb").resolve() == template.path.resolve():
        msg = f"--out: {folder} holds the notebook that the report is made of; choose another folder"
        raise InvalidInput(msg, field="out")
    history = store or Store()
    history.runs(limit=1)  # a store that cannot be used is told now, not after the work
    request.digest  # noqa: B018  # of the notebook as it is now, not as somebody leaves it meanwhile
    return keep(request, carry_out(job_of(request)), folder=folder, store=history, expect=expect)
