"""torch/optim: functions that minimise over a flat vector.

``x, fs = optim.method(opfunc, x, config, state)``, where ``opfunc(x)`` returns f(x) and df/dx and `x` is usually the
first vector of ``module.getParameters()``.
"""

from .checkgrad import checkgrad
from .confusion import ConfusionMatrix
from .evolution import cmaes, de
from .first_order import adadelta, adagrad, adam, adamax, asgd, nag, rmsprop, rprop, sgd
from .line_search import FistaLS, cg, lbfgs, lswolfe, polyinterp
from .logger import Logger

__all__ = [
    'ConfusionMatrix',
    'Logger',
    'FistaLS',
    'adadelta',
    'adagrad',
    'adam',
    'adamax',
    'asgd',
    'cg',
    'checkgrad',
    'cmaes',
    'de',
    'lbfgs',
    'lswolfe',
    'nag',
    'polyinterp',
    'rmsprop',
    'rprop',
    'sgd',
]
