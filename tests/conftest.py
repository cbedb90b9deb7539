"""For all tests: how hypothesis works on a machine that others use too."""

from hypothesis import settings

# How long one example takes says nothing here; what must be fast has a test or a benchmark of its own.
settings.register_profile("hasivu", deadline=None, print_blob=True)
settings.load_profile("hasivu")
