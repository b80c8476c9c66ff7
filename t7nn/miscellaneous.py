"""Layers for this and that: pass on, pad, convert, encode, penalise, print.

Torch7 manual: simple.md
"""

import math
from typing import Any

import numpy as np

from .containers import Container, Sequential
from .module import Module
from .simple import Reshape, Reshaping, Select, Transpose
from .tensors import describe, nested_map, silent

__all__ = [
    'Collapse',
    'Constant',
    'Convert',
    'Identity',
    'L1Penalty',
    'OneHot',
    'Padding',
    'PixelShuffle',
    'PrintSize',
    'ZeroGrad',
]


class Identity(Module):
    """y = x, dx = dy: the very same tensors or tables. Arguments are ignored.

    Torch7 manual: simple.md#nn.Identity
    """

    def __init__(self, *arguments: Any):
        super().__init__()

    def updateOutput(self, input: Any) -> Any:
        self.output = input
        return input

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        self.gradInput = gradOutput
        return gradOutput


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
            raise ValueError(f'{self.typename}: an inputShape needed where there is an outputShape')
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
                raise self.error(f'one feature needed to convert {source} to b, got shape {input.shape}')
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


class Padding(Module):
    """The input with |pad| entries of `value` put into a dimension.

    Parameters
    ----------
    dim
        the dimension, counted from 1
    pad
        how many; < 0: before entry `index`; > 0: behind entry `index` counted from the end
    nInputDim
        the number of dimensions of one sample: a batch's dimension is not counted
    value, index
        by default zeros at the very beginning or end

    Torch7 manual: simple.md#nn.Padding
    """

    def __init__(self, dim: int, pad: int, nInputDim: int | None = None, value: float = 0, index: int = 1):
        super().__init__()
        self.dim = dim
        self.pad = pad
        self.nInputDim = nInputDim
        self.value = value
        self.index = index

    def _layout(self, input: np.ndarray) -> tuple[tuple[int, ...], list[tuple[tuple, tuple]]]:
        """The shape of the output, and where the two parts of the input lie in the input and in the output."""
        self.check(input)
        batch = self.nInputDim is not None and input.ndim != self.nInputDim
        axis = self.axis_of(self.dim, input.ndim, input.ndim - 1 if batch else None)
        size, pad = input.shape[axis], abs(self.pad)
        cut = size - self.index + 1 if self.pad > 0 else self.index - 1
        if not 0 <= cut <= size:
            raise self.error(f'index in 1..{size + 1} of dimension {self.dim} needed, got {self.index}', IndexError)
        before = (slice(None),) * axis
        parts = [(0, 0, cut), (cut, cut + pad, size - cut)]
        return (*input.shape[:axis], size + pad, *input.shape[axis + 1 :]), [
            ((*before, slice(source, source + length)), (*before, slice(target, target + length)))
            for source, target, length in parts
        ]

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        shape, parts = self._layout(input)
        output = self.buffer('output', shape)
        output.fill(self.value)
        for source, target in parts:
            output[target] = input[source]
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        shape, parts = self._layout(input)
        self.check(gradOutput, 'gradOutput', shape)
        gradInput = self.buffer('gradInput', input.shape)
        for source, target in parts:
            gradInput[source] = gradOutput[target]
        return gradInput


