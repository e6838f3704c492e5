"""Which pixels are data: nodata values, alpha, mask bands, NaN."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.scene.bands import BandPlan
from fctl_geo.scene.header import Header

Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MaskPlan:
    """How validity is told; a pixel is invalid if any of these says so."""

    nodata: tuple[float | None, ...]
    """For each band that is read (`BandPlan.numbers`)."""
    alpha_band: int | None
    """Number of the alpha band; 0 there is invalid."""
    least_alpha: int
    """Smallest alpha of a valid pixel."""
    mask_band: bool
    """Ask the mask of the file (inside it or .msk); 0 there is invalid."""
    floating: bool
    """Values may be NaN or infinite, which is invalid in any band."""
    palette_alpha: bool
    """Palette entries with alpha 0 are invalid."""
    kind: str
    """In words: "none", "nodata", "alpha + .msk", ..."""

    @property
    def always_valid(self) -> bool:
        """No pixel of the scene can be invalid."""
        return self.kind == "none"


def plan_masks(header: Header, bands: BandPlan, *, alpha_is_nir: bool) -> MaskPlan:
    """Everything by which the file marks pixels as no data."""
    nodata = tuple(header.bands[number - 1].nodata for number in bands.numbers)
    alphas = [] if alpha_is_nir else [b.number for b in header.bands if b.interpretation == "alpha"]
    floating = any(header.bands[n - 1].dtype.startswith("float") for n in bands.numbers)
    palette_alpha = header.palette is not None and any(entry[3] == 0 for entry in header.palette)
    kinds = [
        ("nodata", all(value is not None for value in nodata)),
        ("alpha", bool(alphas)),
        ("mask band", header.has_mask_band and not header.mask_outside),
        (".msk", header.has_mask_band and header.mask_outside),
        ("nan", floating),
        ("palette", palette_alpha),
    ]
    # JPEG smears alpha around its edges: what was 0 comes back as 3, so half opaque is the border there.
    least_alpha = 128 if header.compression.lower() in ("jpeg", "webp") and header.dtype == "uint8" else 1
    return MaskPlan(
        nodata=nodata,
        alpha_band=alphas[0] if alphas else None,
        least_alpha=least_alpha,
        mask_band=header.has_mask_band,
        floating=floating,
        palette_alpha=palette_alpha,
        kind=" + ".join(name for name, present in kinds if present) or "none",
    )


def valid_pixels(raw: NDArray[np.generic], alpha: NDArray[Any] | None, plan: MaskPlan) -> Bool:
    """Validity by values alone; a mask band is asked elsewhere.

    With nodata a pixel is invalid when *all* bands that are read have their nodata value (as in GDAL's dataset mask:
    black water in one band is still water). NaN or infinity in *any* band makes it invalid: no mean can be taken.

    Args:
        raw: (C, h, w) the bands that are read, as they are in the file.
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
    """Whether values look like opacity: nearly all clear or nearly all opaque, not a picture.

    Near infrared is often tagged as alpha by mistake (NAIP); its values lie in between.
    """
    if sample.size == 0:
        return True
    values = sample.astype(np.float64)
    # Opaque means the type's largest value, or 255 or 1 in a wider type: whatever the largest value here is.
    opaque = max(float(values.max()), 1.0)
    share = float(np.mean((values <= 0.04 * opaque) | (values >= 0.96 * opaque)))
    return share >= 0.75
