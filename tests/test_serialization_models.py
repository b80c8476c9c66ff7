"""Models from the field: older versions, cunn and cudnn, CUDA tensors, nngraph, modules that lack fields."""

import io
import struct
import warnings

import numpy as np
import pytest
from golden_files import GOLDEN

import t7nn as nn
from t7nn import ObjectKey, Storage, TorchObject
from t7nn.serialization.classes import registry
from t7nn.serialization.graph import gModule

RNG = np.random.RandomState(0)


def loaded(typename, version=1, **fields):
    """What a file with one object of these fields gives."""
    return nn.loads(nn.dumps(TorchObject(typename, fields, version)))


def arrays(*shapes, dtype=np.float64):
    return [RNG.randn(*shape).astype(dtype) for shape in shapes]


def as_cuda(data: bytes) -> bytes:
    """A file with its FloatTensors renamed to CudaTensors, as cutorch writes them."""
    for kind in (b'Tensor', b'Storage'):
        old, new = b'torch.Float' + kind, b'torch.Cuda' + kind
        data = data.replace(struct.pack('<i', len(old)) + old, struct.pack('<i', len(new)) + new)
    return data


class TestMissingFields:
    def test_buffers_are_made_anew(self):
        weight, bias = arrays((2, 3), (2,))
        module = loaded('nn.Linear', weight=weight, bias=bias)
        assert module.dtype is np.dtype(np.float64)
        x = np.ones(3)
        np.testing.assert_allclose(module.forward(x), weight.sum(1) + bias)
        np.testing.assert_allclose(module.backward(x, np.ones(2)), weight.sum(0))
        np.testing.assert_array_equal(module.gradWeight, np.ones((2, 3)))
        assert str(module) == 'nn.Linear(3 -> 2)'

    def test_gradients_of_shared_weights_are_shared(self):
        weight = RNG.randn(3, 3)
        twins = nn.loads(nn.dumps([TorchObject('nn.Linear', {'weight': weight}) for _ in range(2)]))
        assert twins[0].weight is twins[1].weight
        twins[0].gradWeight[0, 1] = 5
        assert twins[1].gradWeight[0, 1] == 5

    def test_float_models_without_their_type(self):
        module = loaded('nn.Linear', weight=np.ones((1, 2), np.float32))
        assert module.dtype is np.dtype(np.float32) and module.output.dtype == np.float32

    def test_dropout_of_the_first_version(self):
        module = loaded('nn.Dropout', p=0.25, train=False)
        np.testing.assert_array_equal(module.forward(np.ones(4)), np.full(4, 0.75))

    def test_criterions(self):
        criterion = loaded('nn.MSECriterion', sizeAverage=True)
        assert criterion.forward(np.array([3.0]), np.array([1.0])) == 4
        criterion = loaded('nn.ClassNLLCriterion')
        assert criterion.forward(np.array([-1.0, -2]), 2) == 2

    def test_view_and_reshape(self):
        view = loaded('nn.View', size=Storage([-1, 2], np.int64))
        assert view.size == [-1, 2] and view.forward(np.ones((2, 2))).shape == (2, 2)
        reshape = loaded('nn.Reshape', size=Storage([2, 2], np.int64))
        assert reshape.forward(np.ones(4)).shape == (2, 2) and reshape.forward(np.ones((3, 4))).shape == (3, 2, 2)

    def test_trainer(self):
        trainer = loaded(
            'nn.StochasticGradient',
            module=nn.Linear(1, 1),
            criterion=nn.MSECriterion(),
            learningRate=0.1,
            learningRateDecay=0,
            maxIteration=1,
            shuffleIndices=True,
            verbose=False,
        )
        trainer.log = None
        trainer.train([(np.ones(1), np.ones(1))])


