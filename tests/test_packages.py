"""The layers of other packages: networks written by Torch7, and each layer against a formula of its own."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from table import CriterionRow, rows
from test_docs import ROOT

import t7nn as nn
from t7nn import TorchObject
from t7nn.packages import PACKAGES, char_rnn, classes, cudnn, dpnn, inn, neural_style, nnx, rnn, stn
from t7nn.testing import check_module

MODELS = Path(__file__).parent / 'golden' / 'models'
RNG = np.random.RandomState(0)


def loaded(typename, version=1, **fields):
    """What a file with one object of these fields gives."""
    return nn.loads(nn.dumps(TorchObject(typename, fields, version)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def as_list(value):
    return value if isinstance(value, list) else [value]


def assert_close(actual, expected, tolerance=1e-10):
    for a, b in zip(as_list(actual), as_list(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def differences(function, x, gradient):
    """The derivative of sum(gradient * function()) with respect to x, by central differences."""
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        values = []
        for step in (1e-6, -1e-6):
            x[index] = kept + step
            values.append(sum(np.sum(g * y) for g, y in zip(as_list(gradient), as_list(function()), strict=True)))
        x[index] = kept
        result[index] = (values[0] - values[1]) / 2e-6
    return result


class TestModels:
    """Networks that real Torch7 wrote, with its outputs."""

    NAMES = ('fastlstm', 'inception', 'instnorm', 'recurrent', 'seqlstm', 'sequencer')

    @pytest.mark.parametrize('name', NAMES)
    def test_output_and_text(self, name):
        model = nn.load(MODELS / f'{name}.t7')
        assert_close(model['net'].forward(model['x']), model['y'])
        assert str(model['net']) == model['text']

    @pytest.mark.parametrize('name', NAMES)
    def test_it_comes_back(self, name):
        model = nn.loads(nn.dumps(nn.load(MODELS / f'{name}.t7')))
        assert_close(model['net'].forward(model['x']), model['y'])
        text = nn.loads(nn.dumps(model, mode='ascii'))
        assert_close(text['net'].forward(model['x']), model['y'])

    @pytest.mark.parametrize('name', NAMES)
    def test_single_precision(self, name):
        model = nn.load(MODELS / f'{name}.t7')
        model['net'].zeroGradParameters()  # which Torch7 leaves as the memory was
        single = [x.astype(np.float32) for x in as_list(model['x'])]
        output = model['net'].float().forward(single if isinstance(model['x'], list) else single[0])
        assert all(y.dtype == np.float32 for y in as_list(output))
        assert_close(output, model['y'], 2e-4 if name == 'instnorm' else 1e-5)

    @pytest.mark.parametrize('name', NAMES)
    def test_it_trains(self, name):
        """With the kit: in training mode, all gradients by central differences."""
        model = nn.load(MODELS / f'{name}.t7')
        net, x = model['net'], model['x']
        net.zeroGradParameters()
        net.training()
        checks = ['accumulation', 'update', 'single_precision', 'copies', 'flat_parameters']
        if name != 'instnorm':  # TotalVariation adds a gradient that is not that of the output
            checks += ['input_gradient', 'parameter_gradient']
        check_module(net, x, batch=False, checks=checks)

    def test_char_rnn(self):
        checkpoint, expected = (nn.load(MODELS / f'charrnn_lstm{end}.t7') for end in ('', '_out'))
        net = checkpoint['protos']['rnn']
        net.evaluate()
        state = [np.zeros((1, 8)) for _ in range(4)]
        for t, outputs in enumerate(expected, 1):
            output = net.forward([np.array([t * 3 % 11 + 1.0]), *state])
            assert_close(output, outputs)
            state = [part.copy() for part in output[:-1]]

    def test_one_hot(self):
        net = nn.load(MODELS / 'charrnn_OneHot_gModule.t7')
        np.testing.assert_array_equal(net.forward(np.array([2.0, 3])), [[2, 5], [3, 6]])

    def test_inception(self):
        net = nn.load(MODELS / 'dpnn_Inception.t7')
        assert net.forward(np.ones((1, 1, 4, 4))).ravel()[:6].tolist() == [2.5, 3.5, 3.5, 2.5, 3.5, 5]
        assert net.forward(np.ones((1, 4, 4))).shape == net.forward(np.ones((1, 1, 4, 4))).shape[1:]

    def test_values_that_nn_has_not(self):
        tensor = nn.load(MODELS / 'ClTensor.t7')
        assert tensor.dtype == np.float32 and tensor.tolist() == [[0, 1, 2], [3, 4, 5]]
        table = nn.load(MODELS / 'timer.t7')
        assert table['epoch'] == 3 and table['time'].typename == 'torch.Timer'
        assert nn.dumps(table) == (MODELS / 'timer.t7').read_bytes()
        assert nn.loads(nn.dumps([table], mode='ascii'))[0]['epoch'] == 3


class TestTds:
    """Tables of tds: a count, then what they hold."""

    def values(self):
        inner = nn.loads(tds('Vec', number(1), text('two'), NIL))
        outer = nn.loads(tds('Hash', text('a'), number(3), number(7), text('b')))
        return outer, inner

    def test_they_are_dicts_and_lists(self):
        outer, inner = self.values()
        assert outer == {'a': 3, 7: 'b'} and isinstance(outer, dict)
        assert inner == [1, 'two', None] and isinstance(inner, list)

    @pytest.mark.parametrize('mode', ['binary', 'ascii', 'b32'])
    def test_they_come_back_as_what_they_were(self, mode):
        outer, inner = self.values()
        inner.append(np.arange(3.0))
        outer['inner'], outer['again'] = inner, inner
        data = nn.dumps({'all': outer, 'counter': loaded_counter(5)}, mode=mode)
        assert data.count(b'tds.Hash') == data.count(b'tds.Vec') == data.count(b'tds.AtomicCounter') == 1
        back = nn.loads(data, longSize=4 if mode == 'b32' else 8)
        assert type(back['all']) is type(outer) and type(back['all']['inner']) is type(inner)
        assert back['all']['inner'] is back['all']['again'] and back['all']['inner'][:3] == [1, 'two', None]
        np.testing.assert_array_equal(back['all']['inner'][3], np.arange(3.0))
        assert back['counter'].fields == 5
        assert nn.dumps(back, mode=mode) == data

    def test_true_is_not_one(self):
        hash = nn.loads(tds('Hash', number(1), text('number'), TRUE, text('boolean')))
        assert hash == {1: 'number', nn.ObjectKey(True): 'boolean'}
        assert nn.loads(nn.dumps(hash)) == hash
        assert nn.loads(tds('Hash', TRUE, number(2))) == {True: 2}

    def test_empty_ones(self):
        assert nn.loads(tds('Hash')) == {} and nn.loads(tds('Vec')) == []
        assert nn.loads(nn.dumps([nn.loads(tds('Hash')), nn.loads(tds('Vec')), 1])) == [{}, [], 1]

    def test_one_that_holds_itself(self):
        vec = nn.loads(tds('Vec', number(1)))
        vec.append(vec)
        back = nn.loads(nn.dumps(vec))
        assert back[1] is back

    def test_tensors_as_keys(self):
        hash, key = nn.loads(tds('Hash')), np.ones(2)
        hash[nn.ObjectKey(key)] = 'tensor'
        ((key, value),) = nn.loads(nn.dumps(hash)).items()
        assert value == 'tensor' and key.value.tolist() == [1, 1]

    @pytest.mark.parametrize(
        'damaged, text',
        [
            (lambda: tds('Vec', number(1))[:-20], 'ends|expected'),
            (lambda: tds('Vec', count=1 << 40), 'more than the file can hold'),
            (lambda: tds('Vec', count=-1), 'more than the file can hold'),
            (lambda: tds('Hash', NIL, number(1)), 'neither nil nor nan'),
            (lambda: tds('Hash', number(1), NIL, number(1), NIL), 'keys that differ'),
        ],
    )
    def test_damage(self, damaged, text):
        with pytest.raises(nn.T7Error, match=text):
            nn.loads(damaged())

    def test_they_are_shown(self):
        file = io.BytesIO(nn.dumps(self.values()[0]))
        assert repr(nn.load(file)) == "{'a': 3, 7: 'b'}"


NIL, TRUE = b'\0\0\0\0', b'\5\0\0\0\1\0\0\0'


def number(value):
    return b'\1\0\0\0' + np.float64(value).tobytes()


def text(value):
    return b'\2\0\0\0' + np.int32(len(value)).tobytes() + value.encode()


def tds(kind, *parts, count=None):
    """A file with one tds.Vec or tds.Hash, byte by byte as tds writes it."""
    if count is None:
        count = len(parts) // (2 if kind == 'Hash' else 1)
    name = f'tds.{kind}'.encode()
    head = np.array([4, 1, 3], np.int32).tobytes() + b'V 0' + np.int32(len(name)).tobytes() + name
    return head + np.int64(count).tobytes() + b''.join(parts)


def loaded_counter(value):
    return nn.loads(tds('AtomicCounter', count=value))


FOUND = [getattr(package, name) for package in PACKAGES for name in package.__all__]


class TestAll:
    """What holds for every class."""

    ALL = [value for value in FOUND if isinstance(value, type)]

    def test_a_row_for_each(self):
        made = [row.make() for row in [*rows().values(), *rows(CriterionRow).values()]]
        inside = [inner for module in made if isinstance(module, nn.Module) for inner in module.listModules()]
        kinds = {cls for object in made + inside for cls in type(object).__mro__}
        assert set(self.ALL) <= kinds

    def test_documented(self):
        page = (ROOT / 'docs' / 'packages.md').read_text()
        examples = '\n'.join(line for line in page.splitlines() if line.startswith(('>>>', '...')))
        for cls in self.ALL:
            assert re.search('Source: github.com', cls.__doc__), f'{cls} does not name its source'
            if not cls.__name__.startswith('Abstract'):
                name = f'{cls.__module__.split(".")[2]}.{cls.__name__}'
                assert re.search(rf'\b{re.escape(name)}\b', examples), f'{name} has no example'

    def test_none_is_in_the_namespace_of_nn(self):
        assert not [cls for cls in self.ALL if getattr(nn, cls.__name__, None) is cls]

    def test_names_in_files(self):
        assert classes()['nn.LSTM'] is rnn.LSTM and classes()['cudnn.LSTM'] is cudnn.LSTM
        assert classes()['OneHot'] is char_rnn.OneHot and classes()['inn.ROIPooling'] is inn.ROIPooling
        assert len(classes()) == len({cls.typename for cls in self.ALL})

    def test_fields_for_torch7(self):
        """What a complete object adds to its file is all there: only incomplete ones may leave something out."""
        for row in [*rows().values(), *rows(CriterionRow).values()]:
            object = row.make()
            for inner in object.listModules() if isinstance(object, nn.Module) else [object]:
                if hasattr(inner, 'to_file'):
                    fields = dict(vars(inner))
                    inner.to_file(fields)
                    assert fields.keys() >= {key for key in vars(inner) if key[0] != '_' and key != 'remembering'} or (
                        isinstance(inner, stn.AffineTransformMatrixGenerator)
                    )

    @pytest.mark.parametrize('name', sorted(classes()))
    def test_an_object_without_fields(self, name):
        """It loads, and can be printed, cast, copied and saved."""
        try:
            module = loaded(name)
        except nn.T7Error:
            return
        assert str(module)
        nn.dumps(module)
        module.float().clone()


# rnn


def lstm_by_formula(lstm, xs, h, c):
    """nn.LSTM with peepholes, from the parameters in their order: three gates of five tensors, and the hidden layer."""
    p = lstm.parameters()[0]
    forget, input, hidden, output = p[:4], p[4:8], p[8:11], p[11:]
    outputs = []
    for x in xs:
        sums = [x @ part[0].T + part[1] + h @ part[2].T for part in (forget, input, hidden)]
        f, i, g = sigmoid(sums[0] + forget[3] * c), sigmoid(sums[1] + input[3] * c), np.tanh(sums[2])
        c = f * c + i * g
        h = sigmoid(x @ output[0].T + output[1] + h @ output[2].T + output[3] * c) * np.tanh(c)
        outputs.append(h)
    return outputs


class TestFormulas:
    xs = [RNG.randn(2, 3) for _ in range(4)]

    def test_lstm(self):
        lstm = rnn.LSTM(3, 5)
        expected = lstm_by_formula(lstm, self.xs, np.zeros((2, 5)), np.zeros((2, 5)))
        assert_close([lstm.forward(x).copy() for x in self.xs], expected)
        names = [(lstm.forgetGate, 0), (lstm.inputGate, 4), (lstm.hiddenLayer, 8), (lstm.outputGate, 11)]
        for part, first in names:  # the order of the parameters is that of the layers
            assert part.parameters()[0][0] is lstm.parameters()[0][first]

    def test_fast_lstm(self):
        lstm = rnn.FastLSTM(3, 2)
        W, b, U = lstm.parameters()[0]
        h = c = np.zeros((2, 2))
        for x in self.xs:
            i, g, f, o = np.split(x @ W.T + b + h @ U.T, 4, 1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            assert_close(lstm.forward(x), h)
        assert_close(lstm.cell, c)

    def test_gru(self):
        gru = rnn.GRU(3, 2)
        assert gru.i2g.weight.shape == (4, 3) and str(gru) == 'nn.GRU(3 -> 2, 0.00)'
        W, b, U, W_n, b_n, U_n = gru.parameters()[0]
        h = np.zeros((2, 2))
        for x in self.xs:
            r, z = np.split(sigmoid(x @ W.T + b + h @ U.T), 2, 1)
            h = (1 - z) * np.tanh(x @ W_n.T + b_n + (r * h) @ U_n.T) + z * h
            assert_close(gru.forward(x), h)

    def test_recurrent(self):
        net = rnn.Recurrent(2, nn.Linear(3, 2), nn.Linear(2, 2), nn.Tanh())
        start, W, b, U, d = net.parameters()[0]
        h = np.tanh(self.xs[0] @ W.T + b + start)
        assert_close(net.forward(self.xs[0]), h)
        for x in self.xs[1:]:
            h = np.tanh(x @ W.T + b + h @ U.T + d)
            assert_close(net.forward(x), h)

    def test_sequences(self):
        x = np.stack(self.xs)
        lstm, gru = rnn.SeqLSTM(3, 2), rnn.SeqGRU(3, 2)
        h = c = np.zeros((2, 2))
        W, b = lstm.weight, lstm.bias
        for t, y in enumerate(lstm.forward(x)):
            i, f, o, g = np.split(np.hstack([x[t], h]) @ W + b, 4, 1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            assert_close(y, h)
        h, W, b = np.zeros((2, 2)), gru.weight, gru.bias
        for t, y in enumerate(gru.forward(x)):
            r, u = np.split(sigmoid(np.hstack([x[t], h]) @ W[:, :4] + b[:4]), 2, 1)
            h = (1 - u) * np.tanh(np.hstack([x[t], r * h]) @ W[:, 4:] + b[4:]) + u * h
            assert_close(y, h)
        assert lstm.bias.tolist() == [0, 0, 1, 1, 0, 0, 0, 0] and gru.bias.tolist() == [0, 0, 1, 1, 0, 0]

    def test_to_fast_lstm(self):
        """The same outputs, gradients of the input and of the parameters."""
        net, x, gradient = rnn.SeqLSTM(3, 2), np.stack(self.xs), RNG.randn(4, 2, 2)
        net.zeroGradParameters()
        lstm = rnn.Sequencer(net.toFastLSTM())
        assert_close(lstm.forward(x), net.forward(x))
        assert_close(lstm.backward(x, gradient), net.backward(x, gradient))
        assert_close(net.toFastLSTM().parameters()[1], lstm.parameters()[1])

    @pytest.mark.parametrize('kind, size', [(rnn.SeqLSTM, 4), (rnn.SeqGRU, 3)])
    def test_masked_steps(self, kind, size):
        """A step of zeros gives zeros, and what follows begins anew."""
        net, x = kind(3, 2).maskZero(), np.stack(self.xs)
        x[1, 0] = 0
        y = net.forward(x).copy()
        assert not y[1, 0].any() and y[1, 1].any()
        assert_close(net.forward(x[2:, :1]), y[2:, :1])

    def test_against_pytorch(self):
        torch = pytest.importorskip('torch')
        x = RNG.randn(5, 2, 3)
        for kind, theirs, both in (
            (cudnn.LSTM, torch.nn.LSTM, False),
            (cudnn.GRU, torch.nn.GRU, False),
            (cudnn.RNNTanh, torch.nn.RNN, False),
            (cudnn.BLSTM, torch.nn.LSTM, True),
            (cudnn.BGRU, torch.nn.GRU, True),
        ):
            net, other = kind(3, 4, 2), theirs(3, 4, 2, bidirectional=both).double()
            with torch.no_grad():
                for parameters, target in zip(net._split(net.weight), other._all_weights, strict=True):
                    for values, name in zip(parameters, target, strict=True):
                        getattr(other, name).copy_(torch.from_numpy(values))
            input = torch.from_numpy(x).requires_grad_()
            output, _ = other(input)
            gradOutput = RNG.randn(*output.shape)
            output.backward(torch.from_numpy(gradOutput))
            assert_close(net.forward(x), output.detach().numpy())
            assert_close(net.backward(x, gradOutput), input.grad.numpy())
            for gradients, target in zip(net._split(net.gradWeight), other._all_weights, strict=True):
                assert_close(list(gradients), [getattr(other, name).grad.numpy() for name in target])


class TestSteps:
    """Recurrent modules, one step a call."""

    xs = [RNG.randn(2, 3) for _ in range(5)]

    @pytest.mark.parametrize(
        'make', [lambda: rnn.LSTM(3, 2), lambda: rnn.FastLSTM(3, 2), lambda: rnn.GRU(3, 2),
                 lambda: rnn.Recurrent(2, nn.Linear(3, 2), nn.Linear(2, 2)), lambda: rnn.Recursor(rnn.GRU(3, 2))],
    )  # fmt: skip
    def test_back_through_time(self, make):
        net = make()
        gradients = [RNG.randn(2, 2) for _ in self.xs]

        def outputs():
            rnn.forget(net)
            return [net.forward(x).copy() for x in self.xs]

        for _ in range(2):
            outputs()
            net.zeroGradParameters()
            back = [net.backward(x, g).copy() for x, g in zip(self.xs[::-1], gradients[::-1], strict=True)][::-1]
        kept = [gradient.copy() for gradient in net.parameters()[1]]
        for x, gradient in zip(self.xs, back, strict=True):
            assert_close(gradient, differences(outputs, x, gradients), 1e-7)
        for parameter, gradient in zip(net.parameters()[0], kept, strict=True):
            assert_close(gradient, differences(outputs, parameter, gradients), 1e-7)

    def test_memory(self):
        lstm = rnn.LSTM(3, 2)
        first = lstm.forward(self.xs[0]).copy()
        assert not np.allclose(lstm.forward(self.xs[0]), first) and lstm.step == 3
        assert lstm.forget() is lstm and lstm.step == 1 and not lstm.outputs and not lstm.cells
        assert_close(lstm.forward(self.xs[0]), first)

    def test_evaluation_gives_the_same(self):
        for net in (rnn.LSTM(3, 2), rnn.GRU(3, 2), rnn.Recurrent(2, nn.Linear(3, 2), nn.Linear(2, 2))):
            trained = [net.forward(x).copy() for x in self.xs]
            net.evaluate()
            net.forget()
            assert_close([net.forward(x).copy() for x in self.xs], trained)
            assert len(net.outputs) == 1
            with pytest.raises(ValueError, match='evaluation remembers no steps'):
                net.updateGradInput(self.xs[-1], np.ones((2, 2)))

    def test_hidden_state(self):
        whole, part = rnn.LSTM(3, 2), None
        for x in self.xs[:2]:
            whole.forward(x)
        part = whole.clone()
        part.forget()
        part.setHiddenState(0, whole.getHiddenState())
        assert_close(part.forward(self.xs[2]), whole.forward(self.xs[2]))
        assert_close(part.getHiddenState(0, self.xs[0]), whole.getHiddenState(2))
        h, c = rnn.LSTM(3, 2).getHiddenState(0, self.xs[0])
        assert h.tolist() == c.tolist() == [[0, 0], [0, 0]]
        recursor = rnn.Recursor(nn.Sequential().add(rnn.GRU(3, 2)))
        recursor.setHiddenState(0, [np.ones((2, 2))])
        assert recursor.getHiddenState(0)[0].tolist() == [[1, 1], [1, 1]]

    def test_state_of_an_encoder(self):
        """The decoder begins where the encoder ended, and its gradient goes back there."""
        encoder, decoder = rnn.LSTM(3, 2), rnn.LSTM(3, 2)

        def outputs():
            for net in (encoder, decoder):
                net.forget()
            encoder.forward(self.xs[0])
            decoder.userPrevOutput, decoder.userPrevCell = encoder.outputs[1], encoder.cells[1]
            return decoder.forward(self.xs[1])

        gradient = RNG.randn(*outputs().shape)
        decoder.backward(self.xs[1], gradient)
        encoder.setGradHiddenState(1, decoder.getGradHiddenState(0))
        actual = encoder.backward(self.xs[0], np.zeros((2, 2)))
        assert_close(actual, differences(outputs, self.xs[0], gradient), 1e-7)

    def test_rho_bounds_the_copies(self):
        gru = rnn.GRU(3, 2, 2)
        for _ in range(4):
            for x in self.xs:
                gru.forward(x)
        assert len(gru.sharedClones) == 3 and max(gru.outputs) == 20 and min(gru.outputs) >= 16
        assert all(len(table) <= 5 for table in gru._memory.values() if isinstance(table, dict))
        for x in self.xs[:1:-1]:
            gru.backward(x, np.ones((2, 2)))
        with pytest.raises(ValueError, match='step 17 is not remembered'):
            gru.backward(self.xs[1], np.ones((2, 2)))

    def test_wrong_order(self):
        for net in (rnn.LSTM(3, 2), rnn.Recursor(nn.Linear(3, 2))):
            with pytest.raises(ValueError, match='step 0 is not remembered'):
                net.updateGradInput(self.xs[0], np.ones((2, 2)))
            net.forward(self.xs[0])
            with pytest.raises(ValueError, match='expected updateGradInput before accGradParameters'):
                net.accGradParameters(self.xs[0], np.ones((2, 2)))
        net = rnn.Recursor(nn.Sequential().add(rnn.GRU(3, 2)))
        net.forward(self.xs[0])
        net.findModules('nn.GRU')[0][0].forget()
        with pytest.raises(ValueError, match='expected as many steps as the modules around it took'):
            net.backward(self.xs[0], np.ones((2, 2)))
        lstm = rnn.LSTM(3, 2)
        lstm.forward(self.xs[0])
        with pytest.raises(ValueError, match=r'expected gradOutput of shape \(2, 2\)'):
            lstm.backward(self.xs[0], np.ones((1, 2)))
        with pytest.raises(ValueError, match='expected'):
            lstm.forward(np.ones((2, 4)))
        with pytest.raises(TypeError, match='float32'):
            lstm.forward(np.ones((2, 3), np.float32))

    def test_copies_share_parameters(self):
        """Of a flat vector too, and of parameters that are replaced."""
        net = rnn.Sequencer(rnn.LSTM(3, 2))
        net.remember()
        net.forward(self.xs)
        state = [part.copy() for part in net.module.getHiddenState(5)]
        flat, _ = net.getParameters()
        flat.fill(0.1)
        assert_close(net.forward(self.xs), lstm_by_formula(net.module, self.xs, *state))
        gru = rnn.GRU(3, 2)
        for _ in range(2):
            gru.forward(self.xs[0])
            gru.forward(self.xs[1])
            gru.forget()
            gru.i2g.weight = np.zeros_like(gru.i2g.weight)
            gru.i2g.bias = np.full_like(gru.i2g.bias, 100.0)  # z = 1: the state is kept
        gru.setHiddenState(0, np.full((2, 2), 0.5))
        assert_close([gru.forward(x) for x in self.xs], [np.full((2, 2), 0.5)] * 5)

    def test_a_graph_takes_steps(self):
        """The network of char-rnn in a Recursor: as many calls of the network itself."""
        graph = nn.load(MODELS / 'charrnn_lstm.t7')['protos']['rnn']
        for module in graph.findModules('nn.Dropout')[0]:
            module.p = 0
        graph.training()
        net = rnn.Recursor(graph.clone())
        xs = [[np.array([t + 1.0]), *(RNG.randn(1, 8) for _ in range(4))] for t in range(3)]
        ys = [net.forward(x) for x in xs]
        gradients = [[RNG.randn(*part.shape) for part in y] for y in ys]
        net.zeroGradParameters()
        graph.zeroGradParameters()
        for x, y, gradient in zip(xs[::-1], ys[::-1], gradients[::-1], strict=True):
            assert_close(graph.forward(x), y)
            assert_close(net.backward(x, gradient)[1:], graph.backward(x, gradient)[1:])
        assert_close(net.parameters()[1], graph.parameters()[1])

    def test_running_averages_are_shared(self):
        net = rnn.Sequencer(nn.BatchNormalization(3))
        net.forward(self.xs)
        means = [x.mean(0) for x in self.xs]
        expected = np.zeros(3)
        for mean in means:
            expected = 0.1 * mean + 0.9 * expected
        assert_close(net.findModules('nn.BatchNormalization')[0][0].running_mean, expected)

    def test_replace(self):
        net = rnn.Sequencer(rnn.FastLSTM(3, 2))
        before = net.forward(self.xs)[-1].copy()
        net.replace(lambda module: nn.HardTanh() if type(module) is nn.Tanh else module)
        assert not np.allclose(net.forward(self.xs)[-1], before)
        lstm = rnn.FastLSTM(3, 2)
        lstm.replace(lambda module: nn.Linear(3, 8) if type(module) is nn.Linear else module)
        assert lstm.i2g is lstm.findModules('nn.Linear')[0][0]

    def test_one_noise_for_a_sequence(self):
        """The mask of a lazy Dropout stays until the way back."""
        nn.manualSeed(1)
        net = rnn.Sequencer(rnn.LazyDropout(0.5))
        ones = [np.ones((4, 50)) for _ in range(3)]
        first = [y.copy() for y in net.forward(ones)]
        assert_close(first, [first[0]] * 3, 0)
        assert_close(net.forward(ones), first, 0)
        net.backward(ones, ones)
        assert not np.array_equal(net.forward(ones)[0], first[0])
        module = loaded('nn.Dropout', p=0.5, lazy=True, mono=False, flag=True, v2=True, train=True, noise=np.empty(0))
        assert type(module) is rnn.LazyDropout and str(module) == 'nn.Dropout(0.5, lazy)'
        assert type(loaded('nn.Dropout', p=0.5, lazy=False, mono=False, noise=np.empty(0))) is nn.Dropout

    def test_mask_zero(self):
        lstm, x = rnn.LSTM(3, 2).maskZero(1), [part.copy() for part in self.xs]
        x[1][0] = 0
        outputs = [lstm.forward(part).copy() for part in x]
        assert not outputs[1][0].any() and outputs[1][1].any()
        lstm.forget()
        lstm.forward(x[2][:1])
        assert_close(lstm.forward(x[3][:1]), outputs[3][:1])
        with pytest.raises(TypeError, match='maskZero is not possible'):
            rnn.Recurrent(2, nn.Linear(3, 2), nn.Linear(2, 2)).maskZero(1)

    def test_mask_zero_gives_no_gradient(self):
        """Not even to a bias, which Torch7's does."""
        net, x = rnn.MaskZero(nn.Linear(3, 2), 1), np.array([[1.0, 2, 3], [0, 0, 0]])
        net.zeroGradParameters()
        net.forward(x)
        net.backward(x, np.ones((2, 2)))
        assert net.get(1).gradBias.tolist() == [1, 1]

    def test_lookup_table(self):
        net = rnn.LookupTableMaskZero(4, 3)
        assert net.weight.shape == (5, 3)
        net.weight[0] = 7
        y = net.forward(np.array([0, 4]))
        assert not y[0].any() and np.array_equal(y[1], net.weight[4])
        net.backward(np.array([0, 4]), np.ones((2, 3)))
        with pytest.raises(IndexError, match='in 1..5'):
            net.forward(np.array([5]))


