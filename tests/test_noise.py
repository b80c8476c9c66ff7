"""The layers that draw: which numbers, how many, and what they do with bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import t7nn as nn
from t7nn import random

PLANES = {nn.SpatialDropout: 2, nn.VolumetricDropout: 3}


@pytest.mark.parametrize('v1', [False, True])
@pytest.mark.parametrize('p', [0.2, 0.7])
def test_dropout_draws_for_each_element(p, v1):
    x = np.random.RandomState(0).randn(3, 4)
    layer = nn.Dropout(p, v1)
    nn.manualSeed(5)
    y = layer.forward(x)
    nn.manualSeed(5)
    kept = np.array([random.bernoulli(1 - p) for _ in range(x.size)]).reshape(x.shape)
    noise = kept if v1 else kept / (1 - p)
    np.testing.assert_allclose(y, x * noise, 1e-12)
    np.testing.assert_allclose(layer.backward(x, x), x * noise, 1e-12)
    layer.evaluate()
    np.testing.assert_allclose(layer.forward(x), x * (1 - p) if v1 else x, 1e-12)


@pytest.mark.parametrize('layer', PLANES)
@given(
    seed=st.integers(0, 2**31),
    p=st.floats(0, 1),
    planes=st.lists(st.integers(1, 5), min_size=1, max_size=2),
    size=st.integers(1, 3),
    stochastic=st.booleans(),
)
def test_one_draw_a_plane(layer, seed, p, planes, size, stochastic):
    x = np.random.RandomState(0).randn(*planes, *(size,) * PLANES[layer])
    module = layer(p, stochastic)
    if stochastic:
        module.evaluate()
    nn.manualSeed(seed)
    y = module.forward(x)
    after = random.uniform()
    nn.manualSeed(seed)
    noise = np.array([random.bernoulli(1 - p) for _ in range(np.prod(planes))]).reshape(planes)
    assert random.uniform() == after
    for place in np.ndindex(*planes):
        np.testing.assert_array_equal(y[place], x[place] * noise[place])
        assert module.noise[place].item() == noise[place]
    module.training()
    np.testing.assert_array_equal(module.backward(x, x)[noise == 0], 0)
    np.testing.assert_array_equal(module.gradInput[noise == 1], x[noise == 1])


@pytest.mark.parametrize('layer', PLANES)
def test_evaluation_of_plane_dropouts(layer):
    module = layer(0.3)
    module.evaluate()
    x = np.ones((2, 3, *(2,) * PLANES[layer]))
    nn.manualSeed(1)
    before = random.getRNGState()
    np.testing.assert_allclose(module.forward(x), 0.7 * x)
    np.testing.assert_array_equal(random.getRNGState(), before)
    np.testing.assert_allclose(module.forward(x[0, 0, 0]), 0.7 * x[0, 0, 0])  # of any rank
    with pytest.raises(ValueError, match=rf'{module.typename}\(0.300000\): backprop only defined while training'):
        module.backward(x, x)
    module.training()
    with pytest.raises(ValueError, match='expected forward in training mode first, for an input of shape'):
        module.backward(x, x)


@pytest.mark.parametrize('layer', PLANES)
def test_bad_input_of_plane_dropouts(layer):
    dimensions = PLANES[layer] + 2
    for wrong in (dimensions - 2, dimensions + 1):
        with pytest.raises(
            ValueError, match=rf'expected {dimensions}D \(batch\) or {dimensions - 1}D input, got shape \(1,'
        ):
            layer().forward(np.ones((1,) * wrong))
    x = np.ones((2,) * dimensions)
    module = layer()
    module.forward(x)
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(2, 2.*\), got shape \(3,\)'):
        module.backward(x, np.ones(3))
    with pytest.raises(TypeError, match='expected a tensor as input, got nil'):
        module.forward(None)


@pytest.mark.parametrize('layer', PLANES)
@pytest.mark.parametrize('p', [-0.1, 1.1, float('nan')])
def test_bad_probability(layer, p):
    message = rf'nn.{layer.__name__}: illegal percentage, expected 0 <= p <= 1, got {p}'
    with pytest.raises(ValueError, match=message):
        layer(p)
    module = layer(0.2)
    with pytest.raises(ValueError, match=message):
        module.setp(p)
    assert module.p == 0.2
    module.setp(1)
    np.testing.assert_array_equal(module.forward(np.ones((1,) * module.nDim)), 0)


@given(seed=st.integers(0, 2**31), mean=st.floats(-3, 3), std=st.floats(0.01, 10), size=st.integers(1, 40))
def test_white_noise(seed, mean, std, size):
    x = np.arange(float(size))
    module = nn.WhiteNoise(mean, std)
    assert module.train is None  # which is training, too
    nn.manualSeed(seed)
    y = module.forward(x)
    nn.manualSeed(seed)
    noise = random.normal(mean, std, out=np.empty(size))
    np.testing.assert_array_equal(y, x + noise)
    np.testing.assert_array_equal(module.noise, noise)
    gradient = module.backward(x, y)
    np.testing.assert_array_equal(gradient, y)
    assert gradient is not y
    module.evaluate()
    np.testing.assert_array_equal(module.forward(x), x + mean)
    with pytest.raises(ValueError, match='nn.WhiteNoise mean: .*backprop only defined while training'):
        module.backward(x, x)


def test_bad_input_of_white_noise():
    with pytest.raises(ValueError, match=r'nn.WhiteNoise: expected std > 0, got -1'):
        nn.WhiteNoise(0, -1)
    module = nn.WhiteNoise()
    with pytest.raises(TypeError, match='expected a tensor as input, got a table of 1'):
        module.forward([1.0])
    x = np.ones((2, 3))
    module.forward(x)
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(2, 3\), got shape \(3,\)'):
        module.backward(x, np.ones(3))


@pytest.mark.parametrize('module', [nn.SpatialDropout(), nn.VolumetricDropout(), nn.WhiteNoise()], ids=str)
def test_clearState_empties_the_noise(module):
    module.forward(np.ones((2, 2, 2, 2)))
    assert module.noise.size
    module.clearState()
    assert not module.noise.size
