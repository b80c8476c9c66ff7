""".t7 files: values there and back, sharing, several objects, bad input, and files that stay whole."""

import gzip
import io
import math
import mmap
import os
import pickle
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from golden_files import GOLDEN
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import t7nn as nn
from t7nn import ObjectKey, Storage, TorchFunction, TorchObject
from t7nn.tensors import owner

FAULTS = GOLDEN / 't7_faults'
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


class TestFiles:
    def test_large_tensors_stay_in_the_file(self, tmp_path):
        path, values = tmp_path / 'large.t7', np.arange(300_000.0)
        nn.save(path, values)
        data = path.read_bytes()
        loaded = nn.load(path)
        assert isinstance(owner(loaded).base.obj, mmap.mmap)
        np.testing.assert_array_equal(loaded, values)
        loaded += 1  # a copy on write
        np.testing.assert_array_equal(loaded, values + 1)
        assert path.read_bytes() == data
        with open(path, 'rb') as file:
            np.testing.assert_array_equal(nn.load(file), values)
            assert file.tell() == len(data)

    def test_large_weights_of_modules_are_aligned(self, tmp_path):
        path, module = tmp_path / 'net.t7', nn.Linear(600, 600)
        nn.save(path, module)
        loaded = nn.load(path)
        assert loaded.weight.flags.aligned and loaded.weight.flags.writeable
        np.testing.assert_array_equal(loaded.weight, module.weight)

    @pytest.mark.parametrize('form', FORMS)
    def test_several_objects(self, tmp_path, form):
        path, array = tmp_path / 'several.t7', np.ones(3)
        arguments = {'longSize': form.get('longSize', 8)}
        with nn.T7Writer(path, **form) as writer:
            for value in ('first', array, [array, 1], {'a': array}):
                writer.writeObject(value)
        first, second, third, fourth = nn.T7Reader(path, **arguments)
        assert first == 'first' and third[0] is second and fourth['a'] is second
        with open(path, 'rb') as file:
            values = [nn.load(file, **arguments) for _ in range(4)]
            assert values[2][0] is values[1] and file.read() == b''
            file.seek(0)
            assert nn.load(file, **arguments) == 'first'

    def test_one_save_after_the_other_into_one_file(self):
        file, array = io.BytesIO(), np.ones(2)
        file.write(b'mine')
        for value in ([array], [array, array], 'end'):
            nn.save(file, value)
        file.seek(4)
        one, two, end = nn.load(file), nn.load(file), nn.load(file)
        assert end == 'end' and two[0] is two[1] and not np.shares_memory(one[0], two[0])

    def test_other_kinds_of_files(self, tmp_path):
        with gzip.open(tmp_path / 'a.t7.gz', 'wb') as file:
            nn.save(file, [1, 'x'])
        with gzip.open(tmp_path / 'a.t7.gz') as file:
            assert nn.load(file) == [1, 'x']
        read, write = os.pipe()
        with open(write, 'wb') as file:
            nn.save(file, [1, 2])
        with open(read, 'rb') as file:
            assert nn.load(file) == [1, 2]
        nn.save(str(tmp_path / 'b.t7'), 3)
        assert nn.load(str(tmp_path / 'b.t7')) == 3 and nn.load(tmp_path / 'b.t7', 'binary') == 3
        with pytest.raises(TypeError, match='expected .*opened in binary mode, got one that gives str'):
            nn.load(io.StringIO('1\n2\n'))

    def test_bytes_behind_the_object(self):
        for value in (None, 1, 'x', [], np.ones(2), [None]):
            for more in (b'\7', b'more', b'more and more'):
                assert same(nn.loads(nn.dumps(value) + more), [] if isinstance(value, list) else value)

    def test_long_lines(self):
        values = np.arange(30_000.0) / 7
        np.testing.assert_array_equal(again(values, FORMS[4]), values)
        data = nn.dumps(values, mode='ascii')
        head, _, line = data[:-1].rpartition(b'\n')
        np.testing.assert_array_equal(nn.loads(head + b'\n' + line.replace(b' ', b'\n') + b'\n'), values)
        for spoil in (b'_', b'x'):
            with pytest.raises(nn.T7Error, match='a storage of 30000 x float64 expected'):
                nn.loads(data[:200_000] + spoil + data[200_000:])

    def test_b32(self):
        data = nn.dumps(np.array([1, 2]), mode='b32')
        assert data == nn.dumps(np.array([1, 2]), longSize=4)
        np.testing.assert_array_equal(nn.loads(data, mode='b32'), [1, 2])
        with pytest.raises(nn.T7Error):
            nn.loads(data)

    def test_a_failed_save_leaves_the_old_file(self, tmp_path):
        path = tmp_path / 'kept.t7'
        nn.save(path, 'old')
        with pytest.raises(TypeError):
            nn.save(path, ['new', {1, 2}])
        assert nn.load(path) == 'old' and os.listdir(tmp_path) == ['kept.t7']
        file = io.BytesIO()
        with pytest.raises(TypeError):
            nn.save(file, ['new', {1, 2}])
        assert file.getvalue() == b''

    def test_an_error_while_writing_leaves_the_old_file(self, tmp_path, monkeypatch):
        path = tmp_path / 'kept.t7'
        nn.save(path, 'old')

        def fail(*arguments):
            raise OSError('no space left')

        monkeypatch.setattr(os, 'replace', fail)
        with pytest.raises(OSError, match='no space left'):
            nn.save(path, 'new')
        assert nn.load(path) == 'old' and os.listdir(tmp_path) == ['kept.t7']

    def test_links_and_permissions_stay(self, tmp_path):
        path, link = tmp_path / 'file.t7', tmp_path / 'link.t7'
        nn.save(path, 1)
        path.chmod(0o640)
        link.symlink_to(path)
        nn.save(link, 2)
        assert link.is_symlink() and nn.load(path) == 2 and path.stat().st_mode & 0o777 == 0o640


