"""`python -m t7nn convert` to .onnx and .safetensors."""

import numpy as np
import pytest
from golden_files import GOLDEN

import t7nn as nn
from t7nn.__main__ import main
from t7nn.export.command import network_of, shape_of

T7 = GOLDEN / 't7'


def failure(capsys, *arguments):
    """What a command that fails says."""
    with_status = main(['convert', *map(str, arguments)])
    assert with_status == 2
    return capsys.readouterr().err.removeprefix('python -m t7nn convert: ').rstrip('\n')


def test_onnx(tmp_path, capsys):
    onnx = pytest.importorskip('onnx')
    out = tmp_path / 'model.onnx'
    assert main(['convert', str(T7 / 'mlp_float.t7'), str(out), '--input', '1x3']) == 0
    assert capsys.readouterr().out == f'{out}: input Nx3 -> output Nx2, 0.0 MB\n'
    onnx.checker.check_model(onnx.load(out), full_check=True)
    assert main(['convert', str(T7 / 'tables.t7'), str(out), '--input', '2', '--input', '3', '--dtype', 'float32']) == 0
    assert 'input.1 2, input.2 3 -> output' in capsys.readouterr().out


def test_safetensors(tmp_path, capsys):
    package = pytest.importorskip('safetensors.numpy')
    out = tmp_path / 'model.safetensors'
    assert main(['convert', str(T7 / 'checkpoint.t7'), str(out), '--key', 'model', '--dtype', 'float32']) == 0
    assert capsys.readouterr().out == f'{out}: weights, 0.0 MB\n'
    tensors = package.load_file(out)
    assert set(tensors) >= {'0.weight', '0.bias'} and tensors['0.weight'].dtype == np.float32


def test_what_is_wrong(tmp_path, capsys):
    pytest.importorskip('onnx')
    out = tmp_path / 'model.onnx'
    mlp = T7 / 'mlp_trained.t7'
    assert failure(capsys, mlp, out) == 'expected the shape of the input: --input 1x3x224x224'
    assert failure(capsys, mlp, out, '--input', '1,3') == "--input: expected a shape such as 1x3x224x224, got '1,3'"
    assert 'nn.Linear' in failure(capsys, mlp, out, '--input', '1x4')
    assert failure(capsys, mlp, tmp_path / 'a.safetensors', '--input', '1x3') == '--input is for .onnx files only'
    assert failure(capsys, T7 / 'tables.t7', out, '--input', '3').startswith('the network does not take this input: ')
    assert failure(capsys, T7 / 'array.t7', out, '--input', '3') == 'expected a network, the file holds none'
    wrong = failure(capsys, T7 / 'checkpoint.t7', out, '--input', '3', '--key', 'best')
    assert wrong == "the file holds networks at 'model': there is none at 'best'"
    (tmp_path / 'no.t7').write_bytes(b'no')
    assert failure(capsys, tmp_path / 'no.t7', out, '--input', '3').startswith(str(tmp_path / 'no.t7'))
    assert not out.exists()


def test_which_network():
    one, two = nn.Tanh(), nn.Abs()
    trainer = nn.StochasticGradient(two, nn.MSECriterion())
    assert network_of(one) is one
    assert network_of({'epoch': 3, 'trainer': trainer}) is two
    assert network_of([one, {'nets': [two]}], '2.nets.1') is two
    with pytest.raises(ValueError, match="networks at '1', '2': choose one with --key"):
        network_of([one, two])


@pytest.mark.parametrize('text', ['', 'x', '0x3', '1x', '1x-2', '1 x 3', '1X3'])
def test_shapes(text):
    with pytest.raises(ValueError, match='--input: expected a shape such as 1x3x224x224'):
        shape_of(text)
