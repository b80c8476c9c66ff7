"""How t7nn's classes lie in .t7 files: names, versions, fields, and what older Torch7s wrote differently.

A live object's public attributes are the file's fields, but for `dtype` (`_type` there), names that are keywords in
Python (`lambda_`), sizes (lists here, LongStorages there) and scratch, whose names begin with `_`: it is neither read
nor written. All other facts about single classes stand in the tables below.
"""

from __future__ import annotations

import contextlib
import keyword
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, get_origin

import numpy as np

from .. import random
from ..layers.containers import Container
from ..module import Criterion, Module
from ..tensors import offset, owner, view
from ..training import StochasticGradient
from .fields import declared, is_constant, misfit, optional
from .unknown import adopt
from .values import DTYPES, TENSORS, TYPE_OF, Storage, TorchFunction, TorchObject, brief

__all__ = ['Extra', 'Live', 'Walk', 'generator', 'saved']

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

MOST_DIMENSIONS = 64

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
    'Padding': {'index': 1, 'value': 0},
    'Replicate': {'dim': 1},
    'Reshape': {'batchMode': None},
    'SpatialFractionalMaxPooling': {'randomSamples': None},
    'VolumetricFractionalMaxPooling': {'randomSamples': None},
    'Sqrt': {'eps': 0},
    'TemporalMaxPooling': {'padW': 0, 'ceil_mode': False},
    'Sum': {'squeeze': True, 'sizeAverage': False},
    'MapTable': {'sharedparams': ['weight', 'bias', 'gradWeight', 'gradBias']},
    'SpatialConvolution': _PADDED,
    'SpatialConvolutionMM': _PADDED | {'dW': 1, 'dH': 1},
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


# Torch7's methods count on two tensors in their gradInput, also before the first backward
TABLES_OF_TWO = frozenset(['nn.MV', 'nn.Index'])


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
        'inShape': lambda module: np.zeros(min(module.nInputDim, MOST_DIMENSIONS)),
        'outShape': lambda module: np.zeros(min(module.nOutputDim, MOST_DIMENSIONS)),
    },
    'nn.ClassNLLCriterion': _NLL,
    'nn.ClassSimplexCriterion': {'_target': lambda module: np.zeros(len(module.simplex), module.dtype)},
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
    'nn.Profile': {
        'timer': lambda module: TorchObject('torch.Timer', b''),
        'module': lambda module: module.modules[0],
    },
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

    def __init__(self) -> None:
        self.limit, self.taken = 0, 0
        self._gradients: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def take(self, nbytes: int) -> None:
        self.taken += nbytes
        if self.taken > self.limit:
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


@cache
def _known_as(cls: type) -> str:
    """The name of the class of t7nn whose facts hold for a class: itself, or the nearest of its bases."""
    known = set(registry().values())
    return next((base.__name__ for base in cls.__mro__ if base in known), cls.__name__)


