"""The properties of a criterion, one check each, and `check_criterion`, which runs them."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from t7nn import random
from t7nn.tensors import describe

from ..module import Criterion
from .compare import (
    GRADIENT_TOLERANCE,
    SINGLE,
    central_differences,
    compare,
    copied,
    copies_of,
    leaves,
    of_tensors,
    require,
    run_checks,
    single,
    stretched,
    written,
)

__all__ = ['CRITERION_CHECKS', 'check_criterion']


class Case:
    """A criterion, an input and a target, used as often as a check likes on fresh copies."""

    def __init__(self, criterion: Criterion, input: Any, target: Any, batch: bool):
        self.criterion, self.input, self.target, self.batch = criterion, input, target, batch
        self.given = [input, target]

    def fresh(self) -> Criterion:
        """A copy of the criterion as it came."""
        return copy.deepcopy(self.criterion)

    def copied(self) -> tuple[Any, Any]:
        """Copies of input and target."""
        return copied(self.input), copied(self.target)

    def of(self, function: Callable) -> 'Case':
        """The case with `function(tensor)` in the place of every tensor of input and target."""
        return Case(self.criterion, of_tensors(function, self.input), of_tensors(function, self.target), self.batch)

    def text(self) -> str:
        """Input and target, in the words of a failure."""
        return f'input {written(self.input)}, target {written(self.target)}'

    def loss(self, criterion: Criterion, input: Any, target: Any) -> Any:
        """The loss, drawn with the same random numbers each time."""
        random.manualSeed(1)
        return criterion.forward(input, target)

    def run(self, criterion: Criterion, input: Any, target: Any) -> dict[str, Any]:
        """The loss and a copy of gradInput."""
        return {'loss': self.loss(criterion, input, target), 'gradInput': copied(criterion.backward(input, target))}

    def expected(self) -> dict[str, Any]:
        """`run` with fresh copies of all."""
        return self.run(self.fresh(), *self.copied())


def results(case: Case) -> None:
    """The loss is a number, gradInput has the input's form and a memory of its own, and the criterion keeps both."""
    criterion, (input, target) = case.fresh(), case.copied()
    loss = case.loss(criterion, input, target)
    gradInput = criterion.backward(input, target)
    require(isinstance(loss, (int, float)), f'a number needed as loss, got {describe(loss)}')
    require(criterion.output == loss, f'output is {criterion.output}, forward gives {loss}')
    require(criterion.gradInput is gradInput, 'gradInput is not what backward gives')
    forms = [', '.join(f'{leaf.dtype}{leaf.shape}' for _, leaf in leaves(value)) for value in (gradInput, input)]
    require(forms[0] == forms[1], f'gradInput is {forms[0]}, the input {forms[1]}')
    for path, leaf in leaves(gradInput):
        for _, other in leaves([input, target]):
            require(not np.shares_memory(leaf, other), f'gradInput{path} lies in the memory of input or target')
    random.manualSeed(1)
    called = dict(zip(('loss', 'gradInput'), criterion(input, target), strict=True))
    compare(called, case.expected(), 'called as a function', 'by forward and backward it is')


def input_gradient(case: Case) -> None:
    """gradInput is the derivative of the loss with respect to the input."""
    criterion, (input, target) = case.fresh(), case.copied()
    gradInput = dict(leaves(case.run(criterion, input, target)['gradInput']))
    for path, tensor in leaves(input):
        expected = central_differences(lambda: case.loss(criterion, input, target), tensor)
        compare(gradInput.get(path), expected, 'gradInput' + path, 'central differences give', GRADIENT_TOLERANCE)


def single_precision(case: Case) -> None:
    """After float() gradInput is float32, and all the same but for rounding."""
    case32 = case.of(single)
    actual = case.run(case.fresh().float(), *case32.copied())
    for path, tensor in leaves(actual['gradInput']):
        require(tensor.dtype == np.float32, f'gradInput{path} is {tensor.dtype} after float()')
    compare(actual, case.expected(), 'in float32', 'in float64 it is', SINGLE)


def wrong_dtype(case: Case) -> None:
    """An input of another dtype is a TypeError that names both."""
    try:
        case.loss(case.fresh(), of_tensors(single, case.input), case.target)
    except TypeError as error:
        require('float32' in str(error) and 'float64' in str(error), f'float32 and float64 needed in "{error}"')
        return
    raise AssertionError('input of float32 is taken without an error')


