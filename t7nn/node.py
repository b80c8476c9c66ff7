"""What modules and criterions have in common: arguments as in Lua, checks and errors, buffers, casts and copies."""

import copy
import inspect
import itertools
import operator
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from .guards import declared, keeps_result, lua_constructor, safe_str, unlike
from .tensors import cast, describe, dtype_of, nested_map, offset, owner, plain, real, view

__all__ = ['DOUBLE', 'UNSEEN', 'Node']

DOUBLE = np.dtype(np.float64)
#: stands for an array before any was seen. No argument is this object, not even None, so a first call always checks.
UNSEEN: Any = object()


class _View:
    """An array that pickle and copy rebuild over its storage, so that arrays that share memory share it in the copy."""

    def __init__(self, array: np.ndarray):
        self.array = array

    def __reduce__(self):
        return view, (owner(self.array), offset(self.array), self.array.shape, self.array.strides)


def _with_views(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_with_views, value))
    if isinstance(value, dict):
        return {key: _with_views(item) for key, item in value.items()}
    return _View(value) if isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray) else value


class Node:
    """What modules and criterions have in common.

    Public attributes are state and have Torch7's names. Attributes that begin with ``_`` are scratch: never saved,
    never copied, dropped at any time.
    """

    #: the name in Torch7, in messages and in files: ``'nn.' +`` the class's name
    typename: str
    #: the type of all its tensors
    dtype: np.dtype
    #: the gradient with respect to the input; None in a module asks for none
    gradInput: Any
    #: whether the result is written over the input, in layers that offer it: those declare this field
    inplace = False
    #: whether type() passes this node by when it casts a network
    dontCast: bool = False
    _buffers: dict[str, np.ndarray]
    #: whether the class is one's own, of which nothing is known: not one of t7nn
    _ones_own: bool = False

    def __init__(self):
        self.dtype = DOUBLE
        self.gradInput = np.empty(0)
        self._buffers = {}

    def __init_subclass__(cls, **named: Any):
        super().__init_subclass__(**named)
        cls.typename = 'nn.' + cls.__name__
        cls._ones_own = not cls.__module__.startswith('t7nn.')
        for method, name in (('updateOutput', 'output'), ('updateGradInput', 'gradInput')):
            if cls._ones_own and inspect.isfunction(vars(cls).get(method)):
                setattr(cls, method, keeps_result(vars(cls)[method], name))
        if '__init__' in vars(cls):
            cls.__init__ = lua_constructor(cls.__init__)  # type: ignore[method-assign]
        if '__str__' in vars(cls):
            cls.__str__ = safe_str(cls.__str__)  # type: ignore[method-assign]

    def __str__(self) -> str:
        return self.typename

    def __repr__(self) -> str:
        return str(self)

    # Checks and errors

    def error(self, text: str, kind: type[Exception] = ValueError) -> Exception:
        """The exception that says what this module expected and what it got."""
        return kind(f'{str(self).partition(" {")[0]}: {text}')

    def check(self, tensor: Any, what: str = 'input', shape: tuple[int, ...] | None = None) -> np.ndarray:
        """`tensor` as a plain array, whose dtype is this module's and whose shape is `shape` where one is given.

        A buffer of the module's own that comes back as an argument is left to the caller: the next result goes to
        other memory.

        Raises
        ------
        TypeError
            if it is no array, masked, or of another dtype
        ValueError
            if it has another shape
        """
        if tensor.__class__ is not np.ndarray:
            tensor = plain(tensor, lambda got: self.error(f'expected a tensor as {what}, got {got}', TypeError))
        if tensor.dtype != self.dtype:
            raise self.error(
                f'expected {what} of {self.dtype}, got {tensor.dtype}{self._ways_to_cast(tensor)}', TypeError
            )
        if shape is not None and tensor.shape != shape:
            raise self.error(f'expected {what} of shape {shape}, got shape {tensor.shape}')
        for name, array in self._buffers.items():
            if tensor is array or tensor.base is array:
                del self._buffers[name]
                break
        return tensor

    def _ways_to_cast(self, tensor: np.ndarray) -> str:
        """What to do about a dtype; only casts that keep the network."""
        one = f'x.astype("{self.dtype}")'
        if tensor.dtype.kind not in 'biuf':
            return ''
        if tensor.dtype in (np.float32, np.float64) and tensor.dtype.isnative:
            return f'; cast one of them: module.type("{tensor.dtype}") or {one}'
        return f'; cast it: {one}'

    def number(self, value: Any, what: str) -> float:
        """`value` as a Python number; a TypeError where it is none, such as an array or a complex number."""
        try:
            return real(value, what)
        except TypeError as error:
            raise self.error(str(error), TypeError) from None

    def check_table(self, table: Any, size: int | None = None, what: str = 'input') -> None:
        """Raise a TypeError unless `table` is a list or tuple, a ValueError unless it has `size` items."""
        is_table = isinstance(table, (list, tuple))
        if not is_table or size is not None and len(table) != size:
            wanted = 'a table' if size is None else f'a table of {size}'
            kind = ValueError if is_table else TypeError
            raise self.error(f'expected {wanted} as {what}, got {describe(table)}', kind)

    def check_tensors(
        self,
        table: Any,
        size: int | None = None,
        what: str = 'input',
        shape: tuple[int, ...] | None = None,
        alike: bool = False,
    ) -> list[np.ndarray]:
        """`table` as a list of `size` plain arrays of this module's dtype, each of `shape`, or all `alike` of one
        shape."""
        self.check_table(table, size, what)
        if alike and table:
            shape = getattr(table[0], 'shape', None)
        return [self.check(tensor, f'{what}[{i}]', shape) for i, tensor in enumerate(table, 1)]

    def axis_of(self, dimension: int, ndim: int, nInputDims: int | None = None) -> int:
        """The axis, from 0, of the `dimension` of a tensor of `ndim` dimensions: counted from 1, or from the end where
        negative. Where a sample has `nInputDims` dimensions and the tensor one more, the first is the batch's and not
        counted."""
        batch = dimension > 0 and nInputDims is not None and ndim == nInputDims + 1
        axis = dimension - 1 + batch if dimension > 0 else dimension + ndim
        if not dimension or not 0 <= axis < ndim:
            raise self.error(f'expected dimension {dimension}, counted from 1, got a tensor of {ndim} dimensions')
        return axis

    def zero_based(self, numbers: np.ndarray, size: int, what: str = 'index') -> np.ndarray:
        """`numbers` from 1 to `size` as whole numbers from 0; an IndexError names the first that is not, and where."""
        wrong = ~((numbers >= 1) & (numbers <= size))
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0].tolist())
            position = ', '.join(str(i + 1) for i in place)
            raise self.error(f'expected {what} in 1..{size}, got {numbers[place]} at position {position}', IndexError)
        return numbers.astype(np.int64) - 1

    def check_fields(self) -> None:
        """Raise a TypeError unless every field that a class declares as a number, a flag or a string is one."""
        for name, kinds in declared(type(self)).items():  # type: ignore[arg-type]  # mypy: a class is hashable
            value = getattr(self, name, None)
            if value.__class__ in kinds:
                continue
            if int in kinds and isinstance(value, float) and value.is_integer():
                setattr(self, name, int(value))
            else:
                words = unlike(value, kinds)
                if words:
                    raise self.error(f'expected {words} as {name}, got {describe(value)}', TypeError)

    # Buffers

    def buffer(self, name: str, shape: tuple[int, ...], dtype: np.dtype | None = None) -> np.ndarray:
        """An array of `shape`, kept from call to call under `name` (``output``, ``gradInput`` or scratch); its values
        are arbitrary."""
        array = self._buffers.get(name)
        if array is None or array.shape != shape or array.dtype != (dtype or self.dtype):
            array = self._buffers[name] = np.empty(shape, dtype or self.dtype)
        setattr(self, name, array)
        return array

    def buffer_like(self, name: str, tensor: np.ndarray, what: str = 'input') -> np.ndarray:
        """`buffer` of the shape of `tensor`, which is checked."""
        return self.buffer(name, self.check(tensor, what).shape)

    def works_in_place(self) -> bool:
        """Whether results are written over the arguments: ``inplace``, which has no effect in a layer of Torch7's that
        does not offer it."""
        if self.inplace is False:
            return False
        self.check_fields()
        return bool(self.inplace) and (self._ones_own or 'inplace' in declared(type(self)))  # type: ignore[arg-type]  # as above

    def destination(self, name: str, tensor: np.ndarray, what: str = 'input') -> np.ndarray:
        """Where an elementwise result goes: `tensor` itself, which has been checked, if the module works in place, else
        a `buffer` of its shape."""
        if not tensor.ndim:
            raise self.error(f'expected at least one dimension in {what}, got shape ()')
        if not self.works_in_place():
            return self.buffer(name, tensor.shape)
        if not tensor.flags.writeable:
            raise self.error(f'expected a writable {what}, since inplace writes over it, got a read-only one')
        setattr(self, name, tensor)
        return tensor

    def buffer_table(self, name: str, like: Any) -> Any:
        """`buffer` for every array in the tables of tables `like`, in the same form; None for what is no array."""
        count = itertools.count(1)
        table = nested_map(
            lambda tensor: (
                self.buffer(f'_{name}{next(count)}', tensor.shape, tensor.dtype)
                if isinstance(tensor, np.ndarray)
                else None
            ),
            like,
        )
        setattr(self, name, table)
        return table

    def zeros_table(self, name: str, like: Any) -> Any:
        """`buffer_table` filled with 0."""
        table = self.buffer_table(name, like)
        nested_map(lambda tensor: tensor is None or tensor.fill(0), table)
        return table

    def update_tables(self, function: Callable, total: Any, part: Any) -> None:
        """`function(total, part)`, which changes total, for gradients that are tensors or tables of one form; where
        None stands nothing is done."""

        def update(total, part):
            if total is not None:
                if not isinstance(part, np.ndarray) or part.shape != total.shape:
                    raise ValueError(f'expected gradient of shape {total.shape}, got {describe(part)}')
                if part.dtype != total.dtype:
                    raise ValueError(f'expected gradient of {total.dtype}, got {part.dtype}')
                function(total, part)

        try:
            nested_map(update, total, part)
        except ValueError as error:
            raise self.error(str(error)) from None

    def sum_gradients(self, gradients: list) -> Any:
        """The sum of `gradients`, which are tensors or tables of one form, in ``gradInput``; None where there are
        none."""
        if not gradients:
            self.gradInput = None
        else:
            total = self.buffer_table('gradInput', gradients[0])
            for i, gradient in enumerate(gradients):
                self.update_tables(operator.iadd if i else np.copyto, total, gradient)
        return self.gradInput

    # State

    def __getstate__(self) -> dict:
        return {key: _with_views(value) for key, value in self.__dict__.items() if not key.startswith('_')}

    def __setstate__(self, state: dict) -> None:
        for name, value in state.items():  # not by __dict__: once it is asked for, every attribute takes longer
            setattr(self, name, value)
        self.dtype = dtype_of(self.dtype)
        self._buffers = {}

    def __copy__(self) -> Self:
        twin = object.__new__(self.__class__)
        twin.__setstate__({key: value for key, value in self.__dict__.items() if not key.startswith('_')})
        return twin

    def clone(self) -> Self:
        """A copy that shares nothing with the original; what is shared within it stays shared."""
        return copy.deepcopy(self)

    def type(self, type: Any = None, tensorCache: dict | None = None) -> Any:
        """Cast every tensor, at any depth, or tell the dtype where no `type` is given.

        Parameters
        ----------
        type
            ``'torch.FloatTensor'``, ``'float32'``, ``numpy.float32`` ...
        tensorCache
            a dict handed to several calls keeps what their modules share shared
        """
        if type is None:
            return self.dtype
        if not isinstance(tensorCache, (dict, None.__class__)):
            raise self.error(f'expected a dict as tensorCache, got {describe(tensorCache)}', TypeError)
        dtype, cache = dtype_of(type), {} if tensorCache is None else tensorCache
        kinds = {self.dtype.kind, 'f'}  # indices and masks in a network of floating-point numbers stay as they are

        self.map_tensors(
            lambda tensor: cast(tensor, dtype, cache) if tensor.dtype.kind in kinds else tensor,
            lambda node: node.take_type(dtype),
        )
        return self

    def take_type(self, dtype: np.dtype) -> bool:
        """Work in `dtype` from now on, and tell whether the tensors inside are to follow."""
        if self.dontCast:
            return False
        self.dtype = dtype
        self.drop_scratch()
        return True

    def float(self, tensorCache: dict | None = None) -> Self:
        """Cast to float32."""
        return self.type(np.float32, tensorCache)

    def double(self, tensorCache: dict | None = None) -> Self:
        """Cast to float64."""
        return self.type(np.float64, tensorCache)

    def drop_scratch(self) -> None:
        """Forget all buffers and every other attribute that begins with ``_``."""
        for key in [key for key in self.__dict__ if key.startswith('_')]:
            del self.__dict__[key]
        self._buffers = {}

    def map_tensors(self, function: Callable, visit: Callable = lambda node: True) -> None:
        """Put `function(tensor)` in the place of every tensor of this node's state, also within tables and other nodes.

        `visit` is called for every node once, and says whether to go into it.
        """
        seen = set()

        def mapped(value):
            if isinstance(value, np.ndarray):
                return function(value)
            if isinstance(value, Node):
                if id(value) not in seen:
                    seen.add(id(value))
                    for key, item in list(value.__dict__.items()) if visit(value) else ():
                        if not key.startswith('_'):
                            setattr(value, key, mapped(item))
            elif isinstance(value, list):
                value[:] = map(mapped, value)
            elif isinstance(value, dict):
                value.update((key, mapped(item)) for key, item in value.items())
            elif type(value) is tuple:
                return tuple(map(mapped, value))
            return value

        mapped(self)
