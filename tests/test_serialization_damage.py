"""Damaged .t7 files: cut off, with bits changed, with absurd numbers. They load or end in T7Error, nothing else."""

import contextlib
import io
import random
import struct
import tracemalloc
import warnings

import numpy as np
import pytest
from fuzz_t7 import MEMORY, check, damage, samples
from hypothesis import given, settings
from hypothesis import strategies as st

import t7nn as nn
from t7nn import T7Error, TorchObject

SAMPLES = samples()
SEEDS = st.integers(0, 2**63)

pytestmark = pytest.mark.filterwarnings('ignore:.*Lua function.*:UserWarning')


@settings(deadline=None)
@given(st.sampled_from(SAMPLES), SEEDS)
def test_damaged_at_random(sample, seed):
    data, arguments = sample
    check(damage(data, random.Random(seed)), arguments)


class Pipe(io.BytesIO):
    def seekable(self):
        return False


@settings(deadline=None)
@given(st.sampled_from([sample for sample in SAMPLES if sample[0][0] < 9]), SEEDS)
def test_a_pipe_gives_the_same(sample, seed):
    # of a pipe, each value is read by itself; of a file that is there as a whole, tables that are alike at once
    data, arguments = sample
    data = damage(data, random.Random(seed))
    try:
        expected = nn.dumps(nn.loads(data, **arguments))
    except T7Error:
        with pytest.raises(T7Error):
            nn.load(Pipe(data), **arguments)
    else:
        assert nn.dumps(nn.load(Pipe(data), **arguments)) == expected


@pytest.mark.parametrize('taken', [1, 4])  # the list around it, the storage of the first tensor
def test_a_tensor_under_an_index_that_is_taken(taken):
    data = nn.dumps([{'x': np.arange(6.0)} for _ in range(3)])
    assert nn.loads(data.replace(struct.pack('<iii', 4, 6, 3), struct.pack('<iii', 4, 19, 3)))[1]['x'].sum() == 15
    with pytest.raises(T7Error):
        nn.loads(data.replace(struct.pack('<iii', 4, 6, 3), struct.pack('<iii', 4, taken, 3)))


