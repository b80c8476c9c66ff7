"""t7nn.random against Torch7's records, NumPy's twister and Python's mathematics."""

import json
from pathlib import Path

import numpy as np
import pytest

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
            with pytest.raises(ValueError, match=rf'^random\.{op["function"]}: .* needed, got '):
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
