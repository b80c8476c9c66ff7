"""Look into .t7 files and convert them: ``python -m t7nn inspect`` and ``python -m t7nn convert``."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
import zipfile
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

import numpy as np

from ..module import Criterion, Module
from ..training import StochasticGradient
from .files import NewFile, T7Reader, T7Writer
from .graph import sources_of
from .unknown import UnknownModule
from .values import TYPE_OF, Storage, T7Error, TorchFunction, TorchObject, brief

__all__ = ['convert', 'describe', 'entries', 'tensors']

MOST_DEPTH = 60  # of a table that is looked into
SCREEN = 40  # lines, where there is no terminal that has a height
WIDTH = 100  # characters of a line for the numbers of a list


def _fields(value: Any) -> dict:
    """The fields of an object; empty for what has none."""
    if isinstance(value, TorchObject):
        return value.fields if isinstance(value.fields, dict) else {}
    if isinstance(value, (Module, Criterion, StochasticGradient)):
        own = vars(value)
        return {key: own[key] for key in own if key[0] != '_' and key not in ('dtype', 'log', 'typename')}
    return {}


def _modules(value: Any) -> list:
    """The modules inside a module, live or not; empty for all else."""
    modules = _fields(value).get('modules')
    return modules if isinstance(modules, list) else []


def _is_network(value: Any) -> bool:
    known = isinstance(value, TorchObject) and not {'modules', 'gradInput'}.isdisjoint(_fields(value))
    return known or isinstance(value, Module)


def _name(key: Any) -> str:
    """A key of a table in one line."""
    plain = isinstance(key, str) and key.isprintable() and key.strip() == key != ''
    return key if plain else str(key) if type(key) is int else brief(key)


def _parts(value: Any) -> list[tuple[str, Any]]:
    """What a value consists of, each with its name; positions count from 1."""
    if _is_network(value):
        modules = {id(module): (f'({i})', module) for i, module in enumerate(_modules(value), 1)}
        if len(modules) < len(_modules(value)):  # one comes twice
            return [(f'({i})', module) for i, module in enumerate(_modules(value), 1)]
        in_order = [modules.pop(key) for key in _sources(value) if key in modules]
        return in_order + list(modules.values())
    if isinstance(value, Criterion):
        return []
    if isinstance(value, (TorchObject, StochasticGradient)):
        value = _fields(value)
    elif isinstance(value, TorchFunction):
        value = value.upvalues
    if isinstance(value, (list, tuple)):
        return [] if _is_plain(value) else [(str(i), item) for i, item in enumerate(value, 1)]
    if isinstance(value, dict):
        return [(_name(key), item) for key, item in value.items() if item is not None]
    return []


def _sources(value: Any) -> dict[int, str]:
    """What feeds each node's module of a graph, by its id, in the order in which they run."""
    return {id(module): ', '.join(sources) for module, sources in sources_of(_fields(value))}


_PLAIN = {int, float, bool, str, type(None)}


def _is_plain(table: list | tuple) -> bool:
    """Whether a list holds nothing but numbers and texts: it is shown in its line."""
    return all(type(item) in _PLAIN for item in islice(table, WIDTH)) and set(map(type, table)) <= _PLAIN


# Weights

#: what Torch7's layers keep of their last pass, by its usual names
_SCRATCH = re.compile(
    r'_|grad|output$|f?input|fgradInput|indices|noise|.*[bB]uffer|ones$|save_|mask|.*Idx|(min|max)Vals|target$'
    r'|normalized|center|std$|buf|columns|random|scale$|norm$|sizes?Cache|concat|selectindex'
)


def _weights(module: Any) -> dict[str, np.ndarray]:
    """The tensors of a module or record by name that are its weights: no outputs, gradients or buffers."""
    fields = {key: value for key, value in _fields(module).items() if isinstance(value, np.ndarray)}
    if isinstance(module, Module) and not isinstance(module, UnknownModule):
        names = [name for name, _ in module.learned]
        gradients = {gradient for _, gradient in module.learned}
        with suppress(AttributeError, IndexError, KeyError, TypeError, ValueError):  # fields are missing
            names += [name for name in module.expected_shapes() if name not in gradients]
        names += ['running_mean', 'running_var', 'value', 'kernel', 'connTable']
        return {name: fields[name] for name in dict.fromkeys(names) if name in fields}
    return {
        key: value
        for key, value in sorted(fields.items(), key=lambda item: str(item[0]))
        if isinstance(key, str) and not _SCRATCH.match(key)
    }


