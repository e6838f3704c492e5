"""Runs inside QGIS's own window (`qgis --code`): installs the zip, clicks as a person would, notes and pictures it all.

Reads its settings from the JSON file in FCTL_WINDOW, and writes what it saw to `answer` there.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProcessingContext,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QPoint, QSize, Qt, QTimer
from qgis.PyQt.QtGui import QColor, QImage, QPainter
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QMessageBox, QTextEdit, QToolBar
from qgis.utils import iface, plugins

GIVEN = json.loads(Path(os.environ["FCTL_WINDOW"]).read_text("utf-8"))
SHOTS = Path(GIVEN["shots"])
SEEN = {}
LEFT = Qt.MouseButton.LeftButton


def breathe(seconds=0.3):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def wait(test, what, seconds=500):
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            raise RuntimeError(f"waited in vain for {what}")
        breathe(0.05)


def click(button):
    assert button.isEnabled(), button.text()
    QTest.mouseClick(button, LEFT)


def shoot(name, widget=None):
    iface.mapCanvas().refresh()
    breathe(0.5)
    wait(lambda: not iface.mapCanvas().isDrawing(), "the map", 30)
    breathe(0.5)
    (widget or iface.mainWindow()).grab().save(str(SHOTS / f"qgis-{name}.jpg"), "JPG", 88)


def layers(kind):
    return [layer for layer in QgsProject.instance().mapLayers().values() if isinstance(layer, kind)]


def install():
    import pyplugin_installer

    pyplugin_installer.instance().installFromZipFile(GIVEN["zip"])
    breathe(1.0)
    SEEN["installed"] = sorted(plugins)
    SEEN["loaded_from"] = sys.modules["fctl_geo_qgis"].__file__
    for bar in iface.messageBar().items():
        SEEN.setdefault("messages", []).append(bar.text())
    iface.messageBar().clearWidgets()


def prepare():
    iface.mainWindow().resize(1400, 950)
    for dock in iface.mainWindow().findChildren(type(iface.layerTreeView().parent().parent())):
        dock.objectName() == "Browser" and dock.hide()
    layer = QgsRasterLayer(GIVEN["scene"], "orthophoto")
    QgsProject.instance().addMapLayer(layer)
    iface.mapCanvas().setExtent(layer.extent())
    return layer


def open_panel():
    dock = plugins["fctl_geo_qgis"]._dock
    SEEN["opened_by_itself"] = dock.isVisible()
    bars = [bar for bar in iface.mainWindow().findChildren(QToolBar) if dock.toggleViewAction() in bar.actions()]
    SEEN["button"] = [bar.objectName() for bar in bars if bar.isVisible()]
    menus = [action.menu() for action in iface.rasterMenu().actions() if action.menu() is not None]
    (menu,) = (each for each in menus if each.title() == "FCtL Geo")
    SEEN["menu"] = [entry.text() for entry in menu.actions()]
    dock.raise_()
    wait(lambda: dock.form.model.box.count() > 0, "the engine's models")
    SEEN["engine"] = dock.engine.text()
    SEEN["models"] = [dock.form.model.box.itemData(i) for i in range(dock.form.model.box.count())]
    dock.form.model.box.setCurrentIndex(dock.form.model.box.findData("landcover"))
    SEEN["card"] = dock.form.model.label.text()
    SEEN["facts"] = dock.form.layer_facts.text()
    SEEN["no_warning"] = dock.form.warning.text()
    return dock


def preview(dock, layer):
    dock._iface.mapCanvas().setExtent(layer.extent().buffered(-120))
    breathe(1.0)
    for _ in range(2):  # the second one replaces the first
        click(dock.preview_button)
        wait(lambda: dock.runner.busy, "the preview's start", 60)
        wait(lambda: not dock.runner.busy, "the preview")
    SEEN["preview"] = sorted(each.name() for each in layers(QgsRasterLayer))
    (found,) = (each for each in layers(QgsRasterLayer) if each.name().startswith("Preview"))
    SEEN["preview_legend"] = [entry.label for entry in found.renderer().classes()]
    shoot("preview")
    iface.mapCanvas().setExtent(layer.extent().buffered(20_000))
    breathe(1.0)
    click(dock.preview_button)
    SEEN["preview_too_large"] = dock.status.text()
    iface.mapCanvas().setExtent(layer.extent())


def draw(dock):
    """A triangle on the map by three clicks and a right click, as a person draws it."""
    canvas = iface.mapCanvas()
    side = min(canvas.width(), canvas.height()) // 4
    middle = canvas.rect().center()
    dock.form.drawer.draw_polygon()
    for right, down in ((-1, -1), (1, -1), (0, 1)):
        QTest.mouseClick(canvas.viewport(), LEFT, pos=middle + QPoint(right * side, down * side))
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.RightButton, pos=middle)
    breathe()
    area = dock.form.aoi.currentLayer()
    SEEN["drawn"] = [
        dock.form.extent.currentData(),
        area.name(),
        area.featureCount(),
        area.crs().authid(),
        next(area.getFeatures()).geometry().area() / (2 * side * side * canvas.mapUnitsPerPixel() ** 2),
    ]
    QgsProject.instance().removeMapLayer(area.id())
    dock.form.extent.setCurrentIndex(0)


def run(dock):
    dock.form.min_area.setValue(10)
    dock.form.simplify.setValue(0.6)
    dock.form.folder.setFilePath(GIVEN["results"])
    dock.scroll.verticalScrollBar().setValue(0)
    click(dock.run_button)
    wait(lambda: dock.bar.value() > 0, "progress")
    SEEN["running"] = {"run": dock.run_button.isEnabled(), "cancel": dock.stop_button.isEnabled()}
    wait(lambda: not dock.runner.busy, "the run")
    SEEN["run"] = dock.status.text()
    SEEN["scrolled"] = dock.scroll.verticalScrollBar().value()
    groups = QgsProject.instance().layerTreeRoot().findGroups()
    SEEN["groups"] = {group.name(): [each.name() for each in group.findLayers()] for group in groups}
    SEEN["previews"] = [each.name() for each in layers(QgsRasterLayer) if each.name().startswith("Preview")]
    SEEN["files"] = sorted(path.name for path in Path(GIVEN["results"]).iterdir())
    (polygons,) = layers(QgsVectorLayer)
    SEEN["polygons"] = [[c.label(), c.symbol().color().name()] for c in polygons.renderer().categories()]
    (classes,) = (each for each in layers(QgsRasterLayer) if "classes" in each.name())
    SEEN["classes"] = [[entry.label, entry.color.name()] for entry in classes.renderer().classes()]
    SEEN["last_run"] = dock.runs.summary.text()
    SEEN["metadata"] = polygons.metadata().history()
    before = len(layers(QgsVectorLayer))
    dock.runs.load(dock.runs.table.topLevelItem(0))
    SEEN["loaded_again"] = len(layers(QgsVectorLayer)) - before
    for again in QgsProject.instance().mapLayersByName("orthophoto-landcover"):
        QgsProject.instance().removeMapLayer(again.id())
    iface.layerTreeView().expandAll()
    shoot("polygons")
    dock.runs.run_again()

    def dialogs():
        return [w for w in QApplication.topLevelWidgets() if w.isVisible() and "createProcessingParameters" in dir(w)]

    wait(dialogs, "the dialog of another run", seconds=60)
    (again,) = dialogs()
    SEEN["again"] = again.createProcessingParameters()["MIN_AREA"]
    again.close()
    tree = QgsProject.instance().layerTreeRoot()
    tree.findLayer(polygons.id()).setItemVisibilityChecked(False)
    tree.findLayer(classes.id()).setItemVisibilityChecked(True)
    shoot("classes")
    return polygons, classes


def cancel(dock):
    large = QgsRasterLayer(GIVEN["large"], "large")
    QgsProject.instance().addMapLayer(large)
    dock.form.layer.setLayer(large)
    SEEN["warning"] = dock.form.warning.text()
    shoot("warning", dock)
    click(dock.run_button)
    wait(lambda: dock.bar.value() > 0, "progress")
    click(dock.stop_button)
    wait(lambda: not dock.runner.busy, "the stop", 200)
    SEEN["cancelled"] = dock.status.text()
    SEEN["after_cancel"] = sorted(p.name for p in Path(GIVEN["results"]).iterdir() if not p.name.startswith("."))
    QgsProject.instance().removeMapLayer(large.id())


def toolbox():
    import processing

    dialog = processing.createAlgorithmDialog("fctl:segmentraster", {"INPUT": GIVEN["scene"], "MODEL": "landcover"})
    dialog.resize(980, 760)
    dialog.show()
    breathe(1.0)
    shoot("toolbox", dialog)
    dialog.close()


def batch():
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("fctl:segmentraster")
    dialog = BatchAlgorithmDialog(algorithm)
    dialog.show()
    panel, context = dialog.mainWidget(), QgsProcessingContext()
    while panel.batchRowCount() < 2:
        panel.addRow()
    for row in range(2):
        given = {"INPUT": GIVEN["small"], "MODEL": GIVEN["tiny"], "DEVICE": "cpu", "MIN_AREA": 5 * row}
        for name, value in given.items():
            panel.wrappers[row][panel.parameter_to_column[name]].setParameterValue(value, context)
        for name in ("OUTPUT", "OUTPUT_POLYGONS"):
            ending = ".tif" if name == "OUTPUT" else ".gpkg"
            cell = panel.tblParameters.cellWidget(row + 1, panel.parameter_to_column[name])
            cell.setValue(str(Path(GIVEN["batch"]) / f"row{row}{ending}"))
    click(dialog.runButton())
    breathe(1.0)
    SEEN["batch_log"] = dialog.findChild(QTextEdit, "txtLog").toPlainText()
    breathe(1.0)
    SEEN["batch"] = sorted(p.name for p in Path(GIVEN["batch"]).iterdir() if p.name.startswith("row"))
    dialog.close()


def options():
    """The real options dialog is modal: a timer acts inside it."""

    def act():
        try:
            dialog = QApplication.activeModalWidget()
            page = next(w for w in dialog.findChildren(object) if type(w).__name__ == "OptionsPage")
            click(page.check_button)
            wait(lambda: "The engine works" in page.state.text(), "the check", 200)
            SEEN["options"] = page.state.text()
            page.threads.setValue(1)
            shoot("options", dialog)
            QTimer.singleShot(500, setup)
            click(page.setup_button)  # comes back when the setup dialog closes
            wait(lambda: page._check is None, "the check after the setup", 200)
            dialog.accept()
        except BaseException:
            SEEN["options_error"] = traceback.format_exc()
            dialog.reject()

    def setup():
        dialog = QApplication.activeModalWidget()
        try:
            dialog.wheels.setFilePath(GIVEN["no_wheels"])
            dialog.python.setFilePath(GIVEN["python"])
            click(dialog.start_button)
            wait(lambda: not dialog.busy, "the set-up's failure", 400)
            SEEN["setup"] = [dialog.state.text(), dialog.start_button.text()]
            shoot("setup", dialog)
        except BaseException:
            SEEN["options_error"] = traceback.format_exc()
        dialog.reject()

    QTimer.singleShot(1500, act)
    iface.showOptionsDialog(None, "FCtL Geo")
    from fctl_geo_qgis import settings

    SEEN["threads"] = settings.threads()
    settings.set_threads(0)


def picture(name, *pairs):
    """Maps side by side, as the help shows them: each pair is (layers from the top, extent)."""
    side = 300
    whole = QImage(QSize(side * len(pairs) + 6 * (len(pairs) - 1), side), QImage.Format.Format_RGB32)
    whole.fill(QColor("white"))
    painter = QPainter(whole)
    for index, (shown, extent) in enumerate(pairs):
        wanted = QgsMapSettings()
        wanted.setLayers(shown)
        wanted.setExtent(extent)
        wanted.setOutputSize(QSize(side, side))
        wanted.setDestinationCrs(shown[-1].crs())
        job = QgsMapRendererParallelJob(wanted)
        job.start()
        job.waitForFinished()
        painter.drawImage(index * (side + 6), 0, job.renderedImage())
    painter.end()
    whole.save(str(Path(GIVEN["help"]) / f"{name}.jpg"), "JPG", 86)


def crude_classes(extent):
    """What the first network alone makes of the picture's place."""
    import processing

    path = str(Path(GIVEN["batch"]) / "crude.tif")
    corners = f"{extent.xMinimum()},{extent.xMaximum()},{extent.yMinimum()},{extent.yMaximum()}"
    given = {"INPUT": GIVEN["scene"], "MODEL": "landcover", "EXTENT": corners, "REFINE": "no", "OUTPUT": path}
    processing.run("fctl:segmentraster", given)
    return path


