"""The layers of layers/pointwise.py against plain formulas, given bad input, and where they are special."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from support import refuses, refuses_gradients, run, same, tensors

import t7nn as nn


class Cube(nn.Pointwise):
    def function(self, x, y):
        np.power(x, 3, out=y)

    def derivative(self, x, y, dy, dx):
        np.multiply(3 * x * x, dy, out=dx)


@given(tensors())
def test_a_function_of_ones_own(x):
    output, gradOutput, gradInput = run(Cube(), x)
    same((output, x**3), (gradInput, 3 * x * x * gradOutput))


# What is kept of a call


def test_fields_that_are_set_between_two_calls():
    x, dy = np.array([0.5, -0.3]), np.array([2.0, 3.0])
    layer = nn.ReLU()
    layer.forward(x)
    layer.backward(x, dy)
    layer.output, layer.gradInput = np.full(2, 7.0), np.full(2, 7.0)
    assert layer.forward(x) is layer.output
    assert layer.backward(x, dy) is layer.gradInput
    same((layer.output, np.array([0.5, 0])), (layer.gradInput, np.array([2.0, 0])))
    layer.inplace = True
    assert layer.forward(x) is x
    assert layer.backward(x, dy) is dy
    layer.inplace = False
    assert layer.forward(x) is not x
    assert layer.backward(x, dy) is not dy
    layer.dtype = np.dtype('float32')
    for call in (lambda: layer.forward(x), lambda: layer.backward(x, dy)):
        with pytest.raises(TypeError, match='expected .* of float32, got float64'):
            call()


def test_arrays_that_are_reshaped_in_place():
    x, dy, layer = np.ones(6), np.ones(6), nn.Tanh()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)  # of later NumPys
        layer.forward(x).shape = 1, 6
        assert layer.forward(x).shape == (6,)
        layer.backward(x, dy).shape = 2, 3
        with pytest.raises(ValueError, match=r'expected gradInput of shape \(6,\), got shape \(2, 3\)'):
            layer.backward(x, dy)
        layer.gradInput.shape, dy.shape = 6, (2, 3)
        with pytest.raises(ValueError, match=r'expected gradOutput of shape \(6,\), got shape \(2, 3\)'):
            layer.backward(x, dy)
        dy.shape, layer.output.shape = 6, (2, 3)
        with pytest.raises(ValueError, match=r'expected output of shape \(6,\), got shape \(2, 3\)'):
            layer.backward(x, dy)


def test_arrays_that_are_mapped_between_two_calls():
    x, layer = np.ones(2), nn.Tanh()
    layer.forward(x)
    layer.map_tensors(np.copy)
    assert layer.forward(x) is layer.output


def test_a_gradient_before_any_output():
    x, layer = np.array([2.0, -1.0]), nn.Square()
    layer.output = None
    np.testing.assert_array_equal(layer.updateGradInput(x, np.ones(2)), 2 * x)
    np.testing.assert_array_equal(layer.forward(x), x * x)


@pytest.mark.parametrize('make', [nn.Tanh, nn.ReLU, nn.LogSoftMax], ids=lambda make: make.__name__)
def test_an_output_that_comes_back_as_input_is_left_alone(make):
    layer, fresh, dy = make(), make(), np.array([1.0, 2.0])
    x = layer.forward(np.array([0.5, -0.3]))
    kept = x.copy()
    layer.updateGradInput(x, dy)
    np.testing.assert_array_equal(layer.forward(x), fresh.forward(kept))
    np.testing.assert_array_equal(x, kept)


def test_a_layer_that_learns_on_a_base_that_does_not():
    class Scaled(nn.Tanh):
        learned = (('a', 'gradA'),)

        def __init__(self):
            super().__init__()
            self.a, self.gradA = np.ones(1), np.zeros(1)

        def accGradParameters(self, input, gradOutput, scale=1):
            self.gradA += scale * (input * gradOutput).sum()

    class Further(Scaled):
        def accUpdateGradParameters(self, input, gradOutput, lr):
            super().accUpdateGradParameters(input, gradOutput, lr)

    x = np.array([1.0, 2.0])
    for layer in (Scaled(), Further()):
        layer.forward(x)
        layer.backwardUpdate(x, x, 0.5)
        np.testing.assert_array_equal(layer.a, 1 - 0.5 * 5)


def test_an_update_that_a_mixin_brings():
    class Counted(nn.Module):
        def accUpdateGradParameters(self, input, gradOutput, lr):
            self.updates = getattr(self, 'updates', 0) + 1

    class Both(nn.ReLU, Counted):
        pass

    layer, x = Both(), np.ones(2)
    layer.forward(x)
    layer.backwardUpdate(x, x, 0.5)
    assert layer.updates == 1


def test_what_a_function_of_ones_own_must_say():
    for layer, name in ((nn.Pointwise(), 'function'), (nn.Pointwise(), 'derivative')):
        with pytest.raises(TypeError, match=rf'expected {name}\('):
            getattr(layer, name)(*[np.ones(2)] * (2 if name == 'function' else 4))


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


def test_bad_input():
    refuses(nn.Abs(), [np.zeros(2)], TypeError, 'nn.Abs: expected a tensor as input')


def test_bad_gradients():
    refuses_gradients(nn.Abs(), np.zeros(3), np.zeros(2))
