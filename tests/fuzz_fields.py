"""What test_memory.py runs in a process of its own: every row with wrong fields, wrong inputs and wrong gradients.

usage: python fuzz_fields.py SHARE MODULE,... [MODULE,...]

SHARE is the part of the wrong values that is tried, drawn by a fixed seed; 1 is all. Modules are those of the classes,
such as ``layers.sparse``; rows that also hold classes of other modules than the second list are left out. Each line
of the output is a finding: an error that is not one of t7nn's clear ones. The last row that was begun stands in stderr,
which tells where a signal came from.
"""

import contextlib
import io
import sys
import warnings

import numpy as np
from table import CriterionRow, Row, rows

import t7nn as nn
from t7nn.node import Node
from t7nn.packages import classes
from t7nn.tensors import nested_map

CLEAR = (ValueError, TypeError, IndexError)


class Subclass(np.ndarray):
    """An array of a class of one's own."""


def _reshaped(x):
    x = x.copy()
    x.shape = x.shape[::-1] if x.ndim > 1 and len(set(x.shape)) > 1 else (1, *x.shape)
    return x


#: what is put in the place of a tensor
TENSORS = {
    'none': lambda x: None,
    'number': lambda x: 2.0,
    'string': lambda x: 'x',
    'list': lambda x: x.tolist(),
    'table': lambda x: [x],
    'dict': lambda x: {'x': x},
    'empty': lambda x: np.empty(0, x.dtype),
    'no rows': lambda x: x[:0],
    'one row': lambda x: x[:1].copy(),
    'more rows': lambda x: np.concatenate([x, x, x]) if x.ndim else x,
    'narrower': lambda x: x[..., :-1].copy() if x.ndim else x,
    'wider': lambda x: np.concatenate([x, x], -1) if x.ndim else x,
    'higher rank': lambda x: x[None],
    'last axis': lambda x: x[..., None],
    'flat': lambda x: x.ravel(),
    'row of all': lambda x: x.reshape(1, -1),
    '0-d': lambda x: np.array(1, x.dtype),
    'transposed': lambda x: x.T,
    'other order': lambda x: np.asfortranarray(x),
    'reshaped': _reshaped,
    'float32': lambda x: x.astype(np.float32),
    'float16': lambda x: x.astype(np.float16),
    'int64': lambda x: x.astype(np.int64),
    'uint8': lambda x: np.ones(x.shape, np.uint8),
    'bool': lambda x: np.ones(x.shape, bool),
    'complex': lambda x: x.astype(complex),
    'object': lambda x: x.astype(object),
    'strings': lambda x: np.full(x.shape, 'x'),
    'big-endian': lambda x: x.astype(x.dtype.newbyteorder('>')),
    'matrix': lambda x: np.matrix(x.reshape(len(x), -1)) if x.ndim else np.matrix(x),
    'masked': lambda x: np.ma.masked_array(x, np.ones(x.shape, bool)),
    'subclass': lambda x: x.view(Subclass),
    'strided': lambda x: np.repeat(x, 2, -1)[..., ::2] if x.ndim else x,
    'backwards': lambda x: x[::-1] if x.ndim else x,
    'expanded': lambda x: np.broadcast_to(x.ravel()[:1].reshape((1,) * x.ndim), x.shape) if x.size else x,
    'read-only': lambda x: _read_only(x),
    'nan': lambda x: np.full(x.shape, np.nan, x.dtype) if x.dtype.kind == 'f' else x,
    'huge numbers': lambda x: np.full(x.shape, 2**40, x.dtype) if x.dtype.itemsize == 8 else x,
    'negative': lambda x: np.full(x.shape, -3).astype(x.dtype),
}

#: what is put in the place of a number, a flag or a string
VALUES = {
    'none': None,
    'string': 'x',
    'table': [1],
    'dict': {},
    'tensor': np.ones(2),
    'zero': 0,
    'one': 1,
    'three': 3,
    'minus one': -1,
    'fraction': 1.5,
    'nan': float('nan'),
    'complex': 1j,
}


def _read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


#: draws which wrong values are tried
RNG = np.random.RandomState(0)


def sample(pairs, share):
    """A `share` of the pairs."""
    return [pair for pair in pairs if share >= 1 or RNG.rand() < share]


