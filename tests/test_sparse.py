"""Layers that look rows up, against plain loops and dense products; bad input."""

import re

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from support import close, refuses, same, seeds

import t7nn as nn
from t7nn.layers import _sparse_rows


@pytest.fixture(params=['SciPy', 'NumPy'], autouse=True, scope='module')
def routines(request):
    """Every test of this room runs with SciPy's loops and with NumPy's, which take their place where SciPy has none."""
    if request.param == 'SciPy':
        assert _sparse_rows.routines() is not None
        yield
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_sparse_rows, 'routines', lambda: None)
            yield


# SparseRows


@given(st.integers(0, 5), st.integers(1, 4), st.integers(1, 3), st.sampled_from('CF'), st.sampled_from('CF'), seeds)
def test_sparse_rows_are_those_of_a_sparse_matrix(n, size, width, layout, other, seed):
    rng = np.random.RandomState(seed)
    counts = rng.randint(0, 4, n)
    rows = _sparse_rows.SparseRows(
        np.append(0, counts.cumsum()), rng.randint(0, size, counts.sum()), rng.randn(counts.sum()), size
    )
    matrix = scipy.sparse.csr_array((rows.values, rows.places, rows.starts), (n, size)).toarray()
    table = np.array(rng.randn(size, width), order=layout)
    result = np.array(rng.randn(n, width), order=other)
    expected = result + matrix @ table
    rows.times(table, result)
    close(result, expected)
    gradient = np.array(rng.randn(n, width), order=other)
    expected = table + 0.5 * matrix.T @ gradient
    rows.add_outer(table, 0.5, gradient)
    close(table, expected)


def test_sparse_rows_reach_tables_of_any_strides():
    memory = np.zeros((4, 6))
    rows = _sparse_rows.SparseRows(np.array([0, 2]), np.array([1, 1]), np.array([1.0, 2.0]), 4)
    rows.add_outer(memory[:, ::2], 1, np.ones((1, 3)))
    assert memory.sum() == memory[1, ::2].sum() == 9


# LookupTable


@given(st.lists(st.lists(st.integers(1, 5), min_size=3, max_size=3), min_size=1, max_size=4), st.data())
def test_lookup_table(lists, data):
    padding, frequency = data.draw(st.integers(0, 5)), data.draw(st.booleans())
    kind = data.draw(st.sampled_from([np.int64, np.int32, np.uint8, np.float32, float]))
    layer = nn.LookupTable(5, 2, padding)
    if frequency:
        layer.scaleGradByFreq()
    index = np.array(lists, kind)
    output = layer.forward(index)
    dy = np.random.RandomState(0).randn(*output.shape)
    expected = np.zeros_like(layer.weight)
    flat = [i for row in lists for i in row]
    for i, gradient in zip(flat, dy.reshape(-1, 2), strict=True):
        if i != padding:
            expected[i - 1] += 0.5 * gradient / (flat.count(i) if frequency else 1)
    close(output, [[layer.weight[i - 1] for i in row] for row in lists], 0)
    layer.zeroGradParameters()
    gradInput = layer.backward(index, dy, 0.5)
    assert gradInput.dtype == kind and gradInput.shape == index.shape and not gradInput.any()
    close(layer.gradWeight, expected)


@given(st.sampled_from([0.5, 1, 1.5, 2, 3]), st.sampled_from([None, 1, 2, 3.5]), seeds)
def test_lookup_table_renorm(maxNorm, normType, seed):
    rng = np.random.RandomState(seed)
    layer = nn.LookupTable(6, 3).setMaxNorm(maxNorm).setNormType(normType)
    before = layer.weight.copy()
    index = rng.randint(1, 5, 7)
    output = layer.forward(index)
    power = normType or 2
    for i, row in enumerate(before, 1):
        norm = (np.abs(row) ** power).sum() ** (1 / power)
        if i in index and norm > maxNorm:
            row *= maxNorm / (norm + 1e-7)
    close(layer.weight, before)
    close(output, before[index - 1])


def test_lookup_table_with_accUpdateOnly():
    layer = nn.LookupTable(5, 2).accUpdateOnly()
    before = layer.weight.copy()
    layer.zeroGradParameters()
    index = np.array([1, 3, 3])
    layer.forward(index)
    layer.backwardUpdate(index, np.ones((3, 2)), 0.5)
    close(layer.weight - before, np.array([-0.5, 0, -1, 0, 0])[:, None] * np.ones(2))
    assert layer.gradWeight is None and layer.parameters()[1] == []
    with pytest.raises(ValueError, match='check that you are sharing parameters and gradParameters'):
        layer.getParameters()


