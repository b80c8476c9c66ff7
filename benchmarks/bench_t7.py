"""Reading and writing .t7 files, beside the package `torchfile` if installed and beside the bare bytes.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_t7.py
"""

import tempfile
from pathlib import Path

import numpy as np
from timing import medians, report

import t7nn as nn

try:
    import torchfile
except ModuleNotFoundError:
    torchfile = None

RNG = np.random.RandomState(0)


def cases():
    """Values by name: what is in the files."""
    nn.manualSeed(1)
    net = nn.Sequential()
    for _ in range(200):
        net.add(nn.Linear(10, 10)).add(nn.Tanh())
    yield 'one tensor of 100 MB', {'weight': RNG.randn(100 * 2**20 // 8)}
    yield '10,000 small tensors', {f't{i}': RNG.randn(3, 4) for i in range(10_000)}
    yield (
        '10,000 tables with a small tensor each',
        [{'x': RNG.randn(3, 4), 'label': i, 'name': 'an example'} for i in range(10_000)],
    )
    yield '10,000 tables without', [{'label': i, 'name': 'an example'} for i in range(10_000)]
    yield '30,000 numbers', RNG.randn(30_000).tolist()
    yield 'a network of 400 layers', net


def main():
    with tempfile.TemporaryDirectory() as directory:
        for name, value in cases():
            path = Path(directory) / 'value.t7'
            nn.save(path, value)
            readers = {'load': lambda path=path: nn.load(path)}
            if torchfile:
                readers['torchfile'] = lambda path=path: torchfile.load(path)
            readers['read the bytes'] = path.read_bytes
            report(f'load {name}', medians(readers, rounds=7))
            data = path.read_bytes()
            writers = {
                'save': lambda path=path, value=value: nn.save(path, value),
                'write the bytes': lambda path=path, data=data: path.write_bytes(data),
            }
            report(f'save {name}', medians(writers, rounds=5))


if __name__ == '__main__':
    main()
