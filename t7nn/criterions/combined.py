"""Losses made of other losses.

Torch7 manual: criterion.md
"""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from ..module import Criterion, Module
from ..tensors import describe, nested_map, real

__all__ = ['CriterionTable', 'ModuleCriterion', 'MultiCriterion', 'ParallelCriterion']


class WeightedSum(Criterion):
    """The base of losses that are a weighted sum of others: L = sum_i w_i L_i. Says in `_inputs` and `_targets` what
    each of them gets."""

    criterions: list[Criterion]
    weights: list[float]

    def __init__(self):
        super().__init__()
        self.criterions = []
        self.weights = []

    def add(self, criterion: Criterion, weight: float = 1) -> Self:
        """Append a criterion with its weight; returns the sum, so that calls can be chained."""
        if not isinstance(criterion, Criterion):
            raise self.error(f'no criterion provided: expected a criterion, got {describe(criterion)}', TypeError)
        self.criterions.append(criterion)
        self.weights.append(real(weight, 'weight'))
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
        self.check_fields()
        criterions, weights = self.criterions, self.weights
        if not isinstance(criterions, list) or not all(isinstance(each, Criterion) for each in criterions):
            raise self.error(f'expected a list of criterions, got {describe(criterions)}', TypeError)
        if not criterions:
            raise self.error('expected at least one criterion, got none: add(criterion) comes first')
        if isinstance(weights, np.ndarray) and weights.ndim:
            weights = list(weights)
        if not isinstance(weights, (list, tuple)) or len(weights) != len(criterions):
            raise self.error(
                f'expected a list of {len(criterions)} numbers as weights, got {describe(weights)}', TypeError
            )
        weights = [self.number(weight, f'weight {i}') for i, weight in enumerate(weights, 1)]
        parts = zip(criterions, weights, self._inputs(input), self._targets(target), strict=True)
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
        total = nested_map(
            lambda part: np.zeros(part.shape, part.dtype) if isinstance(part, np.ndarray) else part, input
        )
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

    repeatTarget: bool = False

    def __init__(self, repeatTarget: bool = False):
        super().__init__()
        self.gradInput = []
        self.repeatTarget = repeatTarget

    def _split(self, table: Any, what: str) -> Sequence:
        if not isinstance(table, (list, tuple, np.ndarray)):
            raise self.error(f'expected a table as {what}, got {describe(table)}', TypeError)
        count = len(self.criterions)
        if len(table) < count:
            raise self.error(f'expected {what} for all {count} criterions, got {describe(table)}')
        return list(table[:count])

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

    castTarget: bool = True

    def __init__(
        self,
        criterion: Criterion,
        inputModule: Module | None = None,
        targetModule: Module | None = None,
        castTarget: bool = True,
    ):
        super().__init__()
        self.inputModule = inputModule
        self.targetModule = targetModule
        self.castTarget = castTarget
        self.criterion = criterion
        self._check_parts()
        if inputModule is not None and inputModule.parameters()[0]:
            print(f"Warning: {self.typename} doesn't support parameter updates")  # as Torch7 does

    def _check_parts(self) -> None:
        self.check_fields()
        if not isinstance(self.criterion, Criterion):
            raise self.error(f'expected a criterion, got {describe(self.criterion)}', TypeError)
        for name in ('inputModule', 'targetModule'):
            module = getattr(self, name)
            if module is not None and not isinstance(module, Module):
                raise self.error(f'expected a module as {name}, got {describe(module)}', TypeError)

    def updateOutput(self, input: Any, target: Any = None) -> Any:
        self._check_parts()
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
        self._check_parts()
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

    Parameters
    ----------
    criterion
        any criterion; what is none is a TypeError

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
            raise self.error(f'expected a criterion, got {describe(criterion)}', TypeError)
        self.criterion = criterion
        self.gradInput = [criterion.gradInput]

    def _table(self, input: Any) -> Any:
        if not isinstance(input, (list, tuple)) or not 1 <= len(input) <= 2:
            raise self.error(f'expected a table of input and target, got {describe(input)}', TypeError)
        return input

    def updateOutput(self, input: Any) -> Any:
        self.output = self.criterion.updateOutput(*self._table(input))
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any = None) -> list:
        self.gradInput = [self.criterion.updateGradInput(*self._table(input))]
        return self.gradInput
