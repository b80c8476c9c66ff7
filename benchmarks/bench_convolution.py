"""Convolutions beside their floor (the bare matrix products on windows unfolded beforehand) and beside PyTorch.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_convolution.py [float32] [name ...]

Prints the median time of t7nn, and how many times as long the floor and PyTorch take (above 1: t7nn is faster). Names
are those of SHAPES, and LeNet.
"""

import sys

import numpy as np
from timing import medians, report

import t7nn as nn

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None

# name: (N, planes, H, W), maps, kernel, stride, pad
SHAPES = {
    '5x5 1->20': ((32, 1, 28, 28), 20, 5, 1, 0),
    '5x5 20->50': ((32, 20, 12, 12), 50, 5, 1, 0),
    '3x3 64->64': ((8, 64, 32, 32), 64, 3, 1, 1),
    '3x3 16->16': ((8, 16, 32, 32), 16, 3, 1, 1),
    '3x3/2 32->64': ((8, 32, 32, 32), 64, 3, 2, 1),
    '1x1 256->64': ((8, 256, 14, 14), 64, 1, 1, 0),
    '11x11/4 3->64': ((4, 3, 224, 224), 64, 11, 4, 2),
    '5x5 20->50 one image': ((20, 12, 12), 50, 5, 1, 0),
    '3x3 64->64 one image': ((64, 32, 32), 64, 3, 1, 1),
}


def products(batch, maps, depth, places, dtype):
    """The floor: the three matrix products of a convolution, an image at a time."""
    rng = np.random.RandomState(0)
    w, columns, y = (
        rng.randn(*shape).astype(dtype) for shape in ((maps, depth), (batch, depth, places), (batch, maps, places))
    )
    gradient = np.empty_like(w)

    def weights():
        for i in range(batch):
            np.matmul(y[i], columns[i].T, gradient)

    return {
        'forward': lambda: np.matmul(w, columns, y),
        'gradInput': lambda: np.matmul(w.T, y, columns),
        'accGrad': weights,
    }


def convolution(name, dtype):
    shape, maps, kernel, stride, pad = SHAPES[name]
    planes, batch = shape[-3], shape[0] if len(shape) == 4 else 1
    layer = nn.SpatialConvolution(planes, maps, kernel, kernel, stride, stride, pad).type(dtype)
    rng = np.random.RandomState(0)
    x = rng.randn(*shape).astype(dtype)
    g = rng.randn(*layer.forward(x).shape).astype(dtype)
    calls = {
        'forward': {'t7nn': lambda: layer.forward(x)},
        'gradInput': {'t7nn': lambda: layer.updateGradInput(x, g)},
        'accGrad': {'t7nn': lambda: layer.accGradParameters(x, g)},
    }
    for step, call in products(batch, maps, planes * kernel**2, g.shape[-1] * g.shape[-2], dtype).items():
        calls[step]['floor'] = call
    if torch:
        tx, tg = torch.from_numpy(x), torch.from_numpy(g)
        w, b = torch.from_numpy(layer.weight), torch.from_numpy(layer.bias)
        if len(shape) == 3:
            tx, tg = tx[None], tg[None]

        def backward(mask):
            return torch.ops.aten.convolution_backward(
                tg, tx, w, [maps], [stride] * 2, [pad] * 2, [1] * 2, False, [0] * 2, 1, mask
            )

        calls['forward']['torch'] = lambda: torch.nn.functional.conv2d(tx, w, b, stride, pad)
        calls['gradInput']['torch'] = lambda: backward([True, False, False])
        calls['accGrad']['torch'] = lambda: backward([False, True, True])
    return calls


def lenet(dtype):
    """Forward, updateGradInput and accGradParameters of LeNet on 32 images of 28x28; of PyTorch also without the
    gradient of the images, which it leaves out unless asked."""
    net = nn.Sequential()
    for layer in (
        nn.SpatialConvolution(1, 20, 5, 5),
        nn.Tanh(),
        nn.SpatialMaxPooling(2, 2, 2, 2),
        nn.SpatialConvolution(20, 50, 5, 5),
        nn.Tanh(),
        nn.SpatialMaxPooling(2, 2, 2, 2),
        nn.Reshape(800),
        nn.Linear(800, 500),
        nn.Tanh(),
        nn.Linear(500, 10),
        nn.LogSoftMax(),
    ):
        net.add(layer)
    net.type(dtype)
    rng = np.random.RandomState(0)
    x, g = rng.randn(32, 1, 28, 28).astype(dtype), rng.randn(32, 10).astype(dtype)

    def step():
        net.forward(x)
        net.backward(x, g)

    own = {
        'forward': lambda: net.forward(x),
        'gradInput': lambda: net.updateGradInput(x, g),
        'accGrad': lambda: net.accGradParameters(x, g),
    }
    # the floor: the matrix products of the two convolutions and of the two linear layers
    shapes = (32, 20, 25, 576), (32, 50, 500, 64), (1, 32, 800, 500), (1, 32, 500, 10)
    layers = [products(*shape, dtype) for shape in shapes]
    steps = {
        name: {'t7nn': call, 'floor': lambda name=name: [layer[name]() for layer in layers]}
        for name, call in own.items()
    }
    step()
    calls = {'t7nn': step, 'floor': lambda: [call() for layer in layers for call in layer.values()]}
    if torch:
        T = torch.nn
        peer = T.Sequential(
            *(T.Conv2d(1, 20, 5), T.Tanh(), T.MaxPool2d(2), T.Conv2d(20, 50, 5), T.Tanh(), T.MaxPool2d(2)),
            *(T.Flatten(), T.Linear(800, 500), T.Tanh(), T.Linear(500, 10), T.LogSoftmax(1)),
        ).to(getattr(torch, str(np.dtype(dtype))))
        tg = torch.from_numpy(g)
        images = {need: torch.from_numpy(x.copy()).requires_grad_(need) for need in (True, False)}
        calls['torch'] = lambda: peer(images[True]).backward(tg)
        calls['torch, no gradInput'] = lambda: peer(images[False]).backward(tg)
    return {**steps, 'step': calls}


def main(arguments):
    dtype = 'float32' if 'float32' in arguments else 'float64'
    names = [name for name in arguments if name != 'float32'] or [*SHAPES, 'LeNet']
    for name in names:
        for step, calls in (lenet(dtype) if name == 'LeNet' else convolution(name, dtype)).items():
            report(f'{dtype} {name} {step}', medians(calls))


if __name__ == '__main__':
    main(sys.argv[1:])
