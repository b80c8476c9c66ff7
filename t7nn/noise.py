"""Layers that draw random numbers.

Torch7 manual: simple.md
"""

import numpy as np

from . import random
from .module import Module

__all__ = ['Dropout']


class Dropout(Module):
    """Every element is dropped with probability p: y = x * noise / (1 - p), where noise is 0 or 1; y = x at evaluation.

    Parameters
    ----------
    p
        0 <= p < 1
    v1
        the first version: y = x * noise, and y = (1 - p) x at evaluation
    inplace
        write the output into the input and gradInput into gradOutput
    stochasticInference
        drop at evaluation too

    Torch7 manual: simple.md#nn.Dropout
    """

    cleared = (*Module.cleared, 'noise')

    def __init__(self, p: float = 0.5, v1: bool = False, inplace: bool = False, stochasticInference: bool = False):
        super().__init__()
        self.setp(p)
        self.train = True
        self.inplace = inplace
        self.stochastic_inference = stochasticInference
        self.v2 = not v1
        self.noise = np.empty(0)

    def setp(self, p: float) -> None:
        """Set the probability of being dropped."""
        if not 0 <= p < 1:
            raise ValueError(f'{self.typename}: illegal percentage, 0 <= p < 1 needed, got {p}')
        self.p = p

    def _factor(self) -> np.ndarray | float:
        """What the elements are multiplied by: the noise while it is drawn, one number otherwise."""
        if self.p > 0 and (self.train or self.stochastic_inference):
            return self.noise
        return 1 if self.v2 else 1 - self.p

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        output = self.destination('output', input)
        if self.p > 0 and (self.train or self.stochastic_inference):
            noise = random.bernoulli(1 - self.p, out=self.buffer('noise', input.shape))
            if self.v2:
                noise /= 1 - self.p
        return np.multiply(input, self._factor(), output)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        return np.multiply(gradOutput, self._factor(), self.destination('gradInput', gradOutput, 'gradOutput'))

    def __str__(self) -> str:
        return f'{self.typename}({self.p:f})'
