"""How t7nn's classes lie in .t7 files: names, versions, fields, and what older Torch7s wrote differently.

A live object's public attributes are the file's fields, but for `dtype` (`_type` there), names that are keywords in
Python (`lambda_`), sizes (lists here, LongStorages there) and scratch, whose names begin with `_`: it is neither read
nor written. All other facts about single classes stand in the tables below.
"""

from __future__ import annotations

import contextlib
import dis
import inspect
import keyword
import math
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .. import random
from ..module import Criterion, Module
from ..tensors import offset, owner, view
from ..training import StochasticGradient
from .values import DTYPES, TENSORS, TYPE_OF, Storage, TorchFunction, TorchObject

__all__ = ['Extra', 'Live', 'generator', 'saved']

VERSIONS = {
    'nn.BatchNormalization': 2,
    'nn.SpatialBatchNormalization': 2,
    'nn.GradientReversal': 2,
    'nn.VolumetricMaxPooling': 2,
    'nn.LookupTable': 4,
}

# classes of other packages and their equivalents; cudnn.X is nn.X where nn has it
ALIASES = {
    'cudnn.ClippedReLU': 'nn.HardTanh',
    'inn.SpatialCrossResponseNormalization': 'nn.SpatialCrossMapLRN',
    'nn.DataParallelTable': 'nn.Sequential',  # its first replica
    'nn.GPU': 'nn.Sequential',
    'nn.TrimZero': 'nn.MaskZero',  # the same result, worked out for fewer rows
}

# these write a header object before the table of their fields, since the given version
HEADERS = {'nn.DataParallelTable': 2, 'nn.GPU': 0}

# lists of whole numbers in these fields are LongStorages in Torch7
SIZES = frozenset(
    ['size', 'size2', 'batchsize', 'inputSize', 'outputSize', 'totalOutputSize', 'viewIn', 'viewOut', 'weightSize']
)

# what fields mean that older versions did not write
_PADDED = {'padW': 0, 'padH': 0}
DEFAULTS: dict[str, dict[str, Any]] = {
    'GradientReversal': {'lambda': 1},
    'HardTanh': {'min_val': -1, 'max_val': 1},
    'ReLU': {'threshold': 0, 'val': 0},
    'Dropout': {'v2': False, 'stochastic_inference': False},
    'Replicate': {'dim': 1},
    'Sqrt': {'eps': 0},
    'TemporalMaxPooling': {'padW': 0, 'ceil_mode': False},
    'Sum': {'squeeze': True, 'sizeAverage': False},
    'MapTable': {'sharedparams': ['weight', 'bias', 'gradWeight', 'gradBias']},
    'SpatialConvolution': _PADDED,
    'SpatialConvolutionMM': _PADDED,
    'SpatialConvolutionLocal': _PADDED,
    'SpatialDepthWiseConvolution': _PADDED,
    'SpatialDilatedConvolution': _PADDED | {'dilationW': 1, 'dilationH': 1},
    'SpatialFullConvolution': _PADDED | {'adjW': 0, 'adjH': 0},
    'VolumetricConvolution': _PADDED | {'padT': 0},
    'VolumetricFullConvolution': _PADDED | {'padT': 0, 'adjW': 0, 'adjH': 0, 'adjT': 0},
    'SpatialMaxPooling': _PADDED | {'ceil_mode': False},
    'SpatialAveragePooling': _PADDED | {'ceil_mode': False, 'count_include_pad': True, 'divide': False},
    'VolumetricMaxPooling': _PADDED | {'padT': 0, 'ceil_mode': False},
    'VolumetricAveragePooling': _PADDED | {'padT': 0, 'ceil_mode': False, 'count_include_pad': True},
    'ClassNLLCriterion': {'sizeAverage': True, 'ignoreIndex': -100},
    'HingeEmbeddingCriterion': {'sizeAverage': True},
    'MultiMarginCriterion': {'p': 1, 'margin': 1},
    'StochasticGradient': {'log': print},
}


# buffers that Torch7's constructors make and its methods count on, where t7nn has none: what a module writes for them
def _tensor(module: Any) -> np.ndarray:
    return np.empty(0, module.dtype)


def _one(module: Any) -> np.ndarray:
    return np.ones(1, module.dtype)


def _long(module: Any) -> np.ndarray:
    return np.empty(0, np.int64)


def _sizes(module: Any) -> Storage:
    return Storage([], np.int64)


def _sizes4(module: Any) -> Storage:
    return Storage([0] * 4, np.int64)


