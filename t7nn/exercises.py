"""The exercises of the lessons (``docs/lessons``): each takes your answer and says what is right and what is not yet.

>>> from t7nn import exercises
>>> exercises.lesson1(lambda w, x, t, rate: w - rate * x * (w * x - t))
not yet  w = 1, x = 2, t = 6, rate = 0.1: expected 2.6, got 1.8
not yet  a negative input, w = 1, x = -1, t = 2, rate = 0.5: expected -2.0, got -0.5
right    at the minimum, w = 3, nothing moves
right    an input of 0 teaches nothing
score: 2 of 4

The result is a `Score`: ``score.right`` of ``score.total`` tasks are right, and ``score.tasks`` says which.
"""

import copy
import itertools
import os
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

import t7nn as nn

__all__ = ['Score', *(f'lesson{number}' for number in range(1, 15))]

Task = tuple[str, Callable[[], Any]]


class Score:
    """What an exercise says of an answer.

    Attributes
    ----------
    tasks : list of (str, str or None)
        each task, and what is wrong with the answer to it; None where it is right
    right, total : int
        how many tasks are right, of how many
    """

    def __init__(self, tasks: list[tuple[str, str | None]]):
        self.tasks = tasks
        self.right, self.total = sum(wrong is None for _, wrong in tasks), len(tasks)

    def __repr__(self) -> str:
        lines = [f'right    {title}' if wrong is None else f'not yet  {title}: {wrong}' for title, wrong in self.tasks]
        return '\n'.join([*lines, f'score: {self.right} of {self.total}'])

    def _repr_html_(self) -> str:
        from .html import table

        rows = [(title, 'right' if wrong is None else f'not yet: {wrong}') for title, wrong in self.tasks]
        return table(['task', f'{self.right} of {self.total}'], rows)


def _grade(tasks: Iterable[Task]) -> Score:
    """Work the tasks one by one; whatever a task raises is what is not yet right. Random numbers go on as before."""
    graded, state = [], nn.random.getRNGState()
    for title, task in tasks:
        wrong = None
        try:
            task()
        except AssertionError as failure:
            wrong = str(failure) or 'an assertion failed'
        except Exception as failure:  # the answer's own error is one more thing to mend
            wrong = f'{type(failure).__name__}: {failure}{_place(failure)}'
        graded.append((title, wrong))
    nn.random.setRNGState(state)
    return Score(graded)


def _place(failure: Exception) -> str:
    """Where in the answer it failed."""
    for frame in traceback.extract_tb(failure.__traceback__):
        if os.path.dirname(__file__) not in frame.filename:
            return f' (line {frame.lineno}, in {frame.name})'
    return ''


def _text(value: Any) -> str:
    array = np.asarray(value) + 0  # which makes 0 of -0
    return f'{array.item():.6g}' if not array.ndim and array.dtype == float and array % 1 else f'{array.tolist()}'


def _same(got: Any, expected: Any) -> None:
    """Raise an AssertionError unless `got` is `expected`, up to rounding."""
    if got is None:
        raise AssertionError(f'expected {_text(expected)}, got None; is there a return?')
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        wanted = f'shape {expected.shape}' if expected.ndim else 'a number'
        raise AssertionError(f'expected {wanted}, got {f"shape {got.shape}" if got.ndim else "a number"}')
    if got.dtype.kind not in 'biuf':
        raise AssertionError(f'expected numbers, got {got.tolist()!r}')
    if not np.allclose(got, expected, rtol=1e-9, atol=1e-12, equal_nan=True):
        raise AssertionError(f'expected {_text(expected.round(6))}, got {_text(got.round(6))}')


def _require(condition: Any, text: str) -> None:
    if not condition:
        raise AssertionError(text)


