"""t7nn.random against Torch7's records, NumPy's twister and Python's mathematics."""

import copy
import itertools
import json
import math
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import t7nn
from t7nn import random

GOLDEN = json.loads((Path(__file__).parent / 'golden' / 'random.json').read_text())['cases']
DTYPES = {
    "torch.DoubleTensor": np.float64, "torch.FloatTensor": np.float32, "torch.LongTensor": np.int64,
    "torch.IntTensor": np.int32, "torch.ShortTensor": np.int16, "torch.CharTensor": np.int8,
    "torch.ByteTensor": np.uint8,
}  # fmt: skip
CACHED = slice(5040, 5044)  # where Torch7's state says whether a second normal number waits


def value(x):
    """A value of the records: a tensor as an array, a tensor type as a dtype."""
    if isinstance(x, dict):
        return np.array(x['data'], DTYPES[x['tensor']]).reshape(x['shape'] or 0)
    return DTYPES.get(x, x) if isinstance(x, str) else x


def laid_out(dtype, shape, layout):
    """An array of 77s with the memory layout of a record."""
    match layout:
        case None:
            return np.full(shape or 0, 77, dtype)
        case 'transposed':
            return np.full(shape[::-1], 77, dtype).T
        case 'narrowed':
            return np.full((*shape[:-1], shape[-1] + 1), 77, dtype)[..., :-1]
        case 'column':
            return np.full((*shape, 3), 77, dtype)[..., 1]


def same(ours, golden):
    assert ours.dtype == golden.dtype and ours.shape == golden.shape
    np.testing.assert_array_equal(ours, golden, strict=True)