class TestSequencer:
    xs = [RNG.randn(2, 3) for _ in range(4)]

    @pytest.mark.parametrize('mode', ['both', 'eval', 'train', 'neither'])
    @pytest.mark.parametrize('training', [True, False])
    @pytest.mark.parametrize(
        'make', [lambda: rnn.Sequencer(rnn.LSTM(3, 2)), lambda: rnn.SeqLSTM(3, 2), lambda: rnn.SeqGRU(3, 2)]
    )
    def test_remember(self, mode, training, make):
        net, x = make(), np.stack(self.xs)
        (net.training if training else net.evaluate)()
        whole = net.forward(x).copy()
        net.forget()
        assert net.remember(mode) is net
        parts = [net.forward(x[:2]).copy(), net.forward(x[2:]).copy()]
        goes_on = mode in ('both', 'train' if training else 'eval')
        assert np.allclose(np.concatenate(parts), whole, 0, 1e-12) == goes_on
        net.forget()
        assert_close(net.forward(x), whole)

    def test_remember_on_the_way_back(self):
        """The way back ends at the sequence's first step: the state before it counts as given."""
        net, x = rnn.Sequencer(rnn.GRU(3, 2)).remember(), np.stack(self.xs)
        net.forward(x[:2])
        state = net.module.outputs[2].copy()
        net.forward(x[2:])
        gradient = RNG.randn(2, 2, 2)
        actual = net.backward(x[2:], gradient)
        other = net.clone()

        def outputs():
            other.forget()
            other.module.setHiddenState(0, state)
            return other.remember().forward(x[2:])

        assert_close(actual, differences(outputs, x, gradient)[2:], 1e-7)

    def test_modes_begin_anew(self):
        net = rnn.Sequencer(rnn.LSTM(3, 2)).remember()
        first = [y.copy() for y in net.forward(self.xs)]
        net.evaluate()
        assert_close(net.forward(self.xs), first)
        net.training()
        assert_close(net.forward(self.xs), first)

    def test_remember_and_forget_anywhere(self):
        net = nn.Sequential().add(rnn.Sequencer(rnn.LSTM(3, 2))).add(rnn.Sequencer(rnn.GRU(2, 2)))
        assert rnn.remember(net, 'train') is net
        assert [inner.remembering for inner in net.modules] == ['train', 'train']
        first = [y.copy() for y in net.forward(self.xs)]
        assert not np.allclose(net.forward(self.xs)[0], first[0])
        rnn.forget(net)
        assert_close(net.forward(self.xs), first)
        with pytest.raises(ValueError, match="expected one of both, eval, train, neither, got 'always'"):
            rnn.remember(net, 'always')

    def test_lengths_differ(self):
        net = rnn.Sequencer(rnn.LSTM(3, 2))
        long = [y.copy() for y in net.forward(self.xs)]
        assert_close(net.forward(self.xs[:2]), long[:2])
        assert_close(net.forward(self.xs), long)

    def test_memory_survives_a_file(self):
        net, x = rnn.Sequencer(rnn.LSTM(3, 2)).remember(), np.stack(self.xs)
        net.evaluate()
        whole = net.forward(x).copy()
        net.forget()
        net.forward(x[:2])
        assert_close(nn.loads(nn.dumps(net)).forward(x[2:]), whole[2:])
        assert_close(net.forward(x[2:]), whole[2:])

    def test_bidirectional(self):
        net = rnn.BiSequencer(rnn.GRU(3, 2), rnn.LSTM(3, 4))
        y = net.forward(self.xs)
        assert y[0].shape == (2, 6)
        last = net.findModules('nn.LSTM')[0][0].clone()
        last.forget()
        backward = [last.forward(x).copy() for x in self.xs[::-1]][::-1]
        assert_close([part[:, 2:] for part in y], backward)

    def test_words(self):
        """Indices are whole numbers; their sequences too."""
        table = rnn.LookupTableMaskZero(5, 3)
        net = rnn.Sequencer(nn.Sequential().add(table).add(rnn.FastLSTM(3, 2).maskZero(1)))
        y = net.forward(np.array([[1, 0], [5, 0], [0, 2]]))
        assert y.shape == (3, 2, 2) and not y[:2, 1].any() and not y[2, 0].any() and y[2, 1].any()
        table.zeroGradParameters()
        net.backward(np.array([[1, 0], [5, 0], [0, 2]]), np.ones((3, 2, 2)))
        assert table.gradWeight.any(1).tolist() == [False, True, True, False, False, True]

    def test_repeater(self):
        net, lstm = rnn.Repeater(rnn.LSTM(3, 2), 3), None
        lstm = net.module.clone()
        assert_close(net.forward(self.xs[0]), [lstm.forward(self.xs[0]).copy() for _ in range(3)])

    def test_it_learns(self):
        """To say whether the second number of a sequence is larger than the first."""
        nn.manualSeed(3)
        net = (
            nn.Sequential()
            .add(rnn.Sequencer(rnn.FastLSTM(1, 6)))
            .add(nn.SelectTable(2))
            .add(nn.Linear(6, 2))
            .add(nn.LogSoftMax())
        )
        rng, data = np.random.RandomState(1), []
        for _ in range(60):
            a, b = rng.rand(2)
            data.append(([np.array([a]), np.array([b])], 1 + int(b > a)))
        trainer = nn.StochasticGradient(net, nn.ClassNLLCriterion())
        trainer.learningRate, trainer.maxIteration, trainer.verbose = 0.3, 30, False
        trainer.train(data)
        right = [1 + net.forward(x).argmax() == label for x, label in data]
        assert np.mean(right) > 0.9

    @pytest.mark.parametrize(
        'call, kind, text',
        [
            (lambda: rnn.Sequencer(rnn.LSTM(3, 2)).forward([]), ValueError, 'expected a sequence of at least one'),
            (lambda: rnn.Sequencer(rnn.LSTM(3, 2)).forward(3), TypeError, 'expected a table as input'),
            (lambda: rnn.Sequencer(3), TypeError, 'module'),
            (lambda: rnn.Repeater(nn.Linear(2, 2), 0), ValueError, 'expected rho of at least 1'),
            (lambda: rnn.SeqLSTM(3, 0), ValueError, 'expected sizes of at least 1'),
            (lambda: rnn.SeqLSTM(3, 2).forward(np.ones((2, 3))), ValueError, r'\(time, batch, 3\)'),
            (lambda: rnn.SeqLSTM(3, 2).forward([np.ones((2, 2))] * 4), ValueError, 'expected a table of c0, h0 and x'),
            (lambda: rnn.SeqGRU(3, 2).forward([np.ones((1, 2)), np.ones((4, 2, 3))]), ValueError, 'h0 of shape'),
            (lambda: rnn.SeqGRU(3, 2).updateGradInput(np.ones((4, 2, 3)), 1), ValueError, 'expected forward of this'),
            (lambda: rnn.SequencerCriterion(nn.Linear(1, 1)), TypeError, 'expected a criterion'),
            (lambda: rnn.SequencerCriterion(nn.MSECriterion()).forward([np.ones(2)], []), ValueError, 'as many'),
        ],
    )  # fmt: skip
    def test_bad_input(self, call, kind, text):
        with pytest.raises(kind, match=text):
            call()

    @pytest.mark.parametrize(
        'make',
        [
            lambda: rnn.Sequencer(rnn.LSTM(3, 2)),
            lambda: rnn.Sequencer(rnn.Recurrent(2, nn.Linear(3, 2), nn.Linear(2, 2))),
            lambda: cudnn.GRU(3, 2, 1),
        ],
    )
    def test_nothing_is_left_of_an_earlier_way_back(self, make):
        net, x, gradient = make(), np.stack(self.xs), np.ones((4, 2, 2))
        for _ in range(2):
            net.forward(x)
            with pytest.raises(ValueError, match='expected updateGradInput before accGradParameters'):
                net.accGradParameters(x, gradient)
            net.backward(x, gradient)

    @pytest.mark.parametrize('make', [lambda: rnn.SeqLSTM(3, 2), lambda: rnn.SeqGRU(3, 2)])
    def test_sequences_whose_parameters_come_first(self, make):
        net, x, gradient = make(), np.stack(self.xs), np.ones((4, 2, 2))
        net.gradPrevOutput = np.full((2, 2), 0.5)  # counts once, for the way back of updateGradInput
        net.forward(x)
        net.zeroGradParameters()
        net.accGradParameters(x, gradient)
        first = net.gradWeight.copy()
        net.zeroGradParameters()
        net.accGradParameters(x, 2 * gradient)  # nothing is left of the other gradOutput
        assert not np.allclose(net.gradWeight, first)
        net.zeroGradParameters()
        net.backward(x, gradient)
        assert net.gradPrevOutput is None
        np.testing.assert_array_equal(net.gradWeight, first)

    @pytest.mark.parametrize('make', [lambda: cudnn.LSTM(3, 2, 2), lambda: cudnn.BGRU(3, 2, 1, True)])
    def test_backward_of_another_input_than_forward(self, make):
        net, x = make(), np.stack(self.xs)
        other = x[:1, :1]
        gradient = np.ones_like(net.forward(x))
        for step in (net.updateGradInput, net.accGradParameters):
            with pytest.raises(ValueError, match='expected forward of this input first'):
                step(other, gradient)
            with pytest.raises(TypeError, match='expected a tensor as input, got nil'):
                step(None, gradient)
        net.updateGradInput(x, gradient)
        with pytest.raises(ValueError, match='expected gradOutput of shape'):
            net.accGradParameters(x, gradient[:1])

    def test_gradients_of_another_form(self):
        net, x = rnn.Sequencer(rnn.LSTM(3, 2)), np.stack(self.xs)
        net.forward(x)
        with pytest.raises(ValueError, match='both a tensor or both a table'):
            net.backward(x, list(np.ones((4, 2, 2))))
        with pytest.raises(ValueError, match='expected a sequence of 4 as gradOutput'):
            net.backward(x, np.ones((3, 2, 2)))

    def test_batch_of_another_size_cannot_go_on(self):
        net = rnn.SeqGRU(3, 2).remember()
        net.forward(np.ones((2, 2, 3)))
        with pytest.raises(ValueError, match='expected a batch of 2, as the last one that counts, got 3'):
            net.forward(np.ones((2, 3, 3)))

    @pytest.mark.parametrize('make', [lambda: rnn.Sequencer(rnn.LSTM(3, 2)), lambda: rnn.SeqLSTM(3, 2)])
    def test_clear_state_forgets(self, make):
        net, x = make().remember(), np.stack(self.xs)
        first = net.forward(x).copy()
        net.clearState()
        assert_close(net.forward(x), first)
        net.clearState()
        assert_close(nn.loads(nn.dumps(net)).forward(x), first)

    def test_fields_of_older_versions(self):
        lstm = rnn.SeqLSTM(3, 2)
        fields = {'weight': lstm.weight, 'bias': lstm.bias, 'inputsize': 3, 'outputsize': 2}
        old = loaded('nn.SeqLSTM', **fields, h0=np.empty(0), c0=np.empty(0), cell=np.empty(0))
        x = np.stack(self.xs)
        assert_close(old.forward(x), lstm.forward(x))
        gru = rnn.GRU(3, 2)
        model = loaded('nn.GRU', modules=gru.modules, inputSize=3, outputSize=2, rho=5, outputs=[], step=1)
        assert_close(model.forward(x[0]), gru.forward(x[0]))
        assert str(model) == 'nn.GRU(3 -> 2, 0.00)'


