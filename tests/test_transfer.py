"""The transfer functions against plain formulas, one number at a time, and what they do with bad input."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import special

import t7nn as nn
from t7nn import Pointwise
from t7nn.layers.rectifiers import Rectifier
from t7nn.layers.transfer import SoftMaxBase

TENSORS = arrays(np.float64, array_shapes(max_dims=4, max_side=4), elements=st.floats(-40, 40, width=32))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# layer, f(x), f'(x)
FORMULAS = {
    'Sigmoid': (nn.Sigmoid(), sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x))),
    'HardTanh': (nn.HardTanh(-2, 3), lambda x: min(max(x, -2), 3), lambda x: -2 < x < 3),
    'Clamp': (nn.Clamp(-2, 3), lambda x: min(max(x, -2), 3), lambda x: -2 < x < 3),
    'ReLU6': (nn.ReLU6(), lambda x: min(max(x, 0), 6), lambda x: 0 < x < 6),
    'HardShrink': (nn.HardShrink(0.8), lambda x: x if abs(x) > 0.8 else 0, lambda x: abs(x) > 0.8),
    'SoftShrink': (
        nn.SoftShrink(0.8),
        lambda x: math.copysign(max(abs(x) - 0.8, 0), x),
        lambda x: abs(x) > 0.8,
    ),
    'SoftPlus': (
        nn.SoftPlus(1.5),
        lambda x: x if 1.5 * x > 20 else math.log1p(math.exp(1.5 * x)) / 1.5,
        lambda x: 1 if 1.5 * x > math.log(math.expm1(20)) else sigmoid(1.5 * x),  # where 1.5 y > 20
    ),
    'SoftSign': (nn.SoftSign(), lambda x: x / (1 + abs(x)), lambda x: (1 + abs(x)) ** -2),
    'LogSigmoid': (nn.LogSigmoid(), special.log_expit, lambda x: sigmoid(-x)),
    'TanhShrink': (nn.TanhShrink(), lambda x: x - math.tanh(x), lambda x: math.tanh(x) ** 2),
    'ELU': (
        nn.ELU(0.7),
        lambda x: x if x > 0 else 0.7 * math.expm1(x),
        lambda x: 1 if x > 0 else 0.7 * math.exp(x),
    ),
    'LeakyReLU': (nn.LeakyReLU(0.3), lambda x: x if x > 0 else 0.3 * x, lambda x: 1 if x > 0 else 0.3),
    'LeakyReLU-': (nn.LeakyReLU(-2), lambda x: x if x > 0 else -2 * x, lambda x: 1 if x > 0 else -2),
    'PReLU': (nn.PReLU(), lambda x: x if x > 0 else x / 4, lambda x: 1 if x > 0 else 1 / 4),
}


@pytest.mark.parametrize('name', FORMULAS)
@given(x=TENSORS)
def test_formula(name, x):
    layer, function, derivative = FORMULAS[name]
    gradOutput = np.cos(x)
    expected = [function(value) for value in x.ravel().tolist()]
    np.testing.assert_allclose(layer.forward(x).ravel(), expected, 1e-12, 1e-14)
    slopes = np.array([derivative(value) for value in x.ravel().tolist()], float).reshape(x.shape)
    np.testing.assert_allclose(layer.backward(x, gradOutput), slopes * gradOutput, 1e-12, 1e-14)


@given(x=TENSORS)
def test_soft_min(x):
    axis = 1 - x.ndim % 2
    layer = nn.SoftMin()
    y = layer.forward(x)
    np.testing.assert_allclose(y, special.softmax(-x, axis), 1e-12)
    dy = np.sin(x)
    np.testing.assert_allclose(layer.backward(x, dy), -y * (dy - (y * dy).sum(axis, keepdims=True)), 1e-12, atol=1e-14)


@given(x=TENSORS)
def test_spatial_names(x):
    axis = 1 - x.ndim % 2
    np.testing.assert_allclose(nn.SpatialSoftMax().forward(x), special.softmax(x, axis), 1e-12)
    np.testing.assert_allclose(nn.SpatialLogSoftMax().forward(x), special.log_softmax(x, axis), 1e-12, atol=1e-12)


@given(
    x=arrays(np.float64, array_shapes(max_dims=4, max_side=3), elements=st.floats(-40, 40, width=32)), data=st.data()
)
def test_gated_linear_unit(x, data):
    dim = data.draw(st.integers(1, x.ndim))
    a, b = x, x[::-1]
    layer = nn.GatedLinearUnit(dim)
    both = np.concatenate([a, b], dim - 1)
    np.testing.assert_allclose(layer.forward(both), a * special.expit(b), 1e-12)
    dy = np.cos(x)
    slope = special.expit(b) * special.expit(-b)
    expected = np.concatenate([dy * special.expit(b), dy * a * slope], dim - 1)
    np.testing.assert_allclose(layer.backward(both, dy), expected, 1e-9, atol=1e-14)


IN_PLACE = {
    'HardTanh': lambda inplace: nn.HardTanh(-0.5, 0.7, inplace),
    'ReLU6': nn.ReLU6,
    'ELU': lambda inplace: nn.ELU(0.7, inplace),
    'LeakyReLU': lambda inplace: nn.LeakyReLU(0.1, inplace),
    'RReLU': lambda inplace: nn.RReLU(0.1, 0.3, inplace),
}


@pytest.mark.parametrize('name', IN_PLACE)
def test_in_place(name):
    x = np.array([[-3.0, -0.4, 0.0], [0.3, 0.9, 8.0]])
    dy = np.array([[1.0, -2.0, 3.0], [-4.0, 5.0, -6.0]])
    results = []
    for inplace in (False, True):
        layer, input, gradOutput = IN_PLACE[name](inplace), x.copy(), dy.copy()
        nn.manualSeed(3)
        output = layer.forward(input)
        assert (output is input) == inplace
        output = output.copy()
        gradInput = layer.backward(input, gradOutput)
        assert (gradInput is gradOutput) == inplace
        results.append((output, gradInput))
    for plain, overwritten in zip(*results, strict=True):
        np.testing.assert_array_equal(plain, overwritten)


@pytest.mark.parametrize('make', [nn.Tanh, nn.Square, nn.Sqrt, nn.SoftMax, nn.LogSoftMax, nn.SoftPlus])
def test_a_layer_that_does_not_offer_inplace_ignores_it(make):
    x, dy = np.array([0.3, 0.9, 2.0]), np.array([1.0, -2.0, 3.0])
    plain, asked = make(), make()
    asked.inplace = True
    input, gradOutput = x.copy(), dy.copy()
    np.testing.assert_array_equal(asked.forward(input), plain.forward(x))
    np.testing.assert_array_equal(asked.backward(input, gradOutput), plain.backward(x, dy))
    np.testing.assert_array_equal((input, gradOutput), (x, dy))


def test_a_layer_of_ones_own_may_work_in_place():
    class Doubled(nn.Pointwise):
        def __init__(self):
            super().__init__()
            self.inplace = True

        def function(self, x, y):
            np.multiply(x, 2, y)

        def derivative(self, x, y, dy, dx):
            np.multiply(dy, 2, dx)

    x = np.ones(2)
    assert Doubled().forward(x) is x
    np.testing.assert_array_equal(x, 2)


@pytest.mark.parametrize('value', [-1e308, -800.0, 0.0, 800.0, 1e308])
@pytest.mark.parametrize('name', [name for name in FORMULAS if 'Hard' not in name])
def test_large_numbers_do_not_overflow(name, value):
    layer = FORMULAS[name][0]
    x = np.full(2, value if name != 'LeakyReLU-' else value / 4)
    assert np.isfinite(layer.forward(x)).all()
    assert np.isfinite(layer.updateGradInput(x, np.ones(2))).all()


@pytest.mark.parametrize(
    'layer, expected',
    [
        (nn.HardTanh(), 1),
        (nn.ReLU6(), 6),
        (nn.HardShrink(), 0),
        (nn.SoftShrink(), 0),
        (nn.LeakyReLU(), math.nan),
        (nn.ELU(), math.nan),
    ],
    ids=str,
)
def test_nan(layer, expected):
    np.testing.assert_array_equal(layer.forward(np.array([math.nan])), [expected])


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize(
    'layer, slopes',
    [
        (nn.Threshold(0.5), [0, 0, 1, 0]),
        (nn.ReLU(), [0, 1, 1, 0]),
        (nn.ReLU6(), [0, 1, 0, 1]),
        (nn.HardTanh(), [0, 1, 0, 1]),
        (nn.HardShrink(), [1, 0, 1, 0]),
        (nn.SoftShrink(), [1, 0, 1, 0]),
        (nn.LeakyReLU(0.5), [0.5, 1, 1, 0.5]),
        (nn.PReLU(), [0.25, 1, 1, 0.25]),
    ],
    ids=str,
)
def test_no_gradient_passes_where_the_slope_is_0(layer, slopes, dtype):
    # not even one that is infinite: a network that diverges does so in its active units only
    layer, x = layer.clone().type(dtype), np.array([-7, 0.3, 7, math.nan], dtype)
    layer.forward(x)
    for dy in (math.inf, -math.inf, math.nan, 2.0):
        expected = [slope and slope * dy for slope in slopes]
        np.testing.assert_array_equal(layer.updateGradInput(x, np.full(4, dy, dtype)), expected)


def test_no_negative_zeros():
    assert not np.signbit(nn.HardShrink().forward(np.array([-0.3]))).any()
    assert not np.signbit(nn.SoftShrink().forward(np.array([-0.3]))).any()


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: nn.HardTanh(1, 1), r'nn.HardTanh: expected max_value larger than min_value, got 1 and 1'),
        (lambda: nn.Clamp(2, 1), r'nn.Clamp: expected max_value larger than min_value, got 2 and 1'),
        (lambda: nn.RReLU(0.4, 0.3), r'nn.RReLU: expected 0 <= l <= u, got 0.4 and 0.3'),
        (lambda: nn.RReLU(-0.1, 0.3), r'nn.RReLU: expected 0 <= l <= u, got -0.1 and 0.3'),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    'layer, shape, message',
    [
        (nn.PReLU(3), (2, 4), r'nn.PReLU: expected 3 input planes, got shape \(2, 4\)'),
        (nn.CReLU(3), (), r'CReLU\(\): expected input of at least 1 dimensions, got shape \(\)'),
        (nn.PReLU(3), (4,), r'nn.PReLU: expected 3 input planes, got shape \(4,\)'),
        (nn.GatedLinearUnit(), (2, 3), r'nn.GatedLinearUnit: expected an even size in dimension 2, got shape \(2, 3\)'),
        (nn.GatedLinearUnit(3), (2, 2), r'nn.GatedLinearUnit: expected dimension 3, counted from 1, got a tensor of 2'),
        (nn.GatedLinearUnit(0), (2, 2), r'nn.GatedLinearUnit: expected dimension 0, counted from 1, got a tensor of 2'),
        (nn.SoftMin(), (1, 2, 1, 1, 1), r'nn.SoftMin: expected 1D, 2D, 3D or 4D tensor, got shape \(1, 2, 1, 1, 1\)'),
    ],
)
def test_bad_shapes(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.forward(np.zeros(shape))


@pytest.mark.parametrize(
    'layer',
    [
        nn.HardTanh(),
        nn.ReLU6(),
        nn.SoftPlus(),
        nn.PReLU(),
        nn.RReLU(),
        nn.GatedLinearUnit(),
        nn.GradientReversal(),
        nn.SoftMin(),
    ],
    ids=str,
)
def test_no_tensor(layer):
    with pytest.raises(TypeError, match=r'expected a tensor as input, got a table of 2'):
        layer.forward([1.0, 2.0])
    with pytest.raises(TypeError, match=r'expected input of float64, got float32; cast one of them'):
        layer.forward(np.zeros(2, np.float32))


@pytest.mark.parametrize('layer', [nn.HardShrink(), nn.ELU(), nn.PReLU(), nn.Tanh()], ids=str)
def test_no_dimension(layer):
    for _ in range(2):
        with pytest.raises(ValueError, match=r'expected at least one dimension in input, got shape \(\)'):
            layer.forward(np.array(1.0))


@pytest.mark.parametrize('layer', [nn.SoftMax(), nn.LogSoftMax(), nn.SpatialSoftMax()], ids=str)
def test_no_class(layer):
    with pytest.raises(ValueError, match=r'expected at least one class, got shape \(2, 0\)'):
        layer.forward(np.empty((2, 0)))
    assert layer.forward(np.empty((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    'layer', [nn.HardTanh(), nn.TanhShrink(), nn.PReLU(), nn.SoftMin(), nn.GatedLinearUnit(), nn.CReLU(1)], ids=str
)
def test_gradOutput_of_another_shape(layer):
    x = np.ones((2, 4))
    layer.forward(x)
    with pytest.raises(ValueError, match=r'expected gradOutput of .*, got shape \(3,\)$'):
        layer.backward(x, np.ones(3))


@pytest.mark.parametrize(
    'base, method, arguments',
    [
        (Pointwise, 'function', 2), (Pointwise, 'derivative', 4), (Rectifier, 'slope', 1),
        (SoftMaxBase, 'function', 2), (SoftMaxBase, 'derivative', 4),
    ],
)  # fmt: skip
def test_bases_say_what_a_layer_needs(base, method, arguments):
    with pytest.raises(TypeError, match=rf'expected {method}\(.*\)'):
        getattr(base(), method)(*[None] * arguments)


@pytest.mark.parametrize('make', [nn.ReLU, nn.Tanh, nn.LogSoftMax])
def test_the_same_arrays_again(make):
    layer, x, dy = make(), np.array([1.0, -2.0, 3.0]), np.array([0.5, 1.0, -1.0])
    for step in (1, 2):  # their values are read anew
        x *= step
        dy *= step
        fresh = make()
        np.testing.assert_array_equal(layer.forward(x), fresh.forward(x))
        np.testing.assert_array_equal(layer.backward(x, dy), fresh.backward(x, dy))
    layer.output, layer.gradInput = x, dy  # what is handed in is never taken for a buffer
    assert layer.forward(x) is not x and layer.backward(x, dy) is not dy
    layer.float()
    with pytest.raises(TypeError, match=r'expected input of float32, got float64'):
        layer.forward(x)


@pytest.mark.parametrize('make', [nn.ReLU, nn.Tanh, nn.SoftMax])
def test_the_same_array_in_another_shape(make):
    layer, x, dy = make(), np.arange(4.0), np.ones(4)
    layer.forward(x)
    layer.backward(x, dy)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)  # of later NumPys
        x.shape = 2, 2
    np.testing.assert_array_equal(layer.forward(x), make().forward(x))
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(2, 2\), got shape \(4,\)'):
        layer.backward(x, dy)


@pytest.mark.parametrize('changed', ['input', 'gradOutput'])
@pytest.mark.parametrize('make', [nn.ReLU, nn.Tanh, nn.SoftMax, nn.Abs, nn.Power])
def test_the_same_array_with_another_dtype(make, changed):
    layer = make(2) if make is nn.Power else make()
    arrays = {'input': np.arange(1.0, 5), 'gradOutput': np.ones(4)}
    layer.forward(arrays['input'])
    layer.backward(*arrays.values())
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)  # of later NumPys
        arrays[changed].dtype = np.int64
    with pytest.raises(TypeError, match=rf'expected {changed} of float64, got int64'):
        layer.backward(*arrays.values())
    if changed == 'input':
        with pytest.raises(TypeError, match=r'expected input of float64, got int64'):
            layer.forward(arrays['input'])


def test_log_soft_max_of_what_is_not_finite():
    for x in ([np.nan, 1.0], [-np.inf, -np.inf], [np.inf, 1.0]):
        with np.errstate(invalid='ignore'):
            assert np.isnan(nn.LogSoftMax().forward(np.array(x))).any()
    np.testing.assert_array_equal(nn.LogSoftMax().forward(np.array([-np.inf, 1.0])), [-np.inf, 0])


NAN = np.array([np.nan, 1.0])


@pytest.mark.parametrize(
    'make',
    [nn.HardTanh, nn.ReLU, nn.ReLU6, nn.Threshold, nn.LeakyReLU, nn.PReLU, nn.HardShrink, nn.SoftShrink, nn.Abs]
    + [nn.Square, lambda: nn.Power(2), nn.Clamp, nn.Log],
)
def test_backward_needs_no_forward_where_the_derivative_reads_the_input_only(make):
    x, dy = np.array([0.25, 0.75]), np.array([1.0, -2.0])
    layer = make()
    layer.forward(x)
    np.testing.assert_array_equal(make().backward(x, dy), layer.backward(x, dy))


@pytest.mark.parametrize('make', [nn.Tanh, nn.Sigmoid, nn.ELU, nn.SoftPlus, nn.Exp, nn.Sqrt, nn.SoftMax])
def test_backward_without_forward_says_so(make):
    with pytest.raises(ValueError, match=r'expected forward\(input\) first'):
        make().backward(np.ones(2), np.ones(2))


def test_soft_shrink_with_a_negative_lambda():
    np.testing.assert_allclose(nn.SoftShrink(-1).forward(np.array([-0.3, 0, 0.3])), [0.7, 1, 1.3])
