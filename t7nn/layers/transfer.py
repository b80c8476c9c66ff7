"""Transfer functions: smooth, bounded, shrinking and rectifying ones, and the SoftMax family.

Torch7 manual: transfer.md
"""

import math
from typing import Any

import numpy as np

from .. import random
from ..blas import ONE, ZERO, abs_sum, inner, keep, multiply, ones
from ..module import Module
from ..tensors import number
from .arithmetic import MulConstant
from .containers import RowWise
from .identity import Identity
from .pointwise import Pointwise, SameShape
from .table import ConcatTable, JoinTable

__all__ = [
    'CReLU',
    'Clamp',
    'ELU',
    'GatedLinearUnit',
    'HardShrink',
    'HardTanh',
    'LeakyReLU',
    'LogSigmoid',
    'LogSoftMax',
    'PReLU',
    'RReLU',
    'ReLU',
    'ReLU6',
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
    'Threshold',
]


class Tanh(Pointwise):
    """y = tanh(x), dx = (1 - y^2) dy.

    Torch7 manual: transfer.md#nn.Tanh
    """

    def function(self, x, y):
        np.tanh(x, y)

    def derivative(self, x, y, dy, dx):
        np.multiply(y, y, dx)
        np.subtract(ONE[dx.dtype], dx, dx)
        np.multiply(dx, dy, dx)


class Sigmoid(Pointwise):
    """y = 1 / (1 + exp(-x)), dx = y (1 - y) dy.

    Torch7 manual: transfer.md#nn.Sigmoid
    """

    def function(self, x, y):
        from scipy.special import expit

        expit(x, y)

    def derivative(self, x, y, dy, dx):
        np.subtract(ONE[dx.dtype], y, dx)
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


class Threshold(Pointwise):
    """y = x where x > threshold, else val; dx = dy where x > threshold, else 0.

    Parameters
    ----------
    threshold, val
        numbers; `val` must not exceed `threshold` where `inplace` is asked for
    inplace
        write the output into the input and gradInput into gradOutput; nan then stays as it is and passes the gradient

    Raises
    ------
    ValueError
        if `val` exceeds `threshold` in place

    Torch7 manual: transfer.md#nn.Threshold
    """

    needs_output = False
    threshold: float
    val: float

    def __init__(self, threshold: float = 1e-6, val: float = 0, inplace: bool = False):
        super().__init__()
        self.threshold = threshold
        self.val = val
        self.inplace = inplace
        self.validateParameters()

    def validateParameters(self) -> None:
        """Raise a ValueError where working in place would lose which elements passed."""
        if self.inplace and self.val > self.threshold:
            raise self.error(
                f'in-place processing requires value ({number(self.val)}) not exceed '
                f'threshold ({number(self.threshold)}): expected a smaller one'
            )

    def function(self, x, y):
        self.validateParameters()
        passed = self._passed(x)
        np.copyto(y, x)
        np.copyto(y, self.val, where=~passed)

    def _passed(self, x: np.ndarray) -> np.ndarray:
        return ~(x <= self.threshold) if self.inplace else x > self.threshold

    def derivative(self, x, y, dy, dx):
        keep(dy, self._passed(x), dx)


class ReLU(Threshold):
    """y = max(0, x), dx = dy where x > 0, else 0.

    Parameters
    ----------
    inplace
        write the output into the input and gradInput into gradOutput; nan then stays as it is, and is 0 otherwise

    Torch7 manual: transfer.md#nn.ReLU
    """

    def __init__(self, inplace: bool = False):
        super().__init__(0, 0, inplace)

    def function(self, x, y):
        if self.threshold or self.val:  # set by hand: the general case
            return super().function(x, y)
        if self.inplace:
            np.maximum(x, ZERO[y.dtype], out=y)
        else:
            np.fmax(x, ZERO[y.dtype], y)


class ReLU6(Clipping):
    """y = min(max(0, x), 6); dx = dy strictly between 0 and 6, else 0.

    Parameters
    ----------
    inplace
        write the output into the input and gradInput into gradOutput

    Torch7 manual: transfer.md#nn.ReLU6
    """

    min_val = 0
    max_val = 6

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace


def _by_sign(positive: np.ndarray, dy: np.ndarray, slope: Any, dx: np.ndarray) -> None:
    """dx = dy where `positive`, else slope dy; dx may be dy."""
    rest = dy * slope
    keep(rest, ~positive, rest)
    keep(dy, positive, dx)
    dx += rest


