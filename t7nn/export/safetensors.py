"""Weights under PyTorch's names and in PyTorch's shapes, as safetensors files.

A child's tensors are named after its place, counted from 0 as in PyTorch: ``0.weight``, ``3.running_mean``,
``1.0.bias``. So a file goes into a ``torch.nn.Sequential`` of the same layers, and back. Both directions go through
`slots`, which says for each tensor of a network its name there, and its shape there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np

import t7nn as nn

from ..module import Module
from ..serialization.files import replace_file
from ..tensors import describe

__all__ = ['from_safetensors', 'to_safetensors']

AnyModule = TypeVar('AnyModule', bound=Module)


class Slot(NamedTuple):
    """A tensor of a network and what it is in the file: seen as `split`, with its axes in `order`, in `shape`."""

    name: str
    tensor: np.ndarray
    split: tuple[int, ...]
    order: tuple[int, ...]
    shape: tuple[int, ...]

    def outward(self) -> np.ndarray:
        """A copy as the file has it."""
        return np.array(self.tensor.reshape(self.split).transpose(self.order).reshape(self.shape), order='C')

    def inward(self, array: np.ndarray) -> None:
        """Write what the file has into the tensor."""
        parts = array.reshape([self.split[axis] for axis in self.order])
        self.tensor[...] = parts.transpose(np.argsort(self.order)).reshape(self.tensor.shape)


def slot(name: str, tensor: np.ndarray, split: Any = None, order: Any = None, shape: Any = None) -> Slot:
    """A `Slot`; what is not given is as the tensor is."""
    split = tensor.shape if split is None else tuple(split)
    order = tuple(range(len(split))) if order is None else tuple(order)
    return Slot(name, tensor, split, order, tuple(split[axis] for axis in order) if shape is None else tuple(shape))


def own(module: Any) -> Iterator[Slot]:
    """The tensors of a module itself, under the names that PyTorch has for them in its like."""
    if isinstance(module, nn.LinearWeightNorm):
        yield slot('weight_v', module.v)
        yield slot('weight_g', module.g)
        names = ['bias']
    else:
        names = [name for name, _ in module.learned]
    for name in names:
        tensor = getattr(module, name)
        if tensor is None:
            continue
        if isinstance(module, nn.SpatialDepthWiseConvolution):
            maps, planes, kernel = module.nOutputPlane, module.nInputPlane, module.sizes('k')
            if name == 'bias':
                yield slot(name, tensor, (maps, planes), (1, 0), (planes * maps,))
            else:
                yield slot(name, tensor, (maps, planes, *kernel), (1, 0, 2, 3), (planes * maps, 1, *kernel))
        elif name == 'weight' and isinstance(module, nn.SpatialConvolutionMM):
            yield slot(name, tensor, (module.nOutputPlane, module.nInputPlane, *module.sizes('k')))
        elif name == 'weight' and isinstance(module, nn.TemporalConvolution):
            yield slot(name, tensor, (module.outputFrameSize, *module.sizes('k'), module.inputFrameSize), (0, 2, 1))
        else:
            yield slot(name, tensor)
    if isinstance(module, nn.BatchNormalization):
        yield slot('running_mean', module.running_mean)
        yield slot('running_var', module.running_var)


def weight_norm(module: Any) -> Iterator[Slot]:
    """The tensors of a WeightNorm, as those of PyTorch's ``weight_norm(layer, dim=outputDim - 1)``."""
    axis, sizes = module.outputDim - 1, tuple(module.weightSize)
    rows = [sizes[axis], *sizes[:axis], *sizes[axis + 1 :]]
    back = [*range(1, axis + 1), 0, *range(axis + 1, len(sizes))]
    yield slot('weight_v', module.v, rows, back)
    yield slot('weight_g', module.g, shape=[n if i == axis else 1 for i, n in enumerate(sizes)])
    if module.bias is not None:
        yield slot('bias', module.bias)


def slots(module: Any, place: str = '') -> Iterator[Slot]:
    """The tensors of a network, each with its name, its place included."""
    if not isinstance(module, Module):
        name = getattr(module, 'typename', type(module).__name__)
        raise ValueError(f'{name} ({place.rstrip(".")}) is not a class of t7nn: its weights have no names in PyTorch')
    children: list[Any] = list(module.modules)
    if isinstance(module, nn.LayerNormalization):  # one layer in PyTorch
        found = [slot('weight', children[4].weight), slot('bias', children[5].bias)] if len(children) > 4 else []
        children = []
    elif isinstance(module, nn.WeightNorm):
        found, children = list(weight_norm(module)), []
    elif children:
        found = []
        if isinstance(module, nn.MapTable) and module.shared:
            children = children[:1]
    else:
        found = list(own(module))
    for item in found:
        yield item._replace(name=place + item.name)
    for i, child in enumerate(children):
        yield from slots(child, f'{place}{i}.')