def test_lookup_table_setPadding():
    layer = nn.LookupTable(3, 2).setPadding(2)
    layer.forward(np.array([1, 2]))
    layer.zeroGradParameters()
    layer.accGradParameters(np.array([1, 2]), np.full((2, 2), [[1], [np.nan]]))
    close(layer.gradWeight, [[1, 1], [0, 0], [0, 0]])


# SparseLinear


def entries(rng, count, size=6):
    return np.column_stack([rng.randint(1, size + 1, count), rng.randn(count)])


def dense(samples, size):
    """The samples as the rows of a dense matrix."""
    matrix = np.zeros((len(samples), size))
    for row, sample in zip(matrix, samples, strict=True):
        for index, value in sample:
            row[int(index) - 1] += value
    return matrix


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans(), seeds)
def test_sparse_linear_is_linear_on_the_dense_matrix(counts, equal, seed):
    rng = np.random.RandomState(seed)
    samples = [entries(rng, counts[0] if equal else count) for count in counts]
    input = np.stack(samples) if equal else samples
    layer = nn.SparseLinear(6, 3, True)
    linear = nn.Linear(6, 3)
    linear.weight[...], linear.bias[...] = layer.weight, layer.bias
    x, dy = dense(samples, 6), rng.randn(len(samples), 3)
    close(layer.forward(input), linear.forward(x))
    for module, data in ((layer, input), (linear, x)):
        module.zeroGradParameters()
        module.backward(data, dy, 0.5)
    close(layer.gradWeight, linear.gradWeight)
    close(layer.gradBias, linear.gradBias)
    assert isinstance(layer.gradInput, list) != equal
    for mine, its in zip(layer.gradInput, linear.gradInput, strict=True):
        close(mine, np.column_stack([np.arange(1, 7), its]))
    layer.updateParameters(0.1)
    linear.updateParameters(0.1)
    close(layer.weight, linear.weight)
    close(layer.bias, linear.bias)


def test_sparse_linear_of_one_sample():
    layer = nn.SparseLinear(6, 3, True)
    sample = np.array([[2, 0.5], [6, -1]])
    y = layer.forward(sample)
    close(y, 0.5 * layer.weight[:, 1] - layer.weight[:, 5] + layer.bias)
    layer.zeroGradParameters()
    (gradInput,) = layer.backward(sample, np.ones(3))
    close(gradInput, np.column_stack([np.arange(1, 7), layer.weight.sum(0)]))
    close(layer.gradWeight, np.tile([0, 0.5, 0, 0, 0, -1], (3, 1)))
    close(layer.forward([]), layer.bias)
    layer.doGradInput = False
    assert layer.updateGradInput(sample, np.ones(3)) == []


def test_sparse_linear_ignores_zeros_whatever_their_index():
    layer = nn.SparseLinear(6, 3)
    padded = np.array([[2, 0.5], [0, 0], [99, 0], [0.5, 0]])
    close(layer.forward(padded), layer.forward(padded[:1]).copy())
    layer.zeroGradParameters()
    layer.accGradParameters(padded, np.ones(3))
    assert np.count_nonzero(layer.gradWeight) == 3


def test_sparse_linear_weight_decay():
    layer = nn.SparseLinear(6, 3)
    layer.weightDecay = 0.1
    before, sample = layer.weight.copy(), np.array([[2, 0.5]])
    data = np.outer(np.ones(3), [0, 0.5, 0, 0, 0, 0])
    layer.forward(sample)
    layer.zeroGradParameters()
    layer.accGradParameters(sample, np.ones(3), 2)
    close(layer.gradWeight, 2 * (data + 0.1 * before))
    layer.accUpdateGradParameters(sample, np.ones(3), 0.5)
    close(layer.weight, before - 0.5 * (data + 0.1 * before))
    layer.zeroGradParameters()
    assert not layer.gradWeight.any()


# IndexLinear


