"""Padding and up-sampling layers against NumPy and scipy.ndimage, and bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import t7nn as nn
from t7nn.layers import _windows


def check_gradient(layer, x, g):
    """The layer is linear: <g, f(x)> = <gradInput, x>, for every x; here for each unit vector."""
    gradInput = layer.updateGradInput(x, g).copy()
    expected = np.empty_like(x)
    for at in np.ndindex(x.shape):
        unit = np.zeros_like(x)
        unit[at] = 1
        expected[at] = (layer.forward(unit) * g).sum()
    assert np.allclose(gradInput, expected, rtol=1e-12, atol=1e-12)


MODES = {
    nn.SpatialZeroPadding: 'constant',
    nn.SpatialReflectionPadding: 'reflect',
    nn.SpatialReplicationPadding: 'edge',
    nn.VolumetricReplicationPadding: 'edge',
}


@given(st.sampled_from(list(MODES)), st.booleans(), st.data())
def test_padding(cls, batch, data):
    """As np.pad, then cropped where a pad is negative."""
    dims = 3 if cls is nn.VolumetricReplicationPadding else 2
    sizes = [data.draw(st.integers(1, 4)) for _ in range(dims)]
    pads = []
    for size in sizes:
        most = size - 1 if cls is nn.SpatialReflectionPadding else 3
        before = data.draw(st.integers(1 - size, most))
        pads.append((before, data.draw(st.integers(1 - size - min(before, 0), most))))
    x = np.random.RandomState(0).randn(*(2,) * batch, 2, *sizes)
    more = [(0, 0)] * (1 + batch) + [(max(before, 0), max(after, 0)) for before, after in pads]
    crop = (..., *(slice(max(-before, 0), min(after, 0) or None) for before, after in pads))
    expected = np.pad(x, more, MODES[cls])[crop]
    layer = cls(*(pad for pair in reversed(pads) for pad in pair))
    assert np.array_equal(layer.forward(x), expected)
    check_gradient(layer, x, np.random.RandomState(1).randn(*expected.shape))


@given(st.integers(1, 3), st.integers(2, 3), st.data())
def test_nearest(factor, dims, data):
    sizes = [data.draw(st.integers(1, 3)) for _ in range(dims)]
    x = np.random.RandomState(0).randn(2, 1, *sizes)
    expected = np.kron(x, np.ones((factor,) * dims))
    layers = [nn.UpSampling(factor)] + [nn.SpatialUpSamplingNearest(factor)] * (dims == 2)
    for layer in layers:
        assert np.array_equal(layer.forward(x), expected)
        check_gradient(layer, x, np.random.RandomState(1).randn(*expected.shape))


@given(st.integers(2, 3), st.data())
def test_linear(dims, data):
    """As scipy's interpolation at the places that put corners upon corners."""
    sizes, counts = ([data.draw(st.integers(1, most)) for _ in range(dims)] for most in (4, 6))
    x = np.random.RandomState(0).randn(2, 1, *sizes)
    places = [np.arange(n) * ((size - 1) / max(n - 1, 1)) for size, n in zip(sizes, counts, strict=True)]
    grid = np.meshgrid(*places, indexing='ij')
    expected = np.stack([ndimage.map_coordinates(one[0], grid, order=1)[None] for one in x])
    named = dict(zip(('odepth', 'oheight', 'owidth')[-dims:], counts, strict=True))
    layers = [nn.UpSampling(named, 'linear')] + [nn.SpatialUpSamplingBilinear(named)] * (dims == 2)
    for layer in layers:
        assert np.allclose(layer.forward(x), expected, rtol=0, atol=2e-6)  # weights are float32, as in Torch7
        check_gradient(layer, x, np.random.RandomState(1).randn(*expected.shape))


