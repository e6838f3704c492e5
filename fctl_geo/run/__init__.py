"""Defining and executing runs: open, plan, and compute shard by shard."""
