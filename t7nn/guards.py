"""What surrounds the methods of modules and criterions: arguments as in Lua, results that are kept, fields of the kinds
that are declared. `Node` and `Module` put these around what a class defines.
"""

import functools
import inspect
from collections.abc import Callable
from numbers import Integral, Real
from types import UnionType
from typing import Any, get_args

import numpy as np

from .tensors import describe

__all__ = [
    'check_learned',
    'declared',
    'keeps_result',
    'lua_constructor',
    'safe_str',
    'two_lists',
    'unlike',
    'with_real_scale',
]

#: for annotations of constructor arguments: the words of an error message, and what is accepted
_KINDS: dict[Any, tuple[str, tuple[type, ...]]] = {
    bool: ('True or False', (bool, np.bool_)),
    int: ('a whole number', (Integral,)),
    float: ('a number', (Real,)),
    str: ('a string', (str,)),
    type(None): ('nil', (type(None),)),
}


def unlike(value: Any, kinds: tuple) -> str:
    """What was expected where `value` is of none of these `kinds`; empty where it is, or one is no key of _KINDS."""
    if not all(kind in _KINDS for kind in kinds):
        return ''
    words, accepted = zip(*(_KINDS[kind] for kind in kinds), strict=True)
    flag = isinstance(value, (bool, np.bool_)) and bool not in kinds  # True is no number here
    return ' or '.join(words) if flag or not isinstance(value, sum(accepted, ())) else ''


@functools.cache
def declared(cls: type) -> dict[str, tuple]:
    """The kinds of the fields that `cls` and its bases declare as numbers, flags or strings; without those of every
    node that hold whatever is true or false."""
    annotations: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        annotations |= inspect.get_annotations(base)
    kinds = {
        name: get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
        for name, annotation in annotations.items()
        if name[0] != '_' and name not in ('typename', 'dontCast', 'train', 'shared')
    }
    return {name: each for name, each in kinds.items() if all(kind in _KINDS for kind in each)}


def _argument(typename: str, parameter: inspect.Parameter, argument: Any) -> Any:
    """What a constructor takes for `argument`: nil is the default where there is one, and 3.0 is a whole number."""
    if argument is None and parameter.default is not parameter.empty:
        return parameter.default
    annotation = parameter.annotation
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    if int in kinds and isinstance(argument, float) and argument.is_integer():
        return int(argument)
    words = unlike(argument, kinds)
    if words:
        text = f'{typename}: expected {words} as {parameter.name}, got {describe(argument)}'
        lua = '; 0 is true in Lua, so write True or False' if bool in kinds and isinstance(argument, Real) else ''
        raise TypeError(text + lua)
    return argument


def lua_constructor(init: Callable) -> Callable:
    """`init` that takes its arguments as Lua does, and refuses those that its annotations exclude."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def wrapper(self, *arguments, **named):
        try:
            bound = signature.bind(self, *arguments, **named)
        except TypeError:
            return init(self, *arguments, **named)  # Python's own error says it best
        for name, argument in bound.arguments.items():
            parameter = signature.parameters[name]
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                bound.arguments[name] = _argument(self.typename, parameter, argument)
        init(*bound.args, **bound.kwargs)
        if not hasattr(self, '_buffers'):  # not by __dict__: once it is asked for, every attribute takes longer
            raise TypeError(f'{self.typename}: expected its __init__ to call super().__init__()')

    return wrapper


def safe_str(text: Callable[[Any], str]) -> Callable[[Any], str]:
    """A `__str__` that also prints an object of which a field is missing or of the wrong kind, as files may have it."""

    @functools.wraps(text)
    def wrapper(self) -> str:
        try:
            return text(self)
        except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            return f'{self.typename} (incomplete: {error})'

    return wrapper


def keeps_result(method: Callable, name: str) -> Callable:
    """A method that has to leave what it returns in the field `name`, where containers and the trainer look for it.

    A number, as a loss is, is put there.
    """

    @functools.wraps(method)
    def wrapper(self, *arguments, **named):
        result = method(self, *arguments, **named)
        if isinstance(result, Real):
            setattr(self, name, result)
        elif result is not getattr(self, name):
            text = f'expected {method.__name__} to return what it puts into self.{name}'
            if result is None:
                raise self.error(f'{text}, got nil; end it with return self.{name}', TypeError)
            raise self.error(f'{text}, got something else; write self.{name} = ... before it returns')
        return result

    return wrapper


def with_real_scale(method: Callable) -> Callable:
    """An `accGradParameters` whose scale is a real number: an array or a complex number would be cut in silence."""

    @functools.wraps(method)
    def wrapper(self, input, gradOutput, scale=1):
        scale = scale if scale.__class__ is float else self.number(scale, 'scale')
        if not self._ones_own:
            return method(self, input, gradOutput, scale)
        before = [(name, getattr(self, name)) for _, name in self.learned]
        method(self, input, gradOutput, scale)
        for name, gradient in before:
            # a new array in the place of a gradient: the flat vector of getParameters knows the old one
            new = getattr(self, name)
            if new is not gradient and isinstance(gradient, np.ndarray) and np.shape(new) == gradient.shape:
                gradient[...] = new
                setattr(self, name, gradient)

    return wrapper


def check_learned(cls: Any) -> None:
    """Raise unless `learned` is pairs of names of public fields."""
    for pair in cls.learned if isinstance(cls.learned, (tuple, list)) else ('',):
        names = pair if isinstance(pair, (tuple, list)) else ()
        if len(names) != 2 or not all(isinstance(name, str) and name.isidentifier() for name in names):
            raise TypeError(
                f"{cls.typename}: expected learned = (('alpha', 'gradAlpha'),), a pair of names for each parameter, "
                f'got {cls.learned!r}'
            )
        if any(name[0] == '_' for name in names):
            raise TypeError(f'{cls.typename}: expected public names in learned, since _ marks scratch, got {pair!r}')


def two_lists(method: Callable) -> Callable:
    """A `parameters` that gives two lists: none where it returns nothing, as Torch7 allows."""

    @functools.wraps(method)
    def wrapper(self):
        result = method(self)
        if result is None:
            return [], []
        is_pair = isinstance(result, (tuple, list)) and len(result) == 2
        if not is_pair or any(isinstance(part, (np.ndarray, str)) or not hasattr(part, '__iter__') for part in result):
            got = describe(result)
            raise self.error(
                f'expected two lists from parameters(), parameters and their gradients, got {got}', TypeError
            )
        return list(result[0]), list(result[1])

    return wrapper
