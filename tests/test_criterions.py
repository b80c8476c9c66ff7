"""The criterions: what all must obey, each against an independent formula, bad input."""

import math

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import distance
from table import CriterionRow, rows

import t7nn as nn
from t7nn.tensors import nested_map
from t7nn.testing import check_criterion
from t7nn.testing.compare import compare

TABLE = rows(CriterionRow)


# What all must obey


@pytest.mark.parametrize('row', TABLE.values(), ids=TABLE)
def test_row(row):
    nn.manualSeed(7)
    check_criterion(row.make(), *row.draw(), batch=row.batch, skip=row.skip)


def test_every_criterion_has_a_row():
    made = {type(row.make()) for row in TABLE.values()}
    public = {
        thing
        for name, thing in vars(nn).items()
        if isinstance(thing, type) and issubclass(thing, nn.Criterion) and name != 'Criterion'
    }
    assert public and public <= made


# Each against a formula: a loss and its derivative for one element, one class or one example


def evaluate(criterion, input, target):
    """The loss, and a copy of gradInput."""
    return criterion.forward(input, target), nested_map(np.copy, criterion.backward(input, target))


def same(actual, expected, what, tolerance=1e-12):
    """Raise unless two pairs (loss, gradInput) agree."""
    compare(list(actual), list(expected), what, 'the formula gives', tolerance)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


#: criterion of a parameter a, targets, loss(a, x, t), slope(a, x, t)
ELEMENTWISE = {
    'MSE': (lambda a: nn.MSECriterion(), 'any', lambda a, x, t: (x - t) ** 2, lambda a, x, t: 2 * (x - t)),
    'Abs': (
        lambda a: nn.AbsCriterion(),
        'any',
        lambda a, x, t: math.fabs(x - t),
        lambda a, x, t: 1 if x >= t else -1,
    ),
    'SmoothL1': (
        lambda a: nn.SmoothL1Criterion(),
        'any',
        lambda a, x, t: scipy.special.huber(1, x - t),
        lambda a, x, t: min(1, max(-1, x - t)),
    ),
    'L1Cost': (
        lambda a: nn.L1Cost(),
        'any',
        lambda a, x, t: math.fabs(x),
        lambda a, x, t: int(x > 0) - int(x < 0),
    ),
    'DistKLDiv': (
        lambda a: nn.DistKLDivCriterion(),
        'probability',
        lambda a, x, t: t * (math.log(t) - x) if t else 0,
        lambda a, x, t: -t,
    ),
    'Margin': (
        nn.MarginCriterion,
        'any',
        lambda a, x, t: max(0, a - x * t),
        lambda a, x, t: -t if x * t < a else 0,
    ),
    'SoftMargin': (
        lambda a: nn.SoftMarginCriterion(),
        'any',
        lambda a, x, t: math.log(1 + math.exp(-x * t)),
        lambda a, x, t: -t * sigmoid(-x * t),
    ),
    'MultiLabelSoftMargin': (
        lambda a: nn.MultiLabelSoftMarginCriterion(),
        'probability',
        lambda a, x, t: -t * math.log(sigmoid(x)) - (1 - t) * math.log(1 - sigmoid(x)),
        lambda a, x, t: sigmoid(x) - t,
    ),
    'HingeEmbedding': (
        nn.HingeEmbeddingCriterion,
        'sign',
        lambda a, x, t: x if t == 1 else max(0, a - x),
        lambda a, x, t: 1 if t == 1 else -1 if x <= a else 0,
    ),
}
TARGETS = {
    'any': st.floats(-4, 4),
    'probability': st.floats(0, 1),
    'sign': st.sampled_from([-1.0, 1.0]),
}
# Coarse values, so that ties and kinks are hit
VALUES = st.one_of(st.floats(-4, 4), st.integers(-4, 4).map(lambda n: n / 2))
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@pytest.mark.parametrize('name', ELEMENTWISE)
@given(data=st.data())
def test_elementwise(name, data):
    make, targets, loss, slope = ELEMENTWISE[name]
    margin, average = data.draw(VALUES), data.draw(st.booleans())
    shape = data.draw(SHAPES)
    x = data.draw(arrays(float, shape, elements=VALUES))
    t = data.draw(arrays(float, shape, elements=TARGETS[targets]))
    criterion = make(margin)
    if name == 'L1Cost':
        average = False
    else:
        criterion.sizeAverage = average
    count = x.size if average else 1
    pairs = list(zip(x.flat, t.flat, strict=True))
    expected = (
        math.fsum(loss(margin, *pair) for pair in pairs) / count,
        np.reshape([slope(margin, *pair) for pair in pairs], shape) / count,
    )
    same(evaluate(criterion, x, t), expected, name, 1e-11)


