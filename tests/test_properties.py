"""Properties of the core classes for any shape, memory layout and values, and of networks drawn at random: against
SciPy and plain NumPy, gradients against differences, nothing against t7nn itself."""

import math

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import t7nn as nn
from t7nn.testing.strategies import modules, networks, numbers, tensors

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 4)
few = settings(max_examples=30)
SHAPES = array_shapes(max_dims=4, max_side=3)


def close(actual, expected, tolerance=1e-12):
    assert actual.shape == np.shape(expected)
    np.testing.assert_allclose(actual, expected, tolerance, tolerance)


def gradient(function, x, dy=1.0, step=0.05):
    """The derivatives of sum(dy * function(x)): two-sided differences of four steps, extrapolated to step 0."""

    def difference(i, h):
        there, back = x.astype(np.float64), x.astype(np.float64)
        there.flat[i] += h
        back.flat[i] -= h
        return (np.sum(dy * function(there)) - np.sum(dy * function(back))) / (2 * h)

    found = np.empty(x.shape)
    for i in range(x.size):
        row = [difference(i, step / 2**k) for k in range(4)]
        for order in (4, 16, 64):  # the error's terms in h^2, h^4 and h^6 cancel
            row = [(order * fine - rough) / (order - 1) for rough, fine in zip(row, row[1:], strict=False)]
        found.flat[i] = row[0]
    return found


def is_gradient(actual, function, x, dy=1.0, step=0.05):
    close(actual, gradient(function, x, dy, step), 1e-6)


def check(module, function, x, dy, step=0.05):
    """The module is the function: forward, and gradInput."""
    kept = x.copy(), dy.copy()
    output = module.forward(x)
    close(output, function(x))
    gradInput = module.updateGradInput(x, dy)
    is_gradient(gradInput, function, x, dy, step)
    assert output.dtype == gradInput.dtype == x.dtype
    assert np.array_equal(x, kept[0])
    assert np.array_equal(dy, kept[1])


# Layers without parameters


def class_axis(x):
    return {1: 0, 2: 1, 3: 0, 4: 1}[x.ndim]


FUNCTIONS = {
    nn.Tanh: np.tanh,
    nn.Exp: np.exp,
    nn.Sigmoid: scipy.special.expit,
    nn.ReLU: lambda x: np.maximum(x, 0),
    nn.SoftMax: lambda x: scipy.special.softmax(x, class_axis(x)),
    nn.LogSoftMax: lambda x: scipy.special.log_softmax(x, class_axis(x)),
    nn.Identity: lambda x: x,
}


@pytest.mark.parametrize('kind', FUNCTIONS, ids=lambda kind: kind.__name__)
@few
@given(data=st.data())
def test_layers_without_parameters(kind, data):
    x = data.draw(tensors(SHAPES))
    # the numbers of tensors() stay 1/32 away from ReLU's kink, and so must the differences
    check(kind(), FUNCTIONS[kind], x, data.draw(tensors(x.shape)), 0.005)


@pytest.mark.parametrize(
    'kind', [nn.Tanh, nn.Sigmoid, nn.ReLU, nn.SoftMax, nn.LogSoftMax], ids=lambda kind: kind.__name__
)
@few
@given(data=st.data())
def test_far_and_near_values(kind, data):
    elements = st.floats(-700, 700) | numbers(near=True) | st.sampled_from([0.0, -0.0, 1e-300, -1e-300])
    x = data.draw(tensors(SHAPES, elements=elements))
    close(kind().forward(x), FUNCTIONS[kind](x), 1e-13)


@pytest.mark.parametrize('kind', FUNCTIONS, ids=lambda kind: kind.__name__)
@few
@given(data=st.data())
def test_float32(kind, data):
    x = data.draw(tensors(SHAPES, np.float32))
    output = kind().float().forward(x)
    assert output.dtype == np.float32
    close(output, FUNCTIONS[kind](x.astype(float)), 1e-5)


@few
@given(data=st.data(), seed=seeds, p=st.sampled_from([0.0, 0.1, 0.5, 0.75]))
def test_dropout(data, seed, p):
    x = data.draw(tensors(SHAPES))
    dy = data.draw(tensors(x.shape))
    generator = np.random.MT19937()
    generator._legacy_seeding(seed)
    draws = generator.random_raw(x.size).reshape(x.shape) if p else np.zeros(x.shape)
    factor = (draws / 2**32 <= 1 - p) / (1 - p)
    module = nn.Dropout(p)
    nn.manualSeed(seed)
    close(module.forward(x), x * factor)
    close(module.updateGradInput(x, dy), dy * factor)
    module.evaluate()
    close(module.forward(x), x)
    close(module.updateGradInput(x, dy), dy)


