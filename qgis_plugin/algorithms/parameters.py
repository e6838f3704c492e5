"""Parameters that several algorithms share; `arguments` has the command line's words for their values."""

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
from ..catalogue import CATALOGUE
from ..words import tr

MODEL, MODEL_FILE = "MODEL", "MODEL_FILE"
MIN_AREA, SIMPLIFY, SQUARE, CLASSES = "MIN_AREA", "SIMPLIFY", "SQUARE", "CLASSES"
SEPARATE, NECK = "SEPARATE", "NECK"
BACKGROUND, AOI = "BACKGROUND", "AOI"
ALLOW_EXTERNAL = "ALLOW_EXTERNAL"
BANDS, GSD, GRID, MASK = "BANDS", "GSD", "GRID", "MASK"
MERGE, TTA, REFINE = "MERGE", "TTA", "REFINE"
DEVICE, PRECISION, BATCH_SIZE, THREADS, MAX_MEMORY = "DEVICE", "PRECISION", "BATCH_SIZE", "THREADS", "MAX_MEMORY"
AS_ADVISED, YES, NO = "as the model advises", "yes", "no"


def number(
    name: str, words: str, help_text: str, *, default: float | None = None, least: float = 0.0, whole: bool = False
) -> QgsProcessingParameterNumber:
    """A number; without a default it may be left empty."""
    kind = QgsProcessingParameterNumber.Type.Integer if whole else QgsProcessingParameterNumber.Type.Double
    made = QgsProcessingParameterNumber(name, words, kind, default, default is None, least)
    made.setHelp(help_text)
    if not whole:
        made.setMetadata({"widget_wrapper": {"decimals": 2}})
    return made


def text(
    name: str, words: str, help_text: str, *, default: str = "", hints: list[str] | None = None
) -> QgsProcessingParameterString:
    """A text; with hints a list to choose from."""
    made = QgsProcessingParameterString(name, words, default or None, False, not default)
    made.setHelp(help_text)
    if hints:
        made.setMetadata({"widget_wrapper": {"value_hints": hints}})
    return made


def choice(name: str, words: str, help_text: str, options: Sequence[str]) -> QgsProcessingParameterEnum:
    """One of the engine's own words; the first one is the default."""
    made = QgsProcessingParameterEnum(name, words, list(options), False, options[0], False, True)
    made.setHelp(help_text)
    return made


