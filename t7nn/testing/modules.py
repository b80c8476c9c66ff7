"""The properties of a module."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from t7nn import random
from t7nn.module import Module
from t7nn.tensors import describe
from t7nn.untrained import untrained

from .case import REFUSALS, Case, NotApplicable, gradients, parameters
from .compare import arrays, compare, copied, leaves, named_parameters, of_tensors, require, same_place, walk
from .derivatives import check_derivative, in_both_modes, input_gradient, objective
from .properties import (
    batch,
    broadcast,
    buffers,
    copies,
    empty_batch,
    evaluating,
    floats,
    growth,
    instances,
    kept_memory,
    modes_of,
    nan,
    not_in_place,
    of_t7nn,
    output_kept,
    overlap,
    repeatable,
    runs,
    second_backward,
    single_precision,
    stateless,
    strides,
    two_forwards,
    untouched,
    written_by_user,
)
from .report import Check

__all__ = ['CHECKS']

# What the checks need


def learns(case: Case) -> str:
    """A module with parameters."""
    return '' if case.node.parameters()[0] else 'it has no parameters'


def leaf(case: Case) -> str:
    """A module without others inside."""
    inside = len(list(walk(case.node))) > 1
    return 'the steps of modules inside follow one another' if inside else ''


# The properties of modules alone


def results(case: Case) -> None:
    """output is what forward returned last, gradInput what updateGradInput did: containers look for them there."""
    module, given = case.fresh(), case.copied()
    for _ in range(2):  # the second time there are buffers of the right shape, whose use may be wrong
        random.manualSeed(1)
        output = module.forward(given[0])
        require(
            module.output is output,
            'output is not what forward returns; hint: write "self.output = ..." in updateOutput, the next layer reads '
            'it',
        )
        gradInput = module.updateGradInput(given[0], case.gradOutput(output))
        require(
            module.gradInput is gradInput,
            'gradInput is not what updateGradInput returns; hint: write "self.gradInput = ..." in updateGradInput',
        )


def registered(case: Case) -> None:
    """parameters() lists every parameter once, each with a gradient of its shape and of its own memory."""
    module = case.fresh()
    lists = module.parameters()
    require(
        isinstance(lists, tuple) and len(lists) == 2,
        f'parameters() must give two lists, parameters and gradients, got {describe(lists)}',
    )
    require(
        len(lists[0]) == len(lists[1]), f'parameters() lists {len(lists[0])} parameters and {len(lists[1])} gradients'
    )
    for one, many in zip(('parameters', 'gradients'), lists, strict=True):
        for i, array in enumerate(many):
            twice = not module.modules and any(array is other for other in many[:i])
            names = [key for key, value in vars(module).items() if value is array]
            require(not twice, f'parameters() lists {"".join(names[:1])} twice among the {one}')
    pairs = named_parameters(module)
    for i, (name, value, gradient_name, gradient) in enumerate(pairs):
        for what, array in ((name, value), (gradient_name, gradient)):
            require(isinstance(array, np.ndarray), f'{what}, which parameters() lists, is {describe(array)}, no tensor')
        require(
            value.shape == gradient.shape,
            f'{gradient_name} has shape {gradient.shape}, its parameter {name} {value.shape}: are gradients swapped?',
        )
        require(not overlap(value, [gradient]), f'{name} and {gradient_name} are the same memory')
        for other in pairs[:i] if not module.modules else ():
            require(not overlap(value, [other.value]), f'{name} and {other.name} are the same memory')
            require(
                not overlap(gradient, [other.gradient]), f'{name} and {other.name} have the same gradient in memory'
            )
    listed = [array for each in lists for array in each]
    for path, inner in walk(module):
        if of_t7nn(type(inner)):
            continue
        undeclared = [*untrained(inner), *undeclared_names(inner, listed)]
        require(not undeclared, f'{path}{next(iter(undeclared), "")}')


def undeclared_names(module: Module, listed: list) -> Iterator[str]:
    """What looks like a parameter and its gradient by other names than t7nn's, such as W and dW, and is not listed."""
    fields = {key: value for key, value in vars(module).items() if isinstance(value, np.ndarray) and key[0] != '_'}
    for key, value in fields.items():
        for gradient in (f'grad_{key}', f'grad{key}', f'd{key}', f'd{key[:1].upper()}{key[1:]}', f'{key}_grad'):
            found = fields.get(gradient)
            if (
                found is not None
                and key not in ('input', 'output')
                and value.dtype.kind == 'f'
                and found.shape == value.shape
                and value.size
                and not all(overlap(array, listed) for array in (value, found))
            ):
                yield (
                    f'{key} and {gradient} look like a parameter and its gradient, and parameters() does not list '
                    f"them; declare them in the class: learned = (('{key}', '{gradient}'),)"
                )


