"""Poolings and unpoolings against plain loops and scipy.ndimage, their chunks, and bad input."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import t7nn as nn
from t7nn.layers import _windows

# Plain loops


def elements(start, kernel, dilation, sizes):
    """The places of a window that are in the image, in the order of the memory."""
    axes = [range(s, s + k * d, d) for s, k, d in zip(start, kernel, dilation, strict=True)]
    return [p for p in itertools.product(*axes) if all(0 <= i < n for i, n in zip(p, sizes, strict=True))]


def largest(x, places):
    """(value, place) of the first element of `places` that is larger than all before it, from the least number on."""
    best = -np.finfo(float).max, None
    for place in places:
        if x[place] > best[0]:
            best = x[place], place
    return best


def max_pool(x, windows):
    """Values and places of the largest elements of one plane; `windows` is an array of lists of places."""
    values, places = np.empty(windows.shape), np.empty(windows.shape, object)
    for at in np.ndindex(windows.shape):
        values[at], places[at] = largest(x, windows[at])
    return values, places


def array_of(shape, function):
    array = np.empty(shape, object)
    for at in np.ndindex(shape):
        array[at] = function(at)
    return array


def count(size, kernel, stride, pad, dilation, ceil):
    room = Fraction(size + 2 * pad - dilation * (kernel - 1) - 1, stride)
    return (math.ceil(room) if ceil else math.floor(room)) + 1


def regular_windows(sizes, kernel, stride, pad, dilation, ceil):
    counts = [count(*axis, ceil) for axis in zip(sizes, kernel, stride, pad, dilation, strict=True)]
    if any(pad):
        counts = [n - ((n - 1) * d >= size + p) for n, d, size, p in zip(counts, stride, sizes, pad, strict=True)]
    return array_of(
        tuple(counts),
        lambda at: elements([i * d - p for i, d, p in zip(at, stride, pad, strict=True)], kernel, dilation, sizes),
    )


def gradient(x, places, g):
    dx = np.zeros_like(x)
    for at in np.ndindex(places.shape):
        if places[at] is not None:
            dx[places[at]] += g[at]
    return dx


def flat(places, sizes):
    """Places as indices flat in the plane, from 1; 0 for none."""
    return np.array([0 if p is None else np.ravel_multi_index(p, sizes) + 1 for p in places.ravel()]).reshape(
        places.shape
    )


def lua(sizes):
    """Sizes in the order of Torch7's arguments: (T,) W, H."""
    return (*sizes[:-2], *sizes[:-3:-1])


def values(rng, shape):
    """Few different numbers, so that many are equal, some nan and some -inf."""
    return rng.choice([-2.0, -1, 0, 1, 2, 3, np.nan, -np.inf], shape)


@st.composite
def geometries(draw, dims, dilated=True):
    each = lambda low, high: draw(st.tuples(*[st.integers(low, high)] * dims))  # noqa: E731
    kernel, stride = each(1, 5 - dims), each(1, 3)
    dilation = each(1, 2) if dilated else (1,) * dims
    pad = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    sizes = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 4)) for k, d, p in zip(kernel, dilation, pad, strict=True)
    )
    return sizes, kernel, stride, pad, dilation, draw(st.booleans()), draw(st.integers(0, 2**31))


def check_max(layer, geometry):
    """Output and gradient of a batch of planes, and the places of its first plane."""
    *sizes, seed = geometry
    rng = np.random.RandomState(seed)
    windows = regular_windows(*sizes)
    x = values(rng, (2, 3, *sizes[0]))
    pooled = [[max_pool(plane, windows) for plane in example] for example in x]
    assert np.array_equal(layer.forward(x), np.array([[v for v, _ in example] for example in pooled]))
    g = rng.randn(2, 3, *windows.shape)
    expected = [
        [gradient(plane, places, its) for plane, (_, places), its in zip(planes, example, gs, strict=True)]
        for planes, example, gs in zip(x, pooled, g, strict=True)
    ]
    assert np.allclose(layer.updateGradInput(x, g), np.array(expected), rtol=1e-14, atol=1e-14)
    one = layer.forward(x[0])
    assert np.array_equal(one, [v for v, _ in pooled[0]])
    return [places for _, places in pooled[0]]