@given(data=st.data())
def test_weights_of_elements(data):
    n, size = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    w = data.draw(arrays(float, size, elements=st.floats(0.1, 3)))
    p = data.draw(arrays(float, (n, size), elements=st.floats(0.01, 0.99)))
    t = data.draw(arrays(float, (n, size), elements=st.floats(0, 1)))
    cross_entropy = -w * (t * np.log(p) + (1 - t) * np.log(1 - p))
    bce = nn.BCECriterion(w)
    assert bce.forward(p, t) == pytest.approx(cross_entropy.mean(), rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(bce.backward(p, t), w * (p - t) / (p * (1 - p)) / p.size, rtol=1e-8, atol=1e-9)
    # the same loss of x = log(p / (1 - p))
    x, soft = scipy.special.logit(p), nn.MultiLabelSoftMarginCriterion(w)
    assert soft.forward(x, t) == pytest.approx(cross_entropy.mean(), rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(soft.backward(x, t), w * (p - t) / p.size, rtol=1e-9, atol=1e-12)
    # the weights of WeightedMSE multiply the target only
    weighted = nn.WeightedMSECriterion(w)
    w[0] = 7  # its own copy stays
    expected = np.mean((x - weighted.weight * t) ** 2), 2 * (x - weighted.weight * t) / x.size
    assert weighted.weight[0] != 7
    same(evaluate(weighted, x, t), expected, 'WeightedMSE')


@given(data=st.data())
def test_crop(data):
    sizes = st.integers(1, 5)
    lead = data.draw(st.lists(st.integers(1, 2), min_size=1, max_size=2))
    height, width, more, wider = (data.draw(sizes) for _ in range(4))
    x = data.draw(arrays(float, (*lead, height, width), elements=VALUES))
    t = data.draw(arrays(float, (*lead, height + more - 1, width + wider - 1), elements=VALUES))
    rows, columns = range((more - 1) // 2, (more - 1) // 2 + height), range((wider - 1) // 2, (wider - 1) // 2 + width)
    difference = x - t.take(rows, -2).take(columns, -1)
    expected = np.mean(difference**2), 2 * difference / x.size
    same(evaluate(nn.SpatialAutoCropMSECriterion(), x, t), expected, 'crop')


def class_margin(x, targets, p=1, weights=None, margin=1.0, average=True):
    """The losses of the margin criterions and their gradient, target by target and class by class."""
    loss, gradient = 0.0, np.zeros_like(x)
    for n, listed in enumerate(targets):
        for t in listed:
            for i in range(x.shape[1]):
                excess = margin - x[n, t] + x[n, i]
                if i not in listed and excess > 0:
                    w = 1 if weights is None else weights[t]
                    loss += w * excess**p
                    gradient[n, i] += w * p * excess ** (p - 1)
                    gradient[n, t] -= w * p * excess ** (p - 1)
    count = x.size if average else x.shape[1]
    return loss / count, gradient / count


def batch(data, fewest=1):
    n, count = data.draw(st.tuples(st.integers(1, 4), st.integers(fewest, 5)))
    return data.draw(arrays(float, (n, count), elements=VALUES))


@given(data=st.data())
def test_multi_margin(data):
    x = batch(data)
    t = data.draw(arrays(int, len(x), elements=st.integers(1, x.shape[1])))
    p, margin, average = data.draw(st.tuples(st.sampled_from([1, 2]), VALUES, st.booleans()))
    w = data.draw(st.none() | arrays(float, x.shape[1], elements=st.floats(0, 3)))
    criterion = nn.MultiMarginCriterion(p, w, margin)
    criterion.sizeAverage = average
    expected = class_margin(x, [[label - 1] for label in t], p, w, margin, average)
    same(evaluate(criterion, x, t), expected, 'MultiMargin')
    # one example alone
    loss, gradient = class_margin(x[:1], [[t[0] - 1]], p, w, margin)
    for target in (int(t[0]), t[:1], t[:1].astype(float)):
        same(evaluate(criterion, x[0], target), (loss, gradient[0]), 'MultiMargin of one')


@given(data=st.data())
def test_multi_label_margin(data):
    x = batch(data)
    t = data.draw(arrays(int, x.shape, elements=st.integers(0, x.shape[1])))
    average = data.draw(st.booleans())
    listed = [[int(label) - 1 for label in row[: list(row).index(0) if 0 in row else None]] for row in t]
    criterion = nn.MultiLabelMarginCriterion()
    criterion.sizeAverage = average
    expected = class_margin(x, listed, average=average)
    same(evaluate(criterion, x, t), expected, 'MultiLabelMargin')
    loss, gradient = class_margin(x[:1], listed[:1])
    same(evaluate(criterion, x[0], t[0].astype(float)), (loss, gradient[0]), 'MultiLabelMargin of one')


@given(data=st.data())
def test_log_likelihood(data):
    x = batch(data)
    n, classes = x.shape
    t = data.draw(arrays(int, n, elements=st.integers(1, classes)))
    w = data.draw(st.none() | arrays(float, classes, elements=st.floats(0.1, 3)))
    average, ignored = data.draw(st.booleans()), data.draw(st.sampled_from([-100, 0, 1, 2]))
    weights = [0 if label == ignored else 1 if w is None else w[label - 1] for label in t]
    count = sum(weights) if average and sum(weights) else 1
    loss, gradient = 0.0, np.zeros_like(x)
    for i, (label, weight) in enumerate(zip(t, weights, strict=True)):
        loss -= weight * x[i, label - 1] / count
        gradient[i, label - 1] = -weight / count
    criterion = nn.ClassNLLCriterion(w, average, ignored)
    same(evaluate(criterion, x, t), (loss, gradient), 'ClassNLL')
    label, weight = t[0].item(), weights[0] if not average else float(weights[0] > 0)
    expected = -weight * x[0, label - 1], -weight * (np.arange(1, classes + 1) == label)
    for one in (label, float(label), np.array([label])):
        same(evaluate(criterion, x[0], one), expected, 'ClassNLL of one')


@given(data=st.data())
def test_spatial_log_likelihood_is_that_of_all_pixels(data):
    shape = data.draw(st.tuples(*[st.integers(1, 3)] * 4))
    n, classes, height, width = shape
    x = data.draw(arrays(float, shape, elements=VALUES))
    t = data.draw(arrays(int, (n, height, width), elements=st.integers(1, classes)))
    w = data.draw(st.none() | arrays(float, classes, elements=st.floats(0.1, 3)))
    average = data.draw(st.booleans())
    loss, gradient, total = 0.0, np.zeros(shape), 0.0
    for i, row, column in np.ndindex(t.shape):
        k = t[i, row, column] - 1
        weight = 1 if w is None else w[k]
        total += weight
        loss -= weight * x[i, k, row, column]
        gradient[i, k, row, column] = -weight
    count = total if average else 1
    criterion = nn.SpatialClassNLLCriterion(w, average)
    same(evaluate(criterion, x, t), (loss / count, gradient / count), 'SpatialClassNLL')


@given(data=st.data())
def test_cross_entropy(data):
    x = batch(data, 2)
    t = data.draw(arrays(int, len(x), elements=st.integers(1, x.shape[1])))
    w = data.draw(arrays(float, x.shape[1], elements=st.floats(0.1, 3)))
    weights = w[t - 1] / w[t - 1].sum()
    loss = -(weights * scipy.special.log_softmax(x, 1)[np.arange(len(x)), t - 1]).sum()
    gradient = weights[:, None] * (scipy.special.softmax(x, 1) - np.eye(x.shape[1])[t - 1])
    same(evaluate(nn.CrossEntropyCriterion(w), x, t), (loss, gradient), 'CrossEntropy')


@pytest.mark.parametrize('n', [2, 3, 4, 7, 20])
def test_simplex(n):
    criterion = nn.ClassSimplexCriterion(n)
    vertices = criterion.simplex
    # a regular simplex: unit vectors, all at one angle, their sum 0, none in the last dimension
    np.testing.assert_allclose(vertices @ vertices.T, (np.eye(n) * n - 1) / (n - 1), atol=1e-13)
    np.testing.assert_allclose(vertices.sum(0), 0, atol=1e-13)
    assert not vertices[:, -1].any()
    rng = np.random.RandomState(n)
    t = rng.randint(1, n + 1, 5)
    x = vertices[t - 1] + rng.uniform(-0.01, 0.01, (5, n))
    difference = x - vertices[t - 1]
    same(evaluate(criterion, x, t), (np.mean(difference**2), difference * 2 / x.size), 'simplex')
    np.testing.assert_array_equal(criterion.getTopPrediction(x), t)
    np.testing.assert_array_equal(criterion.getTopPrediction(x[0]), t[:1])
    np.testing.assert_allclose(criterion.getPredictions(x[0]), [vertices @ x[0]])
    assert criterion.float().getPredictions(x.astype(np.float32)).dtype == np.float32


def pairs(data, shape):
    return [data.draw(arrays(float, shape, elements=VALUES)) for _ in range(2)]


@given(data=st.data())
def test_embeddings(data):
    size, margin, y = data.draw(st.tuples(st.integers(1, 5), st.floats(-1, 2), st.sampled_from([1, -1])))
    x1, x2 = pairs(data, size)
    l1 = distance.cityblock(x1, x2)
    assert nn.L1HingeEmbeddingCriterion(margin).forward([x1, x2], y) == pytest.approx(
        l1 if y == 1 else max(0, margin - l1), abs=1e-12
    )
    x1, x2 = x1 + 5, x2 + 5  # a cosine needs lengths
    cosine = 1 - distance.cosine(x1, x2)
    for target in (y, np.array([float(y)])):
        assert nn.CosineEmbeddingCriterion(margin).forward([x1, x2], target) == pytest.approx(
            1 - cosine if y == 1 else max(0, cosine - margin), abs=1e-9
        )


@given(data=st.data())
def test_batches_of_pairs(data):
    n, size = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    margin, average = data.draw(st.tuples(st.floats(-1, 1), st.booleans()))
    x1, x2 = pairs(data, (n, size))
    y = data.draw(arrays(float, n, elements=TARGETS['sign']))
    count = n if average else 1

    def close(criterion, input, target, expected):
        criterion.sizeAverage = average
        assert criterion.forward(input, target) == pytest.approx(expected / count, abs=1e-9)

    cosines = [1 - distance.cosine(a + 5, b + 5) for a, b in zip(x1, x2, strict=True)]
    close(
        nn.CosineEmbeddingCriterion(margin),
        [x1 + 5, x2 + 5],
        y,
        sum(1 - c if sign == 1 else max(0, c - margin) for c, sign in zip(cosines, y, strict=True)),
    )
    x1, x2 = x1[:, 0], x2[:, 0]
    close(
        nn.MarginRankingCriterion(margin),
        [x1, x2],
        y,
        sum(max(0, -sign * (a - b) + margin) for a, b, sign in zip(x1, x2, y, strict=True)),
    )
    close(
        nn.DistanceRatioCriterion(),
        [x1, x2],
        None,
        -sum(scipy.special.log_softmax([-a, -b])[0] for a, b in zip(x1, x2, strict=True)),
    )


@given(data=st.data())
def test_sums_of_losses(data):
    x = batch(data)
    t = data.draw(arrays(float, x.shape, elements=VALUES))
    first, second = data.draw(st.tuples(VALUES, VALUES))
    d = x - t
    square, absolute = (np.mean(d**2), 2 * d / d.size), (np.abs(d).mean(), np.copysign(1, d) / d.size)
    multi = nn.MultiCriterion().add(nn.MSECriterion(), first).add(nn.AbsCriterion(), second)
    expected = [first * mine + second * its for mine, its in zip(square, absolute, strict=True)]
    same(evaluate(multi, x, t), expected, 'Multi')
    weighted = [[first * part for part in square], [second * part for part in absolute]]
    expected = weighted[0][0] + weighted[1][0], [weighted[0][1], weighted[1][1]]
    for repeat, targets in ((False, [t, t]), (True, t)):
        parallel = nn.ParallelCriterion(repeat).add(nn.MSECriterion(), first).add(nn.AbsCriterion(), second)
        same(evaluate(parallel, [x, x], targets), expected, 'Parallel')
    # a tensor counts as the table of its rows
    loss, gradient = evaluate(parallel, np.stack([x, x]), t)
    same((loss, list(gradient)), expected, 'Parallel of a tensor')


# Edges


def test_kinks_fall_where_torch7_puts_them():
    x, minus = np.array([0.5, 2.0, 1.0]), -np.ones(3)
    np.testing.assert_array_equal(nn.MarginCriterion(0.5).backward(x, np.ones(3)), [0, 0, 0])
    np.testing.assert_array_equal(summed(nn.HingeEmbeddingCriterion(1)).backward(x, minus), [-1, 0, -1])
    ties = [np.array([1.0, 2.0]), np.array([0.0, 1.0])]
    np.testing.assert_array_equal(summed(nn.MarginRankingCriterion(1)).backward(ties, np.ones(2)), [[-1, -1], [1, 1]])
    alike = [np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])]
    np.testing.assert_array_equal(nn.CosineEmbeddingCriterion().backward(alike, np.array([-1.0])), np.zeros((2, 1, 2)))
    assert nn.CosineEmbeddingCriterion().forward([np.zeros(3), np.ones(3)], 1) == 1


def summed(criterion):
    criterion.sizeAverage = False
    return criterion


@pytest.mark.parametrize('type', ['double', 'float'])
@pytest.mark.parametrize('y', [1, -1])
def test_ties_of_l1_hinge_draw_their_sign(type, y):
    first, second = (np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[1.0, 0, 3], [4, 9, 6]]))
    criterion = getattr(nn.L1HingeEmbeddingCriterion(100), type)()
    nn.manualSeed(7)
    draws = [2 * nn.random.random(2) - 3 for _ in range(4)]
    following = nn.random.random()
    assert len(set(draws)) == 2
    nn.manualSeed(7)
    gradient, opposite = criterion.backward([x.astype(criterion.dtype) for x in (first, second)], y)
    np.testing.assert_array_equal(gradient, y * np.array([[draws[0], 1, draws[1]], [draws[2], -1, draws[3]]]))
    np.testing.assert_array_equal(opposite, -gradient)
    assert gradient.dtype == criterion.dtype
    assert nn.random.random() == following


