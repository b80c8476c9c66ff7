"""The layers of layers/shapes.py against plain formulas, given bad input, and where they are special."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import refuses, refuses_gradients, run, same, tensors

import t7nn as nn
from t7nn.tensors import owner


@given(tensors(), st.data())
def test_transpose(x, data):
    dimensions = st.integers(1, x.ndim)
    pairs = data.draw(st.lists(st.lists(dimensions, min_size=2, max_size=2), max_size=3))
    expected, back = x, None
    for one, other in pairs:
        expected = np.swapaxes(expected, one - 1, other - 1)
    output, back, gradInput = run(nn.Transpose(*pairs), x)
    for one, other in pairs[::-1]:
        back = np.swapaxes(back, one - 1, other - 1)
    same((output, expected), (gradInput, back))


@given(tensors(), st.data())
def test_replicate(x, data):
    dim, count = data.draw(st.integers(1, x.ndim + 1)), data.draw(st.integers(1, 4))
    output, gradOutput, gradInput = run(nn.Replicate(count, dim), x)
    same((output, np.stack([x] * count, dim - 1)), (gradInput, gradOutput.sum(dim - 1)))
    assert np.shares_memory(output, x)


@pytest.mark.parametrize(
    'layer, shape',
    [
        (nn.Collapse(2), (4, 2, 3)),
        (nn.Squeeze(), (2, 1, 3)),
        (nn.Unsqueeze(2), (2, 3)),
        (nn.View(-1), (2, 3)),
        (nn.Reshape(6), (2, 3)),
        (nn.Replicate(3), (2,)),
    ],
    ids=str,
)
def test_views(layer, shape):
    x = np.ones(shape)
    output = layer.forward(x)
    x.fill(13)
    assert output.min() == 13


def test_transpose_copies():
    x = np.ones((2, 3))
    assert not np.shares_memory(nn.Transpose([1, 1]).forward(x), x)


def test_squeeze_keeps_a_batch_of_one():
    assert nn.Squeeze(None, 2).forward(np.zeros((1, 1, 3))).shape == (1, 3)
    assert nn.Squeeze(None, 2).forward(np.zeros((1, 1, 1))).shape == (1, 1)
    assert nn.Squeeze().forward(np.zeros((1, 1, 1))).shape == (1,)
    assert nn.Squeeze(1).forward(np.zeros(1)).shape == (1,)
    assert nn.Squeeze(2).forward(np.zeros((1, 3))).shape == (1, 3)


def test_unsqueeze_takes_the_sample_from_the_first_input():
    layer = nn.Unsqueeze(1)
    assert layer.forward(np.zeros((2, 3))).shape == (1, 2, 3)
    assert layer.forward(np.zeros((4, 2, 3))).shape == (4, 1, 2, 3)
    assert nn.Unsqueeze(2).setNumInputDims(1).forward(np.zeros((4, 5, 3))).shape == (4, 5, 3, 1)


def test_unsqueeze_before_the_batch():
    assert nn.Unsqueeze(0, 1).forward(np.zeros((2, 3))).shape == (1, 2, 3)
    assert nn.Unsqueeze(-1, 1).forward(np.zeros((4, 2, 3))).shape == (1, 4, 2, 3)


def test_convert_casts_and_adapts():
    layer = nn.Convert('chw', 'f')
    assert layer.forward(np.ones((2, 1, 3), np.float32)).dtype == np.float64
    assert layer.forward(np.ones((4, 2, 1, 3))).shape == (4, 6)
    assert layer.backward(np.ones((4, 2, 1, 3)), np.ones((4, 6))).shape == (4, 2, 1, 3)
    assert layer.listModules()[1].typename == 'nn.Reshape'
    assert nn.Convert('b', 'bf').forward(np.ones(4)).shape == (4, 1)
    assert nn.Convert('b', 'bt').forward(np.ones(4)).shape == (4, 1)
    assert nn.Convert('fb', 'b').forward(np.ones((1, 4))).shape == (4,)
    assert nn.Convert('tb', 'b').forward(np.array([[1.0, 2], [3, 4]])).tolist() == [1, 2]
    assert nn.Convert('bhc', 'cbh').forward(np.ones((2, 3, 4))).shape == (4, 2, 3)
    assert nn.Convert('cbh', 'bf').forward(np.ones((2, 3, 4))).shape == (3, 8)
    single = nn.Convert('hwc', 'chw')
    assert single.forward(np.ones((2, 3, 4))).shape == (4, 2, 3)
    assert single.backward(np.ones((2, 3, 4)), np.ones((4, 2, 3))).shape == (2, 3, 4)


@pytest.mark.parametrize('gradOutput', [np.zeros((2, 4)), np.zeros(5), np.zeros((3, 2))])
def test_convert_needs_a_gradient_of_the_shape_of_its_output(gradOutput):
    layer, x = nn.Convert('bhw', 'bf'), np.zeros((2, 1, 3))
    layer.forward(x)
    with pytest.raises(ValueError, match=r'nn.Convert: expected gradOutput of shape \(2, 3\), got shape'):
        layer.backward(x, gradOutput)


def test_shapes_share_their_storage():
    x = np.zeros((4, 2, 3))
    net = nn.Sequential().add(nn.Collapse(2)).add(nn.Unsqueeze(2)).add(nn.Squeeze(2))
    assert owner(net.forward(x)) is x


BAD = [
    (lambda: nn.Squeeze(3), np.zeros((2, 3)), ValueError, 'expected dimension 3, counted from 1, got a tensor of 2'),
    (lambda: nn.Squeeze(0), np.zeros((2, 3)), ValueError, 'expected dimension 0, counted from 1'),
    (lambda: nn.Unsqueeze(4), np.zeros((2, 3)), ValueError, r'expected position in 1..3 .* \(2, 3\), got 4'),
    (lambda: nn.Unsqueeze(0), np.zeros(2), ValueError, 'expected position in 1..2 .* got 0'),
    (lambda: nn.Unsqueeze(1, 3), np.zeros(2), ValueError, r'expected .*at least 3 dimensions \(numInputDims\)'),
    (lambda: nn.Collapse(2), [np.zeros(2)], TypeError, 'nn.Collapse: expected a tensor as input, got a table of 1'),
    (lambda: nn.Convert('bhw', 'bf'), [np.zeros(2)], TypeError, 'nn.Convert: expected a tensor as input'),
    (lambda: nn.Convert('bt', 'bf'), np.zeros((2, 3)), ValueError, 'unrecognized conversion of shape bt to bf'),
    (lambda: nn.Convert('bf', 'b'), np.zeros((2, 3)), ValueError, r'expected one feature to convert bf to b'),
    (lambda: nn.Convert('bhw', 'bw'), np.zeros((2, 3, 1)), ValueError, 'unrecognized conversion of shape bhw to bw'),
    (lambda: nn.Transpose([1, 3]), np.zeros((2, 3)), ValueError, 'nn.Transpose: expected dimension 3'),
    (
        lambda: nn.Replicate(2, 4),
        np.zeros((2, 3)),
        ValueError,
        'at least 3 dimensions to replicate along 4',
    ),
    (lambda: nn.Unsqueeze(-1, 1), np.zeros((2, 3)), ValueError, r'expected position in 0..2 .* got -1'),
]


@pytest.mark.parametrize('make, input, error, text', BAD, ids=lambda item: item if isinstance(item, str) else '')
def test_bad_input(make, input, error, text):
    refuses(make(), input, error, text)


@pytest.mark.parametrize(
    'make, error, text',
    [
        (lambda: nn.Transpose(1, 2), TypeError, 'nn.Transpose: expected pairs of dimensions'),
        (lambda: nn.Replicate(2, 0), ValueError, 'nn.Replicate: expected dim from 1, got 0'),
        (
            lambda: nn.Convert(None, 'bf'),
            ValueError,
            'nn.Convert: expected an inputShape beside the outputShape',
        ),
        (lambda: nn.Convert('b*', 'bf'), ValueError, r'nn.Convert: expected b\* as both or neither of the shapes'),
    ],
)
def test_bad_arguments(make, error, text):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    'layer, input, gradOutput',
    [
        (nn.Collapse(1), np.zeros((2, 3)), np.zeros(5)),
        (nn.Replicate(2), np.zeros(3), np.zeros((3, 2))),
    ],
    ids=lambda item: str(item) if isinstance(item, nn.Module) else '',
)
def test_bad_gradients(layer, input, gradOutput):
    refuses_gradients(layer, input, gradOutput)