def run(op, generator, slots):
    args = [value(arg) for arg in op.get('args', [])]
    match op['op']:
        case 'manualSeed':
            generator.manualSeed(*args)
            assert generator.initialSeed() == op['initialSeed']
        case 'new':
            generator.manualSeed(*args)
        case 'call':
            function = getattr(generator, op['function'])
            assert [function(*args) for _ in op['results']] == op['results']
        case 'create':
            options = {'dtype': value(op['defaultTensorType'])} if 'defaultTensorType' in op else {}
            same(getattr(generator, op['function'])(*args, **options), value(op['result']))
        case 'fill':
            out = laid_out(DTYPES[op['type']], op['shape'], op.get('layout'))
            if 'stride' in op:
                assert [step // out.itemsize for step in out.strides] == op['stride']
            assert getattr(generator, op['method'])(*args, out=out) is out
            same(out, value(op['result']))
        case 'alias':
            state = generator.multinomialAliasSetup(args[0])
            same(state[0], value(op['J']))
            same(state[1], value(op['q']))
            out = np.empty(args[1], np.int64)
            assert generator.multinomialAlias(out, state) is out
            same(out, value(op['result']))
        case 'save':
            slots[op['slot']] = generator.getRNGState()
        case 'restore':
            assert generator.setRNGState(slots[op['slot']]) is slots[op['slot']]
        case 'state':
            state = generator.getRNGState()
            assert state.size == op['size'] and state.tobytes().hex() == op['hex']
        case 'error':
            with pytest.raises(ValueError, match=rf'^random\.{op["function"]}: expected .*, got '):
                getattr(generator, op['function'])(*args)
        case unknown:
            pytest.fail(f'unknown op {unknown}')


@pytest.mark.parametrize('case', GOLDEN, ids=lambda case: case['name'])
def test_golden(case):
    random.manualSeed(case['seed'])
    generators, slots = {}, {}
    for op in case['ops']:
        if op['op'] == 'new':
            generators[op['generator']] = random.Generator()
        generator = generators[op['generator']] if 'generator' in op else random
        run(op, generator, slots)
        state = generator.getRNGState()
        assert state[CACHED].view(np.int32)[0] == op['cached']
        assert generator.random() == op['next']
        generator.setRNGState(state)


# Independent formulas: NumPy's twister for the draws, Python's math for the rest


class Reference:
    """Torch7's distributions one number at a time."""

    def __init__(self, seed):
        self.twister, self.half = np.random.RandomState(seed & 0xFFFFFFFF), None

    def draw(self):
        return int(self.twister.randint(0, 2**32, dtype=np.uint64))

    def unit(self):
        return self.draw() / 2**32

    def uniform(self, a=0, b=1):
        return self.unit() * (float(b) - float(a)) + a

    def normal(self, mean=0, stdv=1):
        if self.half is None:
            x, y = self.unit(), self.unit()
            rho, angle = math.sqrt(-2 * math.log(1 - y)), 2 * math.pi * x
            z, self.half = rho * math.cos(angle), rho * math.sin(angle)
        else:
            z, self.half = self.half, None
        return z * stdv + mean

    def logNormal(self, mean=1, stdv=2):
        x = self.normal(mean, stdv)
        return math.exp(x) if x < 709.7827128933840 else math.inf

    def exponential(self, rate):
        return -1 / rate * math.log(1 - self.unit())

    def cauchy(self, median=0, sigma=1):
        return median + sigma * math.tan(math.pi * (self.unit() - 0.5))

    def geometric(self, p):
        return int(math.log(1 - self.unit()) / math.log(p)) + 1

    def bernoulli(self, p=0.5):
        return int(self.unit() <= p)

    def random(self, a, b):
        return self.draw() % (b + 1 - a) + a


def numbers(low, high):
    return st.floats(low, high) | st.integers(math.ceil(low), math.floor(high))


positive, probability, any_number = numbers(0.01, 50), st.floats(0, 1), numbers(-1e9, 1e9)
inside = st.floats(0.001, 0.999)
ARGUMENTS = {
    'uniform': st.tuples() | st.tuples(any_number, any_number),
    'normal': st.tuples() | st.tuples(any_number, positive),
    'logNormal': st.tuples() | st.tuples(numbers(-300, 800), positive),
    'exponential': st.tuples(positive),
    'cauchy': st.tuples() | st.tuples(any_number, positive),
    'geometric': st.tuples(inside),
    'bernoulli': st.tuples() | st.tuples(probability),
    'random': st.tuples(st.integers(0, 2**40), st.integers(2**40, 2**45)) | st.tuples(st.integers(1, 9), st.just(9)),
}
FLOATS = ('uniform', 'normal', 'logNormal', 'exponential', 'cauchy')
seeds = st.integers(-(2**63), 2**63 - 1)


@st.composite
def calls(draw):
    function = draw(st.sampled_from(sorted(ARGUMENTS)))
    return function, draw(ARGUMENTS[function])


@given(seeds, st.lists(st.tuples(calls(), st.integers(1, 4)), max_size=12))
def test_scalar_calls_are_the_formulas(seed, script):
    generator, reference = random.Generator(), Reference(seed)
    generator.manualSeed(seed)
    assert generator.initialSeed() == seed
    for (function, args), times in script:
        ours = [getattr(generator, function)(*args) for _ in range(times)]
        assert ours == [getattr(reference, function)(*args) for _ in range(times)]
        assert {type(x) for x in ours} == {float if function in FLOATS else int}
    assert generator.random() == reference.draw()


@st.composite
def targets(draw, dtypes):
    """An array to fill: any dtype of Torch7's, any shape, any strides."""
    shape = draw(st.lists(st.integers(0, 7), max_size=4))
    array = np.zeros([2 * size + 1 for size in shape], draw(st.sampled_from(dtypes)))
    for axis, size in enumerate(shape):
        array = np.moveaxis(array, axis, 0)
        array = array[:size] if draw(st.booleans()) else array[: 2 * size : 2]
        array = np.moveaxis(array[:: draw(st.sampled_from([1, -1]))], 0, axis)
    return array.transpose(draw(st.permutations(range(array.ndim))))


@given(st.data(), seeds, calls(), st.integers(0, 1))
def test_fills_are_scalar_calls_in_the_order_of_the_indices(data, seed, call, kept):
    function, args = call
    dtypes = [np.float64, np.float32] if function in FLOATS else list(DTYPES.values())
    out = data.draw(targets(dtypes))
    reference = Reference(seed)
    if function in FLOATS and out.dtype == np.float32:
        args_of_scalars = [float(np.float32(arg)) for arg in args]
    else:
        args_of_scalars = args
    with np.errstate(over='ignore'):
        if kept:
            reference.normal()
        values = [getattr(reference, function)(*args_of_scalars) for _ in range(out.size)]
        values = np.array(values, np.float64 if function in FLOATS else np.int64).astype(out.dtype).reshape(out.shape)
    generator = random.Generator()
    generator.manualSeed(seed)
    if kept:
        generator.normal()
    assert getattr(generator, function)(*args, out=out) is out
    same(out, values)
    assert generator.normal() == reference.normal()
    assert generator.random() == reference.draw()


@given(seeds)
def test_bernoulli_counts_the_probability_itself_as_a_hit(seed):
    generator, u = random.Generator(), Reference(seed).unit()
    for p, hit in (u, 1), (math.nextafter(u, -1), 0):
        if p >= 0:
            for out in None, np.zeros(1), np.zeros(1, np.uint8):
                for probability in [p] if out is None else [p, np.array([p])]:
                    generator.manualSeed(seed)
                    assert generator.bernoulli(probability, out=out) == hit


SOME_ARGUMENTS = {
    "uniform": (-3, 0.7), "normal": (0.3, 2), "logNormal": (0, 1), "exponential": (0.3,), "cauchy": (0.1, 2),
    "geometric": (0.9,), "bernoulli": (0.3,), "random": (-5, 100),
}  # fmt: skip


@pytest.mark.parametrize('kept', [0, 1])
@pytest.mark.parametrize('size', [2047, 2049, 4095, 4097, 2**14 + 1, 3 * 2**14 + 779])
@pytest.mark.parametrize('function', SOME_ARGUMENTS)
def test_large_fills_are_the_formulas(function, size, kept):
    args, generator, reference = SOME_ARGUMENTS[function], random.Generator(), Reference(size)
    generator.manualSeed(size)
    for _ in range(kept):
        assert generator.normal() == reference.normal()
    out = np.zeros((size, 2), np.int64 if function == 'random' else np.float64)[:, 1]
    if size % 4 == 3:
        out = out.copy()  # contiguous
    getattr(generator, function)(*args, out=out)
    np.testing.assert_array_equal(out, [getattr(reference, function)(*args) for _ in range(size)])
    state = generator.getRNGState()
    one_by_one = random.Generator()
    one_by_one.manualSeed(size)
    for _ in range(size + kept if function in ('normal', 'logNormal') else kept):
        one_by_one.normal()
    if function not in ('normal', 'logNormal'):
        for _ in range(size):
            one_by_one.random()
    np.testing.assert_array_equal(state, one_by_one.getRNGState())  # all 5048 bytes, the last pair among them


@pytest.mark.parametrize('dtype', DTYPES.values())
def test_random_without_bounds_fills_by_type(dtype):
    moduli = {np.uint8: 2**8, np.int8: 2**7, np.int16: 2**15, np.int32: 2**31, np.float32: 2**24 + 1}
    generator, reference = random.Generator(), Reference(5)
    generator.manualSeed(5)
    out = generator.random(out=np.empty(1000, dtype))
    assert out.tolist() == [reference.draw() % moduli.get(dtype, 2**32) for _ in range(1000)]


def test_each_function_of_a_long_vector_is_the_c_librarys():
    grid = np.random.RandomState(1).uniform(size=100_000)
    for name, x in {
        "log": grid, "exp": 1400 * grid - 700, "sin": 7 * grid, "cos": 7 * grid, "tan": math.pi * (grid - 0.5)
    }.items():  # fmt: skip
        expected = [getattr(math, name)(number) for number in x.tolist()]
        np.testing.assert_array_equal(getattr(random._of_long_vector(), name)(x), expected)
        np.testing.assert_array_equal(random._of_vector.__dict__[name](x), expected)


def test_a_function_that_is_a_bit_off_is_not_used(monkeypatch):
    """As with AVX-512, where a few of NumPy's results differ in the last bit."""

    def off(function):
        def slightly_off(x):
            y = function(x)
            y[137::1000] = np.nextafter(y[137::1000], np.inf)
            return y

        return slightly_off

    for name in ('log', 'exp', 'sin', 'cos', 'tan'):
        monkeypatch.setattr(np, name, off(getattr(np, name)))
    monkeypatch.setattr(random, '_scipy_log', off(random._scipy_log))
    chosen = random._of_long_vector.__wrapped__()
    assert chosen.exp is random._scipy_exp
    assert all(getattr(chosen, name) is getattr(random._of_vector, name) for name in ('log', 'sin', 'cos', 'tan'))


# Permutations and classes


def permutation(n, reference):
    """Fisher and Yates, forward."""
    order = list(range(1, n + 1))
    for i in range(n - 1):
        j = i + reference.draw() % (n - i)
        order[i], order[j] = order[j], order[i]
    return order


@given(seeds, st.integers(1, 60) | st.integers(190, 210) | st.sampled_from([1000, 5000]))
def test_randperm(seed, n):
    generator, reference = random.Generator(), Reference(seed)
    generator.manualSeed(seed)
    order = generator.randperm(n)
    assert order.dtype == np.float64
    assert order.tolist() == permutation(n, reference)
    assert generator.random() == reference.draw()


@given(st.data(), st.integers(1, 40))
def test_both_ways_to_swap_agree(data, n):
    targets = np.array([data.draw(st.integers(i, n - 1)) for i in range(n)])
    np.testing.assert_array_equal(
        random._swap_at_once(np.arange(n), targets), random._swap_one_by_one(np.arange(n), targets)
    )


def test_randperm_wraps_in_small_types():
    generator = random.Generator()
    generator.manualSeed(3)
    expected = np.array(permutation(300, Reference(3)))
    same(generator.randperm(300, np.uint8), expected.astype(np.uint8))


def choose(weights, n, replacement, reference):
    """Torch7's multinomial for one row."""
    sums = list(itertools.accumulate(map(float, weights)))
    sums = [s / sums[-1] for s in sums[:-1]] + [1.0]
    classes = []
    for _ in range(n):
        sums[-1], unit = 1.0, reference.unit()
        k = next(k for k, s in enumerate(sums) if s >= unit)
        classes.append(k + 1)
        if not replacement:
            part = sums[k] - (sums[k - 1] if k else 0)
            sums = [(s - part if j >= k else s) / (1 - part) for j, s in enumerate(sums)]
    return classes


@given(st.data(), seeds, st.booleans(), st.sampled_from([np.float64, np.float32]), st.integers(0, 3))
def test_multinomial(data, seed, replacement, dtype, rows):
    width = data.draw(st.integers(2, 8))
    shape = (rows, width) if rows else (width,)
    p = data.draw(arrays(dtype, shape, elements=st.floats(0.125, 3, width=32)))
    n = data.draw(st.integers(1, 20 if replacement else width - 1))
    generator, reference = random.Generator(), Reference(seed)
    generator.manualSeed(seed)
    before = p.copy()
    classes = generator.multinomial(p, n, replacement)
    expected = [choose(row, n, replacement, reference) for row in np.atleast_2d(p)]
    same(classes, np.array(expected).reshape((*shape[:-1], n)))
    np.testing.assert_array_equal(p, before)
    assert generator.random() == reference.draw()
    if not replacement:
        assert all(len(set(row)) == n for row in expected)


def test_multinomialAliasSetup_ignores_an_alias_that_is_the_first_class_as_torch7_does():
    J, q = random.multinomialAliasSetup(np.array([0.7, 0.3]))
    same(J, np.array([1, 1]))
    same(q, np.array([1.0, 1.0]))


def test_multinomialAlias_takes_one_from_J_with_every_call_as_torch7_does():
    generator, reference = random.Generator(), Reference(6)
    generator.manualSeed(6)
    state = generator.multinomialAliasSetup(np.array([0.1, 0.2, 0.3, 0.4]))
    for taken in (1, 2):
        out = np.zeros((3, 8), np.int64)[:, ::2]
        generator.multinomialAlias(out, state)
        assert state[0].tolist() == [4 - taken, 4 - taken, 1 - taken, 3 - taken]
        for answer in out.ravel().tolist():
            k = int(reference.unit() * 4)
            assert answer == (k + 1 if reference.unit() <= state[1][k] else state[0][k])


# States, seeds and streams


@given(seeds, st.integers(0, 1300), st.integers(0, 3))
def test_a_state_is_a_place_in_the_stream(seed, draws, normals):
    generator = random.Generator()
    generator.manualSeed(seed)
    if draws:
        generator.uniform(out=np.empty(draws))
    for _ in range(normals):
        generator.normal()
    state = generator.getRNGState()
    others = [random.Generator(), copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))]
    others[0].setRNGState(state)
    expected = generator.randn(5).tolist() + generator.rand(700).tolist()
    for other in others:
        np.testing.assert_array_equal(other.getRNGState(), state)
        assert other.initialSeed() == seed
        assert other.randn(5).tolist() + other.rand(700).tolist() == expected


