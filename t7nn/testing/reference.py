"""`assert_same`: one implementation of a layer or a loss held against another one."""

import copy
import functools
import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from t7nn import random
from t7nn.module import Criterion
from t7nn.node import Node
from t7nn.tensors import describe, nested_map

from .case import Case, NotApplicable
from .compare import (
    EXACT,
    GRADIENT_TOLERANCE,
    SINGLE,
    arrays,
    central_differences,
    compare,
    copied,
    of_floats,
    of_tensors,
)
from .report import Check, Report, outcomes

__all__ = ['assert_same']

RATE = 0.1
#: what is compared, by the names of the checks
PARTS = {'output': 'output', 'input_gradient': 'gradInput', 'parameter_gradient': 'gradient', 'update': 'parameter'}
COARSE = 1e-2  # of derivatives by differences of a function that computes in float32


def takes(function: Callable, *arguments: Any) -> bool:
    """Whether `function` can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # a function in C that does not say
        return len(arguments) == 1
    return True


def library(value: Any) -> str:
    """The package that the type of `value` comes from: ``torch``, ``jaxlib`` ..."""
    return type(value).__module__.partition('.')[0]


class Side(ABC):
    """An implementation that can be run.

    Attributes
    ----------
    title
        its name in messages
    parameters
        its parameters, or None where it has none
    exact
        whether its gradients are computed, not approximated by differences
    """

    title: str
    parameters: list | None = None
    exact = True

    @abstractmethod
    def run(self, input: Any, target: list, gradOutput: Callable, parameters: list) -> dict[str, Any]:
        """Whatever it has of output, gradInput, gradient and parameter, with these parameters."""


class Protocol(Side):
    """An object with forward and backward: a module or a criterion of t7nn, or a class of one's own.

    Parameters are what ``parameters()`` lists, or attributes beside which one for the gradient stands: ``W`` and
    ``dW``, ``weight`` and ``gradWeight``.
    """

    def __init__(self, node: Any):
        self.node = copy.deepcopy(node)
        self.title = str(node).partition(' {')[0] if isinstance(node, Node) else type(node).__name__
        if hasattr(node, 'parameters'):
            self.parameters = self.lists()[0]
        elif not isinstance(node, Node):
            found = [getattr(self.node, name) for name in self.names()]
            self.parameters = found or None

    def lists(self) -> tuple[list, list]:
        """The parameters and their gradients."""
        if not hasattr(self.node, 'parameters'):
            names = self.names()
            gradients = [vars(self.node).get(gradient) for gradient in names.values()]
            return [getattr(self.node, name) for name in names], gradients
        pair = self.node.parameters()
        if len(pair) != 2 or not all(isinstance(part, (list, tuple)) for part in pair):
            raise TypeError(
                f'assert_same: two lists expected from {self.title}.parameters(), of parameters and of gradients, '
                f'got {describe(pair)}'
            )
        return pair

    def names(self) -> dict[str, str]:
        """The attributes that are parameters, each with that of its gradient, which is there or assigned later."""
        fields = vars(self.node)
        methods = [method for cls in type(self.node).__mro__ for method in vars(cls).values()]
        assigned = {name for method in methods for name in getattr(getattr(method, '__code__', None), 'co_names', ())}
        found = {}
        for name, value in fields.items():
            if isinstance(value, np.ndarray) and value.dtype.kind == 'f':
                for gradient in (f'd{name}', f'grad{name[:1].upper()}{name[1:]}', f'grad_{name}', f'{name}_grad'):
                    if gradient in fields or gradient in assigned:
                        found[name] = gradient
                        break
        return found

    def run(self, input: Any, target: list, gradOutput: Callable, parameters: list) -> dict[str, Any]:
        node = self.node
        for mine, its in zip(self.parameters or [], parameters, strict=False):
            mine[...] = its
        if hasattr(node, 'zeroGradParameters'):
            node.zeroGradParameters()
        random.manualSeed(1)
        output = copied(node.forward(input, *target))
        arguments = [input, *target] if target else [input, gradOutput(output)]
        choices = [arguments, arguments[1:], []]
        gradInput = node.backward(*next(choice for choice in choices if takes(node.backward, *choice) or not choice))
        result = {'output': output, 'gradInput': copied(gradInput)}
        if self.parameters is not None:
            gradients = self.lists()[1]
            if all(gradient is not None for gradient in gradients):
                result['gradient'] = copied(gradients)
            if hasattr(node, 'updateParameters'):
                node.updateParameters(RATE)
                result['parameter'] = copied(self.lists()[0])
        return result


class TorchModule(Side):
    """A module of PyTorch."""

    def __init__(self, module: Any):
        self.torch = sys.modules['torch']
        self.module, self.title = copy.deepcopy(module), f'torch {type(module).__name__}'
        self.parameters = [parameter.detach().numpy() for parameter in self.module.parameters()] or None

    def run(self, input: Any, target: list, gradOutput: Callable, parameters: list) -> dict[str, Any]:
        torch = self.torch
        inputs = [torch.tensor(array, requires_grad=array.dtype.kind == 'f') for array in arrays(input)]
        self.module.to(next((x.dtype for x in inputs if x.requires_grad), torch.float64))
        variables = list(self.module.parameters())
        with torch.no_grad():
            for mine, its in zip(variables, parameters, strict=False):
                mine.copy_(torch.tensor(its))
        output = self.module(*inputs, *map(torch.as_tensor, target))
        result = {'output': output.detach().numpy().copy()}
        self.module.zero_grad()
        output.backward(torch.tensor(gradOutput(result['output'])))
        gradients = [None if x.grad is None else x.grad.numpy() for x in inputs]
        result['gradInput'] = gradients if isinstance(input, (list, tuple)) else gradients[0]
        if variables:
            result['gradient'] = [
                np.zeros(variable.shape) if variable.grad is None else variable.grad.numpy().copy()
                for variable in variables
            ]
            torch.optim.SGD(variables, RATE).step()
            result['parameter'] = [variable.detach().numpy() for variable in variables]
        return result


class Function(Side):
    """A function of input and parameters, perhaps with one that gives its gradients: of ``(input, gradOutput,
    *parameters)``, or of ``(gradOutput, cache)`` where the first one gives ``(output, cache)``. A loss may give
    ``(loss, gradInput)``. Where nothing gives them, gradients are those of JAX or PyTorch for functions of theirs, and
    central differences for others."""

    def __init__(self, function: Callable, gradients: Callable | None = None):
        self.function, self.gradients = function, gradients
        self.title = getattr(function, '__name__', type(function).__name__)

    def run(self, input: Any, target: list, gradOutput: Callable, parameters: list) -> dict[str, Any]:
        if not takes(self.function, input, *target, *parameters):
            parameters = []
        value, library_of_value = self.call(input, target, parameters)
        cached = isinstance(value, tuple) and len(value) == 2
        output = nested_map(np.array, value[0] if cached else value)
        gradient = gradOutput(output)
        if cached and target and not self.gradients:
            gradInput, *gradients = value[1] if isinstance(value[1], tuple) else (value[1],)
        elif self.gradients:
            handed = [gradient, value[1]] if cached else [input, *target, *([] if target else [gradient]), *parameters]
            found = self.gradients(*handed)
            gradInput, *gradients = found if isinstance(found, tuple) else (found,)
        elif library_of_value.startswith('jax'):
            gradInput, *gradients = self.by_jax(input, target, gradient, parameters)
        elif library_of_value == 'torch':
            gradInput, *gradients = self.by_torch(input, target, gradient, parameters)
        else:
            gradInput, *gradients = self.by_differences(input, target, gradient, parameters, output)
        result = {'output': output, 'gradInput': nested_map(np.asarray, gradInput)}
        if len(gradients) == len(parameters) > 0:
            result['gradient'] = [np.asarray(gradient) for gradient in gradients]
            result['parameter'] = [p - RATE * g for p, g in zip(parameters, result['gradient'], strict=True)]
        return result

    def call(self, input: Any, target: list, parameters: list) -> tuple[Any, str]:
        """What the function gives, and the library whose tensors these are; functions of PyTorch get its tensors."""
        torch = sys.modules.get('torch')
        try:
            value = self.function(input, *target, *parameters)
        except TypeError:
            if torch is None:
                raise
            value = self.function(*of_tensors(torch.tensor, [input, *target, *parameters]))
        if torch is not None and isinstance(value, torch.Tensor):
            return value.detach().numpy(), 'torch'
        return value, library(value)

    def by_jax(self, input: Any, target: list, gradient: Any, parameters: list) -> tuple:
        import jax

        function = lambda x, *p: self.function(x, *target, *p)  # noqa: E731
        return jax.vjp(function, input, *parameters)[1](jax.numpy.asarray(gradient))

    def by_torch(self, input: Any, target: list, gradient: Any, parameters: list) -> list:
        torch = sys.modules['torch']
        wanted = of_floats(lambda x: torch.tensor(x, requires_grad=True), [input, *parameters])
        output = self.function(wanted[0], *of_tensors(torch.tensor, target), *wanted[1:])
        output.backward(torch.tensor(gradient))
        return [nested_map(lambda x: x.grad.numpy(), each) for each in wanted]

    def by_differences(self, input: Any, target: list, gradient: Any, parameters: list, output: Any) -> list:
        self.exact = False
        double = lambda tensor: tensor.astype(np.float64)  # noqa: E731
        input, target, parameters = of_floats(double, [input, target, parameters])
        value = self.function(input, *target, *parameters)  # in float64 as far as the function lets it
        single = any(array.dtype == np.float32 for array in arrays(nested_map(np.asarray, value)))
        step = {'step': 1e-2} if single else {}

        def loss() -> float:
            found = arrays(nested_map(np.asarray, self.function(input, *target, *parameters)))
            return float(sum(np.sum(g * y.astype(np.float64)) for g, y in zip(arrays(gradient), found, strict=True)))

        return [
            nested_map(lambda tensor: central_differences(loss, tensor, **step), value)
            for value in (input, *parameters)
        ]


def subject(thing: Any) -> Side:
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
        f'expected, got {describe(thing)}'
    )


def of_library(side: Side) -> bool:
    """Whether it is t7nn's or PyTorch's, whose matrices are ``(outputs, inputs)``."""
    return isinstance(side, TorchModule) or isinstance(side, Protocol) and isinstance(side.node, Node)


class Pair:
    """Two implementations, how they are compared, and what their labels begin with."""

    def __init__(self, things: tuple, tolerance: float | None, transposed: bool, labels: tuple[int, int] | None):
        self.things, self.tolerance, self.transposed, self.labels = things, tolerance, transposed, labels
        self.titles = [subject(thing).title for thing in things]

    def targets(self, target: Any) -> list[Any]:
        """The target for either side: classes are counted from 1 by t7nn's criterions and from 0 by PyTorch's."""
        first_labels: Any = self.labels
        if first_labels is None:
            whole = isinstance(target, int) or isinstance(target, np.ndarray) and target.dtype.kind in 'iu'
            first = [1 if isinstance(thing, Criterion) else 0 for thing in self.things]
            torch = [isinstance(subject(thing), TorchModule) for thing in self.things]
            first_labels = first if whole and any(torch) and any(first) else (0, 0)
        shift = first_labels[1] - first_labels[0]
        whole_number = isinstance(target, (int, np.integer))
        shifted = target + shift if whole_number else of_tensors(lambda tensor: tensor + shift, target)
        return [[] if target is None else [each] for each in (copied(target), shifted)]

    def run(self, case: Case) -> tuple[list[Side], list[dict[str, Any]]]:
        """Both sides, and what they give. Both begin with the parameters of t7nn's or PyTorch's side, if there is one,
        or else of the first that has any."""
        sides = [subject(thing) for thing in self.things]
        owners = sorted((side for side in sides if side.parameters is not None), key=lambda side: not of_library(side))
        begin = copied(owners[0].parameters) if owners else []
        ones = lambda output: nested_map(np.ones_like, output)  # noqa: E731
        gradOutput = case.gradOutput if case.given[1] is None else ones
        results = []
        for side, target in zip(sides, self.targets(case.given[1]), strict=True):
            turned = self.turned(side, begin)
            if turned is None:
                shapes = [[np.shape(tensor) for tensor in owner.parameters or ()] for owner in sides]
                raise AssertionError(f'parameters are of shapes {shapes[0]}, in the reference {shapes[1]}')
            attempts = [turned]
            matrices = [tensor.ndim == 2 for tensor in begin]
            if isinstance(side, Function) and any(p.shape[0] != p.shape[-1] for p in begin if p.ndim == 2):
                attempts.append([not turn and matrix for turn, matrix in zip(turned, matrices, strict=True)])
            results.append(self.first(side, attempts, begin, case, target, gradOutput))
        return sides, results

    def first(
        self, side: Side, attempts: list, begin: list, case: Case, target: list, gradOutput: Callable
    ) -> dict[str, Any]:
        """What a side gives, with the parameters as they are or, if it does not take them, with matrices transposed."""
        for i, turned in enumerate(attempts):
            parameters = [p.T.copy() if turn else p.copy() for p, turn in zip(begin, turned, strict=True)]
            try:
                found = side.run(copied(case.input), target, gradOutput, parameters)
            except (ValueError, TypeError, RuntimeError):
                if i + 1 == len(attempts):
                    raise
                continue
            for part in ('gradient', 'parameter'):
                if part in found and len(found[part]) == len(turned):
                    pairs = zip(found[part], turned, strict=True)
                    found[part] = [tensor.T if turn else tensor for tensor, turn in pairs]
            return found
        raise AssertionError('no attempt')

    def turned(self, side: Side, begin: list) -> list[bool] | None:
        """Which parameters stand transposed in `side`: ``(inputs, outputs)`` where t7nn and PyTorch have ``(outputs,
        inputs)``. None: the shapes do not fit at all."""
        known = of_library(side)
        if side.parameters is None:
            return [not known and self.transposed and p.ndim == 2 for p in begin]
        shapes = [(np.shape(mine), p.shape) for mine, p in zip(side.parameters, begin, strict=False)]
        turned = [
            not known and len(p) == 2 and mine == p[::-1] and (mine != p or self.transposed) for mine, p in shapes
        ]
        fits = len(side.parameters) == len(begin) and all(
            turn or mine == p for turn, (mine, p) in zip(turned, shapes, strict=True)
        )
        return turned if fits else None

    def holds(self, part: str, case: Case) -> None:
        """Raise an AssertionError unless this part is the same, where both have it."""
        sides, results = self.run(case)
        for title, result in zip(self.titles, results, strict=True):
            if part not in result:
                what = 'gives no step' if part == 'parameter' and 'gradient' in result else 'has no parameters'
                raise NotApplicable(f'not compared: {title} {what}' if part in PARTS.values() else '')
        values = [results[i][part] for i in range(2)]
        single = any(array.dtype == np.float32 for array in arrays([list(each.values()) for each in results]))
        tolerance = EXACT if part == 'output' or all(side.exact for side in sides) else GRADIENT_TOLERANCE
        if single:
            tolerance = SINGLE if part == 'output' or all(side.exact for side in sides) else COARSE
            if all(array.dtype != np.float32 for array in arrays(case.input)):
                case.notes.append('compared in float32, in which one of the two computes')
        compare(values[0], values[1], part, 'in the reference it is', self.tolerance or tolerance)


def assert_same(
    module: Any,
    reference: Any,
    input: Any,
    target: Any = None,
    *,
    batch: bool | None = None,
    tolerance: float | None = None,
    labels: tuple[int, int] | None = None,
    transposed: bool = False,
    skip: Any = (),
    verbose: bool = False,
) -> None:
    """Hold `module` against `reference`: output, gradient of the input, gradients of the parameters, and the parameters
    after one step of gradient descent.

    Parameters
    ----------
    module, reference
        each of them one of

        - an object with ``forward(input)`` and ``backward(input, gradOutput)`` or ``backward(gradOutput)``, which
          returns the gradient of the input: a module of t7nn, or a class of one's own. Its parameters are what
          ``parameters()`` lists, with their gradients as a second list, or else attributes with a gradient beside them,
          such as ``W`` and ``dW``, ``b`` and ``db``; a step is ``updateParameters(learningRate)``
        - a module of PyTorch
        - a function of ``(input)`` or ``(input, *parameters)``. Its gradients are those of ``jax.vjp`` for a function
          of JAX, those of autograd for one of PyTorch, and central differences for others
        - a pair of functions, the second one of ``(input, gradOutput)`` or ``(input, gradOutput, *parameters)``, which
          gives the gradient of the input, or a tuple of it and those of the parameters
        - a pair ``(forward, backward)`` with ``out, cache = forward(x, *parameters)`` and ``backward(dout, cache)``
    input
        a tensor, or a table of tensors; a PyTorch module gets them one by one
    target
        what a loss is computed against: then both are losses, of ``(input, target)``, and no gradOutput is handed on. A
        loss that is a function may give ``(loss, gradInput)``
    batch
        whether the first dimension counts examples, so that a failure can be shown with one of them; None: as it seems
    tolerance
        largest error, a relative and an absolute one; by default 1e-10, with differences 1e-6. Where one of the two
        computes in float32, as JAX does, that is the precision of the comparison: 2e-4, with differences 1e-2
    labels
        the number of the first class in `target`, which `module` gets, and for the reference: ``(1, 0)`` subtracts 1
        for the reference. None: that, for a criterion of t7nn, a module of PyTorch and a target of whole numbers
    transposed
        whether matrices in functions and classes of one's own are ``(inputs, outputs)``, where those of t7nn and
        PyTorch are ``(outputs, inputs)``; it must be said for square ones, of others the shapes tell
    skip
        what not to compare, out of output, input_gradient, parameter_gradient, update
    verbose
        whether to print what was compared, and what was not, and why

    Both begin with copies of the same parameters, those of the first one that has any, or of t7nn's or PyTorch's side
    if the other one is a class of one's own; neither is changed. What one of them does not have is not compared.

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
    pair = Pair((module, reference), tolerance, transposed, labels)
    case = Case(pair, copied(input), copied(target))
    case.batch = several(case) if batch is None else batch
    checks = {name: Check(name, functools.partial(pair.holds, part)) for name, part in PARTS.items()}
    found = Report(' against '.join(pair.titles), list(outcomes(checks, None, skip, case)))
    if verbose:
        print(found)
    found.raise_failures()


def several(case: Case) -> bool:
    """Whether the tensors seem to hold examples along their first dimension."""
    lengths = {
        len(array) if array.ndim > 1 or array.dtype.kind != 'f' and array.ndim else 0 for array in arrays(case.given)
    }
    return len(lengths) == 1 and lengths != {0}
