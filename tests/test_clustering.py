"""Kmeans against plain formulas; its update is Lloyd's step."""

import numpy as np
import pytest

import t7nn as nn


def problem(seed=0, k=3, n=20, dim=2):
    nn.manualSeed(seed)
    x = nn.random.rand(n, dim) * 4
    layer = nn.Kmeans(k, dim)
    layer.initRandom(x)
    return layer, x


def test_forward_finds_the_nearest_centres():
    layer, x = problem()
    distances = np.linalg.norm(x[:, None] - layer.weight, axis=2)
    np.testing.assert_array_equal(layer.forward(x), distances.argmin(1) + 1)
    np.testing.assert_allclose(layer.loss, (distances.min(1) ** 2).sum())


def test_a_step_of_rate_1_is_lloyds():
    layer, x = problem()
    nearest = layer.forward(x)
    means = [x[nearest == k].mean(0) for k in (1, 2, 3)]
    layer.backwardUpdate(x, None, 1)
    np.testing.assert_allclose(layer.weight, means, rtol=1e-6)
    np.testing.assert_array_equal(layer.clusterSampleCount, np.bincount(nearest.astype(int))[1:])


def test_gradients_and_updates_agree():
    layer, x = problem()
    before = layer.weight.copy()
    layer.forward(x)
    np.testing.assert_array_equal(layer.backward(x, None, 0.5), np.zeros_like(x))
    gradient = layer.gradWeight.copy()
    layer.accGradParameters(x, None, 0.5)
    np.testing.assert_allclose(layer.gradWeight, 2 * gradient)
    layer.accUpdateGradParameters(x, None, 0.5)
    np.testing.assert_allclose(layer.weight, before - gradient)
    layer.scale = 0.25  # takes the place of every other scale
    layer.zeroGradParameters()
    layer.forward(x)
    layer.accGradParameters(x, None, 100)
    one = layer.gradWeight.copy()
    layer.zeroGradParameters()
    layer.accGradParameters(x, None)
    np.testing.assert_array_equal(layer.gradWeight, one)


def test_loss_falls_until_it_stands():
    layer, x = problem(n=60)
    losses = []
    for _ in range(20):
        layer.forward(x)
        losses.append(layer.loss)
        layer.backwardUpdate(x, None, 1)
    assert all(later <= earlier + 1e-6 for earlier, later in zip(losses, losses[1:], strict=False))
    assert losses[-1] < losses[0]


def test_kmeans_plus_begins_with_rows_far_apart():
    x = np.repeat([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]], 5, 0)
    for seed in range(10):
        nn.manualSeed(seed)
        layer = nn.Kmeans(3, 2)
        layer.initKmeansPlus(x, 0.95)
        assert len(np.unique(layer.weight, axis=0)) == 3
        layer.forward(x)
        assert layer.loss == 0
    assert layer.p == 0.95


def test_copies():
    layer, x = problem()
    layer.forward(x)
    for other in (layer.clone(), nn.loads(nn.dumps(layer))):
        np.testing.assert_array_equal(other.forward(x), layer.forward(x))
        assert other.loss == layer.loss
    assert layer.float().forward(x.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    'call, kind, text',
    [
        (lambda: nn.Kmeans(0, 2), ValueError, 'expected k of at least 1, got 0'),
        (lambda: nn.Kmeans(2, -1), ValueError, 'expected dim of at least 1, got -1'),
        (lambda: nn.Kmeans(2.5, 1), TypeError, 'expected a whole number as k, got float 2.5'),
        (lambda: nn.Kmeans(2, 1, 0), ValueError, 'expected scale > 0, got 0'),
        (lambda: nn.Kmeans(2, 3).forward(np.ones((2, 2))), ValueError, r'expected input of shape \(N, 3\), got'),
        (lambda: nn.Kmeans(2, 3).forward([1]), TypeError, 'expected a tensor as input, got a table of 1'),
        (lambda: nn.Kmeans(2, 3).backward(np.ones((2, 3)), None), ValueError, r'expected forward\(input\) first'),
        (lambda: nn.Kmeans(2, 3).initRandom(np.ones((1, 3))), ValueError, 'expected at least k = 2 rows'),
        (lambda: nn.Kmeans(2, 3).initKmeansPlus(np.ones((2, 3)), 2), ValueError, r'expected p in \[0, 1\], got 2'),
        (lambda: nn.Kmeans(2, 3).initKmeansPlus(np.ones((0, 3))), ValueError, 'expected at least one row'),
    ],
)
def test_bad_input(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


def test_centres_of_another_kind():
    layer = nn.Kmeans(2, 1)
    layer.weight = np.array([[1], [2]])
    with pytest.raises(TypeError, match='expected weight of float64, got int64'):
        layer.forward(np.ones((3, 1)))
    layer.weight = np.ones((3, 1))
    with pytest.raises(ValueError, match=r'expected weight of shape \(2, 1\), got shape \(3, 1\)'):
        layer.forward(np.ones((3, 1)))