class TestOlderVersions:
    @pytest.mark.parametrize(
        'name', ['nn.BatchNormalization', 'nn.SpatialBatchNormalization', 'cudnn.BatchNormalization']
    )
    def test_batch_normalization_kept_the_inverse_deviation(self, name):
        variance = np.array([1.0, 4.0, 0.25])
        module = loaded(
            name,
            1,
            running_mean=np.zeros(3),
            running_std=1 / np.sqrt(variance + 1e-3),
            eps=1e-3,
            momentum=0.1,
            train=False,
            weight=np.ones(3),
            bias=np.zeros(3),
            buffer=np.zeros(2),
        )
        np.testing.assert_allclose(module.running_var, variance, rtol=1e-12)
        assert module.affine is True and 'running_std' not in vars(module) and callable(module.buffer)

    def test_gradient_reversal_had_no_lambda(self):
        assert loaded('nn.GradientReversal', 1).lambda_ == 1
        assert loaded('nn.GradientReversal', 2, **{'lambda': 0.5}).lambda_ == 0.5

    @pytest.mark.parametrize(
        ('given', 'padding'), [({}, (0, 0)), ({'padding': 2}, (2, 2)), ({'padW': 1, 'padH': 0}, (1, 0))]
    )
    def test_convolution_padding(self, given, padding):
        weight = RNG.randn(2, 27)
        module = loaded(
            'nn.SpatialConvolution', nInputPlane=3, nOutputPlane=2, kW=3, kH=3, dW=1, dH=1, weight=weight, **given
        )
        assert (module.padW, module.padH) == padding and 'padding' not in vars(module)
        np.testing.assert_array_equal(module.weight, weight.reshape(2, 3, 3, 3))
        assert module.gradWeight.shape == (2, 3, 3, 3)

    def test_volumetric_full_convolution_was_transposed(self):
        weight = RNG.randn(4, 2, 3, 3, 3)
        sizes = {'nInputPlane': 2, 'nOutputPlane': 4, 'kT': 3, 'kW': 3, 'kH': 3, 'dT': 1, 'dW': 1, 'dH': 1}
        module = loaded('nn.VolumetricFullConvolution', weight=weight, pT=1, pW=2, pH=0, **sizes)
        np.testing.assert_array_equal(module.weight, weight.swapaxes(0, 1))
        assert (module.padT, module.padW, module.padH, module.adjT) == (1, 2, 0, 0)

    def test_pooling(self):
        assert loaded('nn.SpatialMaxPooling', kW=2, kH=2, dW=2, dH=2).ceil_mode is False
        assert loaded('nn.VolumetricMaxPooling', kT=2, kW=2, kH=2, dT=2, dW=2, dH=2).padT == 0
        assert loaded('nn.SpatialAveragePooling', kW=2, kH=2, dW=2, dH=2).divide is False
        assert loaded('cudnn.SpatialAveragePooling', kW=2, kH=2, dW=2, dH=2).divide is True

    @pytest.mark.parametrize('name', ['nn.Concat', 'nn.DepthConcat'])
    def test_concat_called_its_output_size_size(self, name):
        module = loaded(name, dimension=1, size=Storage([2, 3], np.int64), modules=[nn.Identity(), nn.Identity()])
        assert module.outputSize == [2, 3] and module.size() == 2
        np.testing.assert_array_equal(module.forward(np.ones((1, 2))), np.ones((2, 2)))


