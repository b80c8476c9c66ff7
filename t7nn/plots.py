"""Pictures of a network of one's own (``pip install 't7nn[plot]'``).

Each function draws into the matplotlib axes it is given, or into a new figure, and returns the axes: a notebook shows
the figure, and ``plots.history(errors).figure.savefig('errors.svg')`` saves it.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import t7nn as nn

__all__ = ['boundary', 'gradients', 'history', 'network', 'paths', 'weights']

#: colours that every eye tells apart, on white and on black: blue, orange, purple, turquoise, grey
COLORS = BLUE, ORANGE, *_ = '#3b7dd8', '#d1700e', '#9a62c7', '#1f9a9a', '#7a7a7a'


def _axes(axes: Any) -> Any:
    """`axes`, or those of a new figure."""
    if axes is not None:
        return axes
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError:
        raise ModuleNotFoundError("t7nn.plots needs matplotlib; get it with: pip install 't7nn[plot]'") from None
    return pyplot.figure(layout='constrained').add_subplot()


def _matrix(values: Any, what: str, columns: int | None = None) -> np.ndarray:
    """`values` as a matrix of numbers, checked."""
    matrix = np.asarray(values)
    if matrix.ndim != 2 or not matrix.size or columns not in (None, matrix.shape[1]) or matrix.dtype.kind not in 'biuf':
        shape = f'(n, {columns or "m"})'
        raise ValueError(f'{what} of shape {shape}, got {matrix.dtype} of shape {matrix.shape}')
    return matrix


# The network


def _shape(output: Any) -> str:
    if isinstance(output, (list, tuple)):
        return '{' + ', '.join(map(_shape, output)) + '}'
    return ' x '.join(map(str, output.shape)) if isinstance(output, np.ndarray) else 'number'


def _count(module: nn.Module) -> int:
    """The number of parameters; what is shared counts once."""
    return sum({id(tensor): tensor.size for tensor in module.parameters()[0]}.values())


def network(net: nn.Module, input: Any = None, axes: Any = None) -> Any:
    """Draw the layers of a network with the shapes of their outputs and the numbers of their parameters.

    Parameters
    ----------
    net
        any module; containers are frames around what they contain
    input
        an input, from which the shapes are found on a copy of the network; without one no shapes are shown
    axes
        matplotlib axes; None makes a figure

    >>> import t7nn as nn
    >>> from t7nn import plots
    >>> net = nn.Sequential().add(nn.Linear(2, 8)).add(nn.Tanh()).add(nn.Linear(8, 1))
    >>> axes = plots.network(net, nn.random.randn(2))
    >>> [text.get_text() for text in axes.texts][-1]
    '33'
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f'plots.network: expected a module, got {net!r}')
    if input is not None:
        net = net.clone()
        net.forward(input)
    axes = _axes(axes)
    if axes.figure.get_axes() == [axes]:
        axes.figure.set_size_inches(6, 1 + 0.45 * len(net.listModules()))
    width, height, gap, indent = 10.0, 0.62, 0.38, 0.3
    line = axes.xaxis.label.get_color()

    def beside(y: float, shape: str, count: str, fontstyle: str = 'normal') -> None:
        for x, text in ((width + 2.5, shape if input is not None else ''), (width + 5.2, count)):
            axes.text(x, y, text, va='center', ha='right', fontstyle=fontstyle)

    def draw(module: nn.Module, depth: int, top: float) -> float:
        """Draw a module from `top` down, and tell where it ends."""
        left, right, middle = depth * indent, width - depth * indent, top - height / 2
        if not module.modules:
            _box(axes, left, top - height, right, top, BLUE)
            axes.text(width / 2, middle, str(module).partition('\n')[0], va='center', ha='center')
            beside(middle, _shape(module.output), str(_count(module) or ''))
            return top - height
        axes.text(left + 0.2, middle, type(module).__name__, va='center')
        bottom = top - height + gap
        for number, child in enumerate(module.modules):
            if number and isinstance(module, nn.Sequential):
                arrow = {'arrowstyle': '->', 'color': line, 'shrinkA': 0, 'shrinkB': 0}
                axes.annotate('', (width / 2, bottom - gap), (width / 2, bottom), arrowprops=arrow)
            bottom = draw(child, depth + 1, bottom - gap)
        _box(axes, left, bottom - 0.2, right, top, line, filled=False)
        return bottom - 0.2

    beside(0.4, 'output', 'parameters', 'italic')
    y = draw(net, 0, 0) - height
    axes.text(0, y, 'all parameters', va='center', fontstyle='italic')
    beside(y, '', str(_count(net)))
    axes.set(xlim=(-0.2, width + 5.4), ylim=(y - 0.5, 0.8))
    axes.axis('off')
    return axes


