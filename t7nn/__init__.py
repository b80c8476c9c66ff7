"""Torch7's nn and its StochasticGradient trainer in Python: ``import t7nn as nn``."""

from . import hessian, hooks, optim, random
from .adaptive import *
from .arithmetic import *
from .containers import *
from .contrast import *
from .convolution import *
from .criterions import *
from .decorators import *
from .jacobian import *
from .linear import *
from .miscellaneous import *
from .module import *
from .more_criterions import *
from .noise import *
from .normalization import *
from .pairs import *
from .pooling import *
from .random import manualSeed
from .rectifiers import *
from .regularization import *
from .resampling import *
from .serialization import *
from .simple import *
from .sparse import *
from .table import *
from .templates import *
from .temporal import *
from .training import *
from .transfer import *
from .volumetric import *

__version__ = '0.1.0'
