"""The layers of layers/linear.py against plain formulas, given bad input, and where they are special."""

import functools
import re
import types
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import (
    check_reset,
    check_without_gradInput,
    close,
    seeds,
    sizes,
    trained,
)

import t7nn as nn

TABLE = 'nn.Bilinear(3x2 -> 4) : expected a table of 2 as input, got '


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


def test_gradInput_None_is_not_computed():
    check_without_gradInput(nn.Bilinear(3, 3, 2), [np.ones((1, 3))] * 2, np.ones((1, 2)))


@pytest.mark.parametrize(
    ('make', 'stdv', 'bound'),
    [
        (lambda: nn.Bilinear(4, 9, 50), None, 1 / 2),
    ],
)
def test_reset(make, stdv, bound):
    check_reset(make(), stdv, bound)


def test_nothing_changes_when_a_gradient_does_not_fit():
    layer = nn.LinearWeightNorm(3, 2)
    before = [np.copy(tensor) for tensor in sum(layer.parameters(), [])]
    layer.forward(np.ones((4, 3)))
    with pytest.raises(ValueError, match='expected gradOutput'):
        layer.accGradParameters(np.ones((4, 3)), np.ones((3, 2)))
    with pytest.raises(ValueError, match='expected gradOutput'):
        layer.accUpdateGradParameters(np.ones((4, 3)), np.ones((4, 3)), 0.1)
    for tensor, original in zip(sum(layer.parameters(), []), before, strict=True):
        assert (tensor == original).all()
    assert layer.gradV is not layer.v


@pytest.mark.parametrize('layer', [nn.Linear(2, 3), nn.LinearWeightNorm(2, 3)], ids=str)
@pytest.mark.parametrize('x, dy', [((4,), (3,)), ((2,), (4,)), ((1, 2), (3,)), ((2, 2), (1, 3))])
@pytest.mark.parametrize('method', ['accGradParameters', 'accUpdateGradParameters'])
def test_gradients_for_vectors_that_do_not_match(layer, x, dy, method):
    layer.forward(np.ones(2))
    layer.accUpdateGradParameters(np.ones(2), np.ones(3), 0.1)
    before = [parameter.copy() for pair in layer.parameters() for parameter in pair]
    with pytest.raises(ValueError, match=r'expected .*, got (shape )?\('):
        getattr(layer, method)(np.ones(x), np.ones(dy), 0.1)
    for kept, parameter in zip(before, [parameter for pair in layer.parameters() for parameter in pair], strict=True):
        np.testing.assert_array_equal(parameter, kept)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.booleans(), seeds)
def test_partial_linear_is_linear_on_its_partition(partition, bias, seed):
    rng = np.random.RandomState(seed)
    layer = nn.PartialLinear(3, 4, bias)
    layer.setPartition(np.array(partition))
    columns = np.array(partition) - 1
    x, dy = rng.randn(5, 3), rng.randn(5, len(partition))
    if bias:
        layer.bias[...] = rng.randn(1, 4)
    offset = layer.bias[0, columns] if bias else 0
    close(layer.forward(x), x @ layer.weight[columns].T + offset)
    layer.zeroGradParameters()
    close(layer.backward(x, dy, 0.5), dy @ layer.weight[columns])
    dw, db = np.zeros((4, 3)), np.zeros((1, 4))
    for column, gradient in zip(columns, dy.T, strict=True):
        dw[column] += 0.5 * gradient @ x
        db[0, column] += 0.5 * gradient.sum()
    close(layer.gradWeight, dw)
    if bias:
        close(layer.gradBias, db)
    layer.updateParameters(1)
    layer.resetPartition()
    assert layer.forward(x).shape == (5, 4)


def test_partial_linear_keeps_its_partition_through_casts_and_clones():
    layer = nn.PartialLinear(3, 4)
    layer.setPartition(np.array([4, 1]))
    x = np.ones((1, 3))
    expected = layer.forward(x).copy()
    close(layer.clone().forward(x), expected, 0)
    close(layer.clearState().float().forward(np.ones((1, 3), np.float32)), expected, 1e-6)


