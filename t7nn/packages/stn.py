"""qassemoquab/stnbhwd: spatial transformers, which learn to look at a part of an image.

Three layers in a row: a small network gives parameters of a transformation, `AffineTransformMatrixGenerator` makes them
a 2x3 matrix, `AffineGridGeneratorBHWD` says where in the input each pixel of the output lies, and `BilinearSamplerBHWD`
reads the image there. All of it has gradients. Images have their channels last: ``(batch, height, width, channels)``.
Coordinates are (y, x), from -1 to 1 over the image.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from ..module import Module
from ..tensors import describe

__all__ = ['AffineGridGeneratorBHWD', 'AffineTransformMatrixGenerator', 'BilinearSamplerBHWD']


class AffineTransformMatrixGenerator(Module):
    """The 2x3 matrix of a rotation by a, then a scaling by s, then a translation by t: [sR | sR t].

    R = [[cos a, -sin a], [sin a, cos a]]. Without any of the three, the six parameters are the matrix.

    Parameters
    ----------
    useRotation, useScale, useTranslation
        which of a (one parameter), s (one) and t (two) the input has, in this order; the others are 0, 1 and 0

    Input ``(n,)`` or ``(N, n)``, output ``(2, 3)`` or ``(N, 2, 3)``.

    Source: github.com/qassemoquab/stnbhwd, AffineTransformMatrixGenerator.lua
    """

    fullMode: bool
    useRotation: bool = False
    useScale: bool = False
    useTranslation: bool = False

    def __init__(self, useRotation: bool = False, useScale: bool = False, useTranslation: bool = False):
        super().__init__()
        self.fullMode = not (useRotation or useScale or useTranslation)
        if not self.fullMode:
            self.useRotation, self.useScale, self.useTranslation = (
                bool(useRotation),
                bool(useScale),
                bool(useTranslation),
            )

    @property
    def _count(self) -> int:
        return 6 if self.fullMode else bool(self.useRotation) + bool(self.useScale) + 2 * bool(self.useTranslation)

    def _parameters(self, input: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """a, s, t and R of every example."""
        rows = input.reshape(-1, self._count)
        a, s, t = np.zeros(len(rows), self.dtype), np.ones(len(rows), self.dtype), np.zeros((len(rows), 2), self.dtype)
        if self.useRotation:
            a, rows = rows[:, 0], rows[:, 1:]
        if self.useScale:
            s, rows = rows[:, 0], rows[:, 1:]
        if self.useTranslation:
            t = rows
        return a, s, t, np.stack([np.cos(a), -np.sin(a), np.sin(a), np.cos(a)], 1).reshape(-1, 2, 2)

    def _checked(self, input: np.ndarray) -> np.ndarray:
        """`input` as a plain array, checked, as the fields are."""
        self.check_fields()
        input = self.check(input)
        if input.ndim not in (1, 2) or input.shape[-1] != self._count:
            raise self.error(f'expected {self._count} parameters or a batch of them, got shape {input.shape}')
        return input

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._checked(input)
        output = self.buffer('output', (*input.shape[:-1], 2, 3))
        if self.fullMode:
            output[...] = input.reshape(output.shape)
            return output
        _, s, t, R = self._parameters(input)
        matrices = output.reshape(-1, 2, 3)
        matrices[:, :, :2] = s[:, None, None] * R
        matrices[:, :, 2:] = matrices[:, :, :2] @ t[:, :, None]
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self._checked(input)
        gradOutput = self.check(gradOutput, 'gradOutput', (*input.shape[:-1], 2, 3))
        gradInput = self.buffer('gradInput', input.shape)
        if self.fullMode:
            gradInput[...] = gradOutput.reshape(input.shape)
            return gradInput
        a, s, t, R = self._parameters(input)
        g = gradOutput.reshape(-1, 2, 3)
        last = g[:, :, 2:]
        dA = g[:, :, :2] + last * t[:, None, :]  # A = sR, which stands alone and before t
        parts = []
        if self.useRotation:
            turned = np.stack([-np.sin(a), -np.cos(a), np.cos(a), -np.sin(a)], 1).reshape(-1, 2, 2)
            parts.append((s[:, None, None] * turned * dA).sum((1, 2))[:, None])
        if self.useScale:
            parts.append((R * dA).sum((1, 2))[:, None])
        if self.useTranslation:
            parts.append(s[:, None] * (R * last).sum(1))
        np.concatenate(parts, 1, out=gradInput.reshape(-1, self._count))
        return gradInput

    def to_file(self, fields: dict[str, Any]) -> None:
        """In full mode Torch7 has none of the three fields."""
        if self.fullMode:
            for name in ('useRotation', 'useScale', 'useTranslation'):
                fields.pop(name, None)


@lru_cache(maxsize=16)
def grid(height: int, width: int, dtype: np.dtype) -> np.ndarray:
    """(y, x, 1) of every pixel, one to a row; made once and not to be written to."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing='ij')
    rows = np.stack([y, x, np.ones_like(x)], 2).reshape(-1, 3).astype(dtype)
    rows.flags.writeable = False
    return rows