def test_seed_starts_another_stream_and_initialSeed_tells_it():
    generator = random.Generator()
    first = generator.initialSeed()
    assert generator.seed() == generator.initialSeed() != first
    ours = generator.random()
    generator.manualSeed(generator.initialSeed())
    assert generator.random() == ours
    assert random.Generator().initialSeed() != random.Generator().initialSeed()


def test_the_module_is_one_stream_and_leaves_numpys_alone():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    t7nn.manualSeed(9)
    assert random.initialSeed() == 9
    ours = [random.uniform(), random.normal(), *random.rand(3), *random.randperm(4)]
    other = random.Generator()
    other.manualSeed(9)
    assert ours == [other.uniform(), other.normal(), *other.rand(3), *other.randperm(4)]
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_every_public_name_is_there():
    methods = {name for name in vars(random.Generator) if not name.startswith('_')}
    assert set(random.__all__) == methods | {'Generator'}
    assert all(getattr(random, name).__self__ is random.manualSeed.__self__ for name in methods)


def test_small_fills_need_no_scipy():
    script = (
        'import sys, numpy as np; from t7nn import random\n'
        'for f in (random.normal, random.logNormal, random.cauchy): f(out=np.empty(1000))\n'
        'random.exponential(1, out=np.empty(1000)); random.randperm(1000); random.rand(10**5)\n'
        "assert not any(name.startswith('scipy') for name in sys.modules)"
    )
    subprocess.run([sys.executable, '-c', script], check=True)


