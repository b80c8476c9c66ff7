"""Layers that adapt what a tensor itself can do: look at it in another shape, copy it, select from it.

Torch7 manual: simple.md
"""

import math
from typing import Any, Self

import numpy as np

from .module import Module
from .tensors import describe, dtype_of, silent

__all__ = [
    'Contiguous',
    'Copy',
    'Index',
    'MaskedSelect',
    'Narrow',
    'Replicate',
    'Reshape',
    'Select',
    'Squeeze',
    'Transpose',
    'Unsqueeze',
    'View',
]


def _sizes(layer: Module, sizes: tuple) -> list[int]:
    """The sizes of a shape given as ``(2, 3)``, ``((2, 3),)`` or ``([2, 3],)``, as a list of whole numbers."""
    if len(sizes) == 1 and isinstance(sizes[0], (list, tuple, np.ndarray)):
        sizes = tuple(sizes[0])
    if not sizes or not all(isinstance(size, (int, np.integer)) or float(size).is_integer() for size in sizes):
        raise TypeError(f'{layer.typename}: whole numbers needed as sizes, got {sizes}')
    return [int(size) for size in sizes]


class Reshaping(Module):
    """The base of layers that look at the input in another shape: a view where the memory allows it, a copy where not.

    A layer says `shape(input)`, the shape of the output.
    """

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        """The shape of the output for `input`."""
        raise self.error('shape(input) needed in every Reshaping layer', TypeError)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check(input)
        self.output = input.reshape(self.shape(input))
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check(gradOutput, 'gradOutput')
        if gradOutput.size != input.size:
            raise self.error(f'gradOutput of {input.size} elements needed, got shape {gradOutput.shape}')
        self.gradInput = gradOutput.reshape(input.shape)
        return self.gradInput


class Reshape(Reshaping):
    """The input in the shape `size`, or a batch of them.

    Parameters
    ----------
    *size
        ``nn.Reshape(2, 3)`` or ``nn.Reshape([2, 3])``; a last argument True, False or None is the `batchMode`
    batchMode
        True: the first dimension of the input is the batch's. False: it is not. None: it is, where the input has not
        the number of elements of `size`, or where its first dimension is 1

    Torch7 manual: simple.md#nn.Reshape
    """

    def __init__(self, *size: int | list[int] | bool | None, batchMode: bool | None = None):
        super().__init__()
        if size and (size[-1] is None or isinstance(size[-1], bool)):
            *size, batchMode = size
        self.size = _sizes(self, tuple(size))
        self.batchMode = batchMode
        self.batchsize = [0, *self.size]
        self.nelement = math.prod(self.size)

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        single = (
            not self.batchMode if self.batchMode is not None else input.size == self.nelement and input.shape[0] != 1
        )
        shape = tuple(self.size) if single else (*input.shape[:1], *self.size)
        if math.prod(shape) != input.size or not input.ndim:
            raise self.error(f'input of {self.nelement} elements or a batch of such needed, got shape {input.shape}')
        return shape

    def __str__(self) -> str:
        return f'{self.typename}({"x".join(map(str, self.size))})'


class Sampled:
    """What may be told how many dimensions one sample has; those before them are the batch's."""

    numInputDims: int | None = None

    def setNumInputDims(self, numInputDims: int | None) -> Self:
        """Say how many dimensions one sample has."""
        self.numInputDims = numInputDims
        return self


class View(Sampled, Reshaping):
    """The input in the shape `size`, of which one may be -1 and is then worked out.

    Parameters
    ----------
    *size
        ``nn.View(2, -1)`` or ``nn.View([2, -1])``

    `setNumInputDims(n)` says that one sample has n dimensions, so that all before them are the batch's.

    Torch7 manual: simple.md#nn.View
    """

    def __init__(self, *size: int | list[int]):
        super().__init__()
        self.resetSize(*size)

    def resetSize(self, *size: int | list[int]) -> Self:
        """Set another shape."""
        sizes = _sizes(self, size)
        if any(n < -1 for n in sizes):
            raise ValueError(f'{self.typename}: size should be positive or -1, got {sizes}')
        if sizes.count(-1) > 1:
            raise ValueError(f'{self.typename}: only one dimension can be at -1, got {sizes}')
        self.size = sizes
        self.numElements = math.prod(n for n in sizes if n >= 0)
        return self

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        sample = input.ndim if self.numInputDims is None else min(self.numInputDims, input.ndim)
        batch, count = math.prod(input.shape[: input.ndim - sample]), math.prod(input.shape[input.ndim - sample :])
        if not self.numElements or count % self.numElements:
            raise self.error(
                f'input view ({"x".join(map(str, input.shape))}) and desired view '
                f'({"x".join(map(str, self.size))}) do not match'
            )
        # what the size does not account for is the batch, or the dimension at -1
        remainder = count // self.numElements
        if -1 not in self.size:
            batch, remainder = batch * remainder, 1
        shape = tuple(remainder if n == -1 else n for n in self.size)
        return shape if batch == 1 and input.ndim == sample else (batch, *shape)

    def __str__(self) -> str:
        return f'{self.typename}({", ".join(map(str, self.size))})'


