"""The layers of layers/identity.py against plain formulas, given bad input, and where they are special."""

import numpy as np
import pytest
from support import refuses, refuses_gradients, run, same

import t7nn as nn


def test_identity_gives_back_what_it_gets():
    for x in (np.ones(3), [np.ones(2), [np.ones(3)]]):
        layer = nn.Identity('arguments', 'are', 'ignored')
        assert layer.forward(x) is x and layer.backward(x, x) is x


@pytest.mark.parametrize(
    'layer, shape',
    [
        (nn.Contiguous(), (2, 3)),
        (nn.Copy(), (2, 3)),
    ],
    ids=str,
)
def test_views(layer, shape):
    x = np.ones(shape)
    output = layer.forward(x)
    x.fill(13)
    assert output.min() == 13


def test_copy_when_forced():
    x = np.ones((2, 3))
    assert not np.shares_memory(nn.Copy('float64', 'float64', True).forward(x), x)


def test_contiguous_copies_what_is_not():
    x = np.arange(6.0).reshape(2, 3).T
    layer = nn.Contiguous()
    output, _, gradInput = run(layer, x)
    assert output.flags.c_contiguous and not np.shares_memory(output, x)
    same((output, x))
    assert layer.backward(x, x).flags.c_contiguous


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


def test_print_size(capsys):
    layer = nn.PrintSize('here')
    x = [np.zeros((2, 3)), [np.zeros(4)]]
    assert layer.forward(x) is x
    assert layer.backward(x, None) is None
    assert capsys.readouterr().out == 'here:input\n [(2, 3), [(4,)]]\nhere:gradOutput\n missing size\n'


def test_l1_penalty():
    x, g = np.array([[1.0, -2.0, 0.0]]), np.array([[0.1, 0.2, 0.3]])
    layer = nn.L1Penalty(0.5)
    assert layer.forward(x) is x and layer.loss == 1.5
    same((layer.backward(x, g), [[0.6, -0.3, 0.3]]))
    layer = nn.L1Penalty(3, True, False)
    layer.forward(x)
    assert layer.loss == 3
    same((layer.backward(x, g), [[1, -1, 0]]))


def test_zero_grad_of_a_table():
    x = [np.ones(2), {'a': np.ones(3)}, None]
    layer = nn.ZeroGrad()
    assert layer.forward(x) is x
    gradInput = layer.backward(x, x)
    assert gradInput[0].tolist() == [0, 0] and gradInput[1]['a'].tolist() == [0, 0, 0] and gradInput[2] is None


def test_gradient_reversal():
    layer, x = nn.GradientReversal(), np.array([1.0, -2.0])
    assert layer.forward(x) is x
    np.testing.assert_array_equal(layer.backward(x, x), -x)
    layer.setLambda(0.5)
    np.testing.assert_array_equal(layer.backward(x, x), -x / 2)


BAD = [
    (lambda: nn.Contiguous(), None, TypeError, 'nn.Contiguous: expected a tensor as input, got nil'),
    (lambda: nn.Copy(), [np.zeros(2)], TypeError, 'nn.Copy: expected a tensor as input, got a table of 1'),
    (lambda: nn.L1Penalty(1), [np.zeros(2)], TypeError, 'nn.L1Penalty: expected a tensor as input'),
]


@pytest.mark.parametrize('make, input, error, text', BAD, ids=lambda item: item if isinstance(item, str) else '')
def test_bad_input(make, input, error, text):
    refuses(make(), input, error, text)


def test_copy_to_no_type():
    with pytest.raises(TypeError, match='expected a tensor type such as torch.FloatTensor or float32'):
        nn.Copy('torch.Tensor')


def test_bad_gradients():
    refuses_gradients(nn.L1Penalty(1), np.zeros(3), np.zeros(2))