def batch_counts(module: Module, place: str = '') -> Iterator[str]:
    """The names of the counts of batches that PyTorch keeps in every batch normalisation, and Torch7 does not."""
    if isinstance(module, nn.BatchNormalization):
        yield f'{place}num_batches_tracked'
    for i, child in enumerate(module.modules):
        yield from batch_counts(child, f'{place}{i}.')


def _package() -> Any:
    try:
        import safetensors.numpy
    except ModuleNotFoundError:
        raise ModuleNotFoundError("the package safetensors is needed: pip install 't7nn[safetensors]'") from None
    return safetensors


def to_safetensors(module: Module, path: str | os.PathLike[str]) -> None:
    """Write the weights and running averages of a network for PyTorch.

    Parameters
    ----------
    module
        a layer or a network
    path
        the ``.safetensors`` file; the tensors keep the network's dtype, to the last bit

    The names are those of a ``torch.nn.Sequential`` of the same layers: ``0.weight``, ``3.running_mean``. Weights that
    Torch7 keeps in two dimensions have those of PyTorch: (planes, planes, kH, kW) of `SpatialConvolutionMM`, (planes,
    planes, kW) of `TemporalConvolution`, (planes, 1, kH, kW) of `SpatialDepthWiseConvolution`. ``num_batches_tracked``
    is 0. v and g of `LinearWeightNorm` and `WeightNorm` are ``weight_v`` and ``weight_g``, as ``torch.nn.utils
    .weight_norm`` names them. Tensors that are shared stand under each of their names.

    Raises
    ------
    ValueError
        if the network holds a class that is not t7nn's, or no tensors
    ModuleNotFoundError
        if the package safetensors is not installed
    """
    if not isinstance(module, Module):
        raise TypeError(f'to_safetensors: expected a module, got {describe(module)}')
    package = _package()
    tensors = {item.name: item.outward() for item in slots(module)}
    if not tensors:
        raise ValueError(f'to_safetensors: expected a network with weights, got {module}')
    tensors.update((name, np.array(0, np.int64)) for name in batch_counts(module))
    replace_file(os.fspath(path), [package.numpy.save(tensors, {'format': 'pt'})])


def from_safetensors(module: AnyModule, path: str | os.PathLike[str]) -> AnyModule:
    """Fill a network with the weights of a file; the reverse of `to_safetensors`. The network is returned.

    Parameters
    ----------
    module
        of the same layers as the network that the file comes from; PyTorch's ``load_state_dict`` gives the same file
        the same names
    path
        a ``.safetensors`` file, of `to_safetensors` or of PyTorch

    Raises
    ------
    ValueError
        if tensors are missing, surplus, or of another shape, all of which it names; if names of one shared tensor have
        different values
    TypeError
        if the file's dtype is not the network's; ``module.type('float32')`` makes it so

    The network is changed only if all is right.
    """
    if not isinstance(module, Module):
        raise TypeError(f'from_safetensors: expected a module, got {describe(module)}')
    package = _package()
    try:
        tensors = package.numpy.load_file(path)
    except package.SafetensorError as error:
        raise ValueError(f'{path}: expected a safetensors file: {error}') from None
    wanted = {item.name: item for item in slots(module)}
    wrong = [f'{name} is missing' for name in wanted if name not in tensors]
    unused = set(tensors) - set(wanted) - set(batch_counts(module))
    wrong += [f'{name} is surplus' for name in sorted(unused)]
    for name, item in wanted.items():
        if name in tensors and tensors[name].shape != item.shape:
            wrong.append(f'expected {name} of shape {item.shape}, got {tensors[name].shape}')
    if wrong:
        rest = f'; and {len(wrong) - 8} more' if len(wrong) > 8 else ''
        raise ValueError(f'{path} does not fit the network: {"; ".join(wrong[:8])}{rest}')
    for name, item in wanted.items():
        if tensors[name].dtype != item.tensor.dtype:
            raise TypeError(
                f'{path}: expected {name} of {item.tensor.dtype}, got {tensors[name].dtype}; cast the network: '
                f'module.type("{tensors[name].dtype}")'
            )
    first: dict[tuple, str] = {}
    for name, item in wanted.items():
        memory = item.tensor.__array_interface__['data'][0], item.tensor.strides, item.tensor.shape
        other = first.setdefault(memory, name)
        if tensors[other].tobytes() != tensors[name].tobytes():
            raise ValueError(f'{path}: {other} and {name} are one tensor in the network, but differ in the file')
    for name, item in wanted.items():
        item.inward(tensors[name])
    for layer in module.listModules():
        if isinstance(layer, nn.LinearWeightNorm):
            layer.updateWeightMatrix()
        elif isinstance(layer, nn.WeightNorm):
            layer.updateWeight()
    return module
