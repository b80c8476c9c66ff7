"""Layers with weights on vectors.

Torch7 manual: simple.md
"""

import math
from typing import Any, Self

import numpy as np

from . import random
from .arithmetic import Max
from .blas import outer_adder, vector_adder
from .containers import Sequential
from .module import Module
from .simple import View, _sizes
from .tensors import describe

__all__ = [
    'Add',
    'Bilinear',
    'CAdd',
    'CMul',
    'Linear',
    'LinearWeightNorm',
    'Maxout',
    'Mul',
]


def positive(layer: Module, *sizes: int) -> None:
    """Raise unless all `sizes` are whole numbers of at least 1."""
    whole = all(isinstance(size, (int, np.integer)) for size in sizes)
    if not whole or min(sizes) < 1:
        text = f'{layer.typename}: positive whole numbers needed as sizes, got {sizes}'
        raise ValueError(text) if whole else TypeError(text)


def draw(parameter: np.ndarray, fan_in: int, stdv: float | None = None) -> None:
    """Fill `parameter` uniformly within +-1/sqrt(fan_in), or with standard deviation `stdv`."""
    bound = 1 / math.sqrt(fan_in) if stdv is None else stdv * math.sqrt(3)
    random.uniform(-bound, bound, out=parameter)


class Linear(Module):
    """y = W x + b, for a vector or for every row of a batch.

    dx = W' dy, dW += scale dy x', db += scale dy, summed over the batch.

    Parameters
    ----------
    inputSize, outputSize
        input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or ``(N, outputSize)``
    bias
        False leaves b out, as `noBias()` does later

    W and b begin uniform in +-1/sqrt(inputSize).

    Torch7 manual: simple.md#nn.Linear
    """

    #: the parameters, and their gradients, that were last found to fit, and what adds to them: the same tensors need no
    #: second look, which would cost as much as a small product
    _parameters = _gradients = (None,) * 3

    def __init__(self, inputSize: int, outputSize: int, bias: bool = True):
        super().__init__()
        positive(self, inputSize, outputSize)
        self.weight = np.zeros((outputSize, inputSize))
        self.gradWeight = np.zeros((outputSize, inputSize))
        if bias:
            self.bias = np.zeros(outputSize)
            self.gradBias = np.zeros(outputSize)
        self.reset()

    def noBias(self) -> Self:
        """Do without the bias from now on."""
        self.bias = self.gradBias = None
        return self

    def reset(self, stdv: float | None = None) -> Self:
        """Draw W and b uniformly with standard deviation `stdv`."""
        for parameter in self.parameters()[0]:
            draw(parameter, self.weight.shape[1], stdv)
        return self

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        weight, bias, add = self._parameters
        if self.weight is not weight or self.bias is not bias:
            weight, bias = self._fitting('weight', 'bias')
            add = vector_adder(self.dtype)
            self._parameters = weight, bias, add
        try:
            if input.dtype is not self.dtype:
                self.check(input)
            output = weight.dot(input, self.output) if input.ndim == 1 else input.dot(weight.T, self.output)
        except (AttributeError, ValueError):  # dot() is strict about its second argument: it is the guard of the buffer
            self._check_size(input, 'input', 1)
            output = input.dot(weight.T, self.buffer('output', input.shape[:-1] + (len(weight),)))
        if bias is not None:
            if output.ndim == 1:
                add(bias, output)
            else:
                output += bias
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        try:
            if gradOutput.dtype is not self.dtype:
                self.check(gradOutput, 'gradOutput')
            gradInput = gradOutput.dot(self.weight, self.gradInput)
        except (AttributeError, ValueError):
            self._check_size(gradOutput, 'gradOutput', 0)
            gradInput = gradOutput.dot(
                self.weight, self.buffer('gradInput', gradOutput.shape[:-1] + (self.weight.shape[1],))
            )
        if gradInput.shape != input.shape:
            raise self.error(f'gradOutput for input of shape {input.shape} needed, got shape {gradOutput.shape}')
        return gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        weight, bias, add = self._gradients
        if self.gradWeight is not weight or self.gradBias is not bias:
            weight, bias = self._fitting('gradWeight', 'gradBias')
            add = outer_adder(weight, bias)
            self._gradients = weight, bias, add
        try:
            if gradOutput.dtype is not self.dtype:
                self.check(gradOutput, 'gradOutput')
            add(scale, gradOutput, input)
        except (AttributeError, ValueError):
            self._check_size(gradOutput, 'gradOutput', 0)
            self._check_size(input, 'input', 1)
            raise self.error(
                f'gradOutput for input of shape {input.shape} needed, got shape {gradOutput.shape}'
            ) from None

    # shared or not: the update is a plain sum, so nothing needs to be gathered first
    accUpdateGradParameters = Module.defaultAccUpdateGradParameters

    def _fitting(self, *names: str) -> tuple[np.ndarray, np.ndarray | None]:
        """The tensors of these `names`, checked to be a matrix and None or one number for each of its rows."""
        weight, bias = (getattr(self, name) for name in names)
        self.check(weight, names[0])
        if weight.ndim != 2:
            raise self.error(f'{names[0]} of 2 dimensions needed, got {describe(weight)}')
        if bias is not None:
            self.check(bias, names[1], weight.shape[:1])
        return weight, bias

    def _check_size(self, tensor: np.ndarray, what: str, axis: int) -> None:
        self.check(tensor, what)
        size = self.weight.shape[axis]
        if tensor.ndim not in (1, 2) or tensor.shape[-1] != size:
            raise self.error(f'{what} of size {size} needed, a vector or a batch of them, got shape {tensor.shape}')

    def __str__(self) -> str:
        sizes = ' -> '.join(map(str, reversed(np.shape(self.weight))))
        return f'{self.typename}({sizes})' + (' without bias' if self.bias is None else '')


