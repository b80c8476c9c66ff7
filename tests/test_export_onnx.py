"""ONNX models: onnxruntime gives t7nn's outputs, for every layer, every batch, every network that the tests have."""

import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from golden_files import GOLDEN, assert_same, build, load, value
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from table import rows as all_rows
from test_serialization_models import diamond, loaded

import t7nn as nn
from t7nn.export import ExportError, to_onnx
from t7nn.export.onnx import builder, converters, exports, refusals
from t7nn.layers.pointwise import Pointwise
from t7nn.tensors import nested_map

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnx.reference')
runtime = pytest.importorskip('onnxruntime')

TOLERANCE = {'float32': 1e-5, 'float64': 1e-10}
FILES = sorted(path.stem for path in (GOLDEN / 'nn').glob('*.json'))
CASES = [
    (f'{name}-{i}', case)
    for name in FILES
    for i, case in enumerate(load(f'nn/{name}.json')['cases'], 1)
    if 'loss' not in case
]
ROWS = all_rows()
#: cases of classes that are exported otherwise: this Dropout draws at evaluation too
REFUSED = {'Dropout-6'}
CLASSES = {cls for cls in vars(nn).values() if isinstance(cls, type) and issubclass(cls, nn.Module)}
BASES = {nn.Module, nn.Container, nn.Pointwise}


def flat(table):
    """All tensors of a table of tables."""
    found = []
    nested_map(found.append, table)
    return found


def run(model, input):
    """What onnxruntime makes of `input`, as a flat list."""
    options = runtime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=['CPUExecutionProvider'])
    names = [item.name for item in session.get_inputs()]
    return session.run(None, dict(zip(names, flat(input), strict=True)))


def assert_exported(model, module, input, tolerance):
    """onnxruntime's outputs are those of `module`, which is in evaluate mode; shapes and dtypes too."""
    expected = flat(module.clone().forward(nested_map(np.copy, input)))
    for i, (actual, wanted) in enumerate(zip(run(model, input), expected, strict=True), 1):
        assert_same(actual, np.asarray(wanted), tolerance, f'output {i}')
    assert len(model.graph.output) == len(expected)


def case_of(case, dtype):
    """Module and input of a golden case, in `dtype`."""
    nn.manualSeed(case['seed'])
    module = build(case['construct'], case['type']).type(dtype)
    module.evaluate()
    input = nested_map(np.asarray, value(case['input']))
    return module, nested_map(lambda array: array.astype(dtype) if array.dtype.kind == 'f' else array, input)


def open_sizes(values):
    """The names of the sizes that a model leaves open."""
    return {size.dim_param for item in values for size in item.type.tensor_type.shape.dim if size.dim_param}


def exported(dtype):
    """The golden cases of classes that have converters."""
    for name, case in CASES:
        cls = getattr(nn, case['construct']['module'].removeprefix('nn.'))
        if cls in refusals or name in REFUSED:
            continue
        if name == 'DontCast-2' and dtype == 'float32':  # its module is of float64, and it does not cast the input
            continue
        yield pytest.param(case, id=name)


@pytest.mark.parametrize('case', list(exported('float32')))
def test_float32(case, capsys):
    check(case, 'float32')


@pytest.mark.parametrize('case', list(exported('float64')))
def test_float64(case, capsys):
    check(case, 'float64')


def check(case, dtype):
    module, input = case_of(case, dtype)
    before = nested_map(np.copy, input), [parameter.copy() for parameter in module.parameters()[0]]
    model = to_onnx(module, None, input)
    onnx.checker.check_model(model, full_check=True)
    for old, new in zip(flat(list(before)), flat([input, module.parameters()[0]]), strict=True):
        np.testing.assert_array_equal(old, new)  # neither is changed
    assert_exported(model, module, input, TOLERANCE[dtype])
    if open_sizes(model.graph.input):
        batch = nested_map(lambda array: np.take(array, range(5), 0, mode='wrap'), input)
        assert_exported(model, module, batch, TOLERANCE[dtype])
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    kinds = {node.op_type for node in model.graph.node}
    if dtype == 'float32' and 'LRN' not in kinds:  # ONNX's own reference is wrong there: it takes examples for planes
        names = [item.name for item in model.graph.input]
        outputs = onnx.reference.ReferenceEvaluator(model).run(None, dict(zip(names, flat(input), strict=True)))
        for actual, wanted in zip(outputs, flat(module.clone().forward(input)), strict=True):
            assert_same(np.asarray(actual), np.asarray(wanted), 1e-5, "in ONNX's own reference")