def _part(answer: Any, names: str, position: int) -> Any:
    """One of the results that `names` lists."""
    _require(answer is not None, f'expected ({names}), got None; is there a return?')
    count = len(names.split(', '))
    _require(isinstance(answer, (tuple, list)), f'expected ({names}), got one result, of {type(answer).__name__}')
    _require(position < len(answer), f'expected {count} results, ({names}), got {len(answer)}')
    return answer[position]


def _unchanged(function: Callable, *arguments: Any) -> None:
    """Raise an AssertionError if `function(*arguments)` writes to an array among them."""
    given = copy.deepcopy(arguments)
    function(*given)
    for number, (before, after) in enumerate(zip(arguments, given, strict=True), 1):
        _require(np.array_equal(before, after), f'argument {number} was {_text(before)} and now is {_text(after)}')


def _draws(*shape: int, seed: int = 1) -> np.ndarray:
    """Random numbers, always the same, from a stream of their own."""
    generator = nn.random.Generator()
    generator.manualSeed(seed)
    return generator.randn(*shape)


def lesson1(step: Callable[[float, float, float, float], float]) -> Score:
    """``step(w, x, t, rate)``: the weight after one step down the loss (w x - t)^2."""
    return _grade(
        [
            ('w = 1, x = 2, t = 6, rate = 0.1', lambda: _same(step(1, 2, 6, 0.1), 2.6)),
            ('a negative input, w = 1, x = -1, t = 2, rate = 0.5', lambda: _same(step(1, -1, 2, 0.5), -2.0)),
            ('at the minimum, w = 3, nothing moves', lambda: _same(step(3, 2, 6, 0.1), 3)),
            ('an input of 0 teaches nothing', lambda: _same(step(5, 0, 6, 0.1), 5)),
        ]
    )


def lesson2(gradients: Callable) -> Score:
    """``gradients(W, b, V, c, x, t)``: the tuple (dW, db, dV, dc, dx) for y = V relu(W x + b) + c and L = (y - t)^2.

    The arguments are arrays: W (h, n), b (h,), V (1, h), c (1,), x (n,), t (1,).
    """
    numbers = [np.array(a, float) for a in ([[1, -1], [2, 0]], [0, -1], [[3, 1]], [0.5], [1, 2], [1])]
    shapes = [(4, 3), (4,), (1, 4), (1,), (3,), (1,)]
    drawn = [_draws(*shape, seed=seed) for seed, shape in enumerate(shapes, 1)]

    def expected(W, b, V, c, x, t):
        net = nn.Sequential().add(nn.Linear(len(x), len(b))).add(nn.ReLU()).add(nn.Linear(len(b), 1))
        for mine, theirs in zip(net.parameters()[0], (W, b, V, c), strict=True):
            mine[:] = theirs
        criterion = nn.MSECriterion()
        criterion.forward(net.forward(x), t)
        net.zeroGradParameters()
        dx = net.backward(x, criterion.backward(net.output, t))
        return [*net.parameters()[1], dx]

    def compare(position):
        for arguments in (numbers, drawn):
            got = _part(gradients(*map(np.copy, arguments)), 'dW, db, dV, dc, dx', position)
            _same(got, expected(*arguments)[position])

    tasks: list[Task] = [
        (name, partial(compare, position)) for position, name in enumerate(['dW', 'db', 'dV', 'dc', 'dx'])
    ]
    return _grade([*tasks, ('the arguments are left alone', lambda: _unchanged(gradients, *drawn))])


def lesson3(gradients: Callable) -> Score:
    """``gradients(W, X, dY)``: the tuple (dX, dW, db) of a linear layer for a batch X (N, n) and dY (N, m)."""

    def compare(position, count):
        X, dY, W = _draws(count, 3, seed=1), _draws(count, 2, seed=2), _draws(2, 3, seed=3)
        layer = nn.Linear(3, 2)
        layer.weight[:] = W
        layer.zeroGradParameters()
        layer.forward(X)
        layer.backward(X, dY)
        expected = layer.gradInput, layer.gradWeight, layer.gradBias
        _same(_part(gradients(W, X, dY), 'dX, dW, db', position), expected[position])

    def all_of(count):
        for position in range(3):
            compare(position, count)

    return _grade(
        [
            ('dX of a batch of four', lambda: compare(0, 4)),
            ('dW is the sum over the batch', lambda: compare(1, 4)),
            ('db is the sum over the batch', lambda: compare(2, 4)),
            ('a batch of one', lambda: all_of(1)),
        ]
    )