def wrong_form(case: Case) -> None:
    """A table for a tensor, or a tensor for a table, is an error that says what is expected; the criterion then works
    as before."""
    criterion, (input, target) = case.fresh(), case.copied()
    other = input[0] if isinstance(input, list) else [input]
    try:
        case.loss(criterion, other, target)
    except (TypeError, ValueError) as error:
        require('expected' in str(error), f'what is expected must stand in "{error}"')
    else:
        raise AssertionError(f'{describe(other)} is taken without an error')
    compare(case.run(criterion, input, target), case.expected(), 'after an error', 'before it is')


def strides(case: Case) -> None:
    """Tensors that are not contiguous give the same."""
    strided = case.of(stretched)
    actual = case.run(case.fresh(), strided.input, strided.target)
    compare(actual, case.expected(), 'of strided tensors', 'of contiguous tensors it is')


def untouched(case: Case) -> None:
    """Neither input nor target is written to, not even to be put back: both may be read-only."""
    input, target = case.copied()
    case.run(case.fresh(), input, target)
    compare(input, case.input, 'input afterwards', 'before it was')
    compare(target, case.target, 'target afterwards', 'before it was')
    for array in (array for value in (input, target) for _, array in leaves(value)):
        array.flags.writeable = False
    case.run(case.fresh(), input, target)


def buffers(case: Case) -> None:
    """Nothing is left over from calls before: not from buffers full of nan, nor from other values or fewer examples;
    backward may be called twice."""
    criterion = case.fresh()
    others = [Case(case.criterion, of_tensors(lambda tensor: tensor / 2, case.input), case.target, case.batch)]
    if case.batch:
        others.append(case.of(lambda tensor: tensor[: (len(tensor) + 1) // 2].copy()))
    for other in others:
        for each in (other, case) * 2:
            again = case.run(criterion, *each.copied())
            compare(again, each.expected(), 'of a used criterion', 'of a new one it is')
            twice = {'loss': again['loss'], 'gradInput': criterion.backward(*each.copied())}
            compare(twice, again, 'after backward twice', 'after once it is')
            for buffer in criterion._buffers.values():
                buffer.fill(np.nan)


def copies(case: Case) -> None:
    """clone, deepcopy, pickle and .t7 give equal criterions that share no memory with the original."""
    criterion = case.fresh()
    expected = case.run(criterion, *case.copied())
    halves = of_tensors(lambda tensor: tensor / 2, case.input)
    for name, twin in copies_of(criterion):
        compare(case.run(twin, *case.copied()), expected, f'after {name}', 'before it is')
        case.run(twin, halves, copied(case.target))
        kept = {'loss': criterion.output, 'gradInput': criterion.gradInput}
        compare(kept, expected, f'once a {name} is used, in the original', 'before it is')


def text(case: Case) -> None:
    """str is the class's name as Torch7 writes it."""
    criterion = case.fresh()
    require(str(criterion) == criterion.typename, f'str is {str(criterion)!r}, {criterion.typename} needed')


#: every check of a criterion by its name
CRITERION_CHECKS: dict[str, Callable[[Case], None]] = {
    check.__name__: check
    for check in (
        results, input_gradient, single_precision, wrong_dtype, wrong_form, strides, untouched, buffers, copies, text,
    )
}  # fmt: skip


def check_criterion(
    criterion: Criterion, input: Any, target: Any = None, *, batch: bool = True, checks: Any = None, skip: Any = ()
) -> None:
    """Run every check on `criterion` with `input` and `target`, each on fresh copies of all.

    Parameters
    ----------
    criterion
        a loss
    input
        a float64 tensor, small, away from kinks; or a table of tensors
    target
        whatever the criterion takes
    batch
        whether the first dimension of every tensor counts examples, so that fewer of them will do as well
    checks, skip
        names out of `CRITERION_CHECKS`: only these, or all but these

    The generator of `t7nn.random` is left as it was.

    Raises
    ------
    AssertionError
        naming the criterion, the property that does not hold, and the numbers that show it
    """
    state = random.getRNGState()
    try:
        run_checks(criterion.typename, CRITERION_CHECKS, checks, skip, Case(criterion, input, target, batch))
    finally:
        random.setRNGState(state)