class Loops:
    """IndexLinear as Torch7 computes it, entry by entry, but with all slopes of a step from the weights before."""

    def __init__(self, layer):
        self.weight, self.bias, self.normalize = layer.weight.copy(), layer.bias.copy(), layer.normalize
        self.decay = layer.weightDecay
        self.gradBias, self.gradients = np.zeros_like(self.bias), []

    def forward(self, samples, train):
        self.values, output = [], []
        for keys, values in samples:
            y = self.bias.copy()
            for key, value in zip(keys, values, strict=True):
                row = self.weight[key - 1]
                if self.normalize:
                    size = abs(value)
                    if train:
                        if size > row[0]:
                            row[0], row[1] = size, 1 / size
                        row[2] = 1
                    value = (np.sign(value) if size > row[0] else value * row[1]) + row[3]
                self.values.append(value)
                y += value * row[self.normalize :]
            output.append(y)
        return np.array(output)

    def accumulate(self, samples, gradOutput):
        values = iter(self.values)
        for (keys, _), dy in zip(samples, gradOutput, strict=True):
            self.gradBias += dy
            self.gradients += [(key, dy, dy * next(values)) for key in keys]

    def update(self, lr):
        self.bias -= lr * self.gradBias
        slopes = [plain @ self.weight[key - 1, self.normalize :] for key, plain, _ in self.gradients]
        for slope, (key, _, gradient) in zip(slopes, self.gradients, strict=True):
            row = self.weight[key - 1]
            rate = row[2] if self.normalize else 1
            if self.normalize:
                row[3] -= lr * rate * slope
            row[self.normalize :] -= self.decay * rate * row[self.normalize :]
            row[self.normalize :] -= lr * rate * gradient


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=4),
    st.sampled_from(['tables', 'flat']),
    st.booleans(),
    st.sampled_from([0, 0.1]),
    st.integers(1, 3),
    seeds,
)
def test_index_linear_is_torch7s_loops(counts, form, normalize, decay, outputSize, seed):
    rng = np.random.RandomState(seed)
    layer = nn.IndexLinear(5, outputSize, normalize=normalize).reset()
    layer.training()
    layer.weightDecay = decay
    loops = Loops(layer)
    for step in range(3):
        samples = [(rng.randint(1, 6, count), rng.randn(count) * 3) for count in counts]
        input = [list(part) for part in zip(*samples, strict=True)]
        if form == 'flat':
            input = [np.concatenate(input[0]), np.concatenate(input[1]), np.array(counts)]
        close(layer.forward(input), loops.forward(samples, True))
        dy = rng.randn(len(counts), outputSize)
        loops.gradBias.fill(0)
        loops.gradients.clear()
        loops.accumulate(samples, dy)
        loops.update(0.1)
        if step == 1:
            layer.backwardUpdate(input, dy, 0.1)
        else:
            layer.zeroGradParameters()
            assert layer.backward(input, dy) == []
            layer.updateParameters(0.1)
        close(layer.weight, loops.weight)
        close(layer.bias, loops.bias)
    layer.evaluate()
    close(layer.forward(input), loops.forward(samples, False))
    close(layer.weight, loops.weight)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(-20, 20), seeds)
def test_index_linear_is_linear_on_the_dense_matrix(counts, offset, seed):
    rng = np.random.RandomState(seed)
    samples = [entries(rng, count) for count in counts]
    layer, linear = nn.IndexLinear(6, 3, True, offset).reset(), nn.Linear(6, 3)
    linear.weight[...], linear.bias[...] = layer.weight.T, layer.bias
    keys = [sample[:, 0].astype(np.int64) - offset for sample in samples]
    values = [sample[:, 1].copy() for sample in samples]
    x, dy = dense(samples, 6), rng.randn(len(samples), 3)
    close(layer.forward([keys, values]), linear.forward(x))
    linear.zeroGradParameters()
    for _ in range(2):
        gradInput = layer.backward([keys, values], dy, 0.5)
        linear.backward(x, dy, 0.5)
    close(gradInput[1], linear.gradInput)
    assert all((each == np.arange(1, 7)).all() for each in gradInput[0])
    layer.updateParameters(0.1)
    linear.updateParameters(0.1)
    close(layer.weight, linear.weight.T)
    close(layer.bias, linear.bias)
    close(layer.forward([keys[0], values[0]]), linear.forward(x[0]))
    keys, values = layer.updateGradInput([keys[0], values[0]], dy[0])
    close(values, linear.updateGradInput(x[0], dy[0]))


