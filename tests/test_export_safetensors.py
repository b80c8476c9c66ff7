"""safetensors: PyTorch's names and shapes, there and back to the last bit, and clear errors."""

import re
import sys

import numpy as np
import pytest
from golden_files import GOLDEN, build, load
from test_serialization_models import diamond

import t7nn as nn
from t7nn.export import from_safetensors, to_safetensors

safetensors = pytest.importorskip('safetensors.numpy')


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / 'weights.safetensors')


def shapes(path):
    return {name: tensor.shape for name, tensor in safetensors.load_file(path).items()}


def usual(dtype='float32'):
    """A network of the layers that PyTorch has too."""
    nn.manualSeed(4)
    network = nn.Sequential()
    network.add(nn.SpatialConvolutionMM(2, 4, 3, 2, 1, 1, 1)).add(nn.SpatialBatchNormalization(4)).add(nn.PReLU(4))
    network.add(nn.SpatialDilatedConvolution(4, 4, 3, 3, 1, 1, 1, 1, 2, 2).noBias())
    network.add(nn.SpatialDepthWiseConvolution(4, 2, 3, 3)).add(nn.SpatialFullConvolution(8, 3, 2, 2, 2, 2))
    network.add(nn.Sequential().add(nn.View(-1).setNumInputDims(3)).add(nn.Linear(3 * 10 * 4, 5)))
    network.type(dtype)
    network.forward(np.random.RandomState(0).randn(3, 2, 8, 6).astype(dtype))  # moves the running averages
    network.evaluate()
    return network


def test_names_and_shapes(path):
    to_safetensors(usual(), path)
    assert shapes(path) == {
        '0.weight': (4, 2, 2, 3),
        '0.bias': (4,),
        '1.weight': (4,),
        '1.bias': (4,),
        '1.running_mean': (4,),
        '1.running_var': (4,),
        '1.num_batches_tracked': (),
        '2.weight': (4,),
        '3.weight': (4, 4, 3, 3),
        '4.weight': (8, 1, 3, 3),
        '4.bias': (8,),
        '5.weight': (8, 3, 2, 2),
        '5.bias': (3,),
        '6.1.weight': (5, 120),
        '6.1.bias': (5,),
    }


