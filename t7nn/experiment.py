"""The blog post's question on real data: does L1/L2 regularisation make a network generalise?

A network of one hidden layer that is far too large for its few training examples is trained with Torch7's trainer, from
the same start in each of several ways: without regularisation, stopped early, with L2, with L1, with both, and with the
post's code as published. Linear models, which have no hidden layer, stand beside it to be measured against.
"""

import math
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import random
from .criterions.regression import MSECriterion
from .datasets import Table, diabetes, read_csv
from .hooks import EarlyStop, Evaluate, chain
from .layers.containers import Sequential
from .layers.linear import Linear
from .layers.transfer import Tanh
from .regularization import L1L2, Proximal, regularize_parameters_as_published
from .regularization_path import RegularizationPath, active_units, new_figure
from .status import Status
from .training import StochasticGradient

__all__ = ['Outcome', 'Penalties', 'Split', 'compare', 'split']

L1_GRID = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
L2_GRID = (0.003, 0.01, 0.03, 0.1, 0.3)
FOLDS = 5  # of --path
MOST_HIDDEN = 10_000
MOST_SEEDS = 10_000
COLOURS = '#000000', '#e69f00', '#56b4e9', '#009e73', '#0072b2', '#d55e00', '#cc79a7'  # for all eyes
REGULARISED = ('L2', 'L1', 'L1 and L2', 'exact L1 and L2')


class Split(NamedTuple):
    """Standardised examples: mean 0 and standard deviation 1 on those for training."""

    inputs: np.ndarray
    targets: np.ndarray
    test_inputs: np.ndarray
    test_targets: np.ndarray


class Penalties(NamedTuple):
    """The weights of the penalties where each is alone, and where both are together."""

    l1: float = 0.03
    l2: float = 0.1
    both: tuple[float, float] = (0.03, 0.1)


class Outcome(NamedTuple):
    """What one training ended with. Errors are mean squared errors of standardised targets: 1 is the variance of the
    target on the training rows."""

    name: str
    training_error: float
    test_error: float
    #: the iteration with the smallest test error, from 1, which only the test rows tell; 0 where there are none
    best_iteration: int
    best_training_error: float
    best_test_error: float
    #: parameters that are not zero; hidden units that do something; the largest |w|
    nonzero: int
    units: int
    largest: float
    parameters: np.ndarray
    training_errors: list[float]
    test_errors: list[float]


def split(table: Table, train: int, seed: int) -> Split:
    """Draw `train` rows for training, leave the rest for testing, and standardise both by the former.

    Raises
    ------
    ValueError
        if that leaves fewer than two rows on either side, or a column cannot be standardised
    """
    rows = len(table.target)
    if train < 2 or rows - train < 2:
        raise ValueError(
            f'expected at least 2 rows for training and 2 for testing, got {rows} rows and --train {train}'
        )
    random.manualSeed(seed)
    order = random.randperm(rows, dtype=np.int64) - 1
    values = np.column_stack([table.inputs, table.target])[order]
    with np.errstate(over='ignore', invalid='ignore'):
        spread, widths = values[:train].std(0), values.std(0)
    constant = (values == values[0]).all(0)
    constant[-1] |= (values[:train, -1] == values[0, -1]).all()
    for name, same, width, first in zip([*table.names, 'the target'], constant, widths, values[0], strict=True):
        if same:
            raise ValueError(f'expected a column of different numbers, got {first:g} everywhere in {name!r}')
        if not math.isfinite(width):
            raise ValueError(f'expected numbers whose squares are finite, got up to 1e154 and more in {name!r}')
    spread = np.where((values[:train] == values[0]).all(0), 1, spread)  # a rare value, seen in no training row
    values = (values - values[:train].mean(0)) / spread
    return Split(values[:train, :-1], values[:train, -1:], values[train:, :-1], values[train:, -1:])


def network(inputs: int, hidden: int, seed: int) -> Sequential:
    """Linear, Tanh, Linear, always from the same start for a seed."""
    random.manualSeed(seed)
    return Sequential().add(Linear(inputs, hidden)).add(Tanh()).add(Linear(hidden, 1))


