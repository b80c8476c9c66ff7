"""Networks for other tools: sizes of the files, how long they take to write, and how fast the other tool runs them.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_export.py

Needs onnx, onnxruntime and safetensors; torch is timed beside them where it is installed.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
from timing import medians, report

import t7nn as nn
from t7nn.export import from_safetensors, to_onnx, to_safetensors

try:
    import torch
except ModuleNotFoundError:
    torch = None


def lenet():
    """LeNet for images of 28x28."""
    network = nn.Sequential()
    network.add(nn.SpatialConvolution(1, 20, 5, 5)).add(nn.SpatialMaxPooling(2, 2, 2, 2))
    network.add(nn.SpatialConvolution(20, 50, 5, 5)).add(nn.SpatialMaxPooling(2, 2, 2, 2))
    network.add(nn.View(-1).setNumInputDims(3)).add(nn.Linear(800, 500)).add(nn.ReLU())
    return network.add(nn.Linear(500, 10)).add(nn.LogSoftMax())


def alexnet():
    """A network of AlexNet's form, with about 26 million weights: 100 MB."""
    network = nn.Sequential()
    network.add(nn.SpatialConvolution(3, 64, 11, 11, 4, 4, 2, 2)).add(nn.ReLU(True)).add(
        nn.SpatialMaxPooling(3, 3, 2, 2)
    )
    network.add(nn.SpatialConvolution(64, 192, 5, 5, 1, 1, 2, 2)).add(nn.ReLU(True))
    network.add(nn.SpatialMaxPooling(3, 3, 2, 2))
    for planes in (192, 384), (384, 256), (256, 256):
        network.add(nn.SpatialConvolution(*planes, 3, 3, 1, 1, 1, 1)).add(nn.ReLU(True))
    network.add(nn.SpatialMaxPooling(3, 3, 2, 2)).add(nn.View(-1).setNumInputDims(3)).add(nn.Dropout(0.5))
    network.add(nn.Linear(9216, 2304)).add(nn.ReLU(True)).add(nn.Dropout(0.5))
    return network.add(nn.Linear(2304, 1000)).add(nn.LogSoftMax())


def in_torch(network):
    """The same layers in PyTorch."""
    layers = []
    for layer in network:
        if isinstance(layer, nn.SpatialConvolution):
            layers.append(
                torch.nn.Conv2d(
                    layer.nInputPlane, layer.nOutputPlane, layer.sizes('k'), layer.sizes('d'), layer.sizes('pad')
                )
            )
        elif isinstance(layer, nn.SpatialMaxPooling):
            layers.append(torch.nn.MaxPool2d(layer.sizes('k'), layer.sizes('d')))
        elif isinstance(layer, nn.Linear):
            layers.append(torch.nn.Linear(*layer.weight.shape[::-1]))
        else:
            layers.append(
                {
                    nn.ReLU: torch.nn.ReLU(),
                    nn.View: torch.nn.Flatten(),
                    nn.Dropout: torch.nn.Dropout(),
                    nn.LogSoftMax: torch.nn.LogSoftmax(1),
                }[type(layer)]
            )
    return torch.nn.Sequential(*layers).eval()


def session_of(path):
    """onnxruntime for a file, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])


def timed(what, call):
    """Print how long `call` takes, once; what it gives."""
    start = time.perf_counter()
    result = call()
    report(what, {'t7nn': time.perf_counter() - start})
    return result


def measure(name, network, shape):
    """Print what becomes of a network that takes an input of `shape`."""
    x = np.random.RandomState(0).rand(*shape).astype(np.float32)
    with TemporaryDirectory() as directory:
        t7, onnx, tensors = (Path(directory) / f'model.{end}' for end in ('t7', 'onnx', 'safetensors'))
        nn.save(t7, network.clearState())
        timed(f'{name} to_onnx', lambda: to_onnx(network, str(onnx), shape))
        timed(f'{name} to_safetensors', lambda: to_safetensors(network, str(tensors)))
        timed(f'{name} from_safetensors', lambda: from_safetensors(network, str(tensors)))
        for path in t7, onnx, tensors:
            print(f'{path.suffix:<42} {path.stat().st_size / 1e6:8.2f} MB')
        session = session_of(onnx)
        calls = {
            't7nn': lambda: network.forward(x),
            'onnxruntime': lambda: session.run(None, {'input': x})[0],
        }
        if torch:
            from safetensors.torch import load_file

            torch.set_num_threads(1)
            there, images = in_torch(network), torch.from_numpy(x)
            there.load_state_dict(load_file(tensors))
            calls['torch'] = lambda: torch.no_grad()(there)(images).numpy()
        report(f'{name} forward, one image, float32', medians(calls, rounds=7))
        double, x2 = network.clone().double(), x.astype(np.float64)
        to_onnx(double, str(onnx), shape)
        precise = session_of(onnx)
        doubles = {
            't7nn': lambda: double.forward(x2),
            'onnxruntime': lambda: precise.run(None, {'input': x2})[0],
        }
        report(f'{name} forward, one image, float64', medians(doubles, rounds=7))
        print(
            f'{"onnxruntime beside t7nn, both float64":<42} {abs(doubles["onnxruntime"]() - double.output).max():8.1e}'
        )
        for tool, call in calls.items():
            print(f'{tool + " in float32 beside float64":<42} {abs(call() - double.output).max():8.1e}')


def main():
    to_onnx(nn.Linear(1, 1), None, (1, 1))  # so that no import is timed
    for name, make, shape in ('LeNet', lenet, (1, 1, 28, 28)), ('AlexNet', alexnet, (1, 3, 224, 224)):
        nn.manualSeed(1)
        network = make().float()
        network.evaluate()
        print(f'\n{name}: {sum(p.nbytes for p in network.parameters()[0]) / 1e6:.2f} MB of weights in float32')
        measure(name, network, shape)


if __name__ == '__main__':
    main()