def test_index_linear_takes_a_weight_without_a_copy():
    weight, bias = np.zeros((5, 2), np.float32), np.zeros(2, np.float32)
    layer = nn.IndexLinear(99, 99, weight=weight, bias=bias)
    assert layer.weight is weight and layer.bias is bias
    assert (layer.inputSize, layer.outputSize, layer.dtype) == (5, 2, np.float32)
    flat = [np.array([1, 5]), np.ones(2, np.float32), 2]
    assert layer.forward(flat).shape == (1, 2)


def test_index_linear_forgets_its_gradients():
    layer = nn.IndexLinear(5, 2).reset()
    input = [np.array([1, 5]), np.ones(2)]
    before = layer.weight.copy()
    for forget in (layer.zeroGradParameters, layer.clearState):
        layer.forward(input)
        layer.backward(input, np.ones(2))
        assert layer.running['counter'] == 2
        forget()
        layer.updateParameters(1)
        assert layer.running == {'cumSumSizes': [], 'keys': [], 'gradWeight': [], 'counter': 1}
        assert (layer.weight == before).all()


def test_index_linear_clones_and_casts_with_its_gradients():
    layer = nn.IndexLinear(5, 2).reset()
    input = [np.array([1, 5]), np.ones(2)]
    layer.forward(input)
    layer.backward(input, np.ones(2))
    clone = layer.clone().float()
    assert clone.running['gradWeight'][0].dtype == np.float32 and clone.running['keys'][0].dtype == np.int64
    layer.updateParameters(1)
    clone.updateParameters(1)
    close(clone.weight, layer.weight, 1e-6)


def test_large_inputs():
    rng = np.random.RandomState(0)
    layer = nn.IndexLinear(100_000, 4)
    keys, values = rng.randint(1, 100_001, 50_000), rng.rand(50_000)
    layer.forward([keys, values, np.full(50, 1000)])
    layer.backwardUpdate([keys, values, np.full(50, 1000)], np.ones((50, 4)), 1)
    close(layer.weight[:, 0], -np.bincount(keys - 1, values, 100_000))


# OneHot


@given(arrays.arrays(np.int64, arrays.array_shapes(max_dims=3), elements=st.integers(1, 5)))
def test_one_hot(labels):
    output = nn.OneHot(5).forward(labels)
    same((output, np.eye(5)[labels - 1]), (nn.OneHot(5).forward(labels.astype(float)), output))


def test_one_hot_of_a_number():
    layer = nn.OneHot(4)
    assert layer.forward(2).tolist() == [0, 1, 0, 0]
    assert layer.updateGradInput(2, layer.output) == 0


BAD = [
    (lambda: nn.OneHot(3), np.array([[1, 2], [3, 4]]), IndexError, 'expected input in 1..3, got 4 at position 2, 2'),
    (lambda: nn.OneHot(3), np.array([1, np.nan]), IndexError, 'expected input in 1..3, got nan at position 2'),
    (lambda: nn.OneHot(3), 0, IndexError, 'nn.OneHot: expected input in 1..3, got 0 at position 1'),
    (lambda: nn.OneHot(3), [1, 2], TypeError, 'nn.OneHot: expected a tensor or a number, got a table of 2'),
    (lambda: nn.OneHot(3), 'a', TypeError, "nn.OneHot: expected a tensor or a number, got str 'a'"),
    (lambda: nn.OneHot(2), [np.ones(1), [np.ones(2)]], TypeError, 'expected a tensor or a number, got a table of 2'),
    (lambda: nn.OneHot(2), None, TypeError, 'expected a tensor or a number, got nil'),
]


@pytest.mark.parametrize('make, input, error, text', BAD, ids=lambda item: item if isinstance(item, str) else '')
def test_bad_input(make, input, error, text):
    refuses(make(), input, error, text)


# Bad input

LOOKUP = 'nn.LookupTable: expected '


def lookup(input):
    return nn.LookupTable(5, 2).forward(input)


def linear(input):
    return nn.SparseLinear(6, 3).forward(input)


def keyed(*input):
    return nn.IndexLinear(6, 3).forward(list(input))


