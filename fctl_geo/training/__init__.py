"""From labeled imagery to a model file: sources, samples, augmentation, loss, the loop."""