def lesson4(
    Squash: Callable[[], nn.Module], Scale: Callable[[int], nn.Module], Shift: Callable[[int], nn.Module]
) -> Score:
    """The three layers of the lesson, mended; `t7nn.testing.check_module` is the judge."""
    from .testing import check_module

    x = np.array([[0.5, -1.0], [2.0, 0.1]])

    def check(layer: nn.Module) -> None:
        check_module(layer, x, checks=['untouched'])  # a layer that writes into its input fails the others, too
        check_module(layer, x)

    return _grade(
        [
            ('Squash', lambda: check(Squash())),
            ('Scale', lambda: check(Scale(2))),
            ('Shift', lambda: check(Shift(2))),
        ]
    )


def lesson5(Layer: type) -> Score:
    """``ReLU``, a layer for the lesson's own nn, with the methods updateOutput, updateGradInput and parameters."""
    x, dy, other = np.array([1.0, -2.0, 3.0]), np.array([0.5, 5.0, -1.0]), np.array([[-1.0, 4.0]])

    def compare(input, gradient, output, gradInput):
        layer = Layer()
        layer.updateOutput(x.copy())
        _same(layer.updateOutput(input.copy()), output)
        _same(layer.output, output)
        _same(layer.updateGradInput(input.copy(), gradient.copy()), gradInput)

    def rest():
        layer = Layer()
        _require(tuple(map(len, layer.parameters())) == (0, 0), 'parameters() gives two empty lists')
        layer.accGradParameters(x, dy)
        layer.accUpdateGradParameters(x, dy, 0.1)

    return _grade(
        [
            ('updateOutput', lambda: _same(Layer().updateOutput(x.copy()), [1, 0, 3])),
            ('updateGradInput', lambda: compare(x, dy, [1, 0, 3], [0.5, 0, -1])),
            ('another input, of another shape', lambda: compare(other, np.ones((1, 2)), [[0, 4]], [[0, 1]])),
            ('the input is left alone', lambda: _unchanged(Layer().updateOutput, x)),
            ('what the base has: no parameters, nothing to add up', rest),
        ]
    )


def lesson6(step: Callable) -> Score:
    """``step(layers, x, dy, rate)``: back through `layers`, a list of modules that have just run forward on x.

    It returns the gradient with respect to x, and each parameter has moved by -rate times its gradient.
    """

    def compare(count, look):
        nn.manualSeed(3)
        net = nn.Sequential()
        for number in range(count):
            net.add(nn.Linear(2, 2) if number % 2 == 0 else nn.Tanh())
        twin, x, dy = net.clone(), np.array([1.0, -0.5]), np.array([0.5, 2.0])
        for either in (net, twin):
            either.forward(x)
            either.zeroGradParameters()
        layers = list(twin.modules)
        dx = step(layers, x, dy, 0.5)
        net.updateGradInput(x, dy)
        net.accUpdateGradParameters(x, dy, 0.5)
        look(net, twin, dx)

    def parameters(net, twin, dx):
        for mine, theirs in zip(net.parameters()[0], twin.parameters()[0], strict=True):
            _same(theirs, mine)

    def untouched(net, twin, dx):
        for gradient in twin.parameters()[1]:
            _same(gradient, np.zeros_like(gradient))

    return _grade(
        [
            ('one layer: its parameters', lambda: compare(1, parameters)),
            (
                'one layer: the gradient that it returns',
                lambda: compare(1, lambda net, _, dx: _same(dx, net.gradInput)),
            ),
            ('five layers: their parameters', lambda: compare(5, parameters)),
            ('five layers: the gradient', lambda: compare(5, lambda net, _, dx: _same(dx, net.gradInput))),
            ('gradWeight and gradBias stay 0', lambda: compare(3, untouched)),
        ]
    )


