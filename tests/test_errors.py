"""Bad input of the core classes: the error's type and text, where in a network it was, and that nothing is half
done."""

import copy
import re

import numpy as np
import pytest

import t7nn as nn

X, BATCH = np.array([0.5, -1.0, 2.0]), np.ones((2, 3))
SINGLE = X.astype(np.float32)
BOTH_DTYPES = r'of float64, got float32; cast one of them: module\.type\("float32"\) or x\.astype\("float64"\)'


def linear():
    return nn.Linear(3, 2)


def filled(container, *modules):
    for module in modules:
        container.add(module)
    return container


def raises(kind, text, call, *arguments):
    with pytest.raises(kind, match=text) as caught:
        call(*arguments)
    return caught.value


# What every layer of one tensor says

LAYERS = {
    'Linear': (linear, r'nn\.Linear\(3 -> 2\)'),
    'Tanh': (nn.Tanh, r'nn\.Tanh'),
    'Sigmoid': (nn.Sigmoid, r'nn\.Sigmoid'),
    'ReLU': (nn.ReLU, r'nn\.ReLU'),
    'SoftMax': (nn.SoftMax, r'nn\.SoftMax'),
    'LogSoftMax': (nn.LogSoftMax, r'nn\.LogSoftMax'),
    'Dropout': (nn.Dropout, r'nn\.Dropout\(0\.500000\)'),
    'Reshape': (lambda: nn.Reshape(3), r'nn\.Reshape\(3\)'),
    'View': (lambda: nn.View(3), r'nn\.View\(3\)'),
}


@pytest.fixture(params=LAYERS)
def layer(request):
    make, name = LAYERS[request.param]
    return make(), name


@pytest.mark.parametrize(
    ('input', 'text'),
    [
        ([X], r'a tensor as input, got a table of 1'),
        ({'x': X}, r"a tensor as input, got a table with keys \['x'\]"),
        (None, r'a tensor as input, got nil'),
        (0.5, r'a tensor as input, got float 0\.5'),
        (SINGLE, 'input ' + BOTH_DTYPES),
        (np.array([1, 2, 3]), r'input of float64, got int64; cast .*'),
    ],
    ids=['table', 'dict', 'nil', 'number', 'float32', 'int64'],
)
def test_input_that_is_no_tensor_of_the_dtype(layer, input, text):
    module, name = layer
    raises(TypeError, f'^{name}: expected {text}$', module.forward, input)


def test_the_other_dtype_after_a_cast(layer):
    module, name = layer
    raises(TypeError, f'^{name}: expected input of float32, got float64; ', module.float().forward, X)


@pytest.mark.parametrize('method', ['updateGradInput', 'backward'])
def test_gradOutput_that_is_no_tensor_of_the_dtype(layer, method):
    module, name = layer
    output = module.forward(X)
    for gradOutput, text in (
        ([output], 'a tensor as gradOutput, got a table of 1'),
        (None, 'a tensor as gradOutput, got nil'),
        (output.astype(np.float32), 'gradOutput ' + BOTH_DTYPES),
    ):
        raises(TypeError, f'^{name}: expected {text}$', getattr(module, method), X, gradOutput)


@pytest.mark.parametrize('shape', [(4,), (2, 3), (3, 3)])
def test_gradOutput_of_a_wrong_shape(layer, shape):
    module, name = layer
    module.forward(X)
    raises(
        ValueError,
        rf'^{name}: expected gradOutput .*, got shape \({", ?".join(map(str, shape))},?\)( \(size mismatch\))?$',
        module.updateGradInput,
        X,
        np.ones(shape),
    )


