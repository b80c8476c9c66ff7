"""What every criterion must obey, each rule a function that raises an AssertionError saying what is wrong."""

import copy
import pickle

import numpy as np

from t7nn.tensors import nested_map


def leaves(value):
    """The tensors of a table of tables, or the one tensor, in order; what is no tensor is left out."""
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item)]
    return [value] if isinstance(value, np.ndarray) else []


def of_tensors(function, value):
    """`value` with `function(tensor)` in the place of each tensor in it; numbers stay."""
    return nested_map(lambda item: function(item) if isinstance(item, np.ndarray) else item, value)


def evaluate(criterion, input, target):
    """The loss, and a copy of gradInput."""
    loss = criterion.forward(input, target)
    return loss, of_tensors(np.copy, criterion.backward(input, target))


def same(actual, expected, what, tolerance=1e-12):
    """Raise unless two pairs (loss, gradInput) agree to `tolerance`, a relative and an absolute one."""
    for mine, its, part in zip(actual, expected, ('loss', 'gradInput'), strict=True):
        mine, its = ([value] if part == 'loss' else leaves(value) for value in (mine, its))
        assert len(mine) == len(its), f'{what}: {len(its)} tensors needed in {part}, got {len(mine)}'
        for x, y in zip(map(np.asarray, mine), map(np.asarray, its), strict=True):
            assert x.shape == y.shape, f'{what}: {part} of shape {y.shape} needed, got {x.shape}'
            error = float(np.max(np.abs(x - y) - tolerance * np.abs(y), initial=0))
            assert error <= tolerance, f'{what}: {part} is off by {error:.3g}'


def check_form(criterion, input, target, batch):
    """The loss is a float, gradInput has the input's form and dtype, both stay in the criterion, and calling it gives
    both."""
    loss = criterion.forward(input, target)
    gradInput = criterion.backward(input, target)
    assert isinstance(loss, (float, int)), f'{criterion}: a float needed as loss, got {type(loss).__name__}'
    assert criterion.output == loss, f'{criterion}: output is {criterion.output}, forward gave {loss}'
    assert criterion.gradInput is gradInput, f'{criterion}: gradInput is not what backward gave'
    forms = [[(leaf.shape, leaf.dtype) for leaf in leaves(value)] for value in (gradInput, input)]
    assert forms[0] == forms[1], f'{criterion}: gradInput like the input {forms[1]} needed, got {forms[0]}'
    for leaf in leaves(gradInput):
        assert not any(np.shares_memory(leaf, other) for other in leaves([input, target])), (
            f"{criterion}: gradInput lies in the caller's memory"
        )
    same(criterion(input, target), evaluate(criterion.clone(), input, target), f'{criterion}: called as a function')


def check_gradient(criterion, input, target, batch, step=1e-5, tolerance=1e-4):
    """gradInput is the derivative of the loss: held against central differences in every element."""
    gradients = leaves(evaluate(criterion, input, target)[1])
    input = of_tensors(np.copy, input)
    largest = max((float(np.abs(gradient).max(initial=0)) for gradient in gradients), default=0)
    assert len(gradients) == len(leaves(input)), f'{criterion}: gradInput in the form of the input needed'
    for i, (x, gradient) in enumerate(zip(leaves(input), gradients, strict=True), 1):
        assert gradient.shape == x.shape, f'{criterion}: gradInput of shape {x.shape} needed, got {gradient.shape}'
        for index in np.ndindex(*x.shape):
            middle = x[index]
            losses = []
            for moved in (middle + step, middle - step):
                x[index] = moved
                losses.append(criterion.forward(input, target))
            x[index] = middle
            numeric = (losses[0] - losses[1]) / (2 * step)
            assert abs(numeric - gradient[index]) <= tolerance * largest + 1e-9, (
                f'{criterion}: gradInput {gradient[index]:.9g} at {index} of tensor {i}, but the loss rises by '
                f'{numeric:.9g}'
            )


def check_float32(criterion, input, target, batch):
    """Cast to float32 it gives the same in float32."""
    expected = evaluate(criterion.clone(), input, target)

    def single(tensor):
        return tensor.astype(np.float32) if tensor.dtype.kind == 'f' else tensor

    cast = criterion.clone().float()
    actual = evaluate(cast, of_tensors(single, input), of_tensors(single, target))
    for leaf in leaves(actual[1]):
        assert leaf.dtype == np.float32, f'{criterion} in float32: gradInput of {leaf.dtype}'
    same(actual, expected, f'{criterion} in float32', 2e-5)


