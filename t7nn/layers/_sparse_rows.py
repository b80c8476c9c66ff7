"""The engine under the sparse layers: rows of few elements, multiplied with a table or added to it."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


@functools.cache
def routines() -> dict[str, Callable] | None:
    """The loops under SciPy's sparse products: they add to an array in place, which no public function does without a
    dense result as large as the weight or, as `numpy.add.at`, 6 to 30 times the time. They check nothing."""
    try:
        from scipy.sparse._sparsetools import csc_matvecs, csr_matvecs
    except ImportError:
        return None
    return {'times': csr_matvecs, 'add_outer': csc_matvecs}


def starts_of(sizes: Any) -> np.ndarray:
    """Where runs of these sizes begin, and where the last one ends."""
    starts = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


class SparseRows:
    """A batch of vectors with few elements: row j has ``values[i]`` at ``places[i]``, from 0, for i in
    ``starts[j]..starts[j + 1]``.

    All that SciPy's loops rely on is checked here, whoever checked it before: they write wherever a place says.

    Parameters
    ----------
    starts
        from 0 to the number of values, rising
    places, values
        two vectors of one size
    size
        the size of the vectors: places are below it
    """

    def __init__(self, starts: np.ndarray, places: np.ndarray, values: np.ndarray, size: int):
        # as unsigned numbers the negative ones are the largest of all: one look for both ends
        valid = not places.size or places.view(np.uint64).max() < size
        if not valid or places.shape != values.shape or values.ndim != 1 or starts[-1] != len(places):
            raise ValueError(f'expected a place below {size} for each of {values.size} values, got other places')
        self.starts, self.places, self.values, self.size = starts, places, np.ascontiguousarray(values), size

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def row(self) -> np.ndarray:
        """The row of each value."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def times(self, table: np.ndarray, result: np.ndarray) -> None:
        """result_j += sum_i values_i table[places_i], over row j."""
        self._check(table, result)
        if routines() is None:
            np.add.at(result, self.row, self.values[:, None] * table[self.places])
        else:
            self._run('times', (len(self), self.size), self.values, table, result)

    def add_outer(self, table: np.ndarray, scale: float, gradient: np.ndarray) -> None:
        """table[places_i] += scale values_i gradient_j, for every i of every row j."""
        self._check(table, gradient)
        scaled = self.values * self.values.dtype.type(scale)
        if routines() is None:
            np.add.at(table, self.places, scaled[:, None] * gradient[self.row])
        else:
            self._run('add_outer', (self.size, len(self)), scaled, gradient, table)

    def _check(self, table: np.ndarray, rows: np.ndarray) -> None:
        """Raise unless `table` has a row for each place, and `rows` one for each of these rows, as wide."""
        for what, array, count in ('table', table, self.size), ('rows', rows, len(self)):
            if array.dtype != self.values.dtype:
                raise TypeError(f'expected a {what} of {self.values.dtype}, got {array.dtype}')
            if array.shape != (count, *table.shape[1:]) or array.ndim != 2:
                raise ValueError(f'expected a {what} of {count} rows, got shape {array.shape}')

    def _run(
        self, name: str, sizes: tuple[int, int], values: np.ndarray, source: np.ndarray, result: np.ndarray
    ) -> None:
        """Call a routine on both arrays whole; where they are not row-major, and too large to be copied for so few
        values, on one column after the other."""
        loop = (routines() or {})[name]
        width = source.shape[1]
        row_major = source.flags.c_contiguous and result.flags.c_contiguous
        whole = row_major or source.size + result.size <= len(self.values) * width
        own = result if whole else result.T
        x, y = np.ascontiguousarray(source if whole else source.T), np.ascontiguousarray(own)
        if not y.flags.writeable:
            raise ValueError('expected arrays that can be written to, got a read-only one')
        entries = self.starts, self.places, values
        if whole:
            loop(*sizes, width, *entries, x.reshape(-1), y.reshape(-1))
        else:
            for x_column, y_column in zip(x, y, strict=True):
                loop(*sizes, 1, *entries, x_column, y_column)
        if not np.may_share_memory(y, result):
            own[...] = y
