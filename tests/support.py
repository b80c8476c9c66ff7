"""What the tests of several modules have in common: inputs that hypothesis draws, and what each test then asserts."""

import copy
import re

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from t7nn.testing import report

sizes = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)
VALUES = st.floats(-8, 8).map(lambda x: round(x, 3))


def tensors(least=1, most=4, side=4, elements=VALUES):
    """Tensors of `least` to `most` dimensions."""
    shapes = arrays.array_shapes(min_dims=least, max_dims=most, max_side=side)
    return arrays.arrays(np.float64, shapes, elements=elements)


def close(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(actual, expected, tolerance, tolerance)


def same(*pairs):
    """Each pair has one shape and the same values but for rounding."""
    for actual, expected in pairs:
        close(actual, expected)
        assert actual.shape == np.shape(expected)


def run(layer, input):
    """Output, a gradOutput with no two elements alike, and its gradInput."""
    output = layer.forward(input)
    gradOutput = np.arange(1.0, output.size + 1).reshape(output.shape)
    return output, gradOutput, layer.backward(input, gradOutput)


def trained(layer, input, gradOutput, scale=1):
    """gradInput and copies of the gradients of the parameters."""
    layer.zeroGradParameters()
    layer.forward(input)
    return layer.backward(input, gradOutput, scale), [gradient.copy() for gradient in layer.parameters()[1]]


def check_linear(layer, x, g):
    """The layer is linear: <g, f(x)> = <gradInput, x>, for every x; here for each unit vector."""
    gradInput = layer.updateGradInput(x, g).copy()
    expected = np.empty_like(x)
    for at in np.ndindex(x.shape):
        unit = np.zeros_like(x)
        unit[at] = 1
        expected[at] = (layer.forward(unit) * g).sum()
    close(gradInput, expected)


def check_reset(layer, stdv, bound):
    """`reset` draws the first parameter uniformly up to `bound`."""
    assert layer.reset(stdv) is layer
    values = np.abs(layer.parameters()[0][0])
    assert 0.95 * bound < values.max() <= bound


def check_without_gradInput(layer, x, gradOutput):
    """With gradInput None, backward computes the gradients of the parameters alone."""
    layer.gradInput = None
    layer.zeroGradParameters()
    layer.forward(x)
    assert layer.backward(x, gradOutput) is None
    assert any(gradient.any() for gradient in layer.parameters()[1])


def refuses(layer, input, error, text):
    """`forward` raises the error, whose text names the layer first."""
    with pytest.raises(error, match=text) as caught:
        layer.forward(input)
    assert str(caught.value).startswith(layer.typename)


def refuses_gradients(layer, input, gradOutput):
    """`backward` says the shape of a gradOutput that does not fit, and takes neither a table nor another dtype."""
    output = layer.forward(copy.deepcopy(input))
    with pytest.raises(ValueError, match=f'^{re.escape(str(layer))}: .*got shape') as caught:
        layer.backward(input, gradOutput)
    assert str(gradOutput.shape) in str(caught.value)
    with pytest.raises(TypeError, match='expected a tensor as gradOutput, got a table of 1'):
        layer.backward(input, [output])
    with pytest.raises(TypeError, match='expected gradOutput of float64, got float32'):
        layer.backward(input, output.astype(np.float32))


#: what layers with planted mistakes are looked at with
X = np.array([[0.5, -1.0, 0.25], [2.0, 0.125, -0.75]])


def assert_found(check, bug, message):
    """Raise unless this check of the kit fails for the layer `bug`, with the message."""
    found = report(bug, X, verbose=False)
    assert check in [outcome.name for outcome in found.failures]
    assert re.search(message, found[check].text)