def has_converter(module):
    """Whether it and all that is in it are of classes with a converter."""
    return not any(isinstance(builder.converter_of(type(inner)), str) for inner in module.listModules())


@pytest.mark.parametrize('name', [name for name, row in ROWS.items() if has_converter(row.make())])
def test_every_configuration(name, capsys):
    """The rows that the kit's checks run on, in both dtypes, and batches of another size."""
    for dtype, tolerance in TOLERANCE.items():
        nn.manualSeed(7)
        module = ROWS[name].make().type(dtype)
        module.evaluate()
        input = nested_map(np.asarray, ROWS[name].draw())
        input = nested_map(lambda array, dtype=dtype: array.astype(dtype) if array.dtype.kind == 'f' else array, input)
        if getattr(module, 'stochastic_inference', False):
            with pytest.raises(ExportError, match='it draws at evaluation too'):
                to_onnx(module, None, input)
            continue
        if isinstance(module, nn.DontCast) and not module.castin and dtype == 'float32':
            continue  # its module stays of float64, which float32 is not for
        model = to_onnx(module, None, input)
        assert_exported(model, module, input, tolerance)
        if ROWS[name].batch:
            assert 'N' in str(open_sizes(model.graph.input)), 'the size of the batch is not open'
            batch = nested_map(lambda array: np.take(array, range(5), 0, mode='wrap'), input)
            assert_exported(model, module, batch, tolerance)


