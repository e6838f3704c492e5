"""Explain why a scene could not be opened, and what to do about it."""

from __future__ import annotations

from pathlib import Path

from fctl_geo.errors import ExternalError, SceneError
from fctl_geo.storage.address import is_remote, shown

_REMOTE_TROUBLES = (
    (("404", "key does not exist", "NoSuchKey"), "does not exist", "check the address, including upper and lower case"),
    (("bucket does not exist", "NoSuchBucket"), "is in a bucket that does not exist", "check the name of the bucket"),
    (
        ("403", "401", "Access Denied", "AccessDenied", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
        "cannot be accessed",
        "check your keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for a public bucket set "
        "AWS_NO_SIGN_REQUEST=YES; a signed address may have expired",
    ),
    (
        ("No valid AWS credentials", "AWS_SECRET_ACCESS_KEY", "InvalidCredentials"),
        "needs keys, and none are set",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; "
        "for a public bucket set AWS_NO_SIGN_REQUEST=YES",
    ),
    (
        ("Range downloading not supported",),
        "is on a server that only sends whole files, but a scene is read in pieces",
        "download it first, or use a server that supports byte ranges (S3, nginx and Apache do)",
    ),
    (("resolve host", "resolve"), "is on a host that cannot be found", "check the address and the connection"),
    (("timed out", "too slow", "Timeout"), "timed out", "try again later; do you need to set a proxy?"),
)
"""What GDAL reports, what it means, and what to do. The first match in this order counts."""
_OTHER_FORMATS = (
    (b"CDF", "netCDF"),
    (b"\x89HDF\r\n", "HDF5 or netCDF-4"),
    (b"PCIDSK", "PCIDSK"),
    (b"%PDF", "PDF"),
)
"""First bytes of formats that GDAL reads and whose files may refer to others."""


def why_unreadable(uri: str, name: str, error: Exception, *, any_format: bool) -> SceneError:
    """The error that explains why GDAL could not open a scene.

    Args:
        name: short name for messages.
        any_format: all GDAL drivers were tried, not only those of formats that hold their own pixels.
    """
    if is_remote(uri):
        return _not_reached(uri, name, error)
    if Path(uri).is_dir():
        return SceneError(f"{uri} is a folder, not a raster", hint="name the file inside it that holds the scene")
    if Path(uri).is_file() and Path(uri).stat().st_size == 0:
        return SceneError(f"{name} is empty (0 bytes)", hint="copy or download it again")
    if any_format:
        return SceneError(
            f"{name} is not a raster that GDAL can read (GDAL: {error})",
            hint="inspect it with gdalinfo: a broken download or a misnamed text file looks like this",
        )
    if known := _format_of(Path(uri)):
        return ExternalError(
            f"{name} is a {known} file, a format that requires --allow-external, because it can refer to other files",
            hint="if you trust it, run again with --allow-external; or convert it: gdal_translate -of COG",
        )
    return ExternalError(
        f"{name} is not a raster in a format that can be read without --allow-external (GDAL: {error})",
        hint="inspect it with gdalinfo: a broken download or a misnamed text file looks like this; "
        "if GDAL reads it (ERDAS ER Mapper, Idrisi, DIMAP, WMS, ...) and you trust it, run again with --allow-external",
    )


def _not_reached(uri: str, name: str, error: Exception) -> SceneError:
    cause = f"{error} {error.__cause__ or ''}".strip()
    for secret in (uri, uri.removeprefix("/vsicurl/")):
        cause = cause.replace(secret, name)  # an address may hold keys
    for patterns, trouble, hint in _REMOTE_TROUBLES:
        if any(pattern in cause for pattern in patterns):
            return SceneError(f"{shown(uri)} {trouble} (GDAL: {cause})", hint=hint)
    return SceneError(
        f"{name} cannot be opened over the network (GDAL: {cause})",
        hint="check the address, the connection and your keys",
    )


def _format_of(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(16)
    return next((name for magic, name in _OTHER_FORMATS if head.startswith(magic)), None)