_NLL = {
    'output_tensor': lambda module: np.zeros(1, module.dtype),
    'total_weight_tensor': _one,
    'target': lambda module: np.zeros(1, np.int64),
}
BUFFERS: dict[str, dict[str, Callable]] = {
    'nn.Add': {'_ones': _one},
    'nn.CMaxTable': dict.fromkeys(('maxIdx', 'mask', 'maxVals', 'gradMaxVals'), _tensor),
    'nn.CMinTable': dict.fromkeys(('minIdx', 'mask', 'minVals', 'gradMaxVals'), _tensor),
    'nn.Bottle': {
        'inShape': lambda module: np.zeros(module.nInputDim),
        'outShape': lambda module: np.zeros(module.nOutputDim),
    },
    'nn.ClassNLLCriterion': _NLL,
    'nn.ClassSimplexCriterion': {'_target': lambda module: np.zeros(module.nClasses, module.dtype)},
    'nn.Concat': {'outputSize': _sizes},
    'nn.DepthConcat': {'outputSize': _sizes},
    'nn.Dropout': {'noise': _tensor},
    'nn.FlattenTable': {'input_map': lambda module: []},
    'nn.IndexLinear': dict.fromkeys(('gradWeight', 'gradWeightBuffer', 'valuesBuffer'), _tensor)
    | dict.fromkeys(('sizesCache', 'cumSumSizesCache'), lambda module: []),
    'nn.JoinTable': {'size': _sizes},
    'nn.MaskedSelect': {
        '_maskIndices': _long,
        '_maskIndexBuffer': _long,
        '_maskIndexBufferCPU': lambda module: np.empty(0, np.float32),
        '_gradBuffer': _tensor,
        '_gradMask': lambda module: np.empty(0, np.uint8),
    },
    'nn.MixtureTable': {
        'size': _sizes,
        'size2': _sizes,
        'batchSize': lambda module: 0,
        'backwardSetup': lambda module: False,
    },
    'nn.MultiLabelMarginCriterion': {'isTarget': _tensor},
    'nn.Padding': {'outputSize': _sizes},
    'nn.PairwiseDistance': {'diff': _tensor},
    'nn.PixelShuffle': {'upscaleFactorSquared': lambda module: module.upscaleFactor**2},
    'nn.Profile': {'module': lambda module: module.modules[0]},
    'nn.RReLU': {'noise': _tensor},
    'nn.SparseLinear': {'sparseUpdate': lambda module: 0},
    'nn.SpatialClassNLLCriterion': _NLL,
    'nn.SpatialDilatedMaxPooling': {'indices': _long},
    'nn.SpatialDropout': {'noise': _tensor},
    'nn.SpatialFullConvolution': {'ones': _tensor},
    'nn.SpatialMaxPooling': {'indices': _long},
    'nn.SpatialUpSamplingBilinear': dict.fromkeys(('inputSize', 'outputSize'), _sizes4),
    'nn.SpatialUpSamplingNearest': dict.fromkeys(('inputSize', 'outputSize'), _sizes4),
    'nn.UpSampling': dict.fromkeys(('inputSize', 'outputSize'), lambda module: Storage([0] * 5, np.int64)),
    'nn.VolumetricDilatedMaxPooling': {'indices': _long},
    'nn.VolumetricDropout': {'noise': _tensor},
    'nn.VolumetricFullConvolution': dict.fromkeys(('ones', 'finput', 'fgradInput'), _tensor),
    'nn.VolumetricMaxPooling': {'indices': _long},
    'nn.WeightNorm': {
        'bias': lambda module: module.bias,
        'gradBias': lambda module: module.gradBias,
        '_norm': lambda module: np.zeros_like(module.g),
        '_scale': lambda module: np.zeros_like(module.g),
    },
    'nn.WhiteNoise': {'noise': _tensor},
    'nn.ZipTableOneToMany': {'gradInputEl': _tensor},
}


@cache
def registry() -> dict[str, type]:
    """Every class of nn and nngraph that a file may name to become live. Nothing is ever imported by a file's word."""
    import t7nn

    from .graph import GRAPH_CLASSES

    found = [value for value in vars(t7nn).values() if isinstance(value, type)]
    live = {value.typename: value for value in found if issubclass(value, (Module, Criterion))}
    return live | {'nn.StochasticGradient': StochasticGradient} | GRAPH_CLASSES


@cache
def other_packages() -> dict[str, type]:
    """Every class of other packages, which are imported when a file names a class that nn has not."""
    from ..packages import classes

    return classes()


