"""Count neighbours in several coordinates: those within reach along the sorted one, then those near in the others."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from prism_kernels.lanes import inner, lane


@inner
def _first_within(line, i, radius):
    """Return the first place on a sorted line whose value is strictly closer to the i-th than a radius."""
    here = line[i]
    place = i
    left = i + 1
    while left > 1:  # halves the places left whatever it sees, so that nothing has to be predicted
        half = left >> 1
        place -= half if here - line[place - half] < radius else 0
        left -= half
    return place


@inner
def _last_within(line, i, radius):
    """Return the last place on a sorted line whose value is strictly closer to the i-th than a radius."""
    here = line[i]
    place = i
    left = line.shape[0] - i
    while left > 1:
        half = left >> 1
        place += half if line[place + half] - here < radius else 0
        left -= half
    return place


@inner
def _near_in_one(a, here, radius):
    found = 0
    for j in range(a.shape[0]):  # without a branch, so that the compiler takes several values at a time
        found += abs(a[j] - here) < radius
    return found


@inner
def _near_in_two(a, b, here, there, radius):
    found = 0
    for j in range(a.shape[0]):
        found += (abs(a[j] - here) < radius) & (abs(b[j] - there) < radius)
    return found


@inner
def _near_in_all(others, first, end, i, radius):
    found = 0
    for j in range(first, end):
        axis = 0
        while axis < others.shape[0] and abs(others[axis, j] - others[axis, i]) < radius:
            axis += 1
        found += axis == others.shape[0]
    return found


@lane("f8[:] f8[:,:] f8[:]", "i8[:]")
def scan(first, last, line, others, radius, counts):
    """Count for each point the others strictly closer, under the maximum norm, than its radius.

    ``line`` is the sorted coordinate and ``others`` holds the other ones, coordinate × point; there may be none.
    """
    for i in range(first, last):
        if not radius[i] > 0:
            counts[i] = 0
            continue
        start = _first_within(line, i, radius[i])
        end = _last_within(line, i, radius[i]) + 1
        if others.shape[0] == 0:
            found = end - start
        elif others.shape[0] == 1:
            found = _near_in_one(others[0, start:end], others[0, i], radius[i])
        elif others.shape[0] == 2:
            a = others[0, start:end]
            b = others[1, start:end]
            found = _near_in_two(a, b, others[0, i], others[1, i], radius[i])
        else:
            found = _near_in_all(others, start, end, i, radius[i])
        counts[i] = found - 1  # the point itself