class TestCuda:
    def test_tensors(self):
        values = [np.arange(6, dtype=np.float32).reshape(2, 3), Storage([1, 2], np.float32)]
        back = nn.loads(as_cuda(nn.dumps(values)))
        np.testing.assert_array_equal(back[0], values[0])
        assert back[0].dtype == np.float32 and isinstance(back[1], Storage)

    def test_a_cuda_model(self):
        model = nn.Sequential().add(nn.Linear(3, 2)).add(nn.Tanh()).float()
        x = np.ones(3, np.float32)
        back = nn.loads(as_cuda(nn.dumps(model)).replace(b'torch.FloatTensor', b'torch.CudaTensor!'[:16] + b'!'))
        assert back.forward(x).dtype == np.float32
        np.testing.assert_array_equal(back.forward(x), model.forward(x))

    def test_cudnn_names(self):
        module = loaded('cudnn.ReLU', inplace=True, mode='CUDNN_ACTIVATION_RELU', nElem=3)
        assert type(module) is nn.ReLU and module.inplace
        np.testing.assert_array_equal(module.forward(np.array([-1.0, 2])), [0, 2])
        assert type(loaded('cudnn.SoftMax')) is nn.SoftMax
        assert type(loaded('cudnn.Unknown', size=3)) is TorchObject

    def test_grouped_convolutions(self):
        weight, bias = arrays((4, 2, 3, 3), (4,))
        fields = {'nInputPlane': 4, 'nOutputPlane': 4, 'kW': 3, 'kH': 3, 'dW': 1, 'dH': 1}
        module = loaded('cudnn.SpatialConvolution', **fields, weight=weight, bias=bias, groups=2)
        x = RNG.randn(4, 5, 5)
        parts = [
            loaded('nn.SpatialConvolution', **fields | {'nInputPlane': 2, 'nOutputPlane': 2}, weight=w, bias=b).forward(
                part
            )
            for w, b, part in zip(np.split(weight, 2), np.split(bias, 2), np.split(x, 2), strict=True)
        ]
        np.testing.assert_allclose(module.forward(x), np.concatenate(parts))
        with pytest.raises(nn.T7Error, match='groups'):
            loaded('cudnn.SpatialConvolution', **fields, weight=weight, bias=bias, groups=10**9)

    def test_temporal_convolution(self):
        module = loaded(
            'cudnn.TemporalConvolution',
            inputFrameSize=2,
            outputFrameSize=3,
            kW=2,
            kH=4,
            dW=1,
            dH=2,
            weight=RNG.randn(3, 8),
        )
        assert (module.kW, module.dW) == (4, 2)
        with pytest.raises(nn.T7Error, match='padding'):
            loaded('cudnn.TemporalConvolution', inputFrameSize=2, outputFrameSize=3, kW=2, kH=4, dW=1, dH=2, padH=1)

    def test_the_first_replica_of_a_data_parallel_table(self):
        data = io.BytesIO()
        fields = {
            'modules': [nn.Linear(2, 1)],
            'gpuAssignments': [1, 2],
            'impl': TorchObject('nn.DataParallelTable.Basic'),
        }
        writer = nn.T7Writer(data)
        writer.writeObject(TorchObject('nn.DataParallelTable', fields, 3))
        writer.close()
        # since version 2 a list of GPUs stands before the fields
        head, name, body = data.getvalue().partition(b'nn.DataParallelTable')
        gpus = nn.dumps([1, 2]).replace(struct.pack('<ii', 3, 1), struct.pack('<ii', 3, 1000), 1)
        module = nn.loads(head + name + gpus + body)
        assert type(module) is nn.Sequential
        np.testing.assert_array_equal(module.forward(np.ones(2)), fields['modules'][0].forward(np.ones(2)))

    def test_clipped_relu(self):
        module = loaded('cudnn.ClippedReLU', ceiling=2, inplace=False)
        np.testing.assert_array_equal(module.forward(np.array([-1.0, 1, 3])), [0, 1, 2])


def test_a_lua_function_in_the_place_of_a_method_is_said():
    function = nn.TorchFunction(b'\x1bLJ')
    data = nn.dumps(TorchObject('nn.Tanh', {'updateOutput': function}))
    with pytest.warns(UserWarning, match='a Lua function in the place of its method updateOutput'):
        module = nn.loads(data)
    np.testing.assert_array_equal(module.forward(np.zeros(1)), np.zeros(1))


