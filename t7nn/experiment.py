"""The blog post's question on real data: does L1/L2 regularisation make a network generalise?

A network of one hidden layer that is far too large for its few training examples is trained with Torch7's trainer, five
times from the same start: without regularisation, with L2, with L1, with both, and with the post's code as published.
"""

import math
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import random
from .criterions.regression import MSECriterion
from .datasets import Table, diabetes, read_csv
from .hooks import chain
from .layers.containers import Sequential
from .layers.linear import Linear
from .layers.transfer import Tanh
from .regularization import L1L2, regularization_penalty, regularize_parameters_as_published
from .training import StochasticGradient

__all__ = ['Outcome', 'Split', 'compare', 'split']


class Split(NamedTuple):
    """Standardised examples: mean 0 and standard deviation 1 on those for training."""

    inputs: np.ndarray
    targets: np.ndarray
    test_inputs: np.ndarray
    test_targets: np.ndarray


class Outcome(NamedTuple):
    """What one training ended with; errors are mean squared errors, in units of the target's variance while
    training."""

    name: str
    training_error: float
    test_error: float
    penalty: float
    zeros: float
    largest: float
    parameters: np.ndarray
    training_errors: list[float]
    test_errors: list[float]


def split(table: Table, train: int, seed: int) -> Split:
    """Draw `train` rows for training, leave the rest for testing, and standardise both by the former.

    Raises
    ------
    ValueError
        if that leaves fewer than two rows on either side
    """
    rows = len(table.target)
    if train < 2 or rows - train < 2:
        raise ValueError(f'at least 2 rows for training and 2 for testing needed, got {rows} rows and --train {train}')
    random.manualSeed(seed)
    order = random.randperm(rows, dtype=np.int64) - 1
    values = np.column_stack([table.inputs, table.target])[order]
    spread = values[:train].std(0)
    values = (values - values[:train].mean(0)) / np.where(spread > 0, spread, 1)
    return Split(values[:train, :-1], values[:train, -1:], values[train:, :-1], values[train:, -1:])


def network(inputs: int, hidden: int, seed: int) -> Sequential:
    """Linear, Tanh, Linear, always from the same start for a seed."""
    random.manualSeed(seed)
    return Sequential().add(Linear(inputs, hidden)).add(Tanh()).add(Linear(hidden, 1))


def _as_published(l1: float, l2: float) -> Callable:
    return lambda trainer, iteration, error: regularize_parameters_as_published(trainer.module, l1, l2)


def compare(
    data: Split,
    *,
    l1: float = 0.03,
    l2: float = 0.1,
    iterations: int = 200,
    rate: float = 0.01,
    hidden: int = 40,
    seed: int = 1,
    progress: Callable[[str, int, float], Any] = lambda name, iteration, error: None,
) -> list[Outcome]:
    """Train once for each way to regularise; `progress` is called as ``progress(name, iteration, error)`` after every
    iteration."""
    ways = {
        'none': L1L2(),
        f'L2 ({l2:g})': L1L2(l2=l2),
        f'L1 ({l1:g})': L1L2(l1=l1),
        'L1 and L2': L1L2(l1, l2),
        'as published': _as_published(l1, l2),
    }
    outcomes = []
    for name, hook in ways.items():
        net, criterion = network(data.inputs.shape[1], hidden, seed), MSECriterion()
        errors, test_errors = [], []

        def error_of(inputs, targets, net=net, criterion=criterion):
            with np.errstate(over='ignore', invalid='ignore'):
                return criterion.forward(net.forward(inputs), targets)

        def record(trainer, iteration, error, name=name, errors=errors, test_errors=test_errors, error_of=error_of):
            errors.append(error_of(data.inputs, data.targets))
            test_errors.append(error_of(data.test_inputs, data.test_targets))
            progress(name, iteration, error)

        trainer = StochasticGradient(net, criterion)
        trainer.learningRate, trainer.maxIteration = rate, iterations
        trainer.log, trainer.hookIteration = None, chain(hook, record)
        trainer.train(list(zip(data.inputs, data.targets, strict=True)))
        flat, _ = net.getParameters()
        outcomes.append(
            Outcome(
                name,
                errors[-1],
                test_errors[-1],
                regularization_penalty(net, l1, l2),
                float(np.mean(flat == 0)),
                float(np.abs(flat).max()),
                flat,
                errors,
                test_errors,
            )
        )
    return outcomes


def describe(outcomes: list[Outcome], guess: float) -> str:
    """The table of the outcomes, and in two lines what is seen in it. `guess` is the test error of guessing the
    training mean."""
    row = '{:<16}{:>10}{:>10}{:>10}{:>9}{:>10}'
    lines = [row.format('regularisation', 'training', 'test', 'penalty', 'zeros', 'max |w|')]
    for one in outcomes:
        errors = (f'{number:.3f}' for number in (one.training_error, one.test_error, one.penalty))
        lines.append(row.format(one.name, *errors, f'{one.zeros:.1%}', f'{one.largest:.4f}'))
    none, *ways, published = outcomes
    best = min(ways, key=lambda one: one.test_error if math.isfinite(one.test_error) else math.inf)
    if not math.isfinite(none.test_error):
        seen = 'Without regularisation the training diverged: a smaller --rate helps.'
    else:
        verdict = 'generalises better' if best.test_error < none.test_error else 'does not help here'
        seen = (
            f'Regularisation {verdict}: test error {none.test_error:.2f} without, '
            f'{best.test_error:.2f} at best ({best.name}); guessing the mean gives {guess:.2f}.'
        )
    squashed = (
        f'The code as published leaves no parameter above {published.largest:.2g}: it can hardly predict more than the '
        f'mean (training error {published.training_error:.2f}, test error {published.test_error:.2f}).'
    )
    return '\n'.join(['', *lines, '', seen, squashed])


