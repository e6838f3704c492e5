"""What becomes of an object's outline."""

from __future__ import annotations

PLAIN, SQUARED, RECTANGLE, CIRCLE, CROSSES, MOVED, AREA, IOU = range(8)
BORDERS, INSIDE, CUT, LARGE, SHAPELESS, NEAR, SHORT = range(8, 15)
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
    "simplified: too near to something else",
    "simplified: walls would be too short",
)
"""Words for the numbers above, as they are written to the products."""