def test_far_values_neither_overflow_nor_vanish():
    far = np.array([-1000.0, 1000.0])
    for criterion in (nn.SoftMarginCriterion(), nn.MultiLabelSoftMarginCriterion()):
        loss, gradient = evaluate(criterion, far, np.ones(2))
        assert loss == 500
        np.testing.assert_array_equal(gradient, [-0.5, 0])
    pair = [np.full(1, 1000.0), np.full(1, 2000.0)]
    assert evaluate(nn.DistanceRatioCriterion(), pair, None) == (0, [[0], [0]])
    assert evaluate(nn.DistanceRatioCriterion(), pair[::-1], None) == (1000, [[1], [-1]])
    assert nn.DistKLDivCriterion().forward(np.array([-np.inf, -1.0]), np.array([0.0, 1.0])) == 0.5


def test_all_pixels_or_labels_may_count_for_nothing():
    x = np.ones((2, 3))
    assert evaluate(nn.ClassNLLCriterion(np.zeros(3)), x, np.array([1, 2]))[0] == 0
    loss, gradient = evaluate(nn.ClassNLLCriterion(), x, np.array([-100, -100]))
    assert loss == 0 and not gradient.any()
    loss, gradient = evaluate(nn.MultiLabelMarginCriterion(), x, np.zeros((2, 3), int))
    assert loss == 0 and not gradient.any()


