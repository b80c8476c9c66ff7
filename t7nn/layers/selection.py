"""Layers that pass on a part of their input.

Torch7 manual: simple.md
"""

import math
from typing import Any

import numpy as np

from ..module import Module
from ..tensors import describe, plain

__all__ = ['Index', 'MaskedSelect', 'Narrow', 'Select']


class Selecting(Module):
    """The base of layers whose output is a copy of a part of the input; dx = dy in that part, 0 elsewhere.

    A layer says `part(input)`, the index of the part.
    """

    def part(self, input: np.ndarray) -> tuple:
        """The index that gives the part."""
        raise self.error('expected part(input) in every Selecting layer', TypeError)

    def _tensor(self, tensor: Any, what: str) -> np.ndarray:
        """`tensor` as a plain array; every dtype is taken."""
        tensor = plain(tensor, lambda got: self.error(f'expected a tensor as {what}, got {got}', TypeError))
        return self.check(tensor, what) if tensor.dtype == self.dtype else tensor

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        input = self._tensor(input, 'input')
        part = input[self.part(input)]
        output = self.buffer('output', part.shape, input.dtype)
        np.copyto(output, part)
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check_parameters()
        input, gradOutput = self._tensor(input, 'input'), self._tensor(gradOutput, 'gradOutput')
        place = self.part(input)
        if gradOutput.dtype != input.dtype:
            raise self.error(f'expected gradOutput of {input.dtype}, got {gradOutput.dtype}', TypeError)
        gradInput = self.buffer('gradInput', input.shape, input.dtype)
        part = gradInput[place]
        if gradOutput.shape != part.shape:
            raise self.error(f'expected gradOutput of shape {part.shape}, got shape {gradOutput.shape}')
        gradInput.fill(0)
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

    Raises
    ------
    IndexError
        if the input has not these entries

    Torch7 manual: simple.md#nn.Narrow
    """

    dimension: int
    index: int
    length: int

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
    """Entry `index` of a dimension, which is then gone. Tensors of every dtype are taken.

    Parameters
    ----------
    dimension, index
        counted from 1, or from the end where negative

    Raises
    ------
    IndexError
        if the dimension has no such entry
    ValueError
        if the input is a vector

    Torch7 manual: simple.md#nn.Select
    """

    dimension: int
    index: int

    def __init__(self, dimension: int, index: int):
        super().__init__()
        self.dimension = dimension
        self.index = index

    def part(self, input: np.ndarray) -> tuple:
        if input.ndim < 2:
            raise self.error(f'expected at least 2 dimensions, cannot select on a vector, got shape {input.shape}')
        axis = self.axis_of(self.dimension, input.ndim)
        size = input.shape[axis]
        index = self.index + size + 1 if self.index < 0 else self.index
        if not 1 <= index <= size:
            raise self.error(f'expected index in 1..{size} of dimension {self.dimension}, got {self.index}', IndexError)
        return (slice(None),) * axis + (index - 1,)


class Index(Module):
    """From [t, index] the entries of t along `dimension` that `index` names, a vector of whole numbers from 1.

    gradInput is [dt, zeros]; entries that are named several times get the sum.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative

    Raises
    ------
    IndexError
        if t has not such an entry

    Torch7 manual: simple.md#nn.Index
    """

    table_fields = ('gradInput',)
    dimension: int

    def __init__(self, dimension: int):
        super().__init__()
        self.dimension = dimension

    def _operands(self, input: list) -> tuple[np.ndarray, np.ndarray, int]:
        """t, the indices from 0, the axis."""
        self.check_parameters()
        self.check_table(input, 2)
        tensor, wanted = self.check(input[0], 'input[1]'), 'expected a vector of whole numbers as index, got'
        index = plain(input[1], lambda got: self.error(f'{wanted} {got}', TypeError))
        if index.dtype.kind not in 'iu' or index.ndim != 1:
            raise self.error(f'{wanted} {describe(index)} of {index.dtype}', TypeError)
        axis = self.axis_of(self.dimension, tensor.ndim)
        return tensor, self.zero_based(index, tensor.shape[axis]), axis

    def updateOutput(self, input: list) -> np.ndarray:
        tensor, index, axis = self._operands(input)
        output = self.buffer('output', (*tensor.shape[:axis], len(index), *tensor.shape[axis + 1 :]))
        return tensor.take(index, axis, output, 'clip')

    def updateGradInput(self, input: list, gradOutput: np.ndarray) -> list[np.ndarray]:
        tensor, index, axis = self._operands(input)
        shape = (*tensor.shape[:axis], len(index), *tensor.shape[axis + 1 :])
        gradOutput = self.check(gradOutput, 'gradOutput', shape)
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

    Raises
    ------
    TypeError, ValueError
        if the mask is no such array

    Torch7 manual: simple.md#nn.MaskedSelect
    """

    table_fields = ('gradInput',)

    def _operands(self, input: list) -> tuple[np.ndarray, np.ndarray]:
        """x, and the mask in its shape."""
        self.check_table(input, 2)
        tensor, wanted = self.check(input[0], 'input[1]'), 'expected a mask of uint8 or bool as input[2], got'
        mask = plain(input[1], lambda got: self.error(f'{wanted} {got}', TypeError))
        if mask.dtype not in (np.uint8, np.bool_):
            raise self.error(f'{wanted} {mask.dtype}', TypeError)
        if mask.size != tensor.size:
            raise self.error(f'expected a mask of {tensor.size} elements, got {describe(mask)}')
        if mask.size and mask.max() > 1:
            raise self.error(f'expected a mask of 0 and 1, got {mask.max()}')
        return tensor, mask.reshape(tensor.shape).astype(bool)

    def updateOutput(self, input: list) -> np.ndarray:
        tensor, mask = self._operands(input)
        self.output = tensor[mask]
        return self.output

    def updateGradInput(self, input: list, gradOutput: np.ndarray) -> list[np.ndarray]:
        tensor, mask = self._operands(input)
        gradOutput = self.check(gradOutput, 'gradOutput', (int(np.count_nonzero(mask)),))
        gradInput = self.zeros_table('gradInput', [tensor, np.empty(np.shape(input[1]), np.uint8)])
        gradInput[0][mask] = gradOutput
        return gradInput
