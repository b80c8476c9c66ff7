"""What is checked: a module or a criterion with what it is given, run as often as a check likes."""

import copy
import random as python_random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from t7nn import random
from t7nn.module import Criterion, Module
from t7nn.tensors import nested_map

from .compare import arrays, copied, named_parameters, of_floats, of_tensors, written

__all__ = ['Case', 'NotApplicable', 'generators_kept']

REFUSALS = (ValueError, TypeError, IndexError)  # an error on purpose, in the words of whoever wrote the layer
OTHER = 0.83  # what is multiplied with it is another input: of the same signs, in the same domain, near no kink


class NotApplicable(Exception):
    """A property that means nothing for this case; the text says why."""


def seed(number: int) -> None:
    """Seed t7nn's generator, and NumPy's and Python's for layers that draw from them although they should not."""
    random.manualSeed(number)
    np.random.seed(number)
    python_random.seed(number)


@contextmanager
def generators_kept() -> Iterator[None]:
    """Leave all three generators as they were."""
    states = random.getRNGState(), np.random.get_state(), python_random.getstate()
    try:
        yield
    finally:
        random.setRNGState(states[0])
        np.random.set_state(states[1])
        python_random.setstate(states[2])


def parameters(node: Any) -> dict[str, np.ndarray]:
    """Copies of a module's parameters by their names; a criterion has none."""
    return {each.name: np.copy(each.value) for each in named_parameters(node)} if isinstance(node, Module) else {}


def gradients(node: Any) -> dict[str, np.ndarray]:
    """Copies of the gradients of a module's parameters by their names; a criterion has none."""
    found = named_parameters(node) if isinstance(node, Module) else []
    return {each.gradient_name: np.copy(each.gradient) for each in found}


class Case:
    """A module and an input, or a criterion, an input and a target. Every check runs on fresh copies, always with the
    same random numbers.

    Attributes
    ----------
    given
        ``(input, target)``; the target is None for a module
    batch
        whether the first dimension of every tensor counts examples
    notes
        what a check has to say although it passes: how many elements of how many it looked at
    """

    def __init__(self, node: Any, input: Any, target: Any = None, batch: bool = False):
        self.node, self.given, self.batch = node, (input, target), batch
        self.is_loss = isinstance(node, Criterion)
        self.first = node  # with the parameters that it came with, before they were shaken
        self.notes: list[str] = []

    @property
    def input(self) -> Any:
        return self.given[0]

    def fresh(self) -> Any:
        """A copy of the module or criterion."""
        return copy.deepcopy(self.node)

    def copied(self) -> Any:
        """Copies of input and target."""
        return copied(self.given[0]), copied(self.given[1])

    def of(self, function: Callable, target: bool = True) -> 'Case':
        """The case with `function(tensor)` in the place of every tensor of the input and, if wanted, of the target."""
        twin = copy.copy(self)
        twin.given = of_tensors(function, self.given[0]), of_tensors(function, self.given[1] if target else None)
        if not target:
            twin.given = twin.given[0], self.given[1]
        return twin

    def rows(self, wanted: Any) -> 'Case':
        """The case with these examples of the batch, a slice."""
        return self.of(lambda tensor: tensor[wanted].copy())

    def other(self) -> 'Case':
        """The case with another input: numbers in another order and a bit smaller, or what of this the layer takes."""
        candidates = (
            lambda tensor: tensor[..., ::-1] * OTHER if tensor.ndim else tensor * OTHER,
            lambda tensor: tensor * OTHER,
            lambda tensor: tensor[::-1].copy(),
        )
        for change in candidates:
            twin = copy.copy(self)
            twin.given = of_floats(change, self.input), self.given[1]
            if works(twin):
                break
        return twin

    @property
    def count(self) -> int:
        """The number of examples."""
        return len(arrays(self.input)[0]) if self.batch else 1

    # The three steps

    def forward(self, node: Any, given: Any, number: int = 1) -> Any:
        """A copy of the output or the loss, drawn with the same random numbers each time."""
        seed(number)
        input, target = given
        return copied(node.forward(input, target) if self.is_loss else node.forward(input))

    def second(self, output: Any, given: Any) -> Any:
        """What backward takes beside the input: the target of a criterion, a gradOutput for a module."""
        return given[1] if self.is_loss else self.gradOutput(output)

    def gradOutput(self, output: Any) -> Any:
        """A gradient for `output` of few digits, with no two elements alike; 1 for an output that is a number."""
        rng = np.random.RandomState(2)

        def gradient(tensor: Any) -> Any:
            if not np.ndim(tensor):
                return 1.0
            digits = len(str(max(9, 2 * tensor.size)))
            steps = rng.permutation(10**digits)[: tensor.size] / 10**digits
            return ((0.5 + steps) * rng.choice([1, -1], tensor.size)).reshape(tensor.shape).astype(tensor.dtype)

        return nested_map(gradient, output)

    def updateGradInput(self, node: Any, input: Any, second: Any) -> Any:
        """gradInput itself, not a copy."""
        return node.backward(input, second) if self.is_loss else node.updateGradInput(input, second)

    def run(self, node: Any, given: Any = None, scale: float = 1) -> dict[str, Any]:
        """All that forward and backward give, copied, with the gradients beginning at 0."""
        given = self.copied() if given is None else given
        if not self.is_loss:
            node.zeroGradParameters()
        output = self.forward(node, given)
        second = self.second(output, given)
        return {'loss' if self.is_loss else 'output': output, **self.backward(node, given[0], second, scale)}

    def backward(self, node: Any, input: Any, second: Any, scale: float = 1) -> dict[str, Any]:
        """All that the two backward steps give, copied."""
        found = {'gradInput': copied(self.updateGradInput(node, input, second))}
        if not self.is_loss:
            node.accGradParameters(input, second, scale)
        return found | gradients(node)

    def expected(self) -> dict[str, Any]:
        """`run` with fresh copies of all."""
        return self.run(self.fresh())

    def text(self) -> str:
        """What is needed to follow a failure by hand: input, target or gradOutput, and parameters."""
        texts = dict(zip(('input', 'target'), self.given, strict=True))
        try:
            node = self.fresh()
            if isinstance(node, Module):
                texts['gradOutput'] = self.gradOutput(self.forward(node, self.copied()))
                texts |= {name: p for name, p in parameters(node).items() if p.size <= 100}
        except Exception:  # whatever made the check fail
            pass
        return ', '.join(f'{name} {written(value)}' for name, value in texts.items() if value is not None)


