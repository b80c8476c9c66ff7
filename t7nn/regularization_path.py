"""How errors, weights and hidden units change as the penalties grow: cross-validated, on one machine or on many."""

import csv
import itertools
import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np

from .html import table
from .layers.linear import Linear
from .module import Module
from .status import Status, duration

__all__ = ['Diverged', 'Fit', 'RegularizationPath', 'active_units', 'regularization_path']

GREY = '#7a7a7a'  # can be read on white and on black
COLUMNS = 'l1', 'l2', 'training', 'validation', 'deviation', 'non-zero', 'units'

Point = tuple[float, float]


def active_units(network: Module) -> int:
    """How many hidden units do something: their Linear gives them a weight that is not zero, and so does the next.

    >>> import t7nn as nn
    >>> net = nn.Sequential().add(nn.Linear(2, 3)).add(nn.Tanh()).add(nn.Linear(3, 1))
    >>> net[0].weight[:] = [[1, 0], [0, 0], [2, 3]]
    >>> net[2].weight[:] = [[1, 1, 0]]
    >>> active_units(net)
    1
    """
    weights: list[Any] = [module.weight for module in network.listModules() if isinstance(module, Linear)]
    pairs = [(before, after) for before, after in itertools.pairwise(weights) if len(before) == after.shape[1]]
    return sum(int(np.count_nonzero(before.any(1) & after.any(0))) for before, after in pairs)


class Diverged(ValueError):
    """The error of an iteration was infinite or no number."""


class Fit(NamedTuple):
    """One training."""

    l1: float
    l2: float
    #: of the cross-validation, from 1; 0 is the training on all rows
    fold: int
    seed: int
    #: the error of the rows trained on, and of those held out (nan in fold 0); both nan where the training diverged
    training_error: float
    validation_error: float
    #: parameters that are not zero, and hidden units that do something
    nonzero: int
    active: int
    #: the parameters, in fold 0
    coefficients: np.ndarray