@given(geometries(2))
def test_spatial_max_pooling(geometry):
    sizes, kernel, stride, pad, dilation, ceil, _ = geometry
    layer = nn.SpatialDilatedMaxPooling(*lua(kernel), *lua(stride), *lua(pad), *lua(dilation))
    layer = layer.ceil() if ceil else layer.floor()
    places = check_max(layer, geometry)
    assert np.array_equal(layer.indices, [flat(plane, sizes) for plane in places])
    assert (layer.iheight, layer.iwidth) == sizes


@given(geometries(3))
def test_volumetric_max_pooling(geometry):
    sizes, kernel, stride, pad, dilation, ceil, _ = geometry
    layer = nn.VolumetricDilatedMaxPooling(*lua(kernel), *lua(stride), *lua(pad), *lua(dilation))
    places = check_max(layer.ceil() if ceil else layer, geometry)
    for index, place, at in zip(layer.indices[0].ravel(), places[0].ravel(), np.ndindex(places[0].shape), strict=True):
        if place is None:
            assert index == 0xFFFFFF
        else:
            within = [int(index) >> shift & 255 for shift in (0, 8, 16)]
            assert place == tuple(
                i * d - p + w * gap for i, d, p, w, gap in zip(at, stride, pad, within, dilation, strict=True)
            )


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 5), st.integers(0, 2**31))
def test_temporal_max_pooling(kernel, stride, more, seed):
    rng = np.random.RandomState(seed)
    x = values(rng, (2, kernel + more, 3))
    layer = nn.TemporalMaxPooling(kernel, stride)
    windows = regular_windows((kernel + more,), (kernel,), (stride,), (0,), (1,), False)
    pooled = [[max_pool(plane, windows) for plane in example.T] for example in x]
    assert np.array_equal(layer.forward(x), np.array([[v for v, _ in example] for example in pooled]).swapaxes(1, 2))
    starts = np.arange(len(windows)) * stride
    within = [[[-1 if p is None else p[0] for p in places] for _, places in example] for example in pooled]
    within = np.array(within) - np.where(np.array(within) < 0, 0, starts)
    assert np.array_equal(layer.indices, within.swapaxes(1, 2))
    g = rng.randn(*layer.output.shape)
    expected = [
        [gradient(plane, places, its) for plane, (_, places), its in zip(example.T, found, gs.T, strict=True)]
        for example, found, gs in zip(x, pooled, g, strict=True)
    ]
    assert np.allclose(layer.updateGradInput(x, g), np.array(expected).swapaxes(1, 2))


@given(geometries(2, dilated=False), st.booleans(), st.booleans())
def test_spatial_average_pooling(geometry, include, divide):
    sizes, kernel, stride, pad, _, ceil, seed = geometry
    layer = nn.SpatialAveragePooling(*lua(kernel), *lua(stride), *lua(pad))
    layer = layer.setCountIncludePad() if include else layer.setCountExcludePad()
    layer.divide = divide
    check_average(layer.ceil() if ceil else layer, geometry, include, 1 if divide else math.prod(kernel))


@given(geometries(3, dilated=False))
def test_volumetric_average_pooling(geometry):
    sizes, kernel, stride, _, dilation, _, seed = geometry
    sizes = tuple(max(size, k) for size, k in zip(sizes, kernel, strict=True))
    geometry = sizes, kernel, stride, (0, 0, 0), dilation, False, seed
    check_average(nn.VolumetricAveragePooling(*lua(kernel), *lua(stride)), geometry, True, 1)


