"""The estimators: the trainer's numbers to the last digit, and scikit-learn's own checks."""

import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import t7nn as nn
from t7nn import datasets, optim

pytest.importorskip('sklearn', minversion='1.6')

from scipy import sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, validation_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from t7nn.estimators import NNClassifier, NNRegressor

TABLE = datasets.diabetes()
X = (TABLE.inputs - TABLE.inputs.mean(0)) / TABLE.inputs.std(0)
Y = (TABLE.target - TABLE.target.mean()) / TABLE.target.std()
CLASSES = np.array(['low', 'middle', 'high'])[(Y > -0.5).astype(int) + (Y > 0.5)]
LABELS = np.searchsorted(['high', 'low', 'middle'], CLASSES) + 1
RATE = 0.02

# one step for an example of weight 2 is not two steps for two examples, and the random order is one of as many rows
NOT_REPETITION = {
    'check_sample_weight_equivalence_on_dense_data': 'the order of the steps depends on the number of rows'
}


@parametrize_with_checks([NNRegressor(), NNClassifier()], expected_failed_checks=lambda estimator: NOT_REPETITION)
def test_scikit_learn(estimator, check):
    check(estimator)


def network(*sizes, last=()):
    net = nn.Sequential()
    for i, (inputs, outputs) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        if i:
            net.add(nn.Tanh())
        net.add(nn.Linear(inputs, outputs))
    for module in last:
        net.add(module)
    return net


def by_hand(net, criterion, examples, iterations=3, hook=None, **fields):
    trainer = nn.StochasticGradient(net, criterion)
    trainer.learningRate, trainer.maxIteration, trainer.log = RATE, iterations, None
    history = nn.hooks.History()
    trainer.hookIteration = nn.hooks.chain(hook, history) if hook else history
    for name, value in fields.items():
        setattr(trainer, name, value)
    trainer.train(examples)
    return history.errors


def flat(net):
    return np.concatenate([parameter.ravel() for parameter in net.parameters()[0]])


def same(estimator, net, errors):
    np.testing.assert_array_equal(flat(estimator.module_), flat(net))
    assert estimator.loss_curve_ == errors
    assert estimator.n_iter_ == len(errors)


