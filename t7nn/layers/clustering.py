"""Layers that find clusters in their input.

Torch7 source: Kmeans.lua
"""

import math
from typing import Self

import numpy as np

from .. import random
from ..module import Module
from ..tensors import real

__all__ = ['Kmeans']


class Kmeans(Module):
    """y_i = the number, from 1, of the centre c_k that is nearest to row x_i: k-means, learned by gradient descent.

    The loss, the sum of the squared distances |x_i - c_k|^2 to the nearest centres, lies in ``loss`` after `forward`.
    dc_k = -mean of (x_i - c_k) over the rows that are nearest to c_k, so a step with rate 1 puts each centre into the
    middle of its rows. The layer has its own loss, so gradOutput is not looked at and dx = 0.

    Parameters
    ----------
    k
        the number of centres, at least 1
    dim
        the size of a row, at least 1: input ``(N, dim)``, output ``(N,)``
    scale
        > 0; multiplies gradients in the place of the `scale` that `accGradParameters` is called with

    The centres, in ``weight`` ``(k, dim)``, begin uniform in -1..1; `initRandom` and `initKmeansPlus` choose them among
    the rows of an input.

    >>> import numpy as np, t7nn as nn
    >>> layer, x = nn.Kmeans(2, 1), np.array([[0.0], [1.0], [5.0], [7.0]])
    >>> layer.weight[:] = [[0.0], [5.0]]
    >>> layer.forward(x), layer.loss
    (array([1., 1., 2., 2.]), 5.0)
    >>> layer.backwardUpdate(x, None, 1)[0], layer.weight.round(3)
    (array([0.]), array([[0.5],
           [6. ]]))

    Raises
    ------
    ValueError
        if `k`, `dim` or `scale` is not positive

    Torch7 source: Kmeans.lua
    """

    learned = (('weight', 'gradWeight'),)
    k: int
    dim: int
    scale: float | None = None
    weight: np.ndarray
    gradWeight: np.ndarray
    #: the sum of squared distances to the nearest centres in the last forward
    loss: float
    #: how many rows were nearest to each centre in the last accGradParameters
    clusterSampleCount: np.ndarray
    #: the share of `initKmeansPlus`
    p: float | None = None

    def __init__(self, k: int, dim: int, scale: float | None = None):
        super().__init__()
        for name, value in (('k', k), ('dim', dim)):
            if value < 1:
                raise self.error(f'expected {name} of at least 1, got {value}')
        if scale is not None and not scale > 0:
            raise self.error(f'expected scale > 0, got {scale}')
        self.k, self.dim, self.scale = k, dim, scale
        self.weight, self.gradWeight = np.zeros((k, dim)), np.zeros((k, dim))
        self.loss = 0.0
        self.clusterSampleCount = np.zeros(k)
        self.reset()

    def reset(self, stdv: float | None = None) -> Self:
        """Draw the centres uniformly within -stdv..stdv, -1..1 where no `stdv` is given."""
        bound = 1 if stdv is None else stdv
        self.expect_writable('weight')
        random.uniform(-bound, bound, out=self.weight)
        return self

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        centres = self.k, self.dim
        return {'weight': centres, 'gradWeight': centres}

    def _rows(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        self.shape_of('weight', 2)
        input = self.check(input)
        if input.ndim != 2 or input.shape[1] != self.dim:
            raise self.error(f'expected input of shape (N, {self.dim}), got shape {input.shape}')
        return input

    def initRandom(self, input: np.ndarray) -> None:
        """Let the centres be rows of `input` ``(N, dim)``, N at least k, drawn at random; one may come twice."""
        input = self._rows(input)
        if len(input) < self.k:
            raise self.error(f'expected at least k = {self.k} rows to begin with, got {len(input)}')
        chosen = random.random(1, len(input), out=np.zeros(self.k))
        self.weight[...] = input[chosen.astype(np.int64) - 1]

    def initKmeansPlus(self, input: np.ndarray, p: float | None = None) -> None:
        """Let the centres be rows of `input` ``(N, dim)`` that are far from one another, one after the other.

        Each is drawn from the share 1 - p, 0 <= p <= 1, of rows that are farthest from the centres so far; p is 0.95,
        or that of the last call.
        """
        input = self._rows(input)
        share = (0.95 if self.p is None else self.p) if p is None else real(p, 'p')
        if not 0 <= share <= 1:
            raise self.error(f'expected p in [0, 1], got {share}')
        if not len(input):
            raise self.error('expected at least one row to begin with, got none')
        self.p = share
        farthest = max(math.ceil((1 - share) * len(input)), 1)
        self.weight[0] = input[random.random(len(input)) - 1]
        distances = np.full(len(input), np.inf)
        for k in range(1, self.k):
            np.minimum(distances, np.square(input - self.weight[k - 1]).sum(1), out=distances)
            order = np.argsort(-distances, kind='stable')
            self.weight[k] = input[order[random.random(farthest) - 1]]

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._rows(input)
        squares = np.square(input[:, None] - self.weight).sum(2)
        output = self.buffer('output', input.shape[:1])
        output[...] = squares.argmin(1) + 1
        self.loss = float(squares.min(1).sum())
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray | None = None) -> np.ndarray:
        gradInput = self.buffer('gradInput', self._rows(input).shape)
        gradInput.fill(0)
        return gradInput

    def _gradient(self, input: np.ndarray) -> np.ndarray:
        input = self._rows(input)
        if np.shape(self.output) != input.shape[:1]:
            raise self.error(f'expected forward(input) first, for an input of shape {input.shape}')
        nearest = self.zero_based(self.output, self.k, 'output')
        self.clusterSampleCount = np.bincount(nearest, minlength=self.k).astype(self.dtype)
        sums = np.zeros_like(self.weight)
        np.add.at(sums, nearest, self.weight[nearest] - input)
        return sums / (self.clusterSampleCount + 1e-7)[:, None]  # so that a centre without rows has no gradient

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray | None = None, scale: float = 1) -> None:
        self.check_gradients()
        gradient = self._gradient(input)
        self.gradWeight += (self.scale or scale) * gradient

    def accUpdateGradParameters(self, input: np.ndarray, gradOutput: np.ndarray | None, lr: float) -> None:
        gradient = self._gradient(input)
        self.expect_writable('weight')
        self.weight -= self.number(lr, 'lr') * (self.scale or 1) * gradient
