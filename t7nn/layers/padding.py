"""Layers that add a border to their input, or take one away.

Torch7 manual: simple.md#nn.Padding, convolution.md
"""

import math

import numpy as np

from ..module import Module
from ._planes import Resampling
from ._windows import MOST, Sizes, padded, times

__all__ = [
    'Padding',
    'SpatialReflectionPadding',
    'SpatialReplicationPadding',
    'SpatialZeroPadding',
    'VolumetricReplicationPadding',
]


class Padding(Module):
    """The input with |pad| entries of `value` put into a dimension.

    Parameters
    ----------
    dim
        the dimension, counted from 1
    pad
        how many entries: below 0 they are put before entry `index`, above 0 behind entry `index` counted from the end
    nInputDim
        the number of dimensions of one sample, at least 1; where the input has another number, its first dimension is
        the batch's and `dim` does not count it
    value
        what is put in
    index
        an entry, counted from 1; by default the padding is at the very beginning or end

    Torch7 manual: simple.md#nn.Padding
    """

    dim: int
    pad: int
    nInputDim: int | None
    value: float
    index: int

    def __init__(self, dim: int, pad: int, nInputDim: int | None = None, value: float = 0, index: int = 1):
        super().__init__()
        self.dim = dim
        self.pad = pad
        self.nInputDim = nInputDim
        self.value = value
        self.index = index

    def _layout(self, input: np.ndarray) -> tuple[tuple[int, ...], list[tuple[tuple, tuple]]]:
        """The shape of the output, and where the two parts of the input lie in the input and in the output."""
        self.check_parameters()
        batch = self.nInputDim is not None and input.ndim != self.nInputDim
        axis = self.axis_of(self.dim, input.ndim, input.ndim - 1 if batch else None)
        size, pad = input.shape[axis], abs(self.pad)
        cut = size - self.index + 1 if self.pad > 0 else self.index - 1
        if pad > MOST:
            raise self.error(f'expected pad within +-{MOST}, got {self.pad}')
        if not 0 <= cut <= size:
            raise self.error(f'expected index in 1..{size + 1} of dimension {self.dim}, got {self.index}', IndexError)
        before = (slice(None),) * axis
        parts = [(0, 0, cut), (cut, cut + pad, size - cut)]
        return (*input.shape[:axis], size + pad, *input.shape[axis + 1 :]), [
            ((*before, slice(source, source + length)), (*before, slice(target, target + length)))
            for source, target, length in parts
        ]

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.check(input)
        shape, parts = self._layout(input)
        output = self.buffer('output', shape)
        output.fill(self.value)
        for source, target in parts:
            output[target] = input[source]
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.check(input)
        shape, parts = self._layout(input)
        gradOutput = self.check(gradOutput, 'gradOutput', shape)
        gradInput = self.buffer('gradInput', input.shape)
        for source, target in parts:
            gradInput[source] = gradOutput[target]
        return gradInput


class EdgePadding(Resampling):
    """The base of padding layers. A negative pad takes elements away."""

    #: the fields of the pads before and after, for each axis in the order of the memory
    pads: tuple[tuple[str, str], ...] = (('pad_t', 'pad_b'), ('pad_l', 'pad_r'))
    #: what `str` calls them, in Torch7's order
    names: tuple[str, ...] = ('l', 'r', 't', 'b')

    def set_pads(self, first: int, *others: int | None) -> None:
        """Set the fields from arguments in Torch7's order; None is as the first."""
        fields = [field for pair in reversed(self.pads) for field in pair]
        for field, pad in zip(fields, (first, *others), strict=True):
            setattr(self, field, first if pad is None else pad)

    def amounts(self) -> list[tuple[int, int]]:
        """The pads (before, after) of each axis in the order of the memory."""
        return [(getattr(self, before), getattr(self, after)) for before, after in self.pads]

    def output_sizes(self, sizes: Sizes) -> tuple[int, ...]:
        amounts = self.amounts()
        counts = tuple(size + before + after for size, (before, after) in zip(sizes, amounts, strict=True))
        kept = [size + min(before, 0) + min(after, 0) for size, (before, after) in zip(sizes, amounts, strict=True)]
        if min(*counts, *kept) < 1:
            raise self.error(f'expected a larger input, got {times(sizes)}, whose output would be {times(counts)}')
        if math.prod(counts) > MOST:
            raise self.error(f'expected an output of at most {MOST} elements a plane, got {times(counts)}')
        return counts

    def __str__(self) -> str:
        fields = [field for pair in reversed(self.pads) for field in pair]
        pads = ', '.join(f'{name}={getattr(self, field)}' for name, field in zip(self.names, fields, strict=True))
        return f'{self.typename}({pads})'