def test_only_classes_of_t7nn_become_live():
    for name in (
        'builtins.eval',
        'os.system',
        't7nn.Linear',
        'nn.dumps',
        'nn.T7Reader',
        'nn.Generator',
        'Linear',
        'nn.',
    ):
        assert type(loaded(name, x=1)) is TorchObject
    assert all(name.startswith(('nn.', 'nngraph.')) for name in registry())


class Own(nn.Module):
    def updateOutput(self, input):
        self.output = self.factor * input
        return self.output


class TestUnknownClasses:
    def network(self):
        record = nn.loads(nn.dumps(nn.Sequential().add(nn.Linear(2, 2))), live=False)
        scalar = TorchObject('nn.AddScalar', {'scalar': 2.5, 'weight': np.ones(3), 'gradWeight': np.zeros(3)})
        inner = TorchObject('nn.Wrapper', {'modules': [nn.Tanh(), scalar], 'output': np.ones(2)})
        record['modules'].append(inner)
        return nn.loads(nn.dumps(record))

    def test_a_network_with_them_does_everything_but_compute(self):
        net = self.network()
        linear, inner = net.modules
        tanh, scalar = inner.modules
        assert isinstance(scalar, TorchObject) and isinstance(scalar, nn.Module) and scalar['scalar'] == 2.5
        assert net.listModules() == [net, linear, inner, tanh, scalar]
        assert [weight.size for weight in net.parameters()[0]] == [4, 2, 3]
        net.evaluate()
        assert (net.train, inner.train, tanh.train, scalar['train']) == (False,) * 4
        net.training()
        assert scalar.train is True
        net.clearState()
        assert inner.output.size == 0
        net.zeroGradParameters()
        assert net.findModules('nn.AddScalar') == ([scalar], [inner])
        assert '(2): nn.Wrapper (not a class of t7nn)' in str(net)
        net.float()
        assert scalar['weight'].dtype == np.float32 and scalar.dtype == np.float32
        seen = []
        net.apply(seen.append)
        assert len(seen) == 5
        assert type(net.clone().modules[1].modules[1]) is type(scalar)
        net.getParameters()
        back = nn.loads(nn.dumps(net))
        assert back.modules[1].modules[1]['weight'].dtype == np.float32 and nn.dumps(back) == nn.dumps(net)

    def test_replace(self):
        net = self.network()
        net.replace(lambda module: nn.AddConstant(2.5) if module.typename == 'nn.AddScalar' else module)
        assert type(net.modules[1].modules[1]) is nn.AddConstant
        net.replace(lambda module: nn.Identity() if module.typename == 'nn.Wrapper' else module)
        assert net.forward(np.ones(2)).shape == (2,)

    def test_forward_says_what_to_do(self):
        net = self.network()
        with pytest.raises(
            TypeError, match=r'nn.Wrapper, child 2 of nn.Sequential: expected a class of t7nn'
        ) as caught:
            net.forward(np.ones(2))
        for text in 'fields modules, output', "nn.load(path, classes={'nn.Wrapper': MyClass})", 'net.replace(':
            assert text in str(caught.value)
        with pytest.raises(TypeError, match='nn.Wrapper'):
            net.modules[1].backward(np.ones(2), np.ones(2))

    def test_classes_of_the_caller(self):
        module = Own()
        module.factor = 3
        data = nn.dumps(nn.Sequential().add(module))
        assert isinstance(nn.loads(data).modules[0], TorchObject)
        back = nn.loads(data, classes={'nn.Own': Own})
        assert type(back.modules[0]) is Own and back.forward(np.ones(1)) == [3]
        other = data.replace(b'nn.Own', b'my.Own')
        back = nn.loads(other, classes={'my.Own': Own})
        assert back.modules[0].typename == 'my.Own' and nn.dumps(back) == other
        assert nn.loads(nn.dumps(back.clone()), classes={'my.Own': Own}).forward(np.ones(1)) == [3]

    def test_a_class_that_brings_fields_up_to_date(self):
        class Scaled(nn.Linear):
            @classmethod
            def from_file(cls, fields):
                fields['scale'] = fields.pop('s')

        data = nn.dumps(TorchObject('a.Scaled', {'weight': np.ones((1, 2)), 'bias': np.zeros(1), 's': 4}))
        module = nn.loads(data, classes={'a.Scaled': Scaled})
        assert module.scale == 4 and module.forward(np.ones(2)) == [2]

    def test_a_class_that_is_no_module(self):
        class Point:
            x: 'OnlyForTypeCheckers'  # noqa: F821

        data = nn.dumps({'p': TorchObject('demo.Point', {'x': 1, 'y': [2]})})
        point = nn.loads(data, classes={'demo.Point': Point})['p']
        assert type(point) is Point and (point.x, point.y) == (1, [2])
        assert nn.dumps({'p': point}) == data

    def test_classes_that_are_none(self):
        with pytest.raises(TypeError, match='expected classes by their names in Torch7 as classes'):
            nn.loads(nn.dumps(1), classes={'nn.Own': Own()})


