"""Containers, decorators, nngraph's graphs, and what does nothing to a finished network."""

from __future__ import annotations

from typing import Any

import numpy as np

import t7nn as nn

from ...serialization.graph import JustElement, JustTable, ModuleFromCriterion, gModule
from ...tensors import dtype_of, nested_map
from .builder import Graph, Value, exports, join, refuses

refuses('it is a base without a forward of its own', nn.Module, nn.Container, nn.Pointwise)
refuses('it computes a loss', nn.CriterionTable, ModuleFromCriterion)


def children(g: Graph, module: Any, inputs: list) -> list:
    """What each child makes of its input."""
    outputs = []
    for i, (child, x) in enumerate(zip(module.modules, inputs, strict=True), 1):
        try:
            outputs.append(g.export(child, x, f'modules.{i}'))
        except Exception as error:
            module.note(error, i - 1)
            raise
    return outputs


def example(x: Any) -> Any:
    """What t7nn computed in the place of x, for the first example."""
    return nested_map(lambda value: value.examples[0], x)


@exports(nn.Sequential, nn.Maxout, nn.SpatialLPPooling, container=True)
def sequential(g, module, x):
    for i, child in enumerate(module.modules, 1):
        try:
            x = g.export(child, x, f'modules.{i}')
        except Exception as error:
            module.note(error, i - 1)
            raise
    return x


@exports(nn.CReLU, nn.LayerNormalization, container=True)
def rows(g, module, x):
    shapes = [module.shape(example) for example in x.examples]
    y = sequential(g, module, g.view(x, lambda example: example.reshape(module.count(example), -1)))
    before = iter(shapes)
    return g.view(y, lambda example: example.reshape(next(before)))


@exports(nn.ConcatTable, container=True)
def concat_table(g, module, x):
    return children(g, module, [x] * len(module.modules))


@exports(nn.ParallelTable, nn.MapTable, container=True)
def parallel_table(g, module, x):
    module.inputs(example(x))  # it says what is wrong with an input in t7nn's words
    return children(g, module, module.inputs(x))


@exports(nn.Concat, container=True)
def concat(g, module, x):
    outputs = children(g, module, [x] * len(module.modules))
    y = join(outputs, module.axis_of(module.dimension, outputs[0].ndim))
    return y.like(lambda *arrays: module.join(list(arrays)), *outputs)


@exports(nn.DepthConcat, container=True)
def depth_concat(g, module, x):
    outputs = children(g, module, [x] * len(module.modules))
    axis = module.axis_of(module.dimension, outputs[0].ndim)
    largest = []
    for sizes in zip(*(value.shape for value in outputs), strict=True):
        if len(set(sizes)) > 1 and not all(isinstance(size, int) for size in sizes):
            raise g.varying('sizes that do not vary')
        largest.append(max(sizes))
    padded = []
    for value in outputs:
        room = [
            0 if i == axis or n == size else n - size
            for i, (n, size) in enumerate(zip(largest, value.shape, strict=True))
        ]
        padded.append(value.pad([(extra // 2, extra - extra // 2) for extra in room]))
    return join(padded, axis).like(lambda *arrays: module.join(list(arrays)), *outputs)


@exports(nn.Parallel, container=True)
def parallel(g, module, x):
    axis = module.axis_of(module.inputDimension, x.ndim)
    x.size(axis)
    parts = [
        x.take(axis, i).like(lambda example, i=i: module.inputs(example)[i], x) for i in range(len(module.modules))
    ]
    outputs = children(g, module, parts)
    y = join(outputs, module.axis_of(module.outputDimension, outputs[0].ndim))
    return y.like(lambda *arrays: module.join(list(arrays)), *outputs)


# Decorators


@exports(nn.Decorator, nn.NaN, nn.Profile, container=True)
def decorator(g, module, x):
    return children(g, module, [x])[0]


@exports(nn.WeightNorm, container=True)
def weight_norm(g, module, x):
    module.updateWeight()
    return children(g, module, [x])[0]


@exports(nn.Bottle, container=True)
def bottle(g, module, x):
    if x.ndim <= module.nInputDim:
        return children(g, module, [x])[0]
    y = children(g, module, [g.view(x, module._folded)])[0]
    first = iter([example.shape[: x.ndim - module.nInputDim] for example in x.examples])

    def unfolded(example: np.ndarray) -> np.ndarray:
        lead = next(first)
        return example.reshape(*lead, len(example) // int(np.prod(lead)), *example.shape[1:])

    return g.view(y, unfolded)


@exports(nn.DontCast, container=True)
def dont_cast(g, module, x):
    def cast(value: Value, dtype: Any) -> Value:
        return value if value.dtype == dtype else value.cast(dtype).like(lambda example: example.astype(dtype), value)

    if module.castin:
        x = nested_map(lambda value: cast(value, dtype_of(module.moduleType)), x)
    y = children(g, module, [x])[0]
    return nested_map(lambda value: cast(value, module.dtype), y) if module.castout else y


# Graphs of nngraph


@exports(gModule, container=True)
def graph(g, module, x):
    steps, _ = module.plan()
    inputs = {module._in: dict(enumerate(x if module._many(example(x)) else [x], 1))}
    for step in steps:
        values = [value for _, value in sorted(inputs.setdefault(step.key, {}).items())]
        output = values[0] if len(values) == 1 else values
        if step.select is not None:
            output = values[0][step.select - 1]
        elif step.module is not None:
            output = g.export(module.modules[step.module], output, f'modules.{step.module + 1}')
        for child in step.children:
            inputs.setdefault(id(child), {})[step.place(step.data, child)] = output
    key, count = module._out
    outputs = [value for _, value in sorted(inputs[key].items())]
    return outputs[0] if count == 1 else outputs


@exports(JustElement)
def just_element(g, module, x):
    return x[0]


@exports(JustTable)
def just_table(g, module, x):
    return [x]


# Nothing to do


@exports(nn.Identity, nn.Contiguous, nn.GradientReversal, nn.L1Penalty, nn.PrintSize, nn.ZeroGrad)
def identity(g, module, x):
    return x


@exports(nn.Dropout)
def dropout(g, module, x):
    _no_noise(g, module)
    return x if module.v2 else x * (1 - module.p)


@exports(nn.SpatialDropout, nn.VolumetricDropout)
def plane_dropout(g, module, x):
    _no_noise(g, module)
    return x * (1 - module.p)


@exports(nn.WhiteNoise)
def white_noise(g, module, x):
    return x + module.mean


def _no_noise(g: Graph, module: Any) -> None:
    if module.p > 0 and module.stochastic_inference:
        raise g.refusal(module, 'it draws at evaluation too (stochasticInference)')
