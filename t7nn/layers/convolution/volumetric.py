"""Convolutions in three dimensions: time or depth, height and width.

Torch7 manual: convolution.md
"""

from .base import Convolution, Full

__all__ = ['VolumetricConvolution', 'VolumetricDilatedConvolution', 'VolumetricFullConvolution']


class VolumetricConvolution(Convolution):
    """`SpatialConvolution` in three dimensions.

    Parameters
    ----------
    nInputPlane, nOutputPlane
        input ``(nInputPlane, T, H, W)``, output ``(nOutputPlane, oT, oH, oW)``, or batches of them
    kT, kW, kH, dT, dW, dH
        kernel and stride: time, width, height
    padT, padW, padH
        zeros added on both sides; padW is padT and padH is padW if not given

    The weight is ``(nOutputPlane, nInputPlane, kT, kH, kW)``.

    Torch7 manual: convolution.md#nn.VolumetricConvolution
    """

    axes = 'THW'
    order = 'TWH'
    nilBias = False
    kT: int
    kW: int
    kH: int
    dT: int
    dW: int
    dH: int
    padT: int
    padW: int
    padH: int

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kT: int,
        kW: int,
        kH: int,
        dT: int = 1,
        dW: int = 1,
        dH: int = 1,
        padT: int = 0,
        padW: int | None = None,
        padH: int | None = None,
    ):
        super().__init__()
        self.nInputPlane = nInputPlane
        self.nOutputPlane = nOutputPlane
        self.set_sizes('k', kT, kW, kH)
        self.set_sizes('d', dT, dW, dH)
        self.set_sizes('pad', padT, padW, padH)
        self.configure()

    def weight_shapes(self):
        return [(self.nOutputPlane, self.nInputPlane, *self.sizes('k'))]


class VolumetricDilatedConvolution(VolumetricConvolution):
    """`VolumetricConvolution` whose kernel's elements are dilationT, dilationW, dilationH apart.

    Parameters
    ----------
    nInputPlane, nOutputPlane, kT, kW, kH, dT, dW, dH, padT, padW, padH
        as in `VolumetricConvolution`
    dilationT, dilationW, dilationH
        distances of at least 1

    Torch7 manual: convolution.md#nn.VolumetricDilatedConvolution
    """

    nilBias = True
    dilationT: int = 1
    dilationW: int = 1
    dilationH: int = 1

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kT: int,
        kW: int,
        kH: int,
        dT: int = 1,
        dW: int = 1,
        dH: int = 1,
        padT: int = 0,
        padW: int | None = None,
        padH: int | None = None,
        dilationT: int = 1,
        dilationW: int = 1,
        dilationH: int = 1,
    ):
        super().__init__(nInputPlane, nOutputPlane, kT, kW, kH, dT, dW, dH, padT, padW, padH)
        self.set_sizes('dilation', dilationT, dilationW, dilationH)


class VolumetricFullConvolution(Full):
    """`SpatialFullConvolution` in three dimensions: oT = (T - 1) dT - 2 padT + kT + adjT, and so on.

    Parameters
    ----------
    nInputPlane, nOutputPlane
        input ``(nInputPlane, T, H, W)``, output ``(nOutputPlane, oT, oH, oW)``, or batches of them
    kT, kW, kH, dT, dW, dH, padT, padW, padH
        those of the convolution that this one is the transpose of; time, width, height
    adjT, adjW, adjH
        frames, columns and rows added to the output, from 0 to stride - 1

    The weight is ``(nInputPlane, nOutputPlane, kT, kH, kW)``.

    Torch7 manual: convolution.md#nn.VolumetricFullConvolution
    """

    axes = 'THW'
    order = 'TWH'
    nilBias = False
    kT: int
    kW: int
    kH: int
    dT: int
    dW: int
    dH: int
    padT: int
    padW: int
    padH: int
    adjT: int
    adjW: int
    adjH: int

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kT: int,
        kW: int,
        kH: int,
        dT: int = 1,
        dW: int = 1,
        dH: int = 1,
        padT: int = 0,
        padW: int = 0,
        padH: int = 0,
        adjT: int = 0,
        adjW: int = 0,
        adjH: int = 0,
    ):
        super().__init__()
        self.nInputPlane = nInputPlane
        self.nOutputPlane = nOutputPlane
        self.set_sizes('k', kT, kW, kH)
        self.set_sizes('d', dT, dW, dH)
        self.set_sizes('pad', padT, padW, padH)
        self.set_sizes('adj', adjT, adjW, adjH)
        self.configure()

    def weight_shapes(self):
        return [(self.nInputPlane, self.nOutputPlane, *self.sizes('k'))]