def check_strides(criterion, input, target, batch):
    """Tensors with holes and in another order in memory give the same."""

    def spread(tensor):
        wide = np.full([2 * n for n in tensor.shape], -7, tensor.dtype, order='F')
        part = wide[(slice(None, None, 2),) * tensor.ndim]
        part[...] = tensor
        return part

    expected = evaluate(criterion.clone(), input, target)
    actual = evaluate(criterion, of_tensors(spread, input), of_tensors(spread, target))
    same(actual, expected, f'{criterion}: not contiguous')


def check_untouched(criterion, input, target, batch):
    """Neither input nor target is written to."""
    before = of_tensors(np.copy, [input, target])
    evaluate(criterion, input, target)
    for was, leaf in zip(leaves(before), leaves([input, target]), strict=True):
        assert np.array_equal(was, leaf), f'{criterion}: wrote to its input or target'


def check_stale(criterion, input, target, batch):
    """What it saw before does not matter: other values, and in a batch fewer examples."""

    def part(tensor):
        return tensor[: len(tensor) // 2]

    halved = (of_tensors(lambda x: 0.5 * x, input), target)
    others = [halved, (of_tensors(part, input), of_tensors(part, target))] if batch else [halved]
    for other in others:
        for i, example in enumerate([other, (input, target)] * 2, 1):
            expected = evaluate(criterion.clone(), *example)
            same(evaluate(criterion, *example), expected, f'{criterion}: call {i} of other and same examples')
            again = criterion.backward(*example)
            same((criterion.output, again), expected, f'{criterion}: backward a second time')


def check_copies(criterion, input, target, batch):
    """clone, deepcopy and pickle give a criterion that computes the same and shares nothing."""
    expected = evaluate(criterion, input, target)
    for how in (type(criterion).clone, copy.deepcopy, pickled):
        what = f'{criterion}: {how.__name__}'
        try:
            made = how(criterion)
        except Exception as error:
            raise AssertionError(f'{what} fails: {error!r}') from error
        assert made is not criterion and type(made) is type(criterion), f'{what} gave {made!r}'
        same(evaluate(made, input, target), expected, what)
        evaluate(made, of_tensors(lambda x: 0.5 * x, input), target)
        same((criterion.output, criterion.gradInput), expected, f'{what}: the original after use of it')


def pickled(criterion):
    """`criterion` through pickle."""
    return pickle.loads(pickle.dumps(criterion))


def check_errors(criterion, input, target, batch):
    """A tensor of another dtype is a TypeError that names both, a table for a tensor or the reverse an error; the
    criterion stays usable."""
    expected = evaluate(criterion.clone(), input, target)
    error = raised(criterion, of_tensors(lambda x: x.astype(np.float32), input), target)
    assert isinstance(error, TypeError) and 'float32' in str(error) and 'float64' in str(error), (
        f'{criterion}: a TypeError that names float32 and float64 needed for an input of float32, got {error!r}'
    )
    other = input[0] if isinstance(input, list) else [input]
    error = raised(criterion, other, target)
    assert isinstance(error, (TypeError, ValueError)) and 'needed' in str(error), (
        f'{criterion}: a TypeError needed for an input of the wrong form, got {error!r}'
    )
    same(evaluate(criterion, input, target), expected, f'{criterion}: after an error')


def raised(criterion, input, target):
    """The error of forward, None if there is none."""
    try:
        criterion.forward(input, target)
    except Exception as error:
        return error
    return None


CHECKS = {name.removeprefix('check_'): check for name, check in list(globals().items()) if name.startswith('check_')}


def check_criterion(criterion, input, target=None, batch=False, skip=()):
    """Run every check on a copy of `criterion`.

    Parameters
    ----------
    batch
        whether the first dimension of every tensor counts examples, so that fewer of them are valid as well
    skip
        names of checks to leave out
    """
    for name, check in CHECKS.items():
        if name not in skip:
            check(criterion.clone(), input, target, batch)
