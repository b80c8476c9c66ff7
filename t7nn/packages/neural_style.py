"""jcjohnson/fast-neural-style: the layers of its image transformation networks.

An `InstanceNormalization` takes the contrast out of every plane of every image, which is what style transfer wants to
do away with; `ShaveImage` cuts off the border that convolutions without padding lose on the other branch of a residual
block; `TotalVariation` makes the training prefer smooth images.
"""

from typing import Any

import numpy as np

from .. import random
from ..layers.normalization import SpatialBatchNormalization
from ..module import Module
from .base import tensor_fields

__all__ = ['InstanceNormalization', 'ShaveImage', 'TotalVariation']


class InstanceNormalization(Module):
    """Each plane of each image by its own mean and variance: y = w_c (x - mean) / sqrt(var + eps) + b_c for plane c.

    The variance is the biased one. Training and evaluation are the same. With n = (x - mean) / sqrt(var + eps),
    dw_c = sum of dy n, db_c = sum of dy, and dx = w_c / sqrt(var + eps) (dy - mean(dy) - n mean(dy n)), the means over
    the plane.

    Parameters
    ----------
    nOutput
        the number of planes; input ``(N, nOutput, H, W)``
    eps
        keeps the variance away from 0; positive

    w begins uniform between 0 and 1, b at 0.

    In Torch7 a batch normalisation does the work, to which all planes are one example. Torch7's of 2017 and later takes
    one example for no batch and uses its running averages, 0 and 1: y = w_c x / sqrt(1 + eps) + b_c. A file tells which
    of the two its Torch7 did, by these averages; a network gives here what it gave there. ``own_statistics`` says
    which, and may be set.

    Source: github.com/jcjohnson/fast-neural-style, fast_neural_style/InstanceNormalization.lua
    """

    nOutput: int
    eps: float
    weight: Any
    bias: Any
    gradWeight: Any
    gradBias: Any
    #: whether mean and variance are those of the plane; else 0 and 1
    own_statistics: bool = True

    def __init__(self, nOutput: int, eps: float = 1e-5):
        super().__init__()
        if nOutput < 1:
            raise ValueError(f'nn.InstanceNormalization: expected nOutput of at least 1, got {nOutput}')
        self.nOutput, self.eps = nOutput, eps
        self.weight, self.bias = random.uniform(0, 1, out=np.empty(nOutput)), np.zeros(nOutput)
        self.gradWeight, self.gradBias = np.zeros(nOutput), np.zeros(nOutput)

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(('weight', 'bias', 'gradWeight', 'gradBias'), (self.nOutput,))

    def _images(self, input: np.ndarray) -> np.ndarray:
        """`input` as a plain array, checked; the parameters are checked, too."""
        self.check_parameters()
        for name in ('weight', 'bias'):
            self.shape_of(name, 1)
        input = self.check(input)
        if input.ndim != 4 or input.shape[1] != self.nOutput:
            raise self.error(f'expected input of shape (N, {self.nOutput}, H, W), got shape {input.shape}')
        return input

    def _normalized(self, input: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """n, and 1 / sqrt(var + eps)."""
        if not self.own_statistics:
            scale = np.full((1, 1, 1, 1), (1 + self.eps) ** -0.5, self.dtype)
            return input * scale, scale
        n = input - input.mean((2, 3), keepdims=True)
        scale = (np.square(n).mean((2, 3), keepdims=True) + self.dtype.type(self.eps)) ** -0.5
        n *= scale
        return n, scale

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._images(input)
        n, _ = self._normalized(input)
        output = np.multiply(n, self.weight[:, None, None], self.buffer('output', input.shape))
        output += self.bias[:, None, None]
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self._images(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        n, scale = self._normalized(input)
        gradInput = self.buffer('gradInput', input.shape)
        np.copyto(gradInput, gradOutput)
        if self.own_statistics:
            gradInput -= n * (gradOutput * n).mean((2, 3), keepdims=True)
            gradInput -= gradOutput.mean((2, 3), keepdims=True)
        gradInput *= scale * self.weight[:, None, None]
        return gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        input = self._images(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        self.check_gradients()
        n, _ = self._normalized(input)
        self.gradWeight += scale * (gradOutput * n).sum((0, 2, 3))
        self.gradBias += scale * gradOutput.sum((0, 2, 3))

    def to_file(self, fields: dict[str, Any]) -> None:
        """Torch7's batch normalisation, which it makes anew where the batch size is not prev_N."""
        fields['prev_N'] = -1 if self.own_statistics else 1
        fields['bn'] = SpatialBatchNormalization(self.nOutput, self.eps).type(self.dtype)

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        bn, used = fields.pop('bn', None), (fields.pop('prev_N', None) or -1) > 0
        if used and isinstance(bn, SpatialBatchNormalization) and not bn.running_mean.any():
            fields.setdefault('own_statistics', not (bn.running_var == 1).all())


class ShaveImage(Module):
    """The image without `size` pixels at each of its four sides; input ``(N, C, H, W)``.

    Source: github.com/jcjohnson/fast-neural-style, fast_neural_style/ShaveImage.lua
    """

    size: int

    def __init__(self, size: int):
        super().__init__()
        self.size = size
        self._expect_ranges()

    def _expect_ranges(self) -> None:
        self.check_fields()
        if self.size < 0:
            raise self.error(f'expected size of at least 0, got {self.size}')

    def _images(self, input: np.ndarray) -> np.ndarray:
        """`input` as a plain array, checked, as the fields are."""
        self._expect_ranges()
        input = self.check(input)
        if input.ndim != 4 or min(input.shape[2:]) <= 2 * self.size:
            raise self.error(f'expected images (N, C, H, W) larger than {2 * self.size}, got shape {input.shape}')
        return input

    def _inside(self, tensor: np.ndarray) -> np.ndarray:
        height, width = tensor.shape[2:]
        return tensor[:, :, self.size : height - self.size, self.size : width - self.size]

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._images(input)
        inside = self._inside(input)
        np.copyto(self.buffer('output', inside.shape), inside)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self._images(input)
        gradOutput = self.check(gradOutput, 'gradOutput', self._inside(input).shape)
        gradInput = self.buffer('gradInput', input.shape)
        gradInput.fill(0)
        self._inside(gradInput)[...] = gradOutput
        return gradInput


class TotalVariation(Module):
    """y = x, with the gradient of a penalty on differences between neighbours added on the way back.

    The penalty is strength / 2 times the sum, over all pixels but those of the last row and the last column, of
    (x[i, j] - x[i, j + 1])^2 + (x[i, j] - x[i + 1, j])^2. It is in no loss: it works through gradInput alone.

    Parameters
    ----------
    strength
        the factor of the penalty

    Input ``(N, C, H, W)``; Torch7's takes C = 3 only on the way back.

    Source: github.com/jcjohnson/fast-neural-style, fast_neural_style/TotalVariation.lua
    """

    strength: float

    def __init__(self, strength: float):
        super().__init__()
        self.strength = strength

    def _images(self, input: np.ndarray) -> np.ndarray:
        """`input` as a plain array, checked, as the fields are."""
        self.check_fields()
        input = self.check(input)
        if input.ndim != 4:
            raise self.error(f'expected images (N, C, H, W), got shape {input.shape}')
        return input

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._images(input)
        self.output = input
        return input

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self._images(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        gradInput = self.buffer('gradInput', input.shape)
        gradInput.fill(0)
        first, rest = slice(-1), slice(1, None)
        here = (..., first, first)
        for there in ((..., first, rest), (..., rest, first)):  # right of it, below it
            difference = input[here] - input[there]
            gradInput[here] += difference
            gradInput[there] -= difference
        gradInput *= self.strength
        gradInput += gradOutput
        return gradInput

    def to_file(self, fields: dict[str, Any]) -> None:
        """Buffers of Torch7's."""
        tensor_fields(self, fields, 'x_diff', 'y_diff')

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        fields.pop('x_diff', None)
        fields.pop('y_diff', None)