class TestTheTrainersNumbers:
    def test_example_by_example(self):
        nn.manualSeed(5)
        net = network(10, 7, 1)
        errors = by_hand(net, nn.MSECriterion(), list(zip(X, Y[:, None], strict=True)), learningRateDecay=0.5)
        fitted = NNRegressor((7,), learningRate=RATE, learningRateDecay=0.5, maxIteration=3, random_state=5).fit(X, Y)
        same(fitted, net, errors)
        np.testing.assert_array_equal(fitted.predict(X), net.forward(X)[:, 0])

    def test_two_hidden_layers_and_two_targets(self):
        targets = np.column_stack([Y, Y**2])
        nn.manualSeed(5)
        net = network(10, 7, 4, 2)
        errors = by_hand(net, nn.AbsCriterion(), list(zip(X, targets, strict=True)), shuffleIndices=False)
        fitted = NNRegressor(
            (7, 4), nn.AbsCriterion(), learningRate=RATE, maxIteration=3, shuffleIndices=False, random_state=5
        ).fit(X, targets)
        same(fitted, net, errors)
        np.testing.assert_array_equal(fitted.predict(X), net.forward(X))

    def test_penalties_and_hooks(self):
        seen, examples = [], []

        def halve(trainer, iteration, error):
            seen.append(error)
            trainer.learningRate /= 2
            return error + 1

        nn.manualSeed(5)
        net = network(10, 7, 1)
        hook = nn.hooks.chain(nn.L1L2(0.01, 0.02), halve)
        errors = by_hand(net, nn.MSECriterion(), list(zip(X, Y[:, None], strict=True)), hook=hook)
        seen.clear()
        fitted = NNRegressor(
            7, l1=0.01, l2=0.02, learningRate=RATE, maxIteration=3, random_state=5, hookIteration=halve,
            hookExample=lambda trainer, example: examples.append(example),
        ).fit(X, Y)  # fmt: skip
        same(fitted, net, errors)
        assert [error + 1 for error in seen] == errors
        assert len(examples) == 3 * len(X)

    def test_a_hook_that_stops(self):
        def stop(trainer, iteration, error):
            if iteration == 2:
                raise nn.hooks.Stop('enough')
            return error + 1

        nn.manualSeed(5)
        net = network(10, 7, 1)
        errors = by_hand(net, nn.MSECriterion(), list(zip(X, Y[:, None], strict=True)), iterations=2)
        fitted = NNRegressor(7, learningRate=RATE, random_state=5, hookIteration=stop).fit(X, Y)
        same(fitted, net, [errors[0] + 1, errors[1]])

    def test_classes(self):
        nn.manualSeed(5)
        net = network(10, 7, 3, last=[nn.LogSoftMax()])
        errors = by_hand(net, nn.ClassNLLCriterion(), list(zip(X, LABELS.tolist(), strict=True)))
        fitted = NNClassifier((7,), learningRate=RATE, maxIteration=3, random_state=5).fit(X, CLASSES)
        same(fitted, net, errors)
        np.testing.assert_array_equal(fitted.predict_proba(X), np.exp(net.forward(X)))
        assert (fitted.predict(X) == fitted.classes_[net.forward(X).argmax(1)]).all()

    @pytest.mark.parametrize('shuffle', [True, False])
    def test_batches(self, shuffle):
        nn.manualSeed(5)
        net = network(10, 7, 3, last=[nn.LogSoftMax()])
        order = nn.random.randperm(442, dtype=np.int64) - 1 if shuffle else np.arange(442)
        batches = [(X[order[i : i + 100]], LABELS[order[i : i + 100]]) for i in range(0, 442, 100)]
        errors = by_hand(net, nn.ClassNLLCriterion(), batches, shuffleIndices=shuffle)
        fitted = NNClassifier(
            (7,), learningRate=RATE, maxIteration=3, random_state=5, batch_size=100, shuffleIndices=shuffle
        ).fit(X, CLASSES)
        same(fitted, net, errors)

    @pytest.mark.parametrize(
        ('method', 'config', 'size'),
        [('sgd', {'learningRate': 0.1, 'momentum': 0.9}, 50), ('adam', {'learningRate': 0.01}, 1), ('lbfgs', {}, None)],
    )
    def test_methods_of_optim(self, method, config, size):
        nn.manualSeed(5)
        net, criterion = network(10, 7, 1), nn.MSECriterion()
        rows = nn.random.randperm(442, dtype=np.int64) - 1 if size != 1 else np.arange(442)
        parts = [rows[i : i + (size or 442)] for i in range(0, 442, size or 442)]
        order = nn.random.randperm(len(parts), dtype=np.int64) - 1
        w, gradients = net.getParameters()
        table, errors = dict(config), []
        for _ in range(3):
            losses = []
            for i in order:
                x, t = (X[parts[i]], Y[parts[i], None]) if size != 1 else (X[i], Y[[i]])

                def evaluate(w, x=x, t=t):
                    loss = criterion.forward(net.forward(x), t)
                    gradients.fill(0)
                    net.backward(x, criterion.backward(net.output, t))
                    return loss, gradients

                losses.append(getattr(optim, method)(evaluate, w, table)[1][0])
            errors.append(sum(losses) / len(losses))
        fitted = NNRegressor(
            (7,), optim=method, optim_config=config, batch_size=size, maxIteration=3, random_state=5
        ).fit(X, Y)
        same(fitted, net, errors)

    def test_a_method_that_returns_a_new_vector(self):
        fitted = NNRegressor(
            (),
            optim='cmaes',
            optim_config={'sigma': 0.3, 'maxEval': 500},
            batch_size=None,
            maxIteration=2,
            random_state=1,
        ).fit(X[:, :2], Y)
        assert fitted.loss_curve_[1] < fitted.loss_curve_[0]
        assert fitted.score(X[:, :2], Y) > 0

    def test_training_on(self):
        nn.manualSeed(5)
        net, examples = network(10, 7, 1), list(zip(X, Y[:, None], strict=True))
        errors = [error for _ in range(3) for error in by_hand(net, nn.MSECriterion(), examples, iterations=1)]
        parts = NNRegressor((7,), learningRate=RATE, random_state=5)
        for _ in range(3):
            parts.partial_fit(X, Y)
        same(parts, net, errors)
        warm = NNRegressor((7,), learningRate=RATE, random_state=5, maxIteration=1, warm_start=True).fit(X, Y)
        warm.fit(X, Y)
        same(pickle.loads(pickle.dumps(warm)).fit(X, Y), net, errors)

    def test_weights_multiply_the_loss(self):
        weights = np.random.RandomState(0).rand(442)

        class Weighted(nn.MSECriterion):
            def updateOutput(self, input, target=None):
                return target[1] * super().updateOutput(input, target[0])

            def updateGradInput(self, input, target=None):
                self.gradInput = target[1] * super().updateGradInput(input, target[0])
                return self.gradInput

        nn.manualSeed(5)
        net = network(10, 7, 1)
        examples = list(zip(X, zip(Y[:, None], weights.tolist(), strict=True), strict=True))
        errors = by_hand(net, Weighted(), examples)
        fitted = NNRegressor((7,), learningRate=RATE, maxIteration=3, random_state=5).fit(X, Y, sample_weight=weights)
        same(fitted, net, errors)

    def test_weights_in_a_batch(self):
        """With whole weights a step on all rows is that of rows as often as they weigh."""
        weights = np.arange(442) % 3
        settings = {'learningRate': 0.1, 'maxIteration': 5, 'batch_size': None, 'random_state': 5}
        weighted = NNClassifier((7,), **settings).fit(X, CLASSES, sample_weight=weights)
        repeated = NNClassifier((7,), nn.ClassNLLCriterion(sizeAverage=False), **settings)
        repeated.set_params(learningRate=0.1 / 442).fit(np.repeat(X, weights, 0), np.repeat(CLASSES, weights))
        np.testing.assert_allclose(flat(weighted.module_), flat(repeated.module_), rtol=1e-9)
        np.testing.assert_allclose(np.array(weighted.loss_curve_) * 442, repeated.loss_curve_)


