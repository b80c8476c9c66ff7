"""The properties of a criterion."""

import numpy as np

from t7nn import random
from t7nn.tensors import describe

from .case import REFUSALS, Case
from .compare import arrays, compare, copied, leaves, of_tensors, require, single
from .derivatives import input_gradient
from .properties import (
    batch,
    broadcast,
    buffers,
    copies,
    empty_batch,
    floats,
    growth,
    instances,
    kept_memory,
    nan,
    output_kept,
    overlap,
    repeatable,
    runs,
    second_backward,
    single_precision,
    strides,
    two_forwards,
    untouched,
)
from .report import Check

__all__ = ['CRITERION_CHECKS']

CHECK_IT = 'hint: begin updateOutput with self.check(input)'


def results(case: Case) -> None:
    """The loss is a number, gradInput has the input's form, and the criterion keeps both."""
    criterion, (input, target) = case.fresh(), case.copied()
    random.manualSeed(1)
    loss = criterion.forward(input, target)
    gradInput = criterion.backward(input, target)
    require(
        isinstance(loss, (int, float)) and not isinstance(loss, bool),
        f'the loss must be a number, got {describe(loss)}; hint: float(...)',
    )
    same = criterion.output == loss
    require(same, f'output is {criterion.output}, forward gives {loss}; hint: write "self.output = ..."')
    require(
        criterion.gradInput is gradInput,
        'gradInput is not what backward gives; hint: write "self.gradInput = ..." in updateGradInput',
    )
    forms = [', '.join(f'{array.dtype}{array.shape}' for array in arrays(value)) for value in (gradInput, input)]
    require(forms[0] == forms[1], f'gradInput is {forms[0]}, the input {forms[1]}')
    random.manualSeed(1)
    called = dict(zip(('loss', 'gradInput'), copied(criterion(input, target)), strict=True))
    compare(called, case.expected(), 'called as a function', 'by forward and backward it is')


def own_memory(case: Case) -> None:
    """gradInput does not lie in the memory of the input, of the target, or of one of the criterion's own tensors."""
    criterion, (input, target) = case.fresh(), case.copied()
    case.forward(criterion, (input, target))
    gradInput = criterion.backward(input, target)
    own = {key: value for key, value in vars(criterion).items() if key not in ('gradInput', 'output') and key[0] != '_'}
    for path, array in leaves(gradInput):
        for name, value in {'the input': input, 'the target': target, **own}.items():
            others = arrays(value) if isinstance(value, (np.ndarray, list, tuple)) else []
            require(
                not overlap(array, [other for other in others if other.dtype != object]),
                f'gradInput{path} lies in the memory of {name}; hint: copy it',
            )


def wrong_dtype(case: Case) -> None:
    """An input of another dtype is a TypeError that names both."""
    try:
        case.forward(case.fresh(), (of_tensors(single, case.input), case.given[1]))
    except TypeError as error:
        require('float32' in str(error) and 'float64' in str(error), f'"{error}" does not name float32 and float64')
        return
    raise AssertionError(
        'an input of float32 is taken without an error; hint: begin updateOutput with self.check(input)'
    )


def wrong_form(case: Case) -> None:
    """A table for a tensor, or a tensor for a table, is an error; the criterion then works as before."""
    criterion, (input, target) = case.fresh(), case.copied()
    other = input[0] if isinstance(input, list) else [input]
    try:
        case.forward(criterion, (other, target))
    except REFUSALS:
        pass
    else:
        raise AssertionError(
            f'{describe(other)} is taken without an error; hint: begin updateOutput with self.check(input)'
        )
    compare(case.run(criterion, (input, target)), case.expected(), 'after an error', 'before it is')


def text(case: Case) -> None:
    """str is the class's name as Torch7 writes it."""
    criterion = case.fresh()
    require(str(criterion) == criterion.typename, f'str is {str(criterion)!r}, {criterion.typename} expected')


#: every check of a criterion by its name, the causes before their consequences
CRITERION_CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        Check('runs', runs),
        Check('untouched', untouched),
        Check('repeatable', repeatable),
        Check('results', results),
        Check('own_memory', own_memory),
        Check('kept_memory', kept_memory),
        Check('output_kept', output_kept),
        Check('input_gradient', input_gradient, (floats,)),
        Check('second_backward', second_backward),
        Check('two_forwards', two_forwards),
        Check('instances', instances),
        Check('empty_batch', empty_batch, (batch,)),
        Check('buffers', buffers),
        Check('strides', strides),
        Check('broadcast', broadcast),
        Check('single_precision', single_precision),
        Check('wrong_dtype', wrong_dtype),
        Check('wrong_form', wrong_form),
        Check('nan', nan, (floats,)),
        Check('copies', copies),
        Check('text', text),
        Check('growth', growth, (batch,), simplify=False),
    )
}