# fast-neural-style


def test_instance_normalization():
    net, x = neural_style.InstanceNormalization(2, 0.1), RNG.randn(3, 2, 4, 5)
    net.bias[:] = 1, -1
    expected = (x - x.mean((2, 3), keepdims=True)) / np.sqrt(x.var((2, 3), keepdims=True) + 0.1)
    expected = expected * net.weight[:, None, None] + net.bias[:, None, None]
    assert_close(net.forward(x), expected)
    net.evaluate()
    assert_close(net.forward(x), expected)
    with pytest.raises(ValueError, match=r'expected input of shape \(N, 2, H, W\)'):
        net.forward(x[:, :1])


def test_which_statistics_a_file_means():
    """Torch7's batch normalisation inside tells: its averages are 0 and 1 only where they were taken."""
    fields = {'weight': np.ones(1), 'bias': np.zeros(1), 'nOutput': 1, 'eps': 0.0, 'prev_N': 1}
    x = RNG.randn(1, 1, 2, 2)
    used = nn.SpatialBatchNormalization(1)
    assert_close(loaded('nn.InstanceNormalization', **fields, bn=used).forward(x), x)
    used.running_mean[:] = 0.1
    normalized = (x - x.mean()) / x.std()
    assert_close(loaded('nn.InstanceNormalization', **fields, bn=used).forward(x), normalized)
    assert_close(loaded('nn.InstanceNormalization', **fields).forward(x), normalized)
    for own in (True, False):
        net = neural_style.InstanceNormalization(1)
        net.own_statistics = own
        assert nn.loads(nn.dumps(net)).own_statistics is own


