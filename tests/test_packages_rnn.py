"""The recurrent layers of rnn, against formulas and differences, and what cudnn computes by them."""

import numpy as np
import pytest
from test_packages import MODELS, assert_close, differences, loaded

import t7nn as nn
from t7nn.packages import cudnn, rnn

RNG = np.random.RandomState(0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


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
