"""The protocol that every layer and every criterion obeys.

A layer is trained in three steps, each a method of its own. For a layer y = f(x; w) and a loss L,

1. ``updateOutput(input)`` computes y from x,
2. ``updateGradInput(input, gradOutput)`` computes dL/dx from dL/dy,
3. ``accGradParameters(input, gradOutput, scale)`` adds scale * dL/dw to the gradients, and
   ``accUpdateGradParameters(input, gradOutput, lr)`` adds -lr * dL/dw to the parameters themselves.

``forward`` is the first, ``backward`` the second and third. ``output`` and ``gradInput`` belong to the module, and its
next call overwrites them: copy what is to be kept.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from .blas import add_scaled
from .guards import check_learned, declared, two_lists, with_real_scale
from .node import Node
from .tensors import describe, flatten, offset

__all__ = ['Criterion', 'Module']


class Module(Node):
    """The base of all layers.

    A layer of one's own overrides `updateOutput`, `updateGradInput` and, where it has parameters, `accGradParameters`.
    Parameters named ``weight`` and ``bias``, with their gradients ``gradWeight`` and ``gradBias``, need nothing more;
    others are named once, in `learned`.

    >>> import numpy as np, t7nn as nn
    >>> class Scale(nn.Module):                                     # y = a x, dx = a dy, da = sum of x dy
    ...     learned = (('a', 'gradA'),)
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.a, self.gradA = np.ones(1), np.zeros(1)
    ...     def updateOutput(self, input):
    ...         self.output = self.a * self.check(input)
    ...         return self.output
    ...     def updateGradInput(self, input, gradOutput):
    ...         self.gradInput = self.a * self.check(gradOutput, 'gradOutput', input.shape)
    ...         return self.gradInput
    ...     def accGradParameters(self, input, gradOutput, scale=1):
    ...         self.gradA += scale * (input * gradOutput).sum()
    >>> Scale().forward(np.array([1.0, 2.0]))
    array([1., 2.])

    Torch7 manual: module.md#nn.Module
    """

    #: the fields of the parameters, each with that of its gradient
    learned: tuple[tuple[str, str], ...] = (('weight', 'gradWeight'), ('bias', 'gradBias'))
    #: the result of the last forward: a tensor or a table
    output: Any
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    gradWeight: np.ndarray | None = None
    gradBias: np.ndarray | None = None
    #: False after `evaluate`; None, as at first, counts as training
    train: bool | None = None
    #: whether `share` was called
    shared: bool | None = None
    #: the modules inside; a container has a list of its own
    modules: Sequence['Module'] = ()
    #: the fields that clearState() empties
    cleared: tuple[str, ...] = ('output', 'gradInput')
    #: those of ``output`` and ``gradInput`` that are tables
    table_fields: tuple[str, ...] = ()
    #: whether parameters() has to be asked whether there are any: they are not (only) ``weight`` and ``bias``
    _names_parameters = False
    #: whether a step can change anything; not in t7nn's own layers that accumulate nothing
    _learns = True
    #: the parameters that `check_parameters` has found to fit
    _fitting: tuple[tuple[str, Any, Any], ...] | None = None

    def __init_subclass__(cls, **named: Any):
        super().__init_subclass__(**named)
        if 'learned' in vars(cls):
            check_learned(cls)
        if 'parameters' in vars(cls) and cls._ones_own:
            cls.parameters = two_lists(cls.parameters)  # type: ignore[method-assign]
        cls._names_parameters = cls.learned is not Module.learned or cls.parameters is not Module.parameters
        accumulates = cls.accGradParameters is not Module.accGradParameters
        cls._learns = accumulates or cls._names_parameters or cls._ones_own
        if 'accGradParameters' in vars(cls):
            cls.accGradParameters = with_real_scale(cls.accGradParameters)  # type: ignore[method-assign]
        own_step = _STEP if cls._ones_own else {'accGradParameters'}
        if vars(cls).keys() & own_step and 'accUpdateGradParameters' not in vars(cls):
            # a base's short cut would pass this class's own method by
            cls.accUpdateGradParameters = Module.accUpdateGradParameters  # type: ignore[method-assign]

    def __init__(self):
        super().__init__()
        self.output = np.empty(0)
        for name in self.table_fields:
            setattr(self, name, [])

    def __call__(self, input: Any, gradOutput: Any = None) -> Any:
        """`forward`; with a `gradOutput` also `backward`, and then the pair (output, gradInput)."""
        self.forward(input)
        if gradOutput is None:
            return self.output
        self.backward(input, gradOutput)
        return self.output, self.gradInput

    # The three steps

    def forward(self, input: Any) -> Any:
        """The layer's output for `input`."""
        return self.updateOutput(input)

    def backward(self, input: Any, gradOutput: Any, scale: float = 1) -> Any:
        """The gradient with respect to `input`; gradients of parameters are accumulated, times `scale`.

        ``forward(input)`` comes first.
        """
        self.updateGradInput(input, gradOutput)
        self.accGradParameters(input, gradOutput, scale)
        return self.gradInput

    def backwardUpdate(self, input: Any, gradOutput: Any, lr: float) -> Any:
        """`updateGradInput` and `accUpdateGradParameters` in one."""
        self.updateGradInput(input, gradOutput)
        self.accUpdateGradParameters(input, gradOutput, lr)
        return self.gradInput

    def updateOutput(self, input: Any) -> Any:
        """Compute ``output`` and return it."""
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        """Compute ``gradInput``, the gradient with respect to `input`, and return it."""
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        """Add `scale` times the gradient with respect to the parameters to ``gradWeight`` and ``gradBias``."""

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        """Add ``-lr`` times the gradient straight to the parameters: one step of gradient descent without a buffer for
        the gradient."""
        if not self._learns:
            return
        if self.shared:
            self.sharedAccUpdateGradParameters(input, gradOutput, lr)
        elif (
            self.weight is not None
            or self.bias is not None
            or self._names_parameters
            or self.learned is not Module.learned
        ):
            self.defaultAccUpdateGradParameters(input, gradOutput, lr)

    def defaultAccUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        """Accumulate with the parameters themselves in the place of their gradients.

        This happens in a twin of the module, so that an interrupt at any point leaves every tensor under its own name.
        Where a twin cannot do it, and in layers of one's own, which may do more with their gradients than add to them,
        the step goes through the gradients, whose values are put back.
        """
        lr = self.number(lr, 'lr')
        parameters, gradients = self.parameters()
        for parameter in parameters:
            if parameter.__class__ is not np.ndarray or parameter.dtype.kind != 'f' or not parameter.flags.writeable:
                self._refuse(parameter, parameter)
        twin: Any = None
        known: dict[int, Any] = {}
        if not self._ones_own and vars(self).keys().isdisjoint(_STEP):
            put = {id(gradient): parameter for gradient, parameter in zip(gradients, parameters, strict=False)}
            twin = _twin(self, put, known)
            if not put.keys() <= known.keys():
                twin = None
        if twin is None:
            kept = [(gradient, gradient.copy()) for gradient in self._writable_gradients()]
            try:
                self.sharedAccUpdateGradParameters(input, gradOutput, lr)
            finally:
                for gradient, values in kept:
                    np.copyto(gradient, values)
            return
        for name, field in self.learned:  # also where there is no gradient, only its name
            setattr(twin, field, getattr(self, name))
        places = [(name, value) for name, value in vars(twin).items() if any(value is each for each in parameters)]
        twin.accGradParameters(input, gradOutput, -lr)
        for name, parameter in places:  # a layer may have put a new array in the place of its gradient
            if twin.__dict__[name] is not parameter:
                np.copyto(parameter, twin.__dict__[name])

    def sharedAccUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        """Accumulate into zeroed gradients, then update: every module that shares them sees the same."""
        if self.parameters()[0]:
            self.zeroGradParameters()
            self.accGradParameters(input, gradOutput, 1)
            self.updateParameters(lr)

    # Parameters

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The learnable tensors and their gradients, two lists; empty where there are none."""
        pairs = [(getattr(self, name), getattr(self, gradient)) for name, gradient in self.learned]
        return (
            [parameter for parameter, _ in pairs if parameter is not None],
            [gradient for _, gradient in pairs if gradient is not None],
        )

    def pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Each parameter with its gradient, of `parameters`, after a check.

        Raises
        ------
        TypeError
            if one is no plain array of floating-point numbers, or they are not of one dtype
        ValueError
            if there are more of the one kind than of the other, a gradient has another shape, or one is read-only
        """
        parameters, gradients = self.parameters()
        if len(parameters) != len(gradients):
            raise self.error(f'expected a gradient for each of {len(parameters)} parameters, got {len(gradients)}')
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if (
                parameter.__class__ is not np.ndarray
                or gradient.__class__ is not np.ndarray
                or parameter.dtype != gradient.dtype
                or parameter.dtype.kind != 'f'
                or parameter.shape != gradient.shape
                or not parameter.flags.writeable
            ):
                self._refuse(parameter, gradient)
            yield parameter, gradient

    def _refuse(self, parameter: Any, gradient: Any) -> None:
        names = {id(value): name for name, value in vars(self).items()}
        name = names.get(id(parameter), 'parameter')
        for value, what in (parameter, name), (gradient, names.get(id(gradient), f'gradient of {name}')):
            if type(value) is not np.ndarray:
                raise self.error(f'expected a plain array as {what}, got {type(value).__name__}', TypeError)
            if value.dtype.kind != 'f' or value.dtype != parameter.dtype:
                wanted = parameter.dtype if parameter.dtype.kind == 'f' else self.dtype
                raise self.error(f'expected {what} of {wanted}, got {value.dtype}', TypeError)
        if not parameter.flags.writeable:
            raise self.error(f'expected a writable {name}, got a read-only one')
        raise self.error(f'expected a gradient of shape {parameter.shape} for {name}, got shape {gradient.shape}')

    def shape_of(self, name: str, ndim: int) -> tuple[int, ...]:
        """The shape of the tensor field `name`, which must be there and have `ndim` dimensions."""
        tensor = self.check(getattr(self, name), name)
        if tensor.ndim != ndim:
            raise self.error(f'expected {name} of {ndim} dimensions, got {describe(tensor)}')
        return tensor.shape

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor field that this layer works with; here, of each gradient that of its parameter."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, gradient in self.learned:
            shape = getattr(getattr(self, name), 'shape', ())
            shapes |= {name: shape, gradient: shape}
        return shapes

    def check_parameters(self) -> None:
        """Raise unless the fields of `expected_shapes` are tensors of this layer's dtype and of these shapes, or None,
        and the numbers, flags and strings that the class declares are such.

        The same arrays are not looked at again. Plain arrays take the place of other classes, such as `numpy.matrix`.
        """
        if self._fitting is not None:
            for name, value, shape in self._fitting:
                field: Any = getattr(self, name, None)
                if field is not value:
                    break
                if shape is not None and (field.dtype is not self.dtype or field.shape != shape):  # set in place
                    break
            else:
                return
        self.check_fields()
        shapes = self.expected_shapes()
        for name, shape in shapes.items():
            tensor = getattr(self, name)
            if tensor is not None:
                checked = self.check(tensor, name, shape)
                if checked is not tensor:
                    setattr(self, name, checked)
        fields: dict[str, Any] = {name: getattr(self, name, None) for name in (*shapes, *declared(type(self)))}  # type: ignore[arg-type]  # as in node
        self._fitting = tuple(
            (name, value, None if value is None else shapes.get(name)) for name, value in fields.items()
        )

    def expect_writable(self, *names: str) -> None:
        """Raise a ValueError if one of the tensor fields of these names is read-only; None is passed over."""
        for name in names:
            tensor = getattr(self, name)
            if tensor is not None and not tensor.flags.writeable:
                raise self.error(f'expected a writable {name}, got a read-only one')

    def check_gradients(self) -> None:
        """`check_parameters`; and every parameter has a gradient that can be added to."""
        self.check_parameters()
        for name, gradient in self.learned:
            if getattr(self, name) is not None:
                tensor = getattr(self, gradient)
                if tensor is None:
                    raise self.error(f'expected a tensor as {gradient}, got nil', TypeError)
                self.expect_writable(gradient)

    def getParameters(self) -> tuple[np.ndarray, np.ndarray]:
        """All parameters as one flat vector, all gradients as another; the module's own become views of them.

        Shared parameters are in it once. A further call makes new vectors, and the ones made before go stale.

        Raises
        ------
        TypeError
            if the tensors are of different dtypes, or not of floating-point numbers
        ValueError
            if weights are shared and their gradients are not, or the reverse; if `parameters` names an array that is
            no field of a module, nor in a table of one, so that it could not become a view
        """
        olds, old_grads = self.parameters()
        (flat, views), (flat_grad, grad_views) = flatten(olds), flatten(old_grads)
        if flat.size != flat_grad.size or len(olds) != len(old_grads):
            raise self.error('check that you are sharing parameters and gradParameters')
        for i, (parameter, gradient) in enumerate(zip(views, grad_views, strict=True), 1):
            if offset(parameter) != offset(gradient):
                raise self.error(
                    f'misaligned parameter at {i}: check that you are sharing parameters and gradParameters'
                )
        if flat.dtype.kind != 'f':
            raise self.error(f'expected parameters of floating-point numbers, got {flat.dtype}', TypeError)
        new = {id(old): new for old, new in zip(olds + old_grads, views + grad_views, strict=True)}
        fields: dict[int, np.ndarray] = {}
        self.map_tensors(lambda tensor: fields.setdefault(id(tensor), tensor))
        if new.keys() - fields.keys():
            raise self.error(
                'expected parameters() to list public fields, or what is in lists or dicts of such; '
                'getParameters() cannot move what it makes anew at each call, or what lies under a name with _'
            )
        self.map_tensors(lambda tensor: new.get(id(tensor), tensor))
        return flat, flat_grad

    def zeroGradParameters(self) -> None:
        """Set all gradients to 0."""
        for gradient in self._writable_gradients():
            gradient.fill(0)

    def _writable_gradients(self) -> list[np.ndarray]:
        """The gradients of `parameters`, each of which can be written to."""
        gradients = self.parameters()[1]
        for i, gradient in enumerate(gradients, 1):
            if not isinstance(gradient, np.ndarray) or not gradient.flags.writeable:
                got = 'a read-only one' if isinstance(gradient, np.ndarray) else describe(gradient)
                raise self.error(f'expected a writable tensor as gradient {i} of parameters(), got {got}', TypeError)
        return gradients

    def updateParameters(self, learningRate: float) -> None:
        """parameter -= learningRate * gradient, for every parameter."""
        rate = self.number(learningRate, 'learningRate')
        for parameter, gradient in self.pairs():
            add_scaled(parameter, -rate, gradient)

    def share(self, module: 'Module', *names: str) -> Self:
        """Let this module's tensors of these `names` be those of `module`, the same memory; names that it lacks are
        passed over."""
        for name in names:
            if getattr(self, name, None) is not None:
                setattr(self, name, getattr(module, name))
                self.shared = module.shared = True
        return self

    def clone(self, *names: str) -> Self:
        """A copy; the tensors of these `names` (``'weight'``, ``'bias'``, ``'gradWeight'`` ...) are shared with the
        original."""
        clone = super().clone()
        return clone.share(self, *names) if names else clone

    def reset(self, stdv: float | None = None) -> Self:
        """Draw the layer's own parameters anew."""
        return self

    # Modes and state

    def training(self) -> None:
        """Behave as while training (matters to Dropout and its like)."""
        self.train = True

    def evaluate(self) -> None:
        """Behave as after training."""
        self.train = False

    def clearState(self) -> Self:
        """Drop everything that the next forward and backward compute anew, before saving for instance."""
        for name in self.cleared:
            value = getattr(self, name, None)
            if isinstance(value, np.ndarray):
                setattr(self, name, np.empty(0, value.dtype))
            elif value is not None:
                setattr(self, name, [] if isinstance(value, (list, dict)) else None)
        self.drop_scratch()
        for module in self.modules:
            module.clearState()
        return self

    # Walking through a network

    def apply(self, callback: Callable[['Module'], Any]) -> None:
        """Call `callback` with this module, then with all that are in it."""
        for module in self.listModules():
            callback(module)

    def listModules(self) -> list['Module']:
        """This module and all that are in it, each before its children."""
        return [self] + [inner for module in self.modules for inner in module.listModules()]

    def findModules(self, typename: str, container: 'Module | None' = None) -> tuple[list['Module'], list['Module']]:
        """The modules of exactly the class `typename` (``'nn.Linear'``), and the containers that hold them."""
        found = [(self, self if container is None else container)] if self.typename == typename else []
        for module in self.modules:
            found += zip(*module.findModules(typename, self), strict=True)
        return [node for node, _ in found], [holder for _, holder in found]

    def replace(self, callback: Callable[['Module'], 'Module']) -> 'Module':
        """Put `callback(module)` in the place of every module, this one and all that are in it.

        Raises
        ------
        TypeError
            if the callback returns no module; nothing is replaced then
        """
        children: list[tuple[Module, list[Module]]] = []
        replacement = self._replacement(callback, children)
        for module, new in children:
            module.modules[:] = new  # type: ignore[index]
        return replacement

    def _replacement(self, callback: Callable, children: list) -> 'Module':
        replacement = callback(self)
        if not isinstance(replacement, Module):
            raise self.error(f'expected a module from the callback of replace, got {describe(replacement)}', TypeError)
        if self.modules:
            children.append((self, [module._replacement(callback, children) for module in self.modules]))
        return replacement

    flatten = staticmethod(flatten)

    def _repr_html_(self) -> str:
        from .html import MOST_ROWS, table

        def rows(module: Module, name: str) -> Iterator[tuple[str, str, int]]:
            yield name, str(module).partition(' {')[0], sum(tensor.size for tensor in module.parameters()[0])
            for i, inner in enumerate(module.modules, 1):
                yield from rows(inner, f'{name}.{i}' if name else str(i))

        return table(['', 'module', 'parameters'], itertools.islice(rows(self, ''), MOST_ROWS + 1))


