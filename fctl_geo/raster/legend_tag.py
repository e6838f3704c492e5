"""The legend of a class raster as a dataset tag, in JSON."""

from __future__ import annotations

import json

from fctl_geo.spec import Legend

LEGEND_TAG = "FCTL_LEGEND"
"""Dataset tag that holds the legend as JSON; unlike the `.aux.xml`, it travels inside the file."""


def legend_tag(legend: Legend) -> str:
    """The legend as JSON, the value of `LEGEND_TAG`."""
    return json.dumps(
        [
            {"id": info.id, "name": info.name, "color": list(info.color), "background": info.background}
            | ({"objects": True} if info.objects else {})
            for info in legend
        ],
        ensure_ascii=False,
    )
