"""Unpooling: what max pooling took goes back to where it was.

Torch7 manual: convolution.md
"""

import math

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
    pooled: type[RegularMaxPooling]

    def __init__(self, poolingModule: RegularMaxPooling):
        super().__init__()
        if type(poolingModule) is not self.pooled:
            raise TypeError(f'{self.typename}: expected a {self.pooled.typename} module, got {poolingModule}')
        if poolingModule.sizes('k') != poolingModule.sizes('d'):
            raise ValueError(f'{self.typename}: expected a pooling whose stride is its kernel, got {poolingModule}')
        self.pooling = poolingModule

    def setParams(self) -> None:
        """Take over what the pooling module found: its ``indices``, and the sizes of its input."""
        self.indices = self.pooling.indices
        for axis in self.axes:
            setattr(self, 'o' + SIZES[axis], getattr(self.pooling, 'i' + SIZES[axis], 0))

    def places(self, input: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
        """The sizes of the pooling's input, and where in all its planes, flat, each element of `input` goes."""
        self.image(input)
        self.setParams()
        if self.indices.shape != input.shape:
            raise self.error(f'expected input of the shape of the pooling, {self.indices.shape}, got {describe(input)}')
        sizes = tuple(getattr(self, 'o' + SIZES[axis]) for axis in self.axes)
        at = self.pooling.places(self.split(self.indices), self.pooling.plan(sizes).geometry)
        size = math.prod(sizes)
        if at.min(initial=1) < 1 or at.max(initial=1) > size:
            raise self.error(f'found an invalid max index (output volumes are of size {times(sizes)})')
        return sizes, at + (np.arange(len(at)) * size - 1).reshape(-1, *(1,) * len(sizes))

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        sizes, at = self.places(input)
        y = self.result('output', input, sizes)
        y.fill(0)
        y.reshape(-1)[at] = self.split(input)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        sizes, at = self.places(input)
        g = self.gradients(gradOutput, input, sizes)
        g.reshape(-1).take(at, out=self.result('gradInput', input, at.shape[1:]), mode='clip')
        return self.gradInput

    def __str__(self) -> str:
        return f'{self.typename} associated to {self.pooling}'


class SpatialMaxUnpooling(MaxUnpooling):
    """Undoes a `SpatialMaxPooling` whose stride is its kernel: each element goes back to where the pooling module found
    it in its last forward, all others are 0.

    Torch7 manual: convolution.md#nn.SpatialMaxUnpooling

    >>> import numpy as np, t7nn as nn
    >>> pool = nn.SpatialMaxPooling(2, 1)
    >>> net = nn.Sequential().add(pool).add(nn.SpatialMaxUnpooling(pool))
    >>> net.forward(np.array([[[1.0, 3, 4, 2]]])).tolist()
    [[[0.0, 3.0, 4.0, 0.0]]]
    """

    pooled = SpatialMaxPooling


class VolumetricMaxUnpooling(MaxUnpooling):
    """Undoes a `VolumetricMaxPooling` whose stride is its kernel, as `SpatialMaxUnpooling` does.

    Torch7 manual: convolution.md#nn.VolumetricMaxUnpooling
    """

    axes = 'THW'
    order = 'TWH'
    pooled = VolumetricMaxPooling