#: the methods of which a step of the update is made; who replaces one wants it called
_STEP = frozenset(('accGradParameters', 'parameters', 'updateParameters', 'zeroGradParameters'))


def _twin(value: Any, put: dict[int, np.ndarray], known: dict[int, Any]) -> Any:
    """`value`, with `put[id(array)]` in the place of each such array, in new nodes and tables around them.

    All else, scratch included, is shared with the original. `known` gets what was made, by the id of the original.
    """
    if isinstance(value, np.ndarray):
        if id(value) in put:
            known[id(value)] = put[id(value)]
            return put[id(value)]
        return value
    if not isinstance(value, (Node, list, dict)):
        return value
    if id(value) not in known:
        if isinstance(value, Node):
            known[id(value)] = twin = object.__new__(type(value))
            for name, item in vars(value).items():
                twin.__dict__[name] = item if name[0] == '_' else _twin(item, put, known)
        elif isinstance(value, list):
            known[id(value)] = [_twin(item, put, known) for item in value]
        else:
            known[id(value)] = {key: _twin(item, put, known) for key, item in value.items()}
    return known[id(value)]


def inside(module: Callable[[Any], Module], name: str) -> property:
    """An attribute that is the one of this `name` of a module inside: one place for what two would have to share."""
    return property(lambda self: getattr(module(self), name), lambda self, value: setattr(module(self), name, value))


