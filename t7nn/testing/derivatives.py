"""Derivatives held against central differences."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .case import REFUSALS, Case
from .compare import GRADIENT_TOLERANCE, STEP, Difference, arrays, central_differences, compare, copied, leaves
from .hints import one_sided

SAMPLE = 48  # elements of a larger tensor whose derivative is looked at one by one
ALL = 128  # up to so many elements of a tensor all are


def objective(case: Case, node: Any, given: Any, second: Any) -> Callable[[], float]:
    """The loss, or for a module the sum of gradOutput * output, as a function of what node and input hold now."""

    def loss() -> float:
        if getattr(node, 'train', None) is False:  # what evaluate() computes from the parameters is computed anew
            node.training()
            node.evaluate()
        output = case.forward(node, given)
        if case.is_loss:
            return output
        return float(sum(np.sum(g * y) for g, y in zip(arrays(second), arrays(output), strict=True)))

    return loss


def check_derivative(case: Case, loss: Callable[[], float], tensor: np.ndarray, found: Any, name: str) -> None:
    """Raise unless `found` is the derivative of `loss()` with respect to `tensor`.

    Of a large tensor a sample is looked at one by one, and all of it in one direction; where that tells that something
    is wrong, the wrong element is looked for by halves.
    """
    other = 'central differences give'
    if not isinstance(found, np.ndarray) or found.shape != tensor.shape:
        compare(found, np.zeros_like(tensor), name, other, np.inf)
    place = lambda number: tuple(int(i) for i in np.unravel_index(number, tensor.shape))  # noqa: E731
    if tensor.size > ALL:
        chosen = np.random.RandomState(4).choice(tensor.size, SAMPLE, replace=False)
        sample = [place(number) for number in sorted(chosen)]
        case.notes.append(f'{name}: {SAMPLE} of {tensor.size} elements, all of them in one direction')
    else:
        sample = list(np.ndindex(tensor.shape))
    look(loss, tensor, found, name, sample)
    if tensor.size > ALL:
        signs = np.random.RandomState(5).choice([1.0, -1.0], tensor.shape)
        suspects = np.arange(tensor.size)
        while len(suspects) > 1 and not in_direction(loss, tensor, found, signs, suspects):
            half = suspects[: len(suspects) // 2]
            rest = suspects[len(suspects) // 2 :]
            suspects = rest if in_direction(loss, tensor, found, signs, half) else half
        if len(suspects) == 1:
            look(loss, tensor, found, name, [place(suspects[0])])


def look(loss: Callable[[], float], tensor: np.ndarray, found: np.ndarray, name: str, places: list) -> None:
    """Compare `found` with central differences at these places."""
    expected = central_differences(loss, tensor, STEP, places)
    if len(places) < tensor.size:  # elsewhere nothing is compared
        chosen = np.zeros(tensor.shape, bool)
        chosen[tuple(np.transpose(places))] = True
        expected = np.where(chosen, expected, found)
    try:
        compare(found, expected, name, 'central differences give', GRADIENT_TOLERANCE)
    except Difference as difference:
        with np.errstate(all='ignore'):
            error = np.abs(found - expected) / (1 + np.abs(expected))
        place = np.unravel_index(np.nanargmax(np.where(np.isnan(found), np.inf, error)), tensor.shape)
        if np.isfinite(found[place]) and np.isfinite(expected[place]):
            slopes = [side(loss, tensor, place, sign) for sign in (1, -1)]
            hint = one_sided(found[place], expected[place], *slopes)
            if hint:
                difference.hint = hint  # type: ignore[attr-defined]
        if len(places) < tensor.size:  # patterns are looked for where something was compared
            difference.actual, difference.expected = found[chosen], expected[chosen]
        raise


def side(loss: Callable[[], float], tensor: np.ndarray, place: Any, sign: int) -> dict[float, float]:
    """The slope on one side of an element, by step."""
    value, here, slopes = tensor[place], loss(), {}
    for step in (1e-6, 1e-8, 1e-7, 1e-5, 1e-4, 1e-3, 1e-2):
        tensor[place] = value + sign * step
        if step != 1e-8:
            slopes[step] = (loss() - here) / (sign * step)
    tensor[place] = value
    return slopes


def in_direction(
    loss: Callable[[], float], tensor: np.ndarray, found: np.ndarray, signs: np.ndarray, suspects: np.ndarray
) -> bool:
    """Whether the derivative is right in the direction of `signs`, for these elements, by their number."""
    kept, moved = tensor.copy(), np.zeros(tensor.size)
    moved[suspects] = signs.flat[suspects]
    losses = []
    for step in (STEP, -STEP):
        tensor[...] = kept + step * moved.reshape(tensor.shape)
        losses.append(loss())
    tensor[...] = kept
    expected = (losses[0] - losses[1]) / (2 * STEP)
    return bool(abs(np.sum(found * moved.reshape(tensor.shape)) - expected) <= 2e-6 * (1 + abs(expected)))


def input_gradient(case: Case) -> None:
    """gradInput is the derivative with respect to the input, in evaluate mode of what evaluate mode computes."""
    in_both_modes(case, input_derivative)


def in_both_modes(case: Case, check: Callable[[Case, Any], None]) -> None:
    """Check a derivative of the node as it is, and of a module in evaluate mode, where it may be refused."""
    check(case, case.fresh())
    if case.is_loss or case.node.train is False:
        return
    module = case.fresh()
    for _ in range(2):  # running averages move away from where they begin
        case.forward(module, case.copied())
    module.evaluate()
    twin = Case(module, *case.given)
    try:
        found = twin.expected()
    except REFUSALS as error:
        if not any(word in str(error) for word in ('train', 'evaluat')):  # refused because of the mode
            raise
        case.notes.append('no gradient in evaluate mode')
        return
    try:
        compare(found, case.expected(), '', '')
        return  # it does the same in both modes
    except AssertionError:
        pass
    try:
        check(twin, twin.fresh())
    except AssertionError as error:
        error.args = (f'in evaluate mode {error}',)
        raise
    case.notes = list(dict.fromkeys(case.notes + twin.notes))


def input_derivative(case: Case, node: Any) -> None:
    """Raise unless gradInput of `node` is the derivative with respect to the input."""
    given = case.copied()
    second = case.second(case.forward(node, given), given)
    gradInput = dict(leaves(copied(case.updateGradInput(node, given[0], second))))
    loss = objective(case, node, given, second)
    for path, tensor in leaves(given[0]):
        if tensor.dtype.kind == 'f':
            check_derivative(case, loss, tensor, gradInput.get(path), 'gradInput' + path)