def test_one_layer_for_images_and_volumes():
    layer = nn.UpSampling(2, 'linear')
    assert layer.forward(np.ones((1, 1, 2, 3))).shape == (1, 1, 4, 6)
    assert layer.forward(np.ones((1, 1, 2, 3, 1))).shape == (1, 1, 4, 6, 2)
    assert layer.forward(np.ones((1, 1, 2, 3))).shape == (1, 1, 4, 6)
    assert layer.clone().forward(np.ones((1, 1, 2, 3, 1))).shape == (1, 1, 4, 6, 2)


@pytest.mark.parametrize('budget', [1, 10**9])
def test_chunks(monkeypatch, budget):
    x = np.random.RandomState(2).randn(3, 5, 4, 3)
    layer, expected = nn.SpatialUpSamplingNearest(3), np.kron(x, np.ones((3, 3)))
    monkeypatch.setattr(_windows, 'BUDGET', budget)
    assert np.array_equal(layer.forward(x), expected)
    assert np.allclose(layer.updateGradInput(x, expected), 9 * x)


IMAGE = np.zeros((2, 3, 4))
BAD = [
    (nn.SpatialZeroPadding(-2, -2, 0, 0), IMAGE, ValueError, 'too small: got 3x4, of which the output would be 3x0'),
    (nn.SpatialZeroPadding(-5, 6, 0, 0), IMAGE, ValueError, 'too small: got 3x4'),
    (nn.SpatialZeroPadding(1), IMAGE[0], ValueError, r'expected .*planesxHxW, or a batch of such, got shape \(3, 4\)'),
    (nn.SpatialReflectionPadding(0, 0, 3, 0), IMAGE, ValueError, 'expected .*larger than the pads, got 3x4'),
    (nn.SpatialReplicationPadding(1), IMAGE.astype('f'), TypeError, 'expected input of float64, got float32'),
    (nn.SpatialReplicationPadding(1), IMAGE[:, :0], ValueError, 'too small: got 0x4'),
    (nn.VolumetricReplicationPadding(1), IMAGE, ValueError, r'planesxDxHxW, .* got shape \(2, 3, 4\)'),
    (nn.SpatialUpSamplingNearest(2), IMAGE[0], ValueError, r'planesxHxW.* got shape \(3, 4\)'),
    (nn.SpatialUpSamplingBilinear({'oheight': 0, 'owidth': 2}), IMAGE, ValueError, 'got 3x4 for an output of 0x2'),
    (nn.UpSampling(2), IMAGE, ValueError, r'expected .*Nxplanesx\[D\]xHxW, got shape \(2, 3, 4\)'),
    (
        nn.UpSampling({'oheight': 2, 'owidth': 2}, 'linear'),
        IMAGE[None, None],
        ValueError,
        'expected odepth for volumes',
    ),
]


@pytest.mark.parametrize(('layer', 'input', 'kind', 'text'), BAD)
def test_bad_input(layer, input, kind, text):
    with pytest.raises(kind, match=text) as caught:
        layer.forward(input)
    assert str(caught.value).startswith(str(layer))


def test_bad_gradient_and_arguments():
    layer = nn.SpatialReplicationPadding(1)
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(2, 5, 6\), got shape \(2, 3, 4\)'):
        layer.updateGradInput(IMAGE, IMAGE)
    for make in (nn.SpatialUpSamplingNearest, nn.SpatialUpSamplingBilinear, nn.UpSampling):
        for scale in (0, -1):
            with pytest.raises(ValueError, match=f'scale_factor must be a whole number of at least 1, got {scale}'):
                make(scale)
    with pytest.raises(ValueError, match=r"expected owidth and oheight, got \{'owidth': 2\}"):
        nn.SpatialUpSamplingBilinear({'owidth': 2})
    with pytest.raises(ValueError, match='height and width are required'):
        nn.UpSampling({'owidth': 2}, 'linear')
    with pytest.raises(ValueError, match='nearest neighbour up-sampling requires a scale_factor'):
        nn.UpSampling({'owidth': 2, 'oheight': 2})