class TestTheGenerator:
    def test_the_callers_is_left_alone(self):
        nn.manualSeed(9)
        before = nn.random.getRNGState()
        NNRegressor(maxIteration=1, random_state=1).fit(X, Y)
        np.testing.assert_array_equal(nn.random.getRNGState(), before)
        with pytest.raises(ValueError, match='diverged'):
            NNRegressor(maxIteration=9, random_state=1, learningRate=1e9).fit(X, Y)
        np.testing.assert_array_equal(nn.random.getRNGState(), before)

    def test_without_a_seed_it_goes_on(self):
        nn.manualSeed(5)
        one = NNRegressor(maxIteration=1).fit(X, Y)
        other = NNRegressor(maxIteration=1).fit(X, Y)
        assert (flat(one.module_) != flat(other.module_)).any()
        seeded = NNRegressor(maxIteration=1, random_state=5).fit(X, Y)
        np.testing.assert_array_equal(flat(one.module_), flat(seeded.module_))

    def test_numpys(self):
        one, other = (NNRegressor(maxIteration=1, random_state=np.random.RandomState(3)).fit(X, Y) for _ in range(2))
        np.testing.assert_array_equal(flat(one.module_), flat(other.module_))

    def test_threads_do_not_mix_their_numbers(self):
        alone = [NNRegressor(maxIteration=2, random_state=seed).fit(X, Y) for seed in range(4)]
        together = [NNRegressor(maxIteration=2, random_state=seed) for seed in range(4)]
        threads = [threading.Thread(target=estimator.fit, args=(X, Y)) for estimator in together]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_array_equal(flat(one.module_), flat(other.module_))


