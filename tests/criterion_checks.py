"""What every criterion must obey: each property a function that says what is wrong, as in t7nn.testing."""

import copy
import pickle
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from t7nn import Criterion, random
from t7nn.tensors import nested_map
from t7nn.testing import GRADIENT_TOLERANCE, SINGLE, STEP, compare, leaves, require

__all__ = ['CRITERION_CHECKS', 'check_criterion']


def of_tensors(function: Callable[[np.ndarray], Any], value: Any) -> Any:
    """`value` with `function(tensor)` in the place of each tensor in it; labels that are plain numbers stay."""
    return nested_map(lambda item: function(item) if isinstance(item, np.ndarray) else item, value)


def tensors(value: Any) -> list[np.ndarray]:
    """The tensors of a table of tables, in order."""
    found = []
    of_tensors(found.append, value)
    return found


class CriterionCase:
    """A criterion with an input and a target, run as often as a check likes on fresh copies."""

    def __init__(self, criterion: Criterion, input: Any, target: Any, batch: bool):
        self.criterion, self.input, self.target, self.batch = criterion, input, target, batch

    def fresh(self) -> Criterion:
        """A copy of the criterion as it came."""
        return copy.deepcopy(self.criterion)

    def copied(self, function: Callable[[np.ndarray], Any] = np.copy) -> tuple[Any, Any]:
        """Copies of input and target: `function` of every tensor."""
        return of_tensors(function, self.input), of_tensors(function, self.target)

    def run(self, criterion: Criterion, input: Any, target: Any) -> dict[str, Any]:
        """All that forward and backward give, drawn with the same random numbers each time."""
        random.manualSeed(1)
        loss = criterion.forward(input, target)
        return {'loss': loss, 'gradInput': of_tensors(np.copy, criterion.backward(input, target))}

    def expected(self) -> dict[str, Any]:
        """What a fresh copy gives."""
        return self.run(self.fresh(), *self.copied())


def results(case: CriterionCase) -> None:
    """The loss is a float, gradInput has the input's form and memory of its own, both stay in the criterion, and
    calling it gives both."""
    criterion, (input, target) = case.fresh(), case.copied()
    loss = criterion.forward(input, target)
    gradInput = criterion.backward(input, target)
    require(isinstance(loss, (float, int)), f'the loss is of {type(loss).__name__}, a float needed')
    require(criterion.output == loss, f'output is {criterion.output}, forward gave {loss}')
    require(criterion.gradInput is gradInput, 'gradInput is not what backward gave')
    gradient, its = ([(tensor.shape, tensor.dtype) for tensor in tensors(value)] for value in (gradInput, input))
    require(gradient == its, f'gradInput is of {gradient}, the input of {its}')
    for tensor in tensors(gradInput):
        shared = any(np.shares_memory(tensor, other) for other in tensors([input, target]))
        require(not shared, 'gradInput lies in the memory of input or target')
    called = dict(zip(('loss', 'gradInput'), case.fresh()(input, target), strict=True))
    compare(called, case.expected(), 'calling it:', 'forward and backward give')


def input_gradient(case: CriterionCase) -> None:
    """gradInput is the derivative of the loss."""
    criterion, (input, target) = case.fresh(), case.copied()
    gradients = tensors(case.expected()['gradInput'])
    require(len(gradients) == len(tensors(input)), 'gradInput has not the form of the input')
    for i, (tensor, gradient) in enumerate(zip(tensors(input), gradients, strict=True), 1):
        expected = np.zeros_like(tensor)
        for place in np.ndindex(tensor.shape):
            value, losses = tensor[place], []
            for step in (STEP, -STEP):
                tensor[place] = value + step
                losses.append(criterion.forward(input, target))
            tensor[place] = value
            expected[place] = (losses[0] - losses[1]) / (2 * STEP)
        compare(gradient, expected, f'gradInput of tensor {i}', 'central differences give', GRADIENT_TOLERANCE)


def single_precision(case: CriterionCase) -> None:
    """After float() all is float32, and the same but for rounding."""
    single = case.copied(lambda tensor: tensor.astype(np.float32) if tensor.dtype.kind == 'f' else tensor)
    actual = case.run(case.fresh().float(), *single)
    for tensor in tensors(actual['gradInput']):
        require(tensor.dtype == np.float32, f'gradInput is {tensor.dtype} after float()')
    compare(actual, case.expected(), 'in float32', 'in float64 it is', SINGLE)


def strides(case: CriterionCase) -> None:
    """Tensors with holes and in another order in memory give the same."""

    def stretched(tensor: np.ndarray) -> np.ndarray:
        wide = np.zeros([2 * size for size in tensor.shape], tensor.dtype, order='F')
        part = wide[(slice(None, None, 2),) * tensor.ndim]
        part[...] = tensor
        return part

    compare(case.run(case.fresh(), *case.copied(stretched)), case.expected(), 'strided', 'contiguous it is')


