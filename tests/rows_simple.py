"""Rows of the layers of simple.md: shapes, selection, arithmetic and the miscellaneous ones."""

import numpy as np
from table import Row, away_from_zero

import t7nn as nn

PASSED_ON = {'wrong_dtype': 'passes on whatever comes'}
ANY_DTYPE = {'wrong_dtype': 'takes tensors of every dtype'}
IN_PLACE = {
    name: 'works in place, so the input is another one afterwards'
    for name in ('input_gradient', 'untouched', 'buffers', 'accumulation')
}


def several(*shapes):
    return lambda rng: [away_from_zero(rng, *shape) for shape in shapes]


def positive(*shape):
    return lambda rng: np.abs(away_from_zero(rng, *shape))


def indexed(*shape, size, count):
    return lambda rng: [away_from_zero(rng, *shape), rng.randint(1, size + 1, count)]


def masked(*shape):
    return lambda rng: [away_from_zero(rng, *shape), (rng.rand(*shape) < 0.5).astype(np.uint8)]


def numbers(*shape, size):
    return lambda rng: rng.randint(1, size + 1, shape)


def converter(*shapes, like):
    """A Convert that has seen an input, so that the layer in it is there already."""
    module = nn.Convert(*shapes)
    module.forward(np.zeros(like))
    return module.clearState()


SHAPES = [
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
    Row(lambda: nn.Contiguous(), (2, 3)),
    Row(lambda: nn.Copy(), (4, 3), skip=ANY_DTYPE),
    Row(lambda: nn.Copy('float64', 'float64', True), (4, 3), skip=ANY_DTYPE),
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
    Row(lambda: nn.Padding(1, 2), (3,), batch=False),
    Row(lambda: nn.Padding(2, -1), (4, 3)),
    Row(lambda: nn.Padding(1, 2, 2, -1.5), (4, 2, 3)),
    Row(lambda: nn.Padding(2, -2, None, 1, 3), (4, 3)),
    Row(lambda: nn.Narrow(1, 2), (3,), batch=False, skip=ANY_DTYPE),
    Row(lambda: nn.Narrow(2, 2, 3), (4, 5), skip=ANY_DTYPE),
    Row(lambda: nn.Narrow(-1, 2, -2), (4, 2, 5), skip=ANY_DTYPE),
    Row(lambda: nn.Narrow(2, -1, 2), (4, 5), skip=ANY_DTYPE),
    Row(lambda: nn.Select(1, 2), (3, 4), batch=False, skip=ANY_DTYPE),
    Row(lambda: nn.Select(2, -1), (4, 3), skip=ANY_DTYPE),
    Row(lambda: nn.Select(-1, 1), (4, 2, 3), skip=ANY_DTYPE),
    Row(lambda: nn.Index(1), indexed(4, 3, size=4, count=6), batch=False),
    Row(lambda: nn.Index(2), indexed(2, 5, size=5, count=3), batch=False),
    Row(lambda: nn.Index(1), indexed(6, size=6, count=4), batch=False),
    Row(lambda: nn.MaskedSelect(), masked(7), batch=False),
    Row(lambda: nn.MaskedSelect(), masked(2, 3), batch=False),
    Row(lambda: nn.PixelShuffle(2), (4, 8, 1, 2)),
    Row(lambda: nn.PixelShuffle(3), (9, 2, 1), batch=False),
]

