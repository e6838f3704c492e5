"""From labelled imagery to a model file: sources, samples, augmentation, loss, the loop."""
