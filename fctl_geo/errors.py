"""The one tree of errors. A message has the numbers of both sides; a hint says what to do.

FctlError
├── SettingsError     a setting that cannot be, or an unknown key
├── SceneError        a scene that cannot be read, or not as the model wants it
│   ├── BandError     bands missing or ambiguous
│   ├── ReadError     damaged data: names the file and the window
│   └── AoiError      an area of interest that misses the scene or cannot be read
├── ModelFileError    a model file that is none, or not for this version
├── OutputError       an output that exists, cannot be written, or a full disk
├── DeviceError       a device that is missing or out of memory
├── ClusterError      workers that are missing, differ or died, or shards that they could not make
├── TrainingError     labels or images that do not fit together
└── Cancelled         the user stopped the run
"""

from __future__ import annotations


class FctlError(Exception):
    """An error that a user can act on.

    Args:
        message: what is wrong, with the numbers of both sides.
        hint: what to do about it; fits the terminal and QGIS alike.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class SettingsError(FctlError):
    """A setting has a value that cannot be, or a name that does not exist."""


class SceneError(FctlError):
    """The scene cannot be read, or not as the model wants it."""


class BandError(SceneError):
    """Bands that the model wants are missing or ambiguous."""


class ReadError(SceneError):
    """The file is damaged where it was read."""


class AoiError(SceneError):
    """The area of interest misses the scene or cannot be read."""


class ModelFileError(FctlError):
    """The model file is none, or is not for this version."""


class OutputError(FctlError):
    """An output exists already or cannot be written."""


class DeviceError(FctlError):
    """The device is missing or out of memory."""


class ClusterError(FctlError):
    """Workers are missing, differ or died, or could not make some shards."""


class TrainingError(FctlError):
    """Labels or images do not fit together."""


class Cancelled(FctlError):
    """The user stopped the run; nothing under a final name was touched."""
