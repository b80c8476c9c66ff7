"""The layers of simple.md: against plain NumPy, given bad input, and where they are special."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import t7nn as nn
from t7nn.tensors import owner

VALUES = st.floats(-8, 8).map(lambda x: round(x, 3))


def tensors(least=1, most=4, side=4):
    """Tensors of `least` to `most` dimensions."""
    return arrays.arrays(np.float64, arrays.array_shapes(min_dims=least, max_dims=most, max_side=side), elements=VALUES)


def run(layer, input):
    """Output and gradInput, for a gradOutput with no two elements alike."""
    output = layer.forward(input)
    gradOutput = np.arange(1.0, output.size + 1).reshape(output.shape)
    return output, gradOutput, layer.backward(input, gradOutput)


def same(*pairs):
    for actual, expected in pairs:
        np.testing.assert_allclose(actual, expected, 1e-12, 1e-12)
        assert actual.shape == np.shape(expected)


# Against plain NumPy


@given(tensors(), st.data())
def test_transpose(x, data):
    dimensions = st.integers(1, x.ndim)
    pairs = data.draw(st.lists(st.lists(dimensions, min_size=2, max_size=2), max_size=3))
    expected, back = x, None
    for one, other in pairs:
        expected = np.swapaxes(expected, one - 1, other - 1)
    output, back, gradInput = run(nn.Transpose(*pairs), x)
    for one, other in pairs[::-1]:
        back = np.swapaxes(back, one - 1, other - 1)
    same((output, expected), (gradInput, back))


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
def test_padding(x, data):
    axis = data.draw(st.integers(0, x.ndim - 1))
    cut, count = data.draw(st.integers(0, x.shape[axis])), data.draw(st.integers(1, 3))
    expected = np.insert(x, [cut] * count, 0.5, axis)
    before = nn.Padding(axis + 1, -count, None, 0.5, cut + 1)
    behind = nn.Padding(axis + 1, count, None, 0.5, x.shape[axis] - cut + 1)
    for layer in (before, behind):
        output, gradOutput, gradInput = run(layer, x)
        same((output, expected), (gradInput, np.delete(gradOutput, range(cut, cut + count), axis)))


@given(tensors(), st.data())
def test_replicate(x, data):
    dim, count = data.draw(st.integers(1, x.ndim + 1)), data.draw(st.integers(1, 4))
    output, gradOutput, gradInput = run(nn.Replicate(count, dim), x)
    same((output, np.stack([x] * count, dim - 1)), (gradInput, gradOutput.sum(dim - 1)))
    assert np.shares_memory(output, x)


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


@given(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3))
def test_pixel_shuffle(r, channels, height, width):
    x = np.arange(channels * r * r * height * width, dtype=float).reshape(-1, height, width)
    output, gradOutput, gradInput = run(nn.PixelShuffle(r), x)
    assert output.shape == (channels, r * height, r * width)
    for c, i, j, h, w in np.ndindex(channels, r, r, height, width):
        assert output[c, r * h + i, r * w + j] == x[r * r * c + r * i + j, h, w]
        assert gradInput[r * r * c + r * i + j, h, w] == gradOutput[c, r * h + i, r * w + j]


@given(arrays.arrays(np.int64, arrays.array_shapes(max_dims=3), elements=st.integers(1, 5)))
def test_one_hot(labels):
    output = nn.OneHot(5).forward(labels)
    same((output, np.eye(5)[labels - 1]), (nn.OneHot(5).forward(labels.astype(float)), output))


@given(tensors(), st.data())
def test_reductions(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    dimension = axis + (axis >= 0)
    squeeze = x.ndim > 1
    for layer, function in (
        (nn.Sum(dimension), np.sum),
        (nn.Mean(dimension), np.mean),
        (nn.Max(dimension), np.max),
        (nn.Min(dimension), np.min),
    ):
        same((layer.forward(x), function(x, axis, keepdims=not squeeze)))
    same((nn.Sum(dimension, None, True, False).forward(x), x.mean(axis, keepdims=True)))


@given(tensors(2, 3), st.data())
def test_extremes_send_the_gradient_to_the_first(x, data):
    axis = data.draw(st.integers(0, x.ndim - 1))
    x = np.moveaxis(np.round(x / 4), -1, axis)  # few values, so that several are equal
    for layer, best in ((nn.Max(axis + 1), max), (nn.Min(axis + 1), min)):
        _, gradOutput, gradInput = run(layer, x)
        expected = np.zeros_like(x)
        rows, places = np.moveaxis(x, axis, -1), np.moveaxis(expected, axis, -1)
        for row in np.ndindex(gradOutput.shape):
            values = rows[row].tolist()
            places[row][values.index(best(values))] = gradOutput[row]
        same((gradInput, expected))


@given(st.booleans(), st.booleans(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 3))
def test_matrix_products(transA, transB, n, k, m, batch):
    rng = np.random.RandomState(n + 4 * k + 16 * m)
    prefix = (batch,) if batch else ()
    a, b, g = rng.randn(*prefix, n, k), rng.randn(*prefix, k, m), rng.randn(*prefix, n, m)
    left, right = (np.swapaxes(x, -1, -2).copy() if trans else x for x, trans in ((a, transA), (b, transB)))
    layer = nn.MM(transA, transB)
    same((layer.forward([left, right]), np.einsum('...ij,...jk->...ik', a, b)))
    gradA, gradB = layer.backward([left, right], g)
    expectedA, expectedB = np.einsum('...ik,...jk->...ij', g, b), np.einsum('...ij,...ik->...jk', a, g)
    same((gradA, np.swapaxes(expectedA, -1, -2) if transA else expectedA))
    same((gradB, np.swapaxes(expectedB, -1, -2) if transB else expectedB))
    layer = nn.MV(transA)
    x, g = b[..., 0].copy(), g[..., 0].copy()
    same((layer.forward([left, x]), np.einsum('...ij,...j->...i', a, x)))
    gradM, gradX = layer.backward([left, x], g)
    expected = np.einsum('...i,...j->...ij', g, x)
    same((gradM, np.swapaxes(expected, -1, -2) if transA else expected), (gradX, np.einsum('...ij,...i->...j', a, g)))


@given(tensors())
def test_elementwise(x):
    _, gradOutput, gradInput = run(nn.Abs(), x)
    same((gradInput, np.where(x >= 0, gradOutput, -gradOutput)))
    x = np.abs(x)
    output, gradOutput, gradInput = run(nn.Sqrt(), x)
    slope = np.array([0 if y == 0 else 1 / (2 * y) for y in output.flat]).reshape(x.shape)
    same((output, x**0.5), (gradInput, slope * gradOutput))
    x += 1
    for layer, value, slope in (
        (nn.Log(), np.log(x), 1 / x),
        (nn.Exp(), np.exp(x), np.exp(x)),
        (nn.Square(), x * x, 2 * x),
        (nn.Power(2.5), x**2.5, 2.5 * x**1.5),
        (nn.AddConstant(3), x + 3, np.ones_like(x)),
        (nn.MulConstant(-2), -2 * x, np.full_like(x, -2)),
    ):
        output, gradOutput, gradInput = run(layer, x)
        same((output, value), (gradInput, slope * gradOutput))


@pytest.mark.parametrize(
    'layer, x, y, slope',
    [
        (nn.Log(), [0, -1], [-np.inf, np.nan], [np.inf, -1]),
        (nn.Sqrt(), [-1, np.inf], [np.nan, np.inf], [np.nan, 0]),
        (nn.Exp(), [1000, -1000], [np.inf, 0], [np.inf, 0]),
        (nn.Power(-1), [0, 4], [np.inf, 0.25], [-np.inf, -1 / 16]),
        (nn.Power(0.5), [-1, 0], [np.nan, 0], [np.nan, np.inf]),
    ],
    ids=str,
)
def test_outside_of_the_domain(layer, x, y, slope):
    # inf and nan without a warning, which would be an error here
    x = np.array(x, float)
    np.testing.assert_array_equal(layer.forward(x), y)
    np.testing.assert_array_equal(layer.backward(x, np.ones(2)), slope)


# Shapes are views


@pytest.mark.parametrize(
    'layer, shape',
    [
        (nn.Collapse(2), (4, 2, 3)),
        (nn.Squeeze(), (2, 1, 3)),
        (nn.Unsqueeze(2), (2, 3)),
        (nn.View(-1), (2, 3)),
        (nn.Reshape(6), (2, 3)),
        (nn.Contiguous(), (2, 3)),
        (nn.Replicate(3), (2,)),
        (nn.Copy(), (2, 3)),
    ],
    ids=str,
)
def test_views(layer, shape):
    x = np.ones(shape)
    output = layer.forward(x)
    x.fill(13)
    assert output.min() == 13


@pytest.mark.parametrize(
    'layer', [nn.Transpose([1, 1]), nn.Narrow(1, 1, 2), nn.Copy('float64', 'float64', True)], ids=str
)
def test_copies(layer):
    x = np.ones((2, 3))
    assert not np.shares_memory(layer.forward(x), x)


def test_squeeze_keeps_a_batch_of_one():
    assert nn.Squeeze(None, 2).forward(np.zeros((1, 1, 3))).shape == (1, 3)
    assert nn.Squeeze(None, 2).forward(np.zeros((1, 1, 1))).shape == (1, 1)
    assert nn.Squeeze().forward(np.zeros((1, 1, 1))).shape == (1,)
    assert nn.Squeeze(1).forward(np.zeros(1)).shape == (1,)
    assert nn.Squeeze(2).forward(np.zeros((1, 3))).shape == (1, 3)


def test_unsqueeze_takes_the_sample_from_the_first_input():
    layer = nn.Unsqueeze(1)
    assert layer.forward(np.zeros((2, 3))).shape == (1, 2, 3)
    assert layer.forward(np.zeros((4, 2, 3))).shape == (4, 1, 2, 3)
    assert nn.Unsqueeze(2).setNumInputDims(1).forward(np.zeros((4, 5, 3))).shape == (4, 5, 3, 1)


def test_unsqueeze_before_the_batch():
    assert nn.Unsqueeze(0, 1).forward(np.zeros((2, 3))).shape == (1, 2, 3)
    assert nn.Unsqueeze(-1, 1).forward(np.zeros((4, 2, 3))).shape == (1, 4, 2, 3)


def test_contiguous_copies_what_is_not():
    x = np.arange(6.0).reshape(2, 3).T
    layer = nn.Contiguous()
    output, _, gradInput = run(layer, x)
    assert output.flags.c_contiguous and not np.shares_memory(output, x)
    same((output, x))
    assert layer.backward(x, x).flags.c_contiguous


def test_narrow_takes_every_dtype():
    x = np.arange(6).reshape(2, 3)
    output = nn.Narrow(2, 2, 2).forward(x)
    assert output.dtype == np.int64 and output.tolist() == [[1, 2], [4, 5]]
    assert nn.Narrow(2, 2, 2).updateGradInput(x, x[:, 1:]).tolist() == [[0, 1, 2], [0, 4, 5]]


def test_copy_casts():
    layer = nn.Copy('torch.DoubleTensor', 'torch.FloatTensor')
    output = layer.forward(np.array([0.1]))
    assert output.dtype == np.float32
    assert layer.backward(np.array([0.1]), output).dtype == np.float64
    assert layer.float().forward(np.array([0.1], np.float32)).dtype == np.float32
    assert layer.backward(np.array([0.1]), output).dtype == np.float32
    assert nn.Copy('torch.DoubleTensor', 'torch.LongTensor').forward(np.array([1.9, -1.9])).tolist() == [1, -1]


def test_casts_of_what_does_not_fit():
    x = np.array([1e300, -1e300, 1.5])
    for layer in (nn.Copy('torch.DoubleTensor', 'torch.FloatTensor'), nn.Convert().float()):
        np.testing.assert_array_equal(layer.forward(x), [np.inf, -np.inf, 1.5])
        assert layer.output.dtype == np.float32


def test_copy_that_is_not_cast():
    net = nn.Sequential().add(nn.Copy('torch.DoubleTensor', 'torch.FloatTensor', False, True)).add(nn.Linear(2, 1))
    net.float()
    assert net.get(2).weight.dtype == np.float32
    assert net.get(1).type() == np.float64
    gradInput = net.backward(np.ones(2), net.forward(np.ones(2)))
    assert net.output.dtype == np.float32 and gradInput.dtype == np.float64
    assert net.get(1).type('float32').dtype == np.float64


def test_convert_casts_and_adapts():
    layer = nn.Convert('chw', 'f')
    assert layer.forward(np.ones((2, 1, 3), np.float32)).dtype == np.float64
    assert layer.forward(np.ones((4, 2, 1, 3))).shape == (4, 6)
    assert layer.backward(np.ones((4, 2, 1, 3)), np.ones((4, 6))).shape == (4, 2, 1, 3)
    assert layer.listModules()[1].typename == 'nn.Reshape'
    assert nn.Convert('b', 'bf').forward(np.ones(4)).shape == (4, 1)
    assert nn.Convert('b', 'bt').forward(np.ones(4)).shape == (4, 1)
    assert nn.Convert('fb', 'b').forward(np.ones((1, 4))).shape == (4,)
    assert nn.Convert('tb', 'b').forward(np.array([[1.0, 2], [3, 4]])).tolist() == [1, 2]
    assert nn.Convert('bhc', 'cbh').forward(np.ones((2, 3, 4))).shape == (4, 2, 3)
    assert nn.Convert('cbh', 'bf').forward(np.ones((2, 3, 4))).shape == (3, 8)
    single = nn.Convert('hwc', 'chw')
    assert single.forward(np.ones((2, 3, 4))).shape == (4, 2, 3)
    assert single.backward(np.ones((2, 3, 4)), np.ones((4, 2, 3))).shape == (2, 3, 4)


@pytest.mark.parametrize('gradOutput', [np.zeros((2, 4)), np.zeros(5), np.zeros((3, 2))])
def test_convert_needs_a_gradient_of_the_shape_of_its_output(gradOutput):
    layer, x = nn.Convert('bhw', 'bf'), np.zeros((2, 1, 3))
    layer.forward(x)
    with pytest.raises(ValueError, match=r'nn.Convert: expected gradOutput of shape \(2, 3\), got shape'):
        layer.backward(x, gradOutput)


# Arithmetic


@pytest.mark.parametrize('layer', [nn.MulConstant(-0.5, True), nn.AddConstant(3, True)], ids=str)
def test_in_place_constants_train_as_others_do(layer):
    """One layer before that needs its output, one behind that needs its input, and the passes one by one: Torch7 puts
    the input back too early for the layer behind."""
    plain = type(layer)(layer.constant_scalar)
    nn.manualSeed(3)
    first, last = nn.Linear(3, 3), nn.Linear(3, 2)
    nets = [
        nn.Sequential().add(first.clone()).add(nn.Tanh()).add(middle).add(last.clone()) for middle in (layer, plain)
    ]
    for passes in (['updateGradInput', 'accGradParameters'], ['backward'], ['backward', 'backward']):
        for net in nets:
            net.zeroGradParameters()
            net.forward(np.array([[0.5, -1.0, 2.0]]))
            for method in passes:
                getattr(net, method)(np.array([[0.5, -1.0, 2.0]]), np.array([[1.0, -2.0]]))
        same(
            (nets[0].gradInput, nets[1].gradInput), *zip(nets[0].parameters()[1], nets[1].parameters()[1], strict=True)
        )


def test_in_place_constants_write_into_what_they_get():
    x, g = np.ones(3), np.ones(3)
    layer = nn.MulConstant(4, True)
    assert layer.forward(x) is x and x.tolist() == [4, 4, 4]
    assert layer.backward(x, g) is g and g.tolist() == [4, 4, 4]
    assert x.tolist() == [1, 1, 1] and layer.output.tolist() == [4, 4, 4]


def test_a_gradient_that_is_not_wanted():
    layer = nn.MulConstant(2)
    layer.gradInput = None
    layer.forward(np.ones(2))
    assert layer.backward(np.ones(2), np.ones(2)) is None


def test_constants_follow_the_dtype():
    assert nn.AddConstant(np.array([1, 2])).float().forward(np.zeros(2, np.float32)).dtype == np.float32
    assert nn.Constant(np.array([1, 2])).float().forward(np.zeros(2, np.float32)).dtype == np.float32


# The miscellaneous


def test_print_size(capsys):
    layer = nn.PrintSize('here')
    x = [np.zeros((2, 3)), [np.zeros(4)]]
    assert layer.forward(x) is x
    assert layer.backward(x, None) is None
    assert capsys.readouterr().out == 'here:input\n [(2, 3), [(4,)]]\nhere:gradOutput\n missing size\n'


def test_one_hot_of_a_number():
    layer = nn.OneHot(4)
    assert layer.forward(2).tolist() == [0, 1, 0, 0]
    assert layer.updateGradInput(2, layer.output) == 0


def test_l1_penalty():
    x, g = np.array([[1.0, -2.0, 0.0]]), np.array([[0.1, 0.2, 0.3]])
    layer = nn.L1Penalty(0.5)
    assert layer.forward(x) is x and layer.loss == 1.5
    same((layer.backward(x, g), [[0.6, -0.3, 0.3]]))
    layer = nn.L1Penalty(3, True, False)
    layer.forward(x)
    assert layer.loss == 3
    same((layer.backward(x, g), [[1, -1, 0]]))


def test_constant_ignores_the_input():
    value = np.array([[1.0, 2.0]])
    layer = nn.Constant(value, 1)
    assert layer.forward(np.zeros((3, 5))).tolist() == [[[1, 2]]] * 3
    assert not np.shares_memory(layer.output, value)
    assert layer.backward(np.zeros((3, 5)), layer.output).tolist() == [[0] * 5] * 3
    x = [np.ones(2), [np.ones((1, 2))]]
    gradInput = nn.Constant(7).backward(x, np.ones(1))
    assert [gradInput[0].tolist(), gradInput[1][0].tolist()] == [[0, 0], [[0, 0]]]


def test_zero_grad_of_a_table():
    x = [np.ones(2), {'a': np.ones(3)}, None]
    layer = nn.ZeroGrad()
    assert layer.forward(x) is x
    gradInput = layer.backward(x, x)
    assert gradInput[0].tolist() == [0, 0] and gradInput[1]['a'].tolist() == [0, 0, 0] and gradInput[2] is None


# Bad input: what comes, and what is said

BAD = [
    (lambda: nn.Squeeze(3), np.zeros((2, 3)), ValueError, 'expected dimension 3, counted from 1, got a tensor of 2'),
    (lambda: nn.Squeeze(0), np.zeros((2, 3)), ValueError, 'expected dimension 0, counted from 1'),
    (lambda: nn.Unsqueeze(4), np.zeros((2, 3)), ValueError, r'expected position in 1..3 .* \(2, 3\), got 4'),
    (lambda: nn.Unsqueeze(0), np.zeros(2), ValueError, 'expected position in 1..2 .* got 0'),
    (lambda: nn.Unsqueeze(1, 3), np.zeros(2), ValueError, r'expected .*at least 3 dimensions \(numInputDims\)'),
    (lambda: nn.Collapse(2), [np.zeros(2)], TypeError, 'nn.Collapse: expected a tensor as input, got a table of 1'),
    (lambda: nn.Contiguous(), None, TypeError, 'nn.Contiguous: expected a tensor as input, got nil'),
    (lambda: nn.Copy(), [np.zeros(2)], TypeError, 'nn.Copy: expected a tensor as input, got a table of 1'),
    (lambda: nn.Convert('bhw', 'bf'), [np.zeros(2)], TypeError, 'nn.Convert: expected a tensor as input'),
    (lambda: nn.Convert('bt', 'bf'), np.zeros((2, 3)), ValueError, 'unrecognized conversion of shape bt to bf'),
    (lambda: nn.Convert('bf', 'b'), np.zeros((2, 3)), ValueError, r'expected one feature to convert bf to b'),
    (lambda: nn.Convert('bhw', 'bw'), np.zeros((2, 3, 1)), ValueError, 'unrecognized conversion of shape bhw to bw'),
    (lambda: nn.Transpose([1, 3]), np.zeros((2, 3)), ValueError, 'nn.Transpose: expected dimension 3'),
    (lambda: nn.Replicate(2, 4), np.zeros((2, 3)), ValueError, 'not enough input dimensions to replicate along 4'),
    (lambda: nn.Narrow(2, 2, 3), np.zeros((2, 3)), IndexError, r'expected entries in 1..3 of dimension 2, .* 2\.\.4'),
    (lambda: nn.Narrow(1, 0), np.zeros(3), IndexError, r'got offset 0 and length 1, which is 0\.\.0'),
    (lambda: nn.Narrow(3, 1), np.zeros((2, 3)), ValueError, 'expected dimension 3'),
    (lambda: nn.Narrow(1, 1), [np.zeros(2)], TypeError, 'nn.Narrow: expected a tensor as input, got a table of 1'),
    (lambda: nn.Select(1, 3), np.zeros((2, 3)), IndexError, 'expected index in 1..2 of dimension 1, got 3'),
    (lambda: nn.Select(1, 0), np.zeros((2, 3)), IndexError, 'expected index in 1..2 of dimension 1, got 0'),
    (lambda: nn.Select(1, -3), np.zeros((2, 3)), IndexError, 'got -3'),
    (lambda: nn.Select(1, 1), np.zeros(3), ValueError, r'cannot select on a vector, got shape \(3,\)'),
    (lambda: nn.Padding(1, 1, None, 0, 5), np.zeros(3), IndexError, 'expected index in 1..4 of dimension 1, got 5'),
    (lambda: nn.Padding(1, -1, None, 0, 0), np.zeros(3), IndexError, 'got 0'),
    (lambda: nn.Padding(3, 1), np.zeros((2, 3)), ValueError, 'nn.Padding: expected dimension 3'),
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
    (lambda: nn.OneHot(3), np.array([[1, 2], [3, 4]]), IndexError, 'expected input in 1..3, got 4 at position 2, 2'),
    (lambda: nn.OneHot(3), np.array([1, np.nan]), IndexError, 'expected input in 1..3, got nan at position 2'),
    (lambda: nn.OneHot(3), 0, IndexError, 'nn.OneHot: expected input in 1..3, got 0 at position 1'),
    (lambda: nn.OneHot(3), [1, 2], TypeError, 'nn.OneHot: expected a tensor or a number, got a table of 2'),
    (lambda: nn.OneHot(3), 'a', TypeError, "nn.OneHot: expected a tensor or a number, got str 'a'"),
    (lambda: nn.PixelShuffle(2), np.zeros((6, 2, 2)), ValueError, 'expected .*multiple of 4 channels, got shape'),
    (lambda: nn.PixelShuffle(2), np.zeros((4, 2)), ValueError, '3D or 4D input'),
    (lambda: nn.Constant(1, 1), [np.zeros(2)], TypeError, 'nn.Constant: expected a tensor as input'),
    (lambda: nn.L1Penalty(1), [np.zeros(2)], TypeError, 'nn.L1Penalty: expected a tensor as input'),
    (lambda: nn.Sum(3), np.zeros((2, 3)), ValueError, 'nn.Sum: expected dimension 3, counted from 1'),
    (lambda: nn.Max(-3), np.zeros((2, 3)), ValueError, 'nn.Max: expected dimension -3'),
    (lambda: nn.Min(1), np.zeros((0, 3)), ValueError, 'expected .*at least one entry in dimension 1, got shape'),
    (lambda: nn.Mean(), [np.zeros(2)], TypeError, 'nn.Mean: expected a tensor as input, got a table of 1'),
    (
        lambda: nn.AddConstant(np.ones(3)),
        np.zeros((2, 2)),
        ValueError,
        r'expected a vector of size 3 or a batch of them',
    ),
    (lambda: nn.AddConstant(np.ones(3)), np.zeros((2, 2, 3)), ValueError, r'got shape \(2, 2, 3\)'),
    (lambda: nn.Abs(), [np.zeros(2)], TypeError, 'nn.Abs: expected a tensor as input'),
    (lambda: nn.MM(), np.zeros((2, 2)), TypeError, 'nn.MM: expected a table of 2 as input'),
    (
        lambda: nn.MM(),
        [np.zeros((2, 3)), np.zeros((2, 3))],
        ValueError,
        r'expected .*sizes that match, .* got shape \(2, 3\)',
    ),
    (lambda: nn.MM(), [np.zeros(3), np.zeros(3)], ValueError, 'nn.MM: expected a matrix and a matrix'),
    (lambda: nn.MM(), [np.zeros((2, 2, 2)), np.zeros((3, 2, 2))], ValueError, 'two batches of as many'),
    (lambda: nn.MM(), [np.zeros((2, 2)), [1]], TypeError, r'expected a tensor as input\[2\]'),
    (lambda: nn.MV(), [np.zeros((2, 2)), np.zeros(3)], ValueError, 'nn.MV: expected a matrix and a vector'),
    (lambda: nn.MV(), [np.zeros((2, 2)), np.zeros((2, 1))], ValueError, 'nn.MV: expected a matrix and a vector'),
    (lambda: nn.MaskedSelect(), None, TypeError, 'expected a table of 2 as input, got nil'),
    (lambda: nn.OneHot(2), [np.ones(1), [np.ones(2)]], TypeError, 'expected a tensor or a number, got a table of 2'),
    (lambda: nn.OneHot(2), None, TypeError, 'expected a tensor or a number, got nil'),
    (lambda: nn.Unsqueeze(-1, 1), np.zeros((2, 3)), ValueError, r'expected position in 0..2 .* got -1'),
]


@pytest.mark.parametrize('make, input, error, text', BAD, ids=lambda item: item if isinstance(item, str) else '')
def test_bad_input(make, input, error, text):
    layer = make()
    with pytest.raises(error, match=text) as caught:
        layer.forward(input)
    assert str(caught.value).startswith(layer.typename)


@pytest.mark.parametrize(
    'make, error, text',
    [
        (lambda: nn.Transpose(1, 2), TypeError, 'nn.Transpose: expected pairs of dimensions'),
        (lambda: nn.Replicate(2, 0), ValueError, 'nn.Replicate: can only replicate across positive integer dimensions'),
        (lambda: nn.Copy('torch.Tensor'), TypeError, 'expected a tensor type such as torch.FloatTensor or float32'),
        (
            lambda: nn.Convert(None, 'bf'),
            ValueError,
            'nn.Convert: expected an inputShape beside the outputShape',
        ),
        (lambda: nn.Convert('b*', 'bf'), ValueError, r'nn.Convert: both or neither of the shapes must be b\*'),
        (lambda: nn.Constant('a'), TypeError, "nn.Constant: expected a number or tensor, got str 'a'"),
        (lambda: nn.Sum(1, 2, True, 1), TypeError, 'nn.Sum: expected True or False as squeeze, got int 1'),
        (
            lambda: nn.MulConstant(np.ones(2)),
            TypeError,
            'nn.MulConstant: expected a number as constant_scalar, got shape',
        ),
        (lambda: nn.MulConstant(0, True), ValueError, 'nn.MulConstant: expected a constant other than 0 with inplace'),
        (lambda: nn.AddConstant('a'), TypeError, "nn.AddConstant: expected a number or tensor, got str 'a'"),
        (lambda: nn.AddConstant(1, 1), TypeError, 'nn.AddConstant: expected True or False as inplace, got int 1'),
        (lambda: nn.MV(1), TypeError, 'nn.MV: expected True or False as trans, got int 1'),
    ],
)
def test_bad_arguments(make, error, text):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    'layer, input, gradOutput',
    [
        (nn.Collapse(1), np.zeros((2, 3)), np.zeros(5)),
        (nn.Replicate(2), np.zeros(3), np.zeros((3, 2))),
        (nn.Narrow(1, 1, 2), np.zeros(3), np.zeros(3)),
        (nn.Select(1, 1), np.zeros((2, 3)), np.zeros(2)),
        (nn.Padding(1, 1), np.zeros(3), np.zeros(3)),
        (nn.Index(1), [np.zeros(3), np.array([1, 2])], np.zeros(3)),
        (nn.MaskedSelect(), [np.zeros(3), np.array([1, 0, 1], bool)], np.zeros(3)),
        (nn.PixelShuffle(2), np.zeros((4, 1, 1)), np.zeros((4, 1, 1))),
        (nn.L1Penalty(1), np.zeros(3), np.zeros(2)),
        (nn.Sum(1), np.zeros((2, 3)), np.zeros(2)),
        (nn.Max(1), np.zeros((2, 3)), np.zeros((1, 3))),
        (nn.Abs(), np.zeros(3), np.zeros(2)),
        (nn.MulConstant(2, True), np.zeros(3), np.zeros(2)),
        (nn.MM(), [np.zeros((2, 3)), np.zeros((3, 4))], np.zeros((4, 2))),
        (nn.MV(), [np.zeros((2, 3)), np.zeros(3)], np.zeros(3)),
    ],
    ids=lambda item: str(item) if isinstance(item, nn.Module) else '',
)
def test_bad_gradients(layer, input, gradOutput):
    output = layer.forward(copy.deepcopy(input))
    with pytest.raises(ValueError, match=f'^{layer}: .*got shape') as caught:
        layer.backward(input, gradOutput)
    assert str(gradOutput.shape) in str(caught.value)
    with pytest.raises(TypeError, match='expected a tensor as gradOutput, got a table of 1'):
        layer.backward(input, [output])
    with pytest.raises(TypeError, match='expected gradOutput of float64, got float32'):
        layer.backward(input, output.astype(np.float32))


def test_shapes_share_their_storage():
    x = np.zeros((4, 2, 3))
    net = nn.Sequential().add(nn.Collapse(2)).add(nn.Unsqueeze(2)).add(nn.Squeeze(2))
    assert owner(net.forward(x)) is x
