"""The regulariser on one tensor beside its floor, one pass that reads and writes all parameters, beside the clamp alone
that L1 cannot do without, and beside PyTorch.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_regularization.py
"""

import numpy as np
from timing import medians, report

import t7nn as nn

L1, L2 = 1e-3, 1e-9


class Parameters:
    """A network that is one tensor."""

    def __init__(self, tensor):
        self.tensor = tensor

    def parameters(self):
        return [self.tensor], [self.tensor]


def peers(n):
    """Penalty and update of n parameters."""
    w = np.random.RandomState(0).randn(n)
    net, factor = Parameters(w), np.array(1 - L2)
    penalties = {'t7nn': lambda: nn.regularization_penalty(net, L1, L2), 'one read': lambda: w.dot(w)}
    clamped = np.empty_like(w)
    updates = {
        't7nn': lambda: nn.regularize_parameters(net, L1, L2),
        'one pass': lambda: np.multiply(w, factor, w),
        'clamp alone': lambda: w.clip(-L1, L1, clamped),
        'L2 alone': lambda: nn.regularize_parameters(net, 0, L2),
    }
    try:
        import torch
    except ModuleNotFoundError:
        return penalties, updates
    torch.set_num_threads(1)
    t = torch.from_numpy(w.copy())
    penalties['torch'] = lambda: L1 * t.norm(1) + L2 * t.norm(2) ** 2
    updates['torch'] = lambda: t.sub_(t.clamp(-L1, L1).add_(t, alpha=L2))
    return penalties, updates


def main():
    for exponent in range(2, 8):
        penalties, updates = peers(10**exponent)
        report(f'penalty of 10^{exponent} parameters', medians(penalties))
        report(f'regularising 10^{exponent} parameters', medians(updates))


if __name__ == '__main__':
    main()