def test_total_variation():
    net, x, gradient = neural_style.TotalVariation(0.3), RNG.randn(2, 3, 4, 5), RNG.randn(2, 3, 4, 5)
    assert net.forward(x) is x

    def penalty():
        here = x[:, :, :-1, :-1]
        return 0.15 * (np.square(here - x[:, :, :-1, 1:]).sum() + np.square(here - x[:, :, 1:, :-1]).sum())

    assert_close(net.updateGradInput(x, gradient), gradient + differences(penalty, x, 1), 1e-7)


# inn


def test_poolings_of_inn_round_up():
    x = np.arange(25.0).reshape(1, 5, 5)
    for name in ('inn.SpatialMaxPooling', 'inn.SpatialAveragePooling'):
        net = loaded(name, kW=2, kH=2, dW=2, dH=2)
        assert net.forward(x).shape == (1, 3, 3) and type(net) is classes()[name]
    assert net.forward(x)[0, 0].tolist() == [3, 5, 6.5]  # a true average: the window at the border has two pixels
    assert inn.SpatialMaxPooling(2, 2, 2, 2).forward(x)[0, 2].tolist() == [21, 23, 24]


def test_stochastic_pooling():
    nn.manualSeed(5)
    net, x = inn.SpatialStochasticPooling(2, 2), np.tile(np.array([[1.0, 0], [2, 5]]), (1, 40, 40))
    counts = {value: np.mean(net.forward(x) == value) for value in (0, 1, 2, 5)}
    assert counts[0] == 0 and abs(counts[1] - 1 / 8) < 0.05 and abs(counts[2] - 1 / 4) < 0.05
    net.evaluate()
    assert_close(net.forward(x), np.full((1, 40, 40), 30 / 8))
    x[...] = 0
    assert not net.forward(x).any()


