"""Convolutions over images.

Torch7 manual: convolution.md
"""

from typing import Self

import numpy as np

from ... import random
from .._windows import Columns, times
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
    +-1/sqrt(kW kH nInputPlane).

    Torch7 manual: convolution.md#nn.SpatialConvolution
    """

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
        self.configure(self.weight_shape(), (nOutputPlane,))

    def weight_shape(self) -> tuple[int, ...]:
        """The shape of the weight."""
        return (self.nOutputPlane, self.nInputPlane, *self.sizes('k'))


class SpatialConvolutionMM(SpatialConvolution):
    """`SpatialConvolution` with a weight of ``(nOutputPlane, nInputPlane * kH * kW)``.

    Torch7 manual: convolution.md#nn.SpatialConvolution
    """

    def weight_shape(self):
        return self.nOutputPlane, self.nInputPlane * self.kH * self.kW


class SpatialDilatedConvolution(SpatialConvolution):
    """`SpatialConvolution` whose kernel's elements are dilationW, dilationH apart.

    oW = floor((W + 2 padW - dilationW (kW - 1) - 1) / dW) + 1

    Torch7 manual: convolution.md#nn.SpatialDilatedConvolution
    """

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

    def configure(self, weight, bias):
        self.oH, self.oW = self.output_sizes(self.sizes('i'), None)
        super().configure((self.oH, self.oW, *weight), (*bias, self.oH, self.oW))

    def output_sizes(self, sizes, input):
        if sizes != self.sizes('i'):
            raise self.error(f'expected input of {self.nInputPlane}x{self.iH}x{self.iW}, got sizes {times(sizes)}')
        return super().output_sizes(sizes, input)

    def matrices(self, weight: np.ndarray) -> np.ndarray:
        """`weight` or `gradWeight` as one matrix a place: (places, maps, planes kernel), a view."""
        return weight.reshape(self.oH * self.oW, self.nOutputPlane, -1)

    def forward_product(self, x, y):
        weights = self.matrices(self.weight)
        for images, maps, unfolding in self.unfoldings(Columns, x, y):
            product = np.matmul(weights, np.ascontiguousarray(unfolding.unfold(images).T))
            maps[...] = product.T.reshape(maps.shape)
        self.add_bias(y)

    def backward_product(self, y, x):
        weights = self.matrices(self.weight).swapaxes(1, 2)
        for images, maps, unfolding in self.unfoldings(Columns, x, y):
            columns = np.matmul(weights, self.by_place(maps))
            unfolding.fold(columns.T, images)

    def gradient_product(self, x, y, scale):
        gradients = self.matrices(self.gradWeight)
        for images, maps, unfolding in self.unfoldings(Columns, x, y):
            columns = np.ascontiguousarray(unfolding.unfold(images).T)
            gradients += scale * np.matmul(self.by_place(maps), columns.swapaxes(1, 2))

    def by_place(self, y: np.ndarray) -> np.ndarray:
        """y as (places, planes, n)."""
        return np.ascontiguousarray(y.reshape(*y.shape[:2], -1).T)


class SpatialDepthWiseConvolution(SpatialConvolution):
    """Every input plane convolved with nOutputPlane kernels of its own: nInputPlane * nOutputPlane output planes, those
    of the first input plane first.

    Arguments are those of `SpatialConvolution`. The weight is ``(nOutputPlane, nInputPlane * kH * kW)``, the bias
    ``(nOutputPlane, nInputPlane)``.

    Torch7 manual: convolution.md#nn.SpatialDepthWiseConvolution
    """

    def weight_shape(self):
        return self.nOutputPlane, self.nInputPlane * self.kH * self.kW

    def configure(self, weight, bias):
        super().configure(weight, (*bias, self.nInputPlane))

    def maps(self):
        return self.nInputPlane * self.nOutputPlane

    def kernels(self, weight, y, x):
        return super().kernels(weight, y, x).transpose(2, 1, 0, 3, 4)

    def by_plane(self, bias):
        return bias.T

    def forward_product(self, x, y):
        shape = self.nOutputPlane, self.nInputPlane, self.kH, self.kW
        self.weight = self.weight.reshape(shape)  # as Torch7 does, when they are first used
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
        rows and columns added to the output, fewer than the stride

    The weight is ``(nInputPlane, nOutputPlane, kH, kW)``. With a table {x, target} as input, adjW and adjH are those
    that give the output the target's sizes; gradInput is a table too, zeros for the target.

    Torch7 manual: convolution.md#nn.SpatialFullConvolution
    """

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
        self.configure((nInputPlane, nOutputPlane, kH, kW), (nOutputPlane,))