class Squeeze(Sampled, Reshaping):
    """The input without its dimensions of size 1, or without dimension `dim` if it is one.

    Parameters
    ----------
    dim
        counted from 1; None: all of them
    numInputDims
        the number of dimensions of one sample: a batch's dimension is not counted and is kept

    Torch7 manual: simple.md#nn.Squeeze
    """

    def __init__(self, dim: int | None = None, numInputDims: int | None = None):
        super().__init__()
        self.dim = dim
        self.setNumInputDims(numInputDims)

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        if self.dim is not None:
            axis = self.axis_of(self.dim, input.ndim, self.numInputDims)
            squeezed = input.shape[:axis] + input.shape[axis + 1 :] if input.shape[axis] == 1 else input.shape
        else:
            squeezed = tuple(size for size in input.shape if size != 1)
            if self.numInputDims == input.ndim - 1 and len(input) == 1:
                squeezed = (1, *(squeezed or (1,)))
        return squeezed or (1,)


class Unsqueeze(Sampled, Reshaping):
    """The input with a new dimension of size 1 at `pos`, which counts from 1.

    Parameters
    ----------
    numInputDims
        the number of dimensions of one sample; those before them are the batch's and not counted. Where it is not
        given, the first input decides

    Torch7 manual: simple.md#nn.Unsqueeze
    """

    def __init__(self, pos: int, numInputDims: int | None = None):
        super().__init__()
        self.pos = pos
        self.setNumInputDims(numInputDims)

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        sample = input.ndim if self.numInputDims is None else self.numInputDims
        if sample > input.ndim:
            raise self.error(f'input of at least {sample} dimensions (numInputDims) needed, got shape {input.shape}')
        first = 1 + sample - input.ndim  # below 1 it stands among the batch's dimensions
        if not first <= self.pos <= sample + 1:
            raise self.error(
                f'position in {first}..{sample + 1} needed for input of shape {input.shape}, got {self.pos}'
            )
        self.numInputDims = sample
        axis = self.pos - first
        return (*input.shape[:axis], 1, *input.shape[axis:])

    def __str__(self) -> str:
        return f'{self.typename}(dim {self.pos})'


class Contiguous(Module):
    """y = x, the very same tensor where its memory is contiguous and a copy where not; dx likewise from dy.

    Torch7 manual: simple.md#nn.Contiguous
    """

    def _contiguous(self, name: str, tensor: np.ndarray, what: str) -> np.ndarray:
        self.check(tensor, what)
        if tensor.flags.c_contiguous:
            setattr(self, name, tensor)
        else:
            np.copyto(self.buffer(name, tensor.shape), tensor)
        return getattr(self, name)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        return self._contiguous('output', input, 'input')

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        return self._contiguous('gradInput', gradOutput, 'gradOutput')


class Copy(Module):
    """y = x cast from `intype` to `outtype`, dx = dy cast back.

    Parameters
    ----------
    intype, outtype
        tensor types, ``'torch.FloatTensor'`` or ``'float32'`` ...
    forceCopy
        True: copy where the two are the same too; otherwise the input itself is then the output
    dontCast
        True: `type()` leaves this layer alone

    Torch7 manual: simple.md#nn.Copy
    """

    forceCopy = True

    def __init__(
        self,
        intype: Any = 'torch.DoubleTensor',
        outtype: Any = 'torch.DoubleTensor',
        forceCopy: bool = False,
        dontCast: bool = False,
    ):
        super().__init__()
        self.dontCast = dontCast
        self.gradInput = np.empty(0, dtype_of(intype))
        self.output = np.empty(0, dtype_of(outtype))
        self.forceCopy = forceCopy or self.gradInput.dtype != self.output.dtype

    @silent
    def _copy(self, name: str, tensor: np.ndarray, what: str) -> np.ndarray:
        if not isinstance(tensor, np.ndarray):
            self.check(tensor, what)
        dtype = getattr(self, name).dtype
        if self.forceCopy or tensor.dtype != dtype:
            np.copyto(self.buffer(name, tensor.shape, dtype), tensor, 'unsafe')
        else:
            setattr(self, name, tensor)
        return getattr(self, name)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        return self._copy('output', input, 'input')

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        return self._copy('gradInput', gradOutput, 'gradOutput')


