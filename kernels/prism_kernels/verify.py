"""``verify``: run a saved run again, compare every field, and have its certificate checked by other code."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from prism_kernels.arrays import Array
from prism_kernels.certificates import Check, Evidence, certify
from prism_kernels.comparison import Gap, compare
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Input
from prism_kernels.repetition import CannotRepeat, Place, data_of, repeat
from prism_kernels.result import Result
from prism_kernels.saved import Saved, load

__all__ = ["AGREES", "CANNOT", "DIFFERS", "Verdict", "Verification", "verify"]

Verdict: TypeAlias = Literal["agrees", "differs", "cannot be repeated"]

AGREES, DIFFERS, CANNOT = "agrees", "differs", "cannot be repeated"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Verification(Result):
    """What became of a saved run when it was made again.

    Attributes
    ----------
    operation
        What ran.
    verdict
        ``agrees``, ``differs`` or ``cannot be repeated``.
    reason
        Why, in one sentence.
    on
        Where it ran again.
    difference
        Largest relative difference of each field; infinite where what must be equal is not.
    tolerance
        Largest difference of each field that agrees.
    verdicts
        Of each field: ``agrees`` or ``differs``.
    certificate
        What code that shares nothing with the operation found in the saved result; None where there is none for it.
    original_s, again_s
        Seconds that the operation took then and now.
    elapsed_s
        Seconds of the whole verification.
    """

    operation: str
    verdict: Verdict
    reason: str
    on: str
    difference: Float[Array, " field"]
    tolerance: Float[Array, " field"]
    verdicts: tuple[str, ...]
    certificate: tuple[Check, ...] | None = None
    original_s: float
    again_s: float | None = None
    elapsed_s: float

    def to_frame(self) -> Any:
        """Return a pandas frame: a row for each field of the result, then one for each check of its certificate."""
        import pandas as pd

        fields = zip(self.axes["field"], self.difference, self.tolerance, self.verdicts, strict=True)
        rows = [("field", *row) for row in fields]
        for check in self.certificate or ():
            rows.append(("certificate", check.name, check.difference, check.tolerance, _word(check)))
        if self.certificate is None and self.verdict != CANNOT:
            rows.append(("certificate", "no certificate", np.nan, np.nan, "–"))
        return pd.DataFrame(rows, columns=["kind", "name", "difference", "tolerance", "verdict"])


def _word(one: Gap | Check) -> str:
    return AGREES if one.agrees else DIFFERS


def verify(run: str | Path | Saved, *, on: Place = "local") -> Verification:
    """Run a saved run again with the same data and settings, and compare every field of the result.

    Parameters
    ----------
    run
        A saved run, or the path of its file.
    on
        Where: ``local``, ``dask`` or ``cuda``.

    Raises
    ------
    InvalidInput
        For a file that is no saved run, or was changed.

    Notes
    -----
    Numbers agree within the tolerance that the operation declares, relative to their size; NaN equals NaN; texts, whole
    numbers, truths, labels and warnings must be equal, wherever the run was made. Beside that, the saved result is
    checked against the data by code that shares nothing with the operation. A run of another version of the package,
    or made on another type of CPU, that comes out otherwise while its own certificate holds, counts as one that cannot
    be repeated here: where a run says it was made is its own word, which excuses a difference and never hides it.
    """
    if on not in ("local", "dask", "cuda"):
        msg = f"on must be one of 'local', 'dask', 'cuda', and {on!r} was given"
        raise InvalidInput(msg, field="on")
    started = time.perf_counter()
    saved = run if isinstance(run, Saved) else load(run)
    try:
        data = data_of(saved)
        again = repeat(saved, data, on)
    except (CannotRepeat, InvalidInput) as error:
        return _report(saved, on, "cannot be repeated", str(error), time.perf_counter() - started)
    gaps = _gaps(saved, again)
    checks = _certificate(saved, data) if _alike(saved, again) else None
    verdict, reason = _judged(saved, again, gaps, checks)
    made = _report(saved, on, verdict, reason, time.perf_counter() - started)
    return dataclasses.replace(
        made,
        difference=np.array([g.difference for g in gaps]),
        tolerance=np.array([g.tolerance for g in gaps]),
        verdicts=tuple(map(_word, gaps)),
        certificate=checks,
        again_s=float(again.provenance["elapsed_s"]),
        axes={"field": tuple(g.name for g in gaps)},
        warnings=(*_elsewhere(saved, again), *_unshared(saved, again)),
    )


def _report(saved: Saved, on: str, verdict: Verdict, reason: str, elapsed_s: float) -> Verification:
    return Verification(
        operation=saved.operation,
        verdict=verdict,
        reason=reason,
        on=on,
        difference=np.empty(0),
        tolerance=np.empty(0),
        verdicts=(),
        original_s=float(saved.provenance["elapsed_s"]),
        elapsed_s=elapsed_s,
        axes={"field": ()},
    )


def _gaps(saved: Saved, again: Saved) -> list[Gap]:
    gaps = compare(saved.fields, again.fields, saved.row.tolerance)
    labels, tolerance = dict(saved.axes), saved.row.tolerance
    gaps.append(
        Gap("labels", max((g.difference for g in compare(labels, again.axes, tolerance)), default=0.0), tolerance)
    )
    return [*gaps, *compare({"warnings": saved.warnings}, {"warnings": again.warnings}, 0.0)]


def _alike(saved: Saved, again: Saved) -> bool:
    """Tell whether two results have the same fields of the same shapes, so that a certificate can read them."""

    def shapes(one: Saved) -> dict[str, Any]:
        return {n: np.shape(v) if isinstance(v, np.ndarray) else type(v).__name__ for n, v in one.fields.items()}

    return shapes(saved) == shapes(again)


def _certificate(saved: Saved, data: dict[str, Input]) -> tuple[Check, ...] | None:
    evidence = Evidence(
        fields=saved.fields,
        axes=saved.axes,
        warnings=saved.warnings,
        data=data,
        settings=saved.provenance["settings"],
    )
    return certify(saved.operation, evidence)


def _elsewhere(saved: Saved, again: Saved) -> list[str]:
    """Say in which ways the two runs were made in different places, the weightiest first."""
    one, other = saved.provenance, again.provenance
    ways = (("version", "{package} {version}"), ("cpu", "{cpu}"), ("device", "device {device}"))
    return [
        f"it was made with {text.format(**one)}, and this is {text.format(**other)}"
        for name, text in ways
        if one[name] != other[name]
    ]


def _unshared(saved: Saved, again: Saved) -> list[str]:
    """Say which warnings only one of the two runs has."""
    pairs = (("the saved run", saved.warnings, again.warnings), ("this run", again.warnings, saved.warnings))
    return [f"{who} alone warns: {said}" for who, own, other in pairs for said in own if said not in other]


def _judged(saved: Saved, again: Saved, gaps: list[Gap], checks: tuple[Check, ...] | None) -> tuple[Verdict, str]:
    off, failed = [g for g in gaps if not g.agrees], [c for c in checks or () if not c.agrees]
    elsewhere = _elsewhere(saved, again)
    if not off and not failed:
        certified = "" if not checks else ", and its certificate holds"
        return "agrees", f"all {len(gaps)} fields agree{certified}"
    if failed:
        return "differs", f"the certificate does not hold: {_listed(failed)}"
    if elsewhere:
        held = "its certificate holds" if checks else "it has no certificate"
        return "cannot be repeated", f"{elsewhere[0]}; {_listed(off)} came out otherwise, and {held}"
    return "differs", f"{_listed(off)} came out otherwise"


def _listed(found: list[Any]) -> str:
    worst = sorted(found, key=lambda one: -one.difference)[:3]
    named = ", ".join(f"{one.name} (by {one.difference:.3g}, tolerance {one.tolerance:.3g})" for one in worst)
    return named + (f" and {len(found) - len(worst)} more" if len(found) > len(worst) else "")
