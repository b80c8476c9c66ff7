"""Convolutions over images.

Torch7 manual: convolution.md
"""

import math
from typing import Any, Self

import numpy as np

from ... import random
from ...tensors import describe, real
from .._windows import Im2col, times
from .base import Convolution, Full, SubSampling

__all__ = [
    'SpatialConvolution',
    'SpatialConvolutionLocal',
    'SpatialConvolutionMM',
    'SpatialConvolutionMap',
    'SpatialDepthWiseConvolution',
    'SpatialDilatedConvolution',
    'SpatialFullConvolution',
    'SpatialFullConvolutionMap',
    'SpatialSubSampling',
    'tables',
]


class SpatialConvolution(Convolution):
    """y[o] = b[o] + sum over i of W[o, i] * x[i]: planes correlated with kernels.

    dx is dy folded back through W, dW += scale dy x', db += scale dy, summed over batch and places.

    Parameters
    ----------
    nInputPlane, nOutputPlane
        input ``(nInputPlane, H, W)``, output ``(nOutputPlane, oH, oW)``, or batches of them, with
        oW = floor((W + 2 padW - kW) / dW) + 1
    kW, kH, dW, dH
        kernel and stride: width first
    padW, padH
        zeros added on both sides; padH is padW if not given

    The weight is ``(nOutputPlane, nInputPlane, kH, kW)``; weight and bias begin uniform in
    +-1/sqrt(kW kH nInputPlane). A weight of ``(nOutputPlane, nInputPlane * kH * kW)`` is taken, too.

    Torch7 manual: convolution.md#nn.SpatialConvolution
    """

    kW: int
    kH: int
    dW: int
    dH: int
    padW: int
    padH: int

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kW: int,
        kH: int,
        dW: int = 1,
        dH: int = 1,
        padW: int = 0,
        padH: int | None = None,
    ):
        super().__init__()
        self.nInputPlane = nInputPlane
        self.nOutputPlane = nOutputPlane
        self.set_sizes('k', kW, kH)
        self.set_sizes('d', dW, dH)
        self.set_sizes('pad', padW, padH)
        self.configure()

    def weight_shapes(self) -> list[tuple[int, ...]]:
        full = self.nOutputPlane, self.nInputPlane, *self.sizes('k')
        return [full, (full[0], math.prod(full[1:]))]


class SpatialConvolutionMM(SpatialConvolution):
    """`SpatialConvolution` with a weight of ``(nOutputPlane, nInputPlane * kH * kW)``.

    Parameters
    ----------
    nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH
        as in `SpatialConvolution`

    Torch7 manual: convolution.md#nn.SpatialConvolution
    """

    def weight_shapes(self):
        return super().weight_shapes()[::-1]


class SpatialDilatedConvolution(SpatialConvolution):
    """`SpatialConvolution` whose kernel's elements are dilationW, dilationH apart.

    oW = floor((W + 2 padW - dilationW (kW - 1) - 1) / dW) + 1

    Parameters
    ----------
    nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH
        as in `SpatialConvolution`
    dilationW, dilationH
        distances of at least 1

    Torch7 manual: convolution.md#nn.SpatialDilatedConvolution
    """

    dilationW: int = 1
    dilationH: int = 1

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kW: int,
        kH: int,
        dW: int = 1,
        dH: int = 1,
        padW: int = 0,
        padH: int | None = None,
        dilationW: int = 1,
        dilationH: int = 1,
    ):
        super().__init__(nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH)
        self.set_sizes('dilation', dilationW, dilationH)


