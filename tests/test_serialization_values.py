""".t7 files: values there and back, with their sharing, and what stands for classes that t7nn does not have."""

import math
import pickle
import struct
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import t7nn as nn
from t7nn import ObjectKey, Storage, TorchFunction, TorchObject
from t7nn.tensors import owner

FORMS = [
    {'mode': 'binary'},
    {'mode': 'binary', 'endian': 'big'},
    {'mode': 'binary', 'longSize': 4},
    {'mode': 'binary', 'longSize': 4, 'endian': 'big'},
    {'mode': 'ascii'},
]
DTYPES = ['u1', 'i1', 'i2', 'i4', 'i8', 'f2', 'f4', 'f8']


def again(value, form=FORMS[0]):
    """`value`, saved and loaded; the mode and the byte order are found out."""
    return nn.loads(nn.dumps(value, **form), longSize=form.get('longSize', 8))


def same(actual, expected):
    """Whether two values are equal, with their types, the bits of their numbers and the forms of their tables."""
    if isinstance(expected, np.ndarray):
        return (
            actual.dtype == expected.dtype
            and actual.shape == (expected.shape if expected.size else (0,))
            and (actual.tobytes() == expected.tobytes() or np.array_equal(actual, expected, equal_nan=True))
        )
    if isinstance(expected, list):
        return type(actual) is list and len(actual) == len(expected) and all(map(same, actual, expected))
    if isinstance(expected, dict):
        return (
            type(actual) is dict
            and list(actual) == list(expected)
            and all(map(same, actual.values(), expected.values()))
        )
    if isinstance(expected, float) and math.isnan(expected):
        return math.isnan(actual)
    if isinstance(expected, float) and expected.is_integer() and str(expected) != '-0.0':
        expected = int(expected)
    return type(actual) is type(expected) and actual == expected and str(actual) == str(expected)


