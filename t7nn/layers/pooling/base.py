"""What all poolings over windows at regular distances have in common."""

import math
from typing import Any, NamedTuple, Self

import numpy as np

from .._planes import Planes
from .._windows import output_sizes, times

#: the largest kernel: an element more costs time and memory even where no input has so many
MOST_TAPS = 1 << 20
LONG = np.dtype(np.int64)
BOOL = np.dtype(bool)
CODES = np.dtype(np.uint8), np.dtype(np.uint32)
SIZES = {'T': 'time', 'H': 'height', 'W': 'width'}


class Geometry(NamedTuple):
    """The windows over an input of `sizes`, of which there are `counts`, one number for each axis."""

    sizes: tuple[int, ...]
    counts: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]


class Pooling(Planes):
    """The base of poolings with windows at regular distances."""

    ceil_mode: bool = False

    def configure(self, kernel: tuple[int, ...], stride: tuple[int | None, ...], pad: tuple[int, ...]) -> None:
        """Set the fields from arguments in Torch7's order; a stride of None is the kernel's."""
        self.set_sizes('k', *kernel)
        self.set_sizes('d', *(k if d is None else d for k, d in zip(kernel, stride, strict=True)))
        self.set_sizes('pad', *pad)
        self.ceil_mode = False

    def ceil(self) -> Self:
        """Round the output's size up: the last window may reach beyond the input."""
        self.ceil_mode = True
        return self

    def floor(self) -> Self:
        """Round the output's size down (the default)."""
        self.ceil_mode = False
        return self

    def plan(self, sizes: tuple[int, ...]) -> Any:
        """How inputs of `sizes` are pooled, checked; the same object as long as no field is changed."""
        return self.kept('_plan', self._new_plan, sizes)

    def _new_plan(self, sizes: tuple[int, ...]) -> Any:
        window = self.window()
        kernel, stride, pad, dilation = window
        if any(p > k // 2 for k, p in zip(kernel, pad, strict=True)):
            raise self.error(f'expected pad of at most half the kernel {times(kernel)}, got {times(pad)}')
        counts = output_sizes(sizes, kernel, stride, pad, dilation, self.ceil_mode, self.error)
        if math.prod(kernel) > MOST_TAPS:
            raise self.error(f'expected a kernel of at most {MOST_TAPS} elements, got {times(kernel)}')
        return self.details(Geometry(sizes, counts, *window))

    def details(self, geometry: Geometry) -> Any:
        """The plan for this geometry: what a class needs to know of inputs of one size."""
        raise self.error('expected details(geometry) in every Pooling layer', TypeError)

    def __str__(self) -> str:
        text = f'{self.typename}({self.listed("k", "x")}, {self.listed("d")}'
        if any(self.sizes('pad')):
            text += ', ' + self.listed('pad')
        if hasattr(self, 'dilationW'):
            text += ', ' + self.listed('dilation')
        return text + ')'
