"""The properties that modules and criterions have in common."""

import copy
import functools
import itertools
import random as python_random
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from t7nn import random
from t7nn.module import Module
from t7nn.node import Node

from .case import OTHER, REFUSALS, Case, NotApplicable
from .compare import (
    SINGLE,
    arrays,
    compare,
    copied,
    copies_of,
    leaves,
    of_floats,
    of_tensors,
    read_only,
    repeated,
    require,
    single,
    stretched,
    walk,
)


def of_t7nn(thing: Any) -> bool:
    """Whether a class or a function is t7nn's own."""
    return str(thing.__module__).startswith('t7nn.')


def written_by_user(node: Any, method: str) -> bool:
    """Whether this method is not t7nn's own."""
    return not (of_t7nn(type(node)) and of_t7nn(getattr(type(node), method)))


# What the checks need


def batch(case: Case) -> str:
    """A batch of examples."""
    return '' if case.batch and case.count else 'the first dimension does not count examples'


def floats(case: Case) -> str:
    """An input of floating-point numbers."""
    return '' if any(array.dtype.kind == 'f' for array in arrays(case.input)) else 'the input holds no floats'


def not_in_place(case: Case) -> str:
    """A layer that was not asked to work in the memory of its input."""
    return 'it works in place' if any(getattr(inner, 'inplace', False) for _, inner in walk(case.node)) else ''


# The properties, the cause before its consequences


def runs(case: Case) -> None:
    """Forward and backward run without an error, and give something."""
    node, given = case.fresh(), case.copied()
    forward, backward = ('updateOutput', 'updateGradInput') if isinstance(node, Module) else ('forward', 'backward')
    output = case.forward(node, given)
    require(output is not None, f'{forward} returns nothing; hint: end it with "return self.output"')
    for path, array in leaves(output):
        require(array.dtype != object, f'output{path} is no tensor')
    gradInput = case.updateGradInput(node, given[0], case.second(output, given))
    if floats(case) == '' and getattr(node, 'gradInput', None) is not None:
        require(gradInput is not None, f'{backward} returns nothing; hint: end it with "return self.gradInput"')
    if isinstance(node, Module):
        node.accGradParameters(given[0], case.second(output, given))


def repeatable(case: Case) -> None:
    """The same input and the same state of t7nn.random give the same numbers, and no other generator is used."""
    node = case.fresh()
    first = case.forward(node, case.copied())
    for name, state, now in (
        ('np.random', np.random.RandomState(1).get_state(), np.random.get_state()),
        ('the module random', python_random.Random(1).getstate(), python_random.getstate()),
    ):
        require(
            repr(state) == repr(now),
            f'random numbers come from {name}, not from t7nn.random: nn.manualSeed does not repeat them',
        )
    drawn = random.getRNGState()
    where = 'random numbers do not come from t7nn.random: the output of a'
    for again, what, other in ((node, 'second forward', 'first'), (case.fresh(), 'copy', 'original')):
        found = case.forward(again, case.copied())
        compare(found, first, f'{where} {what}', f'with the same state of t7nn.random the {other}')
    random.manualSeed(1)
    untouched = random.getRNGState()
    case.forward(node, case.copied(), 2)
    require(
        np.array_equal(drawn, untouched) or not np.array_equal(drawn, random.getRNGState()),
        'it seeds t7nn.random itself: its random numbers are the same in every call',
    )


def calls(case: Case, node: Any, given: Any) -> Iterator[tuple[str, Any, Any]]:
    """Call the methods of a node one after the other: for each its name, and its gradOutput now and as it was."""
    output = case.forward(node, given)
    yield 'forward', None, None
    second = copied(case.second(output, given))
    before = None if case.is_loss else copied(second)
    case.updateGradInput(node, given[0], given[1] if case.is_loss else second)
    yield 'backward' if case.is_loss else 'updateGradInput', second, before
    if not case.is_loss:
        node.accGradParameters(given[0], second)
        yield 'accGradParameters', second, before
        for name, last in (('backward', 1), ('accUpdateGradParameters', 0.1), ('backwardUpdate', 0.1)):
            getattr(node, name)(given[0], second, last)
            yield name, second, before


