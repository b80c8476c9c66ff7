"""Transfer functions that pass what is above zero, or above a threshold, and treat the rest otherwise.

Torch7 manual: transfer.md
"""

from typing import Any

import numpy as np

from .. import random
from ..blas import ZERO, keep
from ..tensors import number
from .arithmetic import MulConstant
from .containers import RowWise
from .identity import Identity
from .pointwise import Pointwise
from .table import ConcatTable, JoinTable
from .transfer import Clipping

__all__ = ['CReLU', 'ELU', 'LeakyReLU', 'PReLU', 'RReLU', 'ReLU', 'ReLU6', 'Threshold']


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
    inplace: bool

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
    inplace: bool

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
    inplace: bool

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
    inplace: bool

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
    inplace: bool

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
    inplace: bool

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
