"""Properties draw the same examples in every run and never depend on time."""

from hypothesis import settings

settings.register_profile('t7nn', deadline=None, derandomize=True, max_examples=50)
settings.load_profile('t7nn')