def advanced(made: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    """The same parameter, below the fold."""
    made.setFlags(made.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    return made


def add_model(algorithm: QgsProcessingAlgorithm, words: str, default: str) -> None:
    """Which model: by name, or a file of one's own."""
    algorithm.addParameter(
        text(
            MODEL, words,
            tr("A model that comes with the engine, or one that was trained here. The panel 'FCtL Geo' shows what each "
               "one knows, and for which ground size it was made."),
            default=default, hints=CATALOGUE.names(),
        )
    )  # fmt: skip


def add_model_file(algorithm: QgsProcessingAlgorithm) -> None:
    """A model file that takes precedence."""
    made = QgsProcessingParameterFile(
        MODEL_FILE, tr("Model file instead"), QgsProcessingParameterFile.Behavior.File, "", None, True,
        tr("Model files") + " (*.safetensors)",
    )  # fmt: skip
    made.setHelp(tr("A model file (.safetensors) of your own; if it is given, the model above is not used."))
    algorithm.addParameter(advanced(made))


def add_polygons(algorithm: QgsProcessingAlgorithm) -> None:
    """How classes become polygons."""
    algorithm.addParameter(
        number(
            MIN_AREA, tr("Smallest region (m²)"),
            tr("Smaller regions go to the neighbour with which they share the longest border. 0 keeps all. In pixels, "
               "where the layer has no CRS."),
            default=defaults.MIN_AREA_M2,
        )
    )  # fmt: skip
    algorithm.addParameter(
        number(
            SIMPLIFY, tr("Straighten borders within (m)"),
            tr("Borders may move this far to become straight; neighbours keep sharing them, without gaps or overlaps. "
               "0 keeps the pixels' edges. One to two pixels look good."),
            default=defaults.SIMPLIFY_M,
        )
    )  # fmt: skip
    algorithm.addParameter(
        choice(
            SQUARE, tr("Right angles for buildings"),
            tr("Outlines of objects, such as buildings, get right angles, and walls that touching buildings share. "
               "45: half angles, too; any: long walls keep their direction. Does nothing for a model or raster that "
               "knows no objects."),
            defaults.SQUARES,
        )
    )  # fmt: skip
    algorithm.addParameter(
        text(
            CLASSES, tr("Polygons of these classes only"),
            tr("Names of classes with commas between them, for example 'building,water'. Empty: all but the "
               "background."),
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            number(
                NECK, tr("Separate objects at connections narrower than (m)"),
                tr("Where two houses touch along less than this, each gets a polygon of its own."),
                default=defaults.NECK_M, least=0.01,
            )
        )
    )  # fmt: skip


def add_separate(algorithm: QgsProcessingAlgorithm) -> None:
    """Whether objects that touch get a polygon each: the model knows of which class."""
    algorithm.addParameter(
        choice(
            SEPARATE, tr("Separate touching objects"),
            tr("A polygon for each house, also where houses touch: they share the wall. The class raster stays as it "
               "is."),
            (AS_ADVISED, YES, NO),
        )
    )  # fmt: skip


def add_separate_classes(algorithm: QgsProcessingAlgorithm) -> None:
    """Of which classes objects that touch get a polygon each."""
    algorithm.addParameter(
        text(
            SEPARATE, tr("Separate touching objects of these classes"),
            tr("A polygon for each house, also where houses touch, for example 'building'. Empty: as the raster says; "
               "'none': of no class."),
        )
    )  # fmt: skip


def add_scene(algorithm: QgsProcessingAlgorithm) -> None:
    """How the scene is read."""
    algorithm.addParameter(
        advanced(
            text(
                BANDS, tr("Bands, in the model's order"),
                tr("Numbers (4,3,2) or names (nir,red,green). Empty: found by their colours."),
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            number(
                GSD, tr("Ground size of the layer's pixels (m)"),
                tr("Only for a layer that does not say it, or says it wrong. For online layers: the ground size to "
                   "fetch; empty: the model's."),
                least=0.0001,
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            choice(
                GRID, tr("Pixels of the results"),
                tr("'scene': the layer's own pixels. 'model': pixels of the model's ground size."), defaults.GRIDS,
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            text(
                MASK, tr("Pixels without data"),
                tr("'auto': as the file says. 'none': every pixel is data. 'alpha': by the alpha band alone. "
                   "'nodata=-9999': pixels with that value in all bands."),
                default="auto", hints=["auto", "none", "alpha", "nodata=0", "nodata=-9999"],
            )
        )
    )  # fmt: skip


def add_trust(algorithm: QgsProcessingAlgorithm) -> None:
    """Whether a VRT may point elsewhere."""
    trust = QgsProcessingParameterBoolean(ALLOW_EXTERNAL, tr("Trust files that the image points to"), True)
    trust.setHelp(
        tr("A VRT may point to files or servers outside of its folder. QGIS has read them already to show the layer; "
           "untick it for images from strangers.")
    )  # fmt: skip
    algorithm.addParameter(advanced(trust))


def add_merge(algorithm: QgsProcessingAlgorithm) -> None:
    """How patches become one picture."""
    algorithm.addParameter(
        advanced(
            choice(
                MERGE, tr("Overlapping patches"),
                tr("'blend' has no seams; 'average' is the mean; 'montage' puts cores side by side."),
                (AS_ADVISED, *defaults.MERGES),
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            choice(
                TTA, tr("Look several times"),
                tr("'flips' also looks at the mirrored scene (4 times the work), 'd4' at the turned one (8 times): "
                   "a little better."),
                defaults.TTAS,
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            choice(
                REFINE, tr("Refine with the second network"),
                tr("Cleans borders and small errors by what lies around them."), (AS_ADVISED, YES, NO),
            )
        )
    )  # fmt: skip


def add_engine(algorithm: QgsProcessingAlgorithm) -> None:
    """What the networks run on."""
    add_device(algorithm)
    algorithm.addParameter(
        advanced(
            choice(
                PRECISION, tr("Precision"), tr("'auto': fp32 on a CPU, bf16 on a graphics card that has it."),
                defaults.PRECISIONS,
            )
        )
    )  # fmt: skip
    algorithm.addParameter(
        advanced(
            number(
                BATCH_SIZE, tr("Patches a step"), tr("On a graphics card; empty: as many as fit."), least=1, whole=True
            )
        )
    )
    algorithm.addParameter(
        advanced(
            number(THREADS, tr("CPU workers"), tr("Empty: all cores, or as set in the options."), least=1, whole=True)
        )
    )
    algorithm.addParameter(
        advanced(
            number(
                MAX_MEMORY, tr("Most memory (MB)"), tr("Empty: what the run's plan needs."),
                least=100, whole=True,
            )
        )
    )  # fmt: skip


def add_ground_truth(algorithm: QgsProcessingAlgorithm) -> None:
    """What polygons of labels do not say themselves."""
    background = text(
        BACKGROUND, tr("Class of what no polygon covers"),
        tr("For example 'background' or 'land', if all of the area is labelled. Empty: it is not known, and not used."),
    )  # fmt: skip
    algorithm.addParameter(background)
    _add_area(algorithm, tr("Area that is labelled"), tr("Only what lies inside is used. Empty: all of the image."))


def add_aoi(algorithm: QgsProcessingAlgorithm) -> None:
    """What is to be segmented."""
    _add_area(
        algorithm, tr("Area of interest"), tr("Only inside these polygons, in any CRS; what lies outside is no data.")
    )


def _add_area(algorithm: QgsProcessingAlgorithm, words: str, help_text: str) -> None:
    made = QgsProcessingParameterFeatureSource(AOI, words, [QgsProcessing.SourceType.TypeVectorPolygon], None, True)
    made.setHelp(help_text)
    algorithm.addParameter(made)


def add_device(algorithm: QgsProcessingAlgorithm) -> None:
    """What the network runs on."""
    devices = list(dict.fromkeys([settings.device(), defaults.DEVICE, "cpu", "cuda"]))
    words = tr("'auto' takes the graphics card if there is one; or cpu, cuda, cuda:1.")
    algorithm.addParameter(advanced(text(DEVICE, tr("Device"), words, default=settings.device(), hints=devices)))