def test_sizes_and_dtypes_of_new_arrays():
    assert random.rand(2, 3).shape == random.rand((2, 3)).shape == random.rand(np.array([2, 3])).shape == (2, 3)
    assert random.randn(2, 0, 3).shape == (2, 0, 3)
    assert random.randn(4, dtype=np.float32).dtype == np.float32
    assert random.randperm(4, dtype=np.int64).dtype == np.int64
    assert random.uniform(out=np.empty(())).shape == ()


def test_numbers_of_any_type_are_doubles():
    generator, reference = random.Generator(), Reference(2)
    generator.manualSeed(2)
    for args in (np.float32(0.1), Fraction(1, 3)), (0, 2**60 + 1), (True, 2), (np.int8(-100), np.int8(100)):
        ours = generator.uniform(*args)
        assert type(ours) is float and ours == reference.uniform(*map(float, args))


@pytest.mark.parametrize('size', [None, 3, 5000])
def test_what_overflows_is_infinite_as_in_c(size):
    out = None if size is None else np.empty(size)
    assert np.all(random.logNormal(5000, 1, out=out) == np.inf)
    assert np.all(np.isinf(random.uniform(-1e308, 1e308, out=out)))
    assert np.all(random.exponential(0, out=out) == np.inf)
    assert np.all(np.isnan(random.uniform(-math.inf, math.inf, out=out)))
    if size:
        assert np.all(random.normal(1e300, 1, out=np.empty(size, np.float32)) == np.inf)