class SpatialConvolutionLocal(SpatialConvolution):
    """`SpatialConvolution` with kernels of its own at every place of the output, so that the image's size is fixed.

    Parameters
    ----------
    nInputPlane, nOutputPlane, iW, iH
        input ``(nInputPlane, iH, iW)`` or batches of it
    kW, kH, dW, dH, padW, padH
        as in `SpatialConvolution`

    The weight is ``(oH, oW, nOutputPlane, nInputPlane, kH, kW)``, the bias ``(nOutputPlane, oH, oW)``.

    Torch7 manual: convolution.md#nn.SpatialConvolutionLocal
    """

    shown = ('i', 'k')
    nilBias = False
    iW: int
    iH: int
    oW: int
    oH: int

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        iW: int,
        iH: int,
        kW: int,
        kH: int,
        dW: int = 1,
        dH: int = 1,
        padW: int = 0,
        padH: int | None = None,
    ):
        self.iW, self.iH = iW, iH
        super().__init__(nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH)

    def weight_shapes(self):
        return [(self.oH, self.oW, self.nOutputPlane, self.nInputPlane, *self.sizes('k'))]

    def bias_shape(self) -> tuple[int, ...]:
        return self.nOutputPlane, self.oH, self.oW

    def configure(self) -> None:
        self.oH, self.oW = self.window().counts(self.sizes('i'), self.error)
        super().configure()

    def output_sizes(self, sizes, input):
        if sizes != self.sizes('i'):
            raise self.error(f'expected input of {self.nInputPlane}x{self.iH}x{self.iW}, got sizes {times(sizes)}')
        counts = super().output_sizes(sizes, input)
        if counts != self.sizes('o'):
            raise self.error(f'expected oH and oW of {times(counts)}, got {times(self.sizes("o"))}')
        return counts

    def matrices(self, weight: np.ndarray) -> np.ndarray:
        """`weight` or `gradWeight` as one matrix for each window: (windows, maps, planes kernel)."""
        return weight.reshape(self.oH * self.oW, self.nOutputPlane, -1)

    def forward_product(self, x, y):
        weights = self.matrices(self.weight)
        for images, maps, unfolding in self.correlation().unfoldings(Im2col, x, y):
            product = np.matmul(weights, np.ascontiguousarray(unfolding.unfold(images).T))
            maps[...] = product.T.reshape(maps.shape)
        self.add_bias(y)

    def backward_product(self, y, x):
        weights = self.matrices(self.weight).swapaxes(1, 2)
        for images, maps, unfolding in self.correlation().unfoldings(Im2col, x, y):
            columns = np.matmul(weights, self.by_window(maps))
            unfolding.fold(columns.T, images)

    def gradient_product(self, x, y, scale):
        sums = np.zeros_like(self.matrices(self.gradWeight))
        for images, maps, unfolding in self.correlation().unfoldings(Im2col, x, y):
            columns = np.ascontiguousarray(unfolding.unfold(images).T)
            sums += np.matmul(self.by_window(maps), columns.swapaxes(1, 2))
        self.gradWeight += scale * sums.reshape(self.gradWeight.shape)

    def by_window(self, y: np.ndarray) -> np.ndarray:
        """y as (windows, planes, n)."""
        return np.ascontiguousarray(y.reshape(*y.shape[:2], -1).T)


class SpatialDepthWiseConvolution(SpatialConvolution):
    """Every input plane convolved with nOutputPlane kernels of its own: nInputPlane * nOutputPlane output planes, those
    of the first input plane first.

    Parameters
    ----------
    nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH
        as in `SpatialConvolution`

    The weight is ``(nOutputPlane, nInputPlane * kH * kW)``, from the first forward on
    ``(nOutputPlane, nInputPlane, kH, kW)``; the bias ``(nOutputPlane, nInputPlane)``.

    Torch7 manual: convolution.md#nn.SpatialDepthWiseConvolution
    """

    def weight_shapes(self):
        return super().weight_shapes()[::-1]

    def bias_shape(self) -> tuple[int, ...]:
        return self.nOutputPlane, self.nInputPlane

    def maps(self) -> int:
        return self.nInputPlane * self.nOutputPlane

    def kernels(self, weight, y, x):
        return super().kernels(weight, y, x).transpose(2, 1, 0, 3, 4)

    def by_plane(self, bias):
        return bias.T

    def forward_product(self, x, y):
        shape = self.nOutputPlane, self.nInputPlane, *self.window().kernel
        if self.weight.shape != shape:  # as Torch7 does, when they are first used
            self.weight = self.weight.reshape(shape)
            self.gradWeight = self.gradWeight if self.gradWeight is None else self.gradWeight.reshape(shape)
        super().forward_product(x, y)


