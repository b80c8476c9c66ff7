"""assert_same takes what is the same and says where something differs, whatever the two are."""

import importlib.util

import numpy as np
import pytest
import scipy.special

import t7nn as nn
from t7nn import random
from t7nn.testing import assert_same

X = np.array([[0.3, -1.1, 0.8], [1.4, 0.2, -0.6]])
LABELS = np.array([3, 1])


class Affine:
    """Linear as somebody might write it: no module, backward without input, gradients anew each time."""

    def __init__(self, slope=1.0, step=1.0):
        self.weight, self.bias = np.ones((2, 3)), np.zeros(2)
        self.slope, self.step = slope, step

    def forward(self, x):
        self.x = x
        return x @ self.weight.T + self.bias

    def backward(self, dy):
        self.gradWeight, self.gradBias = dy.T @ self.x, self.slope * dy.sum(0)
        return dy @ self.weight

    def parameters(self):
        return [self.weight, self.bias], [self.gradWeight, self.gradBias] if hasattr(self, 'gradBias') else []

    def updateParameters(self, rate):
        self.weight -= self.step * rate * self.gradWeight
        self.bias -= self.step * rate * self.gradBias


def affine(x, weight, bias):
    return x @ weight.T + bias


def affine_gradients(x, dy, weight, bias):
    return dy @ weight, dy.T @ x, dy.sum(0)


def linear():
    nn.manualSeed(5)
    return nn.Linear(3, 2)


SAME = {
    'module': lambda: (linear(), linear()),
    'module of other weights': lambda: (linear(), nn.Linear(3, 2)),
    'object': lambda: (Affine(), linear()),
    'reference object': lambda: (linear(), Affine()),
    'function': lambda: (affine, linear()),
    'pair': lambda: (linear(), (affine, affine_gradients)),
    'two functions': lambda: (np.tanh, lambda x: 2 * scipy.special.expit(2 * x) - 1),
    'function and its gradient': lambda: ((np.tanh, lambda x, dy: dy / np.cosh(x) ** 2), nn.Tanh()),
    'network': lambda: (
        nn.Sequential().add(nn.Linear(3, 4)).add(nn.Tanh()).add(nn.Linear(4, 2)),
        lambda x, w, b, v, c: np.tanh(x @ w.T + b) @ v.T + c,
    ),
    'function of its own parameters': lambda: (linear(), linear().forward),
    'random': lambda: (nn.Dropout(0.3), nn.Dropout(0.3)),
}


@pytest.mark.parametrize('name', SAME)
def test_same(name):
    nn.manualSeed(4)
    before = random.getRNGState()
    pair = SAME[name]()
    state = random.getRNGState()
    assert_same(*pair, X)
    assert np.array_equal(random.getRNGState(), state)
    random.setRNGState(before)


def test_neither_is_changed():
    module, other = linear(), Affine()
    weight = module.weight.copy()
    assert_same(module, other, X)
    assert np.array_equal(module.weight, weight)
    assert not module.gradWeight.any()
    assert np.array_equal(other.weight, np.ones((2, 3)))
    assert not hasattr(other, 'x')


def test_float32():
    assert_same(linear().float(), affine, X.astype(np.float32))
    with pytest.raises(AssertionError, match='output'):
        assert_same(linear().float(), lambda x, w, b: affine(x, w, b) + 1e-3, X.astype(np.float32))


def test_tables():
    x = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]

    class Sum(nn.Module):
        def updateOutput(self, input):
            self.output = input[0] + 2 * input[1]
            return self.output

        def updateGradInput(self, input, gradOutput):
            self.gradInput = [gradOutput, 2 * gradOutput]
            return self.gradInput

    assert_same(Sum(), lambda table: table[0] + 2 * table[1], x)
    with pytest.raises(
        AssertionError, match=r'gradInput\[2\]\[\d\] is \S+, in the reference it is \S+; input \[\[1. 2.\], '
    ):
        assert_same(Sum(), (lambda t: t[0] + 2 * t[1], lambda t, dy: [dy, 2.001 * dy]), x)


