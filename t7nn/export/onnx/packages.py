"""Layers of other Torch7 packages.

A recurrent module is unrolled: every step of a sequence, whose length is fixed, is a part of the graph, and its state
goes from one to the next. In float32 `SeqLSTM` and `SeqGRU` are ONNX's own LSTM and GRU.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ...packages import cudnn, dpnn, inn, neural_style, nnx, rnn, stn
from .builder import FLOAT, LONG, Graph, Value, exports, join, refuses
from .containers import children, concat, decorator, dropout, identity
from .convolution import unfold

refuses('what it remembers from call to call has no place there; put it into a Sequencer', rnn.AbstractRecurrent)
refuses('it is a base without a forward of its own', rnn.AbstractSequencer)
refuses('its windows depend on the values of an input', inn.ROIPooling)

exports(rnn.LazyDropout)(dropout)
exports(neural_style.TotalVariation)(identity)
exports(dpnn.FireModule, dpnn.Serial, rnn.BiSequencer, container=True)(decorator)


@exports(dpnn.ReverseTable)
def reverse_table(g, module, xs):
    return xs[::-1]


@exports(dpnn.Inception, container=True)
def inception(g, module, x):
    if x.ndim == 4:
        return children(g, module, [x])[0]
    y = children(g, module, [x.unsqueeze(0).like(lambda example: example[None], x)])[0]
    return y.squeeze(0).like(lambda example: example[0], y)


# rnn


@exports(rnn.SAdd)
def signed_add(g, module, x):
    y = x + module.addend
    return -y if module.negate else y


@exports(rnn.LookupTableMaskZero)
def lookup_table_mask_zero(g, module, x):
    module.weight[0] = 0
    return g.constant(module.weight).op('Gather', x.cast(LONG), axis=0)


@exports(rnn.MaskZero, container=True)
def mask_zero(g, module, x):
    y = children(g, module, [x])[0]
    first = x
    while isinstance(first, list):
        first = first[0]
    axes = list(range(first.ndim - module.nInputDim, first.ndim))
    counts = first.op('Abs').op('ReduceMax', axes=axes, keepdims=0) > 0.0

    def masked(value: Any) -> Any:
        if isinstance(value, list):
            return [masked(item) for item in value]
        rest = value.ndim - first.ndim + module.nInputDim
        mask = counts.unsqueeze(*range(value.ndim - rest, value.ndim)) if rest else counts

        def zeros(array: np.ndarray, given: np.ndarray) -> np.ndarray:
            kept = given.reshape(*given.shape[: len(axes) and given.ndim - len(axes)], -1).any(-1)
            return np.where(kept.reshape(*kept.shape, *(1,) * rest), array, 0)

        return g.op('Where', mask, value, 0.0).like(zeros, value, first)

    return masked(y)


def refuse_memory(g: Graph, module: Any) -> None:
    """Raise if a sequence does not begin anew."""
    if module.hasMemory():
        raise g.refusal(module, 'it goes on where the last sequence ended (remember)')


def zeros(g: Graph, module: Any, x: Value) -> list[Value]:
    """The states before the first step."""
    if any(getattr(module, name, None) is not None for name in ('userPrevOutput', 'userPrevCell')) or any(
        getattr(module, name).get(0) is not None for name in module.states
    ):
        raise g.refusal(module, 'its state before the first step was set')
    if x.ndim == 1:
        zero = g.constant(np.zeros(module.outputSize, x.dtype)).op('Identity')
    else:
        shape = x.op('Shape', start=0, end=1).op('Concat', [module.outputSize], axis=0)
        zero = g.constant(np.zeros(1, x.dtype)).op('Expand', shape)
    return [zero.like(module.zeros, x)] * len(module.states)


@exports(rnn.LSTM, rnn.FastLSTM, rnn.GRU, rnn.Recurrent, container=True)
def recurrent(g, module, x):
    if not g.sequences:
        raise g.refusal(module, 'what it remembers from call to call has no place there; put it into a Sequencer')
    state = g.recorded.get(id(module))
    if isinstance(module, (rnn.LSTM, rnn.GRU)):
        result = g.export(module.recurrentModule, [x, *(state or zeros(g, module, x))], 'modules.1')
    elif state is None:
        result = g.export(module.initialModule, x, 'initialModule')
    else:
        result = g.export(module.recurrentModule, [x, *state], 'recurrentModule')
    g.recorded[id(module)] = list(result) if len(module.states) > 1 else [result]
    return g.recorded[id(module)][0]


@exports(rnn.Recursor, container=True)
def recursor(g, module, x):
    return children(g, module, [x])[0]


def sequence(g: Graph, module: Any, steps: list) -> list:
    """What the module inside makes of each step, from the first on."""
    for inner in module.listModules():
        if isinstance(inner, rnn.AbstractRecurrent):
            g.recorded.pop(id(inner), None)
    g.sequences += 1
    outputs = [children(g, module, [step])[0] for step in steps]
    g.sequences -= 1
    return outputs


@exports(rnn.Sequencer, container=True)
def sequencer(g, module, x):
    refuse_memory(g, module)
    if isinstance(x, list):
        return sequence(g, module, x)
    steps = [x.take(0, i).like(lambda example, i=i: example[i], x) for i in range(x.size(0))]
    outputs = sequence(g, module, steps)
    return join([y.unsqueeze(0) for y in outputs], 0).like(lambda *arrays: np.stack(arrays), *outputs)


@exports(rnn.Repeater, container=True)
def repeater(g, module, x):
    return sequence(g, module, [x] * module.rho)


def whole_sequence(g: Graph, module: Any, x: Any, operator: str, order: list[int], **attributes: Any) -> Value:
    """ONNX's own recurrent layer, in which `order` tells which gate of t7nn's stands at each place; step by step where
    onnxruntime does not have it: in float64, and where steps of zeros are left out."""
    refuse_memory(g, module)
    if module.userPrevOutput is not None or getattr(module, 'userPrevCell', None) is not None:
        raise g.refusal(module, 'its state before the sequence was set')
    D, H = module._sizes
    *given, x = parts = x if isinstance(x, list) else [x]
    y = x.transpose(1, 0, 2) if module.batchfirst else x
    if x.dtype == FLOAT and not module.maskzero:
        blocks = [slice(gate * H, (gate + 1) * H) for gate in order]
        matrix = np.concatenate([module.weight[:, block] for block in blocks], 1).T
        bias = np.concatenate([module.bias[block] for block in blocks] + [np.zeros(len(order) * H, x.dtype)])
        states = [state.unsqueeze(0) for state in given[::-1]]
        inputs = [matrix[None, :, :D], matrix[None, :, D:], bias[None], *([None, *states] if states else [])]
        y = y.op(operator, *inputs, hidden_size=H, **attributes).squeeze(1)
    else:
        zero = g.constant(np.zeros(1, x.dtype))
        zero = zero.op('Expand', y.op('Shape', start=1, end=2).op('Concat', [H], axis=0))
        states = [zero] * (len(module.initial) - len(given)) + given
        sums, outputs = y @ module.weight[:D] + module.bias, []
        for t in range(x.size(1 if module.batchfirst else 0)):
            states = STEPS[operator](sums.take(0, t), states, module.weight[D:], H)
            if module.maskzero:
                counts = y.take(0, t).op('Abs').op('ReduceMax', axes=[1], keepdims=1) > 0.0
                states = [g.op('Where', counts, state, 0.0) for state in states]
            outputs.append(states[-1].unsqueeze(0))
        y = join(outputs, 0)
    y = y.transpose(1, 0, 2) if module.batchfirst else y
    return y.like(lambda *arrays: module.updateOutput(list(arrays) if given else arrays[0]), *parts)


def lstm_step(sums: Value, states: list[Value], weight: np.ndarray, H: int) -> list[Value]:
    """The next c and h of a SeqLSTM, from W x + b and the last ones."""
    c, h = states
    sums = sums + h @ weight
    i, f, o = (sums.slice(1, k * H, (k + 1) * H).op('Sigmoid') for k in range(3))
    c = f * c + i * sums.slice(1, 3 * H, 4 * H).op('Tanh')
    return [c, o * c.op('Tanh')]


def gru_step(sums: Value, states: list[Value], weight: np.ndarray, H: int) -> list[Value]:
    """The next h of a SeqGRU, from W x + b and the last one."""
    (h,) = states
    gates = (sums.slice(1, 0, 2 * H) + h @ weight[:, : 2 * H]).op('Sigmoid')
    r, u = gates.slice(1, 0, H), gates.slice(1, H, 2 * H)
    n = (sums.slice(1, 2 * H, 3 * H) + (r * h) @ weight[:, 2 * H :]).op('Tanh')
    return [(h - n) * u + n]


STEPS = {'LSTM': lstm_step, 'GRU': gru_step}


@exports(rnn.SeqLSTM, container=True)
def seq_lstm(g, module, x):
    return whole_sequence(g, module, x, 'LSTM', [0, 2, 1, 3])


@exports(rnn.SeqGRU, container=True)
def seq_gru(g, module, x):
    return whole_sequence(g, module, x, 'GRU', [1, 0, 2], linear_before_reset=0)


# cudnn's recurrent networks


def cudnn_step(mode: str, sums: Value, recurrent: Value, h: Value, c: Value, H: int) -> tuple[Value, Value]:
    """The next h and c, from W x + b_W, R h + b_R and the last ones."""

    def part(value: Value, gate: int) -> Value:
        return value.slice(1, gate * H, (gate + 1) * H)

    if mode == 'CUDNN_GRU':
        r, z = ((part(sums, gate) + part(recurrent, gate)).op('Sigmoid') for gate in (0, 1))
        n = (part(sums, 2) + r * part(recurrent, 2)).op('Tanh')
        return n + z * (h - n), c
    total = sums + recurrent
    if mode == 'CUDNN_LSTM':
        i, f, o = (part(total, gate).op('Sigmoid') for gate in (0, 1, 3))
        c = f * c + i * part(total, 2).op('Tanh')
        return o * c.op('Tanh'), c
    return total.op('Relu' if mode == 'CUDNN_RNN_RELU' else 'Tanh'), c


@exports(
    cudnn.RNN, cudnn.RNNReLU, cudnn.RNNTanh, cudnn.LSTM, cudnn.GRU, cudnn.BLSTM, cudnn.BGRU
)  # fmt: skip
def cudnn_recurrent(g, module, x):
    if module.rememberStates:
        raise g.refusal(module, 'it goes on where the last sequence ended (rememberStates)')
    if any(state is not None and state.size for state in (module.hiddenInput, module.cellInput)):
        raise g.refusal(module, 'its state before the sequence was set')
    time, H = x.size(1 if module.batchFirst else 0), module.hiddenSize
    y = x.transpose(1, 0, 2) if module.batchFirst else x
    zero = g.constant(np.zeros(1, x.dtype))
    zero = zero.op('Expand', y.op('Shape', start=1, end=2).op('Concat', [H], axis=0))
    parameters = iter(module._split(module.weight))
    for _ in range(module.numLayers):
        directions = []
        for backwards in range(module.numDirections):
            W, R, b_W, b_R = next(parameters)
            sums, h, c = y @ W.T + b_W, zero, zero
            outputs: list[Any] = [None] * time
            for t in reversed(range(time)) if backwards else range(time):
                h, c = cudnn_step(module.mode, sums.take(0, t), h @ R.T + b_R, h, c, H)
                outputs[t] = h.unsqueeze(0)
            directions.append(join(outputs, 0))
        y = join(directions, 2)
    return y.transpose(1, 0, 2) if module.batchFirst else y


# fast-neural-style


@exports(neural_style.InstanceNormalization)
def instance_normalization(g, module, x):
    weight, bias = module.weight[:, None, None], module.bias[:, None, None]
    if not module.own_statistics:
        return x * (weight * (1 + module.eps) ** -0.5) + bias
    if x.dtype == FLOAT:
        return x.op('InstanceNormalization', module.weight, module.bias, epsilon=float(module.eps))
    centred = x - x.op('ReduceMean', axes=[2, 3], keepdims=1)
    variance = (centred * centred).op('ReduceMean', axes=[2, 3], keepdims=1)
    return centred / (variance + module.eps).op('Sqrt') * weight + bias


@exports(neural_style.ShaveImage)
def shave_image(g, module, x):
    if not module.size:
        return x
    return x.slice(2, module.size, -module.size).slice(3, module.size, -module.size)


# inn


@exports(inn.ConstAffine)
def const_affine(g, module, x):
    shape = (-1, *(1,) * (x.ndim - 2))
    return x * module.a.reshape(shape) + module.b.reshape(shape)


@exports(inn.MeanSubtraction)
def mean_subtraction(g, module, x):
    return x - module.mean.reshape(x.sizes(-3))


@exports(inn.SpatialPyramidPooling, container=True)
def pyramid_pooling(g, module, x):
    module.dimension = x.ndim - 2
    return concat(g, module, x)


@exports(inn.SpatialStochasticPooling)
def stochastic_pooling(g, module, x):
    kernel, stride = (module.kH, module.kW), (module.dH, module.dW)
    y = x if x.ndim == 4 else x.unsqueeze(0)
    counts = tuple(g.output[-2:])
    extents = [(n - 1) * d + k for n, d, k in zip(counts, stride, kernel, strict=True)]
    pads = [(0, extent - size) for extent, size in zip(extents, x.sizes(-2), strict=True)]
    parts = unfold(y.pad([(0, 0), (0, 0), *pads]), kernel, counts, stride, (1, 1))
    sums, squares = (reduce(lambda a, b: a + b, terms) for terms in (parts, [part * part for part in parts]))
    y = squares / (sums + float(np.finfo(np.float32).tiny))
    return y if x.ndim == 4 else y.squeeze(0)


# nnx


@exports(nnx.SpatialPadding)
def nnx_padding(g, module, x):
    amounts = [(0, 0)] * x.ndim
    amounts[module.axis_of(module.y_dim or 2, x.ndim)] = module.pad_t, module.pad_b
    amounts[module.axis_of(module.x_dim or 3, x.ndim)] = module.pad_l, module.pad_r
    return x.pad(amounts, float(module.val or 0))


@exports(nnx.SpatialReSampling)
def re_sampling(g, module, x):
    matrix = module._matrix(*x.sizes(-2))  # every pixel of the output is a sum of at most four
    counts = np.diff(matrix.indptr)
    flat, axis = g.reshaped(x, (*x.shape[:-2], int(np.prod(x.sizes(-2))))), x.ndim - 2
    terms = []
    for i in range(counts.max()):
        at = np.minimum(matrix.indptr[:-1] + i, matrix.nnz - 1)
        weight = np.where(i < counts, matrix.data[at], 0)
        terms.append(flat.take(axis, matrix.indices[at]) * weight)
    return g.reshaped(
        reduce(lambda a, b: a + b, terms).like(lambda example: example.reshape(*example.shape[:-2], -1), x), g.output
    )


@exports(nnx.SpatialNormalization)
def nnx_normalization(g, module, x):
    x.sizes(0)  # the weights inside the image are worked out for its sizes
    image = x if x.ndim == 3 else x.unsqueeze(0).like(lambda example: example[None], x)
    ones = module._parts[0]
    z = (image - g.export(module.convo, image, 'convo') / ones).like(np.zeros_like, image)
    squares = (z * z).like(np.zeros_like, image)
    d = g.export(module.convostd, squares, 'convostd').op('Sqrt') / ones
    if module.fixedThres is None:
        threshold = d.op('ReduceMean', keepdims=0).op('Max', 1e-3)
    else:
        threshold = g.constant(np.asarray(module.fixedThres, x.dtype))
    return z / g.op('Where', d > threshold, d, threshold)


# cudnn


@exports(cudnn.VolumetricSoftMax)
def volumetric_soft_max(g, module, x):
    return x.op('Softmax', axis=x.ndim - 4)


@exports(cudnn.VolumetricLogSoftMax)
def volumetric_log_soft_max(g, module, x):
    return x.op('LogSoftmax', axis=x.ndim - 4)


# stnbhwd


@exports(stn.AffineTransformMatrixGenerator)
def affine_matrix(g, module, x):
    if module.fullMode:
        return g.reshaped(x, g.output)
    axis, used = x.ndim - 1, 0
    cos: Any = g.constant(np.ones((), x.dtype))
    sin: Any = g.constant(np.zeros((), x.dtype))
    column: Any = x.take(axis, 0) * 0.0  # of the shape of a column
    if module.useRotation:
        cos, sin, used = x.take(axis, 0).op('Cos'), x.take(axis, 0).op('Sin'), 1
    if module.useScale:
        scale, used = x.take(axis, used), used + 1
        cos, sin = cos * scale, sin * scale
    down, right = (x.take(axis, used), x.take(axis, used + 1)) if module.useTranslation else (column, column)
    entries = [cos, -sin, cos * down - sin * right, sin, cos, sin * down + cos * right]
    return g.reshaped(join([(column + entry).unsqueeze(axis) for entry in entries], axis), g.output)


@exports(stn.AffineGridGeneratorBHWD)
def affine_grid(g, module, x):
    places = module._grid() @ x.transpose(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    return places.reshape(*[-1] * (x.ndim - 2), module.height, module.width, 2)


@exports(stn.BilinearSamplerBHWD)
def bilinear_sampler(g, module, xs):
    images, grids = (tensor if tensor.ndim == 4 else tensor.unsqueeze(0) for tensor in xs)
    height, width, planes = xs[0].sizes(-3)
    y, x = ((grids.take(3, i) + 1) * ((size - 1) / 2) for i, size in ((0, height), (1, width)))
    top, left = y.op('Floor'), x.op('Floor')
    pixels = images.reshape(0, height * width, planes)
    total = None
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        row, column = top + down, left + right
        at, of = row.op('Clip', 0, height - 1), column.op('Clip', 0, width - 1)
        inside = row.op('Equal', at).op('And', column.op('Equal', of)).cast(y.dtype)
        weight = (y - top if down else 1 - (y - top)) * (x - left if right else 1 - (x - left)) * inside
        index = (at * width + of).cast(LONG).unsqueeze(3)
        term = pixels.op('GatherND', index, batch_dims=1) * weight.unsqueeze(3)
        total = term if total is None else total + term
    return total if xs[0].ndim == 4 else total.squeeze(0)
