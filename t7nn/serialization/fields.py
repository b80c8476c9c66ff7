"""The fields that a class declares in its body, and whether what a file gives fits them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache
from types import FunctionType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np

from ..module import Criterion, Module
from ..node import Node
from .values import Storage, TorchObject, brief

__all__ = ['declared', 'is_constant', 'misfit', 'optional']

_METHODS = (FunctionType, property, classmethod, staticmethod)
#: what t7nn says about a class, and no object of a file may change
_CONSTANTS = frozenset(['cleared', 'dtype', 'learned', 'table_fields', 'typename'])


@cache
def declared(cls: type) -> dict[str, Any]:
    """The public fields of a class with their types: those that its body and its bases' annotate or give a value, and
    the arguments of its constructor, which a file may lack.

    A value without a type stands for a number or a boolean of any value, or for anything.
    """
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base is object:
            continue
        for name, value in vars(base).items():
            if isinstance(value, _METHODS):
                found.pop(name, None)
            elif name[0] != '_' and name not in found:
                found[name] = {bool: bool, int: float, float: float}.get(type(value), Any)
        try:
            found |= inspect.get_annotations(base, eval_str=True)
        except NameError:  # a class of the caller's whose annotations only type checkers can read
            found |= dict.fromkeys(inspect.get_annotations(base), Any)
    arguments = inspect.signature(cls).parameters if issubclass(cls, Node) else {}
    for name, parameter in arguments.items():  # a field of its name keeps an argument
        if not hasattr(cls, name) and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            kind = parameter.annotation
            found.setdefault(name, kind | None if kind in (float, int) else Any)
    return {name: kind for name, kind in found.items() if name[0] != '_' and not is_constant(cls, name)}


def is_constant(cls: type, name: str) -> bool:
    """Whether a field of this name would hide one of the class's constants: a text or a tuple that is no state."""
    value = getattr(cls, name, None)
    return name in _CONSTANTS or isinstance(value, (str, tuple, list, type)) and bool(value)


#: types whose names stand in annotations as texts, since their classes are defined later
_LATER: dict[Any, type] = {'Module': Module, 'Criterion': Criterion}


def _kinds(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if isinstance(kind, UnionType) or get_origin(kind) is Union else (kind,)


def optional(kind: Any) -> bool:
    """Whether a field of this type may be nil."""
    return any(each in (Any, NoneType, None) for each in _kinds(kind))


def misfit(value: Any, kind: Any) -> str:
    """What was expected of a field of this type, and what came; empty where it fits."""
    if any(_fits(value, each) for each in _kinds(kind)):
        return ''
    words = [_WORDS.get(each, getattr(get_origin(each) or each, '__name__', str(each))) for each in _kinds(kind)]
    return f'{" or ".join(words)}, got {brief(value)}'


_WORDS = {int: 'a whole number', float: 'a number', bool: 'a boolean', str: 'a string', np.ndarray: 'a tensor'} | {
    list: 'a table',
    NoneType: 'nil',
}


def _fits(value: Any, kind: Any) -> bool:
    origin = get_origin(kind) or kind
    if kind is Any or not isinstance(origin, type):
        return True
    if origin is bool:
        return isinstance(value, bool)
    if origin in (int, float):
        return isinstance(value, (int, origin)) and not isinstance(value, bool)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and not isinstance(value, Storage)
    if issubclass(origin, Node):
        return isinstance(value, (origin, TorchObject))
    if origin in (list, tuple, Sequence):
        parts = get_args(kind)
        parts = parts[:1] if origin is not tuple or parts[1:] == (...,) else ()
        parts = tuple(_LATER.get(part, part) for part in parts)
        return isinstance(value, (list, tuple)) and all(not misfit(item, part) for part in parts for item in value)
    return isinstance(value, origin) if origin in (str, dict, NoneType) else True