ARITHMETIC = [
    Row(lambda: nn.Sum(), (4,), batch=False),
    Row(lambda: nn.Sum(2), (4, 3)),
    Row(lambda: nn.Sum(1, 2), (4, 3, 2)),
    Row(lambda: nn.Sum(-1, None, True), (4, 2, 3)),
    Row(lambda: nn.Sum(2, None, False, False), (4, 3)),
    Row(lambda: nn.Mean(), (4, 3), batch=False),
    Row(lambda: nn.Mean(1, 1), (4, 3)),
    Row(lambda: nn.Max(), (5,), batch=False),
    Row(lambda: nn.Max(2), (4, 3)),
    Row(lambda: nn.Max(-1), (4, 2, 3)),
    Row(lambda: nn.Max(1, 2), (4, 3, 2)),
    Row(lambda: nn.Min(), (5,), batch=False),
    Row(lambda: nn.Min(2), (4, 3)),
    Row(lambda: nn.Min(1, 2), (4, 3, 2)),
    Row(lambda: nn.Abs(), (4, 3)),
    Row(lambda: nn.Exp(), (3,), batch=False),
    Row(lambda: nn.Log(), positive(4, 3)),
    Row(lambda: nn.Sqrt(), positive(4, 3)),
    Row(lambda: nn.Sqrt(0.1), positive(4, 3)),
    Row(lambda: nn.Square(), (4, 3)),
    Row(lambda: nn.Power(3), (4, 3)),
    Row(lambda: nn.Power(-0.5), positive(4, 3)),
    Row(lambda: nn.AddConstant(1.5), (4, 3)),
    Row(lambda: nn.AddConstant(np.array([1.0, 2.0, 3.0])), (4, 3)),
    Row(lambda: nn.AddConstant(np.array([1.0, 2.0, 3.0])), (3,), batch=False),
    Row(lambda: nn.AddConstant(-2, True), (4, 3), skip=IN_PLACE),
    Row(lambda: nn.MulConstant(2.5), (4, 3)),
    Row(lambda: nn.MulConstant(-0.5, True), (4, 3), skip=IN_PLACE),
    Row(lambda: nn.MM(), several((2, 3), (3, 4)), batch=False),
    Row(lambda: nn.MM(), several((4, 2, 3), (4, 3, 2))),
    Row(lambda: nn.MM(True), several((4, 3, 2), (4, 3, 2))),
    Row(lambda: nn.MM(False, True), several((2, 3), (4, 3)), batch=False),
    Row(lambda: nn.MM(True, True), several((4, 3, 2), (4, 2, 3))),
    Row(lambda: nn.MV(), several((2, 3), (3,)), batch=False),
    Row(lambda: nn.MV(), several((4, 3, 2), (4, 2))),
    Row(lambda: nn.MV(True), several((3, 2), (3,)), batch=False),
    Row(lambda: nn.MV(True), several((4, 3, 2), (4, 3))),
]

MISCELLANEOUS = [
    Row(lambda: nn.Identity('ignored', 3), several((4, 3), (4, 2)), skip=PASSED_ON),
    Row(lambda: nn.OneHot(4), numbers(5, size=4)),
    Row(lambda: nn.OneHot(3), numbers(4, 2, size=3)),
    Row(lambda: nn.Constant(3.5), (2, 2), batch=False, skip={'wrong_dtype': 'does not look at the input'}),
    Row(lambda: nn.Constant(np.array([[1.0, 2.0]]), 1), (4, 3)),
    Row(lambda: nn.Constant(np.array([1.0, 2.0]), 2), (2, 3), batch=False),
    Row(lambda: nn.PrintSize(), (4, 3), skip=PASSED_ON),
    Row(lambda: nn.ZeroGrad(), (4, 3), skip={**PASSED_ON, 'input_gradient': 'its gradient is 0 on purpose'}),
    Row(lambda: nn.ZeroGrad(), several((4, 3), (4,)), skip={**PASSED_ON, 'input_gradient': '0 on purpose'}),
    Row(lambda: nn.L1Penalty(0.5), (4, 3), skip={'input_gradient': 'adds the gradient of the penalty'}),
    Row(
        lambda: nn.L1Penalty(0.1, True, False),
        (4, 3),
        batch=False,
        skip={'input_gradient': 'gives the gradient of the penalty'},
    ),
]

ROWS = SHAPES + ARITHMETIC + MISCELLANEOUS
