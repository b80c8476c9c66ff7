"""Losses on how alike two inputs are.

Torch7 manual: criterion.md
"""

from typing import Any

import numpy as np

from .. import random
from ..module import Criterion
from ..tensors import describe
from .base import Elementwise, label_array, log1pexp, require

__all__ = [
    'CosineEmbeddingCriterion',
    'DistanceRatioCriterion',
    'HingeEmbeddingCriterion',
    'L1HingeEmbeddingCriterion',
    'MarginRankingCriterion',
]


def signs(criterion: Criterion, target: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The labels 1 or -1, alike or not, that `target` holds, in an array of `shape` and the criterion's dtype."""
    if isinstance(target, np.ndarray) and target.size == np.prod(shape):
        target = target.reshape(shape)
    labels = label_array(criterion, target, shape)
    require(criterion, labels, abs(labels) == 1, 'of 1 or -1')
    return labels.astype(criterion.dtype)


class HingeEmbeddingCriterion(Elementwise):
    """L = mean of x where t = 1, max(0, margin - x) where t = -1, for distances x; dx = t / n, and 0 where t = -1 and
    x > margin.

    Parameters
    ----------
    margin
        the distance, > 0, from which unlike pairs cost nothing

    The target is a tensor of the input's size, or a number where the input has one element; labels other than 1 and -1
    are an IndexError.

    Torch7 manual: criterion.md#nn.HingeEmbeddingCriterion
    """

    margin: float = 1

    def __init__(self, margin: float = 1):
        super().__init__()
        self.margin = margin

    def pair(self, input, target):
        input = self.check(input)
        if not input.size:
            raise self.error(f'expected input of at least one element, got shape {input.shape}')
        return input, signs(self, target, input.shape)

    def loss(self, x, t):
        self.check_fields()
        return float(np.where(t > 0, x, np.fmax(self.margin - x, 0)).sum())

    def derivative(self, x, t, dx):
        self.check_fields()
        np.copyto(dx, t)
        dx[(t < 0) & (x > self.margin)] = 0


class OfPairs(Criterion):
    """The base of losses of two inputs: a table of two tensors of one shape. ``gradInput`` is a table of two as
    well."""

    sizeAverage: bool = False

    def __init__(self):
        super().__init__()
        self.gradInput = [np.empty(0), np.empty(0)]

    def _pair(self, input: Any) -> tuple[np.ndarray, np.ndarray]:
        """The two inputs, checked, as the fields are."""
        self.check_fields()
        if not isinstance(input, (list, tuple)) or len(input) != 2:
            kind = ValueError if isinstance(input, (list, tuple)) else TypeError
            raise self.error(f'expected a table of two tensors as input, got {describe(input)}', kind)
        first, second = (self.check(tensor, f'input {i}') for i, tensor in enumerate(input, 1))
        if first.shape != second.shape or not first.ndim:
            raise self.error(f'expected two inputs of one shape, got {first.shape} and {second.shape}')
        return first, second

    def _gradients(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Buffers for the two gradients, put into ``gradInput``."""
        self.gradInput = [self.buffer('_gradInput1', shape), self.buffer('_gradInput2', shape)]
        return self.gradInput


class OfDifference(OfPairs):
    """The base of losses of the difference d = x1 - x2, over the number of examples where `sizeAverage`.

    A loss says `loss(d, y)`, the sum, and `derivative(d, y, dd)`, which writes its derivative into dd; what the target
    y is it says in `_target`.
    """

    def _target(self, difference: np.ndarray, target: Any) -> Any:
        """The target, checked."""
        return target

    def loss(self, d: np.ndarray, y: Any) -> float:
        """The sum of the examples' losses."""
        raise self.error('expected loss(d, y)', TypeError)

    def derivative(self, d: np.ndarray, y: Any, dd: np.ndarray) -> None:
        """dd = the derivative of the sum."""
        raise self.error('expected derivative(d, y, dd)', TypeError)

    def _difference(self, input: Any, target: Any) -> tuple[np.ndarray, Any]:
        first, second = self._pair(input)
        difference = first - second
        return difference, self._target(difference, target)

    def updateOutput(self, input: Any, target: Any = None) -> float:
        difference, target = self._difference(input, target)
        self.output = self.loss(difference, target) / (len(difference) if self.sizeAverage else 1)
        return self.output

    def updateGradInput(self, input: Any, target: Any = None) -> list[np.ndarray]:
        difference, target = self._difference(input, target)
        first, second = self._gradients(difference.shape)
        self.derivative(difference, target, first)
        if self.sizeAverage:
            first /= len(difference)
        np.negative(first, second)
        return self.gradInput


class L1HingeEmbeddingCriterion(OfDifference):
    """L = |x1 - x2|_1 for y = 1, max(0, margin - |x1 - x2|_1) for y = -1; the two inputs are one example.

    dx1 = y sign(x1 - x2), and 0 where y = -1 and the distance exceeds the margin; dx2 = -dx1. Where x1 equals x2 the
    sign is drawn at random.

    Parameters
    ----------
    margin
        the distance, > 0, from which an unlike pair costs nothing

    The input is a table of two tensors of one shape, the target 1 or -1; other labels are an IndexError.

    Torch7 manual: criterion.md#nn.L1HingeEmbeddingCriterion
    """

    margin: float = 1

    def __init__(self, margin: float = 1):
        super().__init__()
        self.margin = margin

    def _target(self, difference, target):
        return signs(self, target, (1,)).item()

    def loss(self, d, y):
        distance = float(np.abs(d).sum())
        return distance if y > 0 else float(np.maximum(0, self.margin - distance))

    def derivative(self, d, y, dd):
        np.sign(d, dd)
        ties = ~((d > 0) | (d < 0))
        if ties.any():
            dd[ties] = 2 * random.random(2, out=np.empty(np.count_nonzero(ties), self.dtype)) - 3
        dd *= 0 if y < 0 and np.abs(d).sum() > self.margin else y


class MarginRankingCriterion(OfDifference):
    """L = mean(max(0, margin - y (x1 - x2))): x1 ought to exceed x2 where y = 1, the reverse where y = -1.

    dx1 = -y / N where margin - y (x1 - x2) >= 0, else 0; dx2 = -dx1. The target is a number where each input has one
    element, else a tensor ``(N,)`` as the inputs are.

    Parameters
    ----------
    margin
        by how much the one input ought to exceed the other, >= 0

    Torch7 manual: criterion.md#nn.MarginRankingCriterion
    """

    margin: float = 1

    def __init__(self, margin: float = 1):
        super().__init__()
        self.sizeAverage = True
        self.margin = margin

    def _target(self, difference, target):
        if isinstance(target, np.ndarray):
            target = self.check(target, 'target')
            if target.size == difference.size:
                target = target.reshape(difference.shape)
        elif difference.size == 1:
            return label_array(self, target, (1,)).item()
        return label_array(self, target, difference.shape)

    def loss(self, d, y):
        # of a tensor Torch7 takes the larger that is a number, of a number the nan
        larger = np.fmax if isinstance(y, np.ndarray) else np.maximum
        return float(larger(self.margin - y * d, 0).sum())

    def derivative(self, d, y, dd):
        np.multiply(self.margin - y * d >= 0, -y, dd)


class DistanceRatioCriterion(OfDifference):
    """L = mean(-log(exp(-x1) / (exp(-x1) + exp(-x2)))) for distances x1 between alike and x2 between unlike samples;
    no target.

    dx1 = 1 / (1 + exp(x2 - x1)) / N, dx2 = -dx1.

    Parameters
    ----------
    sizeAverage
        False: the sum instead of the mean

    Torch7 manual: criterion.md#nn.DistanceRatioCriterion
    """

    def __init__(self, sizeAverage: bool = True):
        super().__init__()
        self.sizeAverage = sizeAverage

    def loss(self, d, y):
        return float(log1pexp(d).sum())

    def derivative(self, d, y, dd):
        from scipy.special import expit

        expit(d, dd)


class CosineEmbeddingCriterion(OfPairs):
    """L = mean of 1 - cos(x1, x2) where y = 1, max(0, cos(x1, x2) - margin) where y = -1.

    Inputs ``(N, size)`` with a target ``(N,)``, or ``(size,)`` with a number; cos = x1 x2 / sqrt((x1 x1 + eps) (x2 x2 +
    eps)), eps = 1e-12. Where an example's loss is 0 so is its gradient.

    Parameters
    ----------
    margin
        the cosine, -1 to 1, up to which unlike pairs cost nothing

    Torch7 manual: criterion.md#nn.CosineEmbeddingCriterion
    """

    EPS = 1e-12
    margin: float = 0

    def __init__(self, margin: float = 0):
        super().__init__()
        self.sizeAverage = True
        self.margin = margin

    def _cosines(self, input: Any, target: Any) -> tuple[np.ndarray, ...]:
        """The inputs as batches, the squares of their norms, their cosines and the labels."""
        first, second = self._pair(input)
        if first.ndim > 2:
            raise self.error(f'expected inputs of 1 or 2 dimensions, got {describe(first)}')
        first, second = np.atleast_2d(first, second)
        square1, square2 = ((x * x).sum(1) + self.EPS for x in (first, second))
        cosine = (first * second).sum(1) / np.sqrt(square1 * square2)
        return first, second, square1, square2, cosine, signs(self, target, cosine.shape)

    def _losses(self, cosine: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(y > 0, 1 - cosine, np.fmax(cosine - self.margin, 0))

    def updateOutput(self, input: Any, target: Any = None) -> float:
        *_, cosine, y = self._cosines(input, target)
        self.output = float(self._losses(cosine, y).sum()) / (len(y) if self.sizeAverage else 1)
        return self.output

    def updateGradInput(self, input: Any, target: Any = None) -> list[np.ndarray]:
        first, second, square1, square2, cosine, y = self._cosines(input, target)
        slope = np.where(self._losses(cosine, y) > 0, -y, 0) / (len(y) if self.sizeAverage else 1)
        gradients = self._gradients(np.shape(input[0]))
        inverse = 1 / np.sqrt(square1 * square2)
        for x, other, square, dx in zip((first, second), (second, first), (square1, square2), gradients, strict=True):
            dx[...] = (slope[:, None] * (other * inverse[:, None] - x * (cosine / square)[:, None])).reshape(dx.shape)
        return gradients
