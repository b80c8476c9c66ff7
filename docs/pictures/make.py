"""Draws the pictures of the pages: ``python docs/pictures/make.py [FOLDER]``, by default beside this file.

The ground is transparent, and text and colours are readable on white and on black. The same versions of matplotlib
and NumPy give the same files, byte for byte.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

import t7nn as nn
from t7nn import datasets, experiment, plots
from t7nn.plots import COLORS

BLUE, ORANGE, PURPLE, TURQUOISE, GREY = COLORS

STYLE = {
    'axes.edgecolor': GREY,
    'axes.labelcolor': GREY,
    'axes.prop_cycle': matplotlib.cycler(color=COLORS),
    'axes.spines.right': False,
    'axes.spines.top': False,
    'axes.titlecolor': GREY,
    'axes.titlesize': 11,
    'figure.constrained_layout.use': True,
    'font.size': 11,
    'legend.frameon': False,
    'legend.labelcolor': GREY,
    'lines.linewidth': 1.8,
    'patch.linewidth': 1.2,
    'savefig.transparent': True,
    'svg.fonttype': 'none',
    'svg.hashsalt': 't7nn',
    'text.color': GREY,
    'xtick.color': GREY,
    'ytick.color': GREY,
}

PICTURES: dict[str, Callable[[], Figure]] = {}


def picture(draw: Callable[[], Figure]) -> Callable[[], Figure]:
    """A function that draws the picture of its name, with - for _."""
    PICTURES[draw.__name__.replace('_', '-')] = draw
    return draw


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, 'backend': 'agg', **STYLE}):
        for name, draw in PICTURES.items():
            draw().savefig(folder / f'{name}.svg', metadata={'Date': None, 'Creator': None})


# What several pictures need


def panels(count: int, width: float, height: float, **options) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height))
    return figure, list(np.ravel(figure.subplots(1, count, **options)))


def canvas(width: float, height: float, x: float, y: float) -> tuple[Figure, Axes]:
    """A figure without axes, of `x` by `y` units."""
    figure, (axes,) = panels(1, width, height)
    axes.set(xlim=(0, x), ylim=(0, y))
    axes.axis('off')
    return figure, axes


def box(axes: Axes, x: float, y: float, text: str, color: str = GREY, width: float = 1.0, height: float = 0.7) -> None:
    """A rounded box around the point (x, y)."""
    shape = (x - width / 2, y - height / 2), width, height
    axes.add_patch(FancyBboxPatch(*shape, 'round,pad=0,rounding_size=0.15', ec=color, fc=(0, 0, 0, 0)))
    axes.text(x, y, text, ha='center', va='center', color=color)


def arrow(axes: Axes, start: tuple, end: tuple, color: str = GREY, **options) -> None:
    options = {'arrowstyle': '-|>', 'color': color, 'shrinkA': 0, 'shrinkB': 0, 'lw': 1.3, **options}
    axes.annotate('', end, start, arrowprops=options)


def beside(axes: Axes, x: float, y: float, value: str, gradient: str) -> None:
    """The value above an arrow and the gradient below it."""
    axes.text(x, y + 0.12, value, ha='center', va='bottom', color=BLUE)
    axes.text(x, y - 0.14, gradient, ha='center', va='top', color=ORANGE)


def patients() -> experiment.Split:
    return experiment.split(datasets.diabetes(), train=100, seed=1)


def train(
    net: nn.Module, criterion: nn.Criterion, examples: Iterable, iterations: int, rate: float = 0.01, hook: Any = None
) -> None:
    trainer = nn.StochasticGradient(net, criterion)
    trainer.learningRate, trainer.maxIteration, trainer.log, trainer.hookIteration = rate, iterations, None, hook
    trainer.train(list(examples))


def network(*layers: nn.Module) -> nn.Sequential:
    net = nn.Sequential()
    for layer in layers:
        net.add(layer)
    return net


def lenet() -> nn.Sequential:
    nn.manualSeed(1)
    return network(
        nn.SpatialConvolution(1, 8, 3, 3, 1, 1, 1, 1), nn.ReLU(), nn.SpatialMaxPooling(2, 2),
        nn.View(-1).setNumInputDims(3), nn.Linear(128, 10), nn.LogSoftMax(),
    )  # fmt: skip


# Lesson 1


@picture
def one_weight() -> Figure:
    figure, (axes,) = panels(1, 6, 3.4)
    w = np.linspace(0.4, 4.6, 200)
    axes.plot(w, (2 * w - 6) ** 2, color=GREY)
    steps = [1.0]
    for _ in range(3):
        steps.append(steps[-1] - 0.1 * 8 * (steps[-1] - 3))
    losses = [(2 * step - 6) ** 2 for step in steps]
    axes.plot(steps, losses, 'o', color=BLUE)
    for i in range(2):
        arrow(axes, (steps[i], losses[i]), (steps[i + 1], losses[i + 1]), ORANGE)
    axes.annotate('w = 1,  L = 16', (1, 16), (9, 6), textcoords='offset points', color=BLUE)
    axes.annotate('w = 2.6,  L = 0.64', (2.6, 0.64), (-8, -5), textcoords='offset points', color=BLUE, ha='right')
    axes.axvline(3, color=GREY, lw=0.8, ls=':')
    axes.text(3.05, 20, 'w = 3,  L = 0')
    axes.set(xlabel='weight w', ylabel='loss L', ylim=(-1, 24))
    return figure


# Lesson 2


@picture
def chain_rule() -> Figure:
    figure, axes = canvas(9.4, 4, 14.6, 5.2)
    tops = 4.0, 1.6
    sums = 'Σ + 0', 'Σ − 1'
    inputs, sum_values, relu_values = (('1', '2'), ('2', '0')), (('−1', '0'), ('1', '1')), (('0', '3'), ('1', '1'))
    for i, y in enumerate(tops):
        for x, text, width in ((0.6, f'$x_{i + 1}$', 1.0), (4.8, sums[i], 1.2), (7.5, 'relu', 1.1)):
            box(axes, x, y, text, width=width)
        for start, end, pair in ((1.1, 1.9, inputs[i]), (5.4, 6.95, sum_values[i]), (8.05, 8.85, relu_values[i])):
            axes.plot([start, end], [y, y], color=GREY, lw=1.3)
            beside(axes, (start + end) / 2, y, *pair)
        arrow(axes, (6.6, y), (6.95, y))
    for start, end, weight in ((0, 0, '1'), (1, 0, '−1'), (0, 1, '2'), (1, 1, '0')):
        arrow(axes, (1.9, tops[start]), (4.2, tops[end]))
        x, y = 1.9 + 0.72 * 2.3, tops[start] + 0.72 * (tops[end] - tops[start])
        axes.text(x, y + 0.12, weight, ha='center', color=PURPLE)
    for y, end, weight, height in ((tops[0], 2.95, '3', 3.6), (tops[1], 2.65, '1', 1.75)):
        arrow(axes, (8.85, y), (10.4, end))
        axes.text(9.85, height, weight, ha='center', color=PURPLE)
    box(axes, 11.05, 2.8, 'Σ + 0.5', width=1.3)
    arrow(axes, (11.7, 2.8), (13.1, 2.8))
    beside(axes, 12.3, 2.8, 'y = 1.5', '1')
    box(axes, 13.8, 2.8, '(y − 1)²', width=1.4)
    axes.text(13.8, 3.35, 'L = 0.25', ha='center', color=BLUE)
    axes.text(0.1, 0.3, 'values go forward', color=BLUE)
    axes.text(4.2, 0.3, 'gradients come back', color=ORANGE)
    axes.text(8.8, 0.3, 'weights', color=PURPLE)
    return figure


# Lesson 3


@picture
def batch_sum() -> Figure:
    figure, (axes,) = panels(1, 5, 3.8)
    place = np.zeros(2)
    for number, gradient in enumerate([(-2, 0), (0, 2), (2, 2)], 1):
        arrow(axes, tuple(place), tuple(place + gradient), BLUE, lw=2)
        middle = place + np.array(gradient) / 2
        axes.annotate(
            f'example {number}',
            middle,
            (-8, 6) if number < 3 else (4, -16),
            textcoords='offset points',
            color=BLUE,
            ha='right' if number == 2 else 'left' if number == 3 else 'center',
        )
        place = place + gradient
    arrow(axes, (0, 0), tuple(place), ORANGE, lw=2.4)
    axes.text(0.12, 1.6, 'the sum, (0, 4)', color=ORANGE)
    axes.set(xlim=(-3.2, 1.6), ylim=(-0.5, 4.4), xlabel='gradient of $w_1$', ylabel='gradient of $w_2$')
    axes.set_xticks(range(-3, 2))
    return figure


# Lesson 4


@picture
def differences() -> Figure:
    figure, (axes,) = panels(1, 6, 3.4)
    h = 10.0 ** np.arange(-13, 0.01, 0.25)
    one = ((2 + h) ** 3 - 8) / h
    both = ((2 + h) ** 3 - (2 - h) ** 3) / (2 * h)
    for name, measured, style in (('to one side', one, '--'), ('to both sides', both, '-')):
        axes.loglog(h, np.maximum(abs(measured - 12), 1e-13), style, label=name)
    axes.set(xlabel='step h', ylabel='error of the derivative', title='f(w) = w³ at w = 2, whose derivative is 12')
    axes.legend()
    return figure


# Lesson 5


@picture
def boundary() -> Figure:
    figure, axes = panels(3, 9, 2.2, sharey=True)
    points, classes = datasets.moons(150)
    nn.manualSeed(1)
    net = network(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2), nn.LogSoftMax())
    done = 0
    for each, iterations in zip(axes, (1, 10, 100), strict=True):
        nn.manualSeed(2)
        train(net, nn.ClassNLLCriterion(), zip(points, classes, strict=True), iterations - done, rate=0.1)
        done = iterations
        plots.boundary(net, points, classes, each)
        each.set(title=f'after {iterations} iteration{"s" * (iterations > 1)}', xticks=[], yticks=[])
        each.spines[:].set_visible(False)
    return figure


# Lesson 6


@picture
def order() -> Figure:
    figure, axes = canvas(8.5, 2.6, 17, 5.2)
    for left, title, v, dh, w, color in (
        (0, 'gradient first, then v', '3', '3', '0.5', BLUE),
        (9, 'v first, then the gradient', '2', '2', '1', ORANGE),
    ):
        axes.text(left + 4, 4.7, title, ha='center', color=color)
        for x, text in ((1, 'w = 2'), (4, f'v = {v}'), (7, 'L')):
            box(axes, left + x, 3.3, text, color if x == 4 else GREY, width=1.6, height=0.9)
        for x in (1.8, 4.8):
            arrow(axes, (left + x, 3.5), (left + x + 1.4, 3.5))
            arrow(axes, (left + x + 1.4, 3.1), (left + x, 3.1), color)
        axes.text(left + 5.5, 2.6, 'dy = 1', ha='center', va='top')
        axes.text(left + 2.5, 2.6, f'dh = v · dy = {dh}', ha='center', va='top', color=color)
        axes.text(left + 0.2, 1.2, f'w becomes 2 − 0.5 · {dh} = {w}', color=color)
    axes.text(0.2, 0.4, 'the gradient of the network that went forward')
    axes.text(9.2, 0.4, 'of a network that never was')
    axes.axvline(8.5, color=GREY, lw=0.6, ls=':')
    return figure


# Lesson 7


@picture
def rates() -> Figure:
    figure, (left, right) = panels(2, 9, 3.4)
    steps = np.arange(11)
    for rate, style in ((0.01, 'o-'), (0.1, 's-'), (0.2, '^--'), (0.25, 'D:'), (0.26, 'v-.')):
        left.plot(steps, -2 * (1 - 8 * rate) ** steps, style, ms=4, label=f'{rate}')
    left.axhline(0, color=GREY, lw=0.6)
    left.set(xlabel='step', ylabel='w − 3', title='w − 3, for five rates', xlim=(0, 14))
    left.legend(loc='center right')
    iterations = np.arange(1, 16)
    schedule = np.where(iterations > 1, 0.1 / (1 + iterations * 0.5), 0.1)
    right.plot(iterations, schedule, 'o-', ms=4, label='as Torch7 does it')
    right.plot(iterations, 0.1 / (1 + (iterations - 1) * 0.5), 's:', ms=4, label='as one would expect')
    right.set(xlabel='iteration', title='rate 0.1 with a decay of 0.5', ylim=(0, 0.11))
    right.legend()
    return figure


# Lesson 8


@picture
def overfitting() -> Figure:
    figure, axes = panels(2, 9, 3.4, sharey=True)
    data = patients()
    for each, l1 in zip(axes, (0, 0.03), strict=True):
        hook = nn.L1L2(l1=l1)
        net, criterion = experiment.network(10, 40, seed=1), nn.MSECriterion()
        test = nn.hooks.Evaluate(data.test_inputs, data.test_targets, criterion)
        training = nn.hooks.Evaluate(data.inputs, data.targets, criterion)
        examples = zip(data.inputs, data.targets, strict=True)
        train(net, nn.MSECriterion(), examples, 200, hook=nn.hooks.chain(hook, training, test))
        plots.history(axes=each, training=training, test=test)
        each.axhline(np.mean(data.test_targets**2), color=GREY, ls=':', lw=1.2)
        each.set(title=f'with L1, l1 = {l1}' if l1 else 'without regularisation', ylim=(0, 1.6))
        each.get_legend().remove()
        for name, curve, color in (('test', test, ORANGE), ('training', training, BLUE)):
            above = (name == 'test') == bool(l1)
            place = 140, curve.errors[140] + (0.04 if above else -0.05)
            each.text(*place, name, color=color, va='bottom' if above else 'top')
    axes[0].text(4, 1.17, 'guessing the mean')
    axes[1].set_ylabel('')
    return figure


# Lesson 9


@picture
def shrinking() -> Figure:
    figure, (axes,) = panels(1, 5, 4)
    w = np.linspace(-1.2, 1.2, 481)
    axes.plot(w, w, color=GREY, lw=0.8, ls=':')
    axes.text(0.72, 0.87, 'as it was', rotation=38, rotation_mode='anchor')
    axes.plot(w, 0.7 * w, '--', color=ORANGE, label='L2: decay, l2 = 0.3')
    axes.plot(w, w - np.clip(w, -0.3, 0.3), color=BLUE, label='L1: soft threshold, l1 = 0.3')
    axes.axhline(0, color=GREY, lw=0.5)
    axes.axvline(0, color=GREY, lw=0.5)
    axes.set(xlabel='weight before', ylabel='weight after')
    axes.legend(loc='upper left', fontsize=10)
    return figure


@picture
def hidden_units() -> Figure:
    table, data = datasets.diabetes(), patients()
    net = experiment.network(10, 40, seed=1)
    train(net, nn.MSECriterion(), zip(data.inputs, data.targets, strict=True), 200, hook=nn.L1L2(l1=0.03))
    into, out = net.get(1).weight, net.get(3).weight[0]
    figure, axes = canvas(8, 4.6, 10.4, 11)
    inputs = np.linspace(10, 0.8, 10)
    units = np.linspace(10.4, 0.4, 40)
    for name, y in zip(table.names, inputs, strict=True):
        axes.text(1.3, y, name, ha='right', va='center')
    for unit, y in enumerate(units):
        alive = out[unit] != 0
        style = {'color': BLUE, 'ms': 9} if alive else {'color': GREY, 'ms': 3, 'mfc': 'none', 'mew': 0.7}
        axes.plot(5.5, y, 'o', **style)
        for weight, height in zip(into[unit], inputs, strict=True):
            if weight:
                color = ORANGE if weight > 0 else BLUE
                axes.plot([1.5, 5.4], [height, y], '--' if weight > 0 else '-', color=color, lw=0.6 + 4 * abs(weight))
        if alive:
            axes.plot([5.6, 9], [y, 5.4], color=BLUE, lw=0.6 + 4 * abs(out[unit]))
            axes.text(7.2, (y + 5.4) / 2 + 0.35, f'{out[unit]:.1f}'.replace('-', '−'), color=BLUE)
    axes.plot(9, 5.4, 'o', ms=9, color=BLUE)
    axes.text(9.2, 5.4, 'progression', va='center')
    axes.set_xlim(0, 11)
    axes.text(8.9, 10.3, 'solid: negative weights', color=BLUE, ha='center')
    axes.text(8.9, 9.5, 'dashed: positive weights', color=ORANGE, ha='center')
    return figure


# Lesson 10


@picture
def as_published() -> Figure:
    figure, axes = panels(3, 9, 3.2, sharey=True)
    w = np.linspace(-1, 1, 401)
    clamp = np.clip(w, -0.3, 0.3)
    for each, title, after, color in zip(
        axes,
        ('the formula', 'the code as published', 'its product made apart'),
        (0.8 * w - clamp, -clamp, 1.2 * w - clamp),
        (BLUE, ORANGE, PURPLE),
        strict=True,
    ):
        each.plot(w, w, color=GREY, lw=0.8, ls=':')
        each.plot(w, after, color=color)
        each.axhline(0, color=GREY, lw=0.5)
        each.axvline(0, color=GREY, lw=0.5)
        each.set(title=title, xlabel='weight before')
        each.title.set_color(color)
    axes[0].set_ylabel('weight after (l1 = 0.3, l2 = 0.2)')
    return figure


# Lesson 11


@picture
def paths() -> Figure:
    figure, (axes,) = panels(1, 7, 3.8)
    table, data = datasets.diabetes(), patients()
    rows = len(data.inputs)
    lambdas = np.geomspace(0.01, 1, 60)
    weights, w = [], np.zeros(10)
    step = rows / (2 * np.linalg.norm(data.inputs, 2) ** 2)
    for penalty in lambdas:
        for _ in range(400):  # proximal gradient descent on mean((X w - t)^2) + penalty |w|_1
            w = w - step * 2 / rows * data.inputs.T @ (data.inputs @ w - data.targets[:, 0])
            w = w - np.clip(w, -step * penalty, step * penalty)
        weights.append(w)
    axes.axhline(0, color=GREY, lw=0.8)
    order = np.argsort([-np.abs(path).sum() for path in np.transpose(weights)])
    for rank, column in enumerate(order):
        path = np.array(weights)[:, column]
        color, width, style = (COLORS[rank], 2, ('-', '--', '-.', ':')[rank]) if rank < 4 else (GREY, 0.9, '-')
        axes.semilogx(lambdas, path, style, color=color, lw=width)
        if rank < 4:
            axes.annotate(
                table.names[column],
                (lambdas[0], path[0]),
                (-4, 0),
                textcoords='offset points',
                color=color,
                ha='right',
                va='center',
            )
    axes.set(xlabel='weight λ of the L1 penalty', ylabel='weights', xlim=(0.0078, 1))
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position('right')
    axes.spines[['left']].set_visible(False)
    axes.spines[['right']].set_visible(True)
    return figure


@picture
def regularization_path() -> Figure:
    """The path that docs/estimators.md computes."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from t7nn import estimators

    table = datasets.diabetes()
    X, _, y, _ = train_test_split(table.inputs, table.target, train_size=200, random_state=1)
    net = estimators.NNRegressor(module=(40,), maxIteration=50, random_state=1)
    model = TransformedTargetRegressor(make_pipeline(StandardScaler(), net), transformer=StandardScaler())
    path = estimators.regularization_path(model, X, y, l1=[0, 0.003, 0.01, 0.03, 0.1, 0.3], cv=5)
    return path.plot(Figure(figsize=(11, 3.6)))


