"""Reading and writing .t7 files, beside the bare bytes and beside the package `torchfile` if installed.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_t7.py
"""

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
from timing import medians, report

import t7nn as nn
from t7nn.__main__ import main as command

try:
    import torchfile
except ModuleNotFoundError:
    torchfile = None

RNG = np.random.RandomState(0)
MILLION = 1_000_000


def cases():
    """Values: what is in the file, and how often it is timed."""
    nn.manualSeed(1)
    net = nn.Sequential()
    for _ in range(200):
        net.add(nn.Linear(10, 10)).add(nn.Tanh())
    yield 'one tensor of 100 MB', {'weight': RNG.randn(100 * 2**20 // 8)}, 7
    yield '10,000 small tensors', {f't{i}': RNG.randn(3, 4) for i in range(10_000)}, 7
    yield (
        '10,000 tables with a small tensor each',
        [{'x': RNG.randn(3, 4), 'label': i, 'name': 'an example'} for i in range(10_000)],
        7,
    )
    yield '10,000 tables without', [{'label': i, 'name': 'an example'} for i in range(10_000)], 7
    yield '30,000 numbers', RNG.randn(30_000).tolist(), 7
    yield 'a network of 400 layers', net, 7
    yield 'a million tables of two names', [{'a': i, 'b': i + 0.5} for i in range(MILLION)], 1
    yield 'a million lists of two numbers', [[i, i + 0.5] for i in range(MILLION)], 1
    yield 'a million lists of two strings', [['cat', f'{i}'] for i in range(MILLION)], 1


def inspect(path):
    """``python -m t7nn inspect``, whose lines nobody reads."""
    with contextlib.redirect_stdout(io.StringIO()):
        command(['inspect', str(path)])


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / 'value.t7'
        for name, value, rounds in cases():
            nn.save(path, value)
            data = path.read_bytes()
            readers = {'t7nn': lambda: nn.load(path), 'read the bytes': path.read_bytes}
            if torchfile and rounds > 1:
                readers['torchfile'] = lambda: torchfile.load(path)
            report(f'load {name}', medians(readers, rounds))
            writers = {
                't7nn': lambda value=value: nn.save(path, value),
                'write the bytes': lambda data=data: path.write_bytes(data),
            }
            report(f'save {name}', medians(writers, rounds))
        nn.save(path, [f'{i}' for i in range(MILLION)])
        report(
            'inspect a million strings', medians({'t7nn': lambda: inspect(path), 'read the bytes': path.read_bytes}, 1)
        )


if __name__ == '__main__':
    main()