def lesson7(rate: Callable[[int, float, float], float]) -> Score:
    """``rate(iteration, learningRate, decay)``: the rate that `StochasticGradient` uses in that iteration, from 1."""

    def used(iteration, learning_rate, decay):
        """What a weight shows: on the loss w x with x = 1 it moves by the rate."""
        layer, weights = nn.Linear(1, 1, False), nn.hooks.Parameters()
        layer.weight[:] = 0
        trainer = nn.StochasticGradient(layer, nn.MSECriterion())
        trainer.learningRate, trainer.learningRateDecay, trainer.maxIteration = learning_rate, decay, iteration
        trainer.log, trainer.hookIteration = None, weights
        trainer.train([(np.array([1.0]), np.array([1.0]))])
        before, after = [0.0, *(w.item() for w in weights.flat)][-2:]
        return (after - before) / (2 * (1 - before))

    def compare(*arguments):
        _same(np.round(rate(*arguments), 9), np.round(used(*arguments), 9))

    return _grade(
        [
            ('without decay', lambda: compare(7, 0.01, 0)),
            ('iteration 1', lambda: compare(1, 0.1, 0.5)),
            ('iteration 2', lambda: compare(2, 0.1, 0.5)),
            ('iteration 10', lambda: compare(10, 0.1, 0.5)),
        ]
    )


def lesson8(stop: Callable[[list[float], int], int]) -> Score:
    """``stop(errors, patience)``: the iteration, from 1, whose network early stopping keeps.

    It goes through the errors on held-back examples, and ends where `patience` iterations in a row were no better than
    the best so far.
    """
    cases = [
        ('down, then up', [5.0, 3, 2, 3, 4, 5], 2, 3),
        ('always better: the last', [5.0, 4, 3, 2], 2, 4),
        ('it does not wait for ever: what comes later is not seen', [5.0, 3, 4, 4, 4, 1], 3, 2),
        ('a bump shorter than the patience is passed', [5.0, 3, 4, 4, 2, 6], 3, 5),
        ('an equal error is no better', [2.0, 2, 2, 1], 2, 1),
        ('worse from the start', [1.0, 2, 3], 1, 1),
    ]

    def compare(errors, patience, best):
        _same(stop(errors, patience), best)

    return _grade((title, partial(compare, *case)) for title, *case in cases)


def lesson9(soft_threshold: Callable[[np.ndarray, float], np.ndarray]) -> Score:
    """``soft_threshold(w, l1)``: w moved towards 0 by l1, and no further than 0; for arrays of any shape."""
    w = np.array([1.0, 0.3, 0.1, 0, -0.1, -0.3, -1])
    return _grade(
        [
            ('large weights move by l1', lambda: _same(soft_threshold(np.array([1.0, -1.0]), 0.3), [0.7, -0.7])),
            ('small weights become 0', lambda: _same(soft_threshold(np.array([0.1, -0.1]), 0.3), [0, 0])),
            ('all of a vector', lambda: _same(soft_threshold(w.copy(), 0.25), [0.75, 0.05, 0, 0, 0, -0.05, -0.75])),
            ('a matrix', lambda: _same(soft_threshold(np.full((2, 3), 2.0), 0.5), np.full((2, 3), 1.5))),
            ('l1 = 0 changes nothing', lambda: _same(soft_threshold(w.copy(), 0), w)),
            ('the weights that came in are left alone', lambda: _unchanged(soft_threshold, w, 0.25)),
        ]
    )


def _biases_forgotten(network: nn.Module, l1: float, l2: float) -> None:
    before = [module.bias.copy() for module in network.listModules() if module.bias is not None]
    nn.regularize_parameters(network, l1, l2)
    for module in network.listModules():
        if module.bias is not None:
            module.bias[:] = before.pop(0)


