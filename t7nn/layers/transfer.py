"""Transfer functions: smooth, bounded and shrinking ones, and the SoftMax family.

Torch7 manual: transfer.md
"""

import math
from typing import Any

import numpy as np

from ..blas import ONE, ROUTINES, keep, ones
from ..module import Module
from .pointwise import Pointwise, SameShape

__all__ = [
    'Clamp',
    'GatedLinearUnit',
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


class Tanh(Pointwise):
    """y = tanh(x), dx = (1 - y^2) dy.

    Torch7 manual: transfer.md#nn.Tanh
    """

    def function(self, x, y):
        np.tanh(x, y)

    def derivative(self, x, y, dy, dx):
        np.multiply(y, y, dx)
        np.subtract(ONE[self.dtype], dx, dx)
        np.multiply(dx, dy, dx)


class Sigmoid(Pointwise):
    """y = 1 / (1 + exp(-x)), dx = y (1 - y) dy.

    Torch7 manual: transfer.md#nn.Sigmoid
    """

    def function(self, x, y):
        from scipy.special import expit

        expit(x, y)

    def derivative(self, x, y, dy, dx):
        np.subtract(ONE[self.dtype], y, dx)
        np.multiply(dx, y, dx)
        np.multiply(dx, dy, dx)


class Clipping(Pointwise):
    """The base of y = min(max(x, min_val), max_val); dx = 0 at the bounds and beyond, else dy."""

    needs_output = False
    min_val: float = -1
    max_val: float = 1

    def function(self, x, y):
        # nan is max_val, but stays nan where a matrix is worked on in place, as in Torch7
        smaller = np.minimum if y is x and x.ndim > 1 else np.fmin
        smaller(x, self.max_val, out=y)
        np.maximum(y, self.min_val, out=y)

    def derivative(self, x, y, dy, dx):
        keep(dy, ~((x <= self.min_val) | (x >= self.max_val)), dx)


class HardTanh(Clipping):
    """y = min(max(x, min_value), max_value); dx = dy strictly between the bounds, else 0.

    Parameters
    ----------
    min_value, max_value
        the bounds, `max_value` the larger; fields ``min_val`` and ``max_val``
    inplace
        write the output into the input and gradInput into gradOutput

    Raises
    ------
    ValueError
        if `max_value` is not larger than `min_value`

    Torch7 manual: transfer.md#nn.HardTanh
    """

    inplace: bool

    def __init__(self, min_value: float = -1, max_value: float = 1, inplace: bool = False):
        super().__init__()
        if not max_value > min_value:
            raise ValueError(
                f'{self.typename}: expected max_value larger than min_value, got {min_value} and {max_value}'
            )
        self.min_val = min_value
        self.max_val = max_value
        self.inplace = inplace


class Clamp(HardTanh):
    """`HardTanh` under another name, never in place.

    Parameters
    ----------
    min_value, max_value
        the bounds, `max_value` the larger

    Raises
    ------
    ValueError
        if `max_value` is not larger than `min_value`

    Torch7 manual: simple.md#nn.Clamp
    """

    def __init__(self, min_value: float = -1, max_value: float = 1):
        super().__init__(min_value, max_value)


class Shrinking(Pointwise):
    """The base of functions that are 0 where |x| <= lam and have slope 1 elsewhere.

    Parameters
    ----------
    lam
        a number, the field ``lambda_``
    """

    needs_output = False
    lambda_: float

    def __init__(self, lam: float = 0.5):
        super().__init__()
        self.lambda_ = lam

    def derivative(self, x, y, dy, dx):
        keep(dy, (x > self.lambda_) | (x < -self.lambda_), dx)


class HardShrink(Shrinking):
    """y = x where |x| > lam, else 0; dx = dy where |x| > lam, else 0.

    Parameters
    ----------
    lam
        a number, the field ``lambda_``

    Torch7 manual: transfer.md#nn.HardShrink
    """

    def function(self, x, y):
        self.derivative(x, y, x, y)


class SoftShrink(Shrinking):
    """y = x - lam where x > lam, x + lam where x < -lam, else 0; dx = dy where x > lam or x < -lam, else 0.

    Parameters
    ----------
    lam
        a number, the field ``lambda_``; below 0 the first case goes before the second

    Torch7 manual: transfer.md#nn.SoftShrink
    """

    def function(self, x, y):
        lam = self.lambda_
        if lam >= 0:  # at most one of the two is not 0
            np.fmax(x - lam, 0, out=y)
            y += np.fmin(x + lam, 0)
        else:
            y[...] = np.where(x > lam, x - lam, np.where(x < -lam, x + lam, 0))


class SoftPlus(Pointwise):
    """y = log(1 + exp(beta x)) / beta, and x itself where beta x > 20; dx = (1 - exp(-beta y)) dy.

    Parameters
    ----------
    beta
        a number other than 0

    Raises
    ------
    ValueError
        if `beta` is 0

    Torch7 manual: transfer.md#nn.SoftPlus
    """

    beta: float
    threshold: float

    def __init__(self, beta: float = 1):
        super().__init__()
        self.beta = beta
        self.threshold = 20
        self._check_beta()

    def _check_beta(self) -> None:
        if self.beta == 0:
            raise self.error('expected a beta other than 0, got 0')

    def function(self, x, y):
        self._check_beta()
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

    tanh: Tanh

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
        counted from 1, or from the end where negative; the last one where none is given

    Raises
    ------
    ValueError
        if that dimension has an odd size

    Torch7 manual: transfer.md#nn.GatedLinearUnit
    """

    dim: int | None

    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = dim

    def _halves(self, tensor: np.ndarray) -> list[np.ndarray]:
        axis = self.axis_of(tensor.ndim if self.dim is None else self.dim, tensor.ndim)
        if tensor.shape[axis] % 2:
            raise self.error(f'expected an even size in dimension {axis + 1}, got shape {tensor.shape}')
        return np.split(tensor, 2, axis)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        from scipy.special import expit

        self.check_parameters()
        first, second = self._halves(self.check(input))
        output = self.buffer('output', first.shape)
        expit(second, output)
        return np.multiply(output, first, output)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        from scipy.special import expit

        self.check_parameters()
        input = self.check(input)
        first, second = self._halves(input)
        gradOutput = self.check(gradOutput, 'gradOutput', first.shape)
        gradInput = self.buffer('gradInput', input.shape)
        dfirst, dsecond = self._halves(gradInput)
        gate = expit(second)
        np.multiply(gate, gradOutput, dfirst)
        np.subtract(1, gate, gate)
        np.multiply(gate, dfirst, dsecond)
        dsecond *= first
        return gradInput


class SoftMaxBase(SameShape):
    """The base of the functions over the class axis: the only one of a vector, the second of a batch, the first of a
    map, the second of a batch of maps.

    Maxima and sums are arrays that broadcast over the tensor, or numbers, for a vector.
    """

    def check_input(self, tensor, what):
        tensor = self.check(tensor, what)
        if not 1 <= tensor.ndim <= 4:
            raise self.error(f'expected 1D, 2D, 3D or 4D tensor, got shape {tensor.shape}')
        if not tensor.shape[1 - tensor.ndim % 2]:
            raise self.error(f'expected at least one class, got shape {tensor.shape}')
        return tensor

    def exp(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, Any]:
        """y = exp(x - max x); the maximum and the sum of y."""
        # argmax is several times faster than max on rows of few classes
        if x.ndim == 1:
            largest = x[x.argmax(), ...]
        elif x.ndim == 2:
            largest = x[np.arange(len(x)), x.argmax(1)][:, None]
        else:
            largest = x.max(1 - x.ndim % 2, keepdims=True)
        np.subtract(x, largest, y)
        np.exp(y, y)
        return largest, ROUTINES[y.dtype].asum(y) if x.ndim == 1 else self.sum(y)

    def sum(self, x: np.ndarray) -> Any:
        """The sum over each class axis."""
        # a product with ones is several times faster than sum on rows of few classes
        if x.ndim == 1:
            return ROUTINES[x.dtype].dot(x, ones(len(x), x.dtype))
        if x.ndim == 2:
            return x.dot(ones(x.shape[1], x.dtype))[:, None]
        return x.sum(1 - x.ndim % 2, keepdims=True)


class SoftMax(SoftMaxBase):
    """y_i = exp(x_i - max x) / sum_j exp(x_j - max x), dx_i = y_i (dy_i - sum_j dy_j y_j).

    Torch7 manual: transfer.md#nn.SoftMax
    """

    def function(self, x, y):
        _, total = self.exp(x, y)
        np.divide(y, total, y)

    def derivative(self, x, y, dy, dx):
        np.multiply(y, dy, dx)
        np.subtract(dy, self.sum(dx), dx)
        np.multiply(dx, y, dx)


class SpatialSoftMax(SoftMax):
    """`SoftMax` under another name.

    Torch7 manual: transfer.md#nn.SpatialSoftMax
    """


class SoftMin(SoftMax):
    """y = SoftMax(-x).

    Torch7 manual: transfer.md#nn.SoftMin
    """

    def function(self, x, y):
        super().function(-x, y)

    def derivative(self, x, y, dy, dx):
        super().derivative(x, y, dy, dx)
        np.negative(dx, dx)


class LogSoftMax(SoftMaxBase):
    """y_i = x_i - log sum_j exp(x_j), dx_i = dy_i - exp(y_i) sum_j dy_j.

    Torch7 manual: transfer.md#nn.LogSoftMax
    """

    # A vector, as a network is trained with one example at a time, has lines of its own, with a plain number for the
    # logarithm and sums by BLAS. Forward and derivative take three quarters of the time of `exp` and `sum` so.

    def function(self, x, y):
        if x.ndim == 1:
            largest = x[x.argmax(), ...]
            np.subtract(x, largest, y)
            np.exp(y, y)
            np.subtract(x, largest.item() + math.log(ROUTINES[self.dtype].asum(y)), y)
        else:
            largest, total = self.exp(x, y)
            np.subtract(x, largest + np.log(total), y)

    def derivative(self, x, y, dy, dx):
        np.exp(y, dx)
        if dx.ndim == 1:
            blas = ROUTINES[self.dtype]
            blas.scal(-blas.dot(dy, ones(dx.size, self.dtype)), dx)
            blas.axpy(dy, dx)
        else:
            dx *= self.sum(dy)
            np.subtract(dy, dx, dx)


class SpatialLogSoftMax(LogSoftMax):
    """`LogSoftMax` under another name.

    Torch7 manual: transfer.md#nn.SpatialLogSoftMax
    """