def test_mean_subtraction_of_an_expanded_mean():
    mean = RNG.rand(2, 3, 4)
    net = loaded('inn.MeanSubtraction', mean=np.broadcast_to(mean, (5, 2, 3, 4)))
    x = RNG.rand(2, 2, 3, 4)
    assert_close(net.forward(x), x - mean)


def test_roi_pooling():
    image, boxes = np.arange(36.0).reshape(1, 1, 6, 6), np.array([[1.0, 1, 1, 4, 4], [1, 5, 5, 6, 6]])
    net = inn.ROIPooling(2, 2)
    assert net.forward([image, boxes])[:, 0].tolist() == [[[7, 8], [13, 14]], [[28, 0], [0, 0]]]
    gradient = RNG.randn(2, 1, 2, 2)
    net.forward([image, boxes])
    actual = [part.copy() for part in net.updateGradInput([image, boxes], gradient)]
    assert_close(actual[0], differences(lambda: net.forward([image, boxes]), image, gradient), 1e-7)
    assert not actual[1].any()
    with pytest.raises(IndexError, match='number of an image in 1..1'):
        net.forward([image, np.array([[2.0, 1, 1, 2, 2]])])


def test_pyramid():
    x = RNG.randn(3, 7, 5)
    y = inn.SpatialPyramidPooling([1, 1], [5, 7]).forward(x)
    assert_close(y, np.concatenate([x.max((1, 2)), x.ravel()]))


