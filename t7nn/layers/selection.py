"""Layers that pass on a part of their input.

Torch7 manual: simple.md
"""

import math

import numpy as np

from ..module import Module
from ..tensors import describe

__all__ = ['Index', 'MaskedSelect', 'Narrow', 'Select']


class Selecting(Module):
    """The base of layers whose output is a copy of a part of the input; dx = dy in that part, 0 elsewhere.

    A layer says `part(input)`, the index of the part.
    """

    def part(self, input: np.ndarray) -> tuple:
        """The index that gives the part."""
        raise self.error('expected part(input) in every Selecting layer', TypeError)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        if not isinstance(input, np.ndarray):
            self.check(input)
        part = input[self.part(input)]
        output = self.buffer('output', part.shape, input.dtype)
        np.copyto(output, part)
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        gradInput = self.buffer('gradInput', input.shape, input.dtype)
        gradInput.fill(0)
        part = gradInput[self.part(input)]
        if not isinstance(gradOutput, np.ndarray) or gradOutput.dtype != input.dtype:
            self.check(gradOutput, 'gradOutput')
        if gradOutput.shape != part.shape:
            raise self.error(f'expected gradOutput of shape {part.shape}, got shape {gradOutput.shape}')
        np.copyto(part, gradOutput)
        return gradInput


class Narrow(Selecting):
    """`length` entries of a dimension, from `offset` on. Tensors of every dtype are taken.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative
    offset
        counted from 1; negative: from the first entry on, leaving the last `length` out
    length
        negative: up to the end (-1), to the last but one (-2) ...

    Torch7 manual: simple.md#nn.Narrow
    """

    def __init__(self, dimension: int, offset: int, length: int = 1):
        super().__init__()
        self.dimension = dimension
        self.index = offset
        self.length = length

    def part(self, input: np.ndarray) -> tuple:
        axis = self.axis_of(self.dimension, input.ndim)
        size, index, length = input.shape[axis], self.index, self.length
        if length < 0:
            length += size - index + 2
        if index < 0:
            index, length = 1, size - length
        if index < 1 or length < 1 or index + length - 1 > size:
            raise self.error(
                f'expected entries in 1..{size} of dimension {self.dimension}, got offset {self.index} '
                f'and length {self.length}, which is {index}..{index + length - 1}',
                IndexError,
            )
        return (slice(None),) * axis + (slice(index - 1, index - 1 + length),)


class Select(Selecting):
    """Entry `index` of a dimension, which is then gone. Both count from 1, or from the end where negative.

    Torch7 manual: simple.md#nn.Select
    """

    def __init__(self, dimension: int, index: int):
        super().__init__()
        self.dimension = dimension
        self.index = index

    def part(self, input: np.ndarray) -> tuple:
        if input.ndim < 2:
            raise self.error(f'cannot select on a vector, got shape {input.shape}')
        axis = self.axis_of(self.dimension, input.ndim)
        size = input.shape[axis]
        index = self.index + size + 1 if self.index < 0 else self.index
        if not 1 <= index <= size:
            raise self.error(f'expected index in 1..{size} of dimension {self.dimension}, got {self.index}', IndexError)
        return (slice(None),) * axis + (index - 1,)


class Index(Module):
    """From [t, index] the entries of t along `dimension` that `index` names, a vector of whole numbers from 1.

    gradInput is [dt, zeros]; entries that are named several times get the sum. An IndexError names an index out of
    range.

    Torch7 manual: simple.md#nn.Index
    """

    table_fields = ('gradInput',)

    def __init__(self, dimension: int):
        super().__init__()
        self.dimension = dimension

    def _operands(self, input: list) -> tuple[np.ndarray, np.ndarray, int]:
        """t, the indices from 0, the axis."""
        self.check_table(input, 2)
        tensor, index = input
        self.check(tensor, 'input[1]')
        if not isinstance(index, np.ndarray) or index.dtype.kind not in 'iu' or index.ndim != 1:
            raise self.error(f'expected a vector of whole numbers as index, got {describe(index)}', TypeError)
        axis = self.axis_of(self.dimension, tensor.ndim)
        return tensor, self.zero_based(index, tensor.shape[axis]), axis

    def updateOutput(self, input: list) -> np.ndarray:
        tensor, index, axis = self._operands(input)
        output = self.buffer('output', (*tensor.shape[:axis], len(index), *tensor.shape[axis + 1 :]))
        return tensor.take(index, axis, output, 'clip')

    def updateGradInput(self, input: list, gradOutput: np.ndarray) -> list[np.ndarray]:
        tensor, index, axis = self._operands(input)
        self.check(gradOutput, 'gradOutput', (*tensor.shape[:axis], len(index), *tensor.shape[axis + 1 :]))
        gradInput = self.zeros_table('gradInput', [tensor, np.empty(index.shape, self.dtype)])
        # as one flat vector: many times faster than np.add.at of rows
        rows = np.moveaxis(gradOutput, axis, 0)
        moved = np.moveaxis(gradInput[0], axis, 0)
        size = math.prod(moved.shape[1:])
        places = index[:, None] * size + np.arange(size)
        moved[...] = np.bincount(places.ravel(), rows.ravel(), tensor.size).reshape(moved.shape)
        return gradInput


class MaskedSelect(Module):
    """From [x, mask] the vector of those elements of x where the mask is 1; dx = dy there, 0 elsewhere.

    The mask has as many elements as x, all 0 or 1, and is a uint8 or bool array. gradInput is [dx, zeros].

    Torch7 manual: simple.md#nn.MaskedSelect
    """

    table_fields = ('gradInput',)

    def _mask(self, input: list) -> np.ndarray:
        """The mask in the shape of x."""
        self.check_table(input, 2)
        tensor, mask = input
        self.check(tensor, 'input[1]')
        if not isinstance(mask, np.ndarray) or mask.dtype not in (np.uint8, np.bool_):
            raise self.error(f'expected a mask of uint8 or bool as input[2], got {describe(mask)}', TypeError)
        if mask.size != tensor.size:
            raise self.error(f'expected a mask of {tensor.size} elements, got {describe(mask)}')
        if mask.size and mask.max() > 1:
            raise self.error(f'expected a mask of 0 and 1, got {mask.max()}')
        return mask.reshape(tensor.shape).astype(bool)

    def updateOutput(self, input: list) -> np.ndarray:
        mask = self._mask(input)
        self.output = input[0][mask]
        return self.output

    def updateGradInput(self, input: list, gradOutput: np.ndarray) -> list[np.ndarray]:
        mask = self._mask(input)
        self.check(gradOutput, 'gradOutput', (int(np.count_nonzero(mask)),))
        gradInput = self.zeros_table('gradInput', [input[0], input[1].view(np.uint8)])
        gradInput[0][mask] = gradOutput
        return gradInput