@pytest.mark.parametrize('label', [1.5, np.nan, np.inf, True])
def test_label_that_is_no_whole_number_is_refused(label):
    one, batch = np.array([-1.0, -2.0]), np.array([[-1.0, -2.0], [-3.0, -4.0]])
    for criterion in (nn.ClassNLLCriterion(), nn.CrossEntropyCriterion()):
        with pytest.raises((IndexError, TypeError), match='expected (target in 1..2|a class as target)'):
            criterion.forward(one, label)
        with pytest.raises((IndexError, TypeError), match='expected (target in 1..2|a tensor of numbers as target)'):
            criterion.forward(batch, np.array([1, label], type(label)))
    assert nn.ClassNLLCriterion().forward(batch, np.array([1.0, 2.0])) == 2.5


def test_what_is_not_a_number_is_torch7s():
    nan, one = np.array([np.nan]), np.array([1.0])
    assert nn.AbsCriterion().backward(nan, one) == [-1]
    assert nn.L1Cost().backward(nan) == [0]
    assert np.isnan(nn.MarginRankingCriterion().forward([nan, one], 1))
    assert np.isnan(nn.L1HingeEmbeddingCriterion().forward([nan, one], -1))


@pytest.mark.parametrize('name', [row for row in rows(CriterionRow) if 'L1Cost' not in row])
def test_own_gradient_as_input(name):
    """A gradient that comes back as an input is not written over while it is read."""
    row = rows(CriterionRow)[name]
    criterion, (input, target) = row.make(), row.draw()
    if not isinstance(input, np.ndarray):
        return
    if 'ModuleCriterion' in name or 'BCE' in name:  # a gradient is no probability
        return
    criterion.forward(input, target)
    gradient = criterion.backward(input, target)
    copied = gradient.copy()
    fresh = row.make()
    fresh.forward(copied, target)
    criterion.forward(gradient, target)
    np.testing.assert_array_equal(criterion.backward(gradient, target), fresh.backward(copied, target))