class AffineGridGeneratorBHWD(Module):
    """Where the pixels of an output image lie in the input: (y', x') = M (y, x, 1), y and x from -1 to 1.

    Parameters
    ----------
    height, width
        of the output image; at least 2

    Input: matrices ``(2, 3)`` or ``(N, 2, 3)``; output ``(height, width, 2)`` or ``(N, height, width, 2)``.

    Source: github.com/qassemoquab/stnbhwd, AffineGridGeneratorBHWD.lua
    """

    height: int
    width: int

    def __init__(self, height: int, width: int):
        super().__init__()
        self.height, self.width = height, width
        self._expect_ranges()

    def _expect_ranges(self) -> None:
        self.check_fields()
        if min(self.height, self.width) < 2:
            raise self.error(f'expected height and width of at least 2, got {self.height} and {self.width}')

    def _grid(self) -> np.ndarray:
        return grid(self.height, self.width, self.dtype)

    def _matrices(self, input: np.ndarray) -> np.ndarray:
        """`input` as a plain array, checked, as the fields are."""
        self._expect_ranges()
        input = self.check(input)
        if input.ndim not in (2, 3) or input.shape[-2:] != (2, 3):
            raise self.error(f'expected matrices (2, 3) or a batch of them, got shape {input.shape}')
        return input

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._matrices(input)
        output = self.buffer('output', (*input.shape[:-2], self.height, self.width, 2))
        np.matmul(self._grid(), input.swapaxes(-1, -2), out=output.reshape(*input.shape[:-2], -1, 2))
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self._matrices(input)
        gradOutput = self.check(gradOutput, 'gradOutput', (*input.shape[:-2], self.height, self.width, 2))
        rows = gradOutput.reshape(*input.shape[:-2], -1, 2)
        return np.matmul(rows.swapaxes(-1, -2), self._grid(), out=self.buffer('gradInput', input.shape))

    def to_file(self, fields: dict[str, Any]) -> None:
        """The grids of Torch7's constructor."""
        fields['baseGrid'] = self._grid().reshape(self.height, self.width, 3)
        fields['batchGrid'] = fields['baseGrid'][None]

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        fields.pop('baseGrid', None)
        fields.pop('batchGrid', None)


class BilinearSamplerBHWD(Module):
    """The image at the places of a grid, interpolated between the four pixels around; 0 beyond the border.

    Input: a table {images, grids}. Images are ``(H, W, C)`` or ``(N, H, W, C)``, grids ``(h, w, 2)`` or
    ``(N, h, w, 2)`` of (y, x) from -1 to 1 over the image; output ``(h, w, C)`` or ``(N, h, w, C)``.

    >>> import numpy as np
    >>> from t7nn.packages import stn
    >>> image = np.array([[0.0, 1.0], [2.0, 3.0]])[:, :, None]
    >>> stn.BilinearSamplerBHWD().forward([image, np.array([[[0.0, 0.0], [1.0, -1.0]]])]).tolist()
    [[[1.5], [2.0]]]

    Source: github.com/qassemoquab/stnbhwd, BilinearSamplerBHWD.lua
    """

    table_fields = ('gradInput',)

    def _pair(self, input: list) -> tuple[np.ndarray, np.ndarray]:
        """Images and grids as batches."""
        images, grids = self.check_tensors(input, 2)
        if images.ndim not in (3, 4) or grids.ndim != images.ndim or grids.shape[-1] != 2:
            raise self.error(
                f'expected images (N, H, W, C) and grids (N, h, w, 2), got {describe(images)} and {describe(grids)}'
            )
        images, grids = (tensor if tensor.ndim == 4 else tensor[None] for tensor in (images, grids))
        if len(images) != len(grids) or not images.size:
            raise self.error(f'expected as many images as grids, got {len(images)} and {len(grids)}')
        return images, grids

    def _corners(self, images: np.ndarray, grids: np.ndarray) -> list[tuple]:
        """For each of the four pixels around each place: its row in images ``(N * H * W, C)``, whether it is inside,
        its weights in y and x, and which of the two sides it is on."""
        N, H, W, _ = images.shape
        y, x = ((grids[..., i] + 1) * ((size - 1) / 2) for i, size in ((0, H), (1, W)))
        top, left = np.floor(y), np.floor(x)
        corners = []
        for down in (0, 1):
            for right in (0, 1):
                row, column = top + down, left + right
                inside = (row >= 0) & (row < H) & (column >= 0) & (column < W)
                rows = (np.arange(N)[:, None, None] * H + np.where(inside, row, 0).astype(np.int64)) * W
                index = rows + np.where(inside, column, 0).astype(np.int64)
                wy, wx = (y - top if down else 1 - (y - top)), (x - left if right else 1 - (x - left))
                corners.append((index, inside, wy, wx, 2 * down - 1, 2 * right - 1))
        return corners

    def updateOutput(self, input: list) -> np.ndarray:
        images, grids = self._pair(input)
        pixels = images.reshape(-1, images.shape[3])
        output = self.buffer('output', (*input[1].shape[:-1], images.shape[3]))
        output.fill(0)
        for index, inside, wy, wx, _, _ in self._corners(images, grids):
            output += (pixels[index] * (wy * wx * inside)[..., None]).reshape(output.shape)
        return output

    def updateGradInput(self, input: list, gradOutput: np.ndarray) -> list:
        images, grids = self._pair(input)
        gradOutput = self.check(gradOutput, 'gradOutput', (*input[1].shape[:-1], images.shape[3]))
        pixels = images.reshape(-1, images.shape[3])
        gradient = gradOutput.reshape(*grids.shape[:3], -1)
        self.zeros_table('gradInput', list(input))
        of_pixels, of_grids = self.gradInput[0].reshape(pixels.shape), self.gradInput[1].reshape(grids.shape)
        for index, inside, wy, wx, down, right in self._corners(images, grids):
            np.add.at(of_pixels, index, gradient * (wy * wx * inside)[..., None])
            along = (pixels[index] * gradient).sum(3) * inside
            of_grids[..., 0] += down * wx * along * ((images.shape[1] - 1) / 2)
            of_grids[..., 1] += right * wy * along * ((images.shape[2] - 1) / 2)
        return self.gradInput