KEYS, VALUES = np.array([1, 2]), np.ones(2)
ERRORS = [
    (lambda: lookup([1]), TypeError, LOOKUP + 'a tensor of indices as input, got a table of 1'),
    (lambda: lookup(np.array([True])), TypeError, LOOKUP + 'a tensor of indices as input, got one of bool'),
    (
        lambda: lookup(np.ones((1, 1, 1), int)),
        ValueError,
        'expected a vector or a matrix of indices, got shape (1, 1, 1)',
    ),
    (lambda: lookup(np.array([1, 0])), IndexError, LOOKUP + 'index in 1..5, got 0 at position 2'),
    (lambda: lookup(np.array([[1], [6]])), IndexError, 'expected index in 1..5, got 6 at position 2, 1'),
    (lambda: lookup(np.array([-1])), IndexError, 'expected index in 1..5, got -1 at position 1'),
    (lambda: lookup(np.array([1.0, np.nan])), IndexError, 'expected index in 1..5, got nan at position 2'),
    (lambda: lookup(np.array([1.5])), ValueError, 'expected whole numbers as indices'),
    (
        lambda: nn.LookupTable(5, 2).accGradParameters(np.array([1]), np.ones((2, 2))),
        ValueError,
        'expected gradOutput of shape (1, 2), got shape (2, 2)',
    ),
    (
        lambda: nn.LookupTable(5, 2).accGradParameters(np.array([7]), np.ones((1, 2))),
        IndexError,
        'expected index in 1..5, got 7 at position 1',
    ),
    (lambda: nn.LookupTable(5, 2, 0, 1, -1).forward(KEYS), ValueError, 'expected a positive normType, got -1'),
    (lambda: nn.SparseLinear(6, 3, 1), TypeError, 'nn.SparseLinear: expected True or False as doGradInput, got int 1'),
    (lambda: linear(np.array([[1, 0.5], [7, 1]])), IndexError, 'got 7.0 in entry 2 of sample 1'),
    (
        lambda: linear([np.ones((2, 2)), np.array([[1, 0.5], [0, 1]])]),
        IndexError,
        'nn.SparseLinear: expected index in 1..6, got 0.0 in entry 2 of sample 2',
    ),
    (lambda: linear(np.array([[1.5, 1]])), IndexError, 'expected index in 1..6, got 1.5 in entry 1 of sample 1'),
    (lambda: linear(np.array([[np.nan, 1]])), IndexError, 'expected index in 1..6, got nan in entry 1 of sample 1'),
    (lambda: linear(np.ones((2, 3))), ValueError, 'expected samples of shape (n, 2), rows of index and value'),
    (lambda: linear(np.ones(2)), ValueError, 'expected samples of shape (n, 2), rows of index and value'),
    (lambda: linear([1]), TypeError, 'expected a tensor as input[1], got int 1'),
    (lambda: linear(None), TypeError, 'expected a tensor as input, got nil'),
    (lambda: linear(np.ones((2, 2), np.float32)), TypeError, 'expected input of float64, got float32'),
    (lambda: keyed(KEYS), ValueError, 'nn.IndexLinear: expected a table {keys, values} or {keys, values, sizes}'),
    (lambda: nn.IndexLinear(6, 3).forward(KEYS), TypeError, 'expected a table as input, got shape (2,)'),
    (lambda: keyed(KEYS, [VALUES]), TypeError, 'expected keys and values both as tensors or both as tables'),
    (lambda: keyed([KEYS], [VALUES, VALUES]), ValueError, 'expected keys and values of as many samples, got 1 and 2'),
    (lambda: keyed([], []), ValueError, 'expected keys and values of as many samples, got 0 and 0'),
    (lambda: keyed(VALUES, VALUES), TypeError, 'expected a tensor of int64 as keys, got float64'),
    (lambda: keyed(KEYS, KEYS), TypeError, 'expected values of float64, got int64'),
    (
        lambda: keyed(KEYS, np.ones(3)),
        ValueError,
        'expected keys and values of one size, got shape (2,) and shape (3,)',
    ),
    (lambda: keyed(KEYS, VALUES, np.array([1, 2])), ValueError, 'expected sizes that add up to the 2 keys, got [1, 2]'),
    (
        lambda: keyed(KEYS, VALUES, np.array([3, -1])),
        ValueError,
        'expected sizes that add up to the 2 keys, got [3, -1]',
    ),
    (lambda: keyed(KEYS * 4, VALUES), IndexError, 'expected keys in 1..6, got 8 at position 2'),
    (lambda: keyed(KEYS - 1, VALUES), IndexError, 'expected keys in 1..6, got 0 at position 1'),
    (
        lambda: nn.IndexLinear(6, 3, False, -9).forward([KEYS, VALUES]),
        IndexError,
        'expected keys in 10..15, got 1 at position 1',
    ),
    (
        lambda: nn.IndexLinear(6, 3, bias=np.ones(2)),
        ValueError,
        'nn.IndexLinear: expected bias of shape (3,) and of the type',
    ),
    (lambda: nn.IndexLinear(6, 3).getParameters(), TypeError, 'flatten: expected tensors, got a table with keys'),
]


