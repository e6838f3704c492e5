"""Which pixels are valid: nodata values, alpha, mask bands, NaN."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import SceneError
from fctl_geo.scene.bands import BandPlan
from fctl_geo.scene.header import Header
from fctl_geo.settings import nodata_said

Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MaskPlan:
    """How validity is determined; a pixel is invalid if any of these says so."""

    nodata: tuple[float | None, ...]
    """For each band that is read (`BandPlan.numbers`)."""
    alpha_band: int | None
    """Number of the alpha band; pixels with alpha 0 are invalid."""
    least_alpha: int
    """Smallest alpha value of a valid pixel."""
    mask_band: bool
    """Whether to use the mask of the file (internal or .msk); 0 in it is invalid."""
    floating: bool
    """Values may be NaN or infinite, which is invalid in any band."""
    palette_alpha: bool
    """Palette entries with alpha 0 are invalid."""
    kind: str
    """For messages: "none", "nodata", "alpha + .msk", ..."""

    @property
    def always_valid(self) -> bool:
        """No pixel of the scene can be invalid."""
        return self.kind == "none"


def plan_masks(header: Header, bands: BandPlan, *, alpha_is_nir: bool, mask: str = "auto") -> MaskPlan:
    """Everything by which the file marks pixels as nodata, or what the user gave instead (`SceneSettings.mask`).

    Raises:
        SceneError: the file does not have the alpha band, or cannot hold the nodata value, that the user gave.
    """
    auto, given = mask == "auto", nodata_said(mask)
    nodata = tuple(header.bands[n - 1].nodata if auto else given for n in bands.numbers)
    if given is not None:
        _refuse_impossible(header, bands, given)
    alphas = [b.number for b in header.bands if b.interpretation == "alpha"]
    if mask == "alpha" and not alphas:
        raise SceneError(
            f"{header.name} has no band tagged as alpha ({', '.join(b.interpretation for b in header.bands[:8])})",
            hint="use --mask auto, none or nodata=VALUE; or tag the band: gdal_edit.py -colorinterp_4 alpha FILE",
        )
    if alpha_is_nir or mask not in ("auto", "alpha"):
        alphas = []
    floating = any(header.bands[n - 1].dtype.startswith("float") for n in bands.numbers)
    mask_band = auto and header.has_mask_band
    palette_alpha = auto and header.palette is not None and any(entry[3] == 0 for entry in header.palette)
    kinds = [
        ("nodata", all(value is not None for value in nodata)),
        ("alpha", bool(alphas)),
        ("mask band", mask_band and not header.mask_outside),
        (".msk", mask_band and header.mask_outside),
        ("nan", floating),
        ("palette", palette_alpha),
    ]
    # JPEG smears alpha near its edges: a 0 may be decoded as 3, so the limit is half opaque there.
    least_alpha = 128 if header.compression.lower() in ("jpeg", "webp") and header.dtype == "uint8" else 1
    return MaskPlan(
        nodata=nodata,
        alpha_band=alphas[0] if alphas else None,
        least_alpha=least_alpha,
        mask_band=mask_band,
        floating=floating,
        palette_alpha=palette_alpha,
        kind=" + ".join(name for name, present in kinds if present) or "none",
    )


def _refuse_impossible(header: Header, bands: BandPlan, nodata: float) -> None:
    for dtype in (np.dtype(header.bands[number - 1].dtype) for number in bands.numbers):
        if dtype.kind != "f" and not _fits(nodata, dtype):
            limits = np.iinfo(dtype)
            raise SceneError(
                f"{header.name} has {dtype} values ({limits.min:,} to {limits.max:,}), which are never {nodata:.10g}",
                hint="pass --mask nodata= a value that the file can hold; `gdalinfo -stats` shows its values",
            )


def valid_pixels(raw: NDArray[np.generic], alpha: NDArray[Any] | None, plan: MaskPlan) -> Bool:
    """Validity from values alone; a mask band is applied elsewhere.

    With nodata, a pixel is invalid when *all* bands that are read have their nodata value (as in GDAL's dataset mask:
    water that is black in one band is still water). NaN or infinity in *any* band makes it invalid, since it cannot be
    averaged.

    Args:
        raw: (C, h, w) values of the bands that are read, as stored in the file.
        alpha: (h, w) or None.
    """
    valid: Bool = np.ones(raw.shape[1:], np.bool_)
    if all(value is not None for value in plan.nodata):
        valid &= ~np.logical_and.reduce([_is_nodata(b, v) for b, v in zip(raw, plan.nodata, strict=True)])
    if plan.floating:
        valid &= np.isfinite(raw).all(axis=0)
    if alpha is not None:
        valid &= alpha >= plan.least_alpha
    return valid


def _is_nodata(band: NDArray[np.generic], nodata: float | None) -> Bool:
    assert nodata is not None
    if math.isnan(nodata):
        return np.isnan(band) if band.dtype.kind == "f" else np.zeros(band.shape, np.bool_)
    if band.dtype.kind != "f" and not _fits(nodata, band.dtype):
        return np.zeros(band.shape, np.bool_)
    with np.errstate(over="ignore"):
        return np.asarray(band == np.asarray(nodata).astype(band.dtype))


def _fits(nodata: float, dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    return math.isfinite(nodata) and nodata == int(nodata) and int(limits.min) <= nodata <= int(limits.max)


def is_true_alpha(sample: NDArray[np.generic]) -> bool:
    """Whether values look like opacity: nearly all that are not transparent are opaque; an image's lie in between.

    Near infrared is often tagged as alpha by mistake (NAIP). Over water most of it is as dark as transparent pixels
    are, so only the other pixels are considered.
    """
    if sample.size == 0:
        return True
    values = sample.astype(np.float64)
    # Opaque is the type's largest value, or 255 or 1 in a wider type: whatever the largest value of the sample is.
    opaque = max(float(values.max()), 1.0)
    seen = values[values > 0.04 * opaque]
    return seen.size == 0 or float(np.mean(seen >= 0.96 * opaque)) >= 0.75