def check_average(layer, geometry, include, factor):
    *sizes, seed = geometry
    (size, kernel, stride, pad, *_), windows = sizes, regular_windows(*sizes)
    rng = np.random.RandomState(seed)
    x = rng.randn(2, *size)
    expected, dx, g = np.empty((2, *windows.shape)), np.zeros_like(x), rng.randn(2, *windows.shape)
    for at in np.ndindex(windows.shape):
        inside = windows[at]
        whole = math.prod(
            min(i * d + k, n + 2 * p) - i * d for i, d, k, n, p in zip(at, stride, kernel, size, pad, strict=True)
        )
        for plane in range(2):
            weight = factor / (whole if include else len(inside)) if inside else np.nan
            expected[(plane, *at)] = sum(x[(plane, *place)] for place in inside) * weight
            for place in inside:
                dx[(plane, *place)] += g[(plane, *at)] * weight
    beyond = np.isnan(expected)  # windows without an element; their mean is 0 / 0, or 0 by a negative size, in Torch7
    assert np.allclose(np.where(beyond, 0, layer.forward(x)), np.where(beyond, 0, expected), rtol=1e-13, atol=1e-13)
    assert not np.nan_to_num(layer.output[beyond]).any()
    assert np.allclose(layer.updateGradInput(x, g), dx, rtol=1e-13, atol=1e-13)


def test_large_kernels():
    """More than 255 places in a window do not fit into a byte."""
    x = np.random.RandomState(1).randn(2, 30, 33)
    layer = nn.SpatialMaxPooling(17, 19, 1, 1, 8, 9)
    assert np.array_equal(layer.forward(x), ndimage.maximum_filter(x, (0, 19, 17), mode='constant', cval=-np.inf))
    found = np.take_along_axis(x.reshape(2, -1), layer.indices.reshape(2, -1) - 1, 1)
    assert np.array_equal(found.reshape(x.shape), layer.output)
    mean = nn.SpatialAveragePooling(17, 19, 1, 1, 8, 9)
    assert np.allclose(mean.forward(x), ndimage.uniform_filter(x, (0, 19, 17), mode='constant'), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('budget', [1, 1000, 10**9])
def test_chunks(monkeypatch, budget):
    """Results do not depend on how many planes are worked on at a time."""
    x = np.random.RandomState(2).randn(3, 5, 7, 8)
    layers = [
        nn.SpatialMaxPooling(2, 2),
        nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1),
        nn.SpatialAveragePooling(3, 2, 2, 2, 1, 1).setCountExcludePad(),
        nn.SpatialAdaptiveMaxPooling(3, 4),
        nn.SpatialFractionalMaxPooling(2, 3, 4, 3),
    ]

    def results():
        found = []
        for layer in layers:
            nn.manualSeed(3)
            g = np.cos(np.arange(layer.forward(x).size)).reshape(layer.output.shape)
            found += [layer.output.copy(), layer.updateGradInput(x, g).copy()]
        return found

    expected = results()
    monkeypatch.setattr(_windows, 'BUDGET', budget)
    assert all(np.array_equal(a, b) for a, b in zip(results(), expected, strict=True))


# Other windows


def bounds(size, count, single):
    """Where adaptive windows start and end."""
    if single:
        exact = [np.float32(i) / np.float32(count) * np.float32(size) for i in range(count + 1)]
    else:
        exact = [Fraction(i * size, count) for i in range(count + 1)]
    return [(math.floor(a), min(math.ceil(b), size)) for a, b in itertools.pairwise(exact)]


@given(st.tuples(st.integers(1, 23), st.integers(1, 9)), st.tuples(st.integers(1, 9), st.integers(1, 7)), st.booleans())
def test_adaptive_pooling(sizes, counts, largest):
    rng = np.random.RandomState(sum(sizes) + 40 * sum(counts))
    rows, columns = (bounds(size, n, largest) for size, n in zip(sizes, counts, strict=True))
    windows = array_of(counts, lambda at: list(itertools.product(range(*rows[at[0]]), range(*columns[at[1]]))))
    x, g = values(rng, sizes) if largest else rng.randn(*sizes), rng.randn(*counts)
    if largest:
        layer = nn.SpatialAdaptiveMaxPooling(*lua(counts))
        expected, places = max_pool(x, windows)
        dx = gradient(x, places, g)
    else:
        layer = nn.SpatialAdaptiveAveragePooling(*lua(counts))
        expected, dx = np.empty(counts), np.zeros(sizes)
        for at in np.ndindex(counts):
            expected[at] = np.mean([x[place] for place in windows[at]])
            for place in windows[at]:
                dx[place] += g[at] / len(windows[at])
    assert np.allclose(layer.forward(x[None])[0], expected)
    assert np.allclose(layer.updateGradInput(x[None], g[None])[0], dx)
    if largest:
        for at in np.ndindex(counts):
            row, column = layer.indices[:, 0][(slice(None), *at)]
            within = places[at] and (places[at][0] - rows[at[0]][0] + 1, places[at][1] - columns[at[1]][0] + 1)
            assert (row, column) == (within or (0, 0))