NUMBERS = st.floats() | st.integers(-(2**53), 2**53) | st.floats(width=32)
TEXTS = st.text() | st.binary().map(lambda data: data.decode('utf-8', 'surrogateescape'))
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda code: hnp.arrays(
        code,
        hnp.array_shapes(max_dims=4, max_side=4),
        elements=st.integers(-(2**31), 2**31 - 1) if code == 'i8' else None,
    )
)
LEAVES = st.booleans() | NUMBERS | TEXTS | ARRAYS
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(max_size=5), inner, min_size=1, max_size=5)
        | st.dictionaries(
            st.floats(allow_nan=False).filter(lambda key: not key.is_integer()), inner, min_size=1, max_size=3
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(VALUES, st.sampled_from(FORMS))
@example([-0.0, 0, 1e308, 2**53, -(2**53), 5e-324, math.inf, -math.inf, math.nan], FORMS[4])
@example(['', '\n', '\n\n', 'a\0b', '\udcff\udc80', ' 1 2'], FORMS[4])
@example([np.array([math.nan, -math.nan, math.inf]), np.array([0.1], 'f2'), np.array([10, 13, 0], 'i1')], FORMS[4])
def test_there_and_back(value, form):
    assert same(again(value, form), value)
    assert same(nn.loads(nn.dumps(value, referenced=False, **form), **form), value)


@settings(deadline=None)
@given(VALUES)
def test_reading_what_was_written_writes_the_same(value):
    for form in FORMS:
        data = nn.dumps(value, **form)
        assert nn.dumps(again(value, form), **form) == data


def number(value):
    return struct.pack('<id', 1, value)


def text(data):
    return struct.pack('<ii', 2, len(data)) + data


HEAD = struct.pack('<i3si', 3, b'V 1', 18) + b'torch.DoubleTensor'
BY_HAND = [
    (None, b'\0\0\0\0'),
    (True, struct.pack('<ii', 5, 1)),
    (2.5, number(2.5)),
    (7, number(7)),
    (np.float32(0.5), number(0.5)),
    (np.int64(3), number(3)),
    (np.bool_(False), struct.pack('<ii', 5, 0)),
    ('grün', text(b'gr\xc3\xbcn')),
    (b'\xff', text(b'\xff')),
    ([], struct.pack('<iii', 3, 1, 0)),
    (('a', None, 1), struct.pack('<iii', 3, 1, 2) + number(1) + text(b'a') + number(3) + number(1)),
    ({'x': 1, 'y': None}, struct.pack('<iii', 3, 1, 1) + text(b'x') + number(1)),
    (np.empty(0), struct.pack('<ii', 4, 1) + HEAD + struct.pack('<iqi', 0, 1, 0)),
    (
        np.array([[1.0, 2.0]]),
        struct.pack('<ii', 4, 1)
        + HEAD
        + struct.pack('<iqqqqq', 2, 1, 2, 2, 1, 1)
        + struct.pack('<iii3si', 4, 2, 3, b'V 1', 19)
        + b'torch.DoubleStorage'
        + struct.pack('<qdd', 2, 1, 2),
    ),
    (
        Storage([3], np.uint8),
        struct.pack('<iii3si', 4, 1, 3, b'V 1', 17) + b'torch.ByteStorage' + b'\1' + bytes(7) + b'\3',
    ),
    (TorchObject('a.B', {}, 0), struct.pack('<iii', 4, 1, 3) + b'a.B' + struct.pack('<iii', 3, 2, 0)),
]


@pytest.mark.parametrize(('value', 'data'), BY_HAND, ids=[repr(value)[:30] for value, _ in BY_HAND])
def test_the_bytes(value, data):
    assert nn.dumps(value) == data


class TestTables:
    def test_lists_dicts_and_nil(self):
        assert again({1: 'a', 2: 'b'}) == ['a', 'b']
        assert again({2: 'b', 1: 'a'}) == ['a', 'b']
        assert again(['a', None, 'c']) == {1: 'a', 3: 'c'}
        assert again({}) == [] and again({'a': None}) == []
        assert again({0: 'a', 1: 'b'}) == {0: 'a', 1: 'b'}
        assert again({1.5: 1, 'x': 2}) == {1.5: 1, 'x': 2}

    def test_booleans_and_numbers_as_keys_of_one_table(self):
        table = {ObjectKey(True): 'yes', 1: 'one', ObjectKey(False): 'no', 0: 'zero'}
        assert again(table) == table
        assert again({True: 'yes'}) == {True: 'yes'} and type(next(iter(again({True: 'yes'})))) is bool

    def test_objects_as_keys(self):
        key, array = ['k'], np.zeros(2)
        back = again([{ObjectKey(key): 1, ObjectKey(array): 2}, key, array])
        assert back[0] == {ObjectKey(back[1]): 1, ObjectKey(back[2]): 2}
        assert ObjectKey(['k']) not in back[0]

    def test_tables_around_themselves(self):
        table = {'list': []}
        table['list'].append(table)
        table[ObjectKey(table)] = table['list']
        back = again(table)
        assert back['list'][0] is back
        assert back[ObjectKey(back)] is back['list'] and list(back)[0] == 'list'
        loop = []
        loop.append(loop)
        back = again(loop)
        assert back[0] is back

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(LEAVES, VALUES, TEXTS, st.sampled_from('xyz')), min_size=2, max_size=8),
        st.sampled_from(FORMS),
    )
    def test_lists_of_records(self, rows, form):
        # those of one form are read by a way of their own, which others have to leave at any place
        lists = [list(row[: len(row) - (row[3] == 'x')]) for row in rows]
        assert same(again(lists, form), lists)
        rows = [{'label': a, 'value': b, last: c} for a, b, c, last in rows]
        assert same(again(rows, form), rows)
        assert same(again([rows[0], *rows, rows[0]], form), [rows[0], *rows, rows[0]])
        for row in rows:
            row['value'] = rows[0]
        back = again(rows, form)
        assert all(row['value'] is back[0] for row in back)

    @pytest.mark.parametrize('form', FORMS[::4])
    def test_endless_nesting(self, form):
        depth = 3 * sys.getrecursionlimit()
        value = inner = []
        for i in range(depth):
            inner.append({'next': []} if i % 2 else [])
            inner = inner[0]['next'] if i % 2 else inner[0]
        data = nn.dumps(value, **form)
        value = nn.loads(data)
        assert nn.dumps(value, **form) == data
        for i in range(depth):
            value = value[0]['next'] if i % 2 else value[0]
        assert value == []

    def test_the_same_object_twice(self):
        table, array = {'a': 1}, np.ones(3)
        back = again([table, array, table, array])
        assert back[0] is back[2] and back[1] is back[3]
        back = nn.loads(nn.dumps([table, array, table, array], referenced=False))
        assert back[0] is not back[2] and not np.shares_memory(back[1], back[3])


