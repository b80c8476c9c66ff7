"""Torch7's nn in Python."""

from . import random as random
from .random import manualSeed as manualSeed
