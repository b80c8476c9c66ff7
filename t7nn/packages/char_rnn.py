"""karpathy/char-rnn: `OneHot`, the input layer of its character-level language models.

A checkpoint of char-rnn is a table; its ``protos.rnn`` is a network made with nngraph that maps {character, state ...}
to {state ..., log-probabilities}, one step of time at a time.
"""

from typing import Any

import numpy as np

from .. import Module
from ..tensors import plain
from .base import named

__all__ = ['OneHot']


@named('OneHot')
class OneHot(Module):
    """Row x of the identity matrix for every number x: y[i, x[i]] = 1, all else 0. gradInput is 0.

    Parameters
    ----------
    outputSize
        how many classes there are; the input is a tensor of numbers from 1 to `outputSize`, of any numeric type and
        any shape, and the output has one dimension more

    Source: github.com/karpathy/char-rnn, util/OneHot.lua
    """

    def __init__(self, outputSize: int):
        super().__init__()
        if outputSize < 1:
            raise ValueError(f'OneHot: expected outputSize of at least 1, got {outputSize}')
        self.outputSize = outputSize

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = plain(input, lambda got: self.error(f'expected a tensor as input, got {got}', TypeError))
        if input.dtype.kind not in 'iuf':
            raise self.error(f'expected numbers from 1 to {self.outputSize}, got {input.dtype}', TypeError)
        index = self.zero_based(input, self.outputSize)
        if (index + 1 != input).any():
            raise self.error('expected whole numbers')
        output = self.buffer('output', (*input.shape, self.outputSize))
        output.fill(0)
        np.put_along_axis(output, index[..., None], 1, -1)
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        gradOutput = self.check(gradOutput, 'gradOutput', (*input.shape, self.outputSize))
        self.buffer('gradInput', input.shape, input.dtype).fill(0)
        return self.gradInput

    def to_file(self, fields: dict[str, Any]) -> None:
        """Torch7's forward takes its rows from this matrix, always of single precision."""
        fields['_eye'] = np.eye(self.outputSize, dtype=np.float32)
