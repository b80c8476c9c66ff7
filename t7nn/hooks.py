"""Ready-made callables for the trainer's ``hookIteration``.

A hook is called as ``hook(trainer, iteration, error)`` after every iteration; a number that it returns becomes the
iteration's error. `chain` makes one hook of several. `t7nn.L1L2` is one more.

>>> import numpy as np, t7nn as nn
>>> nn.manualSeed(1)
>>> trainer = nn.StochasticGradient(nn.Linear(1, 1), nn.MSECriterion())
>>> trainer.log, trainer.learningRate, trainer.maxIteration = None, 0.1, 100
>>> x = np.linspace(-1, 1, 9)[:, None]
>>> test = nn.hooks.Evaluate(x, 2 * x + 1, nn.MSECriterion())
>>> history = nn.hooks.History(norm=nn.hooks.norm)
>>> trainer.hookIteration = nn.hooks.chain(test, history, nn.hooks.EarlyStop(test, patience=5, least=1e-4))
>>> trainer.train(list(zip(x, 2 * x + 1)))
>>> len(history.errors) < 100, test.best < 1e-3, round(history.values['norm'][-1], 1)
(True, True, 2.2)

A hook that fails, or an interrupt, leaves the network with the parameters that it had.
"""

import csv
import math
import os
import pickle
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import numpy as np

from . import random
from .module import Criterion, Module
from .serialization.files import replace_file
from .tensors import describe, real
from .training import StochasticGradient, Stop, changed_error

__all__ = [
    'Checkpoint',
    'EarlyStop',
    'Evaluate',
    'History',
    'Parameters',
    'Progress',
    'Stop',
    'chain',
    'every',
    'norm',
    'resume',
]

Hook = Callable[[Any, int, float], Any]


def _callable(hook: Any, where: str) -> Any:
    if not callable(hook):
        raise TypeError(f'hooks.{where}: expected a hook that can be called, got {describe(hook)}')
    return hook


class chain:
    """One hook that calls several in turn, each with the error that the one before returned.

    Parameters
    ----------
    hooks
        any number of hooks

    >>> import t7nn as nn
    >>> nn.hooks.chain(nn.L1L2(l2=0.01), nn.hooks.History())
    chain(L1L2(l1=0, l2=0.01, bias=True), History(0 iterations))

    Raises
    ------
    TypeError
        if one of them cannot be called
    """

    def __init__(self, *hooks: Hook):
        self.hooks = tuple(_callable(hook, 'chain') for hook in hooks)

    def __call__(self, trainer: Any, iteration: int, error: float) -> float:
        for hook in self.hooks:
            try:
                error = changed_error(hook(trainer, iteration, error), error)
            except Stop as stop:
                stop.error = error
                raise
        return error

    def __repr__(self) -> str:
        return f'chain({", ".join(map(repr, self.hooks))})'


class every:
    """Calls a hook after every n-th iteration only.

    Parameters
    ----------
    n
        a whole number of at least 1
    hook
        what is called after iterations n, 2 n, 3 n ...

    Raises
    ------
    ValueError
        if `n` is no whole number of at least 1
    TypeError
        if `hook` cannot be called
    """

    def __init__(self, n: int, hook: Hook):
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            raise ValueError(f'hooks.every: expected n, a whole number of at least 1, got {n!r}')
        self.n, self.hook = n, _callable(hook, 'every')

    def __call__(self, trainer: Any, iteration: int, error: float) -> Any:
        return self.hook(trainer, iteration, error) if iteration % self.n == 0 else None

    def __repr__(self) -> str:
        return f'every({self.n}, {self.hook!r})'


def norm(trainer: Any) -> float:
    """The Euclidean norm of all parameters of the trainer's module; for `History`."""
    return math.sqrt(sum(float(np.vdot(tensor, tensor)) for tensor in trainer.module.parameters()[0]))


