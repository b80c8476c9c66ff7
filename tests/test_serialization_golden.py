"""Every .t7 file that real Torch7 wrote: what it holds, what it does, and the same bytes when written again."""

import io
import keyword
import math

import numpy as np
import pytest
from golden_files import GOLDEN, assert_same, load, value

import t7nn as nn
from t7nn.module import Criterion, Module
from t7nn.tensors import TENSOR_TYPES, offset, owner

RECORDS = sorted(path.stem for path in (GOLDEN / 't7').glob('*.json'))
FILES = [(name, file['file']) for name in RECORDS for file in load(f't7/{name}.json')['files']]
# what Torch7 itself does not write in this form any more
OLD_FORMS = {'old_tensor_without_version.t7', 'old_tensor_without_version.ascii.t7'}


def record_of(name, file):
    """The record and the arguments that its file is loaded and saved with."""
    record = load(f't7/{name}.json')
    entry = next(entry for entry in record['files'] if entry['file'] == file)
    arguments = {'mode': entry['mode'], 'longSize': entry.get('longSize', 8), 'endian': entry.get('endian', 'little')}
    return record, entry, arguments


class Same:
    """Compares values with records; references, and storages by their numbers, must be the same all over."""

    def __init__(self):
        self.known, self.storages = {}, {}

    def check(self, actual, record, where='value'):
        if isinstance(record, dict) and 'ref' in record:
            assert actual is self.known[record['ref']], f'{where}: another object'
            return
        if isinstance(record, dict) and 'id' in record:
            self.known[record['id']] = actual
        if not isinstance(record, dict) or 'number' in record:
            self.number(actual, record, where)
        elif 'tensor' in record:
            self.tensor(actual, record, where)
        elif 'storage' in record:
            assert isinstance(actual, nn.Storage) and actual.dtype == TENSOR_TYPES[kind(record['storage'])], where
            self.storage(actual, record['storageId'], where)
            np.testing.assert_array_equal(actual, value(record['data']), where)
        elif 'table' in record:
            assert type(actual) is list and len(actual) == len(record['table']), where
            for i, item in enumerate(record['table']):
                self.check(actual[i], item, f'{where}[{i + 1}]')
        elif 'keys' in record:
            assert type(actual) is dict and set(actual) == set(record['keys']), where
            for key, item in record['keys'].items():
                self.check(actual[key], item, f'{where}.{key}')
        elif 'pairs' in record:
            self.pairs(actual, record['pairs'], where)
        elif 'bytes' in record:
            assert actual.encode('utf-8', 'surrogateescape') == bytes.fromhex(record['bytes']), where
        elif 'function' in record:
            assert isinstance(actual, nn.TorchFunction) and actual.bytecode[:3] == b'\x1bLJ', where
            upvalues = record['function']['upvalues']
            assert len(actual.upvalues) == len(upvalues), where
            for mine, its in zip(actual.upvalues, upvalues, strict=True):
                if actual.code == 8:
                    assert mine['name'] == its['name']
                    mine = mine['value']
                self.check(mine, its['value'], f'{where}.{its["name"]}')
        else:
            self.object(actual, record, where)

    def number(self, actual, record, where):
        expected = value(record)
        if isinstance(expected, float) and np.isnan(expected):
            assert np.isnan(actual), where
            return
        assert actual == expected, f'{where}: {actual!r} for {expected!r}'
        if isinstance(expected, float):
            assert math.copysign(1, actual) == math.copysign(1, expected), where
        if isinstance(actual, (int, float)) and not isinstance(actual, bool):
            whole = float(expected).is_integer() and str(float(expected)) != '-0.0'
            assert type(actual) is (int if whole else float), f'{where}: a {type(actual).__name__}'

    def tensor(self, actual, record, where):
        expected = value(record)
        assert type(actual) is np.ndarray and actual.dtype == expected.dtype, where
        assert actual.flags.aligned and actual.flags.writeable, where
        np.testing.assert_array_equal(actual, expected, where)
        if record['shape']:
            assert [stride // actual.itemsize for stride in actual.strides] == record['stride'], where
            assert offset(actual) + 1 == record['offset'], where
        if record['storageId'] is not None:
            assert owner(actual).size == record['storageSize'], where
            self.storage(actual, record['storageId'], where)

    def storage(self, array, number, where):
        assert self.storages.setdefault(number, owner(array)) is owner(array), f'{where}: another storage'

    def pairs(self, actual, pairs, where):
        assert type(actual) is dict and len(actual) == len(pairs), where
        for key, item in pairs:
            if isinstance(key, dict):
                found = next(mine for mine in actual if mine == nn.ObjectKey(self.known.get(key['ref'])))
            elif isinstance(key, bool) and nn.ObjectKey(key) in actual:
                found = nn.ObjectKey(key)
            else:
                found = key
                assert type(next(mine for mine in actual if mine == key)) is type(key), where
            self.check(actual[found], item, f'{where}.{key}')

    def object(self, actual, record, where):
        if record['object'] == 'torch.Generator':
            assert actual.getRNGState().tobytes().hex() == record['hex'], where
        elif isinstance(actual, nn.TorchObject):
            assert (actual.typename, actual.version) == (record['object'], record['version']), where
            assert set(actual.fields) == set(record['fields']), where
            for key, item in record['fields'].items():
                self.check(actual[key], item, f'{where}.{key}')
        else:
            assert isinstance(actual, (Module, Criterion, nn.StochasticGradient)), where
            for key, item in record['fields'].items():
                if key == '_type':
                    assert actual.dtype is TENSOR_TYPES[item], where
                elif key[0] != '_':
                    mine = getattr(actual, key + '_' if keyword.iskeyword(key) else key)
                    if isinstance(item, dict) and 'storage' in item:
                        item = {'table': item['data']}
                    self.check(mine, item, f'{where}.{key}')


def kind(storage):
    return storage.replace('Storage', 'Tensor')


@pytest.mark.parametrize(('name', 'file'), FILES, ids=[file for _, file in FILES])
def test_the_value(name, file):
    record, entry, arguments = record_of(name, file)
    expected = entry.get('values', record.get('values')) or [entry.get('value', record.get('value'))]
    for given in (arguments, {'longSize': arguments['longSize']}):
        values = list(nn.T7Reader(GOLDEN / 't7' / file, **given))
        assert len(values) == len(expected)
        same = Same()
        for actual, its in zip(values, expected, strict=True):
            same.check(actual, its)


@pytest.mark.parametrize(('name', 'file'), FILES, ids=[file for _, file in FILES])
def test_written_again(name, file):
    _, entry, arguments = record_of(name, file)
    data, written = (GOLDEN / 't7' / file).read_bytes(), io.BytesIO()
    with nn.T7Writer(written, referenced=entry.get('referenced', True), **arguments) as writer:
        for item in nn.T7Reader(data, **arguments):
            writer.writeObject(item)
    if file not in OLD_FORMS:
        assert written.getvalue() == data
    record = load(f't7/{name}.json')
    expected = entry.get('values', record.get('values')) or [entry.get('value', record.get('value'))]
    same = Same()
    for actual, its in zip(nn.T7Reader(written.getvalue(), **arguments), expected, strict=True):
        same.check(actual, its)


TRIED = [name for name in RECORDS if 'try' in load(f't7/{name}.json')]


def run(loaded, trial):
    """What a loaded object gives in a record's trial."""
    if isinstance(loaded, Criterion):
        return loaded.forward(value(trial['input']), value(trial['target']))
    if trial.get('mode') == 'evaluate':
        loaded.evaluate()
    return loaded.forward(value(trial['input']))


@pytest.mark.parametrize('name', [name for name in TRIED if 'args' not in load(f't7/{name}.json')['try']])
def test_what_it_does(name):
    record = load(f't7/{name}.json')
    trial = record['try']
    for entry in record['files']:
        loaded = nn.load(GOLDEN / 't7' / entry['file'], longSize=entry.get('longSize', 8))
        if name == 'generator':
            drawn = {method: getattr(loaded, method)() for method in ('normal', 'random', 'uniform')}
            assert drawn == {method: trial[method] for method in drawn}
            continue
        if isinstance(loaded, dict):
            loaded = loaded.get('model') or loaded['net']
        if isinstance(loaded, nn.StochasticGradient):
            loaded = loaded.module
        tolerance = 1e-6 if name == 'mlp_float' else 1e-12
        assert_same(run(loaded, trial), value(trial.get('output', trial.get('loss'))), tolerance)


def test_a_loaded_trainer_trains_on():
    trainer = nn.load(GOLDEN / 't7' / 'trainer.t7')
    before = trainer.module.getParameters()[0].copy()
    trainer.maxIteration, trainer.log = 1, None
    trainer.train([(np.array([0.5, -1, 2]), np.array([1.0, 0]))])
    assert not np.array_equal(before, trainer.module.parameters()[0][0].ravel()[: before.size])
    assert trainer.hookIteration is None and trainer.hookExample is None


def test_a_lua_hook_is_not_run():
    trainer = nn.load(GOLDEN / 't7' / 'trainer_with_hook.t7')
    assert [upvalue['value'] for upvalue in trainer.hookIteration.upvalues] == [0.001, 0.01]
    with pytest.raises(TypeError, match='expected a function or None as hookIteration'):
        trainer.train([(np.zeros(2), np.zeros(1))])
