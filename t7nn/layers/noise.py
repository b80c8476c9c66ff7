"""Layers that draw random numbers.

Torch7 manual: simple.md
"""

import numpy as np

from .. import random
from ..module import Module

__all__ = ['Dropout', 'SpatialDropout', 'VolumetricDropout', 'WhiteNoise']


class Dropout(Module):
    """Every element is dropped with probability p: y = x * noise / (1 - p), where noise is 0 or 1; y = x at evaluation.

    Parameters
    ----------
    p
        a probability, 0 <= p < 1
    v1
        the first version: y = x * noise, and y = (1 - p) x at evaluation
    inplace
        write the output into the input and gradInput into gradOutput
    stochasticInference
        drop at evaluation too

    Raises
    ------
    ValueError
        if p is out of this range, or backward has no draw of a forward to go by

    Torch7 manual: simple.md#nn.Dropout
    """

    cleared = (*Module.cleared, 'noise')
    p: float
    v2: bool
    stochastic_inference: bool
    noise: np.ndarray | None = None
    inplace: bool

    def __init__(self, p: float = 0.5, v1: bool = False, inplace: bool = False, stochasticInference: bool = False):
        super().__init__()
        self.setp(p)
        self.train = True
        self.inplace = inplace
        self.stochastic_inference = stochasticInference
        self.v2 = not v1
        self.noise = np.empty(0)

    def setp(self, p: float) -> None:
        """Set the probability of being dropped."""
        if not 0 <= p < 1:
            raise ValueError(f'{self.typename}: illegal percentage, expected 0 <= p < 1, got {p}')
        self.p = p

    def _factor(self) -> np.ndarray | float:
        """What the elements are multiplied by: the noise while it is drawn, one number otherwise."""
        if self.p > 0 and (self.train or self.stochastic_inference):
            return self.check(self.noise, 'noise')
        return 1.0 if self.v2 else 1 - self.p

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        self.setp(self.p)
        input = self.check(input)
        output = self.destination('output', input)
        if self.p > 0 and (self.train or self.stochastic_inference):
            noise = random.bernoulli(1 - self.p, out=self.buffer('noise', input.shape))
            if self.v2:
                noise /= 1 - self.p
        return np.multiply(input, self._factor(), output)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check_parameters()
        gradOutput = self.check(gradOutput, 'gradOutput', self.check(input).shape)
        factor = self._factor()
        shape = gradOutput.shape
        # a subclass may have one noise for the whole batch
        if isinstance(factor, np.ndarray) and factor.shape not in (shape, (1, *shape[1:])):
            raise self.error(f'expected forward(input) first, for an input of shape {shape}')
        return np.multiply(gradOutput, factor, self.destination('gradInput', gradOutput, 'gradOutput'))

    def __str__(self) -> str:
        return f'{self.typename}({self.p:f})'


class PlaneDropout(Module):
    """The base of layers that drop whole planes: y = x * noise, where noise is 0 with probability p for a plane and 1
    otherwise; y = (1 - p) x at evaluation.

    A layer says `nDim`, the dimensions of a batch. There is a gradient while training only.

    Parameters
    ----------
    p
        a probability, 0 <= p <= 1
    stochasticInference
        drop at evaluation too

    Raises
    ------
    ValueError
        if p is out of this range, the input has another number of dimensions, or backward has no draw to go by
    """

    cleared = (*Module.cleared, 'noise')
    nDim: int
    p: float
    stochastic_inference: bool
    noise: np.ndarray | None = None

    def __init__(self, p: float = 0.5, stochasticInference: bool = False):
        super().__init__()
        self.setp(p)
        self.train = True
        self.stochastic_inference = stochasticInference
        self.noise = np.empty(0)

    def setp(self, p: float) -> None:
        """Set the probability of being dropped."""
        if not 0 <= p <= 1:
            raise ValueError(f'{self.typename}: illegal percentage, expected 0 <= p <= 1, got {p}')
        self.p = p

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        self.setp(self.p)
        input = self.check(input)
        if not (self.train or self.stochastic_inference):
            return np.multiply(input, 1 - self.p, self.buffer('output', input.shape))
        shape = self._one_a_plane(input)
        noise = random.bernoulli(1 - self.p, out=self.buffer('noise', shape))
        return np.multiply(input, noise, self.buffer('output', input.shape))

    def _one_a_plane(self, input: np.ndarray) -> tuple[int, ...]:
        """The shape of one number for every plane of `input`."""
        if input.ndim not in (self.nDim - 1, self.nDim):
            raise self.error(f'expected {self.nDim}D (batch) or {self.nDim - 1}D input, got shape {input.shape}')
        places = self.nDim - 2
        return input.shape[:-places] + (1,) * places

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        if not self.train:
            raise self.error('backprop only defined while training: expected training() first')
        input = self.check(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        if getattr(self.noise, 'shape', None) != self._one_a_plane(input):
            raise self.error(f'expected forward in training mode first, for an input of shape {input.shape}')
        noise = self.check(self.noise, 'noise')
        return np.multiply(gradOutput, noise, self.buffer('gradInput', input.shape))

    def __str__(self) -> str:
        return f'{self.typename}({self.p:f})'


class SpatialDropout(PlaneDropout):
    """`PlaneDropout` of images: input ``(N, C, H, W)`` or ``(C, H, W)``.

    Parameters
    ----------
    p
        a probability, 0 <= p <= 1
    stochasticInference
        drop at evaluation too

    Torch7 manual: simple.md#nn.SpatialDropout
    """

    nDim = 4


class VolumetricDropout(PlaneDropout):
    """`PlaneDropout` of volumes: input ``(N, C, T, H, W)`` or ``(C, T, H, W)``.

    Parameters
    ----------
    p
        a probability, 0 <= p <= 1
    stochasticInference
        drop at evaluation too

    Torch7 manual: simple.md#nn.VolumetricDropout
    """

    nDim = 5


class WhiteNoise(Module):
    """y = x + noise, normal with `mean` and `std`; y = x + mean at evaluation. dx = dy, while training only.

    Parameters
    ----------
    mean
        any number
    std
        the standard deviation, positive

    Raises
    ------
    ValueError
        if `std` is not positive, or backward is called in evaluation

    Torch7 manual: simple.md#nn.WhiteNoise
    """

    cleared = (*Module.cleared, 'noise')
    mean: float
    std: float
    noise: np.ndarray | None = None

    def __init__(self, mean: float = 0, std: float = 0.1):
        super().__init__()
        self.mean = mean
        self.std = std
        self.noise = np.empty(0)
        self._check_std()

    def _check_std(self) -> None:
        if not self.std > 0:
            raise ValueError(f'{self.typename}: expected std > 0, got {self.std}')

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        self._check_std()
        input = self.check(input)
        output = self.buffer('output', input.shape)
        if self.train is False:
            return np.add(input, self.mean, output)
        return np.add(input, random.normal(self.mean, self.std, out=self.buffer('noise', input.shape)), output)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        if self.train is False:
            raise self.error('backprop only defined while training: expected training() first')
        input = self.check(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        gradInput = self.buffer('gradInput', input.shape)
        np.copyto(gradInput, gradOutput)
        return gradInput

    def __str__(self) -> str:
        return f'{self.typename} mean: {self.mean:f}, std: {self.std:f}'