def parameters_kept(case: Case) -> None:
    """forward and both backward steps leave the parameters alone, and only accGradParameters changes the gradients."""
    module, given = case.fresh(), case.copied()
    for each in named_parameters(module):
        each.gradient.fill(0.25)
    kept = parameters(module), gradients(module)
    output = case.forward(module, given)
    gradOutput = case.gradOutput(output)
    steps = {
        'forward': lambda: None,
        'updateGradInput': lambda: module.updateGradInput(given[0], gradOutput),
        'accGradParameters': lambda: module.accGradParameters(given[0], gradOutput, 1),
    }
    for name, step in steps.items():
        step()
        compare(parameters(module), kept[0], f'after {name}', 'before it was')
        if name != 'accGradParameters':
            compare(gradients(module), kept[1], f'after {name}', 'before it was')


def own_memory(case: Case) -> None:
    """Results do not lie in the memory of a parameter or a gradient; a layer of one's own does not return the array
    that it was given."""
    for node in {id(node): node for node in (case.node, case.first)}.values():
        for mode in modes_of(case):
            twin = Case(node, *case.given)
            module, given = mode(twin.fresh()), twin.copied()
            memory = {name: array for each in named_parameters(module) for name, array in (each[:2], each[2:])}
            random.manualSeed(1)
            output = module.forward(given[0])
            gradOutput = twin.gradOutput(copied(output))
            try:
                gradInput = module.updateGradInput(given[0], gradOutput)
            except REFUSALS:
                gradInput = None
            for method, result, name, source in (
                ('updateOutput', output, 'input', given[0]),
                ('updateGradInput', gradInput, 'gradOutput', gradOutput),
            ):
                what = 'output' if method == 'updateOutput' else 'gradInput'
                for path, array in leaves(result):
                    for key, tensor in memory.items():
                        require(
                            not overlap(array, [tensor]),
                            f'{what}{path} is {key} itself: what changes one changes the other; hint: copy it',
                        )
                    if written_by_user(module, method) and not_in_place(case) == '':
                        require(
                            not any(same_place(array, other) for other in arrays(source)),
                            f'{what}{path} is {name} itself: who changes one changes the other; hint: copy it into '
                            f'self.buffer({what!r}, {name}.shape)',
                        )


def parameter_gradient(case: Case) -> None:
    """accGradParameters gives the derivative with respect to every parameter, in evaluate mode too."""
    in_both_modes(case, parameter_derivative)


def parameter_derivative(case: Case, module: Module) -> None:
    """Raise unless accGradParameters of `module` gives the derivative with respect to every parameter."""
    given = case.copied()
    case.run(module, given)
    found = gradients(module)
    loss = objective(case, module, given, case.gradOutput(module.output))
    for each in named_parameters(module):
        gradient = found[each.gradient_name]
        try:
            check_derivative(case, loss, each.value, gradient, each.gradient_name)
        except AssertionError as error:
            for other in named_parameters(module):
                if other.name != each.name and other.value.shape == each.value.shape and not hasattr(error, 'hint'):
                    _swapped(case, loss, other, gradient, each.gradient_name, error)
            raise


def _swapped(case: Case, loss: Any, other: Any, gradient: np.ndarray, name: str, error: AssertionError) -> None:
    """Say so if the gradient is right for another parameter."""
    try:
        check_derivative(Case(case.node, *case.given), loss, other.value, gradient, name)
    except AssertionError:
        return
    if gradient.any():
        error.hint = f'it is the gradient of {other.name}'  # type: ignore[attr-defined]


