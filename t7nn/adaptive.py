"""Poolings that choose their windows by the input's size or at random, and those that take a norm.

Torch7 manual: convolution.md
"""

import math
from typing import Self

import numpy as np

from . import random
from .arithmetic import MulConstant, Power, Sqrt, Square
from .containers import Sequential
from .module import Module
from .planes import Planes, Stage, flat_steps, outer_sum
from .pooling import LONG, MaxPooling, SpatialAveragePooling
from .tensors import describe, number
from .windows import Sizes, times, windows

__all__ = [
    'FeatureLPPooling',
    'SpatialAdaptiveAveragePooling',
    'SpatialAdaptiveMaxPooling',
    'SpatialFractionalMaxPooling',
    'SpatialLPPooling',
    'TemporalDynamicKMaxPooling',
    'VolumetricFractionalMaxPooling',
]


def adaptive_places(size: int, count: int, single: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where each of `count` windows that share out `size` elements starts, and where it ends (not included): at
    floor(i / count size) and ceil((i + 1) / count size).

    With `single` in float32 arithmetic, as in Torch7's adaptive max pooling: a window can so have an element more.

    >>> adaptive_places(5, 3, False)
    (array([0, 1, 3]), array([2, 4, 5]))
    """
    i = np.arange(count + 1)
    if single:
        bounds = i.astype(np.float32) / np.float32(count) * np.float32(size)
        return np.floor(bounds[:-1]).astype(np.int64), np.minimum(np.ceil(bounds[1:]).astype(np.int64), size)
    return i[:-1] * size // count, -(-i[1:] * size // count)


class Adaptive(Planes):
    """The base of poolings to W x H whatever the input's size: (N, planes, H', W') -> (N, planes, H, W)."""

    def __init__(self, W: int, H: int):
        super().__init__()
        self.W, self.H = W, H

    def counts(self, sizes: Sizes) -> tuple[int, int]:
        """(H, W), checked."""
        if min(self.W, self.H, *sizes) < 1:
            raise self.error(f'input and output of at least 1x1 needed, got {times(sizes)} and {self.H}x{self.W}')
        return self.H, self.W

    __str__ = Module.__str__


class SpatialAdaptiveMaxPooling(Adaptive, MaxPooling):
    """The largest element of each of W x H windows that share out the image.

    (N, planes, H', W') -> (N, planes, H, W). ``indices``, (2, N, planes, H, W), tells row and column in the window,
    both from 1, and 0 where nothing is larger than -inf.

    Torch7 manual: convolution.md#nn.SpatialAdaptiveMaxPooling
    """

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        x = self.rows(input)
        counts = self.counts(x.shape[1:])
        stages, longest = [], []
        for axis in (1, 0):
            start, end = adaptive_places(x.shape[1 + axis], counts[axis], True)
            longest.insert(0, int((end - start).max()))
            # a window that is shorter than the longest sees its last element again, which is never larger than itself
            taps = [(None, (slice(None),) * (1 + axis) + (np.minimum(start + i, end - 1),)) for i in range(longest[0])]
            stages.append(Stage((*x.shape[1 : 1 + axis], *counts[axis:]), taps, False, False, False))
        y = self.result('output', input, counts)
        rows, columns = self.buffer('indices', (2, *self.output.shape), LONG).reshape(2, *y.shape)
        row, column = (np.append(0, places + 1) for places in np.indices(longest))
        for part, codes in self.pool(x, y, lambda part: stages):
            row.take(codes, out=rows[part], mode='clip')
            column.take(codes, out=columns[part], mode='clip')
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        sizes = self.image(input)
        counts = self.counts(sizes)
        g = self.gradients(gradOutput, input, counts)
        rows, columns = self.known_indices((2, *gradOutput.shape)).reshape(2, *g.shape)
        top, left = (adaptive_places(size, count, True)[0] for size, count in zip(sizes, counts, strict=True))
        start = outer_sum([(top - 1) * sizes[1], left])
        self.scatter(
            g,
            self.result('gradInput', input, sizes),
            lambda part: np.where(rows[part] > 0, rows[part] * sizes[1] + columns[part] + start, 0),
        )
        return self.gradInput


class FractionalMaxPooling(MaxPooling):
    """The base of max poolings with windows of one size at random distances, drawn for every plane and axis.

    Window i of n starts at trunc((i + u) a) - trunc(u a), where u is uniform in 0..1 and a = (size - pool) / (n - 1);
    the last one ends with the input.
    """

    def configure(self, pool: tuple, out: tuple) -> None:
        """Set the fields from arguments in Torch7's order."""
        if min(pool) < 2:
            raise ValueError(f'{self.typename}: pool size of at least 2 needed, got {times(pool)}')
        self.set_sizes('poolSize', *pool)
        self.randomSamples = None
        self.newRandomPool = False
        if min(out) >= 1:
            self.set_sizes('out', *out)
        elif all(0 < ratio < 1 for ratio in out):
            self.set_sizes('ratio', *out)
        else:
            raise ValueError(f'{self.typename}: output sizes, or ratios within (0, 1), needed, got {out}')

    def fixPoolingRegions(self, val: bool | None = None) -> Self:
        """Keep the regions of the last forward (draw new ones each time with False)."""
        self.newRandomPool = val is None or val
        return self

    def counts(self, sizes: Sizes) -> tuple[int, ...]:
        """The output's sizes, checked."""
        pool = self.sizes('poolSize')
        if hasattr(self, 'outW'):
            counts = self.sizes('out')
        else:
            counts = tuple(
                int(size * getattr(self, 'ratio' + axis)) for axis, size in zip(self.axes, sizes, strict=True)
            )
        if min(counts) < 1:
            raise self.error(f'an output of at least 1 in each direction needed, got {times(counts)} of {times(sizes)}')
        if any(n + k - 1 >= size for n, k, size in zip(counts, pool, sizes, strict=True)):
            raise self.error(
                f'input larger than output + pool size - 1 needed, got {times(sizes)} for output {times(counts)} '
                f'and pool size {times(pool)}'
            )
        return counts

    def starts(self, sizes: Sizes, counts: Sizes) -> list[np.ndarray]:
        """Where the windows of each plane start, one array (planes, windows) an axis."""
        samples = self.randomSamples.reshape(-1, len(sizes))
        found = []
        for axis, (size, count, pool) in enumerate(zip(sizes, counts, self.sizes('poolSize'), strict=True)):
            u = samples[:, -1 - axis, None]  # drawn in the order of Torch7's arguments
            a = self.dtype.type(size - pool) / self.dtype.type(max(count - 1, 1))
            starts = np.trunc((np.arange(count, dtype=self.dtype) + u) * a) - np.trunc(u * a)
            starts[:, -1] = size - pool
            found.append(starts.astype(LONG))
        return found

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        x = self.rows(input)
        sizes = x.shape[1:]
        counts = self.counts(sizes)
        planes = (1, *input.shape[: -len(sizes)])[-2:]
        if self.randomSamples is None or self.randomSamples.shape[:2] != planes or not self.newRandomPool:
            self.randomSamples = random.uniform(out=np.empty((*planes, len(sizes)), self.dtype))
        starts, pool = self.starts(sizes, counts), self.sizes('poolSize')

        def stages(part: slice) -> list[Stage]:
            found = []
            for axis in reversed(range(len(sizes))):
                shape = (*sizes[:axis], *counts[axis:])
                grid = list(np.ix_(range(part.stop - part.start), *map(range, shape)))
                first = starts[axis][part].reshape(-1, *(1,) * axis, counts[axis], *(1,) * (len(sizes) - axis - 1))
                taps = [(None, (*grid[: 1 + axis], first + i, *grid[2 + axis :])) for i in range(pool[axis])]
                found.append(Stage(shape, taps, False, False, False))
            return found

        y = self.result('output', input, counts)
        indices = self.result('indices', input, counts, LONG)
        steps = flat_steps(sizes)
        table = outer_sum([np.arange(k) * step for k, step in zip(pool, steps, strict=True)])
        table = np.append(0, table + 1)
        first = outer_sum([start * step for start, step in zip(starts, steps, strict=True)])
        for part, codes in self.pool(x, y, stages):
            if not codes.min(initial=1):
                raise self.error('an element larger than -inf needed in every window, got one without')
            table.take(codes, out=indices[part], mode='clip')
            indices[part] += first[part]
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        sizes = self.image(input)
        g = self.gradients(gradOutput, input, self.counts(sizes))
        indices = self.split(self.known_indices(gradOutput.shape))
        self.scatter(g, self.result('gradInput', input, sizes), lambda part: indices[part])
        return self.gradInput

    def clearState(self) -> Self:
        super().clearState()
        self.indices = self.randomSamples = None
        return self

    def __str__(self) -> str:
        out = 'x'.join(str(int(getattr(self, 'out' + axis, 0))) for axis in self.order)  # a ratio as %d, as in Torch7
        return f'{self.typename}({out}, {self.listed("poolSize")})'


class SpatialFractionalMaxPooling(FractionalMaxPooling):
    """The largest element of poolSizeW x poolSizeH windows at random distances: (N, planes, H, W) -> (N, planes, outH,
    outW).

    Each forward draws new windows, unless ``fixPoolingRegions()``. ``indices``: the place in the plane, flat, from 1.

    Parameters
    ----------
    arg1, arg2
        outW and outH; or, below 1, the ratios of output to input

    Torch7 manual: convolution.md#nn.SpatialFractionalMaxPooling
    """

    def __init__(self, poolSizeW: int, poolSizeH: int, arg1: float, arg2: float):
        super().__init__()
        self.configure((poolSizeW, poolSizeH), (arg1, arg2))


class VolumetricFractionalMaxPooling(FractionalMaxPooling):
    """`SpatialFractionalMaxPooling` with time, which here is the last axis: (N, planes, H, W, T).

    Torch7 manual: convolution.md#nn.VolumetricFractionalMaxPooling
    """

    axes = 'HWT'
    order = 'TWH'

    def __init__(self, poolSizeT: int, poolSizeW: int, poolSizeH: int, arg1: float, arg2: float, arg3: float):
        super().__init__()
        self.configure((poolSizeT, poolSizeW, poolSizeH), (arg1, arg2, arg3))


class TemporalDynamicKMaxPooling(Module):
    """The k largest of all frames, in the order in which they come: (N, T, planes) -> (N, k, planes), where
    k = max(minK, ceil(factor T)). ``indices``: their frames, from 1.

    Torch7 manual: convolution.md#nn.TemporalDynamicKMaxPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.TemporalDynamicKMaxPooling(2).forward(np.array([[3.0], [1], [2], [4]])).tolist()
    [[3.0], [4.0]]
    """

    cleared = (*Module.cleared, 'indices')

    def __init__(self, minK: int, factor: float = 0):
        super().__init__()
        self.minK, self.factor = minK, factor
        self.indices = None

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check(input)
        if input.ndim not in (2, 3):
            raise self.error(f'input of Txplanes, or a batch of such, needed, got {describe(input)}')
        frames = input.shape[-2]
        k = max(self.minK, math.ceil(self.factor * frames))
        if not 1 <= k <= frames:
            raise self.error(f'input of at least k = {k} frames, and k of at least 1, needed, got {describe(input)}')
        order = frames - 1 - input[..., ::-1, :].argsort(-2, kind='stable')  # of equal frames the first is the largest
        places = np.sort(order[..., frames - k :, :], -2)
        self.indices = places + 1
        np.copyto(self.buffer('output', places.shape), np.take_along_axis(input, places, -2))
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        if self.indices is None or self.indices.size == 0:
            raise self.error('forward needed first')
        self.check(input)
        self.check(gradOutput, 'gradOutput', self.indices.shape)
        gradInput = self.buffer_like('gradInput', input)
        gradInput.fill(0)
        np.put_along_axis(gradInput, self.indices - 1, gradOutput, -2)
        return gradInput


class SpatialAdaptiveAveragePooling(Adaptive):
    """The mean of each of W x H windows that share out the image: (N, planes, H', W') -> (N, planes, H, W).

    Torch7 manual: convolution.md#nn.SpatialAdaptiveAveragePooling

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialAdaptiveAveragePooling(2, 1).forward(np.array([[[1.0, 3, 6]]])).tolist()
    [[[2.0, 4.5]]]
    """

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        x = self.rows(input)
        counts = self.counts(x.shape[1:])
        across = self.scratch('_across', (*x.shape[:2], counts[1]))
        for i, (start, end) in enumerate(zip(*adaptive_places(x.shape[2], counts[1], False), strict=True)):
            np.mean(x[:, :, start:end], 2, out=across[:, :, i])
        y = self.result('output', input, counts)
        for i, (start, end) in enumerate(zip(*adaptive_places(x.shape[1], counts[0], False), strict=True)):
            np.mean(across[:, start:end], 1, out=y[:, i])
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        sizes = self.image(input)
        counts = self.counts(sizes)
        g = self.gradients(gradOutput, input, counts)
        across = self.scratch('_across', (len(g), sizes[0], counts[1]))
        across.fill(0)
        for i, (start, end) in enumerate(zip(*adaptive_places(sizes[0], counts[0], False), strict=True)):
            across[:, start:end] += g[:, i : i + 1] / (end - start)
        dx = self.result('gradInput', input, sizes)
        dx.fill(0)
        for i, (start, end) in enumerate(zip(*adaptive_places(sizes[1], counts[1], False), strict=True)):
            dx[:, :, start:end] += across[:, :, i : i + 1] / (end - start)
        return self.gradInput


class SpatialLPPooling(Sequential):
    """The p-norm of every kW x kH window, dW x dH apart (kW x kH by default): (sum of x^p)^(1/p), a Sequential of
    Power, SpatialAveragePooling, MulConstant and Power (Square and Sqrt for p = 2).

    Torch7 manual: convolution.md#nn.SpatialLPPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialLPPooling(1, 2, 2, 1).forward(np.array([[[3.0, 4, 6, 8]]])).tolist()
    [[[5.0, 10.0]]]
    """

    def __init__(self, nInputPlane: int, pnorm: float, kW: int, kH: int, dW: int | None = None, dH: int | None = None):
        super().__init__()
        self.kW, self.kH = kW, kH
        self.dW, self.dH = kW if dW is None else dW, kH if dH is None else dH
        self.add(Square() if pnorm == 2 else Power(pnorm))
        self.add(SpatialAveragePooling(kW, kH, self.dW, self.dH))
        self.add(MulConstant(kW * kH))
        self.add(Sqrt() if pnorm == 2 else Power(1 / pnorm))


class FeatureLPPooling(Module):
    """The p-norm of every `width` features, `stride` apart: y = (sum of x^power)^(1/power).

    Features are the first dimension, with `batch_mode` the second one; up to two more may follow.

    Parameters
    ----------
    width
        2 to 16
    stride
        1 to 4

    Torch7 manual: convolution.md#nn.FeatureLPPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.FeatureLPPooling(2, 2, 2, False).forward(np.array([3.0, 4, 6, 8])).tolist()
    [5.0, 10.0]
    """

    def __init__(self, width: int, stride: int, power: float, batch_mode: bool = False):
        super().__init__()
        if not 2 <= width <= 16:
            raise ValueError(f'{self.typename}: width must be within 2 to 16, got {width}')
        if not 1 <= stride <= 4:
            raise ValueError(f'{self.typename}: stride must be within 1 to 4, got {stride}')
        self.width, self.stride, self.power, self.batch_mode = width, stride, power, bool(batch_mode)

    def _windows(self, tensor: np.ndarray) -> np.ndarray:
        """All windows of `tensor`: their elements' axis stands before the features'."""
        return windows(tensor, (self.width,), (self.stride,), axis=int(self.batch_mode))

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check(input)
        axis = int(self.batch_mode)
        if not 1 + axis <= input.ndim <= 3 + axis:
            raise self.error(f'input of {1 + axis} to {3 + axis} dimensions needed, got {describe(input)}')
        if input.shape[axis] < self.width:
            raise self.error(f'at least {self.width} features in dimension {axis + 1} needed, got {describe(input)}')
        count = (input.shape[axis] - self.width) // self.stride + 1
        output = self.buffer('output', (*input.shape[:axis], count, *input.shape[axis + 1 :]))
        with np.errstate(invalid='ignore', divide='ignore', over='ignore'):
            powers = np.power(input, self.power, dtype=np.float64)  # as in Torch7, also for float32
            np.copyto(output, np.power(self._windows(powers).sum(axis), 1 / self.power), casting='same_kind')
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check(input)
        self.check(gradOutput, 'gradOutput', self.output.shape)
        gradInput = self.buffer_like('gradInput', input)
        gradInput.fill(0)
        axis = int(self.batch_mode)
        x, dx = self._windows(input), self._windows(gradInput)
        y = np.where(self.output == 0, 1, self.output)
        g = np.where(self.output == 0, 0, gradOutput)  # a window whose norm is 0 passes nothing on
        for i in range(self.width):
            place = (slice(None),) * axis + (i,)
            with np.errstate(invalid='ignore', divide='ignore', over='ignore'):
                dx[place] += g * np.power(x[place] / y, self.power - 1)
        return gradInput

    def __str__(self) -> str:
        return f'{self.typename}(w{self.width} s{self.stride} power {number(self.power)} batch {int(self.batch_mode)})'
