"""Where files are: addresses, outputs that appear whole, uploads."""
