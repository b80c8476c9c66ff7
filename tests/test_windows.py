"""The engine of sliding windows against plain loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import t7nn as nn
from t7nn.layers._windows import chunks, fold_add, full_sizes, output_sizes, padded, windows


@st.composite
def geometries(draw):
    """(sizes, kernel, stride, dilation) of one to three dimensions in which at least one window fits."""
    dims = draw(st.integers(1, 3))
    each = st.tuples(*[st.integers(1, 3)] * dims)
    kernel, stride, dilation = draw(each), draw(each), draw(each)
    sizes = tuple(d * (k - 1) + 1 + draw(st.integers(0, 4)) for k, d in zip(kernel, dilation, strict=True))
    return sizes, kernel, stride, dilation


def starts(size, pad, kernel, stride, dilation):
    """Where each window that fits starts, found by trying every place."""
    places = range(-pad, size + pad - dilation * (kernel - 1))
    return [place for place in places if (place + pad) % stride == 0]


@given(geometries(), st.integers(0, 3))
def test_output_sizes(geometry, pad):
    sizes, kernel, stride, dilation = geometry
    expected = tuple(
        len(starts(*numbers)) for numbers in zip(sizes, (pad,) * len(sizes), kernel, stride, dilation, strict=True)
    )
    assert output_sizes(sizes, kernel, stride, (pad,) * len(sizes), dilation) == expected


@given(st.integers(1, 30), st.integers(1, 9), st.integers(1, 9), st.data())
def test_output_sizes_rounded_up(size, kernel, stride, data):
    pad = data.draw(st.integers(0, kernel // 2))
    if size + 2 * pad <= kernel - stride:
        return
    (count,) = output_sizes((size,), (kernel,), (stride,), (pad,), ceil=True)
    last = (count - 1) * stride
    if pad:
        assert last < size + pad, 'the last window starts in the input or before it'
    covered = last + kernel >= size + 2 * pad
    assert covered or (pad and last + stride >= size + pad), 'nothing is left over unless a window had to go'
    assert count == 1 or last - stride + kernel < size + 2 * pad, 'no window too many'


@given(geometries(), st.integers(0, 2))
def test_full_sizes_undo_output_sizes(geometry, pad):
    sizes, kernel, stride, _ = geometry
    pads = (pad,) * len(sizes)
    counts = output_sizes(sizes, kernel, stride, pads)
    left = tuple((n + 2 * pad - k) % d for n, k, d in zip(sizes, kernel, stride, strict=True))
    assert full_sizes(counts, kernel, stride, pads, left) == sizes


def test_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match='input of at least 5x3 elements.* got 4x9'):
        output_sizes((4, 9), (5, 3), (1, 1))
    with pytest.raises(ValueError, match='input of at least 1x5 elements, padding of 0x1 .* got 4x2'):
        output_sizes((4, 2), (1, 3), (1, 1), (0, 1), (1, 2))
    with pytest.raises(ValueError, match='input of at least 5 elements.* got 2'):
        output_sizes((2,), (5,), (3,), ceil=True)
    with pytest.raises(ValueError, match='expected .*at least 1, got 3x0, 1x1 and 1x1'):
        output_sizes((4, 9), (3, 0), (1, 1))
    with pytest.raises(TypeError, match='input of at least 5 elements'):
        output_sizes((2,), (5,), (1,), error=TypeError)
    with pytest.raises(ValueError, match='larger input, got 1x1, whose output would be 0x1'):
        full_sizes((1, 1), (2, 3), (1, 1), (1, 1), (0, 0))
    with pytest.raises(ValueError, match='expected kernel and stride of at least 1, got 2 and 0'):
        full_sizes((1,), (2,), (0,), (1,), (0,))


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(-2, 3), st.integers(-2, 3)), min_size=1, max_size=3))
def test_padded(axes):
    x = np.arange(2.0 * np.prod([size for size, _, _ in axes])).reshape(2, *(size for size, _, _ in axes))
    pads = [(before, after) for _, before, after in axes]
    if any(size + min(before, 0) + min(after, 0) < 0 for size, before, after in axes):
        with pytest.raises(ValueError, match='expected padding that leaves something of'):
            padded(x, pads)
        return
    expected = np.pad(x, [(0, 0)] + [(max(b, 0), max(a, 0)) for b, a in pads], constant_values=9)
    for axis, (before, after) in enumerate(pads, 1):
        expected = expected.take(range(max(-before, 0), expected.shape[axis] - max(-after, 0)), axis)
    assert np.array_equal(padded(x, pads, 9), expected)
    out = np.full(expected.shape, np.nan)
    assert padded(x, pads, 9, out) is out
    assert np.array_equal(out, expected)


def test_padded_by_nothing_is_a_view():
    x = np.zeros((2, 3))
    assert padded(x, [(0, 0)]).base is x
    assert padded(x, [(0, -1)]).base is x


@given(geometries(), st.booleans())
def test_windows_and_fold(geometry, last):
    sizes, kernel, stride, dilation = geometry
    dims = len(sizes)
    axis = None if last else 1
    x = np.random.RandomState(0).randn(*((2, *sizes) if last else (2, *sizes, 3)))
    view = windows(x, kernel, stride, dilation, axis)
    counts = output_sizes(sizes, kernel, stride, None, dilation)
    assert view.shape == (2, *kernel, *counts) + (() if last else (3,))
    values = np.random.RandomState(1).randn(*view.shape)
    folded = np.zeros_like(x)
    fold_add(folded, values, kernel, stride, dilation, axis)
    expected = np.zeros_like(x)
    for place in itertools.product(*map(range, kernel)):
        for window in itertools.product(*map(range, counts)):
            at = tuple(w * s + p * d for w, s, p, d in zip(window, stride, place, dilation, strict=True))
            assert np.array_equal(view[(slice(None), *place, *window)], x[(slice(None), *at)])
            expected[(slice(None), *at)] += values[(slice(None), *place, *window)]
    assert np.allclose(folded, expected, rtol=1e-14, atol=1e-14)
    assert dims == len(counts)


@given(st.integers(0, 20), st.integers(0, 50), st.integers(1, 100))
def test_chunks(count, size, budget):
    slices = list(chunks(count, size, budget))
    assert [i for part in slices for i in range(count)[part]] == list(range(count))
    assert all((part.stop - part.start) * size <= budget or part.stop - part.start == 1 for part in slices)


def test_windows_lie_within_the_array():
    x = np.arange(6.0)
    for kernel, stride, dilation in (((7,), (1,), None), ((0,), (1,), None), ((2,), (0,), None), ((3,), (1,), (3,))):
        with pytest.raises(ValueError, match='expected'):
            windows(x, kernel, stride, dilation)
    assert windows(x, (2,), (2**40,), (3,)).tolist() == [[0], [3]]


def test_planes_that_no_memory_holds():
    with pytest.raises(ValueError, match='expected planes of at most 2147483647 elements, padding included'):
        output_sizes((4, 4), (2, 2), (1, 1), (2**20, 2**20))
    with pytest.raises(ValueError, match='expected planes of at most 2147483647 elements, padding included'):
        full_sizes((2, 2), (2, 2), (2**20, 2**20), (0, 0), (0, 0))


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('values', [[np.nan], [np.inf, -np.inf], [1e308, -1e308]])
@pytest.mark.parametrize(
    'make, shape',
    [
        (lambda: nn.SpatialConvolution(1, 2, 2, 2), (1, 4, 4)),
        (lambda: nn.SpatialFullConvolution(1, 2, 2, 2), (1, 4, 4)),
        (lambda: nn.SpatialSubSampling(1, 2, 2), (1, 4, 4)),
        (lambda: nn.SpatialMaxPooling(2, 2, 1, 1), (1, 4, 4)),
        (lambda: nn.SpatialAveragePooling(3, 3), (1, 4, 4)),
        (lambda: nn.SpatialAdaptiveAveragePooling(3, 3), (1, 4, 4)),
        (lambda: nn.SpatialReplicationPadding(2), (1, 4, 4)),
        (lambda: nn.SpatialUpSamplingNearest(2), (1, 4, 4)),
        (lambda: nn.SpatialUpSamplingBilinear(2), (1, 4, 4)),
        (lambda: nn.SpatialBatchNormalization(2), (2, 2, 4, 4)),
        (lambda: nn.SpatialCrossMapLRN(3), (2, 4, 4)),
        (lambda: nn.SpatialSubtractiveNormalization(1, np.ones(3)), (1, 4, 4)),
    ],
)
def test_nan_infinity_and_overflow_warn_of_nothing(make, shape, values):
    layer, x = make(), np.resize(values, shape)
    g = np.resize(values, layer.forward(x).shape)
    layer.backward(x, g)
    assert layer.gradInput.shape == shape