DIFFERENT = {
    'output': (lambda: (Affine(), lambda x, w, b: x @ w.T + b + 0.001), 'Affine against <lambda>, output: output'),
    'shape': (lambda: (nn.Tanh(), lambda x: np.tanh(x[0])), r'output has shape \(\d, 3\), in the reference it is \(3,'),
    'gradInput': (
        lambda: ((np.tanh, lambda x, dy: 1.001 * dy / np.cosh(x) ** 2), nn.Tanh()),
        r'input_gradient: gradInput\[\d, \d\] is \S+, in the reference it is \S+; input ',
    ),
    'differences': (lambda: ((np.tanh, lambda x, dy: 1.001 * dy / np.cosh(x) ** 2), np.tanh), 'input_gradient'),
    'gradient': (lambda: (Affine(slope=1.001), linear()), r'parameter_gradient: gradient\[2\]\[\d\] is'),
    'step': (lambda: (Affine(step=1.01), linear()), r'update: parameter\[1\]\[0, \d\] is'),
    'function gradient': (
        lambda: (linear(), (affine, lambda *a: (*affine_gradients(*a)[:2], 1.001 * a[1].sum(0)))),
        r'parameter_gradient: gradient\[2\]',
    ),
    'parameters': (
        lambda: (linear(), nn.Linear(3, 2, False)),
        r'parameters are of shapes \[\(2, 3\), \(2,\)\], in the reference \[\(2, 3\)\]',
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', DIFFERENT)
def test_different(name):
    make, text = DIFFERENT[name]
    with pytest.raises(AssertionError, match=f'(?s){text}'):
        assert_same(*make(), X)


def test_tolerance_and_skip():
    slightly = np.tanh, lambda x, dy: 1.001 * dy / np.cosh(x) ** 2
    assert_same(slightly, nn.Tanh(), X, tolerance=0.01)
    assert_same(slightly, nn.Tanh(), X, skip=['input_gradient'])
    with pytest.raises(ValueError, match=r"names of checks out of \['output', .* expected, got \['gradInput'\]"):
        assert_same(slightly, nn.Tanh(), X, skip=['gradInput'])


def test_failure_is_shown_with_one_example():
    with pytest.raises(
        AssertionError, match=r'output\[0, \d\] is \S+, in the reference it is \S+; input \[\[ *\S+ +\S+ +\S+\]\];'
    ):
        assert_same(nn.Tanh(), lambda x: 1.001 * np.tanh(x), X, batch=True)


def test_losses():
    assert_same(nn.MSECriterion(), lambda x, t: np.mean((x - t) ** 2), X, X[::-1])
    picked = lambda x, t: -np.mean(scipy.special.log_softmax(x, 1)[np.arange(len(t)), t - 1])  # noqa: E731
    assert_same(nn.CrossEntropyCriterion(), picked, X, LABELS)
    assert_same(
        nn.AbsCriterion(), (lambda x, t: np.mean(np.abs(x - t)), lambda x, t: np.sign(x - t) / x.size), X, 0 * X
    )
    with pytest.raises(AssertionError, match=r'output is \S+, in the reference it is \S+; input .*, target '):
        assert_same(nn.MSECriterion(), lambda x, t: np.sum((x - t) ** 2), X[0], X[1])
    with pytest.raises(AssertionError, match='input_gradient'):
        assert_same(nn.MSECriterion(), (lambda x, t: np.mean((x - t) ** 2), lambda x, t: (x - t) / x.size), X, 0 * X)


def test_parameters_that_are_no_two_lists():
    class Plain(Affine):
        def parameters(self):
            return [self.weight, self.bias]

    with pytest.raises(
        TypeError, match=r'two lists expected from Plain\.parameters\(\), of parameters and of gradients'
    ):
        assert_same(Plain(), linear(), X)


def test_nothing_that_can_be_run():
    with pytest.raises(TypeError, match='a function, or a pair of functions expected, got int 3'):
        assert_same(nn.Tanh(), 3, X)


if importlib.util.find_spec('torch'):
    import torch

    PYTORCH = {
        'linear': lambda: (nn.Linear(3, 2), torch.nn.Linear(3, 2)),
        'from torch': lambda: (torch.nn.Linear(3, 2), nn.Linear(3, 2)),
        'network': lambda: (
            nn.Sequential().add(nn.Linear(3, 4)).add(nn.Sigmoid()).add(nn.Linear(4, 2, False)).add(nn.LogSoftMax()),
            torch.nn.Sequential(
                torch.nn.Linear(3, 4), torch.nn.Sigmoid(), torch.nn.Linear(4, 2, False), torch.nn.LogSoftmax(-1)
            ),
        ),
        'function': lambda: (torch.nn.Softmax(-1), lambda x: scipy.special.softmax(x, -1)),
    }

    @pytest.mark.parametrize('name', PYTORCH)
    @pytest.mark.parametrize('dtype', [np.float64, np.float32])
    def test_same_as_pytorch(name, dtype):
        pair = [thing.type(dtype) if isinstance(thing, nn.Module) else thing for thing in PYTORCH[name]()]
        assert_same(*pair, X.astype(dtype))

    def test_parameter_without_a_gradient():
        class Idle(torch.nn.Tanh):
            def __init__(self):
                super().__init__()
                self.idle = torch.nn.Parameter(torch.ones(2))

        class IdleToo(nn.Tanh):
            def __init__(self):
                super().__init__()
                self.weight, self.gradWeight = np.zeros(2), np.zeros(2)

        assert_same(IdleToo(), Idle(), X)

    def test_losses_of_pytorch():
        assert_same(nn.SmoothL1Criterion(), torch.nn.SmoothL1Loss(), X, X[::-1].copy())

    def test_different_from_pytorch():
        with pytest.raises(
            AssertionError,
            match=r'nn\.Tanh against torch Sigmoid, output: output\[0, 1\] is -0\.8\d*, in the reference it is 0\.249',
        ):
            assert_same(nn.Tanh(), torch.nn.Sigmoid(), X[:1])
        with pytest.raises(
            AssertionError, match=r'parameters are of shapes \[\(2, 3\)\], in the reference \[\(3, 2\)\]'
        ):
            assert_same(nn.Linear(3, 2, False), torch.nn.Linear(2, 3, False), X)
