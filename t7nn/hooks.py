"""Ready-made callables for the trainer's ``hookIteration``.

A hook is called as ``hook(trainer, iteration, error)``; a number that it returns becomes the iteration's error.
`t7nn.L1L2` is one more.
"""

from collections.abc import Callable
from numbers import Real
from typing import Any

__all__ = ['History', 'chain']

Hook = Callable[[Any, int, float], Any]


def chain(*hooks: Hook) -> Hook:
    """One hook that calls several in turn, each with the error that the one before returned.

    >>> import t7nn as nn
    >>> trainer = nn.StochasticGradient(nn.Linear(2, 1), nn.MSECriterion())
    >>> history = nn.hooks.History()
    >>> trainer.hookIteration = nn.hooks.chain(nn.L1L2(l2=0.01), history)
    """

    def hook(trainer: Any, iteration: int, error: float) -> float:
        for each in hooks:
            error = changed_error(each(trainer, iteration, error), error)
        return error

    return hook


def changed_error(returned: Any, error: float) -> float:
    """The error after a hook: the number that it returned, or `error` as it was."""
    return float(returned) if isinstance(returned, Real) and not isinstance(returned, bool) else error


class History:
    """Keeps the error of every iteration in the list ``errors``; called after other hooks, as they left it."""

    def __init__(self) -> None:
        self.errors: list[float] = []

    def __call__(self, trainer: Any, iteration: int, error: float) -> None:
        self.errors.append(error)