@st.composite
def other_shapes(draw, size):
    """A shape of so many elements."""
    shape = []
    while size > 1:
        shape.append(draw(st.sampled_from([n for n in range(2, size + 1) if size % n == 0])))
        size //= shape[-1]
    for _ in range(draw(st.integers(0 if shape else 1, 1))):
        shape.insert(draw(st.integers(0, len(shape))), 1)
    return tuple(shape)


@few
@given(data=st.data())
def test_reshape_and_view(data):
    x = data.draw(tensors(SHAPES))
    shape = data.draw(other_shapes(x.size))
    batched = (len(x), *data.draw(other_shapes(x[0].size)))
    dy = [data.draw(tensors(shape)), data.draw(tensors(batched))]
    for module in (nn.Reshape(*shape, batchMode=False), nn.Reshape(list(shape), False)):
        close(module.forward(x), x.reshape(shape))
        close(module.updateGradInput(x, dy[0]), dy[0].reshape(x.shape))
    batch = [nn.Reshape(*batched[1:], True)]
    if x.ndim > 1:
        batch.append(nn.View(*batched[1:]).setNumInputDims(x.ndim - 1))
    for module in batch:
        close(module.forward(x), x.reshape(batched))
        close(module.updateGradInput(x, dy[1]), dy[1].reshape(x.shape))
    unknown = data.draw(st.integers(0, len(shape) - 1))
    view = nn.View(*(-1 if i == unknown else n for i, n in enumerate(shape)))
    close(view.forward(x), x.reshape(shape))
    close(view.updateGradInput(x, dy[0]), dy[0].reshape(x.shape))


# Linear


@few
@given(data=st.data(), size=sizes, outputSize=sizes, bias=st.booleans(), scale=st.sampled_from([1, 0.5, -2]))
def test_linear(data, size, outputSize, bias, scale):
    """As sums over single elements, with parameters, gradients and input in any memory layout."""
    shape = data.draw(st.sampled_from([(), (1,), (3,)]))
    x, dy = data.draw(tensors((*shape, size))), data.draw(tensors((*shape, outputSize)))
    module = nn.Linear(size, outputSize, bias)
    W, gradW = module.weight, module.gradWeight = [data.draw(tensors((outputSize, size))) for _ in range(2)]
    b = data.draw(tensors((outputSize,))) if bias else np.zeros(outputSize)
    gradb = data.draw(tensors((outputSize,)))
    if bias:
        module.bias, module.gradBias = b, gradb
    W, b, gradW, gradb = (array.copy() for array in (W, b, gradW, gradb))
    rows, gradients = np.atleast_2d(x), np.atleast_2d(dy)
    expected = [[math.fsum([b[i], *(W[i] * row)]) for i in range(outputSize)] for row in rows]
    close(module.forward(x), np.reshape(expected, dy.shape))
    expected = [[math.fsum(W[:, j] * g) for j in range(size)] for g in gradients]
    close(module.updateGradInput(x, dy), np.reshape(expected, x.shape))
    dW = sum(np.outer(g, row) for row, g in zip(rows, gradients, strict=True))
    module.accGradParameters(x, dy, scale)
    close(module.gradWeight, gradW + scale * dW)
    module.accUpdateGradParameters(x, dy, scale)
    close(module.weight, W - scale * dW)
    close(module.gradWeight, gradW + scale * dW)
    if bias:
        close(module.gradBias, gradb + scale * gradients.sum(0))
        close(module.bias, b - scale * gradients.sum(0))


# Containers


@few
@given(data=st.data(), kinds=st.lists(st.sampled_from([nn.Tanh, nn.Exp, nn.Identity]), min_size=1, max_size=3))
def test_concat(data, kinds):
    x = data.draw(tensors(array_shapes(max_dims=3, max_side=3)))
    axis = data.draw(st.integers(0, x.ndim - 1))
    module = nn.Concat(axis + 1)
    for kind in kinds:
        module.add(kind())

    def function(x):
        return np.concatenate([FUNCTIONS[kind](x) for kind in kinds], axis)

    check(module, function, x, data.draw(tensors(function(x).shape)))


@few
@given(data=st.data(), kinds=st.lists(st.sampled_from([nn.Tanh, nn.Exp, nn.Identity]), min_size=1, max_size=3))
def test_parallel(data, kinds):
    shape = list(data.draw(array_shapes(min_dims=2, max_dims=3, max_side=3)))
    slices, joined = data.draw(st.integers(0, len(shape) - 1)), data.draw(st.integers(0, len(shape) - 2))
    shape[slices] = len(kinds)
    module = nn.Parallel(slices + 1, joined + 1)
    for kind in kinds:
        module.add(kind())

    def function(x):
        return np.concatenate([FUNCTIONS[kind](x.take(i, slices)) for i, kind in enumerate(kinds)], joined)

    x = data.draw(tensors(tuple(shape)))
    check(module, function, x, data.draw(tensors(function(x).shape)))


# Networks