class TestWhatTorch7Expects:
    def fields(self, module):
        """The fields of a module in the file that t7nn writes."""
        name = b'nn.' + type(module).__name__.encode()
        data = nn.dumps(module).replace(name, b'xx.' + name[3:], 1)
        return nn.loads(data)

    def test_names_versions_and_types(self):
        record = self.fields(nn.Linear(3, 2).float())
        assert (record.typename, record.version) == ('xx.Linear', 1)
        assert set(record.fields) == {'_type', 'weight', 'bias', 'gradWeight', 'gradBias', 'output', 'gradInput'}
        assert record['_type'] == 'torch.FloatTensor' and record['weight'].dtype == np.float32

    def test_sizes_are_long_storages(self):
        record = self.fields(nn.Reshape(2, -1))
        assert isinstance(record['size'], Storage) and record['size'].dtype == np.int64
        assert record['batchsize'].tolist() == [0, 2, -1] and record['nelement'] == -2

    def test_buffers(self):
        record = self.fields(nn.ClassNLLCriterion())
        assert {'output_tensor', 'total_weight_tensor', 'target'} <= set(record.fields)
        assert record['target'].dtype == np.int64 and '_type' not in record

    def test_scratch_is_left_out(self):
        module = nn.Sequential().add(nn.Linear(2, 2)).add(nn.Tanh())
        module.forward(np.ones(2))
        module._mine = 3
        record = self.fields(module)
        assert not [key for key in record.fields if key.startswith('_') and key != '_type']

    def test_python_functions_are_left_out_with_a_warning(self):
        trainer = nn.StochasticGradient(nn.Linear(1, 1), nn.MSECriterion())
        trainer.hookIteration = print
        with pytest.warns(UserWarning, match='nn.StochasticGradient: its field hookIteration is a Python function'):
            data = nn.dumps(trainer)
        assert nn.loads(data).hookIteration is None and nn.loads(data).log is print


# nngraph: what it builds in Lua is built here from records