class TestModules:
    def test_an_object_is_copied(self):
        net = network(10, 4, 1)
        before = flat(net)
        fitted = NNRegressor(net, maxIteration=1).fit(X, Y)
        np.testing.assert_array_equal(flat(net), before)
        assert fitted.module_ is not net and (flat(fitted.module_) != before).any()

    def test_a_function(self):
        fitted = NNClassifier(lambda inputs, outputs: network(inputs, 5, outputs, last=[nn.LogSoftMax()])).fit(
            X, CLASSES
        )
        assert fitted.module_[2].weight.shape == (3, 5)

    def test_float32(self):
        net = network(10, 4, 1).float()
        fitted = NNRegressor(net, maxIteration=2).fit(X, Y, sample_weight=np.ones(442))
        assert fitted.predict(X).dtype == np.float32

    def test_images(self):
        images, classes = datasets.digits()
        nn.manualSeed(1)
        net = nn.Sequential().add(nn.SpatialConvolution(1, 4, 3, 3)).add(nn.ReLU()).add(nn.View(144).setNumInputDims(3))
        net.add(nn.Linear(144, 10)).add(nn.LogSoftMax())
        fitted = NNClassifier(net, maxIteration=4, learningRate=0.02, random_state=1).fit(
            images[:900, None], classes[:900]
        )
        assert fitted.score(images[900:, None], classes[900:]) > 0.85

    def test_modes(self):
        modes = []
        net = network(10, 4, 1).add(nn.Dropout(0.2))
        hook = lambda trainer, iteration, error: modes.append(trainer.module[3].train)  # noqa: E731
        fitted = NNRegressor(net, maxIteration=2, hookIteration=hook, early_stopping=True).fit(X, Y)
        assert modes == [True, True] and fitted.module_[3].train is False
        np.testing.assert_array_equal(fitted.predict(X), fitted.predict(X))

    def test_more_rows_than_are_predicted_at_a_time(self):
        fitted = NNRegressor(maxIteration=1, random_state=1).fit(X, Y)
        many = np.tile(X, (10, 1))
        np.testing.assert_allclose(fitted.predict(many), np.tile(fitted.predict(X), 10), rtol=1e-12)


class TestClassification:
    @pytest.mark.parametrize(
        'classes', [[True, False], ['no', 'yes'], [-7, 3], [2.0, 1.0], np.array(['a', 'b'], object)], ids=str
    )
    @pytest.mark.parametrize(
        'criterion', [None, nn.BCECriterion, nn.CrossEntropyCriterion, nn.MultiMarginCriterion], ids=str
    )
    def test_labels_and_criterions(self, classes, criterion):
        y = np.asarray(classes)[(Y > 0).astype(int)]
        fitted = NNClassifier(criterion=criterion, learningRate=0.05, random_state=1).fit(X, y)
        assert fitted.score(X, y) > 0.75
        assert set(fitted.classes_) == set(classes)
        if criterion is nn.MultiMarginCriterion:
            assert not hasattr(fitted, 'predict_proba')
        else:
            p = fitted.predict_proba(X)
            np.testing.assert_allclose(p.sum(1), 1)
            assert (fitted.classes_[p.argmax(1)] == fitted.predict(X)).all()

    def test_classes_of_partial_fit(self):
        fitted = NNClassifier().partial_fit(X[:9], CLASSES[:9], classes=['high', 'low', 'middle', 'never'])
        assert fitted.predict_proba(X).shape == (442, 4)
        with pytest.raises(ValueError, match=r"expected the classes \['high'.* in y, got what"):
            fitted.partial_fit(X[:2], ['low', 'what'])
        with pytest.raises(ValueError, match='expected the classes as before'):
            fitted.partial_fit(X[:2], CLASSES[:2], classes=['low', 'high'])
        with pytest.raises(ValueError, match='expected classes at the first call of partial_fit, got none'):
            NNClassifier().partial_fit(X, CLASSES)


class TestEarlyStopping:
    SETTINGS = {'learningRate': 0.05, 'early_stopping': True, 'random_state': 1, 'validation_fraction': 0.25}

    def test_it_stops_and_keeps_the_best(self):
        fitted = NNRegressor((40,), maxIteration=500, n_iter_no_change=5, **self.SETTINGS).fit(X, Y)
        errors = fitted.validation_curve_
        assert fitted.n_iter_ == len(errors) == len(fitted.loss_curve_) < 100
        assert np.argmin(errors) + 1 == fitted.best_iteration_ == fitted.n_iter_ - 5
        again = NNRegressor((40,), maxIteration=fitted.best_iteration_, **self.SETTINGS).fit(X, Y)
        np.testing.assert_array_equal(flat(again.module_), flat(fitted.module_))

    def test_the_rows_held_out(self):
        """They are a quarter, they are not trained on, and it is their error."""
        trained = []
        hook = lambda trainer, example: trained.append(example[0].copy())  # noqa: E731
        fitted = NNRegressor((4,), maxIteration=1, hookExample=hook, **self.SETTINGS).fit(X, Y)
        held_out = np.array([not (row == np.array(trained)).all(1).any() for row in X])
        assert held_out.sum() == 110 and len(trained) == 332
        error = np.mean((fitted.predict(X[held_out]) - Y[held_out]) ** 2)
        assert fitted.validation_curve_ == [pytest.approx(error)]

    def test_tolerance(self):
        fitted = NNRegressor((4,), maxIteration=50, n_iter_no_change=3, tol=10, **self.SETTINGS).fit(X, Y)
        assert fitted.n_iter_ == 4


