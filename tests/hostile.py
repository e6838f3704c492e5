"""Files from strangers: every kind of damage to headers, labels and models, each tried in a process with limits.

    python tests/hostile.py [--minutes 60] [--only tiff,vrt] [--seed 0]

prints a table: what, files tried, taken, refused in words, and what must be 0: crashes, hangs, out of memory, errors
without words. A case is made from its number alone, so that one that fails can be made
again: `--only tiff --seed 1234 --cases 1`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import shutil
import struct
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from scene_factory import make_scene

LIMIT_S = 20.0
"""A file that keeps us longer is a hang."""
LIMIT_BYTES = 3 << 30
"""Of memory, for the process; a file that makes us take more is one, too."""
MOST_GROWTH_BYTES = 700 << 20
ODD_NUMBERS = (0, 1, 2, 7, 8, 255, 256, 0x7FFF, 0xFFFF, 10**6, 10**9, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
TAGS = (256, 257, 258, 259, 262, 277, 278, 284, 317, 322, 323, 324, 325, 330, 338, 339, 347, 530, 33550, 34735, 42112)
"""Of TIFF: sizes, layout, compression, place."""
ODD_VALUES = (
    None, True, "", "x" * 10_000, "\0", -1, 0, 1e308, float("nan"), float("inf"), 10**9, 2**63, 10**400, [], {}, [[]],
    [1] * 1000, {"a": {"a": {}}}, "../../etc/passwd", "__import__('os').system('true')", [10**9, 10**9], "\ud800",
)  # fmt: skip


def damaged(content: bytes, chance: random.Random, head_bytes: int = 2048) -> bytes:
    """Some bytes changed, cut, doubled; most of them in the head."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 4, 16])):
        if not data:
            break
        span = len(data) if chance.random() < 0.2 else min(len(data), head_bytes)
        at = chance.randrange(span)
        kind = chance.randrange(7)
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at] = chance.randrange(256)
        elif kind in (2, 3):
            width = chance.choice([2, 4, 8])
            number = chance.choice(ODD_NUMBERS) & (1 << 8 * width) - 1
            data[at : at + width] = number.to_bytes(width, chance.choice(["little", "big"]))
        elif kind == 4:
            del data[at : at + chance.choice([1, 4, 64, 1024])]
        elif kind == 5:
            piece = data[at : at + chance.choice([1, 16, 256])]
            data[at:at] = piece * chance.choice([1, 3, 50])
        else:
            del data[max(1, at) :]
    return bytes(data)


def damaged_tiff(content: bytes, chance: random.Random) -> bytes:
    """Often a well-aimed lie: another value, count or type in an entry of the first directory."""
    if chance.random() < 0.3 or content[:4] != b"II*\0":
        return damaged(content, chance)
    data = bytearray(content)
    first = struct.unpack_from("<I", data, 4)[0]
    (entries,) = struct.unpack_from("<H", data, first)
    for _ in range(chance.choice([1, 1, 2, 3])):
        at = first + 2 + 12 * chance.randrange(entries)
        what = chance.randrange(4)
        if what == 0:
            struct.pack_into("<H", data, at + 2, chance.randrange(20))
        elif what == 1:
            struct.pack_into("<I", data, at + 4, chance.choice(ODD_NUMBERS) & 0xFFFFFFFF)
        elif what == 2:
            struct.pack_into("<I", data, at + 8, chance.choice(ODD_NUMBERS) & 0xFFFFFFFF)
        else:
            struct.pack_into("<H", data, at, chance.choice(TAGS))
    return bytes(data)


def damaged_json(text: str, chance: random.Random) -> str:
    """A value somewhere replaced by an odd one, or a key taken away."""
    root = json.loads(text)
    places: list[tuple[dict[str, object] | list[object], object]] = []

    def walk(node: object) -> None:
        keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            places.append((node, key))  # type: ignore[arg-type]
            walk(node[key])  # type: ignore[index]

    walk(root)
    for _ in range(chance.choice([1, 1, 2, 5])):
        node, key = chance.choice(places)
        try:
            if chance.random() < 0.2:
                del node[key]  # type: ignore[arg-type]
            else:
                node[key] = chance.choice(ODD_VALUES)  # type: ignore[index]
        except (KeyError, IndexError):
            continue
    return json.dumps(root)


