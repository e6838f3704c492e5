"""Right-angled outlines for groups of touching objects."""
