"""Layers of other Torch7 packages that published models use. One file a package:

- `dpnn`: Element-Research/dpnn (Inception, decorators, table and column layers)
- `rnn`: Element-Research/rnn (recurrent networks: LSTM, GRU, Sequencer, SeqLSTM ...)
- `neural_style`: jcjohnson/fast-neural-style (InstanceNormalization ...)
- `char_rnn`: karpathy/char-rnn (OneHot)
- `inn`: szagoruyko/imagine-nn (poolings, MeanSubtraction ...)
- `stn`: qassemoquab/stnbhwd (spatial transformers)
- `nnx`: clementfarabet/lua---nnx (SpatialReSampling, SpatialNormalization ...)
- `cudnn`: soumith/cudnn.torch, what nn has no equivalent of (its recurrent networks, criterions ...)

They are not in the namespace of nn: ``from t7nn.packages import rnn; rnn.LSTM(3, 4)``. A .t7 file that names one of
them gives a live object all the same, without an import. `base` says how such a class lies in a file.

Where a Lua package's gradient is not the derivative of its output, the one here is. docs/packages.md names the places.
"""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from . import char_rnn, cudnn, dpnn, inn, neural_style, nnx, rnn, stn

__all__ = ['char_rnn', 'classes', 'cudnn', 'dpnn', 'inn', 'neural_style', 'nnx', 'rnn', 'stn']

PACKAGES: tuple[ModuleType, ...] = (dpnn, rnn, neural_style, char_rnn, inn, stn, nnx, cudnn)


def classes() -> dict[str, type]:
    """Every class of these packages by its name in .t7 files: ``'nn.LSTM'``, ``'inn.ROIPooling'``, ``'OneHot'``."""
    found: Iterator[Any] = (getattr(package, name) for package in PACKAGES for name in package.__all__)
    kinds: list[Any] = [value for value in found if isinstance(value, type)]
    return {kind.typename: kind for kind in kinds}