class Live:
    """An object of a class of t7nn while it is read: an empty shell at first, so that others can refer to it."""

    def __init__(self, typename: str, version: int, cls: Any, given: bool = False):
        self.typename, self.version, self.cls = typename, version, cls
        self.given = given  # the class is the caller's
        self.name = _known_as(cls)
        self.target = cls.__new__(cls)
        self.fields: dict = {}

    @staticmethod
    def parts(typename: str, version: int) -> int:
        """How many objects the body of an object consists of: its fields, and at times a header before them."""
        return 2 if version >= HEADERS.get(typename, math.inf) else 1

    @classmethod
    def of(cls, typename: str, version: int, classes: Mapping[str, type]) -> Live | None:
        """The shell of an object of this class; None where neither `classes` nor t7nn has it."""
        given = classes.get(typename)
        live = given or _resolve(typename)
        return None if live is None else cls(typename, version, live, given is not None)

    def finish(self, extra: Extra) -> None:
        """Give the shell its fields, brought up to date. ValueError where they cannot be used."""
        fields, self.extra = dict(self.fields), extra
        if not all(isinstance(key, str) and key for key in fields):
            raise ValueError('expected fields with names')
        if hasattr(self.cls, 'from_file'):  # a class's own way to bring fields up to date
            self.cls.from_file(fields)
        if self.name in UPGRADES:
            UPGRADES[self.name](fields, self)
        for key, default in DEFAULTS.get(self.name, {}).items():
            if fields.get(key) is None:
                fields[key] = list(default) if isinstance(default, list) else default
        if issubclass(self.cls, (Module, Criterion)):
            self._complete(fields)

        state = {}
        for key, value in fields.items():
            if key == '_type':
                state['dtype'] = value
            elif key[0] != '_' and not self._hides_a_method(key, value) and not is_constant(self.cls, key):
                key = key + '_' if keyword.iskeyword(key) else key
                if isinstance(value, Storage):
                    value = self._listed(key, value)
                state[key] = value
        for key, kind in declared(self.cls).items():
            if key not in state and not hasattr(self.cls, key):  # what is nil in Lua is in no file
                state[key] = self._nil(kind)
        if issubclass(self.cls, Container) and state.get('modules') is None:
            state['modules'] = []
        self._adopt(state)
        getattr(self.target, '__setstate__', vars(self.target).update)(state)
        if self.given and getattr(self.cls, 'typename', None) != self.typename:
            self.target.typename = self.typename  # it is saved under the name that it came with

    def _listed(self, key: str, value: Storage) -> list:
        """Sizes are lists here."""
        if key in SIZES and value.size > MOST_DIMENSIONS:
            raise ValueError(f'expected {key} of at most {MOST_DIMENSIONS} dimensions, got {value.size}')
        self.extra.take(5 * value.nbytes)
        return value.tolist()

    @staticmethod
    def _nil(kind: Any) -> Any:
        """The value of a declared field that the file has not."""
        if optional(kind):
            return None
        return {bool: False, list: []}.get(get_origin(kind) or kind)

    def _adopt(self, state: dict) -> None:
        """Let unknown classes be modules where modules belong."""
        for i, module in enumerate(state.get('modules') or (), 1):
            adopt(module, f', child {i} of {self.typename}')
        for key, kind in declared(self.cls).items():
            if kind is Module or kind == Module | None:
                adopt(state.get(key), f', the {key} of {self.typename}')

    def complete(self) -> None:
        """What is left to do when all fields of all objects are there."""
        if self.name in AFTERWARDS:
            AFTERWARDS[self.name](self.target, self)

    def check(self) -> None:
        """Raise a ValueError where a field that the class declares is missing or of another kind."""
        parameters = {name for name, _ in getattr(self.cls, 'learned', ())}
        for key, kind in declared(self.cls).items():
            value = getattr(self.target, key, None)
            if value is None and hasattr(self.cls, key) and key not in parameters:
                continue  # None is what the class itself has there
            text = misfit(value, kind)
            if text:
                raise ValueError(f'expected {key} to be {text}')
        if issubclass(self.cls, Module):
            for key in parameters | {gradient for _, gradient in self.cls.learned}:
                value = getattr(self.target, key, None)
                if not isinstance(value, np.ndarray) and (value is not None or not hasattr(self.cls, key)):
                    raise ValueError(f'expected {key} to be a tensor, got {brief(value)}')
                if isinstance(value, np.ndarray) and value.size > owner(value).size:  # expanded: work with it copies it
                    self.extra.take(value.nbytes)
            if self.cls.parameters is not Container.parameters:
                self.target.parameters()

    def _hides_a_method(self, key: str, value: Any) -> bool:
        """Whether a field has the name of a method or property; such fields are left out."""
        own = getattr(self.cls, key, None)
        hides = callable(own) and key not in declared(self.cls) or isinstance(own, property)
        if hides and isinstance(value, TorchFunction):
            warnings.warn(
                f'{self.typename}: the file puts a Lua function in the place of its method {key}; '
                "Lua functions are not run, the class's own method stays",
                stacklevel=2,
            )
        return hides

    def _complete(self, fields: dict) -> None:
        """The dtype, and what was left out to make the file smaller: outputs and gradients."""
        values: list[Any] = [fields.get(key) for key in ('weight', 'output', 'gradInput', 'bias')]
        tables = [value[:2] for value in values[1:3] if isinstance(value, list)]
        arrays = [value for value in sum(tables, values) if isinstance(value, np.ndarray) and value.dtype.kind == 'f']
        kind = fields.get('_type')
        dtype = TENSORS.get(kind) if isinstance(kind, str) else None
        dtype = dtype or (arrays[0].dtype if arrays else DTYPES['Double'])
        fields['_type'] = dtype
        for key in ('gradInput', 'output'):
            if fields.get(key) is None:
                fields[key] = 0 if key == 'output' and issubclass(self.cls, Criterion) else np.empty(0, dtype)
        if issubclass(self.cls, Module):
            for weight, gradient in self.cls.learned:
                tensor = fields.get(weight)
                if isinstance(tensor, np.ndarray) and fields.get(gradient) is None:
                    fields[gradient] = self.extra.gradient(tensor)


