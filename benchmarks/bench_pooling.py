"""Poolings beside their floor (the bare array operations, without modules or indices) and beside PyTorch.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_pooling.py [float32] [name ...]

Prints the median time of t7nn, and how many times as long the floor and PyTorch take (above 1: t7nn is faster). The
floor of a maximum is the largest values alone; of its gradient, adding at places that are known.
"""

import functools
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

# name: (N, planes, H, W), kernel, stride, pad
SHAPES = {
    '2x2 24x24': ((32, 20, 24, 24), 2, 2, 0),
    '2x2 8x8': ((32, 50, 8, 8), 2, 2, 0),
    '3x3/2 pad 1 56x56': ((8, 64, 56, 56), 3, 2, 1),
    '3x3/1 pad 1 14x14': ((8, 64, 14, 14), 3, 1, 1),
    '2x2 24x24 one image': ((20, 24, 24), 2, 2, 0),
}


def floor(x: np.ndarray, g: np.ndarray, kernel: int, stride: int, pad: int) -> dict[str, Callable]:
    """The bare array operations."""
    room = np.zeros((*x.shape[:-2], *(size + 2 * pad for size in x.shape[-2:])), x.dtype)
    inside = (..., slice(pad, pad + x.shape[-2]), slice(pad, pad + x.shape[-1]))
    ends = [(size - 1) * stride + 1 for size in g.shape[-2:]]
    views = [
        room[..., i : i + ends[0] : stride, j : j + ends[1] : stride] for i in range(kernel) for j in range(kernel)
    ]
    y, dx = np.empty_like(g), np.empty_like(x)
    flat = np.arange(g.size) * (x.size // g.size)

    def largest():
        if pad:
            room[inside] = x
        np.copyto(y, views[0])
        for view in views[1:]:
            np.maximum(y, view, out=y)

    def added():
        dx.fill(0)
        np.add.at(dx.reshape(-1), flat, g.reshape(-1))

    def mean():
        if pad:
            room[inside] = x
        np.copyto(y, views[0])
        for view in views[1:]:
            np.add(y, view, out=y)
        np.divide(y, kernel**2, out=y)

    def spread():
        np.divide(g, kernel**2, out=y)
        if stride < kernel:
            room.fill(0)
        for view in views:
            if stride < kernel:
                np.add(view, y, out=view)
            else:
                np.copyto(view, y)
        if pad:
            np.copyto(dx, room[inside])

    if not pad:
        room[...] = x
    return {'max forward': largest, 'max backward': added, 'mean forward': mean, 'mean backward': spread}


def peers(x: np.ndarray, g: np.ndarray, kernel: int, stride: int, pad: int) -> dict[str, Callable]:
    """PyTorch."""
    tx, tg = torch.from_numpy(x), torch.from_numpy(g)
    k, s, p = [kernel] * 2, [stride] * 2, [pad] * 2
    places = torch.nn.functional.max_pool2d(tx, k, s, p, return_indices=True)[1]
    ops = torch.ops.aten
    return {
        'max forward': lambda: torch.nn.functional.max_pool2d(tx, k, s, p),
        'max backward': lambda: ops.max_pool2d_with_indices_backward(tg, tx, k, s, p, [1, 1], False, places),
        'mean forward': lambda: torch.nn.functional.avg_pool2d(tx, k, s, p),
        'mean backward': lambda: ops.avg_pool2d_backward(tg, tx, k, s, p, False, True, None),
    }


def main(arguments: list[str]) -> None:
    dtype = 'float32' if 'float32' in arguments else 'float64'
    rng = np.random.RandomState(0)
    for name in [name for name in arguments if name in SHAPES] or SHAPES:
        shape, kernel, stride, pad = SHAPES[name]
        x = rng.randn(*shape).astype(dtype)
        sizes = kernel, kernel, stride, stride, pad, pad
        layers = {'max': nn.SpatialMaxPooling(*sizes), 'mean': nn.SpatialAveragePooling(*sizes)}
        g = rng.randn(*layers['max'].type(dtype).forward(x).shape).astype(dtype)
        own = {
            f'{kind} {step}': functools.partial(call, *tensors)
            for kind, layer in layers.items()
            for step, call, tensors in (
                ('forward', layer.type(dtype).updateOutput, (x,)),
                ('backward', layer.updateGradInput, (x, g)),
            )
        }
        layers['mean'].forward(x)
        others = {'floor': floor(x, g, kernel, stride, pad)}
        if torch:
            others['torch'] = peers(x, g, kernel, stride, pad)
        for step, call in own.items():
            calls = {'t7nn': call} | {other: steps[step] for other, steps in others.items()}
            report(f'{name} {step}', medians(calls))


if __name__ == '__main__':
    main(sys.argv[1:])
