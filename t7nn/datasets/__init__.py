"""Small real data sets that ship with t7nn, points in the plane, and a reader of tables of one's own."""

import gzip
from importlib import resources

import numpy as np

from .planar import circles, moons, spirals
from .tables import Table, parse_csv, read_csv

__all__ = ['Table', 'circles', 'diabetes', 'digits', 'moons', 'read_csv', 'spirals']


def diabetes() -> Table:
    """442 patients: ten baseline variables, and a measure of the disease's progression one year later.

    >>> from t7nn import datasets
    >>> table = datasets.diabetes()
    >>> table.inputs.shape, table.names[:4]
    ((442, 10), ['age', 'sex', 'bmi', 'bp'])

    Source: Efron, Hastie, Johnstone, Tibshirani, "Least Angle Regression" (2004).
    """
    text = resources.files(__name__).joinpath('diabetes.csv').read_text('utf-8')
    return parse_csv(text, 'diabetes.csv', 'progression')


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1797 handwritten digits: images (1797, 8, 8) with values in 0..1, and classes 1..10, the digit plus one.

    >>> from t7nn import datasets
    >>> images, classes = datasets.digits()
    >>> images.shape, int(classes.min()), int(classes.max())
    ((1797, 8, 8), 1, 10)

    Source: UCI "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, 1998; CC BY 4.0), test part.
    """
    text = gzip.decompress(resources.files(__name__).joinpath('digits.csv.gz').read_bytes()).decode()
    values = np.loadtxt(text.splitlines(), delimiter=',')
    return values[:, :64].reshape(-1, 8, 8) / 16, values[:, 64].astype(np.int64) + 1