def _box(axes: Any, left: float, bottom: float, right: float, top: float, color: str, filled: bool = True) -> None:
    """A rounded box; filled it is a tint of its edge."""
    from matplotlib.colors import to_rgba
    from matplotlib.patches import FancyBboxPatch

    face = to_rgba(color, 0.15) if filled else 'none'
    box = FancyBboxPatch(
        (left, bottom), right - left, top - bottom, 'round,pad=0,rounding_size=0.15', ec=color, fc=face, zorder=0
    )
    axes.add_patch(box)


# Training


def history(*curves: Any, axes: Any = None, **named: Any) -> Any:
    """Draw errors, or any other numbers, over the iterations.

    Parameters
    ----------
    curves, named
        sequences of numbers, one for each iteration, or hooks that have one in ``errors``, such as `hooks.History`;
        the names become the legend
    axes
        matplotlib axes; None makes a figure

    >>> from t7nn import plots
    >>> axes = plots.history(training=[1.0, 0.5, 0.3], test=[1.1, 0.7, 0.8])
    >>> [line.get_label() for line in axes.lines]
    ['training', 'test']
    """
    drawn = [(None, curve) for curve in curves] + list(named.items())
    if not drawn:
        raise TypeError('plots.history: expected at least one sequence of numbers, got none')
    numbers = []
    for name, curve in drawn:
        values = np.asarray(getattr(curve, 'errors', curve))
        if values.ndim != 1 or values.dtype.kind not in 'biuf':
            raise ValueError(
                f'plots.history: expected one number for each iteration as {name or "curve"}, got {curve!r}'
            )
        numbers.append(values)
    axes = _axes(axes)
    for (name, _), values, style in zip(drawn, numbers, itertools.cycle(['-', '--', ':', '-.'])):
        axes.plot(range(1, len(values) + 1), values, style, label=name)
    axes.set(xlabel='iteration', ylabel='error')
    if named:
        axes.legend()
    return axes


def paths(lambdas: Sequence[float], weights: Any, names: Sequence[str] | None = None, axes: Any = None) -> Any:
    """Draw how the weights change as the penalty grows.

    Parameters
    ----------
    lambdas
        n weights of the penalty; the axis is logarithmic if all are positive
    weights
        (n, m): the m weights that each of them leaves
    names
        m names, written where the lines begin
    axes
        matplotlib axes; None makes a figure

    >>> from t7nn import plots
    >>> axes = plots.paths([0.01, 0.1, 1], [[0.9, -0.5], [0.7, -0.2], [0.1, 0]], ['bmi', 'age'])
    >>> axes.get_xscale()
    'log'
    """
    weights = _matrix(weights, 'plots.paths: expected weights')
    x = np.asarray(lambdas, float)
    if x.shape != weights.shape[:1]:
        raise ValueError(f'plots.paths: expected {len(weights)} lambdas, one for each row, got shape {x.shape}')
    if names is not None and len(names) != weights.shape[1]:
        raise ValueError(f'plots.paths: expected {weights.shape[1]} names, got {len(names)}')
    axes = _axes(axes)
    lines = axes.plot(x, weights)
    for line, name in zip(lines, names or [], strict=False):
        place = (x[0], line.get_ydata()[0])
        axes.annotate(name, place, (-4, 0), textcoords='offset points', ha='right', va='center', color=line.get_color())
    axes.axhline(0, color=axes.xaxis.label.get_color(), lw=0.8, zorder=0)
    if (x > 0).all():
        axes.set_xscale('log')
    axes.set(xlabel='weight of the penalty', ylabel='weights')
    return axes