def nodes(value, seen=None):
    """Every node in `value`, itself included."""
    seen = set() if seen is None else seen
    if isinstance(value, Node) and id(value) not in seen:
        seen.add(id(value))
        yield value
        for item in list(vars(value).values()):
            yield from nodes(item, seen)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from nodes(item, seen)


def mutations(value):
    """Pairs of a name and a function that makes the wrong value anew, for what a field holds."""
    if isinstance(value, np.ndarray):
        return [(name, lambda value=value, make=make: make(value)) for name, make in TENSORS.items()]
    if value is None or isinstance(value, (bool, int, float, str, np.generic)):
        return [(name, lambda wrong=wrong: wrong) for name, wrong in VALUES.items()]
    if isinstance(value, (list, dict)) and not any(isinstance(item, Node) for item in value):
        return [
            (name, lambda wrong=wrong: wrong)
            for name, wrong in (*VALUES.items(), ('tensor', np.ones(3)), ('empty', []), ('nested', [[None]]))
        ]
    return []


def calls(node, input, target):
    """What can be called, by name: of a module with a gradient of its output, of a criterion with a target."""
    names = {}
    if isinstance(node, nn.Module):
        for name in ('updateOutput', 'forward'):
            names[name] = lambda name=name: getattr(node, name)(input)
        for name in ('updateGradInput', 'accGradParameters', 'backward'):
            names[name] = lambda name=name: getattr(node, name)(input, target)
        for name in ('accUpdateGradParameters', 'backwardUpdate', 'sharedAccUpdateGradParameters'):
            names[name] = lambda name=name: getattr(node, name)(input, target, 0.125)
        names['updateParameters'] = lambda: node.updateParameters(0.125)
        for name in ('parameters', 'evaluate', 'training', 'clearState', 'reset'):
            names[name] = getattr(node, name)
        names['after'] = lambda: node.forward(input)
    else:
        for name in ('forward', 'backward', 'updateOutput', 'updateGradInput'):
            names[name] = lambda name=name: getattr(node, name)(input, target)
    names['str'] = lambda: str(node)
    return names


def tried(where, calls, found):
    """Call all of `calls`; what they raise and is not clear goes into `found`."""
    for name, call in calls.items():
        try:
            with np.errstate(all='ignore'):
                call()
        except Exception as error:
            clear = 'expected' in str(error) or str(error).startswith('NaN found in')
            if not isinstance(error, CLEAR) or not clear:
                text = str(error).splitlines()[0][:150] if str(error) else ''
                found.append(f'{where} {name}: {type(error).__name__}: {text}')


def gradient(output):
    """A gradient for `output`; ones, since signs do not matter here."""
    return nested_map(lambda tensor: np.ones_like(tensor) if isinstance(tensor, np.ndarray) else tensor, output)


def prepared(row):
    """Input and target, or for a module the gradient of its output."""
    if isinstance(row, CriterionRow):
        return row.draw()
    input = row.draw()
    return input, gradient(row.make().forward(row.draw()))


#: every class by its name in .t7 files
NAMED = {f'nn.{name}': cls for name, cls in vars(nn).items() if isinstance(cls, type)} | classes()


def belongs(cls, modules):
    """Whether a class is one of those modules."""
    module = getattr(cls, '__module__', '').removeprefix('t7nn.')
    return any(module == wanted or module.startswith(wanted + '.' if wanted else '') for wanted in modules)


def wrong_fields(name, row, modules, share, found):
    input, target = prepared(row)
    for position, node in enumerate(nodes(row.make())):
        for field, value in vars(node).items():
            unused = field[0] == '_' or field in ('dtype', 'typename', 'train', 'modules')
            if unused or not belongs(type(node), modules):
                continue
            for mutation, make in sample(mutations(value), share):
                for warm in False, True:
                    fresh = row.make()
                    copied = row.draw()
                    own = copied[0] if isinstance(row, CriterionRow) else copied
                    if warm:
                        fresh.forward(*copied) if isinstance(row, CriterionRow) else fresh.forward(own)
                    changed = list(nodes(fresh))
                    if position >= len(changed):
                        continue
                    try:
                        setattr(changed[position], field, make())
                    except (ValueError, TypeError, IndexError):  # NumPy cannot make it
                        continue
                    where = f'{name} {type(changed[position]).__name__}.{field} = {mutation}{" (warm)" if warm else ""}'
                    tried(where, calls(fresh, own, target), found)