ERRORS = [
    (lambda: nn.Bilinear(3, 2, 0), ValueError, 'nn.Bilinear: expected positive whole numbers as sizes, got (0, 3, 2)'),
    (lambda: nn.Bilinear(3, 2, 4).forward(np.ones((4, 3))), TypeError, TABLE + 'shape (4, 3)'),
    (lambda: nn.Bilinear(3, 2, 4).forward([np.ones((4, 3))]), ValueError, TABLE + 'a table of 1'),
    (
        lambda: nn.Bilinear(3, 2, 4).forward([np.ones((4, 3)), np.ones((5, 2))]),
        ValueError,
        'expected inputs of shapes (N, 3) and (N, 2), got shape (4, 3) and shape (5, 2)',
    ),
    (lambda: nn.Bilinear(3, 2, 4).forward([np.ones(3), np.ones(2)]), ValueError, 'got shape (3,) and shape (2,)'),
    (
        lambda: nn.Bilinear(3, 2, 4).forward([np.ones((4, 3)), None]),
        TypeError,
        'expected a tensor as input[2], got nil',
    ),
    (
        lambda: trained(nn.Bilinear(3, 2, 4), [np.ones((4, 3)), np.ones((4, 2))], np.ones((4, 3))),
        ValueError,
        'expected gradOutput of shape (4, 4), got shape (4, 3)',
    ),
    (
        lambda: nn.LinearWeightNorm(3, 2).forward(np.ones(2)),
        ValueError,
        'nn.LinearWeightNorm(3 -> 2): expected input of size 3',
    ),
    (
        lambda: nn.Maxout(3, 2, 2).forward(np.ones(2)),
        ValueError,
        'nn.Linear(3 -> 4): expected input of size 3, a vector or a batch of them, got shape (2,)',
    ),
    (lambda: nn.PartialLinear(3, 4).forward(np.ones(3)), ValueError, 'expected input of shape (N, 3), got shape (3,)'),
    (
        lambda: nn.PartialLinear(3, 4).setPartition([1]),
        TypeError,
        'expected a vector of indices as partition, got a table of 1',
    ),
    (lambda: nn.PartialLinear(3, 4).setPartition(np.array([5])), IndexError, 'expected index in 1..4, got 5'),
]


@pytest.mark.parametrize(('call', 'kind', 'message'), ERRORS, ids=[message[-40:] for _, _, message in ERRORS])
def test_bad_calls(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()


# Memory


@pytest.mark.parametrize('x', [np.ones(2), np.ones((3, 2))], ids=['vector', 'batch'])
def test_an_output_that_was_set_to_None(x):
    layer = nn.Linear(2, 1)
    layer.output = None
    assert layer.forward(x) is layer.output
    np.testing.assert_allclose(layer.output, x @ layer.weight.T + layer.bias, 1e-15)


def test_an_output_that_comes_back_as_input_is_left_alone():
    layer = nn.Linear(2, 2)
    x = layer.forward(np.ones(2))
    kept = x.copy()
    np.testing.assert_allclose(layer.forward(x), layer.weight @ kept + layer.bias, 1e-14)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize('dtype', ['float16', 'float32'])
def test_vectors_of_other_dtypes(dtype):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=3).astype(dtype), rng.normal(size=2).astype(dtype)
    layer = nn.Linear(3, 2).type(dtype)
    weight, bias = layer.weight.copy(), layer.bias.copy()
    np.testing.assert_allclose(layer.forward(x), weight @ x + bias, 0.01)
    layer.backwardUpdate(x, dy, 0.5)
    np.testing.assert_allclose(layer.weight, weight - 0.5 * np.outer(dy, x), 0.01)
    np.testing.assert_allclose(layer.bias, bias - 0.5 * dy, 0.01)
    layer = nn.LogSoftMax().type(dtype)
    y = layer.forward(x)
    np.testing.assert_allclose(y, x - np.log(np.exp(x).sum()), 0.01)
    np.testing.assert_allclose(layer.backward(x, x), x - np.exp(y) * x.sum(), 0.02, atol=0.002)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize('name', ['weight', 'bias', 'gradWeight', 'gradBias'])
def test_read_only_memory_is_never_written_to(name, tmp_path):
    """BLAS does not ask; where a file is mapped that is a segmentation fault."""
    layer, x, dy = nn.Linear(3, 2), np.ones(3), np.ones(2)
    np.save(tmp_path / 'a.npy', getattr(layer, name))
    setattr(layer, name, np.load(tmp_path / 'a.npy', mmap_mode='r'))
    kept = np.array(getattr(layer, name))
    layer.forward(x)
    method = layer.accUpdateGradParameters if name in ('weight', 'bias') else layer.backward
    with pytest.raises(ValueError, match=f'expected a writable {name}, got a read-only one'):
        method(x, dy, 0.5)
    np.testing.assert_array_equal(getattr(layer, name), kept)


@pytest.mark.parametrize('name', ['weight', 'bias', 'gradWeight', 'gradBias'])
def test_memory_that_was_made_read_only_after_a_step_is_never_written_to(name):
    layer, x, dy = nn.Linear(3, 2), np.ones(3), np.ones(2)
    layer.forward(x)
    method = layer.accUpdateGradParameters if name in ('weight', 'bias') else layer.backward
    method(x, dy, 0.5)
    array = getattr(layer, name)
    array.flags.writeable, kept = False, array.copy()
    with pytest.raises(ValueError, match=f'expected a writable {name}, got a read-only one'):
        method(x, dy, 0.5)
    np.testing.assert_array_equal(array, kept)
    array.flags.writeable = True
    method(x, dy, 0.5)
    assert (array != kept).all()


