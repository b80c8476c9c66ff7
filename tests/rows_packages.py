"""Rows of the layers of other packages."""

import numpy as np
from table import COMPARES, CriterionRow, Row, away_from_zero

import t7nn as nn
from t7nn.packages import char_rnn, cudnn, dpnn, inn, neural_style, nnx, rnn, stn


def evaluating(module):
    module.evaluate()
    return module


def given(module, **fields):
    """`module` with these fields."""
    vars(module).update(fields)
    return module


def steps(*shapes):
    """A table of tensors, one a step."""
    return lambda rng: [away_from_zero(rng, *shape) for shape in shapes]


def with_zeros(rng):
    """A sequence in which one step of each of two examples is zero."""
    sequence = away_from_zero(rng, 4, 2, 3)
    sequence[1, 0] = sequence[2, 1] = 0
    return sequence


def positive(*shape):
    return lambda rng: np.abs(away_from_zero(rng, *shape))


def images_and_grids(rng):
    return [away_from_zero(rng, 2, 3, 4, 2), rng.uniform(-1.3, 1.3, (2, 2, 3, 2))]


def images_and_boxes(rng):
    boxes = np.array([[1, 1.2, 1.3, 4.1, 3.2], [2, 2.2, 1.1, 5.1, 5.2], [1, 3.1, 3.1, 3.3, 3.3]])
    return [positive(2, 2, 5, 5)(rng), boxes]


def of_boxes(pooling):
    """`pooling` with boxes that do not change, so that gradients are those of the images alone."""
    boxes = images_and_boxes(np.random.RandomState(0))[1]
    return nn.Sequential().add(nn.ConcatTable().add(nn.Identity()).add(nn.Constant(boxes))).add(pooling)


def inception(**options):
    return dpnn.Inception(
        {'inputSize': 2, 'outputSize': [2, 1], 'reduceSize': [1, 2, 1, 1], 'kernelSize': [3, 5]} | options
    )


def kernel(*shape):
    return np.random.RandomState(3).rand(*shape) + 0.5


MASKED = {'input_gradient': 'the input is zero in places, where the mask depends on it'}
ROW_OF_ZEROS = {'parameters_kept': 'as in the rnn package, forward sets the row of index 0 to 0'}
BACKWARD_DATA_FIRST = {'order': 'as cuDNN, which asks for the gradient of the data before that of the weights'}
PASSES_ON = {'wrong_dtype': 'it passes on whatever it gets'}
SEQUENCE = steps((2, 3), (2, 3), (2, 3))