@dataclass
class Kitchen:
    """Whole files to be damaged, made once."""

    folder: Path
    tiffs: list[bytes] = field(default_factory=list)
    pictures: list[tuple[str, bytes]] = field(default_factory=list)
    vrts: list[str] = field(default_factory=list)
    vectors: list[tuple[str, bytes]] = field(default_factory=list)
    model: bytes = b""
    scene: Path = Path()

    def __post_init__(self) -> None:
        self.scene = make_scene(self.folder / "scene.tif", 90, 70)
        self._make_rasters()
        self._make_vectors()
        from model_factory import make_model

        self.model = make_model(self.folder / "tiny.safetensors", gsd_m=0.3).read_bytes()

    def _make_rasters(self) -> None:
        import rasterio.shutil

        kinds: list[dict[str, object]] = [
            {}, {"compress": "jpeg"}, {"compress": "lzw", "predictor": 2}, {"compress": None, "tiled": False},
            {"overviews": (2, 4)}, {"compress": "zstd", "dtype": "uint16"}, {"nodata": 0, "dtype": "float32"},
            {"mask": np.arange(70)[:, None] > np.arange(90)}, {"alpha": np.full((70, 90), 255)},
            {"bigtiff": "YES"}, {"bands": 1, "palette": {0: (1, 2, 3, 255), 9: (4, 5, 6, 255)}},
            {"interleave": "pixel", "compress": "webp"},
        ]  # fmt: skip
        for number, kind in enumerate(kinds):
            path = make_scene(self.folder / f"kind{number}.tif", 90, 70, **kind)  # type: ignore[arg-type]
            self.tiffs.append(path.read_bytes())
        for ending, driver in ((".png", "PNG"), (".jpg", "JPEG"), (".jp2", "JP2OpenJPEG"), (".img", "HFA"),
                               (".gpkg", "GPKG"), (".ntf", "NITF"), (".webp", "WEBP"), (".vrt", "VRT")):  # fmt: skip
            path = self.folder / f"picture{ending}"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rasterio.shutil.copy(str(self.scene), str(path), driver=driver)
            if driver == "VRT":
                self.vrts.append(path.read_text())
            else:
                self.pictures.append((ending, path.read_bytes()))

    def _make_vectors(self) -> None:
        import geopandas
        from shapely.geometry import box

        shapes = [box(500_001 + i, 4_599_980, 500_009 + i, 4_599_999) for i in range(3)]
        frame = geopandas.GeoDataFrame({"class": ["a", "b", "c"]}, geometry=shapes, crs="EPSG:32633")
        for ending in (".geojson", ".gpkg", ".fgb", ".gml", ".csv"):
            path = self.folder / f"area{ending}"
            layout = {"GEOMETRY": "AS_WKT"} if ending == ".csv" else {}
            frame.to_file(path, **layout)
            self.vectors.append((ending, path.read_bytes()))


Prepared = Callable[[], None]
"""What is done with a prepared file; raises what it raises."""


def tiff(kitchen: Kitchen, folder: Path, chance: random.Random) -> Prepared:
    path = folder / "case.tif"
    path.write_bytes(damaged_tiff(chance.choice(kitchen.tiffs), chance))
    return lambda: look_at_scene(path)


def picture(kitchen: Kitchen, folder: Path, chance: random.Random) -> Prepared:
    ending, content = chance.choice(kitchen.pictures)
    path = folder / f"case{ending}"
    path.write_bytes(damaged(content, chance))
    return lambda: look_at_scene(path)


def vrt(kitchen: Kitchen, folder: Path, chance: random.Random) -> Prepared:
    shutil.copy(kitchen.scene, folder / "scene.tif")
    text = chance.choice(kitchen.vrts)
    for _ in range(chance.choice([1, 2, 4])):
        old = chance.choice(['rasterXSize="90"', 'rasterYSize="70"', "scene.tif", 'xSize="90"', 'yOff="0"', "Byte",
                             "<SourceBand>1<", 'band="2"', 'BlockXSize="', "SimpleSource", "0.3"])  # fmt: skip
        new = chance.choice([str(n) for n in ODD_NUMBERS] + ["scene.vrt", "", "ComplexSource", "nan", "-1", "Float64"])
        quoted = old.split('"')[0] + f'"{new}"' if '"' in old else new
        text = text.replace(old, quoted, chance.choice([1, -1]))
    path = folder / "case.vrt"
    path.write_bytes(damaged(text.encode(), chance) if chance.random() < 0.3 else text.encode())
    return lambda: look_at_scene(path)