def wrong_files(name, row, modules, share, found):
    """As `wrong_fields`, for tensors, by way of a file."""
    input, target = prepared(row)
    try:
        data = nn.dumps(row.make())
    except nn.T7Error:
        return
    for position, node in enumerate(objects(nn.loads(data, live=False))):
        if not isinstance(node.fields, dict):  # a generator is bytes
            continue
        for field, value in node.fields.items():
            if not isinstance(value, np.ndarray) or not belongs(NAMED.get(node.typename), modules):
                continue
            for mutation, make in sample(mutations(value), share):
                root = nn.loads(data, live=False)
                changed = list(objects(root))[position]
                try:
                    changed.fields[field] = make()
                    data_of_wrong = nn.dumps(root)
                except (nn.T7Error, TypeError, ValueError, IndexError, OverflowError):
                    continue
                where = f'{name} file {changed.typename}.{field} = {mutation}'
                try:
                    fresh = nn.loads(data_of_wrong)
                except nn.T7Error:
                    continue
                except Exception as error:
                    found.append(f'{where} loads: {type(error).__name__}: {str(error)[:150]}')
                    continue
                copied = row.draw()
                own = copied[0] if isinstance(row, CriterionRow) else copied
                tried(where, calls(fresh, own, target), found)


def objects(value, seen=None):
    """Every inert object in `value`."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    if isinstance(value, nn.TorchObject):
        seen.add(id(value))
        yield value
        value = value.fields
    if isinstance(value, dict):
        for item in value.values():
            yield from objects(item, seen)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from objects(item, seen)


def variants(value):
    """Pairs of a name and a function that gives `value`, a tensor or a table, with one tensor in it wrong."""
    if isinstance(value, np.ndarray):
        yield from mutations(value)
    elif isinstance(value, (list, tuple)):
        yield from ((name, lambda wrong=wrong: wrong) for name, wrong in VALUES.items())
        yield 'empty table', lambda: []
        yield 'shorter', lambda: list(value[:-1])
        yield 'longer', lambda: [*value, value[-1]] if value else [np.ones(3)]
        for i, item in enumerate(value):
            for name, make in variants(item):
                yield f'[{i}] {name}', lambda i=i, make=make: [*value[:i], make(), *value[i + 1 :]]
    else:
        yield from ((name, lambda wrong=wrong: wrong) for name, wrong in VALUES.items())


def wrong_inputs(name, row, modules, share, found):
    is_criterion = isinstance(row, CriterionRow)
    input, target = prepared(row)
    for what, value in ('input', input), ('target' if is_criterion else 'gradOutput', target):
        for mutation, make in sample(variants(value), share):
            for warm in False, True:
                fresh = row.make()
                if warm:
                    again = row.draw()
                    fresh.forward(*again) if is_criterion else fresh.forward(again)
                try:
                    wrong = make()
                except (ValueError, TypeError, IndexError):  # NumPy cannot make it
                    continue
                arguments = (
                    (wrong, target) if what == 'input' else (row.draw()[0] if is_criterion else row.draw(), wrong)
                )
                where = f'{name} {what} = {mutation}{" (warm)" if warm else ""}'
                tried(where, calls(fresh, *arguments), found)


def rows_of(modules, among):
    """The rows of the classes of these `modules` that hold classes of the modules `among` only."""
    chosen = {}
    for kind in Row, CriterionRow:
        for name, row in rows(kind).items():
            made = row.make()
            inner = [type(node) for node in nodes(made)]
            if belongs(type(made), modules) and all(belongs(each, among) for each in inner):
                chosen[name] = row
    return chosen


def main(share, modules, among=None):
    modules, share = modules.split(','), float(share)
    warnings.simplefilter('ignore')
    for name, row in rows_of(modules, among.split(',') if among else ['']).items():
        for kind in wrong_fields, wrong_inputs, wrong_files:
            print(name, kind.__name__, file=sys.stderr, flush=True)
            nn.manualSeed(1)
            found = []
            with contextlib.redirect_stdout(io.StringIO()):
                kind(name, row, among.split(',') if among else modules, share, found)
            for line in dict.fromkeys(found):
                print(line)
        sys.stdout.flush()


if __name__ == '__main__':
    main(*sys.argv[1:])
