"""Containers: Sequential, Concat and Parallel against their children alone, DepthConcat against plain padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import t7nn as nn


def children():
    return nn.Linear(3, 2), nn.Linear(3, 4)


def same_gradients(net, alone):
    for mine, its in zip(net.parameters()[1], sum((module.parameters()[1] for module in alone), []), strict=True):
        np.testing.assert_allclose(mine, its, 1e-12)


def test_sequential_is_one_after_the_other():
    first, last = nn.Linear(3, 2), nn.Tanh()
    net = nn.Sequential().add(first.clone()).add(last.clone())
    x, g = np.ones((4, 3)), np.arange(8.0).reshape(4, 2)
    net.zeroGradParameters()
    first.zeroGradParameters()
    np.testing.assert_array_equal(net.forward(x), last.forward(first.forward(x)))
    expected = first.backward(x, last.backward(first.output, g, 0.5), 0.5)
    np.testing.assert_array_equal(net.backward(x, g, 0.5), expected)
    same_gradients(net, [first])
    assert isinstance(net, nn.Container) and len(net) == 2


def test_concat_joins_outputs_and_adds_gradients():
    alone = children()
    net = nn.Concat(2).add(alone[0].clone()).add(alone[1].clone())
    x, g = np.ones((4, 3)), np.arange(24.0).reshape(4, 6)
    for module in (net, *alone):
        module.zeroGradParameters()
    np.testing.assert_array_equal(net.forward(x), np.hstack([module.forward(x) for module in alone]))
    expected = alone[0].backward(x, g[:, :2].copy()) + alone[1].backward(x, g[:, 2:].copy())
    np.testing.assert_allclose(net.backward(x, g), expected, 1e-12)
    same_gradients(net, alone)


def test_parallel_gives_each_child_its_slice():
    alone = children()
    net = nn.Parallel(2, 2).add(alone[0].clone()).add(alone[1].clone())
    x, g = np.arange(24.0).reshape(4, 2, 3), np.arange(24.0).reshape(4, 6)
    for module in (net, *alone):
        module.zeroGradParameters()
    slices = [x[:, 0].copy(), x[:, 1].copy()]
    expected = [module.forward(part) for module, part in zip(alone, slices, strict=True)]
    np.testing.assert_allclose(net.forward(x), np.hstack(expected), 1e-12)
    gradients = [g[:, :2].copy(), g[:, 2:].copy()]
    back = [module.backward(part, dy) for module, part, dy in zip(alone, slices, gradients, strict=True)]
    np.testing.assert_allclose(net.backward(x, g), np.stack(back, 1), 1e-12)
    same_gradients(net, alone)


@given(st.integers(1, 3), st.lists(st.tuples(*[st.integers(1, 4)] * 3), min_size=1, max_size=3), st.integers(0, 9))
def test_depth_concat_puts_the_smaller_in_the_middle_of_zeros(dimension, shapes, seed):
    rng = np.random.RandomState(seed)
    axis = dimension - 1
    parts = [rng.randn(*shape) for shape in shapes]
    largest = np.max(shapes, 0)
    padded = []
    for part in parts:
        before = (largest - part.shape) // 2
        pads = [(b, n - size - b) for b, n, size in zip(before, largest, part.shape, strict=True)]
        pads[axis] = (0, 0)
        padded.append(np.pad(part, pads))
    net = nn.DepthConcat(dimension)
    for part in parts:
        net.add(nn.Constant(part))
    np.testing.assert_array_equal(net.forward(np.zeros(1)), np.concatenate(padded, axis))


def test_depth_concat_errors():
    net = nn.DepthConcat(1).add(nn.Identity()).add(nn.Reshape(6))
    with pytest.raises(
        ValueError, match=r'nn.DepthConcat: expected outputs of as many dimensions, got shape \(2, 3\), s'
    ):
        net.forward(np.ones((2, 3)))
    net = nn.DepthConcat(1).add(nn.Narrow(1, 1, 2)).add(nn.Identity())
    net.forward(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r'nn.DepthConcat: expected gradOutput of shape \(5, 2\), got shape \(5, 3\)'):
        net.updateGradInput(np.ones((3, 2)), np.ones((5, 3)))
    with pytest.raises(ValueError, match='expected dimension 2, counted from 1, got a tensor of 1 dimensions'):
        nn.DepthConcat(2).add(nn.Linear(2, 2)).forward(np.ones(2))


def test_depth_concat_backward_takes_its_scale_into_account():
    net = nn.DepthConcat(1).add(nn.Linear(3, 2)).add(nn.Linear(3, 1))
    x, dy = np.ones(3), np.ones(3)
    net.zeroGradParameters()
    net.forward(x)
    net.backward(x, dy, 0.25)
    for gradient in net.parameters()[1]:
        assert (gradient == 0.25).all()


@pytest.mark.parametrize('place', range(4))
def test_an_error_says_in_which_module_of_a_sequential_it_came(place):
    net, x = nn.Sequential(), np.ones(3)
    for _ in range(4):
        net.add(nn.Linear(3, 3))
    net.forward(x)
    net.updateGradInput(x, x)
    net[place].weight = np.ones((3, 3), int)
    steps = (
        lambda: net.forward(x),
        lambda: net.updateGradInput(x, x),
        lambda: net.accUpdateGradParameters(x, x, 0.1),
        lambda: net.backward(x, x),
    )
    for step in steps:
        with pytest.raises(TypeError) as raised:
            step()
        assert raised.value.__notes__ == [f'In {place + 1} module of nn.Sequential']


@pytest.mark.parametrize(
    'container, x, dy',
    [
        (nn.Concat(1), np.ones(2), np.ones(2)),
        (nn.Parallel(1, 1), np.ones((1, 2)), np.ones(2)),
        (nn.Sequential(), np.ones(2), np.ones(2)),
        (nn.ConcatTable(), np.ones(2), [np.ones(2)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_child_with_an_update_of_its_own(container, x, dy):
    child, rates = nn.Linear(2, 2), []
    child.accUpdateGradParameters = lambda input, gradOutput, lr: rates.append(lr)
    container.add(child)
    kept = child.weight.copy()
    container.forward(x)
    container.backwardUpdate(x, dy, 0.5)
    assert rates == [0.5]
    np.testing.assert_array_equal(child.weight, kept)
