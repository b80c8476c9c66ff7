"""Losses."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from . import networks


def class_nll(m, x, target):
    x, labels = np.atleast_2d(x), np.atleast_1d(target).astype(int) - 1
    kept = labels + 1 != m.ignoreIndex
    weights = np.ones(x.shape[1]) if m.weights is None else m.weights
    shares = weights[labels[kept]]
    total = -(shares * x[kept, labels[kept]]).sum()
    return total / shares.sum() if m.sizeAverage and shares.sum() else total


def multi_margin(m, x, target):
    x, labels = np.atleast_2d(x), np.atleast_1d(target).astype(int) - 1
    total = 0.0
    for row, label in zip(x, labels, strict=True):
        excess = np.maximum(0, m.margin - row[label] + np.delete(row, label)) ** m.p
        total += excess.sum() * (1 if m.weights is None else m.weights[label]) / len(row)
    return total / len(x) if m.sizeAverage else total


def multi_label_margin(m, x, target):
    total = 0.0
    for row, listed in zip(np.atleast_2d(x), np.atleast_2d(target).astype(int), strict=True):
        labels = listed[: [*listed, 0].index(0)] - 1
        others = np.delete(row, labels)
        total += sum(np.maximum(0, 1 - row[label] + others).sum() for label in labels) / len(row)
    return total / len(np.atleast_2d(x)) if m.sizeAverage else total


def cross_entropy(m, x, target):
    return class_nll(m.nll, special.log_softmax(np.squeeze(x), -1), np.squeeze(target))


def cross_entropy_of_flags(m, x, t):
    weights = 1 if m.weights is None else m.weights
    return -weights * (np.log(x + 1e-12) * t + np.log(1 - x + 1e-12) * (1 - t))


def l1_hinge(m, pair, y):
    distance = np.abs(pair[0] - pair[1]).sum()
    return distance if y == 1 else max(0, m.margin - distance)


def cosine_embedding(m, pair, target):
    (a, b), y = map(np.atleast_2d, pair), np.atleast_1d(target)
    cosine = (a * b).sum(1) / np.sqrt(((a * a).sum(1) + 1e-12) * ((b * b).sum(1) + 1e-12))
    losses = np.where(y == 1, 1 - cosine, np.maximum(0, cosine - m.margin))
    return losses.mean() if m.sizeAverage else losses.sum()


def averaged(loss: Callable) -> Callable:
    """The reference of a loss by elements: their mean, or their sum without ``sizeAverage``."""

    def reference(m, x, target):
        losses = loss(m, x, target)
        return losses.mean() if m.sizeAverage else losses.sum()

    return reference


def smooth_l1(m, x, t):
    d = np.abs(x - t)
    return np.where(d < 1, d * d / 2, d - 0.5)


def loss(m, x, target):
    """The loss of a criterion by its reference; None where there is none."""
    reference = REFERENCES.get(type(m).__name__)
    return None if reference is None else reference(m, x, target)


def simplex(classes: int):
    """The corners of a regular simplex in the first classes - 1 dimensions, at distance 1 from the origin: by QR, from
    the unit vectors less their mean, whose inner products are those of a simplex."""
    corners = np.eye(classes) - 1 / classes
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    lower = np.linalg.qr(corners.T)[1].T
    signs = np.where(np.diag(lower) < 0, -1, 1)
    return np.where(np.arange(classes) < classes - 1, lower * signs, 0)


def class_simplex(m, x, target):
    labels = np.atleast_1d(target).astype(int) - 1
    return (np.atleast_2d(x) - simplex(m.nClasses)[labels]) ** 2


def cropped(m, x, target):
    top, left = ((outer - inner) // 2 for outer, inner in zip(target.shape[-2:], x.shape[-2:], strict=True))
    return (x - target[..., top : top + x.shape[-2], left : left + x.shape[-1]]) ** 2


def weighted_sum(m, inputs, targets):
    losses = networks.all_of(loss(*parts) for parts in zip(m.criterions, inputs, targets, strict=True))
    return None if losses is None else sum(w * part for w, part in zip(m.weights, losses, strict=True))


def parallel_criterion(m, x, target):
    count = len(m.criterions)
    return weighted_sum(m, x[:count], [target] * count if m.repeatTarget else target[:count])


def behind_modules(m, x, target):
    x = x if m.inputModule is None else networks.output(m.inputModule, x)
    target = target if m.targetModule is None else networks.output(m.targetModule, target)
    return None if x is None or target is None else loss(m.criterion, x, target)


def over_steps(m, x, target):
    losses = networks.all_of(loss(m.criterion, *pair) for pair in zip(x, target, strict=True))
    return None if losses is None else sum(losses) / (len(losses) if m.sizeAverage else 1)


def nll_of_places(m, x, target):
    """The loss of the classes at every place: x ``(N, classes, ...)``, target ``(N, ...)``."""
    labels = target.astype(int) - 1
    chosen = np.take_along_axis(x, labels[:, None], 1)[:, 0]
    weights = getattr(m, 'nll', m).weights
    shares = np.ones_like(chosen) if weights is None else weights[labels]
    total = -(shares * chosen).sum()
    return total / shares.sum() if m.sizeAverage else total


def cross_entropy_of_places(m, x, target):
    return nll_of_places(m, special.log_softmax(x, 1), target)


def cross_entropy_of_sigmoid(m, x, t):
    return (np.logaddexp(0, x) - x * t) * (1 if m.weights is None else m.weights)


REFERENCES: dict[str, Callable[..., Any]] = {
    'MSECriterion': averaged(lambda m, x, t: (x - t.reshape(x.shape)) ** 2),
    'AbsCriterion': averaged(lambda m, x, t: np.abs(x - t)),
    'SmoothL1Criterion': averaged(smooth_l1),
    'MarginCriterion': averaged(lambda m, x, t: np.maximum(0, m.margin - x * t)),
    'SoftMarginCriterion': averaged(lambda m, x, t: np.log1p(np.exp(-x * t))),
    'HingeEmbeddingCriterion': averaged(lambda m, x, t: np.where(t == 1, x, np.maximum(0, m.margin - x))),
    'ClassNLLCriterion': class_nll,
    'CrossEntropyCriterion': cross_entropy,
    'MultiMarginCriterion': multi_margin,
    'MultiLabelMarginCriterion': multi_label_margin,
    'BCECriterion': averaged(cross_entropy_of_flags),
    'L1HingeEmbeddingCriterion': l1_hinge,
    'CosineEmbeddingCriterion': cosine_embedding,
    'MultiLabelSoftMarginCriterion': averaged(cross_entropy_of_sigmoid),
    'WeightedMSECriterion': averaged(lambda m, x, t: (x - t * m.weight.reshape(-1, *x.shape[1:])) ** 2),
    'SpatialAutoCropMSECriterion': averaged(cropped),
    'ClassSimplexCriterion': averaged(class_simplex),
    'DistKLDivCriterion': averaged(lambda m, x, t: np.where(t > 0, special.xlogy(t, t) - t * x, 0)),
    'L1Cost': lambda m, x, t=None: np.abs(x).sum(),
    'MarginRankingCriterion': averaged(lambda m, x, y: np.maximum(0, m.margin - y * (x[0] - x[1]))),
    'DistanceRatioCriterion': averaged(lambda m, x, t: np.logaddexp(0, x[0] - x[1])),
    'SpatialClassNLLCriterion': nll_of_places,
    'SpatialCrossEntropyCriterion': cross_entropy_of_places,
    'VolumetricCrossEntropyCriterion': cross_entropy_of_places,
    'MultiCriterion': lambda m, x, t: weighted_sum(m, [x] * len(m.criterions), [t] * len(m.criterions)),
    'ParallelCriterion': parallel_criterion,
    'ModuleCriterion': behind_modules,
    'SequencerCriterion': over_steps,
    # of tests/plain_layers.py
    'Huber': lambda m, x, t: smooth_l1(m, x, t).mean(),
    # a criterion as a layer
    'CriterionTable': lambda m, x: loss(m.criterion, *x),
}
REFERENCES = networks.REFERENCES | REFERENCES