class LinearWeightNorm(Linear):
    """`Linear` whose rows are w = g v / |v|: the length g and the direction v of each are learned.

    With s = dy x', dg = s . v / |v| and dv = g / |v| (s - dg v / |v|), row by row.

    Parameters
    ----------
    inputSize, outputSize, bias
        as in `Linear`
    eps
        the least |v|

    ``weight`` is worked out in every forward while training, and once by `evaluate()` for all that follow.

    Torch7 manual: simple.md#nn.LinearWeightNorm
    """

    learned = (('v', 'gradV'), ('g', 'gradG'), ('bias', 'gradBias'))
    cleared = (*Linear.cleared, 'weight', 'norm', 'scale')

    def __init__(self, inputSize: int, outputSize: int, bias: bool = True, eps: float = 1e-16):
        Module.__init__(self)
        positive(self, inputSize, outputSize)
        self.inputSize, self.outputSize, self.eps = inputSize, outputSize, eps
        self.weight, self.v, self.gradV = (np.zeros((outputSize, inputSize)) for _ in range(3))
        self.g, self.gradG, self.norm, self.scale = (np.zeros((outputSize, 1)) for _ in range(4))
        if bias:
            self.bias, self.gradBias = np.zeros(outputSize), np.zeros(outputSize)
        self.reset()

    def reset(self, stdv: float | None = None) -> Self:
        """Draw w and b uniformly with standard deviation `stdv`; g and v follow from w."""
        self.weight = np.empty_like(self.v)
        draw(self.weight, self.inputSize, stdv)
        self.initFromWeight()
        if self.bias is not None:
            draw(self.bias, self.inputSize, stdv)
        return self

    def initFromWeight(self, weight: np.ndarray | None = None) -> Self:
        """Let g and v be those of `weight`, of the layer's own where none is given."""
        self.v[...] = self.weight if weight is None else weight
        squares = np.square(self.v, dtype=float)
        self.g[...] = np.sqrt(np.cumsum(squares, 1)[:, -1:])  # summed from left to right, as in Torch7, to the last bit
        np.maximum(self.g, self.eps, out=self.g)
        return self

    @staticmethod
    def fromLinear(linear: Linear) -> 'LinearWeightNorm':
        """A layer that does what `linear` does."""
        outputSize, inputSize = linear.weight.shape
        layer = LinearWeightNorm(inputSize, outputSize, linear.bias is not None).type(linear.dtype)
        if linear.bias is not None:
            layer.bias[...] = linear.bias
        layer.weight[...] = linear.weight
        return layer.initFromWeight()

    def toLinear(self) -> Linear:
        """A `Linear` that does what this layer does."""
        self.updateWeightMatrix()
        linear = Linear(self.inputSize, self.outputSize, self.bias is not None).type(self.dtype)
        linear.weight[...] = self.weight
        if self.bias is not None:
            linear.bias[...] = self.bias
        return linear

    def updateWeightMatrix(self) -> None:
        """Work out ``weight`` from g and v."""
        self.norm = np.maximum(np.sqrt(np.vecdot(self.v, self.v)), self.eps)[:, None]
        self.scale = self.g / self.norm
        self.weight = self.v * self.scale

    def evaluate(self) -> None:
        if self.train is not False:
            self.updateWeightMatrix()
        super().evaluate()

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        if self.train is not False or not self.weight.size:
            self.updateWeightMatrix()
        return super().updateOutput(input)

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        gradient = np.zeros_like(self.v)
        outer_adder(gradient, self.gradBias)(scale, gradOutput, input)
        gradG = np.vecdot(gradient, self.v)[:, None] / self.norm
        gradient -= self.v * (gradG / self.norm)
        gradient *= self.scale
        self.gradV += gradient
        self.gradG += gradG

    accUpdateGradParameters = Module.defaultAccUpdateGradParameters  # shared or not, as in Linear

    def __str__(self) -> str:
        return f'{self.typename}({self.inputSize} -> {self.outputSize})' + (
            ' without bias' if self.bias is None else ''
        )


