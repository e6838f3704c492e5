"""The QGIS plugin of fctl-geo: Processing algorithms and a panel. The engine runs in a separate Python interpreter."""


def classFactory(iface):
    """Called by QGIS to load the plugin; `iface` is None in qgis_process."""
    from .plugin import FctlGeoPlugin

    return FctlGeoPlugin(iface)
