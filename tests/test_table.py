"""The layers of layers/table.py: against plain NumPy, given bad input, and where they are special."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import t7nn as nn
from t7nn.tensors import nested_map

VALUES = st.floats(-8, 8).map(lambda x: round(x, 3))


def tensors(least=1, most=4, elements=VALUES):
    return arrays.arrays(np.float64, arrays.array_shapes(min_dims=least, max_dims=most, max_side=4), elements=elements)


@st.composite
def tables(draw, elements=VALUES, least=1, count=None):
    """Tensors of one shape."""
    shape = draw(arrays.array_shapes(max_dims=3, max_side=3))
    count = draw(st.integers(least, 4)) if count is None else count
    return [draw(arrays.arrays(np.float64, shape, elements=elements)) for _ in range(count)]


def slopes(output):
    return np.arange(1.0, output.size + 1).reshape(output.shape)


def same(actual, expected):
    assert len(actual) == len(expected)
    for mine, its in zip(actual, expected, strict=True):
        np.testing.assert_allclose(mine, its, 1e-10, 1e-12)
        assert mine.shape == its.shape


# Against plain NumPy


@given(tensors(2), st.data())
def test_split_and_join(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    dimension = axis + (axis >= 0)
    split = nn.SplitTable(dimension)
    parts = [np.take(x, i, axis) for i in range(x.shape[axis])]
    same(split.forward(x), parts)
    assert all(np.shares_memory(part, x) for part in split.output)
    same([split.backward(x, parts)], [x])
    cuts = sorted(data.draw(st.lists(st.integers(0, x.shape[axis]), max_size=3)))
    pieces = np.split(x, cuts, axis)
    join = nn.JoinTable(dimension)
    same([join.forward(pieces)], [x])
    same(join.backward(pieces, x), pieces)
    assert not any(np.shares_memory(piece, x) for piece in join.gradInput)


@given(st.integers(1, 3), st.integers(1, 3), st.lists(st.integers(1, 3), max_size=2), st.booleans())
def test_mixture(samples, count, shape, as_tensor):
    rng = np.random.RandomState(samples + 4 * count)
    gates, experts = rng.randn(samples, count), rng.randn(samples, count, *shape, 2)
    layer = nn.MixtureTable()
    given = experts if as_tensor else [experts[:, k].copy() for k in range(count)]
    output = layer.forward([gates, given])
    g = slopes(output)
    gradGates, gradExperts = layer.backward([gates, given], g)
    expected = np.einsum('nk,n...->nk...', gates, g)
    same(
        [output, gradGates],
        [np.einsum('nk,nk...->n...', gates, experts), (experts * g[:, None]).reshape(samples, count, -1).sum(2)],
    )
    same(gradExperts, expected if as_tensor else [expected[:, k] for k in range(count)])
    single = nn.MixtureTable()
    given = experts[0] if as_tensor else list(experts[0])
    same([single.forward([gates[0], given])], [output[0]])
    same([single.backward([gates[0], given], g[0])[0]], [gradGates[0]])


@given(tables())
def test_sum_and_product(xs):
    layer = nn.CAddTable()
    g = slopes(xs[0])
    same([layer.forward(xs)], [np.sum(xs, 0)])
    same(layer.backward(xs, g), [g] * len(xs))
    layer = nn.CMulTable()
    same([layer.forward(xs)], [np.prod(xs, 0)])
    same(
        layer.backward(xs, g),
        [g * np.prod(xs[:i] + xs[i + 1 :], 0).reshape(g.shape) if xs[1:] else g for i in range(len(xs))],
    )


@given(tables(VALUES.map(lambda x: x if abs(x) > 0.1 else 1), count=2))
def test_difference_and_quotient(xs):
    a, b = xs
    g = slopes(a)
    layer = nn.CSubTable()
    same([layer.forward(xs), *layer.backward(xs, g)], [a - b, g, -g])
    layer = nn.CDivTable()
    same([layer.forward(xs), *layer.backward(xs, g)], [a / b, g / b, -g * a / b**2])


def test_division_by_zero():
    # inf and nan without a warning, which would be an error here
    layer, xs = nn.CDivTable(), [np.array([1.0, -2.0, 0.0]), np.zeros(3)]
    np.testing.assert_array_equal(layer.forward(xs), [np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(layer.backward(xs, np.ones(3)), [[np.inf] * 3, [-np.inf, np.inf, np.nan]])


@given(tables(st.integers(-2, 2).map(float)))
def test_extremes(xs):
    g = slopes(xs[0])
    for layer, best, first in ((nn.CMaxTable(), np.max, np.argmax), (nn.CMinTable(), np.min, np.argmin)):
        same([layer.forward(xs)], [best(xs, 0)])
        same(layer.backward(xs, g), [np.where(first(xs, 0) == i, g, 0) for i in range(len(xs))])


@given(tables(least=2))
def test_tensor_added_to_a_table(xs):
    input = [xs[0], xs[1:]]
    layer = nn.CAddTensorTable()
    same(layer.forward(input), [x + xs[0] for x in xs[1:]])
    gradOutput = [slopes(x) * i for i, x in enumerate(xs[1:], 1)]
    vector, others = layer.backward(input, gradOutput)
    same([vector], [np.sum(gradOutput, 0)])
    same(others, gradOutput)


# Tables of tables


def test_flatten():
    a, b, c, d = (np.full(i, float(i)) for i in range(1, 5))
    layer = nn.FlattenTable()
    output = layer.forward([a, [b, [c]], [], d])
    assert [id(x) for x in output] == [id(x) for x in (a, b, c, d)]
    gradients = [x + 1 for x in (a, b, c, d)]
    gradInput = layer.backward([a, [b, [c]], [], d], gradients)
    assert gradInput[1][1][0] is gradients[2] and gradInput[2] == [] and gradInput[3] is gradients[3]
    assert nn.FlattenTable().backward([a, [b]], [b, a]) == [b, [a]]


def test_zip():
    a, b, c, d = (np.full(i, float(i)) for i in range(1, 5))
    layer = nn.ZipTable()
    assert layer.forward([[a, b], [c, d]]) == [[a, c], [b, d]]
    assert layer.backward([[a, b], [c, d]], [[a, c], [b, d]]) == [[a, b], [c, d]]


def test_zip_one_to_many():
    a, b, c = np.ones(2), np.ones(3), np.ones(1)
    layer = nn.ZipTableOneToMany()
    assert layer.forward([a, [b, c]]) == [[a, b], [a, c]]
    gradient, rest = layer.backward([a, [b, c]], [[a, b], [2 * a, c]])
    assert gradient.tolist() == [3, 3] and rest == [b, c]
    assert layer.backward([a, []], [])[0].tolist() == [0, 0]


def test_select_table():
    x = {'a': np.ones(2), 'b': [np.ones(3), np.array([1, 2])]}
    layer = nn.SelectTable('b')
    assert layer.forward(x) is x['b']
    gradInput = layer.backward(x, [np.full(3, 2.0), np.array([3, 4])])
    assert gradInput['a'].tolist() == [0, 0]
    assert [part.tolist() for part in gradInput['b']] == [[2, 2, 2], [3, 4]]
    gradInput = nn.SelectTable(1).backward([np.ones(1), 7, None], np.full(1, 5.0))
    assert gradInput[0].tolist() == [5] and gradInput[1:] == [None, None]


def test_add_table_in_place():
    x, y, g = np.ones(2), np.ones(2), np.ones(2)
    layer = nn.CAddTable(True)
    assert layer.forward([x, y]) is x and x.tolist() == [2, 2]
    assert all(gradient is g for gradient in layer.backward([x, y], g))


def test_inputs_of_varying_number():
    for layer in (nn.CAddTable(), nn.CMulTable(), nn.CMaxTable(), nn.JoinTable(1)):
        for count in (3, 1, 2):
            xs = [np.ones(2)] * count
            output = layer.forward(xs)
            assert len(layer.backward(xs, output)) == count


# Containers


def test_concat_table_adds_tables_of_gradients():
    net = nn.ConcatTable().add(nn.Identity()).add(nn.ParallelTable().add(nn.MulConstant(2)).add(nn.Identity()))
    x = [np.ones(2), [np.ones(1)]]
    gradOutput = [[np.full(2, 1.0), [np.full(1, 2.0)]], [np.full(2, 10.0), [np.full(1, 20.0)]]]
    net.forward(x)
    gradInput = net.backward(x, gradOutput)
    assert gradInput[0].tolist() == [21, 21] and gradInput[1][0].tolist() == [22]
    assert gradOutput[0][0].tolist() == [1, 1]


def test_concat_table_of_gradients_that_do_not_fit():
    net = nn.ConcatTable().add(nn.Identity()).add(nn.NarrowTable(1, 1))
    x = [np.ones(2), np.ones(3)]
    net.forward(x)
    net.get(2).updateGradInput = lambda input, gradOutput: gradOutput
    with pytest.raises(
        ValueError, match='nn.ConcatTable: expected tables of one form, got a table of 2 and a table of 1'
    ):
        net.updateGradInput(x, [x, x[:1]])
    net.get(2).updateGradInput = lambda input, gradOutput: [np.ones(2), np.ones(1)]
    with pytest.raises(ValueError, match=r'nn.ConcatTable: expected gradient of shape \(3,\), got shape \(1,\)'):
        net.updateGradInput(x, [x, x[:1]])


def test_branches_without_a_gradient():
    net = nn.ConcatTable().add(nn.Linear(2, 1)).add(nn.Linear(2, 1))
    x = np.ones(2)
    output = net.forward(x)
    whole = net.backward(x, output).copy()
    net.get(1).gradInput = None
    np.testing.assert_allclose(net.backward(x, output), whole - net.get(1).weight[0] * output[0])
    net.get(2).gradInput = None
    assert net.backward(x, output) is None


def test_map_table_shares_its_parameters():
    nn.manualSeed(1)
    inner = nn.Linear(2, 1)
    net = nn.MapTable(inner)
    xs = [np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])]
    net.zeroGradParameters()
    outputs = net.forward(xs)
    assert len(net) == 3 and all(np.shares_memory(copy.weight, inner.weight) for copy in net)
    net.backward(xs, [np.ones(1)] * 3)
    assert inner.gradWeight.tolist() == [[9, 12]] and inner.gradBias.tolist() == [3]
    before = inner.weight.copy()
    net.updateParameters(0.1)
    np.testing.assert_allclose(inner.weight, before - 0.1 * np.array([[9, 12]]))
    assert outputs[0].shape == (1,)
    net.zeroGradParameters()
    assert not inner.gradWeight.any()
    flat, _ = net.getParameters()
    assert flat.size == 3 and np.shares_memory(net.module.weight, flat) and net.module is net.get(1)


def test_map_table_takes_fewer_and_more():
    net = nn.MapTable().add(nn.Tanh())
    for count in (2, 1, 3):
        xs = [np.ones(2)] * count
        assert len(net.forward(xs)) == len(net.backward(xs, xs)) == count
    assert len(net) == 3
    net.resize(2)
    assert len(net) == 2
    net.resize(0)
    assert len(net) == 1
    net.forward([])
    assert net.output == []


def test_map_table_without_sharing():
    net = nn.MapTable(nn.Linear(2, 1), False)
    net.forward([np.ones(2), np.ones(2)])
    assert not np.shares_memory(net.get(1).weight, net.get(2).weight)
    net.zeroGradParameters()
    net.backward([np.ones(2), np.zeros(2)], [np.ones(1), np.ones(1)])
    assert net.get(1).gradWeight.tolist() == [[1, 1]] and net.get(2).gradWeight.tolist() == [[0, 0]]
    before = net.get(2).bias.copy()
    net.updateParameters(0.5)
    assert net.get(2).bias == before - 0.5
    net.clearState()
    assert len(net) == 2, 'parameters of its own must not get lost'


@pytest.mark.parametrize(
    'copied', [nn.Module.clone, lambda net: pickle.loads(pickle.dumps(net))], ids=['clone', 'pickle']
)
def test_copies_of_a_map_table(copied):
    net = nn.MapTable(nn.Linear(2, 1))
    net.forward([np.ones(2)] * 2)
    twin = copied(net)
    assert twin.module is twin.get(1) and np.shares_memory(twin.get(1).weight, twin.get(2).weight)
    twin.float()
    assert twin.module.weight.dtype == np.float32 and np.shares_memory(twin.get(1).weight, twin.get(2).weight)


def test_clear_state_drops_the_copies():
    net = nn.MapTable(nn.Linear(2, 1))
    net.forward([np.ones(2)] * 3)
    assert net.clearState() is net and len(net) == 1 and net.output == net.gradInput == []


def test_replace_in_a_map_table():
    net = nn.MapTable(nn.Linear(2, 1))
    net.forward([np.ones(2)] * 3)
    net.replace(lambda module: nn.Tanh() if module.typename == 'nn.Linear' else module)
    assert str(net) == 'nn.MapTable {\n  nn.Tanh\n}'
    assert net.forward([np.ones(2)] * 2)[1].tolist() == np.tanh(np.ones(2)).tolist()


def test_text_of_map_tables():
    assert str(nn.MapTable()) == 'nn.MapTable { }'
    inner = nn.Sequential().add(nn.Tanh())
    assert str(nn.MapTable(inner)) == (
        'nn.MapTable {\n  nn.Sequential {\n          [input -> (1) -> output]\n          (1): nn.Tanh\n        }\n}'
    )


# Bad input: what comes, and what is said

ONE, TWO = [np.zeros(2)], [np.zeros(2), np.zeros(2)]

BAD = [
    (
        lambda: nn.ParallelTable().add(nn.Tanh()),
        np.zeros(2),
        TypeError,
        r'expected a table of 1 as input, got shape \(2,\)',
    ),
    (lambda: nn.ParallelTable().add(nn.Tanh()), TWO, ValueError, 'expected a table of 1 as input, got a table of 2'),
    (lambda: nn.MapTable(nn.Tanh()), np.zeros(2), TypeError, 'expected a table as input, got shape'),
    (lambda: nn.MapTable(), ONE, ValueError, r'expected a module to map, got none; add\(module\) puts it in'),
    (lambda: nn.SplitTable(3), np.zeros((2, 2)), ValueError, 'expected dimension 3, counted from 1, got a tensor of 2'),
    (lambda: nn.SplitTable(1), TWO, TypeError, 'expected a tensor as input, got a table of 2'),
    (lambda: nn.JoinTable(1), np.zeros(2), TypeError, 'expected a table as input, got shape'),
    (lambda: nn.JoinTable(1), [], ValueError, 'expected a table of at least one tensor, got a table of 0'),
    (lambda: nn.JoinTable(2), TWO, ValueError, 'expected dimension 2'),
    (
        lambda: nn.JoinTable(1),
        [np.zeros((2, 2)), np.zeros((2, 3))],
        ValueError,
        r'expected .*agree in all dimensions but 1, got shape \(2, 2\), shape \(2, 3\)',
    ),
    (lambda: nn.JoinTable(1), [np.zeros(2), [1]], TypeError, r'expected a tensor as input\[2\], got a table of 1'),
    (lambda: nn.MixtureTable(), ONE, ValueError, 'expected a table of 2 as input, got a table of 1'),
    (lambda: nn.MixtureTable(), [np.zeros(3), TWO], ValueError, 'expected one gater output per expert, got 3 for 2'),
    (lambda: nn.MixtureTable(), [np.zeros(0), []], ValueError, 'expected one gater output per expert, got 0 for 0'),
    (lambda: nn.MixtureTable(), [np.zeros((1, 1, 2)), TWO], ValueError, r'expected gates of shape \(K,\) or \(N, K\)'),
    (
        lambda: nn.MixtureTable(1),
        [np.zeros((2, 2)), np.zeros((2, 2))],
        ValueError,
        "expected experts in a dimension other than 1, which is the batch's, got dim = 1",
    ),
    (
        lambda: nn.MixtureTable(),
        [np.zeros((3, 2)), TWO],
        ValueError,
        r'expected experts of a batch of 3, got shape \(2,\)',
    ),
    (
        lambda: nn.MixtureTable(),
        [np.zeros(2), [np.zeros(2), np.zeros(3)]],
        ValueError,
        r'expected input\[2\]\[2\] of shape \(2,\)',
    ),
    (lambda: nn.SelectTable(3), TWO, IndexError, 'expected an item 3 in the input table, got a table of 2'),
    (lambda: nn.SelectTable(0), TWO, IndexError, 'expected an item 0 in the input table'),
    (lambda: nn.SelectTable(-3), TWO, IndexError, 'expected an item -3 in'),
    (lambda: nn.SelectTable('a'), TWO, IndexError, 'expected an item a in the input table, got a table of 2'),
    (lambda: nn.SelectTable('a'), {'b': 1}, IndexError, r"expected an item a in .* a table with keys \['b'\]"),
    (lambda: nn.SelectTable(1), np.zeros(2), TypeError, 'expected a table as input, got shape'),
    (lambda: nn.NarrowTable(0), TWO, IndexError, r'expected an offset from 1 and a length from 0, got 0 and 1'),
    (lambda: nn.NarrowTable(1), np.zeros(2), TypeError, 'expected a table as input'),
    (lambda: nn.FlattenTable(), np.zeros(2), TypeError, 'expected a table as input'),
    (lambda: nn.ZipTable(), TWO, TypeError, r'expected a table as input\[1\], got shape'),
    (lambda: nn.ZipTable(), [TWO, ONE], ValueError, r'expected a table of 2 as input\[2\], got a table of 1'),
    (lambda: nn.ZipTableOneToMany(), TWO, TypeError, r'expected a table as input\[2\], got shape'),
    (lambda: nn.ZipTableOneToMany(), [TWO, TWO], TypeError, r'expected a tensor as input\[1\], got a table of 2'),
    (lambda: nn.CAddTable(), np.zeros(2), TypeError, 'expected a table as input, got shape'),
    (lambda: nn.CAddTable(), [], ValueError, 'expected a table of at least one tensor, got a table of 0'),
    (lambda: nn.CAddTable(), [[1], np.zeros(2)], TypeError, r'expected a tensor as input\[1\], got a table of 1'),
    (
        lambda: nn.CMulTable(),
        [np.zeros(2), np.zeros(1)],
        ValueError,
        r'expected input\[2\] of shape \(2,\), got shape \(1,\)',
    ),
    (lambda: nn.CSubTable(), ONE, ValueError, 'expected a table of 2 as input, got a table of 1'),
    (lambda: nn.CDivTable(), [*TWO, *ONE], ValueError, 'expected a table of 2 as input, got a table of 3'),
    (lambda: nn.CMaxTable(), [np.zeros(2, np.float32)], TypeError, r'expected input\[1\] of float64, got float32'),
    (lambda: nn.CAddTensorTable(), TWO, TypeError, r'expected a table as input\[2\], got shape'),
    (lambda: nn.CAddTensorTable(), [np.zeros(1), TWO], ValueError, r'expected input\[2\]\[1\] of shape \(1,\)'),
]


@pytest.mark.parametrize('make, input, error, text', BAD, ids=lambda item: item if isinstance(item, str) else '')
def test_bad_input(make, input, error, text):
    layer = make()
    with pytest.raises(error, match=text) as caught:
        layer.forward(input)
    assert str(caught.value).startswith(layer.typename)


GRADIENTS = [
    (
        nn.ConcatTable().add(nn.Tanh()),
        np.zeros(2),
        TWO,
        ValueError,
        'expected a table of 1 as gradOutput, got a table of 2',
    ),
    (
        nn.ConcatTable().add(nn.Tanh()),
        np.zeros(2),
        np.zeros(2),
        TypeError,
        'expected a table of 1 as gradOutput, got sh',
    ),
    (nn.MapTable(nn.Tanh()), TWO, ONE, ValueError, 'expected a table of 2 as gradOutput, got a table of 1'),
    (nn.SplitTable(1), np.zeros((2, 3)), [np.zeros(3)], ValueError, 'expected a table of 2 as gradOutput'),
    (nn.SplitTable(1), np.zeros((1, 3)), [np.zeros(2)], ValueError, r'expected gradOutput\[1\] of shape \(3,\)'),
    (nn.JoinTable(1), TWO, np.zeros(3), ValueError, r'expected gradOutput of shape \(4,\), got shape \(3,\)'),
    (nn.MixtureTable(), [np.zeros(2), TWO], np.zeros(3), ValueError, r'expected gradOutput of shape \(2,\)'),
    (nn.SelectTable(1), TWO, np.zeros(3), ValueError, r'expected gradient of shape \(2,\), got shape \(3,\)'),
    (nn.SelectTable(1), TWO, TWO, ValueError, 'expected tables of one form, got shape .* and a table of 2'),
    (nn.NarrowTable(1), TWO, TWO, ValueError, 'expected a table of 1 as gradOutput, got a table of 2'),
    (nn.FlattenTable(), [[np.zeros(2)], np.zeros(2)], ONE, ValueError, 'expected a table of 2 as gradOutput'),
    (nn.ZipTable(), [TWO, TWO], [TWO, ONE], ValueError, r'expected a table of 2 as gradOutput\[2\], got a table of 1'),
    (nn.ZipTableOneToMany(), [np.zeros(2), ONE], [TWO, TWO], ValueError, 'expected a table of 1 as gradOutput'),
    (nn.ZipTableOneToMany(), [np.zeros(2), ONE], [ONE], ValueError, r'expected a table of 2 as gradOutput\[1\]'),
    (nn.CAddTable(), TWO, np.zeros(3), ValueError, r'expected gradOutput of shape \(2,\), got shape \(3,\)'),
    (nn.CAddTable(True), TWO, TWO, TypeError, 'expected a tensor as gradOutput, got a table of 2'),
    (nn.CAddTensorTable(), [np.zeros(2), ONE], TWO, ValueError, 'expected a table of 1 as gradOutput'),
    (nn.CAddTensorTable(), [np.zeros(2), ONE], [np.zeros(3)], ValueError, r'expected gradOutput\[1\] of shape \(2,\)'),
]


@pytest.mark.parametrize(
    'layer, input, gradOutput, error, text', GRADIENTS, ids=lambda item: item if isinstance(item, str) else ''
)
def test_bad_gradients(layer, input, gradOutput, error, text):
    layer.forward(nested_map(np.copy, input))
    with pytest.raises(error, match=text) as caught:
        layer.backward(input, gradOutput)
    assert str(caught.value).startswith(layer.typename)


def test_map_tables_have_one_module():
    with pytest.raises(ValueError, match='nn.MapTable: expected a single module, got a second one'):
        nn.MapTable(nn.Tanh()).add(nn.Tanh())
    with pytest.raises(TypeError, match='nn.MapTable: expected a module, got int 3'):
        nn.MapTable(3)


def test_errors_say_where():
    net = nn.Sequential().add(nn.ParallelTable().add(nn.Identity()).add(nn.MapTable(nn.Linear(2, 1))))
    with pytest.raises(ValueError, match='expected input of size 2') as caught:
        net.forward([np.zeros(2), [np.zeros(2), np.zeros(3)]])
    assert caught.value.__notes__ == [
        'In 2 module of nn.MapTable',
        'In 2 module of nn.ParallelTable',
        'In 1 module of nn.Sequential',
    ]


def test_a_vector_is_split_into_tensors_of_one_element():
    layer, x = nn.SplitTable(1), np.array([1.0, 2.0])
    for part, value in zip(layer.forward(x), x, strict=True):
        np.testing.assert_array_equal(part, [value])
    np.testing.assert_array_equal(layer.backward(x, [np.array([3.0]), np.array([4.0])]), [3, 4])


def test_narrow_table_beyond_the_table():
    a, b = np.ones(2), np.ones(3)
    layer = nn.NarrowTable(2, 3)
    assert [item is b for item in layer.forward([a, b])] == [True]
    gradInput = layer.backward([a, b], [b])
    assert gradInput[1] is b and not gradInput[0].any()
    assert nn.NarrowTable(5).forward([a, b]) == []


def test_flatten_table_says_where_each_tensor_went():
    layer, x = nn.FlattenTable(), np.ones(1)
    layer.forward([x, [x, [x]], x])
    assert layer.input_map == [1, [2, [3]], 4]


def test_only_caddtable_works_in_place():
    x, y, dy = np.array([1.0, 2.0]), np.array([4.0, 5.0]), np.ones(2)
    layer = nn.CDivTable()
    layer.inplace = True  # without effect, as in Torch7
    np.testing.assert_array_equal(layer.forward([x, y]), x / y)
    np.testing.assert_array_equal(layer.backward([x, y], dy)[1], -x / y**2)
    np.testing.assert_array_equal(x, [1, 2])