class Transpose(Sampled, Module):
    """The input with pairs of dimensions swapped, one pair after the other; a copy.

    Parameters
    ----------
    *permutations
        pairs of dimensions, counted from 1: ``nn.Transpose([1, 2], [2, 3])``

    `setNumInputDims(n)` says that one sample has n dimensions; those before them are the batch's and not counted.

    Torch7 manual: simple.md#nn.Transpose
    """

    def __init__(self, *permutations: list[int]):
        super().__init__()
        if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in permutations):
            raise TypeError(f'{self.typename}: pairs of dimensions needed, got {permutations}')
        self.permutations = [list(pair) for pair in permutations]

    def _transposed(self, name: str, tensor: np.ndarray, what: str, pairs: list) -> np.ndarray:
        self.check(tensor, what)
        sample = tensor.ndim if self.numInputDims is None else min(self.numInputDims, tensor.ndim)
        offset = tensor.ndim - sample
        for one, other in pairs:
            tensor = tensor.swapaxes(self.axis_of(one, sample) + offset, self.axis_of(other, sample) + offset)
        result = self.buffer(name, tensor.shape)
        np.copyto(result, tensor)
        return result

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        return self._transposed('output', input, 'input', self.permutations)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        return self._transposed('gradInput', gradOutput, 'gradOutput', self.permutations[::-1])


class Replicate(Module):
    """`nFeature` times the input along a new dimension, without a copy: its stride is 0; dx = the sum of dy over it.

    The output cannot be written to.

    Parameters
    ----------
    nFeature
        how often
    dim
        where the new dimension comes, counted from 1
    ndim
        the number of dimensions of one sample: a batch's dimension is not counted

    Torch7 manual: simple.md#nn.Replicate
    """

    def __init__(self, nFeature: int, dim: int = 1, ndim: int | None = None):
        super().__init__()
        if dim < 1:
            raise ValueError(f'{self.typename}: can only replicate across positive integer dimensions, got {dim}')
        self.nfeatures = nFeature
        self.dim = dim
        self.ndim = ndim

    def _axis(self, input: np.ndarray) -> int:
        self.check(input)
        axis = self.dim - 1 + (self.ndim is not None and input.ndim > self.ndim)
        if axis > input.ndim:
            raise self.error(f'not enough input dimensions to replicate along {self.dim}, got shape {input.shape}')
        return axis

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        axis = self._axis(input)
        shape = (*input.shape[:axis], self.nfeatures, *input.shape[axis:])
        self.output = np.broadcast_to(np.expand_dims(input, axis), shape)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        axis = self._axis(input)
        self.check(gradOutput, 'gradOutput', (*input.shape[:axis], self.nfeatures, *input.shape[axis:]))
        return gradOutput.sum(axis, out=self.buffer('gradInput', input.shape))


class Selecting(Module):
    """The base of layers whose output is a copy of a part of the input; dx = dy in that part, 0 elsewhere.

    A layer says `part(input)`, the index of the part.
    """

    def part(self, input: np.ndarray) -> tuple:
        """The index that gives the part."""
        raise self.error('part(input) needed in every Selecting layer', TypeError)

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
            raise self.error(f'gradOutput of shape {part.shape} needed, got shape {gradOutput.shape}')
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
                f'entries in 1..{size} of dimension {self.dimension} needed, got offset {self.index} '
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
            raise self.error(f'index in 1..{size} of dimension {self.dimension} needed, got {self.index}', IndexError)
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
            raise self.error(f'a vector of whole numbers needed as index, got {describe(index)}', TypeError)
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
            raise self.error(f'a mask of uint8 or bool needed as input[2], got {describe(mask)}', TypeError)
        if mask.size != tensor.size:
            raise self.error(f'a mask of {tensor.size} elements needed, got {describe(mask)}')
        if mask.size and mask.max() > 1:
            raise self.error(f'a mask of 0 and 1 needed, got {mask.max()}')
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
