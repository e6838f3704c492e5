"""What an ONNX file says about its model: the header of ours, or a plain network's metadata and the TOML beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from fctl_geo.errors import DeviceError
from fctl_geo.model.files import HEADER_KEY, settings_path
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.installed import INSTALL_ONNX, has_onnx

Parse = Callable[[str, Path], ModelInfo]


def read_onnx_info(path: Path, parse_header: Parse) -> ModelInfo:
    """The metadata of an ONNX file.

    Args:
        parse_header: reads the header of a file of ours.
    Raises:
        ModelFileError: not an ONNX file, or not one of a segmentation network.
        DeviceError: the packages that read ONNX files are not installed.
    """
    if not has_onnx():
        raise DeviceError(f"reading {path.name} needs ONNX Runtime, which is not installed", hint=INSTALL_ONNX)
    files = [file for file in (path, settings_path(path)) if file.is_file()]
    return _info(tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in files), parse_header)


@lru_cache(maxsize=8)
def _info(files: tuple[tuple[Path, int, int], ...], parse_header: Parse) -> ModelInfo:
    """Read the files again only if a size or modification time has changed."""
    from fctl_geo.model.onnx_file import metadata_of, read_onnx
    from fctl_geo.model.onnx_plain import plain_info

    path = files[0][0]
    model = read_onnx(path)
    metadata = metadata_of(model)
    if HEADER_KEY in metadata:
        return parse_header(metadata[HEADER_KEY], path)
    return plain_info(path, model, files[1][0] if len(files) > 1 else None)
