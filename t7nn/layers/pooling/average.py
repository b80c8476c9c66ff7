"""Average pooling over space and volume.

Torch7 manual: convolution.md
"""

import functools
import math
from typing import NamedTuple, Self

import numpy as np

from ...tensors import in_cache, silent
from .._planes import SumStage, phases_of, sum_stages
from .._windows import chunks
from .base import Geometry, Pooling

__all__ = ['SpatialAveragePooling', 'VolumetricAveragePooling']


class Plan(NamedTuple):
    """How inputs of one size are averaged.

    Attributes
    ----------
    stages
        the sums over windows, and their transpose
    by_phases
        whether the sums are made by `Phases` instead
    divisor
        what the sum of each window is divided by
    """

    geometry: Geometry
    counts: tuple[int, ...]
    stages: list[SumStage]
    by_phases: bool
    divisor: np.ndarray


class AveragePooling(Pooling):
    """The base of average poolings.

    The idea: ``windows(padded(x, pads), kernel, stride).mean(window_axes)``, and each window's gradient, divided by its
    number of elements, added to all of them. Here sums are a few long additions, axis by axis: by a `SumStage`, or by
    `Phases` where windows overlap, which takes 0.7 to 0.9 of the time of stages.
    """

    count_include_pad: bool = True
    divide: bool = True

    def details(self, geometry):
        sizes, counts, kernel, stride, pad, _ = geometry
        lengths = []
        for size, count, k, d, p in zip(sizes, counts, kernel, stride, pad, strict=True):
            start = np.arange(count) * d - p
            end = np.minimum(start + k, size + p)
            lengths.append(end - start if self.count_include_pad else np.minimum(end, size) - np.maximum(start, 0))
        elements = functools.reduce(np.multiply.outer, lengths).astype(self.dtype)
        if not self.divide:
            elements /= math.prod(kernel)
        uniform = (elements == elements.flat[0]).all()
        divisor = elements.reshape(-1)[0] if uniform else elements
        overlapping = any(k > d for k, d in zip(kernel, stride, strict=True))
        many = all(2 * count >= size for count, size in zip(counts, sizes, strict=True))  # else they are more work
        stages = sum_stages(*geometry, last_first=stride[-1] == 1)
        return Plan(geometry, counts, stages, overlapping and many, divisor)

    @in_cache
    def sum_by_phases(self, x: np.ndarray, geometry: Geometry, y: np.ndarray) -> None:
        """As `sum_windows`, by `Phases`."""
        extent, parts, shifts = phases_of(*geometry)
        lengths = [1 + max(phase for phase, _ in axis) for axis in shifts]
        phases = self.scratch('_phases', (*lengths, len(x), *extent))
        phases.fill(0)
        for to, of in parts:
            np.copyto(phases[to], x[of])
        total: np.ndarray = phases.reshape(*lengths, -1)
        for i, axis in reversed(list(enumerate(shifts))):
            # behind the last window the taps have different numbers of elements; what comes out there is not looked at
            count = total.shape[-1] - axis[-1][1]
            first, *others = (total[..., phase, shift : shift + count] for phase, shift in axis)
            total = self.scratch(f'_total{i}', total.shape[:i] + total.shape[-1:])
            sums = total[..., :count]
            if others:
                np.add(first, others[0], out=sums)
            else:
                np.copyto(sums, first)
            for tap in others[1:]:
                np.add(sums, tap, out=sums)
        inside = (slice(None), *map(slice, geometry.counts))
        np.copyto(y, total.reshape(len(x), *extent)[inside])

    @silent  # a window beyond the input, after ceil(), is 0 / 0
    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.images(input)
        x, plan = self.planes(input), self.plan(self.sizes_of(input))
        y = self.result('output', input, plan.counts)
        for part in chunks(len(x), math.prod(x.shape[1:]) * x.itemsize):
            if plan.by_phases:
                self.sum_by_phases(x[part], plan.geometry, y[part])
            else:
                self.sum_windows(x[part], plan.stages, y[part])
            y[part] /= plan.divisor
        return self.output

    @silent
    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        input = self.images(input)
        sizes = self.sizes_of(input)
        plan = self.plan(sizes)
        g, dx = self.gradients(gradOutput, input, plan.counts), self.result('gradInput', input, sizes)
        for part in chunks(len(dx), math.prod(dx.shape[1:]) * dx.itemsize):
            each = np.divide(g[part], plan.divisor, out=self.scratch('_each', g[part].shape))
            self.spread_windows(each, plan.stages, dx[part])
        return self.gradInput


class SpatialAveragePooling(AveragePooling):
    """The mean of every kW x kH window, dW x dH apart (1 by default): (N, planes, H, W) -> (N, planes, oH, oW).

    Padding counts as zeros, unless ``setCountExcludePad()``; what is beyond it, after ``ceil()``, never counts. With
    the field ``divide`` False the result is the sum of the window.

    Parameters
    ----------
    kW, kH, dW, dH
        window and stride, in elements, at least 1
    padW, padH
        zeros on both sides, at most half the kernel

    Output sizes are those of `SpatialMaxPooling`.

    Torch7 manual: convolution.md#nn.SpatialAveragePooling

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialAveragePooling(2, 1).forward(np.array([[[1.0, 3, 6]]])).tolist()
    [[[2.0, 4.5]]]
    """

    kW: int
    kH: int
    dW: int
    dH: int
    padW: int
    padH: int

    def __init__(self, kW: int, kH: int, dW: int = 1, dH: int = 1, padW: int = 0, padH: int = 0):
        super().__init__()
        self.configure((kW, kH), (dW, dH), (padW, padH))
        self.count_include_pad = True
        self.divide = True

    def setCountIncludePad(self) -> Self:
        """Let padding count in the mean, as zeros (the default)."""
        self.count_include_pad = True
        return self

    def setCountExcludePad(self) -> Self:
        """Take the mean of the elements that are not padding."""
        self.count_include_pad = False
        return self


class VolumetricAveragePooling(AveragePooling):
    """The mean of every kT x kW x kH window: (N, planes, T, H, W) -> (N, planes, oT, oH, oW).

    Parameters
    ----------
    kT, kW, kH
        the window, in elements, at least 1
    dT, dW, dH
        the stride, by default the window's size

    Torch7 manual: convolution.md#nn.VolumetricAveragePooling
    """

    axes = 'THW'
    order = 'TWH'
    kT: int
    kW: int
    kH: int
    dT: int
    dW: int
    dH: int
    padT: int
    padW: int
    padH: int

    def __init__(self, kT: int, kW: int, kH: int, dT: int | None = None, dW: int | None = None, dH: int | None = None):
        super().__init__()
        self.configure((kT, kW, kH), (dT, dW, dH), (0, 0, 0))
        self.count_include_pad = True
