"""`python -m fctl_geo_cli`: the console script where no script is on the PATH (QGIS runs the engine so)."""

from .main import main

main()
