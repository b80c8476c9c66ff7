"""How parameters begin: sizes that are checked, and values drawn uniformly."""

import math

import numpy as np

from .. import random
from ..module import Module


def positive(layer: Module, *sizes: int) -> None:
    """Raise unless all `sizes` are whole numbers of at least 1."""
    whole = all(isinstance(size, (int, np.integer)) for size in sizes)
    if not whole or min(sizes) < 1:
        text = f'{layer.typename}: expected positive whole numbers as sizes, got {sizes}'
        raise ValueError(text) if whole else TypeError(text)


def draw(parameter: np.ndarray, fan_in: int, stdv: float | None = None) -> None:
    """Fill `parameter` uniformly within +-1/sqrt(fan_in), or with standard deviation `stdv`."""
    bound = 1 / math.sqrt(max(fan_in, 1)) if stdv is None else stdv * math.sqrt(3)
    random.uniform(-bound, bound, out=parameter)


def draw_weight_and_bias(layer: Module, fan_in: int, stdv: float | None = None) -> None:
    """`draw` the layer's ``weight``, then its ``bias`` where it has one; what a subclass adds is left alone."""
    layer.check_parameters()
    for parameter in (layer.weight, layer.bias):
        if parameter is not None:
            draw(parameter, fan_in, stdv)