@settings(deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_cut_off(sample, draw):
    data, arguments = sample
    end = draw.draw(st.integers(0, len(data) - 1))
    with pytest.raises(T7Error) as caught:
        list(nn.T7Reader(data[:end] or b'\1', **arguments))
        assert end and end in ends(data, arguments), 'a part of a file was taken for the whole'
        raise T7Error('the file ends between two of its objects', end)
    assert 0 <= caught.value.offset <= end


def ends(data, arguments):
    """Where the objects of a file end."""
    reader, places = nn.T7Reader(data, **arguments), []
    for _ in reader:
        places.append(reader.position)
    return places


@pytest.mark.parametrize(
    'sample', [sample for sample in SAMPLES if len(sample[0]) < 260], ids=lambda sample: str(len(sample[0]))
)
def test_cut_off_at_every_byte(sample):
    data, arguments = sample
    last = ends(data, arguments)[0]
    for end in range(last):
        with pytest.raises(T7Error):
            nn.loads(data[:end], **arguments)


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes(data):
    check(data, {})
    check(data, {'mode': 'ascii'})
    check(data, {'longSize': 4, 'endian': 'big'})


def tensor(nDim, *numbers, code=4, storage=b'torch.DoubleStorage', count=2, data=bytes(16)):
    """A file with one tensor of the given header."""
    head = struct.pack('<iii3si', 4, 1, 3, b'V 1', 18) + b'torch.DoubleTensor'
    body = struct.pack(f'<i{len(numbers)}q', nDim, *numbers) + struct.pack('<i', code)
    if code != 4:
        return head + body
    return head + body + struct.pack('<ii3si', 2, 3, b'V 1', len(storage)) + storage + struct.pack('<q', count) + data


BIG = 2**62
ABSURD = {
    'not a file': (b'PK\3\4 something else', 'a .t7 file expected, got a zip file'),
    'empty': (b'', 'the file ends'),
    'negative dimensions': (tensor(-1, 1), '0 to 64 dimensions expected, got -1'),
    'many dimensions': (tensor(65, *[1] * 131), '0 to 64 dimensions expected, got 65'),
    'a size of 0': (tensor(1, 0, 1, 1), 'inside its storage of 2 expected, got sizes 0'),
    'a negative size': (tensor(1, -2, 1, 1), 'inside its storage'),
    'a negative stride': (tensor(1, 2, -1, 2), 'inside its storage'),
    'an offset of 0': (tensor(1, 2, 1, 0), 'offset 0'),
    'behind the storage': (tensor(1, 2, 1, 2), 'inside its storage of 2 expected, got sizes 2, strides 1, offset 2'),
    'far behind the storage': (tensor(2, BIG, BIG, BIG, BIG, 1), 'inside its storage'),
    'large, of one element': (tensor(1, 2**40, 0, 1), 'inside its storage'),
    'no storage': (tensor(1, 2, 1, 1, code=0), 'inside its storage of 0'),
    'a number as storage': (
        tensor(1, 2, 1, 1, code=1) + bytes(8),
        "a tensor's storage or nil expected, got type code 1",
    ),
    'another storage': (tensor(1, 2, 1, 1, storage=b'torch.FloatStorage'), 'a storage of float64 expected'),
    'a large storage': (tensor(1, 2, 1, 1, count=2**60), 'a storage of .* bytes expected, but 16 are left'),
    'a storage of negative size': (tensor(1, 2, 1, 1, count=-1), 'a storage of -8 bytes expected'),
    'a large table': (struct.pack('<iii', 3, 1, 2**31 - 1), 'a table of 2147483647 pairs expected'),
    'a table of negative size': (struct.pack('<iii', 3, 1, -1), 'a table of -1 pairs expected'),
    'a long string': (struct.pack('<ii', 2, 2**31 - 1), 'a string of 2147483647 bytes expected, but 0 are left'),
    'a string of negative length': (struct.pack('<ii', 2, -5), 'a string of -5 bytes'),
    'a key nil': (struct.pack('<iiii', 3, 1, 1, 0) + struct.pack('<ii', 5, 1), 'a table with keys that differ'),
    'a key nan': (struct.pack('<iiiid', 3, 1, 1, 1, np.nan) + struct.pack('<ii', 5, 1), 'neither nil nor nan'),
    'a key twice': (struct.pack('<iii', 3, 1, 2) + 2 * struct.pack('<ii1sii', 2, 1, b'k', 5, 1), 'keys that differ'),
    'a table as an object': (struct.pack('<iiiiii', 3, 1, 1, 5, 1, 4) + struct.pack('<i', 1), 'a reference to'),
    'no fields': (struct.pack('<iiii', 4, 1, 3, 2)[:8] + struct.pack('<i3sii', 3, b'a.B', 5, 1), 'the fields of a.B'),
    'a class without a name': (struct.pack('<iii3si', 4, 1, 3, b'V 1', 0), "a class's name expected"),
    'a generator': (nn.dumps(TorchObject('torch.Generator', bytes(5048))), "a torch.Generator's state expected"),
    'words in ascii': (b'1\nabc\n', "a number expected, got b'abc"),
    'a long word in ascii': (b'1\n' + b'1' * 5000 + b'\nx', 'a number expected'),
    'a large number in ascii': (b'3\n1\n99999999999\n2\n1\na\n', 'a table of 99999999999 pairs'),
    'a large storage in ascii': (
        b'4\n1\n3\nV 1\n18\ntorch.LongStorage\n'.replace(b'18', b'17') + b'9999999\n1 2\n',
        'expected',
    ),
    'a long out of range in ascii': (b'4\n1\n3\nV 1\n17\ntorch.LongStorage\n1\n99999999999999999999\n', 'expected'),
}


@pytest.mark.parametrize(('data', 'text'), ABSURD.values(), ids=ABSURD)
def test_absurd_numbers(data, text):
    with pytest.raises(T7Error, match=text) as caught:
        nn.loads(data)
    assert 0 <= caught.value.offset <= len(data) and f'(at byte {caught.value.offset})' in str(caught.value)


@pytest.mark.parametrize(
    'fields',
    [
        {'modules': {'a': 1}},
        {1: 2, 'x': 3},
        ['no', 'names'],
    ],
    ids=['modules', 'numbered fields', 'a list'],
)
def test_unusable_fields(fields):
    with pytest.raises(T7Error, match='nn.Linear'):
        nn.loads(nn.dumps(TorchObject('nn.Linear', fields)))


LONG = {
    'tables in tables': b''.join(struct.pack('<iiiid', 3, i, 1, 1, 1) for i in range(1, 60_000)),
    'objects in objects': b''.join(
        struct.pack('<iii3siiiid', 4, 2 * i, 3, b'a.B', 3, 2 * i + 1, 1, 1, 1) for i in range(1, 40_000)
    ),
    'functions in functions': b''.join(struct.pack('<iiiii', 8, 2 * i, 0, 3, 2 * i + 1)[:12] for i in range(1, 60_000)),
    'references to what is open': struct.pack('<iii', 3, 1, 50_000)
    + b''.join(struct.pack('<idii', 1, i, 3, 1) for i in range(50_000)),
    'numbers in ascii': b'4\n1\n3\nV 1\n19\ntorch.DoubleStorage\n200000\n' + b'1 ' * 200_000 + b'\n',
    'spaces in ascii': b'1\n' + b' ' * 1_000_000,
    'large tensors cut off': tensor(1, 2, 1, 1) * 10_000,
}


@pytest.mark.parametrize('data', LONG.values(), ids=LONG)
def test_little_memory(data):
    tracemalloc.start()
    with contextlib.suppress(T7Error):
        nn.loads(data)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < MEMORY * len(data)


SIZES = nn.Storage(np.arange(2**16))
DEVIATION = np.ones(2**16)
SHARED = {
    'sizes': [TorchObject('nn.Reshape', {'size': SIZES}) for _ in range(300)],
    'deviations': [TorchObject('nn.BatchNormalization', {'running_std': DEVIATION, 'eps': 0}) for _ in range(300)],
    'expanded': TorchObject(
        'nn.BatchNormalization', {'running_std': np.broadcast_to(DEVIATION, (2**12, 2**16)), 'eps': 0}
    ),
    'kernels': TorchObject(
        'nn.SpatialConvolution',
        {
            'weight': np.broadcast_to(np.ones(2**8), (2**20, 2**8)),
            'nOutputPlane': 2**20,
            'nInputPlane': 2**8,
            'kW': 1,
            'kH': 1,
        },
    ),
    'weights': [TorchObject('nn.Linear', {'weight': DEVIATION.reshape(2**8, 2**8)}) for _ in range(300)],
    'no fields': [TorchObject('nn.Linear') for _ in range(3000)],
}


@pytest.mark.parametrize('value', SHARED.values(), ids=SHARED)
def test_little_memory_for_live_objects(value):
    data = nn.dumps(value)
    tracemalloc.start()
    with contextlib.suppress(T7Error):
        nn.loads(data)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < MEMORY * len(data)


def test_damaged_files_that_hold_lua_functions_warn_only():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        with pytest.raises(UserWarning):
            nn.loads(nn.dumps(TorchObject('nn.Tanh', {'forward': nn.TorchFunction(b'')})))


def nested(levels, make):
    record = TorchObject('nn.Linear', {'weight': np.ones((2, 3)), 'bias': np.zeros(2)})
    for _ in range(levels):
        record = make(record)
    return record


def weight_norm(*modules):
    fields = {'v': np.ones((2, 3)), 'g': np.ones((2, 1)), 'weightSize': nn.Storage([2, 3], np.int64), 'outputDim': 1}
    return TorchObject('nn.WeightNorm', fields | {'modules': list(modules), '_type': 'torch.DoubleTensor'})


def in_itself(typename='nn.Sequential', field='modules'):
    record = TorchObject(typename, {})
    record.fields[field] = [record]
    return record


HUGE = nn.Storage(np.full(1 << 16, (1 << 62) + 12345), np.int64)
COSTLY = {
    'View with many huge sizes': TorchObject('nn.View', {'size': HUGE}),
    'Reshape with many huge sizes': TorchObject('nn.Reshape', {'size': HUGE}),
    'View with huge sizes': TorchObject('nn.View', {'size': HUGE[:8]}),
    'WeightNorm with huge sizes': TorchObject(
        'nn.WeightNorm', weight_norm(nn.Linear(3, 2)).fields | {'weightSize': HUGE}
    ),
    'a module in itself': in_itself(),
    'a criterion in itself': in_itself('nn.ParallelCriterion', 'criterions'),
    'WeightNorm in itself': (loop := weight_norm()).fields['modules'].append(loop) or loop,
    'WeightNorm nested': nested(2000, weight_norm),
    'Sequential nested': nested(2000, lambda inner: TorchObject('nn.Sequential', {'modules': [inner]})),
    'Sequential doubled': nested(40, lambda inner: TorchObject('nn.Sequential', {'modules': [inner, inner]})),
    'a weight is expanded': TorchObject('nn.Linear', {'weight': np.broadcast_to(np.zeros(1), (1 << 15, 1 << 15))}),
    'eps is expanded': TorchObject(
        'nn.BatchNormalization',
        {
            'running_std': np.ones(1),
            'eps': np.broadcast_to(np.zeros(1), (1 << 30,)),
            'running_mean': np.zeros(1),
        },
    ),
    'running_std is a column': TorchObject(
        'nn.BatchNormalization',
        {'running_std': np.ones((1 << 14, 1)), 'eps': np.zeros(1 << 14), 'running_mean': np.zeros(1)},
    ),
}


@pytest.mark.parametrize('value', COSTLY.values(), ids=COSTLY)
def test_files_that_would_cost_without_bound(value):
    data = nn.dumps(value)
    tracemalloc.start()
    with pytest.raises(T7Error):
        nn.loads(data)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < MEMORY * len(data) + 4_000_000


@pytest.mark.parametrize(
    ('typename', 'fields', 'text'),
    [
        ('nn.Linear', {}, 'expected .*weight to be a tensor, got None'),
        ('nn.Linear', {'weight': 3}, 'weight to be a tensor'),
        ('nn.Linear', {'weight': np.ones((1, 1)), 'bias': 'x'}, 'bias to be a tensor'),
        ('nn.SpatialConvolution', {}, 'with usable fields expected'),
        ('nn.Sequential', {'modules': [3]}, 'expected modules to be'),
        ('nn.Sequential', {'modules': [nn.MSECriterion()]}, 'expected modules to be'),
        ('nn.Tanh', {'train': 5}, 'expected train to be a boolean or nil, got 5'),
        ('nn.HardTanh', {'min_val': [1]}, 'expected min_val to be a number, got list of 1'),
        ('nn.WeightedEuclidean', {'weight': np.ones((1, 1)), 'gradWeight': np.ones((1, 1))}, 'diagCov to be a tensor'),
    ],
)
def test_fields_that_are_missing_or_of_another_kind(typename, fields, text):
    with pytest.raises(T7Error, match=text):
        nn.loads(nn.dumps(TorchObject(typename, fields)))


def test_constants_of_classes_are_not_in_files():
    fields = nn.loads(nn.dumps(nn.Linear(2, 1)), live=False).fields
    net = nn.loads(nn.dumps(TorchObject('nn.Linear', fields | {'learned': 3, 'cleared': 4, 'table_fields': 5})))
    assert net.learned == nn.Linear.learned and net.clearState().parameters()[0]


STRANGE = [None, 0, -1, 2.5, 10**15, True, 'x', [], [1, 2], {'a': 1}, np.zeros(3), np.zeros((2, 2), 'f'), np.empty(0)]
STRANGE += [
    np.zeros(2, np.int64),
    nn.Storage([1, 2]),
    nn.Storage([2**62] * 8),
    TorchObject('a.B'),
    nn.TorchFunction(b''),
]
STRANGE += [nn.Linear(2, 2), nn.MSECriterion(), np.broadcast_to(np.zeros(1), (1 << 20,))]
KINDS = [
    nn.Sequential().add(nn.Linear(3, 2)).add(nn.ReLU()),
    nn.SpatialConvolution(1, 2, 3, 3),
    nn.BatchNormalization(3),
    nn.WeightNorm(nn.Linear(3, 2)),
    nn.View(2, 3),
    nn.LookupTable(4, 2),
    nn.ClassNLLCriterion(),
    nn.MultiCriterion().add(nn.MSECriterion()),
]


@settings(deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_strange_fields(module, draw):
    record = nn.loads(nn.dumps(module), live=False)
    inner = record if not record.get('modules') else draw.draw(st.sampled_from([record, *record['modules']]))
    key = draw.draw(st.sampled_from(sorted(inner.fields)))
    inner.fields[key] = draw.draw(st.sampled_from(STRANGE))
    try:
        live = nn.loads(nn.dumps(record))
    except T7Error:
        return
    str(live), repr(live), nn.loads(nn.dumps(live)), live.clone()
    if isinstance(live, nn.Module):
        live.parameters(), live.listModules(), live.zeroGradParameters(), live.clearState()
