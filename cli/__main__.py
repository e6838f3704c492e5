"""`python -m fctl_geo_cli`: the command line where the console script is not on the PATH (as QGIS runs the engine)."""

from .main import main

main()
