"""Torch7's nn and its StochasticGradient trainer in Python: ``import t7nn as nn``."""

import typing as _typing

from . import hooks, optim, random
from .checks import hessian
from .checks.jacobian import Jacobian, SparseJacobian
from .criterions.classification import (
    BCECriterion,
    ClassNLLCriterion,
    ClassSimplexCriterion,
    CrossEntropyCriterion,
    MarginCriterion,
    MultiLabelMarginCriterion,
    MultiLabelSoftMarginCriterion,
    MultiMarginCriterion,
    SoftMarginCriterion,
    SpatialClassNLLCriterion,
)
from .criterions.combined import CriterionTable, ModuleCriterion, MultiCriterion, ParallelCriterion
from .criterions.embedding import (
    CosineEmbeddingCriterion,
    DistanceRatioCriterion,
    HingeEmbeddingCriterion,
    L1HingeEmbeddingCriterion,
    MarginRankingCriterion,
)
from .criterions.regression import (
    AbsCriterion,
    DistKLDivCriterion,
    L1Cost,
    MSECriterion,
    SmoothL1Criterion,
    SpatialAutoCropMSECriterion,
    WeightedMSECriterion,
)
from .layers.arithmetic import MM, MV, Add, AddConstant, CAdd, CMul, Constant, Max, Mean, Min, Mul, MulConstant, Sum
from .layers.clustering import Kmeans
from .layers.containers import Concat, Container, DepthConcat, Parallel, Sequential
from .layers.convolution.spatial import (
    SpatialConvolution,
    SpatialConvolutionLocal,
    SpatialConvolutionMap,
    SpatialConvolutionMM,
    SpatialDepthWiseConvolution,
    SpatialDilatedConvolution,
    SpatialFullConvolution,
    SpatialFullConvolutionMap,
    SpatialSubSampling,
    tables,
)
from .layers.convolution.temporal import TemporalConvolution, TemporalRowConvolution, TemporalSubSampling
from .layers.convolution.volumetric import (
    VolumetricConvolution,
    VolumetricDilatedConvolution,
    VolumetricFullConvolution,
)
from .layers.decorators import Bottle, Decorator, DontCast, NaN, Profile, WeightNorm
from .layers.distances import Cosine, CosineDistance, DotProduct, Euclidean, PairwiseDistance, WeightedEuclidean
from .layers.identity import Contiguous, Copy, GradientReversal, Identity, L1Penalty, PrintSize, ZeroGrad
from .layers.linear import Bilinear, Linear, LinearWeightNorm, Maxout, PartialLinear
from .layers.noise import Dropout, SpatialDropout, VolumetricDropout, WhiteNoise
from .layers.normalization import (
    BatchNormalization,
    LayerNormalization,
    Normalize,
    SpatialBatchNormalization,
    SpatialContrastiveNormalization,
    SpatialCrossMapLRN,
    SpatialDivisiveNormalization,
    SpatialSubtractiveNormalization,
    VolumetricBatchNormalization,
)
from .layers.padding import (
    Padding,
    SpatialReflectionPadding,
    SpatialReplicationPadding,
    SpatialZeroPadding,
    VolumetricReplicationPadding,
)
from .layers.pointwise import Abs, Exp, Log, Pointwise, Power, Sqrt, Square
from .layers.pooling.adaptive import SpatialAdaptiveAveragePooling, SpatialAdaptiveMaxPooling
from .layers.pooling.average import SpatialAveragePooling, VolumetricAveragePooling
from .layers.pooling.lp import FeatureLPPooling, SpatialLPPooling
from .layers.pooling.maximum import (
    SpatialDilatedMaxPooling,
    SpatialFractionalMaxPooling,
    SpatialMaxPooling,
    TemporalDynamicKMaxPooling,
    TemporalMaxPooling,
    VolumetricDilatedMaxPooling,
    VolumetricFractionalMaxPooling,
    VolumetricMaxPooling,
)
from .layers.pooling.unpooling import SpatialMaxUnpooling, VolumetricMaxUnpooling
from .layers.rectifiers import ELU, CReLU, LeakyReLU, PReLU, ReLU, ReLU6, RReLU, Threshold
from .layers.selection import Index, MaskedSelect, Narrow, Select
from .layers.shapes import Collapse, Convert, Replicate, Reshape, Squeeze, Transpose, Unsqueeze, View
from .layers.sparse import IndexLinear, LookupTable, OneHot, SparseLinear
from .layers.table import (
    CAddTable,
    CAddTensorTable,
    CDivTable,
    CMaxTable,
    CMinTable,
    CMulTable,
    ConcatTable,
    CSubTable,
    FlattenTable,
    JoinTable,
    MapTable,
    MixtureTable,
    NarrowTable,
    ParallelTable,
    SelectTable,
    SplitTable,
    ZipTable,
    ZipTableOneToMany,
)
from .layers.transfer import (
    Clamp,
    GatedLinearUnit,
    HardShrink,
    HardTanh,
    LogSigmoid,
    LogSoftMax,
    Sigmoid,
    SoftMax,
    SoftMin,
    SoftPlus,
    SoftShrink,
    SoftSign,
    SpatialLogSoftMax,
    SpatialSoftMax,
    Tanh,
    TanhShrink,
)
from .layers.upsampling import PixelShuffle, SpatialUpSamplingBilinear, SpatialUpSamplingNearest, UpSampling
from .module import Criterion, Module
from .random import manualSeed
from .regularization import L1L2, regularization_penalty, regularize_parameters, regularize_parameters_as_published
from .serialization.files import T7Reader, T7Writer, dumps, load, loads, save
from .serialization.values import ObjectKey, Storage, T7Error, TorchFunction, TorchObject
from .training import StochasticGradient

if not _typing.TYPE_CHECKING:  # type checkers are to see that a name is missing
    from .names import __getattr__

__version__ = '0.1.0'