@given(st.data(), st.integers(2, 3))
def test_fractional_max_pooling(data, dims):
    pool = tuple(data.draw(st.integers(2, 3)) for _ in range(dims))
    counts = tuple(data.draw(st.integers(1, 3)) for _ in range(dims))
    sizes = tuple(k + n + data.draw(st.integers(0, 4)) for k, n in zip(pool, counts, strict=True))
    cls = nn.SpatialFractionalMaxPooling if dims == 2 else nn.VolumetricFractionalMaxPooling
    layer = cls(*pool[::-1], *counts[::-1])  # the last axis of the memory is the first of the arguments
    seed = data.draw(st.integers(0, 1000))
    x = np.random.RandomState(seed).randn(2, 3, *sizes)
    nn.manualSeed(seed)
    layer.forward(x)
    nn.manualSeed(seed)
    samples = nn.random.uniform(out=np.empty((2, 3, dims)))
    assert np.array_equal(layer.randomSamples, samples)
    g = np.random.RandomState(seed + 1).randn(*layer.output.shape)
    dx = layer.updateGradInput(x, g)
    for at in np.ndindex(2, 3):
        starts = []
        for axis in range(dims):
            u, n = samples[at][dims - 1 - axis], counts[axis]
            a = (sizes[axis] - pool[axis]) / (n - 1) if n > 1 else 0
            starts.append([int((i + u) * a) - int(u * a) for i in range(n - 1)] + [sizes[axis] - pool[axis]])
        windows = array_of(
            counts,
            lambda cell, starts=starts: elements(
                [start[i] for start, i in zip(starts, cell, strict=True)], pool, (1,) * dims, sizes
            ),
        )
        expected, places = max_pool(x[at], windows)
        assert np.array_equal(layer.output[at], expected)
        assert np.array_equal(layer.indices[at], flat(places, sizes))
        assert np.allclose(dx[at], gradient(x[at], places, g[at]))


def test_fractional_regions():
    layer, x = nn.SpatialFractionalMaxPooling(2, 2, 0.5, 0.5), np.random.RandomState(4).randn(2, 9, 9)
    nn.manualSeed(5)
    layer.forward(x)
    first = layer.randomSamples.copy()
    layer.forward(x)
    assert not np.array_equal(layer.randomSamples, first), 'each forward draws'
    layer.fixPoolingRegions()
    fixed = layer.randomSamples.copy()
    layer.forward(x)
    assert np.array_equal(layer.randomSamples, fixed)
    layer.forward(x[:1])
    assert layer.randomSamples.shape == (1, 1, 2), 'other planes need other regions'
    layer.fixPoolingRegions(False)
    before = layer.randomSamples.copy()
    layer.forward(x[:1])
    assert not np.array_equal(layer.randomSamples, before)
    layer.clearState()
    assert layer.randomSamples is None and layer.indices is None
    with pytest.raises(ValueError, match='expected .*larger than -inf in every window'):
        layer.forward(np.full((1, 9, 9), np.nan))


@given(st.integers(1, 4), st.floats(0, 1), st.integers(4, 8), st.integers(0, 99))
def test_dynamic_k_max_pooling(k, factor, frames, seed):
    x = np.random.RandomState(seed).randint(0, 4, (2, frames, 3)).astype(float)
    layer = nn.TemporalDynamicKMaxPooling(k, factor)
    k = max(k, math.ceil(factor * frames))
    g = np.random.RandomState(seed).randn(2, k, 3)
    layer.forward(x)
    dx = layer.updateGradInput(x, g)
    for n, plane in np.ndindex(2, 3):
        best = sorted(sorted(range(frames), key=lambda t: (-x[n, t, plane], t))[:k])
        assert layer.indices[n, :, plane].tolist() == [t + 1 for t in best]
        assert layer.output[n, :, plane].tolist() == x[n, best, plane].tolist()
        expected = np.zeros(frames)
        expected[best] = g[n, :, plane]
        assert np.array_equal(dx[n, :, plane], expected)


