"""Layers that enlarge images.

Torch7 manual: convolution.md, simple.md#nn.PixelShuffle
"""

import math
from typing import Any

import numpy as np

from ..module import Module
from ..tensors import describe, silent
from ._planes import Resampling, sum_stages
from ._windows import MOST, Sizes, chunks, times

__all__ = ['PixelShuffle', 'SpatialUpSamplingBilinear', 'SpatialUpSamplingNearest', 'UpSampling']


class Enlarging(Resampling):
    """The base of up-sampling layers: to a multiple of the size, or to given sizes."""

    scale_factor: int | None = None
    oheight: int | None = None
    owidth: int | None = None

    def set_scale(self, scale: Any) -> None:
        """Set ``scale_factor``, a whole number of at least 1."""
        self.scale_factor = self._whole(scale)
        if self.scale_factor is None or self.scale_factor < 1:
            raise ValueError(f'{self.typename}: expected scale_factor as a whole number of at least 1, got {scale}')

    @staticmethod
    def _whole(number: Any) -> int | None:
        """`number` as int, None where it is no whole number."""
        whole = isinstance(number, (int, float, np.integer)) and not isinstance(number, bool) and number % 1 == 0
        return int(number) if whole else None

    def set_given_sizes(self, params: dict[str, int], *names: str) -> None:
        """Set the fields of these `names` to what `params` has under them."""
        for name in names:
            size = self._whole(params.get(name))
            if size is None and params.get(name) is not None:
                raise ValueError(f'{self.typename}: expected whole numbers as {", ".join(names)}, got {params}')
            setattr(self, name, size)

    def given_sizes(self) -> tuple[int | None, ...]:
        """The output's sizes where there is no ``scale_factor``."""
        return self.oheight, self.owidth

    def output_sizes(self, sizes: Sizes) -> tuple[int, ...]:
        given = self.given_sizes() if self.scale_factor is None else [size * self.scale_factor for size in sizes]
        counts = [size or 0 for size in given]
        if min(*sizes, *counts) < 1:
            raise self.error(f'expected sizes of at least 1, got {times(sizes)} for an output of {times(counts)}')
        if math.prod(counts) > MOST:
            raise self.error(f'expected an output of at most {MOST} elements a plane, got {times(counts)}')
        return tuple(counts)

    # nearest: each element stands for a window as large as the factor

    def nearest(self, sizes: Sizes, counts: Sizes) -> list:
        """The windows of output, one for each element of input."""
        if self.scale_factor is None:
            raise self.error('expected a scale_factor for nearest-neighbour up-sampling, got nil')
        factor = (self.scale_factor,) * len(sizes)
        return sum_stages(tuple(counts), tuple(sizes), factor, factor, (0,) * len(sizes), (1,) * len(sizes))

    @silent
    def nearest_output(self, input: np.ndarray) -> np.ndarray:
        """Write ``output``, where every element is repeated."""
        input = self.images(input)
        sizes = self.sizes_of(input)
        counts = self.output_sizes(sizes)
        x, y, stages = self.planes(input), self.result('output', input, counts), self.nearest(sizes, counts)
        for part in chunks(len(y), math.prod(counts) * y.itemsize):
            self.spread_windows(x[part], stages, y[part])
        return self.output

    @silent
    def nearest_gradient(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        """Write ``gradInput``, the sum over all repetitions."""
        input = self.images(input)
        sizes = self.sizes_of(input)
        counts = self.output_sizes(sizes)
        g, dx = self.gradients(gradOutput, input, counts), self.result('gradInput', input, sizes)
        stages = self.nearest(sizes, counts)
        for part in chunks(len(g), math.prod(counts) * g.itemsize):
            self.sum_windows(g[part], stages, dx[part])
        return self.gradInput

    # linear: the corners of input and output are the same points

    def terms(self, axis, size, count):
        point = np.arange(count, dtype=np.float32) * (np.float32(size - 1) / np.float32(max(count - 1, 1)))
        index = point.astype(np.int64)  # points in float32, as in Torch7
        weight = (point - index.astype(np.float32)).astype(self.dtype)
        if not weight.any():
            return [(index, None)]
        return [(index, 1 - weight), (np.minimum(index + 1, size - 1), weight)]


class SpatialUpSamplingNearest(Enlarging):
    """Every element becomes a square of scale x scale: (N, planes, H, W) -> (N, planes, scale H, scale W).

    Parameters
    ----------
    scale
        a whole number of at least 1

    Torch7 manual: convolution.md#nn.SpatialUpSamplingNearest

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialUpSamplingNearest(2).forward(np.array([[[1.0, 2]]])).tolist()
    [[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]
    """

    def __init__(self, scale: float):
        super().__init__()
        self.set_scale(scale)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        return self.nearest_output(input)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        return self.nearest_gradient(input, gradOutput)


class SpatialUpSamplingBilinear(Enlarging):
    """Bilinear interpolation, corners upon corners: (N, planes, H, W) -> (N, planes, oheight, owidth).

    Parameters
    ----------
    params
        the factor of both sizes, a whole number of at least 1; or a dict ``{'oheight': ..., 'owidth': ...}`` of the
        output's sizes

    Torch7 manual: convolution.md#nn.SpatialUpSamplingBilinear

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialUpSamplingBilinear({'oheight': 1, 'owidth': 3}).forward(np.array([[[1.0, 2]]])).tolist()
    [[[1.0, 1.5, 2.0]]]
    """

    def __init__(self, params: int | dict[str, int]):
        super().__init__()
        if isinstance(params, dict):
            self.set_given_sizes(params, 'owidth', 'oheight')
            if self.owidth is None or self.oheight is None:
                raise ValueError(f'{self.typename}: expected owidth and oheight, got {params}')
        else:
            self.set_scale(params)

    def __str__(self) -> str:
        sizes = f'{self.oheight}, {self.owidth}' if self.scale_factor is None else self.scale_factor
        return f'{self.typename}({sizes})'


class UpSampling(Enlarging):
    """Nearest or linear up-sampling of batches of images (N, planes, H, W) or of volumes (N, planes, D, H, W).

    Parameters
    ----------
    params
        the factor of all sizes, a whole number of at least 1; or, for linear interpolation, a dict with ``oheight``,
        ``owidth`` and, for volumes, ``odepth``, the sizes of the output
    mode
        ``'linear'`` (also ``'bilinear'``, ``'trilinear'``), corners upon corners; anything else is ``'nearest'``

    Torch7 manual: convolution.md#nn.UpSampling

    >>> import numpy as np, t7nn as nn
    >>> nn.UpSampling(2).forward(np.array([[[[1.0, 2]]]])).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """

    mode: str
    odepth: int | None = None
    #: the axes of the last input, by which images and volumes are told from one another
    _axes = 'HW'

    @property
    def axes(self) -> str:  # type: ignore[override]  # a property: the engine reads it and sets it nowhere
        return self._axes

    def __init__(self, params: int | dict[str, int], mode: str = 'nearest'):
        super().__init__()
        self.mode = 'linear' if mode in ('linear', 'bilinear', 'trilinear') else 'nearest'
        if isinstance(params, dict):
            if self.mode == 'nearest':
                raise ValueError(
                    f'{self.typename}: expected a scale_factor for nearest-neighbour up-sampling, got {params}'
                )
            self.set_given_sizes(params, 'odepth', 'owidth', 'oheight')
            if self.owidth is None or self.oheight is None:
                raise ValueError(f'{self.typename}: expected owidth and oheight, got {params}')
        else:
            self.set_scale(params)

    def images(self, tensor, what='input'):
        self.check_parameters()
        tensor = self.check(tensor, what)
        if tensor.ndim not in (4, 5):
            raise self.error(f'expected {what} of Nxplanesx[D]xHxW, got {describe(tensor)}')
        self._axes = 'DHW'[-(tensor.ndim - 2) :]
        return tensor

    def given_sizes(self):
        if self.axes == 'HW':
            return self.oheight, self.owidth
        if self.odepth is None:
            raise self.error('expected odepth for volumes, got none')
        return self.odepth, self.oheight, self.owidth

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        return self.nearest_output(input) if self.mode == 'nearest' else super().updateOutput(input)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        if self.mode == 'nearest':
            return self.nearest_gradient(input, gradOutput)
        return super().updateGradInput(input, gradOutput)

    def __str__(self) -> str:
        if self.scale_factor is not None:
            size = f'{self.scale_factor}x'
        else:
            size = times([n for n in (self.odepth, self.oheight, self.owidth) if n is not None])
        return f'{self.typename}({size}, {self.mode})'


class PixelShuffle(Module):
    """Channels become pixels: ``(C r^2, H, W)``, or a batch of such, becomes ``(C, r H, r W)``.

    y[c, r h + i, r w + j] = x[r^2 c + r i + j, h, w], counted from 0, with r the `upscaleFactor`.

    Parameters
    ----------
    upscaleFactor
        r, at least 1

    Torch7 manual: simple.md#nn.PixelShuffle
    """

    upscaleFactor: int

    def __init__(self, upscaleFactor: int):
        super().__init__()
        if upscaleFactor < 1:
            raise ValueError(f'{self.typename}: expected upscaleFactor of at least 1, got {upscaleFactor}')
        self.upscaleFactor = upscaleFactor

    def _pixels(self, shuffled: np.ndarray) -> np.ndarray:
        """A tensor of the output's shape, seen as (..., C, r, r, H, W)."""
        r = self.upscaleFactor
        *batch, channels, height, width = shuffled.shape
        split = shuffled.reshape(*batch, channels, height // r, r, width // r, r)
        return np.moveaxis(split, (-3, -1), (-4, -3))

    def _shape(self, input: np.ndarray) -> tuple[int, ...]:
        """The shape of the output."""
        self.check_parameters()
        r = self.upscaleFactor
        if r < 1:
            raise self.error(f'expected upscaleFactor of at least 1, got {r}')
        if input.ndim not in (3, 4) or input.shape[-3] % r**2:
            raise self.error(f'expected 3D or 4D input with a multiple of {r**2} channels, got shape {input.shape}')
        *batch, channels, height, width = input.shape
        return (*batch, channels // r**2, height * r, width * r)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.check(input)
        output = self.buffer('output', self._shape(input))
        pixels = self._pixels(output)
        pixels[...] = input.reshape(pixels.shape)
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.check(input)
        gradOutput = self.check(gradOutput, 'gradOutput', self._shape(input))
        gradInput = self.buffer('gradInput', input.shape)
        pixels = self._pixels(gradOutput)
        gradInput.reshape(pixels.shape)[...] = pixels
        return gradInput