@st.composite
def sliding(draw):
    """A layer with windows of any geometry, and an input that is large enough."""
    kernel, stride, pad, dilation = (
        [draw(st.integers(*bounds)) for _ in range(2)] for bounds in ((1, 4), (1, 5), (0, 2), (1, 3))
    )
    pad = [min(p, k // 2) for p, k in zip(pad, kernel, strict=True)]
    span = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    sizes = [draw(st.integers(max(1, n - 2 * p), n + 7)) for n, p in zip(span, pad, strict=True)]
    kind = draw(st.sampled_from(['convolution', 'full', 'maximum', 'volumetric maximum', 'mean']))
    if kind == 'convolution':
        layer = nn.SpatialDilatedConvolution(2, 3, *kernel, *stride, *pad, *dilation)
    elif kind == 'full':
        adjust = [draw(st.integers(0, d - 1)) for d in stride]
        layer = nn.SpatialFullConvolution(2, 3, *kernel, *stride, *pad, *adjust)
    elif kind == 'maximum':
        layer = nn.SpatialDilatedMaxPooling(*kernel, *stride, *pad, *dilation)
    elif kind == 'volumetric maximum':
        layer = nn.VolumetricDilatedMaxPooling(2, *kernel, 1, *stride, 1, *pad, 1, *dilation)
    else:
        layer = nn.SpatialAveragePooling(*kernel, *stride, *pad)
        layer.count_include_pad, layer.divide = draw(st.booleans()), draw(st.booleans())
    if hasattr(layer, 'ceil_mode') and draw(st.booleans()):
        layer.ceil()
    return layer, (2, 2, *[3] * kind.startswith('vol'), *sizes[::-1])


@given(sliding(), st.sampled_from(sorted(TOLERANCE)))
def test_windows_of_any_geometry(case, dtype):
    layer, shape = case
    layer.type(dtype).evaluate()
    x = np.random.RandomState(0).randn(*shape).astype(dtype)
    try:
        y = layer.clone().forward(x)
    except ValueError:  # no window fits
        reject()
    assume(np.isfinite(y).all())  # after ceil() a mean of a window beyond the input is 0 / 0
    model = to_onnx(layer, None, x)
    assert_exported(model, layer, x, TOLERANCE[dtype])


def test_every_batch_is_open():
    """The size of the batch is left open wherever a golden input is a batch, as far as its shape says so."""
    closed = set()
    for name, case in CASES:
        module, input = case_of(case, 'float64')
        layer = name.partition('-')[0]
        images = isinstance(input, np.ndarray) and input.ndim == (5 if layer.startswith('Volumetric') else 4)
        if type(module) not in refusals and images and not open_sizes(to_onnx(module, None, input).graph.input):
            closed.add(name)
    assert closed == set()


def test_how_many():
    """The layers that have an equivalent, and those that have none."""
    exportable = {cls for cls in CLASSES if not isinstance(builder.converter_of(cls), str)}
    assert len(exportable) >= 150
    refused = {cls.__name__ for cls in CLASSES - exportable - BASES}
    assert refused == {'CriterionTable', 'SpatialFractionalMaxPooling', 'VolumetricFractionalMaxPooling'}


# The table of the documentation


def operators(pairs):
    """For each class the operators that it becomes, over pairs of a module and an input; the most frequent ones first.

    What is inside of a layer that is no container is its own.
    """
    found = defaultdict(Counter)

    class Recording(builder.Graph):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.owners = []

        def export(self, module, value, *place):
            self.owners.append(module)
            result = super().export(module, value, *place)
            self.owners.pop()
            return result

        def op(self, operator, *inputs, **attributes):
            opaque = [module for module in self.owners if type(module) is nn.Convert or not hasattr(module, 'add')]
            used.setdefault(type((opaque or self.owners[-1:])[0]), {})[operator] = None
            return super().op(operator, *inputs, **attributes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules['t7nn.export.onnx'], 'Graph', Recording)
        for module, input in pairs:
            used = {}
            to_onnx(module, None, input)
            for cls, names in used.items():
                found[cls].update(list(names))
    return {cls: [name for name, _ in counts.most_common()] for cls, counts in found.items()}


def table(classes, found):
    """What each class becomes, as the documentation has it."""
    lines = ['| layer | in ONNX |', '|---|---|']
    for name, cls in sorted(classes.items()):
        if isinstance(builder.converter_of(cls), str):
            text = f'refused: {builder.converter_of(cls)}'
        else:
            parts = ['its children'] if issubclass(cls, nn.Container) and cls is not nn.Convert else []
            parts += [', '.join(found[cls])] if cls in found else []
            text = '; '.join(parts) or 'nothing: what comes in goes on'
        lines.append(f'| {name} | {text} |')
    return '\n'.join(lines)


def table_of_nn():
    """That of the layers of nn, over their golden cases; where there are none, over their configurations."""
    pairs = [case_of(case.values[0], 'float32') for case in exported('float32')]
    for row in ROWS.values():
        module = row.make().float()
        if type(module) in CLASSES - BASES and type(module).__name__ not in FILES:
            pairs.append((module, row.draw().astype('f')))
    return table({cls.__name__: cls for cls in CLASSES - BASES}, operators(pairs))


def test_the_table_of_the_documentation(capsys):
    page = (Path(__file__).parent.parent / 'docs' / 'leaving.md').read_text()
    wanted = table_of_nn()
    assert wanted in page, f'docs/leaving.md needs this table:\n{wanted}'


# Networks

MODELS = [
    'batchnorm', 'checkpoint', 'conv', 'linear', 'linear_without_bias', 'lookup', 'mlp_cleared', 'mlp_flat',
    'mlp_float', 'mlp_trained', 'shared_weights', 'spatial_batchnorm', 'tables', 'trainer',
]  # fmt: skip


@pytest.mark.parametrize('dtype', ['float32', 'float64'])
@pytest.mark.parametrize('name', MODELS)
def test_models_of_torch7(name, dtype):
    record = load(f't7/{name}.json')
    network = nn.load(GOLDEN / 't7' / record['files'][0]['file'])
    if isinstance(network, dict):
        network = network.get('model') or network['net']
    if isinstance(network, nn.StochasticGradient):
        network = network.module
    input = value(record['try']['input'])
    input = nested_map(lambda array: array.astype(dtype) if array.dtype.kind == 'f' else array, input)
    network.type(dtype).evaluate()
    assert_exported(to_onnx(network, None, input), network, input, TOLERANCE[dtype])


def test_every_model_with_a_recorded_output_is_among_them():
    tried = {
        path.stem for path in (GOLDEN / 't7').glob('*.json') if 'mode' in load(f't7/{path.stem}.json').get('try', {})
    }
    assert tried == set(MODELS)


def test_nngraph():
    record, plain, _, _ = diamond()
    network = nn.loads(nn.dumps(record))
    network.evaluate()
    rng = np.random.RandomState(0)
    single, batch = [rng.randn(4), rng.randn(2)], [rng.randn(5, 4), rng.randn(5, 2)]
    assert_exported(to_onnx(network, None, [(4,), (2,)]), network, single, 1e-10)
    model = to_onnx(network, None, [(1, 4), (1, 2)])
    assert open_sizes(model.graph.input) == {'N'}
    assert_exported(model, network, batch, 1e-10)
    assert [item.name for item in model.graph.output] == ['output.1', 'output.2.1', 'output.2.2']
    with pytest.raises(ValueError, match='nn.gModule: expected a table of 2 inputs, got shape'):
        to_onnx(network, None, (4,))


def test_nodes_of_nngraph():
    network = nn.Sequential().add(loaded('nngraph.JustTable')).add(loaded('nngraph.JustElement')).add(nn.Tanh())
    x = np.array([0.5, -1])
    assert_exported(to_onnx(network, None, x), network, x, 1e-10)
    with pytest.raises(ExportError, match=r'nn.ModuleFromCriterion has no equivalent in ONNX: it computes a loss'):
        to_onnx(loaded('nn.ModuleFromCriterion', criterion=nn.MSECriterion()), None, [(2,), (2,)])


def lenet():
    nn.manualSeed(5)
    network = nn.Sequential()
    network.add(nn.SpatialConvolution(1, 6, 5, 5)).add(nn.SpatialBatchNormalization(6)).add(nn.ReLU(True))
    network.add(nn.SpatialMaxPooling(2, 2, 2, 2).ceil()).add(nn.Dropout(0.3)).add(nn.View(-1).setNumInputDims(3))
    return network.add(nn.Linear(6 * 12 * 12, 10)).add(nn.LogSoftMax())


def test_evaluate_mode_is_exported_and_the_network_stays_as_it_is(tmp_path):
    network = lenet().float()
    x = np.random.RandomState(1).randn(4, 1, 28, 28).astype('f')
    network.forward(x)
    before = nn.dumps(network)
    path = str(tmp_path / 'lenet.onnx')
    model = to_onnx(network, path, (1, 1, 28, 28))
    assert nn.dumps(network) == before and network.train is not False
    assert onnx.load(path) == model and 'evaluate' in model.doc_string
    assert [opset.version for opset in model.opset_import] == [17] and model.ir_version == 8
    network.evaluate()
    assert_exported(model, network, x, 1e-5)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == ['Conv', 'BatchNormalization', 'Relu', 'MaxPool', 'Reshape', 'Gemm', 'LogSoftmax']
    names = {tensor.name for tensor in model.graph.initializer}
    assert {'modules.1.weight', 'modules.1.bias', 'modules.2.running_mean', 'modules.7.weight'} <= names
    sizes = [size.dim_param or size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim]
    assert sizes == ['N', 1, 28, 28] and model.graph.input[0].name == 'input'


def test_dtype_and_batch():
    network = lenet()
    model = to_onnx(network, None, (1, 1, 28, 28), dtype='float32', batch=False)
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT and network.dtype == np.float64
    assert not open_sizes(model.graph.input)
    assert open_sizes(to_onnx(network, None, (1, 1, 28, 28), batch=True).graph.output) == {'N'}
    with pytest.raises(ValueError, match='does not leave the size of the batch open: nn.SpatialConvolution'):
        to_onnx(network, None, (1, 28, 28), batch=True)
    half = to_onnx(nn.Bottle(nn.Linear(2, 3)), None, (1, 4, 2))
    assert open_sizes(half.graph.output) == {'N'}
    folded = to_onnx(nn.View(-1, 2), None, (1, 4, 2))
    assert open_sizes(folded.graph.output) == {'4*N'}


def test_shared_weights_are_stored_once():
    first = nn.Linear(3, 3)
    network = nn.Sequential().add(first).add(first.clone('weight', 'bias')).add(first)
    model = to_onnx(network, None, (1, 3))
    assert [tensor.name for tensor in model.graph.initializer] == ['modules.1.weight', 'modules.1.bias']


@pytest.mark.parametrize('inplace', [False, True])
def test_in_place_is_seen_by_all_who_read_later(inplace):
    """As in Torch7: what an in-place layer writes is what its siblings before it gave, too."""
    network = nn.Sequential().add(nn.MulConstant(1.0))
    network.add(nn.ConcatTable().add(nn.Identity()).add(nn.ReLU(inplace))).add(nn.CAddTable())
    x = np.array([[-1.0, 2, -3]])
    assert_exported(to_onnx(network, None, x), network, x, 0)
    assert network.forward(x)[0, 0] == (0 if inplace else -1)


def test_gradients_are_left_alone():
    """Torch7 writes gradients that were never used as it finds them in memory: too large for float32, for instance."""
    layer = nn.Linear(2, 3)
    layer.gradWeight.fill(1e300)
    to_onnx(layer, None, (1, 2), dtype='float32')
    assert (layer.gradWeight == 1e300).all()


def test_layers_of_another_dtype_are_not_cast():
    network = nn.Sequential().add(nn.DontCast(nn.Linear(2, 3).float(), True))
    x = np.ones((1, 2))
    model = to_onnx(network, None, x)
    assert {node.op_type for node in model.graph.node} == {'Cast', 'Gemm'}
    assert_exported(model, network, x, 1e-6)
    mixed = nn.Sequential().add(nn.Linear(2, 3).float())
    with pytest.raises(TypeError, match='expected input of float32, got float64'):
        to_onnx(mixed, None, (1, 2))
    assert_exported(to_onnx(mixed, None, x.astype('f')), mixed, x.astype('f'), 1e-5)


def test_a_weight_that_is_looked_up_and_scaled_down():
    """Rows are scaled down by the lookup, in the model all of them, and in the network none by the export."""
    lookup = nn.LookupTable(4, 3, 0, 1.0)
    lookup.weight *= 10
    before = lookup.weight.copy()
    model = to_onnx(lookup, None, np.array([1, 2]))
    np.testing.assert_array_equal(lookup.weight, before)
    for index in np.array([3, 4]), np.array([[1, 1, 4]]):
        if index.ndim == 1:
            assert_exported(model, lookup, index, 1e-10)
        else:
            assert_exported(to_onnx(lookup, None, index), lookup, index, 1e-10)


def test_tables_of_named_tensors():
    network = nn.Sequential().add(nn.SelectTable('image')).add(nn.Tanh())
    x = {'image': np.array([[0.5, 1]]), 'other': np.ones((1, 3))}
    model = to_onnx(network, None, x)
    assert [item.name for item in model.graph.input] == ['input.image', 'input.other']
    assert_exported(model, network, x, 1e-10)


def test_ceil_and_pads_that_onnxruntime_does_not_take():
    """A window may lie beyond the input where the stride is larger than the kernel."""
    x = np.random.RandomState(2).randn(2, 3, 6, 7)
    for dtype in 'float32', 'float64':
        for layer in nn.SpatialMaxPooling(2, 2, 4, 4).ceil(), nn.SpatialMaxPooling(2, 3, 5, 5, 1, 1).ceil():
            layer.type(dtype)
            assert_exported(to_onnx(layer, None, x.astype(dtype)), layer, x.astype(dtype), 0)
        for layer in (
            nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1).ceil(),
            nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1).ceil().setCountExcludePad(),
        ):
            layer.type(dtype)
            assert_exported(to_onnx(layer, None, x.astype(dtype)), layer, x.astype(dtype), TOLERANCE[dtype])