class Graph:
    """Nodes of nngraph as its own file format has them."""

    def __init__(self):
        self.nodes = []

    def node(self, *parents, **data):
        data = {'annotations': {}, 'mapindex': {}, 'reverseMap': {}, **data}
        node = TorchObject('nngraph.Node', {'data': data, 'children': {}, 'id': 0, 'visited': False, 'marked': False})
        for parent in parents:
            self.add(node, parent)
        self.nodes.append(node)
        return node

    @staticmethod
    def add(node, child):
        """`node:add(child, true)`: in the backward graph the child is a parent."""
        children, mapindex = node['children'], node['data']['mapindex']
        index = len(children) // 2 + 1
        children[index], children[child] = child, index
        mapindex[index], mapindex[ObjectKey(child['data'])] = child['data'], index
        child['data']['reverseMap'][node] = True

    def split(self, parent, count):
        middle = self.node(parent, nSplitOutputs=count)
        return [self.node(middle, selectindex=i + 1, input=[]) for i in range(count)]

    def module(self, inputs, outputs):
        """`nn.gModule(inputs, outputs)`."""
        start, out = self.node(input=[]), self.node(input=[])
        for node in outputs:
            self.add(out, node)
        for node, source in zip(inputs, [start] if len(inputs) == 1 else self.split(start, len(inputs)), strict=True):
            self.add(node, source)
        order, seen = [], set()

        def visit(node):
            if id(node) not in seen:
                seen.add(id(node))
                for child in [child for key, child in node['children'].items() if isinstance(key, int)]:
                    visit(child)
                order.append(node)

        visit(out)
        twins = {
            id(node): TorchObject('nngraph.Node', {'data': node['data'], 'children': {}, 'id': i})
            for i, node in enumerate(order, 1)
        }
        for node in order:
            for child in [child for key, child in node['children'].items() if isinstance(key, int)]:
                children = twins[id(child)]['children']
                index = len(children) // 2 + 1
                children[index], children[twins[id(node)]] = twins[id(node)], index
        return TorchObject(
            'nn.gModule',
            {
                'modules': [node['data']['module'] for node in order if 'module' in node['data']],
                'forwardnodes': [twins[id(node)] for node in order],
                'backwardnodes': order[::-1],
                'innode': twins[id(start)],
                'outnode': out,
                'nInputs': len(inputs),
                'verbose': False,
                '_type': 'torch.DoubleTensor',
            },
        )


def diamond():
    """y1 = W2 tanh(h), y2 = {sigmoid(h), z} with h = W1 x of a graph, and the same without a graph."""
    nn.manualSeed(3)
    graph, first, second = Graph(), nn.Linear(4, 3), nn.Linear(3, 2)
    x, z = graph.node(module=nn.Identity()), graph.node(module=nn.Identity())
    h = graph.node(x, module=first)
    y1 = graph.node(graph.node(h, module=nn.Tanh()), module=second)
    y2 = graph.node(graph.node(h, module=nn.Sigmoid()), z, module=nn.Identity())
    record = graph.module([x, z], [y1, y2])

    def plain(x, z):
        h = first.weight @ x + first.bias
        return second.weight @ np.tanh(h) + second.bias, 1 / (1 + np.exp(-h)), z

    return record, plain, first, second