class History:
    """Keeps the error of every iteration, and whatever else you name.

    Placed after other hooks in a `chain` it sees the error as they left it.

    Parameters
    ----------
    values
        functions of the trainer that give a number, by name: ``History(norm=hooks.norm)``

    Attributes
    ----------
    errors : list of float
    values : dict of lists
        the numbers of each function, one for each iteration

    Raises
    ------
    TypeError
        if one of the values cannot be called
    """

    def __init__(self, **values: Callable[[Any], float]):
        self.functions = {name: _callable(function, f'History, {name}') for name, function in values.items()}
        self.errors: list[float] = []
        self.values: dict[str, list[float]] = {name: [] for name in values}

    def __call__(self, trainer: Any, iteration: int, error: float) -> None:
        row = {name: float(real(function(trainer), name)) for name, function in self.functions.items()}
        self.errors.append(error)
        for name, value in row.items():
            self.values[name].append(value)

    def to_csv(self, path: str | os.PathLike) -> None:
        """Write a line for each iteration: its number, the error, and each value, under a line of names."""
        with open(os.fspath(path), 'w', newline='', encoding='utf-8') as file:
            lines = csv.writer(file)
            lines.writerow(['iteration', 'error', *self.values])
            lines.writerows(zip(range(1, len(self.errors) + 1), self.errors, *self.values.values(), strict=True))

    def plot(self, axes: Any = None) -> Any:
        """Draw the errors and the values over the iterations; needs matplotlib (``pip install 't7nn[plot]'``)."""
        from . import plots

        return plots.history(axes=axes, error=self.errors, **self.values)

    def __repr__(self) -> str:
        return f'History({len(self.errors)} iterations)'

    def _repr_html_(self) -> str:
        from .html import table

        rows = list(zip(range(1, len(self.errors) + 1), self.errors, *self.values.values(), strict=True))
        return table(['iteration', 'error', *self.values], rows)


class Evaluate:
    """Measures the mean error on other examples after every iteration, in evaluate mode.

    The network's modes, and the random numbers that are still to come, are as before afterwards.

    Parameters
    ----------
    inputs, targets
        two arrays, of which the network gets all rows at once as a batch, or two sequences of single examples
    criterion
        the loss; None: the trainer's own, which then has no loss left of its last example

    Attributes
    ----------
    errors : list of float
        of each iteration
    best, best_iteration : float, int
        the least of them, and when it was, counted from 1; inf and 0 before the first

    Raises
    ------
    ValueError
        if there are no examples, or not as many targets as inputs
    """

    def __init__(
        self, inputs: Sequence | np.ndarray, targets: Sequence | np.ndarray, criterion: Criterion | None = None
    ):
        for name, values in (('inputs', inputs), ('targets', targets)):
            is_scalar = isinstance(values, np.ndarray) and not values.ndim
            if isinstance(values, (str, bytes)) or not hasattr(values, '__len__') or is_scalar:
                raise TypeError(f'hooks.Evaluate: expected an array or a sequence as {name}, got {describe(values)}')
        if criterion is not None and not isinstance(criterion, Criterion):
            raise TypeError(f'hooks.Evaluate: expected a criterion or None, got {describe(criterion)}')
        if len(inputs) != len(targets) or not len(inputs):
            raise ValueError(
                f'hooks.Evaluate: expected as many targets as inputs, and at least one, '
                f'got {len(inputs)} inputs and {len(targets)} targets'
            )
        self.inputs, self.targets, self.criterion = inputs, targets, criterion
        self.errors: list[float] = []
        self.best, self.best_iteration = math.inf, 0

    def measure(self, module: Module, criterion: Criterion) -> float:
        """The mean error of `module` on the examples."""
        state, modes = random.getRNGState(), [(each, each.train) for each in module.listModules()]
        module.evaluate()
        try:
            if isinstance(self.inputs, np.ndarray):
                return float(criterion.forward(module.forward(self.inputs), self.targets))
            pairs = zip(self.inputs, self.targets, strict=True)
            return sum(float(criterion.forward(module.forward(x), t)) for x, t in pairs) / len(self.inputs)
        finally:
            for each, mode in modes:
                each.train = mode
            random.setRNGState(state)

    def __call__(self, trainer: Any, iteration: int, error: float) -> None:
        self.errors.append(self.measure(trainer.module, self.criterion or trainer.criterion))
        if self.errors[-1] < self.best:
            self.best, self.best_iteration = self.errors[-1], len(self.errors)

    def __repr__(self) -> str:
        best = f', best {self.best:.6g} after iteration {self.best_iteration}' if self.errors else ''
        return f'Evaluate({len(self.inputs)} examples{best})'


