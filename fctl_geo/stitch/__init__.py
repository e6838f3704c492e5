"""Patches' logits, blended over their overlaps, to classes."""
