"""What Torch7 does in corners that its golden files leave out: read off its C source, expected values by hand."""

import numpy as np
import pytest

import t7nn as nn
from t7nn import optim

LEAST = -np.finfo(np.float64).max  # what Torch7's max poolings begin with


@pytest.mark.parametrize(
    'pool, size',
    [(nn.SpatialMaxPooling(1, 1, 3, 1), (1, 1, 3)), (nn.VolumetricMaxPooling(1, 1, 1, 1, 3, 1), (1,) * 3 + (3,))],
)
def test_a_window_beyond_the_image_is_the_least_number(pool, size):
    x = np.array([3.0, 1.0, 2.0]).reshape(size)
    y = pool.ceil().forward(x)
    assert y.ravel().tolist() == [3.0, LEAST]
    assert pool.updateGradInput(x, np.ones_like(y)).ravel().tolist() == [1.0, 0.0, 0.0]


def test_the_largest_of_minus_infinities_is_the_least_number():
    pool = nn.SpatialMaxPooling(2, 1)
    x = np.array([[[-np.inf, -np.inf, -np.inf, 1.0]]])
    assert pool.forward(x).ravel().tolist() == [LEAST, 1.0]
    assert pool.indices.ravel().tolist() == [0, 4]


def test_the_mean_of_a_window_beyond_the_image_is_nan_without_a_warning():
    pool = nn.SpatialAveragePooling(1, 1, 3, 1).ceil()
    x = np.array([[[3.0, 1.0, 2.0]]])
    y = pool.forward(x)
    assert y[0, 0, 0] == 3.0 and np.isnan(y[0, 0, 1])
    assert pool.updateGradInput(x, np.ones_like(y)).ravel().tolist() == [1.0, 0.0, 0.0]


def test_poolings_are_emptied():
    pool = nn.SpatialMaxPooling(2, 2)
    pool.forward(np.ones((1, 2, 2)))
    pool.empty()
    assert pool.output.size == pool.indices.size == 0


def test_the_distance_from_minus_zero_is_zero():
    criterion = nn.AbsCriterion(False)
    x, t = np.array([-0.0, 0.0, -1.0]), np.array([0.0, -0.0, 1.0])
    assert criterion.forward(x, t) == 2
    assert criterion.backward(x, t).tolist() == [1.0, 1.0, -1.0]


@pytest.mark.parametrize('value', [-1e-3, 1.5, np.nan])
def test_cross_entropy_of_what_is_no_probability(value):
    with pytest.raises(ValueError, match=r'nn.BCECriterion: expected input between 0 and 1, got one from .* to '):
        nn.BCECriterion().forward(np.array([0.5, value]), np.ones(2))


def test_cross_entropy_takes_both_ends():
    assert nn.BCECriterion(None, False).forward(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == pytest.approx(
        0, abs=1e-11
    )


@pytest.mark.parametrize('eps', [1e-3, 0.1])
def test_checkgrad_moves_float32_in_double(eps):
    """As in Torch7 x + eps is rounded to float32 once, and f may be a tensor of one element."""
    asked = []

    def cube(x):
        asked.append(x[0])
        return np.array([float(x[0]) ** 3]), 3 * x * x

    x = np.array([1.7], np.float32)
    _, _, estimate = optim.checkgrad(cube, x, eps)
    above = np.float32(float(x[0]) + eps)
    below = np.float32(float(above) - 2 * eps)
    assert asked == [x[0], above, below]
    assert estimate[0] == np.float32((float(above) ** 3 - float(below) ** 3) / (2 * eps))


@pytest.mark.parametrize(
    'make, text',
    [
        (lambda: nn.Linear(10 / 2, 6 / 2), 'nn.Linear(5 -> 3)'),
        (
            lambda: nn.SpatialConvolution(2.0, 3.0, 3.0, 2.0, None, 1.0, padW=1.0),
            'nn.SpatialConvolution(2 -> 3, 3x2, 1,1, 1,1)',
        ),
        (lambda: nn.Reshape(4 / 2, 3), 'nn.Reshape(2x3)'),
    ],
)
def test_a_whole_float_is_a_whole_number(make, text):
    assert str(make()) == text


def test_sizes_may_be_a_table_of_whole_floats():
    assert nn.CMul([2.0, 3.0]).weight.shape == (2, 3)


def test_only_arguments_that_are_whole_numbers_become_such():
    assert isinstance(nn.MulConstant(2.0).constant_scalar, float)
    with pytest.raises(TypeError, match='expected a whole number as inputSize, got float 2.5'):
        nn.Linear(2.5, 3)