def test_unpooling_of_padded_windows():
    pool = nn.SpatialMaxPooling(3, 3, 3, 3, 1, 1).ceil()
    network = nn.Sequential().add(nn.Tanh()).add(pool).add(nn.ReLU(True)).add(nn.SpatialMaxUnpooling(pool))
    network.evaluate()
    x = np.random.RandomState(3).randn(2, 3, 7, 8)
    assert_exported(to_onnx(network, None, x), network, x, 1e-10)
    with pytest.raises(
        ValueError, match=r'nn.SpatialMaxUnpooling: expected nn.SpatialMaxPooling.* before it in the network'
    ):
        to_onnx(nn.SpatialMaxUnpooling(pool), None, x)


# Refusals


class Own(nn.Module):
    def updateOutput(self, input):
        self.output = input * 2
        return self.output


class Louder(nn.Linear):
    def updateOutput(self, input):
        return 2 * super().updateOutput(input)


class Named(nn.Linear):
    def __init__(self):
        super().__init__(2, 3)

    def described(self):
        return 'a name of its own'

    def evaluate(self):
        super().evaluate()


class Cube(Pointwise):
    def function(self, x, y):
        np.power(x, 3, y)


class Quartic(Cube):
    def function(self, x, y):
        np.power(x, 4, y)