def sidecar(kitchen: Kitchen, folder: Path, chance: random.Random) -> Prepared:
    """A whole scene with odd companions."""
    path = folder / "case.tif"
    path.write_bytes(chance.choice(kitchen.tiffs))
    ending = chance.choice([".ovr", ".msk", ".aux.xml"])
    content = chance.choice(kitchen.tiffs) if ending != ".aux.xml" else (
        b'<PAMDataset><SRS>EPSG:1</SRS><GeoTransform>1,2,3,4,5,6</GeoTransform><PAMRasterBand band="1">'
        b"<NoDataValue>nan</NoDataValue><CategoryNames><Category>a</Category></CategoryNames></PAMRasterBand></PAMDataset>"
    )  # fmt: skip
    (folder / f"case.tif{ending}").write_bytes(damaged(content, chance))
    return lambda: look_at_scene(path)


def vector(kitchen: Kitchen, folder: Path, chance: random.Random) -> Prepared:
    ending, content = chance.choice(kitchen.vectors)
    if ending == ".geojson" and chance.random() < 0.7:
        content = damaged_json(content.decode(), chance).encode()
    else:
        content = damaged(content, chance, head_bytes=len(content))
    path = folder / f"case{ending}"
    path.write_bytes(content)
    return lambda: look_at_area(kitchen.scene, path)


def model(kitchen: Kitchen, folder: Path, chance: random.Random) -> Prepared:
    content = kitchen.model
    length = int.from_bytes(content[:8], "little")
    header, tensors = json.loads(content[8 : 8 + length]), content[8 + length :]
    kind = chance.randrange(4)
    if kind == 0:
        text = json.dumps(header).encode()
        content = chance.choice(ODD_NUMBERS).to_bytes(8, "little") + text + tensors
    elif kind == 1:
        content = damaged(content, chance, head_bytes=length)
    elif kind == 2:
        text = damaged_json(json.dumps(header), chance).encode()
        content = len(text).to_bytes(8, "little") + text + tensors
    else:
        header["__metadata__"]["fctl"] = damaged_json(header["__metadata__"]["fctl"], chance)
        text = json.dumps(header).encode()
        content = len(text).to_bytes(8, "little") + text + tensors
    path = folder / "case.safetensors"
    path.write_bytes(content)
    return lambda: look_at_model(path)


def settings(kitchen: Kitchen, folder: Path, chance: random.Random) -> Prepared:
    from fctl_geo import Settings
    from fctl_geo.settings import EngineSettings, OutputSettings, PolygonSettings, SceneSettings

    names = ["model", "unknown", *(n for c in (EngineSettings, OutputSettings, PolygonSettings, SceneSettings)
                                   for n in c.__slots__)]  # fmt: skip
    values = {name: chance.choice(ODD_VALUES) for name in chance.sample(names, chance.randint(1, 4))}

    def run() -> None:
        Settings.of(values)

    return run


TARGETS = {f.__name__: f for f in (tiff, picture, vrt, sidecar, vector, model, settings)}