@given(st.integers(2, 5), st.integers(1, 3), st.sampled_from([1, 2, 3.5]), st.integers(0, 6), st.booleans())
def test_feature_lp_pooling(width, stride, power, more, batch):
    x = np.random.RandomState(more).rand(*(2,) * batch, width + more, 3) + 0.1
    y = nn.FeatureLPPooling(width, stride, power, batch).forward(x)
    rows = np.moveaxis(x, -2, 0)
    expected = [
        np.linalg.norm(rows[start : start + width], power, axis=0) if rows.ndim == 2
        else (rows[start : start + width] ** power).sum(0) ** (1 / power)
        for start in range(0, more + 1, stride)
    ]  # fmt: skip
    assert np.allclose(np.moveaxis(y, -2, 0), expected)


def test_feature_lp_pooling_of_zeros():
    layer = nn.FeatureLPPooling(2, 2, 2)
    x = np.array([0.0, 0, 3, 4])
    assert layer.forward(x).tolist() == [0, 5]
    assert layer.updateGradInput(x, np.array([7.0, 10])).tolist() == [0, 0, 6, 8]
    assert np.isnan(nn.FeatureLPPooling(2, 2, 3).forward(np.array([-1.0, -1]))[0]), 'the root of a negative number'
    assert str(layer) == 'nn.FeatureLPPooling(w2 s2 power 2 batch 0)'


@given(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.sampled_from([1, 2, 3.5]), st.integers(0, 3))
def test_spatial_lp_pooling(kW, kH, step, power, more):
    x = np.random.RandomState(more).rand(2, 3, kH + more, kW + 1) + 0.1
    y = nn.SpatialLPPooling(3, power, kW, kH, step, step).forward(x)
    for place in np.ndindex(y.shape):
        row, column = place[2] * step, place[3] * step
        window = x[(*place[:2], slice(row, row + kH), slice(column, column + kW))]
        assert np.isclose(y[place], (window**power).sum() ** (1 / power))


# Unpoolings


@given(geometries(2, dilated=False), st.booleans())
def test_unpooling(geometry, ceil):
    sizes, kernel, _, pad, *_, seed = geometry
    pool = nn.SpatialMaxPooling(*lua(kernel), *lua(kernel), *lua(pad))
    if ceil:
        pool.ceil()
    layer = nn.SpatialMaxUnpooling(pool)
    rng = np.random.RandomState(seed)
    x = rng.randn(2, 3, *sizes)
    y, g = pool.forward(x).copy(), rng.randn(2, 3, *sizes)
    largest = np.zeros_like(x)
    at = pool.indices.reshape(6, -1) - 1
    np.put_along_axis(largest.reshape(6, -1), at, y.reshape(6, -1), 1)
    assert np.array_equal(layer.forward(y), largest)
    assert np.array_equal(layer.updateGradInput(y, g).reshape(6, -1), np.take_along_axis(g.reshape(6, -1), at, 1))
    assert (layer.oheight, layer.owidth) == sizes


def test_unpooling_needs_its_pooling():
    pool = nn.VolumetricMaxPooling(2, 2, 2)
    layer = nn.VolumetricMaxUnpooling(pool)
    with pytest.raises(ValueError, match=r'expected .*shape of the pooling, \(0,\), got shape \(1, 1, 1, 1\)'):
        layer.forward(np.zeros((1, 1, 1, 1)))
    pool.forward(np.random.RandomState(0).randn(1, 2, 2, 4))
    assert layer.forward(np.ones((1, 1, 1, 2))).sum() == 2
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(1, 2, 2, 4\)'):
        layer.updateGradInput(np.ones((1, 1, 1, 2)), np.ones((1, 2, 2, 2)))
    pool.forward(np.full((1, 2, 2, 4), np.nan))
    with pytest.raises(ValueError, match='found an invalid max index .*2x2x4'):
        layer.forward(np.ones((1, 1, 1, 2)))
    with pytest.raises(
        TypeError, match=r'nn.VolumetricMaxUnpooling: expected a nn.VolumetricMaxPooling module, got Tanh nn.T'
    ):
        nn.VolumetricMaxUnpooling(nn.Tanh())
    with pytest.raises(TypeError, match='expected a nn.SpatialMaxPooling module'):
        nn.SpatialMaxUnpooling(nn.SpatialDilatedMaxPooling(2, 2))
    with pytest.raises(
        ValueError, match=r'expected a pooling whose stride is its kernel, got nn.SpatialMaxPooling\(2x2, 1,1\)'
    ):
        nn.SpatialMaxUnpooling(nn.SpatialMaxPooling(2, 2, 1, 1))


