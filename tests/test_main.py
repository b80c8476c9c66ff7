"""The command line: the main job, its picture, and one clear line for whatever is wrong."""

import re
import subprocess
import sys

import numpy as np
import pytest

from t7nn import datasets, experiment
from t7nn.__main__ import main

QUICK = ['regularize', '--iterations', '3', '--hidden', '4', '--train', '20']


@pytest.fixture
def table(tmp_path):
    rng = np.random.RandomState(0)
    path = tmp_path / 'table.csv'
    rows = '\n'.join(','.join(f'{number:.3f}' for number in row) for row in rng.randn(30, 3))
    path.write_text(f'# where it is from\nheight,width,price\n{rows}\n')
    return path


def failure(capsys, *arguments):
    """The line on stderr of a command that fails."""
    try:
        assert main(list(arguments)) == 2
    except SystemExit as exit:
        assert exit.code == 2
    captured = capsys.readouterr()
    assert captured.err.count('\n') == 1 and captured.err.endswith('\n')
    return captured.err.strip()


def test_the_main_job_as_a_process():
    done = subprocess.run([sys.executable, '-m', 't7nn', *QUICK], capture_output=True, text=True, check=True)
    assert re.search(r'^none +\d+\.\d{3} +\d+\.\d{3} +\d+\.\d{3} +\d+\.\d% +\d+\.\d{4}$', done.stdout, re.M)
    assert [line.partition(':')[0] for line in done.stderr.splitlines()] == [
        'none', 'L2 (0.1)', 'L1 (0.03)', 'L1 and L2', 'as published',
    ]  # fmt: skip


def test_what_it_shows():
    """The numbers of other seeds tell what the documentation tells of the first."""
    for seed in (2, 3):
        data = experiment.split(datasets.diabetes(), 100, seed)
        none, l2, l1, both, published = experiment.compare(data, seed=seed)
        assert none.training_error < 0.05 and none.test_error > np.mean(data.test_targets**2) > 0.85
        assert l2.test_error < 0.65 and l1.test_error < 0.65 and both.test_error < 0.72
        assert l1.zeros > 0.95 and none.zeros == l2.zeros == 0
        assert published.largest <= 0.03 and published.training_error > 0.8


def test_own_table(table, capsys):
    assert main([*QUICK, '--data', str(table), '--target', 'price']) == 0
    assert f'{table}: 20 rows to train on, 10 to test, 2 variables' in capsys.readouterr().out


def test_same_seed_same_table(table, capsys):
    outputs = []
    for seed in ('5', '5', '6'):
        assert main([*QUICK, '--data', str(table), '--target', 'price', '--seed', seed]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] != outputs[2]


def test_progress_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: True)
    assert main(['regularize', '--iterations', '20', '--hidden', '2', '--train', '20']) == 0
    shown = capsys.readouterr().err
    assert '\rnone: iteration 10 of 20, error ' in shown
    assert shown.endswith('\r\033[K')


def test_missing_file(capsys):
    assert 'No such file' in failure(capsys, 'regularize', '--data', 'missing.csv', '--target', 'price')


def test_missing_column(table, capsys):
    message = failure(capsys, 'regularize', '--data', str(table), '--target', 'weight')
    assert message.endswith("no column 'weight' in it, only height, width, price")


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a,b\n1,2\n3,x\n', "line 3: a number needed in column 'b', got 'x'"),
        ('a,b\n1,2\n3,\n', "line 3: a number needed in column 'b', got ''"),
        ('a,b\n1,inf\n', "line 2: a finite number needed in column 'b', got 'inf'"),
        ('a,b\n1,2,3\n', 'line 2: 2 values needed, got 3'),
        ('', 'a line of column names needed, got an empty file'),
        ('b\n1\n2\n', "at least one column beside 'b' needed"),
        ('a,b\n1,2\n', 'at least 2 rows for training and 2 for testing needed, got 1 rows and --train 100'),
    ],
)
def test_table_that_makes_no_sense(tmp_path, capsys, text, message):
    path = tmp_path / 'bad.csv'
    path.write_text(text)
    assert failure(capsys, 'regularize', '--data', str(path), '--target', 'b').endswith(message)


def test_file_that_is_no_text(tmp_path, capsys):
    path = tmp_path / 'bad.csv'
    path.write_bytes(b'\xff\xfe\x00')
    assert 'a text file of numbers needed' in failure(capsys, 'regularize', '--data', str(path), '--target', 'b')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--iterations', '0'], '--iterations of at least 1 needed, got 0'),
        (['--hidden', '-1'], '--hidden of at least 1 needed, got -1'),
        (['--l1', '-0.1'], 'a finite --l1 >= 0 needed, got -0.1'),
        (['--l2', 'nan'], 'a finite --l2 >= 0 needed, got nan'),
        (['--rate', 'inf'], 'a finite --rate >= 0 needed, got inf'),
        (['--rate', 'fast'], "argument --rate: invalid float value: 'fast'"),
        (['--train', '441'], 'at least 2 rows for training and 2 for testing needed, got 442 rows and --train 441'),
        (['--target', 'price'], '--data and --target go together'),
        (['--what'], 'unrecognized arguments: --what'),
    ],
)
def test_options_that_make_no_sense(capsys, arguments, message):
    assert failure(capsys, 'regularize', *arguments).endswith(message)


def test_no_command(capsys):
    assert 'COMMAND' in failure(capsys)


def test_divergence_is_told(capsys):
    assert main([*QUICK, '--rate', '1e9']) == 0
    assert 'the training diverged: a smaller --rate helps' in capsys.readouterr().out


def test_picture(tmp_path, capsys):
    path = tmp_path / 'picture.png'
    assert main([*QUICK, '--plot', str(path)]) == 0
    assert path.read_bytes().startswith(b'\x89PNG')
    assert f'picture: {path}' in capsys.readouterr().out


def test_picture_without_matplotlib(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    monkeypatch.setitem(sys.modules, 'matplotlib.figure', None)
    message = failure(capsys, *QUICK, '--plot', str(tmp_path / 'picture.png'))
    assert message.endswith('--plot needs matplotlib; get it with: pip install matplotlib')


def test_digits():
    images, classes = datasets.digits()
    assert images.min() == 0 and images.max() == 1
    assert np.bincount(classes)[1:].min() > 170


def test_import_is_light():
    """Importing t7nn imports neither SciPy nor an extra."""
    extras = {'scipy', 'matplotlib', 'hypothesis', 'torch'}
    code = f'import sys, t7nn; print(sorted({extras} & set(sys.modules)))'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout == '[]\n'
