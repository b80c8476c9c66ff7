"""Layers that compare their input with learned templates.

Torch7 manual: simple.md
"""

from typing import Self

import numpy as np

from .linear import draw
from .module import Module
from .tensors import describe

__all__ = ['Cosine', 'Euclidean', 'WeightedEuclidean']


class Comparing(Module):
    """The base of layers that compare a vector, or each row of a batch, with learned templates, the ``weight``.

    A layer says `compare(x)` for a batch x, `input_gradient(x, y, dy)` and `parameter_gradients(x, y, dy)`.
    """

    input_axis: int = 0  # of the weight; the other one counts the templates

    def __init__(self, shape: tuple[int, int]):
        super().__init__()
        self.weight, self.gradWeight = np.zeros(shape), np.zeros(shape)
        self.reset()

    def reset(self, stdv: float | None = None) -> Self:
        """Draw the templates uniformly with standard deviation `stdv`."""
        draw(self.weight, len(self.weight), stdv)
        return self

    def compare(self, x: np.ndarray) -> np.ndarray:
        """y ``(N, outputSize)`` from x ``(N, inputSize)``."""
        raise self.error('compare(x) needed in every Comparing layer', TypeError)

    def input_gradient(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """dx."""
        raise self.error('input_gradient(x, y, dy) needed in every Comparing layer', TypeError)

    def parameter_gradients(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> list[np.ndarray]:
        """The gradients of the parameters, summed over the batch."""
        raise self.error('parameter_gradients(x, y, dy) needed in every Comparing layer', TypeError)

    def _batch(self, tensor: np.ndarray, axis: int, what: str = 'input') -> np.ndarray:
        self.check(tensor, what)
        size = self.weight.shape[axis]
        if tensor.ndim not in (1, 2) or tensor.shape[-1] != size:
            raise self.error(f'{what} of size {size} needed, a vector or a batch of them, got {describe(tensor)}')
        return tensor.reshape(-1, size)

    def _keep(self, name: str, values: np.ndarray, like: np.ndarray) -> np.ndarray:
        kept = self.buffer(name, (*like.shape[:-1], values.shape[1]))
        kept[...] = values.reshape(kept.shape)
        return kept

    def _three(self, input: np.ndarray, gradOutput: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self.check(gradOutput, 'gradOutput', (*input.shape[:-1], self.output.shape[-1]))
        x = self._batch(input, self.input_axis)
        return (x, *(self._batch(each, 1 - self.input_axis, 'gradOutput') for each in (self.output, gradOutput)))

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        return self._keep('output', self.compare(self._batch(input, self.input_axis)), input)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        return self._keep('gradInput', self.input_gradient(*self._three(input, gradOutput)), input)

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        own = self.parameter_gradients(*self._three(input, gradOutput))
        for gradient, addition in zip(self.parameters()[1], own, strict=True):
            gradient += scale * addition


class Euclidean(Comparing):
    """y_j = |x - w_j|: the distances from templates, the columns of the weight.

    dx = sum_j r_j (x - w_j), dw_j = -r_j (x - w_j), where r_j = dy_j / (y_j + 1e-7).

    Parameters
    ----------
    inputSize, outputSize
        input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or ``(N, outputSize)``

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

    def __init__(self, inputSize: int, outputSize: int):
        self.diagCov = np.ones((inputSize, outputSize))
        self.gradDiagCov = np.zeros((inputSize, outputSize))
        super().__init__(inputSize, outputSize)

    def reset(self, stdv: float | None = None) -> Self:
        super().reset(stdv)
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
        input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or ``(N, outputSize)``

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