def look_at_scene(path: Path) -> None:
    """As `segment` would: open for a model, read at three levels here and there."""
    from fctl_geo.scene import describe_scene, open_scene
    from fctl_geo.spec import InputSpec
    from fctl_geo.windows.window import Window

    describe_scene(path)
    with open_scene(path, InputSpec()) as scene:
        height, width = scene.model_hw
        for factor in (1, 2, 3):
            for row, col in ((0, 0), (height // factor // 2, width // factor // 2), (height // factor, -9)):
                scene.read(Window(row, col, 60, 60), factor)
        scene.wanted(Window(0, 0, 60, 60))


def look_at_area(scene: Path, path: Path) -> None:
    from fctl_geo.scene import open_scene
    from fctl_geo.settings import SceneSettings
    from fctl_geo.spec import InputSpec
    from fctl_geo.windows.window import Window

    with open_scene(scene, InputSpec(), SceneSettings(aoi=path)) as opened:
        opened.wanted(Window(0, 0, 60, 60))


def look_at_model(path: Path) -> None:
    from fctl_geo.model.modelfile import load_networks, read_model_info

    load_networks(path, read_model_info(str(path)))


@dataclass
class Tally:
    """What became of the files of one kind."""

    name: str
    ends: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)

    def row(self) -> str:
        bad = [str(self.ends[end]) for end in ("crash", "hang", "memory", "without words")]
        good = f"{sum(self.ends.values())} | {self.ends['taken']} | {self.ends['refused']}"
        return f"| {self.name} | {good} | {' | '.join(bad)} |"


class Cook:
    """A process that tries cases; when it dies or hangs it is replaced, and the case was bad."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._pipe, far = self._context.Pipe()
        self._process = self._context.Process(target=serve, args=(far, str(self.folder)), daemon=True)
        self._process.start()
        far.close()
        assert self._pipe.recv() == "ready"

    def try_case(self, name: str, number: int) -> tuple[str, str]:
        """How it ended, and words."""
        self._pipe.send((name, number))
        try:
            if self._pipe.poll(LIMIT_S):
                end, words = self._pipe.recv()
                if end == "memory":
                    self.replace()
                return end, words
            end = "hang"
        except (EOFError, ConnectionResetError):
            end = "crash"
        self._process.join(1)
        code = self._process.exitcode
        self.replace()
        return end, f"exit code {code}"

    def replace(self) -> None:
        self.close()
        self._start()

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def serve(pipe: Connection, folder: str) -> None:
    """In the cook's process: make each case that is asked for, try it, tell how it ended."""
    from fctl_geo.errors import FctlError

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    kitchen = Kitchen(Path(tempfile.mkdtemp(dir=folder)))
    for target in TARGETS:  # what is imported and compiled once is no growth
        _try(kitchen, target, 0, FctlError)
    pipe.send("ready")
    while True:
        name, number = pipe.recv()
        before = _peak_bytes()
        end, words = _try(kitchen, name, number, FctlError)
        grown = _peak_bytes() - before
        pipe.send(("memory", f"{grown >> 20} MiB more") if grown > MOST_GROWTH_BYTES else (end, words))


def _try(kitchen: Kitchen, name: str, number: int, ours: type[Exception]) -> tuple[str, str]:
    with tempfile.TemporaryDirectory(dir=kitchen.folder) as case:
        use = TARGETS[name](kitchen, Path(case), random.Random(f"{name} {number}"))
        try:
            use()
        except ours as error:
            return "refused", str(error)
        except MemoryError as error:
            return "memory", str(error)
        except Exception as error:  # whatever it is, it is reported
            return "without words", f"{type(error).__name__}: {error}"[:400]
    return "taken", ""


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def try_all(names: list[str], seed: int, go_on: Callable[[int], bool]) -> list[Tally]:
    """Cases of each kind in turn, as long as `go_on` says so of the number of rounds."""
    tallies = {name: Tally(name) for name in names}
    with tempfile.TemporaryDirectory(prefix="fctl-hostile-") as folder:
        cook = Cook(Path(folder))
        number = seed
        while go_on(number - seed):
            for name, tally in tallies.items():
                end, words = cook.try_case(name, number)
                tally.ends[end] += 1
                if end not in ("taken", "refused"):
                    tally.troubles.append(f"{name} {number}: {end}: {words}")
                    print(tally.troubles[-1], file=sys.stderr, flush=True)
            number += 1
        cook.close()
    return list(tallies.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--cases", type=int, help="so many of each kind, instead of minutes")
    parser.add_argument("--only", default="", help=f"some of {', '.join(TARGETS)}")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    until = time.monotonic() + told.minutes * 60

    def go_on(rounds: int) -> bool:
        return rounds < told.cases if told.cases else time.monotonic() < until

    tallies = try_all(told.only.split(",") if told.only else list(TARGETS), told.seed, go_on)
    print("| kind | files | accepted | refused with a message | crash | hang | memory | without message |")
    print("|---" * 8 + "|")
    for tally in tallies:
        print(tally.row())
    troubles = [trouble for tally in tallies for trouble in tally.troubles]
    print("\n".join(["", *troubles]))
    sys.exit(bool(troubles))


if __name__ == "__main__":
    main()
