"""The bases of convolutions, thin on the engine of `_windows`."""

import math
from typing import Any, Self

import numpy as np

from ...blas import ones
from ...tensors import describe
from .._initialization import draw_weight_and_bias
from .._windows import Correlating, fold_add, full_sizes, times, windows


class Convolution(Correlating):
    """The base of all convolutions: parameters, and the three steps by the three products of `Correlating`.

    A class sets its sizes, makes its parameters by `configure`, and overrides what is special to it.
    """

    nInputPlane: int
    nOutputPlane: int
    shown = ('k',)  # the sizes that __str__ shows always
    nilBias = True  # whether it tells of a missing bias

    def configure(self, weight: tuple[int, ...], bias: tuple[int, ...]) -> None:
        """Make the parameters, of these shapes, and draw them."""
        if min(*weight, *bias) < 1:
            raise self.error(f'expected planes and kernel of at least 1, got weights of {times(weight)}')
        self.weight, self.gradWeight = np.zeros(weight), np.zeros(weight)
        self.bias, self.gradBias = np.zeros(bias), np.zeros(bias)
        self.reset()

    def noBias(self) -> Self:
        """Do without the bias from now on."""
        self.bias = self.gradBias = None
        return self

    def fan_in(self) -> int:
        """The number of products in one element of the output; parameters begin uniform in +-1/sqrt(fan_in)."""
        return math.prod(self.sizes('k')) * self.nInputPlane

    def reset(self, stdv: float | None = None) -> Self:
        """Draw weight and bias uniformly with standard deviation `stdv`."""
        draw_weight_and_bias(self, self.fan_in(), stdv)
        return self

    # What a class may see otherwise

    def maps(self) -> int:
        """The number of planes of the output."""
        return self.nOutputPlane

    def image(self, input: Any) -> np.ndarray:
        """The tensor in `input`."""
        return input

    def output_sizes(self, sizes: tuple[int, ...], input: Any) -> tuple[int, ...]:
        """The output's sizes for an image of `sizes`, which is that of `input`."""
        return self.geometry().counts(sizes, self.error)

    def kernels(self, weight: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """`weight` or `gradWeight` as (groups, maps, planes, kernel), a view, for the planes of y and x."""
        return weight.reshape(1, len(weight), -1, *self.geometry().kernel)

    def by_plane(self, bias: np.ndarray) -> np.ndarray:
        """`bias` or `gradBias` in the order of the output's planes, a view."""
        return bias

    def forward_product(self, x: np.ndarray, y: np.ndarray) -> None:
        """y = w x + b."""
        bias = None if self.bias is None else self.by_plane(self.bias)
        self.correlate(x, self.kernels(self.weight, y, x), y, bias)

    def backward_product(self, y: np.ndarray, x: np.ndarray) -> None:
        """x = w' y."""
        self.spread(y, self.kernels(self.weight, y, x), x)

    def gradient_product(self, x: np.ndarray, y: np.ndarray, scale: float) -> None:
        """gradWeight += scale y x'."""
        self.accumulate(x, y, self.kernels(self.gradWeight, y, x), scale)

    # The three steps

    def updateOutput(self, input: Any) -> np.ndarray:
        x = self.examples(self.image(input), self.nInputPlane)
        sizes = self.output_sizes(x.shape[2:], input)
        y = self.result('output', self.image(input), self.maps(), sizes)
        self.forward_product(x, y)
        return self.output

    def updateGradInput(self, input: Any, gradOutput: np.ndarray) -> Any:
        if self.gradInput is None:
            return None
        x, y = self.pair(input, gradOutput)
        self.backward_product(y, self.result('gradInput', self.image(input), x.shape[1], x.shape[2:]))
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: np.ndarray, scale: float = 1) -> None:
        x, y = self.pair(input, gradOutput)
        self.gradient_product(x, y, scale)
        if self.bias is not None:
            bias, y = self.matched(self.gradBias, y)
            bias += scale * np.matmul(y, ones(y.shape[-1], y.dtype)).sum(0)  # half the time of a sum over both

    def add_bias(self, y: np.ndarray) -> None:
        """y += b."""
        if self.bias is not None:
            bias, y = self.matched(self.bias, y)
            y += bias[..., None]

    def matched(self, bias: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`bias` or `gradBias` by plane, and y in the shape (n, ..., places) where the same planes are in between."""
        bias = self.by_plane(bias)
        return bias, y.reshape(len(y), *bias.shape, math.prod(y.shape[1:]) // bias.size)

    def pair(self, input: Any, gradOutput: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Input and gradOutput as batches, checked against each other."""
        x = self.examples(self.image(input), self.nInputPlane)
        return x, self.gradients(gradOutput, len(x), self.maps(), self.output_sizes(x.shape[2:], input))

    def __str__(self) -> str:
        sizes = ', '.join([self.listed(name, 'x') for name in self.shown])
        text = f'{self.typename}({self.nInputPlane} -> {self.nOutputPlane}, {sizes}'
        if set(self.sizes('d')) != {1} or any(self.sizes('pad')):
            text += ', ' + self.listed('d')
        for name in ('pad', 'dilation', 'adj'):
            if any(self.sizes(name)):
                text += ', ' + self.listed(name)
        return text + (') without bias' if self.bias is None and self.nilBias else ')')


class Full(Convolution):
    """The base of full (transposed) convolutions: a convolution's steps with its input and output exchanged.

    The input may be a table {x, target}: the output then has the sizes of the target, as near as the strides allow.
    """

    def configure(self, weight, bias):
        if any(extra >= stride for extra, stride in zip(self.sizes('adj'), self.sizes('d'), strict=True)):
            raise self.error(f'expected adj smaller than the stride {self.listed("d")}, got {self.listed("adj")}')
        super().configure(weight, bias)

    def image(self, input):
        return input[0] if isinstance(input, (list, tuple)) else input

    def output_sizes(self, sizes, input):
        kernel, stride, pad, adjust = map(self.sizes, ('k', 'd', 'pad', 'adj'))
        if input is not self.image(input):
            if len(input) != 2 or np.ndim(input[1]) < len(kernel):
                raise self.error(f'expected a target with {times(self.axes)} as second input, got {describe(input)}')
            target = input[1].shape[-len(kernel) :]
            adjust = tuple((n + 2 * p - k) % d for n, p, k, d in zip(target, pad, kernel, stride, strict=True))
        return full_sizes(sizes, kernel, stride, pad, adjust, self.error)

    def forward_product(self, x, y):
        self.spread(x, self.kernels(self.weight, x, y), y)
        self.add_bias(y)

    def backward_product(self, y, x):
        self.correlate(y, self.kernels(self.weight, x, y), x)

    def gradient_product(self, x, y, scale):
        self.accumulate(y, x, self.kernels(self.gradWeight, x, y), scale)

    def updateGradInput(self, input, gradOutput):
        gradInput = super().updateGradInput(input, gradOutput)
        if gradInput is not None and input is not self.image(input):
            self.gradInput = [gradInput, np.zeros_like(input[1])]
        return self.gradInput


class SubSampling(Convolution):
    """The base of y = w * (the sum of the window) + b, with one w and one b a plane."""

    nOutputPlane = property(lambda self: self.nInputPlane)

    def window_sums(self, x: np.ndarray) -> np.ndarray:
        """The sum of every window, of the output's shape."""
        kernel = self.sizes('k')
        return windows(x, kernel, self.sizes('d')).sum(tuple(range(2, 2 + len(kernel))))

    def fan_in(self):
        return math.prod(self.sizes('k'))

    def per_plane(self, weight: np.ndarray) -> np.ndarray:
        """`weight` in a shape that fits a batch of images."""
        return weight.reshape(-1, *(1,) * len(self.axes))

    def forward_product(self, x, y):
        np.multiply(self.per_plane(self.weight), self.window_sums(x), y)
        self.add_bias(y)

    def backward_product(self, y, x):
        kernel = self.sizes('k')
        x.fill(0)
        values = (self.per_plane(self.weight) * y).reshape(*y.shape[:2], *(1,) * len(kernel), *y.shape[2:])
        values = np.broadcast_to(values, (*y.shape[:2], *kernel, *y.shape[2:]))
        fold_add(x, values, kernel, self.sizes('d'))

    def gradient_product(self, x, y, scale):
        self.gradWeight += scale * (self.window_sums(x) * y).sum((0, *range(2, y.ndim)))

    def __str__(self) -> str:
        return self.typename
