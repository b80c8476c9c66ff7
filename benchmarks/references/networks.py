"""Containers, decorators and recurrent networks: what they make of the outputs of the modules in them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit

from . import functions, windows
from .functions import affine


def output(m, x):
    """The output of a module by its reference; None where there is none, or a part of it has none."""
    reference = REFERENCES.get(type(m).__name__)
    return None if reference is None or x is None else reference(m, x)


def all_of(parts):
    """The parts, or None where one of them is."""
    parts = list(parts)
    return None if any(part is None for part in parts) else parts


def sequential(m, x):
    given = {}
    for child in m.modules:
        given[id(child)] = x
        undone = getattr(child, 'pooling', None)
        x = output(child, x) if undone is None else unpooled(undone, given[id(undone)], x)
    return x


def concat_table(m, x):
    return all_of(output(child, x) for child in m.modules)


def parallel_table(m, x):
    return all_of(output(child, part) for child, part in zip(m.modules, x, strict=True))


def concat(m, x):
    parts = concat_table(m, x)
    return None if parts is None else np.concatenate(parts, m.dimension - (m.dimension > 0))


def pyramid(m, x):
    parts = concat_table(m, x)
    return None if parts is None else np.concatenate([part.reshape(*x.shape[:-3], -1) for part in parts], -1)


def depth_concat(m, x):
    parts = concat_table(m, x)
    if parts is None:
        return None
    at = m.dimension - 1
    shape = [max(part.shape[i] for part in parts) for i in range(parts[0].ndim)]
    framed = []
    for part in parts:
        frame = np.zeros([part.shape[i] if i == at else size for i, size in enumerate(shape)])
        starts = [(outer - inner) // 2 for outer, inner in zip(frame.shape, part.shape, strict=True)]
        frame[tuple(slice(start, start + n) for start, n in zip(starts, part.shape, strict=True))] = part
        framed.append(frame)
    return np.concatenate(framed, at)


def parallel(m, x):
    at = m.inputDimension - (m.inputDimension > 0)
    parts = all_of(output(child, np.take(x, i, at)) for i, child in enumerate(m.modules))
    return None if parts is None else np.concatenate(parts, m.outputDimension - (m.outputDimension > 0))


def inside(m, x):
    """Decorators that do what their module does."""
    return output(m.modules[0], x)


def inception(m, x):
    y = output(m.modules[0], x if x.ndim == 4 else x[None])
    return y if x.ndim == 4 or y is None else y[0]


def bottle(m, x):
    if x.ndim <= m.nInputDim:
        return output(m.modules[0], x)
    first = x.shape[: x.ndim - m.nInputDim + 1]
    y = output(m.modules[0], x.reshape(-1, *x.shape[len(first) :]))
    return None if y is None or len(y) != math.prod(first) else y.reshape(*first, *y.shape[1:])


def weight_norm(m, x):
    """Of a Linear; after training the weight was worked out before."""
    inner = m.modules[0]
    if m.train is False or type(inner).__name__ != 'Linear':
        return None
    v = m.v * m.g / np.sqrt((m.v**2).sum(1, keepdims=True) + 1e-4)
    return affine(x, v if m.outputDim == 1 else v.T, inner.bias)


def mask_zero(m, x):
    y = output(m.modules[0], x)
    if y is None:
        return None
    first = x[0] if isinstance(x, (list, tuple)) else x
    zero = (first == 0).all(tuple(range(first.ndim - m.nInputDim, first.ndim)))
    blank = lambda part: np.where(zero.reshape(*zero.shape, *(1,) * (part.ndim - zero.ndim)), 0, part)  # noqa: E731
    return [blank(part) for part in y] if isinstance(y, list) else blank(y)


def unpooled(pooling, given, x):
    """Every number of x to where the pooling of `given` found its largest; 0 elsewhere."""
    order = 'HW' if hasattr(pooling, 'dH') and not hasattr(pooling, 'dT') else 'THW'
    kernel, stride, pad = (windows.sizes(pooling, name, order) for name in ('k', 'd', 'pad'))
    y = np.zeros_like(given)
    for at in np.ndindex(x.shape):
        plane, place = at[: -len(order)], at[-len(order) :]
        starts = [i * s - p for i, s, p in zip(place, stride, pad, strict=True)]
        cells = [range(max(a, 0), min(a + k, n)) for a, k, n in zip(starts, kernel, given[plane].shape, strict=True)]
        part = given[plane][np.ix_(*cells)]
        found = np.unravel_index(part.argmax(), part.shape)
        y[(*plane, *(cell[i] for cell, i in zip(cells, found, strict=True)))] = x[at]
    return y


def leaves(m):
    """The modules in `m` that have none in them, in their order."""
    return [leaf for child in m.modules for leaf in leaves(child)] if len(m.modules) else [m]


# Recurrent networks: for each a function of the module, x_t and the state before, that gives the output and the state


def lstm(m, x, state):
    if m.p:
        return None
    h, c = state

    def gate(name: str, cell):
        linear, recurrent, *peephole = [
            leaf for leaf in leaves(getattr(m, name)) if getattr(leaf, 'weight', None) is not None
        ]
        return (
            affine(x, linear.weight, linear.bias)
            + h @ recurrent.weight.T
            + sum(part.weight * cell for part in peephole)
        )

    new = expit(gate('forgetGate', c)) * c + expit(gate('inputGate', c)) * np.tanh(gate('hiddenLayer', c))
    y = expit(gate('outputGate', new)) * np.tanh(new)
    return y, (y, new)


def fast_lstm(m, x, state):
    if m.p:
        return None
    h, c = state
    i, g, f, o = np.split(affine(x, m.i2g.weight, m.i2g.bias) + h @ m.o2g.weight.T, 4, -1)
    new = expit(f) * c + expit(i) * np.tanh(g)
    y = expit(o) * np.tanh(new)
    return y, (y, new)


def gru(m, x, state):
    if m.p:
        return None
    (h,) = state
    of_x, of_h = [leaf for leaf in leaves(m.modules[0]) if getattr(leaf, 'weight', None) is not None][2:]
    r, z = np.split(expit(affine(x, m.i2g.weight, m.i2g.bias) + h @ m.o2g.weight.T), 2, -1)
    n = np.tanh(affine(x, of_x.weight, of_x.bias) + (r * h) @ of_h.weight.T)
    y = (1 - z) * n + z * h
    return y, (y,)


CELLS: dict[str, tuple[Callable, int]] = {'LSTM': (lstm, 2), 'FastLSTM': (fast_lstm, 2), 'GRU': (gru, 1)}


def over_time(m, steps):
    """The outputs of a recurrent module for the inputs of all steps."""
    name, found = type(m).__name__, []
    if name == 'Recursor':
        return over_time(m.modules[0], steps)
    if name == 'Sequential':
        for child in m.modules:
            steps = None if steps is None else over_time(child, steps)
        return steps
    if name == 'Recurrent':
        start, of_x, of_h, transfer, _ = m.modules  # and a sum
        for x in steps:
            x = output(of_x, x)
            found.append(output(transfer, x + output(of_h, found[-1]) if found else output(start, x)))
        return found
    if name not in CELLS:
        return all_of(output(m, x) for x in steps)
    cell, count = CELLS[name]
    masked = type(m.modules[0]).__name__ == 'MaskZero'
    state = (np.zeros((*steps[0].shape[:-1], m.outputSize)),) * count
    for x in steps:
        result = cell(m, x, state)
        if result is None or masked and name == 'GRU':
            return None
        y, state = result
        if masked:
            seen = (x != 0).any(-1, keepdims=True)
            y, state = y * seen, tuple(part * seen for part in state)
        found.append(y)
    return found


def sequencer(m, x):
    found = over_time(m.modules[0], list(x))
    return np.stack(found) if found is not None and isinstance(x, np.ndarray) else found


def sequence(step: Callable, count: int) -> Callable:
    """The reference of `SeqLSTM` and `SeqGRU`: `step(sums of x, weight of h, h, c)` gives the next h and c."""

    def reference(m, given):
        *states, x = given if isinstance(given, (list, tuple)) else [given]
        x = x.swapaxes(0, 1) if m.batchfirst else x
        size = m.bias.size // count
        weight, recurrent = np.split(m.weight, [m.weight.shape[0] - size])
        c, h = ([np.zeros((x.shape[1], size))] * 2 + states)[-2:]
        y = []
        for t in range(len(x)):
            h, c = step(x[t] @ weight + m.bias, recurrent, h, c)
            if m.maskzero:
                seen = (x[t] != 0).any(-1, keepdims=True)
                h, c = h * seen, c * seen
            y.append(h)
        y = np.stack(y)
        return y.swapaxes(0, 1) if m.batchfirst else y

    return reference


def seq_lstm(sums, recurrent, h, c):
    i, f, o, g = np.split(sums + h @ recurrent, 4, -1)
    c = expit(f) * c + expit(i) * np.tanh(g)
    return expit(o) * np.tanh(c), c


def seq_gru(sums, recurrent, h, c):
    r, u, n = np.split(sums, 3, -1)
    of_r, of_u, of_n = np.split(recurrent, 3, -1)
    r, u = expit(r + h @ of_r), expit(u + h @ of_u)
    n = np.tanh(n + (r * h) @ of_n)
    return (1 - u) * n + u * h, c


# cuDNN's, of which one vector holds all parameters


def cudnn_step(mode, of_x, of_h, h, c):
    if mode == 'CUDNN_LSTM':
        i, f, g, o = np.split(of_x + of_h, 4, -1)
        c = expit(f) * c + expit(i) * np.tanh(g)
        return expit(o) * np.tanh(c), c
    if mode == 'CUDNN_GRU':
        (rx, zx, nx), (rh, zh, nh) = np.split(of_x, 3, -1), np.split(of_h, 3, -1)
        r, z = expit(rx + rh), expit(zx + zh)
        return (1 - z) * np.tanh(nx + r * nh) + z * h, c
    return (np.maximum(of_x + of_h, 0) if mode == 'CUDNN_RNN_RELU' else np.tanh(of_x + of_h)), c


def cudnn(m, x):
    if m.dropout and m.train is not False:
        return None
    x = x.swapaxes(0, 1) if m.batchFirst else x
    gates = {'CUDNN_LSTM': 4, 'CUDNN_GRU': 3}.get(m.mode, 1)
    H, D, start, parts = m.hiddenSize, m.numDirections, 0, []
    matrices = [
        (gates * H, size)
        for layer in range(m.numLayers)
        for _ in range(D)
        for size in (H * D if layer else m.inputSize, H)
    ]
    for shape in (*matrices, *((gates * H,) for _ in matrices)):
        parts.append(m.weight[start : start + math.prod(shape)].reshape(shape))
        start += math.prod(shape)
    for layer in range(m.numLayers):
        both = []
        for direction in range(D):
            at = 2 * (layer * D + direction)
            (W, R), (b, r) = parts[at : at + 2], parts[len(matrices) + at : len(matrices) + at + 2]
            h = c = np.zeros((x.shape[1], H))
            steps = []
            for frame in x[::-1] if direction else x:
                h, c = cudnn_step(m.mode, affine(frame, W, b), affine(h, R, r), h, c)
                steps.append(h)
            both.append(np.stack(steps[::-1] if direction else steps))
        x = np.concatenate(both, -1)
    return x.swapaxes(0, 1) if m.batchFirst else x


REFERENCES: dict[str, Callable[..., Any]] = {
    **functions.REFERENCES,
    **windows.REFERENCES,
    **dict.fromkeys(('Sequential', 'Maxout', 'SpatialLPPooling', 'SpatialSameResponseNormalization'), sequential),
    'LayerNormalization': lambda m, x: sequential(m, x) if x.ndim == 2 else sequential(m, x[None])[0],
    'ConcatTable': concat_table,
    'ParallelTable': parallel_table,
    'MapTable': lambda m, x: all_of(
        output(child, part) for child, part in zip((m.modules + [m.module] * len(x))[: len(x)], x, strict=True)
    ),
    'Concat': concat,
    'SpatialPyramidPooling': pyramid,
    'DepthConcat': depth_concat,
    'Parallel': parallel,
    **dict.fromkeys(('Decorator', 'DontCast', 'FireModule', 'NaN', 'Profile', 'Serial', 'BiSequencer'), inside),
    'Inception': inception,
    'Bottle': bottle,
    'WeightNorm': weight_norm,
    'MaskZero': mask_zero,
    'Sequencer': sequencer,
    'Repeater': lambda m, x: over_time(m.modules[0], [x] * m.rho),
    'SeqLSTM': sequence(seq_lstm, 4),
    'SeqGRU': sequence(seq_gru, 3),
    **dict.fromkeys(('RNN', 'RNNReLU', 'RNNTanh', 'LSTM', 'GRU', 'BLSTM', 'BGRU'), cudnn),
}
