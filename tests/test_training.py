"""The trainer against runs of the real one (golden/training), and bad input."""

import re

import numpy as np
import pytest
from golden_files import GOLDEN, TOLERANCE, assert_same, build, build_with_sharing, load, value

import t7nn as nn
from t7nn import random


def records(folder):
    return [
        pytest.param(load(f'{folder}/{path.name}'), id=path.stem)
        for path in sorted((GOLDEN / folder).glob('*.json'))
        if 'trainer' in load(f'{folder}/{path.name}')
    ]


def set_up(record):
    """The trainer, the dataset and the parameters of a record, as it was before training."""
    type = record.get('type', 'torch.DoubleTensor')
    net = build_with_sharing(record).type(type)
    trainer = nn.StochasticGradient(net, build(record['criterion'], type))
    for field, setting in record['trainer'].items():
        assert hasattr(trainer, field)
        setattr(trainer, field, setting)
    dataset = [tuple(value(pair)) for pair in record['dataset']]
    assert_same(net.parameters()[0], value(record['initialParameters']))
    nn.manualSeed(record['trainSeed'])
    return trainer, dataset


def same_lines(lines, expected, tolerance):
    """Lines are equal to the character where their numbers agree to 14 digits; float32 runs agree to fewer."""
    assert len(lines) == len(expected)
    for line, its in zip(lines, expected, strict=True):
        text, number = re.fullmatch(r'(.*?)(?: = (\S+))?', line).groups()
        its_text, its_number = re.fullmatch(r'(.*?)(?: = (\S+))?', its).groups()
        assert text == its_text
        if number != its_number:
            assert float(number) == pytest.approx(float(its_number), rel=tolerance)


class Recorder:
    """Runs a record and keeps what the record keeps."""

    def __init__(self, record):
        self.record = record
        self.trainer, self.dataset = set_up(record)
        self.trainer.log = self.print
        self.trainer.hookExample, self.trainer.hookIteration = self.example, self.iteration
        self.lines, self.order, self.errors, self.rates, self.events, self.iterations = [], [], [], [], [], []
        self.update = self.trainer.module.accUpdateGradParameters
        self.trainer.module.accUpdateGradParameters = self.updating

    def print(self, line):
        self.lines.append(line)
        self.events.append(f'print {line}')

    def updating(self, input, gradOutput, rate):
        if not self.rates or self.rates[-1] != rate:
            self.rates.append(rate)
        self.update(input, gradOutput, rate)

    def example(self, trainer, example):
        self.order.append(next(i for i, one in enumerate(self.dataset, 1) if one is example))
        self.errors.append(trainer.criterion.output)
        self.events.append(f'example {self.order[-1]}')

    def iteration(self, trainer, iteration, error):
        self.iterations.append((iteration, error, [np.copy(p) for p in trainer.module.parameters()[0]]))
        self.events.append(f'iteration {iteration}')
        if iteration == self.record.get('failAt'):
            raise RuntimeError(self.record['fails'])
        for field, setting in self.record.get('changes', {}).get(str(iteration), {}).items():
            setattr(trainer, field, setting)

    def run(self):
        for _ in range(self.record['trains']):
            if 'fails' in self.record:
                with pytest.raises(RuntimeError, match=self.record['fails']):
                    self.trainer.train(self.dataset)
            else:
                self.rates.append(None)
                self.trainer.train(self.dataset)
        self.rates = [rate for rate in self.rates if rate is not None]


def tolerance_of(record):
    # rounding grows over an epoch's updates
    return 100 * TOLERANCE[record['type']]


@pytest.mark.parametrize('record', records('training'))
def test_as_torch7(record):
    tolerance = tolerance_of(record)
    recorder = Recorder(record)
    recorder.run()
    if record['name'] == 'diverges':
        tolerance = 1e-6  # errors grow with the parameters themselves
    same_lines(recorder.lines, record['stdout'], tolerance)
    assert recorder.order == record['order']
    assert_same(recorder.errors, value(record['exampleErrors']), tolerance, 'exampleErrors')
    assert_same(recorder.rates, value(record['learningRates']), 1e-15, 'learningRates')
    if 'events' in record:
        assert [event.partition(' = ')[0] for event in recorder.events] == [
            event.partition(' = ')[0] for event in record['events']
        ]
    for (iteration, error, parameters), expected in zip(recorder.iterations, record['iterations'], strict=True):
        assert iteration == expected['iteration']
        assert_same(error, value(expected['error']), tolerance, 'error')
        if 'parameters' in expected:
            assert_same(parameters, value(expected['parameters']), tolerance, f'parameters after iteration {iteration}')
    assert_same(recorder.trainer.module.parameters()[0], value(record['finalParameters']), tolerance, 'finalParameters')
    assert random.random() == record['next']
    recorder.trainer.module.evaluate()
    for trial in record.get('try', []):
        assert_same(recorder.trainer.module.forward(value(trial['input'])), value(trial['output']), tolerance, 'try')


