"""The layers: one module for each chapter or idea of Torch7's manual.

A layer of one's own begins with the base that says its idea:

=====================================  ==============================================================
idea                                   base
=====================================  ==============================================================
any layer                              ``module.Module``: updateOutput, updateGradInput, accGradParameters
elementwise, y = f(x)                  ``pointwise.Pointwise``: function, derivative
output of the shape of the input       ``pointwise.SameShape``: function, derivative
the same numbers in another shape      ``shapes.Reshaping``: shape
a part of the input                    ``selection.Selecting``
modules one after the other            ``containers.Sequential``
modules side by side                   ``containers.Branches``: inputs, gradOutputs, join
one module, wrapped                    ``decorators.Decorator``
an operation on a table of tensors     ``table.TableArithmetic``
a measure of two inputs                ``distances.PairMeasure``
a convolution                          ``convolution.base.Convolution`` on the engine ``_windows``
a pooling, a padding, an up-sampling   ``_planes.Planes``
=====================================  ==============================================================
"""