class RegularizationPath:
    """What `regularization_path` found.

    Attributes
    ----------
    fits : list of Fit
        every training
    points : list of (l1, l2)
        the grid, in the order of the path
    coefficients : (points, parameters)
        the parameters of the network that was trained on all rows, at every point; nan where the training diverged
    """

    def __init__(self, fits: Iterable[Fit]):
        self.fits = sorted(fits, key=lambda fit: (fit.l2, fit.l1, fit.seed, fit.fold))
        self.points: list[Point] = list(dict.fromkeys((fit.l1, fit.l2) for fit in self.fits))
        if not self.points:
            raise ValueError('RegularizationPath: expected at least one fit, got none')
        whole = [fit.coefficients for fit in self.fits if fit.fold == 0]
        self.coefficients = np.full((len(whole), max(map(len, whole), default=0)), np.nan)
        for row, coefficients in zip(self.coefficients, whole, strict=True):
            row[: len(coefficients)] = coefficients

    def values(self, field: str) -> np.ndarray:
        """A field of `Fit` for every point, and every fold and seed of the cross-validation: ``(points, fits)``."""
        if field not in Fit._fields[:-1]:
            raise ValueError(f'RegularizationPath: expected one of {", ".join(Fit._fields[:-1])}, got {field!r}')
        return np.array(
            [
                [getattr(fit, field) for fit in self.fits if fit.fold and (fit.l1, fit.l2) == point]
                for point in self.points
            ],
            np.float64,
        )

    def mean(self, field: str = 'validation_error') -> np.ndarray:
        """The mean of a field over folds and seeds, for every point."""
        return self.values(field).mean(1)

    def deviation(self, field: str = 'validation_error') -> np.ndarray:
        """The standard deviation of a field over folds and seeds, for every point; 0 where there is only one fit."""
        values = self.values(field)
        with np.errstate(over='ignore'):  # nearly diverged
            return values.std(1, ddof=min(1, values.shape[1] - 1))

    @property
    def best(self) -> Point:
        """The (l1, l2) with the smallest mean error on the rows held out.

        Raises
        ------
        ValueError
            if every training diverged
        """
        return self.points[self._best()]

    @property
    def simplest(self) -> Point:
        """The strongest (l1, l2) whose mean error is within one standard error of the best."""
        best, mean = self._best(), self.mean()
        limit = mean[best] + self.deviation()[best] / math.sqrt(self.values('fold').shape[1])
        return max(point for point, error in zip(self.points, mean, strict=True) if error <= limit)

    def _best(self) -> int:
        mean = self.mean()
        if not np.isfinite(mean).any():
            raise ValueError('RegularizationPath: every training diverged; a smaller learningRate is needed')
        return int(np.nanargmin(np.where(np.isfinite(mean), mean, np.nan)))

    def _rows(self) -> list[list[str]]:
        fields = self.mean('training_error'), self.mean(), self.deviation(), self.mean('nonzero'), self.mean('active')
        forms = '{:g}', '{:g}', '{:.4g}', '{:.4g}', '{:.4g}', '{:.1f}', '{:.1f}'
        return [
            [form.format(value) for form, value in zip(forms, [*point, *values], strict=True)]
            for point, *values in zip(self.points, *fields, strict=True)
        ]

    def __str__(self) -> str:
        row = '{:>9}{:>9}{:>10}{:>12}{:>11}{:>10}{:>8}'
        return '\n'.join(row.format(*values) for values in [COLUMNS, *self._rows()])

    def __repr__(self) -> str:
        return f'RegularizationPath({len(self.points)} points, {len(self.fits)} fits)'

    def _repr_html_(self) -> str:
        return table(COLUMNS, self._rows())

    def plot(self, figure: Any = None) -> Any:
        """Draw errors, weights and hidden units against the penalty; returns the matplotlib figure.

        Parameters
        ----------
        figure
            a matplotlib figure or subfigure to draw into; a new one if None

        Raises
        ------
        ModuleNotFoundError
            if matplotlib is not installed
        """
        if figure is None:
            figure = new_figure()
        errors, weights, units = figure.subplots(1, 3)
        along = 0 if len({l1 for l1, _ in self.points}) > 1 else 1
        name, other = ('l1', 'l2')[along], ('l1', 'l2')[1 - along]
        groups = sorted({point[1 - along] for point in self.points})
        mean, deviation = self.mean(), self.deviation()
        training, active, nonzero = (self.mean(field) for field in ('training_error', 'active', 'nonzero'))
        for value in groups:
            chosen = [i for i, point in enumerate(self.points) if point[1 - along] == value]
            penalty = [self.points[i][along] for i in chosen]
            ending = f' ({other} = {value:g})' if len(groups) > 1 else ''
            (line,) = errors.plot(penalty, mean[chosen], 'o-', ms=3, label=f'held out{ending}')
            low, high = mean[chosen] - deviation[chosen], mean[chosen] + deviation[chosen]
            errors.fill_between(penalty, low, high, color=line.get_color(), alpha=0.2, lw=0)
            errors.plot(penalty, training[chosen], '--', color=line.get_color(), lw=0.8, label=f'training{ending}')
            units.plot(penalty, active[chosen], 'o-', ms=3, color=line.get_color(), label=f'hidden units{ending}')
            if value == self.best[1 - along]:
                weights.plot(penalty, self.coefficients[chosen], lw=0.6, color=line.get_color(), alpha=0.5)
                share = units.twinx()
                share.plot(penalty, nonzero[chosen], ':', color=GREY)
                share.set(ylabel='parameters that are not zero (dotted)', ylim=(0, None))
        penalties = sorted({point[along] for point in self.points})
        for axes in errors, weights, units:
            if len(penalties) > 1:  # a logarithm that begins at 0
                axes.set_xscale('symlog', linthresh=min(filter(None, penalties)))
                axes.set_xlim(penalties[0], penalties[-1])
            axes.axvline(self.best[along], color=GREY, ls=':', lw=0.8)
            axes.set_xlabel(name)
        errors.set(ylabel='error', title='Error: mean and deviation', ylim=(0, None))
        weights.set(ylabel='w', title='Parameters, trained on all rows')
        units.set(ylabel='active hidden units', title='What remains', ylim=(0, None))
        errors.legend(fontsize='small')
        return figure

    def to_csv(self, path: str | os.PathLike) -> None:
        """Write every fit as a row of a table; numbers keep all their digits."""
        with open(path, 'w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file)
            writer.writerow(Fit._fields)
            for fit in self.fits:
                writer.writerow([*fit[:-1], ' '.join(map(repr, fit.coefficients.tolist()))])

    @classmethod
    def from_csv(cls, path: str | os.PathLike) -> Self:
        """Read what `to_csv` wrote.

        Raises
        ------
        ValueError
            if it is no such table
        """
        try:
            with open(path, newline='', encoding='utf-8') as file:
                header, *rows = csv.reader(file)
            if header != list(Fit._fields):
                raise ValueError
            kinds: list[Callable] = [float, float, int, int, float, float, int, int, _coefficients]
            return cls(Fit(*(kind(text) for kind, text in zip(kinds, row, strict=True))) for row in rows)
        except ValueError:
            raise ValueError(f'{path}: expected a table that RegularizationPath.to_csv wrote') from None


def _coefficients(text: str) -> np.ndarray:
    return np.array(text.split(), np.float64)


def new_figure(width: float = 12, height: float = 4) -> Any:
    """An empty matplotlib figure, its size in inches.

    Raises
    ------
    ModuleNotFoundError
        if matplotlib is not installed
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ModuleNotFoundError("drawing needs matplotlib; get it with: pip install 't7nn[plot]'") from None
    return Figure(figsize=(width, height), layout='constrained')


def _numbers(name: str, given: float | Sequence[float], below: float) -> list[float]:
    try:
        values = np.unique(np.asarray(given, np.float64)).tolist()
    except (TypeError, ValueError):  # no numbers at all
        values = []
    if not values or not all(0 <= value < below for value in values):
        wanted = 'finite numbers >= 0' if below == math.inf else f'numbers >= 0 and below {below:g}'
        raise ValueError(f'regularization_path: expected {wanted} as {name}, got {given!r}')
    return values


def _lines(l1: list[float], l2: list[float], warm: bool) -> list[list[Point]]:
    """The points of the grid, those together that are trained one from the other."""
    lines = [[(a, b) for a in l1] for b in l2] if len(l1) > 1 else [[(a, b) for b in l2] for a in l1]
    return lines if warm else [[point] for line in lines for point in line]


def _inner(estimator: Any, fitted: bool = False) -> Any:
    """The t7nn estimator within pipelines and `TransformedTargetRegressor`."""
    while not hasattr(estimator, 'hookIteration'):
        if hasattr(estimator, 'steps'):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, 'regressor'):
            estimator = estimator.regressor_ if fitted else estimator.regressor
        else:
            raise TypeError(
                'regularization_path: expected NNRegressor or NNClassifier, by itself, at the end of a Pipeline or in '
                f'a TransformedTargetRegressor, got {type(estimator).__name__}'
            )
    return estimator


def _rows(data: Any, rows: np.ndarray) -> Any:
    return data.iloc[rows] if hasattr(data, 'iloc') else np.asarray(data)[rows]


def _train_line(
    estimator: Any, X: Any, y: Any, line: list[Point], fold: int, train: Any, held_out: Any, seed: int, scoring: Any
) -> list[Fit]:
    """The unit of work: train for the points of `line`, each from the network of the one before."""
    from sklearn.base import clone, is_classifier
    from sklearn.metrics import check_scoring

    estimator = clone(estimator)
    default = 'accuracy' if is_classifier(estimator) else 'neg_mean_squared_error'
    scorer = check_scoring(estimator, scoring or default)
    best_score = 1 if not scoring and is_classifier(estimator) else 0
    fits = []
    for l1, l2 in line:
        _inner(estimator).set_params(l1=l1, l2=l2, random_state=seed)
        inputs, targets = _rows(X, train), _rows(y, train)
        try:
            estimator.fit(inputs, targets)
        except Diverged:
            fits.append(Fit(l1, l2, fold, seed, math.nan, math.nan, 0, 0, np.empty(0)))
            continue
        net = _inner(estimator, fitted=True).module_
        parameters = np.concatenate([parameter.ravel() for parameter in net.parameters()[0]])
        fits.append(
            Fit(
                l1,
                l2,
                fold,
                seed,
                float(best_score - scorer(estimator, inputs, targets)),
                float(best_score - scorer(estimator, _rows(X, held_out), _rows(y, held_out))) if fold else math.nan,
                int(np.count_nonzero(parameters)),
                active_units(net),
                parameters.astype(np.float64) if fold == 0 else np.empty(0),
            )
        )
        _inner(estimator).set_params(module=net)
    return fits


def regularization_path(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    l1: float | Sequence[float] = 0,
    l2: float | Sequence[float] = 0,
    cv: Any = 5,
    seeds: int | Sequence[int] = 1,
    scoring: Any = None,
    warm_start: bool = False,
    n_jobs: int | None = None,
    memory: Any = None,
    verbose: bool = False,
) -> RegularizationPath:
    """Train for every l1 and l2 of a grid, in every fold of a cross-validation, with every seed, and once on all rows.

    The work goes through joblib, so ``joblib.parallel_config(backend='dask')`` and its like put it on other engines.
    The result does not depend on the engine or the number of workers.

    Parameters
    ----------
    estimator
        `NNRegressor` or `NNClassifier`, by itself, at the end of a ``Pipeline`` or in a ``TransformedTargetRegressor``
    X, y
        the data
    l1, l2
        the penalties, numbers >= 0 (l2 below 1): one or several of each
    cv
        number of folds, or a scikit-learn splitter
    seeds
        how many, counted from the estimator's ``random_state`` (or 1); or which
    scoring
        None: the error is the mean squared one of a regression, the share of wrong classes of a classification; else a
        scikit-learn scorer or its name, and the error is -score
    warm_start
        False: every training begins as the estimator says, so the error is the one to expect of a `fit` with these
        penalties. True: from the weakest penalty to the strongest, every training begins with the network of the one
        before (along l1; where that is one number, along l2), as one unit of work.
    n_jobs
        workers; None is 1, or what ``joblib.parallel_config`` says; -1 is one for each processor
    memory
        a folder, or a ``joblib.Memory``, where finished units of work are kept; the same call goes on from there
    verbose
        True shows on stderr how far it is and the time left

    Raises
    ------
    TypeError, ValueError
        if an argument makes no sense
    """
    from joblib import Parallel, delayed
    from sklearn.base import is_classifier
    from sklearn.model_selection import check_cv
    from sklearn.utils.validation import check_memory, indexable

    inner = _inner(estimator)
    lines = _lines(_numbers('l1', l1, math.inf), _numbers('l2', l2, 1), warm_start)
    chosen: Any = seeds
    if isinstance(seeds, Integral):
        first = int(inner.random_state) if isinstance(inner.random_state, Integral) else 1
        chosen = range(first, first + int(seeds))
    if not np.ndim(chosen) or not len(chosen) or not all(isinstance(seed, Integral) for seed in chosen):
        raise ValueError(f'regularization_path: expected seeds, whole numbers or how many from 1, got {seeds!r}')
    X, y = indexable(X, y)
    rows = np.arange(len(y))
    folds = [(0, rows, rows[:0])]
    folds += [
        (fold, *parts) for fold, parts in enumerate(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y), 1)
    ]
    memory = os.fspath(memory) if isinstance(memory, os.PathLike) else memory
    train_line = check_memory(memory).cache(_train_line)
    tasks = [
        delayed(train_line)(estimator, X, y, line, fold, train, held_out, seed, scoring)
        for fold, train, held_out in folds
        for seed in (chosen if fold else chosen[:1])
        for line in lines
    ]
    try:
        parallel = Parallel(n_jobs, return_as='generator_unordered')
    except ValueError:  # an engine that gives its results only all together
        parallel = Parallel(n_jobs)
    fits: list[Fit] = []
    begun, total = time.monotonic(), sum(len(task[1][3]) for task in tasks)
    with Status() as status:
        for done, line_fits in enumerate(parallel(tasks), 1):
            fits += line_fits
            if verbose:
                left = (time.monotonic() - begun) / len(fits) * (total - len(fits))
                status.show(f'{len(fits)} of {total} trainings, {duration(left)} left', done % 10 == 0)
    return RegularizationPath(fits)
