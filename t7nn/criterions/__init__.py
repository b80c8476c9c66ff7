"""The losses: a number from an input and a target, and its gradient with respect to the input.

A loss of one's own begins with ``base.Elementwise`` (loss and derivative of each element), with ``base.Weighted`` where
classes or elements have weights, with ``embedding.OfPairs`` where the input is two tensors, and else with
``module.Criterion``.
"""
