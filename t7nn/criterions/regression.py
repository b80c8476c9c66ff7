"""Losses for numbers: how far the input is from the target.

Torch7 manual: criterion.md
"""

import math

import numpy as np

from ..blas import inner
from ..module import Criterion
from ..tensors import describe, plain
from .base import Elementwise

__all__ = [
    'AbsCriterion',
    'DistKLDivCriterion',
    'L1Cost',
    'MSECriterion',
    'SmoothL1Criterion',
    'SpatialAutoCropMSECriterion',
    'WeightedMSECriterion',
]


class MSECriterion(Elementwise):
    """L = mean((x - t)^2), or the sum without `sizeAverage`; dx = 2 (x - t) / n.

    Parameters
    ----------
    sizeAverage
        False: the sum instead of the mean

    Input and target have one shape, or as many elements; a target of another size is a ValueError.

    Torch7 manual: criterion.md#nn.MSECriterion
    """

    factor = 2

    def loss(self, x, t):
        difference = x - t
        return inner(difference, difference)

    def derivative(self, x, t, dx):
        np.subtract(x, t, dx)


class AbsCriterion(Elementwise):
    """L = mean |x - t|, or the sum without `sizeAverage`; dx = sign(x - t) / n, and 1 / n at 0.

    Parameters
    ----------
    sizeAverage
        False: the sum instead of the mean

    Input and target have one shape, or as many elements; a target of another size is a ValueError.

    Torch7 manual: criterion.md#nn.AbsCriterion
    """

    def loss(self, x, t):
        return float(np.abs(x - t).sum())

    def derivative(self, x, t, dx):
        dx[...] = np.where(x - t >= 0, 1, -1)  # -1 for nan, as in Torch7


class SmoothL1Criterion(Elementwise):
    """L = mean of d^2 / 2 where |d| < 1, |d| - 1/2 elsewhere, with d = x - t; dx = clamp(d, -1, 1) / n.

    Parameters
    ----------
    sizeAverage
        False: the sum instead of the mean

    Input and target have one shape, or as many elements; a target of another size is a ValueError.

    Torch7 manual: criterion.md#nn.SmoothL1Criterion
    """

    def loss(self, x, t):
        distance = np.abs(x - t)
        return float(np.where(distance < 1, distance * distance / 2, distance - 0.5).sum())

    def derivative(self, x, t, dx):
        np.clip(x - t, -1, 1, dx)


class WeightedMSECriterion(MSECriterion):
    """L = mean((x - w t)^2), or the sum without `sizeAverage`: the weights multiply the target only.

    Parameters
    ----------
    w
        of the shape of one example of a batch, or of as many elements as the whole input; copied

    Torch7 source: WeightedMSECriterion.lua
    """

    weight: np.ndarray

    def __init__(self, w: np.ndarray):
        super().__init__()
        weight = plain(w, lambda got: self.error(f'expected a tensor as weight, got {got}', TypeError))
        self.weight = weight.copy()

    def pair(self, input, target):
        input, target = super().pair(input, target)
        weight = self.check(self.weight, 'weight')
        shape = input.shape[1:] if input.ndim - 1 == weight.ndim else input.shape
        if weight.size != math.prod(shape):
            raise self.error(
                f'expected input of the shape of the weight {weight.shape} or a batch of such, got {describe(input)}'
            )
        return input, target * weight.reshape(shape)


class SpatialAutoCropMSECriterion(MSECriterion):
    """`MSECriterion` of the input and the centre of the target, cut to the input's height and width.

    Parameters
    ----------
    sizeAverage
        False: the sum instead of the mean

    Input ``([N,] planes, height, width)``; the target has the same sizes, or is higher or wider. Another one is a
    ValueError.

    Torch7 manual: criterion.md#nn.SpatialAutoCropMSECriterion
    """

    def pair(self, input, target):
        input, target = self.check(input), self.check(target, 'target')
        if input.ndim not in (3, 4) or target.ndim != input.ndim or target.shape[:-2] != input.shape[:-2]:
            raise self.error(
                'expected input and target of 3 or 4 dimensions that agree in all but height and width, '
                f'got shapes {input.shape} and {target.shape}'
            )
        (height, width), (rows, columns) = input.shape[-2:], target.shape[-2:]
        if height > rows or width > columns:
            raise self.error(
                f'expected target at least as high and wide as the input of shape {input.shape}, got {describe(target)}'
            )
        top, left = (rows - height) // 2, (columns - width) // 2
        return super().pair(input, target[..., top : top + height, left : left + width])


class DistKLDivCriterion(Elementwise):
    """L = mean(t (log t - x)) over all elements, those with t <= 0 counting 0; dx = -t / n; x are log-probabilities.

    Parameters
    ----------
    sizeAverage
        False: the sum instead of the mean

    Input and target have one shape; other targets are a ValueError.

    Torch7 manual: criterion.md#nn.DistKLDivCriterion
    """

    def pair(self, input, target):
        input, paired = super().pair(input, target)
        if target.shape != input.shape:
            raise self.error(
                f'input and target should have the same size: expected target of shape {input.shape}, '
                f'got {describe(target)}'
            )
        return input, paired

    def loss(self, x, t):
        positive = t > 0
        x, t = x[positive], t[positive]
        return float(t.dot(np.log(t) - x))

    def derivative(self, x, t, dx):
        np.fmin(-t, 0, dx)


class L1Cost(Elementwise):
    """L = sum |x|, without a target; dx = sign(x), and 0 at 0.

    The target is not looked at.

    Torch7 source: L1Cost.lua
    """

    sizeAverage = False  # not a field of this one: always the sum
    __init__ = Criterion.__init__

    def pair(self, input, target):
        return self.check(input), target

    def loss(self, x, t):
        return float(np.abs(x).sum())

    def derivative(self, x, t, dx):
        dx[...] = x > 0  # 0 for nan, as in Torch7
        dx -= x < 0