def _numbers(tensors: Any) -> Iterator[np.ndarray]:
    """The arrays in a table of tables of them, flat."""
    if isinstance(tensors, np.ndarray):
        yield tensors.ravel()
    elif isinstance(tensors, (list, tuple)):
        for tensor in tensors:
            yield from _numbers(tensor)


def _size(tensors: Any) -> float:
    """The root mean square of all elements; nan where there are none."""
    together = np.concatenate([np.zeros(0), *_numbers(tensors)])
    return math.sqrt(np.mean(together**2)) if together.size else math.nan


def gradients(net: nn.Module, axes: Any = None) -> Any:
    """Draw the size of the gradients layer by layer: their root mean square, on a logarithmic axis.

    Dots are gradients of a layer's input, squares those of its parameters, as the last ``backward`` left them.

    Parameters
    ----------
    net
        a network after ``backward``
    axes
        matplotlib axes; None makes a figure

    Raises
    ------
    ValueError
        if there are no gradients yet

    >>> import numpy as np, t7nn as nn
    >>> from t7nn import plots
    >>> net = nn.Sequential().add(nn.Linear(2, 8)).add(nn.Tanh()).add(nn.Linear(8, 1))
    >>> x = nn.random.randn(2)
    >>> y = net.forward(x)
    >>> dx = net.backward(x, np.ones(1))
    >>> plots.gradients(net).get_yscale()
    'log'
    """
    layers = [module for module in net.listModules() if not module.modules]
    inputs = [_size(module.gradInput) for module in layers]
    parameters = [_size(module.parameters()[1]) for module in layers]
    if not np.nansum(inputs) + np.nansum(parameters) > 0:
        raise ValueError('plots.gradients: expected a network after backward, got one without gradients')
    axes = _axes(axes)
    numbers = range(1, len(layers) + 1)
    for values, style, label in ((inputs, 'o-', 'of the input'), (parameters, 's', 'of the parameters')):
        seen = [(number, value) for number, value in zip(numbers, values, strict=True) if value > 0]
        if seen:
            axes.plot(*zip(*seen, strict=True), style, label=label)
    axes.set_yscale('log')
    axes.set_xticks(numbers, [type(module).__name__ for module in layers], rotation=60, ha='right')
    axes.set(ylabel='size of the gradient')
    axes.legend()
    return axes


# What was learned


def _tiles(images: np.ndarray, columns: int) -> np.ndarray:
    """Images (n, height, width) in rows of `columns`, with a gap of nan between them."""
    count, height, width = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), math.nan)
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        top, left = row * (height + 1), column * (width + 1)
        sheet[top : top + height, left : left + width] = image
    return sheet


