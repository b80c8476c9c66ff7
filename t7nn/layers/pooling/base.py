"""What all poolings over windows at regular distances have in common."""

from typing import NamedTuple, Self

import numpy as np

from .._planes import Planes, Stage
from .._windows import Sizes, output_sizes, times

LONG = np.dtype(np.int64)
BOOL = np.dtype(bool)
CODES = np.dtype(np.uint8), np.dtype(np.uint32)
SIZES = {'T': 'time', 'H': 'height', 'W': 'width'}


class Geometry(NamedTuple):
    """The sizes of windows over an input of `sizes`, of which there are `counts`."""

    sizes: Sizes
    counts: Sizes
    kernel: Sizes
    stride: Sizes
    pad: Sizes
    dilation: Sizes


class Plan(NamedTuple):
    """How inputs of one size are pooled.

    Attributes
    ----------
    how
        the stages, or for max pooling by `Phases` the geometry
    table
        max pooling: an index for every code
    starts
        max pooling: what is added to indices that are not for code 0, or None
    divisor
        average pooling: what the sum of each window is divided by
    """

    geometry: Geometry
    counts: Sizes
    how: list[Stage] | Geometry
    table: np.ndarray | None = None
    starts: np.ndarray | None = None
    divisor: np.ndarray | None = None


class Pooling(Planes):
    """The base of poolings with windows at regular distances."""

    ceil_mode = False

    def __init_subclass__(cls):
        super().__init_subclass__()
        cls.fields = [name + axis for name in ('k', 'd', 'pad', 'dilation') for axis in cls.axes]
        cls.fields += ['ceil_mode', 'count_include_pad', 'divide']

    def configure(self, kernel: tuple, stride: tuple, pad: tuple) -> None:
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

    def plan(self, sizes: Sizes) -> Plan:
        """How inputs of `sizes` are worked off: checked, and the same object as long as no field is changed."""
        own = self.__dict__
        key = sizes, [own.get(name) for name in self.fields]
        known = own.get('_plan')
        if known is None or known[0] != key:
            known = self._plan = key, self.new_plan(sizes)
        return known[1]

    def new_plan(self, sizes: Sizes) -> Plan:
        """`plan` made anew."""
        kernel, stride, pad, dilation = self.sizes('k'), self.sizes('d'), self.sizes('pad'), self.sizes('dilation', 1)
        if any(p > k // 2 for k, p in zip(kernel, pad, strict=True)):
            raise self.error(f'expected pad of at most half the kernel {times(kernel)}, got {times(pad)}')
        counts = output_sizes(sizes, kernel, stride, pad, dilation, self.ceil_mode, self.error)
        geometry = Geometry(sizes, counts, kernel, stride, pad, dilation)
        return Plan(geometry, counts, *self.details(geometry))

    def details(self, geometry: Geometry) -> tuple:
        """The rest of a `Plan`."""
        raise self.error('expected details(geometry) in every Pooling layer', TypeError)

    def __str__(self) -> str:
        text = f'{self.typename}({self.listed("k", "x")}, {self.listed("d")}'
        if any(self.sizes('pad')):
            text += ', ' + self.listed('pad')
        if hasattr(self, 'dilationW'):
            text += ', ' + self.listed('dilation')
        return text + ')'
