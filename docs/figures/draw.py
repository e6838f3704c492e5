"""Draws the pictures of these pages: `python docs/figures/draw.py [NAME...]`, or `make figures`.

Everything on them comes from the functions that a run uses, on procedural scenes: no photograph is needed, and the same
version draws the same pictures. Draw them again when a shipped model changes.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from landing import draw_gallery, draw_hero
from network import draw_contexts, draw_correlation, draw_fusion
from outlines import draw_refinement, draw_separation, draw_squaring

IMAGES = Path(__file__).parents[1] / "images"
FIGURES = {
    "hero": draw_hero,
    "gallery": draw_gallery,
    "contexts": draw_contexts,
    "correlation": draw_correlation,
    "fusion": draw_fusion,
    "refinement": draw_refinement,
    "separation": draw_separation,
    "squaring": draw_squaring,
}


def main(names: list[str]) -> None:
    for name in names or FIGURES:
        path = IMAGES / f"{name}.jpg"
        FIGURES[name](path)
        print(f"{path} ({path.stat().st_size / 1e3:.0f} kB)")


if __name__ == "__main__":
    main(sys.argv[1:])
