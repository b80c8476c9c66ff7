"""Ready-made callables for the trainer.

A ``hookIteration`` is called as ``hook(trainer, iteration, error)``; a number that it returns becomes the iteration's
error. `t7nn.L1L2` is one more.
"""

from collections.abc import Callable
from numbers import Real
from typing import Any

__all__ = ['History', 'chain']

Hook = Callable[[Any, int, float], Any]


class chain:
    """One hook that calls several in turn, each with the error that the one before returned.

    >>> import t7nn as nn
    >>> trainer = nn.StochasticGradient(nn.Linear(2, 1), nn.MSECriterion())
    >>> history = nn.hooks.History()
    >>> trainer.hookIteration = nn.hooks.chain(nn.L1L2(l2=0.01), history)
    >>> trainer.hookIteration
    chain(L1L2(l1=0, l2=0.01, bias=True), History(0 iterations))

    Raises
    ------
    TypeError
        if one of them cannot be called
    """

    def __init__(self, *hooks: Hook):
        for hook in hooks:
            if not callable(hook):
                raise TypeError(f'hooks.chain: expected hooks that can be called, got {hook!r}')
        self.hooks = hooks

    def __call__(self, trainer: Any, iteration: int, error: float) -> float:
        for hook in self.hooks:
            error = changed_error(hook(trainer, iteration, error), error)
        return error

    def __repr__(self) -> str:
        return f'chain({", ".join(map(repr, self.hooks))})'


def changed_error(returned: Any, error: float) -> float:
    """The error after a hook: the number that it returned, or `error` as it was."""
    return float(returned) if isinstance(returned, Real) and not isinstance(returned, bool) else error


class History:
    """Keeps the error of every iteration in the list ``errors``; called after other hooks, as they left it."""

    def __init__(self) -> None:
        self.errors: list[float] = []

    def __call__(self, trainer: Any, iteration: int, error: float) -> None:
        self.errors.append(error)

    def __repr__(self) -> str:
        return f'History({len(self.errors)} iterations)'