def _only_positive(network: nn.Module, l1: float, l2: float) -> None:
    for w in network.parameters()[0]:
        w -= np.where(w > 0, np.clip(w, -l1, l1) + l2 * w, 0)


def lesson10(prop: Callable[[Callable], Any]) -> Score:
    """``prop(regularize)``: raises an AssertionError where ``regularize(network, l1, l2)`` is wrong."""

    def accepts(regularize):
        try:
            prop(regularize)
        except AssertionError as failure:
            raise AssertionError(f'it is right, and was refused: {str(failure).partition(chr(10))[0]}') from None

    def catches(regularize):
        try:
            result = prop(regularize)
        except AssertionError:
            return
        hint = '' if result is None else '; a property asserts, what it returns does not count'
        raise AssertionError(f'it is wrong, and was not caught{hint}')

    def out_of_place(network, l1, l2):
        nn.regularize_parameters_as_published(network, l1, l2, out_of_place=True)

    return _grade(
        [
            ('nn.regularize_parameters is accepted', lambda: accepts(nn.regularize_parameters)),
            ('the code as published is caught', lambda: catches(nn.regularize_parameters_as_published)),
            ('the decay of the wrong sign is caught', lambda: catches(out_of_place)),
            ('a regulariser that does nothing is caught', lambda: catches(lambda network, l1, l2: None)),
            ('one that forgets the biases is caught', lambda: catches(_biases_forgotten)),
            ('one that forgets negative weights is caught', lambda: catches(_only_positive)),
        ]
    )


def lesson11(folds: Callable[[int, int], list]) -> Score:
    """``folds(n, k)``: k pairs (rows to train on, rows held back) of the numbers 0..n-1, for cross-validation."""

    def pairs(n, k):
        found = list(folds(n, k))
        for pair in found:
            _require(np.iterable(pair) and len(pair) == 2 and all(map(np.iterable, pair)), f'no pair of rows: {pair}')
            _require(
                all(np.asarray(rows).dtype.kind != 'b' for rows in pair), 'expected the numbers of rows, got a mask'
            )
        return [tuple(np.asarray(rows).tolist() for rows in pair) for pair in found]

    def every_row_once():
        for n, k in ((10, 5), (11, 3), (7, 7)):
            held_back = sorted(itertools.chain.from_iterable(pair[1] for pair in pairs(n, k)))
            _require(held_back == list(range(n)), f'of {n} rows in {k} folds these are held back: {held_back}')

    def the_rest():
        for train, held_back in pairs(11, 3):
            _require(not {*train} & {*held_back}, f'rows {sorted({*train} & {*held_back})} are in both')
            _require(sorted(train + held_back) == list(range(11)), 'some rows are in neither')

    def even():
        sizes = [len(held_back) for _, held_back in pairs(11, 3)]
        _require(max(sizes) - min(sizes) <= 1, f'expected sizes that differ by at most 1, got {sizes}')

    return _grade(
        [
            ('as many pairs as folds', lambda: _same(len(list(folds(10, 5))), 5)),
            ('every row is held back once', every_row_once),
            ('what is held back is not trained on, all else is', the_rest),
            ('the folds are as even as can be', even),
        ]
    )


