"""NNRegressor beside the trainer by hand, scikit-learn's MLPRegressor(batch_size=1) and skorch, where installed; and
regularization_path on one worker and on several.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_estimators.py
"""

import statistics
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from timing import report

import t7nn as nn
from t7nn import datasets
from t7nn.estimators import NNRegressor, regularization_path

HIDDEN, RATE = 20, 1e-3


def by_hand(X, y, iterations):
    nn.manualSeed(1)
    net = nn.Sequential().add(nn.Linear(X.shape[1], HIDDEN)).add(nn.Tanh()).add(nn.Linear(HIDDEN, 1))
    trainer = nn.StochasticGradient(net, nn.MSECriterion())
    trainer.learningRate, trainer.maxIteration, trainer.log = RATE, iterations, None
    trainer.train(list(zip(X, y[:, None], strict=True)))


def by_estimator(X, y, iterations):
    NNRegressor((HIDDEN,), learningRate=RATE, maxIteration=iterations, random_state=1).fit(X, y)


def by_scikit_learn(X, y, iterations):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', ConvergenceWarning)
        MLPRegressor(
            hidden_layer_sizes=(HIDDEN,), activation='tanh', solver='sgd', momentum=0, alpha=0, batch_size=1,
            learning_rate_init=RATE, max_iter=iterations, n_iter_no_change=iterations, random_state=1,
        ).fit(X, y)  # fmt: skip


def by_skorch(X, y, iterations):
    import skorch
    import torch

    torch.manual_seed(1)
    torch.set_num_threads(1)
    net = torch.nn.Sequential(torch.nn.Linear(X.shape[1], HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 1)).double()
    skorch.NeuralNetRegressor(
        net, lr=RATE, max_epochs=iterations, batch_size=1, train_split=None, verbose=0, iterator_train__shuffle=True
    ).fit(X, y[:, None])


def interleaved(makers, rounds, *arguments, clock=time.process_time):
    """The median time of one call of each: the processor's, which other work on the machine disturbs least."""
    times = {name: [] for name in makers}
    for _ in range(rounds):
        for name, call in makers.items():
            start = clock()
            try:
                call(*arguments)
            except ModuleNotFoundError as error:
                print(error)
                continue
            times[name].append(clock() - start)
    return {name: statistics.median(turns) for name, turns in times.items() if turns}


def fits():
    table = datasets.diabetes()
    X = (table.inputs - table.inputs.mean(0)) / table.inputs.std(0)
    y = (table.target - table.target.mean()) / table.target.std()
    rng = np.random.RandomState(0)
    large = rng.randn(100_000, 20)
    makers = {'by hand': by_hand, 'NNRegressor': by_estimator, 'MLPRegressor': by_scikit_learn, 'skorch': by_skorch}
    close = {'by hand': by_hand, 'NNRegressor': by_estimator}
    report('a step of fit, 442 x 10, ten epochs', interleaved(makers, 3, X, y, 10), 4420)
    report('the same, t7nn alone, more runs', interleaved(close, 21, X, y, 10), 4420)
    report('a step of fit, 100000 x 20, one epoch', interleaved(makers, 1, large, large[:, 0], 1), 100_000)
    report('the same of 100000 x 20, t7nn alone', interleaved(close, 7, large, large[:, 0], 1), 100_000)


def paths():
    table = datasets.diabetes()
    X, y = table.inputs / table.inputs.std(0), table.target / table.target.std()
    X, y = X - X.mean(0), y - y.mean()
    grid = {'l1': [0.001, 0.003, 0.01, 0.03, 0.1], 'cv': 5, 'seeds': 3}
    net = NNRegressor((HIDDEN,), maxIteration=40, learningRate=0.01)
    regularization_path(net, X[:20], y[:20], cv=2, n_jobs=2)  # starts the workers
    one, two = (
        interleaved({'path': regularization_path_of(net, X, y, grid, jobs)}, 3, clock=time.perf_counter)['path']
        for jobs in (1, 2)
    )
    report('regularization_path of 80 trainings', {'one worker': one, 'two workers': two})
    tiny = NNRegressor((1,), maxIteration=1)
    for jobs in 1, 2:
        call = regularization_path_of(tiny, X[:20], y[:20], {'cv': 10, 'seeds': 20}, jobs)
        seconds = interleaved({'path': call}, 3, clock=time.perf_counter)['path'] / 201
        print(f'{jobs} worker(s), 201 trainings of 20 steps: {seconds * 1e3:.2f} ms each')
    start = time.perf_counter()
    for _ in range(200):
        tiny.fit(X[:18], y[:18])
    print(f'such a training by itself: {(time.perf_counter() - start) / 200 * 1e3:.2f} ms')


def regularization_path_of(net, X, y, grid, jobs):
    return lambda: regularization_path(net, X, y, n_jobs=jobs, **grid)


def main():
    fits()
    paths()


if __name__ == '__main__':
    main()
