"""What in a layer of one's own looks as if it were trained and is not."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .module import Module

__all__ = ['untrained']


def untrained(module: Module) -> list[str]:
    """What looks as if it were trained and is not, or not by every way to train, and what to do, a sentence each.

    That is a tensor ``alpha`` with a ``gradAlpha`` beside it, or a module inside, that `parameters` leaves out, and
    a step that is written under a name that the trainer does not call.
    """
    own, cls = vars(module) if module._ones_own else {}, type(module)  # those of t7nn are known to be right
    if not own or 'parameters' in own:  # replaced in this one module, to freeze it for instance
        return []
    listed = module.parameters()[0]

    def is_left_out(tensor: np.ndarray) -> bool:
        return not any(isinstance(each, np.ndarray) and np.may_share_memory(each, tensor) for each in listed)

    found = []
    for name, gradient in _with_gradients(own):
        if is_left_out(own[name]):
            how = f"declare it in the class: learned = (('{name}', '{gradient}'),)"
            if (name, gradient) in module.learned:
                how = 'list it in parameters()'
            found.append(f'{name} has a gradient {gradient} beside it but is no parameter, so nothing trains it; {how}')
    for name, value in own.items():
        if name == 'modules' and cls.parameters is not Module.parameters:
            continue  # a container's, which knows them
        for inner in _modules_in(value):
            if any(map(is_left_out, inner.parameters()[0])):
                found.append(
                    f'{name} is a module whose parameters are not among parameters(), so nothing trains them; '
                    'derive from nn.Container and add() it, or override parameters()'
                )
    if not found:
        without_step = cls.accGradParameters is Module.accGradParameters
        if listed and without_step and cls.accUpdateGradParameters is Module.accUpdateGradParameters:
            found.append('it has parameters but no accGradParameters(input, gradOutput, scale), so nothing trains them')
        if not listed and not without_step and not module.modules:
            found.append('it has accGradParameters but parameters() names none, so nothing trains them')
        for name, called in (('forward', 'updateOutput'), ('backward', 'updateGradInput')):
            if getattr(cls, name) is not getattr(Module, name) and getattr(cls, called) is getattr(Module, called):
                found.append(f'it has {name} but no {called}, which is what containers and the trainer call')
    return found


def _with_gradients(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The names of tensors among `fields` and of what looks like their gradients: alpha with gradAlpha or grad_alpha, W
    with gradW, and, of one shape, W with dW."""
    for gradient, values in fields.items():
        for prefix in ('grad_', 'grad', 'd'):
            rest = gradient.removeprefix(prefix)
            for name in dict.fromkeys((rest, rest[:1].lower() + rest[1:])) if rest != gradient else ():
                tensor = fields.get(name)
                if name == 'input' or not isinstance(tensor, np.ndarray) or not isinstance(values, np.ndarray):
                    continue
                if prefix != 'd' or tensor.shape == values.shape:
                    yield name, gradient


def _modules_in(value: Any) -> Iterator[Module]:
    """The modules in a field: itself, or those in its lists and dicts."""
    if isinstance(value, Module):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _modules_in(item)
