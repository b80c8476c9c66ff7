"""What a name that t7nn does not have may have meant: PyTorch's names, other capitals, typing mistakes."""

import difflib
import sys
from importlib.util import find_spec
from typing import NoReturn

__all__ = ['PYTORCH']

#: PyTorch's name, and what there is for it in Torch7
PYTORCH = {
    'AdaptiveAvgPool2d': 'SpatialAdaptiveAveragePooling',
    'AdaptiveMaxPool2d': 'SpatialAdaptiveMaxPooling',
    'AvgPool2d': 'SpatialAveragePooling',
    'AvgPool3d': 'VolumetricAveragePooling',
    'BCELoss': 'BCECriterion',
    'BCEWithLogitsLoss': 'Sigmoid and nn.BCECriterion',
    'BatchNorm1d': 'BatchNormalization',
    'BatchNorm2d': 'SpatialBatchNormalization',
    'BatchNorm3d': 'VolumetricBatchNormalization',
    'Conv1d': 'TemporalConvolution',
    'Conv2d': 'SpatialConvolution',
    'Conv3d': 'VolumetricConvolution',
    'ConvTranspose2d': 'SpatialFullConvolution',
    'ConvTranspose3d': 'VolumetricFullConvolution',
    'CosineEmbeddingLoss': 'CosineEmbeddingCriterion',
    'CosineSimilarity': 'CosineDistance',
    'CrossEntropyLoss': 'CrossEntropyCriterion',
    'Dropout2d': 'SpatialDropout',
    'Dropout3d': 'VolumetricDropout',
    'Embedding': 'LookupTable',
    'Flatten': 'View',
    'GLU': 'GatedLinearUnit',
    'HingeEmbeddingLoss': 'HingeEmbeddingCriterion',
    'KLDivLoss': 'DistKLDivCriterion',
    'L1Loss': 'AbsCriterion',
    'LayerNorm': 'LayerNormalization',
    'LocalResponseNorm': 'SpatialCrossMapLRN',
    'MSELoss': 'MSECriterion',
    'MarginRankingLoss': 'MarginRankingCriterion',
    'MaxPool1d': 'TemporalMaxPooling',
    'MaxPool2d': 'SpatialMaxPooling',
    'MaxPool3d': 'VolumetricMaxPooling',
    'MaxUnpool2d': 'SpatialMaxUnpooling',
    'MaxUnpool3d': 'VolumetricMaxUnpooling',
    'ModuleList': 'Sequential',
    'MultiLabelMarginLoss': 'MultiLabelMarginCriterion',
    'MultiLabelSoftMarginLoss': 'MultiLabelSoftMarginCriterion',
    'MultiMarginLoss': 'MultiMarginCriterion',
    'NLLLoss': 'ClassNLLCriterion',
    'ReflectionPad2d': 'SpatialReflectionPadding',
    'ReplicationPad2d': 'SpatialReplicationPadding',
    'ReplicationPad3d': 'VolumetricReplicationPadding',
    'SmoothL1Loss': 'SmoothL1Criterion',
    'SoftMarginLoss': 'SoftMarginCriterion',
    'UpsamplingBilinear2d': 'SpatialUpSamplingBilinear',
    'UpsamplingNearest2d': 'SpatialUpSamplingNearest',
    'ZeroPad2d': 'SpatialZeroPadding',
    'manual_seed': 'manualSeed',
}


def __getattr__(name: str) -> NoReturn:
    """Raise the AttributeError of a name that ``t7nn`` does not have, with what may have been meant."""
    raise AttributeError(f'module t7nn has no {name!r}{_meant(name)}')


def _meant(name: str) -> str:
    if name.startswith('_'):
        return ''
    if name in PYTORCH:
        return f"; for PyTorch's nn.{name} Torch7 has nn.{PYTORCH[name]}"
    if name.isidentifier() and find_spec(f't7nn.{name}'):
        return f'; it is a module to import: from t7nn import {name}'
    names = {known.lower(): known for known in dir(sys.modules['t7nn']) if not known.startswith('_')}
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.75)
    return f'; did you mean nn.{names[near[0]]}?' if near else ''
