"""Pictures of a network: what is drawn is what was given, and what makes no sense is a clear error."""

import re
import subprocess
import sys

import numpy as np
import pytest

import t7nn as nn
from t7nn import datasets, plots

matplotlib = pytest.importorskip('matplotlib')
matplotlib.use('agg')
from matplotlib import pyplot  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close('all')


@pytest.fixture
def net():
    nn.manualSeed(1)
    return nn.Sequential().add(nn.Linear(2, 8)).add(nn.Tanh()).add(nn.Linear(8, 2)).add(nn.LogSoftMax())


def texts(axes):
    return [text.get_text() for text in axes.texts if text.get_text()]


def test_each_draws_into_the_axes_given(net):
    points, classes = datasets.moons(20)
    net.forward(points)
    net.backward(points, np.ones((20, 2)))
    for draw in (
        lambda axes: plots.network(net, axes=axes),
        lambda axes: plots.history([1.0, 2.0], axes=axes),
        lambda axes: plots.paths([1, 2], np.ones((2, 3)), axes=axes),
        lambda axes: plots.gradients(net, axes),
        lambda axes: plots.weights(net.get(1), axes=axes),
        lambda axes: plots.boundary(net, points, classes, axes),
    ):
        axes = Figure().add_subplot()
        assert draw(axes) is axes and axes.has_data() | bool(axes.texts)
        fresh = draw(None)
        assert fresh is not axes and pyplot.fignum_exists(fresh.figure.number)
        fresh.figure.canvas.draw()


# network


def test_network_shows_layers_shapes_and_counts(net):
    shown = texts(plots.network(net, np.ones((5, 2))))
    expected = {
        'nn.Linear(2 -> 8)',
        'nn.Tanh',
        'nn.Linear(8 -> 2)',
        'nn.LogSoftMax',
        '5 x 8',
        '5 x 2',
        '24',
        '18',
        '42',
    }
    assert expected <= set(shown)
    assert shown.count('5 x 8') == 2 and shown[-1] == '42'


def test_network_without_input_shows_no_shapes(net):
    net.forward(np.ones((5, 2)))
    shown = texts(plots.network(net))
    assert '24' in shown and not any(re.search(r'\d x \d|^output$', text) for text in shown)


def test_network_runs_on_a_copy(net):
    before = nn.dumps(net)
    plots.network(net, np.ones(2))
    assert nn.dumps(net) == before


def test_network_of_tables_and_branches():
    net = nn.Sequential().add(nn.ConcatTable().add(nn.Linear(2, 3)).add(nn.Identity())).add(nn.JoinTable(1))
    axes = plots.network(net, np.ones(2))
    shown = texts(axes)
    assert {'Sequential', 'ConcatTable', 'nn.JoinTable'} <= set(shown) and shown.count('9') == 2
    arrows = [text for text in axes.texts if not text.get_text()]
    assert sum(text.arrow_patch is not None for text in arrows if hasattr(text, 'arrow_patch')) == 1, 'between the two'


def test_network_counts_what_is_shared_once():
    layer = nn.Linear(2, 2)
    net = nn.Sequential().add(layer).add(layer.clone('weight', 'bias', 'gradWeight', 'gradBias'))
    assert texts(plots.network(net))[-1] == '6'


def test_network_of_one_layer():
    assert texts(plots.network(nn.Linear(2, 3), np.ones(2)))[-1] == '9'


def test_network_refuses_what_is_none():
    with pytest.raises(TypeError, match=r"plots\.network: expected a module, got 'net'"):
        plots.network('net')


def test_network_passes_the_error_of_a_wrong_input_on(net):
    with pytest.raises(ValueError, match=r'nn\.Linear\(2 -> 8\)'):
        plots.network(net, np.ones(3))


# history


def test_history():
    hook = nn.hooks.History()
    hook.errors = [3.0, 2.0]
    axes = plots.history(hook, training=[1.0, 0.5, 0.25], test=np.array([2, 1, 3]))
    assert [line.get_ydata().tolist() for line in axes.lines] == [[3, 2], [1, 0.5, 0.25], [2, 1, 3]]
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1, 2], [1, 2, 3], [1, 2, 3]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ['training', 'test']


