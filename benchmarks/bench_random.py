"""A million random numbers of each kind beside their floor, the bare draws of NumPy's Mersenne Twister.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_random.py
"""

import numpy as np
from timing import medians, report

from t7nn import random

N = 10**6


def main():
    out = np.empty(N)
    twister = np.random.MT19937(1)
    kinds = {
        'uniform': lambda: random.uniform(out=out),
        'normal': lambda: random.normal(out=out),
        'bernoulli': lambda: random.bernoulli(out=out),
        'exponential': lambda: random.exponential(1, out=out),
        'randperm': lambda: random.randperm(N),
    }
    for name, fill in kinds.items():
        report(f'10^6 {name}', medians({'t7nn': fill, 'bare draws': lambda: twister.random_raw(N)}, rounds=5))


if __name__ == '__main__':
    main()
