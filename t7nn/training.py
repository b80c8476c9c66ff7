"""The trainer.

Torch7 manual: training.md
"""

import difflib
import warnings
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from . import random
from .module import Criterion, Module
from .tensors import describe, number, real
from .untrained import untrained

__all__ = ['StochasticGradient']


class Stop(Exception):
    """Raised by a hook it ends the training; `train` then returns as after the last iteration."""

    #: the iteration's error as the hooks before had left it
    error: float | None = None


def changed_error(returned: Any, error: float) -> float:
    """The error after a hook: the number that it returned, or `error` as it was."""
    if isinstance(returned, np.ndarray) and returned.ndim == 0:
        returned = returned[()]
    return float(returned) if isinstance(returned, Real) and not isinstance(returned, bool) else error


class _FromOne(Sequence):
    """A dataset as Torch7 has it, with ``size()`` and entries from 1 on, as a sequence."""

    def __init__(self, dataset: Any):
        self.dataset = dataset

    def __len__(self) -> int:
        size = self.dataset.size()
        if not isinstance(size, (int, float, np.number)) or size < 0 or size != int(size):
            raise TypeError(
                f'nn.StochasticGradient: expected a whole number from size() of a dataset, got {describe(size)}'
            )
        return int(size)

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[index + 1]


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

    The fields are read anew, and checked, for every iteration, so hooks may change them. A hook that raises
    `hooks.Stop` ends the training. A field that the trainer does not have is
    refused; a subclass declares its own in the class body.

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

    learningRate: float = 0.01
    learningRateDecay: float = 0
    maxIteration: float = 25
    shuffleIndices: bool = True
    verbose: bool = True
    hookExample: Callable[['StochasticGradient', Any], Any] | None = None
    hookIteration: Callable[['StochasticGradient', int, float], Any] | None = None
    log: Callable[[str], Any] | None = print
    module: Module
    criterion: Criterion
    #: of the examples, from 0, in this training
    _order: Sequence[int] = ()

    def __init__(self, module: Module, criterion: Criterion):
        # as instance attributes, since these are what a file holds
        for name in ('learningRate', 'learningRateDecay', 'maxIteration', 'shuffleIndices'):
            setattr(self, name, getattr(type(self), name))
        self.module = module
        self.criterion = criterion
        self.verbose = True
        self.hookExample = self.hookIteration = None
        self.log = print

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(type(self), name) and name not in StochasticGradient.__annotations__ and name[0] != '_':
            known = [*StochasticGradient.__annotations__, *vars(type(self))]
            meant = difflib.get_close_matches(name.replace('_', '').lower(), map(str.lower, known), 1)
            hint = [field for field in known if meant and field.lower() == meant[0]]
            did_you_mean = f'; {hint[0]} is probably meant' if hint else f'; it has {", ".join(known)}'
            raise AttributeError(f'nn.StochasticGradient has no field {name}{did_you_mean}')
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        fields = ('learningRate', 'learningRateDecay', 'maxIteration', 'shuffleIndices', *self._hooks())
        values = ', '.join(f'{name}={getattr(self, name)!r}' for name in fields)
        return f'nn.StochasticGradient({self.criterion}, {values}) of\n{self.module}'

    def _repr_html_(self) -> str:
        from .html import table

        names = ('criterion', 'learningRate', 'learningRateDecay', 'maxIteration', 'shuffleIndices', *self._hooks())
        fields = table(['field', 'value'], [(name, getattr(self, name)) for name in names], 'nn.StochasticGradient')
        return fields + self.module._repr_html_()

    def _hooks(self) -> list[str]:
        return [name for name in ('hookExample', 'hookIteration') if getattr(self, name) is not None]

    def _error(self, text: str, kind: type[Exception] = ValueError) -> Exception:
        return kind(f'nn.StochasticGradient: {text}')

    def _check(self) -> None:
        """Raise unless every field can be used, before anything is changed."""
        for name, kind, words in (('module', Module, 'a module'), ('criterion', Criterion, 'a criterion')):
            if not isinstance(getattr(self, name), kind):
                raise self._error(f'expected {words} as {name}, got {describe(getattr(self, name))}', TypeError)
        for name in ('learningRate', 'learningRateDecay', 'maxIteration'):
            value = getattr(self, name)
            if not isinstance(value, Real) or isinstance(value, bool):
                raise self._error(f'expected a number as {name}, got {describe(value)}', TypeError)
            if value != value or name != 'maxIteration' and abs(value) == np.inf:
                raise self._error(f'expected a finite {name}, got {value}')
        for name in ('shuffleIndices', 'verbose'):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise self._error(f'expected True or False as {name}, got {describe(getattr(self, name))}', TypeError)
        for name in ('hookExample', 'hookIteration', 'log'):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise self._error(f'expected a function or None as {name}, got {describe(value)}', TypeError)

    def _warn(self) -> None:
        """Warn of what looks like a parameter and is not trained."""
        for module in self.module.listModules():
            for sentence in untrained(module):
                warnings.warn(f'{module.typename}: {sentence}', stacklevel=4)

    def _examples(self, dataset: Any) -> Sequence:
        """`dataset` as a sequence that counts from 0."""
        advice = 'expected a sequence of pairs (input, target), such as list(zip(inputs, targets)), got '
        if callable(getattr(dataset, 'size', None)):
            dataset = _FromOne(dataset)
        is_sequence = hasattr(dataset, '__len__') and hasattr(dataset, '__getitem__')
        if isinstance(dataset, (str, bytes, dict)) or not is_sequence:
            raise self._error(advice + describe(dataset), TypeError)
        if len(dataset) == 0:
            raise self._error('expected a dataset of at least one example, got none')
        if isinstance(dataset, (list, tuple)) and len(dataset) == 2:
            inputs, targets = dataset
            if isinstance(inputs, np.ndarray) and isinstance(targets, np.ndarray):
                raise self._error(f'{advice}two arrays of shapes {inputs.shape} and {targets.shape}')
        return dataset

    def train(self, dataset: Sequence[tuple[Any, Any]]) -> None:
        """Train on `dataset`: any sequence of pairs (input, target), or an object as Torch7 has it, with ``size()`` and
        entries from 1 on.

        An error leaves the parameters as the last whole update left them. It carries a note that names the example,
        counted from 1.

        Raises
        ------
        ValueError
            if the dataset is empty, an example is not a pair, or a number among the fields is not finite
        TypeError
            if a field is of the wrong kind, or `dataset` is no such sequence
        """
        self._check()
        self._warn()
        dataset = self._examples(dataset)
        drawn = random.randperm(len(dataset), np.int64)  # in any case, as in Torch7
        order = (drawn - 1).tolist() if self.shuffleIndices else list(range(len(dataset)))
        self._print('# StochasticGradient: training')
        self._iterations(dataset, order, 1)

    def go_on(self, dataset: Sequence[tuple[Any, Any]], order: Sequence[int], iteration: int) -> None:
        """Train from `iteration`, counted from 1, with the `order` of an earlier `train`: places in `dataset` from 0.

        `hooks.resume` calls it with what `hooks.Checkpoint` has saved.

        Raises
        ------
        ValueError
            if `order` does not fit the dataset
        """
        self._check()
        self._warn()
        dataset = self._examples(dataset)
        places = range(len(dataset))
        if not isinstance(order, Sequence) or len(order) != len(places) or set(order) != set(places):
            got = f'one of {len(order)}' if isinstance(order, Sequence) else describe(order)
            raise self._error(f'expected an order of {len(places)} examples, got {got}')
        if not isinstance(iteration, int) or iteration < 1:
            raise self._error(f'expected an iteration counted from 1, got {describe(iteration)}')
        if not 0 < self.maxIteration < iteration:
            self._iterations(dataset, order, iteration)

    def _iterations(self, dataset: Sequence[tuple[Any, Any]], order: Sequence[int], iteration: int) -> None:
        self._order = order
        while True:
            decay = 1 + iteration * self.learningRateDecay if iteration > 1 else 1
            if not decay:
                raise self._error(
                    f'expected a learningRateDecay with which the rate of iteration {iteration} is finite, '
                    f'got {self.learningRateDecay}'
                )
            stopped = ''
            try:
                with np.errstate(over='ignore', invalid='ignore'):  # what diverges is told by the printed error
                    error = self._epoch(dataset, order, float(self.learningRate / decay))
            except Stop as stop:
                error = changed_error(stop.error, np.nan)
                stopped = f'stopped in iteration {iteration}: {stop}'
            if self.hookIteration is not None and not stopped:
                try:
                    error = changed_error(self.hookIteration(self, iteration, error), error)
                except Stop as stop:
                    error = changed_error(stop.error, error)
                    stopped = f'stopped after iteration {iteration}: {stop}'
                self._check()  # a hook may change fields
            if self.verbose:
                self._print(f'# current error = {number(error)}')
            iteration += 1
            if stopped or 0 < self.maxIteration < iteration:
                end = stopped or 'you have reached the maximum number of iterations'
                self._print(f'# StochasticGradient: {end}')
                self._print(f'# training error = {number(error)}')
                return

    def _epoch(self, dataset: Sequence[tuple[Any, Any]], order: Sequence[int], rate: float) -> float:
        """One pass over the dataset in `order`; the mean of the losses."""
        module, criterion = self.module, self.criterion
        total, i = 0.0, 0
        try:
            for i in order:
                example = dataset[i]
                try:
                    input, target = example
                except (TypeError, ValueError):
                    raise self._error(f'expected a pair (input, target), got {describe(example)}') from None
                loss = criterion.forward(module.forward(input), target)
                total += loss if loss.__class__ is float else real(loss, f'the loss of {criterion}')
                module.updateGradInput(input, criterion.updateGradInput(module.output, target))
                module.accUpdateGradParameters(input, criterion.gradInput, rate)
                if self.hookExample is not None:
                    self.hookExample(self, example)
        except Stop as stop:
            stop.error = total / (order.index(i) + 1)
            raise
        except Exception as error:
            error.add_note(f'In example {i + 1} of the dataset')
            raise
        return total / len(order)

    def _print(self, line: str) -> None:
        if self.log is not None:
            self.log(line)