@pytest.mark.parametrize('make', [nn.Concat, lambda n: nn.Parallel(n, n)], ids=['Concat', 'Parallel'])
def test_gradOutput_of_branches(make):
    module = filled(make(1), nn.Tanh(), nn.Tanh())
    module.forward(BATCH)
    name, needed = module.typename, module.output.shape
    for gradOutput, kind, text in (
        ([BATCH], TypeError, 'a tensor as gradOutput, got a table of 1'),
        (np.ones(needed, np.float32), TypeError, 'gradOutput ' + BOTH_DTYPES),
        (np.ones(7), ValueError, rf'gradOutput of shape {re.escape(str(needed))}, got shape \(7,\)'),
    ):
        raises(kind, f'^{name}: expected {text}$', module.updateGradInput, BATCH, gradOutput)


# Sizes and ranks

SIZES = {
    'Linear, size': (
        linear,
        np.ones(4),
        r'nn\.Linear\(3 -> 2\): expected input of size 3, a vector or a batch of them, got shape \(4,\)',
    ),
    'Linear, batch': (
        linear,
        np.ones((3, 2)),
        r'input of size 3, a vector or a batch of them, got shape \(3, 2\)',
    ),
    'Linear, rank': (linear, np.ones((1, 2, 3)), r'a vector or a batch of them, got shape \(1, 2, 3\)'),
    'Linear, no dimension': (linear, np.array(1.0), r'a vector or a batch of them, got shape \(\)'),
    'SoftMax': (
        nn.SoftMax,
        np.ones([1] * 5),
        r'nn\.SoftMax: expected 1D, 2D, 3D or 4D tensor, got shape \(1, 1, 1, 1, 1\)',
    ),
    'LogSoftMax': (nn.LogSoftMax, np.array(1.0), r'nn\.LogSoftMax: expected 1D, 2D, 3D or 4D tensor, got shape \(\)'),
    'Reshape': (
        lambda: nn.Reshape(2, 2),
        X,
        r'nn\.Reshape\(2x2\): expected input of 4 elements or a batch of such, got shape \(3,\)',
    ),
    'Reshape, batch': (
        lambda: nn.Reshape(3, True),
        X,
        r'input of 3 elements or a batch of such, got shape \(3,\)',
    ),
    'Reshape, no batch': (
        lambda: nn.Reshape(3, False),
        BATCH,
        r'input of 3 elements or a batch of such, got shape \(2, 3\)',
    ),
    'View': (
        lambda: nn.View(2, 2),
        BATCH,
        r'nn\.View\(2, 2\): input view \(2x3\) and desired view \(2x2\) do not match',
    ),
    'View, -1': (lambda: nn.View(-1, 4), BATCH, r'input view \(2x3\) and desired view \(-1x4\) do not match'),
    'Concat, empty': (lambda: nn.Concat(1), X, r'nn\.Concat: expected at least one module'),
    'Concat, dimension': (lambda: filled(nn.Concat(2), nn.Tanh()), X, r'nn\.Concat: .*2.*1'),
    'Concat, from 0': (lambda: filled(nn.Concat(0), nn.Tanh()), X, r'nn\.Concat: .*0'),
    'Concat, outputs': (
        lambda: filled(nn.Concat(1), nn.Tanh(), linear()),
        BATCH,
        r'nn\.Concat: expected tensors that agree in all dimensions but 1, got shape \(2, 3\), shape \(2, 2\)',
    ),
    'Concat, ranks': (
        lambda: filled(nn.Concat(1), nn.Tanh(), nn.View(6)),
        BATCH,
        r'agree in all dimensions but 1, got shape \(2, 3\), shape \(6,\)',
    ),
    'Parallel, slices': (
        lambda: filled(nn.Parallel(1, 1), nn.Tanh()),
        BATCH,
        r'nn\.Parallel: expected input of size 1 in dimension 1, a slice for each module, got shape \(2, 3\)',
    ),
    'Parallel, dimension': (lambda: filled(nn.Parallel(3, 1), nn.Tanh()), BATCH, r'nn\.Parallel: .*3.*2'),
    'Parallel, from 0': (lambda: filled(nn.Parallel(0, 1), nn.Tanh()), BATCH, r'nn\.Parallel: .*0'),
    'Parallel, output dimension': (
        lambda: filled(nn.Parallel(1, 2), nn.Tanh(), nn.Tanh()),
        BATCH,
        r'nn\.Parallel: .*2.*1',
    ),
}


