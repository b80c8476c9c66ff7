"""The layers of layers/selection.py against plain formulas, given bad input, and where they are special."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from support import refuses, refuses_gradients, run, same, tensors

import t7nn as nn


@given(tensors(), st.data())
def test_narrow(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    first = data.draw(st.integers(0, x.shape[axis] - 1))
    last = data.draw(st.integers(first, x.shape[axis] - 1))
    length = data.draw(st.sampled_from([last - first + 1, last - x.shape[axis]]))
    expected = np.take(x, range(first, last + 1), axis)
    output, gradOutput, gradInput = run(nn.Narrow(axis + (axis >= 0), first + 1, length), x)
    zeros = np.zeros_like(x)
    np.moveaxis(zeros, axis, 0)[first : last + 1] = np.moveaxis(gradOutput, axis, 0)
    same((output, expected), (gradInput, zeros))


@given(tensors(2), st.data())
def test_select(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    index = data.draw(st.integers(-x.shape[axis], x.shape[axis] - 1))
    output, gradOutput, gradInput = run(nn.Select(axis + (axis >= 0), index + (index >= 0)), x)
    zeros = np.zeros_like(x)
    np.moveaxis(zeros, axis, 0)[index] = gradOutput
    same((output, np.take(x, index, axis)), (gradInput, zeros))


@given(tensors(), st.data())
def test_index(x, data):
    axis = data.draw(st.integers(0, x.ndim - 1))
    index = np.array(data.draw(st.lists(st.integers(1, x.shape[axis]), max_size=9)), np.int64)
    layer = nn.Index(axis + 1)
    output = layer.forward([x, index])
    gradOutput = np.arange(1.0, output.size + 1).reshape(output.shape)
    gradInput = layer.backward([x, index], gradOutput)
    expected = np.zeros_like(x)
    for k, entry in enumerate(index):
        np.moveaxis(expected, axis, 0)[entry - 1] += np.moveaxis(gradOutput, axis, 0)[k]
    same((output, np.take(x, index - 1, axis)), (gradInput[0], expected), (gradInput[1], np.zeros(len(index))))


@given(tensors(), st.data())
def test_masked_select(x, data):
    mask = data.draw(arrays.arrays(np.uint8, x.shape, elements=st.integers(0, 1)))
    chosen = [place for place in np.ndindex(x.shape) if mask[place]]
    layer = nn.MaskedSelect()
    output = layer.forward([x, mask])
    gradOutput = np.arange(1.0, len(chosen) + 1)
    gradInput, gradMask = layer.backward([x, mask], gradOutput)
    expected = np.zeros_like(x)
    for place, gradient in zip(chosen, gradOutput, strict=True):
        expected[place] = gradient
    same((output, np.array([x[place] for place in chosen])), (gradInput, expected))
    assert gradMask.dtype == np.uint8 and not gradMask.any() and gradMask.shape == mask.shape
    same((layer.forward([x, mask.astype(bool)]), output))


def test_narrow_copies():
    x = np.ones((2, 3))
    assert not np.shares_memory(nn.Narrow(1, 1, 2).forward(x), x)


def test_narrow_takes_every_dtype():
    x = np.arange(6).reshape(2, 3)
    output = nn.Narrow(2, 2, 2).forward(x)
    assert output.dtype == np.int64 and output.tolist() == [[1, 2], [4, 5]]
    assert nn.Narrow(2, 2, 2).updateGradInput(x, x[:, 1:]).tolist() == [[0, 1, 2], [0, 4, 5]]


BAD = [
    (lambda: nn.Narrow(2, 2, 3), np.zeros((2, 3)), IndexError, r'expected entries in 1..3 of dimension 2, .* 2\.\.4'),
    (lambda: nn.Narrow(1, 0), np.zeros(3), IndexError, r'got offset 0 and length 1, which is 0\.\.0'),
    (lambda: nn.Narrow(3, 1), np.zeros((2, 3)), ValueError, 'expected dimension 3'),
    (lambda: nn.Narrow(1, 1), [np.zeros(2)], TypeError, 'nn.Narrow: expected a tensor as input, got a table of 1'),
    (lambda: nn.Select(1, 3), np.zeros((2, 3)), IndexError, 'expected index in 1..2 of dimension 1, got 3'),
    (lambda: nn.Select(1, 0), np.zeros((2, 3)), IndexError, 'expected index in 1..2 of dimension 1, got 0'),
    (lambda: nn.Select(1, -3), np.zeros((2, 3)), IndexError, 'got -3'),
    (lambda: nn.Select(1, 1), np.zeros(3), ValueError, r'cannot select on a vector, got shape \(3,\)'),
    (lambda: nn.Index(1), np.zeros(3), TypeError, r'nn.Index: expected a table of 2 as input, got shape \(3,\)'),
    (lambda: nn.Index(1), [np.zeros(3)], ValueError, 'nn.Index: expected a table of 2 as input, got a table of 1'),
    (
        lambda: nn.Index(1),
        [np.zeros(3), np.array([1, 3, 4, 5])],
        IndexError,
        'nn.Index: expected index in 1..3, got 4 at position 3',
    ),
    (lambda: nn.Index(1), [np.zeros(3), np.array([0])], IndexError, 'got 0 at position 1'),
    (lambda: nn.Index(1), [np.zeros(3), np.ones(2)], TypeError, 'expected a vector of whole numbers as index'),
    (
        lambda: nn.Index(1),
        [np.zeros(3), np.ones((2, 1), int)],
        TypeError,
        'expected a vector of whole numbers as index',
    ),
    (lambda: nn.Index(2), [np.zeros(3), np.array([1])], ValueError, 'nn.Index: expected dimension 2'),
    (lambda: nn.MaskedSelect(), np.zeros(3), TypeError, 'nn.MaskedSelect: expected a table of 2 as input'),
    (lambda: nn.MaskedSelect(), [np.zeros(3), np.zeros(3)], TypeError, 'expected a mask of uint8 or bool'),
    (
        lambda: nn.MaskedSelect(),
        [np.zeros(3), np.zeros(2, bool)],
        ValueError,
        'expected a mask of 3 elements, got shape',
    ),
    (
        lambda: nn.MaskedSelect(),
        [np.zeros(1), np.full(1, 2, np.uint8)],
        ValueError,
        'expected a mask of 0 and 1, got 2',
    ),
    (lambda: nn.MaskedSelect(), None, TypeError, 'expected a table of 2 as input, got nil'),
]


@pytest.mark.parametrize('make, input, error, text', BAD, ids=lambda item: item if isinstance(item, str) else '')
def test_bad_input(make, input, error, text):
    refuses(make(), input, error, text)


@pytest.mark.parametrize(
    'layer, input, gradOutput',
    [
        (nn.Narrow(1, 1, 2), np.zeros(3), np.zeros(3)),
        (nn.Select(1, 1), np.zeros((2, 3)), np.zeros(2)),
        (nn.Index(1), [np.zeros(3), np.array([1, 2])], np.zeros(3)),
        (nn.MaskedSelect(), [np.zeros(3), np.array([1, 0, 1], bool)], np.zeros(3)),
    ],
    ids=lambda item: str(item) if isinstance(item, nn.Module) else '',
)
def test_bad_gradients(layer, input, gradOutput):
    refuses_gradients(layer, input, gradOutput)
