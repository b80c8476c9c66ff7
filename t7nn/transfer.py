"""Transfer functions: smooth, bounded and shrinking ones on one base, and the SoftMax family.

Torch7 manual: transfer.md
"""

import math
from typing import Any

import numpy as np

from .blas import constant, keep, ones
from .module import Module

__all__ = [
    'Clamp',
    'GatedLinearUnit',
    'GradientReversal',
    'HardShrink',
    'HardTanh',
    'LogSigmoid',
    'LogSoftMax',
    'Sigmoid',
    'SoftMax',
    'SoftMin',
    'SoftPlus',
    'SoftShrink',
    'SoftSign',
    'SpatialLogSoftMax',
    'SpatialSoftMax',
    'Tanh',
    'TanhShrink',
]


class Pointwise(Module):
    """The base of elementwise layers y = f(x).

    A layer says `function(x, y)`, which writes f(x) into y, and `derivative(x, y, dy, dx)`, which writes f'(x) dy into
    dx. With ``inplace`` y is the memory of x and dx that of dy, so a layer that offers it computes dx from y.
    """

    def function(self, x: np.ndarray, y: np.ndarray) -> None:
        """y = f(x)."""
        raise self.error('function(x, y) needed in every Pointwise layer', TypeError)

    def derivative(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray, dx: np.ndarray) -> None:
        """dx = f'(x) dy."""
        raise self.error('derivative(x, y, dy, dx) needed in every Pointwise layer', TypeError)

    # The long conditions ask whether the array of the last call fits: half as dear as calling destination().

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        output = self.output
        if (
            self.inplace
            or output is not self._buffers.get('output')
            or input.__class__ is not np.ndarray
            or input.dtype is not output.dtype
            or input.shape != output.shape
        ):
            output = self.destination('output', input)
        self.function(input, output)
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        gradInput, output = self.gradInput, self.output
        if (
            self.inplace
            or gradInput is not self._buffers.get('gradInput')
            or gradOutput.__class__ is not np.ndarray
            or gradOutput.dtype is not gradInput.dtype
            or gradOutput.shape != gradInput.shape
        ):
            gradInput = self.destination('gradInput', gradOutput, 'gradOutput')
        if not gradOutput.shape == input.shape == output.shape:
            raise self.error(
                f'gradOutput of the shape of input {input.shape} and output {output.shape} needed, '
                f'got shape {gradOutput.shape}'
            )
        self.derivative(input, output, gradOutput, gradInput)
        return gradInput


class Tanh(Pointwise):
    """y = tanh(x), dx = (1 - y^2) dy.

    Torch7 manual: transfer.md#nn.Tanh
    """

    def function(self, x, y):
        np.tanh(x, y)

    def derivative(self, x, y, dy, dx):
        np.multiply(y, y, dx)
        np.subtract(constant(1, dx.dtype.char), dx, dx)
        np.multiply(dx, dy, dx)


class Sigmoid(Pointwise):
    """y = 1 / (1 + exp(-x)), dx = y (1 - y) dy.

    Torch7 manual: transfer.md#nn.Sigmoid
    """

    def function(self, x, y):
        from scipy.special import expit

        expit(x, y)

    def derivative(self, x, y, dy, dx):
        np.subtract(constant(1, dx.dtype.char), y, dx)
        np.multiply(dx, y, dx)
        np.multiply(dx, dy, dx)


class Clipping(Pointwise):
    """The base of y = min(max(x, min_val), max_val); dx = 0 at the bounds and beyond, else dy."""

    min_val: float = -1
    max_val: float = 1

    def function(self, x, y):
        np.fmin(x, self.max_val, out=y)  # as in Torch7 max_val for nan
        np.maximum(y, self.min_val, out=y)

    def derivative(self, x, y, dy, dx):
        keep(dy, ~((x <= self.min_val) | (x >= self.max_val)), dx)


class HardTanh(Clipping):
    """y = min(max(x, min_value), max_value); dx = dy strictly between the bounds, else 0.

    Torch7 manual: transfer.md#nn.HardTanh
    """

    def __init__(self, min_value: float = -1, max_value: float = 1, inplace: bool = False):
        super().__init__()
        if not max_value > min_value:
            raise ValueError(
                f'{self.typename}: max_value must be larger than min_value, got {min_value} and {max_value}'
            )
        self.min_val = min_value
        self.max_val = max_value
        self.inplace = inplace


class Clamp(HardTanh):
    """`HardTanh` under another name, never in place.

    Torch7 manual: simple.md#nn.Clamp
    """

    def __init__(self, min_value: float = -1, max_value: float = 1):
        super().__init__(min_value, max_value)


