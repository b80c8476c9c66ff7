"""The properties of a layer, one check each, and `check_module`, which runs them."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from t7nn import random
from t7nn.tensors import nested_map

from ..module import Module
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

__all__ = ['CHECKS', 'check_module']


class Case:
    """A module and an input, run as often as a check likes on fresh copies, always with the same random numbers."""

    def __init__(self, module: Module, input: Any, batch: bool):
        self.module, self.input, self.batch = module, input, batch
        self.given = [input]

    def fresh(self) -> Module:
        """A copy of the module as it came."""
        return copy.deepcopy(self.module)

    def copied(self) -> Any:
        """A copy of the input."""
        return copied(self.input)

    def of(self, function: Callable) -> 'Case':
        """The case with `function(tensor)` in the place of every tensor of the input."""
        return Case(self.module, of_tensors(function, self.input), self.batch)

    def text(self) -> str:
        """The input, in the words of a failure."""
        return f'input {written(self.input)}'

    def forward(self, module: Module, input: Any) -> Any:
        """A copy of the module's output, drawn with the same random numbers each time."""
        random.manualSeed(1)
        return copied(module.forward(input))

    def gradOutput(self, output: Any) -> Any:
        """A gradient for `output` with no two elements alike; 1 for an output that is a number, a loss."""
        rng = np.random.RandomState(2)

        def gradient(tensor: Any) -> Any:
            return (rng.rand(*tensor.shape) + 0.5).astype(tensor.dtype) if np.ndim(tensor) else 1.0

        return nested_map(gradient, output)

    def run(self, module: Module, input: Any, scale: float = 1) -> dict[str, Any]:
        """All that forward and backward give."""
        module.zeroGradParameters()
        output = self.forward(module, input)
        gradOutput = self.gradOutput(output)
        gradInput = module.updateGradInput(input, gradOutput)
        module.accGradParameters(input, gradOutput, scale)
        gradients = [np.copy(gradient) for gradient in module.parameters()[1]]
        return {'output': output, 'gradInput': copied(gradInput), 'gradients': gradients}


def differences(case: Case, module: Module, input: Any, tensor: np.ndarray, gradOutput: Any) -> np.ndarray:
    """The gradient of sum(gradOutput * output) with respect to `tensor`, an input or a parameter."""

    def loss() -> float:
        output = case.forward(module, input)
        return sum(np.sum(g * y) for (_, g), (_, y) in zip(leaves(gradOutput), leaves(output), strict=True))

    return central_differences(loss, tensor)


def results(case: Case) -> None:
    """output is what forward returned last, gradInput what updateGradInput did: containers look for them there."""
    module, input = case.fresh(), case.copied()
    random.manualSeed(1)
    output = module.forward(input)
    require(module.output is output, 'output is not what forward returns')
    gradInput = module.updateGradInput(input, case.gradOutput(output))
    require(module.gradInput is gradInput, 'gradInput is not what updateGradInput returns')


def input_gradient(case: Case) -> None:
    """gradInput is the derivative with respect to the input."""
    module, input = case.fresh(), case.copied()
    gradOutput = case.gradOutput(case.forward(module, input))
    gradInput = dict(leaves(copied(module.updateGradInput(case.copied(), gradOutput))))
    for path, tensor in leaves(input):
        if tensor.dtype.kind == 'f':
            expected = differences(case, module, input, tensor, gradOutput)
            compare(gradInput.get(path), expected, 'gradInput' + path, 'central differences give', GRADIENT_TOLERANCE)


def parameter_gradient(case: Case) -> None:
    """accGradParameters gives the derivative with respect to every parameter."""
    module, input = case.fresh(), case.copied()
    gradients = case.run(module, input)['gradients']
    gradOutput = case.gradOutput(case.forward(module, input))
    for i, (parameter, gradient) in enumerate(zip(module.parameters()[0], gradients, strict=True), 1):
        expected = differences(case, module, input, parameter, gradOutput)
        compare(gradient, expected, f'gradient of parameter {i}', 'central differences give', GRADIENT_TOLERANCE)


