"""Layers that show the same numbers in another shape.

Torch7 manual: simple.md
"""

import math
from typing import Self

import numpy as np

from ..module import Module
from ..tensors import describe, plain, silent
from .containers import Container, Sequential
from .identity import Identity
from .selection import Select

__all__ = ['Collapse', 'Convert', 'Replicate', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze', 'View']


def _sizes(layer: Module, sizes: tuple) -> list[int]:
    """The sizes of a shape given as ``(2, 3)``, ``((2, 3),)`` or ``([2, 3],)``, as a list of whole numbers."""
    if len(sizes) == 1 and isinstance(sizes[0], (list, tuple, np.ndarray)):
        sizes = tuple(sizes[0])
    whole = all(isinstance(size, (int, np.integer)) or isinstance(size, float) and size.is_integer() for size in sizes)
    if not sizes or not whole:
        raise TypeError(f'{layer.typename}: expected whole numbers as sizes, got {sizes}')
    return [int(size) for size in sizes]


class Reshaping(Module):
    """The base of layers that look at the input in another shape: a view where the memory allows it, a copy where not.

    A layer says `shape(input)`, the shape of the output.
    """

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        """The shape of the output for `input`."""
        raise self.error('expected shape(input) in every Reshaping layer', TypeError)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        input = self.check(input)
        self.output = input.reshape(self.shape(input))
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input, gradOutput = self.check(input), self.check(gradOutput, 'gradOutput')
        if gradOutput.size != input.size:
            raise self.error(f'expected gradOutput of {input.size} elements, got shape {gradOutput.shape}')
        self.gradInput = gradOutput.reshape(input.shape)
        return self.gradInput

    def whole_numbers(self, name: str) -> list[int]:
        """The table of whole numbers in the field `name`."""
        value = getattr(self, name)
        if not isinstance(value, (list, tuple, np.ndarray)) or not all(
            isinstance(number, (int, np.integer)) for number in value
        ):
            raise self.error(f'expected a table of whole numbers as {name}, got {describe(value)}', TypeError)
        return list(value)


class Reshape(Reshaping):
    """The input in the shape `size`, or a batch of them.

    Parameters
    ----------
    *size
        ``nn.Reshape(2, 3)`` or ``nn.Reshape([2, 3])``; a last argument True, False or None is the `batchMode`
    batchMode
        True: the first dimension of the input is the batch's. False: it is not. None: it is, where the input has not
        the number of elements of `size`, or where its first dimension is 1

    Raises
    ------
    ValueError
        if the input has another number of elements

    Torch7 manual: simple.md#nn.Reshape
    """

    size: list[int]
    batchMode: bool | None
    nelement: int
    batchsize: list[int]

    def __init__(self, *size: int | list[int] | bool | None, batchMode: bool | None = None):
        super().__init__()
        sizes = size
        if size and (size[-1] is None or isinstance(size[-1], bool)):
            sizes, batchMode = size[:-1], size[-1]
        self.size = _sizes(self, sizes)
        self.batchMode = batchMode
        self.batchsize = [0, *self.size]
        self.nelement = math.prod(self.size)

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        size, single = self.whole_numbers('size'), False
        if self.batchMode is not None:
            single = not self.batchMode
        elif input.ndim:
            single = input.size == self.nelement and input.shape[0] != 1
        shape = tuple(size) if single else (*input.shape[:1], *size)
        if math.prod(shape) != input.size or not input.ndim or min(shape, default=0) < 0:
            raise self.error(f'expected input of {self.nelement} elements or a batch of such, got shape {input.shape}')
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

    Raises
    ------
    ValueError
        if there is more than one -1, or the elements of the input cannot be shared out so

    Torch7 manual: simple.md#nn.View
    """

    size: list[int]
    numElements: int

    def __init__(self, *size: int | list[int]):
        super().__init__()
        self.resetSize(*size)

    def resetSize(self, *size: int | list[int]) -> Self:
        """Set another shape."""
        sizes = _sizes(self, size)
        if any(n < -1 for n in sizes):
            raise ValueError(f'{self.typename}: expected sizes that are positive or -1, got {sizes}')
        if sizes.count(-1) > 1:
            raise ValueError(f'{self.typename}: expected only one dimension at -1, got {sizes}')
        self.size = sizes
        self.numElements = math.prod(n for n in sizes if n >= 0)
        return self

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        sample = input.ndim if self.numInputDims is None else min(max(self.numInputDims, 0), input.ndim)
        batch, count = math.prod(input.shape[: input.ndim - sample]), math.prod(input.shape[input.ndim - sample :])
        sizes = self.whole_numbers('size')
        elements = math.prod(n for n in sizes if n >= 0)
        if elements <= 0 or count % elements or sizes.count(-1) > 1 or min(sizes, default=0) < -1:
            raise self.error(
                f'input view ({"x".join(map(str, input.shape))}) and desired view ({"x".join(map(str, sizes))}) '
                'do not match: expected as many elements'
            )
        # what the size does not account for is the batch, or the dimension at -1
        remainder = count // elements
        if -1 not in sizes:
            batch, remainder = batch * remainder, 1
        shape = tuple(remainder if n == -1 else n for n in sizes)
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

    Raises
    ------
    ValueError
        if the input has no dimension `dim`

    Torch7 manual: simple.md#nn.Squeeze
    """

    dim: int | None

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
    pos
        a whole number
    numInputDims
        the number of dimensions of one sample; those before them are the batch's and not counted. Where it is not
        given, the first input decides

    Raises
    ------
    ValueError
        if the input has no place for it there

    Torch7 manual: simple.md#nn.Unsqueeze
    """

    pos: int

    def __init__(self, pos: int, numInputDims: int | None = None):
        super().__init__()
        self.pos = pos
        self.setNumInputDims(numInputDims)

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        sample = input.ndim if self.numInputDims is None else self.numInputDims
        if sample > input.ndim:
            raise self.error(f'expected input of at least {sample} dimensions (numInputDims), got shape {input.shape}')
        first = 1 + sample - input.ndim  # below 1 it stands among the batch's dimensions
        if not first <= self.pos <= sample + 1:
            raise self.error(
                f'expected position in {first}..{sample + 1} for input of shape {input.shape}, got {self.pos}'
            )
        self.numInputDims = sample
        axis = self.pos - first
        return (*input.shape[:axis], 1, *input.shape[axis:])

    def __str__(self) -> str:
        return f'{self.typename}(dim {self.pos})'


class Transpose(Sampled, Module):
    """The input with pairs of dimensions swapped, one pair after the other; a copy.

    Parameters
    ----------
    *permutations
        pairs of dimensions, counted from 1: ``nn.Transpose([1, 2], [2, 3])``

    `setNumInputDims(n)` says that one sample has n dimensions; those before them are the batch's and not counted.

    Raises
    ------
    ValueError
        if the input has not these dimensions

    Torch7 manual: simple.md#nn.Transpose
    """

    permutations: list[list[int]]

    def __init__(self, *permutations: list[int]):
        super().__init__()
        self.permutations = [list(pair) if isinstance(pair, tuple) else pair for pair in permutations]
        self._pairs()

    def _pairs(self) -> list[list[int]]:
        pairs = self.permutations
        if not isinstance(pairs, list) or not all(
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(number, (int, np.integer)) for number in pair)
            for pair in pairs
        ):
            raise TypeError(f'{self.typename}: expected pairs of dimensions, got {pairs}')
        return pairs

    def _transposed(self, name: str, tensor: np.ndarray, what: str, pairs: list) -> np.ndarray:
        self.check_parameters()
        tensor = self.check(tensor, what)
        sample = tensor.ndim if self.numInputDims is None else min(max(self.numInputDims, 0), tensor.ndim)
        offset = tensor.ndim - sample
        for one, other in pairs:
            tensor = tensor.swapaxes(self.axis_of(one, sample) + offset, self.axis_of(other, sample) + offset)
        result = self.buffer(name, tensor.shape)
        np.copyto(result, tensor)
        return result

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        return self._transposed('output', input, 'input', self._pairs())

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        gradInput = self._transposed('gradInput', gradOutput, 'gradOutput', self._pairs()[::-1])
        if gradInput.shape != self.check(input).shape:
            raise self.error(f'expected gradOutput for input of shape {np.shape(input)}, got {describe(gradOutput)}')
        return gradInput


class Replicate(Module):
    """`nFeature` times the input along a new dimension, without a copy: its stride is 0; dx = the sum of dy over it.

    The output cannot be written to.

    Parameters
    ----------
    nFeature
        how often, at least 0
    dim
        where the new dimension comes, counted from 1
    ndim
        the number of dimensions of one sample: a batch's dimension is not counted

    Raises
    ------
    ValueError
        if the input has too few dimensions for `dim`

    Torch7 manual: simple.md#nn.Replicate
    """

    nfeatures: int
    dim: int
    ndim: int | None

    def __init__(self, nFeature: int, dim: int = 1, ndim: int | None = None):
        super().__init__()
        if dim < 1:
            raise ValueError(f'{self.typename}: expected dim from 1, got {dim}')
        if nFeature < 0:
            raise ValueError(f'{self.typename}: expected nFeature from 0, got {nFeature}')
        self.nfeatures = nFeature
        self.dim = dim
        self.ndim = ndim

    def _axis(self, input: np.ndarray) -> int:
        self.check_parameters()
        axis = self.dim - 1 + (self.ndim is not None and input.ndim > self.ndim)
        if not 0 <= axis <= input.ndim or self.nfeatures < 0:
            raise self.error(
                f'expected an input of at least {self.dim - 1} dimensions to replicate along {self.dim}, '
                f'got shape {input.shape}'
            )
        return axis

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.check(input)
        axis = self._axis(input)
        shape = (*input.shape[:axis], self.nfeatures, *input.shape[axis:])
        self.output = np.broadcast_to(np.expand_dims(input, axis), shape)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.check(input)
        axis = self._axis(input)
        shape = (*input.shape[:axis], self.nfeatures, *input.shape[axis:])
        gradOutput = self.check(gradOutput, 'gradOutput', shape)
        return gradOutput.sum(axis, out=self.buffer('gradInput', input.shape))


class Collapse(Reshaping):
    """All dimensions but the batch's in one: ``(N, ...)`` becomes ``(N, n)``, a single sample ``(n,)``.

    Parameters
    ----------
    nInputDim
        the number of dimensions of one sample

    Torch7 manual: simple.md#nn.Collapse
    """

    nInputDim: int

    def __init__(self, nInputDim: int):
        super().__init__()
        self.nInputDim = nInputDim

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        batch = input.ndim > max(self.nInputDim, 0)
        return (len(input), math.prod(input.shape[1:])) if batch else (input.size,)


class Convert(Container):
    """The input cast to this module's dtype, and brought from one form to another.

    Parameters
    ----------
    inputShape, outputShape
        a letter for each dimension, ``'bchw'``, of which b is the batch's; without b one comes first. The output is
        the input transposed where the letters are the same; ``'bf'`` has all but the batch in one dimension; ``'b'``
        is the first class of ``'bt'`` or the feature of ``'bf'``; ``'bt'`` is one class from ``'b'``

    Raises
    ------
    ValueError
        if there is no such conversion, or the input has another number of dimensions

    Torch7 manual: simple.md#nn.Convert
    """

    inputShape: str
    outputShape: str
    inputBatchDim: int
    outputBatchDim: int
    nInputDim: int
    nOutputDim: int
    transposition: bool

    def __init__(self, inputShape: str | None = None, outputShape: str | None = None):
        super().__init__()
        if outputShape and not inputShape:
            raise ValueError(f'{self.typename}: expected an inputShape beside the outputShape, got none')
        shapes = [inputShape or 'b*', outputShape or inputShape or 'b*']
        self.inputShape, self.outputShape = (shape if 'b' in shape else 'b' + shape for shape in shapes)
        if (self.inputShape == 'b*') != (self.outputShape == 'b*'):
            raise ValueError(
                f'{self.typename}: expected b* as both or neither of the shapes, got {" and ".join(shapes)}'
            )
        self.inputBatchDim = self.inputShape.index('b') + 1
        self.outputBatchDim = self.outputShape.index('b') + 1
        self.nInputDim, self.nOutputDim = (
            -1 if shape == 'b*' else len(shape) for shape in (self.inputShape, self.outputShape)
        )
        self.transposition = sorted(self.inputShape) == sorted(self.outputShape)

    def _converter(self, input: np.ndarray) -> Module:
        """The layer that does the work, made for the first input."""
        source, target = self.inputShape, self.outputShape
        if self.transposition:
            letters, swaps = list(source), []
            for i, letter in enumerate(target):
                j = letters.index(letter)
                if i != j:
                    letters[i], letters[j] = letters[j], letters[i]
                    swaps.append([j + 1, i + 1])
            return Transpose(*swaps) if swaps else Identity()
        if target == 'bf' and source != 'bt':
            steps: list[Module] = [Transpose([1, self.inputBatchDim])] if self.inputBatchDim > 1 else []
            if len(source) != 2:
                steps.append(Reshape(math.prod(input.shape) // max(input.shape[self.inputBatchDim - 1], 1)))
            return steps[0] if len(steps) == 1 else Sequential().add(steps[0]).add(steps[1]) if steps else Identity()
        if target == 'bt' and source == 'b':
            return Reshape(1)
        if target == 'b' and source in ('bt', 'tb', 'bf', 'fb'):
            dimension = 3 - self.inputBatchDim
            if 'f' in source and input.shape[dimension - 1] > 1:
                raise self.error(f'expected one feature to convert {source} to b, got shape {input.shape}')
            return Select(dimension, 1)
        raise self.error(f'unrecognized conversion of shape {source} to {target}: expected one that is documented')

    @silent
    def _batch(self, tensor: np.ndarray, rank: int, dimension: int, what: str) -> np.ndarray:
        """`tensor` in this module's dtype, with a batch's dimension where it has not the `rank` of a batch."""
        self.check_parameters()
        tensor = plain(tensor, lambda got: self.error(f'expected a tensor as {what}, got {got}', TypeError))
        if tensor.dtype.kind not in 'biuf':
            raise self.error(f'expected {what} of numbers, got {tensor.dtype}', TypeError)
        if tensor.dtype != self.dtype:
            copy = self.buffer(f'_{what}', tensor.shape)
            np.copyto(copy, tensor, 'unsafe')
            tensor = copy
        shape = tensor.shape
        if tensor.ndim < rank:
            if tensor.ndim != rank - 1 or not 1 <= dimension <= rank:
                raise self.error(f'expected {what} of {rank} dimensions, or {rank - 1}, got shape {shape}')
            tensor = np.expand_dims(tensor, dimension - 1)
        return tensor

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        batch = self._batch(input, self.nInputDim, self.inputBatchDim, 'input')
        if not self.modules:
            self.modules.append(self._converter(batch).type(self.dtype))
        output = self.call(0, 'updateOutput', batch)
        self.output = output
        if batch.ndim != input.ndim:
            axis = self.outputBatchDim - 1
            if not 0 <= axis < output.ndim or output.shape[axis] != 1:
                raise self.error(f'expected a batch of one in dimension {axis + 1}, got {describe(output)}')
            self.output = output.squeeze(axis)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        batch = self._batch(input, self.nInputDim, self.inputBatchDim, 'input')
        if not self.modules:
            raise self.error('expected forward(input) first')
        gradOutput = self.check(gradOutput, 'gradOutput', np.shape(self.output))
        gradOutput = gradOutput.reshape(np.shape(self.modules[0].output))
        self.gradInput = self.call(0, 'updateGradInput', batch, gradOutput).reshape(input.shape)
        return self.gradInput