class Shrinking(Pointwise):
    """The base of functions that are 0 where |x| <= lam and have slope 1 elsewhere."""

    def __init__(self, lam: float = 0.5):
        super().__init__()
        self.lambda_ = lam

    def derivative(self, x, y, dy, dx):
        keep(dy, (x > self.lambda_) | (x < -self.lambda_), dx)


class HardShrink(Shrinking):
    """y = x where |x| > lam, else 0; dx = dy where |x| > lam, else 0.

    Torch7 manual: transfer.md#nn.HardShrink
    """

    def function(self, x, y):
        self.derivative(x, y, x, y)


class SoftShrink(Shrinking):
    """y = x - lam where x > lam, x + lam where x < -lam, else 0; dx = dy where |x| > lam, else 0.

    Torch7 manual: transfer.md#nn.SoftShrink
    """

    def function(self, x, y):
        np.fmax(x - self.lambda_, 0, out=y)
        y += np.fmin(x + self.lambda_, 0)


class SoftPlus(Pointwise):
    """y = log(1 + exp(beta x)) / beta, and x itself where beta x > 20; dx = (1 - exp(-beta y)) dy.

    Torch7 manual: transfer.md#nn.SoftPlus
    """

    def __init__(self, beta: float = 1):
        super().__init__()
        self.beta = beta
        self.threshold = 20

    def function(self, x, y):
        scaled = x * self.beta
        linear = scaled > self.threshold
        np.minimum(scaled, self.threshold, out=y)
        np.exp(y, y)
        np.log1p(y, y)
        y /= self.beta
        np.copyto(y, x, where=linear)

    def derivative(self, x, y, dy, dx):
        scaled = y * -self.beta
        np.expm1(scaled, dx)
        np.multiply(dx, dy, dx)
        np.negative(dx, dx)
        np.copyto(dx, dy, where=scaled < -self.threshold)


class SoftSign(Pointwise):
    """y = x / (1 + |x|), dx = dy / (1 + |x|)^2.

    Torch7 manual: transfer.md#nn.SoftSign
    """

    def function(self, x, y):
        np.divide(x, 1 + np.abs(x), y)

    def derivative(self, x, y, dy, dx):
        denominator = 1 + np.abs(x)
        np.divide(dy, denominator, dx)
        np.divide(dx, denominator, dx)


class LogSigmoid(Pointwise):
    """y = -log(1 + exp(-x)), dx = (1 - exp(y)) dy.

    Torch7 manual: transfer.md#nn.LogSigmoid
    """

    def function(self, x, y):
        # exp of nothing above 0, so it never overflows
        np.abs(x, y)
        np.negative(y, y)
        np.exp(y, y)
        np.log1p(y, y)
        np.subtract(np.minimum(x, 0), y, y)

    def derivative(self, x, y, dy, dx):
        np.expm1(y, dx)
        np.multiply(dx, dy, dx)
        np.negative(dx, dx)


class TanhShrink(Pointwise):
    """y = x - tanh(x), dx = dy - (1 - tanh(x)^2) dy.

    Torch7 manual: transfer.md
    """

    def __init__(self):
        super().__init__()
        self.tanh = Tanh()

    def function(self, x, y):
        np.subtract(x, self.tanh.updateOutput(x), y)

    def derivative(self, x, y, dy, dx):
        np.subtract(dy, self.tanh.updateGradInput(x, dy), dx)


class GatedLinearUnit(Module):
    """y = a sigmoid(b), where a and b are the first and second half of the input along dimension `dim`.

    Parameters
    ----------
    dim
        counted from 1; the last one where none is given

    Torch7 manual: transfer.md#nn.GatedLinearUnit
    """

    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = dim

    def _halves(self, tensor: np.ndarray) -> list[np.ndarray]:
        axis = self.axis_of(tensor.ndim if self.dim is None else self.dim, tensor.ndim)
        if tensor.shape[axis] % 2:
            raise self.error(f'an even size in dimension {axis + 1} needed, got shape {tensor.shape}')
        return np.split(tensor, 2, axis)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        from scipy.special import expit

        self.check(input)
        first, second = self._halves(input)
        output = self.buffer('output', first.shape)
        expit(second, output)
        return np.multiply(output, first, output)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        from scipy.special import expit

        first, second = self._halves(input)
        self.check(gradOutput, 'gradOutput', first.shape)
        gradInput = self.buffer('gradInput', input.shape)
        dfirst, dsecond = self._halves(gradInput)
        gate = expit(second)
        np.multiply(gate, gradOutput, dfirst)
        np.subtract(1, gate, gate)
        np.multiply(gate, dfirst, dsecond)
        dsecond *= first
        return gradInput