def _size(value: Any) -> int:
    """How many numbers are learned in a network; what it shares counts once."""
    found: dict[int, int] = {}
    if isinstance(value, Module):
        with suppress(AttributeError, IndexError, KeyError, TypeError, ValueError):  # fields are missing
            for tensor in value.parameters()[0]:
                found[tensor.__array_interface__['data'][0]] = tensor.size
            return sum(found.values())
    stack, seen = [value], {id(value)}
    while stack:
        module = stack.pop()
        learned = {name for name, _ in module.learned} if isinstance(module, Module) else {'weight', 'bias'}
        for name, tensor in _weights(module).items():
            if name in learned:
                found[tensor.__array_interface__['data'][0] if tensor.size else 0] = tensor.size
        for inner in _modules(module):
            if id(inner) not in seen:
                seen.add(id(inner))
                stack.append(inner)
    return sum(found.values())


# The tree's lines


class _Line:
    """A value in the tree: its name, its line of text, and, when it was looked into, the lines of its parts."""

    def __init__(self, name: str, value: Any, path: str, depth: int, in_network: bool):
        self.name, self.value, self.path, self.depth, self.in_network = name, value, path, depth, in_network
        self.text = ''
        self.source = ''  # what feeds a node of a graph
        self.inner: list[_Line] = []
        self.more = 0  # parts that have no line

    def lines(self) -> Iterator[str]:
        """What is to be printed."""
        stack: list[tuple[_Line, int]] = [(self, 0)]
        while stack:
            line, depth = stack.pop()
            name = f'{line.name} ' if line.name[:1] == '(' else f'{line.name}: ' if line.name else ''
            yield f'{"  " * depth}{name}{line.text}'
            if line.more:
                stack.append((_cut(line.more), depth + 1))
            stack += [(inner, depth + 1) for inner in reversed(line.inner)]


def _cut(count: int) -> _Line:
    line = _Line('', None, '', 0, False)
    line.text = f'... {count:,} more (--all shows them)'
    return line


def _shape(array: np.ndarray) -> str:
    return 'x'.join(map(str, array.shape))


def _count(number: int, word: str) -> str:
    return f'{number:,} {word}{"" if number == 1 else "s"}'


def _says(line: _Line, weights: dict[int, str]) -> str:
    """A value in a line. `weights`: where each weight was seen first, by its memory."""
    value = line.value
    if isinstance(value, np.ndarray) and value.dtype in TYPE_OF:
        kind = 'Storage' if isinstance(value, Storage) else 'Tensor'
        return f'torch.{TYPE_OF[value.dtype]}{kind} {_shape(value)}'
    if _is_network(value):
        return _says_module(line, weights)
    if isinstance(value, Criterion):
        return f'{str(value).partition(chr(10))[0]} ({value.dtype})'
    if isinstance(value, StochasticGradient):
        return 'nn.StochasticGradient'
    if isinstance(value, TorchObject):
        return f'{value.typename}, version {value.version}, not a class of t7nn'
    if isinstance(value, (list, tuple)) and value and _is_plain(value):
        text = ''
        for i, item in enumerate(value):
            word = (', ' if text else '') + brief(item)
            if len(text) + len(word) > WIDTH - 20:
                return f'{brief(value)}: {text}, ... {len(value) - i:,} more'
            text += word
        return f'{brief(value)}: {text}'
    return repr(value) if isinstance(value, TorchFunction) else brief(value)


def _says_module(line: _Line, weights: dict[int, str]) -> str:
    value, in_network, path = line.value, line.in_network, line.path
    modules = _modules(value)
    if isinstance(value, TorchObject) or modules:
        text = value.typename
        if isinstance(value, UnknownModule):
            text += ' (not a class of t7nn)'
    else:
        text = str(value).partition('\n')[0]
    if line.source:
        text += f' <- {line.source}'
    said = [_count(len(modules), 'module')] if modules else []
    own = 0
    for name, tensor in _weights(value).items():
        start = tensor.__array_interface__['data'][0]
        first = weights.setdefault(start, f'{path}.{name}'.lstrip('.')) if tensor.size else ''
        shared = f' (the same as {first})' if first and first != f'{path}.{name}'.lstrip('.') else ''
        said.append(f'{name} {_shape(tensor)}{shared}')
        own += tensor.size
    if isinstance(value, TorchObject) and not modules:
        simple = [(key, item) for key, item in value.fields.items() if type(item) in _PLAIN and key != '_type']
        said += [f'{_name(key)} {brief(item)}' for key, item in simple[:8]]
    total = _size(value) if not in_network else own if not modules else 0
    if total:
        said.append(_count(total, 'parameter'))
    if not in_network and isinstance(value, Module):
        said.append(str(value.dtype))
    return f'{text}: {", ".join(said)}' if said else text


# The tree


def _below(path: str, name: str, network: bool) -> str:
    """The path of a part."""
    if network:
        name = f'modules.{name.partition(")")[0][1:]}'
    return f'{path}.{name}'.lstrip('.')


