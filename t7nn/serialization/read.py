"""Read .t7 files: bytes to values.

A file is data: nothing in it is executed or imported, and nesting is followed with an explicit stack. Whatever is wrong
ends in one T7Error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..module import Module
from ..tensors import offset, owner, view
from .classes import Extra, Live, Walk, generator
from .sources import MAPPED_BYTES, AsciiSource, BinarySource
from .stack import FUNCTION6, FUNCTION7, FUNCTION8, NIL, OBJECT, TABLE, Open, Stack
from .unknown import adopt
from .values import STORAGES, TENSORS, Hash, ObjectKey, Storage, T7Error, TorchFunction, TorchObject, Vec, brief

__all__ = ['Reader']

MOST_STRIDE = 1 << 56
MOST_ELEMENTS = 1 << 31  # of a tensor whose elements overlap (expanded: stride 0): it takes no memory itself


class Reader(Stack):
    """The objects of one file, one after the other; references reach back over all of them."""

    def __init__(
        self, source: BinarySource | AsciiSource, live: bool = True, classes: Mapping[str, type] | None = None
    ):
        super().__init__()
        self.source, self.live, self.classes = source, live, classes or {}
        self._live: list[tuple[Live, int]] = []  # what is still to be done when all is read
        self._unsettled: list[list | dict] = []
        self._records: list[TorchObject] = []  # of classes that t7nn does not have
        self._mapped: dict[int, np.ndarray] = {}  # storages that look into the file, by index
        self._may_map = True
        self.extra = Extra()
        self._inLive = 0  # how many live objects are open

    def readObject(self) -> Any:
        """The next object."""
        start, counts = self.source.position, (len(self.objects), len(self.storages))
        value = self._read_settled()
        if self._mapped and self._shows_modules_mapped():
            # it came before the module that uses it: read once more, without looking into the file
            self._unmap(*counts)
            self.source.position = start
            value = self._read_settled()
        self.extra.limit = 8 * max(self.source.end, self.source.position) + MAPPED_BYTES
        self._finish()
        return value

    def _read_settled(self) -> Any:
        self._live, self._unsettled, self._records, self._inLive = [], [], [], 0
        try:
            value = self._read()
        except T7Error as error:
            self._say_where(error)
            raise
        self._settle()
        return value

    def _shows_modules_mapped(self) -> bool:
        """Whether a live object has a tensor that looks into the file."""
        mapped, seen = {id(storage) for storage in self._mapped.values()}, set()
        stack: list[Any] = [live.fields for live, _ in self._live]
        while stack:
            value = stack.pop()
            if isinstance(value, np.ndarray) and id(owner(value)) in mapped:
                return True
            if isinstance(value, (list, dict, TorchObject)) and id(value) not in seen:
                seen.add(id(value))
                fields = value.fields if isinstance(value, TorchObject) else value
                stack += fields.values() if isinstance(fields, dict) else fields if isinstance(fields, list) else ()
        return False

    def _unmap(self, objects: int, storages: int) -> None:
        """Forget all but the first `objects` and `storages`, and let none of them look into the file any more."""
        while len(self.objects) > objects:
            self.objects.popitem()
        while len(self.storages) > storages:
            self.storages.popitem()
        self._may_map = False
        copies = {}
        for index, storage in self._mapped.items():
            if index in self.storages:
                copies[id(storage)] = self.storages[index] = storage.copy()
        for index, value in self.objects.items():
            copy = copies.get(id(owner(value))) if isinstance(value, np.ndarray) else None
            if copy is not None:
                self.objects[index] = view(copy, offset(value), value.shape, value.strides).view(type(value))
        self._mapped = {}

    def _finish(self) -> None:
        """Bring the live objects up to date, now that all references are resolved."""
        steps: list[Callable[[Live], None]] = [lambda live: live.finish(self.extra)]
        steps += [Walk().visit, lambda live: live.complete(), lambda live: live.check()]
        for step in steps:  # each for all, inner ones first
            for live, start in self._live:
                try:
                    step(live)
                except _UNUSABLE as error:
                    raise T7Error(f'{live.typename} with usable fields expected: {error}', start) from error
        for record in self._records:  # an unknown container may hold known modules
            modules = record.get('modules')
            if isinstance(modules, list) and any(isinstance(module, Module) for module in modules):
                adopt(record)

    def _say_where(self, error: T7Error) -> None:
        """Note the unknown class in which the error came: it may have written itself in a way of its own."""
        targets = [ready.target[0] for ready in [*self.stack, self.now] if ready.code == OBJECT]
        unknown = [target.typename for target in targets if isinstance(target, TorchObject)]
        if unknown:
            error.add_note(
                f'in {unknown[-1]}, a class that t7nn does not have and that may write itself in its own way'
            )

    def _read(self) -> Any:
        source, objects = self.source, self.objects
        root = self.now = Open(NIL, 1)
        self.stack = []
        while code := source.run(self):
            index, start = source.value, source.start
            value = objects.get(index) if code != FUNCTION6 else None
            if value is None:
                value = self._begin(code, index, start)
                if value is None:
                    continue
            else:
                self._check_reference(code, index, value, start)
                self.now.special |= type(value) is Open
            self.add(value)
        return root[0]

    def _begin(self, code: int, index: int, start: int) -> Any:
        """An object that comes for the first time; None if other objects are part of it, which is open then."""
        source = self.source
        value: Any
        if code in (FUNCTION6, FUNCTION7, FUNCTION8):
            function = TorchFunction(source.text(), None, code)
            if code != FUNCTION6:
                self.objects[index] = function
            self.open(code, 1, function)
            return None
        if code != OBJECT:
            raise T7Error(f'a type code from 0 to 8 expected, got {code}', start)
        if index in self.storages:
            value = self.storages[index].view(Storage)
        else:
            behind = source.position
            version, name = source.head()
            if name in TENSORS:
                value = self._tensor(TENSORS[name], start, behind)
            elif name in STORAGES:
                value = self._storage(STORAGES[name], index).view(Storage)
            elif name == 'torch.Generator':
                state = source.generator()
                try:
                    value = generator(state)
                except ValueError as error:
                    raise T7Error(f"a torch.Generator's state expected: {error}", start) from None
            elif name == 'torch.Timer':  # has no body
                value = TorchObject(name, b'', version)
            elif name == 'tds.AtomicCounter':
                value = TorchObject(name, source.long('a counter'), version)
            elif name in TDS:
                return self._open_tds(name, index, start)
            else:
                live = Live.of(name, version, self.classes) if self.live else None
                self._inLive += live is not None
                target = self.objects[index] = TorchObject(name, None, version) if live is None else live.target
                if live is None:
                    self._records.append(target)
                self.open(OBJECT, Live.parts(name, version), (target, live, start))
                return None
        self.objects[index] = value
        return value

    def _open_tds(self, name: str, index: int, start: int) -> None:
        """A tds.Hash or tds.Vec: a count, then as many keys with their values, or values."""
        kind, parts = TDS[name]
        count = self.source.long(f'the size of a {name}')
        if not 0 <= parts * count <= self.source.left():
            raise T7Error(f'a {name} of {count} expected, more than the file can hold', start)
        target = self.objects[index] = kind()
        self.open(OBJECT, parts * count, (target, None, start))

    def _check_reference(self, code: int, index: int, value: Any, start: int) -> None:
        """Whether an object was written under this type code when it came first."""
        if isinstance(value, (TorchFunction, Open)):
            first = value.code
        else:
            first = TABLE if isinstance(value, (list, dict)) and type(value) not in (Hash, Vec) else OBJECT
        if code != first:
            raise T7Error(f'a type code from 0 to 8 or a reference to {brief(value)} expected, got {code}', start)

    def _storage(self, dtype: np.dtype, index: int) -> np.ndarray:
        keep = self._may_map and not self._inLive
        values = self.storages[index] = self.source.array(dtype, keep)
        if keep and values.nbytes >= MAPPED_BYTES and self.source.mapped and values.base is not None:
            self._mapped[index] = values
        return values

    def _tensor(self, dtype: np.dtype, start: int, behind: int) -> np.ndarray:
        """A tensor from behind its class on. It begins at `start`, and its index ends at `behind`."""
        source = self.source
        sizes, strides, offset, code, index = source.tensor()
        storage, own = None, False
        if code == OBJECT:
            storage = self.storages.get(index)
            if storage is None and index not in self.objects:
                _, name = source.head()
                if STORAGES.get(name) is dtype:
                    storage, own = self._storage(dtype, index), True
            if storage is None or storage.dtype != dtype:
                raise T7Error(f'a storage of {dtype} expected for this tensor', start)
        elif code != NIL:
            raise T7Error(f"a tensor's storage or nil expected, got type code {code}", start)
        if not sizes:
            return np.empty(0, dtype) if storage is None else storage[:0]
        storage = np.empty(0, dtype) if storage is None else storage
        tensor = _view(dtype, sizes, strides, offset, storage, start)
        if own:
            source.remember(behind, tensor, storage)
        return tensor

    def end(self, ready: Open) -> Any:
        """The object whose parts are all there."""
        if ready.code == TABLE:
            table = self._table(ready)
            self.objects[ready.target] = ready.target = table
            return table
        if ready.code == OBJECT and type(ready.target[0]) in (Hash, Vec):
            return self._fill(ready.target[0], ready)
        value = ready[-1]
        if ready.code == OBJECT:
            target, live, start = ready.target
            if type(value) is not dict and (type(value) is not list or value):
                name = live.typename if live else target.typename
                raise T7Error(f'a table with the fields of {name} expected, got {brief(value)}', self.source.position)
            (live or target).fields = value or {}
            if live:
                self._inLive -= 1
                self._live.append((live, start))
            elif len(ready) > 1:
                target.header = _settled(ready[0])
            return target
        if type(value) is not list:
            raise T7Error(f"a function's list of upvalues expected, got {brief(value)}", self.source.position)
        ready.target.upvalues = value
        return ready.target

    def _fill(self, target: Hash | Vec, parts: Open) -> Hash | Vec:
        """Give a tds.Hash or tds.Vec what it holds."""
        if isinstance(target, Vec):
            target.extend(parts)
        else:
            keys = [ObjectKey(key) if isinstance(key, _UNHASHABLE) else key for key in parts[::2]]
            if len(set(keys)) < len(keys):  # True == 1 in Python, but not in Lua
                keys = [ObjectKey(key) if type(key) is bool else key for key in keys]
            target.update(zip(keys, parts[1::2], strict=True))
            if len(target) < len(keys) or any(key is None or key != key for key in keys):
                raise T7Error(
                    'a tds.Hash with keys that differ and are neither nil nor nan expected', self.source.position
                )
        if Open in set(map(type, parts)):
            self._unsettled.append(target)
        return target

    def _table(self, ready: Open) -> list | dict:
        """A finished table: a list if its keys are 1 to n, else a dict."""
        table: list | dict | None = None
        if not ready.special:
            keys, values = ready[::2], ready[1::2]
            if set(map(type, keys)) == _TEXT:
                table = dict(zip(keys, values))  # noqa: B905 (half of the time that a small table takes)
                if len(table) == len(keys):
                    self.source.learn(keys)
                    return table
        else:
            pairs = [(key, value) for key, value in zip(ready[::2], ready[1::2], strict=True) if value is not None]
            keys, values = [key for key, _ in pairs], [value for _, value in pairs]
        kinds, table = set(map(type, keys)), None
        if kinds <= {int}:
            numbered = list(range(1, len(keys) + 1))
            if keys == numbered:
                table = values
            elif sorted(keys) == numbered:
                table = [value for _, value in sorted(zip(keys, values, strict=True), key=lambda pair: pair[0])]
        elif not kinds <= _PLAIN:
            keys = [ObjectKey(key) if isinstance(key, _UNHASHABLE) else key for key in keys]
        if table is None:
            table = dict(zip(keys, values, strict=True))
            if len(table) < len(keys) and bool in kinds:  # True == 1 in Python, but not in Lua
                keys = [ObjectKey(key) if type(key) is bool else key for key in keys]
                table = dict(zip(keys, values, strict=True))
            if len(table) < len(keys) or type(None) in kinds or float in kinds and any(key != key for key in keys):
                raise T7Error(
                    'a table with keys that differ and are neither nil nor nan expected', self.source.position
                )
        if ready.special and any(type(value) is Open for value in values) or Open in kinds:
            self._unsettled.append(table)
        return table

    def _settle(self) -> None:
        """Put the finished tables where a table refers to one that was still open around it."""
        for table in self._unsettled:
            if isinstance(table, list):
                table[:] = map(_settled, table)
            else:
                pairs = [(_settled(key), _settled(value)) for key, value in table.items()]
                table.clear()
                table.update(pairs)


def _settled(value: Any) -> Any:
    if type(value) is ObjectKey:
        return ObjectKey(_settled(value.value))
    return value.target if type(value) is Open else value


def _view(dtype: np.dtype, sizes, strides, offset: int, storage: np.ndarray, start: int) -> np.ndarray:
    """The tensor of these numbers, if it lies within its storage."""
    size, last, elements, count = dtype.itemsize, offset - 1, 1, storage.size
    for extent, stride in zip(sizes, strides):  # noqa: B905 (a quarter of the time that a small tensor takes)
        if extent < 1 or not 0 <= stride <= MOST_STRIDE:
            last = -1
            break
        last += (extent - 1) * stride
        elements *= extent
    if offset < 1 or not 0 <= last < count or elements > count and elements > MOST_ELEMENTS:
        raise T7Error(
            f'a tensor inside its storage of {count} expected, got sizes {_list(sizes)}, strides {_list(strides)}, '
            f'offset {offset}',
            start,
        )
    return np.ndarray(sizes, dtype, storage, (offset - 1) * size, [stride * size for stride in strides])


TDS: dict[str, tuple[type, int]] = {'tds.Hash': (Hash, 2), 'tds.Vec': (Vec, 1)}
_UNUSABLE = (ArithmeticError, AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)
_TEXT = {str}
_PLAIN = {int, float, str, bool}
_UNHASHABLE = (list, dict, np.ndarray)


def _list(numbers: tuple[int, ...]) -> str:
    return 'x'.join(map(str, numbers[:8])) + ('...' if len(numbers) > 8 else '')