class TestTensors:
    def test_views_share_their_storage(self):
        base = np.arange(12.0).reshape(3, 4)
        views = [base, base.T, base[1], base[:, ::2], np.broadcast_to(base[0], (2, 4)), base[:0], base.ravel()[5:7]]
        back = again(views)
        for mine, its in zip(back, views, strict=True):
            assert mine.size == its.size
            if its.size:
                np.testing.assert_array_equal(mine, its)
                assert mine.strides == its.strides
            assert owner(mine) is owner(back[0])
        back[0][1, 2] = -1
        assert back[2][2] == -1 and back[1][2, 1] == -1

    @settings(deadline=None)
    @given(hnp.arrays('f8', (3, 4, 2)), st.permutations(range(3)), st.data())
    def test_any_view(self, base, axes, data):
        base = base.transpose(axes).copy(order=data.draw(st.sampled_from('CFK')))
        view = base[data.draw(hnp.basic_indices(base.shape))]
        view = np.asarray(view)
        back, whole = again([view, base])
        np.testing.assert_array_equal(back, view.reshape(view.shape or (1,)) if view.size else np.empty(0))
        np.testing.assert_array_equal(whole, base)
        if view.ndim and view.size and min(view.strides) >= 0:
            assert owner(back) is owner(whole)

    def test_what_torch_cannot_look_at_is_copied(self):
        base = np.arange(6.0)
        np.testing.assert_array_equal(again(base[::-1]), base[::-1])
        np.testing.assert_array_equal(again(base.view('i4')[::2]), base.view('i4')[::2])
        np.testing.assert_array_equal(again(np.array([(1, 2.5)], 'i4,f8')['f1']), [2.5])
        np.testing.assert_array_equal(again(base.astype('>f8')), base)
        assert again(np.array(3.0)).shape == (1,)

    def test_storages(self):
        storage = Storage([1, 2, 3], np.int64)
        back = again([storage, storage, np.asarray(storage)[1:]])
        assert isinstance(back[0], Storage) and back[0] is back[1] and owner(back[2]) is owner(back[0])
        assert again(storage, FORMS[2]).tolist() == [1, 2, 3]

    def test_many_similar_tensors(self):
        values = {f't{i}': np.full((2, 3), i, 'f4')[:, 1:] for i in range(20)} | {'other': np.ones((3, 2), 'f4')}
        back = again(values)
        for name, value in values.items():
            np.testing.assert_array_equal(back[name], value)
            assert back[name].strides == value.strides
        assert len({id(owner(value)) for value in back.values()}) == 21


class TestRecords:
    def test_printing(self):
        thing = TorchObject('demo.Thing', {'me': None, 'w': np.zeros((2, 3)), 'long': 'x' * 100, 1: [1]})
        thing.fields['me'] = thing
        assert repr(thing).startswith("demo.Thing(me=demo.Thing, w=float64 array 2x3, long='xxx")
        assert repr(thing).endswith('..., 1=list of 1)')
        function = TorchFunction(b'\x1bLJ', [{'name': 'n', 'id': 1, 'value': 3}])
        assert str(function) == 'TorchFunction(3 bytes of Lua bytecode, upvalues: n)'
        assert str(TorchFunction(b'', [1.5], 7)) == 'TorchFunction(0 bytes of Lua bytecode, upvalues: 1.5)'
        assert repr(ObjectKey([1])) == 'ObjectKey(list)'

    def test_fields(self):
        thing = again(TorchObject('demo.Thing', {'x': 1}, 3))
        assert (thing.typename, thing.version, thing['x'], 'x' in thing, thing.get('y', 5)) == (
            'demo.Thing',
            3,
            1,
            True,
            5,
        )
        with pytest.raises(AttributeError, match=r"demo.Thing is not a class of t7nn.*object\['x'\]"):
            thing.forward(1)

    def test_raw(self):
        data = nn.dumps(nn.Linear(2, 1))
        record = nn.loads(data, live=False)
        assert (
            type(record) is TorchObject and record.typename == 'nn.Linear' and record['_type'] == 'torch.DoubleTensor'
        )
        assert nn.dumps(record) == data

    def test_generator(self):
        generator = nn.random.Generator()
        generator.manualSeed(5)
        back = again(generator)
        assert [back.random() for _ in range(3)] == [generator.random() for _ in range(3)]

    def test_unknown_classes_that_write_themselves(self):
        data = nn.dumps([TorchObject('own.Hash', {})]).replace(struct.pack('<iii', 3, 3, 0), struct.pack('<q', 1))
        with pytest.raises(nn.T7Error) as caught:
            nn.loads(data)
        assert 'in own.Hash, a class that t7nn does not have' in caught.value.__notes__[0]

    def test_errors_travel(self):
        with pytest.raises(nn.T7Error) as caught:
            nn.loads(b'\1\0\0\0abc')
        error = pickle.loads(pickle.dumps(caught.value))
        assert str(error) == str(caught.value) and error.offset == caught.value.offset and isinstance(error, ValueError)
