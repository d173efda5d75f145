"""A lane kernel for the tests of lanes: the sum of each row, slow enough on request to be interrupted."""

from prism_kernels.lanes import inner, lane


@inner
def times(value, factor):
    return value * factor


@lane("f8[:,:] f8 i8", "f8[:]", stop=True)
def weighted_sum(first, last, values, factor, repeats, total, stop):
    for i in range(first, last):
        total[i] = 0.0
        for _ in range(repeats):
            if stop[0] != 0:
                return
            row = 0.0
            for j in range(values.shape[1]):
                row += times(values[i, j], factor)
            total[i] = row
