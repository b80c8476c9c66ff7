"""Transfer functions with a kink at 0 or at a threshold: formulas, draws, NaN, bad input."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import t7nn as nn
from t7nn import random

TENSORS = arrays(np.float64, array_shapes(max_dims=4, max_side=4), elements=st.floats(-40, 40, width=32))
NAN = np.array([np.nan, 1.0])


@given(x=TENSORS, batch=st.booleans(), inplace=st.booleans())
def test_crelu(x, batch, inplace):
    plane = int(batch and x.ndim > 1)
    layer, copy = nn.CReLU(x.ndim - plane, inplace), x.copy()
    np.testing.assert_array_equal(layer.forward(x), np.maximum(np.concatenate([x, -x], plane), 0))
    dy = np.cos(np.concatenate([x, x], plane))
    np.testing.assert_array_equal(layer.backward(x, dy), np.cos(x) * np.sign(x))
    np.testing.assert_array_equal(x, copy)


@given(x=TENSORS, scale=st.floats(-3, 3))
def test_slope_of_prelu(x, scale):
    plane = min(1, x.ndim - 1)
    layer, dy = nn.PReLU(x.shape[plane]), np.cos(x)
    layer.weight[:] = np.linspace(-1, 1, x.shape[plane])
    layer.forward(x)
    layer.backward(x, dy, scale)
    planes = np.moveaxis(x, plane, 0), np.moveaxis(dy, plane, 0)
    expected = [
        scale * sum(a * b for a, b in zip(p.flat, q.flat, strict=True) if a <= 0) for p, q in zip(*planes, strict=True)
    ]
    np.testing.assert_allclose(layer.gradWeight, expected, 1e-11, atol=1e-11)
    weight = layer.weight.reshape((-1,) + (1,) * (x.ndim - 1 - plane))
    np.testing.assert_allclose(layer.output, np.where(x > 0, x, weight * x), 1e-13)


@given(x=TENSORS, seed=st.integers(0, 2**31))
def test_rrelu_draws_for_what_is_not_positive(x, seed):
    layer = nn.RReLU(0.2, 0.6)
    nn.manualSeed(seed)
    y = layer.forward(x)
    after = random.uniform()
    nn.manualSeed(seed)
    slopes = np.array([random.uniform(0.2, 0.6) if value <= 0 else 1 for value in x.ravel().tolist()]).reshape(x.shape)
    assert after == random.uniform()
    np.testing.assert_array_equal(layer.noise, slopes)
    np.testing.assert_array_equal(y, x * slopes)
    np.testing.assert_array_equal(layer.backward(x, x + 1), (x + 1) * slopes)
    layer.evaluate()
    np.testing.assert_allclose(layer.forward(x), np.where(x > 0, x, 0.4 * x), 1e-15)
    assert random.uniform() != after


def test_a_negative_slope_is_never_in_place():
    assert not nn.LeakyReLU(-0.1, True).inplace
    assert nn.LeakyReLU(0.1, True).inplace


def test_slope_of_prelu_ignores_what_is_positive():
    layer = nn.PReLU()
    layer.accGradParameters(np.array([1.0, -2.0, math.nan]), np.array([math.inf, 3.0, 1.0]))
    np.testing.assert_array_equal(layer.gradWeight, [-6])


def test_defaults_for_none():
    assert (nn.RReLU(None, None, True).lower, nn.LeakyReLU(None).negval, nn.PReLU(None).nOutputPlane) == (
        1 / 8,
        0.01,
        0,
    )


def test_gradOutput_for_the_slope_of_prelu():
    layer, x = nn.PReLU(), -np.ones((2, 3))
    for wrong in (np.ones(1), np.ones(3), np.ones((1, 3))):
        with pytest.raises(ValueError, match=r'nn.PReLU: expected gradOutput of shape \(2, 3\), got shape'):
            layer.accGradParameters(x, wrong)
    np.testing.assert_array_equal(layer.gradWeight, [0])


def test_rrelu_needs_a_forward_in_training_mode():
    layer, x = nn.RReLU(), np.ones((2, 3))
    layer.evaluate()
    layer.forward(x)
    layer.training()
    with pytest.raises(ValueError, match=r'expected forward in training mode first, for an input of shape \(2, 3\)'):
        layer.backward(x, x)


def test_in_place_from_now_on():
    layer, x, dy = nn.ReLU(), np.array([1.0, -2.0]), np.array([1.0, 1.0])
    layer.forward(x)
    layer.backward(x, dy)
    layer.inplace = True
    assert layer.forward(x) is x and layer.backward(x, dy) is dy


def test_crelu_takes_other_numbers_of_dimensions_as_one_sample():
    assert nn.CReLU(3).forward(np.ones((2, 3))).shape == (4, 3)
    assert nn.CReLU(3).forward(np.ones(2)).shape == (4,)


@pytest.mark.parametrize(
    'layer',
    [nn.ReLU(True), nn.Threshold(0, 0, True), nn.CReLU(1, True), nn.ReLU6(True)],
    ids=lambda layer: layer.typename,
)
def test_nan_stays_in_place(layer):
    output = layer.forward(NAN[None].copy())
    assert np.isnan(output.flat[0]) and output.flat[1] == 1


@pytest.mark.parametrize('layer', [nn.ReLU(), nn.Threshold(0, 0)], ids=str)
def test_nan_is_hidden_otherwise(layer):
    np.testing.assert_array_equal(layer.forward(NAN), [0, 1])


@pytest.mark.parametrize(
    ('layer', 'expected'),
    [
        (nn.ReLU(True), 0.5),
        (nn.Threshold(0, 0, True), 0.5),
        (nn.LeakyReLU(0.01, True), 0.5),
        (nn.ReLU(), 0),
        (nn.LeakyReLU(0.01), 0.005),
    ],
)
def test_gradients_at_nan(layer, expected):
    assert layer.updateGradInput(NAN[:1].copy(), np.array([0.5])) == [expected]


@given(x=TENSORS, alpha=st.floats(0.1, 2))
def test_elu(x, alpha):
    layer = nn.ELU(alpha)
    np.testing.assert_allclose(
        layer.forward(x), np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))), rtol=1e-12, atol=1e-14
    )
    slope = np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))
    np.testing.assert_allclose(layer.backward(x, np.ones_like(x)), slope, rtol=1e-9, atol=1e-12)