# Lesson 12


@picture
def own_layer() -> Figure:
    figure, (left, right) = panels(2, 9, 3.2)
    x = np.linspace(-3, 3, 301)
    for w, style in ((1, '-'), (2, '--'), (3, '-.')):
        left.plot(x, np.sin(w * x), style, label=f'w = {w}')
    for w, style in ((0.5, '-'), (1, '--'), (5, '-.')):
        right.plot(x, x / (1 + np.exp(-w * x)), style, label=f'w = {w}')
    left.set(title='Wave: y = sin(w x)', xlabel='x', ylim=(-1.1, 1.9))
    right.set(title='Swish: y = x sigmoid(w x)', xlabel='x')
    left.legend(ncols=3, loc='upper center')
    right.legend()
    return figure


# Lesson 13


@picture
def vanishing() -> Figure:
    figure, (axes,) = panels(1, 7, 3.6)
    for name, transfer, style in (('Tanh', nn.Tanh, 'o-'), ('ReLU', nn.ReLU, '^-'), ('Sigmoid', nn.Sigmoid, 's-')):
        nn.manualSeed(1)
        net = network(*(layer for _ in range(10) for layer in (nn.Linear(20, 20), transfer())), nn.Linear(20, 1))
        x = nn.random.randn(50, 20)
        net.forward(x)
        net.zeroGradParameters()
        net.backward(x, nn.random.randn(50, 1))
        sizes = [np.sqrt(np.mean(layer.gradWeight**2)) for layer in net.findModules('nn.Linear')[0][:-1]]
        axes.semilogy(range(1, 11), sizes, style, ms=5)
        axes.annotate(
            name,
            (1, sizes[0]),
            (-8, 0),
            textcoords='offset points',
            ha='right',
            va='center',
            color=axes.lines[-1].get_color(),
        )
    axes.set(xlabel='hidden layer', ylabel='size of the gradient of its weights', xlim=(-0.4, 10.2))
    axes.set_xticks(range(1, 11))
    return figure