class TestBadInput:
    @pytest.mark.parametrize(
        ('value', 'error', 'text'),
        [
            ({1, 2}, TypeError, 'save: a set has no place in a .t7 file'),
            ([lambda: 0], TypeError, 'save: a function has no place'),
            (1j, TypeError, 'save: a complex has no place'),
            (np.zeros(2, 'u2'), TypeError, 'save: Torch7 has no tensors of uint16'),
            (np.zeros(2, bool), TypeError, 'save: Torch7 has no tensors of bool'),
            (np.array(['a']), TypeError, 'save: Torch7 has no tensors of <U1'),
            (2**53 + 1, ValueError, 'is not exactly a double'),
            (10**400, OverflowError, 'too large'),
            ({math.nan: 1}, ValueError, 'nan cannot be a key of a Lua table'),
            ({None: 1}, ValueError, 'None cannot be a key'),
            ('\ud800', UnicodeEncodeError, 'surrogates not allowed'),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_has_no_place(self, value, error, text):
        with pytest.raises(error, match=text):
            nn.dumps(value)

    def test_the_error_says_where(self):
        with pytest.raises(TypeError) as caught:
            nn.dumps({'net': [1, {'x': {1}}]})
        assert caught.value.__notes__ == ['at net.2.x of what is saved']

    def test_long_numbers_in_short_longs(self):
        with pytest.raises(ValueError, match='longSize=4 holds numbers below 2'):
            nn.dumps(np.array([2**31]), longSize=4)

    def test_circles_without_references(self):
        loop = []
        loop.append({'x': loop})
        with pytest.raises(ValueError, match='referenced=False cannot write what contains itself'):
            nn.dumps(loop, referenced=False)

    @pytest.mark.parametrize(
        ('arguments', 'text'),
        [
            ({'mode': 'text'}, "got 'text'"),
            ({'longSize': 2}, 'expected 4 or 8 as longSize, got 2'),
            ({'endian': '<'}, "got '<'"),
        ],
        ids=repr,
    )
    def test_arguments(self, arguments, text):
        for function, value in ((nn.loads, b'\0\0\0\0'), (nn.dumps, 1)):
            with pytest.raises(ValueError, match=text):
                function(value, **arguments)

    def test_storage(self):
        with pytest.raises(ValueError, match='expected numbers in one dimension'):
            Storage([[1]])


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


class TestWriter:
    def test_it_takes_arrays_as_they_are(self, tmp_path):
        for target in (io.BytesIO(), tmp_path / 'a.t7'):
            values = np.zeros(1 << 14)
            with nn.T7Writer(target, referenced=False) as writer:
                for i in range(3):
                    values[:] = i
                    writer.writeObject(values)
            source = target.getvalue() if isinstance(target, io.BytesIO) else target
            assert [value[0] for value in nn.T7Reader(source)] == [0, 1, 2]

    @pytest.mark.parametrize('form', FORMS)
    def test_an_error_leaves_no_part_behind(self, form):
        file, shared, large = io.BytesIO(), [1, 2], np.ones(1 << 14)
        writer = nn.T7Writer(file, **form)
        writer.writeObject('begin')
        for bad in ([shared, large, {1}], [shared, object()]):
            with pytest.raises(TypeError):
                writer.writeObject(bad)
        writer.writeObject(shared)
        writer.writeObject([shared, large])
        writer.close()
        values = list(nn.T7Reader(file.getvalue(), longSize=form.get('longSize', 8)))
        assert values[:2] == ['begin', [1, 2]] and values[2][0] is values[1] and len(values) == 3
        np.testing.assert_array_equal(values[2][1], large)

    def test_closed(self, tmp_path):
        for target in (io.BytesIO(), tmp_path / 'a.t7'):
            writer = nn.T7Writer(target)
            writer.writeObject(1)
            writer.close()
            with pytest.raises(ValueError, match='the T7Writer is closed'):
                writer.writeObject(2)
            writer.close()
        assert nn.load(tmp_path / 'a.t7') == 1

    def test_behind_a_gigabyte(self, tmp_path):
        with open(tmp_path / 'a.t7', 'w+b') as file:
            nn.save(file, [1])
            first = file.tell()
            file.seek((1 << 30) + 5)  # a hole
            nn.save(file, ['x', [2]])
            file.seek(0)
            assert nn.load(file) == [1]
            file.seek((1 << 30) + 5)
            data = file.read()
        index = struct.unpack_from('<i', data, 4)[0]
        assert index > first and nn.loads(data) == ['x', [2]]

    def test_whole_numbers_of_numpy(self):
        with pytest.raises(ValueError, match='9007199254740993 is not exactly a double'):
            nn.dumps(np.int64(2**53 + 1))
        assert nn.loads(nn.dumps(np.uint64(2**63))) == 2**63

    def test_nothing_is_left_by_a_killed_process(self, tmp_path):
        code = f"""
import os, signal, numpy as np, t7nn as nn
writer = nn.T7Writer({str(tmp_path / 'a.t7')!r})
writer.writeObject(np.ones(100_000))
os.kill(os.getpid(), signal.SIGKILL)
"""
        subprocess.run([sys.executable, '-c', code], check=False)
        left = os.listdir(tmp_path)
        assert not left or all(name.startswith('.t7nn-') for name in left)
        if hasattr(os, 'O_TMPFILE') and sys.platform == 'linux':
            assert left == [] or not _has_nameless_files(tmp_path)

    def test_a_folder_without_nameless_files(self, tmp_path, monkeypatch):
        monkeypatch.delattr(os, 'O_TMPFILE', raising=False)
        path = tmp_path / 'a.t7'
        writer = nn.T7Writer(path)
        writer.writeObject([1])
        assert [name[:6] for name in os.listdir(tmp_path)] == ['.t7nn-']
        writer.close()
        assert os.listdir(tmp_path) == ['a.t7'] and nn.load(path) == [1]
        writer = nn.T7Writer(path)
        writer.writeObject([2])
        del writer
        assert os.listdir(tmp_path) == ['a.t7'] and nn.load(path) == [1]


def _has_nameless_files(folder):
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY))
    except OSError:
        return False
    return True