# Bad input

IMAGE = np.zeros((2, 4, 6))
BAD = [
    (nn.SpatialMaxPooling(5, 5), IMAGE, ValueError, 'input of at least 5x5 elements.* got 4x6'),
    (nn.SpatialMaxPooling(2, 2, 1, 1, 0, 2), IMAGE, ValueError, 'expected pad of at most half the kernel 2x2, got 2x0'),
    (nn.SpatialMaxPooling(0, 2), IMAGE, ValueError, 'expected .*of at least 1, got 2x0'),
    (nn.SpatialMaxPooling(2, 2), IMAGE[0], ValueError, r'expected .*planesxHxW, or a batch .*, got shape \(4, 6\)'),
    (nn.SpatialMaxPooling(2, 2), IMAGE.tolist(), TypeError, 'expected a tensor as input'),
    (nn.SpatialMaxPooling(2, 2), IMAGE.astype('f'), TypeError, 'expected input of float64, got float32'),
    (nn.SpatialDilatedMaxPooling(2, 2, 1, 1, 0, 0, 6, 1), IMAGE, ValueError, 'at least 2x7 elements.* got 4x6'),
    (nn.SpatialAveragePooling(7, 1), IMAGE, ValueError, 'at least 1x7 elements.* got 4x6'),
    (nn.SpatialAveragePooling(3, 3, 1, 1, 2), IMAGE, ValueError, 'expected .*half the kernel 3x3, got 0x2'),
    (nn.VolumetricMaxPooling(2, 2, 2), IMAGE, ValueError, r'planesxTxHxW.* got shape \(2, 4, 6\)'),
    (nn.VolumetricMaxPooling(2, 2, 300), np.zeros((1, 2, 300, 2)), ValueError, 'expected .*255x255x255, got 2x300x2'),
    (nn.VolumetricAveragePooling(3, 1, 1), np.zeros((1, 2, 2, 2)), ValueError, 'at least 3x1x1 elements.* got 2x2x2'),
    (nn.TemporalMaxPooling(5), IMAGE, ValueError, 'at least 5 elements.* got 4'),
    (nn.TemporalMaxPooling(2), np.zeros(4), ValueError, r'Wxplanes.* got shape \(4,\)'),
    (nn.TemporalDynamicKMaxPooling(5), IMAGE, ValueError, r'k = 5 frames.* got shape \(2, 4, 6\)'),
    (nn.TemporalDynamicKMaxPooling(1, 2), IMAGE, ValueError, 'k = 8 frames'),
    (nn.TemporalDynamicKMaxPooling(1), np.zeros(4), ValueError, r'Txplanes.* got shape \(4,\)'),
    (nn.SpatialAdaptiveMaxPooling(0, 2), IMAGE, ValueError, 'expected .*at least 1x1, got 4x6 and 2x0'),
    (nn.SpatialAdaptiveAveragePooling(2, 2), IMAGE[:, :0], ValueError, 'expected .*at least 1x1, got 0x6 and 2x2'),
    (nn.SpatialFractionalMaxPooling(2, 2, 5, 3), IMAGE, ValueError, 'got 4x6 for output 3x5 and pool size 2x2'),
    (nn.SpatialFractionalMaxPooling(2, 2, 0.1, 0.1), IMAGE, ValueError, 'at least 1 in each .* got 0x0 of 4x6'),
    (nn.FeatureLPPooling(3, 1, 2), IMAGE, ValueError, r'expected .*3 features in dimension 1, got shape \(2, 4, 6\)'),
    (nn.FeatureLPPooling(2, 1, 2, True), np.zeros(4), ValueError, r'expected .*2 to 4 dimensions, got shape \(4,\)'),
]  # fmt: skip


