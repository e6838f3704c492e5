"""Batches: many scenes in one call, with a record of what is done."""