def test_length_is_the_number_of_weights():
    assert len(nn.BCECriterion()) == 0 and nn.BCECriterion()
    for criterion in (nn.BCECriterion, nn.ClassNLLCriterion, nn.SpatialClassNLLCriterion):
        assert len(criterion(np.ones(3))) == 3


# Losses made of losses


def test_module_criterion_casts_its_target_module_or_not():
    def parts(cast):
        criterion = nn.ModuleCriterion(nn.MSECriterion(), nn.Tanh(), nn.Linear(2, 2), cast).float()
        return criterion.criterion.dtype, criterion.inputModule.dtype, criterion.targetModule.dtype

    single, double = np.dtype(np.float32), np.dtype(np.float64)
    assert parts(None) == (single,) * 3
    assert parts(False) == (single, single, double)
    assert nn.ModuleCriterion(nn.MSECriterion(), castTarget=False).type() == double


def test_module_criterion_warns_of_parameters(capsys):
    nn.ModuleCriterion(nn.MSECriterion(), nn.Linear(2, 2))
    assert capsys.readouterr().out == "Warning: nn.ModuleCriterion doesn't support parameter updates\n"


def test_module_criterion_goes_through_its_modules():
    x, t = np.array([0.3, -0.4]), np.array([0.1, 2.0])
    loss, gradient = evaluate(nn.ModuleCriterion(nn.MSECriterion(), nn.Tanh(), nn.Exp()), x, t)
    d = np.tanh(x) - np.exp(t)
    same((loss, gradient), (np.mean(d**2), d * (1 - np.tanh(x) ** 2)), 'ModuleCriterion')


def test_an_error_says_in_which_criterion_it_was():
    criterion = nn.ParallelCriterion().add(nn.MSECriterion()).add(nn.MultiCriterion().add(nn.ClassNLLCriterion()))
    with pytest.raises(IndexError) as caught:
        criterion.forward([np.ones(2), np.ones(2)], [np.ones(2), 3])
    assert caught.value.__notes__ == ['In 1 criterion of nn.MultiCriterion', 'In 2 criterion of nn.ParallelCriterion']


def test_criterion_table_is_a_layer():
    x, t = np.array([[-1.0, -2.0]]), np.array([2])
    layer = nn.CriterionTable(nn.ClassNLLCriterion())
    assert layer.gradInput[0] is layer.criterion.gradInput
    assert layer.forward([x, t]) == layer.output == 2
    np.testing.assert_array_equal(layer.backward([x, t], None), [[[0, -1]]])
    assert layer.parameters() == ([], [])
    assert nn.CriterionTable(nn.L1Cost()).forward([x]) == 3
    copy = layer.clone().float()
    assert copy.forward([x.astype(np.float32), t]) == 2
    assert copy.criterion.dtype == np.float32 and layer.criterion.dtype == np.float64
    (gradient,) = nn.CriterionTable(nn.DistanceRatioCriterion()).updateGradInput([[x, x]], None)
    assert len(gradient) == 2
    network = nn.Sequential().add(nn.CriterionTable(nn.MSECriterion()))
    assert network.forward([x, x + 2]) == 4
    np.testing.assert_array_equal(network.backward([x, x + 2], None)[0], [[-2, -2]])


# Bad input