def in_torch(torch):
    """The same layers as `usual` in PyTorch."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, (2, 3), padding=1),
        torch.nn.BatchNorm2d(4),
        torch.nn.PReLU(4),
        torch.nn.Conv2d(4, 4, 3, padding=1, dilation=2, bias=False),
        torch.nn.Conv2d(4, 8, 3, groups=4),
        torch.nn.ConvTranspose2d(8, 3, 2, 2),
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(120, 5)),
    )


@pytest.mark.parametrize('dtype', ['float32', 'float64'])
def test_into_pytorch_and_back(path, dtype):
    torch = pytest.importorskip('torch')
    from safetensors.torch import load_file, save_file

    network, theirs = usual(dtype), in_torch(torch).to(getattr(torch, dtype)).eval()
    to_safetensors(network, path)
    assert str(theirs.load_state_dict(load_file(path))) == '<All keys matched successfully>'
    x = np.random.RandomState(1).randn(2, 2, 8, 6).astype(dtype)
    with torch.no_grad():
        tolerance = 1e-5 if dtype == 'float32' else 1e-12
        np.testing.assert_allclose(network.forward(x), theirs(torch.from_numpy(x)).numpy(), atol=tolerance)
        for parameter in theirs.parameters():
            parameter.mul_(1.5)
        save_file(theirs.state_dict(), path)
        from_safetensors(network, path)
        np.testing.assert_allclose(network.forward(x), theirs(torch.from_numpy(x)).numpy(), atol=3 * tolerance)


@pytest.mark.parametrize(
    ('layer', 'there', 'shape', 'turned'),
    [
        (lambda: nn.TemporalConvolution(3, 4, 2), lambda torch: torch.nn.Conv1d(3, 4, 2), (2, 5, 3), (0, 2, 1)),
        (
            lambda: nn.TemporalRowConvolution(3, 2, 1, True),
            lambda torch: torch.nn.Conv1d(3, 3, 2, groups=3),
            (2, 3, 5),
            None,
        ),
        (
            lambda: nn.VolumetricConvolution(2, 3, 2, 1, 3),
            lambda torch: torch.nn.Conv3d(2, 3, (2, 3, 1)),
            (1, 2, 3, 4, 5),
            None,
        ),
        (
            lambda: nn.VolumetricFullConvolution(2, 3, 2, 1, 3),
            lambda torch: torch.nn.ConvTranspose3d(2, 3, (2, 3, 1)),
            (1, 2, 3, 4, 5),
            None,
        ),
        (lambda: nn.BatchNormalization(3), lambda torch: torch.nn.BatchNorm1d(3), (2, 3), None),
        (lambda: nn.LayerNormalization(6, 0.5, 6e-5), lambda torch: torch.nn.LayerNorm(6), (2, 6), None),
        (lambda: nn.LinearWeightNorm(3, 4), lambda torch: weight_norm(torch, torch.nn.Linear(3, 4), 0), (2, 3), None),
        (
            lambda: nn.WeightNorm(nn.SpatialConvolution(2, 3, 2, 3)),
            lambda torch: weight_norm(torch, torch.nn.Conv2d(2, 3, (3, 2)), 0),
            (1, 2, 5, 5),
            None,
        ),
        (
            lambda: nn.WeightNorm(nn.SpatialFullConvolution(2, 3, 2, 3), 2),
            lambda torch: weight_norm(torch, torch.nn.ConvTranspose2d(2, 3, (3, 2)), 1),
            (1, 2, 5, 5),
            None,
        ),
    ],
)
def test_layers_of_pytorch(path, layer, there, shape, turned):
    torch = pytest.importorskip('torch')
    from safetensors.torch import load_file

    nn.manualSeed(6)
    layer, theirs = layer(), there(torch).double().eval()
    layer.evaluate()
    to_safetensors(layer, path)
    assert str(theirs.load_state_dict(load_file(path))) == '<All keys matched successfully>'
    x = np.random.RandomState(2).randn(*shape)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(x if turned is None else x.transpose(turned))).numpy()
    # WeightNorm adds 1e-4 to the square of the norm, PyTorch nothing
    tolerance = 1e-3 if isinstance(layer, nn.WeightNorm) else 1e-10
    np.testing.assert_allclose(
        layer.forward(x), expected if turned is None else expected.transpose(turned), atol=tolerance
    )


def weight_norm(torch, layer, dim):
    with pytest.warns(FutureWarning, match='weight_norm'):
        return torch.nn.utils.weight_norm(layer, dim=dim)


def test_lookup_table_is_an_embedding(path):
    torch = pytest.importorskip('torch')
    from safetensors.torch import load_file

    layer, theirs = nn.LookupTable(5, 3), torch.nn.Embedding(5, 3).double()
    to_safetensors(layer, path)
    theirs.load_state_dict(load_file(path))
    index = np.array([[1, 5], [2, 2]])
    with torch.no_grad():
        np.testing.assert_array_equal(layer.forward(index), theirs(torch.from_numpy(index - 1)).numpy())


CASES = [
    (name, case)
    for name in sorted(path.stem for path in (GOLDEN / 'nn').glob('*.json'))
    for case in load(f'nn/{name}.json')['cases'][:1]
    if 'loss' not in case
]


def test_every_layer_comes_back_to_the_last_bit(path):
    """All that is learned, in layers of every class: nans and their payloads, denormals, negative zeros."""
    tried = set()
    for name, case in CASES:
        module = build(case['construct'], case['type'])
        if not module.parameters()[0]:
            continue
        strange = np.array([0x7FF8DEAD0000BEEF, 1, 1 << 63, 0xFFF0000000000000], np.uint64).view(float)
        for parameter in module.parameters()[0]:
            parameter[...] = np.resize(strange.astype(parameter.dtype), parameter.shape)
        if not isinstance(module, (nn.LinearWeightNorm, nn.WeightNorm)):
            module.evaluate()
        to_safetensors(module, path)
        twin = build(case['construct'], case['type'])
        assert from_safetensors(twin, path) is twin
        for mine, its in zip(twin.parameters()[0], module.parameters()[0], strict=True):
            assert mine.tobytes() == its.tobytes(), name
        tried.add(name)
    assert len(tried) >= 49


def test_running_averages_come_back(path):
    network, twin = usual(), usual()
    to_safetensors(network, path)
    twin.modules[1].running_mean.fill(0)
    twin.modules[1].running_var.fill(1)
    from_safetensors(twin, path)
    for name in 'running_mean', 'running_var':
        np.testing.assert_array_equal(getattr(twin.modules[1], name), getattr(network.modules[1], name))


def test_flat_parameters_stay_flat(path):
    """Views of one flat vector, as getParameters() makes them, are filled in place."""
    network, twin = usual(), usual()
    flat, _ = twin.getParameters()
    flat.fill(0)
    to_safetensors(network, path)
    from_safetensors(twin, path)
    np.testing.assert_array_equal(np.concatenate([p.ravel() for p in network.parameters()[0]]), flat)


def test_graphs_and_tables(path):
    network = nn.loads(nn.dumps(diamond()[0]))
    to_safetensors(network, path)
    assert sorted(shapes(path).values()) == [(2,), (2, 3), (3,), (3, 4)]
    twin = nn.loads(nn.dumps(diamond()[0]))
    for parameter in twin.parameters()[0]:
        parameter.fill(0)
    from_safetensors(twin, path)
    x = [np.ones(4), np.ones(2)]
    np.testing.assert_array_equal(twin.forward(x)[0], network.forward(x)[0])
    mapped = nn.MapTable(nn.Linear(2, 3))
    mapped.forward([np.ones(2)] * 3)
    to_safetensors(mapped, path)
    assert set(shapes(path)) == {'0.weight', '0.bias'}


def test_shared_tensors(path):
    first = nn.Linear(3, 3)
    network = nn.Sequential().add(first).add(first.clone('weight', 'bias'))
    to_safetensors(network, path)
    assert set(shapes(path)) == {'0.weight', '0.bias', '1.weight', '1.bias'}
    from_safetensors(network, path)
    tensors = safetensors.load_file(path)
    safetensors.save_file(tensors | {'1.bias': np.zeros(3)}, path)
    before = first.bias.copy()
    with pytest.raises(ValueError, match='0.bias and 1.bias are one tensor in the network, but differ in the file'):
        from_safetensors(network, path)
    np.testing.assert_array_equal(first.bias, before)


@pytest.mark.parametrize(
    ('change', 'kind', 'text'),
    [
        (lambda t: t.pop('1.bias'), ValueError, 'does not fit the network: 1.bias is missing'),
        (lambda t: t.update({'2.weight': np.zeros(1)}), ValueError, 'does not fit the network: 2.weight is surplus'),
        (
            lambda t: t.update({'0.weight': np.zeros((2, 3))}),
            ValueError,
            'expected 0.weight of shape (3, 2), got (2, 3)',
        ),
        (
            lambda t: [t.pop('0.weight'), t.update({'x': np.zeros(1)})],
            ValueError,
            'does not fit the network: 0.weight is missing; x is surplus',
        ),
        (
            lambda t: t.update({'0.weight': np.zeros((3, 2), 'f')}),
            TypeError,
            'expected 0.weight of float64, got float32; cast the network: module.type("float32")',
        ),
        (lambda t: t.update({f'x{i}': np.zeros(1) for i in range(10)}), ValueError, '; and 2 more'),
    ],
)
def test_what_does_not_fit(path, change, kind, text):
    network = nn.Sequential().add(nn.Linear(2, 3)).add(nn.Linear(3, 1))
    to_safetensors(network, path)
    tensors = safetensors.load_file(path)
    change(tensors)
    safetensors.save_file(tensors, path)
    before = [parameter.copy() for parameter in network.parameters()[0]]
    with pytest.raises(kind, match=re.escape(text)):
        from_safetensors(network, path)
    for old, new in zip(before, network.parameters()[0], strict=True):
        np.testing.assert_array_equal(old, new)


def test_bad_arguments(path):
    with pytest.raises(TypeError, match='to_safetensors: expected a module, got nil'):
        to_safetensors(None, path)
    with pytest.raises(TypeError, match='from_safetensors: expected a module, got nil'):
        from_safetensors(None, path)
    with pytest.raises(ValueError, match='to_safetensors: expected a network with weights, got nn.Tanh'):
        to_safetensors(nn.Tanh(), path)
    network = nn.Sequential().add(nn.Sequential())
    network.modules[0].modules.append(nn.TorchObject('nn.Foo', {}))
    with pytest.raises(ValueError, match=re.escape('nn.Foo (0.0) is not a class of t7nn')):
        to_safetensors(network, path)
    with open(path, 'wb') as file:
        file.write(b'nothing of the kind')
    with pytest.raises(ValueError, match='expected a safetensors file'):
        from_safetensors(nn.Linear(1, 1), path)
    with pytest.raises(FileNotFoundError):
        from_safetensors(nn.Linear(1, 1), path + '.not')


def test_without_safetensors(monkeypatch, path):
    monkeypatch.setitem(sys.modules, 'safetensors', None)
    monkeypatch.setitem(sys.modules, 'safetensors.numpy', None)
    with pytest.raises(ModuleNotFoundError, match=re.escape("pip install 't7nn[safetensors]'")):
        to_safetensors(nn.Linear(1, 1), path)
