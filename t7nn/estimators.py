"""scikit-learn estimators: Torch7's networks and its trainer with `fit`, `predict` and all that builds on them.

`NNRegressor` and `NNClassifier` call `t7nn.StochasticGradient` and give its numbers to the last digit. They need
scikit-learn: ``pip install 't7nn[sklearn]'``.
"""

import math
import numbers
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from . import optim, random
from .criterions.classification import BCECriterion, ClassNLLCriterion, CrossEntropyCriterion
from .criterions.regression import MSECriterion
from .hooks import chain
from .layers.containers import Sequential
from .layers.linear import Linear
from .layers.transfer import LogSoftMax, Sigmoid, Tanh
from .module import Criterion, Module
from .node import Node
from .regularization import L1L2
from .regularization_path import Diverged, RegularizationPath, regularization_path
from .tensors import describe
from .training import StochasticGradient, Stop, changed_error

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_array, check_consistent_length, check_random_state
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise ModuleNotFoundError(
        "t7nn.estimators needs scikit-learn 1.6 or newer; get it with: pip install 't7nn[sklearn]'"
    ) from None

__all__ = ['Diverged', 'NNClassifier', 'NNRegressor', 'RegularizationPath', 'regularization_path']

METHODS = (
    'adadelta', 'adagrad', 'adam', 'adamax', 'asgd', 'cg', 'cmaes', 'de', 'lbfgs', 'nag', 'rmsprop', 'rprop', 'sgd',
)  # fmt: skip
ROWS = 4096  # predicted at a time, so that what the layers keep stays small

_training = threading.RLock()  # t7nn.random is one generator: one training at a time in a process
_predicting = threading.Lock()  # a module has one output: one forward at a time


class _Weighted(Criterion):
    """A criterion times the example's weight. The target is a pair (target, weight), in a batch one array of each."""

    def __init__(self, criterion: Criterion):
        super().__init__()
        self.criterion = criterion

    def updateOutput(self, input: np.ndarray, target: Any = None) -> float:
        target, weight = target
        if np.ndim(weight):  # the criterion would tell the loss of the batch only as a whole
            losses = [self.criterion.forward(*example) for example in zip(input, target, strict=True)]
            self.output = float(np.dot(weight, losses))
            if getattr(self.criterion, 'sizeAverage', True):
                self.output /= len(input)
        else:
            self.output = weight * self.criterion.forward(input, target)
        return self.output

    def updateGradInput(self, input: np.ndarray, target: Any = None) -> np.ndarray:
        target, weight = target
        gradient = self.criterion.updateGradInput(input, target)
        if np.ndim(weight):
            weight = weight.reshape(-1, *[1] * (gradient.ndim - 1))
        return np.multiply(gradient, weight, out=self.buffer('gradInput', gradient.shape, gradient.dtype))


class _OptimTrainer(StochasticGradient):
    """The trainer with a method of torch/optim, and its table `config`, in the place of its own step."""

    config: dict | None = None

    def __init__(self, module: Module, criterion: Criterion, method: Callable, config: dict):
        super().__init__(module, criterion)
        self._method, self.config = method, config
        self._parameters, self._gradients = module.getParameters()

    def _epoch(self, dataset: Sequence[tuple[Any, Any]], order: Sequence[int], rate: float) -> float:
        w, gradients, total = self._parameters, self._gradients, 0.0
        for i in order:
            input, target = dataset[i]

            def evaluate(x: np.ndarray, input: Any = input, target: Any = target) -> tuple[float, np.ndarray]:
                if x is not w:
                    w[...] = x
                loss = self.criterion.forward(self.module.forward(input), target)
                gradients.fill(0)
                self.module.backward(input, self.criterion.backward(self.module.output, target))
                return loss, gradients

            x, losses = self._method(evaluate, w, self.config)
            if x is not w:
                w[...] = x
            total += losses[0]
            if self.hookExample is not None:
                self.hookExample(self, dataset[i])
        return total / len(order)