def comes_back(node: Module | Criterion) -> bool:
    """Whether a file brings `node` back live: no class of one's own is in it."""
    nodes = node.listModules() if isinstance(node, Module) else [node]
    return all(_resolve(inner.typename) is type(inner) for inner in nodes)


def _resolve(typename: str) -> type | None:
    """The live class for a file's class name, under its own name or under that of its equivalent."""
    alias = ALIASES.get(typename, 'nn.' + typename[6:] if typename.startswith('cudnn.') else typename)
    known = registry().get(typename) or registry().get(alias)
    return known or other_packages().get(typename) or other_packages().get(ALIASES.get(typename, ''))


class Extra:
    """Memory that is taken beside what the file holds, in all no more than `limit` bytes."""

    def __init__(self, limit: int):
        self.limit = limit
        self._gradients: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def take(self, nbytes: int) -> None:
        self.limit -= nbytes
        if self.limit < 0:
            raise ValueError('bringing it up to date takes more memory than its file is worth')

    def dense(self, values: Any) -> np.ndarray:
        """A tensor of which a copy is to be made."""
        if not isinstance(values, np.ndarray):
            raise ValueError(f'expected a tensor, got {type(values).__name__}')
        self.take(values.nbytes)
        return values

    def gradient(self, values: np.ndarray) -> np.ndarray:
        """Zeros for the gradient of `values`; gradients share memory where their parameters do."""
        storage = owner(values)
        _, zeros = self._gradients.setdefault(id(storage), (storage, np.zeros(storage.size, storage.dtype)))
        return view(zeros, offset(values), values.shape, values.strides)


class Live:
    """An object of a class of t7nn while it is read: an empty shell at first, so that others can refer to it."""

    def __init__(self, typename: str, version: int, cls: type):
        self.typename, self.version, self.cls = typename, version, cls
        self.target = cls.__new__(cls)
        self.fields: dict = {}

    @staticmethod
    def parts(typename: str, version: int) -> int:
        """How many objects the body of an object consists of: its fields, and at times a header before them."""
        return 2 if version >= HEADERS.get(typename, math.inf) else 1

    @classmethod
    def of(cls, typename: str, version: int) -> Live | None:
        live = _resolve(typename)
        return None if live is None else cls(typename, version, live)

    def finish(self, extra: Extra) -> None:
        """Give the shell its fields, brought up to date. ValueError where they cannot be used."""
        fields, self.extra = dict(self.fields), extra
        if not all(isinstance(key, str) and key for key in fields):
            raise ValueError('expected fields with names')
        if hasattr(self.cls, 'from_file'):  # see packages/base.py
            self.cls.from_file(fields)
        name = self.cls.__name__
        if name in UPGRADES:
            UPGRADES[name](fields, self)
        for key, default in DEFAULTS.get(name, {}).items():
            if fields.get(key) is None:
                fields[key] = list(default) if isinstance(default, list) else default
        if issubclass(self.cls, (Module, Criterion)):
            self._complete(fields)

        state = {}
        for key, value in fields.items():
            if key == '_type':
                state['dtype'] = value
            elif key[0] != '_' and not self._hides_a_method(key, value):
                key = key + '_' if keyword.iskeyword(key) else key
                if isinstance(value, Storage):
                    extra.take(5 * value.nbytes)
                    value = value.tolist()
                state[key] = value
        for key in _assigned(self.cls) - state.keys():
            if not hasattr(self.cls, key) or callable(getattr(self.cls, key)):
                state[key] = None  # what is nil in Lua is in no file
        if not isinstance(state.get('modules', []), list):
            raise ValueError(f'expected a list of modules, got {type(state["modules"]).__name__}')
        getattr(self.target, '__setstate__', vars(self.target).update)(state)
        if name in AFTERWARDS:
            AFTERWARDS[name](self.target, self)

    def _hides_a_method(self, key: str, value: Any) -> bool:
        """Whether a field has the name of a method or property; such fields are left out."""
        own = getattr(self.cls, key, None)
        hides = callable(own) and key not in _assigned(self.cls) or isinstance(own, property)
        if hides and isinstance(value, TorchFunction):
            warnings.warn(
                f'{self.typename}: the file puts a Lua function in the place of its method {key}; '
                "Lua functions are not run, the class's own method stays",
                stacklevel=2,
            )
        return hides

    def _complete(self, fields: dict) -> None:
        """The dtype, and what was left out to make the file smaller: outputs and gradients."""
        arrays = [fields.get(key) for key in ('weight', 'output', 'gradInput', 'bias')]
        arrays = [value for value in arrays if isinstance(value, np.ndarray) and value.dtype.kind == 'f']
        dtype = TENSORS.get(fields.get('_type'), arrays[0].dtype if arrays else DTYPES['Double'])
        fields['_type'] = dtype
        for key in ('gradInput', 'output'):
            if fields.get(key) is None:
                fields[key] = 0 if key == 'output' and issubclass(self.cls, Criterion) else np.empty(0, dtype)
        if issubclass(self.cls, Module):
            for weight, gradient in self.cls.learned:
                values = fields.get(weight)
                if isinstance(values, np.ndarray) and fields.get(gradient) is None:
                    fields[gradient] = self.extra.gradient(values)


