"""Unpooling: what max pooling took goes back to where it was.

Torch7 manual: convolution.md
"""

import math
from typing import Any

import numpy as np

from ...tensors import describe
from .._planes import Planes
from .._windows import times
from .base import SIZES
from .maximum import RegularMaxPooling, SpatialMaxPooling, VolumetricMaxPooling

__all__ = ['SpatialMaxUnpooling', 'VolumetricMaxUnpooling']


class MaxUnpooling(Planes):
    """The base of unpoolings: every element goes back to where its pooling module found it, all others are 0."""

    cleared = (*Planes.cleared, 'indices')
    indices: np.ndarray | None = None
    pooling: RegularMaxPooling
    pooled: type[RegularMaxPooling]

    def __init__(self, poolingModule: RegularMaxPooling):
        super().__init__()
        self._expect_pooling(poolingModule)
        self.pooling = poolingModule

    def _expect_pooling(self, pooling: Any) -> None:
        if type(pooling) is not self.pooled:
            raise TypeError(f'{self.typename}: expected a {self.pooled.typename} module, got {describe(pooling)}')
        if pooling.sizes('k') != pooling.sizes('d'):
            raise ValueError(f'{self.typename}: expected a pooling whose stride is its kernel, got {pooling}')

    def setParams(self) -> None:
        """Take over what the pooling module found: its ``indices``, and the sizes of its input."""
        self._expect_pooling(self.pooling)
        self.pooling.check_parameters()
        self.indices = self.pooling.indices
        for axis in self.axes:
            setattr(self, 'o' + SIZES[axis], getattr(self.pooling, 'i' + SIZES[axis], 0))

    def targets(self, input: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
        """The sizes of the pooling's input, and the position, flat in all its planes, that each element of `input`
        goes to."""
        self.setParams()
        known = getattr(self.indices, 'shape', ())
        if input.shape != known:
            raise self.error(f'expected input of the shape of the pooling, {known}, got {describe(input)}')
        sizes = tuple([getattr(self, 'o' + SIZES[axis]) for axis in self.axes])
        if not all(size and size > 0 for size in sizes):
            raise self.error(f'expected forward of {self.pooling} first, got an input of sizes {sizes} there')
        plan = self.pooling.plan(sizes)
        shape = self.shape(input, plan.counts)
        positions = self.pooling.positions(self.planes(self.pooling.known_indices(shape)), plan.geometry)
        size = math.prod(sizes)
        if positions.min(initial=1) < 1 or positions.max(initial=1) > size:
            raise self.error(
                f'found an invalid max index (output volumes are of size {times(sizes)}), expected 1 to {size}'
            )
        return sizes, positions + (np.arange(len(positions)) * size - 1).reshape(-1, *(1,) * len(sizes))

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.images(input)
        sizes, targets = self.targets(input)
        y = self.result('output', input, sizes)
        y.fill(0)
        y.reshape(-1)[targets] = self.planes(input)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.images(input)
        sizes, targets = self.targets(input)
        g = self.gradients(gradOutput, input, sizes)
        g.reshape(-1).take(targets, out=self.result('gradInput', input, targets.shape[1:]), mode='clip')
        return self.gradInput

    def __str__(self) -> str:
        return f'{self.typename} associated to {self.pooling}'


class SpatialMaxUnpooling(MaxUnpooling):
    """Undoes a `SpatialMaxPooling` whose stride is its kernel: each element goes back to where the pooling module found
    it in its last forward, all others are 0.

    Parameters
    ----------
    poolingModule
        the pooling, whose forward comes first

    Torch7 manual: convolution.md#nn.SpatialMaxUnpooling

    >>> import numpy as np, t7nn as nn
    >>> pool = nn.SpatialMaxPooling(2, 1)
    >>> net = nn.Sequential().add(pool).add(nn.SpatialMaxUnpooling(pool))
    >>> net.forward(np.array([[[1.0, 3, 4, 2]]])).tolist()
    [[[0.0, 3.0, 4.0, 0.0]]]
    """

    pooled = SpatialMaxPooling
    oheight: int | None = None
    owidth: int | None = None


class VolumetricMaxUnpooling(MaxUnpooling):
    """Undoes a `VolumetricMaxPooling` whose stride is its kernel, as `SpatialMaxUnpooling` does.

    Parameters
    ----------
    poolingModule
        the pooling, whose forward comes first

    Torch7 manual: convolution.md#nn.VolumetricMaxUnpooling
    """

    axes = 'THW'
    order = 'TWH'
    pooled = VolumetricMaxPooling
    otime: int | None = None
    oheight: int | None = None
    owidth: int | None = None
