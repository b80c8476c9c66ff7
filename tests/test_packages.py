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
    with pytest.raises(ValueError, match=r'expected weight of shape \(104,\), got shape'):
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


SIZES = {'inputSize': 1, 'outputSize': [1], 'reduceSize': [1]}


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
        (lambda: dpnn.Inception('a'), TypeError, "expected a table as config, got str 'a'"),
        (lambda: dpnn.Inception(SIZES | {'outputSize': 2}), TypeError, 'expected a table as outputSize, got int 2'),
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
        (lambda: cudnn.LSTM(3, 0, 1), ValueError, 'expected .* of at least 1'),
        (lambda: cudnn.VolumetricSoftMax().forward(np.ones((2, 2))), ValueError, 'expected volumes'),
    ],
)  # fmt: skip
def test_bad_input(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


def test_a_grid_of_another_shape_or_type():
    x = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    layer = stn.AffineGridGeneratorBHWD(2, 6)
    layer.forward(x)
    layer.height, layer.width = 3, 4  # as many pixels
    np.testing.assert_array_equal(layer.forward(x), stn.AffineGridGeneratorBHWD(3, 4).forward(x))
    assert layer.float().forward(x.astype('f')).dtype == np.float32


@pytest.mark.parametrize(
    'layer, x',
    [(rnn.SeqLSTM(3, 2), np.ones((2, 1, 3))), (neural_style.InstanceNormalization(2), np.ones((1, 2, 2, 2)))],
)
@pytest.mark.parametrize('name', ['weight', 'bias', 'gradWeight', 'gradBias'])
def test_wrong_parameters(layer, x, name):
    for wrong in (lambda tensor: tensor.astype(int), lambda tensor: tensor[:-1], lambda tensor: tensor.tolist()):
        fresh = layer.clone()
        setattr(fresh, name, wrong(getattr(fresh, name)))
        with pytest.raises((TypeError, ValueError), match=f'(?i)expected .*{name}'):
            fresh.backward(x, np.ones_like(fresh.forward(x)))