def compare(
    data: Split,
    penalties: Penalties | None = None,
    *,
    iterations: int = 200,
    rate: float = 0.01,
    hidden: int = 40,
    seed: int = 1,
    progress: Callable[[str, int, float], Any] = lambda name, iteration, error: None,
) -> list[Outcome]:
    """Train once in each way, and solve for the linear models.

    `progress` is called as ``progress(name, iteration, error)`` after every iteration, with the error of the training
    rows.
    """
    l1, l2, both = penalties or Penalties()

    def as_published(trainer: StochasticGradient, iteration: int, error: float) -> None:
        regularize_parameters_as_published(trainer.module, l1, l2)

    ways: dict[str, Callable] = {
        'none': L1L2(),
        'early stopping': L1L2(),
        'L2': L1L2(l2=l2),
        'L1': L1L2(l1=l1),
        'L1 and L2': L1L2(*both),
        'exact L1 and L2': Proximal(*both),
        'as published': as_published,
    }
    outcomes = []
    for name, hook in ways.items():
        net = network(data.inputs.shape[1], hidden, seed)
        training = Evaluate(data.inputs, data.targets, MSECriterion())
        test = Evaluate(data.test_inputs, data.test_targets, MSECriterion())

        def tell(trainer: Any, iteration: int, error: float, name: str = name, training: Evaluate = training) -> None:
            progress(name, iteration, training.errors[-1])

        hooks: list[Callable] = [hook, training, test, tell]
        rows, best = np.arange(len(data.inputs)), None
        if name == 'early stopping':
            order = random.randperm(len(rows), dtype=np.int64) - 1
            held_out, rows = np.split(order, [max(1, len(rows) // 5)])
            watched = Evaluate(data.inputs[held_out], data.targets[held_out], MSECriterion())
            best = EarlyStop(watched, patience=iterations + 1)  # it goes on, so that the errors are seen to the end
            hooks += [watched, best]
        trainer = StochasticGradient(net, MSECriterion())
        trainer.learningRate, trainer.maxIteration = rate, iterations
        trainer.log, trainer.hookIteration = None, chain(*hooks)
        with np.errstate(all='ignore'):  # what diverges is told by its error
            trainer.train(list(zip(data.inputs[rows], data.targets[rows], strict=True)))
            if best is not None and best.parameters:
                net.getParameters()[0][:] = np.concatenate([parameter.ravel() for parameter in best.parameters])
            outcomes.append(_outcome(name, net, training, test))
    return outcomes + _linear_models(data)


def _outcome(name: str, net: Sequential, training: Evaluate, test: Evaluate) -> Outcome:
    best = max(test.best_iteration, 1) - 1
    flat, _ = net.getParameters()
    return Outcome(
        name,
        training.measure(net, MSECriterion()),
        test.measure(net, MSECriterion()),
        best + 1,
        training.errors[best],
        test.errors[best],
        int(np.count_nonzero(flat)),
        active_units(net),
        float(np.abs(flat).max()),
        flat,
        training.errors,
        test.errors,
    )


def _linear_models(data: Split) -> list[Outcome]:
    """Least squares, and ridge regression whose weight is chosen by leaving out each training row in turn.

    The data are standardised, so the intercept is 0.
    """
    u, s, vt = np.linalg.svd(data.inputs, full_matrices=False)
    targets = u.T @ data.targets

    def left_out(weight: float) -> float:
        shrink = s**2 / (s**2 + weight)
        leverage = (u**2 * shrink).sum(1, keepdims=True) + 1 / len(u)  # the mean, too, has seen the row
        return float(np.mean(((data.targets - u * shrink @ targets) / (1 - leverage)) ** 2))

    kept = s > 1e-10 * s[0]
    ridge = min((len(u) * 10**power for power in np.arange(-4, 2.1, 0.25)), key=left_out)
    outcomes = []
    for name, factors in (('least squares', kept / np.where(kept, s, 1)), ('ridge', s / (s**2 + ridge))):
        w = vt.T @ (factors[:, None] * targets)
        training, test = (
            float(np.mean((inputs @ w - t) ** 2))
            for inputs, t in ((data.inputs, data.targets), (data.test_inputs, data.test_targets))
        )
        nonzero, largest = int(np.count_nonzero(w)), float(np.abs(w).max())
        outcomes.append(Outcome(name, training, test, 0, math.nan, math.nan, nonzero, 0, largest, w[:, 0], [], []))
    return outcomes


# The choice of the penalties


def paths(
    data: Split, folds: int, *, iterations: int, rate: float, hidden: int, seed: int, jobs: int, both: bool
) -> list[RegularizationPath]:
    """The paths of L1 and of L2 alone, and, if asked for, the grid of both, on the training rows.

    Raises
    ------
    ModuleNotFoundError
        if scikit-learn is not installed
    """
    _need_scikit_learn()
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from .estimators import NNRegressor, regularization_path

    net = NNRegressor((hidden,), learningRate=rate, maxIteration=iterations, random_state=seed)
    model = TransformedTargetRegressor(make_pipeline(StandardScaler(), net), transformer=StandardScaler())
    grids: list[dict[str, Any]] = [{'l1': L1_GRID}, {'l2': L2_GRID}]
    if both:
        grids.append({'l1': L1_GRID[1:-1], 'l2': L2_GRID[:-1]})
    X, y = data.inputs, data.targets[:, 0]
    return [regularization_path(model, X, y, **grid, cv=folds, n_jobs=jobs, verbose=True) for grid in grids]


def _need_scikit_learn() -> None:
    try:
        import sklearn  # noqa: F401
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "--cv, --path and --jobs need scikit-learn; get it with: pip install 't7nn[sklearn]'"
        ) from None


# The table and what is seen in it


def _number(value: float) -> str:
    """Three decimals, or the first digit of what is very large."""
    return f'{value:.0e}' if 1e4 <= abs(value) < math.inf else f'{value:.3f}'


def _labels(penalties: Penalties) -> dict[str, str]:
    return {'L2': f'L2 ({penalties.l2:g})', 'L1': f'L1 ({penalties.l1:g})'}


def describe(outcomes: list[Outcome], penalties: Penalties, guess: float) -> str:
    """The table of the outcomes, and in a few lines what is seen in it. `guess` is the test error of predicting the
    training mean."""
    row = '{:<15} {:>8} {:>7} {:>9} {:>7} {:>4} {:>9} {:>5} {:>7}'
    lines = [
        f'{"":<15}{"at the end":>17}{"at the best iteration":>23}',
        row.format('', 'training', 'test', 'training', 'test', 'at', 'non-zero', 'units', 'max |w|'),
    ]
    labels = _labels(penalties)
    for one in outcomes:
        errors = _number(one.training_error), _number(one.test_error)
        at_best = ('-', '-', '-')
        if math.isfinite(one.best_test_error):
            at_best = _number(one.best_training_error), _number(one.best_test_error), str(one.best_iteration)
        units = one.units if one.test_errors else '-'
        name = labels.get(one.name, one.name)
        lines.append(row.format(name, *errors, *at_best, one.nonzero, units, _number(one.largest)))
    return '\n'.join(['', *lines, '', *_seen({one.name: one for one in outcomes}, labels, guess)])


def _smallest(outcomes: dict[str, Outcome], names: tuple[str, ...]) -> Outcome | None:
    """The one of the smallest test error; None if all of them diverged."""
    finite = [outcomes[name] for name in names if math.isfinite(outcomes[name].test_error)]
    return min(finite, key=lambda one: one.test_error, default=None)


def _seen(outcomes: dict[str, Outcome], labels: dict[str, str], guess: float) -> list[str]:
    none, published = outcomes['none'], outcomes['as published']
    best = _smallest(outcomes, REGULARISED)
    if best is None:
        return ['Every regularised training diverged: a smaller --rate helps.']
    at_best = f'{_number(best.test_error)} at best ({labels.get(best.name, best.name)})'
    if not math.isfinite(none.test_error):
        lines = [f'Without regularisation the training diverged; with it the test error is {at_best}.']
    else:
        gain = none.test_error - best.test_error
        verdict = 'does not help here' if gain < 0 else 'changes nothing here'
        if gain > 0:
            verdict = 'generalises better' if best.test_error < guess else 'helps, but not beyond predicting the mean'
        lines = [f'Regularisation {verdict}: test error {_number(none.test_error)} without, {at_best}.']
    linear = _smallest(outcomes, ('least squares', 'ridge'))
    network = _smallest(outcomes, ('none', 'early stopping', *REGULARISED))
    lines.append(
        f'Predicting the mean gives {_number(guess)}, early stopping {_number(outcomes["early stopping"].test_error)}, '
        f'least squares {_number(outcomes["least squares"].test_error)}, ridge {_number(outcomes["ridge"].test_error)}'
        + (
            ': no hidden layer is needed here.'
            if linear and network and linear.test_error < min(network.test_error, guess)
            else '.'
        )
    )
    if math.isfinite(published.training_error):
        lines.append(
            f'The code as published leaves no parameter beyond {_number(published.largest)}; its training error is '
            f'{_number(published.training_error)}, where predicting the mean has 1.'
        )
    else:
        lines.append('The training with the code as published diverged.')
    return lines


def describe_seeds(all_outcomes: list[list[Outcome]]) -> str:
    """The means over several seeds, with standard deviations."""
    row = '{:<16} {:>17} {:>17} {:>11} {:>11}'
    lines = [row.format('', 'training', 'test', 'non-zero', 'units')]
    count = len(all_outcomes)
    for several in zip(*all_outcomes, strict=True):
        with np.errstate(all='ignore'):
            columns = [
                f'{_number(np.mean(values))} +- {_number(np.std(values, ddof=1))}'
                for values in ([one.training_error for one in several], [one.test_error for one in several])
            ]
        units = f'{np.mean([one.units for one in several]):.1f}' if several[0].test_errors else '-'
        lines.append(row.format(several[0].name, *columns, f'{np.mean([one.nonzero for one in several]):.1f}', units))
    tests = {name: [{one.name: one for one in outcomes}[name].test_error for outcomes in all_outcomes]
             for name in ('none', *REGULARISED)}  # fmt: skip
    lines.append('')
    for name in REGULARISED:
        better = sum(one < other for one, other in zip(tests[name], tests['none'], strict=True))
        lines.append(f'{name}: a smaller test error than without regularisation for {better} of {count} seeds.')
    return '\n'.join(['', *lines])


def plot(outcomes: list[Outcome], guess: float, figure: Any) -> None:
    """Draw the errors over the iterations, and the sizes of the parameters at the end, into a matplotlib figure."""
    errors, sizes = figure.subplots(1, 2)
    errors.set_prop_cycle(color=COLOURS)
    trained = [one for one in outcomes if one.test_errors]
    for one in trained:
        iterations = range(1, len(one.test_errors) + 1)
        (line,) = errors.plot(iterations, one.test_errors, label=one.name)
        errors.plot(iterations, one.training_errors, '--', color=line.get_color(), lw=0.8)
        sizes.plot(np.sort(np.abs(one.parameters))[::-1], color=line.get_color())
    errors.axhline(guess, color='grey', ls=':', label='predicting the mean')
    highest = max((error for one in trained for error in one.test_errors if math.isfinite(error)), default=guess)
    errors.set_ylim(0, 1.1 * min(highest, 3 * guess))
    errors.set(xlabel='iteration', ylabel='mean squared error', title='Test error (dashed: training error)')
    sizes.set_yscale('symlog', linthresh=1e-4)
    sizes.set_ylim(0)
    sizes.set(xlabel='parameters, largest first', ylabel='|w|', title='Parameters at the end')
    figure.legend(loc='outside lower center', ncols=4)


# The command line


def add_arguments(parser: ArgumentParser) -> None:
    """The options of ``python -m t7nn regularize``."""
    for name, default, meaning in (
        ('l1', 0.03, 'weight of the L1 penalty'),
        ('l2', 0.1, 'weight of the L2 penalty, below 1'),
    ):
        parser.add_argument(f'--{name}', type=float, help=f'{meaning} (default: {default})')
    for name, default, meaning in (
        ('iterations', 200, 'epochs of each training'),
        ('rate', 0.01, 'learning rate'),
        ('hidden', 40, 'hidden units'),
        ('train', 100, 'rows to train on; the rest are for testing'),
        ('seed', 1, 'of the split and of the start'),
        ('seeds', 1, 'how many seeds from --seed on; from two on means and deviations are shown'),
        ('jobs', 1, 'workers; -1 is one for each processor (needs scikit-learn)'),
    ):
        parser.add_argument(f'--{name}', type=type(default), default=default, help=f'{meaning} (default: {default})')
    parser.add_argument(
        '--cv', type=int, metavar='FOLDS',
        help='choose l1 and l2 by cross-validation on the training rows (needs scikit-learn)',
    )  # fmt: skip
    parser.add_argument(
        '--data', metavar='FILE.csv', help='your own table of numbers, - for stdin (default: 442 diabetes patients)'
    )
    parser.add_argument('--target', metavar='COLUMN', help='the column of --data that is to be predicted')
    parser.add_argument(
        '--plot', metavar='FILE', help='draw the errors and the parameters of the first seed (needs matplotlib)'
    )
    parser.add_argument(
        '--path', metavar='FILE',
        help='draw errors, parameters and units over l1 and over l2 (needs scikit-learn and matplotlib)',
    )  # fmt: skip


def _check(options: Namespace) -> None:
    def need(fits: bool, name: str, wanted: str) -> None:
        if not fits:
            raise ValueError(f'expected --{name} {wanted}, got {getattr(options, name)}')

    need(options.iterations >= 1, 'iterations', 'of at least 1')
    need(1 <= options.hidden <= MOST_HIDDEN, 'hidden', f'from 1 to {MOST_HIDDEN}')
    need(1 <= options.seeds <= MOST_SEEDS, 'seeds', f'from 1 to {MOST_SEEDS}')
    need(0 <= options.seed <= 2**32 - options.seeds, 'seed', f'from 0 to {2**32 - options.seeds}')
    need(options.jobs == -1 or options.jobs >= 1, 'jobs', 'of at least 1, or -1')
    need(0 < options.rate < math.inf, 'rate', 'above 0 and finite')
    need(options.l1 is None or 0 <= options.l1 < math.inf, 'l1', '>= 0 and finite')
    need(options.l2 is None or 0 <= options.l2 < 1, 'l2', '>= 0 and below 1')
    if options.cv is not None:
        need(2 <= options.cv <= options.train, 'cv', f'from 2 to the {options.train} rows of --train')
        if options.l1 is not None or options.l2 is not None:
            raise ValueError('expected either --cv, which chooses l1 and l2, or --l1 and --l2, got both')
    elif options.path is not None:
        need(options.train >= FOLDS, 'train', f'of at least {FOLDS} with --path')
    if (options.data is None) != (options.target is None):
        raise ValueError('expected --data and --target together, got one of them')
    for name in ('plot', 'path'):
        if getattr(options, name) is not None:
            _check_picture(name, getattr(options, name))
    if options.cv is not None or options.path is not None or options.jobs != 1:
        _need_scikit_learn()


def _check_picture(name: str, path: str) -> None:
    """Raise unless matplotlib can write a picture there."""
    kinds = sorted({*new_figure().canvas.get_supported_filetypes()} - {'pgf'})  # which needs LaTeX
    if Path(path).suffix[1:].lower() not in kinds:
        raise ValueError(f'expected --{name} with a name that ends in one of .{", .".join(kinds)}, got {path!r}')
    there = os.path.exists(path)
    try:
        with open(path, 'ab'):  # says whether it can be written, and leaves what is there
            pass
    except OSError as error:
        raise ValueError(f'expected --{name} that can be written, got {path!r}: {error.strerror}') from None
    if not there:
        os.unlink(path)


def run(options: Namespace) -> None:
    """``python -m t7nn regularize``: compare, print the table, draw the pictures.

    Raises
    ------
    OSError, ValueError, ModuleNotFoundError
        if the options or the data make no sense, a picture cannot be drawn, or every training diverges
    """
    _check(options)
    table = diabetes() if options.data is None else read_csv(options.data, options.target)
    settings = {name: getattr(options, name) for name in ('iterations', 'rate', 'hidden')}
    seeds = range(options.seed, options.seed + options.seeds)
    data = split(table, options.train, options.seed)
    print(
        f'{options.data or "diabetes"}: {options.train} rows to train on, {len(data.test_inputs)} to test, '
        f'{data.inputs.shape[1]} variables; {options.hidden} hidden units, {options.iterations} iterations, '
        f'rate {options.rate:g}\n'
        'Errors are mean squared errors; 1 is the variance of the target on the training rows.\n'
        'The best iteration is the one with the smallest test error: only the test rows tell it.',
        flush=True,
    )
    found: list[RegularizationPath] = []
    penalties = [_given(options)] * len(seeds)
    if options.cv is not None:
        penalties = []
        for seed in seeds:
            chosen = paths(
                split(table, options.train, seed), options.cv, **settings, seed=seed, jobs=options.jobs, both=True
            )
            penalties.append(Penalties(chosen[0].best[0], chosen[1].best[1], chosen[2].best))
            found = found or chosen
            print(_chosen(penalties[-1], options.cv, seed), flush=True)
    else:
        l1, l2 = penalties[0].both
        print(f'l1 = {l1:g} and l2 = {l2:g} are given, not chosen: --cv {FOLDS} chooses them.', flush=True)
        if options.path is not None:
            found = paths(data, FOLDS, **settings, seed=options.seed, jobs=options.jobs, both=False)
    if options.seeds > 1:
        all_outcomes = _for_each_seed(table, options.train, seeds, penalties, settings, options.jobs)
        print(describe_seeds(all_outcomes))
        outcomes = all_outcomes[0]
    else:
        with Status() as status:

            def progress(name: str, iteration: int, error: float) -> None:
                line = f'{name}: iteration {iteration} of {options.iterations}, training error {_number(error)}'
                status.show(line, kept=iteration == options.iterations)

            outcomes = compare(data, penalties[0], **settings, seed=options.seed, progress=progress)
    guess = float(np.mean(data.test_targets**2))  # the training mean is 0 after standardising
    if options.seeds == 1:
        print(describe(outcomes, penalties[0], guess))
    _draw(options, outcomes, guess, found)
    if not any(math.isfinite(one.test_error) for one in outcomes if one.name in ('none', 'as published', *REGULARISED)):
        raise ValueError('every training diverged; expected a smaller --rate')


def _given(options: Namespace) -> Penalties:
    default = Penalties()
    l1 = default.l1 if options.l1 is None else options.l1
    l2 = default.l2 if options.l2 is None else options.l2
    return Penalties(l1, l2, (l1, l2))


def _chosen(penalties: Penalties, folds: int, seed: int) -> str:
    l1, l2 = penalties.both
    return (
        f'Seed {seed}: {folds} folds of the training rows chose l1 = {penalties.l1:g} alone, l2 = {penalties.l2:g} '
        f'alone, l1 = {l1:g} with l2 = {l2:g}.'
    )


def _of_seed(table: Table, train: int, seed: int, penalties: Penalties, settings: dict) -> list[Outcome]:
    return compare(split(table, train, seed), penalties, **settings, seed=seed)


def _for_each_seed(
    table: Table, train: int, seeds: range, penalties: list[Penalties], settings: dict, jobs: int
) -> list[list[Outcome]]:
    with Status() as status:

        def told(done: int, outcomes: list[Outcome]) -> list[Outcome]:
            status.show(f'seed {done} of {len(seeds)}', kept=done == len(seeds))
            return outcomes

        tasks = [(table, train, seed, weights, settings) for seed, weights in zip(seeds, penalties, strict=True)]
        if jobs == 1:
            results = (_of_seed(*task) for task in tasks)
        else:
            from joblib import Parallel, delayed

            results = Parallel(jobs, return_as='generator')(delayed(_of_seed)(*task) for task in tasks)
        return [told(done, outcomes) for done, outcomes in enumerate(results, 1)]


def _draw(options: Namespace, outcomes: list[Outcome], guess: float, found: list[RegularizationPath]) -> None:
    if options.path is not None:
        figure = new_figure(12, 8)
        for path, part in zip(found, figure.subfigures(2, 1), strict=False):
            path.plot(part)
        figure.savefig(options.path, dpi=120)
        print(f'path: {options.path}')
    if options.plot is not None:
        figure = new_figure(11, 4.5)
        plot(outcomes, guess, figure)
        figure.savefig(options.plot, dpi=120)
        print(f'picture: {options.plot}')
