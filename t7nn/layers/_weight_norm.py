"""Weights as a length g and a direction v for each output: w = g v / n, row by row, where n is the length of v.

A gradient s with respect to w becomes dg = s . v / n and dv = g / n (s - dg v / n).
"""

import numpy as np


def lengths(v: np.ndarray) -> np.ndarray:
    """The lengths of the rows of `v`, as a column; summed from left to right, as in Torch7, to the last bit."""
    return np.sqrt(np.cumsum(np.square(v, dtype=float), 1)[:, -1:])


def gradients(v: np.ndarray, g: np.ndarray, n: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dv and dg from the gradient `s` of w; g, n and dg are columns."""
    dg = np.vecdot(s, v)[:, None] / n
    dv = v * (dg / -n)
    dv += s
    dv *= g / n
    return dv, dg