def untouched(case: Case) -> None:
    """Neither input nor target nor gradOutput is written to, not even to be put back: all may be read-only."""
    names = 'input', 'target'
    for mode in modes_of(case):
        node, given = mode(case.fresh()), case.copied()
        for method, second, before in refusing(calls(case, node, given), mode):
            for name, array, kept in zip(names, given, case.given, strict=True):
                compare(array, kept, f'{name} after {method}', 'before it was')
            if before is not None:
                compare(second, before, f'gradOutput after {method}', 'before it was')
    node, given = case.fresh(), of_tensors(read_only, case.given)
    output = case.forward(node, given)
    second = of_tensors(read_only, case.second(output, given))
    case.updateGradInput(node, given[0], second)
    if isinstance(node, Module):
        node.accGradParameters(given[0], second, 1)
        node.backward(given[0], second)


def training(node: Any) -> Any:
    """The node as it is."""
    return node


def evaluating(node: Any) -> Any:
    """A module after training, in evaluate mode."""
    node.evaluate()
    return node


def modes_of(case: Case) -> list[Callable]:
    """The modes of a module; a criterion has one."""
    return [training] if case.is_loss else [training, evaluating]


def refusing(steps: Iterator, mode: Callable) -> Iterator:
    """The steps up to the first that is refused, which in evaluate mode a gradient may be."""
    try:
        yield from steps
    except REFUSALS:
        if mode is training:
            raise


def held(value: Any) -> Iterator[np.ndarray]:
    """The arrays in an attribute, also in lists and dicts."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (list, tuple)):
        yield from itertools.chain.from_iterable(map(held, value))
    elif isinstance(value, dict):
        yield from held(list(value.values()))


def overlap(array: np.ndarray, others: list[np.ndarray]) -> bool:
    """Whether an array lies in the memory of one of the others."""
    return any(np.may_share_memory(array, other) and np.shares_memory(array, other) for other in others)


def kept_memory(case: Case) -> None:
    """No array of the caller's is kept after the call: backward uses the input that it is given, not one that forward
    has kept, and nothing but results that are views lies in the caller's memory."""
    node, given = case.fresh(), case.copied()
    seconds = case.second(case.forward(node, given), given)
    case.backward(node, given[0], seconds)
    callers = arrays(given) + ([] if case.is_loss else arrays(seconds))
    results = ('output', 'gradInput')
    views = False
    for path, inner in walk(node):
        for key, value in list(vars(inner).items()):
            if key in results:
                views = views or any(overlap(array, callers) for array in held(value))
            elif not key.startswith('_') and not of_t7nn(type(inner)):
                require(
                    not any(overlap(array, callers) for array in held(value)),
                    f'{path}{key} keeps an array of the caller, who may change it: copy it, or use what backward is '
                    'given',
                )
    if views:
        return
    expected = case.run(case.fresh())
    node, given = case.fresh(), case.copied()
    output = case.forward(node, given)
    for array in arrays(given):
        array[...] = np.nan if array.dtype.kind == 'f' else 0
    given = case.copied()
    if isinstance(node, Module):
        node.zeroGradParameters()
    found = case.backward(node, given[0], case.second(output, given))
    compare(
        found, {key: expected[key] for key in found}, 'once the array given to forward is overwritten, of an equal one',
        'otherwise it is',
    )  # fmt: skip


def output_kept(case: Case) -> None:
    """Neither backward step changes the output, the mode, or a parameter."""
    node, given = case.fresh(), case.copied()
    output = case.forward(node, given)
    second = case.second(output, given)
    steps = {'backward' if case.is_loss else 'updateGradInput': lambda: case.updateGradInput(node, given[0], second)}
    if isinstance(node, Module):
        steps['accGradParameters'] = lambda: node.accGradParameters(given[0], second, 1)
    for name, step in steps.items():
        step()
        compare(node.output, output, f'output after {name}', 'forward gave')


def second_backward(case: Case) -> None:
    """After one forward, backward may be called twice, and gives the same twice."""
    node, given = case.fresh(), case.copied()
    output = case.forward(node, given)
    second = case.second(output, given)
    results = []
    for _ in range(2):
        if isinstance(node, Module):
            node.zeroGradParameters()
        results.append(case.backward(node, given[0], second))
    compare(results[1], results[0], 'after backward twice', 'after once it is')


def two_forwards(case: Case) -> None:
    """After two forwards on different inputs, backward belongs to the last one."""
    expected = case.expected()
    cases = [case.other()] + [case.rows(slice(0, 1))] * bool(case.batch and case.count > 1)
    for before in cases:
        node = case.fresh()
        case.forward(node, before.copied())
        compare(case.run(stateless(case, node)), expected, 'after a forward on another input', 'without it it is')


