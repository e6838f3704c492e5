"""Parameters that several algorithms share; `arguments` converts their values to command line arguments."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from .. import defaults, settings
from ..catalog import CATALOG
from ..words import tr

MODEL, MODEL_FILE = "MODEL", "MODEL_FILE"
MIN_AREA, SIMPLIFY, SQUARE, CLASSES = "MIN_AREA", "SIMPLIFY", "SQUARE", "CLASSES"
SEPARATE, NECK = "SEPARATE", "NECK"
BACKGROUND, AOI = "BACKGROUND", "AOI"
ALLOW_EXTERNAL = "ALLOW_EXTERNAL"
LAYER, APPEND = "LAYER", "APPEND"
BANDS, GSD, GRID, MASK = "BANDS", "GSD", "GRID", "MASK"
MERGE, TTA, REFINE = "MERGE", "TTA", "REFINE"
DEVICE, BACKEND, PRECISION = "DEVICE", "BACKEND", "PRECISION"
BATCH_SIZE, THREADS, MAX_MEMORY = "BATCH_SIZE", "THREADS", "MAX_MEMORY"
AS_RECOMMENDED, YES, NO = "as the model recommends", "yes", "no"


def number(
    name: str, words: str, help_text: str, *, default: float | None = None, least: float = 0.0, whole: bool = False
) -> QgsProcessingParameterNumber:
    """A number; optional if it has no default."""
    kind = QgsProcessingParameterNumber.Type.Integer if whole else QgsProcessingParameterNumber.Type.Double
    made = QgsProcessingParameterNumber(name, words, kind, default, default is None, least)
    made.setHelp(help_text)
    if not whole:
        made.setMetadata({"widget_wrapper": {"decimals": 2}})
    return made


def text(
    name: str, words: str, help_text: str, *, default: str = "", hints: list[str] | None = None
) -> QgsProcessingParameterString:
    """A string; with hints, a list to choose from."""
    made = QgsProcessingParameterString(name, words, default or None, False, not default)
    made.setHelp(help_text)
    if hints:
        made.setMetadata({"widget_wrapper": {"value_hints": hints}})
    return made


def choice(name: str, words: str, help_text: str, options: Sequence[str]) -> QgsProcessingParameterEnum:
    """One of several values of the engine; the first one is the default."""
    made = QgsProcessingParameterEnum(name, words, list(options), False, options[0], False, True)
    made.setHelp(help_text)
    return made


def advanced(made: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    """The same parameter, under the advanced ones."""
    made.setFlags(made.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    return made


def add_model(algorithm: QgsProcessingAlgorithm, words: str, default: str) -> None:
    """The model, by name or path."""
    algorithm.addParameter(
        text(
            MODEL, words,
            tr("A model that comes with the engine, or one that you trained. The FCtL Geo panel shows the classes of "
               "each model and the pixel size that it was trained at."),
            default=default, hints=CATALOG.names(),
        )
    )  # fmt: skip


def add_model_file(algorithm: QgsProcessingAlgorithm) -> None:
    """A model file that takes precedence over the model."""
    made = QgsProcessingParameterFile(
        MODEL_FILE, tr("Custom model file"), QgsProcessingParameterFile.Behavior.File, "", None, True,
        tr("Model files") + " (*.safetensors *.onnx)",
    )  # fmt: skip
    made.setHelp(tr("A model file (.safetensors or .onnx) of your own. It takes precedence over the model above."))
    algorithm.addParameter(advanced(made))


def add_polygons(algorithm: QgsProcessingAlgorithm) -> None:
    """How classes are converted to polygons."""
    algorithm.addParameter(
        number(
            MIN_AREA, tr("Minimum region area (m²)"),
            tr("Smaller regions are merged into the neighbor with which they share the longest border. 0 keeps all "
               "regions; if it is empty, the model decides. In pixels if the layer has no CRS."),
        )
    )  # fmt: skip
    algorithm.addParameter(
        number(
            SIMPLIFY, tr("Simplification tolerance (m)"),
            tr("Borders may move this far when they are straightened. Neighbors still share their borders, without "
               "gaps or overlaps. 0 keeps the pixel edges; one to two pixels are a good value."),
            default=defaults.SIMPLIFY_M,
        )
    )  # fmt: skip
    algorithm.addParameter(
        choice(
            SQUARE, tr("Right angles for buildings"),
            tr("Outlines of objects, such as buildings, get right angles and share their walls where objects touch. "
               "45: also half angles. any: long walls keep their direction. No effect if the model or raster has no "
               "classes of objects."),
            defaults.SQUARES,
        )
    )  # fmt: skip
    algorithm.addParameter(
        text(
            CLASSES, tr("Classes to polygonize"),
            tr("Comma-separated class names, for example 'building,water'. Empty: all classes except the background."),
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            number(
                NECK, tr("Separate objects connected by less than (m)"),
                tr("Houses that are connected by less than this width get separate polygons."),
                default=defaults.NECK_M, least=0.01,
            )
        )
    )  # fmt: skip


def add_separate(algorithm: QgsProcessingAlgorithm) -> None:
    """Whether touching objects get a polygon each; the model determines the classes."""
    algorithm.addParameter(
        choice(
            SEPARATE, tr("Separate touching objects"),
            tr("A polygon for each house, even where houses touch: they share the wall. The class raster does not "
               "change."),
            (AS_RECOMMENDED, YES, NO),
        )
    )  # fmt: skip


def add_separate_classes(algorithm: QgsProcessingAlgorithm) -> None:
    """The classes whose touching objects get a polygon each."""
    algorithm.addParameter(
        text(
            SEPARATE, tr("Separate touching objects of these classes"),
            tr("A polygon for each object of these classes, even where objects touch, for example 'building'. Empty: "
               "the classes that the raster marks as objects; 'none': no class."),
        )
    )  # fmt: skip


def add_layer(algorithm: QgsProcessingAlgorithm) -> None:
    """What becomes of a GeoPackage that exists."""
    algorithm.addParameter(
        advanced(
            text(
                LAYER, tr("Layer name in the GeoPackage"),
                tr("Empty: the name of the file. Other layers and tables of an existing GeoPackage are kept."),
            )
        )
    )  # fmt: skip
    append = QgsProcessingParameterBoolean(APPEND, tr("Add to an existing layer"), False)
    append.setHelp(
        tr("Adds the polygons to the layer of a GeoPackage, which must have been created with this option. Polygons "
           "that the same image has put there are replaced. Unchecked: an existing layer of that name is replaced.")
    )  # fmt: skip
    algorithm.addParameter(advanced(append))


def add_scene(algorithm: QgsProcessingAlgorithm) -> None:
    """How the scene is read."""
    algorithm.addParameter(
        advanced(
            text(
                BANDS, tr("Bands, in the order of the model"),
                tr("Numbers (4,3,2) or names (nir,red,green). Empty: selected by their color interpretation."),
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            number(
                GSD, tr("Pixel size on the ground (m)"),
                tr("Only needed if the georeferencing of the layer is missing or wrong. For online layers, the pixel "
                   "size to download; empty: that of the model."),
                least=0.0001,
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            choice(
                GRID, tr("Output grid"),
                tr("'scene': the pixels of the layer. 'model': pixels of the size that the model was trained at."),
                defaults.GRIDS,
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            text(
                MASK, tr("Nodata pixels"),
                tr("'auto': as declared by the file. 'none': all pixels are valid. 'alpha': only by the alpha band. "
                   "'nodata=-9999': pixels with this value in all bands."),
                default="auto", hints=["auto", "none", "alpha", "nodata=0", "nodata=-9999"],
            )
        )
    )  # fmt: skip


def add_trust(algorithm: QgsProcessingAlgorithm) -> None:
    """Whether a VRT may refer to files elsewhere."""
    trust = QgsProcessingParameterBoolean(ALLOW_EXTERNAL, tr("Trust files that the image refers to"), True)
    trust.setHelp(
        tr("A VRT can refer to files or servers outside its folder. QGIS has already read them to display the layer. "
           "Uncheck this for images from untrusted sources.")
    )  # fmt: skip
    algorithm.addParameter(advanced(trust))


def add_merge(algorithm: QgsProcessingAlgorithm) -> None:
    """How patches are merged."""
    algorithm.addParameter(
        advanced(
            choice(
                MERGE, tr("Merging of overlapping patches"),
                tr("'blend': weighted, without seams. 'average': the mean. 'montage': the inner parts side by side."),
                (AS_RECOMMENDED, *defaults.MERGES),
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            choice(
                TTA, tr("Test-time augmentation"),
                tr("'flips' also predicts the mirrored image (4 times slower), 'd4' the rotated one, too (8 times "
                   "slower). Both improve the result a little."),
                defaults.TTAS,
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            choice(
                REFINE, tr("Apply the refinement network"),
                tr("Cleans up borders and small errors, based on their surroundings."), (AS_RECOMMENDED, YES, NO),
            )
        )
    )  # fmt: skip


def add_engine(algorithm: QgsProcessingAlgorithm) -> None:
    """What the networks run on."""
    add_device(algorithm)
    algorithm.addParameter(
        advanced(
            choice(
                BACKEND, tr("Backend"),
                tr("Library that computes. 'auto': torch on a GPU, otherwise ONNX Runtime if the engine has it."),
                defaults.BACKENDS,
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            choice(
                PRECISION, tr("Precision"), tr("'auto': fp32 on CPUs, bf16 on GPUs that support it."),
                defaults.PRECISIONS,
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            number(
                BATCH_SIZE,
                tr("Batch size"),
                tr("Number of patches processed at once on a GPU. Empty: as many as fit into its memory."),
                least=1,
                whole=True,
            )
        )
    )
    algorithm.addParameter(
        advanced(
            number(THREADS, tr("CPU threads"), tr("Empty: as set in the options, or all cores."), least=1, whole=True)
        )
    )
    algorithm.addParameter(
        advanced(
            number(
                MAX_MEMORY, tr("Memory limit (MB)"), tr("Empty: as much as the run needs."),
                least=100, whole=True,
            )
        )
    )  # fmt: skip


def add_ground_truth(algorithm: QgsProcessingAlgorithm) -> None:
    """Information that is not in the polygons of the labels."""
    background = text(
        BACKGROUND, tr("Class outside the polygons"),
        tr("For example 'background' or 'land', if the whole area is labeled. Empty: unknown, and ignored."),
    )  # fmt: skip
    algorithm.addParameter(background)
    _add_area(algorithm, tr("Labeled area"), tr("Everything outside is ignored. Empty: the whole image."))


def add_aoi(algorithm: QgsProcessingAlgorithm) -> None:
    """The area to segment."""
    _add_area(algorithm, tr("Area of interest"), tr("Polygons in any CRS. Everything outside becomes nodata."))


def _add_area(algorithm: QgsProcessingAlgorithm, words: str, help_text: str) -> None:
    made = QgsProcessingParameterFeatureSource(AOI, words, [QgsProcessing.SourceType.TypeVectorPolygon], None, True)
    made.setHelp(help_text)
    algorithm.addParameter(made)


def add_device(algorithm: QgsProcessingAlgorithm) -> None:
    """What the network runs on."""
    devices = list(dict.fromkeys([settings.device(), defaults.DEVICE, "cpu", "cuda"]))
    words = tr("'auto': the GPU if there is one, else the CPU. Or: cpu, cuda, cuda:1.")
    algorithm.addParameter(advanced(text(DEVICE, tr("Device"), words, default=settings.device(), hints=devices)))
