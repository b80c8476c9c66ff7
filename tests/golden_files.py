"""Reads the golden files: JSON of what real Torch7 computed (golden/FORMAT.md)."""

import functools
import json
from pathlib import Path

import numpy as np

import t7nn as nn
from t7nn.tensors import TENSOR_TYPES

GOLDEN = Path(__file__).parent / 'golden'
TOLERANCE = {'torch.DoubleTensor': 1e-12, 'torch.FloatTensor': 2e-5}


@functools.cache
def load(path):
    """The content of a golden file; never changed by anybody."""
    return json.loads((GOLDEN / path).read_text())


def value(record):
    """The Python value of a recorded one: tensors as arrays, storages and tables as lists or dicts."""
    if isinstance(record, list):
        return [value(item) for item in record]
    if not isinstance(record, dict):
        return record
    if 'number' in record:
        return float(record['number'])
    if 'tensor' in record:
        data = [value(item) for item in record['data']]
        return np.array(data, TENSOR_TYPES[record['tensor']]).reshape(record['shape'] or (0,))
    if 'storage' in record:
        return [value(item) for item in record['data']]
    if 'table' in record:
        return [value(item) for item in record['table']]
    if 'keys' in record:
        return {key: value(item) for key, item in record['keys'].items()}
    raise ValueError(f'no recorded value: {record}')


def build_with_sharing(record):
    """The network of a record: seeded, built, then its modules cloned, shared or added again as `after` says."""
    nn.manualSeed(record['seed'])
    net = build(record['construct'])
    for step in record.get('after', []):
        if 'addClone' in step:
            net.add(net.get(step['addClone']).clone(*step['fields']))
        elif 'addAgain' in step:
            net.add(net.get(step['addAgain']))
        else:
            to, from_ = step['share']
            net.get(to).share(net.get(from_), *step['fields'])
    return net


def build(construct, type=None):
    """The module or criterion that a construction describes, cast to `type` where it is not of it (nn.Copy notices)."""
    built = _build(construct, {})
    return built if type is None or built.type() == TENSOR_TYPES[type] else built.type(type)


def _build(construct, known):
    name = construct.get('module') or construct['criterion']
    made = getattr(nn, name.removeprefix('nn.'))(*(_argument(item, known) for item in construct.get('args', [])))
    if 'id' in construct:
        known[construct['id']] = made
    for child in construct.get('add', []):
        made.add(_build(child, known))
    for method, *args in construct.get('call', []):
        getattr(made, method)(*(_argument(item, known) for item in args))
    for field, item in construct.get('set', {}).items():
        setattr(made, field, _argument(item, known))
    return made


def _argument(item, known):
    if isinstance(item, dict):
        if 'module' in item or 'criterion' in item:
            return _build(item, known)
        if 'same' in item:
            return known[item['same']]
        if 'function' in item:
            function = nn
            for part in item['function'].removeprefix('nn.').split('.'):
                function = getattr(function, part)
            return function(*(_argument(argument, known) for argument in item['args']))
    return value(item)


def assert_same(actual, expected, tolerance=0.0, what=''):
    """Raise unless two values are equal: dtypes and shapes exactly, numbers to `tolerance` of their scale."""
    if isinstance(expected, list):
        assert isinstance(actual, (list, tuple)), f'{what}: expected a table, got {actual!r}'
        assert len(actual) == len(expected), f'{what}: expected {len(expected)} items, got {len(actual)}'
        for i, (mine, its) in enumerate(zip(actual, expected, strict=True), 1):
            assert_same(mine, its, tolerance, f'{what}[{i}]')
    elif isinstance(expected, dict):
        assert isinstance(actual, dict) and set(actual) == set(expected), f'{what}: {actual!r} for {expected!r}'
        for key in expected:
            assert_same(actual[key], expected[key], tolerance, f'{what}.{key}')
    elif isinstance(expected, np.ndarray):
        assert isinstance(actual, np.ndarray), f'{what}: expected a tensor, got {actual!r}'
        assert actual.dtype == expected.dtype, f'{what}: {actual.dtype} for {expected.dtype}'
        assert actual.shape == expected.shape, f'{what}: shape {actual.shape} for {expected.shape}'
        finite = np.abs(expected[np.isfinite(expected)])
        scale = max(1.0, float(finite.max())) if finite.size else 1.0
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * scale, err_msg=what)
    elif isinstance(expected, float) and not isinstance(actual, (list, dict, np.ndarray, type(None))):
        assert actual == expected or np.isclose(actual, expected, tolerance, tolerance, equal_nan=True), (
            f'{what}: {actual!r} for {expected!r}'
        )
    else:
        assert actual == expected, f'{what}: {actual!r} for {expected!r}'