class TestPaths:
    def test_names(self, tmp_path):
        long = tmp_path / ('x' * 245 + '.t7')
        nn.save(long, 1)
        assert nn.load(long) == 1
        nn.save(os.fsencode(tmp_path / 'bytes.t7'), 2)
        assert nn.load(os.fsencode(tmp_path / 'bytes.t7')) == 2

    @pytest.mark.parametrize(
        ('path', 'error', 'text'),
        [
            ('', ValueError, "expected a path, got ''"),
            (b'', ValueError, "expected a path, got ''"),
            (3, TypeError, 'expected a path or a file opened in binary mode, got a int'),
            (None, TypeError, 'got a NoneType'),
        ],
    )
    def test_what_is_no_path(self, path, error, text):
        with pytest.raises(error, match=text):
            nn.save(path, 1)
        if path != b'':
            with pytest.raises(error, match=text):
                nn.load(path)

    def test_errors_name_the_path(self, tmp_path):
        for path in (tmp_path / 'no' / 'folder.t7', tmp_path, tmp_path / ('x' * 300)):
            with pytest.raises(OSError, match=str(path)):
                nn.save(path, 1)
        assert os.listdir(tmp_path) == []


class TestOpenFiles:
    def test_a_file_that_was_overwritten_in_place(self, tmp_path):
        path = tmp_path / 'a.t7'
        for make in (lambda: open(path, 'r+b'), io.BytesIO):  # noqa: SIM115 (closed below)
            path.write_bytes(nn.dumps([1, 2]) + nn.dumps([3, 4]))
            file = make()
            if isinstance(file, io.BytesIO):
                file.write(path.read_bytes())
                file.seek(0)
            assert nn.load(file) == [1, 2]
            place = file.tell()
            file.seek(0)
            file.write(nn.dumps([5, 6]) + nn.dumps([7, 8]))
            file.flush()
            file.seek(place)
            assert nn.load(file) == [7, 8]
            file.close()

    def test_a_pipe_object_by_object(self):
        read, write = os.pipe()
        table, net = {'a': [1, 2.5, True, None, 'x']}, nn.Sequential().add(nn.Linear(2, 3))
        with open(write, 'wb') as out, open(read, 'rb') as file:
            for value in (table, net, 7):
                nn.save(out, value)
                out.flush()
                back = nn.load(file)  # does not wait for more
                assert nn.dumps(back) == nn.dumps(nn.loads(nn.dumps(value)))
            out.write(b'mine')
            out.close()
            assert file.read() == b'mine'

    def test_a_pipe_in_one_writer(self):
        read, write = os.pipe()
        shared = [1]
        with open(write, 'wb') as out, nn.T7Writer(out) as writer:
            for value in (shared, [shared, np.arange(3.0)]):
                writer.writeObject(value)
        with open(read, 'rb') as file:
            first, second = nn.T7Reader(file)
        assert second[0] is first

    @pytest.mark.parametrize('data', [b'', nn.dumps([1, 'xyz'])[:-1], nn.dumps(np.ones(3))[:-1]])
    def test_a_pipe_that_ends(self, data):
        read, write = os.pipe()
        os.write(write, data)
        os.close(write)
        with open(read, 'rb') as file, pytest.raises(nn.T7Error, match='expected, but'):
            nn.load(file)

    def test_modules_never_look_into_the_file(self, tmp_path):
        def looks(array):
            return isinstance(getattr(owner(array).base, 'obj', None), mmap.mmap)

        net, other = nn.Linear(500, 500), np.ones(300_000)
        nn.save(tmp_path / 'a.t7', [net.weight, other, {'net': net}])
        weight, _, table = nn.load(tmp_path / 'a.t7')
        assert weight is table['net'].weight and not looks(weight)
        with nn.T7Writer(tmp_path / 'b.t7') as writer:
            writer.writeObject([net.weight, other])
            writer.writeObject(net)
        first, second = nn.T7Reader(tmp_path / 'b.t7')
        assert looks(first[1]) and not looks(second.weight)
        np.testing.assert_array_equal(second.weight, net.weight)
        nn.save(tmp_path / 'c.t7', [other, net])
        assert looks(nn.load(tmp_path / 'c.t7')[0])