def instances(case: Case) -> None:
    """Two instances, and a clone and its original, work in turn and do not disturb one another; nothing is kept on the
    class."""
    before = class_state(case.node)
    expected = case.expected()
    other = case.other()
    makers = {'another instance': lambda node: case.fresh(), 'a clone': lambda node: node.clone()}
    for name, make in makers.items():
        node, given = case.fresh(), case.copied()
        if isinstance(node, Module):
            node.zeroGradParameters()
        output = case.forward(node, given)
        twin = make(node)
        other.run(twin)
        found = {'loss' if case.is_loss else 'output': copied(node.output)}
        found |= case.backward(node, given[0], case.second(output, given))
        compare(found, expected, f'while {name} is used, in the original', 'otherwise it is')
        compare(case.run(stateless(case, twin)), expected, f'in {name}', 'in the original it is')
    if case.batch:
        case.rows(slice(0, 2)).run(case.fresh())
    for key, value in class_state(case.node).items():
        same = key in before and repr(before[key]) == repr(value)
        require(same, f'{key} has changed: state belongs on the instance (self), not on the class')


def class_state(node: Any) -> dict[str, Any]:
    """Copies of what stands on the classes of a layer of one's own and could be changed."""
    return {
        f'{cls.__name__}.{key}': copy.deepcopy(value)
        for _, inner in walk(node)
        for cls in type(inner).__mro__
        if not of_t7nn(cls) and cls.__module__ not in ('builtins', 'abc')
        for key, value in vars(cls).items()
        if not key.startswith('__') and isinstance(value, (np.ndarray, list, dict, set, int, float, str, type(None)))
    }


def stateless(case: Case, node: Any) -> Any:
    """`node` with its state (running means, say) as it was, its scratch and results as they are."""
    for (_, inner), (_, original) in zip(walk(node), walk(case.fresh()), strict=True):
        results = getattr(inner, 'cleared', ('output', 'gradInput'))
        for key, value in vars(original).items():
            if not (key.startswith('_') or key in results or key == 'modules' or isinstance(value, Node)):
                vars(inner)[key] = value
    return node


# Forms of input


def single_precision(case: Case) -> None:
    """After float() all is float32, and the same but for rounding."""
    for each in (case, case.other()):  # the numbers of the other one take all digits
        expected = each.expected()
        actual = each.run(each.fresh().float(), each.of(single).copied())
        for key, value in actual.items():
            for path, tensor in leaves(value) if key != 'loss' else ():
                holds = tensor.dtype.kind != 'f' or tensor.dtype == np.float32
                require(holds, f'{key}{path} is {tensor.dtype} after float()')
        compare(actual, expected, 'in float32', 'in float64 it is', SINGLE / 10)


def strides(case: Case) -> None:
    """Tensors that are not contiguous give the same."""
    node = case.fresh()
    found = forms(case, node, of_tensors(stretched, case.given), stretched)
    compare(found, case.expected(), 'from strided tensors', 'from contiguous ones it is')


def forms(case: Case, node: Any, given: Any, form: Callable) -> dict[str, Any]:
    """`run` with tensors of another form, gradOutput among them."""
    if isinstance(node, Module):
        node.zeroGradParameters()
    output = case.forward(node, given)
    second = of_tensors(form, case.second(output, given))
    return {'loss' if case.is_loss else 'output': output, **case.backward(node, given[0], second)}


def broadcast(case: Case) -> None:
    """Tensors that `numpy.broadcast_to` made, whose parts are one memory, give the same as copies of them."""
    for form in (repeated, np.asfortranarray):
        node = case.fresh()
        wide = of_tensors(form, case.input), case.given[1]
        name = 'broadcast tensors' if form is repeated else "tensors in Fortran's order"
        try:
            expected = forms(case, case.fresh(), copied(wide), lambda tensor, form=form: form(tensor).copy())
        except REFUSALS:  # equal examples are no input for it
            continue
        compare(forms(case, node, wide, form), expected, f'from {name}', 'from copies it is')


# Calls one after the other