def test_same_response_normalization():
    x = RNG.randn(1, 5, 5)
    padded = np.pad(np.square(x[0]), 1)
    means = sum(padded[i : i + 5, j : j + 5] for i in range(3) for j in range(3)) / 9
    assert_close(inn.SpatialSameResponseNormalization(3, 0.5, 0.7).forward(x)[0], x[0] / (1 + 0.5 * means) ** 0.7)


# stnbhwd


def test_transformations():
    a, s, t = 0.3, 2.0, np.array([0.1, -0.2])
    rotation = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    matrix = stn.AffineTransformMatrixGenerator(True, True, True).forward(np.array([a, s, *t]))
    assert_close(matrix, np.column_stack([s * rotation, s * rotation @ t]))
    assert stn.AffineTransformMatrixGenerator().forward(np.arange(6.0)).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match='expected 3 parameters'):
        stn.AffineTransformMatrixGenerator(True, False, True).forward(np.ones(4))


def test_identity_gives_the_image():
    image = RNG.rand(2, 4, 5, 3)
    grid = stn.AffineGridGeneratorBHWD(4, 5).forward(np.array([[[1.0, 0, 0], [0, 1, 0]]] * 2))
    assert grid[0, 0, 0].tolist() == [-1, -1] and grid[0, 0, -1].tolist() == [-1, 1]
    assert_close(stn.BilinearSamplerBHWD().forward([image, grid]), image)