# Lesson 14


@picture
def windows() -> Figure:
    figure, axes = canvas(9, 2.9, 23, 6.2)
    image, kernel = [[1, 2, 0], [0, 1, 3], [2, 1, 0]], [[1, 0], [0, -1]]
    for place in range(4):
        row, column = divmod(place, 2)
        left = 5.9 * place + 0.4
        for i in range(3):
            for j in range(3):
                inside = row <= i < row + 2 and column <= j < column + 2
                corner = (left + 1.5 * j, 4.2 - 1.5 * i)
                face = (*matplotlib.colors.to_rgb(BLUE), 0.25 * inside)
                axes.add_patch(Rectangle(corner, 1.5, 1.5, ec=GREY, fc=face))
                x, y = corner[0] + 0.75, corner[1] + 0.75
                axes.text(x, y + 0.2 * inside, image[i][j], ha='center', va='center')
                if inside:
                    weight = str(kernel[i - row][j - column]).replace('-', '−')
                    axes.text(x, y - 0.35, f'· {weight}', ha='center', va='center', color=PURPLE, size=10)
        total = sum(image[row + i][column + j] * kernel[i][j] for i in range(2) for j in range(2))
        axes.text(left + 2.25, 0.4, f'sum {total}'.replace('-', '−'), ha='center', color=ORANGE)
    return figure


