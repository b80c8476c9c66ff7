"""Torch7's nn in Python."""
