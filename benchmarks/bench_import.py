"""The time that ``import t7nn`` takes beyond ``import numpy``, and whether it brings SciPy or an extra.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_import.py
"""

import os
import statistics
import subprocess
import sys
import tempfile

from timing import report

PROGRAM = """
import sys, time
start = time.perf_counter()
import numpy
numpys = time.perf_counter() - start
start = time.perf_counter()
import t7nn
seconds = time.perf_counter() - start
extras = {'scipy', 'matplotlib', 'sklearn', 'onnx', 'safetensors', 'hypothesis'} & sys.modules.keys()
assert not extras, extras
print(seconds, numpys)
"""


def main(rounds: int = 9) -> None:
    with tempfile.TemporaryDirectory() as folder:  # of bytecode, which a first run leaves as any import does
        environment = os.environ | {'PYTHONPYCACHEPREFIX': folder}
        environment.pop('PYTHONDONTWRITEBYTECODE', None)
        command = [sys.executable, '-c', PROGRAM]
        runs = [subprocess.run(command, capture_output=True, check=True, env=environment) for _ in range(rounds + 1)]
    own, numpys = zip(*(map(float, run.stdout.split()) for run in runs[1:]), strict=True)
    report('import beyond NumPy', {'t7nn': statistics.median(own), 'import numpy': statistics.median(numpys)})


if __name__ == '__main__':
    main()
