"""Torch7's nn and its StochasticGradient trainer in Python: ``import t7nn as nn``."""

from . import hooks, optim, random
from .arithmetic import *
from .containers import *
from .contrast import *
from .criterions import *
from .linear import *
from .miscellaneous import *
from .module import *
from .more_criterions import *
from .noise import *
from .normalization import *
from .pairs import *
from .random import manualSeed
from .rectifiers import *
from .regularization import *
from .simple import *
from .table import *
from .training import *
from .transfer import *

__version__ = '0.1.0'
