"""The layers that normalise against plain formulas, and what they do with bad input."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import correlate

import t7nn as nn

SEEDS = st.integers(0, 2**31)
BATCH_NORMS = {2: nn.BatchNormalization, 4: nn.SpatialBatchNormalization, 5: nn.VolumetricBatchNormalization}


def batch_norm(shape, *arguments, **fields):
    layer = BATCH_NORMS[len(shape)](shape[1], *arguments)
    layer.zeroGradParameters()
    vars(layer).update(fields)
    return layer


@given(
    shape=st.sampled_from([2, 4, 5]).flatmap(lambda n: st.tuples(st.integers(2, 5), *[st.integers(1, 4)] * (n - 1))),
    seed=SEEDS,
    centre=st.sampled_from([0, 0.5, -3, 1e3, -1e6]),
    eps=st.sampled_from([1e-5, 0.1]),
    momentum=st.floats(0, 1),
    affine=st.booleans(),
    scale=st.floats(-2, 2),
)
def test_batch_norm(shape, seed, centre, eps, momentum, affine, scale):
    rng = np.random.RandomState(seed)
    x, dy = centre + rng.randn(*shape), rng.randn(*shape)
    planes = shape[1]
    layer = batch_norm(shape, eps, momentum, affine, running_mean=rng.randn(planes), running_var=rng.rand(planes))
    weight, bias = (rng.randn(planes), rng.randn(planes)) if affine else (np.ones(planes), np.zeros(planes))
    if affine:
        layer.weight[:], layer.bias[:] = weight, bias
    old_mean, old_var = layer.running_mean.copy(), layer.running_var.copy()
    y, dx = layer.forward(x), layer.backward(x, dy, scale)

    axes = (0, *range(2, len(shape)))
    column = (planes,) + (1,) * (len(shape) - 2)
    deviation = x - x.mean(axes, keepdims=True)
    std = np.sqrt((deviation**2).mean(axes, keepdims=True) + eps)
    normal = deviation / std
    projected = dy - dy.mean(axes, keepdims=True) - normal * (dy * normal).mean(axes, keepdims=True)
    tolerance = 1e-11 + 1e-13 * abs(centre)  # x itself is known to 1e-16 centre, and std may be 0.003
    np.testing.assert_allclose(y, normal * weight.reshape(column) + bias.reshape(column), 1e-11, tolerance)
    np.testing.assert_allclose(dx, projected / std * weight.reshape(column), 1e-11, 300 * tolerance)
    np.testing.assert_allclose(layer.running_mean, (1 - momentum) * old_mean + momentum * x.mean(axes), 1e-12, 1e-12)
    n = x.size // planes
    variance = (deviation**2).sum(axes) / (n - 1)
    np.testing.assert_allclose(layer.running_var, (1 - momentum) * old_var + momentum * variance, 1e-10, tolerance**2)
    if affine:
        np.testing.assert_allclose(layer.gradWeight, scale * (dy * normal).sum(axes), 1e-11, 10 * n * tolerance)
        np.testing.assert_allclose(layer.gradBias, scale * dy.sum(axes), 1e-11, 1e-12)


@pytest.mark.parametrize('shape', [(3, 2), (3, 2, 2, 1), (2, 2, 1, 2, 1)])
def test_batch_norm_at_evaluation(shape):
    rng = np.random.RandomState(0)
    x, dy = rng.randn(*shape), rng.randn(*shape)
    layer = batch_norm(shape, running_mean=np.array([3.0, -1]), running_var=np.array([4.0, 0.3]))
    column = (2,) + (1,) * (len(shape) - 2)
    mean, std = layer.running_mean.reshape(column), np.sqrt(layer.running_var + 1e-5).reshape(column)
    for mode in ('evaluation', 'batch of one'):
        if mode == 'evaluation':
            layer.evaluate()
        else:
            layer.training()
            x, dy = x[:1], dy[:1]
        layer.zeroGradParameters()
        np.testing.assert_allclose(layer.forward(x), (x - mean) / std * layer.weight.reshape(column), 1e-12)
        np.testing.assert_allclose(layer.backward(x, dy), dy / std * layer.weight.reshape(column), 1e-12)
        axes = (0, *range(2, len(shape)))
        np.testing.assert_allclose(layer.gradWeight, (dy * (x - mean) / std).sum(axes), 1e-11)
        np.testing.assert_allclose(layer.gradBias, dy.sum(axes), 1e-11)
        np.testing.assert_array_equal(layer.running_mean, [3, -1])
        np.testing.assert_array_equal(layer.running_var, [4, 0.3])


def test_batch_norm_of_one_sample_at_evaluation_is_a_batch_of_one():
    layer = nn.SpatialBatchNormalization(2)
    layer.evaluate()
    x = np.ones((2, 3, 4))
    assert layer.forward(x).shape == (1, 2, 3, 4)
    assert layer.backward(x, x).shape == (1, 2, 3, 4)
    assert layer.backward(x, x[np.newaxis]).shape == (1, 2, 3, 4)


def test_batch_norm_of_constant_planes():
    for eps, expected in ((1e-5, 0), (0, 0)):
        layer = nn.BatchNormalization(2, eps)
        np.testing.assert_array_equal(layer.forward(np.full((3, 2), 5.0)), expected)


def test_batch_norm_keeps_its_running_averages_in_place():
    layer = nn.BatchNormalization(2)
    mean, variance = layer.running_mean, layer.running_var
    layer.forward(np.array([[1.0, 2], [3, 4]]))
    assert layer.running_mean is mean and layer.running_var is variance
    np.testing.assert_allclose(mean, [0.2, 0.3])
    layer.reset()
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_array_equal(variance, 1)


def test_bad_batch_norms():
    with pytest.raises(
        ValueError, match=r'nn.BatchNormalization: expected a number of planes, got 0; without parameters'
    ):
        nn.BatchNormalization(0)
    with pytest.raises(TypeError, match=r'nn.SpatialBatchNormalization: expected True or False as affine, got int 1'):
        nn.SpatialBatchNormalization(3, 1e-5, 0.1, 1)


@pytest.mark.parametrize('shape', [(3,), (2, 4), (2, 3, 1), (2, 3, 1, 1)])
def test_bad_input_of_batch_norm(shape):
    layer = nn.BatchNormalization(3)
    with pytest.raises(
        ValueError, match=r'nn.BatchNormalization \(2D\) \(3\): expected input of 2 dimensions, a batch of 3 planes'
    ):
        layer.forward(np.ones(shape))
    np.testing.assert_array_equal(layer.running_mean, 0)


def test_bad_gradients_of_batch_norm():
    layer, x = nn.BatchNormalization(3), np.ones((2, 3))
    with pytest.raises(ValueError, match='expected forward in training mode first'):
        layer.backward(x, x)
    layer.forward(x)
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(2, 3\), got shape \(4, 3\)'):
        layer.backward(x, np.ones((4, 3)))
    with pytest.raises(TypeError, match='expected gradOutput of float64, got float32'):
        layer.backward(x, x.astype(np.float32))
    layer.clearState()
    with pytest.raises(ValueError, match='expected forward in training mode first'):
        layer.backward(x, x)


@given(
    x=arrays(np.float64, array_shapes(max_dims=2), elements=st.floats(-50, 50, width=32)),
    p=st.sampled_from([1, 1.5, 2, 3, 4, math.inf]),
    eps=st.sampled_from([1e-10, 0.3]),
)
def test_normalize(x, p, eps):
    rows = np.atleast_2d(x)
    norms = [
        np.linalg.norm(row, p) + eps if p == math.inf else (np.sum(np.abs(row) ** p) + eps) ** (1 / p) for row in rows
    ]
    expected = rows / np.array(norms)[:, np.newaxis]
    np.testing.assert_allclose(nn.Normalize(p, eps).forward(x), expected.reshape(x.shape), 1e-11, 1e-14)


@pytest.mark.parametrize(
    'p, name', [(2, 'nn.Normalize(2)'), (2.5, 'nn.Normalize(2.500000)'), (math.inf, 'nn.Normalize(inf)')]
)
def test_normalize_prints(p, name):
    assert str(nn.Normalize(p)) == name


def test_gradient_of_normalize_at_zero():
    for p in (1, 1.5, 2, 3, 4, math.inf):
        layer, x = nn.Normalize(p), np.zeros((2, 3))
        np.testing.assert_array_equal(layer.forward(x), 0)
        assert np.isfinite(layer.backward(x, np.ones((2, 3)))).all()


def test_normalisations_without_a_bound_to_what_they_divide_by():
    # inf and nan without a warning, which would be an error here
    layer, x = nn.Normalize(1, 0), np.array([[0.0, 2.0], [0.0, 0.0]])
    np.testing.assert_array_equal(layer.forward(x), [[0, 1], [np.nan] * 2])
    np.testing.assert_array_equal(layer.backward(x, np.ones((2, 2))), [[np.nan, 0], [np.nan] * 2])
    for beta in (0.75, 2):
        layer, x = nn.SpatialCrossMapLRN(1, 1, beta, 0), np.array([0.0, 1.0]).reshape(2, 1, 1)
        np.testing.assert_array_equal(layer.forward(x).ravel(), [np.nan, 1])
        np.testing.assert_array_equal(layer.backward(x, np.ones((2, 1, 1))).ravel(), [np.nan, 1 - 2 * beta])


def test_bad_normalize():
    with pytest.raises(ValueError, match='nn.Normalize: expected a norm p > 0, got 0'):
        nn.Normalize(0)
    layer = nn.Normalize(2)
    with pytest.raises(
        ValueError, match=r'nn.Normalize\(2\): expected a vector or a batch of them, got shape \(1, 2, 3\)'
    ):
        layer.forward(np.ones((1, 2, 3)))
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(2, 3\), got shape \(3,\)'):
        layer.updateGradInput(np.ones((2, 3)), np.ones(3))
    with pytest.raises(TypeError, match='expected a tensor as input, got float 1.0'):
        layer.forward(1.0)


@given(x=arrays(np.float64, array_shapes(min_dims=2, max_dims=2), elements=st.floats(-50, 50, width=32)), seed=SEEDS)
def test_layer_normalization(x, seed):
    nn.manualSeed(seed)
    layer = nn.LayerNormalization(x.shape[1], 0.5, 0.1)
    features = x.shape[1]
    gain, bias = np.random.RandomState(seed).randn(2, features)
    layer.get(5).weight[:], layer.get(6).bias[:] = gain, bias
    deviation = x - x.mean(1, keepdims=True)
    expected = deviation / np.sqrt((deviation**2).mean(1, keepdims=True) + 0.1 / features) * gain + bias
    np.testing.assert_allclose(layer.forward(x), expected, 1e-10, 1e-12)
    np.testing.assert_allclose(layer.forward(x[0]), expected[0], 1e-10, 1e-12)


def test_layer_normalization_as_torch7_saved_it_takes_batches():
    layer, x = nn.LayerNormalization(3), np.array([[1.0, 2, 6], [5, 3, 1]])
    expected = layer.forward(x).copy()
    replicate = layer.get(1).get(2).get(2)
    replicate.dim, replicate.ndim = 1, 1
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer)).forward(x), expected)


def test_bad_layer_normalization():
    for shape in ((4,), (2, 4), (1, 2, 3)):
        with pytest.raises(
            ValueError, match='nn.LayerNormalization: expected a vector of size 3 or a batch of them, got'
        ):
            nn.LayerNormalization(3).forward(np.ones(shape))


@given(
    planes=st.integers(1, 8),
    batch=st.sampled_from([(), (1,), (3,)]),
    size=st.sampled_from([1, 3, 5, 7, 15]),
    seed=SEEDS,
    alpha=st.floats(0, 4),
    beta=st.just(0.75) | st.floats(0.1, 2),
    k=st.floats(0.5, 3),
)
def test_cross_map_lrn(planes, batch, size, seed, alpha, beta, k):
    x = np.random.RandomState(seed).randn(*batch, planes, 2, 3)
    expected = np.empty_like(x)
    for plane in range(planes):
        window = slice(max(0, plane - size // 2), plane + size // 2 + 1)
        total = (x[..., window, :, :] ** 2).sum(-3)
        expected[..., plane, :, :] = x[..., plane, :, :] / (k + alpha / size * total) ** beta
    np.testing.assert_allclose(nn.SpatialCrossMapLRN(size, alpha, beta, k).forward(x), expected, 1e-12)


def test_bad_cross_map_lrn():
    for size in (0, 2, -1):
        with pytest.raises(ValueError, match=f'nn.SpatialCrossMapLRN: expected an odd size, got {size}'):
            nn.SpatialCrossMapLRN(size)
    layer, x = nn.SpatialCrossMapLRN(3), np.ones((2, 3, 4))
    with pytest.raises(ValueError, match=r'nn.SpatialCrossMapLRN: expected 3D or 4D input, got shape \(3, 4\)'):
        layer.forward(x[0])
    with pytest.raises(ValueError, match=r'expected forward first, for an input of shape \(2, 3, 4\)'):
        layer.backward(x, x)
    layer.forward(x)
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(2, 3, 4\), got shape \(1, 3, 4\)'):
        layer.backward(x, x[:1])
    layer.clearState()
    with pytest.raises(ValueError, match='expected forward first'):
        layer.backward(x, x)


# The contrast of a pixel with its neighbourhood

KERNELS = st.one_of(
    st.tuples(st.sampled_from([1, 3, 5])),
    st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3])),
)


def sums(x, kernel):
    """The weighted sum of the pixels around each pixel, over all planes; the weights of all planes together are 1."""
    kernel = np.outer(kernel, kernel) if kernel.ndim == 1 else kernel
    return correlate(x.mean(0), kernel / kernel.sum(), mode='constant')


@given(
    planes=st.integers(1, 3),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    kernel=KERNELS,
    threshold=st.floats(0.01, 1),
    seed=st.integers(0, 2**31),
)
def test_contrast(planes, size, kernel, threshold, seed):
    rng = np.random.RandomState(seed)
    x, kernel = rng.randn(planes, *size), rng.rand(*kernel) + 0.1
    kept = kernel.copy()
    inside = sums(np.ones_like(x), kernel)

    def divide(x):
        deviation = np.sqrt(sums(x**2, kernel)) / inside
        return x / np.where(deviation > threshold, deviation, 7)

    centred = x - sums(x, kernel) / inside
    for layer, expected in (
        (nn.SpatialSubtractiveNormalization(planes, kernel), centred),
        (nn.SpatialDivisiveNormalization(planes, kernel, threshold, 7), divide(x)),
        (nn.SpatialContrastiveNormalization(planes, kernel, threshold, 7), divide(centred)),
    ):
        np.testing.assert_allclose(layer.forward(x), expected, 1e-9, 1e-12)
        np.testing.assert_allclose(layer.forward(np.stack([x, -x])), [expected, -expected], 1e-9, 1e-12)
    np.testing.assert_array_equal(kernel, kept)


LAYERS = [
    nn.SpatialSubtractiveNormalization, nn.SpatialDivisiveNormalization, nn.SpatialContrastiveNormalization,
]  # fmt: skip


@pytest.mark.parametrize('layer', LAYERS)
def test_images_of_changing_size(layer):
    module, rng = layer(1), np.random.RandomState(0)
    images = [rng.randn(1, *size) for size in ((4, 5), (1, 1), (4, 5), (7, 2))]
    for image in images:
        np.testing.assert_array_equal(module.forward(image), layer(1).forward(image))


@pytest.mark.parametrize('layer', LAYERS[1:])
def test_thresval_is_the_threshold_unless_given(layer):
    assert layer().thresval == 1e-4
    assert layer(1, None, 0.5).thresval == 0.5
    assert layer(1, None, 0.5, 0).thresval == 0


@pytest.mark.parametrize('layer', LAYERS)
@pytest.mark.parametrize('shape', [(2,), (3, 2), (2, 3), (3, 3, 3)])
def test_bad_kernels(layer, shape):
    message = (
        rf'{layer.typename}: expected a 1D or 2D kernel of odd sizes, with a sum other than 0, got shape \({shape[0]},'
    )
    with pytest.raises(ValueError, match=message):
        layer(1, np.ones(shape))
    with pytest.raises(ValueError, match='with a sum other than 0'):
        layer(1, np.array([-1.0, 2, -1]))


@pytest.mark.parametrize('layer', LAYERS)
def test_bad_images(layer):
    module, x = layer(2), np.ones((2, 4, 5))
    for shape in ((4, 5), (3, 4, 5), (1, 3, 4, 5), (1, 1, 2, 4, 5)):
        with pytest.raises(ValueError, match=r'expected an image of 2 planes or a batch of such, got shape \('):
            module.forward(np.ones(shape))
    with pytest.raises(TypeError, match='expected a tensor as input, got nil'):
        module.forward(None)
    module.forward(x)
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(2, 4, 5\), got shape \(2, 4, 4\)'):
        module.backward(x, x[..., :-1])


@pytest.mark.parametrize('layer', LAYERS)
def test_clearState_reaches_the_estimators(layer):
    module = layer(1)
    module.forward(np.ones((1, 4, 5)))
    inner = module.normalizer.get(1) if layer is nn.SpatialContrastiveNormalization else module
    assert inner.meanestimator.output.size
    module.clearState()
    assert not inner.meanestimator.output.size and not module.output.size


def test_a_batch_whose_squares_overflow():
    layer = nn.BatchNormalization(1)
    x = np.array([[1], [1e200]])
    assert np.array_equal(layer.forward(x), [[0], [0]])
    assert not layer.backward(x, np.array([[1.0], [2.0]])).any()
    assert np.isinf(layer.running_var).all()


@pytest.mark.parametrize('field', ['weight', 'bias', 'gradWeight', 'gradBias', 'running_mean', 'running_var'])
def test_batch_norm_with_wrong_tensors(field):
    x = np.random.RandomState(0).randn(4, 3)
    for wrong in (np.ones(2), np.ones((3, 1)), np.ones(3, int), np.ones(3, np.float32), np.ma.ones(3)):
        layer = nn.BatchNormalization(3)
        layer.forward(x)
        setattr(layer, field, wrong)
        for step in (
            lambda layer=layer: layer.forward(x),
            lambda layer=layer: layer.updateGradInput(x, x),
            lambda layer=layer: layer.accGradParameters(x, x),
            lambda layer=layer: layer.backward(x, x),
            lambda layer=layer: layer.reset(),
        ):
            with pytest.raises((ValueError, TypeError), match='expected'):
                step()


def test_batch_norm_with_kept_statistics_of_another_kind():
    layer, x = nn.BatchNormalization(3), np.random.RandomState(0).randn(4, 3)
    layer.forward(x)
    for wrong in (np.ones(2), np.ones(3, np.float32)):
        layer.save_std = wrong
        with pytest.raises((ValueError, TypeError), match='expected save_std of'):
            layer.updateGradInput(x, x)
    with pytest.raises(ValueError, match='expected input of 4 dimensions'):
        nn.SpatialBatchNormalization(2).forward(np.ones((2, 2, 0, 3)))


def test_batch_norm_without_a_bias():
    layer, x = nn.BatchNormalization(2), np.random.RandomState(0).randn(4, 2)
    layer.bias = layer.gradBias = None
    y = layer.reset().forward(x).copy()
    assert np.allclose(y.mean(0), 0)
    assert layer.backward(x, y).shape == x.shape


@pytest.mark.parametrize('size', [1, 5, 9])
def test_cross_map_lrn_with_fewer_planes_than_its_size(size):
    layer, rng = nn.SpatialCrossMapLRN(size, 0.3, 0.75, 2), np.random.RandomState(0)
    x, g = rng.randn(2, 2, 3, 3), rng.randn(2, 2, 3, 3)

    def output(x):
        near = [[c for c in range(2) if abs(c - plane) <= size // 2] for plane in range(2)]
        sums = np.stack([np.square(x[:, planes]).sum(1) for planes in near], 1)
        return x / (2 + 0.3 / size * sums) ** 0.75

    assert np.allclose(layer.forward(x), output(x), rtol=1e-13)
    step = 1e-6 * rng.randn(*x.shape)
    change = (g * (output(x + step) - output(x - step))).sum() / 2
    assert np.isclose((layer.updateGradInput(x, g) * step).sum(), change, rtol=1e-6)


def test_own_output_comes_back():
    for layer, shape in (
        (nn.SpatialCrossMapLRN(3), (2, 3, 4, 4)),
        (nn.BatchNormalization(3), (4, 3)),
        (nn.Normalize(2), (4, 3)),
        (nn.SpatialSubtractiveNormalization(1, np.ones(3)), (1, 5, 5)),
        (nn.SpatialDivisiveNormalization(1, np.ones(3)), (1, 5, 5)),
    ):
        x, other = np.random.RandomState(0).randn(*shape), layer.clone()
        expected = other.forward(other.forward(x).copy()).copy()
        assert np.array_equal(layer.forward(layer.forward(x)), expected)
        first = layer.forward(x).copy()
        g = other.updateGradInput(x, first).copy() if other.forward(x) is not None else None
        assert np.array_equal(layer.updateGradInput(x, layer.updateGradInput(x, first)), other.updateGradInput(x, g))


def test_normalizations_with_wrong_arguments():
    for make in (
        lambda: nn.SpatialSubtractiveNormalization(1, 'x'),
        lambda: nn.SpatialDivisiveNormalization(0),
        lambda: nn.SpatialContrastiveNormalization(1, np.ones((2, 2))),
        lambda: nn.SpatialCrossMapLRN(4),
        lambda: nn.Normalize(0),
        lambda: nn.BatchNormalization(0),
    ):
        with pytest.raises((ValueError, TypeError), match='expected'):
            make()
    layer = nn.SpatialSubtractiveNormalization(1, np.ones(3))
    with pytest.raises(ValueError, match='expected forward'):
        layer.updateGradInput(np.ones((1, 5, 5)), np.ones((1, 5, 5)))
    layer.meanestimator.get(1).pad_l = 3
    with pytest.raises(ValueError, match='expected an estimator that gives one number for each'):
        layer.forward(np.ones((1, 5, 5)))
