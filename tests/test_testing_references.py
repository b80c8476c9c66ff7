"""assert_same with every form of reference: cs231n, W and dW, JAX, PyTorch, labels from 0 and from 1."""

import importlib.util

import numpy as np
import pytest

import t7nn as nn
from t7nn.testing import assert_same

X = np.array([[0.3, -1.1, 0.8], [1.4, 0.2, -0.6]])
LABELS = np.array([3, 1])


def linear(inputs=3, outputs=2):
    nn.manualSeed(5)
    return nn.Linear(inputs, outputs)


def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    return dout @ w.T, x.T @ dout, dout.sum(0)


class Affine:
    def __init__(self, inputs, outputs):
        self.W, self.b = np.ones((inputs, outputs)), np.zeros(outputs)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW, self.db = self.x.T @ dy, dy.sum(0)
        return dy @ self.W.T


class Mean(Affine):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = self.dW / len(dy)
        return dx


def softmax_loss(x, y):
    p = np.exp(x - x.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


@pytest.mark.parametrize('own_first', [True, False])
def test_output_and_cache(own_first):
    pair = [(affine_forward, affine_backward), linear()]
    assert_same(*(pair if own_first else reversed(pair)), X)


@pytest.mark.parametrize('own_first', [True, False])
def test_w_and_dw(own_first):
    pair = [Affine(3, 2), linear()]
    assert_same(*(pair if own_first else reversed(pair)), X)


def test_wrong_dw_is_found_and_named():
    with pytest.raises(
        AssertionError, match=r'gradient\[1\]\[\d, \d\] is .*hint: a factor 1/N = 0.5, N the number of ex'
    ):
        assert_same(Mean(3, 2), linear(), X)
    with pytest.raises(AssertionError, match=r'gradient\[1\]\[\d, \d\] is .*hint: a factor N = 2, N the number of ex'):
        assert_same(linear(), Mean(3, 2), X)


def test_square_matrices_must_be_said_to_be_transposed():
    assert_same(linear(3, 3), (affine_forward, affine_backward), X, transposed=True)
    assert_same(Affine(3, 3), linear(3, 3), X, transposed=True)
    with pytest.raises(AssertionError, match='output'):
        assert_same(linear(3, 3), (affine_forward, affine_backward), X)


def test_labels():
    assert_same(nn.CrossEntropyCriterion(), softmax_loss, X, LABELS, labels=(1, 0))
    assert_same(softmax_loss, nn.CrossEntropyCriterion(), X, LABELS - 1, labels=(0, 1))
    with pytest.raises(AssertionError, match='index 3 is out of bounds'):
        assert_same(nn.CrossEntropyCriterion(), softmax_loss, X, LABELS)


def test_a_failure_with_labels_shrinks_to_one_example():
    def wrong(x, y):
        loss, dx = softmax_loss(x, y)
        return loss * 1.01, dx

    with pytest.raises(AssertionError, match=r'output is .*; input \[\[[^\[]*\]\], target \[\d\]'):
        assert_same(nn.CrossEntropyCriterion(), wrong, X, LABELS, labels=(1, 0))


def test_without_parameters_it_says_so(capsys):
    class Doubling:
        def forward(self, x):
            return 2 * x

        def backward(self, dy):
            return 2 * dy

    assert_same(Doubling(), nn.MulConstant(2), X, verbose=True)
    assert 'not compared: Doubling has no parameters' in capsys.readouterr().out


@pytest.mark.skipif(not importlib.util.find_spec('jax'), reason='JAX is not installed')
class TestJax:
    def test_function(self, capsys):
        import jax.numpy as jnp

        assert_same(nn.Tanh(), jnp.tanh, X, verbose=True)
        assert 'compared in float32, in which one of the two computes' in capsys.readouterr().out
        network = nn.Sequential().add(linear()).add(nn.Tanh())
        assert_same(lambda x, w, b: jnp.tanh(x @ w.T + b), network, X)

    def test_vjp(self):
        import jax

        f = lambda x, w, b: x @ w.T + b  # noqa: E731
        assert_same(linear(), (f, lambda x, dy, *p: jax.vjp(f, x, *p)[1](dy)), X)

    def test_difference(self):
        import jax.numpy as jnp

        with pytest.raises(AssertionError, match=r'output: output\[0, \d\] is .*, in the reference it is'):
            assert_same(nn.Tanh(), lambda x: jnp.tanh(1.01 * x), X)

    def test_loss(self):
        import jax
        import jax.numpy as jnp

        def loss(x, t):
            return -jnp.mean(jax.nn.log_softmax(x)[jnp.arange(len(t)), t])

        assert_same(nn.CrossEntropyCriterion(), loss, X, LABELS, labels=(1, 0))


@pytest.mark.skipif(not importlib.util.find_spec('torch'), reason='PyTorch is not installed')
class TestTorch:
    def test_functions(self):
        import torch

        assert_same(torch.relu, nn.ReLU(), X)
        assert_same(nn.SoftPlus(), torch.nn.functional.softplus, X)

    def test_labels_are_shifted(self):
        import torch

        assert_same(nn.CrossEntropyCriterion(), torch.nn.CrossEntropyLoss(), X, LABELS)
        assert_same(torch.nn.CrossEntropyLoss(), nn.CrossEntropyCriterion(), X, LABELS - 1)
        assert_same(nn.ClassNLLCriterion(), torch.nn.NLLLoss(), X, LABELS)

    def test_own_class_against_torch(self):
        import torch

        assert_same(Affine(3, 2), torch.nn.Linear(3, 2), X)