V2, V3, M23 = np.zeros(2), np.zeros(3), np.zeros((2, 3))
ONES = np.ones(3)
MAP = np.zeros((1, 2, 1, 2))
BAD_CALLS = [
    # sizes
    (nn.MSECriterion(), V3, V2, ValueError, r'nn.MSECriterion: expected target of 3 elements .* got shape \(2,\)'),
    (nn.MarginCriterion(), M23, V3, ValueError, 'expected target of 6 elements'),
    (nn.MSECriterion(), V3, None, TypeError, 'expected a tensor as target, got nil'),
    (nn.MSECriterion(), V3, 1, TypeError, 'expected a tensor as target, got int 1'),
    (nn.MSECriterion(), V3, [V3], TypeError, 'expected a tensor as target, got a table of 1'),
    (nn.MSECriterion(), V3, V3.astype(int), TypeError, 'expected target of float64, got int64'),
    (nn.DistKLDivCriterion(), M23, np.zeros(6), ValueError, r'same size: expected target of shape \(2, 3\), got .*6'),
    (nn.DistKLDivCriterion(), V3, None, TypeError, 'expected a tensor as target, got nil'),
    (nn.WeightedMSECriterion(ONES), np.zeros((3, 2)), np.zeros((3, 2)), ValueError, r'shape of the weight \(3,\)'),
    (nn.WeightedMSECriterion(ONES), V2, V2, ValueError, r'nn.WeightedMSECriterion: expected input .* got shape \(2,\)'),
    (nn.WeightedMSECriterion(ONES.astype(int)), V3, V3, TypeError, 'expected weight of float64, got int64'),
    (nn.SpatialAutoCropMSECriterion(), M23, M23, ValueError, 'of 3 or 4 dimensions'),
    (nn.SpatialAutoCropMSECriterion(), M23[None], M23, ValueError, r'shapes \(1, 2, 3\) and \(2, 3\)'),
    (nn.SpatialAutoCropMSECriterion(), np.zeros((1, 2, 2)), np.zeros((2, 2, 2)), ValueError, 'all but height and'),
    (nn.SpatialAutoCropMSECriterion(), np.zeros((1, 2, 3)), np.zeros((1, 3, 2)), ValueError, 'high and wide as the'),
    (nn.SpatialAutoCropMSECriterion(), np.zeros((1, 2, 3)), None, TypeError, 'got nil'),
    # weights
    (nn.BCECriterion(np.ones(2)), V3, V3, ValueError, 'nn.BCECriterion: expected weights for all 3 classes, got 2'),
    (nn.BCECriterion(np.ones(1)), V3, V3, ValueError, 'weights for all 3'),
    (nn.MultiLabelSoftMarginCriterion(np.ones(2)), M23, M23, ValueError, 'weights for all 3'),
    (nn.ClassNLLCriterion(np.ones(2)), V3, 1, ValueError, 'weights for all 3'),
    (nn.ClassNLLCriterion(np.ones(2)), M23, np.ones(2), ValueError, 'weights for all 3'),
    (nn.SpatialClassNLLCriterion(np.ones(2)), np.zeros((1, 3, 1, 1)), np.ones((1, 1, 1)), ValueError, 'all 3'),
    (nn.MultiMarginCriterion(1, np.ones(2)), V3, 1, ValueError, 'nn.MultiMarginCriterion: expected weights for all 3'),
    (nn.ClassNLLCriterion(np.ones(3, int)), V3, 1, TypeError, 'expected weights of float64, got int64'),
    # labels
    (nn.ClassNLLCriterion(), V3, 4, IndexError, r'nn.ClassNLLCriterion: expected target in 1..3, got 4'),
    (nn.ClassNLLCriterion(), V3, 0, IndexError, 'got 0'),
    (nn.ClassNLLCriterion(), V3, 'a', TypeError, "expected a class as target, got str 'a'"),
    (nn.ClassNLLCriterion(), M23, np.array([1, 4]), IndexError, r'expected .*in 1..3 or -100, got 4 at position 2'),
    (nn.ClassNLLCriterion(), M23, np.array([0.5, np.nan]), IndexError, 'got 0.5 at position 1'),
    (nn.ClassNLLCriterion(), M23, np.array([1, np.nan]), IndexError, 'got nan at position 2'),
    (nn.ClassNLLCriterion(), M23, np.ones(3), ValueError, r'expected target of shape \(2,\), got shape \(3,\)'),
    (nn.ClassNLLCriterion(), M23, np.ones((2, 1)), ValueError, r'expected target of shape \(2,\), got shape \(2, 1\)'),
    (nn.ClassNLLCriterion(), M23, 1, ValueError, r'expected target of shape \(2,\), got int 1'),
    (nn.ClassNLLCriterion(), M23, [1, 2], TypeError, 'expected a tensor of numbers as target, got a table of 2'),
    (nn.ClassNLLCriterion(), M23, np.array(['a', 'b']), TypeError, 'expected a tensor of numbers'),
    (nn.ClassNLLCriterion(), np.zeros((2, 3, 1)), ONES, ValueError, 'input of 1 or 2 dimensions'),
    (nn.CrossEntropyCriterion(), M23, np.array([1, 4]), IndexError, 'got 4 at position 2'),
    (nn.SpatialClassNLLCriterion(), M23, ONES, ValueError, r'expected input of 4 dimensions, got shape \(2, 3\)'),
    (nn.SpatialClassNLLCriterion(), V3, 1, ValueError, r'expected input of 4 dimensions, got shape \(3,\)'),
    (nn.SpatialClassNLLCriterion(), MAP, np.array([[[1, 3]]]), IndexError, 'expected .*2, got 3 at position 1, 1, 2'),
    (nn.SpatialClassNLLCriterion(), MAP, np.array([[[1, -100]]]), IndexError, 'got -100 at position 1, 1, 2'),
    (nn.SpatialClassNLLCriterion(), MAP, ONES, ValueError, r'expected target of shape \(1, 1, 2\)'),
    (nn.MultiMarginCriterion(), V3, 4, IndexError, 'expected target in 1..3, got 4 at position 1'),
    (nn.MultiMarginCriterion(), V3, ONES, ValueError, r'expected target of shape \(1,\), got shape \(3,\)'),
    (nn.MultiMarginCriterion(), M23, np.array([-1, 1]), IndexError, 'got -1 at position 1'),
    (nn.MultiMarginCriterion(), M23, [1, 1], TypeError, 'got a table of 2'),
    (nn.MultiMarginCriterion(), M23[None], ONES, ValueError, 'input of 1 or 2 dimensions'),
    (nn.MultiLabelMarginCriterion(), M23, ONES, ValueError, r'expected target of shape \(2, 3\), got shape \(3,\)'),
    (nn.MultiLabelMarginCriterion(), V3, 1, ValueError, r'expected target of shape \(3,\), got int 1'),
    (nn.MultiLabelMarginCriterion(), M23, np.diag([1, 4, 0])[:2], IndexError, 'expected .*0, got 4 at position 2, 2'),
    (nn.MultiLabelMarginCriterion(), V3, np.array([1, -1, 0]), IndexError, 'got -1 at position 2'),
    (nn.ClassSimplexCriterion(3), V3, 4, IndexError, 'nn.ClassSimplexCriterion: expected target in 1..3, got 4'),
    (nn.ClassSimplexCriterion(3), M23, ONES, ValueError, r'expected target of shape \(2,\)'),
    (nn.ClassSimplexCriterion(3), V2, 1, ValueError, 'expected input of size 3 or a batch of such'),
    # two inputs
    (nn.HingeEmbeddingCriterion(), V3, np.array([1.0, 0, 1]), IndexError, 'expected .*of 1 or -1, got 0 at position 2'),
    (nn.HingeEmbeddingCriterion(), V3, 1, ValueError, r'expected target of shape \(3,\), got int 1'),
    (nn.HingeEmbeddingCriterion(), V3, None, TypeError, 'got nil'),
    (nn.CosineEmbeddingCriterion(), [V3, V3], 2, IndexError, 'expected target of 1 or -1, got 2'),
    (nn.CosineEmbeddingCriterion(), [M23, M23], 1, ValueError, r'expected target of shape \(2,\)'),
    (nn.CosineEmbeddingCriterion(), [V3, V2], 1, ValueError, r'expected two inputs of one shape, got \(3,\) and \(2,'),
    (nn.CosineEmbeddingCriterion(), [V3], 1, ValueError, 'expected a table of two tensors as input, got a table of 1'),
    (nn.CosineEmbeddingCriterion(), [V3, 1], 1, TypeError, 'expected a tensor as input 2, got int 1'),
    (nn.CosineEmbeddingCriterion(), [M23[None]] * 2, 1, ValueError, 'inputs of 1 or 2 dimensions'),
    (nn.L1HingeEmbeddingCriterion(), [V3, V3], ONES, ValueError, r'expected target of shape \(1,\)'),
    (nn.L1HingeEmbeddingCriterion(), [V3, V3], 0, IndexError, 'got 0'),
    (nn.MarginRankingCriterion(), [V3, V3], 1, ValueError, r'expected target of shape \(3,\), got int 1'),
    (nn.MarginRankingCriterion(), [V3, V3], np.ones(2), ValueError, r'expected target of shape \(3,\), got shape \(2,'),
    (nn.MarginRankingCriterion(), [V3, V3], np.ones(3, int), TypeError, 'expected target of float64, got int64'),
    (nn.MarginRankingCriterion(), [V3, V3], None, TypeError, 'got nil'),
    (nn.DistanceRatioCriterion(), M23, None, TypeError, r'expected a table of two tensors as input, got shape \(2, '),
    # losses made of losses
    (nn.ParallelCriterion().add(nn.L1Cost()), 1, [None], TypeError, 'expected a table as input, got int 1'),
    (nn.ParallelCriterion().add(nn.L1Cost()), [V3], None, TypeError, 'expected a table as target, got nil'),
    (nn.ParallelCriterion().add(nn.L1Cost()), [], [None], ValueError, 'expected input for all 1 criterions, got a t'),
    (nn.ParallelCriterion().add(nn.L1Cost()), [V3], [], ValueError, 'expected target for all 1 criterions, got a t'),
]  # fmt: skip