def buffers(case: Case) -> None:
    """Nothing is left over from calls before: not from buffers full of nan, not from other values, nor from larger and
    smaller batches."""
    expected = case.expected()
    node = case.fresh()
    before = [case.other()]
    if case.batch:
        twice = case.of(lambda tensor: np.concatenate([tensor, tensor]))
        less = case.rows(slice(0, (case.count + 1) // 2))
        before += [twice, less, case.rows(slice(0, 1)), twice]
    for each in before:
        case.run(node, each.copied())
        for _, inner in walk(node):
            for buffer in inner._buffers.values():
                buffer.fill(np.nan if buffer.dtype.kind == 'f' else 0)
        compare(case.run(stateless(case, node)), expected, f'from a used {kind(case)}', 'from a new one it is')
        compare(each.run(stateless(case, node)), each.expected(), f'from a used {kind(case)}', 'from a new one it is')


def kind(case: Case) -> str:
    """module or criterion."""
    return 'criterion' if case.is_loss else 'module'


def empty_batch(case: Case) -> None:
    """A batch of no examples gives no rows and adds nothing to any gradient, or is refused with a clear error; the next
    batch is worked out as always."""
    node, empty = case.fresh(), case.rows(slice(0, 0))
    try:
        with warnings.catch_warnings(), np.errstate(all='ignore'):
            warnings.simplefilter('ignore')
            try:
                case.forward(case.fresh(), empty.copied())
            except REFUSALS as error:
                case.notes.append(f'refused: {type(error).__name__}')
            found = {} if case.notes else case.run(node, empty.copied())
    except Exception as error:
        raise AssertionError(f'an empty batch ends in {error!r}') from error
    if found:
        name = 'loss' if case.is_loss else 'output'
        output = found.pop(name)
        full = case.expected()
        for (path, none), some in zip(leaves(output), arrays(full[name]), strict=False):
            if not case.is_loss and some.ndim and len(some) == case.count:
                wanted = (0, *some.shape[1:])
                require(none.shape == wanted, f'output{path} of an empty batch has shape {none.shape}, not {wanted}')
        for key, gradient in found.items():
            if key != 'gradInput':
                compare(gradient, np.zeros_like(gradient), f'{key} after an empty batch', 'before it was')
    compare(case.run(stateless(case, node)), case.expected(), 'after an empty batch', 'without it it is')


def nan(case: Case) -> None:
    """A NaN does not disappear: whatever depends on a number is NaN where that number is. A clear error will do too."""
    node, given = case.fresh(), case.copied()
    name = 'loss' if case.is_loss else 'output'
    with warnings.catch_warnings(), np.errstate(all='ignore'):
        warnings.simplefilter('ignore')
        output = case.forward(node, given)
        try:
            moved = case.forward(case.fresh(), case.other().copied())
            lost = case.forward(case.fresh(), (of_floats(lambda x: x * np.nan, case.input), case.given[1]))
            vanished(lost, output, moved, name, 'an input of NaN')
            for path, place in places_of(case.input):
                versions = [element(case.copied()[0], path, place, factor) for factor in (OTHER, np.nan)]
                moved, lost = (case.forward(case.fresh(), (version, copied(case.given[1]))) for version in versions)
                depends = not all(map(np.array_equal, arrays(moved), arrays(output)))
                require(
                    not depends or any(np.isnan(array).any() for array in arrays(lost)),
                    f'a NaN at input{path}{list(place)} disappears from the {name}, which depends on it',
                )
        except REFUSALS as error:
            case.notes.append(f'refused: {type(error).__name__}')
        if case.is_loss or not any(array.dtype.kind == 'f' for array in arrays(output)):
            return
        second = case.second(output, given)
        node = case.fresh()
        case.run(node, given)
        node.zeroGradParameters()
        right = case.backward(node, given[0], second)
        try:
            node.zeroGradParameters()
            found = case.backward(node, given[0], of_floats(lambda g: g * np.nan, second))
        except REFUSALS:
            return
        for key, value in found.items():
            vanished(value, right[key], of_tensors(np.zeros_like, right[key]), key, 'a gradOutput of NaN')


def vanished(found: Any, one: Any, other: Any, name: str, what: str) -> None:
    """Raise where `found` is a number although `one` and `other` differ there."""
    for (path, array), a, b in zip(leaves(found), arrays(one), arrays(other), strict=True):
        if array.dtype.kind != 'f' or a.shape != b.shape or a.shape != array.shape:
            continue
        wrong = (a != b) & ~np.isnan(array)
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0].tolist())
            where = f'{name}{path}{list(place) if place else ""}'
            raise AssertionError(f'{what} disappears: {where} depends on it, and is {array[place]:.4g}')