class _Watch:
    """The trainer's hook: calls the others, keeps the errors in the estimator, refuses what diverges, stops early."""

    def __init__(self, estimator: '_Estimator', hooks: list[Callable], held_out: tuple[np.ndarray, Any] | None):
        self.estimator, self.hook, self.held_out = estimator, chain(*hooks), held_out
        self.best_error, self.waited = math.inf, 0
        self.best_parameters: list[np.ndarray] = []

    def __call__(self, trainer: StochasticGradient, iteration: int, error: float) -> float:
        stop = None
        try:
            error = self.hook(trainer, iteration, error)
        except Stop as raised:
            stop, error = raised, changed_error(raised.error, error)
        if not math.isfinite(error):
            raise Diverged(
                f'{type(self.estimator).__name__}: the training diverged, the error of iteration {iteration} is '
                f'{error}; scale the inputs (and the targets of a regression), or take a smaller learningRate'
            )
        self.estimator.loss_curve_.append(error)
        self.estimator.n_iter_ += 1
        if self.held_out is not None and self._measure(trainer, *self.held_out) >= self.estimator.n_iter_no_change:
            stop = stop or Stop(f'no better error for {self.waited} iterations')
        if stop is not None:
            stop.error = error
            raise stop
        return error

    def _measure(self, trainer: StochasticGradient, inputs: np.ndarray, targets: Any) -> int:
        """Measure the error of the rows held out; for how many iterations it has not become better."""
        estimator, module = self.estimator, self.estimator.module_
        module.evaluate()
        error = float(trainer.criterion.forward(module.forward(inputs), targets))
        module.training()
        estimator.validation_curve_.append(error)
        self.waited = 0 if error < self.best_error - estimator.tol else self.waited + 1
        if error < self.best_error:
            self.best_error, estimator.best_iteration_ = error, estimator.n_iter_
            self.best_parameters = [parameter.copy() for parameter in module.parameters()[0]]
        return self.waited

    def restore_best(self) -> None:
        """Put the parameters of the best iteration back."""
        if self.best_parameters:
            for parameter, best in zip(self.estimator.module_.parameters()[0], self.best_parameters, strict=True):
                parameter[...] = best


def _example(inputs: Any, targets: Any, weights: Any = None) -> tuple[Any, Any]:
    """A pair for the trainer."""
    return inputs, targets if weights is None else (targets, weights)