def lesson12(Swish: type[nn.Module]) -> Score:
    """``Swish``: y = x sigmoid(w x) with one learned number w, in ``weight`` of shape (1,)."""
    from .testing import check_module

    x = np.array([[0.5, -1.0], [2.0, 0.1]])

    def value():
        layer = Swish()
        _require(np.shape(layer.weight) == (1,), f'expected a weight of shape (1,), got {layer.weight}')
        layer.weight[:] = 2
        _same(layer.forward(x), x / (1 + np.exp(-2 * x)))

    def trained():
        layer, criterion = Swish(), nn.MSECriterion()
        layer.weight[:] = 1
        trainer = nn.StochasticGradient(layer, criterion)
        trainer.learningRate, trainer.maxIteration, trainer.log = 2, 1000, None
        trainer.train([(x, x / (1 + np.exp(-3 * x)))])
        _require(
            abs(layer.weight.item() - 3) < 0.1, f'expected a weight that learns to be 3, got {layer.weight.item():.4f}'
        )

    def check(names=None):
        check_module(Swish(), x, checks=names)

    names = (
        'input_gradient',
        'parameter_gradient',
        'accumulation',
        'scale',
        'wrong_dtype',
        'untouched',
        'buffers',
        'copies',
    )
    tasks: list[Task] = [(name, partial(check, [name])) for name in names]
    return _grade(
        [
            ('y = x sigmoid(w x)', value),
            *tasks,
            ('all that check_module asks', check),
            ('it trains', trained),
        ]
    )


def lesson13(build: Callable[[], nn.Module]) -> Score:
    """``build()``: a network of 20 inputs and 1 output with ten hidden layers or more, through which gradients pass."""

    def made():
        nn.manualSeed(1)
        net = build()
        _require(isinstance(net, nn.Module), f'expected a network, got {net!r}; is there a return?')
        return net, [module for module in net.listModules() if isinstance(module, nn.Linear)]

    def ratio():
        net, layers = made()
        _require(len(layers) > 2, 'there are no two hidden layers to compare')
        x = _draws(50, 20)
        net.forward(x)
        net.zeroGradParameters()
        net.backward(x, _draws(50, 1, seed=2))
        sizes = [np.sqrt(np.mean(layer.gradWeight**2)) for layer in layers]
        return sizes[0] / sizes[-2]

    def not_linear():
        net, layers = made()
        others = [module for module in net.listModules() if not isinstance(module, (nn.Linear, nn.Container))]
        _require(len(others) >= 10, f'expected a transfer function after each hidden layer, got {len(others)}')
        x = _draws(2, 20)
        y = [net.forward(factor * x).copy() for factor in (0, 1, 2)]
        _require(
            not np.allclose(y[1] - y[0], (y[2] - y[0]) / 2), 'it is a linear function: a transfer function is missing'
        )

    return _grade(
        [
            ('20 inputs, 1 output', lambda: _same(made()[0].forward(_draws(5, 20)).shape, (5, 1))),
            ('eleven linear layers or more', lambda: _require(len(made()[1]) >= 11, f'got {len(made()[1])}')),
            ('transfer functions between them', not_linear),
            (
                "the first hidden layer's gradient is at least a tenth of the last one's",
                lambda: _require(ratio() > 0.1, f'it is {ratio():.2g} of it'),
            ),
            ('and at most ten times as large', lambda: _require(ratio() < 10, f'it is {ratio():.2g} times as large')),
        ]
    )


def lesson14(convolve: Callable[..., np.ndarray]) -> Score:
    """``convolve(image, kernel, step=1)``: what `SpatialConvolution` computes for one plane, without a bias."""

    def compare(image, kernel, *step):
        layer = nn.SpatialConvolution(1, 1, *kernel.shape[::-1], *(step * 2)).noBias()
        layer.weight[0, 0] = kernel
        _same(convolve(image.copy(), kernel.copy(), *step), layer.forward(image[np.newaxis])[0])

    image, kernel = np.arange(9.0).reshape(3, 3), np.array([[1.0, 0.0], [0.0, -1.0]])
    large = _draws(6, 9)
    return _grade(
        [
            ('3 x 3 pixels, a 2 x 2 kernel', lambda: compare(image, kernel)),
            ('the kernel is not turned around', lambda: compare(image, np.array([[1.0, 2.0], [3.0, 4.0]]))),
            ('an image and a kernel that are not square', lambda: compare(large, _draws(2, 4, seed=2))),
            ('step = 2', lambda: compare(large, _draws(3, 3, seed=2), 2)),
            ('a kernel as large as the image', lambda: compare(large, large)),
        ]
    )