def places_of(value: Any) -> Iterator[tuple[str, tuple]]:
    """A few elements of each array of floats: the largest, the smallest, and the first."""
    for path, array in leaves(value):
        if array.dtype.kind == 'f' and array.size:
            for number in dict.fromkeys((int(array.argmax()), int(array.argmin()), 0)):
                yield path, tuple(int(i) for i in np.unravel_index(number, array.shape))


def element(value: Any, path: str, place: tuple, factor: float) -> Any:
    """`value` with one element multiplied."""
    dict(leaves(value))[path][place] *= factor
    return value


def growth(case: Case) -> None:
    """The work for a batch grows with the batch, not with its square: the lines of Python that are run, and the memory
    that they ask for. Both are counted, so that the result does not depend on the machine and its load."""
    rows = max(1, case.count)
    counts = (32, 64, 128, 256)
    measured = []
    for count in counts:
        given = case.of(lambda tensor, n=count: np.resize(tensor[:rows], (n, *tensor.shape[1:]))).copied()
        node = case.fresh()
        try:
            second = case.second(case.forward(node, given), given)
            once = functools.partial(whole, case, node, given, second)
            once()  # whatever is imported or made at first
            measured.append(work(once))
        except REFUSALS as error:
            raise NotApplicable(f'it takes no batch of {count}: {error}') from error
    for what, numbers, least in zip(
        ('lines of Python', 'bytes'), zip(*measured, strict=True), (3000, 1e5), strict=True
    ):
        # a + b n + c n^2: c of the first three sizes and of the last three, and the share that it has in the last
        squares = [(numbers[i + 2] - 3 * numbers[i + 1] + 2 * numbers[i]) / (6 * counts[i] ** 2) for i in (0, 1)]
        share = min(squares) * counts[-1] ** 2
        steady = share > max(least, 0.3 * numbers[-1]) and max(squares) < 2 * min(squares)
        # from 256 KB on NumPy does without some temporaries, which makes less of one of the three doublings
        doublings = sorted(numbers[i + 1] / max(numbers[i], 1) for i in range(3))
        if steady or numbers[-1] > max(3 * least, 16 * numbers[0]) and doublings[1] > 2.5:
            raise AssertionError(
                f'{counts[-1]} examples take {numbers[-1] / numbers[-2]:.1f} times as many {what} as {counts[-2]}: the '
                'work grows with the square of the batch'
            )


def whole(case: Case, node: Any, given: Any, second: Any) -> None:
    """All steps, and nothing of the check's own."""
    input, target = given
    if case.is_loss:
        node.forward(input, target)
        node.backward(input, target)
    else:
        node.forward(input)
        node.updateGradInput(input, second)
        node.accGradParameters(input, second)


def work(call: Callable[[], Any]) -> tuple[int, int]:
    """How many lines of Python a call runs, and how many bytes of memory all of them together ask for."""
    lines = total = before = 0
    tracing, kept = tracemalloc.is_tracing(), sys.gettrace()

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal lines, total, before
        if event == 'line':
            lines += 1
            now, peak = tracemalloc.get_traced_memory()
            total += max(0, peak - before)
            before = now
            tracemalloc.reset_peak()
        return trace

    if not tracing:
        tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        sys.settrace(trace)
        call()
    finally:
        sys.settrace(kept)
        if not tracing:
            tracemalloc.stop()
    return lines, total


def copies(case: Case) -> None:
    """clone, deepcopy, pickle and .t7 give equal copies that share no memory with the original."""
    expected = case.expected()
    node = case.fresh()
    case.run(node)
    stateless(case, node)
    for name, twin in copies_of(node):
        if isinstance(node, Module):
            for tensor, original in zip(sum(twin.parameters(), []), sum(node.parameters(), []), strict=True):
                require(not np.shares_memory(tensor, original), f'a parameter shares memory after {name}')
            require(str(twin) == str(node), f'str is {twin} after {name}, {node} before')
        compare(case.run(twin), expected, f'after {name}', 'before it is')
        case.run(twin, case.other().copied())
        results = {'output': node.output, 'gradInput': node.gradInput}
        kept = {'output': expected['loss' if case.is_loss else 'output'], 'gradInput': expected['gradInput']}
        compare(copied(results), kept, f'once a {name} is used, in the original', 'before it is')