class TestNNGraph:
    def test_forward_and_backward(self):
        record, plain, first, _ = diamond()
        net = nn.loads(nn.dumps(record))
        assert type(net) is gModule and str(net) == 'nn.gModule' and len(net.listModules()) == 8
        x, z = arrays((4,), (2,))
        y1, (y2, y3) = net.forward([x, z])
        for mine, its in zip((y1, y2, y3), plain(x, z), strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-12)
        g1, g2, g3 = arrays((2,), (3,), (2,))
        net.zeroGradParameters()
        dx, dz = net.backward([x, z], [g1, [g2, g3]])

        def loss(x, z):
            return sum(float(y @ g) for y, g in zip(plain(x, z), (g1, g2, g3), strict=True))

        def numeric(function, at):
            steps = 1e-6 * np.eye(at.size).reshape(-1, *at.shape)
            return np.array([(function(at + step) - function(at - step)) / 2e-6 for step in steps]).reshape(at.shape)

        np.testing.assert_allclose(dx, numeric(lambda x: loss(x, z), x), atol=1e-8)
        np.testing.assert_allclose(dz, numeric(lambda z: loss(x, z), z), atol=1e-8)
        kept = first.weight.copy()

        def moved(weight):
            first.weight = weight
            return loss(x, z)

        np.testing.assert_allclose(net.modules[1].gradWeight, numeric(moved, kept), atol=1e-8)

    def test_it_trains(self):
        record, _, _, _ = diamond()
        net = nn.loads(nn.dumps(record))
        x, z = arrays((4,), (2,))
        outputs = net.forward([x, z])
        gradients = [np.ones(2), [np.ones(3), np.ones(2)]]
        net.zeroGradParameters()
        net.backward([x, z], gradients)
        weights, grads = net.parameters()
        expected = [weight - 0.1 * grad for weight, grad in zip(weights, grads, strict=True)]
        net.forward([x, z])
        net.updateGradInput([x, z], gradients)
        net.accUpdateGradParameters([x, z], gradients, 0.1)
        for weight, its in zip(weights, expected, strict=True):
            np.testing.assert_allclose(weight, its, rtol=1e-12)
        assert outputs is not net.output

    def test_saved_and_loaded_again(self):
        record, plain, _, _ = diamond()
        net = nn.loads(nn.dumps(nn.loads(nn.dumps(record))))
        x, z = arrays((4,), (2,))
        np.testing.assert_allclose(net.forward([x, z])[0], plain(x, z)[0])
        clone = net.clone()
        np.testing.assert_allclose(clone.clearState().forward([x, z])[0], plain(x, z)[0])
        net.float()
        np.testing.assert_allclose(net.forward([x.astype('f'), z.astype('f')])[0], plain(x, z)[0], rtol=1e-5)

    def test_one_input_one_output(self):
        graph, linear = Graph(), nn.Linear(3, 3)
        x = graph.node(module=linear)
        record = graph.module([x], [graph.node(x, module=nn.Tanh())])
        del record.fields['nInputs']
        net = nn.loads(nn.dumps(record))
        x = RNG.randn(2, 3)
        np.testing.assert_allclose(net.forward(x), np.tanh(x @ linear.weight.T + linear.bias))
        y = net.output
        np.testing.assert_allclose(net.backward(x, np.ones((2, 3))), (1 - y * y) @ linear.weight)

    def test_replace(self):
        record, plain, _, second = diamond()
        net = nn.loads(nn.dumps(record))
        net.replace(lambda module: nn.Identity() if isinstance(module, nn.Tanh) else module)
        x, z = arrays((4,), (2,))
        inner = nn.loads(nn.dumps(record)).modules[1].forward(x)
        np.testing.assert_allclose(net.forward([x, z])[0], second.weight @ inner + second.bias)

    def test_bad_input(self):
        net = nn.loads(nn.dumps(diamond()[0]))
        with pytest.raises(ValueError, match='nn.gModule: expected a table of 2 inputs, got shape'):
            net.forward(np.zeros(4))
        net.forward(arrays((4,), (2,)))
        with pytest.raises(ValueError, match='nn.gModule: expected a table of 2 gradOutputs'):
            net.backward(arrays((4,), (2,)), np.zeros(2))

    @pytest.mark.parametrize(
        'spoil',
        [
            lambda fields: fields.pop('outnode'),
            lambda fields: fields.update(innode=3),
            lambda fields: fields['forwardnodes'].reverse(),
            lambda fields: fields['forwardnodes'][0].fields.pop('data'),
            lambda fields: fields['backwardnodes'].append(fields['backwardnodes'][0]),
            lambda fields: fields['forwardnodes'][2]['data']['mapindex'].clear(),
        ],
    )
    def test_damaged_graphs(self, spoil):
        record = diamond()[0]
        spoil(record.fields)
        with pytest.raises(nn.T7Error, match='nn.gModule with usable fields expected'):
            nn.loads(nn.dumps(record))

    def test_nodes_of_nngraph(self):
        assert loaded('nngraph.JustElement').forward([3]) == 3
        assert loaded('nngraph.JustTable').forward(3) == [3]
        module = loaded('nn.ModuleFromCriterion', criterion=nn.MSECriterion())
        x, t = np.array([1.0, 3]), np.zeros(2)
        assert module.forward([x, t]) == [5]
        gradient, zero = module.updateGradInput([x, t], np.array([2.0]))
        np.testing.assert_allclose(gradient, 2 * x)
        assert not zero.any()