def describe(value: Any, most: float = math.inf) -> Iterator[str]:
    """The tree of a value line by line, in at most `most` lines: tables, and networks with one line a layer.

    What comes twice is shown once. Where there is too much for `most` lines, what lies deeper is left out first.

    >>> import t7nn as nn
    >>> net = nn.Sequential().add(nn.Linear(2, 3)).add(nn.Tanh()).add(nn.Linear(3, 1))
    >>> print(*describe({'net': net, 'losses': [0.5, 0.25], 'epoch': 3}), sep='\\n')
    dict of 3
      net: nn.Sequential: 3 modules, 13 parameters, float64
        (1) nn.Linear(2 -> 3): weight 3x2, bias 3, 9 parameters
        (2) nn.Tanh
        (3) nn.Linear(3 -> 1): weight 1x3, bias 1, 4 parameters
      losses: list of 2: 0.5, 0.25
      epoch: 3
    """
    root = _Line('', value, '', 0, False)
    weights: dict[int, str] = {}
    seen: dict[int, str] = {}
    queue, left = deque([root]), most - 1
    while queue:
        line = queue.popleft()
        item = line.value
        parts = _parts(item)
        if parts or isinstance(item, np.ndarray) or _is_network(item):
            before = seen.get(id(item))
            if before is not None:
                line.text = f'the same as {before or "the top"}'
                continue
            seen[id(item)] = line.path
        line.text = _says(line, weights)
        shown = len(parts)
        if left < shown or line.depth >= MOST_DEPTH:
            shown = 0 if line.depth >= MOST_DEPTH else max(0, int(left) - 1)
        if parts and left < 1:
            continue
        line.more = len(parts) - shown
        left -= shown + bool(line.more)
        network = _is_network(item)
        for name, part in islice(parts, shown):
            path = _below(line.path, name, network)
            line.inner.append(_Line(name, part, path, line.depth + 1, line.in_network or network))
        if 'forwardnodes' in _fields(item):
            sources = _sources(item)
            for inner in line.inner:
                inner.source = sources.get(id(inner.value), '')
        queue += line.inner
    return root.lines()


def entries(value: Any) -> Iterator[dict]:
    """Every part of a value as a dict that JSON can hold: its path, and what it is. What came before under another path
    has that one as ``same``."""
    seen: dict[int, str] = {}
    stack = [('', value, 0)]
    while stack:
        path, item, depth = stack.pop()
        parts = _parts(item)
        entry: dict[str, Any] = {'path': path}
        if (parts or isinstance(item, np.ndarray) or _is_network(item)) and id(item) in seen:
            yield entry | {'same': seen[id(item)]}
            continue
        seen[id(item)] = path
        if isinstance(item, np.ndarray):
            entry |= _typed(item)
        elif _is_network(item) or isinstance(item, (Criterion, StochasticGradient, TorchObject)):
            entry['class'] = getattr(item, 'typename', 'nn.StochasticGradient')
            if _is_network(item):
                weights = _weights(item)
                entry['weights'] = {name: _typed(tensor) for name, tensor in weights.items()}
                if not depth or not _modules(item):
                    entry['parameters'] = _size(item)
        elif isinstance(item, (list, tuple, dict)):
            entry['table'] = len(item)
            if isinstance(item, (list, tuple)) and not parts:
                entry['items'] = [_finite(each) for each in item]
        else:
            entry['value'] = _finite(item) if type(item) in _PLAIN else brief(item)
        yield entry
        if depth < MOST_DEPTH:
            network = _is_network(item)
            stack += [(_below(path, name, network), part, depth + 1) for name, part in reversed(parts)]


def _typed(array: np.ndarray) -> dict[str, Any]:
    return {'type': str(array.dtype), 'shape': list(array.shape)}