@picture
def kernels() -> Figure:
    images, classes = datasets.digits()
    images = images[:, np.newaxis]
    net = lenet()
    batches = zip(images[:1200].reshape(-1, 10, 1, 8, 8), classes[:1200].reshape(-1, 10), strict=True)
    train(net, nn.ClassNLLCriterion(), batches, 8, rate=0.2)
    figure, (axes,) = panels(1, 5, 3.6)
    plots.weights(net.get(1), axes=axes)
    axes.spines[:].set_visible(False)
    return figure


# The page on t7nn.plots


@picture
def layers() -> Figure:
    figure, (axes,) = panels(1, 6, 3.7)
    branches = nn.ConcatTable().add(network(nn.Linear(10, 40), nn.Tanh(), nn.Linear(40, 1))).add(nn.Linear(10, 1))
    plots.network(network(branches, nn.CAddTable()), np.zeros(10), axes)
    return figure


@picture
def layer_gradients() -> Figure:
    figure, (axes,) = panels(1, 6, 3.6)
    net, criterion, (images, classes) = lenet(), nn.ClassNLLCriterion(), datasets.digits()
    images, classes = images[:50, np.newaxis], classes[:50]
    criterion.forward(net.forward(images), classes)
    net.zeroGradParameters()
    net.backward(images, criterion.backward(net.output, classes))
    plots.gradients(net, axes)
    return figure


if __name__ == '__main__':
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