class tables:
    """Tables of connections for `SpatialConvolutionMap`: rows (input plane, output plane), from 1.

    Torch7 manual: convolution.md#nn.SpatialConvolutionMap
    """

    @staticmethod
    def full(nin: int, nout: int) -> np.ndarray:
        """Every input plane with every output plane.

        >>> tables.full(2, 2).tolist()
        [[1.0, 1.0], [2.0, 1.0], [1.0, 2.0], [2.0, 2.0]]
        """
        return np.array([[i, o] for o in range(1, nout + 1) for i in range(1, nin + 1)], float)

    @staticmethod
    def oneToOne(nfeat: int) -> np.ndarray:
        """Every input plane with the output plane of the same number."""
        return np.array([[i, i] for i in range(1, nfeat + 1)], float)

    @staticmethod
    def random(nin: int, nout: int, nto: int) -> np.ndarray:
        """Every output plane with `nto` input planes, dealt from shuffled ones; what is left over at the end of a deck
        is not used."""
        if not 1 <= nto <= nin:
            raise ValueError(f'nn.tables.random: expected 1 <= nto <= nin, got nto {nto} and nin {nin}')
        rows, deck = [], random.randperm(nin)
        decks = nin // nto
        for o in range(nout):
            start = o % decks * nto
            rows += [[i, o + 1] for i in deck[start : start + nto]]
            if start == (decks - 1) * nto:
                deck = random.randperm(nin)
        return np.array(rows, float)


class Connected(Convolution):
    """The base of convolutions by a table of connections: those of all planes, with zeros where there is none."""

    def __init__(self, conMatrix: np.ndarray, kW: int, kH: int, dW: int = 1, dH: int = 1):
        super().__init__()
        self.set_sizes('k', kW, kH)
        self.set_sizes('d', dW, dH)
        self.connTable = np.asarray(conMatrix, float)
        if self.connTable.ndim != 2 or self.connTable.shape[1] != 2 or not self.connTable.size:
            raise self.error(f'expected a table of connections of shape (n, 2), got shape {self.connTable.shape}')
        if self.connTable.min() < 1:
            raise self.error(
                f'expected planes counted from 1 in the table of connections, got {self.connTable.min():g}'
            )
        self.nInputPlane, self.nOutputPlane = (int(n) for n in self.connTable.max(0))
        self.configure((len(self.connTable), kH, kW), (self.nOutputPlane,))

    def reset(self, stdv: float | None = None) -> Self:
        """Draw weight and bias uniformly: with standard deviation `stdv`, or in +-1/sqrt(kW kH n) where n planes are
        connected to the output plane."""
        if stdv is not None:
            return super().reset(stdv)
        outputs = self.connTable[:, 1].astype(int) - 1
        bounds = 1 / np.sqrt(self.kW * self.kH * np.bincount(outputs).clip(1))
        for weight, bound in zip(self.weight, bounds[outputs], strict=True):
            random.uniform(-bound, bound, out=weight)
        for i, bound in enumerate(bounds):
            self.bias[i] = random.uniform(-bound, bound)
        return self

    def places(self) -> tuple[np.ndarray, ...]:
        """Where the connections are in the first two dimensions of the kernels of all planes."""
        inputs, outputs = self.connTable.T.astype(int) - 1
        return outputs, inputs

    def kernels(self, weight, y, x):
        dense = np.zeros((y.shape[1], x.shape[1], *weight.shape[1:]), weight.dtype)
        np.add.at(dense, self.places(), weight)
        return dense[None]

    def accumulate(self, x, y, w, scale):
        dense = np.zeros_like(w)
        super().accumulate(x, y, dense, scale)
        self.gradWeight += dense[0][self.places()]

    def examples(self, tensor, planes, what='input', at_least=False):
        return super().examples(tensor, planes, what, what == 'input')  # planes beyond the table's are let be

    def decayParameters(self, decay: float) -> None:
        """Take the fraction `decay` from weight and bias."""
        self.weight -= decay * self.weight
        self.bias -= decay * self.bias

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
    """`SpatialFullConvolution` by a table of connections; arguments are those of `SpatialConvolutionMap`.

    Torch7 manual: convolution.md#nn.SpatialConvolutionMap
    """

    def places(self):
        return super().places()[::-1]


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

    def __init__(self, nInputPlane: int, kW: int, kH: int, dW: int = 1, dH: int = 1):
        super().__init__()
        self.nInputPlane = nInputPlane
        self.set_sizes('k', kW, kH)
        self.set_sizes('d', dW, dH)
        self.configure((nInputPlane,), (nInputPlane,))