def accumulation(case: Case) -> None:
    """Two calls of accGradParameters add up."""
    module, input = case.fresh(), case.copied()
    once = case.run(module, input)['gradients']
    module.accGradParameters(input, case.gradOutput(module.output), 1)
    compare(
        module.parameters()[1], [2 * gradient for gradient in once], 'gradient after two calls', 'twice one call is'
    )


def scale(case: Case) -> None:
    """accGradParameters takes its scale into account."""
    once = case.run(case.fresh(), case.copied())['gradients']
    scaled = case.run(case.fresh(), case.copied(), 0.3)['gradients']
    compare(scaled, [0.3 * gradient for gradient in once], 'gradient at scale 0.3', '0.3 times that at scale 1 is')


def update(case: Case) -> None:
    """accUpdateGradParameters adds -lr times the gradient to the parameters and leaves the gradients alone."""
    gradients = case.run(case.fresh(), case.copied())['gradients']
    for shared in (None, True):
        module, input = case.fresh(), case.copied()
        for inner in module.listModules():
            inner.shared = shared if not inner.modules else None
        expected = [p - 0.2 * g for p, g in zip(module.parameters()[0], gradients, strict=True)]
        module.zeroGradParameters()
        gradOutput = case.gradOutput(case.forward(module, input))
        module.updateGradInput(input, gradOutput)
        module.accUpdateGradParameters(input, gradOutput, 0.2)
        what = f'parameter after accUpdateGradParameters{" when shared" if shared else ""}'
        compare(module.parameters()[0], expected, what, 'parameter - lr * gradient is')
        if not shared:
            zeros = [np.zeros_like(gradient) for gradient in gradients]
            compare(module.parameters()[1], zeros, 'gradient after accUpdateGradParameters', 'it was')


def parameters(case: Case) -> None:
    """updateParameters subtracts lr times the gradient from every parameter, zeroGradParameters leaves zeros."""
    module, input = case.fresh(), case.copied()
    gradients = case.run(module, input)['gradients']
    expected = [p - 0.2 * g for p, g in zip(module.parameters()[0], gradients, strict=True)]
    module.updateParameters(0.2)
    compare(module.parameters()[0], expected, 'parameter after updateParameters', 'parameter - lr * gradient is')
    module.zeroGradParameters()
    zeros = [np.zeros_like(gradient) for gradient in gradients]
    compare(module.parameters()[1], zeros, 'gradient after zeroGradParameters', 'needed is')


def backward(case: Case) -> None:
    """backward is updateGradInput and accGradParameters, and returns gradInput."""
    module, input = case.fresh(), case.copied()
    expected = case.run(module, input)
    module = case.fresh()
    module.zeroGradParameters()
    gradOutput = case.gradOutput(case.forward(module, input))
    gradInput = module.backward(input, gradOutput)
    compare(gradInput, expected['gradInput'], 'result of backward', 'that of updateGradInput is')
    compare(module.gradInput, expected['gradInput'], 'gradInput after backward', 'after updateGradInput it is')
    compare(module.parameters()[1], expected['gradients'], 'gradient after backward', 'after accGradParameters it is')


def single_precision(case: Case) -> None:
    """After float() all is float32, and the same but for rounding."""
    expected = case.run(case.fresh(), case.copied())
    module = case.fresh().float()
    actual = case.run(module, of_tensors(single, case.input))
    for key, value in actual.items():
        for path, tensor in leaves(value):
            require(
                tensor.dtype.kind != 'f' or tensor.dtype == np.float32,
                f'{key}{path} is {tensor.dtype} after float()',
            )
    compare(actual, expected, 'in float32', 'in float64 it is', SINGLE)


def wrong_dtype(case: Case) -> None:
    """An input of another dtype is a TypeError."""
    if all(tensor.dtype.kind == 'f' for _, tensor in leaves(case.input)):
        try:
            case.forward(case.fresh().float(), case.copied())
        except TypeError:
            return
        raise AssertionError('input of float64 is taken without an error after float()')