@pytest.mark.parametrize(('layer', 'input', 'kind', 'text'), BAD)
def test_bad_input(layer, input, kind, text):
    with pytest.raises(kind, match=text) as caught:
        layer.forward(input)
    assert str(caught.value).startswith(str(layer))


@pytest.mark.parametrize(
    'layer',
    [
        nn.SpatialMaxPooling(2, 2),
        nn.SpatialAveragePooling(2, 2),
        nn.SpatialAdaptiveMaxPooling(2, 2),
        nn.SpatialAdaptiveAveragePooling(2, 2),
        nn.SpatialFractionalMaxPooling(2, 2, 2, 2),
        nn.TemporalMaxPooling(2),
        nn.TemporalDynamicKMaxPooling(2),
        nn.FeatureLPPooling(2, 1, 2),
    ],
)
def test_gradient_of_another_shape(layer):
    g = layer.forward(IMAGE).copy()
    with pytest.raises(ValueError, match='expected gradOutput of shape .*, got shape'):
        layer.updateGradInput(IMAGE, g[..., :1])
    with pytest.raises(TypeError, match='expected gradOutput of float64'):
        layer.updateGradInput(IMAGE, g.astype('f'))


@pytest.mark.parametrize(
    'layer',
    [nn.SpatialMaxPooling(2, 2), nn.SpatialAdaptiveMaxPooling(2, 2), nn.TemporalDynamicKMaxPooling(2)],
)
def test_backward_needs_forward(layer):
    g = layer.forward(IMAGE).copy()
    layer.clearState()
    with pytest.raises(ValueError, match=': expected forward .*first'):
        layer.updateGradInput(IMAGE, g)


def test_bad_arguments():
    with pytest.raises(ValueError, match='nn.FeatureLPPooling: expected width within 2 to 16, got 17'):
        nn.FeatureLPPooling(17, 1, 2)
    with pytest.raises(ValueError, match='nn.FeatureLPPooling: expected stride within 1 to 4, got 0'):
        nn.FeatureLPPooling(2, 0, 2)
    with pytest.raises(ValueError, match='nn.SpatialFractionalMaxPooling: expected pool size of at least 2, got 2x1'):
        nn.SpatialFractionalMaxPooling(2, 1, 2, 2)
    with pytest.raises(ValueError, match=r'expected .*ratios within \(0, 1\), got \(0.5, 2\)'):
        nn.SpatialFractionalMaxPooling(2, 2, 0.5, 2)


def test_fields_may_change():
    """What is kept from call to call follows the fields."""
    x = np.random.RandomState(6).randn(1, 6, 6)
    layer, mean = nn.SpatialMaxPooling(2, 2), nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1)
    layer.forward(x)
    layer.kW, layer.dW, layer.ceil_mode = 3, 2, True
    again = nn.SpatialMaxPooling(3, 2, 2, 2).ceil()
    assert np.array_equal(layer.forward(x), again.forward(x))
    mean.forward(x)
    assert np.array_equal(
        mean.setCountExcludePad().forward(x),
        nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1).setCountExcludePad().forward(x),
    )


POOLINGS = {
    'temporal': (lambda: nn.TemporalMaxPooling(2), (4, 2)),
    'dynamic': (lambda: nn.TemporalDynamicKMaxPooling(2), (4, 2)),
    'max': (lambda: nn.SpatialMaxPooling(2, 2), (2, 4, 6)),
    'max of 3': (lambda: nn.SpatialMaxPooling(3, 3, 1, 1), (2, 4, 6)),
    'adaptive max': (lambda: nn.SpatialAdaptiveMaxPooling(2, 2), (2, 4, 6)),
    'fractional': (lambda: nn.SpatialFractionalMaxPooling(2, 2, 2, 2).fixPoolingRegions(), (2, 4, 6)),
    'volumetric': (lambda: nn.VolumetricMaxPooling(2, 2, 2), (2, 2, 4, 6)),
}


