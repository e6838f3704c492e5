"""Runs on many processes and machines with Dask: its workers write the same shards and scenes (extra `dask`)."""

from __future__ import annotations

from fctl_geo.cluster.open import open_cluster as open_cluster
