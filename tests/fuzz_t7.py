"""Damage .t7 files at random for as long as told: `python tests/fuzz_t7.py SECONDS [SEED]`.

Every damaged file must load or end in T7Error, in little time and with little memory. What loads is saved and loaded
once more. The test suite does the same for a few hundred files.
"""

import random
import struct
import sys
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np

import t7nn as nn

GOLDEN = Path(__file__).parent / 'golden' / 't7'
MEMORY = 64  # times the file's size, above 4 MB: what Python's objects take
NUMBERS = [0, 1, 2, 3, 4, 8, 255, -1, 2**31 - 1, -(2**31), 2**20, 65535, 7, 5]


def samples() -> list[tuple[bytes, dict]]:
    """All golden files, with the arguments that they are loaded with, and a list of records that are alike."""
    paths = sorted(GOLDEN.glob('*.t7'))
    files = [(path.read_bytes(), {'longSize': 4 if '.b32.' in path.name else 8}) for path in paths]
    records = [{'x': np.arange(i, i + 6.0).reshape(2, 3), 'label': i, 'name': 'a', 'ok': True} for i in range(4)]
    return [*files, (nn.dumps(records), {})]


def damage(data: bytes, draw: random.Random) -> bytes:
    """`data` with one to four changes: bits, bytes, numbers, words, pieces cut out, doubled or put elsewhere."""
    data = bytearray(data)
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        if not data:
            break
        at = draw.randrange(len(data))
        kind = draw.randrange(8)
        if kind == 0:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[at] = draw.randrange(256)
        elif kind == 2:
            data[at : at + 4] = struct.pack('<i', draw.choice(NUMBERS))
        elif kind == 3:
            data[at : at + 8] = struct.pack('<q', draw.choice([*NUMBERS, 2**62, -(2**63), 2**40]))
        elif kind == 4:
            del data[at:]
        elif kind == 5:
            del data[at : at + draw.randrange(1, 20)]
        elif kind == 6:
            data[at:at] = data[draw.randrange(len(data)) :][: draw.randrange(1, 60)]
        else:
            data[at:at] = draw.choice([b'1', b'-', b'9999999999', b' ', b'\n', b'nan', b'1e999', b'\0', b'\xff'])
    return bytes(data)


def check(data: bytes, arguments: dict) -> bool:
    """Load damaged data as the promise says; whether it loaded."""
    try:
        value = nn.loads(data, **arguments)
    except nn.T7Error as error:
        assert 0 <= error.offset <= len(data) and str(error), repr(error)
        return False
    nn.loads(nn.dumps(value))
    return True


def main(seconds: float, seed: int) -> None:
    files, draw = samples(), random.Random(seed)
    start, count, loaded, slowest = time.time(), 0, 0, 0.0
    tracemalloc.start()
    while time.time() - start < seconds:
        data, arguments = draw.choice(files)
        data = damage(data, draw)
        tracemalloc.reset_peak()
        before, began = tracemalloc.get_traced_memory()[0], time.time()
        try:
            loaded += check(data, arguments)
        except Exception:
            Path('damaged.t7').write_bytes(data)
            print(f'seed {seed}, file {count}, kept as damaged.t7, {arguments}')
            raise
        count, slowest = count + 1, max(slowest, time.time() - began)
        taken = tracemalloc.get_traced_memory()[1] - before
        assert taken < MEMORY * len(data) + 4_000_000, f'{taken} bytes for a file of {len(data)}'
    print(f'{count} damaged files: {loaded} loaded, {count - loaded} T7Error; slowest {slowest:.3f} s')


if __name__ == '__main__':
    warnings.simplefilter('ignore')
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