MOST_MODULES = 10**6
MOST_DEPTH = 100


class Walk:
    """Holds networks to sizes that can be walked through: modules inside modules, at most MOST_DEPTH deep, and at most
    MOST_MODULES of them, each counted as often as it comes."""

    def __init__(self) -> None:
        self._sizes: dict[int, tuple[int, int]] = {}  # of what was visited: modules, and levels

    def visit(self, live: Live) -> None:
        """Visit a node and those inside. ValueError where they go too far."""
        stack = [(live.target, self._inside(live.target))]
        around = {id(live.target)}
        if id(live.target) in self._sizes:
            return
        while stack:
            node, inside = stack[-1]
            for child in inside:
                if id(child) in around:
                    raise ValueError(f'expected modules that are not inside themselves, got {child.typename} in itself')
                if id(child) not in self._sizes:
                    stack.append((child, self._inside(child)))
                    around.add(id(child))
                    break
            else:
                sizes = [self._sizes[id(child)] for child in self._inside(node)]
                count, depth = 1 + sum(size[0] for size in sizes), 1 + max((size[1] for size in sizes), default=0)
                if count > MOST_MODULES or depth > MOST_DEPTH:
                    what = f'{MOST_DEPTH} levels' if depth > MOST_DEPTH else f'{MOST_MODULES} modules'
                    raise ValueError(f'expected a network of at most {what}, got more; load it with live=False')
                self._sizes[id(node)] = count, depth
                around.discard(id(node))
                stack.pop()

    @staticmethod
    def _inside(node: Any) -> Iterator[Any]:
        """The modules and criterions among a node's fields, and in lists there, each field's once."""
        modules = node.modules if isinstance(node, Module) else ()
        own = [module for module in modules if isinstance(module, (Module, Criterion))]
        yield from own
        known = set(map(id, own))
        for key, value in vars(node).items():
            for item in value if isinstance(value, list) and key != 'modules' else [value]:
                if isinstance(item, (Module, Criterion)) and id(item) not in known:
                    known.add(id(item))
                    yield item


# What Torch7's `read` methods and its methods' first lines do for files of older versions


def _batch_normalization(fields: dict, live: Live) -> None:
    deviation = fields.pop('running_std', None)
    if deviation is not None:  # once the inverse standard deviation was kept
        eps = deviation.dtype.type(_number(fields, 'eps')) if isinstance(deviation, np.ndarray) else None
        with np.errstate(all='ignore'):
            fields['running_var'] = live.extra.dense(deviation) ** -2 - eps
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


def _number(fields: dict, key: str) -> float:
    value = fields.get(key)
    if not isinstance(value, (int, float)):
        raise ValueError(f'expected {key} to be a number, got {brief(value)}')
    return value