class Parameters:
    """Keeps a copy of the parameters after every iteration, for paths of weights.

    Parameters
    ----------
    select
        a function of the network that gives the tensors to keep, or one tensor; all parameters where none is given

    Attributes
    ----------
    flat : list of numpy.ndarray
        a vector for each iteration
    """

    def __init__(self, select: Callable[[Module], Any] | None = None):
        self.select = None if select is None else _callable(select, 'Parameters')
        self.flat: list[np.ndarray] = []

    def __call__(self, trainer: Any, iteration: int, error: float) -> None:
        chosen = trainer.module.parameters()[0] if self.select is None else self.select(trainer.module)
        tensors = [chosen] if isinstance(chosen, np.ndarray) else list(chosen)
        self.flat.append(np.concatenate([tensor.reshape(-1) for tensor in tensors]) if tensors else np.empty(0))

    def __repr__(self) -> str:
        return f'Parameters({len(self.flat)} iterations)'


class EarlyStop:
    """Ends the training when an `Evaluate` has not become better for some iterations, with its best parameters.

    In a `chain` it stands after that `Evaluate`.

    Parameters
    ----------
    watched
        the `Evaluate`
    patience
        how many iterations without a better error are borne, at least 1
    least
        by how much an error has to be better, >= 0
    restore
        whether the network gets back the parameters of the best iteration in the end

    Raises
    ------
    TypeError
        if `watched` is no `Evaluate`, or `restore` neither True nor False
    ValueError
        if `patience` or `least` is out of its range
    """

    def __init__(self, watched: Evaluate, patience: int = 10, least: float = 0, restore: bool = True):
        if not isinstance(watched, Evaluate):
            raise TypeError(f'hooks.EarlyStop: expected a hooks.Evaluate, got {describe(watched)}')
        if not isinstance(patience, int) or isinstance(patience, bool) or patience < 1:
            raise ValueError(f'hooks.EarlyStop: expected patience, a whole number of at least 1, got {patience!r}')
        if isinstance(least, bool) or not 0 <= real(least, 'least') < math.inf:
            raise ValueError(f'hooks.EarlyStop: expected a finite least >= 0, got {least!r}')
        if not isinstance(restore, (bool, np.bool_)):
            raise TypeError(f'hooks.EarlyStop: expected True or False as restore, got {describe(restore)}')
        self.watched, self.patience, self.least, self.restore = watched, patience, least, restore
        self.best, self.waited = math.inf, 0
        self.parameters: list[np.ndarray] = []

    def __call__(self, trainer: Any, iteration: int, error: float) -> None:
        if not self.watched.errors:
            raise ValueError('hooks.EarlyStop: expected its Evaluate before it in the chain, got none that was called')
        tensors = trainer.module.parameters()[0]
        if self.watched.errors[-1] < self.best - self.least:
            self.best, self.waited = self.watched.errors[-1], 0
            self.parameters = [tensor.copy() for tensor in tensors]
            return
        self.waited += 1
        if self.waited < self.patience:
            return
        if self.restore and self.parameters:  # none where every error was nan
            for tensor, best in zip(tensors, self.parameters, strict=True):
                tensor[...] = best
        raise Stop(f'no better error for {self.patience} iterations')

    def __repr__(self) -> str:
        return f'EarlyStop({self.watched!r}, patience={self.patience}, least={self.least}, restore={self.restore})'