class SpatialFullConvolution(Full):
    """The transpose of a convolution: every input element spreads a kernel over the output.

    Parameters
    ----------
    nInputPlane, nOutputPlane
        input ``(nInputPlane, H, W)``, output ``(nOutputPlane, oH, oW)``, or batches of them, with
        oW = (W - 1) dW - 2 padW + kW + adjW
    kW, kH, dW, dH, padW, padH
        those of the convolution that this one is the transpose of; padH is 0 if not given
    adjW, adjH
        rows and columns added to the output, from 0 to stride - 1

    The weight is ``(nInputPlane, nOutputPlane, kH, kW)``. With a table {x, target} as input, adjW and adjH are those
    that give the output the target's sizes; gradInput is a table too, zeros for the target.

    Torch7 manual: convolution.md#nn.SpatialFullConvolution
    """

    kW: int
    kH: int
    dW: int
    dH: int
    padW: int
    padH: int
    adjW: int
    adjH: int

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kW: int,
        kH: int,
        dW: int = 1,
        dH: int = 1,
        padW: int = 0,
        padH: int = 0,
        adjW: int = 0,
        adjH: int = 0,
    ):
        super().__init__()
        self.nInputPlane = nInputPlane
        self.nOutputPlane = nOutputPlane
        self.set_sizes('k', kW, kH)
        self.set_sizes('d', dW, dH)
        self.set_sizes('pad', padW, padH)
        self.set_sizes('adj', adjW, adjH)
        self.configure()

    def weight_shapes(self):
        return [(self.nInputPlane, self.nOutputPlane, *self.sizes('k'))]


class tables:
    """Tables of connections for `SpatialConvolutionMap`: rows (input plane, output plane), from 1.

    Torch7 manual: convolution.md#nn.SpatialConvolutionMap
    """

    @staticmethod
    def full(nin: int, nout: int) -> np.ndarray:
        """Every input plane of `nin` with every output plane of `nout`.

        >>> tables.full(2, 2).tolist()
        [[1.0, 1.0], [2.0, 1.0], [1.0, 2.0], [2.0, 2.0]]
        """
        return np.array([[i, o] for o in range(1, nout + 1) for i in range(1, nin + 1)], float)

    @staticmethod
    def oneToOne(nfeat: int) -> np.ndarray:
        """Every input plane of `nfeat` with the output plane of the same number."""
        return np.array([[i, i] for i in range(1, nfeat + 1)], float)

    @staticmethod
    def random(nin: int, nout: int, nto: int) -> np.ndarray:
        """Every output plane of `nout` with `nto` of `nin` input planes, taken one after the other from a random
        permutation; a new one is drawn where fewer than `nto` are left."""
        if not 1 <= nto <= nin:
            raise ValueError(f'nn.tables.random: expected 1 <= nto <= nin, got nto {nto} and nin {nin}')
        rows, order = [], random.randperm(nin)
        hands = nin // nto
        for o in range(nout):
            start = o % hands * nto
            rows += [[i, o + 1] for i in order[start : start + nto]]
            if start == (hands - 1) * nto:
                order = random.randperm(nin)
        return np.array(rows, float)