@pytest.mark.parametrize('name', SIZES)
def test_input_of_a_wrong_size(name):
    make, input, text = SIZES[name]
    raises((ValueError, IndexError), text, make().forward, input)


@pytest.mark.parametrize('method', ['accGradParameters', 'accUpdateGradParameters'])
@pytest.mark.parametrize(
    ('input', 'gradOutput', 'kind', 'text'),
    [
        (
            X,
            np.ones(3),
            ValueError,
            r'gradOutput of size 2, a vector .*, got shape \(3,\) .*mismatch.',
        ),
        (X, np.ones((1, 2)), ValueError, r'gradOutput for input of shape \(3,\), got shape \(1, 2\)'),
        (BATCH, np.ones((3, 2)), ValueError, r'gradOutput for input of shape \(2, 3\), got shape \(3, 2\)'),
        (BATCH, np.ones(2), ValueError, r'gradOutput for input of shape \(2, 3\), got shape \(2,\)'),
        (
            np.ones(4),
            np.ones(2),
            ValueError,
            r'input of size 3, a vector .*, got shape \(4,\) .*mismatch.',
        ),
        (X, np.ones(2, np.float32), TypeError, 'gradOutput ' + BOTH_DTYPES),
        (X, [1.0, 2.0], TypeError, 'a tensor as gradOutput, got a table of 2'),
    ],
)
def test_gradients_of_a_linear_layer(method, input, gradOutput, kind, text):
    """The error names the layer, and neither parameters nor gradients have changed."""
    module = linear()
    module.forward(X)
    before = copy.deepcopy(module.parameters())
    raises(kind, rf'^nn\.Linear\(3 -> 2\): expected {text}$', getattr(module, method), input, gradOutput, 0.5)
    for kept, now in zip(sum(before, []), sum(module.parameters(), []), strict=True):
        assert np.array_equal(kept, now)


# Construction

BUILDS = {
    'Dropout, 1': (lambda: nn.Dropout(1), ValueError, r'nn\.Dropout: illegal percentage, expected 0 <= p < 1, got 1'),
    'Dropout, -1': (
        lambda: nn.Dropout(-1),
        ValueError,
        r'nn\.Dropout: illegal percentage, expected 0 <= p < 1, got -1',
    ),
    'Reshape': (lambda: nn.Reshape(), TypeError, r'nn\.Reshape: expected whole numbers as sizes, got \(\)'),
    'Reshape, fraction': (
        lambda: nn.Reshape(2.5),
        TypeError,
        r'nn\.Reshape: expected whole numbers as sizes, got \(2\.5,\)',
    ),
    'View, -2': (lambda: nn.View(-2), ValueError, r'nn\.View: expected sizes that are positive or -1, got \[-2\]'),
    'View, two unknown': (
        lambda: nn.View(-1, -1),
        ValueError,
        r'nn\.View: expected only one dimension at -1, got \[-1, -1\]',
    ),
    'add': (lambda: nn.Sequential().add(nn.Linear), TypeError, r'nn\.Sequential: expected a module, got'),
    'add a number': (lambda: nn.Concat(1).add(3), TypeError, r'nn\.Concat: expected a module, got int 3'),
    'get': (
        lambda: filled(nn.Sequential(), nn.Tanh()).get(0),
        IndexError,
        'expected a whole number from 1, got int 0',
    ),
    'insert': (
        lambda: filled(nn.Sequential(), nn.Tanh()).insert(nn.Tanh(), 0),
        IndexError,
        r'nn\.Sequential\.insert: index should be contiguous to existing modules: 1 to 2, got 0',
    ),
    'remove': (
        lambda: filled(nn.Sequential(), nn.Tanh()).remove(0),
        IndexError,
        r'index out of range: expected 1 to 1, got 0',
    ),
    'remove from none': (lambda: nn.Sequential().remove(), IndexError, r'index out of range: expected 1 to 0, got 0'),
    'BCE': (lambda: nn.BCECriterion([1.0]), ValueError, r'nn\.BCECriterion: weights .*1-D .*got a table of 1'),
    'ClassNLL': (
        lambda: nn.ClassNLLCriterion(BATCH),
        ValueError,
        r'nn\.ClassNLLCriterion: weights .*1-D .*got shape \(2, 3\)',
    ),
}


