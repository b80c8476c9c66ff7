"""Layers that make images larger or smaller: padding and up-sampling.

Torch7 manual: convolution.md
"""

import math
from typing import Any

import numpy as np

from .planes import Planes, regular_stages
from .tensors import describe
from .windows import BUDGET, Sizes, chunks, padded, times

__all__ = [
    'SpatialReflectionPadding',
    'SpatialReplicationPadding',
    'SpatialUpSamplingBilinear',
    'SpatialUpSamplingNearest',
    'SpatialZeroPadding',
    'UpSampling',
    'VolumetricReplicationPadding',
]


def at(axis: int, index: Any) -> tuple:
    """`index` along `axis`."""
    return (slice(None),) * axis + (index,)


class Resampling(Planes):
    """The base of layers whose output is made of the input's elements axis by axis, each by its index.

    A layer says `output_sizes`, and `terms`, what is added up along an axis.
    """

    def output_sizes(self, sizes: Sizes) -> tuple[int, ...]:
        """The output's sizes for an input of `sizes`, checked."""
        raise self.error('output_sizes(sizes) needed in every Resampling layer', TypeError)

    def terms(self, axis: int, size: int, count: int) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """Pairs (index, weight): element o along the axis is the sum of weight[o] times the input's index[o]."""
        raise self.error('terms(axis, size, count) needed in every Resampling layer', TypeError)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        sizes = self.image(input)
        counts = self.output_sizes(sizes)
        x, y = self.split(input), self.result('output', input, counts)
        for axis in reversed(range(1, x.ndim)):
            shape = (*x.shape[:axis], *y.shape[axis:])
            result = y if axis == 1 else self.scratch(f'_forward{axis}', shape)
            for i, (index, weight) in enumerate(self.terms(axis - 1, x.shape[axis], shape[axis])):
                target = result if i == 0 else self.scratch('_term', shape)
                x.take(index, axis, out=target, mode='clip')
                if weight is not None:
                    target *= weight.reshape(-1, *(1,) * (x.ndim - axis - 1))
                if i:
                    result += target
            x = result
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        sizes = self.image(input)
        g = self.gradients(gradOutput, input, self.output_sizes(sizes))
        dx = self.result('gradInput', input, sizes)
        for axis in range(1, g.ndim):
            shape = (*g.shape[:axis], sizes[axis - 1], *g.shape[axis + 1 :])
            result = dx if axis == g.ndim - 1 else self.scratch(f'_backward{axis}', shape)
            result.fill(0)
            for index, weight in self.terms(axis - 1, shape[axis], g.shape[axis]):
                part = g if weight is None else g * weight.reshape(-1, *(1,) * (g.ndim - axis - 1))
                order = index.argsort(kind='stable')
                ranks = np.empty_like(index)
                ranks[order] = np.arange(len(index)) - np.searchsorted(index[order], index[order])
                for rank in range(ranks.max() + 1):  # the first, second ... that each element goes to: no two alike
                    where = np.flatnonzero(ranks == rank)
                    result[at(axis, index[where])] += part[at(axis, where)]
            g = result
        return self.gradInput


class Padding(Resampling):
    """The base of padding layers. A negative pad takes elements away."""

    #: the fields of the pads before and after, for each axis in the order of the memory
    pads = (('pad_t', 'pad_b'), ('pad_l', 'pad_r'))
    names = ('l', 'r', 't', 'b')

    def set_pads(self, first: int, *others: int | None) -> None:
        """Set the fields from arguments in Torch7's order; None is as the first."""
        fields = [field for pair in reversed(self.pads) for field in pair]
        for field, pad in zip(fields, (first, *others), strict=True):
            setattr(self, field, first if pad is None else pad)

    def amounts(self) -> list[tuple[int, int]]:
        """The pads (before, after) of each axis in the order of the memory."""
        return [(getattr(self, before), getattr(self, after)) for before, after in self.pads]

    def output_sizes(self, sizes):
        amounts = self.amounts()
        counts = tuple(size + before + after for size, (before, after) in zip(sizes, amounts, strict=True))
        kept = [size + min(before, 0) + min(after, 0) for size, (before, after) in zip(sizes, amounts, strict=True)]
        if min(*counts, *kept) < 1:
            raise self.error(f'input is too small: got {times(sizes)}, of which the output would be {times(counts)}')
        return counts

    def __str__(self) -> str:
        fields = [field for pair in reversed(self.pads) for field in pair]
        pads = ', '.join(f'{name}={getattr(self, field)}' for name, field in zip(self.names, fields, strict=True))
        return f'{self.typename}({pads})'


