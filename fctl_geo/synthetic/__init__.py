"""Procedural scenes with perfect labels: the demo, the tests, and part of what the models learn from."""
