"""The layers of layers/padding.py against plain formulas, given bad input, and where they are special."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import (
    check_linear,
    refuses,
    refuses_gradients,
    run,
    same,
    tensors,
)

import t7nn as nn

MODES = {
    nn.SpatialZeroPadding: 'constant',
    nn.SpatialReflectionPadding: 'reflect',
    nn.SpatialReplicationPadding: 'edge',
    nn.VolumetricReplicationPadding: 'edge',
}


IMAGE = np.zeros((2, 3, 4))


@given(tensors(), st.data())
def test_padding(x, data):
    axis = data.draw(st.integers(0, x.ndim - 1))
    cut, count = data.draw(st.integers(0, x.shape[axis])), data.draw(st.integers(1, 3))
    expected = np.insert(x, [cut] * count, 0.5, axis)
    before = nn.Padding(axis + 1, -count, None, 0.5, cut + 1)
    behind = nn.Padding(axis + 1, count, None, 0.5, x.shape[axis] - cut + 1)
    for layer in (before, behind):
        output, gradOutput, gradInput = run(layer, x)
        same((output, expected), (gradInput, np.delete(gradOutput, range(cut, cut + count), axis)))


@given(st.sampled_from(list(MODES)), st.booleans(), st.data())
def test_padding_of_planes(cls, batch, data):
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
    check_linear(layer, x, np.random.RandomState(1).randn(*expected.shape))


def test_bad_gradients():
    refuses_gradients(nn.Padding(1, 1), np.zeros(3), np.zeros(3))
    refuses_gradients(nn.SpatialReplicationPadding(1), IMAGE, IMAGE)


BAD = [
    (nn.Padding(1, 1, None, 0, 5), np.zeros(3), IndexError, 'expected index in 1..4 of dimension 1, got 5'),
    (nn.Padding(1, -1, None, 0, 0), np.zeros(3), IndexError, 'got 0'),
    (nn.Padding(3, 1), np.zeros((2, 3)), ValueError, 'nn.Padding: expected dimension 3'),
    (nn.SpatialZeroPadding(-2, -2, 0, 0), IMAGE, ValueError, 'larger input, got 3x4, whose output would be 3x0'),
    (nn.SpatialZeroPadding(-5, 6, 0, 0), IMAGE, ValueError, 'larger input, got 3x4'),
    (nn.SpatialZeroPadding(1), IMAGE[0], ValueError, r'expected .*planesxHxW, or a batch of such, got shape \(3, 4\)'),
    (nn.SpatialReflectionPadding(0, 0, 3, 0), IMAGE, ValueError, 'expected .*larger than the pads, got 3x4'),
    (nn.SpatialReplicationPadding(1), IMAGE.astype('f'), TypeError, 'expected input of float64, got float32'),
    (nn.SpatialReplicationPadding(1), IMAGE[:, :0], ValueError, 'larger input, got 0x4'),
    (nn.VolumetricReplicationPadding(1), IMAGE, ValueError, r'planesxDxHxW, .* got shape \(2, 3, 4\)'),
]


@pytest.mark.parametrize('layer, input, error, text', BAD, ids=lambda item: item if isinstance(item, str) else '')
def test_bad_input(layer, input, error, text):
    refuses(layer, input, error, text)