class SpatialPadding(Padding):
    """The base of padding layers of images."""

    def __init__(self, pad_l: int, pad_r: int | None = None, pad_t: int | None = None, pad_b: int | None = None):
        super().__init__()
        self.set_pads(pad_l, pad_r, pad_t, pad_b)


class SpatialZeroPadding(SpatialPadding):
    """pad_l columns of zeros on the left, pad_r on the right, pad_t rows above, pad_b below; pads left out are pad_l.

    (N, planes, H, W) -> (N, planes, H + pad_t + pad_b, W + pad_l + pad_r). A negative pad takes lines away.

    Torch7 manual: convolution.md#nn.SpatialZeroPadding

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialZeroPadding(1, -1, 0, 1).forward(np.array([[[1.0, 2, 3]]])).tolist()
    [[[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]]
    """

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        y = self.result('output', input, self.output_sizes(self.image(input)))
        padded(self.split(input), self.amounts(), 0, y)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        sizes = self.image(input)
        g = self.gradients(gradOutput, input, self.output_sizes(sizes))
        padded(g, [(-before, -after) for before, after in self.amounts()], 0, self.result('gradInput', input, sizes))
        return self.gradInput


class SpatialReflectionPadding(SpatialPadding):
    """Pads with what mirrors at the first and last line show, which are not repeated: 3 2 | 1 2 3 | 2 1.

    Arguments as in `SpatialZeroPadding`; pads are smaller than the image.

    Torch7 manual: convolution.md#nn.SpatialReflectionPadding

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialReflectionPadding(2, 1, 0, 0).forward(np.array([[[1.0, 2, 3]]])).tolist()
    [[[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]]
    """

    def output_sizes(self, sizes):
        if any(max(pads) >= size for size, pads in zip(sizes, self.amounts(), strict=True)):
            raise self.error(f'input larger than the pads needed, got {times(sizes)}')
        return super().output_sizes(sizes)

    def terms(self, axis, size, count):
        place = abs(np.arange(count) - self.amounts()[axis][0])
        return [(np.where(place < size, place, 2 * (size - 1) - place), None)]


class Replicating(Padding):
    """The base of layers that pad with the first and last line."""

    def terms(self, axis, size, count):
        return [(np.clip(np.arange(count) - self.amounts()[axis][0], 0, size - 1), None)]


class SpatialReplicationPadding(Replicating, SpatialPadding):
    """Pads with the image's first and last line again and again: 1 1 | 1 2 3 | 3 3.

    Arguments as in `SpatialZeroPadding`.

    Torch7 manual: convolution.md#nn.SpatialReplicationPadding

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialReplicationPadding(2, 1, 0, 0).forward(np.array([[[1.0, 2, 3]]])).tolist()
    [[[1.0, 1.0, 1.0, 2.0, 3.0, 3.0]]]
    """


class VolumetricReplicationPadding(Replicating):
    """`SpatialReplicationPadding` of volumes: (N, planes, D, H, W) -> (N, planes, D + pfront + pback, H + ptop +
    pbottom, W + pleft + pright); pads left out are pleft.

    Torch7 manual: convolution.md#nn.VolumetricReplicationPadding
    """

    axes = order = 'DHW'
    pads = (('pfront', 'pback'), ('ptop', 'pbottom'), ('pleft', 'pright'))
    names = ('left', 'right', 'top', 'bottom', 'front', 'back')

    def __init__(
        self,
        pleft: int,
        pright: int | None = None,
        ptop: int | None = None,
        pbottom: int | None = None,
        pfront: int | None = None,
        pback: int | None = None,
    ):
        super().__init__()
        self.set_pads(pleft, pright, ptop, pbottom, pfront, pback)


