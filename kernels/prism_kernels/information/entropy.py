"""Differential entropy of a variable."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge

from prism_kernels.information import estimators
from prism_kernels.information.estimate import InformationEstimate, Test, estimate
from prism_kernels.information.neighbours import Floats, Integers, search_for
from prism_kernels.information.variables import read_variable, require_samples
from prism_kernels.inputs import AnySeries
from prism_kernels.operation import operation

__all__ = ["entropy"]


@operation("information.entropy", example={"x": "us_inflation", "k": 4})
def entropy(
    x: AnySeries,
    *,
    k: Annotated[int, Ge(1)] = 4,
    theiler: Annotated[int, Ge(0)] = 0,
    local: bool = False,
    seed: Annotated[int, Ge(0)] = 0,
) -> InformationEstimate:
    """Measure the differential entropy of a variable, in nats, from nearest neighbours.

    Parameters
    ----------
    x
        The variable. Several series make one variable, each a coordinate of it: the answer is their joint entropy.
    k
        Which neighbour sets the scale.
    theiler
        Samples at most this many periods apart are no neighbours.
    local
        Whether to return what each sample contributes.
    seed
        Seed of the noise that parts equal values.

    Raises
    ------
    InvalidInput
        For missing values, a constant series and too few samples for k.

    Notes
    -----
    After Kozachenko and Leonenko under the maximum norm: H = ψ(N) − ψ(k) + d ⟨log 2ε⟩ + Σ log σ, with ε the distance to
    the k-th neighbour of the d coordinates, each divided by its standard deviation σ. The entropy of a continuous
    variable depends on its unit and may be negative. Values that occur often have no density: the answer then measures
    the noise that parts them, and the warning says so. Places as in :func:`mutual_information`.

    References
    ----------
    Kozachenko, Leonenko (1987). Sample estimate of the entropy of a random vector.
    Kraskov, Stögbauer, Grassberger (2004). Estimating mutual information.
    """
    variable = read_variable(x, "x", seed=seed)
    require_samples(len(variable.points), k, theiler, "x")
    search = search_for(variable.series.values)
    unit = float(np.log(variable.scale).sum())

    def measure(_: Integers) -> Floats:
        return estimators.entropy(variable.points, search, k, theiler) + unit

    test = Test(count=0, kind="permute", seed=(seed,))
    return estimate(measure, {"x": variable}, len(variable.points), k, test, local=local)