def evaluate(module, x, batch):
    """What a network gives for x, worked out from its structure and parameters alone."""
    match module:
        case nn.Linear():
            return np.einsum('ij,...j->...i', module.weight, x) + (0 if module.bias is None else module.bias)
        case nn.Reshape() | nn.View():
            return x.reshape(x.shape[:batch] + tuple(module.size))
        case nn.Sequential():
            for child in module:
                x = evaluate(child, x, batch)
            return x
        case nn.Concat():
            return np.concatenate([evaluate(child, x, batch) for child in module], -1)
        case nn.Parallel():
            return np.concatenate([evaluate(child, x[..., i, :], batch) for i, child in enumerate(module)], -1)
    return FUNCTIONS[type(module)](x)


def check_network(example, dy_seed, scale):
    """Forward, gradInput and the gradients of all parameters against `evaluate` and its derivatives."""
    net, x, batch = example
    output = net.forward(x).copy()
    close(output, evaluate(net, x, batch), 1e-11)
    dy = np.random.RandomState(dy_seed).uniform(0.5, 1.5, output.shape)
    net.zeroGradParameters()
    is_gradient(net.backward(x, dy, scale), lambda point: evaluate(net, point, batch), x, dy)
    for parameter, grad in zip(*net.parameters(), strict=True):
        kept = parameter.copy()

        def of_parameter(point, parameter=parameter):
            parameter[...] = point
            return evaluate(net, x, batch)

        is_gradient(grad, of_parameter, kept, scale * dy)
        parameter[...] = kept


@few
@given(modules(numbers(near=True)), seeds, st.sampled_from([1, 0.5]))
def test_layers_drawn_at_random(example, seed, scale):
    check_network(example, seed, scale)


@few
@given(networks(), seeds, st.sampled_from([1, 0.5]))
def test_networks_drawn_at_random(example, seed, scale):
    check_network(example, seed, scale)


# Criterions


def picked(t):
    return (np.arange(len(t)), t - 1) if np.ndim(t) else t - 1


def likelihood(x, t, weights):
    w = np.ones(x.shape[-1]) if weights is None else weights
    chosen = w[t - 1]
    return -np.sum(chosen * x[picked(t)]), np.sum(chosen)


#: criterion, then its loss of (x, t, weights): a sum and what it is divided by for the mean
LOSSES = {
    nn.MSECriterion: lambda x, t, w: (np.sum((x - t) ** 2), x.size),
    nn.AbsCriterion: lambda x, t, w: (np.sum(np.abs(x - t)), x.size),
    nn.SmoothL1Criterion: lambda x, t, w: (np.sum(scipy.special.huber(1, x - t)), x.size),
    nn.BCECriterion: lambda x, t, w: (
        -np.sum((1 if w is None else w) * (scipy.special.xlogy(t, x) + scipy.special.xlog1py(1 - t, -x))),
        x.size,
    ),
    nn.ClassNLLCriterion: likelihood,
    nn.CrossEntropyCriterion: lambda x, t, w: likelihood(scipy.special.log_softmax(x, -1), t, w),
}


@st.composite
def losses(draw, kind):
    """Input, target and weights that fit a criterion."""
    if kind in (nn.ClassNLLCriterion, nn.CrossEntropyCriterion):
        classes = draw(st.integers(2, 4))
        weights = draw(st.none() | arrays(float, classes, elements=st.sampled_from([0.5, 1.0, 2.0])))
        if draw(st.booleans()):
            return draw(tensors((classes,))), draw(st.integers(1, classes)), weights
        count = draw(st.integers(2, 3))  # CrossEntropy takes a batch of one for a single example
        target = draw(tensors((count,), draw(st.sampled_from([np.int64, np.int32])), st.integers(1, classes)))
        return draw(tensors((count, classes))), target, weights
    shape = draw(array_shapes(max_dims=3, max_side=3))
    if kind is nn.BCECriterion:
        probabilities = st.integers(1, 31).map(lambda k: k / 32)
        weights = draw(st.none() | tensors(shape[-1:], elements=probabilities))
        return draw(tensors(shape, elements=probabilities)), draw(tensors(shape, elements=probabilities)), weights
    # differences are odd multiples of 1/32: never 0, 1 or -1
    x, steps = draw(tensors(shape)), draw(tensors(shape, elements=numbers()))
    return x, x - steps, None


@pytest.mark.parametrize('kind', LOSSES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize('average', [True, False])
@few
@given(data=st.data())
def test_criterions(kind, average, data):
    x, t, weights = data.draw(losses(kind))
    arguments = [average] if kind in (nn.MSECriterion, nn.AbsCriterion, nn.SmoothL1Criterion) else [weights, average]
    criterion = kind(*arguments)

    def loss(x):
        total, count = LOSSES[kind](x, np.asarray(t) if np.ndim(t) else t, weights)
        return total / count if average else total

    assert criterion.forward(x, t) == pytest.approx(loss(x), rel=1e-10, abs=1e-10)
    is_gradient(criterion.backward(x, t), loss, x, step=0.002)
