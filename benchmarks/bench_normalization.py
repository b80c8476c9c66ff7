"""Batch and cross-map normalisation beside their floor (the bare array operations) and beside PyTorch.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_normalization.py [float32]

Prints the median time of t7nn, and how many times as long the floor and PyTorch take (above 1: t7nn is faster).
Backward is the gradient of the input and of the parameters.
"""

import sys
from collections.abc import Callable

import numpy as np
from timing import medians, report

import t7nn as nn

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None

Steps = dict[str, Callable[[], object]]


def batch_floor(x: np.ndarray, g: np.ndarray) -> Steps:
    """Forward: read x for the mean, read it for the variance, scale, shift. Backward: two sums, one combination."""
    rows = len(x) if x.ndim == 2 else len(x) * x.shape[1]
    x, g = x.reshape(rows, -1), g.reshape(rows, -1)
    y, factor = np.empty_like(x), np.ones((rows, 1), x.dtype)
    ones = np.ones(x.shape[1], x.dtype)

    def forward():
        x.dot(ones)
        np.vecdot(x, x)
        np.multiply(x, factor, y)
        np.add(y, factor, y)

    def backward():
        g.dot(ones)
        np.vecdot(x, g)
        np.multiply(x, factor, y)
        np.add(y, factor, y)
        np.subtract(g, y, y)

    return {'forward': forward, 'backward': backward}


def torch_steps(layer, x: np.ndarray, g: np.ndarray, *parameters) -> Steps:
    """A layer of PyTorch as its users call it."""
    tx, tg = torch.from_numpy(x).requires_grad_(), torch.from_numpy(g)
    y = layer(tx)
    return {
        'forward': lambda: layer(tx),
        'backward': lambda: torch.autograd.grad(y, [tx, *parameters], tg, retain_graph=True),
    }


def batch_torch(x: np.ndarray, g: np.ndarray) -> Steps:
    kind = torch.nn.BatchNorm1d if x.ndim == 2 else torch.nn.BatchNorm2d
    layer = kind(x.shape[1], dtype=getattr(torch, str(x.dtype)))
    return torch_steps(layer, x, g, layer.weight, layer.bias)


def lrn_floor(x: np.ndarray, g: np.ndarray) -> Steps:
    """Forward: the squares, their sums over five planes, three roots and quotients. Backward: as many again, but the
    roots, and two products."""
    y, s = np.empty_like(x), np.empty_like(x)

    def neighbours():
        np.copyto(s, y)
        for distance in (1, 2):
            np.add(s[:, :-distance], y[:, distance:], s[:, :-distance])
            np.add(s[:, distance:], y[:, :-distance], s[:, distance:])

    def forward():
        np.multiply(x, x, y)
        neighbours()
        np.sqrt(s, y)
        np.sqrt(y, s)
        np.multiply(x, s, y)

    def backward():
        np.multiply(x, g, y)
        neighbours()
        np.multiply(x, s, y)
        np.subtract(g, y, y)

    return {'forward': forward, 'backward': backward}


def lrn_torch(x: np.ndarray, g: np.ndarray) -> Steps:
    return torch_steps(torch.nn.LocalResponseNorm(5), x, g)


# name: layer, shape, floor, peer
LAYERS = {
    'batch norm 64x300': (lambda: nn.BatchNormalization(300), (64, 300), batch_floor, batch_torch),
    'batch norm 8x64x32x32': (lambda: nn.SpatialBatchNormalization(64), (8, 64, 32, 32), batch_floor, batch_torch),
    'LRN 8x64x28x28': (lambda: nn.SpatialCrossMapLRN(5), (8, 64, 28, 28), lrn_floor, lrn_torch),
}


def main(arguments: list[str]) -> None:
    dtype = 'float32' if 'float32' in arguments else 'float64'
    rng = np.random.RandomState(0)
    for name, (make, shape, floor, peer) in LAYERS.items():
        layer, x, g = make().type(dtype), rng.randn(*shape).astype(dtype), rng.randn(*shape).astype(dtype)
        layer.forward(x)
        own = {
            'forward': lambda layer=layer, x=x: layer.forward(x),
            'backward': lambda layer=layer, x=x, g=g: layer.backward(x, g),
        }
        others = {'floor': floor(x, g)} | ({'torch': peer(x, g)} if torch else {})
        for step, call in own.items():
            report(f'{name} {step}', medians({'t7nn': call} | {other: steps[step] for other, steps in others.items()}))


if __name__ == '__main__':
    main(sys.argv[1:])
