"""The QGIS plugin of fctl-geo: Processing algorithms and a panel; the engine runs in another interpreter."""


def classFactory(iface):
    """What QGIS calls to load the plugin; `iface` is None in qgis_process."""
    from .plugin import FctlGeoPlugin

    return FctlGeoPlugin(iface)
