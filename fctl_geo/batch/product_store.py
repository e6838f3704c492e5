"""Where a batch's products lie, a folder here or a place on S3, and which of them are there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fctl_geo.storage.address import address_of
from fctl_geo.storage.upload import sizes_below


class ProductStore:
    """The products of a batch. What lies on S3 is listed once, and looked at again when it was written.

    Args:
        out: a folder, or an address as a path.
    Raises:
        OutputError: an address that is none of S3's, or may not be listed.
    """

    def __init__(self, out: Path) -> None:
        address = address_of(out)
        self.out = out if address else out.absolute()
        self.remote = address is not None
        self._sizes = sizes_below(f"{address.rstrip('/')}/") if address else {}

    def size_bytes(self, path: Path) -> int | None:
        """Of a product; None: it is not there."""
        if self.remote:
            return self._sizes.get(str(self.shown(path)))
        return path.stat().st_size if path.is_file() else None

    def look_again(self, paths: Iterable[Path]) -> None:
        """After they were written."""
        for address in (address_of(path) for path in paths):
            if address is not None:
                self._sizes.pop(address, None)
                self._sizes |= sizes_below(address)

    def shown(self, path: Path) -> Path | str:
        """A product as a user knows it."""
        return address_of(path) or path

    def word(self, path: Path) -> str:
        """A product as the record knows it: from the folder, or its whole address."""
        return address_of(path) or path.relative_to(self.out).as_posix()

    def path(self, word: str) -> Path:
        """The product that the record means."""
        return Path(word) if address_of(word) else self.out / word
