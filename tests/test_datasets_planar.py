"""Points in the plane: their shapes, their seeds, and what makes no sense."""

import numpy as np
import pytest

import t7nn as nn
from t7nn.datasets import circles, moons, spirals

every = pytest.mark.parametrize('make', [moons, circles, spirals])


@every
def test_points_and_classes(make):
    points, classes = make(31)
    assert points.shape == (31, 2) and points.dtype == np.float64
    assert classes.tolist() == [1, 2] * 15 + [1] and classes.dtype == np.int64


@every
def test_a_seed_is_a_set(make):
    assert np.array_equal(make(20, seed=3)[0], make(20, seed=3)[0])
    assert not np.array_equal(make(20, seed=3)[0], make(20, seed=4)[0])


@every
def test_the_default_generator_is_left_alone(make):
    state = nn.random.getRNGState()
    make(20)
    assert np.array_equal(nn.random.getRNGState(), state)


def test_moons_are_half_circles():
    points, classes = moons(200, noise=0)
    upper, lower = points[classes == 1] + [0.5, 0.25], points[classes == 2] + [0.5, 0.25]
    np.testing.assert_allclose(np.hypot(*upper.T), 1)
    np.testing.assert_allclose(np.hypot(lower[:, 0] - 1, lower[:, 1] - 0.5), 1)
    assert (upper[:, 1] >= 0).all() and (lower[:, 1] <= 0.5).all()


def test_circles_have_two_radii():
    points, classes = circles(200, noise=0)
    np.testing.assert_allclose(np.hypot(*points.T), classes / 2)


def test_spirals():
    points, classes = spirals(300, noise=0, arms=3, turns=2)
    radius, angle = np.hypot(*points.T), np.arctan2(points[:, 1], points[:, 0])
    expected = 2 * np.pi * (2 * radius + classes / 3)
    np.testing.assert_allclose(np.cos(angle - expected), 1)
    assert radius.max() <= 1 and set(classes) == {1, 2, 3}


def test_noise_has_its_size():
    near, far = (moons(2000, noise=noise)[0] for noise in (0, 0.2))
    assert abs((far - near).std() - 0.2) < 0.01


@every
@pytest.mark.parametrize(
    ('arguments', 'kind', 'message'),
    [
        ({'count': 1}, ValueError, r'expected count of at least 2, got 1'),
        ({'count': 2.5}, TypeError, r'expected a whole number as count, got 2\.5'),
        ({'count': True}, TypeError, r'expected a whole number as count, got True'),
        ({'noise': -0.1}, ValueError, r'expected a finite noise >= 0, got -0\.1'),
        ({'noise': np.nan}, ValueError, r'expected a finite noise >= 0, got nan'),
    ],
)
def test_what_makes_no_sense(make, arguments, kind, message):
    with pytest.raises(kind, match=f'{make.__name__}: {message}'):
        make(**arguments)


@pytest.mark.parametrize(
    ('arguments', 'kind', 'message'),
    [
        ({'arms': 0}, ValueError, 'expected the number of classes of at least 1, got 0'),
        ({'arms': 1.5}, TypeError, r'expected a whole number as the number of classes, got 1\.5'),
        ({'turns': np.inf}, ValueError, 'expected a finite number of turns, got inf'),
    ],
)
def test_spirals_that_make_no_sense(arguments, kind, message):
    with pytest.raises(kind, match=message):
        spirals(**arguments)
