"""Steps of zeros: how sequences of different lengths share a batch.

The shorter ones are filled up with zeros, in front of what they hold or behind. A recurrent module that `maskZero` was
called on gives zeros for such a step and forgets its state.
"""

from typing import Any, Self

import numpy as np

from ...layers.decorators import Decorator
from ...layers.sparse import LookupTable
from ...module import Module
from ...tensors import describe, nested_map, plain

__all__ = ['LookupTableMaskZero', 'MaskZero']


class MaskZero(Decorator):
    """What `module` gives, but zeros for the examples whose input is zero; no gradient comes from those.

    Parameters
    ----------
    module
        its input is a tensor, or a table whose first tensor decides
    nInputDim
        how many dimensions an example of that tensor has; with one more, the first is the batch's
    silent
        not used; Torch7 warns where `module` is a recurrent one: its `maskZero` method is what is wanted then

    Source: github.com/Element-Research/rnn, MaskZero.lua
    """

    nInputDim: int

    def __init__(self, module: Module, nInputDim: int, silent: bool = False):
        super().__init__(module)
        self.nInputDim = nInputDim

    def _mask(self, input: Any) -> np.ndarray:
        """Whether an example counts, for every example of a batch, or for the one."""
        self.check_fields()
        first = input
        while isinstance(first, (list, tuple)) and first:
            first = first[0]
        if not isinstance(first, np.ndarray):
            raise self.error(f'expected a tensor first in the input, got {describe(first)}', TypeError)
        if first.ndim - self.nInputDim not in (0, 1):
            raise self.error(f'expected {self.nInputDim} dimensions, or one more for a batch, got shape {first.shape}')
        return np.any(first != 0, axis=tuple(range(first.ndim - self.nInputDim, first.ndim)))

    def _masked(self, name: str, value: Any, mask: np.ndarray) -> Any:
        masked = self.buffer_table(name, value)

        def copy(to: np.ndarray, of: Any) -> None:
            if not isinstance(of, np.ndarray) or of.shape[: mask.ndim] != mask.shape:
                raise self.error(f'expected {name.strip("_")} for {mask.size} examples, got {describe(of)}')
            np.copyto(to, of)
            to[~mask] = 0

        nested_map(copy, masked, value)
        return masked

    def updateOutput(self, input: Any) -> Any:
        mask = self._mask(input)
        return self._masked('output', self.call(0, 'updateOutput', input), mask)

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        masked = self._masked('_gradOutput', gradOutput, self._mask(input))
        self.gradInput = self.call(0, 'updateGradInput', input, masked)
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        super().accGradParameters(input, self._masked('_gradOutput', gradOutput, self._mask(input)), scale)

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        super().accUpdateGradParameters(input, self._masked('_gradOutput', gradOutput, self._mask(input)), lr)

    def sharedAccUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        super().sharedAccUpdateGradParameters(input, self._masked('_gradOutput', gradOutput, self._mask(input)), lr)

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        for name in ('zeroMask', 'gradOutput', 'batchmode'):
            fields.pop(name, None)


class LookupTableMaskZero(LookupTable):
    """`LookupTable` in which the index 0 stands for a step that is left out: its row is zero, and gets no gradient.

    Parameters
    ----------
    nIndex, nOutput
        input ``(n,)`` or ``(N, n)`` of indices from 0 to `nIndex`; the weight has nIndex + 1 rows, the first for 0

    Source: github.com/Element-Research/rnn, LookupTableMaskZero.lua
    """

    weight: Any
    paddingValue: int = 0
    maxNorm: float | None = None
    normType: float | None = None

    def __init__(self, nIndex: int, nOutput: int):
        super().__init__(nIndex + 1, nOutput)

    def reset(self, stdv: float | None = None) -> Self:
        """Draw W normally with standard deviation `stdv`, 1 where not given, but for its first row, which is 0."""
        super().reset(stdv)
        self._erase_first_row()
        return self

    def _erase_first_row(self) -> None:
        if not self.shape_of('weight', 2)[0]:
            raise self.error('expected a weight of at least one row')
        self.expect_writable('weight')
        self.weight[0] = 0

    def _above(self, input: np.ndarray) -> np.ndarray:
        """Row numbers from 1."""
        input = plain(input, lambda got: self.error(f'expected a tensor of indices as input, got {got}', TypeError))
        if input.dtype.kind not in 'iuf':
            raise self.error(f'expected a tensor of indices as input, got one of {input.dtype}', TypeError)
        return input + input.dtype.type(1)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        self._erase_first_row()
        return super().updateOutput(self._above(input))

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        above = self._above(input)
        gradOutput = self.check(gradOutput, 'gradOutput', (*above.shape, self.shape_of('weight', 2)[1]))
        super().accGradParameters(above, gradOutput * (above != 1)[..., None], scale)