class Criterion(Node):
    """The base of all losses: a number from an input and a target, and its gradient with respect to the input.

    A loss of one's own overrides `updateOutput` and `updateGradInput`.

    Torch7 manual: criterion.md#nn.Criterion
    """

    #: the last loss
    output: Any

    def __init__(self):
        super().__init__()
        self.output = 0

    def __call__(self, input: Any, target: Any = None) -> tuple[Any, Any]:
        """The pair (loss, gradInput)."""
        self.output = self.forward(input, target)
        self.gradInput = self.backward(input, target)
        return self.output, self.gradInput

    def forward(self, input: Any, target: Any = None) -> Any:
        """The loss of `input` against `target`."""
        return self.updateOutput(input, target)

    def backward(self, input: Any, target: Any = None) -> Any:
        """The gradient of the loss with respect to `input`."""
        return self.updateGradInput(input, target)

    def updateOutput(self, input: Any, target: Any = None) -> Any:
        """Compute ``output``, the loss, and return it."""
        return self.output

    def updateGradInput(self, input: Any, target: Any = None) -> Any:
        """Compute ``gradInput`` and return it."""
        return self.gradInput

    def gradient_buffer(self, input: np.ndarray) -> np.ndarray:
        """`buffer` for ``gradInput`` of the shape of `input`; half of its time where the last call's fits."""
        gradInput = self._buffers.get('gradInput')
        if gradInput is None or gradInput is not self.gradInput or gradInput.shape != input.shape:
            gradInput = self.buffer('gradInput', input.shape)
        return gradInput
