"""The protocol against what real Torch7 did: golden/module_api.json."""

import copy
import pickle

import numpy as np
import pytest
from golden_files import TOLERANCE, assert_same, build, build_with_sharing, load, value

import t7nn as nn
from t7nn.tensors import TENSOR_TYPES, flatten, offset, owner

DTYPES = {dtype: name for name, dtype in TENSOR_TYPES.items()}


def cases(kind):
    found = [case for case in load('module_api.json')['cases'] if case['kind'] == kind]
    assert found
    return pytest.mark.parametrize('case', [pytest.param(case, id=case['name']) for case in found])


def network(case):
    net = build_with_sharing({**case, 'after': []} if case['kind'] == 'share' else case)
    return net.float() if case.get('type') == 'float' else net


def layouts(tensors):
    storages = {}
    return [
        {
            'shape': list(tensor.shape),
            'stride': [stride // tensor.itemsize for stride in tensor.strides],
            'offset': offset(tensor) + 1,
            'storageId': storages.setdefault(id(owner(tensor)), len(storages) + 1),
            'storageSize': owner(tensor).size,
        }
        for tensor in tensors
    ]


def same_layouts(tensors, expected):
    actual = layouts(tensors)
    for mine, its in zip(actual, expected, strict=True):
        if 1 in its['shape']:  # Torch7 and NumPy differ in the stride of a dimension of size 1, which means nothing
            mine['stride'] = its['stride']
    assert actual == expected


def at(net, path):
    for index in path:
        net = net.modules[index - 1]
    return net


def nodes(net, path=()):
    yield list(path), net
    for i, module in enumerate(net.modules, 1):
        yield from nodes(module, (*path, i))


def tolerance(case):
    return TOLERANCE['torch.FloatTensor' if case.get('type') == 'float' else 'torch.DoubleTensor']


def same(case, key, actual):
    assert_same(actual, value(case[key]), tolerance(case), key)


@cases('getParameters')
def test_getParameters(case):
    net = network(case)
    same(case, 'parametersBefore', net.parameters()[0])
    same_layouts(net.parameters()[0], case['layoutsBefore'])
    if 'fails' in case:
        before = net.parameters()
        with pytest.raises(ValueError, match='check that you are sharing parameters and gradParameters'):
            net.getParameters()
        assert all(a is b for a, b in zip(sum(net.parameters(), []), sum(before, []), strict=True))
        return
    flat, flat_grad = net.getParameters()
    same(case, 'flat', flat)
    assert (flat.size, flat_grad.size) == (case['flatSize'], case['gradSize'])
    same_layouts(net.parameters()[0], case['layouts'])
    same_layouts(net.parameters()[1], case['gradLayouts'])
    flat[:] = np.arange(1, flat.size + 1)
    flat_grad[:] = -flat
    same(case, 'counted', net.parameters()[0])
    same(case, 'gradCounted', net.parameters()[1])
    net.updateParameters(0.5)
    same(case, 'flatAfterUpdate', flat)
    second, _ = net.getParameters()
    same(case, 'secondFlat', second)
    second.fill(7)
    if 'firstFlatAfter' in case:
        same(case, 'firstFlatAfter', flat)


@cases('flatten')
def test_flatten(case):
    storages = [np.array(value(storage), dtype=float) for storage in case['storages']]
    tensors = [
        np.ndarray(
            tuple(tensor['shape']),
            float,
            storages[tensor['storage'] - 1],
            8 * (tensor['offset'] - 1),
            tuple(8 * n for n in tensor['stride']),
        )
        for tensor in case['tensors']
    ]
    if 'fails' in case:
        with pytest.raises(ValueError, match='Cannot gather tensors that are not compact'):
            flatten(tensors)
        return
    flat, views = flatten(tensors)
    same(case, 'flat', flat)
    same_layouts(views, case['layouts'])
    same(case, 'values', views)


def test_flatten_needs_one_dtype():
    with pytest.raises(TypeError, match=r"expected tensors of one dtype, got \['float32', 'float64'\]"):
        flatten([np.zeros(2), np.zeros(2, np.float32)])


def shared(net):
    return [{'path': path, 'class': module.typename, 'shared': module.shared} for path, module in nodes(net)]


@cases('clone')
def test_clone(case):
    net = network(case)
    same(case, 'parameters', net.parameters()[0])
    clone = net.clone(*case['fields'])
    assert shared(net) == case['shared']
    assert shared(clone) == case['cloneShared']
    for tensors, number in ((net.parameters()[1], 1), (clone.parameters()[1], 2), (net.parameters()[0], 3)):
        for tensor in tensors:
            tensor.fill(number)
    same(case, 'gradients', net.parameters()[1])
    same(case, 'cloneGradients', clone.parameters()[1])
    same(case, 'cloneParameters', clone.parameters()[0])
    if 'layouts' in case:
        same_layouts(net.parameters()[0] + clone.parameters()[0], case['layouts'])
    if 'cloneTostring' in case:
        assert str(clone) == case['cloneTostring']


@cases('share')
def test_share(case):
    net = network(case)
    nn.manualSeed(case['otherSeed'])
    other = build(case.get('other', case['construct']))
    same(case, 'before', net.parameters()[0])
    same(case, 'otherBefore', other.parameters()[0])
    if 'fails' in case:
        with pytest.raises(ValueError, match='expected a container of 3 modules to share with, got 1'):
            net.share(other, *case['fields'])
        return
    assert net.share(other, *case['fields']) is net
    same(case, 'after', net.parameters()[0])
    same(case, 'otherAfter', other.parameters()[0])
    assert shared(net) == case['shared']
    assert shared(other) == case['otherShared']
    for parameter in other.parameters()[0]:
        parameter *= 2
    same(case, 'doubled', net.parameters()[0])


@cases('walk')
def test_walk(case):
    net = network(case)

    def names(modules):
        known = {}
        for path, module in nodes(net):
            known.setdefault(id(module), path)
        return [{'path': known[id(module)], 'class': module.typename} for module in modules]

    visited = []
    net.apply(visited.append)
    assert names(visited) == case['apply']
    assert names(net.listModules()) == case['listModules']
    for record in case['findModules']:
        found, containers = net.findModules(record['class'])
        assert names(found) == record['nodes']
        assert names(containers) == record['containers']
    assert str(net) == case.get('tostring', str(net))
    if 'replaced' in case:
        by = case['by']
        replaced = net.replace(lambda module: build(by) if module.typename == case['replace'] else module)
        assert str(replaced) == case['replaced']
        assert (replaced is net) == case['sameRoot']


@cases('modes')
def test_modes(case):
    net = network(case)

    def modes():
        return [{'path': path, 'class': module.typename, 'train': module.train} for path, module in nodes(net)]

    assert modes() == case['new']
    assert net.evaluate() is None
    assert modes() == case['evaluate']
    assert net.training() is None
    assert modes() == case['training']


@cases('gradients')
def test_gradients(case):
    net = network(case)
    net.zeroGradParameters()
    input, gradOutput = value(case['input']), value(case['gradOutput'])
    nn.manualSeed(case['forwardSeed'])
    same(case, 'output', net.forward(input))
    same(case, 'gradInput', net.backward(input, gradOutput, case['scale']))
    same(case, 'gradients', net.parameters()[1])
    net.backward(input, gradOutput)
    same(case, 'gradientsTwice', net.parameters()[1])
    net.updateParameters(0.1)
    same(case, 'updated', net.parameters()[0])
    net.zeroGradParameters()
    same(case, 'zeroed', net.parameters()[1])
    nn.manualSeed(case['seed'] + 2)
    net.forward(input)
    same(case, 'backwardUpdateReturns', net.backwardUpdate(input, gradOutput, 0.2))
    same(case, 'backwardUpdated', net.parameters()[0])
    same(case, 'gradientsAfterBackwardUpdate', net.parameters()[1])
    nn.manualSeed(case['seed'] + 3)
    net.zeroGradParameters()
    output, gradInput = net(input, gradOutput)
    same(case, 'callOutput', output)
    same(case, 'callGradInput', gradInput)
    same(case, 'callGradients', net.parameters()[1])
    same(case, 'callAlone', net(input))
    if case['resets']:
        nn.manualSeed(case['seed'] + 4)
        net.reset()
        same(case, 'reset', net.parameters()[0])


# Fields that Torch7 needs to work and that t7nn has no use for
TORCH_ONLY = {
    'addBuffer',
    'fgradInput',
    'finput',
    'outputSize',
    'totalOutputSize',
    'output_tensor',
    'total_weight_tensor',
    'target',
    'batchsize',
}


def field(item):
    if isinstance(item, np.ndarray):
        return f'{DTYPES[item.dtype]}({" ".join(map(str, item.shape)) if item.size else ""})'
    if isinstance(item, np.dtype):
        return DTYPES[item]
    return f'table of {len(item)}' if isinstance(item, list) else item


def same_fields(node, expected):
    for name, described in expected.items():
        if name not in TORCH_ONLY:
            actual = getattr(node, 'dtype' if name == '_type' else name)
            if isinstance(described, str) and described.startswith('torch.LongStorage'):
                assert len(actual) == int(described[len('torch.LongStorage[') : -1])
            else:
                assert field(actual) == described, name


def same_nodes(net, expected):
    for (path, module), record in zip(nodes(net), expected, strict=True):
        assert (path, module.typename) == (record['path'], record['class'])
        same_fields(module, record['fields'])


@cases('clearState')
def test_clearState(case):
    net = network(case)
    same_nodes(net, case['new'])
    input = value(case['input'])
    output = net.forward(input)
    net.backward(input, copy.deepcopy(output))
    same_nodes(net, case['used'])
    assert net.clearState() is net
    same_nodes(net, case['cleared'])
    if 'outputAgain' in case:
        nn.manualSeed(case['seed'] + 1)
        same(case, 'outputAgain', net.forward(input))


@cases('cast')
def test_cast(case):
    net = network(case)
    for step in case['steps']:
        method = getattr(net, step['cast'], None)
        assert (method() if method else net.type(step['cast'])) is net
        assert DTYPES[net.type()] == step['type']
        same_nodes(net, step['modules'])
        expected = value(step['parameters'])
        assert_same(net.parameters()[0], expected)
        same_layouts(net.parameters()[0], step['layouts'])


@cases('castTogether')
def test_cast_together(case):
    net = network(case)
    clone = net.clone('weight', 'bias')
    cache = {} if case['cache'] else None
    net.float(cache)
    clone.float(cache)
    same_layouts(net.parameters()[0] + clone.parameters()[0], case['layouts'])


@cases('castCriterion')
def test_cast_criterion(case):
    criterion = build(case['construct'])
    for step in case['steps']:
        if step['cast'] != 'type':  # a criterion's type() fails in Torch7; here it tells the dtype, as a module's does
            assert getattr(criterion, step['cast'])() is criterion
            same_fields(criterion, step['fields'])


@cases('tostring')
def test_tostring(case):
    assert str(network(case)) == case['tostring']


@cases('edit')
def test_edit(case):
    net = network(case)
    for step in case['steps']:
        args = [build(arg) if isinstance(arg, dict) else arg for arg in step['args']]
        if 'fails' in step:
            with pytest.raises(IndexError, match=step['fails'].partition(': ')[2]):
                getattr(net, step['method'])(*args)
        else:
            returned = getattr(net, step['method'])(*args)
            if step['returns'] == 'itself':
                assert returned is net
            elif isinstance(returned, nn.Module):
                assert str(returned) == step['returns'] or returned.typename == step['returns']
            else:
                assert returned == step['returns']
        assert (net.size(), len(net)) == (step['size'], step['length'])
        assert str(net) == step['tostring']


@cases('fails')
def test_fails(case):
    net = network(case)
    with pytest.raises(ValueError) as caught:
        net.forward(value(case['input']))
    lines = [line.removesuffix(':') for line in case['fails'].split('\n') if line.startswith('In ')]
    assert caught.value.__notes__ == lines[::-1]


@pytest.mark.parametrize('copied', [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net)), nn.Module.clone])
def test_copies_keep_sharing(copied):
    net = nn.Sequential().add(nn.Linear(2, 3)).add(nn.Tanh())
    net.add(nn.Linear(2, 3).share(net.get(1), 'weight', 'gradWeight'))
    net.getParameters()
    twin = copied(net)
    first, third = twin.get(1), twin.get(3)
    assert np.shares_memory(first.weight, third.weight)
    assert owner(first.bias) is owner(third.weight)
    assert not np.shares_memory(first.weight, net.get(1).weight)
    first.weight.fill(5)
    assert third.weight.min() == 5
    assert layouts(twin.parameters()[0]) == layouts(net.parameters()[0])


def test_scratch_is_not_copied():
    net = nn.Linear(2, 3)
    net._scratch = object()
    assert not hasattr(net.clone(), '_scratch')
    assert not hasattr(net.clearState(), '_scratch')


def test_shallow_copy_shares_tensors_but_not_buffers():
    net = nn.Linear(2, 3)
    net.getParameters()  # the parameters are views now
    net._scratch = object()
    twin = copy.copy(net)
    assert twin.weight is net.weight
    assert not hasattr(twin, '_scratch')
    assert twin._buffers is not net._buffers
