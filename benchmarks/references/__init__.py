"""What layers and losses compute, in plain NumPy, straight from the formulas of their docstrings.

`mutants.py` holds mutants against these where no property of the kit contradicts them, as a tester does with
`assert_same` and a function of their own. No method of a node is called; a reference reads fields, such as ``weight``.
tests/test_benchmarks.py holds each against the class itself.

- ``REFERENCES[class name](node, *given)`` gives the output for what forward takes, or None for a configuration that it
  leaves out
- ``GRADIENTS[class name]`` is a field and a function of the node, the input and gradOutput: what it has to be after
  backward, where it is no derivative on purpose, or a tolerance of a difference quotient would hide a mistake
- ``STATE[class name](node, input)`` gives fields as they are after a forward while training
"""

from .functions import GRADIENTS, STATE
from .losses import REFERENCES

__all__ = ['GRADIENTS', 'REFERENCES', 'STATE']
