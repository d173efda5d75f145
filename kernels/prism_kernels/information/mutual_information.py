"""Mutual information of two variables, and of two given a third."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from prism_kernels.information import estimators
from prism_kernels.information.estimate import InformationEstimate, Test, estimate
from prism_kernels.information.neighbours import Floats, Integers, search_for
from prism_kernels.information.surrogates import Surrogate
from prism_kernels.information.variables import read_together, require_samples
from prism_kernels.inputs import AnySeries
from prism_kernels.operation import operation

__all__ = ["conditional_mutual_information", "mutual_information"]


@operation(
    "information.mutual_information",
    example={"x": "us_unemployment", "y": "us_inflation", "k": 4, "n_surrogates": 19},
)
def mutual_information(
    x: AnySeries,
    y: AnySeries,
    *,
    k: Annotated[int, Ge(1)] = 4,
    theiler: Annotated[int, Ge(0)] = 0,
    n_surrogates: Annotated[int, Ge(0)] = 0,
    surrogate: Surrogate = "circular",
    local: bool = False,
    seed: Annotated[int, Ge(0)] = 0,
) -> InformationEstimate:
    """Measure how much two variables tell about each other, in nats, from nearest neighbours.

    Parameters
    ----------
    x, y
        The variables, on one time axis. Several series make one variable: each is a coordinate of it.
    k
        Which neighbour sets the scale: small means little bias, large means little variance.
    theiler
        Samples at most this many periods apart are no neighbours, lest nearness in time pass for dependence.
    n_surrogates
        Number of surrogates of x for the p-value; 0 for none.
    surrogate
        How surrogates are made: circular shifts (keep the memory of x), shuffled blocks, or permuted samples.
    local
        Whether to return what each sample contributes.
    seed
        Seed of surrogates and of the noise that parts equal values.

    Raises
    ------
    InvalidInput
        For missing values, a constant series, lengths that differ and too few samples for k.

    Notes
    -----
    Algorithm 1 of Kraskov, Stögbauer and Grassberger: with ε the distance to the k-th neighbour in the joint space
    under the maximum norm, I = ψ(k) + ψ(N) − ⟨ψ(n_x + 1) + ψ(n_y + 1)⟩, where n_x and n_y count the points strictly
    closer than ε. Every coordinate is put to standard deviation 1 first. On the CPU neighbours come from a k-d tree;
    arrays on a GPU are searched there by brute force, to the same counts.

    References
    ----------
    Kraskov, Stögbauer, Grassberger (2004). Estimating mutual information.
    """
    variables = read_together(seed, x=x, y=y)
    one, other = (v.points for v in variables.values())
    require_samples(len(one), k, theiler, "x")
    search = search_for(variables["x"].series.values)

    def measure(order: Integers) -> Floats:
        return estimators.mutual(one[order], other, search, k, theiler)

    test = Test(count=n_surrogates, kind=surrogate, seed=(seed,), nearest=theiler + 1)
    return estimate(measure, variables, len(one), k, test, local=local)


@operation(
    "information.conditional_mutual_information",
    example={"x": "us_unemployment", "y": "us_inflation", "z": "us_tbill", "k": 4},
)
def conditional_mutual_information(
    x: AnySeries,
    y: AnySeries,
    z: AnySeries,
    *,
    k: Annotated[int, Ge(1)] = 4,
    theiler: Annotated[int, Ge(0)] = 0,
    n_surrogates: Annotated[int, Ge(0)] = 0,
    surrogate: Surrogate = "circular",
    local: bool = False,
    seed: Annotated[int, Ge(0)] = 0,
) -> InformationEstimate:
    """Measure how much two variables tell about each other beyond what a third tells about both, in nats.

    Parameters
    ----------
    x, y
        The variables, on one time axis. Several series make one variable: each is a coordinate of it.
    z
        What is given, on the same time axis; several series are given together.
    k
        Which neighbour sets the scale: small means little bias, large means little variance.
    theiler
        Samples at most this many periods apart are no neighbours.
    n_surrogates
        Number of surrogates of x for the p-value; 0 for none.
    surrogate
        How surrogates are made: circular shifts (keep the memory of x), shuffled blocks, or permuted samples.
    local
        Whether to return what each sample contributes.
    seed
        Seed of surrogates and of the noise that parts equal values.

    Raises
    ------
    InvalidInput
        For missing values, a constant series, lengths that differ and too few samples for k.

    Notes
    -----
    After Frenzel and Pompe: I(x; y | z) = ψ(k) − ⟨ψ(n_xz + 1) + ψ(n_yz + 1) − ψ(n_z + 1)⟩, with ε the distance to the
    k-th neighbour in the joint space under the maximum norm and counts of the points strictly closer. Surrogates of x
    lose its dependence on z along with that on y: they test whether x is independent of both. Coordinates and places as
    in :func:`mutual_information`.

    References
    ----------
    Frenzel, Pompe (2007). Partial mutual information for coupling analysis of multivariate time series.
    """
    variables = read_together(seed, x=x, y=y, z=z)
    one, other, given = (v.points for v in variables.values())
    require_samples(len(one), k, theiler, "x")
    search = search_for(variables["x"].series.values)

    def measure(order: Integers) -> Floats:
        return estimators.conditional(one[order], other, given, search, k, theiler)

    test = Test(count=n_surrogates, kind=surrogate, seed=(seed,), nearest=theiler + 1)
    return estimate(measure, variables, len(one), k, test, local=local)
