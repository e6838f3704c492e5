"""A progress that remembers what the user is told."""

from __future__ import annotations

from fctl_geo.progress import Silent


class Told(Silent):
    def __init__(self) -> None:
        self.words: list[str] = []

    def say(self, text: str) -> None:
        self.words.append(text)

    warn = say
