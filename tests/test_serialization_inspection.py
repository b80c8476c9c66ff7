"""`python -m t7nn inspect` and `convert`: what they print and write, and one clear line for whatever is wrong."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from golden_files import GOLDEN, load, value

import t7nn as nn
from t7nn.__main__ import main
from t7nn.serialization.inspection import convert, describe, entries, tensors

T7, FAULTS = GOLDEN / 't7', GOLDEN / 't7_faults'


def test_the_tree_as_a_process():
    done = subprocess.run(
        [sys.executable, '-m', 't7nn', 'inspect', T7 / 'mlp_flat.t7'], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0] == 'dict of 3' and '  net: nn.Sequential: 3 modules, 26 parameters, float64' in lines
    assert '    (1) nn.Linear(3 -> 4): weight 4x3, bias 4, 16 parameters' in lines and '    (2) nn.Tanh' in lines
    assert '  parameters: torch.DoubleTensor 26' in lines


@pytest.mark.parametrize('file', sorted(path.name for path in T7.glob('*.t7') if '.b32.' not in path.name))
def test_every_golden_file(file, capsys):
    assert main(['inspect', str(T7 / file)]) == 0
    assert capsys.readouterr().out.strip()


def test_what_is_shown():
    loop = []
    loop.append(loop)
    storage = nn.Storage([1, 2], np.int64)
    criterion = nn.MSECriterion()
    tree = [loop, storage, nn.TorchFunction(b'', [3], 7), nn.TorchObject('a.B', {'x': True}), criterion, ['\n', 2]]
    assert list(describe(tree)) == [
        'list of 6',
        '  1: list of 1',
        '    1: the same as 1',
        '  2: torch.LongStorage 2',
        '  3: TorchFunction(0 bytes of Lua bytecode, upvalues: 3)',
        '  4: a.B, version 1, not a class of t7nn',
        '    x: True',
        '  5: nn.MSECriterion (float64)',
        "  6: list of 2: '\\n', 2",
    ]
    deep = []
    for _ in range(5000):
        deep = [deep]
    assert len(list(describe(deep))) < 100 and len(list(entries(deep))) < 100


def test_at_most_a_screen(tmp_path, capsys):
    net = nn.Sequential()
    for _ in range(300):
        net.add(nn.Linear(1, 1))
    value = {'tables': [{'a': i} for i in range(1000)], 'net': net, 'texts': [str(i) for i in range(1000)], 'epoch': 3}
    nn.save(tmp_path / 'a.t7', value)
    assert main(['inspect', str(tmp_path / 'a.t7')]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert any(line.startswith('  net: nn.Sequential: 300 modules, 600 parameters') for line in lines)
    assert lines[-1] == '  epoch: 3' and any('more (--all shows them)' in line for line in lines)
    assert any(line.startswith("  texts: list of 1000: '0', '1'") and line.endswith('more') for line in lines)
    assert main(['inspect', '--all', str(tmp_path / 'a.t7')]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2305


def test_a_graph_by_its_nodes(capsys):
    assert main(['inspect', str(FAULTS / 'gModule_after_backward.t7')]) == 0
    assert capsys.readouterr().out.splitlines() == [
        'nn.gModule: 4 modules, 11 parameters, float64',
        '  (1) nn.Identity <- input',
        '  (2) nn.Linear(3 -> 2) <- (1): weight 2x3, bias 2, 8 parameters',
        '  (3) nn.Tanh <- (2)',
        '  (4) nn.Linear(2 -> 1) <- (3): weight 1x2, bias 1, 3 parameters',
    ]


def test_keys_with_newlines_stay_in_their_line(capsys):
    assert main(['inspect', str(FAULTS / 'newline_key.t7')]) == 0
    assert "    '\\n': 1\n    ' ': 2\n    a: 3\n" in capsys.readouterr().out


def doubling(levels=40):
    record = nn.TorchObject('nn.Sequential', {'modules': []})
    for _ in range(levels):
        record = nn.TorchObject('nn.Sequential', {'modules': [record, record]})
    return record


def test_shared_parts_once(tmp_path, capsys):
    nn.save(tmp_path / 'a.t7', doubling())
    with pytest.raises(nn.T7Error, match='expected a network of at most 1000000 modules, got more'):
        nn.load(tmp_path / 'a.t7')
    for arguments in ([], ['--all'], ['--json']):
        assert main(['inspect', str(tmp_path / 'a.t7'), *arguments]) == 0
        assert 5 < len(capsys.readouterr().out.splitlines()) < 500
    tied = nn.Linear(2, 2)
    tied.weight = (first := nn.Linear(2, 2)).weight
    lines = list(describe(nn.Sequential().add(first).add(tied).add(first)))
    assert 'weight 2x2 (the same as modules.1.weight)' in lines[2] and lines[3] == '  (3) the same as modules.1'


def test_json(tmp_path, capsys):
    nn.save(tmp_path / 'a.t7', {'net': nn.Sequential().add(nn.Linear(2, 1)), 'loss': np.nan, 'x': [np.zeros(3)]})
    assert main(['inspect', '--json', str(tmp_path / 'a.t7')]) == 0
    found = {entry.pop('path'): entry for entry in json.loads(capsys.readouterr().out)}
    assert found['net'] == {'class': 'nn.Sequential', 'weights': {}}
    assert found['net.modules.1']['weights']['weight'] == {'type': 'float64', 'shape': [1, 2]}
    assert found['net.modules.1']['parameters'] == 3
    assert found['loss'] == {'value': 'nan'} and found['x.1'] == {'type': 'float64', 'shape': [3]}


def test_tensors_by_name():
    net = nn.Sequential().add(nn.Linear(2, 1)).add(nn.Sequential().add(nn.Linear(1, 3)))
    names = [
        'mean',
        'net.modules.1.weight',
        'net.modules.1.bias',
        'net.modules.2.modules.1.weight',
        'net.modules.2.modules.1.bias',
    ]
    assert list(tensors({'net': net, 'mean': np.zeros(2)})) == names
    assert list(tensors({'mean': np.zeros(2), 'net': net})) == names
    assert list(tensors(np.zeros(3))) == ['value']
    norm = nn.BatchNormalization(3)
    norm.forward(np.ones((2, 3)))
    assert list(tensors(norm)) == ['weight', 'bias', 'running_mean', 'running_var']


def npz(tmp_path, path):
    assert main(['convert', str(path), str(tmp_path / 'out.npz')]) == 0
    with np.load(tmp_path / 'out.npz') as found:
        return dict(found)


def test_no_tensor_is_lost(tmp_path):
    one, two, three, four = (np.full(2, i) for i in range(4))
    value = {
        'allow_pickle': one,
        'file': two,
        'a.b': three,
        'a': {'b': four},
        'c': {1: one + 9, '1': two + 9},
        'x/y': one,
    }
    found = npz(tmp_path, nn.save(tmp_path / 'a.t7', value) or tmp_path / 'a.t7')
    assert set(found) == {'allow_pickle', 'file', 'a.b', 'a.b~2', 'c.1', 'c.1~2', 'x/y'}
    np.testing.assert_array_equal(found['a.b'], four)
    reverse = dict(reversed(list(value.items())))
    again = npz(tmp_path, nn.save(tmp_path / 'b.t7', reverse) or tmp_path / 'b.t7')
    assert all(np.array_equal(found[name], again[name]) for name in found)


def test_weights_only(tmp_path):
    assert set(npz(tmp_path, FAULTS / 'gModule_after_backward.t7')) == {
        f'modules.{i}.{name}' for i in (2, 4) for name in ('weight', 'bias')
    }
    assert set(npz(tmp_path, FAULTS / 'scratch_in_npz.t7')) == {
        f'modules.{i}.{name}' for i in (1, 3) for name in ('weight', 'bias')
    }


def test_tensors_that_are_shared_far_too_often(tmp_path, capsys):
    large = np.zeros(1 << 18)
    nn.save(tmp_path / 'a.t7', [large] * 100)
    assert main(['convert', str(tmp_path / 'a.t7'), str(tmp_path / 'out.npz')]) == 2
    assert 'uses the same tensors more than 16 times' in capsys.readouterr().err


class TestEnds:
    """The command line ends quietly where nobody listens any more."""

    def run(self, command, **options):
        return subprocess.run(command, shell=True, capture_output=True, text=True, check=False, **options)

    def test_a_pipe_closed_early(self, tmp_path):
        nn.save(tmp_path / 'a.t7', [{'a': i} for i in range(30_000)])
        inspect = f'{sys.executable} -m t7nn inspect --all {tmp_path / "a.t7"}'
        done = self.run(f'bash -c "{inspect} | head -1; exit \\${{PIPESTATUS[0]}}"')
        assert (done.stdout, done.stderr, done.returncode) == ('list of 30000\n', '', 141)

    @pytest.mark.parametrize(('closed', 'status'), [('2>&-', 0), ('>&-', 0), ('2>&- <&-', 0)])
    def test_closed_streams(self, closed, status):
        done = self.run(f'{sys.executable} -m t7nn inspect {FAULTS / "newline_key.t7"} {closed}')
        assert (done.stderr, done.returncode) == ('', status)
        done = self.run(f'{sys.executable} -m t7nn inspect nothing.t7 2>&-')
        assert (done.stdout, done.returncode) == ('', 2)

    def test_ctrl_c(self, monkeypatch, capsys):
        def interrupted(*arguments):
            raise KeyboardInterrupt

        monkeypatch.setattr('t7nn.serialization.inspection._read', interrupted)
        assert main(['inspect', str(FAULTS / 'newline_key.t7')]) == 130
        assert capsys.readouterr() == ('', '')

    def test_no_command_lists_them(self, capsys):
        with pytest.raises(SystemExit, match='2'):
            main([])
        said = capsys.readouterr().err
        assert said.startswith('python -m t7nn: expected a command') and all(
            name in said for name in ('regularize', 'inspect', 'convert')
        )


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
        (
            ['inspect', 'setup.cfg'],
            'inspect: {file}: a .t7 file expected, got a text file that begins with .* \\(at byte 0\\)',
        ),
        (['inspect', 'missing.t7'], 'inspect: .*No such file.*missing.t7'),
        (['convert', 'setup.cfg', 'out.t7'], 'convert: {file}: a .t7 file expected'),
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