def _sizes_of(fields: dict, key: str) -> list[int]:
    """A list of sizes, of which the product is a number of elements that Lua can count."""
    value = fields.get(key)
    sizes = value.tolist() if isinstance(value, Storage) and value.size <= MOST_DIMENSIONS else value
    if not isinstance(sizes, list) or len(sizes) > MOST_DIMENSIONS or any(type(size) is not int for size in sizes):
        raise ValueError(f'expected {key} to be at most {MOST_DIMENSIONS} whole numbers, got {brief(value)}')
    if abs(math.prod(size for size in sizes if size)) > 1 << 53:
        raise ValueError(f'expected {key} to count at most 2^53 elements')
    return sizes


def _view(fields: dict, live: Live) -> None:
    sizes = _sizes_of(fields, 'size')
    if fields.get('numElements') is None:
        fields['numElements'] = math.prod(size for size in sizes if size >= 0)


def _reshape(fields: dict, live: Live) -> None:
    sizes = _sizes_of(fields, 'size')
    fields.setdefault('nelement', math.prod(sizes))
    fields.setdefault('batchsize', [0, *sizes])


def _lrn(fields: dict, live: Live) -> None:
    if fields.get('k') is None:
        fields['k'] = fields.pop('K', None)  # cudnn's name


def _subsampling(fields: dict, live: Live) -> None:
    for key in ('weight', 'gradWeight'):  # once a kernel a plane, of which the first numbers were used
        values = fields.get(key)
        if isinstance(values, np.ndarray) and values.ndim > 1:
            count = fields.get('nInputPlane')
            if type(count) is not int or not 0 < count <= values.size:
                raise ValueError(f'expected {key} of {count} numbers at least, got shape {values.shape}')
            fields[key] = live.extra.dense(values).reshape(-1)[:count]


def _weight_norm_gradient(fields: dict, live: Live) -> None:
    _sizes_of(fields, 'weightSize')
    lengths, gradient = fields.get('g'), fields.get('gradG')
    if isinstance(lengths, np.ndarray) and isinstance(gradient, np.ndarray) and gradient.size == lengths.size:
        fields['gradG'] = live.extra.dense(gradient).reshape(lengths.shape)


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
    'SpatialCrossMapLRN': _lrn,
    'SpatialSubSampling': _subsampling,
    'WeightNorm': _weight_norm_gradient,
}


def _weight_norm(module: Any, live: Live) -> None:
    """Work out the weight again, which Torch7 leaves out of the file."""
    if module.weight is None:
        v, g, sizes, dimension = module.v, module.g, module.weightSize, module.outputDim
        if type(dimension) is not int or not 1 <= dimension <= len(sizes):
            raise ValueError(f'expected outputDim from 1 to {len(sizes)}, got {brief(dimension)}')
        rows = sizes[dimension - 1]
        if v.ndim != 2 or math.prod(sizes) != v.size or len(v) != rows or g.shape != (rows, 1):
            raise ValueError(f'weightSize {sizes} does not fit v of shape {v.shape} and g of shape {g.shape}')
        live.extra.take(4 * v.nbytes)
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
    elif isinstance(getattr(value, 'typename', None), str):  # a node, or of a class of the caller's, from a file
        typename = value.typename
    else:
        return None
    fields: dict[str, Any] = {}
    for key, item in vars(value).items():
        if key[0] == '_' or item is None or key == 'typename' or key in UNSAVED.get(typename, ()):
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
        if key not in fields:
            with contextlib.suppress(AttributeError, IndexError, TypeError, ValueError):  # its own fields are missing
                fields[key] = make(value)
    fields = {key: item for key, item in fields.items() if item is not None}
    if typename in TABLES_OF_TWO and isinstance(fields.get('gradInput'), list) and not fields['gradInput']:
        fields['gradInput'] = [_tensor(value), _tensor(value)]
    if hasattr(value, 'to_file'):
        with contextlib.suppress(AttributeError, IndexError, TypeError, ValueError):  # some of its fields are missing
            value.to_file(fields)
    return TorchObject(typename, fields, VERSIONS.get(typename, 1))
