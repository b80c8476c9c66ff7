"""Hypothesis strategies for what is tested with: tensors, single layers, whole networks, losses with targets.

>>> from hypothesis import given, settings
>>> from t7nn.testing import check_module
>>> from t7nn.testing.strategies import networks
>>> @settings(deadline=None)
... @given(networks())
... def test_parameters(example):
...     check_module(example.module, example.input, batch=example.batch, checks=['flat_parameters'])
>>> test_parameters()
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

import t7nn as nn
from t7nn import random

try:
    from hypothesis import strategies as st
    from hypothesis.extra.numpy import array_shapes, arrays
except ImportError as error:
    raise ImportError('t7nn.testing.strategies needs hypothesis: pip install t7nn[test]') from error

__all__ = ['CriterionExample', 'Example', 'criterions', 'modules', 'networks', 'numbers', 'tensors']

Draw = Callable[[st.SearchStrategy], Any]


class Example(NamedTuple):
    """A module, an input that fits it, and whether the first dimension of that counts examples."""

    module: nn.Module
    input: np.ndarray
    batch: bool


class CriterionExample(NamedTuple):
    """A criterion, with an input and a target that fit it; the first dimension of both counts examples."""

    criterion: nn.Criterion
    input: np.ndarray
    target: np.ndarray


def numbers(near: bool = False) -> st.SearchStrategy[float]:
    """Numbers between -4 and 4 that every dtype holds exactly and that no kink of a layer is near: odd multiples of
    1/32. With `near` also such as lie 1/1024 beside 0, 1 and -1, have endless digits, or are large."""
    coarse = st.integers(-64, 63).map(lambda k: (2 * k + 1) / 32)
    awkward = [sign * (kink + 2.0**-10) for kink in (0, 1) for sign in (1, -1)] + [0.1, -1 / 3, 20.3, -20.3]
    return coarse | st.sampled_from(awkward) if near else coarse


@st.composite
def tensors(
    draw: Draw,
    shape: Any = None,
    dtype: Any = np.float64,
    elements: st.SearchStrategy | None = None,
    unique: bool = False,
    strided: bool = True,
) -> np.ndarray:
    """Tensors.

    Parameters
    ----------
    shape
        a tuple, or a strategy for it; by default 1 to 3 dimensions of 1 to 4
    elements
        a strategy for the values, by default `numbers`
    unique
        whether no two elements are equal, as layers with a maximum need it
    strided
        whether the memory may have holes, its dimensions any order, and each of them either direction
    """
    shape = array_shapes(max_dims=3, max_side=4) if shape is None else shape
    shape = draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    tensor = draw(arrays(dtype, shape, elements=numbers() if elements is None else elements, unique=unique))
    if not strided or not tensor.ndim:
        return tensor
    axes = draw(st.permutations(range(tensor.ndim)))
    dense = draw(st.booleans())
    steps = [1 if dense else draw(st.sampled_from([1, 2, -1])) for _ in axes]
    memory = np.full([tensor.shape[axis] * abs(steps[axis]) for axis in axes], 77, dtype)
    part = memory.transpose(np.argsort(axes))[tuple(slice(None, None, step) for step in steps)]
    part[...] = tensor
    return part


@contextmanager
def _seeded(draw: Draw) -> Iterator[None]:
    """Parameters made inside begin with a drawn seed; the generator is then as it was."""
    state = random.getRNGState()
    random.manualSeed(draw(st.integers(0, 2**32 - 1)))
    try:
        yield
    finally:
        random.setRNGState(state)


# How to make a layer for vectors of a size, or batches of them: (draw, size, batch, depth) -> (layer, size of its
# output). `depth` says how deep containers may still be nested.

Maker = Callable[[Draw, int, bool, int], tuple[nn.Module, int]]


def _size(draw: Draw) -> int:
    return draw(st.integers(1, 4))


def _linear(draw, size, batch, depth):
    outputSize = _size(draw)
    return nn.Linear(size, outputSize, draw(st.booleans())), outputSize


def _same_size(make: Callable[[], nn.Module]) -> Maker:
    return lambda draw, size, batch, depth: (make(), size)


def _reshape(draw, size, batch, depth):
    there, back = nn.Reshape(1, size, 1, batchMode=batch), nn.View(size).setNumInputDims(3)
    return nn.Sequential().add(there).add(back), size


def _concat(draw, size, batch, depth):
    branches = [_stack(draw, size, batch, depth - 1) for _ in range(draw(st.integers(1, 3)))]
    return _filled(nn.Concat(1 + batch), branches)


def _parallel(draw, size, batch, depth):
    count = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    branches = [_stack(draw, size // count, batch, depth - 1) for _ in range(count)]
    parallel, outputSize = _filled(nn.Parallel(1 + batch, 1 + batch), branches)
    return nn.Sequential().add(nn.Reshape(count, size // count, batchMode=batch)).add(parallel), outputSize


def _filled(container: nn.Container, branches: list[tuple[nn.Module, int]]) -> tuple[nn.Module, int]:
    for module, _ in branches:
        container.add(module)
    return container, sum(size for _, size in branches)


def _stack(draw, size, batch, depth):
    net = nn.Sequential()
    for _ in range(draw(st.integers(1, 3))):
        layer, size = _layer(draw, size, batch, depth)
        net.add(layer)
    return net, size


SIMPLE: list[Maker] = [
    _linear,
    *map(_same_size, (nn.Tanh, nn.Sigmoid, nn.SoftMax, nn.LogSoftMax, nn.Identity)),
    _reshape,
]
NESTED: list[Maker] = [_concat, _parallel, _stack]


def _layer(draw, size, batch, depth):
    return draw(st.sampled_from(SIMPLE + NESTED if depth else SIMPLE))(draw, size, batch, depth)


@st.composite
def _examples(draw: Draw, make: Maker, depth: int, elements: st.SearchStrategy | None, strided: bool) -> Example:
    batch, size = draw(st.booleans()), _size(draw)
    with _seeded(draw):
        module, _ = make(draw, size, batch, depth)
    shape = (draw(st.integers(1, 3)), size) if batch else (size,)
    return Example(module, draw(tensors(shape, elements=elements, strided=strided)), batch)


def modules(elements: st.SearchStrategy | None = None, strided: bool = True) -> st.SearchStrategy[Example]:
    """Single layers of the core, smooth and without random numbers, each with an input: a vector or a batch."""
    return _examples(_layer, 0, elements, strided)


def networks(
    depth: int = 2, elements: st.SearchStrategy | None = None, strided: bool = True
) -> st.SearchStrategy[Example]:
    """Networks, each with an input: Sequentials of fitting layers, among them Concat, Parallel and further Sequentials,
    one in another up to `depth` times. They are smooth and draw no random numbers."""
    return _examples(_stack, depth, elements, strided)


def _targets(draw: Draw, elements: st.SearchStrategy, *shape: int) -> np.ndarray:
    return draw(arrays(np.float64, shape, elements=elements))


#: criterions by what their targets are
LOSSES: dict[str, list[type[nn.Criterion]]] = {
    'numbers': [nn.MSECriterion, nn.AbsCriterion, nn.SmoothL1Criterion],
    'signs': [nn.MarginCriterion, nn.SoftMarginCriterion, nn.HingeEmbeddingCriterion],
    'bits': [nn.MultiLabelSoftMarginCriterion],
    'classes': [nn.ClassNLLCriterion, nn.CrossEntropyCriterion, nn.MultiMarginCriterion],
}


@st.composite
def criterions(draw: Draw, sizeAverage: bool | None = None) -> CriterionExample:
    """Criterions, each with an input ``(N, size)`` and a target; `sizeAverage` None: either."""
    kind = draw(st.sampled_from(sorted(LOSSES)))
    criterion = draw(st.sampled_from(LOSSES[kind]))()
    average = draw(st.booleans()) if sizeAverage is None else sizeAverage
    for loss in (criterion, getattr(criterion, 'nll', None)):
        if hasattr(loss, 'sizeAverage'):
            setattr(loss, 'sizeAverage', average)  # noqa: B010
    shape = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    input = draw(tensors(shape, unique=True, strided=False))
    target = {
        'numbers': lambda: _targets(draw, numbers().map(lambda x: x + 1 / 64), *shape),  # no difference is 0
        'signs': lambda: _targets(draw, st.sampled_from([-1.0, 1.0]), *shape),
        'bits': lambda: _targets(draw, st.sampled_from([0.0, 1.0]), *shape),
        'classes': lambda: draw(arrays(np.int64, shape[:1], elements=st.integers(1, shape[1]))),
    }[kind]()
    return CriterionExample(criterion, input, target)