def new_figure() -> Any:
    """An empty matplotlib figure.

    Raises
    ------
    ModuleNotFoundError
        if matplotlib is not installed
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ModuleNotFoundError('--plot needs matplotlib; get it with: pip install matplotlib') from None
    return Figure(figsize=(11, 4.5), layout='constrained')


def plot(outcomes: list[Outcome], guess: float, figure: Any) -> None:
    """Draw the errors over the iterations, and the sizes of the parameters at the end, into a matplotlib figure."""
    errors, sizes = figure.subplots(1, 2)
    for one in outcomes:
        iterations = range(1, len(one.test_errors) + 1)
        (line,) = errors.plot(iterations, one.test_errors, label=one.name)
        errors.plot(iterations, one.training_errors, '--', color=line.get_color(), lw=0.8)
        sizes.plot(np.sort(np.abs(one.parameters))[::-1], color=line.get_color())
    errors.axhline(guess, color='grey', ls=':', label='guessing the mean')
    highest = max(error for one in outcomes for error in one.test_errors if math.isfinite(error))
    errors.set_ylim(0, 1.1 * min(highest, 3 * guess))
    errors.set(xlabel='iteration', ylabel='mean squared error', title='Test error (dashed: training error)')
    sizes.set_yscale('symlog', linthresh=1e-4)
    sizes.set_ylim(0)
    sizes.set(xlabel='parameters, largest first', ylabel='|w|', title='Parameters at the end')
    figure.legend(loc='outside lower center', ncols=len(outcomes) + 1)


def add_arguments(parser: ArgumentParser) -> None:
    """The options of ``python -m t7nn regularize``."""
    for name, default, meaning in (
        ('l1', 0.03, 'weight of the L1 penalty'),
        ('l2', 0.1, 'weight of the L2 penalty'),
        ('iterations', 200, 'epochs of each training'),
        ('rate', 0.01, 'learning rate'),
        ('hidden', 40, 'hidden units'),
        ('train', 100, 'rows to train on; the rest are for testing'),
        ('seed', 1, 'of the split and of the start'),
    ):
        parser.add_argument(f'--{name}', type=type(default), default=default, help=f'{meaning} (default: {default})')
    parser.add_argument('--data', metavar='FILE.csv', help='your own table of numbers (default: 442 diabetes patients)')
    parser.add_argument('--target', metavar='COLUMN', help='the column of --data that is to be predicted')
    parser.add_argument('--plot', metavar='FILE', help='draw the errors and the parameters (needs matplotlib)')


def _check(options: Namespace) -> None:
    for name in ('iterations', 'hidden'):
        if getattr(options, name) < 1:
            raise ValueError(f'--{name} of at least 1 needed, got {getattr(options, name)}')
    for name in ('l1', 'l2', 'rate'):
        if not 0 <= getattr(options, name) < math.inf:
            raise ValueError(f'a finite --{name} >= 0 needed, got {getattr(options, name)}')
    if (options.data is None) != (options.target is None):
        raise ValueError('--data and --target go together')


def _show_progress(name: str, iteration: int, iterations: int, error: float) -> None:
    """One line on stderr: on a terminal written over and at last wiped, elsewhere once for each training."""
    line = f'{name}: iteration {iteration} of {iterations}, error {error:.4f}'
    if not sys.stderr.isatty():
        if iteration == iterations:
            print(line, file=sys.stderr)
    elif iteration == iterations:
        print(end='\r\033[K', file=sys.stderr, flush=True)
    elif iteration % 10 == 0:
        print(f'\r{line}\033[K', end='', file=sys.stderr, flush=True)


def run(options: Namespace) -> None:
    """``python -m t7nn regularize``: compare, print the table, draw the picture.

    Raises
    ------
    OSError, ValueError, ModuleNotFoundError
        if the options or the data make no sense, or a picture cannot be drawn
    """
    _check(options)
    table = diabetes() if options.data is None else read_csv(options.data, options.target)
    data = split(table, options.train, options.seed)
    figure = new_figure() if options.plot else None
    print(
        f'{options.data or "diabetes"}: {len(data.inputs)} rows to train on, {len(data.test_inputs)} to test, '
        f'{data.inputs.shape[1]} variables; {options.hidden} hidden units, {options.iterations} iterations, '
        f'rate {options.rate:g}',
        flush=True,
    )
    settings = {name: getattr(options, name) for name in ('l1', 'l2', 'iterations', 'rate', 'hidden', 'seed')}
    outcomes = compare(
        data,
        **settings,
        progress=lambda name, iteration, error: _show_progress(name, iteration, options.iterations, error),
    )
    guess = float(np.mean(data.test_targets**2))  # the training mean is 0 after standardising
    print(describe(outcomes, guess))
    if figure:
        plot(outcomes, guess, figure)
        figure.savefig(options.plot, dpi=120)
        print(f'picture: {options.plot}')