@pytest.mark.parametrize(('call', 'kind', 'message'), ERRORS, ids=[message[-40:] for _, _, message in ERRORS])
def test_bad_calls(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()


def test_bad_gradients():
    layer = nn.SparseLinear(6, 3)
    layer.forward(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(3,\), got shape \(2,\)'):
        layer.accGradParameters(np.ones((2, 2)), np.ones(2))
    layer = nn.IndexLinear(6, 3, True, normalize=True).reset()
    layer.forward([KEYS, VALUES])
    with pytest.raises(ValueError, match='updateGradInput is not implemented in max-normalize mode'):
        layer.updateGradInput([KEYS, VALUES], np.ones(3))
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(3,\), got shape \(2,\)'):
        layer.accGradParameters([KEYS, VALUES], np.ones(2))
    with pytest.raises(ValueError, match=r'expected forward\(input\) first'):
        layer.accGradParameters([KEYS[:1], VALUES[:1]], np.ones(3))
    assert layer.running['counter'] == 1 and not layer.gradBias.any()


# Memory


@pytest.mark.filterwarnings('ignore:the matrix subclass')
def test_parameters_of_another_shape_are_refused():
    for layer, input in (
        (nn.LookupTable(600, 3), np.array([599, 600])),
        (nn.SparseLinear(600, 3), np.array([[599, 1.0], [600, 2.0]])),
        (nn.IndexLinear(600, 3), [np.array([599, 600]), np.ones(2)]),
    ):
        gradOutput = np.ones_like(layer.forward(input))
        for name in ('weight', 'gradWeight') if layer.gradWeight is not None else ('weight',):
            kept = getattr(layer, name)
            for wrong in (kept[:2].copy(), kept.astype(np.float32), kept.astype(int), kept[None], kept.ravel(), 1.0):
                setattr(layer, name, wrong)
                with pytest.raises((ValueError, TypeError), match='expected .*(w|W)eight'):
                    layer.backward(input, gradOutput)
            setattr(layer, name, np.matrix(kept))
            layer.forward(input)
            assert type(getattr(layer, name)) is np.ndarray


def test_sparse_linear_with_fewer_examples_than_before():
    layer, sample = nn.SparseLinear(6, 3), np.array([[1.0, 2], [3, 4]])
    layer.forward([sample] * 200)
    with pytest.raises(ValueError, match=r'expected gradOutput of shape \(1, 3\), got shape \(200, 3\)'):
        layer.backward([sample], np.ones((200, 3)))


@pytest.mark.filterwarnings('ignore:the matrix subclass')
def test_indices_as_matrix_and_masked():
    layer = nn.LookupTable(6, 2)
    index = np.array([[5, 6, 1]])
    np.testing.assert_array_equal(layer.forward(np.matrix(index)), layer.weight[index - 1])
    assert layer.backward(np.matrix(index), np.ones((1, 3, 2))).shape == (1, 3)
    with pytest.raises(TypeError, match='expected a tensor of indices as input, got a masked array'):
        layer.forward(np.ma.masked_array(index, index == 5))


def test_sizes_whose_sum_overflows():
    sizes = np.array([2**63 - 1, 2**63 - 1, 4])
    with pytest.raises(ValueError, match='expected sizes that add up to the 2 keys'):
        nn.IndexLinear(6, 2).forward([np.array([1, 2]), np.ones(2), sizes])


def test_sparse_rows_check_all_that_the_loops_rely_on():
    starts, places, values = np.array([0, 1]), np.array([1]), np.ones(1)
    for wrong in (places + 5, places - 2):
        with pytest.raises(ValueError, match='expected a place below 4'):
            _sparse_rows.SparseRows(starts, wrong, values, 4)
    rows = _sparse_rows.SparseRows(starts, places, values, 4)
    for table, gradient in (((3, 2), (1, 2)), ((4, 2), (2, 2)), ((4, 2), (1, 3))):
        with pytest.raises(ValueError, match='expected a .* of . rows'):
            rows.add_outer(np.zeros(table), 1, np.ones(gradient))
    with pytest.raises(TypeError, match='expected a table of float64, got float32'):
        rows.times(np.zeros((4, 2), np.float32), np.zeros((1, 2)))
