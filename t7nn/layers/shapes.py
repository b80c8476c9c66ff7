"""Layers that show the same numbers in another shape.

Torch7 manual: simple.md
"""

import math
from typing import Self

import numpy as np

from ..module import Module
from ..tensors import silent
from .containers import Container, Sequential
from .identity import Identity
from .selection import Select

__all__ = ['Collapse', 'Convert', 'Replicate', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze', 'View']


def _sizes(layer: Module, sizes: tuple) -> list[int]:
    """The sizes of a shape given as ``(2, 3)``, ``((2, 3),)`` or ``([2, 3],)``, as a list of whole numbers."""
    if len(sizes) == 1 and isinstance(sizes[0], (list, tuple, np.ndarray)):
        sizes = tuple(sizes[0])
    if not sizes or not all(isinstance(size, (int, np.integer)) or float(size).is_integer() for size in sizes):
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
        self.check(input)
        self.output = input.reshape(self.shape(input))
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check(gradOutput, 'gradOutput')
        if gradOutput.size != input.size:
            raise self.error(f'expected gradOutput of {input.size} elements, got shape {gradOutput.shape}')
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

    Torch7 manual: simple.md#nn.Transpose
    """

    def __init__(self, *permutations: list[int]):
        super().__init__()
        if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in permutations):
            raise TypeError(f'{self.typename}: expected pairs of dimensions, got {permutations}')
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


class Collapse(Reshaping):
    """All dimensions but the batch's in one: ``(N, ...)`` becomes ``(N, n)``, a single sample ``(n,)``.

    Parameters
    ----------
    nInputDim
        the number of dimensions of one sample

    Torch7 manual: simple.md#nn.Collapse
    """

    def __init__(self, nInputDim: int):
        super().__init__()
        self.nInputDim = nInputDim

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        return (len(input), math.prod(input.shape[1:])) if input.ndim > self.nInputDim else (input.size,)


class Convert(Container):
    """The input cast to this module's dtype, and brought from one form to another.

    Parameters
    ----------
    inputShape, outputShape
        a letter for each dimension, ``'bchw'``, of which b is the batch's; without b one comes first. The output is
        the input transposed where the letters are the same; ``'bf'`` has all but the batch in one dimension; ``'b'``
        is the first class of ``'bt'`` or the feature of ``'bf'``; ``'bt'`` is one class from ``'b'``

    Torch7 manual: simple.md#nn.Convert
    """

    def __init__(self, inputShape: str | None = None, outputShape: str | None = None):
        super().__init__()
        if outputShape and not inputShape:
            raise ValueError(f'{self.typename}: expected an inputShape beside the outputShape, got none')
        shapes = [inputShape or 'b*', outputShape or inputShape or 'b*']
        self.inputShape, self.outputShape = (shape if 'b' in shape else 'b' + shape for shape in shapes)
        if (self.inputShape == 'b*') != (self.outputShape == 'b*'):
            raise ValueError(f'{self.typename}: both or neither of the shapes must be b*')
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
            steps = [Transpose([1, self.inputBatchDim])] if self.inputBatchDim > 1 else []
            if len(source) != 2:
                steps.append(Reshape(input.size // input.shape[self.inputBatchDim - 1]))
            return steps[0] if len(steps) == 1 else Sequential().add(steps[0]).add(steps[1]) if steps else Identity()
        if target == 'bt' and source == 'b':
            return Reshape(1)
        if target == 'b' and source in ('bt', 'tb', 'bf', 'fb'):
            dimension = 3 - self.inputBatchDim
            if 'f' in source and input.shape[dimension - 1] > 1:
                raise self.error(f'expected one feature to convert {source} to b, got shape {input.shape}')
            return Select(dimension, 1)
        raise self.error(f'unrecognized conversion of shape {source} to {target}')

    @silent
    def _batch(self, tensor: np.ndarray, rank: int, dimension: int, what: str) -> np.ndarray:
        """`tensor` in this module's dtype, with a batch's dimension where it has not the `rank` of a batch."""
        if isinstance(tensor, np.ndarray) and tensor.dtype != self.dtype:
            np.copyto(self.buffer(f'_{what}', tensor.shape), tensor, 'unsafe')
            tensor = getattr(self, f'_{what}')
        self.check(tensor, what)
        return np.expand_dims(tensor, dimension - 1) if tensor.ndim < rank else tensor

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        batch = self._batch(input, self.nInputDim, self.inputBatchDim, 'input')
        if not self.modules:
            self.modules.append(self._converter(batch).type(self.dtype))
        output = self.call(0, 'updateOutput', batch)
        self.output = output if batch.ndim == input.ndim else output.squeeze(self.outputBatchDim - 1)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        batch = self._batch(input, self.nInputDim, self.inputBatchDim, 'input')
        gradOutput = self._batch(gradOutput, self.nOutputDim, self.outputBatchDim, 'gradOutput')
        self.check(gradOutput, 'gradOutput', self.modules[0].output.shape)
        self.gradInput = self.call(0, 'updateGradInput', batch, gradOutput).reshape(input.shape)
        return self.gradInput