def accumulation(case: Case) -> None:
    """Two calls of accGradParameters add up."""
    module, given = case.fresh(), case.copied()
    case.run(module, given)
    once = gradients(module)
    module.accGradParameters(given[0], case.gradOutput(module.output), 1)
    doubled = {name: 2 * gradient for name, gradient in once.items()}
    compare(gradients(module), doubled, 'after two calls of accGradParameters', 'twice that of one call is')


def scale(case: Case) -> None:
    """accGradParameters takes its scale into account."""
    once, scaled = case.fresh(), case.fresh()
    case.run(once)
    for factor in (0.3, -2, 0):
        case.run(scaled, scale=factor)
        expected = {name: factor * gradient for name, gradient in gradients(once).items()}
        compare(gradients(scaled), expected, f'at scale {factor}', f'{factor} times that at scale 1 is')


def order(case: Case) -> None:
    """accGradParameters may come before updateGradInput, or alone."""
    expected = case.expected()
    module, given = case.fresh(), case.copied()
    module.zeroGradParameters()
    gradOutput = case.gradOutput(case.forward(module, given))
    module.accGradParameters(given[0], gradOutput, 1)
    first = gradients(module)
    found = {'gradInput': copied(module.updateGradInput(given[0], gradOutput)), **first}
    del expected['output']
    compare(found, expected, 'with accGradParameters before updateGradInput', 'after it it is')


def stepped(case: Case) -> dict[str, np.ndarray]:
    """The parameters after a step of gradient descent with a rate of 0.2."""
    module = case.fresh()
    case.run(module)
    return {each.name: each.value - 0.2 * each.gradient for each in named_parameters(module)}


def update(case: Case) -> None:
    """accUpdateGradParameters adds -lr times the gradient to the parameters and leaves the gradients alone."""
    expected = stepped(case)
    for shared in (None, True):
        module, given = case.fresh(), case.copied()
        for inner in module.listModules():
            inner.shared = shared if not inner.modules else None
        module.zeroGradParameters()
        before = gradients(module)
        gradOutput = case.gradOutput(case.forward(module, given))
        module.updateGradInput(given[0], gradOutput)
        module.accUpdateGradParameters(given[0], gradOutput, 0.2)
        what = f'after accUpdateGradParameters{" when shared" if shared else ""}'
        compare(parameters(module), expected, what, 'parameter - lr * gradient is')
        if not shared:
            compare(gradients(module), before, what, 'before it was')


def updateParameters(case: Case) -> None:
    """updateParameters subtracts lr times the gradient from every parameter, zeroGradParameters leaves zeros."""
    module = case.fresh()
    case.run(module)
    module.updateParameters(0.2)
    compare(parameters(module), stepped(case), 'after updateParameters', 'parameter - lr * gradient is')
    module.zeroGradParameters()
    zeros = {name: np.zeros_like(gradient) for name, gradient in gradients(module).items()}
    compare(gradients(module), zeros, 'after zeroGradParameters', 'it must be')


def backward(case: Case) -> None:
    """backward is updateGradInput and accGradParameters, and returns gradInput; its scale counts."""
    for scale in (1, 0.5):
        expected = case.run(case.fresh(), scale=scale)
        del expected['output']
        module, given = case.fresh(), case.copied()
        module.zeroGradParameters()
        gradOutput = case.gradOutput(case.forward(module, given))
        gradInput = module.backward(given[0], gradOutput, scale)
        found = {'gradInput': copied(gradInput), **gradients(module)}
        compare(found, expected, 'after backward', 'after updateGradInput and accGradParameters it is')
        compare(module.gradInput, gradInput, 'gradInput after backward', 'backward returned')


def backwardUpdate(case: Case) -> None:
    """backwardUpdate is updateGradInput and then accUpdateGradParameters, and returns gradInput."""
    expected = case.expected()
    module, given = case.fresh(), case.copied()
    module.zeroGradParameters()
    before = gradients(module)
    gradOutput = case.gradOutput(case.forward(module, given))
    gradInput = module.backwardUpdate(given[0], gradOutput, 0.2)
    other = 'from updateGradInput, before the parameters change, it is'
    compare(gradInput, expected['gradInput'], 'gradInput from backwardUpdate', other)
    compare(module.gradInput, gradInput, 'gradInput after backwardUpdate', 'backwardUpdate returned')
    compare(parameters(module), stepped(case), 'after backwardUpdate', 'parameter - lr * gradient is')
    compare(gradients(module), before, 'after backwardUpdate', 'before it was')


