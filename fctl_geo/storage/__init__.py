"""Where files live: addresses, outputs that are written atomically, uploads."""