def test_sampling_beyond_the_border():
    image = np.ones((2, 2, 1))
    net = stn.BilinearSamplerBHWD()
    assert net.forward([image, np.array([[[0.0, 0], [0, 2], [1.5, 0], [9, 9]]])]).ravel().tolist() == [1, 0.5, 0.75, 0]
    with pytest.raises(ValueError, match='expected images'):
        net.forward([image, np.ones((1, 2, 3, 2))])


def test_a_spatial_transformer_in_a_file():
    net = nn.Sequential().add(stn.AffineTransformMatrixGenerator(True)).add(stn.AffineGridGeneratorBHWD(3, 3))
    x = np.array([[0.5]])
    assert_close(nn.loads(nn.dumps(net)).forward(x), net.forward(x))
    assert_close(loaded('nn.AffineTransformMatrixGenerator', fullMode=True).forward(np.ones(6)), np.ones((2, 3)))


# nnx


def test_resampling():
    x = RNG.rand(2, 3, 4)
    up = nnx.SpatialReSampling(owidth=7, oheight=5).forward(x)
    assert_close(up, nn.SpatialUpSamplingBilinear({'owidth': 7, 'oheight': 5}).forward(x), 1e-6)
    assert_close(nnx.SpatialReSampling(owidth=4, oheight=3).forward(x), x)
    for arguments in ((), (2, None, 3), (None, 2, None, 3)):
        with pytest.raises(ValueError, match='either a multiple or a size'):
            nnx.SpatialReSampling(*arguments)
    with pytest.raises(ValueError, match='at least 2 x 2'):
        nnx.SpatialReSampling(owidth=1, oheight=3).forward(x)


def test_spatial_normalization():
    """Against sums over windows, written out."""
    x, kernel = RNG.randn(2, 5, 6), RNG.rand(3, 3) + 0.1
    net, k = nnx.SpatialNormalization(2, kernel), kernel / kernel.sum()

    def smooth(image):
        padded = np.pad(image.sum(0), 1)
        return sum(k[i, j] * padded[i : i + 5, j : j + 6] for i in range(3) for j in range(3))

    ones = smooth(np.ones((2, 5, 6)))
    z = x - smooth(x) / ones
    deviation = np.sqrt(smooth(z * z)) / ones
    expected = z / np.maximum(deviation, deviation.mean())
    assert_close(net.forward(x), expected)
    assert_close(nn.loads(nn.dumps(net)).forward(x), expected)
    fixed = nnx.SpatialNormalization(2, kernel, 0.9)
    assert_close(fixed.forward(x), z / np.maximum(deviation, 0.9))


def test_padding():
    x = np.ones((1, 2, 2))
    assert nnx.SpatialPadding(1, 0, 0, -1, val=5).forward(x).tolist() == [[[5, 1, 1]]]
    with pytest.raises(ValueError, match='larger than what is cut off'):
        nnx.SpatialPadding(-1).forward(x)


# cudnn


def test_parameters_of_cudnn():
    """Matrices first, biases behind, as cuDNN lays them out."""
    net = cudnn.LSTM(3, 2, 2)
    shapes = [[part.shape for part in layer] for layer in net._split(net.weight)]
    assert shapes == [[(8, 3), (8, 2), (8,), (8,)], [(8, 2), (8, 2), (8,), (8,)]]
    assert np.array_equal(net._split(net.weight)[0][0].ravel(), net.weight[:24])
    assert np.array_equal(net._split(net.weight)[1][3], net.weight[-8:])
    net.weight = net.weight[:-1]
    with pytest.raises(ValueError, match='expected a weight of 104 numbers, got shape'):
        net.forward(np.ones((1, 1, 3)))


