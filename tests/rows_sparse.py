"""Rows of layers/sparse.py."""

import numpy as np
from table import Row, away_from_zero

import t7nn as nn

LOOKED_UP = {'input_gradient': 'indices have none'}
SPARSE = {
    'input_gradient': 'its form is that of dense rows, tested in test_sparse.py',
    'examples': 'a table of samples',
    'buffers': 'a table of samples, whose number the check would not change',
    'nan': 'the indices are part of the gradient',
}


def indices(*shape, largest=6):
    return lambda rng: rng.randint(1, largest + 1, shape)


def entries(rng, count):
    """Rows of index, with repeats, and value."""
    return np.column_stack([rng.randint(1, 7, count), away_from_zero(rng, count)])


def decaying():
    layer = nn.SparseLinear(6, 3)
    layer.weightDecay = 0.1
    return layer


FIXED = {
    'parameter_gradient': 'weightDecay is a gradient without a share in the output',
    'examples': 'every call adds weightDecay',
    'empty_batch': 'every call adds weightDecay',
}
RENORMED = {
    'input_gradient': 'indices have none',
    'parameter_gradient': 'forward scales the weight itself',
    'update': 'forward scales the weight itself',
    'parameters_kept': 'forward scales the weight itself',
}

INDEXED = {
    'input_gradient': 'keys have none, and that of the values is tested in test_sparse.py',
    'flat_parameters': 'the gradient is a table, of which this class shows a dense copy',
}


class DenseIndexLinear(nn.IndexLinear):
    """`IndexLinear` whose parameters() shows the gradient of W as a tensor."""

    def parameters(self):
        (weight, bias), (running, gradBias) = super().parameters()
        dense = np.zeros_like(weight)
        for keys, gradients in zip(running['keys'], running['gradWeight'], strict=True):
            np.add.at(dense, keys + self.offset, gradients)
        return [weight, bias], [dense, gradBias]

    accUpdateGradParameters = nn.IndexLinear.accUpdateGradParameters


def index_linear(*arguments):
    return DenseIndexLinear(5, 3, *arguments).reset()


def keyed(rng):
    """A batch of two samples: keys, values."""
    return [[np.array([1, 3, 4]), np.array([3, 2])], [away_from_zero(rng, 3), away_from_zero(rng, 2)]]


ROWS = [
    Row(index_linear, keyed, batch=False, skip=INDEXED),
    Row(index_linear, lambda rng: [np.array([5, 1]), away_from_zero(rng, 2)], batch=False, skip=INDEXED),
    Row(
        lambda: index_linear(True, 1), lambda rng: [np.array([4, 0]), away_from_zero(rng, 2)], batch=False, skip=INDEXED
    ),
    Row(lambda: nn.LookupTable(6, 3), indices(5), skip=LOOKED_UP),
    Row(lambda: nn.LookupTable(6, 3), indices(2, 4), skip=LOOKED_UP),
    Row(lambda: nn.LookupTable(6, 3, 2), indices(2, 4), skip=LOOKED_UP | {'parameter_gradient': 'padding has none'}),
    Row(lambda: nn.LookupTable(6, 3, 0, 1), indices(2, 4), skip=RENORMED),
    Row(lambda: nn.LookupTable(6, 3, 0, 1.5, 1), indices(5), skip=RENORMED),
    Row(
        lambda: nn.LookupTable(6, 3).scaleGradByFreq(),
        indices(2, 4),
        skip=LOOKED_UP | {'parameter_gradient': 'divided by frequency', 'examples': "the frequency is the batch's"},
    ),
    Row(lambda: nn.OneHot(4), indices(5, largest=4)),
    Row(lambda: nn.OneHot(3), indices(4, 2, largest=3)),
    Row(lambda: nn.SparseLinear(6, 3), lambda rng: entries(rng, 4), batch=False, skip=SPARSE),
    Row(
        lambda: nn.SparseLinear(6, 3),
        lambda rng: [entries(rng, 4), entries(rng, 1), entries(rng, 3)],
        batch=False,
        skip=SPARSE,
    ),
    Row(
        lambda: nn.SparseLinear(6, 3, True),
        lambda rng: np.stack([entries(rng, 4), entries(rng, 4)]),
        skip={'input_gradient': 'its form is that of dense rows, tested in test_sparse.py', 'nan': SPARSE['nan']},
    ),
    Row(decaying, lambda rng: np.stack([entries(rng, 4), entries(rng, 4)]), skip=SPARSE | FIXED),
]
