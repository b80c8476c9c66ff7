"""Layers and networks of other packages as ONNX models; each layer's configurations are in test_export_onnx."""

import re
from pathlib import Path

import numpy as np
import pytest
from golden_files import GOLDEN, assert_same
from test_export_onnx import ROWS, TOLERANCE, assert_exported, flat, has_converter, open_sizes, operators, run, table

import t7nn as nn
from t7nn.export import ExportError, to_onnx
from t7nn.export.onnx import builder
from t7nn.packages import classes, cudnn, rnn
from t7nn.tensors import nested_map


def test_how_many():
    """All but the bases and what depends on values: its windows are where the input says."""
    refused = {
        name
        for name, cls in classes().items()
        if issubclass(cls, nn.Module) and isinstance(builder.converter_of(cls), str)
    }
    assert refused == {'nn.AbstractRecurrent', 'nn.AbstractSequencer', 'inn.ROIPooling'}


@pytest.mark.parametrize('dtype', TOLERANCE)
@pytest.mark.parametrize('name', ['fastlstm', 'inception', 'instnorm', 'recurrent', 'seqlstm', 'sequencer'])
def test_models_of_torch7(name, dtype):
    record = nn.load(GOLDEN / 'models' / f'{name}.t7')
    network, x, expected = record['net'], record['x'], record['y']
    network.evaluate()
    x, expected = (nested_map(lambda tensor: tensor.astype(dtype), value) for value in (x, expected))
    outputs = run(to_onnx(network, None, x, dtype), x)
    for actual, wanted in zip(outputs, flat(expected), strict=True):
        assert_same(actual, wanted, TOLERANCE[dtype])


def test_a_character_level_language_model():
    """char-rnn's checkpoint: one step of time a call, the state goes out and in again."""
    network = nn.load(GOLDEN / 'models' / 'charrnn_lstm.t7')['protos']['rnn']
    expected = nn.load(GOLDEN / 'models' / 'charrnn_lstm_out.t7')
    state = [np.zeros((1, 8), network.dtype)] * 4
    model = to_onnx(network, None, [np.ones(1, network.dtype), *state])
    assert open_sizes(model.graph.input) == {'N'}
    for t in range(1, 11):
        *state, logarithms = run(model, [np.array([t * 3 % 11 + 1], network.dtype), *state])
        for actual, wanted in zip([*state, logarithms], flat(expected[t - 1]), strict=True):
            assert_same(actual, wanted, 1e-10)


def test_sequences_of_every_length():
    """In float32 SeqLSTM and SeqGRU are ONNX's own, which count the steps themselves."""
    for layer in rnn.SeqLSTM(3, 2), rnn.SeqGRU(3, 2):
        layer.float().evaluate()
        x = np.random.RandomState(0).randn(4, 5, 3).astype('f')
        model = to_onnx(layer, None, (4, 5, 3))
        assert open_sizes(model.graph.input) == {'N'}  # the first size, which is the time
        assert_exported(model, layer, x, 1e-5)
        assert_exported(model, layer, np.repeat(x, 3, 0), 1e-5)


def remembering(layer):
    layer.remember()
    return layer


def started(layer):
    layer.userPrevOutput = np.ones((1, 2))
    return layer


@pytest.mark.parametrize(
    ('layer', 'input', 'text'),
    [
        (lambda: rnn.LSTM(3, 2), (1, 3), 'nn.LSTM has no equivalent in ONNX: what it remembers from call to call'),
        (lambda: remembering(rnn.Sequencer(rnn.GRU(3, 2))), (2, 1, 3), 'it goes on where the last sequence ended'),
        (lambda: remembering(rnn.SeqLSTM(3, 2)), (2, 1, 3), 'it goes on where the last sequence ended (remember)'),
        (lambda: rnn.Sequencer(started(rnn.LSTM(3, 2))), (2, 1, 3), 'its state before the first step was set'),
        (lambda: started(rnn.SeqGRU(3, 2)), (2, 1, 3), 'its state before the sequence was set'),
        (lambda: cudnn.LSTM(3, 2, 1, False, 0, True), (2, 1, 3), 'it goes on where the last sequence ended'),
    ],
)
def test_what_is_refused(layer, input, text):
    with pytest.raises(ExportError, match=re.escape(text)):
        to_onnx(layer(), None, input)


def table_of_packages():
    """What the layers of other packages become, over their configurations."""
    pairs = []
    for name, row in ROWS.items():
        module = row.make().float()
        if name.startswith('packages-') and has_converter(module):
            module.evaluate()
            input = nested_map(np.asarray, row.draw())
            pairs.append((module, nested_map(lambda x: x.astype('f') if x.dtype.kind == 'f' else x, input)))
    layers = {name: cls for name, cls in classes().items() if issubclass(cls, nn.Module)}
    return table(layers, operators(pairs))


def test_the_table_of_the_documentation():
    page = (Path(__file__).parent.parent / 'docs' / 'leaving.md').read_text()
    wanted = table_of_packages()
    assert wanted in page, f'docs/leaving.md needs this table:\n{wanted}'


def test_every_layer_has_a_configuration():
    made = [row.make() for name, row in ROWS.items() if name.startswith('packages-')]
    names = {type(inner).typename for module in made if has_converter(module) for inner in module.listModules()}
    wanted = {cls.typename for cls in classes().values() if not isinstance(builder.converter_of(cls), str)}
    assert wanted <= names
