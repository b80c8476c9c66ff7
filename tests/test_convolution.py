"""Convolutions against scipy.signal and plain formulas, their chunks, and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

import t7nn as nn
from t7nn.layers import _windows as windows


def by_scipy(x, w, b, stride, pad, dilation):
    """The convolution of one example by scipy.signal.correlate, every place of it, of which strides then pick some."""
    x = np.pad(x, [(0, 0)] + [(p, p) for p in pad])
    spread = np.zeros(w.shape[:2] + tuple(d * (k - 1) + 1 for k, d in zip(w.shape[2:], dilation, strict=True)))
    spread[(..., *(slice(None, None, d) for d in dilation))] = w
    picked = tuple(slice(None, None, s) for s in stride)
    return np.stack(
        [
            sum(correlate(plane, kernel, 'valid', 'direct') for plane, kernel in zip(x, kernels, strict=True))[picked]
            for kernels in spread
        ]
    ) + b.reshape(-1, *(1,) * len(stride))


@st.composite
def layers(draw, dims):
    """(geometry in the order of the memory, planes, maps, sizes, examples) of a convolution."""
    each = st.tuples(*[st.integers(1, 3)] * dims)
    kernel, stride, dilation = draw(each), draw(each), draw(each)
    pad = draw(st.tuples(*[st.integers(0, 2)] * dims))
    sizes = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 4)) for k, d, p in zip(kernel, dilation, pad, strict=True)
    )
    planes = draw(st.sampled_from([1, 2, windows.WIDE - 1, windows.WIDE, windows.WIDE + 3]))
    return kernel, stride, pad, dilation, planes, draw(st.integers(1, 3)), sizes, draw(st.integers(0, 3))


def order(sizes):
    """Sizes in the order of Torch7's arguments: (T,) W, H."""
    return (*sizes[:-2], *sizes[:-3:-1])


def check(layer, w, x, expected):
    """`layer` against the expected output, and its gradients by the inner products that define them: <dy, f(x)> is
    linear in x and in w, so that both gradients can be read off its values at other places."""
    assert np.allclose(layer.forward(x), expected(x, w), rtol=1e-12, atol=1e-12)
    rng = np.random.RandomState(3)
    g = rng.randn(*layer.output.shape)
    gradInput = layer.updateGradInput(x, g).copy()
    other = rng.randn(*x.shape)
    constant = expected(np.zeros_like(x), w)
    assert gradInput.shape == x.shape
    assert np.isclose((gradInput * other).sum(), (g * (expected(other, w) - constant)).sum(), rtol=1e-10, atol=1e-10)
    layer.zeroGradParameters()
    layer.accGradParameters(x, g, 0.5)
    other = rng.randn(*w.shape)
    change = (g * (expected(x, other) - expected(x, np.zeros_like(w)))).sum()
    assert np.isclose((layer.gradWeight.reshape(w.shape) * other).sum(), 0.5 * change, rtol=1e-10, atol=1e-10)
    planes = tuple(axis for axis in range(g.ndim) if axis != g.ndim - len(w.shape) + 1)
    assert np.allclose(layer.gradBias, 0.5 * g.sum(planes), rtol=1e-12, atol=1e-12)


def compare(make, geometry):
    kernel, stride, pad, dilation, planes, maps, sizes, count = geometry
    layer = make(planes, maps, *map(order, (kernel, stride, pad, dilation)))
    x = np.random.RandomState(1).randn(*([count] if count else []), planes, *sizes)
    bias = layer.bias.copy()

    def expected(x, w):
        examples = [by_scipy(example, w, bias, stride, pad, dilation) for example in (x if count else [x])]
        return np.stack(examples) if count else examples[0]

    check(layer, layer.weight.reshape(maps, planes, *kernel).copy(), x, expected)


@given(layers(2), st.sampled_from([1, 500, 1 << 19]))
@settings(max_examples=60, deadline=None)
def test_spatial(geometry, budget):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, 'BUDGET', budget)
        compare(lambda i, o, k, s, p, d: nn.SpatialDilatedConvolution(i, o, *k, *s, *p, *d), geometry)


