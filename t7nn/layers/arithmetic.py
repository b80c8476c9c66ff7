"""Arithmetic with tensors: sums and extremes, constants, learned summands and factors, matrix products.

Torch7 manual: simple.md
"""

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from ..module import Module
from ..tensors import describe
from ._initialization import draw_weight_and_bias, positive
from .pointwise import Pointwise
from .shapes import _sizes

__all__ = [
    'Add',
    'AddConstant',
    'CAdd',
    'CMul',
    'Constant',
    'MM',
    'MV',
    'Max',
    'Mean',
    'Min',
    'Mul',
    'MulConstant',
    'Sum',
]


class Reduction(Module):
    """The base of layers that make one number of every row along a dimension, which is then gone; a vector's becomes
    size 1.

    A layer says `reduce(x, y, axis)`, which writes into y, of size 1 along the axis, and `spread(x, dy, dx, axis)`.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative
    nInputDims
        the number of dimensions of one sample: a batch's dimension is not counted
    """

    squeeze: bool = True
    dimension: int
    nInputDims: int | None

    def __init__(self, dimension: int = 1, nInputDims: int | None = None):
        super().__init__()
        self.dimension = dimension
        self.nInputDims = nInputDims

    def reduce(self, x: np.ndarray, y: np.ndarray, axis: int) -> None:
        """Reduce x to y."""
        raise self.error('expected reduce(x, y, axis) in every Reduction layer', TypeError)

    def spread(self, x: np.ndarray, dy: np.ndarray, dx: np.ndarray, axis: int) -> None:
        """dx from dy."""
        raise self.error('expected spread(x, dy, dx, axis) in every Reduction layer', TypeError)

    def _layout(self, input: np.ndarray) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        """The axis, the output's shape, and its shape with the axis in it."""
        self.check_parameters()
        axis = self.axis_of(self.dimension, input.ndim, self.nInputDims)
        before, after = input.shape[:axis], input.shape[axis + 1 :]
        if not input.shape[axis]:
            raise self.error(
                f'expected input of at least one entry in dimension {self.dimension}, got {describe(input)}'
            )
        kept = (*before, 1, *after)
        return axis, before + after if self.squeeze and input.ndim > 1 else kept, kept

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.check(input)
        axis, shape, kept = self._layout(input)
        output = self.buffer('output', shape)
        self.reduce(input, output.reshape(kept), axis)
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.check(input)
        axis, shape, kept = self._layout(input)
        gradOutput = self.check(gradOutput, 'gradOutput', shape)
        gradInput = self.buffer('gradInput', input.shape)
        self.spread(input, gradOutput.reshape(kept), gradInput, axis)
        return gradInput


class Sum(Reduction):
    """y = the sum of x along a dimension, or its mean; dx = dy for every entry, divided by their number for the mean.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative
    nInputDims
        the number of dimensions of one sample: a batch's dimension is not counted
    sizeAverage
        True: the mean
    squeeze
        False: the dimension stays, with size 1

    Raises
    ------
    ValueError
        if the input has no such dimension, or nothing along it

    Torch7 manual: simple.md#nn.Sum
    """

    sizeAverage: bool

    def __init__(
        self, dimension: int = 1, nInputDims: int | None = None, sizeAverage: bool = False, squeeze: bool = True
    ):
        super().__init__(dimension, nInputDims)
        self.sizeAverage = sizeAverage
        self.squeeze = squeeze

    def reduce(self, x, y, axis):
        np.sum(x, axis, out=y, keepdims=True)
        if self.sizeAverage:
            y /= x.shape[axis]

    def spread(self, x, dy, dx, axis):
        np.copyto(dx, dy)
        if self.sizeAverage:
            dx /= x.shape[axis]


class Mean(Sum):
    """y = the mean of x along a dimension: `Sum` with ``sizeAverage``.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative
    nInputDims
        the number of dimensions of one sample: a batch's dimension is not counted

    Raises
    ------
    ValueError
        if the input has no such dimension, or nothing along it

    Torch7 manual: simple.md#nn.Mean
    """

    def __init__(self, dimension: int = 1, nInputDims: int | None = None):
        super().__init__(dimension, nInputDims, True)


class Max(Reduction):
    """y = the largest entry of x along a dimension; dy goes to it, to the first of them where several are equal.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative
    nInputDims
        the number of dimensions of one sample: a batch's dimension is not counted

    Raises
    ------
    ValueError
        if the input has no such dimension, or nothing along it

    Torch7 manual: simple.md#nn.Max
    """

    #: what finds the entry, and where it is
    best: Callable = staticmethod(np.max)
    first: Callable = staticmethod(np.argmax)

    def reduce(self, x, y, axis):
        if min(x.strides) < 0:  # NumPy before 2.2 is wrong there
            x = x.copy()
        self.best(x, axis, out=y, keepdims=True)

    def spread(self, x, dy, dx, axis):
        dx.fill(0)
        np.put_along_axis(dx, self.first(x, axis, keepdims=True), dy, axis)