class SpatialPadding(EdgePadding):
    """The base of padding layers of images."""

    pad_l: int
    pad_r: int
    pad_t: int
    pad_b: int

    def __init__(self, pad_l: int, pad_r: int | None = None, pad_t: int | None = None, pad_b: int | None = None):
        super().__init__()
        self.set_pads(pad_l, pad_r, pad_t, pad_b)


class SpatialZeroPadding(SpatialPadding):
    """Adds zeros around images: (N, planes, H, W) -> (N, planes, H + pad_t + pad_b, W + pad_l + pad_r).

    Parameters
    ----------
    pad_l, pad_r, pad_t, pad_b
        how many columns on the left and on the right, how many rows above and below; those left out are pad_l. A
        negative number takes so many away.

    Torch7 manual: convolution.md#nn.SpatialZeroPadding

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialZeroPadding(1, -1, 0, 1).forward(np.array([[[1.0, 2, 3]]])).tolist()
    [[[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]]
    """

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.images(input)
        y = self.result('output', input, self.output_sizes(self.sizes_of(input)))
        padded(self.planes(input), self.amounts(), 0, y)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.images(input)
        sizes = self.sizes_of(input)
        g = self.gradients(gradOutput, input, self.output_sizes(sizes))
        padded(g, [(-before, -after) for before, after in self.amounts()], 0, self.result('gradInput', input, sizes))
        return self.gradInput


class SpatialReflectionPadding(SpatialPadding):
    """Pads with what mirrors at the first and last line show, which are not repeated: 3 2 | 1 2 3 | 2 1.

    Parameters
    ----------
    pad_l, pad_r, pad_t, pad_b
        as in `SpatialZeroPadding`, smaller than the image

    Torch7 manual: convolution.md#nn.SpatialReflectionPadding

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialReflectionPadding(2, 1, 0, 0).forward(np.array([[[1.0, 2, 3]]])).tolist()
    [[[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]]
    """

    def output_sizes(self, sizes: Sizes) -> tuple[int, ...]:
        if any(max(pads) >= size for size, pads in zip(sizes, self.amounts(), strict=True)):
            raise self.error(f'expected input larger than the pads, got {times(sizes)}')
        return super().output_sizes(sizes)

    def terms(self, axis, size, count):
        index = abs(np.arange(count) - self.amounts()[axis][0])
        return [(np.where(index < size, index, 2 * (size - 1) - index), None)]


class Replicating(EdgePadding):
    """The base of layers that pad with the first and last line."""

    def terms(self, axis, size, count):
        return [(np.clip(np.arange(count) - self.amounts()[axis][0], 0, size - 1), None)]


class SpatialReplicationPadding(Replicating, SpatialPadding):
    """Pads with the image's first and last line again and again: 1 1 | 1 2 3 | 3 3.

    Parameters
    ----------
    pad_l, pad_r, pad_t, pad_b
        as in `SpatialZeroPadding`

    Torch7 manual: convolution.md#nn.SpatialReplicationPadding

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialReplicationPadding(2, 1, 0, 0).forward(np.array([[[1.0, 2, 3]]])).tolist()
    [[[1.0, 1.0, 1.0, 2.0, 3.0, 3.0]]]
    """


class VolumetricReplicationPadding(Replicating):
    """`SpatialReplicationPadding` of volumes: (N, planes, D, H, W) -> (N, planes, D + pfront + pback, H + ptop +
    pbottom, W + pleft + pright).

    Parameters
    ----------
    pleft, pright, ptop, pbottom, pfront, pback
        how many columns, rows and images to add on each side; those left out are pleft. A negative number takes so many
        away.

    Torch7 manual: convolution.md#nn.VolumetricReplicationPadding
    """

    axes = order = 'DHW'
    pads = (('pfront', 'pback'), ('ptop', 'pbottom'), ('pleft', 'pright'))
    names = ('left', 'right', 'top', 'bottom', 'front', 'back')
    pleft: int
    pright: int
    ptop: int
    pbottom: int
    pfront: int
    pback: int

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