def finite(value: Any) -> bool:
    """Whether no number is nan or infinite."""
    return all(np.isfinite(array).all() for array in arrays(value) if array.dtype.kind == 'f')


def works(case: Case) -> bool:
    """Whether forward gives finite numbers."""
    try:
        with np.errstate(all='ignore'):
            return finite(case.forward(case.fresh(), case.copied()))
    except Exception:
        return False


def shaken(case: Case) -> Case:
    """The case with parameters other than those that the module came with: a gain of 1 or a bias of 0 hides errors.
    Each is moved away from 0, so that a width stays positive; if that gives no finite output, all stay."""
    if case.is_loss:
        return case
    for size in (0.1, 0.01):
        twin = copy.copy(case)
        twin.node = case.fresh()
        rng = np.random.RandomState(3)
        for _, parameter, _, _ in named_parameters(twin.node):
            if parameter.dtype.kind == 'f':
                moved = np.abs(parameter) + size * (1 + 2 * rng.rand(*parameter.shape))
                sign = np.where(parameter == 0, rng.choice([1, -1], parameter.shape), np.sign(parameter))
                parameter[...] = np.round(sign * moved, 2) if parameter.size <= 100 else sign * moved
        if twin.node.train is False:  # what evaluate() computes from the parameters is computed anew
            twin.node.training()
            twin.node.evaluate()
        if works(twin):
            return twin
    return case


def widened(case: Case) -> Case:
    """The case with three examples at least, where there are fewer and the layer takes more: a batch of one hides
    errors."""
    if not case.batch or not 0 < case.count < 3:
        return case

    def more(factors: Any, value: Any) -> Any:
        return of_tensors(
            lambda tensor: np.concatenate([tensor * f if tensor.dtype.kind == 'f' else tensor for f in factors]), value
        )

    twin = copy.copy(case)
    twin.given = more((1, OTHER, OTHER**2), case.input), more((1, 1, 1), case.given[1])
    return twin if works(twin) else case


def takes_batches(case: Case) -> bool:
    """Whether the first dimension seems to count examples: it does in a matrix, not in a vector, and elsewhere if one
    of its slices alone is taken and gives one slice of the output."""
    ranks = {array.ndim for array in arrays(case.given)}
    if not ranks or min(ranks) < 1 + (not case.is_loss):
        return False
    if not case.is_loss and ranks == {2}:
        return True
    try:
        counts = {len(array) for array in arrays(case.given)}
        output = case.forward(case.fresh(), case.rows(slice(0, 1)).copied())
        return len(counts) == 1 and (case.is_loss or all(len(array) == 1 for array in arrays(output)))
    except Exception:
        return False


# Simpler cases, for a failure to be shown with


def alone(case: Case) -> Iterator[Case]:
    """The case with each of its examples alone."""
    for i in range(case.count if case.batch and case.count > 1 else 0):
        yield case.rows(slice(i, i + 1))


def rounded(case: Case) -> Iterator[Case]:
    """The case with few digits, as long as they make no number equal to another one, nor to 0 or 1 or -1."""
    numbers = np.concatenate([*(a.ravel() for a in arrays(case.given) if a.dtype.kind == 'f'), [0, 1, -1]])
    for digits in range(5):
        if np.unique(numbers.round(digits)).size == np.unique(numbers).size:
            yield case.of(lambda tensor, n=digits: tensor.round(n) if tensor.dtype.kind == 'f' else tensor)