class Min(Max):
    """y = the smallest entry of x along a dimension; dy goes to it, to the first of them where several are equal.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative
    nInputDims
        the number of dimensions of one sample: a batch's dimension is not counted

    Raises
    ------
    ValueError
        if the input has no such dimension, or nothing along it

    Torch7 manual: simple.md#nn.Min
    """

    best, first = staticmethod(np.min), staticmethod(np.argmin)


class WithConstant(Pointwise):
    """The base of the layers that put a constant to every element.

    In place the input is overwritten, and put back when the gradient is computed, as layers before may need it; the
    output then moves to memory of its own, as layers behind may need that.
    """

    needs_output = False
    constant_scalar: Any
    inplace: bool

    def __init__(self, constant_scalar: Any, inplace: bool = False):
        super().__init__()
        self.constant_scalar = constant_scalar
        self.inplace = inplace

    def check_fields(self) -> None:
        super().check_fields()
        value = self.constant_scalar
        if not isinstance(value, (int, float, np.number, np.ndarray)):
            raise self.error(f'expected a number or a tensor as constant_scalar, got {describe(value)}', TypeError)
        if isinstance(value, np.ndarray):
            self.check(value, 'constant_scalar')

    def restore(self, x: np.ndarray) -> None:
        """Undo `function` in place."""
        raise self.error('expected restore(x)', TypeError)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:  # type: ignore[override]
        if self.gradInput is None:
            return None
        gradInput = super().updateGradInput(input, gradOutput)
        if self.inplace and self.output is input:
            np.copyto(self.buffer('output', input.shape), input)
            self.restore(input)
        return gradInput


class AddConstant(WithConstant):
    """y = x + constant_scalar, dx = dy.

    Parameters
    ----------
    constant_scalar
        a number, or a vector as long as the input's last dimension, for a vector or a batch of them
    inplace
        write the output into the input, until the gradient is computed, and gradInput into gradOutput

    Raises
    ------
    TypeError
        if `constant_scalar` is neither
    ValueError
        if it is a vector that does not fit the input

    Torch7 manual: transfer.md#nn.AddConstant
    """

    def __init__(self, constant_scalar: float | np.ndarray, inplace: bool = False):
        super().__init__(constant_scalar, inplace)
        if isinstance(constant_scalar, np.ndarray):
            self.constant_scalar = np.asarray(constant_scalar, self.dtype)
        elif not isinstance(constant_scalar, (int, float, np.number)):
            raise TypeError(f'{self.typename}: expected a number or tensor, got {describe(constant_scalar)}')

    def _constant(self, x: np.ndarray) -> Any:
        constant = self.constant_scalar
        if isinstance(constant, np.ndarray) and not (x.ndim <= 2 and x.shape[-1:] == constant.shape):
            raise self.error(f'expected a vector of size {constant.size} or a batch of them, got shape {x.shape}')
        return constant

    def function(self, x, y):
        np.add(x, self._constant(x), y)

    def derivative(self, x, y, dy, dx):
        np.copyto(dx, dy)

    def restore(self, x):
        x -= self._constant(x)


class MulConstant(WithConstant):
    """y = constant_scalar x, dx = constant_scalar dy.

    Parameters
    ----------
    constant_scalar
        a number; in place not 0, as the input could not be put back
    inplace
        write the output into the input, until the gradient is computed, and gradInput into gradOutput

    Raises
    ------
    TypeError, ValueError
        if `constant_scalar` is no such number

    Torch7 manual: transfer.md#nn.MulConstant
    """

    def __init__(self, constant_scalar: float, inplace: bool = False):
        super().__init__(constant_scalar, inplace)
        if not isinstance(constant_scalar, (int, float, np.number)):
            raise TypeError(f'{self.typename}: expected a number, got {describe(constant_scalar)}')
        if inplace and not constant_scalar:
            raise ValueError(f'{self.typename}: expected a constant other than 0 with inplace, got 0')

    def function(self, x, y):
        np.multiply(x, self.constant_scalar, y)

    def derivative(self, x, y, dy, dx):
        np.multiply(dy, self.constant_scalar, dx)

    def restore(self, x):
        x /= self.constant_scalar

    def check_fields(self) -> None:
        super().check_fields()
        if isinstance(self.constant_scalar, np.ndarray):
            got = describe(self.constant_scalar)
            raise self.error(f'expected a number as constant_scalar, got {got}', TypeError)


