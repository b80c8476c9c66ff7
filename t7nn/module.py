"""The protocol that every layer and every criterion obeys.

A layer is trained in three steps, each a method of its own. For a layer y = f(x; w) and a loss L,

1. ``updateOutput(input)`` computes y from x,
2. ``updateGradInput(input, gradOutput)`` computes dL/dx from dL/dy,
3. ``accGradParameters(input, gradOutput, scale)`` adds scale * dL/dw to the gradients, and
   ``accUpdateGradParameters(input, gradOutput, lr)`` adds -lr * dL/dw to the parameters themselves.

``forward`` is the first, ``backward`` the second and third. ``output`` and ``gradInput`` belong to the module, and its
next call overwrites them: copy what is to be kept.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from .blas import add_scaled
from .node import Node
from .tensors import flatten, offset

__all__ = ['Criterion', 'Module']


class Module(Node):
    """The base of all layers.

    A layer of one's own overrides `updateOutput`, `updateGradInput` and, where it has parameters, `accGradParameters`.
    Parameters named ``weight`` and ``bias`` with their ``gradWeight`` and ``gradBias`` need nothing more; others are
    named in `learned`.

    Torch7 manual: module.md#nn.Module
    """

    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    gradWeight: np.ndarray | None = None
    gradBias: np.ndarray | None = None
    train: bool | None = None
    shared: bool | None = None
    modules: list = []
    #: the fields of the parameters, each with that of its gradient
    learned: tuple[tuple[str, str], ...] = (('weight', 'gradWeight'), ('bias', 'gradBias'))
    #: the fields that clearState() empties
    cleared: tuple[str, ...] = ('output', 'gradInput')
    #: those of ``output`` and ``gradInput`` that are tables
    table_fields: tuple[str, ...] = ()

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
        `forward(input)` comes first."""
        self.updateGradInput(input, gradOutput)
        self.accGradParameters(input, gradOutput, scale)
        return self.gradInput

    def backwardUpdate(self, input: Any, gradOutput: Any, lr: float) -> Any:
        """`updateGradInput` and `accUpdateGradParameters` in one."""
        self.updateGradInput(input, gradOutput)
        self.accUpdateGradParameters(input, gradOutput, lr)
        return self.gradInput

    def updateOutput(self, input: Any) -> Any:
        """Compute ``output``."""
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        """Compute ``gradInput``, the gradient with respect to `input`."""
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        """Add `scale` times the gradient with respect to the parameters to ``gradWeight`` and ``gradBias``."""

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        """Add ``-lr`` times the gradient straight to the parameters: one step of gradient descent without a buffer for
        the gradient."""
        if self.shared:
            self.sharedAccUpdateGradParameters(input, gradOutput, lr)
        elif self.parameters()[0]:
            self.defaultAccUpdateGradParameters(input, gradOutput, lr)

    def defaultAccUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        """Accumulate with the parameters themselves in the place of their gradients."""
        gradients = [(gradient, getattr(self, gradient)) for _, gradient in self.learned]
        try:
            for name, gradient in self.learned:
                setattr(self, gradient, getattr(self, name))
            self.accGradParameters(input, gradOutput, -lr)
        finally:
            for gradient, tensor in gradients:
                setattr(self, gradient, tensor)

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

    def getParameters(self) -> tuple[np.ndarray, np.ndarray]:
        """All parameters as one flat vector, all gradients as another; the module's own become views of them.

        Shared parameters are in it once. A further call makes new vectors, and the ones made before go stale.

        Raises
        ------
        ValueError
            if weights are shared and their gradients are not, or the reverse
        """
        (flat, views), (flat_grad, grad_views) = map(flatten, self.parameters())
        if flat.size != flat_grad.size:
            raise self.error('check that you are sharing parameters and gradParameters')
        for i, (parameter, gradient) in enumerate(zip(views, grad_views, strict=True), 1):
            if offset(parameter) != offset(gradient):
                raise self.error(
                    f'misaligned parameter at {i}: check that you are sharing parameters and gradParameters'
                )
        olds, old_grads = self.parameters()
        new = {id(old): new for old, new in zip(olds + old_grads, views + grad_views, strict=True)}
        self.map_tensors(lambda tensor: new.get(id(tensor), tensor))
        return flat, flat_grad

    def zeroGradParameters(self) -> None:
        """Set all gradients to 0."""
        for gradient in self.parameters()[1]:
            gradient.fill(0)

    def updateParameters(self, learningRate: float) -> None:
        """parameter -= learningRate * gradient, for every parameter."""
        for parameter, gradient in zip(*self.parameters(), strict=True):
            add_scaled(parameter, -learningRate, gradient)

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
        """Draw the parameters anew."""
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
            if value is not None:
                setattr(
                    self,
                    name,
                    np.empty(0, value.dtype)
                    if isinstance(value, np.ndarray)
                    else []
                    if isinstance(value, (list, dict))
                    else None,
                )
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
        """Put `callback(module)` in the place of every module, this one and all that are in it."""
        replacement = callback(self)
        self.modules[:] = [module.replace(callback) for module in self.modules]
        return replacement

    flatten = staticmethod(flatten)


def inside(module: Callable[[Any], Module], name: str) -> property:
    """An attribute that is the one of this `name` of a module inside: one place for what two would have to share."""
    return property(lambda self: getattr(module(self), name), lambda self, value: setattr(module(self), name, value))


class Criterion(Node):
    """The base of all losses: a number from an input and a target, and its gradient with respect to the input.

    Torch7 manual: criterion.md#nn.Criterion
    """

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
        """Compute ``output``, the loss."""

    def updateGradInput(self, input: Any, target: Any = None) -> Any:
        """Compute ``gradInput``."""
