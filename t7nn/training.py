"""The trainer.

Torch7 manual: training.md
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import random
from .hooks import changed_error
from .module import Criterion, Module
from .tensors import describe, number

__all__ = ['StochasticGradient']


class StochasticGradient:
    """Stochastic gradient descent, one example at a time.

    For every example x, t of a random order drawn once: w -= rate * dL(f(x; w), t)/dw. After each iteration (an epoch)
    i the rate becomes learningRate / (1 + (i + 1) * learningRateDecay).

    Parameters
    ----------
    module, criterion
        the network and the loss

    Attributes
    ----------
    learningRate : 0.01
    learningRateDecay : 0
    maxIteration : 25
        number of epochs; at 0 or below it runs until a hook raises
    shuffleIndices : True
        False: in the dataset's own order
    verbose : True
        print the error of every iteration
    hookExample : None
        called as ``hookExample(trainer, example)`` after every example
    hookIteration : None
        called as ``hookIteration(trainer, iteration, error)`` after every iteration; a number that it returns becomes
        the iteration's error
    log : print
        takes each printed line; None is silent

    The fields are read anew for every iteration, so hooks may change them.

    >>> import numpy as np, t7nn as nn
    >>> nn.manualSeed(1)
    >>> trainer = nn.StochasticGradient(nn.Linear(2, 1), nn.MSECriterion())
    >>> trainer.maxIteration = 1
    >>> trainer.train([(np.array([1.0, 2.0]), np.array([0.0]))])
    # StochasticGradient: training
    # current error = 2.5615626800674
    # StochasticGradient: you have reached the maximum number of iterations
    # training error = 2.5615626800674

    Torch7 manual: training.md#nn.StochasticGradient
    """

    def __init__(self, module: Module, criterion: Criterion):
        self.learningRate: float = 0.01
        self.learningRateDecay: float = 0
        self.maxIteration: int = 25
        self.shuffleIndices: bool = True
        self.module = module
        self.criterion = criterion
        self.verbose: bool = True
        self.hookExample: Callable[[StochasticGradient, Any], Any] | None = None
        self.hookIteration: Callable[[StochasticGradient, int, float], Any] | None = None
        self.log: Callable[[str], Any] | None = print

    def _check(self, dataset: Sequence) -> None:
        if len(dataset) == 0:
            raise ValueError('nn.StochasticGradient: expected a dataset of at least one example, got none')
        for name in ('hookExample', 'hookIteration', 'log'):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                raise TypeError(
                    f'nn.StochasticGradient: expected a function or None as {name}, got {describe(getattr(self, name))}'
                )

    def train(self, dataset: Sequence[tuple[Any, Any]]) -> None:
        """Train on `dataset`, any sequence of pairs (input, target).

        An error leaves the parameters as the last whole update left them.

        Raises
        ------
        ValueError
            if the dataset is empty or an example is not a pair
        TypeError
            if a hook is not callable
        """
        self._check(dataset)
        order = random.randperm(len(dataset))  # drawn in any case, as in Torch7
        order = (order.astype(np.int64) - 1).tolist() if self.shuffleIndices else range(len(dataset))
        self._print('# StochasticGradient: training')
        iteration, rate = 1, self.learningRate
        while True:
            with np.errstate(over='ignore', invalid='ignore'):  # what diverges is told by the printed error
                error = self._epoch(dataset, order, rate)
            if self.hookIteration is not None:
                error = changed_error(self.hookIteration(self, iteration, error), error)
            if self.verbose:
                self._print(f'# current error = {number(error)}')
            iteration += 1
            rate = self.learningRate / (1 + iteration * self.learningRateDecay)
            if 0 < self.maxIteration < iteration:
                self._print('# StochasticGradient: you have reached the maximum number of iterations')
                self._print(f'# training error = {number(error)}')
                return

    def _epoch(self, dataset: Sequence[tuple[Any, Any]], order: Sequence[int], rate: float) -> float:
        """One pass over the dataset in `order`; the mean of the losses."""
        module, criterion = self.module, self.criterion
        total = 0.0
        for i in order:
            example = dataset[i]
            try:
                input, target = example
            except (TypeError, ValueError):
                raise ValueError(
                    f'nn.StochasticGradient: expected a pair (input, target) as example {i + 1}, '
                    f'got {describe(example)}'
                ) from None
            total += criterion.forward(module.forward(input), target)
            module.updateGradInput(input, criterion.updateGradInput(module.output, target))
            module.accUpdateGradParameters(input, criterion.gradInput, rate)
            if self.hookExample is not None:
                self.hookExample(self, example)
        return total / len(order)

    def _print(self, line: str) -> None:
        if self.log is not None:
            self.log(line)