def archive(name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as out:
        out.writestr(name, b'x' * 50)
    return file.getvalue()


FOREIGN = {
    'a PyTorch file \\(zip\\): load it with torch.load': archive('archive/data.pkl'),
    'an .npz file of NumPy: numpy.load opens it': archive('weight.npy'),
    'a zip file: unpack it first': archive('a.txt'),
    'a Python pickle': pickle.dumps([1]),
    'a gzip file: unpack it, or nn.load': gzip.compress(nn.dumps(1)),
    'an HDF5 file': b'\x89HDF\r\n\x1a\n' + bytes(100),
    'an .npy file': b'\x93NUMPY\1\0' + bytes(100),
    'a safetensors file': struct.pack('<q', 60) + b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' + bytes(20),
    'a text file that begins with ': b'Lua 5.1 script\n',
    'a web page': b'\n<!doctype html><html>',
    'a text file of numbers': b'0.5\n1.5\n',
}


class TestWhatAFileIs:
    @pytest.mark.parametrize(('text', 'data'), FOREIGN.items(), ids=list(FOREIGN))
    def test_other_formats(self, text, data):
        with pytest.raises(nn.T7Error, match=f'a .t7 file expected, got {text}'):
            nn.loads(data)

    @pytest.mark.parametrize(
        ('file', 'text'),
        [
            ('not_a_t7_lfs.t7', 'a Git LFS pointer, not the file that it stands for: run git lfs pull'),
            ('not_a_t7_html.t7', 'a web page'),
            ('not_a_t7_pytorch_legacy.t7', 'a PyTorch file \\(pickle\\)'),
            ('numbers.txt', 'a text file of numbers: numpy.loadtxt opens it'),
            ('win_long4_tensor.t7', 'with longSize=4 it can be read: it comes from a 32-bit machine or from Windows'),
        ],
    )
    def test_files(self, file, text):
        with pytest.raises(nn.T7Error, match=text):
            nn.load(FAULTS / file)

    def test_4_byte_longs(self):
        np.testing.assert_array_equal(nn.load(FAULTS / 'win_long4_tensor.t7', longSize=4), [[0, 1, 2], [3, 4, 5]])
        with pytest.raises(nn.T7Error, match='with longSize=8 it can be read: it comes from a 64-bit machine'):
            nn.loads(nn.dumps(np.ones(3)), longSize=4)

    def test_line_ends_that_were_changed(self):
        data = nn.dumps({'x' * 10: np.ones(10), 'y': 'z' * 10})
        assert data.count(b'\n') > 1 and b'\r' not in data
        with pytest.raises(nn.T7Error, match='its line feeds were turned into CRLF'):
            nn.loads(data.replace(b'\n', b'\r\n'))
        with pytest.raises(nn.T7Error, match='its line ends are CRLF, so it was copied as a text file'):
            nn.loads(nn.dumps({'a': 'b'}, mode='ascii').replace(b'\n', b'\r\n'))

    def test_numbers_that_are_a_file(self):
        assert list(nn.T7Reader(nn.dumps(2, mode='ascii') + nn.dumps(3, mode='ascii'))) == [2, 3]
        assert nn.loads(nn.dumps(2, mode='ascii') + b'more') == 2