class Enlarging(Resampling):
    """The base of up-sampling layers: to a multiple of the size, or to given sizes."""

    scale_factor: int | None = None

    def set_scale(self, scale: float) -> None:
        """Set ``scale_factor``, a whole number of at least 1."""
        if not scale >= 1 or int(scale) != scale:
            raise ValueError(f'{self.typename}: scale_factor must be a whole number of at least 1, got {scale}')
        self.scale_factor = int(scale)

    def given_sizes(self) -> tuple[int | None, ...]:
        """The output's sizes where there is no ``scale_factor``."""
        return self.oheight, self.owidth

    def output_sizes(self, sizes):
        counts = self.given_sizes() if self.scale_factor is None else [size * self.scale_factor for size in sizes]
        if min(*sizes, *counts) < 1:
            raise self.error(f'sizes of at least 1 needed, got {times(sizes)} for an output of {times(counts)}')
        return tuple(counts)

    # nearest: each element stands for a window as large as the factor

    def nearest(self, sizes: Sizes, counts: Sizes) -> list:
        """The windows of output, one for each element of input."""
        factor = (self.scale_factor,) * len(sizes)
        return regular_stages(tuple(counts), tuple(sizes), factor, factor, (0,) * len(sizes), (1,) * len(sizes))

    def nearest_output(self, input: np.ndarray) -> np.ndarray:
        """Write ``output``, where every element is repeated."""
        sizes = self.image(input)
        counts = self.output_sizes(sizes)
        x, y, stages = self.split(input), self.result('output', input, counts), self.nearest(sizes, counts)
        for part in chunks(len(y), math.prod(counts) * y.itemsize, BUDGET):
            self.spread_windows(x[part], stages, y[part])
        return self.output

    def nearest_gradient(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        """Write ``gradInput``, the sum over all repetitions."""
        sizes = self.image(input)
        counts = self.output_sizes(sizes)
        g, dx = self.gradients(gradOutput, input, counts), self.result('gradInput', input, sizes)
        stages = self.nearest(sizes, counts)
        for part in chunks(len(g), math.prod(counts) * g.itemsize, BUDGET):
            self.sum_windows(g[part], stages, dx[part])
        return self.gradInput

    # linear: the corners of input and output are the same places

    def terms(self, axis, size, count):
        place = np.arange(count, dtype=np.float32) * (np.float32(size - 1) / np.float32(max(count - 1, 1)))
        index = place.astype(np.int64)  # places in float32, as in Torch7
        weight = (place - index.astype(np.float32)).astype(self.dtype)
        if not weight.any():
            return [(index, None)]
        return [(index, 1 - weight), (np.minimum(index + 1, size - 1), weight)]


class SpatialUpSamplingNearest(Enlarging):
    """Every element becomes a square of scale x scale: (N, planes, H, W) -> (N, planes, scale H, scale W).

    Torch7 manual: convolution.md#nn.SpatialUpSamplingNearest

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialUpSamplingNearest(2).forward(np.array([[[1.0, 2]]])).tolist()
    [[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]
    """

    def __init__(self, scale: int):
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
        the factor of both sizes, or a dict ``{'oheight': ..., 'owidth': ...}``

    Torch7 manual: convolution.md#nn.SpatialUpSamplingBilinear

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialUpSamplingBilinear({'oheight': 1, 'owidth': 3}).forward(np.array([[[1.0, 2]]])).tolist()
    [[[1.0, 1.5, 2.0]]]
    """

    def __init__(self, params: int | dict[str, int]):
        super().__init__()
        if isinstance(params, dict):
            self.owidth, self.oheight = params.get('owidth'), params.get('oheight')
            if self.owidth is None or self.oheight is None:
                raise ValueError(f'{self.typename}: owidth and oheight needed, got {params}')
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
        the factor of all sizes; or, for linear interpolation, a dict with ``oheight``, ``owidth`` and, for volumes,
        ``odepth``
    mode
        ``'linear'`` (also ``'bilinear'``, ``'trilinear'``), corners upon corners; anything else is ``'nearest'``

    Torch7 manual: convolution.md#nn.UpSampling

    >>> import numpy as np, t7nn as nn
    >>> nn.UpSampling(2).forward(np.array([[[[1.0, 2]]]])).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """

    odepth: int | None = None
    _dims = 2

    @property
    def axes(self) -> str:
        """The axes of the last input: images and volumes are told from one another by it."""
        return 'DHW'[-self._dims :]

    def __init__(self, params: int | dict[str, int], mode: str = 'nearest'):
        super().__init__()
        self.mode = 'linear' if mode in ('linear', 'bilinear', 'trilinear') else 'nearest'
        if isinstance(params, dict):
            if self.mode == 'nearest':
                raise ValueError(
                    f'{self.typename}: nearest neighbour up-sampling requires a scale_factor, got {params}'
                )
            self.odepth, self.owidth, self.oheight = (params.get(name) for name in ('odepth', 'owidth', 'oheight'))
            if self.owidth is None or self.oheight is None:
                raise ValueError(f'{self.typename}: output height and width are required, got {params}')
        else:
            self.set_scale(params)

    def image(self, tensor, what='input'):
        self.check(tensor, what)
        if tensor.ndim not in (4, 5):
            raise self.error(f'{what} of Nxplanesx[D]xHxW needed, got {describe(tensor)}')
        self._dims = tensor.ndim - 2
        return tensor.shape[2:]

    def given_sizes(self):
        if self.axes == 'HW':
            return self.oheight, self.owidth
        if self.odepth is None:
            raise self.error('odepth needed for volumes, got none')
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