def strides(case: Case) -> None:
    """Inputs and gradients that are not contiguous give the same."""
    module = case.fresh()
    expected = case.run(case.fresh(), case.copied())
    module.zeroGradParameters()
    input = of_tensors(stretched, case.input)
    output = case.forward(module, input)
    gradOutput = of_tensors(stretched, case.gradOutput(output))
    actual = {'output': output, 'gradInput': module.updateGradInput(input, gradOutput)}
    module.accGradParameters(input, gradOutput, 1)
    actual['gradients'] = module.parameters()[1]
    compare(actual, expected, 'from strided input', 'from contiguous input it is')


def untouched(case: Case) -> None:
    """Neither input nor gradOutput is written to, not even to be put back: both may be read-only."""
    module, input = case.fresh(), case.copied()
    gradOutput = case.gradOutput(case.forward(module, input))
    kept = copied(gradOutput)
    module.updateGradInput(input, gradOutput)
    module.accGradParameters(input, gradOutput, 1)
    compare(input, case.input, 'input afterwards', 'before it was')
    compare(gradOutput, kept, 'gradOutput afterwards', 'before it was')
    for _, tensor in leaves([input, gradOutput]):
        tensor.flags.writeable = False
    case.forward(module, input)
    module.updateGradInput(input, gradOutput)
    module.accGradParameters(input, gradOutput, 1)


def buffers(case: Case) -> None:
    """Nothing is left over from calls before: not from buffers full of nan, nor from larger and smaller batches."""
    expected = case.run(case.fresh(), case.copied())
    module = case.fresh()
    case.run(module, case.copied())
    for inner in module.listModules():
        for buffer in inner._buffers.values():
            buffer.fill(np.nan if buffer.dtype.kind == 'f' else 0)
    for parameter, original in zip(module.parameters()[0], case.module.parameters()[0], strict=True):
        parameter[...] = original
    compare(stateless(case, module), expected, 'from a used module', 'from a new one it is')
    if case.batch:
        module = case.fresh()
        case.run(module, nested_map(lambda tensor: np.concatenate([tensor, tensor]), case.input))
        case.run(module, nested_map(lambda tensor: tensor[:1].copy(), case.input))
        compare(stateless(case, module), expected, 'after a larger and a smaller batch', 'from a new module it is')


def stateless(case: Case, module: Module) -> dict[str, Any]:
    """`run` after the module's state (running means, say) is put back to what it was."""
    fresh = case.fresh()
    for inner, original in zip(module.listModules(), fresh.listModules(), strict=True):
        for key, value in original.__dict__.items():
            if not (key.startswith('_') or key in inner.cleared or key == 'modules' or isinstance(value, Module)):
                inner.__dict__[key] = value
    return case.run(module, case.copied())


def examples(case: Case) -> None:
    """A batch gives what its examples give one by one."""
    if not case.batch:
        return
    module = case.fresh()
    whole = case.run(module, case.copied())
    gradOutput = case.gradOutput(whole['output'])
    total = [np.zeros_like(gradient) for gradient in whole['gradients']]
    for i in range(len(next(leaves(case.input))[1])):
        one = lambda tensor, i=i: tensor[i : i + 1].copy()  # noqa: E731
        module = case.fresh()
        module.zeroGradParameters()
        input = nested_map(one, case.input)
        compare(
            case.forward(module, input),
            nested_map(one, whole['output']),
            f'output of example {i} alone',
            'in a batch it is',
        )
        gradInput = module.updateGradInput(input, nested_map(one, gradOutput))
        compare(gradInput, nested_map(one, whole['gradInput']), f'gradInput of example {i} alone', 'in a batch it is')
        module.accGradParameters(input, nested_map(one, gradOutput), 1)
        total = [sum + part for sum, part in zip(total, module.parameters()[1], strict=True)]
    compare(total, whole['gradients'], 'sum of gradients of the examples', 'of the batch it is')