@pytest.mark.parametrize('name', BUILDS)
def test_construction(name):
    make, kind, text = BUILDS[name]
    raises(kind, text, make)


# Criterions

ELEMENTWISE = [nn.MSECriterion, nn.AbsCriterion, nn.SmoothL1Criterion, nn.BCECriterion]


@pytest.mark.parametrize('method', ['forward', 'backward'])
@pytest.mark.parametrize('kind', ELEMENTWISE, ids=lambda kind: kind.__name__)
def test_elementwise_criterions(kind, method):
    for input, target, error, text in (
        ([X], X, TypeError, 'a tensor as input, got a table of 1'),
        (X, [X], TypeError, 'a tensor as target, got a table of 1'),
        (X, 1.0, TypeError, r'a tensor as target, got float 1\.0'),
        (X, None, TypeError, 'a tensor as target, got nil'),
        (SINGLE, X, TypeError, 'input ' + BOTH_DTYPES),
        (X, SINGLE, TypeError, 'target ' + BOTH_DTYPES),
        (X, np.ones(4), ValueError, r'target of 3 elements as in the input of shape \(3,\), got shape \(4,\)'),
    ):
        raises(error, rf'^nn\.{kind.__name__}: expected {text}$', getattr(kind(), method), input, target)


@pytest.mark.parametrize('method', ['forward', 'backward'])
@pytest.mark.parametrize('kind', [nn.ClassNLLCriterion, nn.CrossEntropyCriterion], ids=lambda kind: kind.__name__)
def test_class_criterions(kind, method):
    nll = r'^nn\.ClassNLLCriterion: '
    for input, target, error, text in (
        (X, 0, IndexError, r'1\.\.3.*, got 0'),
        (X, 4, IndexError, r'1\.\.3.*, got 4'),
        (X, -1, IndexError, r'1\.\.3.*, got -1'),
        (X, float('nan'), IndexError, r'1\.\.3.*, got nan'),
        (BATCH, np.array([1, 0]), IndexError, r'1\.\.3.*, got 0'),
        (BATCH, np.array([4.0, 1.0]), IndexError, r'1\.\.3.*, got 4'),
        (BATCH, np.array([np.nan, 1.0]), IndexError, r'1\.\.3.*, got nan'),
        (X, '1', TypeError, "a class as target, got str '1'"),
        (X, None, TypeError, 'a class as target, got nil'),
        (X, np.array([1, 2]), TypeError, r'a class as target, got shape \(2,\)'),
        (BATCH, np.array([1, 2, 3]), ValueError, r'\(2,\).*, .*got shape \(3,\)'),
    ):
        criterion = kind()
        if method == 'backward':
            criterion.forward(input, 1 if input.ndim == 1 else np.array([1, 2]))
        raises(error, nll + f'.*{text}', getattr(criterion, method), input, target)
    rank = r'expected input of 1 or 2 dimensions, got shape \(2, 3, 2\)'
    raises(ValueError, nll + rank, kind().forward, np.ones((2, 3, 2)), np.ones((2, 2)))
    raises(TypeError, rf'^nn\.{kind.__name__}: expected input {BOTH_DTYPES}$', kind().forward, SINGLE, 1)
    raises(TypeError, rf'^nn\.{kind.__name__}: expected a tensor as input, got a table of 1$', kind().forward, [X], 1)
    raises(ValueError, nll + r'.*3.*2', kind(np.ones(2)).forward, X, 1)


def test_weights_of_elements_that_do_not_fit():
    raises(ValueError, r'nn\.BCECriterion: .*3.*2', nn.BCECriterion(np.ones(2)).forward, X / 4 + 0.4, X)


