"""The trainer's hooks: what they keep, that they compose, pickle, and leave the network whole."""

import io
import os
import pickle

import numpy as np
import pytest

import t7nn as nn
from t7nn import hooks


def problem(iterations=5, rate=0.1):
    nn.manualSeed(3)
    x = nn.random.rand(12, 2)
    y = x.sum(1, keepdims=True)
    net = nn.Sequential().add(nn.Linear(2, 4)).add(nn.Dropout(0.2)).add(nn.Tanh()).add(nn.Linear(4, 1))
    trainer = nn.StochasticGradient(net, nn.MSECriterion())
    trainer.log, trainer.learningRate, trainer.maxIteration = None, rate, iterations
    return trainer, x, y, list(zip(x, y, strict=True))


ALL = [
    hooks.History(norm=hooks.norm),
    hooks.Evaluate(np.ones((2, 2)), np.ones((2, 1))),
    hooks.Parameters(),
    hooks.every(2, hooks.History()),
    hooks.Progress(),
    hooks.EarlyStop(hooks.Evaluate([np.ones(2)], [np.ones(1)])),
    hooks.chain(nn.L1L2(l1=0.1), hooks.History()),
    nn.L1L2(0.1, 0.2),
]


@pytest.mark.parametrize('hook', ALL, ids=lambda hook: type(hook).__name__)
def test_hooks_pickle_and_print(hook):
    assert type(pickle.loads(pickle.dumps(hook))) is type(hook)
    assert repr(hook).startswith(type(hook).__name__)