@st.composite
def as_many_windows(draw, dims):
    """`layers` with many planes and maps, stride 1, and pads that make the output no smaller than the input."""
    each = st.tuples(*[st.integers(1, 3)] * dims)
    kernel, dilation = draw(each), draw(each)
    pad = tuple((d * (k - 1) + 1) // 2 + draw(st.integers(0, 2)) for k, d in zip(kernel, dilation, strict=True))
    many = st.integers(windows.WIDE, windows.WIDE + 2)
    return kernel, (1,) * dims, pad, dilation, draw(many), draw(many), draw(each), draw(st.integers(0, 2))


@given(st.one_of(as_many_windows(2), as_many_windows(3)))
@settings(max_examples=60, deadline=None)
def test_as_many_windows_as_elements(geometry):
    def make(i, o, k, s, p, d):
        kind = nn.SpatialDilatedConvolution if len(k) == 2 else nn.VolumetricDilatedConvolution
        return kind(i, o, *k, *s, *p, *d)

    compare(make, geometry)


@given(layers(3))
@settings(max_examples=30, deadline=None)
def test_volumetric(geometry):
    compare(lambda i, o, k, s, p, d: nn.VolumetricDilatedConvolution(i, o, *k, *s, *p, *d), geometry)


def test_the_weight_of_mm_is_a_matrix():
    plain, layer = nn.SpatialConvolution(2, 3, 2, 3), nn.SpatialConvolutionMM(2, 3, 2, 3)
    assert layer.weight.shape == (3, 12)
    layer.weight[...], layer.bias[...] = plain.weight.reshape(3, 12), plain.bias
    x = np.random.RandomState(0).randn(2, 2, 4, 5)
    np.testing.assert_array_equal(layer.forward(x), plain.forward(x))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 4))
def test_temporal_sub_sampling(kW, dW, more):
    layer, x = nn.TemporalSubSampling(3, kW, dW), np.random.RandomState(0).randn(kW + more, 3)
    expected = [layer.bias + layer.weight * x[t : t + kW].sum(0) for t in range(0, more + 1, dW)]
    np.testing.assert_allclose(layer.forward(x), expected, 1e-12)
    g = np.random.RandomState(1).randn(*layer.output.shape)
    layer.zeroGradParameters()
    gradInput = np.zeros_like(x)
    for row, t in zip(g, range(0, more + 1, dW), strict=True):
        gradInput[t : t + kW] += layer.weight * row
    np.testing.assert_allclose(layer.backward(x, g), gradInput, 1e-12)
    np.testing.assert_allclose(layer.gradBias, g.sum(0), 1e-12)


@given(st.integers(1, 3), st.integers(1, 3), st.sampled_from([2, 9]), st.integers(0, 4), st.integers(0, 3))
@settings(deadline=None)
def test_temporal(kW, dW, size, more, count):
    layer = nn.TemporalConvolution(size, 3, kW, dW)
    x = np.random.RandomState(2).randn(*([count] if count else []), kW + more, size)

    def expected(x, w):
        frames = range(0, kW + more - kW + 1, dW)
        return np.stack([x[..., t : t + kW, :].reshape(*x.shape[:-2], -1) @ w.T + bias for t in frames], -2)

    bias = layer.bias.copy()
    w = layer.weight.copy()
    assert np.allclose(layer.forward(x), expected(x, w), rtol=1e-12, atol=1e-12)
    g = np.random.RandomState(3).randn(*layer.output.shape)
    layer.zeroGradParameters()
    gradInput = layer.backward(x, g)
    other = np.random.RandomState(4).randn(*x.shape)
    assert np.isclose((gradInput * other).sum(), (g * (expected(other, w) - bias)).sum(), rtol=1e-10, atol=1e-10)
    assert np.isclose((layer.gradWeight * w).sum(), (g * (expected(x, w) - bias)).sum(), rtol=1e-10, atol=1e-10)


