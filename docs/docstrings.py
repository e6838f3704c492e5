"""An extension of griffe, by which mkdocstrings reads docstrings: it wants an empty line above each section."""

from __future__ import annotations

import re
from typing import Any

import griffe

SECTION = re.compile(r"(?<!\n)\n(Args|Returns|Yields|Raises|Law):", re.MULTILINE)


class EmptyLines(griffe.Extension):
    """Sections of our docstrings follow each other without empty lines."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = SECTION.sub(r"\n\n\1:", obj.docstring.value)
