"""Losses on how alike two inputs are, and losses made of other losses.

Torch7 manual: criterion.md
"""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from . import random
from .criterions import Elementwise, label_array, log1pexp, require
from .module import Criterion, Module
from .tensors import describe, nested_map

__all__ = [
    'CosineEmbeddingCriterion',
    'CriterionTable',
    'DistanceRatioCriterion',
    'HingeEmbeddingCriterion',
    'L1HingeEmbeddingCriterion',
    'MarginRankingCriterion',
    'ModuleCriterion',
    'MultiCriterion',
    'ParallelCriterion',
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

    The target is a number where the input has one element.

    Torch7 manual: criterion.md#nn.HingeEmbeddingCriterion
    """

    def __init__(self, margin: float = 1):
        super().__init__()
        self.margin = margin

    def pair(self, input, target):
        self.check(input)
        return signs(self, target, input.shape)

    def loss(self, x, t):
        return float(np.where(t > 0, x, np.fmax(self.margin - x, 0)).sum())

    def derivative(self, x, t, dx):
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
        """The two inputs, checked."""
        if not isinstance(input, (list, tuple)) or len(input) != 2:
            kind = ValueError if isinstance(input, (list, tuple)) else TypeError
            raise self.error(f'a table of two tensors needed as input, got {describe(input)}', kind)
        for i, tensor in enumerate(input, 1):
            self.check(tensor, f'input {i}')
        first, second = input
        if first.shape != second.shape or not first.ndim:
            raise self.error(f'two inputs of one shape needed, got {first.shape} and {second.shape}')
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
        raise self.error('loss(d, y) needed', TypeError)

    def derivative(self, d: np.ndarray, y: Any, dd: np.ndarray) -> None:
        """dd = the derivative of the sum."""
        raise self.error('derivative(d, y, dd) needed', TypeError)

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

    Torch7 manual: criterion.md#nn.L1HingeEmbeddingCriterion
    """

    def __init__(self, margin: float = 1):
        super().__init__()
        self.margin = margin

    def _target(self, difference, target):
        return signs(self, target, (1,)).item()

    def loss(self, d, y):
        distance = float(np.abs(d).sum())
        return distance if y > 0 else max(0.0, self.margin - distance)

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

    Torch7 manual: criterion.md#nn.MarginRankingCriterion
    """

    def __init__(self, margin: float = 1):
        super().__init__()
        self.sizeAverage = True
        self.margin = margin

    def _target(self, difference, target):
        if isinstance(target, np.ndarray):
            self.check(target, 'target')
            if target.size == difference.size:
                target = target.reshape(difference.shape)
        elif difference.size == 1:
            return label_array(self, target, (1,)).item()
        return label_array(self, target, difference.shape)

    def loss(self, d, y):
        return float(np.fmax(self.margin - y * d, 0).sum())

    def derivative(self, d, y, dd):
        np.multiply(self.margin - y * d >= 0, -y, dd)


class DistanceRatioCriterion(OfDifference):
    """L = mean(-log(exp(-x1) / (exp(-x1) + exp(-x2)))) for distances x1 between alike and x2 between unlike samples;
    no target.

    dx1 = 1 / (1 + exp(x2 - x1)) / N, dx2 = -dx1.

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

    Torch7 manual: criterion.md#nn.CosineEmbeddingCriterion
    """

    EPS = 1e-12

    def __init__(self, margin: float = 0):
        super().__init__()
        self.sizeAverage = True
        self.margin = margin

    def _cosines(self, input: Any, target: Any) -> tuple[np.ndarray, ...]:
        """The inputs as batches, the squares of their norms, their cosines and the labels."""
        first, second = self._pair(input)
        if first.ndim > 2:
            raise self.error(f'inputs of 1 or 2 dimensions needed, got {describe(first)}')
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
        gradients = self._gradients(input[0].shape)
        inverse = 1 / np.sqrt(square1 * square2)
        for x, other, square, dx in zip((first, second), (second, first), (square1, square2), gradients, strict=True):
            dx[...] = (slope[:, None] * (other * inverse[:, None] - x * (cosine / square)[:, None])).reshape(dx.shape)
        return gradients


class WeightedSum(Criterion):
    """The base of losses that are a weighted sum of others: L = sum_i w_i L_i. Says in `_inputs` and `_targets` what
    each of them gets."""

    def __init__(self):
        super().__init__()
        self.criterions: list[Criterion] = []
        self.weights: list[float] = []

    def add(self, criterion: Criterion, weight: float = 1) -> Self:
        """Append a criterion with its weight; returns the sum, so that calls can be chained."""
        if not isinstance(criterion, Criterion):
            raise self.error(f'no criterion provided: a criterion needed, got {describe(criterion)}', TypeError)
        self.criterions.append(criterion)
        self.weights.append(float(weight))
        return self

    def _inputs(self, input: Any) -> Sequence:
        """The part of the input, or of the gradient, that belongs to each criterion."""
        return [input] * len(self.criterions)

    def _targets(self, target: Any) -> Sequence:
        """The target of each criterion."""
        return [target] * len(self.criterions)

    def _each(self, method: str, input: Any, target: Any) -> Iterator[tuple[float, Any]]:
        """The weight of each criterion and what its `method` gives; an error that leaves it gets a note saying which
        it was in."""
        parts = zip(self.criterions, self.weights, self._inputs(input), self._targets(target), strict=True)
        for i, (criterion, weight, *part) in enumerate(parts, 1):
            try:
                result = getattr(criterion, method)(*part)
            except Exception as error:
                error.add_note(f'In {i} criterion of {self.typename}')
                raise
            yield weight, result

    def updateOutput(self, input: Any, target: Any = None) -> float:
        self.output = sum(weight * loss for weight, loss in self._each('updateOutput', input, target))
        return self.output

    def updateGradInput(self, input: Any, target: Any = None) -> Any:
        total = nested_map(lambda part: np.zeros_like(part) if isinstance(part, np.ndarray) else part, input)
        gradients = self._each('updateGradInput', input, target)
        for part, (weight, gradient) in zip(self._inputs(total), gradients, strict=True):
            nested_map(lambda sum, term, weight=weight: np.add(sum, weight * term, out=sum), part, gradient)
        self.gradInput = total
        return total


class MultiCriterion(WeightedSum):
    """L = sum_i w_i L_i(x, t): several losses of the same input and target.

    >>> import numpy as np, t7nn as nn
    >>> criterion = nn.MultiCriterion().add(nn.MSECriterion()).add(nn.AbsCriterion(), 0.5)
    >>> criterion.forward(np.array([1.0, 3.0]), np.array([0.0, 0.0]))
    6.0

    Torch7 manual: criterion.md#nn.MultiCriterion
    """


class ParallelCriterion(WeightedSum):
    """L = sum_i w_i L_i(x_i, t_i): every loss has its own input and target, from two tables.

    Parameters
    ----------
    repeatTarget
        all get the whole target instead

    An input beyond the last criterion gets a gradient of 0. A tensor counts as the table of its rows.

    >>> import numpy as np, t7nn as nn
    >>> criterion = nn.ParallelCriterion().add(nn.ClassNLLCriterion(), 0.5).add(nn.MSECriterion())
    >>> criterion.forward([np.array([-0.5, -1.0]), np.array([3.0])], [2, np.array([0.0])])
    9.5

    Torch7 manual: criterion.md#nn.ParallelCriterion
    """

    def __init__(self, repeatTarget: bool = False):
        super().__init__()
        self.gradInput = []
        self.repeatTarget = repeatTarget

    def _split(self, table: Any, what: str) -> Sequence:
        if not isinstance(table, (list, tuple, np.ndarray)):
            raise self.error(f'a table needed as {what}, got {describe(table)}', TypeError)
        count = len(self.criterions)
        if len(table) < count:
            raise self.error(f'{what} for all {count} criterions needed, got {describe(table)}')
        return table[:count]

    def _inputs(self, input):
        return self._split(input, 'input')

    def _targets(self, target):
        return super()._targets(target) if self.repeatTarget else self._split(target, 'target')


class ModuleCriterion(Criterion):
    """L(f(x), g(t)): a loss behind a module for the input and one for the target, either of which may be missing.

    Parameters
    ----------
    criterion
        L
    inputModule
        f; gradients pass through it, but it should have no parameters of its own, as nobody updates them
    targetModule
        g
    castTarget
        False: `type` leaves the `targetModule` as it is

    Torch7 manual: criterion.md#nn.ModuleCriterion
    """

    def __init__(
        self,
        criterion: Criterion,
        inputModule: Module | None = None,
        targetModule: Module | None = None,
        castTarget: bool = True,
    ):
        super().__init__()
        if not isinstance(criterion, Criterion):
            raise self.error(f'a criterion needed, got {describe(criterion)}', TypeError)
        for name, module in (('inputModule', inputModule), ('targetModule', targetModule)):
            if module is not None and not isinstance(module, Module):
                raise self.error(f'a module needed as {name}, got {describe(module)}', TypeError)
        if inputModule is not None and inputModule.parameters()[0]:
            print(f"Warning: {self.typename} doesn't support parameter updates")  # as Torch7 does
        self.inputModule = inputModule
        self.targetModule = targetModule
        self.castTarget = castTarget
        self.criterion = criterion

    def updateOutput(self, input: Any, target: Any = None) -> Any:
        if self.inputModule is not None:
            self.inputModule.forward(input)
        if self.targetModule is not None:
            self.targetModule.forward(target)
        self.output = self.criterion.forward(*self._seen(input, target))
        return self.output

    def _seen(self, input: Any, target: Any) -> tuple[Any, Any]:
        """Input and target as the criterion sees them, behind the modules."""
        return (
            input if self.inputModule is None else self.inputModule.output,
            target if self.targetModule is None else self.targetModule.output,
        )

    def updateGradInput(self, input: Any, target: Any = None) -> Any:
        self.gradInput = self.criterion.backward(*self._seen(input, target))
        if self.inputModule is not None:
            self.gradInput = self.inputModule.backward(input, self.gradInput)
        return self.gradInput

    def type(self, type: Any = None, tensorCache: dict | None = None) -> Any:
        if self.castTarget or type is None:
            return super().type(type, tensorCache)
        module, self.targetModule = self.targetModule, None
        try:
            return super().type(type, tensorCache)
        finally:
            self.targetModule = module


class CriterionTable(Module):
    """A criterion as a layer: input ``[x, t]``, output its loss; gradInput is ``[dL/dx]``, and gradOutput is not looked
    at.

    >>> import numpy as np, t7nn as nn
    >>> layer = nn.CriterionTable(nn.MSECriterion())
    >>> layer.forward([np.array([1.0, 3.0]), np.array([0.0, 0.0])])
    5.0
    >>> layer.updateGradInput([np.array([1.0, 3.0]), np.array([0.0, 0.0])])
    [array([1., 3.])]

    Torch7 manual: table.md#nn.CriterionTable
    """

    def __init__(self, criterion: Criterion):
        super().__init__()
        if not isinstance(criterion, Criterion):
            raise self.error(f'a criterion needed, got {describe(criterion)}', TypeError)
        self.criterion = criterion
        self.gradInput = [criterion.gradInput]

    def _table(self, input: Any) -> Any:
        if not isinstance(input, (list, tuple)) or not 1 <= len(input) <= 2:
            raise self.error(f'a table of input and target needed, got {describe(input)}', TypeError)
        return input

    def updateOutput(self, input: Any) -> Any:
        self.output = self.criterion.updateOutput(*self._table(input))
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any = None) -> list:
        self.gradInput = [self.criterion.updateGradInput(*self._table(input))]
        return self.gradInput