@cache
def _assigned(cls: type) -> set[str]:
    """The names of the attributes that methods of the class assign."""
    functions = [
        inspect.unwrap(value) for base in cls.__mro__ for value in vars(base).values() if inspect.isfunction(value)
    ]
    names = {
        step.argval for function in functions for step in dis.get_instructions(function) if step.opname == 'STORE_ATTR'
    }
    return {name for name in names if name[0] != '_'}


# What Torch7's `read` methods and its methods' first lines do for files of older versions


def _batch_normalization(fields: dict, live: Live) -> None:
    deviation = fields.pop('running_std', None)
    if deviation is not None:  # once the inverse standard deviation was kept
        with np.errstate(all='ignore'):
            fields['running_var'] = live.extra.dense(deviation) ** -2 - deviation.dtype.type(fields['eps'])
    if fields.get('affine') is None:
        fields['affine'] = fields.get('weight') is not None


def _gradient_reversal(fields: dict, live: Live) -> None:
    if live.version < 2:
        fields['lambda'] = 1


def _convolution(fields: dict, live: Live) -> None:
    if fields.get('padding') is not None:
        fields['padW'] = fields['padH'] = fields.pop('padding')
    groups = fields.pop('groups', 1)
    kernel = fields['nOutputPlane'], fields['nInputPlane'], fields['kH'], fields['kW']
    for key in ('weight', 'gradWeight'):
        values = fields.get(key)
        if values is None or live.cls.__name__ != 'SpatialConvolution':
            continue
        if groups != 1:
            fields[key] = _ungrouped(live, values, groups, kernel)
        elif values.ndim == 2:
            fields[key] = live.extra.dense(values).reshape(kernel)


MOST_GROUPS = 64