def weights(module: nn.Module, shape: tuple[int, int] | None = None, axes: Any = None) -> Any:
    """Draw the weights of a layer as images: blue where they are negative, orange where positive.

    Parameters
    ----------
    module
        a layer with a ``weight``: a matrix is one image, or one of `shape` for each of its rows; the kernels of a
        convolution are one image each
    shape
        (height, width) of the images whose pixels the columns of a matrix are
    axes
        matplotlib axes; None makes a figure

    >>> import t7nn as nn
    >>> from t7nn import plots
    >>> axes = plots.weights(nn.SpatialConvolution(1, 6, 3, 3))
    >>> axes.images[0].get_array().shape
    (7, 11)
    """
    weight = getattr(module, 'weight', None)
    if not isinstance(weight, np.ndarray) or weight.ndim < 2 and shape is None:
        raise ValueError(f'plots.weights: expected a layer with a weight of two or more dimensions, got {module}')
    if shape is not None:
        if weight.shape[-1] != shape[0] * shape[1]:
            raise ValueError(f'plots.weights: expected a shape of {weight.shape[-1]} pixels, got {shape}')
        sheet = weight.reshape(-1, *shape)
    elif weight.ndim > 2:
        sheet = weight.reshape(-1, *weight.shape[-2:])
    else:
        sheet = weight[np.newaxis]
    planes = weight.shape[1] if weight.ndim > 3 and weight.shape[1] > 1 else math.ceil(math.sqrt(len(sheet)))
    from matplotlib.colors import LinearSegmentedColormap

    axes = _axes(axes)
    colors = LinearSegmentedColormap.from_list('', [BLUE, 'white', ORANGE])
    most = np.abs(weight).max() or 1
    image = axes.imshow(_tiles(sheet, planes), cmap=colors, vmin=-most, vmax=most, interpolation='nearest')
    axes.figure.colorbar(image, ax=axes, shrink=0.7)
    axes.set(xticks=[], yticks=[])
    return axes


def boundary(
    net: nn.Module,
    inputs: Any,
    targets: Any,
    axes: Any = None,
    level: float = 0,
    margin: float = 0.3,
    fineness: int = 120,
) -> Any:
    """Draw what a network of two inputs answers over the plane, and the examples on it.

    Parameters
    ----------
    net
        takes batches (N, 2). It is run on a copy, in the mode of `evaluate`.
    inputs, targets
        the examples, points (n, 2), and what they are: classes 1, 2 ... for a network with as many outputs, of which
        the largest is its answer; one of two numbers for a network with one output
    axes
        matplotlib axes; None makes a figure
    level
        above which a single output means the larger of the two numbers
    margin
        how far the picture reaches beyond the examples
    fineness
        points computed along each side

    >>> import t7nn as nn
    >>> from t7nn import datasets, plots
    >>> points, classes = datasets.moons(50)
    >>> net = nn.Sequential().add(nn.Linear(2, 2)).add(nn.LogSoftMax())
    >>> axes = plots.boundary(net, points, classes)
    >>> [line.get_label() for line in axes.lines]
    ['1', '2']
    """
    inputs = _matrix(inputs, 'plots.boundary: expected inputs', 2)
    targets = np.ravel(np.asarray(targets))
    if len(targets) != len(inputs):
        raise ValueError(f'plots.boundary: expected {len(inputs)} targets, one for each input, got {len(targets)}')
    least, most = inputs.min(0) - margin, inputs.max(0) + margin
    net = net.clone()
    net.evaluate()
    grid = np.meshgrid(*np.linspace(least, most, fineness).T)
    answers = net.forward(np.stack(grid, -1).reshape(-1, 2).astype(net.dtype)).reshape(fineness**2, -1)
    if answers.shape[1] > 1:
        groups, answer = np.arange(1, answers.shape[1] + 1), answers.argmax(1)
    else:
        groups, answer = np.unique(targets), (answers[:, 0] > level).astype(int)
    if not np.isin(targets, groups).all() or answers.shape[1] == 1 and len(groups) != 2:
        wanted = 'two numbers' if answers.shape[1] == 1 else f'classes 1..{len(groups)}'
        raise ValueError(f'plots.boundary: expected {wanted} as targets, got {np.unique(targets)}')
    axes = _axes(axes)
    from matplotlib.colors import to_rgba

    colors = [COLORS[i % len(COLORS)] for i in range(len(groups))]
    shades = np.array([to_rgba(color, 0.25) for color in colors])
    corners = (least[0], most[0], least[1], most[1])
    picture = shades[answer].reshape(fineness, fineness, 4)
    axes.imshow(picture, extent=corners, origin='lower', interpolation='nearest')
    for group, color, marker in zip(groups, colors, itertools.cycle('o^sDv')):
        axes.plot(*inputs[targets == group].T, marker, color=color, ms=4, mew=0, label=f'{group:g}')
    return axes
