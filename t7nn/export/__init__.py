"""Networks of t7nn for other tools.

==========================  ===============================================================================
idea                        function
==========================  ===============================================================================
run it elsewhere            `to_onnx`: one file with graph and weights, for onnxruntime, browsers, phones
train on in PyTorch         `to_safetensors`: the weights alone, under PyTorch's names and in its shapes
take weights from there     `from_safetensors`: the reverse, into a network of the same layers
==========================  ===============================================================================

The packages behind them (``pip install 't7nn[onnx]'``, ``'t7nn[safetensors]'``) are imported when they are called.
``onnx`` has a converter for each layer, and `onnx.exports` registers one for a class of one's own.
"""

from .onnx import ExportError, to_onnx
from .safetensors import from_safetensors, to_safetensors

__all__ = ['ExportError', 'from_safetensors', 'to_onnx', 'to_safetensors']
