"""The strategies draw what they promise, all of it, and leave the generator alone."""

import importlib
import sys

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import t7nn as nn
from t7nn import random
from t7nn.testing import check_criterion, check_module, strategies
from t7nn.testing.strategies import LOSSES, criterions, modules, networks, numbers, tensors


def drawn(strategy, condition):
    """An example that meets a condition; an error if there is none among thousands."""
    return find(strategy, condition, settings=settings(max_examples=5000, phases=[Phase.generate]))


@given(numbers())
def test_numbers_stay_away_from_kinks(x):
    assert abs(x) <= 129 / 32
    assert (x * 32) % 2 == 1
    assert np.float16(x) == x


@given(numbers(near=True))
def test_near_numbers_touch_no_kink(x):
    assert min(abs(x - kink) for kink in (-1, 0, 1)) > 1e-4


@given(tensors((3, 2), np.float32, st.integers(0, 9)))
def test_tensors_are_as_asked_for(tensor):
    assert (tensor.shape, tensor.dtype) == ((3, 2), np.float32)
    assert np.isin(tensor, range(10)).all()


@given(tensors(unique=True), tensors(strided=False))
def test_unique_and_contiguous(unique, contiguous):
    assert np.unique(unique).size == unique.size
    assert contiguous.flags.c_contiguous


@pytest.mark.parametrize(
    'condition',
    [
        lambda tensor: not tensor.flags.forc,
        lambda tensor: tensor.ndim == 2 and tensor.flags.f_contiguous and not tensor.flags.c_contiguous,
        lambda tensor: min(tensor.strides) < 0 and tensor.size > 1,
        lambda tensor: min(tensor.shape) > 1 and np.argsort(np.abs(tensor.strides)).tolist() in ([1, 0, 2], [1, 2, 0]),
        lambda tensor: tensor.flags.c_contiguous and tensor.size > 4,
    ],
    ids=['holes', 'columns first', 'backwards', 'axes in any order', 'contiguous'],
)
def test_every_memory_layout_is_drawn(condition):
    drawn(tensors(array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=3)), condition)


def test_no_dimension():
    assert drawn(tensors(()), lambda tensor: True).shape == ()


@pytest.mark.parametrize('kind', [nn.Linear, nn.Tanh, nn.Sigmoid, nn.SoftMax, nn.LogSoftMax, nn.Identity])
@pytest.mark.parametrize('batch', [True, False])
def test_every_layer_is_drawn(kind, batch):
    example = drawn(modules(), lambda example: isinstance(example.module, kind) and example.batch is batch)
    assert example.input.ndim == 1 + batch


@pytest.mark.parametrize('kind', [nn.Concat, nn.Parallel, nn.Reshape, nn.View])
def test_every_container_is_drawn(kind):
    drawn(networks(), lambda example: example.module.findModules(kind.typename)[0])


def depth(module):
    nested = [depth(child) for child in module.modules]
    return max(nested, default=0) + isinstance(module, (nn.Concat, nn.Parallel))


@given(networks(depth=1))
def test_depth_is_kept(example):
    assert depth(example.module) <= 1


def test_depth_is_reached():
    for wanted in range(3):
        drawn(networks(), lambda example, wanted=wanted: depth(example.module) == wanted)


@given(networks(elements=st.just(0.5), strided=False))
def test_input_is_as_asked_for(example):
    assert example.input.flags.c_contiguous
    assert (example.input == 0.5).all()


def test_generator_is_left_alone():
    nn.manualSeed(1)
    before = random.getRNGState()
    drawn(networks(), lambda example: example.module.parameters()[0])
    assert np.array_equal(random.getRNGState(), before)


@settings(max_examples=15)
@given(networks())
def test_networks_have_every_property(example):
    """All checks but one: a network of Identities alone takes any dtype."""
    check_module(example.module, example.input, batch=example.batch, skip=['wrong_dtype'])


@pytest.mark.parametrize('kind', sum(LOSSES.values(), []))
@pytest.mark.parametrize('average', [True, False])
def test_every_criterion_is_drawn(kind, average):
    example = drawn(criterions(sizeAverage=average), lambda example: type(example.criterion) is kind)
    assert len(example.input) == len(example.target)
    assert getattr(example.criterion, 'sizeAverage', average) is average


@settings(max_examples=30)
@given(criterions())
def test_gradient_of_criterions(example):
    check_criterion(*example, checks=['input_gradient', 'results', 'strides', 'second_backward'])


def test_without_hypothesis(monkeypatch):
    monkeypatch.setitem(sys.modules, 'hypothesis', None)
    with pytest.raises(ImportError, match=r't7nn\.testing\.strategies needs hypothesis: pip install t7nn\[test\]'):
        importlib.reload(strategies)