def test_no_warning_is_left_over():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        nn.loads(nn.dumps(nn.Sequential().add(nn.Linear(1, 1))))


class TestFilesOfTorch7:
    """Files that real Torch7s of several ages wrote."""

    def load(self, name):
        return nn.load(GOLDEN / 't7_faults' / f'{name}.t7')

    def test_a_criterion_whose_type_only_its_tables_tell(self):
        criterion = self.load('CosineEmbeddingCriterion')
        assert criterion.dtype == np.float32
        x = np.array([1, 2], np.float32)
        assert criterion.forward([x, x], 1) == pytest.approx(0, abs=1e-6)

    def test_padding_without_index(self):
        np.testing.assert_array_equal(self.load('padding_no_index').forward(np.ones(3)), [1, 1, 1, 0, 0])

    def test_cudnn_names_k_in_capitals(self):
        output = self.load('cudnn_LRN_K').forward(np.ones((1, 3, 2, 2), np.float32))
        np.testing.assert_allclose(output, 0.59459, rtol=1e-4)

    def test_subsampling_with_a_kernel_a_plane(self):
        module = self.load('subsampling_weight3d')
        np.testing.assert_array_equal(module.forward(np.ones((2, 2, 2))).ravel(), [4, 8])
        assert module.weight.shape == (2,)

    def test_convolution_without_strides(self):
        module = self.load('convMM_no_stride')
        np.testing.assert_array_equal(module.forward(np.ones((1, 3, 3))), np.full((1, 2, 2), 4))
        assert str(module) == 'nn.SpatialConvolutionMM(1 -> 1, 2x2)'

    def test_a_fresh_weight_norm(self):
        module = self.load('weightnorm_fresh')
        x = np.array([1.0, -1, 2])
        rows = module.g * module.v / np.sqrt((module.v**2).sum(1, keepdims=True) + 1e-4)
        np.testing.assert_allclose(module.forward(x), rows @ x, rtol=1e-12)
        module.zeroGradParameters()
        module.backward(x, np.ones(2))
        module.updateParameters(0.1)
        assert module.gradG.shape == module.g.shape

    def test_profile_and_its_timer(self):
        module = self.load('profile')
        assert type(module) is nn.Profile and module.modules[0].typename in str(module)
        record = nn.loads(nn.dumps(nn.Profile(nn.Linear(2, 1))), live=False)
        assert record['timer'].typename == 'torch.Timer'
        assert type(nn.loads(nn.dumps(module))) is nn.Profile

    def test_two_tensors_in_gradInput(self):
        for module in nn.MV(), nn.Index(1):
            record = nn.loads(nn.dumps(module), live=False)
            assert [tensor.size for tensor in record['gradInput']] == [0, 0]

    def test_inert_child(self):
        net = self.load('inert_child')
        net.evaluate()
        net.clearState()
        with pytest.raises(TypeError, match=r'nn.AddScalar, child 2 of nn.Sequential: .*fields scalar, '):
            net.forward(np.ones(2))
        net.replace(lambda m: nn.AddConstant(m['scalar']) if m.typename == 'nn.AddScalar' else m)
        np.testing.assert_array_equal(net.forward(np.ones(2)), [4.5, 4.5])

    def test_one_hot_of_char_rnn(self):
        net = self.load('charrnn_OneHot_gModule')
        np.testing.assert_allclose(net.forward(np.array([2, 3])), [[2, 5], [3, 6]])

    def test_every_file_can_be_written_again(self):
        for path in sorted((GOLDEN / 't7_faults').glob('*.t7')):
            if not path.name.startswith(('not_a_t7', 'win_long4')):
                value = nn.load(path)
                assert nn.dumps(nn.loads(nn.dumps(value))) == nn.dumps(value), path.name
