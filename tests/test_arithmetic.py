"""The layers of layers/arithmetic.py against plain formulas, given bad input, and where they are special."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import (
    check_reset,
    check_without_gradInput,
    close,
    refuses,
    refuses_gradients,
    run,
    same,
    seeds,
    sizes,
    tensors,
    trained,
)

import t7nn as nn


@given(tensors(), st.data())
def test_reductions(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    dimension = axis + (axis >= 0)
    squeeze = x.ndim > 1
    for layer, function in (
        (nn.Sum(dimension), np.sum),
        (nn.Mean(dimension), np.mean),
        (nn.Max(dimension), np.max),
        (nn.Min(dimension), np.min),
    ):
        same((layer.forward(x), function(x, axis, keepdims=not squeeze)))
    same((nn.Sum(dimension, None, True, False).forward(x), x.mean(axis, keepdims=True)))


@given(tensors(2, 3), st.data())
def test_extremes_send_the_gradient_to_the_first(x, data):
    axis = data.draw(st.integers(0, x.ndim - 1))
    x = np.moveaxis(np.round(x / 4), -1, axis)  # few values, so that several are equal
    for layer, best in ((nn.Max(axis + 1), max), (nn.Min(axis + 1), min)):
        _, gradOutput, gradInput = run(layer, x)
        expected = np.zeros_like(x)
        rows, places = np.moveaxis(x, axis, -1), np.moveaxis(expected, axis, -1)
        for row in np.ndindex(gradOutput.shape):
            values = rows[row].tolist()
            places[row][values.index(best(values))] = gradOutput[row]
        same((gradInput, expected))


@given(st.booleans(), st.booleans(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 3))
def test_matrix_products(transA, transB, n, k, m, batch):
    rng = np.random.RandomState(n + 4 * k + 16 * m)
    prefix = (batch,) if batch else ()
    a, b, g = rng.randn(*prefix, n, k), rng.randn(*prefix, k, m), rng.randn(*prefix, n, m)
    left, right = (np.swapaxes(x, -1, -2).copy() if trans else x for x, trans in ((a, transA), (b, transB)))
    layer = nn.MM(transA, transB)
    same((layer.forward([left, right]), np.einsum('...ij,...jk->...ik', a, b)))
    gradA, gradB = layer.backward([left, right], g)
    expectedA, expectedB = np.einsum('...ik,...jk->...ij', g, b), np.einsum('...ij,...ik->...jk', a, g)
    same((gradA, np.swapaxes(expectedA, -1, -2) if transA else expectedA))
    same((gradB, np.swapaxes(expectedB, -1, -2) if transB else expectedB))
    layer = nn.MV(transA)
    x, g = b[..., 0].copy(), g[..., 0].copy()
    same((layer.forward([left, x]), np.einsum('...ij,...j->...i', a, x)))
    gradM, gradX = layer.backward([left, x], g)
    expected = np.einsum('...i,...j->...ij', g, x)
    same((gradM, np.swapaxes(expected, -1, -2) if transA else expected), (gradX, np.einsum('...ij,...i->...j', a, g)))


@pytest.mark.parametrize('layer', [nn.MulConstant(-0.5, True), nn.AddConstant(3, True)], ids=str)
def test_in_place_constants_train_as_others_do(layer):
    """One layer before that needs its output, one behind that needs its input, and the passes one by one: Torch7 puts
    the input back too early for the layer behind."""
    plain = type(layer)(layer.constant_scalar)
    nn.manualSeed(3)
    first, last = nn.Linear(3, 3), nn.Linear(3, 2)
    nets = [
        nn.Sequential().add(first.clone()).add(nn.Tanh()).add(middle).add(last.clone()) for middle in (layer, plain)
    ]
    for passes in (['updateGradInput', 'accGradParameters'], ['backward'], ['backward', 'backward']):
        for net in nets:
            net.zeroGradParameters()
            net.forward(np.array([[0.5, -1.0, 2.0]]))
            for method in passes:
                getattr(net, method)(np.array([[0.5, -1.0, 2.0]]), np.array([[1.0, -2.0]]))
        same(
            (nets[0].gradInput, nets[1].gradInput), *zip(nets[0].parameters()[1], nets[1].parameters()[1], strict=True)
        )


def test_in_place_constants_write_into_what_they_get():
    x, g = np.ones(3), np.ones(3)
    layer = nn.MulConstant(4, True)
    assert layer.forward(x) is x and x.tolist() == [4, 4, 4]
    assert layer.backward(x, g) is g and g.tolist() == [4, 4, 4]
    assert x.tolist() == [1, 1, 1] and layer.output.tolist() == [4, 4, 4]


def test_a_gradient_that_is_not_wanted():
    layer = nn.MulConstant(2)
    layer.gradInput = None
    layer.forward(np.ones(2))
    assert layer.backward(np.ones(2), np.ones(2)) is None


def test_constants_follow_the_dtype():
    assert nn.AddConstant(np.array([1, 2])).float().forward(np.zeros(2, np.float32)).dtype == np.float32
    assert nn.Constant(np.array([1, 2])).float().forward(np.zeros(2, np.float32)).dtype == np.float32


def test_constant_ignores_the_input():
    value = np.array([[1.0, 2.0]])
    layer = nn.Constant(value, 1)
    assert layer.forward(np.zeros((3, 5))).tolist() == [[[1, 2]]] * 3
    assert not np.shares_memory(layer.output, value)
    assert layer.backward(np.zeros((3, 5)), layer.output).tolist() == [[0] * 5] * 3
    x = [np.ones(2), [np.ones((1, 2))]]
    gradInput = nn.Constant(7).backward(x, np.ones(1))
    assert [gradInput[0].tolist(), gradInput[1][0].tolist()] == [[0, 0], [[0, 0]]]


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


@given(tensors())
def test_constants(x):
    for layer, value, slope in (
        (nn.AddConstant(3), x + 3, np.ones_like(x)),
        (nn.MulConstant(-2), -2 * x, np.full_like(x, -2)),
    ):
        output, gradOutput, gradInput = run(layer, x)
        same((output, value), (gradInput, slope * gradOutput))


@pytest.mark.parametrize('layer', [nn.Add(3), nn.CMul(3)], ids=str)
def test_gradInput_None_is_not_computed(layer):
    check_without_gradInput(layer, np.ones(3), np.ones(3))


@pytest.mark.parametrize(
    ('make', 'stdv', 'bound'),
    [
        (lambda: nn.Add(400), None, 1 / 20),
        (lambda: nn.CMul(4, 100), None, 1 / 20),
    ],
)
def test_reset(make, stdv, bound):
    check_reset(make(), stdv, bound)


BAD = [
    (lambda: nn.Constant(1, 1), [np.zeros(2)], TypeError, 'nn.Constant: expected a tensor as input'),
    (lambda: nn.Sum(3), np.zeros((2, 3)), ValueError, 'nn.Sum: expected dimension 3, counted from 1'),
    (lambda: nn.Max(-3), np.zeros((2, 3)), ValueError, 'nn.Max: expected dimension -3'),
    (lambda: nn.Min(1), np.zeros((0, 3)), ValueError, 'expected .*at least one entry in dimension 1, got shape'),
    (lambda: nn.Mean(), [np.zeros(2)], TypeError, 'nn.Mean: expected a tensor as input, got a table of 1'),
    (
        lambda: nn.AddConstant(np.ones(3)),
        np.zeros((2, 2)),
        ValueError,
        r'expected a vector of size 3 or a batch of them',
    ),
    (lambda: nn.AddConstant(np.ones(3)), np.zeros((2, 2, 3)), ValueError, r'got shape \(2, 2, 3\)'),
    (lambda: nn.MM(), np.zeros((2, 2)), TypeError, 'nn.MM: expected a table of 2 as input'),
    (
        lambda: nn.MM(),
        [np.zeros((2, 3)), np.zeros((2, 3))],
        ValueError,
        r'expected .*sizes that match, .* got shape \(2, 3\)',
    ),
    (lambda: nn.MM(), [np.zeros(3), np.zeros(3)], ValueError, 'nn.MM: expected a matrix and a matrix'),
    (lambda: nn.MM(), [np.zeros((2, 2, 2)), np.zeros((3, 2, 2))], ValueError, 'two batches of as many'),
    (lambda: nn.MM(), [np.zeros((2, 2)), [1]], TypeError, r'expected a tensor as input\[2\]'),
    (lambda: nn.MV(), [np.zeros((2, 2)), np.zeros(3)], ValueError, 'nn.MV: expected a matrix and a vector'),
    (lambda: nn.MV(), [np.zeros((2, 2)), np.zeros((2, 1))], ValueError, 'nn.MV: expected a matrix and a vector'),
]


@pytest.mark.parametrize('make, input, error, text', BAD, ids=lambda item: item if isinstance(item, str) else '')
def test_bad_input(make, input, error, text):
    refuses(make(), input, error, text)


@pytest.mark.parametrize(
    'make, error, text',
    [
        (lambda: nn.Constant('a'), TypeError, "nn.Constant: expected a number or tensor, got str 'a'"),
        (lambda: nn.Sum(1, 2, True, 1), TypeError, 'nn.Sum: expected True or False as squeeze, got int 1'),
        (
            lambda: nn.MulConstant(np.ones(2)),
            TypeError,
            'nn.MulConstant: expected a number as constant_scalar, got shape',
        ),
        (lambda: nn.MulConstant(0, True), ValueError, 'nn.MulConstant: expected a constant other than 0 with inplace'),
        (lambda: nn.AddConstant('a'), TypeError, "nn.AddConstant: expected a number or tensor, got str 'a'"),
        (lambda: nn.AddConstant(1, 1), TypeError, 'nn.AddConstant: expected True or False as inplace, got int 1'),
        (lambda: nn.MV(1), TypeError, 'nn.MV: expected True or False as trans, got int 1'),
    ],
)
def test_bad_arguments(make, error, text):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    'layer, input, gradOutput',
    [
        (nn.Sum(1), np.zeros((2, 3)), np.zeros(2)),
        (nn.Max(1), np.zeros((2, 3)), np.zeros((1, 3))),
        (nn.MulConstant(2, True), np.zeros(3), np.zeros(2)),
        (nn.MM(), [np.zeros((2, 3)), np.zeros((3, 4))], np.zeros((4, 2))),
        (nn.MV(), [np.zeros((2, 3)), np.zeros(3)], np.zeros(3)),
    ],
    ids=lambda item: str(item) if isinstance(item, nn.Module) else '',
)
def test_bad_gradients(layer, input, gradOutput):
    refuses_gradients(layer, input, gradOutput)


ERRORS = [
    (lambda: nn.Add(4).forward(np.ones((4, 3))), ValueError, 'nn.Add: expected input that fits a tensor of shape (4,)'),
    (lambda: nn.Add(4).forward(np.ones(3)), ValueError, 'got shape (3,)'),
    (lambda: nn.Add(4).forward([np.ones(4)]), TypeError, 'nn.Add: expected a tensor as input, got a table of 1'),
    (lambda: nn.Add(4).forward(np.ones(4, int)), TypeError, 'expected input of float64, got int64'),
    (lambda: nn.CAdd(2, 3).forward(np.ones((2, 2))), ValueError, 'that fits a tensor of shape (2, 3)'),
    (lambda: nn.CMul(1.5), TypeError, 'nn.CMul: expected whole numbers as sizes, got (1.5,)'),
    (lambda: nn.CMul(), TypeError, 'nn.CMul: expected whole numbers as sizes, got ()'),
    (
        lambda: trained(nn.CMul(3), np.ones(3), np.ones(4)),
        ValueError,
        'expected gradOutput of shape (3,), got shape (4,)',
    ),
    (lambda: trained(nn.Mul(), np.ones(3), None), TypeError, 'nn.Mul: expected a tensor as gradOutput, got nil'),
]


@pytest.mark.parametrize(('call', 'kind', 'message'), ERRORS, ids=[message[-40:] for _, _, message in ERRORS])
def test_bad_calls(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
