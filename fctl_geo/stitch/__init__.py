"""From the logits of patches, blended where they overlap, to classes."""
