"""Functions of every element, and the SoftMax family."""

from __future__ import annotations

import numpy as np

import t7nn as nn

from .builder import FLOAT, exports


@exports(nn.Tanh)
def tanh(g, module, x):
    return x.op('Tanh')


@exports(nn.Sigmoid)
def sigmoid(g, module, x):
    return x.op('Sigmoid')


@exports(nn.HardTanh, nn.Clamp, nn.ReLU6)
def clipping(g, module, x):
    return x.op('Clip', module.min_val, module.max_val)


@exports(nn.HardShrink)
def hard_shrink(g, module, x):
    return g.op('Where', x.op('Abs') > module.lambda_, x, 0.0)


@exports(nn.SoftShrink)
def soft_shrink(g, module, x):
    return (x - module.lambda_).op('Max', 0.0) + (x + module.lambda_).op('Min', 0.0)


@exports(nn.SoftPlus)
def soft_plus(g, module, x):
    scaled = x * module.beta
    bent = (scaled.op('Min', float(module.threshold)).op('Exp') + 1.0).op('Log') / module.beta
    return g.op('Where', scaled > float(module.threshold), x, bent)


@exports(nn.SoftSign)
def soft_sign(g, module, x):
    return x / (1.0 + x.op('Abs'))


@exports(nn.LogSigmoid)
def log_sigmoid(g, module, x):
    return x.op('Min', 0.0) - (1.0 + (-x.op('Abs')).op('Exp')).op('Log')


@exports(nn.TanhShrink)
def tanh_shrink(g, module, x):
    return x - x.op('Tanh')


@exports(nn.GatedLinearUnit)
def gated_linear_unit(g, module, x):
    axis = module.axis_of(x.ndim if module.dim is None else module.dim, x.ndim)
    half = x.size(axis) // 2
    return x.slice(axis, 0, half) * x.slice(axis, half, 2 * half).op('Sigmoid')


@exports(nn.Threshold)
def threshold(g, module, x):
    return g.op('Where', x > module.threshold, x, float(module.val))


@exports(nn.ReLU)
def relu(g, module, x):
    return x.op('Relu')


def rectifier(x, slope):
    """y = x where x > 0, else slope x."""
    return x.op('Max', 0.0) + x.op('Min', 0.0) * slope


# onnxruntime has these three in float32 only


@exports(nn.ELU)
def elu(g, module, x):
    if x.dtype == FLOAT:
        return x.op('Elu', alpha=float(module.alpha))
    return x.op('Max', 0.0) + (x.op('Min', 0.0).op('Exp') - 1.0) * module.alpha


@exports(nn.LeakyReLU)
def leaky_relu(g, module, x):
    return x.op('LeakyRelu', alpha=float(module.negval)) if x.dtype == FLOAT else rectifier(x, module.negval)


@exports(nn.PReLU)
def prelu(g, module, x):
    slope = np.asarray(module.slope(np.empty([size if isinstance(size, int) else 1 for size in x.shape], x.dtype)))
    return x.op('PRelu', slope) if x.dtype == FLOAT else rectifier(x, slope)


@exports(nn.RReLU)
def rrelu(g, module, x):
    slope = (module.lower + module.upper) / 2
    return x.op('LeakyRelu', alpha=slope) if x.dtype == FLOAT else rectifier(x, slope)


@exports(nn.Exp)
def exp(g, module, x):
    return x.op('Exp')


@exports(nn.Log)
def log(g, module, x):
    return x.op('Log')


@exports(nn.Abs)
def absolute(g, module, x):
    return x.op('Abs')


@exports(nn.Square)
def square(g, module, x):
    return x * x


@exports(nn.Sqrt)
def sqrt(g, module, x):
    return x.op('Sqrt')


@exports(nn.Power)
def power(g, module, x):
    return x ** float(module.pow)


@exports(nn.AddConstant)
def add_constant(g, module, x):
    return x + module.constant_scalar


@exports(nn.MulConstant)
def mul_constant(g, module, x):
    return x * module.constant_scalar


# Over the classes: the only axis of a vector, the second of a batch, the first of a map, the second of a batch of maps


@exports(nn.SoftMax, nn.SpatialSoftMax)
def soft_max(g, module, x):
    return x.op('Softmax', axis=1 - x.ndim % 2)


@exports(nn.SoftMin)
def soft_min(g, module, x):
    return (-x).op('Softmax', axis=1 - x.ndim % 2)


@exports(nn.LogSoftMax, nn.SpatialLogSoftMax)
def log_soft_max(g, module, x):
    return x.op('LogSoftmax', axis=1 - x.ndim % 2)
