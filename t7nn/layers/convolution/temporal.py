"""Convolutions of sequences of frames.

Torch7 manual: convolution.md
"""

import numpy as np

from .base import Convolution, SubSampling

__all__ = ['TemporalConvolution', 'TemporalRowConvolution', 'TemporalSubSampling']


class TemporalConvolution(Convolution):
    """y[t, o] = b[o] + sum over w, i of W[o, w, i] x[t dW + w, i]: a convolution of a sequence of frames.

    Parameters
    ----------
    inputFrameSize, outputFrameSize
        input ``(nInputFrame, inputFrameSize)``, output ``(nOutputFrame, outputFrameSize)``, or batches of them, with
        nOutputFrame = floor((nInputFrame - kW) / dW) + 1
    kW, dW
        width and stride of the kernel, in frames

    The weight is ``(outputFrameSize, kW * inputFrameSize)``.

    Torch7 manual: convolution.md#nn.TemporalConvolution
    """

    axes = order = 'W'
    frames = True
    inputFrameSize: int
    outputFrameSize: int
    kW: int
    dW: int
    nInputPlane = property(lambda self: self.inputFrameSize)
    nOutputPlane = property(lambda self: self.outputFrameSize)

    def __init__(self, inputFrameSize: int, outputFrameSize: int, kW: int, dW: int = 1):
        super().__init__()
        self.inputFrameSize = inputFrameSize
        self.outputFrameSize = outputFrameSize
        self.set_sizes('k', kW)
        self.set_sizes('d', dW)
        self.configure()

    def weight_shapes(self):
        return [(self.outputFrameSize, self.inputFrameSize * self.kW)]

    def kernels(self, weight, y, x):
        return weight.reshape(1, len(weight), self.kW, self.inputFrameSize).swapaxes(2, 3)

    def sharedAccUpdateGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, lr: float) -> None:
        self.defaultAccUpdateGradParameters(input, gradOutput, lr)  # a plain sum: nothing needs to be gathered

    def __str__(self) -> str:
        return self.typename


class TemporalRowConvolution(Convolution):
    """y[t, i] = b[i] + sum over w of W[i, 1, w] x[t dW + w, i]: every feature is convolved with a kernel of its own.

    Parameters
    ----------
    inputFrameSize
        input ``(nInputFrame, inputFrameSize)``, output ``(nOutputFrame, inputFrameSize)``, or batches of them
    kW, dW
        width and stride of the kernel, in frames
    featFirst
        input and output are ``(inputFrameSize, frames)`` instead

    Torch7 manual: convolution.md#nn.TemporalRowConvolution
    """

    axes = order = 'W'
    inputFrameSize: int
    kW: int
    dW: int
    featFirst: bool
    frames = property(lambda self: not self.featFirst)
    nInputPlane = nOutputPlane = property(lambda self: self.inputFrameSize)

    def __init__(self, inputFrameSize: int, kW: int, dW: int = 1, featFirst: bool = False):
        super().__init__()
        self.inputFrameSize = inputFrameSize
        self.set_sizes('k', kW)
        self.set_sizes('d', dW)
        self.featFirst = featFirst
        self.configure()

    def weight_shapes(self):
        return [(self.inputFrameSize, 1, self.kW)]

    def kernels(self, weight, y, x):
        return weight[:, None]

    def __str__(self) -> str:
        stride = '' if self.dW == 1 else f', {self.dW}'
        end = ') without bias' if self.bias is None else ')'
        return f'{self.typename}({self.inputFrameSize}, {self.kW}{stride}{end}'


class TemporalSubSampling(SubSampling):
    """y[t, i] = b[i] + w[i] (x[t dW, i] + ... + x[t dW + kW - 1, i]).

    Parameters
    ----------
    inputFrameSize
        input ``(nInputFrame, inputFrameSize)``, output ``(nOutputFrame, inputFrameSize)``, or batches of them
    kW, dW
        width and stride of the window, in frames

    Weight and bias are ``(inputFrameSize,)`` and begin uniform in +-1/sqrt(kW).

    Torch7 manual: convolution.md#nn.TemporalSubSampling
    """

    axes = order = 'W'
    frames = True
    inputFrameSize: int
    kW: int
    dW: int
    nInputPlane = property(lambda self: self.inputFrameSize)

    def __init__(self, inputFrameSize: int, kW: int, dW: int = 1):
        super().__init__()
        self.inputFrameSize = inputFrameSize
        self.set_sizes('k', kW)
        self.set_sizes('d', dW)
        self.configure()
