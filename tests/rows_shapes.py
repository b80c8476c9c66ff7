"""Rows of layers/shapes.py."""

import numpy as np
from table import ANY_DTYPE, Row

import t7nn as nn


def converter(*shapes, like):
    """A Convert that has seen an input, so that the layer in it is there already."""
    module = nn.Convert(*shapes)
    module.forward(np.zeros(like))
    return module.clearState()


ROWS = [
    Row(lambda: nn.Reshape(2, 3), (4, 6)),
    Row(lambda: nn.Reshape(3, 2), (2, 3), batch=False),
    Row(lambda: nn.Reshape(6, True), (1, 2, 3)),
    Row(lambda: nn.View(-1), (2, 3), batch=False),
    Row(
        lambda: nn.View(6),
        (4, 2, 3),
        skip={'examples': 'a batch of one is not told from a single example, as in Torch7'},
    ),
    Row(lambda: nn.View(-1).setNumInputDims(2), (4, 2, 3)),
    Row(lambda: nn.Collapse(2), (4, 2, 3)),
    Row(lambda: nn.Collapse(2), (2, 3), batch=False),
    Row(lambda: nn.Squeeze(), (2, 1, 3, 1), batch=False),
    Row(lambda: nn.Squeeze(2), (4, 1, 3)),
    Row(lambda: nn.Squeeze(1, 2), (4, 1, 3)),
    Row(lambda: nn.Squeeze(None, 2), (4, 1, 3)),
    Row(lambda: nn.Squeeze(-1), (4, 1)),
    Row(lambda: nn.Unsqueeze(1), (2, 3), batch=False),
    Row(lambda: nn.Unsqueeze(3), (2, 3)),
    Row(lambda: nn.Unsqueeze(1, 1), (4, 3)),
    Row(lambda: converter(like=(4, 3)), (4, 3), skip=ANY_DTYPE),
    Row(lambda: converter('bchw', 'bf', like=(4, 2, 1, 3)), (4, 2, 1, 3), skip=ANY_DTYPE),
    Row(lambda: converter('cbh', 'bf', like=(2, 4, 3)), (2, 4, 3), batch=False, skip=ANY_DTYPE),
    Row(lambda: converter('chw', 'f', like=(2, 1, 3)), (2, 1, 3), batch=False, skip=ANY_DTYPE),
    Row(lambda: converter('bhwc', 'bchw', like=(4, 2, 1, 3)), (4, 2, 1, 3), skip=ANY_DTYPE),
    Row(lambda: converter('bt', 'b', like=(4, 3)), (4, 3), batch=False, skip=ANY_DTYPE),
    Row(lambda: converter('b', 'bt', like=(4,)), (4,), batch=False, skip=ANY_DTYPE),
    Row(lambda: nn.Transpose([1, 2]), (2, 3), batch=False),
    Row(lambda: nn.Transpose([2, 3], [3, 4]), (4, 2, 1, 3)),
    Row(lambda: nn.Transpose([1, 2]).setNumInputDims(2), (4, 2, 3)),
    Row(lambda: nn.Replicate(3), (2,), batch=False),
    Row(lambda: nn.Replicate(3, 2), (4, 2)),
    Row(lambda: nn.Replicate(2, 1, 1), (4, 3)),
]
