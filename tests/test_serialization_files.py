""".t7 files: paths, open files, several objects, bad input, files that stay whole, and what is no .t7 file."""

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
from test_serialization_values import FORMS, again, same

import t7nn as nn
from t7nn import Storage
from t7nn.tensors import owner

FAULTS = GOLDEN / 't7_faults'


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