# Where in a network an error was


def network():
    inner = filled(nn.Sequential(), nn.Tanh(), filled(nn.Parallel(1, 1), nn.Linear(3, 1), nn.Linear(4, 1)))
    return filled(nn.Sequential(), nn.Tanh(), filled(nn.Concat(1), nn.View(6), inner))


def test_notes_say_where_it_was():
    error = raises(ValueError, r'^nn\.Linear\(4 -> 1\): expected input of size 4', network().forward, BATCH)
    assert error.__notes__ == [
        'In 2 module of nn.Parallel',
        'In 2 module of nn.Sequential',
        'In 2 module of nn.Concat',
        'In 2 module of nn.Sequential',
    ]


@pytest.mark.parametrize('method', ['updateGradInput', 'accGradParameters', 'backward'])
def test_notes_of_the_way_back(method):
    net = filled(nn.Sequential(), nn.Tanh(), filled(nn.Sequential(), nn.Tanh(), linear()))
    net.forward(X)
    error = raises(ValueError, 'gradOutput of size 2', getattr(net, method), X, np.ones(3))
    assert error.__notes__ == ['In 2 module of nn.Sequential'] * 2


# Nothing is half done


def test_network_works_after_an_error():
    nn.manualSeed(1)
    net = filled(nn.Sequential(), linear(), nn.Tanh(), nn.Linear(2, 2))
    expected = net.forward(X).copy(), net.backward(X, np.ones(2)).copy(), copy.deepcopy(net.parameters())
    for bad in (np.ones(4), SINGLE, [X], None):
        raises((TypeError, ValueError), 'expected', net.forward, bad)
    net.forward(X)
    for bad in (np.ones(3), np.ones(2, np.float32), [X], None):
        raises((TypeError, ValueError), 'expected', net.backward, X, bad)
        raises((TypeError, ValueError), 'expected', net.accUpdateGradParameters, X, bad, 0.1)
    for mine, its in zip(sum(net.parameters(), []), sum(expected[2], []), strict=True):
        assert np.array_equal(mine, its)
    net.zeroGradParameters()
    assert np.array_equal(net.forward(X), expected[0])
    assert np.array_equal(net.backward(X, np.ones(2)), expected[1])


def test_training_stops_at_a_bad_example_with_the_parameters_of_the_good_ones():
    nn.manualSeed(1)
    net = linear()
    trainer = nn.StochasticGradient(net, nn.MSECriterion())
    trainer.shuffleIndices = False
    trainer.verbose = False
    trainer.maxIteration = 1
    good = [X, np.ones(2)]
    alone = net.clone()
    alone.forward(X)
    alone.accUpdateGradParameters(X, (alone.output - 1.0), 0.01)
    raises(ValueError, 'input of size 3', trainer.train, [good, [np.ones(4), np.ones(2)]])
    assert np.allclose(net.weight, alone.weight, rtol=1e-15, atol=1e-15)


def test_cast_to_nonsense_leaves_the_module_as_it_was():
    net = filled(nn.Sequential(), linear())
    raises(
        TypeError,
        "a tensor type such as torch.FloatTensor or float32, got 'torch.Tensor9'",
        net.type,
        'torch.Tensor9',
    )
    assert net.get(1).weight.dtype == net.dtype == np.float64
    net.forward(X)


@pytest.mark.parametrize('sizes', [(0, 2), (2, 0), (-1, 2), (2.5, 2), ('a', 2)])
def test_sizes_that_make_no_layer(sizes):
    with pytest.raises(
        (ValueError, TypeError),
        match='nn.Linear: expected (positive whole numbers as sizes|a whole number as inputSize), got',
    ):
        nn.Linear(*sizes)


def test_loss_of_nothing():
    with pytest.raises(ValueError, match=r'nn.MSECriterion: expected input of at least one element, got shape \(0,\)'):
        nn.MSECriterion().forward(np.ones(0), np.ones(0))