class _Estimator(BaseEstimator, ABC):
    """What the regressor and the classifier have in common: all but the meaning of outputs and targets."""

    _default_criterion: type[Criterion]
    _form: dict[str, Any] = {'dtype': [np.float64, np.float32], 'order': 'C', 'allow_nd': True}

    def __init__(
        self,
        module: Any = (20,),
        criterion: Any = None,
        *,
        learningRate: float | None = None,
        learningRateDecay: float = 0,
        maxIteration: int = 25,
        shuffleIndices: bool = True,
        hookIteration: Callable | None = None,
        hookExample: Callable | None = None,
        l1: float = 0,
        l2: float = 0,
        batch_size: int | None = 1,
        optim: str | None = None,
        optim_config: dict | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: bool = False,
    ):
        self.module = module
        self.criterion = criterion
        self.learningRate = learningRate
        self.learningRateDecay = learningRateDecay
        self.maxIteration = maxIteration
        self.shuffleIndices = shuffleIndices
        self.hookIteration = hookIteration
        self.hookExample = hookExample
        self.l1 = l1
        self.l2 = l2
        self.batch_size = batch_size
        self.optim = optim
        self.optim_config = optim_config
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    # What a subclass says

    @abstractmethod
    def _read_targets(self, y: np.ndarray, fresh: bool, classes: Any) -> np.ndarray:
        """Check `y`, keep what predictions need, and give the targets as numbers."""

    @abstractmethod
    def _ending(self) -> tuple[int, list[Module]]:
        """How many outputs the network has, and what follows the last Linear of a perceptron."""

    # Training

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on the rows of `X` and their targets `y`.

        Parameters
        ----------
        X
            the inputs, ``(n, features)``, or of more dimensions where `module` is a network for such examples
        y
            the targets, ``(n,)``; of a regression also ``(n, targets)``
        sample_weight
            one number >= 0 for each row, which multiplies its loss, ``(n,)``

        Raises
        ------
        TypeError, ValueError
            if a parameter or the data make no sense, or if the training diverges
        """
        return self._fit(X, y, sample_weight, fresh=not (self.warm_start and hasattr(self, 'module_')))

    def _fit(self, X: Any, y: Any, sample_weight: Any, fresh: bool, classes: Any = None, once: bool = False) -> Self:
        self._check_parameters()
        if once and self.early_stopping:
            raise self._error('early_stopping=False with partial_fit', 'True')
        self._refuse_masks(X, y)
        X, y = validate_data(self, X, y, reset=fresh, **self._form)
        targets = self._read_targets(y, fresh, classes)
        weights = () if sample_weight is None else (self._read_weights(X, sample_weight),)
        with self._random_numbers(fresh):
            if fresh:
                self._begin(X)
            dtype = self.module_.type()
            data = [X.astype(dtype, copy=False), targets if targets.dtype.kind == 'i' else targets.astype(dtype)]
            self._train([*data, *weights], 1 if once else self.maxIteration)
        return self

    def _begin(self, X: np.ndarray) -> None:
        """A new network and criterion, and nothing trained yet."""
        outputs, last = self._ending()
        sizes = (self.module,) if isinstance(self.module, numbers.Integral) else self.module
        if isinstance(sizes, (tuple, list)):
            if X.ndim != 2:
                raise self._error(f'a network as module for X of shape {X.shape}', f'hidden sizes, {self.module!r}')
            self.module_ = self._perceptron([X.shape[1], *sizes, outputs], last)
        else:
            self.module_ = self._made('module', Module, X.shape[1], outputs)
            probe = self.module_.clone()
            probe.evaluate()
            self._outputs(probe, X[:2])  # says at once what does not fit
        self.criterion_ = self._new_criterion().type(self.module_.type())
        self.loss_curve_: list[float] = []
        self.validation_curve_: list[float] = []
        self.n_iter_ = 0
        self.optim_state_: dict = {}
        self.best_iteration_: int | None = None

    def _perceptron(self, sizes: list[int], last: list[Module]) -> Sequential:
        if not all(isinstance(size, numbers.Integral) and size > 0 for size in sizes):
            raise self._error('hidden sizes from 1 as module', repr(self.module))
        net = Sequential()
        for i, (inputs, outputs) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            if i:
                net.add(Tanh())
            net.add(Linear(inputs, outputs))
        for module in last:
            net.add(module)
        return net

    def _new_criterion(self) -> Criterion:
        return self._default_criterion() if self.criterion is None else self._made('criterion', Criterion)

    def _made(self, name: str, kind: type[Module] | type[Criterion], *arguments: Any) -> Any:
        """A copy of the object that the parameter is, or what it returns if it is a function."""
        given = getattr(self, name)
        made = given
        if isinstance(given, kind):
            made = given.clone()
        elif callable(given) and not isinstance(given, Node):
            made = given(*arguments)
        if not isinstance(made, kind):
            wanted = f'an nn.{kind.__name__} as {name}, or a function that returns one'
            raise self._error(wanted, describe(made), TypeError)
        return made

    def _train(self, data: list[np.ndarray], iterations: int) -> None:
        """Train on inputs, targets and, it may be, weights: arrays of the same length."""
        held_out = None
        if self.early_stopping:
            order = random.randperm(len(data[0]), dtype=np.int64) - 1
            count = max(1, round(self.validation_fraction * len(order)))
            if count == len(order):
                raise self._error(
                    'rows to train on beside those of validation_fraction', f'{count} of {count} held out'
                )
            held_out = _example(*(part[order[:count]] for part in data))
            data = [part[np.sort(order[count:])] for part in data]
        hooks: list[Callable] = [L1L2(self.l1, self.l2)] if self.l1 or self.l2 else []
        if self.hookIteration is not None:
            hooks.append(self.hookIteration)
        watch, trainer = _Watch(self, hooks, held_out), self._trainer(len(data) == 3)
        trainer.hookIteration, trainer.hookExample = watch, self.hookExample
        trainer.maxIteration, trainer.shuffleIndices = iterations, self.shuffleIndices
        trainer.log = print if self.verbose else None
        examples = self._examples(data)
        self.module_.training()
        try:
            with np.errstate(over='ignore', invalid='ignore'):  # what diverges is told by _Watch
                trainer.train(examples)
        finally:
            watch.restore_best()
            self.module_.evaluate()

    def _trainer(self, weighted: bool) -> StochasticGradient:
        module, criterion = self.module_, self.criterion_
        if weighted:
            criterion = _Weighted(criterion).type(module.type())
        if self.optim is not None:
            self.optim_state_.update(self.optim_config or {})
            return _OptimTrainer(module, criterion, getattr(optim, self.optim), self.optim_state_)
        trainer = StochasticGradient(module, criterion)
        if self.learningRate is not None:
            trainer.learningRate = self.learningRate
        trainer.learningRateDecay = self.learningRateDecay
        return trainer

    def _examples(self, data: list[np.ndarray]) -> list[tuple[Any, Any]]:
        """The trainer's dataset: pairs of one row each, or of batches of rows in an order drawn once."""
        rows = len(data[0])
        if self.batch_size == 1:
            # numbers rather than NumPy's scalars: criterions look at them faster
            inputs, *others = (part.tolist() if part.ndim == 1 else part for part in data)
            return list(zip(inputs, others[0] if len(others) == 1 else zip(*others, strict=True), strict=True))
        size = self.batch_size or rows
        if self.shuffleIndices:
            order = random.randperm(rows, dtype=np.int64) - 1
            data = [part[order] for part in data]
        return [_example(*(part[start : start + size] for part in data)) for start in range(0, rows, size)]

    @contextmanager
    def _random_numbers(self, fresh: bool) -> Iterator[None]:
        """Inside, `t7nn.random` is where this estimator's training is; afterwards where it was."""
        with _training:
            if self.random_state is None:
                yield
                return
            callers = random.getRNGState()
            try:
                if fresh or not hasattr(self, 'random_numbers_'):
                    seed = self.random_state
                    if not isinstance(seed, numbers.Integral):
                        seed = check_random_state(seed).randint(2**31)
                    random.manualSeed(int(seed))
                else:
                    random.setRNGState(self.random_numbers_)
                yield
                self.random_numbers_: np.ndarray = random.getRNGState()
            finally:
                random.setRNGState(callers)

    # Checks

    def _error(self, expected: str, got: str, kind: type[Exception] = ValueError) -> Exception:
        return kind(f'{type(self).__name__}: expected {expected}, got {got}')

    def _check_parameters(self) -> None:
        def need(fits: Any, name: str, wanted: str) -> None:
            if not fits:
                raise self._error(f'{wanted} as {name}', repr(getattr(self, name)))

        def number(name: str, least: float, below: float = math.inf) -> bool:
            value = getattr(self, name)
            return isinstance(value, (int, float, np.number)) and bool(least <= value < below)

        def whole(name: str) -> bool:
            return isinstance(getattr(self, name), numbers.Integral) and number(name, 1)

        need(self.learningRate is None or number('learningRate', 0), 'learningRate', 'a finite number >= 0 or None')
        need(number('learningRateDecay', 0), 'learningRateDecay', 'a finite number >= 0')
        need(number('l1', 0), 'l1', 'a finite number >= 0')
        need(number('l2', 0, 1), 'l2', 'a number >= 0 and below 1')
        need(whole('maxIteration'), 'maxIteration', 'a whole number from 1')
        need(
            self.batch_size is None or whole('batch_size'), 'batch_size', 'a whole number from 1, or None for all rows'
        )
        need(self.optim is None or self.optim in METHODS, 'optim', f'None or one of {", ".join(METHODS)}')
        if self.optim is not None:
            for name, unset in (('learningRate', None), ('learningRateDecay', 0)):
                need(getattr(self, name) == unset, name, f'{unset} beside optim, and optim_config={{{name!r}: ...}}')
            need(isinstance(self.optim_config, (dict, type(None))), 'optim_config', 'a dict or None')
        else:
            need(not self.optim_config, 'optim_config', 'None without optim')
        for name in ('warm_start', 'early_stopping'):
            need(isinstance(getattr(self, name), (bool, np.bool_)), name, 'True or False')
        if self.early_stopping:
            fits = number('validation_fraction', 0, 1) and self.validation_fraction > 0
            need(fits, 'validation_fraction', 'a number between 0 and 1')
            need(whole('n_iter_no_change'), 'n_iter_no_change', 'a whole number from 1')
            need(number('tol', 0), 'tol', 'a finite number >= 0')

    def _refuse_masks(self, *arrays: Any) -> None:
        if any(isinstance(array, np.ma.MaskedArray) for array in arrays):  # scikit-learn would drop the mask
            raise self._error('arrays without a mask', 'a masked array', TypeError)

    def _read_weights(self, X: np.ndarray, sample_weight: Any) -> np.ndarray:
        weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name='sample_weight')
        if weights.ndim != 1:
            raise ValueError(f'Sample weights must be 1D array or scalar, got shape {weights.shape}')
        check_consistent_length(X, weights)
        if weights.min() < 0 or not weights.any():
            raise ValueError('sample_weight: expected numbers >= 0 that are not all zero')
        return weights

    # Predictions

    def _predicted(self, X: Any) -> np.ndarray:
        """The network's outputs for the rows of `X`, ``(n, outputs)``."""
        check_is_fitted(self)
        self._refuse_masks(X)
        X = validate_data(self, X, reset=False, **_Estimator._form)
        with _predicting:
            parts = (self._outputs(self.module_, X[start : start + ROWS]).copy() for start in range(0, len(X), ROWS))
            return np.concatenate(list(parts))

    def _outputs(self, module: Module, X: np.ndarray) -> np.ndarray:
        output = module.forward(X.astype(module.type(), copy=False))
        wanted = len(X), self._ending()[0]
        if not isinstance(output, np.ndarray) or output.shape != wanted:
            raise self._error(f'a network with output of shape {wanted} for input of shape {X.shape}', describe(output))
        return output