class Connected(Convolution):
    """The base of convolutions by a table of connections: those of all planes, with zeros where there is none."""

    kW: int
    kH: int
    dW: int
    dH: int
    connTable: np.ndarray

    def __init__(self, conMatrix: Any, kW: int, kH: int, dW: int = 1, dH: int = 1):
        super().__init__()
        self.set_sizes('k', kW, kH)
        self.set_sizes('d', dW, dH)
        try:
            table = np.asarray(conMatrix, float)
        except (TypeError, ValueError):
            raise self.error(f'expected a table of connections of shape (n, 2), got {describe(conMatrix)}') from None
        if table.ndim != 2 or table.shape[1] != 2 or not table.size:
            raise self.error(f'expected a table of connections of shape (n, 2), got shape {table.shape}')
        if not (table >= 1).all() or (table % 1).any():
            wrong = table[~((table >= 1) & (table % 1 == 0))][0]
            raise self.error(f'expected planes counted from 1 in the table of connections, got {wrong:g}')
        self.connTable = table
        self.nInputPlane, self.nOutputPlane = (int(n) for n in table.max(0))
        self.configure()

    def weight_shapes(self):
        return [(self.shape_of('connTable', 2)[0], *self.sizes('k'))]

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        return {'connTable': (self.shape_of('connTable', 2)[0], 2)} | super().expected_shapes()

    def reset(self, stdv: float | None = None) -> Self:
        """Draw weight and bias uniformly: with standard deviation `stdv`, or in +-1/sqrt(kW kH n) where n planes are
        connected to the output plane."""
        if stdv is not None:
            return super().reset(stdv)
        self.check_parameters()
        outputs = self.zero_based(self.connTable[:, 1], self.nOutputPlane, 'output plane')
        bounds = 1 / np.sqrt(self.kW * self.kH * np.bincount(outputs).clip(1))
        for weight, bound in zip(self.weight, bounds[outputs], strict=True):
            random.uniform(-bound, bound, out=weight)
        if self.bias is not None:
            for i, bound in enumerate(bounds):
                random.uniform(-bound, bound, out=self.bias[i : i + 1])
        return self

    def connections(self) -> tuple[np.ndarray, ...]:
        """The connections as indices of the first two dimensions of the kernels of all planes."""
        inputs = self.zero_based(self.connTable[:, 0], self.nInputPlane, 'input plane')
        return self.zero_based(self.connTable[:, 1], self.nOutputPlane, 'output plane'), inputs

    def kernels(self, weight, y, x):
        dense = np.zeros((y.shape[1], x.shape[1], *weight.shape[1:]), weight.dtype)
        np.add.at(dense, self.connections(), weight)
        return dense[None]

    def connected(self, w: np.ndarray) -> np.ndarray:
        """Which planes of y, one a row, are connected to which of x, for the kernels w of all planes."""
        connected = np.zeros(w.shape[1:3], bool)
        connected[self.connections()] = True
        return connected

    # One product for all planes, where there is no nan and no infinity: from a plane that is not connected these would
    # pass through the zeros. Else a product for each plane of the result, with those planes that are connected to it.

    def correlate(self, x, w, y, b=None):
        if np.isfinite(x).all():
            return super().correlate(x, w, y, b)
        for i, planes in enumerate(map(np.flatnonzero, self.connected(w))):
            part = y[:, i : i + 1]
            if planes.size:
                super().correlate(x[:, planes], w[:, i : i + 1, planes], part, None if b is None else b[i : i + 1])
            else:
                part[...] = 0 if b is None else b[i]

    def spread(self, y, w, x):
        if np.isfinite(y).all():
            return super().spread(y, w, x)
        for i, planes in enumerate(map(np.flatnonzero, self.connected(w).T)):
            part = x[:, i : i + 1]
            if planes.size:
                super().spread(y[:, planes], w[:, planes, i : i + 1], part)
            else:
                part.fill(0)

    def accumulate(self, x, y, w, scale):
        dense = np.zeros_like(w)
        super().accumulate(x, y, dense, scale)
        self.gradWeight += dense[0][self.connections()]

    def examples(self, tensor, planes, what='input', at_least=False):
        return super().examples(tensor, planes, what, what == 'input')  # planes beyond the table's are let be

    def decayParameters(self, decay: float) -> None:
        """Take the fraction `decay` from weight and bias."""
        decay = real(decay, 'decay')
        for parameter in self.parameters()[0]:
            parameter -= decay * parameter

    def __str__(self) -> str:
        return self.typename


class SpatialConvolutionMap(Connected):
    """`SpatialConvolution` in which each output plane sees the input planes that a table connects it to.

    Parameters
    ----------
    conMatrix
        rows (input plane, output plane), from 1; see `tables`
    kW, kH, dW, dH
        kernel and stride

    The weight is ``(connections, kH, kW)``. Planes of the input beyond the table's are let be.

    Torch7 manual: convolution.md#nn.SpatialConvolutionMap
    """


class SpatialFullConvolutionMap(Connected, Full):
    """`SpatialFullConvolution` by a table of connections.

    Parameters
    ----------
    conMatrix, kW, kH, dW, dH
        as in `SpatialConvolutionMap`

    Torch7 manual: convolution.md#nn.SpatialConvolutionMap
    """

    def connections(self):
        return super().connections()[::-1]


class SpatialSubSampling(SubSampling):
    """y[i] = b[i] + w[i] times the sum of x[i] over the window.

    Parameters
    ----------
    nInputPlane
        input ``(nInputPlane, H, W)`` or batches of it
    kW, kH, dW, dH
        window and stride

    Weight and bias are ``(nInputPlane,)`` and begin uniform in +-1/sqrt(kW kH).

    Torch7 manual: convolution.md#nn.SpatialSubSampling
    """

    kW: int
    kH: int
    dW: int
    dH: int

    def __init__(self, nInputPlane: int, kW: int, kH: int, dW: int = 1, dH: int = 1):
        super().__init__()
        self.nInputPlane = nInputPlane
        self.set_sizes('k', kW, kH)
        self.set_sizes('d', dW, dH)
        self.configure()