def wrong_dtype(case: Case) -> None:
    """An input of another dtype is a TypeError."""
    if any(tensor.dtype.kind != 'f' for tensor in arrays(case.input)):
        raise NotApplicable('not all of the input are floats')
    try:
        case.forward(case.fresh().float(), case.copied())
    except TypeError:
        return
    raise AssertionError(
        'input of float64 is taken without an error after float(); hint: begin updateOutput with self.check(input)'
    )


def depends_on_mode(case: Case) -> bool:
    """Whether the module draws random numbers, or does something else in training than in evaluate mode."""
    random.manualSeed(1)
    before = random.getRNGState()
    output = case.forward(case.fresh(), case.copied())
    if not np.array_equal(before, random.getRNGState()):
        return True
    twin = case.forward(case.fresh() if case.node.train is False else evaluating(case.fresh()), case.copied())
    pairs = list(zip(arrays(output), arrays(twin), strict=False))
    return not all(a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == 'f') for a, b in pairs)


def examples(case: Case) -> None:
    """A batch gives what its examples give one by one; in evaluate mode, where the module's modes differ."""
    mode = None
    if depends_on_mode(case):
        case.notes.append('in evaluate mode')
        mode = evaluating
    module = case.fresh()
    given = case.copied()
    if mode:
        case.run(module, given)
        module = mode(module)
    fresh = Case(module, *case.given)
    output = fresh.forward(fresh.fresh(), given)
    gradOutput = case.gradOutput(output)
    whole: Any = None
    parts: Any = None
    try:
        whole = fresh.expected()
    except REFUSALS:
        if not mode:
            raise
    for i in range(case.count):
        node, alone = fresh.fresh(), case.rows(slice(i, i + 1)).copied()
        part = case.forward(node, alone)
        pick = lambda value, i=i: of_tensors(lambda tensor: tensor[i : i + 1].copy(), value)  # noqa: E731
        compare(part, pick(output), f'output of example {i} alone', 'in a batch it is')
        if whole is None:
            continue
        node.zeroGradParameters()
        found = fresh.backward(node, alone[0], pick(gradOutput))
        compare(found.pop('gradInput'), pick(whole['gradInput']), f'gradInput of example {i} alone', 'in a batch it is')
        parts = found if parts is None else {key: parts[key] + found[key] for key in parts}
    if parts:
        compare(parts, {key: whole[key] for key in parts}, 'summed over examples alone', 'of the batch it is')


def evaluation(case: Case) -> None:
    """In evaluate mode nothing is random."""
    module = case.fresh()
    for number in (1, 2):  # running averages move away from where they begin
        case.forward(module, case.copied(), number)
        module = evaluating(module) if number == 2 else module
    fixed = Case(module, *case.given)
    outputs = [fixed.forward(fixed.fresh(), fixed.copied(), number) for number in (1, 2)]
    compare(outputs[1], outputs[0], 'with other random numbers the output in evaluate mode', 'with the first ones')


def running(case: Case) -> None:
    """After many forwards on one batch, evaluate mode gives about what training does: the running averages have become
    the batch's."""
    module, given = case.fresh(), case.copied()
    trained = case.forward(module, given)
    for _ in range(300):
        module.forward(given[0])
    module.evaluate()
    for (path, found), expected in zip(leaves(case.forward(module, given)), arrays(trained), strict=True):
        size = np.abs(expected).max(initial=0)
        require(
            np.allclose(found, expected, 0, 0.35 * size),
            f'after 300 forwards on one batch output{path} in evaluate mode is up to '
            f'{np.abs(found - expected).max():.3g} off that in training: are running averages updated wrongly?',
        )


def averages(case: Case) -> str:
    """A module with running averages, in training."""
    found = any(key.startswith('running_') for _, inner in walk(case.node) for key in vars(inner))
    return '' if found and case.node.train is not False else 'it has no running averages'