@pytest.mark.parametrize('name', POOLINGS)
def test_indices_changed_by_hand(name):
    make, shape = POOLINGS[name]
    x = np.random.RandomState(0).randn(*shape)
    for wrong in (
        lambda indices: None,
        lambda indices: indices.astype(float),
        lambda indices: indices[..., :1],
        lambda indices: np.full_like(indices, 2**40),
        lambda indices: indices.tolist(),
    ):
        layer = make()
        g = np.ones_like(layer.forward(x))
        layer.indices = wrong(layer.indices)
        if name == 'volumetric' and isinstance(layer.indices, np.ndarray) and (layer.indices == 2**40).all():
            continue  # only its three bytes are looked at
        with pytest.raises((ValueError, TypeError, IndexError), match='expected'):
            layer.updateGradInput(x, g)


@pytest.mark.parametrize('name', POOLINGS)
def test_poolings_of_nothing(name):
    make, shape = POOLINGS[name]
    for empty in ((0, *shape), (*shape[:-1], 0), (*shape[:-2], 0, shape[-1])):
        layer, x = make(), np.ones(empty)
        try:
            y = layer.forward(x)
        except ValueError as error:
            assert 'expected' in str(error)
        else:
            assert layer.updateGradInput(x, np.zeros_like(y)).shape == empty


@pytest.mark.parametrize('field, size', [('kW', 0), ('kW', 'x'), ('kW', 2.5), ('dW', 0), ('dW', -1), ('dW', None)])
def test_sizes_changed_by_hand(field, size):
    for name in ('temporal', 'max', 'max of 3', 'volumetric'):
        make, shape = POOLINGS[name]
        layer = make()
        layer.forward(np.ones(shape))
        setattr(layer, field, size)
        with pytest.raises((ValueError, TypeError), match='expected'):
            layer.forward(np.ones(shape))


def test_unpooling_after_its_pooling_was_changed():
    pool = nn.SpatialMaxPooling(2, 2)
    layer, x = nn.SpatialMaxUnpooling(pool), np.random.RandomState(0).randn(2, 4, 6)
    y = pool.forward(x).copy()
    for field, value in (
        ('indices', None),
        ('iheight', None),
        ('iwidth', 'x'),
        ('kW', 3),
        ('indices', np.ones((2, 2, 3))),
    ):
        kept = getattr(pool, field)
        setattr(pool, field, value)
        with pytest.raises((ValueError, TypeError), match='expected'):
            layer.forward(y)
        setattr(pool, field, kept)
    assert layer.forward(y).shape == x.shape


def test_lp_poolings_with_wrong_fields():
    layer, x = nn.FeatureLPPooling(2, 1, 2), np.ones(4)
    layer.forward(x)
    for field, value in (('width', 1), ('width', 99), ('stride', 0), ('power', 0), ('power', None)):
        kept = getattr(layer, field)
        setattr(layer, field, value)
        with pytest.raises((ValueError, TypeError), match='expected'):
            layer.forward(x)
        setattr(layer, field, kept)
    with pytest.raises(ValueError, match='expected a pnorm other than 0'):
        nn.SpatialLPPooling(1, 0, 2, 2)


def test_own_buffers_come_back():
    for make in (lambda: nn.SpatialMaxPooling(1, 1), lambda: nn.SpatialAveragePooling(3, 3, 1, 1, 1, 1)):
        layer, other, x = make(), make(), np.random.RandomState(0).randn(2, 4, 6)
        assert np.array_equal(layer.forward(layer.forward(x)), other.forward(other.forward(x).copy()))
        g = other.updateGradInput(x, x).copy()
        assert np.array_equal(layer.updateGradInput(x, layer.updateGradInput(x, x)), other.updateGradInput(x, g))


def test_fractional_pooling_of_nan_leaves_no_indices():
    layer = nn.SpatialFractionalMaxPooling(2, 2, 2, 2).fixPoolingRegions()
    x = np.full((2, 4, 6), np.nan)
    with pytest.raises(ValueError, match='expected an element larger than -inf in every window'):
        layer.forward(x)
    with pytest.raises(ValueError, match='expected forward of the same input first'):
        layer.updateGradInput(x, np.ones((2, 2, 2)))