def test_updates_of_read_only_parameters_are_refused():
    layer = nn.Linear(3, 2)
    layer.weight = read_only(layer.weight)
    with pytest.raises(ValueError, match='expected a writable weight, got a read-only one'):
        layer.updateParameters(0.5)


def test_an_error_says_size_mismatch_too():
    with pytest.raises(ValueError, match=r'expected input of size 3.* \(size mismatch\)'):
        nn.Linear(3, 2).forward(np.ones(4))


@pytest.mark.parametrize(
    'frozen',
    [lambda *_: None, types.MethodType(lambda *_: None, object()), functools.partial(lambda *_: None)],
    ids=['function', 'bound method', 'partial'],
)
def test_a_replaced_accGradParameters_freezes_a_layer(frozen):
    layer = nn.Linear(2, 1)
    layer.accGradParameters = frozen
    before = layer.weight.copy(), layer.bias.copy()
    x, dy = np.ones(2), np.ones(1)
    layer.forward(x)
    layer.backwardUpdate(x, dy, 0.1)
    np.testing.assert_array_equal(layer.weight, before[0])
    np.testing.assert_array_equal(layer.bias, before[1])


def test_a_layer_that_is_frozen_between_two_updates_and_free_again():
    layer, x, dy = nn.Linear(2, 1), np.ones(2), np.ones(1)
    for frozen in (False, True, False):
        if frozen:
            layer.accGradParameters = lambda *_: None
        else:
            vars(layer).pop('accGradParameters', None)
        before = layer.weight.copy()
        layer.forward(x)
        layer.backwardUpdate(x, dy, 0.5)
        np.testing.assert_array_equal(layer.weight, before - (not frozen) * 0.5)


def test_an_accGradParameters_that_is_replaced_in_the_class_after_an_update(monkeypatch):
    layer, x, dy = nn.Linear(2, 1), np.ones(2), np.ones(1)
    layer.accUpdateGradParameters(x, dy, 0.5)
    before = layer.weight.copy()
    monkeypatch.setattr(nn.Linear, 'accGradParameters', lambda *_: None)
    layer.accUpdateGradParameters(x, dy, 0.5)
    np.testing.assert_array_equal(layer.weight, before)


def test_a_dtype_that_was_set_by_its_name():
    layer, x, dy = nn.Linear(2, 1), np.ones(2), np.ones(1)
    layer.dtype = 'float64'
    weight = layer.weight.copy()
    np.testing.assert_allclose(layer.forward(x), weight @ x + layer.bias, 1e-15)
    layer.backwardUpdate(x, dy, 0.5)
    np.testing.assert_array_equal(layer.weight, weight - 0.5)


def strided(array):
    return np.repeat(array, 2, -1)[..., ::2]


def unaligned(array):
    moved = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


@pytest.mark.parametrize('names', [['weight'], ['bias'], ['weight', 'bias']], ids='+'.join)
@pytest.mark.parametrize('layout', [strided, unaligned])
def test_updates_of_parameters_of_which_BLAS_works_on_a_copy(names, layout):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=3), rng.normal(size=2)
    layer = nn.Linear(3, 2)
    for name in names:
        setattr(layer, name, layout(getattr(layer, name)))
    weight, bias = layer.weight.copy(), layer.bias.copy()
    layer.forward(x)
    layer.backwardUpdate(x, dy, 0.5)
    np.testing.assert_allclose(layer.weight, weight - 0.5 * np.outer(dy, x), 1e-14)
    np.testing.assert_allclose(layer.bias, bias - 0.5 * dy, 1e-14)


@pytest.mark.parametrize('name', ['weight', 'bias'])
@pytest.mark.parametrize(
    'layer, x',
    [
        (nn.Linear(3, 2), np.ones(3)),
        (nn.SpatialConvolution(1, 2, 1, 1), np.ones((1, 2, 2))),
        (nn.BatchNormalization(3), np.arange(6.0).reshape(2, 3)),
    ],
)
def test_a_parameter_whose_dtype_was_set_in_place(layer, x, name):
    layer = layer.clone()
    layer.backward(x, np.ones_like(layer.forward(x)))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)  # of later NumPys
        getattr(layer, name).dtype = np.int64
    with pytest.raises(TypeError, match=f'expected {name} of float64, got int64'):
        layer.forward(x)
