"""Convolutions over time, space and volume, thin on the engine ``layers._windows``."""