# What is refused

half, frozen = np.zeros(3, np.float16), np.zeros(3)
frozen.flags.writeable = False
REFUSED = [
    (TypeError, "uniform", ("x", 1), {}, "expected a number for a, got 'x'"),
    (TypeError, "uniform", (0, None), {}, "expected a number for b, got None"),
    (TypeError, "uniform", (0, 1j), {"out": np.zeros(2)}, "expected a number for b, got 1j"),
    (TypeError, "uniform", (), {"out": [0.0]}, "expected an array of float64, float32, got [0.0]"),
    (TypeError, "uniform", (), {"out": half}, "expected an array of float64, float32, got one of float16"),
    (TypeError, "uniform", (), {"out": np.zeros(3, ">f8")}, "got one of >f8"),
    (TypeError, "uniform", (), {"out": np.zeros(3, np.int64)}, "got one of int64"),
    (ValueError, "uniform", (), {"out": frozen}, "expected a writable array, got a read-only one"),
    (TypeError, "normal", (), {"out": np.zeros(3, np.int32)}, "got one of int32"),
    (ValueError, "normal", (0, math.nan), {}, "expected a standard deviation > 0, got nan"),
    (ValueError, "normal", (0, 1e-60), {"out": np.zeros(3, np.float32)}, "expected a standard deviation > 0, got 0.0"),
    (ValueError, "logNormal", (0, -1), {"out": np.zeros(3)}, "expected a standard deviation > 0, got -1.0"),
    (TypeError, "exponential", ("1",), {}, "expected a number for lambda_, got '1'"),
    (TypeError, "cauchy", (0, []), {}, "expected a number for sigma, got []"),
    (ValueError, "geometric", (math.nan,), {}, "expected a probability strictly between 0 and 1, got nan"),
    (TypeError, "geometric", (0.5,), {"out": half}, "got one of float16"),
    (ValueError, "bernoulli", (math.nan,), {}, "expected a probability in [0, 1], got nan"),
    (TypeError, "bernoulli", (None,), {}, "expected a number for p, got None"),
    (TypeError, "bernoulli", (), {"out": np.zeros(3, bool)}, "got one of bool"),
    (ValueError, "bernoulli", (np.array([0.5]),), {}, "out must have as many elements"),
    (ValueError, "bernoulli", (np.array([0.5]),), {"out": np.zeros(2)}, "p of float64 (1,) and out of (2,)"),
    (ValueError, "bernoulli", (np.array([1]),), {"out": np.zeros(1)}, "p of int64 (1,) and out of (1,)"),
    (ValueError, "bernoulli", (np.array([0.5, 2]),), {"out": np.zeros(2)}, "expected probabilities in [0, 1]"),
    (ValueError, "random", (0,), {"out": np.zeros(2)}, "expected an upper bound >= 1, got 0"),
    (ValueError, "random", (4, 3.5), {}, "expected an upper bound >= 4, got 3"),
    (TypeError, "random", ("6",), {}, "expected a number for a, got '6'"),
    (TypeError, "random", (1, "6"), {}, "expected a number for b, got '6'"),
    (ValueError, "random", (1, 2.0**63), {}, "expected a number that fits 64 bits for b, got 9.2"),
    (TypeError, "manualSeed", ("7",), {}, "expected a number for seed, got '7'"),
    (ValueError, "manualSeed", (math.inf,), {}, "expected a number that fits 64 bits for seed, got inf"),
    (ValueError, "manualSeed", (2**63,), {}, "expected a number that fits 64 bits for seed"),
    (ValueError, "rand", (), {}, "expected sizes >= 0, got ()"),
    (ValueError, "randn", (3, -1), {}, "expected sizes >= 0, got (3, -1)"),
    (TypeError, "rand", ("3",), {}, "expected a number for a size, got '3'"),
    (TypeError, "rand", (3,), {"dtype": np.int64}, "got one of int64"),
    (ValueError, "randperm", (-4,), {}, "expected n >= 1, got -4"),
    (TypeError, "randperm", ("4",), {}, "expected a number for n, got '4'"),
    (TypeError, "randperm", (4,), {"dtype": np.uint64}, "expected a dtype of Torch7's, got uint64"),
    (TypeError, "multinomial", (np.array([1, 2]), 1), {}, "expected p of float64 or float32, got int64"),
    (ValueError, "multinomial", (np.ones((2, 2, 2)), 1), {}, "expected p with 1 or 2 dimensions, got (2, 2, 2)"),
    (ValueError, "multinomial", (np.ones(0), 1), {}, "expected p with 1 or 2 dimensions, got (0,)"),
    (ValueError, "multinomial", (np.array([1.0, -1]), 1), {}, "expected weights >= 0, got [ 1. -1.]"),
    (ValueError, "multinomial", (np.array([[1.0, 1], [0, 0]]), 1), {}, "expected a sum of weights > 0, and finite"),
    (ValueError, "multinomial", (np.array([1.0, np.inf]), 1), {}, "expected a sum of weights > 0, and finite"),
    (ValueError, "multinomial", (np.ones(3), 0, True), {}, "expected n >= 1, got 0"),
    (ValueError, "multinomial", (np.ones(3), 4), {}, "n >= 1 and <= the 3 classes (without replacement), got 4"),
    (TypeError, "multinomialAliasSetup", (np.ones(3, np.float32),), {}, "expected p of float64, got float32"),
    (ValueError, "multinomialAliasSetup", (np.ones((2, 2)),), {}, "expected p with 1 dimensions, got (2, 2)"),
    (ValueError, "multinomialAliasSetup", (np.array([0.0, 1]),), {}, "expected probabilities > 0 with sum 1"),
    (TypeError, "multinomialAlias", (np.zeros(3), None), {}, "expected an array of int64, got one of float64"),
    (ValueError, "multinomialAlias", (np.zeros(3, int), [np.array([1]), np.array([2.0])]), {}, "a table [J, q] of"),
    (TypeError, "setRNGState", (np.zeros(5048),), {}, "expected an array of uint8, got dtype('float64')"),
    (TypeError, "setRNGState", (b"state",), {}, "expected an array of uint8, got b'state'"),
    (ValueError, "setRNGState", (np.zeros(5047, np.uint8),), {}, "expected a state of 5048 bytes, got 5047"),
    (ValueError, "setRNGState", (np.zeros(5048, np.uint8),), {}, "got one with seeded = 0, left = 0, next = 0"),
]  # fmt: skip


@pytest.mark.parametrize('error, function, args, options, text', REFUSED, ids=lambda x: x if isinstance(x, str) else '')
def test_what_is_refused_leaves_the_stream_alone(error, function, args, options, text):
    generator = random.Generator()
    generator.normal()
    before = generator.getRNGState()
    filled = copy.deepcopy(options)
    with pytest.raises(error) as caught:
        getattr(generator, function)(*args, **options)
    assert str(caught.value).startswith(f'random.{function}: ') and text in str(caught.value)
    np.testing.assert_array_equal(generator.getRNGState(), before)
    np.testing.assert_equal(options, filled)


def test_masked_arrays_are_not_filled():
    with pytest.raises(TypeError, match='expected an array of float64'):
        random.uniform(out=np.ma.masked_array([1.0, 2.0], [True, False]))