class ELU(Pointwise):
    """y = x where x > 0, else alpha (exp(x) - 1); dx = dy where y > 0, else (y + alpha) dy.

    Parameters
    ----------
    alpha
        any number
    inplace
        write the output into the input and gradInput into gradOutput

    Torch7 manual: transfer.md#nn.ELU
    """

    alpha: float

    def __init__(self, alpha: float = 1, inplace: bool = False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def function(self, x, y):
        negative = np.minimum(x, 0)
        np.exp(negative, negative)
        negative -= 1
        negative *= self.alpha
        np.maximum(x, 0, out=y)
        y += negative

    def derivative(self, x, y, dy, dx):
        _by_sign(y > 0, dy, y + self.alpha, dx)

    def __str__(self) -> str:
        return f'{self.typename} (alpha:{self.alpha:f})'


class Rectifier(Pointwise):
    """The base of y = x where x > 0, else slope x; a layer says `slope(x)`, a number or an array like x."""

    needs_output = False

    def slope(self, x: np.ndarray) -> Any:
        """The slope where x <= 0."""
        raise self.error('expected slope(x) in every Rectifier', TypeError)

    def function(self, x, y):
        negative = np.minimum(x, 0)
        negative *= self.slope(x)
        np.maximum(x, 0, out=y)
        y += negative

    def passed(self, x: np.ndarray) -> np.ndarray:
        """Where the gradient passes as it is; this decides about nan."""
        return x > 0

    def derivative(self, x, y, dy, dx):
        _by_sign(self.passed(x), dy, self.slope(x), dx)


class LeakyReLU(Rectifier):
    """y = max(0, x) + negval min(0, x); dx = dy where x > 0, else negval dy.

    Parameters
    ----------
    negval
        the slope below 0; True or False, as old code has it, is 1/100
    inplace
        write the output into the input and gradInput into gradOutput; a negative `negval` switches it off

    Torch7 manual: transfer.md#nn.LeakyReLU
    """

    negval: float

    def __init__(self, negval: float | bool = 1 / 100, inplace: bool = False):
        super().__init__()
        self.negval = 1 / 100 if isinstance(negval, bool) else negval
        self.inplace = inplace and self.negval >= 0

    def slope(self, x):
        return self.negval

    def passed(self, x):
        return ~(x <= 0) if self.inplace else x > 0

    def __str__(self) -> str:
        return f'{self.typename}({self.negval:g})'


class PReLU(Rectifier):
    """y = max(0, x) + w min(0, x) with a learned slope w; dx = dy where x > 0, else w dy; dw = sum of min(0, x) dy.

    Parameters
    ----------
    nOutputPlane
        one slope for each plane, the first dimension of a vector and the second of everything else; 0 for one slope
        for all

    w begins as 0.25, without a draw.

    Raises
    ------
    ValueError
        if `nOutputPlane` is negative, or the input has another number of planes

    Torch7 manual: transfer.md#nn.PReLU
    """

    weight: np.ndarray
    gradWeight: np.ndarray
    nOutputPlane: int

    def __init__(self, nOutputPlane: int = 0):
        super().__init__()
        if nOutputPlane < 0:
            raise ValueError(f'{self.typename}: expected nOutputPlane of at least 0, got {nOutputPlane}')
        self.nOutputPlane = nOutputPlane
        self.weight = np.full(nOutputPlane or 1, 0.25)
        self.gradWeight = np.zeros(nOutputPlane or 1)

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        self.shape_of('weight', 1)
        return dict.fromkeys(('weight', 'gradWeight'), (self.nOutputPlane or 1,))

    def slope(self, x):
        self.check_parameters()
        if not x.ndim:
            raise self.error('expected at least one dimension in input, got shape ()')
        if not self.nOutputPlane:
            return self.weight
        axis = min(1, x.ndim - 1)
        if x.shape[axis] != self.nOutputPlane:
            raise self.error(f'expected {self.nOutputPlane} input planes, got shape {x.shape}')
        return self.weight.reshape((-1,) + (1,) * (x.ndim - axis - 1))

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        input = self.check(input)
        self.slope(input)  # which checks the planes
        gradient = input * self.check(gradOutput, 'gradOutput', input.shape)
        keep(gradient, input <= 0, gradient)
        if self.nOutputPlane:
            plane = min(1, input.ndim - 1)
            self.gradWeight += scale * gradient.sum(tuple(axis for axis in range(input.ndim) if axis != plane))
        else:
            self.gradWeight += scale * gradient.sum()


class RReLU(Rectifier):
    """y = x where x > 0, else a x, with a drawn for every such element uniformly from l to u; at evaluation a is their
    mean.

    Parameters
    ----------
    l, u
        the bounds of the slope, 0 <= l <= u; fields ``lower`` and ``upper``
    inplace
        write the output into the input and gradInput into gradOutput

    ``noise`` holds the slopes drawn last, 1 where x > 0.

    Raises
    ------
    ValueError
        if l and u are not of this range, or backward has no draw of a forward to go by

    Torch7 manual: transfer.md#nn.RReLU
    """

    cleared = (*Pointwise.cleared, 'noise')
    lower: float
    upper: float
    noise: np.ndarray

    def __init__(self, l: float = 1 / 8, u: float = 1 / 3, inplace: bool = False):  # noqa: E741
        super().__init__()
        if not 0 <= l <= u:
            raise ValueError(f'{self.typename}: expected 0 <= l <= u, got {l} and {u}')
        self.lower = l
        self.upper = u
        self.noise = np.empty(0)
        self.train = True
        self.inplace = inplace

    def slope(self, x):
        if not self.train:
            return (self.lower + self.upper) / 2
        if np.shape(self.noise) != x.shape:
            raise self.error(f'expected forward in training mode first, for an input of shape {x.shape}')
        return self.check(self.noise, 'noise')

    def passed(self, x):
        return ~(x <= 0)

    def function(self, x, y):
        if self.train:
            if not self.lower <= self.upper:
                raise self.error(f'expected lower <= upper, got {self.lower} and {self.upper}')
            negative = x <= 0
            noise = self.buffer('noise', x.shape)
            noise.fill(1)
            noise[negative] = random.uniform(
                self.lower, self.upper, out=np.empty(np.count_nonzero(negative), self.dtype)
            )
        super().function(x, y)

    def __str__(self) -> str:
        return f'{self.typename} (l:{self.lower:f}, u:{self.upper:f})'


class CReLU(RowWise):
    """y = x and -x, both through a ReLU, one after the other along the planes: there are twice as many.

    Parameters
    ----------
    nInputDims
        the dimensions of one sample, the planes the first of them; an input with one more is a batch, one of any
        other number of dimensions is a sample
    inplace
        let the ReLU inside work in place

    Raises
    ------
    ValueError
        if the input has no dimension of planes

    Torch7 manual: transfer.md#nn.CReLU
    """

    nInputDims: int

    def __init__(self, nInputDims: int, inplace: bool = False):
        super().__init__()
        self.nInputDims = nInputDims
        self.inplace = inplace
        self.add(ConcatTable().add(Identity()).add(MulConstant(-1)))
        self.add(JoinTable(2))
        self.add(ReLU(inplace))

    def count(self, input: np.ndarray) -> int:
        return len(input) if input.ndim == self.nInputDims + 1 else 1

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        self.check_fields()
        planes = int(input.ndim == self.nInputDims + 1)
        if input.ndim <= planes:
            raise self.error(f'expected input of at least {1 + planes} dimensions, got shape {input.shape}')
        return (*input.shape[:planes], 2 * input.shape[planes], *input.shape[planes + 1 :])

    def __str__(self) -> str:
        return 'CReLU()'


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
        return largest, abs_sum(y) if x.ndim == 1 else self.sum(y)

    def sum(self, x: np.ndarray) -> Any:
        """The sum over each class axis."""
        # a product with ones is several times faster than sum on rows of few classes
        if x.ndim == 1:
            return inner(x, ones(len(x), x.dtype))
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

    def function(self, x, y):
        largest, total = self.exp(x, y)
        # plain numbers cost a quarter of what arrays of one element do
        log = largest.item() + math.log(total) if x.ndim == 1 else largest + np.log(total)
        np.subtract(x, log, y)

    def derivative(self, x, y, dy, dx):
        np.exp(y, dx)
        total = self.sum(dy)
        if dx.ndim == 1:
            multiply(dx, total)
        else:
            dx *= total
        np.subtract(dy, dx, dx)


class SpatialLogSoftMax(LogSoftMax):
    """`LogSoftMax` under another name.

    Torch7 manual: transfer.md#nn.SpatialLogSoftMax
    """
