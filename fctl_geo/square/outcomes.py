"""What becomes of an object's outline."""

from __future__ import annotations

PLAIN, SQUARED, RECTANGLE, CIRCLE, CROSSES, MOVED, AREA, IOU, BORDERS, INSIDE, CUT, LARGE, SHAPELESS = range(13)
OUTLINES = (
    "",
    "squared",
    "rectangle",
    "circle",
    "simplified: would cross a border",
    "simplified: would move too far",
    "simplified: area would change",
    "simplified: too different",
    "simplified: borders another class or the edge",
    "simplified: inside another object",
    "simplified: cut into parts",
    "simplified: group too large",
    "simplified: no right angles",
)
"""Words for the numbers above, as they are written to the products."""
