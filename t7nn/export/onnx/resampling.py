"""Padding and up-sampling of images and volumes."""

from __future__ import annotations

import t7nn as nn

from .builder import exports


@exports(nn.SpatialZeroPadding)
def zero_padding(g, module, x):
    amounts = module.amounts()
    return x.pad([(0, 0)] * (x.ndim - len(amounts)) + amounts)


@exports(nn.SpatialReflectionPadding, nn.SpatialReplicationPadding, nn.VolumetricReplicationPadding)
@exports(nn.SpatialUpSamplingBilinear)
def resampling(g, module, x):
    """Along each axis a sum of weighted entries, one after the other."""
    sizes = module.sizes_of(x.examples[0])
    counts = module.output_sizes(sizes)
    y = x
    for i in reversed(range(len(sizes))):
        axis = x.ndim - len(sizes) + i
        total = None
        for index, weight in module.terms(i, sizes[i], counts[i]):
            term = y.take(axis, index)
            if weight is not None:
                term = term * weight.reshape(-1, *(1,) * (len(sizes) - i - 1))
            total = term if total is None else total + term
        y = total
    return y


@exports(nn.SpatialUpSamplingNearest)
def nearest(g, module, x):
    sizes = module.sizes_of(x.examples[0])
    y = x
    for axis, size in enumerate(sizes, x.ndim - len(sizes)):
        y = y.take(axis, [i // module.scale_factor for i in range(size * module.scale_factor)])
    return y


@exports(nn.UpSampling)
def up_sampling(g, module, x):
    return nearest(g, module, x) if module.mode == 'nearest' else resampling(g, module, x)