def _finite(value: Any) -> Any:
    """JSON has no nan and no infinity, and texts without lone surrogates."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.encode('utf-8', 'replace').decode() if isinstance(value, str) else value


def tensors(value: Any) -> dict[str, np.ndarray]:
    """The weights of the networks in a value, and all other tensors in its tables, by names that follow them. The names
    are the same for every order of keys; where two would be the same, the second gets ``~2``.

    >>> import t7nn as nn
    >>> list(tensors(nn.Sequential().add(nn.Linear(2, 1))))
    ['modules.1.weight', 'modules.1.bias']
    """
    found: dict[str, np.ndarray] = {}
    seen: set[int] = set()
    stack = [('', value, 0)]
    while stack:
        path, item, depth = stack.pop()
        if isinstance(item, np.ndarray):
            name, count = path or 'value', 2
            while name in found:
                name, count = f'{path or "value"}~{count}', count + 1
            found[name] = item
            continue
        if id(item) in seen or depth > MOST_DEPTH:
            continue
        seen.add(id(item))
        inner: list[tuple[str, Any]]
        if _is_network(item) or isinstance(item, Criterion):
            inner = [*_weights(item).items()]
            inner += [(f'modules.{i}', module) for i, module in enumerate(_modules(item), 1)]
        elif isinstance(item, (list, tuple)):
            inner = [(str(i), part) for i, part in enumerate(item, 1)]
        else:
            table = item if isinstance(item, dict) else _fields(item)
            inner = sorted(((_name(key), part) for key, part in table.items()), key=lambda pair: pair[0])
        stack += [(f'{path}.{name}'.lstrip('.'), part, depth + 1) for name, part in reversed(inner)]
    return found


def _read(file: str, longSize: int) -> list:
    """All objects of a file: live, or as records where they cannot be live."""
    try:
        return list(T7Reader(file, longSize=longSize))
    except T7Error:
        return list(T7Reader(file, longSize=longSize, live=False))


MOST_COPIES = 16


def convert(source: str, target: str, mode: str | None = None, longSize: int = 8) -> None:
    """Write the .t7 file `source` as `target`: as .npz the weights, else as a .t7 file in `mode`, by default in the one
    of 'binary' and 'ascii' that `source` has not.

    Raises
    ------
    ValueError
        if there is nothing to write, or tensors that share their memory would be written far too often
    """
    if target.endswith('.npz'):
        values = _read(source, longSize)
        found = tensors(values[0] if len(values) == 1 else values)
        if not found:
            raise ValueError(f'{source} holds no tensors')
        memory = {tensor.__array_interface__['data'][0]: tensor.nbytes for tensor in found.values() if tensor.size}
        if sum(tensor.nbytes for tensor in found.values()) > MOST_COPIES * sum(memory.values()) + (1 << 20):
            raise ValueError(f'{source} uses the same tensors more than {MOST_COPIES} times; .npz cannot share them')
        _write_npz(target, found)
        return
    reader = T7Reader(source, longSize=longSize, live=False)
    with T7Writer(target, mode or ('binary' if reader.mode == 'ascii' else 'ascii')) as writer:
        for value in reader:
            writer.writeObject(value)


def _write_npz(target: str, arrays: dict[str, np.ndarray]) -> None:
    """`numpy.savez` under names of all kinds, and without a second copy in memory."""
    new = NewFile(target)
    with new.opened() as file, zipfile.ZipFile(file, 'w') as archive:
        for name, array in arrays.items():
            name = name.encode('utf-8', 'backslashreplace').decode()
            with archive.open(f'{name}.npy', 'w', force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
    new.close()


def add_inspect_arguments(parser: ArgumentParser) -> None:
    parser.add_argument('file', help='a .t7 file')
    parser.add_argument('--longSize', type=int, choices=(4, 8), default=8, help='4 for files of 32-bit machines')


def add_tree_arguments(parser: ArgumentParser) -> None:
    add_inspect_arguments(parser)
    parser.add_argument('--all', action='store_true', help='everything, also what does not fit on a screen')
    parser.add_argument('--json', action='store_true', help='a JSON list with every part of the file, by its path')


def run_inspect(options: Namespace) -> None:
    """`python -m t7nn inspect`."""
    with _named(options.file):
        values = _read(options.file, options.longSize)
    if options.json:
        for i, value in enumerate(values):
            for j, entry in enumerate(entries(value)):
                if len(values) > 1:
                    entry = {'object': i + 1} | entry
                sys.stdout.write(('[\n' if not i + j else ',\n') + json.dumps(entry))
        print('\n]')
        return
    screen = shutil.get_terminal_size((WIDTH, SCREEN)).lines - 2 if sys.stdout.isatty() else SCREEN
    most = math.inf if options.all else max(4, screen // max(1, len(values)))
    shown = values if options.all else values[:screen]
    for value in shown:
        for line in describe(value, most):
            print(line)
    if len(shown) < len(values):
        print(f'... {len(values) - len(shown):,} more objects (--all shows them)')


def add_convert_arguments(parser: ArgumentParser) -> None:
    add_inspect_arguments(parser)
    from ..export import command

    parser.add_argument('out', help='the file to write: .npz or .safetensors the weights, .onnx the network, .t7 all')
    command.add_arguments(parser)
    parser.add_argument(
        '--mode', choices=('binary', 'ascii'), help='of the .t7 file; default: the one that FILE has not'
    )


def run_convert(options: Namespace) -> None:
    """`python -m t7nn convert`."""
    from ..export import command

    with _named(options.file):
        if options.out.endswith(command.FORMATS):
            command.convert_network(options)
            return
        convert(options.file, options.out, options.mode, options.longSize)


@contextmanager
def _named(file: str) -> Iterator[None]:
    """Say in which file the damage is."""
    try:
        yield
    except T7Error as error:
        raise ValueError(f'{file}: {error}') from None