class Bilinear(Module):
    """y_k = x1' W_k x2 + b_k for every row x1, x2 of two batches: the input is the table ``[x1, x2]``.

    dx1 = sum_k dy_k W_k x2, dx2 = sum_k dy_k W_k' x1, dW_k = dy_k x1 x2', db = dy, summed over the batch.

    Parameters
    ----------
    inputSize1, inputSize2, outputSize
        inputs ``(N, inputSize1)`` and ``(N, inputSize2)``, output ``(N, outputSize)``
    bias
        False leaves b out

    W and b begin uniform in +-1/sqrt(inputSize1).

    Torch7 manual: simple.md#nn.Bilinear
    """

    def __init__(self, inputSize1: int, inputSize2: int, outputSize: int, bias: bool = True):
        super().__init__()
        sizes = (outputSize, inputSize1, inputSize2)
        positive(self, *sizes)
        self.weight, self.gradWeight = np.zeros(sizes), np.zeros(sizes)
        if bias:
            self.bias, self.gradBias = np.zeros(outputSize), np.zeros(outputSize)
        self.gradInput = [np.empty(0), np.empty(0)]
        self.reset()

    def reset(self, stdv: float | None = None) -> Self:
        """Draw W and b uniformly with standard deviation `stdv`."""
        for parameter in self.parameters()[0]:
            draw(parameter, self.weight.shape[1], stdv)
        return self

    def _inputs(self, input: Any) -> list[np.ndarray]:
        self.check_table(input, 2)
        for number, (tensor, size) in enumerate(zip(input, self.weight.shape[1:], strict=True), 1):
            self.check(tensor, f'input {number}')
            if tensor.ndim != 2 or tensor.shape[1] != size or len(tensor) != len(input[0]):
                raise self.error(
                    f'inputs of shapes (N, {self.weight.shape[1]}) and (N, {self.weight.shape[2]}) needed, '
                    f'got {describe(input[0])} and {describe(input[1])}'
                )
        return input

    def _gradient(self, input: Any, gradOutput: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x1, x2 = self._inputs(input)
        self.check(gradOutput, 'gradOutput', (len(x1), len(self.weight)))
        return x1, x2, (gradOutput[:, :, None] * x1[:, None, :]).reshape(len(x1), -1)

    def _products(self, x2: np.ndarray) -> np.ndarray:
        """W_k x2 for all rows and all k at once, one matrix product."""
        return x2.dot(self._flat(self.weight).T).reshape(len(x2), *self.weight.shape[:2])

    @staticmethod
    def _flat(weight: np.ndarray) -> np.ndarray:
        return weight.reshape(-1, weight.shape[2])

    def updateOutput(self, input: list[np.ndarray]) -> np.ndarray:
        x1, x2 = self._inputs(input)
        output = self.buffer('output', (len(x1), len(self.weight)))
        np.vecdot(self._products(x2), x1[:, None, :], output)
        if self.bias is not None:
            output += self.bias
        return output

    def updateGradInput(self, input: list[np.ndarray], gradOutput: np.ndarray) -> list[np.ndarray] | None:
        if self.gradInput is None:
            return None
        x1, x2, spread = self._gradient(input, gradOutput)
        gradients = [self.buffer('_gradInput1', x1.shape), self.buffer('_gradInput2', x2.shape)]
        np.matmul(gradOutput[:, None, :], self._products(x2), gradients[0][:, None, :])
        np.dot(spread, self._flat(self.weight), gradients[1])
        self.gradInput = gradients
        return gradients

    def accGradParameters(self, input: list[np.ndarray], gradOutput: np.ndarray, scale: float = 1) -> None:
        _, x2, spread = self._gradient(input, gradOutput)
        self.gradWeight += scale * spread.T.dot(x2).reshape(self.gradWeight.shape)
        if self.bias is not None:
            self.gradBias += scale * gradOutput.sum(0)

    # shared or not, as in Linear
    accUpdateGradParameters = Module.defaultAccUpdateGradParameters

    def __str__(self) -> str:
        outputSize, inputSize1, inputSize2 = self.weight.shape
        return f'{self.typename}({inputSize1}x{inputSize2} -> {outputSize}) ' + (
            ' without bias' if self.bias is None else ''
        )


class Maxout(Sequential):
    """y_j = max_k (W x + b)_kj: the largest of `maxoutNumber` linear functions, for each output.

    Parameters
    ----------
    inputSize, outputSize
        input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or ``(N, outputSize)``
    maxoutNumber
        linear functions for each output
    preprocess
        a module between them and the maximum, on ``(maxoutNumber, outputSize)`` or a batch of such

    It is, and prints as, the Sequential that it consists of. Source: Goodfellow et al., Maxout networks (2013).
    """

    def __init__(self, inputSize: int, outputSize: int, maxoutNumber: int, preprocess: Module | None = None):
        super().__init__()
        self.add(Linear(inputSize, outputSize * maxoutNumber))
        self.add(View(maxoutNumber, outputSize).setNumInputDims(1))
        if preprocess is not None:
            self.add(preprocess)
        self.add(Max(1, 2))


class Broadcast(Module):
    """The base of layers that add a learned tensor or multiply by one, element by element.

    It fits an input of as many elements; one of as many dimensions, to which its dimensions of size 1 are expanded; a
    batch of inputs of as many elements; and, where it is a single number, every input.
    """

    def reset(self, stdv: float | None = None) -> Self:
        """Draw the tensor uniformly with standard deviation `stdv`."""
        (parameter,) = self.parameters()[0]
        draw(parameter, parameter.size, stdv)
        return self

    def fitted(self, parameter: np.ndarray, tensor: np.ndarray, what: str = 'input') -> np.ndarray:
        """`parameter` in a shape that broadcasts over `tensor`, which is checked."""
        self.check(tensor, what)
        if parameter.size == tensor.size:
            return parameter.reshape(tensor.shape)
        if parameter.size == 1:
            return parameter.reshape(())
        if parameter.ndim == tensor.ndim:
            if all(own in (1, its) for own, its in zip(parameter.shape, tensor.shape, strict=True)):
                return parameter
        elif tensor.ndim and parameter.size == math.prod(tensor.shape[1:]):
            return parameter.reshape(tensor.shape[1:])
        raise self.error(f'{what} that fits a tensor of shape {parameter.shape} needed, got {describe(tensor)}')

    def collect(self, gradient: np.ndarray, scale: float, values: np.ndarray) -> None:
        """Add `scale` times `values`, summed over what the parameter was spread over, to `gradient`."""
        shape = self.fitted(gradient, values).shape
        shape = (1,) * (values.ndim - len(shape)) + shape
        total = values.sum(tuple(axis for axis, size in enumerate(shape) if size == 1))
        gradient += scale * total.reshape(gradient.shape)


class Adding(Broadcast):
    """The base of layers that add: y = x + b, dx = dy, db = dy, summed."""

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        bias = self.fitted(self.bias, input)
        return np.add(input, bias, self.buffer('output', input.shape))

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        self.check(gradOutput, 'gradOutput', input.shape)
        np.copyto(self.buffer('gradInput', input.shape), gradOutput)
        return self.gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check(gradOutput, 'gradOutput', input.shape)
        self.collect(self.gradBias, scale, gradOutput)


class Multiplying(Broadcast):
    """The base of layers that multiply: y = w x, dx = w dy, dw = x dy, summed."""

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        weight = self.fitted(self.weight, input)
        return np.multiply(input, weight, self.buffer('output', input.shape))

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        self.check(gradOutput, 'gradOutput', input.shape)
        weight = self.fitted(self.weight, gradOutput)
        return np.multiply(gradOutput, weight, self.buffer('gradInput', input.shape))

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check(gradOutput, 'gradOutput', input.shape)
        self.collect(self.gradWeight, scale, input * gradOutput)


class Add(Adding):
    """y = x + b, b a vector, or one number for all elements.

    Parameters
    ----------
    inputSize
        input ``(inputSize,)``, or a batch of samples of as many elements
    scalar
        learn one number instead; the input may then have any shape

    b begins uniform in +-1/sqrt(its size).

    Torch7 manual: simple.md#nn.Add
    """

    def __init__(self, inputSize: int, scalar: bool = False):
        super().__init__()
        self.scalar = scalar
        size = 1 if scalar else inputSize
        self.bias, self.gradBias = np.zeros(size), np.zeros(size)
        self.reset()


class CAdd(Adding):
    """y = x + b, element by element, b a tensor of the given shape.

    Parameters
    ----------
    *size
        ``nn.CAdd(2, 3)`` or ``nn.CAdd([2, 3])``: the input has as many elements, or is a batch of such, or has as many
        dimensions, to which those of size 1 are expanded: ``nn.CAdd(1, 3)`` adds to every row of ``(N, 3)``

    b begins uniform in +-1/sqrt(number of elements).

    Torch7 manual: simple.md#nn.CAdd
    """

    def __init__(self, *size: int | list[int]):
        super().__init__()
        self.size = _sizes(self, size)
        self.bias, self.gradBias = np.zeros(self.size), np.zeros(self.size)
        self.reset()


class Mul(Multiplying):
    """y = w x, w a single number, x of any shape.

    w begins uniform in +-1.

    Torch7 manual: simple.md#nn.Mul
    """

    def __init__(self):
        super().__init__()
        self.weight, self.gradWeight = np.zeros(1), np.zeros(1)
        self.reset()


class CMul(Multiplying):
    """y = w x, element by element, w a tensor of the given shape.

    Parameters
    ----------
    *size
        as in `CAdd`: ``nn.CMul(1, 3, 1, 1)`` scales the 3 maps of a batch of images

    w begins uniform in +-1/sqrt(number of elements).

    Torch7 manual: simple.md#nn.CMul
    """

    def __init__(self, *size: int | list[int]):
        super().__init__()
        self.size = _sizes(self, size)
        self.weight, self.gradWeight = np.zeros(self.size), np.zeros(self.size)
        self.reset()