def test_history_with_nan():
    assert len(plots.history([1.0, np.inf, np.nan]).lines) == 1


@pytest.mark.parametrize('curve', [3.0, 'abc', [[1.0, 2.0]], [None, 1]])
def test_history_refuses(curve):
    with pytest.raises(ValueError, match=r'plots\.history: expected one number for each iteration as test, got'):
        plots.history(test=curve)


def test_history_of_nothing():
    with pytest.raises(TypeError, match='expected at least one sequence of numbers, got none'):
        plots.history()


# paths


def test_paths():
    weights = np.array([[1.0, -1.0], [0.5, 0.0], [0.0, 0.0]])
    axes = plots.paths([0.1, 1, 10], weights, ['bmi', 'age'])
    assert [line.get_ydata().tolist() for line in axes.lines[:2]] == weights.T.tolist()
    assert texts(axes) == ['bmi', 'age'] and axes.get_xscale() == 'log'
    assert plots.paths([0, 1, 2], weights).get_xscale() == 'linear'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (([1, 2], np.ones(2)), r'plots\.paths: expected weights of shape \(n, m\), got float64 of shape \(2,\)'),
        (([1, 2], np.ones((3, 2))), r'plots\.paths: expected 3 lambdas, one for each row, got shape \(2,\)'),
        (([1, 2], np.ones((2, 2)), ['a']), r'plots\.paths: expected 2 names, got 1'),
    ],
)
def test_paths_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.paths(*arguments)


# gradients


def test_gradients(net):
    x, dy = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 2.0]])
    net.zeroGradParameters()
    net.forward(x)
    net.backward(x, dy)
    inputs, parameters = plots.gradients(net).lines
    assert list(inputs.get_xdata()) == [1, 2, 3, 4]
    expected = [np.sqrt(np.mean(module.gradInput**2)) for module in net]
    np.testing.assert_allclose(inputs.get_ydata(), expected)
    flat = np.concatenate([net.get(3).gradWeight.ravel(), net.get(3).gradBias])
    assert list(parameters.get_xdata()) == [1, 3]
    np.testing.assert_allclose(parameters.get_ydata()[1], np.sqrt(np.mean(flat**2)))


def test_gradients_of_tables():
    net = nn.Sequential().add(nn.ParallelTable().add(nn.Linear(1, 1)).add(nn.Linear(1, 1))).add(nn.CMulTable())
    x = [np.array([1.0]), np.array([2.0])]
    net.forward(x)
    net.backward(x, np.ones(1))
    table = net.get(2).gradInput
    assert plots.gradients(net).lines[0].get_ydata()[2] == pytest.approx(np.sqrt(np.mean(np.square(table))))


def test_gradients_before_backward(net):
    with pytest.raises(ValueError, match=r'plots\.gradients: expected a network after backward'):
        net.zeroGradParameters()
        plots.gradients(net)


# weights


def test_weights_of_a_matrix():
    layer = nn.Linear(3, 2)
    image = plots.weights(layer).images[0]
    np.testing.assert_array_equal(image.get_array(), layer.weight)
    assert image.norm.vmin == -image.norm.vmax == -np.abs(layer.weight).max()


def test_weights_as_images():
    layer = nn.Linear(6, 4)
    sheet = plots.weights(layer, (2, 3)).images[0].get_array()
    assert sheet.shape == (5, 7), 'two by two images of 2 x 3, and a gap'
    np.testing.assert_array_equal(sheet[3:, 4:], layer.weight[3].reshape(2, 3))


def test_weights_of_kernels():
    layer = nn.SpatialConvolution(2, 3, 4, 5)
    sheet = plots.weights(layer).images[0].get_array()
    assert sheet.shape == (3 * 6 - 1, 2 * 5 - 1), 'a row for each plane out, a column for each plane in'
    np.testing.assert_array_equal(sheet[12:, 5:], layer.weight[2, 1])
    assert np.ma.getmaskarray(np.ma.masked_invalid(sheet))[5].all()


