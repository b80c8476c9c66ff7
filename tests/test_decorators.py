"""Decorators: what each adds to the module that it wraps; bad input."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import close, trained

import t7nn as nn


def test_a_decorator_is_a_container_of_one_module():
    linear = nn.Linear(3, 2)
    decorator = nn.Decorator(linear)
    assert decorator.get(1) is linear and len(decorator) == 1
    assert decorator.parameters()[0] == linear.parameters()[0]
    with pytest.raises(ValueError, match='expected input of size 3') as caught:
        decorator.forward(np.ones(4))
    assert caught.value.__notes__ == ['In 1 module of nn.Decorator']


# Bottle


@given(st.lists(st.integers(1, 3), min_size=0, max_size=3), st.integers(0, 2**32 - 1))
def test_bottle_is_the_module_on_every_row(shape, seed):
    rng = np.random.RandomState(seed)
    linear = nn.Linear(3, 2)
    bottle = nn.Bottle(linear.clone())
    x, dy = rng.randn(*shape, 2, 3), rng.randn(*shape, 2, 2)
    expected, gradients = trained(linear, x.reshape(-1, 3), dy.reshape(-1, 2))
    actual, own = trained(bottle, x, dy)
    close(bottle.output, linear.output.reshape(dy.shape))
    close(actual, expected.reshape(x.shape))
    for mine, its in zip(own, gradients, strict=True):
        close(mine, its)


def test_bottle_without_gradInput():
    bottle = nn.Bottle(nn.Linear(3, 2))
    bottle.get(1).gradInput = None
    bottle.forward(np.ones((2, 2, 3)))
    assert bottle.backward(np.ones((2, 2, 3)), np.ones((2, 2, 2))) is None


# WeightNorm


@given(st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_weight_norm_of_a_weight_of_several_dimensions(outputDim, seed):
    rng = np.random.RandomState(seed)
    shape = (2, 3, 4)
    module = nn.WeightNorm(nn.CMul(*shape), outputDim)
    outputs = shape[outputDim - 1]
    assert module.v.shape == (outputs, 24 // outputs)
    close(module.g[:, 0], np.linalg.norm(module.v, axis=1))
    module.g[...] = rng.randn(outputs, 1)
    weight = module.g * module.v / np.sqrt(np.square(module.v).sum(1, keepdims=True) + 1e-4)
    moved = np.moveaxis(np.empty(shape), outputDim - 1, 0).shape
    x = rng.randn(*shape)
    close(module.forward(x), x * np.moveaxis(weight.reshape(moved), 0, outputDim - 1))


def test_weight_norm_accumulates_and_updates():
    module = nn.WeightNorm(nn.Linear(3, 2))
    x, dy = np.random.RandomState(0).randn(4, 3), np.random.RandomState(1).randn(4, 2)
    _, once = trained(module, x, dy)
    module.accGradParameters(x, dy, 0.5)
    for gradient, first in zip(module.parameters()[1], once, strict=True):
        close(gradient, 1.5 * first)
    before = [parameter.copy() for parameter in module.parameters()[0]]
    module.zeroGradParameters()
    module.accUpdateGradParameters(x, dy, 0.1)
    for parameter, original, gradient in zip(module.parameters()[0], before, once, strict=True):
        close(parameter, original - 0.1 * gradient)
    assert not module.gradV.any() and not module.gradG.any() and not module.gradBias.any()


def test_weight_norm_learns_weights_of_several_dimensions():
    module, x, dy = nn.WeightNorm(nn.CMul(2, 3, 4), 2), np.ones((2, 3, 4)), np.ones((2, 3, 4))
    trained(module, x, dy)
    assert (module.v.shape, module.gradV.shape) == ((3, 8), (3, 2, 4))
    other = module.clone()
    module.accUpdateGradParameters(x, dy, 0.1)
    other.updateParameters(0.1)
    close(module.v, other.v)
    close(module.g, other.g)
    output = module.forward(x).sum()
    flat, gradient = other.getParameters()
    other.zeroGradParameters()
    other.forward(x)
    other.backward(x, dy)
    assert abs(output - other.output.sum()) < 1e-12
    step = 1e-6 * np.random.RandomState(0).randn(flat.size)
    flat += step
    close(other.forward(x).sum() - output, gradient @ step, 1e-9)


def test_weight_norm_works_the_weight_out_once_in_evaluation():
    module = nn.WeightNorm(nn.Linear(3, 2))
    module.evaluate()
    y = module.forward(np.ones(3)).copy()
    module.g *= 2
    assert (module.forward(np.ones(3)) == y).all()
    module.evaluate()
    assert (module.forward(np.ones(3)) == y).all()
    module.training()
    close(module.forward(np.ones(3)), 2 * y)


def test_weight_norm_makes_a_missing_weight_anew():
    module = nn.WeightNorm(nn.Linear(3, 2))
    module.evaluate()
    y = module.forward(np.ones(3)).copy()
    module.get(1).weight = module.get(1).gradWeight = None
    assert (module.forward(np.ones(3)) == y).all()
    trained(module, np.ones(3), np.ones(2))


def test_weight_norm_after_getParameters_and_float():
    module = nn.WeightNorm(nn.Linear(3, 2)).float()
    flat, _ = module.getParameters()
    flat.fill(1)
    assert (module.get(1).bias == 1).all() and module.bias is module.get(1).bias
    expected = 1 + 3 / np.sqrt(3 + 1e-4)
    close(module.forward(np.ones(3, np.float32)), np.full(2, expected), 1e-6)


def test_weight_norm_reset_draws_as_the_construction_does():
    nn.manualSeed(3)
    module = nn.WeightNorm(nn.Linear(3, 2))
    before = [parameter.copy() for parameter in module.parameters()[0]]
    nn.manualSeed(3)
    assert module.reset() is module
    for parameter, original in zip(module.parameters()[0], before, strict=True):
        assert (parameter == original).all()


# DontCast


def test_dont_cast_in_a_network_that_is_cast():
    inner = nn.Linear(3, 2).float()
    net = nn.Sequential().add(nn.DontCast(inner, True)).add(nn.Linear(2, 2)).float().double()
    assert inner.weight.dtype == np.float32 and inner.type() == np.float32
    x, dy = np.ones((4, 3)), np.ones((4, 2))
    dx, _ = trained(net, x, dy)
    assert net.output.dtype == dx.dtype == np.float64
    assert inner.output.dtype == inner.gradInput.dtype == np.float32


def test_dont_cast_without_casting_takes_the_inner_type():
    module = nn.DontCast(nn.Linear(3, 2).float()).double()
    assert module.forward(np.ones(3, np.float32)).dtype == np.float32
    with pytest.raises(TypeError, match='expected input of float32, got float64'):
        module.forward(np.ones(3))


def test_dont_cast_casts_tables():
    module = nn.DontCast(nn.Identity().float(), True, False)
    x = [np.ones(2), [np.ones(3)]]
    output = module.forward(x)
    assert output[0].dtype == output[1][0].dtype == np.float32
    assert [tensor.dtype for tensor in module.backward(x, output)[1]] == [np.float64]


def test_dont_cast_may_be_told_the_type():
    module = nn.DontCast(nn.Identity(), True, False, 'torch.FloatTensor')
    assert module.forward(np.ones(2)).dtype == np.float32


# NaN

NAN = np.full(3, np.nan)


@pytest.mark.parametrize(
    ('where', 'call'),
    [
        ('input', lambda module: module.forward(NAN)),
        ('parameters', lambda module: (module.get(1).bias.fill(np.nan), module.forward(np.ones(3)))),
        ('gradOutput', lambda module: (module.forward(np.ones(3)), module.updateGradInput(np.ones(3), NAN[:2]))),
        (
            'gradInput',
            lambda module: (
                module.forward(np.ones(3)),
                module.get(1).weight.fill(np.nan),
                module.updateGradInput(np.ones(3), np.ones(2)),
            ),
        ),
        ('gradParameters', lambda module: (module.forward(np.ones(3)), module.accGradParameters(NAN, np.ones(2)))),
    ],
)
def test_nan_tells_where_it_came_from(where, call):
    module = nn.NaN(nn.Linear(3, 2), 'here')
    with pytest.raises(ValueError, match=re.escape(f'NaN found in {where} of module :\nnn.NaN(here) @ nn.Linear(3')):
        call(module)


def test_nan_found_in_output():
    class Bad(nn.Module):
        def updateOutput(self, input):
            self.output = [input, {'deep': NAN}]
            return self.output

    with pytest.raises(ValueError, match='NaN found in output of module'):
        nn.NaN(Bad()).forward(np.ones(3))


def test_nan_does_not_mind_infinities():
    x = np.array([np.inf, -np.inf, 1])
    assert nn.NaN(nn.Identity()).forward(x) is x


def test_nan_counts_its_modules():
    first, second = nn.NaN(nn.Tanh()), nn.NaN(nn.Tanh())
    assert second.id == first.id + 1
    assert nn.NaN(nn.Tanh(), 7.0).clone().id == 7 and str(nn.NaN(nn.Tanh(), 7.0)) == 'nn.NaN(7) @ nn.Tanh'
    watched = nn.Sequential().add(nn.Tanh()).replace(nn.NaN)
    assert [module.typename for module in watched.listModules()] == ['nn.NaN', 'nn.Sequential', 'nn.NaN', 'nn.Tanh']


# Profile


def test_profile_prints_every_so_many_passes(capsys):
    module = nn.Profile(nn.Linear(3, 2), 2)
    assert module.module is module.get(1)
    for _ in range(5):
        module.forward(np.ones(3))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(re.fullmatch(r'nn\.Linear took \d+\.\d{3} seconds for 2 forward passes', line) for line in lines)
    assert module.numFwds == 1 and module.summedFwdTime > 0
    for _ in range(2):
        module.backward(np.ones(3), np.ones(2))
    assert re.fullmatch(r'nn\.Linear took \d+\.\d{3} seconds for 2 backward passes\n', capsys.readouterr().out)
    assert (module.numBwds, module.summedBwdTime) == (0, 0)


def test_profile_prints_a_name(capsys):
    nn.Profile(nn.Tanh(), 1, 'squash').forward(np.ones(3))
    assert capsys.readouterr().out.startswith('squash took ')


ERRORS = [
    (lambda: nn.Decorator(3), TypeError, 'nn.Decorator: expected a module, got int 3'),
    (lambda: nn.Bottle(nn.Linear(3, 2)).forward([1]), TypeError, 'expected a tensor as input, got a table of 1'),
    (
        lambda: nn.Bottle(nn.Linear(3, 2), 2, 1).forward(np.ones((2, 2, 3))),
        ValueError,
        'nn.Bottle @ nn.Linear(3 -> 2): expected a module that gives 1 dimensions, got shape (4, 2)',
    ),
    (
        lambda: trained(nn.Bottle(nn.Linear(3, 2)), np.ones((2, 2, 3)), np.ones((4, 2))),
        ValueError,
        "expected gradOutput of the output's shape (2, 2, 2), got shape (4, 2)",
    ),
    (lambda: nn.WeightNorm(nn.Tanh()), ValueError, 'nn.WeightNorm @ nn.Tanh: expected a module with a weight'),
    (lambda: nn.WeightNorm(nn.Linear(3, 2), 3), ValueError, 'expected outputDim from 1 to 2, got 3'),
    (lambda: nn.WeightNorm(nn.Linear(3, 2), 0), ValueError, 'expected outputDim from 1 to 2, got 0'),
    (lambda: nn.DontCast(nn.Tanh(), True, True, 'x').forward(np.ones(2)), TypeError, "got 'x'"),
]


@pytest.mark.parametrize(('call', 'kind', 'message'), ERRORS, ids=[message[-40:] for _, _, message in ERRORS])
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
