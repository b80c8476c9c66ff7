"""Measures of two inputs: distances and products.

Torch7 manual: table.md
"""

from collections.abc import Iterable

import numpy as np

from . import random
from .module import Module
from .tensors import describe

__all__ = ['CosineDistance', 'DotProduct', 'PairwiseDistance']


class PairMeasure(Module):
    """The base of measures of two vectors ``(D,)``, or row by row of two matrices ``(N, D)``; output ``(1,)`` or
    ``(N,)``.

    A layer says `measure(a, b, y)`, which writes into y, and `derivatives(a, b, dy, da, db)`, which writes into da and
    db; all are matrices but y, and dy is of shape ``(N, 1)``.
    """

    table_fields = ('gradInput',)

    def measure(self, a: np.ndarray, b: np.ndarray, y: np.ndarray) -> None:
        """y = f(a, b) for every row."""
        raise self.error('measure(a, b, y) needed in every PairMeasure layer', TypeError)

    def derivatives(self, a: np.ndarray, b: np.ndarray, dy: np.ndarray, da: np.ndarray, db: np.ndarray) -> None:
        """da = df/da dy, db = df/db dy."""
        raise self.error('derivatives(a, b, dy, da, db) needed in every PairMeasure layer', TypeError)

    def _rows(self, input: list[np.ndarray]) -> Iterable[np.ndarray]:
        self.check_tensors(input, 2, alike=True)
        if input[0].ndim not in (1, 2):
            raise self.error(f'two vectors or matrices needed, got {" and ".join(map(describe, input))}')
        return map(np.atleast_2d, input)

    def updateOutput(self, input: list[np.ndarray]) -> np.ndarray:
        a, b = self._rows(input)
        output = self.buffer('output', a.shape[:1])
        self.measure(a, b, output)
        return output

    def updateGradInput(self, input: list[np.ndarray], gradOutput: np.ndarray) -> list[np.ndarray]:
        a, b = self._rows(input)
        self.check(gradOutput, 'gradOutput')
        if gradOutput.size != len(a):
            raise self.error(f'gradOutput of shape ({len(a)},) needed, got shape {gradOutput.shape}')
        gradInput = self.buffer_table('gradInput', input)
        self.derivatives(a, b, gradOutput.reshape(-1, 1), *map(np.atleast_2d, gradInput))
        return gradInput


def _dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The dot product of every row of a with that of b."""
    return np.einsum('ij,ij->i', a, b)


class DotProduct(PairMeasure):
    """y = a . b, da = dy b, db = dy a.

    Torch7 manual: table.md#nn.DotProduct
    """

    def measure(self, a, b, y):
        y[...] = _dots(a, b)

    def derivatives(self, a, b, dy, da, db):
        np.multiply(dy, b, da)
        np.multiply(dy, a, db)


class CosineDistance(PairMeasure):
    """y = a . b / (|a| |b|), where |a|^2 = a . a + 1e-12; da = dy (b / (|a| |b|) - y a / |a|^2), db likewise.

    Torch7 manual: table.md#nn.CosineDistance
    """

    def measure(self, a, b, y):
        y[...] = _dots(a, b) / np.sqrt((_dots(a, a) + 1e-12) * (_dots(b, b) + 1e-12))

    def derivatives(self, a, b, dy, da, db):
        dot, squared_a, squared_b = (column[:, None] for column in (_dots(a, b), _dots(a, a), _dots(b, b)))
        squared_a += 1e-12
        squared_b += 1e-12
        factor = dy / np.sqrt(squared_a * squared_b)
        np.multiply(factor, b - dot / squared_a * a, da)
        np.multiply(factor, a - dot / squared_b * b, db)


class PairwiseDistance(PairMeasure):
    """y = the p-norm of d = a - b; da = dy d |d|^(p - 2) / (y + 1e-6)^(p - 1), db = -da.

    Parameters
    ----------
    p
        p > 0; for p = 1 the sign of 0 is drawn

    Torch7 manual: table.md#nn.PairwiseDistance
    """

    def __init__(self, p: float = 2):
        super().__init__()
        if not 0 < p < np.inf:
            raise ValueError(f'{self.typename}: 0 < p < inf needed, got {p}')
        self.norm = p

    def measure(self, a, b, y):
        y[...] = (np.abs(a - b) ** self.norm).sum(1) ** (1 / self.norm)

    def derivatives(self, a, b, dy, da, db):
        np.subtract(a, b, da)
        if self.norm == 1:
            zero = da == 0
            np.sign(da, da)
            da[zero] = 2 * random.random(1, 2, out=np.empty(np.count_nonzero(zero))) - 3
        else:
            distance = np.empty(len(a), self.dtype)
            self.measure(a, b, distance)
            if self.norm != 2:
                size = np.abs(da)
                da *= np.power(size, self.norm - 2, size, where=size > 0)
            da *= (distance[:, None] + 1e-6) ** (1 - self.norm)
        da *= dy
        np.negative(da, db)
