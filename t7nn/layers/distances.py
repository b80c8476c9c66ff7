"""Distances and likenesses: of an input from learned templates, and of two inputs from each other.

Torch7 manual: simple.md, table.md
"""

from typing import Self

import numpy as np

from .. import random
from ..module import Module
from ..tensors import describe
from ._initialization import draw, positive

__all__ = ['Cosine', 'CosineDistance', 'DotProduct', 'Euclidean', 'PairwiseDistance', 'WeightedEuclidean']


class Comparing(Module):
    """The base of layers that compare a vector, or each row of a batch, with learned templates, the ``weight``.

    A layer says `compare(x)` for a batch x, `input_gradient(x, y, dy)` and `parameter_gradients(x, y, dy)`.
    """

    weight: np.ndarray
    gradWeight: np.ndarray
    #: the axis of the weight that is as long as an input; the other one counts the templates
    input_axis = 0

    def __init__(self, shape: tuple[int, int]):
        super().__init__()
        positive(self, *shape)
        self.weight, self.gradWeight = np.zeros(shape), np.zeros(shape)
        self.reset()

    def reset(self, stdv: float | None = None) -> Self:
        """Draw the templates uniformly with standard deviation `stdv`."""
        draw(self.weight, self.shape_of('weight', 2)[0], stdv)
        return self

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        own = [names for names in self.learned if names[0] != 'bias']
        shape = self.shape_of('weight', 2)
        for name, _ in own:
            self.shape_of(name, 2)
        return {name: shape for names in own for name in names}

    def compare(self, x: np.ndarray) -> np.ndarray:
        """y ``(N, outputSize)`` from x ``(N, inputSize)``."""
        raise self.error('expected compare(x) in every Comparing layer', TypeError)

    def input_gradient(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """dx."""
        raise self.error('expected input_gradient(x, y, dy) in every Comparing layer', TypeError)

    def parameter_gradients(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> list[np.ndarray]:
        """The gradients of the parameters, summed over the batch."""
        raise self.error('expected parameter_gradients(x, y, dy) in every Comparing layer', TypeError)

    def _batch(self, tensor: np.ndarray, axis: int, what: str = 'input') -> np.ndarray:
        tensor = self.check(tensor, what)
        size = self.weight.shape[axis]
        if tensor.ndim not in (1, 2) or tensor.shape[-1] != size:
            raise self.error(f'expected {what} of size {size}, a vector or a batch of them, got {describe(tensor)}')
        return tensor.reshape(1 if tensor.ndim == 1 else len(tensor), size)

    def _keep(self, name: str, values: np.ndarray, like: np.ndarray) -> np.ndarray:
        kept = self.buffer(name, (*like.shape[:-1], values.shape[1]))
        kept[...] = values.reshape(kept.shape)
        return kept

    def _three(self, input: np.ndarray, gradOutput: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y and dy as batches."""
        x = self._batch(input, self.input_axis)
        shape = (*np.shape(input)[:-1], self.weight.shape[1 - self.input_axis])
        dy = self.check(gradOutput, 'gradOutput', shape)
        if np.shape(self.output) != shape:
            raise self.error(f'expected forward(input) first, for an input of shape {np.shape(input)}')
        y = self.check(self.output, 'output')
        return x, y.reshape(len(x), shape[-1]), dy.reshape(len(x), shape[-1])

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        return self._keep('output', self.compare(self._batch(input, self.input_axis)), np.asarray(input))

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        self.check_parameters()
        return self._keep('gradInput', self.input_gradient(*self._three(input, gradOutput)), np.asarray(input))

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        own = self.parameter_gradients(*self._three(input, gradOutput))
        for gradient, addition in zip(self.parameters()[1], own, strict=True):
            gradient += scale * addition


class Euclidean(Comparing):
    """y_j = |x - w_j|: the distances from templates, the columns of the weight.

    dx = sum_j r_j (x - w_j), dw_j = -r_j (x - w_j), where r_j = dy_j / (y_j + 1e-7).

    Parameters
    ----------
    inputSize, outputSize
        positive whole numbers. Input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or
        ``(N, outputSize)``

    ``fastBackward = False`` lets updateGradInput compute the output anew. W begins uniform in +-1/sqrt(inputSize).

    Torch7 manual: simple.md#nn.Euclidean
    """

    fastBackward: bool = True

    def __init__(self, inputSize: int, outputSize: int):
        super().__init__((inputSize, outputSize))

    def differences(self, x: np.ndarray) -> np.ndarray:
        """x - w_j ``(N, outputSize, inputSize)``, in one buffer for all that need it: so large an array made anew costs
        several times its arithmetic."""
        inputSize, outputSize = self.weight.shape
        differences = self.buffer('_differences', (len(x), outputSize, inputSize))
        return np.subtract(x[:, None, :], self.weight.T.copy(), differences)

    def compare(self, x):
        differences = self.differences(x)
        return np.sqrt(np.vecdot(differences, differences))

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if not self.fastBackward:
            self.updateOutput(input)
        return super().updateGradInput(input, gradOutput)

    def input_gradient(self, x, y, dy):
        return np.matmul((dy / (y + 1e-7))[:, None, :], self.differences(x))[:, 0]

    def parameter_gradients(self, x, y, dy):
        return [np.einsum('nj,nji->ij', -dy / (y + 1e-7), self.differences(x))]


class WeightedEuclidean(Euclidean):
    """y_j = |c_j (x - w_j)|: distances from templates, each with its own learned scale c_j for every dimension.

    dx = sum_j r_j c_j^2 (x - w_j), dw_j = -r_j c_j^2 (x - w_j), dc_j = r_j c_j (x - w_j)^2, where
    r_j = dy_j / (y_j + 1e-7).

    Parameters
    ----------
    inputSize, outputSize
        as in `Euclidean`; c is the parameter ``diagCov`` of shape ``(inputSize, outputSize)``

    W begins uniform in +-1/sqrt(inputSize), c at 1.

    Torch7 manual: simple.md#nn.WeightedEuclidean
    """

    learned = (('weight', 'gradWeight'), ('diagCov', 'gradDiagCov'))
    diagCov: np.ndarray
    gradDiagCov: np.ndarray

    def __init__(self, inputSize: int, outputSize: int):
        positive(self, inputSize, outputSize)
        self.diagCov = np.ones((inputSize, outputSize))
        self.gradDiagCov = np.zeros((inputSize, outputSize))
        super().__init__(inputSize, outputSize)

    def reset(self, stdv: float | None = None) -> Self:
        self.check_parameters()
        super().reset(stdv)
        self.expect_writable('diagCov')
        self.diagCov.fill(1)
        return self

    def compare(self, x):
        scaled = self.differences(x)
        scaled *= self.diagCov.T.copy()
        return np.sqrt(np.vecdot(scaled, scaled))

    def input_gradient(self, x, y, dy):
        scaled = self.differences(x)
        scaled *= np.square(self.diagCov.T.copy())
        return np.matmul((dy / (y + 1e-7))[:, None, :], scaled)[:, 0]

    def parameter_gradients(self, x, y, dy):
        ratios, differences = dy / (y + 1e-7), self.differences(x)
        gradWeight = -np.square(self.diagCov) * np.einsum('nj,nji->ij', ratios, differences)
        differences *= differences
        return [gradWeight, self.diagCov * np.einsum('nj,nji->ij', ratios, differences)]

    accUpdateGradParameters = Module.defaultAccUpdateGradParameters  # shared or not, as in Torch7


class Cosine(Comparing):
    """y_j = w_j . x / (|w_j| |x|): the cosines of the angles with templates, the rows of the weight.

    dx = sum_j dy_j (w_j / |w_j| - y_j x / |x|) / |x|, dw_j = dy_j (x / |x| - y_j w_j / |w_j|) / |w_j|; the norms are
    |.| + 1e-12.

    Parameters
    ----------
    inputSize, outputSize
        positive whole numbers. Input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or
        ``(N, outputSize)``

    W begins uniform in +-1/sqrt(outputSize).

    Torch7 manual: simple.md#nn.Cosine
    """

    input_axis = 1

    def __init__(self, inputSize: int, outputSize: int):
        super().__init__((outputSize, inputSize))

    @staticmethod
    def norms(rows: np.ndarray) -> np.ndarray:
        """The lengths of the rows, as a column."""
        return np.sqrt(np.vecdot(rows, rows))[:, None] + 1e-12

    def compare(self, x):
        return x.dot(self.weight.T) / self.norms(self.weight).T / self.norms(x)

    def input_gradient(self, x, y, dy):
        norms = self.norms(x)
        return ((dy / self.norms(self.weight).T).dot(self.weight) - np.vecdot(dy, y)[:, None] * x / norms) / norms

    def parameter_gradients(self, x, y, dy):
        norms = self.norms(self.weight)
        return [(dy.T.dot(x / self.norms(x)) - np.vecdot(dy.T, y.T)[:, None] * self.weight / norms) / norms]


class PairMeasure(Module):
    """The base of measures of two vectors ``(D,)``, or row by row of two matrices ``(N, D)``; output ``(1,)`` or
    ``(N,)``.

    A layer says `measure(a, b, y)`, which writes into y, and `derivatives(a, b, dy, da, db)`, which writes into da and
    db; all are matrices but y, and dy is of shape ``(N, 1)``.
    """

    table_fields = ('gradInput',)

    def measure(self, a: np.ndarray, b: np.ndarray, y: np.ndarray) -> None:
        """y = f(a, b) for every row."""
        raise self.error('expected measure(a, b, y) in every PairMeasure layer', TypeError)

    def derivatives(self, a: np.ndarray, b: np.ndarray, dy: np.ndarray, da: np.ndarray, db: np.ndarray) -> None:
        """da = df/da dy, db = df/db dy."""
        raise self.error('expected derivatives(a, b, dy, da, db) in every PairMeasure layer', TypeError)

    def _pair(self, input: list[np.ndarray]) -> list[np.ndarray]:
        self.check_parameters()
        input = self.check_tensors(input, 2, alike=True)
        if input[0].ndim not in (1, 2):
            raise self.error(f'expected two vectors or matrices, got {" and ".join(map(describe, input))}')
        return input

    def updateOutput(self, input: list[np.ndarray]) -> np.ndarray:
        a, b = map(np.atleast_2d, self._pair(input))
        output = self.buffer('output', a.shape[:1])
        self.measure(a, b, output)
        return output

    def updateGradInput(self, input: list[np.ndarray], gradOutput: np.ndarray) -> list[np.ndarray]:
        input = self._pair(input)
        a, b = map(np.atleast_2d, input)
        gradOutput = self.check(gradOutput, 'gradOutput')
        if gradOutput.size != len(a):
            raise self.error(f'expected gradOutput of shape ({len(a)},), got shape {gradOutput.shape}')
        gradInput = self.buffer_table('gradInput', input)
        self.derivatives(a, b, gradOutput.reshape(len(a), 1), *map(np.atleast_2d, gradInput))
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
        0 < p < inf; for p = 1 the sign of 0 is drawn

    Raises
    ------
    ValueError
        if p is out of this range, or the input is not two vectors or two matrices of one shape

    Torch7 manual: table.md#nn.PairwiseDistance
    """

    norm: float

    def __init__(self, p: float = 2):
        super().__init__()
        if not 0 < p < np.inf:
            raise ValueError(f'{self.typename}: expected 0 < p < inf, got {p}')
        self.norm = p

    def measure(self, a, b, y):
        if not 0 < self.norm < np.inf:
            raise self.error(f'expected 0 < norm < inf, got {self.norm}')
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