def untouched(case: CriterionCase) -> None:
    """Neither input nor target is written to."""
    input, target = case.copied()
    case.run(case.fresh(), input, target)
    compare(tensors(input), tensors(case.input), 'input afterwards', 'before it was', 0)
    compare(tensors(target), tensors(case.target), 'target afterwards', 'before it was', 0)


def buffers(case: CriterionCase) -> None:
    """Nothing is left over from calls before: not from buffers full of nan, nor other values, nor fewer examples; and
    backward may be called again."""
    criterion = case.fresh()
    others = [(of_tensors(lambda tensor: 0.5 * tensor, case.input), case.target)]
    if case.batch:
        others.append(case.copied(lambda tensor: tensor[:1]))
    for other in others:
        for what, example in (('other', other), ('first', case.copied()), ('other', other), ('first', case.copied())):
            expected = case.run(case.fresh(), *example)
            compare(case.run(criterion, *example), expected, f'{what} examples again:', 'from a new criterion it is')
            again = criterion.backward(*example)
            compare(again, expected['gradInput'], 'gradInput of a second backward', 'of the first')
            for buffer in criterion._buffers.values():
                buffer.fill(np.nan)


def copies(case: CriterionCase) -> None:
    """clone, deepcopy and pickle give a criterion that computes the same and shares nothing."""
    criterion, expected = case.fresh(), case.expected()
    case.run(criterion, *case.copied())
    for name, copied in {
        'clone': type(criterion).clone,
        'deepcopy': copy.deepcopy,
        'pickle': lambda criterion: pickle.loads(pickle.dumps(criterion)),
    }.items():
        try:
            twin = copied(criterion)
        except (AttributeError, pickle.PicklingError) as error:
            raise AssertionError(f'{name} fails: {error}') from error
        require(type(twin) is type(criterion) and twin is not criterion, f'{name} gives {twin!r}')
        compare(case.run(twin, *case.copied()), expected, f'after {name}', 'before it is')
        case.run(twin, of_tensors(lambda tensor: 0.5 * tensor, case.input), case.target)
        mine = {'loss': criterion.output, 'gradInput': criterion.gradInput}
        compare(mine, expected, f'after use of its {name}', 'before it is')


def errors(case: CriterionCase) -> None:
    """An input of another dtype is a TypeError that names both, a table for a tensor or the reverse an error that says
    what was needed; the criterion works as before."""
    criterion, (input, target) = case.fresh(), case.copied()
    single = of_tensors(lambda tensor: tensor.astype(np.float32), input)
    form = input[0] if isinstance(input, list) else [input]
    for what, wrong, kinds, words in (
        ('float32', single, TypeError, ('float32', 'float64')),
        ('the wrong form', form, (TypeError, ValueError), ('needed',)),
    ):
        try:
            criterion.forward(wrong, target)
        except kinds as error:
            told = str(error)
        else:
            raise AssertionError(f'an input of {what} is taken without an error')
        require(all(word in told for word in words), f'the error for an input of {what} says {told!r}')
    compare(case.run(criterion, input, target), case.expected(), 'after an error', 'before it is')


def text(case: CriterionCase) -> None:
    """str is the class's name as Torch7 writes it."""
    criterion = case.fresh()
    require(str(criterion) == criterion.typename, f'str is {str(criterion)!r}, {criterion.typename} needed')


#: every check by its name
CRITERION_CHECKS: dict[str, Callable[[CriterionCase], None]] = {
    check.__name__: check
    for check in (results, input_gradient, single_precision, strides, untouched, buffers, copies, errors, text)
}


def check_criterion(
    criterion: Criterion,
    input: Any,
    target: Any = None,
    *,
    batch: bool = True,
    checks: Iterable[str] | None = None,
    skip: Iterable[str] = (),
) -> None:
    """Run every check on `criterion` with `input` and `target`, each on fresh copies of all.

    Parameters
    ----------
    criterion
        a loss
    input
        a float64 tensor, away from kinks; or a table of tensors
    target
        a tensor, a number or a table of such; or None
    batch
        whether the first dimension of every tensor counts examples, so that fewer of them are valid as well
    checks, skip
        names out of `CRITERION_CHECKS`: only these, or all but these

    The generator of `t7nn.random` is left as it was.

    Raises
    ------
    AssertionError
        naming the criterion, the property that does not hold, and the numbers that show it
    """
    unknown = {*(checks or ()), *skip} - CRITERION_CHECKS.keys()
    if unknown:
        raise ValueError(f'check_criterion: names out of {list(CRITERION_CHECKS)} needed, got {sorted(unknown)}')
    state = random.getRNGState()
    try:
        for name in checks or CRITERION_CHECKS:
            if name not in skip:
                _check(name, CriterionCase(criterion, input, target, batch))
    finally:
        random.setRNGState(state)


def _check(name: str, case: CriterionCase) -> None:
    try:
        CRITERION_CHECKS[name](case)
    except Exception as failure:
        what = failure if isinstance(failure, AssertionError) else repr(failure)
        shown = np.array2string(next(leaves(case.input))[1], threshold=20)
        raise AssertionError(f'{case.criterion.typename}, {name}: {what}; input {shown}') from failure
