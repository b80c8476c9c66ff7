"""Layers with weights on vectors, and those that compare with templates, against plain formulas; bad input."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

import t7nn as nn

sizes = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)


def close(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(actual, expected, tolerance, tolerance)


def trained(layer, input, gradOutput, scale=1):
    """gradInput and the gradients of the parameters."""
    layer.zeroGradParameters()
    layer.forward(input)
    return layer.backward(input, gradOutput, scale), layer.parameters()[1]


@given(sizes, sizes, sizes, sizes, seeds)
def test_bilinear(n, a, b, k, seed):
    rng = np.random.RandomState(seed)
    layer = nn.Bilinear(a, b, k)
    x1, x2, dy = rng.randn(n, a), rng.randn(n, b), rng.randn(n, k)
    close(layer.forward([x1, x2]), np.einsum('ni,kij,nj->nk', x1, layer.weight, x2) + layer.bias)
    (dx1, dx2), (dw, db) = trained(layer, [x1, x2], dy, 0.5)
    close(dx1, np.einsum('nk,kij,nj->ni', dy, layer.weight, x2))
    close(dx2, np.einsum('nk,kij,ni->nj', dy, layer.weight, x1))
    close(dw, 0.5 * np.einsum('nk,ni,nj->kij', dy, x1, x2))
    close(db, 0.5 * dy.sum(0))


@given(st.lists(st.tuples(sizes, st.booleans()), min_size=1, max_size=4), seeds)
def test_adding_and_multiplying_expand_dimensions_of_size_1(dimensions, seed):
    rng = np.random.RandomState(seed)
    shape = [size for size, _ in dimensions]
    own = [1 if expanded else size for size, expanded in dimensions]
    axes = tuple(axis for axis, size in enumerate(own) if size == 1)
    x, dy = rng.randn(*shape), rng.randn(*shape)
    add, mul = nn.CAdd(*own), nn.CMul(own)
    close(add.forward(x), x + add.bias)
    close(mul.forward(x), x * mul.weight)
    dx, (db,) = trained(add, x, dy)
    close(dx, dy)
    close(db, dy.sum(axes, keepdims=True))
    dx, (dw,) = trained(mul, x, dy)
    close(dx, dy * mul.weight)
    close(dw, (x * dy).sum(axes, keepdims=True))


def test_adding_and_multiplying_take_batches_of_any_shape_with_as_many_elements():
    x = np.arange(24.0).reshape(2, 3, 4)
    layer = nn.CMul(12)
    close(layer.forward(x), (x.reshape(2, 12) * layer.weight).reshape(2, 3, 4))
    close(nn.CMul(4, 3).forward(x).shape, (2, 3, 4))
    layer = nn.Add(12)
    close(layer.forward(x), (x.reshape(2, 12) + layer.bias).reshape(2, 3, 4))
    layer = nn.Add(12, True)
    assert layer.bias.shape == (1,)
    close(layer.forward(x), x + layer.bias[0])


@given(sizes, sizes, sizes, seeds)
def test_distances(n, size, outputs, seed):
    rng = np.random.RandomState(seed)
    x = rng.randn(n, size)
    layer = nn.Euclidean(size, outputs)
    close(layer.forward(x), cdist(x, layer.weight.T))
    layer = nn.WeightedEuclidean(size, outputs)
    layer.diagCov[...] = rng.rand(size, outputs) + 0.5
    c = layer.diagCov.T
    expected = [cdist(x * c[j], layer.weight.T[j : j + 1] * c[j])[:, 0] for j in range(outputs)]
    close(layer.forward(x), np.transpose(expected), 1e-10)
    layer = nn.Cosine(size, outputs)
    lengths = [np.linalg.norm(rows, axis=1) + 1e-12 for rows in (x, layer.weight)]
    close(layer.forward(x), np.einsum('ni,ji->nj', x, layer.weight) / np.outer(*lengths))


def test_a_distance_of_0_has_a_gradient_of_0():
    for layer in (nn.Euclidean(3, 1), nn.WeightedEuclidean(3, 1)):
        dx, gradients = trained(layer, layer.weight[:, 0].copy(), np.ones(1))
        assert not dx.any() and not any(gradient.any() for gradient in gradients)


def test_euclidean_without_fastBackward_computes_the_output_anew():
    layer = nn.Euclidean(3, 2)
    x, other, dy = np.ones(3), np.array([2.0, 0, 5]), np.ones(2)
    layer.forward(x)
    expected = layer.updateGradInput(x, dy).copy()
    layer.fastBackward = False
    layer.forward(other)
    close(layer.updateGradInput(x, dy), expected)


def test_gradInput_None_is_not_computed():
    for layer, x, y in (
        (nn.Euclidean(3, 2), np.ones(3), 2),
        (nn.Add(3), np.ones(3), 3),
        (nn.CMul(3), np.ones(3), 3),
        (nn.Bilinear(3, 3, 2), [np.ones((1, 3))] * 2, (1, 2)),
    ):
        layer.gradInput = None
        layer.zeroGradParameters()
        layer.forward(x)
        assert layer.backward(x, np.ones(y)) is None
        assert any(gradient.any() for gradient in layer.parameters()[1])


@given(sizes, sizes, seeds)
def test_linear_weight_norm(size, outputs, seed):
    rng = np.random.RandomState(seed)
    layer = nn.LinearWeightNorm(size, outputs)
    layer.g[...] = rng.randn(outputs, 1)
    weight = layer.g * layer.v / np.linalg.norm(layer.v, axis=1, keepdims=True)
    x = rng.randn(4, size)
    close(layer.forward(x), x @ weight.T + layer.bias)
    linear = layer.toLinear()
    close(linear.forward(x), layer.output)
    linear.float()
    again = nn.LinearWeightNorm.fromLinear(linear)
    assert again.dtype == np.float32
    close(again.forward(x.astype(np.float32)), layer.output, 1e-5)


def test_linear_weight_norm_without_bias():
    linear = nn.LinearWeightNorm(3, 2, False).toLinear()
    assert linear.bias is None
    assert str(nn.LinearWeightNorm.fromLinear(linear)) == 'nn.LinearWeightNorm(3 -> 2) without bias'


def test_linear_weight_norm_works_the_weight_out_once_in_evaluation():
    layer, x = nn.LinearWeightNorm(3, 2), np.ones(3)
    layer.evaluate()
    y = layer.forward(x).copy()
    layer.g *= 2
    assert (layer.forward(x) == y).all()
    layer.clearState()
    assert not layer.weight.size and str(layer) == 'nn.LinearWeightNorm(3 -> 2)'
    close(layer.forward(x) - layer.bias, 2 * (y - layer.bias))


def test_maxout():
    layer, x = nn.Maxout(3, 2, 4), np.random.RandomState(0).randn(5, 3)
    linear = layer.get(1)
    close(layer.forward(x), (x @ linear.weight.T + linear.bias).reshape(5, 4, 2).max(1))
    assert nn.Maxout(3, 2, 4, nn.Tanh()).get(3).typename == 'nn.Tanh'


@pytest.mark.parametrize(
    ('make', 'stdv', 'bound'),
    [
        (lambda: nn.Bilinear(4, 9, 50), None, 1 / 2),
        (lambda: nn.Add(400), None, 1 / 20),
        (lambda: nn.CMul(4, 100), None, 1 / 20),
        (lambda: nn.Euclidean(4, 100), None, 1 / 2),
        (lambda: nn.Cosine(100, 4), None, 1 / 2),
        (lambda: nn.Cosine(100, 4), 0.1, 0.1 * 3**0.5),
    ],
)
def test_reset(make, stdv, bound):
    layer = make()
    assert layer.reset(stdv) is layer
    values = np.abs(layer.parameters()[0][0])
    assert 0.95 * bound < values.max() <= bound


ones = np.ones
TABLE = 'nn.Bilinear(3x2 -> 4) : expected a table of 2 as input, got '
ERRORS = [
    (lambda: nn.Bilinear(3, 2, 0), ValueError, 'nn.Bilinear: expected positive whole numbers as sizes, got (0, 3, 2)'),
    (lambda: nn.Bilinear(3, 2, 4).forward(ones((4, 3))), TypeError, TABLE + 'shape (4, 3)'),
    (lambda: nn.Bilinear(3, 2, 4).forward([ones((4, 3))]), ValueError, TABLE + 'a table of 1'),
    (
        lambda: nn.Bilinear(3, 2, 4).forward([ones((4, 3)), ones((5, 2))]),
        ValueError,
        'expected inputs of shapes (N, 3) and (N, 2), got shape (4, 3) and shape (5, 2)',
    ),
    (lambda: nn.Bilinear(3, 2, 4).forward([ones(3), ones(2)]), ValueError, 'got shape (3,) and shape (2,)'),
    (lambda: nn.Bilinear(3, 2, 4).forward([ones((4, 3)), None]), TypeError, 'expected a tensor as input 2, got nil'),
    (
        lambda: trained(nn.Bilinear(3, 2, 4), [ones((4, 3)), ones((4, 2))], ones((4, 3))),
        ValueError,
        'expected gradOutput of shape (4, 4), got shape (4, 3)',
    ),
    (lambda: nn.Add(4).forward(ones((4, 3))), ValueError, 'nn.Add: expected input that fits a tensor of shape (4,)'),
    (lambda: nn.Add(4).forward(ones(3)), ValueError, 'got shape (3,)'),
    (lambda: nn.Add(4).forward([ones(4)]), TypeError, 'nn.Add: expected a tensor as input, got a table of 1'),
    (lambda: nn.Add(4).forward(ones(4, int)), TypeError, 'expected input of float64, got int64'),
    (lambda: nn.CAdd(2, 3).forward(ones((2, 2))), ValueError, 'that fits a tensor of shape (2, 3)'),
    (lambda: nn.CMul(1.5), TypeError, 'nn.CMul: expected whole numbers as sizes, got (1.5,)'),
    (lambda: nn.CMul(), TypeError, 'nn.CMul: expected whole numbers as sizes, got ()'),
    (lambda: trained(nn.CMul(3), ones(3), ones(4)), ValueError, 'expected gradOutput of shape (3,), got shape (4,)'),
    (lambda: trained(nn.Mul(), ones(3), None), TypeError, 'nn.Mul: expected a tensor as gradOutput, got nil'),
    (
        lambda: nn.Euclidean(3, 2).forward(ones((4, 2))),
        ValueError,
        'nn.Euclidean: expected input of size 3, a vector or a batch of them, got shape (4, 2)',
    ),
    (lambda: nn.Cosine(3, 2).forward(ones((1, 4, 3))), ValueError, 'got shape (1, 4, 3)'),
    (
        lambda: trained(nn.Cosine(3, 2), ones((4, 3)), ones((3, 2))),
        ValueError,
        'nn.Cosine: expected gradOutput of shape (4, 2), got shape (3, 2)',
    ),
    (
        lambda: nn.LinearWeightNorm(3, 2).forward(ones(2)),
        ValueError,
        'nn.LinearWeightNorm(3 -> 2): expected input of size 3',
    ),
    (
        lambda: nn.Maxout(3, 2, 2).forward(ones(2)),
        ValueError,
        'nn.Linear(3 -> 4): expected input of size 3, a vector or a batch of them, got shape (2,)',
    ),
]


@pytest.mark.parametrize(('call', 'kind', 'message'), ERRORS, ids=[message[-40:] for _, _, message in ERRORS])
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()


def test_nothing_changes_when_a_gradient_does_not_fit():
    layer = nn.LinearWeightNorm(3, 2)
    before = [np.copy(tensor) for tensor in sum(layer.parameters(), [])]
    layer.forward(ones((4, 3)))
    with pytest.raises(ValueError, match='gradient and input that match'):
        layer.accGradParameters(ones((4, 3)), ones((3, 2)))
    with pytest.raises(ValueError, match='gradient and input that match'):
        layer.accUpdateGradParameters(ones((4, 3)), ones((4, 3)), 0.1)
    for tensor, original in zip(sum(layer.parameters(), []), before, strict=True):
        assert (tensor == original).all()
    assert layer.gradV is not layer.v


@pytest.mark.parametrize('layer', [nn.Linear(2, 3), nn.LinearWeightNorm(2, 3)], ids=str)
@pytest.mark.parametrize('x, dy', [((4,), (3,)), ((2,), (4,)), ((1, 2), (3,)), ((2, 2), (1, 3))])
def test_gradients_for_vectors_that_do_not_match(layer, x, dy):
    layer.forward(np.ones(2))
    before = [parameter.copy() for pair in layer.parameters() for parameter in pair]
    with pytest.raises(ValueError, match=r'expected .*, got (shape )?\('):
        layer.accGradParameters(np.ones(x), np.ones(dy))
    for kept, parameter in zip(before, [parameter for pair in layer.parameters() for parameter in pair], strict=True):
        np.testing.assert_array_equal(parameter, kept)
