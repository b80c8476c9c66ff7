"""Look into .t7 files and convert them: ``python -m t7nn inspect`` and ``python -m t7nn convert``."""

from __future__ import annotations

import io
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..module import Criterion, Module
from ..tensors import offset, owner
from ..training import StochasticGradient
from .files import T7Reader, T7Writer, replace_file
from .values import TYPE_OF, Storage, T7Error, TorchFunction, TorchObject, brief

__all__ = ['convert', 'describe', 'tensors']

MOST_DEPTH = 60  # that is looked into
MOST_ITEMS = 50  # of a list or dict that are shown


def _parts(value: Any) -> list[tuple[str, Any]]:
    """What a value consists of, each with its name; positions count from 1."""
    if isinstance(value, (list, tuple)):
        return [(str(i), item) for i, item in enumerate(value, 1)]
    if isinstance(value, TorchObject):
        value = value.fields
    elif isinstance(value, (Module, Criterion, StochasticGradient)):
        value = {key: item for key, item in vars(value).items() if key[0] != '_' and key not in ('dtype', 'log')}
    elif isinstance(value, TorchFunction):
        return [(str(i), item) for i, item in enumerate(value.upvalues, 1)]
    if not isinstance(value, dict):
        return []
    return [(key if isinstance(key, str) else brief(key), item) for key, item in value.items() if item is not None]


def _walk(value: Any) -> Iterator[tuple[int, str, Any, str | None]]:
    """Every part of a value: its depth, its path, the part, and the path where the same object came before."""
    seen: dict[int, tuple[str, Any]] = {}
    stack = [iter([('', value)])]
    paths = ['']
    while stack:
        for name, item in stack[-1]:
            path = f'{paths[-1]}.{name}'.lstrip('.')
            before = seen.get(id(item), (None,))[0] if _parts(item) or isinstance(item, np.ndarray) else None
            yield len(stack) - 1, path, item, before
            if before is None and len(stack) <= MOST_DEPTH:
                seen[id(item)] = path, item
                stack.append(iter(_parts(item)))
                paths.append(path)
                break
        else:
            stack.pop()
            paths.pop()


def _parameters(module: Module) -> str:
    try:
        weights = {id(weight): weight.size for weight in module.parameters()[0]}
    except (AttributeError, RecursionError, TypeError):  # a class within it is not of t7nn, or there is no end to it
        return ''
    return f', {sum(weights.values())} parameters' if weights else ''


def _says(value: Any, storages: dict[int, list]) -> str:
    """One value in a line."""
    if isinstance(value, np.ndarray) and value.dtype in TYPE_OF:
        kind = 'Storage' if isinstance(value, Storage) else 'Tensor'
        text = f'torch.{TYPE_OF[value.dtype]}{kind} {"x".join(map(str, value.shape))}'
        number, shared = storages.get(id(owner(value)), (0, 0))
        return f'{text}, in storage {number} from {offset(value) + 1}' if shared > 1 else text
    if isinstance(value, (Module, Criterion)):
        try:
            text = str(value) if not _parts(value) or not getattr(value, 'modules', None) else value.typename
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # fields that its text needs are missing
            text = value.typename
        return f'{text.partition(chr(10))[0]} ({value.dtype}{_parameters(value) if isinstance(value, Module) else ""})'
    if isinstance(value, StochasticGradient):
        return 'nn.StochasticGradient'
    if isinstance(value, TorchObject):
        return f'{value.typename}, version {value.version}, not a class of t7nn'
    return repr(value) if isinstance(value, TorchFunction) else brief(value)


def describe(value: Any) -> Iterator[str]:
    """The tree of a value line by line: classes, types, shapes, numbers of parameters, and what is shared.

    >>> import t7nn as nn
    >>> net = nn.Sequential().add(nn.Linear(2, 1, False))
    >>> print(*describe({'net': net, 'epoch': 3}), sep='\\n')
    dict of 2
      net: nn.Sequential (float64, 2 parameters)
        gradInput: torch.DoubleTensor 0
        output: torch.DoubleTensor 0
        modules: list of 1
          1: nn.Linear(2 -> 1) without bias (float64, 2 parameters)
            gradInput: the same as net.gradInput
            output: the same as net.output
            weight: torch.DoubleTensor 1x2
            gradWeight: torch.DoubleTensor 1x2
      epoch: 3
    """
    counts: dict[int, list] = {}
    for _, _, item, before in _walk(value):
        if isinstance(item, np.ndarray) and item.size and before is None:
            counts.setdefault(id(owner(item)), [0, 0])[1] += 1
    for number, entry in enumerate((entry for entry in counts.values() if entry[1] > 1), 1):
        entry[0] = number
    shown: list[int] = []
    for depth, path, item, before in _walk(value):
        shown[depth:] = [shown[depth] + 1 if depth < len(shown) else 1]
        indent, name = '  ' * depth, path.rpartition('.')[2]
        if max(shown) > MOST_ITEMS:
            if shown[depth] == MOST_ITEMS + 1 and max(shown[:depth], default=0) <= MOST_ITEMS:
                yield f'{indent}...'
            continue
        text = f'the same as {before or "the top"}' if before is not None else _says(item, counts)
        yield f'{indent}{name}: {text}' if path else text


def tensors(value: Any) -> dict[str, np.ndarray]:
    """All tensors and storages of a value by their paths; of modules neither outputs nor gradients.

    >>> import t7nn as nn
    >>> list(tensors(nn.Sequential().add(nn.Linear(2, 1))))
    ['modules.1.weight', 'modules.1.bias']
    """
    found = {}
    for _, path, item, _ in _walk(value):
        name = path.rpartition('.')[2]
        if isinstance(item, np.ndarray) and not name.startswith('grad') and name != 'output':
            found[path or 'value'] = item
    return found


def convert(source: str, target: str, mode: str | None = None, longSize: int = 8) -> None:
    """Write the .t7 file `source` as `target`: as .npz the weights, else as a .t7 file in `mode`, by default in the one
    of 'binary' and 'ascii' that `source` has not.

    Raises
    ------
    ValueError
        if there is nothing to write, or two tensors have one name
    """
    if target.endswith('.npz'):
        values = list(T7Reader(source, longSize=longSize))
        found = tensors(values[0] if len(values) == 1 else values)
        if not found:
            raise ValueError(f'{source} holds no tensors')
        data = io.BytesIO()
        np.savez(data, **found)
        replace_file(target, [data.getbuffer()])
        return
    reader = T7Reader(source, longSize=longSize, live=False)
    with T7Writer(target, mode or ('binary' if reader.mode == 'ascii' else 'ascii')) as writer:
        for value in reader:
            writer.writeObject(value)


def add_inspect_arguments(parser: ArgumentParser) -> None:
    parser.add_argument('file', help='a .t7 file')
    parser.add_argument('--longSize', type=int, choices=(4, 8), default=8, help='4 for files of 32-bit machines')


def run_inspect(options: Namespace) -> None:
    """`python -m t7nn inspect`."""
    with _named(options.file):
        for value in T7Reader(options.file, longSize=options.longSize):
            print(*describe(value), sep='\n')


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
