"""The layers of layers/upsampling.py against plain formulas, given bad input, and where they are special."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from support import check_linear, refuses, refuses_gradients, run

import t7nn as nn
from t7nn.layers import _windows

IMAGE = np.zeros((2, 3, 4))


@given(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3))
def test_pixel_shuffle(r, channels, height, width):
    x = np.arange(channels * r * r * height * width, dtype=float).reshape(-1, height, width)
    output, gradOutput, gradInput = run(nn.PixelShuffle(r), x)
    assert output.shape == (channels, r * height, r * width)
    for c, i, j, h, w in np.ndindex(channels, r, r, height, width):
        assert output[c, r * h + i, r * w + j] == x[r * r * c + r * i + j, h, w]
        assert gradInput[r * r * c + r * i + j, h, w] == gradOutput[c, r * h + i, r * w + j]


@given(st.integers(1, 3), st.integers(2, 3), st.data())
def test_nearest(factor, dims, data):
    sizes = [data.draw(st.integers(1, 3)) for _ in range(dims)]
    x = np.random.RandomState(0).randn(2, 1, *sizes)
    expected = np.kron(x, np.ones((factor,) * dims))
    layers = [nn.UpSampling(factor)] + [nn.SpatialUpSamplingNearest(factor)] * (dims == 2)
    for layer in layers:
        assert np.array_equal(layer.forward(x), expected)
        check_linear(layer, x, np.random.RandomState(1).randn(*expected.shape))


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
        check_linear(layer, x, np.random.RandomState(1).randn(*expected.shape))


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


def test_bad_gradients():
    refuses_gradients(nn.PixelShuffle(2), np.zeros((4, 1, 1)), np.zeros((4, 1, 1)))


BAD = [
    (nn.PixelShuffle(2), np.zeros((6, 2, 2)), ValueError, 'expected .*multiple of 4 channels, got shape'),
    (nn.PixelShuffle(2), np.zeros((4, 2)), ValueError, '3D or 4D input'),
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


@pytest.mark.parametrize('layer, input, error, text', BAD, ids=lambda item: item if isinstance(item, str) else '')
def test_bad_input(layer, input, error, text):
    refuses(layer, input, error, text)


def test_bad_arguments():
    for make in (nn.SpatialUpSamplingNearest, nn.SpatialUpSamplingBilinear, nn.UpSampling):
        for scale in (0, -1):
            with pytest.raises(ValueError, match=f'scale_factor as a whole number of at least 1, got {scale}'):
                make(scale)
    with pytest.raises(ValueError, match=r"expected owidth and oheight, got \{'owidth': 2\}"):
        nn.SpatialUpSamplingBilinear({'owidth': 2})
    with pytest.raises(ValueError, match='expected owidth and oheight'):
        nn.UpSampling({'owidth': 2}, 'linear')
    with pytest.raises(ValueError, match='expected a scale_factor for nearest-neighbour up-sampling'):
        nn.UpSampling({'owidth': 2, 'oheight': 2})
