"""Poolings whose windows follow from the size that the output is to have.

Torch7 manual: convolution.md
"""

import numpy as np

from ...module import Module
from ...tensors import silent
from .._planes import Planes, Stage, at, outer_sum
from .._windows import MOST, Sizes, times
from .base import LONG
from .maximum import MaxPooling

__all__ = ['SpatialAdaptiveAveragePooling', 'SpatialAdaptiveMaxPooling']


def bounds(size: int, count: int, single: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where each of `count` windows that share out `size` elements starts, and where it ends (not included): at
    floor(i / count size) and ceil((i + 1) / count size).

    With `single` in float32 arithmetic, as in Torch7's adaptive max pooling: a window can so have an element more.

    >>> bounds(5, 3, False)
    (array([0, 1, 3]), array([2, 4, 5]))
    """
    i = np.arange(count + 1)
    if single:
        ends = i.astype(np.float32) / np.float32(count) * np.float32(size)
        return np.floor(ends[:-1]).astype(np.int64), np.minimum(np.ceil(ends[1:]).astype(np.int64), size)
    return i[:-1] * size // count, -(-i[1:] * size // count)


class Adaptive(Planes):
    """The base of poolings to W x H whatever the input's size: (N, planes, H', W') -> (N, planes, H, W)."""

    W: int
    H: int

    def __init__(self, W: int, H: int):
        super().__init__()
        self.W, self.H = W, H

    def counts(self, sizes: Sizes) -> tuple[int, int]:
        """(H, W), checked."""
        if not min(self.W, self.H, *sizes) >= 1 or self.W * self.H > MOST:
            raise self.error(f'expected input and output of at least 1x1, got {times(sizes)} and {self.H}x{self.W}')
        return self.H, self.W

    __str__ = Module.__str__


class SpatialAdaptiveMaxPooling(Adaptive, MaxPooling):
    """The largest element of each of W x H windows that share out the image.

    (N, planes, H', W') -> (N, planes, H, W).

    Parameters
    ----------
    W, H
        the output's width and height, at least 1

    ``indices``, (2, N, planes, H, W), tells row and column in the window,
    both from 1, and 0 where nothing is larger than -inf.

    Torch7 manual: convolution.md#nn.SpatialAdaptiveMaxPooling
    """

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.images(input)
        x = self.planes(input)
        counts = self.counts(x.shape[1:])
        stages: list[Stage] = []
        longest: list[int] = []
        for axis in (1, 0):
            start, end = bounds(x.shape[1 + axis], counts[axis], True)
            longest.insert(0, int((end - start).max()))
            # a window that is shorter than the longest sees its last element again, which is never larger than itself
            taps: list[tuple[tuple | None, tuple]] = [
                (None, at(1 + axis, np.minimum(start + i, end - 1))) for i in range(longest[0])
            ]
            stages.append(Stage((*x.shape[1 : 1 + axis], *counts[axis:]), taps, False))
        y = self.result('output', input, counts)
        rows, columns = self.buffer('indices', (2, *self.output.shape), LONG).reshape(2, *y.shape)
        row, column = (np.append(0, places + 1) for places in np.indices(longest))
        for part, codes in self.pool(x, y, lambda part: stages):
            row.take(codes, out=rows[part], mode='clip')
            column.take(codes, out=columns[part], mode='clip')
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.images(input)
        sizes = self.sizes_of(input)
        counts = self.counts(sizes)
        g = self.gradients(gradOutput, input, counts)
        rows, columns = self.known_indices((2, *self.shape(input, counts))).reshape(2, *g.shape)
        top, left = (bounds(size, count, True)[0] for size, count in zip(sizes, counts, strict=True))
        start = outer_sum([(top - 1) * sizes[1], left])
        self.scatter(
            g,
            self.result('gradInput', input, sizes),
            lambda part: np.where(rows[part] > 0, rows[part] * sizes[1] + columns[part] + start, 0),
        )
        return self.gradInput


class SpatialAdaptiveAveragePooling(Adaptive):
    """The mean of each of W x H windows that share out the image: (N, planes, H', W') -> (N, planes, H, W).

    Parameters
    ----------
    W, H
        the output's width and height, at least 1

    Torch7 manual: convolution.md#nn.SpatialAdaptiveAveragePooling

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialAdaptiveAveragePooling(2, 1).forward(np.array([[[1.0, 3, 6]]])).tolist()
    [[[2.0, 4.5]]]
    """

    @silent
    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.images(input)
        x = self.planes(input)
        counts = self.counts(x.shape[1:])
        across = self.scratch('_across', (*x.shape[:2], counts[1]))
        for i, (start, end) in enumerate(zip(*bounds(x.shape[2], counts[1], False), strict=True)):
            np.mean(x[:, :, start:end], 2, out=across[:, :, i])
        y = self.result('output', input, counts)
        for i, (start, end) in enumerate(zip(*bounds(x.shape[1], counts[0], False), strict=True)):
            np.mean(across[:, start:end], 1, out=y[:, i])
        return self.output

    @silent
    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.images(input)
        sizes = self.sizes_of(input)
        counts = self.counts(sizes)
        g = self.gradients(gradOutput, input, counts)
        across = self.scratch('_across', (len(g), sizes[0], counts[1]))
        across.fill(0)
        for i, (start, end) in enumerate(zip(*bounds(sizes[0], counts[0], False), strict=True)):
            across[:, start:end] += g[:, i : i + 1] / (end - start)
        dx = self.result('gradInput', input, sizes)
        dx.fill(0)
        for i, (start, end) in enumerate(zip(*bounds(sizes[1], counts[1], False), strict=True)):
            dx[:, :, start:end] += across[:, :, i : i + 1] / (end - start)
        return self.gradInput
