"""The one tree of errors. A message has the numbers of both sides; a hint says what to do.

FctlError
├── SettingsError     an invalid setting, or an unknown key
├── SceneError        a scene that cannot be read, or not in the way the model needs
│   ├── BandError     bands missing or ambiguous
│   ├── ReadError     damaged data: names the file and the window
│   ├── ExternalError files that refer to others, or might
│   └── AoiError      an area of interest outside the scene, or one that cannot be read
├── ModelFileError    not a model file, or not one for this version
├── OutputError       an output that exists, cannot be written, or a full disk
├── DeviceError       a missing device, or one out of memory
├── ClusterError      workers that are missing, disagree or died, or shards they could not compute
├── TrainingError     labels and images that do not match
└── Cancelled         the user stopped the run
"""

from __future__ import annotations


class FctlError(Exception):
    """An error that a user can act on.

    Args:
        message: what is wrong, with the numbers of both sides.
        hint: what to do about it, in words that fit both the terminal and QGIS.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class SettingsError(FctlError):
    """A setting has an invalid value or an unknown name."""


class SceneError(FctlError):
    """The scene cannot be read, or not in the way the model needs."""


class BandError(SceneError):
    """Bands that the model needs are missing or ambiguous."""


class ReadError(SceneError):
    """The file is damaged in the window that was read."""


class ExternalError(SceneError):
    """The file refers to others, or has a format whose files might: it must be trusted first."""


class AoiError(SceneError):
    """The area of interest does not overlap the scene, or cannot be read."""


class ModelFileError(FctlError):
    """The file is not a model file, or not one for this version."""


class OutputError(FctlError):
    """An output already exists or cannot be written."""


class DeviceError(FctlError):
    """The device is missing or out of memory."""


class ClusterError(FctlError):
    """Workers are missing, disagree or died, or could not compute some shards."""


class TrainingError(FctlError):
    """Labels and images do not match."""


class Cancelled(FctlError):
    """The user stopped the run; nothing under a final name was touched."""