def modes(case: Case) -> None:
    """evaluate() and training() set the mode of every module inside, and back again nothing has changed."""
    expected = case.expected()
    module = case.fresh()
    trains = [inner.train for inner in module.listModules()]
    module.evaluate()
    require(not any(inner.train for inner in module.listModules()), 'train is true somewhere after evaluate()')
    case.forward(module, case.copied())
    module.training()
    require(all(inner.train for inner in module.listModules()), 'train is not true somewhere after training()')
    if all(train is not False for train in trains):
        compare(case.run(stateless(case, module)), expected, 'after evaluate() and training()', 'before it is')


def sharing(case: Case) -> None:
    """A clone that shares weight and bias follows their changes."""
    module = case.fresh()
    twin = module.clone('weight', 'bias')
    for inner, its in zip(module.listModules(), twin.listModules(), strict=True):
        for name in ('weight', 'bias'):
            if getattr(inner, name) is not None:
                require(np.shares_memory(getattr(inner, name), getattr(its, name)), f'{name} of {its} is not shared')


def flat_parameters(case: Case) -> None:
    """After getParameters() nothing has changed but the place in memory, and the flat vectors are that memory."""
    expected = case.expected()
    module = case.fresh()
    before = parameters(module)
    flat, flat_grad = module.getParameters()
    compare(parameters(module), before, 'after getParameters()', 'before it is')
    compare(case.run(module), expected, 'after getParameters()', 'before it is')
    flat.fill(0.5)
    flat_grad.fill(0.25)
    for each in named_parameters(module):
        require(np.all(each.value == 0.5), f'{each.name} does not follow the flat vector of getParameters()')
        require(np.all(each.gradient == 0.25), f'{each.gradient_name} does not follow the flat one of getParameters()')


def cleared(case: Case) -> None:
    """clearState() empties output and gradInput, and the module works as before."""
    expected = case.expected()
    module = case.fresh()
    case.run(module)
    require(module.clearState() is module, 'clearState() does not return the module')
    for inner in module.listModules():
        for name in ('output', 'gradInput'):
            value = getattr(inner, name)
            require(value is None or len(value) == 0, f'{name} of {inner} is not empty after clearState()')
    compare(case.run(stateless(case, module)), expected, 'after clearState()', 'before it is')


def text(case: Case) -> None:
    """str begins with the class's name as Torch7 writes it."""
    module = case.fresh()
    require(
        str(module).startswith(module.typename),
        f'str is {str(module)!r}, which does not begin with {module.typename}',
    )


#: every check by its name, the causes before their consequences
CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        Check('runs', runs),
        Check('untouched', untouched, (not_in_place,)),
        Check('repeatable', repeatable, (not_in_place,)),
        Check('results', results),
        Check('registered', registered),
        Check('parameters_kept', parameters_kept),
        Check('own_memory', own_memory),
        Check('kept_memory', kept_memory, (not_in_place,)),
        Check('output_kept', output_kept, (not_in_place,)),
        Check('input_gradient', input_gradient, (floats,)),
        Check('parameter_gradient', parameter_gradient, (learns,)),
        Check('accumulation', accumulation, (learns,)),
        Check('scale', scale, (learns,)),
        Check('second_backward', second_backward, (not_in_place,)),
        Check('two_forwards', two_forwards),
        Check('order', order, (learns, leaf)),
        Check('instances', instances, (not_in_place,)),
        Check('backward', backward),
        Check('backwardUpdate', backwardUpdate),
        Check('update', update, (learns,)),
        Check('parameters', updateParameters, (learns,)),
        Check('evaluation', evaluation),
        Check('running', running, (averages,)),
        Check('modes', modes),
        Check('examples', examples, (batch,)),
        Check('empty_batch', empty_batch, (batch,)),
        Check('buffers', buffers),
        Check('strides', strides),
        Check('broadcast', broadcast, (not_in_place,)),
        Check('single_precision', single_precision),
        Check('wrong_dtype', wrong_dtype),
        Check('nan', nan, (floats,)),
        Check('copies', copies),
        Check('sharing', sharing),
        Check('flat_parameters', flat_parameters, (learns,)),
        Check('cleared', cleared),
        Check('text', text),
        Check('growth', growth, (batch,), simplify=False),
    )
}