def _ungrouped(live: Live, values: np.ndarray, groups: int, kernel: tuple) -> np.ndarray:
    """The weights of cudnn's grouped convolution as those of an ordinary one, with zeros between the groups."""
    outputs, inputs = kernel[0] // groups, kernel[1] // groups
    if not 1 <= groups <= MOST_GROUPS or values.shape != (outputs * groups, inputs, *kernel[2:]):
        raise ValueError(f'expected weights for 1 to {MOST_GROUPS} groups, got shape {values.shape} for {groups}')
    live.extra.take(values.nbytes * groups)
    full = np.zeros(kernel, values.dtype)
    for group in range(groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        full[rows, group * inputs : (group + 1) * inputs] = values[rows]
    return full


def _volumetric_full(fields: dict, live: Live) -> None:
    if fields.get('adjW') is None and fields.get('weight') is not None:
        for key in ('weight', 'gradWeight'):
            if fields.get(key) is not None:
                fields[key] = live.extra.dense(fields[key]).swapaxes(0, 1).copy()
    for new, old in (('padT', 'pT'), ('padW', 'pW'), ('padH', 'pH')):
        if fields.get(new) is None:
            fields[new] = fields.pop(old, None)


def _average_pooling(fields: dict, live: Live) -> None:
    if live.typename.startswith('cudnn.'):  # nn's oldest added without dividing, cudnn's always divided
        fields['divide'] = True


def _concat(fields: dict, live: Live) -> None:
    if 'outputSize' not in fields:
        fields['outputSize'] = fields.pop('size', [])


def _view(fields: dict, live: Live) -> None:
    if fields.get('numElements') is None:
        fields['numElements'] = math.prod(size for size in fields['size'].tolist() if size >= 0)


def _reshape(fields: dict, live: Live) -> None:
    sizes = fields['size'].tolist()
    fields.setdefault('nelement', math.prod(sizes))
    fields.setdefault('batchsize', [0, *sizes])


def _first_replica(fields: dict, live: Live) -> None:
    if live.typename in HEADERS:
        fields['modules'] = fields['modules'][:1]
        for key in fields.keys() - {'modules', 'output', 'gradInput', '_type', 'train'}:
            del fields[key]


def _copy(fields: dict, live: Live) -> None:
    if fields.pop('updateOutput', None) is not None:  # Torch7's way to hand the input on where the types are equal
        del fields['updateGradInput']
        fields['forceCopy'] = False


def _graph(fields: dict, live: Live) -> None:
    if not isinstance(fields.get('modules'), list):
        nodes = [node['data'].get('module') for node in fields['forwardnodes']]
        fields['modules'] = [module for module in nodes if module is not None]
    if not isinstance(fields['innode'], TorchObject):
        raise ValueError('expected nodes of nngraph')


def _dropout(fields: dict, live: Live) -> None:
    if fields.get('lazy'):  # rnn's extension of the class
        from ..packages.rnn import LazyDropout

        live.target.__class__ = live.cls = LazyDropout


def _clipped_relu(fields: dict, live: Live) -> None:
    if live.typename == 'cudnn.ClippedReLU':
        fields.update(min_val=0, max_val=fields['ceiling'])


def _temporal_convolution(fields: dict, live: Live) -> None:
    if live.typename.startswith('cudnn.'):  # it is a convolution over an image there, the time its height
        if fields.get('padH'):
            raise ValueError("nn.TemporalConvolution has no padding, cudnn's had one")
        fields['kW'], fields['dW'] = fields.pop('kH'), fields.pop('dH')


UPGRADES = {
    'BatchNormalization': _batch_normalization,
    'SpatialBatchNormalization': _batch_normalization,
    'VolumetricBatchNormalization': _batch_normalization,
    'GradientReversal': _gradient_reversal,
    'SpatialConvolution': _convolution,
    'SpatialConvolutionMM': _convolution,
    'SpatialDilatedConvolution': _convolution,
    'VolumetricFullConvolution': _volumetric_full,
    'SpatialAveragePooling': _average_pooling,
    'Concat': _concat,
    'DepthConcat': _concat,
    'View': _view,
    'Reshape': _reshape,
    'Sequential': _first_replica,
    'Dropout': _dropout,
    'HardTanh': _clipped_relu,
    'Copy': _copy,
    'gModule': _graph,
    'TemporalConvolution': _temporal_convolution,
}


def _weight_norm(module: Any, live: Live) -> None:
    """Work out the weight again, which Torch7 leaves out of the file."""
    if module.weight is None:
        live.extra.take(2 * module.v.nbytes)
        if math.prod(module.weightSize) != module.v.size:
            raise ValueError(f'weightSize {module.weightSize} does not fit v of shape {module.v.shape}')
        module.updateWeight()


# what is done when all fields are there
AFTERWARDS: dict[str, Callable] = {'gModule': lambda module, live: module.plan(), 'WeightNorm': _weight_norm}

UNSAVED = {'nn.StochasticGradient': {'log'}}


def generator(state: bytes) -> random.Generator:
    """The torch.Generator of these bytes."""
    live = random.Generator()
    live.setRNGState(np.frombuffer(state, np.uint8))
    return live


def saved(value: Any) -> TorchObject | None:
    """What a live object writes: its class, version and fields; None for what is no object of t7nn."""
    if isinstance(value, random.Generator):
        return TorchObject('torch.Generator', value.getRNGState().tobytes())
    if isinstance(value, StochasticGradient):
        typename = 'nn.StochasticGradient'
    elif isinstance(value, (Module, Criterion)):
        typename = value.typename
    else:
        return None
    fields = {}
    for key, item in vars(value).items():
        if key[0] == '_' or item is None or key in UNSAVED.get(typename, ()):
            continue
        if key == 'dtype':
            if isinstance(value, Module):
                fields['_type'] = f'torch.{TYPE_OF[item]}Tensor'
        elif callable(item) and not isinstance(item, (Module, Criterion)):
            warnings.warn(f'{typename}: its field {key} is a Python function and is not saved', stacklevel=2)
        elif key in SIZES and isinstance(item, (list, tuple)):
            fields[key] = Storage(item, np.int64)
        else:
            fields[key[:-1] if key[-1] == '_' and keyword.iskeyword(key[:-1]) else key] = item
    for key, make in BUFFERS.get(typename, {}).items():
        made = make(value) if key not in fields else None
        if made is not None:
            fields[key] = made
    if hasattr(value, 'to_file'):
        with contextlib.suppress(AttributeError, IndexError, TypeError, ValueError):  # some of its fields are missing
            value.to_file(fields)
    return TorchObject(typename, fields, VERSIONS.get(typename, 1))