class PixelShuffle(Module):
    """Channels become pixels: ``(C r^2, H, W)``, or a batch of such, becomes ``(C, r H, r W)``.

    y[c, r h + i, r w + j] = x[r^2 c + r i + j, h, w], counted from 0, with r the `upscaleFactor`.

    Torch7 manual: simple.md#nn.PixelShuffle
    """

    def __init__(self, upscaleFactor: int):
        super().__init__()
        self.upscaleFactor = upscaleFactor

    def _pixels(self, shuffled: np.ndarray) -> np.ndarray:
        """A tensor of the output's shape, seen as (..., C, r, r, H, W)."""
        r = self.upscaleFactor
        *batch, channels, height, width = shuffled.shape
        split = shuffled.reshape(*batch, channels, height // r, r, width // r, r)
        return np.moveaxis(split, (-3, -1), (-4, -3))

    def _shape(self, input: np.ndarray) -> tuple[int, ...]:
        self.check(input)
        r = self.upscaleFactor
        if input.ndim not in (3, 4) or input.shape[-3] % r**2:
            raise self.error(f'3D or 4D input with a multiple of {r**2} channels needed, got shape {input.shape}')
        *batch, channels, height, width = input.shape
        return (*batch, channels // r**2, height * r, width * r)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        output = self.buffer('output', self._shape(input))
        pixels = self._pixels(output)
        pixels[...] = input.reshape(pixels.shape)
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check(gradOutput, 'gradOutput', self._shape(input))
        gradInput = self.buffer('gradInput', input.shape)
        pixels = self._pixels(gradOutput)
        gradInput.reshape(pixels.shape)[...] = pixels
        return gradInput


class OneHot(Module):
    """For every number in 1..outputSize a vector with 1 at its place, 0 elsewhere.

    Input a tensor of any dtype ``(...)``, output ``(..., outputSize)``; a single number gives ``(outputSize,)``.
    gradInput is 0 everywhere. An IndexError names a number out of range.

    Torch7 manual: simple.md#nn.OneHot
    """

    def __init__(self, outputSize: int):
        super().__init__()
        self.outputSize = outputSize

    def updateOutput(self, input: np.ndarray | int) -> np.ndarray:
        if np.asarray(None if isinstance(input, (list, tuple)) else input).dtype.kind not in 'iuf':
            raise self.error(f'a tensor or a number needed, got {describe(input)}', TypeError)
        places = self.zero_based(np.atleast_1d(input), self.outputSize, 'input')
        output = self.buffer('output', (*np.shape(input), self.outputSize))
        output.fill(0)
        output.reshape(-1, self.outputSize)[np.arange(places.size), places.ravel()] = 1
        return output

    def updateGradInput(self, input: np.ndarray | int, gradOutput: np.ndarray) -> np.ndarray | int:
        if not isinstance(input, np.ndarray):
            return 0
        gradInput = self.buffer('gradInput', input.shape)
        gradInput.fill(0)
        return gradInput


class Constant(Module):
    """y = `value`, whatever comes in; dx = 0.

    Parameters
    ----------
    value
        a tensor, or a number, which becomes a tensor of shape ``(1,)``
    nInputDim
        the number of dimensions of one sample: a batch of N gives N times the value, ``(N, ...)``

    Torch7 manual: simple.md#nn.Constant
    """

    def __init__(self, value: np.ndarray | float, nInputDim: int | None = None):
        super().__init__()
        if not isinstance(value, (np.ndarray, int, float, np.number)):
            raise TypeError(f'{self.typename}: a number or tensor needed, got {describe(value)}')
        self.value = np.atleast_1d(np.asarray(value, self.dtype))
        self.nInputDim = nInputDim

    def updateOutput(self, input: Any) -> np.ndarray:
        batch = ()
        if self.nInputDim is not None:
            self.check(input)
            batch = input.shape[: input.ndim > self.nInputDim]
        output = self.buffer('output', batch + self.value.shape)
        np.copyto(output, self.value)
        return output

    def updateGradInput(self, input: Any, gradOutput: np.ndarray) -> Any:
        return self.zeros_table('gradInput', input)


class ZeroGrad(Identity):
    """y = x, the very same tensor or table; dx = 0, so that nothing is learnt through it.

    Torch7 manual: simple.md#nn.ZeroGrad
    """

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        return self.zeros_table('gradInput', input)


class L1Penalty(Module):
    """y = x, the very same tensor; ``loss`` = l1weight sum |x|, and dx = dy + l1weight sign(x).

    Parameters
    ----------
    l1weight
        the weight of the penalty
    sizeAverage
        divide it by the number of elements
    provideOutput
        False: leave dy out of dx

    Torch7 manual: simple.md#nn.L1Penalty
    """

    def __init__(self, l1weight: float, sizeAverage: bool = False, provideOutput: bool = True):
        super().__init__()
        self.l1weight = l1weight
        self.sizeAverage = sizeAverage
        self.provideOutput = provideOutput
        self.loss = None

    def _weight(self, input: np.ndarray) -> float:
        return self.l1weight / max(input.size, 1) if self.sizeAverage else self.l1weight

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check(input)
        self.loss = self._weight(input) * float(np.abs(input).sum())
        self.output = input
        return input

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        gradInput = self.buffer_like('gradInput', input)
        if self.provideOutput:
            self.check(gradOutput, 'gradOutput', input.shape)
        np.sign(input, gradInput)
        gradInput *= self._weight(input)
        if self.provideOutput:
            gradInput += gradOutput
        return gradInput


class PrintSize(Identity):
    """y = x, dx = dy; prints the shapes of input and gradOutput as they pass, behind `prefix`.

    Torch7 manual: simple.md#nn.PrintSize
    """

    def __init__(self, prefix: str = 'PrintSize'):
        super().__init__()
        self.prefix = prefix

    def _print(self, what: str, value: Any) -> None:
        size = 'missing size' if value is None else nested_map(lambda tensor: np.shape(tensor), value)
        print(f'{self.prefix}:{what}\n', size)

    def updateOutput(self, input: Any) -> Any:
        self._print('input', input)
        return super().updateOutput(input)

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        self._print('gradOutput', gradOutput)
        return super().updateGradInput(input, gradOutput)
