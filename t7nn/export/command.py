"""``python -m t7nn convert MODEL.t7 OUT.onnx`` and ``OUT.safetensors``."""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from ..module import Module
from ..serialization.files import T7Reader
from ..training import StochasticGradient
from . import to_onnx, to_safetensors

__all__ = ['FORMATS', 'add_arguments', 'convert_network', 'network_of', 'shape_of']

#: the ends of the names of files that this module writes
FORMATS = '.onnx', '.safetensors'


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `convert` for these formats."""
    parser.add_argument(
        '--input',
        metavar='SHAPE',
        action='append',
        help='.onnx: shape of the input, 1x3x224x224; again for each of a table',
    )
    parser.add_argument('--dtype', choices=('float32', 'float64'), help='.onnx, .safetensors: cast the network')
    parser.add_argument('--key', help='.onnx, .safetensors: where the network stands in the file, such as net')


def shape_of(text: str) -> tuple[int, ...]:
    """The sizes in the words of the command line.

    >>> shape_of('1x3x224x224')
    (1, 3, 224, 224)
    """
    if not re.fullmatch(r'[1-9]\d*(x[1-9]\d*)*', text):
        raise ValueError(f'--input: expected a shape such as 1x3x224x224, got {text!r}')
    return tuple(map(int, text.split('x')))


def _networks(value: Any, path: str = '') -> Iterator[tuple[str, Module]]:
    """The networks in a value, each with its path; not those inside of others."""
    if isinstance(value, Module):
        yield path, value
    elif isinstance(value, StochasticGradient):
        yield from _networks(value.module, f'{path}.module'.lstrip('.'))
    elif isinstance(value, (list, dict)):
        for key, item in enumerate(value, 1) if isinstance(value, list) else value.items():
            yield from _networks(item, f'{path}.{key}'.lstrip('.'))


def network_of(value: Any, key: str | None = None) -> Module:
    """The network that a file holds: the only one, or the one whose path is `key`.

    Raises
    ------
    ValueError
        if there is none, or more than one and no key
    """
    found = dict(_networks(value))
    if key is None and len(found) == 1:
        return next(iter(found.values()))
    if key in found:
        return found[key]
    if not found:
        raise ValueError('expected a network, the file holds none')
    wanted = f'there is none at {key!r}' if key is not None else 'choose one with --key'
    raise ValueError(f'the file holds networks at {", ".join(map(repr, found))}: {wanted}')


def convert_network(options: Namespace) -> None:
    """Write the network in `options.file` as `options.out`, and say what became of it."""
    onnx = options.out.endswith('.onnx')
    if onnx and not options.input:
        raise ValueError('expected the shape of the input: --input 1x3x224x224')
    if not onnx and options.input:
        raise ValueError('--input is for .onnx files only')
    shapes = [shape_of(text) for text in options.input or []]
    values = list(T7Reader(options.file, longSize=options.longSize))
    network = network_of(values[0] if len(values) == 1 else values, options.key)
    if onnx:
        try:
            model = to_onnx(network, options.out, shapes[0] if len(shapes) == 1 else shapes, options.dtype)
        except (IndexError, TypeError) as error:
            raise ValueError(f'the network does not take this input: {error}') from error
        graph = model.graph
        arrow = ' -> '.join(', '.join(map(_declared, values)) for values in (graph.input, graph.output))
    else:
        if options.dtype:
            network.zeroGradParameters()  # in files they can be any numbers, too large for float32
            network.type(options.dtype)
        to_safetensors(network, options.out)
        arrow = 'weights'
    print(f'{options.out}: {arrow}, {os.path.getsize(options.out) / 1e6:.1f} MB')


def _declared(value: Any) -> str:
    sizes = [size.dim_param or str(size.dim_value or '?') for size in value.type.tensor_type.shape.dim]
    return f'{value.name} {"x".join(sizes)}'