@given(layers(2), st.integers(0, 2), st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_full_is_the_transpose(geometry, adjW, adjH):
    kernel, stride, _, _, planes, maps, sizes, count = geometry
    adjust = min(adjH, stride[0] - 1), min(adjW, stride[1] - 1)
    full = nn.SpatialFullConvolution(maps, planes, *order(kernel), *order(stride), 0, 0, *order(adjust))
    plain = nn.SpatialConvolution(planes, maps, *order(kernel), *order(stride)).noBias()
    full.bias.fill(0)
    plain.weight[:] = full.weight
    y = np.random.RandomState(1).randn(count + 1, maps, *sizes)
    x = full.forward(y).copy()
    assert x.shape[2:] == tuple((n - 1) * s + k + a for n, s, k, a in zip(sizes, stride, kernel, adjust, strict=True))
    other = np.random.RandomState(2).randn(*x.shape)
    assert np.isclose((x * other).sum(), (y * plain.forward(other)).sum(), rtol=1e-10, atol=1e-10)
    assert np.allclose(full.updateGradInput(y, other), plain.output, rtol=1e-12, atol=1e-12)
    full.zeroGradParameters()
    plain.zeroGradParameters()
    full.accGradParameters(y, other, 2)
    plain.accGradParameters(other, y, 2)
    assert np.allclose(full.gradWeight, plain.gradWeight, rtol=1e-12, atol=1e-12)


def test_grouped_classes_by_plain_convolutions():
    rng = np.random.RandomState(0)
    x = rng.randn(2, 3, 5, 6)
    depthwise = nn.SpatialDepthWiseConvolution(3, 2, 3, 2, 2, 1, 1)
    weight, bias = depthwise.weight.reshape(2, 3, 1, 2, 3), depthwise.bias
    expected = [by_scipy(x[0, i : i + 1], weight[:, i], bias[:, i], (1, 2), (1, 1), (1, 1)) for i in range(3)]
    assert np.allclose(depthwise.forward(x)[0], np.concatenate(expected), rtol=1e-12, atol=1e-12)
    row = nn.TemporalRowConvolution(3, 2)
    frames = x[0, :, :, 0].T
    expected = [row.weight[i, 0] @ frames[t : t + 2, i] + row.bias[i] for t in range(4) for i in range(3)]
    assert np.allclose(row.forward(frames).ravel(), expected, rtol=1e-12, atol=1e-12)
    local = nn.SpatialConvolutionLocal(3, 2, 6, 5, 3, 2, 2, 1, 1)
    padded = np.pad(x[1], [(0, 0), (1, 1), (1, 1)])
    for i, j in np.ndindex(local.oH, local.oW):
        window = padded[:, i : i + 2, 2 * j : 2 * j + 3]
        expected = (local.weight[i, j] * window).sum((1, 2, 3)) + local.bias[:, i, j]
        assert np.allclose(local.forward(x)[1, :, i, j], expected, rtol=1e-12, atol=1e-12)


def test_map_lets_other_planes_be():
    layer = nn.SpatialConvolutionMap(nn.tables.oneToOne(2), 2, 2)
    x = np.random.RandomState(0).randn(3, 3, 4)
    assert np.array_equal(layer.forward(x), layer.forward(x[:2].copy()))
    gradInput = layer.forward(x) is not None and layer.updateGradInput(x, np.ones((2, 2, 3)))
    assert gradInput.shape == x.shape
    assert not gradInput[2].any()
    assert gradInput[:2].any()
    full = nn.SpatialFullConvolutionMap(nn.tables.oneToOne(2), 2, 2)
    assert full.forward(x).shape == (2, 4, 5)
    assert not full.updateGradInput(x, np.ones((2, 4, 5)))[2].any()


def test_a_connection_twice_counts_twice():
    layer = nn.SpatialConvolutionMap(np.array([[1.0, 1], [1, 1]]), 1, 1)
    layer.weight[:] = np.array([2.0, 3.0]).reshape(2, 1, 1)
    layer.bias[:] = 0
    x = np.ones((1, 2, 2))
    assert layer.forward(x).ravel().tolist() == [5] * 4
    layer.zeroGradParameters()
    layer.accGradParameters(x, x)
    assert layer.gradWeight.ravel().tolist() == [4, 4]


def test_map_decay():
    layer = nn.SpatialConvolutionMap(nn.tables.full(2, 2), 2, 2)
    weight, bias = layer.weight.copy(), layer.bias.copy()
    layer.decayParameters(0.25)
    assert np.array_equal(layer.weight, 0.75 * weight)
    assert np.allclose(layer.bias, 0.75 * bias)


def test_map_without_connections_to_a_plane():
    layer = nn.SpatialConvolutionMap(np.array([[1.0, 2]]), 2, 2)
    assert np.isfinite(layer.bias).all()
    assert layer.forward(np.ones((1, 3, 3)))[0].tolist() == [[layer.bias[0]] * 2] * 2


def test_tables():
    assert nn.tables.full(2, 1).tolist() == [[1, 1], [2, 1]]
    nn.manualSeed(3)
    table = nn.tables.random(5, 4, 2)
    assert table[:, 1].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert len(set(table[:4, 0])) == len(set(table[4:, 0])) == 4
    with pytest.raises(ValueError, match='nn.tables.random: expected 1 <= nto <= nin, got nto 3 and nin 2'):
        nn.tables.random(2, 2, 3)


def test_gradInput_none_is_left_out():
    for layer, shape in (
        (nn.SpatialConvolution(1, 2, 2, 2), (1, 3, 3)),
        (nn.TemporalConvolution(2, 2, 2), (3, 2)),
        (nn.SpatialFullConvolution(1, 2, 2, 2), (1, 3, 3)),
        (nn.SpatialSubSampling(1, 2, 2), (1, 3, 3)),
    ):
        layer.gradInput = None
        x = np.ones(shape)
        assert layer.backward(x, np.ones_like(layer.forward(x))) is None
        assert layer.gradWeight.any()


def test_fields_may_be_changed():
    layer = nn.SpatialConvolution(1, 1, 2, 2)
    x = np.arange(16.0).reshape(1, 4, 4)
    assert layer.forward(x).shape == (1, 3, 3)
    layer.dW = layer.dH = 2
    assert layer.forward(x).shape == (1, 2, 2)
    layer.padW = layer.padH = 1
    assert np.allclose(
        layer.forward(x), by_scipy(x, layer.weight, layer.bias, (2, 2), (1, 1), (1, 1)), rtol=1e-12, atol=1e-12
    )


def test_few_unfoldings_are_kept():
    layer = nn.SpatialConvolution(1, 1, 2, 2)
    for size in range(2, 12):
        layer.forward(np.zeros((1, size, size)))
    assert len(layer.correlation()._unfoldings) == 2


def test_no_more_than_the_budget_is_unfolded(monkeypatch):
    for planes in (1, windows.WIDE):
        layer = nn.SpatialConvolution(planes, 1, 3, 3)
        x = np.random.RandomState(0).randn(7, planes, 6, 6)
        whole = layer.forward(x).copy()
        kind = windows.formulation(layer.weight[None])
        size = 8 * kind.size(layer.window(), x, layer.output)
        monkeypatch.setattr(windows, 'BUDGET', 3 * size)
        assert np.allclose(layer.forward(x), whole, rtol=1e-12, atol=1e-12)
        laid_out = list(layer.correlation()._unfoldings.values())
        made = [item.columns if planes == 1 else item.rows for item in laid_out]
        assert [array.nbytes for array in made] == [3 * size, size]
        monkeypatch.undo()


@pytest.mark.parametrize(
    'layer, shape, message',
    [
        (nn.SpatialConvolution(2, 3, 5, 3), (2, 4, 4), 'input of at least 3x5 elements.* got 4x4'),
        (nn.SpatialConvolution(2, 3, 3, 3), (3, 4, 4), 'expected input of 2xHxW, or a batch of such, got shape'),
        (nn.SpatialConvolution(2, 3, 3, 3), (2, 4), r'input of 2xHxW.*got shape \(2, 4\)'),
        (nn.SpatialConvolution(2, 3, 3, 3, 0), (2, 4, 4), 'expected .*stride and dilation of at least 1'),
        (nn.SpatialDilatedConvolution(1, 1, 3, 3, 1, 1, 1, 1, 4, 4), (1, 6, 7), 'at least 9x9 .* padding of 1x1'),
        (nn.SpatialConvolutionLocal(1, 1, 5, 4, 2, 2), (1, 4, 4), 'expected input of 1x4x5, got sizes 4x4'),
        (nn.SpatialConvolutionMap(np.array([[2.0, 1]]), 2, 2), (1, 4, 4), r'input of 2xHxW.*got shape \(1, 4, 4\)'),
        (nn.SpatialConvolutionMap(np.array([[2.0, 1]]), 2, 2), (2, 4, 1), 'input of at least 2x2 elements.*got 4x1'),
        (nn.SpatialFullConvolution(1, 1, 1, 1, 1, 1, 1), (1, 2, 2), 'larger input, got 2x2.*would be 2x0'),
        (nn.SpatialSubSampling(2, 3, 2), (2, 2, 2), 'input of at least 2x3 elements.*got 2x2'),
        (nn.TemporalConvolution(3, 2, 4), (3, 3), 'input of at least 4 elements.*got 3'),
        (nn.TemporalConvolution(3, 2, 2), (4, 2), r'expected input of Wx3, or a batch of such, got shape \(4, 2\)'),
        (nn.TemporalRowConvolution(3, 2, 1, True), (4, 3), r'input of 3xW.*got shape \(4, 3\)'),
        (nn.VolumetricConvolution(1, 1, 2, 3, 4), (1, 3, 3, 3), 'input of at least 2x4x3 elements.* got 3x3x3'),
        (nn.VolumetricFullConvolution(1, 1, 2, 2, 2), (1, 3, 3), r'input of 1xTxHxW.*got shape \(1, 3, 3\)'),
    ],
)
def test_input_that_does_not_fit(layer, shape, message):
    with pytest.raises(ValueError, match=message) as caught:
        layer.forward(np.ones(shape))
    assert str(caught.value).startswith(str(layer))


def test_gradOutput_that_does_not_fit():
    layer = nn.SpatialConvolution(1, 2, 2, 2)
    x = np.ones((2, 1, 3, 3))
    layer.forward(x)
    before = layer.gradWeight.copy()
    for step in (layer.updateGradInput, layer.accGradParameters):
        with pytest.raises(ValueError, match='expected gradOutput of 2 x 2 planes of 2x2, got shape'):
            step(x, np.ones((2, 2, 3, 2)))
        with pytest.raises(ValueError, match='expected gradOutput of 2 x 2 planes of 2x2, got shape'):
            step(x, np.ones((2, 2, 2)))
        with pytest.raises(TypeError, match='expected gradOutput of float64, got float32'):
            step(x, np.ones((2, 2, 2, 2), np.float32))
    assert np.array_equal(layer.gradWeight, before)


def test_constructions_that_do_not_fit():
    with pytest.raises(ValueError, match='expected planes and kernel of at least 1'):
        nn.SpatialConvolution(0, 1, 2, 2)
    with pytest.raises(ValueError, match='expected planes and kernel of at least 1, got weights of 1x1x2x0'):
        nn.SpatialConvolution(1, 1, 0, 2)
    with pytest.raises(ValueError, match='expected adj smaller than the stride 2,1, got 1,1'):
        nn.SpatialFullConvolution(1, 1, 2, 2, 2, 1, 0, 0, 1, 1)
    with pytest.raises(ValueError, match='input of at least 3x5 elements.*got 2x9'):
        nn.SpatialConvolutionLocal(1, 1, 9, 2, 5, 3)
    with pytest.raises(ValueError, match=r'expected a table of connections of shape \(n, 2\), got shape \(2, 3\)'):
        nn.SpatialConvolutionMap(np.ones((2, 3)), 2, 2)
    with pytest.raises(ValueError, match='planes counted from 1 in the table of connections, got 0'):
        nn.SpatialConvolutionMap(np.zeros((1, 2)), 2, 2)


def test_target_that_cannot_be_a_target():
    layer = nn.SpatialFullConvolution(1, 1, 2, 2)
    x = np.ones((1, 2, 2))
    for table in ([x], [x, 5], [x, np.ones(3)], [x, x, x]):
        with pytest.raises(ValueError, match='expected a target with HxW as second input, got a table of'):
            layer.forward(table)


def test_an_image_of_another_dtype():
    with pytest.raises(TypeError, match='expected input of float64, got float32'):
        nn.SpatialConvolution(1, 1, 2, 2).forward(np.ones((1, 3, 3), np.float32))
    with pytest.raises(TypeError, match='expected a tensor as input, got a table of 2'):
        nn.SpatialConvolution(1, 1, 2, 2).forward([1, 2])


def test_an_empty_batch():
    for planes in (1, windows.WIDE):
        layer = nn.SpatialConvolution(planes, 2, 2, 2)
        x = np.ones((0, planes, 3, 3))
        assert layer.forward(x).shape == (0, 2, 2, 2)
        assert layer.backward(x, layer.output).shape == x.shape


LAYERS = {
    'temporal': (lambda: nn.TemporalConvolution(2, 3, 2), (4, 2)),
    'rows': (lambda: nn.TemporalRowConvolution(2, 2), (4, 2)),
    'sums': (lambda: nn.TemporalSubSampling(2, 2), (4, 2)),
    'spatial': (lambda: nn.SpatialConvolution(2, 3, 2, 2), (2, 4, 5)),
    'wide': (lambda: nn.SpatialConvolution(windows.WIDE, 3, 2, 2), (windows.WIDE, 4, 5)),
    'MM': (lambda: nn.SpatialConvolutionMM(2, 3, 2, 2), (2, 4, 5)),
    'local': (lambda: nn.SpatialConvolutionLocal(2, 3, 5, 4, 2, 2), (2, 4, 5)),
    'depthwise': (lambda: nn.SpatialDepthWiseConvolution(2, 3, 2, 2), (2, 4, 5)),
    'map': (lambda: nn.SpatialConvolutionMap(nn.tables.full(2, 3), 2, 2), (2, 4, 5)),
    'full map': (lambda: nn.SpatialFullConvolutionMap(nn.tables.full(2, 3), 2, 2), (2, 4, 5)),
    'full': (lambda: nn.SpatialFullConvolution(2, 3, 2, 2), (2, 4, 5)),
    'subsampling': (lambda: nn.SpatialSubSampling(2, 2, 2), (2, 4, 5)),
    'volumetric': (lambda: nn.VolumetricConvolution(2, 3, 2, 2, 2), (2, 3, 4, 5)),
    'volumetric full': (lambda: nn.VolumetricFullConvolution(2, 3, 2, 2, 2), (2, 3, 4, 5)),
}


@pytest.mark.parametrize('name', LAYERS)
@pytest.mark.parametrize('field', ['weight', 'bias', 'gradWeight', 'gradBias'])
def test_parameters_of_another_shape_or_dtype(name, field):
    make, shape = LAYERS[name]
    x = np.ones(shape)
    for kind, wrong in {
        ValueError: lambda tensor: np.ones((*tensor.shape[:-1], tensor.shape[-1] + 1)),
        TypeError: lambda tensor: np.ones(tensor.shape, int),
    }.items():
        layer = make()
        g = np.ones_like(layer.forward(x))
        setattr(layer, field, wrong(getattr(layer, field)))
        before = [None if tensor is None else tensor.copy() for tensor in sum(layer.parameters(), [])]
        for step in (
            lambda layer=layer: layer.forward(x),
            lambda layer=layer, g=g: layer.updateGradInput(x, g),
            lambda layer=layer, g=g: layer.accGradParameters(x, g),
            lambda layer=layer: layer.reset(),
        ):
            with pytest.raises(kind, match=f'expected {field} of'):
                step()
        for tensor, values in zip(sum(layer.parameters(), []), before, strict=True):
            assert np.array_equal(tensor, values)


@pytest.mark.parametrize('name', LAYERS)
def test_sizes_changed_by_hand(name):
    make, shape = LAYERS[name]
    x = np.ones(shape)
    for field, size, message in (
        ('kW', 0, 'expected'),
        ('kW', -1, 'expected'),
        ('kW', 1.5, 'expected a whole number as kW'),
        ('kW', 'x', 'expected a whole number as kW'),
        ('kW', 2**70, 'expected'),
        ('dW', 0, 'expected'),
        ('dW', -2, 'expected'),
        ('dW', None, 'expected a whole number as dW, got nil'),
        ('dW', 2**40, 'expected dW within'),
    ):
        layer = make()
        g = np.ones_like(layer.forward(x))
        setattr(layer, field, size)
        for step in (lambda layer=layer: layer.forward(x), lambda layer=layer, g=g: layer.backward(x, g)):
            with pytest.raises((ValueError, TypeError), match=message):
                step()
        setattr(layer, field, {'kW': 2, 'dW': 1}[field])
        assert layer.forward(x).shape == g.shape


def test_a_stride_larger_than_the_input_takes_no_memory():
    for planes in (1, windows.WIDE):
        layer = nn.SpatialConvolution(planes, 1, 1, 2, 2**30, 2**30)
        x = np.random.RandomState(0).randn(2, planes, 2, 3)
        y = layer.forward(x)
        assert np.allclose(y[:, 0, 0, 0], np.einsum('ncij,cij->n', x[..., :1], layer.weight[0]) + layer.bias)
        assert not layer.updateGradInput(x, np.ones_like(y))[..., 1:].any()


@pytest.mark.parametrize('name', LAYERS)
def test_own_buffers_come_back(name):
    make, shape = LAYERS[name]
    layer, x = make(), np.random.RandomState(0).randn(*shape)
    y = layer.forward(x).copy()
    again = layer.updateGradInput(x, y).copy()
    assert np.array_equal(layer.updateGradInput(x, layer.forward(x)), again)
    other = layer.clone()
    if again.shape == y.shape:
        expected = other.updateGradInput(x, again)
        assert np.array_equal(layer.updateGradInput(x, layer.gradInput), expected)


@pytest.mark.parametrize('table', [nn.tables.oneToOne(2), np.array([[1, 1], [2, 2], [2, 2], [2, 3]])])
def test_nan_passes_only_where_planes_are_connected(table):
    layer = nn.SpatialConvolutionMap(table, 2, 2)
    x = np.random.RandomState(0).randn(2, 2, 3, 3)
    y = layer.forward(x).copy()
    g = np.random.RandomState(1).randn(*y.shape)
    dx = layer.updateGradInput(x, g).copy()
    layer.zeroGradParameters()
    layer.accGradParameters(x, g)
    dw = layer.gradWeight.copy()
    for value in (np.nan, np.inf):
        wrong = x.copy()
        wrong[:, 1] = value
        assert np.allclose(layer.forward(wrong)[:, 0], y[:, 0], rtol=1e-13)
        assert not np.isfinite(layer.output[:, 1:]).any()
        layer.zeroGradParameters()
        layer.accGradParameters(wrong, g)
        assert np.allclose(layer.gradWeight[0], dw[0], rtol=1e-13)
        assert not np.isfinite(layer.gradWeight[1:]).any()
        wrong = g.copy()
        wrong[:, 1] = value
        assert np.allclose(layer.updateGradInput(x, wrong)[:, 0], dx[:, 0], rtol=1e-13)
        assert not np.isfinite(layer.gradInput[:, 1]).any()


def test_nan_in_full_convolution_by_connections():
    layer = nn.SpatialFullConvolutionMap(nn.tables.oneToOne(2), 2, 2)
    x = np.random.RandomState(0).randn(2, 3, 3)
    y = layer.forward(x)[0].copy()
    x[1] = np.nan
    assert np.allclose(layer.forward(x)[0], y, rtol=1e-13)
    assert np.isnan(layer.output[1]).all()
    g = np.ones_like(layer.output)
    g[1] = np.nan
    assert np.isfinite(layer.updateGradInput(x, g)[0]).all()
    assert np.isnan(layer.gradInput[1]).all()


def test_planes_without_connections():
    layer = nn.SpatialConvolutionMap(np.array([[1, 1], [3, 3]]), 2, 2)
    x = np.random.RandomState(0).randn(3, 3, 3)
    for value in (0, np.nan):
        x[1] = value
        assert np.array_equal(layer.forward(x)[1], np.full((2, 2), layer.bias[1]))
        g = np.ones((3, 2, 2))
        g[1] = value
        assert not layer.updateGradInput(x, g)[1].any()


def test_a_table_of_connections_changed_by_hand():
    layer = nn.SpatialConvolutionMap(nn.tables.full(2, 2), 2, 2)
    x = np.ones((2, 3, 3))
    layer.connTable = layer.connTable[:3]
    with pytest.raises(ValueError, match=r'expected weight of shape \(3, 2, 2\)'):
        layer.forward(x)
    layer.connTable = np.array([[1.0, 1], [5, 1], [1, 2], [2, 2]])
    with pytest.raises(IndexError, match=r'expected input plane in 1\.\.2, got 5'):
        layer.forward(x)
    for wrong in ('x', [[1, 1.5]], [[1, 0]], [1, 2], None):
        with pytest.raises(ValueError, match='expected'):
            nn.SpatialConvolutionMap(wrong, 2, 2)


@pytest.mark.parametrize('name', ['full', 'volumetric full'])
def test_the_gradient_of_a_target_is_one_zero(name):
    make, shape = LAYERS[name]
    layer, x, target = make(), np.ones(shape), np.ones((3, *(size + 1 for size in shape[1:])))
    y = layer.forward([x, target])
    gradInput = layer.updateGradInput([x, target], np.ones_like(y))
    assert gradInput[1].shape == target.shape
    assert gradInput[1].strides == (0,) * target.ndim
    assert not gradInput[1].any()
    gradInput[1] *= 2
    assert np.array_equal(layer.updateGradInput([x, target], np.ones_like(y))[1], np.zeros(target.shape))


def test_gradients_with_strides_of_their_own():
    layer = nn.SpatialConvolutionLocal(2, 3, 5, 4, 2, 2)
    x = np.random.RandomState(0).randn(2, 2, 4, 5)
    g = np.random.RandomState(1).randn(*layer.forward(x).shape)
    layer.zeroGradParameters()
    layer.accGradParameters(x, g)
    expected = layer.gradWeight.copy()
    layer.gradWeight = np.zeros(expected.shape[::-1]).T
    layer.accGradParameters(x, g)
    assert np.allclose(layer.gradWeight, expected, rtol=1e-13)


def test_weights_in_both_of_torch7s_forms():
    for make in (lambda: nn.SpatialConvolution(2, 3, 2, 2), lambda: nn.SpatialConvolutionMM(2, 3, 2, 2)):
        layer, x = make(), np.random.RandomState(0).randn(2, 4, 5)
        y = layer.forward(x).copy()
        for shape in ((3, 8), (3, 2, 2, 2)):
            layer.weight, layer.gradWeight = layer.weight.reshape(shape), layer.gradWeight.reshape(shape)
            assert np.array_equal(layer.forward(x), y)
            layer.accUpdateGradParameters(x, np.ones_like(y), 0.0)
            assert layer.weight.shape == shape
