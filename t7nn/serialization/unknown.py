"""Modules of classes that t7nn does not have, as children of networks: they do everything but compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from ..module import Module
from .values import DTYPES, TENSORS, TorchObject

__all__ = ['UnknownModule', 'adopt']


class UnknownModule(TorchObject, Module):
    """A record that stands as a module in a network: it can be walked, printed, counted, cast, saved and replaced, and
    set to evaluate. `forward` says what to do about it.

    Its state is in `fields`, as in every `TorchObject`.
    """

    #: where it stands
    _place: str = ''

    @property
    def modules(self) -> Sequence[Module]:  # type: ignore[override]
        children = self.fields.get('modules')
        return children if isinstance(children, list) and all(isinstance(each, Module) for each in children) else ()

    @property
    def train(self) -> bool | None:  # type: ignore[override]
        """False after `evaluate`."""
        return self.fields.get('train')

    @train.setter
    def train(self, value: bool | None) -> None:
        self.fields['train'] = value

    @property
    def output(self) -> Any:  # type: ignore[override]
        return self.fields.get('output')

    @property
    def gradInput(self) -> Any:  # type: ignore[override]
        return self.fields.get('gradInput')

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Its ``weight`` and ``bias``, where they have gradients, and the parameters of the modules inside."""
        weights: list[np.ndarray] = []
        gradients: list[np.ndarray] = []
        for name, its in self.learned:
            weight, gradient = self.fields.get(name), self.fields.get(its)
            if isinstance(weight, np.ndarray) and isinstance(gradient, np.ndarray):
                weights.append(weight)
                gradients.append(gradient)
        for module in self.modules:
            inner = module.parameters()
            weights += inner[0]
            gradients += inner[1]
        return weights, gradients

    def training(self) -> None:
        super().training()
        for module in self.modules:
            module.training()

    def evaluate(self) -> None:
        super().evaluate()
        for module in self.modules:
            module.evaluate()

    def take_type(self, dtype: np.dtype) -> bool:
        if '_type' in self.fields:
            self.fields['_type'] = next(name for name, each in TENSORS.items() if each == dtype)
        return super().take_type(dtype)

    def clearState(self) -> UnknownModule:
        for name in self.cleared:
            value = self.fields.get(name)
            if value is not None:
                self.fields[name] = np.empty(0, value.dtype) if isinstance(value, np.ndarray) else []
        for module in self.modules:
            module.clearState()
        return self

    def _refuse_to_compute(self) -> NoReturn:
        names = ', '.join(str(name) for name in self.fields) or 'none'
        name = repr(self.typename)
        raise TypeError(
            f'{self.typename}{self._place}: expected a class of t7nn, got one that it does not have, with the fields '
            f'{names}. Give a class of your own when you load, nn.load(path, classes={{{name}: MyClass}}), or put '
            f'another module in its place, net.replace(lambda m: MyClass(...) if m.typename == {name} else m)'
        )

    def updateOutput(self, input: Any) -> Any:
        self._refuse_to_compute()

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        self._refuse_to_compute()

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        self._refuse_to_compute()

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        self._refuse_to_compute()

    def __str__(self) -> str:
        return f'{self.typename} (not a class of t7nn)'


def adopt(value: Any, place: str = '') -> None:
    """Let a record that stands where a module belongs, and the records in its ``modules``, be modules."""
    records = [(value, place)]
    while records:
        record, place = records.pop()
        if type(record) is not TorchObject or record.fields != [] and not isinstance(record.fields, dict):
            continue
        record.fields = record.fields or {}
        tensors = [each for each in record.fields.values() if isinstance(each, np.ndarray) and each.dtype.kind == 'f']
        kind = record.fields.get('_type')
        known = TENSORS.get(kind) if isinstance(kind, str) else None
        dtype = known or (tensors[0].dtype if tensors else DTYPES['Double'])
        record.__class__ = UnknownModule  # references to it are all over the file's values, so it stays the same object
        vars(record).update(dtype=dtype, _buffers={}, _place=place)
        children = record.fields.get('modules')
        for i, child in enumerate(children if isinstance(children, list) else (), 1):
            records.append((child, f', child {i} of {record.typename}'))