class MatrixProduct(Module):
    """The base of the products C = A B of two matrices, or of all in two batches; dA = dC B', dB = A' dC.

    A layer says `factors(left, right)`: how tensors of the shapes of the input are seen as A and B.
    """

    table_fields = ('gradInput',)
    #: whether B and C are vectors, seen as matrices of one column
    vector = False

    def factors(self, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The views of the tensors that are multiplied."""
        raise self.error('expected factors(left, right) in every MatrixProduct layer', TypeError)

    def _factors(self, input: list) -> tuple[np.ndarray, np.ndarray, tuple[int, ...], tuple[int, ...]]:
        """The factors of the input, the shape of their product, and that of the output."""
        self.check_parameters()
        tensors = self.check_tensors(input, 2)
        left, right = tensors
        if left.ndim in (2, 3) and right.ndim == left.ndim - self.vector:
            left, right = self.factors(left, right)
            if left.shape[:-2] == right.shape[:-2] and left.shape[-1] == right.shape[-2]:
                shape = (*left.shape[:-1], right.shape[-1])
                return left, right, shape, shape[:-1] if self.vector else shape
        raise self.error(
            f'expected a matrix and a {"vector" if self.vector else "matrix"} of sizes that match, or two batches of '
            f'as many, got {" and ".join(map(describe, tensors))}'
        )

    def updateOutput(self, input: list[np.ndarray]) -> np.ndarray:
        left, right, product, shape = self._factors(input)
        output = self.buffer('output', shape)
        np.matmul(left, right, output.reshape(product))
        return output

    def updateGradInput(self, input: list[np.ndarray], gradOutput: np.ndarray) -> list[np.ndarray]:
        left, right, product, shape = self._factors(input)
        dy = self.check(gradOutput, 'gradOutput', shape).reshape(product)
        gradInput = self.buffer_table('gradInput', self.check_tensors(input))
        gradLeft, gradRight = self.factors(*gradInput)
        np.matmul(dy, right.swapaxes(-1, -2), gradLeft)
        np.matmul(left.swapaxes(-1, -2), dy, gradRight)
        return gradInput


class MM(MatrixProduct):
    """C = A B for [A, B], two matrices or two batches of as many.

    Parameters
    ----------
    transA, transB
        take A', B' in the place of A, B

    Raises
    ------
    ValueError
        if the two do not fit each other

    Torch7 manual: simple.md#nn.MM
    """

    transA: bool
    transB: bool

    def __init__(self, transA: bool = False, transB: bool = False):
        super().__init__()
        self.transA = transA
        self.transB = transB

    def factors(self, left, right):
        return left.swapaxes(-1, -2) if self.transA else left, right.swapaxes(-1, -2) if self.transB else right


class MV(MatrixProduct):
    """y = M x for [M, x], a matrix and a vector or two batches of as many.

    Parameters
    ----------
    trans
        take M' in the place of M

    Raises
    ------
    ValueError
        if the two do not fit each other

    Torch7 manual: simple.md#nn.MM
    """

    vector = True
    trans: bool

    def __init__(self, trans: bool = False):
        super().__init__()
        self.trans = trans

    def factors(self, left, right):
        return left.swapaxes(-1, -2) if self.trans else left, right[..., None]


class Broadcast(Module):
    """The base of layers that add a learned tensor or multiply by one, element by element.

    It fits an input of as many elements; one of as many dimensions, to which its dimensions of size 1 are expanded; a
    batch of inputs of as many elements; and, where it is a single number, every input.
    """

    def reset(self, stdv: float | None = None) -> Self:
        """Draw the tensor uniformly with standard deviation `stdv`."""
        draw_weight_and_bias(self, np.size(self.parameters()[0]), stdv)
        return self

    def fitted(self, parameter: np.ndarray, tensor: np.ndarray, what: str = 'input') -> np.ndarray:
        """`parameter`, or its gradient, in a shape that broadcasts over `tensor`."""
        parameter = self.check(parameter, 'parameter')
        if parameter.size == tensor.size:
            return parameter.reshape(tensor.shape)
        if parameter.size == 1:
            return parameter.reshape(())
        if parameter.ndim == tensor.ndim:
            if all(own in (1, its) for own, its in zip(parameter.shape, tensor.shape, strict=True)):
                return parameter
        elif tensor.ndim and parameter.size == math.prod(tensor.shape[1:]):
            return parameter.reshape(tensor.shape[1:])
        raise self.error(f'expected {what} that fits a tensor of shape {parameter.shape}, got {describe(tensor)}')

    def collect(self, gradient: np.ndarray, scale: float, values: np.ndarray) -> None:
        """Add `scale` times `values`, summed over what the parameter was spread over, to `gradient`."""
        shape = self.fitted(gradient, values).shape
        shape = (1,) * (values.ndim - len(shape)) + shape
        total = values.sum(tuple(axis for axis, size in enumerate(shape) if size == 1))
        gradient += scale * total.reshape(gradient.shape)


class Adding(Broadcast):
    """The base of layers that add: y = x + b, dx = dy, db = dy, summed."""

    bias: np.ndarray
    gradBias: np.ndarray

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        input = self.check(input)
        return np.add(input, self.fitted(self.bias, input), self.buffer('output', input.shape))

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        gradOutput = self.check(gradOutput, 'gradOutput', self.check(input).shape)
        gradInput = self.buffer('gradInput', gradOutput.shape)
        np.copyto(gradInput, gradOutput)
        return gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        self.collect(self.gradBias, scale, self.check(gradOutput, 'gradOutput', self.check(input).shape))


class Multiplying(Broadcast):
    """The base of layers that multiply: y = w x, dx = w dy, dw = x dy, summed."""

    weight: np.ndarray
    gradWeight: np.ndarray

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        input = self.check(input)
        return np.multiply(input, self.fitted(self.weight, input), self.buffer('output', input.shape))

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        self.check_parameters()
        gradOutput = self.check(gradOutput, 'gradOutput', self.check(input).shape)
        weight = self.fitted(self.weight, gradOutput, 'gradOutput')
        return np.multiply(gradOutput, weight, self.buffer('gradInput', gradOutput.shape))

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        input = self.check(input)
        self.collect(self.gradWeight, scale, input * self.check(gradOutput, 'gradOutput', input.shape))


class Add(Adding):
    """y = x + b, b a vector, or one number for all elements.

    Parameters
    ----------
    inputSize
        a positive whole number. Input ``(inputSize,)``, or a batch of samples of as many elements
    scalar
        learn one number instead; the input may then have any shape

    b begins uniform in +-1/sqrt(its size).

    Raises
    ------
    ValueError
        if the input does not fit

    Torch7 manual: simple.md#nn.Add
    """

    scalar: bool

    def __init__(self, inputSize: int, scalar: bool = False):
        super().__init__()
        if not scalar:
            positive(self, inputSize)
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

    Raises
    ------
    ValueError
        if the input does not fit

    Torch7 manual: simple.md#nn.CAdd
    """

    size: list[int]

    def __init__(self, *size: int | list[int]):
        super().__init__()
        self.size = _sizes(self, size)
        positive(self, *self.size)
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

    Raises
    ------
    ValueError
        if the input does not fit

    Torch7 manual: simple.md#nn.CMul
    """

    size: list[int]

    def __init__(self, *size: int | list[int]):
        super().__init__()
        self.size = _sizes(self, size)
        positive(self, *self.size)
        self.weight, self.gradWeight = np.zeros(self.size), np.zeros(self.size)
        self.reset()


class Constant(Module):
    """y = `value`, whatever comes in; dx = 0.

    Parameters
    ----------
    value
        a tensor, or a number, which becomes a tensor of shape ``(1,)``
    nInputDim
        the number of dimensions of one sample: a batch of N gives N times the value, ``(N, ...)``

    Raises
    ------
    TypeError
        if `value` is neither

    Torch7 manual: simple.md#nn.Constant
    """

    value: np.ndarray
    nInputDim: int | None

    def __init__(self, value: np.ndarray | float, nInputDim: int | None = None):
        super().__init__()
        if not isinstance(value, (np.ndarray, int, float, np.number)):
            raise TypeError(f'{self.typename}: expected a number or tensor, got {describe(value)}')
        self.value = np.atleast_1d(np.asarray(value, self.dtype))
        self.nInputDim = nInputDim

    def _shape(self, input: Any) -> tuple[int, ...]:
        """The shape of the output for `input`."""
        self.check_parameters()
        batch: tuple[int, ...] = ()
        if self.nInputDim is not None:
            input = self.check(input)
            batch = input.shape[: input.ndim > self.nInputDim]
        return (*batch, *self.check(self.value, 'value').shape)

    def updateOutput(self, input: Any) -> np.ndarray:
        output = self.buffer('output', self._shape(input))
        np.copyto(output, self.value)
        return output

    def updateGradInput(self, input: Any, gradOutput: np.ndarray) -> Any:
        self.check(gradOutput, 'gradOutput', self._shape(input))
        return self.zeros_table('gradInput', input)
