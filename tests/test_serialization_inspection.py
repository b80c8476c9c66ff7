"""`python -m t7nn inspect` and `convert`: what they print and write, and one clear line for whatever is wrong."""

import re
import subprocess
import sys

import numpy as np
import pytest
from golden_files import GOLDEN, load, value

import t7nn as nn
from t7nn.__main__ import main
from t7nn.serialization.inspection import convert, describe, tensors

T7 = GOLDEN / 't7'


def test_the_tree_as_a_process():
    done = subprocess.run(
        [sys.executable, '-m', 't7nn', 'inspect', T7 / 'mlp_flat.t7'], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0] == 'dict of 3' and '  net: nn.Sequential (float64, 26 parameters)' in lines
    assert '      1: nn.Linear(3 -> 4) (float64, 16 parameters)' in lines
    (number,) = {line.partition('in storage ')[2].split()[0] for line in lines if '  parameters: ' in line}
    assert f'        bias: torch.DoubleTensor 4, in storage {number} from 13' in lines
    assert '        gradInput: the same as net.gradInput' in lines


@pytest.mark.parametrize('file', sorted(path.name for path in T7.glob('*.t7') if '.b32.' not in path.name))
def test_every_golden_file(file, capsys):
    assert main(['inspect', str(T7 / file)]) == 0
    assert capsys.readouterr().out.strip()


def test_what_is_shown():
    loop = []
    loop.append(loop)
    storage = nn.Storage([1, 2], np.int64)
    criterion = nn.MSECriterion()
    tree = [loop, storage, nn.TorchFunction(b'', [3], 7), nn.TorchObject('a.B', {'x': True}), criterion]
    assert list(describe(tree))[:7] == [
        'list of 5',
        '  1: list of 1',
        '    1: the same as 1',
        '  2: torch.LongStorage 2',
        '  3: TorchFunction(0 bytes of Lua bytecode, upvalues: 3)',
        '    1: 3',
        '  4: a.B, version 1, not a class of t7nn',
    ]
    assert list(describe(list(range(100))))[-1] == '  ...' and len(list(describe(list(range(100))))) == 52
    deep = []
    for _ in range(5000):
        deep = [deep]
    assert len(list(describe(deep))) < 100


def test_tensors_by_name():
    net = nn.Sequential().add(nn.Linear(2, 1)).add(nn.Sequential().add(nn.Linear(1, 3)))
    found = tensors({'net': net, 'mean': np.zeros(2)})
    assert list(found) == [
        'net.modules.1.weight',
        'net.modules.1.bias',
        'net.modules.2.modules.1.weight',
        'net.modules.2.modules.1.bias',
        'mean',
    ]
    assert list(tensors(np.zeros(3))) == ['value']


def test_weights_for_numpy(tmp_path):
    out = tmp_path / 'weights.npz'
    assert main(['convert', str(T7 / 'linear.t7'), str(out)]) == 0
    fields = load('t7/linear.json')['value']['fields']
    with np.load(out) as weights:
        assert set(weights) == {'weight', 'bias'}
        np.testing.assert_array_equal(weights['weight'], value(fields['weight']))


@pytest.mark.parametrize('name', ['conv', 'checkpoint', 'trainer_with_hook', 'sequence', 'strings'])
def test_binary_and_ascii(tmp_path, name):
    out = str(tmp_path / 'out.t7')
    convert(str(T7 / f'{name}.t7'), out)
    assert (tmp_path / 'out.t7').read_bytes() == (T7 / f'{name}.ascii.t7').read_bytes()
    convert(str(T7 / f'{name}.ascii.t7'), out)
    assert (tmp_path / 'out.t7').read_bytes() == (T7 / f'{name}.t7').read_bytes()
    assert main(['convert', str(T7 / f'{name}.t7'), out, '--mode', 'binary']) == 0
    assert (tmp_path / 'out.t7').read_bytes() == (T7 / f'{name}.t7').read_bytes()


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        (['inspect', 'setup.cfg'], 'inspect: {file}: a type code from 0 to 8 expected, got .* \\(at byte 0\\)'),
        (['inspect', 'missing.t7'], 'inspect: .*No such file.*missing.t7'),
        (['convert', 'setup.cfg', 'out.t7'], 'convert: {file}: a type code from 0 to 8 expected'),
        (['convert', 'number.t7', 'out.npz'], 'convert: .*number.t7 holds no tensors'),
        (['convert', 'number.t7', 'nowhere/out.t7'], "convert: .*No such file or directory: '.*nowhere/out.t7'"),
        (['inspect', 'linear.b32.t7'], 'inspect: .*expected.*'),
    ],
    ids=lambda argument: ' '.join(argument) if isinstance(argument, list) else None,
)
def test_bad_files_are_one_line(tmp_path, capsys, arguments, text):
    other = tmp_path / 'setup.cfg'
    other.write_text('[metadata]\n')
    command, file, *out = arguments
    path = other if file == 'setup.cfg' else T7 / file
    assert main([command, str(path), *(str(tmp_path / name) for name in out)]) == 2
    said = capsys.readouterr().err
    assert said.count('\n') == 1
    assert re.match('python -m t7nn ' + text.format(file=re.escape(str(path))), said), said
