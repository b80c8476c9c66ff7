"""The time that ``import t7nn`` takes beyond ``import numpy``, and whether it brings SciPy or an extra.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_import.py
"""

import statistics
import subprocess
import sys

from timing import report

PROGRAM = """
import sys, time
import numpy
start = time.perf_counter()
import t7nn
seconds = time.perf_counter() - start
extras = {'scipy', 'matplotlib', 'sklearn', 'onnx', 'safetensors', 'hypothesis'} & sys.modules.keys()
assert not extras, extras
print(seconds)
"""


def main(rounds: int = 9) -> None:
    runs = [subprocess.run([sys.executable, '-c', PROGRAM], capture_output=True, check=True) for _ in range(rounds)]
    report('import beyond NumPy', {'t7nn': statistics.median(float(run.stdout) for run in runs)})


if __name__ == '__main__':
    main()