def help_pictures(image, polygons, classes):
    west, north, side = image.extent().xMinimum(), image.extent().yMaximum(), 140.0
    from qgis.core import QgsRectangle

    near = QgsRectangle(west + 200, north - 60 - side, west + 200 + side, north - 60)
    truth = QgsRasterLayer(GIVEN["truth"], "truth")
    crude = QgsRasterLayer(crude_classes(near), "crude")
    crude.loadNamedStyle(classes.styleURI())
    picture("segmentraster", ([image], near), ([classes], near), ([polygons, image], near))
    picture("segmentfolder", *(([polygons, image], near),) * 1, ([polygons, image], image.extent()))
    picture("refineclasses", ([crude], near), ([classes], near))
    picture("polygoniseclasses", ([classes], near), ([polygons], near))
    picture("trainmodel", ([image], near), ([polygons, image], near))
    picture("evaluatemodel", ([truth], near), ([classes], near))


def main():
    QMessageBox.exec = lambda *a: QMessageBox.StandardButton.Ok  # nobody is there to press it
    try:
        install()
        image = prepare()
        dock = open_panel()
        preview(dock, image)
        draw(dock)
        polygons, classes = run(dock)
        if GIVEN["make_help"]:
            help_pictures(image, polygons, classes)
        cancel(dock)
        toolbox()
        batch()
        options()
        plugins["fctl_geo_qgis"].unload()
        SEEN["unloaded"] = QgsApplication.processingRegistry().providerById("fctl") is None
    except BaseException:
        SEEN["error"] = traceback.format_exc()
    Path(GIVEN["answer"]).write_text(json.dumps(SEEN, ensure_ascii=False, indent=1), "utf-8")
    os._exit(0)


QTimer.singleShot(1000, main)