class GradientReversal(Module):
    """y = x, the very same tensor; dx = -lambda dy.

    Torch7 manual: simple.md#nn.GradientReversal
    """

    def __init__(self, lambda_: float = 1):
        super().__init__()
        self.lambda_ = lambda_

    def setLambda(self, lambda_: float) -> None:
        """Set the factor."""
        self.lambda_ = lambda_

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check(input)
        self.output = input
        return input

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        return np.multiply(gradOutput, -self.lambda_, self.buffer_like('gradInput', gradOutput, 'gradOutput'))


class SoftMaxBase(Module):
    """The base of the functions over the class axis: the only one of a vector, the second of a batch, the first of a
    map, the second of a batch of maps.

    A layer says `function(x, y, axis)` and `derivative(y, dy, dx, axis)`.
    """

    def axis(self, input: np.ndarray) -> int:
        """The class axis, from 0."""
        if not 1 <= input.ndim <= 4:
            raise self.error(f'1D, 2D, 3D or 4D tensor needed, got shape {input.shape}')
        axis = 1 - input.ndim % 2
        if not input.shape[axis]:
            raise self.error(f'at least one class needed, got shape {input.shape}')
        return axis

    def function(self, x: np.ndarray, y: np.ndarray, axis: int) -> None:
        """y = f(x)."""
        raise self.error('function(x, y, axis) needed', TypeError)

    def derivative(self, y: np.ndarray, dy: np.ndarray, dx: np.ndarray, axis: int) -> None:
        """dx from y and dy."""
        raise self.error('derivative(y, dy, dx, axis) needed', TypeError)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        output = self.buffer_like('output', input)
        self.function(input, output, self.axis(input))
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        gradInput = self.buffer_like('gradInput', gradOutput, 'gradOutput')
        if gradOutput.shape != self.output.shape:
            raise self.error(
                f"gradOutput of the output's shape {self.output.shape} needed, got shape {gradOutput.shape}"
            )
        self.derivative(self.output, gradOutput, gradInput, self.axis(gradOutput))
        return gradInput


def _maximum(x: np.ndarray, axis: int) -> Any:
    # argmax is several times faster than max on rows of few classes
    if x.ndim == 1:
        return x.item(x.argmax())
    if x.ndim == 2:
        return x[np.arange(len(x)), x.argmax(1)][:, None]
    return x.max(axis, keepdims=True)


def _sum(x: np.ndarray, axis: int) -> Any:
    # a product with ones is several times faster than sum on rows of few classes
    if x.ndim == 1:
        return x.dot(ones(len(x), x.dtype)).item()
    if x.ndim == 2:
        return x.dot(ones(x.shape[1], x.dtype))[:, None]
    return x.sum(axis, keepdims=True)


def _log(x: Any) -> Any:
    return math.log(x) if isinstance(x, float) and x > 0 else np.log(x)


class SoftMax(SoftMaxBase):
    """y_i = exp(x_i - max x) / sum_j exp(x_j - max x), dx_i = y_i (dy_i - sum_j dy_j y_j).

    Torch7 manual: transfer.md#nn.SoftMax
    """

    def function(self, x, y, axis):
        np.subtract(x, _maximum(x, axis), y)
        np.exp(y, y)
        np.divide(y, _sum(y, axis), y)

    def derivative(self, y, dy, dx, axis):
        np.multiply(y, dy, dx)
        np.subtract(dy, _sum(dx, axis), dx)
        np.multiply(dx, y, dx)


class SpatialSoftMax(SoftMax):
    """`SoftMax` under another name.

    Torch7 manual: transfer.md#nn.SpatialSoftMax
    """


class SoftMin(SoftMax):
    """y = SoftMax(-x).

    Torch7 manual: transfer.md#nn.SoftMin
    """

    def function(self, x, y, axis):
        super().function(-x, y, axis)

    def derivative(self, y, dy, dx, axis):
        super().derivative(y, dy, dx, axis)
        np.negative(dx, dx)


class LogSoftMax(SoftMaxBase):
    """y_i = x_i - log sum_j exp(x_j), dx_i = dy_i - exp(y_i) sum_j dy_j.

    Torch7 manual: transfer.md#nn.LogSoftMax
    """

    def function(self, x, y, axis):
        largest = _maximum(x, axis)
        np.subtract(x, largest, y)
        np.exp(y, y)
        np.subtract(x, largest + _log(_sum(y, axis)), y)

    def derivative(self, y, dy, dx, axis):
        np.exp(y, dx)
        np.multiply(dx, _sum(dy, axis), dx)
        np.subtract(dy, dx, dx)


class SpatialLogSoftMax(LogSoftMax):
    """`LogSoftMax` under another name.

    Torch7 manual: transfer.md#nn.SpatialLogSoftMax
    """
