"""The layers that compare a pixel with its neighbourhood against scipy.ndimage, and what they do with bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import correlate

import t7nn as nn

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
def test_formula(planes, size, kernel, threshold, seed):
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
def test_bad_input(layer):
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