def test_weights_that_are_all_zero():
    layer = nn.Linear(2, 2)
    layer.weight[:] = 0
    plots.weights(layer).figure.canvas.draw()


@pytest.mark.parametrize('layer', [nn.Tanh(), nn.CMul(3)])
def test_weights_refuses(layer):
    with pytest.raises(ValueError, match=r'expected a layer with a weight of two or more dimensions, got nn'):
        plots.weights(layer)


def test_weights_refuses_a_wrong_shape():
    with pytest.raises(ValueError, match=r'plots\.weights: expected a shape of 6 pixels, got \(2, 2\)'):
        plots.weights(nn.Linear(6, 4), (2, 2))


# boundary


def corner(axes, row, column):
    """The colour of a point of the picture, without its transparency."""
    return matplotlib.colors.to_hex(axes.images[0].get_array()[row, column][:3])


def test_boundary_of_classes():
    net = nn.Linear(2, 3)
    net.weight[:], net.bias[:] = [[-1, 0], [1, 0], [0, 5]], 0  # left, right, above
    points = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.2, 0.9]])
    axes = plots.boundary(net, points, [1, 2, 3, 3])
    assert [corner(axes, 0, 0), corner(axes, 0, -1), corner(axes, -1, 60)] == list(plots.COLORS[:3])
    assert [line.get_label() for line in axes.lines] == ['1', '2', '3']
    assert axes.lines[2].get_xydata().tolist() == points[2:].tolist()


def test_boundary_of_one_output():
    net = nn.Linear(2, 1)
    net.weight[:], net.bias[:] = [[1, 0]], 0
    axes = plots.boundary(net, np.array([[-1.0, 0.0], [1.0, 1.0]]), np.array([[-1.0], [1.0]]))
    assert [corner(axes, 0, 0), corner(axes, 0, -1)] == list(plots.COLORS[:2])
    axes = plots.boundary(net, np.array([[-1.0, 0.0], [1.0, 1.0]]), [0, 1], level=5)
    assert corner(axes, 0, -1) == plots.COLORS[0]


def test_boundary_runs_a_copy_as_after_training():
    net = nn.Sequential().add(nn.Dropout(0.9)).add(nn.Linear(2, 2))
    points, classes = datasets.moons(10)
    before, state = nn.dumps(net), nn.random.getRNGState()
    first = plots.boundary(net, points, classes)
    second = plots.boundary(net, points, classes)
    np.testing.assert_array_equal(first.images[0].get_array(), second.images[0].get_array())
    assert nn.dumps(net) == before and np.array_equal(nn.random.getRNGState(), state)


def test_boundary_in_single_precision(net):
    points, classes = datasets.moons(10)
    plots.boundary(net.float(), points, classes)


@pytest.mark.parametrize(
    ('outputs', 'points', 'targets', 'message'),
    [
        (
            2,
            np.ones((3, 3)),
            [1, 2, 1],
            r'expected inputs of shape \(n, 2\), got float64 of shape \(3, 3\)',
        ),
        (2, np.ones((3, 2)), [1, 2], r'plots\.boundary: expected 3 targets, one for each input, got 2'),
        (2, np.ones((3, 2)), [0, 1, 2], r'plots\.boundary: expected classes 1\.\.2 as targets, got \[0 1 2\]'),
        (1, np.ones((3, 2)), [1, 2, 3], r'plots\.boundary: expected two numbers as targets, got \[1 2 3\]'),
    ],
)
def test_boundary_refuses(outputs, points, targets, message):
    with pytest.raises(ValueError, match=message):
        plots.boundary(nn.Linear(2, outputs), points, targets)


# The extra


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    with pytest.raises(ModuleNotFoundError, match=r"plots needs matplotlib; get it with: pip install 't7nn\[plot\]'"):
        plots.history([1.0])


def test_import_needs_no_matplotlib():
    code = 'import sys; from t7nn import plots; print("matplotlib" in sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout == 'False\n'