@pytest.mark.parametrize(
    ('layer', 'text'),
    [
        (Own(), 'nn.Own (modules.2.modules.1) has no equivalent in ONNX: no converter is registered for it'),
        (Louder(2, 2), 'nn.Louder (modules.2.modules.1) has no equivalent in ONNX: it overrides updateOutput of '
         'Linear'),
        (nn.SpatialFractionalMaxPooling(2, 2, 2, 2), 'nn.SpatialFractionalMaxPooling (modules.2.modules.1) has no '
         'equivalent in ONNX: it draws its windows at random in every forward'),
        (nn.Dropout(0.5, False, False, True), 'nn.Dropout (modules.2.modules.1) has no equivalent in ONNX: it draws at '
         'evaluation too (stochasticInference)'),
        (nn.Module(), 'nn.Module (modules.2.modules.1) has no equivalent in ONNX: it is a base without a forward'),
        (nn.TorchObject('nn.Foo', {}), 'nn.Foo (modules.2.modules.1) has no equivalent in ONNX: it is not a class of '
         't7nn'),
    ],
)  # fmt: skip
def test_what_is_refused(layer, text, tmp_path):
    network = nn.Sequential().add(nn.Identity()).add(nn.Sequential())
    network.modules[1].modules.append(layer)
    path = tmp_path / 'no.onnx'
    with pytest.raises(ExportError, match=re.escape(text)):
        to_onnx(network, str(path), (1, 2))
    assert not path.exists()