class NNRegressor(RegressorMixin, _Estimator):
    """A network for regression, trained by `t7nn.StochasticGradient`.

    Parameters
    ----------
    module : (20,)
        the hidden sizes of a perceptron with Tanh, ``()`` for a linear model; or a network, of which a copy is trained;
        or a function of the numbers of inputs and outputs that returns one. A network takes batches as well.
    criterion : nn.MSECriterion()
        the loss: a criterion, or a function that returns one
    learningRate, learningRateDecay, maxIteration, shuffleIndices, hookIteration, hookExample
        the trainer's fields, with its defaults
    l1, l2 : 0
        weights of the penalty, applied once an iteration as by `t7nn.L1L2` (l2 below 1); before `hookIteration`
    batch_size : 1
        rows in a step; None is all. The batches are drawn once, or cut in the order of the rows where `shuffleIndices`
        is False.
    optim : None
        the name of a method of `t7nn.optim` that makes the steps, such as ``'adam'``
    optim_config : None
        its table, such as ``{'learningRate': 0.001}``
    early_stopping : False
        True holds `validation_fraction` (0.1) of the rows out, stops where their error has not fallen by more than
        `tol` (0) for `n_iter_no_change` (10) iterations, and keeps the best parameters
    warm_start : False
        True trains on, where `fit` is called again
    random_state : None
        a seed for `t7nn.manualSeed`, or a ``numpy.random.RandomState`` that draws it; the generator is put back
        afterwards. None goes on with `t7nn.random` as it is.
    verbose : False
        True prints the trainer's lines

    Attributes
    ----------
    module_, criterion_
        the trained network (in the mode of `evaluate`) and its criterion
    loss_curve_, n_iter_
        the error of every iteration as the trainer reports it, penalty included, and their number
    validation_curve_, best_iteration_
        with `early_stopping`: the error of the rows held out, and the iteration whose parameters were kept
    n_features_in_, feature_names_in_, n_outputs_
        what `fit` has seen
    random_numbers_, optim_state_
        where `warm_start` and `partial_fit` go on

    >>> from t7nn import datasets
    >>> from t7nn.estimators import NNRegressor
    >>> table = datasets.diabetes()
    >>> net = NNRegressor(module=(5,), random_state=1).fit(table.inputs, table.target / 100)
    >>> net.module_
    nn.Sequential {
      [input -> (1) -> (2) -> (3) -> output]
      (1): nn.Linear(10 -> 5)
      (2): nn.Tanh
      (3): nn.Linear(5 -> 1)
    }
    """

    _default_criterion = MSECriterion
    _form = {**_Estimator._form, 'multi_output': True, 'y_numeric': True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _read_targets(self, y: np.ndarray, fresh: bool, classes: Any) -> np.ndarray:
        targets = y.astype(np.float64, copy=False).reshape(len(y), -1)
        if fresh:
            self.n_outputs_ = targets.shape[1]
        elif targets.shape[1] != self.n_outputs_:
            raise self._error(f'{self.n_outputs_} targets in a row, as before', str(targets.shape[1]))
        self.y_ndim_ = y.ndim
        return targets

    def _ending(self) -> tuple[int, list[Module]]:
        return self.n_outputs_, []

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one more iteration; the arguments are those of `fit`."""
        return self._fit(X, y, sample_weight, fresh=not hasattr(self, 'module_'), once=True)

    def predict(self, X: Any) -> np.ndarray:
        """The network's outputs, in the shape that the targets had."""
        outputs = self._predicted(X)
        return outputs[:, 0] if self.y_ndim_ == 1 else outputs


def _has_probabilities(classifier: 'NNClassifier') -> bool:
    return isinstance(classifier._new_criterion(), (ClassNLLCriterion, CrossEntropyCriterion, BCECriterion))


class NNClassifier(ClassifierMixin, _Estimator):
    """A network for classification, trained by `t7nn.StochasticGradient`.

    The classes may be of any kind that can be sorted; the network sees the numbers 1, 2 ... in their place. It has one
    output for each class, and predicts the largest. The parameters and attributes are those of `NNRegressor`, but for

    Parameters
    ----------
    criterion : nn.ClassNLLCriterion()
        with hidden sizes as `module`, LogSoftMax ends the network. Further: CrossEntropyCriterion, MultiMarginCriterion
        and others that take labels from 1 (nothing ends the network, and there are no probabilities but of the
        former); BCECriterion for two classes (one output, and Sigmoid ends the network).

    Attributes
    ----------
    classes_
        the class of each output

    >>> from t7nn import datasets
    >>> from t7nn.estimators import NNClassifier
    >>> images, classes = datasets.digits()
    >>> X = images.reshape(-1, 64)
    >>> net = NNClassifier(module=(30,), maxIteration=5, random_state=1).fit(X[:1200], classes[:1200])
    >>> print(f'{net.score(X[1200:], classes[1200:]):.2f}')
    0.91
    """

    _default_criterion = ClassNLLCriterion

    def _read_targets(self, y: np.ndarray, fresh: bool, classes: Any) -> np.ndarray:
        try:
            found = np.unique(y if classes is None else classes)
        except TypeError as error:
            raise self._error('classes that can be sorted', str(error), TypeError) from None
        check_classification_targets(y)
        if fresh:
            self.classes_ = found
        elif classes is not None and not np.array_equal(found, self.classes_):
            raise self._error(f'the classes as before, {self.classes_}', str(classes))
        places = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        if (self.classes_[places] != y).any():
            raise self._error(f'the classes {self.classes_} in y', str(y[self.classes_[places] != y][0]))
        if not isinstance(self._new_criterion(), BCECriterion):
            return places + 1
        if len(self.classes_) != 2:
            raise self._error('two classes for nn.BCECriterion', str(len(self.classes_)))
        return places[:, None].astype(np.float64)

    def _ending(self) -> tuple[int, list[Module]]:
        criterion = self._new_criterion()
        if isinstance(criterion, BCECriterion):
            return 1, [Sigmoid()]
        return len(self.classes_), [LogSoftMax()] if isinstance(criterion, ClassNLLCriterion) else []

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one more iteration; the arguments are those of `fit`, and at the first call all `classes`."""
        fresh = not hasattr(self, 'module_')
        if fresh and classes is None:
            raise self._error('classes at the first call of partial_fit', 'none')
        return self._fit(X, y, sample_weight, fresh, classes, once=True)

    def predict(self, X: Any) -> np.ndarray:
        """The class of the largest output for each row."""
        outputs = self._predicted(X)
        places = outputs.argmax(1) if outputs.shape[1] == len(self.classes_) else (outputs[:, 0] > 0.5).astype(int)
        return self.classes_[places]

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class for each row, ``(n, classes)``."""
        outputs = self._predicted(X)
        if isinstance(self.criterion_, BCECriterion):
            return np.hstack([1 - outputs, outputs])
        if isinstance(self.criterion_, CrossEntropyCriterion):
            outputs = LogSoftMax().type(outputs.dtype).forward(outputs)
        return np.exp(outputs)
