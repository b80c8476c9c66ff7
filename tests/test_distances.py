"""The layers of layers/distances.py against plain formulas, given bad input, and where they are special."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import distance
from scipy.spatial.distance import cdist
from support import (
    check_reset,
    check_without_gradInput,
    close,
    refuses,
    seeds,
    sizes,
    trained,
)

import t7nn as nn


@given(sizes, sizes, sizes, seeds)
def test_distances(n, size, outputs, seed):
    rng = np.random.RandomState(seed)
    x = rng.randn(n, size)
    layer = nn.Euclidean(size, outputs)
    close(layer.forward(x), cdist(x, layer.weight.T))
    layer = nn.WeightedEuclidean(size, outputs)
    layer.diagCov[...] = rng.rand(size, outputs) + 0.5
    c = layer.diagCov.T
    expected = [cdist(x * c[j], layer.weight.T[j : j + 1] * c[j])[:, 0] for j in range(outputs)]
    close(layer.forward(x), np.transpose(expected), 1e-10)
    layer = nn.Cosine(size, outputs)
    lengths = [np.linalg.norm(rows, axis=1) + 1e-12 for rows in (x, layer.weight)]
    close(layer.forward(x), np.einsum('ni,ji->nj', x, layer.weight) / np.outer(*lengths))


def test_a_distance_of_0_has_a_gradient_of_0():
    for layer in (nn.Euclidean(3, 1), nn.WeightedEuclidean(3, 1)):
        dx, gradients = trained(layer, layer.weight[:, 0].copy(), np.ones(1))
        assert not dx.any() and not any(gradient.any() for gradient in gradients)


def test_euclidean_without_fastBackward_computes_the_output_anew():
    layer = nn.Euclidean(3, 2)
    x, other, dy = np.ones(3), np.array([2.0, 0, 5]), np.ones(2)
    layer.forward(x)
    expected = layer.updateGradInput(x, dy).copy()
    layer.fastBackward = False
    layer.forward(other)
    close(layer.updateGradInput(x, dy), expected)


def test_gradInput_None_is_not_computed():
    check_without_gradInput(nn.Euclidean(3, 2), np.ones(3), np.ones(2))


@pytest.mark.parametrize(
    ('make', 'stdv', 'bound'),
    [
        (lambda: nn.Euclidean(4, 100), None, 1 / 2),
        (lambda: nn.Cosine(100, 4), None, 1 / 2),
        (lambda: nn.Cosine(100, 4), 0.1, 0.1 * 3**0.5),
    ],
)
def test_reset(make, stdv, bound):
    check_reset(make(), stdv, bound)


@given(st.integers(1, 3), st.integers(1, 4), st.sampled_from([0.5, 1, 1.5, 2, 3]), st.integers(0, 99))
def test_pairs(rows, size, p, seed):
    rng = np.random.RandomState(seed)
    a, b = rng.uniform(1, 3, (2, rows, size)) * rng.choice([-1, 1], (2, rows, size))
    for layer, reference in (
        (nn.DotProduct(), np.dot),
        (nn.CosineDistance(), lambda x, y: 1 - distance.cosine(x, y)),
        (nn.PairwiseDistance(p), lambda x, y: distance.minkowski(x, y, p)),
    ):
        output = layer.forward([a, b])
        np.testing.assert_allclose(output, [reference(x, y) for x, y in zip(a, b, strict=True)], 1e-9, 1e-9)
        np.testing.assert_allclose(layer.forward([a[0], b[0]]), [reference(a[0], b[0])], 1e-9, 1e-9)


@pytest.mark.parametrize('p', [1.1, 1.5, 1.9, 2, 2.5, 4])
def test_gradient_of_the_p_norm(p):
    """Torch7's is that of p = 2 for 1 < p < 2. Compared with the formula, which holds for every p > 1."""
    a, b = np.array([[3.0, -1.0, 2.0]]), np.array([[1.0, 4.0, 2.0]])
    layer = nn.PairwiseDistance(p)
    layer.forward([a, b])
    gradA, gradB = layer.backward([a, b], np.array([2.0]))
    d = a - b
    norm = (np.abs(d) ** p).sum() ** (1 / p)
    np.testing.assert_allclose(gradA, 2 * np.sign(d) * (np.abs(d) / norm) ** (p - 1), 1e-5)
    np.testing.assert_array_equal(gradB, -gradA)


def test_the_sign_of_zero_is_drawn():
    """One draw for every 0, as Torch7's random(2)."""
    a, b = np.array([[1.0, 2, 3, 4]]), np.array([[1.0, 5, 3, 4]])
    layer = nn.PairwiseDistance(1)
    layer.forward([a, b])
    nn.manualSeed(5)
    drawn = [2 * nn.random.random(2) - 3 for _ in range(3)]
    nn.manualSeed(5)
    gradInput = layer.backward([a, b], np.ones(1))[0]
    assert gradInput.tolist() == [[drawn[0], -1, drawn[1], drawn[2]]]


ERRORS = [
    (
        lambda: nn.Euclidean(3, 2).forward(np.ones((4, 2))),
        ValueError,
        'nn.Euclidean: expected input of size 3, a vector or a batch of them, got shape (4, 2)',
    ),
    (lambda: nn.Cosine(3, 2).forward(np.ones((1, 4, 3))), ValueError, 'got shape (1, 4, 3)'),
    (
        lambda: trained(nn.Cosine(3, 2), np.ones((4, 3)), np.ones((3, 2))),
        ValueError,
        'nn.Cosine: expected gradOutput of shape (4, 2), got shape (3, 2)',
    ),
]


@pytest.mark.parametrize(('call', 'kind', 'message'), ERRORS, ids=[message[-40:] for _, _, message in ERRORS])
def test_bad_calls(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()


BAD = [
    (lambda: nn.DotProduct(), np.zeros((2, 2)), TypeError, 'expected a table of 2 as input, got shape'),
    (lambda: nn.DotProduct(), [np.zeros(2), np.zeros(3)], ValueError, r'expected input\[2\] of shape \(2,\)'),
    (lambda: nn.CosineDistance(), [np.zeros((1, 1, 1))] * 2, ValueError, 'expected two vectors or matrices, got shape'),
    (lambda: nn.PairwiseDistance(), [[1], [2]], TypeError, r'expected a tensor as input\[1\]'),
]


@pytest.mark.parametrize('make, input, error, text', BAD, ids=lambda item: item if isinstance(item, str) else '')
def test_bad_input(make, input, error, text):
    refuses(make(), input, error, text)


def test_bad_gradients():
    layer, input = nn.DotProduct(), [np.zeros(2), np.zeros(2)]
    layer.forward(input)
    with pytest.raises(ValueError, match=r'^nn.DotProduct: expected gradOutput of shape \(1,\), got shape \(2,\)'):
        layer.backward(input, np.zeros(2))


@pytest.mark.parametrize('p', [0, -1, np.inf])
def test_bad_norms(p):
    with pytest.raises(ValueError, match=f'nn.PairwiseDistance: expected 0 < p < inf, got {p}'):
        nn.PairwiseDistance(p)