def test_states_of_cudnn():
    net, x = cudnn.GRU(3, 2, 2, rememberStates=True), RNG.randn(4, 2, 3)
    whole = net.forward(x).copy()
    net.resetStates()
    parts = [net.forward(x[:1]).copy(), net.forward(x[1:]).copy()]
    assert_close(np.concatenate(parts), whole)
    assert_close(net.hiddenOutput[1], whole[-1])
    net = cudnn.LSTM(3, 2, 1)
    net.hiddenInput, net.cellInput, gradient = RNG.randn(1, 2, 2), RNG.randn(1, 2, 2), RNG.randn(4, 2, 2)
    net.forward(x)
    net.updateGradInput(x, gradient)
    for state, actual in ((net.hiddenInput, net.gradHiddenInput), (net.cellInput, net.gradCellInput)):
        assert_close(actual, differences(lambda: net.forward(x), state, gradient), 1e-7)


def test_dropout_of_cudnn_is_between_layers():
    nn.manualSeed(1)
    net, x = cudnn.RNNTanh(3, 40, 2, dropout=0.5), RNG.randn(3, 2, 3)
    assert not np.allclose(net.forward(x).copy(), net.forward(x))
    net.evaluate()
    assert_close(net.forward(x).copy(), net.forward(x))


def test_a_file_of_cudnn():
    net, x = cudnn.BLSTM(3, 2, 2, True), RNG.randn(2, 4, 3)
    twin = nn.loads(nn.dumps(net))
    assert_close(twin.forward(x), net.forward(x))
    fields = {'weight': net.weight, 'inputSize': 3, 'hiddenSize': 2, 'numLayers': 2, 'mode': 'CUDNN_LSTM'}
    fields |= {'bidirectional': 'CUDNN_BIDIRECTIONAL', 'numDirections': 2, 'batchFirst': True}
    assert_close(loaded('cudnn.BLSTM', **fields).forward(x), net.forward(x))
    with pytest.raises(nn.T7Error, match='expected one of CUDNN_RNN_RELU'):
        loaded('cudnn.LSTM', mode='CUDNN_OTHER')
    for kind in (rnn.LSTM(3, 2), cudnn.LSTM(3, 2, 1)):  # of one name in two packages
        assert type(nn.loads(nn.dumps(kind))) is type(kind)


@pytest.mark.parametrize('name', ['VolumetricSoftMax', 'VolumetricLogSoftMax'])
def test_soft_max_of_volumes(name):
    inner = TorchObject('cudnn.SpatialSoftMax', {'_type': 'torch.CudaTensor', 'algorithm': 'CUDNN_SOFTMAX_LOG'})
    net, x = loaded(f'cudnn.{name}', ssm=inner, _type='torch.CudaTensor'), RNG.randn(2, 3, 2, 2, 2)
    expected = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    expected = expected if name == 'VolumetricSoftMax' else np.log(expected)
    assert_close(net.forward(x.astype(np.float32)), expected, 1e-6)
    assert_close(getattr(cudnn, name)().forward(x), expected)


def test_cross_entropy():
    x, target = RNG.randn(2, 3, 4, 5), RNG.randint(1, 4, (2, 4, 5))
    logs = x - np.log(np.exp(x).sum(1, keepdims=True))
    expected = -np.take_along_axis(logs, target[:, None] - 1, 1).mean()
    for criterion, shape in (
        (cudnn.SpatialCrossEntropyCriterion(), (4, 5)),
        (cudnn.VolumetricCrossEntropyCriterion(), (2, 2, 5)),
    ):
        volume, labels = x.reshape(2, 3, *shape), target.reshape(2, *shape)
        for each in (criterion, nn.loads(nn.dumps(criterion))):
            assert abs(each.forward(volume, labels) - expected) < 1e-12
        with pytest.raises(ValueError, match='expected target of shape'):
            criterion.forward(volume, labels[:1])


# dpnn


def test_inception_columns():
    """Against the columns written out."""
    config = {'inputSize': 2, 'outputSize': [3], 'reduceSize': [2, 1, 4], 'kernelSize': [3], 'transfer': nn.Tanh()}
    net, x = dpnn.Inception(config), RNG.randn(2, 2, 6, 6)
    parts = [column.forward(x) for column in net.get(1).modules]
    assert [part.shape for part in parts] == [(2, 3, 6, 6), (2, 1, 4, 4), (2, 4, 6, 6)]
    expected = np.concatenate([parts[0], np.pad(parts[1], ((0, 0), (0, 0), (1, 1), (1, 1))), parts[2]], 1)
    assert_close(net.forward(x), expected)
    assert_close(net.forward(x[0]), expected[0])


@pytest.mark.parametrize(
    'call, kind, text',
    [
        (lambda: dpnn.Inception({'inputSize': 1}), ValueError, 'expected outputSize in the configuration'),
        (lambda: dpnn.Inception({'inputSize': 1, 'outputSize': [1], 'reduceSize': [1]}), ValueError, 'as many'),
        (
            lambda: dpnn.Inception({'inputSize': 1, 'outputSize': [1], 'reduceSize': [1], 'kernel': 3}),
            ValueError,
            r"no such options: \['kernel'\]",
        ),
        (lambda: dpnn.FireModule(1, 1, 1, 1, 'Relu'), ValueError, "transfer functions, got 'Relu'"),
        (lambda: char_rnn.OneHot(3).forward(np.array([4])), IndexError, 'in 1..3'),
        (lambda: rnn.LookupTableMaskZero(3, 2).forward([1]), TypeError, 'expected a tensor of indices'),
        (lambda: neural_style.ShaveImage(-1), ValueError, 'expected size of at least 0'),
        (lambda: neural_style.ShaveImage(2).forward(np.ones((1, 1, 4, 9))), ValueError, 'larger than 4'),
        (lambda: neural_style.TotalVariation(1).forward(np.ones((2, 2))), ValueError, 'expected images'),
        (lambda: inn.SpatialPyramidPooling([1, 2, 3]), ValueError, 'expected lists of width and height'),
        (lambda: inn.MeanSubtraction(np.ones((1, 2, 2))).forward(np.ones((1, 3, 3))), ValueError, 'expected images'),
        (lambda: inn.ConstAffine(2).forward(np.ones((2, 3))), ValueError, r'expected input \(N, 2\)'),
        (lambda: stn.AffineGridGeneratorBHWD(1, 2), ValueError, 'of at least 2'),
        (lambda: nnx.SpatialNormalization(1, np.ones(3)), ValueError, 'expected a kernel'),
        (lambda: cudnn.LSTM(3, 0, 1), ValueError, 'expected sizes of at least 1'),
        (lambda: cudnn.VolumetricSoftMax().forward(np.ones((2, 2))), ValueError, 'expected volumes'),
    ],
)  # fmt: skip
def test_bad_input(call, kind, text):
    with pytest.raises(kind, match=text):
        call()