def test_no_hook_that_watches_changes_the_training(tmp_path):
    plain, *_, data = problem()
    plain.train(data)
    watched, x, y, data = problem()
    watched.hookIteration = hooks.chain(
        hooks.History(norm=hooks.norm),
        hooks.Evaluate(x, y),
        hooks.Evaluate(list(x), list(y)),
        hooks.Parameters(),
        hooks.Progress(),
        hooks.Checkpoint(tmp_path / 'a'),
    )
    watched.train(data)
    for one, other in zip(plain.module.parameters()[0], watched.module.parameters()[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_history(tmp_path):
    trainer, *_, data = problem(3)
    history = hooks.History(norm=hooks.norm)
    trainer.hookIteration = hooks.chain(nn.L1L2(l2=0.01), history)
    trainer.train(data)
    assert len(history.errors) == len(history.values['norm']) == 3
    assert history.values['norm'][-1] == pytest.approx(np.linalg.norm(trainer.module.getParameters()[0]))
    history.to_csv(tmp_path / 'a.csv')
    lines = (tmp_path / 'a.csv').read_text().splitlines()
    assert lines[0] == 'iteration,error,norm' and len(lines) == 4
    assert float(lines[1].split(',')[1]) == history.errors[0]
    assert [line.get_label() for line in history.plot().lines] == ['error', 'norm']
    assert history._repr_html_().count('<tr>') == 4


def test_history_keeps_nothing_of_an_iteration_that_fails():
    history = hooks.History(a=lambda trainer: 1, b=lambda trainer: float('x'))
    with pytest.raises(ValueError):
        history(None, 1, 0.5)
    assert history.errors == [] and history.values == {'a': [], 'b': []}


def test_evaluate_measures_in_evaluate_mode_and_leaves_all_as_it_was():
    trainer, x, y, _ = problem()
    trainer.module.training()
    trainer.module.get(2).evaluate()  # one layer is frozen in this mode
    modes = [module.train for module in trainer.module.listModules()]
    state = nn.random.getRNGState()
    batch, single = hooks.Evaluate(x, y), hooks.Evaluate(list(x), list(y))
    for hook in (batch, single):
        hook(trainer, 1, 0.0)
    assert [module.train for module in trainer.module.listModules()] == modes
    np.testing.assert_array_equal(nn.random.getRNGState(), state)
    trainer.module.evaluate()
    expected = nn.MSECriterion().forward(trainer.module.forward(x), y)
    assert batch.errors == [pytest.approx(expected)] and single.best == pytest.approx(expected)
    assert batch.best_iteration == 1


def test_evaluate_that_fails_restores_the_modes():
    trainer, x, _, _ = problem()
    trainer.module.training()
    with pytest.raises(ValueError, match='expected'):
        hooks.Evaluate(np.ones((2, 5)), np.ones((2, 1)))(trainer, 1, 0.0)
    assert all(module.train for module in trainer.module.listModules())


def test_early_stop_restores_the_best_parameters():
    trainer, x, y, data = problem(100, 0.5)
    lines = []
    trainer.log = lines.append
    test = hooks.Evaluate(x, y + np.sin(40 * x[:, :1]))  # other targets, so that it becomes worse
    seen = hooks.Parameters()
    trainer.hookIteration = hooks.chain(nn.L1L2(l2=1e-3), seen, test, hooks.EarlyStop(test, patience=3))
    trainer.train(data)
    assert len(test.errors) < 100 and len(test.errors) == test.best_iteration + 3
    parameters = np.concatenate([tensor.reshape(-1) for tensor in trainer.module.parameters()[0]])
    np.testing.assert_array_equal(parameters, seen.flat[test.best_iteration - 1])
    assert lines[-2] == (
        f'# StochasticGradient: stopped after iteration {len(test.errors)}: no better error for 3 iterations'
    )
    assert lines[-1].startswith('# training error = ')


def test_a_stop_keeps_the_error_of_the_hooks_before():
    def stop(trainer, iteration, error):
        raise hooks.Stop('enough')

    trainer, *_, data = problem()
    lines = []
    trainer.log = lines.append
    trainer.hookIteration = hooks.chain(lambda *_: 42.0, stop)
    trainer.train(data)
    assert lines[1:] == [
        '# current error = 42',
        '# StochasticGradient: stopped after iteration 1: enough',
        '# training error = 42',
    ]


def test_every():
    called = []
    trainer, *_, data = problem(7)
    trainer.hookIteration = hooks.every(3, lambda trainer, iteration, error: called.append(iteration))
    trainer.train(data)
    assert called == [3, 6]


def test_parameters_of_a_layer():
    trainer, *_, data = problem(2)
    kept = hooks.Parameters(lambda net: net.get(1).weight)
    trainer.hookIteration = kept
    trainer.train(data)
    assert [flat.shape for flat in kept.flat] == [(8,), (8,)]
    assert not np.array_equal(*kept.flat)


@pytest.mark.parametrize('shuffle', [True, False])
@pytest.mark.parametrize('stop_at', [1, 2, 5])
def test_resume_gives_the_numbers_of_an_unbroken_run(tmp_path, stop_at, shuffle):
    unbroken, *_, data = problem(6)
    unbroken.learningRateDecay, unbroken.shuffleIndices = 0.3, shuffle
    history = hooks.History()
    unbroken.hookIteration = hooks.chain(nn.L1L2(l2=0.01), history)
    unbroken.train(data)

    broken, *_, data = problem(6)
    broken.learningRateDecay, broken.shuffleIndices = 0.3, shuffle
    path = os.fspath(tmp_path / 'at-{iteration}')
    broken.hookIteration = hooks.chain(nn.L1L2(l2=0.01), hooks.History(), hooks.Checkpoint(path))
    broken.train(data)
    nn.manualSeed(99)
    again = hooks.resume(path.replace('{iteration}', str(stop_at)), data)
    for one, other in zip(unbroken.module.parameters()[0], again.module.parameters()[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.hookIteration.hooks[1].errors == history.errors


def test_a_checkpoint_is_whole_or_the_old_one(tmp_path, monkeypatch):
    trainer, *_, data = problem(1)
    path = tmp_path / 'a'
    trainer.hookIteration = hooks.Checkpoint(path)
    trainer.train(data)
    before = path.read_bytes()

    def fails(*arguments):
        raise OSError('disk full')

    monkeypatch.setattr(os, 'replace', fails)
    with pytest.raises(OSError, match='disk full'):
        trainer.train(data)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ['a']


def test_resume_of_something_else(tmp_path):
    (tmp_path / 'a').write_bytes(pickle.dumps([1]))
    with pytest.raises(ValueError, match='expected a file of hooks.Checkpoint, got a table of 1'):
        hooks.resume(tmp_path / 'a', [])
    trainer, *_, data = problem(1)
    trainer.hookIteration = hooks.Checkpoint(tmp_path / 'b')
    trainer.train(data)
    with pytest.raises(ValueError, match='expected an order of 2 examples, got one of 12'):
        hooks.resume(tmp_path / 'b', data[:2])


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress():
    trainer, *_, data = problem(3)
    for file, shown in (Terminal(), True), (io.StringIO(), False):
        trainer.hookIteration = hooks.Progress(file)
        trainer.train(data)
        text = file.getvalue()
        assert text == '' if not shown else text.count('\r') == 3 and text.endswith('\n') and '3 of 3' in text


@pytest.mark.parametrize(
    'call, kind, text',
    [
        (lambda: hooks.chain(nn.L1L2(), 3), TypeError, 'hooks.chain: expected a hook that can be called, got int 3'),
        (lambda: hooks.every(0, nn.L1L2()), ValueError, 'expected n, a whole number of at least 1, got 0'),
        (lambda: hooks.History(a=1), TypeError, 'hooks.History, a: expected a hook that can be called'),
        (lambda: hooks.Evaluate([], []), ValueError, 'at least one, got 0 inputs and 0 targets'),
        (lambda: hooks.Evaluate([1, 2], [1]), ValueError, 'got 2 inputs and 1 targets'),
        (lambda: hooks.EarlyStop(3), TypeError, 'expected a hooks.Evaluate, got int 3'),
        (lambda: hooks.EarlyStop(ALL[1], 0), ValueError, 'expected patience, a whole number of at least 1, got 0'),
        (lambda: hooks.EarlyStop(ALL[1], 1, -1), ValueError, 'expected a finite least >= 0, got -1'),
    ],
)
def test_bad_arguments(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


def test_early_stop_before_its_evaluate():
    trainer, x, y, data = problem()
    test = hooks.Evaluate(x, y)
    trainer.hookIteration = hooks.chain(hooks.EarlyStop(test), test)
    with pytest.raises(ValueError, match='expected its Evaluate before it in the chain'):
        trainer.train(data)


def test_a_trainer_that_cannot_be_pickled(tmp_path):
    trainer, *_, data = problem(1)
    trainer.hookIteration = hooks.chain(lambda *_: None, hooks.Checkpoint(tmp_path / 'a'))
    with pytest.raises(TypeError, match='hooks.Checkpoint: expected a trainer that can be pickled, got'):
        trainer.train(data)
    assert os.listdir(tmp_path) == []


def test_html():
    trainer, *_ = problem()
    trainer.hookIteration = nn.L1L2(l1=0.1)
    text = trainer._repr_html_()
    assert 'L1L2(l1=0.1' in text and 'nn.Linear(2 -&gt; 4)' in text and text.count('<table>') == 2
    assert nn.Linear(2, 1)._repr_html_().count('<tr>') == 2


def test_early_stop_where_every_error_is_nan():
    net = nn.Linear(1, 1)
    watched = nn.hooks.Evaluate([np.array([np.nan])], [np.ones(1)])
    trainer = nn.StochasticGradient(net, nn.MSECriterion())
    trainer.log, trainer.maxIteration = None, 10
    trainer.hookIteration = nn.hooks.chain(watched, nn.hooks.EarlyStop(watched, patience=2))
    trainer.train([(np.ones(1), np.ones(1))])
    assert 2 <= len(watched.errors) < 10


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: nn.hooks.Evaluate(None, [1]), 'Evaluate: expected an array or a sequence as inputs, got nil'),
        (lambda: nn.hooks.Evaluate([1], 'x'), 'Evaluate: expected an array or a sequence as targets, got str'),
        (lambda: nn.hooks.Evaluate(np.array(1.0), [1]), r'expected an array or a sequence as inputs, got shape \(\)'),
        (lambda: nn.hooks.Evaluate([1], [1], 'mse'), "Evaluate: expected a criterion or None, got str 'mse'"),
        (lambda: nn.hooks.EarlyStop(nn.hooks.Evaluate([1], [1]), restore=1), 'expected True or False as restore'),
        (lambda: nn.hooks.EarlyStop(nn.hooks.Evaluate([1], [1]), patience=True), 'expected patience, a whole number'),
        (lambda: nn.hooks.EarlyStop(nn.hooks.Evaluate([1], [1]), least=np.inf), 'expected a finite least >= 0'),
        (lambda: nn.hooks.every(True, print), 'expected n, a whole number'),
        (lambda: nn.hooks.Progress('x'), "Progress: expected a file or None, got str 'x'"),
    ],
)
def test_what_is_no_argument_of_a_hook(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.mark.parametrize('data', [b'', b'hello', pickle.dumps(None), pickle.dumps({'trainer': 1})])
def test_resume_of_another_file(data, tmp_path):
    (tmp_path / 'file').write_bytes(data)
    with pytest.raises(ValueError, match='hooks.resume: expected a file of hooks.Checkpoint, got '):
        nn.hooks.resume(tmp_path / 'file', [])


def test_progress_after_its_file_was_closed(tmp_path):
    with open(tmp_path / 'file', 'w') as file:
        progress = nn.hooks.Progress(file)
    progress(nn.StochasticGradient(nn.Linear(1, 1), nn.MSECriterion()), 1, 0.5)
