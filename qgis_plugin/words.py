"""Translation: one context for the whole plugin, so that each text is translated once."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, QLocale, QTranslator

CONTEXT = "FctlGeo"
FOLDER = Path(__file__).parent / "i18n"


def tr(text: str) -> str:
    """The text in the user's language; English if there is no translation."""
    return QCoreApplication.translate(CONTEXT, text)


def count(value: float) -> str:
    """A whole number in the user's notation: '1,200' or '1.200'."""
    return decimal(value, 0)


def decimal(value: float, places: int) -> str:
    """A number with so many decimal places in the user's notation: '0.72' or '0,72'."""
    return _locale().toString(float(value), "f", places)


def measure(value: float) -> str:
    """A measured number with three significant digits in the user's notation."""
    return _locale().toString(float(f"{value:.3g}"), "g", 6 if value < 1e6 else 10)


def _locale() -> QLocale:
    """The locale of QGIS, with separators between thousands, which QGIS leaves out by default."""
    locale = QLocale(QLocale().name())
    locale.setNumberOptions(QLocale.NumberOption.DefaultNumberOptions)
    return locale


def install_translator() -> QTranslator | None:
    """Install the translator for the language of QGIS; None for English. Keep a reference, because Qt does not."""
    settings = QgsSettings()
    chosen = settings.value("locale/userLocale", "", type=str)
    override = settings.value("locale/overrideFlag", False, type=bool)
    language = (chosen if override and chosen else QLocale.system().name())[:2]
    path = FOLDER / f"fctl_geo_{language}.qm"
    if not path.exists():
        return None
    translator = QTranslator()
    if not translator.load(str(path)):
        return None
    QCoreApplication.installTranslator(translator)
    return translator
