"""How a class of another package lies in a .t7 file.

A class that needs it has two hooks, which the reader and the writer of .t7 files call:

- ``from_file(fields)``, a class method, changes the fields of a file into those of the live object: other names, older
  versions. Fields whose names begin with ``_``, and those that have the name of a property, are dropped afterwards.
- ``to_file(fields)`` adds what Torch7's methods count on and t7nn has no use for.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ['checked_images', 'named', 'numbered', 'sigmoid', 'tensor_fields']


def named(typename: str) -> Callable[[type], Any]:
    """As a decorator: the class's name in .t7 files, where it is not ``nn.`` and its own."""

    def name(cls: Any) -> Any:
        cls.typename = typename
        return cls

    return name


def sigmoid(a: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """1 / (1 + exp(-a))."""
    from scipy.special import expit  # takes long to import, and most networks do without

    return expit(a, out=out)


def tensor_fields(module: Any, fields: dict, *names: str) -> None:
    """Add empty tensors under `names` where `fields` has none: buffers that Torch7's methods count on."""
    for name in names:
        fields.setdefault(name, np.empty(0, module.dtype))


def checked_images(module: Any, input: Any) -> np.ndarray:
    """`input` as a plain array, checked to be images ``(N, C, H, W)`` or one image ``(C, H, W)``; the fields of
    `module` are checked, too."""
    module.check_fields()
    input = module.check(input)
    if input.ndim not in (3, 4) or not input.size:
        raise module.error(f'expected images (N, C, H, W) or (C, H, W), got shape {input.shape}')
    return input


def numbered(fields: dict, *names: str) -> None:
    """Bring tables by number under `names` into the form of a dict, which a file with keys 1 to n gives as a list."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, list):
            fields[name] = dict(enumerate(value, 1))
        elif not isinstance(value, dict):
            fields[name] = {}
