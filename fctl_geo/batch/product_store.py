"""The location of a batch's products, a local folder or an S3 prefix, and which of them exist."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fctl_geo.storage.address import address_of
from fctl_geo.storage.upload import sizes_below


class ProductStore:
    """The products of a batch. Objects on S3 are listed once, and again after they have been written.

    Args:
        out: a folder, or an address as a path.
    Raises:
        OutputError: the address is not an S3 address, or listing it is not permitted.
    """

    def __init__(self, out: Path) -> None:
        address = address_of(out)
        self.out = out if address else out.absolute()
        self.remote = address is not None
        self._sizes = sizes_below(f"{address.rstrip('/')}/") if address else {}

    def size_bytes(self, path: Path) -> int | None:
        """Size of a product; None if it does not exist."""
        if self.remote:
            return self._sizes.get(str(self.shown(path)))
        return path.stat().st_size if path.is_file() else None

    def look_again(self, paths: Iterable[Path]) -> None:
        """Refresh the sizes of products after they were written."""
        for address in (address_of(path) for path in paths):
            if address is not None:
                self._sizes.pop(address, None)
                self._sizes |= sizes_below(address)

    def shown(self, path: Path) -> Path | str:
        """A product as shown to the user: its path or address."""
        return address_of(path) or path

    def word(self, path: Path) -> str:
        """A product as stored in the record: its path relative to the folder, or its full address."""
        return address_of(path) or path.relative_to(self.out).as_posix()

    def path(self, word: str) -> Path:
        """The inverse of `word`."""
        return Path(word) if address_of(word) else self.out / word