def modes(case: Case) -> None:
    """evaluate() and training() set the mode of every module inside, and back again nothing has changed."""
    expected = case.run(case.fresh(), case.copied())
    module = case.fresh()
    trains = [inner.train for inner in module.listModules()]
    module.evaluate()
    require(not any(inner.train for inner in module.listModules()), 'train is true somewhere after evaluate()')
    module.forward(case.copied())
    module.training()
    require(all(inner.train for inner in module.listModules()), 'train is not true somewhere after training()')
    if all(train is not False for train in trains):
        compare(stateless(case, module), expected, 'after evaluate() and training()', 'before it is')


def copies(case: Case) -> None:
    """clone, deepcopy, pickle and .t7 give equal modules that share no memory with the original."""
    expected = case.run(case.fresh(), case.copied())
    module = case.fresh()
    for name, twin in copies_of(module):
        for tensor, original in zip(sum(twin.parameters(), []), sum(module.parameters(), []), strict=True):
            require(not np.shares_memory(tensor, original), f'a parameter shares memory after {name}')
        compare(case.run(twin, case.copied()), expected, f'after {name}', 'before it is')
        require(str(twin) == str(module), f'str is {twin} after {name}, {module} before')


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
    expected = case.run(case.fresh(), case.copied())
    module = case.fresh()
    before = [np.copy(parameter) for parameter in module.parameters()[0]]
    flat, flat_grad = module.getParameters()
    compare(module.parameters()[0], before, 'parameter after getParameters()', 'before it is')
    compare(case.run(module, case.copied()), expected, 'after getParameters()', 'before it is')
    flat.fill(0.5)
    flat_grad.fill(0.25)
    for tensor in module.parameters()[0]:
        require(np.all(tensor == 0.5), 'a parameter does not follow the flat vector of getParameters()')
    for tensor in module.parameters()[1]:
        require(np.all(tensor == 0.25), 'a gradient does not follow the flat vector of getParameters()')


def cleared(case: Case) -> None:
    """clearState() empties output and gradInput, and the module works as before."""
    expected = case.run(case.fresh(), case.copied())
    module = case.fresh()
    case.run(module, case.copied())
    require(module.clearState() is module, 'clearState() does not return the module')
    for inner in module.listModules():
        for name in ('output', 'gradInput'):
            value = getattr(inner, name)
            require(value is None or len(value) == 0, f'{name} of {inner} is not empty after clearState()')
    compare(stateless(case, module), expected, 'after clearState()', 'before it is')


def text(case: Case) -> None:
    """str begins with the class's name as Torch7 writes it."""
    module = case.fresh()
    require(
        str(module).startswith(module.typename),
        f'str is {str(module)!r}, which does not begin with {module.typename}',
    )


#: every check by its name
CHECKS: dict[str, Callable[[Case], None]] = {
    check.__name__: check
    for check in (
        results, input_gradient, parameter_gradient, accumulation, scale, update, parameters, backward,
        single_precision, wrong_dtype, strides, untouched, buffers, examples, modes, copies, sharing, flat_parameters,
        cleared, text,
    )
}  # fmt: skip


def check_module(module: Module, input: Any, *, batch: bool = True, checks: Any = None, skip: Any = ()) -> None:
    """Run every check on `module` with `input`, each on fresh copies of both.

    Parameters
    ----------
    module
        a layer or a network
    input
        a float64 tensor, small, away from kinks; or a table of tensors
    batch
        whether the first dimension counts independent examples
    checks, skip
        names out of `CHECKS`: only these, or all but these

    The generator of `t7nn.random` is left as it was.

    Raises
    ------
    AssertionError
        naming the module, the property that does not hold, and the numbers that show it: of one example alone, and of
        few digits, where they show it too
    """
    title = str(module).partition(' {')[0]
    state = random.getRNGState()
    try:
        run_checks(title, CHECKS, checks, skip, Case(module, input, batch))
    finally:
        random.setRNGState(state)