ROWS = [
    # dpnn
    Row(lambda: dpnn.LinearNoBias(3, 2), (4, 3)),
    Row(lambda: dpnn.LinearNoBias(3, 2), (3,), batch=False),
    Row(lambda: dpnn.Serial(nn.Linear(3, 2), 'torch.FloatTensor'), (4, 3)),
    Row(lambda: dpnn.ReverseTable(), steps((2, 3), (2, 1)), skip=PASSES_ON),
    Row(lambda: inception(), (2, 2, 5, 5)),
    Row(lambda: inception(transfer=nn.Tanh(), padding=False, poolSize=2, poolStride=2), (2, 5, 5), batch=False),
    Row(lambda: inception(batchNorm=True, reduceSize=[1, 2], transfer=nn.Sigmoid()), (2, 2, 3, 3), batch=False),
    Row(lambda: dpnn.FireModule(2, 1, 2, 2, 'Tanh'), (2, 2, 3, 3)),
    # rnn: one step a call, in a sequencer, which forgets
    Row(lambda: rnn.Sequencer(rnn.LSTM(3, 2)), SEQUENCE),
    Row(lambda: rnn.Sequencer(rnn.LSTM(3, 2)), (4, 2, 3), batch=False),
    Row(lambda: rnn.Sequencer(rnn.LSTM(3, 2)), (4, 3), batch=False),
    Row(lambda: rnn.Sequencer(rnn.LSTM(2, None, 9999, False)), steps((2, 2), (2, 2))),
    Row(lambda: rnn.Sequencer(rnn.LSTM(3, 2, 9999, True, 0.5)), steps((2, 3)), batch=False),
    Row(lambda: rnn.Sequencer(rnn.FastLSTM(3, 2)), SEQUENCE),
    Row(lambda: rnn.Sequencer(rnn.FastLSTM(3, 2)), (4, 3), batch=False),
    Row(lambda: rnn.Sequencer(rnn.FastLSTM(3, 2, p=0.5)), steps((2, 3)), batch=False),
    Row(lambda: rnn.Sequencer(rnn.GRU(3, 2)), SEQUENCE),
    Row(lambda: rnn.Sequencer(rnn.GRU(3, 2, p=0.5, mono=True)), steps((2, 3)), batch=False),
    Row(lambda: rnn.Sequencer(rnn.Recurrent(2, nn.Linear(3, 2), nn.Linear(2, 2))), SEQUENCE),
    Row(
        lambda: rnn.Sequencer(rnn.Recurrent(nn.Add(2), nn.Linear(3, 2), nn.Linear(2, 2), nn.Tanh())),
        (4, 3),
        batch=False,
    ),
    Row(
        lambda: rnn.Sequencer(
            nn.Sequential().add(nn.Linear(3, 3)).add(rnn.GRU(3, 3)).add(rnn.LSTM(3, 2)).add(nn.LogSoftMax())
        ),
        SEQUENCE,
    ),
    Row(lambda: rnn.Sequencer(nn.Linear(3, 2)), SEQUENCE),
    Row(lambda: rnn.Sequencer(rnn.Recursor(rnn.Recursor(rnn.GRU(3, 2)))), SEQUENCE),
    Row(lambda: rnn.Sequencer(rnn.Sequencer(rnn.LSTM(3, 2))), (2, 3, 2, 3), batch=False),
    Row(lambda: rnn.Repeater(rnn.LSTM(3, 2), 3), (2, 3)),
    Row(lambda: rnn.Repeater(nn.Sequential().add(rnn.GRU(3, 2)).add(nn.Tanh()), 2), (2, 3)),
    Row(lambda: rnn.BiSequencer(rnn.LSTM(3, 2)), SEQUENCE),
    Row(lambda: rnn.BiSequencer(rnn.LSTM(3, 2), rnn.GRU(3, 2), nn.CAddTable()), SEQUENCE),
    Row(lambda: rnn.SAdd(-1, True), (2, 3)),
    Row(lambda: rnn.SAdd(2), (2, 3)),
    Row(lambda: rnn.LazyDropout(0.5), (2, 3), batch=False),
    Row(lambda: rnn.LazyDropout(0.5, True, False, False, True), (2, 3), batch=False),
    Row(lambda: evaluating(rnn.LazyDropout(0.5)), (2, 3)),
    Row(lambda: rnn.MaskZero(nn.Linear(3, 2), 1), (4, 3)),
    Row(lambda: rnn.MaskZero(nn.Linear(3, 2), 1), lambda rng: with_zeros(rng)[1], skip=MASKED),
    Row(lambda: rnn.MaskZero(nn.CAddTable(), 1), steps((4, 3), (4, 3))),
    Row(lambda: rnn.MaskZero(nn.ConcatTable().add(nn.Linear(3, 2)), 1), (3,), batch=False),
    Row(lambda: rnn.Sequencer(rnn.LSTM(3, 2).maskZero(1)), lambda rng: list(with_zeros(rng)), skip=MASKED),
    Row(lambda: rnn.LookupTableMaskZero(4, 3), lambda rng: np.array([[1, 0, 3], [4, 4, 0]]), skip=ROW_OF_ZEROS),
    # rnn: whole sequences
    Row(lambda: rnn.SeqLSTM(3, 2), (4, 2, 3), batch=False),
    Row(lambda: given(rnn.SeqLSTM(3, 2), batchfirst=True), (2, 4, 3)),
    Row(lambda: rnn.SeqLSTM(3, 2), steps((2, 2), (2, 2), (4, 2, 3)), batch=False),
    Row(lambda: rnn.SeqLSTM(3, 2), steps((2, 2), (4, 2, 3)), batch=False),
    Row(lambda: rnn.SeqLSTM(3, 2).maskZero(), with_zeros, batch=False, skip=MASKED),
    Row(lambda: rnn.SeqGRU(3, 2), (4, 2, 3), batch=False),
    Row(lambda: given(rnn.SeqGRU(3, 2), batchfirst=True), (2, 4, 3)),
    Row(lambda: rnn.SeqGRU(3, 2), steps((2, 2), (4, 2, 3)), batch=False),
    Row(lambda: rnn.SeqGRU(3, 2).maskZero(), with_zeros, batch=False, skip=MASKED),
    # fast-neural-style
    Row(lambda: neural_style.InstanceNormalization(2), (2, 2, 3, 4)),
    Row(lambda: given(neural_style.InstanceNormalization(2), own_statistics=False), (2, 2, 3, 4)),
    Row(lambda: neural_style.ShaveImage(1), (2, 2, 4, 5)),
    Row(
        lambda: neural_style.TotalVariation(0.1),
        (2, 3, 3, 4),
        skip={'input_gradient': 'the gradient of the penalty is added, see test_packages'},
    ),
    # char-rnn
    Row(lambda: char_rnn.OneHot(4), lambda rng: np.array([1, 3, 4])),
    Row(lambda: char_rnn.OneHot(4), lambda rng: np.array([[1, 3, 4]])),
    # inn
    Row(lambda: inn.SpatialMaxPooling(2, 2, 2, 2), (2, 2, 5, 5)),
    Row(lambda: inn.SpatialAveragePooling(2, 2, 2, 2), (2, 2, 5, 5)),
    Row(lambda: inn.SpatialStochasticPooling(2, 2), positive(2, 2, 5, 5), batch=False),
    Row(lambda: inn.SpatialStochasticPooling(3, 2, 2, 1), positive(2, 4, 5), batch=False),
    Row(lambda: evaluating(inn.SpatialStochasticPooling(3, 2, 2, 2)), positive(2, 2, 5, 5)),
    Row(lambda: inn.MeanSubtraction(kernel(2, 3, 4)), (2, 2, 3, 4)),
    Row(lambda: inn.MeanSubtraction(kernel(1, 2, 3, 4)), (2, 3, 4), batch=False),
    Row(lambda: given(inn.ConstAffine(2), a=np.array([2.0, 3]), b=np.array([1.0, -1])), (2, 2, 3, 4)),
    Row(lambda: inn.ConstAffine(3), (2, 3)),
    Row(lambda: inn.SpatialPyramidPooling([2, 3], [1, 1]), (2, 2, 5, 5), skip=COMPARES),
    Row(lambda: inn.SpatialPyramidPooling([[2, 3], [1, 1]]), (2, 5, 5), batch=False, skip=COMPARES),
    Row(
        lambda: inn.SpatialSameResponseNormalization(3, 0.5),
        (2, 2, 5, 5),
        skip={'text': 'a Sequential prints nn.Sequential, as in Torch7'},
    ),
    Row(
        lambda: inn.ROIPooling(2, 3),
        images_and_boxes,
        batch=False,
        skip={'input_gradient': "a box's first number is that of an image, see test_packages"},
    ),
    Row(
        lambda: given(inn.ROIPooling(2, 2, 0.9), v2=False),
        images_and_boxes,
        batch=False,
        skip={'input_gradient': "a box's first number is that of an image, see test_packages"},
    ),
    Row(lambda: of_boxes(inn.ROIPooling(2, 3)), (2, 2, 5, 5), batch=False),
    Row(lambda: of_boxes(given(inn.ROIPooling(2, 2, 0.9), v2=False)), (2, 2, 5, 5), batch=False),
    # stnbhwd
    Row(lambda: stn.AffineTransformMatrixGenerator(), (3, 6)),
    Row(lambda: stn.AffineTransformMatrixGenerator(True), (3, 1)),
    Row(lambda: stn.AffineTransformMatrixGenerator(False, True), (3, 1)),
    Row(lambda: stn.AffineTransformMatrixGenerator(True, False, True), (3, 3)),
    Row(lambda: stn.AffineTransformMatrixGenerator(True, True, True), (3, 4)),
    Row(lambda: stn.AffineTransformMatrixGenerator(True, True, True), (4,), batch=False),
    Row(lambda: stn.AffineGridGeneratorBHWD(3, 4), (2, 2, 3)),
    Row(lambda: stn.AffineGridGeneratorBHWD(3, 2), (2, 3), batch=False),
    Row(lambda: stn.BilinearSamplerBHWD(), images_and_grids),
    Row(lambda: stn.BilinearSamplerBHWD(), lambda rng: [part[0] for part in images_and_grids(rng)], batch=False),
    # nnx
    Row(lambda: nnx.SpatialPadding(1, -1, 2, 0), (2, 4, 3), batch=False),
    Row(lambda: nnx.SpatialPadding(1, y_dim=3, x_dim=4, val=0.5), (2, 2, 4, 3)),
    Row(lambda: nnx.SpatialReSampling(owidth=3, oheight=4), (2, 2, 5, 3)),
    Row(lambda: nnx.SpatialReSampling(1.5, 2), (2, 4, 3), batch=False),
    Row(lambda: nnx.SpatialNormalization(2, kernel(3, 3)), (2, 5, 6), batch=False),
    Row(lambda: nnx.SpatialNormalization(2, kernel(3, 3), 0.3), (2, 5, 6), batch=False),
    Row(lambda: nnx.SpatialNormalization(1, [kernel(1, 4), kernel(4, 1)]), (6, 6), batch=False),
    # cudnn
    Row(lambda: cudnn.RNN(3, 2, 1), (4, 2, 3), batch=False, skip=BACKWARD_DATA_FIRST),
    Row(lambda: cudnn.RNNReLU(3, 2, 2), (4, 2, 3), batch=False, skip=BACKWARD_DATA_FIRST),
    Row(lambda: cudnn.RNNTanh(3, 2, 2, True), (2, 4, 3), skip=BACKWARD_DATA_FIRST),
    Row(lambda: cudnn.LSTM(3, 2, 2), (4, 2, 3), batch=False, skip=BACKWARD_DATA_FIRST),
    Row(lambda: cudnn.LSTM(3, 2, 2, False, 0.4), (3, 2, 3), batch=False, skip=BACKWARD_DATA_FIRST),
    Row(lambda: cudnn.GRU(3, 2, 2, True), (2, 4, 3), skip=BACKWARD_DATA_FIRST),
    Row(lambda: cudnn.BLSTM(3, 2, 2, True), (2, 4, 3), skip=BACKWARD_DATA_FIRST),
    Row(lambda: cudnn.BGRU(3, 2, 2), (4, 2, 3), batch=False, skip=BACKWARD_DATA_FIRST),
    Row(lambda: cudnn.VolumetricSoftMax(), (2, 3, 2, 2, 2)),
    Row(lambda: cudnn.VolumetricLogSoftMax(), (3, 2, 2, 2), batch=False),
    # criterions
    CriterionRow(lambda: rnn.SequencerCriterion(nn.MSECriterion()), SEQUENCE, SEQUENCE, batch=False),
    CriterionRow(lambda: rnn.SequencerCriterion(nn.MSECriterion(), True), (4, 2, 3), (4, 2, 3), batch=False),
    CriterionRow(lambda: cudnn.SpatialCrossEntropyCriterion(), (2, 3, 2, 2), lambda rng: rng.randint(1, 4, (2, 2, 2))),
    CriterionRow(
        lambda: given(cudnn.VolumetricCrossEntropyCriterion(np.array([1.0, 2, 3])), sizeAverage=False),
        (2, 3, 2, 2, 2),
        lambda rng: rng.randint(1, 4, (2, 2, 2, 2)),
    ),
]
