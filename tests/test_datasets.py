"""The data that ship, and tables as other programs write them."""

import gzip
import io
import sys

import numpy as np
import pytest

from t7nn import datasets
from t7nn.datasets import read_csv

PACKED = gzip.compress(b'a,y\n1,2\n')
ROWS = [[1.5, -2, 30], [4, 5.25, -6e-3]]


def table(tmp_path, text, encoding='utf-8', name='table.csv'):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def holds(path, names=('a', 'y z', 'b')):
    read = read_csv(path, names[1])
    assert read.names == [names[0], names[2]]
    np.testing.assert_array_equal(np.insert(read.inputs, 1, read.target, axis=1), ROWS)


@pytest.mark.parametrize(
    'text',
    [
        'a,y z,b\n1.5,-2,30\n4,5.25,-6e-3\n',
        'a,y z,b\r\n1.5,-2,30\r\n4,5.25,-6e-3\r\n',
        'a,y z,b\r1.5,-2,30\r4,5.25,-6e-3',
        '\ufeffa;y z;b\r\n1,5;-2;30\r\n4;5,25;-0,006\r\n',
        'a;y z;b\n1.5;-2;30\n4;5.25;-6e-3\n',
        'a\ty z\tb\n1.5\t-2\t30\n4\t5.25\t-6e-3\n',
        'a, y z, b\n 1.5, -2 ,30\n\n4, 5.25,-6e-3\n,,\n',
        '"a","y\r\nz","b"\r\n"1.5","-2","30"\r\n4,5.25,-6e-3\r\n',
        ',a,y z,b\n0,1.5,-2,30\n1,4,5.25,-6e-3\n',
        '"","a","y z","b"\n"Anna",1.5,-2,30\n"Bert",4,5.25,-6e-3\n',
        '# who, when; where\na,y z,b\n1.5,-2,30\n# a pause\n4,5.25,-6e-3\n',
    ],
    ids=[
        'unix', 'windows', 'old mac', 'excel in German', 'semicolons', 'tabs', 'blanks', 'quoted', 'pandas', 'R',
        'comments',
    ],
)  # fmt: skip
def test_as_others_write_it(tmp_path, text):
    holds(table(tmp_path, text))


def test_names_with_the_other_separators(tmp_path):
    holds(table(tmp_path, '"a,b",y;c\n1.5;-2;30\n'.replace('"a,b",', 'a,b;') + '4;5.25;-6e-3\n'), ('a,b', 'y', 'c'))
    holds(table(tmp_path, 'a,"y;z",b\n1.5,-2,30\n4,5.25,-6e-3\n'), ('a', 'y;z', 'b'))


def test_packed_and_from_standard_input(tmp_path, monkeypatch):
    text = b'a,y z,b\n1.5,-2,30\n4,5.25,-6e-3\n'
    (tmp_path / 'table.csv.gz').write_bytes(gzip.compress(text))
    holds(tmp_path / 'table.csv.gz')
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(text)))
    holds('-')


def test_source():
    assert datasets.diabetes().source.startswith('Efron')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a,y\n1,2\n3,x\n', r"table.csv, line 3: expected a number in column 'y', got 'x'"),
        ('a,y\n1,2\n3,\n', "line 3: expected a number in column 'y', got ''"),
        ('a,y\n1,NA\n', "line 2: expected a number in column 'y', got 'NA'"),
        ('a,y\n1_0,2\n', "line 2: expected a number in column 'a', got '1_0'"),
        ('a,y\n"1,5",2\n', "line 2: expected a number in column 'a', got '1,5'"),
        ('a;y\n1.234,5;2\n', "line 2: expected a number in column 'a', got '1.234,5'"),
        ('a,y\n1,inf\n', "line 2: expected a finite number in column 'y', got 'inf'"),
        ('a,y\n1,2,3\n', 'line 2: expected 2 values, got 3'),
        ('"a\nb",y\n\n# why\n1,2\n3\n', 'line 6: expected 2 values, got 1'),
        ('', 'expected a line of column names, got an empty file'),
        ('# nothing else\n\n', 'expected a line of column names, got an empty file'),
        ('y\n1\n2\n', "expected at least one column beside 'y'"),
        ('a,b\n1,2\n', "no column 'y' in it, only a, b"),
        ('a y\n1 2\n', "no column 'y' in it, only a y"),
        (','.join(f'a{i}' for i in range(30)) + '\n', "no column 'y' in it, only a0, .*, a9 and 20 more$"),
        ('a,y,a\n1,2,3\n', "expected a name for each column, got 'a' twice"),
        ('a,"y\n1,2\n', r'expected a table of numbers, got what csv cannot read \(unexpected end of data\)'),
        ('a,y\n' + 'x' * 100 + ',2\n', "got 'x{37}...'"),
    ],
    ids=str,
)
def test_what_is_no_table(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_csv(table(tmp_path, text), 'y')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'\xff\xfea\0,\0y\0', 'expected text in UTF-8, got UTF-16; save it as "CSV UTF-8"'),
        (b'\xfe\xff\0a\0,\0y', 'expected text in UTF-8, got UTF-16'),
        (b'a,y\n1,2\0', 'expected a text file of numbers, got bytes that are no text'),
        ('a,Größe\n'.encode('cp1252'), 'expected text in UTF-8, got the byte 0xf6 in line 1'),
    ],
)
def test_what_is_no_text(tmp_path, content, message):
    (tmp_path / 'table.csv').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_csv(tmp_path / 'table.csv', 'y')


@pytest.mark.parametrize(
    'content', [b'a,y\n1,2\n', PACKED[:-6], PACKED[:10] + b'\xff'], ids=['plain', 'half', 'damaged']
)
def test_what_is_not_packed(tmp_path, content):
    (tmp_path / 'table.csv.gz').write_bytes(content)
    with pytest.raises(ValueError, match='expected a file packed by gzip, got another or half of one'):
        read_csv(tmp_path / 'table.csv.gz', 'y')


def test_files_without_end(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match='/dev/zero: expected a text file of numbers, got bytes'):
        read_csv('/dev/zero', 'y')
    monkeypatch.setattr(datasets.tables, 'LARGEST', 2 << 20)
    with pytest.raises(ValueError, match='expected at most 2 MB of text, got more'):
        read_csv(table(tmp_path, 'a,y\n' + '1,2\n' * (1 << 20)), 'y')


def test_no_name():
    with pytest.raises(ValueError, match="expected the name of a file, got ''"):
        read_csv('', 'y')


def test_digits():
    images, classes = datasets.digits()
    assert images.min() == 0 and images.max() == 1
    assert np.bincount(classes)[1:].min() > 170