class Progress:
    """Shows a line with the iteration, the error and the time left, on a terminal or in Jupyter; elsewhere it is quiet.

    Parameters
    ----------
    file
        where to; standard error by default
    """

    def __init__(self, file: TextIO | None = None):
        if file is not None and not hasattr(file, 'isatty'):
            raise TypeError(f'hooks.Progress: expected a file or None, got {describe(file)}')
        self.file = file
        self._start: float | None = None
        self._display: Any = None

    def __call__(self, trainer: Any, iteration: int, error: float) -> None:
        now = time.monotonic()
        if self._start is None or iteration == 1:
            self._start, self._first = now, iteration
        done, last = iteration - self._first, trainer.maxIteration
        left = ''
        if done and last > iteration:
            left = f', {(now - self._start) / done * (last - iteration):.0f} s left'
        self._show(
            f'iteration {iteration}{f" of {last:g}" if last > 0 else ""}, error {error:.6g}{left}', iteration >= last
        )

    def _show(self, text: str, end: bool) -> None:
        ipython = sys.modules.get('IPython')
        if self.file is None and ipython is not None and getattr(ipython.get_ipython(), 'kernel', None) is not None:
            if self._display is None:
                self._display = ipython.display.display({'text/plain': text}, raw=True, display_id=True)
            else:
                self._display.update({'text/plain': text}, raw=True)
            return
        file = sys.stderr if self.file is None else self.file
        if file is not None and not file.closed and file.isatty():
            width = os.get_terminal_size(file.fileno()).columns if self.file is None else 80
            file.write('\r\x1b[K' + text[: width - 1] + ('\n' if end else ''))
            file.flush()

    def __getstate__(self) -> dict:
        return {'file': None, '_start': None, '_display': None}  # a terminal cannot be pickled

    def __repr__(self) -> str:
        return 'Progress()'


class Checkpoint:
    """Saves the whole training after an iteration: the trainer with its network and hooks, the order of the examples
    and the place in the random numbers. `resume` goes on from there to the numbers of an unbroken run.

    The file is written beside its place and then put there in one step, so it is whole or the old one. In a `chain` it
    stands last.

    Parameters
    ----------
    path
        the file; with ``{iteration}`` in it, one for each iteration

    Every hook of the trainer must be able to be pickled, as those of this module are; functions are where they can be
    imported.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = os.fspath(path)

    def __call__(self, trainer: Any, iteration: int, error: float) -> None:
        state = {'trainer': trainer, 'order': trainer._order, 'iteration': iteration, 'random': random.getRNGState()}
        try:
            data = pickle.dumps(state)
        except (AttributeError, TypeError, pickle.PicklingError) as failure:
            raise TypeError(f'hooks.Checkpoint: expected a trainer that can be pickled, got {failure}') from failure
        replace_file(self.path.replace('{iteration}', str(iteration)), [data])

    def __repr__(self) -> str:
        return f'Checkpoint({self.path!r})'


def resume(path: str | os.PathLike, dataset: Sequence) -> StochasticGradient:
    """Go on with a training that a `Checkpoint` saved, on the same `dataset`, to its end; returns the trainer.

    Open files of your own only: like every pickle, a checkpoint can run code.

    >>> import numpy as np, os, tempfile, t7nn as nn
    >>> nn.manualSeed(1)
    >>> data = [(np.array([x]), np.array([2 * x])) for x in (0.5, -1.0, 2.0)]
    >>> trainer = nn.StochasticGradient(nn.Linear(1, 1), nn.MSECriterion())
    >>> trainer.log, trainer.maxIteration = None, 6
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trainer.hookIteration = nn.hooks.Checkpoint(os.path.join(folder, '{iteration}'))
    ...     trainer.train(data)
    ...     again = nn.hooks.resume(os.path.join(folder, '3'), data)       # iterations 4 to 6 once more
    >>> bool(again.module.weight == trainer.module.weight)
    True

    Raises
    ------
    ValueError
        if the file holds no checkpoint, or one of a dataset of another size
    """
    with open(os.fspath(path), 'rb') as file:
        try:
            state = pickle.load(file)
        except (EOFError, pickle.UnpicklingError) as error:
            raise ValueError(f'hooks.resume: expected a file of hooks.Checkpoint, got {error} in {path}') from error
    is_whole = isinstance(state, dict) and state.keys() >= {'trainer', 'order', 'iteration', 'random'}
    if not is_whole or not isinstance(state['trainer'], StochasticGradient):
        raise ValueError(f'hooks.resume: expected a file of hooks.Checkpoint, got {describe(state)} in {path}')
    random.setRNGState(state['random'])
    trainer = state['trainer']
    trainer.go_on(dataset, state['order'], state['iteration'] + 1)
    return trainer