@pytest.mark.parametrize('criterion, input, target, kind, text', BAD_CALLS)
def test_bad_input(criterion, input, target, kind, text):
    for call in (criterion.forward, criterion.backward):
        with pytest.raises(kind, match=text) as caught:
            call(input, target)
        assert type(caught.value) is kind


@pytest.mark.parametrize(
    'make, kind, text',
    [
        (lambda: nn.BCECriterion(M23), ValueError, r'nn.BCECriterion: weights input should be 1-D Tensor, got shape'),
        (lambda: nn.ClassNLLCriterion([1, 2]), ValueError, 'should be 1-D Tensor, got a table of 2'),
        (lambda: nn.MultiMarginCriterion(3), ValueError, 'Criterion: only p=1 and p=2 supported, got int 3'),
        (lambda: nn.MultiMarginCriterion(1, M23), ValueError, 'should be 1-D Tensor'),
        (lambda: nn.ClassSimplexCriterion(1), ValueError, 'integer argument nClasses > 1, got int 1'),
        (lambda: nn.ClassSimplexCriterion(2.5), TypeError, 'got float 2.5'),
        (lambda: nn.ClassSimplexCriterion(None), TypeError, 'got nil'),
        (lambda: nn.ClassSimplexCriterion(2).getPredictions(V3), ValueError, 'input of size 2'),
        (lambda: nn.ClassSimplexCriterion(2).getTopPrediction([1]), TypeError, 'expected a tensor as input'),
        (lambda: nn.WeightedMSECriterion(None), TypeError, 'expected a tensor as weight, got nil'),
        (lambda: nn.MultiCriterion().add(None), TypeError, 'nn.MultiCriterion: no criterion provided.* got nil'),
        (lambda: nn.ParallelCriterion().add(nn.Tanh()), TypeError, 'no criterion provided'),
        (lambda: nn.ModuleCriterion(nn.Tanh()), TypeError, 'nn.ModuleCriterion: expected a criterion'),
        (lambda: nn.ModuleCriterion(nn.L1Cost(), nn.L1Cost()), TypeError, 'expected a module as inputModule'),
        (lambda: nn.ModuleCriterion(nn.L1Cost(), None, 1), TypeError, 'expected a module as targetModule, got int 1'),
        (lambda: nn.CriterionTable(nn.Tanh()), TypeError, 'nn.CriterionTable: expected a criterion'),
        (lambda: nn.CriterionTable(nn.L1Cost()).forward(V3), TypeError, 'expected a table of input and target'),
        (lambda: nn.CriterionTable(nn.L1Cost()).updateGradInput([V3] * 3, None), TypeError, 'got a table of 3'),
    ],
)  # fmt: skip
def test_bad_construction(make, kind, text):
    with pytest.raises(kind, match=text):
        make()


