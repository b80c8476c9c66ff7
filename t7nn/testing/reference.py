"""`assert_same`: one implementation of a layer or a loss held against another one."""

import copy
import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from t7nn import random
from t7nn.tensors import describe, nested_map

from ..node import Node
from .compare import (
    EXACT,
    GRADIENT_TOLERANCE,
    SINGLE,
    central_differences,
    compare,
    copied,
    leaves,
    of_tensors,
    run_checks,
    written,
)

__all__ = ['assert_same']

RATE = 0.1
#: what is compared, by the names of the checks
PARTS = {'output': 'output', 'input_gradient': 'gradInput', 'parameter_gradient': 'gradient', 'update': 'parameter'}


def double(tensor: np.ndarray) -> np.ndarray:
    """`tensor` in float64, where it holds floating-point numbers."""
    return tensor.astype(np.float64) if tensor.dtype.kind == 'f' else tensor


def takes(function: Callable, *arguments: Any) -> bool:
    """Whether `function` can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # a function in C that does not say
        return len(arguments) == 1
    return True


class Protocol:
    """An object with forward and backward, such as a module or a criterion of t7nn."""

    exact = True

    def __init__(self, node: Any):
        self.node = copy.deepcopy(node)
        self.title = str(node).partition(' {')[0] if isinstance(node, Node) else type(node).__name__
        self.parameters = self.lists()[0] if hasattr(node, 'parameters') else None

    def lists(self) -> tuple[list, list]:
        """The parameters and their gradients."""
        pair = self.node.parameters()
        if len(pair) != 2 or not all(isinstance(part, (list, tuple)) for part in pair):
            raise TypeError(
                f'assert_same: two lists needed from {self.title}.parameters(), of parameters and of gradients, '
                f'got {describe(pair)}'
            )
        return pair

    def run(self, input: Any, target: list, gradOutput: Callable, parameters: list) -> dict[str, Any]:
        node = self.node
        for mine, its in zip(self.parameters or [], parameters, strict=False):
            mine[...] = its
        if hasattr(node, 'zeroGradParameters'):
            node.zeroGradParameters()
        random.manualSeed(1)
        output = copied(node.forward(input, *target))
        arguments = [input, *target] if target else [input, gradOutput(output)]
        gradInput = node.backward(*(arguments if takes(node.backward, *arguments) else arguments[1:]))
        result = {'output': output, 'gradInput': copied(gradInput)}
        if self.parameters is not None:
            result['gradient'] = copied(self.lists()[1])
            if hasattr(node, 'updateParameters'):
                node.updateParameters(RATE)
                result['parameter'] = copied(self.lists()[0])
        return result


class TorchModule:
    """A module of PyTorch."""

    exact = True

    def __init__(self, module: Any):
        self.torch = sys.modules['torch']
        self.module, self.title = copy.deepcopy(module), f'torch {type(module).__name__}'
        self.parameters = [parameter.detach().numpy() for parameter in self.module.parameters()]

    def run(self, input: Any, target: list, gradOutput: Callable, parameters: list) -> dict[str, Any]:
        torch = self.torch
        inputs = [torch.tensor(array, requires_grad=array.dtype.kind == 'f') for _, array in leaves(input)]
        self.module.to(next((x.dtype for x in inputs if x.requires_grad), torch.float64))
        variables = list(self.module.parameters())
        with torch.no_grad():
            for mine, its in zip(variables, parameters, strict=True):
                mine.copy_(torch.tensor(its))
        output = self.module(*inputs, *(torch.as_tensor(item) for item in target))
        result = {'output': output.detach().numpy().copy()}
        self.module.zero_grad()
        output.backward(torch.tensor(gradOutput(result['output'])))
        gradients = [None if x.grad is None else x.grad.numpy() for x in inputs]
        result['gradInput'] = gradients if isinstance(input, (list, tuple)) else gradients[0]
        result['gradient'] = [
            np.zeros(variable.shape) if variable.grad is None else variable.grad.numpy().copy()
            for variable in variables
        ]
        if variables:
            torch.optim.SGD(variables, RATE).step()
        result['parameter'] = [variable.detach().numpy() for variable in variables]
        return result


class Function:
    """A function of input and parameters, with one that gives its gradients, or with central differences for them."""

    parameters = None

    def __init__(self, function: Callable, gradients: Callable | None = None):
        self.function, self.gradients, self.exact = function, gradients, gradients is not None
        self.title = getattr(function, '__name__', type(function).__name__)

    def run(self, input: Any, target: list, gradOutput: Callable, parameters: list) -> dict[str, Any]:
        if not takes(self.function, input, *target, *parameters):
            parameters = []
        if not self.exact:  # differences need float64
            input, target, parameters = of_tensors(double, [input, target, parameters])
        output = np.array(self.function(input, *target, *parameters))
        gradient = gradOutput(output)
        if self.gradients:
            found = self.gradients(input, *target, *([] if target else [gradient]), *parameters)
            gradInput, *gradients = found if isinstance(found, tuple) else (found,)
        else:

            def loss() -> float:
                return float(np.sum(gradient * np.asarray(self.function(input, *target, *parameters))))

            gradInput = nested_map(lambda tensor: central_differences(loss, tensor), input)
            gradients = [central_differences(loss, parameter) for parameter in parameters]
        result = {'output': output, 'gradInput': nested_map(np.asarray, gradInput)}
        if len(gradients) == len(parameters) > 0:
            result['gradient'] = [np.asarray(gradient) for gradient in gradients]
            result['parameter'] = [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]
        return result


def subject(thing: Any) -> Protocol | TorchModule | Function:
    """`thing` as something that can be run."""
    if 'torch' in sys.modules and isinstance(thing, sys.modules['torch'].nn.Module):
        return TorchModule(thing)
    if hasattr(thing, 'forward') and hasattr(thing, 'backward'):
        return Protocol(thing)
    if isinstance(thing, tuple) and len(thing) == 2 and all(map(callable, thing)):
        return Function(*thing)
    if callable(thing):
        return Function(thing)
    raise TypeError(
        'assert_same: an object with forward and backward, a module of PyTorch, a function, or a pair of functions '
        f'needed, got {describe(thing)}'
    )


class Case:
    """Two implementations and what they are given."""

    def __init__(self, module: Any, reference: Any, input: Any, target: Any, batch: bool, tolerance: float | None):
        self.module, self.reference, self.input, self.target = module, reference, input, target
        self.batch, self.tolerance = batch, tolerance
        self.given = [input, target]

    def of(self, function: Callable) -> 'Case':
        """The case with `function(tensor)` in the place of every tensor of input and target."""
        input, target = of_tensors(function, self.input), of_tensors(function, self.target)
        return Case(self.module, self.reference, input, target, self.batch, self.tolerance)

    def text(self) -> str:
        """Input and target, in the words of a failure."""
        return f'input {written(self.input)}' + ('' if self.target is None else f', target {written(self.target)}')

    def gradOutput(self, output: Any) -> Any:
        """A gradient for `output` with no two elements alike; 1 for a loss."""
        rng = np.random.RandomState(2)
        random_like = lambda tensor: (rng.rand(*tensor.shape) + 0.5).astype(tensor.dtype)  # noqa: E731
        return nested_map(np.ones_like if self.target is not None else random_like, output)

    def holds(self, part: str) -> None:
        """Raise an AssertionError unless this part is the same, where both have it."""
        sides = subject(self.module), subject(self.reference)
        known = [copied(side.parameters) for side in sides if side.parameters is not None]
        shapes = [[tensor.shape for tensor in parameters] for parameters in known]
        if len(known) == 2 and shapes[0] != shapes[1]:
            raise AssertionError(f'parameters are of shapes {shapes[0]}, in the reference {shapes[1]}')
        target = [] if self.target is None else [self.target]
        actual, expected = (
            side.run(*copied([self.input, target]), self.gradOutput, copied(known[0] if known else []))
            for side in sides
        )
        if part in actual and part in expected:
            tolerance = EXACT if part == 'output' or all(side.exact for side in sides) else GRADIENT_TOLERANCE
            if any(array.dtype == np.float32 for _, array in leaves(self.input)):
                tolerance = SINGLE
            compare(actual[part], expected[part], part, 'in the reference it is', self.tolerance or tolerance)


def assert_same(
    module: Any,
    reference: Any,
    input: Any,
    target: Any = None,
    *,
    batch: bool = False,
    tolerance: float | None = None,
    skip: Any = (),
) -> None:
    """Hold `module` against `reference`: output, gradient of the input, gradients of the parameters, and the parameters
    after one step of gradient descent.

    Parameters
    ----------
    module, reference
        each of them one of

        - an object with ``forward(input)`` and ``backward(input, gradOutput)``, or ``backward(gradOutput)``, that
          returns the gradient of the input: a module of t7nn, or a class of one's own. Parameters are found where it
          has ``parameters()``, which gives them and their gradients as two lists, and a step where it has
          ``updateParameters(learningRate)``
        - a module of PyTorch
        - a function of ``(input)`` or ``(input, *parameters)``; its gradients are found by central differences
        - a pair of functions, the second one of ``(input, gradOutput)`` or ``(input, gradOutput, *parameters)``, which
          gives the gradient of the input, or a tuple of it and those of the parameters. With JAX that is
          ``(f, lambda x, dy, *p: jax.vjp(f, x, *p)[1](dy))``
    input
        a tensor, or a table of tensors; a PyTorch module gets them one by one
    target
        what a loss is computed against: then both are losses, of ``(input, target)``, and no gradOutput is handed on
    batch
        whether the first dimension counts examples, so that a failure can be shown with one of them
    tolerance
        largest error, a relative and an absolute one; by default 1e-10 (1e-6 where differences are taken, 2e-4 in
        float32)
    skip
        what not to compare, out of output, input_gradient, parameter_gradient, update

    Both begin with the parameters of the first one that has any, as copies: neither is changed. What one of them does
    not have is not compared.

    Raises
    ------
    AssertionError
        naming what differs and the numbers that show it
    TypeError
        if one of the two is nothing of all this

    >>> import numpy as np, t7nn as nn
    >>> from t7nn.testing import assert_same
    >>> assert_same(nn.Linear(3, 2), lambda x, weight, bias: weight @ x + bias, np.array([0.5, -1.0, 2.0]))
    """
    titles = [subject(thing).title for thing in (module, reference)]
    state = random.getRNGState()
    try:
        checks = {name: lambda case, part=part: case.holds(part) for name, part in PARTS.items()}
        case = Case(module, reference, input, target, batch, tolerance)
        run_checks(' against '.join(titles), checks, None, skip, case)
    finally:
        random.setRNGState(state)