def small(hook=None):
    nn.manualSeed(1)
    trainer = nn.StochasticGradient(nn.Linear(2, 1), nn.MSECriterion())
    trainer.maxIteration = 2
    trainer.hookIteration = hook
    dataset = [(np.array([1.0, 2.0]), np.array([0.5])), (np.array([-1.0, 0.5]), np.array([1.0]))]
    return trainer, dataset


def test_a_number_that_the_hook_returns_is_the_error():
    lines = []
    trainer, dataset = small(lambda trainer, iteration, error: iteration * 10)
    trainer.log = lines.append
    trainer.train(dataset)
    assert lines[1:3] == ['# current error = 10', '# current error = 20']
    assert lines[-1] == '# training error = 20'


@pytest.mark.parametrize('returned', [None, True, 'text', [1.0]])
def test_what_is_no_number_leaves_the_error(returned):
    lines, plain = [], []
    for hook, log in ((lambda *arguments: returned, lines), (None, plain)):
        trainer, dataset = small(hook)
        trainer.log = log.append
        trainer.train(dataset)
    assert lines == plain


def test_log_none_is_silent(capsys):
    trainer, dataset = small()
    trainer.log = None
    trainer.train(dataset)
    assert capsys.readouterr().out == ''


def test_log_is_print_by_default(capsys):
    trainer, dataset = small()
    trainer.train(dataset)
    assert capsys.readouterr().out.startswith('# StochasticGradient: training\n# current error = ')


@pytest.mark.parametrize('sequence', [tuple, lambda pairs: [list(pair) for pair in pairs]])
def test_any_sequence_is_a_dataset(sequence):
    one, other = small(), small()
    one[0].train(one[1])
    nn.manualSeed(1)
    other = small()
    other[0].train(sequence(other[1]))
    assert np.array_equal(one[0].module.weight, other[0].module.weight)


def test_empty_dataset():
    with pytest.raises(ValueError, match='nn.StochasticGradient: expected a dataset of at least one example, got none'):
        small()[0].train([])


@pytest.mark.parametrize('example', [np.ones(3), (np.ones(2),), (np.ones(2), 1, 2), 7, None])
def test_example_that_is_no_pair(example):
    trainer, dataset = small()
    before = trainer.module.weight.copy()
    with pytest.raises(
        ValueError, match=r'(?s)' r'expected a pair \(input, target\), got .*\nIn example 1 of the dataset'
    ):
        trainer.train([example])
    assert np.array_equal(trainer.module.weight, before)


@pytest.mark.parametrize('name', ['hookIteration', 'hookExample', 'log'])
def test_hook_that_is_not_callable(name):
    trainer, dataset = small()
    setattr(trainer, name, 'print')
    with pytest.raises(TypeError, match=f"expected a function or None as {name}, got str 'print'"):
        trainer.train(dataset)


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        ((np.ones(3), np.ones(1)), r'nn.Linear\(2 -> 1\): expected input of size 2'),
        ((np.ones(2), np.ones(2)), 'nn.MSECriterion: expected target of 1 elements'),
        ((np.ones(2, np.float32), np.ones(1)), 'expected input of float64, got float32'),
        (([1.0, 2.0], np.ones(1)), 'expected a tensor as input, got a table of 2'),
    ],
)
def test_error_in_the_middle_leaves_the_last_whole_update(bad, message):
    kept, seen = [], []
    trainer, dataset = small()
    trainer.shuffleIndices = False
    trainer.hookExample = lambda trainer, example: kept.append(trainer.module.weight.copy())
    with pytest.raises((ValueError, TypeError), match=message):
        trainer.train([*dataset, bad, *dataset])
    assert len(kept) == 2
    assert np.array_equal(trainer.module.weight, kept[-1])
    trainer.hookExample = lambda trainer, example: seen.append(example)
    trainer.train(dataset)
    assert len(seen) == 4