@pytest.mark.parametrize('criterion', [nn.MultiCriterion, nn.ParallelCriterion])
@pytest.mark.parametrize('method', ['forward', 'backward'])
def test_a_sum_of_no_losses(criterion, method):
    with pytest.raises(ValueError, match='expected at least one criterion, got none'):
        getattr(criterion(), method)(np.ones((2, 3)), np.ones((2, 3)))


def test_cross_entropy_of_an_empty_target():
    with pytest.raises(ValueError, match='nn.ClassNLLCriterion: expected target of shape'):
        nn.CrossEntropyCriterion().forward(np.ones((2, 3)), np.empty(0))


def test_weights_of_a_masked_array():
    with pytest.raises(TypeError, match='nn.WeightedMSECriterion: expected a tensor as weight, got a masked array'):
        nn.WeightedMSECriterion(np.ma.masked_array([1.0, 2.0], [True, False]))


@pytest.mark.parametrize(
    'make, field, wrong, text',
    [
        (nn.MSECriterion, 'sizeAverage', 0, 'expected True or False as sizeAverage, got int 0'),
        (nn.ClassNLLCriterion, 'sizeAverage', 'x', "expected True or False as sizeAverage, got str 'x'"),
        (nn.ClassNLLCriterion, 'ignoreIndex', np.ones(3), r'expected a whole number as ignoreIndex, got shape \(3,\)'),
        (nn.MarginCriterion, 'margin', np.ones(3), r'expected a number as margin, got shape \(3,\)'),
        (nn.HingeEmbeddingCriterion, 'margin', 1j, 'expected a number as margin, got complex'),
        (
            lambda: nn.MultiCriterion().add(nn.MSECriterion()),
            'weights',
            [1, 2],
            'expected a list of 1 numbers as weights',
        ),
    ],
)
def test_fields_of_wrong_kinds_are_named(make, field, wrong, text):
    criterion = make()
    input, target = np.array([-1.0, -2.0, 0.5]), 1 if make is nn.ClassNLLCriterion else np.array([1.0, -1.0, 1.0])
    criterion.forward(input, target)
    criterion.backward(input, target)
    setattr(criterion, field, wrong)
    for method in (criterion.forward, criterion.backward):
        with pytest.raises(TypeError, match=text):
            method(input, target)


def test_backward_of_nothing_before_forward():
    with pytest.raises(TypeError, match='expected a tensor as input, got nil'):
        nn.MSECriterion().backward(None, None)