class TestInScikitLearn:
    def test_pickle(self):
        fitted = NNClassifier(maxIteration=2).fit(X, CLASSES)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X))

    def test_clone(self):
        net = network(10, 3, 1)
        twin = clone(NNRegressor(net, l1=0.5))
        assert twin.module is not net and twin.l1 == 0.5
        np.testing.assert_array_equal(flat(twin.module), flat(net))

    def test_pipeline_and_grid(self):
        pipeline = make_pipeline(StandardScaler(), NNRegressor(maxIteration=5, random_state=1))
        model = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
        grid = {'regressor__nnregressor__module': [(), (5,)], 'regressor__nnregressor__learningRate': [1e-6, 0.01]}
        search = GridSearchCV(model, grid, cv=3).fit(TABLE.inputs, TABLE.target)
        assert search.best_params_['regressor__nnregressor__learningRate'] == 0.01
        assert search.best_score_ > 0.4

    def test_validation_curve(self):
        _, scores = validation_curve(
            NNRegressor(random_state=1), X, Y, param_name='maxIteration', param_range=[1, 20], cv=3
        )
        assert scores[1].mean() > scores[0].mean()

    def test_workers_change_nothing(self):
        scores = [cross_val_score(NNClassifier(random_state=1), X, CLASSES, cv=4, n_jobs=jobs) for jobs in (1, 2)]
        np.testing.assert_array_equal(*scores)

    def test_permutation_importance(self):
        fitted = NNRegressor(random_state=1).fit(X, Y)
        importance = permutation_importance(fitted, X, Y, n_repeats=3, random_state=0).importances_mean
        assert TABLE.names[importance.argmax()] in ('bmi', 's5')