def test_interrupt_leaves_a_usable_trainer():
    calls = []

    def interrupt(trainer, example):
        calls.append(example)
        if len(calls) == 3:
            raise KeyboardInterrupt

    trainer, dataset = small()
    trainer.hookExample = interrupt
    with pytest.raises(KeyboardInterrupt):
        trainer.train(dataset)
    assert trainer.module.gradWeight is not trainer.module.weight
    trainer.train(dataset)
    assert np.isfinite(trainer.module.weight).all()


def test_interrupt_within_an_update():
    trainer, dataset = small()
    original = trainer.module.accGradParameters

    def interrupted(*arguments):
        original(*arguments)
        raise KeyboardInterrupt

    trainer.module.accGradParameters = interrupted
    gradient = trainer.module.gradWeight
    with pytest.raises(KeyboardInterrupt):
        trainer.train(dataset)
    assert trainer.module.gradWeight is gradient
    del trainer.module.accGradParameters
    trainer.train(dataset)


class OfSize:
    """A dataset with a size() that may be anything."""

    def __init__(self, size):
        self.number = size

    def size(self):
        return self.number

    def __getitem__(self, index):
        return np.ones(2), np.ones(1)


def quiet(**fields):
    trainer = nn.StochasticGradient(nn.Linear(2, 1), nn.MSECriterion())
    for name, field in {'log': None, 'maxIteration': 3, **fields}.items():
        setattr(trainer, name, field)
    return trainer


@pytest.mark.parametrize('size', ['2', None, 2.5, -1])
def test_size_that_is_no_size(size):
    with pytest.raises(TypeError, match=r'nn.StochasticGradient: expected a whole number from size\(\) of a dataset'):
        quiet().train(OfSize(size))


@pytest.mark.parametrize(
    'field, value',
    [
        ('learningRate', 'x'),
        ('learningRateDecay', None),
        ('maxIteration', 'x'),
        ('criterion', None),
        ('module', None),
        ('hookIteration', 3),
        ('log', 3),
    ],
)
def test_a_field_that_a_hook_spoils(field, value):
    trainer = quiet(hookIteration=lambda trainer, iteration, error: setattr(trainer, field, value))
    with pytest.raises(TypeError, match=f'nn.StochasticGradient: expected .* as {field}'):
        trainer.train(OfSize(2))


def test_a_decay_that_divides_by_zero():
    with pytest.raises(ValueError, match='expected a learningRateDecay with which the rate of iteration 2 is finite'):
        quiet(learningRateDecay=-0.5).train(OfSize(2))


def test_stop_in_an_example_ends_the_training():
    lines, seen = [], []

    def stop(trainer, example):
        seen.append(trainer.criterion.output)
        if len(seen) == 2:
            raise nn.hooks.Stop('enough')

    quiet(hookExample=stop, log=lines.append).train(OfSize(4))
    assert len(seen) == 2
    assert lines[-2:] == [
        '# StochasticGradient: stopped in iteration 1: enough',
        f'# training error = {sum(seen) / 2:.14g}',
    ]


@pytest.mark.parametrize('loss', [None, np.ones(2), 'x', 1j])
def test_a_loss_that_is_no_number(loss):
    class Odd(nn.Criterion):
        def updateOutput(self, input, target=None):
            self.output = loss
            return loss

    with pytest.raises(TypeError, match='expected a number as the loss of nn.Odd, got'):
        quiet(criterion=Odd()).train(OfSize(2))


def test_a_hook_may_return_an_array_of_one_number():
    lines = []
    quiet(hookIteration=lambda *_: np.array(0.5), log=lines.append, maxIteration=1).train(OfSize(2))
    assert lines[1] == '# current error = 0.5'


@pytest.mark.parametrize(
    'order, iteration', [(None, 1), (3, 1), (['a', 'b'], 1), ([0, 0], 1), ([0, 1], 'a'), ([0, 1], 0)]
)
def test_go_on_from_nowhere(order, iteration):
    with pytest.raises(ValueError, match='nn.StochasticGradient: expected an (order of 2 examples|iteration)'):
        quiet().go_on(OfSize(2), order, iteration)
