"""Many processes and machines, by Dask: the same shards and scenes, written by its workers (extra `dask`)."""

from __future__ import annotations

from fctl_geo.cluster.open import open_cluster as open_cluster
