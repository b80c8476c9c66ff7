"""Small real data sets and their loaders."""