class TestErrors:
    @pytest.mark.parametrize(
        ('parameters', 'message'),
        [
            ({'module': (0,)}, r'NNRegressor: expected hidden sizes from 1 as module, got \(0,\)'),
            ({'module': (2.5,)}, r'expected hidden sizes from 1 as module, got \(2.5,\)'),
            ({'module': nn.Linear(10, 2)}, r'expected a network with output of shape \(2, 1\) for input of shape'),
            ({'module': nn.Reshape(10, 1)}, r'expected a network with output of shape \(2, 1\) for input of shape'),
            ({'learningRate': -1}, 'expected a finite number >= 0 or None as learningRate, got -1'),
            ({'learningRate': 'fast'}, 'expected a finite number >= 0 or None as learningRate'),
            ({'learningRateDecay': np.nan}, 'expected a finite number >= 0 as learningRateDecay, got nan'),
            ({'maxIteration': 0}, 'expected a whole number from 1 as maxIteration, got 0'),
            ({'batch_size': 1.5}, 'expected a whole number from 1, or None for all rows as batch_size, got 1.5'),
            ({'l1': np.inf}, 'expected a finite number >= 0 as l1, got inf'),
            ({'optim': 'adam', 'optim_config': 'fast'}, "expected a dict or None as optim_config, got 'fast'"),
            ({'warm_start': 'yes'}, "expected True or False as warm_start, got 'yes'"),
            ({'early_stopping': 1}, 'expected True or False as early_stopping, got 1'),
            (
                {'early_stopping': True, 'validation_fraction': 0},
                'expected a number between 0 and 1 as validation_fraction, got 0',
            ),
            (
                {'early_stopping': True, 'validation_fraction': 0.9999},
                'expected rows to train on beside those of validation_fraction, got 442 of 442 held out',
            ),
            ({'l2': 1}, 'expected a number >= 0 and below 1 as l2, got 1'),
            ({'optim': 'Adam'}, "expected None or one of adadelta, .* as optim, got 'Adam'"),
            (
                {'optim': 'sgd', 'learningRate': 1},
                'expected None beside optim, and optim_config=.* as learningRate, got 1',
            ),
            ({'optim_config': {'momentum': 1}}, 'expected None without optim as optim_config'),
            ({'early_stopping': True, 'validation_fraction': 1}, 'as validation_fraction, got 1'),
            ({'early_stopping': True, 'n_iter_no_change': 0}, 'as n_iter_no_change, got 0'),
            ({'learningRate': 1e9}, 'the training diverged, the error of iteration 1 is (inf|nan); scale the inputs'),
        ],
        ids=str,
    )
    def test_parameters(self, parameters, message):
        with pytest.raises(ValueError, match=message):
            NNRegressor(**parameters).fit(X, Y)

    @pytest.mark.parametrize('name', ['module', 'criterion'])
    def test_what_is_no_module(self, name):
        for wrong in 'x', lambda *sizes: 3, {'module': nn.MSECriterion(), 'criterion': nn.Tanh()}[name]:
            with pytest.raises(TypeError, match=f'expected an nn.* as {name}, or a function that returns one, got'):
                NNRegressor(**{name: wrong}).fit(X, Y)

    def test_sparse_input(self):
        with pytest.raises(TypeError, match='[Ss]parse'):
            NNRegressor().fit(sparse.csr_array(X), Y)

    def test_masked_input(self):
        masked = np.ma.masked_array(X, X > 1)
        fitted = NNRegressor(maxIteration=1, random_state=1).fit(X, Y)
        for call in (
            lambda: fitted.predict(masked),
            lambda: NNRegressor().fit(masked, Y),
            lambda: NNRegressor().fit(X, np.ma.array(Y)),
        ):
            with pytest.raises(TypeError, match='expected arrays without a mask, got a masked array'):
                call()

    @pytest.mark.parametrize('other', [1, None], ids=str)
    def test_classes_that_cannot_be_sorted(self, other):
        with pytest.raises(TypeError, match="expected classes that can be sorted, got '<' not supported"):
            NNClassifier().fit(X, np.array([other, 'high'], object)[(Y > 0).astype(int)])

    def test_images_for_a_perceptron(self):
        with pytest.raises(ValueError, match=r'expected a network as module for X of shape \(4, 2, 3\)'):
            NNRegressor().fit(np.ones((4, 2, 3)), np.ones(4))

    def test_targets(self):
        fitted = NNRegressor(maxIteration=1).fit(X, Y)
        with pytest.raises(ValueError, match='expected 1 targets in a row, as before, got 2'):
            fitted.partial_fit(X, np.column_stack([Y, Y]))
        with pytest.raises(ValueError, match='expected two classes for nn.BCECriterion, got 3'):
            NNClassifier(criterion=nn.BCECriterion).fit(X, CLASSES)

    @pytest.mark.parametrize('weights', [np.zeros(442), -np.ones(442), np.full(442, np.nan), np.ones(3)], ids=len)
    def test_weights(self, weights):
        with pytest.raises(ValueError, match='sample_weight|inconsistent'):
            NNRegressor().fit(X, Y, sample_weight=weights)

    def test_early_stopping(self):
        with pytest.raises(ValueError, match='expected early_stopping=False with partial_fit, got True'):
            NNRegressor(early_stopping=True).partial_fit(X, Y)
        with pytest.raises(ValueError, match='expected rows to train on beside those .*, got 1 of 1 held out'):
            NNRegressor(early_stopping=True).fit(X[:1], Y[:1])

    def test_without_scikit_learn(self):
        code = "import sys; sys.modules['sklearn'] = None; import t7nn; import t7nn.estimators"
        done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
        assert done.stderr.endswith("get it with: pip install 't7nn[sklearn]'\n")


def test_importing_t7nn_imports_no_scikit_learn():
    code = "import sys, t7nn; print(sorted({'sklearn', 'joblib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout == '[]\n'