def test_subclasses_that_compute_the_same():
    layer, x = Named(), np.ones((1, 2))
    assert_exported(to_onnx(layer, None, x), layer, x, 1e-10)


def test_a_converter_of_ones_own():
    x = np.array([[0.5, -2]])
    try:

        @exports(Cube)
        def cube(g, module, x):
            return x * x * x

        assert_exported(to_onnx(nn.Sequential().add(Cube()), None, x), Cube(), x, 1e-10)
        with pytest.raises(ExportError, match='nn.Quartic has no equivalent in ONNX: it overrides function of Cube'):
            to_onnx(Quartic(), None, x)
    finally:
        converters.pop(Cube, None)


@pytest.mark.parametrize(
    ('module', 'input', 'kind', 'text'),
    [
        (np.zeros(2), (1, 2), TypeError, 'to_onnx: expected a module, got shape (2,)'),
        (nn.Tanh(), 'x', TypeError, "to_onnx: expected a shape, an array or a table of such as input, got str 'x'"),
        (nn.Tanh(), (1, 0), ValueError, 'to_onnx: expected sizes of at least 1, got (1, 0)'),
        (nn.Tanh().type('float16'), (1, 2), TypeError, 'expected a network of float32 or float64, got float16'),
        (nn.Tanh(), np.ones(2, 'f'), TypeError, 'float32'),
        (nn.Linear(2, 3), (1, 4), ValueError, 'nn.Linear(2 -> 3): expected input of size 2'),
        (nn.Identity(), [], ValueError, 'expected at least one tensor as input'),
        (nn.ParallelTable().add(nn.Tanh()), [(1,), (1,)], ValueError, 'nn.ParallelTable: expected a table of 1'),
        (nn.ParallelTable().add(nn.Tanh()), (1,), TypeError, 'shape (1,)'),
        (nn.Sequential().add(nn.FlattenTable()), [[], [np.ones(2)], []], None, None),
    ],
)
def test_bad_input(module, input, kind, text):
    if kind is None:
        assert to_onnx(module, None, input).graph.output
        return
    with pytest.raises(kind, match=re.escape(text)):
        to_onnx(module, None, input)


def test_errors_say_where():
    network = nn.Sequential().add(nn.Identity()).add(nn.ConcatTable().add(nn.Linear(2, 3)))
    with pytest.raises(ValueError, match='nn.Linear') as caught:
        to_onnx(network, None, (1, 4))
    assert caught.value.__notes__ == [
        'In nn.Linear (modules.2.modules.1)', 'In 1 module of nn.ConcatTable', 'In 2 module of nn.Sequential'
    ]  # fmt: skip


def test_too_large_for_a_file(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules['t7nn.export.onnx'], 'LARGEST', 100)
    with pytest.raises(ValueError, match='to_onnx: expected a network of less than 2 GB'):
        to_onnx(nn.Linear(4, 4), str(tmp_path / 'large.onnx'), (1, 4))
    assert not list(tmp_path.iterdir())


def test_without_onnx(monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(
        ModuleNotFoundError, match=re.escape("to_onnx needs the package onnx: pip install 't7nn[onnx]'")
    ):
        to_onnx(nn.Tanh(), None, (1,))
