"""Transfer functions that pass what is above zero, or above a threshold, and treat the rest otherwise.

Torch7 manual: transfer.md
"""

from typing import Any

import numpy as np

from . import random
from .arithmetic import MulConstant
from .blas import ZERO, keep
from .containers import Rows
from .miscellaneous import Identity
from .table import ConcatTable, JoinTable
from .tensors import number
from .transfer import Clipping, Pointwise

__all__ = [
    'CReLU',
    'ELU',
    'LeakyReLU',
    'PReLU',
    'RReLU',
    'ReLU',
    'ReLU6',
    'Threshold',
]


class Threshold(Pointwise):
    """y = x where x > threshold, else val; dx = dy where x > threshold, else 0.

    Parameters
    ----------
    threshold, val
        `val` must not exceed `threshold` where `inplace` is asked for
    inplace
        write the output into the input and gradInput into gradOutput

    Torch7 manual: transfer.md#nn.Threshold
    """

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
                f'threshold ({number(self.threshold)})'
            )

    def function(self, x, y):
        self.validateParameters()
        passed = x > self.threshold
        np.copyto(y, x)
        np.copyto(y, self.val, where=~passed)

    def derivative(self, x, y, dy, dx):
        keep(dy, x > self.threshold, dx)


class ReLU(Threshold):
    """y = max(0, x), dx = dy where x > 0, else 0; 0 for nan.

    Torch7 manual: transfer.md#nn.ReLU
    """

    def __init__(self, inplace: bool = False):
        super().__init__(0, 0, inplace)

    def function(self, x, y):
        np.fmax(x, ZERO[y.dtype], y)


class ReLU6(Clipping):
    """y = min(max(0, x), 6); dx = dy strictly between 0 and 6, else 0.

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

    Torch7 manual: transfer.md#nn.ELU
    """

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

    def slope(self, x: np.ndarray) -> Any:
        """The slope where x <= 0."""
        raise self.error('slope(x) needed in every Rectifier', TypeError)

    def function(self, x, y):
        negative = np.minimum(x, 0)
        negative *= self.slope(x)
        np.maximum(x, 0, out=y)
        y += negative

    def derivative(self, x, y, dy, dx):
        _by_sign(x > 0, dy, self.slope(x), dx)


class LeakyReLU(Rectifier):
    """y = max(0, x) + negval min(0, x); dx = dy where x > 0, else negval dy.

    A negative `negval` switches `inplace` off.

    Torch7 manual: transfer.md#nn.LeakyReLU
    """

    def __init__(self, negval: float = 1 / 100, inplace: bool = False):
        super().__init__()
        self.negval = 1 / 100 if isinstance(negval, bool) else negval
        self.inplace = inplace and self.negval >= 0

    def slope(self, x):
        return self.negval

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

    Torch7 manual: transfer.md#nn.PReLU
    """

    def __init__(self, nOutputPlane: int = 0):
        super().__init__()
        self.nOutputPlane = nOutputPlane
        self.weight = np.full(nOutputPlane or 1, 0.25)
        self.gradWeight = np.zeros(nOutputPlane or 1)

    def slope(self, x):
        if not self.nOutputPlane:
            return self.weight
        axis = min(1, x.ndim - 1)
        if x.shape[axis] != self.nOutputPlane:
            raise self.error(f'{self.nOutputPlane} input planes needed, got shape {x.shape}')
        return self.weight.reshape((-1,) + (1,) * (x.ndim - axis - 1))

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check(gradOutput, 'gradOutput', input.shape)
        gradient = input * gradOutput
        keep(gradient, input <= 0, gradient)
        if self.nOutputPlane:
            plane = min(1, input.ndim - 1)
            self.gradWeight += scale * gradient.sum(tuple(axis for axis in range(input.ndim) if axis != plane))
        else:
            self.gradWeight += scale * gradient.sum()


class RReLU(Rectifier):
    """y = x where x > 0, else a x, with a drawn for every such element uniformly from l to u; at evaluation a is their
    mean.

    ``noise`` holds the slopes drawn last, 1 where x > 0.

    Torch7 manual: transfer.md#nn.RReLU
    """

    cleared = (*Pointwise.cleared, 'noise')

    def __init__(self, l: float = 1 / 8, u: float = 1 / 3, inplace: bool = False):  # noqa: E741
        super().__init__()
        if not 0 <= l <= u:
            raise ValueError(f'{self.typename}: 0 <= l <= u needed, got {l} and {u}')
        self.lower = l
        self.upper = u
        self.noise = np.empty(0)
        self.train = True
        self.inplace = inplace

    def slope(self, x):
        if not self.train:
            return (self.lower + self.upper) / 2
        if self.noise.shape != x.shape:
            raise self.error(f'forward in training mode needed first, for an input of shape {x.shape}')
        return self.noise

    def function(self, x, y):
        if self.train:
            negative = x <= 0
            noise = self.buffer('noise', x.shape)
            noise.fill(1)
            noise[negative] = random.uniform(
                self.lower, self.upper, out=np.empty(np.count_nonzero(negative), self.dtype)
            )
        super().function(x, y)

    def __str__(self) -> str:
        return f'{self.typename} (l:{self.lower:f}, u:{self.upper:f})'


class CReLU(Rows):
    """y = x and -x, both through a ReLU, one after the other along the planes: there are twice as many.

    Parameters
    ----------
    nInputDims
        the dimensions of one sample, the planes the first of them; an input with one more is a batch
    inplace
        let the ReLU inside work in place

    Torch7 manual: transfer.md#nn.CReLU
    """

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
        planes = input.ndim - self.nInputDims
        if planes not in (0, 1) or not input.ndim:
            raise self.error(
                f'input of {self.nInputDims} dimensions or a batch of such needed, got shape {input.shape}'
            )
        return (*input.shape[:planes], 2 * input.shape[planes], *input.shape[planes + 1 :])

    def __str__(self) -> str:
        return 'CReLU()'
